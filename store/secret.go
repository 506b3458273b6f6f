package store

import (
	"context"

	"github.com/coopnode/coopnode/node"
)

const (
	secretOf   = `select sealed from secret where id = $1`
	saveSecret = `
		insert into secret (id, sealed) values ($1, $2)
		    on conflict (id) do update set sealed = excluded.sealed`
	dropSecret = `delete from secret where id = $1`
)

// Secret gives a secret, unsealed. NotFound; Damaged if the master key does not open it.
func (q questions) Secret(ctx context.Context, id string) ([]byte, error) {
	return q.unsealed(ctx, secretOf, id)
}

// unsealed opens what a query gives for the row id.
func (q questions) unsealed(ctx context.Context, query, id string) ([]byte, error) {
	var sealed []byte
	err := q.on(ctx, func(c *conn) error { return c.row(query, id).Scan(&sealed) })
	if err != nil {
		return nil, sqliteError("read secret", id, err)
	}
	if sealed == nil {
		return nil, &node.Error{Op: "read secret", Kind: node.NotFound, Subject: id}
	}
	secret, err := q.seal.open(sealed, id)
	return secret, sealError(id, err)
}

// SaveSecret keeps a secret, sealed (KEY-2), in place of the one that was there.
func (t tx) SaveSecret(_ context.Context, id string, secret []byte) error {
	if err := t.seal.catchUp(t.c); err != nil {
		return err
	}
	_, err := t.c.exec(saveSecret, id, t.seal.close(secret, id))
	return sqliteError("save secret", id, err)
}

// DropSecret forgets a secret; it is no error if there is none.
func (t tx) DropSecret(_ context.Context, id string) error {
	_, err := t.c.exec(dropSecret, id)
	return sqliteError("drop secret", id, err)
}
