package store

import (
	"context"

	"github.com/coopnode/coopnode/node"
)

const (
	lastMove = `
		select actor, target, at_ms from moved where actor = $1
		union all
		select actor, target, at_ms from moved where target = $1
		order by at_ms desc
		limit 1`
	saveMove = `
		insert into moved (actor, target, at_ms) values ($1, $2, $3)
		    on conflict (actor) do update set target = excluded.target, at_ms = excluded.at_ms`
)

// LastMove gives the newest move from or to an actor. NotFound.
func (q questions) LastMove(ctx context.Context, actor string) (*node.Moving, error) {
	var m node.Moving
	var at int64
	err := q.on(ctx, func(c *conn) error { return c.row(lastMove, actor).Scan(&m.Actor, &m.Target, &at) })
	if err != nil {
		return nil, sqliteError("read move", actor, err)
	}
	m.At = timeOf(at)
	return &m, nil
}

// SaveMove remembers where an actor moved, in place of an earlier move.
func (t tx) SaveMove(_ context.Context, m *node.Moving) error {
	_, err := t.c.exec(saveMove, m.Actor, m.Target, ms(m.At))
	return sqliteError("save move", m.Actor, err)
}
