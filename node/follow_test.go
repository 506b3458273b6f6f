package node_test

import (
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

func (x *house) followed(actor string) *node.Following {
	x.Helper()
	return x.follow(x.Store().Followed(x.Context(), actor))
}

func (x *house) follower(actor string) *node.Following {
	x.Helper()
	return x.follow(x.Store().Follower(x.Context(), actor))
}

// follow is nil for one that is not there.
func (x *house) follow(f *node.Following, err error) *node.Following {
	x.Helper()
	if node.IsNotFound(err) {
		return nil
	}
	x.must(err)
	return f
}

func TestFollowWaitsForItsAnswer(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	trenza := &node.Actor{IRI: "https://trenza.example/ap/coop", Host: "trenza.example", Handle: "trenza",
		Inbox: "https://trenza.example/ap/coop/inbox", SharedInbox: "https://trenza.example/ap/inbox", Summary: []node.Text{{HTML: "<script>Hi"}}}
	f, err := x.Follow(t.Context(), "ana", trenza)
	x.must(err)
	s := x.wantNews(node.Follow)[0]
	equal(t, "Follow", []any{s.ID, s.ObjectIRI, s.To, s.By, s.Served, s.Listed, s.Inboxes},
		[]any{f.FollowIRI, trenza.IRI, []string{trenza.IRI}, "ana", true, false, []string{trenza.Inbox}})
	equal(t, "stored", x.followed(trenza.IRI), &node.Following{Actor: trenza.IRI, State: node.Pending, FollowIRI: s.ID, Since: second})
	n, err := x.CountFollowing(t.Context())
	x.must(err)
	equal(t, "counted before the answer (ORG-9)", n, 0)
	a, err := x.ActorOf(t.Context(), trenza.IRI)
	x.must(err)
	equal(t, "known, and harmless (HTML-1)", a.Summary[0].HTML, "Hi")

	// ORG-9: until then nothing of theirs is kept.
	early := note(trenza, "1", "Early")
	x.receive(create(early))
	equal(t, "kept before the answer", x.known(early.IRI), false)

	x.pass(time.Minute)
	x.receive(&node.Act{IRI: trenza.IRI + "/accept", Verb: node.Accept, Actor: trenza.IRI, ObjectIRI: s.ID, Inner: &node.Act{IRI: s.ID}})
	x.pass(time.Minute)
	again, err := x.Follow(t.Context(), "ana", trenza)
	x.must(err)
	x.wantNews(node.Follow)
	equal(t, "asked again it stays accepted", []any{again.State, again.Since}, []any{node.Accepted, noon.Add(time.Minute)})
	list, err := x.Following(t.Context(), node.FollowQuery{State: node.Accepted})
	x.must(err)
	equal(t, "listed", []any{len(list), list[0].Who.Handle}, []any{1, "trenza"})
}

func TestFollowIsRefused(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	us, err := x.Profile(t.Context())
	x.must(err)
	f, err := x.Follow(t.Context(), "", us)
	wantError(t, err, node.Invalid, "this coop itself")
	equal(t, "follow", f, nil)
	_, err = x.Follow(t.Context(), "", &node.Actor{IRI: "https://deaf.example/a"})
	wantError(t, err, node.Invalid, "no inbox", "https://deaf.example/a")
	x.wantNews()
}

func TestUnfollow(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.following("sea.example", "ana")
	old := x.followed(ana.IRI).FollowIRI
	x.receive(create(note(ana, "1", "Salt")))
	equal(t, "in the timeline", len(x.timeline()), 1)
	x.must(x.Unfollow(t.Context(), "bea", ana.IRI))
	s := x.wantNews(node.Undo)[0]
	equal(t, "Undo", []any{s.ObjectIRI, s.To, s.By, s.Inboxes}, []any{old, []string{ana.IRI}, "bea", []string{ana.Inbox}})
	equal(t, "it carries the Follow", *s.Inner, said{ID: old, Verb: node.Follow, Actor: x.Links.Actor(), ObjectIRI: ana.IRI})
	equal(t, "followed", x.followed(ana.IRI), nil)
	equal(t, "in the timeline", len(x.timeline()), 0)
	wantError(t, x.Unfollow(t.Context(), "", ana.IRI), node.NotFound)
	x.wantNews()

	late := note(ana, "2", "Fish")
	x.receive(create(late))
	equal(t, "kept after the Undo", x.known(late.IRI), false)
}

func TestAnswerFollower(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	_, err := x.SaveProfile(t.Context(), "", func(a *node.Actor) error { a.ApprovesFollowers = true; return nil })
	x.must(err)
	x.news()
	ana := x.actor("sea.example", "ana")
	follow := says(ana, node.Follow, "follow", x.Links.Actor())
	x.receive(follow)
	equal(t, "waits", x.follower(ana.IRI).State, node.Pending)
	x.wantNews()
	p := post("Bread")
	p.Audience = node.Followers
	x.publish(p)
	equal(t, "hears nothing while it waits (ORG-9)", len(x.wantNews(node.Create)[0].Inboxes), 0)
	x.receive(follow)
	equal(t, "asked again it still waits", x.follower(ana.IRI).State, node.Pending)
	x.wantNews()

	x.must(x.AnswerFollower(t.Context(), "bea", ana.IRI, true))
	s := x.wantNews(node.Accept)[0]
	equal(t, "Accept", []any{s.ObjectIRI, s.To, s.By, s.Inboxes}, []any{follow.IRI, []string{ana.IRI}, "bea", []string{ana.Inbox}})
	equal(t, "it carries the Follow", *s.Inner, said{ID: follow.IRI, Verb: node.Follow, Actor: ana.IRI, ObjectIRI: x.Links.Actor()})
	n, err := x.CountFollowers(t.Context())
	x.must(err)
	equal(t, "counted", n, 1)

	x.must(x.AnswerFollower(t.Context(), "bea", ana.IRI, false))
	s = x.wantNews(node.Reject)[0]
	equal(t, "Reject", []any{s.ObjectIRI, s.Inner.Verb, s.Inboxes}, []any{follow.IRI, node.Follow, []string{ana.Inbox}})
	equal(t, "follower", x.follower(ana.IRI), nil)
	wantError(t, x.AnswerFollower(t.Context(), "", ana.IRI, true), node.NotFound)

	x.receive(follow) // some servers give every follow of theirs the same id
	equal(t, "asked anew", x.follower(ana.IRI).State, node.Pending)
	x.wantNews()
}

func (x *house) timeline() []*node.TimelineEntry {
	x.Helper()
	list, err := x.Timeline(x.Context(), node.TimelineQuery{})
	x.must(err)
	return list
}
