package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// sweepForeign has one post of others for each reason for which it stays, and some for which there is none.
func sweepForeign(t *testing.T, x *fixture) {
	const day = 24 * time.Hour
	old := noon.Add(-91 * day)
	us := &node.Actor{IRI: "https://us.example/ap/coop", Local: true, Handle: "us", Host: "us.example", Fetched: old}
	x.write(func(tx node.Tx) error {
		for _, actor := range []string{"https://f.example/followed", "https://u.example/unfollowed"} {
			x.ok(tx.SaveFollowed(x.ctx, &node.Following{Actor: actor, State: node.Accepted, Since: old}))
		}
		return tx.SaveActor(x.ctx, us)
	})
	n := 0
	foreign := func(received time.Time, edit func(*node.Post)) *node.Post {
		n++
		return x.post(fmt.Sprintf("foreign%03d", n), 0, func(p *node.Post) {
			p.Received, p.Published, p.Updated = received, received, received
			p.Tags = []string{"bread"}
			if edit != nil {
				edit(p)
			}
		})
	}
	ours := func(edit func(*node.Post)) *node.Post {
		n++
		return x.post(fmt.Sprintf("ourown%04d", n), 0, func(p *node.Post) {
			p.Local, p.Actor, p.Received, p.Published = true, us.IRI, old, old
			edit(p)
		})
	}
	want := map[string]bool{}
	keep := func(p *node.Post) *node.Post { want[p.IRI] = true; return p }
	drop := func(p *node.Post) *node.Post { want[p.IRI] = false; return p }

	drop(foreign(old, nil))
	young := keep(foreign(noon.Add(-89*day), nil))
	x.bring(keep(foreign(old, nil)).IRI, "https://f.example/followed", node.Announce, "b1", -100_000)
	unfollowed := drop(foreign(old, nil))
	x.bring(unfollowed.IRI, "https://u.example/unfollowed", node.Create, "b2", -140_000)
	x.write(func(tx node.Tx) error { return tx.RemoveFollowed(x.ctx, "https://u.example/unfollowed") })

	asked := keep(foreign(old, nil))
	ours(func(p *node.Post) { p.InReplyTo = asked.IRI })
	began := keep(ours(func(*node.Post) {}))
	keep(foreign(old, func(p *node.Post) { p.InReplyTo = began.IRI }))
	keep(foreign(old, func(p *node.Post) { p.Thread = began.IRI }))
	root := keep(foreign(old, func(p *node.Post) { p.Thread = "https://far.example/root" }))
	ours(func(p *node.Post) { p.Thread = root.Thread })
	drop(foreign(old, func(p *node.Post) { p.Thread = "https://other.example/root" }))
	mentions := keep(foreign(old, func(p *node.Post) { p.Thread = "https://far.example/mentioned" }))
	keep(foreign(old, func(p *node.Post) { p.Thread = mentions.Thread }))
	reacted := func(p *node.Post, actor string) {
		x.write(func(tx node.Tx) error {
			return tx.React(x.ctx, node.Reaction{Object: p.IRI, Actor: actor, Verb: node.Like, IRI: p.IRI + actor, At: old})
		})
	}
	reacted(keep(foreign(old, nil)), us.IRI)
	liked := drop(foreign(old, nil))
	reacted(liked, "https://f.example/followed")
	reacted(young, "https://f.example/followed")
	quotes := keep(foreign(old, nil))
	project := keep(foreign(old, nil))
	ours(func(p *node.Post) { p.Project = project.IRI })
	x.write(func(tx node.Tx) error {
		x.ok(tx.SaveQuote(x.ctx, &node.Quote{IRI: "stamp", Object: began.IRI, Quote: quotes.IRI, Actor: "q", At: noon}))
		x.ok(tx.SaveRemark(x.ctx, &node.Remark{Object: mentions, Why: node.ReasonMention, State: node.Read, At: old}, mentions.Thread))
		return tx.Sweep(x.ctx, noon)
	})
	for iri, want := range want {
		_, err := x.Object(x.ctx, iri)
		check(x, iri, err == nil, want)
	}
	tagged, err := x.CountObjects(x.ctx, node.ObjectQuery{Tag: "bread"})
	x.ok(err)
	check(x, "found by tag", tagged, 11)
	_, err = x.Reaction(x.ctx, liked.IRI, "https://f.example/followed", node.Like)
	x.wantKind(err, node.NotFound)
	_, err = x.Reaction(x.ctx, young.IRI, "https://f.example/followed", node.Like)
	x.ok(err)
	x.write(func(tx node.Tx) error {
		x.ok(tx.SaveFollowed(x.ctx, &node.Following{Actor: "https://u.example/unfollowed", State: node.Accepted, Since: noon}))
		unfollowed.Received = noon // it comes again, and stands where it is brought now
		return tx.SaveObject(x.ctx, unfollowed)
	})
	if got := x.line(node.TimelineQuery{}); len(got) != 1 {
		t.Errorf("the timeline still has what was dropped: %q", got)
	}
}

// sweepActors has an actor whom nobody asked about for long for each reason for which such a one stays, and one without.
func sweepActors(t *testing.T, x *fixture) {
	actor := func(name string, edit func(*node.Actor)) string {
		a := x.person(name+".example", name, false)
		a.Fetched = noon.Add(-91 * 24 * time.Hour)
		edit(a)
		x.write(func(tx node.Tx) error { return tx.SaveActor(x.ctx, a) })
		return a.IRI
	}
	plain := func(*node.Actor) {}
	invented := func(a *node.Actor) { a.Sample, a.Fetched = true, time.Time{} }
	stranger, sample, teller := actor("stranger", plain), actor("sample", invented), actor("teller", invented)
	federation, member := actor("federation", plain), actor("member", plain)
	told := x.post("inventedxx", 0, func(p *node.Post) { p.Actor, p.Sample, p.Received = teller, true, noon.Add(-91*24*time.Hour) })
	x.write(func(tx node.Tx) error {
		x.ok(tx.SaveMembership(x.ctx, &node.Membership{Federation: federation, Coop: member, CoopSays: node.Word{Since: noon}, FederationSays: node.Word{Since: noon}}))
		return tx.Sweep(x.ctx, noon)
	})
	for iri, want := range map[string]bool{stranger: false, sample: true, teller: true, federation: true, member: true} {
		_, err := x.Actor(x.ctx, iri)
		check(x, iri, err == nil, want)
	}
	_, err := x.Object(x.ctx, told.IRI)
	x.ok(err)
}
