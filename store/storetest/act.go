package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

func (x *fixture) saveAct(a *node.ActRecord) *node.ActRecord {
	x.Helper()
	x.write(func(tx node.Tx) error { return tx.SaveAct(x.ctx, a) })
	return a
}

func actOrder(t *testing.T, x *fixture) {
	var want []int64
	for i := range 5 { // all in one second, and one earlier: numbers grow all the same
		a := x.saveAct(&node.ActRecord{IRI: fmt.Sprint("act-", i), Verb: node.Update, Object: "o", At: noon.Add(-time.Duration(i) * time.Second)})
		want = append([]int64{a.Seq}, want...)
	}
	list, err := x.Acts(x.ctx, node.ActQuery{Object: "o"})
	x.ok(err)
	var got []int64
	for _, a := range list {
		got = append(got, a.Seq)
	}
	if !slices.Equal(got, want) || !slices.IsSortedFunc(got, func(a, b int64) int { return int(b - a) }) {
		t.Errorf("got %v, want %v, falling", got, want)
	}
	list, err = x.Acts(x.ctx, node.ActQuery{Before: want[1], Limit: 2})
	x.ok(err)
	if len(list) != 2 || list[0].Seq != want[2] {
		t.Errorf("second page: got %v, want it to begin with %d", list, want[2])
	}
}

func createAgain(t *testing.T, x *fixture) {
	first := x.saveAct(&node.ActRecord{IRI: "create", Verb: node.Create, Object: "o", Raw: []byte("old"), Listed: true, Served: true, At: noon, By: "ana"})
	x.saveAct(&node.ActRecord{IRI: "other", Verb: node.Update, Object: "o", At: noon})
	again := x.saveAct(&node.ActRecord{IRI: "create", Verb: node.Create, Object: "o", Raw: []byte("new"), Listed: true, Served: true, At: noon.Add(time.Hour)})
	check(x, "number", again.Seq, first.Seq)
	got, err := x.Act(x.ctx, "create")
	x.ok(err)
	check(x, "bytes", string(got.Raw), "new")
	check(x, "time", got.At, noon)
	check(x, "by", got.By, "ana")
	raw, err := x.ActBytes(x.ctx, first.Seq)
	x.ok(err)
	check(x, "bytes", string(raw), "new")

	err = x.Tx(x.ctx, func(tx node.Tx) error {
		return tx.SaveAct(x.ctx, &node.ActRecord{IRI: "other", Verb: node.Update, At: noon})
	})
	x.wantKind(err, node.Exists)
	_, err = x.Act(x.ctx, "nothing")
	x.wantKind(err, node.NotFound)
	_, err = x.ActBytes(x.ctx, 7)
	x.wantKind(err, node.NotFound)
}

func outbox(t *testing.T, x *fixture) {
	for i := range 4 {
		x.saveAct(&node.ActRecord{IRI: fmt.Sprint("act-", i), Verb: node.Create, Listed: i%2 == 0, At: noon})
	}
	want := func(n int) {
		t.Helper()
		list, err := x.Acts(x.ctx, node.ActQuery{Outbox: true})
		x.ok(err)
		count, err := x.CountOutbox(x.ctx)
		x.ok(err)
		check(x, "outbox", len(list), n)
		check(x, "count", count, n)
	}
	want(2)
	x.write(func(tx node.Tx) error { return tx.UnlistAct(x.ctx, "act-0") })
	want(1)
	_, err := x.Act(x.ctx, "act-0")
	x.ok(err)
}
