package store

import (
	"context"
	"time"

	"github.com/coopnode/coopnode/node"
)

const (
	reshareColumns = `object, actor, kind, state, since_ms, due_ms, passed_ms, times, by_who`
	reshareOf      = `select ` + reshareColumns + ` from reshare where object = $1`
	passedSince    = `select coalesce(sum(times), 0) from reshare where actor = $1 and passed_ms >= $2`
	saveReshare    = `
		insert into reshare (object, actor, kind, state, since_ms, due_ms, passed_ms, times, by_who)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		    on conflict (object) do update set
		       actor = excluded.actor, kind = excluded.kind, state = excluded.state, since_ms = excluded.since_ms,
		       due_ms = excluded.due_ms, passed_ms = excluded.passed_ms, times = excluded.times, by_who = excluded.by_who`
	dropReshare = `delete from reshare where object = $1`
)

// Reshare gives what became of an offer, by its address. NotFound.
func (q questions) Reshare(ctx context.Context, object string) (r *node.Reshare, err error) {
	err = q.on(ctx, func(c *conn) error {
		r, err = scanReshare(c.row(reshareOf, object))
		return err
	})
	return r, sqliteError("read re-share", object, err)
}

// Reshares lists those that match query, the one that has been in its state longest first.
func (q questions) Reshares(ctx context.Context, query node.ReshareQuery) (list []*node.Reshare, err error) {
	text, args := resharesText(query)
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			s, err := scanReshare(r)
			list = append(list, s)
			return err
		}, text, args...)
	})
	return list, sqliteError("list re-shares", "", err)
}

func resharesText(query node.ReshareQuery) (string, []any) {
	f := &filter{}
	if query.State != "" {
		f.and("state = " + f.arg(string(query.State)))
	}
	if query.Actor != "" {
		f.and("actor = " + f.arg(query.Actor))
	}
	if !query.DueAt.IsZero() {
		f.and("due_ms > 0 and due_ms <= " + f.arg(ms(query.DueAt)))
	}
	return "select " + reshareColumns + " from reshare" + f.where() +
		" order by since_ms, object limit " + f.arg(limitOr(query.Limit, 40, 1000)), f.args
}

// PassedSince counts how often something of an actor was passed on since then.
func (q questions) PassedSince(ctx context.Context, actor string, since time.Time) (n int, err error) {
	err = q.on(ctx, func(c *conn) error { return c.row(passedSince, actor, ms(since)).Scan(&n) })
	return n, sqliteError("count re-shares", actor, err)
}

func scanReshare(r rowScanner) (*node.Reshare, error) {
	var s node.Reshare
	var since, due, passed int64
	err := r.Scan(&s.ObjectIRI, &s.Actor, &s.Kind, &s.State, &since, &due, &passed, &s.Times, &s.By)
	s.Since, s.Due, s.Passed = timeOf(since), timeOf(due), timeOf(passed)
	return &s, err
}

// SaveReshare keeps what became of an offer, in place of what was.
func (t tx) SaveReshare(_ context.Context, r *node.Reshare) error {
	_, err := t.c.exec(saveReshare, r.ObjectIRI, r.Actor, r.Kind, string(r.State), ms(r.Since), ms(r.Due), ms(r.Passed), r.Times, r.By)
	return sqliteError("save re-share", r.ObjectIRI, err)
}

// DropReshare forgets one; it is no error if it is gone.
func (t tx) DropReshare(_ context.Context, object string) error {
	_, err := t.c.exec(dropReshare, object)
	return sqliteError("drop re-share", object, err)
}
