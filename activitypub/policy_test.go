package activitypub_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// reject makes rules that reject hosts and actors.
func (d *desk) reject(targets ...string) {
	d.Helper()
	d.change(targets, nil)
}

// allow takes such rules away.
func (d *desk) allow(targets ...string) {
	d.Helper()
	d.change(nil, targets)
}

func (d *desk) change(set, drop []string) {
	d.Helper()
	rules := func(targets []string) (rules []*node.Rule) {
		for _, t := range targets {
			rules = append(rules, &node.Rule{Target: t, Severity: node.SeverityReject})
		}
		return rules
	}
	if _, err := d.ChangeRules(d.Context(), "test", rules(set), rules(drop)); err != nil {
		d.Fatal(err)
	}
}

// untouched checks that nobody has asked these servers for anything.
func (d *desk) untouched(servers ...*aptest.Stranger) {
	d.Helper()
	for _, s := range servers {
		for _, r := range s.Requests() {
			d.Errorf("%s was asked: %s %s", s.Base, r.Method, r.Path)
		}
	}
}

// MOD-1 to MOD-4: letters of a refused host, its subdomains and refused actors get 403; no key is fetched and nothing is
// kept. Names that only end alike are untouched, and so is everybody else.
func TestRefusedAtTheDoor(t *testing.T) {
	d := newDesk(t)
	x, sub, notx := aptest.NewStranger(t, "x"), aptest.NewStranger(t, "a.b.x"), aptest.NewStranger(t, "notx")
	eve, deep, nat := x.Person("eve"), sub.Person("deep"), notx.Person("nat")
	ana, troll := d.away.Person("ana"), d.away.Person("troll")
	ours := d.Post("Who has a van?").IRI
	d.reject("x.localhost", troll.ID)
	before := d.Dump()
	for _, p := range []*aptest.Person{eve, deep, troll} {
		for _, letter := range []m{p.Do("Follow", d.Links.Actor()), p.Do("Like", ours), p.Create(reply(p, ours, "<p>spam</p>")), p.Do("Delete", p.ID), p.Do("Read", ours)} {
			for _, form := range []aptest.Form{aptest.Draft, aptest.RFC9421} {
				a := p.Want(http.StatusForbidden, d.Links.SharedInbox(), letter, aptest.In(form))
				if !strings.Contains(string(a.Body), `"type":"forbidden"`) {
					t.Errorf("answered %s", a.Body)
				}
			}
		}
	}
	d.Handled()
	if after := d.Dump(); !slices.Equal(before, after) {
		t.Errorf("something was kept:\n%s", strings.Join(difference(before, after), "\n"))
	}
	d.untouched(x, sub, d.away)

	for _, p := range []*aptest.Person{nat, ana} {
		d.send(p, p.Do("Like", ours))
	}
	d.wantCounts(ours, 2, 0, 0)
	d.allow("x.localhost", troll.ID)
	for _, p := range []*aptest.Person{eve, deep, troll} {
		d.send(p, p.Do("Like", ours))
	}
	d.wantCounts(ours, 5, 0, 0)
}

// difference lists what is in one dump and not in the other.
func difference(a, b []string) (lines []string) {
	for _, l := range b {
		if !slices.Contains(a, l) {
			lines = append(lines, "+ "+l)
		}
	}
	for _, l := range a {
		if !slices.Contains(b, l) {
			lines = append(lines, "- "+l)
		}
	}
	return lines
}

// MOD-3: whoever leads to a refused host, no request is made to it: not for a shared object, not for a page that
// redirects there, not for a name, and not for what an outbox names.
func TestNoRequestToRefused(t *testing.T) {
	d := newDesk(t)
	x, sub := aptest.NewStranger(t, "x"), aptest.NewStranger(t, "a.x")
	eve, deep, relay, troll := x.Person("eve"), sub.Person("deep"), d.away.Person("relay"), d.away.Person("troll")
	d.followed(relay)
	hidden, spam := eve.Note("<p>spam</p>", nil), deep.Note("<p>spam</p>", nil)
	known := eve.Note("<p>known before</p>", nil)
	d.send(relay, relay.Do("Announce", known["id"]))
	d.wantText(known["id"].(string), "<p>known before</p>")
	x.Forget()
	d.reject("x.localhost", troll.ID)

	moved := relay.NewID("moved")
	d.away.Handle(moved, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, spam["id"].(string), http.StatusFound)
	})
	trolls := troll.Note("<p>from a good host</p>", nil)
	carried := relay.Note("<p>pretends</p>", m{"attributedTo": eve.ID})
	d.send(relay,
		relay.Do("Announce", hidden["id"]), relay.Do("Announce", spam["id"]), relay.Do("Announce", moved), relay.Do("Announce", trolls["id"]),
		relay.Do("Announce", spam), relay.Do("Create", spam["id"]), relay.Do("Create", carried), relay.Do("Like", spam["id"]),
		relay.Create(relay.Note("<p>an answer</p>", m{"inReplyTo": spam["id"]})))
	for _, iri := range []string{hidden["id"].(string), spam["id"].(string), moved, trolls["id"].(string), known["id"].(string), carried["id"].(string)} {
		d.wantText(iri, "")
	}
	var shown []string
	for _, e := range d.timeline() {
		shown = append(shown, e.Object.Common().TextIn("").HTML)
	}
	if !slices.Equal(shown, []string{"<p>an answer</p>"}) {
		t.Errorf("the timeline has %q, want the answer alone", shown)
	}

	for _, address := range []string{eve.ID, "@eve@" + strings.TrimPrefix(x.Base, "http://"), strings.TrimPrefix(sub.Base, "http://"), moved, troll.ID} {
		_, err := d.Wire.Find(t.Context(), address)
		if node.KindOf(err) != node.Refused || !strings.Contains(node.TextOf(err), "a rule of this node") {
			t.Errorf("looking up %s: %v, want a refusal", address, err)
		}
	}
	d.untouched(x, sub)
	d.allow("x.localhost", troll.ID)
	d.wantText(known["id"].(string), "<p>known before</p>") // it comes back
	d.send(relay, relay.Do("Announce", spam["id"]))
	d.wantText(spam["id"].(string), "<p>spam</p>")
}

// MOD-4: letters that wait for a refused host are dropped and nobody is told; new ones are not made.
func TestRefusedGetsNothing(t *testing.T) {
	d := newDesk(t)
	x := aptest.NewStranger(t, "x")
	eve, ana := x.Person("eve"), d.away.Person("ana")
	for _, p := range []*aptest.Person{eve, ana} {
		d.send(p, p.Do("Follow", d.Links.Actor()))
	}
	d.followed(eve)
	d.Delivered()
	x.Down()
	waiting := d.Post("While x sleeps").IRI
	aptest.Until(t, "it waits for x alone", func() bool {
		list, err := d.Deliveries(t.Context(), node.DeliveryQuery{})
		return err == nil && len(list) == 1 && list[0].Attempts > 0 && "http://"+list[0].Host == x.Base
	})
	d.away.Letter("Create", waiting)
	d.reject("x.localhost")
	d.Delivered()
	x.Up()
	x.Forget()
	after := d.Post("After that").IRI
	d.away.Letter("Create", after)
	d.Delivered()
	d.untouched(x)
	if f, g := d.FollowerState(eve.ID), d.FollowedState(eve.ID); f != "" || g != "" {
		t.Errorf("follows are %q and %q, want none", f, g)
	}
}

// A letter that was taken in just before the rule was made has no effect after it.
func TestRefusedAtTheDesk(t *testing.T) {
	d := newDesk(t)
	eve, ana := d.away.Person("eve"), d.away.Person("ana")
	ours := d.Post("Who has a van?").IRI
	d.send(eve, eve.Do("Like", ours))
	d.Rest()
	for _, p := range []*aptest.Person{eve, ana} {
		p.Want(http.StatusAccepted, d.Links.Inbox(), p.Create(reply(p, ours, "<p>"+p.ID+"</p>")))
	}
	d.reject(eve.ID)
	d.Restart()
	d.Handled()
	d.wantCounts(ours, 0, 0, 1)
}

// MOD-4: what a refused author wrote is on no page, in no feed and in no collection, and comes back.
func TestHiddenEverywhere(t *testing.T) {
	d := newDesk(t)
	x := aptest.NewStranger(t, "x")
	eve := x.Person("eve")
	d.followed(eve)
	o := d.Opening("A printer wanted")
	answer := reply(eve, o.IRI, "<p>secret offer</p>")
	answer["tag"] = []any{m{"type": "Hashtag", "name": "#print", "href": x.Base + "/tags/print"}}
	theirs := eve.Note("<p>secret work</p>", m{"type": "Proposal", "purpose": "offer", "name": "Secret work", "publishes": m{"type": "Intent", "action": "work"}})
	d.send(eve, eve.Create(answer), eve.Create(theirs))
	said := eve.Note("<p>secret words</p>", nil)
	d.send(eve, eve.Create(said))
	ours := &node.Post{Base: node.Base{Type: node.TypePost, InReplyTo: said["id"].(string), Texts: []node.Text{{Lang: "en", Source: "We answer."}}}}
	d.Publish(ours)
	elsewhere := d.Links.Page(node.TypePost, d.Known(said["id"].(string)).Common().ID)
	places := map[string]string{ // address, type that is asked for
		ours.URL: "text/html",
		o.URL:    "text/html", o.IRI + "/replies": "application/activity+json", d.Links.Tag("print"): "text/html",
		d.Links.Board(): "text/html", d.Links.Feed(d.Links.Board(), node.Atom): "application/atom+xml",
	}
	look := func(when string, want bool) {
		t.Helper()
		for address, accept := range places {
			a := aptest.Get(t, address, "Accept", accept)
			got := strings.Contains(strings.ToLower(string(a.Body)), "secret") || strings.Contains(string(a.Body), x.Base)
			if a.Status != http.StatusOK || got != want {
				t.Errorf("%s, %s: %d, shown %v, want %v", when, address, a.Status, got, want)
			}
		}
	}
	away := func(when string, want int) { // what others published has its page at home
		t.Helper()
		if a := aptest.Get(t, elsewhere, "Accept", "text/html"); a.Status != want {
			t.Errorf("%s, %s: %d, want %d", when, elsewhere, a.Status, want)
		}
	}
	look("at first", true)
	away("at first", http.StatusSeeOther)
	d.wantCounts(o.IRI, 0, 0, 1)
	for _, s := range []node.Severity{node.SeverityLimit, node.SeverityReject} {
		rule := []*node.Rule{{Target: "x.localhost", Severity: s}}
		if _, err := d.ChangeRules(t.Context(), "test", rule, nil); err != nil {
			t.Fatal(err)
		}
		look(string(s), false)
		away(string(s), http.StatusNotFound)
		d.wantCounts(o.IRI, 0, 0, 0)
		if _, err := d.ChangeRules(t.Context(), "test", nil, rule); err != nil {
			t.Fatal(err)
		}
		look("after "+string(s), true)
	}
}

// MOD-3: who is refused and signs a GET gets what proves our letters and tells who we are, and nothing else.
func TestRefusedReader(t *testing.T) {
	d := newDesk(t)
	x := aptest.NewStranger(t, "a.x")
	eve, ana := x.Person("eve"), d.away.Person("ana")
	o := d.Opening("A printer wanted")
	d.reject("x.localhost")
	for address, want := range map[string]int{
		o.IRI: 403, o.URL: 403, o.IRI + "/replies": 403, o.IRI + "/create": 403, d.Links.Outbox(): 403, d.Links.Followers(): 403,
		d.Links.Actor(): 200, d.Links.Base + "/.well-known/nodeinfo": 200,
	} {
		if a := eve.Get(address); a.Status != want {
			t.Errorf("eve gets %s: %d, want %d", address, a.Status, want)
		}
		if a := ana.Get(address); a.Status != 200 {
			t.Errorf("ana gets %s: %d", address, a.Status)
		}
		if a := aptest.GetDocument(t, address); a.Status != 200 {
			t.Errorf("anybody gets %s: %d", address, a.Status)
		}
	}
	d.untouched(x)
}

// MOD-3: the one client asks before each request and each hop, and makes none that is not permitted.
func TestClientPermit(t *testing.T) {
	var asked []string
	count := 0
	home := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if count++; r.URL.Path == "/away" {
			http.Redirect(w, r, "/refused", http.StatusFound)
		}
	}))
	defer home.Close()
	no := errors.New("not there")
	c, err := activitypub.NewClient(activitypub.ClientOptions{
		Rules: activitypub.AddressRules{Dev: true},
		Permit: func(_ context.Context, address string) error {
			asked = append(asked, strings.TrimPrefix(address, home.URL))
			if strings.HasSuffix(address, "/refused") {
				return no
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, get := range []func() error{
		func() error { _, err := c.GetActivity(t.Context(), home.URL+"/away"); return err },
		func() error { _, err := c.GetJSON(t.Context(), home.URL+"/refused", "application/json"); return err },
		func() error { _, err := c.Post(t.Context(), home.URL+"/refused", []byte("{}")); return err },
	} {
		if err := get(); !errors.Is(err, no) {
			t.Errorf("got %v, want %v", err, no)
		}
	}
	if want := []string{"/away", "/refused", "/refused", "/refused"}; !slices.Equal(asked, want) || count != 1 {
		t.Errorf("%d requests, asked for %q, want 1 and %q", count, asked, want)
	}
}
