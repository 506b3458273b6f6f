package ui

import (
	"context"
	"slices"
	"time"

	"github.com/coopnode/coopnode/node"
)

// A belonging is one side of a membership as the page of the other side shows it (vocabulary 2.2).
type belonging struct {
	*node.Membership
	Other    person
	Actor    *node.Actor // the other side as it says of itself; nil where this node has not read it
	Page     string      // what this node knows of the other side; "" where that is nothing
	Standing node.Standing
}

// belongings lists what a coop is a member of: what both say first, then what it says alone, then what is over. What
// only a federation says stands on the federation's page alone.
func (v *visit) belongings(ctx context.Context, coop *node.Actor) ([]*belonging, error) {
	known, err := v.node.Memberships(ctx, node.MembershipQuery{Coop: coop.IRI, Shown: true, Limit: 200})
	if err != nil {
		return nil, err
	}
	var list []*belonging
	said := []string{}
	for _, m := range known {
		said = append(said, m.Federation)
		if m.Standing() == node.ListedOnly {
			continue
		}
		b, err := v.belonging(ctx, m, m.Federation)
		if err != nil {
			return nil, err
		}
		if b != nil {
			list = append(list, b)
		}
	}
	if coop.Coop != nil {
		for _, iri := range coop.Coop.MemberOf { // what its profile says and its list of memberships does not, or not yet
			if slices.Contains(said, iri) {
				continue
			}
			said = append(said, iri)
			b, err := v.belonging(ctx, &node.Membership{Federation: iri, Coop: coop.IRI}, iri)
			if err != nil {
				return nil, err
			}
			if b != nil {
				b.Standing = node.ClaimedOnly
				list = append(list, b)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b *belonging) int { return rank(a.Standing) - rank(b.Standing) })
	return list, nil
}

func rank(s node.Standing) int {
	return slices.Index([]node.Standing{node.Confirmed, node.ClaimedOnly, node.ListedOnly, node.Former}, s)
}

// belonging shows the other side of a membership; nil for one whom a rule refuses.
func (v *visit) belonging(ctx context.Context, m *node.Membership, other string) (*belonging, error) {
	rules, err := v.node.Policy(ctx)
	if err != nil || rules.Refuses(other) {
		return nil, err
	}
	who, err := v.people.of(ctx, other)
	if err != nil {
		return nil, err
	}
	b := &belonging{Membership: m, Other: who, Actor: m.Who, Standing: m.Standing()}
	if b.Actor == nil {
		if b.Actor, err = v.node.ActorOf(ctx, other); err != nil && !node.IsNotFound(err) {
			return nil, err
		}
	}
	b.Page = v.knownPage(b.Actor)
	return b, nil
}

// knownPage is the path of the page that tells what this node knows of an actor; "" where there is none.
func (v *visit) knownPage(a *node.Actor) string {
	switch {
	case a == nil || a.Coop == nil || !a.Gone.IsZero():
		return ""
	case a.Local:
		return "/"
	}
	return v.node.Links.Known(a)[len(v.node.Links.Base):]
}

// Since is when the later of the two words began.
func (b *belonging) Since() time.Time {
	if c, f := b.CoopSays.Since, b.FederationSays.Since; c.After(f) {
		return c
	} else {
		return f
	}
}

// AskedOn is when the home of the side on which the standing hangs was last asked, the earlier of two where it hangs on
// both; zero if it was not yet. Our own word needs no asking.
func (b *belonging) AskedOn(l node.Links) time.Time {
	c, f := b.CoopSays.Checked, b.FederationSays.Checked
	switch {
	case l.Ours(b.Coop), b.Standing == node.ClaimedOnly, b.Standing == node.Former && !b.FederationSays.Until.IsZero():
		return f
	case l.Ours(b.Federation), f.After(c):
		return c
	}
	return f
}

// vouches says what a federation has looked at in a member.
func (b *belonging) vouches(ctx context.Context) string { return words(ctx, "vouch.", b.Vouches) }

// sinceAndAsked says since when a membership holds and when the homes of the others were asked last.
func sinceAndAsked(ctx context.Context, v *visit, b *belonging) string {
	since, asked := "", say(ctx, "standing.unasked")
	if b.Standing == node.Confirmed {
		since = say(ctx, "standing.since", day(ctx, b.Since()))
	}
	if at := b.AskedOn(v.node.Links); !at.IsZero() {
		asked = say(ctx, "standing.asked", day(ctx, at))
	}
	return capital(list(ctx, since, asked)) + "."
}

// standingWord says where a membership stands on the page of the federation.
func standingWord(ctx context.Context, b *belonging) string {
	if b.Standing == node.Former {
		return say(ctx, "standing.former", day(ctx, b.EndedAt()))
	}
	return sayKnown(ctx, "standing.", string(b.Standing))
}

// standingClass is the class of the badge of a membership.
func standingClass(s node.Standing) string {
	switch s {
	case node.Confirmed:
		return "s-open"
	case node.ClaimedOnly, node.ListedOnly:
		return "s-paused"
	}
	return "s-other"
}

// confirmers are the federations that have looked at who owns a coop, and of which it is a member by both words.
func confirmers(list []*belonging) (by []*belonging) {
	for _, b := range list {
		if b.Standing == node.Confirmed && b.Vouched("worker-owned") {
			by = append(by, b)
		}
	}
	return by
}
