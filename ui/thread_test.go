package ui_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// converse puts a conversation of strangers beneath the question of the site, as others write: deep, edited, with warnings,
// and with names that try to look like something else.
func converse(t *testing.T, s *site) {
	t.Helper()
	keep := func(write func(node.Tx) error) {
		if err := s.node.Store().Tx(t.Context(), write); err != nil {
			t.Fatal(err)
		}
	}
	who := func(host, handle, name string) *node.Actor {
		a := &node.Actor{IRI: "https://" + host + "/users/" + handle, Type: "Person", Handle: handle, Host: host, Name: name, URL: "https://" + host + "/@" + handle, Inbox: "https://" + host + "/inbox"}
		keep(func(tx node.Tx) error { return tx.SaveActor(t.Context(), a) })
		return a
	}
	long := who("a-very-long-name-of-a-server.cooperative.example", "somebody_with_a_long_handle", strings.Repeat("Anabella ", 8))
	false1 := who("lake.example", "toxeira", "Toxeira\u202e elpmaxe.ariexot\u202c @toxeira@toxeira.example")
	parent := s.Question.IRI
	for i := range 9 {
		by := long
		if i%2 == 1 {
			by = false1
		}
		iri := fmt.Sprintf("%s/%d", by.IRI, i)
		p := &node.Post{Base: node.Base{ID: node.RemoteID(iri), IRI: iri, Type: node.TypePost, Actor: by.IRI, Audience: node.Public, URL: iri,
			Published: s.now().Add(time.Duration(i-60) * time.Second), InReplyTo: parent, Thread: s.Question.IRI,
			Texts: []node.Text{{Lang: "en", HTML: fmt.Sprintf("<p>Word number %d of a conversation that goes deeper and deeper, and still has to be read on a phone.</p>", i)}}}}
		p.Updated, p.Received = p.Published, p.Published
		switch i {
		case 2:
			p.Updated = p.Updated.Add(time.Second)
		case 3:
			p.Sensitive, p.Warning = true, "food\u202e"
		case 8:
			p.Hidden, p.HiddenBy = s.now(), "ana"
		}
		keep(func(tx node.Tx) error { return tx.SaveObject(t.Context(), p) })
		parent = iri
	}
}

// A conversation of others can be read: hosts always show, names carry no tricks (HTML-5), what is behind a warning is
// folded, what was changed says so, deep answers name whom they answer, and what our people have hidden is not there (HTTP-7).
func TestConversation(t *testing.T) {
	s := newSite(t)
	converse(t, s)
	body := s.want(t, path(s.Question), 200, `<span class="count">12</span>`, "Word number 0", "Word number 7",
		`<bdi dir="ltr" class="address">@toxeira@lake.example</bdi>`, "@somebody_with_a_long_handle@a-very-long-name-of-a-server.cooperative.example",
		"<summary><bdi>The author warns: food</bdi></summary>", `<span class="badge">sensitive</span>`, "<span>changed</span>")
	for _, bad := range []string{"\u202e", "\u202c", "Word number 8"} {
		if strings.Contains(body, bad) {
			t.Errorf("the page shows %q", bad)
		}
	}
	if n := strings.Count(body, "In answer to"); n != 4 { // the fifth to the eighth
		t.Errorf("%d answers say whom they answer, want 4", n)
	}
	if n := strings.Count(body, "<span>changed</span>"); n != 1 {
		t.Errorf("%d say that they were changed, want one", n)
	}
	s.want(t, "/posts", 200, "3 answers")
}

// MOD-3: what a post quotes is linked, and not named where a rule refuses its author.
func TestQuote(t *testing.T) {
	s := newSite(t)
	by := &node.Actor{IRI: "https://lake.example/users/ana", Type: "Person", Handle: "ana", Host: "lake.example", Inbox: "https://lake.example/inbox"}
	p := &node.Post{Quote: "https://salt.example/notes/1", Base: node.Base{ID: node.RemoteID(by.IRI + "/q"), IRI: by.IRI + "/q", Type: node.TypePost, Actor: by.IRI, Audience: node.Public,
		Published: s.now(), Updated: s.now(), InReplyTo: s.Question.IRI, Thread: s.Question.IRI, Texts: []node.Text{{HTML: "<p>See there.</p>"}}}}
	err := s.node.Store().Tx(t.Context(), func(tx node.Tx) error {
		if err := tx.SaveActor(t.Context(), by); err != nil {
			return err
		}
		return tx.SaveObject(t.Context(), p)
	})
	if err != nil {
		t.Fatal(err)
	}
	s.want(t, path(s.Question), 200, `<a href="https://salt.example/notes/1"`, "something on salt.example")
	rule := []*node.Rule{{Target: "salt.example", Severity: node.SeverityReject}}
	if _, err := s.node.ChangeRules(t.Context(), "test", rule, nil); err != nil {
		t.Fatal(err)
	}
	if body := s.want(t, path(s.Question), 200, "See there."); strings.Contains(body, "salt.example") {
		t.Error("the page names whom a rule refuses")
	}
}
