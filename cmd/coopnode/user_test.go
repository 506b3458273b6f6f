package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// A command of the wrong user says so before it makes files that the server cannot write.
func TestWrongUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("left out: only root can give a folder to somebody else")
		return
	}
	dir := t.TempDir()
	if err := os.Chown(dir, 1, 1); err != nil {
		t.Fatal(err)
	}
	var errOut bytes.Buffer
	if code := run([]string{"status", "--data", dir}, strings.NewReader(""), &errOut, &errOut); code != exitFailed {
		t.Errorf("exit code %d, want %d", code, exitFailed)
	}
	if !strings.Contains(errOut.String(), "belongs to the user") || !strings.Contains(errOut.String(), "sudo -u") {
		t.Errorf("it says %q", errOut.String())
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("files were made: %v, %v", files, err)
	}
}
