package node

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// This is membership as a federation sees it: coops ask it, it asks coops, and it admits, refuses and excludes them.

// Bounds of applications (LIM).
const (
	maxApplications = 200                 // open at once
	refusedRest     = 30 * 24 * time.Hour // after a refusal a coop can ask again
	withdrawnRest   = 24 * time.Hour      // after it took one back
)

// SetFederation makes this node a federation, or changes its rules. by names who did it. Errors: Invalid.
func (n *Node) SetFederation(ctx context.Context, by string, admission *Admission, resharing *Resharing) (*Actor, error) {
	n.render(admission.Criteria)
	if err := admission.Validate(); err != nil {
		return nil, err
	}
	if err := resharing.Validate(); err != nil {
		return nil, err
	}
	return n.SaveProfile(ctx, by, func(us *Actor) error {
		if us.Coop == nil {
			us.Coop = &Coop{}
		}
		us.Coop.Kind, us.Coop.Ownership = KindConsortium, "coops"
		us.Coop.Admission, us.Coop.Resharing = admission, resharing
		return nil
	})
}

// onJoin takes an application. One that the stated rules leave no choice about is answered at once.
func (n *Node) onJoin(ctx context.Context, tx Tx, a, _ *Act, now time.Time) error {
	if a.ObjectIRI != n.Links.Actor() || !a.HasID() || !SameOrigin(a.IRI, a.Actor) {
		return nil
	}
	us, err := tx.Actor(ctx, n.Links.Actor())
	if err != nil {
		return err
	}
	m, err := membership(ctx, tx, us.IRI, a.Actor)
	if err != nil {
		return err
	}
	if m.FederationSays.Holds() && !m.Nodeless { // it may have missed our answer
		m.JoinIRI = a.IRI
		if err := tx.SaveMembership(ctx, m); err != nil {
			return err
		}
		return n.sayAdmitted(ctx, tx, m, "answer", now)
	}
	if m.Step == StepApplied && m.JoinIRI == a.IRI {
		return nil
	}
	last := *m
	m.Step, m.JoinIRI, m.Letter, m.Asked, m.Reason, m.Deadline = StepApplied, a.IRI, plainText(a.Content), now, "", time.Time{}
	why, err := n.cannotApply(ctx, tx, us, &last, now)
	if err != nil {
		return err
	}
	if why != "" {
		if last.Step == StepRefused || last.Step == StepWithdrawn { // the time since then goes on
			m.Asked = last.Asked
		}
		return n.refuse(ctx, tx, m, "answer", why, nil, now)
	}
	rule := us.Coop.Admission
	if rule.Rule == ByApprovals {
		m.Deadline = now.Add(time.Duration(rule.Days) * 24 * time.Hour)
	}
	decides, err := n.membersDecide(ctx, tx, us)
	if err != nil {
		return err
	}
	if rule.Rule == ByAsking || last.Step == StepInvited && !decides {
		return n.admit(ctx, tx, m, "answer", now)
	}
	if err := tx.SaveMembership(ctx, m); err != nil {
		return err
	}
	if err := n.tell(ctx, tx, Notice{Kind: NoticeApplication, About: m.JoinIRI, Actor: m.Coop}, now); err != nil {
		return err
	}
	received := n.actAt("answer", TentativeAccept, now)
	received.ObjectIRI, received.To, received.Inner = m.JoinIRI, []string{m.Coop}, application(m)
	if err := n.say(ctx, tx, received, Recipients{Actors: received.To}); err != nil {
		return err
	}
	members, err := n.members(ctx, tx)
	if err != nil || len(members) == 0 {
		return err
	}
	tell := n.actAt("answer", Add, now)
	tell.ObjectIRI, tell.Target, tell.To = m.JoinIRI, n.Links.Applications(), members
	return n.say(ctx, tx, tell, Recipients{Actors: members})
}

// cannotApply says why a coop cannot be a member by the rules that the federation states, "" where it can. last is
// what was known of it.
func (n *Node) cannotApply(ctx context.Context, tx Tx, us *Actor, last *Membership, now time.Time) (string, error) {
	if !us.IsFederation() || us.Coop.Admission == nil {
		return "This is no federation, so it has no members.", nil
	}
	if us.MovedTo != "" {
		return "This federation has moved to " + us.MovedTo + ".", nil
	}
	rest := refusedRest
	if last.Step == StepWithdrawn {
		rest = withdrawnRest
	}
	if (last.Step == StepRefused || last.Step == StepWithdrawn) && now.Sub(last.Asked) < rest {
		return fmt.Sprintf("Your last application is from %s. You can ask again after %s.", last.Asked.Format(time.DateOnly), last.Asked.Add(rest).Format(time.DateOnly)), nil
	}
	open, err := tx.CountMemberships(ctx, MembershipQuery{Federation: us.IRI, Step: StepApplied})
	if err != nil || open >= maxApplications {
		return "Too many applications are open. Ask again in a few days.", err
	}
	coop, err := tx.Actor(ctx, last.Coop)
	if IsNotFound(err) {
		return "Your profile cannot be read.", nil
	} else if err != nil {
		return "", err
	}
	if coop.Coop == nil {
		return "Your profile does not say that you are a cooperative.", nil
	}
	rule := us.Coop.Admission
	if len(rule.Ownership) > 0 && !slices.Contains(rule.Ownership, coop.Coop.Ownership) {
		said := "Your profile does not say who owns you."
		if coop.Coop.Ownership != "" {
			said = fmt.Sprintf("Your profile says that you are owned by %s.", coop.Coop.Ownership)
		}
		return fmt.Sprintf("Members are owned by %s. %s", listOf(rule.Ownership), said), nil
	}
	if len(rule.Countries) > 0 && !slices.Contains(rule.Countries, coop.Coop.Country()) {
		return fmt.Sprintf("Members are in %s, and your profile does not say that you are.", listOf(rule.Countries)), nil
	}
	return "", nil
}

// Country is where the coop is, ISO 3166-1: by its place, else by its jurisdiction; "" if it says neither.
func (c *Coop) Country() string {
	if c.Place.Country != "" {
		return c.Place.Country
	}
	return c.Jurisdiction[:min(2, len(c.Jurisdiction))]
}

// application is the Join in which a membership was asked for.
func application(m *Membership) *Act {
	return &Act{IRI: m.JoinIRI, Verb: Join, Actor: m.Coop, ObjectIRI: m.Federation}
}

// members are the confirmed members of this federation.
func (n *Node) members(ctx context.Context, r Reader) ([]string, error) {
	var coops []string
	for after := int64(0); ; {
		list, err := r.Memberships(ctx, MembershipQuery{Federation: n.Links.Actor(), Standing: Confirmed, After: after, Limit: 1000})
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			coops, after = append(coops, m.Coop), m.Seq
		}
		if len(list) < 1000 {
			return coops, nil
		}
	}
}

// membersDecide says whether members let others in, one coop one vote. As long as there are fewer of them than have to
// approve, it is for a steward.
func (n *Node) membersDecide(ctx context.Context, r Reader, us *Actor) (bool, error) {
	rule := us.Coop.Admission
	if rule.Rule != ByApprovals {
		return false, nil
	}
	count, err := r.CountMemberships(ctx, MembershipQuery{Federation: us.IRI, Standing: Confirmed})
	return count >= rule.Approvals, err
}

// MembersDecide says whether applications to this federation are for its members to decide at this moment, and not for a steward.
func (n *Node) MembersDecide(ctx context.Context) (bool, error) {
	us, err := n.Profile(ctx)
	if err != nil || !us.IsFederation() || us.Coop.Admission == nil {
		return false, err
	}
	return n.membersDecide(ctx, n.store, us)
}

// Applications lists what waits to be decided at a federation, with what its members say.
func (n *Node) Applications(ctx context.Context, federation string) ([]*Membership, error) {
	list, err := n.Memberships(ctx, MembershipQuery{Federation: federation, Step: StepApplied, Limit: maxApplications})
	for _, m := range list {
		if m.Opinions, err = n.opinions(ctx, n.store, m); err != nil {
			return nil, err
		}
	}
	return list, err
}

// opinions are what members say of an application. Those of coops that are not confirmed members at this moment do not count.
func (n *Node) opinions(ctx context.Context, r Reader, m *Membership) ([]*Opinion, error) {
	list, err := r.Opinions(ctx, m.JoinIRI)
	if err != nil {
		return nil, err
	}
	for _, o := range list {
		if o.Counts, err = isMember(ctx, r, m.Federation, o.Member); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Admit lets a coop in that has asked. by names who did it. Errors: NotFound where it has not, Forbidden where members
// decide (decisions 18), Invalid for something that cannot be vouched for.
func (n *Node) Admit(ctx context.Context, by, coop string, vouches []string) error {
	if err := validVouches(vouches); err != nil {
		return err
	}
	return n.decide(ctx, coop, func(tx Tx, m *Membership, now time.Time) error {
		m.Vouches = vouches
		return n.admit(ctx, tx, m, by, now)
	})
}

// Refuse says no to a coop that has asked, and why. by names who did it. Errors as Admit.
func (n *Node) Refuse(ctx context.Context, by, coop, reason string) error {
	return n.decide(ctx, coop, func(tx Tx, m *Membership, now time.Time) error {
		members, err := n.members(ctx, tx)
		if err != nil {
			return err
		}
		return n.refuse(ctx, tx, m, by, plainText(reason), members, now)
	})
}

// decide is for what a steward decides about an application.
func (n *Node) decide(ctx context.Context, coop string, how func(Tx, *Membership, time.Time) error) error {
	const op = "decide on application"
	now := n.Now()
	err := n.store.Tx(ctx, func(tx Tx) error {
		us, err := tx.Actor(ctx, n.Links.Actor())
		if err != nil {
			return err
		}
		m, err := membership(ctx, tx, us.IRI, coop)
		if err != nil {
			return err
		}
		if m.Step != StepApplied || !us.IsFederation() || us.Coop.Admission == nil {
			return &Error{Op: op, Kind: NotFound, Subject: coop, Text: "No application of " + coop + " is open."}
		}
		if members, err := n.membersDecide(ctx, tx, us); err != nil {
			return err
		} else if members {
			return &Error{Op: op, Kind: Forbidden, Subject: coop, Text: fmt.Sprintf(
				"Here members decide, one coop one vote: %d have to approve by %s. See: coopnode federation applications", us.Coop.Admission.Approvals, m.Deadline.Format(time.DateOnly))}
		}
		return how(tx, m, now)
	})
	n.changed(err)
	return err
}

func validVouches(vouches []string) error {
	for _, v := range vouches {
		if !slices.Contains(Vouchable, v) {
			return invalid("vouch", fmt.Sprintf("What a federation vouches for is among %s, not %q.", listOf(Vouchable), v))
		}
	}
	return nil
}

// admit writes our record of a member and tells it and everybody.
func (n *Node) admit(ctx context.Context, tx Tx, m *Membership, by string, now time.Time) error {
	if m.ID == "" {
		m.ID = NewID()
	}
	said, err := n.opinions(ctx, tx, m)
	if err != nil {
		return err
	}
	m.AdmittedBy = nil
	for _, o := range said {
		if o.Approves && o.Counts {
			m.AdmittedBy = append(m.AdmittedBy, o.IRI)
		}
	}
	m.Step, m.Reason, m.Nodeless, m.Role, m.Deadline = "", "", false, "member", time.Time{}
	m.FederationSays = Word{IRI: n.Links.Membership(m.ID), Since: now.Truncate(time.Second), Checked: now}
	if err := tx.SaveMembership(ctx, m); err != nil {
		return err
	}
	if err := n.sayAdmitted(ctx, tx, m, by, now); err != nil {
		return err
	}
	if err := n.sayListed(ctx, tx, m, by, now); err != nil {
		return err
	}
	if m.Standing() == Confirmed { // it said so before us
		if err := n.joined(ctx, tx, m.Coop, now); err != nil {
			return err
		}
	}
	// It says so itself when it has our answer, and tells; this is for where that is lost.
	if err := tx.SaveTask(ctx, &Task{Kind: TaskMemberships, Subject: m.Coop, Due: now.Add(time.Hour)}); err != nil {
		return err
	}
	return n.followMember(ctx, tx, m, m.Coop, now)
}

// sayAdmitted tells a coop that it is a member, with our record of it.
func (n *Node) sayAdmitted(ctx context.Context, tx Tx, m *Membership, by string, now time.Time) error {
	yes := n.actAt(by, Accept, now)
	yes.ObjectIRI, yes.To, yes.Inner, yes.Record = m.JoinIRI, []string{m.Coop}, application(m), m
	return n.say(ctx, tx, yes, Recipients{Actors: yes.To})
}

// sayListed tells everybody, the members among them, of our record of a coop.
func (n *Node) sayListed(ctx context.Context, tx Tx, m *Membership, by string, now time.Time) error {
	members, err := n.members(ctx, tx)
	if err != nil {
		return err
	}
	add := n.actAt(by, Add, now)
	add.ObjectIRI, add.Target = m.Coop, n.Links.Members()
	add.To, add.Cc = []string{PublicIRI}, []string{n.Links.Followers(), m.Coop}
	return n.say(ctx, tx, add, Recipients{Followers: true, Actors: append(members, m.Coop)})
}

// refuse ends an application, and tells the coop and those whom we had asked.
func (n *Node) refuse(ctx context.Context, tx Tx, m *Membership, by, reason string, members []string, now time.Time) error {
	m.Step, m.Reason, m.Deadline = StepRefused, reason, time.Time{}
	if err := tx.SaveMembership(ctx, m); err != nil {
		return err
	}
	no := n.actAt(by, Reject, now)
	no.ObjectIRI, no.To, no.Inner, no.Content = m.JoinIRI, []string{m.Coop}, application(m), reason
	if err := n.say(ctx, tx, no, Recipients{Actors: no.To}); err != nil {
		return err
	}
	return n.sayDecided(ctx, tx, m, by, members, now)
}

// sayDecided tells members that an application is not open any more.
func (n *Node) sayDecided(ctx context.Context, tx Tx, m *Membership, by string, members []string, now time.Time) error {
	if len(members) == 0 {
		return nil
	}
	over := n.actAt(by, Remove, now)
	over.ObjectIRI, over.Origin, over.To = m.JoinIRI, n.Links.Applications(), members
	return n.say(ctx, tx, over, Recipients{Actors: members})
}

// CloseApplications refuses what members did not approve in time, at most 50, and returns how many.
func (n *Node) CloseApplications(ctx context.Context) (int, error) {
	now := n.Now()
	late, err := n.store.Memberships(ctx, MembershipQuery{Federation: n.Links.Actor(), LateAt: now, Limit: 50})
	if err != nil || len(late) == 0 {
		return 0, err
	}
	err = n.store.Tx(ctx, func(tx Tx) error {
		members, err := n.members(ctx, tx)
		if err != nil {
			return err
		}
		for _, l := range late {
			m, err := tx.LockMembership(ctx, l.Federation, l.Coop)
			if err != nil {
				return err
			}
			if m.Step != StepApplied || m.Deadline.IsZero() || m.Deadline.After(now) {
				continue
			}
			if err := n.refuse(ctx, tx, m, "deadline", "Not enough members approved in time.", members, now); err != nil {
				return err
			}
		}
		return nil
	})
	n.changed(err)
	return len(late), err
}

// onUnjoin ends an application that its coop takes back. It says whether a was about one.
func (n *Node) onUnjoin(ctx context.Context, tx Tx, a *Act, now time.Time) (bool, error) {
	found, err := tx.MembershipByJoin(ctx, a.Inner.IRI)
	if IsNotFound(err) || err == nil && (found.Federation != n.Links.Actor() || found.Coop != a.Actor) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	m, err := tx.LockMembership(ctx, found.Federation, found.Coop)
	if err != nil || m.Step != StepApplied {
		return true, err
	}
	m.Step, m.Deadline = StepWithdrawn, time.Time{}
	if err := tx.SaveMembership(ctx, m); err != nil {
		return true, err
	}
	members, err := n.members(ctx, tx)
	if err != nil {
		return true, err
	}
	return true, n.sayDecided(ctx, tx, m, "answer", members, now)
}
