package activitypub_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
)

// What comes to the door and what goes out is counted under words of ours (LOG-4): ten thousand kinds of activity are one; and a
// signature that does not hold is in the log with its host and reason, once a minute (LOG-2, LOG-3).
func TestDoorCounts(t *testing.T) {
	t.Parallel()
	mill := aptest.NewNode(t, "mill")
	away := aptest.NewStranger(t, "away")
	ana := away.Person("ana")
	inbox := mill.Links.Inbox()
	follow := func() m { return ana.Do("Follow", mill.Links.Actor()) }
	for range 3 {
		ana.Want(401, inbox, follow(), aptest.At(time.Now().Add(-2*time.Hour)))
	}
	ana.Want(401, inbox, follow(), aptest.In(aptest.Unsigned))
	ana.Want(401, inbox, follow(), func(l *aptest.Letter) { l.Key = aptest.NewKey() })
	ana.Want(400, inbox, `{"type":`)
	for i := range 200 {
		ana.Want(202, inbox, ana.Do(fmt.Sprintf("Invented%d", i), mill.Links.Actor()))
	}
	ana.Want(202, inbox, follow())
	mill.Handled()
	mill.Delivered() // its Accept
	for words, want := range map[string]int{
		"unsigned stale": 3, "unsigned absent": 1, "unsigned mismatch": 1,
		"received unread unsigned": 4, "received Follow unsigned": 1, "received unread malformed": 1,
		"received other taken": 200, "received Follow taken": 1, "delivered arrived": 1,
	} {
		if got := mill.Counted(words); got != want {
			t.Errorf("%s is counted %d times, want %d", words, got, want)
		}
	}
	if all := mill.CountedWords(); len(all) > 12 {
		t.Errorf("%d words are counted: %s", len(all), strings.Join(all, ", "))
	}
	host := strings.TrimPrefix(away.Base, "http://")
	if lines := mill.Logged("signature refused", "peer="+host, "reason=stale"); len(lines) != 1 {
		t.Errorf("three stale signatures of one host are in the log as %q, want one line", lines)
	}
	mill.Later(61 * time.Second)
	ana.Want(401, inbox, follow(), aptest.At(time.Now().Add(-2*time.Hour)))
	if lines := mill.Logged("signature refused", "reason=stale", "times=3"); len(lines) != 1 {
		t.Errorf("a minute later the log has %q, want a line that says how often it came since", mill.Logged("signature refused"))
	}
}
