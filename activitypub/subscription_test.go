package activitypub_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// subscribeTo makes n read the list at an address, and waits until it was read once.
func subscribeTo(t testing.TB, n *aptest.Node, address string) *node.Subscription {
	t.Helper()
	s, err := n.Wire.FindList(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Subscribe(t.Context(), "test", s); err != nil {
		t.Fatal(err)
	}
	polled(t, n, s.Source)
	return s
}

// subscription is how one stands; nil where there is none.
func subscription(t testing.TB, n *aptest.Node, source string) *node.Subscription {
	t.Helper()
	all, err := n.Subscriptions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Source == source {
			return s
		}
	}
	return nil
}

// polled waits until a list was read or could not be.
func polled(t testing.TB, n *aptest.Node, source string) {
	t.Helper()
	aptest.Until(t, source+" is read", func() bool { s := subscription(t, n, source); return s.Next.After(n.Now()) })
}

// nextHour lets an hour pass and waits until the list was read again.
func nextHour(t testing.TB, n *aptest.Node, source string) {
	t.Helper()
	n.Later(70 * time.Minute)
	polled(t, n, source)
}

// entry is what the timeline shows of an object; nil if nothing.
func entry(t *testing.T, n *aptest.Node, iri string) (found *node.TimelineEntry) {
	t.Helper()
	line, err := n.Timeline(t.Context(), node.TimelineQuery{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range line {
		if e.ObjectIRI == iri {
			if found != nil {
				t.Errorf("%s is shown twice", iri)
			}
			found = e
		}
	}
	return found
}

// A node that only reads the outbox of a federation, unknown to it and to the member and deaf to their letters, sees an
// opening once, open, changed and closed; withdrawn, deleted and no longer shared too (issue 4, Done when 2: the poller).
func TestPollFederation(t *testing.T) {
	mill, fed, poller := aptest.NewNode(t, "mill"), aptest.NewNode(t, "fed"), aptest.NewNode(t, "poller")
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	share := func(iri string) {
		t.Helper()
		o, err := fed.Wire.FindObject(ctx, iri)
		must(err)
		_, err = fed.Share(ctx, "test", o)
		must(err)
	}
	opening, deleted, withdrawn := mill.Opening("As it was"), mill.Opening("To be deleted"), mill.Opening("To be withdrawn")
	for _, o := range []*node.Opening{opening, deleted, withdrawn} {
		share(o.IRI)
	}
	poller.ShutDoors()
	s := subscribeTo(t, poller, "@fed@"+fed.Links.Host())
	if s.Source != fed.Links.Actor() || s.List != fed.Links.Outbox() {
		t.Fatalf("found %+v", s)
	}
	shown := func(o *node.Opening, status node.Status) *node.TimelineEntry {
		t.Helper()
		e := entry(t, poller, o.IRI)
		if e == nil || len(e.SharedBy) != 1 || e.SharedBy[0] != fed.Links.Actor() || e.Object.(*node.Opening).Status != status {
			t.Fatalf("%s is shown as %+v, want %s and shared by the federation", o.Title(), e, status)
		}
		return e
	}
	for _, o := range []*node.Opening{opening, deleted, withdrawn} {
		shown(o, node.Open)
	}

	// It changes. Nobody tells the poller; at its next reading it asks the member.
	_, err := edit(ctx, mill, opening.IRI, func(o *node.Opening) { o.Texts[0].Title = "As it is now" })
	must(err)
	nextHour(t, poller, s.Source)
	if got := shown(opening, node.Open).Object.Common().Title(); got != "As it is now" {
		t.Errorf("the poller sees %q", got)
	}

	// Closed, and the federation takes its shares back; deleted; withdrawn while the federation keeps silent.
	_, err = mill.SetOpeningStatus(ctx, "test", opening.IRI, node.Filled)
	must(err)
	must(fed.Unshare(ctx, "test", opening.IRI))
	must(mill.Delete(ctx, "test", deleted.IRI))
	_, err = mill.SetOpeningStatus(ctx, "test", withdrawn.IRI, node.Withdrawn)
	must(err)
	nextHour(t, poller, s.Source)
	if entry(t, poller, opening.IRI) != nil {
		t.Error("what is not shared any more is still in the timeline")
	}
	if got := poller.Known(opening.IRI).(*node.Opening).Status; got != node.Filled {
		t.Errorf("what is filled and not shared any more is known as %s", got)
	}
	if poller.Known(deleted.IRI).Common().Deleted.IsZero() || entry(t, poller, deleted.IRI) != nil {
		t.Error("what is deleted is still shown")
	}
	shown(withdrawn, node.Withdrawn)

	// Opened again and shared again, it is shown again as it is.
	_, err = mill.SetOpeningStatus(ctx, "test", opening.IRI, node.Open)
	must(err)
	share(opening.IRI)
	nextHour(t, poller, s.Source)
	shown(opening, node.Open)

	// Nobody was told, asked or written to.
	for _, n := range []*aptest.Node{mill, fed} {
		if count, err := n.CountFollowers(ctx); err != nil || count != 0 {
			t.Errorf("%s has %d followers, %v", n.Links.Base, count, err)
		}
	}
	if acts, err := poller.Store().Acts(ctx, node.ActQuery{}); err != nil || len(acts) != 0 {
		t.Errorf("the poller said %v, %v", acts, err)
	}

	// A restart forgets nothing; the end of the subscription forgets what it brought, and where it was.
	poller.Restart()
	nextHour(t, poller, s.Source)
	shown(opening, node.Open)
	must(poller.Unsubscribe(ctx, "test", s.Source))
	if entry(t, poller, opening.IRI) != nil {
		t.Error("the timeline still has what the subscription brought")
	}
	if tasks, err := poller.Store().Tasks(ctx, node.TaskPoll); err != nil || len(tasks) != 0 {
		t.Errorf("tasks %v, %v after the end", tasks, err)
	}
}

// The outbox of a server that never heard of coopnode, with ETags or without: what is new, edited and deleted there is seen,
// nothing is ever sent there, and what did not change is not sent to us again.
func TestPollOthers(t *testing.T) {
	for _, tags := range []bool{true, false} {
		t.Run(fmt.Sprint("tags ", tags), func(t *testing.T) {
			n := aptest.NewNode(t, "poller")
			blog := aptest.NewMicroblog(t)
			s := &shop{Stranger: blog.Stranger, TB: t, who: blog.Person}
			s.Tags = tags
			for i := range 5 {
				s.Serve(s.note(i)["id"].(string), s.note(i))
			}
			s.items = [][]any{{s.create(4), s.create(3)}, {s.create(2), s.create(1)}}
			s.open()
			sub := subscribeTo(t, n, s.who.ID+"/outbox") // the outbox itself leads to whose it is
			if sub.Source != s.who.ID {
				t.Fatalf("found %+v", sub)
			}
			for i := 1; i <= 4; i++ {
				if e := entry(t, n, s.note(i)["id"].(string)); e == nil || e.Verb != node.Create || e.Actor != s.who.ID {
					t.Errorf("note %d is shown as %+v", i, e)
				}
			}
			s.Forget()
			nextHour(t, n, sub.Source)
			for _, r := range s.Requests() {
				if tags && r.Header.Get("If-None-Match") == "" {
					t.Errorf("GET %s asks for all of it again", r.Path)
				}
			}
			if s.Count("GET", "/articles/") > 0 {
				t.Error("notes that are here were asked for")
			}

			edited := s.create(4)
			edited["object"] = aptest.With(s.note(4), m{"content": "<p>Note four, edited</p>", "updated": "2026-03-01T00:00:00Z"})
			s.ServeStatus(s.note(3)["id"].(string), 410, m{})
			s.items = [][]any{{s.create(5), edited}, {s.create(2), s.create(1), s.create(0)}}
			s.open()
			nextHour(t, n, sub.Source)
			if entry(t, n, s.note(5)["id"].(string)) == nil {
				t.Error("what is new was not noticed")
			}
			if text := n.Known(s.note(4)["id"].(string)).Common().Texts[0].HTML; !strings.Contains(text, "edited") {
				t.Errorf("the edit was not noticed: %s", text)
			}
			if entry(t, n, s.note(3)["id"].(string)) != nil {
				t.Error("the deletion was not noticed")
			}
			if got := s.Count("POST", ""); got != 0 {
				t.Errorf("%d letters were sent there", got)
			}
		})
	}
}

// fileServer is a web server that knows nothing but files.
type fileServer struct {
	*aptest.Stranger
	list string
	how  string // "tag", "modified" or "" for neither

	full, short int // answers
}

func newFileServer(t *testing.T, how string) *fileServer {
	f := &fileServer{Stranger: aptest.NewStranger(t, "files"), how: how}
	f.list = f.Base + "/openings.json"
	return f
}

func (f *fileServer) put(t *testing.T, changed time.Time, items ...any) {
	t.Helper()
	b, err := json.Marshal(m{"type": "OrderedCollection", "orderedItems": items})
	if err != nil {
		t.Fatal(err)
	}
	f.Handle(f.list, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if f.how == "tag" {
			w.Header().Set("ETag", fmt.Sprintf(`"%d"`, changed.Unix()))
		}
		if f.how == "" {
			changed = time.Time{}
		}
		seen := &statusWriter{ResponseWriter: w}
		http.ServeContent(seen, r, "", changed, bytes.NewReader(b))
		if seen.status == http.StatusNotModified {
			f.short++
		} else {
			f.full++
		}
	})
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// A plain JSON file: what it says counts for its own origin alone, and there only where no actor can be asked (ORG-4, ORG-5).
func TestPollFile(t *testing.T) {
	for _, how := range []string{"tag", "modified", ""} {
		t.Run("version by "+how, func(t *testing.T) {
			mill, n := aptest.NewNode(t, "mill"), aptest.NewNode(t, "poller")
			n.ShutDoors()
			f := newFileServer(t, how)
			opening := mill.Opening("As its home has it")
			ana := f.Person("ana") // has an actor there, who was not asked
			own := func(title, updated string) m {
				return m{"id": f.Base + "/own/1", "type": "Note", "attributedTo": f.Base + "/about", "coop:title": title, "content": "<p>" + title + "</p>", "purpose": "request",
					"publishes": m{"type": "Intent", "action": "deliverService", "resourceQuantity": m{"hasUnit": "hour", "hasNumericalValue": "5"}},
					"published": "2026-03-01T00:00:00Z", "updated": updated}
			}
			forged := m{"id": opening.IRI, "type": "Note", "attributedTo": mill.Links.Actor(), "to": aptest.Public, "content": "<p>Forged</p>", "updated": "2099-01-01T00:00:00Z"}
			hers := m{"id": f.Base + "/users/ana/1", "type": "Note", "attributedTo": ana.ID, "content": "<p>Forged</p>"}
			old := time.Now().Add(-48 * time.Hour)
			nobodys := m{"id": mill.Links.Base + "/nobody/1", "type": "Note", "attributedTo": mill.Links.Base + "/nobody", "content": "<p>Forged</p>"} // of an origin that is not the file's
			f.put(t, old, forged, own("Own", "2026-03-01T00:00:00Z"), hers, nobodys)
			s := subscribeTo(t, n, f.list)
			if s.Source != f.list || s.OfActor() {
				t.Fatalf("found %+v", s)
			}
			if e := entry(t, n, opening.IRI); e == nil || e.Object.Common().Title() != "As its home has it" || len(e.SharedBy) != 1 || e.SharedBy[0] != f.list {
				t.Errorf("the opening of somebody else is shown as %+v", e)
			}
			if e := entry(t, n, f.Base+"/own/1"); e == nil || e.Object.Common().Title() != "Own" || e.Object.Common().Type != node.TypeOpening {
				t.Errorf("what stands in the file alone is shown as %+v", e)
			}
			if n.Known(f.Base+"/users/ana/1") != nil {
				t.Error("a file was believed what an actor there did not say")
			}
			if n.Known(mill.Links.Base+"/nobody/1") != nil {
				t.Error("a file was believed what is of another origin")
			}
			f.full, f.short = 0, 0
			nextHour(t, n, s.Source)
			if want := how != ""; (f.short > 0) != want || (f.full == 0) != want {
				t.Errorf("%d whole answers, %d that it has not changed", f.full, f.short)
			}

			f.put(t, old.Add(time.Hour), own("Own, edited", "2026-03-02T00:00:00Z"), opening.IRI)
			nextHour(t, n, s.Source)
			if got := entry(t, n, f.Base+"/own/1").Object.Common().Title(); got != "Own, edited" {
				t.Errorf("the edit in the file is shown as %q", got)
			}
			f.put(t, old.Add(2*time.Hour), m{"type": "Announce", "id": f.Base + "/announces/1", "actor": f.Base + "/about", "object": opening.IRI})
			nextHour(t, n, s.Source)
			if e := entry(t, n, f.Base+"/own/1"); e != nil {
				t.Errorf("what left the file is shown as %+v", e)
			}
			if entry(t, n, opening.IRI) == nil {
				t.Error("what is still in the file is gone")
			}
		})
	}
}

// Hostile lists: bounded, each from its own origin alone, and nobody else waits for them (LIM, ORG-2, ORG-4).
func TestPollHostile(t *testing.T) {
	t.Run("endless", func(t *testing.T) {
		n, s := aptest.NewNode(t, "poller"), newShop(t)
		outbox := s.who.ID + "/outbox"
		for page := range 30 {
			id := fmt.Sprint(outbox, "?page=", page)
			s.Serve(id, m{"id": id, "type": "OrderedCollectionPage", "next": fmt.Sprint(outbox, "?page=", page+1), "orderedItems": []any{s.create(100 - page)}})
		}
		s.Serve(outbox, m{"id": outbox, "type": "OrderedCollection", "first": outbox + "?page=1"})
		sub, err := n.Wire.FindList(t.Context(), s.who.ID)
		if err != nil {
			t.Fatal(err)
		}
		s.Forget()
		if err := n.Subscribe(t.Context(), "test", sub); err != nil {
			t.Fatal(err)
		}
		polled(t, n, sub.Source)
		if got := s.Count("GET", "/users/ana/outbox"); got != 11 {
			t.Errorf("%d requests, want 11", got)
		}
	})
	t.Run("first of another origin, foreign objects", func(t *testing.T) {
		n, s := aptest.NewNode(t, "poller"), newShop(t)
		victim := aptest.NewStranger(t, "victim")
		hers := victim.Person("bea").Note("<p>As she wrote it</p>", nil)
		elsewhere := victim.Base + "/page"
		victim.Serve(elsewhere, m{"type": "OrderedCollectionPage", "orderedItems": []any{s.create(9)}})
		outbox := s.who.ID + "/outbox"
		fake := aptest.With(hers, m{"content": "<p>Forged</p>", "updated": "2099-01-01T00:00:00Z"})
		s.Serve(outbox, m{"id": outbox, "type": "OrderedCollection", "first": elsewhere, "orderedItems": []any{
			m{"id": s.Base + "/c/1", "type": "Create", "actor": s.who.ID, "to": aptest.Public, "object": fake},
			m{"id": s.Base + "/c/2", "type": "Announce", "actor": s.who.ID, "to": aptest.Public, "object": fake},
		}})
		sub := subscribeTo(t, n, s.who.ID)
		if victim.Count("GET", "/page") > 0 {
			t.Error("a page of another origin was read")
		}
		e := entry(t, n, hers["id"].(string))
		if e == nil || e.Verb != node.Announce || e.Actor != sub.Source || !strings.Contains(e.Object.Common().Texts[0].HTML, "As she wrote it") {
			t.Errorf("what was announced is shown as %+v", e)
		}
	})
	t.Run("busy, slow, gone", func(t *testing.T) {
		n, s := aptest.NewNode(t, "poller"), newShop(t)
		s.items = [][]any{{s.create(1)}}
		s.open()
		sub := subscribeTo(t, n, s.who.ID)
		outbox := s.who.ID + "/outbox"
		s.Handle(outbox, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "18000")
			w.WriteHeader(http.StatusTooManyRequests)
		})
		nextHour(t, n, sub.Source)
		if now := subscription(t, n, sub.Source); !strings.Contains(now.Trouble, "429") || now.Next.Sub(n.Now()) < 4*time.Hour {
			t.Errorf("asked to come again in five hours: %+v", now)
		}
		// A plain JSON file is nobody's outbox (ORG-5).
		again := func() *node.Subscription {
			n.Later(subscription(t, n, sub.Source).Next.Sub(n.Now()) + time.Second)
			polled(t, n, sub.Source)
			return subscription(t, n, sub.Source)
		}
		page := func(kind, control string) {
			s.Handle(outbox, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", kind)
				w.Header().Set("Cache-Control", control)
				json.NewEncoder(w).Encode(m{"id": outbox, "type": "OrderedCollection", "orderedItems": []any{s.create(2), s.create(1)}})
			})
		}
		page("application/json", "")
		if now := again(); !strings.Contains(now.Trouble, "content type") || n.Known(s.note(2)["id"].(string)) != nil {
			t.Errorf("a plain file in the place of the outbox was read: %+v", now)
		}
		page("application/activity+json", "public, max-age=21600")
		if now := again(); now.Trouble != "" || now.Next.Sub(n.Now()) < 5*time.Hour || n.Known(s.note(2)["id"].(string)) == nil {
			t.Errorf("asked to keep it for six hours: %+v", now)
		}
		s.Handle(outbox, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
		var waits []time.Duration
		for range 6 {
			waits = append(waits, again().Next.Sub(n.Now()).Round(time.Hour))
		}
		if waits[0] >= waits[2] || waits[5] != 24*time.Hour {
			t.Errorf("it waits %v between tries", waits)
		}
		if entry(t, n, s.note(1)["id"].(string)) == nil {
			t.Error("what was read is lost while the server is in trouble")
		}
		s.ServeStatus(s.who.ID, http.StatusGone, m{"type": "Tombstone", "id": s.who.ID})
		n.Later(25 * time.Hour)
		aptest.Until(t, "the subscription to somebody who is gone ends", func() bool { return subscription(t, n, sub.Source) == nil })
	})
}

// A reading that is broken off goes on where it was.
func TestPollRestart(t *testing.T) {
	n, s := aptest.NewNode(t, "poller"), newShop(t)
	s.Tags = true
	s.items = [][]any{{s.create(4), s.create(3)}, {s.create(2), s.create(1)}}
	s.open()
	sub, err := n.Wire.FindList(t.Context(), s.who.ID)
	if err != nil {
		t.Fatal(err)
	}
	reached, release := make(chan struct{}, 1), make(chan struct{})
	s.Handle(s.who.ID+"/outbox?page=2", func(w http.ResponseWriter, r *http.Request) {
		select {
		case reached <- struct{}{}:
		default:
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	s.Forget()
	if err := n.Subscribe(t.Context(), "test", sub); err != nil {
		t.Fatal(err)
	}
	<-reached
	if now := subscription(t, n, sub.Source); now.Reading == nil || now.Reading.Read != 2 || now.Reading.Total != 4 {
		t.Errorf("in the middle it says %+v", now.Reading)
	}
	n.Rest()
	close(release)
	s.Handle(s.who.ID+"/outbox?page=2", nil)
	s.Forget()
	n.Restart()
	aptest.Until(t, "it is read to its end", func() bool { return n.Known(s.note(1)["id"].(string)) != nil })
	for _, r := range s.Requests() {
		if strings.HasSuffix(r.Path, "page=1") && r.Header.Get("If-None-Match") == "" {
			t.Error("it began anew")
		}
	}
}

// Whom a rule refuses nobody subscribes to, and a rule ends what there is (MOD-3, MOD-4). Bounds and own addresses.
func TestSubscribeRefused(t *testing.T) {
	n, s := aptest.NewNode(t, "poller"), newShop(t)
	ctx := t.Context()
	s.items = [][]any{{s.create(1)}}
	s.open()
	f := newFileServer(t, "tag")
	f.put(t, time.Now(), s.note(2)["id"])
	s.Serve(s.note(2)["id"].(string), s.note(2))
	sub, file := subscribeTo(t, n, s.who.ID), subscribeTo(t, n, f.list)
	if entry(t, n, s.note(2)["id"].(string)) == nil {
		t.Fatal("the file brought nothing")
	}
	rule := func(host string) *node.Rule { return &node.Rule{Target: host, Severity: node.SeverityReject} }
	if _, err := n.ChangeRules(ctx, "test", []*node.Rule{rule("shop.localhost"), rule("files.localhost")}, nil); err != nil {
		t.Fatal(err)
	}
	if all, err := n.Subscriptions(ctx); err != nil || len(all) != 0 {
		t.Errorf("after the rules there are %d subscriptions, %v", len(all), err)
	}
	s.Forget()
	f.Forget()
	n.Later(3 * time.Hour)
	aptest.Until(t, "the tasks are over", func() bool { tasks, err := n.Store().Tasks(ctx, node.TaskPoll); return err == nil && len(tasks) == 0 })
	if s.Count("GET", "") > 0 || f.Count("GET", "") > 0 {
		t.Error("those who are refused were asked")
	}
	for _, again := range []*node.Subscription{sub, file} {
		if err := n.Subscribe(ctx, "test", again); node.KindOf(err) != node.Forbidden {
			t.Errorf("subscribing to who is refused: %v", err)
		}
	}
	for _, bad := range []*node.Subscription{
		{Source: n.Links.Actor(), List: n.Links.Outbox()}, {Source: "https://a.example/", List: "https://a.example/", Minutes: 14},
		{Source: "https://a.example/", List: "https://a.example/", Minutes: 7*24*60 + 1}, {},
	} {
		if err := n.Subscribe(ctx, "test", bad); node.KindOf(err) != node.Invalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if _, err := n.Wire.FindList(ctx, n.Links.Outbox()); node.KindOf(err) != node.Invalid {
		t.Errorf("the outbox of this node: %v", err)
	}
}
