package node

import (
	"context"
	"slices"
	"time"
)

// This is membership as a coop sees it: it asks a federation, is invited by one, leaves it. admit.go has the other side.

// Join asks a federation to take this coop as a member; letter says why, in plain text. apart says that the two shall
// not follow each other when it does. by names who did it. Errors: Invalid for one that is no federation, Forbidden for
// one whom a rule refuses, Exists where the coop is a member or has asked already.
func (n *Node) Join(ctx context.Context, by string, federation *Actor, letter string, apart bool) (*Membership, error) {
	const op = "join"
	switch {
	case federation.IRI == n.Links.Actor():
		return nil, invalid(op, "That is this node itself.")
	case !federation.IsFederation() || federation.Inbox == "":
		return nil, invalid(op, federation.Label()+" does not say that it is a federation, so nobody can become a member.")
	}
	now := n.Now()
	var m *Membership
	n.cleanActor(federation)
	err := n.store.Tx(ctx, func(tx Tx) error {
		if refused, err := n.refuses(ctx, tx, federation.IRI); err != nil {
			return err
		} else if refused {
			return blockedHere(op, federation.IRI)
		}
		if err := tx.SaveActor(ctx, federation); err != nil {
			return err
		}
		var err error
		if m, err = membership(ctx, tx, federation.IRI, n.Links.Actor()); err != nil {
			return err
		}
		switch {
		case m.Standing() == Confirmed:
			return (&Error{Op: op, Kind: Exists, Subject: federation.IRI}).Saying("member.already", "This coop is a member already.")
		case m.Step == StepApplied:
			return &Error{Op: op, Kind: Exists, Subject: federation.IRI,
				Text: "This coop has asked already, on " + m.Asked.Format(time.DateOnly) + ". To ask anew, take that back first: coopnode member leave " + federation.IRI}
		}
		m.Apart = apart
		return n.sayJoin(ctx, tx, by, m, plainText(letter), now)
	})
	n.changed(err)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// sayJoin asks the federation of m.
func (n *Node) sayJoin(ctx context.Context, tx Tx, by string, m *Membership, letter string, now time.Time) error {
	act := n.actAt(by, Join, now)
	act.ObjectIRI, act.To, act.Content = m.Federation, []string{m.Federation}, letter
	m.Step, m.JoinIRI, m.Letter, m.Reason, m.Asked = StepApplied, act.IRI, letter, "", act.Published
	if err := tx.SaveMembership(ctx, m); err != nil {
		return err
	}
	return n.say(ctx, tx, act, Recipients{Actors: act.To})
}

// AnswerInvitation says yes or no to a federation that has invited this coop. A yes is an application too, for where
// members decide an invitation does not pass them by. by names who did it. Errors: NotFound where there is no
// invitation.
func (n *Node) AnswerInvitation(ctx context.Context, by, federation string, accept bool) error {
	now := n.Now()
	err := n.store.Tx(ctx, func(tx Tx) error {
		m, err := membership(ctx, tx, federation, n.Links.Actor())
		if err != nil {
			return err
		}
		if m.Step != StepInvited {
			return &Error{Op: "answer invitation", Kind: NotFound, Subject: federation, Text: "No invitation of " + federation + " waits for an answer."}
		}
		act := n.actAt(by, Reject, now)
		if accept {
			act.Verb = Accept
		}
		act.ObjectIRI, act.To = m.InviteIRI, []string{federation}
		act.Inner = &Act{IRI: m.InviteIRI, Verb: Invite, Actor: federation, ObjectIRI: federation, Target: n.Links.Actor()}
		if err := n.say(ctx, tx, act, Recipients{Actors: act.To}); err != nil {
			return err
		}
		if accept {
			return n.sayJoin(ctx, tx, by, m, "", now)
		}
		m.Step = StepRefused
		return tx.SaveMembership(ctx, m)
	})
	n.changed(err)
	return err
}

// Leave ends the membership of this coop in a federation, or takes back an application that was not decided. by names
// who did it. Errors: NotFound where there is neither.
func (n *Node) Leave(ctx context.Context, by, federation string) error {
	now := n.Now()
	err := n.store.Tx(ctx, func(tx Tx) error {
		m, err := membership(ctx, tx, federation, n.Links.Actor())
		if err != nil {
			return err
		}
		to := []string{federation}
		if m.Step == StepApplied {
			m.Step = StepWithdrawn
			if err := tx.SaveMembership(ctx, m); err != nil {
				return err
			}
			act := n.actAt(by, Undo, now)
			act.ObjectIRI, act.To = m.JoinIRI, to
			act.Inner = &Act{IRI: m.JoinIRI, Verb: Join, Actor: act.Actor, ObjectIRI: federation}
			return n.say(ctx, tx, act, Recipients{Actors: to})
		}
		if !m.CoopSays.Holds() && !m.FederationSays.Holds() {
			return &Error{Op: "leave", Kind: NotFound, Subject: federation, Text: "This coop is no member of " + federation + " and has not asked to be one."}
		}
		act := n.actAt(by, Leave, now)
		act.ObjectIRI, act.To, act.Cc = federation, []string{PublicIRI}, append([]string{n.Links.Followers()}, to...)
		if err := n.endClaim(ctx, tx, by, m, now); err != nil {
			return err
		}
		return n.say(ctx, tx, act, Recipients{Followers: true, Actors: to})
	})
	n.changed(err)
	return err
}

// endClaim ends our own word about a membership.
func (n *Node) endClaim(ctx context.Context, tx Tx, by string, m *Membership, now time.Time) error {
	held := m.CoopSays.Holds()
	if held {
		m.CoopSays.Until, m.CoopSays.Checked = now.Truncate(time.Second), now
	}
	if err := tx.SaveMembership(ctx, m); err != nil || !held {
		return err
	}
	return n.claim(ctx, tx, by, m.Federation, false, now)
}

// claim says in the profile that this coop is a member of a federation, or no longer.
func (n *Node) claim(ctx context.Context, tx Tx, by, federation string, member bool, now time.Time) error {
	act := n.actAt(by, Update, now)
	n.addressProfile(act)
	return n.renewProfile(ctx, tx, act, func(us *Actor) error {
		if us.Coop == nil {
			us.Coop = &Coop{Kind: KindCooperative}
		}
		us.Coop.MemberOf = slices.DeleteFunc(slices.Clone(us.Coop.MemberOf), func(f string) bool { return f == federation })
		if member {
			us.Coop.MemberOf = append(us.Coop.MemberOf, federation)
		}
		return nil
	})
}

// onInvite keeps an invitation for a person to answer. ActivityStreams names the federation as the object and the coop as
// the target; ForgeFed swaps them.
func (n *Node) onInvite(ctx context.Context, tx Tx, a, _ *Act, now time.Time) error {
	us := n.Links.Actor()
	if !(a.ObjectIRI == a.Actor && a.Target == us) && !(a.ObjectIRI == us && a.Target == a.Actor) {
		return nil
	}
	federation, err := knownFederation(ctx, tx, a.Actor)
	if federation == nil || err != nil {
		return err
	}
	m, err := membership(ctx, tx, a.Actor, us)
	if err != nil || m.Standing() == Confirmed || m.Step == StepApplied {
		return err
	}
	m.Step, m.InviteIRI, m.Letter, m.Asked, m.Reason = StepInvited, a.IRI, plainText(a.Content), now, ""
	if err := tx.SaveMembership(ctx, m); err != nil {
		return err
	}
	return n.tell(ctx, tx, Notice{Kind: NoticeInvitation, About: m.InviteIRI, Actor: m.Federation}, now)
}

// onAdmitted takes the yes to an application of ours: this coop says now that it is a member, so that both do.
func (n *Node) onAdmitted(ctx context.Context, tx Tx, m *Membership, record *Membership, now time.Time) error {
	m.Step, m.Reason = "", ""
	m.FederationSays = Word{Since: now.Truncate(time.Second), Checked: now}
	if record != nil && record.Coop == m.Coop { // it may be about another coop
		m.FederationSays.IRI, m.Role, m.Vouches = record.FederationSays.IRI, record.Role, record.Vouches
		m.FederationSays.Since = arrival(record.FederationSays.Since, now)
	}
	if m.ID == "" {
		m.ID = NewID()
	}
	m.CoopSays = Word{IRI: n.Links.Membership(m.ID), Since: now.Truncate(time.Second), Checked: now}
	if err := tx.SaveMembership(ctx, m); err != nil {
		return err
	}
	if err := n.claim(ctx, tx, "answer", m.Federation, true, now); err != nil {
		return err
	}
	add := n.actAt("answer", Add, now)
	add.ObjectIRI, add.Target = m.Federation, n.Links.Memberships()
	add.To, add.Cc = []string{PublicIRI}, []string{n.Links.Followers(), m.Federation}
	if err := n.say(ctx, tx, add, Recipients{Followers: true, Actors: []string{m.Federation}}); err != nil {
		return err
	}
	if err := tx.SaveTask(ctx, &Task{Kind: TaskMembers, Subject: m.Federation, Due: now}); err != nil {
		return err
	}
	return n.followMember(ctx, tx, m, m.Federation, now)
}

// followMember follows the other side of a membership, unless it was said not to or is done already.
func (n *Node) followMember(ctx context.Context, tx Tx, m *Membership, other string, now time.Time) error {
	if m.Apart {
		return nil
	}
	f, err := tx.Followed(ctx, other)
	if err == nil && f.Live() || err != nil && !IsNotFound(err) {
		return err
	}
	if _, err := tx.Actor(ctx, other); err != nil {
		if IsNotFound(err) {
			return nil
		}
		return err
	}
	_, err = n.ask(ctx, tx, n.actAt("answer", Follow, now), other)
	return err
}

// knownFederation is an actor that is known here and says that it is a federation; nil for any other.
func knownFederation(ctx context.Context, r Reader, iri string) (*Actor, error) {
	a, err := r.Actor(ctx, iri)
	if IsNotFound(err) || err == nil && !a.IsFederation() {
		return nil, nil
	}
	return a, err
}
