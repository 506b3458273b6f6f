package ui

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"
	"golang.org/x/text/language"

	"github.com/coopnode/coopnode/node"
)

// Options are the things the pages can live without. The zero value is a good start.
type Options struct {
	Log     *slog.Logger // discards if nil; errors of requests are logged by echo's HTTPErrorHandler instead
	Version string       // of the program, for the About page and the feed
	Doorway Doorway      // finds the servers of visitors; without it they are told how to do it by hand
	Wire    Wire         // what people who are signed in ask of others; the console does not work without it
	Sending Sending      // how mail and webhook are tried; the zero value cannot
}

// Sending is what the console needs to try out how notices go.
type Sending struct {
	TestMail      func(ctx context.Context, to, lang string) error // Refused with what the mail server says
	TestWebhook   func(ctx context.Context) error                  // the same
	WebhookSecret func(secret []byte) string                       // in the form in which programs take it
}

// Wire is what the console needs of package activitypub.
type Wire struct {
	Find       func(ctx context.Context, address string) (*node.Actor, error) // asks its home; errors have a text for people. nil where nobody can be asked
	HostIn     func(address string) (host string, ok bool)                    // a host in what people write, as rules hold it
	Suffix     func(host string) (is, official bool)                          // a name under which everybody can have one
	ReadRules  func(r io.Reader, own string) (*node.BlockList, error)         // of Mastodon's CSV (MOD-5)
	WriteRules func(w io.Writer, rules []*node.Rule) error                    //
	ReachSelf  func(ctx context.Context) error                                // whether the node is reached under its own address
}

type ui struct {
	node  *node.Node
	opt   Options
	art   *art
	pages *node.Cache[*keptPage]
	light *lightPictures

	ways        map[string]*way
	hasher      *hasher
	crossOrigin *http.CrossOriginProtection
}

func newUI(n *node.Node, opt Options) *ui {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Sending.TestMail == nil {
		opt.Sending.TestMail = func(context.Context, string, string) error { return echo.ErrNotFound }
	}
	if opt.Sending.TestWebhook == nil {
		opt.Sending.TestWebhook = func(context.Context) error { return echo.ErrNotFound }
	}
	return &ui{
		pages: newKeptPages(), light: newLightPictures(),
		node: n, opt: opt, art: newArt(n.Links.Actor()),
		ways: map[string]*way{}, hasher: newHasher(), crossOrigin: http.NewCrossOriginProtection(),
	}
}

// Mount puts every page of n into e. Left to others are: answering programs that ask a page's address for
// ActivityPub, sending people from an id to its page, and, in echo's HTTPErrorHandler, our own failures and the errors
// that programs meet (see Trouble).
//
// Pages, feed and stylesheet are compressed here; a compressing middleware must leave them alone.
func Mount(e *echo.Echo, n *node.Node, opt Options) {
	u := newUI(n, opt)

	u.page(e, "/", u.profile)
	u.list(e, "/openings", u.board, u.openings)
	u.list(e, "/openings/:id", u.openingPage, u.deadline)
	u.list(e, "/projects", u.projects, u.projectList)
	u.list(e, "/projects/:id", u.projectPage, u.ofProject)
	u.list(e, "/posts", u.posts, u.postList)
	u.page(e, "/posts/:id", u.postPage)
	u.list(e, "/tags/:tag", u.tag, u.tagged)
	u.page(e, "/members", u.members)
	u.list(e, "/shared", u.shared, u.sharedList)
	u.list(e, "/coops/:address", u.coopPage, u.ofCoop)
	u.list(e, "/federations/:address", u.coopPage, u.ofCoop)
	u.list(e, "/search", u.search, u.searched)
	u.page(e, "/directory", u.directory)
	u.page(e, "/numbers", u.numbers)
	u.file(e, "/numbers.json", u.numbersJSON)
	u.page(e, "/about", u.about)
	u.page(e, "/privacy", u.privacy)

	u.answers(e, "/interact", u.interact, u.interactWith)
	u.page(e, "/authorize_interaction", u.arrive)
	u.way(e, http.MethodGet, "/language", node.ForAll, languageHome)
	u.way(e, http.MethodPost, "/language", node.ForAll, u.chooseLanguage)

	u.file(e, "/media/emblem.png", u.art.emblem)
	u.file(e, "/media/emblem.svg", u.art.emblemSVG)
	u.file(e, "/media/banner.png", u.art.banner)
	u.file(e, "/media/banner.svg", u.art.bannerSVG)
	u.file(e, "/media/preview.png", u.art.preview)
	u.file(e, "/media/tile.svg", u.art.tile)
	u.file(e, "/favicon.ico", u.art.favicon)
	forWhom(e.Any("/media/pictures/:name", u.picture), node.ForAll)
	forWhom(e.Any("/media/pictures/:name/:size", u.picture), node.ForAll)
	u.file(e, assetRoute, assetFile)
	u.file(e, "/robots.txt", robots)

	u.mountConsole(e)

	forWhom([]*echo.Route{e.RouteNotFound(otherPaths, u.troubled(func(echo.Context) error { return echo.ErrNotFound }))}, node.ForAll)
}

// otherPaths is the route of all paths that have none of their own.
const otherPaths = "/*"

// A view is what a page handler makes: the head, the body, and the status where it is not 200.
type view struct {
	head   head
	body   templ.Component
	status int
}

// A visit is one look at one page.
type visit struct {
	node    *node.Node
	coop    *node.Actor
	self    person
	people  *people
	version string
	now     time.Time
	path    string
	query   url.Values
	lang    string         // asked for with ?lang=
	accepts []language.Tag // what was chosen before and what the browser prefers
	tongues []*tongue      // to choose from
}

// head is what a page says of itself before it begins.
type head struct {
	Title       string // in the tab, without the coop's name
	Description string
	Kind        string  // Open Graph: website, article or profile
	Canonical   string  // the page's own address
	Document    string  // the same for programs: an ActivityPub id
	Author      person  // whom Mastodon names beneath the link
	List        listing // what can be followed from this page in a feed reader, beside the board
	Section     string  // which entry of the navigation is current
	Hidden      bool    // not for search engines
	Schema      schema  // for search engines; nil if there is nothing to say
}

// A pageMaker makes the page that a visitor asks for.
type pageMaker func(echo.Context, *visit) (view, error)

func (u *ui) page(e *echo.Echo, path string, make pageMaker) {
	u.file(e, path, u.kept(func(c echo.Context) error { return u.showPage(c, make) }))
}

// showPage makes a page and sends it.
func (u *ui) showPage(c echo.Context, make pageMaker) error {
	v, err := u.visit(c)
	if err != nil {
		return err
	}
	page, err := make(c, v)
	if home, ok := errors.AsType[elsewhere](err); ok {
		return c.Redirect(http.StatusSeeOther, string(home))
	} else if err != nil {
		return err
	}
	return u.show(c, v, page)
}

// file answers GET and HEAD at path. It takes the other methods too, to refuse them: echo would not tell a
// wrong method from a wrong address beside RouteNotFound.
func (u *ui) file(e *echo.Echo, path string, h echo.HandlerFunc) {
	forWhom(e.Any(path, u.troubled(func(c echo.Context) error {
		if m := c.Request().Method; m != http.MethodGet && m != http.MethodHead {
			c.Response().Header().Set("Allow", "GET, HEAD")
			return echo.ErrMethodNotAllowed
		}
		return h(c)
	})), node.ForAll)
}

func (u *ui) visit(c echo.Context) (*visit, error) {
	coop, err := u.node.Profile(c.Request().Context())
	if err != nil {
		return nil, err
	}
	people := newPeople(u.node)
	self, err := people.show(c.Request().Context(), coop)
	if err != nil {
		return nil, err
	}
	v := &visit{
		node: u.node, coop: coop, self: self, people: people, version: u.opt.Version, now: u.node.Now(),
		path: c.Request().URL.Path, query: c.QueryParams(), lang: c.QueryParam("lang"), tongues: u.spoken(),
	}
	u.speak(c, v, "")
	return v, nil
}

// show renders a page whole before anything is sent, so that trouble in the middle is an error page.
func (u *ui) show(c echo.Context, v *visit, page view) error {
	if page.head.Author.IRI == "" {
		page.head.Author = v.self
	}
	var b bytes.Buffer
	ctx := templ.WithChildren(c.Request().Context(), page.body)
	if err := frame(v, page.head).Render(ctx, &b); err != nil {
		return err
	}
	if page.status == 0 {
		page.status = http.StatusOK
	}
	pageHeaders(c, u.node.Links)
	c.Response().Header().Set("Content-Language", tongueOf(ctx).tag.String())
	return sendPage(c, page.status, b.Bytes())
}

// cursor is the place in a list that an address names with ?before=.
func cursor(c echo.Context) (string, error) {
	s := c.QueryParam("before")
	if len(s) > 200 {
		return "", &node.Error{Op: "read page", Kind: node.Invalid}
	}
	return s, nil
}

// elsewhere is the error of asking here for the page of something that lives on another server: its page.
type elsewhere string

func (e elsewhere) Error() string { return "it lives at " + string(e) }

// object finds what a page of ours shows: its own, of that type, and visible to everybody. What
// was removed is Gone, what others published is elsewhere, everything else NotFound.
func (v *visit) object(ctx context.Context, t node.ObjectType, id string) (node.Object, error) {
	missing := &node.Error{Op: "show " + string(t), Kind: node.NotFound, Subject: id}
	if !node.IsID(id) {
		return nil, missing
	}
	o, err := v.node.Object(ctx, id)
	if err != nil {
		return nil, err
	}
	b := o.Common()
	switch {
	case b.Type != t || b.Draft || !b.Audience.Listed() || !b.Hidden.IsZero() || b.Moderation != "":
		return nil, missing
	case !b.Deleted.IsZero():
		return nil, &node.Error{Op: "show " + string(t), Kind: node.Gone, Subject: b.IRI}
	case b.Local || b.Sample:
		return o, nil
	}
	if home := pageOf(v.node.Links, b); home != "" {
		return nil, elsewhere(home)
	}
	return nil, missing
}

// older is the address of the next page of this list, "" at its end.
func (v *visit) older(next string) string {
	if next == "" {
		return ""
	}
	q := url.Values{}
	for k, s := range v.query {
		if k == "lang" || slices.Contains(choiceKeys, k) || slices.Contains(soughtKeys, k) {
			q[k] = s
		}
	}
	q.Set("before", next)
	return (&url.URL{Path: v.path, RawQuery: q.Encode()}).String()
}

// first is the address of the first page of this list, "" on it.
func (v *visit) first() string {
	if v.query.Get("before") == "" {
		return ""
	}
	q := url.Values{}
	for k, s := range v.query {
		if k != "before" {
			q[k] = s
		}
	}
	return strings.TrimSuffix((&url.URL{Path: v.path, RawQuery: q.Encode()}).String(), "?")
}
