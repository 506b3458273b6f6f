package activitypub_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// An Announce of an activity, as groups and relays send, brings what the activity is about, fetched from its own home;
// of a copy nothing is believed, and a share of a share is none (ORG-6, ORG-11; security.md 3, Announce; interop.md 4.5).
func TestAnnounceOfAnActivity(t *testing.T) {
	d := newDesk(t)
	sea := aptest.NewStranger(t, "sea")
	group, ana := d.away.Person("group"), sea.Person("ana")
	d.followed(group)
	serve := func(act m) m {
		sea.Serve(act["id"].(string), act)
		return act
	}
	forged := func(note m) m { return aptest.With(note, m{"content": "<p>Forged.</p>"}) }
	shared := func(id string) bool {
		return slices.ContainsFunc(d.timeline(), func(e *node.TimelineEntry) bool {
			return e.ObjectIRI == id && slices.Equal(e.SharedBy, []string{group.ID})
		})
	}
	for _, tt := range []struct {
		name string
		what func(note m) any // that is announced
		want bool
	}{
		{"a note by id", func(n m) any { return n["id"] }, true},
		{"a forged copy of a note", func(n m) any { return forged(n) }, true},
		{"a Create by id", func(n m) any { return serve(ana.Create(n))["id"] }, true},
		{"an Update by id", func(n m) any { return serve(ana.Do("Update", n))["id"] }, true},
		{"a Create that carries an id, by id", func(n m) any { return serve(ana.Do("Create", n["id"]))["id"] }, true},
		{"a copy of a Create that is not served", func(n m) any { return ana.Create(n) }, true},
		{"a forged copy of a Create", func(n m) any { return ana.Create(forged(n)) }, true},
		{"in a list", func(n m) any { return []any{n["id"]} }, true},
		{"an Announce by id", func(n m) any { return serve(ana.Do("Announce", n["id"]))["id"] }, false},
		{"a copy of an Announce", func(n m) any { return ana.Do("Announce", n["id"]) }, false},
		{"a copy of a Like", func(n m) any { return ana.Do("Like", n["id"]) }, false},
		{"a copy of a Delete", func(n m) any { return ana.Do("Delete", n["id"]) }, false},
		{"a Create of something elsewhere", func(n m) any {
			return serve(ana.Do("Create", group.Note("<p>Elsewhere.</p>", nil)["id"]))["id"]
		}, false},
		{"a Create of a Create", func(n m) any { return serve(ana.Do("Create", serve(ana.Create(n))["id"]))["id"] }, false},
		{"an actor", func(n m) any { return ana.ID }, false},
		{"nothing", func(n m) any { return n["id"].(string) + "/nothing" }, false},
		{"a copy without an id", func(n m) any { return aptest.With(n, m{"id": nil}) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			note := ana.Note("<p>True.</p>", nil)
			d.send(group, group.Do("Announce", tt.what(note)))
			id := note["id"].(string)
			if got := shared(id); got != tt.want {
				t.Errorf("shown as shared: %v, want %v", got, tt.want)
			}
			if tt.want {
				d.wantText(id, "<p>True.</p>")
			} else {
				d.wantText(id, "")
			}
		})
	}
	if n := len(d.timeline()); n != 8 {
		t.Errorf("%d entries in the timeline, want 8", n)
	}
}

// ORG-8: who shares somebody else's post and names us adds no reader to it: it is shown as shared, and is no remark to us.
func TestAnnounceNamesNobody(t *testing.T) {
	d := newDesk(t)
	sea := aptest.NewStranger(t, "sea")
	ana, ben := d.away.Person("ana"), sea.Person("ben")
	d.followed(ana)
	note := ben.Note("<p>To all.</p>", nil)
	share := ana.Do("Announce", note["id"])
	d.send(ana, aptest.With(share, m{"to": []any{aptest.Public}, "cc": []any{d.Links.Actor(), ben.ID}}))
	if list := d.timeline(); len(list) != 1 || list[0].ObjectIRI != note["id"] {
		t.Fatalf("the timeline has %d entries, want what was shared", len(list))
	}
	if list, err := d.Conversations(t.Context(), node.ConversationQuery{}); err != nil || len(list) != 0 {
		t.Errorf("%d conversations, %v; want none", len(list), err)
	}
}

// A group that announces what we have published shares it, whether it names the note or our Create.
func TestAnnounceOfOurCreate(t *testing.T) {
	d := newDesk(t)
	group := d.away.Person("group")
	post := d.Post("Hello.")
	for _, what := range []any{post.IRI, d.Links.Create(post.IRI), m{"type": "Create", "id": d.Links.Create(post.IRI), "actor": d.Links.Actor(), "object": m{"id": post.IRI, "type": "Note"}}} {
		share := group.Do("Announce", what)
		d.send(group, share)
		d.wantCounts(post.IRI, 0, 1, 0)
		d.send(group, group.Do("Undo", share))
		d.wantCounts(post.IRI, 0, 0, 0)
	}
}

// EmojiReact counts as a Like and is taken back like one, by its id, by a copy and by a copy with another id.
func TestEmojiReact(t *testing.T) {
	d := newDesk(t)
	leo := d.away.Person("leo")
	post := d.Post("Hello.")
	for _, undo := range []func(done m) m{
		func(done m) m { return leo.Do("Undo", done["id"]) },
		func(done m) m { return leo.Do("Undo", done) },
		func(done m) m { return leo.Do("Undo", aptest.With(done, m{"id": leo.NewID("odd")})) },
	} {
		done := aptest.With(leo.Do("EmojiReact", post.IRI), m{"content": "🎉"})
		d.send(leo, done)
		d.wantCounts(post.IRI, 1, 0, 0)
		d.send(leo, undo(done))
		d.wantCounts(post.IRI, 0, 0, 0)
	}
}

// Actors live at all sorts of addresses, and so do their keys: what they follow, say and are told goes there as
// it is written (ORG-10).
func TestOddActorAddresses(t *testing.T) {
	for _, path := range []string{
		"/?author=3", "/index.php?u=ana&page=actor", "/.well-known/apgateway/did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ8XJAmr3cjMhj/actor",
		"/@ana", "/ap/users/ana%20maria", "/ap/users/caf%C3%A9/", "/users/a;b=c", "/u/~ana!*'()", "/a//b/", "/users/" + "x1234567890123456789012345678901234567890",
	} {
		t.Run(path, func(t *testing.T) {
			d := newDesk(t)
			ana := d.away.PersonAt(d.away.Base+path, "ana")
			follow := ana.Do("Follow", d.Links.Actor())
			d.send(ana, follow)
			d.away.Letter("Accept", follow["id"].(string))
			d.followed(ana)
			note := ana.Note("<p>Hello.</p>", nil)
			d.send(ana, ana.Create(note))
			d.wantText(note["id"].(string), "<p>Hello.</p>")
			post := d.Post("Hello to you.")
			d.away.Letter("Create", post.IRI)
			d.send(ana, ana.Do("Like", post.IRI))
			d.wantCounts(post.IRI, 1, 0, 0)
			if a := aptest.Get(t, d.Links.Profile()); a.Status != http.StatusOK {
				t.Errorf("the profile page answers %d", a.Status)
			}
			d.send(ana, ana.Do("Undo", follow))
			if got := d.FollowerState(ana.ID); got != "" {
				t.Errorf("after the Undo she is %q as a follower", got)
			}
		})
	}
}

// A key may stand in a document of its own, be one of several, and have an id without a fragment (SIG-8).
func TestOddKeys(t *testing.T) {
	d := newDesk(t)
	post := d.Post("Hello.")
	likes := 0
	for _, tt := range []struct {
		name  string
		serve func(p *aptest.Person, doc m)
	}{
		{"a document of its own", func(p *aptest.Person, doc m) {
			p.KeyID = p.ID + "/key"
			key := m{"id": p.KeyID, "type": "Key", "owner": p.ID, "publicKeyPem": aptest.PEM(p.Key)}
			doc["publicKey"] = key
			d.away.Serve(p.KeyID, aptest.With(key, m{"@context": "https://w3id.org/security/v1"}))
		}},
		{"the actor names it by id alone in a list, and has it", func(p *aptest.Person, doc m) {
			p.KeyID = p.ID + "?key=1"
			key := m{"id": p.KeyID, "owner": p.ID, "publicKeyPem": aptest.PEM(p.Key)}
			doc["publicKey"] = []any{p.ID + "?key=0", key}
			d.away.Serve(p.KeyID, aptest.With(key, m{"@context": "https://w3id.org/security/v1"}))
		}},
		{"one in a list", func(p *aptest.Person, doc m) { doc["publicKey"] = []any{doc["publicKey"]} }},
		{"the second of a list", func(p *aptest.Person, doc m) {
			p.KeyID = p.ID + "#second"
			doc["publicKey"] = []any{doc["publicKey"], m{"id": p.KeyID, "owner": p.ID, "publicKeyPem": aptest.PEM(p.Key)}}
		}},
		{"the id of the actor itself", func(p *aptest.Person, doc m) {
			p.KeyID = p.ID
			doc["publicKey"] = m{"id": p.ID, "owner": p.ID, "publicKeyPem": aptest.PEM(p.Key)}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			likes++
			handle := "k" + string(rune('a'+likes))
			p := d.away.Person(handle)
			doc := p.Document(handle)
			tt.serve(p, doc)
			d.away.Serve(p.ID, doc)
			d.send(p, p.Do("Like", post.IRI))
			d.wantCounts(post.IRI, likes, 0, 0)
		})
	}
}

// Letters that others pass on are refused: who signs is who speaks (SIG-1, inbox forwarding).
func TestForwardedLetters(t *testing.T) {
	d := newDesk(t)
	ana, ben := d.away.Person("ana"), d.away.Person("ben")
	relay := aptest.NewStranger(t, "relay").Person("relay")
	post := d.Post("Hello.")
	d.send(ana, ana.Do("Like", d.Post("Another.").IRI))
	note := reply(ana, post.IRI, "<p>An answer.</p>")
	signed := aptest.With(ana.Create(note), m{"signature": m{"type": "RsaSignature2017", "creator": ana.KeyID, "signatureValue": "eA=="}})
	for _, p := range []*aptest.Person{ben, relay} {
		p.Want(http.StatusForbidden, d.Links.Inbox(), signed)
		p.Want(http.StatusForbidden, d.Links.SharedInbox(), ana.Do("Like", post.IRI))
	}
	d.Handled()
	d.wantCounts(post.IRI, 0, 0, 0)
	d.wantText(note["id"].(string), "")
}

// LIM: one letter makes the node ask at most ten times, however its proof leads it on: here each address redirects three
// times before it says that it is something else.
func TestRequestsOfOneLetter(t *testing.T) {
	d := newDesk(t)
	sea := aptest.NewStranger(t, "sea")
	group, ana := d.away.Person("group"), sea.Person("ana")
	d.followed(group)
	note := ana.Note("<p>Far away.</p>", nil)
	create := ana.Do("Create", note["id"])
	way := func(from string, doc m) { // to a document, over three redirects
		for i, at := range []string{from, from + "/0", from + "/1"} {
			sea.Handle(at, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, fmt.Sprint(from, "/", i), http.StatusFound)
			})
		}
		sea.Serve(from+"/2", doc)
	}
	alias := ana.NewID("alias")
	way(alias, create)
	way(create["id"].(string), create)
	way(note["id"].(string), note)
	sea.Forget()
	d.send(group, group.Do("Announce", alias))
	if n := len(sea.Requests()); n < 8 || n > 10 {
		t.Errorf("%d requests, want at most 10", n)
	}
	d.wantText(note["id"].(string), "")
}
