package store_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store/storetest"
)

func TestStore(t *testing.T) { storetest.Run(t, storetest.Open) }

// A store works inside a bubble of time and leaves no goroutine behind: the village of
// package activitypub lives in one.
func TestBubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := storetest.Open(t)
		ctx := t.Context()
		start := time.Now()
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				for range 3 {
					time.Sleep(24 * time.Hour)
					must(t, s.Tx(ctx, func(tx node.Tx) error { return tx.SetSetting(ctx, "a", "1") }))
				}
			})
		}
		wg.Wait()
		if got := time.Since(start); got != 72*time.Hour {
			t.Errorf("%v passed, want three days", got)
		}
	})
}
