package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/coopnode/coopnode/node"
)

// verifying is how the folders begin in which backups are proved.
const verifying = "coopnode-verify-"

// Verify proves a backup without restoring it: every file is what the manifest says, and the database is sound and
// of a schema that this program knows (BAK-2). The database is unpacked for that, into a new folder in dir, which is the usual one
// for such things if empty. Damaged, or Invalid for what is no backup or a newer one.
func Verify(ctx context.Context, path, dir string, moved func(bytes int)) (*Manifest, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fileError("verify backup", path, err)
	}
	defer f.Close()
	scratch, err := os.MkdirTemp(dir, verifying)
	if err != nil {
		return nil, fileError("verify backup", cmp.Or(dir, os.TempDir()), err)
	}
	defer os.RemoveAll(scratch)
	m, err := readArchive(ctx, f, usualLimits, moved, func(name string, r io.Reader) error {
		if name != fileName {
			return nil
		}
		return unpack(scratch, name, r)
	})
	if err != nil {
		return nil, err
	}
	return m, sound(ctx, scratch, "quick_check", path)
}

// RestoreOptions say where a backup goes.
type RestoreOptions struct {
	Dir     string // the data folder; it must not hold a node
	KeyFile string // the master key, where it is not in the backup
	By      string // who does it, for the audit log
	Moved   func(bytes int)
	Open    func(name string) (*os.File, error) // opens the backup and the file with the key; os.Open if nil
}

// restoring is the folder in which a backup is unpacked and proved; it stays behind if the process is killed.
const restoring = "restoring"

// takeDatabase copies a database that stands alone, as another program kept it, into dir; nil for a file that is none.
func takeDatabase(ctx context.Context, f *os.File, dir string, opt RestoreOptions) (*Manifest, error) {
	path := f.Name()
	begin := make([]byte, len(sqliteHeader))
	_, err := f.ReadAt(begin, 0)
	if err != nil || string(begin) != sqliteHeader {
		return nil, nil
	}
	if log, err := opt.Open(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			log.Close()
		}
		return nil, &node.Error{Op: "restore database", Kind: node.Invalid, Subject: path,
			Text: "Beside " + path + " stands its log (-wal): that is the database of a node, and not a copy. Make a backup of it: coopnode backup FILE."}
	}
	info, err := f.Stat()
	if err == nil {
		err = unpack(dir, fileName, &meteredReader{r: stoppedReader{ctx, f}, moved: opt.Moved})
	}
	if err != nil {
		return nil, fileError("restore database", path, err)
	}
	return &Manifest{Made: info.ModTime().UTC(), Files: []ManifestFile{{Name: fileName, Bytes: info.Size()}}}, nil
}

// sqliteHeader is how a database begins (sqlite.org/fileformat.html 1.2).
const sqliteHeader = "SQLite format 3\x00"

// Restore puts a backup into an empty data folder, or a database alone, which another program kept; pictures are then put into
// the folder pictures by hand. Nothing is there before everything has been proved, and the
// database comes last. The node is marked: its deliveries are paused (BAK-4). Exists if the folder is not empty.
func Restore(ctx context.Context, path string, opt RestoreOptions) (*Manifest, error) {
	const op = "restore backup"
	if opt.Open == nil {
		opt.Open = os.Open
	}
	f, err := opt.Open(path)
	if err != nil {
		return nil, fileError(op, path, err)
	}
	defer f.Close()
	if err := os.MkdirAll(opt.Dir, 0o700); err != nil {
		return nil, fileError(op, opt.Dir, err)
	}
	lock, err := lockFile(opt.Dir)
	if err != nil {
		return nil, err
	}
	defer unlockFile(lock)
	if err := wantEmpty(opt.Dir); err != nil {
		return nil, err
	}
	temp := filepath.Join(opt.Dir, restoring)
	if err := errors.Join(os.RemoveAll(temp), os.Mkdir(temp, 0o700), os.Mkdir(filepath.Join(temp, shelfName), 0o700)); err != nil {
		return nil, fileError(op, temp, err)
	}
	defer os.RemoveAll(temp)
	m, err := takeDatabase(ctx, f, temp, opt)
	if err == nil && m == nil {
		m, err = readArchive(ctx, f, usualLimits, opt.Moved, func(name string, r io.Reader) error { return unpack(temp, name, r) })
	}
	if err != nil {
		return nil, err
	}
	if err := sound(ctx, temp, "integrity_check", path); err != nil {
		return nil, err
	}
	if !m.WithKey {
		if err := takeKey(temp, opt); err != nil {
			return nil, err
		}
	}
	if err := markRestored(ctx, temp, opt.By, time.Now()); err != nil {
		return nil, err
	}
	for _, name := range []string{shelfName, keyName, fileName} {
		if err := os.Rename(filepath.Join(temp, name), filepath.Join(opt.Dir, name)); err != nil {
			return nil, fileError(op, filepath.Join(opt.Dir, name), err)
		}
	}
	return m, syncDir(opt.Dir)
}

// wantEmpty refuses a folder in which something is that a restore could mix with. The list of erasures is there on
// purpose; a configuration, backups and certificates do no harm.
func wantEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fileError("restore backup", dir, err)
	}
	for _, e := range entries {
		if !slices.Contains([]string{restoring, lockName, erasedName, "coopnode.toml", BackupsName, backupLockName, "certificates"}, e.Name()) {
			return &node.Error{Op: "restore backup", Kind: node.Exists, Subject: dir,
				Text: "The folder " + dir + " is not empty: there is " + e.Name() + ". A backup is restored into an empty folder; choose one with --data DIR, or move away what is there."}
		}
	}
	return nil
}

// unpack writes a file of an archive, whose name was checked, safe on disk.
func unpack(dir, name string, r io.Reader) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fileError("unpack backup", dir, err)
	}
	defer root.Close()
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fileError("unpack backup", name, err)
	}
	defer f.Close()
	if _, err := io.Copy(f, r); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return fileError("unpack backup", name, err)
	}
	return nil
}

// sound checks the database in dir, which came from the backup path, and that this program knows its schema.
func sound(ctx context.Context, dir, check, path string) error {
	file := filepath.Join(dir, fileName)
	db, err := sql.Open("sqlite", dsn(file, false))
	if err != nil {
		return err
	}
	defer db.Close()
	var found string
	err = db.QueryRowContext(ctx, "pragma "+check+"(1)").Scan(&found)
	if err == nil && found != "ok" {
		err = errors.New(found)
	}
	if err != nil {
		return notWhole(path, err)
	}
	own, err := ownSchema()
	if err != nil {
		return err
	}
	stored, err := own.check(ctx, db, path)
	if err == nil && stored == 0 {
		err = notWhole(path, errors.New("there is no node in its database"))
	}
	return err
}

// takeKey copies the master key of a backup that does not hold it, if it opens the keys in there (BAK-3).
func takeKey(dir string, opt RestoreOptions) error {
	const op = "restore backup"
	if opt.KeyFile == "" {
		return &node.Error{Op: op, Kind: node.Invalid, Text: "The master key is not in this backup. Say where it is: --key FILE (the master.key that you keep apart). Nothing was changed."}
	}
	f, err := opt.Open(opt.KeyFile)
	if err != nil {
		return fileError(op, opt.KeyFile, err)
	}
	defer f.Close()
	key, err := masterKeyIn(f)
	if err != nil {
		return err
	}
	name, err := writeMasterKey(dir, key)
	if err == nil {
		err = os.Rename(name, filepath.Join(dir, keyName))
	}
	if err != nil {
		return fileError(op, dir, err)
	}
	return nil
}

// markRestored brings the database up to date, proves that the master key opens it, pauses its deliveries, forgets what was of the
// other machine and signs everybody out: a session or a link that ended after the backup must not come back.
func markRestored(ctx context.Context, dir, by string, now time.Time) error {
	db, err := Open(ctx, Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.OwnKeys(ctx); err != nil {
		return err
	}
	return db.Tx(ctx, func(tx node.Tx) error {
		if err := tx.ReleasePeers(ctx); err != nil {
			return err
		}
		if err := tx.SignOutAll(ctx); err != nil {
			return err
		}
		if err := tx.NoteAudit(ctx, &node.AuditEntry{At: now, Name: by, Action: "node.restore"}); err != nil {
			return err
		}
		for _, key := range node.MachineSettings {
			if err := tx.SetSetting(ctx, key, ""); err != nil {
				return err
			}
		}
		return tx.SetSetting(ctx, node.SettingPaused, now.UTC().Format(time.RFC3339))
	})
}
