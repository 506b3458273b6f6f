package store

import (
	"context"
	"time"

	"github.com/coopnode/coopnode/node"
)

const (
	notePassed = `
		insert into passed_on (federation, object, at_ms) select $1, o.iri, $3 from object o where o.iri = $2
		    on conflict (federation, object) do nothing`
	gonePassed = `delete from passed_on where federation = $1`

	// An opening is seen, open at $1, filled, answered.
	tally = `
		count(*),
		coalesce(sum(case when o.status = 'open' and (o.closes_ms = 0 or o.closes_ms > $1) then 1 else 0 end), 0),
		coalesce(sum(case when o.status = 'filled' then 1 else 0 end), 0),
		coalesce(sum(case when exists (select 1 from object r
		                                where r.in_reply_to = o.iri and r.in_reply_to <> '' and r.actor <> o.actor
		                                  and r.listed and r.hidden = 0 and r.deleted_ms = 0 and not r.draft) then 1 else 0 end), 0)`
	tallied = `
		o.type = 'opening' and o.listed and o.hidden = 0 and o.deleted_ms = 0 and not o.draft
		   and not exists (select 1 from actor w where w.iri = o.actor and w.sample)`
	tallyAll     = `select ` + tally + ` from object o where ` + tallied
	tallyBy      = `select p.federation, ` + tally + ` from passed_on p join object o on o.iri = p.object where ` + tallied + ` group by p.federation`
	tallyMembers = `select federation, count(*) from membership where standing = 'confirmed' group by federation`
)

// NotePassed remembers that a federation passed something on, once; for what is not kept here it does nothing.
func (t tx) NotePassed(_ context.Context, federation, object string, at time.Time) error {
	_, err := t.c.exec(notePassed, federation, object, ms(at))
	return sqliteError("note what is passed on", object, err)
}

// Tallies counts the openings that everybody may see, in all and by federation.
func (q questions) Tallies(ctx context.Context, now time.Time) (all node.Tally, by map[string]*node.FederationNumbers, err error) {
	by = map[string]*node.FederationNumbers{}
	of := func(federation string) *node.FederationNumbers {
		if by[federation] == nil {
			by[federation] = &node.FederationNumbers{IRI: federation}
		}
		return by[federation]
	}
	err = q.on(ctx, func(c *conn) error {
		if err := c.row(tallyAll, ms(now)).Scan(&all.Seen, &all.Open, &all.Filled, &all.Answered); err != nil {
			return err
		}
		err := c.each(func(r rowScanner) error {
			var federation string
			var t node.Tally
			err := r.Scan(&federation, &t.Seen, &t.Open, &t.Filled, &t.Answered)
			of(federation).Passed = t
			return err
		}, tallyBy, ms(now))
		if err != nil {
			return err
		}
		return c.each(func(r rowScanner) error {
			var federation string
			var members int
			err := r.Scan(&federation, &members)
			of(federation).Members = members
			return err
		}, tallyMembers)
	})
	return all, by, sqliteError("count openings", "", err)
}
