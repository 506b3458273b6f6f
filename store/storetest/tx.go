package storetest

import (
	"context"
	"errors"
	"reflect"
	"strconv"
	"sync"
	"testing"
	"time"

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

// revision changes with every change, before the Tx returns, and with nothing else.
func revision(t *testing.T, x *fixture) {
	look := func(what string, want bool, do func()) {
		t.Helper()
		before := x.Revision()
		do()
		check(x, "revision changes after "+what, x.Revision() != before, want)
	}
	look("a change", true, func() { x.write(func(tx node.Tx) error { return tx.SetSetting(x.ctx, "a", "1") }) })
	look("another", true, func() { x.write(func(tx node.Tx) error { return tx.SetSetting(x.ctx, "a", "2") }) })
	look("a question", false, func() {
		_, err := x.Setting(x.ctx, "a")
		x.ok(err)
	})
	look("a Tx that does nothing", false, func() { x.write(func(node.Tx) error { return nil }) })
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
	keys := func() (list []node.OwnKey) {
		x.Helper()
		kept, err := x.OwnKeys(x.ctx)
		x.ok(err)
		ids, err := x.OwnKeyIDs(x.ctx)
		x.ok(err)
		for i, k := range kept {
			list = append(list, *k)
			if len(ids) != len(kept) || ids[i] != k.ID {
				x.Errorf("ids %v of keys %v", ids, kept)
			}
		}
		return list
	}
	check(x, "keys at first", len(keys()), 0)
	first := node.OwnKey{ID: "https://a.example/ap/coop#main-key", PKCS8: []byte("first key"), Made: noon}
	second := node.OwnKey{ID: "https://a.example/ap/coop#key-2", PKCS8: []byte("second key"), Made: noon.Add(time.Hour)}
	x.write(func(tx node.Tx) error { return tx.SaveOwnKey(x.ctx, &first) })
	x.write(func(tx node.Tx) error { return tx.SaveOwnKey(x.ctx, &second) })
	if got, want := keys(), []node.OwnKey{second, first}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want the newer one first: %v", got, want)
	}
	second.Replaced, second.LastAct, second.PKCS8 = noon.Add(2*time.Hour), 7, []byte("another text")
	x.write(func(tx node.Tx) error { return tx.SaveOwnKey(x.ctx, &second) })
	if got, want := keys(), []node.OwnKey{first, second}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want the one that was replaced last: %v", got, want)
	}
	x.write(func(tx node.Tx) error { return tx.DropOwnKey(x.ctx, second.ID) })
	if got, want := keys(), []node.OwnKey{first}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func peerForms(t *testing.T, x *fixture) {
	got, err := x.PeerForm(x.ctx, "a.example")
	x.ok(err)
	check(x, "form at first", got, node.PeerForm{})
	for _, want := range []node.PeerForm{
		{Host: "a.example", Form: "new", Since: noon, Knocked: noon.Add(time.Minute)},
		{Host: "a.example", Form: "old", Since: noon.Add(time.Hour)},
	} {
		x.write(func(tx node.Tx) error { return tx.SavePeerForm(x.ctx, want) })
		got, err := x.PeerForm(x.ctx, "a.example")
		x.ok(err)
		check(x, "form", got, want)
	}
	got, err = x.PeerForm(x.ctx, "b.example")
	x.ok(err)
	check(x, "form of another", got.Form, "")
	x.write(func(tx node.Tx) error { return tx.Sweep(x.ctx, noon.Add(91*24*time.Hour)) })
	got, err = x.PeerForm(x.ctx, "a.example")
	x.ok(err)
	check(x, "form after 90 days", got, node.PeerForm{})
}
