package ui_test

import (
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type feed struct {
	XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string   `xml:"id"`
	Title   string   `xml:"title"`
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

// The feed follows the schema of RFC 4287, appendix B.
func TestFeedSchema(t *testing.T) {
	schema, err := filepath.Abs(filepath.Join("..", "..", "shared", "vectors", "atom", "atom.rnc"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(schema); err != nil {
		t.Log("left out: the feed against the schema of RFC 4287, which needs ../shared/vectors/atom")
		return
	}
	jing, err := exec.LookPath("jing")
	if err != nil {
		if os.Getenv("COOPNODE_EVERYTHING") != "" {
			t.Fatal("jing is not installed: make test installs it")
		}
		t.Log("left out: the feed against the schema of RFC 4287, which needs the program jing")
		return
	}
	for name, s := range map[string]*site{"full": newSite(t), "empty": emptySite(t)} {
		_, body := s.get("/openings.atom")
		file := filepath.Join(t.TempDir(), "feed.atom")
		if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(jing, "-c", schema, file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
