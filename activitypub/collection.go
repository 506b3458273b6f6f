package activitypub

import (
	"cmp"
	"context"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// Sizes of a page (LIM: at most 40). They are fixed: no parameter changes them.
const (
	pageOfActs  = 20
	pageOfIDs   = 40
	maxFeatured = 20
)

// openFor is how long a list of what is open now may be kept: a deadline can pass without any
// change of the data.
const openFor = 5 * time.Second

// A shelf is a collection of ids that is read in pages.
type shelf struct {
	id    string
	lasts time.Duration // how long its size is right where nothing changes; 0 for ever
	count func(ctx context.Context) (int, error)
	list  func(ctx context.Context, after string) (row, error)
}

// A row is what stands on one page of a shelf.
type row struct {
	ids   []string
	items []any     // instead of ids, where whole objects stand there
	next  string    // cursor of the next row, "" at the end
	until time.Time // when it is no longer right by itself; zero for never
}

// show answers with the collection, or with the page that c asks for.
func (w *Wire) show(c echo.Context, s shelf) (*answer, error) {
	ctx, q := c.Request().Context(), c.QueryParams()
	if q.Get("page") != "true" {
		return w.kept(ctx, s.id, func(ctx context.Context) (*answer, error) { return w.whole(ctx, s) })
	}
	if after := q.Get("after"); after != "" {
		return page(ctx, s, after) // not kept: a stranger could ask for any number of them
	}
	return w.kept(ctx, firstPage(s.id), func(ctx context.Context) (*answer, error) { return page(ctx, s, "") })
}

func (w *Wire) whole(ctx context.Context, s shelf) (*answer, error) {
	n, err := s.count(ctx)
	if err != nil {
		return nil, err
	}
	a, err := written(newCollection(s.id, n, firstPage(s.id), ""))
	if err == nil && s.lasts > 0 {
		a.until = w.node.Now().Add(s.lasts)
	}
	return a, err
}

func page(ctx context.Context, s shelf, after string) (*answer, error) {
	r, err := s.list(ctx, after)
	if err != nil {
		return nil, err
	}
	p, err := newPage(pageAfter(s.id, after), s.id, nextPage(s.id, r.next), "")
	if err != nil {
		return nil, err
	}
	if r.items == nil {
		r.items = toList(r.ids)
	}
	p.GetUnknownProperties()["orderedItems"] = r.items
	a, err := written(p, nil)
	if err == nil {
		a.until = r.until
	}
	return a, err
}

// Pages are told apart by the query alone, for their ids are never posted to and no signature
// has to cover them.
func firstPage(id string) string { return id + "?page=true" }

func pageAfter(id, cursor string) string {
	if cursor == "" {
		return firstPage(id)
	}
	return firstPage(id) + "&after=" + url.QueryEscape(cursor)
}

func nextPage(id, cursor string) string {
	if cursor == "" {
		return ""
	}
	return pageAfter(id, cursor)
}

// getFollowers handles GET /ap/coop/followers: those who were accepted, newest first.
func (w *Wire) getFollowers(c echo.Context) (*answer, error) {
	return w.show(c, shelf{id: w.node.Links.Followers(), count: w.node.CountFollowers, list: actorsOf(w.node.Followers)})
}

// getFollowing handles GET /ap/coop/following. It is public, for where a coop listens is how other
// coops are found; one that hides it tells the number alone, and there are no pages (interop.md 4.3).
func (w *Wire) getFollowing(c echo.Context) (*answer, error) {
	coop, err := w.node.Profile(c.Request().Context())
	if err != nil {
		return nil, err
	}
	if coop.HidesFollowing {
		return w.hiddenFollowing(c)
	}
	return w.show(c, shelf{id: w.node.Links.Following(), count: w.node.CountFollowing, list: actorsOf(w.node.Following)})
}

func (w *Wire) hiddenFollowing(c echo.Context) (*answer, error) {
	if c.QueryParam("page") != "" {
		return nil, echo.ErrNotFound
	}
	id := w.node.Links.Following()
	return w.kept(c.Request().Context(), id, func(ctx context.Context) (*answer, error) {
		n, err := w.node.CountFollowing(ctx)
		if err != nil {
			return nil, err
		}
		return written(newCollection(id, n, "", ""))
	})
}

// actorsOf lists the accepted ones of a follow list; the cursor is the last actor seen.
func actorsOf(list func(context.Context, node.FollowQuery) ([]*node.Following, error)) func(context.Context, string) (row, error) {
	return func(ctx context.Context, after string) (row, error) {
		found, err := list(ctx, node.FollowQuery{State: node.Accepted, Before: after, Limit: pageOfIDs + 1})
		var r row
		for i, f := range found {
			if i == pageOfIDs {
				r.next = r.ids[i-1]
				break
			}
			r.ids = append(r.ids, f.Actor)
		}
		return r, err
	}
}

// getOpenings handles GET /ap/coop/openings: what can be answered now, newest first (decisions 25:
// what is closed keeps its document and its place in the outbox, and leaves the lists).
func (w *Wire) getOpenings(c echo.Context) (*answer, error) {
	q := func() node.ObjectQuery {
		return node.ObjectQuery{Type: node.TypeOpening, Local: true, Listed: true, OpenAt: w.node.Now()}
	}
	s := w.objects(w.node.Links.Openings(), q)
	s.lasts = openFor
	return w.show(c, s)
}

// getProjects handles GET /ap/coop/projects: all that were not deleted, newest first.
func (w *Wire) getProjects(c echo.Context) (*answer, error) {
	return w.show(c, w.objects(w.node.Links.Projects(), func() node.ObjectQuery {
		return node.ObjectQuery{Type: node.TypeProject, Local: true, Listed: true}
	}))
}

// getShared handles GET /ap/coop/shared: what a federation passes on and is still open (vocabulary 2.10).
func (w *Wire) getShared(c echo.Context) (*answer, error) {
	s := w.objects(w.node.Links.Shared(), func() node.ObjectQuery {
		return node.ObjectQuery{Listed: true, PassedAt: w.node.Now()}
	})
	s.lasts = openFor
	return w.show(c, s)
}

// objects is the shelf of the objects that match the query.
func (w *Wire) objects(id string, query func() node.ObjectQuery) shelf {
	return shelf{
		id:    id,
		count: func(ctx context.Context) (int, error) { return w.node.Count(ctx, query()) },
		list: func(ctx context.Context, after string) (row, error) {
			q := query()
			q.Before, q.Limit = after, pageOfIDs
			found, next, err := w.node.Objects(ctx, q)
			return row{ids: idsOf(found), next: next, until: openUntil(cmp.Or(q.OpenAt, q.PassedAt), found)}, err
		},
	}
}

// getFeatured handles GET /ap/coop/featured: the newest open openings, which is what Mastodon
// shows of a coop at first sight (interop.md 4.2). It reads no pages, so there are none.
func (w *Wire) getFeatured(c echo.Context) (*answer, error) {
	id := w.node.Links.Featured()
	return w.kept(c.Request().Context(), id, func(ctx context.Context) (*answer, error) {
		q := node.ObjectQuery{Type: node.TypeOpening, Local: true, Listed: true, OpenAt: w.node.Now(), Limit: maxFeatured}
		open, _, err := w.node.Objects(ctx, q)
		if err != nil {
			return nil, err
		}
		c, err := newCollection(id, len(open), "", "")
		if err != nil {
			return nil, err
		}
		c.GetUnknownProperties()["orderedItems"] = toList(idsOf(open))
		a, err := written(c, nil)
		if err == nil {
			a.until = openUntil(q.OpenAt, open)
		}
		return a, err
	})
}

// openUntil is how long a list of openings that were open at a time is right: to the soonest
// deadline, at most openFor. Zero stays zero.
func openUntil(at time.Time, openings []node.Object) time.Time {
	if at.IsZero() {
		return at
	}
	until := at.Add(openFor)
	for _, o := range openings {
		if o, ok := o.(*node.Opening); ok && !o.Closes.IsZero() && o.Closes.Before(until) {
			until = o.Closes
		}
	}
	return until
}

func idsOf(objects []node.Object) []string {
	var ids []string
	for _, o := range objects {
		ids = append(ids, o.Common().IRI)
	}
	return ids
}

// getReplies handles GET /ap/{openings,projects,posts}/{id}/replies: what was answered and
// everybody may see, ours and others', newest first. The first page stands in the collection
// itself, for Mastodon reads no further on arrival (interop.md 3.3).
func (w *Wire) getReplies(t node.ObjectType) func(echo.Context) (*answer, error) {
	return func(c echo.Context) (*answer, error) {
		if !node.IsID(c.Param("id")) {
			return nil, echo.ErrNotFound
		}
		ctx, q := c.Request().Context(), c.QueryParams()
		object := w.node.Links.Object(t, c.Param("id"))
		paged, after := q.Get("page") == "true", q.Get("after")
		if paged && after != "" {
			return w.replies(ctx, object, true, after)
		}
		key := w.node.Links.Replies(object)
		if paged {
			key = firstPage(key)
		}
		return w.kept(ctx, key, func(ctx context.Context) (*answer, error) { return w.replies(ctx, object, paged, "") })
	}
}

func (w *Wire) replies(ctx context.Context, object string, paged bool, after string) (*answer, error) {
	doc, err := w.publicDocument(ctx, object)
	if err != nil {
		return nil, err
	}
	if doc.Deleted {
		return nil, &node.Error{Op: "list replies", Kind: node.Gone, Subject: object}
	}
	id := w.node.Links.Replies(object)
	q := node.ObjectQuery{InReplyTo: object, Listed: true, Before: after, Limit: pageOfIDs}
	found, next, err := w.node.Objects(ctx, q)
	if err != nil {
		return nil, err
	}
	p, err := newReplyPage(pageAfter(id, after), id, nextPage(id, next), idsOf(found))
	if err != nil || paged {
		return written(p, err)
	}
	n, err := w.node.Count(ctx, q)
	if err != nil {
		return nil, err
	}
	return written(newReplies(id, n, p))
}
