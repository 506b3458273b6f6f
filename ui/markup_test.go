package ui_test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Every link of every page leads somewhere, and every page keeps the promises of doc.go and security.md 6.
func TestCrawl(t *testing.T) {
	s := newSite(t)
	crawl(t, s, 30, "/", "/openings?kind=job", path(s.Deleted), "/nothing", path(s.Reply), path(s.Question), path(s.Filled), path(s.Paused))
}

// The same of a federation, and of a coop that knows federations.
func TestCrawlFederations(t *testing.T) {
	crawl(t, newFederation(t), 34, "/")
	s := newSite(t)
	if err := membersOf(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	crawl(t, s, 34, "/")
}

// crawl follows all links from these addresses, and wants to find so many at least.
func crawl(t *testing.T, s *site, least int, todo ...string) {
	t.Helper()
	done := map[string]bool{}
	titles := map[string]string{}
	for len(todo) > 0 {
		p := todo[0]
		todo = todo[1:]
		if done[p] {
			continue
		}
		done[p] = true
		res, body := s.get(p)
		if want := map[string]int{"/nothing": 404, path(s.Deleted): 410}[p]; res.StatusCode != 200 && res.StatusCode != want {
			t.Errorf("GET %s: %s", p, res.Status)
			continue
		}
		if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			continue
		}
		links := checkMarkup(t, p, body)
		if csp := res.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; style-src 'self'; img-src 'self';") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: Content-Security-Policy %q", p, csp)
		}
		title := between(body, "<title>", "</title>")
		if other, taken := titles[title]; taken && !strings.Contains(p, "?") && !strings.Contains(other, "?") {
			t.Errorf("%s and %s have the same title %q", p, other, title)
		}
		titles[title] = p
		for _, l := range links {
			u, err := url.Parse(l)
			if err != nil {
				t.Errorf("%s links to %q: %v", p, l, err)
				continue
			}
			if u.Host != "" && u.Scheme+"://"+u.Host != base || u.Scheme == "mailto" || strings.HasPrefix(u.Path, "/ap/") {
				continue
			}
			if u.Fragment != "" && u.Path == "" {
				if !strings.Contains(body, `id="`+u.Fragment+`"`) {
					t.Errorf("%s links to #%s, which is not there", p, u.Fragment)
				}
				continue
			}
			from, _ := url.Parse(p)
			to := from.ResolveReference(&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery})
			todo = append(todo, to.String())
		}
	}
	if len(done) < least {
		t.Errorf("the crawl found only %d addresses: %v", len(done), slices.Sorted(maps.Keys(done)))
	}
}

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}

// checkMarkup reads a page strictly: every element closed in order, ids once, headings in order, nothing that the
// content policy would stop. It returns all addresses that the page names.
func checkMarkup(t *testing.T, page, body string) (links []string) {
	t.Helper()
	fail := func(format string, args ...any) { t.Helper(); t.Errorf("%s: %s", page, fmt.Sprintf(format, args...)) }
	void := strings.Fields("area base br col embed hr img input link meta source track wbr")
	var open []string
	ids := map[string]bool{}
	count := map[string]int{}
	metas := map[string]string{}
	heading := 0
	z := html.NewTokenizer(strings.NewReader(body))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if len(open) > 0 {
				fail("left open: %v", open)
			}
			checkHead(fail, page, count, metas)
			return links
		case html.EndTagToken:
			tag := z.Token().Data
			if len(open) == 0 || open[len(open)-1] != tag {
				fail("</%s> closes %v", tag, open)
				return links
			}
			open = open[:len(open)-1]
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			count[token.Data]++
			if !slices.Contains(void, token.Data) {
				open = append(open, token.Data)
			}
			at := map[string]string{}
			for _, a := range token.Attr {
				at[a.Key] = a.Val
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					fail("<%s %s=%q>", token.Data, a.Key, a.Val)
				}
			}
			if id := at["id"]; id != "" {
				if ids[id] {
					fail("id %q twice", id)
				}
				ids[id] = true
			}
			if len(token.Data) == 2 && token.Data[0] == 'h' && token.Data[1] >= '1' && token.Data[1] <= '6' {
				if level := int(token.Data[1] - '0'); level > heading+1 {
					fail("a heading of level %d follows one of %d", level, heading)
				} else {
					heading = level
				}
			}
			switch token.DataAtom {
			case atom.Script:
				if at["type"] != "application/ld+json" { // which no browser runs
					fail("has <script>")
				}
			case atom.Style, atom.Iframe, atom.Object, atom.Base:
				fail("has <%s>", token.Data)
			case atom.Img:
				if _, ok := at["alt"]; !ok || at["width"] == "" || at["height"] == "" || !strings.HasPrefix(at["src"], "/") {
					fail("picture %v", at)
				}
			case atom.Meta:
				metas[at["name"]+at["property"]] = at["content"]
			case atom.Link:
				metas[at["rel"]+" "+at["type"]] = at["href"]
			case atom.Html:
				metas["lang"] = at["lang"]
			case atom.A:
				if at["class"] == "skip" {
					metas["skip"] = at["href"]
				}
				if h := at["href"]; h == "" || strings.HasPrefix(h, "about:") {
					fail("a link leads to %q", h)
				} else if strings.HasPrefix(h, "http") && !strings.HasPrefix(h, base) && !strings.Contains(at["rel"], "noopener") {
					fail("a link to %s says only rel=%q", h, at["rel"])
				}
			}
			for _, key := range []string{"href", "src"} {
				if at[key] != "" {
					links = append(links, at[key])
				}
			}
		}
	}
}

func checkHead(fail func(string, ...any), page string, count map[string]int, metas map[string]string) {
	if count["h1"] != 1 || count["main"] != 1 || count["title"] != 1 {
		fail("%d h1, %d main, %d title", count["h1"], count["main"], count["title"])
	}
	want := map[string]string{
		"lang": "en", "skip": "#content", "og:image": base + "/media/preview.png", "og:image:width": "1200", "og:image:height": "630",
		"og:site_name": "Toxeira Enxeñaría Web", "fediverse:creator": "@toxeira@toxeira.example",
	}
	for k, v := range want {
		if metas[k] != v {
			fail("%s is %q, want %q", k, metas[k], v)
		}
	}
	if !strings.HasPrefix(metas["alternate application/atom+xml"], base+"/openings.atom") {
		fail("feed is %q", metas["alternate application/atom+xml"])
	}
	for _, k := range []string{"og:title", "og:description", "og:type", "description", "viewport", "icon image/svg+xml"} {
		if metas[k] == "" {
			fail("%s is missing", k)
		}
	}
	if metas["robots"] == "noindex" {
		return
	}
	if c := metas["canonical "]; c != metas["og:url"] || !strings.HasPrefix(c, base+"/") {
		fail("canonical is %q, og:url %q", c, metas["og:url"])
	}
	if !strings.HasPrefix(page, "/tags/") && page != "/directory" && !strings.HasPrefix(metas["alternate application/activity+json"], base+"/ap/") {
		fail("ActivityPub is at %q", metas["alternate application/activity+json"])
	}
}

// Pasting the address of a page into a search box finds what it shows (interop 5.1).
func TestAlternates(t *testing.T) {
	s := newSite(t)
	for p, iri := range map[string]string{"/": s.node.Links.Actor(), path(s.Dated): s.Dated.IRI, path(s.Project): s.Project.IRI, path(s.Question): s.Question.IRI} {
		s.want(t, p, 200, `<link rel="alternate" type="application/activity+json" href="`+iri+`">`, `<link rel="canonical" href="`+base+p+`">`)
	}
}
