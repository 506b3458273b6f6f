package store

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"
)

// writer lends the one connection that writes to one caller after the other and commits for many
// of them at once (decisions 7, 30).
type writer struct {
	sql    *sql.DB
	c      *conn
	jobs   chan *job
	quit   chan struct{} // closed to stop
	closed chan struct{} // closed when stopped
	rows   atomic.Int64  // changed so far

	measure func(Op, time.Duration)
	trouble atomic.Pointer[error] // why the last change failed, if the disk was at fault
}

// maxGroup is how many transactions share one commit.
const maxGroup = 256

// job is one caller's turn. f runs in the caller's goroutine, so that its panics and stack are its own.
type job struct {
	state atomic.Int32
	plain bool // outside of any transaction
	turn  chan *conn
	ran   chan error // what f said
	done  chan error // after the commit
	dead  bool       // f panicked: its caller is gone
}

const (
	waiting = iota
	taken
	leftQueue
)

var errAborted = errors.New("the transaction was aborted by a panic")

func openWriter(path string) (*writer, error) {
	db, err := sql.Open("sqlite", dsn(path, false))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(1)
	return &writer{sql: db, jobs: make(chan *job, maxGroup), quit: make(chan struct{}), closed: make(chan struct{})}, nil
}

// start begins to serve; until then the connection is free for migrations.
func (w *writer) start(ctx context.Context) (err error) {
	if w.c, err = openConn(ctx, w.sql); err != nil {
		return err
	}
	go w.run()
	return nil
}

func (w *writer) close() error {
	if w.c != nil {
		close(w.quit)
		<-w.closed
		w.c.close()
	}
	return w.sql.Close()
}

func (w *writer) run() {
	defer close(w.closed)
	group := make([]*job, 0, maxGroup)
	for {
		select {
		case <-w.quit:
			return
		case j := <-w.jobs:
			group = w.gather(group[:0], j)
		}
		if len(group) > 0 && !w.commit(group) {
			for i := range group {
				w.commit(group[i : i+1])
			}
		}
		clear(group)
	}
}

// gather takes whatever waits. No timer: while one group is committed the next one comes together.
func (w *writer) gather(group []*job, j *job) []*job {
	for {
		if !j.plain {
			group = append(group, j)
		} else if j.take() {
			err := w.lend(j)
			w.count()
			j.done <- err
		}
		if len(group) == maxGroup {
			return group
		}
		select {
		case j = <-w.jobs:
		default:
			return group
		}
	}
}

// commit runs a group as one transaction and answers each of its callers. It returns false, with
// nothing changed and nobody answered, if a group of several broke as a whole.
func (w *writer) commit(group []*job) bool {
	alone := len(group) == 1
	errs := make([]error, len(group))
	_, err := w.c.exec("begin immediate")
	for i, j := range group {
		if err != nil {
			break
		}
		if !j.take() || j.dead {
			continue
		}
		if !alone {
			if _, err = w.c.exec("savepoint one"); err != nil {
				break
			}
		}
		errs[i] = w.lend(j)
		switch {
		case alone && errs[i] != nil:
			w.c.exec("rollback")
			w.note(errs[i])
			j.done <- errs[i]
			return true
		case alone:
		case errs[i] != nil:
			// Fails if the engine has rolled everything back already, as it does when the disk is full.
			_, err = w.c.exec("rollback to one")
			fallthrough
		default:
			if err == nil {
				_, err = w.c.exec("release one")
			}
		}
	}
	if err == nil {
		began := time.Now()
		_, err = w.c.exec("commit")
		w.measure(OpCommit, time.Since(began))
	}
	if err != nil {
		w.c.exec("rollback")
		if !alone {
			return false
		}
		errs[0] = sqliteError("commit", "", err)
		w.note(errs[0])
	}
	if w.count() > 0 && err == nil {
		w.note(nil)
	}
	for i, j := range group {
		if j.take() {
			j.done <- errs[i]
		}
	}
	return true
}

// count notes how many rows were ever changed on the connection, and gives how many are new. Those of what was taken back
// count too.
func (w *writer) count() (more int64) {
	var n int64
	before := w.rows.Load()
	if err := w.c.row(rowsChanged).Scan(&n); err != nil {
		n = before + 1 // nobody knows
	}
	w.rows.Store(n)
	return n - before
}

// lend gives the connection to a caller and waits until its f has returned.
func (w *writer) lend(j *job) error {
	j.turn <- w.c
	err := <-j.ran
	j.dead = err == errAborted
	return err
}

// take says whether the job is to be done; from then on its caller waits for the end.
func (j *job) take() bool {
	return j.state.CompareAndSwap(waiting, taken) || j.state.Load() == taken
}

// leave takes the job out of the queue, unless its turn has come already.
func (j *job) leave() bool { return j.state.CompareAndSwap(waiting, leftQueue) }

// do runs f in a transaction and returns after the commit.
func (w *writer) do(ctx context.Context, f func(*conn) error) error {
	return w.queue(ctx, f, &job{})
}

// peek runs f on the writing connection, between transactions.
func (w *writer) peek(ctx context.Context, f func(*conn) error) error {
	return w.queue(ctx, f, &job{plain: true})
}

func (w *writer) queue(ctx context.Context, f func(*conn) error, j *job) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j.turn, j.ran, j.done = make(chan *conn, 1), make(chan error, 1), make(chan error, 1)
	select {
	case w.jobs <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.closed:
		return errClosed
	}
	gaveUp, closed := ctx.Done(), w.closed
	for {
		select {
		case c := <-j.turn:
			j.run(c, f)
		case err := <-j.done:
			return err
		case <-gaveUp:
			if j.leave() {
				return ctx.Err()
			}
			gaveUp = nil
		case <-closed:
			if j.leave() {
				return errClosed
			}
			closed = nil
		}
	}
}

// run calls f and tells the writer how it ended, also when it panics.
func (j *job) run(c *conn, f func(*conn) error) {
	err := errAborted
	defer func() { j.ran <- err }()
	err = f(c)
}
