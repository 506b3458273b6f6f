package store

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/coopnode/coopnode/node"
)

// newKeyPath is where a new master key waits until everything is sealed with it.
func newKeyPath(path string) string { return path + ".new" }

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Reseal draws a new master key, seals every private key and every other secret with it in one transaction, and puts it in the
// place of the old one (KEY-5). It returns how many there are. A server that runs beside it goes on.
//
// Whatever happens, a file that opens all rows is there: the new key is on disk before the commit, and
// takes the name of the old one after it; who finds neither renamed tries both. All of it is done inside
// transactions, so that nobody else changes the master key meanwhile. Invalid where the master key was
// given from outside.
func (db *DB) Reseal(ctx context.Context) (count int, err error) {
	const op = "change master key"
	path := db.seal.path
	if path == "" {
		return 0, &node.Error{Op: op, Kind: node.Invalid, Text: "The master key of this node comes from outside, so it cannot be changed here."}
	}
	key := make([]byte, masterKeyBytes)
	rand.Read(key)
	aead, err := newAEAD(key)
	if err != nil {
		return 0, err
	}
	err = db.writer.do(ctx, func(c *conn) error {
		if err := db.seal.finish(c); err != nil {
			return err
		}
		rows, err := sealedRows(c)
		if err != nil {
			return sqliteError(op, "", err)
		}
		name, err := writeMasterKey(filepath.Dir(path), key)
		if err == nil {
			err = os.Rename(name, newKeyPath(path))
		}
		if err == nil {
			err = syncDir(filepath.Dir(path))
		}
		if err != nil {
			return fileError(op, newKeyPath(path), err)
		}
		for _, row := range rows {
			secret, err := db.seal.open(row.sealed, row.id)
			if err != nil {
				return sealError(row.id, err)
			}
			if _, err := c.exec("update "+row.table+" set sealed = $2 where id = $1", row.id, closeWith(aead, secret, row.id)); err != nil {
				return sqliteError(op, row.id, err)
			}
		}
		count = len(rows)
		return nil
	})
	if err == nil {
		err = db.writer.do(ctx, db.seal.finish)
	}
	if err != nil {
		return 0, err
	}
	// What was sealed with the old key shall not stay readable in the log of the database.
	return count, db.writer.peek(ctx, func(c *conn) error {
		var busy, pages, moved int
		return c.row(`pragma wal_checkpoint(truncate)`).Scan(&busy, &pages, &moved)
	})
}

// finish puts a new master key into the place of the old one if the rows are sealed with it already. Inside a transaction.
func (s *sealer) finish(c *conn) error {
	const op = "change master key"
	key, err := readMasterKey(newKeyPath(s.path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	row, err := anySealed(c)
	if err != nil || row == nil {
		return err
	}
	aead, err := newAEAD(key)
	if err != nil {
		return err
	}
	if _, err := openWith(aead, row.sealed, row.id); err != nil {
		return nil // its transaction was never committed
	}
	if err := os.Rename(newKeyPath(s.path), s.path); err != nil {
		return fileError(op, s.path, err)
	}
	s.aead.Store(&aead)
	return syncDir(filepath.Dir(s.path))
}

// sealedTables are the tables with rows that the master key seals, each by its id.
var sealedTables = []string{"own_key", "secret", "notice"}

// sealedRow is one of them.
type sealedRow struct {
	table, id string
	sealed    []byte
}

// anySealed is one sealed row, by which a master key is tried; nil if there is none.
func anySealed(c *conn) (*sealedRow, error) {
	rows, err := sealedRows(c)
	if err != nil || len(rows) == 0 {
		return nil, sqliteError("read sealed rows", "", err)
	}
	return rows[0], nil
}

func sealedRows(c *conn) (rows []*sealedRow, err error) {
	for _, table := range sealedTables {
		err = c.each(func(r rowScanner) error {
			row := &sealedRow{table: table}
			err := r.Scan(&row.id, &row.sealed)
			rows = append(rows, row)
			return err
		}, "select id, sealed from "+table+" where sealed is not null")
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// sealError says that a sealed row does not open.
func sealError(id string, err error) error {
	if err == nil {
		return nil
	}
	return &node.Error{Op: "read own keys", Kind: node.Damaged, Subject: id, Err: err,
		Text: "The master key does not open the keys of this node. Put back the " + keyName + " that belongs to this database."}
}
