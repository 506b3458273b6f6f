package storetest

import (
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// hasten has something of each kind that waits, by a clock that was right and by one that was ten years ahead.
func hasten(t *testing.T, x *fixture) {
	const day = 24 * time.Hour
	wrong := noon.Add(3650 * day)
	x.follower("soon.example", "ana", true)
	x.follower("late.example", "bea", true)
	x.follower("slow.example", "cid", true)
	act, _ := x.say("act-1", thing, noon, node.Recipients{Followers: true})
	x.claim(noon, 10)
	later := func(host string, at time.Time, failures int) {
		x.settle(noon, []node.Outcome{{Act: act.Seq, Inbox: "https://" + host + "/inbox", Result: node.Later, NotBefore: at}},
			node.Visit{Host: host, NotBefore: at, Failures: failures})
	}
	later("soon.example", noon.Add(day), 1)
	later("late.example", wrong, 1)
	later("slow.example", wrong, 0)
	x.write(func(tx node.Tx) error {
		x.ok(tx.SaveTask(x.ctx, &node.Task{Kind: node.TaskPoll, Subject: "soon", Due: noon.Add(8 * day)}))
		x.ok(tx.SaveTask(x.ctx, &node.Task{Kind: node.TaskPoll, Subject: "late", Due: wrong}))
		return tx.Hasten(x.ctx, noon)
	})
	wantList(x, "peers", x.claim(noon, 10), "late.example", "slow.example")
	for host, want := range map[string]int{"soon.example": 0, "late.example": 1, "slow.example": 1} {
		check(x, "letters to "+host, len(x.due(host, noon)), want)
	}
	tasks, err := x.DueTasks(x.ctx, noon, 10)
	x.ok(err)
	if len(tasks) != 1 || tasks[0].Subject != "late" {
		t.Errorf("due tasks: %+v", tasks)
	}
}
