package node

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// sweepDoubt is how long nothing is thrown away after the clock has moved by more than that since the last time, whether it was
// wrong or the node stood still: for a clock that is years ahead everything has passed its time. Within it somebody can set
// the clock right; a clock that goes back is doubted for as long.
const sweepDoubt = 7 * 24 * time.Hour

const settingSwept = "swept"

// sweeping is what is remembered from one time to the next, in milliseconds.
type sweeping struct {
	Last int64 `json:"last"`
	From int64 `json:"from,omitempty"` // nothing is thrown away before
}

// Sweep throws away what has passed its time (DB-7), unless the clock is in doubt: then it gives the moment until which it waits.
// What waits for a moment that a wrong clock chose, years ahead, becomes due.
func (n *Node) Sweep(ctx context.Context) (doubted time.Time, err error) {
	now := n.Now()
	err = n.store.Tx(ctx, func(tx Tx) error {
		doubted = time.Time{}
		s := sweeping{Last: now.UnixMilli()}
		if text, err := tx.Setting(ctx, settingSwept); err == nil {
			if err := json.Unmarshal([]byte(text), &s); err != nil {
				return fmt.Errorf("read when was swept: %w", err)
			}
		} else if !IsNotFound(err) {
			return err
		}
		moved := now.Sub(time.UnixMilli(s.Last))
		if moved > sweepDoubt || moved < -sweepDoubt {
			s.From = now.Add(sweepDoubt).UnixMilli()
		}
		s.Last = now.UnixMilli()
		text, err := json.Marshal(s)
		if err != nil {
			return err
		}
		if err := tx.SetSetting(ctx, settingSwept, string(text)); err != nil {
			return err
		}
		if err := tx.Hasten(ctx, now); err != nil {
			return err
		}
		if from := time.UnixMilli(s.From); now.Before(from) {
			doubted = from
			return nil
		}
		return tx.Sweep(ctx, now)
	})
	return doubted, err
}
