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
	bin := filepath.Join(t.TempDir(), "coopnode")
	// -w leaves out what debuggers need but keeps the names that nm reads; -s would save a little more.
	if out, err := exec.Command("go", "build", "-ldflags=-w", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	info, err := os.Stat(bin)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f MB", float64(info.Size())/1e6)
	if info.Size() > 40e6 {
		t.Errorf("the program has %.1f MB, want at most 40", float64(info.Size())/1e6)
	}
	names, err := exec.Command("go", "tool", "nm", bin).Output()
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
