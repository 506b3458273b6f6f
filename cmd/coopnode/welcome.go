package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/coopnode/coopnode/node"
)

// The link with which the first steward comes in stands in this file of the data folder, for its owner alone, until it is
// used or its hour is over: whoever runs the node can read it again, and nobody else (LOGIN-5).
const welcomeName = "welcome-link"

func (h *house) welcomeFile() string { return filepath.Join(h.cfg.Data, welcomeName) }

// welcome is the link with which the first steward comes in, the same one while more than half of its hour is left; ""
// where there is a steward.
func (h *house) welcome(ctx context.Context, by string) (string, error) {
	if founded, err := h.IsFounded(ctx); err != nil || founded {
		return "", err
	}
	link, err := h.readWelcome()
	if err != nil {
		return "", err
	}
	if link != "" {
		pass, err := h.Pass(ctx, path.Base(link))
		if err == nil && pass.Expires.Sub(h.Now()) > 30*time.Minute || err != nil && !node.IsNotFound(err) {
			return link, err
		}
		if err := os.Remove(h.welcomeFile()); err != nil {
			return "", fmt.Errorf("remove an old link for the first steward: %w", err)
		}
	}
	token, err := h.Welcome(ctx, by)
	if err != nil {
		return "", err
	}
	link = h.Links.Pass(token)
	if err := os.WriteFile(h.welcomeFile(), []byte(link+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("write the link for the first steward: %w", err)
	}
	return link, nil
}

// readWelcome gives the link in the file, "" if there is none.
func (h *house) readWelcome() (string, error) {
	b, err := os.ReadFile(h.welcomeFile())
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	} else if err != nil {
		return "", fmt.Errorf("read the link for the first steward: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// endWelcome removes the file when its link does not work any more.
func (h *house) endWelcome(ctx context.Context) error {
	link, err := h.readWelcome()
	if err != nil || link == "" {
		return err
	}
	if _, err := h.Pass(ctx, path.Base(link)); !node.IsNotFound(err) {
		return err
	}
	return os.Remove(h.welcomeFile())
}

// tellWelcome shows the link for the first steward at the start of the server, while there is no steward.
func (a *app) tellWelcome(ctx context.Context, h *house) error {
	link, err := h.welcome(ctx, a.by())
	if err != nil {
		return err
	}
	writeWelcome(a.errOut, link)
	return nil
}

// writeWelcome writes the link in a frame, so that it is seen among other lines; nothing for "".
func writeWelcome(w io.Writer, link string) {
	if link == "" {
		return
	}
	lines := []string{"Come in as the first steward: open this soon. It works once, and for an hour at most.", "", link}
	width := 0
	for _, l := range lines {
		width = max(width, utf8.RuneCountInString(l))
	}
	bar := strings.Repeat("─", width+2)
	fmt.Fprintf(w, "\n┌%s┐\n", bar)
	for _, l := range lines {
		fmt.Fprintf(w, "│ %-*s │\n", width, l)
	}
	fmt.Fprintf(w, "└%s┘\n", bar)
}
