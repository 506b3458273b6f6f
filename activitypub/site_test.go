package activitypub

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store/storetest"
)

// A site is a node with a real store whose documents are asked for over real HTTP.
type site struct {
	testing.TB
	store *watchedStore
	node  *node.Node
	wire  *Wire
	echo  *echo.Echo
	ahead atomic.Int64 // of the clock
	posts int
}

// A watchedStore counts what its readers ask of it, and says that another process changed the data
// when it is told to.
type watchedStore struct {
	node.Store
	asked, changed atomic.Int64
}

func (s *watchedStore) Generation() int64 { return s.Store.Generation() + s.changed.Load() }

func (s *watchedStore) Actor(ctx context.Context, iri string) (*node.Actor, error) {
	s.asked.Add(1)
	return s.Store.Actor(ctx, iri)
}

func (s *watchedStore) Document(ctx context.Context, iri string) (*node.Document, error) {
	s.asked.Add(1)
	return s.Store.Document(ctx, iri)
}

func (s *watchedStore) Objects(ctx context.Context, q node.ObjectQuery) ([]node.Object, string, error) {
	s.asked.Add(1)
	return s.Store.Objects(ctx, q)
}

func (s *watchedStore) Acts(ctx context.Context, q node.ActQuery) ([]*node.ActRecord, error) {
	s.asked.Add(1)
	return s.Store.Acts(ctx, q)
}

func (s *watchedStore) CountOutbox(ctx context.Context) (int, error) {
	s.asked.Add(1)
	return s.Store.CountOutbox(ctx)
}

func (s *watchedStore) CountFollowers(ctx context.Context) (int, error) {
	s.asked.Add(1)
	return s.Store.CountFollowers(ctx)
}

// newSite makes the coop @Mill@127.0.0.1:port. There are no pages behind it: what the wire leaves
// to them is answered 418.
func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{TB: t, store: &watchedStore{Store: storetest.Open(t)}, echo: echo.New()}
	srv := httptest.NewServer(s.echo)
	t.Cleanup(srv.Close)
	ctx := t.Context()
	encoder := func(l node.Links) node.Encoder { return NewEncoder(l) }
	setup := node.Setup{Base: srv.URL, Dev: true, Handle: "mill", Name: "The Mill"}
	s.must(node.SetUp(ctx, s.store, encoder, setup, time.Now()))
	var err error
	now := func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }
	s.node, err = node.New(ctx, s.store, encoder, node.Options{
		Now: now, Markdown: func(s string) string { return "<p>" + s + "</p>" },
	})
	s.must(err)
	s.wire, err = New(ctx, s.node, Options{Version: "0.0.0-test"})
	s.must(err)
	t.Cleanup(s.wire.Close)

	s.echo.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Response().Header().Set(echo.HeaderXRequestID, "request-7")
			return next(c)
		}
	})
	s.echo.HTTPErrorHandler = func(err error, c echo.Context) {
		if err := Problem(c, err); err != nil {
			t.Errorf("problem: %v", err)
		}
	}
	s.wire.Mount(s.echo)
	for _, page := range []string{"/", "/openings/:id", "/projects/:id", "/posts/:id"} {
		s.echo.GET(page, func(c echo.Context) error { return c.HTML(http.StatusTeapot, "a page") })
	}
	return s
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// later moves the site's clock.
func (s *site) later(d time.Duration) { s.ahead.Add(int64(d)) }

func inTwo(title, source string) []node.Text {
	return []node.Text{{Lang: "gl", Title: title, Source: source}, {Lang: "en", Title: title + " (en)", Source: source}}
}

func (s *site) publish(o node.Object) node.Object {
	s.Helper()
	s.must(s.node.Publish(s.Context(), "test", o))
	s.later(time.Second) // what comes next is newer
	return o
}

func (s *site) opening(edit func(*node.Opening)) *node.Opening {
	s.Helper()
	o := &node.Opening{Base: node.Base{Type: node.TypeOpening, Texts: inTwo("Map maker wanted", "Six weeks."), Tags: []string{"maps"}}}
	o.Skills = []node.Skill{{Key: "maps", Name: "Maps"}}
	if edit != nil {
		edit(o)
	}
	return s.publish(o).(*node.Opening)
}

func (s *site) project() *node.Project {
	s.Helper()
	return s.publish(&node.Project{Base: node.Base{Type: node.TypeProject, Texts: inTwo("Open atlas", "An atlas.")}}).(*node.Project)
}

func (s *site) post(edit func(*node.Post)) *node.Post {
	s.Helper()
	s.posts++
	p := &node.Post{Base: node.Base{Type: node.TypePost, Texts: inTwo("", fmt.Sprint("Post ", s.posts))}}
	if edit != nil {
		edit(p)
	}
	return s.publish(p).(*node.Post)
}

// foreignReply keeps an answer that came from another server.
func (s *site) foreignReply(to, iri string, a node.Audience) *node.Post {
	s.Helper()
	now := s.node.Now()
	p := &node.Post{Base: node.Base{
		ID: node.RemoteID(iri), IRI: iri, Type: node.TypePost, Actor: "https://bakery.example/users/ana", Audience: a,
		Published: now, Updated: now, Received: now, InReplyTo: to, Thread: to, Texts: []node.Text{{HTML: "<p>We can.</p>"}},
	}}
	s.keep(func(tx node.Tx) error { return tx.SaveObject(context.Background(), p) })
	return p
}

// keep changes the store as another process would, and lets the node notice.
func (s *site) keep(f func(node.Tx) error) {
	s.Helper()
	s.must(s.store.Tx(s.Context(), f))
	s.store.changed.Add(1)
}

// A reply is what came back.
type reply struct {
	testing.TB
	url    string
	status int
	header http.Header
	body   []byte
}

// ask sends a request to an address of the site: a path or a whole address.
func (s *site) ask(method, address string, header ...string) reply {
	s.Helper()
	if !strings.HasPrefix(address, "http") {
		address = s.node.Links.Base + address
	}
	req, err := http.NewRequestWithContext(s.Context(), method, address, nil)
	s.must(err)
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
			continue
		}
		req.Header.Add(header[i], header[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	s.must(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	s.must(err)
	return reply{s, address, resp.StatusCode, resp.Header, body}
}

// get asks for the document.
func (s *site) get(address string, header ...string) reply {
	s.Helper()
	return s.ask(http.MethodGet, address, append([]string{"Accept", acceptActivity}, header...)...)
}

// want checks the status.
func (r reply) want(status int) reply {
	r.Helper()
	if r.status != status {
		r.Fatalf("GET %s = %d, want %d\n%s", r.url, r.status, status, r.body)
	}
	return r
}

// wantType checks the content type, the whole of it.
func (r reply) wantType(mime string) reply {
	r.Helper()
	if got := r.header.Get("Content-Type"); got != mime {
		r.Errorf("GET %s: Content-Type %q, want %q", r.url, got, mime)
	}
	return r
}

// wantHeader checks another header.
func (r reply) wantHeader(name, want string) reply {
	r.Helper()
	if got := r.header.Get(name); got != want {
		r.Errorf("GET %s: %s %q, want %q", r.url, name, got, want)
	}
	return r
}

// doc reads the body as this node reads what comes from outside.
func (r reply) doc() map[string]any {
	r.Helper()
	doc, err := ReadJSON(r.body)
	if err != nil {
		r.Fatalf("GET %s: %v\n%s", r.url, err, r.body)
	}
	return doc
}

// into reads the body into v.
func (r reply) into(v any) {
	r.Helper()
	if err := json.Unmarshal(r.body, v); err != nil {
		r.Fatalf("GET %s: %v\n%s", r.url, err, r.body)
	}
}

// problem checks that the answer is the problem of HTTP-2 with this status and slug.
func (r reply) problem(status int, slug string) reply {
	r.Helper()
	r.want(status).wantType(typeProblem)
	doc := r.doc()
	if Str(doc, "type") != slug || doc["status"] != float64(status) || Str(doc, "title") == "" || Str(doc, "instance") != "request-7" {
		r.Errorf("GET %s: problem %s, want type %q, status %d, a title and the request id", r.url, r.body, slug, status)
	}
	return r
}
