package activitypub_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// What an answer to us answers is fetched from its home, with its author, up to what is here; the thread is then whole
// on the page too.
func TestMissingParentsAreFetched(t *testing.T) {
	d := newDesk(t)
	far := aptest.NewStranger(t, "far")
	ana, ben := d.away.Person("ana"), far.Person("ben")
	post := d.Post("Who knows a good printer?")
	first := ben.Note("<p>The one by the bridge.</p>", m{"inReplyTo": post.IRI})
	second := ben.Note("<p>Or the other one.</p>", m{"inReplyTo": first["id"], "published": "2026-11-20T09:01:00Z"})
	third := ana.Note("<p>Which one?</p>", m{"inReplyTo": second["id"], "published": "2026-11-20T09:02:00Z", "cc": []any{d.Links.Actor()}})
	d.send(ana, ana.Create(third))
	in := func(note m) bool {
		o := d.Known(note["id"].(string))
		return o != nil && o.Common().Thread == post.IRI
	}
	aptest.Until(t, "the thread is whole", func() bool { return in(first) && in(second) && in(third) })
	body := string(aptest.Get(t, post.URL, "Accept", "text/html").Body)
	one, two, three := strings.Index(body, "by the bridge"), strings.Index(body, "the other one"), strings.Index(body, "Which one")
	if !(0 < one && one < two && two < three) {
		t.Errorf("the page shows them at %d, %d, %d", one, two, three)
	}
	list, err := d.Conversations(t.Context(), node.ConversationQuery{})
	if err != nil || len(list) != 1 || list[0].Count != 3 {
		t.Errorf("%v, %+v; want one conversation of three", err, list)
	}
	if n := far.Count(http.MethodGet, ""); n != 3 { // two notes and their author
		t.Errorf("%d requests were made, want 3", n)
	}
	replies := aptest.GetDocument(t, post.IRI+"/replies")
	if !strings.Contains(string(replies.Body), first["id"].(string)) {
		t.Errorf("replies do not name it: %s", replies.Body)
	}
}

// LIM: no answer makes us fetch more than three posts or make more than ten requests, and what leads nowhere is not kept.
func TestMissingParentsAreFewRequests(t *testing.T) {
	d := newDesk(t)
	far := aptest.NewStranger(t, "far")
	ana, ben := d.away.Person("ana"), far.Person("ben")
	last := "" // a chain without end: each answers one that answers another
	for range 20 {
		n := ben.Note("<p>On and on.</p>", m{"inReplyTo": far.Base + "/before"})
		if last != "" {
			n["inReplyTo"] = last
			far.Serve(n["id"].(string), n)
		}
		last = n["id"].(string)
	}
	circle := ben.Note("<p>Round.</p>", nil)
	circle["inReplyTo"] = circle["id"]
	far.Serve(circle["id"].(string), circle)
	for _, parent := range []string{last, circle["id"].(string)} {
		far.Forget()
		note := ana.Note("<p>You too?</p>", m{"inReplyTo": parent, "cc": []any{d.Links.Actor()}})
		d.send(ana, ana.Create(note))
		d.noTasks()
		if n := far.Count(http.MethodGet, "/notes"); n == 0 || n > 3 {
			t.Errorf("%d posts were fetched, want one to three", n)
		}
		if d.Known(note["id"].(string)) == nil || d.Known(parent) != nil {
			t.Errorf("kept: the answer %v, what it answers %v; want true, false", d.Known(note["id"].(string)) != nil, d.Known(parent) != nil)
		}
	}

	// Every document leads on by its id, so each costs twice; every author lives elsewhere in its own way.
	far.Forget()
	var chain []m
	for i := range 4 {
		author := far.Person(fmt.Sprint("writer", i))
		n := author.Note("<p>Twice.</p>", m{})
		other := fmt.Sprint(far.Base, "/also/", i)
		chain = append(chain, m{"address": other, "note": n})
		far.Serve(other, n)
	}
	for i, c := range chain {
		if i > 0 {
			n := c["note"].(m)
			n["inReplyTo"] = chain[i-1]["address"]
			far.Serve(n["id"].(string), n)
			far.Serve(c["address"].(string), n)
		}
	}
	d.send(ana, ana.Create(ana.Note("<p>And you?</p>", m{"inReplyTo": chain[3]["address"], "cc": []any{d.Links.Actor()}})))
	d.noTasks()
	if n := len(far.Requests()); n < 9 || n > 10 {
		t.Errorf("%d requests were made, want nine or ten", n)
	}
}

// noTasks waits until nothing is left to be fetched.
func (d *desk) noTasks() {
	d.Helper()
	aptest.Until(d.TB, "no parents are to be fetched", func() bool {
		due, err := d.Store().DueTasks(d.Context(), d.Now(), 100)
		if err != nil {
			d.Fatal(err)
		}
		for _, task := range due {
			if task.Kind == node.TaskParents {
				return false
			}
		}
		return true
	})
}

// HTTP-7: an answer that a steward hides leaves the page, the replies collection, the count and the tag page at once,
// nobody is told, and it comes back.
func TestHiddenAnswer(t *testing.T) {
	d := newDesk(t)
	ana := d.away.Person("ana")
	post := d.Post("Who knows a good printer?")
	spam := ana.Note("<p>Cheap vans here.</p>", m{"inReplyTo": post.IRI, "tag": []any{m{"type": "Hashtag", "name": "#vans"}}})
	d.send(ana, ana.Create(spam))
	id := spam["id"].(string)
	d.away.Forget()
	shows := func() (n int) {
		for _, at := range []struct{ address, accept, what string }{
			{post.URL, "text/html", "Cheap vans"}, {d.Links.Base + "/tags/vans", "text/html", "Cheap vans"}, {d.Links.Base + "/posts", "text/html", "1 answer"},
			{post.IRI + "/replies", "application/activity+json", id}, {post.IRI + "/replies?page=true", "application/activity+json", id},
		} {
			if strings.Contains(string(aptest.Get(t, at.address, "Accept", at.accept).Body), at.what) {
				n++
			}
		}
		return n
	}
	for _, step := range []struct {
		hide bool
		want int
	}{{false, 5}, {true, 0}, {false, 5}} {
		if _, err := d.Hide(t.Context(), "test", id, step.hide); err != nil {
			t.Fatal(err)
		}
		if got := shows(); got != step.want {
			t.Errorf("hidden %v: it is shown at %d of five addresses, want %d", step.hide, got, step.want)
		}
		if status := aptest.Get(t, d.Links.Base+"/posts/"+node.RemoteID(id), "Accept", "text/html").Status; step.hide != (status == http.StatusNotFound) {
			t.Errorf("hidden %v: %d at its address here", step.hide, status)
		}
	}
	d.Delivered()
	if n := len(d.away.Letters("")); n != 0 {
		t.Errorf("%d letters were sent about it", n)
	}
}

// MOD-6: a report of ours arrives as a Flag at the server concerned, and only there; one of theirs is answered 202
// from a server's own actor and from anybody, and goes nowhere.
func TestFlagOutAndIn(t *testing.T) {
	d := newDesk(t)
	other := aptest.NewStranger(t, "other")
	ana, fay := d.away.Person("ana"), other.Person("fay")
	d.send(fay, fay.Do("Follow", d.Links.Actor()))
	who, err := d.Wire.Find(t.Context(), ana.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.KeepActor(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	note := ana.NewID("notes")
	if _, err := d.SendReport(t.Context(), "test", who, []string{note}, "Spam"); err != nil {
		t.Fatal(err)
	}
	flag := d.away.Letter("Flag", "")
	if got := fmt.Sprint(flag["object"], flag["content"], flag["actor"]); got != fmt.Sprint([]any{ana.ID, note}, "Spam", d.Links.Actor()) {
		t.Errorf("the Flag says %s", got)
	}
	if status := aptest.GetDocument(t, flag["id"].(string)).Status; status != http.StatusNotFound {
		t.Errorf("the Flag is served: %d", status)
	}

	server := d.away.PersonAt(d.away.Base+"/actor", "away.example")
	post := d.Post("Bread")
	d.send(server, server.Do("Flag", []any{d.Links.Actor(), post.IRI}), server.Do("Flag", m{"id": post.IRI, "type": "Note"}), server.Do("Flag", []any{ana.ID}))
	d.send(ana, ana.Do("Flag", post.IRI))
	d.Delivered()
	list, err := d.Reports(t.Context(), node.ReportQuery{})
	if err != nil || len(list) != 2 {
		t.Errorf("%v, %d reports; want that of the server, twice, and that of ana", err, len(list))
	}
	if n := len(other.Letters("Flag")); n != 0 {
		t.Errorf("%d were passed on", n)
	}
}
