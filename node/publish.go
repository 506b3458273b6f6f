package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Publish keeps a new object of ours and, unless it is a draft, tells followers and those it
// names. It fills in id, addresses, times and what may be left out. by names who did it.
// Errors: Invalid, saying which value is wrong; NotFound and Gone for what it answers or belongs to.
func (n *Node) Publish(ctx context.Context, by string, o Object) error {
	t := n.telling(by)
	b := o.Common()
	b.ID, b.Local, b.Actor = NewID(), true, n.Links.Actor()
	b.IRI, b.URL = n.Links.Object(b.Type, b.ID), n.Links.Page(b.Type, b.ID)
	b.Published, b.Updated, b.Received = t.now, t.now, t.now
	if b.Audience == "" {
		b.Audience = Public
	}
	if err := n.ready(o, t.now); err != nil {
		return err
	}
	err := n.store.Tx(ctx, func(tx Tx) error {
		if p, ok := o.(*Post); ok {
			if err := n.joinThread(ctx, tx, p); err != nil {
				return err
			}
		}
		return n.keep(ctx, tx, o, t, Create, standing{})
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
	t := n.telling(by)
	var o Object
	err = n.store.Tx(ctx, func(tx Tx) error {
		var err error
		if o, err = tx.LockObject(ctx, found.Common().IRI); err != nil {
			return err
		}
		b := o.Common()
		if err := mayChange(op, b); err != nil {
			return err
		}
		draft, audience, updated, was := b.Draft, b.Audience, later(t.now, b.Updated), standingOf(o)
		named := n.recipients(o).Actors
		if err := edit(o); err != nil {
			return err
		}
		verb := Update
		switch {
		case draft && !b.Draft:
			verb, b.Published, updated = Create, t.now, t.now
		case b.Draft && !draft:
			return wrong(op, "publish.draft", "It is published already and cannot be a draft again. Delete it, or change what it says.")
		case !draft && (audience.Listed() && !b.Audience.Listed() || audience == Followers && b.Audience == Direct):
			return wrong(op, "publish.wider", "More could see it before, so others have it already. Delete it and publish it anew for those who may see it.")
		}
		b.Updated = updated
		if err := n.mayAnswer(ctx, tx, b); err != nil {
			return err
		}
		if err := n.ready(o, t.now); err != nil {
			return err
		}
		if !draft {
			if err := n.remember(ctx, tx, o, named, t.now); err != nil {
				return err
			}
		}
		return n.keep(ctx, tx, o, t, verb, was)
	})
	n.changed(err)
	if err != nil {
		return nil, err
	}
	return o, nil
}

// Delete removes an object of ours everywhere: a Tombstone stays at its address, and all who
// hold it are told. For mistakes and legal need; an opening that is over is closed, not deleted.
// by names who did it. Errors: NotFound, Forbidden (not ours), Gone.
func (n *Node) Delete(ctx context.Context, by, ref string) error {
	found, err := n.Object(ctx, ref)
	if err != nil {
		return err
	}
	t := n.telling(by)
	err = n.store.Tx(ctx, func(tx Tx) error {
		o, err := tx.LockObject(ctx, found.Common().IRI)
		if err != nil {
			return err
		}
		b := o.Common()
		if err := mayChange("delete", b); err != nil {
			return err
		}
		if err := n.unshare(ctx, tx, by, b, t.now); err != nil {
			return err
		}
		gone := tombstone(b, t.now)
		if gone.Common().Raw, err = n.enc.EncodeObject(gone); err != nil {
			return err
		}
		if err := tx.WantPictures(ctx, b.IRI, AsShown, nil, t.now); err != nil {
			return err
		}
		if err := tx.SaveObject(ctx, gone); err != nil {
			return err
		}
		if err := n.leaveNothing(ctx, tx, t.now); err != nil {
			return err
		}
		if b.Draft {
			return n.note(ctx, tx, by, actionOf(Delete), b.IRI, b.Title(), t.now)
		}
		if err := tx.UnlistAct(ctx, n.Links.Create(b.IRI)); err != nil {
			return err
		}
		if err := n.move(ctx, tx, b.IRI, t, standingOf(o), standing{}); err != nil {
			return err
		}
		act := t.main
		act.Verb, act.ObjectIRI, act.Object = Delete, b.IRI, gone
		act.To, act.Cc = n.Links.Audience(o)
		return n.say(ctx, tx, &act, n.recipients(o))
	})
	n.changed(err)
	return err
}

// errNotLate ends the change of an opening that was changed by somebody else meanwhile.
var errNotLate = errors.New("the deadline has not passed, or it is closed already")

// Expire closes openings of ours whose deadline has passed, at most 50: readers know already, and
// this tells those who only know what the text says. It returns how many. One that cannot be closed
// does not hold back the others.
func (n *Node) Expire(ctx context.Context) (int, error) {
	now := n.Now()
	late, _, err := n.store.Objects(ctx, ObjectQuery{Type: TypeOpening, Local: true, LateAt: now, Limit: 50})
	if err != nil {
		return 0, err
	}
	count := 0
	var failed error
	for _, o := range late {
		iri := o.Common().IRI
		_, err := n.Edit(ctx, "deadline", iri, func(o Object) error {
			opening := o.(*Opening)
			if opening.Status != Open || opening.StatusAt(now) != Expired {
				return errNotLate
			}
			opening.Status = Expired
			return nil
		})
		switch {
		case err == nil:
			count++
		case !errors.Is(err, errNotLate) && KindOf(err) != Gone:
			failed = errors.Join(failed, fmt.Errorf("expire %s: %w", iri, err))
		}
	}
	return count, failed
}

// telling is what one change may say: its acts and its time, made before the transaction, which may
// run more than once.
type telling struct {
	main, feature Act
	now           time.Time
}

func (n *Node) telling(by string) telling {
	t := telling{main: *n.act(by, Update), feature: *n.act(by, Add)}
	t.now = t.main.Published
	return t
}

// ready completes and checks an object of ours, and renders its texts.
func (n *Node) ready(o Object, now time.Time) error {
	b := o.Common()
	if !slices.Contains(audiences, b.Audience) {
		return invalid("check audience", fmt.Sprintf("Those who may see it are %s, not %q.", listOf(audiences), b.Audience))
	}
	for i, t := range b.Texts {
		b.Texts[i].Title = strings.TrimSpace(t.Title)
	}
	if err := validTexts("check text", b.Texts); err != nil {
		return err
	}
	n.render(b.Texts)
	for i, t := range b.Tags {
		b.Tags[i] = strings.TrimPrefix(strings.TrimSpace(t), "#")
	}
	b.Tags = slices.DeleteFunc(b.Tags, func(t string) bool { return t == "" })
	switch v := o.(type) {
	case *Opening:
		v.complete()
		return v.Validate(now)
	case *Project:
		v.complete()
		n.render(v.Description)
		n.render(v.Lessons)
		return v.Validate()
	case *Post:
		return v.Validate()
	}
	return nil
}

// joinThread puts a post of ours into the conversation it answers and addresses the one it answers.
func (n *Node) joinThread(ctx context.Context, tx Tx, p *Post) error {
	const op = "answer"
	if p.InReplyTo == "" {
		return nil
	}
	parent, err := tx.Object(ctx, n.ref(p.InReplyTo))
	if IsNotFound(err) {
		return &Error{Op: op, Kind: NotFound, Subject: p.InReplyTo, Text: "This node does not know what you answer. Follow its author, or look at it with: coopnode inspect ADDRESS"}
	} else if err != nil {
		return err
	}
	pb := parent.Common()
	switch {
	case !pb.Deleted.IsZero():
		return &Error{Op: op, Kind: Gone, Subject: pb.IRI, Text: "What you answer was deleted on " + pb.Deleted.Format(time.DateOnly) + "."}
	case pb.Draft:
		return invalid(op, "What you answer is a draft. Publish it first.")
	case pb.Sample:
		return invented(op, pb.IRI)
	}
	p.InReplyTo, p.Thread = pb.IRI, threadOf(pb)
	switch { // an answer is never seen by more than what it answers was meant for
	case pb.Audience == Direct:
		p.Audience = Direct
	case pb.Audience == Followers && p.Audience.Listed():
		p.Audience = Followers
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

// mayAnswer refuses an answer that more would see than what it answers was meant for.
func (n *Node) mayAnswer(ctx context.Context, tx Tx, b *Base) error {
	if b.InReplyTo == "" {
		return nil
	}
	parent, err := tx.Object(ctx, b.InReplyTo)
	if IsNotFound(err) {
		return nil
	} else if err != nil {
		return err
	}
	switch may := parent.Common().Audience; {
	case may == Direct && b.Audience != Direct, may == Followers && b.Audience.Listed():
		return invalid("check audience", fmt.Sprintf("It answers something that was not said to everybody (%s), so it cannot be %s.", may, b.Audience))
	}
	return nil
}

// threadOf is the root of the conversation in which something that answers b stands.
func threadOf(b *Base) string {
	if b.Thread != "" {
		return b.Thread
	}
	return b.IRI
}

// joinProject turns what a person wrote for a project - its id, address or page - into its address.
// One that lives elsewhere need not be known here.
func (n *Node) joinProject(ctx context.Context, tx Tx, b *Base) error {
	const op = "join project"
	if b.Project == "" {
		return nil
	}
	o, err := tx.Object(ctx, n.ref(b.Project))
	switch {
	case err == nil && o.Common().Sample:
		return invented(op, b.Project)
	case err == nil && o.Common().Type == TypeProject:
		b.Project = o.Common().IRI
	case err == nil:
		return invalid(op, fmt.Sprintf("%s is no project. Give the id or the address of one.", b.Project))
	case !IsNotFound(err):
		return err
	case n.Links.Ours(b.Project) || HostOf(b.Project) == "":
		return &Error{Op: op, Kind: NotFound, Subject: b.Project, Text: fmt.Sprintf("There is no project %q here. Give the id or the address of one.", b.Project)}
	}
	return nil
}

// keep stores the object with its document and, unless it is a draft, says so to those who
// shall hear it; was is where others found it before.
func (n *Node) keep(ctx context.Context, tx Tx, o Object, t telling, verb Verb, was standing) error {
	b := o.Common()
	if err := n.joinProject(ctx, tx, b); err != nil {
		return err
	}
	switch o := o.(type) {
	case *Project:
		if err := n.seeking(ctx, tx, o, t.now); err != nil {
			return err
		}
	case *Opening:
		if sample, err := samples(ctx, tx, o.OnBehalfOf); err != nil {
			return err
		} else if sample { // its address leads nowhere
			return invented("publish", o.OnBehalfOf)
		}
	}
	err := n.showPictures(ctx, tx, b, t.now)
	if err != nil {
		return err
	}
	if b.Raw, err = n.enc.EncodeObject(o); err != nil {
		return err
	}
	if err := tx.SaveObject(ctx, o); err != nil {
		return err
	}
	if b.Draft {
		return n.note(ctx, tx, t.main.By, "draft.save", b.IRI, b.Title(), t.now)
	}
	act := t.main
	act.Verb, act.ObjectIRI, act.Object = verb, b.IRI, o
	if act.To, act.Cc = n.Links.Audience(o); len(act.To) == 0 {
		return wrong("check audience", "publish.nobody", "It is direct, but for nobody. Name those who shall read it.")
	}
	r := n.recipients(o)
	if err := n.canReach(ctx, tx, b, r.Actors); err != nil {
		return err
	}
	if verb == Create {
		act.IRI, act.Published = n.Links.Create(b.IRI), b.Published
		if err := n.answered(ctx, tx, b); err != nil {
			return err
		}
	} else if err := n.renewCreate(ctx, tx, o); err != nil {
		return err
	}
	if err := n.say(ctx, tx, &act, r); err != nil {
		return err
	}
	return n.move(ctx, tx, b.IRI, t, was, standingOf(o))
}

// canReach refuses something for those named alone where one of them has no inbox that we know.
func (n *Node) canReach(ctx context.Context, tx Tx, b *Base, named []string) error {
	if b.Audience != Direct {
		return nil
	}
	for _, iri := range named {
		if _, err := tx.Actor(ctx, iri); IsNotFound(err) {
			return invalid("address", fmt.Sprintf("This node does not know %s, so it cannot write to it. Look it up first: coopnode inspect %s", iri, iri))
		} else if err != nil {
			return err
		}
	}
	return nil
}

// remember makes those whom an object named before and names no more its readers: they hold it, and shall hear
// of its changes and its end (decisions 16).
func (n *Node) remember(ctx context.Context, tx Tx, o Object, before []string, now time.Time) error {
	named := n.recipients(o).Actors
	for _, iri := range before {
		if slices.Contains(named, iri) {
			continue
		}
		if err := tx.AddReader(ctx, o.Common().IRI, iri, now); err != nil {
			return err
		}
	}
	return nil
}

// renewCreate puts an object as it is now into the outbox entry that published it, and tells nobody
// (decisions 25).
func (n *Node) renewCreate(ctx context.Context, tx Tx, o Object) error {
	b := o.Common()
	act := &Act{IRI: n.Links.Create(b.IRI), Verb: Create, Actor: b.Actor, ObjectIRI: b.IRI, Object: o, Published: b.Published}
	act.To, act.Cc = n.Links.Audience(o)
	return n.say(ctx, tx, act, Recipients{})
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

func mayChange(op string, b *Base) error {
	if !b.Local {
		return &Error{Op: op, Kind: Forbidden, Subject: b.IRI, Text: "This was published by somebody else; only its author can change it."}
	}
	if !b.Deleted.IsZero() {
		return &Error{Op: op, Kind: Gone, Subject: b.IRI, Text: "It was deleted on " + b.Deleted.Format(time.DateOnly) + "."}
	}
	return nil
}

// tombstone is what stays of an object that was deleted: its address and its place in a
// conversation, nothing of what it said.
func tombstone(b *Base, now time.Time) Object {
	gone := NewObject(b.Type)
	*gone.Common() = Base{ID: b.ID, IRI: b.IRI, Type: b.Type, Actor: b.Actor, Local: b.Local, Audience: b.Audience, To: b.To, URL: b.URL,
		Draft: b.Draft, Published: b.Published, Updated: b.Updated, Received: b.Received, Deleted: now, InReplyTo: b.InReplyTo, Thread: b.Thread}
	return gone
}
