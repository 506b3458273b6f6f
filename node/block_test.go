package node_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/coopnode/coopnode/node"
)

// reject is a rule that allows no contact.
func reject(target string) *node.Rule {
	return &node.Rule{Target: target, Severity: node.SeverityReject}
}

func limit(target string) *node.Rule {
	return &node.Rule{Target: target, Severity: node.SeverityLimit}
}

// rules makes rules.
func (x *house) rules(set ...*node.Rule) *node.RuleChange {
	x.Helper()
	done, err := x.ChangeRules(x.Context(), "ana", set, nil)
	x.must(err)
	return done
}

// unrule takes rules away.
func (x *house) unrule(drop ...*node.Rule) *node.RuleChange {
	x.Helper()
	done, err := x.ChangeRules(x.Context(), "ana", nil, drop)
	x.must(err)
	return done
}

// seen is where a post is found: by its address, among posts for us, on pages, in its count, in the timeline, as
// an answer.
func (x *house) seen(p *node.Post) (places []string) {
	x.Helper()
	has := func(place string, q node.ObjectQuery) {
		list, _, err := x.Objects(x.Context(), q)
		x.must(err)
		n, err := x.Count(x.Context(), q)
		x.must(err)
		for _, o := range list {
			if o.Common().IRI == p.IRI {
				places = append(places, fmt.Sprint(place, n))
			}
		}
	}
	if x.known(p.IRI) {
		places = append(places, "address")
	}
	has("list", node.ObjectQuery{Type: node.TypePost, Actor: p.Actor})
	has("page", node.ObjectQuery{Type: node.TypePost, Actor: p.Actor, Listed: true})
	if p.InReplyTo != "" {
		has("answer", node.ObjectQuery{InReplyTo: p.InReplyTo, Listed: true})
		places = append(places, fmt.Sprint("counted", x.object(p.InReplyTo).Common().Replies))
	}
	lines, err := x.Timeline(x.Context(), node.TimelineQuery{})
	x.must(err)
	for _, e := range lines {
		if e.ObjectIRI == p.IRI {
			places = append(places, fmt.Sprint("timeline", len(e.SharedBy), e.Object.Common().Moderation))
		}
	}
	return places
}

// MOD-1, MOD-4: a reject ends follows both ways without a word, drops what waits, hides what is kept; when it ends,
// what was hidden is there again.
func TestReject(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"x.test", "https://a.x.test/users/eve"} {
		x := newHouse(t)
		eve, fay, nat := x.following("a.x.test", "eve"), x.followedBy("sea.example", "fay"), x.following("notx.test", "nat")
		x.write(func(tx node.Tx) error {
			for _, a := range []*node.Actor{eve, nat} {
				if err := tx.SaveFollower(x.Context(), &node.Following{Actor: a.IRI, State: node.Accepted, FollowIRI: a.IRI + "#f", Since: second}); err != nil {
					return err
				}
			}
			return nil
		})
		ours := x.publish(post("Who has a van?"))
		by, other := note(eve, "1", "<p>spam</p>"), note(nat, "1", "<p>fine</p>")
		by.InReplyTo = ours
		x.receive(create(by), create(other), says(eve, node.Like, "like", ours), says(nat, node.Like, "like", ours))
		before := x.seen(by)
		equal(t, "at first", before, []string{"address", "list1", "page1", "answer1", "counted1", "timeline0"})
		x.news()

		done := x.rules(reject(target))
		waiting := 1 // the post, to the inbox that eve shares with others of its server
		if target != "x.test" {
			waiting = 0 // and those may want it
		}
		equal(t, "done to "+target, *done, node.RuleChange{Set: 1, Followers: 1, Following: 1, Deliveries: waiting, Hidden: 1})
		x.wantNews()
		equal(t, "hidden", x.seen(by), []string{"counted0"})
		equal(t, "of others", x.seen(other), []string{"address", "list1", "page1", "timeline0"})
		equal(t, "likes", x.object(ours).Common().Likes, 1)
		_, err := x.Store().Follower(t.Context(), eve.IRI)
		wantError(t, err, node.NotFound)
		_, err = x.Store().Followed(t.Context(), eve.IRI)
		wantError(t, err, node.NotFound)
		_, err = x.Store().Follower(t.Context(), nat.IRI)
		x.must(err)

		// New ones are not made, for followers, for readers and by name.
		direct := post("@eve")
		direct.Audience, direct.To = node.Direct, []string{eve.IRI, fay.IRI}
		x.publish(direct)
		for _, s := range x.news() {
			for _, inbox := range s.Inboxes {
				if inbox != fay.Inbox {
					t.Errorf("%s goes to %s", s.Verb, inbox)
				}
			}
		}
		_, err = x.Follow(t.Context(), "ana", eve)
		wantError(t, err, node.Forbidden, "coopnode block show")

		equal(t, "again", *x.rules(reject(target)), node.RuleChange{})
		equal(t, "undone", *x.unrule(reject(target)), node.RuleChange{Dropped: 1, Shown: 1})
		equal(t, "seen again", x.seen(by), before)
		equal(t, "likes again", x.object(ours).Common().Likes, 2)
	}
}

// MOD-3: what a refused author wrote is hidden also where somebody else brings it, now or later; and
// what a refused one brings of others.
func TestSharedIsHidden(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana, eve, bob := x.following("sea.example", "ana"), x.actor("x.test", "eve"), x.following("y.test", "bob")
	share := func(who *node.Actor, p *node.Post, id string) {
		a := says(who, node.Announce, id, p.IRI)
		a.Object = p
		x.receive(a)
	}
	early, late, fine := note(eve, "early", "<p>1</p>"), note(eve, "late", "<p>2</p>"), note(ana, "fine", "<p>3</p>")
	share(ana, early, "s1")
	x.receive(create(fine))
	share(bob, fine, "s2")
	equal(t, "shared", x.seen(early), []string{"address", "list1", "page1", "timeline1"})
	equal(t, "shared by bob", x.seen(fine), []string{"address", "list1", "page1", "timeline1"})
	x.rules(reject("x.test"), reject("y.test"))
	share(ana, late, "s3")
	equal(t, "hidden", x.seen(early), nil)
	equal(t, "not taken", x.seen(late), nil)
	equal(t, "without bob", x.seen(fine), []string{"address", "list1", "page1", "timeline0"})
	x.unrule(reject("x.test"), reject("y.test"))
	equal(t, "seen again", x.seen(early), []string{"address", "list1", "page1", "timeline1"})
	equal(t, "not kept", x.seen(late), nil)
	equal(t, "with bob", x.seen(fine), []string{"address", "list1", "page1", "timeline1"})
}

// MOD-1, MOD-6: what a limited host or actor writes is taken in and shown to us alone, marked.
func TestLimit(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"x.test", "https://x.test/users/eve"} {
		x := newHouse(t)
		eve := x.following("x.test", "eve")
		ours := x.publish(post("Who has a van?"))
		old, fresh := note(eve, "1", "<p>loud</p>"), note(eve, "2", "<p>louder</p>")
		old.InReplyTo, fresh.InReplyTo = ours, ours
		x.receive(create(old))
		equal(t, "done", *x.rules(limit(target)), node.RuleChange{Set: 1, Hidden: 1})
		x.receive(create(fresh))
		equal(t, "old", x.seen(old), []string{"address", "list2", "counted0", "timeline0limit"})
		equal(t, "fresh", x.seen(fresh), []string{"address", "list2", "counted0", "timeline0limit"})
		f, err := x.Store().Followed(t.Context(), eve.IRI)
		x.must(err)
		equal(t, "follow", f.State, node.Accepted)
		x.unrule(limit(target))
		equal(t, "undone", x.seen(fresh), []string{"address", "list2", "page2", "answer2", "counted2", "timeline0"})
	}
}

// A letter that the door took before the rule was made has no effect after it, and may come again later.
func TestReceiveAfterReject(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	eve := x.actor("x.test", "eve")
	x.rules(reject("x.test"))
	follow := says(eve, node.Follow, "f", x.Links.Actor())
	x.receive(follow)
	x.wantNews()
	_, err := x.Store().Follower(t.Context(), eve.IRI)
	wantError(t, err, node.NotFound)
	x.unrule(reject("x.test"))
	x.receive(follow)
	x.wantNews(node.Accept)
}

// The allow list hides and ends what is not on it, also what comes by way of others (MOD-1).
func TestAllowList(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana, eve := x.following("a.sea.example", "ana"), x.following("x.test", "eve")
	mine, hers := note(ana, "1", "<p>1</p>"), note(eve, "1", "<p>2</p>")
	x.receive(create(mine), create(hers))
	everybody := &node.Rule{Target: node.Everybody, Severity: node.SeverityReject}
	done := x.rules(&node.Rule{Target: "sea.example", Allow: true}, everybody)
	equal(t, "done", *done, node.RuleChange{Set: 2, Following: 1, Hidden: 1})
	equal(t, "on the list", x.seen(mine), []string{"address", "list1", "page1", "timeline0"})
	equal(t, "not on it", x.seen(hers), nil)
	x.unrule(everybody)
	equal(t, "off", x.seen(hers), []string{"address", "list1", "page1", "timeline0"})
}

func TestTryRules(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	eve := x.following("x.test", "eve")
	p := note(eve, "1", "<p>1</p>")
	x.receive(create(p))
	would, err := x.TryRules(t.Context(), []*node.Rule{reject("x.test")}, nil)
	x.must(err)
	equal(t, "would", *would, node.RuleChange{Set: 1, Following: 1, Hidden: 1})
	rules, err := x.Rules(t.Context())
	x.must(err)
	equal(t, "rules", len(rules), 0)
	equal(t, "seen", x.seen(p), []string{"address", "list1", "page1", "timeline0"})
	_, err = x.TryRules(t.Context(), []*node.Rule{reject("X.test")}, nil)
	wantError(t, err, node.Invalid)
	would, err = x.TryRules(t.Context(), nil, nil)
	x.must(err)
	equal(t, "nothing", *would, node.RuleChange{})
}

// MOD-4: deleting is a second step of its own, for those whom a rule rejects.
func TestPurge(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	eve, nat := x.following("a.x.test", "eve"), x.following("notx.test", "nat")
	ours := x.publish(post("Who has a van?"))
	gone, kept := note(eve, "1", "<p>1</p>"), note(nat, "1", "<p>2</p>")
	x.receive(create(gone), create(kept), says(eve, node.Like, "l", ours))
	for _, r := range []*node.Rule{nil, limit("x.test")} {
		if r != nil {
			x.rules(r)
		}
		_, _, err := x.Purge(t.Context(), "ana", "x.test")
		wantError(t, err, node.Invalid, "Only what is rejected")
	}
	x.rules(reject("x.test"))
	actors, objects, err := x.Purge(t.Context(), "ana", "x.test")
	x.must(err)
	equal(t, "purged", []int{actors, objects}, []int{1, 1})
	x.unrule(reject("x.test"))
	equal(t, "gone", x.seen(gone), nil)
	equal(t, "likes", x.object(ours).Common().Likes, 0)
	_, err = x.ActorOf(t.Context(), eve.IRI)
	wantError(t, err, node.NotFound)
	equal(t, "of others", x.seen(kept), []string{"address", "list1", "page1", "timeline0"})
}

// interop.md 3.6: who blocks us follows us no more and is followed no more, and is told nothing.
func TestReceiveBlock(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	eve, ana := x.followedBy("x.test", "eve"), x.followedBy("sea.example", "ana")
	x.write(func(tx node.Tx) error {
		return tx.SaveFollowed(x.Context(), &node.Following{Actor: eve.IRI, State: node.Accepted, FollowIRI: "f", Since: second})
	})
	block := says(eve, node.Block, "block", x.Links.Actor())
	x.receive(says(eve, node.Block, "another", ana.IRI))
	_, err := x.Store().Follower(t.Context(), eve.IRI)
	x.must(err)
	x.receive(block)
	_, err = x.Store().Follower(t.Context(), eve.IRI)
	wantError(t, err, node.NotFound)
	_, err = x.Store().Followed(t.Context(), eve.IRI)
	wantError(t, err, node.NotFound)
	undo := says(eve, node.Undo, "undo", block.IRI)
	undo.Inner = block
	x.receive(undo)
	_, err = x.Store().Follower(t.Context(), eve.IRI)
	wantError(t, err, node.NotFound)
	_, err = x.Store().Follower(t.Context(), ana.IRI)
	x.must(err)
	x.wantNews()

	// A Block that its Undo has overtaken ends nothing.
	late := says(ana, node.Block, "late", x.Links.Actor())
	undo = says(ana, node.Undo, "undo", late.IRI)
	undo.Inner = late
	x.receive(undo, late)
	_, err = x.Store().Follower(t.Context(), ana.IRI)
	x.must(err)
}

// However rules come and go, what the store hides is what the policy says, of what was there and of what comes later.
func TestHidingKeepsStep(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	r := rand.New(rand.NewPCG(7, 7))
	hosts := []string{"x.test", "a.x.test", "b.a.x.test", "notx.test", "y.test", "a.y.test"}
	var actors []*node.Actor
	targets := []string{"test"}
	for _, h := range hosts {
		for _, name := range []string{"eve", "fay"} {
			actors = append(actors, x.actor(h, name))
			targets = append(targets, actors[len(actors)-1].IRI)
		}
		targets = append(targets, h)
	}
	posts := 0
	for step := range 60 {
		rule := &node.Rule{Target: targets[r.IntN(len(targets))], Severity: node.Severities[1+r.IntN(2)]}
		switch r.IntN(5) {
		case 0:
			rule = &node.Rule{Target: node.Everybody, Severity: node.SeverityReject}
		case 1:
			rule = &node.Rule{Target: hosts[r.IntN(len(hosts))], Allow: true}
		}
		if r.IntN(3) == 0 {
			x.unrule(rule)
		} else {
			x.rules(rule)
		}
		posts++
		p := note(actors[r.IntN(len(actors))], fmt.Sprint(posts), "<p>.</p>")
		x.write(func(tx node.Tx) error { return tx.SaveObject(x.Context(), p) })
		policy, err := x.Policy(t.Context())
		x.must(err)
		all, _, err := x.Objects(t.Context(), node.ObjectQuery{Type: node.TypePost, Refused: true, Limit: 200})
		x.must(err)
		equal(t, "posts", len(all), posts)
		for _, o := range all {
			b := o.Common()
			if want := policy.Of(b.Actor).Severity; b.Moderation != want {
				t.Fatalf("step %d: a post of %s is under %q, want %q", step, b.Actor, b.Moderation, want)
			}
		}
	}
}

// MOD-1, MOD-3: what comes from somebody limited or refused is not shared, is no remark that waits for our people, and a
// conversation does not show what a refused one began.
func TestRuledIsNotShared(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	eve, ana := x.following("x.test", "eve"), x.following("sea.example", "ana")
	ours := x.publish(post("Who has a van?"))
	theirs, reply, answer := note(eve, "1", "<p>loud</p>"), note(eve, "2", "<p>me</p>"), note(ana, "1", "<p>no</p>")
	reply.InReplyTo, answer.InReplyTo = ours, theirs.IRI
	to := create(answer)
	to.To = append(to.To, x.Links.Actor())
	x.receive(create(theirs), create(reply), to)
	remarks := func() int {
		t.Helper()
		n, err := x.CountRemarks(t.Context(), node.RemarkQuery{})
		x.must(err)
		return n
	}
	subject := func() node.Object {
		t.Helper()
		list, err := x.Conversations(t.Context(), node.ConversationQuery{Thread: theirs.IRI})
		x.must(err)
		if len(list) != 1 {
			t.Fatalf("%d conversations, want the one of ana", len(list))
		}
		return list[0].Subject
	}
	equal(t, "remarks", remarks(), 2)
	equal(t, "subject", subject() != nil, true)
	for _, tt := range []struct {
		rule *node.Rule
		like bool
	}{{limit("x.test"), true}, {reject("x.test"), false}} {
		x.rules(tt.rule)
		equal(t, "remarks left", remarks(), 1)
		_, err := x.Share(t.Context(), "ana", theirs)
		wantError(t, err, node.Forbidden, "coopnode block show")
		_, err = x.Like(t.Context(), "ana", theirs)
		equal(t, "may be liked", err == nil, tt.like)
		equal(t, "subject", subject() != nil, tt.like)
	}
	x.unrule(reject("x.test"))
	_, err := x.Share(t.Context(), "ana", theirs)
	x.must(err)
}

// MOD-1, MOD-3: what was shared before the rule is shared no more. Followers hear so; who is refused does not.
func TestSharesEndWithARule(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		rule *node.Rule
		told bool
	}{{limit("x.test"), true}, {reject("x.test"), false}} {
		x := newHouse(t)
		fan, eve := x.followedBy("hill.example", "fan"), x.actor("x.test", "eve")
		for i := range 3 {
			_, err := x.Share(t.Context(), "ana", note(eve, fmt.Sprint(i), "<p>loud</p>"))
			x.must(err)
		}
		x.news()
		would, err := x.TryRules(t.Context(), []*node.Rule{tt.rule}, nil)
		x.must(err)
		equal(t, "would be taken back", would.Shares, 3)
		x.wantNews()
		equal(t, "taken back", x.rules(tt.rule).Shares, 3)
		want := []string{fan.SharedInbox}
		if tt.told {
			want = append(want, eve.Inbox)
		}
		for _, undo := range x.wantNews(node.Undo, node.Undo, node.Undo) {
			equal(t, "told of "+undo.Inner.ObjectIRI, undo.Inboxes, want)
			equal(t, "by", undo.By, "ana")
		}
		equal(t, "outbox", len(x.acts(node.ActQuery{Outbox: true})), 0)
	}
}

// Where a server has one inbox for everybody, a Block of one there costs the others no letter.
func TestBlockSparesASharedInbox(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	eve, fay := x.followedBy("x.test", "eve"), x.followedBy("x.test", "fay")
	for _, a := range []*node.Actor{eve, fay} {
		a.Inbox = a.SharedInbox
		x.write(func(tx node.Tx) error { return tx.SaveActor(x.Context(), a) })
	}
	x.publish(post("Bread"))
	x.receive(says(eve, node.Block, "block", x.Links.Actor()))
	left, err := x.Deliveries(t.Context(), node.DeliveryQuery{})
	x.must(err)
	equal(t, "letters for the other", len(left), 1)
}
