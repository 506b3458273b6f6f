package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/coopnode/coopnode/node"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

//go:embed schema/*.sql
var schemaFiles embed.FS

// A schema is the steps that this program knows, with the SHA-256 of each.
type schema struct {
	files  fs.FS
	newest int64
	sums   map[int64]string
}

// sumsSince is the step that makes the table of sums. Earlier ones are taken as they are when it comes.
const sumsSince = 8

// readSchema reads the steps in the root of files, NUMBER_NAME.sql.
func readSchema(files fs.FS) (*schema, error) {
	s := &schema{files: files, sums: map[int64]string{}}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		version, err := goose.NumericComponent(path.Base(name))
		if err != nil {
			return nil, fmt.Errorf("read schema %s: %w", name, err)
		}
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(b)
		s.sums[version] = hex.EncodeToString(sum[:])
		s.newest = max(s.newest, version)
	}
	return s, nil
}

// ownSchema is the schema of this program.
func ownSchema() (*schema, error) {
	files, err := fs.Sub(schemaFiles, "schema")
	if err != nil {
		return nil, err
	}
	return readSchema(files)
}

// migrate brings the schema up to date, each step in one transaction with its sum, after a copy was made (DB-5).
// Only one process may: it holds the lock of the data folder for it. A newer schema than this program knows is
// refused, and one that was made by other steps.
func (s *schema) migrate(ctx context.Context, db *sql.DB, opt Options, locked bool) error {
	const op = "update schema"
	stored, err := s.check(ctx, db, opt.Dir)
	if err != nil || stored == s.newest {
		return err
	}
	if !locked {
		lock, err := lockFile(opt.Dir)
		if err != nil {
			return err
		}
		defer unlockFile(lock)
		if stored, err = s.check(ctx, db, opt.Dir); err != nil || stored == s.newest {
			return err // another process was faster
		}
	}
	progress := opt.Progress
	if progress == nil {
		progress = func(Stage) {}
	}
	if stored > 0 {
		progress(Stage{Doing: StageCopy})
		name, err := copyBefore(ctx, db, opt.Dir, stored)
		if err != nil {
			return err
		}
		opt.Log.InfoContext(ctx, "copy made before the schema is updated", "file", name)
	}
	table, err := database.NewStore(database.DialectSQLite3, goose.DefaultTablename)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectCustom, db, s.files, goose.WithStore(summed{table, s.sums}), goose.WithSlog(opt.Log), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read schema: %w", err)
	}
	steps := s.after(stored)
	for i := range steps {
		progress(Stage{Doing: StageUpdate, Step: i + 1, Steps: len(steps)})
		step, err := p.UpByOne(ctx)
		if err != nil {
			return sqliteError(op, opt.Dir, err)
		}
		opt.Log.InfoContext(ctx, "schema updated", "version", step.Source.Version, "took", step.Duration) // LOG-2
	}
	return nil
}

// after are the numbers of the steps that come after one, in order.
func (s *schema) after(stored int64) []int64 {
	steps := slices.DeleteFunc(slices.Collect(maps.Keys(s.sums)), func(v int64) bool { return v <= stored })
	slices.Sort(steps)
	return steps
}

// check refuses a database that this program cannot work with, and returns its version.
func (s *schema) check(ctx context.Context, db *sql.DB, dir string) (stored int64, err error) {
	const op = "check schema"
	if stored, err = schemaVersion(ctx, db); err != nil {
		return 0, sqliteError(op, dir, err)
	}
	if stored > s.newest {
		return 0, &node.Error{Op: op, Kind: node.Invalid, Subject: dir,
			Text: fmt.Sprintf("The data in %s was written by a newer coopnode (schema %d; this program knows %d). "+
				"Nothing was changed. Install the newer coopnode again, or go back to a copy from before (coopnode help backup).", dir, stored, s.newest)}
	}
	if stored < sumsSince {
		return stored, nil
	}
	rows, err := db.QueryContext(ctx, `select version, sha256 from schema_sum order by version`)
	if err != nil {
		return 0, sqliteError(op, dir, err)
	}
	defer rows.Close()
	for rows.Next() {
		var version int64
		var sum string
		if err := rows.Scan(&version, &sum); err != nil {
			return 0, sqliteError(op, dir, err)
		}
		if sum != s.sums[version] {
			return 0, &node.Error{Op: op, Kind: node.Damaged, Subject: dir,
				Text: fmt.Sprintf("Step %d of the schema in %s is not the one that this program has. Nothing was changed. "+
					"Install the coopnode that wrote it, or go back to a copy from before (coopnode help backup).", version, dir)}
		}
	}
	return stored, sqliteError(op, dir, rows.Err())
}

// summed keeps beside each step that goose notes the sum of its file, in the transaction of the step.
type summed struct {
	database.Store
	sums map[int64]string
}

// Insert notes a step.
func (s summed) Insert(ctx context.Context, db database.DBTxConn, r database.InsertRequest) error {
	if err := s.Store.Insert(ctx, db, r); err != nil {
		return err
	}
	from := r.Version
	switch {
	case from < sumsSince:
		return nil
	case from == sumsSince:
		from = 1
	}
	for v := from; v <= r.Version; v++ {
		if sum := s.sums[v]; sum != "" {
			if _, err := db.ExecContext(ctx, `insert into schema_sum (version, sha256) values ($1, $2)`, v, sum); err != nil {
				return err
			}
		}
	}
	return nil
}

// schemaVersion is the newest step that the database has seen, 0 for a new one. Asking goose would
// already write.
func schemaVersion(ctx context.Context, db *sql.DB) (version int64, err error) {
	const tables = `select count(*) from sqlite_master where type = 'table' and name = 'goose_db_version'`
	var n int
	if err := db.QueryRowContext(ctx, tables).Scan(&n); err != nil || n == 0 {
		return 0, err
	}
	const newest = `select coalesce(max(version_id), 0) from goose_db_version where is_applied`
	err = db.QueryRowContext(ctx, newest).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return version, err
}
