package activitypub_test

import (
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// Whom our people name is looked for and followed while nobody waits; who is not found stays on the list, with the reason.
func TestWishes(t *testing.T) {
	ours, theirs, away := aptest.NewNode(t, "mill"), aptest.NewNode(t, "bakery"), aptest.NewStranger(t, "away")
	profile, err := theirs.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	nobody := "@nobody@" + strings.TrimPrefix(away.Base, "http://")
	if n, err := ours.FollowLater(t.Context(), "test", []string{profile.Address(), " " + strings.ToUpper(profile.Address()), nobody}); err != nil || n != 2 {
		t.Fatalf("%d wishes, %v, want 2", n, err)
	}
	aptest.Until(t, "the coop is followed", func() bool { return ours.FollowedState(profile.IRI) == node.Accepted })
	var left []*node.Wish
	aptest.Until(t, "the other one is not found", func() bool {
		var err error
		left, err = ours.Wishes(t.Context())
		return err == nil && len(left) == 1 && left[0].Trouble != ""
	})
	if w := left[0]; w.Address != nobody || w.By != "test" || w.Next.Before(ours.Now().Add(24*time.Hour)) {
		t.Errorf("left is %+v; what was answered is not asked again soon", w)
	}
	if err := ours.DropWish(t.Context(), "test", nobody); err != nil {
		t.Fatal(err)
	}
	if left, err := ours.Wishes(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("%d wishes left, %v", len(left), err)
	}
	// LIM: the list has an end, and nothing of what is too long is kept.
	many := make([]string, 1001)
	for i := range many {
		many[i] = "@a" + strings.Repeat("b", i%100) + "@" + strings.Repeat("c", i/100+1) + ".example"
	}
	for _, list := range [][]string{many, {strings.Repeat("a", 301)}, {""}} {
		if _, err := ours.FollowLater(t.Context(), "test", list); node.KindOf(err) != node.Invalid {
			t.Errorf("%d addresses: %v, want Invalid", len(list), err)
		}
	}
	if left, err := ours.Wishes(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("%d wishes kept of lists that were refused, %v", len(left), err)
	}
}
