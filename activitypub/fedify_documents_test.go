package activitypub_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
)

// Fedify reads every document that a node serves and every letter that it sends, and loses nothing of what its own
// vocabulary has: each such property has the same values in the same order when Fedify writes the object anew, and
// each type that it knows is still there (loss.mjs). Properties that it does not know are only those of vocabularies
// that it does not have; none of ActivityStreams is among them.
func TestFedifyReadsEverything(t *testing.T) {
	program, ok := nodeProgram(t, "what Fedify loses of our documents")
	if !ok {
		return
	}
	f := startFedify(t, program, nil)
	h := newTownHall(t)
	h.reacts()
	h.crawl()
	kinds := map[string]int{}
	for address, doc := range h.documents {
		kind, _ := doc["type"].(string)
		if kind == "" {
			continue // a context, a skill
		}
		kinds[kind]++
		f.readsWhole(address, doc)
		if kind == "Tombstone" {
			continue // comes with 410, which is no document for Fedify
		}
		if got := f.do("lookup", m{"address": address}); got["id"] != doc["id"] {
			t.Errorf("Fedify finds at %s a %v %v, want %v", address, got["class"], got["id"], doc["id"])
		}
	}
	for _, kind := range []string{"Organization", "OrderedCollection", "OrderedCollectionPage", "Note", "Create", "Update", "Tombstone", "Follow", "Accept", "Undo", "Like", "Announce", "QuoteAuthorization"} {
		if kinds[kind] == 0 {
			t.Errorf("no %s among what is served: %v", kind, kinds)
		}
	}
	letters := 0
	for _, r := range h.away.Requests() {
		if r.Method == http.MethodPost {
			f.readsWhole("letter "+r.Doc["id"].(string), r.Doc)
			letters++
		}
	}

	golden := goldenFiles(t) // every field of every document, and a letter of each kind
	for file, doc := range golden {
		withKey(doc, h.documents[h.Links.Actor()])
		f.readsWhole(file, doc)
	}

	// The context that the node serves says the same as those that the documents carry.
	var context m
	if err := json.Unmarshal(aptest.Get(t, h.Links.Base+"/ns/coop/v1.jsonld").Body, &context); err != nil {
		t.Fatal(err)
	}
	f.readsWhole("actor by the context that is served", aptest.With(h.documents[h.Links.Actor()], context))

	// The judge itself notices what Fedify does not take in, and what nobody defines.
	for name, change := range map[string]m{"lost": {"formerType": "Note"}, "unknown": {"invented": "a"}} {
		bad := aptest.With(m{"@context": aptest.Context, "id": h.Links.Base + "/ap/posts/bad", "type": "Tombstone"}, change)
		if got := f.do("parse", m{"document": bad}); len(got[name].([]any)) == 0 {
			t.Errorf("%v passes: %v", change, got)
		}
	}
	t.Logf("%d documents, %d letters, %d golden files: %v", len(h.documents), letters, len(golden), kinds)
}

// withKey puts the public key of an actor's document in place of the one of an example, which is none.
func withKey(doc, actor m) {
	if object, ok := doc["object"].(m); ok {
		withKey(object, actor)
	}
	if key, ok := doc["publicKey"].(m); ok {
		key["publicKeyPem"] = actor["publicKey"].(m)["publicKeyPem"]
	}
}

// reacts adds a share and a like of what somebody else wrote, the end of others, leave to quote, and a complaint.
func (h *townHall) reacts() {
	h.Helper()
	ctx := h.Context()
	for i, note := range []m{h.reader.Note("<p>One.</p>", nil), h.reader.Note("<p>Two.</p>", nil)} {
		iri := note["id"].(string)
		o, err := h.Wire.FindObject(ctx, iri)
		if err != nil {
			h.Fatal(err)
		}
		if _, err := h.Share(ctx, "test", o); err != nil {
			h.Fatal(err)
		}
		if _, err := h.Like(ctx, "test", o); err != nil {
			h.Fatal(err)
		}
		if i == 0 {
			continue
		}
		if err := h.Unshare(ctx, "test", iri); err != nil {
			h.Fatal(err)
		}
		if err := h.Unlike(ctx, "test", iri); err != nil {
			h.Fatal(err)
		}
	}
	h.send(h.reader, quoteRequest(h.reader, h.Post("Quote me.").IRI, h.reader.Note("<p>Look at this.</p>", nil)["id"]))
	reader, err := h.Wire.Find(ctx, h.reader.ID)
	if err != nil {
		h.Fatal(err)
	}
	if _, err := h.SendReport(ctx, "test", reader, nil, "Too many advertisements."); err != nil {
		h.Fatal(err)
	}
	h.Delivered()
}

// elsewhere are vocabularies, and names in them, that Fedify need not know.
var elsewhere = []string{
	"https://w3id.org/coopnode/ns#", "http://schema.org/", "https://w3id.org/valueflows/ont/vf#",
	"http://www.ontology-of-units-of-measure.org/resource/om-2/", "https://purl.archive.org/socialweb/webfinger#", "https://w3id.org/fep/844e/",
	"http://joinmastodon.org/ns#attributionDomains",
}

// readsWhole checks that Fedify loses nothing of a document.
func (f *fedify) readsWhole(name string, doc m) {
	f.Helper()
	status, got := f.try("parse", m{"document": doc})
	if status != http.StatusOK {
		f.Errorf("Fedify does not read %s: %v", name, got)
		return
	}
	if got["class"] != doc["type"] || got["id"] != doc["id"] {
		f.Errorf("Fedify reads %s as a %v %v, it is a %v %v", name, got["class"], got["id"], doc["type"], doc["id"])
	}
	for _, lost := range got["lost"].([]any) {
		f.Errorf("Fedify loses of %s: %v", name, lost)
	}
	for _, unknown := range got["unknown"].([]any) {
		if !slices.ContainsFunc(elsewhere, func(v string) bool { return strings.HasPrefix(strings.TrimPrefix(unknown.(string), "type "), v) }) {
			f.Errorf("Fedify does not know of %s: %v", name, unknown)
		}
	}
}
