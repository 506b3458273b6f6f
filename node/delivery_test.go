package node_test

import (
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// TestRetryWait is the table of decisions 28, which stands above that of Q-5.
func TestRetryWait(t *testing.T) {
	t.Parallel()
	want := []time.Duration{
		2 * time.Second, 8 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute,
		time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 24 * time.Hour,
	}
	for i, w := range want {
		equal(t, "failures", []any{i + 1, node.RetryWait(i + 1)}, []any{i + 1, w})
	}
	equal(t, "many", node.RetryWait(1000), 24*time.Hour)
	equal(t, "none", node.RetryWait(0), 2*time.Second)
	equal(t, "fewer", node.RetryWait(-1), 2*time.Second)
	equal(t, "given up", node.GiveUpAfter, 7*24*time.Hour)
}

// TestNextTry is RetryWait with up to 20 % more or less, so that peers are not all asked at once (Q-5, in the steps of decisions 28).
func TestNextTry(t *testing.T) {
	t.Parallel()
	for _, failures := range []int{0, 1, 4, 10, 11, 100} {
		wait := node.RetryWait(failures)
		low, high := wait, wait
		for range 2000 {
			got := node.NextTry(noon, failures).Sub(noon)
			low, high = min(low, got), max(high, got)
		}
		if low < wait*8/10 || high > wait*12/10 {
			t.Errorf("after %d failures between %v and %v, want %v and 20 %% at most", failures, low, high, wait)
		}
		if low > wait*85/100 || high < wait*115/100 {
			t.Errorf("after %d failures only between %v and %v of %v: peers would be asked all at once", failures, low, high, wait)
		}
	}
}

// TestQueueCanBeSeenAndMoved by those who run the node.
func TestQueueCanBeSeenAndMoved(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	x.followedBy("sea.example", "ana")
	x.followedBy("hill.example", "cai")
	iri := x.publish(post("Bread"))
	x.publish(post("Salt"))
	ctx := t.Context()
	status := func() []int {
		s, err := x.QueueStatus(ctx)
		x.must(err)
		return []int{s.Waiting, s.Peers}
	}
	equal(t, "waiting, peers", status(), []int{4, 2})
	peers, err := x.Peers(ctx, 10)
	x.must(err)
	equal(t, "peers", len(peers), 2)

	act := x.acts(node.ActQuery{Object: iri})[0]
	x.write(func(tx node.Tx) error {
		return tx.Settle(ctx, []node.Outcome{{Act: act.Seq, Inbox: "https://sea.example/inbox", Result: node.Later, NotBefore: second.Add(time.Hour), Reason: "asleep"}}, nil, second)
	})
	late, err := x.Deliveries(ctx, node.DeliveryQuery{Host: "sea.example", Object: iri})
	x.must(err)
	equal(t, "put off", []any{late[0].NotBefore, late[0].Reason}, []any{second.Add(time.Hour), "asleep"})
	n, err := x.RetryDeliveries(ctx, "ana", node.DeliveryQuery{Host: "sea.example"})
	x.must(err)
	equal(t, "retried", n, 2)
	late, err = x.Deliveries(ctx, node.DeliveryQuery{Host: "sea.example", Object: iri})
	x.must(err)
	equal(t, "due", late[0].NotBefore.IsZero(), true)

	n, err = x.DropDeliveries(ctx, "ana", node.DeliveryQuery{Object: iri})
	x.must(err)
	equal(t, "dropped", n, 2)
	equal(t, "left", status(), []int{2, 2})
}
