package node

import (
	"context"
	"fmt"
	"time"
)

// Share passes an object on to followers and tells its author: an Announce of its id (decisions 17, interop.md
// 3.4). o is one that is known here, or that was fetched from its home and proved; it is kept. Only what everybody
// may see can be shared, once. by names who did it. Errors: Invalid, Gone, Exists.
func (n *Node) Share(ctx context.Context, by string, o Object) (*Reaction, error) {
	return n.reactTo(ctx, by, Announce, o)
}

// Like tells the author of an object that this coop likes it. Otherwise as Share, but whoever holds an object
// may like it.
func (n *Node) Like(ctx context.Context, by string, o Object) (*Reaction, error) {
	return n.reactTo(ctx, by, Like, o)
}

// reactTo says something of an object that can be said once.
func (n *Node) reactTo(ctx context.Context, by string, verb Verb, o Object) (*Reaction, error) {
	act := n.act(by, verb)
	act.ObjectIRI = o.Common().IRI
	found := &Act{IRI: act.IRI, Verb: verb, Actor: act.Actor, Object: o}
	if !o.Common().Local {
		n.tame(found, n.Now())
	}
	var r Reaction
	err := n.store.Tx(ctx, func(tx Tx) error {
		if err := n.keepForeign(ctx, tx, found, act.Published); err != nil {
			return err
		}
		held, err := tx.LockObject(ctx, act.ObjectIRI)
		if err != nil {
			return err
		}
		b := held.Common()
		if err := n.mayReact(ctx, tx, verb, b); err != nil {
			return err
		}
		if old, err := tx.Reaction(ctx, b.IRI, act.Actor, verb); err == nil {
			return &Error{Op: "react", Kind: Exists, Subject: b.IRI, Text: fmt.Sprintf("This coop has %s it already, on %s.", done(verb), old.At.Format(time.DateOnly))}
		} else if !IsNotFound(err) {
			return err
		}
		if verb == Announce {
			if err := n.handShared(ctx, tx, held, by, act.Published); err != nil {
				return err
			}
		}
		said := *act
		r, err = n.sayReaction(ctx, tx, &said, b)
		return err
	})
	n.changed(err)
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// sayReaction says act, a Like or Announce of b, and keeps it.
func (n *Node) sayReaction(ctx context.Context, tx Tx, act *Act, b *Base) (Reaction, error) {
	if b.Published.After(act.Published) { // Misskey refuses a share from before its note
		act.Published = b.Published.Add(time.Second).Truncate(time.Second)
	}
	r := Reaction{Object: b.IRI, Actor: act.Actor, Verb: act.Verb, IRI: act.IRI, At: act.Published}
	if err := tx.React(ctx, r); err != nil {
		return r, err
	}
	if act.Verb == Announce {
		e := &TimelineEntry{ObjectIRI: b.IRI, Actor: act.Actor, Verb: act.Verb, IRI: act.IRI, At: act.Published}
		if err := tx.Bring(ctx, e); err != nil {
			return r, err
		}
		if err := n.notePassed(ctx, tx, r.Actor, b.IRI, r.At); err != nil {
			return r, err
		}
	}
	return r, n.say(ctx, tx, act, n.hearReaction(act, b))
}

// mayReact says why this coop cannot share or like something.
func (n *Node) mayReact(ctx context.Context, tx Tx, verb Verb, b *Base) error {
	const op = "react"
	if b.Sample {
		return invented(op, b.IRI)
	}
	rules, err := tx.RulesFor(ctx, RuleTargets(b.Actor))
	if err != nil {
		return err
	}
	rule := Judge(rules)
	switch {
	case !b.Local && (rule.Refused() || verb == Announce && rule.Limited()): // MOD-1
		return blockedHere(op, b.Actor)
	case !b.Deleted.IsZero():
		return &Error{Op: op, Kind: Gone, Subject: b.IRI, Text: "It was deleted on " + b.Deleted.Format(time.DateOnly) + "."}
	case b.Draft:
		return invalid(op, "It is a draft. Publish it first.")
	case verb == Announce && !b.Audience.Listed():
		return invalid(op, "Its author meant it for some only, so it cannot be shared.")
	}
	return nil
}

// hearReaction addresses a Like or Announce of ours, or the Undo of one, and says whose inboxes hear of it.
func (n *Node) hearReaction(act *Act, b *Base) Recipients {
	var author []string
	if !b.Local {
		author = []string{b.Actor}
	}
	if act.Verb == Like || act.Inner != nil && act.Inner.Verb == Like {
		act.To = author
		return Recipients{Actors: author}
	}
	act.To, act.Cc = []string{PublicIRI}, append([]string{n.Links.Followers()}, author...)
	return Recipients{Followers: true, Actors: author}
}

func done(verb Verb) string {
	if verb == Like {
		return "liked"
	}
	return "shared"
}

// Unshare takes back a share of ours, for all who heard of it. by names who did it. Errors: NotFound.
func (n *Node) Unshare(ctx context.Context, by, ref string) error {
	return n.takeBack(ctx, by, Announce, ref)
}

// Unlike takes back a Like of ours. Errors: NotFound.
func (n *Node) Unlike(ctx context.Context, by, ref string) error {
	return n.takeBack(ctx, by, Like, ref)
}

func (n *Node) takeBack(ctx context.Context, by string, verb Verb, ref string) error {
	missing := &Error{Op: "take back", Kind: NotFound, Subject: ref, Text: fmt.Sprintf("This coop has not %s %s.", done(verb), ref)}
	o, err := n.store.Object(ctx, n.ref(ref)) // also of somebody whom a rule refuses since
	if IsNotFound(err) {
		return missing
	} else if err != nil {
		return err
	}
	act := n.act(by, Undo)
	err = n.store.Tx(ctx, func(tx Tx) error {
		r, err := tx.Reaction(ctx, o.Common().IRI, act.Actor, verb)
		if IsNotFound(err) {
			return missing
		} else if err != nil {
			return err
		}
		if err := n.undo(ctx, tx, act, o.Common(), r); err != nil || verb != Announce {
			return err
		}
		return n.noShare(ctx, tx, r.Object, ReshareRefused, by, act.Published)
	})
	n.changed(err)
	return err
}

// unshareAll takes back what we have shared of an actor.
func (n *Node) unshareAll(ctx context.Context, tx Tx, by, actor string, now time.Time) (count int, err error) {
	for {
		shared, more, err := tx.Objects(ctx, ObjectQuery{Actor: actor, SharedBy: n.Links.Actor(), Refused: true, Limit: 200})
		if err != nil {
			return count, err
		}
		for _, o := range shared {
			if err := n.unshare(ctx, tx, by, o.Common(), now); err != nil {
				return count, err
			}
		}
		if count += len(shared); more == "" {
			return count, nil
		}
	}
}

// unshare takes back our share of b, if there is one: of something that was deleted or is no longer for everybody, or
// by somebody whom a rule keeps off our pages. by names who did that, or is "answer" where its author elsewhere did.
func (n *Node) unshare(ctx context.Context, tx Tx, by string, b *Base, now time.Time) error {
	r, err := tx.Reaction(ctx, b.IRI, n.Links.Actor(), Announce)
	if IsNotFound(err) {
		return nil
	} else if err != nil {
		return err
	}
	return n.undo(ctx, tx, n.actAt(by, Undo, now), b, r)
}

// undo says act, an Undo, of our reaction r to b. It is about b, so that no inbox gets it before what it takes back.
func (n *Node) undo(ctx context.Context, tx Tx, act *Act, b *Base, r *Reaction) error {
	act.ObjectIRI = b.IRI
	act.Inner = &Act{IRI: r.IRI, Verb: r.Verb, Actor: r.Actor, ObjectIRI: r.Object}
	if err := tx.TakeBack(ctx, *r); err != nil {
		return err
	}
	if r.Verb == Announce {
		if err := tx.Unbring(ctx, &TimelineEntry{IRI: r.IRI, ObjectIRI: b.IRI, Actor: r.Actor}); err != nil {
			return err
		}
		if err := tx.UnlistAct(ctx, r.IRI); err != nil {
			return err
		}
		if err := n.noShare(ctx, tx, b.IRI, ReshareEnded, "", act.Published); err != nil {
			return err
		}
	}
	return n.say(ctx, tx, act, n.hearReaction(act, b))
}
