package activitypub_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

func quoteRequest(p *aptest.Person, object, post any) m {
	return aptest.With(p.Do("QuoteRequest", object), m{"instrument": post})
}

// Who asks may quote what everybody may see, and gets a stamp that the node serves as long as the post stands
// (FEP-044f, decisions 11).
func TestQuoteRequest(t *testing.T) {
	d := newDesk(t)
	ana := d.away.Person("ana")
	post := d.Post("Hello.")
	quote := ana.Note("<p>Look at this.</p>", m{"quote": post.IRI})
	ask := quoteRequest(ana, post.IRI, quote["id"])
	d.send(ana, ask)
	accept := d.away.Letter("Accept", ask["id"].(string))
	inner, _ := accept["object"].(m)
	if inner["type"] != "QuoteRequest" || inner["actor"] != ana.ID || inner["object"] != post.IRI || inner["instrument"] != quote["id"] {
		t.Errorf("the Accept carries %v", inner)
	}
	stamp, _ := accept["result"].(string)
	a := aptest.GetDocument(t, stamp)
	var doc m
	if err := json.Unmarshal(a.Body, &doc); err != nil || a.Status != http.StatusOK {
		t.Fatalf("GET %s: %d, %v", stamp, a.Status, err)
	}
	for key, want := range (m{"id": stamp, "type": "QuoteAuthorization", "attributedTo": d.Links.Actor(), "interactingObject": quote["id"], "interactionTarget": post.IRI}) {
		if doc[key] != want {
			t.Errorf("the stamp's %s is %v, want %v", key, doc[key], want)
		}
	}
	if !strings.Contains(string(a.Body), "https://w3id.org/fep/044f#QuoteAuthorization") {
		t.Errorf("the stamp's context does not say what it is: %s", a.Body)
	}

	// The same quote asked for again, also as a copy of the post, has the same stamp.
	again := quoteRequest(ana, m{"id": post.IRI, "type": "Note"}, quote)
	d.send(ana, again)
	if got := d.away.Letter("Accept", again["id"].(string))["result"]; got != stamp {
		t.Errorf("asked again the stamp is %v, want %v", got, stamp)
	}
	if err := d.Delete(t.Context(), "test", post.IRI); err != nil {
		t.Fatal(err)
	}
	if a := aptest.GetDocument(t, stamp); a.Status != http.StatusGone {
		t.Errorf("after the post is deleted its stamp answers %d, want 410", a.Status)
	}
	if a := aptest.GetDocument(t, d.Links.Quote("aaaaaaaaaa")); a.Status != http.StatusNotFound {
		t.Errorf("a stamp that was never given answers %d, want 404", a.Status)
	}
}

// What is not for everybody may not be quoted; what nobody knows is not talked about.
func TestQuoteRequestRefused(t *testing.T) {
	d := newDesk(t)
	ana, ben := d.away.Person("ana"), d.away.Person("ben")
	some := &node.Post{Base: node.Base{Type: node.TypePost, Audience: node.Followers, Texts: []node.Text{{Source: "For friends."}}}}
	draft := &node.Post{Base: node.Base{Type: node.TypePost, Draft: true, Texts: []node.Text{{Source: "Not yet."}}}}
	d.Publish(some)
	d.Publish(draft)
	post := d.Post("Hello.")
	mine := ana.Note("<p>Look.</p>", nil)["id"]
	refused := quoteRequest(ana, some.IRI, mine)
	d.send(ana, refused)
	if got := d.away.Letter("Reject", refused["id"].(string)); got["result"] != nil {
		t.Errorf("the Reject has a stamp: %v", got)
	}
	theirs := ben.Note("<p>Theirs.</p>", nil)
	for _, ask := range []m{
		quoteRequest(ana, draft.IRI, mine), quoteRequest(ana, theirs["id"], mine), quoteRequest(ana, d.Links.Actor(), mine), quoteRequest(ana, post.URL, mine),
		quoteRequest(ana, post.IRI, nil), quoteRequest(ana, post.IRI, "https://elsewhere.example/notes/1"), quoteRequest(ana, post.IRI, post.IRI),
	} {
		d.send(ana, ask)
	}
	d.Delivered()
	if n := len(d.away.Letters("Accept")) + len(d.away.Letters("Reject")); n != 1 {
		t.Errorf("%d answers, want the one Reject", n)
	}
}

// Posts that quote say what, under any of the names in use.
func TestQuotesOfOthers(t *testing.T) {
	d := newDesk(t)
	ana := d.away.Person("ana")
	d.followed(ana)
	quoted := ana.Note("<p>The first word.</p>", nil)["id"].(string)
	for _, name := range []string{"quote", "quoteUrl", "quoteUri", "_misskey_quote"} {
		note := ana.Note("<p>Look.</p>", m{name: quoted})
		d.send(ana, ana.Create(note))
		if p, ok := d.Known(note["id"].(string)).(*node.Post); !ok || p.Quote != quoted {
			t.Errorf("%s: kept as %+v", name, p)
		}
	}
	odd := ana.Note("<p>Look.</p>", m{"quote": "javascript:x()", "quoteUrl": 7})
	d.send(ana, ana.Create(odd))
	if p, ok := d.Known(odd["id"].(string)).(*node.Post); !ok || p.Quote != "" {
		t.Errorf("kept as %+v", p)
	}
}

// A poll is shown with what can be chosen and how it stands; a vote is neither a post nor an answer (FEP-9967).
func TestPolls(t *testing.T) {
	d := newDesk(t)
	ana, ben := d.away.Person("ana"), d.away.Person("ben")
	d.followed(ana)
	d.followed(ben)
	option := func(name string, votes int) m {
		return m{"type": "Note", "name": name, "replies": m{"type": "Collection", "totalItems": votes}}
	}
	poll := ana.Note("<p>When?</p>", m{"type": "Question", "endTime": "2027-01-01T00:00:00Z", "votersCount": 3, "oneOf": []any{option("May", 2), option("June", 1)}})
	id := poll["id"].(string)
	d.send(ana, ana.Create(poll))
	want := func(options ...node.Option) {
		t.Helper()
		p, ok := d.Known(id).(*node.Post)
		if !ok || p.Form != "Question" || p.TextIn("").HTML != "<p>When?</p>" || !slices.Equal(p.Options, options) {
			t.Errorf("kept as %+v, want %v", p, options)
		}
	}
	want(node.Option{Text: "May", Votes: 2}, node.Option{Text: "June", Votes: 1})
	// New counts come without a new time.
	d.send(ana, ana.Do("Update", aptest.With(poll, m{"oneOf": []any{option("May", 2), option("June", 4)}})))
	want(node.Option{Text: "May", Votes: 2}, node.Option{Text: "June", Votes: 4})

	ours := d.Post("What do you think?")
	d.away.Forget()
	for _, vote := range []m{
		{"inReplyTo": ours.IRI, "name": "May", "content": nil, "to": []any{d.Links.Actor()}, "cc": nil},
		{"inReplyTo": ours.IRI, "name": "May", "content": null},
		{"inReplyTo": id, "name": "June", "content": ""},
	} {
		note := ben.Note("", vote)
		d.send(ben, ben.Create(note), ben.Do("Update", note))
		if o := d.Known(note["id"].(string)); o != nil {
			t.Errorf("a vote is kept as %+v", o)
		}
	}
	d.wantCounts(ours.IRI, 0, 0, 0)
	if n := d.away.Count(http.MethodGet, "/notes"); n != 0 {
		t.Errorf("%d votes were fetched", n)
	}
	named := reply(ben, ours.IRI, "<p>May.</p>")
	named["name"] = "A title"
	d.send(ben, ben.Create(named)) // an answer with a name and a text is an answer
	d.wantCounts(ours.IRI, 0, 0, 1)

	many := make([]any, 30)
	for i := range many {
		many[i] = option(strings.Repeat("x", i+1), -1)
	}
	large := ana.Note("", m{"type": "Question", "content": nil, "name": "Many?", "anyOf": append(many, "odd", nil, m{"name": 5}, m{})})
	d.send(ana, ana.Create(large))
	if p, ok := d.Known(large["id"].(string)).(*node.Post); !ok || len(p.Options) != 20 || p.Options[0].Votes != 0 || p.Title() != "Many?" {
		t.Errorf("kept as %+v", p)
	}
}
