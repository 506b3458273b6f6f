package activitypub

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/coopnode/coopnode/node"
)

// An outboxReader is one reading of one outbox.
type outboxReader struct {
	w *Wire
	source
	was, now readBefore
	note     func(readBefore) error
	fresh    time.Duration // how long the list asks to be kept

	fetched int             // objects asked for one by one
	missed  bool            // something on this page could not be had, so the page is read again next time
	changed int             // objects that we did not have so
	found   map[string]bool // objects of the actor on pages that have changed
	shared  map[string]bool // objects that it announces there
	authors map[string]bool // of what stands in a file: whether they are actors

	// From the newest entry down to since, every entry stood on a page that was read now; down to reach, on one that was
	// read now or has not changed since it was. Both zero at the end of the outbox.
	since, reach time.Time
}

// read walks the outbox, newest first, then looks for what has vanished from it, and for what is pinned.
func (r *outboxReader) read(ctx context.Context) error {
	r.since, r.reach = r.w.node.Now(), r.w.node.Now()
	held, err := r.sharesHeld(ctx)
	if err != nil {
		return err
	}
	if r.outbox != "" {
		if err := r.walk(ctx, held); err != nil {
			return err
		}
		if err := r.vanished(ctx, held); err != nil {
			return err
		}
	}
	if err := r.passedOn(ctx); err != nil {
		return err
	}
	if err := r.again(ctx, held); err != nil {
		return err
	}
	return r.pinned(ctx)
}

// sharesHeld are the shares of the actor that we know, by object.
func (r *outboxReader) sharesHeld(ctx context.Context) (map[string]*node.TimelineEntry, error) {
	list, err := r.w.node.Store().Shares(ctx, r.iri)
	held := map[string]*node.TimelineEntry{}
	for _, e := range list {
		held[e.ObjectIRI] = e
	}
	return held, err
}

func (r *outboxReader) walk(ctx context.Context, held map[string]*node.TimelineEntry) error {
	gap, covered := false, true
	for at, pages := r.outbox, 0; pages <= backfillPages; pages++ {
		was := r.was.Pages[at]
		doc, err := r.get(ctx, at, was.Version)
		if errors.Is(err, errUnchanged) {
			r.now.Pages[at] = was
			r.fresh = max(r.fresh, was.Fresh)
			if !was.Oldest.IsZero() {
				gap = true
				r.reach = earlier(r.reach, was.Oldest)
			}
			if at = was.Next; at == "" {
				r.reach = time.Time{}
				return nil
			}
			continue
		} else if err != nil {
			return err
		}
		here := readPage{Version: doc.Version, Fresh: doc.Fresh}
		news := 0
		r.missed, r.fresh = false, max(r.fresh, doc.Fresh)
		if here.Next, news, err = r.page(ctx, doc, held, &here.Oldest); err != nil {
			return err
		}
		if here.known() && !r.missed {
			r.now.Pages[at] = here
		}
		if covered = covered && !gap; covered && !here.Oldest.IsZero() {
			r.since = earlier(r.since, here.Oldest)
		}
		if !here.Oldest.IsZero() {
			r.reach = earlier(r.reach, here.Oldest)
		}
		if err := r.note(r.now); err != nil {
			return err
		}
		_, seen := r.now.Pages[here.Next]
		switch {
		case here.Next == "":
			r.reach = time.Time{}
			if covered {
				r.since = time.Time{}
			}
			return nil
		case seen || here.Next == at || !SameOrigin(here.Next, r.iri) || r.now.Read >= backfillItems:
			return nil
		case r.was.Done && !here.known() && news == 0 && !here.Oldest.IsZero():
			return nil // a server without ETags: what is older was read before
		}
		at = here.Next
	}
	return nil
}

// get reads a page. Only what is nobody's outbox may be a plain file (ORG-5).
func (r *outboxReader) get(ctx context.Context, at string, have Version) (*Document, error) {
	if r.file && !r.coop {
		return r.w.client.GetList(ctx, at, have)
	}
	return r.w.client.GetChanged(ctx, at, have)
}

// page reads the entries of a page, and of the first page where that stands inside the collection.
func (r *outboxReader) page(ctx context.Context, doc *Document, held map[string]*node.TimelineEntry, oldest *time.Time) (next string, news int, err error) {
	page := doc.Object
	for depth := 0; page != nil && depth < 2; depth++ {
		if n, ok := Num(page["totalItems"]); ok && n > 0 {
			r.now.Total = int(min(n, backfillItems))
		}
		for _, v := range append(List(page["orderedItems"]), List(page["items"])...) {
			if r.now.Read++; r.now.Read > backfillItems {
				break
			}
			read := r.entry
			if r.file {
				read = r.listed(doc)
			}
			fresh, at, err := read(ctx, v, held)
			if err != nil {
				return "", news, err
			}
			if fresh {
				news++
			}
			if !at.IsZero() && (oldest.IsZero() || at.Before(*oldest)) {
				*oldest = at
			}
		}
		follow := page["next"]
		if follow == nil {
			follow = page["first"]
		}
		if page = Obj(follow); page == nil {
			next = IDOf(follow)
		}
	}
	return next, news, nil
}

// entry keeps one entry of the outbox. What stands there in full is believed, for it comes from the author's own
// home; what is only named is fetched from where it lives. at is when it was said, zero for what is not read.
func (r *outboxReader) entry(ctx context.Context, v any, held map[string]*node.TimelineEntry) (fresh bool, at time.Time, err error) {
	m := Obj(v)
	verb := node.Verb(Str(m, "type"))
	if verb != node.Create && verb != node.Announce || IDOf(m["actor"]) != r.iri {
		return false, at, nil
	}
	act := decodeAct(m, verb, r.w.rules, r.w.node.Now())
	if act.Object != nil && Str(m, "published") == "" {
		act.Published = act.Object.Common().Published
	}
	at = act.Published
	if verb == node.Announce {
		r.shared[act.ObjectIRI] = true
	} else {
		r.found[act.ObjectIRI] = true
	}
	have, err := r.w.node.Object(ctx, act.ObjectIRI)
	if err != nil && !node.IsNotFound(err) {
		return false, at, err
	}
	known := err == nil
	switch {
	case known && (have.Common().Local || verb == node.Create && have.Common().Actor != r.iri):
		return false, at, nil
	case known && verb == node.Announce && held[act.ObjectIRI] != nil,
		known && verb == node.Create && r.was.Done && (act.Object == nil || !act.Object.Common().Updated.After(have.Common().Updated)):
		return false, at, nil
	case act.Object == nil && known && verb == node.Announce: // what is announced anew may have been opened again
		if act.Object = r.fetch(ctx, act.ObjectIRI); act.Object == nil {
			act.Object = have
		}
	case act.Object == nil && known:
		act.Object = have
	case act.Object == nil:
		if act.Object = r.fetch(ctx, act.ObjectIRI); act.Object == nil {
			return false, at, ctx.Err() // one sleeping home does not end the reading
		}
		if verb == node.Create && act.Object.Common().Actor != r.iri {
			return false, at, nil
		}
	}
	if !act.Object.Common().Audience.Listed() {
		return false, at, nil
	}
	r.changed++
	return true, at, r.w.node.KeepFound(ctx, act)
}

// fetch reads an object from its home; nil where that cannot be. Where it may be had later, because its home sleeps or too
// many were fetched already, the page counts as not read.
func (r *outboxReader) fetch(ctx context.Context, iri string) node.Object {
	if r.w.node.Links.Ours(iri) {
		return nil
	}
	if r.fetched++; r.fetched > backfillFetch {
		r.missed = true
		return nil
	}
	o, err := r.w.fetchObject(ctx, iri)
	if err != nil {
		r.missed = r.missed || !isDisproof(err)
		r.w.log.Debug("not read back", "room", "chores", "object", iri, "err", err)
		return nil
	}
	return o
}

// vanished looks after what we hold of the actor and did not find in its outbox where it should stand: what was
// deleted, and shares that were taken back; what was shared is asked for once more, for nobody may tell us of it from
// now on. Open openings that are older than what was read are asked for by their address, for they are what people act on.
func (r *outboxReader) vanished(ctx context.Context, held map[string]*node.TimelineEntry) error {
	for iri, e := range held {
		if r.shared[iri] || e.At.Before(r.since) || !r.unshared(ctx, e) {
			continue
		}
		o, err := r.w.node.Object(ctx, iri)
		if err == nil && !o.Common().Local {
			err = r.ask(ctx, o, shareAct(e))
		}
		if err != nil && !node.IsNotFound(err) {
			return err
		}
		r.changed++
		if err := r.w.node.Unshared(ctx, e); err != nil {
			return err
		}
	}
	for cursor := ""; !r.file; {
		list, next, err := r.w.node.Objects(ctx, node.ObjectQuery{Actor: r.iri, Before: cursor, Limit: 200})
		if err != nil {
			return err
		}
		for _, o := range list {
			b := o.Common()
			missing := !b.Published.Before(r.since) && !r.found[b.IRI]
			opening, _ := o.(*node.Opening)
			open := b.Published.Before(r.reach) && opening != nil && opening.StatusAt(r.w.node.Now()) == node.Open
			if b.Audience.Listed() && (missing || open) {
				if err := r.ask(ctx, o, createAct(o)); err != nil {
					return err
				}
			}
		}
		if cursor = next; next == "" || r.fetched > backfillFetch {
			return nil
		}
	}
	return nil
}

// unshared says whether a share that the outbox does not list was taken back. Some servers list none at all; there the
// Announce itself is asked for.
func (r *outboxReader) unshared(ctx context.Context, e *node.TimelineEntry) bool {
	if len(r.shared) > 0 || r.coop || r.file {
		return true
	}
	if r.fetched++; r.fetched > backfillFetch || !SameOrigin(e.IRI, r.iri) {
		return false
	}
	_, err := r.w.client.GetActivity(ctx, e.IRI)
	status := asStatus(err)
	return status != nil && (status.Gone() || status.Code == http.StatusNotFound)
}

// ask reads an object again from its home; act is how we hold it. One that is not in the outbox and not at its address is
// gone, also where its server says 404 (interop.md 3.1).
func (r *outboxReader) ask(ctx context.Context, o node.Object, act *node.Act) error {
	if r.fetched++; r.fetched > backfillFetch {
		return nil
	}
	b := o.Common()
	fresh, err := r.w.fetchObject(ctx, b.IRI)
	if status := asStatus(err); status != nil && (status.Gone() || status.Code == http.StatusNotFound) {
		r.changed++
		return r.w.node.ObjectGone(ctx, b.IRI)
	}
	if err != nil {
		return ctx.Err()
	}
	return r.renew(ctx, b, fresh, act)
}

// pinned keeps what the actor has pinned, which may be older than all that was read. Only its own things can be:
// those of its origin and by it.
func (r *outboxReader) pinned(ctx context.Context) error {
	if r.featured == "" || !SameOrigin(r.featured, r.iri) {
		return nil
	}
	doc, err := r.w.client.GetChanged(ctx, r.featured, r.was.Pages[r.featured].Version)
	if errors.Is(err, errUnchanged) {
		r.now.Pages[r.featured] = r.was.Pages[r.featured]
		return nil
	} else if err != nil {
		return passing(ctx, err)
	}
	r.now.Pages[r.featured] = readPage{Version: doc.Version}
	page := doc.Object
	if first := Obj(page["first"]); first != nil {
		page = first
	} else if at := IDOf(page["first"]); at != "" && SameOrigin(at, r.iri) {
		if doc, err = r.w.client.GetActivity(ctx, at); err != nil {
			return passing(ctx, err)
		}
		page = doc.Object
	}
	for i, v := range append(List(page["orderedItems"]), List(page["items"])...) {
		iri := IDOf(v)
		if i >= featuredItems {
			break
		}
		if r.found[iri] || !SameOrigin(iri, r.iri) {
			continue
		}
		if _, err := r.w.node.Object(ctx, iri); !node.IsNotFound(err) {
			if err != nil {
				return err
			}
			continue
		}
		o := r.fetch(ctx, iri)
		if o == nil || o.Common().Actor != r.iri || !o.Common().Audience.Listed() {
			continue
		}
		r.changed++
		if err := r.w.node.KeepFound(ctx, createAct(o)); err != nil {
			return err
		}
	}
	return ctx.Err()
}
