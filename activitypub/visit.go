package activitypub

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/coopnode/coopnode/node"
)

// Limits of one visit.
const (
	failuresEnd  = 3                // letters that fail, with none that arrives, make a peer fail (decisions 27)
	lotsAmong    = 200              // letters among which a visit to a peer in failure draws lots
	giveUpAtOnce = 1000             // letters of a dead peer that are given up in one visit
	ownPause     = 10 * time.Second // after a fault of this node
)

// A visit is one turn at a peer.
type visit struct {
	*outgoing
	peer *node.Peer
	end  node.Visit

	arrived, answered, failed, settled int
	broken                             bool          // the peer is in failure
	back                               map[line]bool // lines in which a letter failed
}

// A line is what has to stay in order: letters about one object to one inbox.
type line struct{ inbox, object string }

// visit carries up to lettersAVisit letters to a peer and gives it back, whatever happens. It
// begins no request once ctx has ended; those under way end with work.
func (o *outgoing) visit(ctx, work context.Context, p *node.Peer) {
	v := &visit{outgoing: o, peer: p, back: map[line]bool{}}
	v.end = node.Visit{Host: p.Host, Failures: p.Failures, Reason: p.Reason}
	defer func() {
		if fault := recover(); fault != nil { // HTTP-3
			o.log.Error("a visit broke off, the peer is tried later", "peer", p.Host, "err", fmt.Sprint(fault), "stack", string(debug.Stack()))
			v.fails("a fault in this program", 0)
		}
		o.know(p.Host, v.end.Failures > 0)
		o.completer.give(work, result{visit: &v.end})
	}()
	list, err := v.letters(work)
	if err != nil {
		v.pause("letters cannot be read, trying later", err)
		return
	}
	for _, d := range list {
		if ctx.Err() != nil {
			break
		}
		if !v.back[line{d.Inbox, d.Object}] && !v.carry(ctx, work, d) {
			break
		}
	}
	if v.answered > 0 && !v.broken {
		v.end.OK, v.end.Failures, v.end.Reason = true, 0, ""
	}
}

// letters are what the visit carries, oldest first. At a peer in failure the lines are drawn by
// lot: otherwise one inbox that hangs would keep all others of its host waiting.
func (v *visit) letters(work context.Context) ([]*node.Delivery, error) {
	if v.peer.Failures == 0 {
		return v.store.DueDeliveries(work, v.peer.Host, v.now(), lettersAVisit)
	}
	list, err := v.store.DueDeliveries(work, v.peer.Host, v.now(), lotsAmong)
	if err != nil {
		return nil, err
	}
	lots := map[line]int{}
	for _, d := range list {
		lots[line{d.Inbox, d.Object}] = rand.Int()
	}
	slices.SortStableFunc(list, func(a, b *node.Delivery) int {
		return cmp.Compare(lots[line{a.Inbox, a.Object}], lots[line{b.Inbox, b.Object}])
	})
	return list[:min(len(list), lettersAVisit)], nil
}

// carry makes one attempt and says whether the visit goes on.
func (v *visit) carry(ctx, work context.Context, d *node.Delivery) bool {
	body, err := v.acts.get(work, v.store, v.generation(), d.Act)
	if node.IsNotFound(err) {
		return v.settle(work, d, verdict{result: node.Ended, reason: "the letter is no longer stored"}, false)
	} else if err != nil {
		v.pause("letters cannot be read, trying later", err)
		return false
	}
	if v.completer.open.Enter(ctx) != nil {
		return false
	}
	sent := false // into the completer, which gives the place back
	defer func() {
		if !sent {
			v.completer.open.Leave()
		}
	}()
	began := v.now()
	res, err := v.post(work, d, body)
	if err != nil && work.Err() != nil {
		return false // the node stops; nobody's fault
	}
	j := judge(res, err, d.Attempts)
	took := v.now().Sub(began)
	v.meter.Delivered(countedAttempt(j), took)
	v.note(d, j, took, err)
	if res != nil {
		v.answered++
	}
	switch j.fault {
	case noFault:
		if j.result == node.Arrived {
			v.arrived++
		}
		sent = v.settle(work, d, j, true)
	case letterFault:
		v.failed++
		sent = v.settle(work, d, j, true)
		if v.failed == failuresEnd && v.arrived == 0 {
			v.fails(j.reason, j.after)
			return false
		}
	case peerFault:
		v.fails(j.reason, j.after)
		v.giveUp(work, j.reason)
		return false
	case ownFault:
		v.pause("letters cannot be sent, trying later", err)
		return false
	}
	return true
}

// settle hands the end of an attempt to the completer. A letter that has to wait is given up
// instead if it is too old, and else holds its line back (decisions 27, 28). false if work ended.
func (v *visit) settle(work context.Context, d *node.Delivery, j verdict, sent bool) bool {
	now := v.now()
	out := node.Outcome{Act: d.Act, Inbox: d.Inbox, Result: j.result, Retried: j.result == node.Arrived && d.Attempts > 0, Reason: j.reason}
	if j.result == node.Later {
		if v.tooOld(d, now) {
			out.Result, out.Reason, out.GivenUp = node.Ended, givenUp(j.reason), true
		} else {
			out.NotBefore = notBefore(now, d.Attempts+1, j.after)
			v.back[line{d.Inbox, d.Object}] = true
		}
	}
	v.settled++
	return v.completer.give(work, result{outcome: out, sent: sent, gone: j.gone})
}

// fails ends the visit with the peer in failure. Letters that arrived before count as its recovery.
func (v *visit) fails(reason string, after time.Duration) {
	now, failures := v.now(), v.peer.Failures+1
	if v.arrived > 0 {
		failures = 1
	}
	v.broken = true
	v.end = node.Visit{
		Host: v.peer.Host, OK: v.arrived > 0, Failures: failures, Reason: reason,
		NotBefore: notBefore(now, failures, after),
	}
	if times, first := v.said.first(v.peer.Host+" "+reason, now); first {
		v.log.Warn("peer does not take letters, trying later", "peer", v.peer.Host,
			"tries", failures, "next", v.end.NotBefore, "times", times, "err", reason)
	}
}

// giveUp ends the letters for a peer that does not answer which are too old. Without it each visit
// would end only the one that it tried, and the others would stay for as long again.
func (v *visit) giveUp(work context.Context, reason string) {
	if v.settled > 0 {
		return
	}
	now := v.now()
	list, err := v.store.DueDeliveries(work, v.peer.Host, now, giveUpAtOnce)
	if err != nil {
		v.complain("letters cannot be read, trying later", "store", err)
		return
	}
	for _, d := range list {
		if v.tooOld(d, now) {
			v.completer.give(work, result{outcome: node.Outcome{Act: d.Act, Inbox: d.Inbox, Result: node.Ended, Reason: givenUp(reason), GivenUp: true}})
		}
	}
}

// pause ends the visit without blame for the peer.
func (v *visit) pause(message string, err error) {
	v.end.NotBefore = v.now().Add(ownPause)
	v.complain(message, "own", err)
}

// note logs an attempt: everything for us, and for the operator what was refused for good (LOG-3).
func (v *visit) note(d *node.Delivery, j verdict, took time.Duration, err error) {
	if j.result == node.Ended {
		if times, first := v.said.first(v.peer.Host+" "+j.reason, v.now()); first {
			v.log.Warn("letter ended without arriving", "peer", v.peer.Host, "activity", d.ActIRI, "inbox", d.Inbox, "times", times, "err", j.reason)
		}
	}
	if !v.log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	message := "letter delivered"
	if j.result != node.Arrived {
		message = "letter not delivered"
	}
	v.log.Debug(message, "peer", v.peer.Host, "activity", d.ActIRI, "tries", d.Attempts+1, "took", took, "reason", j.reason, "err", err)
}

// tooOld says whether a letter is given up by its age (decisions 28). One that should have been given up long ago waited for
// a node that stood still, or is so old only by a clock that is wrong: it is tried for a day before.
func (v *visit) tooOld(d *node.Delivery, now time.Time) bool {
	age, tries := now.Sub(d.Created), 1+max(d.Attempts, v.peer.Failures)
	return age > node.GiveUpAfter && (age < 2*node.GiveUpAfter || node.RetryWait(tries) >= 12*time.Hour)
}

func givenUp(reason string) string { return "given up after 7 days: " + reason }

// notBefore is when to try again after so many failures: by the table of decisions 28, and not
// before the peer allows it.
func notBefore(now time.Time, failures int, after time.Duration) time.Time {
	next, allowed := node.NextTry(now, failures), now.Add(after)
	if allowed.After(next) {
		return allowed
	}
	return next
}

// Bounds of what actCache keeps.
const (
	cachedActs     = 64
	cachedActBytes = 4 << 20
)

// actCache keeps the bytes of acts that are being carried: a fan-out sends the same ones to many.
type actCache struct {
	mu         sync.Mutex
	generation int64 // of the data when the bytes were read; a change may replace an act's bytes
	size       int
	acts       map[int64][]byte
}

func (c *actCache) get(ctx context.Context, s node.Store, generation, seq int64) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b := c.acts[seq]; b != nil && generation == c.generation {
		return b, nil
	}
	b, err := s.ActBytes(ctx, seq)
	if err != nil {
		return nil, err
	}
	if c.acts == nil || generation != c.generation || len(c.acts) == cachedActs || c.size+len(b) > cachedActBytes {
		c.acts, c.size, c.generation = map[int64][]byte{}, 0, generation
	}
	c.acts[seq], c.size = b, c.size+len(b)
	return b, nil
}
