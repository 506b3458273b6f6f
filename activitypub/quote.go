package activitypub

import (
	"context"

	"github.com/go-fed/activity/streams"
	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// getQuote handles GET /ap/quotes/{id}: our agreement that a post quotes something of ours (FEP-044f). It ends with
// what is quoted. streams does not know the type, so it is written by hand.
func (w *Wire) getQuote(c echo.Context) (*answer, error) {
	if !node.IsID(c.Param("id")) {
		return nil, echo.ErrNotFound
	}
	iri := w.node.Links.Quote(c.Param("id"))
	return w.kept(c.Request().Context(), iri, func(ctx context.Context) (*answer, error) {
		q, err := w.node.Store().Quote(ctx, iri)
		if err != nil {
			return nil, err
		}
		doc, err := w.publicDocument(ctx, q.Object)
		if err == nil && doc.Deleted {
			err = &node.Error{Op: "read quote", Kind: node.Gone, Subject: iri}
		}
		if err != nil {
			return nil, err
		}
		body, err := encodeQuote(w.node.Links, q)
		if err != nil {
			return nil, err
		}
		return newAnswer(body), nil
	})
}

func encodeQuote(l node.Links, q *node.Quote) ([]byte, error) {
	return finish(map[string]any{
		"id": q.IRI, "type": "QuoteAuthorization", "attributedTo": l.Actor(),
		"interactingObject": q.Quote, "interactionTarget": q.Object,
	})
}

// quoteOf is what a post quotes, under one of the names that are in use for it.
func quoteOf(m map[string]any, rules AddressRules) string {
	for _, name := range []string{"quote", "quoteUrl", "quoteUri", "_misskey_quote"} {
		if s := idIn(first(m[name]), rules); s != "" {
			return s
		}
	}
	return ""
}

// newQuoteRequest is an activity that streams does not know: another one with its name.
func newQuoteRequest() activity {
	t := streams.NewActivityStreamsOffer()
	name := streams.NewJSONLDTypeProperty()
	name.AppendXMLSchemaString(string(node.QuoteRequest))
	t.SetJSONLDType(name)
	return t
}
