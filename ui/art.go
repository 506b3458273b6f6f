package ui

import (
	"net/http"
	"sync"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// art draws the coop's emblem in the sizes that ActivityPub and link previews ask for, each once.
// The address of the coop never changes, so neither does the emblem.
type art struct {
	actor                                        string
	svg                                          []byte
	emblemPNG, bannerPNG, previewPNG, faviconPNG func() ([]byte, error)
}

func newArt(actor string) *art {
	png := func(w, h int) func() ([]byte, error) {
		return sync.OnceValues(func() ([]byte, error) { return TilePNG(actor, w, h, false) })
	}
	return &art{actor: actor, svg: TileSVG(actor, false), emblemPNG: png(400, 400), bannerPNG: png(1500, 500), previewPNG: png(1200, 630), faviconPNG: png(48, 48)}
}

const (
	forAWeek = "public, max-age=604800"
	forEver  = "public, max-age=31536000, immutable"
)

func (a *art) emblem(c echo.Context) error  { return sendPNG(c, a.emblemPNG) }
func (a *art) banner(c echo.Context) error  { return sendPNG(c, a.bannerPNG) }
func (a *art) preview(c echo.Context) error { return sendPNG(c, a.previewPNG) }
func (a *art) favicon(c echo.Context) error { return sendPNG(c, a.faviconPNG) }

func (a *art) emblemSVG(c echo.Context) error {
	fileHeaders(c)
	return send(c, http.StatusOK, "image/svg+xml", forAWeek, a.svg)
}

// bannerSVG draws the banner of anybody, from nothing but the address in ?of=; without one, the coop's.
func (a *art) bannerSVG(c echo.Context) error {
	of := c.QueryParam("of")
	if len(of) > 2000 {
		return &node.Error{Op: "draw banner", Kind: node.Invalid}
	}
	if of == "" {
		of = a.actor
	}
	fileHeaders(c)
	return send(c, http.StatusOK, "image/svg+xml", forEver, BannerSVG(of))
}

// tile draws the emblem of anybody, from nothing but the address in ?of=.
func (a *art) tile(c echo.Context) error {
	of := c.QueryParam("of")
	if of == "" || len(of) > 2000 {
		return &node.Error{Op: "draw tile", Kind: node.Invalid}
	}
	fileHeaders(c)
	return send(c, http.StatusOK, "image/svg+xml", forEver, TileSVG(of, false))
}

func sendPNG(c echo.Context, draw func() ([]byte, error)) error {
	b, err := draw()
	if err != nil {
		return err
	}
	fileHeaders(c)
	return send(c, http.StatusOK, "image/png", forAWeek, b)
}
