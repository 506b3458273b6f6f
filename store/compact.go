package store

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
)

// An Update is what this program would do to the schema of a database.
type Update struct {
	From  int64   `json:"from"`
	To    int64   `json:"to"`
	Steps []int64 `json:"steps"` // their numbers; none where nothing is to be done
	Bytes int64   `json:"bytes"` // of the database, of which a copy is made first
	Free  int64   `json:"free"`  // bytes on its disk
}

// PendingUpdate says what opening the database in a data folder would do, and does nothing. Errors as Open.
func PendingUpdate(ctx context.Context, dir string) (*Update, error) {
	path := filepath.Join(dir, fileName)
	info, err := os.Stat(path)
	if os.IsNotExist(err) {
		return nil, noDatabase(dir, path)
	} else if err != nil {
		return nil, fileError("look at schema", path, err)
	}
	db, err := sql.Open("sqlite", dsn(path, true))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	own, err := ownSchema()
	if err != nil {
		return nil, err
	}
	u := &Update{To: own.newest, Bytes: info.Size(), Steps: []int64{}}
	if u.From, err = own.check(ctx, db, dir); err != nil {
		return nil, err
	}
	if u.From < u.To {
		u.Steps = own.after(u.From)
	}
	u.Free, err = FreeSpace(dir)
	return u, err
}

// Compact writes the database in a data folder anew, without the room that nothing needs any more, and returns its size before and
// after, in bytes. No node may serve from it (Busy), and there has to be room for it twice (Unavailable).
func Compact(ctx context.Context, dir string) (before, after int64, err error) {
	const op = "compact database"
	path := filepath.Join(dir, fileName)
	info, err := os.Stat(path)
	if os.IsNotExist(err) {
		return 0, 0, noDatabase(dir, path)
	} else if err != nil {
		return 0, 0, fileError(op, path, err)
	}
	lock, err := lockFile(dir)
	if err != nil {
		return 0, 0, err
	}
	defer unlockFile(lock)
	if err := wantRoom(op, dir, 2*info.Size()); err != nil { // the new one, and the log through which it goes
		return 0, 0, err
	}
	db, err := sql.Open("sqlite", dsn(path, false))
	if err != nil {
		return 0, 0, err
	}
	_, err = db.ExecContext(ctx, "vacuum")
	if e := db.Close(); err == nil { // the log goes into it
		err = e
	}
	if err != nil {
		return 0, 0, sqliteError(op, path, err)
	}
	now, err := os.Stat(path)
	if err != nil {
		return 0, 0, fileError(op, path, err)
	}
	return info.Size(), now.Size(), nil
}
