package store

import (
	"context"
	"time"

	"github.com/coopnode/coopnode/node"
)

// sweepAge is how long handled ids, strangers and idle peers are remembered (Q-3, DB-7, Q-9).
const sweepAge = 90 * 24 * time.Hour

// Each of these takes one argument: the time before which something is too old.
var sweeps = []string{
	`delete from seen where at_ms < $1`,
	`delete from reader where at_ms < $1`,
	`delete from moved where at_ms < $1`,
	`delete from quote where at_ms < $1 and not exists (select 1 from object o where o.iri = quote.object and o.deleted_ms = 0)`,
	`delete from look where at_ms < $1 and not exists (select 1 from sighting s where s.actor = look.actor)`,
	`delete from peer_form where since_ms < $1`,
	`delete from peer where due_ms is null and owner = '' and last_ok_ms < $1`,
	dropStrangers,
	// What we said to somebody once, an Accept or an Update, nobody asks for any more.
	`delete from act
	  where not listed and verb <> 'Create' and at_ms < $1
	    and not exists (select 1 from delivery d where d.act = act.seq)
	    and not exists (select 1 from followed f where f.follow_iri = act.iri)`,
	`delete from delivery_hour where hour_ms < $1`,
	`delete from notice where ended_ms > 0 and ended_ms < $1`,
	`delete from report where closed_ms > 0 and closed_ms < $1`,
	// What others published, nobody whom we hear brought here, and no conversation, act or page of ours needs.
	dropForeign,
	`delete from timeline where at_ms < $1 and not exists (select 1 from object o where o.iri = timeline.object)`,
	`delete from reaction where at_ms < $1 and not exists (select 1 from object o where o.iri = reaction.object)`,
	`delete from reshare where since_ms < $1 and not exists (select 1 from object o where o.iri = reshare.object)`,
	// A Tombstone of somebody else's object has done its work. Ours stay: others may still ask.
	`delete from object where not local and deleted_ms > 0 and deleted_ms < $1`,
}

// endedKept is how long ago a session or a link must have ended to be removed: a clock that is a day ahead ends them, and
// ends them no more when it is right again. What moves it further is noticed (node.Sweep).
const endedKept = 7 * 24 * time.Hour

// Each of these takes the time before which it must have ended: what says by itself when it ends.
var endings = []string{
	`delete from session where ends_ms <= $1`,
	`delete from pass where expires_ms <= $1`,
}

// dropAudit takes the time in microseconds before which nobody asks any more who did what.
const dropAudit = `delete from audit where seq < $1`

// What can be found tells its address when it goes, for the index.
const dropStrangers = `
	delete from actor
	 where not local and not sample and fetched_ms < $1 and gone_ms < $1
	   and not exists (select 1 from follower f where f.actor = actor.iri)
	   and not exists (select 1 from followed f where f.actor = actor.iri)
	   and not exists (select 1 from subscription s where s.source = actor.iri)
	   and not exists (select 1 from sighting s where s.actor = actor.iri)
	   and not exists (select 1 from reader r where r.actor = actor.iri)
	   and not exists (select 1 from object o where o.actor = actor.iri)
	   and not exists (select 1 from membership m where m.coop = actor.iri)
	   and not exists (select 1 from membership m where m.federation = actor.iri)
	returning iri`

// dropForeign takes the oldest few thousand, so that it never holds up others for long: the next sweep goes on. Tags,
// skills and remarks go with their object.
const dropForeign = `
	delete from object where id in (
	       select c.id from object c
	        where not c.local and c.received_ms < $1 and c.deleted_ms = 0
	          and not exists (select 1 from timeline t join followed f on f.actor = t.actor where t.object = c.iri)
	          and not exists (select 1 from timeline t join subscription s on s.source = t.actor where t.object = c.iri)
	          and not exists (select 1 from remark r where r.object = c.id or r.thread = c.iri or r.thread = c.thread and c.thread <> '')
	          and not exists (select 1 from object p where p.local and (p.iri = c.in_reply_to or p.iri = c.thread))
	          and not exists (select 1 from object a where a.local and a.in_reply_to = c.iri and a.in_reply_to <> '')
	          and not exists (select 1 from object a where a.local and (a.thread = c.thread or a.thread = c.iri) and a.thread <> '')
	          and not exists (select 1 from object a where a.local and a.project = c.iri and a.project <> '')
	          and not exists (select 1 from reaction r join actor l on l.iri = r.actor and l.local where r.object = c.iri)
	          and c.iri not in (select quote from quote)
	          and not exists (select 1 from actor a where a.iri = c.actor and a.sample)
	        order by c.received_ms
	        limit 2000)
	returning iri`

// Sweep removes what has passed its time: sessions and links a week after they ended, the audit log after a year, and ids of handled letters, readers, idle peers, strangers, old acts that are not
// in the outbox, closed reports, what others published or deleted, and pictures that nobody looked at, each after 90 days; pictures
// of others that nobody shows at once, uploads that nothing shows after a week.
func (t tx) Sweep(_ context.Context, now time.Time) error {
	for _, s := range endings {
		if _, err := t.c.exec(s, ms(now.Add(-endedKept))); err != nil {
			return sqliteError("sweep", "", err)
		}
	}
	if _, err := t.c.exec(dropAudit, now.Add(-node.AuditKept).UnixMicro()); err != nil {
		return sqliteError("sweep", "", err)
	}
	for _, s := range sweeps {
		note := map[string]func(string) error{dropStrangers: t.noteActor, dropForeign: t.noteObject}[s]
		if err := t.sweep(s, now, note); err != nil {
			return sqliteError("sweep", "", err)
		}
	}
	return sqliteError("sweep pictures", "", t.sweepPictures(now))
}

// sweep runs one of them and notes what went, where it can be found.
func (t tx) sweep(text string, now time.Time, note func(iri string) error) error {
	before := ms(now.Add(-sweepAge))
	if note == nil {
		_, err := t.c.exec(text, before)
		return err
	}
	var gone []string
	err := t.c.each(func(r rowScanner) error {
		var iri string
		err := r.Scan(&iri)
		gone = append(gone, iri)
		return err
	}, text, before)
	for _, iri := range gone {
		if err == nil {
			err = note(iri)
		}
	}
	return err
}
