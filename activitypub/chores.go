package activitypub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/coopnode/coopnode/node"
)

// chores does what nobody waits for: reads back the outbox of someone we began to follow, asks
// whether a follower whose inbox is gone is gone too, closes openings at their deadline, and throws away what has
// passed its time.
type chores struct {
	w    *Wire
	log  *slog.Logger
	bell chan struct{}
}

const (
	choresPoll    = time.Second
	expireEvery   = 20 * time.Second
	sweepEvery    = time.Hour
	tasksAtOnce   = 4
	taskGivenUp   = 10 // attempts, over about a day
	taskTime      = 5 * time.Minute
	backfillPages = 10 // security.md 4, LIM
	backfillItems = 1000
	backfillFetch = 100 // objects fetched one by one
)

func newChores(w *Wire) *chores {
	return &chores{w: w, log: w.log.With("room", "chores"), bell: make(chan struct{}, 1)}
}

// Wake makes it look for tasks. It never blocks.
func (c *chores) Wake() {
	select {
	case c.bell <- struct{}{}:
	default:
	}
}

// Run works until ctx ends.
func (c *chores) Run(ctx context.Context) error {
	tick := time.NewTicker(choresPoll)
	defer tick.Stop()
	var expired, swept time.Time
	for {
		now := c.w.node.Now()
		if now.Sub(expired) >= expireEvery {
			expired = now
			if n, err := c.w.node.Expire(ctx); err != nil && ctx.Err() == nil {
				c.log.Warn("openings past their deadline cannot be closed, trying again", "err", err)
			} else if n > 0 {
				c.log.Info("openings closed at their deadline", "count", n)
			}
		}
		if now.Sub(swept) >= sweepEvery {
			swept = now
			if err := c.w.node.Store().Tx(ctx, func(tx node.Tx) error { return tx.Sweep(ctx, now) }); err != nil && ctx.Err() == nil {
				c.log.Warn("old rows cannot be removed, trying again", "err", err)
			}
		}
		c.tasks(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-c.bell:
		case <-tick.C:
		}
	}
}

// tasks does what is due, a few side by side, and waits for them.
func (c *chores) tasks(ctx context.Context) {
	due, err := c.w.node.Store().DueTasks(ctx, c.w.node.Now(), tasksAtOnce)
	if err != nil {
		return
	}
	var work sync.WaitGroup
	for _, t := range due {
		work.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, taskTime)
			defer cancel()
			c.do(ctx, t)
		})
	}
	work.Wait()
	if len(due) == tasksAtOnce {
		c.Wake()
	}
}

func (c *chores) do(ctx context.Context, t *node.Task) {
	again, err := c.try(ctx, t)
	if err != nil && ctx.Err() == nil {
		c.log.Info("task not done", "task", t.Kind, "actor", t.Subject, "tries", t.Attempts+1, "err", err)
	}
	now := c.w.node.Now()
	err = c.w.node.Store().Tx(ctx, func(tx node.Tx) error {
		if !again || t.Attempts+1 >= taskGivenUp {
			return tx.DropTask(ctx, t)
		}
		next := *t
		next.Attempts++
		next.Due = node.NextTry(now, next.Attempts+2)
		if t.Kind == node.TaskDoubt {
			next.Due = now.Add(24 * time.Hour)
		}
		return tx.SaveTask(ctx, &next)
	})
	if err != nil && ctx.Err() == nil {
		c.log.Warn("task cannot be put off", "task", t.Kind, "actor", t.Subject, "err", err)
	}
}

// try does the network part of a task. A panic over what somebody served ends the task, not the node (HTTP-3).
func (c *chores) try(ctx context.Context, t *node.Task) (again bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			c.log.Error("panic in a task", "task", t.Kind, "actor", t.Subject, "panic", r, "stack", string(debug.Stack()))
			again, err = false, fmt.Errorf("panic: %v", r)
		}
	}()
	switch t.Kind {
	case node.TaskBackfill:
		err = c.w.backfill(ctx, t.Subject)
		again = err != nil && !isDisproof(err)
	case node.TaskDoubt:
		again, err = c.doubt(ctx, t)
	}
	return again, err
}

// doubt asks a follower's home about it: 410 or a Tombstone, or 404 on three different days, mean that
// it is gone; anything else that it is there (decisions 29). Data holds the days.
func (c *chores) doubt(ctx context.Context, t *node.Task) (again bool, err error) {
	doc, err := c.w.client.GetActivity(ctx, t.Subject)
	var status *StatusError
	switch {
	case err == nil && Str(doc.Object, "type") != "Tombstone":
		return false, nil
	case err == nil || errors.As(err, &status) && status.Gone():
		return false, c.gone(ctx, t.Subject)
	case status != nil && status.Code == 404:
		today := c.w.node.Now().Format(time.DateOnly)
		if !strings.Contains(t.Data, today) {
			t.Data = strings.TrimSpace(t.Data + " " + today)
		}
		if len(strings.Fields(t.Data)) >= 3 {
			return false, c.gone(ctx, t.Subject)
		}
		return true, nil
	}
	return isUnreached(err), err
}

// gone forgets an actor, and its keys with it.
func (c *chores) gone(ctx context.Context, actor string) error {
	c.w.keys.forget(actor)
	return c.w.node.ActorGone(ctx, actor)
}

// backfill reads back what an actor has published before we followed it: its outbox, newest first,
// bounded. What stands there in full is believed, for it comes from the author's own home; what is only
// named is fetched from where it lives.
func (w *Wire) backfill(ctx context.Context, iri string) error {
	a, err := w.fetchActor(ctx, iri, time.Hour)
	if err != nil || a.Outbox == "" {
		return err
	}
	doc, err := w.client.GetObject(ctx, a.Outbox)
	if err != nil {
		return err
	}
	page := doc.Object
	read := map[string]bool{a.Outbox: true}
	items, fetched := 0, 0
	for pages := 0; page != nil && pages < backfillPages && items < backfillItems; pages++ {
		for _, v := range append(List(page["orderedItems"]), List(page["items"])...) {
			if items++; items > backfillItems {
				break
			}
			if err := w.backfillItem(ctx, a.IRI, v, &fetched); err != nil {
				return err
			}
		}
		next := page["next"]
		if next == nil {
			next = page["first"]
		}
		if page = Obj(next); page != nil {
			continue // the page stands inside the collection
		}
		at := IDOf(next)
		if at == "" || read[at] || !SameOrigin(at, a.IRI) {
			break
		}
		read[at] = true
		if doc, err = w.client.GetActivity(ctx, at); err != nil { // of the same origin; many pages have no id
			return err
		}
		page = doc.Object
	}
	return nil
}

// backfillItem keeps one entry of an outbox.
func (w *Wire) backfillItem(ctx context.Context, actor string, v any, fetched *int) error {
	m := Obj(v)
	verb := node.Verb(Str(m, "type"))
	if verb != node.Create && verb != node.Announce || IDOf(m["actor"]) != actor {
		return nil
	}
	act := decodeAct(m, verb, w.rules, w.node.Now())
	if act.Object != nil && Str(m, "published") == "" {
		act.Published = act.Object.Common().Published
	}
	if act.Object == nil || verb == node.Announce {
		if held, err := w.node.Object(ctx, act.ObjectIRI); err == nil && !held.Common().Local {
			act.Object = held
		} else if *fetched++; *fetched > backfillFetch || w.node.Links.Ours(act.ObjectIRI) {
			return nil
		} else if act.Object, err = w.fetchObject(ctx, act.ObjectIRI); err != nil {
			if isUnreached(err) && ctx.Err() == nil {
				return nil // one sleeping home does not end the reading
			}
			return ctx.Err()
		}
		if verb == node.Create && act.Object.Common().Actor != actor {
			return nil
		}
	}
	if !act.Object.Common().Audience.Listed() {
		return nil
	}
	return w.node.KeepFound(ctx, act)
}
