package node

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// A Moving is a move of an actor to another address that was proved.
type Moving struct {
	Actor  string
	Target string
	At     time.Time
}

// moveRest is how long somebody who has moved stays where it is: as elsewhere (interop.md 3.6), and so that two
// who name each other do not lead us in a circle.
const moveRest = 7 * 24 * time.Hour

// MaxAliases is how many other addresses an actor may have (security.md 4, LIM).
const MaxAliases = 10

// onMove carries our follow of somebody who has moved over to its new address, with a Follow that it has to accept
// as anybody does. The desk has proved the move: only then is Subject the new actor. Followers of ours who
// move are not touched: the new one follows by itself or not at all (ORG-12).
func (n *Node) onMove(ctx context.Context, tx Tx, a, answer *Act, now time.Time) error {
	if a.Subject == nil || a.Subject.IRI == n.Links.Actor() {
		return nil
	}
	if refused, err := n.refuses(ctx, tx, a.Subject.IRI); refused || err != nil {
		return err
	}
	f, err := tx.Followed(ctx, a.Actor)
	if IsNotFound(err) || err == nil && !f.Live() {
		return nil
	} else if err != nil {
		return err
	}
	for _, who := range []string{a.Actor, a.Subject.IRI} {
		last, err := tx.LastMove(ctx, who)
		if err == nil && now.Sub(last.At) < moveRest {
			return nil
		} else if err != nil && !IsNotFound(err) {
			return err
		}
	}
	if err := tx.SaveMove(ctx, &Moving{a.Actor, a.Subject.IRI, now}); err != nil {
		return err
	}
	old, err := tx.Actor(ctx, a.Actor)
	if err != nil {
		return err
	}
	old.MovedTo = a.Subject.IRI
	if err := tx.SaveActor(ctx, old); err != nil {
		return err
	}
	f.State, f.Since = Moved, now
	if err := tx.SaveFollowed(ctx, f); err != nil {
		return err
	}
	undo := *answer
	undo.IRI, undo.Verb = n.Links.Activity(NewID()), Undo
	if err := n.endFollow(ctx, tx, &undo, f); err != nil {
		return err
	}
	if there, err := tx.Followed(ctx, a.Subject.IRI); err == nil && there.Live() {
		return nil
	} else if err != nil && !IsNotFound(err) {
		return err
	}
	follow := *answer
	follow.Verb = Follow
	_, err = n.ask(ctx, tx, &follow, a.Subject.IRI)
	return err
}

// AddAlias says of this coop that target is it too, so that target can move here, and tells followers. by names
// who did it. Errors: Invalid, Exists.
func (n *Node) AddAlias(ctx context.Context, by string, target *Actor) (*Actor, error) {
	const op = "add alias"
	return n.SaveProfile(ctx, by, func(us *Actor) error {
		switch {
		case target.IRI == us.IRI:
			return invalid(op, "That is this coop itself.")
		case slices.Contains(us.AlsoKnownAs, target.IRI):
			return &Error{Op: op, Kind: Exists, Subject: target.IRI, Text: target.IRI + " is an alias of this coop already."}
		case len(us.AlsoKnownAs) >= MaxAliases:
			return invalid(op, fmt.Sprintf("There are %d aliases already, and others read no more. Remove one first.", MaxAliases))
		}
		us.AlsoKnownAs = append(us.AlsoKnownAs, target.IRI)
		return nil
	})
}

// RemoveAlias takes an alias away and tells followers. by names who did it. Errors: NotFound.
func (n *Node) RemoveAlias(ctx context.Context, by, iri string) (*Actor, error) {
	return n.SaveProfile(ctx, by, func(us *Actor) error {
		i := slices.Index(us.AlsoKnownAs, iri)
		if i < 0 {
			return &Error{Op: "remove alias", Kind: NotFound, Subject: iri, Text: iri + " is no alias of this coop. Those that are: coopnode profile alias list"}
		}
		us.AlsoKnownAs = slices.Delete(us.AlsoKnownAs, i, i+1)
		return nil
	})
}

// Move says that this coop now lives at target, which was just fetched from its home and has to name us as itself: an
// Update with movedTo, then a Move, to all followers (FEP-7628). Their servers then follow target. From then on new
// followers are refused. by names who did it. Errors: Invalid, Forbidden where target does not name us.
func (n *Node) Move(ctx context.Context, by string, target *Actor) error {
	const op = "move"
	us := n.Links.Actor()
	switch {
	case target.IRI == us:
		return invalid(op, "That is this coop itself.")
	case target.MovedTo != "":
		return invalid(op, target.IRI+" has moved on itself, to "+target.MovedTo+".")
	case !slices.Contains(target.AlsoKnownAs, us):
		return &Error{Op: op, Kind: Forbidden, Subject: target.IRI,
			Text: target.IRI + " does not say that it is this coop. Add the alias " + us + " there, then come again."}
	}
	update, act := n.profileUpdate(by), n.act(by, Move)
	act.ObjectIRI, act.Target, act.To = us, target.IRI, []string{n.Links.Followers()}
	n.cleanActor(target)
	err := n.store.Tx(ctx, func(tx Tx) error {
		err := n.renewProfile(ctx, tx, update, func(a *Actor) error {
			if a.MovedTo != "" {
				return invalid(op, "This coop has moved already, to "+a.MovedTo+". To take that back: coopnode profile move --undo")
			}
			a.MovedTo = target.IRI
			return nil
		})
		if err != nil {
			return err
		}
		if err := tx.SaveActor(ctx, target); err != nil {
			return err
		}
		return n.say(ctx, tx, act, Recipients{Followers: true})
	})
	n.changed(err)
	return err
}

// Unmove says that this coop lives here after all, and tells the followers that are left. Those who have followed to
// the other address do not come back by themselves. by names who did it. Errors: Invalid where it has not moved.
func (n *Node) Unmove(ctx context.Context, by string) error {
	update := n.profileUpdate(by)
	err := n.store.Tx(ctx, func(tx Tx) error {
		return n.renewProfile(ctx, tx, update, func(a *Actor) error {
			if a.MovedTo == "" {
				return invalid("move", "This coop has not moved.")
			}
			a.MovedTo = ""
			return nil
		})
	})
	n.changed(err)
	return err
}
