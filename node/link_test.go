package node_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/node"
)

// TestLinks pins every address: identity is an address here, and others hold it for years (decisions 19).
func TestLinks(t *testing.T) {
	t.Parallel()
	l := node.Links{Base: "http://localhost:8080"}
	object := l.Object(node.TypeOpening, "abcdefghij")
	for want, got := range map[string]string{
		"/ap/coop":                        l.Actor(),
		"/ap/coop#main-key":               l.Key(),
		"/ap/coop/inbox":                  l.Inbox(),
		"/ap/inbox":                       l.SharedInbox(),
		"/ap/coop/outbox":                 l.Outbox(),
		"/ap/coop/followers":              l.Followers(),
		"/ap/coop/following":              l.Following(),
		"/ap/coop/featured":               l.Featured(),
		"/ap/coop/openings":               l.Openings(),
		"/ap/coop/projects":               l.Projects(),
		"/ap/openings/abcdefghij":         object,
		"/ap/openings/abcdefghij/create":  l.Create(object),
		"/ap/openings/abcdefghij/replies": l.Replies(object),
		"/openings/abcdefghij":            l.Page(node.TypeOpening, "abcdefghij"),
		"/ap/posts/abcdefghij":            l.Object(node.TypePost, "abcdefghij"),
		"/projects/abcdefghij":            l.Page(node.TypeProject, "abcdefghij"),
		"/ap/activities/abcdefghij":       l.Activity("abcdefghij"),
		"/":                               l.Profile(),
		"/openings":                       l.Board(),
		"/openings.atom":                  l.Feed(l.Board(), node.Atom),
		"/tags/maps.json?lang=gl":         l.Feed(l.Tag("maps")+"?lang=gl", node.JSONFeed),
		"/interact":                       l.Interact(),
		"/authorize_interaction?uri=https%3A%2F%2Fa.example%2Fx": l.AuthorizeInteraction("https://a.example/x"),
		"/tags/coop":                    l.Tag("coop"),
		"/tags/a%2Fb%3Fc":               l.Tag("a/b?c"),
		"/ns/skills/%D0%B2%D0%B5%D0%B1": l.Skill("веб"),
		"/media/emblem.png":             l.Icon(),
		"/media/banner.png":             l.Banner(),
		"/media/preview.png":            l.Preview(),
	} {
		equal(t, want, got, "http://localhost:8080"+want)
		if _, err := url.Parse(got); err != nil {
			t.Error(err)
		}
	}
	equal(t, "host", l.Host(), "localhost:8080")
}

func TestOurs(t *testing.T) {
	t.Parallel()
	l := node.Links{Base: base}
	for _, s := range []string{base, base + "/", base + "/ap/coop", base + "/ap/posts/abcdefghij"} {
		equal(t, s, l.Ours(s), true)
	}
	for _, s := range []string{"", "https://mill.example.evil.example/", "https://mill.examplex", "http://mill.example/ap/coop", "https://mill.example:8443/ap/coop", "https://eve.example/https://mill.example/"} {
		equal(t, s, l.Ours(s), false)
	}
}

// TestSameOrigin: scheme, host and port, all three (RFC 6454, FEP-fe34).
func TestSameOrigin(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"https://a.example/x", "https://a.example/y", true},
		{"https://a.example/x", "https://a.example:443/y", true},
		{"http://a.example/x", "http://a.example:80/y", true},
		{"https://A.example/x", "https://a.EXAMPLE/y", true},
		{"https://a.example/x", "HTTPS://a.example/y", true},
		{"https://a.example/x", "http://a.example/x", false},
		{"https://a.example/x", "https://a.example:8443/x", false},
		{"https://a.example:80/x", "http://a.example/x", false},
		{"https://a.example/x", "https://b.example/x", false},
		{"https://a.example/x", "https://a.example.b.example/x", false},
		{"https://a.example/x", "https://x.a.example/x", false},
		{"https://a.example/x", "", false},
		{"", "", false},
		{"/x", "/x", false},
		{"urn:x", "urn:x", false},
		{"https://a.example/%zz", "https://a.example/x", false},
	} {
		if got := node.SameOrigin(tt.a, tt.b); got != tt.want {
			t.Errorf("SameOrigin(%q, %q) = %v", tt.a, tt.b, got)
		}
		if got := node.SameOrigin(tt.b, tt.a); got != tt.want {
			t.Errorf("SameOrigin(%q, %q) = %v", tt.b, tt.a, got)
		}
	}
}

func TestHostOf(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://A.Example/x":        "a.example",
		"https://a.example:8443/x":   "a.example:8443",
		"https://A.example:443/x":    "a.example",
		"https://a.example:80/x":     "a.example:80",
		"http://a.example:80/x":      "a.example",
		"http://a.example:443/x":     "a.example:443",
		"http://localhost:8080/ap/x": "localhost:8080",
		"urn:x":                      "",
		"":                           "",
		"https://a.example/%zz":      "",
	} {
		equal(t, in, node.HostOf(in), want)
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[a-z2-7]{10}$`)
	drawn := map[string]bool{}
	letters := map[rune]bool{}
	for range 5000 {
		id := node.NewID()
		if !form.MatchString(id) || !node.IsID(id) || drawn[id] {
			t.Fatalf("drew %q (again: %v)", id, drawn[id])
		}
		drawn[id] = true
		for _, c := range id {
			letters[c] = true
		}
	}
	equal(t, "letters in use", len(letters), 32)

	a, b := node.RemoteID("https://a.example/1"), node.RemoteID("https://a.example/2")
	equal(t, "the same address, the same name", node.RemoteID("https://a.example/1"), a)
	if a == b || len(a) != 12 || !node.IsID(a) {
		t.Errorf("RemoteID gives %q and %q", a, b)
	}
	for _, s := range []string{"", "abcdefghi", "abcdefghijk", "Abcdefghij", "abcdefghi1", "abcdefghi/", "abcdefghi é", strings.Repeat("a", 13)} {
		equal(t, s, node.IsID(s), false)
	}
}
