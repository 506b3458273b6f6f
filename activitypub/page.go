package activitypub

import (
	"net/url"

	"github.com/go-fed/activity/streams"
	"github.com/go-fed/activity/streams/vocab"
)

// This file makes collections out of the types of streams. The items themselves are put in by
// the caller as an unknown property, because streams leaves an empty list out and writes one
// entry as a bare value, and both are read as nothing by others (interop.md 4.1).

// newCollection is an OrderedCollection. An empty first means that it is not read in pages.
func newCollection(id string, total int, first, last string) (vocab.ActivityStreamsOrderedCollection, error) {
	c := streams.NewActivityStreamsOrderedCollection()
	links, err := parsed(first, last)
	if err != nil {
		return nil, err
	}
	if u := links[0]; u != nil {
		p := streams.NewActivityStreamsFirstProperty()
		p.SetIRI(u)
		c.SetActivityStreamsFirst(p)
	}
	if u := links[1]; u != nil {
		p := streams.NewActivityStreamsLastProperty()
		p.SetIRI(u)
		c.SetActivityStreamsLast(p)
	}
	c.SetActivityStreamsTotalItems(totalOf(total))
	return c, setID(c, id)
}

// newPage is a page of the OrderedCollection whole, without its items. next and prev may be empty.
func newPage(id, whole, next, prev string) (vocab.ActivityStreamsOrderedCollectionPage, error) {
	c := streams.NewActivityStreamsOrderedCollectionPage()
	links, err := parsed(whole, next, prev)
	if err != nil {
		return nil, err
	}
	p := streams.NewActivityStreamsPartOfProperty()
	p.SetIRI(links[0])
	c.SetActivityStreamsPartOf(p)
	if u := links[1]; u != nil {
		p := streams.NewActivityStreamsNextProperty()
		p.SetIRI(u)
		c.SetActivityStreamsNext(p)
	}
	if u := links[2]; u != nil {
		p := streams.NewActivityStreamsPrevProperty()
		p.SetIRI(u)
		c.SetActivityStreamsPrev(p)
	}
	return c, setID(c, id)
}

// newReplies is a Collection with its first page inside.
func newReplies(id string, total int, first vocab.ActivityStreamsCollectionPage) (vocab.ActivityStreamsCollection, error) {
	c := streams.NewActivityStreamsCollection()
	p := streams.NewActivityStreamsFirstProperty()
	p.SetActivityStreamsCollectionPage(first)
	c.SetActivityStreamsFirst(p)
	c.SetActivityStreamsTotalItems(totalOf(total))
	return c, setID(c, id)
}

// newReplyPage is a page of such a Collection. next may be empty.
func newReplyPage(id, whole, next string, items []string) (vocab.ActivityStreamsCollectionPage, error) {
	c := streams.NewActivityStreamsCollectionPage()
	links, err := parsed(whole, next)
	if err != nil {
		return nil, err
	}
	p := streams.NewActivityStreamsPartOfProperty()
	p.SetIRI(links[0])
	c.SetActivityStreamsPartOf(p)
	if u := links[1]; u != nil {
		p := streams.NewActivityStreamsNextProperty()
		p.SetIRI(u)
		c.SetActivityStreamsNext(p)
	}
	c.GetUnknownProperties()["items"] = toList(items)
	return c, setID(c, id)
}

// setID gives a document its id.
func setID(t interface{ SetJSONLDId(vocab.JSONLDIdProperty) }, id string) error {
	u, err := iri(id)
	if err != nil {
		return err
	}
	p := streams.NewJSONLDIdProperty()
	p.Set(u)
	t.SetJSONLDId(p)
	return nil
}

func totalOf(n int) vocab.ActivityStreamsTotalItemsProperty {
	p := streams.NewActivityStreamsTotalItemsProperty()
	p.Set(n)
	return p
}

// parsed reads addresses; an empty one is nil.
func parsed(addresses ...string) ([]*url.URL, error) {
	out := make([]*url.URL, len(addresses))
	for i, s := range addresses {
		if s == "" {
			continue
		}
		u, err := iri(s)
		if err != nil {
			return nil, err
		}
		out[i] = u
	}
	return out, nil
}

// written is the answer made of a typed document.
func written(t vocab.Type, err error) (*answer, error) {
	if err != nil {
		return nil, err
	}
	body, err := write(t)
	if err != nil {
		return nil, err
	}
	return newAnswer(body), nil
}
