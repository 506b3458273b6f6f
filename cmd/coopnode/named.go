package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/coopnode/coopnode/store"
)

// Files that a person names in a command are opened and made as whoever runs it, and not as the owner of the data.

func openNamed(name string) (f *os.File, err error) {
	err = asCaller(func() error { f, err = os.Open(name); return err })
	return f, err
}

// input opens a file, or standard input where it is called "-".
func (a *app) input(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(a.in), nil
	}
	f, err := openNamed(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing("There is no file %s.", name)
	} else if err != nil {
		return nil, fmt.Errorf("read file: %w", err)
	}
	return f, nil
}

// inOwnersFolder says whether a file is in a folder of who acts, where root would only be in the way.
func inOwnersFolder(name string) bool {
	uid, _, ok := ownerOf(filepath.Dir(name))
	return ok && uid == os.Geteuid()
}

// isFolder says whether a person names a folder.
func isFolder(name string) (is bool) {
	_ = asCaller(func() error {
		info, err := os.Stat(name)
		is = err == nil && info.IsDir()
		return nil
	})
	return is
}

// writeNamed makes a file by what fill writes, whole or not at all. In a folder of the owner of the data it is the owner's. Exists
// if there is one of that name.
func writeNamed(op, name string, fill func(*os.File) error) error {
	as := asCaller
	if inOwnersFolder(name) {
		as = func(do func() error) error { return do() }
	}
	var f *store.NewFile
	if err := as(func() (err error) { f, err = store.CreateFile(op, name); return err }); err != nil {
		return err
	}
	err := fill(f.File)
	return as(func() error {
		defer f.Discard()
		if err != nil {
			return err
		}
		return f.Keep()
	})
}
