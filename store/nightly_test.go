package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// Of a year of nights seven days stay and four weeks before them, whichever day it is; backups made by hand and those of other
// nodes are left alone.
func TestNightliesStay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	others := []string{"a.example-20270101-030000.tar.gz", NightlyName("b.example", noon), "a.example-nightly-notes.txt", NightlyName("a.example", noon) + ".sha256"}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for day := range 400 {
		at := noon.AddDate(0, 0, day)
		for _, name := range []string{NightlyName("a.example", at),
			NightlyName("a.example", at) + unfinished, NightlyName("a.example", at) + ".123" + unfinished,
			ScratchOf(NightlyName("a.example", at)), ScratchOf(NightlyName("a.example", at)) + unfinished} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := ThinNightlies(dir, "a.example"); err != nil {
			t.Fatal(err)
		}
		list, err := Nightlies(dir, "a.example")
		if err != nil {
			t.Fatal(err)
		}
		if want := min(day+1, 7); len(list) < want || len(list) > 11 || day > 40 && len(list) != 11 {
			t.Fatalf("after %d days %d stay", day+1, len(list))
		}
		for i := range min(day+1, 7) {
			if !list[i].Made.Equal(at.AddDate(0, 0, -i)) {
				t.Fatalf("after %d days that of %s is gone", day+1, at.AddDate(0, 0, -i))
			}
		}
		if oldest := at.Sub(list[len(list)-1].Made); day > 40 && oldest < 27*24*time.Hour {
			t.Fatalf("after %d days the oldest is of %s ago", day+1, oldest)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 11+len(others) {
		t.Errorf("%d files are there: %v", len(entries), entries)
	}
	for _, name := range others {
		if !fileExists(filepath.Join(dir, name)) {
			t.Errorf("%s is gone", name)
		}
	}
}

// A trial says so when a restored backup lacks a row, a picture or the keys, and it leaves nothing behind.
func TestTrial(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db := furnished(t)
	path := backup(t, db, false)
	if err := db.TryRestore(ctx, path); err != nil {
		t.Fatal(err)
	}
	set(t, db, "later", "1") // what comes after the backup does not matter
	if err := db.TryRestore(ctx, path); err != nil {
		t.Fatal(err)
	}
	if fileExists(filepath.Join(db.shelf.dir, trialName)) {
		t.Error("the scratch folder is still there")
	}
	other := open(t, Options{})
	if err := other.Tx(ctx, func(tx node.Tx) error {
		return tx.SaveOwnKey(ctx, &node.OwnKey{ID: "https://a.example/ap/coop#main-key", PKCS8: []byte("another secret")})
	}); err != nil {
		t.Fatal(err)
	}
	wantError(t, "of another node", db.TryRestore(ctx, backup(t, other, true)), node.Damaged, "keys are not those of this node")
	if err := os.WriteFile(path, []byte("no backup"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantError(t, "damaged", db.TryRestore(ctx, path), node.Damaged, "is damaged")

	dir := filepath.Join(t.TempDir(), "back")
	m, err := Restore(ctx, backup(t, db, true), RestoreOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.sameAs(ctx, dir, m); err != nil {
		t.Fatal(err)
	}
	m.Rows["own_key"]++
	if err := db.sameAs(ctx, dir, m); err == nil || !strings.Contains(err.Error(), "1 rows of own_key are there, not 2") {
		t.Errorf("with a row too few: %v", err)
	}
	m.Rows["own_key"]--
	if err := os.Remove(filepath.Join(dir, shelfName, pictureName)); err != nil {
		t.Fatal(err)
	}
	if err := db.sameAs(ctx, dir, m); err == nil || !strings.Contains(err.Error(), "0 pictures are there, not 1") {
		t.Errorf("without its picture: %v", err)
	}
}

// A copy is the same file; where it cannot be made nothing is left.
func TestCopyBackup(t *testing.T) {
	t.Parallel()
	path, dir := backup(t, furnished(t), true), t.TempDir()
	if err := CopyBackup(t.Context(), path, dir); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, filepath.Base(path)))
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("the copy is another file (%v)", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	empty := t.TempDir()
	if err := CopyBackup(gone, path, empty); !errors.Is(err, context.Canceled) {
		t.Errorf("told to stop: %v", err)
	}
	if list, err := os.ReadDir(empty); err != nil || len(list) != 0 {
		t.Errorf("left behind: %v, %v", list, err)
	}
	wantError(t, "into nowhere", CopyBackup(t.Context(), path, filepath.Join(dir, "none")), node.NotFound, "There is no")
}

func TestRoomForBackup(t *testing.T) {
	t.Parallel()
	db := furnished(t)
	if err := db.RoomForBackup(db.shelf.dir); err != nil {
		t.Error(err)
	}
	free, err := FreeSpace(db.shelf.dir)
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, "too little room", wantRoom("make backup", db.shelf.dir, free), node.Unavailable, "too little room for a backup")
	_, err = FreeSpace(filepath.Join(db.shelf.dir, "none"))
	wantError(t, "no folder", err, node.NotFound, "There is no")
}

// Two processes do not make the nightly backup of one node at once.
func TestOneBackupAtATime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	free, err := LockBackups(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = LockBackups(dir)
	wantError(t, "twice", err, node.Busy, "makes a backup")
	free()
	if free, err = LockBackups(dir); err != nil {
		t.Fatal(err)
	}
	free()
}

// The check of the whole database sees what the check at the start does not: an index that lacks a row, and a row that points
// nowhere (DB-3).
func TestCheckWhole(t *testing.T) {
	t.Parallel()
	db := furnished(t)
	if err := db.CheckWhole(t.Context()); err != nil {
		t.Fatal(err)
	}
	damage := func(statements ...string) {
		t.Helper()
		err := db.writer.peek(t.Context(), func(c *conn) error {
			for _, s := range statements {
				if _, err := c.exec(s); err != nil {
					return fmt.Errorf("%s: %w", s, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	damage(`pragma foreign_keys = off`, `insert into object_tag values ('bread', 'nobodyhome')`, `pragma foreign_keys = on`)
	wantError(t, "a row that points nowhere", db.CheckWhole(t.Context()), node.Damaged, "is damaged")
	damage(`delete from object_tag`)
	if err := db.CheckWhole(t.Context()); err != nil {
		t.Fatal(err)
	}
	// A row that is in the table alone: the index, as it was then, had no place for it.
	post := &node.Post{Base: node.Base{ID: "aaaaaaaaaa", IRI: "https://a.example/1", Type: node.TypePost}}
	if err := db.Tx(t.Context(), func(tx node.Tx) error { return tx.SaveObject(t.Context(), post) }); err != nil {
		t.Fatal(err)
	}
	damage(`pragma writable_schema = on`, `update sqlite_master set sql = replace(sql, 'where url', 'where ''x'' || url') where name = 'object_url'`, `pragma writable_schema = reset`)
	if err := quickCheck(t.Context(), db.path); err != nil {
		t.Errorf("the quick check sees it too: %v", err)
	}
	wantError(t, "an index without a row", db.CheckWhole(t.Context()), node.Damaged, "is damaged")
}
