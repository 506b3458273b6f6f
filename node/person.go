package node

import (
	"context"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Role says what a person may do here.
type Role string

// The roles; each may do what those before it may.
const (
	RoleReader  Role = "reader"  // reads everything that the coop sees
	RoleEditor  Role = "editor"  // writes and answers in the coop's name
	RoleSteward Role = "steward" // settles who may do what, whom the coop talks with, and the node itself
)

// Roles lists them, the one that may do least first.
func Roles() []Role { return []Role{RoleReader, RoleEditor, RoleSteward} }

// ReadRole reads the name of a role. Invalid.
func ReadRole(s string) (Role, error) {
	for _, r := range Roles() {
		if string(r) == s {
			return r, nil
		}
	}
	return "", invalid("read role", fmt.Sprintf("%q is no role. There are reader, editor and steward.", s))
}

// Covers says whether one with this role may do what needs the other. What is no role covers nothing, and nothing
// covers it.
func (r Role) Covers(need Role) bool { return need.rank() > 0 && r.rank() >= need.rank() }

func (r Role) rank() int {
	for i, known := range Roles() {
		if r == known {
			return i + 1
		}
	}
	return 0
}

// A Person works here in the coop's name. Nobody else ever hears of persons: the coop speaks.
type Person struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`           // nobody else here has it, in any case
	Mail      string    `json:"mail,omitempty"` // nobody else here has it, in any case; "" if none is known
	Lang      string    `json:"lang,omitempty"` // of pages and notices; "" for what the browser says
	Role      Role      `json:"role"`
	Password  string    `json:"-"` // encoded Argon2id; "" for one who signs in by links
	Created   time.Time `json:"created"`
	Joined    time.Time `json:"joined,omitzero"`    // zero while only invited
	LastSeen  time.Time `json:"lastSeen,omitzero"`  // exact to a minute
	Suspended time.Time `json:"suspended,omitzero"` // zero while not
}

// By names the person where it is kept who did something (decisions 30).
func (p *Person) By() string { return byPerson + p.ID }

// Active says whether the person may sign in.
func (p *Person) Active() bool { return !p.Joined.IsZero() && p.Suspended.IsZero() }

const (
	maxPeople     = 1000
	maxPersonName = 100 // characters
	maxMail       = 254 // bytes (RFC 5321 4.5.3.1.3)
	maxLang       = 35  // bytes (RFC 5646 4.4.1)
)

// Validate checks name, address and role and brings name and address into the form that is kept. Errors: Invalid.
func (p *Person) Validate() error {
	const op = "check person"
	p.Name, p.Mail = strings.Join(strings.Fields(p.Name), " "), strings.TrimSpace(p.Mail)
	if unwritable := func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '@' }; p.Name == "" ||
		!utf8.ValidString(p.Name) || utf8.RuneCountInString(p.Name) > maxPersonName || strings.ContainsFunc(p.Name, unwritable) {
		return wrong(op, "person.name", "A person needs a name of 1 to %d characters without @.", maxPersonName)
	}
	if p.Mail != "" {
		if a, err := mail.ParseAddress(p.Mail); err != nil || a.Address != p.Mail || len(p.Mail) > maxMail {
			return wrong(op, "person.mail", "%q is no mail address. Write it like ana@coop.example.", p.Mail)
		}
	}
	if len(p.Lang) > maxLang {
		return invalid(op, fmt.Sprintf("%q is no language.", p.Lang))
	}
	_, err := ReadRole(string(p.Role))
	return err
}

// PersonKey is how names and mail addresses of persons are compared.
func PersonKey(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// People lists everybody who may work here or is invited, by name.
func (n *Node) People(ctx context.Context) ([]*Person, error) { return n.store.People(ctx) }

// Person finds one by id. NotFound.
func (n *Node) Person(ctx context.Context, id string) (*Person, error) {
	return n.store.Person(ctx, id)
}

// PersonByMail finds one by mail address. NotFound.
func (n *Node) PersonByMail(ctx context.Context, mail string) (*Person, error) {
	return n.store.PersonByMail(ctx, mail)
}

// FindPerson finds one by mail address, name or id. NotFound.
func (n *Node) FindPerson(ctx context.Context, ref string) (*Person, error) {
	if PersonKey(ref) != "" {
		for _, find := range []func(context.Context, string) (*Person, error){n.store.PersonByMail, n.store.PersonByName, n.store.Person} {
			if p, err := find(ctx, ref); !IsNotFound(err) {
				return p, err
			}
		}
	}
	return nil, &Error{Op: "find person", Kind: NotFound, Subject: ref, Text: fmt.Sprintf("There is no person %q here.", ref)}
}

// InvitePerson makes a person and the token of the invitation, which holds for 7 days and goes by mail too, where mail is set up. Until it is accepted the person
// cannot do anything. by names who did it. Errors: Invalid; Exists where a name or mail address is taken.
func (n *Node) InvitePerson(ctx context.Context, by, name, mail string, role Role) (token string, p *Person, err error) {
	now := n.Now()
	p = &Person{ID: NewID(), Name: name, Mail: mail, Role: role, Created: now}
	if err := p.Validate(); err != nil {
		return "", nil, err
	}
	pass, token := drawPass(PassInvite, p.ID, by, now)
	err = n.store.Tx(ctx, func(tx Tx) error {
		if all, err := tx.People(ctx); err != nil {
			return err
		} else if len(all) >= maxPeople {
			return wrong("invite person", "person.most", "At most %d persons can work here.", maxPeople)
		}
		if err := savePerson(ctx, tx, p); err != nil {
			return err
		}
		if err := tx.SavePass(ctx, pass); err != nil {
			return err
		}
		if _, err := n.mailLink(ctx, tx, p, token, pass.Expires, now); err != nil {
			return err
		}
		return n.note(ctx, tx, by, "person.invite", p.Name, string(p.Role), now)
	})
	if err != nil {
		return "", nil, err
	}
	return token, p, nil
}

// savePerson keeps a person whose name and mail address nobody else has. Errors: Exists.
func savePerson(ctx context.Context, tx Tx, p *Person) error {
	const op = "save person"
	if other, err := tx.PersonByName(ctx, p.Name); err == nil && other.ID != p.ID {
		return (&Error{Op: op, Kind: Exists, Subject: p.Name}).Saying("person.name.taken", "There is a person %q here already. Take a name that tells them apart.", other.Name)
	} else if err != nil && !IsNotFound(err) {
		return err
	}
	if p.Mail != "" {
		if other, err := tx.PersonByMail(ctx, p.Mail); err == nil && other.ID != p.ID {
			return (&Error{Op: op, Kind: Exists, Subject: p.Mail}).Saying("person.mail.taken", "%s here has the address %s already.", other.Name, other.Mail)
		} else if err != nil && !IsNotFound(err) {
			return err
		}
	}
	return tx.SavePerson(ctx, p)
}

// changePerson reads a person, lets change do its work on it and keeps it, with a line in the audit log. change returns
// what that line says besides.
func (n *Node) changePerson(ctx context.Context, by, id, action string, change func(tx Tx, p *Person, now time.Time) (text string, err error)) (p *Person, err error) {
	now := n.Now()
	err = n.store.Tx(ctx, func(tx Tx) error {
		if p, err = tx.Person(ctx, id); err != nil {
			return err
		}
		text, err := change(tx, p, now)
		if err != nil {
			return err
		}
		return n.note(ctx, tx, by, action, p.Name, text, now)
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// SetPerson changes the name, mail address and language of a person; what edit does to the rest is not kept. With another
// mail address all links end that were made before. Errors: NotFound, Invalid, Exists where a name or mail address is taken.
func (n *Node) SetPerson(ctx context.Context, by, id string, edit func(*Person)) (*Person, error) {
	return n.changePerson(ctx, by, id, "person.change", func(tx Tx, p *Person, _ time.Time) (string, error) {
		edited := *p
		edit(&edited)
		was := *p
		p.Name, p.Mail, p.Lang = edited.Name, edited.Mail, edited.Lang
		if err := p.Validate(); err != nil {
			return "", err
		}
		if was.Mail != p.Mail { // links were sent to the old one
			if err := tx.DropPasses(ctx, p.ID, ""); err != nil {
				return "", err
			}
		}
		if was.Name == p.Name {
			was.Name = ""
		}
		return was.Name, savePerson(ctx, tx, p)
	})
}

// SetRole gives a person another role and ends its sessions: rights never change under a session that goes on (SES-3, SES-6). Errors:
// NotFound, Invalid, Forbidden for the last steward.
func (n *Node) SetRole(ctx context.Context, by, id string, role Role) (*Person, error) {
	if _, err := ReadRole(string(role)); err != nil {
		return nil, err
	}
	return n.changePerson(ctx, by, id, "person.role", func(tx Tx, p *Person, _ time.Time) (string, error) {
		if p.Role == role {
			return string(role), nil
		}
		if err := notLast(ctx, tx, p); err != nil {
			return "", err
		}
		p.Role = role
		if err := tx.EndSessions(ctx, p.ID, ""); err != nil {
			return "", err
		}
		return string(role), tx.SavePerson(ctx, p)
	})
}

// SuspendPerson keeps a person out, at once: its sessions end and its links do not work any more (SES-6). Errors: NotFound,
// Forbidden for the last steward.
func (n *Node) SuspendPerson(ctx context.Context, by, id string) (*Person, error) {
	return n.changePerson(ctx, by, id, "person.suspend", func(tx Tx, p *Person, now time.Time) (string, error) {
		if err := notLast(ctx, tx, p); err != nil {
			return "", err
		}
		if p.Suspended.IsZero() {
			p.Suspended = now
		}
		if err := leave(ctx, tx, p); err != nil {
			return "", err
		}
		return "", tx.SavePerson(ctx, p)
	})
}

// RestorePerson lets a suspended person in again. Errors: NotFound.
func (n *Node) RestorePerson(ctx context.Context, by, id string) (*Person, error) {
	return n.changePerson(ctx, by, id, "person.restore", func(tx Tx, p *Person, _ time.Time) (string, error) {
		p.Suspended = time.Time{}
		return "", tx.SavePerson(ctx, p)
	})
}

// RemovePerson forgets a person, with its sessions and links. What it wrote is the coop's and stays; its name stays in
// the audit log. Errors: NotFound, Forbidden for the last steward.
func (n *Node) RemovePerson(ctx context.Context, by, id string) error {
	now := n.Now()
	return n.store.Tx(ctx, func(tx Tx) error {
		p, err := tx.Person(ctx, id)
		if err != nil {
			return err
		}
		if err := notLast(ctx, tx, p); err != nil {
			return err
		}
		// Before it is gone, for who removes itself has a name too.
		if err := n.note(ctx, tx, by, "person.remove", p.Name, "", now); err != nil {
			return err
		}
		return tx.RemovePerson(ctx, id)
	})
}

// leave ends all sessions and links of a person.
func leave(ctx context.Context, tx Tx, p *Person) error {
	if err := tx.EndSessions(ctx, p.ID, ""); err != nil {
		return err
	}
	return tx.DropPasses(ctx, p.ID, "")
}

// notLast refuses where p is the last steward who can sign in: nobody could let anybody in any more.
func notLast(ctx context.Context, tx Tx, p *Person) error {
	if p.Role != RoleSteward || !p.Active() {
		return nil
	}
	others, err := hasSteward(ctx, tx, p.ID)
	if err == nil && !others {
		err = (&Error{Op: "change person", Kind: Forbidden, Subject: p.Name}).Saying("person.last",
			"%s is the last steward here. Make somebody else a steward first, who has signed in once.", p.Name)
	}
	return err
}

// hasSteward says whether a steward other than this one can sign in.
func hasSteward(ctx context.Context, r Reader, without string) (bool, error) {
	all, err := r.People(ctx)
	for _, p := range all {
		if p.ID != without && p.Role == RoleSteward && p.Active() {
			return true, nil
		}
	}
	return false, err
}
