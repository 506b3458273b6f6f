package activitypub_test

import (
	"encoding/json"
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

// shared is the folder of facts and fixtures beside the project; the tests that need it are left out without it.
var shared = filepath.Join("..", "..", "shared")

// A letterbox is where the letters of one fixture arrive: a node, an opening that they are about, and for
// each host that they name a stranger's server. Hosts in the text are placeholders and become those servers.
type letterbox struct {
	*desk
	opening *node.Opening
	follow  string // id of a Follow of ours
	hosts   map[string]*aptest.Stranger
	people  map[string]*aptest.Person // by id
}

func (b *letterbox) host(name string) *aptest.Stranger {
	if b.hosts[name] == nil {
		label, _, _ := strings.Cut(name, ".")
		b.hosts[name] = aptest.NewStranger(b.TB, label)
	}
	return b.hosts[name]
}

var hostName = regexp.MustCompile(`https://([a-z.]+\.example)`)

// here is an address, or a text with addresses, as it is in this test.
func (b *letterbox) here(text string) string {
	text = strings.NewReplacer(
		"https://coop.example/ap/openings/7f3c", b.opening.IRI, "https://coop.example/openings/7f3c", b.opening.URL,
		"https://coop.example/ap/actor", b.Links.Actor(), "https://coop.example/ap/follows/3", b.follow, "https://coop.example", b.Links.Base,
	).Replace(text)
	return hostName.ReplaceAllStringFunc(text, func(s string) string { return b.host(strings.TrimPrefix(s, "https://")).Base })
}

// read gives a fixture.
func (b *letterbox) read(name string) m {
	b.Helper()
	raw, err := os.ReadFile(filepath.Join(shared, "fixtures", name+".json"))
	if err != nil {
		b.Fatal(err)
	}
	var doc m
	if err := json.Unmarshal([]byte(b.here(string(raw))), &doc); err != nil {
		b.Fatal(err)
	}
	return doc
}

// person is the actor with that address, whose server is made to know it.
func (b *letterbox) person(address string) *aptest.Person {
	b.Helper()
	id := b.here(address)
	if p := b.people[id]; p != nil {
		return p
	}
	name := hostName.FindStringSubmatch(address)
	if name == nil { // it is one of this test already
		for host, s := range b.hosts {
			if strings.HasPrefix(id, s.Base+"/") {
				name = []string{"", host}
			}
		}
	}
	handle := strings.TrimLeft(id[strings.LastIndexAny(id, "/@=")+1:], "@")
	home := b.host(name[1])
	p := home.PersonAt(id, handle)
	if name[1] == "gts.example" { // GoToSocial keeps its keys apart
		p.KeyID = id + "/main-key"
		home.Serve(id, p.Document(handle))
		stub := b.read("gotosocial-key-stub")
		stub["publicKey"].(m)["publicKeyPem"] = aptest.PEM(p.Key)
		home.Serve(p.KeyID, stub)
	}
	b.people[id] = p
	return p
}

// deliver posts a fixture under its actor's signature.
func (b *letterbox) deliver(name string, edits ...func(*aptest.Letter)) int {
	b.Helper()
	doc := b.read(name)
	answer := b.person(aptest.ID(doc["actor"])).Post(b.Links.SharedInbox(), doc, edits...)
	b.Handled()
	return answer.Status
}

func (b *letterbox) wantFollower(address string, want node.FollowState) {
	b.Helper()
	if got := b.FollowerState(b.here(address)); got != want {
		b.Errorf("%s is %q as a follower, want %q", address, got, want)
	}
}

// wantAccept checks that a Follow was answered to the personal inbox, carrying the Follow with its id.
func (b *letterbox) wantAccept(name string) {
	b.Helper()
	follow := b.read(name)
	actor := aptest.ID(follow["actor"])
	b.wantFollower(actor, node.Accepted)
	for host, s := range b.hosts {
		if !strings.HasPrefix(actor, s.Base+"/") {
			continue
		}
		accept := s.Letter("Accept", follow["id"].(string))
		if inner, _ := accept["object"].(m); inner["actor"] != actor || inner["object"] != b.Links.Actor() {
			b.Errorf("the Accept for %s carries %v", host, inner)
		}
	}
}

// wantReply checks that the fixture's note stands among the answers to the opening.
func (b *letterbox) wantReply(name, says string) *node.Post {
	b.Helper()
	o := b.Known(b.read(name)["object"].(m)["id"].(string))
	post, ok := o.(*node.Post)
	if !ok {
		b.Fatalf("the note of %s is a %T here, want a post", name, o)
	}
	if post.InReplyTo != b.opening.IRI || post.Thread != b.opening.IRI || !strings.Contains(post.TextIn("").HTML, says) {
		b.Errorf("%s is kept as %+v", name, post)
	}
	b.wantCounts(b.opening.IRI, 0, 0, 1)
	replies := aptest.GetDocument(b.TB, b.opening.IRI+"/replies")
	if !strings.Contains(string(replies.Body), post.IRI) {
		b.Errorf("the replies collection does not name it: %s", replies.Body)
	}
	return post
}

func (b *letterbox) wantNothing() {
	b.Helper()
	b.wantCounts(b.opening.IRI, 0, 0, 0)
	if o := b.Known(b.opening.IRI); string(o.Common().Raw) != string(b.opening.Raw) || !o.Common().Deleted.IsZero() {
		b.Errorf("the opening was changed")
	}
}

// wantUnknown checks that nothing was kept of the object that a fixture carries.
func (b *letterbox) wantUnknown(name string) {
	b.Helper()
	id := aptest.ID(b.read(name)["object"])
	if o := b.Known(id); o != nil {
		b.Errorf("%s is kept as a %T", id, o)
	}
	b.wantNothing()
}

// A fixtureRow says what has to happen with one file, as README.md of the fixtures and security.md 6 have it.
type fixtureRow struct {
	file   string
	name   string // where there are several rows for one file
	status int    // 0 for files that are no letters
	before func(b *letterbox)
	edits  []func(*aptest.Letter)
	check  func(b *letterbox)
}

const (
	ana     = "https://mastodon.example/users/ana"
	dana    = "https://gts.example/users/dana"
	leo     = "https://pleroma.example/users/leo"
	misskey = "https://misskey.example/users/9abcdefghi"
	eve     = "https://evil.example/u"
)

func first(names ...string) func(*letterbox) {
	return func(b *letterbox) {
		for _, name := range names {
			if got := b.deliver(name); got != http.StatusAccepted {
				b.Fatalf("%s: %d", name, got)
			}
		}
	}
}

// knows makes an actor known, for what strangers delete and update is not even looked at.
func knows(address string) func(*letterbox) {
	return func(b *letterbox) {
		p := b.person(address)
		like := p.Do("Like", b.opening.IRI)
		b.send(p, like, p.Do("Undo", like))
	}
}

func follows(address string) func(*letterbox) {
	return func(b *letterbox) { b.followed(b.person(address)) }
}

func nothing(b *letterbox) { b.wantNothing() }

var fixtureRows = []fixtureRow{
	{file: "mastodon-follow", status: 202, check: func(b *letterbox) {
		b.wantAccept("mastodon-follow")
		// The id of a Follow of Mastodon's answers 404, so nobody asks for it.
		if n := b.host("mastodon.example").Count(http.MethodGet, "/6ae1"); n != 0 {
			b.Errorf("the Follow was fetched %d times", n)
		}
	}},
	{file: "mastodon-undo-follow", status: 202, before: first("mastodon-follow"), check: func(b *letterbox) { b.wantFollower(ana, "") }},
	{file: "mastodon-undo-follow-unknown-id", status: 202, before: first("mastodon-follow"), check: func(b *letterbox) { b.wantFollower(ana, "") }},
	{file: "mastodon-accept-follow", status: 202, before: func(b *letterbox) {
		a, err := b.Wire.Find(b.Context(), b.person(ana).ID)
		if err != nil {
			b.Fatal(err)
		}
		f, err := b.Node.Node.Follow(b.Context(), "test", a)
		if err != nil {
			b.Fatal(err)
		}
		b.follow = f.FollowIRI
	}, check: func(b *letterbox) {
		if got := b.FollowedState(b.here(ana)); got != node.Accepted {
			b.Errorf("our follow is %q, want accepted", got)
		}
	}},
	{file: "mastodon-accept-follow", name: "not asked for", status: 202, check: func(b *letterbox) {
		if got := b.FollowedState(b.here(ana)); got != "" {
			b.Errorf("our follow is %q, want none", got)
		}
	}},
	{file: "mastodon-like", status: 202, before: first("mastodon-like"), check: func(b *letterbox) { b.wantCounts(b.opening.IRI, 1, 0, 0) }},
	{file: "mastodon-announce", status: 202, before: first("mastodon-announce"), check: func(b *letterbox) { b.wantCounts(b.opening.IRI, 0, 1, 0) }},
	{file: "mastodon-undo-announce", status: 202, before: first("mastodon-announce"), check: nothing},
	{file: "mastodon-create-reply", status: 202, before: first("mastodon-create-reply"), check: func(b *letterbox) {
		p := b.wantReply("mastodon-create-reply", "Is part-time fine?")
		if p.Texts[0].Lang != "en" || p.Audience != node.Public || len(p.Mentions) != 1 || p.Warning != "" {
			b.Errorf("kept as %+v", p)
		}
	}},
	{file: "mastodon-create-direct-mention", status: 202, check: func(b *letterbox) {
		id := b.read("mastodon-create-direct-mention")["object"].(m)["id"].(string)
		p, ok := b.Known(id).(*node.Post)
		if !ok || p.Audience != node.Direct || !strings.Contains(p.TextIn("").HTML, "here is my CV") {
			b.Fatalf("kept as %+v, want a direct post", p)
		}
		for _, address := range []string{b.Links.Profile(), b.Links.Board(), b.Links.Outbox(), b.Links.Base + "/posts", b.Links.Base + "/posts/" + p.ID, b.opening.IRI + "/replies"} {
			for _, accept := range []string{"text/html", "application/activity+json"} {
				if a := aptest.Get(b.TB, address, "Accept", accept); strings.Contains(string(a.Body), "my CV") {
					b.Errorf("GET %s as %s shows it", address, accept)
				}
			}
		}
		for _, e := range b.timeline() {
			if e.ObjectIRI == id {
				b.Error("it stands in the timeline")
			}
		}
	}},
	{file: "mastodon-update-note", status: 202, before: first("mastodon-create-reply"), check: func(b *letterbox) {
		b.wantReply("mastodon-update-note", "(16 h)")
	}},
	{file: "mastodon-delete-note", status: 202, before: first("mastodon-create-reply"), check: func(b *letterbox) {
		b.wantText(b.read("mastodon-delete-note")["object"].(m)["id"].(string), "gone")
		b.wantNothing()
	}},
	{file: "mastodon-delete-actor", status: 202, check: func(b *letterbox) {
		if n := len(b.host("mastodon.example").Requests()); n != 0 {
			b.Errorf("%d requests made, want none", n)
		}
	}},
	{file: "mastodon-update-actor", status: 202, before: first("mastodon-follow"), check: func(b *letterbox) {
		a, err := b.ActorOf(b.Context(), b.here(ana))
		if err != nil || a.Name != "Ana" || len(a.Summary) != 1 || a.Summary[0].HTML != "<p>Worker-owner</p>" || !strings.HasSuffix(a.Icon.Address, "ana.png") {
			b.Errorf("%v, %+v; want the new profile", err, a)
		}
		if a.KeyPEM != aptest.PEM(b.person(ana).Key) {
			b.Error("the key came by an Update (SIG-11)")
		}
	}},
	{file: "mastodon-move", status: 202, before: first("mastodon-follow"), check: func(b *letterbox) { b.wantFollower(ana, node.Accepted) }},
	{file: "mastodon-move", name: "followed", status: 202, before: func(b *letterbox) {
		b.followed(b.person(ana))
		anew := b.person("https://gts.example/users/ana")
		claims(b.host("gts.example"), anew, "ana", []any{b.here(ana)}, "")
	}, check: func(b *letterbox) {
		if old, new := b.FollowedState(b.here(ana)), b.FollowedState(b.here("https://gts.example/users/ana")); old != node.Moved || new != node.Pending {
			b.Errorf("the old follow is %q, the new one %q; want moved and pending", old, new)
		}
	}},
	{file: "mastodon-flag", status: 202, check: func(b *letterbox) { // MOD-6
		list, err := b.Reports(b.Context(), node.ReportQuery{Open: true})
		if err != nil || len(list) != 1 {
			b.Fatalf("%v, %d reports, want one", err, len(list))
		}
		if r := list[0]; r.About != b.Links.Actor() || !slices.Equal(r.Objects, []string{b.opening.IRI}) || r.Comment != "Looks like a fake job" ||
			r.Actor != b.here("https://mastodon.example/actor") {
			b.Errorf("kept as %+v", r)
		}
		b.wantNothing()
	}},
	{file: "mastodon-block", status: 202, before: first("mastodon-follow"), check: func(b *letterbox) {
		b.wantFollower(ana, "")
		if got := b.host("mastodon.example").Letters("Reject"); len(got) != 0 {
			b.Errorf("who blocks us was told: %v", got)
		}
	}},
	{file: "mastodon-relay-follow", status: 202, check: func(b *letterbox) { b.wantFollower("https://mastodon.example/actor", "") }},
	{file: "mastodon-quote-request", status: 202, check: func(b *letterbox) {
		accept := b.host("mastodon.example").Letter("Accept", b.read("mastodon-quote-request")["id"].(string))
		if stamp, _ := accept["result"].(string); aptest.GetDocument(b, stamp).Status != http.StatusOK {
			b.Errorf("the stamp is not served: %v", accept)
		}
		b.wantNothing()
	}},

	{file: "gotosocial-follow", status: 202, check: func(b *letterbox) {
		b.wantAccept("gotosocial-follow")
		for _, r := range b.host("gts.example").Requests() {
			if r.Header.Get("Signature") == "" {
				b.Errorf("%s %s came unsigned, which GoToSocial refuses", r.Method, r.Path)
			}
		}
	}},
	{file: "gotosocial-key-stub", check: func(b *letterbox) {
		p := b.person(dana)
		p.Want(http.StatusAccepted, b.Links.Inbox(), p.Do("Like", b.opening.IRI))
		gts := b.host("gts.example")
		if keys, actors := gts.Count(http.MethodGet, "/users/dana/main-key"), len(gts.Requests()); keys != 1 || actors != 2 {
			b.Errorf("%d requests, %d for the stub, want two and one", actors, keys)
		}
		other := b.person("https://gts.example/users/otto")
		p.Want(http.StatusForbidden, b.Links.Inbox(), other.Do("Like", b.opening.IRI))
	}},
	{file: "gotosocial-create-reply", status: 202, check: func(b *letterbox) { b.wantReply("gotosocial-create-reply", "interested") }},

	{file: "pleroma-follow", status: 202, check: func(b *letterbox) { b.wantAccept("pleroma-follow") }},
	{file: "pleroma-emoji-react", status: 202, before: first("pleroma-emoji-react"), check: func(b *letterbox) { b.wantCounts(b.opening.IRI, 1, 0, 0) }},
	{file: "pleroma-undo-like-id-only", status: 202, before: func(b *letterbox) {
		p := b.person(leo)
		b.send(p, aptest.With(p.Do("Like", b.opening.IRI), m{"id": b.read("pleroma-undo-like-id-only")["object"]}))
		b.wantCounts(b.opening.IRI, 1, 0, 0)
	}, check: nothing},

	{file: "misskey-like-reaction", status: 202, before: first("misskey-like-reaction"), check: func(b *letterbox) { b.wantCounts(b.opening.IRI, 1, 0, 0) }},
	{file: "misskey-undo-follow", status: 202, before: func(b *letterbox) {
		p := b.person(misskey)
		b.send(p, aptest.With(b.read("misskey-undo-follow")["object"].(m), m{"@context": aptest.Context}))
		b.wantFollower(misskey, node.Accepted)
	}, check: func(b *letterbox) { b.wantFollower(misskey, "") }},
	{file: "misskey-create-quote", status: 202, check: func(b *letterbox) { b.wantUnknown("misskey-create-quote") }},
	{file: "misskey-create-quote", name: "followed", status: 202, before: follows(misskey), check: func(b *letterbox) {
		if got := b.text(b.read("misskey-create-quote")["object"].(m)["id"].(string)); !strings.Contains(got, "a good coop") {
			b.Errorf("kept as %q", got)
		}
		b.wantNothing()
	}},

	{file: "lemmy-follow", status: 202, check: func(b *letterbox) { b.wantAccept("lemmy-follow") }},
	{file: "lemmy-announce-create-page", status: 202, check: func(b *letterbox) {
		b.wantNothing()
		if n := b.host("lemmy.example").Count(http.MethodGet, "/activities"); n != 0 {
			b.Errorf("what an unknown group announces was fetched")
		}
	}},
	{file: "lemmy-announce-create-page", name: "followed", status: 202, before: follows("https://lemmy.example/c/cooperatives"), check: func(b *letterbox) {
		page := b.read("lemmy-announce-create-page")["object"].(m)["object"].(m)["id"].(string)
		if o := b.Known(page); o != nil {
			b.Errorf("the page inside was believed without a fetch: %+v", o)
		}
	}},
	{file: "wordpress-create-article", status: 202, check: func(b *letterbox) { b.wantUnknown("wordpress-create-article") }},
	{file: "wordpress-create-article", name: "followed", status: 202, before: follows("https://blog.example/?author=0"), check: func(b *letterbox) {
		p, ok := b.Known(b.read("wordpress-create-article")["object"].(m)["id"].(string)).(*node.Post)
		if !ok || p.Form != "Article" || p.Title() != "Our coop turns ten" || p.TextIn("en").HTML != "<p>Ten years of work without bosses.</p>" {
			b.Errorf("kept as %+v", p)
		}
		if want := b.here("https://blog.example/2026/11/21/ten/"); ok && (p.URL != want || !slices.Equal(p.Tags, []string{"coop"})) {
			b.Errorf("page %q, want %q; tags %v", p.URL, want, p.Tags)
		}
	}},
	{file: "fedify-create-note", status: 202, edits: []func(*aptest.Letter){aptest.In(aptest.RFC9421)}, check: func(b *letterbox) {
		if p := b.wantReply("fedify-create-note", "Hello @coop"); p.Audience != node.Public {
			b.Errorf("as:Public is read as %s", p.Audience)
		}
	}},
	{file: "friendica-create-note", status: 202, check: func(b *letterbox) { b.wantReply("friendica-create-note", "which time zone?") }},
	{file: "mobilizon-create-event", status: 202, check: func(b *letterbox) { b.wantUnknown("mobilizon-create-event") }},

	{file: "edge-type-array-note", status: 202, before: follows("https://other.example/u"), check: func(b *letterbox) {
		o := b.Known(b.read("edge-type-array-note")["object"].(m)["id"].(string))
		if p, ok := o.(*node.Post); !ok || p.TextIn("").HTML != "<p>typed twice</p>" || p.Audience != node.Public {
			b.Errorf("kept as %+v", o)
		}
	}},
	{file: "edge-create-proposal", status: 202, before: follows("https://mitra.example/users/kim"), check: func(b *letterbox) {
		o, ok := b.Known(b.read("edge-create-proposal")["object"].(m)["id"].(string)).(*node.Opening)
		if !ok || o.Title() != "Bike repair" || o.Purpose != node.Offer || o.Kind != node.Availability || o.Status != node.Open {
			b.Errorf("kept as %+v", o)
		}
	}},

	{file: "hostile-actor-key-mismatch", status: 403, check: func(b *letterbox) { b.wantUnknown("hostile-actor-key-mismatch") }},
	{file: "hostile-object-foreign-host", status: 202, check: nothing},
	{file: "hostile-object-foreign-host", name: "known", status: 202, before: knows(eve), check: nothing},
	{file: "hostile-delete-foreign", status: 202, check: nothing},
	{file: "hostile-delete-foreign", name: "known", status: 202, before: knows(eve), check: nothing},
	{file: "hostile-embedded-actor", status: 202, check: func(b *letterbox) {
		b.wantFollower(eve, node.Accepted)
		if n := b.FollowerState(b.here("https://evil.example/4")); n != "" {
			b.Errorf("the activity became a follower")
		}
		a, err := b.ActorOf(b.Context(), b.here(eve))
		if err != nil || a.Inbox != b.here(eve)+"/inbox" {
			b.Errorf("inbox %q, %v; want the one that eve's own document names", a.Inbox, err)
		}
	}},
	{file: "hostile-announce-embedded-forgery", status: 202, before: follows(eve), check: func(b *letterbox) { b.wantUnknown("hostile-announce-embedded-forgery") }},
	{file: "hostile-content-script", status: 202, check: func(b *letterbox) {
		o := b.Known(b.read("hostile-content-script")["object"].(m)["id"].(string))
		if o == nil {
			b.Fatal("nothing is kept")
		}
		got := o.Common().TextIn("").HTML
		if !strings.Contains(got, "hi") {
			b.Errorf("the text is gone: %q", got)
		}
		for _, bad := range []string{"script", "onclick", "onerror", "javascript", "x()", "<img"} {
			if strings.Contains(got, bad) || strings.Contains(o.Common().URL, bad) {
				b.Errorf("%q is left in %q or %q", bad, got, o.Common().URL)
			}
		}
	}},
	{file: "hostile-actor-without-inbox", check: func(b *letterbox) {
		p := b.person("https://evil.example/noinbox")
		for _, pem := range []string{"x", aptest.PEM(p.Key)} {
			doc := b.read("hostile-actor-without-inbox")
			doc["publicKey"].(m)["publicKeyPem"] = pem
			b.host("evil.example").Serve(p.ID, doc)
			p.Want(http.StatusUnauthorized, b.Links.Inbox(), p.Do("Follow", b.Links.Actor()))
			if _, err := b.Wire.Find(b.Context(), p.ID); node.KindOf(err) != node.Refused {
				b.Errorf("looked up: %v, want a refusal", err)
			}
		}
		b.wantFollower("https://evil.example/noinbox", "")
	}},
}

// Letters as other servers send them, each with the status and the effect that its line in the fixtures' README.md
// tells.
func TestFixtures(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(shared, "fixtures", "*.json"))
	if len(files) == 0 {
		aptest.Without(t, "the letters of other servers, which need ../shared/fixtures")
		return
	}
	mill := aptest.NewNode(t, "mill")
	done := map[string]bool{}
	for _, row := range fixtureRows {
		done[row.file] = true
		t.Run(strings.TrimSuffix(row.file+", "+row.name, ", "), func(t *testing.T) {
			b := &letterbox{desk: &desk{TB: t, Node: mill}, hosts: map[string]*aptest.Stranger{}, people: map[string]*aptest.Person{}}
			b.opening = mill.Opening("A printer wanted")
			b.follow = b.Links.Activity("aaaaaaaaaa")
			if row.before != nil {
				row.before(b)
			}
			if row.status != 0 {
				if got := b.deliver(row.file, row.edits...); got != row.status {
					t.Errorf("answered %d, want %d", got, row.status)
				}
			}
			row.check(b)
		})
	}
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".json"); !done[name] {
			t.Errorf("%s has no row in fixtureRows: say what has to happen", f)
		}
	}
}
