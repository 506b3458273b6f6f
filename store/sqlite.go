package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/coopnode/coopnode/node"
	"modernc.org/sqlite"
)

// pragmas are set on every connection (security.md 11): the defaults of the driver are a rollback
// journal, no foreign keys and no patience.
var pragmas = []string{
	"busy_timeout(5000)", // first: the next ones may have to wait
	"journal_mode(WAL)",
	"synchronous(FULL)",
	"foreign_keys(ON)",
	"trusted_schema(OFF)",
	"cell_size_check(ON)",
	"secure_delete(ON)",
	"journal_size_limit(67108864)", // a log that grew is cut to 64 MiB (DB-7)
}

// dsn names the database with its pragmas; the connections of the pool can only read.
func dsn(path string, readOnly bool) string {
	q := url.Values{"_pragma": pragmas}
	if readOnly {
		q.Set("_query_only", "1")
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// prepareFile makes the folder and an empty file where Create allows it, readable by their owner alone;
// SQLite gives its other files the same mode. It says whether the file is new.
func prepareFile(opt Options, path string) (fresh bool, err error) {
	const op = "open database"
	if opt.Create {
		if err := os.MkdirAll(opt.Dir, 0o700); err != nil {
			return false, fileError(op, opt.Dir, err)
		}
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			return true, f.Close()
		} else if !errors.Is(err, os.ErrExist) {
			return false, fileError(op, path, err)
		}
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return false, noDatabase(opt.Dir, path)
	} else if err != nil {
		return false, fileError(op, path, err)
	}
	return false, f.Close()
}

func noDatabase(dir, path string) error {
	return &node.Error{Op: "open database", Kind: node.NotFound, Subject: path,
		Text: "There is no node in " + dir + ". Make one with: coopnode init HOST"}
}

// quickCheck refuses a database whose structure is damaged (DB-3). It reads every page, on a
// connection of its own that maps the file into memory: half the time of reading it.
func quickCheck(ctx context.Context, path string) error {
	return checkPages(ctx, path, "quick_check(1)")
}

// checkPages is quickCheck, or another check of the engine.
func checkPages(ctx context.Context, path, check string) error {
	db, err := sql.Open("sqlite", dsn(path, true)+"&_pragma=mmap_size(1073741824)")
	if err != nil {
		return err
	}
	defer db.Close()
	var found string
	err = db.QueryRowContext(ctx, "pragma "+check).Scan(&found)
	if err == nil && found == "ok" {
		return nil
	}
	if ctx.Err() != nil { // not the end of the check, and so no damage
		return ctx.Err()
	}
	if err == nil {
		err = errors.New(found)
	}
	if e := sqliteError("check database", path, err); node.KindOf(e) != node.Internal {
		return e
	}
	return damaged("check database", path, err)
}

func damaged(op, subject string, err error) error {
	return &node.Error{Op: op, Kind: node.Damaged, Subject: subject, Err: err,
		Text: "The database is damaged. Nothing was changed. Copy the data folder away, then put back a backup; " +
			"look at the disk before you trust it again."}
}

// Primary result codes of SQLite (sqlite.org/rescode.html).
const (
	codeBusy       = 5
	codeLocked     = 6
	codeReadOnly   = 8
	codeIO         = 10
	codeCorrupt    = 11
	codeFull       = 13
	codeCantOpen   = 14
	codeConstraint = 19
	codeNotADB     = 26
)

// sqliteError gives an error of the engine its kind (DB-6). Errors of the domain pass as they are.
func sqliteError(op, subject string, err error) error {
	var ours *node.Error
	if err == nil || errors.As(err, &ours) {
		return err
	}
	e := &node.Error{Op: op, Subject: subject, Err: err}
	var engine *sqlite.Error
	if errors.Is(err, sql.ErrNoRows) {
		e.Kind, e.Err = node.NotFound, nil
	} else if errors.As(err, &engine) {
		switch engine.Code() & 0xff {
		case codeBusy, codeLocked:
			e.Kind, e.Text = node.Busy, "Another process has been writing to the database for more than five seconds. Try again."
		case codeFull:
			e.Kind, e.Err, e.Text = node.Unavailable, ofDisk(err), "The disk is full. Make room; nothing that was stored is lost."
		case codeReadOnly, codeCantOpen:
			e.Kind, e.Err, e.Text = node.Unavailable, ofDisk(err), "The database cannot be written. Look at the permissions of the data folder and whether its disk is mounted for writing."
		case codeIO:
			e.Kind, e.Err, e.Text = node.Unavailable, ofDisk(err), "The disk reports an error. Look at the system log."
		case codeCorrupt, codeNotADB:
			return damaged(op, subject, err)
		case codeConstraint:
			e.Kind = node.Exists
			const foreignKey = codeConstraint | 3<<8
			const notNull = codeConstraint | 5<<8
			if c := engine.Code(); c == foreignKey || c == notNull {
				e.Kind = node.Internal
			}
		}
	}
	return e
}

// rowsChanged counts what the connection has inserted, updated and deleted since it was opened.
const rowsChanged = `select total_changes()`

// pragmaVersion changes when another connection has committed, and only then.
const pragmaVersion = `pragma data_version`

// Changed looks whether another process has changed the data since the last look, and if so
// moves Generation. It is cheap: serve asks once a second. Our own commits do not count.
func (db *DB) Changed(ctx context.Context) (bool, error) {
	changed := false
	err := db.writer.peek(ctx, func(c *conn) error {
		var v int64
		if err := c.row(pragmaVersion).Scan(&v); err != nil {
			return err
		}
		changed = db.version != 0 && v != db.version
		db.version = v
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("look for changes: %w", sqliteError("look for changes", db.path, err))
	}
	if changed {
		db.changes.Add(1)
	}
	return changed, nil
}

// The full-text index (FTS5). Its rows have the numbers of search_doc, so that the newest come first without sorting.
const (
	saveText     = `insert into search_text (rowid, title, body, facets) values ($1, $2, $3, $4)`
	dropText     = `delete from search_text where rowid = $1`
	countFound   = `select count(*) from (select 1 from search_text where search_text match $1 limit $2) f`
	searchNewest = `
		select d.doc, d.ref, d.actor
		  from search_text cross join search_doc d on d.doc = search_text.rowid
		 where search_text match $1 and search_text.rowid < $3` + notLate + `
		 order by search_text.rowid desc
		 limit $4`
	searchBest = `
		select d.doc, d.ref, d.actor
		  from (select rowid as doc, rank as fit from search_text where search_text match $1 order by rowid desc limit $3) f
		 cross join search_doc d on d.doc = f.doc
		 where true` + notLate + `
		 order by f.fit, f.doc desc
		 limit $4 offset $5`
	mergeText  = `insert into search_text (search_text, rank) values ('merge', $1)`
	rowChanges = `select total_changes()`
)

// mergePages is how many pages of the index are written in one step of TidyIndex.
const mergePages = 64

// TidyIndex does a step towards an index without what was deleted: until then the words of something that is gone are
// not found, but still in the file (GDPR-2). The first step begins; more says whether others have to follow.
func (t tx) TidyIndex(_ context.Context, first bool) (more bool, err error) {
	const op = "tidy index"
	pages := mergePages
	if first {
		pages = -mergePages
	}
	var before, after int64
	if err := t.c.row(rowChanges).Scan(&before); err != nil {
		return false, sqliteError(op, "", err)
	}
	if _, err := t.c.exec(mergeText, pages); err != nil {
		return false, sqliteError(op, "", err)
	}
	err = t.c.row(rowChanges).Scan(&after)
	return after-before >= 2, sqliteError(op, "", err) // a step that finds nothing to do changes one row
}
