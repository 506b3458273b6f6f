package ui

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// cookieName is how a cookie is called: with the prefix that binds it to this host alone, except for a node that is tried
// out over http, where browsers refuse such a name (SES-1).
func (u *ui) cookieName(name string) string {
	if u.secure() {
		return "__Host-" + name
	}
	return name
}

func (u *ui) secure() bool { return strings.HasPrefix(u.node.Links.Base, "https://") }

func (u *ui) sessionCookie() string { return u.cookieName("session") }
func (u *ui) formCookie() string    { return u.cookieName("form") }

// setCookie gives a cookie that lasts until the browser is closed and that no script reads (SES-1).
func (u *ui) setCookie(c echo.Context, name, value string) {
	c.SetCookie(&http.Cookie{Name: name, Value: value, Path: "/", Secure: u.secure(), HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func (u *ui) dropCookie(c echo.Context, name string) {
	c.SetCookie(&http.Cookie{Name: name, Path: "/", Secure: u.secure(), HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: -1})
}

const maxTokenBytes = 100 // of what comes in a cookie or an address

// sessionOf reads who is signed in. The error is NotFound for nobody, and for a session that has ended.
func (u *ui) sessionOf(c echo.Context) (*node.Session, *node.Person, error) {
	cookie, err := c.Cookie(u.sessionCookie())
	if err != nil || cookie.Value == "" || len(cookie.Value) > maxTokenBytes {
		return nil, nil, &node.Error{Op: "read session", Kind: node.NotFound}
	}
	return u.node.SessionOf(c.Request().Context(), cookie.Value)
}

// Forms of people who are not signed in have no session to be bound to. They are bound to a cookie of the browser, which
// nobody else can set nor read; the field in the form says the same (CSRF-1).

// formToken is the token of a form for somebody who is not signed in; it gives the browser its cookie if it has none.
func (u *ui) formToken(c echo.Context) string {
	if t := u.givenFormToken(c); t != "" {
		return t
	}
	b := make([]byte, 32)
	rand.Read(b) // never fails
	t := base64.RawURLEncoding.EncodeToString(b)
	u.setCookie(c, u.formCookie(), t)
	return t
}

func (u *ui) givenFormToken(c echo.Context) string {
	cookie, err := c.Cookie(u.formCookie())
	if err != nil || len(cookie.Value) < 43 || len(cookie.Value) > maxTokenBytes {
		return ""
	}
	return cookie.Value
}

// entrance answers GET and POST at path for people who are not signed in yet: what they see is theirs alone.
func (u *ui) entrance(e *echo.Echo, path string, show, take pageMaker) {
	u.way(e, http.MethodGet, path, node.ForAll, func(c echo.Context) error {
		private(c)
		return u.showPage(c, show)
	})
	u.way(e, http.MethodPost, path, node.ForAll, func(c echo.Context) error {
		private(c)
		if err := u.readForm(c, maxFormBytes); err != nil {
			return err
		}
		if !sameToken(c.FormValue(csrfField), u.givenFormToken(c)) {
			return echo.ErrForbidden.WithInternal(errors.New("the form has not the token of this browser"))
		}
		return u.showPage(c, take)
	})
}

// signInFor is where somebody signs in to come back to what was asked for. What a form would have done is not repeated.
func signInFor(c echo.Context) string {
	r := c.Request()
	if r.URL.Path == "/console" && r.URL.RawQuery == "" {
		return "/sign-in"
	}
	next := r.URL.Path
	if r.Method == http.MethodGet {
		next = r.URL.RequestURI()
	}
	return "/sign-in?" + url.Values{"next": {next}}.Encode()
}

// next is where somebody goes on who asked to be led there: a page of this site, or home (WEB-1).
func (u *ui) next(c echo.Context, asked, home string) string {
	if len(asked) > maxURIBytes || !strings.HasPrefix(asked, "/") || strings.HasPrefix(asked, "//") || strings.ContainsFunc(asked, notInPath) {
		return home
	}
	to, err := url.Parse(asked)
	if err != nil || !u.canShow(c, to.Path) {
		return home
	}
	return to.RequestURI()
}

// notInPath are characters that browsers take for a slash or leave out.
func notInPath(r rune) bool { return r == '\\' || r <= ' ' || r == 0x7f }

// canShow says whether a path is in the table of routes, and is not for forms alone.
func (u *ui) canShow(c echo.Context, path string) bool {
	e := c.Echo()
	found := e.AcquireContext()
	defer e.ReleaseContext(found)
	e.Router().Find(http.MethodGet, path, found)
	if w := u.ways[found.Path()]; w != nil {
		return w.does[http.MethodGet] != nil
	}
	return found.Path() != otherPaths
}
