package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/coopnode/coopnode/node"
)

// A claimed peer keeps its due time: whoever dies leaves it as it was, and the lease runs out.
const (
	countClaims = `
		select count(*), coalesce(sum(case when failures > 0 then 1 else 0 end), 0)
		  from peer
		 where owner = $1 and owner <> '' and lease_until_ms > $2`
	claimHealthy = `
		update peer set owner = $1, lease_until_ms = $2
		 where host in (select host from peer
		                 where failures = 0 and due_ms is not null and due_ms <= $3
		                   and (owner = '' or lease_until_ms <= $3)
		                 order by due_ms
		                 limit $4)
		returning host, due_ms, failures, reason, last_ok_ms`
	claimFailing = `
		update peer set owner = $1, lease_until_ms = $2
		 where host in (select host from peer
		                 where failures > 0 and due_ms is not null and due_ms <= $3
		                   and (owner = '' or lease_until_ms <= $3)
		                 order by due_ms
		                 limit $4)
		returning host, due_ms, failures, reason, last_ok_ms`
	extendLeases = `update peer set lease_until_ms = $2 where owner = $1 and owner <> ''`
	releasePeers = `update peer set owner = '', lease_until_ms = 0 where owner <> ''`

	// When a visit ends, the peer is due when a letter of it is: now if one may go already, else
	// when the first that was put off may; never if none is left.
	settleVisit = `
		update peer set owner = '', lease_until_ms = 0, failures = $3, reason = $4,
		       last_ok_ms = case when $5 then $2 else last_ok_ms end,
		       due_ms = case
		         when not exists (select 1 from delivery d where d.host = $1) then null
		         when $6 > 0 then $6
		         when exists (select 1 from delivery d where ` + dueNow + `) then $2
		         else (select min(d.not_before_ms) from delivery d
		                where d.host = $1 and d.not_before_ms > 0 and d.not_before_ms > $2)
		       end
		 where host = $1`
	wakePeer    = `update peer set due_ms = $2 where host = $1 and due_ms is not null and due_ms > $2`
	wakeLetters = `update delivery set not_before_ms = 0 where host = $1 and not_before_ms > 0 and not_before_ms > $2`
	idlePeers   = `
		update peer set due_ms = null
		 where due_ms is not null and not exists (select 1 from delivery d where d.host = peer.host)`

	peers = `
		select p.host, p.due_ms, p.failures, p.reason, p.last_ok_ms,
		       (select count(*) from delivery d where d.host = p.host)
		  from peer p
		 where p.due_ms is not null
		 order by p.failures desc, p.due_ms
		 limit $1`
	nextDue = `
		select min(due_ms) from (
		       select min(due_ms) as due_ms from peer where failures = 0 and due_ms is not null and owner = ''
		       union all
		       select min(due_ms) from peer where failures > 0 and due_ms is not null and owner = ''
		       union all
		       select min(lease_until_ms) from peer where owner <> '') n`
	queueStatus = `
		select (select count(*) from delivery),
		       (select coalesce(min(created_ms), 0) from delivery),
		       (select count(*) from peer where due_ms is not null),
		       (select count(*) from peer where failures > 0 and due_ms is not null),
		       (select count(*) from letter)`
)

// ClaimPeers lends up to limit due peers to owner until leaseUntil, those first that wait longest.
// limit is how many workers of the owner are free: peers whose last visit failed get no more than a
// quarter of all its workers while others are due, and half of them at any time, so that hosts which
// hang cannot keep everybody else waiting.
func (t tx) ClaimPeers(_ context.Context, owner string, now, leaseUntil time.Time, limit int) (list []*node.Peer, err error) {
	const op = "claim peers"
	var claimed, failing int
	if err := t.c.row(countClaims, owner, ms(now)).Scan(&claimed, &failing); err != nil {
		return nil, sqliteError(op, "", err)
	}
	workers := claimed + limit
	claim := func(text string, n int) (got int) {
		if n = min(n, limit-len(list)); n <= 0 || err != nil {
			return 0
		}
		err = t.c.each(func(r rowScanner) error {
			var p node.Peer
			var due, ok int64
			err := r.Scan(&p.Host, &due, &p.Failures, &p.Reason, &ok)
			p.Due, p.LastOK = timeOf(due), timeOf(ok)
			list = append(list, &p)
			got++
			return err
		}, text, owner, ms(leaseUntil), ms(now), n)
		return got
	}
	failing += claim(claimFailing, max(1, workers/4)-failing)
	claim(claimHealthy, limit)
	claim(claimFailing, max(1, workers/2)-failing)
	return list, sqliteError(op, "", err)
}

// ExtendLeases prolongs all claims of owner.
func (t tx) ExtendLeases(_ context.Context, owner string, until time.Time) error {
	_, err := t.c.exec(extendLeases, owner, ms(until))
	return sqliteError("extend leases", "", err)
}

// ReleasePeers frees all claims.
func (t tx) ReleasePeers(_ context.Context) error {
	_, err := t.c.exec(releasePeers)
	return sqliteError("release peers", "", err)
}

func (t tx) settleVisit(v node.Visit, now time.Time) error {
	_, err := t.c.exec(settleVisit, v.Host, ms(now), v.Failures, v.Reason, v.OK, ms(v.NotBefore))
	return err
}

// WakePeer makes a peer and its letters due now, if any wait: it has shown that it is awake (decisions 28).
func (t tx) WakePeer(_ context.Context, host string, now time.Time) error {
	_, err := t.c.exec(wakePeer, host, ms(now))
	if err == nil {
		_, err = t.c.exec(wakeLetters, host, ms(now))
	}
	return sqliteError("wake peer", host, err)
}

// Peers lists those with letters waiting, most failures first.
func (q questions) Peers(ctx context.Context, limit int) (list []*node.Peer, err error) {
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			var p node.Peer
			var due, ok int64
			err := r.Scan(&p.Host, &due, &p.Failures, &p.Reason, &ok, &p.Waiting)
			p.Due, p.LastOK = timeOf(due), timeOf(ok)
			list = append(list, &p)
			return err
		}, peers, limitOr(limit, 100, 100_000))
	})
	return list, sqliteError("list peers", "", err)
}

// NextDue is when the next peer may be claimed: one that is free becomes due, or a lease runs out.
// Zero if nothing waits.
func (q questions) NextDue(ctx context.Context) (time.Time, error) {
	var due sql.NullInt64
	err := q.on(ctx, func(c *conn) error { return c.row(nextDue).Scan(&due) })
	return timeOf(due.Int64), sqliteError("look at queue", "", err)
}

// QueueStatus counts what waits.
func (q questions) QueueStatus(ctx context.Context) (*node.QueueStatus, error) {
	var s node.QueueStatus
	var oldest int64
	err := q.on(ctx, func(c *conn) error {
		return c.row(queueStatus).Scan(&s.Waiting, &oldest, &s.Peers, &s.Failing, &s.Letters)
	})
	if err != nil {
		return nil, sqliteError("look at queue", "", err)
	}
	s.Oldest = timeOf(oldest)
	return &s, nil
}
