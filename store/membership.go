package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/coopnode/coopnode/node"
)

const (
	membershipColumns = `federation, coop, seq, id, data`
	membershipOf      = `select ` + membershipColumns + ` from membership where federation = $1 and coop = $2`
	membershipByID    = `select ` + membershipColumns + ` from membership where id = $1 and id <> ''`
	membershipByJoin  = `select ` + membershipColumns + ` from membership where join_iri = $1 and join_iri <> '' order by seq limit 1`
	lockMembership    = `update membership set version = version + 1 where federation = $1 and coop = $2`
	saveMembership    = `
		insert into membership (federation, coop, seq, version, id, standing, step, join_iri, deadline_ms, data)
		select $1, $2, m.last + 1, 1, $3, $4, $5, $6, $7, $8
		  from (select coalesce((select max(seq) from membership), 0) as last) m
		 where true
		    on conflict (federation, coop) do update set
		       version = membership.version + 1, id = excluded.id, standing = excluded.standing, step = excluded.step,
		       join_iri = excluded.join_iri, deadline_ms = excluded.deadline_ms, data = excluded.data`
	opinions    = `select join_iri, member, approves, iri, reason, at_ms from opinion where join_iri = $1 order by at_ms, member`
	saveOpinion = `
		insert into opinion (join_iri, member, approves, iri, reason, at_ms)
		values ($1, $2, $3, $4, $5, $6)
		    on conflict (join_iri, member) do update set
		       approves = excluded.approves, iri = excluded.iri, reason = excluded.reason, at_ms = excluded.at_ms`
)

// Membership gives what is known of a coop in a federation. NotFound.
func (q questions) Membership(ctx context.Context, federation, coop string) (*node.Membership, error) {
	return q.membership(ctx, membershipOf, federation, coop)
}

// MembershipByID gives the one with this record of ours. NotFound.
func (q questions) MembershipByID(ctx context.Context, id string) (*node.Membership, error) {
	return q.membership(ctx, membershipByID, id)
}

// MembershipByJoin gives the one of an application, by the address of the Join. NotFound.
func (q questions) MembershipByJoin(ctx context.Context, join string) (*node.Membership, error) {
	return q.membership(ctx, membershipByJoin, join)
}

func (q questions) membership(ctx context.Context, text string, args ...any) (m *node.Membership, err error) {
	err = q.on(ctx, func(c *conn) error {
		m, err = scanMembership(c.row(text, args...))
		return err
	})
	return m, sqliteError("read membership", args[0].(string), err)
}

// Memberships lists those that match q, in the order in which they became known.
func (q questions) Memberships(ctx context.Context, query node.MembershipQuery) (list []*node.Membership, err error) {
	f := memberships(query)
	if query.After > 0 {
		f.and("seq > " + f.arg(query.After))
	}
	text := "select " + membershipColumns + " from membership" + f.where() + " order by seq limit " + f.arg(limitOr(query.Limit, 40, 1000))
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			m, err := scanMembership(r)
			list = append(list, m)
			return err
		}, text, f.args...)
	})
	return list, sqliteError("list memberships", "", err)
}

// CountMemberships counts those that match q.
func (q questions) CountMemberships(ctx context.Context, query node.MembershipQuery) (n int, err error) {
	f := memberships(query)
	err = q.on(ctx, func(c *conn) error { return c.row("select count(*) from membership"+f.where(), f.args...).Scan(&n) })
	return n, sqliteError("count memberships", "", err)
}

func memberships(q node.MembershipQuery) *filter {
	f := &filter{}
	if q.Federation != "" {
		f.and("federation = " + f.arg(q.Federation))
	}
	if q.Coop != "" {
		f.and("coop = " + f.arg(q.Coop))
	}
	if q.Standing != "" {
		f.and("standing = " + f.arg(string(q.Standing)))
	}
	if q.Shown {
		f.and("standing <> ''")
	}
	if q.Step != "" {
		f.and("step = " + f.arg(string(q.Step)) + " and step <> ''")
	}
	if !q.LateAt.IsZero() {
		f.and("step = 'applied' and deadline_ms > 0 and deadline_ms <= " + f.arg(ms(q.LateAt)))
	}
	return f
}

func scanMembership(r rowScanner) (*node.Membership, error) {
	var federation, coop, id string
	var seq int64
	var data []byte
	if err := r.Scan(&federation, &coop, &seq, &id, &data); err != nil {
		return nil, err
	}
	var m node.Membership
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, damaged("read membership", federation+" "+coop, err)
	}
	m.Federation, m.Coop, m.Seq, m.ID = federation, coop, seq, id
	return &m, nil
}

// Opinions are what members say of an application, the oldest first.
func (q questions) Opinions(ctx context.Context, join string) (list []*node.Opinion, err error) {
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			var o node.Opinion
			var at int64
			err := r.Scan(&o.Join, &o.Member, &o.Approves, &o.IRI, &o.Reason, &at)
			o.At = timeOf(at)
			list = append(list, &o)
			return err
		}, opinions, join)
	})
	return list, sqliteError("list opinions", join, err)
}

// LockMembership reads a membership and keeps it from changing until the end of the transaction (decisions 7). NotFound.
func (t tx) LockMembership(_ context.Context, federation, coop string) (*node.Membership, error) {
	n, err := t.c.exec(lockMembership, federation, coop)
	if err == nil && n == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		return nil, sqliteError("lock membership", federation, err)
	}
	m, err := scanMembership(t.c.row(membershipOf, federation, coop))
	return m, sqliteError("lock membership", federation, err)
}

// SaveMembership keeps a membership by its two sides, in place of what was known.
func (t tx) SaveMembership(_ context.Context, m *node.Membership) error {
	kept := *m
	kept.Who, kept.Opinions = nil, nil
	data, err := encode(&kept)
	if err != nil {
		return err
	}
	_, err = t.c.exec(saveMembership, m.Federation, m.Coop, m.ID, string(m.Standing()), string(m.Step), m.JoinIRI, ms(m.Deadline), data)
	if err == nil {
		err = t.noteActor(m.Coop) // it is found among the members
	}
	return sqliteError("save membership", m.Federation, err)
}

// SaveOpinion keeps what a member says of an application, in place of what it said before.
func (t tx) SaveOpinion(_ context.Context, o *node.Opinion) error {
	_, err := t.c.exec(saveOpinion, o.Join, o.Member, o.Approves, o.IRI, o.Reason, ms(o.At))
	return sqliteError("save opinion", o.Join, err)
}
