package storetest

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

func actorRoundTrip(t *testing.T, x *fixture) {
	members, yes := 12, true
	want := &node.Actor{
		IRI: "https://a.example/ap/coop", Type: "Organization", Handle: "A", Host: "a.example", Name: "A & <b>", URL: "https://a.example/",
		Summary: []node.Text{{Lang: "en", HTML: "<p>x & y</p>"}}, Icon: node.Picture{Address: "https://a.example/i.png", Description: "a mill"}, Image: node.Picture{Address: "https://a.example/b.png"}, Local: true,
		Inbox: "https://a.example/inbox", SharedInbox: "https://a.example/shared", Outbox: "https://a.example/outbox",
		KeyID: "https://a.example/ap/coop#main-key", KeyPEM: "PEM", ApprovesFollowers: true,
		Published: noon, Updated: noon.Add(time.Hour), Fetched: noon.Add(time.Second), Raw: []byte(`{"raw":1}`),
		Coop: &node.Coop{Kind: node.KindCooperative, Members: &members, OneMemberOneVote: &yes, Skills: []node.Skill{{Key: "go"}},
			CustomerMix: map[string]int{"public": 100}, Availability: &node.FreeHours{HoursPerMonth: 10, Said: noon}},
	}
	x.write(func(tx node.Tx) error { return tx.SaveActor(x.ctx, want) })
	got, err := x.Actor(x.ctx, want.IRI)
	x.ok(err)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}

	want.Name, want.Raw, want.Gone = "B", nil, noon
	x.write(func(tx node.Tx) error { return tx.SaveActor(x.ctx, want) })
	got, err = x.Actor(x.ctx, want.IRI)
	x.ok(err)
	check(x, "name", got.Name, "B")
	check(x, "gone", got.Gone, noon)

	_, err = x.Actor(x.ctx, "https://b.example/")
	x.wantKind(err, node.NotFound)
}

func actorByHandle(t *testing.T, x *fixture) {
	want := x.person("A.example", "Ana", false)
	for _, h := range [][2]string{{"Ana", "A.example"}, {"ANA", "a.EXAMPLE"}, {"ana", "a.example"}} {
		got, err := x.ActorByHandle(x.ctx, h[0], h[1])
		x.ok(err)
		check(x, "actor", got.IRI, want.IRI)
	}
	_, err := x.ActorByHandle(x.ctx, "ana", "b.example")
	x.wantKind(err, node.NotFound)

	// A new actor of the same name counts more than one that is gone.
	again := *want
	again.IRI += "2"
	want.Gone = noon
	x.write(func(tx node.Tx) error {
		x.ok(tx.SaveActor(x.ctx, want))
		return tx.SaveActor(x.ctx, &again)
	})
	got, err := x.ActorByHandle(x.ctx, "ana", "a.example")
	x.ok(err)
	check(x, "actor", got.IRI, again.IRI)
}

func actorByKey(t *testing.T, x *fixture) {
	owner, thief := x.person("a.example", "ana", false), x.person("b.example", "bea", false)
	key := owner.IRI + "#main-key"
	owner.KeyID, owner.KeyPEM = key, "PEM of ana"
	thief.KeyID, thief.KeyPEM, thief.Fetched = key, "PEM of bea", noon.Add(time.Hour)
	x.write(func(tx node.Tx) error {
		x.ok(tx.SaveActor(x.ctx, owner))
		return tx.SaveActor(x.ctx, thief)
	})
	got, err := x.ActorByKey(x.ctx, key)
	x.ok(err)
	check(x, "owner", got.IRI, owner.IRI)
	check(x, "key", got.KeyPEM, "PEM of ana")
	for _, id := range []string{"", "https://a.example/other#main-key"} {
		_, err = x.ActorByKey(x.ctx, id)
		x.wantKind(err, node.NotFound)
	}
}

func knownCoops(t *testing.T, x *fixture) {
	for _, name := range []string{"zeta", "Alfa", "beta", "gone"} {
		a := x.person(name+".example", "coop", false)
		a.Name, a.Coop = name, &node.Coop{Kind: node.KindCooperative}
		if name == "gone" {
			a.Gone = noon
		}
		x.write(func(tx node.Tx) error { return tx.SaveActor(x.ctx, a) })
	}
	x.person("person.example", "p", false)
	list, err := x.KnownCoops(x.ctx)
	x.ok(err)
	var got []string
	for _, a := range list {
		got = append(got, a.Name)
	}
	if want := []string{"Alfa", "beta", "zeta"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for host, want := range map[string]int{"alfa.example": 1, "ALFA.example": 1, "gone.example": 0, "person.example": 0, "nobody.example": 0} {
		if list, err := x.CoopsOn(x.ctx, "", host); err != nil || len(list) != want {
			t.Errorf("%d coops on %s, %v; want %d", len(list), host, err, want)
		}
	}
}

// One of many coops on a server is found by its handle.
func coopsOfAHost(t *testing.T, x *fixture) {
	for i := range 30 {
		a := x.person("many.example", fmt.Sprint("coop", i), false)
		a.Coop = &node.Coop{Kind: node.KindCooperative}
		x.write(func(tx node.Tx) error { return tx.SaveActor(x.ctx, a) })
	}
	for handle, want := range map[string]int{"": 20, "coop29": 1, "COOP3": 1, "nobody": 0} {
		if list, err := x.CoopsOn(x.ctx, handle, "many.example"); err != nil || len(list) != want {
			t.Errorf("%d coops called %q, %v; want %d", len(list), handle, err, want)
		}
	}
}

func forgetActor(t *testing.T, x *fixture) {
	a := x.follower("a.example", "a", false)
	a.Summary, a.Raw, a.Icon = []node.Text{{HTML: "all about me"}}, []byte("all about me"), node.Picture{Address: "https://a.example/me.png"}
	x.write(func(tx node.Tx) error { return tx.SaveActor(x.ctx, a) })
	mine := x.post("mine", 0, func(p *node.Post) { p.Actor, p.Local = "https://us.example/ap/coop", true })
	theirs := x.opening("theirs", 0, func(o *node.Opening) {
		o.Actor, o.Tags, o.Skills = a.IRI, []string{"Tag"}, []node.Skill{{Key: "go"}}
		o.Texts = []node.Text{{HTML: "secret"}}
	})
	x.write(func(tx node.Tx) error {
		x.ok(tx.SaveFollowed(x.ctx, &node.Following{Actor: a.IRI, State: node.Accepted, Since: noon}))
		x.ok(tx.React(x.ctx, node.Reaction{Object: mine.IRI, Actor: a.IRI, Verb: node.Like, IRI: a.IRI + "#like", At: noon}))
		x.ok(tx.Bring(x.ctx, &node.TimelineEntry{ObjectIRI: theirs.IRI, Actor: a.IRI, Verb: node.Create, IRI: theirs.IRI, At: noon}))
		x.ok(tx.SaveQuote(x.ctx, &node.Quote{IRI: "stamp", Object: mine.IRI, Quote: a.IRI + "/1", Actor: a.IRI, At: noon}))
		x.ok(tx.ForgetActor(x.ctx, "https://a.example/unknown", noon))
		x.ok(tx.ForgetActor(x.ctx, a.IRI, noon.Add(time.Hour)))
		return tx.ForgetActor(x.ctx, a.IRI, noon.Add(2*time.Hour))
	})

	got, err := x.Actor(x.ctx, a.IRI)
	x.ok(err)
	check(x, "gone", got.Gone, noon.Add(time.Hour))
	check(x, "address of who is gone", got.Address(), a.Address())
	check(x, "what it said of itself", fmt.Sprint(got.Name, got.Summary, got.Raw, got.Icon), fmt.Sprint("", []node.Text(nil), []byte(nil), node.Picture{}))
	_, err = x.Quote(x.ctx, "stamp")
	x.wantKind(err, node.NotFound)
	_, err = x.Follower(x.ctx, a.IRI)
	x.wantKind(err, node.NotFound)
	_, err = x.Followed(x.ctx, a.IRI)
	x.wantKind(err, node.NotFound)
	o, err := x.Object(x.ctx, theirs.IRI)
	x.ok(err)
	check(x, "deleted", o.Common().Deleted, noon.Add(time.Hour))
	check(x, "texts", len(o.Common().Texts), 0)
	check(x, "bytes", len(o.Common().Raw), 0)
	for _, q := range []node.ObjectQuery{{Tag: "tag", Deleted: true}, {Skill: "go", Deleted: true}, {Actor: a.IRI}} {
		n, err := x.CountObjects(x.ctx, q)
		x.ok(err)
		check(x, "objects", n, 0)
	}
	o, err = x.Object(x.ctx, mine.IRI)
	x.ok(err)
	check(x, "likes", o.Common().Likes, 0)
	check(x, "ours deleted", o.Common().Deleted.IsZero(), true)
	list, err := x.Timeline(x.ctx, node.TimelineQuery{})
	x.ok(err)
	check(x, "timeline", len(list), 0)
}
