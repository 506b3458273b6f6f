package activitypub

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/coopnode/coopnode/node"
)

// Relations of WebFinger links that lead to a page of somebody's server.
const (
	relSubscribe = "http://ostatus.org/schema/1.0/subscribe"
	relIntent    = "https://w3id.org/fep/3b86/" // and the type of activity
)

const (
	doorwayTimeout = 10 * time.Second
	doorwaysAtOnce = 4   // so that visitors never take the places of our own fetches
	maxVisitor     = 300 // bytes of an address that a visitor types
	maxJRDLinks    = 100
)

// A way is a kind of link by which an intent can be carried out, and the variable of its template that takes the id.
type way struct{ rel, variable string }

// ways are those of an intent, best first (FEP-3b86 section 4, interop.md 1.4). Object opens a thing where one
// can reply to it; Mastodon's subscribe opens posts as well as actors.
var ways = map[node.Intent][]way{
	node.ToFollow: {{relIntent + "Follow", "object"}, {relIntent + "Object", "object"}, {relSubscribe, "uri"}},
	node.ToAnswer: {{relIntent + "Create", "inReplyTo"}, {relIntent + "Object", "object"}, {relSubscribe, "uri"}},
}

// Doorway finds the page of a visitor's own server on which it asks whether to do what is intended with iri. visitor is
// an address as people write it: @me@host, a host, or the address of a profile. Invalid is for what can be seen to be no
// such address; every other error says only that there is no way, for what a stranger asks for must tell them nothing of
// what this node met (SSRF-8).
func (w *Wire) Doorway(ctx context.Context, visitor string, do node.Intent, iri string) (string, error) {
	const op = "find way"
	home, resource, err := w.homeOf(visitor)
	if err != nil {
		return "", err
	}
	if home == w.base.Host {
		return w.node.Links.AuthorizeInteraction(iri), nil
	}
	select {
	case w.visitors <- struct{}{}:
		defer w.visitors.Leave()
	default:
		return "", &node.Error{Op: op, Kind: node.Busy}
	}
	ctx, cancel := context.WithTimeout(ctx, doorwayTimeout)
	defer cancel()
	doc, err := w.finger(ctx, home, resource)
	if err != nil {
		return "", &node.Error{Op: op, Kind: node.Unavailable, Subject: home, Err: err}
	}
	links := List(doc.Object["links"])
	links = links[:min(len(links), maxJRDLinks)]
	for _, way := range ways[do] {
		for _, v := range links {
			link := Obj(v)
			if Str(link, "rel") != way.rel {
				continue
			}
			if page, ok := w.fill(Str(link, "template"), way.variable, iri); ok && ofServer(page, home, HostOf(doc.URL)) {
				return page.String(), nil
			}
		}
	}
	return "", &node.Error{Op: op, Kind: node.NotFound, Subject: home}
}

// homeOf reads an address that a visitor typed: the host to ask, with its port, and the resource to ask for.
func (w *Wire) homeOf(visitor string) (home, resource string, err error) {
	s := strings.TrimSpace(visitor)
	no := &node.Error{Op: "find way", Kind: node.Invalid, Text: "That is no address. Write @you@server.example, or only server.example."}
	if len(s) > maxVisitor {
		return "", "", no
	}
	handle, host, ok := "", "", true
	address := strings.Contains(s, "://")
	if !address {
		handle, host, ok = handleAndHost(s)
		s = w.base.Scheme + "://" + host
	}
	u, err := w.rules.ParseID(s)
	if err != nil || !ok {
		return "", "", no
	}
	u.Fragment, u.RawFragment = "", ""
	home = HostOf(u.String())
	if address {
		return home, u.String(), nil
	}
	return home, w.resourceOf(handle, home), nil
}

var templateVariable = regexp.MustCompile(`\{([^{}]*)\}`)

// fill puts id into a template: percent-encoded, and every other variable empty (FEP-3b86 section 3.2). What comes out
// must be an address that this node would go to itself: https, a public name, no user information.
func (w *Wire) fill(template, variable, id string) (page *url.URL, ok bool) {
	if len(template) > MaxURLBytes {
		return nil, false
	}
	found := false
	s := templateVariable.ReplaceAllStringFunc(template, func(v string) string {
		if v != "{"+variable+"}" {
			return ""
		}
		found = true
		return url.QueryEscape(id) // an id has no space, the one thing that is encoded otherwise in a path
	})
	page, err := w.rules.ParseID(s)
	return page, err == nil && found
}

// ofServer says whether a page belongs to the server that somebody named: it is on that host or on one beneath it, as
// where example.org has its accounts at social.example.org, or on the host that answered in its place, to which that
// server itself redirected us. Any other host could be somebody else's, to which people would be sent with our word.
func ofServer(page *url.URL, home, answered string) bool {
	host := HostOf(page.String())
	return host == home || host == answered || strings.HasSuffix(host, "."+home)
}
