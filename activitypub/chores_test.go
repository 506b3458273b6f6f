package activitypub

import (
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// A task that takes too long is put off like one that fails: else it would begin again at once, for ever.
func TestSlowTasksArePutOff(t *testing.T) {
	t.Parallel()
	q := newQueueNode(t, t.TempDir(), Options{})
	c := newChores(q.wire)
	c.patience = time.Nanosecond
	task := &node.Task{Kind: node.TaskParents, Subject: "http://localhost:1/slow", Due: q.node.Now()}
	if err := q.node.Store().Tx(t.Context(), func(tx node.Tx) error { return tx.SaveTask(t.Context(), task) }); err != nil {
		t.Fatal(err)
	}
	c.tasks(t.Context())
	left, err := q.node.Store().Tasks(t.Context(), node.TaskParents)
	if err != nil || len(left) != 1 {
		t.Fatalf("%d tasks are left, %v", len(left), err)
	}
	if left[0].Attempts != 1 || !left[0].Due.After(q.node.Now()) {
		t.Errorf("the task has %d attempts and is due at %v; want one, and later", left[0].Attempts, left[0].Due)
	}
}
