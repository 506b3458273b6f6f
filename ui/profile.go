package ui

import (
	"context"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// A profileView is what the first page shows beside the profile itself.
type profileView struct {
	Coop                          *node.Coop // never nil
	Summary                       node.Text
	Openings, Projects, Posts     []*entry
	Shared                        []*entry // what it passed on of others
	Follows                       []person
	Moved                         *person // where it lives now, if it has moved
	FollowerCount, FollowingCount int
	MemberOf                      []person
}

// profile handles GET /.
func (u *ui) profile(c echo.Context, v *visit) (view, error) {
	p, err := v.profile(c.Request().Context())
	if err != nil {
		return view{}, err
	}
	h := head{Title: v.self.Name, Description: plainText(p.Summary.HTML, 200), Kind: "profile", Canonical: u.node.Links.Profile(),
		Document: u.node.Links.Actor(), Section: "/"}
	if h.List, err = u.postList(c, v); err != nil {
		return view{}, err
	}
	if h.Description == "" {
		h.Description = say("profile.title", v.self.Name)
	}
	return view{head: h, body: profileBody(v, p)}, nil
}

func (v *visit) profile(ctx context.Context) (*profileView, error) {
	p := &profileView{Coop: v.coop.Coop, Summary: v.text(v.coop.Summary)}
	if p.Coop == nil {
		p.Coop = &node.Coop{}
	}
	for _, list := range []struct {
		into  *[]*entry
		query node.ObjectQuery
	}{
		{&p.Openings, node.ObjectQuery{Type: node.TypeOpening, Local: true, Listed: true, OpenAt: v.now, Limit: 5}},
		{&p.Projects, node.ObjectQuery{Type: node.TypeProject, Local: true, Listed: true, Limit: 4}},
		{&p.Posts, node.ObjectQuery{Type: node.TypePost, Local: true, Posts: true, Listed: true, Limit: 5}},
	} {
		objects, _, err := v.node.Objects(ctx, list.query)
		if err != nil {
			return nil, err
		}
		if *list.into, err = v.entries(ctx, objects); err != nil {
			return nil, err
		}
		for _, e := range *list.into {
			e.Sub, e.Plain = true, true
		}
	}
	shared, _, err := v.node.Objects(ctx, node.ObjectQuery{SharedBy: v.self.IRI, Listed: true, Limit: 5})
	if err != nil {
		return nil, err
	}
	if p.Shared, err = v.entries(ctx, shared); err != nil {
		return nil, err
	}
	for _, e := range p.Shared {
		e.Sub = true
	}
	if p.FollowerCount, err = v.node.CountFollowers(ctx); err != nil {
		return nil, err
	}
	if p.FollowingCount, err = v.node.CountFollowing(ctx); err != nil {
		return nil, err
	}
	followed, err := v.node.Following(ctx, node.FollowQuery{State: node.Accepted, Limit: 24})
	if err != nil {
		return nil, err
	}
	for _, f := range followed {
		who, err := v.people.of(ctx, f.Actor)
		if err != nil {
			return nil, err
		}
		p.Follows = append(p.Follows, who)
	}
	if iri := v.coop.MovedTo; iri != "" {
		who, err := v.people.of(ctx, iri)
		if err != nil {
			return nil, err
		}
		p.Moved = &who
	}
	for _, iri := range p.Coop.MemberOf {
		who, err := v.people.of(ctx, iri)
		if err != nil {
			return nil, err
		}
		p.MemberOf = append(p.MemberOf, who)
	}
	return p, nil
}

// portraitAlt describes the coop's own picture. The drawn emblem says nothing that its name does not say.
func portraitAlt(v *visit) string {
	if v.self.Icon == "" {
		return ""
	}
	return plainName(v.coop.Icon.Description)
}

// size says how many people a coop has: 12 members, 14 workers.
func size(c *node.Coop) string {
	members, workers := "", ""
	if c.Members != nil {
		members = sayCount("members", float64(*c.Members))
	}
	if c.Workers != nil {
		workers = sayCount("workers", float64(*c.Workers))
	}
	return list(members, workers)
}

// voting answers the first question of the movement, where the coop answered it.
func voting(c *node.Coop) string {
	switch {
	case c.OneMemberOneVote == nil:
		return ""
	case *c.OneMemberOneVote:
		return say("profile.vote.yes")
	}
	return say("profile.vote.no")
}

func legalForm(c *node.Coop) string {
	jurisdiction := ""
	if c.Jurisdiction != "" {
		jurisdiction = countryName(c.Jurisdiction)
	}
	name := plainName(c.LegalForm.Name)
	if name == "" {
		name = plainName(c.LegalForm.Abbreviation)
	}
	return list(name, jurisdiction)
}

// freeHours says what the coop could take on now; after 60 days its word no longer counts (vocabulary 2.1).
func freeHours(v *visit, f *node.FreeHours) string {
	switch {
	case f == nil:
		return ""
	case !f.Known(v.now):
		return say("profile.free.stale", day(f.Said))
	}
	hours := quantity(node.Quantity{Number: float64(f.HoursPerMonth), Unit: node.Hours})
	if f.From == "" {
		return say("profile.free.hours", hours)
	}
	return say("profile.free.from", hours, dayOf(f.From))
}

// customers lists for whom a coop works, the largest share first.
func customers(mix map[string]int) string {
	kinds := make([]string, 0, len(mix))
	for k, percent := range mix {
		if percent > 0 {
			kinds = append(kinds, k)
		}
	}
	slices.SortFunc(kinds, func(a, b string) int {
		if mix[a] != mix[b] {
			return mix[b] - mix[a]
		}
		return strings.Compare(a, b)
	})
	for i, k := range kinds {
		kinds[i] = say("percent", sayKnown("customer.", k), mix[k])
	}
	return list(kinds...)
}

func remote(c *node.Coop) string {
	if c.Remote == nil {
		return ""
	}
	return yesNo(*c.Remote)
}

func abroad(m *node.MembersAbroad) string {
	switch {
	case m == nil:
		return ""
	case m.Accepts == nil:
		return plainName(m.Note)
	}
	return list(yesNo(*m.Accepts), plainName(m.Note))
}
