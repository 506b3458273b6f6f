package activitypub

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// walkPages follows next from a collection's first page and returns all items; the items of a
// page are always an array.
func (s *site) walkPages(collection, items string) (ids []string, pages int) {
	s.Helper()
	doc := s.get(collection).want(200).doc()
	first, inline := doc["first"].(map[string]any)
	at := IDOf(doc["first"])
	for at != "" {
		page := s.get(at).want(200).doc()
		if inline && pages == 0 && fmt.Sprint(IDs(first[items])) != fmt.Sprint(IDs(page[items])) {
			s.Errorf("%s: the first page inside differs from the one outside", collection)
		}
		list, ok := page[items].([]any)
		if !ok {
			s.Fatalf("%s: %s is %T, want an array", at, items, page[items])
		}
		if len(list) > 40 { // LIM
			s.Errorf("%s: %d items on a page, at most 40", at, len(list))
		}
		if Str(page, "id") != at || Str(page, "partOf") != collection {
			s.Errorf("%s: id %s, partOf %s", at, Str(page, "id"), Str(page, "partOf"))
		}
		ids = append(ids, IDs(list)...)
		if pages++; pages > 20 {
			s.Fatalf("%s: the pages do not end", collection)
		}
		at = Str(page, "next")
	}
	if n := doc["totalItems"]; n != float64(len(ids)) {
		s.Errorf("%s: totalItems %v, but %d items", collection, n, len(ids))
	}
	return ids, pages
}

// TestOutbox: an OrderedCollection in pages of twenty, newest first, with the present object in
// each Create (interop.md 4.1).
func TestOutbox(t *testing.T) {
	s := newSite(t)
	outbox := s.node.Links.Outbox()
	if ids, pages := s.walkPages(outbox, "orderedItems"); len(ids) != 0 || pages != 1 {
		t.Errorf("empty outbox: %v in %d pages", ids, pages)
	}
	var want []string
	for range 45 {
		want = append(want, s.node.Links.Create(s.post(nil).IRI))
	}
	slices.Reverse(want)
	got, pages := s.walkPages(outbox, "orderedItems")
	if !slices.Equal(got, want) || pages != 3 {
		t.Errorf("%d items in %d pages, want %d in 3:\n%v\n%v", len(got), pages, len(want), got, want)
	}
	if n := len(List(s.get(outbox + "?page=true&limit=1000").doc()["orderedItems"])); n != 20 {
		t.Errorf("a page of %d, want 20 whatever is asked", n)
	}

	// Backwards from the last page.
	var back []string
	at := Str(s.get(outbox).doc(), "last")
	for at != "" {
		page := s.get(at).want(200).doc()
		if Str(page, "id") != at {
			t.Errorf("%s: id %s", at, Str(page, "id"))
		}
		if back = append(IDs(page["orderedItems"]), back...); len(back) > len(want) {
			t.Fatal("the way back does not end")
		}
		at = Str(page, "prev")
	}
	if !slices.Equal(back, want) {
		t.Errorf("backwards %d items, want %d:\n%v\n%v", len(back), len(want), back, want)
	}

	for _, q := range []string{"max_id=x", "max_id=-1", "max_id=0", "min_id=99999999999999999999", "max_id=1%27"} {
		s.get(outbox+"?page=true&"+q).problem(400, "malformed")
	}
}

// TestOutboxCarriesActsAsStored: the order of languages and arrays of one entry survive in a page.
func TestOutboxCarriesActsAsStored(t *testing.T) {
	s := newSite(t)
	o := s.opening(nil)
	r := s.get(s.node.Links.Outbox() + "?page=true").want(200)
	if !strings.Contains(string(r.body), `"contentMap":{"gl":`) {
		t.Errorf("the main language does not come first: %s", r.body)
	}
	if n := strings.Count(string(r.body), `"@context"`); n != 1 {
		// One of ours is allowed inside a term's definition; none in an item.
		for _, item := range List(r.doc()["orderedItems"]) {
			if Obj(item)["@context"] != nil {
				t.Errorf("an item has a context of its own (%d in all)", n)
			}
		}
	}
	item := Obj(List(r.doc()["orderedItems"])[0])
	object := Obj(item["object"])
	alone := s.get(o.IRI).doc()
	delete(alone, "@context")
	if fmt.Sprint(object) != fmt.Sprint(alone) {
		t.Errorf("the object in the page\n%v\nthe object alone\n%v", object, alone)
	}
	// The context of the page has a line for each term that its acts use.
	have := map[string]bool{}
	for _, part := range List(r.doc()["@context"]) {
		for name := range Obj(part) {
			have[name] = true
		}
	}
	for _, part := range List(s.get(s.node.Links.Create(o.IRI)).doc()["@context"]) {
		for name := range Obj(part) {
			if !have[name] {
				t.Errorf("the page's context has no %s", name)
			}
		}
	}
}

// TestFollowLists: both lists name accepted actors only, in pages of forty.
func TestFollowLists(t *testing.T) {
	s := newSite(t)
	var want []string
	for i := range 85 {
		iri := fmt.Sprintf("https://bakery.example/users/u%d?a=b&c", i)
		f := &node.Following{Actor: iri, State: node.Accepted, FollowIRI: iri + "#follow", Since: time.Now()}
		if i == 50 {
			f.State = node.Pending
		} else {
			want = append(want, iri)
		}
		s.must(s.store.Tx(t.Context(), func(tx node.Tx) error {
			if err := tx.SaveFollower(context.Background(), f); err != nil {
				return err
			}
			return tx.SaveFollowed(context.Background(), f)
		}))
	}
	slices.Reverse(want)
	for _, list := range []string{s.node.Links.Followers(), s.node.Links.Following()} {
		got, pages := s.walkPages(list, "orderedItems")
		if !slices.Equal(got, want) || pages != 3 {
			t.Errorf("%s: %d in %d pages, want %d in 3", list, len(got), pages, len(want))
		}
	}
}

// TestCollectionsOfObjects: openings and projects in pages, featured with the newest twenty.
func TestCollectionsOfObjects(t *testing.T) {
	s := newSite(t)
	l := s.node.Links
	for _, list := range []string{l.Openings(), l.Projects()} {
		s.walkPages(list, "orderedItems")
	}
	if doc := s.get(l.Featured()).doc(); doc["totalItems"] != 0.0 || doc["orderedItems"] == nil {
		t.Errorf("empty featured: %v", doc)
	}
	var want []string
	for range 41 {
		want = append(want, s.opening(nil).IRI)
	}
	p := s.project().IRI
	slices.Reverse(want)
	if got, pages := s.walkPages(l.Openings(), "orderedItems"); !slices.Equal(got, want) || pages != 2 {
		t.Errorf("openings: %d in %d pages, want 41 in 2", len(got), pages)
	}
	if got, _ := s.walkPages(l.Projects(), "orderedItems"); !slices.Equal(got, []string{p}) {
		t.Errorf("projects: %v", got)
	}
	if doc := s.get(l.Featured()).doc(); !slices.Equal(IDs(doc["orderedItems"]), want[:20]) || doc["totalItems"] != 20.0 {
		t.Errorf("featured: %v", doc)
	}
	for _, list := range []string{l.Openings(), l.Projects()} {
		s.get(list+"?page=true&after=nonsense").problem(400, "malformed")
	}
}

// TestReplies: a Collection with its first page inside, own and foreign answers that all may see.
func TestReplies(t *testing.T) {
	s := newSite(t)
	root := s.opening(nil)
	replies := s.node.Links.Replies(root.IRI)
	if ids, _ := s.walkPages(replies, "items"); len(ids) != 0 {
		t.Errorf("nobody answered, but %v", ids)
	}
	var want []string
	for i := range 42 {
		want = append(want, s.post(func(p *node.Post) { p.InReplyTo = root.IRI }).IRI)
		if i == 41 {
			want = append(want, s.foreignReply(root.IRI, "https://bakery.example/notes/7", node.Public).IRI)
			s.foreignReply(root.IRI, "https://bakery.example/notes/8", node.Followers)
		}
	}
	slices.Reverse(want)
	got, pages := s.walkPages(replies, "items")
	if !slices.Equal(got, want) || pages != 2 {
		t.Errorf("%d replies in %d pages, want %d in 2:\n%v\n%v", len(got), pages, len(want), got, want)
	}
	s.must(s.node.Delete(t.Context(), "test", want[len(want)-1]))
	if got, _ := s.walkPages(replies, "items"); slices.Contains(got, want[len(want)-1]) {
		t.Error("a deleted answer is still there")
	}
}
