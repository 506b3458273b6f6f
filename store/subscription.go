package store

import (
	"context"
	"encoding/json"

	"github.com/coopnode/coopnode/node"
)

const (
	fromSubscription = `
		select s.source, s.list, s.minutes, s.since_ms, s.by_who, s.read_ms, s.trouble, a.data
		  from subscription s left join actor a on a.iri = s.source`
	subscriptionOf   = fromSubscription + ` where s.source = $1`
	subscriptions    = fromSubscription + ` order by s.since_ms desc, s.source`
	saveSubscription = `
		insert into subscription (source, list, minutes, since_ms, by_who, read_ms, trouble)
		values ($1, $2, $3, $4, $5, $6, $7)
		    on conflict (source) do update set
		       list = excluded.list, minutes = excluded.minutes, read_ms = excluded.read_ms, trouble = excluded.trouble`
	removeSubscription = `delete from subscription where source = $1`
)

// Subscription gives the one with this source. NotFound.
func (q questions) Subscription(ctx context.Context, source string) (*node.Subscription, error) {
	list, err := q.subscriptions(ctx, subscriptionOf, source)
	if err == nil && len(list) == 0 {
		err = &node.Error{Op: "read subscription", Kind: node.NotFound, Subject: source}
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// Subscriptions lists all, newest first, with what is known of the actor.
func (q questions) Subscriptions(ctx context.Context) ([]*node.Subscription, error) {
	return q.subscriptions(ctx, subscriptions)
}

func (q questions) subscriptions(ctx context.Context, text string, args ...any) (list []*node.Subscription, err error) {
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			var s node.Subscription
			var since, read int64
			var who []byte
			if err := r.Scan(&s.Source, &s.List, &s.Minutes, &since, &s.By, &read, &s.Trouble, &who); err != nil {
				return err
			}
			s.Since, s.Read = timeOf(since), timeOf(read)
			if who != nil {
				if err := json.Unmarshal(who, &s.Who); err != nil {
					return damaged("list subscriptions", s.Source, err)
				}
			}
			list = append(list, &s)
			return nil
		}, text, args...)
	})
	return list, sqliteError("list subscriptions", "", err)
}

// SaveSubscription keeps a subscription. Of one that is there already, Since and By stay.
func (t tx) SaveSubscription(_ context.Context, s *node.Subscription) error {
	_, err := t.c.exec(saveSubscription, s.Source, s.List, s.Minutes, ms(s.Since), s.By, ms(s.Read), s.Trouble)
	return sqliteError("save subscription", s.Source, err)
}

// RemoveSubscription forgets a subscription, with its task and what is in the timeline only because of it; it is no
// error if there is none.
func (t tx) RemoveSubscription(ctx context.Context, source string) error {
	for _, text := range []string{removeSubscription, leftTimeline} {
		if _, err := t.c.exec(text, source); err != nil {
			return sqliteError("remove subscription", source, err)
		}
	}
	return t.DropTask(ctx, &node.Task{Kind: node.TaskPoll, Subject: source})
}
