package store

import (
	"context"
	"time"

	"github.com/coopnode/coopnode/node"
)

const noticeColumns = `id, recipient, kind, about, actor, day, made_ms, due_ms, expires_ms, attempts, state, reason, ended_ms`

const (
	noticeChoices    = `select kind, choice from notice_choice where person = $1`
	saveNoticeChoice = `
		insert into notice_choice (person, kind, choice) values ($1, $2, $3)
		    on conflict (person, kind) do update set choice = excluded.choice`
	// A link is waited for; all else goes in its order.
	dueMail = `
		select ` + noticeColumns + `
		  from notice
		 where state = 'waiting' and due_ms <= $1 and recipient <> 'webhook'
		 order by kind = 'link' desc, due_ms, id
		 limit $2`
	dueWebhook = `
		select ` + noticeColumns + `
		  from notice
		 where state = 'waiting' and due_ms <= $1 and recipient = 'webhook'
		 order by due_ms, made_ms, id
		 limit $2`
	addNotice = `
		insert into notice (id, recipient, person, kind, about, actor, day, made_ms, due_ms, expires_ms, attempts, state, reason, ended_ms)
		values ($1, $2, case when $2 = 'webhook' then null else $2 end, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		    on conflict (recipient, kind, about) do nothing`
	settleNotice = `
		update notice set due_ms = $2, attempts = $3, state = $4, reason = $5, ended_ms = $6,
		       sealed = case when $6 = 0 then sealed else null end
		 where id = $1`
	sealNotice   = `update notice set sealed = $2 where id = $1`
	noticeSecret = `select sealed from notice where id = $1`
	putOff       = ` set attempts = attempts + 1, due_ms = $2, reason = $3
		 where state = 'waiting' and due_ms <= $1`
	putOffMail    = `update notice` + putOff + ` and recipient <> 'webhook'`
	putOffWebhook = `update notice` + putOff + ` and recipient = 'webhook'`
	giveUpNotices = `
		update notice set state = 'given-up', ended_ms = $1, reason = $2, sealed = null
		 where state = 'waiting' and due_ms <= $1 and expires_ms <= $1`
	giveUpMail    = giveUpNotices + ` and recipient <> 'webhook'`
	giveUpWebhook = giveUpNotices + ` and recipient = 'webhook'`
)

// NoticeChoices gives what a person has chosen.
func (q questions) NoticeChoices(ctx context.Context, person string) (map[node.NoticeKind]node.NoticeChoice, error) {
	choices := map[node.NoticeKind]node.NoticeChoice{}
	err := q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			var kind node.NoticeKind
			var choice node.NoticeChoice
			err := r.Scan(&kind, &choice)
			choices[kind] = choice
			return err
		}, noticeChoices, person)
	})
	return choices, sqliteError("read choices", person, err)
}

// SaveNoticeChoice keeps how a person wants to hear of a kind.
func (t tx) SaveNoticeChoice(_ context.Context, person string, kind node.NoticeKind, choice node.NoticeChoice) error {
	_, err := t.c.exec(saveNoticeChoice, person, string(kind), string(choice))
	return sqliteError("save choice", person, err)
}

// Notices lists notices, newest first.
func (q questions) Notices(ctx context.Context, query node.NoticeQuery) ([]*node.Notice, error) {
	f := noticeFilter(query)
	text := "select " + noticeColumns + " from notice" + f.where() + " order by made_ms desc, id limit " + f.arg(limitOr(query.Limit, 40, 1000))
	return q.notices(ctx, text, f.args...)
}

// CountNotices counts the notices that match a query.
func (q questions) CountNotices(ctx context.Context, query node.NoticeQuery) (count int, err error) {
	f := noticeFilter(query)
	err = q.on(ctx, func(c *conn) error { return c.row("select count(*) from notice"+f.where(), f.args...).Scan(&count) })
	return count, sqliteError("count notices", "", err)
}

func noticeFilter(q node.NoticeQuery) *filter {
	f := &filter{}
	for _, e := range [][2]string{{"recipient", q.To}, {"kind", string(q.Kind)}, {"day", q.Day}, {"state", string(q.State)}} {
		if e[1] != "" {
			f.and(e[0] + " = " + f.arg(e[1]))
		}
	}
	if q.Loud {
		f.and("day = ''")
	}
	if !q.Since.IsZero() {
		f.and("made_ms >= " + f.arg(ms(q.Since)))
	}
	return f
}

// DueNotices lists what is due, for persons or for the webhook: links first, then what is due longest.
func (q questions) DueNotices(ctx context.Context, webhook bool, now time.Time, limit int) ([]*node.Notice, error) {
	if webhook {
		return q.notices(ctx, dueWebhook, ms(now), limit)
	}
	return q.notices(ctx, dueMail, ms(now), limit)
}

func (q questions) notices(ctx context.Context, text string, args ...any) (list []*node.Notice, err error) {
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			var t node.Notice
			var made, due, expires, ended int64
			err := r.Scan(&t.ID, &t.To, &t.Kind, &t.About, &t.Actor, &t.Day, &made, &due, &expires, &t.Attempts, &t.State, &t.Reason, &ended)
			t.Made, t.Due, t.Expires, t.Ended = timeOf(made), timeOf(due), timeOf(expires), timeOf(ended)
			list = append(list, &t)
			return err
		}, text, args...)
	})
	return list, sqliteError("list notices", "", err)
}

// AddNotice keeps a notice. One to the same recipient of the same stays as it is.
func (t tx) AddNotice(_ context.Context, n *node.Notice) error {
	_, err := t.c.exec(addNotice, n.ID, n.To, string(n.Kind), n.About, n.Actor, n.Day, ms(n.Made), ms(n.Due), ms(n.Expires),
		n.Attempts, string(n.State), n.Reason, ms(n.Ended))
	return sqliteError("add notice", n.ID, err)
}

// SettleNotice keeps how far a notice has come. One that has ended forgets its secret.
func (t tx) SettleNotice(_ context.Context, n *node.Notice) error {
	_, err := t.c.exec(settleNotice, n.ID, ms(n.Due), n.Attempts, string(n.State), n.Reason, ms(n.Ended))
	return sqliteError("settle notice", n.ID, err)
}

// PutOffNotices puts off all that is due, for persons or for the webhook, and gives up what could not go in time.
func (t tx) PutOffNotices(_ context.Context, webhook bool, now, until time.Time, reason string) error {
	later, never := putOffMail, giveUpMail
	if webhook {
		later, never = putOffWebhook, giveUpWebhook
	}
	_, err := t.c.exec(never, ms(now), reason)
	if err == nil {
		_, err = t.c.exec(later, ms(now), ms(until), reason)
	}
	return sqliteError("put off notices", "", err)
}

// SealNotice gives a notice a secret, sealed (KEY-2).
func (t tx) SealNotice(_ context.Context, id string, secret []byte) error {
	if err := t.seal.catchUp(t.c); err != nil {
		return err
	}
	_, err := t.c.exec(sealNotice, id, t.seal.close(secret, id))
	return sqliteError("seal notice", id, err)
}

// NoticeSecret gives the secret of a notice that waits. NotFound.
func (q questions) NoticeSecret(ctx context.Context, id string) ([]byte, error) {
	return q.unsealed(ctx, noticeSecret, id)
}
