package activitypub

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/coopnode/coopnode/node"
)

// Sizes and times of the carrier (decisions 26, performance.md 5).
const (
	visitsAtOnce   = 64
	lettersAVisit  = 20               // then the peer is given back, so that others get a turn
	leaseTime      = time.Minute
	leaseBeat      = 20 * time.Second // all leases are extended, in one statement
	longestPoll    = time.Second      // what a lost ring costs at most
	claimPause     = 20 * time.Millisecond
	claimAtLeast   = 16 // free places for which the pause is not kept
	failingKnown   = 4096
	stopPatience   = 8 * time.Second        // for requests under way
	recordPatience = 750 * time.Millisecond // for writing down how they ended, and again for giving back
)

// outgoing carries our letters: it claims the peers for which some are due, visits each in a
// goroutine of its own, one request at a time, and gives it back.
//
//	          claim                 result                  one transaction
//	peers ─────────────► visit ───────────────► completer ─────────────────► store
//	  ▲                                                                        │
//	  └──────────────────────────── given back ────────────────────────────────┘
type outgoing struct {
	store      node.Store
	now        func() time.Time
	generation func() int64
	log        *slog.Logger
	meter      Meter
	post       func(ctx context.Context, d *node.Delivery, body []byte) (*PostResult, error)

	owner     string        // whose the claims are
	bell      chan struct{} // holds one ring, so none is lost
	completer *completer
	acts      actCache
	said      complaints
	patience  time.Duration // stopPatience; shorter in tests
	poll      time.Duration // longestPoll; longer in tests

	visits    sync.WaitGroup
	lastClaim time.Time    // the loop's
	early     []*node.Peer // the loop's: claimed again before givenBack has said that they are free

	mu      sync.Mutex
	running int             // visits under way
	mine    map[string]bool // hosts claimed and not yet given back
	failing map[string]bool // hosts whose last visit failed, as far as known (Q-9: bounded)
	heard   []string        // failing hosts that have written to us
}

func newOutgoing(w *Wire) *outgoing {
	o := &outgoing{
		store: w.node.Store(), now: w.node.Now, generation: w.node.Generation, log: w.log, meter: w.meter, post: w.post,
		owner: rand.Text(), bell: make(chan struct{}, 1), patience: stopPatience, poll: longestPoll,
		mine: map[string]bool{}, failing: map[string]bool{},
	}
	o.completer = newCompleter(o, w.node.TellGivenUp)
	return o
}

// post makes one attempt at a delivery. At its first try the key that was in use when the act was made
// signs it, if there is still one (KEY-3).
func (w *Wire) post(ctx context.Context, d *node.Delivery, body []byte) (*PostResult, error) {
	var how Signing
	if d.Attempts == 0 {
		how.Act = d.Act
	}
	return w.client.PostAs(ctx, d.Inbox, body, how)
}

// Wake makes the carrier look for letters that are due. It never blocks.
func (o *outgoing) Wake() {
	select {
	case o.bell <- struct{}{}:
	default:
	}
}

// HeardFrom says that a verified letter came from host. If that peer is known to fail, what waits
// for it becomes due now (decisions 28), at most once for each visit that fails. It is cheap and
// never blocks.
func (o *outgoing) HeardFrom(host string) {
	o.mu.Lock()
	known := o.failing[host]
	if known {
		delete(o.failing, host)
		o.heard = append(o.heard, host)
	}
	o.mu.Unlock()
	if known {
		o.Wake()
	}
}

// Run carries letters until ctx ends. Then no new request is begun, those under way get 8 s, and
// all that was claimed is put back: at most 10 s together. An error is one of the store,
// before anything was begun. Run may be called once.
func (o *outgoing) Run(ctx context.Context) error {
	if err := o.begin(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("begin to carry letters: %w", err)
	}
	work, abandon := context.WithCancelCause(context.WithoutCancel(ctx))
	record, forget := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon(nil)
	defer forget()
	recorded := make(chan struct{})
	go func() {
		defer close(recorded)
		o.completer.run(record)
	}()

	o.loop(ctx, work)

	timer := time.AfterFunc(o.patience, func() { abandon(errStopping) })
	defer timer.Stop()
	o.visits.Wait()
	close(o.completer.in)
	time.AfterFunc(recordPatience, forget)
	<-recorded

	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordPatience)
	defer cancel()
	if err := o.store.Tx(last, func(tx node.Tx) error { return tx.ReleasePeers(last) }); err != nil {
		o.log.Warn("peers are not given back; the next start does it", "err", err)
	}
	return nil
}

var errStopping = errors.New("the node is stopping")

// begin takes back the claims of a process that died and learns who is in failure.
func (o *outgoing) begin(ctx context.Context) error {
	if err := o.store.Tx(ctx, func(tx node.Tx) error { return tx.ReleasePeers(ctx) }); err != nil {
		return err
	}
	peers, err := o.store.Peers(ctx, failingKnown)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range peers {
		if p.Failures > 0 {
			o.failing[p.Host] = true
		}
	}
	return nil
}

func (o *outgoing) loop(ctx, work context.Context) {
	beat := time.NewTicker(leaseBeat)
	defer beat.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			o.extend(ctx)
			continue
		case <-o.bell:
		case <-timer.C:
		}
		timer.Reset(o.round(ctx, work))
	}
}

// round fills the free places and returns when to look again if nothing rings before. The bell
// rings for new letters, for each place that becomes free, and when peers are given back.
func (o *outgoing) round(ctx, work context.Context) time.Duration {
	o.wakeHeard(ctx)
	early := o.early
	o.early = nil
	for _, p := range early {
		o.start(ctx, work, p)
	}
	for ctx.Err() == nil {
		free := o.free()
		if free <= 0 {
			return o.poll
		}
		// A claim for each single place would cost a tenth of a signature.
		if pause := claimPause - time.Since(o.lastClaim); pause > 0 && free < claimAtLeast {
			return pause
		}
		now := o.now()
		peers, err := o.claim(ctx, now, free)
		o.lastClaim = time.Now()
		if err != nil {
			o.complain("peers cannot be claimed, trying again", "store", err)
			return o.poll
		}
		for _, p := range peers {
			o.start(ctx, work, p)
		}
		if len(peers) < free {
			return o.untilNext(ctx, now)
		}
	}
	return o.poll
}

// claim borrows peers from the store, which sees to it that those in failure do not take all places. While deliveries
// are paused it borrows none (BAK-4).
func (o *outgoing) claim(ctx context.Context, now time.Time, limit int) (peers []*node.Peer, err error) {
	err = o.store.Tx(ctx, func(tx node.Tx) (err error) {
		peers = nil
		if since, err := node.PausedSince(ctx, tx); err != nil || !since.IsZero() {
			return err
		}
		peers, err = tx.ClaimPeers(ctx, o.owner, now, now.Add(leaseTime), limit)
		return err
	})
	return peers, err
}

func (o *outgoing) free() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return visitsAtOnce - o.running
}

// start begins the visit to a claimed peer, or puts it aside while an earlier one is not over: the
// store knows of its end a moment before we do.
func (o *outgoing) start(ctx, work context.Context, p *node.Peer) {
	o.mu.Lock()
	early := o.mine[p.Host]
	if !early {
		o.mine[p.Host] = true
		o.running++
	}
	o.mu.Unlock()
	if early {
		o.early = append(o.early, p)
		return
	}
	o.visits.Go(func() {
		o.visit(ctx, work, p)
		o.mu.Lock()
		o.running--
		o.mu.Unlock()
		o.Wake()
	})
}

// givenBack is called when the ends of visits have been written down.
func (o *outgoing) givenBack(visits []node.Visit) {
	o.mu.Lock()
	for _, v := range visits {
		delete(o.mine, v.Host)
	}
	o.mu.Unlock()
	o.Wake()
}

// untilNext is how long nothing will become due after a claim made at claimed.
func (o *outgoing) untilNext(ctx context.Context, claimed time.Time) time.Duration {
	due, err := o.store.NextDue(ctx)
	if err != nil || !due.After(claimed) {
		return o.poll
	}
	return min(max(due.Sub(o.now()), time.Millisecond), o.poll)
}

// wakeHeard makes the peers due that have written to us. One that is being visited has to wait
// until its visit is written down, which would otherwise have the last word.
func (o *outgoing) wakeHeard(ctx context.Context) {
	o.mu.Lock()
	var hosts, later []string
	for _, host := range o.heard {
		if o.mine[host] {
			later = append(later, host)
		} else {
			hosts = append(hosts, host)
		}
	}
	o.heard = later
	o.mu.Unlock()
	if len(hosts) == 0 {
		return
	}
	now := o.now()
	err := o.store.Tx(ctx, func(tx node.Tx) error {
		for _, host := range hosts {
			if err := tx.WakePeer(ctx, host, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		o.complain("peers that wrote to us are not woken, trying again", "store", err)
		o.mu.Lock()
		o.heard = append(o.heard, hosts...)
		o.mu.Unlock()
	}
}

func (o *outgoing) extend(ctx context.Context) {
	until := o.now().Add(leaseTime)
	err := o.store.Tx(ctx, func(tx node.Tx) error { return tx.ExtendLeases(ctx, o.owner, until) })
	if err != nil && ctx.Err() == nil {
		o.complain("leases are not extended, trying again", "store", err)
	}
}

// know remembers whether the last visit to a host failed.
func (o *outgoing) know(host string, failed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !failed {
		delete(o.failing, host)
	} else if len(o.failing) < failingKnown {
		o.failing[host] = true
	}
}

// complain warns of trouble of this node's own, at most once a minute (LOG-3).
func (o *outgoing) complain(message, about string, err error) {
	if times, first := o.said.first(about+" "+message, o.now()); first {
		o.log.Warn(message, "times", times, "err", err)
	}
}
