package ui

import (
	"context"
	"net/url"
	"strings"

	"github.com/coopnode/coopnode/node"
)

// A person is an actor as a page shows it: a coop or anybody else. The host always shows (HTML-5).
type person struct {
	IRI     string
	Name    string
	Address string // @handle@host, or the host of one that was never read
	Href    string // its page; "" if it has none that can be linked
	Own     bool
	Round   bool   // a federation: its tile is round
	Sample  bool   // invented
	Absent  bool   // has neither a node nor an account
	Icon    string // path of its picture on this node; "" if it has none that is kept here
}

// people looks up the actors of one page, each once.
type people struct {
	node  *node.Node
	known map[string]person
}

func newPeople(n *node.Node) *people { return &people{n, map[string]person{}} }

// of shows the actor with that address. One whom this node has not read is named by its host.
func (p *people) of(ctx context.Context, iri string) (person, error) {
	if who, ok := p.known[iri]; ok {
		return who, nil
	}
	a, err := p.node.ActorOf(ctx, iri)
	if node.IsNotFound(err) {
		host := plainName(node.HostOf(iri))
		a, err = &node.Actor{IRI: iri, Name: say(ctx, "person.unknown", host), Host: host}, nil
	}
	if err != nil {
		return person{}, err
	}
	who, err := p.show(ctx, a)
	if err != nil {
		return person{}, err
	}
	p.known[iri] = who
	return who, nil
}

// show is an actor with its picture, where this node keeps a copy. The emblem that another node has drawn of its coop is
// drawn here again: it is the same, and a third of the bytes.
func (p *people) show(ctx context.Context, a *node.Actor) (person, error) {
	who := personOf(a)
	if isDrawn(a) {
		return who, nil
	}
	f, err := p.node.PictureFor(ctx, a.IRI, a.Icon.Address, node.AsIcon)
	if f != nil {
		who.Icon = picturePath(f)
		if f.Local {
			who.Icon = lightPath(f, "icon")
		}
	}
	return who, err
}

// isDrawn says whether the picture of an actor is what every coopnode draws of its address.
func isDrawn(a *node.Actor) bool {
	u, err := url.Parse(a.IRI)
	return err == nil && a.Coop != nil && a.Icon.Address == node.Links{Base: u.Scheme + "://" + u.Host}.Icon()
}

func personOf(a *node.Actor) person {
	p := person{IRI: a.IRI, Name: plainName(a.Label()), Href: webAddress(a.URL), Own: a.Local, Round: a.IsFederation(), Sample: a.Sample}
	if p.Href == "" && !p.Sample {
		p.Href = webAddress(a.IRI)
	}
	if a.Nodeless {
		p.Absent = true
		if a.Coop != nil {
			p.Address = plainName(node.HostOf(a.Coop.Website))
		}
		return p
	}
	p.Address = plainName(a.Host)
	if a.Handle != "" {
		p.Address = plainName(a.Address())
	}
	if host := node.HostOf(a.IRI); host != "" && a.Host == "" {
		p.Address = plainName(host)
	}
	return p
}

// Tile is the address of the person's picture, or of its emblem.
func (p person) Tile() string {
	switch {
	case p.Icon != "":
		return p.Icon
	case p.Own:
		return "/media/emblem.svg"
	}
	return "/media/tile.svg?of=" + url.QueryEscape(p.IRI)
}

// Banner is the address of what stands on top of the person's page: the emblem, many times.
func (p person) Banner() string {
	if p.Own {
		return "/media/banner.svg"
	}
	return "/media/banner.svg?of=" + url.QueryEscape(p.IRI)
}

// Shape is the class of the person's picture.
func (p person) Shape() string {
	if p.Round {
		return "tile round"
	}
	return "tile"
}

// Hue is the class of the colour that stands for the person in drawings.
func (p person) Hue() string {
	_, colour, _ := TileColours(p.IRI)
	for i, c := range tileColours {
		if c.first == colour {
			return "c" + string(rune('0'+i))
		}
	}
	return "c0"
}

// webAddress is s if a page may link to it, else "".
func webAddress(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return s
}

// webName is how a link to another site is written: its host, and the path where it has one.
func webName(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return plainName(s)
	}
	return plainName(strings.TrimPrefix(u.Host, "www.") + strings.TrimSuffix(u.EscapedPath(), "/"))
}
