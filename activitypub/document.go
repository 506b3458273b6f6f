package activitypub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// Documents may be kept by anyone but must be asked about each time: an Update that was delivered
// has to be seen by who fetches at once, also through a cache on the way, and the question costs
// us one comparison (304).
const cacheDocument = "public, max-age=0, must-revalidate"

// cacheFixed is for what changes with the program or never.
const cacheFixed = "public, max-age=3600"

// An answer is a document ready to be sent.
type answer struct {
	body   []byte
	mime   string
	etag   string
	cache  string
	gone   bool      // 410: what stands at the address of something deleted
	until  time.Time // when it is no longer true by itself, for a deadline passes; zero for never
	object string    // id of the object that it is, "" for anything else
}

// newAnswer is an answer of the ActivityStreams type (interop.md 5.1: without a charset, for
// there are readers that compare the whole string).
func newAnswer(body []byte) *answer {
	return newAnswerOf(typeActivity, cacheDocument, body)
}

func newAnswerOf(mime, cache string, body []byte) *answer {
	sum := sha256.Sum256(body)
	return &answer{body: body, mime: mime, cache: cache, etag: `"` + hex.EncodeToString(sum[:12]) + `"`}
}

// send answers c with a, or with 304 if the asker holds it already.
func (w *Wire) send(c echo.Context, a *answer) error {
	r := c.Request()
	if a.object != "" && !a.gone && r.Header.Get("Signature") != "" {
		w.noteReader(r, a.object) // who fetched it hears of its changes (decisions 16)
	}
	h := c.Response().Header()
	h.Set(echo.HeaderCacheControl, a.cache)
	h.Set("Etag", a.etag)
	status := http.StatusOK
	if a.gone {
		status = http.StatusGone
	}
	if !a.gone && holds(r.Header["If-None-Match"], a.etag) {
		c.Response().WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set(echo.HeaderContentType, a.mime)
	h.Set(echo.HeaderContentLength, strconv.Itoa(len(a.body)))
	c.Response().WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	_, err := c.Response().Write(a.body)
	return err
}

// holds says whether an If-None-Match header names the tag (RFC 9110 13.1.2, weak comparison).
func holds(lines []string, etag string) bool {
	for _, line := range lines {
		for tag := range strings.SplitSeq(line, ",") {
			tag = strings.TrimPrefix(strings.Trim(tag, " \t"), "W/")
			if tag == etag || tag == "*" {
				return true
			}
		}
	}
	return false
}

// Bounds of what is kept of made answers.
const (
	maxKept      = 256
	maxKeptBytes = 8 << 20
)

// documentCache keeps made answers as long as the data they were made from stays the same. It
// takes no part in the truth: a lost entry costs a question to the store.
type documentCache struct {
	mu         sync.Mutex
	generation int64
	answers    map[string]*answer
	bytes      int
}

// get gives the answer of that generation of the data, nil if there is none. Those of another are dropped.
func (d *documentCache) get(key string, generation int64, now time.Time) *answer {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.generation != generation || d.answers == nil {
		d.generation, d.answers, d.bytes = generation, map[string]*answer{}, 0
	}
	a := d.answers[key]
	if a != nil && !a.until.IsZero() && !now.Before(a.until) {
		d.drop(key)
		return nil
	}
	return a
}

// put keeps an answer that was made from that generation. Where there is no room any others go.
func (d *documentCache) put(key string, generation int64, a *answer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	size := len(key) + len(a.body)
	if d.generation != generation || d.answers == nil || size > maxKeptBytes/8 {
		return
	}
	d.drop(key)
	for other := range d.answers {
		if len(d.answers) < maxKept && d.bytes+size <= maxKeptBytes {
			break
		}
		d.drop(other)
	}
	d.answers[key] = a
	d.bytes += size
}

func (d *documentCache) drop(key string) {
	if a, ok := d.answers[key]; ok {
		d.bytes -= len(key) + len(a.body)
		delete(d.answers, key)
	}
}

// kept gives the answer with this key, made anew by build if the data has changed since.
func (w *Wire) kept(ctx context.Context, key string, build func(context.Context) (*answer, error)) (*answer, error) {
	generation := w.node.Generation() // before the data is read: what changes meanwhile makes it old
	if a := w.documents.get(key, generation, w.node.Now()); a != nil {
		return a, nil
	}
	a, err := build(ctx)
	if err != nil {
		return nil, err
	}
	w.documents.put(key, generation, a)
	return a, nil
}
