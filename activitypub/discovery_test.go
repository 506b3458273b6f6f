package activitypub_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// ring starts nodes in a ring with two chords, each of which follows its neighbours; nobody knows more than these. The one at
// without, if there is one, is left out, with all that leads to it.
func ring(t *testing.T, size, without int) (nodes []*aptest.Node) {
	t.Helper()
	all := make([]*aptest.Node, size)
	for i := range all {
		if i != without {
			all[i] = aptest.NewNode(t, fmt.Sprint("coop", i))
			nodes = append(nodes, all[i])
		}
	}
	edge := func(a, b int) {
		if a, b := all[a%size], all[b%size]; a != nil && b != nil {
			follow(t, a, b.Links.Actor())
			follow(t, b, a.Links.Actor())
		}
	}
	for i := range all {
		edge(i, i+1)
	}
	edge(0, size/2)
	edge(size/4, size*3/4)
	for _, n := range nodes {
		n.Delivered()
	}
	return nodes
}

func follow(t *testing.T, n *aptest.Node, actor string) {
	a, err := n.Wire.Find(t.Context(), actor)
	if err == nil {
		_, err = n.Node.Follow(t.Context(), "test", a)
	}
	if err != nil {
		t.Errorf("%s follows %s: %v", n.Links.Base, actor, err)
	}
}

// coopsKnown are the coops in the directory of a node, itself left out.
func coopsKnown(t *testing.T, n *aptest.Node) (known []string) {
	t.Helper()
	list, err := n.Store().KnownCoops(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		if !a.Local {
			known = append(known, a.IRI)
		}
	}
	return known
}

// listedNear says whether somebody stands in the list of one whom n follows. To follow those who do not leads further.
func listedNear(t *testing.T, n *aptest.Node, actor string) bool {
	all, err := n.Sightings(t.Context(), actor)
	if err != nil {
		t.Error(err)
	}
	return slices.ContainsFunc(all[actor], func(s *node.Sighting) bool { return n.FollowedState(s.Through) != "" })
}

// settled waits until every list that is to be read now was read, or could not be.
func settled(t *testing.T, nodes []*aptest.Node) {
	t.Helper()
	for _, n := range nodes {
		aptest.Until(t, n.Links.Base+" has read all lists", func() bool {
			tasks, err := n.Store().Tasks(t.Context(), node.TaskDiscover)
			if err != nil {
				t.Fatal(err)
			}
			return !slices.ContainsFunc(tasks, func(d *node.Task) bool { return d.Attempts == 0 && d.Due.Before(n.Now().Add(time.Minute)) })
		})
	}
}

// Nodes in a ring with two chords and no federation find each other: each reads whom those follow whom it follows, follows
// those furthest away that it found, and reads again, until it finds nobody new. Without any one of them the others find each
// other as well (issue 4, Done when 3).
func TestTortureFindEachOther(t *testing.T) {
	size := 12
	if os.Getenv("COOPNODE_TORTURE") != "" {
		size = 40
	} else {
		t.Logf("%d nodes; 40 with COOPNODE_TORTURE=1 (make torture)", size)
	}
	t.Run("all", func(t *testing.T) { findEachOther(t, size, -1) })
	t.Run("one is not there", func(t *testing.T) { findEachOther(t, size, rand.IntN(size)) })
}

func findEachOther(t *testing.T, size, without int) {
	began := time.Now()
	nodes := ring(t, size, without)
	t.Logf("%d nodes follow their neighbours after %v; number %d is not there", len(nodes), time.Since(began).Round(time.Second), without)
	for round, found := 0, 0; ; round++ {
		settled(t, nodes)
		all, follows := 0, 0
		for _, n := range nodes {
			known := coopsKnown(t, n)
			all += len(known)
			for _, iri := range known {
				if n.FollowedState(iri) == "" && !listedNear(t, n, iri) {
					follow(t, n, iri)
					follows++
				}
			}
		}
		for _, n := range nodes {
			n.Delivered()
		}
		t.Logf("round %d: %d coops known in all, %d follows more, after %v", round, all, follows, time.Since(began).Round(time.Second))
		if all == found {
			break
		}
		found = all
		for _, n := range nodes {
			n.Later(25 * time.Hour)
		}
	}
	for _, n := range nodes {
		known := coopsKnown(t, n)
		for _, other := range nodes {
			if other != n && !slices.Contains(known, other.Links.Actor()) {
				t.Errorf("%s has not found %s", n.Links.Base, other.Links.Base)
			}
		}
	}
}

// roll serves the list of whom a stranger's coop follows.
func roll(s *aptest.Stranger, coop *aptest.Person, actors ...any) {
	following := coop.ID + "/following"
	s.Serve(following+"?page=1", m{"id": following + "?page=1", "type": "OrderedCollectionPage", "orderedItems": actors})
	s.Serve(following, m{"id": following, "type": "OrderedCollection", "totalItems": len(actors), "first": following + "?page=1"})
}

// coopAt is a stranger's actor that says it is a cooperative.
func coopAt(s *aptest.Stranger, handle string, more m) *aptest.Person {
	p := s.Person(handle)
	s.Serve(p.ID, aptest.With(aptest.With(p.Document(handle), m{"type": "Organization", "additionalType": node.KindCooperative, "following": p.ID + "/following"}), more))
	return p
}

// followedBy makes n follow somebody at s, who accepts.
func followedBy(t *testing.T, n *aptest.Node, s *aptest.Stranger, who *aptest.Person) {
	t.Helper()
	follow(t, n, who.ID)
	who.Want(202, n.Links.Inbox(), who.Do("Accept", s.Letter("Follow", who.ID)["id"]))
}

func through(t *testing.T, n *aptest.Node, actor string) (who []string) {
	t.Helper()
	all, err := n.Sightings(t.Context(), actor)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all[actor] {
		who = append(who, string(s.How)+" "+s.Through)
	}
	return who
}

func tomorrowAgain(t *testing.T, n *aptest.Node) {
	t.Helper()
	settled(t, []*aptest.Node{n})
	n.Later(26 * time.Hour)
	settled(t, []*aptest.Node{n})
}

// Those whom the coops list that we follow are known through them, one step further too and no more; only coops are kept, and who
// is none is not asked every day. What does not change costs two questions a list. A sighting ends when it is not listed any
// more.
func TestKnownThrough(t *testing.T) {
	n, s := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "away")
	s.Tags = true
	near, far, beyond, unseen, person := coopAt(s, "near", nil), coopAt(s, "far", nil), coopAt(s, "beyond", nil), coopAt(s, "unseen", nil), s.Person("ana")
	roll(s, near, far.ID, person.ID, s.Base+"/users/nobody", n.Links.Actor(), "http://127.0.0.1:1/x", "not an address")
	roll(s, far, beyond.ID)
	roll(s, beyond, unseen.ID)
	followedBy(t, n, s, near)
	aptest.Until(t, "one step further is found", func() bool { return slices.Contains(coopsKnown(t, n), beyond.ID) })
	settled(t, []*aptest.Node{n})
	want := []string{near.ID, far.ID, beyond.ID}
	known := coopsKnown(t, n)
	slices.Sort(want)
	slices.Sort(known)
	if !slices.Equal(known, want) {
		t.Errorf("known: %v, want %v", known, want)
	}
	for iri, want := range map[string]string{far.ID: "following " + near.ID, beyond.ID: "following " + far.ID} {
		if got := through(t, n, iri); !slices.Equal(got, []string{want}) {
			t.Errorf("%s is known through %v, want %s", iri, got, want)
		}
	}
	if got := s.Count("GET", "/users/unseen"); got != 0 {
		t.Errorf("%d requests go further than one step", got)
	}

	s.Forget()
	tomorrowAgain(t, n)
	for _, r := range s.Requests() {
		if strings.Contains(r.Path, "/following") && r.Header.Get("If-None-Match") == "" || r.Path == "/users/ana" || r.Path == "/users/nobody" {
			t.Errorf("on a day without changes: GET %s", r.Path)
		}
	}
	if got := s.Count("GET", "/users/near/following"); got != 2 {
		t.Errorf("a list that did not change costs %d questions", got)
	}

	roll(s, near, person.ID, unseen.ID)
	tomorrowAgain(t, n)
	if got := through(t, n, far.ID); got != nil {
		t.Errorf("who is listed no more is known through %v", got)
	}
	if got := through(t, n, unseen.ID); len(got) != 1 || !slices.Contains(coopsKnown(t, n), unseen.ID) {
		t.Errorf("who is new there is known through %v", got)
	}
	if err := n.Unfollow(t.Context(), "test", near.ID); err != nil {
		t.Fatal(err)
	}
	settled(t, []*aptest.Node{n})
	tomorrowAgain(t, n)
	if got := through(t, n, unseen.ID); got != nil {
		t.Errorf("who is known through nobody whom we follow is known through %v", got)
	}
	if got := through(t, n, beyond.ID); got != nil {
		t.Errorf("what a coop beyond our reach lists is known through %v", got)
	}
}

// Hosts that a rule refuses are not asked, one that is limited brings nobody, and nobody can make this node ask the whole
// world in a day (MOD-3, LIM).
func TestDiscoveryIsBounded(t *testing.T) {
	n, s := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "away")
	bad := aptest.NewStranger(t, "bad")
	near := coopAt(s, "near", nil)
	listed := []any{coopAt(bad, "refused", nil).ID}
	for i := range 1200 {
		listed = append(listed, fmt.Sprint(s.Base, "/users/invented", i))
	}
	roll(s, near, listed...)
	rule := func(host string, severity node.Severity) []*node.Rule {
		return []*node.Rule{{Target: host, Severity: severity}}
	}
	if _, err := n.ChangeRules(t.Context(), "test", rule("bad.localhost", node.SeverityReject), nil); err != nil {
		t.Fatal(err)
	}
	followedBy(t, n, s, near)
	aptest.Until(t, "the list is read", func() bool { return s.Count("GET", "/users/invented") >= node.LooksAtOnce })
	settled(t, []*aptest.Node{n})
	if got := s.Count("GET", "/users/invented"); got > node.LooksAtOnce {
		t.Errorf("%d were asked in one reading", got)
	}
	if got := bad.Count("", ""); got != 0 {
		t.Errorf("%d requests to a host that is refused", got)
	}
	if _, err := n.ChangeRules(t.Context(), "test", rule("away.localhost", node.SeverityLimit), nil); err != nil {
		t.Fatal(err)
	}
	s.Forget()
	tomorrowAgain(t, n)
	if got := s.Count("GET", "/users/near/following") + s.Count("GET", "/users/invented"); got != 0 {
		t.Errorf("%d requests for the lists of one that is limited", got)
	}
	if got := through(t, n, s.Base+"/users/invented1"); got != nil {
		t.Errorf("known through %v, who is limited", got)
	}
}

// A coop may keep to itself whom it follows: the number alone is public, and others find nobody through it.
func TestHiddenFollowing(t *testing.T) {
	mill, bakery, dairy := aptest.NewNode(t, "mill"), aptest.NewNode(t, "bakery"), aptest.NewNode(t, "dairy")
	if _, err := mill.SaveProfile(t.Context(), "test", func(a *node.Actor) error { a.HidesFollowing = true; return nil }); err != nil {
		t.Fatal(err)
	}
	mill.Follow("@dairy@" + dairy.Links.Host())
	bakery.Follow("@mill@" + mill.Links.Host())
	settled(t, []*aptest.Node{bakery})
	var doc m
	if err := json.Unmarshal(aptest.GetDocument(t, mill.Links.Following()).Body, &doc); err != nil {
		t.Fatal(err)
	}
	if doc["totalItems"] != float64(1) || doc["first"] != nil || doc["orderedItems"] != nil {
		t.Errorf("the collection is %v", doc)
	}
	if a := aptest.GetDocument(t, mill.Links.Following()+"?page=true"); a.Status != 404 {
		t.Errorf("its page answers %d: %s", a.Status, a.Body)
	}
	if page := aptest.Get(t, mill.Links.Profile()); strings.Contains(string(page.Body), dairy.Links.Actor()) || strings.Contains(string(page.Body), "The dairy") {
		t.Error("the profile page names whom it follows")
	}
	if slices.Contains(coopsKnown(t, bakery), dairy.Links.Actor()) {
		t.Error("the dairy was found through one that hides it")
	}
	if _, err := mill.SaveProfile(t.Context(), "test", func(a *node.Actor) error { a.HidesFollowing = false; return nil }); err != nil {
		t.Fatal(err)
	}
	tomorrowAgain(t, bakery)
	if !slices.Contains(coopsKnown(t, bakery), dairy.Links.Actor()) {
		t.Error("the dairy was not found")
	}
}

// The members of a federation are known through it, those who left it are not.
func TestMembersAreKnownThrough(t *testing.T) {
	n, s := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "away")
	s.Tags = true
	members := s.Base + "/users/fed/members"
	member, former, fed := coopAt(s, "member", nil), coopAt(s, "former", nil), coopAt(s, "fed", m{"additionalType": node.KindConsortium, "coop:members": members, "following": nil})
	record := func(coop *aptest.Person, end any) m {
		return m{"id": members + "/" + coop.ID[strings.LastIndexByte(coop.ID, '/')+1:], "type": "Relationship", "attributedTo": fed.ID, "subject": fed.ID,
			"relationship": "http://schema.org/member", "object": coop.ID, "startTime": "2026-01-01T00:00:00Z", "endTime": end}
	}
	s.Serve(members, m{"id": members, "type": "OrderedCollection", "totalItems": 2, "orderedItems": []any{record(member, nil), record(former, "2026-02-01T00:00:00Z")}})
	sub, err := n.Wire.FindList(t.Context(), fed.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Subscribe(t.Context(), "test", sub); err != nil { // a subscription is enough
		t.Fatal(err)
	}
	aptest.Until(t, "the member is known", func() bool { return slices.Contains(coopsKnown(t, n), member.ID) })
	settled(t, []*aptest.Node{n})
	if got := through(t, n, member.ID); !slices.Equal(got, []string{"members " + fed.ID}) {
		t.Errorf("the member is known through %v", got)
	}
	if got := through(t, n, former.ID); got != nil {
		t.Errorf("one who left is known through %v", got)
	}
	s.Serve(members, m{"id": members, "type": "OrderedCollection", "totalItems": 2, "orderedItems": []any{record(member, "2026-03-01T00:00:00Z")}})
	tomorrowAgain(t, n)
	if got := through(t, n, member.ID); got != nil {
		t.Errorf("one who left is known through %v", got)
	}
}
