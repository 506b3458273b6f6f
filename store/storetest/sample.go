package storetest

import (
	"reflect"
	"testing"

	"github.com/coopnode/coopnode/node"
)

func sampleActors(t *testing.T, x *fixture) {
	save := func(a *node.Actor) { x.write(func(tx node.Tx) error { return tx.SaveActor(x.ctx, a) }) }
	want := func(want ...string) {
		t.Helper()
		got, err := x.SampleActors(x.ctx)
		x.ok(err)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	b, a := x.person("b.example", "b", false), x.person("a.example", "a", false)
	want()
	a.Sample, b.Sample = true, true
	save(b)
	save(a)
	want(a.IRI, b.IRI)
	kept, err := x.Actor(x.ctx, a.IRI)
	x.ok(err)
	check(x, "mark", kept.Sample, true)
	p := x.post("aaaaaaaaaa", 0, func(p *node.Post) { p.Actor, p.Sample = a.IRI, true })
	o, err := x.Object(x.ctx, p.IRI)
	x.ok(err)
	check(x, "mark of what it published", o.Common().Sample, true)

	b.Sample = false // somebody real
	save(b)
	want(a.IRI)
	x.write(func(tx node.Tx) error { _, err := tx.PurgeActor(x.ctx, a.IRI); return err })
	want()
}
