package ui_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// index brings all into the index, as the server does within a second.
func (s *site) index(t testing.TB) {
	t.Helper()
	if err := s.node.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// wantNot fails where a page shows something.
func wantNot(t testing.TB, body string, not ...string) {
	t.Helper()
	for _, n := range not {
		if strings.Contains(body, n) {
			t.Errorf("the page shows %q", n)
		}
	}
}

func TestSearchPage(t *testing.T) {
	s := newSite(t)
	s.want(t, "/search?q=audit", 200, "0 found", "Nothing was found") // nothing is indexed yet
	s.index(t)
	body := s.want(t, "/search?q=AUDIT", 200, "Accessibility audit", "Until 15 December 2026", `value="AUDIT"`, `<meta name="robots" content="noindex">`,
		`/search.atom?q=AUDIT`)
	wantNot(t, body, "Browser engineer")
	body = s.want(t, "/search?q=toxeira&kind=coop", 200, "Toxeira Enxeñaría Web", "1 found", `<option value="coop" selected>`)
	wantNot(t, body, "Accessibility audit")
	s.want(t, "/search?skill=Web+Engines&kind=job", 200, "Browser engineer")
	s.want(t, "/search?language=GL&kind=coop", 200, `<option value="gl" selected>Galician</option>`)
	s.want(t, "/search?country=xx", 200, `<option value="xx" selected>`, "0 found")
	wantNot(t, s.want(t, "/search?q=map", 200), "Design of map symbols")
	s.want(t, "/search?q=map&over=yes", 200, "Design of map symbols", "Filled")
	s.want(t, "/search?q=audit&sort=best", 200, "Accessibility audit")
	s.want(t, "/", 200, `role="search"`, `action="/search"`, `<a href="/directory"`)

	// A search is data, whatever stands in it (WEB-2, HTML-1).
	for _, q := range []string{`"`, `*`, `a AND`, `<script>alert(1)</script>`, `NEAR(`, "\x00", "\xff", `{x y}: z`, "مرحبا", "台北 OR", strings.Repeat("ab ", 16)} {
		body := s.want(t, "/search?q="+url.QueryEscape(q), 200)
		wantNot(t, body, "<script")
	}
	for _, p := range []string{"/search?kind=song", "/search?q=" + strings.Repeat("w+", 20), "/search?before=x", "/search?language=%22", "/directory?ownership=x", "/directory?customer=x",
		"/directory?before=" + strings.Repeat("1", 300), "/search.atom?kind=song", "/search.json?before=best-1"} {
		if res, _ := s.get(p); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s, want 400", p, res.Status)
		}
	}
}

// A feed of a search has openings, projects and posts, and tells of what is new.
func TestSearchFeed(t *testing.T) {
	s := newSite(t)
	s.index(t)
	s.want(t, "/search.atom?q=audit&sort=best", 200, "Accessibility audit", "Search at Toxeira")
	s.want(t, "/search.json?q=toxeira", 200, `"items":[`)
	if body := s.want(t, "/search.json?kind=coop&q=toxeira", 200); strings.Contains(body, "Enxeñaría Web is") {
		t.Error("a coop stands in a feed")
	}
	if res, _ := s.get("/search.ics?q=audit"); res.StatusCode != http.StatusNotFound {
		t.Errorf("a calendar of a search: %s", res.Status)
	}
}

func TestDirectory(t *testing.T) {
	s := emptySite(t)
	s.want(t, "/directory", 200, "No coop is known here yet") // not indexed
	for i, c := range []struct{ name, country, skill, lang, summary string }{
		{"Quebracho", "AR", "elixir", "es", "Rosario"}, {"ひなた", "JP", "java", "ja", "仙台の労働者協同組合"}, {"تعاونية", "TN", "design", "ar", "تصميم"},
	} {
		a := &node.Actor{
			IRI: fmt.Sprintf("https://c%d.example/ap/coop", i), Type: "Organization", Handle: "coop", Host: fmt.Sprintf("c%d.example", i), Name: c.name,
			URL: fmt.Sprintf("https://c%d.example/", i), Inbox: fmt.Sprintf("https://c%d.example/inbox", i), Updated: s.now().Add(time.Duration(i) * time.Minute),
			Summary: []node.Text{{Lang: c.lang, HTML: "<p>" + c.summary + "</p>"}},
			Coop: &node.Coop{Kind: node.KindCooperative, Place: node.Place{Country: c.country, Locality: "Town"}, Skills: []node.Skill{{Key: c.skill}}, Languages: []string{c.lang},
				Ownership: "workers", AcceptsCustomers: []string{"public"}},
		}
		if i == 2 {
			a.Coop.Kind = node.KindConsortium
		}
		if err := s.node.Store().Tx(t.Context(), func(tx node.Tx) error { return tx.SaveActor(t.Context(), a) }); err != nil {
			t.Fatal(err)
		}
	}
	s.setClock(s.now().Add(time.Hour))
	s.index(t)
	s.want(t, "/directory", 200, "4 found", `<a href="/coops/coop@c0.example"><bdi>Quebracho</bdi></a>`, "@coop@c1.example", "Argentina", "Japan",
		`<option value="ar">Argentina</option>`, `<option value="ja">Japanese</option>`, `<option value="elixir">`, `<option value="c2.example">تعاونية</option>`,
		`lang="ja">仙台の労働者協同組合`, `lang="ar">تصميم`, "Federation")
	for q, want := range map[string]string{
		"country=JP": "ひなた", "skill=elixir": "Quebracho", "language=ar": "تعاونية", "q=" + url.QueryEscape("仙台"): "ひなた", "q=" + url.QueryEscape("労働"): "ひなた",
		"ownership=workers&country=ar": "Quebracho",
	} {
		s.want(t, "/directory?"+q, 200, "1 found", "<bdi>"+want+"</bdi>", `<meta name="robots" content="noindex">`)
	}
	s.want(t, "/directory?country=SE", 200, "0 found", "No coop that is known here matches", `<option value="SE" selected>Sweden</option>`)
	s.want(t, "/directory?federation=c2.example", 200, `<option value="c2.example" selected>`, "0 found")
	s.want(t, "/directory?customer=public&q=town&sort=best", 200, "3 found")
}

// A long list is read page by page, what was chosen stays chosen, and each coop is there once.
func TestDirectoryPages(t *testing.T) {
	s := emptySite(t)
	for i := range 45 {
		a := &node.Actor{IRI: fmt.Sprintf("https://c%d.example/ap/coop", i), Host: fmt.Sprintf("c%d.example", i), Name: fmt.Sprintf("Coop number %02d.", i), Inbox: "https://x.example/inbox",
			Updated: s.now(), Coop: &node.Coop{Place: node.Place{Country: "ES"}}}
		if err := s.node.Store().Tx(t.Context(), func(tx node.Tx) error { return tx.SaveActor(t.Context(), a) }); err != nil {
			t.Fatal(err)
		}
	}
	s.index(t)
	seen := map[string]int{}
	next := "/directory?country=ES&lang=en"
	for pages := 0; next != ""; pages++ {
		if pages > 2 {
			t.Fatal("the directory has no end")
		}
		body := s.want(t, next, 200, "45 found", `<option value="es" selected>Spain</option>`)
		for i := range 45 {
			name := fmt.Sprintf("Coop number %02d.", i)
			seen[name] += strings.Count(body, "<bdi>"+name+"</bdi></a>") // the map names them, too
		}
		next = ""
		if _, rest, ok := strings.Cut(body, `rel="next" href="`); ok {
			next = strings.ReplaceAll(rest[:strings.IndexByte(rest, '"')], "&amp;", "&")
		}
	}
	if len(seen) != 45 {
		t.Errorf("%d coops on all pages, want 45", len(seen))
	}
	for name, n := range seen {
		if n != 1 {
			t.Errorf("%q stands on the pages %d times", name, n)
		}
	}
}
