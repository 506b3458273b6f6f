package node

import (
	"context"
	"fmt"
	"time"
)

// A Subscription is a list on the web that this node reads again and again: the outbox of an actor, or a file. Nobody
// there is asked or told, and nothing is delivered there.
type Subscription struct {
	Source  string    `json:"source"`            // who brings what stands there: the address of an actor, or that of the list where it is nobody's outbox
	List    string    `json:"list"`              // what is read
	Minutes int       `json:"minutes"`           // between two readings, 15 to 10,080
	Since   time.Time `json:"since"`             //
	By      string    `json:"by,omitempty"`      // which person or command made it
	Read    time.Time `json:"read,omitzero"`     // when it was last read; zero for never
	Trouble string    `json:"trouble,omitempty"` // why it cannot be read since then; "" if it can

	Who     *Actor    `json:"who,omitempty"`     // the actor, where it is one's
	Next    time.Time `json:"next,omitzero"`     // when it is read next; filled in when listed
	Reading *Reading  `json:"reading,omitempty"` // while it is read for the first time; filled in when listed
}

// Bounds of subscriptions. What is more often than MinPoll is a burden to others, and what is rarer than MaxPoll is
// no news.
const (
	MinPoll          = 15 * time.Minute
	NormalPoll       = time.Hour
	MaxPoll          = 7 * 24 * time.Hour
	maxSubscriptions = 500
)

// Every is the time between two readings.
func (s *Subscription) Every() time.Duration { return time.Duration(s.Minutes) * time.Minute }

// OfActor says whether it is the outbox of an actor, not a list on its own.
func (s *Subscription) OfActor() bool { return s.Source != s.List }

// Subscribe begins to read a list, or from now on reads it every so often. s names Source, List and Minutes (0 is
// NormalPoll). by names who did it. Errors: Invalid, Forbidden for one whom a rule refuses.
func (n *Node) Subscribe(ctx context.Context, by string, s *Subscription) error {
	const op = "subscribe"
	if s.Minutes == 0 {
		s.Minutes = int(NormalPoll / time.Minute)
	}
	switch {
	case s.Every() < MinPoll || s.Every() > MaxPoll:
		return invalid(op, "It can be read every 15 minutes to every 7 days. Without --every it is read every hour.")
	case n.Links.Ours(s.Source) || n.Links.Ours(s.List):
		return invalid(op, "That is this coop itself.")
	case s.Source == "" || s.List == "":
		return invalid(op, "There is no list that could be read.")
	}
	now := n.Now()
	err := n.store.Tx(ctx, func(tx Tx) error {
		s.Since, s.By, s.Read, s.Trouble = now, by, time.Time{}, ""
		for _, address := range []string{s.Source, s.List} {
			if refused, err := n.refuses(ctx, tx, address); err != nil {
				return err
			} else if refused {
				return blockedHere(op, address)
			}
		}
		all, err := tx.Subscriptions(ctx)
		if err != nil {
			return err
		}
		task, known := &Task{Kind: TaskPoll, Subject: s.Source, Due: now}, false
		for _, old := range all {
			if old.Source != s.Source {
				continue
			}
			s.Since, s.By, s.Read, s.Trouble = old.Since, old.By, old.Read, old.Trouble
			if task.Data, err = cursorOf(ctx, tx, s.Source); err != nil {
				return err
			}
			known = true
		}
		if !known && len(all) >= maxSubscriptions {
			return invalid(op, fmt.Sprintf("A node has at most %d subscriptions. End one with: coopnode subscribe remove ADDRESS", maxSubscriptions))
		}
		if err := tx.SaveSubscription(ctx, s); err != nil {
			return err
		}
		if err := n.note(ctx, tx, by, "subscription.start", s.Source, "", now); err != nil {
			return err
		}
		if s.OfActor() && !known {
			if err := n.discover(ctx, tx, s.Source, now); err != nil {
				return err
			}
		}
		return tx.SaveTask(ctx, task)
	})
	n.changed(err)
	return err
}

// cursorOf is what is remembered of the last reading of a list, "" if nothing is.
func cursorOf(ctx context.Context, tx Tx, source string) (string, error) {
	tasks, err := tx.Tasks(ctx, TaskPoll)
	for _, t := range tasks {
		if t.Subject == source {
			return t.Data, err
		}
	}
	return "", err
}

// Unsubscribe ends a subscription. What it alone brought leaves the timeline, and how far it was read is forgotten. by
// names who did it. Errors: NotFound.
func (n *Node) Unsubscribe(ctx context.Context, by, source string) error {
	now := n.Now()
	err := n.store.Tx(ctx, func(tx Tx) error {
		s, err := tx.Subscription(ctx, source)
		if err != nil {
			return err
		}
		if s.OfActor() {
			if err := n.discover(ctx, tx, source, now); err != nil {
				return err
			}
		}
		if err := n.note(ctx, tx, by, "subscription.end", source, "", now); err != nil {
			return err
		}
		return tx.RemoveSubscription(ctx, source)
	})
	n.changed(err)
	return err
}

// Subscriptions lists all, the newest first, with when each is read next.
func (n *Node) Subscriptions(ctx context.Context) ([]*Subscription, error) {
	list, err := n.store.Subscriptions(ctx)
	if err != nil {
		return nil, err
	}
	tasks, err := n.store.Tasks(ctx, TaskPoll)
	if err != nil {
		return nil, err
	}
	under, err := readings(tasks)
	for _, s := range list {
		for _, t := range tasks {
			if t.Subject == s.Source {
				s.Next = t.Due
			}
		}
		if r, ok := under[s.Source]; ok {
			s.Reading = &r
		}
	}
	return list, err
}

// Polled remembers how a reading ended: trouble is why it could not be read, "" if it could. It is no error if the
// subscription ended meanwhile.
func (n *Node) Polled(ctx context.Context, source, trouble string) error {
	now := n.Now()
	err := n.store.Tx(ctx, func(tx Tx) error {
		s, err := tx.Subscription(ctx, source)
		if IsNotFound(err) {
			return nil
		} else if err != nil {
			return err
		}
		if s.Trouble = trouble; trouble == "" {
			s.Read = now
		}
		return tx.SaveSubscription(ctx, s)
	})
	n.changed(err)
	return err
}

// hears says whether what somebody publishes or passes on is wanted here: we follow that one, or read its list.
func (n *Node) hears(ctx context.Context, tx Tx, source string) (bool, error) {
	if ok, err := n.follows(ctx, tx, source); ok || err != nil {
		return ok, err
	}
	_, err := tx.Subscription(ctx, source)
	if IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}
