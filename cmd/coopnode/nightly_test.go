package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
)

// BAK-1, BAK-2, DB-3: a node that serves makes a backup by itself where the last one is too old, copies it to the second folder,
// restores it for a test and checks the whole database; what came of that is shown.
func TestNightlyBackup(t *testing.T) {
	t.Parallel()
	p := newProgram(t, "coopnode", "The mill")
	p.command("post", "new", "-q", "--text", "Kept every night.")
	second := t.TempDir()
	p.command("backup", "settings", "--copy", second)
	if s := p.command("status"); !strings.Contains(s, "none yet; the first one comes at night") {
		t.Errorf("status says:\n%s", s)
	}
	h := p.house()
	if err := h.NoteBackup(t.Context(), func(s *node.BackupStatus) { s.Since = time.Now().Add(-8 * 24 * time.Hour) }); err != nil {
		t.Fatal(err)
	}
	h.db.Close()
	p.start()
	status := func() (s node.BackupStatus) {
		if err := json.Unmarshal([]byte(p.command("backup", "settings", "--json")), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	p.until("all was done", func() bool {
		s := status()
		return !s.Made.Done.IsZero() && !s.Copied.Done.IsZero() && !s.Restored.Done.IsZero() && !s.Checked.Done.IsZero()
	})
	p.stop()
	s := status()
	for _, dir := range []string{filepath.Join(p.dir, store.BackupsName), second} {
		list, err := os.ReadDir(dir)
		if err != nil || len(list) != 1 || filepath.Base(s.Path) != list[0].Name() {
			t.Errorf("in %s are %v (%v), want %s alone", dir, list, err, filepath.Base(s.Path))
		}
	}
	if out := p.command("backup", "list"); strings.Count(out, "-nightly-") != 2 {
		t.Errorf("backup list says:\n%s", out)
	}
	for _, want := range []string{"backup made", "restored for a test", "whole database checked"} { // LOG-2
		if !strings.Contains(p.log.String(), want) {
			t.Errorf("the log does not say %q", want)
		}
	}
	if s := p.command("status"); !strings.Contains(s, "backup") || strings.Contains(s, "none yet") {
		t.Errorf("status says:\n%s", s)
	}

	// It is one that gives the node back, with the key that is kept apart (BAK-3).
	back := filepath.Join(t.TempDir(), "back")
	if _, err := store.Restore(t.Context(), s.Path, store.RestoreOptions{Dir: back}); node.KindOf(err) != node.Invalid {
		t.Errorf("restored without the master key: %v", err)
	}
	if _, err := store.Restore(t.Context(), s.Path, store.RestoreOptions{Dir: back, KeyFile: filepath.Join(p.dir, "master.key")}); err != nil {
		t.Error(err)
	}
}

// A backup that cannot be made is said to be so, and leaves the others alone.
func TestNightlyBackupFails(t *testing.T) {
	t.Parallel()
	p := newProgram(t, "coopnode", "The mill")
	folder, second := t.TempDir(), filepath.Join(t.TempDir(), "usb")
	if err := os.Mkdir(second, 0o700); err != nil {
		t.Fatal(err)
	}
	p.command("backup", "settings", "--folder", folder, "--copy", second)
	p.command("backup", "now")
	if err := os.RemoveAll(second); err != nil { // the disk is not mounted
		t.Fatal(err)
	}
	fails := func(want string, args ...string) {
		t.Helper()
		out, err := p.run(args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%v: %v\n%s\nwant %q", args, err, out, want)
		}
	}
	time.Sleep(time.Second) // backups are called by the second
	fails("Is its disk mounted?", "backup", "now")
	if _, err := os.Stat(second); err == nil {
		t.Error("a folder was made in the place of the disk")
	}
	if out := p.command("backup", "settings"); !strings.Contains(out, "Is its disk mounted?") {
		t.Errorf("settings say:\n%s", out)
	}
	p.command("backup", "settings", "--copy", "")
	free, err := store.LockBackups(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	fails("makes a backup", "backup", "now")
	free()
	list, err := store.Nightlies(folder, p.house().Links.Host())
	if err != nil || len(list) != 1 { // two of one day: the newer one stays
		t.Errorf("%d backups are there (%v)", len(list), err)
	}
	fails("There is no folder", "backup", "settings", "--folder", filepath.Join(folder, "none"))
}
