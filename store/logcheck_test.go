package store

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/node"
)

// What changes leave behind that failed with the disk is no damage, and damage before two changes that ended is, even where
// it looks alike (DB-2, DB-3).
func TestCheckLog(t *testing.T) {
	t.Parallel()
	first := t.TempDir()
	db := open(t, Options{Dir: first, Create: true})
	set(t, db, "a", "safe")
	begin := logOf(t, first)
	after := func(pages int) []byte { // the log after one change more
		dir := t.TempDir()
		for _, name := range []string{fileName, keyName} {
			copyInto(t, dir, filepath.Join(first, name))
		}
		if err := os.WriteFile(filepath.Join(dir, fileName+"-wal"), begin, 0o600); err != nil {
			t.Fatal(err)
		}
		db := open(t, Options{Dir: dir})
		set(t, db, "b", strings.Repeat("long", pages*1024))
		log := logOf(t, dir)
		if len(log) <= len(begin) || !bytes.Equal(log[:len(begin)], begin) {
			t.Fatalf("the log did not grow: %d bytes, then %d", len(begin), len(log))
		}
		return log
	}
	long, middle, short := after(40), after(20), after(5)
	left := bytes.Clone(long) // the first two did not become safe, the last one did
	copy(left, middle)
	copy(left, short)
	for _, key := range []string{"c", "d"} {
		set(t, db, key, "safe")
	}
	whole := logOf(t, first)
	damage := func(at int) []byte {
		log := bytes.Clone(whole)
		log[at] ^= 1
		return log
	}
	const page = frameHeader + 4096
	for _, tt := range []struct {
		name    string
		log     []byte
		damaged bool
	}{
		{"whole", whole, false},
		{"left by changes that failed", left, false},
		{"cut in a change that failed", left[:len(middle)+page/2], false},
		{"a bit of a page", damage(len(begin) - page/2), true},
		{"a bit of a sum", damage(len(begin) - page + 20), true},
		{"a bit of the header", damage(17), true},
		{"a bit of the last page", damage(len(whole) - page/2), false}, // as the last change may be when the power fails
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "log")
			if err := os.WriteFile(path, tt.log, 0o600); err != nil {
				t.Fatal(err)
			}
			err := checkLog(path)
			if damaged := node.KindOf(err) == node.Damaged; damaged != tt.damaged || err != nil && !damaged {
				t.Errorf("got %v, want damaged %v", err, tt.damaged)
			}
		})
	}
}

func logOf(t *testing.T, dir string) []byte {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(dir, fileName+"-wal"))
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func copyInto(t *testing.T, dir, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), b, 0o600); err != nil {
		t.Fatal(err)
	}
}
