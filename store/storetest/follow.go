package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

func followers(t *testing.T, x *fixture) {
	follows(x, func(tx node.Tx) followMethods {
		return followMethods{tx.SaveFollower, tx.RemoveFollower, tx.Follower, tx.FollowerList, tx.CountFollowers}
	})
}

// followerServers counts where the accepted followers have their inboxes, each host once.
func followerServers(_ *testing.T, x *fixture) {
	for i, host := range []string{"a.example", "a.example", "b.example", "c.example"} {
		who := x.person(host, fmt.Sprint(i), false)
		state := node.Accepted
		if host == "c.example" {
			state = node.Pending
		}
		x.write(func(tx node.Tx) error {
			return tx.SaveFollower(x.ctx, &node.Following{Actor: who.IRI, State: state, FollowIRI: fmt.Sprint("follow-", i), Since: noon})
		})
	}
	n, err := x.CountFollowerServers(x.ctx)
	x.ok(err)
	check(x, "servers", n, 2)
}

func followed(t *testing.T, x *fixture) {
	follows(x, func(tx node.Tx) followMethods {
		return followMethods{tx.SaveFollowed, tx.RemoveFollowed, tx.Followed, tx.FollowedList, tx.CountFollowed}
	})
}

// followMethods are what both directions have.
type followMethods struct {
	save   func(context.Context, *node.Following) error
	remove func(context.Context, string) error
	get    func(context.Context, string) (*node.Following, error)
	list   func(context.Context, node.FollowQuery) ([]*node.Following, error)
	count  func(context.Context) (int, error)
}

func follows(x *fixture, of func(node.Tx) followMethods) {
	known := x.person("a.example", "4", false)
	x.write(func(tx node.Tx) error {
		m := of(tx)
		var want []string
		for i := range 5 { // the dates do not say the order in which they came
			f := &node.Following{Actor: fmt.Sprint("https://a.example/users/", i), State: node.Accepted, FollowIRI: fmt.Sprint("follow-", i), Since: noon.Add(-time.Duration(i) * time.Hour)}
			if i == 2 {
				f.State = node.Pending
			}
			x.ok(m.save(x.ctx, f))
			want = append([]string{f.Actor}, want...)
			got, err := m.get(x.ctx, f.Actor)
			x.ok(err)
			check(x, "kept", *got, *f)
		}
		names := func(q node.FollowQuery) (names []string) {
			list, err := m.list(x.ctx, q)
			x.ok(err)
			for _, f := range list {
				names = append(names, f.Actor)
				check(x, "known "+f.Actor, f.Who != nil, f.Actor == known.IRI)
			}
			return names
		}
		if got := names(node.FollowQuery{}); !slices.Equal(got, want) {
			x.Errorf("got %v, want %v", got, want)
		}
		if got := names(node.FollowQuery{State: node.Pending}); !slices.Equal(got, want[2:3]) {
			x.Errorf("pending: got %v, want %v", got, want[2:3])
		}
		if got := names(node.FollowQuery{Before: want[1], Limit: 2}); !slices.Equal(got, want[2:4]) {
			x.Errorf("second page: got %v, want %v", got, want[2:4])
		}
		n, err := m.count(x.ctx)
		x.ok(err)
		check(x, "accepted", n, 4)

		// Accepting one does not move it to the front.
		x.ok(m.save(x.ctx, &node.Following{Actor: want[2], State: node.Accepted, FollowIRI: "again", Since: noon}))
		if got := names(node.FollowQuery{}); !slices.Equal(got, want) {
			x.Errorf("after a change: got %v, want %v", got, want)
		}
		x.ok(m.remove(x.ctx, want[0]))
		x.ok(m.remove(x.ctx, "https://a.example/nobody"))
		_, err = m.get(x.ctx, want[0])
		x.wantKind(err, node.NotFound)
		n, err = m.count(x.ctx)
		x.ok(err)
		check(x, "left", n, 4)
		return nil
	})
}

func (x *fixture) bring(object, actor string, v node.Verb, iri string, minute int) {
	x.Helper()
	x.write(func(tx node.Tx) error {
		return tx.Bring(x.ctx, &node.TimelineEntry{ObjectIRI: object, Actor: actor, Verb: v, IRI: iri, At: noon.Add(time.Duration(minute) * time.Minute)})
	})
}

// line is the timeline as object ids with those who shared each.
func (x *fixture) line(q node.TimelineQuery) []string {
	x.Helper()
	list, err := x.Timeline(x.ctx, q)
	x.ok(err)
	lines := []string{}
	for _, e := range list {
		lines = append(lines, fmt.Sprint(e.Object.Common().ID, " ", e.Verb, " ", e.SharedBy))
	}
	return lines
}

func timelineOnce(t *testing.T, x *fixture) {
	author := x.person("a.example", "author", false)
	one := x.post("one2222222", 1, func(p *node.Post) { p.Actor = author.IRI })
	two := x.opening("two2222222", 2, nil)
	x.bring(one.IRI, author.IRI, node.Create, "c1", 1)
	x.bring(two.IRI, "b", node.Announce, "s2", 2)
	want := func(what string, q node.TimelineQuery, lines ...string) {
		t.Helper()
		if got := x.line(q); !slices.Equal(got, lines) {
			t.Errorf("%s: got %q, want %q", what, got, lines)
		}
	}
	want("two objects", node.TimelineQuery{}, "two2222222 Announce [b]", "one2222222 Create []")
	want("of a type", node.TimelineQuery{Type: node.TypePost}, "one2222222 Create []")

	x.bring(one.IRI, "b", node.Announce, "s1", 3)
	x.bring(one.IRI, "c", node.Announce, "s3", 3)
	want("shared later", node.TimelineQuery{}, "one2222222 Announce [b c]", "two2222222 Announce [b]")
	x.bring(one.IRI, "b", node.Announce, "s1b", 2) // an older copy does not move it
	want("shared again", node.TimelineQuery{}, "one2222222 Announce [b c]", "two2222222 Announce [b]")

	list, err := x.Timeline(x.ctx, node.TimelineQuery{Type: node.TypePost})
	x.ok(err)
	e := list[0]
	if e.Author == nil || e.Author.Handle != "author" || e.Actor != "c" || e.IRI != "s3" || !e.At.Equal(noon.Add(3*time.Minute)) {
		t.Errorf("got %+v with author %+v", e, e.Author)
	}
}

func sharesOfActor(t *testing.T, x *fixture) {
	one, two := x.post("one2222222", 1, nil), x.post("two2222222", 2, nil)
	x.bring(one.IRI, "b", node.Announce, "s1", 1)
	x.bring(two.IRI, "b", node.Announce, "s2", 2)
	x.bring(two.IRI, "b", node.Create, "c2", 3)
	x.bring(one.IRI, "c", node.Announce, "s3", 4)
	list, err := x.Shares(x.ctx, "b")
	x.ok(err)
	if len(list) != 2 || list[0].ObjectIRI != two.IRI || list[0].IRI != "s2" || list[1].ObjectIRI != one.IRI || !list[1].At.Equal(noon.Add(time.Minute)) {
		t.Errorf("shares of b: %+v", list)
	}
	x.write(func(tx node.Tx) error {
		for _, actor := range []string{"d", "e", "c"} {
			x.ok(tx.React(x.ctx, node.Reaction{Object: one.IRI, Actor: actor, Verb: node.Announce, IRI: actor + "1", At: noon}))
		}
		x.ok(tx.React(x.ctx, node.Reaction{Object: one.IRI, Actor: "d", Verb: node.Like, IRI: "d2", At: noon}))
		x.ok(tx.SaveFollowed(x.ctx, &node.Following{Actor: "e", State: node.Pending}))
		return tx.SaveFollowed(x.ctx, &node.Following{Actor: "d", State: node.Accepted})
	})
	for limit, want := range map[int]string{10: "[d b c]", 2: "[d b]"} {
		sharers, err := x.Sharers(x.ctx, one.IRI, limit)
		x.ok(err)
		check(x, "sharers", fmt.Sprint(sharers), want)
	}
	brought, err := x.Bringers(x.ctx, two.IRI)
	x.ok(err)
	if len(brought) != 2 || brought[0].Actor != "b" || brought[0].IRI != "s2" || !brought[0].At.Equal(noon.Add(2*time.Minute)) || brought[1].Verb != node.Create {
		t.Errorf("brought: %+v", brought)
	}
}

func broughtBy(t *testing.T, x *fixture) {
	one, two, three := x.post("one2222222", 1, nil), x.post("two2222222", 2, nil), x.post("three22222", 3, nil)
	x.bring(one.IRI, "b", node.Announce, "s1", 1)
	x.bring(two.IRI, "b", node.Create, "c2", 2)
	x.bring(three.IRI, "c", node.Announce, "s3", 3)
	x.write(func(tx node.Tx) error {
		return errors.Join(
			tx.React(x.ctx, node.Reaction{Object: two.IRI, Actor: "b", Verb: node.Announce, IRI: "s2", At: noon}), // of ours, say
			tx.React(x.ctx, node.Reaction{Object: one.IRI, Actor: "b", Verb: node.Announce, IRI: "s1", At: noon}),
			tx.React(x.ctx, node.Reaction{Object: three.IRI, Actor: "b", Verb: node.Like, IRI: "l3", At: noon}))
	})
	if got, want := x.ids(node.ObjectQuery{BroughtBy: "b"}), []string{two.ID, one.ID}; !slices.Equal(got, want) {
		t.Errorf("brought by b: %v, want %v", got, want)
	}
}

func timelineHides(t *testing.T, x *fixture) {
	kept := x.post("kept222222", 1, nil)
	gone := x.post("gone222222", 2, func(p *node.Post) { p.Deleted = noon })
	direct := x.post("direct2222", 3, func(p *node.Post) { p.Audience = node.Direct })
	shared := x.post("shared2222", 4, nil)
	x.bring(kept.IRI, "a", node.Create, "c1", 1)
	x.bring(gone.IRI, "a", node.Create, "c2", 2)
	x.bring(direct.IRI, "a", node.Create, "c3", 3)
	x.bring("https://a.example/unknown", "a", node.Announce, "s0", 4)
	x.bring(shared.IRI, "a", node.Announce, "s1", 5)
	x.bring(shared.IRI, "b", node.Announce, "s2", 6)
	x.bring(kept.IRI, "b", node.Announce, "s3", 7)
	want := func(what string, lines ...string) {
		t.Helper()
		if got := x.line(node.TimelineQuery{}); !slices.Equal(got, lines) {
			t.Errorf("%s: got %q, want %q", what, got, lines)
		}
	}
	unbring := func(e node.TimelineEntry) { x.write(func(tx node.Tx) error { return tx.Unbring(x.ctx, &e) }) }
	want("at first", "kept222222 Announce [b]", "shared2222 Announce [a b]")
	unbring(node.TimelineEntry{IRI: "s3", Actor: "b"})
	want("by id", "shared2222 Announce [a b]", "kept222222 Create []")
	unbring(node.TimelineEntry{ObjectIRI: shared.IRI, Actor: "b"})
	want("by object", "shared2222 Announce [a]", "kept222222 Create []")
	unbring(node.TimelineEntry{IRI: "s1", ObjectIRI: "", Actor: "b"})
	want("by another", "shared2222 Announce [a]", "kept222222 Create []")
	unbring(node.TimelineEntry{ObjectIRI: kept.IRI, Actor: "a"})
	want("what it published itself", "shared2222 Announce [a]", "kept222222 Create []")
	x.write(func(tx node.Tx) error { return tx.RemoveFollowed(x.ctx, "a") })
	want("after it is not followed any more")
}

func timelinePages(t *testing.T, x *fixture) {
	var want []string
	for i := range 12 {
		p := x.post(fmt.Sprintf("post22222%c", 'a'+i), i, nil)
		x.bring(p.IRI, "a", node.Create, p.IRI, i/3) // three of each moment
		want = append([]string{p.ID + " Create []"}, want...)
	}
	var got []string
	q := node.TimelineQuery{Limit: 4}
	for range 12 {
		list, err := x.Timeline(x.ctx, q)
		x.ok(err)
		if len(list) == 0 {
			break
		}
		for _, e := range list {
			got = append(got, e.Object.Common().ID+" Create []")
		}
		q.Before = list[len(list)-1].At
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
