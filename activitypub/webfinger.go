package activitypub

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// MaxResourceBytes is the longest WebFinger resource that is read (LIM).
const MaxResourceBytes = 1024

// A jrd is what WebFinger answers (RFC 7033 4.4).
type jrd struct {
	Subject string    `json:"subject"`
	Aliases []string  `json:"aliases"`
	Links   []jrdLink `json:"links"`
}

type jrdLink struct {
	Rel      string `json:"rel"`
	Type     string `json:"type,omitempty"`
	Href     string `json:"href,omitempty"`
	Template string `json:"template,omitempty"`
}

// webFinger handles GET /.well-known/webfinger?resource=…: who is meant by an address that
// people write. There is one answer, for there is one actor.
func (w *Wire) webFinger(c echo.Context) error {
	allowAnyOrigin(c)
	params, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil || len(params["resource"]) != 1 {
		return &statusError{http.StatusBadRequest, "Ask with one resource, like ?resource=acct:name@host."}
	}
	said, rels := params["resource"][0], params["rel"]
	r, ok := readResource(said, w.base.Scheme)
	if !ok {
		return &statusError{http.StatusBadRequest, "A resource is an address of at most 1024 bytes: acct:name@host or https://host/…"}
	}
	find := func(ctx context.Context) (*answer, error) {
		coop, err := w.node.Profile(ctx)
		if err != nil {
			return nil, err
		}
		if !r.names(coop, w.base, w.node.Links) {
			return nil, &node.Error{Op: "find actor", Kind: node.NotFound, Subject: said}
		}
		return jrdOf(coop, w.node.Links, rels)
	}
	var a *answer
	if len(rels) == 0 {
		a, err = w.kept(c.Request().Context(), "webfinger "+said, find)
	} else {
		a, err = find(c.Request().Context())
	}
	if err != nil {
		return err
	}
	return w.send(c, a)
}

// jrdOf is the answer for the coop. Where rels are given only links of those are in it (RFC 7033 4.3).
func jrdOf(coop *node.Actor, l node.Links, rels []string) (*answer, error) {
	doc := jrd{
		Subject: "acct:" + coop.Handle + "@" + coop.Host,
		Aliases: []string{l.Profile(), handlePage(l, coop), coop.IRI},
		Links: []jrdLink{
			{Rel: "self", Type: typeActivity, Href: coop.IRI},
			{Rel: "http://webfinger.net/rel/profile-page", Type: "text/html", Href: l.Profile()},
			{Rel: "http://webfinger.net/rel/avatar", Type: "image/png", Href: l.IconOf(coop)},
		},
	}
	// Where our people go on who want to follow or answer something elsewhere.
	for _, way := range []way{{relIntent + "Follow", "object"}, {relIntent + "Object", "object"}, {relSubscribe, "uri"}} {
		doc.Links = append(doc.Links, jrdLink{Rel: way.rel, Template: l.AuthorizeInteraction("") + "{" + way.variable + "}"})
	}
	if len(rels) > 0 {
		doc.Links = slices.DeleteFunc(doc.Links, func(link jrdLink) bool { return !slices.Contains(rels, link.Rel) })
	}
	body, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	return newAnswerOf("application/jrd+json", cacheDocument, body), nil
}

// handlePage is the other address of the profile, as other servers write it.
func handlePage(l node.Links, coop *node.Actor) string { return l.Profile() + "@" + coop.Handle }

// A resource is what is asked for: a handle at a host, or an address taken apart.
type resource struct {
	user string // "" for a web address
	host string // normalised, with the port if it is not the scheme's own
	path string // of a web address: all after the host, as written
}

// readResource reads the forms that are in use: acct:user@host, acct:@user@host, both without
// acct:, and web addresses. scheme is the node's own, by which a port counts as usual.
func readResource(s, scheme string) (resource, bool) {
	if len(s) > MaxResourceBytes || !utf8.ValidString(s) {
		return resource{}, false
	}
	if kind, _, ok := strings.Cut(s, "://"); ok {
		a, err := splitAddress(s)
		if err != nil {
			return resource{}, false
		}
		return resource{host: strings.ToLower(kind) + "://" + a.peer(), path: a.rest}, true
	}
	if len(s) > 5 && strings.EqualFold(s[:5], "acct:") {
		s = s[5:]
	}
	user, host, ok := strings.Cut(strings.TrimPrefix(s, "@"), "@")
	if !ok || !isUserName(user) {
		return resource{}, false
	}
	a, err := splitAddress(scheme + "://" + host)
	if err != nil || a.rest != "" {
		return resource{}, false
	}
	return resource{user: user, host: a.peer()}, true
}

// isUserName is wider than the handles made here: what others use is unknown, not garbled.
func isUserName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && !strings.ContainsRune("_.-~!$&'()*+,;=%", rune(c)) {
			return false
		}
	}
	return s != "" && len(s) <= 64+253
}

// names says whether r is a name of the coop, at this host or at the domain of its handle. Handle and host count in any casing, paths as
// they are.
func (r resource) names(coop *node.Actor, base BaseURL, l node.Links) bool {
	if r.user != "" {
		return (r.host == base.Host || r.host == coop.Host) && strings.EqualFold(r.user, coop.Handle)
	}
	if r.host == base.Scheme+"://"+coop.Host && (r.path == "" || r.path == "/") {
		return true // the front door of the domain of the handle
	}
	if r.host != base.Scheme+"://"+base.Host {
		return false
	}
	switch address := l.Base + r.path; {
	case r.path == "", address == l.Profile(), address == coop.IRI:
		return true
	default:
		return strings.EqualFold(address, handlePage(l, coop))
	}
}

// lrdd is the template of WebFinger for those who look for it (RFC 6415), as Mastodon does when
// WebFinger itself said 404.
func (w *Wire) lrdd() string { return w.node.Links.Base + "/.well-known/webfinger?resource={uri}" }

// hostMeta handles GET /.well-known/host-meta.
func (w *Wire) hostMeta(c echo.Context) error {
	type link struct {
		Rel      string `xml:"rel,attr"`
		Template string `xml:"template,attr"`
	}
	body, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"http://docs.oasis-open.org/ns/xri/xrd-1.0 XRD"`
		Link    link
	}{Link: link{"lrdd", w.lrdd()}})
	if err != nil {
		return err
	}
	allowAnyOrigin(c)
	return w.send(c, newAnswerOf("application/xrd+xml", cacheFixed, append([]byte(xml.Header), body...)))
}

// hostMetaJSON handles GET /.well-known/host-meta.json.
func (w *Wire) hostMetaJSON(c echo.Context) error {
	return w.sendJSON(c, "application/json", cacheFixed, map[string]any{
		"links": []any{map[string]string{"rel": "lrdd", "template": w.lrdd()}},
	})
}

// sendJSON answers with v, readable by scripts of other sites.
func (w *Wire) sendJSON(c echo.Context, mime, cache string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	allowAnyOrigin(c)
	return w.send(c, newAnswerOf(mime, cache, body))
}
