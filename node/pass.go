package node

import (
	"context"
	"errors"
	"time"
)

// A Pass is a link that works once: whoever holds it is taken for the person whom it was made for.
type Pass struct {
	Kind    PassKind
	Sum     string // of the token, see sumOf
	Person  string // id; "" for one who is not known yet
	Expires time.Time
	By      string // which person or command made it

	Name, Mail string // of the person; filled in when it is asked for
	Role       Role   // the same; what a welcome will make of who takes it
}

// PassKind says what a pass is for.
type PassKind string

// The kinds of pass.
const (
	PassWelcome PassKind = "welcome" // makes the first steward (LOGIN-5)
	PassInvite  PassKind = "invite"
	PassReset   PassKind = "reset" // of a password (LOGIN-6)
	PassSignIn  PassKind = "sign-in"
)

// lasts is for how long a pass holds.
func (k PassKind) lasts() time.Duration {
	switch k {
	case PassWelcome:
		return time.Hour
	case PassInvite:
		return 7 * 24 * time.Hour
	}
	return 30 * time.Minute
}

// drawPass makes a pass and its token, which is kept nowhere.
func drawPass(kind PassKind, person, by string, now time.Time) (*Pass, string) {
	token := drawToken()
	return &Pass{Kind: kind, Sum: sumOf(token), Person: person, Expires: now.Add(kind.lasts()), By: by}, token
}

// Welcome makes the token with which the first steward comes in; earlier ones end. by names who did it. Errors:
// Forbidden where a steward can sign in already (LOGIN-5).
func (n *Node) Welcome(ctx context.Context, by string) (token string, err error) {
	now := n.Now()
	pass, token := drawPass(PassWelcome, "", by, now)
	err = n.store.Tx(ctx, func(tx Tx) error {
		if err := noSteward(ctx, tx); err != nil {
			return err
		}
		if err := tx.DropPasses(ctx, "", PassWelcome); err != nil {
			return err
		}
		if err := tx.SavePass(ctx, pass); err != nil {
			return err
		}
		return n.note(ctx, tx, by, "person.link", "", string(PassWelcome), now)
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// settingFirstMail is the mail address of the first steward, as who set the node up gave it.
const settingFirstMail = "first mail"

// ExpectSteward keeps the mail address of the first steward, which the form behind the welcome then proposes. Errors: Invalid,
// Forbidden where there is a steward.
func (n *Node) ExpectSteward(ctx context.Context, mail string) error {
	if !isMail(mail) {
		return invalid("expect steward", mail+" is no mail address. Write it like ana@coop.example.")
	}
	return n.store.Tx(ctx, func(tx Tx) error {
		if err := noSteward(ctx, tx); err != nil {
			return err
		}
		return tx.SetSetting(ctx, settingFirstMail, mail)
	})
}

// IsFounded says whether a steward can sign in, so that nobody can become the first one any more.
func (n *Node) IsFounded(ctx context.Context) (bool, error) { return hasSteward(ctx, n.store, "") }

func noSteward(ctx context.Context, r Reader) error {
	founded, err := hasSteward(ctx, r, "")
	if err == nil && founded {
		err = &Error{Op: "welcome", Kind: Forbidden, Text: "There is a steward here already, who can invite others."}
	}
	return err
}

// NewPass makes a token with which a person accepts the invitation, resets the password or signs in. by names who did
// it. Errors: NotFound, Forbidden for a suspended person, Invalid for an invitation that was accepted or a welcome.
func (n *Node) NewPass(ctx context.Context, by string, kind PassKind, person string) (token string, err error) {
	return n.makePass(ctx, by, kind, person, func(Tx, *Person, *Pass, string, time.Time) error { return nil })
}

// SendPass makes a token as NewPass does and sends it to the mail address of the person; nobody else gets to know it. sent is
// false where that cannot be: no mail is set up, the person has no address, or was sent enough of them. Then there is no
// token either, for strangers ask for links (LOGIN-3). Errors as NewPass.
func (n *Node) SendPass(ctx context.Context, by string, kind PassKind, person string) (sent bool, err error) {
	_, err = n.makePass(ctx, by, kind, person, func(tx Tx, p *Person, pass *Pass, token string, now time.Time) error {
		if sent, err := n.mailLink(ctx, tx, p, token, pass.Expires, now); err != nil || sent {
			return err
		}
		return errNotSent
	})
	if errors.Is(err, errNotSent) {
		return false, nil
	}
	n.changed(err)
	return err == nil, err
}

var errNotSent = errors.New("no mail goes there")

// makePass makes a token, and lets give do with it what is to be done in the same transaction.
func (n *Node) makePass(ctx context.Context, by string, kind PassKind, person string, give func(Tx, *Person, *Pass, string, time.Time) error) (token string, err error) {
	pass, token := (*Pass)(nil), ""
	_, err = n.changePerson(ctx, by, person, "person.link", func(tx Tx, p *Person, now time.Time) (string, error) {
		const op = "make link"
		switch {
		case !p.Suspended.IsZero():
			return "", (&Error{Op: op, Kind: Forbidden, Subject: p.Name}).Saying("person.suspended", "%s is suspended. Lift that first.", p.Name)
		case kind == PassInvite && !p.Joined.IsZero():
			return "", invalid(op, p.Name+" has accepted the invitation. A link to sign in or to choose a new password will do.")
		case kind != PassInvite && kind != PassReset && kind != PassSignIn:
			return "", invalid(op, "That is no link for a person who is known.")
		}
		pass, token = drawPass(kind, p.ID, by, now)
		if err := tx.SavePass(ctx, pass); err != nil {
			return "", err
		}
		return string(kind), give(tx, p, pass, token, now)
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// Pass tells what a token is for, without using it. NotFound for one that was used, has expired or never was.
func (n *Node) Pass(ctx context.Context, token string) (*Pass, error) {
	pass, _, err := livePass(ctx, n.store, sumOf(token), n.Now())
	return pass, err
}

// livePass reads a pass that can be used now, and its person, nil for a welcome. NotFound.
func livePass(ctx context.Context, r Reader, sum string, now time.Time) (*Pass, *Person, error) {
	gone := &Error{Op: "read link", Kind: NotFound,
		Text: "This link was used already, or its time is over. Ask for a new one."}
	pass, err := r.Pass(ctx, sum)
	if IsNotFound(err) || err == nil && !now.Before(pass.Expires) {
		return nil, nil, gone
	} else if err != nil {
		return nil, nil, err
	}
	if pass.Kind == PassWelcome {
		pass.Role = RoleSteward
		if founded, err := hasSteward(ctx, r, ""); err != nil {
			return nil, nil, err
		} else if founded {
			return nil, nil, gone
		}
		pass.Mail, err = r.Setting(ctx, settingFirstMail)
		if IsNotFound(err) {
			err = nil
		}
		return pass, nil, err
	}
	p, err := r.Person(ctx, pass.Person)
	if err != nil {
		return nil, nil, err
	}
	if !p.Suspended.IsZero() {
		return nil, nil, gone
	}
	pass.Name, pass.Mail, pass.Role = p.Name, p.Mail, p.Role
	return pass, p, nil
}

// A Guest is what somebody says who comes in by a link.
type Guest struct {
	Name     string // welcome and invitation; an invitation keeps the name that it was made for if empty
	Mail     string // welcome
	Lang     string // welcome and invitation
	Password string // welcome, invitation and reset: encoded; "" leaves what was there, which at first is none
	Agent    string // the browser
}

// redeemed is how the audit log calls it; that a session began is noted anyway.
var redeemed = map[PassKind]string{PassWelcome: "person.welcome", PassInvite: "person.join", PassReset: "person.reset"}

// RedeemPass uses a token, once, and signs its person in. What the link does, the end of the link and the new session
// are one change. A reset ends all other sessions (SES-5). Errors: NotFound as of Pass; Invalid; Exists where a
// name or mail address is taken. After an error the link can be used again.
func (n *Node) RedeemPass(ctx context.Context, token string, as Guest) (sessionToken string, s *Session, p *Person, err error) {
	now, sum := n.Now(), sumOf(token)
	s, sessionToken = newSession("", as.Agent, now)
	first := NewID()
	err = n.store.Tx(ctx, func(tx Tx) error {
		pass, known, err := livePass(ctx, tx, sum, now)
		if err != nil {
			return err
		}
		if p = known; p == nil {
			p = &Person{ID: first, Role: pass.Role, Mail: as.Mail, Created: now}
		}
		s.Person = p.ID
		if err := p.welcome(pass.Kind, as, now); err != nil {
			return err
		}
		if err := savePerson(ctx, tx, p); err != nil {
			return err
		}
		if pass.Kind == PassReset {
			if err := tx.EndSessions(ctx, p.ID, ""); err != nil {
				return err
			}
		}
		drop := func() error { return tx.DropPass(ctx, sum) }
		if pass.Kind != PassSignIn { // the others were made for who had no password, or a wrong one
			drop = func() error { return tx.DropPasses(ctx, pass.Person, "") }
		}
		if err := drop(); err != nil {
			return err
		}
		if action := redeemed[pass.Kind]; action != "" {
			if err := n.note(ctx, tx, p.By(), action, p.Name, "", now); err != nil {
				return err
			}
		}
		return n.signIn(ctx, tx, p, s, now)
	})
	if err != nil {
		return "", nil, nil, err
	}
	return sessionToken, s, p, nil
}

// welcome changes a person as one who comes in by a link of this kind wishes. Errors: Invalid.
func (p *Person) welcome(kind PassKind, as Guest, now time.Time) error {
	if kind == PassReset && as.Password == "" {
		return invalid("reset password", "Choose a new password.")
	}
	if kind == PassWelcome || kind == PassInvite {
		if as.Name != "" {
			p.Name = as.Name
		}
		if as.Lang != "" {
			p.Lang = as.Lang
		}
	}
	if kind != PassSignIn && as.Password != "" {
		p.Password = as.Password
	}
	if p.Joined.IsZero() {
		p.Joined = now
	}
	return p.Validate()
}
