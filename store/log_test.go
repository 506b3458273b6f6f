package store

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The write-ahead log is moved into the database as far as nobody reads from it, and what is held is told (DB-7).
func TestTrimLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, Options{Dir: dir, Create: true})
	const most = 1 << 20
	other, err := sql.Open("sqlite", dsn(filepath.Join(dir, fileName), true))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	reading, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reading.QueryRow(`select count(*) from setting`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("long", most/4)
	for _, key := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		set(t, db, key, long)
	}
	if held, err := db.TrimLog(t.Context(), 1<<40); err != nil || held != 0 {
		t.Errorf("a log below the bound: %d bytes held, %v", held, err)
	}
	held, err := db.TrimLog(t.Context(), most)
	if err != nil || held < most {
		t.Errorf("beside one who reads: %d bytes held, %v", held, err)
	}
	if err := reading.Rollback(); err != nil {
		t.Fatal(err)
	}
	if held, err := db.TrimLog(t.Context(), most); err != nil || held != 0 {
		t.Errorf("after the end of one who read: %d bytes held, %v", held, err)
	}
	before, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil || strings.Count(string(before), long[:4000]) < 8 {
		t.Errorf("what was written is not in the database itself (%v)", err)
	}
	set(t, db, "i", "short")
	info, err := os.Stat(filepath.Join(dir, fileName+"-wal"))
	if err != nil || info.Size() > 64<<20 {
		t.Errorf("the log: %v, %v", info, err)
	}
}
