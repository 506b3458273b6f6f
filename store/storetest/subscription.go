package storetest

import (
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

func subscriptions(t *testing.T, x *fixture) {
	ana := x.person("a.example", "ana", false)
	of := &node.Subscription{Source: ana.IRI, List: ana.IRI + "/outbox", Minutes: 60, Since: noon, By: "test"}
	file := &node.Subscription{Source: "https://f.example/list.json", List: "https://f.example/list.json", Minutes: 15, Since: noon.Add(time.Hour), By: "test"}
	post := x.post("post222222", 0, nil)
	bring := func(actor string) {
		x.write(func(tx node.Tx) error {
			return tx.Bring(x.ctx, &node.TimelineEntry{ObjectIRI: post.IRI, Actor: actor, Verb: node.Announce, IRI: actor + "/share", At: noon})
		})
	}
	shown := func(want int) {
		t.Helper()
		line, err := x.Timeline(x.ctx, node.TimelineQuery{})
		x.ok(err)
		check(x, "timeline", len(line), want)
	}
	x.write(func(tx node.Tx) error {
		x.ok(tx.SaveSubscription(x.ctx, of))
		x.ok(tx.SaveSubscription(x.ctx, file))
		x.ok(tx.SaveTask(x.ctx, &node.Task{Kind: node.TaskPoll, Subject: of.Source, Due: noon, Data: "cursor"}))
		return tx.SaveFollowed(x.ctx, &node.Following{Actor: ana.IRI, State: node.Accepted, FollowIRI: "f", Since: noon})
	})
	bring(ana.IRI)

	list, err := x.Subscriptions(x.ctx)
	x.ok(err)
	if len(list) != 2 || list[0].Source != file.Source || list[0].Who != nil || list[1].Who == nil || list[1].Who.IRI != ana.IRI {
		t.Fatalf("got %+v", list)
	}
	check(x, "kept", *list[0], *file)
	again := *of
	again.Minutes, again.Read, again.Trouble, again.Since = 30, noon, "asleep", noon.Add(time.Minute)
	x.write(func(tx node.Tx) error { return tx.SaveSubscription(x.ctx, &again) })
	got, err := x.Subscription(x.ctx, of.Source)
	x.ok(err)
	again.Since, again.Who = noon, got.Who
	check(x, "changed", *got, again)

	// Who is heard in another way too stays in the timeline.
	x.write(func(tx node.Tx) error { return tx.RemoveFollowed(x.ctx, ana.IRI) })
	shown(1)
	x.write(func(tx node.Tx) error {
		x.ok(tx.RemoveSubscription(x.ctx, "nobody"))
		return tx.RemoveSubscription(x.ctx, of.Source)
	})
	shown(0)
	_, err = x.Subscription(x.ctx, of.Source)
	x.wantKind(err, node.NotFound)
	tasks, err := x.Tasks(x.ctx, node.TaskPoll)
	x.ok(err)
	check(x, "cursors", len(tasks), 0)

	// What a list brought is not swept, its actors neither; without it they are. Rules know of it.
	bring(file.Source)
	x.write(func(tx node.Tx) error { return tx.Sweep(x.ctx, noon.Add(200*24*time.Hour)) })
	shown(1)
	known, err := x.KnownActors(x.ctx)
	x.ok(err)
	found := false
	for _, a := range known {
		found = found || a == file.Source
	}
	check(x, "known to the rules", found, true)
	x.write(func(tx node.Tx) error { return tx.Part(x.ctx, file.Source) })
	_, err = x.Subscription(x.ctx, file.Source)
	x.wantKind(err, node.NotFound)
	x.write(func(tx node.Tx) error { return tx.Sweep(x.ctx, noon.Add(200*24*time.Hour)) })
	_, err = x.Object(x.ctx, post.IRI)
	x.wantKind(err, node.NotFound)
}
