package node_test

import (
	"errors"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// TestReceiveMarksTheLetterDone: the effect of a letter and its end are one transaction.
func TestReceiveMarksTheLetterDone(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.following("sea.example", "ana")
	waiting := func() int {
		list, err := x.Store().Letters(t.Context(), x.Now(), 0, nil, 10)
		x.must(err)
		return len(list)
	}
	arrive := func(a *node.Act) (l *node.Letter, fresh bool) {
		l = &node.Letter{IRI: a.IRI, Actor: a.Actor, Host: "sea.example", Verb: string(a.Verb), Raw: []byte("{}"), Received: second}
		x.write(func(tx node.Tx) (err error) {
			fresh, err = tx.KeepLetter(x.Context(), l)
			return err
		})
		return l, fresh
	}
	follow := says(ana, node.Follow, "follow", x.Links.Actor())
	l, _ := arrive(follow)
	x.enc.breakAt("Accept")
	if err := x.Receive(t.Context(), l, follow); !errors.Is(err, errEncoder) {
		t.Fatalf("got error %v", err)
	}
	x.enc.breakAt("")
	equal(t, "waits after a failure", waiting(), 1)
	equal(t, "follower after a failure", x.follower(ana.IRI), nil)
	x.must(x.Receive(t.Context(), l, follow))
	equal(t, "waits after its effect", waiting(), 0)
	equal(t, "follower", x.follower(ana.IRI).State, node.Accepted)
	x.wantNews(node.Accept)

	for _, a := range []*node.Act{
		create(note(ana, "1", "Salt")),
		{IRI: ana.IRI + "/quote", Verb: "QuoteRequest", Actor: ana.IRI}, // no effect, but done
		{IRI: ana.IRI + "/nothing", Actor: ana.IRI},
	} {
		l, _ := arrive(a)
		x.must(x.Receive(t.Context(), l, a))
		equal(t, string(a.Verb)+" waits", waiting(), 0)
		_, again := arrive(a)
		equal(t, string(a.Verb)+" is kept again", again, false)
	}
	x.wantNews()
}

func TestWants(t *testing.T) {
	t.Parallel()
	for _, v := range []node.Verb{node.Follow, node.Undo, node.Accept, node.Reject, node.Create, node.Update, node.Delete, node.Like, node.Announce, node.Block, node.Flag, node.Move, node.QuoteRequest,
		node.Join, node.Invite, node.Leave, node.Add, node.Remove} {
		equal(t, string(v), node.Wants(v), true)
	}
	for _, v := range []node.Verb{node.TentativeAccept, "Offer", "create", ""} {
		equal(t, string(v), node.Wants(v), false)
	}
}

func TestReceiveFollow(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.actor("sea.example", "ana")
	follow := says(ana, node.Follow, "follow", x.Links.Actor())
	x.receive(follow)
	s := x.wantNews(node.Accept)[0]
	equal(t, "Accept", []any{s.ObjectIRI, *s.Inner, s.Inboxes}, []any{
		follow.IRI, said{ID: follow.IRI, Verb: node.Follow, Actor: ana.IRI, ObjectIRI: x.Links.Actor()}, []string{ana.Inbox},
	})
	since := x.Now()
	equal(t, "follower", x.follower(ana.IRI), &node.Following{Actor: ana.IRI, State: node.Accepted, FollowIRI: follow.IRI, Since: since})

	// The Accept may have been lost: repeated, with the same id or another, it gets one again (decisions 23).
	x.pass(time.Hour)
	x.receive(follow)
	equal(t, "same id", x.wantNews(node.Accept)[0].ObjectIRI, follow.IRI)
	other := says(ana, node.Follow, "follow-2", x.Links.Actor())
	x.receive(other)
	equal(t, "another id", x.wantNews(node.Accept)[0].ObjectIRI, other.IRI)
	equal(t, "since", x.follower(ana.IRI).Since, since)
	n, err := x.CountFollowers(t.Context())
	x.must(err)
	equal(t, "followers", n, 1)

	for _, object := range []string{node.PublicIRI, x.Links.Followers(), ana.IRI, base} {
		x.receive(says(x.actor("relay.example", "relay"), node.Follow, "f "+object, object))
	}
	equal(t, "a Follow of something else", x.follower("https://relay.example/users/relay"), nil)
	x.wantNews()
}

func TestReceiveUndoFollow(t *testing.T) {
	t.Parallel()
	const us = base + "/ap/coop"
	for _, tt := range []struct {
		name  string
		inner func(ana, eve *node.Actor) *node.Act
		who   string // "ana" if empty
		gone  bool
	}{
		{"as it was sent", func(ana, _ *node.Actor) *node.Act {
			return &node.Act{IRI: ana.IRI + "/follow", Verb: node.Follow, Actor: ana.IRI, ObjectIRI: us}
		}, "", true},
		{"by its id alone", func(ana, _ *node.Actor) *node.Act { return &node.Act{IRI: ana.IRI + "/follow"} }, "", true},
		{"by its id and type", func(ana, _ *node.Actor) *node.Act {
			return &node.Act{IRI: ana.IRI + "/follow", Verb: node.Follow}
		}, "", true},
		{"of an id never sent", func(ana, _ *node.Actor) *node.Act {
			return &node.Act{IRI: ana.IRI + "/unknown", Verb: node.Follow, Actor: ana.IRI, ObjectIRI: us}
		}, "", true},
		{"without an id", func(ana, _ *node.Actor) *node.Act {
			return &node.Act{Verb: node.Follow, Actor: ana.IRI, ObjectIRI: us}
		}, "", true},
		{"of an id never sent, alone", func(ana, _ *node.Actor) *node.Act { return &node.Act{IRI: ana.IRI + "/unknown"} }, "", false},
		{"of a Follow of somebody else", func(ana, _ *node.Actor) *node.Act {
			return &node.Act{IRI: ana.IRI + "/f", Verb: node.Follow, Actor: ana.IRI, ObjectIRI: "https://hill.example/a"}
		}, "", false},
		{"of a Like", func(ana, _ *node.Actor) *node.Act {
			return &node.Act{IRI: ana.IRI + "/like", Verb: node.Like, Actor: ana.IRI, ObjectIRI: us}
		}, "", false},
		{"of nothing", func(_, _ *node.Actor) *node.Act { return nil }, "", false},
		{"by a stranger", func(ana, _ *node.Actor) *node.Act {
			return &node.Act{IRI: ana.IRI + "/follow", Verb: node.Follow, Actor: ana.IRI, ObjectIRI: us}
		}, "eve", false},
		{"by a stranger, by id alone", func(ana, _ *node.Actor) *node.Act { return &node.Act{IRI: ana.IRI + "/follow"} }, "eve", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x := newHouse(t)
			ana, eve := x.actor("sea.example", "ana"), x.actor("sea.example", "eve") // of one server
			x.receive(says(ana, node.Follow, "follow", us))
			x.news()
			who := ana
			if tt.who == "eve" {
				who = eve
			}
			x.receive(&node.Act{IRI: who.IRI + "/undo", Verb: node.Undo, Actor: who.IRI, Inner: tt.inner(ana, eve)})
			equal(t, "gone", x.follower(ana.IRI) == nil, tt.gone)
			x.wantNews()
		})
	}
}

// TestReceiveFollowAfterItsUndo: letters may overtake each other.
func TestReceiveFollowAfterItsUndo(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana, eve := x.actor("sea.example", "ana"), x.actor("eve.example", "eve")
	follow := says(ana, node.Follow, "follow", x.Links.Actor())
	undo := &node.Act{IRI: ana.IRI + "/undo", Verb: node.Undo, Actor: ana.IRI, Inner: &node.Act{IRI: follow.IRI, Verb: node.Follow, Actor: ana.IRI, ObjectIRI: x.Links.Actor()}}
	x.receive(undo, follow)
	equal(t, "follower", x.follower(ana.IRI), nil)
	x.wantNews()
	x.receive(follow, follow)
	equal(t, "follower after repeating it", x.follower(ana.IRI), nil)
	x.wantNews()
	x.receive(says(ana, node.Follow, "follow-2", x.Links.Actor()))
	equal(t, "a new Follow counts", x.follower(ana.IRI).State, node.Accepted)
	x.wantNews(node.Accept)

	// Nobody can undo what others will say.
	later := says(ana, node.Follow, "follow-3", x.Links.Actor())
	x.receive(&node.Act{IRI: eve.IRI + "/undo", Verb: node.Undo, Actor: eve.IRI, Inner: &node.Act{IRI: later.IRI}}, later)
	equal(t, "undone by a stranger", x.follower(ana.IRI).FollowIRI, later.IRI)
}

func TestReceiveAnswerToOurFollow(t *testing.T) {
	t.Parallel()
	type answer struct {
		verb  node.Verb
		who   string // who answers: "ana" was asked, "eve" was not
		inner func(follow, ana string) *node.Act
	}
	byID := func(follow, _ string) *node.Act { return &node.Act{IRI: follow} }
	whole := func(follow, ana string) *node.Act {
		return &node.Act{IRI: follow, Verb: node.Follow, Actor: base + "/ap/coop", ObjectIRI: ana}
	}
	for _, tt := range []struct {
		name    string
		answers []answer
		want    node.FollowState
		task    bool
	}{
		{"accepted by id", []answer{{node.Accept, "ana", byID}}, node.Accepted, true},
		{"accepted with the Follow in it", []answer{{node.Accept, "ana", whole}}, node.Accepted, true},
		{"accepted with another id for it", []answer{{node.Accept, "ana", func(_, ana string) *node.Act { return whole(ana+"/x", ana) }}}, node.Accepted, true},
		{"rejected", []answer{{node.Reject, "ana", byID}}, node.Rejected, false},
		{"removed later", []answer{{node.Accept, "ana", byID}, {node.Reject, "ana", whole}}, node.Rejected, true},
		{"an Accept after the Reject comes too late", []answer{{node.Reject, "ana", byID}, {node.Accept, "ana", byID}}, node.Rejected, false},
		{"from one who was not asked", []answer{{node.Accept, "eve", byID}}, node.Pending, false},
		{"from one who was not asked, with the Follow in it", []answer{{node.Accept, "eve", whole}}, node.Pending, false},
		{"a Reject from one who was not asked", []answer{{node.Reject, "eve", whole}}, node.Pending, false},
		{"of nothing", []answer{{node.Accept, "ana", func(_, _ string) *node.Act { return nil }}}, node.Pending, false},
		{"of another Follow", []answer{{node.Accept, "ana", func(_, _ string) *node.Act { return &node.Act{IRI: "https://mill.example/ap/activities/x"} }}}, node.Pending, false},
		{"of a Follow of somebody else", []answer{{node.Accept, "ana", func(_, ana string) *node.Act {
			return &node.Act{Verb: node.Follow, Actor: "https://eve.example/users/eve", ObjectIRI: ana}
		}}}, node.Pending, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x := newHouse(t)
			who := map[string]*node.Actor{"ana": x.actor("sea.example", "ana"), "eve": x.actor("eve.example", "eve")}
			f, err := x.Follow(t.Context(), "", who["ana"])
			x.must(err)
			x.news()
			for i, a := range tt.answers {
				x.pass(time.Minute)
				from := who[a.who]
				x.receive(&node.Act{IRI: from.IRI + "/" + string(a.verb), Verb: a.verb, Actor: from.IRI, Inner: a.inner(f.FollowIRI, who["ana"].IRI)})
				if i == 0 && x.followed(who["ana"].IRI).State != node.Pending {
					equal(t, "since", x.followed(who["ana"].IRI).Since, x.Now())
				}
			}
			equal(t, "state", x.followed(who["ana"].IRI).State, tt.want)
			equal(t, "eve", x.followed(who["eve"].IRI), nil)
			tasks, err := x.Store().DueTasks(t.Context(), x.Now(), 10)
			x.must(err)
			var subjects []string
			for _, task := range tasks {
				switch task.Kind {
				case node.TaskBackfill:
					subjects = append(subjects, task.Subject)
				case node.TaskDiscover:
				default:
					t.Errorf("a task %s", task.Kind)
				}
			}
			want := []string(nil)
			if tt.task {
				want = []string{who["ana"].IRI}
			}
			equal(t, "outbox to read back", subjects, want)
			x.wantNews()
		})
	}
	x := newHouse(t)
	x.receive(&node.Act{IRI: "https://eve.example/a", Verb: node.Accept, Actor: "https://eve.example/users/eve", Inner: &node.Act{IRI: x.Links.Activity("aaaaaaaaaa")}})
	equal(t, "nobody was asked", x.followed("https://eve.example/users/eve"), nil)
}

func TestReceiveUpdateOfActor(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana, eve := x.actor("sea.example", "ana"), x.actor("sea.example", "eve")
	fresh := func(iri string) *node.Actor {
		return &node.Actor{IRI: iri, Handle: "ana", Host: "sea.example", Name: "Ana & Co", Inbox: ana.Inbox, KeyID: "other", KeyPEM: "other",
			Summary: []node.Text{{HTML: "<script>Hi", Source: "Hi"}}}
	}
	update := func(who *node.Actor, id string, subject *node.Actor) {
		x.receive(&node.Act{IRI: who.IRI + "/" + id, Verb: node.Update, Actor: who.IRI, ObjectIRI: subject.IRI, Subject: subject})
	}
	update(eve, "1", fresh(ana.IRI))
	got, err := x.ActorOf(t.Context(), ana.IRI)
	x.must(err)
	equal(t, "changed by somebody else", got.Name, "ana")
	update(ana, "1", fresh(ana.IRI))
	got, err = x.ActorOf(t.Context(), ana.IRI)
	x.must(err)
	equal(t, "changed", []any{got.Name, got.Summary}, []any{"Ana & Co", []node.Text{{HTML: "Hi"}}})
	equal(t, "its key never comes this way (SIG-11)", []any{got.KeyID, got.KeyPEM, got.Fetched}, []any{ana.KeyID, ana.KeyPEM, ana.Fetched.Truncate(time.Millisecond)})

	stranger := &node.Actor{IRI: "https://new.example/a"}
	update(stranger, "1", fresh(stranger.IRI))
	if _, err := x.ActorOf(t.Context(), stranger.IRI); !node.IsNotFound(err) {
		t.Errorf("an actor that nobody asked for is kept: %v", err)
	}
	us, err := x.Profile(t.Context())
	x.must(err)
	update(us, "1", fresh(us.IRI))
	after, err := x.Profile(t.Context())
	x.must(err)
	equal(t, "ours", after, us)
}

func TestReceiveDeleteOfActor(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana, eve := x.following("sea.example", "ana"), x.actor("sea.example", "eve")
	x.receive(says(ana, node.Follow, "follow", x.Links.Actor()))
	ours := x.publish(post("Bread"))
	theirs := note(ana, "1", "Salt")
	answer := note(ana, "2", "With salt")
	answer.InReplyTo = ours
	x.receive(create(theirs), create(answer), says(ana, node.Like, "like", ours))
	b := x.object(ours).Common()
	equal(t, "before", []int{b.Likes, b.Replies, len(x.timeline())}, []int{1, 1, 2})
	x.news()

	x.receive(&node.Act{IRI: eve.IRI + "/d", Verb: node.Delete, Actor: eve.IRI, ObjectIRI: ana.IRI})
	equal(t, "deleted by somebody else", x.known(theirs.IRI), true)
	x.receive(&node.Act{IRI: ana.IRI + "/d", Verb: node.Delete, Actor: ana.IRI, ObjectIRI: ana.IRI})
	x.forgotten(ana, theirs, ours)
	x.receive(create(note(ana, "1", "Salt")))
	equal(t, "a late Create", x.known(theirs.IRI), false)

	us, err := x.Profile(t.Context())
	x.must(err)
	x.receive(&node.Act{IRI: us.IRI + "/d", Verb: node.Delete, Actor: us.IRI, ObjectIRI: us.IRI})
	equal(t, "ours", x.known(ours), true)
}

func TestActorGone(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.following("sea.example", "ana")
	x.receive(says(ana, node.Follow, "follow", x.Links.Actor()))
	ours := x.publish(post("Bread"))
	theirs := note(ana, "1", "Salt")
	x.receive(create(theirs), says(ana, node.Like, "like", ours))
	x.must(x.ActorGone(t.Context(), ana.IRI))
	x.forgotten(ana, theirs, ours)
}

// forgotten checks that nothing is left of who, who wrote theirs and liked ours.
func (x *house) forgotten(who *node.Actor, theirs node.Object, ours string) {
	x.Helper()
	a, err := x.ActorOf(x.Context(), who.IRI)
	x.must(err)
	b := x.object(ours).Common()
	equal(x, "gone, follower, followed, object, likes, replies, timeline",
		[]any{!a.Gone.IsZero(), x.follower(who.IRI), x.followed(who.IRI), x.known(theirs.Common().IRI), b.Likes, b.Replies, len(x.timeline())},
		[]any{true, (*node.Following)(nil), (*node.Following)(nil), false, 0, 0, 0})
}

// TestReceiveTheSameIDsAgain: Misskey and Pixelfed name each follow and its end the same every time.
func TestReceiveTheSameIDsAgain(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.actor("misskey.example", "ana")
	follow := says(ana, node.Follow, "follows/us", x.Links.Actor())
	undo := &node.Act{IRI: follow.IRI + "/undo", Verb: node.Undo, Actor: ana.IRI, Inner: &node.Act{IRI: follow.IRI, Verb: node.Follow, Actor: ana.IRI, ObjectIRI: x.Links.Actor()}}
	for range 3 {
		x.receive(follow)
		equal(t, "follows", x.follower(ana.IRI) != nil, true)
		x.wantNews(node.Accept)
		x.receive(undo)
		equal(t, "has gone", x.follower(ana.IRI), nil)
	}

	// And an Accept of ours may have the id of an earlier one.
	accept := &node.Act{IRI: ana.IRI + "/accepts/us", Verb: node.Accept, Actor: ana.IRI, Inner: &node.Act{Verb: node.Follow, Actor: x.Links.Actor(), ObjectIRI: ana.IRI}}
	for range 2 {
		_, err := x.Follow(t.Context(), "", ana)
		x.must(err)
		x.receive(accept)
		equal(t, "we follow", x.followed(ana.IRI).State, node.Accepted)
		x.must(x.Unfollow(t.Context(), "", ana.IRI))
	}
}

// TestReceiveOlderUpdateOfActor: letters may overtake each other.
func TestReceiveOlderUpdateOfActor(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.actor("sea.example", "ana")
	for i, at := range []time.Duration{2 * time.Hour, time.Hour} {
		fresh := &node.Actor{IRI: ana.IRI, Handle: "ana", Host: "sea.example", Name: []string{"new", "old"}[i], Inbox: ana.Inbox, Updated: second.Add(at)}
		x.receive(&node.Act{IRI: ana.IRI + "/" + fresh.Name, Verb: node.Update, Actor: ana.IRI, ObjectIRI: ana.IRI, Subject: fresh})
	}
	got, err := x.ActorOf(t.Context(), ana.IRI)
	x.must(err)
	equal(t, "name", got.Name, "new")
}
