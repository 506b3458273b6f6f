package store

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/coopnode/coopnode/node"
)

// A Nightly is a backup that the node made by itself.
type Nightly struct {
	Path  string    `json:"path"`
	Made  time.Time `json:"made"`
	Bytes int64     `json:"bytes"`
}

// How nightly backups are called, and how many stay: the newest of each of so many days, and of each of so many weeks before.
const (
	nightlyTime   = "20060102T150405Z"
	nightlyEnding = ".tar.gz"
	nightlyDays   = 7
	nightlyWeeks  = 4
)

// BackupsName is the folder in the data folder where nightly backups go if no other is set.
const BackupsName = "backups"

const backupLockName = "backup.lock"

// nightlyBegin is how the names of a host's nightly backups begin. Many nodes may share a folder.
func nightlyBegin(host string) string { return strings.ReplaceAll(host, ":", "_") + "-nightly-" }

// NightlyName is the name of the nightly backup of a moment.
func NightlyName(host string, at time.Time) string {
	return nightlyBegin(host) + at.UTC().Format(nightlyTime) + nightlyEnding
}

// Nightlies lists the nightly backups of a host in a folder, newest first. NotFound if there is no such folder.
func Nightlies(dir, host string) ([]Nightly, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fileError("list backups", dir, err)
	}
	list := []Nightly{}
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), nightlyBegin(host))
		made, err := time.Parse(nightlyTime+nightlyEnding, rest)
		info, e2 := e.Info()
		if ours && err == nil && e2 == nil && info.Mode().IsRegular() {
			list = append(list, Nightly{Path: filepath.Join(dir, e.Name()), Made: made, Bytes: info.Size()})
		}
	}
	slices.SortFunc(list, func(a, b Nightly) int { return b.Made.Compare(a.Made) })
	return list, nil
}

// ThinNightlies removes the nightly backups of a host that are too many, and what is left of such as were broken off. Other
// files stay.
func ThinNightlies(dir, host string) error {
	list, err := Nightlies(dir, host)
	if err != nil {
		return err
	}
	var gone []string
	for _, n := range surplus(list) {
		gone = append(gone, n.Path)
	}
	for _, ending := range []string{unfinished, ".*" + unfinished, snapshotEnding} {
		broken, err := filepath.Glob(filepath.Join(dir, nightlyBegin(host)+"*"+nightlyEnding+ending))
		if err != nil {
			return err
		}
		gone = append(gone, broken...)
	}
	for _, path := range gone {
		if err := os.Remove(path); err != nil {
			return fileError("remove old backup", path, err)
		}
	}
	return nil
}

// surplus says which of some backups, newest first, are to go. A week of which a day stays needs no other.
func surplus(list []Nightly) (old []Nightly) {
	days, weeks, before := map[string]bool{}, map[[2]int]bool{}, 0
	for _, n := range list {
		day := n.Made.Format(time.DateOnly)
		year, number := n.Made.ISOWeek()
		week := [2]int{year, number}
		switch {
		case !days[day] && len(days) < nightlyDays:
			days[day], weeks[week] = true, true
		case !weeks[week] && before < nightlyWeeks:
			weeks[week] = true
			before++
		default:
			old = append(old, n)
		}
	}
	return old
}

// LockBackups keeps others from making a backup in the data folder of a node, until free is called or the process ends.
// Busy if one is being made.
func LockBackups(dir string) (free func(), err error) {
	f, err := lockNamed(dir, backupLockName, func(holder string) string {
		return holder + " makes a backup of " + dir + " already. Wait until it is done."
	})
	if err != nil {
		return nil, err
	}
	return func() { unlockFile(f) }, nil
}

// Space that stays free beside what is written, for those who use the disk too.
const spaceLeft = 256 << 20

// RoomForBackup refuses to fill the disk on which dir is with a backup: Unavailable if there might be too little room for it.
func (db *DB) RoomForBackup(dir string) error {
	database, pictures, err := db.size()
	if err != nil {
		return err
	}
	return wantRoom("make backup", dir, 2*database+pictures) // the copy of the database, and the file into which it is packed
}

// size is how much of the disk the database and the pictures take, in bytes.
func (db *DB) size() (database, pictures int64, err error) {
	for _, path := range []string{db.path, db.path + "-wal"} {
		if info, err := os.Stat(path); err == nil {
			database += info.Size()
		}
	}
	files, err := db.PictureFiles()
	for _, f := range files {
		pictures += f.Bytes
	}
	return database, pictures, err
}

func wantRoom(op, dir string, bytes int64) error {
	free, err := FreeSpace(dir)
	if err != nil {
		return err
	}
	if need := bytes + spaceLeft; free < need {
		return &node.Error{Op: op, Kind: node.Unavailable, Subject: dir,
			Text: fmt.Sprintf("The disk of %s has too little room for a backup: %d MB are free, %d MB are needed. Make room, or choose a folder on another disk: coopnode backup settings --folder DIR.", dir, free>>20, need>>20)}
	}
	return nil
}

// CopyBackup copies a backup into a folder that is there, under the same name, and reads back what was written.
func CopyBackup(ctx context.Context, path, dir string) (err error) {
	const op = "copy backup"
	in, err := os.Open(path)
	if err != nil {
		return fileError(op, path, err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return fileError(op, path, err)
	}
	if err := wantRoom(op, dir, info.Size()); err != nil {
		return err
	}
	name := filepath.Join(dir, filepath.Base(path))
	out, err := os.OpenFile(name+unfinished, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fileError(op, name, err)
	}
	defer os.Remove(name + unfinished)
	defer out.Close()
	written, read := sha256.New(), sha256.New()
	if _, err = io.Copy(io.MultiWriter(out, written), stoppedReader{ctx, in}); err == nil {
		err = out.Sync()
	}
	if err == nil {
		_, err = out.Seek(0, io.SeekStart)
	}
	if err == nil {
		_, err = io.Copy(read, stoppedReader{ctx, out})
	}
	if err == nil && !equalSums(written, read) {
		err = fmt.Errorf("what was written to %s reads back as something else", name)
	}
	if err == nil {
		err = os.Rename(name+unfinished, name)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return fileError(op, name, err)
	}
	return nil
}

func equalSums(a, b hash.Hash) bool { return string(a.Sum(nil)) == string(b.Sum(nil)) }
