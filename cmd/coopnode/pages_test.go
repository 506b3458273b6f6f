package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	tree "golang.org/x/net/html"
	"golang.org/x/sync/errgroup"
)

// languages are those of the browsers that look at pages.
var languages = []string{"en", "es"}

// A sitePage is a page that is judged.
type sitePage struct {
	address string
	status  int
	cookie  string // of who is signed in; "" for everybody
	first   bool   // of its kind
}

// headers are what a browser in that language sends.
func (p *sitePage) headers(language string) []string {
	h := []string{"Accept-Language", language}
	if p.cookie != "" {
		h = append(h, "Cookie", p.cookie)
	}
	return h
}

// A sample is nodes with every kind of page: one that was furnished with everything that a node can hold, and those of
// the demo, where coops found a federation and talk with each other.
type sample struct {
	pages []sitePage // public ones, each kind and state
	demo  *demoRun
	nodes map[string]string // of the demo, by label: its address
	kinds map[string]bool   // of which there is a page
	guest string            // cookie of a steward of Toxeira

	wanted string // path of an opening of Toxeira of which a part is found
}

// newSample starts them. It takes a while: several tests share one.
func newSample(t *testing.T) *sample {
	t.Helper()
	s := &sample{demo: startDemo(t), nodes: map[string]string{}, kinds: map[string]bool{}}
	p := newProgram(t, "coopnode", "The mill")
	f := furnish(p)
	s.demo.waitFor(t, "now your own: coopnode init coop.example")
	for _, m := range regexp.MustCompile(`(?m)(http://([a-z]+)\.localhost:[0-9]+)/ `).FindAllStringSubmatch(s.demo.out.String(), -1) {
		s.nodes[m[2]] = m[1]
	}
	for _, label := range []string{"toxeira", "quebracho", "hinata", "trama", "ventana"} {
		if s.nodes[label] == "" {
			t.Fatalf("the demo has no node %s:\n%s", label, &s.demo.out)
		}
	}
	s.add(t, p.base, 12, "/", "/members", "/shared", "/projects", "/posts", "/directory", "/numbers", "/search?q=map", "/search?q=nobody-wrote-this", "/openings?kind=job", "/openings?kind=job&skill=none",
		"/tags/bread", "/tags/nobody",
		"/interact?uri="+url.QueryEscape(f.question), "/interact?uri=https%3A%2F%2Fnobody.example%2F")
	s.add(t, s.nodes["trama"], 1, "/", "/members", "/shared", "/directory")
	s.add(t, s.nodes["hinata"], 0, "/", "/openings", "/directory", "/posts")
	s.wanted = s.wants(t)
	s.add(t, s.nodes["toxeira"], 0, "/", s.wanted, "/federations/"+strings.TrimPrefix(s.nodes["trama"], "http://"))
	s.add(t, s.nodes["ventana"], 0, "/", "/openings")
	s.add(t, p.base, 0, "/sign-in", "/reset")
	s.guest = signedIn(t, s.signInLink(t, "toxeira"))
	s.addFor(t, s.guest, s.nodes["toxeira"], 1, "/console")
	s.addFor(t, signedIn(t, s.signInLink(t, "trama")), s.nodes["trama"], 0, "/console/applications")
	s.pages = append(s.pages, sitePage{p.base + "/nothing", http.StatusNotFound, "", true})
	for address := range f.gone {
		if !strings.Contains(address, "/ap/") {
			s.pages = append(s.pages, sitePage{address, http.StatusGone, "", true})
			break
		}
	}
	return s
}

// add takes pages of a node and those to which they lead: of each kind so many at most, of openings and posts most.
func (s *sample) add(t *testing.T, base string, most int, todo ...string) {
	t.Helper()
	s.addFor(t, "", base, most, todo...)
}

// addFor is add for somebody who is signed in with a cookie.
func (s *sample) addFor(t *testing.T, cookie, base string, most int, todo ...string) {
	t.Helper()
	kinds, known, asked := map[string]int{}, map[string]bool{}, map[string]bool{}
	for _, path := range todo {
		asked[path] = true
	}
	for ; len(todo) > 0; todo = todo[1:] {
		path := todo[0]
		kind := kindOf(path)
		if limit := map[string]int{"/openings/*": most, "/posts/*": (most + 1) / 2}[kind]; known[path] || kinds[kind] >= max(1, limit) && !asked[path] {
			continue
		}
		known[path] = true
		res, body := look(t, base+path, "Cookie", cookie)
		if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			continue // sent on to its home, or a file
		}
		kinds[kind]++
		s.pages = append(s.pages, sitePage{base + path, http.StatusOK, cookie, !s.kinds[kind]})
		s.kinds[kind] = true
		if most == 0 {
			continue
		}
		doc, err := tree.Parse(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for e := range doc.Descendants() {
			for _, a := range e.Attr {
				if e.Data == "a" && a.Key == "href" {
					to, _, _ := strings.Cut(strings.TrimPrefix(resolve(base+path, a.Val), base), "#")
					if strings.HasPrefix(to, "/") && (cookie != "") == strings.HasPrefix(to, "/console") {
						todo = append(todo, to)
					}
				}
			}
		}
	}
}

// anID is a part of a path that may be an id. So is no word of the console.
var anID = regexp.MustCompile(`/[a-z2-7]{10}\b`)

// kindOf is what pages of one kind have in common: the section, and what is asked for in it.
func kindOf(path string) string {
	u, err := url.Parse(path)
	if err != nil {
		return path
	}
	section, rest, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	kind := "/" + section
	if section == "console" {
		kind = anID.ReplaceAllString(u.Path, "/*")
	} else if rest != "" {
		kind += "/*"
	}
	for key := range u.Query() {
		kind += "?" + key
	}
	return kind
}

// look asks for a page as somebody from another network each time, so that no limit of pages a minute is met (HTTP-4).
func look(t testing.TB, address string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", acceptPage)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := looker.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

var looker = func() *http.Client {
	var dials atomic.Int64
	return &http.Client{
		Timeout:       time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				_, port, err := net.SplitHostPort(address)
				if err != nil {
					return nil, err
				}
				from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 64, byte(dials.Add(1)), 1)}}
				return from.DialContext(ctx, network, "127.0.0.1:"+port)
			},
		},
	}
}()

// TestPages judges every public page with programs that others wrote (issue 5, Done when 2, 3 and 6).
func TestPages(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	for _, want := range []string{"/", "/openings", "/openings/*", "/projects", "/projects/*", "/posts", "/posts/*", "/tags/*", "/members", "/shared", "/coops/*", "/federations/*",
		"/search?q", "/directory", "/numbers", "/about", "/privacy", "/interact?uri", "/sign-in", "/console", "/console/openings/new", "/console/inbox", "/console/people", "/console/network"} {
		if !s.kinds[want] {
			t.Errorf("no page of the kind %s is judged, only %v", want, s.kinds)
		}
	}
	if _, body := look(t, s.nodes["toxeira"]+"/console/start/5", "Cookie", s.guest, "Accept-Language", "en"); !strings.Contains(body, word(t, "check.door")) || strings.Contains(body, word(t, "check.door.help")) {
		t.Errorf("a node with no proxy in front says that it is not reached under its own address:\n%s", body)
	}
	t.Run("browser", s.inBrowser)
	t.Run("markup", s.inChecker)
	t.Run("text", s.asText)
	t.Run("pictures", s.asPictures)
}

// Budgets of the interface (ui.md).
const (
	mostFirst = 50_000 // bytes of a first visit, all included
	mostLater = 12_000 // of a later one to a page that is new
)

// inBrowser: no violation that axe knows, light and dark, on a desk and on a phone, in two languages; nothing scrolls
// sideways at 320 px, with more space between the letters neither; forced colours leave shapes; the keyboard reaches
// everything and shows where it is; no script, no cookie, no other host, and no more bytes than the budget.
func (s *sample) inBrowser(t *testing.T) {
	j := startJudge(t)
	if j == nil {
		return
	}
	j.canFail(t)
	began := time.Now()
	var mu sync.Mutex
	var heaviest, later string
	var most, mostAgain int
	var all errgroup.Group
	all.SetLimit(3)
	looks := 0
	for i, language := range languages {
		for _, p := range s.pages {
			if i > 0 && !p.first { // the other languages on one page of a kind
				continue
			}
			looks++
			all.Go(func() error {
				a, err := j.audit(p, language)
				if err != nil {
					return fmt.Errorf("%s: %w", p.address, err)
				}
				for _, f := range a.Found {
					t.Errorf("%s in %s: %s", p.address, language, f)
				}
				first, again := a.Cost.First, a.again()
				if p.cookie == "" && (first.Bytes > mostFirst || again > mostLater) {
					t.Errorf("%s takes %d bytes at first and %d later, of %d and %d:\n%s", p.address, first.Bytes, again, mostFirst, mostLater, strings.Join(first.List, "\n"))
				}
				mu.Lock()
				defer mu.Unlock()
				if first.Bytes > most {
					most, heaviest = first.Bytes, p.address
				}
				if again > mostAgain {
					mostAgain, later = again, p.address
				}
				return nil
			})
		}
	}
	if err := all.Wait(); err != nil {
		t.Error(err)
	}
	t.Logf("%d pages, in %d languages, light and dark, desk and phone, in %v; the heaviest first visit is %s with %d bytes, the heaviest later one %s with %d",
		looks, len(languages), time.Since(began).Round(time.Second), heaviest, most, later, mostAgain)
}

// canFail shows the judge a page with everything that it has to find.
func (j *judge) canFail(t *testing.T) {
	t.Helper()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "style-src-attr 'none'")
		http.SetCookie(w, &http.Cookie{Name: "watched", Value: "1"})
		fmt.Fprintf(w, badPage, other.URL, strings.Repeat("x", mostLater))
	}))
	defer bad.Close()
	a, err := j.audit(sitePage{bad.URL + "/", http.StatusOK, "", true}, "en")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"desktop light: axe image-alt", "phone dark: axe image-alt", "desktop dark: axe color-contrast", "axe target-size", "sets the cookie watched", "keeps something in the browser",
		"loads a script", "asks another host", "console: ", "the layout shifts", "forced colours: has no border", "forced colours: cannot be seen",
		"does not show that it has the focus", "has the focus and lies under something else", "320 px: scrolls sideways", "320 px, wide text: text is cut off",
	} {
		if !slices.ContainsFunc(a.Found, func(f string) bool { return strings.Contains(f, want) }) {
			t.Errorf("the judge does not notice %q on a page that has it, only %q", want, a.Found)
		}
	}
	for _, f := range a.Found {
		if strings.Contains(f, "desktop light: axe color-contrast") {
			t.Errorf("the judge does not tell modes apart: %s", f)
		}
	}
	if again := a.again(); again < mostLater {
		t.Errorf("the judge counts %d bytes for a later visit, want %d at least", again, mostLater)
	}
}

// badPage has a fault of every kind; the address of another host and a filling are put in.
const badPage = `<!DOCTYPE html><html lang="en"><head><title>Bad</title><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<style>.faint { color: light-dark(#222, #333); background: light-dark(#fff, #111) } .flat { border: 0; outline: 0; background: #060; color: #fff }
.wide { width: 400px } .cut { overflow: hidden; width: 60px; height: 1.2em } .over, .under { position: fixed; inset-block-end: 0; inset-inline: 0; height: 60px; background: #fff; color: #222 }
.under { outline: 2px solid } .near { display: inline-block; width: 8px; height: 8px; overflow: hidden }</style></head>
<body><main><h1>Bad</h1><img src="%s/tracker.png"><p class="faint">Faint in the dark</p><p><button class="flat">Flat</button> <a class="near" href="#a">a</a><a class="near" href="#b">b</a></p>
<div class="wide">Wide</div><p class="cut">Cut off</p><svg role="img" aria-label="Nothing" width="20" height="20"><rect width="20" height="20" fill="#fff"></rect></svg>
<p id="moved">Moved</p></main><a class="under" href="#c">Under</a><div class="over" style="color: red"><p>Over</p></div><script src="/script.js"></script>
<script>localStorage.setItem('a', '1'); requestAnimationFrame(() => setTimeout(() => { const p = document.createElement('p'); p.style.height = '300px'; document.querySelector('h1').before(p); }, 60)); undefinedName()</script><!-- %s --></body></html>`
