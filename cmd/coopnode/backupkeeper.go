package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
)

// A backupKeeper looks after the data of a node that serves: a backup every night, and once a week a trial of restoring it and a check
// of the whole database. What came of each is kept, and shown to stewards.
type backupKeeper struct {
	*house
	log *slog.Logger
}

// When the keeper looks whether something is due: soon after the start, then every minute.
const (
	keeperBegins = 5 * time.Second
	keeperLooks  = time.Minute
)

// Run does what is due until ctx ends.
func (k *backupKeeper) Run(ctx context.Context) error {
	next := time.NewTimer(keeperBegins)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-next.C:
		}
		if err := k.look(ctx); err != nil && ctx.Err() == nil {
			k.log.WarnContext(ctx, "the node could not look after its backups", "err", err)
		}
		next.Reset(keeperLooks)
	}
}

// look does what is due now.
func (k *backupKeeper) look(ctx context.Context) error {
	s, err := k.BackupStatus(ctx)
	if err == nil && (s.Since.IsZero() || s.Since.After(k.Now())) {
		return k.NoteBackup(ctx, func(s *node.BackupStatus) { s.Since = k.Now() })
	} else if err != nil {
		return err
	}
	due, err := k.BackupDue(ctx)
	if err != nil {
		return err
	}
	if due.Backup {
		if err := k.nightly(ctx); err != nil {
			return err
		}
		if due, err = k.BackupDue(ctx); err != nil { // the first one may now be tried
			return err
		}
	}
	if due.Restore {
		if err := k.try(ctx); err != nil {
			return err
		}
	}
	if due.Check {
		return k.check(ctx)
	}
	return nil
}

// nightly makes a backup, proves it, copies it to the second folder where one is set, and then lets the oldest go. An error is of
// the keeping of what came of it; what went wrong with the backup itself is kept and logged.
func (k *backupKeeper) nightly(ctx context.Context) error {
	s, free, err := k.alone(ctx)
	if err != nil {
		return err
	}
	defer free()
	begun := k.Now()
	dir := k.cfg.backups(s.Settings)
	path := filepath.Join(dir, store.NightlyName(k.Links.Host(), begun))
	bytes, err := k.make(ctx, dir, path, s.Settings.Folder == "")
	if ctx.Err() != nil {
		return ctx.Err()
	}
	took := k.Now().Sub(begun)
	if err != nil {
		k.log.ErrorContext(ctx, "no backup could be made", "folder", dir, "err", err) // LOG-2
	} else {
		k.log.InfoContext(ctx, "backup made", "file", path, "bytes", bytes, "took", took)
	}
	if e := k.NoteBackup(ctx, func(s *node.BackupStatus) {
		if s.Made.Note(begun, err); err == nil {
			s.Path, s.Bytes, s.Took = path, bytes, took
		}
	}); e != nil || err != nil || s.Settings.Copy == "" {
		return e
	}
	err = k.copy(ctx, path, s.Settings.Copy)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		k.log.ErrorContext(ctx, "the backup could not be copied", "folder", s.Settings.Copy, "err", err)
	}
	return k.NoteBackup(ctx, func(s *node.BackupStatus) { s.Copied.Note(begun, err) })
}

// alone keeps others from the backups until free is called, and says how they stand.
func (k *backupKeeper) alone(ctx context.Context) (s *node.BackupStatus, free func(), err error) {
	if free, err = store.LockBackups(k.cfg.Data); err != nil {
		return nil, nil, err
	}
	if s, err = k.BackupStatus(ctx); err != nil {
		free()
	}
	return s, free, err
}

// make makes a backup at path and proves it, and returns its size. ours says that the folder is one in the data folder: any other
// has to be there, for a disk that is not mounted must not be taken for a folder.
func (k *backupKeeper) make(ctx context.Context, dir, path string, ours bool) (int64, error) {
	if ours {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return 0, err
		}
	} else if err := mounted(dir); err != nil {
		return 0, err
	}
	if err := store.ThinNightlies(dir, k.Links.Host()); err != nil { // what was broken off, before room is looked for
		return 0, err
	}
	if err := k.db.RoomForBackup(dir); err != nil {
		return 0, err
	}
	f, err := store.CreateFile("make backup", path)
	if err != nil {
		return 0, err
	}
	defer f.Discard()
	if _, err = k.pack(ctx, f, store.BackupOptions{Scratch: store.ScratchOf(path)}); err == nil {
		err = f.Keep()
	}
	if err != nil {
		return 0, err
	}
	if _, err := store.Verify(ctx, path, dir, nil); err != nil {
		os.Remove(path)
		return 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), store.ThinNightlies(dir, k.Links.Host())
}

func (k *backupKeeper) copy(ctx context.Context, path, dir string) error {
	err := mounted(dir)
	if err == nil {
		err = store.CopyBackup(ctx, path, dir)
	}
	if err == nil {
		err = store.ThinNightlies(dir, k.Links.Host())
	}
	return err
}

// try restores the newest backup into a scratch folder and compares it.
func (k *backupKeeper) try(ctx context.Context) error {
	s, free, err := k.alone(ctx)
	if err != nil {
		return err
	}
	defer free()
	begun := k.Now()
	err = k.db.TryRestore(ctx, s.Path)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		k.log.ErrorContext(ctx, "the newest backup could not be restored for a test", "file", s.Path, "err", err)
	} else {
		k.log.InfoContext(ctx, "backup restored for a test, and all was there", "file", s.Path, "took", k.Now().Sub(begun))
	}
	return k.NoteBackup(ctx, func(s *node.BackupStatus) { s.Restored.Note(begun, err) })
}

// check reads the whole database and looks for damage (DB-3).
func (k *backupKeeper) check(ctx context.Context) error {
	begun := k.Now()
	err := k.db.CheckWhole(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		k.log.ErrorContext(ctx, "the check of the whole database failed", "err", err)
	} else {
		k.log.InfoContext(ctx, "whole database checked, and sound", "took", k.Now().Sub(begun))
	}
	return k.NoteBackup(ctx, func(s *node.BackupStatus) { s.Checked.Note(begun, err) })
}

// backups is the folder of nightly backups.
func (c *Config) backups(s node.BackupSettings) string {
	if s.Folder != "" {
		return s.Folder
	}
	return filepath.Join(c.Data, store.BackupsName)
}

// mounted refuses a folder that is not there.
func mounted(dir string) error {
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		return &node.Error{Op: "find folder", Kind: node.NotFound, Subject: dir, Err: err,
			Text: "There is no folder " + dir + ". Is its disk mounted? It is not made by itself, so that a backup does not go to the wrong disk."}
	}
	return nil
}
