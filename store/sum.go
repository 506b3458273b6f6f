package store

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// sumName holds what the database was when serve stopped. SQLite keeps no sums of its pages, so a bit that turned in a text
// is a text like any other to it; with the sum the next start notices (DB-3). It counts only as long as nobody has written
// to the file since, which its time says: what rots on a disk does not change that.
const sumName = "coopnode.sum"

// sumWithin is how long a stop may spend on it. A database for which that is too short has no sum.
const sumWithin = 3 * time.Second

// noteSum writes the sum of a database that nobody has open. Without it, as after a crash, the structure alone is checked.
func noteSum(dir string) error {
	if fileExists(filepath.Join(dir, fileName+"-wal")) {
		return nil // a command works beside
	}
	line, err := fileSum(filepath.Join(dir, fileName), time.Now().Add(sumWithin))
	if err == nil && line != nil {
		err = os.WriteFile(filepath.Join(dir, sumName), line, 0o600)
	}
	if err != nil {
		return fileError("note sum of database", filepath.Join(dir, sumName), err)
	}
	return nil
}

// checkSum compares a database with its sum. Damaged where it is another one though nobody wrote to it.
func checkSum(dir string) error {
	const op = "check database"
	noted, err := os.ReadFile(filepath.Join(dir, sumName))
	if errors.Is(err, fs.ErrNotExist) || err == nil && fileExists(filepath.Join(dir, fileName+"-wal")) {
		return nil
	} else if err != nil {
		return fileError(op, filepath.Join(dir, sumName), err)
	}
	path := filepath.Join(dir, fileName)
	found, err := fileSum(path, time.Time{})
	if err != nil {
		return fileError(op, path, err)
	}
	stamp, _, _ := bytes.Cut(noted, []byte("crc32c"))
	if bytes.HasPrefix(found, stamp) && !bytes.Equal(found, noted) {
		return damaged(op, path, errors.New("the bytes of the file have changed since the node stopped, and nobody wrote to it"))
	}
	return nil
}

// fileSum is the size, the time of the last change and the sum of a file, as one line; nil where somebody changed it
// meanwhile, or at the deadline. A zero deadline is none.
func fileSum(path string, deadline time.Time) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return nil, err
	}
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	for {
		if _, err = io.CopyN(sum, f, 16<<20); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if !deadline.IsZero() && time.Now().After(deadline) {
			return nil, nil
		}
	}
	after, err := os.Stat(path)
	if err != nil || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		return nil, err
	}
	return fmt.Appendf(nil, "size=%d changed=%d crc32c=%08x\n", before.Size(), before.ModTime().UnixNano(), sum.Sum32()), nil
}
