package main

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
)

// DB-7: a log of the database that somebody holds is complained of above a size, and not below it.
func TestHeldLogIsComplainedOf(t *testing.T) {
	t.Parallel()
	p := newProgram(t, "coopnode", "The mill")
	log := &quietBuffer{}
	a := &app{errOut: log, dataDir: p.dir, env: func(string) (string, bool) { return "", false }}
	cfg, err := a.loadConfig()
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	h, err := a.openStore(ctx, cfg, store.Options{Dir: p.dir}, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer h.db.Close()
	other, err := sql.Open("sqlite", filepath.Join(p.dir, "coopnode.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	reading, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer reading.Rollback()
	var n int
	if err := reading.QueryRow(`select count(*) from setting`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	if err := h.Store().Tx(ctx, func(tx node.Tx) error { return tx.SetSetting(ctx, "a", strings.Repeat("long", 1<<18)) }); err != nil {
		t.Fatal(err)
	}
	trimLog(ctx, h, 1<<10, 1<<30)
	if log.String() != "" {
		t.Errorf("complained below the size: %s", log)
	}
	trimLog(ctx, h, 1<<10, 1<<19)
	if !strings.Contains(log.String(), "holds it") {
		t.Errorf("no complaint: %s", log)
	}
}
