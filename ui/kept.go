package ui

import (
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// Bounds of what is kept of made pages. A page depends on the clock too: deadlines pass. keptFor is how late it may tell.
const (
	maxKept      = 512
	maxKeptBytes = 4 << 20
	maxKeptKey   = 1000
	keptFor      = time.Minute
)

// keptPages are answers for visitors of whom nothing is known, as they were sent. They hold as long as nothing is
// changed in the data, and no longer than keptFor. A lost one costs the making.
type keptPages struct {
	mu       sync.Mutex
	revision int64
	pages    map[string]*keptPage
	bytes    int
}

// A keptPage is one answer, compressed or not.
type keptPage struct {
	header http.Header
	body   []byte
	made   time.Time
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
		if p := u.pages.get(key, revision, u.node.Now()); p != nil {
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
			s.page.made = made
			u.pages.put(key, revision, s.page)
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

// get gives the page that was made from this revision of the data, nil if there is none. Those of another are dropped.
func (k *keptPages) get(key string, revision int64, now time.Time) *keptPage {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.revision != revision || k.pages == nil {
		k.revision, k.pages, k.bytes = revision, map[string]*keptPage{}, 0
	}
	p := k.pages[key]
	if p != nil && (now.Before(p.made) || now.Sub(p.made) >= keptFor) {
		k.drop(key)
		return nil
	}
	return p
}

// put keeps a page that was made from that revision. Where there is no room any others go.
func (k *keptPages) put(key string, revision int64, p *keptPage) {
	k.mu.Lock()
	defer k.mu.Unlock()
	size := len(key) + len(p.body)
	if k.revision != revision || k.pages == nil || size > maxKeptBytes/8 {
		return
	}
	k.drop(key)
	for other := range k.pages {
		if len(k.pages) < maxKept && k.bytes+size <= maxKeptBytes {
			break
		}
		k.drop(other)
	}
	k.pages[key] = p
	k.bytes += size
}

func (k *keptPages) drop(key string) {
	if p, ok := k.pages[key]; ok {
		k.bytes -= len(key) + len(p.body)
		delete(k.pages, key)
	}
}
