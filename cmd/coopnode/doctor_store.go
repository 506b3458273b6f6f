package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/coopnode/coopnode/node"
)

// Bounds of the store: below the first a node stops soon, below the second it is time to do something.
const (
	roomBroken = 100 << 20
	roomSoon   = 1 << 30
	daysSoon   = 30
)

// checkStore looks at the data folder. It needs nothing to be open.
func (x *examination) checkStore(ctx context.Context, f *findings) {
	x.checkIntegrity(f)
	x.checkLog(f)
	x.checkDisk(f)
	x.checkRights(f)
}

func (x *examination) checkIntegrity(f *findings) {
	const check, mend = "integrity", "Copy the data folder away, put back a backup, and look at the disk: coopnode help backup"
	switch {
	case node.KindOf(x.storedErr) == node.Damaged:
		f.broken(check, mend, "the database is damaged: %v", cause(x.storedErr))
	case errors.Is(x.storedErr, context.DeadlineExceeded):
		f.unknown(check, "Give it time: coopnode doctor --only store --full", "the check of the database was not through in time")
	case x.storedErr != nil:
		f.broken(check, "Look at the rights of the data folder, and whether its disk is mounted for writing.", "the database cannot be read: %s", node.TextOf(x.storedErr))
	default:
		how := "every page"
		if x.opt.full {
			how = "every page, row and index"
		}
		f.good(check, "%s of the database is whole, %s", how, sizeText(x.stored.Bytes))
		if x.closed != nil && node.KindOf(x.closed) == node.Damaged {
			f.broken("opening", mend, "%s", node.TextOf(x.closed))
		} else if x.closed != nil && !x.keyTrouble() {
			f.broken("opening", "Do what the line says.", "the node cannot be opened: %s", firstText(x.closed))
		}
	}
}

// cause is what lies under an error of the store.
func cause(err error) error {
	if e, ok := errors.AsType[*node.Error](err); ok && e.Err != nil {
		return e.Err
	}
	return err
}

func firstText(err error) string {
	if text := node.TextOf(err); text != "" {
		return text
	}
	return err.Error()
}

func (x *examination) checkLog(f *findings) {
	if x.stored == nil {
		return
	}
	if held := x.stored.LogBytes; held > logTrimmed {
		f.soon("log", "End what reads the database for long (a backup tool, a shell of sqlite3); the server moves the log into the database within a minute.",
			"the write-ahead log of the database has %s, more than %s", sizeText(held), sizeText(logTrimmed))
	} else {
		f.good("log", "the write-ahead log of the database has %s", sizeText(held))
	}
}

// checkDisk looks at the file system of the data folder.
func (x *examination) checkDisk(f *findings) {
	disk, err := diskOf(x.cfg.Data)
	if err != nil {
		f.failed("disk", err)
		return
	}
	if disk.network != "" {
		f.broken("disk", "Move the data folder to a disk of this machine: SQLite loses data where locks do not hold, as over a network.",
			"the data folder is on a network file system (%s)", disk.network)
	} else {
		f.good("disk", "the data folder is on a disk of this machine")
	}
	const mend = "Make room, or move the data folder to a larger disk: coopnode help backup"
	room := sizeText(disk.free) + " free"
	switch days, known := x.daysLeft(disk.free); {
	case disk.free < roomBroken:
		f.broken("room", mend, "%s: the node stops taking letters when there is none", room)
	case known && days < daysSoon:
		f.soon("room", mend, "%s, enough for %d days at the rate so far", room, days)
	case disk.free < roomSoon:
		f.soon("room", mend, "%s", room)
	case known && days < 3650:
		f.good("room", "%s, enough for %d days at the rate so far", room, days)
	default:
		f.good("room", "%s, enough for years at the rate so far", room)
	}
}

// daysLeft is for how long the room lasts if the data grows as it has on average since the node was made; not known
// in its first week.
func (x *examination) daysLeft(free int64) (days int, known bool) {
	info, err := os.Stat(filepath.Join(x.cfg.Data, "master.key"))
	if x.house == nil || err != nil {
		return 0, false
	}
	since := info.ModTime()
	if us, err := x.house.Profile(context.Background()); err == nil && us.Published.Before(since) {
		since = us.Published
	}
	age := x.house.Now().Sub(since)
	if age < 7*24*time.Hour {
		return 0, false
	}
	used := int64(0)
	filepath.WalkDir(x.cfg.Data, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				used += info.Size()
			}
		}
		return nil
	})
	perDay := float64(used) / (age.Hours() / 24)
	if perDay < 1 {
		return 0, false
	}
	return int(min(float64(free)/perDay, 1e6)), true
}

// keyTrouble says whether the rights of the files are why the node cannot be opened; checkRights tells it.
func (x *examination) keyTrouble() bool {
	info, err := os.Stat(filepath.Join(x.cfg.Data, "master.key"))
	return err != nil || info.Mode().Perm()&0o077 != 0
}

func (x *examination) checkRights(f *findings) {
	key := filepath.Join(x.cfg.Data, "master.key")
	info, err := os.Stat(key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.broken("key", "Put it back from where you keep it apart from the backups: coopnode help keys", "the master key %s is missing: the keys of the node cannot be read", key)
	case err != nil:
		f.failed("key", err)
	case info.Mode().Perm()&0o077 != 0:
		f.broken("key", "chmod 600 "+shellWord(key)+"; if others use this machine, also: coopnode keys reseal", "others on this machine can read the master key %s", key)
	default:
		f.good("key", "the master key is readable by its owner alone")
	}
	if info, err := os.Stat(x.cfg.Data); err != nil {
		f.failed("rights", err)
	} else if mode := info.Mode().Perm(); mode&0o077 != 0 {
		f.soon("rights", "chmod 700 "+shellWord(x.cfg.Data), "others on this machine can look into the data folder (%#o)", mode)
	} else {
		f.good("rights", "the data folder is for its owner alone")
	}
}
