package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

func memberships(t *testing.T, x *fixture) {
	const f, g, a, b = "https://f.example/f", "https://g.example/g", "https://a.example/a", "https://b.example/b"
	_, err := x.Membership(x.ctx, f, a)
	x.wantKind(err, node.NotFound)
	x.wantKind(x.Tx(x.ctx, func(tx node.Tx) error { _, err := tx.LockMembership(x.ctx, f, a); return err }), node.NotFound)

	says := node.Word{IRI: "https://a.example/m/1", Since: noon, Checked: noon}
	confirmed := node.Membership{Federation: f, Coop: a, ID: "aaaaaaaaaa", CoopSays: says, FederationSays: says, Vouches: []string{"worker-owned"}, Role: "member"}
	applied := node.Membership{Federation: f, Coop: b, Step: node.StepApplied, JoinIRI: "https://b.example/j", Letter: "We are three.", Deadline: noon.Add(time.Hour)}
	claimed := node.Membership{Federation: g, Coop: a, CoopSays: says}
	for _, m := range []node.Membership{confirmed, applied, claimed} {
		x.write(func(tx node.Tx) error { return tx.SaveMembership(x.ctx, &m) })
	}
	list := func(what string, q node.MembershipQuery, want ...node.Membership) {
		t.Helper()
		found, err := x.Memberships(x.ctx, q)
		x.ok(err)
		got := []node.Membership{}
		for _, m := range found {
			m.Seq = 0
			got = append(got, *m)
		}
		check(x, what, fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", append([]node.Membership{}, want...)))
		n, err := x.CountMemberships(x.ctx, q)
		x.ok(err)
		if q.Limit == 0 {
			check(x, what+" counted", n, len(want))
		}
	}
	list("all", node.MembershipQuery{}, confirmed, applied, claimed)
	list("of a federation", node.MembershipQuery{Federation: f}, confirmed, applied)
	list("of a coop", node.MembershipQuery{Coop: a}, confirmed, claimed)
	list("confirmed", node.MembershipQuery{Federation: f, Standing: node.Confirmed}, confirmed)
	list("shown", node.MembershipQuery{Shown: true}, confirmed, claimed)
	list("applications", node.MembershipQuery{Federation: f, Step: node.StepApplied}, applied)
	list("not late yet", node.MembershipQuery{LateAt: noon.Add(time.Hour - time.Second)})
	list("late", node.MembershipQuery{LateAt: noon.Add(time.Hour)}, applied)
	list("first page", node.MembershipQuery{Limit: 1}, confirmed)
	first, err := x.Memberships(x.ctx, node.MembershipQuery{Limit: 1})
	x.ok(err)
	list("second page", node.MembershipQuery{After: first[0].Seq, Limit: 1}, applied)

	got, err := x.MembershipByID(x.ctx, confirmed.ID)
	x.ok(err)
	check(x, "by its record", got.Coop, a)
	got, err = x.MembershipByJoin(x.ctx, applied.JoinIRI)
	x.ok(err)
	check(x, "by the application", got.Coop, b)
	for _, ref := range []string{"", "bbbbbbbbbb"} {
		_, err = x.MembershipByID(x.ctx, ref)
		x.wantKind(err, node.NotFound)
		_, err = x.MembershipByJoin(x.ctx, ref)
		x.wantKind(err, node.NotFound)
	}

	x.write(func(tx node.Tx) error { // a new word takes the place of the old one and keeps its place in the order
		m, err := tx.LockMembership(x.ctx, f, a)
		if err != nil {
			return err
		}
		m.FederationSays.Until = noon.Add(time.Hour)
		return tx.SaveMembership(x.ctx, m)
	})
	confirmed.FederationSays.Until = noon.Add(time.Hour)
	list("ended", node.MembershipQuery{Federation: f, Standing: node.Former}, confirmed)
	list("none is confirmed", node.MembershipQuery{Standing: node.Confirmed})
	list("in the same order", node.MembershipQuery{}, confirmed, applied, claimed)
}

func opinions(t *testing.T, x *fixture) {
	const join, a, b = "https://c.example/j", "https://a.example/a", "https://b.example/b"
	yes := node.Opinion{Join: join, Member: a, Approves: true, IRI: "https://a.example/1", At: noon}
	no := node.Opinion{Join: join, Member: b, IRI: "https://b.example/1", Reason: "They are not worker-owned.", At: noon.Add(time.Second)}
	other := node.Opinion{Join: join + "2", Member: a, Approves: true, IRI: "https://a.example/3", At: noon}
	changed := node.Opinion{Join: join, Member: a, IRI: "https://a.example/2", Reason: "We were wrong.", At: noon.Add(time.Minute)}
	list := func(want ...node.Opinion) {
		t.Helper()
		found, err := x.Opinions(x.ctx, join)
		x.ok(err)
		got := []node.Opinion{}
		for _, o := range found {
			got = append(got, *o)
		}
		check(x, "opinions", fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", append([]node.Opinion{}, want...)))
	}
	list()
	for _, o := range []node.Opinion{yes, no, other} {
		x.write(func(tx node.Tx) error { return tx.SaveOpinion(x.ctx, &o) })
	}
	list(yes, no)
	x.write(func(tx node.Tx) error { return tx.SaveOpinion(x.ctx, &changed) })
	list(no, changed)
}
