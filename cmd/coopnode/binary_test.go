package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The program stays small: no template engine in it, which would keep every method of every
// ActivityStreams type alive, and at most 40 MB (decisions 8; issue 2, 8).
func TestBinaryIsSmall(t *testing.T) {
	dir := t.TempDir()
	released, named := filepath.Join(dir, "coopnode"), filepath.Join(dir, "named")
	for _, build := range [][]string{{"make", "-C", "../..", "build", "OUT=" + released}, {"go", "build", "-o", named, "."}} {
		if out, err := exec.Command(build[0], build[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", build, err, out)
		}
	}
	info, err := os.Stat(released)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f MB", float64(info.Size())/1e6)
	if info.Size() > 40e6 {
		t.Errorf("the program has %.1f MB, want at most 40", float64(info.Size())/1e6)
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
