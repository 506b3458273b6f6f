package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

func reshares(t *testing.T, x *fixture) {
	const a, b = "https://a.example/a", "https://b.example/b"
	_, err := x.Reshare(x.ctx, a+"/1")
	x.wantKind(err, node.NotFound)
	first := node.Reshare{ObjectIRI: a + "/1", Actor: a, Kind: "job", State: node.ReshareWaiting, Since: noon.Add(time.Minute), Due: noon.Add(time.Hour)}
	second := node.Reshare{ObjectIRI: a + "/2", Actor: a, Kind: "project", State: node.ReshareShared, Since: noon, Passed: noon, Times: 2}
	third := node.Reshare{ObjectIRI: b + "/3", Actor: b, Kind: "question", State: node.ReshareWaiting, Since: noon.Add(-time.Hour), Due: noon.Add(2 * time.Hour), By: "bea"}
	keep := func(r node.Reshare) { x.write(func(tx node.Tx) error { return tx.SaveReshare(x.ctx, &r) }) }
	for _, r := range []node.Reshare{first, second, third} {
		keep(r)
	}
	got, err := x.Reshare(x.ctx, third.ObjectIRI)
	x.ok(err)
	check(x, "kept", fmt.Sprintf("%+v", *got), fmt.Sprintf("%+v", third))
	list := func(what string, q node.ReshareQuery, want ...node.Reshare) {
		t.Helper()
		found, err := x.Reshares(x.ctx, q)
		x.ok(err)
		got := []string{}
		for _, r := range found {
			got = append(got, r.ObjectIRI)
		}
		objects := []string{}
		for _, r := range want {
			objects = append(objects, r.ObjectIRI)
		}
		check(x, what, fmt.Sprint(got), fmt.Sprint(objects))
	}
	list("all, the oldest first", node.ReshareQuery{}, third, second, first)
	list("in a state", node.ReshareQuery{State: node.ReshareWaiting}, third, first)
	list("of an actor", node.ReshareQuery{Actor: a}, second, first)
	list("not due", node.ReshareQuery{DueAt: noon.Add(time.Hour - time.Second)})
	list("due", node.ReshareQuery{DueAt: noon.Add(time.Hour)}, first)
	list("all due", node.ReshareQuery{DueAt: noon.Add(2 * time.Hour)}, third, first)
	list("a few", node.ReshareQuery{Limit: 1}, third)

	passed := func(since time.Time, want int) {
		t.Helper()
		n, err := x.PassedSince(x.ctx, a, since)
		x.ok(err)
		check(x, "passed on", n, want)
	}
	passed(noon, 2)
	first.State, first.Passed, first.Times, first.Due = node.ReshareShared, noon.Add(time.Minute), 1, time.Time{}
	keep(first)
	passed(noon, 3)
	passed(noon.Add(time.Second), 1)
	list("what was passed on is not due", node.ReshareQuery{DueAt: noon.Add(2 * time.Hour)}, third)
	x.write(func(tx node.Tx) error { return tx.DropReshare(x.ctx, first.ObjectIRI) })
	list("after one was dropped", node.ReshareQuery{Actor: a}, second)

	x.write(func(tx node.Tx) error { return tx.ForgetActor(x.ctx, a, noon) })
	list("of who is not gone", node.ReshareQuery{}, third)
	keep(second)
	x.write(func(tx node.Tx) error { _, err := tx.PurgeActor(x.ctx, a); return err })
	list("of who was not purged", node.ReshareQuery{}, third)
	x.write(func(tx node.Tx) error { return tx.Sweep(x.ctx, noon.Add(89*24*time.Hour)) })
	list("after 89 days", node.ReshareQuery{}, third)
	x.write(func(tx node.Tx) error { return tx.Sweep(x.ctx, noon.Add(91*24*time.Hour)) })
	list("90 days after its object went", node.ReshareQuery{})
}

func passedAt(t *testing.T, x *fixture) {
	save := func(o *node.Opening, state node.ReshareState) string {
		x.write(func(tx node.Tx) error {
			if err := tx.SaveObject(x.ctx, o); err != nil || state == "" {
				return err
			}
			return tx.SaveReshare(x.ctx, &node.Reshare{ObjectIRI: o.IRI, Actor: o.Actor, Kind: string(o.Kind), State: state, Since: noon})
		})
		return o.ID
	}
	made := func(closes time.Time) *node.Opening {
		id := node.NewID()
		return &node.Opening{Base: node.Base{ID: id, IRI: "https://a.example/" + id, Type: node.TypeOpening, Actor: "https://a.example/a",
			Audience: node.Public, Published: noon, Updated: noon, Received: noon}, Kind: node.Job, Status: node.Open, Closes: closes}
	}
	forever, brief := save(made(time.Time{}), node.ReshareShared), save(made(noon.Add(time.Hour)), node.ReshareShared)
	save(made(time.Time{}), node.ReshareHeld)
	save(made(time.Time{}), node.ReshareEnded)
	save(made(time.Time{}), "")
	want := func(at time.Time, ids ...string) {
		t.Helper()
		q := node.ObjectQuery{PassedAt: at, Listed: true}
		list, _, err := x.Objects(x.ctx, q)
		x.ok(err)
		got := map[string]bool{}
		for _, o := range list {
			got[o.Common().ID] = true
		}
		n, err := x.CountObjects(x.ctx, q)
		x.ok(err)
		check(x, "counted", n, len(ids))
		for _, id := range ids {
			check(x, "lists "+id, got[id], true)
		}
	}
	want(noon, forever, brief)
	want(noon.Add(time.Hour), forever)
}
