package ui

import (
	"context"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// A listing is a list of objects that is to be had as a page and in other forms.
type listing struct {
	title string // of its feeds
	lead  string
	page  string // address of the page with what is chosen there, at its newest part
	query node.ObjectQuery
	seek  *node.SearchQuery // where it is found by a search instead
	only  node.Object       // where it is one object and no list
	forms []node.FeedForm
}

// What is posted has no deadlines; one opening is no list.
var (
	allForms     = node.FeedForms
	readerForms  = []node.FeedForm{node.Atom, node.JSONFeed}
	calendarOnly = []node.FeedForm{node.Calendar}
)

// A lister makes the listing that an address names.
type lister func(echo.Context, *visit) (listing, error)

// list serves the page at path, and at path with the ending of a form the same list in that form. The last part of
// path may be a parameter.
func (u *ui) list(e *echo.Echo, path string, page pageMaker, list lister) {
	if !strings.Contains(path, ":") {
		u.page(e, path, page)
		for _, form := range node.FeedForms {
			u.file(e, path+string(form), u.kept(func(c echo.Context) error { return u.feed(c, form, list) }))
		}
		return
	}
	u.file(e, path, u.kept(func(c echo.Context) error {
		last := c.ParamValues()[0]
		for _, form := range node.FeedForms {
			if name, ok := strings.CutSuffix(last, string(form)); ok {
				c.SetParamValues(name)
				return u.feed(c, form, list)
			}
		}
		return u.showPage(c, page)
	}))
}

// with adds a value to the query of an address of ours.
func with(address, key, value string) string {
	if strings.Contains(address, "?") {
		return address + "&" + key + "=" + url.QueryEscape(value)
	}
	return address + "?" + key + "=" + url.QueryEscape(value)
}

// openings lists what is open at the time of the visit: the reader's clock decides, not the publisher's word.
func (u *ui) openings(c echo.Context, v *visit) (listing, error) {
	chosen, err := readChoice(v.query)
	if err != nil {
		return listing{}, err
	}
	return u.openingsOf(c.Request().Context(), v, chosen)
}

func (u *ui) openingsOf(ctx context.Context, v *visit, chosen choice) (listing, error) {
	l := listing{title: say(ctx, "board.feed.title", v.self.Name), lead: say(ctx, "board.lead"), page: u.node.Links.Board() + chosen.query(), forms: allForms}
	if !chosen.isZero() {
		l.title = say(ctx, "board.feed.kind", v.self.Name, chosen.words(ctx))
	}
	var err error
	l.query, err = chosen.openings(ctx, u.node)
	return l, err
}

// projectList lists projects of this coop and those it knows of.
func (u *ui) projectList(c echo.Context, v *visit) (listing, error) {
	return listing{
		title: say(c.Request().Context(), "projects.feed.title", v.self.Name), lead: say(c.Request().Context(), "projects.lead"), page: u.node.Links.ProjectList(), forms: readerForms,
		query: node.ObjectQuery{Type: node.TypeProject, Listed: true},
	}, nil
}

// ofProject lists all that is part of a project.
func (u *ui) ofProject(c echo.Context, v *visit) (listing, error) {
	o, err := v.object(c.Request().Context(), node.TypeProject, c.Param("id"))
	if err != nil {
		return listing{}, err
	}
	b := o.Common()
	t := v.text(b.Texts)
	return listing{
		title: say(c.Request().Context(), "title.of", nameOf(c.Request().Context(), t), v.self.Name), lead: plainText(t.HTML, 200), page: b.URL, forms: allForms,
		query: node.ObjectQuery{Project: b.IRI, Listed: true},
	}, nil
}

// deadline lists one opening, for calendars.
func (u *ui) deadline(c echo.Context, v *visit) (listing, error) {
	o, err := v.object(c.Request().Context(), node.TypeOpening, c.Param("id"))
	if err != nil {
		return listing{}, err
	}
	return deadlineOf(c.Request().Context(), v, o), nil
}

func deadlineOf(ctx context.Context, v *visit, o node.Object) listing {
	b := o.Common()
	return listing{title: nameOf(ctx, v.text(b.Texts)), page: b.URL, only: o, forms: calendarOnly}
}

// postList lists what this coop wrote, without its answers to others.
func (u *ui) postList(c echo.Context, v *visit) (listing, error) {
	return listing{
		title: say(c.Request().Context(), "posts.feed.title", v.self.Name), lead: say(c.Request().Context(), "posts.lead", v.self.Name), page: u.node.Links.PostList(), forms: readerForms,
		query: node.ObjectQuery{Type: node.TypePost, Local: true, Posts: true, Listed: true},
	}, nil
}

// tagged lists everything known under a hashtag.
func (u *ui) tagged(c echo.Context, v *visit) (listing, error) {
	tag, err := pathValue(c, "tag", maxTagBytes)
	if err != nil {
		return listing{}, err
	}
	name := say(c.Request().Context(), "tag.title", plainName(tag))
	return listing{
		title: say(c.Request().Context(), "title.of", name, v.self.Name), lead: say(c.Request().Context(), "tag.lead"), page: u.node.Links.Tag(tag), forms: allForms,
		query: node.ObjectQuery{Tag: tag, Listed: true},
	}, nil
}

// pathValue is the part of an address with that name, as it was meant; Invalid where it is longer than most bytes.
func pathValue(c echo.Context, name string, most int) (s string, err error) {
	s = c.Param(name)
	if c.Request().URL.RawPath != "" { // then echo took the parameter from the path as it was sent
		s, err = url.PathUnescape(s)
	}
	if err != nil || len(s) > most {
		return "", &node.Error{Op: "read " + name, Kind: node.Invalid, Err: err}
	}
	return s, nil
}

// maxTagBytes is the longest tag that is looked for.
const maxTagBytes = 200

// part reads the part of a listing that the visitor asks for, at most limit entries, and the cursor of the next part.
func (v *visit) part(ctx context.Context, c echo.Context, l listing, limit int) (list []*entry, next string, err error) {
	before, err := cursor(c)
	if err != nil {
		return nil, "", err
	}
	var objects []node.Object
	if l.seek != nil {
		q := *l.seek
		q.Before, q.Limit = before, limit
		objects, next, err = v.found(ctx, q)
	} else {
		q := l.query
		q.Before, q.Limit = before, limit
		objects, next, err = v.node.Objects(ctx, q)
	}
	if err != nil {
		return nil, "", err
	}
	list, err = v.entries(ctx, objects)
	return list, next, err
}

// found are the objects among what a search finds.
func (v *visit) found(ctx context.Context, q node.SearchQuery) (objects []node.Object, next string, err error) {
	list, next, err := v.node.Search(ctx, q)
	for _, f := range list {
		if f.Object != nil {
			objects = append(objects, f.Object)
		}
	}
	return objects, next, err
}
