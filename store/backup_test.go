package store

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// pictureName is one that a node could give.
var pictureName = strings.Repeat("a", 26)

// furnished is a node's store with something of each kind in it.
func furnished(t *testing.T) *DB {
	t.Helper()
	db := open(t, Options{})
	set(t, db, "a", "1")
	err := db.Tx(t.Context(), func(tx node.Tx) error {
		return tx.SaveOwnKey(t.Context(), &node.OwnKey{ID: "https://a.example/ap/coop#main-key", PKCS8: []byte("the secret of this coop")})
	})
	if err == nil {
		err = db.WritePicture(pictureName, []byte("a picture"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func backup(t *testing.T, db *DB, withKey bool) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "coop.tar.gz")
	out, err := CreateFile("make backup", path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Discard()
	if _, err := db.Backup(t.Context(), out, BackupOptions{Scratch: ScratchOf(path), Program: "1", Address: "https://a.example", WithKey: withKey}); err != nil {
		t.Fatal(err)
	}
	if err := out.Keep(); err != nil {
		t.Fatal(err)
	}
	return path
}

// opened is a file until the test is over.
func opened(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func wantError(t *testing.T, what string, err error, kind node.Kind, words string) {
	t.Helper()
	if err == nil || node.KindOf(err) != kind || !strings.Contains(node.TextOf(err), words) {
		t.Errorf("%s: got %v (kind %d), want kind %d with %q", what, err, node.KindOf(err), kind, words)
	}
}

// A backup is one file for its owner alone, which is proved and restored whole; the master key is not in it, and the keys
// are sealed (BAK-1 to BAK-4, KEY-2).
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	db := furnished(t)
	path := backup(t, db, false)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if list, err := os.ReadDir(filepath.Dir(path)); err != nil || len(list) != 1 {
		t.Errorf("beside the backup stands %v (%v)", list, err)
	}
	_, err := CreateFile("make backup", path)
	wantError(t, "over a file", err, node.Exists, "Choose another name")
	m, err := Verify(t.Context(), path, "", nil)
	if err != nil || len(m.Files) != 2 || m.WithKey || m.Schema == 0 || m.Address != "https://a.example" {
		t.Fatalf("verified: %+v, %v", m, err)
	}
	key := filepath.Join(db.shelf.dir, keyName)
	secret, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readArchive(t.Context(), opened(t, path), usualLimits, nil, func(name string, r io.Reader) error {
		var b bytes.Buffer
		_, err := b.ReadFrom(r)
		for _, s := range []string{"the secret of this coop", strings.TrimSpace(string(secret))} {
			if strings.Contains(b.String(), s) {
				t.Errorf("%s holds what is secret", name)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}

	dir := filepath.Join(t.TempDir(), "new")
	_, err = Restore(t.Context(), path, RestoreOptions{Dir: dir})
	wantError(t, "without the key", err, node.Invalid, "--key FILE")
	wrong := filepath.Join(t.TempDir(), "wrong")
	if err := os.WriteFile(wrong, []byte(strings.Repeat("ab", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Restore(t.Context(), path, RestoreOptions{Dir: dir, KeyFile: wrong})
	wantError(t, "with another key", err, node.Damaged, "does not open the keys")
	wantRefused(t, Options{Dir: dir}, node.NotFound, "no node in")
	if _, err = Restore(t.Context(), path, RestoreOptions{Dir: dir, KeyFile: key}); err != nil {
		t.Fatal(err)
	}
	back := open(t, Options{Dir: dir, Serve: true})
	if v, err := back.Setting(t.Context(), "a"); err != nil || v != "1" {
		t.Errorf("setting %q, %v", v, err)
	}
	if keys, err := back.OwnKeys(t.Context()); err != nil || len(keys) != 1 || string(keys[0].PKCS8) != "the secret of this coop" {
		t.Errorf("keys %v, %v", keys, err)
	}
	f, err := back.OpenPicture(pictureName)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if since, err := node.PausedSince(t.Context(), back); err != nil || since.IsZero() {
		t.Errorf("deliveries are not paused: %v, %v", since, err)
	}
	_, err = Restore(t.Context(), path, RestoreOptions{Dir: dir, KeyFile: key})
	wantError(t, "while it serves", err, node.Busy, "uses the data")
	back.Close()
	_, err = Restore(t.Context(), path, RestoreOptions{Dir: dir, KeyFile: key})
	wantError(t, "over a node", err, node.Exists, "is not empty")

	// With the key in it, it needs nothing else.
	whole := filepath.Join(t.TempDir(), "whole")
	if _, err := Restore(t.Context(), backup(t, db, true), RestoreOptions{Dir: whole}); err != nil {
		t.Fatal(err)
	}
	open(t, Options{Dir: whole, Serve: true})
}

// Whatever changes in a backup, and wherever it is cut, is seen; nothing is restored from it (BAK-2).
func TestDamagedBackup(t *testing.T) {
	t.Parallel()
	path := backup(t, furnished(t), true)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bad, dir := filepath.Join(t.TempDir(), "bad.tar.gz"), filepath.Join(t.TempDir(), "data")
	try := func(what string, b []byte) {
		t.Helper()
		if err := os.WriteFile(bad, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(t.Context(), bad, "", nil); err == nil || node.KindOf(err) != node.Damaged && node.KindOf(err) != node.Invalid {
			t.Errorf("%s: verified with %v", what, err)
		}
		if _, err := Restore(t.Context(), bad, RestoreOptions{Dir: dir}); err == nil {
			t.Errorf("%s: restored", what)
		}
		if fileExists(filepath.Join(dir, fileName)) || fileExists(filepath.Join(dir, keyName)) {
			t.Fatalf("%s: something was left in the folder", what)
		}
	}
	const head = 10 // of gzip: a time and the name of a system, which say nothing
	for i := head; i < len(whole); i += max(1, len(whole)/60) {
		b := bytes.Clone(whole)
		b[i] ^= 1 << (i % 8)
		if !bytes.Equal(unpacked(b), unpacked(whole)) { // a bit between two blocks may say nothing
			try(fmt.Sprint("byte ", i), b)
		}
		try(fmt.Sprint("cut at ", i), whole[:i])
	}
	b := bytes.Clone(whole)
	b[len(b)-5] ^= 1 // in the check of the compression
	try("check", b)

	// Packed anew around another content, everything agrees but what the manifest says.
	var anew bytes.Buffer
	zip := gzip.NewWriter(&anew)
	from, to := tar.NewReader(bytes.NewReader(unpacked(whole))), tar.NewWriter(zip)
	for {
		h, err := from.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		content, rerr := io.ReadAll(from)
		if err := errors.Join(err, rerr); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(h.Name, shelfName) {
			content[0] ^= 1
		}
		if err := to.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(to.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	try("another picture", anew.Bytes())
}

// unpacked is what a compressed file holds, as far as it can be read.
func unpacked(b []byte) []byte {
	zip, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil
	}
	out, err := io.ReadAll(zip)
	if err != nil {
		return nil
	}
	return out
}

// What is no backup of ours is refused before anything of it is used: names that lead elsewhere, links, devices, too many,
// too large, what grows without end (MED-4).
func TestHostileArchive(t *testing.T) {
	t.Parallel()
	file := func(name string) *tar.Header {
		return &tar.Header{Name: name, Typeflag: tar.TypeReg, Size: 4, Mode: 0o600}
	}
	link := func(kind byte, name, to string) *tar.Header {
		return &tar.Header{Name: name, Typeflag: kind, Linkname: to}
	}
	small := usualLimits
	small.files, small.database, small.other, small.total, small.free = 3, 5000, 1000, 6000, 100
	picture := shelfName + "/" + pictureName
	for _, tt := range []struct {
		name    string
		headers []*tar.Header
		words   string
	}{
		{"absolute", []*tar.Header{file("/etc/passwd")}, "no file of a node"},
		{"upwards", []*tar.Header{file("../" + fileName)}, "no file of a node"},
		{"upwards below", []*tar.Header{file(shelfName + "/../" + keyName)}, "no file of a node"},
		{"upwards as a picture", []*tar.Header{file(shelfName + "/../../" + pictureName)}, "no file of a node"},
		{"with backslashes", []*tar.Header{file(`..\coopnode.db`)}, "no file of a node"},
		{"with a dot", []*tar.Header{file("./" + fileName)}, "no file of a node"},
		{"below a file", []*tar.Header{file(fileName + "/x")}, "no file of a node"},
		{"the log of a database", []*tar.Header{file(fileName + "-wal")}, "no file of a node"},
		{"the configuration", []*tar.Header{file("coopnode.toml")}, "no file of a node"},
		{"symbolic link", []*tar.Header{link(tar.TypeSymlink, fileName, "/etc/passwd")}, "a link"},
		{"hard link", []*tar.Header{link(tar.TypeLink, picture, fileName)}, "a link"},
		{"folder", []*tar.Header{link(tar.TypeDir, shelfName+"/", "")}, "folder"},
		{"device", []*tar.Header{link(tar.TypeChar, keyName, "")}, "device"},
		{"pipe", []*tar.Header{link(tar.TypeFifo, fileName, "")}, "device"},
		{"twice", []*tar.Header{file(fileName), file(fileName)}, "twice"},
		{"behind the manifest", []*tar.Header{file(manifestName), file(fileName)}, "behind the end"},
		{"too many", []*tar.Header{file(fileName), file(keyName), file(picture), file(shelfName + "/" + strings.Repeat("b", 26))}, "more than 3 files"},
		{"too large", []*tar.Header{{Name: picture, Typeflag: tar.TypeReg, Size: 1001}}, "too large"},
		{"too large a database", []*tar.Header{{Name: fileName, Typeflag: tar.TypeReg, Size: 5001}}, "too large"},
		{"too large in all", []*tar.Header{{Name: fileName, Typeflag: tar.TypeReg, Size: 4500}, {Name: picture, Typeflag: tar.TypeReg, Size: 900},
			{Name: shelfName + "/" + strings.Repeat("b", 26), Typeflag: tar.TypeReg, Size: 900}}, "too large"},
	} {
		var b bytes.Buffer
		zip := gzip.NewWriter(&b)
		w := tar.NewWriter(zip)
		for _, h := range tt.headers {
			if err := w.WriteHeader(h); err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			noise := make([]byte, h.Size)
			for i := range noise {
				noise[i] = byte(i * i >> 3)
			}
			if _, err := w.Write(noise); err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
		}
		w.Flush()
		zip.Close()
		path := filepath.Join(t.TempDir(), "hostile.tar.gz")
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := readArchive(t.Context(), opened(t, path), small, nil, func(string, io.Reader) error { return nil })
		wantError(t, tt.name, err, node.Invalid, tt.words)
		if !strings.Contains(tt.name, "too") { // the usual limits are far off
			dir := t.TempDir()
			_, err = Restore(t.Context(), path, RestoreOptions{Dir: dir})
			wantError(t, tt.name+", restored", err, node.Invalid, "Nothing was written")
			if list, _ := os.ReadDir(dir); len(list) != 1 { // the lock
				t.Errorf("%s: left behind is %v", tt.name, list)
			}
		}
	}

	// A gigabyte of nothing in a megabyte.
	path := filepath.Join(t.TempDir(), "bomb.tar.gz")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, _ := gzip.NewWriterLevel(f, gzip.BestSpeed)
	w := tar.NewWriter(zip)
	if err := w.WriteHeader(&tar.Header{Name: fileName, Typeflag: tar.TypeReg, Size: 1 << 28}); err != nil {
		t.Fatal(err)
	}
	nothing := make([]byte, 1<<20)
	for range 1 << 8 {
		if _, err := w.Write(nothing); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	zip.Close()
	dir := t.TempDir()
	_, err = Restore(t.Context(), path, RestoreOptions{Dir: dir})
	wantError(t, "bomb", err, node.Invalid, "more than a hundred times")
}

// Backups that are made while others write are each a whole moment: what belongs together is there together (BAK-1).
func TestBackupBesideWriters(t *testing.T) {
	t.Parallel()
	db := furnished(t)
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	var written atomic.Int64
	for w := range 4 {
		writers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id := fmt.Sprintf("pair-%d-%d", w, i)
				err := db.Tx(context.WithoutCancel(ctx), func(tx node.Tx) error {
					if err := tx.SetSetting(ctx, id, "1"); err != nil {
						return err
					}
					_, err := tx.KeepLetter(ctx, &node.Letter{IRI: id, Received: noon})
					return err
				})
				if err != nil {
					t.Error(err)
				}
				written.Add(1)
			}
		})
	}
	for range 3 {
		before := written.Load()
		dir := filepath.Join(t.TempDir(), "back")
		if _, err := Restore(t.Context(), backup(t, db, true), RestoreOptions{Dir: dir}); err != nil {
			t.Error(err)
			break
		}
		back := open(t, Options{Dir: dir})
		settings, letters := names(t, back, `select key from setting where key like 'pair-%'`), names(t, back, `select iri from letter`)
		if len(settings) != len(letters) || int64(len(settings)) < before {
			t.Errorf("%d and %d halves are in the backup, at least %d had been acknowledged", len(settings), len(letters), before)
		}
	}
	stop()
	writers.Wait()
	if written.Load() == 0 {
		t.Error("nobody wrote, so nothing was shown")
	}
}

// What is erased is noted outside the database, before it is true (BAK-5).
func TestErasuresAreNoted(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	save := func(iri string, local, deleted bool) error {
		p := &node.Post{Base: node.Base{ID: node.RemoteID(iri), IRI: iri, Type: node.TypePost, Local: local}}
		if deleted {
			p.Deleted = noon
		}
		return db.Tx(t.Context(), func(tx node.Tx) error { return tx.SaveObject(t.Context(), p) })
	}
	for _, err := range []error{save("https://a.example/1", true, false), save("https://b.example/2", false, true), save("https://a.example/3", true, true), save("https://a.example/3", true, true)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if list, err := db.Erased(); err != nil || len(list) != 1 || list[0] != "https://a.example/3" {
		t.Errorf("noted are %q, %v", list, err)
	}
	if err := os.Rename(filepath.Join(db.shelf.dir, erasedName), filepath.Join(db.shelf.dir, "kept")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(db.shelf.dir, erasedName), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := save("https://a.example/4", true, true); err == nil {
		t.Error("erased without a note")
	}
	if _, err := db.Object(t.Context(), "https://a.example/4"); !node.IsNotFound(err) {
		t.Errorf("it is there all the same: %v", err)
	}
}

// A session or a link that is in a backup does not come back with it: it may have ended since (SES-4 to SES-6, LOGIN-6). Nor does
// what was true of the other machine alone. Who restored stands in the audit log.
func TestRestoreSignsOut(t *testing.T) {
	t.Parallel()
	db := furnished(t)
	if err := db.Tx(t.Context(), func(tx node.Tx) error {
		return errors.Join(
			tx.SavePerson(t.Context(), &node.Person{ID: "anna222222", Name: "Anna", Role: node.RoleSteward, Created: noon, Joined: noon}),
			tx.SaveSession(t.Context(), &node.Session{ID: "sssn222222", Sum: "s", Person: "anna222222", Created: noon, Ends: noon.Add(time.Hour)}),
			tx.SavePass(t.Context(), &node.Pass{Kind: node.PassSignIn, Sum: "p", Person: "anna222222", Expires: noon.Add(time.Hour)}),
			tx.SetSetting(t.Context(), "certificates", `[{"name":"a.example"}]`), tx.SetSetting(t.Context(), "backup.status", `{"path":"/there"}`),
			tx.SetSetting(t.Context(), "backup", `{"copy":"/mnt/usb"}`),
		)
	}); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "new")
	if _, err := Restore(t.Context(), backup(t, db, true), RestoreOptions{Dir: dir, By: "command:test"}); err != nil {
		t.Fatal(err)
	}
	back := open(t, Options{Dir: dir})
	if _, err := back.Person(t.Context(), "anna222222"); err != nil {
		t.Error(err)
	}
	_, err := back.Session(t.Context(), "s")
	wantError(t, "session", err, node.NotFound, "")
	_, err = back.Pass(t.Context(), "p")
	wantError(t, "link", err, node.NotFound, "")
	for key, want := range map[string]string{"certificates": "", "backup.status": "", "backup": `{"copy":"/mnt/usb"}`} {
		if got, err := back.Setting(t.Context(), key); err != nil || got != want {
			t.Errorf("%s is %q, %v, want %q", key, got, err, want)
		}
	}
	log, err := back.AuditEntries(t.Context(), node.AuditQuery{})
	if err != nil || len(log) != 1 || log[0].Name != "command:test" || log[0].Action != "node.restore" {
		t.Errorf("audit log %+v, %v", log, err)
	}
}
