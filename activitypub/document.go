package activitypub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
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

// kept gives the answer with this key, made anew by build if the data has changed since.
func (w *Wire) kept(ctx context.Context, key string, build func(context.Context) (*answer, error)) (*answer, error) {
	generation := w.node.Generation() // before the data is read: what changes meanwhile makes it old
	made := w.node.Now()
	if a, ok := w.documents.Get(key, generation, made); ok {
		return a, nil
	}
	a, err := build(ctx)
	if err != nil {
		return nil, err
	}
	w.documents.Put(key, generation, a, len(a.body), made, a.until)
	return a, nil
}
