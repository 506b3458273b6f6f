package store

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/coopnode/coopnode/node"
)

// BackupOptions say what a backup holds and how it is made.
type BackupOptions struct {
	Scratch string // where the copy of the database stands meanwhile: the name of a file that is not there
	Program string // version, for the manifest
	Address string // of the node, for the manifest
	WithKey bool   // with the master key: whoever has the file then has the keys of the node (BAK-3)
	// Progress is called now and then with the bytes that are done and those there are; may be nil.
	Progress func(done, total int64)
}

// snapshotEnding is the ending of the copy of the database from which a backup is packed.
const snapshotEnding = ".database"

// ScratchOf is where the copy of the database usually stands while a backup is made: beside it.
func ScratchOf(backup string) string { return backup + snapshotEnding }

// Backup writes the database as it is at one moment, and the pictures, into out, while others go on reading and
// writing (BAK-1).
func (db *DB) Backup(ctx context.Context, out io.Writer, opt BackupOptions) (m *Manifest, err error) {
	const op = "make backup"
	own, err := ownSchema()
	if err != nil {
		return nil, err
	}
	defer os.Remove(opt.Scratch)
	if err := db.snapshot(ctx, opt.Scratch); err != nil {
		return nil, err
	}
	pictures, err := db.PictureFiles()
	if err != nil {
		return nil, err
	}
	pictures = slices.DeleteFunc(pictures, func(f node.ShelvedFile) bool { return strings.HasSuffix(f.Name, unfinished) })
	slices.SortFunc(pictures, func(a, b node.ShelvedFile) int { return strings.Compare(a.Name, b.Name) })

	rows, err := countRows(ctx, opt.Scratch)
	if err != nil {
		return nil, err
	}
	var done, total int64
	a := newArchiveWriter(out, Manifest{Format: archiveFormat, Made: time.Now().UTC().Truncate(time.Second), Program: opt.Program,
		Schema: own.newest, Address: opt.Address, WithKey: opt.WithKey, Rows: rows}, func(n int) {
		if done += int64(n); opt.Progress != nil {
			opt.Progress(done, max(done, total))
		}
	})
	type entry struct{ name, path string }
	entries := []entry{{fileName, opt.Scratch}}
	if opt.WithKey {
		if db.seal.path == "" {
			return nil, &node.Error{Op: op, Kind: node.Invalid, Text: "The master key of this node comes from outside, so it cannot be put into the backup."}
		}
		entries = append(entries, entry{keyName, db.seal.path})
	}
	for _, f := range pictures {
		entries = append(entries, entry{shelfName + "/" + f.Name, filepath.Join(db.shelf.dir, shelfName, f.Name)})
	}
	for _, e := range entries {
		if info, err := os.Stat(e.path); err == nil {
			total += info.Size()
		}
	}
	for i, e := range entries {
		err := addFile(ctx, a, e.name, e.path)
		if i > 0 && errors.Is(err, fs.ErrNotExist) && e.name != keyName {
			continue // a picture that nobody shows any more
		} else if err != nil {
			return nil, fileError(op, e.path, err)
		}
	}
	if err := a.finish(); err != nil {
		return nil, fileError(op, "the backup", err)
	}
	return &a.manifest, nil
}

// addFile puts a file into an archive. Nothing was written for one that is not there.
func addFile(ctx context.Context, a *archiveWriter, name, path string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return a.add(name, info.Size(), io.LimitReader(stoppedReader{ctx, f}, info.Size()))
}

// snapshot copies the database beside those who use it.
func (db *DB) snapshot(ctx context.Context, name string) error {
	c, err := sql.Open("sqlite", dsn(db.path, false))
	if err != nil {
		return err
	}
	defer c.Close()
	return copyDatabase(ctx, c, name)
}
