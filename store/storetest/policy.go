package storetest

import (
	"slices"
	"testing"

	"github.com/coopnode/coopnode/node"
)

func rules(t *testing.T, x *fixture) {
	full := &node.Rule{Target: "b.test", Severity: node.SeverityLimit, RejectMedia: true, RejectReports: true, Comment: "ours", PublicComment: "all's", By: "ana", Since: noon}
	actor := &node.Rule{Target: "https://a.test/users/eve", Severity: node.SeverityReject, By: "ana", Since: noon}
	allow := &node.Rule{Target: "b.test", Allow: true, By: "ana", Since: noon}
	x.write(func(tx node.Tx) error {
		for _, r := range []*node.Rule{allow, actor, {Target: "b.test", Severity: node.SeverityReject, By: "bea", Since: noon}, full} {
			x.ok(tx.SaveRule(x.ctx, r))
		}
		return nil
	})
	want := func(what string, got []*node.Rule, err error, want ...*node.Rule) {
		t.Helper()
		x.ok(err)
		if !slices.EqualFunc(got, want, func(a, b *node.Rule) bool { return *a == *b }) {
			t.Errorf("%s: got %+v, want %+v", what, got, want)
		}
	}
	got, err := x.Rules(x.ctx)
	want("all", got, err, full, actor, allow)
	// A name of many labels has many targets.
	many := append(node.RuleTargets("https://a.b.c.d.e.f.g.h.i.j.k.b.test/u"), actor.Target)
	got, err = x.RulesFor(x.ctx, many)
	slices.SortFunc(got, func(a, b *node.Rule) int {
		if a.Allow != b.Allow || a.Target == b.Target {
			return map[bool]int{true: 1, false: -1}[a.Allow]
		}
		return len(a.Target) - len(b.Target)
	})
	want("for one", got, err, full, actor, allow)
	got, err = x.RulesFor(x.ctx, []string{"nob.test", "test"})
	want("for none", got, err)
	x.write(func(tx node.Tx) error { return tx.DropRule(x.ctx, "b.test", false) })
	x.write(func(tx node.Tx) error { return tx.DropRule(x.ctx, "b.test", false) })
	got, err = x.Rules(x.ctx)
	want("left", got, err, actor, allow)
}

// marks are what the posts with these ids are under.
func (x *fixture) marks(ids ...string) (marks []node.Severity) {
	x.Helper()
	for _, id := range ids {
		o, err := x.Object(x.ctx, id)
		x.ok(err)
		marks = append(marks, o.Common().Moderation)
	}
	return marks
}

func judged(t *testing.T, x *fixture) {
	eve, fay := x.person("x.test", "eve", false), x.person("sea.example", "fay", false)
	ours := x.post("aaaaaaaaaa", 0, func(p *node.Post) { p.Local = true })
	by := func(id string, minute int, who *node.Actor) *node.Post {
		return x.post(id, minute, func(p *node.Post) { p.Actor, p.InReplyTo, p.Tags = who.IRI, ours.IRI, []string{"tag"} })
	}
	one, two := by("bbbbbbbbbb", 1, eve), by("cccccccccc", 2, fay)
	x.write(func(tx node.Tx) error {
		for _, who := range []*node.Actor{eve, fay} {
			for _, v := range []node.Verb{node.Like, node.Announce} {
				x.ok(tx.React(x.ctx, node.Reaction{Object: ours.IRI, Actor: who.IRI, Verb: v, IRI: who.IRI + string(v), At: noon}))
			}
		}
		return nil
	})
	x.bring(one.IRI, eve.IRI, node.Create, "c1", 1)
	x.bring(one.IRI, fay.IRI, node.Announce, "s2", 0)
	x.bring(two.IRI, eve.IRI, node.Announce, "s1", 3)
	x.bring(two.IRI, fay.IRI, node.Create, "c2", 2)

	judge := func(s node.Severity) {
		x.write(func(tx node.Tx) error { return tx.JudgeActor(x.ctx, eve.IRI, s) })
	}
	look := func(what string, all, listed int, likes int, replies int, timeline ...string) {
		t.Helper()
		for _, q := range []node.ObjectQuery{{Type: node.TypePost}, {Tag: "tag"}, {InReplyTo: ours.IRI}} {
			extra := 0
			if q.Type != "" {
				extra = 1 // ours
			}
			n, err := x.CountObjects(x.ctx, q)
			x.ok(err)
			check(x, what+": all", n-extra, all)
			q.Listed = true
			list, _, err := x.Objects(x.ctx, q)
			x.ok(err)
			check(x, what+": listed", len(list)-extra, listed)
			q.Listed, q.Refused = false, true
			n, err = x.CountObjects(x.ctx, q)
			x.ok(err)
			check(x, what+": with refused ones", n-extra, 2)
		}
		o, err := x.Object(x.ctx, ours.ID)
		x.ok(err)
		b := o.Common()
		check(x, what+": likes", b.Likes, likes)
		check(x, what+": shares", b.Shares, likes)
		check(x, what+": replies", b.Replies, replies)
		if got := x.line(node.TimelineQuery{}); !slices.Equal(got, timeline) {
			t.Errorf("%s: timeline %q, want %q", what, got, timeline)
		}
	}
	open := []string{"cccccccccc Announce [https://x.test/users/eve]", "bbbbbbbbbb Create [https://sea.example/users/fay]"}
	look("at first", 2, 2, 2, 2, open...)
	judge(node.SeverityLimit)
	look("limited", 2, 1, 2, 1, open...)
	judge(node.SeverityReject)
	look("refused", 1, 1, 1, 1, "cccccccccc Create []")
	if got := x.marks("bbbbbbbbbb", "cccccccccc"); got[0] != node.SeverityReject || got[1] != "" {
		t.Errorf("marked %q", got)
	}
	judge("")
	look("undone", 2, 2, 2, 2, open...)
}

func judgedLater(t *testing.T, x *fixture) {
	x.write(func(tx node.Tx) error {
		x.ok(tx.SaveRule(x.ctx, &node.Rule{Target: "x.test", Severity: node.SeverityReject}))
		return tx.SaveRule(x.ctx, &node.Rule{Target: "https://sea.example/users/loud", Severity: node.SeverityLimit})
	})
	author := func(iri string) func(*node.Post) { return func(p *node.Post) { p.Actor = iri } }
	x.post("aaaaaaaaaa", 0, author("https://a.x.test/users/eve"))
	x.post("bbbbbbbbbb", 0, author("https://notx.test/users/eve"))
	x.post("cccccccccc", 0, author("https://sea.example/users/loud"))
	x.post("dddddddddd", 0, func(p *node.Post) { p.Actor, p.Local = "https://a.x.test/ap/coop", true })
	if got, want := x.marks("aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc", "dddddddddd"), []node.Severity{node.SeverityReject, "", node.SeverityLimit, ""}; !slices.Equal(got, want) {
		t.Errorf("posts are under %q, want %q", got, want)
	}
	for _, host := range []string{"a.x.test", "notx.test"} {
		a := x.person(host, "coop", false)
		a.Coop = &node.Coop{Kind: node.KindCooperative}
		x.write(func(tx node.Tx) error { return tx.SaveActor(x.ctx, a) })
	}
	list, err := x.KnownCoops(x.ctx)
	x.ok(err)
	if len(list) != 1 || list[0].Host != "notx.test" {
		t.Errorf("%d coops are known, want the one of notx.test", len(list))
	}
}

func enqueueNotRefused(t *testing.T, x *fixture) {
	eve, fay := x.follower("x.test", "eve", true), x.follower("sea.example", "fay", true)
	x.write(func(tx node.Tx) error {
		for _, a := range []*node.Actor{eve, fay} {
			x.ok(tx.AddReader(x.ctx, "object", a.IRI, noon))
		}
		return tx.JudgeActor(x.ctx, eve.IRI, node.SeverityReject)
	})
	_, n := x.say("act", "object", noon, node.Recipients{Followers: true, ReadersOf: "object", Actors: []string{eve.IRI, fay.IRI}})
	check(x, "deliveries", n, 1) // fay's shared inbox, and so not its own
	_, n = x.say("act1", "object", noon, node.Recipients{Actors: []string{eve.IRI, fay.IRI}})
	check(x, "to those named", n, 1)
	x.write(func(tx node.Tx) error { return tx.JudgeActor(x.ctx, fay.IRI, node.SeverityLimit) })
	_, n = x.say("act2", "object", noon, node.Recipients{Followers: true})
	check(x, "to a limited one", n, 1)
	x.write(func(tx node.Tx) error {
		dropped, err := tx.DropDeliveries(x.ctx, node.DeliveryQuery{Host: "sea.example", Inbox: fay.Inbox})
		check(x, "dropped of one inbox", dropped, 1)
		return err
	})
	check(x, "left", len(x.due("sea.example", noon)), 2)
}

func partAndPurge(t *testing.T, x *fixture) {
	eve, fay := x.follower("x.test", "eve", true), x.follower("sea.example", "fay", true)
	x.write(func(tx node.Tx) error {
		x.ok(tx.SaveFollowed(x.ctx, &node.Following{Actor: eve.IRI, State: node.Pending, FollowIRI: "f", Since: noon}))
		for _, a := range []*node.Actor{eve, fay} {
			x.ok(tx.AddReader(x.ctx, "object", a.IRI, noon))
		}
		return nil
	})
	ours := x.post("aaaaaaaaaa", 0, func(p *node.Post) { p.Local, p.Actor = true, "https://mill.example/ap/coop" })
	one := x.post("bbbbbbbbbb", 1, func(p *node.Post) { p.Actor, p.Tags = eve.IRI, []string{"tag"} })
	x.post("cccccccccc", 2, func(p *node.Post) { p.Actor = "https://y.test/never/read" })
	x.bring(one.IRI, eve.IRI, node.Create, "c1", 1)
	x.bring(one.IRI, fay.IRI, node.Announce, "s1", 1)
	x.write(func(tx node.Tx) error {
		return tx.React(x.ctx, node.Reaction{Object: ours.IRI, Actor: "https://z.test/only/likes", Verb: node.Like, IRI: "l", At: noon})
	})

	known, err := x.KnownActors(x.ctx)
	x.ok(err)
	slices.Sort(known)
	want := []string{"https://mill.example/ap/coop", fay.IRI, eve.IRI, "https://y.test/never/read", "https://z.test/only/likes"}
	if !slices.Equal(known, want) {
		t.Errorf("known are %q, want %q", known, want)
	}

	x.write(func(tx node.Tx) error { return tx.Part(x.ctx, eve.IRI) })
	_, err = x.Follower(x.ctx, eve.IRI)
	x.wantKind(err, node.NotFound)
	_, err = x.Followed(x.ctx, eve.IRI)
	x.wantKind(err, node.NotFound)
	check(x, "in the timeline", len(x.line(node.TimelineQuery{})), 1)
	_, n := x.say("act", "object", noon, node.Recipients{ReadersOf: "object"})
	check(x, "readers left", n, 1)

	x.write(func(tx node.Tx) error {
		x.ok(tx.SaveQuote(x.ctx, &node.Quote{IRI: "stamp", Object: ours.IRI, Quote: one.IRI, Actor: eve.IRI, At: noon}))
		x.ok(tx.SaveMove(x.ctx, &node.Moving{Actor: "https://z.test/old", Target: eve.IRI, At: noon}))
		x.ok(tx.React(x.ctx, node.Reaction{Object: one.IRI, Actor: ours.Actor, Verb: node.Like, IRI: "liked", At: noon}))
		_, err := tx.KeepLetter(x.ctx, &node.Letter{IRI: "letter", Actor: eve.IRI, Host: "x.test", Received: noon})
		x.ok(err)
		n, err := tx.PurgeActor(x.ctx, eve.IRI)
		check(x, "objects purged", n, 1)
		return err
	})
	_, err = x.Object(x.ctx, one.IRI)
	x.wantKind(err, node.NotFound)
	_, err = x.Actor(x.ctx, eve.IRI)
	x.wantKind(err, node.NotFound)
	_, err = x.Quote(x.ctx, "stamp")
	x.wantKind(err, node.NotFound)
	_, err = x.LastMove(x.ctx, eve.IRI)
	x.wantKind(err, node.NotFound)
	_, err = x.Reaction(x.ctx, one.IRI, ours.Actor, node.Like)
	x.wantKind(err, node.NotFound)
	check(x, "in the timeline after", len(x.line(node.TimelineQuery{})), 0)
	letters, err := x.Letters(x.ctx, noon, 0, nil, 10)
	x.ok(err)
	check(x, "letters", len(letters), 0)
	x.write(func(tx node.Tx) error {
		n, err := tx.PurgeActor(x.ctx, "https://mill.example/ap/coop")
		check(x, "of ours", n, 0)
		return err
	})
}
