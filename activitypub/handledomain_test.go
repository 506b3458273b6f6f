package activitypub_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// A website is the web server of the domain of a handle, which answers WebFinger in its own way.
type website struct {
	domain string // mill.localhost:PORT
	answer http.HandlerFunc
}

func newWebsite(t *testing.T) *website {
	t.Helper()
	s := &website{answer: http.NotFound}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.answer(w, r) }))
	t.Cleanup(server.Close)
	s.domain = strings.Replace(strings.TrimPrefix(server.URL, "http://"), "127.0.0.1", "mill.localhost", 1)
	return s
}

// to is the one redirect that such a web server needs.
func (s *website) to(base string) {
	s.answer = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, base+r.URL.RequestURI(), http.StatusMovedPermanently)
	}
}

// A handle on another domain: that domain leads here, both names give one answer, and the actor names its handle.
func TestHandleDomain(t *testing.T) {
	n, other := aptest.NewNode(t, "mill"), aptest.NewNode(t, "bakery")
	site := newWebsite(t)
	us, err := n.SetHandleDomain(t.Context(), "command:test", site.domain)
	if err != nil {
		t.Fatal(err)
	}
	if want := "@mill@" + site.domain; us.Address() != want {
		t.Errorf("the handle is %s, want %s", us.Address(), want)
	}
	site.to(n.Links.Base)
	if err := n.Wire.CheckHandleDomain(t.Context(), site.domain); err != nil {
		t.Error(err)
	}
	// What Mastodon checks (interop.md 1.1): whatever name it begins with, the subject names the domain of the handle, there it
	// is the same, and self is the actor, which names that handle.
	follows := *aptest.Client
	follows.CheckRedirect = nil
	for _, asked := range []string{"mill@" + site.domain, "MILL@" + site.domain, "mill@" + n.Links.Host()} {
		_, host, _ := strings.Cut(asked, "@")
		for range 2 {
			var jrd struct {
				Subject string
				Links   []struct{ Rel, Type, Href string }
			}
			address := "http://" + host + "/.well-known/webfinger?resource=" + url.QueryEscape("acct:"+asked)
			resp, err := follows.Get(address)
			if err != nil {
				t.Fatal(err)
			}
			err = json.NewDecoder(resp.Body).Decode(&jrd)
			resp.Body.Close()
			if err != nil || jrd.Subject != "acct:mill@"+site.domain || jrd.Links[0].Href != n.Links.Actor() {
				t.Fatalf("%s: %d %+v, %v", address, resp.StatusCode, jrd, err)
			}
			asked, host = strings.TrimPrefix(jrd.Subject, "acct:"), site.domain
		}
	}
	actor := m{}
	if err := json.Unmarshal(aptest.GetDocument(t, n.Links.Actor()).Body, &actor); err != nil {
		t.Fatal(err)
	}
	if actor["preferredUsername"] != "mill" || actor["webfinger"] != "mill@"+site.domain {
		t.Errorf("the actor is %v, webfinger %v", actor["preferredUsername"], actor["webfinger"])
	}
	// Another node finds it by either name; here both are home.
	for _, name := range []string{"@mill@" + site.domain, "@mill@" + n.Links.Host(), site.domain} {
		for _, from := range []*aptest.Node{n, other} {
			if a, err := from.Wire.Find(t.Context(), name); err != nil || a.IRI != n.Links.Actor() {
				t.Errorf("%s finds by %s: %v, %v", from.Links.Base, name, a, err)
			}
		}
	}
	// Once, and again the same.
	if _, err := n.SetHandleDomain(t.Context(), "command:test", site.domain); err != nil {
		t.Errorf("the same again: %v", err)
	}
	if _, err := n.SetHandleDomain(t.Context(), "command:test", "third.localhost"); node.KindOf(err) != node.Exists {
		t.Errorf("a third name: %v", err)
	}
	for _, bad := range []string{"https://mill.example", "mill.example/x", "Mill.example", "mill..example", "a b"} {
		if _, err := other.SetHandleDomain(t.Context(), "command:test", bad); node.KindOf(err) != node.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// What a web server does wrong is said, so that a person can mend it.
func TestCheckHandleDomain(t *testing.T) {
	n := aptest.NewNode(t, "mill")
	site := newWebsite(t)
	jrd := func(actor string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/jrd+json")
			json.NewEncoder(w).Encode(m{"subject": r.URL.Query().Get("resource"), "links": []m{{"rel": "self", "type": "application/activity+json", "href": actor}}})
		}
	}
	fixed := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
	}
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		kind   node.Kind
		says   string // "" where it is in order
	}{
		{"no redirect", http.NotFound, node.NotFound, "answers 404, and no redirect"},
		{"a page", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("<p>Hello")) }, node.Refused, "no WebFinger"},
		{"to the front page", fixed(n.Links.Base + "/"), node.Refused, "the path has to stay"},
		{"without the question", fixed(n.Links.Base + "/.well-known/webfinger"), node.Refused, "got lost"},
		{"another actor", jrd("http://other.localhost/ap/coop"), node.Refused, "names the actor http://other.localhost/ap/coop, and not " + n.Links.Actor()},
		{"in a circle", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.RequestURI(), http.StatusFound)
		}, node.Refused, "too many redirects"},
		{"broken", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(502) }, node.NotFound, "answers 502"},
		{"its own answer", jrd(n.Links.Actor()), 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			site.answer = tt.answer
			err := n.Wire.CheckHandleDomain(t.Context(), site.domain)
			if tt.says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if node.KindOf(err) != tt.kind || !strings.Contains(node.TextOf(err), tt.says) {
				t.Errorf("%v: %s, want %v %q", node.KindOf(err), node.TextOf(err), tt.kind, tt.says)
			}
		})
	}
	if err := n.Wire.CheckHandleDomain(t.Context(), "nobody.localhost:1"); node.KindOf(err) != node.Unavailable {
		t.Errorf("nobody at home: %v", err)
	}
}
