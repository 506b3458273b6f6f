package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
)

// TrimLog moves what stands in the write-ahead log into the database, if the log has more than most bytes, and
// returns how many bytes could not be moved (DB-7): somebody who reads for very long holds them. A log that was moved
// whole is begun anew, and cut, by the next change.
func (db *DB) TrimLog(ctx context.Context, most int64) (held int64, err error) {
	const op = "trim log"
	path := db.path + "-wal"
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() <= most {
		return 0, nil
	} else if err != nil {
		return 0, fileError(op, path, err)
	}
	err = db.writer.peek(ctx, func(c *conn) error {
		var busy, pages, moved, size int64
		if err := c.row(`pragma wal_checkpoint(passive)`).Scan(&busy, &pages, &moved); err != nil {
			return err
		}
		err := c.row(`pragma page_size`).Scan(&size)
		held = max(0, pages-moved) * size
		return err
	})
	return held, sqliteError(op, db.path, err)
}
