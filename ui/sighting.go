package ui

import (
	"context"
	"slices"

	"github.com/coopnode/coopnode/node"
)

// maxThrough is how many are named through whom somebody is known.
const maxThrough = 3

// sighted is through whom somebody is known: the first few, and how many there are besides.
type sighted struct {
	Through []person
	More    int
}

// count is through how many it is.
func (s sighted) count() int { return len(s.Through) + s.More }

// after is what stands between the one at i and the next.
func (s sighted) after(i int) string {
	if i < len(s.Through)-1 {
		return ","
	}
	return ""
}

// through tells through whom an actor is known, each once however many lists of theirs it stands in.
func (v *visit) through(ctx context.Context, a *node.Actor) (sighted, error) {
	var s sighted
	if a.Local || a.Sample {
		return s, nil
	}
	all, err := v.node.Sightings(ctx, a.IRI)
	if err != nil {
		return s, err
	}
	var seen []string
	for _, one := range all[a.IRI] {
		if slices.Contains(seen, one.Through) {
			continue
		}
		if seen = append(seen, one.Through); len(seen) > maxThrough {
			s.More++
			continue
		}
		who, err := v.people.of(ctx, one.Through)
		if err != nil {
			return s, err
		}
		s.Through = append(s.Through, who)
	}
	return s, nil
}
