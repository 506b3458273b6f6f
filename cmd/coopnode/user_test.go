package main

import (
	"bytes"
	"errors"
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
	rootsOwnFiles(t, dir, config)
	said, err := runAs(t, 1, "status", "--data", dir, "--config", config)
	if err == nil || !strings.Contains(said, "belongs to the user") || !strings.Contains(said, "sudo coopnode") {
		t.Errorf("another user: %v, %q", err, said)
	}
}

// rootsOwnFiles: root reads what is its own, and writes where nobody else may; what comes into the data folder is its owner's.
func rootsOwnFiles(t *testing.T, dir, config string) {
	t.Helper()
	roots, back := filepath.Join(t.TempDir(), "root"), filepath.Join(filepath.Dir(dir), "back")
	if err := errors.Join(os.Mkdir(roots, 0o700), os.Mkdir(back, 0o700), os.Chown(back, 65534, 65534),
		os.WriteFile(filepath.Join(roots, "audit.toml"), []byte("title = \"Accessibility audit\"\n"), 0o600),
		os.WriteFile(filepath.Join(roots, "list.csv"), []byte("#domain,#severity\nadvertising.example,suspend\n"), 0o600),
		os.WriteFile(filepath.Join(roots, "erased.log"), []byte("2026-01-02T03:04:05Z https://coop.example/ap/posts/none\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	(&stage{TB: t, dir: roots}).picture("logo.png")
	key, err := os.ReadFile(filepath.Join(dir, "master.key"))
	if err == nil {
		err = os.WriteFile(filepath.Join(roots, "master.key"), key, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{
		"opening new ROOT/audit.toml", "profile picture ROOT/logo.png --description Logo", "block import ROOT/list.csv --yes", "block export ROOT/out.csv",
		"export ROOT/coop.zip", "backup ROOT/coop.tar.gz", "backup ROOT", "backup now", "backup " + dir + "/backups", "verify ROOT/coop.tar.gz",
		"restore ROOT/coop.tar.gz --key ROOT/master.key --erased ROOT/erased.log --data " + back,
	} {
		args := strings.Fields(strings.ReplaceAll(command, "ROOT", roots))
		if !strings.Contains(command, "--data") {
			args = append(args, "--data", dir)
		}
		if said, err := runAs(t, 0, append(args, "--config", config)...); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, said)
		}
	}
	if all := owners(t, roots); len(all) != 1 || !all[0] {
		t.Errorf("root's files belong to the users %v", all)
	}
	for _, data := range []string{dir, back} {
		if all := owners(t, data); len(all) != 1 || !all[65534] {
			t.Errorf("files in %s belong to the users %v", data, all)
		}
	}
	if list, err := os.ReadDir(filepath.Join(dir, "backups")); err != nil || len(list) != 2 {
		t.Errorf("in the folder of the backups stand %v, %v", list, err)
	}
	for _, name := range []string{"out.csv", "coop.zip", "coop.tar.gz"} {
		if info, err := os.Stat(filepath.Join(roots, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// A server that root starts is the owner of its data for good, and has no way back.
func TestServerIsNotRoot(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Log("left out: only root can start a server that is not to be root")
		return
	}
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	letIn(t, filepath.Dir(dir))
	s := &stage{TB: t, dir: t.TempDir(), env: []string{"PATH=" + filepath.Dir(released(t)), "HOME=" + dir}}
	s.must("coopnode init localhost:" + freePort() + " --dev --yes --data " + dir)
	if out, err := exec.Command("chown", "-R", "65534:65534", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s.serve("coopnode serve --data " + dir)
	pid, err := os.ReadFile(filepath.Join(dir, "serve.lock"))
	if err != nil {
		t.Fatal(err)
	}
	status, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Uid:\t65534\t65534\t65534\t65534\n", "Gid:\t65534\t65534\t65534\t65534\n", "CapPrm:\t0000000000000000\n"} {
		if !bytes.Contains(status, []byte(want)) {
			t.Errorf("not in its status: %q\n%s", want, status)
		}
	}
}
