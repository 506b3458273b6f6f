package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/coopnode/coopnode/node"
)

const actColumns = `seq, iri, verb, object, listed, served, at_ms, by_who, queued, reached, refused, raw`

const (
	actByIRI    = `select ` + actColumns + ` from act where iri = $1`
	actBytes    = `select raw from act where seq = $1`
	countOutbox = `select count(*) from act where listed`
	// The number is a time in microseconds that always grows; no clock is asked here.
	saveAct = `
		insert into act (seq, iri, verb, object, listed, served, at_ms, by_who, raw)
		select case when m.last >= $1 then m.last + 1 else $1 end, $2, $3, $4, $5, $6, $7, $8, $9
		  from (select coalesce((select max(seq) from act), 0) as last) m
		 where true
		    on conflict (iri) do update set
		       listed = excluded.listed, served = excluded.served, raw = excluded.raw
		       where act.verb = 'Create' and excluded.verb = 'Create'
		returning seq`
	unlistAct = `update act set listed = false where iri = $1`
)

// Act gives an act of ours by its address. NotFound.
func (q questions) Act(ctx context.Context, iri string) (a *node.ActRecord, err error) {
	err = q.on(ctx, func(c *conn) error {
		a, err = scanAct(c.row(actByIRI, iri))
		return err
	})
	return a, sqliteError("read act", iri, err)
}

// Acts lists acts of ours, newest first.
func (q questions) Acts(ctx context.Context, query node.ActQuery) (list []*node.ActRecord, err error) {
	f := &filter{}
	if query.Outbox {
		f.and("listed")
	}
	if query.Object != "" {
		f.and("object = " + f.arg(query.Object))
	}
	if query.Before != 0 {
		f.and("seq < " + f.arg(query.Before))
	}
	order := "desc"
	if query.From != 0 {
		f.and("seq >= " + f.arg(query.From))
		order = "asc"
	}
	text := "select " + actColumns + " from act" + f.where() + " order by seq " + order + " limit " + f.arg(limitOr(query.Limit, 40, 200))
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			a, err := scanAct(r)
			list = append(list, a)
			return err
		}, text, f.args...)
	})
	if query.From != 0 {
		slices.Reverse(list)
	}
	return list, sqliteError("list acts", "", err)
}

// CountOutbox counts what stands in the outbox.
func (q questions) CountOutbox(ctx context.Context) (n int, err error) {
	err = q.on(ctx, func(c *conn) error { return c.row(countOutbox).Scan(&n) })
	return n, sqliteError("count outbox", "", err)
}

// ActBytes gives the bytes of an act of ours, as they are sent. NotFound.
func (q questions) ActBytes(ctx context.Context, seq int64) (raw []byte, err error) {
	err = q.on(ctx, func(c *conn) error { return c.row(actBytes, seq).Scan(&raw) })
	if err == nil && string(raw) == erasedAct {
		err = sql.ErrNoRows
	}
	return raw, sqliteError("read act", fmt.Sprint(seq), err)
}

// SaveAct keeps an act of ours and sets its Seq. A Create that is there already keeps its Seq and
// time and takes the new bytes: the outbox entry stays in its place and carries the object as it is
// now. Exists for any other act that is there already.
func (t tx) SaveAct(_ context.Context, a *node.ActRecord) error {
	const op = "save act"
	raw := a.Raw
	if raw == nil {
		raw = []byte{}
	}
	err := t.c.row(saveAct, a.At.UnixMicro(), a.IRI, string(a.Verb), a.Object, a.Listed, a.Served, ms(a.At), a.By, raw).Scan(&a.Seq)
	err = sqliteError(op, a.IRI, err)
	if node.IsNotFound(err) { // nothing inserted and nothing replaced
		return &node.Error{Op: op, Kind: node.Exists, Subject: a.IRI}
	}
	return err
}

// UnlistAct takes an act out of the outbox; it can still be fetched.
func (t tx) UnlistAct(_ context.Context, iri string) error {
	_, err := t.c.exec(unlistAct, iri)
	return sqliteError("unlist act", iri, err)
}

func scanAct(r rowScanner) (*node.ActRecord, error) {
	var a node.ActRecord
	var at int64
	var queued int
	err := r.Scan(&a.Seq, &a.IRI, &a.Verb, &a.Object, &a.Listed, &a.Served, &at, &a.By, &queued, &a.Reached, &a.Refused, &a.Raw)
	if err != nil {
		return nil, err
	}
	a.At, a.Waiting = timeOf(at), queued-a.Reached-a.Refused
	return &a, nil
}
