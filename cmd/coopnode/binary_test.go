package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// builds is the folder of what is built once for all tests.
var builds struct {
	sync.Mutex
	dir string
}

// tidy removes what was built, after all tests.
type tidy struct{ *testing.M }

func (m tidy) Run() int {
	defer func() { os.RemoveAll(builds.dir) }()
	return m.M.Run()
}

// released is the program as make build makes it, built once.
func released(t testing.TB) (program string) {
	t.Helper()
	return builtOnce(t, "coopnode", func(out string) *exec.Cmd { return exec.Command("make", "-C", "../..", "build", "OUT="+out) })
}

// builtOnce is a file that the first who asks makes with a command.
func builtOnce(t testing.TB, name string, by func(out string) *exec.Cmd) (path string) {
	t.Helper()
	builds.Lock()
	defer builds.Unlock()
	if builds.dir == "" {
		var err error
		if builds.dir, err = os.MkdirTemp("", "coopnode-builds"); err != nil {
			t.Fatal(err)
		}
	}
	path = filepath.Join(builds.dir, name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if out, err := by(path).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	return path
}

// The program stays small: no template engine in it, which would keep every method of every
// ActivityStreams type alive, and at most 40 MB (decisions 8; issue 2, 8).
func TestBinaryIsSmall(t *testing.T) {
	info, err := os.Stat(released(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f MB", float64(info.Size())/1e6)
	if info.Size() > 40e6 {
		t.Errorf("the program has %.1f MB, want at most 40", float64(info.Size())/1e6)
	}
	named := filepath.Join(t.TempDir(), "named") // with the names that a released one has not
	if out, err := exec.Command("go", "build", "-o", named, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	names, err := exec.Command("go", "tool", "nm", named).Output()
	if err != nil {
		t.Fatalf("nm: %v", err)
	}
	if !bytes.Contains(names, []byte("main.run")) {
		t.Fatal("nm does not list main.run, so it cannot tell what is missing")
	}
	for _, name := range []string{"text/template.(*Template).Execute", "html/template.(*Template).Execute"} {
		if bytes.Contains(names, []byte(name)) {
			t.Errorf("%s is in the program", name)
		}
	}
}
