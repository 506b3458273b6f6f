package activitypub_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
)

// A share is fetched from its home, arrives by id at followers and author, stands in the outbox, and is gone when it
// is taken back (decisions 17, interop.md 3.4).
func TestShareOut(t *testing.T) {
	d := newDesk(t)
	d.away.Person("ana")
	ben := d.away.Person("ben")
	sea := aptest.NewStranger(t, "sea")
	ana := sea.Person("ana")
	d.send(ben, ben.Do("Follow", d.Links.Actor()))
	note := ana.Note("<p>We have a van.</p>", nil)
	iri := note["id"].(string)
	page := sea.Base + "/@ana/1"
	sea.Serve(page, note) // what a server gives at the page to who asks for the document

	o, err := d.Wire.FindObject(t.Context(), page)
	if err != nil || o.Common().IRI != iri {
		t.Fatalf("found %+v, %v", o, err)
	}
	r, err := d.Share(t.Context(), "test", o)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*aptest.Stranger{d.away, sea} {
		got := s.Letter("Announce", iri)
		if got["id"] != r.IRI || got["object"] != iri || got["published"].(string) < note["published"].(string) {
			t.Errorf("sent %v", got)
		}
	}
	outbox := func() string { return string(aptest.GetDocument(t, d.Links.Outbox()+"?page=true").Body) }
	if !strings.Contains(outbox(), r.IRI) {
		t.Errorf("the outbox leaves it out: %s", outbox())
	}
	if a := aptest.Get(t, d.Links.Profile()); !strings.Contains(string(a.Body), "We have a van.") || !strings.Contains(string(a.Body), "sea.localhost") {
		t.Errorf("the profile does not show it with its author's host: %s", a.Body)
	}
	if a := aptest.GetDocument(t, r.IRI); a.Status != http.StatusOK {
		t.Errorf("GET %s: %d", r.IRI, a.Status)
	}

	if err := d.Unshare(t.Context(), "test", iri); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*aptest.Stranger{d.away, sea} {
		if inner, _ := s.Letter("Undo", r.IRI)["object"].(m); inner["type"] != "Announce" || inner["object"] != iri || inner["actor"] != d.Links.Actor() {
			t.Errorf("the Undo carries %v", inner)
		}
	}
	if strings.Contains(outbox(), r.IRI) {
		t.Error("the outbox still has it")
	}
	if a := aptest.GetDocument(t, r.IRI); a.Status != http.StatusGone {
		t.Errorf("GET %s after it was taken back: %d, want 410", r.IRI, a.Status)
	}
	if a := aptest.Get(t, d.Links.Profile()); strings.Contains(string(a.Body), "We have a van.") {
		t.Error("the profile still shows it")
	}
}

// What is not to be had from its own home is not shared: nothing is believed of what stands elsewhere (ORG-4, ORG-5).
func TestWhatIsNotFoundIsNotShared(t *testing.T) {
	d := newDesk(t)
	ana := d.away.Person("ana")
	evil := aptest.NewStranger(t, "evil")
	eve := evil.Person("eve")
	note := ana.Note("<p>True.</p>", nil)
	share := ana.Do("Announce", note["id"])
	d.away.Serve(share["id"].(string), share)
	forged := eve.Note("<p>Forged.</p>", m{"attributedTo": ana.ID})
	copied := eve.NewID("copies")
	evil.Serve(copied, note)
	for name, address := range map[string]string{
		"a share of something":   share["id"].(string),
		"an actor":               ana.ID,
		"nothing":                d.away.Base + "/nothing",
		"a copy of another's":    copied,
		"by an author elsewhere": forged["id"].(string),
		"not an address":         "what?",
	} {
		if o, err := d.Wire.FindObject(t.Context(), address); err == nil {
			t.Errorf("%s: found %+v", name, o.Common())
		}
	}
	// An object of eve's that says that its page is ana's note is not found by that address.
	d.followed(eve)
	claim := eve.Note("<p>Forged.</p>", m{"url": note["id"]})
	d.send(eve, eve.Create(claim))
	if o, err := d.Wire.FindObject(t.Context(), note["id"].(string)); err != nil || o.Common().Actor != ana.ID {
		t.Errorf("found %+v, %v; want ana's", o, err)
	}
}

// Like and Undo go to the author alone.
func TestLikeOut(t *testing.T) {
	d := newDesk(t)
	ana := d.away.Person("ana")
	note := ana.Note("<p>We have a van.</p>", nil)
	o, err := d.Wire.FindObject(t.Context(), note["id"].(string))
	if err != nil {
		t.Fatal(err)
	}
	r, err := d.Like(t.Context(), "test", o)
	if err != nil {
		t.Fatal(err)
	}
	if got := d.away.Letter("Like", o.Common().IRI); got["id"] != r.IRI {
		t.Errorf("sent %v", got)
	}
	if err := d.Unlike(t.Context(), "test", o.Common().IRI); err != nil {
		t.Fatal(err)
	}
	d.away.Letter("Undo", r.IRI)
	if n, err := d.Store().CountOutbox(t.Context()); n != 0 || err != nil {
		t.Errorf("%d entries in the outbox, %v, want none", n, err)
	}
}
