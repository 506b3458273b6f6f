package store

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// erasedName is the list of what our people erased. It is kept outside the database, so that an older database which
// is put back can be told (BAK-5).
const erasedName = "erased.log"

// noteErased adds addresses to the list, safe on disk. It is done before the commit: what is there once too often
// was meant to be erased, and what is missing would come back.
func (db *DB) noteErased(addresses []string) error {
	if len(addresses) == 0 {
		return nil
	}
	path := filepath.Join(db.shelf.dir, erasedName)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fileError("note erasure", path, err)
	}
	defer f.Close()
	var lines strings.Builder
	for _, a := range addresses {
		fmt.Fprintln(&lines, time.Now().UTC().Format(time.RFC3339), a)
	}
	info, err := f.Stat()
	if err == nil {
		if _, err = f.WriteString(lines.String()); err == nil {
			err = f.Sync()
		}
		if err != nil {
			f.Truncate(info.Size()) // half a line, as on a full disk, would spoil the next one
		}
	}
	if err != nil {
		return fileError("note erasure", path, err)
	}
	return nil
}

// Erased lists the addresses in the data folder's list of erasures, each once; none where there is no list.
func (db *DB) Erased() ([]string, error) {
	file := filepath.Join(db.shelf.dir, erasedName)
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fileError("read list of erasures", file, err)
	}
	defer f.Close()
	list, err := ErasedIn(f)
	if err != nil {
		return nil, fileError("read list of erasures", file, err)
	}
	return list, nil
}

// ErasedIn lists the addresses in a list of erasures, each once.
func ErasedIn(f io.Reader) (addresses []string, err error) {
	known := map[string]bool{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if _, address, ok := strings.Cut(strings.TrimSpace(lines.Text()), " "); ok && !known[address] {
			known[address] = true
			addresses = append(addresses, address)
		}
	}
	return addresses, lines.Err()
}
