package aptest

import (
	"encoding/json"

	"github.com/coopnode/coopnode/node"
)

// Federate makes the node a federation whose confirmed members are these, as both sides would have said and read, and has
// them follow each other. edit may change what it passes on.
func (n *Node) Federate(edit func(*node.Resharing), members ...*Node) {
	n.t.Helper()
	r := node.DefaultResharing()
	r.PerDay = 1000
	if edit != nil {
		edit(r)
	}
	_, err := n.SetFederation(n.t.Context(), "test", &node.Admission{Rule: node.BySteward}, r)
	n.must(err)
	for _, m := range members {
		n.Follow(m.Links.Actor())
		m.Follow(n.Links.Actor())
		now := n.Now()
		says := func(by *Node) node.Word {
			return node.Word{IRI: by.Links.Membership(node.NewID()), Since: now, Checked: now}
		}
		both := &node.Membership{Federation: n.Links.Actor(), Coop: m.Links.Actor(), Role: "member", CoopSays: says(m), FederationSays: says(n)}
		for _, side := range []*Node{n, m} {
			own := *both
			own.ID = node.NewID()
			n.must(side.DB.Tx(n.t.Context(), func(tx node.Tx) error { return tx.SaveMembership(n.t.Context(), &own) }))
		}
	}
}

// Shared lists what a federation passes on and is open, as everybody can read it.
func (n *Node) Shared() []string {
	n.t.Helper()
	var ids []string
	for at := n.Links.Shared() + "?page=true"; at != ""; {
		a := GetDocument(n.t, at)
		var page struct {
			Next         string
			OrderedItems []string
		}
		if err := json.Unmarshal(a.Body, &page); err != nil {
			n.t.Fatalf("GET %s: %d, %v", at, a.Status, err)
		}
		ids, at = append(ids, page.OrderedItems...), page.Next
	}
	return ids
}
