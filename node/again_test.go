package node_test

import (
	"testing"

	"github.com/coopnode/coopnode/node"
)

// Misskey and Pixelfed give every follow of one actor by another the same id, and its end another that is
// always the same (interop.md 3.6): who comes and goes is a follower or none as they last said.
func TestFollowsWithConstantIds(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.actor("sea.example", "ana")
	follow := says(ana, node.Follow, "follow", x.Links.Actor())
	undo := says(ana, node.Undo, "follow/undo", follow.IRI)
	undo.Inner = &node.Act{IRI: follow.IRI, Verb: node.Follow, Actor: ana.IRI, ObjectIRI: x.Links.Actor()}
	for range 3 {
		x.receive(follow)
		if f := x.follower(ana.IRI); f == nil || f.State != node.Accepted {
			t.Fatalf("after a Follow the follower is %+v", f)
		}
		x.receive(undo)
		if f := x.follower(ana.IRI); f != nil {
			t.Fatalf("after an Undo there is still %+v", f)
		}
	}
}

// What stands on our board and in our projects is not for strangers to say, though they may write to us.
func TestStrangersDoNotWriteOnOurBoard(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	eve := x.actor("sea.example", "eve")
	o := &node.Opening{Base: note(eve, "1", "Buy this").Base, Kind: node.Job, Purpose: node.Request, Status: node.Open}
	o.Type, o.To = node.TypeOpening, []string{x.Links.Actor()}
	x.receive(create(o))
	list, _, err := x.Objects(t.Context(), node.ObjectQuery{Type: node.TypeOpening})
	x.must(err)
	equal(t, "openings known", len(list), 0)
}
