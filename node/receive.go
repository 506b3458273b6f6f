package node

import (
	"context"
	"slices"
	"time"
)

// Receive gives a proved act its effect and marks its letter done, in one transaction. The
// desk has made sure that the act comes from its actor and that what it carries was said by its
// owner; here it is decided whether we want it and what it changes. A repeated act has no second
// effect; a verb that is not in the table has none at all.
func (n *Node) Receive(ctx context.Context, l *Letter, a *Act) error {
	handle := received[a.Verb]
	answer := n.act("answer", Accept)
	now := n.Now()
	ring := false
	err := n.store.Tx(ctx, func(tx Tx) error {
		seen, undone, err := tx.Seen(ctx, a.IRI)
		if err != nil {
			return err
		}
		// A Follow may come again, for its answer may have been lost; not after its Undo.
		if handle != nil && !undone && (!seen || a.Verb == Follow) {
			if err := handle(n, ctx, tx, a, answer, now); err != nil {
				return err
			}
		}
		if !undone {
			if err := tx.MarkSeen(ctx, a.IRI, a.Actor, false, now); err != nil {
				return err
			}
		}
		ring = handle != nil
		return tx.DropLetter(ctx, l.Seq)
	})
	if ring {
		n.changed(err)
	}
	return err
}

// received is the table: verb of an incoming act, what it changes. answer is an act of ours
// that may be sent back, made before the transaction.
var received = map[Verb]func(n *Node, ctx context.Context, tx Tx, a, answer *Act, now time.Time) error{
	Follow:   (*Node).onFollow,
	Undo:     (*Node).onUndo,
	Accept:   (*Node).onAccept,
	Reject:   (*Node).onReject,
	Create:   (*Node).onCreate,
	Update:   (*Node).onUpdate,
	Delete:   (*Node).onDelete,
	Like:     (*Node).onLike,
	Announce: (*Node).onAnnounce,
}

// Wants says whether an act of this verb can have any effect here.
func Wants(v Verb) bool { return received[v] != nil }

// onFollow takes a follower, at once or for a person to accept. A repeated Follow of an accepted
// follower gets its Accept again (decisions 23).
func (n *Node) onFollow(ctx context.Context, tx Tx, a, answer *Act, now time.Time) error {
	if a.ObjectIRI != n.Links.Actor() {
		return nil
	}
	us, err := tx.Actor(ctx, a.ObjectIRI)
	if err != nil {
		return err
	}
	f := &Following{Actor: a.Actor, State: Accepted, FollowIRI: a.IRI, Since: now}
	old, err := tx.Follower(ctx, a.Actor)
	switch {
	case err == nil:
		f.State, f.Since = old.State, old.Since
	case !IsNotFound(err):
		return err
	case us.ApprovesFollowers:
		f.State = Pending
	}
	if err := tx.SaveFollower(ctx, f); err != nil || f.State != Accepted {
		return err
	}
	return n.answerFollow(ctx, tx, answer, f)
}

// onUndo takes back a Follow, Like or Announce, found by its id or by actor and object: Mastodon
// undoes follows whose id it never sent, Pleroma names the id alone (interop.md 3.6).
func (n *Node) onUndo(ctx context.Context, tx Tx, a, _ *Act, now time.Time) error {
	in := a.Inner
	if in == nil || in.Actor != "" && in.Actor != a.Actor {
		return nil
	}
	if in.IRI != "" && SameOrigin(in.IRI, a.Actor) {
		if err := tx.MarkSeen(ctx, in.IRI, a.Actor, true, now); err != nil {
			return err
		}
	}
	f, err := tx.Follower(ctx, a.Actor)
	if err != nil && !IsNotFound(err) {
		return err
	}
	us := n.Links.Actor()
	if err == nil && (in.Verb == Follow && in.ObjectIRI == us || in.Verb == "" && in.IRI == f.FollowIRI) {
		return tx.RemoveFollower(ctx, a.Actor)
	}
	if in.Verb != "" && in.Verb != Like && in.Verb != Announce {
		return nil
	}
	if err := tx.TakeBack(ctx, Reaction{IRI: in.IRI, Object: in.ObjectIRI, Actor: a.Actor, Verb: in.Verb}); err != nil {
		return err
	}
	if in.Verb == Like {
		return nil
	}
	return tx.Unbring(ctx, &TimelineEntry{IRI: in.IRI, ObjectIRI: in.ObjectIRI, Actor: a.Actor})
}

// onAccept and onReject count only as the answer to a Follow of ours that waits, from the one
// whom we asked (ORG-9).
func (n *Node) onAccept(ctx context.Context, tx Tx, a, _ *Act, now time.Time) error {
	f, err := n.asked(ctx, tx, a)
	if f == nil || f.State == Accepted {
		return err
	}
	f.State, f.Since = Accepted, now
	if err := tx.SaveFollowed(ctx, f); err != nil {
		return err
	}
	return tx.SaveTask(ctx, &Task{Kind: TaskBackfill, Subject: a.Actor, Due: now})
}

func (n *Node) onReject(ctx context.Context, tx Tx, a, _ *Act, now time.Time) error {
	f, err := n.asked(ctx, tx, a)
	if f == nil {
		return err
	}
	f.State, f.Since = Rejected, now
	return tx.SaveFollowed(ctx, f)
}

// asked finds the Follow of ours that an Accept or Reject answers, nil if there is none.
func (n *Node) asked(ctx context.Context, tx Tx, a *Act) (*Following, error) {
	if a.Inner == nil {
		return nil, nil
	}
	f, err := tx.Followed(ctx, a.Actor)
	if IsNotFound(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	in := a.Inner
	if in.IRI == f.FollowIRI || in.Verb == Follow && in.Actor == n.Links.Actor() && in.ObjectIRI == a.Actor {
		return f, nil
	}
	return nil, nil
}

// onCreate keeps what somebody published, if we have a reason to: we follow its author, it
// answers something we know, or it names us.
func (n *Node) onCreate(ctx context.Context, tx Tx, a, _ *Act, now time.Time) error {
	if a.Object == nil || a.Object.Common().Actor != a.Actor {
		return nil
	}
	wanted, err := n.wanted(ctx, tx, a)
	if err != nil || !wanted {
		return err
	}
	return n.keepForeign(ctx, tx, a, now)
}

// onUpdate renews an object or an actor that we hold, from its owner alone (security.md 3). An object that
// we do not hold is taken like a new one.
func (n *Node) onUpdate(ctx context.Context, tx Tx, a, _ *Act, now time.Time) error {
	if a.Subject != nil {
		return n.renewActor(ctx, tx, a)
	}
	if a.Object == nil {
		return nil
	}
	b := a.Object.Common()
	if b.Actor != a.Actor {
		return nil
	}
	old, err := tx.LockObject(ctx, b.IRI)
	if IsNotFound(err) {
		return n.onCreate(ctx, tx, a, nil, now)
	} else if err != nil {
		return err
	}
	ob := old.Common()
	if ob.Local || ob.Actor != a.Actor || !ob.Deleted.IsZero() || b.Updated.Before(ob.Updated) {
		return nil
	}
	n.cleanObject(a.Object)
	b.Received, b.Thread = ob.Received, ob.Thread
	if b.InReplyTo == "" {
		b.InReplyTo = ob.InReplyTo
	}
	return tx.SaveObject(ctx, a.Object)
}

// renewActor keeps what an actor says of itself. Its key never comes this way (SIG-11).
func (n *Node) renewActor(ctx context.Context, tx Tx, a *Act) error {
	old, err := tx.Actor(ctx, a.Actor)
	if IsNotFound(err) || err == nil && (old.Local || a.Subject.IRI != a.Actor) {
		return nil
	} else if err != nil {
		return err
	}
	fresh := a.Subject
	fresh.KeyID, fresh.KeyPEM, fresh.Fetched, fresh.Gone = old.KeyID, old.KeyPEM, old.Fetched, old.Gone
	n.cleanActor(fresh)
	return tx.SaveActor(ctx, fresh)
}

// onDelete hides an object, remembers that it is gone, and forgets what it said; or forgets an actor.
func (n *Node) onDelete(ctx context.Context, tx Tx, a, _ *Act, now time.Time) error {
	if a.ObjectIRI == a.Actor {
		return tx.ForgetActor(ctx, a.Actor, now)
	}
	if !SameOrigin(a.ObjectIRI, a.Actor) {
		return nil
	}
	o, err := tx.LockObject(ctx, a.ObjectIRI)
	if IsNotFound(err) {
		return tx.MarkSeen(ctx, a.ObjectIRI, a.Actor, true, now) // a late Create is not shown
	} else if err != nil {
		return err
	}
	b := o.Common()
	if b.Local || b.Actor != a.Actor || !b.Deleted.IsZero() {
		return nil
	}
	gone := NewObject(b.Type)
	*gone.Common() = Base{ID: b.ID, IRI: b.IRI, Type: b.Type, Actor: b.Actor, Audience: b.Audience, URL: b.URL,
		Published: b.Published, Updated: b.Updated, Received: b.Received, Deleted: now, InReplyTo: b.InReplyTo, Thread: b.Thread}
	return tx.SaveObject(ctx, gone)
}

// onLike counts an actor once and makes it a reader.
func (n *Node) onLike(ctx context.Context, tx Tx, a, _ *Act, now time.Time) error {
	_, err := n.react(ctx, tx, a, now)
	return err
}

// onAnnounce counts a share of ours, or brings what a followed actor shares into the timeline.
func (n *Node) onAnnounce(ctx context.Context, tx Tx, a, _ *Act, now time.Time) error {
	if ours, err := n.react(ctx, tx, a, now); ours || err != nil {
		return err
	}
	if a.Object == nil || !a.Object.Common().Audience.Listed() {
		return nil
	}
	if ok, err := n.follows(ctx, tx, a.Actor); !ok || err != nil {
		return err
	}
	return n.keepForeign(ctx, tx, a, now)
}

// react keeps a Like or Announce of something that we published; false if it is not ours.
func (n *Node) react(ctx context.Context, tx Tx, a *Act, now time.Time) (bool, error) {
	if !n.Links.Ours(a.ObjectIRI) {
		return false, nil
	}
	o, err := tx.Object(ctx, a.ObjectIRI)
	if IsNotFound(err) {
		return true, nil
	} else if err != nil {
		return true, err
	}
	b := o.Common()
	if b.IRI != a.ObjectIRI || !b.Deleted.IsZero() || b.Draft || !b.Audience.Listed() {
		return true, nil
	}
	if err := tx.React(ctx, Reaction{Object: b.IRI, Actor: a.Actor, Verb: a.Verb, IRI: a.IRI, At: now}); err != nil {
		return true, err
	}
	return true, tx.AddReader(ctx, b.IRI, a.Actor, now)
}

// wanted says whether there is a reason to keep what an act carries.
func (n *Node) wanted(ctx context.Context, tx Tx, a *Act) (bool, error) {
	if ok, err := n.follows(ctx, tx, a.Actor); ok || err != nil {
		return ok, err
	}
	b := a.Object.Common()
	if slices.Contains(b.To, n.Links.Actor()) || contains(a.To, a.Cc, n.Links.Actor()) {
		return true, nil
	}
	if b.InReplyTo == "" {
		return false, nil
	}
	parent, err := tx.Object(ctx, b.InReplyTo)
	if IsNotFound(err) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	pb := parent.Common()
	return (pb.Local || n.Links.Ours(pb.Thread)) && pb.Deleted.IsZero() && !pb.Draft, nil
}

func (n *Node) follows(ctx context.Context, tx Tx, actor string) (bool, error) {
	f, err := tx.Followed(ctx, actor)
	if IsNotFound(err) {
		return false, nil
	}
	return err == nil && f.State == Accepted, err
}

// keepForeign stores an object of another node once, and says who brought it.
func (n *Node) keepForeign(ctx context.Context, tx Tx, a *Act, now time.Time) error {
	o := a.Object
	b := o.Common()
	if _, undone, err := tx.Seen(ctx, b.IRI); err != nil || undone {
		return err
	}
	old, err := tx.LockObject(ctx, b.IRI)
	switch {
	case IsNotFound(err):
		if err := n.placeInThread(ctx, tx, b); err != nil {
			return err
		}
		n.cleanObject(o)
		b.ID, b.Received = RemoteID(b.IRI), now
		if err := tx.SaveObject(ctx, o); err != nil {
			return err
		}
	case err != nil:
		return err
	case old.Common().Local || !old.Common().Deleted.IsZero() || old.Common().Actor != b.Actor:
		return nil
	case b.Updated.After(old.Common().Updated): // the shared copy is newer than ours
		n.cleanObject(o)
		b.ID, b.Received, b.Thread = old.Common().ID, old.Common().Received, old.Common().Thread
		if err := tx.SaveObject(ctx, o); err != nil {
			return err
		}
	}
	if ok, err := n.follows(ctx, tx, a.Actor); !ok || err != nil || b.Audience == Direct {
		return err
	}
	return tx.Bring(ctx, &TimelineEntry{ObjectIRI: b.IRI, Actor: a.Actor, Verb: a.Verb, IRI: a.IRI, At: arrival(a.Published, now)})
}

// arrival is the time by which something is ordered: when it was said, if that can be (JSON-5).
func arrival(said, now time.Time) time.Time {
	if said.Year() < 1970 || said.After(now) {
		return now
	}
	return said
}

// placeInThread finds the conversation to which a reply belongs.
func (n *Node) placeInThread(ctx context.Context, tx Tx, b *Base) error {
	if b.InReplyTo == "" {
		return nil
	}
	b.Thread = b.InReplyTo
	parent, err := tx.Object(ctx, b.InReplyTo)
	if IsNotFound(err) {
		return nil
	} else if err != nil {
		return err
	}
	b.Thread = threadOf(parent.Common())
	return nil
}

// cleanObject makes the texts of another node harmless (HTML-1: when stored; pages do it again).
func (n *Node) cleanObject(o Object) {
	texts := [][]Text{o.Common().Texts}
	if p, ok := o.(*Project); ok {
		texts = append(texts, p.Description, p.Lessons)
	}
	for _, list := range texts {
		for i := range list {
			list[i].HTML, list[i].Source = n.clean(list[i].HTML), ""
		}
	}
}

func (n *Node) cleanActor(a *Actor) {
	for i := range a.Summary {
		a.Summary[i].HTML, a.Summary[i].Source = n.clean(a.Summary[i].HTML), ""
	}
}

// KeepActor stores an actor as it was read from its home, key included.
func (n *Node) KeepActor(ctx context.Context, a *Actor) error {
	n.cleanActor(a)
	return n.store.Tx(ctx, func(tx Tx) error { return tx.SaveActor(ctx, a) })
}

// KeepFound stores an object that was read back from a followed actor's outbox. It counts as brought
// by the actor of the act.
func (n *Node) KeepFound(ctx context.Context, a *Act) error {
	now := n.Now()
	err := n.store.Tx(ctx, func(tx Tx) error {
		if ok, err := n.follows(ctx, tx, a.Actor); !ok || err != nil {
			return err
		}
		return n.keepForeign(ctx, tx, a, now)
	})
	n.changed(err)
	return err
}

// ActorGone removes a follower or followed whose home says that it is gone (decisions 29).
func (n *Node) ActorGone(ctx context.Context, iri string) error {
	now := n.Now()
	err := n.store.Tx(ctx, func(tx Tx) error { return tx.ForgetActor(ctx, iri, now) })
	n.changed(err)
	return err
}

// Fetched makes actor a reader of an object of ours, because it fetched it under its own signature
// (decisions 16).
func (n *Node) Fetched(ctx context.Context, object, actor string) error {
	now := n.Now()
	return n.store.Tx(ctx, func(tx Tx) error { return tx.AddReader(ctx, object, actor, now) })
}
