package node_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store/storetest"
)

// drawing is a node of the house whose pictures are drawn by draw.
func drawing(x *house, s node.Store, draw func(file string) (*node.Drawing, error)) *node.Node {
	x.Helper()
	n, err := node.New(x.Context(), s, func(node.Links) node.Encoder { return x.enc }, node.Options{Now: x.Now,
		Redraw: func(_ context.Context, file []byte, _ node.Shape) (*node.Drawing, error) { return draw(string(file)) }})
	x.must(err)
	return n
}

// MED-1: a decoder that panics loses its own picture and nothing else, and no two of them work at a time.
func TestDecodersThatPanic(t *testing.T) {
	db := storetest.Open(t)
	x := houseOn(t, db)
	var working, most atomic.Int32
	n := drawing(x, db, func(file string) (*node.Drawing, error) {
		defer working.Add(-1)
		if now := working.Add(1); now > most.Load() {
			most.Store(now)
		}
		if file == "bad" {
			panic("out of range")
		}
		for range 1000 { // others come meanwhile, if they may
			runtime.Gosched()
		}
		return &node.Drawing{Bytes: []byte(file), Type: "image/png", Width: 1, Height: 1}, nil
	})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			_, err := n.AddPicture(t.Context(), []byte("bad"), "A mill")
			wantError(t, err, node.Invalid, "cannot be read")
			if _, err := n.AddPicture(t.Context(), []byte("good"), "A mill"); err != nil {
				t.Errorf("after a panic: %v", err)
			}
		})
	}
	all.Wait()
	equal(t, "drawn at a time", most.Load(), int32(1))
}

// What cannot be noted leaves no file behind.
func TestPictureThatCannotBeNoted(t *testing.T) {
	s := &unnoted{storetest.Open(t)}
	n := drawing(houseOn(t, s), s, func(file string) (*node.Drawing, error) {
		return &node.Drawing{Bytes: []byte(file), Type: "image/png", Width: 1, Height: 1}, nil
	})
	if _, err := n.AddPicture(t.Context(), []byte("x"), "A mill"); !errors.Is(err, errBroken) {
		t.Errorf("added: %v", err)
	}
	if _, err := n.SetPicture(t.Context(), "command:test", node.AsIcon, []byte("x"), "A mill"); !errors.Is(err, errBroken) {
		t.Errorf("set: %v", err)
	}
	if files, err := s.PictureFiles(); err != nil || len(files) > 0 {
		t.Errorf("left behind are %v, %v", files, err)
	}
}

// unnoted is a store that cannot note a picture.
type unnoted struct{ node.Store }

type unnotedTx struct{ node.Tx }

func (s *unnoted) Tx(ctx context.Context, f func(node.Tx) error) error {
	return s.Store.Tx(ctx, func(tx node.Tx) error { return f(unnotedTx{tx}) })
}

func (unnotedTx) SavePicture(context.Context, *node.PictureFile) error { return errBroken }
