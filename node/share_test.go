package node_test

import (
	"slices"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// ORG-11, decisions 17: a share names the object by its id, once, not from before it, for followers and the author.
func TestShare(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.actor("sea.example", "ana")
	fan := x.followedBy("hill.example", "fan")
	theirs := note(ana, "1", "<script>Bread")
	theirs.Published = second.Add(400 * time.Millisecond)
	theirs.Updated = theirs.Published
	r, err := x.Share(t.Context(), "bea", theirs) // not held before
	x.must(err)
	equal(t, "kept, cleaned", x.object(theirs.IRI).Common().Texts[0].HTML, "Bread")
	equal(t, "counts", x.counts(theirs.IRI), [2]int{0, 1})
	act := x.wantNews(node.Announce)[0]
	equal(t, "the act", act.ID, r.IRI)
	equal(t, "object, audience and copies", [][]string{{act.ObjectIRI, act.By}, act.To, act.Cc}, [][]string{{theirs.IRI, "bea"}, {node.PublicIRI}, {x.Links.Followers(), ana.IRI}})
	equal(t, "goes to", act.Inboxes, []string{fan.SharedInbox, ana.Inbox})
	equal(t, "listed and served", []bool{act.Listed, act.Served}, []bool{true, true})
	if act.Published.Before(theirs.Published) {
		t.Errorf("published %s, before what it shares: %s", act.Published, theirs.Published)
	}
	line, err := x.Timeline(t.Context(), node.TimelineQuery{})
	x.must(err)
	if len(line) != 1 || !slices.Equal(line[0].SharedBy, []string{x.Links.Actor()}) {
		t.Errorf("the timeline has %+v", line)
	}
	_, err = x.Share(t.Context(), "bea", theirs)
	wantError(t, err, node.Exists, "shared it already")
	x.wantNews()

	x.must(x.Unshare(t.Context(), "bea", theirs.IRI))
	undo := x.wantNews(node.Undo)[0]
	equal(t, "takes back", undo.Inner, &said{ID: r.IRI, Verb: node.Announce, Actor: x.Links.Actor(), ObjectIRI: theirs.IRI})
	equal(t, "Undo goes to", undo.Inboxes, act.Inboxes)
	equal(t, "outbox", len(x.acts(node.ActQuery{Outbox: true})), 0)
	equal(t, "counts", x.counts(theirs.IRI), [2]int{0, 0})
	wantError(t, x.Unshare(t.Context(), "bea", theirs.IRI), node.NotFound, "has not shared")
	wantError(t, x.Unshare(t.Context(), "bea", "https://sea.example/nothing"), node.NotFound)
	_, err = x.Share(t.Context(), "bea", theirs)
	x.must(err)
	x.wantNews(node.Announce)
}

func TestLikeOfOurs(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.actor("sea.example", "ana")
	x.followedBy("hill.example", "fan")
	secret := note(ana, "1", "For you")
	secret.Audience, secret.To = node.Direct, []string{x.Links.Actor()}
	x.receive(create(secret))
	_, err := x.Like(t.Context(), "", secret)
	x.must(err)
	act := x.wantNews(node.Like)[0]
	equal(t, "to", [][]string{act.To, act.Cc, act.Inboxes}, [][]string{{ana.IRI}, nil, {ana.Inbox}})
	equal(t, "listed", act.Listed, false)
	_, err = x.Like(t.Context(), "", secret)
	wantError(t, err, node.Exists, "liked it already")
	x.must(x.Unlike(t.Context(), "", secret.ID))
	equal(t, "Undo goes to", x.wantNews(node.Undo)[0].Inboxes, []string{ana.Inbox})
	wantError(t, x.Unlike(t.Context(), "", secret.ID), node.NotFound, "has not liked")
	_, err = x.Share(t.Context(), "", secret)
	wantError(t, err, node.Invalid, "for some only")
	x.wantNews()
}

func TestWhatCannotBeShared(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.following("sea.example", "ana")
	gone, draft, some := post("Gone"), post("Draft"), post("Some")
	draft.Draft, some.Audience = true, node.Followers
	for _, p := range []*node.Post{gone, draft, some} {
		x.publish(p)
	}
	x.must(x.Delete(t.Context(), "", gone.IRI))
	deleted := note(ana, "1", "Deleted")
	x.receive(create(deleted), says(ana, node.Delete, "d", deleted.IRI))
	late := note(ana, "2", "Deleted before it came")
	x.receive(says(ana, node.Delete, "d2", late.IRI))
	x.news()
	for _, tt := range []struct {
		o    node.Object
		kind node.Kind
	}{{gone, node.Gone}, {draft, node.Invalid}, {some, node.Invalid}, {deleted, node.Gone}, {late, node.NotFound}} {
		if _, err := x.Share(t.Context(), "", tt.o); node.KindOf(err) != tt.kind {
			t.Errorf("share of %s: %v, want kind %d", tt.o.Common().Texts, err, tt.kind)
		}
	}
	ours := x.publish(post("Ours"))
	_, err := x.Share(t.Context(), "", x.object(ours))
	x.must(err)
	equal(t, "copies", x.wantNews(node.Create, node.Announce)[1].Cc, []string{x.Links.Followers()})
}

// What is gone or no longer for everybody is not passed on: the share is taken back (ORG-11).
func TestShareEndsWithWhatItShares(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(x *house, ana *node.Actor, p *node.Post){
		"deleted":                        func(x *house, ana *node.Actor, p *node.Post) { x.receive(says(ana, node.Delete, "d", p.IRI)) },
		"its author is gone":             func(x *house, ana *node.Actor, p *node.Post) { x.receive(says(ana, node.Delete, "d", ana.IRI)) },
		"its author was seen to be gone": func(x *house, ana *node.Actor, p *node.Post) { x.must(x.ActorGone(x.Context(), ana.IRI)) },
		"narrowed": func(x *house, ana *node.Actor, p *node.Post) {
			narrow := note(ana, "1", "Bread")
			narrow.Audience, narrow.Updated = node.Followers, second
			up := create(narrow)
			up.IRI, up.Verb = ana.IRI+"/u", node.Update
			x.receive(up)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newHouse(t)
			ana := x.following("sea.example", "ana")
			fan := x.followedBy("hill.example", "fan")
			p := note(ana, "1", "Bread")
			x.receive(create(p))
			_, err := x.Share(t.Context(), "", p)
			x.must(err)
			x.wantNews(node.Announce)
			end(x, ana, p)
			undo := x.wantNews(node.Undo)[0]
			if undo.Inner.Verb != node.Announce || !slices.Contains(undo.Inboxes, fan.SharedInbox) {
				t.Errorf("said %+v", undo)
			}
			equal(t, "outbox", len(x.acts(node.ActQuery{Outbox: true})), 0)
		})
	}
}

// What was liked can be taken back also when its author is refused since; that one is not told.
func TestUnlikeOfOneRefusedSince(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	theirs := note(x.actor("x.test", "eve"), "1", "<p>Salt</p>")
	_, err := x.Like(t.Context(), "bea", theirs)
	x.must(err)
	x.rules(reject("x.test"))
	x.news()
	x.must(x.Unlike(t.Context(), "bea", theirs.IRI))
	equal(t, "goes to", len(x.wantNews(node.Undo)[0].Inboxes), 0)
	wantError(t, x.Unlike(t.Context(), "bea", theirs.IRI), node.NotFound, "has not liked")
}

// ORG-11: what is ours and was shared is passed on no more once it is deleted.
func TestShareOfOursEndsWithIt(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	x.followedBy("hill.example", "fan")
	ours := x.publish(post("Bread"))
	_, err := x.Share(t.Context(), "bea", x.object(ours))
	x.must(err)
	x.news()
	x.must(x.Delete(t.Context(), "ana", ours))
	undo := x.wantNews(node.Undo, node.Delete)[0]
	equal(t, "taken back by", []string{undo.By, undo.Inner.ObjectIRI}, []string{"ana", ours})
	equal(t, "outbox", len(x.acts(node.ActQuery{Outbox: true})), 0)
}
