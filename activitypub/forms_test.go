package activitypub_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// null is null in JSON, where nil takes a property away.
var null = json.RawMessage("null")

// One value may stand alone or in a list, be an id or carry a copy, and be given by language alone; all of these
// are sent by somebody, and mean the same.
func TestFormsOfANote(t *testing.T) {
	d := newDesk(t)
	ana := d.away.Person("ana")
	d.followed(ana)
	us := d.Links.Actor()
	followers := ana.ID + "/followers"
	mention := m{"type": "Mention", "href": us, "name": "@mill"}
	for _, tt := range []struct {
		name   string
		change m
		want   node.Audience
		check  func(p *node.Post) bool
	}{
		{"to and cc as text", m{"to": aptest.Public, "cc": followers}, node.Public, nil},
		{"as:Public alone", m{"to": "as:Public", "cc": nil}, node.Public, nil},
		{"Public alone", m{"to": "Public", "cc": nil}, node.Public, nil},
		{"as:Public in a list, quietly", m{"to": []any{followers}, "cc": []any{us, "as:Public"}}, node.Unlisted, nil},
		{"Public in a list, quietly", m{"to": []any{followers}, "cc": []any{"Public"}}, node.Unlisted, nil},
		{"public in both", m{"to": []any{aptest.Public}, "cc": []any{aptest.Public}}, node.Public, nil},
		{"followers", m{"to": followers, "cc": nil}, node.Followers, nil},
		{"addressees as objects", m{"to": []any{m{"type": "Collection", "id": followers}}, "cc": []any{m{"type": "Organization", "id": us}}}, node.Followers,
			func(p *node.Post) bool { return slices.Equal(p.To, []string{us}) }},
		{"content by language alone", m{"content": nil, "contentMap": m{"gl": "<p>Ola</p>", "pt": "<p>Olá</p>"}}, node.Public,
			func(p *node.Post) bool {
				return p.TextIn("gl").HTML == "<p>Ola</p>" && p.TextIn("pt").HTML == "<p>Olá</p>"
			}},
		{"content null", m{"content": null, "name": "Only a name"}, node.Public, func(p *node.Post) bool { return p.Title() == "Only a name" }},
		{"name by language alone", m{"type": "Article", "nameMap": m{"en": "Ten years"}}, node.Public, func(p *node.Post) bool { return p.Title() == "Ten years" && p.Form == "Article" }},
		{"warning by language alone", m{"summaryMap": m{"en": "long"}}, node.Public, func(p *node.Post) bool { return p.Warning == "long" }},
		{"tag alone", m{"tag": mention}, node.Public, func(p *node.Post) bool { return p.MentionsActor(us) }},
		{"tags in a list", m{"tag": []any{mention, m{"type": "Hashtag", "name": "#coop"}, "odd", nil}}, node.Public, func(p *node.Post) bool { return slices.Equal(p.Tags, []string{"coop"}) }},
		{"tag null", m{"tag": null, "attachment": null, "inReplyTo": null, "summary": null}, node.Public, func(p *node.Post) bool { return p.InReplyTo == "" && p.Warning == "" }},
		{"author in a list", m{"attributedTo": []any{ana.ID}}, node.Public, nil},
		{"author as an object", m{"attributedTo": m{"type": "Person", "id": ana.ID, "inbox": "http://evil.localhost:1/inbox"}}, node.Public, nil},
		{"authors with roles", m{"attributedTo": []any{m{"type": "Person", "id": ana.ID}, m{"type": "Group", "id": d.away.Base + "/c/coops"}}}, node.Public, nil},
		{"type in a list", m{"type": []any{"Note"}}, node.Public, func(p *node.Post) bool { return p.Form == "" }},
		{"another type first", m{"type": []any{"coop:Report", "Page"}}, node.Public, func(p *node.Post) bool { return p.Form == "Page" }},
		{"what it answers in a list", m{"inReplyTo": []any{m{"id": d.away.Base + "/notes/0"}}}, node.Public, func(p *node.Post) bool { return p.InReplyTo == d.away.Base+"/notes/0" }},
		{"page as a Link", m{"url": []any{m{"type": "Link", "mediaType": "application/activity+json", "href": d.away.Base + "/x"}, m{"type": "Link", "mediaType": "text/html", "href": d.away.Base + "/page"}}}, node.Public,
			func(p *node.Post) bool { return p.URL == d.away.Base+"/page" }},
		{"numbers where text is due", m{"content": 7, "summary": true, "name": m{}, "tag": 3, "contentMap": m{"en": "<p>Seven</p>"}}, node.Public, func(p *node.Post) bool { return p.TextIn("en").HTML == "<p>Seven</p>" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			note := ana.Note("<p>Hello.</p>", tt.change)
			d.send(ana, ana.Create(note))
			p, ok := d.Known(note["id"].(string)).(*node.Post)
			if !ok || p.Actor != ana.ID || p.Audience != tt.want || tt.check != nil && !tt.check(p) {
				t.Errorf("kept as %+v, want it %s", p, tt.want)
			}
		})
	}
}

// The same forms of the activity around it.
func TestFormsOfAnActivity(t *testing.T) {
	d := newDesk(t)
	ana := d.away.Person("ana")
	d.followed(ana)
	plain := func() m { return ana.Note("<p>Hello.</p>", nil) }
	bare := func() m { return aptest.With(plain(), m{"to": nil, "cc": nil}) }
	for _, tt := range []struct {
		name   string
		letter func(note m) m
		note   func() m
		want   node.Audience
	}{
		{"object in a list", func(n m) m { return aptest.With(ana.Create(n), m{"object": []any{n}}) }, plain, node.Public},
		{"object by id alone", func(n m) m { return aptest.With(ana.Create(n), m{"object": n["id"]}) }, plain, node.Public},
		{"object by id in a list", func(n m) m { return aptest.With(ana.Create(n), m{"object": []any{n["id"]}}) }, plain, node.Public},
		{"actor as an object", func(n m) m { return aptest.With(ana.Create(n), m{"actor": m{"type": "Person", "id": ana.ID}}) }, plain, node.Public},
		{"audience on the activity alone", func(n m) m { return aptest.With(ana.Do("Create", n), m{"to": "as:Public"}) }, bare, node.Public},
		{"quiet audience on the activity alone", func(n m) m { return aptest.With(ana.Do("Create", n), m{"cc": []any{"Public"}}) }, bare, node.Unlisted},
		{"private audience on the activity alone", func(n m) m { return aptest.With(ana.Do("Create", n), m{"to": []any{d.Links.Actor()}}) }, bare, node.Direct},
		{"audience on the object alone", func(n m) m { return ana.Do("Create", n) }, plain, node.Public},
		// ORG-8: what the object says of its readers stands; the activity does not add any.
		{"more readers on the activity", func(n m) m { return aptest.With(ana.Do("Create", n), m{"to": aptest.Public}) },
			func() m { return ana.Note("<p>Quiet.</p>", m{"to": ana.ID + "/followers", "cc": nil}) }, node.Followers},
		{"no times", func(n m) m { return ana.Do("Create", aptest.With(n, m{"published": nil})) }, plain, node.Public},
		{"odd times", func(n m) m {
			return aptest.With(ana.Do("Create", aptest.With(n, m{"published": "yesterday", "updated": 5})), m{"published": "2026"})
		}, plain, node.Public},
		{"Update of what we do not have", func(n m) m { return ana.Do("Update", n) }, plain, node.Public},
	} {
		t.Run(tt.name, func(t *testing.T) {
			note := tt.note()
			d.send(ana, tt.letter(note))
			if o := d.Known(note["id"].(string)); o == nil || o.Common().Audience != tt.want {
				t.Errorf("kept as %+v, want it %s", o, tt.want)
			}
		})
	}
}

// What is for followers is known by the author's own collection, and only where that is not known by the look of an
// address: Friendica's ends in /followers_ (ORG-8, HTTP-7).
func TestFollowersCollection(t *testing.T) {
	d := newDesk(t)
	for i, tt := range []struct {
		collection any // of the author
		to         string
		want       node.Audience
	}{
		{"/users/%s/fans", "/users/%s/fans", node.Followers},
		{"/users/%s/fans", "/users/%s/followers", node.Direct},
		{"/users/%s/followers_", "/users/%s/followers_", node.Followers},
		{"/users/%s/followers", "/users/another/followers", node.Direct},
		{nil, "/users/%s/followers", node.Followers},
		{nil, "/users/%s/followers_", node.Followers},
		{nil, "/users/%s/friends", node.Direct},
	} {
		handle := fmt.Sprintf("ana%d", i)
		ana := d.away.Person(handle)
		here := func(path string) string { return fmt.Sprintf(d.away.Base+path, handle) }
		doc := ana.Document(handle)
		if doc["followers"] = tt.collection; tt.collection != nil {
			doc["followers"] = here(tt.collection.(string))
		}
		d.away.Serve(ana.ID, doc)
		to := d.away.Base + tt.to
		if tt.to != "/users/another/followers" {
			to = here(tt.to)
		}
		note := ana.Note("<p>For friends.</p>", m{"to": []any{to}, "cc": []any{d.Links.Actor()}})
		d.send(ana, ana.Create(note))
		o := d.Known(note["id"].(string))
		if o == nil || o.Common().Audience != tt.want || slices.Contains(o.Common().To, to) && tt.want == node.Followers {
			t.Errorf("followers at %v, sent to %s: kept as %+v, want %s", tt.collection, tt.to, o, tt.want)
		}
	}
}

// A Create may have the id of what it publishes, and then so may its Update and its Delete; an Update may have none.
func TestActivitiesWithoutAnIDOfTheirOwn(t *testing.T) {
	d := newDesk(t)
	ana, ben := d.away.Person("ana"), d.away.Person("ben")
	d.followed(ana)
	d.send(ben, ben.Do("Like", d.Post("Hello.").IRI)) // or what ben says of others is not even read
	note := ana.Note("<p>One.</p>", nil)
	id := note["id"].(string)
	same := func(p *aptest.Person, kind string, object any) m { return aptest.With(p.Do(kind, object), m{"id": id}) }
	says := func(html, updated string) m { return aptest.With(note, m{"content": html, "updated": updated}) }

	d.send(ana, same(ana, "Create", note), same(ana, "Create", note))
	d.wantText(id, "<p>One.</p>")
	d.send(ana, same(ana, "Update", says("<p>Two.</p>", "2026-11-20T09:01:00Z")))
	d.wantText(id, "<p>Two.</p>")
	d.send(ana, same(ana, "Update", says("<p>Three.</p>", "2026-11-20T09:02:00Z")))
	d.wantText(id, "<p>Three.</p>")
	without := m{"id": nil}
	d.send(ana, aptest.With(ana.Do("Update", says("<p>Four.</p>", "2026-11-20T09:04:00Z")), without))
	d.wantText(id, "<p>Four.</p>")
	d.send(ana, aptest.With(ana.Do("Update", says("<p>Late.</p>", "2026-11-20T09:03:00Z")), without))
	d.wantText(id, "<p>Four.</p>")

	// Two that wait at the same time are two letters.
	d.Rest()
	ana.Want(http.StatusAccepted, d.Links.Inbox(), same(ana, "Update", says("<p>Five.</p>", "2026-11-20T09:05:00Z")))
	ana.Want(http.StatusAccepted, d.Links.Inbox(), same(ana, "Update", says("<p>Six.</p>", "2026-11-20T09:06:00Z")))
	ana.Want(http.StatusAccepted, d.Links.Inbox(), same(ana, "Update", says("<p>Six.</p>", "2026-11-20T09:06:00Z")))
	d.Restart()
	d.Handled()
	d.wantText(id, "<p>Six.</p>")

	// Nobody else gains by it: not of another origin, not of the same one.
	eve := aptest.NewStranger(t, "evil").Person("eve")
	d.send(eve, eve.Do("Like", d.Post("Hello.").IRI))
	forged := says("<p>Forged.</p>", "2026-11-20T09:07:00Z")
	eve.Want(http.StatusForbidden, d.Links.Inbox(), same(eve, "Update", forged))
	eve.Want(http.StatusForbidden, d.Links.Inbox(), aptest.With(eve.Do("Update", forged), without))
	d.send(ben, same(ben, "Update", forged), aptest.With(ben.Do("Update", forged), without), same(ben, "Delete", id))
	d.wantText(id, "<p>Six.</p>")

	// Without any id there is nothing to be about, and other activities need one (interop.md 5.4).
	ana.Want(http.StatusBadRequest, d.Links.Inbox(), aptest.With(ana.Do("Update", aptest.With(note, without)), without))
	ana.Want(http.StatusBadRequest, d.Links.Inbox(), aptest.With(ana.Do("Update", note), m{"id": "urn:uuid:1"}))
	ana.Want(http.StatusBadRequest, d.Links.Inbox(), aptest.With(ana.Do("Update", note), m{"id": 5}))
	for _, kind := range []string{"Create", "Delete", "Like", "Follow", "Announce"} {
		ana.Want(http.StatusBadRequest, d.Links.Inbox(), aptest.With(ana.Do(kind, note), without))
	}

	d.send(ana, same(ana, "Delete", m{"id": id, "type": "Tombstone"}))
	d.wantText(id, "gone")
	d.send(ana, same(ana, "Create", note), same(ana, "Update", says("<p>Seven.</p>", "2026-11-20T09:08:00Z")))
	d.wantText(id, "gone")
}

// An Undo that overtakes what it takes back bars it for its own actor, not for a neighbour who will use that id.
func TestUndoBarsOnlyItsActor(t *testing.T) {
	d := newDesk(t)
	ana, ben := d.away.Person("ana"), d.away.Person("ben")
	follow := ana.Do("Follow", d.Links.Actor())
	d.send(ben, ben.Do("Undo", follow["id"]))
	d.send(ana, follow)
	if got := d.FollowerState(ana.ID); got != node.Accepted {
		t.Errorf("after a neighbour's Undo the Follow makes %q, want accepted", got)
	}
	like := ana.Do("Like", d.Post("Hello.").IRI)
	d.send(ana, ana.Do("Undo", like["id"]), like)
	d.wantCounts(like["object"].(string), 0, 0, 0)
}

// Activities that carry no object or say what nobody knows are taken and have no effect (JSON-4).
func TestActivitiesOfNoConcern(t *testing.T) {
	d := newDesk(t)
	ana := d.away.Person("ana")
	post := d.Post("Hello.")
	d.Rest()
	for _, kind := range []string{"Read", "View", "Listen", "Arrive", "Travel", "Question", "Activity", "IntransitiveActivity", "Dislike", "Ignore", "Bite", "https://example.org/ns#Wave", "as:Like"} {
		ana.Want(http.StatusAccepted, d.Links.Inbox(), ana.Do(kind, post.IRI))
		ana.Want(http.StatusAccepted, d.Links.Inbox(), aptest.With(ana.Do(kind, nil), m{"object": nil, "location": m{"type": "Place", "name": "work"}}))
	}
	if s, err := d.QueueStatus(t.Context()); err != nil || s.Letters != 0 {
		t.Errorf("%d letters kept, %v, want none", s.Letters, err)
	}
	d.wantCounts(post.IRI, 0, 0, 0)
}

// What strangers pin to their profiles changes nothing, and a collection is nobody's but its actor's (security.md 3, Add and Remove).
func TestPinning(t *testing.T) {
	d := newDesk(t)
	ana := d.away.Person("ana")
	d.followed(ana)
	post := d.Post("Hello.")
	for _, kind := range []string{"Add", "Remove"} {
		for _, target := range []string{ana.ID + "/featured", d.Links.Featured(), d.Links.Followers(), post.IRI + "/replies"} {
			d.send(ana, aptest.With(ana.Do(kind, post.IRI), m{"target": target}), aptest.With(ana.Do(kind, ana.Note("<p>Pinned.</p>", nil)), m{"target": target}))
		}
	}
	d.wantCounts(post.IRI, 0, 0, 0)
	if n := len(d.timeline()); n != 0 {
		t.Errorf("%d entries in the timeline, want none", n)
	}
}

// Whole servers that end say so of each of their people to everybody: nothing of it is stored or fetched (decisions 22).
func TestFloodOfDeletes(t *testing.T) {
	d := newDesk(t)
	for i := range 100 {
		p := d.away.Person(fmt.Sprintf("p%d", i))
		for _, l := range []m{p.Do("Delete", p.ID), p.Do("Update", p.Document("p"))} {
			p.Want(http.StatusAccepted, d.Links.SharedInbox(), l)
			if seen, _, err := d.DB.Seen(t.Context(), l["id"].(string)); seen || err != nil {
				t.Errorf("%s is remembered: %v", l["type"], err)
			}
		}
	}
	d.Handled()
	if n := len(d.away.Requests()); n != 0 {
		t.Errorf("%d requests were made, want none", n)
	}
}
