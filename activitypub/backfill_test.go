package activitypub_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

const day = 24 * time.Hour

// A node sleeps for two weeks, longer than others try: what it missed it reads from the outboxes when it wakes.
func TestSleptTwoWeeks(t *testing.T) {
	mill, bakery := aptest.NewNode(t, "mill"), aptest.NewNode(t, "bakery")
	ctx := t.Context()
	edited, deleted, filled := mill.Opening("To be edited"), mill.Post("To be deleted"), mill.Opening("To be filled")
	bakery.Follow("@mill@" + mill.Links.Host())
	aptest.Until(t, "what was there is read back", func() bool {
		return bakery.Known(edited.IRI) != nil && bakery.Known(deleted.IRI) != nil && bakery.Known(filled.IRI) != nil
	})
	mill.Delivered()

	bakery.Sleep()
	edited, err := edit(ctx, mill, edited.IRI, func(o *node.Opening) { o.Texts[0].Title = "As it is now" })
	if err != nil {
		t.Fatal(err)
	}
	if err := mill.Delete(ctx, "test", deleted.IRI); err != nil {
		t.Fatal(err)
	}
	if _, err := mill.SetOpeningStatus(ctx, "test", filled.IRI, node.Filled); err != nil {
		t.Fatal(err)
	}
	missed := mill.Opening("Published meanwhile")
	aptest.Until(t, "the mill has tried", func() bool { s, err := mill.QueueStatus(ctx); return err == nil && s.Failing == 1 })
	mill.Later(8 * day)
	aptest.Until(t, "the mill has given up", func() bool { s, err := mill.QueueStatus(ctx); return err == nil && s.Waiting == 0 })
	mill.Later(6 * day)

	bakery.Later(14 * day)
	bakery.Wake()
	aptest.Until(t, "the bakery knows what it missed", func() bool { return bakery.Known(missed.IRI) != nil })
	aptest.Until(t, "the bakery knows the edit", func() bool { return bakery.Known(edited.IRI).Common().Title() == "As it is now" })
	aptest.Until(t, "the bakery knows of the deletion", func() bool { return !bakery.Known(deleted.IRI).Common().Deleted.IsZero() })
	aptest.Until(t, "the bakery knows what is filled", func() bool { return bakery.Known(filled.IRI).(*node.Opening).Status == node.Filled })
}

// shop is a stranger whose people publish in an outbox of pages.
type shop struct {
	*aptest.Stranger
	testing.TB
	who   *aptest.Person
	items [][]any // pages
}

func newShop(t testing.TB) *shop {
	s := aptest.NewStranger(t, "shop")
	return &shop{Stranger: s, TB: t, who: s.Person("ana")}
}

func (s *shop) note(n int) m {
	id := fmt.Sprint(s.Base, "/articles/", n)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Hour).Format(time.RFC3339)
	return m{"@context": aptest.Context, "id": id, "type": "Note", "attributedTo": s.who.ID, "to": []any{aptest.Public},
		"content": fmt.Sprintf("<p>Note %d</p>", n), "published": at}
}

func (s *shop) create(n int) m {
	note := s.note(n)
	return m{"id": note["id"].(string) + "/activity", "type": "Create", "actor": s.who.ID, "to": note["to"], "published": note["published"], "object": note}
}

// open serves the outbox as it is now.
func (s *shop) open() {
	outbox := s.who.ID + "/outbox"
	total := 0
	for i, items := range s.items {
		page := m{"@context": aptest.Context, "id": fmt.Sprint(outbox, "?page=", i+1), "type": "OrderedCollectionPage", "partOf": outbox, "orderedItems": items}
		if i+1 < len(s.items) {
			page["next"] = fmt.Sprint(outbox, "?page=", i+2)
		}
		s.Serve(fmt.Sprint(outbox, "?page=", i+1), page)
		total += len(items)
	}
	s.Serve(outbox, m{"@context": aptest.Context, "id": outbox, "type": "OrderedCollection", "totalItems": total, "first": outbox + "?page=1"})
}

// follow makes a node follow ana, who accepts.
func (s *shop) follow(n *aptest.Node) {
	a, err := n.Wire.Find(s.TB.Context(), s.who.ID)
	if err != nil {
		s.TB.Fatal(err)
	}
	f, err := n.Node.Follow(s.TB.Context(), "test", a)
	if err != nil {
		s.TB.Fatal(err)
	}
	s.who.Want(202, n.Links.Inbox(), s.who.Do("Accept", f.FollowIRI), aptest.At(n.Now()))
}

// tomorrow lets a day pass and waits until the outbox was read again.
func (s *shop) tomorrow(n *aptest.Node) {
	s.TB.Helper()
	before := s.Count("GET", "/users/ana/outbox")
	n.Later(26 * time.Hour)
	aptest.Until(s.TB, "the outbox is read again", func() bool { return s.Count("GET", "/users/ana/outbox") > before })
	aptest.Until(s.TB, "the reading is over", func() bool { return s.idle(n) })
}

// idle says that the outbox was read and is to be read again tomorrow.
func (s *shop) idle(n *aptest.Node) bool {
	tasks, err := n.Store().Tasks(s.TB.Context(), node.TaskBackfill)
	if err != nil {
		s.TB.Fatal(err)
	}
	return len(tasks) == 1 && tasks[0].Due.After(n.Now().Add(time.Hour)) && strings.Contains(tasks[0].Data, `"done":true`)
}

// An outbox is read page by page, newest first, and once a day again: what has not changed is asked for with its
// ETag and not sent again; what is new, changed, deleted, shared or no longer shared is noticed; what is pinned is read too.
func TestOutboxIsReadDaily(t *testing.T) {
	n := aptest.NewNode(t, "mill")
	s := newShop(t)
	s.Tags = true
	friend := s.Person("bea")
	shared := friend.Note("<p>Worth sharing</p>", nil)
	announce := m{"id": s.Base + "/announces/1", "type": "Announce", "actor": s.who.ID, "to": []any{aptest.Public}, "published": "2026-02-01T00:00:00Z", "object": shared["id"]}
	s.Serve(announce["id"].(string), announce)
	pinned := s.who.Note("<p>Pinned long ago</p>", m{"published": "2025-01-01T00:00:00Z"})
	foreign := s.Person("eve").Note("<p>Not hers to pin</p>", nil)
	featured := s.who.ID + "/featured"
	s.Serve(featured, m{"@context": aptest.Context, "id": featured, "type": "OrderedCollection", "totalItems": 2, "orderedItems": []any{pinned["id"], foreign["id"]}})
	s.Serve(s.who.ID, aptest.With(s.who.Document("ana"), m{"featured": featured}))
	for i := 4; i >= 1; i-- {
		s.Serve(s.note(i)["id"].(string), s.note(i))
	}
	s.items = [][]any{{announce, s.create(4), s.create(3)}, {s.create(2), s.create(1)}}
	s.open()
	s.follow(n)
	aptest.Until(t, "the outbox is read", func() bool { return s.idle(n) })
	for _, iri := range []string{s.note(1)["id"].(string), s.note(4)["id"].(string), shared["id"].(string), pinned["id"].(string)} {
		if n.Known(iri) == nil {
			t.Errorf("%s was not read back", iri)
		}
	}
	if n.Known(foreign["id"].(string)) != nil {
		t.Error("what somebody else wrote was taken as pinned by ana")
	}
	if under, err := n.Readings(t.Context()); err != nil || len(under) > 0 {
		t.Errorf("readings %v, %v; want none when all is read", under, err)
	}

	// Nothing changed: four questions, no answer but "as it was".
	s.Forget()
	s.tomorrow(n)
	for _, r := range s.Requests() {
		if strings.HasPrefix(r.Path, "/users/ana/") && r.Header.Get("If-None-Match") == "" {
			t.Errorf("GET %s asks for all of it again", r.Path)
		}
	}
	if s.Count("GET", "/users/ana/outbox") != 3 || s.Count("GET", "/users/ana/featured") != 1 || s.Count("GET", "/articles/") > 0 {
		t.Errorf("a day on which nothing changed: %d outbox, %d featured, %d notes", s.Count("GET", "/users/ana/outbox"), s.Count("GET", "/users/ana/featured"), s.Count("GET", "/articles/"))
	}

	// Everything at once: 5 is new, 3 edited, 2 deleted, the share taken back.
	edited := s.create(3)
	edited["object"] = aptest.With(s.note(3), m{"content": "<p>Note three, edited</p>", "updated": "2026-03-01T00:00:00Z"})
	s.items = [][]any{{s.create(5), s.create(4), edited}, {s.create(1)}}
	s.ServeStatus(s.note(2)["id"].(string), 404, m{})
	s.open()
	s.tomorrow(n)
	if n.Known(s.note(5)["id"].(string)) == nil {
		t.Error("what is new was not noticed")
	}
	if text := n.Known(s.note(3)["id"].(string)).Common().Texts[0].HTML; !strings.Contains(text, "edited") {
		t.Errorf("the edit was not noticed: %s", text)
	}
	if n.Known(s.note(2)["id"].(string)).Common().Deleted.IsZero() {
		t.Error("the deletion was not noticed")
	}
	if list, err := n.Store().Shares(t.Context(), s.who.ID); err != nil || len(list) != 1 {
		t.Errorf("shares %v, %v: an outbox without any announce proves nothing, the Announce is asked for", list, err)
	}
	s.ServeStatus(announce["id"].(string), 410, m{})
	s.items[0] = append(s.items[0], s.create(0))
	s.open()
	s.tomorrow(n)
	if list, err := n.Store().Shares(t.Context(), s.who.ID); err != nil || len(list) > 0 {
		t.Errorf("shares %v, %v after it was taken back", list, err)
	}
}

// What stands no longer in the outbox but still at its address stays; an open opening that is too old to be in what was
// read is asked for by its address.
func TestVanishedIsAskedFor(t *testing.T) {
	n := aptest.NewNode(t, "mill")
	s := newShop(t)
	for i := range 3 {
		s.Serve(s.note(i)["id"].(string), s.note(i))
	}
	other := s.Person("bea")
	hers := other.Note("<p>Hers</p>", m{"cc": []any{n.Links.Actor()}})
	other.Want(202, n.Links.Inbox(), other.Create(hers))
	n.Handled()
	claimed := m{"id": s.Base + "/claims/1", "type": "Create", "actor": s.who.ID, "to": []any{aptest.Public}, "published": "2026-01-03T00:00:00Z", "object": hers["id"]}
	s.items = [][]any{{claimed, s.create(2), s.create(1), s.create(0)}}
	s.open()
	s.follow(n)
	aptest.Until(t, "the outbox is read", func() bool { return s.idle(n) })
	line, err := n.Timeline(t.Context(), node.TimelineQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range line {
		if e.ObjectIRI == hers["id"] {
			t.Error("what somebody else wrote was brought as ana's")
		}
	}
	s.items = [][]any{{s.create(2), s.create(0)}}
	s.open()
	s.tomorrow(n)
	if o := n.Known(s.note(1)["id"].(string)); o == nil || !o.Common().Deleted.IsZero() {
		t.Error("what is still at its address was taken as gone")
	}
}

// Bounds of a reading (security.md 4, LIM): ten pages, no page twice, and pages of the actor's origin alone.
func TestOutboxWithoutEnd(t *testing.T) {
	for name, c := range map[string]struct {
		next func(s *shop, page int) string
		want int
	}{
		"endless":      {func(s *shop, page int) string { return fmt.Sprint(s.who.ID, "/outbox?page=", page+1) }, 11},
		"circle":       {func(s *shop, page int) string { return s.who.ID + "/outbox?page=1" }, 2},
		"other origin": {func(*shop, int) string { return "http://elsewhere.localhost:1/outbox?page=2" }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			n := aptest.NewNode(t, "mill")
			s := newShop(t)
			outbox := s.who.ID + "/outbox"
			for page := range 30 {
				id := fmt.Sprint(outbox, "?page=", page)
				s.Serve(id, m{"@context": aptest.Context, "id": id, "type": "OrderedCollectionPage", "next": c.next(s, page), "orderedItems": []any{s.create(100 - page)}})
			}
			s.Serve(outbox, m{"@context": aptest.Context, "id": outbox, "type": "OrderedCollection", "first": outbox + "?page=1"})
			s.follow(n)
			aptest.Until(t, "the outbox is read", func() bool { return s.idle(n) })
			if got := s.Count("GET", "/users/ana/outbox"); got != c.want {
				t.Errorf("%d requests, want %d", got, c.want)
			}
		})
	}
}

// A Follow that was lost is said again, and one that arrived only after a week.
func TestFollowIsAskedAgain(t *testing.T) {
	n := aptest.NewNode(t, "mill")
	s := newShop(t)
	s.Answer = func(*http.Request, m) int { return http.StatusBadRequest } // ends the letter
	a, err := n.Wire.Find(t.Context(), s.who.ID)
	if err != nil {
		t.Fatal(err)
	}
	f, err := n.Node.Follow(t.Context(), "test", a)
	if err != nil {
		t.Fatal(err)
	}
	n.Delivered()
	s.Answer = nil
	s.Forget()
	n.Later(25 * time.Hour)
	if again := s.Letter("Follow", s.who.ID); again["id"] != f.FollowIRI {
		t.Errorf("it was asked with another id: %v", again["id"])
	}
	n.Delivered()
	n.Later(25 * time.Hour)
	n.Later(25 * time.Hour)
	aptest.Until(t, "it was looked at again", func() bool {
		tasks, err := n.Store().Tasks(t.Context(), node.TaskAsk)
		return err == nil && len(tasks) == 1 && tasks[0].Due.After(n.Now())
	})
	if got := len(s.Letters("Follow")); got != 1 {
		t.Errorf("asked %d times within a week", got)
	}
	n.Later(7 * day)
	aptest.Until(t, "it was asked again after a week", func() bool { return len(s.Letters("Follow")) == 2 })
	s.who.Want(202, n.Links.Inbox(), s.who.Do("Accept", f.FollowIRI), aptest.At(n.Now()))
	aptest.Until(t, "it is accepted", func() bool { return n.FollowedState(s.who.ID) == node.Accepted })
	n.Later(30 * day)
	aptest.Until(t, "nobody asks any more", func() bool {
		tasks, err := n.Store().Tasks(t.Context(), node.TaskAsk)
		return err == nil && len(tasks) == 0
	})
}
