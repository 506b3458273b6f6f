package activitypub

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/coopnode/coopnode/node"
)

// TestNodeInfo: both versions, found through the well-known address (FEP-f1d5).
func TestNodeInfo(t *testing.T) {
	s := newSite(t)
	links := List(s.ask(http.MethodGet, "/.well-known/nodeinfo").want(200).wantType("application/json").
		wantHeader("Access-Control-Allow-Origin", "*").doc()["links"])
	if len(links) != 2 {
		t.Fatalf("links: %v", links)
	}
	for i, version := range []string{"2.0", "2.1"} {
		link := Obj(links[i])
		if want := "http://nodeinfo.diaspora.software/ns/schema/" + version; Str(link, "rel") != want {
			t.Errorf("rel %v, want %s", link["rel"], want)
		}
		doc := s.ask(http.MethodGet, Str(link, "href")).want(200).
			wantType(`application/json; profile="http://nodeinfo.diaspora.software/ns/schema/` + version + `#"`).doc()
		if software := Obj(doc["software"]); Str(doc, "version") != version || Str(software, "name") != "coopnode" || Str(software, "version") != "0.0.0-test" {
			t.Errorf("NodeInfo %s: %v", version, doc)
		}
		if _, ok := doc["metadata"].(map[string]any); !ok {
			t.Errorf("NodeInfo %s: metadata is %T", version, doc["metadata"])
		}
	}
}

// TestNodeInfoSchema: the published schemas of both versions accept what we say.
func TestNodeInfoSchema(t *testing.T) {
	s := newSite(t)
	s.post(nil)
	for _, version := range []string{"2.0", "2.1"} {
		file := filepath.Join("..", "..", "shared", "vectors", "nodeinfo", version, "schema.json")
		if _, err := os.Stat(file); err != nil {
			t.Logf("left out: there is no ../shared with the schema of NodeInfo %s", version)
			continue
		}
		schema, err := jsonschema.NewCompiler().Compile(file)
		s.must(err)
		doc := s.ask(http.MethodGet, "/nodeinfo/"+version).want(200).doc()
		if err := schema.Validate(doc); err != nil {
			t.Errorf("NodeInfo %s: %v", version, err)
		}
		// The check can fail.
		for _, spoil := range []func(map[string]any){
			func(d map[string]any) { delete(d, "services") },
			func(d map[string]any) { d["more"] = true },
			func(d map[string]any) { d["openRegistrations"] = "no" },
			func(d map[string]any) { Obj(d["software"])["name"] = "Coop Node" },
			func(d map[string]any) { Obj(d["usage"])["localPosts"] = 1.5 },
			func(d map[string]any) { Obj(d["usage"])["localPosts"] = -1.0 },
			func(d map[string]any) { d["protocols"] = []any{} },
			func(d map[string]any) { d["protocols"] = []any{"carrier-pigeon"} },
		} {
			bad := s.ask(http.MethodGet, "/nodeinfo/"+version).doc()
			spoil(bad)
			if schema.Validate(bad) == nil {
				t.Errorf("the schema of NodeInfo %s accepts %v", version, bad)
			}
		}
	}
}

// TestNodeInfoCountsWhatAllMaySee (HTTP-7): drafts, messages to some, closed and deleted things and
// what others wrote are not counted.
func TestNodeInfoCountsWhatAllMaySee(t *testing.T) {
	s := newSite(t)
	usage := func() string {
		u := Obj(s.ask(http.MethodGet, "/nodeinfo/2.1").want(200).doc()["usage"])
		users := Obj(u["users"])
		return fmt.Sprint(u["localPosts"], " posts, ", u["localComments"], " comments, active ", users["total"], users["activeMonth"], users["activeHalfyear"])
	}
	if got, want := usage(), "0 posts, 0 comments, active 1 0 0"; got != want {
		t.Errorf("at first %s, want %s", got, want)
	}
	root := s.post(nil)
	s.project()
	s.opening(nil)
	s.post(func(p *node.Post) { p.InReplyTo = root.IRI })
	s.opening(func(o *node.Opening) { o.Draft = true })
	s.post(func(p *node.Post) { p.Audience = node.Followers })
	s.must(s.node.KeepActor(t.Context(), &node.Actor{IRI: "https://trenza.example/ap/coop", Inbox: "https://trenza.example/ap/coop/inbox"}))
	s.post(func(p *node.Post) { p.Audience, p.To = node.Direct, []string{"https://trenza.example/ap/coop"} })
	closed, gone := s.opening(nil), s.opening(nil)
	_, err := s.node.SetOpeningStatus(t.Context(), "test", closed.ID, node.Withdrawn)
	s.must(err)
	s.must(s.node.Delete(t.Context(), "test", gone.ID))
	s.opening(func(o *node.Opening) { o.Closes = s.node.Now().Add(time.Hour) })
	if got, want := usage(), "4 posts, 1 comments, active 1 1 1"; got != want {
		t.Errorf("then %s, want %s", got, want)
	}
	s.later(time.Hour)
	if got, want := usage(), "3 posts, 1 comments, active 1 1 1"; got != want {
		t.Errorf("after a deadline %s, want %s", got, want)
	}
	s.later(60 * 24 * time.Hour)
	if got, want := usage(), "3 posts, 1 comments, active 1 0 1"; got != want {
		t.Errorf("after two quiet months %s, want %s", got, want)
	}
}
