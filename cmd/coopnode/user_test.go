package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// runAs runs the program as a user, 0 for root.
func runAs(t *testing.T, uid uint32, args ...string) (string, error) {
	t.Helper()
	bin, err := exec.LookPath("coopnode") // the test binary under that name (TestMain)
	if err != nil {
		t.Fatal(err)
	}
	letIn(t, bin)
	if real, err := filepath.EvalSymlinks(bin); err == nil {
		letIn(t, real)
	}
	cmd := exec.Command(bin, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir()}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err = cmd.Run()
	return said.String(), err
}

// letIn lets other users go to a place in the folder for temporary files.
func letIn(t *testing.T, path string) {
	t.Helper()
	for ; len(path) > len(os.TempDir()); path = filepath.Dir(path) {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// owners lists whose the files of a folder are.
func owners(t *testing.T, dir string) map[int]bool {
	t.Helper()
	all := map[int]bool{}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if uid, _, ok := ownerOf(path); ok {
			all[uid] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Root acts as the owner of the data folder, so that it makes no files that the server cannot write; everybody else is told.
func TestWhoseDataFolder(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("left out: only root can give a folder to somebody else")
		return
	}
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	letIn(t, dir)
	if err := os.Chown(dir, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	// init is root again for what is not in the folder.
	config := filepath.Join(filepath.Dir(dir), "coopnode.toml")
	for range 2 {
		if said, err := runAs(t, 0, "init", "coop.example", "--offline", "--tls", "off", "--yes", "--data", dir, "--config", config); err != nil {
			t.Fatalf("init: %v\n%s", err, said)
		}
	}
	for _, command := range []string{"status", "person list"} {
		if said, err := runAs(t, 0, append(strings.Fields(command), "--data", dir, "--config", config)...); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, said)
		}
	}
	if all := owners(t, dir); len(all) != 1 || !all[65534] {
		t.Errorf("files in the folder belong to the users %v", all)
	}
	if uid, _, _ := ownerOf(config); uid != 0 {
		t.Errorf("the configuration belongs to the user %d", uid)
	}
	said, err := runAs(t, 1, "status", "--data", dir, "--config", config)
	if err == nil || !strings.Contains(said, "belongs to the user") || !strings.Contains(said, "sudo coopnode") {
		t.Errorf("another user: %v, %q", err, said)
	}
}
