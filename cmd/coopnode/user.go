package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"github.com/coopnode/coopnode/node"
)

// rightUser refuses to touch a data folder that belongs to somebody else: files made by the wrong user are files that the
// server cannot write. Root becomes the owner instead, for all but the files that root names (asCaller). A folder that is not
// there yet is nobody's.
func rightUser(dir string) error {
	uid, gid, ok := ownerOf(dir)
	if !ok || uid == os.Geteuid() {
		return nil
	}
	if os.Geteuid() == 0 {
		if err := becomeOwner(uid, gid); err != nil {
			return fmt.Errorf("become the owner of %s: %w", dir, err)
		}
		return nil
	}
	owner := strconv.Itoa(uid)
	if u, err := user.LookupId(owner); err == nil {
		owner = u.Username
	}
	return &node.Error{Op: "open data folder", Kind: node.Forbidden, Subject: dir,
		Text: "The data folder " + dir + " belongs to the user " + owner + ". Run the same as that user, or as root: sudo coopnode ..."}
}

// ownerOf tells whose a folder is; false where there is none.
func ownerOf(dir string) (uid, gid int, ok bool) {
	info, err := os.Stat(dir)
	if err != nil {
		return 0, 0, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(stat.Uid), int(stat.Gid), true
}

// asOwner does something as the owner of a folder, where root has asked, and then is root again.
func asOwner(dir string, do func() error) (err error) {
	uid, gid, ok := ownerOf(dir)
	if !ok || os.Geteuid() != 0 || uid == 0 {
		return do()
	}
	if err := errors.Join(syscall.Setregid(-1, gid), syscall.Setreuid(-1, uid)); err != nil {
		return fmt.Errorf("act as the owner of %s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, syscall.Setreuid(-1, 0), syscall.Setregid(-1, 0)) }()
	return do()
}

// serviceUser is the user whom the package makes, as whom the service runs.
const serviceUser = "coopnode"

// giveToService makes the data folder of the service, for its user; nothing where there is no such user, the folder is another
// one, or something is in it.
func giveToService(dir string) error {
	if os.Geteuid() != 0 || dir != systemData {
		return nil
	}
	u, err := user.Lookup(serviceUser)
	if err != nil {
		return nil // not installed as a package
	}
	if files, err := os.ReadDir(dir); err == nil && len(files) > 0 {
		return nil
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2, os.MkdirAll(dir, 0o700), os.Chown(dir, uid, gid)); err != nil {
		return fmt.Errorf("give the data folder to the user %s: %w", serviceUser, err)
	}
	return nil
}
