package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/coopnode/coopnode/node"
)

const (
	// A remark r that our people can see; of each conversation the newest of those asked for.
	seenRemark     = `o.id = r.object and o.deleted_ms = 0 and o.hidden = 0`
	remarksOf      = ` from remark r join object o on ` + seenRemark
	newestRemark   = `not exists (select 1 from remark n join object p on p.id = n.object and p.deleted_ms = 0 and p.hidden = 0 where n.thread = r.thread and n.seq > r.seq`
	countThread    = `select count(*), count(case when r.state = 'unread' then 1 end)` + remarksOf + ` where r.thread = $1`
	newestInThread = `
		select r.why, r.state, r.at_ms, w.data,` + objectColumns + remarksOf + `
		  left join actor w on w.iri = o.actor
		 where r.thread = $1
		 order by r.seq desc
		 limit $2`
	saveRemark = `
		insert into remark (object, thread, why, state, at_ms, seq)
		select o.id, $2, $3, $4, $5, m.last + 1
		  from object o, (select coalesce((select max(seq) from remark), 0) as last) m
		 where o.iri = $1
		    on conflict (object) do nothing`
	joinRemarks = `update remark set thread = $2 where thread = $1`
)

// maxRemarks is how many remarks of one conversation are read with it.
const maxRemarks = 20

// Conversations lists the threads with remarks that match q, newest first; what its author has deleted
// does not count.
func (q questions) Conversations(ctx context.Context, query node.ConversationQuery) (list []*node.Conversation, err error) {
	err = q.on(ctx, func(c *conn) error {
		text, args := conversations(query)
		err := c.each(func(r rowScanner) error {
			var t node.Conversation
			var at int64
			err := r.Scan(&t.Root, &t.Seq, &at)
			t.Latest = timeOf(at)
			list = append(list, &t)
			return err
		}, text, args...)
		if err != nil {
			return err
		}
		for _, t := range list {
			if err := c.fillConversation(t); err != nil {
				return err
			}
		}
		return nil
	})
	return list, sqliteError("list conversations", "", err)
}

// conversations is the question of Conversations.
func conversations(query node.ConversationQuery) (string, []any) {
	f := &filter{}
	newest := newestRemark
	if query.State != "" {
		state := f.arg(string(query.State))
		f.and("r.state = " + state)
		newest += " and n.state = " + state
	}
	if query.Thread != "" {
		f.and("r.thread = " + f.arg(query.Thread))
	}
	if query.Before != 0 {
		f.and("r.seq < " + f.arg(query.Before))
	}
	f.and(newest + ")")
	return "select r.thread, r.seq, r.at_ms" + remarksOf + f.where() + " order by r.seq desc limit " + f.arg(limitOr(query.Limit, 40, 200)), f.args
}

// fillConversation reads what stands in a conversation.
func (c *conn) fillConversation(t *node.Conversation) error {
	if err := c.row(countThread, t.Root).Scan(&t.Count, &t.Unread); err != nil {
		return err
	}
	var err error
	if t.Subject, err = scanObject(c.row(objectByIRI, t.Root)); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if t.Subject != nil && t.Subject.Common().Moderation == node.SeverityReject { // MOD-3
		t.Subject = nil
	}
	return c.each(func(r rowScanner) error {
		m, err := scanRemark(r)
		t.Remarks = append([]*node.Remark{m}, t.Remarks...)
		return err
	}, newestInThread, t.Root, maxRemarks)
}

func scanRemark(r rowScanner) (*node.Remark, error) {
	var m node.Remark
	var at int64
	var author []byte
	var err error
	if m.Object, err = scanObject(r, &m.Why, &m.State, &at, &author); err != nil {
		return nil, err
	}
	m.At = timeOf(at)
	if author != nil {
		if err := json.Unmarshal(author, &m.Author); err != nil {
			return nil, damaged("list conversations", m.Object.Common().IRI, err)
		}
	}
	return &m, nil
}

// CountRemarks counts the remarks that match q.
func (q questions) CountRemarks(ctx context.Context, query node.RemarkQuery) (n int, err error) {
	f := remarkFilter(query)
	err = q.on(ctx, func(c *conn) error {
		return c.row("select count(*)"+remarksOf+f.where(), f.args...).Scan(&n)
	})
	return n, sqliteError("count remarks", "", err)
}

func remarkFilter(q node.RemarkQuery) *filter {
	f := &filter{}
	if q.Object != "" {
		f.and("r.object = (select id from object where iri = " + f.arg(q.Object) + ")")
	}
	if q.Thread != "" {
		f.and("r.thread = " + f.arg(q.Thread))
	}
	if q.State != "" {
		f.and("r.state = " + f.arg(string(q.State)))
	}
	return f
}

// SaveRemark keeps that a post, which is here, concerns us. One that is there already stays as it is.
func (t tx) SaveRemark(_ context.Context, r *node.Remark, thread string) error {
	iri := r.Object.Common().IRI
	_, err := t.c.exec(saveRemark, iri, thread, string(r.Why), string(r.State), ms(r.At))
	return sqliteError("save remark", iri, err)
}

// MarkRemarks sets the state of the remarks that match q, and returns how many it changed.
func (t tx) MarkRemarks(_ context.Context, q node.RemarkQuery, to node.Attention) (int, error) {
	f := remarkFilter(q)
	state := f.arg(string(to))
	f.and("r.state <> " + state)
	n, err := t.c.exec("update remark as r set state = "+state+f.where(), f.args...)
	return int(n), sqliteError("mark remarks", q.Object, err)
}
