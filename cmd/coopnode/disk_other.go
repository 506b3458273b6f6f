//go:build !linux

package main

import "errors"

// A disk is the file system of a folder.
type disk struct {
	free    int64
	network string
}

func diskOf(string) (disk, error) {
	return disk{}, errors.New("what kind of disk this is can only be told on Linux")
}
