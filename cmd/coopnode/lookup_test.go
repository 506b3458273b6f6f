package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	tree "golang.org/x/net/html"
)

// Who pastes the address of a page into the search of another server finds what it shows, and a preview of the link has
// a title, a text and a picture (issue 5, Done when 6).
func TestPastedAddress(t *testing.T) {
	t.Parallel()
	fediverse := startPeer(t)
	if fediverse == "" {
		return
	}
	p := newServing(t, "The mill")
	p.command("profile", "set", "summary=Flour for everybody.", "summary_language=en")
	pages := map[string]string{p.base + "/": p.base + "/ap/coop"}
	for kind, args := range map[string][]string{
		"opening": {"--title", "A new roof", "--text", "Forty square metres of it."},
		"project": {"--title", "The mill race", "--text", "Water, again."},
		"post":    {"--text", "Who has flour?", "--asks"},
	} {
		id := p.command(append([]string{kind, "new", "-q"}, args...)...)
		pages[p.base+"/"+kind+"s/"+id] = p.base + "/ap/" + kind + "s/" + id
	}
	for page, document := range pages {
		var found struct{ ID string }
		answer := control(t, fediverse, "lookup", map[string]any{"address": page})
		if err := json.Unmarshal(answer, &found); err != nil || found.ID != document {
			t.Errorf("Fedify finds %s at %s, want %s", answer, page, document)
		}
		_, body := look(t, page)
		said := metaOf(t, body)
		if said["og:title"] == "" || said["og:description"] == "" || said["og:image:alt"] == "" || said["og:url"] != page {
			t.Errorf("the preview of %s has %q", page, said)
		}
		res, picture := look(t, said["og:image"])
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "image/png" || !strings.HasPrefix(picture, "\x89PNG") {
			t.Errorf("the picture of the preview of %s is %s %v", page, res.Status, res.Header)
		}
	}
	p.stop()
}

// metaOf is what the head of a page says by names and properties.
func metaOf(t *testing.T, body string) map[string]string {
	t.Helper()
	doc, err := tree.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for e := range doc.Descendants() {
		if e.Data != "meta" {
			continue
		}
		at := map[string]string{}
		for _, a := range e.Attr {
			at[a.Key] = a.Val
		}
		said[at["name"]+at["property"]] = at["content"]
	}
	return said
}
