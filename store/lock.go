package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/coopnode/coopnode/node"
)

// lockFile takes the data folder for this process until unlockFile or the end of the process,
// however it ends. Busy if another one holds it (DB-4).
func lockFile(dir string) (*os.File, error) {
	return lockNamed(dir, lockName, func(holder string) string {
		return holder + " uses the data in " + dir + ". Stop it first, or choose another folder with --data."
	})
}

// lockNamed takes one lock in the data folder; busy says what the matter is where another process, the holder, has it.
func lockNamed(dir, name string, busy func(holder string) string) (*os.File, error) {
	const op = "lock data folder"
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fileError(op, path, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fileError(op, path, err)
		}
		holder := "Another coopnode"
		if pid, err := os.ReadFile(path); err == nil && len(pid) > 0 {
			holder += " (process " + strings.TrimSpace(string(pid)) + ")"
		}
		return nil, &node.Error{Op: op, Kind: node.Busy, Subject: dir, Text: busy(holder)}
	}
	if err := f.Truncate(0); err == nil {
		fmt.Fprintln(f, os.Getpid())
	}
	return f, nil
}

// unlockFile gives the folder free. To close the file is not enough: a child of this process that was started just now
// has it too, until it becomes another program.
func unlockFile(f *os.File) {
	syscall.Flock(int(f.Fd()), syscall.LOCK_UN) // where this fails the folder is free a moment later
	f.Close()
}

// fileError is an error of the file system, for a person who runs a node.
func fileError(op, path string, err error) error {
	kind, text, disk := node.Unavailable, "", true
	switch {
	case errors.Is(err, os.ErrPermission):
		disk, text = false, "This user may not read or write "+path+". Run coopnode as the user that owns the data folder."
	case errors.Is(err, os.ErrNotExist):
		disk, kind, text = false, node.NotFound, "There is no "+path+"."
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		text = "The disk with " + path + " is full. Make room; nothing that was stored is lost."
	case errors.Is(err, syscall.EROFS):
		text = path + " cannot be written: its disk is mounted for reading alone, or the unit of the service allows no writing there (ReadWritePaths=)."
	case errors.Is(err, syscall.EFBIG):
		text = path + " may not grow further: a limit of the process or of the disk. Raise it; nothing that was stored is lost."
	}
	if disk {
		err = ofDisk(err)
	}
	return &node.Error{Op: op, Kind: kind, Subject: path, Text: text, Err: err}
}

// Server gives the process that serves from a data folder; false for none.
func Server(dir string) (pid int, runs bool) {
	path := filepath.Join(dir, lockName)
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 0 || errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return 0, false // nobody is kept from the lock by looking
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	return pid, errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}
