package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// examineWithin bounds the quick check of Examine.
const examineWithin = 30 * time.Second

// Health is what can be seen of the database in a data folder without opening the node.
type Health struct {
	Bytes, LogBytes int64 // of the database and of its write-ahead log
	Schema, Known   int64 // the newest step that the database has seen, 0 where that cannot be read, and the newest of this program
}

// Examine looks at the database in a data folder, beside a server or without one, and changes nothing: not even an older
// schema. full checks every row and index too; without it the check ends after half a minute. Kinds of error: NotFound,
// Damaged, Unavailable; or that of ctx, where the check was not through in time. Health has then what was seen before.
func Examine(ctx context.Context, dir string, full bool) (*Health, error) {
	const op = "examine database"
	path := filepath.Join(dir, fileName)
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, noDatabase(dir, path)
	} else if err != nil {
		return nil, fileError(op, path, err)
	}
	h := &Health{Bytes: info.Size()}
	if info, err := os.Stat(path + "-wal"); err == nil { // before it is opened: who closes it last takes it away
		h.LogBytes = info.Size()
	}
	own, err := ownSchema()
	if err != nil {
		return nil, err
	}
	h.Known = own.newest
	// As at a start, and before the engine reads the log, which leaves out what is damaged without a word.
	if err := errors.Join(checkSum(dir), checkLog(path+"-wal")); err != nil {
		return h, err
	}
	db, err := sql.Open("sqlite", dsn(path, true))
	if err != nil {
		return h, err
	}
	defer db.Close()
	if h.Schema, err = schemaVersion(ctx, db); err != nil {
		return h, sqliteError(op, path, err)
	}
	if full {
		return h, checkPages(ctx, path, "integrity_check(1)")
	}
	ctx, cancel := context.WithTimeout(ctx, examineWithin)
	defer cancel()
	return h, quickCheck(ctx, path)
}
