package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/coopnode/coopnode/node"
)

// queueStands is how long a server whose turn it is may wait before readiness says that letters do not move.
const queueStands = 10 * time.Minute

// moves is an error where letters that are due have waited for long though nothing holds them back.
func (h *house) moves(ctx context.Context) error {
	due, err := h.Store().NextDue(ctx)
	if err != nil || due.IsZero() || h.Now().Sub(due) < queueStands {
		return err
	}
	if paused, err := node.PausedSince(ctx, h.Store()); err != nil || !paused.IsZero() {
		return err
	}
	return fmt.Errorf("%w since %s", errStands, due)
}

var errStands = errors.New("letters do not go out")

// servedSince says since when a server runs on a data folder; the zero time where none does.
func servedSince(dir string) time.Time {
	path := filepath.Join(dir, "serve.lock")
	text, err := os.ReadFile(path)
	if err != nil {
		return time.Time{}
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return time.Time{}
	}
	if err := syscall.Kill(pid, 0); err != nil && !errors.Is(err, syscall.EPERM) {
		return time.Time{}
	}
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// certificateText is how a certificate stands that the node gets by itself.
func certificateText(c node.Certificate, now time.Time) string {
	switch {
	case c.Held(now):
		return "valid until " + moment(c.Until)
	case c.Trouble != "":
		return "none: " + c.Trouble + " (coopnode doctor)"
	}
	return "none yet"
}
