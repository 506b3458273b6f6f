package node

import (
	"context"
	"fmt"
	"time"
)

// SayOpinion approves an application to a federation of ours, or objects to it: one coop, one vote, and the names are
// public (decisions 18). A later word replaces an earlier one. join is the address of the application; by names who did
// it. Errors: NotFound for one that is not open, Forbidden where this coop is no confirmed member.
func (n *Node) SayOpinion(ctx context.Context, by, join string, approves bool, reason string) error {
	const op = "answer application"
	act := n.act(by, Reject)
	if approves {
		act.Verb = Accept
	}
	err := n.store.Tx(ctx, func(tx Tx) error {
		m, err := tx.MembershipByJoin(ctx, join)
		if IsNotFound(err) || err == nil && m.Step != StepApplied {
			return &Error{Op: op, Kind: NotFound, Subject: join, Text: "No such application is open. See: coopnode member applications"}
		} else if err != nil {
			return err
		}
		if ok, err := isMember(ctx, tx, m.Federation, act.Actor); err != nil {
			return err
		} else if !ok {
			return &Error{Op: op, Kind: Forbidden, Subject: m.Federation, Text: "Only confirmed members of " + m.Federation + " have a say in who joins it."}
		}
		act.ObjectIRI, act.To, act.Content, act.Inner = join, []string{m.Federation}, plainText(reason), application(m)
		o := &Opinion{Join: join, Member: act.Actor, Approves: approves, IRI: act.IRI, Reason: act.Content, At: act.Published}
		if err := tx.SaveOpinion(ctx, o); err != nil {
			return err
		}
		return n.say(ctx, tx, act, Recipients{Actors: act.To})
	})
	n.changed(err)
	return err
}

// onAnswer takes an Accept or Reject about a membership: of an application of ours, of an invitation of ours, or of a
// member about an application to us. Each counts only for what is open (ORG-9).
func (n *Node) onAnswer(ctx context.Context, tx Tx, a *Act, now time.Time) error {
	if a.Inner == nil || a.Inner.IRI == "" {
		return nil
	}
	us := n.Links.Actor()
	found, err := tx.MembershipByJoin(ctx, a.Inner.IRI)
	if IsNotFound(err) {
		return n.onInvitationAnswered(ctx, tx, a)
	} else if err != nil {
		return err
	}
	if found.Step != StepApplied {
		return nil
	}
	m, err := tx.LockMembership(ctx, found.Federation, found.Coop)
	switch {
	case err != nil:
		return err
	case m.Coop == us && m.Federation == a.Actor && a.Verb == Accept:
		return n.onAdmitted(ctx, tx, m, a.Record, now)
	case m.Coop == us && m.Federation == a.Actor:
		m.Step, m.Reason = StepRefused, plainText(a.Content)
		return tx.SaveMembership(ctx, m)
	case m.Federation == us:
		return n.onOpinion(ctx, tx, m, a, now)
	}
	return nil
}

// onInvitationAnswered takes a no to an invitation of ours. A yes comes with a Join.
func (n *Node) onInvitationAnswered(ctx context.Context, tx Tx, a *Act) error {
	m, err := membership(ctx, tx, n.Links.Actor(), a.Actor)
	if err != nil || m.Step != StepInvited || m.InviteIRI != a.Inner.IRI || a.Verb != Reject {
		return err
	}
	m.Step, m.Reason = StepRefused, plainText(a.Content)
	return tx.SaveMembership(ctx, m)
}

// onOpinion counts what a member says of an application to us. A letter that comes again does not count again: between
// the two the member may have said something else.
func (n *Node) onOpinion(ctx context.Context, tx Tx, m *Membership, a *Act, now time.Time) error {
	if seen, _, err := tx.Seen(ctx, a.IRI); err != nil || seen || !a.HasID() {
		return err
	}
	if ok, err := isMember(ctx, tx, m.Federation, a.Actor); err != nil || !ok {
		return err
	}
	o := &Opinion{Join: m.JoinIRI, Member: a.Actor, Approves: a.Verb == Accept, IRI: a.IRI, Reason: plainText(a.Content), At: now}
	if err := tx.SaveOpinion(ctx, o); err != nil {
		return err
	}
	return n.count(ctx, tx, m, now)
}

// count decides an application when what members say is enough.
func (n *Node) count(ctx context.Context, tx Tx, m *Membership, now time.Time) error {
	us, err := tx.Actor(ctx, m.Federation)
	if err != nil {
		return err
	}
	rule := us.Coop.Admission
	if rule == nil || rule.Rule != ByApprovals {
		return nil
	}
	said, err := n.opinions(ctx, tx, m)
	if err != nil {
		return err
	}
	approve, object := 0, 0
	for _, o := range said {
		switch {
		case o.Counts && o.Approves:
			approve++
		case o.Counts:
			object++
		}
	}
	switch {
	case object > rule.Objections:
		members, err := n.members(ctx, tx)
		if err != nil {
			return err
		}
		return n.refuse(ctx, tx, m, "members", fmt.Sprintf("%d of %d members object; at most %d may.", object, len(members), rule.Objections), members, now)
	case approve >= rule.Approvals:
		return n.admit(ctx, tx, m, "members", now)
	}
	return nil
}
