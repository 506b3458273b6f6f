package ui

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

const (
	maxAddressBytes = 300      // of what visitors type as an address
	maxURIBytes     = 2048     // of an id in an address of ours
	maxFormBytes    = 16 << 10 // of a form that is sent to us
)

// A Doorway finds where a visitor goes on at home: the address, on the visitor's own server, of the page on which that
// server asks whether to do what is intended with iri. visitor is as typed: @me@server.example, a server, or the address
// of a profile. Errors are Invalid for what is no address; every other one says only that no such page was found.
type Doorway func(ctx context.Context, visitor string, do node.Intent, iri string) (string, error)

// An aim is what a visitor wants to do with something of ours.
type aim struct {
	Do    node.Intent
	IRI   string // by which other servers know it
	Copy  string // what to put into a search box by hand
	Title string
	Page  link // where it is shown here
}

func (v *visit) toFollow() aim {
	return aim{Do: node.ToFollow, IRI: v.node.Links.Actor(), Copy: v.self.Address, Title: v.self.Name, Page: link{v.self.Name, "/"}}
}

func toAnswer(ctx context.Context, e *entry) aim {
	return aim{Do: node.ToAnswer, IRI: e.Base.IRI, Copy: e.Base.URL, Title: nameOf(ctx, e.Text), Page: link{nameOf(ctx, e.Text), e.Base.URL}}
}

// aimAt reads what a form or an address is about: the coop, where it names nothing, or something of ours that everybody
// may see. Errors as those of pages.
func (v *visit) aimAt(ctx context.Context, iri string) (aim, error) {
	if l := v.node.Links; iri == "" || iri == l.Actor() || iri == l.Profile() {
		return v.toFollow(), nil
	}
	if len(iri) > maxURIBytes {
		return aim{}, &node.Error{Op: "read form", Kind: node.Invalid}
	}
	o, err := v.node.Object(ctx, iri)
	if err != nil {
		return aim{}, err
	}
	if o, err = v.object(ctx, o.Common().Type, o.Common().ID); err != nil {
		return aim{}, err
	}
	if o.Common().Sample { // nobody is there to hear an answer
		return aim{}, &node.Error{Op: "find way", Kind: node.NotFound, Subject: iri}
	}
	e, err := v.entryOf(ctx, o)
	if err != nil {
		return aim{}, err
	}
	return toAnswer(ctx, e), nil
}

// interact handles GET /interact: the form that asks for the visitor's own server.
func (u *ui) interact(c echo.Context, v *visit) (view, error) {
	to, err := v.aimAt(c.Request().Context(), c.QueryParam("uri"))
	if err != nil {
		return view{}, err
	}
	return view{head: aside(c.Request().Context(), to.heading(c.Request().Context())), body: interactBody(v, to, "", false)}, nil
}

// interactWith handles POST /interact: it asks the visitor's server for the way, and shows it. Nothing is kept, no
// cookie is set, and of the server's answer only where it leads is shown (SSRF-8). A link and no redirect: with one,
// our pages would lead wherever a server says that somebody names.
func (u *ui) interactWith(c echo.Context, v *visit) (view, error) {
	ctx := c.Request().Context()
	to, err := v.aimAt(ctx, c.FormValue("uri"))
	if err != nil {
		return view{}, err
	}
	typed := strings.TrimSpace(c.FormValue("address"))
	href := ""
	if len(typed) > maxAddressBytes {
		err = &node.Error{Op: "find way", Kind: node.Invalid}
	} else if u.opt.Doorway != nil {
		href, err = u.opt.Doorway(ctx, typed, to.Do, to.IRI)
	}
	if node.KindOf(err) == node.Invalid {
		body := interactBody(v, to, shorten(plainName(typed), maxAddressBytes), true)
		return view{head: aside(ctx, to.heading(ctx)), body: body, status: http.StatusUnprocessableEntity}, nil
	} else if err != nil {
		u.opt.Log.DebugContext(ctx, "no way to a visitor's server", "err", err)
		href = ""
	}
	return view{head: aside(ctx, to.heading(ctx)), body: wayBody(v, to, webAddress(href))}, nil
}

// heading is what the pages about an aim are called.
func (a aim) heading(ctx context.Context) string {
	if a.Do == node.ToFollow {
		return say(ctx, "interact.follow", a.Title)
	}
	return say(ctx, "interact.answer", a.Title)
}

// aside is the head of a page that is of use to one visitor at one moment.
func aside(ctx context.Context, title string) head {
	return head{Title: title, Description: say(ctx, "interact.lead"), Kind: "website", Hidden: true}
}

// An arrival is what somebody of this coop wants to follow or to answer, as far as it is known here.
type arrival struct {
	URI    string  // @handle@host, or an address
	Own    *link   // where it is something of ours
	Who    *person // where it is somebody known
	Object *entry  // where it is something known
}

// arrive handles GET /authorize_interaction?uri=…, to which other servers send people of this coop who want to follow
// somebody there or to answer something (OStatus subscribe, FEP-3b86). It says what is known here already, and the
// command. Nothing is fetched, for anybody can ask for this page.
func (u *ui) arrive(c echo.Context, v *visit) (view, error) {
	uri := strings.TrimSpace(c.QueryParam("uri"))
	if uri == "" {
		uri = strings.TrimSpace(c.QueryParam("acct")) // what older servers call it
	}
	uri, ok := readURI(uri, v.node.Dev)
	if !ok {
		return view{}, &node.Error{Op: "read address", Kind: node.Invalid}
	}
	a, err := v.arrival(c.Request().Context(), uri)
	if err != nil {
		return view{}, err
	}
	return view{head: aside(c.Request().Context(), say(c.Request().Context(), "arrive.title")), body: arriveBody(v, a)}, nil
}

var handleAtHost = regexp.MustCompile(`^(?:acct:)?@?([A-Za-z0-9_.-]{1,128}@[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?)$`)

// readURI reads the two forms in which somebody or something is named: a handle with its host, and an https address
// (http too on a node made with --dev).
func readURI(s string, dev bool) (uri string, ok bool) {
	if m := handleAtHost.FindStringSubmatch(s); m != nil {
		return "@" + m[1], true
	}
	if len(s) > maxURIBytes || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"'<>\\^`{|}", r) }) {
		return "", false
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !dev) {
		return "", false
	}
	return s, true
}

// arrival finds in what is stored what everybody may know that this node knows.
func (v *visit) arrival(ctx context.Context, uri string) (*arrival, error) {
	a := &arrival{URI: uri}
	who, err := v.actorAt(ctx, uri)
	if err != nil {
		return nil, err
	}
	if who != nil {
		p := personOf(who)
		if a.Who = &p; p.Own {
			a.Own = &link{p.Name, "/"}
		}
		return a, nil
	}
	o, err := v.node.Object(ctx, uri)
	if node.IsNotFound(err) {
		return a, nil
	} else if err != nil {
		return nil, err
	}
	if !o.Common().Visible() {
		return a, nil
	}
	if a.Object, err = v.entryOf(ctx, o); err == nil && o.Common().Local {
		a.Own = &link{nameOf(ctx, a.Object.Text), a.Object.Href}
	}
	return a, err
}

// actorAt is the actor named by uri, if it is known to everybody that this node knows it: the coop itself, one that it
// follows, or the author of something that the pages show. Nil for all others, who may have written in private.
func (v *visit) actorAt(ctx context.Context, uri string) (*node.Actor, error) {
	var a *node.Actor
	var err error
	if handle, host, ok := strings.Cut(strings.TrimPrefix(uri, "@"), "@"); ok && strings.HasPrefix(uri, "@") {
		a, err = v.node.Store().ActorByHandle(ctx, handle, host)
	} else if uri == v.node.Links.Profile() || uri == v.node.Links.Base {
		a = v.coop
	} else {
		a, err = v.node.ActorOf(ctx, uri)
	}
	if node.IsNotFound(err) {
		return nil, nil
	} else if err != nil || a.Local {
		return a, err
	}
	if f, err := v.node.Store().Followed(ctx, a.IRI); err == nil && f.State == node.Accepted {
		return a, nil
	} else if err != nil && !node.IsNotFound(err) {
		return nil, err
	}
	if n, err := v.node.Count(ctx, node.ObjectQuery{Actor: a.IRI, Listed: true}); n == 0 || err != nil {
		return nil, err
	}
	return a, nil
}

// commands are what somebody of this coop types to do it.
func (a *arrival) commands(ctx context.Context) []string {
	switch {
	case a.Who != nil && handleAtHost.MatchString(a.Who.Address):
		return []string{"coopnode follow " + shellWord(a.Who.Address)}
	case a.Who != nil:
		return []string{"coopnode follow " + shellWord(a.Who.IRI)}
	case a.Object != nil:
		return []string{"coopnode post new --reply-to " + shellWord(a.Object.Base.IRI) + " --text " + shellWord(say(ctx, "arrive.text"))}
	}
	return []string{"coopnode inspect " + shellWord(a.URI), "coopnode follow " + shellWord(a.URI)}
}

// shellWord quotes a word for a shell, because people paste what pages tell them, and an address comes from anybody.
func shellWord(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// answers serves a form for everybody: GET shows it, POST takes what was sent, which must come from a page of ours. That is
// enough where nothing is changed by it, for whoever sends it could as well fill it in (CSRF-1).
func (u *ui) answers(e *echo.Echo, path string, show, take pageMaker) {
	u.way(e, http.MethodGet, path, node.ForAll, func(c echo.Context) error { return u.showPage(c, show) })
	u.way(e, http.MethodPost, path, node.ForAll, func(c echo.Context) error {
		if err := u.readForm(c, maxFormBytes); err != nil {
			return err
		}
		return u.showPage(c, take)
	})
}
