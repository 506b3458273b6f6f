package activitypub

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// Everything of ours that has an id has two addresses: the document at /ap/… and the page for
// people. Servers that are given the page want the document, and browsers that are given the
// document want the page. The rule (interop.md 5.1) is one for both: who names an ActivityStreams
// type, and does not like text/html better, gets the document.

// form is how something of ours can be had.
type form int

const (
	asNothing form = iota // not in a form that was asked for
	asPage
	asDocument
)

// negotiate stands in front of the pages: it answers with the document who asks a page for it,
// and tells caches that the answer depends on Accept.
func (w *Wire) negotiate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			return next(c)
		}
		t, id, ok := pageOf(r.URL.Path)
		if !ok {
			return next(c)
		}
		addVary(c)
		if !w.isHome(r.Host) || askedFor(parseAccept(r.Header["Accept"])) != asDocument {
			return next(c)
		}
		if id == "" {
			a, err := w.actor(r.Context())
			if err != nil {
				return err
			}
			return w.sendAt(c, w.node.Links.Actor(), a)
		}
		if err := w.admitReader(r); err != nil {
			return err
		}
		a, err := w.object(r.Context(), t, id)
		if node.IsNotFound(err) {
			return next(c) // of others, whose page tells where its own home is; or of nobody
		} else if err != nil {
			return err
		}
		return w.sendAt(c, w.node.Links.Object(t, id), a)
	}
}

// sendAt answers with the document of the id iri at another address.
func (w *Wire) sendAt(c echo.Context, iri string, a *answer) error {
	c.Response().Header().Set("Content-Location", iri)
	return w.send(c, a)
}

// pageOf tells which page stands at a path, if one with a document of its own: the profile has
// no id.
func pageOf(path string) (t node.ObjectType, id string, ok bool) {
	if path == "/" {
		return "", "", true
	}
	for _, t := range objectTypes {
		if id, ok := strings.CutPrefix(path, pagePrefix[t]); ok && node.IsID(id) {
			return t, id, true
		}
	}
	return "", "", false
}

var (
	objectTypes = []node.ObjectType{node.TypeOpening, node.TypeProject, node.TypePost}
	pagePrefix  = func() map[node.ObjectType]string {
		m := map[node.ObjectType]string{}
		for _, t := range objectTypes {
			m[t] = node.Links{}.Page(t, "")
		}
		return m
	}()
)

// profile handles GET /@handle: another address of the profile.
func (w *Wire) profile(c echo.Context) error {
	coop, err := w.node.Profile(c.Request().Context())
	if err != nil {
		return err
	}
	if !strings.EqualFold(c.Param("handle"), coop.Handle) {
		return echo.ErrNotFound
	}
	addVary(c)
	if askedFor(parseAccept(c.Request().Header["Accept"])) != asDocument {
		return c.Redirect(http.StatusSeeOther, w.node.Links.Profile())
	}
	a, err := w.actor(c.Request().Context())
	if err != nil {
		return err
	}
	return w.sendAt(c, coop.IRI, a)
}

// addVary says that the answer depends on Accept; others may add their own reasons.
func addVary(c echo.Context) {
	h := c.Response().Header()
	for _, v := range h.Values(echo.HeaderVary) {
		if strings.EqualFold(v, "Accept") {
			return
		}
	}
	h.Add(echo.HeaderVary, "Accept")
}

// askedFor is the form that an Accept header asks for by name, asNothing if it names none.
func askedFor(ranges []mediaRange) form {
	doc := qualityOf(ranges, exactly, typeActivity, "application/ld+json")
	page := qualityOf(ranges, exactly, "text/html", "application/xhtml+xml")
	switch {
	case doc.q > 0 && (page.q < doc.q || page.q == doc.q && doc.at < page.at):
		return asDocument
	case page.q > 0:
		return asPage
	}
	return asNothing
}

// wanted is the form in which to answer at an id: the document unless a page is asked for by
// name, because programs often say */* or nothing.
func wanted(accept []string) form {
	ranges := parseAccept(accept)
	if len(ranges) == 0 {
		return asDocument
	}
	if f := askedFor(ranges); f != asNothing {
		return f
	}
	if qualityOf(ranges, orWider, typeActivity, "application/ld+json", "application/json").q > 0 {
		return asDocument
	}
	if qualityOf(ranges, orWider, "text/html").q > 0 {
		return asPage
	}
	return asNothing
}
