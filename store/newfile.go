package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/coopnode/coopnode/node"
)

// A NewFile is there whole and safe on disk once Keep has returned, readable by its owner alone, or not at all.
type NewFile struct {
	*os.File
	name string
}

// CreateFile begins a file beside the name that it will have. Exists if there is one of that name.
func CreateFile(op, name string) (*NewFile, error) {
	if err := wantNone(op, name); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*"+unfinished) // a name that nobody can have prepared
	switch dir := filepath.Dir(name); {
	case errors.Is(err, fs.ErrPermission):
		return nil, &node.Error{Op: op, Kind: node.Forbidden, Subject: name, Text: "This user may not make files in " + dir + ". Choose another folder.", Err: err}
	case errors.Is(err, fs.ErrNotExist):
		return nil, fileError(op, dir, err)
	case err != nil:
		return nil, fileError(op, name, err)
	}
	return &NewFile{f, name}, nil
}

func wantNone(op, name string) error {
	if _, err := os.Lstat(name); err != nil {
		return nil
	}
	return &node.Error{Op: op, Kind: node.Exists, Subject: name, Text: "There is a file " + name + " already. Choose another name."}
}

// Keep gives the file its name. Exists if there is one by now.
func (f *NewFile) Keep() error {
	const op = "keep file"
	if err := wantNone(op, f.name); err != nil {
		return err
	}
	err := f.Sync()
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		err = os.Rename(f.File.Name(), f.name)
	}
	if err == nil {
		err = syncDir(filepath.Dir(f.name))
	}
	if err != nil {
		return fileError(op, f.name, err)
	}
	return nil
}

// Discard removes the file unless it was kept.
func (f *NewFile) Discard() {
	_ = f.Close()
	_ = os.Remove(f.File.Name())
}
