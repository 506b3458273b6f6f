package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	tree "golang.org/x/net/html"

	"github.com/coopnode/coopnode/node"
)

// The two kinds of visitors: other servers, and people.
const (
	acceptDocument = `application/ld+json; profile="https://www.w3.org/ns/activitystreams", application/activity+json`
	acceptPage     = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
)

// TestCrawl: a node with a bit of everything, and every address of its own that any of its documents
// names: none is dead, and only what was deleted is gone (decisions 19; issue 2, 3). Who of the coop did what stands in
// none of them (decisions 30).
func TestCrawl(t *testing.T) {
	t.Parallel()
	p := newProgram(t, "coopnode", "The mill")
	f := furnish(p)
	c := &crawler{program: p, gone: f.gone, secrets: p.employ(), from: map[string]string{}, doors: map[string]bool{}}
	for _, path := range []string{
		"/", "/@mill", "/openings", "/openings.atom", "/openings.json", "/openings.ics", "/projects", "/posts", "/about", "/robots.txt", "/favicon.ico", "/livez", "/readyz",
		"/.well-known/webfinger?resource=acct:mill@" + strings.TrimPrefix(p.base, "http://"),
		"/.well-known/host-meta", "/.well-known/host-meta.json", "/.well-known/nodeinfo", "/.well-known/security.txt", "/ap/coop", "/ns/coop/v1.jsonld",
	} {
		c.name(p.base+path, "the test")
	}
	for address := range f.gone {
		c.name(address, "the test")
	}
	for _, act := range f.acts {
		c.name(act, "a letter that was sent")
	}
	for len(c.queue) > 0 {
		address := c.queue[0]
		c.queue = c.queue[1:]
		c.visit(address)
	}
	t.Logf("%d addresses, %d requests, %d answers not sent again", len(c.from), c.requests, c.unchanged)

	// What must be among them, or the crawl saw nothing.
	l := node.Links{Base: p.base}
	must := []string{
		l.Actor(), l.Inbox(), l.SharedInbox(), l.Outbox(), l.Outbox() + "?page=true", l.Followers(), l.Following(), l.Featured(), l.Openings(), l.Projects(),
		l.Profile(), l.Board(), l.Feed(l.Board(), node.Atom), l.Icon(), l.Preview(), l.Tag("bread"), l.Feed(l.Tag("bread"), node.JSONFeed), l.Feed(l.PostList(), node.Atom),
		l.Interact(), l.AuthorizeInteraction(l.Actor()), l.Skill("web-engines"), p.base + "/nodeinfo/2.0", p.base + "/nodeinfo/2.1",
		l.Replies(f.question), l.Create(f.question),
	}
	for _, address := range append(must, f.public...) {
		if c.from[address] == "" || c.from[address] == "the test" && !slices.Contains([]string{l.Actor(), l.Profile(), l.Board(), l.Feed(l.Board(), node.Atom)}, address) {
			t.Errorf("no document names %s", address)
		}
	}
	for _, address := range f.private {
		if where := c.from[address]; where != "" {
			t.Errorf("%s names %s, which is not for everybody", where, address)
		}
		if status := p.status(address); status != http.StatusNotFound && status != http.StatusUnauthorized && status != http.StatusForbidden {
			t.Errorf("%s is not for everybody and answers %d", address, status)
		}
	}
	c.checkFinger()
	c.checkNodeInfo()
	c.checkFeed(f.open)
	p.stop()
}

// stranger asks from a network of its own every hundred requests, so that no limit of pages a minute is met (HTTP-4).
var stranger = func() *http.Client {
	var dials atomic.Int64
	return &http.Client{
		Timeout:       20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				k := dials.Add(1) / 100
				from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 63, byte(k), 1)}}
				return from.DialContext(ctx, network, strings.Replace(address, "localhost", "127.0.0.1", 1))
			},
		},
	}
}()

// ask gets an address; headers come in pairs.
func (p *program) ask(address string, headers ...string) (*http.Response, []byte) {
	p.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		p.Fatalf("%s: %v", address, err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := stranger.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		p.Fatalf("%s: %v", address, err)
	}
	return res, body
}

func (p *program) status(address string) int {
	p.Helper()
	res, _ := p.ask(address, "Accept", acceptDocument)
	return res.StatusCode
}

// A crawler visits every address once, as either visitor.
type crawler struct {
	*program
	queue []string
	from  map[string]string // address to the first document that names it
	gone  map[string]bool
	doors map[string]bool // inboxes

	secrets []string // what no answer may contain

	requests, unchanged int
}

// name notes an address of this node that stands in a document; those of others are left alone.
func (c *crawler) name(address, where string) {
	address, _, _ = strings.Cut(address, "#")
	if address != c.base && !strings.HasPrefix(address, c.base+"/") {
		return
	}
	if u, err := url.Parse(address); err != nil || u.Host == "" {
		c.Errorf("%s names %q, which is no address", where, address)
		return
	}
	if c.from[address] == "" {
		c.from[address] = where
		c.queue = append(c.queue, address)
	}
}

func (c *crawler) visit(address string) {
	alive := false
	for _, accept := range []string{acceptDocument, acceptPage} {
		c.requests++
		res, body := c.ask(address, "Accept", accept)
		for _, s := range c.secrets {
			if bytes.Contains(body, []byte(s)) {
				c.Errorf("%s shows %q to Accept: %s", address, s, accept)
			}
		}
		kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
		bad := func(text string) {
			c.Errorf("%s, named by %s, answers %s to Accept: %s: %s", address, c.from[address], res.Status, accept, text)
		}
		switch status := res.StatusCode; {
		case status == http.StatusOK:
			alive = true
			if c.gone[address] {
				bad("it was deleted")
			}
			c.again(address, accept, res.Header.Get("ETag"))
			if path := strings.TrimPrefix(address, c.base); (path == "/" || strings.HasPrefix(path, "/ap/")) && !strings.Contains(strings.Join(res.Header.Values("Vary"), ","), "Accept") {
				bad("no Vary: Accept")
			}
		case status == http.StatusGone && c.gone[address]:
			alive = true
			if accept == acceptDocument && !bytes.Contains(body, []byte(`"Tombstone"`)) {
				bad("a Tombstone is wanted")
			}
		case status == http.StatusSeeOther || status == http.StatusFound || status == http.StatusMovedPermanently:
			alive = true
			if res.Header.Get("Location") == "" {
				bad("it leads nowhere")
			}
		case status == http.StatusNotAcceptable: // alive if the other visitor gets something
		case status == http.StatusMethodNotAllowed && c.doors[address]:
			alive = true
		default:
			bad("a dead address")
			return
		}
		for _, h := range []string{"Location", "Content-Location"} {
			if v := res.Header.Get(h); v != "" {
				c.name(resolve(address, v), address)
			}
		}
		c.read(address, kind, body)
	}
	if !alive {
		c.Errorf("%s, named by %s, is to be had in no form", address, c.from[address])
	}
	if c.doors[address] {
		res, err := stranger.Post(address, "application/activity+json", strings.NewReader("{}"))
		if err != nil {
			c.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusUnauthorized {
			c.Errorf("the inbox %s answers %s to an unsigned letter, want 401", address, res.Status)
		}
	}
}

// again asks a second time with what was answered: nothing changed, so nothing is sent.
func (c *crawler) again(address, accept, etag string) {
	path := strings.TrimPrefix(address, c.base)
	if etag == "" {
		if strings.HasPrefix(path, "/ap/") || strings.HasPrefix(path, "/openings") || path == "/" {
			c.Errorf("%s has no ETag for Accept: %s", address, accept)
		}
		return
	}
	c.requests++
	res, body := c.ask(address, "Accept", accept, "If-None-Match", etag)
	if res.StatusCode != http.StatusNotModified || len(body) > 0 {
		c.Errorf("%s answers %s with %d bytes to If-None-Match %s (Accept: %s), want 304", address, res.Status, len(body), etag, accept)
	}
	c.unchanged++
}

// read names every address in a document.
func (c *crawler) read(address, kind string, body []byte) {
	switch {
	case strings.HasSuffix(kind, "json"):
		var doc any
		if err := json.Unmarshal(body, &doc); err != nil {
			c.Errorf("%s is no JSON: %v", address, err)
		}
		if m, ok := doc.(map[string]any); ok && kind == "application/activity+json" && strings.HasPrefix(address, c.base+"/ap/") && m["id"] != address {
			c.Errorf("the document at %s has the id %v", address, m["id"])
		}
		c.values(address, doc)
	case kind == "text/html":
		c.markup(address, string(body))
	case strings.HasSuffix(kind, "xml"):
		c.xml(address, body)
	case kind == "text/css":
		for _, m := range cssAddress.FindAllSubmatch(body, -1) {
			c.name(resolve(address, string(m[1])), address)
		}
	case kind == "text/calendar":
		c.words(address, strings.ReplaceAll(string(body), "\r\n ", ""))
	case kind == "text/plain":
		c.words(address, string(body))
	case strings.HasPrefix(kind, "image/"), strings.HasPrefix(kind, "font/"), len(body) == 0:
	default:
		c.Errorf("%s is %q, in which nothing is looked for", address, kind)
	}
}

var cssAddress = regexp.MustCompile(`url\(["']?([^"')]+)`)

// values looks into a JSON value.
func (c *crawler) values(address string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if s, ok := e.(string); ok && (k == "inbox" || k == "sharedInbox") {
				c.doors[s] = true
			}
			c.values(address, e)
		}
	case []any:
		for _, e := range v {
			c.values(address, e)
		}
	case string:
		switch {
		case strings.Contains(v, "<"):
			c.markup(address, v)
		default:
			c.words(address, v)
		}
	}
}

// markup looks into HTML: at every attribute that can hold an address, and into the text.
func (c *crawler) markup(address, text string) {
	z := tree.NewTokenizer(strings.NewReader(text))
	for {
		switch z.Next() {
		case tree.ErrorToken:
			return
		case tree.TextToken:
			c.words(address, html.UnescapeString(string(z.Text())))
		case tree.StartTagToken, tree.SelfClosingTagToken:
			t := z.Token()
			for _, a := range t.Attr {
				switch a.Key {
				case "href", "src", "action", "poster", "data":
					c.name(resolve(address, a.Val), address)
				case "srcset":
					for _, part := range strings.Split(a.Val, ",") {
						c.name(resolve(address, strings.Fields(part + " .")[0]), address)
					}
				default:
					c.words(address, a.Val)
				}
			}
		}
	}
}

// xml looks into feeds, pictures and host-meta.
func (c *crawler) xml(address string, body []byte) {
	d := xml.NewDecoder(bytes.NewReader(body))
	for {
		token, err := d.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			c.Errorf("%s is no XML: %v", address, err)
			return
		}
		switch token := token.(type) {
		case xml.StartElement:
			for _, a := range token.Attr {
				if a.Name.Local == "href" || a.Name.Local == "src" {
					c.name(resolve(address, a.Value), address)
				} else {
					c.words(address, a.Value)
				}
			}
		case xml.CharData:
			if s := string(token); strings.Contains(s, "<") {
				c.markup(address, s)
			} else {
				c.words(address, s)
			}
		}
	}
}

// words finds addresses in plain text. One with a place to fill in is filled in.
func (c *crawler) words(address, text string) {
	for {
		i := strings.Index(text, c.base)
		if i < 0 {
			return
		}
		word := text[i:]
		if end := strings.IndexAny(word, " \t\r\n\"'<>()"); end >= 0 {
			word = word[:end]
		}
		text = text[i+len(word):]
		word = strings.TrimRight(word, ".,;:!?")
		c.name(strings.NewReplacer("{uri}", url.QueryEscape(c.base+"/ap/coop"), "{object}", url.QueryEscape(c.base+"/ap/coop"), `\n`, "").Replace(word), address)
	}
}

func resolve(base, ref string) string {
	b, err := url.Parse(base)
	if err != nil {
		return ref
	}
	r, err := b.Parse(strings.TrimSpace(ref))
	if err != nil {
		return ref
	}
	return r.String()
}

// checkFinger asks for the coop in every form and casing that is in use (interop.md 1.1).
func (c *crawler) checkFinger() {
	host := strings.TrimPrefix(c.base, "http://")
	for resource, want := range map[string]int{
		"acct:mill@" + host: 200, "acct:MILL@" + strings.ToUpper(host): 200, "mill@" + host: 200, "@mill@" + host: 200, "acct:@mill@" + host: 200,
		c.base: 200, c.base + "/": 200, c.base + "/ap/coop": 200, c.base + "/@mill": 200, c.base + "/@Mill": 200,
		"acct:nobody@" + host: 404, "acct:mill@other.example": 404, "": 400,
	} {
		res, body := c.ask(c.base + "/.well-known/webfinger?resource=" + url.QueryEscape(resource))
		var doc struct {
			Subject string
			Links   []struct{ Rel, Type, Href string }
		}
		if res.StatusCode != want {
			c.Errorf("WebFinger answers %s to %q, want %d", res.Status, resource, want)
			continue
		} else if want != 200 {
			continue
		}
		if err := json.Unmarshal(body, &doc); err != nil || doc.Subject != "acct:mill@"+host || res.Header.Get("Content-Type") != "application/jrd+json" {
			c.Errorf("WebFinger answers %q with %s: %s", resource, res.Header.Get("Content-Type"), body)
		}
		self := false
		for _, link := range doc.Links {
			self = self || link.Rel == "self" && link.Href == c.base+"/ap/coop" && link.Type == "application/activity+json"
		}
		if !self {
			c.Errorf("WebFinger for %q does not name the actor: %s", resource, body)
		}
	}
}

func (c *crawler) checkNodeInfo() {
	_, body := c.ask(c.base + "/.well-known/nodeinfo")
	var list struct{ Links []struct{ Rel, Href string } }
	if err := json.Unmarshal(body, &list); err != nil || len(list.Links) != 2 {
		c.Fatalf("nodeinfo lists %s (%v), want two versions", body, err)
	}
	for _, link := range list.Links {
		_, body := c.ask(link.Href)
		var info struct {
			Version   string
			Software  struct{ Name, Version string }
			Protocols []string
			Usage     struct{ LocalPosts *int }
		}
		if err := json.Unmarshal(body, &info); err != nil || !strings.HasSuffix(link.Rel, info.Version) || info.Software.Name != "coopnode" ||
			!slices.Contains(info.Protocols, "activitypub") || info.Usage.LocalPosts == nil || *info.Usage.LocalPosts < 45 {
			c.Errorf("%s answers %s (%v)", link.Href, body, err)
		}
	}
}

// checkFeed reads the feed of the board as a reader of feeds does (RFC 4287).
func (c *crawler) checkFeed(open int) {
	res, body := c.ask(c.base + "/openings.atom")
	var feed struct {
		XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
		ID      string   `xml:"id"`
		Title   string   `xml:"title"`
		Updated string   `xml:"updated"`
		Entries []struct {
			ID      string                       `xml:"id"`
			Title   string                       `xml:"title"`
			Updated string                       `xml:"updated"`
			Links   []struct{ Rel, Href string } `xml:"link"`
			Content struct {
				Type string `xml:"type,attr"`
				Text string `xml:",chardata"`
			} `xml:"content"`
		} `xml:"entry"`
	}
	if err := xml.Unmarshal(body, &feed); err != nil {
		c.Fatalf("the feed cannot be read: %v\n%s", err, body)
	}
	if !strings.HasPrefix(res.Header.Get("Content-Type"), "application/atom+xml") {
		c.Errorf("the feed is %s", res.Header.Get("Content-Type"))
	}
	if _, err := time.Parse(time.RFC3339, feed.Updated); err != nil || feed.ID == "" || feed.Title == "" {
		c.Errorf("the feed has id %q, title %q, updated %q", feed.ID, feed.Title, feed.Updated)
	}
	if len(feed.Entries) != open {
		c.Errorf("the feed has %d entries, want the %d open openings", len(feed.Entries), open)
	}
	ids := map[string]bool{}
	for _, e := range feed.Entries {
		if _, err := time.Parse(time.RFC3339, e.Updated); err != nil || e.ID == "" || e.Title == "" || len(e.Links) == 0 || ids[e.ID] {
			c.Errorf("the feed has an entry with id %q, title %q, updated %q, %d links", e.ID, e.Title, e.Updated, len(e.Links))
		}
		ids[e.ID] = true
	}
}
