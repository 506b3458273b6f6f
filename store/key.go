package store

import (
	"context"

	"github.com/coopnode/coopnode/node"
)

const (
	ownKeys = `
		select id, sealed, made_ms, replaced_ms, last_act
		  from own_key
		 order by replaced_ms = 0 desc, made_ms desc, id`
	ownKeyIDs  = `select id from own_key order by replaced_ms = 0 desc, made_ms desc, id`
	saveOwnKey = `
		insert into own_key (id, sealed, made_ms, replaced_ms, last_act) values ($1, $2, $3, $4, $5)
		    on conflict (id) do update set
		       sealed = excluded.sealed, made_ms = excluded.made_ms,
		       replaced_ms = excluded.replaced_ms, last_act = excluded.last_act`
	dropOwnKey   = `delete from own_key where id = $1`
	countOwnKeys = `select count(*) from own_key`
)

// OwnKeys lists our private keys, unsealed, the one that signs first. Damaged if the master key does not open one.
func (q questions) OwnKeys(ctx context.Context) (list []*node.OwnKey, err error) {
	const op = "read own keys"
	sealed := map[string][]byte{}
	err = q.on(ctx, func(c *conn) error {
		list = nil
		return c.each(func(r rowScanner) error {
			var k node.OwnKey
			var secret []byte
			var made, replaced int64
			err := r.Scan(&k.ID, &secret, &made, &replaced, &k.LastAct)
			k.Made, k.Replaced = timeOf(made), timeOf(replaced)
			list, sealed[k.ID] = append(list, &k), secret
			return err
		}, ownKeys)
	})
	if err != nil {
		return nil, sqliteError(op, "", err)
	}
	for _, k := range list {
		if k.PKCS8, err = q.seal.open(sealed[k.ID], k.ID); err != nil {
			return nil, sealError(k.ID, err)
		}
	}
	return list, nil
}

// OwnKeyIDs lists the ids of OwnKeys, in their order. It is asked before each signature.
func (q questions) OwnKeyIDs(ctx context.Context) (ids []string, err error) {
	err = q.on(ctx, func(c *conn) error {
		ids = nil
		return c.each(func(r rowScanner) error {
			var id string
			err := r.Scan(&id)
			ids = append(ids, id)
			return err
		}, ownKeyIDs)
	})
	return ids, sqliteError("read own keys", "", err)
}

// SaveOwnKey keeps a private key, sealed (KEY-2), in place of what was known of it.
func (t tx) SaveOwnKey(_ context.Context, k *node.OwnKey) error {
	if err := t.seal.catchUp(t.c); err != nil {
		return err
	}
	_, err := t.c.exec(saveOwnKey, k.ID, t.seal.close(k.PKCS8, k.ID), ms(k.Made), ms(k.Replaced), k.LastAct)
	return sqliteError("save own key", k.ID, err)
}

// DropOwnKey forgets a private key.
func (t tx) DropOwnKey(_ context.Context, id string) error {
	_, err := t.c.exec(dropOwnKey, id)
	return sqliteError("drop own key", id, err)
}
