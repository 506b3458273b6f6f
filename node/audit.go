package node

import (
	"context"
	"strings"
	"time"
)

// An AuditEntry says who did what here, and when. It is for those who work here and never leaves the node.
type AuditEntry struct {
	Seq     int64     `json:"seq"` // its order; given by the store
	At      time.Time `json:"at"`
	Person  string    `json:"person,omitempty"`  // id; "" for a command
	Name    string    `json:"name"`              // as it was then; of a command: command:USER of the operating system
	Action  string    `json:"action"`            // a noun and a verb, or the verb that was said to others: person.role, Create
	Subject string    `json:"subject,omitempty"` // what it was done to: a name, an address, an id
	Text    string    `json:"text,omitempty"`    // what else is to be said
}

// AuditQuery selects entries, newest first.
type AuditQuery struct {
	Person string // id
	Before int64  // Seq
	Limit  int    // 1 to 200; 40 if 0
}

// AuditKept is how long entries are kept.
const AuditKept = 365 * 24 * time.Hour

const (
	byPerson  = "person:"  // then its id
	byCommand = "command:" // then the user of the operating system

	maxAuditText = 1000 // bytes
)

// AuditLog lists who did what, newest first.
func (n *Node) AuditLog(ctx context.Context, q AuditQuery) ([]*AuditEntry, error) {
	return n.store.AuditEntries(ctx, q)
}

// Note keeps that somebody did something, for what is done outside of this package. by names who did it.
func (n *Node) Note(ctx context.Context, by, action, subject, text string) error {
	now := n.Now()
	return n.store.Tx(ctx, func(tx Tx) error { return n.note(ctx, tx, by, action, subject, text, now) })
}

// note keeps in the audit log, in the transaction of what was done, who did it. What the node does by itself is not noted.
func (n *Node) note(ctx context.Context, tx Tx, by, action, subject, text string, now time.Time) error {
	e := &AuditEntry{At: now, Name: by, Action: action, Subject: cut(subject, maxAuditText), Text: cut(text, maxAuditText)}
	if id, ok := strings.CutPrefix(by, byPerson); ok {
		e.Person, e.Name = id, id
		if p, err := tx.Person(ctx, id); err == nil {
			e.Name = p.Name
		} else if !IsNotFound(err) {
			return err
		}
	} else if !strings.HasPrefix(by, byCommand) {
		return nil
	}
	return tx.NoteAudit(ctx, e)
}

// cut keeps at most so many bytes of a text.
func cut(s string, most int) string { return strings.ToValidUTF8(s[:min(len(s), most)], "") }
