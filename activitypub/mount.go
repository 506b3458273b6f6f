package activitypub

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// Mount adds to e everything that other servers ask of this node. Errors are returned to e's
// HTTPErrorHandler, which should tell them with Problem where Speaks says so. The pages come
// after it: what Mount puts in front of them answers who asks a page for its document.
func (w *Wire) Mount(e *echo.Echo) {
	e.Use(w.negotiate)

	// Other methods are refused here: beside the pages' RouteNotFound, and in a Group, echo would not tell a wrong
	// method from a wrong address.
	offer := func(path string, h echo.HandlerFunc, methods ...string) {
		routes := e.Any(path, w.home(func(c echo.Context) error {
			if !slices.Contains(methods, c.Request().Method) {
				c.Response().Header().Set(echo.HeaderAllow, strings.Join(methods, ", "))
				return echo.ErrMethodNotAllowed
			}
			return h(c)
		}))
		for _, r := range routes {
			r.Name = string(node.ForAll) // what is asked of the servers of others is asked with a signature
		}
	}
	get := func(path string, h echo.HandlerFunc) { offer(path, h, http.MethodGet, http.MethodHead) }
	l := w.node.Links

	// How we are found.
	get("/.well-known/webfinger", w.webFinger)
	get("/.well-known/host-meta", w.hostMeta)
	get("/.well-known/host-meta.json", w.hostMetaJSON)
	get("/.well-known/nodeinfo", w.nodeInfoLinks)
	get("/.well-known/security.txt", w.securityText)
	get("/nodeinfo/2.0", w.nodeInfo("2.0"))
	get("/nodeinfo/2.1", w.nodeInfo("2.1"))

	// The coop and its collections. A browser is sent to the page beside each.
	get("/ap/coop", w.document(to(l.Profile()), w.getActor))
	get("/ap/coop/outbox", w.document(to(l.Profile()), w.getOutbox))
	get("/ap/coop/followers", w.document(to(l.Profile()), w.getFollowers))
	get("/ap/coop/following", w.document(to(l.Profile()), w.getFollowing))
	get("/ap/coop/featured", w.document(to(l.Board()), w.getFeatured))
	get("/ap/coop/openings", w.document(to(l.Board()), w.getOpenings))
	get("/ap/coop/projects", w.document(to(l.Profile()), w.getProjects))
	get("/ap/coop/shared", w.document(to(l.SharedList()), w.getShared))
	get("/ap/coop/memberships", w.document(to(l.Profile()), w.getMemberships))
	get("/ap/coop/members", w.document(to(l.MemberList()), w.getMembers))
	get("/ap/coop/applications", w.document(to(l.Profile()), w.getApplications))
	get("/ap/memberships/:id", w.document(to(l.Profile()), w.getMembership))
	get("/@:handle", w.profile)

	// What it says.
	for _, t := range objectTypes {
		page := func(c echo.Context) string { return l.Page(t, c.Param("id")) }
		get("/ap/"+string(t)+"s/:id", w.document(page, w.getObject(t)))
		get("/ap/"+string(t)+"s/:id/create", w.document(page, w.getCreate(t)))
		get("/ap/"+string(t)+"s/:id/replies", w.document(page, w.getReplies(t)))
	}
	get("/ap/quotes/:id", w.document(to(l.Profile()), w.getQuote))
	get("/ap/activities/:id", w.document(to(l.Profile()), w.getActivity))

	// What its words mean.
	get("/ns/coop/v1.jsonld", w.getContext)
	get("/ns/skills/:key", w.getSkill)

	// How nodes look at each other.
	get("/api/v1/look", w.getLook)
	offer("/api/v1/mirror/:pass/*", w.getMirror, http.MethodGet, http.MethodHead, http.MethodPost)

	// The doors.
	offer("/ap/coop/inbox", w.postInbox, http.MethodPost)
	offer("/ap/inbox", w.postInbox, http.MethodPost)
}

// to is a page that is always the same.
func to(page string) func(echo.Context) string { return func(echo.Context) string { return page } }

// document handles GET at an id of ours: the document for programs, the way to the page for
// browsers (interop.md 5.1).
func (w *Wire) document(page func(echo.Context) string, get func(echo.Context) (*answer, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		addVary(c)
		switch wanted(c.Request().Header["Accept"]) {
		case asPage:
			return c.Redirect(http.StatusSeeOther, page(c))
		case asNothing:
			return &statusError{http.StatusNotAcceptable, "This is to be had as " + typeActivity + ", and as a page in text/html."}
		}
		if err := w.admitReader(c.Request()); err != nil {
			return err
		}
		a, err := get(c)
		if err != nil {
			return err
		}
		return w.send(c, a)
	}
}

// home refuses what was sent to another host: signatures and ids hold for ours alone (HTTP-2).
func (w *Wire) home(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !w.isHome(c.Request().Host) {
			return &statusError{http.StatusMisdirectedRequest,
				"This is " + w.node.Links.Base + ". A proxy in front of it has to pass on the Host header."}
		}
		return next(c)
	}
}

// isHome says whether a Host header is that of the base address.
func (w *Wire) isHome(host string) bool {
	if host == w.base.Host {
		return true
	}
	a, err := splitAddress(w.base.Scheme + "://" + host)
	return err == nil && a.rest == "" && a.peer() == w.base.Host
}
