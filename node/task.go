package node

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// A Task is something to do over the network that nobody waits for: reading back an outbox,
// looking whether a follower is still there.
type Task struct {
	Kind     TaskKind
	Subject  string // an address
	Due      time.Time
	Attempts int
	Data     string // what the task has to remember
}

// TaskKind names what is to be done.
type TaskKind string

// The kinds of task.
const (
	TaskBackfill    TaskKind = "backfill"    // read the outbox of an actor that we follow: when it accepts, and then once a day
	TaskAsk         TaskKind = "ask"         // ask again where a Follow of ours was not answered
	TaskFollow      TaskKind = "follow"      // find whom our people named, and follow: see Wish
	TaskParents     TaskKind = "parents"     // fetch what an answer that concerns us answers
	TaskPoll        TaskKind = "poll"        // read a list to which this node is subscribed, every so often
	TaskDiscover    TaskKind = "discover"    // read whom a coop follows, and whom a federation has as members, once a day
	TaskMembers     TaskKind = "members"     // read whom a federation says to have as members
	TaskMemberships TaskKind = "memberships" // read to which federations a coop says to belong
	TaskRenew       TaskKind = "renew"       // read something that we hold at its home again, for it is said to have changed
	TaskDoubt       TaskKind = "doubt"       // ask an actor whose inbox is gone whether it is gone too (decisions 29)
)

// A Reading is how far the first reading of an outbox has come.
type Reading struct {
	Read  int `json:"read"`            // entries
	Total int `json:"total,omitempty"` // as the outbox says, 0 where it does not; at most so many are read
}

// Readings are the outboxes of those we follow that are being read for the first time, by actor.
func (n *Node) Readings(ctx context.Context) (map[string]Reading, error) {
	tasks, err := n.store.Tasks(ctx, TaskBackfill)
	if err != nil {
		return nil, err
	}
	return readings(tasks)
}

// readings are those among some tasks that read for the first time, by their subjects.
func readings(tasks []*Task) (map[string]Reading, error) {
	under := map[string]Reading{}
	for _, t := range tasks {
		var state struct {
			Done bool `json:"done"`
			Reading
		}
		if t.Data != "" {
			if err := json.Unmarshal([]byte(t.Data), &state); err != nil {
				return nil, fmt.Errorf("read task of %s: %w", t.Subject, err)
			}
		}
		if !state.Done {
			under[t.Subject] = state.Reading
		}
	}
	return under, nil
}
