package activitypub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/coopnode/coopnode/node"
)

// chores does what nobody waits for: reads the outboxes of those we follow and the lists to which we are subscribed, looks whom
// they list, fetches what is missing from a conversation, asks again where a Follow was not answered, asks whether a
// follower whose inbox is gone is gone too, closes openings at their deadline, puts away a key that was replaced, and throws away what has passed its time.
type chores struct {
	w        *Wire
	log      *slog.Logger
	bell     chan struct{}
	patience time.Duration // for one try at a task
	every    time.Duration // choresPoll; longer in tests

	mu   sync.Mutex
	busy map[taskName]bool // tasks in hand
	work sync.WaitGroup
}

// taskName tells one task from all others.
type taskName struct {
	kind    node.TaskKind
	subject string
}

// readsLists says whether a task reads a list of somebody else's, page by page.
func (n taskName) readsLists() bool {
	return n.kind == node.TaskBackfill || n.kind == node.TaskPoll || n.kind == node.TaskDiscover || n.kind == node.TaskMembers || n.kind == node.TaskMemberships
}

const (
	choresPoll  = time.Second
	expireEvery = 20 * time.Second
	passOnEvery = 5 * time.Second
	sweepEvery  = time.Hour
	tasksAtOnce = 4  // that read lists, and as many others
	tasksLooked = 64 // of those that are due, the ones that wait longest
	taskGivenUp = 10 // attempts, over about a day
	taskTime    = 5 * time.Minute
)

func newChores(w *Wire) *chores {
	return &chores{w: w, log: w.log.With("room", "chores"), bell: make(chan struct{}, 1), patience: taskTime, every: choresPoll, busy: map[taskName]bool{}}
}

// Wake makes it look for tasks. It never blocks.
func (c *chores) Wake() {
	select {
	case c.bell <- struct{}{}:
	default:
	}
}

// Run works until ctx ends. Tasks wait for other servers, for minutes where those are slow: nothing else waits for them.
func (c *chores) Run(ctx context.Context) error {
	var tasks sync.WaitGroup
	tasks.Go(func() { c.runTasks(ctx) })
	defer tasks.Wait()
	tick := time.NewTicker(c.every)
	defer tick.Stop()
	var expired, passed, swept time.Time // by a clock that may be set back
	for {
		now := c.w.node.Now()
		if now.Sub(expired).Abs() >= expireEvery {
			expired = now
			if n, err := c.w.node.CloseApplications(ctx); err != nil && ctx.Err() == nil {
				c.log.Warn("applications past their deadline cannot be closed, trying again", "err", err)
			} else if n > 0 {
				c.log.Info("applications closed at their deadline", "count", n)
			}
			if n, err := c.w.node.Expire(ctx); err != nil && ctx.Err() == nil {
				c.log.Warn("openings past their deadline cannot be closed, trying again", "err", err)
			} else if n > 0 {
				c.log.Info("openings closed at their deadline", "count", n)
			}
		}
		if now.Sub(passed).Abs() >= passOnEvery {
			passed = now
			if _, err := c.w.node.PassOnDue(ctx); err != nil && ctx.Err() == nil {
				c.log.Warn("shares that are due cannot be changed, trying again", "err", err)
			}
		}
		if now.Sub(swept).Abs() >= sweepEvery {
			swept = now
			if doubted, err := c.w.node.Sweep(ctx); err != nil && ctx.Err() == nil {
				c.log.Warn("old rows cannot be removed, trying again", "err", err)
			} else if !doubted.IsZero() {
				c.log.Warn("the clock has moved far, or the node stood still for long: nothing is thrown away for a week; is the clock right?", "until", doubted)
			}
		}
		if _, err := c.w.node.RetireKeys(ctx); err != nil && ctx.Err() == nil {
			c.log.Warn("the old key cannot be put away, trying again", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// runTasks does tasks until ctx ends.
func (c *chores) runTasks(ctx context.Context) {
	defer c.work.Wait()
	tick := time.NewTicker(c.every)
	defer tick.Stop()
	for {
		c.tasks(ctx)
		select {
		case <-ctx.Done():
			return
		case <-c.bell:
		case <-tick.C:
		}
	}
}

// tasks begins what is due, a few side by side. A list at a slow server takes minutes, so lists and everything else have
// places of their own.
func (c *chores) tasks(ctx context.Context) {
	c.mu.Lock() // before it looks: what ends meanwhile is still in hand for this round
	defer c.mu.Unlock()
	due, err := c.w.node.Store().DueTasks(ctx, c.w.node.Now(), tasksLooked)
	if err != nil {
		return
	}
	under := map[bool]int{}
	for name := range c.busy {
		under[name.readsLists()]++
	}
	for _, t := range due {
		name := taskName{t.Kind, t.Subject}
		if c.busy[name] || under[name.readsLists()] >= tasksAtOnce {
			continue
		}
		c.busy[name] = true
		under[name.readsLists()]++
		c.work.Go(func() {
			kept := c.do(ctx, t)
			c.mu.Lock()
			delete(c.busy, name)
			c.mu.Unlock()
			if kept { // else the same would begin again in the same moment
				c.Wake()
			}
		})
	}
}

// do does a task, and says whether it is kept when to do it again, or that it is over.
func (c *chores) do(ctx context.Context, t *node.Task) bool {
	due := t.Due
	again, err := c.try(ctx, t)
	if err != nil && ctx.Err() == nil {
		c.log.Info("task not done", "task", t.Kind, "actor", t.Subject, "tries", t.Attempts+1, "err", err)
	}
	now := c.w.node.Now()
	next := *t
	next.Attempts++
	daily := t.Kind == node.TaskBackfill || t.Kind == node.TaskDiscover
	switch {
	case daily && again && err == nil:
		next.Attempts, next.Due = 0, tomorrow(now)
	case daily && again && next.Attempts >= taskGivenUp:
		next.Due = tomorrow(now) // as long as we follow, it is never given up
	case t.Kind == node.TaskPoll && err == nil:
		next.Attempts = t.Attempts // and it has said when
	case t.Kind == node.TaskPoll:
		again, next.Due = true, tomorrow(now)
	case isWords(t) && again && err == nil:
		next.Attempts, next.Due = 0, now.Add(node.CheckAgain-time.Hour+rand.N(time.Hour))
	case isWords(t) && again && next.Attempts >= taskGivenUp:
		next.Due = tomorrow(now)
	case t.Kind == node.TaskDoubt || t.Kind == node.TaskAsk:
		next.Due = now.Add(24 * time.Hour)
	case t.Kind == node.TaskFollow && (next.Attempts >= taskGivenUp || isAnswer(err)):
		next.Due = now.Add(week) // until a person takes it off the list
	default:
		next.Due = node.NextTry(now, next.Attempts+2)
	}
	again = again && (next.Attempts < taskGivenUp || daily || t.Kind == node.TaskFollow || t.Kind == node.TaskPoll || isWords(t))
	err = c.w.node.Store().Tx(ctx, func(tx node.Tx) error {
		if held, err := tx.Task(ctx, t.Kind, t.Subject); err == nil && !held.Due.Equal(due) {
			return nil // it was asked for anew meanwhile
		} else if err != nil && !node.IsNotFound(err) {
			return err
		}
		if !again {
			return tx.DropTask(ctx, t)
		}
		return tx.SaveTask(ctx, &next)
	})
	if err != nil && ctx.Err() == nil {
		c.log.Warn("task cannot be put off", "task", t.Kind, "actor", t.Subject, "err", err)
	}
	return err == nil
}

// tomorrow is a day from now, an hour more or less, so that what began together does not stay together.
func tomorrow(now time.Time) time.Time {
	return now.Add(23*time.Hour + rand.N(2*time.Hour))
}

// try does the network part of a task. A panic over what somebody served ends the task, not the node (HTTP-3).
func (c *chores) try(ctx context.Context, t *node.Task) (again bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			c.log.Error("panic in a task", "task", t.Kind, "actor", t.Subject, "panic", r, "stack", string(debug.Stack()))
			again, err = false, fmt.Errorf("panic: %v", r)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	switch t.Kind {
	case node.TaskBackfill:
		again, err = c.backfill(ctx, t)
	case node.TaskDiscover:
		again, err = c.discover(ctx, t)
	case node.TaskPoll:
		again, err = c.pollList(ctx, t)
	case node.TaskAsk:
		again, err = c.w.node.AskAgain(ctx, t.Subject)
	case node.TaskFollow:
		again, err = c.wished(ctx, t)
	case node.TaskParents:
		err = c.w.parents(ctx, t.Subject)
		again = err != nil && !isDisproof(err)
	case node.TaskRenew:
		again, err = c.renew(ctx, t)
	case node.TaskMembers, node.TaskMemberships:
		again, err = c.words(ctx, t)
	case node.TaskDoubt:
		again, err = c.doubt(ctx, t)
	}
	return again, err
}

// wished finds whom our people want to follow, and follows.
func (c *chores) wished(ctx context.Context, t *node.Task) (again bool, err error) {
	who, err := c.w.Find(ctx, t.Subject)
	if err == nil {
		err = c.w.node.FollowWished(ctx, t, who)
	}
	if err == nil {
		return false, nil
	}
	return true, errors.Join(err, t.NoteWish(err))
}

// isAnswer says whether asking again soon would bring the same error.
func isAnswer(err error) bool {
	switch node.KindOf(err) {
	case node.Invalid, node.NotFound, node.Refused, node.Forbidden, node.Gone:
		return true
	}
	return false
}

// renew reads something that we hold at its home again, unless it came by itself meanwhile.
func (c *chores) renew(ctx context.Context, t *node.Task) (again bool, err error) {
	if must, err := c.w.node.MustRenew(ctx, t); !must {
		return false, err
	}
	o, err := c.w.fetchObject(withRequests(ctx, proofRequests), t.Subject)
	if status := asStatus(err); status != nil && status.Gone() {
		return false, c.w.node.ObjectGone(ctx, t.Subject)
	}
	if err != nil {
		return !isDisproof(err), err
	}
	return false, c.w.node.Renew(ctx, o)
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
