package node

import (
	"context"
	"time"
)

// FollowState is how far a follow has come.
type FollowState string

// A follow is pending until it is answered (ORG-9).
const (
	Pending  FollowState = "pending"
	Accepted FollowState = "accepted"
	Rejected FollowState = "rejected"
	Moved    FollowState = "moved" // ours of somebody who has moved: it was carried over
)

// Following is one actor listening to another: a follower of ours or someone we follow.
type Following struct {
	Actor     string      `json:"actor"` // the other one's address
	State     FollowState `json:"state"`
	FollowIRI string      `json:"followIri"` // id of the Follow
	Since     time.Time   `json:"since"`
	Who       *Actor      `json:"who,omitempty"`     // what we know of the other one; filled in when listed
	Reading   *Reading    `json:"reading,omitempty"` // while its outbox is read for the first time; filled in by who shows it
}

// Live says whether a follow of ours stands or waits.
func (f *Following) Live() bool { return f.State == Accepted || f.State == Pending }

// Follow asks to hear what target publishes. The answer comes later; until then the follow is
// pending. Following somebody again asks again. by names who did it. Errors: Invalid for ourselves, a sample
// or an actor without an inbox, Forbidden for one whom a rule refuses.
func (n *Node) Follow(ctx context.Context, by string, target *Actor) (*Following, error) {
	const op = "follow"
	if target.IRI == n.Links.Actor() {
		return nil, wrong(op, "follow.self", "That is this coop itself.")
	}
	if target.Sample {
		return nil, invented(op, target.IRI)
	}
	if target.Inbox == "" {
		return nil, wrong(op, "follow.noinbox", "%s has no inbox, so it cannot be followed.", target.IRI)
	}
	act := n.act(by, Follow)
	var f *Following
	n.cleanActor(target)
	err := n.store.Tx(ctx, func(tx Tx) error {
		if refused, err := n.refuses(ctx, tx, target.IRI); err != nil {
			return err
		} else if refused {
			return blockedHere(op, target.IRI)
		}
		if err := tx.SaveActor(ctx, target); err != nil {
			return err
		}
		var err error
		f, err = n.ask(ctx, tx, act, target.IRI)
		return err
	})
	n.changed(err)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// ask says act, a Follow, to an actor that is known here.
func (n *Node) ask(ctx context.Context, tx Tx, act *Act, actor string) (*Following, error) {
	act.ObjectIRI, act.To = actor, []string{actor}
	f := &Following{Actor: actor, State: Pending, FollowIRI: act.IRI, Since: act.Published}
	old, err := tx.Followed(ctx, actor)
	if err == nil && old.State == Accepted {
		f.State, f.Since = Accepted, old.Since
	} else if err != nil && !IsNotFound(err) {
		return nil, err
	}
	if err := tx.SaveFollowed(ctx, f); err != nil {
		return nil, err
	}
	if err := tx.SaveTask(ctx, &Task{Kind: TaskAsk, Subject: actor, Due: act.Published.Add(askFirst)}); err != nil {
		return nil, err
	}
	if err := n.wantIcon(ctx, tx, actor, act.Published); err != nil {
		return nil, err
	}
	return f, n.say(ctx, tx, act, Recipients{Actors: []string{actor}})
}

// A Follow that was not answered is looked at again after askFirst. One that arrived is said again
// after askAnew: its answer may have been lost, or a person still thinks about it.
const (
	askFirst = 24 * time.Hour
	askAnew  = 7 * 24 * time.Hour
)

// AskAgain says a Follow of ours again that actor has not answered and that is not on its way any more. pending
// tells whether an answer is still awaited.
func (n *Node) AskAgain(ctx context.Context, actor string) (pending bool, err error) {
	now := n.Now()
	err = n.store.Tx(ctx, func(tx Tx) error {
		pending = false
		f, err := tx.Followed(ctx, actor)
		if IsNotFound(err) || err == nil && f.State != Pending {
			return nil
		} else if err != nil {
			return err
		}
		pending = true
		act, err := tx.Act(ctx, f.FollowIRI)
		if err != nil {
			return err
		}
		if act.Waiting > 0 || act.Reached > 0 && now.Sub(f.Since) < askAnew {
			return nil
		}
		f.Since = now
		if err := tx.SaveFollowed(ctx, f); err != nil {
			return err
		}
		_, err = tx.Enqueue(ctx, act, Recipients{Actors: []string{actor}})
		return err
	})
	n.changed(err)
	return pending, err
}

// Unfollow stops listening to actor: Undo(Follow). by names who did it. Errors: NotFound.
func (n *Node) Unfollow(ctx context.Context, by, actor string) error {
	act := n.act(by, Undo)
	err := n.store.Tx(ctx, func(tx Tx) error {
		f, err := tx.Followed(ctx, actor)
		if err != nil {
			return err
		}
		if err := tx.RemoveFollowed(ctx, actor); err != nil || f.State == Moved { // which was told already
			return err
		}
		if err := n.discover(ctx, tx, actor, act.Published); err != nil {
			return err
		}
		return n.endFollow(ctx, tx, act, f)
	})
	n.changed(err)
	return err
}

// endFollow says act, the Undo of our follow f.
func (n *Node) endFollow(ctx context.Context, tx Tx, act *Act, f *Following) error {
	act.ObjectIRI, act.To = f.FollowIRI, []string{f.Actor}
	act.Inner = &Act{IRI: f.FollowIRI, Verb: Follow, Actor: n.Links.Actor(), ObjectIRI: f.Actor}
	return n.say(ctx, tx, act, Recipients{Actors: []string{f.Actor}})
}

// AnswerFollower accepts a follower who waits, or refuses or removes one; to come back that one has to
// ask anew. by names who did it. Errors: NotFound.
func (n *Node) AnswerFollower(ctx context.Context, by, actor string, accept bool) error {
	verb := Reject
	if accept {
		verb = Accept
	}
	act := n.act(by, verb)
	err := n.store.Tx(ctx, func(tx Tx) error {
		f, err := tx.Follower(ctx, actor)
		if err != nil {
			return err
		}
		if accept {
			f.State = Accepted
			err = tx.SaveFollower(ctx, f)
		} else {
			err = tx.RemoveFollower(ctx, actor)
		}
		if err != nil {
			return err
		}
		return n.answerFollow(ctx, tx, act, f)
	})
	n.changed(err)
	return err
}

// answerFollow sends act, an Accept or Reject, to the follower f.
func (n *Node) answerFollow(ctx context.Context, tx Tx, act *Act, f *Following) error {
	act.ObjectIRI, act.To = f.FollowIRI, []string{f.Actor}
	act.Inner = &Act{IRI: f.FollowIRI, Verb: Follow, Actor: f.Actor, ObjectIRI: n.Links.Actor()}
	return n.say(ctx, tx, act, Recipients{Actors: []string{f.Actor}})
}

// Followers lists those who listen to us, newest first.
func (n *Node) Followers(ctx context.Context, q FollowQuery) ([]*Following, error) {
	return n.store.FollowerList(ctx, q)
}

// Following lists those to whom we listen, newest first.
func (n *Node) Following(ctx context.Context, q FollowQuery) ([]*Following, error) {
	return n.store.FollowedList(ctx, q)
}

// CountFollowers and CountFollowing count the accepted ones.
func (n *Node) CountFollowers(ctx context.Context) (int, error) { return n.store.CountFollowers(ctx) }
func (n *Node) CountFollowing(ctx context.Context) (int, error) { return n.store.CountFollowed(ctx) }
