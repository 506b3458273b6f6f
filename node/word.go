package node

import (
	"context"
	"time"
)

// A Record is one entry of the list in which a coop or a federation says of whom it is a member, or who its members are.
type Record struct {
	IRI          string    // of the Relationship
	Subject      string    // whose word it is
	Object       string    // the other side
	Member       bool      // a federation's word about a coop; else a coop's about a federation
	Since, Until time.Time // Until is zero while it is on
	Role         string
	Vouches      []string
}

// KeepWords keeps what owner says at its own home of its memberships, or of its members. whole says that records are all that
// it says: what it said before and says no more is taken back. asked is when the reading began: what was heard later stays.
// Our own word is never taken from elsewhere.
func (n *Node) KeepWords(ctx context.Context, owner string, members bool, records []Record, whole bool, asked time.Time) error {
	if n.Links.Ours(owner) {
		return nil
	}
	now := n.Now()
	err := n.store.Tx(ctx, func(tx Tx) error {
		said := map[string]bool{}
		for _, r := range records {
			if r.Subject != owner || r.Member != members || r.Object == owner || !SameOrigin(r.IRI, owner) || said[r.Object] {
				continue
			}
			if known, err := n.matters(ctx, tx, owner, members, r.Object); err != nil {
				return err
			} else if !known {
				continue
			}
			said[r.Object] = true
			word := Word{IRI: r.IRI, Since: arrival(r.Since, now), Until: r.Until, Checked: asked}
			if err := n.keepWord(ctx, tx, owner, members, r.Object, word, &r, now); err != nil {
				return err
			}
			if err := n.askOther(ctx, tx, members, r.Object, owner, len(said), now); err != nil {
				return err
			}
		}
		err := n.eachWord(ctx, tx, owner, members, func(m *Membership, other string, word *Word) error {
			switch {
			case said[other]:
				return nil
			case whole && (!word.Since.IsZero() || other == n.Links.Actor()):
				return n.keepWord(ctx, tx, owner, members, other, Word{Checked: asked}, nil, now)
			}
			return n.unsaid(ctx, tx, m, word, asked)
		})
		if err != nil || members {
			return err
		}
		return n.awaitWord(ctx, tx, owner, now)
	})
	n.changed(err)
	return err
}

// StillSaid notes that owner said at that time what it said before.
func (n *Node) StillSaid(ctx context.Context, owner string, members bool, asked time.Time) error {
	now := n.Now()
	err := n.store.Tx(ctx, func(tx Tx) error {
		asks := 0
		err := n.eachWord(ctx, tx, owner, members, func(m *Membership, other string, word *Word) error {
			if word.Since.IsZero() {
				return n.unsaid(ctx, tx, m, word, asked)
			} else if !asked.After(word.Checked) {
				return nil
			}
			word.Checked = asked
			if err := tx.SaveMembership(ctx, m); err != nil {
				return err
			}
			asks++
			return n.askOther(ctx, tx, members, other, owner, asks, now)
		})
		if err != nil || members {
			return err
		}
		return n.awaitWord(ctx, tx, owner, now)
	})
	n.changed(err)
	return err
}

// unsaid notes that owner was asked and says nothing of the other side of m.
func (n *Node) unsaid(ctx context.Context, tx Tx, m *Membership, word *Word, asked time.Time) error {
	if !word.Since.IsZero() || !asked.After(word.Checked) {
		return nil
	}
	word.Checked = asked
	return tx.SaveMembership(ctx, m)
}

// listedJustNow is how long after a federation has listed a coop that coop is asked again and again, each time after twice
// as long, where it does not say so yet: it may not have had its answer.
const listedJustNow = time.Hour

// awaitWord has a coop that was asked just now asked again, where a federation has listed it a moment ago.
func (n *Node) awaitWord(ctx context.Context, tx Tx, coop string, now time.Time) error {
	who, err := tx.Actor(ctx, coop)
	if IsNotFound(err) || err == nil && (who.Coop == nil || who.Coop.MembershipsIRI == "") {
		return nil
	} else if err != nil {
		return err
	}
	return n.eachWord(ctx, tx, coop, false, func(m *Membership, _ string, word *Word) error {
		listed := now.Sub(m.FederationSays.Since)
		if word.Holds() || !m.FederationSays.Holds() || listed > listedJustNow {
			return nil
		}
		return tx.SaveTask(ctx, &Task{Kind: TaskMemberships, Subject: coop, Due: now.Add(max(time.Minute, listed))})
	})
}

// eachWord goes through what is kept of owner's words.
func (n *Node) eachWord(ctx context.Context, tx Tx, owner string, members bool, f func(m *Membership, other string, word *Word) error) error {
	q := MembershipQuery{Coop: owner, Limit: 1000}
	if members {
		q = MembershipQuery{Federation: owner, Limit: 1000}
	}
	for {
		list, err := tx.Memberships(ctx, q)
		if err != nil {
			return err
		}
		for _, m := range list {
			q.After = m.Seq
			other, word := m.Federation, &m.CoopSays
			if members {
				other, word = m.Coop, &m.FederationSays
			}
			if m.Sample {
				continue
			}
			if err := f(m, other, word); err != nil {
				return err
			}
		}
		if len(list) < q.Limit {
			return nil
		}
	}
}

// matters says whether to keep what owner says of other. Of a federation whom we do not follow only that is kept about
// which we have heard from elsewhere: nobody fills our store by naming it.
func (n *Node) matters(ctx context.Context, tx Tx, owner string, members bool, other string) (bool, error) {
	if !members || other == n.Links.Actor() {
		return true, nil
	}
	if ok, err := n.follows(ctx, tx, owner); ok || err != nil {
		return ok, err
	}
	_, err := tx.Membership(ctx, owner, other)
	if IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// How the other sides of what was read are asked: the first at once, the others one after another.
const (
	askedAtOnce  = 20
	askedApart   = 3 * time.Second
	askedOfACoop = 10 // federations that one coop can make us ask
)

// askOther has the other side of a membership asked what it says, if that was not done within seven days or since the
// membership began. members says that it is a coop, named by a federation. at is where it stands among those named at once.
func (n *Node) askOther(ctx context.Context, tx Tx, members bool, other, owner string, at int, now time.Time) error {
	kind, federation, coop := TaskMembers, other, owner
	if members {
		kind, federation, coop = TaskMemberships, owner, other
	}
	if n.Links.Ours(other) || !members && at > askedOfACoop {
		return nil
	}
	m, err := tx.Membership(ctx, federation, coop)
	if err != nil {
		return err
	}
	says, word := m.CoopSays, m.FederationSays
	if members {
		says, word = word, says
	}
	// What began after the other side was asked last it could not say then; a second is what is cut off.
	news := says.Holds() && !word.Holds() && word.Checked.Before(says.Since.Add(time.Second))
	if now.Sub(word.Checked) < CheckAgain && !news {
		return nil
	}
	due := now.Add(time.Duration(max(0, at-askedAtOnce)) * askedApart)
	t, err := tx.Task(ctx, kind, other)
	if err != nil && !IsNotFound(err) {
		return err
	} else if err == nil && (t.Attempts > 0 || t.Due.After(now) && !t.Due.After(due)) { // it does not answer now, or will be asked anyhow
		return nil
	}
	return tx.SaveTask(ctx, &Task{Kind: kind, Subject: other, Due: due}) // all of it, also what did not matter at the last reading
}

// HeedsWords says whether what an actor says of its members, or of its memberships, is worth asking: we follow it, it is
// about us, about somebody whom we follow, or about a member of a federation that we follow.
func (n *Node) HeedsWords(ctx context.Context, owner string, members bool) (heeds bool, err error) {
	err = n.store.Tx(ctx, func(tx Tx) error {
		heeds = false
		if refused, err := n.refuses(ctx, tx, owner); refused || err != nil {
			return err
		}
		var err error
		if heeds, err = n.follows(ctx, tx, owner); heeds || err != nil {
			return err
		}
		return n.eachWord(ctx, tx, owner, members, func(m *Membership, other string, _ *Word) error {
			if heeds || m.Standing() == "" && m.Step != StepApplied {
				return nil
			}
			var err error
			if heeds = other == n.Links.Actor(); !heeds {
				heeds, err = n.follows(ctx, tx, other)
			}
			if members && !heeds && err == nil {
				heeds, err = n.amongThem(ctx, tx, other)
			}
			return err
		})
	})
	return heeds, err
}

// amongThem says whether a coop is a confirmed member of a federation that we follow.
func (n *Node) amongThem(ctx context.Context, tx Tx, coop string) (bool, error) {
	list, err := tx.Memberships(ctx, MembershipQuery{Coop: coop, Standing: Confirmed, Limit: 100})
	for _, m := range list {
		if ok, err := n.follows(ctx, tx, m.Federation); ok || err != nil {
			return ok, err
		}
	}
	return false, err
}

// heed has the words of an actor read whom we follow from now on.
func (n *Node) heed(ctx context.Context, tx Tx, actor string, now time.Time) error {
	a, err := tx.Actor(ctx, actor)
	if IsNotFound(err) || err == nil && a.Coop == nil {
		return nil
	} else if err != nil {
		return err
	}
	kinds := []TaskKind{TaskMemberships}
	if a.IsFederation() {
		kinds = append(kinds, TaskMembers)
	}
	for _, k := range kinds {
		if err := tx.SaveTask(ctx, &Task{Kind: k, Subject: actor, Due: now}); err != nil {
			return err
		}
	}
	return nil
}

// keepWord keeps what owner says of other. r is nil where it says nothing.
func (n *Node) keepWord(ctx context.Context, tx Tx, owner string, members bool, other string, word Word, r *Record, now time.Time) error {
	federation, coop := other, owner
	if members {
		federation, coop = owner, other
	}
	m, err := membership(ctx, tx, federation, coop)
	if err != nil || m.Sample {
		return err
	}
	was := m.Standing()
	held := &m.CoopSays
	if members {
		held = &m.FederationSays
	}
	if held.Checked.After(word.Checked) {
		return nil
	}
	*held = word
	if members && r != nil {
		m.Role, m.Vouches = r.Role, r.Vouches
	}
	if coop == n.Links.Actor() && was == Confirmed && !word.Until.IsZero() { // its letter that says so was lost
		return n.endClaim(ctx, tx, "answer", m, now)
	}
	if err := tx.SaveMembership(ctx, m); err != nil {
		return err
	}
	switch is := m.Standing(); {
	case federation != n.Links.Actor() || (is == Confirmed) == (was == Confirmed):
		return nil
	case is == Confirmed:
		return n.joined(ctx, tx, coop, now)
	default: // ORG-11: it says no more that it is a member
		return n.parted(ctx, tx, "answer", coop, now)
	}
}

// onAdd takes three words: a federation of ours has an application, a federation lists us or somebody, a coop says that it
// belongs to us or to somebody. What is said of others is looked up at their own homes.
func (n *Node) onAdd(ctx context.Context, tx Tx, a, _ *Act, now time.Time) error {
	us := n.Links.Actor()
	who, err := tx.Actor(ctx, a.Actor)
	if IsNotFound(err) || err == nil && who.Coop == nil {
		return nil
	} else if err != nil {
		return err
	}
	switch a.Target {
	case "":
		return nil
	case who.Coop.ApplicationsIRI:
		return n.onApplication(ctx, tx, a, now)
	case who.Coop.MembersIRI:
		if m, err := membership(ctx, tx, a.Actor, a.ObjectIRI); err != nil {
			return err
		} else if m.Step == StepApplied && a.ObjectIRI == us {
			return n.onAdmitted(ctx, tx, m, nil, now)
		} else if m.Step == StepApplied { // we were asked about it, and it is decided
			m.Step = ""
			if err := tx.SaveMembership(ctx, m); err != nil {
				return err
			}
		}
		return n.lookAgain(ctx, tx, TaskMembers, a.Actor, now)
	case who.Coop.MembershipsIRI:
		if a.ObjectIRI == us {
			return tx.SaveTask(ctx, &Task{Kind: TaskMemberships, Subject: a.Actor, Due: now})
		}
		return n.lookAgain(ctx, tx, TaskMemberships, a.Actor, now)
	}
	return nil
}

// onApplication keeps what a federation of ours asks its members about. The application was read at the home of the one who
// applies.
func (n *Node) onApplication(ctx context.Context, tx Tx, a *Act, now time.Time) error {
	in := a.Inner
	if in == nil || in.Verb != Join || in.ObjectIRI != a.Actor || in.Actor == n.Links.Actor() || in.IRI != a.ObjectIRI {
		return nil
	}
	ours, err := tx.Membership(ctx, a.Actor, n.Links.Actor())
	if IsNotFound(err) || err == nil && ours.Standing() != Confirmed {
		return nil
	} else if err != nil {
		return err
	}
	m, err := membership(ctx, tx, a.Actor, in.Actor)
	if err != nil || m.Standing() == Confirmed {
		return err
	}
	m.Step, m.JoinIRI, m.Letter, m.Asked = StepApplied, in.IRI, plainText(in.Content), now
	if err := tx.SaveMembership(ctx, m); err != nil {
		return err
	}
	return n.tell(ctx, tx, Notice{Kind: NoticeApplication, About: m.JoinIRI, Actor: m.Coop}, now)
}

// onRemove ends our membership where a federation says so; and an application about which we were asked.
func (n *Node) onRemove(ctx context.Context, tx Tx, a, _ *Act, now time.Time) error {
	from := a.Origin
	if from == "" {
		from = a.Target
	}
	who, err := tx.Actor(ctx, a.Actor)
	if IsNotFound(err) || err == nil && (who.Coop == nil || from == "") {
		return nil
	} else if err != nil {
		return err
	}
	switch from {
	case who.Coop.ApplicationsIRI:
		m, err := tx.MembershipByJoin(ctx, a.ObjectIRI)
		if IsNotFound(err) || err == nil && (m.Federation != a.Actor || m.Coop == n.Links.Actor() || m.Step != StepApplied) {
			return nil
		} else if err != nil {
			return err
		}
		m.Step = ""
		return tx.SaveMembership(ctx, m)
	case who.Coop.MembersIRI:
		if a.ObjectIRI != n.Links.Actor() {
			return n.lookAgain(ctx, tx, TaskMembers, a.Actor, now)
		}
		m, err := membership(ctx, tx, a.Actor, n.Links.Actor())
		if err != nil || !m.FederationSays.Holds() {
			return err
		}
		m.FederationSays.Until, m.FederationSays.Checked, m.Reason = now.Truncate(time.Second), now, plainText(a.Content)
		return n.endClaim(ctx, tx, "answer", m, now)
	case who.Coop.MembershipsIRI:
		return n.lookAgain(ctx, tx, TaskMemberships, a.Actor, now)
	}
	return nil
}

// lookAgain has the home of a coop whom we follow asked what it says now.
func (n *Node) lookAgain(ctx context.Context, tx Tx, kind TaskKind, actor string, now time.Time) error {
	if a, err := tx.Actor(ctx, actor); IsNotFound(err) || err == nil && a.Coop == nil {
		return nil
	} else if err != nil {
		return err
	}
	if ok, err := n.follows(ctx, tx, actor); !ok || err != nil {
		return err
	}
	return tx.SaveTask(ctx, &Task{Kind: kind, Subject: actor, Due: now})
}

// partMembers ends the memberships of an actor that is gone, in both directions.
func (n *Node) partMembers(ctx context.Context, tx Tx, actor string, now time.Time) error {
	for _, q := range []MembershipQuery{{Coop: actor, Limit: 1000}, {Federation: actor, Limit: 1000}} {
		list, err := tx.Memberships(ctx, q)
		if err != nil {
			return err
		}
		for _, m := range list {
			m.Step = ""
			word := &m.FederationSays
			if q.Coop != "" {
				word = &m.CoopSays
			}
			if word.Holds() {
				word.Until, word.Checked = now.Truncate(time.Second), now
			}
			switch us := n.Links.Actor(); {
			case m.Federation == us && m.FederationSays.Holds():
				err = n.endListing(ctx, tx, m, "answer", "It is gone.", now)
			case m.Coop == us:
				err = n.endClaim(ctx, tx, "answer", m, now)
			default:
				err = tx.SaveMembership(ctx, m)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
