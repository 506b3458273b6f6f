package store

import (
	"context"

	"github.com/coopnode/coopnode/node"
)

const (
	quoteByIRI  = `select iri, object, quote, actor, at_ms from quote where iri = $1`
	quoteBy     = `select iri, object, quote, actor, at_ms from quote where object = $1 and quote = $2`
	countQuotes = `select count(*) from quote where object = $1`
	saveQuote   = `insert into quote (iri, object, quote, actor, at_ms) values ($1, $2, $3, $4, $5)`
)

// Quote gives the quote with this stamp. NotFound.
func (q questions) Quote(ctx context.Context, iri string) (*node.Quote, error) {
	return q.quote(ctx, quoteByIRI, iri)
}

// QuoteBy gives the quote of an object in a post. NotFound.
func (q questions) QuoteBy(ctx context.Context, object, post string) (*node.Quote, error) {
	return q.quote(ctx, quoteBy, object, post)
}

func (q questions) quote(ctx context.Context, text string, args ...any) (*node.Quote, error) {
	var found node.Quote
	var at int64
	err := q.on(ctx, func(c *conn) error {
		return c.row(text, args...).Scan(&found.IRI, &found.Object, &found.Quote, &found.Actor, &at)
	})
	if err != nil {
		return nil, sqliteError("read quote", args[0].(string), err)
	}
	found.At = timeOf(at)
	return &found, nil
}

// CountQuotes counts the quotes of an object.
func (q questions) CountQuotes(ctx context.Context, object string) (n int, err error) {
	err = q.on(ctx, func(c *conn) error { return c.row(countQuotes, object).Scan(&n) })
	return n, sqliteError("count quotes", object, err)
}

// SaveQuote keeps a quote. Exists for a second one of the same object in the same post.
func (t tx) SaveQuote(_ context.Context, q *node.Quote) error {
	_, err := t.c.exec(saveQuote, q.IRI, q.Object, q.Quote, q.Actor, ms(q.At))
	return sqliteError("save quote", q.IRI, err)
}
