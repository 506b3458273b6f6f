package ui

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// troubled shows an error of a handler as a page to who asked for one. Our own failures, and the errors that
// programs meet, go on to echo's HTTPErrorHandler, which counts them and speaks their language.
func (u *ui) troubled(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		if err == nil || c.Response().Committed || statusOf(err) >= http.StatusInternalServerError || !wantsPage(c.Request().Header.Get("Accept")) {
			return err
		}
		return u.trouble(c, err)
	}
}

// Trouble gives the page that tells a person of an error of any kind, for the HTTPErrorHandler: what happened
// and what to do next, and nothing about the inside of the program (HTTP-2).
func Trouble(n *node.Node, opt Options) func(c echo.Context, err error) error {
	return newUI(n, opt).trouble
}

// trouble does without the profile where even that cannot be read.
func (u *ui) trouble(c echo.Context, cause error) error {
	h := c.Response().Header()
	for _, name := range []string{"Cache-Control", "ETag", "Content-Encoding", "Content-Length"} {
		h.Del(name)
	}
	status := statusOf(cause)
	if status == http.StatusServiceUnavailable && h.Get("Retry-After") == "" {
		h.Set("Retry-After", "30")
	}
	v, err := u.visit(c)
	if err != nil {
		u.opt.Log.WarnContext(c.Request().Context(), "page shown without the profile", "err", err)
		nobody := &node.Actor{IRI: u.node.Links.Actor(), Name: say(c.Request().Context(), "error.untitled"), Host: u.node.Links.Host(), Local: true}
		v = &visit{node: u.node, coop: nobody, self: personOf(nobody), people: newPeople(u.node), now: u.node.Now(), path: c.Request().URL.Path,
			lang: c.QueryParam("lang"), tongues: u.spoken()}
		u.speak(c, v, "")
	}
	key := "error." + strconv.Itoa(status)
	switch {
	case english.has(key):
	case status < http.StatusInternalServerError:
		key = "error.400"
	default:
		key = "error.500"
	}
	title, text := say(c.Request().Context(), key), say(c.Request().Context(), key+".text")
	return u.show(c, v, view{head: head{Title: title, Description: text, Kind: "website", Hidden: true}, body: trouble(v.self, title, text), status: status})
}

// statusOf is where kinds of error become status codes.
func statusOf(err error) int {
	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		return he.Code
	}
	switch node.KindOf(err) {
	case node.Invalid:
		return http.StatusBadRequest
	case node.NotFound:
		return http.StatusNotFound
	case node.Forbidden:
		return http.StatusForbidden
	case node.Gone:
		return http.StatusGone
	case node.Exists:
		return http.StatusConflict
	case node.Refused:
		return http.StatusBadGateway
	case node.Unavailable, node.Busy, node.Damaged:
		return http.StatusServiceUnavailable
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// sentence is what an error says to a person: in the language of the visit where that has it, else in English; "" for nothing.
func sentence(ctx context.Context, err error) string {
	said := node.SaidBy(err)
	if said == nil {
		return ""
	}
	if key := "wrong." + said.Name; tongueOf(ctx).has(key) {
		return say(ctx, key, said.Values...)
	}
	return said.Text
}

// wantsPage says whether whoever asks names HTML among what it reads.
func wantsPage(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		media, _, err := mime.ParseMediaType(part)
		if err == nil && (media == "text/html" || media == "text/*" || media == "application/xhtml+xml") {
			return true
		}
	}
	return false
}
