package main

import (
	"os"
	"os/user"
	"strconv"
	"syscall"

	"github.com/coopnode/coopnode/node"
)

// rightUser refuses to touch a data folder that belongs to somebody else: files made by the wrong
// user are files that the server cannot write. A folder that is not there yet is nobody's.
func rightUser(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return nil
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(stat.Uid) == os.Geteuid() {
		return nil
	}
	owner := strconv.Itoa(int(stat.Uid))
	if u, err := user.LookupId(owner); err == nil {
		owner = u.Username
	}
	return &node.Error{Op: "open data folder", Kind: node.Forbidden, Subject: dir,
		Text: "The data folder " + dir + " belongs to the user " + owner + ". Run the same as that user: sudo -u " + owner + " coopnode ..."}
}
