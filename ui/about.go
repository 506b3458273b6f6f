package ui

import "github.com/labstack/echo/v4"

// about handles GET /about.
func (u *ui) about(c echo.Context, v *visit) (view, error) {
	h := head{Title: say(c.Request().Context(), "about.title"), Description: say(c.Request().Context(), "about.what.text", v.self.Name), Kind: "website",
		Canonical: u.node.Links.Base + "/about", Document: u.node.Links.Actor(), Section: "/about"}
	return view{head: h, body: aboutBody(v)}, nil
}

// privacy handles GET /privacy: what becomes of what visitors bring.
func (u *ui) privacy(c echo.Context, v *visit) (view, error) {
	ctx := c.Request().Context()
	h := head{Title: say(ctx, "privacy.title"), Description: say(ctx, "privacy.lead", v.self.Name), Kind: "website",
		Canonical: u.node.Links.Base + "/privacy", Document: u.node.Links.Actor(), Section: "/privacy"}
	return view{head: h, body: privacyBody(v)}, nil
}
