package node_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

const followersOfMill = base + "/ap/coop/followers"

func TestPublishKeepsDocumentActAndDeliveries(t *testing.T) {
	t.Parallel()
	for _, o := range []node.Object{post("Bread"), opening("Baker wanted"), project("A bakery")} {
		typ := o.Common().Type
		t.Run(string(typ), func(t *testing.T) {
			t.Parallel()
			x := newHouse(t)
			x.followedBy("sea.example", "ana")
			x.followedBy("sea.example", "bea") // the same server: one letter for both
			x.followedBy("hill.example", "cai")
			x.following("deaf.example", "dea") // does not follow us
			iri := x.publish(o)

			b := x.object(iri).Common()
			equal(t, "addresses", []string{b.IRI, b.URL, b.Actor}, []string{
				base + "/ap/" + string(typ) + "s/" + b.ID, base + "/" + string(typ) + "s/" + b.ID, base + "/ap/coop",
			})
			equal(t, "id, ours, audience", []any{node.IsID(b.ID), b.Local, b.Audience}, []any{true, true, node.Public})
			equal(t, "times in whole seconds", []time.Time{b.Published, b.Updated, b.Received}, []time.Time{second, second, second})
			d := x.document(iri)
			equal(t, "document", []string{d.ID, d.Type}, []string{iri, string(typ)})

			news := x.news()
			c := news[0]
			equal(t, "Create", []any{c.Verb, c.ID, c.Actor, c.ObjectIRI, c.Published, c.By, c.Listed, c.Served},
				[]any{node.Create, iri + "/create", base + "/ap/coop", iri, second, "ana", true, true})
			equal(t, "it carries the document", c.Object, d)
			equal(t, "to", c.To, []string{node.PublicIRI})
			equal(t, "cc", c.Cc, []string{followersOfMill})
			equal(t, "inboxes", c.Inboxes, []string{"https://hill.example/inbox", "https://sea.example/inbox"})
			if typ != node.TypeOpening { // an opening is pinned too: see standing_test.go
				equal(t, "acts", len(news), 1)
			}
		})
	}
}

// TestNothingIsStoredThatCannotBeSaid: a change, the act that tells of it and its deliveries are one.
func TestNothingIsStoredThatCannotBeSaid(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.followedBy("sea.example", "ana")
	bea := x.actor("hill.example", "bea")
	house := x.publish(project("A house"))
	open := x.publish(&node.Opening{Base: node.Base{Type: node.TypeOpening, Project: house, Texts: []node.Text{{Title: "Roofer"}}}})
	ctx := t.Context()
	change := func(o node.Object) error { o.Common().Tags = []string{"new"}; return nil }
	for _, tt := range []struct {
		name, broken string
		do           func() error
	}{
		{"publish: no document", "post", func() error { return x.Publish(ctx, "", post("Bread")) }},
		{"publish: no act", "Create", func() error { return x.Publish(ctx, "", post("Bread")) }},
		{"publish opening: not pinned", "Add", func() error { return x.Publish(ctx, "", opening("Baker")) }},
		{"publish opening: its project not renewed", "project", func() error {
			o := opening("Mason")
			o.Project = house
			return x.Publish(ctx, "", o)
		}},
		{"edit: no document", "opening", func() error { _, err := x.Edit(ctx, "", open, change); return err }},
		{"edit: no act", "Update", func() error { _, err := x.Edit(ctx, "", open, change); return err }},
		{"edit: no outbox entry", "Create", func() error { _, err := x.Edit(ctx, "", open, change); return err }},
		{"pause: stays pinned", "Remove", func() error { _, err := x.SetOpeningStatus(ctx, "", open, node.Paused); return err }},
		{"delete: no tombstone", "opening", func() error { return x.Delete(ctx, "", open) }},
		{"delete: no act", "Delete", func() error { return x.Delete(ctx, "", open) }},
		{"delete: stays pinned", "Remove", func() error { return x.Delete(ctx, "", open) }},
		{"profile: no document", "Organization", func() error { _, err := x.SaveProfile(ctx, "", rename); return err }},
		{"profile: no act", "Update", func() error { _, err := x.SaveProfile(ctx, "", rename); return err }},
		{"follow", "Follow", func() error { _, err := x.Follow(ctx, "", bea); return err }},
		{"remove follower", "Reject", func() error { return x.AnswerFollower(ctx, "", ana.IRI, false) }},
		{"take a follower", "Accept", func() error {
			return x.Receive(ctx, &node.Letter{}, says(bea, node.Follow, "follow", base+"/ap/coop"))
		}},
	} {
		before, generation := x.everything(), x.Generation()
		x.enc.breakAt(tt.broken)
		err := tt.do()
		x.enc.breakAt("")
		if !errors.Is(err, errEncoder) {
			t.Errorf("%s: got error %v, want that of the encoder", tt.name, err)
		}
		equal(t, tt.name+": what is stored", x.everything(), before)
		equal(t, tt.name+": generation", x.Generation(), generation)
	}
}

func rename(a *node.Actor) error { a.Name = "Another"; return nil }

// everything is what can be read of the store, as lines.
func (x *house) everything() (lines []string) {
	x.Helper()
	ctx := x.Context()
	objects, _, err := x.Objects(ctx, node.ObjectQuery{Deleted: true, Drafts: true, Limit: 200})
	x.must(err)
	for _, o := range objects {
		b := o.Common()
		lines = append(lines, fmt.Sprint(b.ID, b.Tags, b.Updated, b.Deleted, string(b.Raw)))
	}
	for _, s := range x.acts(node.ActQuery{}) {
		inner := s.Inner
		s.Inner = nil
		lines = append(lines, fmt.Sprintf("%+v of %+v", s, inner))
	}
	us, err := x.Profile(ctx)
	x.must(err)
	lines = append(lines, fmt.Sprint(us.Name, us.Updated, string(us.Raw)))
	for _, list := range []func() ([]*node.Following, error){
		func() ([]*node.Following, error) { return x.Followers(ctx, node.FollowQuery{}) },
		func() ([]*node.Following, error) { return x.Following(ctx, node.FollowQuery{}) },
	} {
		all, err := list()
		x.must(err)
		for _, f := range all {
			lines = append(lines, fmt.Sprint(f.Actor, f.State, f.FollowIRI))
		}
	}
	return lines
}

func TestDraftTellsNobodyUntilItIsPublished(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	x.followedBy("sea.example", "ana")
	for _, o := range []node.Object{post("Bread"), opening("Baker wanted"), project("A bakery")} {
		o.Common().Draft = true
		iri := x.publish(o)
		x.pass(time.Hour)
		edit := func(f func(b *node.Base)) {
			_, err := x.Edit(t.Context(), "ana", iri, func(o node.Object) error { f(o.Common()); return nil })
			x.must(err)
		}
		edit(func(b *node.Base) { b.Tags = []string{"bread"} })
		x.wantNews()
		doc, err := x.Store().Document(t.Context(), iri)
		x.must(err)
		equal(t, "draft", doc.Draft, true)

		x.pass(time.Hour)
		now := x.Now().Truncate(time.Second)
		edit(func(b *node.Base) { b.Draft = false })
		verbs := []node.Verb{node.Create}
		if o.Common().Type == node.TypeOpening {
			verbs = append(verbs, node.Add)
		}
		c := x.wantNews(verbs...)[0]
		equal(t, "published", []any{c.Verb, c.ID, c.Published, c.Object.Updated, len(c.Inboxes)}, []any{node.Create, iri + "/create", now, now, 1})
		equal(t, "time of publication", x.object(iri).Common().Published, now)
	}

	o := post("Never mind")
	o.Draft = true
	iri := x.publish(o)
	x.must(x.Delete(t.Context(), "", iri))
	x.wantNews()
	equal(t, "draft is gone", x.known(iri), false)
}

func TestPublishedStaysPublished(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	public := x.publish(post("Bread"))
	some := post("Salt")
	some.Audience = node.Followers
	x.publish(some)
	x.news()
	edit := func(iri string, f func(*node.Base)) error {
		_, err := x.Edit(t.Context(), "", iri, func(o node.Object) error { f(o.Common()); return nil })
		return err
	}
	wantError(t, edit(public, func(b *node.Base) { b.Draft = true }), node.Invalid, "cannot be a draft again")
	wantError(t, edit(public, func(b *node.Base) { b.Audience = node.Followers }), node.Invalid, "others have it already", "Delete it")
	wantError(t, edit(some.IRI, func(b *node.Base) { b.Audience = node.Direct }), node.Invalid, "others have it already", "Delete it")
	x.wantNews()
	x.must(edit(public, func(b *node.Base) { b.Audience = node.Unlisted }))
	x.must(edit(some.IRI, func(b *node.Base) { b.Audience = node.Public }))
	news := x.wantNews(node.Update, node.Update)
	equal(t, "made public", news[1].To, []string{node.PublicIRI})
}

// TestOutboxEntryKeepsItsPlace and carries the object as it is now (decisions 25).
func TestOutboxEntryKeepsItsPlace(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	first, next := x.publish(post("one")), x.publish(post("two"))
	outbox := func() []said { return x.acts(node.ActQuery{Outbox: true}) }
	before := outbox()
	x.pass(time.Minute)
	_, err := x.Edit(t.Context(), "", first, func(o node.Object) error { o.Common().Texts[0].Source = "one, better"; return nil })
	x.must(err)
	after := outbox()
	equal(t, "order", []string{after[0].ObjectIRI, after[1].ObjectIRI}, []string{next, first})
	equal(t, "place and time", []any{after[1].Seq, after[1].Published}, []any{before[1].Seq, second})
	equal(t, "what it carries", []any{after[1].Object.HTML, after[1].Object.Updated}, []any{"<p>one, better</p>", second.Add(time.Minute)})

	x.must(x.Delete(t.Context(), "", first))
	left := outbox()
	equal(t, "after the Delete", []any{len(left), left[0].ObjectIRI}, []any{1, next})
	n, err := x.Store().CountOutbox(t.Context())
	x.must(err)
	equal(t, "counted", n, 1)
}

// TestUpdatedGrows: other servers ignore an edit whose "updated" did not grow, and it has no fractions
// (interop.md 3.3).
func TestUpdatedGrows(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	iri := x.publish(post("Bread"))
	x.news()
	for i, want := range []time.Time{second.Add(time.Second), second.Add(2 * time.Second), second.Add(3 * time.Second), second.Add(time.Minute)} {
		if i == 3 {
			x.pass(time.Minute)
		}
		_, err := x.Edit(t.Context(), "", iri, func(node.Object) error { return nil })
		x.must(err)
		u := x.wantNews(node.Update)[0]
		equal(t, fmt.Sprint("updated ", i), []time.Time{u.Object.Updated, x.document(iri).Updated, x.object(iri).Common().Updated}, []time.Time{want, want, want})
	}
}

func TestAudienceDecidesWhoHears(t *testing.T) {
	t.Parallel()
	const ana = "https://sea.example/users/ana"
	all := []string{"https://hill.example/inbox", ana + "/inbox"}
	for _, tt := range []struct {
		audience       node.Audience
		to, cc         []string
		inboxes        []string
		listed, served bool
	}{
		{node.Public, []string{node.PublicIRI}, []string{followersOfMill, ana}, all, true, true},
		{node.Unlisted, []string{followersOfMill}, []string{node.PublicIRI, ana}, all, true, true},
		{node.Followers, []string{followersOfMill}, []string{ana}, all, false, false},
		{node.Direct, []string{ana}, nil, all[1:], false, false},
	} {
		t.Run(string(tt.audience), func(t *testing.T) {
			t.Parallel()
			x := newHouse(t)
			x.followedBy("hill.example", "cai")
			x.actor("sea.example", "ana")
			p := post("For Ana and others")
			p.Audience, p.Mentions = tt.audience, []node.Mention{{Actor: ana, Address: "@ana@sea.example"}}
			x.publish(p)
			c := x.wantNews(node.Create)[0]
			equal(t, "to", c.To, tt.to)
			equal(t, "cc", c.Cc, tt.cc)
			equal(t, "inboxes", c.Inboxes, tt.inboxes)
			equal(t, "listed and served", []bool{c.Listed, c.Served}, []bool{tt.listed, tt.served})
		})
	}
}

func TestDirectPostGoesOnlyToThoseNamed(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	x.followedBy("hill.example", "cai")
	ana, bea, eve := x.actor("sea.example", "ana"), x.actor("sea.example", "bea"), x.actor("eve.example", "eve")
	p := post("Between us")
	p.Audience, p.To, p.Mentions = node.Direct, []string{ana.IRI}, []node.Mention{{Actor: bea.IRI}}
	iri := x.publish(p)
	for _, a := range []*node.Act{says(eve, node.Like, "like", iri), says(eve, node.Announce, "share", iri)} {
		x.receive(a) // she has guessed its address
	}
	x.must(x.Fetched(t.Context(), iri, eve.IRI))
	_, err := x.Edit(t.Context(), "", iri, func(o node.Object) error { o.Common().Texts[0].Source = "Still between us"; return nil })
	x.must(err)
	x.must(x.Delete(t.Context(), "", iri))
	for _, s := range x.wantNews(node.Create, node.Update, node.Delete) {
		equal(t, string(s.Verb)+" to", s.To, []string{ana.IRI, bea.IRI})
		equal(t, string(s.Verb)+" goes to", s.Inboxes, []string{ana.Inbox, bea.Inbox})
		equal(t, string(s.Verb)+" is shown", s.Listed || s.Served, false)
	}
	equal(t, "likes", x.object(iri).Common().Likes, 0)

	unknown := post("Who are you?")
	unknown.Audience, unknown.To = node.Direct, []string{"https://nobody.example/a"}
	wantError(t, x.Publish(t.Context(), "", unknown), node.Invalid, "does not know https://nobody.example/a", "coopnode inspect")
	nobody := post("To whom?")
	nobody.Audience = node.Direct
	wantError(t, x.Publish(t.Context(), "", nobody), node.Invalid, "for nobody", "Name those")
	equal(t, "kept", x.known(nobody.IRI), false)
}

// TestReadersHearOfChanges: who has announced, liked, answered or fetched an object holds it (decisions 16).
func TestReadersHearOfChanges(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(x *house, who *node.Actor, iri string)
	}{
		{"announced", func(x *house, who *node.Actor, iri string) { x.receive(says(who, node.Announce, "a", iri)) }},
		{"liked", func(x *house, who *node.Actor, iri string) { x.receive(says(who, node.Like, "l", iri)) }},
		{"answered", func(x *house, who *node.Actor, iri string) {
			p := note(who, "p", "Me")
			p.InReplyTo = iri
			x.receive(create(p))
		}},
		{"fetched", func(x *house, who *node.Actor, iri string) { x.must(x.Fetched(x.Context(), iri, who.IRI)) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x := newHouse(t)
			x.followedBy("hill.example", "cai")
			reader := x.actor("sea.example", "ana")
			x.actor("deaf.example", "dea")
			iri, other := x.publish(post("Bread")), x.publish(post("Salt"))
			tt.do(x, reader, iri)
			for _, ref := range []string{iri, other} {
				_, err := x.Edit(t.Context(), "", ref, func(node.Object) error { return nil })
				x.must(err)
				x.must(x.Delete(t.Context(), "", ref))
			}
			both := []string{"https://hill.example/inbox", "https://sea.example/inbox"}
			for i, s := range x.wantNews(node.Create, node.Create, node.Update, node.Delete, node.Update, node.Delete) {
				want := both[:1]
				if i == 2 || i == 3 {
					want = both
				}
				equal(t, fmt.Sprint(i, " ", s.Verb), s.Inboxes, want)
			}
		})
	}
}

// TestThoseNamedBeforeHearOfTheRest: they hold it, also when a later version names them no more (decisions 16).
func TestThoseNamedBeforeHearOfTheRest(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana, bea := x.actor("sea.example", "ana"), x.actor("hill.example", "bea")
	p := post("Thanks to two")
	p.Mentions = []node.Mention{{Actor: ana.IRI}, {Actor: bea.IRI}}
	iri := x.publish(p)
	for range 2 {
		_, err := x.Edit(t.Context(), "", iri, func(o node.Object) error {
			p := o.(*node.Post)
			p.Mentions = slices.DeleteFunc(p.Mentions, func(m node.Mention) bool { return m.Actor == ana.IRI })
			return nil
		})
		x.must(err)
	}
	x.must(x.Delete(t.Context(), "", iri))
	for i, s := range x.wantNews(node.Create, node.Update, node.Update, node.Delete) {
		want := []string{bea.Inbox, ana.SharedInbox}
		if i == 0 {
			want = []string{bea.Inbox, ana.Inbox}
		}
		equal(t, string(s.Verb), s.Inboxes, want)
	}
}

func TestChangeIsRefused(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	foreign := note(x.following("sea.example", "ana"), "1", "Salt")
	x.receive(create(foreign))
	gone, there := x.publish(post("Bread")), x.publish(post("Oil"))
	x.must(x.Delete(t.Context(), "", gone))
	x.news()
	for _, tt := range []struct {
		name, ref string
		kind      node.Kind
		says      string
	}{
		{"of somebody else", foreign.IRI, node.Forbidden, "somebody else"},
		{"deleted", gone, node.Gone, "deleted on 2027-03-01"},
		{"unknown", base + "/ap/posts/aaaaaaaaaa", node.NotFound, ""},
	} {
		_, err := x.Edit(t.Context(), "", tt.ref, func(node.Object) error { t.Error("edited"); return nil })
		wantError(t, err, tt.kind, tt.says)
		wantError(t, x.Delete(t.Context(), "", tt.ref), tt.kind, tt.says)
	}
	sorry := errors.New("changed my mind")
	o, err := x.Edit(t.Context(), "", there, func(o node.Object) error { o.Common().Tags = []string{"x"}; return sorry })
	equal(t, "error of edit", []any{o, errors.Is(err, sorry)}, []any{nil, true})
	equal(t, "tags", len(x.object(there).Common().Tags), 0)
	x.wantNews()
}

func TestDeleteLeavesATombstone(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	o := opening("Baker wanted")
	o.Tags, o.Skills, o.Budget = []string{"bread"}, []node.Skill{{Key: "baking"}}, &node.Money{Currency: "EUR", Min: 1, Max: 2}
	iri := x.publish(o)
	x.pass(time.Minute)
	x.must(x.Delete(t.Context(), "bea", o.ID)) // by its short name
	doc, err := x.Store().Document(t.Context(), iri)
	x.must(err)
	equal(t, "document", []any{doc.Deleted, x.document(iri).Type}, []any{true, "Tombstone"})
	left := x.object(iri).(*node.Opening)
	equal(t, "when", left.Deleted, second.Add(time.Minute))
	equal(t, "what it said", []any{left.Texts, left.Tags, left.Skills, left.Budget}, []any{[]node.Text(nil), []string(nil), []node.Skill(nil), (*node.Money)(nil)})
	news := x.news()
	d := news[len(news)-1]
	equal(t, "Delete", []any{d.Verb, d.ObjectIRI, d.Object.Type, d.By, d.Served}, []any{node.Delete, iri, "Tombstone", "bea", true})
}

func TestTextsAndTagsArePutInOrder(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	o := opening("  Baker & miller \n")
	o.Texts[0].Source, o.Tags = "a < b", []string{" #bread", "", "#", "salt"}
	iri := x.publish(o)
	b := x.object(iri).Common()
	equal(t, "title", b.Title(), "Baker & miller")
	equal(t, "html", b.Texts[0].HTML, "<p>a &lt; b</p>")
	equal(t, "tags", b.Tags, []string{"bread", "salt"})

	p := project("House")
	p.Description, p.Lessons = []node.Text{{Source: "long"}}, []node.Text{{Source: "late"}}
	x.publish(p)
	got := x.object(p.IRI).(*node.Project)
	equal(t, "long texts", []string{got.Description[0].HTML, got.Lessons[0].HTML}, []string{"<p>long</p>", "<p>late</p>"})

	wrong := post("Bread")
	wrong.Texts[0].Lang = "Galician!"
	wantError(t, x.Publish(t.Context(), "", wrong), node.Invalid, "not a language", "gl, es")
	wrong = post("Bread")
	wrong.Audience = "friends"
	wantError(t, x.Publish(t.Context(), "", wrong), node.Invalid, "public, unlisted, followers, direct", "friends")
}

func TestAnswerOfOurs(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana, bea := x.following("sea.example", "ana"), x.following("hill.example", "bea")
	root := note(ana, "1", "How do you pool money?")
	reply := note(bea, "2", "By a guild")
	reply.InReplyTo = root.IRI
	private := note(ana, "3", "Between us")
	private.Audience, private.To = node.Direct, []string{x.Links.Actor()}
	x.receive(create(root), create(reply), create(private))
	answer := func(to string) *node.Post {
		p := post("So do we")
		p.InReplyTo = to
		return p
	}

	ours := answer(base + "/posts/" + node.RemoteID(reply.IRI)) // the page on which we read it
	x.publish(ours)
	equal(t, "place", []string{ours.InReplyTo, ours.Thread}, []string{reply.IRI, root.IRI})
	equal(t, "mentions", ours.Mentions, []node.Mention{{Actor: bea.IRI, Address: "@bea@hill.example"}})
	equal(t, "heard by", x.wantNews(node.Create)[0].Inboxes, []string{bea.Inbox})

	again := answer(ours.IRI)
	x.publish(again)
	equal(t, "to ourselves", []any{again.Thread, len(again.Mentions)}, []any{root.IRI, 0})

	members := note(ana, "4", "For those who follow me")
	members.Audience = node.Followers
	x.receive(create(members))
	narrow := answer(members.IRI)
	x.publish(narrow)
	equal(t, "an answer is for no more than what it answers", x.object(narrow.IRI).Common().Audience, node.Followers)

	direct := answer(private.IRI)
	x.publish(direct)
	stored := x.object(direct.IRI).Common()
	equal(t, "a direct answer stays direct", stored.Audience, node.Direct)
	x.news()

	wantError(t, x.Publish(t.Context(), "", answer("https://sea.example/unknown")), node.NotFound, "does not know", "coopnode inspect")
	x.receive(&node.Act{IRI: root.IRI + "/d", Verb: node.Delete, Actor: ana.IRI, ObjectIRI: root.IRI})
	wantError(t, x.Publish(t.Context(), "", answer(root.IRI)), node.Gone, "deleted on")
	draft := post("Not yet")
	draft.Draft = true
	x.publish(draft)
	wantError(t, x.Publish(t.Context(), "", answer(draft.IRI)), node.Invalid, "Publish it first")
	x.wantNews()
}

// TestEditsAtOnceAllCount: who decides from what it reads has locked it first (decisions 7).
func TestEditsAtOnceAllCount(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	iri := x.publish(post("Bread"))
	x.news()
	const people = 16
	var wg sync.WaitGroup
	for i := range people {
		wg.Go(func() {
			_, err := x.Edit(t.Context(), "", iri, func(o node.Object) error {
				b := o.Common()
				b.Tags = append(b.Tags, fmt.Sprint("t", i))
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	equal(t, "tags", len(x.object(iri).Common().Tags), people)
	news := x.news()
	times := map[time.Time]bool{}
	for _, s := range news {
		times[s.Object.Updated] = true
	}
	equal(t, "acts, and times that others can tell apart", []int{len(news), len(times)}, []int{people, people})
	equal(t, "last", x.object(iri).Common().Updated, second.Add(people*time.Second))
	equal(t, "the newest act carries what is stored", news[people-1].Object, x.document(iri))
	if !slices.IsSortedFunc(news, func(a, b said) int { return a.Object.Updated.Compare(b.Object.Updated) }) {
		t.Error("the acts do not stand in the order of their times")
	}
}

func TestObjectByIDAddressOrPage(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	o := opening("Baker wanted")
	x.publish(o)
	foreign := note(x.following("sea.example", "ana"), "1", "Salt")
	x.receive(create(foreign))
	for _, ref := range []string{o.ID, o.IRI, o.URL} {
		equal(t, ref, x.object(ref).Common().IRI, o.IRI)
	}
	for _, ref := range []string{node.RemoteID(foreign.IRI), foreign.IRI, base + "/posts/" + node.RemoteID(foreign.IRI)} {
		equal(t, ref, x.object(ref).Common().IRI, foreign.IRI)
	}
	for _, ref := range []string{"", "aaaaaaaaaa", base + "/openings/aaaaaaaaaa", base + "/", strings.ToUpper(o.ID)} {
		if _, err := x.Object(t.Context(), ref); !node.IsNotFound(err) {
			t.Errorf("Object(%q): %v", ref, err)
		}
	}
}
