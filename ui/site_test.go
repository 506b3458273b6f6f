package ui_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store/storetest"
	"github.com/coopnode/coopnode/ui"
)

const base = "https://toxeira.example"

// A site is a node with its pages and a clock that tests can move.
type site struct {
	*stall
	node   *node.Node
	echo   *echo.Echo
	clock  atomic.Int64
	handed []error // to echo's HTTPErrorHandler
}

func newSite(t testing.TB) *site {
	t.Helper()
	return filled(t, emptySite(t))
}

// devSite is one of init --dev.
func devSite(t testing.TB) *site {
	t.Helper()
	return filled(t, siteOf(t, storetest.Open(t), node.Setup{Base: "http://toxeira.localhost:8080", Dev: true, Handle: "toxeira", Name: "Toxeira"}))
}

func filled(t testing.TB, s *site) *site {
	t.Helper()
	var err error
	if s.stall, err = fill(t.Context(), s.node); err != nil {
		t.Fatal(err)
	}
	return s
}

func emptySite(t testing.TB) *site {
	t.Helper()
	return emptySiteOn(t, storetest.Open(t))
}

// emptySiteOn is a new site that remembers in db.
func emptySiteOn(t testing.TB, db node.Store) *site {
	t.Helper()
	return siteOf(t, db, node.Setup{Base: base, Handle: "toxeira", Name: "Toxeira"})
}

func siteOf(t testing.TB, db node.Store, setup node.Setup) *site {
	t.Helper()
	var s site
	s.setClock(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC))
	encoder := func(node.Links) node.Encoder { return plainEncoder{} }
	if err := node.SetUp(t.Context(), db, encoder, setup, s.now()); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.node, err = node.New(t.Context(), db, encoder, node.Options{Now: s.now, Markdown: ui.Markdown, Clean: ui.Clean, Redraw: ui.Redraw}); err != nil {
		t.Fatal(err)
	}
	s.echo = echo.New()
	opt := ui.Options{Wire: ui.Wire{HostIn: activitypub.HostIn, Suffix: activitypub.PublicSuffix, ReadRules: activitypub.ReadBlockList, WriteRules: activitypub.WriteBlockList},
		Version: "0.1"}
	page := ui.Trouble(s.node, opt)
	s.echo.HTTPErrorHandler = func(err error, c echo.Context) {
		s.handed = append(s.handed, err)
		if strings.Contains(c.Request().Header.Get("Accept"), "json") {
			c.NoContent(http.StatusTeapot)
		} else if err := page(c, err); err != nil {
			t.Error(err)
		}
	}
	ui.Mount(s.echo, s.node, opt)
	return &s
}

func (s *site) now() time.Time        { return time.Unix(s.clock.Load(), 0).UTC() }
func (s *site) setClock(to time.Time) { s.clock.Store(to.Unix()) }

// get asks for a path as a browser does; headers come in pairs.
func (s *site) get(path string, headers ...string) (*http.Response, string) {
	return s.ask(http.MethodGet, path, headers...)
}

func (s *site) ask(method, path string, headers ...string) (*http.Response, string) {
	req := httptest.NewRequest(method, path, nil)
	req.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	s.echo.ServeHTTP(rec, req)
	b, _ := io.ReadAll(rec.Result().Body)
	return rec.Result(), string(b)
}

// path is the page of something of ours, without the host.
func path(o node.Object) string { return "/" + strings.SplitN(o.Common().URL, "/", 4)[3] }

// want checks the status of a page and that it says each of these.
func (s *site) want(t *testing.T, path string, status int, texts ...string) string {
	t.Helper()
	res, body := s.get(path)
	if res.StatusCode != status {
		t.Errorf("GET %s: %s, want %d", path, res.Status, status)
	}
	for _, text := range texts {
		if !strings.Contains(body, text) {
			t.Errorf("GET %s does not say %q", path, text)
		}
	}
	return body
}
