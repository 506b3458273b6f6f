package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/coopnode/coopnode/node"
)

// A check is one thing that the script has looked at.
type check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// checked is what the script answers.
type checked struct {
	OK      bool    `json:"ok"`
	ReadyMs int64   `json:"readyMs"` // until the village answered
	TookMs  int64   `json:"tookMs"`  // in all
	Checks  []check `json:"checks"`
}

// step waits until there is nothing wrong any more and notes what came of it.
func (v *village) step(ctx context.Context, name string, look func() error) error {
	err := patiently(ctx, func() error {
		for _, n := range v.coops {
			if n.process != nil && n.hasEnded() {
				return lasting{fmt.Errorf("the node of %s has ended: %s", n.short, n.process.ProcessState)}
			}
		}
		return look()
	})
	v.note(name, err, "")
	return err
}

func (v *village) note(name string, err error, detail string) {
	c := check{Name: name, OK: err == nil, Detail: detail}
	if err != nil {
		c.Detail = err.Error()
	}
	v.checks = append(v.checks, c)
}

// report plays the rest of the script after the story, and answers with all checks.
func (v *village) report(ctx context.Context, began time.Time, err error) error {
	if err == nil {
		err = v.crash(ctx)
	}
	if err == nil {
		err = v.aftermath(ctx)
	}
	if err == nil {
		v.checkAll(ctx)
		err = v.federate(ctx)
	}
	if err == nil {
		err = v.offer(ctx)
	}
	if err == nil {
		for _, n := range v.coops[5:] {
			v.checkDoors(ctx, n)
		}
		for _, n := range v.coops {
			v.note(n.label+" has made no mistake", v.mistakes(ctx, n), "")
		}
	}
	if ctx.Err() != nil {
		return errors.New("the script was interrupted")
	}
	failed := 0
	for _, c := range v.checks {
		if !c.OK {
			failed++
		}
	}
	if err != nil && failed == 0 {
		v.note("the script is played to its end", err, "")
		failed++
	}
	r := checked{OK: failed == 0, ReadyMs: v.ready.Milliseconds(), TookMs: time.Since(began).Milliseconds(), Checks: v.checks}
	if err := v.a.show(r, func(w io.Writer) {
		fmt.Fprintln(w)
		table(w, func(row func(...any)) {
			for _, c := range v.checks {
				row("  "+map[bool]string{true: "ok", false: "FAILED"}[c.OK], c.Name, c.Detail)
			}
		})
		fmt.Fprintf(w, "\n  %d checks, %d failed, ready after %.1f s, %.1f s in all\n", len(v.checks), failed, v.ready.Seconds(), time.Since(began).Seconds())
	}); err != nil {
		return err
	}
	if failed > 0 {
		v.showLogs()
		return fmt.Errorf("%d of %d checks failed", failed, len(v.checks))
	}
	return nil
}

// showLogs writes the end of what each node has logged.
func (v *village) showLogs() {
	for _, n := range v.coops {
		log, err := os.ReadFile(n.log())
		if err != nil {
			continue // it was not started
		}
		lines := strings.Split(strings.TrimSpace(string(log)), "\n")
		fmt.Fprintf(v.a.errOut, "\n-- the last lines of %s:\n%s\n", n.log(), strings.Join(lines[max(0, len(lines)-20):], "\n"))
	}
}

// The letters that may wait at a node while it talks on before the crash, and how often it speaks at most. All letters
// stay below what a node takes from one network at once, and what one page of a timeline holds.
const (
	crashWaiting = 12
	crashPosts   = 60
)

// crash kills the node of Quebracho with SIGKILL while letters from it and to it are under way, and starts it again.
func (v *village) crash(ctx context.Context) error {
	other, victim := v.coops[0], v.coops[2]
	var dead atomic.Bool
	talking, talkCtx := errgroup.WithContext(ctx)
	said := make([][]*saying, 2)
	for i, n := range []*villager{other, victim} {
		talking.Go(func() error { return v.talk(talkCtx, n, &dead, &said[i]) })
	}
	err := v.underWay(ctx, other, victim)
	if err == nil {
		err = victim.process.Process.Kill()
	}
	dead.Store(true)
	if e := talking.Wait(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	<-victim.ended
	v.said = slices.Concat(v.said, said[0], said[1])
	// Nobody has the database open now, so that the node finds it as a crash leaves it.
	if err := victim.h.db.Close(); err != nil {
		return err
	}
	err = patiently(ctx, func() error {
		err := v.start(ctx, victim)
		if err == nil {
			return nil
		} else if victim.foundPortTaken() { // by another demo, say, that is just looking for a free one
			return fmt.Errorf("the port of %s is taken", victim.short)
		}
		return lasting{err}
	})
	if err != nil {
		return err
	}
	if err := v.open(ctx, victim); err != nil {
		return err
	}
	v.told(victim.short, "is started again.")
	err = v.step(ctx, "after the crash nothing waits any more", func() error {
		for _, n := range v.coops {
			q, err := n.h.QueueStatus(ctx)
			if err != nil {
				return err
			}
			if q.Waiting+q.Letters > 0 {
				return fmt.Errorf("at %s %s", n.short, queueText(q, n.h.Now()))
			}
		}
		return nil
	})
	if err == nil {
		v.told(victim.short, "has had every letter since, and so have all others from it.")
	}
	return err
}

// talk lets a coop publish posts until the crash, so that there is always something under way.
func (v *village) talk(ctx context.Context, n *villager, dead *atomic.Bool, said *[]*saying) error {
	for len(*said) < crashPosts && !dead.Load() && ctx.Err() == nil {
		if q, err := n.h.QueueStatus(ctx); err != nil {
			return err
		} else if q.Waiting >= crashWaiting {
			time.Sleep(2 * time.Millisecond)
			continue
		}
		s, err := v.write(ctx, n, node.TypePost, "--language", "en", "--text", fmt.Sprintf("Note %d of %s.", len(*said)+1, n.short))
		if err != nil {
			return err
		}
		*said = append(*said, s)
	}
	return nil
}

// underWay waits until some letters from a node and to it have arrived and others wait, at best while they are
// being carried.
func (v *village) underWay(ctx context.Context, other, victim *villager) error {
	began, before := time.Now(), 0
	from, to := 0, 0
	err := patiently(ctx, func() error {
		arrived, err := other.h.Count(ctx, node.ObjectQuery{Type: node.TypePost, Actor: victim.links().Actor()})
		if err != nil {
			return err
		}
		came, err := victim.h.Count(ctx, node.ObjectQuery{Type: node.TypePost, Actor: other.links().Actor()})
		if err != nil {
			return err
		}
		q, err := victim.h.QueueStatus(ctx)
		if err != nil {
			return err
		}
		waiting, err := other.h.Deliveries(ctx, node.DeliveryQuery{Host: victim.host})
		if err != nil {
			return err
		}
		grew := arrived > before || time.Since(began) > 5*time.Second
		before = arrived
		from, to = q.Waiting, len(waiting)
		if !grew || arrived == 0 || came < 2 || from == 0 || to == 0 { // the first post of the other was the question
			return fmt.Errorf("letters are not under way: from %s %d arrived, %d wait; to it %d arrived, %d wait", victim.short, arrived, from, came, to)
		}
		return nil
	})
	v.note("letters are under way when "+victim.label+" is killed", err, fmt.Sprintf("%d from it, %d to it", from, to))
	if err == nil {
		v.told(victim.short, "is killed (SIGKILL) while %d letters from it and %d to it are under way.", from, to)
	}
	return err
}

// aftermath is what happens after the crash: a new opening arrives, and something is deleted.
func (v *village) aftermath(ctx context.Context) error {
	toxeira, ljungsken, quebracho, hinata, mbuyu := v.coops[0], v.coops[1], v.coops[2], v.coops[3], v.coops[4]
	second, err := v.publish(ctx, quebracho, node.TypeOpening, "--title", secondTitle, "--lang", "es", "--kind", "subcontract", "--amount", "60 hour")
	if err != nil {
		return err
	}
	second.title = secondTitle
	if err := v.arrives(ctx, second, "the opening published after the crash", hinata, toxeira, mbuyu); err != nil {
		return err
	}
	v.told(quebracho.short, "publishes “%s”; Hinata Works, Toxeira and Mbuyu Data have it.", secondTitle)

	i := slices.IndexFunc(v.said, func(s *saying) bool { return s.by == toxeira && s.typ == node.TypePost && s != v.said[0] })
	gone := v.said[i]
	if _, err := v.do(ctx, toxeira, "post", "remove", gone.id, "--yes"); err != nil {
		return err
	}
	gone.deleted = true
	if err := v.arrives(ctx, gone, "no more what was deleted", ljungsken, quebracho, mbuyu); err != nil {
		return err
	}
	v.told(toxeira.short, "deletes a post, and it is gone everywhere.")
	return nil
}
