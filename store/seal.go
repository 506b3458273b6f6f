package store

import (
	"cmp"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/coopnode/coopnode/node"
)

// sealer closes and opens secrets: AES-256-GCM, a random nonce before the sealed text, the id of
// the row as associated data, so that a sealed secret cannot be moved to another row.
type sealer struct {
	path string // of the master key; "" where it was given and cannot change
	aead atomic.Pointer[cipher.AEAD]
}

// use takes a master key.
func (s *sealer) use(key []byte) error {
	aead, err := newAEAD(key)
	if err == nil {
		s.aead.Store(&aead)
	}
	return err
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	if len(key) != masterKeyBytes {
		return nil, &node.Error{Op: "read master key", Kind: node.Invalid,
			Text: fmt.Sprintf("A master key is %d bytes, not %d.", masterKeyBytes, len(key))}
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func (s *sealer) close(secret []byte, id string) []byte { return closeWith(*s.aead.Load(), secret, id) }

func closeWith(a cipher.AEAD, secret []byte, id string) []byte {
	nonce := make([]byte, a.NonceSize(), a.NonceSize()+len(secret)+a.Overhead())
	rand.Read(nonce) // never fails (crypto/rand)
	return a.Seal(nonce, nonce, secret, []byte(id))
}

// open opens a secret. Where it does not open, another process may have changed the master key (KEY-5): the
// files are read again.
func (s *sealer) open(sealed []byte, id string) ([]byte, error) {
	secret, err := openWith(*s.aead.Load(), sealed, id)
	if err == nil || s.path == "" {
		return secret, err
	}
	for _, path := range []string{s.path, newKeyPath(s.path)} {
		key, e := readMasterKey(path)
		if e != nil {
			continue
		}
		aead, e := newAEAD(key)
		if e != nil {
			continue
		}
		if secret, e := openWith(aead, sealed, id); e == nil {
			s.aead.Store(&aead)
			return secret, nil
		}
	}
	return nil, err
}

func openWith(a cipher.AEAD, sealed []byte, id string) ([]byte, error) {
	if len(sealed) < a.NonceSize() {
		return nil, errors.New("the sealed key is too short")
	}
	return a.Open(nil, sealed[:a.NonceSize()], sealed[a.NonceSize():], []byte(id))
}

// catchUp makes sure, inside a transaction, that what is sealed next is sealed with the master key that holds now.
func (s *sealer) catchUp(c *conn) error {
	row, err := anySealed(c)
	if err != nil || row == nil {
		return err
	}
	_, err = s.open(row.sealed, row.id)
	return sealError(row.id, err)
}

const masterKeyBytes = 32

// openSealer reads the master key; where Create allows it and nothing is sealed yet, it draws one. A
// change of it that was broken off after its commit is finished here.
func openSealer(ctx context.Context, db *DB, opt Options) (*sealer, error) {
	s := &sealer{}
	key := opt.MasterKey
	if key == nil {
		path := cmp.Or(opt.MasterKeyFile, filepath.Join(opt.Dir, keyName))
		s.path = path
		var err error
		key, err = readMasterKey(path)
		if errors.Is(err, os.ErrNotExist) {
			var sealed int
			if err := db.on(ctx, func(c *conn) error { return c.row(countOwnKeys).Scan(&sealed) }); err != nil {
				return nil, sqliteError("count keys", "", err)
			}
			if sealed > 0 {
				return nil, &node.Error{Op: "read master key", Kind: node.Unavailable, Subject: path,
					Text: "The file " + path + " is missing. Without it the keys of this node cannot be read. Put it back from where you keep it apart from the backups."}
			}
			if !opt.Create {
				return nil, noDatabase(opt.Dir, path)
			}
			key, err = makeMasterKey(path)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := s.use(key); err != nil {
		return nil, err
	}
	if s.path != "" && fileExists(newKeyPath(s.path)) {
		if err := db.writer.do(ctx, s.finish); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// readMasterKey reads 64 hexadecimal digits from a file that only its owner can read. A missing file is os.ErrNotExist.
func readMasterKey(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, err
	} else if err != nil {
		return nil, fileError("read master key", path, err)
	}
	defer f.Close()
	return masterKeyIn(f)
}

// masterKeyIn reads the key in a file that is open.
func masterKeyIn(f *os.File) ([]byte, error) {
	const op = "read master key"
	path := f.Name()
	info, err := f.Stat()
	if err != nil {
		return nil, fileError(op, path, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, &node.Error{Op: op, Kind: node.Invalid, Subject: path,
			Text: "Others on this machine can read " + path + ". Close it with: chmod 600 " + path}
	}
	text := make([]byte, 2*masterKeyBytes+2)
	n, err := f.Read(text)
	if err != nil {
		return nil, fileError(op, path, err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text[:n])))
	if err != nil || len(key) != masterKeyBytes {
		return nil, &node.Error{Op: op, Kind: node.Invalid, Subject: path,
			Text: path + " is not a master key: one line of 64 hexadecimal digits. Put back the right file."}
	}
	return key, nil
}

// makeMasterKey draws a master key and writes it so that it is there, whole, after a power cut. If
// another process is faster, its key counts.
func makeMasterKey(path string) ([]byte, error) {
	const op = "make master key"
	key := make([]byte, masterKeyBytes)
	rand.Read(key)
	name, err := writeMasterKey(filepath.Dir(path), key)
	if err != nil {
		return nil, fileError(op, path, err)
	}
	defer os.Remove(name)
	err = os.Link(name, path)
	if errors.Is(err, os.ErrExist) {
		return readMasterKey(path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return nil, fileError(op, path, err)
	}
	return key, nil
}

// writeMasterKey writes a master key to a new file in dir, safe on disk and readable by its owner alone.
func writeMasterKey(dir string, key []byte) (name string, err error) {
	f, err := os.CreateTemp(dir, keyName+".*") // mode 0600
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprintln(f, hex.EncodeToString(key))
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
