//go:build !linux

package main

import "syscall"

// becomeOwner makes root a user for good: only Linux lets a thread of it be root for files alone.
func becomeOwner(uid, gid int) error {
	if err := syscall.Setgroups([]int{gid}); err != nil {
		return err
	}
	if err := syscall.Setgid(gid); err != nil {
		return err
	}
	return syscall.Setuid(uid)
}

func rootIsBehind() bool { return false }

func stayOwner() error { return nil }

func asCaller(do func() error) error { return do() }
