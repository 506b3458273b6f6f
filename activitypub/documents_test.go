package activitypub

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-fed/activity/streams"
	"github.com/go-fed/activity/streams/vocab"

	"github.com/coopnode/coopnode/node"
)

// TestDocuments: the form in which everything with an id is served (interop.md 5.1).
func TestDocuments(t *testing.T) {
	s := newSite(t)
	o, p, q := s.opening(nil), s.project(), s.post(nil)
	for _, iri := range []string{
		s.node.Links.Actor(), s.node.Links.Outbox(), s.node.Links.Followers(), s.node.Links.Following(),
		s.node.Links.Featured(), s.node.Links.Openings(), s.node.Links.Projects(),
		o.IRI, p.IRI, q.IRI, s.node.Links.Create(o.IRI), s.node.Links.Replies(q.IRI),
	} {
		r := s.get(iri).want(200).wantType("application/activity+json").wantHeader("Vary", "Accept").
			wantHeader("Cache-Control", "public, max-age=0, must-revalidate").wantHeader("Content-Length", fmt.Sprint(len(s.get(iri).body)))
		if id := Str(r.doc(), "id"); id != iri {
			t.Errorf("GET %s: id %q", iri, id)
		}
		etag := r.header.Get("ETag")
		if !strings.HasPrefix(etag, `"`) {
			t.Errorf("GET %s: ETag %s is not strong", iri, etag)
		}
		for _, tags := range []string{etag, `"x", W/` + etag, "*"} {
			if again := s.get(iri, "If-None-Match", tags).want(304); len(again.body) > 0 || again.header.Get("ETag") != etag {
				t.Errorf("GET %s: 304 with body %q and ETag %s", iri, again.body, again.header.Get("ETag"))
			}
		}
		s.get(iri, "If-None-Match", `"x"`).want(200)
		h := s.ask(http.MethodHead, iri, "Accept", acceptActivity).want(200).wantType("application/activity+json").wantHeader("ETag", etag)
		h.wantHeader("Content-Length", fmt.Sprint(len(r.body)))
		if len(h.body) > 0 {
			t.Errorf("HEAD %s has a body", iri)
		}
		s.ask(http.MethodGet, iri).want(200).wantType("application/activity+json")
		s.ask(http.MethodGet, iri, "Accept", "*/*").want(200).wantType("application/activity+json")
		s.ask(http.MethodGet, iri, "Accept", "image/png").problem(406, "not-acceptable")
		if allow := s.ask(http.MethodPut, iri).problem(405, "method").header.Get("Allow"); !strings.Contains(allow, "GET") {
			t.Errorf("PUT %s: Allow %q", iri, allow)
		}
		s.get(iri, "Host", "elsewhere.example").problem(421, "misdirected")
	}
	for _, door := range []string{s.node.Links.Inbox(), s.node.Links.SharedInbox()} {
		if allow := s.get(door).problem(405, "method").header.Get("Allow"); !strings.Contains(allow, "POST") || strings.Contains(allow, "GET") {
			t.Errorf("GET %s: Allow %q", door, allow)
		}
	}
}

// TestDocumentIsWhatWasStored: not one byte differs from what was sent to followers.
func TestDocumentIsWhatWasStored(t *testing.T) {
	s := newSite(t)
	o := s.opening(nil)
	if got := s.get(o.IRI).want(200).body; string(got) != string(o.Raw) {
		t.Errorf("served\n%s\nstored\n%s", got, o.Raw)
	}
	before := s.get(o.IRI).header.Get("ETag")
	_, err := s.node.Edit(t.Context(), "test", o.ID, func(o node.Object) error {
		o.Common().Texts[0].Source = "Seven weeks."
		return nil
	})
	s.must(err)
	r := s.get(o.IRI, "If-None-Match", before).want(200)
	if !strings.Contains(string(r.body), "Seven weeks.") {
		t.Errorf("after an edit still %s", r.body)
	}
	if c := s.get(s.node.Links.Create(o.IRI)).want(200); !strings.Contains(string(c.body), "Seven weeks.") {
		t.Errorf("the Create still carries %s", c.body)
	}
}

// TestBrowserIsSentToThePage: a person who opens an id sees a page.
func TestBrowserIsSentToThePage(t *testing.T) {
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
	s := newSite(t)
	o := s.opening(nil)
	l := s.node.Links
	for iri, page := range map[string]string{
		l.Actor(): l.Profile(), l.Outbox(): l.Profile(), l.Followers(): l.Profile(), l.Featured(): l.Board(), l.Openings(): l.Board(),
		o.IRI: o.URL, l.Create(o.IRI): o.URL, l.Replies(o.IRI): o.URL, l.Activity(node.NewID()): l.Profile(),
		l.Skill("maps"): l.Board() + "?skill=maps", l.Base + "/@mill": l.Profile(), l.Base + "/@MILL": l.Profile(),
	} {
		s.ask(http.MethodGet, iri, "Accept", browser).want(http.StatusSeeOther).wantHeader("Location", page).wantHeader("Vary", "Accept")
	}
	s.ask(http.MethodGet, "/@baker", "Accept", browser).problem(404, "not-found")
}

// TestPageGivesTheDocument: who is given the page gets the same bytes (negotiation).
func TestPageGivesTheDocument(t *testing.T) {
	s := newSite(t)
	o, p, q := s.opening(nil), s.project(), s.post(nil)
	l := s.node.Links
	for page, iri := range map[string]string{l.Profile(): l.Actor(), l.Base + "/@mill": l.Actor(), o.URL: o.IRI, p.URL: p.IRI, q.URL: q.IRI} {
		r := s.get(page).want(200).wantType("application/activity+json").wantHeader("Vary", "Accept").wantHeader("Content-Location", iri)
		if string(r.body) != string(s.get(iri).body) {
			t.Errorf("GET %s differs from GET %s", page, iri)
		}
		s.get(page, "If-None-Match", r.header.Get("ETag")).want(304)
	}
	for _, page := range []string{l.Profile(), o.URL} {
		s.get(page, "Host", "elsewhere.example").want(http.StatusTeapot) // no document of ours at another's address (HTTP-5)
		s.ask(http.MethodGet, page, "Accept", "text/html").want(http.StatusTeapot).wantHeader("Vary", "Accept")
		s.ask(http.MethodGet, page).want(http.StatusTeapot).wantHeader("Vary", "Accept")
	}
	// The page of something that lives elsewhere has no document here.
	foreign := s.foreignReply(q.IRI, "https://bakery.example/notes/1", node.Public)
	s.get(l.Page(node.TypePost, foreign.ID)).want(http.StatusTeapot)
	s.get(l.Page(node.TypePost, node.NewID())).want(http.StatusTeapot)
	s.must(s.node.Delete(t.Context(), "test", o.ID))
	s.get(o.URL).want(410)
}

// TestDeletedIsGone: 410 with a Tombstone, and nothing that repeats what was deleted (HTTP-2, GDPR-2).
func TestDeletedIsGone(t *testing.T) {
	s := newSite(t)
	o := s.opening(func(o *node.Opening) { o.Texts[0].Source = "Secretly wrong." })
	_, err := s.node.Edit(t.Context(), "test", o.ID, func(o node.Object) error { o.Common().Tags = nil; return nil })
	s.must(err)
	var acts []string
	for _, a := range s.acts() {
		acts = append(acts, a.IRI)
	}
	s.get(o.IRI).want(200)
	s.must(s.node.Delete(t.Context(), "test", o.ID))

	r := s.get(o.IRI).want(410).wantType("application/activity+json")
	if doc := r.doc(); Str(doc, "type") != "Tombstone" || Str(doc, "id") != o.IRI {
		t.Errorf("GET %s: %s", o.IRI, r.body)
	}
	s.get(o.IRI, "If-None-Match", r.header.Get("ETag")).want(410)
	if doc := s.get(s.node.Links.Create(o.IRI)).want(410).doc(); Str(doc, "type") != "Tombstone" || Str(doc, "id") != s.node.Links.Create(o.IRI) {
		t.Errorf("the Create of what is gone: %v", doc)
	}
	s.get(s.node.Links.Replies(o.IRI)).problem(410, "gone")
	for _, a := range s.acts() {
		acts = append(acts, a.IRI)
	}
	for _, iri := range append(acts, s.node.Links.Outbox()+"?page=true", s.node.Links.Featured(), s.node.Links.Openings()+"?page=true") {
		if r := s.get(iri); strings.Contains(string(r.body), "Secretly wrong") {
			t.Errorf("GET %s still says it: %s", iri, r.body)
		}
	}
}

func (s *site) acts() []*node.ActRecord {
	s.Helper()
	acts, err := s.store.Acts(s.Context(), node.ActQuery{Limit: 200})
	s.must(err)
	return acts
}

// TestWhatIsNotForAll: drafts and what was said to some are nowhere (HTTP-7).
func TestWhatIsNotForAll(t *testing.T) {
	s := newSite(t)
	root := s.post(nil)
	s.must(s.node.KeepActor(t.Context(), &node.Actor{IRI: "https://bakery.example/users/ana", Inbox: "https://bakery.example/users/ana/inbox"}))
	var hidden []*node.Base
	hidden = append(hidden,
		&s.opening(func(o *node.Opening) { o.Draft = true }).Base,
		&s.opening(func(o *node.Opening) { o.Audience = node.Followers }).Base,
		&s.post(func(p *node.Post) { p.Audience, p.InReplyTo = node.Followers, root.IRI }).Base,
		&s.post(func(p *node.Post) { p.Audience, p.To = node.Direct, []string{"https://bakery.example/users/ana"} }).Base,
	)
	lists := []string{"outbox?page=true", "outbox?page=true&min_id=1", "featured", "openings?page=true", "projects?page=true"}
	for _, b := range hidden {
		for _, iri := range []string{b.IRI, s.node.Links.Create(b.IRI), s.node.Links.Replies(b.IRI)} {
			s.get(iri).problem(404, "not-found")
		}
		for _, list := range lists {
			if r := s.get(s.node.Links.Actor() + "/" + list).want(200); strings.Contains(string(r.body), b.ID) {
				t.Errorf("%s shows %s: %s", list, b.IRI, r.body)
			}
		}
		if r := s.get(s.node.Links.Replies(root.IRI)).want(200); strings.Contains(string(r.body), b.ID) {
			t.Errorf("replies show %s", b.IRI)
		}
	}
	for _, a := range s.acts() {
		if !a.Served {
			s.get(a.IRI).problem(404, "not-found")
		}
	}
	// What was deleted before anyone could see it was never there.
	s.must(s.node.Delete(t.Context(), "test", hidden[0].ID))
	s.get(hidden[0].IRI).problem(404, "not-found")
	// An unlisted post is for all who have its address, and stands in the thread.
	quiet := s.post(func(p *node.Post) { p.Audience, p.InReplyTo = node.Unlisted, root.IRI })
	s.get(quiet.IRI).want(200)
	if r := s.get(s.node.Links.Replies(root.IRI)); !strings.Contains(string(r.body), quiet.IRI) {
		t.Errorf("replies leave out %s: %s", quiet.IRI, r.body)
	}
}

// TestNothingThere: addresses that were never given out.
func TestNothingThere(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{
		"/ap/openings/aaaaaaaaaa", "/ap/openings/AAAAAAAAAA", "/ap/openings/..%2f..%2fcoop", "/ap/posts/x", "/ap/projects/aaaaaaaaaa/create",
		"/ap/posts/aaaaaaaaaa/replies", "/ap/activities/aaaaaaaaaa", "/ap/activities/'", "/ap/coop/liked", "/ap", "/ns/coop/v2.jsonld",
		"/ns/skills/UPPER", "/ns/skills/a%2Fb", "/.well-known/other", "/nodeinfo/1.0",
	} {
		s.get(path).problem(404, "not-found")
	}
}

// TestOwnFollowIsServed: others read the Follow in their Accept back from here (independent-peers.md 1).
func TestOwnFollowIsServed(t *testing.T) {
	s := newSite(t)
	bakery := &node.Actor{IRI: "https://bakery.example/users/ana", Type: "Person", Handle: "ana", Host: "bakery.example", Inbox: "https://bakery.example/users/ana/inbox"}
	f, err := s.node.Follow(t.Context(), "test", bakery)
	s.must(err)
	doc := s.get(f.FollowIRI).want(200).doc()
	if Str(doc, "id") != f.FollowIRI || Str(doc, "type") != "Follow" || Str(doc, "actor") != s.node.Links.Actor() || IDOf(doc["object"]) != bakery.IRI {
		t.Errorf("GET %s: %v", f.FollowIRI, doc)
	}
}

// TestDeadlineEmptiesLists: a deadline closes an opening for readers although nothing was changed (decisions 25).
func TestDeadlineEmptiesLists(t *testing.T) {
	s := newSite(t)
	long := s.opening(nil)
	short := s.opening(func(o *node.Opening) { o.Closes = s.node.Now().Add(time.Hour) })
	l := s.node.Links
	lists := []string{l.Featured(), l.Openings() + "?page=true"}
	for _, list := range lists {
		if got := IDs(s.get(list).doc()["orderedItems"]); !slices.Equal(got, []string{short.IRI, long.IRI}) {
			t.Errorf("%s: %v, want the newest first", list, got)
		}
	}
	s.get(l.Openings()).want(200)
	s.later(time.Hour)
	for _, list := range lists {
		if got := IDs(s.get(list).doc()["orderedItems"]); !slices.Equal(got, []string{long.IRI}) {
			t.Errorf("%s after the deadline: %v", list, got)
		}
	}
	if n := s.get(l.Openings()).doc()["totalItems"]; n != 1.0 {
		t.Errorf("totalItems of openings is %v, want 1", n)
	}
	// It keeps its document and its place in the outbox.
	s.get(short.IRI).want(200)
	if r := s.get(l.Outbox() + "?page=true"); !strings.Contains(string(r.body), short.IRI) {
		t.Errorf("the outbox lost %s", short.IRI)
	}
}

// TestAnotherProcessIsNoticed: what a command changed is seen when the store says so (decisions 34).
func TestAnotherProcessIsNoticed(t *testing.T) {
	s := newSite(t)
	q := s.post(nil)
	replies := s.node.Links.Replies(q.IRI)
	s.get(replies).want(200)
	iri := s.foreignReply(q.IRI, "https://bakery.example/notes/1", node.Public).IRI
	if r := s.get(replies); !strings.Contains(string(r.body), iri) {
		t.Errorf("the answer is not seen: %s", r.body)
	}
}

// TestCrawl follows every address of this package that stands in a served document: none is dead,
// and each document passes streams with the type and id that it says (decisions 4, 19).
func TestCrawl(t *testing.T) {
	s := newSite(t)
	o := s.opening(nil)
	q := s.post(nil)
	s.post(func(p *node.Post) { p.InReplyTo = q.IRI })
	s.project()
	for range 45 {
		s.post(func(p *node.Post) { p.InReplyTo = q.IRI })
	}
	gone := s.opening(nil)
	_, err := s.node.SetOpeningStatus(t.Context(), "test", o.ID, node.Filled)
	s.must(err)
	s.must(s.node.Delete(t.Context(), "test", gone.ID))

	l := s.node.Links
	seen := map[string]bool{}
	queue := []string{l.Base + "/.well-known/webfinger?resource=acct:mill@" + l.Host(), l.Base + "/.well-known/nodeinfo", l.Base + "/ns/coop/v1.jsonld"}
	for _, a := range s.acts() {
		queue = append(queue, a.IRI)
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		at, _, _ = strings.Cut(at, "#")
		path, ours := strings.CutPrefix(at, l.Base)
		if seen[at] || !ours || !slices.ContainsFunc(machinePaths, func(p string) bool { return strings.HasPrefix(path, p) }) {
			continue
		}
		seen[at] = true
		if at == l.Inbox() || at == l.SharedInbox() {
			continue
		}
		r := s.get(at)
		if r.status != 200 && r.status != 410 {
			t.Errorf("GET %s = %d", at, r.status)
			continue
		}
		doc := r.doc()
		if r.header.Get("Content-Type") == typeActivity {
			passesStreams(t, at, doc)
		}
		queue = append(queue, addressesIn(doc)...)
	}
	for _, must := range []string{l.Actor(), o.IRI, l.Create(o.IRI), l.Replies(q.IRI), l.Skill("maps"), l.Base + "/nodeinfo/2.1", l.Featured(), l.Projects()} {
		if !seen[must] {
			t.Errorf("the crawl did not come to %s", must)
		}
	}
	if len(seen) < 150 {
		t.Errorf("the crawl saw only %d addresses", len(seen))
	}
}

func passesStreams(t *testing.T, at string, doc map[string]any) {
	t.Helper()
	v, err := streams.ToType(t.Context(), doc)
	if err != nil {
		t.Errorf("GET %s: streams: %v", at, err)
		return
	}
	id := v.GetJSONLDId()
	if v.GetTypeName() != Str(doc, "type") || id == nil || id.Get().String() != at || Str(doc, "id") != at {
		t.Errorf("GET %s: streams reads %s %v, the document says %s %s", at, v.GetTypeName(), id, Str(doc, "type"), Str(doc, "id"))
	}
	var _ vocab.Type = v
}

// addressesIn collects every http address in a document.
func addressesIn(v any) []string {
	var found []string
	switch v := v.(type) {
	case string:
		if strings.HasPrefix(v, "http") {
			found = append(found, v)
		}
	case []any:
		for _, e := range v {
			found = append(found, addressesIn(e)...)
		}
	case map[string]any:
		for key, e := range v {
			if key != "@context" {
				found = append(found, addressesIn(e)...)
			}
		}
	}
	return found
}
