package node

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"time"
	"unicode"
)

// A Session is a person signed in with one browser. The browser alone holds its token.
type Session struct {
	ID        string    `json:"id"`
	Sum       string    `json:"-"` // of the token, see sumOf
	Person    string    `json:"person"`
	CSRF      string    `json:"-"` // what its forms carry; only where the token is known
	Created   time.Time `json:"created"`
	Seen      time.Time `json:"seen"`      // exact to a minute
	Ends      time.Time `json:"ends"`      // unless it is seen again before
	Confirmed time.Time `json:"confirmed"` // when the person last proved to be that person
	Agent     string    `json:"agent,omitempty"`
	Flash     string    `json:"-"` // what the next page has to say
}

// Times of sessions (SES-2, AUTHZ-2).
const (
	sessionIdle   = 12 * time.Hour
	sessionMost   = 7 * 24 * time.Hour
	sessionSeen   = time.Minute     // between two notes that it is in use
	sessionFresh  = 5 * time.Minute // dangerous things need a proof no older than this
	maxSessions   = 20              // of one person; then the one that was not used for longest ends
	maxAgent      = 300             // bytes
	maxFlashBytes = 4000
)

// drawToken makes a secret for a cookie or a link: 256 random bits, which nobody can guess and which are never kept (SES-1, LOGIN-6).
func drawToken() string {
	var b [32]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// sumOf is what is kept of a token: who reads the database cannot use it.
func sumOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// csrfOf is what the forms of a session carry. It follows from the token, so that it changes with it and is kept nowhere.
func csrfOf(token string) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("form"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// renew gives a session a new token and makes the present moment one at which the person proved who it is.
func (s *Session) renew(now time.Time) (token string) {
	token = drawToken()
	s.Sum, s.CSRF, s.Confirmed = sumOf(token), csrfOf(token), now
	s.touch(now)
	return token
}

// touch notes that a session is in use.
func (s *Session) touch(now time.Time) {
	s.Seen, s.Ends = now, now.Add(sessionIdle)
	if last := s.Created.Add(sessionMost); s.Ends.After(last) {
		s.Ends = last
	}
}

// StartSession signs a person in and gives the token for its browser, which is kept nowhere. Errors: NotFound, Forbidden for
// one who may not sign in.
func (n *Node) StartSession(ctx context.Context, person, agent string) (token string, s *Session, err error) {
	now := n.Now()
	s, token = newSession(person, agent, now)
	err = n.store.Tx(ctx, func(tx Tx) error {
		p, err := tx.Person(ctx, person)
		if err != nil {
			return err
		}
		return n.signIn(ctx, tx, p, s, now)
	})
	if err != nil {
		return "", nil, err
	}
	return token, s, nil
}

func newSession(person, agent string, now time.Time) (*Session, string) {
	agent = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(agent[:min(len(agent), maxAgent)], ""))
	s := &Session{ID: NewID(), Person: person, Created: now, Agent: agent}
	token := s.renew(now)
	return s, token
}

// signIn keeps a new session of a person, if it may sign in.
func (n *Node) signIn(ctx context.Context, tx Tx, p *Person, s *Session, now time.Time) error {
	if !p.Active() {
		return &Error{Op: "sign in", Kind: Forbidden, Subject: p.Name, Text: "This account cannot sign in. Ask a steward of your coop."}
	}
	all, err := tx.SessionsOf(ctx, p.ID)
	if err != nil {
		return err
	}
	for i := maxSessions - 1; i < len(all); i++ {
		if err := tx.EndSession(ctx, all[i].ID); err != nil {
			return err
		}
	}
	p.LastSeen = now
	if err := tx.SavePerson(ctx, p); err != nil {
		return err
	}
	if err := tx.SaveSession(ctx, s); err != nil {
		return err
	}
	return n.note(ctx, tx, p.By(), "session.start", p.Name, s.Agent, now)
}

// SessionOf gives the session of a token and its person, and notes at most once a minute that it is in use. NotFound
// for one that has ended: after 12 hours without use, 7 days after it began, or by somebody (SES-2, SES-4, SES-6).
func (n *Node) SessionOf(ctx context.Context, token string) (*Session, *Person, error) {
	now, sum := n.Now(), sumOf(token)
	s, p, err := liveSession(ctx, n.store, sum, now)
	if err == nil && now.Sub(s.Seen) >= sessionSeen {
		err = n.store.Tx(ctx, func(tx Tx) error {
			// It may have ended since it was read, and must not come back.
			if s, p, err = liveSession(ctx, tx, sum, now); err != nil {
				return err
			}
			s.touch(now)
			p.LastSeen = now
			if err := tx.SaveSession(ctx, s); err != nil {
				return err
			}
			return tx.SavePerson(ctx, p)
		})
		if errors.Is(err, ErrDisk) && s != nil { // a full disk is no reason not to read (DB-6)
			err = nil
		}
	}
	if err != nil {
		return nil, nil, err
	}
	s.CSRF = csrfOf(token)
	return s, p, nil
}

// liveSession reads a session that holds, with its person. NotFound.
func liveSession(ctx context.Context, r Reader, sum string, now time.Time) (*Session, *Person, error) {
	s, err := r.Session(ctx, sum)
	if err != nil {
		return nil, nil, err
	}
	p, err := r.Person(ctx, s.Person)
	if err != nil {
		return nil, nil, err
	}
	if !now.Before(s.Ends) || !p.Active() {
		return nil, nil, &Error{Op: "read session", Kind: NotFound, Subject: s.ID}
	}
	return s, p, nil
}

// IsFresh says whether the person of a session proved a short while ago to be that person: without it nothing dangerous is
// done (AUTHZ-2).
func (n *Node) IsFresh(s *Session) bool { return n.Now().Sub(s.Confirmed) < sessionFresh }

// Confirm notes that the person of a session has just proved to be that person, and gives it a new token; the old one
// ends (SES-3). Errors: NotFound.
func (n *Node) Confirm(ctx context.Context, id string) (token string, s *Session, err error) {
	now := n.Now()
	err = n.store.Tx(ctx, func(tx Tx) error {
		if s, err = tx.SessionByID(ctx, id); err != nil {
			return err
		}
		token = s.renew(now)
		return tx.SaveSession(ctx, s)
	})
	if err != nil {
		return "", nil, err
	}
	return token, s, nil
}

// EndSession signs a session out (SES-4). person is whose it must be. Errors: NotFound, also for another one's.
func (n *Node) EndSession(ctx context.Context, person, id string) error {
	now := n.Now()
	return n.store.Tx(ctx, func(tx Tx) error {
		s, err := tx.SessionByID(ctx, id)
		if err != nil {
			return err
		}
		p, err := tx.Person(ctx, s.Person)
		if err != nil {
			return err
		}
		if s.Person != person {
			return &Error{Op: "end session", Kind: NotFound, Subject: id}
		}
		if err := n.note(ctx, tx, p.By(), "session.end", p.Name, s.Agent, now); err != nil {
			return err
		}
		return tx.EndSession(ctx, id)
	})
}

// EndOtherSessions signs a person out everywhere but in the session with the id except (SES-7).
func (n *Node) EndOtherSessions(ctx context.Context, person, except string) error {
	now := n.Now()
	return n.store.Tx(ctx, func(tx Tx) error {
		p, err := tx.Person(ctx, person)
		if err != nil {
			return err
		}
		if err := n.note(ctx, tx, p.By(), "session.end", p.Name, "", now); err != nil {
			return err
		}
		return tx.EndSessions(ctx, person, except)
	})
}

// Sessions lists where a person is signed in, the one seen last first (SES-7).
func (n *Node) Sessions(ctx context.Context, person string) ([]*Session, error) {
	now := n.Now()
	all, err := n.store.SessionsOf(ctx, person)
	live := all[:0]
	for _, s := range all {
		if now.Before(s.Ends) {
			live = append(live, s)
		}
	}
	return live, err
}

// SetFlash keeps what the next page of a session has to say; "" for nothing. It is cut after 4,000 bytes. Errors: NotFound.
func (n *Node) SetFlash(ctx context.Context, id, flash string) error {
	flash = strings.ToValidUTF8(flash[:min(len(flash), maxFlashBytes)], "")
	return n.store.Tx(ctx, func(tx Tx) error {
		s, err := tx.SessionByID(ctx, id)
		if err != nil || s.Flash == flash {
			return err
		}
		s.Flash = flash
		return tx.SaveSession(ctx, s)
	})
}

// SetPassword gives a person another password, encoded, or none, and ends its other sessions and all of its links
// (SES-5). except is the id of the session that asks, or "". Errors: NotFound.
func (n *Node) SetPassword(ctx context.Context, by, id, encoded, except string) error {
	_, err := n.changePerson(ctx, by, id, "person.password", func(tx Tx, p *Person, _ time.Time) (string, error) {
		p.Password = encoded
		if err := tx.EndSessions(ctx, p.ID, except); err != nil {
			return "", err
		}
		if err := tx.DropPasses(ctx, p.ID, ""); err != nil {
			return "", err
		}
		return "", tx.SavePerson(ctx, p)
	})
	return err
}

// RenewPassword keeps the same password in another encoding, if it is still the one that was (LOGIN-1). Sessions go on.
func (n *Node) RenewPassword(ctx context.Context, id, was, encoded string) error {
	return n.store.Tx(ctx, func(tx Tx) error {
		p, err := tx.Person(ctx, id)
		if err != nil || p.Password != was {
			return err
		}
		p.Password = encoded
		return tx.SavePerson(ctx, p)
	})
}
