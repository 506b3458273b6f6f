package ui_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
	"github.com/coopnode/coopnode/store/storetest"
)

// askedStore counts how often somebody wants to know who the coop is: every page that is made does.
type askedStore struct {
	node.Store
	asked atomic.Int64
}

func (s *askedStore) Actor(ctx context.Context, iri string) (*node.Actor, error) {
	s.asked.Add(1)
	return s.Store.Actor(ctx, iri)
}

// newKept is a site on a real database that says how often a page was made, and the folder of its data.
func newKept(t testing.TB) (s *site, asked *askedStore, dir string) {
	t.Helper()
	dir = t.TempDir()
	db, err := store.Open(t.Context(), store.Options{Dir: dir, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	asked = &askedStore{Store: db}
	s = emptySiteOn(t, asked)
	if s.stall, err = fill(t.Context(), s.node); err != nil {
		t.Fatal(err)
	}
	return s, asked, dir
}

// made says whether an answer was made anew.
func (a *askedStore) made(do func()) bool {
	before := a.asked.Load()
	do()
	return a.asked.Load() > before
}

// A page that was made once is sent again as it was, to visitors of whom nothing is known.
func TestPagesAreKept(t *testing.T) {
	s, store, _ := newKept(t)
	for _, p := range []string{"/", "/openings", "/openings?kind=job", "/openings.atom", path(s.Dated), path(s.Dated) + ".ics", "/search?q=map", "/about"} {
		var first, second http.Header
		var page, again string
		if !store.made(func() { res, body := s.get(p, "Accept-Encoding", "gzip"); first, page = res.Header, body }) {
			t.Errorf("%s: the first answer was there before", p)
		}
		if store.made(func() { res, body := s.get(p, "Accept-Encoding", "gzip"); second, again = res.Header, body }) {
			t.Errorf("%s: the second answer is made anew", p)
		}
		if page != again || fmt.Sprint(first) != fmt.Sprint(second) {
			t.Errorf("%s: the second answer is another one: %v and %v", p, first, second)
		}
		if store.made(func() {
			if res, body := s.get(p, "Accept-Encoding", "gzip", "If-None-Match", first.Get("ETag")); res.StatusCode != http.StatusNotModified || body != "" {
				t.Errorf("%s: asked with its tag: %s", p, res.Status)
			}
			if res, _ := s.ask(http.MethodHead, p, "Accept-Encoding", "gzip"); res.StatusCode != http.StatusOK || res.Header.Get("ETag") != first.Get("ETag") {
				t.Errorf("HEAD %s: %s", p, res.Status)
			}
		}) {
			t.Errorf("%s: an answer without body is made anew", p)
		}
		for _, other := range [][]string{{"Accept-Encoding", "identity"}, {"Accept-Encoding", "gzip", "Accept-Language", "gl"}} {
			if !store.made(func() { s.get(p, other...) }) {
				t.Errorf("%s: %v gets what was made for another", p, other)
			}
		}
		for range 2 {
			if !store.made(func() { s.get(p, "Accept-Encoding", "gzip", "Cookie", "lang=gl") }) {
				t.Errorf("%s: somebody with a cookie gets what was made for all", p)
			}
		}
	}
	for range 2 {
		if !store.made(func() { s.want(t, "/nothing", http.StatusNotFound) }) {
			t.Error("trouble is kept")
		}
	}
}

// What was made is dropped when anything changes, be it by a command beside the server, and when time has passed.
func TestKeptPagesAreDropped(t *testing.T) {
	s, kept, dir := newKept(t)
	ctx := t.Context()
	beside, err := store.Open(ctx, store.Options{Dir: dir}) // as a command opens it
	if err != nil {
		t.Fatal(err)
	}
	defer beside.Close()
	command, err := node.New(ctx, beside, func(node.Links) node.Encoder { return plainEncoder{} }, node.Options{Now: s.now})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func() error{
		"a status": func() error {
			_, err := s.node.SetOpeningStatus(ctx, "test", s.Dated.ID, node.Filled)
			return err
		},
		"something that no page shows": func() error {
			return s.node.Store().Tx(ctx, func(tx node.Tx) error { return tx.SetSetting(ctx, "test", "1") })
		},
		"a command beside the server": func() error {
			if _, err := command.SetOpeningStatus(ctx, "test", s.Dated.ID, node.Withdrawn); err != nil {
				return err
			}
			changed, err := kept.Store.(*store.DB).Changed(ctx) // serve asks once a second
			if err == nil && !changed {
				err = fmt.Errorf("the change is not noticed")
			}
			return err
		},
	} {
		s.get(path(s.Dated))
		if kept.made(func() { s.get(path(s.Dated)) }) {
			t.Errorf("before %s: nothing is kept", name)
		}
		if err := change(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !kept.made(func() { s.get(path(s.Dated)) }) {
			t.Errorf("after %s the old page is shown", name)
		}
	}

	s.get("/openings")
	s.setClock(s.now().Add(59 * time.Second))
	if kept.made(func() { s.get("/openings") }) {
		t.Error("after 59 s nothing is kept")
	}
	s.setClock(s.now().Add(time.Second))
	if !kept.made(func() { s.get("/openings") }) {
		t.Error("a page is shown that is a minute old")
	}
}

// What is changed while a page is made makes it old: it is not kept.
func TestChangeWhileAPageIsMade(t *testing.T) {
	busy := &meddling{askedStore: &askedStore{Store: storetest.Open(t)}}
	s := emptySiteOn(t, busy)
	busy.meddle = true
	s.get("/openings")
	busy.meddle = false
	if !busy.made(func() { s.get("/openings") }) {
		t.Error("a page is kept that was made from what has changed since")
	}
}

// meddling changes something whenever it is asked.
type meddling struct {
	*askedStore
	meddle bool
}

func (m *meddling) Actor(ctx context.Context, iri string) (*node.Actor, error) {
	if m.meddle {
		if err := m.Tx(ctx, func(tx node.Tx) error { return tx.SetSetting(ctx, "meddled", "1") }); err != nil {
			return nil, err
		}
	}
	return m.askedStore.Actor(ctx, iri)
}
