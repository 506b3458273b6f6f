package store

import (
	"context"
	"time"

	"github.com/coopnode/coopnode/node"
)

const (
	// A second Like of one actor counts once; its newer id is the one that will be taken back.
	saveReaction = `
		insert into reaction (object, verb, actor, iri, at_ms) values ($1, $2, $3, $4, $5)
		    on conflict (object, verb, actor) do update set iri = excluded.iri`
	reactionOf      = `select iri, at_ms from reaction where object = $1 and verb = $2 and actor = $3`
	reactionsOf     = `select object, verb, actor, iri, at_ms from reaction where actor = $1 order by at_ms desc limit 10000`
	takeBackByIRI   = `delete from reaction where actor = $1 and iri = $2 and iri <> ''`
	takeBackByThing = `delete from reaction where object = $1 and verb = $2 and actor = $3`

	saveReader = `
		insert into reader (object, actor, at_ms) values ($1, $2, $3)
		    on conflict (object, actor) do update set at_ms = excluded.at_ms
		       where excluded.at_ms > reader.at_ms`
	countReaders = `select count(*) from reader where object = $1`
	oldestReader = `
		delete from reader
		 where object = $1
		   and actor in (select actor from reader where object = $1 order by at_ms, actor limit $2)`
)

const (
	// maxReaders is how many readers of one object are remembered (decisions 16: bounded).
	maxReaders = 1000
	// readerAge is how long (decisions 16).
	readerAge = 90 * 24 * time.Hour
)

// Reaction gives what an actor said of an object with that verb. NotFound.
func (q questions) Reaction(ctx context.Context, object, actor string, verb node.Verb) (*node.Reaction, error) {
	r := node.Reaction{Object: object, Actor: actor, Verb: verb}
	var at int64
	err := q.on(ctx, func(c *conn) error { return c.row(reactionOf, object, string(verb), actor).Scan(&r.IRI, &at) })
	if err != nil {
		return nil, sqliteError("read reaction", object, err)
	}
	r.At = timeOf(at)
	return &r, nil
}

// ReactionsOf lists what an actor likes and has announced, newest first; at most 10,000.
func (q questions) ReactionsOf(ctx context.Context, actor string) (list []*node.Reaction, err error) {
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			var one node.Reaction
			var at int64
			err := r.Scan(&one.Object, &one.Verb, &one.Actor, &one.IRI, &at)
			one.At = timeOf(at)
			list = append(list, &one)
			return err
		}, reactionsOf, actor)
	})
	return list, sqliteError("list reactions", actor, err)
}

// React keeps a Like or Announce of an object, once per actor.
func (t tx) React(_ context.Context, r node.Reaction) error {
	_, err := t.c.exec(saveReaction, r.Object, string(r.Verb), r.Actor, r.IRI, ms(r.At))
	return sqliteError("save reaction", r.IRI, err)
}

// TakeBack removes a reaction of an actor, found by its id or by object and verb. One that is not
// there is no error.
func (t tx) TakeBack(_ context.Context, r node.Reaction) error {
	_, err := t.c.exec(takeBackByIRI, r.Actor, r.IRI)
	if err == nil && r.Object != "" && r.Verb != "" {
		_, err = t.c.exec(takeBackByThing, r.Object, string(r.Verb), r.Actor)
	}
	return sqliteError("take back reaction", r.IRI, err)
}

// AddReader remembers that actor holds object. Of more than a thousand the oldest are forgotten.
func (t tx) AddReader(_ context.Context, object, actor string, at time.Time) error {
	const op = "save reader"
	if _, err := t.c.exec(saveReader, object, actor, ms(at)); err != nil {
		return sqliteError(op, object, err)
	}
	var n int
	err := t.c.row(countReaders, object).Scan(&n)
	if err == nil && n > maxReaders {
		_, err = t.c.exec(oldestReader, object, n-maxReaders)
	}
	return sqliteError(op, object, err)
}
