package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

func backOffStays(t *testing.T, x *fixture) {
	x.follower("a.example", "ana", false)
	x.say("act-1", thing, noon, toFollowers)
	x.claim(noon, 10)
	then := noon.Add(time.Hour)
	x.settle(noon, nil, node.Visit{Host: "a.example", NotBefore: then, Failures: 3, Reason: "no answer"})
	x.say("act-2", thing, noon.Add(time.Minute), toFollowers)
	wantList(x, "in back-off", x.claim(then.Add(-time.Millisecond), 10))
	list, err := x.Peers(x.ctx, 10)
	x.ok(err)
	if len(list) != 1 || *list[0] != (node.Peer{Host: "a.example", Due: then, Failures: 3, Reason: "no answer", Waiting: 2}) {
		t.Errorf("got %+v", *list[0])
	}
	status, err := x.QueueStatus(x.ctx)
	x.ok(err)
	check(x, "failing", status.Failing, 1)
	x.write(func(tx node.Tx) error {
		list, err := tx.ClaimPeers(x.ctx, "w", then, then.Add(time.Minute), 10)
		if len(list) != 1 || list[0].Failures != 3 || list[0].Reason != "no answer" {
			t.Errorf("claimed %+v", list)
		}
		return err
	})
	x.settle(then, nil, node.Visit{Host: "a.example", OK: true})
	list, err = x.Peers(x.ctx, 10)
	x.ok(err)
	check(x, "failures", list[0].Failures, 0)
	check(x, "last ok", list[0].LastOK, then)
}

func leases(t *testing.T, x *fixture) {
	x.follower("a.example", "ana", false)
	x.say("act-1", thing, noon, toFollowers)
	wantList(x, "claimed", x.claim(noon, 10), "a.example")
	wantList(x, "lent", x.claim(noon.Add(59*time.Second), 10))
	x.write(func(tx node.Tx) error { return tx.ExtendLeases(x.ctx, "w", noon.Add(2*time.Minute)) })
	wantList(x, "lent for longer", x.claim(noon.Add(119*time.Second), 10))
	wantList(x, "run out", x.claim(noon.Add(2*time.Minute), 10), "a.example")
	x.write(func(tx node.Tx) error { return tx.ReleasePeers(x.ctx) })
	wantList(x, "released", x.claim(noon.Add(2*time.Minute), 10), "a.example")
}

func failingPeers(t *testing.T, x *fixture) {
	const each = 40
	for i := range 2 * each {
		x.follower(fmt.Sprintf("h%d.example", i), "u", false)
	}
	x.say("act-1", thing, noon, toFollowers)
	x.claim(noon, 2*each)
	var visits []node.Visit
	for i := range each { // they fail, and are due before the others
		visits = append(visits, node.Visit{Host: fmt.Sprintf("h%d.example", i), NotBefore: noon.Add(-time.Hour), Failures: 1})
	}
	for i := each; i < 2*each; i++ {
		visits = append(visits, node.Visit{Host: fmt.Sprintf("h%d.example", i), OK: true})
	}
	x.settle(noon, nil, visits...)
	failing := func(hosts []string) (n int) {
		for _, h := range hosts {
			var i int
			fmt.Sscanf(h, "h%d", &i)
			if i < each {
				n++
			}
		}
		return n
	}
	first := x.claim(noon, 16)
	check(x, "claimed", len(first), 16)
	check(x, "of them failing", failing(first), 4)
	// The four hang; the others come back, one by one.
	claimed := failing(first)
	for _, h := range first {
		if failing([]string{h}) == 1 {
			continue
		}
		x.settle(noon, nil, node.Visit{Host: h, OK: true, NotBefore: noon.Add(time.Hour)})
		next := x.claim(noon, 1)
		check(x, "claimed next", len(next), 1)
		claimed += failing(next)
	}
	check(x, "failing after a round", claimed, 4)
	x.write(func(tx node.Tx) error { return tx.ReleasePeers(x.ctx) })
	check(x, "with workers to spare, at most half of them", failing(x.claim(noon, 60)), 30)
}

func wakePeer(t *testing.T, x *fixture) {
	x.follower("a.example", "ana", false)
	a, _ := x.say("act-1", thing, noon, toFollowers)
	x.claim(noon, 10)
	then := noon.Add(time.Hour)
	x.settle(noon, []node.Outcome{{Act: a.Seq, Inbox: "https://a.example/users/ana/inbox", Result: node.Later, NotBefore: then}},
		node.Visit{Host: "a.example", NotBefore: then, Failures: 2})
	wake := func(host string) {
		x.write(func(tx node.Tx) error { return tx.WakePeer(x.ctx, host, noon.Add(time.Minute)) })
	}
	wake("b.example")
	wantList(x, "another woke", x.claim(noon.Add(time.Minute), 10))
	wake("a.example")
	wantList(x, "awake", x.claim(noon.Add(time.Minute), 10), "a.example")
	check(x, "letters", len(x.due("a.example", noon.Add(time.Minute))), 1)
	x.settle(noon, []node.Outcome{{Act: a.Seq, Inbox: "https://a.example/users/ana/inbox", Result: node.Arrived}}, node.Visit{Host: "a.example", OK: true})
	wake("a.example")
	wantList(x, "awake with nothing to hear", x.claim(then, 10))
}

func nextDue(t *testing.T, x *fixture) {
	want := func(what string, at time.Time) {
		t.Helper()
		got, err := x.NextDue(x.ctx)
		x.ok(err)
		check(x, what, got, at)
	}
	want("nothing waits", time.Time{})
	x.follower("a.example", "ana", false)
	x.say("act-1", thing, noon, toFollowers)
	want("now", noon)
	x.claim(noon, 10)
	want("when the lease runs out", noon.Add(time.Minute))
	x.settle(noon, nil, node.Visit{Host: "a.example", NotBefore: noon.Add(time.Hour), Failures: 1})
	want("after the back-off", noon.Add(time.Hour))
	x.follower("b.example", "bea", false)
	x.say("act-2", thing, noon, toFollowers)
	want("a healthy one", noon)
}
