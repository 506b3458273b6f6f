package activitypub

import "context"

// passedOn fills in what a federation passes on and is open, which may be older than all that was read of its outbox
// (vocabulary 2.10, coop:shared). It is a list like any other: each entry is fetched from its own home.
func (r *outboxReader) passedOn(ctx context.Context) error {
	if r.passed == "" || !SameOrigin(r.passed, r.iri) {
		return nil
	}
	held, err := r.sharesHeld(ctx)
	if err != nil {
		return err
	}
	list := *r
	list.outbox, list.file = r.passed, true
	list.note = func(readBefore) error { return nil }
	err = list.walk(ctx, held)
	r.fetched, r.changed = list.fetched, list.changed
	return passing(ctx, err)
}
