package storetest

import (
	"testing"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
)

// Open gives tests of other rooms a fresh store in a temporary folder. It is closed when the test ends.
func Open(tb testing.TB) node.Store {
	tb.Helper()
	db, err := store.Open(tb.Context(), store.Options{Dir: tb.TempDir(), Create: true})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Errorf("close store: %v", err)
		}
	})
	return db
}
