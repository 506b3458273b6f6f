package store

import (
	"context"
	"encoding/json"
	"errors"
	"math"

	"github.com/coopnode/coopnode/node"
)

const (
	// Each object stands where it was brought last.
	timeline = `
		select t.object, t.actor, t.verb, t.iri, t.at_ms, w.data,` + objectColumns + `
		  from timeline t
		  join object o on o.iri = t.object
		  left join actor w on w.iri = o.actor
		 where t.at_ms < $1 and ($2 = '' or o.type = $2)
		   and o.deleted_ms = 0 and not o.draft and o.audience <> 'direct'
		   and o.hidden < 2 and t.hidden < 2
		   and not exists (select 1 from timeline n
		                    where n.object = t.object and n.hidden < 2
		                      and (n.at_ms > t.at_ms or n.at_ms = t.at_ms and n.seq > t.seq))
		 order by t.at_ms desc, t.seq desc
		 limit $3`
	sharedBy = `select actor from timeline where object = $1 and verb = 'Announce' and hidden < 2 order by seq`
	bringers = `select actor, verb, iri, at_ms from timeline where object = $1 and hidden < 2 order by seq`
	// What is ours comes into no timeline.
	sharers = `
		select actor from (
		       select t.actor as actor, t.at_ms as at_ms from timeline t where t.object = $1 and t.verb = 'Announce' and t.hidden < 2
		        union all
		       select r.actor, r.at_ms from reaction r join followed f on f.actor = r.actor and f.state = 'accepted'
		        where r.object = $1 and r.verb = 'Announce' and r.hidden < 2) s
		 group by actor
		 order by min(at_ms), actor
		 limit $2`
	shares = `
		select object, iri, at_ms from timeline
		 where actor = $1 and verb = 'Announce'
		 order by at_ms desc, seq desc
		 limit 1000`
	bring = `
		insert into timeline (object, actor, verb, iri, at_ms, seq)
		select $1, $2, $3, $4, $5, m.last + 1 from (select coalesce((select max(seq) from timeline), 0) as last) m
		 where true
		    on conflict (object, actor, verb) do update set iri = excluded.iri, at_ms = excluded.at_ms
		       where excluded.at_ms >= timeline.at_ms`
	unbring = `
		delete from timeline
		 where actor = $1 and verb = 'Announce' and (iri = $2 and iri <> '' or object = $3)`
)

// maxTied bounds how many entries of one moment a page may have more than was asked for.
const maxTied = 1000

var errEnough = errors.New("enough rows")

// Timeline lists what was brought, newest first, each object once, where it was brought last; not
// what is deleted or was said to named actors alone, or comes from somebody whom a rule refuses. Entries of one and the same moment
// are never parted, so there may be some more than Limit.
func (q questions) Timeline(ctx context.Context, query node.TimelineQuery) (list []*node.TimelineEntry, err error) {
	limit := limitOr(query.Limit, 40, 200)
	before := ms(query.Before)
	if before == 0 {
		before = math.MaxInt64
	}
	err = q.on(ctx, func(c *conn) error {
		err := c.each(func(r rowScanner) error {
			e, err := scanEntry(r)
			if err == nil && len(list) >= limit && !e.At.Equal(list[len(list)-1].At) {
				return errEnough
			}
			list = append(list, e)
			return err
		}, timeline, before, string(query.Type), limit+maxTied)
		if err != nil && err != errEnough {
			return err
		}
		for _, e := range list {
			err := c.each(func(r rowScanner) error {
				var actor string
				err := r.Scan(&actor)
				e.SharedBy = append(e.SharedBy, actor)
				return err
			}, sharedBy, e.ObjectIRI)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return list, sqliteError("read timeline", "", err)
}

func scanEntry(r rowScanner) (*node.TimelineEntry, error) {
	var e node.TimelineEntry
	var at int64
	var author []byte
	var err error
	e.Object, err = scanObject(r, &e.ObjectIRI, &e.Actor, &e.Verb, &e.IRI, &at, &author)
	if err != nil {
		return nil, err
	}
	e.At = timeOf(at)
	if author != nil {
		if err := json.Unmarshal(author, &e.Author); err != nil {
			return nil, damaged("read timeline", e.ObjectIRI, err)
		}
	}
	return &e, nil
}

// Shares lists what an actor has announced, newest first.
func (q questions) Shares(ctx context.Context, actor string) (list []*node.TimelineEntry, err error) {
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			e := &node.TimelineEntry{Actor: actor, Verb: node.Announce}
			var at int64
			err := r.Scan(&e.ObjectIRI, &e.IRI, &at)
			e.At = timeOf(at)
			list = append(list, e)
			return err
		}, shares, actor)
	})
	return list, sqliteError("list shares", actor, err)
}

// Bringers lists who brought an object here, in the order in which they did.
func (q questions) Bringers(ctx context.Context, object string) (list []*node.TimelineEntry, err error) {
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			e := &node.TimelineEntry{ObjectIRI: object}
			var at int64
			err := r.Scan(&e.Actor, &e.Verb, &e.IRI, &at)
			e.At = timeOf(at)
			list = append(list, e)
			return err
		}, bringers, object)
	})
	return list, sqliteError("list who brought it", object, err)
}

// Sharers lists who has announced an object, the first one first: of others' those who brought it here, of ours those whom we
// follow.
func (q questions) Sharers(ctx context.Context, object string, limit int) (list []string, err error) {
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			var actor string
			err := r.Scan(&actor)
			list = append(list, actor)
			return err
		}, sharers, object, limit)
	})
	return list, sqliteError("list who shared it", object, err)
}

// Bring says that somebody brought an object here; brought again by the same one, it moves to the
// newer time.
func (t tx) Bring(_ context.Context, e *node.TimelineEntry) error {
	_, err := t.c.exec(bring, e.ObjectIRI, e.Actor, string(e.Verb), e.IRI, ms(e.At))
	return sqliteError("save timeline entry", e.ObjectIRI, err)
}

// Unbring takes back what an actor announced, found by the id of the Announce or by the object. What it
// published itself stays.
func (t tx) Unbring(_ context.Context, e *node.TimelineEntry) error {
	_, err := t.c.exec(unbring, e.Actor, e.IRI, e.ObjectIRI)
	return sqliteError("remove timeline entry", e.ObjectIRI, err)
}
