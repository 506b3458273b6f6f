package ui

import (
	"bytes"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// Starting tells a person that the node is being opened: 503, with how far it has come where its database is brought up to date
// (steps above 0). It needs no node.
func Starting(c echo.Context, step, steps int) error {
	ctx := c.Request().Context()
	if t := tongueAmong(accepted(c.Request())...); t != nil {
		ctx = speaking(ctx, t)
	}
	var page bytes.Buffer
	if err := startingPage(step, steps).Render(ctx, &page); err != nil {
		return err
	}
	pageHeaders(c, node.Links{})
	c.Response().Header().Set("Content-Language", tongueOf(ctx).tag.String())
	return c.HTMLBlob(http.StatusServiceUnavailable, page.Bytes())
}
