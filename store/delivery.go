package store

import (
	"context"
	"time"

	"github.com/coopnode/coopnode/node"
)

// Inboxes to which a letter may go: not our own, not those of actors that are gone or refused (MOD-4).
const reachable = `
	       a.gone_ms = 0 and a.hidden < 2 and not a.local and a.mailbox_host <> ''
	   and a.mailbox_host not in (select inbox_host from actor where local)`

const (
	followersOf = `from follower f join actor a on a.iri = f.actor where f.state = 'accepted' and` + reachable
	coopsAmong  = followersOf + ` and a.is_coop`
	readersOf   = `from reader r join actor a on a.iri = r.actor where r.object = $4 and r.at_ms >= $5 and` + reachable
	namedActor  = `from actor a where a.iri = $4 and` + reachable
	// Who gets it at the shared inbox as a follower or reader need not get it again at its own.
	notReached = ` and not exists (select 1 from delivery d where d.host = a.mailbox_host and d.act = $1 and d.inbox = a.mailbox)`

	intoDelivery = `insert into delivery (host, act, inbox, object, created_ms) `
	intoPeer     = `insert into peer (host, due_ms) `
	// A peer in back-off stays there; one for which nothing waited is due now.
	unlessThere = ` on conflict do nothing`
	makeDue     = ` on conflict (host) do update set due_ms = coalesce(peer.due_ms, excluded.due_ms)`

	enqueueFollowers = intoDelivery + `select distinct a.mailbox_host, $1, a.mailbox, $2, $3 ` + followersOf + unlessThere
	enqueueCoops     = intoDelivery + `select distinct a.mailbox_host, $1, a.mailbox, $2, $3 ` + coopsAmong + unlessThere
	enqueueReaders   = intoDelivery + `select distinct a.mailbox_host, $1, a.mailbox, $2, $3 ` + readersOf + unlessThere
	enqueueNamed     = intoDelivery + `select a.inbox_host, $1, a.inbox, $2, $3 ` + namedActor + notReached + unlessThere
	dueFollowers     = intoPeer + `select distinct a.mailbox_host, $1 ` + followersOf + makeDue
	dueCoops         = intoPeer + `select distinct a.mailbox_host, $1 ` + coopsAmong + makeDue
	dueReaders       = intoPeer + `select distinct a.mailbox_host, $3 ` + readersOf + makeDue
	dueNamed         = intoPeer + `select a.inbox_host, $3 ` + namedActor + makeDue
	countQueued      = `update act set queued = queued + $2 where seq = $1`
)

// Enqueue makes one delivery of the act for each distinct inbox of r and makes their peers due, and
// returns how many are new. Followers and readers get it at their shared inbox if they have one, named
// actors at their own, unless it goes to the shared one of their server anyway. An actor that this node has not read has no inbox and gets nothing.
func (t tx) Enqueue(_ context.Context, a *node.ActRecord, r node.Recipients) (int, error) {
	const op = "enqueue"
	at := ms(a.At)
	total := int64(0)
	add := func(text string, args ...any) error {
		n, err := t.c.exec(text, args...)
		total += n
		return err
	}
	followers, due := enqueueFollowers, dueFollowers
	if !r.Followers {
		followers, due = enqueueCoops, dueCoops
	}
	if r.Followers || r.Coops {
		if err := add(followers, a.Seq, a.Object, at); err != nil {
			return 0, sqliteError(op, a.IRI, err)
		}
		if _, err := t.c.exec(due, at); err != nil {
			return 0, sqliteError(op, a.IRI, err)
		}
	}
	if r.ReadersOf != "" {
		since := ms(a.At.Add(-readerAge))
		if err := add(enqueueReaders, a.Seq, a.Object, at, r.ReadersOf, since); err != nil {
			return 0, sqliteError(op, a.IRI, err)
		}
		if _, err := t.c.exec(dueReaders, a.Seq, a.Object, at, r.ReadersOf, since); err != nil {
			return 0, sqliteError(op, a.IRI, err)
		}
	}
	for _, actor := range r.Actors {
		if err := add(enqueueNamed, a.Seq, a.Object, at, actor); err != nil {
			return 0, sqliteError(op, a.IRI, err)
		}
		if _, err := t.c.exec(dueNamed, a.Seq, a.Object, at, actor); err != nil {
			return 0, sqliteError(op, a.IRI, err)
		}
	}
	if total == 0 {
		return 0, nil
	}
	_, err := t.c.exec(countQueued, a.Seq, total)
	return int(total), sqliteError(op, a.IRI, err)
}

const deliveryColumns = `d.act, a.iri, d.host, d.inbox, d.object, d.attempts, d.not_before_ms, d.created_ms, d.reason`

// Letters of a host that may go now: not put off, and nothing earlier to the same inbox about the
// same object is put off.
const dueNow = `
		   d.host = $1 and d.not_before_ms <= $2
		   and not exists (select 1 from delivery e
		                    where e.host = d.host and e.inbox = d.inbox and e.object = d.object and e.act < d.act
		                      and e.not_before_ms > 0 and e.not_before_ms > $2)`

const (
	dueDeliveries = `
		select ` + deliveryColumns + `
		  from delivery d join act a on a.seq = d.act
		 where ` + dueNow + `
		 order by d.act, d.inbox
		 limit $3`
	arrived = `delete from delivery where host = $1 and act = $2 and inbox = $3`
	later   = `
		update delivery set attempts = attempts + 1, not_before_ms = $4, reason = $5
		 where host = $1 and act = $2 and inbox = $3`
	oldestDelivery = `select coalesce(min(act), 0) from delivery`
	countEnded     = `update act set reached = reached + $2, refused = refused + $3 where seq = $1`
	countHour      = `
		insert into delivery_hour (hour_ms, arrived, retried, ended) values ($1, $2, $3, $4)
		    on conflict (hour_ms) do update set arrived = delivery_hour.arrived + excluded.arrived,
		       retried = delivery_hour.retried + excluded.retried, ended = delivery_hour.ended + excluded.ended`
	// Looks at everything that waits, for a page that a person asks for.
	deliveryHours = `
		select hour_ms, sum(arrived), sum(retried), sum(ended), sum(waiting) from (
		       select hour_ms, arrived, retried, ended, 0 as waiting from delivery_hour where hour_ms >= $1
		       union all
		       select created_ms - created_ms % 3600000, 0, 0, 0, count(*) from delivery where created_ms >= $1 group by 1) h
		 group by hour_ms
		 order by hour_ms`
)

// DueDeliveries lists letters for a host that may go now, the oldest act first. The caller keeps the
// order: if one has to wait, later ones of the same inbox and object in the list wait with it.
func (q questions) DueDeliveries(ctx context.Context, host string, now time.Time, limit int) (list []*node.Delivery, err error) {
	err = q.on(ctx, func(c *conn) error {
		list, err = c.deliveries(dueDeliveries, host, ms(now), limit)
		return err
	})
	return list, sqliteError("list deliveries", host, err)
}

// OldestDelivery is the Seq of the oldest act that still waits for somebody, 0 if none does.
func (q questions) OldestDelivery(ctx context.Context) (act int64, err error) {
	err = q.on(ctx, func(c *conn) error { return c.row(oldestDelivery).Scan(&act) })
	return act, sqliteError("look at queue", "", err)
}

// Deliveries lists what waits, oldest first.
func (q questions) Deliveries(ctx context.Context, query node.DeliveryQuery) (list []*node.Delivery, err error) {
	f := matching(query)
	text := "select " + deliveryColumns + " from delivery d join act a on a.seq = d.act" + f.where() +
		" order by d.act, d.created_ms limit " + f.arg(limitOr(query.Limit, 1000, 100_000))
	err = q.on(ctx, func(c *conn) error {
		list, err = c.deliveries(text, f.args...)
		return err
	})
	return list, sqliteError("list deliveries", query.Host, err)
}

func (c *conn) deliveries(text string, args ...any) (list []*node.Delivery, err error) {
	err = c.each(func(r rowScanner) error {
		var d node.Delivery
		var notBefore, created int64
		err := r.Scan(&d.Act, &d.ActIRI, &d.Host, &d.Inbox, &d.Object, &d.Attempts, &notBefore, &created, &d.Reason)
		d.NotBefore, d.Created = timeOf(notBefore), timeOf(created)
		list = append(list, &d)
		return err
	}, text, args...)
	return list, err
}

// matching are the conditions of a query on deliveries d.
func matching(q node.DeliveryQuery) *filter {
	f := &filter{}
	if q.Host != "" {
		f.and("d.host = " + f.arg(q.Host))
	}
	if q.Object != "" {
		f.and("d.object = " + f.arg(q.Object))
	}
	if q.Inbox != "" {
		f.and("d.inbox = " + f.arg(q.Inbox))
	}
	if q.Act != "" {
		f.and("d.act = (select seq from act where iri = " + f.arg(q.Act) + ")")
	}
	return f
}

// Settle keeps how attempts and visits ended, in one transaction. A letter that arrived or ended leaves the
// queue and is counted with its act; one that has to wait keeps its place. A visited peer is free again and due
// when its next letter is, or at the visit's NotBefore; so nothing that was enqueued during the visit is lost.
func (t tx) Settle(_ context.Context, outcomes []node.Outcome, visits []node.Visit, now time.Time) error {
	const op = "settle deliveries"
	type count struct{ reached, refused int64 }
	counts := map[int64]*count{}
	var hour struct{ arrived, retried, ended int64 }
	for _, o := range outcomes {
		host := node.HostOf(o.Inbox)
		if o.Result == node.Later {
			if _, err := t.c.exec(later, host, o.Act, o.Inbox, ms(o.NotBefore), o.Reason); err != nil {
				return sqliteError(op, o.Inbox, err)
			}
			continue
		}
		n, err := t.c.exec(arrived, host, o.Act, o.Inbox)
		if err != nil {
			return sqliteError(op, o.Inbox, err)
		}
		if counts[o.Act] == nil {
			counts[o.Act] = &count{}
		}
		switch {
		case o.Result != node.Arrived:
			counts[o.Act].refused += n
			hour.ended += n
		case o.Retried:
			counts[o.Act].reached += n
			hour.retried += n
		default:
			counts[o.Act].reached += n
			hour.arrived += n
		}
	}
	if hour.arrived+hour.retried+hour.ended > 0 {
		if _, err := t.c.exec(countHour, ms(now.Truncate(time.Hour)), hour.arrived, hour.retried, hour.ended); err != nil {
			return sqliteError(op, "", err)
		}
	}
	for act, n := range counts {
		if _, err := t.c.exec(countEnded, act, n.reached, n.refused); err != nil {
			return sqliteError(op, "", err)
		}
	}
	for _, v := range visits {
		if err := t.settleVisit(v, now); err != nil {
			return sqliteError(op, v.Host, err)
		}
	}
	return nil
}

// DeliveryHours lists the hours since then in which letters ended, or were made that still wait.
func (q questions) DeliveryHours(ctx context.Context, since time.Time) (list []*node.DeliveryHour, err error) {
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			var h node.DeliveryHour
			var begin int64
			err := r.Scan(&begin, &h.Arrived, &h.Retried, &h.Ended, &h.Waiting)
			h.Begin = timeOf(begin)
			list = append(list, &h)
			return err
		}, deliveryHours, ms(since))
	})
	return list, sqliteError("count deliveries", "", err)
}

// RetryDeliveries makes the matching letters and their peers due now and returns how many letters
// there are. The query's limit does not matter.
func (t tx) RetryDeliveries(_ context.Context, q node.DeliveryQuery, now time.Time) (int, error) {
	const op = "retry deliveries"
	f := matching(q)
	due := f.arg(ms(now))
	peers := "update peer set due_ms = " + due + " where host in (select d.host from delivery d" + f.where() + ")"
	if _, err := t.c.exec(peers, f.args...); err != nil {
		return 0, sqliteError(op, q.Host, err)
	}
	f = matching(q)
	n, err := t.c.exec("update delivery as d set not_before_ms = 0"+f.where(), f.args...)
	return int(n), sqliteError(op, q.Host, err)
}

// DropDeliveries ends the matching letters and returns how many there were. The query's limit does
// not matter.
func (t tx) DropDeliveries(_ context.Context, q node.DeliveryQuery) (int, error) {
	const op = "drop deliveries"
	f := matching(q)
	counted := `
		update act set refused = refused + (select count(*) from delivery d` + f.where() + ` and d.act = act.seq)
		 where seq in (select d.act from delivery d` + f.where() + `)`
	if len(f.parts) == 0 {
		counted = `
		update act set refused = refused + (select count(*) from delivery d where d.act = act.seq)
		 where seq in (select d.act from delivery d)`
	}
	if _, err := t.c.exec(counted, f.args...); err != nil {
		return 0, sqliteError(op, q.Host, err)
	}
	n, err := t.c.exec("delete from delivery as d"+f.where(), f.args...)
	if err == nil {
		_, err = t.c.exec(idlePeers)
	}
	return int(n), sqliteError(op, q.Host, err)
}
