package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/coopnode/coopnode/node"
)

const (
	// A letter whose id has been handled is not kept again, except what may count again (node.Receive
	// decides) and was not undone. The number is a time in microseconds that always grows.
	keepLetter = `
		insert into letter (seq, iri, actor, host, object, verb, received_ms, raw)
		select case when m.last >= $1 then m.last + 1 else $1 end, $2, $3, $4, $5, $6, $7, $8
		  from (select coalesce((select max(seq) from letter), 0) as last) m
		 where not exists (select 1 from seen s where s.iri = $2 and ($6 not in ('Follow', 'Undo', 'Accept', 'Reject') or s.undone))
		    on conflict (iri) do nothing
		returning seq`
	letters = `
		select l.seq, l.iri, l.actor, l.host, l.object, l.verb, l.raw, l.received_ms, l.attempts, l.not_before_ms
		  from letter l
		 where l.seq > $1 and l.not_before_ms <= $2 and l.host not in (''%s)
		   and not exists (select 1 from letter e
		                    where e.host = l.host and e.object = l.object and e.object <> '' and e.seq < l.seq
		                      and e.not_before_ms > 0 and e.not_before_ms > $2)
		 order by l.seq
		 limit $3`
	putOffLetter = `update letter set attempts = attempts + 1, not_before_ms = $2, reason = $3 where seq = $1`
	dropLetter   = `delete from letter where seq = $1`

	seen     = `select undone from seen where iri = $1`
	markSeen = `
		insert into seen (iri, actor, undone, at_ms) values ($1, $2, $3, $4)
		    on conflict (iri) do update set undone = seen.undone or excluded.undone, at_ms = excluded.at_ms
		       where seen.actor = excluded.actor`
)

// KeepLetter stores a letter and sets its Seq, which is greater than that of any letter before, also
// of those that are handled and gone; false if one with its id waits here or has been
// handled. A repeated id changes nothing, whatever its body.
func (t tx) KeepLetter(_ context.Context, l *node.Letter) (bool, error) {
	raw := l.Raw
	if raw == nil {
		raw = []byte{}
	}
	number := max(l.Received.UnixMicro(), *t.lastLetter+1)
	err := t.c.row(keepLetter, number, l.IRI, l.Actor, l.Host, l.Object, l.Verb, ms(l.Received), raw).Scan(&l.Seq)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	*t.lastLetter = max(*t.lastLetter, l.Seq)
	return err == nil, sqliteError("keep letter", l.IRI, err)
}

// Letters lists letters to be handled now, in order of arrival, after the one numbered after, leaving out
// the hosts of without. A letter that was put off holds back later ones of its host about the
// same object (decisions 23).
func (q questions) Letters(ctx context.Context, now time.Time, after int64, without []string, limit int) (list []*node.Letter, err error) {
	args := []any{after, ms(now), limit}
	var hosts strings.Builder
	for _, host := range without {
		args = append(args, host)
		fmt.Fprintf(&hosts, ", $%d", len(args))
	}
	text := fmt.Sprintf(letters, hosts.String())
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			var l node.Letter
			var received, notBefore int64
			err := r.Scan(&l.Seq, &l.IRI, &l.Actor, &l.Host, &l.Object, &l.Verb, &l.Raw, &received, &l.Attempts, &notBefore)
			l.Received, l.NotBefore = timeOf(received), timeOf(notBefore)
			list = append(list, &l)
			return err
		}, text, args...)
	})
	return list, sqliteError("list letters", "", err)
}

// PutOffLetter leaves a letter alone until then and counts an attempt.
func (t tx) PutOffLetter(_ context.Context, seq int64, until time.Time, reason string) error {
	_, err := t.c.exec(putOffLetter, seq, ms(until), reason)
	return sqliteError("put off letter", fmt.Sprint(seq), err)
}

// DropLetter removes a letter that has been handled; it is no error if it is gone.
func (t tx) DropLetter(_ context.Context, seq int64) error {
	_, err := t.c.exec(dropLetter, seq)
	return sqliteError("drop letter", fmt.Sprint(seq), err)
}

// Seen says whether the act with this id has been handled, and whether it has been taken back.
func (q questions) Seen(ctx context.Context, iri string) (was, undone bool, err error) {
	err = q.on(ctx, func(c *conn) error { return c.row(seen, iri).Scan(&undone) })
	if errors.Is(err, sql.ErrNoRows) {
		return false, false, nil
	}
	return err == nil, undone, sqliteError("look up act", iri, err)
}

// MarkSeen remembers an id for 90 days. What was taken back stays so. An id that another actor
// used first stays that actor's.
func (t tx) MarkSeen(_ context.Context, iri, actor string, undone bool, at time.Time) error {
	_, err := t.c.exec(markSeen, iri, actor, undone, ms(at))
	return sqliteError("remember act", iri, err)
}
