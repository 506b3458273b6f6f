package node

import (
	"context"
	"time"
)

// A Reaction is a Like or an Announce of an object.
type Reaction struct {
	Object string    `json:"object"`
	Actor  string    `json:"actor"`
	Verb   Verb      `json:"verb"`
	IRI    string    `json:"iri"` // id of the activity
	At     time.Time `json:"at"`
}

// onLike counts an actor once and makes it a reader.
func (n *Node) onLike(ctx context.Context, tx Tx, a, _ *Act, now time.Time) error {
	return n.react(ctx, tx, a, now)
}

// onAnnounce counts a share of ours, or brings what a followed actor shares into the timeline.
func (n *Node) onAnnounce(ctx context.Context, tx Tx, a, _ *Act, now time.Time) error {
	if a.Inner != nil && a.Inner.Verb == Update {
		if done, err := n.onUpdateAnnounced(ctx, tx, a, now); done || err != nil {
			return err
		}
	}
	if n.Links.Ours(a.ObjectIRI) {
		shared := *a
		shared.ObjectIRI = n.Links.Created(a.ObjectIRI)
		return n.react(ctx, tx, &shared, now)
	}
	if a.Object == nil || !a.Object.Common().Audience.Listed() {
		return nil
	}
	if ok, err := n.follows(ctx, tx, a.Actor); !ok || err != nil {
		return err
	}
	return n.keepForeign(ctx, tx, a, now)
}

// react keeps a Like or Announce of something that we published.
func (n *Node) react(ctx context.Context, tx Tx, a *Act, now time.Time) error {
	if !n.Links.Ours(a.ObjectIRI) {
		return nil
	}
	o, err := tx.Object(ctx, a.ObjectIRI)
	if IsNotFound(err) {
		return nil
	} else if err != nil {
		return err
	}
	b := o.Common()
	if b.IRI != a.ObjectIRI || !answerable(b) {
		return nil
	}
	if err := tx.React(ctx, Reaction{Object: b.IRI, Actor: a.Actor, Verb: a.Verb, IRI: a.IRI, At: now}); err != nil {
		return err
	}
	if a.Verb == Announce {
		// Others can call themselves what they like: the numbers tell of those whom we follow.
		if ok, err := n.follows(ctx, tx, a.Actor); err != nil {
			return err
		} else if ok {
			if err := n.notePassed(ctx, tx, a.Actor, b.IRI, now); err != nil {
				return err
			}
		}
	}
	return tx.AddReader(ctx, b.IRI, a.Actor, now)
}

// answerable says whether an object is ours and everybody may see it: whoever reacts to it becomes
// its reader, and a reader gets what it says next.
func answerable(b *Base) bool {
	return b.Local && b.Visible()
}

// Fetched makes actor a reader of an object of ours that everybody may see, because it fetched it
// under its own signature (decisions 16). Errors: NotFound.
func (n *Node) Fetched(ctx context.Context, object, actor string) error {
	now := n.Now()
	return n.store.Tx(ctx, func(tx Tx) error {
		o, err := tx.Object(ctx, object)
		if err != nil || !answerable(o.Common()) {
			return err
		}
		return tx.AddReader(ctx, o.Common().IRI, actor, now)
	})
}
