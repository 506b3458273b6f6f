package activitypub

import (
	"context"
	"fmt"
	"slices"

	"github.com/coopnode/coopnode/node"
)

// maxMoves is how many moves are followed in one go, where the new address has moved on.
const maxMoves = 3

// proveMove proves what a Move says: the old actor has signed it, and the new one, fetched now, names the old one as
// itself (security.md 3). Nothing is asked for somebody whom we do not follow, since nothing would come of it.
func (w *Wire) proveMove(ctx context.Context, a *node.Act) error {
	f, err := w.node.Store().Followed(ctx, a.Actor)
	if node.IsNotFound(err) || err == nil && !f.Live() {
		return nil
	} else if err != nil {
		return err
	}
	if a.ObjectIRI != a.Actor {
		return &unproven{fmt.Sprintf("%s cannot move %s", a.Actor, a.ObjectIRI)}
	}
	ctx, cancel := context.WithTimeout(ctx, proofTime)
	defer cancel()
	from, target := a.Actor, a.Target
	for range maxMoves {
		if target == "" || target == a.Actor || w.node.Links.Ours(target) {
			return &unproven{fmt.Sprintf("%s moves nowhere", from)}
		}
		next, err := w.fetchActor(ctx, target, 0)
		if err != nil {
			return err
		}
		if !slices.Contains(next.AlsoKnownAs, from) {
			return &unproven{fmt.Sprintf("%s does not say that it was %s", next.IRI, from)}
		}
		if next.MovedTo == "" {
			a.Subject, a.Target = next, next.IRI
			return nil
		}
		from, target = next.IRI, next.MovedTo
	}
	return &unproven{a.Actor + " moves on and on"}
}
