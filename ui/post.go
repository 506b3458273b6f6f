package ui

import (
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// posts handles GET /posts: what this coop wrote, without its answers to others.
func (u *ui) posts(c echo.Context, v *visit) (view, error) {
	written, err := u.postList(c, v)
	if err != nil {
		return view{}, err
	}
	list, next, err := v.part(c.Request().Context(), c, written, 20)
	if err != nil {
		return view{}, err
	}
	for _, e := range list {
		e.Plain = true
	}
	h := head{Title: say(c.Request().Context(), "posts.title"), Description: written.lead, Kind: "website", Canonical: written.page, List: written,
		Document: u.node.Links.Outbox(), Section: "/posts", Hidden: v.query.Get("before") != ""}
	return view{head: h, body: postsBody(v, written, list, next)}, nil
}

// postPage handles GET /posts/{id}: the post and its thread.
func (u *ui) postPage(c echo.Context, v *visit) (view, error) {
	ctx := c.Request().Context()
	o, err := v.object(ctx, node.TypePost, c.Param("id"))
	if err != nil {
		return view{}, err
	}
	e, err := v.entryOf(ctx, o)
	if err != nil {
		return view{}, err
	}
	if e.Parent, err = v.linkTo(ctx, e.Base.InReplyTo); err != nil {
		return view{}, err
	}
	answers, err := u.thread(c, v, o.Common())
	if err != nil {
		return view{}, err
	}
	h := v.headOf(ctx, e, "/posts")
	if h.List, err = u.postList(c, v); err != nil {
		return view{}, err
	}
	return view{head: h, body: postBody(v, e, answers)}, nil
}

// tag handles GET /tags/{tag}: everything known under a hashtag.
func (u *ui) tag(c echo.Context, v *visit) (view, error) {
	known, err := u.tagged(c, v)
	if err != nil {
		return view{}, err
	}
	list, next, err := v.part(c.Request().Context(), c, known, 20)
	if err != nil {
		return view{}, err
	}
	name := say(c.Request().Context(), "tag.title", plainName(known.query.Tag))
	h := head{Title: name, Description: known.lead, Kind: "website", Canonical: known.page, List: known, Hidden: v.query.Get("before") != "" || len(list) == 0}
	return view{head: h, body: tagBody(v, name, known, list, next)}, nil
}

func tagPath(tag string) string { return "/tags/" + url.PathEscape(tag) }
