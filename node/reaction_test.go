package node_test

import (
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

func (x *house) counts(iri string) [2]int {
	x.Helper()
	b := x.object(iri).Common()
	return [2]int{b.Likes, b.Shares}
}

func TestReactionsAreCountedOncePerActor(t *testing.T) {
	t.Parallel()
	for _, v := range []node.Verb{node.Like, node.Announce} {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			x := newHouse(t)
			ana, bea := x.actor("sea.example", "ana"), x.actor("hill.example", "bea")
			iri := x.publish(post("Bread"))
			count := func() int {
				c := x.counts(iri)
				return c[0] + c[1]
			}
			first := says(ana, v, "r1", iri)
			x.receive(first, first, says(ana, v, "r2", iri))
			equal(t, "of one actor", count(), 1)
			x.receive(says(bea, v, "r1", iri))
			equal(t, "of two", count(), 2)
			undo := func(who *node.Actor, id string, inner *node.Act) {
				x.receive(&node.Act{IRI: who.IRI + "/undo/" + id, Verb: node.Undo, Actor: who.IRI, Inner: inner})
			}
			undo(bea, "1", &node.Act{IRI: ana.IRI + "/r2"})
			undo(bea, "2", &node.Act{Verb: v, Actor: ana.IRI, ObjectIRI: iri})
			equal(t, "undone by somebody else", count(), 2)
			undo(ana, "1", &node.Act{IRI: ana.IRI + "/r2"}) // Pleroma names the id alone
			equal(t, "undone by id", count(), 1)
			undo(bea, "3", &node.Act{IRI: bea.IRI + "/unknown", Verb: v, Actor: bea.IRI, ObjectIRI: iri})
			equal(t, "undone by actor and object", count(), 0)
			x.receive(says(bea, v, "r2", iri))
			equal(t, "again", count(), 1)
			undo(bea, "3", &node.Act{IRI: bea.IRI + "/unknown", Verb: v, Actor: bea.IRI, ObjectIRI: iri})
			equal(t, "after an Undo that comes again (Q-3)", count(), 1)
			late := says(ana, v, "r3", iri)
			undo(ana, "2", &node.Act{IRI: late.IRI, Verb: v, Actor: ana.IRI, ObjectIRI: iri})
			x.receive(late)
			equal(t, "after its Undo (Q-4)", count(), 1)
			x.wantNews(node.Create)
		})
	}
}

func TestLikeAndAnnounceDoNotUndoEachOther(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.actor("sea.example", "ana")
	iri := x.publish(post("Bread"))
	x.receive(says(ana, node.Like, "l", iri), says(ana, node.Announce, "a", iri))
	equal(t, "both", x.counts(iri), [2]int{1, 1})
	x.receive(&node.Act{IRI: ana.IRI + "/u", Verb: node.Undo, Actor: ana.IRI, Inner: &node.Act{Verb: node.Like, Actor: ana.IRI, ObjectIRI: iri}})
	equal(t, "one", x.counts(iri), [2]int{0, 1})
}

func TestReactionsThatDoNotCount(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.actor("sea.example", "ana")
	theirs := note(x.following("hill.example", "bea"), "1", "Fish")
	x.receive(create(theirs))
	public := post("Bread")
	gone, draft, some := post("Gone"), post("Draft"), post("Some")
	draft.Draft, some.Audience = true, node.Followers
	for _, p := range []*node.Post{public, gone, draft, some} {
		x.publish(p)
	}
	x.must(x.Delete(t.Context(), "", gone.IRI))
	for i, object := range []string{gone.IRI, draft.IRI, some.IRI, theirs.IRI, public.URL, public.ID, x.Links.Actor(), base + "/ap/posts/aaaaaaaaaa", ""} {
		for _, v := range []node.Verb{node.Like, node.Announce} {
			x.receive(says(ana, v, string(v)+string(rune('a'+i)), object))
		}
	}
	for _, iri := range []string{public.IRI, gone.IRI, draft.IRI, some.IRI, theirs.IRI} {
		equal(t, iri, x.counts(iri), [2]int{})
	}
	equal(t, "timeline", len(x.timeline()), 1)
}

// TestAnnounceBringsAnObjectOnce, whoever brought it.
func TestAnnounceBringsAnObjectOnce(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ponte, trama := x.following("ponte.example", "ponte"), x.following("trama.example", "trama")
	author, stranger := x.actor("sea.example", "ana"), x.actor("new.example", "new")
	share := func(who *node.Actor, id string, at time.Time) *node.Act {
		p := note(author, "1", "<script>Salt") // as it was fetched from its home
		return &node.Act{IRI: who.IRI + "/" + id, Verb: node.Announce, Actor: who.IRI, ObjectIRI: p.IRI, Object: p, Published: at}
	}
	iri := author.IRI + "/1"
	x.receive(share(stranger, "a", second))
	equal(t, "from one whom we do not follow", x.known(iri), false)

	x.receive(share(ponte, "a", second.Add(-time.Minute)))
	equal(t, "cleaned", x.object(iri).Common().TextIn("").HTML, "Salt")
	x.receive(share(trama, "a", second), share(trama, "a", second))
	list := x.timeline()
	equal(t, "entries", len(list), 1)
	equal(t, "entry", []any{list[0].ObjectIRI, list[0].Actor, list[0].At, list[0].SharedBy, list[0].Author.Handle},
		[]any{iri, trama.IRI, second, []string{ponte.IRI, trama.IRI}, "ana"})

	undo := func(who *node.Actor, inner *node.Act) {
		x.receive(&node.Act{IRI: who.IRI + "/undo/" + inner.IRI, Verb: node.Undo, Actor: who.IRI, Inner: inner})
	}
	undo(ponte, &node.Act{IRI: trama.IRI + "/a"})
	equal(t, "undone by the other", len(x.timeline()[0].SharedBy), 2)
	undo(trama, &node.Act{IRI: trama.IRI + "/a"})
	equal(t, "undone by one", []any{len(x.timeline()), x.timeline()[0].SharedBy}, []any{1, []string{ponte.IRI}})
	undo(ponte, &node.Act{IRI: ponte.IRI + "/x", Verb: node.Announce, Actor: ponte.IRI, ObjectIRI: iri})
	equal(t, "undone by both", len(x.timeline()), 0)
	equal(t, "still known", x.known(iri), true)

	// Its author is followed later and brings it as well.
	x.receive(share(ponte, "b", second))
	x.write(func(tx node.Tx) error {
		return tx.SaveFollowed(x.Context(), &node.Following{Actor: author.IRI, State: node.Accepted, FollowIRI: x.Links.Activity("bbbbbbbbbb"), Since: second})
	})
	x.must(x.KeepFound(t.Context(), create(note(author, "1", "Salt"))))
	list = x.timeline()
	equal(t, "brought by both", []any{len(list), list[0].SharedBy}, []any{1, []string{ponte.IRI}})
}

func TestAnnounceOfWhatIsNotForAllIsNotShown(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ponte, author := x.following("ponte.example", "ponte"), x.actor("sea.example", "ana")
	for _, audience := range []node.Audience{node.Followers, node.Direct} {
		p := note(author, string(audience), "Salt")
		p.Audience = audience
		x.receive(&node.Act{IRI: ponte.IRI + "/" + string(audience), Verb: node.Announce, Actor: ponte.IRI, ObjectIRI: p.IRI, Object: p, Published: second})
		equal(t, string(audience), x.known(p.IRI), false)
	}
	x.receive(&node.Act{IRI: ponte.IRI + "/x", Verb: node.Announce, Actor: ponte.IRI, ObjectIRI: author.IRI + "/x", Published: second})
	equal(t, "that could not be fetched", x.known(author.IRI+"/x"), false)
}

// TestAnnounceBringsTheNewerVersion: what was fetched now may be newer than what we hold, and never older.
func TestAnnounceBringsTheNewerVersion(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ponte, author := x.following("ponte.example", "ponte"), x.following("sea.example", "ana")
	x.receive(create(note(author, "1", "Salt")))
	share := func(id, text string, at time.Time, by string) {
		p := note(author, "1", text)
		p.Updated, p.Actor = at, by
		x.receive(&node.Act{IRI: ponte.IRI + "/" + id, Verb: node.Announce, Actor: ponte.IRI, ObjectIRI: p.IRI, Object: p, Published: second})
	}
	text := func() string { return x.object(author.IRI + "/1").Common().TextIn("").HTML }
	share("a", "Sugar<script>", second.Add(time.Second), author.IRI)
	equal(t, "newer", text(), "Sugar")
	share("b", "Pepper", second, author.IRI)
	equal(t, "older", text(), "Sugar")
	share("c", "Mine", second.Add(time.Minute), ponte.IRI)
	equal(t, "with another owner", text(), "Sugar")
}

func TestFetchedMakesAReader(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.actor("sea.example", "ana")
	if err := x.Fetched(t.Context(), base+"/ap/posts/aaaaaaaaaa", ana.IRI); !node.IsNotFound(err) {
		t.Errorf("of something unknown: %v", err)
	}
	theirs := note(x.following("hill.example", "bea"), "1", "Fish")
	x.receive(create(theirs))
	x.must(x.Fetched(t.Context(), theirs.IRI, ana.IRI))
	iri := x.publish(post("Bread"))
	x.must(x.Fetched(t.Context(), iri, ana.IRI))
	x.news()
	x.must(x.Delete(t.Context(), "", iri))
	equal(t, "Delete goes to", x.wantNews(node.Delete)[0].Inboxes, []string{ana.SharedInbox})
}
