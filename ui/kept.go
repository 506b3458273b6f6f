package ui

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// Bounds of what is kept of made pages. A page depends on the clock too: deadlines pass. keptFor is how late it may tell.
const (
	maxKept      = 512
	maxKeptBytes = 4 << 20
	maxKeptKey   = 1000
	keptFor      = time.Minute
)

// newKeptPages holds answers for visitors of whom nothing is known, as they were sent.
func newKeptPages() *node.Cache[*keptPage] { return node.NewCache[*keptPage](maxKept, maxKeptBytes) }

// A keptPage is one answer, compressed or not.
type keptPage struct {
	header http.Header
	body   []byte
}

// A keeper is where send leaves an answer that may be kept.
type keeper struct {
	before http.Header // what others had said already, for this request alone
	page   *keptPage
}

const keeperKey = "kept page"

// kept answers with what h answered before to the same question, if nothing has changed since. Visitors with a cookie
// get an answer of their own.
func (u *ui) kept(h echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		key := keyOf(c.Request())
		if key == "" {
			return h(c)
		}
		revision := u.node.Revision() // before the data is read: what changes meanwhile makes it old
		if p, ok := u.pages.Get(key, revision, u.node.Now()); ok {
			header := c.Response().Header()
			for name, values := range p.header {
				header[name] = values
			}
			return reply(c, http.StatusOK, p.body)
		}
		s := &keeper{before: c.Response().Header().Clone()}
		c.Set(keeperKey, s)
		made := u.node.Now()
		err := h(c)
		if err == nil && s.page != nil {
			u.pages.Put(key, revision, s.page, len(s.page.body), made, made.Add(keptFor))
		}
		return err
	}
}

// keyOf is all that an answer depends on, beside the data and the clock; "" for one that is not kept.
func keyOf(r *http.Request) string {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || r.Header["Cookie"] != nil || r.Header["Authorization"] != nil {
		return ""
	}
	form := " plain "
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		form = " gzip "
	}
	key := r.URL.RequestURI() + form + r.Header.Get("Accept-Language")
	if len(key) > maxKeptKey {
		return ""
	}
	return key
}

// leave puts an answer where kept finds it, if it is asked for.
func leave(c echo.Context, status int, body []byte) {
	s, ok := c.Get(keeperKey).(*keeper)
	header := c.Response().Header()
	if !ok || status != http.StatusOK || header["Set-Cookie"] != nil {
		return
	}
	p := &keptPage{header: header.Clone(), body: body}
	for name := range s.before {
		if name != "Vary" { // to which we add
			delete(p.header, name)
		}
	}
	s.page = p
}
