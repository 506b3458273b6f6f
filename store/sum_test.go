package store

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// The sum of a database counts as long as nobody writes to the file: a bit that turned is noticed, what a command or an
// older copy brought is not refused (DB-3).
func TestSumOfDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, fileName)
	open(t, Options{Dir: dir, Create: true, Serve: true}).Close()
	if !fileExists(filepath.Join(dir, sumName)) {
		t.Fatal("a stop leaves no sum")
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damage := func(changed time.Time) {
		t.Helper()
		b[len(b)-1] ^= 1
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, changed, changed); err != nil {
			t.Fatal(err)
		}
	}
	damage(info.ModTime())
	if db, err := Open(t.Context(), Options{Dir: dir, Serve: true}); node.KindOf(err) != node.Damaged {
		t.Errorf("a bit that turned: %v, want Damaged", err)
		db.Close()
	}
	damage(info.ModTime()) // back
	beside := open(t, Options{Dir: dir})
	if err := beside.Tx(t.Context(), func(tx node.Tx) error { return tx.SetSetting(t.Context(), "x", "y") }); err != nil {
		t.Fatal(err)
	}
	beside.Close()
	open(t, Options{Dir: dir, Serve: true}).Close() // a command has written since
}
