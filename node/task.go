package node

import "time"

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
	TaskBackfill TaskKind = "backfill" // read back the outbox of an actor that we began to follow
	TaskDoubt    TaskKind = "doubt"    // ask an actor whose inbox is gone whether it is gone too (decisions 29)
)
