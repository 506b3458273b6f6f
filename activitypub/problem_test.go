package activitypub

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// TestProblem: each error has the status and slug of the table HTTP-2, and nothing of its text is told.
func TestProblem(t *testing.T) {
	const secret = "/var/lib/coopnode/coopnode.db"
	of := func(k node.Kind) error { return &node.Error{Op: secret, Kind: k, Subject: secret, Text: secret} }
	for _, tt := range []struct {
		err        error
		status     int
		slug       string
		retryAfter string
	}{
		{of(node.Invalid), 400, "malformed", ""},
		{of(node.NotFound), 404, "not-found", ""},
		{fmt.Errorf("read %s: %w", secret, of(node.NotFound)), 404, "not-found", ""},
		{of(node.Exists), 409, "about:blank", ""},
		{of(node.Forbidden), 403, "forbidden", ""},
		{of(node.Gone), 410, "gone", ""},
		{of(node.Unavailable), 503, "unavailable", "30"},
		{of(node.Busy), 503, "unavailable", "30"},
		{of(node.Damaged), 503, "unavailable", "30"},
		{of(node.Refused), 502, "about:blank", ""},
		{of(node.Internal), 500, "about:blank", ""},
		{errors.New(secret), 500, "about:blank", ""},
		{echo.NewHTTPError(401, secret), 401, "signature", ""},
		{echo.ErrMethodNotAllowed, 405, "method", ""},
		{echo.NewHTTPError(406, secret), 406, "not-acceptable", ""},
		{echo.NewHTTPError(413).SetInternal(errors.New(secret)), 413, "too-large", ""},
		{echo.NewHTTPError(415, secret), 415, "media-type", ""},
		{echo.NewHTTPError(429, secret), 429, "rate", "60"},
		{echo.NewHTTPError(431, secret), 431, "headers", ""},
		{echo.NewHTTPError(418, secret), 418, "about:blank", ""},
		{echo.NewHTTPError(42, secret), 500, "about:blank", ""},
		{&http.MaxBytesError{Limit: 1}, 413, "too-large", ""},
		{context.DeadlineExceeded, 503, "unavailable", "30"},
		{fmt.Errorf("media: %w", &net.OpError{Op: "write", Err: syscall.EPIPE}), 503, "unavailable", "30"},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, 500, "about:blank", ""},
		{&statusError{421, "This is elsewhere."}, 421, "misdirected", ""},
	} {
		rec := httptest.NewRecorder()
		c := echo.New().NewContext(httptest.NewRequest(http.MethodGet, "/ap/coop", nil), rec)
		c.Response().Header().Set(echo.HeaderXRequestID, "request-7")
		if err := Problem(c, tt.err); err != nil {
			t.Errorf("%v: %v", tt.err, err)
		}
		r := reply{t, tt.err.Error(), rec.Code, rec.Header(), rec.Body.Bytes()}
		r.problem(tt.status, tt.slug).wantHeader("Retry-After", tt.retryAfter).wantHeader("Cache-Control", "no-store")
		if strings.Contains(string(r.body), secret) {
			t.Errorf("%v: told %s", tt.err, r.body)
		}
		if got := StatusOf(tt.err); got != tt.status {
			t.Errorf("StatusOf(%v) = %d, want %d", tt.err, got, tt.status)
		}
	}
}

// TestProblemOnceBegun: an answer that has begun is left alone, HEAD gets no body, and a handler's
// own Retry-After stays.
func TestProblemOnceBegun(t *testing.T) {
	rec := httptest.NewRecorder()
	c := echo.New().NewContext(httptest.NewRequest(http.MethodGet, "/", nil), rec)
	c.Response().WriteHeader(http.StatusOK)
	if err := Problem(c, echo.ErrNotFound); err != nil || rec.Code != 200 || rec.Body.Len() > 0 {
		t.Errorf("after it had begun: %d %s %v", rec.Code, rec.Body, err)
	}
	rec = httptest.NewRecorder()
	c = echo.New().NewContext(httptest.NewRequest(http.MethodHead, "/", nil), rec)
	c.Response().Header().Set("Retry-After", "7")
	if err := Problem(c, echo.NewHTTPError(503)); err != nil || rec.Code != 503 || rec.Body.Len() > 0 || rec.Header().Get("Retry-After") != "7" {
		t.Errorf("HEAD: %d %s %v %v", rec.Code, rec.Body, rec.Header(), err)
	}
}
