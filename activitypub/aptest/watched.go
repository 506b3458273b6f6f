package aptest

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coopnode/coopnode/activitypub"
)

// tally counts what a node tells its Meter.
type tally struct {
	mu    sync.Mutex
	times map[string]int
}

var _ activitypub.Meter = (*tally)(nil)

func (c *tally) add(words ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.times == nil {
		c.times = map[string]int{}
	}
	c.times[strings.Join(words, " ")]++
}

func (c *tally) Delivered(outcome string, _ time.Duration) { c.add("delivered", outcome) }
func (c *tally) Received(verb, outcome string)             { c.add("received", verb, outcome) }
func (c *tally) Unsigned(reason string)                    { c.add("unsigned", reason) }

// Counted is how often the node told its Meter this: "delivered arrived", "received Follow taken", "unsigned stale".
func (n *Node) Counted(words string) int {
	n.tally.mu.Lock()
	defer n.tally.mu.Unlock()
	return n.tally.times[words]
}

// CountedWords are all that the node told its Meter.
func (n *Node) CountedWords() []string {
	n.tally.mu.Lock()
	defer n.tally.mu.Unlock()
	var all []string
	for words := range n.tally.times {
		all = append(all, words)
	}
	slices.Sort(all)
	return all
}

// Logged are the lines of the node's log, from INFO on, that hold all of these texts.
func (n *Node) Logged(texts ...string) (lines []string) {
	n.faults.mu.Lock()
	defer n.faults.mu.Unlock()
	for _, line := range n.faults.log {
		if !slices.ContainsFunc(texts, func(s string) bool { return !strings.Contains(line, s) }) {
			lines = append(lines, line)
		}
	}
	return lines
}
