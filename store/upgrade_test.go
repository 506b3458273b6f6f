package store_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
	"github.com/coopnode/coopnode/store/storetest"
	"github.com/pressly/goose/v3"
)

// TestStoreUpgraded: a database that was made by the first step alone keeps every promise after the others (DB-5).
func TestStoreUpgraded(t *testing.T) {
	first, err := os.ReadFile("schema/0001_first.sql")
	must(t, err)
	storetest.Run(t, func(tb testing.TB) node.Store {
		dir := tb.TempDir()
		db, err := sql.Open("sqlite", filepath.Join(dir, "coopnode.db"))
		if err == nil {
			var p *goose.Provider
			if p, err = goose.NewProvider(goose.DialectSQLite3, db, fstest.MapFS{"0001_first.sql": {Data: first}}); err == nil {
				_, err = p.Up(tb.Context())
			}
			db.Close()
		}
		if err != nil {
			tb.Fatal(err)
		}
		s, err := store.Open(tb.Context(), store.Options{Dir: dir, Create: true})
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { s.Close() })
		return s
	})
}
