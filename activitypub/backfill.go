package activitypub

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/coopnode/coopnode/node"
)

// What somebody publishes comes by letter. It is also read from its outbox: once when it accepts our follow, for
// what it said before, and from then on once a day, for letters can be lost while this node or the other
// sleeps. What has not changed costs one question with an ETag for each page. A list to which this node is subscribed is read
// in the same way (subscription.go).

// Bounds of one reading (security.md 4, LIM).
const (
	backfillPages = 10
	backfillItems = 1000
	backfillFetch = 100 // objects fetched one by one
	backfillAgain = 100 // open openings of others asked for again
	featuredItems = 20
)

// readBefore is what a task remembers of the last reading of an outbox.
type readBefore struct {
	node.Reading
	Done    bool                `json:"done,omitempty"` // it was read to its end, or as far as we go
	Pages   map[string]readPage `json:"pages,omitempty"`
	Objects map[string]Version  `json:"objects,omitempty"` // open openings of others, by address
	Asked   string              `json:"asked,omitempty"`   // the last one of them that was asked for
}

// A readPage is one page, or the collection itself, by its address.
type readPage struct {
	Version
	Fresh  time.Duration `json:"fresh,omitempty"` // how long it asked to be kept
	Next   string        `json:"next,omitempty"`
	Oldest time.Time     `json:"oldest,omitzero"` // entry; zero where it has none
}

// backfill does the task: again until we do not follow the actor any more.
func (c *chores) backfill(ctx context.Context, t *node.Task) (again bool, err error) {
	f, err := c.w.node.Store().Followed(ctx, t.Subject)
	if node.IsNotFound(err) || err == nil && f.State != node.Accepted {
		return false, nil
	} else if err != nil {
		return true, err
	}
	a, err := c.w.fetchActor(ctx, t.Subject, time.Hour)
	if err != nil {
		if status := asStatus(err); status != nil && status.Gone() {
			return false, c.gone(ctx, t.Subject)
		}
		return true, err
	}
	r, err := c.reader(ctx, t, outboxOf(a))
	if err != nil {
		return true, err
	}
	if err := r.read(ctx); isDisproof(err) && ctx.Err() == nil {
		c.log.Info("outbox cannot be read, looking again tomorrow", "actor", t.Subject, "err", err)
	} else if err != nil {
		return true, err
	}
	r.now.Done = true
	c.log.Info("outbox read", "actor", t.Subject, "entries", r.now.Read, "changed", r.changed)
	return true, remember(t, r.now)
}

// reader makes ready one reading of a list, from where t remembers.
func (c *chores) reader(ctx context.Context, t *node.Task, of source) (*outboxReader, error) {
	r := &outboxReader{w: c.w, source: of, now: readBefore{Pages: map[string]readPage{}, Objects: map[string]Version{}},
		found: map[string]bool{}, shared: map[string]bool{}, authors: map[string]bool{}}
	if t.Data != "" {
		if err := json.Unmarshal([]byte(t.Data), &r.was); err != nil {
			return nil, fmt.Errorf("read task of %s: %w", t.Subject, err)
		}
	}
	r.note = func(seen readBefore) error { // how far it has come, for people who wait
		state := *t
		if err := remember(&state, seen); err != nil || r.was.Done {
			return err
		}
		return c.w.node.Store().Tx(ctx, func(tx node.Tx) error { return tx.SaveTask(ctx, &state) })
	}
	return r, nil
}

func remember(t *node.Task, seen readBefore) error {
	b, err := json.Marshal(seen)
	t.Data = string(b)
	return err
}

// A source is whose list is read.
type source struct {
	iri      string // who brings what stands there
	outbox   string // "" for an actor that has none
	featured string
	passed   string // coop:shared of a federation
	coop     bool   // it lists what it shares
	file     bool   // a list that is nobody's outbox: it brings whatever it names
}

func outboxOf(a *node.Actor) source {
	s := source{iri: a.IRI, outbox: a.Outbox, featured: a.Featured, coop: a.Coop != nil}
	if a.IsFederation() {
		s.passed = a.Coop.SharedIRI
	}
	return s
}

// passing lets a list that cannot be read pass: the outbox was read, and tomorrow is another day.
func passing(ctx context.Context, err error) error {
	if isDisproof(err) {
		return ctx.Err()
	}
	return err
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
