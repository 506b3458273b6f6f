package activitypub_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// setStatus says where an opening stands.
func setStatus(t testing.TB, n *aptest.Node, iri string, s node.Status) {
	t.Helper()
	if _, err := n.SetOpeningStatus(t.Context(), "test", iri, s); err != nil {
		t.Fatal(err)
	}
}

// retitle changes an opening until so many others than before have been told: who fetched it is noted as its reader a moment later.
func retitle(t testing.TB, n *aptest.Node, iri, title string, told int) {
	t.Helper()
	aptest.Until(t, "all readers of "+iri+" are noted", func() bool {
		if _, err := edit(t.Context(), n, iri, func(o *node.Opening) { o.Texts[0].Title = title }); err != nil {
			t.Fatal(err)
		}
		acts, err := n.DB.Acts(t.Context(), node.ActQuery{Object: iri, Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		return acts[0].Reached+acts[0].Waiting+acts[0].Refused >= told
	})
}

// sharedBy is who shares something in a node's timeline.
func sharedBy(t testing.TB, n *aptest.Node, iri string) (actors []string) {
	t.Helper()
	list, err := n.Timeline(t.Context(), node.TimelineQuery{})
	if err != nil {
		t.Fatal(err)
	}
	times := 0
	for _, e := range list {
		if e.ObjectIRI == iri {
			actors = append(actors, e.SharedBy...)
			times++
		}
	}
	if times > 1 {
		t.Errorf("%s stands %d times in the timeline", iri, times)
	}
	return actors
}

// Subscribers who know only the federation see an opening open once, changed and closed once: a coopnode, and a server that
// knows nothing but notes (issue 4, Done when 2). They fetch it signed, so they become its readers.
func TestSubscribersOfAFederation(t *testing.T) {
	union, oak, reader := aptest.NewNode(t, "union"), aptest.NewNode(t, "oak"), aptest.NewNode(t, "reader")
	blog := aptest.NewMicroblog(t)
	union.Federate(nil, oak)
	reader.Follow(union.Links.Actor())
	blog.Follow(union.Links.Actor(), union.Links.Inbox())

	o := oak.Opening("Tests wanted")
	aptest.Until(t, "the subscribers have it", func() bool { return reader.Known(o.IRI) != nil && len(blog.Told(o.IRI)) > 0 })
	if got := sharedBy(t, reader, o.IRI); !slices.Equal(got, []string{union.Links.Actor()}) {
		t.Errorf("shared by %v", got)
	}
	if got := union.Shared(); !slices.Equal(got, []string{o.IRI}) {
		t.Errorf("coop:shared has %v", got)
	}
	retitle(t, oak, o.IRI, "Many tests wanted", 3)
	aptest.Until(t, "the subscribers have the change", func() bool {
		p, _ := blog.Post(o.IRI)
		return strings.Contains(strings.Join(p.Lines, " "), "Many tests") && reader.Known(o.IRI).Common().Title() == "Many tests wanted"
	})
	if got := sharedBy(t, reader, o.IRI); len(got) != 1 {
		t.Errorf("after a change it is shared by %v", got)
	}
	setStatus(t, oak, o.IRI, node.Filled)
	aptest.Until(t, "the subscribers know that it is filled", func() bool {
		p, _ := blog.Post(o.IRI)
		return strings.HasPrefix(p.Lines[0], "FILLED") && reader.Known(o.IRI).(*node.Opening).Status == node.Filled
	})
	for _, n := range []*aptest.Node{oak, union, reader} {
		n.Delivered()
	}
	if got := sharedBy(t, reader, o.IRI); len(got) != 0 {
		t.Errorf("after the end it is shared by %v", got)
	}
	if got := union.Shared(); len(got) != 0 {
		t.Errorf("coop:shared has %v after the end", got)
	}
	counts := map[string]int{}
	told := blog.Told(o.IRI)
	for _, what := range told {
		what, _, _ = strings.Cut(what, ": ")
		counts[what]++
	}
	if told[0] != "boosted: OPEN" || counts["boosted"] != 1 || counts["no longer boosted"] != 1 || strings.Count(strings.Join(told, "\n"), "written: FILLED") != 1 {
		t.Errorf("the people of the blog saw %q", told)
	}
	if refused := blog.Refused(); len(refused) > 0 {
		t.Errorf("it did not believe %v", refused)
	}
}

// Fedify, which knows only the federation, hears of it once, reads it at its home, and hears of its change and its end from there
// (issue 4, Done when 2).
func TestFedifySubscribesToAFederation(t *testing.T) {
	program, ok := nodeProgram(t, "Fedify as a subscriber of a federation")
	if !ok {
		return
	}
	f := startFedify(t, program, nil)
	union, oak := aptest.NewNode(t, "union"), aptest.NewNode(t, "oak")
	union.Federate(nil, oak)
	f.do("follow", m{"actor": union.Links.Actor()})
	f.lists("alice", "following", union.Links.Actor(), true)
	o := oak.Opening("Tests wanted")
	share := f.received("Announce", o.IRI)
	if got := f.do("lookup", m{"address": o.IRI, "signed": true}); got["class"] != "Note" || got["id"] != o.IRI {
		t.Errorf("Fedify reads at its home %v", got)
	}
	retitle(t, oak, o.IRI, "Many tests wanted", 2)
	f.received("Update", o.IRI)
	setStatus(t, oak, o.IRI, node.Filled)
	f.received("Undo", share.ID)
	aptest.Until(t, "Fedify hears that it is filled", func() bool {
		updates := f.events("kind=activity&type=Update")
		content, _ := updates[len(updates)-1].JSON["object"].(m)["content"].(string)
		return strings.Contains(content, "FILLED")
	})
	shares := 0
	for _, e := range f.events("kind=activity&type=Announce") {
		if e.Object == o.IRI {
			shares++
		}
	}
	if shares != 1 {
		t.Errorf("Fedify heard of it %d times", shares)
	}
	f.believed()
}

// A union is a federation elsewhere, with a member elsewhere.
type union struct {
	*desk
	who, oak *aptest.Person
	home     *aptest.Stranger // of oak
}

func newUnion(t testing.TB) *union {
	u := &union{desk: newDesk(t), home: aptest.NewStranger(t, "oak")}
	u.who, u.oak = u.away.Person("union"), u.home.Person("oak")
	doc := u.who.Document("union")
	doc["type"], doc["additionalType"], doc["coop:shared"] = "Organization", node.KindConsortium, u.who.ID+"/shared"
	u.away.Serve(u.who.ID, doc)
	return u
}

// offer is an opening of the member at its home, in a version of this hour.
func (u *union) offer(id, title string, hour int, status node.Status) m {
	at := time.Date(2026, 11, 20, hour, 0, 0, 0, time.UTC).Format(time.RFC3339)
	o := m{"@context": aptest.Context, "id": u.home.Base + "/openings/" + id, "type": "Note", "attributedTo": u.oak.ID, "to": []any{aptest.Public},
		"additionalType": "https://w3id.org/valueflows/ont/vf#Proposal", "coop:kind": "subcontract", "coop:status": string(status), "purpose": "request",
		"coop:title": title, "content": "<p>" + title + "</p>", "published": "2026-11-20T09:00:00Z", "updated": at}
	u.home.Serve(o["id"].(string), o)
	return o
}

func (u *union) title(o m) string {
	u.Helper()
	if have := u.Known(o["id"].(string)); have != nil {
		return have.Common().Title()
	}
	return ""
}

// What a federation passes on and is open is read when it accepts, each from its own home, and once a day from then on if it has
// changed (vocabulary 2.10, coop:shared; ORG-4).
func TestReadingWhatIsShared(t *testing.T) {
	u := newUnion(t)
	evil := aptest.NewStranger(t, "evil")
	one, two := u.offer("1", "One", 9, node.Open), u.offer("2", "Two", 9, node.Open)
	copied := m{"id": evil.Base + "/copies/1", "type": "Note", "attributedTo": u.oak.ID, "content": "<p>Forged.</p>", "to": []any{aptest.Public}, "published": "2026-11-20T09:00:00Z"}
	evil.Serve(copied["id"].(string), copied)
	u.away.Tags = true
	list := func(items ...any) {
		u.away.Serve(u.who.ID+"/shared", m{"@context": aptest.Context, "id": u.who.ID + "/shared", "type": "OrderedCollection", "first": u.who.ID + "/shared?page=1"})
		u.away.Serve(u.who.ID+"/shared?page=1", m{"@context": aptest.Context, "id": u.who.ID + "/shared?page=1", "type": "OrderedCollectionPage",
			"partOf": u.who.ID + "/shared", "orderedItems": items})
	}
	u.away.Serve(u.who.ID+"/outbox", m{"@context": aptest.Context, "id": u.who.ID + "/outbox", "type": "OrderedCollection", "orderedItems": []any{}})
	list(one["id"], copied["id"], aptest.With(two, m{"content": "<p>Changed on the way.</p>", "coop:title": "Forged"}))
	u.followed(u.who)
	aptest.Until(t, "both are here", func() bool { return u.title(one) == "One" && u.title(two) == "Two" })
	for _, o := range []m{one, two} {
		if got := sharedBy(t, u.Node, o["id"].(string)); !slices.Equal(got, []string{u.who.ID}) {
			t.Errorf("%v is shared by %v", o["id"], got)
		}
	}
	if u.Known(copied["id"].(string)) != nil {
		t.Error("a copy at another host was kept")
	}
	u.send(u.who, u.who.Do("Undo", m{"type": "Announce", "id": u.who.NewID("announces"), "actor": u.who.ID, "object": one["id"]}))
	if got := sharedBy(t, u.Node, one["id"].(string)); len(got) != 0 {
		t.Errorf("after its Undo it is shared by %v", got)
	}
	three := u.offer("3", "Three", 9, node.Open)
	list(three["id"], two["id"])
	u.Later(26 * time.Hour)
	aptest.Until(t, "the third is here", func() bool { return u.title(three) == "Three" })
}

// Who holds something and hears that it was changed reads it at its home within a minute, once; who hears that a federation passes it
// on no more looks too, for its author's own word may be lost (decisions 17).
func TestRenewal(t *testing.T) {
	u := newUnion(t)
	u.followed(u.who)
	o := u.offer("1", "Tests", 9, node.Open)
	id := o["id"].(string)
	share := u.who.Do("Announce", id)
	u.send(u.who, share)
	reads := func() (n int) {
		for _, r := range u.home.Requests() {
			if strings.HasSuffix(id, r.Path) && r.Method == http.MethodGet {
				n++
			}
		}
		return n
	}
	tells := func(version string) {
		u.send(u.who, u.who.Do("Announce", m{"type": "Update", "id": u.oak.NewID("updates"), "actor": u.oak.ID, "object": id, "published": version}))
	}
	u.home.Forget()
	tells("2026-11-20T09:00:00Z") // what we have
	u.Later(time.Minute)
	u.offer("1", "Many tests", 10, node.Open)
	tells("2026-11-20T10:00:00Z")
	u.Later(time.Minute)
	aptest.Until(t, "it is renewed", func() bool { return u.title(o) == "Many tests" })
	if n := reads(); n != 1 {
		t.Errorf("it was read %d times, want once", n)
	}
	if got := sharedBy(t, u.Node, id); len(got) != 1 {
		t.Errorf("it is shared by %v", got)
	}
	u.offer("1", "Many tests", 11, node.Filled)
	u.send(u.who, u.who.Do("Undo", share))
	u.Later(time.Minute)
	aptest.Until(t, "it is seen to be filled", func() bool { return u.Known(id).(*node.Opening).Status == node.Filled })
	if got := sharedBy(t, u.Node, id); len(got) != 0 {
		t.Errorf("after the Undo it is shared by %v", got)
	}
}

// Three federations in a ring, each a member of the next, and all follow each other: what one offers the next passes on, and
// there it ends. A share of a member's is nothing that a federation shares (issue 4, Done when 4; ORG-11).
func TestFederationsInARing(t *testing.T) {
	var ring []*aptest.Node
	for _, name := range []string{"north", "east", "west"} {
		ring = append(ring, aptest.NewNode(t, name))
	}
	coop := aptest.NewNode(t, "oak")
	for i, n := range ring {
		n.Federate(nil, ring[(i+2)%3])
	}
	ring[0].Federate(nil, ring[2], coop)
	own, members := ring[0].Opening("Of a federation"), coop.Opening("Of a member")
	shares := func(n *aptest.Node) (objects []string) {
		acts, err := n.DB.Acts(t.Context(), node.ActQuery{Limit: 200})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range acts {
			if a.Verb == node.Announce {
				objects = append(objects, a.Object)
			}
		}
		return objects
	}
	aptest.Until(t, "both are passed on", func() bool {
		return slices.Contains(shares(ring[1]), own.IRI) && slices.Contains(shares(ring[0]), members.IRI)
	})
	for range 3 { // until nothing moves any more
		for _, n := range append(ring, coop) {
			n.Delivered()
		}
	}
	for i, want := range [][]string{{members.IRI}, {own.IRI}, nil} {
		if got := shares(ring[i]); !slices.Equal(got, want) {
			t.Errorf("federation %d announced %v, want %v", i, got, want)
		}
	}
	if b := ring[0].Known(own.IRI).Common(); b.Shares != 1 {
		t.Errorf("its opening counts %d shares, want 1", b.Shares)
	}
}

// A member that announces an Announce, its own or another's, by its id or a copy, has not offered anything (ORG-11).
func TestAnnounceOfAnAnnounce(t *testing.T) {
	d := newDesk(t)
	d.Federate(nil)
	oak, eve := d.away.Person("oak"), aptest.NewStranger(t, "sea").Person("eve")
	d.followed(oak)
	now := time.Now()
	err := d.DB.Tx(t.Context(), func(tx node.Tx) error {
		word := node.Word{IRI: oak.ID + "/m", Since: now, Checked: now}
		return tx.SaveMembership(t.Context(), &node.Membership{Federation: d.Links.Actor(), Coop: oak.ID, CoopSays: word, FederationSays: word})
	})
	if err != nil {
		t.Fatal(err)
	}
	asks := func(p *aptest.Person) m { return p.Note("<p>Who has a van?</p>", m{"coop:asks": true}) }
	for _, note := range []m{asks(oak), asks(eve)} {
		for _, who := range []*aptest.Person{oak, eve} {
			share := who.Do("Announce", note["id"])
			d.away.Serve(share["id"].(string), share)
			d.send(oak, oak.Do("Announce", share["id"]), oak.Do("Announce", share))
		}
	}
	d.send(oak, oak.Do("Announce", asks(eve)["id"]))
	own := asks(oak)
	d.send(oak, oak.Create(own))
	if got := d.Shared(); !slices.Equal(got, []string{own["id"].(string)}) {
		t.Errorf("passed on: %v, want only what it wrote itself", got)
	}
}

// Whenever a federation's node is killed, each offer is passed on once and each end ends it once.
func TestReshareSurvivesKills(t *testing.T) {
	union, oak, reader := aptest.NewNode(t, "union"), aptest.NewNode(t, "oak"), aptest.NewNode(t, "reader")
	union.Federate(nil, oak)
	reader.Follow(union.Links.Actor())
	kill := func() {
		for _, n := range []*aptest.Node{union, oak, reader} {
			n.Delivered() // nobody is asking it at that moment
		}
		union.Sleep()
		union.Wake()
	}
	union.Rest()
	o := oak.Opening("Tests wanted")
	oak.Delivered() // at its door, and not opened
	union.Sleep()
	union.Wake()
	aptest.Until(t, "the reader has it", func() bool { return reader.Known(o.IRI) != nil })
	kill()
	union.Delivered()
	union.Sleep()
	for _, n := range []*aptest.Node{union, reader} { // past its deadline, of which its home says nothing
		n.Later(29 * day)
	}
	union.Wake()
	aptest.Until(t, "it is shared no more", func() bool { return len(sharedBy(t, reader, o.IRI)) == 0 })
	kill()
	acts, err := union.DB.Acts(t.Context(), node.ActQuery{Object: o.IRI})
	if err != nil || len(acts) != 2 || acts[1].Verb != node.Announce || acts[0].Verb != node.Undo {
		t.Errorf("said of it: %+v, %v", acts, err)
	}
}

// What two federations pass on is shown once, with both of them, on the board, in feeds and on its own page at home; not with
// one whom a rule refuses (MOD-3).
func TestShownOnceWithAllWhoShared(t *testing.T) {
	north, south := aptest.NewNode(t, "north"), aptest.NewNode(t, "south")
	oak, reader := aptest.NewNode(t, "oak"), aptest.NewNode(t, "reader")
	for _, union := range []*aptest.Node{north, south} {
		union.Federate(nil, oak)
		reader.Follow(union.Links.Actor())
	}
	o := oak.Opening("Tests wanted")
	aptest.Until(t, "both have passed it on", func() bool {
		return reader.Known(o.IRI) != nil && len(sharedBy(t, reader, o.IRI)) == 2 && oak.Known(o.IRI).Common().Shares == 2
	})
	l := reader.Links
	for _, address := range []string{l.Board(), l.Feed(l.Board(), node.JSONFeed), l.Feed(l.Board(), node.Atom), o.URL} {
		body := string(aptest.Get(t, address, "Accept", "text/html, */*").Body)
		for _, says := range []string{"Tests wanted", "Passed on by", "@north@" + north.Links.Host(), "@south@" + south.Links.Host()} {
			if !strings.Contains(body, says) {
				t.Errorf("%s does not say %q", address, says)
			}
		}
	}
	list, _, err := reader.Objects(t.Context(), node.ObjectQuery{Type: node.TypeOpening, OpenAt: reader.Now(), Listed: true})
	if err != nil || len(list) != 1 {
		t.Errorf("the board has %d openings, %v, want 1", len(list), err)
	}
	rule := &node.Rule{Target: south.Links.Actor(), Severity: node.SeverityLimit}
	if _, err := reader.ChangeRules(t.Context(), "test", []*node.Rule{rule}, nil); err != nil {
		t.Fatal(err)
	}
	body := string(aptest.Get(t, l.Board(), "Accept", "text/html").Body)
	if !strings.Contains(body, north.Links.Host()) || strings.Contains(body, south.Links.Host()) {
		t.Error("the board names whom a rule limits, or not the other one")
	}
}
