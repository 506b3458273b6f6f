package store

import "syscall"

// FreeSpace is how many bytes this user can still write to the disk on which dir is. NotFound if there is no such folder.
func FreeSpace(dir string) (int64, error) {
	free, _, err := lookAtDisk(dir)
	return free, err
}

// lookAtDisk is FreeSpace, and whether the disk is mounted for reading only.
func lookAtDisk(dir string) (free int64, readOnly bool, err error) {
	const flagReadOnly = 1 // ST_RDONLY of statvfs(3)
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false, fileError("look at disk", dir, err)
	}
	return int64(s.Bavail) * int64(s.Bsize), uint64(s.Flags)&flagReadOnly != 0, nil
}
