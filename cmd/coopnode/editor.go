package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"

	"github.com/coopnode/coopnode/node"
)

// A draft is a text that a person has written in the editor. Its file stays until it was used, so
// that nothing typed is lost when it cannot be.
type draft struct {
	path string
	text []byte
}

// edit opens the person's editor on a text. A draft that comes back unchanged has no text.
func (a *app) edit(ctx context.Context, name string, text []byte) (*draft, error) {
	editor, _ := a.env("VISUAL")
	if editor == "" {
		editor, _ = a.env("EDITOR")
	}
	if editor == "" && a.asks() {
		editor = "vi"
	}
	if editor == "" {
		return nil, wrongUse("Nothing was given and there is no editor here. Give the values as flags (see --help), as a file, or set EDITOR.")
	}
	pattern := "coopnode-" + name + "-*.toml"
	f, err := os.CreateTemp("", pattern)
	if errors.Is(err, fs.ErrPermission) { // a folder of root, who has become the owner of the data
		f, err = os.CreateTemp("/tmp", pattern)
	}
	if err != nil {
		return nil, fmt.Errorf("make file for the editor: %w", err)
	}
	d := &draft{path: f.Name()}
	_, err = f.Write(text)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return nil, fmt.Errorf("write file for the editor: %w", err)
	}
	words := append(strings.Fields(editor), d.path)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.in, a.errOut, a.errOut
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("the editor %q ended badly, so nothing was changed; your text is in %s: %w", editor, d.path, err)
	}
	if d.text, err = os.ReadFile(d.path); err != nil {
		return nil, fmt.Errorf("read what you wrote: %w", err)
	}
	if bytes.Equal(d.text, text) {
		d.text = nil
		d.done()
	}
	return d, nil
}

// done takes the file away: what was written is in use now.
func (d *draft) done() { os.Remove(d.path) }

// kept adds to an error where the text is that it concerns.
func (d *draft) kept(err error) error {
	if text := node.TextOf(err); text != "" {
		return &node.Error{Op: "use what you wrote", Kind: node.KindOf(err), Text: text + "\nYour text is kept in " + d.path + ": correct it there and give the file's name to the same command.", Err: err}
	}
	return fmt.Errorf("use what you wrote in %s: %w", d.path, err)
}
