package node

import (
	"context"
	"slices"
	"time"
)

// A Remark is a post of somebody else that concerns us, with how far our people are with it.
type Remark struct {
	Why   Reason    `json:"why"`
	State Attention `json:"state"`
	At    time.Time `json:"at"` // when it came here

	Object Object `json:"item"`
	Author *Actor `json:"author,omitempty"` // nil for one whom this node has not read
}

// Reason says why a post concerns us.
type Reason string

// From the nearest to the farthest.
const (
	ReasonDirect  Reason = "direct"  // it is to us and to those it names, and to nobody else
	ReasonReply   Reason = "reply"   // it answers something of ours
	ReasonMention Reason = "mention" // it names us
	ReasonThread  Reason = "thread"  // it stands deeper in a conversation that we began
)

// Attention is how far our people are with a remark.
type Attention string

// A remark comes unread; answering or hiding it handles it.
const (
	Unread  Attention = "unread"
	Read    Attention = "read"
	Handled Attention = "handled"
)

// Attentions are all of them, in their order.
var Attentions = []Attention{Unread, Read, Handled}

// A Conversation is a thread as our people see it: the remarks in it, each with its state.
type Conversation struct {
	Root    string    `json:"root"`             // address of the object at its root
	Subject Object    `json:"subject"`          // that object, nil where this node does not have it
	Latest  time.Time `json:"latest"`           // when the newest of the remarks that were asked for came
	Seq     int64     `json:"seq"`              // its place: the next page begins before it
	Count   int       `json:"count"`            // remarks in it
	Unread  int       `json:"unread,omitempty"` // of those
	Remarks []*Remark `json:"remarks"`          // the newest twenty, oldest first
}

// ConversationQuery selects conversations, the one with the newest remark first. Zero fields do not
// narrow it.
type ConversationQuery struct {
	Thread string    // this one alone
	State  Attention // those with a remark in this state, ordered by the newest of these
	Before int64     // Seq of the last one seen
	Limit  int       // 1 to 200; 40 if 0
}

// RemarkQuery selects remarks. Zero fields do not narrow it.
type RemarkQuery struct {
	Object string // address of the post
	Thread string
	State  Attention
}

// Conversations lists what others say to us and beneath what we said, as threads.
func (n *Node) Conversations(ctx context.Context, q ConversationQuery) ([]*Conversation, error) {
	return n.store.Conversations(ctx, q)
}

// CountRemarks counts the remarks that match q.
func (n *Node) CountRemarks(ctx context.Context, q RemarkQuery) (int, error) {
	return n.store.CountRemarks(ctx, q)
}

// MarkRemarks sets the state of the remarks that match q, and returns how many it changed.
func (n *Node) MarkRemarks(ctx context.Context, q RemarkQuery, to Attention) (count int, err error) {
	if !slices.Contains(Attentions, to) {
		return 0, invalid("mark remarks", "A remark is "+listOf(Attentions)+", not \""+string(to)+"\".")
	}
	err = n.store.Tx(ctx, func(tx Tx) error {
		count, err = tx.MarkRemarks(ctx, q, to)
		return err
	})
	return count, err
}

// Hide takes what somebody else published off all public pages, feeds and collections of this node, or
// puts it back. Nobody is told. by names who did it. Errors: NotFound, Forbidden (ours), Gone (deleted).
func (n *Node) Hide(ctx context.Context, by, ref string, hide bool) (Object, error) {
	const op = "hide"
	found, err := n.Object(ctx, ref)
	if err != nil {
		return nil, err
	}
	now := n.Now()
	var o Object
	err = n.store.Tx(ctx, func(tx Tx) error {
		if o, err = tx.LockObject(ctx, found.Common().IRI); err != nil {
			return err
		}
		b := o.Common()
		switch {
		case b.Local:
			return &Error{Op: op, Kind: Forbidden, Subject: b.IRI, Text: "This is ours, and others have it already. Delete it, or change what it says."}
		case !b.Deleted.IsZero():
			return &Error{Op: op, Kind: Gone, Subject: b.IRI, Text: "Its author deleted it on " + b.Deleted.Format(time.DateOnly) + "."}
		}
		b.Hidden, b.HiddenBy = time.Time{}, ""
		action := "object.show"
		if hide {
			action = "object.hide"
			b.Hidden, b.HiddenBy = now, by
			if _, err := tx.MarkRemarks(ctx, RemarkQuery{Object: b.IRI}, Handled); err != nil {
				return err
			}
		}
		if err := tx.SaveObject(ctx, o); err != nil {
			return err
		}
		if err := n.note(ctx, tx, by, action, b.IRI, b.Title(), now); err != nil {
			return err
		}
		return n.passOn(ctx, tx, o, false, by, now)
	})
	n.changed(err)
	return o, err
}

// maxTasksDue is how many tasks may be due where strangers cause one more.
const maxTasksDue = 200

// notice puts a post that was kept from somebody else before our people, if it concerns us; parent is
// what it answers, nil where that is not known. Then it is fetched, for the thread would have a gap.
func (n *Node) notice(ctx context.Context, tx Tx, a *Act, parent *Base, now time.Time) error {
	p, ok := a.Object.(*Post)
	if !ok {
		return nil
	}
	why := n.concerns(p, a.Actor == p.Actor && contains(a.To, a.Cc, n.Links.Actor()), parent)
	if why == "" {
		return nil
	}
	if err := tx.SaveRemark(ctx, &Remark{Why: why, State: Unread, At: now, Object: p}, threadOf(&p.Base)); err != nil {
		return err
	}
	if err := n.tellRemark(ctx, tx, p, why, parent, now); err != nil {
		return err
	}
	if parent != nil || p.InReplyTo == "" || n.Links.Ours(p.InReplyTo) || !p.Audience.Listed() {
		return nil
	}
	if _, err := tx.Object(ctx, p.InReplyTo); !IsNotFound(err) {
		return err
	}
	if due, err := tx.DueTasks(ctx, now, maxTasksDue); err != nil || len(due) == maxTasksDue {
		return err // somebody keeps us busy: the gap stays
	}
	return tx.SaveTask(ctx, &Task{Kind: TaskParents, Subject: p.InReplyTo, Due: now})
}

// concerns says why a post of somebody else is for our people to see, "" if it is not; sent says that its
// author sent it to us.
func (n *Node) concerns(p *Post, sent bool, parent *Base) Reason {
	us := n.Links.Actor()
	named := sent || slices.Contains(p.To, us) || p.MentionsActor(us)
	switch {
	case p.Audience == Direct && named:
		return ReasonDirect
	case parent != nil && parent.Local:
		return ReasonReply
	case named:
		return ReasonMention
	case n.Links.Ours(p.Thread):
		return ReasonThread
	}
	return ""
}

// answered marks what a post of ours answers as handled.
func (n *Node) answered(ctx context.Context, tx Tx, b *Base) error {
	if b.InReplyTo == "" {
		return nil
	}
	_, err := tx.MarkRemarks(ctx, RemarkQuery{Object: b.InReplyTo}, Handled)
	return err
}

// KeepParents stores posts that were fetched from their homes because an answer to the first of them
// came without it. Each answers the next, and the last one answers something that this node has: if
// that is not so, nothing is kept, for a stranger could name anything.
func (n *Node) KeepParents(ctx context.Context, chain []Object) error {
	now := n.Now()
	acts := make([]*Act, len(chain))
	for i, o := range chain {
		b := o.Common()
		acts[i] = &Act{IRI: b.IRI, Verb: Create, Actor: b.Actor, ObjectIRI: b.IRI, Object: o, Published: b.Published}
		n.tame(acts[i], now)
	}
	slices.Reverse(acts)
	err := n.store.Tx(ctx, func(tx Tx) error {
		for _, a := range acts {
			b := a.Object.Common()
			parent, err := n.parentOf(ctx, tx, b)
			if err != nil || parent == nil || !b.Audience.Listed() || b.Type != TypePost { // the board is not for strangers
				return err
			}
			if err := n.keepAnswer(ctx, tx, a, parent, now); err != nil {
				return err
			}
		}
		return nil
	})
	n.changed(err)
	return err
}
