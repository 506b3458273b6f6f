package node

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Publish keeps a new object of ours and, unless it is a draft, tells followers and those it
// names. It fills in id, addresses, times and what may be left out. by names who did it.
// Errors: Invalid, saying which value is wrong.
func (n *Node) Publish(ctx context.Context, by string, o Object) error {
	b := o.Common()
	now := n.Now().Truncate(time.Second)
	b.ID, b.Local, b.Actor = NewID(), true, n.Links.Actor()
	b.IRI, b.URL = n.Links.Object(b.Type, b.ID), n.Links.Page(b.Type, b.ID)
	b.Published, b.Updated, b.Received = now, now, n.Now()
	if b.Audience == "" {
		b.Audience = Public
	}
	if err := n.ready(o); err != nil {
		return err
	}
	ids := newTelling(n, by)
	err := n.store.Tx(ctx, func(tx Tx) error {
		if p, ok := o.(*Post); ok {
			if err := n.joinThread(ctx, tx, p); err != nil {
				return err
			}
		}
		return n.keep(ctx, tx, o, ids, Create, false)
	})
	n.changed(err)
	return err
}

// Edit changes an object of ours and tells those who hold it. A draft stays one until edit sets
// Draft to false, which publishes it. edit may run more than once and sees the object as it
// is stored. Errors: NotFound, Forbidden (not ours), Gone (deleted), Invalid, and what edit returns.
func (n *Node) Edit(ctx context.Context, by, ref string, edit func(Object) error) (Object, error) {
	const op = "edit"
	found, err := n.Object(ctx, ref)
	if err != nil {
		return nil, err
	}
	iri := found.Common().IRI
	ids := newTelling(n, by)
	next := n.later(found.Common().Updated)
	var o Object
	err = n.store.Tx(ctx, func(tx Tx) error {
		if o, err = tx.LockObject(ctx, iri); err != nil {
			return err
		}
		b := o.Common()
		if err := n.mayChange(op, b); err != nil {
			return err
		}
		draft, updated, open := b.Draft, b.Updated, isOpenOpening(o, ids.now)
		if err := edit(o); err != nil {
			return err
		}
		if !next.After(updated) {
			next = updated.Add(time.Second)
		}
		b.Updated = next
		if draft && !b.Draft {
			b.Published, b.Updated = ids.now, ids.now
		}
		if err := n.ready(o); err != nil {
			return err
		}
		verb := Update
		if draft {
			verb = Create
		}
		return n.keep(ctx, tx, o, ids, verb, open)
	})
	n.changed(err)
	return o, err
}

// Delete removes an object of ours everywhere: a Tombstone stays at its address, and all who
// hold it are told. For mistakes and legal need; an opening that is over is closed, not deleted.
// Errors: NotFound, Forbidden (not ours), Gone.
func (n *Node) Delete(ctx context.Context, by, ref string) error {
	found, err := n.Object(ctx, ref)
	if err != nil {
		return err
	}
	iri := found.Common().IRI
	ids := newTelling(n, by)
	err = n.store.Tx(ctx, func(tx Tx) error {
		o, err := tx.LockObject(ctx, iri)
		if err != nil {
			return err
		}
		b := o.Common()
		if err := n.mayChange("delete", b); err != nil {
			return err
		}
		wasOpen := isOpenOpening(o, ids.now)
		project := b.Project
		gone := NewObject(b.Type)
		g := gone.Common()
		*g = Base{ID: b.ID, IRI: b.IRI, Type: b.Type, Actor: b.Actor, Local: true, Audience: b.Audience, To: b.To, URL: b.URL,
			Draft: b.Draft, Published: b.Published, Updated: b.Updated, Received: b.Received, Deleted: ids.now, InReplyTo: b.InReplyTo, Thread: b.Thread}
		if g.Raw, err = n.enc.EncodeObject(gone); err != nil {
			return err
		}
		if err := tx.SaveObject(ctx, gone); err != nil {
			return err
		}
		if b.Draft {
			return nil
		}
		if err := tx.UnlistAct(ctx, n.Links.Create(iri)); err != nil {
			return err
		}
		if wasOpen {
			if err := n.feature(ctx, tx, ids.feature, Remove, b); err != nil {
				return err
			}
			if err := n.refreshProject(ctx, tx, project, ids.now); err != nil {
				return err
			}
		}
		act := ids.main
		act.Verb, act.ObjectIRI, act.Object = Delete, iri, gone
		act.To, act.Cc = n.Links.Audience(o)
		return n.say(ctx, tx, act, n.recipients(o))
	})
	n.changed(err)
	return err
}

// Expire closes openings of ours whose deadline has passed: readers know already, and this tells
// those who only know what the text says. It returns how many.
func (n *Node) Expire(ctx context.Context) (int, error) {
	late, _, err := n.store.Objects(ctx, ObjectQuery{Type: TypeOpening, Local: true, LateAt: n.Now(), Limit: 50})
	if err != nil {
		return 0, err
	}
	for _, o := range late {
		_, err := n.Edit(ctx, "deadline", o.Common().IRI, func(o Object) error {
			if opening := o.(*Opening); opening.Status == Open {
				opening.Status = Expired
			}
			return nil
		})
		if err != nil {
			return 0, fmt.Errorf("expire %s: %w", o.Common().IRI, err)
		}
	}
	return len(late), nil
}

// telling holds the acts that one change may need, with ids and times drawn before the transaction.
type telling struct {
	main, feature *Act
	now           time.Time
}

func newTelling(n *Node, by string) telling {
	a := n.act(by, Update)
	return telling{main: a, feature: n.act(by, Add), now: a.Published}
}

// ready completes and checks an object of ours, and renders its texts.
func (n *Node) ready(o Object) error {
	b := o.Common()
	for i := range b.Texts {
		b.Texts[i].Title = strings.TrimSpace(b.Texts[i].Title)
		b.Texts[i].HTML = n.render(b.Texts[i])
		if l := b.Texts[i].Lang; l != "" && !ValidLanguage(l) {
			return validLanguages("check text", []string{l})
		}
	}
	for i, t := range b.Tags {
		b.Tags[i] = strings.TrimPrefix(strings.TrimSpace(t), "#")
	}
	b.Tags = slices.DeleteFunc(b.Tags, func(t string) bool { return t == "" })
	switch v := o.(type) {
	case *Opening:
		v.complete()
		return v.Validate(n.Now())
	case *Project:
		v.complete()
		for _, texts := range [][]Text{v.Description, v.Lessons} {
			for i := range texts {
				texts[i].HTML = n.render(texts[i])
			}
		}
		return v.Validate()
	case *Post:
		if len(v.Texts) == 0 || strings.TrimSpace(v.Texts[0].HTML) == "" {
			return invalid("check post", "The post is empty. Write some text.")
		}
	}
	return nil
}

// joinThread puts a post of ours into the conversation it answers and addresses the one it answers.
func (n *Node) joinThread(ctx context.Context, tx Tx, p *Post) error {
	if p.InReplyTo == "" {
		return nil
	}
	parent, err := tx.Object(ctx, p.InReplyTo)
	if IsNotFound(err) {
		return &Error{Op: "answer", Kind: NotFound, Subject: p.InReplyTo, Text: "This node does not know what you answer. Follow its author, or look at it with: coopnode inspect ADDRESS"}
	} else if err != nil {
		return err
	}
	pb := parent.Common()
	p.InReplyTo, p.Thread = pb.IRI, threadOf(pb)
	if pb.Audience == Direct {
		p.Audience = Direct
	}
	if pb.Actor == p.Actor || p.MentionsActor(pb.Actor) {
		return nil
	}
	author, err := tx.Actor(ctx, pb.Actor)
	if err != nil {
		return err
	}
	p.Mentions = append(p.Mentions, Mention{Actor: author.IRI, Address: author.Address()})
	return nil
}

// threadOf is the root of the conversation in which something that answers b stands.
func threadOf(b *Base) string {
	if b.Thread != "" {
		return b.Thread
	}
	return b.IRI
}

// keep stores the object with its document and, unless it is a draft, says so to those who
// shall hear it; wasOpen tells whether it was an open opening before.
func (n *Node) keep(ctx context.Context, tx Tx, o Object, t telling, verb Verb, wasOpen bool) error {
	b := o.Common()
	var err error
	if p, ok := o.(*Project); ok {
		if err := n.seeking(ctx, tx, p, t.now); err != nil {
			return err
		}
	}
	if b.Raw, err = n.enc.EncodeObject(o); err != nil {
		return err
	}
	if err := tx.SaveObject(ctx, o); err != nil || b.Draft {
		return err
	}
	act := t.main
	act.Verb, act.ObjectIRI, act.Object = verb, b.IRI, o
	act.To, act.Cc = n.Links.Audience(o)
	if verb == Create {
		act.IRI, act.Published = n.Links.Create(b.IRI), b.Published
	} else {
		// The outbox entry carries the object as it is now (decisions 25).
		again := *act
		again.Verb, again.IRI, again.Published = Create, n.Links.Create(b.IRI), b.Published
		if err := n.say(ctx, tx, &again, Recipients{}); err != nil {
			return err
		}
	}
	if err := n.say(ctx, tx, act, n.recipients(o)); err != nil {
		return err
	}
	isOpen := isOpenOpening(o, t.now)
	if isOpen == wasOpen {
		return nil
	}
	featured := Remove
	if isOpen {
		featured = Add
	}
	if err := n.feature(ctx, tx, t.feature, featured, b); err != nil {
		return err
	}
	return n.refreshProject(ctx, tx, b.Project, t.now)
}

// feature tells followers that an opening is now pinned to the profile, or no longer.
func (n *Node) feature(ctx context.Context, tx Tx, act *Act, verb Verb, b *Base) error {
	if !b.Audience.Listed() {
		return nil
	}
	act.Verb, act.ObjectIRI, act.Target = verb, b.IRI, n.Links.Featured()
	act.To, act.Cc = []string{PublicIRI}, []string{n.Links.Followers()}
	return n.say(ctx, tx, act, Recipients{Followers: true})
}

// seeking lists the open openings of a project in it.
func (n *Node) seeking(ctx context.Context, r Reader, p *Project, now time.Time) error {
	open, _, err := r.Objects(ctx, ObjectQuery{Type: TypeOpening, Project: p.IRI, OpenAt: now, Listed: true, Limit: 100})
	p.Seeking = nil
	for _, o := range open {
		p.Seeking = append(p.Seeking, o.Common().IRI)
	}
	return err
}

// refreshProject renews the document of a project of ours after one of its openings opened or
// closed. Nobody is told: a count is no edit (decisions 15), and those who hold the openings can count.
func (n *Node) refreshProject(ctx context.Context, tx Tx, iri string, now time.Time) error {
	if iri == "" || !n.Links.Ours(iri) {
		return nil
	}
	o, err := tx.LockObject(ctx, iri)
	if IsNotFound(err) {
		return nil
	} else if err != nil {
		return err
	}
	p, ok := o.(*Project)
	if !ok || !p.Deleted.IsZero() {
		return nil
	}
	if err := n.seeking(ctx, tx, p, now); err != nil {
		return err
	}
	if p.Raw, err = n.enc.EncodeObject(p); err != nil {
		return err
	}
	return tx.SaveObject(ctx, p)
}

// recipients says whose inboxes hear of an object of ours.
func (n *Node) recipients(o Object) Recipients {
	b := o.Common()
	to, cc := n.Links.Audience(o)
	r := Recipients{Followers: b.Audience != Direct, ReadersOf: b.IRI}
	for _, a := range append(to, cc...) {
		if a != PublicIRI && a != n.Links.Followers() {
			r.Actors = append(r.Actors, a)
		}
	}
	return r
}

func (n *Node) mayChange(op string, b *Base) error {
	if !b.Local {
		return &Error{Op: op, Kind: Forbidden, Subject: b.IRI, Text: "This was published by somebody else; only its author can change it."}
	}
	if !b.Deleted.IsZero() {
		return &Error{Op: op, Kind: Gone, Subject: b.IRI, Text: "It was deleted on " + b.Deleted.Format(time.DateOnly) + "."}
	}
	return nil
}

func isOpenOpening(o Object, now time.Time) bool {
	opening, ok := o.(*Opening)
	return ok && opening.IsOpen(now)
}
