package aptest

import (
	"fmt"
	"os"
	"testing"
)

// LeaveOut says by name what a test does not check because a program is not installed. With
// COOPNODE_EVERYTHING=1, as in make test, which installs them, nothing may be left out and it fails the test.
func LeaveOut(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("COOPNODE_EVERYTHING") != "" {
		t.Fatalf("left out: %s", what)
	}
	Without(t, what)
}

// Without says by name what a test does not check because the folder ../shared is not beside the project.
// go test shows what passing tests log only with -v, so a person at a terminal is told directly.
func Without(t testing.TB, what string) {
	t.Helper()
	t.Logf("left out: %s", what)
	if terminal, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0); err == nil {
		fmt.Fprintf(terminal, "%s left out: %s\n", t.Name(), what)
		terminal.Close()
	}
}
