package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/coopnode/coopnode/node"
)

// trialName is the folder in the data folder where a backup is restored for a test.
const trialName = "trial"

// counted are the tables whose rows are compared after a trial: what a node is, and what nobody else has. Restoring changes none
// of them.
var counted = []string{"own_key", "actor", "object", "act", "delivery", "letter", "follower", "followed", "membership", "remark", "person", "rule", "picture"}

// countRows counts the rows of the tables in the database of a file.
func countRows(ctx context.Context, path string) (map[string]int, error) {
	db, err := sql.Open("sqlite", dsn(path, true))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows := map[string]int{}
	for _, table := range counted {
		var n int
		if err := db.QueryRowContext(ctx, `select count(*) from `+table).Scan(&n); err != nil {
			return nil, sqliteError("count rows", path, err)
		}
		rows[table] = n
	}
	return rows, nil
}

// TryRestore restores a backup of this node into a scratch folder and looks whether all is there: the database is whole, each
// table has as many rows as when the backup was made, every picture is there, and the master key of this node opens the same keys
// that this node has. The folder is gone afterwards.
func (db *DB) TryRestore(ctx context.Context, path string) error {
	const op = "try backup"
	dir := filepath.Join(db.shelf.dir, trialName)
	if err := os.RemoveAll(dir); err != nil {
		return fileError(op, dir, err)
	}
	defer os.RemoveAll(dir)
	database, pictures, err := db.size()
	if err != nil {
		return err
	}
	if err := wantRoom(op, db.shelf.dir, 2*database+pictures); err != nil {
		return err
	}
	m, err := Restore(ctx, path, RestoreOptions{Dir: dir, KeyFile: db.seal.path})
	if err != nil {
		return err
	}
	if err := db.sameAs(ctx, dir, m); err != nil {
		return &node.Error{Op: op, Kind: node.Damaged, Subject: path, Err: err,
			Text: "The backup " + path + " was restored for a test, and something was missing: " + err.Error() + "."}
	}
	return nil
}

// sameAs compares a restored node in dir with what the manifest says and with this node.
func (db *DB) sameAs(ctx context.Context, dir string, m *Manifest) error {
	rows, err := countRows(ctx, filepath.Join(dir, fileName))
	if err != nil {
		return err
	}
	for _, table := range counted {
		if rows[table] != m.Rows[table] {
			return fmt.Errorf("%d rows of %s are there, not %d", rows[table], table, m.Rows[table])
		}
	}
	back, err := Open(ctx, Options{Dir: dir})
	if err != nil {
		return err
	}
	defer back.Close()
	ours, err := db.OwnKeys(ctx)
	if err != nil {
		return err
	}
	theirs, err := back.OwnKeys(ctx)
	if err != nil {
		return err
	}
	if !slices.EqualFunc(ours, theirs, func(a, b *node.OwnKey) bool { return a.ID == b.ID && bytes.Equal(a.PKCS8, b.PKCS8) }) {
		return errors.New("its keys are not those of this node")
	}
	pictures, err := back.PictureFiles()
	if err != nil {
		return err
	}
	want := 0
	for _, f := range m.Files {
		if strings.HasPrefix(f.Name, shelfName+"/") {
			want++
		}
	}
	if len(pictures) != want {
		return fmt.Errorf("%d pictures are there, not %d", len(pictures), want)
	}
	return nil
}

// CheckWhole reads the whole database beside those who use it and looks for damage (DB-3): Damaged, with what is wrong.
func (db *DB) CheckWhole(ctx context.Context) error {
	const op = "check database"
	c, err := sql.Open("sqlite", dsn(db.path, true))
	if err != nil {
		return err
	}
	defer c.Close()
	var found string
	if err := c.QueryRowContext(ctx, "pragma integrity_check(1)").Scan(&found); err != nil {
		return sqliteError(op, db.path, err)
	}
	if found != "ok" {
		return damaged(op, db.path, errors.New(found))
	}
	rows, err := c.QueryContext(ctx, "pragma foreign_key_check")
	if err != nil {
		return sqliteError(op, db.path, err)
	}
	defer rows.Close()
	if rows.Next() {
		return damaged(op, db.path, errors.New("a row points to one that is not there"))
	}
	return sqliteError(op, db.path, rows.Err())
}
