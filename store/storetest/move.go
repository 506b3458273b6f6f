package storetest

import (
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

func moves(t *testing.T, x *fixture) {
	const a, b, c = "https://a.example/a", "https://b.example/b", "https://c.example/c"
	_, err := x.LastMove(x.ctx, a)
	x.wantKind(err, node.NotFound)
	save := func(actor, target string, at time.Time) {
		x.write(func(tx node.Tx) error { return tx.SaveMove(x.ctx, &node.Moving{Actor: actor, Target: target, At: at}) })
	}
	want := func(who string, m node.Moving) {
		t.Helper()
		got, err := x.LastMove(x.ctx, who)
		x.ok(err)
		check(x, "last move of "+who, *got, m)
	}
	save(a, b, noon)
	want(a, node.Moving{Actor: a, Target: b, At: noon})
	want(b, node.Moving{Actor: a, Target: b, At: noon})
	save(b, c, noon.Add(time.Hour))
	want(b, node.Moving{Actor: b, Target: c, At: noon.Add(time.Hour)})
	want(a, node.Moving{Actor: a, Target: b, At: noon})
	save(a, c, noon.Add(2*time.Hour))
	want(a, node.Moving{Actor: a, Target: c, At: noon.Add(2 * time.Hour)})
	want(c, node.Moving{Actor: a, Target: c, At: noon.Add(2 * time.Hour)})
	x.write(func(tx node.Tx) error { return tx.Sweep(x.ctx, noon.Add(100*24*time.Hour)) })
	_, err = x.LastMove(x.ctx, a)
	x.wantKind(err, node.NotFound)
}

func quotes(t *testing.T, x *fixture) {
	p := x.post("aaaaaaaaaa", 0, nil)
	one := node.Quote{IRI: "https://a.example/ap/quotes/1", Object: p.IRI, Quote: "https://b.example/1", Actor: "https://b.example/b", At: noon}
	other := one
	other.IRI, other.Quote = "https://a.example/ap/quotes/2", "https://b.example/2"
	of := one
	of.IRI, of.Object = "https://a.example/ap/quotes/3", "https://a.example/ap/gone"
	for _, q := range []node.Quote{one, other, of} {
		x.write(func(tx node.Tx) error { return tx.SaveQuote(x.ctx, &q) })
	}
	same := one
	same.IRI = "https://a.example/ap/quotes/4"
	x.wantKind(x.Tx(x.ctx, func(tx node.Tx) error { return tx.SaveQuote(x.ctx, &same) }), node.Exists)
	got, err := x.Quote(x.ctx, other.IRI)
	x.ok(err)
	check(x, "by stamp", *got, other)
	got, err = x.QuoteBy(x.ctx, p.IRI, one.Quote)
	x.ok(err)
	check(x, "by post", *got, one)
	n, err := x.CountQuotes(x.ctx, p.IRI)
	x.ok(err)
	check(x, "count", n, 2)
	for _, ref := range []string{same.IRI, ""} {
		_, err = x.Quote(x.ctx, ref)
		x.wantKind(err, node.NotFound)
	}
	// Those of what is there stay; those of what is gone go.
	x.write(func(tx node.Tx) error { return tx.Sweep(x.ctx, noon.Add(100*24*time.Hour)) })
	_, err = x.Quote(x.ctx, one.IRI)
	x.ok(err)
	_, err = x.Quote(x.ctx, of.IRI)
	x.wantKind(err, node.NotFound)
}
