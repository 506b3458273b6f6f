package main

import (
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// becomeOwner makes root a user, and lets it come back: for asCaller, until stayOwner.
func becomeOwner(uid, gid int) error {
	if err := syscall.Setgroups([]int{gid}); err != nil {
		return err
	}
	if err := syscall.Setresgid(gid, gid, 0); err != nil {
		return err
	}
	return syscall.Setresuid(uid, uid, 0)
}

// rootIsBehind says that root has become the owner of the data and can come back.
func rootIsBehind() bool {
	_, uid, saved := unix.Getresuid()
	return uid != 0 && saved == 0
}

// stayOwner takes from root, where it has become the owner of the data, the way back.
func stayOwner() error {
	if !rootIsBehind() {
		return nil
	}
	if err := syscall.Setresgid(-1, -1, syscall.Getegid()); err != nil {
		return err
	}
	return syscall.Setresuid(-1, -1, syscall.Geteuid())
}

// asCaller opens, makes or renames files that a person names, as whoever runs the command: root, where root has become the owner of
// the data, may read what is its own and writes where it wants (setfsuid(2)).
func asCaller(do func() error) error {
	if !rootIsBehind() {
		return do()
	}
	runtime.LockOSThread() // the system knows this of one thread
	defer runtime.UnlockOSThread()
	gid, _ := unix.SetfsgidRetGid(0)
	uid, _ := unix.SetfsuidRetUid(0)
	defer func() {
		unix.SetfsuidRetUid(uid)
		unix.SetfsgidRetGid(gid)
	}()
	return do()
}
