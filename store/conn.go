package store

import (
	"context"
	"database/sql"
	"errors"

	_ "modernc.org/sqlite" // the driver
)

// conn is one connection with its prepared statements. One goroutine uses it at a time.
//
// Statements run without the caller's context: a statement that is interrupted in the middle of a
// group would take back the whole group, and watching a context costs more than most statements.
type conn struct {
	sql   *sql.Conn
	stmts map[string]*sql.Stmt
}

// maxStmts bounds the statements that a connection keeps; there are far fewer in use.
const maxStmts = 300

func openConn(ctx context.Context, db *sql.DB) (*conn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{sql: c, stmts: map[string]*sql.Stmt{}}, nil
}

func (c *conn) close() error {
	for _, s := range c.stmts {
		s.Close()
	}
	return c.sql.Close()
}

// use is how a transaction answers questions: on its own connection.
func (c *conn) use(_ context.Context, f func(*conn) error) error { return f(c) }

// prepare gives the statement for a text, prepared on first use.
func (c *conn) prepare(text string) (*sql.Stmt, error) {
	if s := c.stmts[text]; s != nil {
		return s, nil
	}
	if len(c.stmts) >= maxStmts {
		for text, s := range c.stmts {
			s.Close()
			delete(c.stmts, text)
		}
	}
	s, err := c.sql.PrepareContext(context.Background(), text)
	if err == nil {
		c.stmts[text] = s
	}
	return s, err
}

// exec runs a statement and returns how many rows it changed.
func (c *conn) exec(text string, args ...any) (int64, error) {
	s, err := c.prepare(text)
	if err != nil {
		return 0, err
	}
	r, err := s.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// row asks for one row. The error, sql.ErrNoRows among them, comes from Scan.
func (c *conn) row(text string, args ...any) rowScanner {
	s, err := c.prepare(text)
	if err != nil {
		return failedRow{err}
	}
	return s.QueryRowContext(context.Background(), args...)
}

// each calls f for every row. f must not use the connection.
func (c *conn) each(f func(rowScanner) error, text string, args ...any) error {
	s, err := c.prepare(text)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(context.Background(), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// rowScanner is a *sql.Row or *sql.Rows.
type rowScanner interface{ Scan(...any) error }

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }

// pool is the connections that only read.
type pool struct {
	sql  *sql.DB
	free chan *conn
	all  []*conn
}

// readers is how many connections read at once; more gain nothing on few cores.
const readers = 4

func openPool(ctx context.Context, path string) (*pool, error) {
	db, err := sql.Open("sqlite", dsn(path, true))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(readers)
	db.SetMaxIdleConns(readers)
	p := &pool{sql: db, free: make(chan *conn, readers)}
	for range readers {
		c, err := openConn(ctx, db)
		if err != nil {
			p.close()
			return nil, sqliteError("open database", path, err)
		}
		p.all = append(p.all, c)
		p.free <- c
	}
	return p, nil
}

var errClosed = errors.New("the store is closed")

// use lends a connection to f; it waits for a free one as long as ctx lasts.
func (p *pool) use(ctx context.Context, f func(*conn) error) error {
	select {
	case c, ok := <-p.free:
		if !ok {
			return errClosed
		}
		defer func() { p.free <- c }()
		return f(c)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close waits until every connection has come back.
func (p *pool) close() error {
	for range p.all {
		c := <-p.free
		c.close()
	}
	close(p.free)
	return p.sql.Close()
}
