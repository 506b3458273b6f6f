package store

import (
	"context"

	"github.com/coopnode/coopnode/node"
)

// The number is a time in microseconds that always grows; no clock is asked here.
const noteAudit = `
		insert into audit (seq, at_ms, person, name, action, subject, text)
		select case when m.last >= $1 then m.last + 1 else $1 end, $2, $3, $4, $5, $6, $7
		  from (select coalesce((select max(seq) from audit), 0) as last) m
		returning seq`

// AuditEntries lists what was done, newest first.
func (q questions) AuditEntries(ctx context.Context, query node.AuditQuery) (list []*node.AuditEntry, err error) {
	text, args := auditEntries(query)
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			var e node.AuditEntry
			var at int64
			err := r.Scan(&e.Seq, &at, &e.Person, &e.Name, &e.Action, &e.Subject, &e.Text)
			e.At = timeOf(at)
			list = append(list, &e)
			return err
		}, text, args...)
	})
	return list, sqliteError("read audit log", "", err)
}

// auditEntries is the question of AuditEntries.
func auditEntries(query node.AuditQuery) (string, []any) {
	f := &filter{}
	if query.Person != "" {
		f.and("person <> '' and person = " + f.arg(query.Person))
	}
	if query.Before != 0 {
		f.and("seq < " + f.arg(query.Before))
	}
	return "select seq, at_ms, person, name, action, subject, text from audit" + f.where() +
		" order by seq desc limit " + f.arg(limitOr(query.Limit, 40, 200)), f.args
}

// NoteAudit keeps an entry and sets its Seq.
func (t tx) NoteAudit(_ context.Context, e *node.AuditEntry) error {
	err := t.c.row(noteAudit, e.At.UnixMicro(), ms(e.At), e.Person, e.Name, e.Action, e.Subject, e.Text).Scan(&e.Seq)
	return sqliteError("note in audit log", e.Action, err)
}
