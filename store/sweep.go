package store

import (
	"context"
	"time"
)

// sweepAge is how long handled ids, strangers and idle peers are remembered (Q-3, DB-7, Q-9).
const sweepAge = 90 * 24 * time.Hour

// Each of these takes one argument: the time before which something is too old.
var sweeps = []string{
	`delete from seen where at_ms < $1`,
	`delete from reader where at_ms < $1`,
	`delete from moved where at_ms < $1`,
	`delete from quote where at_ms < $1 and not exists (select 1 from object o where o.iri = quote.object and o.deleted_ms = 0)`,
	`delete from peer_form where since_ms < $1`,
	`delete from peer where due_ms is null and owner = '' and last_ok_ms < $1`,
	`delete from actor
	  where not local and fetched_ms < $1 and gone_ms < $1
	    and not exists (select 1 from follower f where f.actor = actor.iri)
	    and not exists (select 1 from followed f where f.actor = actor.iri)
	    and not exists (select 1 from reader r where r.actor = actor.iri)
	    and not exists (select 1 from object o where o.actor = actor.iri)`,
	// What we said to somebody once, an Accept or an Update, nobody asks for any more.
	`delete from act
	  where not listed and verb <> 'Create' and at_ms < $1
	    and not exists (select 1 from delivery d where d.act = act.seq)
	    and not exists (select 1 from followed f where f.follow_iri = act.iri)`,
	`delete from report where closed_ms > 0 and closed_ms < $1`,
	// A Tombstone of somebody else's object has done its work. Ours stay: others may still ask.
	`delete from object where not local and deleted_ms > 0 and deleted_ms < $1`,
}

// Sweep removes what has passed its time: ids of handled letters, readers, idle peers, strangers, old acts that are not
// in the outbox, closed reports, what others deleted, and pictures that nobody looked at, each after 90 days; pictures
// that nobody shows at once.
func (t tx) Sweep(_ context.Context, now time.Time) error {
	for _, s := range sweeps {
		if _, err := t.c.exec(s, ms(now.Add(-sweepAge))); err != nil {
			return sqliteError("sweep", "", err)
		}
	}
	return sqliteError("sweep pictures", "", t.sweepPictures(now.Add(-sweepAge)))
}
