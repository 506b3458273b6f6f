package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"golang.org/x/net/html"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// What others write reaches pages in many fields. Here every field that they can fill holds hostile markup, sent in
// signed letters, and every page that shows it is opened in a real browser whose content policy is switched off, so
// that only the cleaning stands between the markup and its effect (HTML-1 to HTML-5, security.md 8).

// moreHostile are for fields that hold addresses and names rather than markup.
var moreHostile = []string{
	`javascript:pwned()`, `JaVaScRiPt:pwned()`, "java\nscript:pwned()", `data:text/html,<script>pwned()</script>`, `vbscript:pwned()`,
	`" onmouseover="pwned()" x="`, `' onfocus='pwned()' autofocus='`, `https://x.example/" onmouseover="pwned()`, `</title><script>pwned()</script>`,
	`--><img src=x onerror=pwned()>`, `<base href="https://x.example/">`, `<meta http-equiv="refresh" content="0;url=https://x.example/">`,
	`<form action="https://x.example/"><input name="password"><button>Go</button></form>`, `<img src="https://x.example/tracker.png">`,
	`<a href="https://x.example/" style="position:fixed;inset:0">all over</a>`, `<style>*{background:url(https://x.example/)}</style>`,
}

// structural are the properties without which a document is not taken at all; every other string is replaced.
var structural = []string{
	"@context", "id", "type", "attributedTo", "actor", "to", "cc", "published", "updated", "additionalType", "inbox", "outbox", "followers",
	"following", "sharedInbox", "publicKey", "preferredUsername", "purpose", "action", "endTime", "hasBeginning", "hasEnd", "replies",
}

// enumerated are those from closed lists: half of the documents keep them, so that they come to the board.
var enumerated = []string{"coop:status", "coop:kind", "hasUnit", "coop:unit", "hasNumericalValue", "currency", "coop:goalUnit", "coop:projectStatus", "rule", "kinds", "held"}

// poisoned is doc with the payload in every string that others may choose.
func poisoned(v any, payload string, keep []string) any {
	switch v := v.(type) {
	case string:
		return payload
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = poisoned(e, payload, keep)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			if out[k] = e; !slices.Contains(keep, k) {
				out[k] = poisoned(e, payload, keep)
			}
		}
		return out
	}
	return v
}

func golden(t *testing.T, name string) map[string]any {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "activitypub", "testdata", "golden", name))
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func hostilePayloads(t *testing.T) []string {
	t.Helper()
	all := slices.Clone(moreHostile)
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "vectors", "html-sanitize", "payloads.json"))
	if os.IsNotExist(err) {
		aptest.Without(t, "the 112 payloads of ../shared/vectors/html-sanitize")
		return all
	} else if err != nil {
		t.Fatal(err)
	}
	var list []struct{ Payload string }
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 112 {
		t.Fatalf("%d payloads, want 112", len(list))
	}
	for _, p := range list {
		all = append(all, p.Payload)
	}
	return all
}

// A browser looks at pages and says what it found that should not be there.
type browser struct {
	ctx  context.Context
	home string // of all that pages may ask for

	mu    sync.Mutex
	asked []string // what the page at hand asked for beside itself, its styles and pictures
}

func startBrowser(t *testing.T) *browser {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		aptest.LeaveOut(t, "pages in a real browser, which needs Debian's chromium")
		return nil
	}
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(program), chromedp.NoSandbox,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &browser{ctx: ctx}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	err = chromedp.Listen(ctx, func(ev any) {
		if ev, ok := ev.(*network.EventRequestWillBeSent); ok {
			b.asks(ev.Request.URL, ev.Type == network.ResourceTypeDocument)
		}
	})
	if err == nil {
		_, err = chromedp.Call(ctx, network.Enable, network.EnableParams{})
	}
	if err == nil {
		_, err = chromedp.Call(ctx, page.SetBypassCSP, page.SetBypassCSPParams{Enabled: true})
	}
	if err == nil {
		_, err = chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watchScript})
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// asks notes what a page asks for, if it is none of what our pages are made of.
func (b *browser) asks(address string, document bool) {
	path, own := strings.CutPrefix(address, b.home)
	if own && (document || strings.HasPrefix(path, "/assets/") || strings.HasPrefix(path, "/media/") || path == "/favicon.ico") {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, "asks for "+address)
}

// watchScript notes every way in which a payload of the collection would announce itself.
const watchScript = `
window.found = [];
for (const name of ['alert', 'confirm', 'prompt', 'print', 'open', 'pwned', 'eval'])
	window[name] = () => { window.found.push('calls ' + name); };
window.names = Object.keys(window).length;`

// judgeScript pokes at everything on the page, then lists what should not be there.
const judgeScript = `(async () => {
	const found = window.found;
	for (const d of document.querySelectorAll('details')) d.open = true;
	for (const e of document.querySelectorAll('body *'))
		for (const kind of ['mouseover', 'mouseenter', 'pointerover', 'focus', 'blur', 'load', 'error', 'toggle', 'animationstart', 'begin'])
			e.dispatchEvent(new Event(kind, {bubbles: false}));
	await new Promise(done => setTimeout(done, 5));
	const home = location.origin;
	for (const e of document.querySelectorAll('*')) {
		const name = e.localName, own = e.namespaceURI === 'http://www.w3.org/1999/xhtml';
		if (name === 'script' && e.type === 'application/ld+json' && e.parentNode === document.head) { // our own data, which no browser runs
			try { JSON.parse(e.textContent) } catch { found.push('data that is no JSON') }
			continue;
		}
		if (['script', 'iframe', 'frame', 'object', 'embed', 'applet', 'base', 'math', 'template', 'noscript', 'foreignobject', 'animate', 'set', 'marquee', 'video', 'audio'].includes(name.toLowerCase()))
			found.push('has <' + name + '>');
		if (name === 'style' || name === 'meta' && e.httpEquiv.toLowerCase() === 'refresh') found.push('has <' + name + '>');
		if (name === 'form' && new URL(e.action, home).origin !== home) found.push('a form that goes elsewhere');
		for (const a of e.attributes) {
			if (/^on/i.test(a.name)) found.push('has ' + a.name);
			if (own && a.name === 'style') found.push('has style=' + a.value);
			if (['href', 'src', 'action', 'formaction', 'xlink:href', 'data', 'poster', 'background', 'srcset', 'ping'].includes(a.name.toLowerCase())) {
				let u; try { u = new URL(a.value, location.href); } catch { continue; }
				if (!['http:', 'https:', 'mailto:', 'tel:', 'data:'].includes(u.protocol) || u.protocol === 'data:' && name !== 'link') found.push(a.name + '=' + a.value);
				if (name !== 'a' && name !== 'link' && name !== 'form' && u.origin !== home) found.push('shows ' + a.value);
			}
		}
	}
	return [...new Set(found)];
})()`

// look opens an address and gives what is wrong with it.
func (b *browser) look(address string) ([]string, error) {
	b.mu.Lock()
	b.asked = nil
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		return nil, fmt.Errorf("open %s: %w", address, err)
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](judgeScript, chromedp.EvalAwaitPromise))
	if err != nil {
		return nil, fmt.Errorf("judge %s: %w", address, err)
	}
	at, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		return nil, fmt.Errorf("judge %s: %w", address, err)
	}
	if at != address {
		found = append(found, "leads to "+at)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return append(found, b.asked...), nil
}

// Nothing that others can write does anything on any page.
func TestHostileMarkupInChromium(t *testing.T) {
	b := startBrowser(t)
	if b == nil {
		return
	}
	payloads := hostilePayloads(t)

	// The judge itself: shown as they are, most of them do something (some only in other browsers).
	raw := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		var i int
		fmt.Sscan(strings.TrimPrefix(r.URL.Path, "/"), &i)
		fmt.Fprintf(w, "<!DOCTYPE html><title>raw</title><p><a href='%s'>x</a>%s", payloads[i], payloads[i])
	}))
	defer raw.Close()
	caught := 0
	b.home = raw.URL
	for i := range payloads {
		if i%4 != 0 {
			continue
		}
		found, err := b.look(fmt.Sprint(raw.URL, "/", i))
		if err != nil || len(found) > 0 {
			caught++
		}
	}
	if looked := (len(payloads) + 3) / 4; caught*2 < looked {
		t.Fatalf("shown as they are, only %d of %d payloads are noticed: this test could not fail", caught, looked)
	}

	n := aptest.NewNode(t, "mill")
	s := aptest.NewStranger(t, "hostile")
	ours := n.Post("What would you change?")
	opening, project, post := golden(t, "opening.json"), golden(t, "project.json"), golden(t, "post.json")
	actors := []map[string]any{golden(t, "actor.json"), golden(t, "federation.json")}
	if _, err := n.Node.SetFederation(t.Context(), "test", &node.Admission{Rule: node.ByApprovals, Approvals: 2, Days: 30}, node.DefaultResharing()); err != nil {
		t.Fatal(err)
	}
	var known []string // pages of those who wrote, to which links may lead or not
	for i, payload := range payloads {
		who := s.Person(fmt.Sprint("eve", i))
		keep := slices.Clone(structural)
		if i%2 == 0 {
			keep = append(keep, enumerated...)
		}
		doc := aptest.With(poisoned(actors[i/2%2], payload, keep).(map[string]any), who.Document(fmt.Sprint("eve", i)))
		doc["name"], doc["url"] = payload, payload
		doc["icon"], doc["image"] = aptest.M{"type": "Image", "url": payload, "name": payload, "mediaType": payload}, []any{aptest.M{"type": "Image", "url": payload}}
		s.Serve(who.ID, doc)
		a, err := n.Wire.Find(t.Context(), who.ID)
		if err != nil {
			t.Fatalf("payload %d: %v", i, err)
		}
		if err := belongs(t.Context(), n, who.ID, payload, i); err != nil {
			t.Fatalf("payload %d: %v", i, err)
		}
		for _, section := range []string{"/coops/", "/federations/"} {
			known = append(known, n.Links.Base+section+url.PathEscape(a.Handle+"@"+a.Host))
		}
		f, err := n.Node.Follow(t.Context(), "test", a)
		if err != nil {
			t.Fatalf("payload %d: %v", i, err)
		}
		who.Want(202, n.Links.SharedInbox(), who.Do("Accept", f.FollowIRI))
		for _, o := range []map[string]any{opening, project, post} {
			bad := poisoned(o, payload, keep).(map[string]any)
			bad["id"], bad["attributedTo"], bad["to"], bad["cc"] = who.NewID("things"), who.ID, []any{aptest.Public}, []any{n.Links.Actor()}
			bad["contentMap"] = aptest.M{"en": payload, "gl": payload}
			bad["summary"], bad["name"], bad["url"], bad["endTime"] = payload, payload, payload, "2099-01-01T00:00:00Z"
			bad["tag"] = []any{aptest.M{"type": "Hashtag", "name": "#" + payload, "href": payload}, aptest.M{"type": "Mention", "name": payload, "href": payload},
				aptest.M{"type": "Mention", "name": payload, "href": n.Links.Actor()}, aptest.M{"type": "Emoji", "name": payload, "icon": aptest.M{"type": "Image", "url": payload}}}
			bad["attachment"] = []any{aptest.M{"type": "Image", "url": payload, "name": payload, "mediaType": "image/png"}, aptest.M{"type": "Document", "url": "https://x.example/a.png", "name": payload, "mediaType": payload}}
			bad["quoteUrl"], bad["source"] = payload, aptest.M{"content": payload, "mediaType": "text/markdown"}
			who.Want(202, n.Links.SharedInbox(), who.Create(bad))
		}
		answer := who.Note(payload, aptest.M{"inReplyTo": ours.IRI, "to": []any{aptest.Public}, "cc": []any{n.Links.Actor()}, "summary": payload})
		who.Want(202, n.Links.SharedInbox(), who.Create(answer))
		question := who.Note(payload, aptest.M{"type": "Question", "to": []any{aptest.Public}, "cc": []any{n.Links.Actor()}, "oneOf": []any{aptest.M{"type": "Note", "name": payload}, aptest.M{"type": "Note", "name": payload}}})
		who.Want(202, n.Links.SharedInbox(), who.Create(question))
	}
	n.Handled()

	pages := walk(t, n.Links.Base)
	others := 0
	for _, address := range known {
		if slices.Contains(pages, address) {
			others++
		} else if isPage(t, address) {
			others++
			pages = append(pages, address)
		}
	}
	if others < len(payloads)*3/4 {
		t.Errorf("%d hostile actors have %d pages here: the others were not looked at", len(payloads), others)
	}
	for _, kind := range []node.ObjectType{node.TypeOpening, node.TypeProject, node.TypePost} {
		if count, err := n.Count(t.Context(), node.ObjectQuery{Type: kind}); err != nil || count < len(payloads)*3/4 {
			t.Errorf("%d hostile letters became %d of type %s, %v: the others were not looked at", len(payloads), count, kind, err)
		}
	}
	b.home = n.Links.Base
	for _, address := range pages {
		found, err := b.look(address)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) > 0 {
			t.Errorf("%s: %q", address, found)
		}
	}
	t.Logf("%d payloads in every field, %d pages opened", len(payloads), len(pages))
}

// belongs writes what others say of memberships: a member or an application, with a letter, reasons and what is vouched for.
func belongs(ctx context.Context, n *aptest.Node, who, payload string, i int) error {
	us, now := n.Links.Actor(), n.Node.Now()
	word := node.Word{IRI: payload, Since: now, Checked: now}
	m := &node.Membership{Federation: us, Coop: who, CoopSays: word, FederationSays: word, Role: payload, Vouches: []string{"worker-owned", payload}, Letter: payload, Reason: payload}
	switch i % 3 {
	case 1:
		m.CoopSays = node.Word{}
	case 2:
		m.CoopSays, m.FederationSays, m.Step, m.JoinIRI, m.Deadline = node.Word{}, node.Word{}, node.StepApplied, who+"/join", now.AddDate(0, 0, 9)
	}
	of := &node.Membership{Federation: who, Coop: us, CoopSays: word, FederationSays: word, Vouches: []string{"worker-owned", payload}}
	return n.Node.Store().Tx(ctx, func(tx node.Tx) error {
		err := errors.Join(tx.SaveMembership(ctx, m), tx.SaveMembership(ctx, of))
		if m.Step != "" {
			err = errors.Join(err, tx.SaveOpinion(ctx, &node.Opinion{Join: m.JoinIRI, Member: who, IRI: payload, Reason: payload, At: now}))
		}
		return err
	})
}

// isPage says whether there is a page at an address.
func isPage(t *testing.T, address string) bool {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// walk gives the addresses of all pages to which links lead from the first one.
func walk(t *testing.T, base string) []string {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var pages []string
	known := map[string]bool{"/": true}
	for todo := []string{"/", "/openings", "/projects", "/posts", "/members", "/shared", "/numbers", "/directory", "/about"}; len(todo) > 0; todo = todo[1:] {
		res, err := client.Get(base + todo[0])
		if err != nil {
			t.Fatal(err)
		}
		doc, err := html.Parse(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			continue // sent on to its home, or a file
		}
		pages = append(pages, base+todo[0])
		for e := range doc.Descendants() {
			for _, a := range e.Attr {
				path, _, _ := strings.Cut(strings.TrimPrefix(a.Val, base), "#")
				if e.Data == "a" && a.Key == "href" && strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") && !known[path] {
					known[path] = true
					todo = append(todo, path)
				}
			}
		}
	}
	return pages
}
