package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

func (x *fixture) keep(l *node.Letter) bool {
	x.Helper()
	fresh := false
	x.write(func(tx node.Tx) (err error) {
		fresh, err = tx.KeepLetter(x.ctx, l)
		return err
	})
	return fresh
}

func letter(iri, host, object string) *node.Letter {
	return &node.Letter{IRI: iri, Actor: "https://" + host + "/a", Host: host, Object: object, Verb: "Create", Raw: []byte(iri), Received: noon}
}

func (x *fixture) letterIDs(now time.Time, after int64, limit int) (ids []string) {
	x.Helper()
	list, err := x.Letters(x.ctx, now, after, nil, limit)
	x.ok(err)
	for _, l := range list {
		ids = append(ids, l.IRI)
	}
	return ids
}

func letterOnce(t *testing.T, x *fixture) {
	l := letter("1", "a.example", "o")
	check(x, "first", x.keep(l), true)
	other := letter("1", "b.example", "p")
	check(x, "again", x.keep(other), false)
	list, err := x.Letters(x.ctx, noon, 0, nil, 10)
	x.ok(err)
	if len(list) != 1 {
		t.Fatalf("%d letters, want 1", len(list))
	}
	got := list[0]
	if got.Seq != l.Seq || got.Host != "a.example" || got.Object != "o" || got.Verb != "Create" || string(got.Raw) != "1" ||
		got.Actor != l.Actor || !got.Received.Equal(noon) || got.Attempts != 0 {
		t.Errorf("got %+v, want %+v", got, l)
	}
	x.write(func(tx node.Tx) error {
		x.ok(tx.DropLetter(x.ctx, l.Seq))
		return tx.DropLetter(x.ctx, l.Seq)
	})
	check(x, "left", len(x.letterIDs(noon, 0, 10)), 0)
	next := letter("2", "a.example", "o")
	x.keep(next)
	check(x, "number never used again", next.Seq > l.Seq, true)
}

func letterSeen(t *testing.T, x *fixture) {
	follow := letter("follow", "a.example", "us")
	follow.Verb = "Follow"
	undone := letter("undone", "a.example", "us")
	undone.Verb = "Follow"
	x.write(func(tx node.Tx) error {
		for _, iri := range []string{"create", "follow"} {
			x.ok(tx.MarkSeen(x.ctx, iri, "a", false, noon))
		}
		return tx.MarkSeen(x.ctx, "undone", "a", true, noon)
	})
	check(x, "Create", x.keep(letter("create", "a.example", "o")), false)
	check(x, "Follow", x.keep(follow), true)
	check(x, "Follow that was undone", x.keep(undone), false)
}

func letterOrder(t *testing.T, x *fixture) {
	var seqs []int64
	for i, l := range []*node.Letter{
		letter("a1", "a.example", "o"), letter("a2", "a.example", "p"), letter("a3", "a.example", "o"),
		letter("b4", "b.example", "o"), letter("a5", "a.example", ""), letter("a6", "a.example", ""),
	} {
		l.Received = noon.Add(-time.Duration(i) * time.Second) // a clock that goes back does not change the order
		x.keep(l)
		seqs = append(seqs, l.Seq)
	}
	want := func(what string, got []string, ids ...string) {
		t.Helper()
		if !slices.Equal(got, ids) {
			t.Errorf("%s: got %v, want %v", what, got, ids)
		}
	}
	want("all", x.letterIDs(noon, 0, 10), "a1", "a2", "a3", "b4", "a5", "a6")
	want("two", x.letterIDs(noon, 0, 2), "a1", "a2")
	want("after", x.letterIDs(noon, seqs[1], 2), "a3", "b4")
	later := noon.Add(time.Minute)
	x.write(func(tx node.Tx) error {
		x.ok(tx.PutOffLetter(x.ctx, seqs[0], later, "no key"))
		return tx.PutOffLetter(x.ctx, seqs[4], later, "no key")
	})
	want("one put off", x.letterIDs(noon, 0, 10), "a2", "b4", "a6")
	want("its time has come", x.letterIDs(later, 0, 10), "a1", "a2", "a3", "b4", "a5", "a6")
	list, err := x.Letters(x.ctx, later, 0, nil, 1)
	x.ok(err)
	check(x, "attempts", list[0].Attempts, 1)
	check(x, "not before", list[0].NotBefore, later)
	status, err := x.QueueStatus(x.ctx)
	x.ok(err)
	check(x, "letters", status.Letters, 6)
}

func seenOwner(t *testing.T, x *fixture) {
	seen, undone, err := x.Seen(x.ctx, "1")
	x.ok(err)
	check(x, "before", fmt.Sprint(seen, undone), "false false")
	for _, tt := range []struct {
		actor  string
		undone bool
		want   string
	}{
		{"a", false, "true false"},
		{"b", true, "true false"}, // not its to take back
		{"a", true, "true true"},
		{"a", false, "true true"}, // stays taken back
	} {
		x.write(func(tx node.Tx) error { return tx.MarkSeen(x.ctx, "1", tt.actor, tt.undone, noon) })
		seen, undone, err := x.Seen(x.ctx, "1")
		x.ok(err)
		check(x, "seen", fmt.Sprint(seen, undone), tt.want)
	}
}
