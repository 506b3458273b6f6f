package node

import (
	"context"
	"math/rand/v2"
	"time"
)

// Who holds something and hears from others that it may have changed asks its home: not at once, for all who hear of
// it would come at the same moment (decisions 17). A renewal is that question.

// renewWithin is the time over which those who hear of a change spread their questions.
const renewWithin = time.Minute

// passOnUpdate follows a, an Update of something that is held: what is passed on of it may begin or end, and where it goes on
// those of our followers that are cooperatives hear of the Update: an Announce of it, which does not stand in the outbox. Others
// hear of it from its home, whose readers they are. before is how new our copy was.
func (n *Node) passOnUpdate(ctx context.Context, tx Tx, a *Act, before, now time.Time) error {
	iri := a.Object.Common().IRI
	shared := func() (bool, error) {
		r, err := tx.Reshare(ctx, iri)
		if IsNotFound(err) {
			return false, nil
		}
		return err == nil && r.State == ReshareShared, err
	}
	was, err := shared()
	if err != nil {
		return err
	}
	o, err := tx.Object(ctx, iri)
	if err != nil {
		return err
	}
	b := o.Common()
	if err := n.passOn(ctx, tx, o, a.Actor == b.Actor, "answer", now); err != nil {
		return err
	}
	is, err := shared()
	if err != nil || !was || !is || !b.Updated.After(before) || !a.HasID() || !SameOrigin(a.IRI, a.Actor) {
		return err
	}
	act := n.actAt("answer", Announce, now)
	act.ObjectIRI, act.To = iri, []string{n.Links.Followers()}
	act.Inner = &Act{IRI: a.IRI, Verb: Update, Actor: a.Actor, ObjectIRI: iri, Published: b.Updated}
	return n.say(ctx, tx, act, Recipients{Coops: true})
}

// onUpdateAnnounced takes the Announce of an Update. It brings nothing into the timeline and is no share: what we hold is looked
// at at its home. It says whether that was all; groups bring things by it that they have not announced before.
func (n *Node) onUpdateAnnounced(ctx context.Context, tx Tx, a *Act, now time.Time) (bool, error) {
	if n.Links.Ours(a.ObjectIRI) {
		return true, nil
	}
	if ok, err := n.hears(ctx, tx, a.Actor); !ok || err != nil {
		return true, err
	}
	o, err := tx.Object(ctx, a.ObjectIRI)
	if IsNotFound(err) {
		who, err := tx.Actor(ctx, a.Actor)
		return err == nil && who.Coop != nil, err
	} else if err != nil {
		return true, err
	}
	b := o.Common()
	if b.IRI != a.ObjectIRI || !b.Deleted.IsZero() || !a.Inner.Published.After(b.Updated) {
		return true, nil
	}
	return true, renewLater(ctx, tx, b.IRI, a.Inner.Published.Format(time.RFC3339Nano), now)
}

// shareEnded has a look taken at something that a federation passes on no more and that is open as far as we know: its
// author's own word may have been lost on the way here.
func (n *Node) shareEnded(ctx context.Context, tx Tx, actor, object string, now time.Time) error {
	if object == "" || n.Links.Ours(object) {
		return nil
	}
	if ok, err := n.hears(ctx, tx, actor); !ok || err != nil {
		return err
	}
	who, err := tx.Actor(ctx, actor)
	if err != nil || !who.IsFederation() {
		return err
	}
	o, err := tx.Object(ctx, object)
	if IsNotFound(err) || err == nil && (o.Common().IRI != object || !offered(o, now)) {
		return nil
	} else if err != nil {
		return err
	}
	return renewLater(ctx, tx, object, "", now)
}

// renewLater makes the task. Its data is the time of the version that there is said to be, "" for one that is not open.
func renewLater(ctx context.Context, tx Tx, object, version string, now time.Time) error {
	return tx.SaveTask(ctx, &Task{Kind: TaskRenew, Subject: object, Due: now.Add(rand.N(renewWithin)), Data: version})
}

// MustRenew says whether t, a TaskRenew, is still to be done: what it is about may have come by itself meanwhile.
func (n *Node) MustRenew(ctx context.Context, t *Task) (bool, error) {
	o, err := n.store.Object(ctx, t.Subject)
	if IsNotFound(err) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	if t.Data == "" {
		return offered(o, n.Now()), nil
	}
	version, err := time.Parse(time.RFC3339Nano, t.Data)
	return err == nil && o.Common().Deleted.IsZero() && o.Common().Updated.Before(version), err
}

// Renew puts an object as it was read at its home in the place of an older copy that is held. Nothing else is kept.
func (n *Node) Renew(ctx context.Context, fresh Object) error {
	now := n.Now()
	b := fresh.Common()
	n.tame(&Act{Object: fresh}, now)
	err := n.store.Tx(ctx, func(tx Tx) error {
		old, err := tx.LockObject(ctx, b.IRI)
		if IsNotFound(err) || err == nil && !replaces(b, old.Common()) {
			return nil
		} else if err != nil {
			return err
		}
		if err := n.renewForeign(ctx, tx, fresh, old.Common(), now); err != nil {
			return err
		}
		return n.passOnUpdate(ctx, tx, &Act{Actor: b.Actor, Object: fresh}, old.Common().Updated, now)
	})
	n.changed(err)
	return err
}

// replaces says whether fresh can stand in the place of old, which we hold of somebody else: it is of the same author and
// type, for a post that was kept as one does not come onto the board by an edit, and not older.
func replaces(fresh, old *Base) bool {
	return !old.Local && old.Actor == fresh.Actor && old.Deleted.IsZero() && old.Type == fresh.Type && !fresh.Updated.Before(old.Updated)
}
