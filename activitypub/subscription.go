package activitypub

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/coopnode/coopnode/node"
)

// A node can read lists without following anybody: the outbox of an actor, be it a coopnode or not, and files that somebody
// put on a web server. They are read like the outboxes of those it follows, as often as was said.

// pollTime is how long one reading may take; what it did not reach the next one does.
const pollTime = 4 * time.Minute

// listTypes are what can be read entry by entry.
var listTypes = map[string]bool{"OrderedCollection": true, "Collection": true, "OrderedCollectionPage": true, "CollectionPage": true}

// FindList gives what one can subscribe to at an address as people write it: the outbox of an actor, found by its handle,
// host, address or page or by the outbox itself; else a list on its own, which may be a plain JSON file.
// Errors as Find.
func (w *Wire) FindList(ctx context.Context, address string) (*node.Subscription, error) {
	const op = "find list"
	in := &Inspection{Address: address}
	at, err := w.resolve(ctx, in)
	if err != nil {
		return nil, err
	}
	if w.node.Links.Ours(at) {
		return nil, &node.Error{Op: op, Kind: node.Invalid, Subject: address, Text: "That is this coop itself."}
	}
	doc, err := w.client.GetList(ctx, at, Version{})
	if err != nil {
		return nil, asked(op, at, err)
	}
	if !doc.Plain {
		if anyOf(Types(doc.Object), actorTypes) {
			a, err := w.Find(ctx, address)
			if err != nil {
				return nil, err
			}
			if a.Outbox == "" {
				return nil, &node.Error{Op: op, Kind: node.Invalid, Subject: address, Text: a.Address() + " has no outbox that could be read."}
			}
			return &node.Subscription{Source: a.IRI, List: a.Outbox, Who: a}, nil
		}
		if s := w.outboxAt(ctx, doc); s != nil {
			return s, nil
		}
	}
	if !anyOf(Types(doc.Object), listTypes) {
		return nil, &node.Error{Op: op, Kind: node.Invalid, Subject: address,
			Text: "There is no list at this address. Give a coop, like @coop@coop.example, an outbox, or a JSON file of type OrderedCollection."}
	}
	return &node.Subscription{Source: doc.URL, List: doc.URL}, nil
}

// outboxAt gives the subscription to a list that is somebody's outbox, as that one says too (FEP-fe34); nil if it is
// nobody's.
func (w *Wire) outboxAt(ctx context.Context, doc *Document) *node.Subscription {
	page := doc.Object
	if first := Obj(page["first"]); first != nil {
		page = first
	} else if at := IDOf(page["first"]); at != "" && SameOrigin(at, doc.URL) {
		if first, err := w.client.GetActivity(ctx, at); err == nil {
			page = first.Object
		}
	}
	owners := append(IDs(doc.Object["attributedTo"]), IDs(doc.Object["actor"])...)
	for _, v := range slices.Concat(List(page["orderedItems"]), List(page["items"])) {
		owners = append(owners, IDOf(Obj(v)["actor"]))
		if len(owners) >= 5 {
			break
		}
	}
	slices.Sort(owners)
	for _, iri := range slices.Compact(owners) {
		if iri == "" || !SameOrigin(iri, doc.URL) {
			continue
		}
		if a, err := w.fetchActor(ctx, iri, 0); err == nil && (a.Outbox == doc.URL || a.Outbox == Str(doc.Object, "id")) {
			return &node.Subscription{Source: a.IRI, List: a.Outbox, Who: a}
		}
	}
	return nil
}

// pollList does the task: again as long as the subscription stands. It says itself when that is.
func (c *chores) pollList(ctx context.Context, t *node.Task) (again bool, err error) {
	s, err := c.w.node.Store().Subscription(ctx, t.Subject)
	if node.IsNotFound(err) {
		return false, nil
	} else if err != nil {
		return true, err
	}
	reading, cancel := context.WithTimeout(ctx, pollTime)
	defer cancel()
	fresh, err := c.readList(reading, t, s)
	if ctx.Err() != nil {
		return true, ctx.Err()
	}
	now := c.w.node.Now()
	status := asStatus(err)
	switch {
	case err == nil:
		every := max(s.Every(), fresh)
		t.Attempts, t.Due = 0, now.Add(every*9/10+rand.N(every/5))
		return true, c.w.node.Polled(ctx, s.Source, "")
	case status != nil && status.Gone() && s.OfActor() && status.URL == s.Source:
		return false, c.gone(ctx, s.Source)
	}
	t.Attempts++
	wait := backOff(s.Every(), t.Attempts)
	if status != nil {
		wait = max(wait, status.RetryAfter)
	}
	t.Due = now.Add(wait)
	c.log.Info("list cannot be read, trying later", "actor", s.Source, "tries", t.Attempts, "next", t.Due, "err", err)
	return true, c.w.node.Polled(ctx, s.Source, err.Error())
}

// backOff is how long to wait after so many failures: twice as long each time, up to a day, and never less than every.
func backOff(every time.Duration, failures int) time.Duration {
	return max(every, min(every<<min(failures, 10), 24*time.Hour))
}

// readList reads the list of a subscription once, and remembers in t how far. fresh is how long the list asks to be kept.
func (c *chores) readList(ctx context.Context, t *node.Task, s *node.Subscription) (fresh time.Duration, err error) {
	of := source{iri: s.Source, outbox: s.List, file: true}
	if s.OfActor() {
		a, err := c.w.fetchActor(ctx, s.Source, 24*time.Hour)
		if err != nil {
			return 0, err
		}
		of = outboxOf(a)
	}
	r, err := c.reader(ctx, t, of)
	if err != nil {
		return 0, err
	}
	if err := r.read(ctx); err != nil {
		return 0, err
	}
	r.now.Done = true
	c.log.Debug("list read", "actor", s.Source, "entries", r.now.Read, "changed", r.changed)
	return r.fresh, remember(t, r.now)
}

// listed keeps what one entry of a file names, as passed on by the file: an object, its address, or a Create or Announce of
// it. What is of another origin is fetched from its home. What stands there in full and is of the file's own origin is
// believed, but not of an author that is an actor: that one speaks for itself.
func (r *outboxReader) listed(doc *Document) func(context.Context, any, map[string]*node.TimelineEntry) (bool, time.Time, error) {
	return func(ctx context.Context, v any, held map[string]*node.TimelineEntry) (fresh bool, at time.Time, err error) {
		iri, carried := IDOf(v), Obj(v)
		act := &node.Act{Verb: node.Announce, Actor: r.iri}
		if verb := verbNamed(carried); verb == node.Create || verb == node.Announce {
			at = said(carried, r.w.node.Now())
			inner := first(carried["object"])
			if iri = IDOf(inner); verb == node.Announce {
				carried = nil
			} else if carried = Obj(inner); carried != nil {
				carried = addressed(carried, Obj(v))
			}
		}
		if r.w.node.Links.Ours(iri) || iri == "" {
			return false, at, nil
		}
		r.shared[iri] = true
		have, err := r.w.node.Object(ctx, iri)
		if err != nil && !node.IsNotFound(err) {
			return false, at, err
		}
		known := err == nil
		if carried != nil && SameOrigin(iri, doc.URL) {
			act.Object = decodeObject(addressed(carried, map[string]any{"to": node.PublicIRI}), r.w.rules) // a file is for everybody
		}
		e := held[iri]
		if known && e != nil && (act.Object == nil || !act.Object.Common().Updated.After(have.Common().Updated)) {
			return false, at, nil
		}
		if act.Object != nil {
			if speaks, err := r.speaks(ctx, act.Object.Common().Actor); err != nil {
				r.missed = true
				return false, at, ctx.Err()
			} else if speaks {
				act.Object = nil
			}
		}
		if act.Object == nil {
			if act.Object = r.fetch(ctx, iri); act.Object == nil {
				return false, at, ctx.Err()
			}
		}
		b := act.Object.Common()
		if !b.Audience.Listed() {
			return false, at, nil
		}
		if at.IsZero() {
			at = b.Published
		}
		act.IRI, act.ObjectIRI, act.Published = b.IRI, b.IRI, at
		if e != nil {
			act.Published = e.At
		}
		r.changed++
		return true, at, r.w.node.KeepFound(ctx, act)
	}
}

// speaks says whether an author is an actor, who can be asked for what it said. Else whoever is master of the origin could
// not be told from whoever may put a file there. Errors are those of a home that does not answer.
func (r *outboxReader) speaks(ctx context.Context, author string) (bool, error) {
	if speaks, ok := r.authors[author]; ok {
		return speaks, nil
	}
	_, err := r.w.fetchActor(ctx, author, week)
	if err != nil && !isDisproof(err) {
		return false, err
	}
	r.authors[author] = err == nil
	return err == nil, nil
}
