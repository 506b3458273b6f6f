package store

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/coopnode/coopnode/node"
)

// The files of the database alone reveal neither the password of the mail server nor a link in a mail that waits (KEY-2), and both
// open after the master key was changed (KEY-5).
func TestSecretsAreSealed(t *testing.T) {
	t.Parallel()
	dir, ctx := t.TempDir(), t.Context()
	const password, token = "THE-PASSWORD-OF-THE-MAIL-SERVER", "THE-TOKEN-OF-A-LINK"
	db := open(t, Options{Dir: dir, Create: true})
	saveKey(t, db, "key")
	if err := db.Tx(ctx, func(tx node.Tx) error {
		if err := tx.SavePerson(ctx, &node.Person{ID: "ana", Name: "Ana", Role: node.RoleReader}); err != nil {
			return err
		}
		if err := tx.SaveSecret(ctx, "mail password", []byte(password)); err != nil {
			return err
		}
		if err := tx.AddNotice(ctx, &node.Notice{ID: "link", To: "ana", Kind: node.NoticeLink, About: "link", State: node.NoticeWaiting}); err != nil {
			return err
		}
		return tx.SealNotice(ctx, "link", []byte(token))
	}); err != nil {
		t.Fatal(err)
	}
	want := func(db *DB) {
		t.Helper()
		if got, err := db.Secret(ctx, "mail password"); string(got) != password {
			t.Errorf("got the password %q, %v", got, err)
		}
		if got, err := db.NoticeSecret(ctx, "link"); string(got) != token {
			t.Errorf("got the token %q, %v", got, err)
		}
	}
	want(db)
	if n, err := db.Reseal(ctx); n != 3 || err != nil {
		t.Fatalf("resealed %d, %v, want 3", n, err)
	}
	want(db)
	db.Close()
	again := open(t, Options{Dir: dir})
	want(again)
	again.Close()
	b, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b, []byte("mail password")) {
		t.Fatal("the secret is not in the file that was looked at")
	}
	for _, secret := range []string{password, token} {
		if bytes.Contains(b, []byte(secret)) {
			t.Errorf("%s can be read in the file", secret)
		}
	}
}
