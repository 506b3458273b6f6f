package activitypub

import (
	"context"

	"github.com/go-fed/activity/streams"
	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// getObject handles GET /ap/{openings,projects,posts}/{id}: the stored bytes of what everybody
// may see, 410 with the Tombstone of what was deleted, 404 for drafts and for what was said to
// some only (HTTP-7).
func (w *Wire) getObject(t node.ObjectType) func(echo.Context) (*answer, error) {
	return func(c echo.Context) (*answer, error) {
		return w.object(c.Request().Context(), t, c.Param("id"))
	}
}

func (w *Wire) object(ctx context.Context, t node.ObjectType, id string) (*answer, error) {
	if !node.IsID(id) {
		return nil, echo.ErrNotFound
	}
	iri := w.node.Links.Object(t, id)
	return w.kept(ctx, iri, func(ctx context.Context) (*answer, error) {
		doc, err := w.publicDocument(ctx, iri)
		if err != nil {
			return nil, err
		}
		a := newAnswer(doc.Raw)
		a.gone, a.object = doc.Deleted, iri
		return a, nil
	})
}

// publicDocument reads an object of ours that everybody may see, or may know to be gone. NotFound.
func (w *Wire) publicDocument(ctx context.Context, iri string) (*node.Document, error) {
	doc, err := w.node.Store().Document(ctx, iri)
	if err == nil && (doc.Draft || !doc.Audience.Listed()) {
		return nil, &node.Error{Op: "read document", Kind: node.NotFound, Subject: iri}
	}
	return doc, err
}

// getCreate handles GET /ap/{openings,projects,posts}/{id}/create: the act that published it,
// with the object as it is now (decisions 25).
func (w *Wire) getCreate(t node.ObjectType) func(echo.Context) (*answer, error) {
	return func(c echo.Context) (*answer, error) {
		id := c.Param("id")
		if !node.IsID(id) {
			return nil, echo.ErrNotFound
		}
		return w.act(c.Request().Context(), w.node.Links.Create(w.node.Links.Object(t, id)))
	}
}

// getActivity handles GET /ap/activities/{id}. Others do ask: Fedify reads the Follow in an
// Accept back from where its id says that it lives, which is here (independent-peers.md 1).
func (w *Wire) getActivity(c echo.Context) (*answer, error) {
	id := c.Param("id")
	if !node.IsID(id) {
		return nil, echo.ErrNotFound
	}
	return w.act(c.Request().Context(), w.node.Links.Activity(id))
}

func (w *Wire) act(ctx context.Context, iri string) (*answer, error) {
	return w.kept(ctx, iri, func(ctx context.Context) (*answer, error) {
		rec, err := w.node.Store().Act(ctx, iri)
		if err != nil {
			return nil, err
		}
		if !rec.Served {
			return nil, &node.Error{Op: "read act", Kind: node.NotFound, Subject: iri}
		}
		if rec.Verb == node.Create || rec.Verb == node.Update {
			// It carries the object, which may have been deleted since: what is gone is gone everywhere.
			doc, err := w.publicDocument(ctx, rec.Object)
			if err == nil && doc.Deleted {
				return goneAct(rec)
			}
			if err != nil && rec.Object != w.node.Links.Actor() {
				return nil, err
			}
		}
		if rec.Verb == node.Announce && !rec.Listed { // taken back
			return goneAct(rec)
		}
		return newAnswer(rec.Raw), nil
	})
}

// goneAct is what stands at the address of an act whose object was deleted.
func goneAct(rec *node.ActRecord) (*answer, error) {
	t := streams.NewActivityStreamsTombstone()
	if err := setID(t, rec.IRI); err != nil {
		return nil, err
	}
	if err := setFormerType(t, string(rec.Verb)); err != nil {
		return nil, err
	}
	body, err := write(t)
	if err != nil {
		return nil, err
	}
	a := newAnswer(body)
	a.gone = true
	return a, nil
}
