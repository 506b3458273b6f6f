package ui_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

type feed struct {
	XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string   `xml:"id"`
	Title   string   `xml:"title"`
	Lang    string   `xml:"lang,attr"`
	Updated string   `xml:"updated"`
	Links   []struct {
		Rel  string `xml:"rel,attr"`
		Href string `xml:"href,attr"`
	} `xml:"link"`
	Entries []struct {
		ID      string `xml:"id"`
		Title   string `xml:"title"`
		Updated string `xml:"updated"`
		Author  struct {
			Name string `xml:"name"`
			URI  string `xml:"uri"`
		} `xml:"author"`
		Links []struct {
			Rel  string `xml:"rel,attr"`
			Type string `xml:"type,attr"`
			Href string `xml:"href,attr"`
		} `xml:"link"`
		Content struct {
			Type string `xml:"type,attr"`
			Body string `xml:",chardata"`
		} `xml:"content"`
	} `xml:"entry"`
}

func readFeed(t *testing.T, s *site, path string) feed {
	t.Helper()
	res, body := s.get(path, "Accept", "application/atom+xml")
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/atom+xml; charset=utf-8" {
		t.Fatalf("%s: %s %v", path, res.Status, res.Header)
	}
	var f feed
	if err := xml.Unmarshal([]byte(body), &f); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return f
}

func TestFeed(t *testing.T) {
	s := newSite(t)
	f := readFeed(t, s, "/openings.atom")
	if f.ID != base+"/openings.atom" || f.Links[0].Rel != "self" || f.Links[0].Href != f.ID || f.Title != "Openings at Toxeira Enxeñaría Web" {
		t.Errorf("feed %s %q %v", f.ID, f.Title, f.Links)
	}
	if len(f.Entries) != 3 {
		t.Fatalf("%d entries, want 3", len(f.Entries))
	}
	newest, _ := time.Parse(time.RFC3339, f.Updated)
	seen := map[string]bool{}
	for _, e := range f.Entries {
		updated, err := time.Parse(time.RFC3339, e.Updated)
		if err != nil || updated.After(newest) {
			t.Errorf("%s was updated %q, the feed %q", e.ID, e.Updated, f.Updated)
		}
		if e.Title == "" || e.Author.Name == "" || e.Content.Type != "html" || !strings.HasPrefix(e.Content.Body, "<p>Open") || seen[e.ID] {
			t.Errorf("entry %+v", e)
		}
		seen[e.ID] = true
		switch e.ID {
		case s.Dated.IRI:
			if e.Links[0].Href != s.Dated.URL || !strings.Contains(e.Content.Body, "Open until 15 December 2026 · work for another coop · 240 hours, 160 still open") {
				t.Errorf("entry %+v", e)
			}
		case s.Foreign.IRI:
			if e.Links[0].Href != s.Foreign.URL || e.Author.Name != "Quebracho Cooperativa @quebracho@quebracho.example" {
				t.Errorf("entry %+v", e)
			}
		}
	}
	if !seen[s.Dated.IRI] || !seen[s.Foreign.IRI] || !seen[s.Opening.IRI] {
		t.Errorf("the feed has %v", seen)
	}
	f = readFeed(t, s, "/openings.atom?kind=job")
	if len(f.Entries) != 1 || f.ID != base+"/openings.atom?kind=job" || !strings.Contains(f.Title, "a place for a person") {
		t.Errorf("the feed of jobs: %+v", f)
	}
}

// feedPages are the lists of a furnished site and the titles that their feeds have, in any order.
func feedPages(s *site) map[string][]string {
	const audit, engineer, nurses = "Accessibility audit of a housing portal", "Browser engineer, worker-owner track", "Planificador de turnos para enfermeras"
	const question, version, project = "How do you pool a part of your income with other coops? We put 2 % aside and…", "Version 2.1 of our layout engine is out: vertical text, and 18 % less memory…", "Open map of cooperative housing"
	return map[string][]string{
		"/openings":                        {audit, engineer, nurses},
		"/openings?kind=job":               {engineer},
		"/openings?skill=Web+Engines":      {engineer},
		"/openings?tag=COOPWORK":           {audit},
		"/openings?coop=quebracho.example": {nurses},
		"/openings?coop=%40toxeira%40toxeira.example&kind=subcontract":           {audit},
		"/openings?coop=" + url.QueryEscape("https://quebracho.example/ap/coop"): {nurses},
		"/openings?coop=nobody.example":                                          {},
		"/projects":                                                              {project},
		path(s.Project):                                                          {audit}, // what is filled is not in feeds (decisions 25, HTTP-7)
		"/posts":                                                                 {question, version},
		"/tags/coopwork":                                                         {audit},
		"/tags/maps":                                                             {project},
		"/tags/fund":                                                             {question},
		"/tags/nothing":                                                          {},
		"/openings?kind=resource&lang=x":                                         {},
	}
}

// ending puts the ending of a form behind a path.
func ending(page string, form node.FeedForm) string { return node.Links{}.Feed(page, form) }

// Every list is to be had as feeds, with what is chosen on its page, and the page leads to them.
func TestEveryListIsAFeed(t *testing.T) {
	s := newSite(t)
	for page, want := range feedPages(s) {
		var got []string
		f := readFeed(t, s, ending(page, node.Atom))
		for _, e := range f.Entries {
			got = append(got, e.Title)
		}
		if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("%s has %q, want %q", page, got, want)
		}
		j := readJSONFeed(t, s, ending(page, node.JSONFeed))
		if len(j.Items) != len(f.Entries) {
			t.Errorf("%s has %d entries as Atom and %d as JSON Feed", page, len(f.Entries), len(j.Items))
		}
		for i, item := range j.Items {
			if e := f.Entries[i]; item.ID != e.ID || item.Title != e.Title || item.ContentHTML != e.Content.Body || item.DateModified != e.Updated {
				t.Errorf("%s: %+v as JSON Feed, %+v as Atom", page, item, e)
			}
		}
		if strings.Contains(page, "lang=") || strings.Contains(page, "ap%2Fcoop") {
			continue
		}
		body := s.want(t, page, 200)
		for _, form := range []node.FeedForm{node.Atom, node.JSONFeed} {
			if address := html.EscapeString(ending(page, form)); !strings.Contains(body, ` href="`+base+address+`"/>`) && !strings.Contains(body, ` href="`+base+address+`">`) {
				t.Errorf("%s does not name %s", page, address)
			}
		}
	}
	s.want(t, "/posts.ics", 404)
	s.want(t, "/openings/"+s.Dated.ID+".atom", 404)
	s.want(t, "/openings/"+s.Draft.ID+".ics", 404)
	s.want(t, "/openings/"+s.Direct.ID+".ics", 404)
	s.want(t, "/openings/"+s.Deleted.ID+".ics", 410)
	s.want(t, "/openings/"+s.Foreign.ID+".ics", 404)
	s.want(t, "/projects/nothing.atom", 404)
	s.want(t, "/openings.atom?kind=nonsense", 400)
	s.want(t, "/posts.atom?before=nonsense", 400)
}

// A feed counts as changed when its content was changed, and at no other time.
func TestFeedUpdated(t *testing.T) {
	s := newSite(t)
	before := readFeed(t, s, "/openings.atom").Updated
	s.setClock(s.now().Add(time.Hour))
	_, err := s.node.SaveProfile(t.Context(), "test", func(a *node.Actor) error { a.Summary = nil; return nil })
	if err != nil {
		t.Fatal(err)
	}
	res, _ := s.get("/openings.atom")
	if after := readFeed(t, s, "/openings.atom").Updated; after != before {
		t.Errorf("updated %s after a change of the profile, want %s", after, before)
	}
	if _, err := s.node.Edit(t.Context(), "test", s.Dated.ID, func(o node.Object) error { o.Common().Texts[0].Source = "New words."; return nil }); err != nil {
		t.Fatal(err)
	}
	if after := readFeed(t, s, "/openings.atom").Updated; after != s.now().Format(time.RFC3339) {
		t.Errorf("updated %s after an edit, want %s", after, s.now())
	}
	if res, _ := s.get("/openings.atom", "If-None-Match", res.Header.Get("ETag")); res.StatusCode != 200 {
		t.Errorf("an edited feed answers %s to the tag from before", res.Status)
	}
	for page := range feedPages(s) {
		for _, form := range node.FeedForms {
			res, _ := s.get(ending(page, form), "Accept-Encoding", "gzip")
			if res.StatusCode == http.StatusNotFound && form == node.Calendar {
				continue
			}
			s.setClock(s.now().Add(time.Minute))
			if res, body := s.get(ending(page, form), "If-None-Match", res.Header.Get("ETag")); res.StatusCode != http.StatusNotModified || body != "" {
				t.Errorf("%s: %s a minute later, when nothing has changed", ending(page, form), res.Status)
			}
		}
	}
}

// A long feed comes in parts (RFC 5005 section 3), each entry once.
func TestLongFeed(t *testing.T) {
	s := emptySite(t)
	for i := range 95 {
		s.setClock(s.now().Add(time.Minute))
		p := &node.Post{Base: node.Base{Type: node.TypePost, Texts: []node.Text{{Source: fmt.Sprintf("Post number %02d.", i)}}}}
		if err := s.node.Publish(t.Context(), "test", p); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	parts := 0
	for next := base + "/posts.atom"; next != ""; parts++ {
		f := readFeed(t, s, strings.TrimPrefix(next, base))
		next = ""
		for _, l := range f.Links {
			switch {
			case l.Rel == "next":
				next = l.Href
			case l.Rel == "first" && (parts == 0 || l.Href != f.ID):
				t.Errorf("part %d has its first part at %s", parts, l.Href)
			}
		}
		if f.ID != base+"/posts.atom" || len(f.Entries) < 15 || len(f.Entries) > 50 {
			t.Errorf("part %d: id %s, %d entries", parts, f.ID, len(f.Entries))
		}
		for _, e := range f.Entries {
			if seen[e.ID] {
				t.Errorf("%s stands twice", e.ID)
			}
			seen[e.ID] = true
		}
	}
	if len(seen) != 95 || parts != 3 {
		t.Errorf("%d entries in %d parts, want 95 in 3", len(seen), parts)
	}
	seen = map[string]bool{}
	for next := base + "/posts.json"; next != ""; {
		f := readJSONFeed(t, s, strings.TrimPrefix(next, base))
		if next = f.NextURL; next == f.FeedURL {
			t.Fatal("a part leads to itself")
		}
		for _, e := range f.Items {
			seen[e.ID] = true
		}
	}
	if len(seen) != 95 {
		t.Errorf("%d items as JSON Feed, want 95", len(seen))
	}
}

// An entry says in which language it is, and where the others are; the address of the feed chooses.
func TestFeedLanguages(t *testing.T) {
	s := emptySite(t)
	o := &node.Opening{Base: node.Base{Type: node.TypeOpening, Texts: []node.Text{{Lang: "en", Title: "Hours", Source: "Some."}, {Lang: "gl", Title: "Horas", Source: "Algunhas."}}}}
	if err := s.node.Publish(t.Context(), "test", o); err != nil {
		t.Fatal(err)
	}
	_, body := s.get("/openings.atom", "Accept-Language", "gl")
	for _, want := range []string{`<entry xml:lang="en">`, "<title>Hours</title>", `href="` + o.URL + `?lang=gl" hreflang="gl"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the feed does not say %s:\n%s", want, body)
		}
	}
	f := readFeed(t, s, "/openings.atom?lang=gl")
	if f.Entries[0].Title != "Horas" || f.ID != base+"/openings.atom" || f.Entries[0].ID != o.IRI {
		t.Errorf("?lang=gl: %+v", f)
	}
	if j := readJSONFeed(t, s, "/openings.json?lang=gl"); j.Items[0].Language != "gl" || !strings.Contains(j.Items[0].ContentHTML, "Algunhas.") {
		t.Errorf("?lang=gl: %+v", j.Items)
	}
}

type jsonFeed struct {
	Version, Title string
	HomePageURL    string `json:"home_page_url"`
	FeedURL        string `json:"feed_url"`
	NextURL        string `json:"next_url"`
	Items          []struct {
		ID, URL, Title, Language string
		ContentHTML              string `json:"content_html"`
		DatePublished            string `json:"date_published"`
		DateModified             string `json:"date_modified"`
		Tags                     []string
		Authors                  []struct{ Name, URL string }
	}
}

// readJSONFeed reads a feed and checks what the specification wants of it (jsonfeed.org/version/1.1): the version and the
// title; of an item an id, which is a string, and a content; addresses that are whole; dates as in RFC 3339.
func readJSONFeed(t *testing.T, s *site, path string) jsonFeed {
	t.Helper()
	res, body := s.get(path, "Accept", "application/feed+json")
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/feed+json; charset=utf-8" {
		t.Fatalf("%s: %s %v", path, res.Status, res.Header)
	}
	var f jsonFeed
	if err := json.Unmarshal([]byte(body), &f); err != nil {
		t.Fatalf("%s: %v\n%s", path, err, body)
	}
	if f.Version != "https://jsonfeed.org/version/1.1" || f.Title == "" || f.FeedURL != base+path || !strings.HasPrefix(f.HomePageURL, base+"/") || f.Items == nil {
		t.Errorf("%s: %+v", path, f)
	}
	ids := map[string]bool{}
	for _, e := range f.Items {
		_, err1 := time.Parse(time.RFC3339, e.DatePublished)
		_, err2 := time.Parse(time.RFC3339, e.DateModified)
		if e.ID == "" || ids[e.ID] || e.ContentHTML == "" || !strings.HasPrefix(e.URL, "https://") || len(e.Authors) != 1 || e.Authors[0].Name == "" || err1 != nil || err2 != nil {
			t.Errorf("%s: item %+v", path, e)
		}
		ids[e.ID] = true
	}
	return f
}

// writeFile writes a file for a program to read, and gives its path.
func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// leaveOut says what a test does not check; with COOPNODE_EVERYTHING=1 nothing may be left out.
func leaveOut(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("COOPNODE_EVERYTHING") != "" {
		t.Fatalf("left out: %s: make tools installs it", what)
	}
	t.Logf("left out: %s", what)
}

// Every Atom feed follows the schema of RFC 4287, appendix B.
func TestFeedSchema(t *testing.T) {
	schema, err := filepath.Abs(filepath.Join("..", "..", "shared", "vectors", "atom", "atom.rnc"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(schema); err != nil {
		t.Log("left out: the feeds against the schema of RFC 4287, which needs ../shared/vectors/atom")
		return
	}
	jing, err := exec.LookPath("jing")
	if err != nil {
		leaveOut(t, "the feeds against the schema of RFC 4287, which needs the program jing")
		return
	}
	args := []string{"-c", schema}
	for name, s := range map[string]*site{"full": newSite(t), "empty": emptySite(t)} {
		pages := map[string][]string{"/openings": nil, "/posts": nil, "/projects": nil}
		if s.stall != nil {
			pages = feedPages(s)
		}
		for page := range pages {
			_, body := s.get(ending(page, node.Atom))
			args = append(args, writeFile(t, fmt.Sprintf("%s-%02d.atom", name, len(args)), body))
		}
	}
	if out, err := exec.Command(jing, args...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%d feeds", len(args)-2)
}

// Two programs that others wrote read every feed without complaint: feedparser, which says of each whether it is well formed, and
// newsboat, whose own cache tells what it has understood.
func TestFeedReaders(t *testing.T) {
	s := newSite(t)
	server := httptest.NewServer(s.echo)
	defer server.Close()
	want := map[string][]string{}
	for page, titles := range feedPages(s) {
		want[server.URL+ending(page, node.Atom)] = titles
	}
	t.Run("feedparser", func(t *testing.T) {
		out, ok := python(t, "feedparser", readWithFeedparser, slices.Sorted(maps.Keys(want))...)
		if !ok {
			return
		}
		var got map[string]struct {
			Bozo   bool
			Title  string
			Titles []string
			IDs    []string
		}
		if err := json.Unmarshal(out, &got); err != nil || len(got) != len(want) {
			t.Fatalf("%v: %s", err, out)
		}
		for address, titles := range want {
			f := got[address]
			if slices.Sort(f.Titles); f.Bozo || f.Title == "" || !slices.Equal(f.Titles, slices.Sorted(slices.Values(titles))) {
				t.Errorf("%s: %+v, want %q", address, f, titles)
			}
		}
	})
	t.Run("newsboat", func(t *testing.T) {
		newsboat, err := exec.LookPath("newsboat")
		if err != nil {
			leaveOut(t, "the feeds in newsboat, which is not installed")
			return
		}
		for address, titles := range want { // one cache each, for it keeps an entry once, in whichever feed it stood first
			if got := readWithNewsboat(t, newsboat, address); !slices.Equal(got, slices.Sorted(slices.Values(titles))) {
				t.Errorf("%s: newsboat has %q, want %q", address, got, titles)
			}
		}
	})
}

// readWithNewsboat gives the titles that newsboat has in its cache after reading a feed, sorted.
func readWithNewsboat(t *testing.T, newsboat, address string) (titles []string) {
	t.Helper()
	dir := t.TempDir()
	cache, urls, config := filepath.Join(dir, "cache.db"), writeFile(t, "urls", address+"\n"), writeFile(t, "config", "")
	cmd := exec.Command(newsboat, "-C", config, "-u", urls, "-c", cache, "-x", "reload")
	cmd.Env = append(os.Environ(), "HOME="+dir, "TERM=dumb")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	db, err := sql.Open("sqlite", cache)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("select title from rss_item order by title")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var title string
		if err := rows.Scan(&title); err != nil {
			t.Fatal(err)
		}
		titles = append(titles, title)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return titles
}

const readWithFeedparser = `
import sys, json, feedparser
out = {}
for url in sys.argv[1:]:
    d = feedparser.parse(url)
    out[url] = {"Bozo": bool(d.bozo) or d.version != "atom10", "Title": d.feed.title, "Titles": [e.title for e in d.entries], "IDs": [e.id for e in d.entries]}
print(json.dumps(out))
`

// python runs a script with a module, which Debian's own Python has. False where that is not installed.
func python(t *testing.T, module, script string, args ...string) ([]byte, bool) {
	t.Helper()
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(name, "-c", "import "+module).Run() != nil {
			continue
		}
		var out, errs bytes.Buffer
		cmd := exec.Command(name, append([]string{"-c", script}, args...)...)
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v\n%s", err, &errs)
		}
		return out.Bytes(), true
	}
	leaveOut(t, "what the Python module "+module+" reads, which is not installed")
	return nil, false
}
