package activitypub

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

const (
	ofMastodon = `application/ld+json; profile="https://www.w3.org/ns/activitystreams", application/activity+json, text/html;q=0.1`
	ofBrowser  = `text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8`
)

// TestNegotiation: which form an Accept header asks for, at an id and at a page (interop.md 5.1).
func TestNegotiation(t *testing.T) {
	for _, tt := range []struct {
		accept   string
		atID     form
		pageGets bool // a page answers with its document
	}{
		{"", asDocument, false},
		{"*/*", asDocument, false},
		{"application/activity+json", asDocument, true},
		{"Application/Activity+JSON", asDocument, true},
		{"application/ld+json", asDocument, true},
		{`application/ld+json; profile="https://www.w3.org/ns/activitystreams"`, asDocument, true},
		{`application/ld+json; profile="a, text/html;q=1"`, asDocument, true},
		{"application/activity+json, application/ld+json", asDocument, true},
		{ofMastodon, asDocument, true},
		{acceptActivity, asDocument, true},
		{ofBrowser, asPage, false},
		{"text/html", asPage, false},
		{"application/xhtml+xml", asPage, false},
		{"text/html, application/activity+json", asPage, false},
		{"application/activity+json, text/html", asDocument, true},
		{"application/activity+json;q=0.5, text/html", asPage, false},
		{"text/html;q=0.5, application/activity+json;q=0.6", asDocument, true},
		{"text/html;q=0.5, application/activity+json;q=0.500", asPage, false},
		{"application/activity+json;q=0", asNothing, false},
		{"application/activity+json;q=0, text/html", asPage, false},
		{"text/html;q=0, */*", asDocument, false},
		{"application/json", asDocument, false},
		{"application/*", asDocument, false},
		{"text/*", asPage, false},
		{"application/*;q=0, */*", asPage, false},
		{"image/png", asNothing, false},
		{"image/png, */*;q=0.1", asDocument, false},
		{"application/activity+json;q=2", asDocument, false},  // not an entry: says nothing
		{"application/activity+json;q=.5", asDocument, false}, // "
		{"application/activity+json;q=0.1234, text/html", asPage, false},
		{"application/activity+json;profile, text/html", asPage, false},
		{"application /activity+json, text/html", asPage, false},
		{",,, application/activity+json ,;,", asDocument, true},
		{`"application/activity+json", text/html`, asPage, false},
	} {
		t.Run(tt.accept, func(t *testing.T) {
			var lines []string
			if tt.accept != "" {
				lines = []string{tt.accept}
			}
			if got := wanted(lines); got != tt.atID {
				t.Errorf("at an id: %v, want %v", got, tt.atID)
			}
			if got := askedFor(parseAccept(lines)) == asDocument; got != tt.pageGets {
				t.Errorf("a page gives its document: %v, want %v", got, tt.pageGets)
			}
		})
	}
	if wanted([]string{"image/png", "application/activity+json"}) != asDocument {
		t.Error("the second line of Accept is not read")
	}
	many := strings.Repeat("image/png,", maxAccept) + "application/activity+json"
	if got := wanted([]string{many}); got != asNothing {
		t.Errorf("entry %d of Accept was read", maxAccept+1)
	}
}

// TestSpeaks: who is told of errors as a problem, and who gets a page.
func TestSpeaks(t *testing.T) {
	for _, tt := range []struct {
		path, accept string
		want         bool
	}{
		{"/ap/openings/x", "", true},
		{"/ap/openings/x", "*/*", true},
		{"/ap/openings/x", ofBrowser, false},
		{"/.well-known/webfinger", "", true},
		{"/openings/x", "", false},
		{"/openings/x", ofBrowser, false},
		{"/openings/x", ofMastodon, true},
		{"/openings/x", "application/json", true},
		{"/apples", "*/*", false},
	} {
		r, _ := http.NewRequest(http.MethodGet, tt.path, nil)
		if tt.accept != "" {
			r.Header.Set("Accept", tt.accept)
		}
		if got := Speaks(r); got != tt.want {
			t.Errorf("Speaks(%s, Accept: %s) = %v", tt.path, tt.accept, got)
		}
	}
}

// FuzzAccept (T-1): what is read from an Accept header survives being written and read again, and
// the header never gives more than it says.
func FuzzAccept(f *testing.F) {
	for _, s := range []string{ofMastodon, ofBrowser, acceptActivity, `a/b;c="\"\\,;";q=0.001`, "*/*;q=0", "a/*,*/b", `x/y;q="1"`, "text/html;;q=1", "\x00/\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ranges := parseAccept([]string{s})
		if len(ranges) > maxAccept {
			t.Fatalf("%d entries", len(ranges))
		}
		var again []string
		for i, r := range ranges {
			if r.at != i || r.q < 0 || r.q > 1000 || r.name != strings.ToLower(r.name) || !strings.Contains(strings.ToLower(s), r.name) {
				t.Fatalf("entry %d of %q: %+v", i, s, r)
			}
			again = append(again, fmt.Sprintf(" %s ; q=%d.%03d", r.name, r.q/1000, r.q%1000))
		}
		if got := parseAccept([]string{strings.Join(again, ",")}); !slices.Equal(got, ranges) {
			t.Fatalf("%q read as %v, written and read as %v", s, ranges, got)
		}
		if askedFor(ranges) == asDocument && !strings.Contains(strings.ToLower(s), "json") {
			t.Fatalf("%q gives a document", s)
		}
	})
}
