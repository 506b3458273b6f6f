package activitypub

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
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
	c.work.Wait()
	left, err := q.node.Store().Tasks(t.Context(), node.TaskParents)
	if err != nil || len(left) != 1 {
		t.Fatalf("%d tasks are left, %v", len(left), err)
	}
	if left[0].Attempts != 1 || !left[0].Due.After(q.node.Now()) {
		t.Errorf("the task has %d attempts and is due at %v; want one, and later", left[0].Attempts, left[0].Due)
	}
}

// An opening is closed at its deadline also while another server keeps a task waiting.
func TestDeadlineBesideASlowTask(t *testing.T) {
	t.Parallel()
	q := newQueueNode(t, t.TempDir(), Options{})
	q.wire.client.getTimeout = taskTime
	asked := make(chan struct{})
	once := sync.OnceFunc(func() { close(asked) })
	home := servePeer(t, func(w http.ResponseWriter, r *http.Request) { // begins to answer, and never ends
		w.Header().Set("Content-Type", typeActivity)
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		once()
		<-r.Context().Done()
	})
	task := &node.Task{Kind: node.TaskParents, Subject: home.URL + "/note", Due: q.node.Now()}
	q.tx(func(tx node.Tx) error { return tx.SaveTask(t.Context(), task) })
	o := &node.Opening{Base: node.Base{Type: node.TypeOpening, Texts: []node.Text{{Lang: "en", Title: "Audit", Source: "Six weeks."}}}}
	o.Closes = q.node.Now().Add(time.Hour).Truncate(time.Second)
	q.must(q.node.Publish(t.Context(), "test", o))

	ctx, stop := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() { newChores(q.wire).Run(ctx) })
	defer work.Wait()
	defer stop()
	<-asked
	q.ahead.Add(int64(2 * time.Hour))
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		held, err := q.node.Object(t.Context(), o.IRI)
		q.must(err)
		if held.(*node.Opening).Status == node.Expired {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the opening is not closed while the task waits")
		}
	}
	left, err := q.db.Tasks(t.Context(), node.TaskParents)
	if err != nil || len(left) != 1 || left[0].Attempts != 0 {
		t.Errorf("%v, %+v; want the task still under way", err, left)
	}
}

// Lists at servers that hang hold up neither other tasks nor the end: each kind has places of its own (LIM).
func TestSlowListsHoldUpNothing(t *testing.T) {
	t.Parallel()
	q := newQueueNode(t, t.TempDir(), Options{})
	hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(func() {
		hang.CloseClientConnections()
		hang.Close()
	})
	save := func(task *node.Task) {
		q.must(q.node.Store().Tx(t.Context(), func(tx node.Tx) error { return tx.SaveTask(t.Context(), task) }))
	}
	for i := range 3 * tasksAtOnce {
		list := fmt.Sprint(strings.Replace(hang.URL, "127.0.0.1", "localhost", 1), "/", i)
		q.must(q.node.Subscribe(t.Context(), "test", &node.Subscription{Source: list, List: list}))
	}
	for i := range 2 * tasksAtOnce {
		save(&node.Task{Kind: node.TaskAsk, Subject: fmt.Sprint("https://nobody.example/", i), Due: q.node.Now()}) // ends at once
	}
	ctx, cancel := context.WithCancel(t.Context())
	c := newChores(q.wire)
	var run sync.WaitGroup
	run.Go(func() { c.Run(ctx) })
	defer run.Wait()
	defer cancel()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		left, err := q.node.Store().Tasks(t.Context(), node.TaskAsk)
		q.must(err)
		if len(left) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d tasks wait for lists that hang", len(left))
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	lists := 0
	for name := range c.busy {
		if name.readsLists() {
			lists++
		}
	}
	if lists > tasksAtOnce {
		t.Errorf("%d lists are read at once", lists)
	}
}
