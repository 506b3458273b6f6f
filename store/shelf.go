package store

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/coopnode/coopnode/node"
)

// shelfName is the folder of pictures in the data folder, unfinished the ending of a file that is being written.
const (
	shelfName  = "pictures"
	unfinished = ".new"
)

// shelf is where the files of pictures are. It is opened as an os.Root, out of which no name leads (MED-3).
type shelf struct {
	dir  string
	mu   sync.Mutex
	root *os.Root // nil until its first use
}

// open makes the folder at its first use.
func (s *shelf) open() (*os.Root, error) {
	const op = "open pictures"
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.root != nil {
		return s.root, nil
	}
	path := filepath.Join(s.dir, shelfName)
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fileError(op, path, err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fileError(op, path, err)
	}
	s.root = root
	return root, nil
}

func (s *shelf) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.root == nil {
		return nil
	}
	return s.root.Close()
}

// WritePicture writes a file that is there whole, and safe on disk, or not at all. Invalid for a name that is none.
func (db *DB) WritePicture(name string, b []byte) error {
	const op = "write picture"
	if !node.IsPictureName(name) {
		return badName(op, name)
	}
	root, err := db.shelf.open()
	if err != nil {
		return err
	}
	err = writeFile(root, name+unfinished, b)
	if err == nil {
		err = root.Rename(name+unfinished, name)
	}
	if err == nil {
		err = syncFolder(root)
	}
	if err != nil {
		root.Remove(name + unfinished) // if it stays, the next start removes it
		return fileError(op, filepath.Join(db.shelf.dir, shelfName, name), err)
	}
	return nil
}

func writeFile(root *os.Root, name string, b []byte) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncFolder makes names safe on disk.
func syncFolder(root *os.Root) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// OpenPicture opens a file to be read. NotFound.
func (db *DB) OpenPicture(name string) (io.ReadSeekCloser, error) {
	const op = "open picture"
	if !node.IsPictureName(name) {
		return nil, badName(op, name)
	}
	root, err := db.shelf.open()
	if err != nil {
		return nil, err
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, fileError(op, name, err)
	}
	return f, nil
}

// RemovePicture removes a file, written whole or not. It is no error if it is gone.
func (db *DB) RemovePicture(name string) error {
	const op = "remove picture"
	if !node.IsPictureName(strings.TrimSuffix(name, unfinished)) {
		return badName(op, name)
	}
	root, err := db.shelf.open()
	if err != nil {
		return err
	}
	if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fileError(op, name, err)
	}
	return nil
}

// PictureFiles lists the files, unfinished ones too. What has no name of a picture is not ours and is left out.
func (db *DB) PictureFiles() ([]node.ShelvedFile, error) {
	const op = "list pictures"
	root, err := db.shelf.open()
	if err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, fileError(op, shelfName, err)
	}
	var list []node.ShelvedFile
	for _, e := range entries {
		if !node.IsPictureName(strings.TrimSuffix(e.Name(), unfinished)) {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed since
		} else if err != nil {
			return nil, fileError(op, e.Name(), err)
		}
		list = append(list, node.ShelvedFile{Name: e.Name(), Changed: info.ModTime(), Bytes: info.Size()})
	}
	return list, nil
}

func badName(op, name string) error {
	return &node.Error{Op: op, Kind: node.Invalid, Subject: name, Text: "That is not the name of a picture."}
}
