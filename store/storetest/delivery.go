package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

const thing = "https://us.example/ap/posts/1"

var toFollowers = node.Recipients{Followers: true, ReadersOf: thing}

// due lists the inboxes and acts that may go to a host now.
func (x *fixture) due(host string, now time.Time) []string {
	x.Helper()
	list, err := x.DueDeliveries(x.ctx, host, now, 100)
	x.ok(err)
	due := []string{}
	for _, d := range list {
		due = append(due, d.ActIRI+" "+d.Inbox[len("https://"):])
	}
	return due
}

func (x *fixture) claim(now time.Time, limit int) []string {
	x.Helper()
	hosts := []string{}
	x.write(func(tx node.Tx) error {
		list, err := tx.ClaimPeers(x.ctx, "w", now, now.Add(time.Minute), limit)
		for _, p := range list {
			hosts = append(hosts, p.Host)
		}
		return err
	})
	return hosts
}

func (x *fixture) settle(now time.Time, outcomes []node.Outcome, visits ...node.Visit) {
	x.Helper()
	x.write(func(tx node.Tx) error { return tx.Settle(x.ctx, outcomes, visits, now) })
}

func wantList(x *fixture, what string, got []string, want ...string) {
	x.Helper()
	if !slices.Equal(got, want) && len(got)+len(want) > 0 {
		x.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func enqueueInboxes(t *testing.T, x *fixture) {
	x.follower("a.example", "ana", true)
	x.follower("a.example", "bea", true)
	x.follower("b.example", "cid", false)
	dora := x.person("c.example", "dora", true)
	a, n := x.say("act-1", thing, noon, node.Recipients{Followers: true, Actors: []string{dora.IRI, dora.IRI}})
	check(x, "deliveries", n, 3)
	wantList(x, "shared inbox", x.due("a.example", noon), "act-1 a.example/inbox")
	wantList(x, "own inbox", x.due("b.example", noon), "act-1 b.example/users/cid/inbox")
	wantList(x, "named", x.due("c.example", noon), "act-1 c.example/users/dora/inbox")
	list, err := x.DueDeliveries(x.ctx, "b.example", noon, 10)
	x.ok(err)
	d := *list[0]
	check(x, "delivery", d, node.Delivery{Act: a.Seq, ActIRI: "act-1", Host: "b.example", Inbox: "https://b.example/users/cid/inbox", Object: thing, Created: noon})
	got, err := x.Act(x.ctx, "act-1")
	x.ok(err)
	check(x, "waiting", got.Waiting, 3)

	again := 0
	x.write(func(tx node.Tx) (err error) {
		again, err = tx.Enqueue(x.ctx, a, toFollowers)
		return err
	})
	check(x, "enqueued again", again, 0)
	status, err := x.QueueStatus(x.ctx)
	x.ok(err)
	check(x, "status", *status, node.QueueStatus{Waiting: 3, Oldest: noon, Peers: 3})
}

func enqueueCoops(t *testing.T, x *fixture) {
	coop := x.follower("a.example", "coop", true)
	coop.Coop = &node.Coop{}
	x.write(func(tx node.Tx) error { return tx.SaveActor(x.ctx, coop) })
	x.follower("b.example", "bea", false)
	_, n := x.say("act-1", thing, noon, node.Recipients{Coops: true})
	check(x, "deliveries to cooperatives", n, 1)
	wantList(x, "cooperative", x.due("a.example", noon), "act-1 a.example/inbox")
	wantList(x, "claimed", x.claim(noon, 10), "a.example")
	_, n = x.say("act-2", thing, noon.Add(time.Second), node.Recipients{Coops: true, Followers: true})
	check(x, "deliveries to all", n, 2)
}

func enqueueNot(t *testing.T, x *fixture) {
	us := x.person("us.example", "coop", true)
	us.Local = true
	gone := x.follower("gone.example", "a", false)
	gone.Gone = noon
	sly := x.follower("sly.example", "a", false) // says that our inbox is its own
	sly.Inbox = us.Inbox
	noInbox := x.follower("none.example", "a", false)
	noInbox.Inbox = ""
	waits := x.person("waits.example", "a", false)
	x.write(func(tx node.Tx) error {
		for _, a := range []*node.Actor{us, gone, sly, noInbox} {
			x.ok(tx.SaveActor(x.ctx, a))
		}
		return tx.SaveFollower(x.ctx, &node.Following{Actor: waits.IRI, State: node.Pending, Since: noon})
	})
	_, n := x.say("act-1", thing, noon, node.Recipients{Followers: true, ReadersOf: thing,
		Actors: []string{us.IRI, gone.IRI, sly.IRI, noInbox.IRI, "https://unknown.example/a"}})
	check(x, "deliveries", n, 0)
	wantList(x, "claimed", x.claim(noon, 10))
}

func enqueueReaders(t *testing.T, x *fixture) {
	a, b := x.person("a.example", "ana", true), x.person("b.example", "bea", true)
	x.write(func(tx node.Tx) error {
		x.ok(tx.AddReader(x.ctx, thing, a.IRI, noon.Add(-91*24*time.Hour)))
		x.ok(tx.AddReader(x.ctx, thing, b.IRI, noon.Add(-91*24*time.Hour)))
		x.ok(tx.AddReader(x.ctx, thing, b.IRI, noon.Add(-89*24*time.Hour)))
		return tx.AddReader(x.ctx, "https://us.example/ap/posts/2", a.IRI, noon)
	})
	_, n := x.say("act-1", thing, noon, node.Recipients{ReadersOf: thing})
	check(x, "deliveries", n, 1)
	wantList(x, "reader", x.due("b.example", noon), "act-1 b.example/inbox")
}

func readersBounded(t *testing.T, x *fixture) {
	const most = 1000
	x.write(func(tx node.Tx) error {
		for i := range most + 20 {
			host := fmt.Sprintf("h%d.example", i)
			x.ok(tx.SaveActor(x.ctx, &node.Actor{IRI: "https://" + host + "/a", Inbox: "https://" + host + "/inbox", Fetched: noon}))
			x.ok(tx.AddReader(x.ctx, thing, "https://"+host+"/a", noon.Add(-time.Hour).Add(time.Duration(i)*time.Second)))
		}
		return nil
	})
	_, n := x.say("act-1", thing, noon, node.Recipients{ReadersOf: thing})
	check(x, "deliveries", n, most)
	wantList(x, "the oldest", x.due("h0.example", noon))
	wantList(x, "the newest", x.due("h1019.example", noon), "act-1 h1019.example/inbox")
}

func drainOnce(t *testing.T, x *fixture) {
	for i := range 30 {
		x.follower(fmt.Sprintf("h%d.example", i%10), fmt.Sprint("u", i), false)
	}
	a, n := x.say("act-1", thing, noon, toFollowers)
	check(x, "deliveries", n, 30)
	sent := map[string]int{}
	for range 20 {
		hosts := x.claim(noon, 4)
		if len(hosts) == 0 {
			break
		}
		var outcomes []node.Outcome
		var visits []node.Visit
		for _, h := range hosts {
			list, err := x.DueDeliveries(x.ctx, h, noon, 2) // not all at once
			x.ok(err)
			for i, d := range list {
				sent[d.Inbox]++
				outcomes = append(outcomes, node.Outcome{Act: d.Act, Inbox: d.Inbox, Result: []node.Result{node.Arrived, node.Ended}[i%2]})
			}
			visits = append(visits, node.Visit{Host: h, OK: true})
		}
		outcomes = append(outcomes, outcomes[0]) // told twice, counted once
		x.settle(noon, outcomes, visits...)
	}
	check(x, "inboxes", len(sent), 30)
	for inbox, n := range sent {
		check(x, inbox, n, 1)
	}
	got, err := x.Act(x.ctx, a.IRI)
	x.ok(err)
	check(x, "reached, refused, waiting", fmt.Sprint(got.Reached, got.Refused, got.Waiting), "20 10 0")
	status, err := x.QueueStatus(x.ctx)
	x.ok(err)
	check(x, "status", *status, node.QueueStatus{})
}

func deliveryOrder(t *testing.T, x *fixture) {
	x.follower("a.example", "ana", false)
	var seqs []int64
	for i := range 3 {
		a, _ := x.say(fmt.Sprint("act-", i), thing, noon, toFollowers)
		seqs = append(seqs, a.Seq)
	}
	const inbox, short = "https://a.example/users/ana/inbox", " a.example/users/ana/inbox"
	wantList(x, "in order", x.due("a.example", noon), "act-0"+short, "act-1"+short, "act-2"+short)
	x.claim(noon, 1)
	then := noon.Add(time.Hour)
	x.settle(noon, []node.Outcome{{Act: seqs[1], Inbox: inbox, Result: node.Later, NotBefore: then, Reason: "500"}}, node.Visit{Host: "a.example", OK: true})
	wantList(x, "the second waits and the third with it", x.due("a.example", noon), "act-0"+short)
	x.settle(noon, []node.Outcome{{Act: seqs[0], Inbox: inbox, Result: node.Arrived}}, node.Visit{Host: "a.example", OK: true})
	wantList(x, "nothing may go", x.due("a.example", noon))
	wantList(x, "the peer is not due", x.claim(then.Add(-time.Second), 10))
	wantList(x, "until the second is", x.claim(then, 10), "a.example")
	list, err := x.DueDeliveries(x.ctx, "a.example", then, 10)
	x.ok(err)
	if len(list) != 2 || list[0].Act != seqs[1] || list[0].Attempts != 1 || list[0].Reason != "500" || !list[0].NotBefore.Equal(then) {
		t.Errorf("got %+v", list)
	}
}

// One letter that always gets 500 before 50 good ones; the 50 arrive (decisions 27).
func deliveryOthers(t *testing.T, x *fixture) {
	x.follower("a.example", "ana", false)
	bad, _ := x.say("bad", "https://us.example/ap/posts/bad", noon, node.Recipients{Followers: true})
	for i := range 50 {
		x.say(fmt.Sprint("good-", i), fmt.Sprint("https://us.example/ap/posts/", i), noon, node.Recipients{Followers: true})
	}
	x.claim(noon, 1)
	x.settle(noon, []node.Outcome{{Act: bad.Seq, Inbox: "https://a.example/users/ana/inbox", Result: node.Later, NotBefore: noon.Add(time.Hour)}},
		node.Visit{Host: "a.example", OK: true})
	wantList(x, "due again at once", x.claim(noon, 1), "a.example")
	check(x, "letters that may go", len(x.due("a.example", noon)), 50)
}

// What ended is counted in the hour in which it did, what waits in the one in which it was made.
func deliveryHours(t *testing.T, x *fixture) {
	for _, name := range []string{"ana", "bea", "cid", "dan"} {
		x.follower("a.example", name, false)
	}
	at := noon.Add(-time.Hour)
	a, _ := x.say("act-1", thing, at, toFollowers)
	to := func(name string, r node.Result, retried bool) node.Outcome {
		return node.Outcome{Act: a.Seq, Inbox: "https://a.example/users/" + name + "/inbox", Result: r, Retried: retried, NotBefore: noon}
	}
	x.settle(at, []node.Outcome{to("ana", node.Arrived, false), to("ana", node.Arrived, false), to("bea", node.Later, false)})
	x.settle(at.Add(10*time.Minute), []node.Outcome{to("dan", node.Arrived, false)})
	x.settle(noon.Add(59*time.Minute), []node.Outcome{to("bea", node.Arrived, true), to("cid", node.Ended, false)})
	x.say("act-2", "https://us.example/ap/posts/2", noon.Add(59*time.Minute), node.Recipients{Followers: true})
	hours := func(since time.Time) (got []string) {
		list, err := x.DeliveryHours(x.ctx, since)
		x.ok(err)
		for _, h := range list {
			got = append(got, fmt.Sprint(h.Begin.Format("15:04 "), h.Arrived, h.Retried, h.Ended, h.Waiting))
		}
		return got
	}
	before := at.Truncate(time.Hour)
	wantList(x, "hours", hours(before), before.Format("15:04 ")+"2 0 0 0", noon.Truncate(time.Hour).Format("15:04 ")+"0 1 1 4")
	wantList(x, "hours since noon", hours(noon.Truncate(time.Hour)), noon.Truncate(time.Hour).Format("15:04 ")+"0 1 1 4")
	x.write(func(tx node.Tx) error { return tx.Sweep(x.ctx, noon.Add(91*24*time.Hour)) })
	wantList(x, "hours after 90 days", hours(before), noon.Truncate(time.Hour).Format("15:04 ")+"0 0 0 4")
}

func enqueueDuringVisit(t *testing.T, x *fixture) {
	x.follower("a.example", "ana", false)
	first, _ := x.say("act-1", thing, noon, toFollowers)
	wantList(x, "claimed", x.claim(noon, 10), "a.example")
	x.say("act-2", thing, noon, toFollowers)
	wantList(x, "still claimed", x.claim(noon, 10))
	x.settle(noon, []node.Outcome{{Act: first.Seq, Inbox: "https://a.example/users/ana/inbox", Result: node.Arrived}}, node.Visit{Host: "a.example", OK: true})
	wantList(x, "due again", x.claim(noon, 10), "a.example")
	wantList(x, "the new one", x.due("a.example", noon), "act-2 a.example/users/ana/inbox")
}

func manageQueue(t *testing.T, x *fixture) {
	x.follower("a.example", "ana", false)
	x.follower("b.example", "bea", false)
	x.say("act-1", thing, noon, toFollowers)
	x.say("act-2", "https://us.example/ap/posts/2", noon, node.Recipients{Followers: true})
	x.claim(noon, 10)
	then := noon.Add(time.Hour)
	for _, host := range []string{"a.example", "b.example"} {
		list, err := x.DueDeliveries(x.ctx, host, noon, 10)
		x.ok(err)
		var outcomes []node.Outcome
		for _, d := range list {
			outcomes = append(outcomes, node.Outcome{Act: d.Act, Inbox: d.Inbox, Result: node.Later, NotBefore: then, Reason: "500"})
		}
		x.settle(noon, outcomes, node.Visit{Host: host, NotBefore: then, Failures: 1})
	}
	count := func(q node.DeliveryQuery) int {
		list, err := x.Deliveries(x.ctx, q)
		x.ok(err)
		return len(list)
	}
	check(x, "all", count(node.DeliveryQuery{}), 4)
	check(x, "two", count(node.DeliveryQuery{Limit: 2}), 2)
	check(x, "of a host", count(node.DeliveryQuery{Host: "a.example"}), 2)
	check(x, "of an object", count(node.DeliveryQuery{Object: thing}), 2)
	check(x, "of an act", count(node.DeliveryQuery{Act: "act-2"}), 2)
	check(x, "of an act at a host", count(node.DeliveryQuery{Act: "act-2", Host: "b.example"}), 1)
	check(x, "of an unknown act", count(node.DeliveryQuery{Act: "act-3"}), 0)

	do := func(f func(node.Tx) (int, error)) (n int) {
		t.Helper()
		x.write(func(tx node.Tx) (err error) {
			n, err = f(tx)
			return err
		})
		return n
	}
	retried := do(func(tx node.Tx) (int, error) {
		return tx.RetryDeliveries(x.ctx, node.DeliveryQuery{Host: "a.example", Object: thing}, noon)
	})
	check(x, "retried", retried, 1)
	wantList(x, "due after retry", x.claim(noon, 10), "a.example")
	wantList(x, "letters", x.due("a.example", noon), "act-1 a.example/users/ana/inbox")

	dropped := do(func(tx node.Tx) (int, error) { return tx.DropDeliveries(x.ctx, node.DeliveryQuery{Host: "b.example"}) })
	check(x, "dropped", dropped, 2)
	a, err := x.Act(x.ctx, "act-1")
	x.ok(err)
	check(x, "reached, refused, waiting", fmt.Sprint(a.Reached, a.Refused, a.Waiting), "0 1 1")
	list, err := x.Peers(x.ctx, 10)
	x.ok(err)
	check(x, "peers with letters", len(list), 1)
	dropped = do(func(tx node.Tx) (int, error) { return tx.DropDeliveries(x.ctx, node.DeliveryQuery{}) })
	check(x, "dropped all", dropped, 2)
	check(x, "left", count(node.DeliveryQuery{}), 0)
}
