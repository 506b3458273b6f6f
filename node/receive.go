package node

import (
	"context"
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
	n.tame(a, now)
	err := n.store.Tx(ctx, func(tx Tx) error {
		seen, undone, err := came(ctx, tx, a)
		if err != nil {
			return err
		}
		refused, err := n.refuses(ctx, tx, a.Actor) // it may have been blocked since the door took its letter
		if err != nil {
			return err
		}
		if refused {
			return tx.DropLetter(ctx, l.Seq)
		}
		if handle != nil && !undone && (!seen || repeats(a)) {
			if err := handle(n, ctx, tx, a, answer, now); err != nil {
				return err
			}
		}
		if !undone && a.HasID() {
			if err := tx.MarkSeen(ctx, a.IRI, a.Actor, false, now); err != nil {
				return err
			}
		}
		return tx.DropLetter(ctx, l.Seq)
	})
	if handle != nil {
		n.changed(err)
	}
	return err
}

// came says whether an act was handled before, and whether its actor took it back before it came.
func came(ctx context.Context, tx Tx, a *Act) (seen, undone bool, err error) {
	if !a.HasID() {
		return false, false, nil
	}
	if seen, _, err = tx.Seen(ctx, a.IRI); err != nil {
		return false, false, err
	}
	_, undone, err = tx.Seen(ctx, undoing(a.Actor, a.IRI))
	return seen, undone, err
}

// repeats says that an act may come again under the same id and then counts again: a Follow, for its answer
// may have been lost, though not after an Undo that overtook it; the Undo of one, for
// Misskey and Pixelfed name each follow and its end the same every time; an answer to ours, which
// changes a state once.
func repeats(a *Act) bool {
	return a.Verb == Follow || a.Verb == Accept || a.Verb == Reject || a.Verb == Undo && a.Inner != nil && a.Inner.Verb == Follow
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
	Block:    (*Node).onBlock,
	Flag:     (*Node).onFlag,
	Move:     (*Node).onMove,
	Join:     (*Node).onJoin,
	Invite:   (*Node).onInvite,
	Leave:    (*Node).onLeave,
	Add:      (*Node).onAdd,
	Remove:   (*Node).onRemove,

	QuoteRequest: (*Node).onQuoteRequest,
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
	case us.MovedTo != "": // nobody new is to follow an address that was left
		refusal := *answer
		refusal.Verb = Reject
		return n.answerFollow(ctx, tx, &refusal, f)
	case us.ApprovesFollowers:
		f.State = Pending
	}
	if err := tx.SaveFollower(ctx, f); err != nil {
		return err
	}
	if old == nil {
		if err := n.tell(ctx, tx, Notice{Kind: NoticeFollower, About: a.Actor, Actor: a.Actor}, now); err != nil {
			return err
		}
	}
	if err := n.wantIcon(ctx, tx, a.Actor, now); err != nil || f.State != Accepted {
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
		// What is still on its way shall have no effect when it comes. What has come already may come
		// again: some servers give every follow of theirs the same id.
		if came, _, err := tx.Seen(ctx, in.IRI); err != nil {
			return err
		} else if !came {
			if err := tx.MarkSeen(ctx, undoing(a.Actor, in.IRI), a.Actor, true, now); err != nil {
				return err
			}
		}
	}
	if ended, err := n.onUnjoin(ctx, tx, a, now); ended || err != nil {
		return err
	}
	f, err := tx.Follower(ctx, a.Actor)
	if err != nil && !IsNotFound(err) {
		return err
	}
	if err == nil && (in.IRI == f.FollowIRI || in.Verb == Follow && in.ObjectIRI == n.Links.Actor()) {
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
	if err := tx.Unbring(ctx, &TimelineEntry{IRI: in.IRI, ObjectIRI: in.ObjectIRI, Actor: a.Actor}); err != nil {
		return err
	}
	return n.shareEnded(ctx, tx, a.Actor, in.ObjectIRI, now)
}

// onAccept counts only as the answer to a Follow of ours that waits, from the one whom we asked
// (ORG-9), or as a word about a membership. What that one has published before is then read back.
func (n *Node) onAccept(ctx context.Context, tx Tx, a, _ *Act, now time.Time) error {
	f, err := n.asked(ctx, tx, a)
	if f == nil && err == nil {
		return n.onAnswer(ctx, tx, a, now)
	}
	if f == nil || f.State != Pending {
		return err
	}
	f.State, f.Since = Accepted, now
	if err := tx.SaveFollowed(ctx, f); err != nil {
		return err
	}
	if err := n.discover(ctx, tx, a.Actor, now); err != nil {
		return err
	}
	if err := n.heed(ctx, tx, a.Actor, now); err != nil {
		return err
	}
	return tx.SaveTask(ctx, &Task{Kind: TaskBackfill, Subject: a.Actor, Due: now})
}

// onReject is the other answer to a Follow of ours. It may also come later: so a follower is removed.
func (n *Node) onReject(ctx context.Context, tx Tx, a, _ *Act, now time.Time) error {
	f, err := n.asked(ctx, tx, a)
	if f == nil && err == nil {
		return n.onAnswer(ctx, tx, a, now)
	}
	if f == nil || f.State == Rejected || f.State == Moved {
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

// onCreate keeps what somebody published, if we have a reason to: we follow its author, it is
// addressed to us, or it belongs to a conversation of ours.
func (n *Node) onCreate(ctx context.Context, tx Tx, a, _ *Act, now time.Time) error {
	if a.Object == nil || a.Object.Common().Actor != a.Actor {
		return nil
	}
	parent, err := n.parentOf(ctx, tx, a.Object.Common())
	if err != nil {
		return err
	}
	if wanted, err := n.wanted(ctx, tx, a, parent); !wanted || err != nil {
		return err
	}
	return n.keepAnswer(ctx, tx, a, parent, now)
}

// keepAnswer keeps a foreign object that answers parent, which may be nil.
func (n *Node) keepAnswer(ctx context.Context, tx Tx, a *Act, parent *Base, now time.Time) error {
	if err := n.keepForeign(ctx, tx, a, now); err != nil {
		return err
	}
	if parent == nil || !answerable(parent) {
		return nil
	}
	return tx.AddReader(ctx, parent.IRI, a.Actor, now) // who answers it holds it (decisions 16)
}

// onUpdate renews an object or an actor that we hold, from its owner alone (security.md 3). An
// object that we do not hold is taken like a new one.
func (n *Node) onUpdate(ctx context.Context, tx Tx, a, _ *Act, now time.Time) error {
	if a.Subject != nil {
		return n.renewActor(ctx, tx, a, now)
	}
	if a.Object == nil || a.Object.Common().Actor != a.Actor {
		return nil
	}
	old, err := tx.LockObject(ctx, a.Object.Common().IRI)
	if IsNotFound(err) {
		created := *a
		created.Verb = Create
		return n.onCreate(ctx, tx, &created, nil, now)
	} else if err != nil {
		return err
	}
	b := old.Common()
	if !replaces(a.Object.Common(), b) {
		return nil
	}
	if err := n.renewForeign(ctx, tx, a.Object, b, now); err != nil {
		return err
	}
	if err := n.passOnUpdate(ctx, tx, a, b.Updated, now); err != nil {
		return err
	}
	parent, err := n.parentOf(ctx, tx, a.Object.Common())
	if err != nil {
		return err
	}
	return n.notice(ctx, tx, a, parent, now) // it may name us only now
}

// renewActor keeps what an actor says of itself. Its key never comes this way (SIG-11).
func (n *Node) renewActor(ctx context.Context, tx Tx, a *Act, now time.Time) error {
	old, err := tx.Actor(ctx, a.Actor)
	if IsNotFound(err) || err == nil && (old.Local || a.Subject.IRI != a.Actor) {
		return nil
	} else if err != nil {
		return err
	}
	fresh := a.Subject
	if fresh.Updated.Before(old.Updated) {
		return nil
	}
	fresh.KeyID, fresh.KeyPEM, fresh.Fetched, fresh.Gone = old.KeyID, old.KeyPEM, old.Fetched, old.Gone
	if err := tx.SaveActor(ctx, fresh); err != nil {
		return err
	}
	return n.wantIcon(ctx, tx, a.Actor, now)
}

// onDelete hides an object, remembers that it is gone, and forgets what it said; or forgets an actor.
func (n *Node) onDelete(ctx context.Context, tx Tx, a, _ *Act, now time.Time) error {
	if a.ObjectIRI == a.Actor {
		return n.forget(ctx, tx, a.Actor, now)
	}
	if !SameOrigin(a.ObjectIRI, a.Actor) {
		return nil
	}
	o, err := tx.LockObject(ctx, a.ObjectIRI)
	if IsNotFound(err) {
		return tx.MarkSeen(ctx, deletion(a.Actor, a.ObjectIRI), a.Actor, true, now)
	} else if err != nil {
		return err
	}
	if o.Common().Actor != a.Actor {
		return nil
	}
	return n.bury(ctx, tx, o.Common(), now)
}

// bury forgets what an object of somebody else said, and takes back our share of it.
func (n *Node) bury(ctx context.Context, tx Tx, b *Base, now time.Time) error {
	if b.Local || !b.Deleted.IsZero() {
		return nil
	}
	if err := n.unshare(ctx, tx, "answer", b, now); err != nil {
		return err
	}
	if err := n.noShare(ctx, tx, b.IRI, ReshareEnded, "", now); err != nil {
		return err
	}
	gone := tombstone(b, now)
	if err := tx.SaveObject(ctx, gone); err != nil {
		return err
	}
	if err := n.leaveNothing(ctx, tx, now); err != nil {
		return err
	}
	return n.wantPictures(ctx, tx, gone, now)
}

// forget takes away what a gone actor said, and takes back our shares of it.
func (n *Node) forget(ctx context.Context, tx Tx, actor string, now time.Time) error {
	if _, err := n.unshareAll(ctx, tx, "answer", actor, now); err != nil {
		return err
	}
	if err := n.partMembers(ctx, tx, actor, now); err != nil {
		return err
	}
	return tx.ForgetActor(ctx, actor, now)
}

// undoing is the name under which it is remembered that an actor took back an act of its own that had not come
// yet. The actor is part of it: nobody bars what a neighbour will say.
func undoing(actor, act string) string { return actor + " Undo " + act }

// deletion is the name under which it is remembered that an actor deleted something that we do not
// have: a Create of it that comes late is not shown. The actor is part of it, for only the
// owner can delete, and who that is we do not know yet.
func deletion(actor, object string) string { return actor + " Delete " + object }
