package aptest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const typeActivity = "application/activity+json"

// Names that documents need.
const (
	Context = "https://www.w3.org/ns/activitystreams"
	Public  = Context + "#Public"
)

// M is a JSON object.
type M = map[string]any

// A Stranger is a server that somebody else wrote. It serves what it is told to, has people with keys of their own,
// keeps everything that it gets, and takes letters with 202.
type Stranger struct {
	Base string // http://NAME.localhost:PORT

	// Answer decides about letters and may be nil, which is 202. It is called with the request
	// and the letter.
	Answer func(*http.Request, M) int
	// Front comes before everything else and may be nil. Where it returns true it has answered.
	Front func(http.ResponseWriter, *http.Request) bool

	// Tags makes it send an ETag with each document, and 304 to those who have it.
	Tags bool

	t   testing.TB
	ids atomic.Int64

	mu       sync.Mutex
	serves   map[string]served // by path and query
	handles  map[string]http.HandlerFunc
	down     bool
	slow     chan struct{} // GETs wait until it is closed
	requests []Request
}

type served struct {
	status int
	doc    []byte
}

// A Request is one that the stranger got.
type Request struct {
	Method string
	Path   string // with its query
	Header http.Header
	Host   string
	Body   []byte
	Doc    M // the letter, where the body is one
	At     time.Time
}

// NewStranger starts a server at http://name.localhost:PORT. It ends with the test.
func NewStranger(t testing.TB, name string) *Stranger {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	s := &Stranger{Base: "http://" + name + ".localhost:" + port, t: t, serves: map[string]served{}, handles: map[string]http.HandlerFunc{}}
	srv := &http.Server{Handler: s}
	go srv.Serve(l)
	t.Cleanup(func() {
		s.Hold()() // whoever waits goes on
		srv.Close()
	})
	return s
}

// ServeHTTP answers with what Serve was told, and takes letters.
func (s *Stranger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	req := Request{Method: r.Method, Path: r.URL.RequestURI(), Header: r.Header, Host: r.Host, Body: body, At: time.Now()}
	if json.Unmarshal(body, &req.Doc) != nil {
		req.Doc = nil
	}
	s.mu.Lock()
	s.requests = append(s.requests, req)
	down, slow, doc, handle := s.down, s.slow, s.serves[req.Path], s.handles[req.Path]
	s.mu.Unlock()
	if slow != nil && r.Method == http.MethodGet {
		select {
		case <-slow:
		case <-r.Context().Done():
		}
	}
	switch {
	case down:
		w.WriteHeader(http.StatusBadGateway)
	case s.Front != nil && s.Front(w, r):
	case handle != nil:
		handle(w, r)
	case r.Method == http.MethodPost:
		status := http.StatusAccepted
		if s.Answer != nil {
			status = s.Answer(r, req.Doc)
		}
		w.WriteHeader(status)
	case doc.status != 0:
		if tag := fmt.Sprintf(`"%x"`, sha256.Sum256(doc.doc)); s.Tags {
			w.Header().Set("ETag", tag)
			if r.Header.Get("If-None-Match") == tag {
				w.WriteHeader(http.StatusNotModified)
				return
			}
		}
		w.Header().Set("Content-Type", typeActivity)
		w.WriteHeader(doc.status)
		w.Write(doc.doc)
	default:
		http.NotFound(w, r)
	}
}

// Serve answers GETs of an address of the stranger with a document from now on.
func (s *Stranger) Serve(address string, doc any) { s.ServeStatus(address, http.StatusOK, doc) }

// ServeStatus is Serve with another status.
func (s *Stranger) ServeStatus(address string, status int, doc any) {
	s.t.Helper()
	b, ok := doc.([]byte)
	if !ok {
		var err error
		if b, err = json.Marshal(doc); err != nil {
			s.t.Fatal(err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serves[s.pathOf(address)] = served{status, b}
}

// Handle answers requests for an address of the stranger in a way of its own from now on.
func (s *Stranger) Handle(address string, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handles[s.pathOf(address)] = h
}

func (s *Stranger) pathOf(address string) string {
	path, _, _ := strings.Cut(strings.TrimPrefix(address, s.Base), "#")
	return path
}

// Down makes every answer 502 until Up.
func (s *Stranger) Down() { s.setDown(true) }

// Up ends Down.
func (s *Stranger) Up() { s.setDown(false) }

func (s *Stranger) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// Hold makes GETs wait until the function that it returns is called.
func (s *Stranger) Hold() (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slow != nil {
		close(s.slow)
	}
	held := make(chan struct{})
	s.slow = held
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.slow == held {
			close(held)
			s.slow = nil
		}
	}
}

// Requests are those that came so far, oldest first.
func (s *Stranger) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Count is how many requests came with this method to a path that begins so.
func (s *Stranger) Count(method, path string) (n int) {
	for _, r := range s.Requests() {
		if r.Method == method && strings.HasPrefix(r.Path, path) {
			n++
		}
	}
	return n
}

// Forget forgets the requests that came so far.
func (s *Stranger) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// Letters are the letters that came so far, of one type, or all for "".
func (s *Stranger) Letters(kind string) []M {
	var out []M
	for _, r := range s.Requests() {
		if r.Method == http.MethodPost && r.Doc != nil && (kind == "" || r.Doc["type"] == kind) {
			out = append(out, r.Doc)
		}
	}
	return out
}

// Letter waits for the first letter of one type about an object, given by its id or carried.
func (s *Stranger) Letter(kind, object string) M {
	s.t.Helper()
	var found M
	Until(s.t, kind+" of "+object+" arrives", func() bool {
		for _, l := range s.Letters(kind) {
			if ID(l["object"]) == object {
				found = l
				return true
			}
		}
		return false
	})
	return found
}

// ID is the id of something that is given as a string or carried.
func ID(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case M:
		id, _ := v["id"].(string)
		return id
	}
	return ""
}

// With is a copy of a document in which some properties are others; nil removes one.
func With(doc M, changes M) M {
	out := maps.Clone(doc)
	for k, v := range changes {
		if v == nil {
			delete(out, k)
			continue
		}
		out[k] = v
	}
	return out
}
