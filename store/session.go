package store

import (
	"context"

	"github.com/coopnode/coopnode/node"
)

const fromSession = `
		select id, sum, person, created_ms, seen_ms, ends_ms, confirmed_ms, agent, flash
		  from session`

const (
	sessionBySum = fromSession + ` where sum = $1`
	sessionByID  = fromSession + ` where id = $1`
	sessionsOf   = fromSession + ` where person = $1 order by seen_ms desc, id`
	saveSession  = `
		insert into session (id, sum, person, created_ms, seen_ms, ends_ms, confirmed_ms, agent, flash)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		    on conflict (id) do update set
		       sum = excluded.sum, seen_ms = excluded.seen_ms, ends_ms = excluded.ends_ms,
		       confirmed_ms = excluded.confirmed_ms, flash = excluded.flash`
	endSession  = `delete from session where id = $1`
	endSessions = `delete from session where person = $1 and id <> $2`
)

// Session gives the session whose token has this sum. NotFound.
func (q questions) Session(ctx context.Context, sum string) (*node.Session, error) {
	return q.session(ctx, sessionBySum, sum, "")
}

// SessionByID gives a session. NotFound.
func (q questions) SessionByID(ctx context.Context, id string) (*node.Session, error) {
	return q.session(ctx, sessionByID, id, id)
}

func (q questions) session(ctx context.Context, text, key, subject string) (s *node.Session, err error) {
	err = q.on(ctx, func(c *conn) error {
		s, err = scanSession(c.row(text, key))
		return err
	})
	return s, sqliteError("read session", subject, err)
}

// SessionsOf lists the sessions of a person, the one seen last first.
func (q questions) SessionsOf(ctx context.Context, person string) (list []*node.Session, err error) {
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			s, err := scanSession(r)
			list = append(list, s)
			return err
		}, sessionsOf, person)
	})
	return list, sqliteError("list sessions", person, err)
}

// SaveSession keeps a session. Person, Created and Agent stay as they were first.
func (t tx) SaveSession(_ context.Context, s *node.Session) error {
	_, err := t.c.exec(saveSession, s.ID, s.Sum, s.Person, ms(s.Created), ms(s.Seen), ms(s.Ends), ms(s.Confirmed), s.Agent, s.Flash)
	return sqliteError("save session", s.ID, err)
}

// EndSession forgets a session; it is no error if it is gone.
func (t tx) EndSession(_ context.Context, id string) error {
	_, err := t.c.exec(endSession, id)
	return sqliteError("end session", id, err)
}

// EndSessions forgets the sessions of a person, but for the one with the id except.
func (t tx) EndSessions(_ context.Context, person, except string) error {
	_, err := t.c.exec(endSessions, person, except)
	return sqliteError("end sessions", person, err)
}

// SignOutAll forgets all sessions and all links.
func (t tx) SignOutAll(context.Context) error {
	for _, text := range []string{`delete from session`, `delete from pass`} {
		if _, err := t.c.exec(text); err != nil {
			return sqliteError("end sessions", "", err)
		}
	}
	return nil
}

func scanSession(r rowScanner) (*node.Session, error) {
	var s node.Session
	var created, seen, ends, confirmed int64
	err := r.Scan(&s.ID, &s.Sum, &s.Person, &created, &seen, &ends, &confirmed, &s.Agent, &s.Flash)
	if err != nil {
		return nil, err
	}
	s.Created, s.Seen, s.Ends, s.Confirmed = timeOf(created), timeOf(seen), timeOf(ends), timeOf(confirmed)
	return &s, nil
}
