package node

import (
	"context"
	"time"
)

// This is whom a federation lists: it invites coops, lists those without a node, vouches for members and excludes them, and they leave.
// Who asks to be one is in admit.go.

// Invite asks a coop to become a member. Where members decide, its yes is an application. by names who did it.
// Errors: Invalid for an actor that cannot be one, Exists for a member, Forbidden for one whom a rule refuses.
func (n *Node) Invite(ctx context.Context, by string, coop *Actor, letter string) error {
	const op = "invite"
	act := n.act(by, Invite)
	act.ObjectIRI, act.Target, act.To, act.Content = act.Actor, coop.IRI, []string{coop.IRI}, plainText(letter)
	n.cleanActor(coop)
	err := n.store.Tx(ctx, func(tx Tx) error {
		us, err := tx.Actor(ctx, act.Actor)
		if err != nil {
			return err
		}
		switch {
		case !us.IsFederation() || us.Coop.Admission == nil:
			return notAFederation(op)
		case coop.IRI == us.IRI:
			return invalid(op, "That is this federation itself.")
		case coop.Coop == nil || coop.Inbox == "":
			return invalid(op, coop.Label()+" does not say that it is a cooperative with a node of its own. It can be listed: coopnode federation list "+coop.IRI)
		}
		if refused, err := n.refuses(ctx, tx, coop.IRI); err != nil {
			return err
		} else if refused {
			return blockedHere(op, coop.IRI)
		}
		if err := tx.SaveActor(ctx, coop); err != nil {
			return err
		}
		m, err := membership(ctx, tx, us.IRI, coop.IRI)
		if err != nil {
			return err
		}
		if m.Standing() == Confirmed || m.Step == StepApplied {
			return (&Error{Op: op, Kind: Exists, Subject: coop.IRI}).Saying("member.theirs", "It is a member already, or has asked to be one.")
		}
		m.Step, m.InviteIRI, m.Letter, m.Asked, m.Reason = StepInvited, act.IRI, act.Content, act.Published, ""
		if err := tx.SaveMembership(ctx, m); err != nil {
			return err
		}
		return n.say(ctx, tx, act, Recipients{Actors: act.To})
	})
	n.changed(err)
	return err
}

func notAFederation(op string) error {
	return invalid(op, "This node is no federation. To make it one: coopnode federation create")
}

// ListCoop lists a coop that has no node of its own: as said by us alone, never confirmed. by names who did it.
// Errors: Invalid for one that runs a node, which has to ask or be invited.
func (n *Node) ListCoop(ctx context.Context, by string, coop *Actor, vouches []string) error {
	const op = "list coop"
	if err := validVouches(vouches); err != nil {
		return err
	}
	if coop.Sample {
		return invented(op, coop.IRI)
	}
	if coop.Coop != nil && coop.Coop.MembershipsIRI != "" {
		return invalid(op, coop.Label()+" runs a node of its own, so it has to say itself that it is a member: coopnode federation invite "+coop.IRI)
	}
	now := n.Now()
	n.cleanActor(coop)
	err := n.store.Tx(ctx, func(tx Tx) error {
		us, err := tx.Actor(ctx, n.Links.Actor())
		if err != nil {
			return err
		}
		if !us.IsFederation() {
			return notAFederation(op)
		}
		if err := tx.SaveActor(ctx, coop); err != nil {
			return err
		}
		m, err := membership(ctx, tx, us.IRI, coop.IRI)
		if err != nil {
			return err
		}
		if m.FederationSays.Holds() {
			return (&Error{Op: op, Kind: Exists, Subject: coop.IRI}).Saying("member.listed", "It is listed already.")
		}
		if m.ID == "" {
			m.ID = NewID()
		}
		m.Nodeless, m.Role, m.Vouches, m.Step = true, "member", vouches, ""
		m.FederationSays = Word{IRI: n.Links.Membership(m.ID), Since: now.Truncate(time.Second), Checked: now}
		if err := tx.SaveMembership(ctx, m); err != nil {
			return err
		}
		return n.sayListed(ctx, tx, m, by, now)
	})
	n.changed(err)
	return err
}

// Vouch says what this federation has looked at in a member, in place of what it said before. by names who did it.
// Errors: NotFound for one whom it does not list, Invalid.
func (n *Node) Vouch(ctx context.Context, by, coop string, vouches []string) error {
	if err := validVouches(vouches); err != nil {
		return err
	}
	return n.onList(ctx, "vouch", coop, func(tx Tx, m *Membership, now time.Time) error {
		m.Vouches = vouches
		if err := tx.SaveMembership(ctx, m); err != nil {
			return err
		}
		return n.sayListed(ctx, tx, m, by, now)
	})
}

// Exclude ends a membership from the side of the federation; reason is told. by names who did it. Errors: NotFound.
func (n *Node) Exclude(ctx context.Context, by, coop, reason string) error {
	return n.onList(ctx, "exclude", coop, func(tx Tx, m *Membership, now time.Time) error {
		return n.endListing(ctx, tx, m, by, plainText(reason), now)
	})
}

// onList does something with a coop that this federation lists.
func (n *Node) onList(ctx context.Context, op, coop string, what func(Tx, *Membership, time.Time) error) error {
	now := n.Now()
	err := n.store.Tx(ctx, func(tx Tx) error {
		m, err := membership(ctx, tx, n.Links.Actor(), coop)
		if err != nil {
			return err
		}
		if !m.FederationSays.Holds() {
			return &Error{Op: op, Kind: NotFound, Subject: coop, Text: "This federation does not list " + coop + "."}
		}
		return what(tx, m, now)
	})
	n.changed(err)
	return err
}

// endListing ends our record of a member and tells it and everybody. What we passed on of it is taken back (ORG-11).
func (n *Node) endListing(ctx context.Context, tx Tx, m *Membership, by, reason string, now time.Time) error {
	m.FederationSays.Until, m.FederationSays.Checked, m.Reason = now.Truncate(time.Second), now, reason
	if err := tx.SaveMembership(ctx, m); err != nil {
		return err
	}
	if err := n.parted(ctx, tx, by, m.Coop, now); err != nil {
		return err
	}
	members, err := n.members(ctx, tx)
	if err != nil {
		return err
	}
	end := n.actAt(by, Remove, now)
	end.ObjectIRI, end.Origin, end.Content = m.Coop, n.Links.Members(), reason
	end.To, end.Cc = []string{PublicIRI}, []string{n.Links.Followers(), m.Coop}
	return n.say(ctx, tx, end, Recipients{Followers: true, Actors: append(members, m.Coop)})
}

// onLeave ends a membership because the coop says so.
func (n *Node) onLeave(ctx context.Context, tx Tx, a, _ *Act, now time.Time) error {
	if a.ObjectIRI != n.Links.Actor() {
		return n.lookAgain(ctx, tx, TaskMemberships, a.Actor, now)
	}
	m, err := membership(ctx, tx, n.Links.Actor(), a.Actor)
	if err != nil {
		return err
	}
	if m.CoopSays.Holds() {
		m.CoopSays.Until, m.CoopSays.Checked = now.Truncate(time.Second), now
	}
	if !m.FederationSays.Holds() {
		return tx.SaveMembership(ctx, m)
	}
	return n.endListing(ctx, tx, m, "answer", "", now)
}
