package ui

import (
	"context"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// coopPage handles GET /coops/{address} and /federations/{address}: what this node knows of somebody else.
func (u *ui) coopPage(c echo.Context, v *visit) (view, error) {
	ctx := c.Request().Context()
	a, err := v.knownCoop(ctx, c)
	if err != nil {
		return view{}, err
	}
	p, err := v.profile(ctx, a)
	if err != nil {
		return view{}, err
	}
	h := head{Title: p.Who.Name, Description: plainText(p.Summary.HTML, 200), Kind: "profile", Canonical: u.node.Links.Known(a), Document: a.IRI,
		List: v.listingOf(ctx, a), Hidden: true} // search engines shall find it at its home
	if a.Sample || a.Nodeless { // there is no document
		h.Document = ""
	}
	if h.Description == "" {
		h.Description = say(ctx, "known.lead", v.self.Name, p.Who.Name)
	}
	if !a.IsFederation() {
		return view{head: h, body: profileBody(v, p, h.List)}, nil
	}
	f, err := v.federation(ctx, p)
	return view{head: h, body: federationBody(v, f, h.List)}, err
}

// ofCoop lists what this node knows from somebody else.
func (u *ui) ofCoop(c echo.Context, v *visit) (listing, error) {
	a, err := v.knownCoop(c.Request().Context(), c)
	if err != nil {
		return listing{}, err
	}
	return v.listingOf(c.Request().Context(), a), nil
}

// listingOf is what a coop published, or what a federation passes on.
func (v *visit) listingOf(ctx context.Context, a *node.Actor) listing {
	name := plainName(a.Label())
	l := listing{title: say(ctx, "title.of", name, v.self.Name), lead: say(ctx, "known.lead", v.self.Name, name), page: v.node.Links.Known(a), forms: allForms,
		query: node.ObjectQuery{Actor: a.IRI, Listed: true}}
	if a.IsFederation() {
		l.query = node.ObjectQuery{BroughtBy: a.IRI, Listed: true}
	}
	return l
}

// knownCoop finds the coop or federation that an address names: by its host, or by its handle and host.
func (v *visit) knownCoop(ctx context.Context, c echo.Context) (*node.Actor, error) {
	address, err := pathValue(c, "address", maxAddressBytes)
	if err != nil {
		return nil, err
	}
	coops, err := v.node.CoopsAt(ctx, address)
	if err != nil {
		return nil, err
	}
	section, _, _ := strings.Cut(v.path[1:], "/")
	for _, a := range coops {
		switch page := v.knownPage(a); {
		case page == "/":
			return nil, elsewhere(v.node.Links.Profile())
		case strings.HasPrefix(page, "/"+section+"/"):
			return a, nil
		}
	}
	if len(coops) > 0 { // a federation among the coops, or the other way round
		return nil, elsewhere(v.node.Links.Known(coops[0]))
	}
	return nil, &node.Error{Op: "show coop", Kind: node.NotFound, Subject: address}
}
