package activitypub

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

func TestLettersArriveSignedOneAtATimePerPeer(t *testing.T) {
	t.Parallel()
	q, s := newQueueNode(t, t.TempDir(), Options{}), newQueueSink(t)
	key := q.key()
	s.key = &key.PublicKey
	q.follow(queueInboxes(s.hosts(5), 60)...)
	q.run()
	iri := q.say("a", "http://localhost:8080/o")
	q.until("60 letters arrive", func() bool { return q.act(iri).Reached == 60 })
	if s.count(-1) != 60 || len(q.waiting()) != 0 {
		t.Errorf("%d requests for 60 letters, %d still wait", s.count(-1), len(q.waiting()))
	}
	if s.most != 1 {
		t.Errorf("%d requests at once to one host, want 1 (decisions 26)", s.most)
	}
	if p := q.peer("127.10.0.1"); p != nil {
		t.Errorf("peer %+v is due though nothing waits", p)
	}
}

// Decisions 27: one letter that always gets 500 before 50 good ones; the 50 arrive. Q-4: a later
// letter about the same object does not overtake it.
func TestOneBadLetterDelaysOnlyItsObject(t *testing.T) {
	t.Parallel()
	q, s := newQueueNode(t, t.TempDir(), Options{}), newQueueSink(t)
	q.follow(s.host(1) + "/inbox")
	bad := q.say("bad", "http://localhost:8080/bad")
	after := q.say("after", "http://localhost:8080/bad")
	for i := range 50 {
		q.say(fmt.Sprint("good", i), fmt.Sprint("http://localhost:8080/good", i))
	}
	s.decide(func(a arrival) int {
		if a.act == bad {
			return 500
		}
		return 202
	})
	stop := q.run()
	q.until("50 good letters arrive", func() bool { return s.count(202) == 50 })
	stop()
	for i, a := range s.arrivals(202) {
		if want := q.node.Links.Activity(fmt.Sprint("good", i)); a.act != want {
			t.Fatalf("letter %d is %s, want %s: not in order", i, a.act, want)
		}
	}
	left := q.waiting()
	if len(left) != 2 || left[0].ActIRI != bad || left[1].ActIRI != after {
		t.Fatalf("%d letters wait, want the bad one and the one after it", len(left))
	}
	if left[0].Attempts == 0 || left[0].Reason != "answered 500" || left[1].Attempts != 0 {
		t.Errorf("the bad letter: %+v; the one after it: %+v", left[0], left[1])
	}
	// It is cured: both go, in order.
	s.decide(nil)
	q.out = newOutgoing(q.wire)
	q.run()
	q.later(time.Minute)
	q.until("the bad letter and the one after it arrive", func() bool { return s.count(202) == 52 })
	if last := s.arrivals(202)[50:]; last[0].act != bad || last[1].act != after {
		t.Errorf("arrived as %s, %s", last[0].act, last[1].act)
	}
}

// Decisions 27: three letters that fail, and none that arrives, make the peer fail.
func TestThreeBadLettersEndTheVisit(t *testing.T) {
	t.Parallel()
	q, s := newQueueNode(t, t.TempDir(), Options{}), newQueueSink(t)
	host := s.host(1)
	q.follow(queueInboxes([]string{host}, 10)...)
	s.decide(func(arrival) int { return 500 })
	q.say("a", "http://localhost:8080/o")
	q.run()
	q.until("the peer fails", func() bool { p := q.peer(node.HostOf(host)); return p.Failures == 1 })
	if n := s.count(-1); n != failuresEnd {
		t.Errorf("%d requests before the peer was left alone, want %d", n, failuresEnd)
	}
}

// A peer that took something before it failed begins its waits anew.
func TestArrivalBeforeFailureIsARecovery(t *testing.T) {
	t.Parallel()
	q, s := newQueueNode(t, t.TempDir(), Options{}), newQueueSink(t)
	host := s.host(1)
	q.follow(queueInboxes([]string{host}, 5)...)
	q.say("a", "http://localhost:8080/o")
	peers, err := q.out.claim(t.Context(), q.node.Now(), 5)
	q.must(err)
	peers[0].Failures = 7
	s.decide(func(arrival) int {
		if s.count(202) == 2 {
			return 503
		}
		return 202
	})
	q.out.visit(t.Context(), t.Context(), peers[0])
	close(q.out.completer.in)
	q.out.completer.run(t.Context())
	if p := q.peer(node.HostOf(host)); p.Failures != 1 || p.Waiting != 3 {
		t.Errorf("after two letters arrived and one met a failure: %+v", p)
	}
}

// OUT-5, decisions 28: Retry-After is obeyed, and it counts for the whole peer after 429 and 503.
func TestRetryAfterIsObeyed(t *testing.T) {
	t.Parallel()
	q, s := newQueueNode(t, t.TempDir(), Options{}), newQueueSink(t)
	host := s.host(1)
	q.follow(host+"/a/inbox", host+"/b/inbox")
	s.decide(func(arrival) int { return 503 })
	s.say("Retry-After", "120")
	q.say("a", "http://localhost:8080/o")
	q.run()
	q.until("the peer fails", func() bool { return q.peer(node.HostOf(host)).Failures == 1 })
	if wait := time.Until(q.peer(node.HostOf(host)).Due); wait < 115*time.Second || wait > 121*time.Second {
		t.Errorf("tried again in %v, want 120 s", wait)
	}
	s.decide(nil)
	q.later(110 * time.Second)
	time.Sleep(50 * time.Millisecond)
	if n := s.count(-1); n != 1 {
		t.Errorf("%d requests within Retry-After, want the first only", n)
	}
	q.later(11 * time.Second)
	q.until("both letters arrive", func() bool { return s.count(202) == 2 })
}

// Decisions 28: the waits of a peer grow, and it costs one attempt for each of them, however many
// letters wait.
func TestDeadPeerCostsOneAttemptPerWait(t *testing.T) {
	t.Parallel()
	q, s := newQueueNode(t, t.TempDir(), Options{}), newQueueSink(t)
	host := s.host(1)
	q.follow(queueInboxes([]string{host}, 100)...)
	s.decide(func(arrival) int { return 503 })
	q.say("a", "http://localhost:8080/o")
	before := q.node.Now() // it fails between this moment and when that is seen
	q.run()
	for failures := 1; failures <= 12; failures++ {
		q.until("the peer fails once more", func() bool { return q.peer(node.HostOf(host)).Failures == failures })
		due := q.peer(node.HostOf(host)).Due
		most, least := due.Sub(before), due.Sub(q.node.Now())
		if want := node.RetryWait(failures); most < want*7/10 || least > want*13/10 {
			t.Errorf("after %d failures it waits between %v and %v, want %v more or less a fifth", failures, least, most, want)
		}
		if n := s.count(-1); n != failures {
			t.Fatalf("%d attempts for %d failed visits", n, failures)
		}
		step := node.RetryWait(failures) * 5 / 4
		before = q.node.Now().Add(step)
		q.later(step)
	}
	for _, d := range q.waiting() {
		if d.Attempts != 0 {
			t.Fatalf("a letter is blamed for its peer: %+v", d)
		}
	}
}

// Decisions 28: a letter is given up by its age, also when its peer is dead and it was never tried.
func TestOldLettersAreGivenUp(t *testing.T) {
	t.Parallel()
	q, s := newQueueNode(t, t.TempDir(), Options{}), newQueueSink(t)
	dead, bad := s.host(1), s.host(2)
	q.follow(append(queueInboxes([]string{dead}, 40), bad+"/inbox")...)
	s.decide(func(a arrival) int {
		if strings.HasPrefix(a.inbox, dead) {
			return 503
		}
		return 500
	})
	old := q.say("old", "http://localhost:8080/o")
	q.run()
	q.until("each is tried", func() bool { return s.count(503) > 0 && s.count(500) > 0 })
	q.later(node.GiveUpAfter - time.Hour)
	q.until("each is tried again", func() bool { return s.count(503) > 1 && s.count(500) > 1 })
	if n := len(q.waiting()); n != 41 {
		t.Fatalf("%d letters wait before the seventh day is over, want 41", n)
	}
	q.later(2 * time.Hour)
	young := q.say("young", "http://localhost:8080/p")
	q.later(25 * time.Hour)
	q.until("the old ones are given up", func() bool { return q.act(old).Refused == 41 })
	for _, d := range q.waiting() {
		if d.ActIRI != young {
			t.Fatalf("left over: %+v", d)
		}
	}
	if n := len(q.waiting()); n != 41 {
		t.Errorf("%d young letters wait, want 41", n)
	}
}

// Decisions 29: 404 and 410 end the letter and put the followers behind that inbox in doubt. The
// followers stay. A doubt that is there keeps what it remembers.
func TestGoneInboxPutsItsFollowersInDoubt(t *testing.T) {
	t.Parallel()
	q, s := newQueueNode(t, t.TempDir(), Options{}), newQueueSink(t)
	host := s.host(1)
	actors := q.follow(host+"/a/inbox", host+"/b/inbox", host+"/c/inbox")
	q.tx(func(tx node.Tx) error {
		return tx.SaveTask(t.Context(), &node.Task{Kind: node.TaskDoubt, Subject: actors[0], Due: q.node.Now().Add(-time.Hour), Attempts: 2, Data: "two days"})
	})
	s.decide(func(a arrival) int {
		return map[string]int{host + "/a/inbox": 404, host + "/b/inbox": 410}[a.inbox] | map[string]int{host + "/c/inbox": 202}[a.inbox]
	})
	iri := q.say("a", "http://localhost:8080/o")
	q.run()
	q.until("all is settled", func() bool { a := q.act(iri); return a.Reached == 1 && a.Refused == 2 })
	tasks, err := q.db.DueTasks(t.Context(), q.node.Now(), 10)
	q.must(err)
	if len(tasks) != 2 || tasks[0].Subject != actors[0] || tasks[0].Data != "two days" || tasks[1].Subject != actors[1] || tasks[1].Kind != node.TaskDoubt {
		t.Errorf("doubts: %+v", tasks)
	}
	if n, err := q.db.CountFollowers(t.Context()); n != 3 || err != nil {
		t.Errorf("%d followers (%v), want 3", n, err)
	}
}

// Decisions 29: 401 and 403 end a letter at the third try. The first one knocks twice (decisions 21).
func TestRefusedLetterEndsAtTheThirdTry(t *testing.T) {
	t.Parallel()
	q, s := newQueueNode(t, t.TempDir(), Options{}), newQueueSink(t)
	q.follow(s.host(1) + "/inbox")
	s.decide(func(arrival) int { return 401 })
	iri := q.say("a", "http://localhost:8080/o")
	q.run()
	for n := 1; n <= 3; n++ {
		q.until("it is tried", func() bool { return s.count(401) == n+1 })
		q.until("it is noted", func() bool { w := q.waiting(); return len(w) == 0 || w[0].Attempts == n })
		q.later(time.Minute)
	}
	q.until("it ends", func() bool { return q.act(iri).Refused == 1 })
	if s.count(-1) != 4 {
		t.Errorf("%d requests, want 4", s.count(-1))
	}
}

// SSRF-2: a follower whose inbox is an address that may not be reached costs nothing but its letter.
func TestRefusedAddressEndsTheLetter(t *testing.T) {
	t.Parallel()
	q := newQueueNode(t, t.TempDir(), Options{})
	q.follow("https://10.1.2.3/inbox")
	iri := q.say("a", "http://localhost:8080/o")
	q.run()
	q.until("it ends", func() bool { return q.act(iri).Refused == 1 })
}

// Decisions 28: a verified letter from a host makes what waits for it due now, letters that wait
// for themselves too, and at most once for each failed visit.
func TestHearingFromAPeerWakesIt(t *testing.T) {
	t.Parallel()
	q, s := newQueueNode(t, t.TempDir(), Options{}), newQueueSink(t)
	base := s.host(1)
	host := node.HostOf(base)
	q.follow(base + "/inbox")
	s.decide(func(arrival) int { return 503 })
	s.say("Retry-After", "86400")
	q.say("a", "http://localhost:8080/o")
	stop := q.run()
	q.until("it fails", func() bool { return q.peer(host).Failures == 1 })
	stop()
	// Known also after a restart.
	q.out = newOutgoing(q.wire)
	q.run()
	time.Sleep(50 * time.Millisecond)
	q.out.HeardFrom("other.example")
	q.out.HeardFrom(host)
	q.out.HeardFrom(host)
	q.until("it fails again", func() bool { return q.peer(host).Failures == 2 })
	time.Sleep(100 * time.Millisecond)
	if n := s.count(-1); n != 2 {
		t.Errorf("%d attempts, want one more for the letters that came", n)
	}
	s.decide(nil)
	q.out.HeardFrom(host)
	q.until("the letter arrives", func() bool { return s.count(202) == 1 })
}

// One inbox that hangs does not keep the others of its host waiting for ever.
func TestHangingInboxDoesNotBlockItsHost(t *testing.T) {
	t.Parallel()
	q, s := newQueueNode(t, t.TempDir(), Options{}), newQueueSink(t)
	q.wire.client.postTimeout = 100 * time.Millisecond
	host := s.host(1)
	q.follow(host+"/a/inbox", host+"/b/inbox", host+"/c/inbox")
	s.decide(func(a arrival) int {
		if a.inbox == host+"/a/inbox" {
			return 0
		}
		return 202
	})
	q.say("a", "http://localhost:8080/o")
	q.run()
	q.until("the two others have theirs", func() bool {
		q.later(10 * time.Second)
		return s.count(202) == 2
	})
	q.until("the first waits alone", func() bool { w := q.waiting(); return len(w) == 1 && w[0].Inbox == host+"/a/inbox" })
}

// Fairness: a peer with many letters is given back after each 20.
func TestVisitIsBounded(t *testing.T) {
	t.Parallel()
	q, s := newQueueNode(t, t.TempDir(), Options{}), newQueueSink(t)
	q.follow(queueInboxes(s.hosts(1), 50)...)
	q.say("a", "http://localhost:8080/o")
	peers, err := q.out.claim(t.Context(), q.node.Now(), 5)
	q.must(err)
	if len(peers) != 1 {
		t.Fatalf("%d peers claimed", len(peers))
	}
	q.out.visit(t.Context(), t.Context(), peers[0])
	if s.count(-1) != lettersAVisit {
		t.Errorf("a visit carried %d letters, want %d", s.count(-1), lettersAVisit)
	}
	peers[0].Failures = 1
	q.out.visit(t.Context(), t.Context(), peers[0])
	if s.count(-1) != 2*lettersAVisit {
		t.Errorf("a visit to a peer in failure carried %d letters, want %d", s.count(-1)-lettersAVisit, lettersAVisit)
	}
	close(q.out.completer.in)
	q.out.completer.run(t.Context())
	if again, err := q.out.claim(t.Context(), q.node.Now(), 5); err != nil || len(again) != 1 {
		t.Errorf("after its visit %d peers can be claimed (%v), want it again", len(again), err)
	}
}

// 15 % of the hosts hang and 15 % answer 500: by counts, nobody waits for them.
func TestSickHostsDelayNobody(t *testing.T) {
	t.Parallel()
	w := newSickWard(t, 40, 200)
	s := w.sink
	s.decide(func(a arrival) int { return w.status[node.HostOf(a.inbox)] })
	iri := w.say("a", "http://localhost:8080/o")
	w.run()
	w.until("28 healthy hosts have their 140, the others were tried", func() bool { return s.count(202) == 140 && s.count(0) >= 6 })
	if got := s.count(0); got != 6 {
		t.Errorf("%d requests to hosts that hang, want one for each of 6: nobody waited for them", got)
	}
	attempts := map[string]int{}
	for _, a := range s.arrivals(500) {
		attempts[node.HostOf(a.inbox)]++
	}
	for host, n := range attempts {
		if n > 2*failuresEnd {
			t.Errorf("%d attempts at %s, want no more than %d", n, host, 2*failuresEnd)
		}
	}
	// They recover: each has all its letters.
	s.decide(nil)
	s.release()
	w.until("the sick hosts have theirs", func() bool {
		w.later(5 * time.Second)
		return w.act(iri).Reached == 200
	})
}
