package store

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/coopnode/coopnode/node"
	"github.com/pressly/goose/v3"
)

// migrateDir makes a process of the test binary open the database in that folder, and end.
const migrateDir = "COOPNODE_TEST_MIGRATE"

var silent = slog.New(slog.DiscardHandler)

func migrateAndEnd(dir string) {
	db, err := Open(context.Background(), Options{Dir: dir, Serve: true})
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// oldDatabase makes a database as the first program made it, from step 0001 alone, with rows in it.
func oldDatabase(t *testing.T, dir string, posts int) *sql.DB {
	t.Helper()
	ctx := t.Context()
	first, err := fs.ReadFile(schemaFiles, "schema/0001_first.sql")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", dsn(filepath.Join(dir, fileName), false))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	p, err := goose.NewProvider(goose.DialectSQLite3, db, fstest.MapFS{"0001_first.sql": {Data: first}})
	if err == nil {
		_, err = p.Up(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	key := make([]byte, masterKeyBytes)
	name, err := writeMasterKey(dir, key)
	if err == nil {
		err = os.Rename(name, filepath.Join(dir, keyName))
	}
	if err != nil {
		t.Fatal(err)
	}
	aead, err := newAEAD(key)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	insert := func(text string, args ...any) {
		t.Helper()
		if _, err := tx.ExecContext(ctx, text, args...); err != nil {
			t.Fatal(err)
		}
	}
	const them, at = "https://b.example/users/ana", 1_790_000_000_000
	insert(`insert into setting values ('base', 'https://a.example')`)
	insert(`insert into own_key values ($1, $2)`, "https://a.example/ap/coop#main-key", closeWith(aead, []byte("secret"), "https://a.example/ap/coop#main-key"))
	insert(`insert into actor values ($1, 'ana', 'b.example', false, false, '', '', $2, 'b.example', $2, 'b.example', $3, 0, $4, null)`,
		them, them+"/inbox", at, `{"iri":"`+them+`","type":"Person","handle":"ana","host":"b.example","inbox":"`+them+`/inbox"}`)
	insert(`insert into follower values ($1, 1, 'accepted', $2, $3)`, them, them+"#follow", at)
	insert(`insert into followed values ($1, 1, 'accepted', 'https://a.example/ap/acts/1', $2)`, them, at)
	for i := range posts {
		id := fmt.Sprintf("aaaaaaa%03d", i)
		iri := "https://a.example/ap/posts/" + id
		insert(`insert into object values ($1, $2, 'post', 'https://a.example/ap/coop', true, 'public', true, false, '', '', '', '', '', 0, $3, $3, $3, 0, '', 1, $4, $5)`,
			id, iri, at+i, `{"Tags":["bread"]}`, []byte(strings.Repeat("raw ", 500)))
		insert(`insert into object_tag values ('bread', $1)`, id)
		insert(`insert into act values ($1, $2, 'Create', $3, true, true, $4, 'test', 1, 0, 0, $5)`, i+1, "https://a.example/ap/acts/"+id, iri, at+i, []byte("act "+id))
		insert(`insert into delivery (host, act, inbox, object, created_ms) values ('b.example', $1, $2, $3, $4)`, i+1, them+"/inbox", iri, at)
	}
	insert(`insert into peer (host, due_ms) values ('b.example', $1)`, at)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	return db
}

// wantOldData looks for what oldDatabase wrote, through the store of now.
func wantOldData(t *testing.T, db *DB, posts int) {
	t.Helper()
	ctx := t.Context()
	keys, err := db.OwnKeys(ctx)
	if err != nil || len(keys) != 1 || string(keys[0].PKCS8) != "secret" {
		t.Errorf("keys: %v, %v", keys, err)
	}
	if n, err := db.CountObjects(ctx, node.ObjectQuery{Type: node.TypePost, Local: true, Tag: "bread"}); err != nil || n != posts {
		t.Errorf("%d posts (%v), want %d", n, err, posts)
	}
	if n, err := db.CountFollowers(ctx); err != nil || n != 1 {
		t.Errorf("%d followers (%v), want 1", n, err)
	}
	list, err := db.DueDeliveries(ctx, "b.example", time.Now(), 2*posts)
	if err != nil || len(list) != posts {
		t.Fatalf("%d deliveries (%v), want %d", len(list), err, posts)
	}
	if b, err := db.ActBytes(ctx, list[0].Act); err != nil || string(b) != "act aaaaaaa000" {
		t.Errorf("bytes %q, %v", b, err)
	}
	if tasks, err := db.Tasks(ctx, node.TaskBackfill); err != nil || len(tasks) != 1 {
		t.Errorf("%d outboxes to be read (%v), want that of the followed", len(tasks), err)
	}
}

func copiesIn(t *testing.T, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, copyPrefix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// A database of the first program is brought up to date with all that is in it, and a copy from before stays (DB-5).
func TestUpgradeFromTheFirst(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	oldDatabase(t, dir, 20).Close()
	db := open(t, Options{Dir: dir})
	wantOldData(t, db, 20)
	steps, err := ownSchema()
	if err != nil {
		t.Fatal(err)
	}
	if sums := names(t, db, `select sha256 from schema_sum`); len(sums) != len(steps.sums) {
		t.Errorf("%d sums are kept, want %d", len(sums), len(steps.sums))
	}
	copies := copiesIn(t, dir)
	if len(copies) != 1 || !strings.Contains(copies[0], "schema-1.") {
		t.Fatalf("copies %v, want one of schema 1", copies)
	}
	if info, err := os.Stat(copies[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy: %v, %v", info.Mode(), err)
	}
	// The copy is the database as it was: put back, it is brought up to date again.
	back := t.TempDir()
	for from, to := range map[string]string{copies[0]: fileName, filepath.Join(dir, keyName): keyName} {
		b, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(back, to), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	wantOldData(t, open(t, Options{Dir: back, Serve: true}), 20)
}

// A new database and one that is up to date need no copy; of copies the last three stay (DB-5).
func TestCopiesAreFew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, Options{Dir: dir, Create: true}).Close()
	open(t, Options{Dir: dir, Serve: true}).Close()
	if list := copiesIn(t, dir); len(list) != 0 {
		t.Errorf("copies without need: %v", list)
	}
	db, err := sql.Open("sqlite", dsn(filepath.Join(dir, fileName), false))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := os.WriteFile(filepath.Join(dir, copyPrefix+"9.half"+unfinished), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var made []string
	for version := range int64(5) {
		name, err := copyBefore(t.Context(), db, dir, 12-version) // numbers do not order them, times do
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, name)
	}
	list := copiesIn(t, dir)
	if len(list) != copiesKept {
		t.Fatalf("%d copies stay: %v", len(list), list)
	}
	for _, name := range made[2:] {
		if _, err := os.Stat(name); err != nil {
			t.Errorf("one of the last three is gone: %v", err)
		}
	}
}

// Where no copy can be made nothing is changed (DB-5, DB-6).
func TestNoUpdateWithoutACopy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := oldDatabase(t, dir, 100)
	steps, err := ownSchema()
	if err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(t.TempDir(), "gone")
	lock, err := lockFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer unlockFile(lock)
	err = steps.migrate(t.Context(), db, Options{Dir: moved}, true)
	if err == nil {
		t.Error("updated without a copy")
	}
	if v, err := schemaVersion(t.Context(), db); err != nil || v != 1 {
		t.Errorf("schema is %d (%v), want 1", v, err)
	}
}

// A step that was applied is never another one later (DB-5).
func TestChangedStep(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, Options{Dir: dir, Create: true})
	set(t, db, "a", "1")
	for _, version := range []int{1, 8} {
		change := func(from, to string) {
			t.Helper()
			err := db.writer.do(t.Context(), func(c *conn) error {
				_, err := c.exec(`update schema_sum set sha256 = replace(sha256, $2, $3) where version = $1`, version, from, to)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		change("a", "x")
		wantRefused(t, Options{Dir: dir}, node.Damaged, fmt.Sprintf("Step %d of the schema", version))
		wantRefused(t, Options{Dir: dir, Serve: true}, node.Damaged, "Install the coopnode that wrote it")
		change("x", "a")
	}
	set(t, open(t, Options{Dir: dir}), "a", "2")
}

// A step that fails in its middle leaves nothing of itself, and those before it stay (DB-5).
func TestStepIsOneTransaction(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := oldDatabase(t, dir, 1)
	first, err := fs.ReadFile(schemaFiles, "schema/0001_first.sql")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{
		"0001_first.sql":  {Data: first},
		"0002_second.sql": {Data: []byte("-- +goose Up\ncreate table second (a text);\n")},
		"0003_third.sql":  {Data: []byte("-- +goose Up\ncreate table third (a text);\ninsert into nowhere values (1);\n")},
	}
	steps, err := readSchema(files)
	if err != nil {
		t.Fatal(err)
	}
	if err := steps.migrate(t.Context(), db, Options{Dir: dir, Log: silent}, false); err == nil {
		t.Fatal("a step that cannot be done was done")
	}
	tables := func(name string) (n int) {
		t.Helper()
		if err := db.QueryRow(`select count(*) from sqlite_master where name = $1`, name).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if v, err := schemaVersion(t.Context(), db); err != nil || v != 2 || tables("second") != 1 || tables("third") != 0 {
		t.Errorf("schema %d (%v), %d of the second step, %d of the third; want 2, 1, 0", v, err, tables("second"), tables("third"))
	}
	files["0003_third.sql"].Data = []byte("-- +goose Up\ncreate table third (a text);\n")
	if steps, err = readSchema(files); err != nil {
		t.Fatal(err)
	}
	if err := steps.migrate(t.Context(), db, Options{Dir: dir, Log: silent}, false); err != nil || tables("third") != 1 {
		t.Errorf("after it was mended: %v, %d", err, tables("third"))
	}
}

// A process that is killed anywhere in an update leaves a database that the next start completes, with all that was
// in it, and every copy whole (DB-5).
func TestTortureKilledUpdate(t *testing.T) {
	rounds, begun := 6, 0
	const posts = 400
	if os.Getenv("COOPNODE_TORTURE") != "" {
		rounds = 50
	} else {
		t.Parallel()
	}
	for range rounds {
		dir := t.TempDir()
		oldDatabase(t, dir, posts).Close()
		for try := 0; ; try++ {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), migrateDir+"="+dir)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if try < 3 { // killed at a moment after it has begun with something
				for limit := time.Now().Add(30 * time.Second); len(copiesIn(t, dir)) == 0 && time.Now().Before(limit); {
					time.Sleep(time.Millisecond)
				}
				time.Sleep(rand.N(40 * time.Millisecond))
				cmd.Process.Kill()
			}
			err := cmd.Wait()
			if err == nil {
				break
			} else if try >= 3 {
				t.Fatalf("the last start does not complete it: %v", err)
			}
			if len(copiesIn(t, dir)) > 0 {
				begun++
			}
		}
		db := open(t, Options{Dir: dir, Serve: true})
		wantOldData(t, db, posts)
		db.Close()
		for _, c := range copiesIn(t, dir) {
			if strings.Contains(filepath.Base(c), unfinished) {
				continue
			}
			if err := quickCheck(t.Context(), c); err != nil {
				t.Errorf("%s: %v", filepath.Base(c), err)
			}
		}
	}
	if begun == 0 {
		t.Error("no process was killed after it had begun, so nothing was shown")
	}
	t.Logf("%d of %d processes were killed after they had begun", begun, 3*rounds)
	t.Logf("%-10s %6s %13s %6s %11s", "", "kills", "acknowledged", "lost", "duplicated")
	t.Logf("%-10s %6d %13d %6d %11d", "migration", begun, rounds*posts, 0, 0) // else wantOldData has failed the test
}
