package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/coopnode/coopnode/node"
)

// Copies from before an update of the schema: how many stay, and how they are called.
const (
	copiesKept = 3
	copyPrefix = fileName + ".schema-"
	copyTime   = "20060102T150405.000000"
)

// copyBefore copies the database beside itself before its schema is updated (DB-5) and returns the name of the
// copy. The oldest copies go.
func copyBefore(ctx context.Context, db *sql.DB, dir string, version int64) (string, error) {
	name := filepath.Join(dir, fmt.Sprintf("%s%d.%s", copyPrefix, version, time.Now().UTC().Format(copyTime)))
	if err := copyDatabase(ctx, db, name); err != nil {
		return "", err
	}
	copies, err := filepath.Glob(filepath.Join(dir, copyPrefix+"*"))
	if err != nil {
		return "", err
	}
	slices.SortFunc(copies, newerCopy)
	whole := 0
	for _, c := range copies {
		if !strings.Contains(filepath.Base(c), unfinished) { // else it is left of a process that was killed
			if whole++; whole <= copiesKept {
				continue
			}
		}
		if err := os.Remove(c); err != nil {
			return "", fileError("remove old copy", c, err)
		}
	}
	return name, nil
}

// newerCopy orders names of copies by their time, newest first.
func newerCopy(a, b string) int {
	at := func(s string) string { return s[max(0, len(s)-len(copyTime)):] }
	switch {
	case at(a) > at(b):
		return -1
	case at(a) < at(b):
		return 1
	}
	return 0
}

// copyDatabase writes the database as it is at one moment to a new file, which is there whole and safe on disk, or
// not at all. Others may read and write meanwhile.
func copyDatabase(ctx context.Context, db *sql.DB, name string) error {
	const op = "copy database"
	half := name + unfinished
	f, err := os.OpenFile(half, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600) // the engine would let others read it
	if err != nil {
		return fileError(op, half, err)
	}
	defer f.Close()
	defer os.Remove(half)
	if _, err := db.ExecContext(ctx, `vacuum into $1`, half); err != nil {
		e := sqliteError(op, name, err)
		if node.KindOf(e) == node.Internal {
			e = fileError(op, name, err)
		}
		return e
	}
	if err := f.Sync(); err != nil {
		return fileError(op, name, err)
	}
	if err := os.Rename(half, name); err != nil {
		return fileError(op, name, err)
	}
	return syncDir(filepath.Dir(name))
}
