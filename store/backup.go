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

// BackupOptions say what a backup holds and where it goes.
type BackupOptions struct {
	Path    string // of a file that is not there yet
	Program string // version, for the manifest
	Address string // of the node, for the manifest
	WithKey bool   // with the master key: whoever has the file then has the keys of the node (BAK-3)
	// Progress is called now and then with the bytes that are done and those there are; may be nil.
	Progress func(done, total int64)
}

// snapshotEnding is the ending of the copy of the database from which a backup is packed.
const snapshotEnding = ".database"

// Backup writes the database as it is at one moment, and the pictures, into one file, while others go on reading and
// writing (BAK-1). The file is there whole and safe on disk, readable by its owner alone, or not at all. Exists if
// there is a file of that name.
func (db *DB) Backup(ctx context.Context, opt BackupOptions) (m *Manifest, err error) {
	const op = "make backup"
	if fileExists(opt.Path) {
		return nil, &node.Error{Op: op, Kind: node.Exists, Subject: opt.Path, Text: "There is a file " + opt.Path + " already. Choose another name."}
	}
	own, err := ownSchema()
	if err != nil {
		return nil, err
	}
	scratch := opt.Path + snapshotEnding
	defer os.Remove(scratch)
	if err := db.snapshot(ctx, scratch); err != nil {
		return nil, err
	}
	pictures, err := db.PictureFiles()
	if err != nil {
		return nil, err
	}
	pictures = slices.DeleteFunc(pictures, func(f node.ShelvedFile) bool { return strings.HasSuffix(f.Name, unfinished) })
	slices.SortFunc(pictures, func(a, b node.ShelvedFile) int { return strings.Compare(a.Name, b.Name) })

	rows, err := countRows(ctx, scratch)
	if err != nil {
		return nil, err
	}
	half := opt.Path + unfinished
	out, err := os.OpenFile(half, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fileError(op, half, err)
	}
	defer os.Remove(half)
	defer out.Close()
	var done, total int64
	a := newArchiveWriter(out, Manifest{Format: archiveFormat, Made: time.Now().UTC().Truncate(time.Second), Program: opt.Program,
		Schema: own.newest, Address: opt.Address, WithKey: opt.WithKey, Rows: rows}, func(n int) {
		if done += int64(n); opt.Progress != nil {
			opt.Progress(done, max(done, total))
		}
	})
	type entry struct{ name, path string }
	entries := []entry{{fileName, scratch}}
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
	err = a.finish()
	if err == nil {
		err = out.Sync()
	}
	if err == nil {
		err = os.Rename(half, opt.Path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(opt.Path))
	}
	if err != nil {
		return nil, fileError(op, opt.Path, err)
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
