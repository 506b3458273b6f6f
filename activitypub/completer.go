package activitypub

import (
	"context"
	"log/slog"
	"time"

	"github.com/coopnode/coopnode/node"
)

// A flush begins this long after the first result, or with so many, or with fewer if letters wait
// for it; it takes all that is there by then.
const (
	flushAfter  = 20 * time.Millisecond
	flushAt     = visitsAtOnce / 2
	flushFull   = 8 // when no place of open is left, as beside peers that hang
	flushMost   = 1024
	quickestTry = 50 * time.Millisecond // again, when a flush failed
	slowestTry  = time.Second
)

// A result is how one attempt ended, or one visit.
type result struct {
	outcome node.Outcome
	sent    bool        // a request was made, so a place of open is given back
	gone    bool        // nobody is at the inbox of outcome
	visit   *node.Visit // instead of outcome
}

// completer writes down the results of all visits, many in one transaction. What it was given in
// some order it writes in that order, so a peer is given back after its letters.
type completer struct {
	store     node.Store
	now       func() time.Time
	log       *slog.Logger
	givenBack func([]node.Visit) // called after each commit that holds visits
	// tell is called in each transaction with how letters ended, before the commit.
	tell func(ctx context.Context, tx node.Tx, outcomes []node.Outcome, now time.Time) error
	in   chan result // closed by the owner after the last result

	// open has a place for each letter that was sent and is not yet noted, from before the request
	// until after the commit. It bounds what a crash sends twice, also while the disk is slow.
	open Gate
}

func newCompleter(o *outgoing, tell func(context.Context, node.Tx, []node.Outcome, time.Time) error) *completer {
	return &completer{
		store: o.store, now: o.now, log: o.log, givenBack: o.givenBack, tell: tell,
		in: make(chan result, visitsAtOnce), open: NewGate(visitsAtOnce),
	}
}

// give hands over a result. It blocks while the store cannot keep up; false if ctx ended meanwhile.
func (c *completer) give(ctx context.Context, r result) bool {
	select {
	case c.in <- r:
		return true
	default:
	}
	select {
	case c.in <- r:
		return true
	case <-ctx.Done():
		return false
	}
}

// batch is what one transaction writes down.
type batch struct {
	sent     int
	outcomes []node.Outcome
	visits   []node.Visit
	gone     []string // inboxes
}

func (b *batch) size() int { return len(b.outcomes) + len(b.visits) }

func (b *batch) add(r result) {
	if r.visit != nil {
		b.visits = append(b.visits, *r.visit)
		return
	}
	if r.sent {
		b.sent++
	}
	b.outcomes = append(b.outcomes, r.outcome)
	if r.gone {
		b.gone = append(b.gone, r.outcome.Inbox)
	}
}

// run returns when in is closed and everything is written, or when ctx ends.
func (c *completer) run(ctx context.Context) {
	timer := time.NewTimer(flushAfter)
	timer.Stop()
	var b batch
	for open := true; open; {
		var r result
		select {
		case r, open = <-c.in:
			if open {
				b.add(r)
			}
			if open && b.size() == 1 {
				timer.Reset(flushAfter)
			}
			if open && !c.due(&b) {
				continue
			}
		case <-timer.C:
		}
		timer.Stop()
		for more := open; more && b.size() < flushMost; {
			select {
			case r, open = <-c.in:
				if more = open; open {
					b.add(r)
				}
			default:
				more = false
			}
		}
		if b.size() > 0 && !c.flush(ctx, &b) {
			return
		}
		b = batch{}
	}
}

func (c *completer) due(b *batch) bool {
	return b.size() >= flushAt || b.size() >= flushFull && len(c.open) == cap(c.open)
}

// flush tries until it is done: a result that is dropped is a letter sent twice. false if ctx ended.
func (c *completer) flush(ctx context.Context, b *batch) bool {
	now, wait, warned := c.now(), quickestTry, false
	for {
		err := c.store.Tx(ctx, func(tx node.Tx) error {
			if err := tx.Settle(ctx, b.outcomes, b.visits, now); err != nil {
				return err
			}
			for _, inbox := range b.gone {
				if err := tx.DoubtInbox(ctx, inbox, now); err != nil {
					return err
				}
			}
			return c.tell(ctx, tx, b.outcomes, now)
		})
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			c.log.Error("the node stops before it could note how letters ended; those that arrived will be sent again",
				"letters", len(b.outcomes), "err", err)
			return false
		}
		if !warned {
			c.log.Warn("cannot note how letters ended; nothing is sent until it works", "letters", len(b.outcomes), "err", err)
			warned = true
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait = min(2*wait, slowestTry)
	}
	for range b.sent {
		c.open.Leave()
	}
	if len(b.visits) > 0 {
		c.givenBack(b.visits)
	}
	return true
}
