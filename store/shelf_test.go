package store

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/coopnode/coopnode/node"
)

// MED-3: no name leads out of the folder of pictures, neither by its letters nor by a link that stands there.
func TestPicturesStayInTheirFolder(t *testing.T) {
	dir := t.TempDir()
	db, err := Open(t.Context(), Options{Dir: dir, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const good = "abcdefghijklmnopqrstuvwxyz"
	if err := db.WritePicture(good, []byte("x")); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	const link = "bbbbbbbbbbbbbbbbbbbbbbbbbb"
	if err := os.Symlink(secret, filepath.Join(dir, shelfName, link)); err != nil {
		t.Fatal(err)
	}
	if f, err := db.OpenPicture(link); err == nil {
		f.Close()
		t.Error("a link was followed out of the folder")
	}
	for _, name := range []string{"", ".", "..", secret, "../coopnode.db", "a/b", good + "/", good + "\x00", "../../../../../../../../ab"} {
		if err := db.WritePicture(name, []byte("x")); node.KindOf(err) != node.Invalid {
			t.Errorf("write %q: %v", name, err)
		}
		if f, err := db.OpenPicture(name); err == nil {
			f.Close()
			t.Errorf("%q was opened", name)
		}
	}
}
