package node

import (
	"net/url"
	"slices"
	"strings"
)

// Links makes the address of everything from the node's base address. Identity is an address
// here, so an id and its page are made side by side and cannot drift apart (decisions 19).
type Links struct {
	// Base is scheme, host and port without a final slash: "https://toxeira.example".
	Base string
}

// Actor is the id of the coop itself.
func (l Links) Actor() string { return l.Base + "/ap/coop" }

// Key is the id of the first RSA key with which letters are signed, KeyOf that of a later one.
func (l Links) Key() string            { return l.Actor() + "#main-key" }
func (l Links) KeyOf(id string) string { return l.Actor() + "#key-" + id }

// Inbox and SharedInbox take letters; both doors lead to the same desk.
func (l Links) Inbox() string       { return l.Actor() + "/inbox" }
func (l Links) SharedInbox() string { return l.Base + "/ap/inbox" }

// The collections of the coop.
func (l Links) Outbox() string    { return l.Actor() + "/outbox" }
func (l Links) Followers() string { return l.Actor() + "/followers" }
func (l Links) Following() string { return l.Actor() + "/following" }
func (l Links) Featured() string  { return l.Actor() + "/featured" }
func (l Links) Openings() string  { return l.Actor() + "/openings" }
func (l Links) Projects() string  { return l.Actor() + "/projects" }

// What a coop says of its federations, and a federation of its members and those who want to be; what it has passed
// on and is still open; and one record of each (vocabulary 2.2).
func (l Links) Memberships() string         { return l.Actor() + "/memberships" }
func (l Links) Members() string             { return l.Actor() + "/members" }
func (l Links) Applications() string        { return l.Actor() + "/applications" }
func (l Links) Shared() string              { return l.Actor() + "/shared" }
func (l Links) Membership(id string) string { return l.Base + "/ap/memberships/" + id }

// Object is the id of an object of ours; Page is where people read it.
func (l Links) Object(t ObjectType, id string) string { return l.Base + "/ap/" + t.path() + "/" + id }
func (l Links) Page(t ObjectType, id string) string   { return l.Base + "/" + t.path() + "/" + id }

// Create is the id of the act that published the object with this id.
func (l Links) Create(object string) string { return object + "/create" }

// Created is the id of the object that the act with this id published; other ids stay as they are.
func (l Links) Created(act string) string {
	if l.Ours(act) {
		return strings.TrimSuffix(act, "/create")
	}
	return act
}

// Replies is the collection of what was answered to the object with this id.
func (l Links) Replies(object string) string { return object + "/replies" }

// Activity is the id of an act of ours other than a Create.
func (l Links) Activity(id string) string { return l.Base + "/ap/activities/" + id }

// Quote is the id of our agreement to a quote (FEP-044f).
func (l Links) Quote(id string) string { return l.Base + "/ap/quotes/" + id }

// Pages that are lists, and the front page.
func (l Links) Profile() string     { return l.Base + "/" }
func (l Links) Board() string       { return l.Base + "/openings" }
func (l Links) ProjectList() string { return l.Base + "/projects" }
func (l Links) PostList() string    { return l.Base + "/posts" }
func (l Links) Search() string      { return l.Base + "/search" }
func (l Links) Directory() string   { return l.Base + "/directory" }

// Pages of a federation: its members and what it passes on. Numbers is what this node has seen of the network.
func (l Links) MemberList() string { return l.Base + "/members" }
func (l Links) SharedList() string { return l.Base + "/shared" }
func (l Links) Numbers() string    { return l.Base + "/numbers" }

// Known is the page that tells what this node knows of another coop or federation.
func (l Links) Known(a *Actor) string {
	if a.IsFederation() {
		return l.Base + "/federations/" + url.PathEscape(HostOf(a.IRI))
	}
	return l.Base + "/coops/" + url.PathEscape(a.Handle+"@"+a.Host)
}

// A FeedForm is a form in which a list is to be had besides its page: how its address ends.
type FeedForm string

// What feed readers and calendars read.
const (
	Atom     FeedForm = ".atom" // RFC 4287
	JSONFeed FeedForm = ".json" // jsonfeed.org, version 1.1
	Calendar FeedForm = ".ics"  // RFC 5545
)

// FeedForms are all forms.
var FeedForms = []FeedForm{Atom, JSONFeed, Calendar}

// Feed is the address of the list at page in another form. What was chosen there, the query of page, stays chosen.
func (l Links) Feed(page string, f FeedForm) string {
	path, query, chosen := strings.Cut(page, "?")
	if chosen {
		query = "?" + query
	}
	return path + string(f) + query
}

// Interact asks visitors for a server of their own, to follow or to answer from there. AuthorizeInteraction is
// where other servers send our people who want to follow or answer iri (OStatus subscribe, FEP-3b86).
func (l Links) Interact() string { return l.Base + "/interact" }
func (l Links) AuthorizeInteraction(iri string) string {
	return l.Base + "/authorize_interaction?uri=" + url.QueryEscape(iri)
}

// Pass is where a link that works once leads.
func (l Links) Pass(token string) string { return l.Base + "/welcome/" + token }

// Tag is the page of a hashtag, Skill the address that names a skill.
func (l Links) Tag(tag string) string   { return l.Base + "/tags/" + url.PathEscape(tag) }
func (l Links) Skill(key string) string { return l.Base + "/ns/skills/" + url.PathEscape(key) }

// Icon, Banner and Preview are the emblem as PNG: 400x400, 1500x500, 1200x630 pixels.
func (l Links) Icon() string    { return l.Base + "/media/emblem.png" }
func (l Links) Banner() string  { return l.Base + "/media/banner.png" }
func (l Links) Preview() string { return l.Base + "/media/preview.png" }

// IconOf is the picture of this coop as others see it: its own, or the drawn emblem.
func (l Links) IconOf(us *Actor) string {
	if us.Icon.Address != "" {
		return us.Icon.Address
	}
	return l.Icon()
}

// BannerOf is what stands above the page of this coop: its own, or the drawn one.
func (l Links) BannerOf(us *Actor) string {
	if us.Image.Address != "" {
		return us.Image.Address
	}
	return l.Banner()
}

// Picture is where a picture of that name is served.
func (l Links) Picture(name string) string { return l.Base + "/media/pictures/" + name }

// Console is a page for those who work here, "" for the first one.
func (l Links) Console(page string) string {
	if page == "" {
		return l.Base + "/console"
	}
	return l.Base + "/console/" + page
}

// Look asks this node to look at that of the asker from outside. Mirror shows who has a pass what arrives here of a request.
func (l Links) Look() string              { return l.Base + "/api/v1/look" }
func (l Links) Mirror(pass string) string { return l.Base + "/api/v1/mirror/" + pass }

// Host is the host and port of the base address: the part after the @ of a handle, unless another domain was chosen for
// that (Setup).
func (l Links) Host() string {
	_, rest, _ := strings.Cut(l.Base, "://")
	return rest
}

// Audience addresses an object of ours (interop.md 3.5).
func (l Links) Audience(o Object) (to, cc []string) {
	b := o.Common()
	named := slices.Clone(b.To)
	if p, ok := o.(*Post); ok {
		for _, m := range p.Mentions {
			if !slices.Contains(named, m.Actor) {
				named = append(named, m.Actor)
			}
		}
	}
	switch b.Audience {
	case Public:
		return []string{PublicIRI}, append([]string{l.Followers()}, named...)
	case Unlisted:
		return []string{l.Followers()}, append([]string{PublicIRI}, named...)
	case Followers:
		return []string{l.Followers()}, named
	default:
		return named, nil
	}
}

// Ours says whether iri is an address of this node.
func (l Links) Ours(iri string) bool {
	return iri == l.Base || strings.HasPrefix(iri, l.Base+"/")
}

// HostOf is the peer of an address: its host, and its port where that is not the scheme's own, in
// lower case, "" if there is none.
func HostOf(iri string) string {
	u, err := url.Parse(iri)
	if err != nil {
		return ""
	}
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

// SameOrigin says whether two addresses share scheme, host and port (RFC 6454, FEP-fe34).
func SameOrigin(a, b string) bool {
	ua, err1 := url.Parse(a)
	ub, err2 := url.Parse(b)
	if err1 != nil || err2 != nil || ua.Host == "" {
		return false
	}
	return strings.EqualFold(ua.Scheme, ub.Scheme) && strings.EqualFold(hostPort(ua), hostPort(ub))
}

func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if strings.EqualFold(u.Scheme, "http") {
		return u.Host + ":80"
	}
	return u.Host + ":443"
}
