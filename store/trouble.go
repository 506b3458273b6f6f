package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"syscall"
	"time"

	"github.com/coopnode/coopnode/node"
)

// A disk with less than spareBytes left is as good as full: the next change may not fit.
const spareBytes = 1 << 20

// Trouble says why the data cannot be written at present, nil where it can (DB-6): the disk is full or mounted for reading
// only, or the last change failed for a reason that lies with it. Nothing is written to find out. Unavailable.
func (db *DB) Trouble() error {
	if err := db.writer.trouble.Load(); err != nil {
		return *err
	}
	return diskTrouble(db.shelf.dir)
}

// TryWrite writes something small where the last change failed, so that one that works ends the trouble, also while nobody
// else has anything to write.
func (db *DB) TryWrite(ctx context.Context) error {
	if db.writer.trouble.Load() == nil {
		return nil
	}
	return db.Tx(ctx, func(tx node.Tx) error {
		return tx.SetSetting(ctx, "write tried", strconv.FormatInt(ms(time.Now()), 10))
	})
}

// diskTrouble looks at the disk with a folder.
func diskTrouble(dir string) error {
	free, readOnly, err := lookAtDisk(dir)
	switch {
	case err != nil:
		return err
	case readOnly:
		return fileError("look at disk", dir, syscall.EROFS)
	case free < spareBytes:
		return fileError("look at disk", dir, syscall.ENOSPC)
	}
	return nil
}

// ofDisk marks an error as one of the disk.
func ofDisk(err error) error { return fmt.Errorf("%w: %w", node.ErrDisk, err) }

// note remembers how the last change ended: with an error, or with rows that are safe on disk.
func (w *writer) note(err error) {
	if errors.Is(err, node.ErrDisk) {
		w.trouble.Store(&err)
	} else if err == nil {
		w.trouble.Store(nil)
	}
}
