package node_test

import (
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// A clock that is years ahead for a day, or a week off, throws nothing away, and one that is right again makes the node sweep
// as before, a week later (DB-7).
func TestSweepDoubtsTheClock(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	const day = 24 * time.Hour
	invitation, _, err := x.InvitePerson(t.Context(), "command:test", "Antía", "", node.RoleSteward)
	x.must(err)
	token, _, _, err := x.RedeemPass(t.Context(), invitation, node.Guest{})
	x.must(err)
	for _, step := range []struct {
		name    string
		after   time.Duration // since the start, by the clock
		doubted bool
	}{
		{"first", 0, false},
		{"an hour later", time.Hour, false},
		{"ten years ahead", 3650 * day, true},
		{"an hour later, still wrong", 3650*day + time.Hour, true},
		{"right again", 2 * time.Hour, true},
		{"six days later", 6 * day, true},
		{"eight days later", 8 * day, false},
		{"after a month without the node", 38 * day, true},
		{"a week later", 44 * day, true},
		{"and a day", 45*day + time.Hour, false},
	} {
		x.clock.Store(noon.Add(step.after).UnixNano())
		until, err := x.Sweep(x.Context())
		if err != nil || until.IsZero() == step.doubted {
			t.Errorf("%s: waits until %v (%v), want doubt: %v", step.name, until, err, step.doubted)
		}
		if step.after == 2*time.Hour {
			if _, _, err := x.SessionOf(t.Context(), token); err != nil {
				t.Errorf("who was signed in before the clock was wrong is not any more: %v", err)
			}
		}
	}
}
