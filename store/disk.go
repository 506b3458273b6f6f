package store

import "syscall"

// FreeSpace is how many bytes this user can still write to the disk on which dir is. NotFound if there is no such folder.
func FreeSpace(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, fileError("measure disk", dir, err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
