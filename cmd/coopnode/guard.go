package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
)

// guards puts in front of every request what holds for all of them: an id, a net under panics, the right host, a measure.
func guards(e *echo.Echo, h *house, trusted []netip.Prefix, counts *counters, log *slog.Logger) {
	e.IPExtractor = func(r *http.Request) string { return clientAddress(r, trusted).String() }
	e.Use(
		identify(log, counts),
		recovered(log, counts),
		ownHost(h),
		measured(trusted),
	)
	e.GET("/livez", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") }).Name = string(node.ForAll)
	e.GET("/readyz", func(c echo.Context) error { return ready(c, h) }).Name = string(node.ForAll)
}

// identify gives each request an id of ours; one that the other side names is not taken over (HTTP-9).
func identify(log *slog.Logger, counts *counters) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			start := time.Now()
			c.Response().Header().Set(echo.HeaderXRequestID, node.NewID())
			err := next(c)
			if err != nil {
				c.Error(err)
			}
			counts.request(c.Path(), c.Response().Status, time.Since(start))
			r := c.Request()
			if log.Enabled(r.Context(), slog.LevelDebug) {
				log.DebugContext(r.Context(), "request", "req", requestID(c), "method", r.Method, "path", loggedPath(r),
					"status", c.Response().Status, "from", node.BlurAddress(c.RealIP()), "took", time.Since(start))
			}
			return nil
		}
	}
}

func requestID(c echo.Context) string { return c.Response().Header().Get(echo.HeaderXRequestID) }

// recovered turns a panic of a handler into an error that is logged and counted; the process goes on (HTTP-3).
func recovered(log *slog.Logger, counts *counters) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) (err error) {
			defer func() {
				if r := recover(); r != nil {
					if r == http.ErrAbortHandler {
						panic(r)
					}
					counts.panics.Inc()
					log.ErrorContext(c.Request().Context(), "panic in a handler", "req", requestID(c), "panic", fmt.Sprint(r), stackKey, string(debug.Stack()))
					err = fmt.Errorf("panic: %v", r)
				}
			}()
			return next(c)
		}
	}
}

// isHealth says whether a request asks how the process does; such requests come by address, and often.
func isHealth(r *http.Request) bool { return r.URL.Path == "/livez" || r.URL.Path == "/readyz" }

// ownHost refuses what was sent to another name: addresses and signatures hold for ours alone (SIG-5). Where the domain of the
// handle leads here too, this node does what the web server there has to do: it sends everybody to the host.
func ownHost(h *house) echo.MiddlewareFunc {
	own, usual := withoutPort(h.Links.Host(), usualPort(h.Links.Base)), usualPort(h.Links.Base)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			host := withoutPort(strings.ToLower(c.Request().Host), usual)
			if host == own || isHealth(c.Request()) {
				return next(c)
			}
			us, err := h.Profile(c.Request().Context())
			if err == nil && host == us.Host {
				return c.Redirect(http.StatusPermanentRedirect, h.Links.Base+c.Request().URL.RequestURI())
			}
			return echo.NewHTTPError(http.StatusMisdirectedRequest)
		}
	}
}

func usualPort(base string) string {
	if strings.HasPrefix(base, "http://") {
		return "80"
	}
	return "443"
}

// withoutPort takes away the port that a scheme has anyway.
func withoutPort(host, usual string) string {
	if h, port, err := net.SplitHostPort(host); err == nil && port == usual {
		return h
	}
	return host
}

// measured keeps one network from taking more than its share (decisions 31): pages 300 a minute, letters 50 a second; visitors'
// servers 10 a minute. What
// programs read and what browsers keep is not counted.
func measured(trusted []netip.Prefix) echo.MiddlewareFunc {
	pages := newLimiter(5, 300)
	letters := newLimiter(50, 500)
	doorways := newLimiter(10.0/60, 10) // each lets this node ask another server
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			var l *limiter
			switch {
			case isHealth(r):
			case r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/ap/"):
				l = letters
			case r.Method == http.MethodPost && r.URL.Path == "/interact":
				l = doorways
			case !uncounted(r):
				l = pages
			}
			if l == nil {
				return next(c)
			}
			if wait := l.take(networkOf(clientAddress(r, trusted)), time.Now()); wait > 0 {
				c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int((wait+time.Second-1)/time.Second)))
				return echo.NewHTTPError(http.StatusTooManyRequests)
			}
			return next(c)
		}
	}
}

// uncounted are public documents and files that browsers keep.
func uncounted(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	for _, p := range []string{"/ap/", "/assets/", "/media/", "/ns/", "/nodeinfo/", "/.well-known/"} {
		if strings.HasPrefix(r.URL.Path, p) {
			return true
		}
	}
	accept := r.Header.Get("Accept")
	return hasDocument(r.URL.Path) && (strings.Contains(accept, "application/activity+json") || strings.Contains(accept, "application/ld+json"))
}

// hasDocument says whether a page answers with its document who asks for that. The others make pages for everybody, feeds too.
func hasDocument(path string) bool {
	kind, id, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch kind {
	case "openings", "projects", "posts":
		return node.IsID(id)
	}
	return path == "/" || strings.HasPrefix(path, "/@")
}

// clientAddress is who asks. X-Forwarded-For counts only as far as trusted proxies wrote it (HTTP-4): from its end, the
// first that is not one of them. The zero Addr stands for a socket file without that header.
func clientAddress(r *http.Request, trusted []netip.Prefix) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	ip := ap.Addr().Unmap()
	if err == nil && !contained(trusted, ip) {
		return ip
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		if ip = hop.Unmap(); !contained(trusted, ip) {
			break
		}
	}
	return ip
}

// loggedPath is the path of a request as logs may keep it: without the token of a link that works once, which lets in
// whoever reads it (LOG-1).
func loggedPath(r *http.Request) string {
	if links := (node.Links{}).Pass(""); strings.HasPrefix(r.URL.Path, links) {
		return links + "…"
	}
	return r.URL.Path
}

// ready says whether the node can take work, and if not why not (DB-6): the database answers and can be written.
func ready(c echo.Context, h *house) error {
	ctx := c.Request().Context()
	_, err := h.QueueStatus(ctx)
	if err == nil {
		err = h.writes(ctx)
	}
	if err == nil {
		err = h.db.Trouble()
	}
	if err == nil {
		err = h.moves(ctx)
	}
	if err == nil {
		return c.String(http.StatusOK, "ready\n")
	}
	h.Log().WarnContext(ctx, "not ready", "err", err)
	c.Response().Header().Set(echo.HeaderRetryAfter, "30")
	why := unreadyFor(node.KindOf(err))
	if errors.Is(err, errStands) {
		why = errStands.Error()
	}
	if activitypub.Speaks(c.Request()) {
		c.Response().Header().Set(echo.HeaderContentType, "application/problem+json")
		c.Response().WriteHeader(http.StatusServiceUnavailable)
		return json.NewEncoder(c.Response()).Encode(map[string]any{"type": "unavailable", "title": "Not ready", "status": http.StatusServiceUnavailable, "detail": why})
	}
	return c.String(http.StatusServiceUnavailable, "not ready: "+why+"\n")
}

// unreadyFor is the reason as anybody may know it: no names of files (HTTP-2).
func unreadyFor(k node.Kind) string {
	switch k {
	case node.Unavailable:
		return "the data cannot be written"
	case node.Busy:
		return "another process writes to the database for long"
	case node.Damaged:
		return "the database is damaged"
	}
	return "the database does not answer"
}
