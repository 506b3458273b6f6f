package activitypub

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// Decisions 26: the carrier is rung, at places that become free too; the poll each second is only
// the net under it, and here it is an hour.
func TestNoRingIsLost(t *testing.T) {
	t.Parallel()
	q := newQueueNode(t, t.TempDir(), Options{})
	inboxes := make([]string, 3*visitsAtOnce)
	for i := range inboxes {
		inboxes[i] = fmt.Sprintf("http://127.40.0.%d:8081/inbox", i)
	}
	q.follow(inboxes...)
	q.out.post = func(context.Context, *node.Delivery, []byte) (*PostResult, error) {
		time.Sleep(time.Millisecond)
		return &PostResult{Status: http.StatusAccepted}, nil
	}
	q.out.poll = time.Hour
	q.run()
	for i := range 6 {
		iri := q.say(fmt.Sprint("act", i), "http://localhost:8080/o")
		q.until("all have it", func() bool { return q.act(iri).Reached == len(inboxes) })
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
		stop()
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
	if took := time.Since(began); took < 150*time.Millisecond || took > postTimeout*2/3 {
		t.Errorf("the stop took %v, want 200 ms, and not until the requests end by themselves", took)
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
	q.out.post = func(ctx context.Context, d *node.Delivery, body []byte) (*PostResult, error) {
		if broken.Load() && strings.HasPrefix(d.Inbox, hosts[3]+"/") {
			panic("on purpose")
		}
		return post(ctx, d, body)
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
	for _, tt := range []struct {
		key   string
		after time.Duration
		want  int // times, 0 if it is not said
	}{{"a", 0, 1}, {"a", time.Second, 0}, {"a", 59 * time.Second, 0}, {"b", 59 * time.Second, 1}, {"a", 61 * time.Second, 3}} {
		if times, first := c.first(tt.key, now.Add(tt.after)); times != tt.want || first != (times > 0) {
			t.Errorf("%s after %v is said: %v, %d times, want %d", tt.key, tt.after, first, times, tt.want)
		}
	}
	said := 0
	for i := range 10 * complaintsKept {
		if _, first := c.first(fmt.Sprint(i), now.Add(time.Minute)); first {
			said++
		}
	}
	if len(c.last) > complaintsKept || said > complaintsKept {
		t.Errorf("%d complaints are kept and %d were said in one minute", len(c.last), said)
	}
	if _, first := c.first("later", now.Add(3*time.Minute)); !first {
		t.Error("after many complaints none is said any more")
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
