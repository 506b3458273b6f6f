package store

import (
	"context"

	"github.com/coopnode/coopnode/node"
)

const (
	passBySum  = `select kind, sum, coalesce(person, ''), expires_ms, by_who from pass where sum = $1`
	savePass   = `insert into pass (kind, sum, person, expires_ms, by_who) values ($1, $2, nullif($3, ''), $4, $5)`
	dropPass   = `delete from pass where sum = $1`
	dropPasses = `
		delete from pass
		 where (person = $1 or $1 = '' and person is null) and (kind = $2 or $2 = '')`
)

// Pass gives the link whose token has this sum, also one whose time is over. NotFound.
func (q questions) Pass(ctx context.Context, sum string) (*node.Pass, error) {
	var p node.Pass
	var expires int64
	err := q.on(ctx, func(c *conn) error {
		return c.row(passBySum, sum).Scan(&p.Kind, &p.Sum, &p.Person, &expires, &p.By)
	})
	if err != nil {
		return nil, sqliteError("read link", "", err)
	}
	p.Expires = timeOf(expires)
	return &p, nil
}

// SavePass keeps a link. Exists for a token that was kept before.
func (t tx) SavePass(_ context.Context, p *node.Pass) error {
	_, err := t.c.exec(savePass, string(p.Kind), p.Sum, p.Person, ms(p.Expires), p.By)
	return sqliteError("save link", "", err)
}

// DropPass forgets a link; it is no error if it is gone.
func (t tx) DropPass(_ context.Context, sum string) error {
	_, err := t.c.exec(dropPass, sum)
	return sqliteError("drop link", "", err)
}

// DropPasses forgets the links of a person, or those of nobody for "", of a kind, or of every kind for "".
func (t tx) DropPasses(_ context.Context, person string, kind node.PassKind) error {
	_, err := t.c.exec(dropPasses, person, string(kind))
	return sqliteError("drop links", person, err)
}
