package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Who stops a command that writes a file leaves none, not even half of one. Not beside other tests, for all hear the signal.
func TestStoppedCommandLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	act := stoppable(func(ctx context.Context, _ *house, _ []string) error {
		return writeNamed("test", filepath.Join(dir, "coop.zip"), func(f *os.File) error {
			if _, err := f.WriteString("half"); err != nil {
				return err
			}
			if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
				return err
			}
			<-ctx.Done()
			return ctx.Err()
		})
	})
	if err := act(t.Context(), nil, nil); err == nil || !strings.Contains(err.Error(), "stopped") {
		t.Errorf("the command says %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
