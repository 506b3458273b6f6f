package activitypub_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// A desk is a node and a stranger's server, with what tests of letters ask again and again.
type desk struct {
	testing.TB
	*aptest.Node
	away *aptest.Stranger
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	return &desk{t, aptest.NewNode(t, "mill"), aptest.NewStranger(t, "away")}
}

// send posts letters, each of which the door takes, and waits until they have had their effect.
func (d *desk) send(p *aptest.Person, letters ...m) {
	d.Helper()
	for _, l := range letters {
		p.Want(http.StatusAccepted, d.Links.Inbox(), l)
	}
	d.Handled()
}

// likes and shares of something of ours, replies to it.
func (d *desk) counts(iri string) (likes, shares, replies int) {
	d.Helper()
	b := d.Known(iri).Common()
	return b.Likes, b.Shares, b.Replies
}

func (d *desk) wantCounts(iri string, likes, shares, replies int) {
	d.Helper()
	if l, s, r := d.counts(iri); l != likes || s != shares || r != replies {
		d.Errorf("%d likes, %d shares, %d replies; want %d, %d, %d", l, s, r, likes, shares, replies)
	}
}

// text of an object in its main language, "" where it is not known, "gone" where it was deleted.
func (d *desk) text(iri string) string {
	d.Helper()
	o := d.Known(iri)
	switch {
	case o == nil:
		return ""
	case !o.Common().Deleted.IsZero():
		return "gone"
	}
	return o.Common().TextIn("").HTML
}

func (d *desk) wantText(iri, want string) {
	d.Helper()
	if got := d.text(iri); got != want {
		d.Errorf("%s says %q, want %q", iri, got, want)
	}
}

func (d *desk) timeline() []*node.TimelineEntry {
	d.Helper()
	list, err := d.Timeline(d.Context(), node.TimelineQuery{})
	if err != nil {
		d.Fatal(err)
	}
	return list
}

// reply is a note of p that answers something of ours.
func reply(p *aptest.Person, to, html string) m { return p.Note(html, m{"inReplyTo": to}) }

// followed makes us follow p, whose server accepts.
func (d *desk) followed(p *aptest.Person) {
	d.Helper()
	a, err := d.Wire.Find(d.Context(), p.ID)
	if err != nil {
		d.Fatal(err)
	}
	f, err := d.Node.Node.Follow(d.Context(), "test", a)
	if err != nil {
		d.Fatal(err)
	}
	d.send(p, p.Do("Accept", m{"id": f.FollowIRI, "type": "Follow", "actor": d.Links.Actor(), "object": p.ID}))
	if got := d.FollowedState(p.ID); got != node.Accepted {
		d.Fatalf("our follow of %s is %q", p.ID, got)
	}
}

// a letter has its effect once, however often and at whichever door it arrives; its id belongs
// to the one who used it first.
func TestEffectOnce(t *testing.T) {
	d := newDesk(t)
	ana, ben := d.away.Person("ana"), d.away.Person("ben")
	post := d.Post("Who knows a good printer?")
	answer := ana.Create(reply(ana, post.IRI, "<p>We do.</p>"))
	letters := []m{ana.Do("Like", post.IRI), ana.Do("Announce", post.IRI), answer}
	for range 3 {
		for _, l := range letters {
			ana.Want(http.StatusAccepted, d.Links.Inbox(), l)
			ana.Want(http.StatusAccepted, d.Links.SharedInbox(), l)
		}
	}
	d.Handled()
	d.wantCounts(post.IRI, 1, 1, 1)
	for _, l := range letters { // and after they have been handled
		d.send(ana, l)
	}
	d.send(ana, ana.Do("Like", post.IRI), ana.Do("Announce", post.IRI)) // one actor counts once, whatever the id
	d.wantCounts(post.IRI, 1, 1, 1)

	// A used id with another body, and from another actor of the same server.
	other := d.Post("Another post.")
	id := letters[0]["id"]
	d.send(ana, aptest.With(ana.Do("Like", other.IRI), m{"id": id}))
	d.send(ben, aptest.With(ben.Do("Like", other.IRI), m{"id": id}))
	d.wantCounts(other.IRI, 0, 0, 0)
	d.wantCounts(post.IRI, 1, 1, 1)
}

// A Follow may be repeated by its id or with a new one, and is answered each time (decisions 23).
func TestFollowAgain(t *testing.T) {
	d := newDesk(t)
	ana := d.away.Person("ana")
	first := ana.Do("Follow", d.Links.Actor())
	d.send(ana, first)
	d.away.Letter("Accept", first["id"].(string))
	d.send(ana, first)
	aptest.Until(t, "the Accept comes again", func() bool { return len(d.away.Letters("Accept")) == 2 })
	second := ana.Do("Follow", d.Links.Actor())
	d.send(ana, second)
	accept := d.away.Letter("Accept", second["id"].(string))
	inner, _ := accept["object"].(m)
	if inner["type"] != "Follow" || inner["actor"] != ana.ID || inner["object"] != d.Links.Actor() || accept["actor"] != d.Links.Actor() {
		t.Errorf("the Accept carries %v", inner)
	}
	if n, err := d.CountFollowers(t.Context()); n != 1 || err != nil {
		t.Errorf("%d followers, %v, want 1", n, err)
	}
	for _, r := range d.away.Requests() {
		if r.Doc["type"] == "Accept" && r.Path != "/users/ana/inbox" {
			t.Errorf("an Accept went to %s, want the personal inbox", r.Path)
		}
	}
}

// what was taken back stays so when the first letter comes late.
func TestLateLetters(t *testing.T) {
	d := newDesk(t)
	ana := d.away.Person("ana")
	post := d.Post("Hello.")
	d.send(ana, ana.Do("Like", post.IRI)) // makes ana known

	follow := ana.Do("Follow", d.Links.Actor())
	d.send(ana, ana.Do("Undo", follow), follow)
	if got := d.FollowerState(ana.ID); got != "" {
		t.Errorf("a Follow after its Undo made a follower: %s", got)
	}
	ben := d.away.Person("ben")
	another := ana.Do("Follow", d.Links.Actor())
	d.send(ben, ben.Do("Undo", another)) // which says that it was ana's
	d.send(ana, another)
	if got := d.FollowerState(ana.ID); got != node.Accepted {
		t.Errorf("a new Follow, which a neighbour took back, makes %q, want accepted", got)
	}

	share := ana.Do("Announce", post.IRI)
	d.send(ana, ana.Do("Undo", share["id"]), share)
	d.wantCounts(post.IRI, 1, 0, 0)

	note := reply(ana, post.IRI, "<p>Too late.</p>")
	id := note["id"].(string)
	d.send(ana, ana.Do("Delete", m{"id": id, "type": "Tombstone"}), ana.Create(note))
	d.wantText(id, "")
	d.wantCounts(post.IRI, 1, 0, 0)

	shown := reply(ana, post.IRI, "<p>In time.</p>")
	id = shown["id"].(string)
	d.send(ana, ana.Create(shown))
	d.wantText(id, "<p>In time.</p>")
	d.send(ana, ana.Do("Delete", id), ana.Create(shown), ana.Do("Update", aptest.With(shown, m{"updated": "2026-11-21T09:00:00Z"})))
	d.wantText(id, "gone")
	d.wantCounts(post.IRI, 1, 0, 0)
}

// Undo finds what it takes back by its id alone, by a copy, and by actor and object where the id was never
// seen; nobody takes back what another did (interop.md 3.6).
func TestUndo(t *testing.T) {
	d := newDesk(t)
	ana, ben := d.away.Person("ana"), d.away.Person("ben")
	post := d.Post("Hello.")
	for _, kind := range []string{"Like", "Announce"} {
		for _, how := range []struct {
			name string
			undo func(done m) m
		}{
			{"by id", func(done m) m { return ana.Do("Undo", done["id"]) }},
			{"by a copy", func(done m) m { return ana.Do("Undo", done) }},
			{"by a copy with another id", func(done m) m { return ana.Do("Undo", aptest.With(done, m{"id": ana.NewID("odd")})) }},
			{"by a copy without an id", func(done m) m { return ana.Do("Undo", aptest.With(done, m{"id": nil})) }},
		} {
			done := ana.Do(kind, post.IRI)
			d.send(ana, done)
			likes, shares, _ := d.counts(post.IRI)
			if likes+shares != 1 {
				t.Fatalf("%s: %d likes, %d shares", kind, likes, shares)
			}
			d.send(ben, ben.Do("Undo", done["id"]), ben.Do("Undo", done), ben.Do("Undo", aptest.With(done, m{"actor": ben.ID})))
			if l, s, _ := d.counts(post.IRI); l+s != 1 {
				t.Errorf("%s: somebody else took it back", kind)
			}
			d.send(ana, how.undo(done))
			if l, s, _ := d.counts(post.IRI); l+s != 0 {
				t.Errorf("Undo of %s %s: %d likes, %d shares are left", kind, how.name, l, s)
			}
		}
	}
	d.send(ana, ana.Do("Follow", d.Links.Actor()))
	d.send(ben, ben.Do("Undo", m{"type": "Follow", "actor": ana.ID, "object": d.Links.Actor()}))
	d.send(ana, ana.Do("Undo", m{"id": ana.ID + "#other", "type": "Follow", "actor": ana.ID, "object": ben.ID}))
	if got := d.FollowerState(ana.ID); got != node.Accepted {
		t.Errorf("the follower is %q after Undos that were not about it", got)
	}
}

// A reply is kept, changed and removed by its author alone (security.md 3).
func TestOnlyTheOwner(t *testing.T) {
	d := newDesk(t)
	evil := aptest.NewStranger(t, "evil")
	ana, ben, eve := d.away.Person("ana"), d.away.Person("ben"), evil.Person("eve")
	opening := d.Opening("A printer wanted")
	d.send(ben, ben.Do("Like", opening.IRI))
	d.send(eve, eve.Do("Like", opening.IRI))
	note := reply(ana, opening.IRI, "<p>We print.</p>")
	id := note["id"].(string)
	d.send(ana, ana.Create(note))
	before := d.Known(opening.IRI).Common().Raw

	newer := m{"content": "<p>Forged.</p>", "updated": "2026-11-22T09:00:00Z"}
	for _, p := range []*aptest.Person{ben, eve} {
		for _, kind := range []string{"Update", "Create"} {
			d.send(p, p.Do(kind, aptest.With(note, newer)), p.Do(kind, aptest.With(note, aptest.With(newer, m{"attributedTo": p.ID}))))
			// And of ours, as ours and as theirs.
			ours := m{"id": opening.IRI, "type": "Note", "attributedTo": d.Links.Actor(), "to": []any{aptest.Public}, "content": "<p>Forged.</p>", "updated": "2027-01-01T00:00:00Z"}
			d.send(p, p.Do(kind, ours), p.Do(kind, aptest.With(ours, m{"attributedTo": p.ID})))
		}
		d.send(p, p.Do("Delete", id), p.Do("Delete", m{"id": opening.IRI, "type": "Tombstone"}), p.Do("Delete", d.Links.Actor()), p.Do("Delete", ana.ID))
	}
	d.wantText(id, "<p>We print.</p>")
	if o := d.Known(opening.IRI); !o.Common().Deleted.IsZero() || string(o.Common().Raw) != string(before) {
		t.Errorf("the opening was changed from outside: %s", o.Common().Raw)
	}
	d.wantCounts(opening.IRI, 2, 0, 1)

	d.send(ana, ana.Do("Update", aptest.With(note, m{"content": "<p>We print well.</p>", "updated": "2026-11-21T09:00:00Z"})))
	d.wantText(id, "<p>We print well.</p>")
	d.send(ana, ana.Do("Update", aptest.With(note, m{"content": "<p>An older text.</p>", "updated": "2026-11-20T10:00:00Z"})))
	d.wantText(id, "<p>We print well.</p>")

}

// An actor who is gone is forgotten with all that she said, and nothing that her key signs is believed any more.
func TestActorGone(t *testing.T) {
	d := newDesk(t)
	ana := d.away.Person("ana")
	post := d.Post("Hello.")
	note := reply(ana, post.IRI, "<p>Hello to you.</p>")
	d.followed(ana)
	d.send(ana, ana.Do("Follow", d.Links.Actor()), ana.Do("Like", post.IRI), ana.Create(note))
	d.wantCounts(post.IRI, 1, 0, 1)
	d.away.ServeStatus(ana.ID, http.StatusGone, m{"@context": aptest.Context, "id": ana.ID, "type": "Tombstone"})
	farewell := ana.Do("Delete", ana.ID)
	d.send(ana, farewell)
	d.wantText(note["id"].(string), "gone")
	d.wantCounts(post.IRI, 0, 0, 0)
	if f, s := d.FollowerState(ana.ID), d.FollowedState(ana.ID); f != "" || s != "" {
		t.Errorf("after her end she is %q as a follower and %q as one whom we follow", f, s)
	}
	if n := len(d.timeline()); n != 0 {
		t.Errorf("%d entries in the timeline, want none", n)
	}
	ana.Want(http.StatusUnauthorized, d.Links.Inbox(), ana.Do("Like", post.IRI))
	ana.Want(http.StatusAccepted, d.Links.Inbox(), farewell) // which comes again as long as it is not answered
}

// An answer to a Follow counts only if it was asked for, from the one who was asked (ORG-9).
func TestAnswersNobodyAskedFor(t *testing.T) {
	d := newDesk(t)
	ana, ben := d.away.Person("ana"), d.away.Person("ben")
	invented := m{"id": d.Links.Activity("aaaaaaaaaa"), "type": "Follow", "actor": d.Links.Actor(), "object": ana.ID}
	d.send(ana, ana.Do("Accept", invented), ana.Do("Accept", invented["id"]))
	if got := d.FollowedState(ana.ID); got != "" {
		t.Fatalf("an Accept that nobody asked for makes us follow: %s", got)
	}
	a, err := d.Wire.Find(t.Context(), ana.ID)
	if err != nil {
		t.Fatal(err)
	}
	f, err := d.Node.Node.Follow(t.Context(), "test", a)
	if err != nil {
		t.Fatal(err)
	}
	ours := m{"id": f.FollowIRI, "type": "Follow", "actor": d.Links.Actor(), "object": ana.ID}
	d.send(ben, ben.Do("Accept", ours), ben.Do("Accept", f.FollowIRI), ben.Do("Reject", ours))
	d.send(ana, ana.Do("Accept", m{"id": ana.ID + "#1", "type": "Follow", "actor": ana.ID, "object": d.Links.Actor()}), ana.Do("Accept", ana.ID))
	if got := d.FollowedState(ana.ID); got != node.Pending {
		t.Errorf("our follow is %q, want still pending", got)
	}
	note := ana.Note("<p>For friends.</p>", nil)
	d.send(ana, ana.Create(note))
	d.wantText(note["id"].(string), "") // nothing is kept while it is pending

	d.send(ana, ana.Do("Accept", f.FollowIRI)) // the id alone is enough
	if got := d.FollowedState(ana.ID); got != node.Accepted {
		t.Errorf("our follow is %q, want accepted", got)
	}
	d.send(ana, ana.Do("Reject", ours)) // and may be taken back later
	if got := d.FollowedState(ana.ID); got != node.Rejected {
		t.Errorf("our follow is %q, want rejected", got)
	}
}

// Types that have no effect here are taken and forgotten, known to streams or not (JSON-4).
func TestTypesWithoutEffect(t *testing.T) {
	d := newDesk(t)
	ana := d.away.Person("ana")
	post := d.Post("Hello.")
	d.Rest()
	for _, kind := range []string{"Offer", "TentativeAccept", "View", "Arrive", "Bite", "Note"} {
		ana.Want(http.StatusAccepted, d.Links.Inbox(), ana.Do(kind, post.IRI))
	}
	if s, err := d.QueueStatus(t.Context()); err != nil || s.Letters != 0 {
		t.Errorf("%d letters kept, %v, want none", s.Letters, err)
	}
	// They are proved all the same (SIG-1).
	ana.Want(http.StatusUnauthorized, d.Links.Inbox(), ana.Do("Join", post.IRI), aptest.In(aptest.Unsigned))
}

// A note that nobody here has a reason to read is not kept; one that names us alone is kept and shown to nobody
// (ORG-8, HTTP-7).
func TestWhatIsKept(t *testing.T) {
	d := newDesk(t)
	ana := d.away.Person("ana")
	post := d.Post("Hello.")
	us := d.Links.Actor()
	unasked := ana.Note("<p>Buy this.</p>", nil)
	named := ana.Note("<p>A word for you.</p>", m{"cc": []any{us}, "tag": m{"type": "Mention", "href": us, "name": "@mill"}})
	secret := ana.Note("<p>Between us.</p>", m{"to": []any{us}, "cc": nil, "inReplyTo": post.IRI})
	nested := ana.Note("<p>And another thing.</p>", m{"inReplyTo": named["id"]})
	for _, n := range []m{unasked, named, secret, nested} {
		d.send(ana, ana.Create(n))
	}
	for _, tt := range []struct {
		note m
		want string
	}{{unasked, ""}, {named, "<p>A word for you.</p>"}, {secret, "<p>Between us.</p>"}, {nested, ""}} {
		d.wantText(tt.note["id"].(string), tt.want)
	}
	d.wantCounts(post.IRI, 0, 0, 0)
	for audience, to := range map[node.Audience][2]any{
		node.Unlisted:  {ana.ID + "/followers", "as:Public"},
		node.Followers: {[]any{ana.ID + "/followers"}, us},
	} {
		note := ana.Note("<p>Not too loud.</p>", m{"to": to[0], "cc": to[1], "inReplyTo": post.IRI})
		d.send(ana, ana.Create(note))
		if o := d.Known(note["id"].(string)); o == nil || o.Common().Audience != audience {
			t.Errorf("kept as %+v, want %s", o, audience)
		}
	}
	d.wantCounts(post.IRI, 0, 0, 1) // the unlisted one
	for _, address := range []string{post.IRI + "/replies", post.URL, d.Links.Outbox(), d.Links.Profile()} {
		for _, accept := range []string{"application/activity+json", "text/html"} {
			if a := aptest.Get(t, address, "Accept", accept); strings.Contains(string(a.Body), "Between us") {
				t.Errorf("GET %s as %s shows a private answer", address, accept)
			}
		}
	}
}

// An opening of a program that sends no coop:title is called by its name, else by its first line (vocabulary 2.4).
func TestTitleOfForeignOpening(t *testing.T) {
	d := newDesk(t)
	ana := d.away.Person("ana")
	d.followed(ana)
	for _, tt := range []struct {
		name   string
		change m
		want   string
	}{
		{"name", m{"name": "Bike repair"}, "Bike repair"},
		{"name alone", m{"name": "Bike repair", "content": nil}, "Bike repair"},
		{"first line", nil, "We mend bikes."},
		{"its own title", m{"name": "Bike repair", "coop:title": "Bikes & more"}, "Bikes & more"},
	} {
		proposal := aptest.With(ana.Note("<p>We mend bikes.</p><p>And more.</p>", m{"purpose": "offer", "publishes": m{"type": "Intent"}}), tt.change)
		d.send(ana, ana.Create(proposal))
		o, ok := d.Known(proposal["id"].(string)).(*node.Opening)
		if !ok || o.Title() != tt.want {
			t.Errorf("%s: kept as %+v, want an opening called %q", tt.name, o, tt.want)
		}
	}
}
