package storetest

import (
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

func tasks(t *testing.T, x *fixture) {
	save := func(kind node.TaskKind, subject string, minute int, data string) {
		x.write(func(tx node.Tx) error {
			return tx.SaveTask(x.ctx, &node.Task{Kind: kind, Subject: subject, Due: noon.Add(time.Duration(minute) * time.Minute), Attempts: minute, Data: data})
		})
	}
	save(node.TaskBackfill, "a", 2, "x")
	save(node.TaskDoubt, "a", 1, "")
	save(node.TaskBackfill, "b", 5, "")
	save(node.TaskBackfill, "a", 3, "y") // the newer replaces
	list, err := x.DueTasks(x.ctx, noon.Add(3*time.Minute), 10)
	x.ok(err)
	if len(list) != 2 {
		t.Fatalf("%d tasks, want 2", len(list))
	}
	check(x, "first", list[0].Kind, node.TaskDoubt)
	check(x, "second", *list[1], node.Task{Kind: node.TaskBackfill, Subject: "a", Due: noon.Add(3 * time.Minute), Attempts: 3, Data: "y"})
	x.write(func(tx node.Tx) error {
		x.ok(tx.DropTask(x.ctx, list[1]))
		return tx.DropTask(x.ctx, list[1])
	})
	list, err = x.DueTasks(x.ctx, noon.Add(time.Hour), 1)
	x.ok(err)
	check(x, "limited", len(list), 1)
	list, err = x.DueTasks(x.ctx, noon.Add(time.Hour), 10)
	x.ok(err)
	check(x, "left", len(list), 2)
	list, err = x.Tasks(x.ctx, node.TaskBackfill)
	x.ok(err)
	if len(list) != 1 || list[0].Subject != "b" || !list[0].Due.Equal(noon.Add(5*time.Minute)) {
		t.Errorf("tasks of a kind: %+v", list)
	}
	one, err := x.Task(x.ctx, node.TaskBackfill, "b")
	x.ok(err)
	check(x, "one", *one, *list[0])
	_, err = x.Task(x.ctx, node.TaskBackfill, "a")
	check(x, "dropped", node.IsNotFound(err), true)
}

func doubts(t *testing.T, x *fixture) {
	a := x.follower("a.example", "ana", true)
	b := x.follower("a.example", "bea", true)
	x.follower("c.example", "cid", false)
	x.person("a.example", "dora", true) // no follower
	doubt := func(inbox string, at time.Time) {
		x.write(func(tx node.Tx) error { return tx.DoubtInbox(x.ctx, inbox, at) })
	}
	doubt(a.Inbox, noon)
	x.write(func(tx node.Tx) error {
		return tx.SaveTask(x.ctx, &node.Task{Kind: node.TaskDoubt, Subject: a.IRI, Due: noon, Data: "2027-03-01"})
	})
	doubt("https://a.example/inbox", noon.Add(time.Hour))
	list, err := x.DueTasks(x.ctx, noon.Add(time.Hour), 10)
	x.ok(err)
	if len(list) != 2 || list[0].Subject != a.IRI || list[0].Data != "2027-03-01" || list[1].Subject != b.IRI || list[1].Kind != node.TaskDoubt {
		t.Errorf("got %+v", list)
	}
}

func sweep(t *testing.T, x *fixture) {
	const day = 24 * time.Hour
	old, young := noon.Add(-91*day), noon.Add(-89*day)
	stranger, known, recent := x.person("s.example", "s", false), x.follower("k.example", "k", false), x.person("r.example", "r", false)
	stranger.Fetched, known.Fetched, recent.Fetched = old, old, young
	ours := x.post("ours222222", 0, func(p *node.Post) { p.Local, p.Deleted = true, old })
	gone := x.post("gone222222", 0, func(p *node.Post) { p.Deleted = old })
	live := x.post("live222222", 0, nil)
	justGone := x.post("gone333333", 0, func(p *node.Post) { p.Deleted = young })
	x.write(func(tx node.Tx) error {
		for _, a := range []*node.Actor{stranger, known, recent} {
			x.ok(tx.SaveActor(x.ctx, a))
		}
		x.ok(tx.MarkSeen(x.ctx, "old", "a", false, old))
		x.ok(tx.MarkSeen(x.ctx, "young", "a", false, young))
		x.ok(tx.AddReader(x.ctx, thing, known.IRI, old))
		return tx.Sweep(x.ctx, noon)
	})
	for iri, want := range map[string]bool{"old": false, "young": true} {
		seen, _, err := x.Seen(x.ctx, iri)
		x.ok(err)
		check(x, "seen "+iri, seen, want)
	}
	for iri, want := range map[string]bool{stranger.IRI: false, known.IRI: true, recent.IRI: true} {
		_, err := x.Actor(x.ctx, iri)
		check(x, "actor "+iri, err == nil, want)
	}
	for iri, want := range map[string]bool{ours.IRI: true, gone.IRI: false, justGone.IRI: true, live.IRI: true} {
		_, err := x.Object(x.ctx, iri)
		check(x, "object "+iri, err == nil, want)
	}
}
