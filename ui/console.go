package ui

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// The console is what people of the coop see when they are signed in: all below /console. Each of its handlers says which
// role it needs where it is registered, and no handler runs before that was checked (AUTHZ-1).

const (
	maxConsoleBytes = 256 << 10       // of a form in the console: long texts in several languages
	maxUploadBytes  = 12 << 20        // of a form with a picture
	uploadWithin    = 2 * time.Minute // a picture may take longer to arrive than a form (HTTP-1)
	maxCSRFBytes    = 100             // of the token in a form
)

// A desk is one visit of somebody who is signed in.
type desk struct {
	*visit
	ui      *ui
	person  *node.Person
	session *node.Session
	said    string      // what the last form did, shown once
	errs    fieldErrors // what is wrong with the form on this page
	later   bool        // nothing is wrong with it, but it cannot be kept now (DB-6)
	unread  int         // remarks, for the number in the menu
}

// A deskHandler answers somebody who is signed in and may.
type deskHandler func(c echo.Context, d *desk) error

// by is who does what this visit does, as it is kept beside each change.
func (d *desk) by() string { return d.person.By() }

// may says whether the person has a role or a higher one.
func (d *desk) may(need node.Role) bool { return d.person.Role.Covers(need) }

// console answers method at path for people with a role, or a higher one. GET answers HEAD too and must change nothing;
// what POST is given was sent by a form of this session (CSRF-1), of at most 256 KiB.
func (u *ui) console(e *echo.Echo, method, path string, need node.Role, h deskHandler) {
	u.way(e, method, path, need, u.asking(need, maxConsoleBytes, h))
}

// upload answers a POST with files, as multipart/form-data of at most 12 MiB.
func (u *ui) upload(e *echo.Echo, path string, need node.Role, h deskHandler) {
	u.way(e, http.MethodPost, path, need, func(c echo.Context) error {
		rc := http.NewResponseController(c.Response())
		if err := rc.SetReadDeadline(time.Now().Add(uploadWithin)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		if err := rc.SetWriteDeadline(time.Now().Add(uploadWithin + 30*time.Second)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		defer func() { // what was too large for the memory; nobody else takes it away
			if m := c.Request().MultipartForm; m != nil {
				m.RemoveAll()
			}
		}()
		return u.asking(need, maxUploadBytes, h)(c)
	})
}

// asking lets through who is signed in, may, and sends a form of ours.
func (u *ui) asking(need node.Role, maxBytes int64, h deskHandler) echo.HandlerFunc {
	return func(c echo.Context) error {
		private(c)
		s, p, err := u.sessionOf(c)
		if node.IsNotFound(err) {
			u.dropCookie(c, u.sessionCookie())
			return c.Redirect(http.StatusSeeOther, signInFor(c))
		} else if err != nil {
			return err
		}
		if !p.Role.Covers(need) {
			return &node.Error{Op: "open console", Kind: node.Forbidden, Subject: c.Path()}
		}
		if c.Request().Method == http.MethodPost {
			if err := u.readForm(c, maxBytes); err != nil {
				return err
			}
			if !sameToken(c.FormValue(csrfField), s.CSRF) {
				return echo.ErrForbidden.WithInternal(errors.New("the form has no token of this session"))
			}
		}
		d, err := u.desk(c, p, s)
		if err != nil {
			return err
		}
		return h(c, d)
	}
}

// desk is the visit of p.
func (u *ui) desk(c echo.Context, p *node.Person, s *node.Session) (*desk, error) {
	v, err := u.visit(c)
	if err != nil {
		return nil, err
	}
	u.speak(c, v, p.Lang)
	return &desk{visit: v, ui: u, person: p, session: s}, nil
}

// readForm reads the form that a POST brings, once it is sure that a page of ours sent it (CSRF-1).
func (u *ui) readForm(c echo.Context, maxBytes int64) error {
	r := c.Request()
	if err := u.crossOrigin.Check(r); err != nil {
		return echo.ErrForbidden.WithInternal(err)
	}
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxBytes)
	var err error
	switch media, _, _ := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType)); media {
	case echo.MIMEApplicationForm:
		err = r.ParseForm()
	case echo.MIMEMultipartForm:
		err = r.ParseMultipartForm(maxConsoleBytes) // more than that goes to files
	default:
		return echo.ErrUnsupportedMediaType
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return echo.ErrStatusRequestEntityTooLarge
	} else if _, disk := errors.AsType[*fs.PathError](err); disk { // of a large file, which is kept aside meanwhile
		// Who still sends may never read the answer when the connection ends before all is taken in, as it does behind some proxies.
		_, _ = io.Copy(io.Discard, r.Body)
		return &node.Error{Op: "read form", Kind: node.Unavailable, Err: fmt.Errorf("%w: %w", node.ErrDisk, err)}
	} else if err != nil {
		return &node.Error{Op: "read form", Kind: node.Invalid, Err: err}
	}
	return nil
}

// csrfField is the name of the hidden field with the token of the session.
const csrfField = "csrf"

func sameToken(got, want string) bool {
	return want != "" && len(got) <= maxCSRFBytes && subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}

// show sends a page of the console.
func (d *desk) show(c echo.Context, h head, body templ.Component) error {
	return d.showAs(c, http.StatusOK, h, body)
}

func (d *desk) showAs(c echo.Context, status int, h head, body templ.Component) (err error) {
	ctx := c.Request().Context()
	if d.said = d.session.Flash; d.said != "" {
		if err := d.node.SetFlash(ctx, d.session.ID, ""); err != nil && !errors.Is(err, node.ErrDisk) {
			return err // where nothing can be written it is said again, and pages are read all the same (DB-6)
		}
	}
	if d.unread, err = d.node.CountRemarks(ctx, node.RemarkQuery{State: node.Unread}); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := consoleFrame(d, h).Render(templ.WithChildren(ctx, body), &b); err != nil {
		return err
	}
	pageHeaders(c, d.node.Links)
	c.Response().Header().Set("Content-Language", tongueOf(ctx).tag.String())
	return sendPage(c, status, b.Bytes())
}

// done leads on after a form, to a page that says what happened: the text of key in the status line.
func (d *desk) done(c echo.Context, path, key string, args ...any) error {
	return d.told(c, path, say(c.Request().Context(), key, args...))
}

// told is done with a sentence that is made already.
func (d *desk) told(c echo.Context, path, sentence string) error {
	if err := d.node.SetFlash(c.Request().Context(), d.session.ID, sentence); err != nil && !errors.Is(err, node.ErrDisk) {
		return err // what was done is done, also where a disk that is full by now leaves it unsaid
	}
	return c.Redirect(http.StatusSeeOther, path)
}

// refuse shows the page of a form again, with what was typed and what is wrong with it.
func (d *desk) refuse(c echo.Context, h head, body templ.Component, errs fieldErrors) error {
	d.errs = errs
	if d.later {
		c.Response().Header().Set(echo.HeaderRetryAfter, "30")
		return d.showAs(c, http.StatusServiceUnavailable, h, body)
	}
	return d.showAs(c, http.StatusUnprocessableEntity, h, body)
}

// wrong turns an error of the domain that a person can do something about into one of the form; others are returned.
func (d *desk) wrong(c echo.Context, err error) (fieldErrors, error) {
	switch node.KindOf(err) {
	case node.Invalid, node.Exists, node.NotFound, node.Forbidden, node.Gone, node.Refused, node.Unavailable:
		if text := sentence(c.Request().Context(), err); text != "" {
			d.later = errors.Is(err, node.ErrDisk)
			return fieldErrors{{Text: text}}, nil
		}
	}
	return nil, err
}

// mountConsole puts everything into e that is for people of the coop.
func (u *ui) mountConsole(e *echo.Echo) {
	u.entrance(e, "/sign-in", u.signIn, u.signInWith)
	u.entrance(e, "/reset", u.reset, u.sendReset)
	u.entrance(e, "/welcome/:token", u.arriveBy, u.redeem)
	u.console(e, http.MethodPost, "/sign-out", node.RoleReader, u.signOut)

	u.mountStart(e)
	u.mountComponents(e)
	u.console(e, http.MethodGet, "/console", node.RoleReader, u.dashboard)
	u.mountAccount(e)
	u.mountColleagues(e)
	u.mountEditors(e)
	u.mountNotices(e)
	u.mountInbox(e)
	u.mountNetwork(e)
	u.mountMemberships(e)
	u.mountApplications(e)
	u.mountDeliveries(e)
	u.mountModeration(e)
	u.mountSettings(e)
	u.mountExport(e)
}

// A way is what is done at one path, by method.
type way struct {
	does   map[string]echo.HandlerFunc
	routes []*echo.Route
}

// way adds a method to a path, with the role that it needs as the name of its route. The other methods are refused.
func (u *ui) way(e *echo.Echo, method, path string, need node.Role, h echo.HandlerFunc) {
	w := u.ways[path]
	if w == nil {
		w = &way{does: map[string]echo.HandlerFunc{}}
		u.ways[path] = w
		w.routes = e.Any(path, u.troubled(func(c echo.Context) error {
			m := c.Request().Method
			if m == http.MethodHead {
				m = http.MethodGet
			}
			if h := w.does[m]; h != nil {
				return h(c)
			}
			c.Response().Header().Set(echo.HeaderAllow, strings.Join(w.methods(), ", "))
			return echo.ErrMethodNotAllowed
		}))
		forWhom(w.routes, node.ForNobody)
	}
	w.does[method] = h
	for _, r := range w.routes {
		if r.Method == method || method == http.MethodGet && r.Method == http.MethodHead {
			r.Name = string(need)
		}
	}
}

func (w *way) methods() (list []string) {
	for m := range w.does {
		list = append(list, m)
		if m == http.MethodGet {
			list = append(list, http.MethodHead)
		}
	}
	slices.Sort(list)
	return list
}

// forWhom says in the names of routes who may use them (AUTHZ-1).
func forWhom(routes []*echo.Route, who node.Role) {
	for _, r := range routes {
		r.Name = string(who)
	}
}

// The values of a request by which what shows a page knows that it is for one person alone.
const privateKey = "coopnode.private"

// private marks what is answered as depending on who asks, so that nothing keeps it (HTTP-6).
func private(c echo.Context) { c.Set(privateKey, true) }

func isPrivate(c echo.Context) bool {
	return c.Get(privateKey) != nil || c.Request().Method == http.MethodPost
}

// sendPage sends a page, which nobody keeps if it is for one person alone.
func sendPage(c echo.Context, status int, page []byte) error {
	cache := "no-cache"
	if isPrivate(c) {
		cache = "private, no-store"
		vary(c.Response().Header(), "Signature", "Cookie")
	}
	return send(c, status, echo.MIMETextHTMLCharsetUTF8, cache, page)
}

// confirmed says whether the person proved a short while ago to be that person, which something dangerous needs (AUTHZ-2).
// If not, the password is asked for, with everything kept that the form says, and the caller returns the error:
//
//	if ok, err := d.confirmed(c); !ok {
//		return err
//	}
func (d *desk) confirmed(c echo.Context) (ok bool, err error) {
	if d.node.IsFresh(d.session) {
		return true, nil
	}
	ctx, errs := c.Request().Context(), fieldErrors(nil)
	if password := c.FormValue(sureField); password != "" {
		ok, err := d.ui.proves(c, d.person.ID, d.person, password)
		if err != nil {
			return false, err
		}
		if ok {
			if err := d.renew(c); err != nil {
				return false, err
			}
			return true, nil
		}
		errs.add(sureField, say(ctx, "sure.wrong"))
	}
	var kept [][2]string
	for name, values := range c.Request().PostForm {
		if name != csrfField && name != sureField {
			for _, v := range values {
				kept = append(kept, [2]string{name, v})
			}
		}
	}
	slices.SortStableFunc(kept, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	head := unlisted(say(ctx, "sure.title"))
	return false, d.refuse(c, head, sureBody(d, c.Request().URL.RequestURI(), kept, errs), errs)
}

// sureField is the name of the field in which a password is asked for again.
const sureField = "sure"

// initial is the first letter of a name, for a round mark.
func initial(name string) string {
	for _, r := range name {
		return strings.ToUpper(string(r))
	}
	return ""
}
