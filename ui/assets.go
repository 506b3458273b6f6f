package ui

import (
	"crypto/sha256"
	_ "embed" // the stylesheet travels inside the program
	"encoding/hex"
	"net/http"

	"github.com/labstack/echo/v4"
)

//go:embed style.css
var style []byte

// stylePath names the stylesheet by what is in it, so that it may be kept for ever.
var stylePath = func() string {
	sum := sha256.Sum256(style)
	return "/assets/" + hex.EncodeToString(sum[:6]) + "/style.css"
}()

// styleFile gives the one stylesheet under its present name; under an old one it must not be
// kept, since what is there is not what was there.
func styleFile(c echo.Context) error {
	fileHeaders(c)
	cache := forEver
	if c.Request().URL.Path != stylePath {
		cache = "no-cache"
	}
	return send(c, http.StatusOK, "text/css; charset=utf-8", cache, style)
}

// robots lets search engines read pages, each list once.
func robots(c echo.Context) error {
	fileHeaders(c)
	return send(c, http.StatusOK, echo.MIMETextPlainCharsetUTF8, forAWeek, []byte("User-agent: *\nDisallow: /ap/\nDisallow: /*?\n"))
}
