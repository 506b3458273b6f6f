package store

import (
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// What is remembered of other servers ends 90 days after their last good answer, unless letters wait for them.
func TestIdlePeersAreForgotten(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	old, young := ms(noon.Add(-91*24*time.Hour)), ms(noon.Add(-89*24*time.Hour))
	err := db.writer.do(t.Context(), func(c *conn) error {
		for _, p := range []struct {
			host string
			due  any
			ok   int64
		}{{"idle.example", nil, old}, {"never.example", nil, 0}, {"recent.example", nil, young}, {"waiting.example", old, old}} {
			if _, err := c.exec(`insert into peer (host, due_ms, failures, reason, last_ok_ms) values ($1, $2, 9, 'no answer', $3)`, p.host, p.due, p.ok); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = db.Tx(t.Context(), func(tx node.Tx) error { return tx.Sweep(t.Context(), noon) })
	}
	if err != nil {
		t.Fatal(err)
	}
	left := names(t, db, `select host from peer`)
	if len(left) != 2 || !left["recent.example"] || !left["waiting.example"] {
		t.Errorf("remembered are %v", left)
	}
}
