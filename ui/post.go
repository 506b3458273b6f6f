package ui

import (
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// posts handles GET /posts: what this coop wrote, without its answers to others.
func (u *ui) posts(c echo.Context, v *visit) (view, error) {
	ctx := c.Request().Context()
	before, err := cursor(c)
	if err != nil {
		return view{}, err
	}
	objects, next, err := u.node.Objects(ctx, node.ObjectQuery{Type: node.TypePost, Local: true, Posts: true, Listed: true, Before: before, Limit: 20})
	if err != nil {
		return view{}, err
	}
	list, err := v.entries(ctx, objects)
	if err != nil {
		return view{}, err
	}
	for _, e := range list {
		e.Plain = true
	}
	h := head{Title: say("posts.title"), Description: say("posts.lead", v.self.Name), Kind: "website",
		Canonical: u.node.Links.Base + "/posts", Document: u.node.Links.Outbox(), Section: "/posts", Hidden: before != ""}
	return view{head: h, body: postsBody(v, list, next)}, nil
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
	return view{head: v.headOf(e, "/posts"), body: postBody(v, e, answers)}, nil
}

// tag handles GET /tags/{tag}: everything known under a hashtag.
func (u *ui) tag(c echo.Context, v *visit) (view, error) {
	tag := c.Param("tag")
	if c.Request().URL.RawPath != "" { // then echo took the parameter from the path as it was sent
		plain, err := url.PathUnescape(tag)
		if err != nil {
			return view{}, &node.Error{Op: "read tag", Kind: node.Invalid, Err: err}
		}
		tag = plain
	}
	if len(tag) > 200 {
		return view{}, &node.Error{Op: "read tag", Kind: node.Invalid}
	}
	before, err := cursor(c)
	if err != nil {
		return view{}, err
	}
	ctx := c.Request().Context()
	objects, next, err := u.node.Objects(ctx, node.ObjectQuery{Tag: tag, Listed: true, Before: before, Limit: 20})
	if err != nil {
		return view{}, err
	}
	list, err := v.entries(ctx, objects)
	if err != nil {
		return view{}, err
	}
	name := say("tag.title", plainName(tag))
	h := head{Title: name, Description: say("tag.lead"), Kind: "website", Canonical: u.node.Links.Tag(tag), Hidden: before != "" || len(list) == 0}
	return view{head: h, body: tagBody(v, name, list, next)}, nil
}

func tagPath(tag string) string { return "/tags/" + url.PathEscape(tag) }

// about handles GET /about.
func (u *ui) about(_ echo.Context, v *visit) (view, error) {
	h := head{Title: say("about.title"), Description: say("about.what.text", v.self.Name), Kind: "website",
		Canonical: u.node.Links.Base + "/about", Document: u.node.Links.Actor(), Section: "/about"}
	return view{head: h, body: aboutBody(v)}, nil
}
