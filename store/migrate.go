package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/coopnode/coopnode/node"
	"github.com/pressly/goose/v3"
)

//go:embed schema/*.sql
var schema embed.FS

// migrate brings the schema up to date, each step in one transaction (DB-5). Only one process may:
// it holds the lock of the data folder for it. A newer schema than this program knows is refused.
func migrate(ctx context.Context, db *sql.DB, opt Options, locked bool) error {
	const op = "update schema"
	files, err := fs.Sub(schema, "schema")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithSlog(opt.Log), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read schema: %w", err)
	}
	sources := p.ListSources()
	known := sources[len(sources)-1].Version
	stored, err := schemaVersion(ctx, db)
	if err != nil {
		return sqliteError(op, opt.Dir, err)
	}
	if stored > known {
		return &node.Error{Op: op, Kind: node.Invalid, Subject: opt.Dir,
			Text: fmt.Sprintf("The data in %s was written by a newer coopnode (schema %d; this program knows %d). "+
				"Nothing was changed. Install the newer coopnode again.", opt.Dir, stored, known)}
	}
	if stored == known {
		return nil
	}
	if !locked {
		lock, err := lockFile(opt.Dir)
		if err != nil {
			return err
		}
		defer lock.Close()
	}
	steps, err := p.Up(ctx)
	for _, s := range steps { // LOG-2
		opt.Log.InfoContext(ctx, "schema updated", "version", s.Source.Version, "took", s.Duration)
	}
	return sqliteError(op, opt.Dir, err)
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
