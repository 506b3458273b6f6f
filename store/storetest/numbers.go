package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

func tallies(t *testing.T, x *fixture) {
	const trama = "https://trama.example/ap/coop"
	x.opening("open222222", 1, nil)
	x.opening("late222222", 2, func(o *node.Opening) { o.Closes = noon.Add(time.Hour) })
	x.opening("filled2222", 3, func(o *node.Opening) { o.Status = node.Filled })
	x.opening("draft22222", 4, func(o *node.Opening) { o.Draft, o.Local = true, true })
	x.opening("direct2222", 5, func(o *node.Opening) { o.Audience = node.Direct })
	x.post("post222222", 6, nil)
	open, filled, post := "https://a.example/ap/open222222", "https://a.example/ap/filled2222", "https://a.example/ap/post222222"
	x.post("self222222", 7, func(p *node.Post) { p.InReplyTo = open })
	x.post("private222", 8, func(p *node.Post) { p.InReplyTo, p.Actor, p.Audience = open, "b", node.Direct })
	x.post("answer2222", 9, func(p *node.Post) { p.InReplyTo, p.Actor = filled, "b" })
	want := func(what string, at time.Time, all, passed node.Tally) {
		t.Helper()
		got, by, err := x.Tallies(x.ctx, at)
		x.ok(err)
		check(x, what+": all", got, all)
		check(x, what+": federations", len(by), 1)
		check(x, what+": of one", *by[trama], node.FederationNumbers{IRI: trama, Members: 1, Passed: passed})
	}
	x.write(func(tx node.Tx) error {
		return errors.Join(
			tx.SaveMembership(x.ctx, &node.Membership{Federation: trama, Coop: "a", CoopSays: node.Word{Since: noon}, FederationSays: node.Word{Since: noon}}),
			tx.SaveMembership(x.ctx, &node.Membership{Federation: trama, Coop: "b", FederationSays: node.Word{Since: noon}}),
			tx.NotePassed(x.ctx, trama, open, noon), tx.NotePassed(x.ctx, trama, open, noon), tx.NotePassed(x.ctx, trama, filled, noon),
			tx.NotePassed(x.ctx, trama, post, noon), tx.NotePassed(x.ctx, trama, "https://a.example/unknown", noon))
	})
	want("now", noon, node.Tally{Seen: 3, Open: 2, Filled: 1, Answered: 1}, node.Tally{Seen: 2, Open: 1, Filled: 1, Answered: 1})
	want("after the deadline", noon.Add(2*time.Hour), node.Tally{Seen: 3, Open: 1, Filled: 1, Answered: 1}, node.Tally{Seen: 2, Open: 1, Filled: 1, Answered: 1})
	x.write(func(tx node.Tx) error { return tx.ForgetActor(x.ctx, trama, noon) })
	_, by, err := x.Tallies(x.ctx, noon)
	x.ok(err)
	check(x, "of a federation that is gone", by[trama].Passed, node.Tally{})
}
