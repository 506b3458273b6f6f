package activitypub

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// decisions 27 to 29: what each answer means.
func TestVerdictOfAnswer(t *testing.T) {
	ended, waits := verdict{result: node.Ended}, verdict{fault: letterFault}
	for _, tt := range []struct {
		statuses []int
		attempts int
		want     verdict
	}{
		{[]int{200, 201, 202, 204}, 0, verdict{result: node.Arrived}},
		{[]int{404, 410}, 0, verdict{result: node.Ended, gone: true}},
		{[]int{401, 403}, 0, waits},
		{[]int{401, 403}, 1, waits},
		{[]int{401, 403}, 2, ended},
		{[]int{400, 402, 405, 406, 409, 413, 415, 422, 451, 501}, 0, ended},
		{[]int{408, 425, 500, 502, 504, 520, 599}, 9, waits},
		{[]int{429, 503}, 0, verdict{fault: peerFault}},
	} {
		for _, status := range tt.statuses {
			got := judge(&PostResult{Status: status, RetryAfter: 0}, nil, tt.attempts)
			want := tt.want
			if want.result != node.Arrived {
				want.reason = fmt.Sprint("answered ", status)
			}
			if got != want {
				t.Errorf("%d after %d attempts: %+v, want %+v", status, tt.attempts, got, want)
			}
		}
	}
	if v := judge(&PostResult{Status: 503, RetryAfter: time.Hour}, nil, 0); v.after != time.Hour {
		t.Errorf("Retry-After of an hour became %v", v.after)
	}
}

// Q-6, decisions 27: what the lack of an answer means.
func TestVerdictOfError(t *testing.T) {
	network := func(err error) error {
		return &NetworkError{Host: "mill.example", Err: &url.Error{Op: "Post", Err: err}}
	}
	for _, tt := range []struct {
		name   string
		err    error
		fault  fault
		result node.Result
		reason string
	}{
		{"an address that is refused ends the letter", fmt.Errorf("post: %w", refuse("10.0.0.1", "it is not a public address")), noFault, node.Ended, "address not allowed: it is not a public address"},
		{"a redirect is not followed", &StatusError{URL: "https://mill.example/inbox", Code: 302}, letterFault, node.Later, "answered 302"},
		{"a name that is not there", network(&net.DNSError{Err: "no such host", IsNotFound: true}), peerFault, node.Later, "no such name"},
		{"a name server that is silent", network(&net.DNSError{Err: "i/o timeout", IsTimeout: true}), peerFault, node.Later, "name server does not answer"},
		{"a closed port", network(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), peerFault, node.Later, "connection refused"},
		{"a peer that hangs", network(errTooSlow), peerFault, node.Later, "no answer in time"},
		{"a connect that hangs", network(&net.OpError{Op: "dial", Err: syscall.ETIMEDOUT}), peerFault, node.Later, "no answer in time"},
		{"a certificate of another name", network(&tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}, Host: "mill.example"}}), peerFault, node.Later, "no trusted TLS connection"},
		{"a peer that speaks no TLS", network(tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}), peerFault, node.Later, "no trusted TLS connection"},
		{"a connection that breaks", network(errors.New("EOF")), peerFault, node.Later, "connection failed"},
		{"a key that cannot be read", errors.New("read the node's key: no such thing"), ownFault, node.Later, "this node could not send"},
	} {
		v := judge(nil, tt.err, 0)
		if v.fault != tt.fault || v.result != tt.result || v.reason != tt.reason {
			t.Errorf("%s: %+v", tt.name, v)
		}
	}
}

func TestLettersArriveSignedOneAtATimePerPeer(t *testing.T) {
	t.Parallel()
	q, s := newQueueNode(t, t.TempDir(), Options{}), newQueueSink(t)
	key, err := q.wire.readKey(t.Context())
	q.must(err)
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
	q.run()
	for failures := 1; failures <= 12; failures++ {
		q.until("the peer fails once more", func() bool { return q.peer(node.HostOf(host)).Failures == failures })
		wait := q.peer(node.HostOf(host)).Due.Sub(q.node.Now())
		if want := node.RetryWait(failures); wait < want*7/10 || wait > want*13/10 {
			t.Errorf("after %d failures it waits %v, want %v more or less a fifth", failures, wait, want)
		}
		if n := s.count(-1); n != failures {
			t.Fatalf("%d attempts for %d failed visits", n, failures)
		}
		q.later(node.RetryWait(failures) * 5 / 4)
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

// Decisions 29: 401 and 403 end a letter at the third try.
func TestRefusedLetterEndsAtTheThirdTry(t *testing.T) {
	t.Parallel()
	q, s := newQueueNode(t, t.TempDir(), Options{}), newQueueSink(t)
	q.follow(s.host(1) + "/inbox")
	s.decide(func(arrival) int { return 401 })
	iri := q.say("a", "http://localhost:8080/o")
	q.run()
	for n := 1; n <= 3; n++ {
		q.until("it is tried", func() bool { return s.count(401) == n })
		q.until("it is noted", func() bool { w := q.waiting(); return len(w) == 0 || w[0].Attempts == n })
		q.later(time.Minute)
	}
	q.until("it ends", func() bool { return q.act(iri).Refused == 1 })
	if s.count(-1) != 3 {
		t.Errorf("%d tries, want 3", s.count(-1))
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

// Decisions 26: the carrier is rung, at places that become free too; the poll each second is only
// the net under it.
func TestNoRingIsLost(t *testing.T) {
	t.Parallel()
	q := newQueueNode(t, t.TempDir(), Options{})
	inboxes := make([]string, 3*visitsAtOnce)
	for i := range inboxes {
		inboxes[i] = fmt.Sprintf("http://127.40.0.%d:8081/inbox", i)
	}
	q.follow(inboxes...)
	q.out.post = func(context.Context, string, []byte) (*PostResult, error) {
		time.Sleep(time.Millisecond)
		return &PostResult{Status: http.StatusAccepted}, nil
	}
	q.run()
	began := time.Now()
	const rounds = 12
	for i := range rounds {
		iri := q.say(fmt.Sprint("act", i), "http://localhost:8080/o")
		q.until("it arrives", func() bool { return q.act(iri).Reached == len(inboxes) })
	}
	if took := time.Since(began); took > rounds*longestPoll*3/4 {
		t.Errorf("%d fan-outs took %v: some waited for the poll", rounds, took)
	}
}

// a claim lasts as long as it is prolonged, and a minute more.
func TestLeasesAreProlonged(t *testing.T) {
	t.Parallel()
	q := newQueueNode(t, t.TempDir(), Options{})
	q.follow("http://127.0.0.9:8081/inbox")
	q.say("a", "http://localhost:8080/o")
	claims := func(owner string) (n int) {
		q.tx(func(tx node.Tx) error {
			list, err := tx.ClaimPeers(t.Context(), owner, q.node.Now(), q.node.Now().Add(leaseTime), 5)
			n = len(list)
			return err
		})
		return n
	}
	if claims(q.out.owner) != 1 {
		t.Fatal("the peer is not due")
	}
	for range 3 {
		q.later(leaseTime - time.Second)
		q.out.extend(t.Context())
		if claims("another") != 0 {
			t.Fatal("a prolonged claim was taken")
		}
	}
	q.later(leaseTime + time.Second)
	if claims("another") != 1 {
		t.Error("a claim that ran out was not taken up")
	}
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

// a stop in the middle begins nothing new, waits for what is under way, loses nothing, sends
// nothing twice and leaves no claim.
func TestStopInTheMiddleLosesNothing(t *testing.T) {
	t.Parallel()
	q, s := newQueueNode(t, t.TempDir(), Options{}), newQueueSink(t)
	q.follow(queueInboxes(s.hosts(30), 300)...)
	s.decide(func(arrival) int { time.Sleep(20 * time.Millisecond); return 202 })
	iri := q.say("a", "http://localhost:8080/o")
	for _, stopAt := range []int{40, 120, 200} {
		q.out = newOutgoing(q.wire)
		stop := q.run()
		q.until("letters arrive", func() bool { return s.count(-1) >= stopAt })
		began := time.Now()
		stop()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("the stop took %v", took)
		}
		if sent, noted := s.count(-1), q.act(iri).Reached; sent != noted {
			t.Errorf("%d sent, %d noted", sent, noted)
		}
		q.tx(func(tx node.Tx) error {
			peers, err := tx.ClaimPeers(t.Context(), "someone else", q.node.Now(), q.node.Now(), 100)
			if len(peers) == 0 {
				t.Error("no peer can be claimed after the stop")
			}
			return err
		})
	}
	q.out = newOutgoing(q.wire)
	q.run()
	q.until("all arrive", func() bool { return q.act(iri).Reached == 300 })
	if s.count(-1) != 300 {
		t.Errorf("%d requests for 300 letters", s.count(-1))
	}
}

// peers that hang do not hold up the stop, and it is not held against them.
func TestStopDoesNotWaitForHangingPeers(t *testing.T) {
	t.Parallel()
	q, s := newQueueNode(t, t.TempDir(), Options{}), newQueueSink(t)
	q.out.patience = 200 * time.Millisecond
	q.follow(queueInboxes(s.hosts(5), 5)...)
	s.decide(func(arrival) int { return 0 })
	q.say("a", "http://localhost:8080/o")
	stop := q.run()
	q.until("all hang", func() bool { return s.count(0) == 5 })
	began := time.Now()
	stop()
	if took := time.Since(began); took < 150*time.Millisecond || took > 2*time.Second {
		t.Errorf("the stop took %v, want about 200 ms", took)
	}
	for _, d := range q.waiting() {
		if p := q.peer(d.Host); p.Failures != 0 || p.Due.After(q.node.Now()) || d.Attempts != 0 {
			t.Errorf("a stop of ours is held against %+v, %+v", p, d)
		}
	}
	if n := len(q.waiting()); n != 5 {
		t.Errorf("%d letters wait, want 5", n)
	}
}

// HTTP-3: a visit that breaks off takes nobody else with it.
func TestPanicInAVisit(t *testing.T) {
	t.Parallel()
	logged := &queueLog{}
	q, s := newQueueNode(t, t.TempDir(), Options{Log: slog.New(logged)}), newQueueSink(t)
	hosts := s.hosts(10)
	q.follow(queueInboxes(hosts, 30)...)
	post := q.out.post
	var broken atomic.Bool
	broken.Store(true)
	q.out.post = func(ctx context.Context, inbox string, body []byte) (*PostResult, error) {
		if broken.Load() && strings.HasPrefix(inbox, hosts[3]+"/") {
			panic("on purpose")
		}
		return post(ctx, inbox, body)
	}
	iri := q.say("a", "http://localhost:8080/o")
	q.run()
	q.until("the others have theirs", func() bool { return q.act(iri).Reached == 27 })
	q.until("the peer is given back", func() bool { p := q.peer(node.HostOf(hosts[3])); return p != nil && p.Failures == 1 })
	if !logged.has(slog.LevelError, "a visit broke off") {
		t.Error("the panic is not in the log")
	}
	broken.Store(false)
	q.later(time.Minute)
	q.until("all have theirs", func() bool { return q.act(iri).Reached == 30 })
}

// failingStore refuses transactions while it is told to.
type failingStore struct {
	node.Store
	broken atomic.Bool
}

func (f *failingStore) Tx(ctx context.Context, do func(node.Tx) error) error {
	if f.broken.Load() {
		return &node.Error{Op: "commit", Kind: node.Unavailable, Text: "The disk is full."}
	}
	return f.Store.Tx(ctx, do)
}

// DB-6: while results cannot be written down they are kept, nothing more is claimed, and when the
// store works again nothing was lost or sent twice.
func TestResultsSurviveAStoreThatFails(t *testing.T) {
	t.Parallel()
	q, s := newQueueNode(t, t.TempDir(), Options{}), newQueueSink(t)
	f := &failingStore{Store: q.db}
	q.out.store, q.out.completer.store = f, f
	q.follow(queueInboxes(s.hosts(20), 200)...)
	s.decide(func(arrival) int {
		f.broken.Store(true)
		return 202
	})
	iri := q.say("a", "http://localhost:8080/o")
	q.run()
	q.until("the first arrive", func() bool { return s.count(-1) > 0 })
	time.Sleep(300 * time.Millisecond)
	sent := s.count(-1)
	s.decide(nil)
	f.broken.Store(false)
	q.until("all are noted", func() bool { return q.act(iri).Reached == 200 })
	if sent > visitsAtOnce || s.count(-1) != 200 {
		t.Errorf("%d sent while the store failed, want at most %d; %d in the end, want 200", sent, visitsAtOnce, s.count(-1))
	}
}

// LOG-3: repeated trouble is said once a minute for each host and reason.
func TestTroubleIsSaidOnceAMinute(t *testing.T) {
	t.Parallel()
	logged := &queueLog{}
	q, s := newQueueNode(t, t.TempDir(), Options{Log: slog.New(logged)}), newQueueSink(t)
	host := s.host(1)
	q.follow(queueInboxes([]string{host}, 10)...)
	s.decide(func(arrival) int { return 400 })
	iri := q.say("a", "http://localhost:8080/o")
	q.run()
	q.until("all end", func() bool { return q.act(iri).Refused == 10 })
	if n := logged.count(slog.LevelWarn); n != 1 {
		t.Errorf("%d warnings for ten letters refused alike, want 1", n)
	}
	var c complaints
	now := time.Now()
	if !c.first("a", now) || c.first("a", now.Add(59*time.Second)) || !c.first("b", now) || !c.first("a", now.Add(61*time.Second)) {
		t.Error("a complaint is repeated too early or too late")
	}
	for i := range 10 * complaintsKept {
		c.first(fmt.Sprint(i), now)
	}
	if len(c.last) > complaintsKept {
		t.Errorf("%d complaints are kept", len(c.last))
	}
}

// The bytes of an act are read once in a fan-out, and again when something changed: an edit may
// replace those of a Create.
func TestActCache(t *testing.T) {
	t.Parallel()
	q := newQueueNode(t, t.TempDir(), Options{})
	rec := &node.ActRecord{IRI: "http://localhost:8080/ap/c", Verb: node.Create, Object: "http://localhost:8080/o", Raw: []byte("first"), At: time.Now()}
	save := func() { q.tx(func(tx node.Tx) error { return tx.SaveAct(t.Context(), rec) }) }
	var c actCache
	get := func(generation int64) string {
		b, err := c.get(t.Context(), q.db, generation, rec.Seq)
		q.must(err)
		return string(b)
	}
	save()
	if got := get(1); got != "first" {
		t.Fatalf("got %q", got)
	}
	rec.Raw = []byte("second")
	save()
	if got := get(1); got != "first" {
		t.Errorf("got %q: read again without a change", got)
	}
	if got := get(2); got != "second" {
		t.Errorf("got %q after a change", got)
	}
	for i := range 2 * cachedActs {
		rec.IRI, rec.Raw = fmt.Sprint("http://localhost:8080/ap/", i), make([]byte, 100<<10)
		rec.Seq = 0
		save()
		get(2)
		if len(c.acts) > cachedActs || c.size > cachedActBytes {
			t.Fatalf("%d acts of %d bytes are kept", len(c.acts), c.size)
		}
	}
}

func TestSickHostsDelayNobody(t *testing.T) {
	t.Parallel()
	q, s := newQueueNode(t, t.TempDir(), Options{}), newQueueSink(t)
	hosts := s.hosts(40)
	q.follow(queueInboxes(hosts, 200)...)
	kind := map[string]int{} // 15 % hang, 15 % answer 500
	for i, h := range hosts {
		kind[node.HostOf(h)] = [20]int{0, 0, 0, 500, 500, 500}[i%20]
		if i%20 >= 6 {
			kind[node.HostOf(h)] = http.StatusAccepted
		}
	}
	s.decide(func(a arrival) int { return kind[node.HostOf(a.inbox)] })
	iri := q.say("a", "http://localhost:8080/o")
	q.run()
	q.until("28 healthy hosts have their 140", func() bool { return s.count(202) == 140 })
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
	q.until("the sick hosts have theirs", func() bool {
		q.later(5 * time.Second)
		return q.act(iri).Reached == 200
	})
}
