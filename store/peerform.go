package store

import (
	"context"

	"github.com/coopnode/coopnode/node"
)

const (
	peerForm     = `select form, since_ms, knocked_ms from peer_form where host = $1`
	savePeerForm = `
		insert into peer_form (host, form, since_ms, knocked_ms) values ($1, $2, $3, $4)
		    on conflict (host) do update set
		       form = excluded.form, since_ms = excluded.since_ms, knocked_ms = excluded.knocked_ms`
)

// PeerForm is what was learned of the form of signature that a peer wants; the zero value if nothing was.
func (q questions) PeerForm(ctx context.Context, host string) (node.PeerForm, error) {
	var f node.PeerForm
	var since, knocked int64
	err := q.on(ctx, func(c *conn) error { return c.row(peerForm, host).Scan(&f.Form, &since, &knocked) })
	if err = sqliteError("read form of signatures", host, err); node.IsNotFound(err) {
		return node.PeerForm{}, nil
	}
	f.Host, f.Since, f.Knocked = host, timeOf(since), timeOf(knocked)
	return f, err
}

// SavePeerForm keeps what was learned, in place of what was known.
func (t tx) SavePeerForm(_ context.Context, f node.PeerForm) error {
	_, err := t.c.exec(savePeerForm, f.Host, f.Form, ms(f.Since), ms(f.Knocked))
	return sqliteError("save form of signatures", f.Host, err)
}
