package activitypub

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/coopnode/coopnode/node"
)

// again asks for the openings of others that are brought from here and open, at their homes: those tell their own readers
// of changes, and whether we are among them we cannot know. Those that did not get their turn come first the next time.
func (r *outboxReader) again(ctx context.Context, held map[string]*node.TimelineEntry) error {
	turn := slices.Sorted(maps.Keys(held))
	next, _ := slices.BinarySearch(turn, r.was.Asked+"\x00")
	turn = slices.Concat(turn[next:], turn[:next])
	asked := 0
	for _, iri := range turn {
		o, err := r.w.node.Object(ctx, iri)
		if node.IsNotFound(err) {
			continue
		} else if err != nil {
			return err
		}
		b := o.Common()
		opening, _ := o.(*node.Opening)
		if opening == nil || b.Local || !b.Deleted.IsZero() || opening.StatusAt(r.w.node.Now()) != node.Open {
			continue
		}
		was := r.was.Objects[iri]
		if asked++; asked > backfillAgain {
			r.now.Objects[iri] = was
			continue
		}
		r.now.Asked = iri
		fresh, version, err := r.w.fetchChanged(ctx, iri, was)
		status := asStatus(err)
		switch {
		case errors.Is(err, errUnchanged):
			r.now.Objects[iri] = was
		case status != nil && status.Gone():
			r.changed++
			err = r.w.node.ObjectGone(ctx, iri)
		case err == nil:
			r.now.Objects[iri] = version
			err = r.renew(ctx, b, fresh, shareAct(held[iri]))
		default:
			err = ctx.Err() // one sleeping home does not end the reading
		}
		if err != nil && !errors.Is(err, errUnchanged) {
			return err
		}
	}
	return nil
}

// renew keeps a newer version of what we hold.
func (r *outboxReader) renew(ctx context.Context, have *node.Base, fresh node.Object, act *node.Act) error {
	b := fresh.Common()
	if b.IRI != have.IRI || b.Actor != have.Actor || !b.Updated.After(have.Updated) {
		return ctx.Err()
	}
	r.changed++
	act.Object = fresh
	return r.w.node.KeepFound(ctx, act)
}

// createAct and shareAct say how we came to hold an object, so that a newer version of it comes in its place.
func createAct(o node.Object) *node.Act {
	b := o.Common()
	return &node.Act{Verb: node.Create, Actor: b.Actor, IRI: b.IRI, ObjectIRI: b.IRI, Object: o, Published: b.Published}
}

func shareAct(e *node.TimelineEntry) *node.Act {
	return &node.Act{Verb: node.Announce, Actor: e.Actor, IRI: e.IRI, ObjectIRI: e.ObjectIRI, Published: e.At}
}
