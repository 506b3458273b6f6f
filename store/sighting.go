package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/coopnode/coopnode/node"
)

const (
	sightings = `
		select s.through, s.how, s.at_ms, t.data
		  from sighting s left join actor t on t.iri = s.through
		 where s.actor = $1 and (t.iri is null or t.hidden = 0 and t.gone_ms = 0)
		 order by s.at_ms, s.through, s.how
		 limit 200`
	inList       = `select actor from sighting where through = $1 and how = $2`
	saveSighting = `insert into sighting (through, how, actor, at_ms) values ($1, $2, $3, $4) on conflict do nothing`
	dropSighting = `delete from sighting where through = $1 and how = $2 and actor = $3`
	dropThrough  = `delete from sighting where through = $1`

	// Who was never asked comes first. Who is known in another way is asked only where it is a coop of which we have not heard for long.
	toLookAt = `
		select s.actor
		  from sighting s left join look l on l.actor = s.actor left join actor a on a.iri = s.actor
		 where s.through = $1
		   and (l.actor is null and (a.iri is null or a.is_coop and not a.local and not a.sample and a.gone_ms = 0 and a.fetched_ms < $3)
		        or l.due_ms <= $2)
		 group by s.actor
		 order by min(l.actor is not null or a.iri is not null), min(s.at_ms), s.actor
		 limit $4`
	sightedCoops = `
		select distinct s.actor
		  from sighting s join actor a on a.iri = s.actor
		 where s.through = $1 and a.is_coop and a.gone_ms = 0 and a.hidden = 0 and not a.local and not a.sample
		 order by s.actor
		 limit 200`
	lookOf     = `select actor, found, failures, at_ms, due_ms from look where actor = $1`
	countLooks = `select count(*) from look where at_ms > $1`
	saveLook   = `
		insert into look (actor, found, failures, at_ms, due_ms) values ($1, $2, $3, $4, $5)
		    on conflict (actor) do update set
		       found = excluded.found, failures = excluded.failures, at_ms = excluded.at_ms, due_ms = excluded.due_ms`
)

// staleCoop is how long what a coop says of itself is good for the directory.
const staleCoop = 7 * 24 * time.Hour

// Sightings lists in whose lists an actor stands, oldest first.
func (q questions) Sightings(ctx context.Context, actor string) (list []*node.Sighting, err error) {
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			s := &node.Sighting{Actor: actor}
			var at int64
			var who []byte
			if err := r.Scan(&s.Through, &s.How, &at, &who); err != nil {
				return err
			}
			s.Since = timeOf(at)
			if who != nil {
				if err := json.Unmarshal(who, &s.Who); err != nil {
					return damaged("list sightings", s.Through, err)
				}
			}
			list = append(list, s)
			return nil
		}, sightings, actor)
	})
	return list, sqliteError("list sightings", actor, err)
}

// ToLookAt lists those in somebody's lists who are to be asked who they are.
func (q questions) ToLookAt(ctx context.Context, through string, now time.Time, limit int) ([]string, error) {
	return q.names(ctx, toLookAt, through, ms(now), ms(now.Add(-staleCoop)), limit)
}

// SightedCoops lists those in somebody's lists who are known to be coops, at most 200.
func (q questions) SightedCoops(ctx context.Context, through string) ([]string, error) {
	return q.names(ctx, sightedCoops, through)
}

func (q questions) names(ctx context.Context, text string, args ...any) (list []string, err error) {
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			var name string
			err := r.Scan(&name)
			list = append(list, name)
			return err
		}, text, args...)
	})
	return list, sqliteError("list sightings", "", err)
}

// Look gives what came of asking an actor. NotFound.
func (q questions) Look(ctx context.Context, actor string) (*node.Look, error) {
	var l node.Look
	var at, due int64
	err := q.on(ctx, func(c *conn) error {
		return c.row(lookOf, actor).Scan(&l.Actor, &l.Found, &l.Failures, &at, &due)
	})
	if err != nil {
		return nil, sqliteError("read look", actor, err)
	}
	l.At, l.Due = timeOf(at), timeOf(due)
	return &l, nil
}

// CountLooks counts the actors that were asked since a moment.
func (q questions) CountLooks(ctx context.Context, since time.Time) (n int, err error) {
	err = q.on(ctx, func(c *conn) error { return c.row(countLooks, ms(since)).Scan(&n) })
	return n, sqliteError("count looks", "", err)
}

// SaveLook keeps what came of asking an actor, in place of what came before.
func (t tx) SaveLook(_ context.Context, l *node.Look) error {
	_, err := t.c.exec(saveLook, l.Actor, l.Found, l.Failures, ms(l.At), ms(l.Due))
	return sqliteError("save look", l.Actor, err)
}

// SaveSightings remembers who stands in a list now. Who stood there before keeps its time, and who does not any more
// is forgotten.
func (t tx) SaveSightings(ctx context.Context, through string, how node.Listing, actors []string, at time.Time) error {
	const op = "save sightings"
	old, err := t.names(ctx, inList, through, string(how))
	if err != nil {
		return err
	}
	gone := map[string]bool{}
	for _, a := range old {
		gone[a] = true
	}
	for _, a := range actors {
		if gone[a] {
			delete(gone, a)
		} else if _, err := t.c.exec(saveSighting, through, string(how), a, ms(at)); err != nil {
			return sqliteError(op, a, err)
		}
	}
	for a := range gone {
		if _, err := t.c.exec(dropSighting, through, string(how), a); err != nil {
			return sqliteError(op, a, err)
		}
	}
	return nil
}

// DropSightings forgets whom somebody lists.
func (t tx) DropSightings(_ context.Context, through string) error {
	_, err := t.c.exec(dropThrough, through)
	return sqliteError("drop sightings", through, err)
}
