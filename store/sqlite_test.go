package store

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/coopnode/coopnode/node"
)

// open opens a fresh database in a temporary folder.
func open(t *testing.T, opt Options) *DB {
	t.Helper()
	if opt.Dir == "" {
		opt.Dir, opt.Create = t.TempDir(), true
	}
	db, err := Open(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// wantRefused opens a database that must not open.
func wantRefused(t *testing.T, opt Options, kind node.Kind, words string) {
	t.Helper()
	db, err := Open(t.Context(), opt)
	if err == nil {
		db.Close()
		t.Fatalf("opened, want an error with %q", words)
	}
	if node.KindOf(err) != kind || !strings.Contains(node.TextOf(err), words) {
		t.Errorf("got kind %d, text %q (%v), want kind %d, text with %q", node.KindOf(err), node.TextOf(err), err, kind, words)
	}
}

func set(t *testing.T, db *DB, key, value string) {
	t.Helper()
	err := db.Tx(t.Context(), func(tx node.Tx) error { return tx.SetSetting(t.Context(), key, value) })
	if err != nil {
		t.Fatal(err)
	}
}

// Each pragma of security.md 11 is on, on every connection: commits are safe on disk (DB-2), the log is cut (DB-7).
func TestPragmas(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	want := map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000",
		"trusted_schema": "0", "cell_size_check": "1", "secure_delete": "1", "query_only": "1",
		"journal_size_limit": "67108864",
	}
	look := func(c *conn) error {
		for name, value := range want {
			var got string
			if err := c.row("pragma " + name).Scan(&got); err != nil {
				return err
			}
			if got != value {
				t.Errorf("%s = %s, want %s", name, got, value)
			}
		}
		return nil
	}
	if len(db.pool.all) != 4 {
		t.Errorf("%d readers, want 4", len(db.pool.all))
	}
	for _, c := range db.pool.all {
		if err := look(c); err != nil {
			t.Error(err)
		}
	}
	want["query_only"] = "0"
	if err := db.writer.peek(t.Context(), look); err != nil {
		t.Error(err)
	}
}

// The folder is free at once, also while a child that was just started still has our files (DB-4).
func TestUnlockBesideAChild(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := lockFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	childs, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(childs)
	unlockFile(f)
	again, err := lockFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	unlockFile(again)
}

// A second serving process is refused and touches nothing; ordinary commands are not (DB-4).
func TestSecondServe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := open(t, Options{Dir: dir, Create: true, Serve: true})
	wantRefused(t, Options{Dir: dir, Serve: true}, node.Busy, "uses the data in")
	beside := open(t, Options{Dir: dir})
	set(t, beside, "a", "1")
	first.Close()
	open(t, Options{Dir: dir, Serve: true})
}

func TestNoDatabase(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "none")
	wantRefused(t, Options{Dir: dir}, node.NotFound, "coopnode init")
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("something was made in %s", dir)
	}
}

// Files of a new node can be read by its owner alone.
func TestFileModes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, Options{Dir: dir, Create: true, Serve: true})
	set(t, db, "a", "1")
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 5 { // database, log, index of the log, key, lock
		t.Errorf("%d files, want 5", len(files))
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o, want 600", f.Name(), info.Mode().Perm())
		}
	}
}

// A damaged database is refused and stays as it is (DB-3).
func TestDamaged(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		damage func([]byte) []byte
	}{
		{"no database at all", func(b []byte) []byte { return []byte(strings.Repeat("not a database ", 1000)) }},
		{"pages overwritten", func(b []byte) []byte {
			for i := 2 * 4096; i+100 < len(b); i += 4096 {
				copy(b[i:i+100], strings.Repeat("x", 100))
			}
			return b
		}},
		{"a value cut off, which only the check tells", func(b []byte) []byte {
			for i := 0; i < len(b); i += 4096 { // a page of a long value begins with the number of the next
				if bytes.Contains(b[i+4:i+40], []byte("longlong")) {
					copy(b[i:i+4], []byte{0, 0, 0, 0})
					break
				}
			}
			return b
		}},
		{"cut in the middle", func(b []byte) []byte { return b[:len(b)/2/4096*4096] }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			db := open(t, Options{Dir: dir, Create: true})
			set(t, db, "a", strings.Repeat("long", 10_000))
			db.Close()
			path := filepath.Join(dir, fileName)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			b = tt.damage(b)
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			wantRefused(t, Options{Dir: dir, Serve: true}, node.Damaged, "damaged")
			after, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if string(after) != string(b) {
				t.Error("the file was changed")
			}
		})
	}
}

// What cannot be read now is not called damaged (DB-3, DB-6).
func TestCheckCannotRead(t *testing.T) {
	t.Parallel()
	err := quickCheck(t.Context(), filepath.Join(t.TempDir(), "none", fileName))
	if node.KindOf(err) != node.Unavailable {
		t.Errorf("got %v, want Unavailable", err)
	}
}

// A schema that this program does not know yet is refused (DB-5).
func TestNewerSchema(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, Options{Dir: dir, Create: true})
	err := db.writer.do(t.Context(), func(c *conn) error {
		_, err := c.exec("insert into goose_db_version (version_id, is_applied) values (999, true)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	wantRefused(t, Options{Dir: dir}, node.Invalid, "newer coopnode")
	wantRefused(t, Options{Dir: dir, Serve: true}, node.Invalid, "newer coopnode")
}

// A program that was killed while it made the database is tried again and completes it (DB-5).
func TestHalfMade(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, fileName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	db := open(t, Options{Dir: dir, Create: true, Serve: true})
	set(t, db, "a", "1")
}

// Several commands may come at once to a new folder: one makes the schema, the others find it or are told to wait.
func TestOpenAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			db, err := Open(t.Context(), Options{Dir: dir, Create: true})
			if err == nil {
				err = db.Close()
			}
			if err != nil && node.KindOf(err) != node.Busy {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	set(t, open(t, Options{Dir: dir}), "a", "1")
}

// Another process commits: Generation changes. Our own commits do not change it (decisions 34).
func TestGeneration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, Options{Dir: dir, Create: true})
	other := open(t, Options{Dir: dir})
	look := func(what string, want bool) {
		t.Helper()
		before := db.Generation()
		got, err := db.Changed(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got != want || (db.Generation() != before) != want {
			t.Errorf("%s: changed %t, generation %d after %d, want change %t", what, got, db.Generation(), before, want)
		}
	}
	look("at first", false)
	set(t, db, "a", "1")
	look("own commit", false)
	set(t, other, "a", "2")
	look("foreign commit", true)
	look("looked again", false)
	set(t, db, "a", "3")
	set(t, other, "a", "4")
	set(t, db, "a", "5")
	look("both", true)
	if _, err := other.Setting(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	look("foreign read", false)
}

// Text that was deleted cannot be found in the files any more (GDPR-3).
func TestErased(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const secret = "A-TEXT-THAT-MUST-GO"
	db := open(t, Options{Dir: dir, Create: true})
	p := &node.Post{Base: node.Base{ID: "aaaaaaaaaa", IRI: "https://a.example/1", Type: node.TypePost, Raw: []byte(strings.Repeat(secret, 500)),
		Texts: []node.Text{{HTML: secret}}, Tags: []string{secret}}}
	save := func() {
		t.Helper()
		if err := db.Tx(t.Context(), func(tx node.Tx) error { return tx.SaveObject(t.Context(), p) }); err != nil {
			t.Fatal(err)
		}
	}
	found := func() bool {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, fileName))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(strings.ToUpper(string(b)), secret)
	}
	save()
	db.Close()
	if !found() {
		t.Fatal("the text was not in the file that was looked at")
	}
	db = open(t, Options{Dir: dir})
	p.Raw, p.Texts, p.Tags, p.Deleted = nil, nil, nil, p.Published.AddDate(1, 0, 0)
	save()
	db.Close()
	if found() {
		t.Error("the text is still in the file")
	}
}

// A process that holds the database for too long makes us busy, not broken (DB-6).
func TestBusy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, Options{Dir: dir, Create: true})
	other, err := sql.Open("sqlite", filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.SetMaxOpenConns(1)
	if _, err := other.Exec("begin immediate"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.writer.c.exec("pragma busy_timeout(50)"); err != nil {
		t.Fatal(err)
	}
	err = db.Tx(t.Context(), func(tx node.Tx) error { return tx.SetSetting(context.Background(), "a", "1") })
	if node.KindOf(err) != node.Busy {
		t.Errorf("got %v, want Busy", err)
	}
	if _, err := other.Exec("rollback"); err != nil {
		t.Fatal(err)
	}
	set(t, db, "a", "1")
}

// A full disk: the change is refused, all that came before stays, and it recovers by itself (DB-6).
func TestDiskFull(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	set(t, db, "a", "1")
	limit := func(pages string) {
		t.Helper()
		err := db.writer.peek(t.Context(), func(c *conn) error {
			_, err := c.sql.ExecContext(t.Context(), "pragma max_page_count = "+pages)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	limit("1") // as many as there are now
	err := db.Tx(t.Context(), func(tx node.Tx) error {
		return tx.SetSetting(t.Context(), "b", strings.Repeat("long", 100_000))
	})
	if node.KindOf(err) != node.Unavailable || !strings.Contains(node.TextOf(err), "full") {
		t.Errorf("got %v, want Unavailable", err)
	}
	if got, err := db.Setting(t.Context(), "a"); err != nil || got != "1" {
		t.Errorf("got %q, %v, want 1", got, err)
	}
	limit("1000000")
	set(t, db, "b", "2")
}
