package activitypub_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

const (
	subscribe = "http://ostatus.org/schema/1.0/subscribe"
	intent    = "https://w3id.org/fep/3b86/"
)

// finger lets a stranger answer WebFinger for resource with these links.
func finger(s *aptest.Stranger, resource string, links any) {
	s.Serve(s.Base+"/.well-known/webfinger?resource="+url.QueryEscape(resource), aptest.M{"subject": resource, "links": links})
}

// offers are links that each say where an intent is carried out.
func offers(pairs ...string) (links []aptest.M) {
	for i := 0; i < len(pairs); i += 2 {
		links = append(links, aptest.M{"rel": pairs[i], "template": pairs[i+1]})
	}
	return links
}

// A visitor is led to the page of their own server that does what they intend, by the best way that it offers, and to
// nothing else, whatever it offers.
func TestDoorway(t *testing.T) {
	mill, s := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "social")
	actor, post := mill.Links.Actor(), mill.Post("Who has a van?").IRI
	host := strings.TrimPrefix(s.Base, "http://")
	me := "@me@" + host
	esc := url.QueryEscape
	auth := s.Base + "/authorize_interaction?uri="
	for _, tt := range []struct {
		name           string
		links          any
		follow, answer string // "" for no way
	}{
		{"as Mastodon", offers(subscribe, auth+"{uri}"), auth + esc(actor), auth + esc(post)},
		{"every intent", offers(subscribe, auth+"{uri}", intent+"Object", s.Base+"/object?id={object}", intent+"Follow", s.Base+"/follow/{object}?then={on-success}", intent+"Create", s.Base+"/write?text={content}&to={inReplyTo}"),
			s.Base + "/follow/" + esc(actor) + "?then=", s.Base + "/write?text=&to=" + esc(post)},
		{"only Object", offers(intent+"Object", s.Base+"/object?id={object}"), s.Base + "/object?id=" + esc(actor), s.Base + "/object?id=" + esc(post)},
		{"a Create that cannot answer", offers(intent+"Create", s.Base+"/share?text={content}", subscribe, auth+"{uri}"), auth + esc(actor), auth + esc(post)},
		{"nothing", offers("self", s.Base+"/users/me"), "", ""},
		{"no links", "none", "", ""},
		{"a host beneath it", offers(subscribe, "http://accounts."+host+"/a?uri={uri}"), "http://accounts." + host + "/a?uri=" + esc(actor), "http://accounts." + host + "/a?uri=" + esc(post)},
		{"a bad one before a good one", offers(intent+"Follow", "javascript:alert('{object}')", subscribe, "http://bank.localhost/{uri}", subscribe, auth+"{uri}"), auth + esc(actor), auth + esc(post)},

		{"javascript:", offers(subscribe, "javascript:alert('{uri}')"), "", ""},
		{"JavaScript: with slashes", offers(subscribe, "JavaScript://"+host+"/%0aalert('{uri}')"), "", ""},
		{"data:", offers(subscribe, "data:text/html,{uri}"), "", ""},
		{"another host", offers(subscribe, "http://bank.localhost/?uri={uri}"), "", ""},
		{"a host that begins like it", offers(subscribe, s.Base+".bank.localhost/?uri={uri}"), "", ""},
		{"a host that ends like it", offers(subscribe, "http://bank-"+host+"/?uri={uri}"), "", ""},
		{"another port", offers(subscribe, "http://social.localhost:1/?uri={uri}"), "", ""},
		{"a private address", offers(subscribe, "http://10.0.0.1/?uri={uri}"), "", ""},
		{"this machine", offers(subscribe, "http://127.0.0.1:8080/?uri={uri}"), "", ""},
		{"user information", offers(subscribe, "http://"+host+"@bank.localhost/?uri={uri}"), "", ""},
		{"a backslash", offers(subscribe, "http://bank.localhost\\@"+host+"/?uri={uri}"), "", ""},
		{"a line break", offers(subscribe, s.Base+"/\r\n?uri={uri}"), "", ""},
		{"the id as host", offers(subscribe, "http://{uri}/"), "", ""},
		{"a host in parts", offers(subscribe, "http://bank{x}.localhost/?uri={uri}"), "", ""},
		{"a relative address", offers(subscribe, "//"+host+"/?uri={uri}"), "", ""},
		{"without a place for the id", offers(subscribe, s.Base+"/home"), "", ""},
		{"with a place for something else", offers(subscribe, s.Base+"/home?{x}"), "", ""},
		{"an endless template", offers(subscribe, auth+"{uri}&x="+strings.Repeat("x", 3000)), "", ""},
		{"no template", []aptest.M{{"rel": subscribe, "href": auth + "{uri}"}, {"rel": subscribe, "template": 7}, {"rel": []string{subscribe}}}, "", ""},
		{"too many links", append(offers(strings.Split(strings.Repeat("self,x,", 200)+"self,x", ",")...), offers(subscribe, auth+"{uri}")...), "", ""},
	} {
		finger(s, "acct:me@"+host, tt.links)
		for _, goal := range []struct {
			do        node.Intent
			iri, want string
		}{{node.ToFollow, actor, tt.follow}, {node.ToAnswer, post, tt.answer}} {
			got, err := mill.Wire.Doorway(t.Context(), me, goal.do, goal.iri)
			if got != goal.want || (err != nil) != (goal.want == "") {
				t.Errorf("%s: to %s leads to %q (%v), want %q", tt.name, goal.do, got, err, goal.want)
			}
		}
	}
	if n := len(s.Letters("")); n != 0 {
		t.Errorf("%d letters went out", n)
	}
}

// Every form in which people write where they are at home, and what is none.
func TestDoorwayAddresses(t *testing.T) {
	mill, s := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "social")
	host := strings.TrimPrefix(s.Base, "http://")
	auth := s.Base + "/authorize_interaction?uri="
	for _, resource := range []string{"acct:me@" + host, s.Base + "/", s.Base + "/@me"} {
		finger(s, resource, offers(subscribe, auth+"{uri}"))
	}
	actor := mill.Links.Actor()
	for _, visitor := range []string{"@me@" + host, "me@" + host, "acct:me@" + host, " @me@" + host + " ", host, s.Base + "/@me", s.Base + "/@me#top", s.Base + "/", "SOCIAL" + strings.TrimPrefix(host, "social")} {
		if got, err := mill.Wire.Doorway(t.Context(), visitor, node.ToFollow, actor); got != auth+url.QueryEscape(actor) {
			t.Errorf("%q leads to %q: %v", visitor, got, err)
		}
	}
	s.Forget()
	for _, visitor := range []string{"", " ", "@", "@me@", "hello world", "@me@social example", "javascript:alert(1)", "file:///etc/passwd", "http://", "http://me@" + host + "/", "@me@" + host + "/x", "@me@10.0.0.1",
		"http://169.254.169.254/latest/", "@me@[::1]", "@me@social.localhost:0", "@me@" + host + "?x", "https://example.org/@me", strings.Repeat("x", 301), "@me@" + host + "\r\nHost: x", "\xff@" + host + "\x00"} {
		if got, err := mill.Wire.Doorway(t.Context(), visitor, node.ToFollow, actor); got != "" || node.KindOf(err) != node.Invalid {
			t.Errorf("%q leads to %q: %v, want Invalid", visitor, got, err)
		}
	}
	if got := s.Requests(); len(got) > 0 {
		t.Errorf("asked for what is no address: %v", got)
	}
	// One of this coop needs no other server.
	want := mill.Links.AuthorizeInteraction(actor)
	for _, visitor := range []string{"@mill@" + mill.Links.Host(), mill.Links.Host(), mill.Links.Profile()} {
		if got, err := mill.Wire.Doorway(t.Context(), visitor, node.ToFollow, actor); got != want {
			t.Errorf("%q leads to %q: %v, want %q", visitor, got, err, want)
		}
	}
}

// A server may have its accounts elsewhere: where its WebFinger redirects, and nowhere else (SSRF-5).
func TestDoorwayFollowsTheServer(t *testing.T) {
	mill, s, accounts := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "org"), aptest.NewStranger(t, "accounts")
	resource := "acct:me@" + strings.TrimPrefix(s.Base, "http://")
	wellKnown := "/.well-known/webfinger?resource=" + url.QueryEscape(resource)
	s.Handle(s.Base+wellKnown, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, accounts.Base+wellKnown, http.StatusFound)
	})
	ask := func() string {
		got, _ := mill.Wire.Doorway(t.Context(), strings.TrimPrefix(resource, "acct:"), node.ToFollow, mill.Links.Actor())
		return got
	}
	finger(accounts, resource, offers(subscribe, accounts.Base+"/authorize?uri={uri}"))
	if got, want := ask(), accounts.Base+"/authorize?uri="+url.QueryEscape(mill.Links.Actor()); got != want {
		t.Errorf("leads to %q, want %q", got, want)
	}
	finger(accounts, resource, offers(subscribe, "http://third.localhost/authorize?uri={uri}"))
	if got := ask(); got != "" {
		t.Errorf("leads to %q, a third server", got)
	}
}

// Visitors wait for their own servers, a few at once, and take nobody else's place.
func TestDoorwayIsBounded(t *testing.T) {
	mill, slow := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "slow")
	host := strings.TrimPrefix(slow.Base, "http://")
	finger(slow, "acct:me@"+host, offers(subscribe, slow.Base+"/a?uri={uri}"))
	release := slow.Hold()
	ask := func() error {
		_, err := mill.Wire.Doorway(t.Context(), "@me@"+host, node.ToFollow, mill.Links.Actor())
		return err
	}
	var waiting sync.WaitGroup
	for range 4 {
		waiting.Go(func() {
			if err := ask(); err != nil {
				t.Error(err)
			}
		})
	}
	aptest.Until(t, "four are asked", func() bool { return len(slow.Requests()) == 4 })
	if err := ask(); node.KindOf(err) != node.Busy {
		t.Errorf("the fifth gets %v, want busy", err)
	}
	release()
	waiting.Wait()
	if err := ask(); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	// Who goes away stops waiting.
	defer slow.Hold()()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := mill.Wire.Doorway(ctx, "@me@"+host, node.ToFollow, mill.Links.Actor()); err == nil {
		t.Error("an answer after the visitor has gone")
	}
}

// The pages: a form, a link to the visitor's server, and where there is none the same words whatever this node met there
// (SSRF-8). Only a form of our own counts (CSRF-1), and no cookie is set.
func TestInteractPage(t *testing.T) {
	mill, s := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "social")
	host := strings.TrimPrefix(s.Base, "http://")
	post := mill.Post("Who has a van?")
	at := mill.Links.Interact()
	form := func(uri, address string) url.Values { return url.Values{"uri": {uri}, "address": {address}} }
	finger(s, "acct:me@"+host, offers(subscribe, s.Base+`/authorize_interaction?x="><script>&uri={uri}`))

	for _, page := range []string{mill.Links.Profile(), post.URL, at, at + "?uri=" + url.QueryEscape(post.IRI), mill.Links.Base + "/about"} {
		res := aptest.Get(t, page, "Accept", "text/html")
		if body := string(res.Body); res.Status != 200 || !strings.Contains(body, `action="/interact" method="post"`) || !strings.Contains(res.Header.Get("Content-Security-Policy"), "form-action 'self'") {
			t.Errorf("GET %s: %d without the form", page, res.Status)
		}
	}
	res := aptest.PostForm(t, at, form(post.IRI, "@me@"+host), "Origin", mill.Links.Base, "Sec-Fetch-Site", "same-origin")
	body := string(res.Body)
	link := `href="` + s.Base + `/authorize_interaction?x=&#34;&gt;&lt;script&gt;&amp;uri=` + url.QueryEscape(post.IRI) + `" rel="nofollow noopener noreferrer"`
	if res.Status != 200 || !strings.Contains(body, link) || !strings.Contains(body, "Go on at "+host) || strings.Contains(body, "<script") {
		t.Errorf("POST: %d, %s", res.Status, body)
	}
	if res.Header.Get("Cache-Control") != "private, no-store" || res.Header.Get("Set-Cookie") != "" || res.Header.Get("Location") != "" {
		t.Errorf("POST: %v", res.Header)
	}

	// No way, for every reason that there can be.
	s.Serve(s.Base+"/.well-known/webfinger?resource="+url.QueryEscape("acct:secret@"+host), []byte(`{"links": "secret words", "error": "secret words"`))
	s.ServeStatus(s.Base+"/.well-known/webfinger?resource="+url.QueryEscape("acct:broken@"+host), 500, aptest.M{"error": "secret words"})
	s.Handle(s.Base+"/.well-known/webfinger?resource="+url.QueryEscape("acct:astray@"+host), func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://10.0.0.1/secret", http.StatusFound)
	})
	huge := "http://" + host + "/.well-known/webfinger?resource=" + url.QueryEscape("acct:huge@"+host)
	s.Handle(huge, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jrd+json")
		fmt.Fprint(w, `{"links": [{"rel": "`+subscribe+`", "template": "`+s.Base+`/{uri}"}], "x": "`+strings.Repeat("x", 2<<20)+`"}`)
	})
	var first string
	for _, visitor := range []string{"@nobody@" + host, "@secret@" + host, "@broken@" + host, "@astray@" + host, "@huge@" + host, "@me@dead.localhost:1"} {
		res := aptest.PostForm(t, at, form(post.IRI, visitor))
		body := string(res.Body)
		if first == "" {
			first = body
		}
		if res.Status != 200 || body != first || !strings.Contains(body, "We have found no direct way") || !strings.Contains(body, post.URL) || strings.Contains(body, "secret") {
			t.Errorf("%s: %d, %s", visitor, res.Status, body)
		}
	}

	for name, res := range map[string]aptest.Answer{
		"422 hello world":       aptest.PostForm(t, at, form(post.IRI, "hello <world>")),
		"404 unknown object":    aptest.PostForm(t, at, form(mill.Links.Object(node.TypePost, "aaaaaaaaaa"), "@me@"+host)),
		"404 somebody else's":   aptest.PostForm(t, at, form("https://other.example/1", "@me@"+host)),
		"403 another site":      aptest.PostForm(t, at, form(post.IRI, "@me@"+host), "Origin", "https://other.example"),
		"403 another site, too": aptest.PostForm(t, at, form(post.IRI, "@me@"+host), "Sec-Fetch-Site", "cross-site"),
		"415 another kind":      aptest.PostForm(t, at, form(post.IRI, "@me@"+host), "Content-Type", "text/plain"),
		"413 too much":          aptest.PostForm(t, at, form(post.IRI, strings.Repeat("x", 20<<10))),
	} {
		if want := name[:3]; fmt.Sprint(res.Status) != want {
			t.Errorf("%s: %d %s", name, res.Status, res.Body)
		}
		if strings.HasPrefix(name, "422") && !strings.Contains(string(res.Body), `value="hello &lt;world&gt;"`) {
			t.Errorf("what was typed is lost: %s", res.Body)
		}
	}
	// What is not for everybody is not there.
	draft := &node.Post{Base: node.Base{Type: node.TypePost, Draft: true, Texts: []node.Text{{Source: "Later."}}}}
	mill.Publish(draft)
	if res := aptest.PostForm(t, at, form(draft.IRI, "@me@"+host)); res.Status != http.StatusNotFound {
		t.Errorf("a draft: %d", res.Status)
	}
}

// Somebody of one coop follows another from its pages: the way leads to their own node, which tells whom it is about
// without asking anybody, and the command.
func TestFromOneCoopToAnother(t *testing.T) {
	mill, bakery := aptest.NewNode(t, "mill"), aptest.NewNode(t, "bakery")
	post := mill.Post("Who has a van?")
	way := func(do node.Intent, iri string) string {
		t.Helper()
		href, err := mill.Wire.Doorway(t.Context(), "@bakery@"+bakery.Links.Host(), do, iri)
		if err != nil || !strings.HasPrefix(href, bakery.Links.Base+"/authorize_interaction?uri=") {
			t.Fatalf("leads to %q: %v", href, err)
		}
		res := aptest.Get(t, href, "Accept", "text/html")
		if res.Status != 200 {
			t.Fatalf("%s: %d", href, res.Status)
		}
		return string(res.Body)
	}
	if body := way(node.ToFollow, mill.Links.Actor()); !strings.Contains(body, "Not known here yet") || !strings.Contains(body, "coopnode follow &#39;"+mill.Links.Actor()+"&#39;") {
		t.Errorf("before it is known: %s", body)
	}
	bakery.Follow("@mill@" + mill.Links.Host())
	aptest.Until(t, "the post is read back", func() bool { return bakery.Known(post.IRI) != nil })
	if body := way(node.ToFollow, mill.Links.Actor()); !strings.Contains(body, "The mill") || !strings.Contains(body, "coopnode follow &#39;@mill@"+mill.Links.Host()+"&#39;") {
		t.Errorf("when it is known: %s", body)
	}
	if body := way(node.ToAnswer, post.IRI); !strings.Contains(body, "Who has a van?") || !strings.Contains(body, "coopnode post new --reply-to &#39;"+post.IRI+"&#39;") {
		t.Errorf("the post: %s", body)
	}
}
