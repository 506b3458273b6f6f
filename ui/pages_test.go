package ui_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

func TestPagesSayWhatMatters(t *testing.T) {
	s := newSite(t)
	s.want(t, "/", 200, "Toxeira Enxeñaría Web", "@toxeira@toxeira.example", "<strong>web engines</strong>", "Until 15 December 2026",
		"12 members, 14 workers", "One member, one vote", "120 hours a month from 11 January 2027", "said on 2 November 2026", "Galician, Spanish and English",
		"businesses 40 %, cooperatives 25 %", "Spain (ES-GA)", `<a href="https://www.toxeira-web.example/en/" rel="me noopener">`, "quebracho.example")
	s.want(t, path(s.Dated), 200, "Open until 15 December 2026", "23 days left", "Work for another coop", "160", "of 240 hours still open", "80 hours",
		"parts from 40 hours up", "9,000 to 12,000 EUR in all", "11 January 2027 to 29 January 2027", "Remote (UTC-3 – UTC+2)", "Spanish and English",
		"worker coops", "mailto:coop@toxeira.example", "15 December 2026, 15:00 UTC", "Open map of cooperative housing", "<h2>What is needed</h2>")
	s.want(t, path(s.Opening), 200, "no deadline", "Full time, leads to membership", "1 person")
	s.want(t, path(s.Filled), 200, "Filled", "This opening is filled")
	s.want(t, path(s.Paused), 200, "Paused", "It may open again")
	s.want(t, path(s.Project), 200, "Active", "1,200 hours, 18,000 EUR", "140", "of 300 hours found", "Accessibility audit", "Design of map symbols", "Start with the data")
	s.want(t, path(s.Post), 200, "layout engine is out: vertical text, and 18 % less memory.<br/>")
	s.want(t, "/posts", 200, "How do you pool", "layout engine")
	s.want(t, "/tags/maps", 200, "#maps", "Open map of cooperative housing")
	s.want(t, "/about", 200, "@toxeira@toxeira.example", "coopnode 0.1")
}

// Status and deadline come before everything else that an opening's page says.
func TestStatusFirst(t *testing.T) {
	s := newSite(t)
	body := s.want(t, path(s.Dated), 200)
	_, body, _ = strings.Cut(body, "<main")
	status, title := strings.Index(body, "Open until 15 December 2026"), strings.Index(body, "<h1")
	if status < 0 || title < 0 || status > title {
		t.Errorf("the status stands at %d, the title at %d", status, title)
	}
}

// An opening closes by the reader's clock, without a word of its publisher (vocabulary 2.4, decisions 25).
func TestDeadlineByTheReadersClock(t *testing.T) {
	s := newSite(t)
	s.want(t, "/openings", 200, "3 openings can be answered now", "Accessibility audit", "Planificador")
	s.setClock(s.Foreign.Closes.Add(time.Second))
	if body := s.want(t, "/openings", 200, "2 openings can be answered now"); strings.Contains(body, "Planificador") {
		t.Error("a foreign opening stays on the board after its deadline")
	}
	s.setClock(s.Dated.Closes)
	if body := s.want(t, "/openings", 200, "1 opening can be answered now"); strings.Contains(body, "Accessibility audit") {
		t.Error("an opening stays on the board after its deadline")
	}
	if _, feed := s.get("/openings.atom"); strings.Contains(feed, "Accessibility audit") {
		t.Error("an opening stays in the feed after its deadline")
	}
	s.want(t, path(s.Dated), 200, "Expired since 15 December 2026", "There is nothing left to answer")
	s.want(t, path(s.Project), 200, "60", "of 60 hours found") // what expired is no longer sought
}

// HTTP-7: drafts, letters and followers-only answers are nowhere; what was removed says so.
func TestNotForEverybody(t *testing.T) {
	s := newSite(t)
	s.want(t, path(s.Draft), 404)
	s.want(t, path(s.Direct), 404)
	s.want(t, path(s.Deleted), 410, "This was removed")
	s.want(t, "/posts/"+s.Opening.ID, 404)
	s.want(t, "/openings/aaaaaaaaaa", 404)
	s.want(t, "/openings/..%2f..%2fetc", 404)
	if res, _ := s.get("/openings/" + s.Foreign.ID); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != s.Foreign.URL {
		t.Errorf("the page of a foreign opening: %s, Location %q", res.Status, res.Header.Get("Location"))
	}
	s.want(t, path(s.Question), 200)
	for _, p := range []string{"/", "/openings", "/projects", "/posts", "/openings.atom", path(s.Question), path(s.Project)} {
		if _, body := s.get(p); strings.Contains(body, "Secret") || strings.Contains(body, "A mistake") {
			t.Errorf("%s shows what is not for everybody", p)
		}
	}
}

func TestBoard(t *testing.T) {
	s := newSite(t)
	body := s.want(t, "/openings", 200, `<a href="https://quebracho.example/ap/openings/aaaaaaaaaa.html" rel="nofollow noopener noreferrer">Planificador`, "@quebracho@quebracho.example")
	for _, not := range []string{"Too late", "A room in Porto", "Design of map symbols"} {
		if strings.Contains(body, not) {
			t.Errorf("the board shows %q, which is not open", not)
		}
	}
	if n := strings.Count(body, ">Planificador"); n != 1 {
		t.Errorf("the foreign opening stands on the board %d times", n)
	}
	if body := s.want(t, "/openings?kind=job", 200, "Browser engineer", `name="kind" value="job" checked>`, `/openings.atom?kind=job`); strings.Contains(body, "Planificador") {
		t.Error("kind=job shows another kind")
	}
	if body := s.want(t, "/openings?skill=Web+Engines", 200, "Browser engineer"); strings.Contains(body, "Planificador") {
		t.Error("skill=Web Engines shows another skill")
	}
	s.want(t, "/openings?skill=juggling", 200, "Nothing open matches")
	s.want(t, "/openings?kind=nonsense", 400)
	s.want(t, "/openings?before="+strings.Repeat("x", 300), 400)
}

func TestBoardPages(t *testing.T) {
	s := emptySite(t)
	s.want(t, "/openings", 200, "Nothing is open at the moment", "0 openings can be answered now")
	s.want(t, "/", 200, "Nothing is open at the moment", "Nothing posted yet")
	for i := range 45 {
		s.setClock(s.now().Add(time.Minute))
		o := &node.Opening{Base: node.Base{Type: node.TypeOpening, Texts: []node.Text{{Title: fmt.Sprintf("Opening number %02d.", i)}}}}
		if err := s.node.Publish(t.Context(), "test", o); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]int{}
	next := "/openings"
	for pages := 0; next != ""; pages++ {
		if pages > 3 {
			t.Fatal("the board has no end")
		}
		body := s.want(t, next, 200, "45 openings can be answered now")
		for i := range 45 {
			title := fmt.Sprintf("Opening number %02d.", i)
			seen[title] += strings.Count(body, title)
		}
		next = ""
		if _, rest, ok := strings.Cut(body, `rel="next" href="`); ok {
			next, _, _ = strings.Cut(rest, `"`)
			next = strings.ReplaceAll(next, "&amp;", "&")
		}
	}
	if len(seen) != 45 {
		t.Errorf("%d openings on all pages, want 45", len(seen))
	}
	for title, n := range seen {
		if n != 1 {
			t.Errorf("%q stands on the pages %d times", title, n)
		}
	}
}

// A question lists its answers, counted, each beneath the one it answers, cleaned, with the host of each author.
func TestThread(t *testing.T) {
	s := newSite(t)
	body := s.want(t, path(s.Question), 200, "Question of Toxeira", `<span class="count">4</span>`, "@quebracho@quebracho.example", "@mireia@social.example",
		"<bdi>Quebracho Cooperativa</bdi>", "Mireia &lt;script&gt;", "The author warns: money troubles", "Yes: here it is.",
		`<a href="https://social.example/users/mireia/1.html" rel="nofollow noopener noreferrer">`)
	if strings.Contains(body, "onerror") || strings.Contains(body, "\u202e") || strings.Contains(body, "Secret answer") {
		t.Error("the thread shows what it must not")
	}
	guild, public, here, failed := strings.Index(body, "guild"), strings.Index(body, "Is the rule public"), strings.Index(body, "Yes: here"), strings.Index(body, "Our fund failed")
	if !(guild < public && public < here && here < failed) {
		t.Errorf("answers stand in the order %d %d %d %d", guild, public, here, failed)
	}
	// A reply of ours has a page too, which leads to what it answers and has its own part of the thread.
	reply := s.want(t, path(s.Reply), 200, "In answer to", "https://social.example/users/mireia/1.html", "Is the rule public?")
	if strings.Contains(reply, "Our fund failed") {
		t.Error("the page of a reply lists answers that are not to it")
	}
	s.want(t, "/posts", 200, "2 answers") // public ones to the question itself
}

func TestLongThread(t *testing.T) {
	s := newSite(t)
	for i := range 130 {
		s.setClock(s.now().Add(time.Minute))
		p := &node.Post{Base: node.Base{Type: node.TypePost, InReplyTo: s.Post.IRI, Texts: []node.Text{{Source: fmt.Sprintf("Answer number %03d.", i)}}}}
		if err := s.node.Publish(t.Context(), "test", p); err != nil {
			t.Fatal(err)
		}
	}
	first := s.want(t, path(s.Post), 200, `<span class="count">130</span>`, "Answer number 000.", "Answer number 099.")
	if strings.Contains(first, "Answer number 100.") {
		t.Error("the first page of a thread has no end")
	}
	_, rest, _ := strings.Cut(first, `rel="next" href="`)
	next, _, _ := strings.Cut(rest, `"`)
	s.want(t, strings.ReplaceAll(next, "&amp;", "&"), 200, "Answer number 100.", "Answer number 129.")
}

// HTML-4 on a page: foreign HTML is cleaned when shown, even where the store holds it unclean.
func TestForeignHTMLIsCleanedWhenShown(t *testing.T) {
	s := newSite(t)
	_, feed := s.get("/openings.atom")
	if strings.Contains(feed, "script") || strings.Contains(feed, "onclick") || !strings.Contains(feed, "https://bank.example (evil.example)") {
		t.Errorf("the feed carries foreign HTML as it came:\n%s", feed)
	}
}

// The reader's language is shown if the author wrote it, and the others are linked.
func TestLanguages(t *testing.T) {
	s := newSite(t)
	_, body := s.get("/", "Accept-Language", "ast, gl;q=0.9, en;q=0.5")
	if !strings.Contains(body, `lang="gl"`) || !strings.Contains(body, "Catorce persoas") {
		t.Error("a reader of Galician does not get it")
	}
	s.want(t, "/?lang=gl", 200, "Catorce persoas")
	_, body = s.get("/", "Accept-Language", "sv")
	if !strings.Contains(body, "Fourteen people") {
		t.Error("a reader of Swedish does not get the author's main language")
	}
	o := &node.Opening{Base: node.Base{Type: node.TypeOpening, Texts: []node.Text{{Lang: "en", Title: "Hours"}, {Lang: "ar", Title: "ساعات"}}}}
	if err := s.node.Publish(t.Context(), "test", o); err != nil {
		t.Fatal(err)
	}
	s.want(t, path(o), 200, `hreflang="ar"`, "العربية")
	s.want(t, path(o)+"?lang=ar", 200, `<h1 dir="auto" lang="ar">ساعات</h1>`, `hreflang="en"`)
}

func TestTrouble(t *testing.T) {
	s := newSite(t)
	for _, tt := range []struct {
		path   string
		status int
		text   string
	}{
		{"/nothing", 404, "There is nothing here"},
		{path(s.Deleted), 410, "This was removed"},
		{"/openings?kind=x", 400, "This address cannot be read"},
	} {
		body := s.want(t, tt.path, tt.status, tt.text, `<meta name="robots" content="noindex">`, "<h1>")
		if strings.Contains(body, "read board") || strings.Contains(body, "show opening") {
			t.Errorf("%s tells of the inside: %s", tt.path, body)
		}
		if len(s.handed) > 0 {
			t.Errorf("%s: ordinary trouble of a person is handed on: %v", tt.path, s.handed)
		}
		if res, body := s.get(tt.path, "Accept", "application/json"); res.StatusCode != http.StatusTeapot || body != "" || len(s.handed) != 1 {
			t.Errorf("%s as JSON is not left to the HTTPErrorHandler: %s %v", tt.path, res.Status, s.handed)
		}
		s.handed = nil
	}
	for _, p := range []string{"/", "/openings", "/about", "/robots.txt"} {
		if res, _ := s.ask(http.MethodPost, p); res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("POST %s: %s, Allow %q", p, res.Status, res.Header.Get("Allow"))
		}
	}
}

// A store that fails is our fault: 500, handed on to be logged and counted, and nothing about it on the page.
func TestBrokenStore(t *testing.T) {
	s := newSite(t)
	if c, ok := s.node.Store().(interface{ Close() error }); ok {
		c.Close()
	} else {
		t.Fatal("the store cannot be closed")
	}
	body := s.want(t, "/", 500, "Something went wrong here")
	if strings.Contains(body, "closed") || len(s.handed) != 1 {
		t.Errorf("page: %s\nhanded on: %v", body, s.handed)
	}
}
