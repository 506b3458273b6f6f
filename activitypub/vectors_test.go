package activitypub_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// vectors reads documents that others wrote, by their file names.
func vectors(t testing.TB, folder ...string) map[string][]byte {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(append(append([]string{shared, "vectors"}, folder...), "*.json")...))
	if len(files) == 0 {
		aptest.Without(t, "documents of others, which need ../shared/vectors/"+strings.Join(folder, "/"))
		return nil
	}
	docs := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		docs[filepath.Base(f)] = b
	}
	return docs
}

// tellAsItIs posts a document as its file has it. The ids in it are of hosts that are not its signer's, so it is refused.
func (s *scene) tellAsItIs(doc []byte) {
	s.Helper()
	before := s.requests()
	if a := s.eve.Post(s.Links.SharedInbox(), doc); a.Status != http.StatusBadRequest && a.Status != http.StatusForbidden {
		s.Errorf("as it is: answered %d, want 400 or 403\n%s", a.Status, a.Body)
	}
	s.Handled()
	s.wantSame(lie{by: s.eve})
	if n := s.requests() - before; n != 0 {
		s.Errorf("as it is: %d requests made, want none", n)
	}
}

// foreignHost is every host in a document but those of contexts.
var foreignHost = regexp.MustCompile(`https?://(?:[a-z]+\.)*(?:example\.(?:org|com|net)|example|test\.example)\b`)

// wrapped are the types of objects that are kept when somebody whom we follow publishes them.
var wrapped = []string{"Note", "Article", "Page", "Question", "Event", "Image", "Video", "Audio", "Document"}

// The documents of the W3C's test suite are refused as they are; with their ids made those of somebody whom we follow,
// acts and objects that mean something here have their effect, and nothing else has; those under fail/ never have any.
func TestW3CDocuments(t *testing.T) {
	good, bad := vectors(t, "w3c-activitystreams"), vectors(t, "w3c-activitystreams", "fail")
	if good == nil {
		return
	}
	s := newScene(t)
	effects := 0
	for name, raw := range inOrder(good) {
		t.Run(name, func(t *testing.T) {
			defer s.on(t)()
			s.tellAsItIs(raw)
			var doc m
			if json.Unmarshal(foreignHost.ReplaceAll(raw, []byte(s.away.Base)), &doc) != nil {
				return // it is not even JSON
			}
			if s.wantEffect(name, doc) {
				effects++
			}
		})
	}
	for name, raw := range inOrder(bad) {
		t.Run("fail/"+name, func(t *testing.T) {
			defer s.on(t)()
			s.tellAsItIs(raw)
			var doc m
			if json.Unmarshal(foreignHost.ReplaceAll(raw, []byte(s.away.Base)), &doc) != nil {
				return
			}
			doc["id"] = s.fay.NewID("bad")
			if _, wrong := doc["actor"].(float64); !wrong {
				doc["actor"] = s.fay.ID
			}
			if a := s.fay.Post(s.Links.Inbox(), doc); a.Status != http.StatusBadRequest && a.Status != http.StatusAccepted {
				t.Errorf("answered %d, want 400, or 202 without effect\n%s", a.Status, a.Body)
			}
			s.Handled()
			s.wantSame(lie{by: s.fay, letter: doc})
		})
	}
	t.Logf("%d documents, %d of them had an effect once their ids were their sender's; %d under fail/, none of which had", len(good), effects, len(bad))
	if effects < 20 {
		t.Errorf("%d documents had an effect, want at least 20", effects)
	}
}

// on makes t the test of the scene until the function that it returns is called.
func (s *scene) on(t testing.TB) (back func()) {
	outer := s.desk.TB
	s.desk.TB = t
	return func() { s.desk.TB = outer }
}

// wantEffect sends a document as fay's and checks its effect, or that it has none; it says which.
func (s *scene) wantEffect(name string, doc m) bool {
	s.Helper()
	kind, _ := doc["type"].(string)
	id := s.fay.NewID("w3c")
	object, _ := doc["object"].(m)
	letter := aptest.With(doc, m{"@context": aptest.Context, "id": id, "actor": s.fay.ID})
	holds := func() bool { return false }
	wants := false
	own := func(o m) (m, func() bool, bool) { // an object as fay's
		types := activityTypes(o)
		o = aptest.With(o, m{"id": id + "/object", "attributedTo": s.fay.ID, "to": aptest.Public})
		return o, func() bool { return s.Known(id+"/object") != nil }, len(types) > 0 && slices.ContainsFunc(types, func(t string) bool { return slices.Contains(wrapped, t) })
	}
	switch _, acts := doc["actor"]; {
	case kind == "Like":
		letter["object"] = s.opening.IRI
		likes, _, _ := s.counts(s.opening.IRI)
		wants, holds = true, func() bool { l, _, _ := s.counts(s.opening.IRI); return l == likes+1 }
	case kind == "Follow":
		letter["object"] = s.Links.Actor()
		wants, holds = true, func() bool { return s.FollowerState(s.fay.ID) == node.Accepted }
	case kind == "Create" && object != nil:
		letter["object"], holds, wants = own(object)
	case acts: // it means nothing here, or is about somebody else's
	case len(activityTypes(doc)) > 0:
		var o m
		o, holds, wants = own(doc)
		letter = s.fay.Do("Create", o)
		letter["id"] = id
	}
	a := s.fay.Post(s.Links.Inbox(), letter)
	if want := http.StatusAccepted; a.Status != want && (wants || a.Status != http.StatusBadRequest) {
		s.Errorf("as fay's: answered %d, want %d\n%s\n%v", a.Status, want, a.Body, letter)
	}
	s.Handled()
	switch {
	case !wants:
		s.wantSame(lie{by: s.fay, letter: letter})
		return false
	case !holds():
		s.Errorf("as fay's: %s had not its effect: %v", kind, letter)
	}
	if kind == "Like" { // once each
		s.send(s.fay, s.fay.Do("Undo", letter))
	}
	s.settle()
	return true
}

func activityTypes(doc m) []string {
	switch t := doc["type"].(type) {
	case string:
		return []string{t}
	case []any:
		var out []string
		for _, v := range t {
			if s, ok := v.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

// Activities as servers really sent them are refused as they are, and have their effect when their hosts are those of
// this test: in the order of their names, in which each comes before what takes it back.
func TestRealActivities(t *testing.T) {
	docs := vectors(t, "real-activities-bovine")
	if docs == nil {
		return
	}
	s := newScene(t)
	hosts := map[string]*aptest.Stranger{}
	here := func(text string) string {
		return regexp.MustCompile(`https://(mastodon|my_domain|peertube|(?:first|second|other)_domain|mitra\.social|example\.com)\b`).ReplaceAllStringFunc(text, func(h string) string {
			name := strings.NewReplacer("https://", "", "_", "-", ".", "-").Replace(h)
			if hosts[name] == nil {
				hosts[name] = aptest.NewStranger(t, name)
				s.servers = append(s.servers, hosts[name])
			}
			return hosts[name].Base
		})
	}
	people := map[string]*aptest.Person{}
	person := func(id string) *aptest.Person {
		if people[id] == nil {
			for _, x := range hosts {
				if strings.HasPrefix(id, x.Base+"/") {
					people[id] = x.PersonAt(id, strings.ToLower(id[strings.LastIndexByte(id, '/')+1:]))
				}
			}
		}
		return people[id]
	}
	object := func(l m) string { return aptest.ID(l["object"]) }
	likes := func(want int) func(m) bool {
		return func(m) bool { n, _, _ := s.counts(s.post.IRI); return n == want }
	}
	says := func(want string) func(m) bool {
		return func(l m) bool { return strings.Contains(s.text(object(l)), want) }
	}
	gone := func(l m) bool { return s.text(object(l)) == "gone" }
	follower := func(l m) bool { return s.FollowerState(l["actor"].(string)) == node.Accepted }
	shared := func(want bool) func(m) bool {
		return func(l m) bool {
			return slices.ContainsFunc(s.timeline(), func(e *node.TimelineEntry) bool { return strings.Contains(e.ObjectIRI, "109724234853") }) == want
		}
	}
	ours := strings.NewReplacer("https://my_domain/activitypub/user", s.Links.Actor(), "https://mymath.rocks/activitypub/helge", s.Links.Actor(),
		"https://my_domain/activitypub/helge/id567", s.post.IRI)
	rows := map[string]struct {
		followed bool
		holds    func(letter m) bool
	}{
		"buffalo_create_note_1.json":    {true, says("literally creating test data")},
		"mastodon_announce_1.json":      {true, shared(true)},
		"mastodon_announce_1_undo.json": {true, shared(true)}, // it says that another did it
		"mastodon_delete_actor_1.json": {false, func(l m) bool {
			return person(l["actor"].(string)) != nil && hosts["mastodon"].Count(http.MethodGet, "/users/Alice") == 0
		}},
		"mastodon_flow_1_create_note.json": {true, says("Creating Test Data!!!")},
		"mastodon_flow_1_update_note.json": {true, says("By updating it")},
		"mastodon_flow_2_create_note.json": {true, says("Mastodon delete test data")},
		"mastodon_flow_2_delete_note.json": {true, gone},
		"mastodon_follow_1.json":           {false, follower},
		"mastodon_like_1.json":             {false, likes(1)},
		"mastodon_like_1_undo.json":        {false, likes(0)},
		"mitra_follow.json":                {false, follower},
		"munching_cow_create_note_1.json":  {true, says("TEST")},
		"munching_cow_delete_1.json":       {true, gone},
		"peertube_create_video_1.json":     {true, func(l m) bool { return s.Known(object(l)) != nil }},
	}
	for name, raw := range inOrder(docs) {
		t.Run(name, func(t *testing.T) {
			defer s.on(t)()
			row, ok := rows[name]
			if !ok {
				t.Fatalf("%s has no row: say what has to happen", name)
			}
			s.tellAsItIs(raw)
			var letter m
			if err := json.Unmarshal([]byte(here(ours.Replace(string(raw)))), &letter); err != nil {
				t.Fatal(err)
			}
			if letter["actor"] == nil { // the object alone
				owner := aptest.ID(letter["attributedTo"].([]any)[0])
				letter = aptest.With(letter, m{"object": maps.Clone(letter), "type": "Create", "actor": owner, "id": letter["id"].(string) + "/activity"})
			}
			p := person(letter["actor"].(string))
			if row.followed && s.FollowedState(p.ID) == "" {
				s.followed(p)
			}
			if letter["type"] == "Announce" {
				author := person(strings.TrimSuffix(object(letter), "/statuses/109724234853"))
				author.Note("<p>Shared.</p>", m{"id": object(letter)})
			}
			p.Want(http.StatusAccepted, s.Links.Inbox(), letter)
			s.Handled()
			if !row.holds(letter) {
				t.Errorf("it had not its effect: %v", letter)
			}
			s.settle()
		})
	}
	t.Logf("%d documents", len(docs))
}
