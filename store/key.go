package store

import (
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

	"github.com/coopnode/coopnode/node"
)

const (
	ownKey     = `select sealed from own_key where id = $1`
	saveOwnKey = `
		insert into own_key (id, sealed) values ($1, $2)
		    on conflict (id) do update set sealed = excluded.sealed`
	countOwnKeys = `select count(*) from own_key`
)

// OwnKey gives a private key of ours, unsealed, as PKCS #8. NotFound; Damaged if the master key does not open it.
func (q questions) OwnKey(ctx context.Context, id string) (pkcs8 []byte, err error) {
	const op = "read own key"
	var sealed []byte
	err = q.on(ctx, func(c *conn) error { return c.row(ownKey, id).Scan(&sealed) })
	if err != nil {
		return nil, sqliteError(op, id, err)
	}
	pkcs8, err = q.seal.open(sealed, id)
	if err != nil {
		return nil, &node.Error{Op: op, Kind: node.Damaged, Subject: id, Err: err,
			Text: "The master key does not open the key of this node. Put back the " + keyName + " that belongs to this database."}
	}
	return pkcs8, nil
}

// SaveOwnKey keeps a private key, sealed (KEY-2).
func (t tx) SaveOwnKey(_ context.Context, id string, pkcs8 []byte) error {
	_, err := t.c.exec(saveOwnKey, id, t.seal.close(pkcs8, id))
	return sqliteError("save own key", id, err)
}

// sealer closes and opens secrets: AES-256-GCM, a random nonce before the sealed text, the id of
// the row as associated data, so that a sealed secret cannot be moved to another row.
type sealer struct{ cipher.AEAD }

func (s sealer) close(secret []byte, id string) []byte {
	nonce := make([]byte, s.NonceSize(), s.NonceSize()+len(secret)+s.Overhead())
	rand.Read(nonce) // never fails (crypto/rand)
	return s.Seal(nonce, nonce, secret, []byte(id))
}

func (s sealer) open(sealed []byte, id string) ([]byte, error) {
	if len(sealed) < s.NonceSize() {
		return nil, errors.New("the sealed key is too short")
	}
	return s.Open(nil, sealed[:s.NonceSize()], sealed[s.NonceSize():], []byte(id))
}

const masterKeyBytes = 32

// openSealer reads the master key; where Create allows it and nothing is sealed yet, it draws one.
func openSealer(ctx context.Context, db *DB, opt Options) (sealer, error) {
	key := opt.MasterKey
	if key == nil {
		path := opt.MasterKeyFile
		if path == "" {
			path = filepath.Join(opt.Dir, keyName)
		}
		var err error
		key, err = readMasterKey(path)
		if errors.Is(err, os.ErrNotExist) {
			var sealed int
			if err := db.on(ctx, func(c *conn) error { return c.row(countOwnKeys).Scan(&sealed) }); err != nil {
				return sealer{}, sqliteError("count keys", "", err)
			}
			if sealed > 0 {
				return sealer{}, &node.Error{Op: "read master key", Kind: node.Unavailable, Subject: path,
					Text: "The file " + path + " is missing. Without it the keys of this node cannot be read. Put it back from where you keep it apart from the backups."}
			}
			if !opt.Create {
				return sealer{}, noDatabase(opt.Dir, path)
			}
			key, err = makeMasterKey(path)
		}
		if err != nil {
			return sealer{}, err
		}
	}
	if len(key) != masterKeyBytes {
		return sealer{}, &node.Error{Op: "read master key", Kind: node.Invalid,
			Text: fmt.Sprintf("A master key is %d bytes, not %d.", masterKeyBytes, len(key))}
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCM(block)
	return sealer{aead}, err
}

// readMasterKey reads 64 hexadecimal digits from a file that only its owner can read. A missing file is os.ErrNotExist.
func readMasterKey(path string) ([]byte, error) {
	const op = "read master key"
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, err
	} else if err != nil {
		return nil, fileError(op, path, err)
	}
	defer f.Close()
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
	f, err := os.CreateTemp(filepath.Dir(path), keyName+".*") // mode 0600
	if err != nil {
		return nil, fileError(op, path, err)
	}
	defer os.Remove(f.Name())
	_, err = fmt.Fprintln(f, hex.EncodeToString(key))
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Link(f.Name(), path)
	}
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

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
