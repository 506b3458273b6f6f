package storetest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/coopnode/coopnode/node"
)

func txAllOrNothing(t *testing.T, x *fixture) {
	sorry := errors.New("sorry")
	err := x.Tx(x.ctx, func(tx node.Tx) error {
		x.ok(tx.SetSetting(x.ctx, "a", "1"))
		return sorry
	})
	if !errors.Is(err, sorry) {
		t.Errorf("got error %v, want %v", err, sorry)
	}
	_, err = x.Setting(x.ctx, "a")
	x.wantKind(err, node.NotFound)
}

func txPanic(t *testing.T, x *fixture) {
	func() {
		defer func() { check(x, "panic", recover(), any("oh")) }()
		x.Tx(x.ctx, func(tx node.Tx) error {
			x.ok(tx.SetSetting(x.ctx, "a", "1"))
			panic("oh")
		})
	}()
	_, err := x.Setting(x.ctx, "a")
	x.wantKind(err, node.NotFound)
	x.write(func(tx node.Tx) error { return tx.SetSetting(x.ctx, "a", "2") })
}

func txEndedContext(t *testing.T, x *fixture) {
	ctx, cancel := context.WithCancel(x.ctx)
	cancel()
	err := x.Tx(ctx, func(node.Tx) error {
		t.Error("ran")
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
}

func txAlone(t *testing.T, x *fixture) {
	x.write(func(tx node.Tx) error { return tx.SetSetting(x.ctx, "n", "0") })
	const callers, times = 16, 20
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for i := range times {
				err := x.Tx(x.ctx, func(tx node.Tx) error {
					s, err := tx.Setting(x.ctx, "n")
					if err != nil {
						return err
					}
					n, err := strconv.Atoi(s)
					if err != nil {
						return err
					}
					if err := tx.SetSetting(x.ctx, "n", strconv.Itoa(n+1)); err != nil {
						return err
					}
					if i%5 == 4 {
						return errors.New("not this one")
					}
					return nil
				})
				if (err != nil) != (i%5 == 4) {
					t.Errorf("round %d: got error %v", i, err)
				}
			}
		})
	}
	wg.Wait()
	got, err := x.Setting(x.ctx, "n")
	x.ok(err)
	check(x, "counted", got, strconv.Itoa(callers*times*4/5))
}

func txReadsItself(t *testing.T, x *fixture) {
	x.write(func(tx node.Tx) error {
		x.ok(tx.SetSetting(x.ctx, "a", "1"))
		got, err := tx.Setting(x.ctx, "a")
		check(x, "inside", got, "1")
		return err
	})
}

func settings(t *testing.T, x *fixture) {
	_, err := x.Setting(x.ctx, "base")
	x.wantKind(err, node.NotFound)
	for _, v := range []string{"https://a.example", ""} {
		x.write(func(tx node.Tx) error { return tx.SetSetting(x.ctx, "base", v) })
		got, err := x.Setting(x.ctx, "base")
		x.ok(err)
		check(x, "base", got, v)
	}
}

func ownKeys(t *testing.T, x *fixture) {
	const id = "https://a.example/ap/coop#main-key"
	_, err := x.OwnKey(x.ctx, id)
	x.wantKind(err, node.NotFound)
	for _, key := range []string{"first key", "second key"} {
		x.write(func(tx node.Tx) error { return tx.SaveOwnKey(x.ctx, id, []byte(key)) })
		got, err := x.OwnKey(x.ctx, id)
		x.ok(err)
		check(x, "key", string(got), key)
	}
}
