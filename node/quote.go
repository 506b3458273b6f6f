package node

import (
	"context"
	"time"
)

// A Quote is a post of somebody's that quotes something of ours, with our agreement (FEP-044f).
type Quote struct {
	IRI    string // of the stamp that says so
	Object string // ours
	Quote  string // the post that quotes it
	Actor  string // who wrote that
	At     time.Time
}

// maxQuotes bounds the stamps for one object (DB-7); what comes after stays without an answer.
const maxQuotes = 1000

// onQuoteRequest answers who wants to quote something of ours, as our interactionPolicy says: what everybody may
// see, everybody may quote, and gets a stamp to show; the rest is refused. That a draft exists is told to nobody.
func (n *Node) onQuoteRequest(ctx context.Context, tx Tx, a, answer *Act, now time.Time) error {
	if a.Instrument == "" || !SameOrigin(a.Instrument, a.Actor) || !n.Links.Ours(a.ObjectIRI) {
		return nil
	}
	o, err := tx.Object(ctx, a.ObjectIRI)
	if IsNotFound(err) {
		return nil
	} else if err != nil {
		return err
	}
	b := o.Common()
	if b.IRI != a.ObjectIRI || !b.Local || b.Draft {
		return nil
	}
	answer.Verb, answer.Result = Reject, ""
	if answerable(b) {
		q, err := n.agree(ctx, tx, a, now)
		if q == nil || err != nil {
			return err
		}
		answer.Verb, answer.Result = Accept, q.IRI
		if err := tx.AddReader(ctx, b.IRI, a.Actor, now); err != nil { // who quotes it holds it
			return err
		}
	}
	answer.ObjectIRI, answer.To = a.IRI, []string{a.Actor}
	answer.Inner = &Act{IRI: a.IRI, Verb: QuoteRequest, Actor: a.Actor, ObjectIRI: a.ObjectIRI, Instrument: a.Instrument}
	return n.say(ctx, tx, answer, Recipients{Actors: []string{a.Actor}})
}

// agree gives the stamp for a quote, the same one each time; nil if there are too many.
func (n *Node) agree(ctx context.Context, tx Tx, a *Act, now time.Time) (*Quote, error) {
	q, err := tx.QuoteBy(ctx, a.ObjectIRI, a.Instrument)
	if !IsNotFound(err) {
		return q, err
	}
	count, err := tx.CountQuotes(ctx, a.ObjectIRI)
	if err != nil || count >= maxQuotes {
		return nil, err
	}
	q = &Quote{IRI: n.Links.Quote(NewID()), Object: a.ObjectIRI, Quote: a.Instrument, Actor: a.Actor, At: now}
	return q, tx.SaveQuote(ctx, q)
}
