package node_test

import (
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// What a federation passed on counts for it once, also where it took that back since, and only of one whom we follow; how
// it stands is read where it stands.
func TestNumbersOfFederations(t *testing.T) {
	x := newHouse(t)
	trama, stranger, author := x.following("trama.example", "trama"), x.actor("loud.example", "loud"), x.actor("sea.example", "ana")
	for _, a := range []*node.Actor{trama, stranger} {
		a.Type, a.Coop = "Organization", &node.Coop{Kind: node.KindConsortium}
		x.must(x.KeepActor(t.Context(), a))
	}
	author.Coop = &node.Coop{Kind: node.KindCooperative, Place: node.Place{Country: "PT"}}
	x.must(x.KeepActor(t.Context(), author))
	x.write(func(tx node.Tx) error {
		return tx.SaveMembership(t.Context(), &node.Membership{Federation: trama.IRI, Coop: author.IRI, CoopSays: node.Word{Since: noon}, FederationSays: node.Word{Since: noon}})
	})
	ours := &node.Opening{Base: node.Base{Type: node.TypeOpening, Texts: []node.Text{{Title: "Ours", Source: "Ours."}}}, Kind: node.Job}
	x.publish(ours)
	theirs := func(id string) *node.Opening {
		return &node.Opening{Base: node.Base{Type: node.TypeOpening, IRI: author.IRI + "/" + id, Actor: author.IRI, Audience: node.Public, Published: second, Updated: second}, Kind: node.Job, Status: node.Open}
	}
	share := func(who *node.Actor, o node.Object, id string) *node.Act {
		act := &node.Act{IRI: who.IRI + "/" + id, Verb: node.Announce, Actor: who.IRI, ObjectIRI: o.Common().IRI, Published: second}
		if !o.Common().Local {
			act.Object = o
		}
		return act
	}
	x.receive(share(trama, theirs("1"), "a"), share(trama, theirs("1"), "again"), share(trama, theirs("2"), "b"), share(trama, ours, "c"),
		share(stranger, ours, "d"), share(stranger, theirs("3"), "e"))
	answer := note(author, "answer", "We can.")
	answer.InReplyTo = ours.IRI
	x.receive(&node.Act{IRI: author.IRI + "/create", Verb: node.Create, Actor: author.IRI, ObjectIRI: answer.IRI, Object: answer, Published: second})
	own := note(author, "own", "One thing more.") // who answers itself does not count
	own.InReplyTo = author.IRI + "/2"
	x.receive(&node.Act{IRI: author.IRI + "/create2", Verb: node.Create, Actor: author.IRI, ObjectIRI: own.IRI, Object: own, Published: second})

	want := func(what string, passed node.Tally) {
		t.Helper()
		x.pass(time.Minute)
		n, err := x.Numbers(t.Context())
		x.must(err)
		equal(t, what+": coops, federations, countries", []int{n.Coops, n.Federations, n.Countries}, []int{2, 2, 1})
		if len(n.By) != 1 || n.By[0].IRI != trama.IRI || n.By[0].Members != 1 {
			t.Fatalf("%s: federations %+v", what, n.By)
		}
		equal(t, what, n.By[0].Passed, passed)
		equal(t, what+": all", n.Openings, passed) // there are no others
	}
	want("passed on", node.Tally{Seen: 3, Open: 3, Answered: 1})

	filled := theirs("1")
	filled.Status, filled.Updated = node.Filled, second.Add(time.Second)
	x.receive(&node.Act{IRI: trama.IRI + "/undo", Verb: node.Undo, Actor: trama.IRI, Inner: share(trama, theirs("1"), "again")})
	x.receive(&node.Act{IRI: trama.IRI + "/f", Verb: node.Announce, Actor: trama.IRI, ObjectIRI: filled.IRI, Object: filled, Published: second})
	x.receive(&node.Act{IRI: trama.IRI + "/undo2", Verb: node.Undo, Actor: trama.IRI, Inner: share(trama, theirs("1"), "f")})
	want("filled and taken back", node.Tally{Seen: 3, Open: 2, Filled: 1, Answered: 1})

	x.must(x.ObjectGone(t.Context(), author.IRI+"/2"))
	want("deleted", node.Tally{Seen: 2, Open: 1, Filled: 1, Answered: 1})
}

// They are made anew when something has changed, but not with every request.
func TestNumbersAreKept(t *testing.T) {
	x := newHouse(t)
	seen := func() int {
		n, err := x.Numbers(t.Context())
		x.must(err)
		return n.Openings.Seen
	}
	o := func() {
		x.publish(&node.Opening{Base: node.Base{Type: node.TypeOpening, Texts: []node.Text{{Title: "x"}}}, Kind: node.Job})
	}
	equal(t, "at first", seen(), 0)
	o()
	equal(t, "at once", seen(), 0)
	x.pass(11 * time.Second)
	equal(t, "after 11 s", seen(), 1)
}
