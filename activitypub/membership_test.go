package activitypub_test

import (
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// coop starts a node that says who owns it, so that a federation with criteria can take it.
func coop(t testing.TB, name string) *aptest.Node {
	t.Helper()
	n := aptest.NewNode(t, name)
	if _, err := n.SaveProfile(t.Context(), "test", func(a *node.Actor) error {
		a.Coop.Ownership, a.Coop.Jurisdiction = "workers", "ES"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// A league is a federation with nodes that are its members or want to be.
type league struct {
	testing.TB
	*aptest.Node
}

// newLeague starts a federation that admits by this rule.
func newLeague(t testing.TB, name string, rule node.Admission) *league {
	t.Helper()
	u := &league{t, aptest.NewNode(t, name)}
	_, err := u.SetFederation(t.Context(), "test", &rule, node.DefaultResharing())
	u.must(err)
	return u
}

func (u *league) must(err error) {
	u.Helper()
	if err != nil {
		u.Fatal(err)
	}
}

// iri is the address of the federation.
func (u *league) iri() string { return u.Links.Actor() }

// applies has a coop ask to be a member.
func (u *league) applies(c *aptest.Node) *node.Membership {
	u.Helper()
	f, err := c.Wire.Find(u.Context(), u.Links.Host())
	u.must(err)
	m, err := c.Join(u.Context(), "test", f, "We work as you do.", false)
	u.must(err)
	return m
}

// step is how far the application of a coop has come on the node at.
func (u *league) step(at, c *aptest.Node) node.Step {
	u.Helper()
	m, err := at.Membership(u.Context(), u.iri(), c.Links.Actor())
	if node.IsNotFound(err) {
		return ""
	}
	u.must(err)
	return m.Step
}

// standing is what the node at knows of the membership of a coop.
func (u *league) standing(at, c *aptest.Node) node.Standing {
	u.Helper()
	m, err := at.Membership(u.Context(), u.iri(), c.Links.Actor())
	if node.IsNotFound(err) {
		return ""
	}
	u.must(err)
	return m.Standing()
}

// stands waits until nodes know the membership of a coop so.
func (u *league) stands(want node.Standing, c *aptest.Node, at ...*aptest.Node) {
	u.Helper()
	for _, n := range at {
		aptest.Until(u, n.Links.Host()+" knows "+c.Links.Host()+" as "+string(want), func() bool { return u.standing(n, c) == want })
	}
}

// comes waits until the application of a coop has come so far on these nodes.
func (u *league) comes(want node.Step, c *aptest.Node, at ...*aptest.Node) {
	u.Helper()
	for _, n := range at {
		aptest.Until(u, n.Links.Host()+" knows the application of "+c.Links.Host()+" as "+string(want), func() bool { return u.step(n, c) == want })
	}
}

// takes makes a coop a member by a steward.
func (u *league) takes(coops ...*aptest.Node) {
	u.Helper()
	for _, c := range coops {
		u.applies(c)
		u.comes(node.StepApplied, c, u.Node)
		u.must(u.Admit(u.Context(), "test", c.Links.Actor(), nil))
		u.stands(node.Confirmed, c, u.Node, c)
	}
}

// twoOfUs is the rule by approvals, of two members.
var twoOfUs = node.Admission{Rule: node.ByApprovals, Approvals: 2, Objections: 1, Days: 30, Ownership: []node.Ownership{"workers"}}

// Two members are let in by the steward, for they are the first; the third by their approvals. That it is a member is known
// to both sides and to a node that only follows the federation, each from the home of who says it.
func TestAdmittedByApprovals(t *testing.T) {
	u := newLeague(t, "trama", twoOfUs)
	mill, bakery, press := coop(t, "mill"), coop(t, "bakery"), coop(t, "press")
	reader := aptest.NewNode(t, "reader")
	u.takes(mill, bakery)
	reader.Follow(u.Links.Host())

	m := u.applies(press)
	u.comes(node.StepApplied, press, u.Node, mill, bakery)
	u.must(mill.SayOpinion(t.Context(), "test", m.JoinIRI, true, ""))
	mill.Delivered()
	u.Handled()
	if got := u.step(u.Node, press); got != node.StepApplied {
		t.Errorf("after one approval of two the application is %q", got)
	}
	if err := u.Admit(t.Context(), "test", press.Links.Actor(), nil); node.KindOf(err) != node.Forbidden {
		t.Errorf("a steward decides where members do: %v", err)
	}
	u.must(bakery.SayOpinion(t.Context(), "test", m.JoinIRI, true, ""))
	u.stands(node.Confirmed, press, u.Node, press, reader, mill, bakery)
	u.comes("", press, mill, bakery)
	at, err := u.Membership(t.Context(), u.iri(), press.Links.Actor())
	u.must(err)
	if len(at.AdmittedBy) != 2 {
		t.Errorf("admitted by %v, want the approvals of two", at.AdmittedBy)
	}
	aptest.Until(t, "the federation and the coop follow each other", func() bool {
		return u.FollowedState(press.Links.Actor()) == node.Accepted && press.FollowedState(u.iri()) == node.Accepted
	})
	know, err := reader.Membership(t.Context(), u.iri(), press.Links.Actor())
	u.must(err)
	if node.HostOf(know.CoopSays.IRI) != press.Links.Host() || node.HostOf(know.FederationSays.IRI) != u.Links.Host() {
		t.Errorf("the reader believes %s and %s, want a record of each home", know.CoopSays.IRI, know.FederationSays.IRI)
	}
}
