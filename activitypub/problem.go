package activitypub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

const typeProblem = "application/problem+json"

// problems are the slugs of the statuses that the wire uses (HTTP-2); any other status is
// "about:blank", which means that it says all there is to say (RFC 9457 4.2.1).
var problems = map[int]string{
	http.StatusBadRequest:                  "malformed",
	http.StatusUnauthorized:                "signature",
	http.StatusForbidden:                   "forbidden",
	http.StatusNotFound:                    "not-found",
	http.StatusMethodNotAllowed:            "method",
	http.StatusNotAcceptable:               "not-acceptable",
	http.StatusGone:                        "gone",
	http.StatusRequestEntityTooLarge:       "too-large",
	http.StatusUnsupportedMediaType:        "media-type",
	http.StatusMisdirectedRequest:          "misdirected",
	http.StatusTooManyRequests:             "rate",
	http.StatusRequestHeaderFieldsTooLarge: "headers",
	http.StatusServiceUnavailable:          "unavailable",
}

// statuses are what the kinds of error of the domain mean on the wire.
var statuses = map[node.Kind]int{
	node.Invalid:     http.StatusBadRequest,
	node.NotFound:    http.StatusNotFound,
	node.Exists:      http.StatusConflict,
	node.Forbidden:   http.StatusForbidden,
	node.Gone:        http.StatusGone,
	node.Unavailable: http.StatusServiceUnavailable,
	node.Refused:     http.StatusBadGateway,
	node.Busy:        http.StatusServiceUnavailable,
	node.Damaged:     http.StatusServiceUnavailable,
}

// retryAfter is what is told to those who should come again, in seconds, where the handler has
// not said anything better.
var retryAfter = map[int]int{http.StatusTooManyRequests: 60, http.StatusServiceUnavailable: 30}

// A statusError is an answer other than the one hoped for. Its detail is a fixed sentence of
// ours that anyone may read.
type statusError struct {
	status int
	detail string
}

// A tooMany is the answer to one who sends more than its share: 429, with the time after which the next is taken.
type tooMany struct{ wait time.Duration }

func (e *tooMany) Error() string { return fmt.Sprintf("too many: the next in %s", e.wait) }

// seconds is the wait for a Retry-After header, rounded up.
func (e *tooMany) seconds() int { return int((e.wait + time.Second - 1) / time.Second) }

func (e *statusError) Error() string { return http.StatusText(e.status) + ": " + e.detail }

// Problem answers c with err as RFC 9457 wants it, and with the status of the table HTTP-2. It
// understands the kinds of package node and *echo.HTTPError; anything else is a bug, 500. No
// text of err is sent, for it could name files, queries or what the other side wrote. The
// request id is read from the answer's X-Request-Id. Where an answer has begun, it does nothing.
func Problem(c echo.Context, err error) error {
	if c.Response().Committed {
		return nil
	}
	p := struct {
		Type     string `json:"type"`
		Title    string `json:"title"`
		Status   int    `json:"status"`
		Detail   string `json:"detail,omitempty"`
		Instance string `json:"instance,omitempty"`
	}{Type: "about:blank", Status: StatusOf(err), Instance: c.Response().Header().Get(echo.HeaderXRequestID)}
	p.Title = http.StatusText(p.Status)
	if slug, ok := problems[p.Status]; ok {
		p.Type = slug
	}
	if said := (*statusError)(nil); errors.As(err, &said) {
		p.Detail = said.detail
	}
	body, jsonErr := json.Marshal(p)
	if jsonErr != nil {
		return jsonErr
	}
	h := c.Response().Header()
	if many := (*tooMany)(nil); errors.As(err, &many) {
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(many.seconds()))
	}
	if s, ok := retryAfter[p.Status]; ok && h.Get(echo.HeaderRetryAfter) == "" {
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(s))
	}
	h.Set(echo.HeaderContentType, typeProblem)
	h.Set(echo.HeaderContentLength, strconv.Itoa(len(body)))
	h.Set(echo.HeaderCacheControl, "no-store")
	h.Del("Etag")
	c.Response().WriteHeader(p.Status)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	_, err = c.Response().Write(body)
	return err
}

// StatusOf is the HTTP status that err means (HTTP-2); 500 for anything that is not foreseen.
func StatusOf(err error) int {
	var said *statusError
	if errors.As(err, &said) {
		return said.status
	}
	if many := (*tooMany)(nil); errors.As(err, &many) {
		return http.StatusTooManyRequests
	}
	var ofEcho *echo.HTTPError
	if errors.As(err, &ofEcho) && ofEcho.Code >= 400 && ofEcho.Code < 600 {
		return ofEcho.Code
	}
	if status, ok := statuses[node.KindOf(err)]; ok {
		return status
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return http.StatusServiceUnavailable
	}
	// Who asked may go away before the answer is written: no bug, and nobody reads the status.
	var network *net.OpError
	if errors.As(err, &network) && network.Op == "write" {
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// machinePaths are where programs ask; browsers that get there are sent on to a page.
var machinePaths = []string{"/ap/", "/ns/", "/nodeinfo/", "/.well-known/"}

// Speaks says whether r comes from a program that reads documents and problems, rather than from
// a person who needs a page.
func Speaks(r *http.Request) bool {
	switch ranges := parseAccept(r.Header["Accept"]); {
	case askedFor(ranges) == asDocument:
		return true
	case askedFor(ranges) == asPage:
		return false
	case qualityOf(ranges, exactly, "application/problem+json", "application/json").q > 0:
		return true
	}
	for _, p := range machinePaths {
		if strings.HasPrefix(r.URL.Path, p) {
			return true
		}
	}
	return false
}
