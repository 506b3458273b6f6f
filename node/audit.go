package node

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// An AuditEntry says who did what here, and when. It is for those who work here and never leaves the node.
type AuditEntry struct {
	Seq     int64     `json:"seq"` // its order; given by the store
	At      time.Time `json:"at"`
	Person  string    `json:"person,omitempty"`  // id; "" for a command
	Name    string    `json:"name"`              // as it was then; of a command: command:USER of the operating system
	Action  string    `json:"action"`            // one of AuditActions
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

// AuditActions are all that the log can tell of: what was done here, and the verbs of what was said to others.
func AuditActions() []string { return slices.Clone(auditActions) }

var auditActions = func() []string {
	list := []string{
		"backup.make", "backup.set", "delivery.drop", "delivery.resume", "delivery.retry", "draft.save", "follow.later", "follow.forget", "keys.revoke", "keys.rotate",
		"mail.end", "mail.set", "node.restore", "object.hide", "object.show", "person.change", "person.invite", "person.join", "person.link", "person.password",
		"export.actor", "export.coop", "export.person",
		"actor.erase", "person.erase", "person.remove", "person.reset", "person.restore", "person.role", "person.suspend", "person.welcome",
		"report.close", "rules.change", "rules.purge", "sample.load", "sample.remove", "session.end", "session.start",
		"share.refuse", "subscription.end", "subscription.start",
		"webhook.end", "webhook.set",
	}
	for _, v := range []Verb{Create, Update, Delete, Follow, Accept, Reject, Undo, Like, Announce, Add, Remove, Flag, Move, Join, Invite, Leave} {
		list = append(list, actionOf(v))
	}
	return list
}()

func actionOf(v Verb) string { return strings.ToLower(string(v)) }

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
	if !slices.Contains(auditActions, action) {
		return fmt.Errorf("note in audit log: %q is no action", action)
	}
	return tx.NoteAudit(ctx, e)
}

// noteAct notes what is said to others, but not that the list of what the profile features follows from it.
func (n *Node) noteAct(ctx context.Context, tx Tx, a *Act) error {
	if a.Target == n.Links.Featured() {
		return nil
	}
	title := ""
	if a.Object != nil {
		title = a.Object.Common().Title()
	}
	return n.note(ctx, tx, a.By, actionOf(a.Verb), a.ObjectIRI, title, a.Published)
}

// cut keeps at most so many bytes of a text.
func cut(s string, most int) string { return strings.ToValidUTF8(s[:min(len(s), most)], "") }
