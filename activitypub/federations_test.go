package activitypub_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// A movement is a village of coops and federations. Coops belong to one or two federations and subscribe to those and to a
// third of the others; federations subscribe to each other in a ring.
type movement struct {
	*aptest.Village
	testing.TB
	rng         *rand.Rand
	coops       []*aptest.Node
	federations []*federation
	said        []*saying
}

type federation struct {
	*aptest.Node
	members, subscribers []*aptest.Node
}

// A saying is an opening with its author.
type saying struct {
	by     *aptest.Node
	iri    string
	public bool
}

// A season is what is told of one movement.
type season struct {
	nodes, federations, public int
	hosts                      float64 // that subscribe to a federation of the author, mean of all public openings
	traffic                    aptest.Traffic
	virtual, real              time.Duration
}

func (s *season) perOpening() float64 { return float64(s.traffic.All()) / float64(s.public) }

// In virtual time, with nodes that sleep and restart at any moment, every public opening reaches every subscriber of its
// author's federations exactly once from each, nothing else does, and what that costs grows no faster than the
// number of subscribers (issue 4, 6).
func TestTortureFederations(t *testing.T) {
	sizes, openings := []int{5, 10}, 6
	if os.Getenv("COOPNODE_TORTURE") != "" {
		sizes, openings = []int{30, 100, 300}, 40
	} else {
		t.Parallel()
		t.Logf("%v nodes; 30, 100 and 300 with COOPNODE_TORTURE=1 (make torture)", sizes)
	}
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("COOPNODE_SEED"); s != "" {
		fmt.Sscan(s, &seed)
	}
	t.Logf("COOPNODE_SEED=%d", seed)
	var all []*season
	for _, size := range sizes {
		real := realClock()
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMovement(t, size, rand.New(rand.NewPCG(seed, uint64(size))))
				founding := m.Traffic()
				t.Logf("%d nodes know each other after %v, %d letters and %d GETs", size, real(), founding.Letters, founding.Gets)
				s := m.season(openings)
				s.real = real()
				all = append(all, s)
			})
		})
	}
	if t.Failed() {
		return
	}
	t.Logf("%5s %11s %8s %16s %7s %5s %20s %12s %9s", "nodes", "federations", "openings", "subscriber hosts", "letters", "GETs", "messages per opening", "virtual time", "real time")
	for _, s := range all {
		t.Logf("%5d %11d %8d %16.1f %7d %5d %20.1f %12v %9v", s.nodes, s.federations, s.public, s.hosts, s.traffic.Letters, s.traffic.Gets, s.perOpening(), s.virtual, s.real)
	}
	if got := slope(all); got > 1.1 {
		t.Errorf("messages per opening grow with the power %.2f of the subscriber hosts, want at most 1.1", got)
	} else {
		t.Logf("log-log slope of messages per opening against subscriber hosts: %.2f", got)
	}
}

// slope is that of the straight line that is nearest to the points on logarithmic scales.
func slope(all []*season) float64 {
	var x, y, xx, xy float64
	for _, s := range all {
		a, b := math.Log(s.hosts), math.Log(s.perOpening())
		x, y, xx, xy = x+a, y+b, xx+a*a, xy+a*b
	}
	n := float64(len(all))
	return (n*xy - x*y) / (n*xx - x*x)
}

func newMovement(t testing.TB, size int, rng *rand.Rand) *movement {
	m := &movement{TB: t, rng: rng, Village: aptest.NewVillage(t, aptest.Seams{OverMemory: activitypub.OverMemory, Patient: activitypub.Patient})}
	for i := range max(2, size/15) {
		f := &federation{Node: m.Node(fmt.Sprint("federation", i+1))}
		_, err := f.SetFederation(t.Context(), "test", &node.Admission{Rule: node.ByAsking}, node.DefaultResharing())
		m.must(err)
		m.federations = append(m.federations, f)
	}
	for i := range size - len(m.federations) {
		n := m.Node(fmt.Sprint("coop", i+1))
		m.coops = append(m.coops, n)
		own := 1 + i%2
		for k, j := range rng.Perm(len(m.federations)) {
			f := m.federations[j]
			if k < own {
				f.members = append(f.members, n)
			}
			if k < own || (i+k)%3 == 0 {
				f.subscribers = append(f.subscribers, n)
			}
		}
	}
	for i, f := range m.federations {
		next := m.federations[(i+1)%len(m.federations)]
		next.subscribers = append(next.subscribers, f.Node)
	}
	var work sync.WaitGroup
	for _, f := range m.federations {
		work.Go(func() {
			for _, n := range f.subscribers {
				if slices.Contains(f.members, n) {
					m.ask(n, f.Node, func(a *node.Actor) error { _, err := n.Join(t.Context(), "test", a, "", false); return err })
				} else {
					m.ask(n, f.Node, func(a *node.Actor) error { _, err := n.Node.Follow(t.Context(), "test", a); return err })
				}
			}
		})
	}
	work.Wait()
	m.Quiet(time.Hour)
	for _, f := range m.federations {
		for _, n := range f.members {
			for _, side := range []*aptest.Node{f.Node, n} {
				ms, err := side.DB.Membership(t.Context(), f.Links.Actor(), n.Links.Actor())
				m.must(err)
				if ms.Standing() != node.Confirmed {
					t.Errorf("for %s the membership of %s in %s is %q, want it confirmed", side.Links.Base, n.Links.Base, f.Links.Base, ms.Standing())
				}
			}
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	return m
}

func (m *movement) must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

// ask does with an actor, found at its home, what who wants of it.
func (m *movement) ask(who, whom *aptest.Node, want func(*node.Actor) error) {
	m.Helper()
	a, err := who.Wire.Find(m.Context(), whom.Links.Actor())
	if err == nil {
		err = want(a)
	}
	if err != nil {
		m.Errorf("%s asks %s: %v", who.Links.Base, whom.Links.Base, err)
	}
}

// season lets two hours pass in which coops publish openings, one in five of them for followers alone, while nodes
// sleep and restart, and then the time that it takes until everybody has heard of everything.
func (m *movement) season(openings int) *season {
	m.Helper()
	const long = 2 * time.Hour
	m.LoseAnswers(0.02)
	type event struct {
		at time.Duration
		do func()
	}
	var plan []event
	at := func(most time.Duration, do func()) time.Duration {
		e := event{time.Duration(m.rng.Int64N(int64(most))), do}
		plan = append(plan, e)
		return e.at
	}
	for _, n := range m.Nodes {
		switch m.rng.IntN(3) {
		case 0:
			fell := at(long, n.Sleep)
			plan = append(plan, event{fell + time.Minute + time.Duration(m.rng.Int64N(int64(40*time.Minute))), n.Wake})
		case 1:
			at(long, n.Restart)
		}
	}
	for i := range openings {
		by := m.coops[i%(openings/2)] // as many authors in every movement, for the first letter of each costs more
		at(long, func() { m.say(by, i) })
	}
	slices.SortStableFunc(plan, func(a, b event) int { return int(a.at - b.at) })
	begun := time.Now()
	for _, e := range plan {
		time.Sleep(time.Until(begun.Add(e.at)))
		e.do()
	}
	m.Quiet(12 * time.Hour)
	s := &season{nodes: len(m.Nodes), federations: len(m.federations), virtual: time.Since(begun).Round(time.Second), traffic: m.Traffic()}
	m.check(s)
	return s
}

func (m *movement) say(by *aptest.Node, i int) {
	o := &node.Opening{Base: node.Base{Type: node.TypeOpening, Audience: node.Public, Texts: []node.Text{{Lang: "en", Title: fmt.Sprint("Opening ", i), Source: "Six weeks of work."}}}}
	o.Closes = by.Now().Add(28 * 24 * time.Hour).Truncate(time.Second)
	if i%5 == 4 {
		o.Audience = node.Followers
	}
	by.Publish(o)
	m.said = append(m.said, &saying{by: by, iri: o.IRI, public: o.Audience == node.Public})
}

// check compares what every node has heard with what it should have.
func (m *movement) check(s *season) {
	m.Helper()
	ids := map[aptest.Heard][]string{} // of Announces, by where, by whom and of what
	again := 0
	for h, times := range m.Heard() {
		id := h.ID
		h.ID = ""
		ids[h] = append(ids[h], id)
		again += times - 1
	}
	reached := 0
	for _, n := range m.Nodes {
		brought := m.timeline(n)
		for _, o := range m.said {
			var want []string // federations that shared it with n
			for _, f := range m.federations {
				hears := o.public && slices.Contains(f.members, o.by) && (slices.Contains(f.subscribers, n) || n == o.by)
				if hears {
					want = append(want, f.Links.Actor())
					reached++
				} else if f.Node == n && o.public && slices.Contains(f.members, o.by) {
					want = append(want, f.Links.Actor()) // its own
				}
				h := aptest.Heard{At: n.Links.Base, By: f.Links.Actor(), Object: o.iri}
				if got := ids[h]; len(got) > 1 || (len(got) == 1) != hears {
					m.Errorf("%s got the Announces %v of %s by %s, want one: %v", h.At, got, h.Object, h.By, hears)
				}
				delete(ids, h)
			}
			slices.Sort(want)
			if got := brought[o.iri]; n != o.by && !slices.Equal(got, want) {
				m.Errorf("%s shows %s as shared by %v, want %v", n.Links.Base, o.iri, got, want)
			}
		}
	}
	for h := range ids {
		m.Errorf("%s got an Announce by %s of %s, which nobody should have shared", h.At, h.By, h.Object)
	}
	for _, o := range m.said {
		if !o.public {
			m.keptTo(o)
			continue
		}
		hosts := map[*aptest.Node]bool{}
		for _, f := range m.federations {
			if slices.Contains(f.members, o.by) {
				for _, n := range f.subscribers {
					hosts[n] = n != o.by
				}
			}
		}
		delete(hosts, o.by)
		s.public++
		s.hosts += float64(len(hosts))
	}
	s.hosts /= float64(s.public)
	m.Logf("%d public openings reached %d doors of subscribers and authors once; %d letters came again and had no effect", s.public, reached, again)
}

// keptTo sees to it that federations hold what a member said to its followers, so that they could have passed it on.
func (m *movement) keptTo(o *saying) {
	m.Helper()
	for _, f := range m.federations {
		if !slices.Contains(f.members, o.by) {
			continue
		}
		if held := f.Known(o.iri); held == nil || held.Common().Audience != node.Followers {
			m.Errorf("%s should hold %s, which is for followers of its author", f.Links.Base, o.iri)
		}
	}
}

// timeline is who shared what n shows there, each opening once.
func (m *movement) timeline(n *aptest.Node) map[string][]string {
	m.Helper()
	list, err := n.Timeline(m.Context(), node.TimelineQuery{Limit: 200})
	m.must(err)
	brought := map[string][]string{}
	for _, e := range list {
		if brought[e.ObjectIRI] != nil {
			m.Errorf("%s shows %s twice", n.Links.Base, e.ObjectIRI)
		}
		brought[e.ObjectIRI] = slices.Sorted(slices.Values(e.SharedBy))
	}
	return brought
}
