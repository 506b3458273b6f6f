package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// coopAt is an actor that says it is a cooperative.
func (x *fixture) coopAt(host string, fetched time.Time) *node.Actor {
	a := x.person(host, "coop", false)
	a.Coop, a.Fetched = &node.Coop{Kind: node.KindCooperative}, fetched
	x.write(func(tx node.Tx) error { return tx.SaveActor(x.ctx, a) })
	return a
}

func sightings(t *testing.T, x *fixture) {
	near, far := x.coopAt("near.example", noon), x.coopAt("far.example", noon)
	person := x.person("person.example", "ana", false)
	save := func(through string, how node.Listing, at time.Time, actors ...string) {
		x.write(func(tx node.Tx) error { return tx.SaveSightings(x.ctx, through, how, actors, at) })
	}
	through := func(actor string) (list []string) {
		got, err := x.Sightings(x.ctx, actor)
		x.ok(err)
		for _, s := range got {
			check(x, "whom", s.Actor, actor)
			list = append(list, string(s.How)+" "+s.Through+" "+s.Since.Format(time.TimeOnly))
		}
		return list
	}
	save(near.IRI, node.ByFollowing, noon, far.IRI, person.IRI, "https://unknown.example/")
	save(near.IRI, node.ByMembership, noon, far.IRI)
	save("https://later.example/", node.ByFollowing, noon.Add(-time.Hour), far.IRI)
	wantList(x, "in three lists", through(far.IRI), "following https://later.example/ 11:00:00", "following "+near.IRI+" 12:00:00", "members "+near.IRI+" 12:00:00")
	coops, err := x.SightedCoops(x.ctx, near.IRI)
	x.ok(err)
	wantList(x, "coops", coops, far.IRI)

	// A list as it is now: who stays keeps the time, who is gone is gone, another list of the same one is another.
	save(near.IRI, node.ByFollowing, noon.Add(time.Hour), person.IRI, "https://new.example/")
	wantList(x, "who stayed", through(person.IRI), "following "+near.IRI+" 12:00:00")
	wantList(x, "who came", through("https://new.example/"), "following "+near.IRI+" 13:00:00")
	wantList(x, "who left one of two", through(far.IRI), "following https://later.example/ 11:00:00", "members "+near.IRI+" 12:00:00")
	wantList(x, "who left", through("https://unknown.example/"))

	// Who stands in a list is not swept. Whom a rule limits, or who is gone, brings nobody; purging takes both directions.
	x.write(func(tx node.Tx) error { return tx.Sweep(x.ctx, noon.Add(200*24*time.Hour)) })
	if _, err := x.Actor(x.ctx, far.IRI); err != nil {
		t.Errorf("a coop that stands in a list was swept: %v", err)
	}
	x.write(func(tx node.Tx) error { return tx.SaveActor(x.ctx, near) }) // nobody lists it
	judge := func(s node.Severity) { x.write(func(tx node.Tx) error { return tx.JudgeActor(x.ctx, near.IRI, s) }) }
	judge(node.SeverityLimit)
	wantList(x, "through one who is limited", through("https://new.example/"))
	judge("")
	wantList(x, "and not any more", through("https://new.example/"), "following "+near.IRI+" 13:00:00")
	x.write(func(tx node.Tx) error { return tx.Part(x.ctx, "https://later.example/") })
	wantList(x, "after parting", through(far.IRI), "members "+near.IRI+" 12:00:00")
	x.write(func(tx node.Tx) error {
		_, err := tx.PurgeActor(x.ctx, far.IRI)
		return err
	})
	wantList(x, "after purging", through(far.IRI))
	x.write(func(tx node.Tx) error { return tx.ForgetActor(x.ctx, near.IRI, noon) })
	wantList(x, "through one who is gone", through("https://new.example/"))
	save("https://one.example/", node.ByFollowing, noon, "https://two.example/")
	x.write(func(tx node.Tx) error { return tx.DropSightings(x.ctx, "https://one.example/") })
	wantList(x, "dropped", through("https://two.example/"))
}

func looks(t *testing.T, x *fixture) {
	const day = 24 * time.Hour
	list := "https://list.example/"
	stale, fresh, person := x.coopAt("stale.example", noon.Add(-8*day)), x.coopAt("fresh.example", noon), x.person("person.example", "ana", false)
	asked, unknown := "https://asked.example/", "https://unknown.example/"
	x.write(func(tx node.Tx) error {
		return tx.SaveSightings(x.ctx, list, node.ByFollowing, []string{asked, fresh.IRI, person.IRI, stale.IRI, unknown}, noon)
	})
	look := &node.Look{Actor: asked, Found: node.LookOther, Failures: 2, At: noon, Due: noon.Add(day)}
	x.write(func(tx node.Tx) error { return tx.SaveLook(x.ctx, look) })
	got, err := x.Look(x.ctx, asked)
	x.ok(err)
	check(x, "kept", *got, *look)
	_, err = x.Look(x.ctx, unknown)
	x.wantKind(err, node.NotFound)
	due := func(at time.Time, limit int) []string {
		list, err := x.ToLookAt(x.ctx, list, at, limit)
		x.ok(err)
		return list
	}
	wantList(x, "to be asked", due(noon, 10), unknown, stale.IRI)
	wantList(x, "to be asked tomorrow", due(noon.Add(day), 10), unknown, asked, stale.IRI)
	wantList(x, "one", due(noon, 1), unknown)
	for since, want := range map[time.Time]int{noon.Add(-1): 1, noon: 0} {
		count, err := x.CountLooks(x.ctx, since)
		x.ok(err)
		check(x, "asked since", count, want)
	}
	later := *look
	later.Found, later.Due = node.LookCoop, noon.Add(7*day)
	x.write(func(tx node.Tx) error { return tx.SaveLook(x.ctx, &later) })
	wantList(x, "a week later", due(noon.Add(6*day), 10), unknown, stale.IRI)

	x.write(func(tx node.Tx) error { return tx.Sweep(x.ctx, noon.Add(91*day)) })
	if _, err := x.Look(x.ctx, asked); err != nil {
		t.Errorf("a look at one who stands in a list was swept: %v", err)
	}
	x.write(func(tx node.Tx) error {
		x.ok(tx.DropSightings(x.ctx, list))
		return tx.Sweep(x.ctx, noon.Add(91*day))
	})
	_, err = x.Look(x.ctx, asked)
	x.wantKind(err, node.NotFound)
	if got := due(noon.Add(91*day), 10); !slices.Equal(got, nil) {
		t.Errorf("still to be asked: %v", got)
	}
}
