package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// gate blocks the writer until it is opened, so that transactions gather behind it.
func gate(t *testing.T, db *DB) (open func()) {
	t.Helper()
	held, release := make(chan struct{}), make(chan struct{})
	done := make(chan error)
	go func() {
		done <- db.Tx(context.Background(), func(node.Tx) error {
			close(held)
			<-release
			return nil
		})
	}()
	<-held
	return func() {
		t.Helper()
		close(release)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// queued waits until so many transactions wait.
func queued(t *testing.T, db *DB, n int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); len(db.writer.jobs) < n; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("%d transactions wait, want %d", len(db.writer.jobs), n)
		}
	}
}

func has(t *testing.T, db *DB, key string) bool {
	t.Helper()
	_, err := db.Setting(context.Background(), key)
	if err != nil && !node.IsNotFound(err) {
		t.Error(err)
	}
	return err == nil
}

// Transactions that wait share one commit: while the last of them runs, nobody sees the others yet
// (decisions 7). An error or a panic of one takes back only its own.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	sorry := errors.New("sorry")
	openGate := gate(t, db)
	const n = 50
	var wg sync.WaitGroup
	var ran, committed, early atomic.Int32
	for i := range n {
		wg.Go(func() {
			defer func() {
				if r := recover(); (r != nil) != (i%10 == 2) {
					t.Errorf("%d: panic %v", i, r)
				}
			}()
			err := db.Tx(t.Context(), func(tx node.Tx) error {
				if ran.Add(1) == n {
					for j := range n {
						if has(t, db, fmt.Sprint(j)) {
							early.Add(1)
						}
					}
				}
				if err := tx.SetSetting(t.Context(), fmt.Sprint(i), "x"); err != nil {
					return err
				}
				switch i % 10 {
				case 1:
					return sorry
				case 2:
					panic("oh")
				}
				return nil
			})
			if i%10 == 1 != errors.Is(err, sorry) || i%10 > 2 && err != nil {
				t.Errorf("%d: got error %v", i, err)
			}
			if err == nil {
				committed.Add(1)
			}
		})
	}
	queued(t, db, n)
	openGate()
	wg.Wait()
	if ran.Load() != n || early.Load() != 0 || committed.Load() != n*8/10 {
		t.Errorf("%d ran, %d committed before the last had run, %d in all; want %d, 0, %d", ran.Load(), early.Load(), committed.Load(), n, n*8/10)
	}
	for i := range n {
		if got, want := has(t, db, fmt.Sprint(i)), i%10 != 1 && i%10 != 2; got != want {
			t.Errorf("%d kept: %t, want %t", i, got, want)
		}
	}
}

// The engine rolls a whole transaction back when a disk fails. The group then runs again, each alone, so
// that one transaction cannot take the others with it; also when it keeps silent about it.
func TestGroupBreaks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		says error
	}{
		{"with an error", errors.New("disk failed")},
		{"without an error", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			db := open(t, Options{})
			openGate := gate(t, db)
			var wg sync.WaitGroup
			var runs atomic.Int32
			const n, bad = 9, 4
			for i := range n {
				wg.Go(func() {
					err := db.writer.do(t.Context(), func(c *conn) error {
						runs.Add(1)
						if _, err := c.exec(setSetting, fmt.Sprint(i), "x"); err != nil || i != bad {
							return err
						}
						if _, err := c.exec("rollback"); err != nil {
							t.Error(err)
						}
						return tt.says
					})
					if (err != nil) != (i == bad) {
						t.Errorf("%d: got error %v", i, err)
					}
				})
			}
			queued(t, db, n)
			openGate()
			wg.Wait()
			if runs.Load() <= n {
				t.Errorf("%d runs, want more than %d: the group did not break", runs.Load(), n)
			}
			for i := range n {
				if got := has(t, db, fmt.Sprint(i)); got != (i != bad) {
					t.Errorf("%d kept: %t", i, got)
				}
			}
		})
	}
}

// One who gives up while waiting does not run; one whose turn has come is told how it ended.
func TestGiveUp(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	openGate := gate(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	gaveUp := make(chan error)
	go func() {
		gaveUp <- db.Tx(ctx, func(node.Tx) error {
			t.Error("ran after its caller had gone")
			return nil
		})
	}()
	queued(t, db, 1)
	cancel()
	if err := <-gaveUp; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	openGate()

	ctx, cancel = context.WithCancel(t.Context())
	err := db.Tx(ctx, func(tx node.Tx) error {
		cancel()
		return tx.SetSetting(ctx, "a", "1")
	})
	if err != nil || !has(t, db, "a") {
		t.Errorf("ended while it ran: error %v, kept %t", err, has(t, db, "a"))
	}
}

// A test that fails inside a transaction ends its goroutine; the store goes on.
func TestGoexit(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	var wg sync.WaitGroup
	wg.Go(func() {
		db.Tx(t.Context(), func(tx node.Tx) error {
			if err := tx.SetSetting(t.Context(), "a", "1"); err != nil {
				t.Error(err)
			}
			runtime.Goexit()
			return nil
		})
	})
	wg.Wait()
	set(t, db, "b", "2")
	if has(t, db, "a") {
		t.Error("half a transaction was kept")
	}
}

// After Close nothing hangs.
func TestClosed(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if _, err := db.Setting(t.Context(), "a"); err == nil {
		t.Error("a closed store answered")
	}
	if err := db.Tx(t.Context(), func(node.Tx) error { return nil }); err == nil {
		t.Error("a closed store wrote")
	}
}
