package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// pageHeaders are the headers of every HTML answer (security.md 6).
func pageHeaders(c echo.Context, l node.Links) {
	h := c.Response().Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	if strings.HasPrefix(l.Base, "https://") {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	vary(h, "Accept", "Accept-Language", "Cookie")
}

// fileHeaders are the headers of everything that is not a page: it can do nothing, whatever it is taken for (MED-2).
func fileHeaders(c echo.Context) {
	h := c.Response().Header()
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
}

// vary names what an answer depends on, beside what others have named already.
func vary(h http.Header, names ...string) {
	var all []string
	for _, line := range h.Values("Vary") {
		for s := range strings.SplitSeq(line, ",") {
			all = append(all, strings.TrimSpace(s))
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(all, func(s string) bool { return strings.EqualFold(s, name) }) {
			all = append(all, name)
		}
	}
	h.Set("Vary", strings.Join(all, ", "))
}

// packers are used again, since each takes 800 KB.
var packers = sync.Pool{New: func() any { return gzip.NewWriter(io.Discard) }}

// send answers with body, or with 304 where the reader has it already. The tag is weak, because
// the same page travels compressed and not (RFC 9110 8.8.1).
func send(c echo.Context, status int, contentType, cache string, body []byte) error {
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, contentType)
	h.Set("Cache-Control", cache)
	compressible := contentType != "image/png" && contentType != "font/woff2" // those are already
	if compressible {
		vary(h, "Accept-Encoding")
	}
	if status == http.StatusOK && !isPrivate(c) { // what nobody keeps is never asked for again by its tag
		sum := sha256.Sum256(body)
		h.Set("ETag", `W/"`+hex.EncodeToString(sum[:8])+`"`)
	}
	if compressible && len(body) > 1000 && acceptsGzip(c.Request().Header.Get("Accept-Encoding")) {
		var b bytes.Buffer
		z := packers.Get().(*gzip.Writer)
		z.Reset(&b)
		z.Write(body) // a Buffer takes everything
		z.Close()
		packers.Put(z)
		h.Set("Content-Encoding", "gzip")
		body = b.Bytes()
	}
	leave(c, status, body)
	return reply(c, status, body)
}

// reply sends a body whose headers are set, or 304.
func reply(c echo.Context, status int, body []byte) error {
	h := c.Response().Header()
	if tag := h.Get("ETag"); status == http.StatusOK && tag != "" && hasTag(c.Request().Header.Get("If-None-Match"), tag) {
		h.Del(echo.HeaderContentType)
		h.Del("Content-Encoding")
		return c.NoContent(http.StatusNotModified)
	}
	h.Set(echo.HeaderContentLength, strconv.Itoa(len(body)))
	return c.Blob(status, h.Get(echo.HeaderContentType), body)
}

func hasTag(header, tag string) bool {
	for s := range strings.SplitSeq(header, ",") {
		s = strings.TrimSpace(s)
		if s == "*" || strings.TrimPrefix(s, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// acceptsGzip reads Accept-Encoding: gzip or *, and not with a weight of 0 (RFC 9110 12.5.3).
func acceptsGzip(header string) bool {
	for s := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(strings.ReplaceAll(s, " ", ""), ";")
		if name == "gzip" || name == "*" {
			q, err := strconv.ParseFloat(strings.TrimPrefix(weight, "q="), 64)
			return err != nil || q > 0
		}
	}
	return false
}
