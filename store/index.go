package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/coopnode/coopnode/node"
)

const (
	noteRef     = `insert into search_note (ref, actor) values ($1, $2) on conflict do nothing`
	noteObjects = `insert into search_note (ref, actor) select iri, false from object where actor = $1 on conflict do nothing`
	noteLate    = `
		insert into search_note (ref, actor)
		select ref, actor from search_doc where closes_ms > 0 and closes_ms <= $1 limit $2
		    on conflict do nothing`
	noted    = `select ref, actor from search_note limit $1`
	dropNote = `delete from search_note where ref = $1 and actor = $2`
	isNoted  = `select exists (select 1 from search_note)`
	isLate   = `select exists (select 1 from search_doc where closes_ms > 0 and closes_ms <= $1)`

	actorShown = `select is_coop and gone_ms = 0 and hidden = 0 from actor where iri = $1`

	docOf   = `select doc, facets, sum from search_doc where ref = $1 and actor = $2`
	lastDoc = `select coalesce(max(doc), 0) from search_doc where doc >= $1 and doc < $2`
	saveDoc = `
		insert into search_doc (doc, ref, actor, facets, sum, closes_ms)
		values ($1, $2, $3, $4, $5, $6)
		    on conflict (ref, actor) do update set
		       doc = excluded.doc, facets = excluded.facets, sum = excluded.sum, closes_ms = excluded.closes_ms`
	dropDoc = `delete from search_doc where doc = $1`

	lentBy     = `select facets from search_author where actor = $1`
	saveLent   = `insert into search_author (actor, facets) values ($1, $2) on conflict (actor) do update set facets = excluded.facets`
	dropLent   = `delete from search_author where actor = $1`
	countFacet = `
		insert into search_facet (sort, value, coops) values ($1, $2, $3)
		    on conflict (sort, value) do update set coops = search_facet.coops + excluded.coops`
	dropFacets = `delete from search_facet where coops <= 0`
)

// What changes is noted in the transaction that changes it and indexed by IndexNoted, for the index costs more than all
// else that is done for a letter.

func (t tx) noteObject(iri string) error {
	_, err := t.c.exec(noteRef, iri, false)
	return err
}

func (t tx) noteActor(iri string) error {
	_, err := t.c.exec(noteRef, iri, true)
	return err
}

// noteAllOf notes an actor and what it published.
func (t tx) noteAllOf(iri string) error {
	if err := t.noteActor(iri); err != nil {
		return err
	}
	_, err := t.c.exec(noteObjects, iri)
	return err
}

// IndexWaits says whether something is noted, or an opening that was open has passed its deadline.
func (q questions) IndexWaits(ctx context.Context, now time.Time) (is bool, err error) {
	err = q.on(ctx, func(c *conn) error {
		if err := c.row(isNoted).Scan(&is); err != nil || is {
			return err
		}
		return c.row(isLate, ms(now)).Scan(&is)
	})
	return is, sqliteError("look for what is not indexed", "", err)
}

// IndexNoted makes the index say what is kept of at most limit actors and objects that are noted.
func (t tx) IndexNoted(ctx context.Context, now time.Time, limit int) (more bool, err error) {
	const op = "index"
	if _, err := t.c.exec(noteLate, ms(now), limit); err != nil {
		return false, sqliteError(op, "", err)
	}
	type note struct {
		ref   string
		actor bool
	}
	var notes []note
	err = t.c.each(func(r rowScanner) error {
		var n note
		err := r.Scan(&n.ref, &n.actor)
		notes = append(notes, n)
		return err
	}, noted, limit+1)
	if err != nil {
		return false, sqliteError(op, "", err)
	}
	more = len(notes) > limit
	ix := indexing{tx: t, now: now, lent: map[string]*author{}}
	var docs []*indexed
	for _, n := range notes[:min(len(notes), limit)] {
		if _, err := t.c.exec(dropNote, n.ref, n.actor); err != nil {
			return false, sqliteError(op, n.ref, err)
		}
		read := ix.object
		if n.actor {
			read = ix.actor
		}
		d, err := read(ctx, n.ref)
		if err == nil && d == nil {
			err = ix.remove(n.ref, n.actor)
		}
		if err != nil {
			return false, sqliteError(op, n.ref, err)
		}
		if d != nil {
			docs = append(docs, d)
		}
	}
	// The index is written most cheaply in its own order.
	slices.SortStableFunc(docs, func(a, b *indexed) int { return a.at.Compare(b.at) })
	for _, d := range docs {
		if err := ix.write(d); err != nil {
			return false, sqliteError(op, d.ref, err)
		}
	}
	return more || ix.noted, nil
}

// indexing is one run of IndexNoted.
type indexing struct {
	tx
	now   time.Time
	lent  map[string]*author
	noted bool // something was noted besides
}

// An author is who published something: nil where it was never read.
type author struct {
	actor *node.Actor
	lent  facets
}

// author reads who published something, once in a run.
func (x *indexing) author(ctx context.Context, iri string) (*author, error) {
	if a, ok := x.lent[iri]; ok {
		return a, nil
	}
	a := &author{}
	var err error
	if a.actor, err = x.Actor(ctx, iri); node.IsNotFound(err) {
		a.actor = nil
	} else if err != nil {
		return nil, err
	} else {
		var federations []*node.Membership
		if a.actor.Coop != nil {
			federations, err = x.Memberships(ctx, node.MembershipQuery{Coop: iri, Standing: node.Confirmed, Limit: mostFacets})
		}
		if err != nil {
			return nil, err
		}
		a.lent = lentFacets(a.actor, federations)
	}
	x.lent[iri] = a
	return a, x.lend(iri, a.lent.text())
}

// object is what is to be indexed of an object, nil for one that is not to be found.
func (x *indexing) object(ctx context.Context, iri string) (*indexed, error) {
	o, err := x.Object(ctx, iri)
	if node.IsNotFound(err) || err == nil && o.Common().IRI != iri {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	by, err := x.author(ctx, o.Common().Actor)
	if err != nil || !node.Searchable(o, by.actor) {
		return nil, err
	}
	return indexObject(o, by.lent, x.now), nil
}

// actor is what is to be indexed of an actor, nil for one that is not to be found.
func (x *indexing) actor(ctx context.Context, iri string) (*indexed, error) {
	by, err := x.author(ctx, iri)
	if err != nil {
		return nil, err
	}
	var shown bool
	err = x.c.row(actorShown, iri).Scan(&shown)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !shown {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return indexCoop(by.actor, by.lent.without(by.lent.of(byConsent))), nil
}

// lend keeps what an author lends from now on. If that has changed, all that it published is noted: whatever is indexed was
// lent what is kept here.
func (x *indexing) lend(iri, lent string) error {
	was := ""
	if err := x.c.row(lentBy, iri).Scan(&was); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if was == lent {
		return nil
	}
	var err error
	if lent == "" {
		_, err = x.c.exec(dropLent, iri)
	} else {
		_, err = x.c.exec(saveLent, iri, lent)
	}
	if err == nil {
		_, err = x.c.exec(noteObjects, iri)
		x.noted = true
	}
	return err
}

// A doc is what stands in the index already.
type doc struct {
	number int64
	facets facets
	sum    string
}

func (x *indexing) doc(ref string, actor bool) (*doc, error) {
	var d doc
	var kept string
	err := x.c.row(docOf, ref, actor).Scan(&d.number, &kept, &d.sum)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	d.facets = readFacets(kept)
	return &d, err
}

// write puts something in place of what stood there of it. Only a later time gives it another place.
func (x *indexing) write(d *indexed) error {
	old, err := x.doc(d.ref, d.actor)
	if err != nil {
		return err
	}
	sum := d.sum()
	second := max(d.at.Unix(), 0)
	var number int64
	switch {
	case old == nil || old.number>>docBits != second:
		if number, err = x.nextDoc(second); err != nil {
			return err
		}
	case old.sum == sum:
		return nil
	default:
		number = old.number
	}
	if old != nil {
		if _, err := x.c.exec(dropText, old.number); err != nil {
			return err
		}
	}
	if _, err := x.c.exec(saveText, number, fold(d.title.String()), fold(d.body.String()), d.facets.words()); err != nil {
		return err
	}
	if _, err := x.c.exec(saveDoc, number, d.ref, d.actor, d.facets.text(), sum, ms(d.closes)); err != nil {
		return err
	}
	if d.actor {
		return x.count(old, d.facets)
	}
	return nil
}

func (x *indexing) remove(ref string, actor bool) error {
	old, err := x.doc(ref, actor)
	if err != nil || old == nil {
		return err
	}
	for _, drop := range []string{dropText, dropDoc} {
		if _, err := x.c.exec(drop, old.number); err != nil {
			return err
		}
	}
	if actor {
		return x.count(old, nil)
	}
	return nil
}

// docBits is how many things of one second can be told apart.
const docBits = 10

// nextDoc gives a number that is not taken, the first one of a second or of one after it.
func (x *indexing) nextDoc(second int64) (int64, error) {
	for ; ; second++ {
		first, end := second<<docBits, (second+1)<<docBits
		var last int64
		if err := x.c.row(lastDoc, first, end).Scan(&last); err != nil {
			return 0, err
		}
		if n := max(first, last+1); n < end {
			return max(n, 1), nil
		}
	}
}

// count keeps how many coops have each facet.
func (x *indexing) count(old *doc, is facets) error {
	var was facets
	if old != nil {
		was = old.facets
	}
	for _, f := range is.without(was) {
		if _, err := x.c.exec(countFacet, string(f[:1]), string(f[1:]), 1); err != nil {
			return err
		}
	}
	gone := was.without(is)
	for _, f := range gone {
		if _, err := x.c.exec(countFacet, string(f[:1]), string(f[1:]), -1); err != nil {
			return err
		}
	}
	if len(gone) > 0 {
		_, err := x.c.exec(dropFacets)
		return err
	}
	return nil
}
