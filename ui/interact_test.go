package ui_test

import (
	"html"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/node"
)

// Who is sent here by another server is told what is known to everybody that it is known here, and a command; nothing of
// what was written in private shows by that.
func TestArrive(t *testing.T) {
	s := newSite(t)
	follow := func(who string) string { return html.EscapeString("coopnode follow '" + who + "'") }
	arrive := func(uri string) string { return "/authorize_interaction?uri=" + url.QueryEscape(uri) }
	for _, tt := range []struct {
		uri   string
		texts []string
	}{
		{"https://quebracho.example/ap/coop", []string{"Quebracho Cooperativa", follow("@quebracho@quebracho.example")}},
		{"acct:quebracho@quebracho.example", []string{"Quebracho Cooperativa", follow("@quebracho@quebracho.example")}},
		{"@Quebracho@QUEBRACHO.example", []string{"Quebracho Cooperativa", follow("@quebracho@quebracho.example")}},
		{"https://social.example/users/mireia", []string{"Mireia &lt;script&gt;", follow("@mireia@social.example")}}, // she wrote under a question of ours
		{s.Foreign.IRI, []string{"Planificador de turnos", html.EscapeString("coopnode post new --reply-to '" + s.Foreign.IRI + "' --text 'Your answer'")}},
		{s.Foreign.URL, []string{"Planificador de turnos", s.Foreign.IRI}},
		{"https://nobody.example/users/x?a=1&b=2", []string{"Not known here yet", follow("https://nobody.example/users/x?a=1&b=2")}},
		{"nobody@nobody.example", []string{"Not known here yet", follow("@nobody@nobody.example")}},
		{"https://nobody.example/$(touch%20x);x", []string{"Not known here yet", follow("https://nobody.example/$(touch%20x);x")}},
		{base + "/ap/coop", []string{"What you were looking for is here", `href="/"`}},
		{base + "/", []string{"What you were looking for is here"}},
		{s.Dated.IRI, []string{"What you were looking for is here", s.Dated.URL}},
		{s.Dated.URL, []string{"What you were looking for is here", s.Dated.URL}},
	} {
		body := s.want(t, arrive(tt.uri), 200, append(tt.texts, `<meta name="robots" content="noindex">`)...)
		checkMarkup(t, tt.uri, body)
	}
	// An actor of whom only a private letter is known, drafts and private posts are like what is not known.
	err := s.node.KeepActor(t.Context(), &node.Actor{IRI: "https://shy.example/u", Type: "Person", Handle: "shy", Host: "shy.example", Name: "Shy one", Inbox: "https://shy.example/in"})
	if err != nil {
		t.Fatal(err)
	}
	for _, uri := range []string{"https://shy.example/u", "@shy@shy.example", s.Draft.IRI, s.Direct.IRI, "https://social.example/users/mireia/3", s.Deleted.IRI} {
		if body := s.want(t, arrive(uri), 200, "Not known here yet"); strings.Contains(body, "Shy one") || strings.Contains(body, "Secret") {
			t.Errorf("%s shows what is private", uri)
		}
	}
	s.want(t, "/authorize_interaction?acct=quebracho%40quebracho.example", 200, "Quebracho Cooperativa")
	for _, garbage := range []string{"", "x", "javascript:alert(1)", "http://plain.example/x", "https://", "https:///x", "https://me@host.example/", "https://host.example/a b", "https://host.example/'; touch x; '",
		`https://host.example/"x"`, "https://host.example/`x`", "https://host.example/\nx", "https://host.example/<x>", "https://host.example/é", "@x@y@z", "@me@ho st", "https://host.example/" + strings.Repeat("x", 3000), "\xff"} {
		s.want(t, arrive(garbage), 400, "This address cannot be read")
	}
	s.want(t, "/authorize_interaction", 400)
	if res, _ := s.ask(http.MethodPost, "/authorize_interaction?uri=@a@b.example"); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", res.Status)
	}
	if len(s.handed) > 0 {
		t.Errorf("ordinary trouble is handed on: %v", s.handed)
	}
}

// What a page tells people to type is one word to a shell, whoever made it up.
func TestCommandsAreQuoted(t *testing.T) {
	s := newSite(t)
	iri := "https://evil.example/u"
	err := s.node.Store().Tx(t.Context(), func(tx node.Tx) error {
		if err := tx.SaveActor(t.Context(), &node.Actor{IRI: iri, Type: "Person", Handle: "x'; touch owned; '", Host: "evil.example", Inbox: iri}); err != nil {
			return err
		}
		return tx.SaveFollowed(t.Context(), &node.Following{Actor: iri, State: node.Accepted, FollowIRI: iri + "/follow", Since: s.now()})
	})
	if err != nil {
		t.Fatal(err)
	}
	s.want(t, "/authorize_interaction?uri="+url.QueryEscape(iri), 200, html.EscapeString("coopnode follow '"+iri+"'"))

	body := s.want(t, "/authorize_interaction?uri="+url.QueryEscape("https://evil.example/$(touch${IFS}owned)&touch!1#`"), 400)
	body += s.want(t, "/authorize_interaction?uri="+url.QueryEscape("https://evil.example/$(touch$IFS)owned&touch!1#;x"), 200)
	_, line, _ := strings.Cut(body, `<bdi dir="ltr">coopnode follow `)
	line, _, _ = strings.Cut(line, "</bdi>")
	out, err := exec.Command("sh", "-c", "printf %s "+html.UnescapeString(line)).Output()
	if err != nil || string(out) != "https://evil.example/$(touch$IFS)owned&touch!1#;x" {
		t.Errorf("a shell makes %q of %q: %v", out, line, err)
	}
}

// The pages about a visitor's own server are whole pages too.
func TestInteractMarkup(t *testing.T) {
	s := newSite(t)
	for _, p := range []string{"/interact", "/interact?uri=" + url.QueryEscape(s.Dated.IRI), "/interact?uri=" + url.QueryEscape(s.Post.URL)} {
		checkMarkup(t, p, s.want(t, p, 200, `name="address"`, `<meta name="robots" content="noindex">`))
	}
	s.want(t, "/interact?uri="+url.QueryEscape(s.Foreign.IRI), 303)
	s.want(t, "/interact?uri="+url.QueryEscape(s.Draft.IRI), 404)
	s.want(t, "/interact?uri="+url.QueryEscape(s.Deleted.IRI), 410)
	s.want(t, "/interact?uri=nonsense", 404)
	if res, _ := s.ask(http.MethodPut, "/interact"); res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("PUT: %s, Allow %q", res.Status, res.Header.Get("Allow"))
	}
}
