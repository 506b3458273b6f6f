package activitypub_test

import (
	"strings"
	"testing"
	"time"

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

// votedIn has a coop ask and these members approve.
func (u *league) votedIn(c *aptest.Node, voters ...*aptest.Node) {
	u.Helper()
	m := u.applies(c)
	u.comes(node.StepApplied, c, voters...)
	for _, v := range voters {
		u.must(v.SayOpinion(u.Context(), "test", m.JoinIRI, true, ""))
	}
	u.stands(node.Confirmed, c, u.Node, c)
}

// quiet waits until letters in and out of all these nodes are done with.
func quiet(nodes ...*aptest.Node) {
	for range 2 { // what comes last may be answered
		for _, n := range nodes {
			n.Delivered()
		}
	}
}

// later moves the clocks of nodes, which sign with them.
func later(d time.Duration, nodes ...*aptest.Node) {
	for _, n := range nodes {
		n.Later(d)
	}
}

// Whom more members object to than may, and whom not enough approve of in time, is refused, is told why, and can ask again
// after 30 days; members are told that it is over.
func TestRefusedByMembers(t *testing.T) {
	rule := twoOfUs
	rule.Objections = 0
	u := newLeague(t, "trama", rule)
	mill, bakery, press, zine := coop(t, "mill"), coop(t, "bakery"), coop(t, "press"), coop(t, "zine")
	u.takes(mill, bakery)

	m := u.applies(press)
	u.comes(node.StepApplied, press, u.Node, mill, bakery)
	u.must(mill.SayOpinion(t.Context(), "test", m.JoinIRI, true, ""))
	u.must(bakery.SayOpinion(t.Context(), "test", m.JoinIRI, false, "They owe us money."))
	u.comes(node.StepRefused, press, u.Node, press)
	u.comes("", press, mill, bakery)
	refused, err := press.Membership(t.Context(), u.iri(), press.Links.Actor())
	u.must(err)
	if !strings.Contains(refused.Reason, "1 of 2 members object") {
		t.Errorf("it is told %q", refused.Reason)
	}
	u.applies(press) // at once again
	u.comes(node.StepRefused, press, press, u.Node)
	if list, err := u.Applications(t.Context(), u.iri()); err != nil || len(list) != 0 {
		t.Errorf("%d applications are open, %v", len(list), err)
	}

	u.applies(zine)
	u.comes(node.StepApplied, zine, u.Node, mill, bakery)
	quiet(u.Node, mill, bakery, zine)
	all := []*aptest.Node{u.Node, mill, bakery, press, zine}
	later(29*24*time.Hour, all...)
	if n, err := u.CloseApplications(t.Context()); n != 0 || err != nil {
		t.Errorf("%d applications were closed after 29 days of 30, %v", n, err)
	}
	later(2*24*time.Hour, all...)
	u.comes(node.StepRefused, zine, u.Node, zine)
	u.comes("", zine, mill, bakery)
}

// Where whoever asks is in, that needs no person; the criteria hold all the same.
func TestOpenFederation(t *testing.T) {
	u := newLeague(t, "trama", node.Admission{Rule: node.ByAsking, Ownership: []node.Ownership{"workers"}, Countries: []string{"ES"}})
	mill, shop := coop(t, "mill"), aptest.NewNode(t, "shop")
	u.applies(mill)
	u.stands(node.Confirmed, mill, u.Node, mill)
	u.applies(shop)
	u.comes(node.StepRefused, shop, shop, u.Node)
	m, err := shop.Membership(t.Context(), u.iri(), shop.Links.Actor())
	u.must(err)
	if !strings.Contains(m.Reason, "owned by workers") {
		t.Errorf("it is told %q", m.Reason)
	}
	if got := u.standing(u.Node, shop); got != "" {
		t.Errorf("one that does not meet the criteria is %q", got)
	}
}

// An invitation is answered by a person of the coop. Where members decide, a yes does not pass them by.
func TestInvitations(t *testing.T) {
	u := newLeague(t, "trama", node.Admission{Rule: node.ByApprovals, Approvals: 1, Objections: 0, Days: 30})
	mill, bakery, press := coop(t, "mill"), coop(t, "bakery"), coop(t, "press")
	invites := func(c *aptest.Node) {
		t.Helper()
		a, err := u.Wire.Find(t.Context(), c.Links.Host())
		u.must(err)
		u.must(u.Invite(t.Context(), "test", a, "You work as we do."))
		u.comes(node.StepInvited, c, u.Node, c)
	}
	invites(mill)
	u.must(mill.AnswerInvitation(t.Context(), "test", u.iri(), true))
	u.stands(node.Confirmed, mill, u.Node, mill) // the first: a steward has asked it
	invites(bakery)
	u.must(bakery.AnswerInvitation(t.Context(), "test", u.iri(), false))
	u.comes(node.StepRefused, bakery, u.Node, bakery)
	invites(press)
	u.must(press.AnswerInvitation(t.Context(), "test", u.iri(), true))
	u.comes(node.StepApplied, press, u.Node, mill)
	m, err := u.Membership(t.Context(), u.iri(), press.Links.Actor())
	u.must(err)
	u.must(mill.SayOpinion(t.Context(), "test", m.JoinIRI, true, ""))
	u.stands(node.Confirmed, press, u.Node, press)
}

// Who leaves, who is excluded and who takes an application back is known everywhere as what it is then.
func TestMembershipEnds(t *testing.T) {
	u := newLeague(t, "trama", node.Admission{Rule: node.BySteward})
	mill, bakery, press, reader := coop(t, "mill"), coop(t, "bakery"), coop(t, "press"), aptest.NewNode(t, "reader")
	u.takes(mill, bakery)
	reader.Follow(u.Links.Host())
	u.stands(node.Confirmed, mill, reader)
	u.stands(node.Confirmed, bakery, reader)
	u.must(mill.Leave(t.Context(), "test", u.iri()))
	u.stands(node.Former, mill, mill, u.Node, reader)
	u.must(u.Exclude(t.Context(), "test", bakery.Links.Actor(), "No answer for a year."))
	u.stands(node.Former, bakery, bakery, u.Node, reader)
	for _, c := range []*aptest.Node{mill, bakery} {
		us, err := c.Profile(t.Context())
		u.must(err)
		if len(us.Coop.MemberOf) != 0 {
			t.Errorf("%s still says to be a member of %v", c.Links.Host(), us.Coop.MemberOf)
		}
	}
	m, err := bakery.Membership(t.Context(), u.iri(), bakery.Links.Actor())
	u.must(err)
	if m.Reason != "No answer for a year." {
		t.Errorf("the bakery is told %q", m.Reason)
	}
	u.applies(press)
	u.comes(node.StepApplied, press, u.Node)
	u.must(press.Leave(t.Context(), "test", u.iri()))
	u.comes(node.StepWithdrawn, press, u.Node, press)
	if err := u.Admit(t.Context(), "test", press.Links.Actor(), nil); !node.IsNotFound(err) {
		t.Errorf("what was taken back is admitted: %v", err)
	}
}

// A process that ends in between, on any side, changes nothing of what comes of it.
func TestMembershipSurvivesRestarts(t *testing.T) {
	u := newLeague(t, "trama", node.Admission{Rule: node.ByApprovals, Approvals: 1, Objections: 0, Days: 30})
	mill, press := coop(t, "mill"), coop(t, "press")
	u.takes(mill)
	mill.Sleep()
	m := u.applies(press)
	press.Restart()
	u.comes(node.StepApplied, press, u.Node)
	u.Restart()
	mill.Wake()
	u.comes(node.StepApplied, press, mill)
	u.must(mill.SayOpinion(t.Context(), "test", m.JoinIRI, true, ""))
	mill.Restart()
	u.stands(node.Confirmed, press, u.Node)
	u.Restart()
	press.Restart()
	u.stands(node.Confirmed, press, press, u.Node)
}

// A home that does not answer keeps its last word, with its date. When it is back it learns what has changed meanwhile, also
// where the letters about it are lost, and is asked again.
func TestMemberAsleepForEightDays(t *testing.T) {
	u := newLeague(t, "trama", node.Admission{Rule: node.BySteward})
	mill, reader := coop(t, "mill"), aptest.NewNode(t, "reader")
	u.takes(mill)
	reader.Follow(u.Links.Host())
	u.stands(node.Confirmed, mill, reader)
	quiet(u.Node, mill, reader)
	checked := func() node.Membership {
		m, err := reader.Membership(t.Context(), u.iri(), mill.Links.Actor())
		u.must(err)
		return *m
	}
	before := checked()
	mill.Sleep()
	later(8*24*time.Hour, u.Node, mill, reader)
	aptest.Until(t, "the federation is asked again", func() bool { return checked().FederationSays.Checked.After(before.FederationSays.Checked) })
	if m := checked(); m.Standing() != node.Confirmed || !m.CoopSays.Checked.Equal(before.CoopSays.Checked) {
		t.Errorf("while it sleeps it is %s, checked %s, want confirmed, checked %s", m.Standing(), m.CoopSays.Checked, before.CoopSays.Checked)
	}
	u.must(u.Exclude(t.Context(), "test", mill.Links.Actor(), ""))
	_, err := u.DropDeliveries(t.Context(), "test", node.DeliveryQuery{Host: mill.Links.Host()})
	u.must(err)
	u.stands(node.Former, mill, reader)
	mill.Wake()
	u.stands(node.Former, mill, mill)
	if us, err := mill.Profile(t.Context()); err != nil || len(us.Coop.MemberOf) != 0 {
		t.Errorf("it still says to be a member: %v, %v", us.Coop.MemberOf, err)
	}
}
