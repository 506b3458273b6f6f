package store

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/node"
)

const keyID = "https://a.example/ap/coop#main-key"

func saveKey(t *testing.T, db *DB, secret string) {
	t.Helper()
	if err := db.Tx(t.Context(), func(tx node.Tx) error {
		return tx.SaveOwnKey(t.Context(), &node.OwnKey{ID: keyID, PKCS8: []byte(secret)})
	}); err != nil {
		t.Fatal(err)
	}
}

func wantKey(t *testing.T, db *DB, secret string) {
	t.Helper()
	keys, err := db.OwnKeys(t.Context())
	if err != nil || len(keys) != 1 || keys[0].ID != keyID || string(keys[0].PKCS8) != secret {
		t.Errorf("got keys %v, %v, want that with the secret %q", keys, err, secret)
	}
}

// The files of the database alone do not reveal a key (KEY-2).
func TestKeyIsSealed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const secret = "THE-PRIVATE-KEY-OF-THE-COOP"
	db := open(t, Options{Dir: dir, Create: true})
	saveKey(t, db, secret)
	saveKey(t, db, secret) // the nonce is new each time
	db.Close()
	b, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b, []byte(keyID)) {
		t.Fatal("the key is not in the file that was looked at")
	}
	if bytes.Contains(b, []byte(secret[:8])) {
		t.Error("the key can be read in the file")
	}

	again := open(t, Options{Dir: dir, Serve: true})
	wantKey(t, again, secret)
	again.Close()

	// A sealed key that was moved to another row does not open.
	moved := open(t, Options{Dir: dir})
	if err := moved.writer.do(t.Context(), func(c *conn) error {
		_, err := c.exec("update own_key set id = 'other'")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := moved.OwnKeys(t.Context()); node.KindOf(err) != node.Damaged {
		t.Errorf("got %v, want Damaged", err)
	}
}

func TestMasterKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, keyName)
	db := open(t, Options{Dir: dir, Create: true})
	saveKey(t, db, "secret")
	db.Close()
	key, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}

	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, Options{Dir: dir}, node.Invalid, "chmod 600")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, Options{Dir: dir, Create: true}, node.Unavailable, "is missing") // no new one: the old is needed
	if err := os.WriteFile(path, []byte("too short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, Options{Dir: dir}, node.Invalid, "64 hexadecimal digits")

	wrong := open(t, Options{Dir: dir, MasterKey: bytes.Repeat([]byte{7}, 32)})
	if _, err := wrong.OwnKeys(t.Context()); node.KindOf(err) != node.Damaged || !strings.Contains(node.TextOf(err), "master key") {
		t.Errorf("got %v, want Damaged", err)
	}
	wrong.Close()
	wantRefused(t, Options{Dir: dir, MasterKey: []byte("short")}, node.Invalid, "32 bytes")

	empty := t.TempDir() // its making was broken off before the master key
	open(t, Options{Dir: empty, Create: true}).Close()
	if err := os.Remove(filepath.Join(empty, keyName)); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, Options{Dir: empty}, node.NotFound, "coopnode init")
	open(t, Options{Dir: empty, Create: true})

	elsewhere := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(elsewhere, key, 0o600); err != nil {
		t.Fatal(err)
	}
	right := open(t, Options{Dir: dir, MasterKeyFile: elsewhere})
	wantKey(t, right, "secret")
}

// KEY-5: all keys are sealed anew in one transaction. Stores that are open meanwhile go on, and what they seal
// afterwards is sealed with the new master key; a file that opens the keys is there whenever the machine stops.
func TestReseal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, keyName)
	master := func() string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	db := open(t, Options{Dir: dir, Create: true})
	beside := open(t, Options{Dir: dir})
	saveKey(t, db, "secret")
	first := master()
	if n, err := db.Reseal(t.Context()); n != 1 || err != nil {
		t.Fatalf("sealed %d keys anew, %v", n, err)
	}
	if master() == first {
		t.Error("the master key is the old one")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	wantKey(t, db, "secret")
	wantKey(t, beside, "secret")
	if _, err := db.Reseal(t.Context()); err != nil { // beside has yet another one now
		t.Fatal(err)
	}
	saveKey(t, beside, "changed")
	wantKey(t, db, "changed")
	wantKey(t, open(t, Options{Dir: dir}), "changed")

	// Stopped after the commit, before the new file took the name of the old one.
	second := master()
	if err := os.Rename(path, newKeyPath(path)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(first), 0o600); err != nil {
		t.Fatal(err)
	}
	wantKey(t, beside, "changed")
	wantKey(t, open(t, Options{Dir: dir}), "changed")
	if master() != second || fileExists(newKeyPath(path)) {
		t.Error("the next start has not put the new master key in its place")
	}

	// Stopped before the commit.
	if err := os.WriteFile(newKeyPath(path), []byte(first), 0o600); err != nil {
		t.Fatal(err)
	}
	again := open(t, Options{Dir: dir})
	wantKey(t, again, "changed")
	if _, err := again.Reseal(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantKey(t, open(t, Options{Dir: dir}), "changed")

	given := open(t, Options{Dir: t.TempDir(), Create: true, MasterKey: bytes.Repeat([]byte{7}, 32)})
	if _, err := given.Reseal(t.Context()); node.KindOf(err) != node.Invalid {
		t.Errorf("got %v, want Invalid", err)
	}
}
