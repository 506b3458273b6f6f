package activitypub_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
)

// A server that believes one form of signature alone refuses one request of ours, and from then on gets what it
// believes; also after a restart (decisions 21). Its own letters come in the other form, so they teach nothing.
func TestFedifyTakesOneForm(t *testing.T) {
	program, ok := nodeProgram(t, "the conversation with Fedify about signatures")
	if !ok {
		return
	}
	first := startFedify(t, program, nil)
	for _, way := range []fedifyWay{{FirstKnock: "draft", Takes: "rfc9421"}, {FirstKnock: "rfc9421", Takes: "draft"}} {
		base := first.another(way)
		t.Run(way.Takes, func(t *testing.T) {
			f := newFedify(t, base, way)
			mill := aptest.NewNode(t, "mill")
			f.do("follow", m{"actor": mill.Links.Actor()})
			f.lists("alice", "following", mill.Links.Actor(), true)
			for range 2 {
				f.received("Create", mill.Post("Good morning.").IRI)
			}
			mill.Restart()
			f.received("Create", mill.Post("Good evening.").IRI)

			refused, after := 0, 0
			for _, e := range f.ours() {
				switch {
				case e.Status == http.StatusUnauthorized && e.Signature != way.Takes:
					refused++
				case e.Status >= 400:
					t.Errorf("%s %s, signed %s: %d", e.Method, e.Path, e.Signature, e.Status)
				case e.Method == http.MethodPost && refused > 0:
					after++
				}
			}
			if refused != 1 || after != 4 {
				t.Errorf("%d requests were refused and %d letters came after that; want 1, and 4: one Accept, three Creates", refused, after)
			}
			f.believed()
		})
	}
}

// Keys change while letters are under way (SIG-11, KEY-3): theirs under the same id, ours under a new one. No
// letter is lost, and no signature of ours is doubted.
func TestFedifyChangesOfKeys(t *testing.T) {
	program, ok := nodeProgram(t, "the conversation with Fedify about keys")
	if !ok {
		return
	}
	first := startFedify(t, program, nil)
	for name, way := range map[string]fedifyWay{
		"draft": {FirstKnock: "draft"}, "rfc9421, authorized": {FirstKnock: "rfc9421", Authorize: true},
	} {
		base := first.another(way)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, f := &desk{TB: t, Node: aptest.NewNode(t, "mill")}, newFedify(t, base, way)
			ctx := t.Context()
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			d.Follow(f.alice)
			f.do("follow", m{"actor": d.Links.Actor()})
			f.lists("alice", "following", d.Links.Actor(), true)
			d.Delivered()

			// Theirs: one letter waits at the desk while the keys change, the next is signed with the new ones.
			d.Rest()
			before := f.do("note", m{"content": "<p>Before.</p>"})["note"].(string)
			f.do("new-keys", m{})
			after := f.do("note", m{"content": "<p>After.</p>"})["note"].(string)
			d.Restart()
			d.Handled()
			d.wantText(before, "<p>Before.</p>")
			d.wantText(after, "<p>After.</p>")

			// Ours: what was said before goes out after, with the key of its time.
			d.Rest()
			posts := []string{d.Post("Before.").IRI}
			_, err := d.RotateKeys(ctx, "test")
			must(err)
			posts = append(posts, d.Post("After.").IRI)
			d.Restart()
			for range 3 {
				posts = append(posts, d.Post("Meanwhile.").IRI)
			}
			arrived := func() {
				t.Helper()
				for _, iri := range posts {
					f.received("Create", iri)
				}
				d.Delivered()
			}
			arrived()
			f.believed()
			for _, e := range f.ours() {
				if e.Status >= 400 {
					t.Errorf("%s %s with %s: %d", e.Method, e.Path, e.Headers["signature"], e.Status)
				}
			}

			// A theft is found with letters on their way. What the stolen key signed is refused once that key is gone, and
			// signed again.
			us, err := d.Profile(ctx)
			must(err)
			posts = append(posts, d.Post("Before the theft.").IRI)
			_, err = d.RevokeKeys(ctx, "test")
			must(err)
			posts = append(posts, d.Post("After the theft.").IRI)
			arrived()
			for _, e := range f.ours() {
				if e.Status >= 400 && !strings.Contains(e.Headers["signature"]+e.Headers["signature-input"], us.KeyID) {
					t.Errorf("%s %s with %s: %d", e.Method, e.Path, e.Headers["signature"], e.Status)
				}
			}
		})
	}
}
