package main

import "syscall"

// networkFileSystems are those whose files lie on another machine, by the numbers of statfs(2).
var networkFileSystems = map[uint32]string{
	0x6969: "NFS", 0x517b: "SMB", 0xff534d42: "CIFS", 0xfe534d42: "SMB", 0x564c: "NCP", 0x5346414f: "AFS", 0x73757245: "Coda",
	0x00c36400: "Ceph", 0x0bd00bd0: "Lustre", 0x01161970: "GFS2", 0x7461636f: "OCFS2", 0x47504653: "GPFS", 0x01021997: "9P",
}

// A disk is the file system of a folder.
type disk struct {
	free    int64  // bytes, for who runs this
	network string // name of the network file system, "" for a local one
}

func diskOf(dir string) (disk, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return disk{}, err
	}
	return disk{free: int64(s.Bavail) * s.Bsize, network: networkFileSystems[uint32(s.Type)]}, nil
}
