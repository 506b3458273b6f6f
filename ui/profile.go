package ui

import (
	"context"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// A profileView is what the page of a coop shows: the first page of its own node, or what another node knows of it.
type profileView struct {
	Who                           person
	Banner                        exhibit // above the page
	Actor                         *node.Actor
	Coop                          *node.Coop // never nil
	Summary                       node.Text
	Openings, Projects, Posts     []*entry
	Shared                        []*entry // what it passed on of others
	Moved                         *person  // where it lives now, if it has moved
	MemberOf                      []*belonging
	Follows                       []person // of ours, like the numbers
	FollowerCount, FollowingCount int
	Through                       sighted
}

// profile handles GET /.
func (u *ui) profile(c echo.Context, v *visit) (view, error) {
	ctx := c.Request().Context()
	p, err := v.profile(ctx, v.coop)
	if err != nil {
		return view{}, err
	}
	h := head{Title: v.self.Name, Description: plainText(p.Summary.HTML, 200), Kind: "profile", Canonical: u.node.Links.Profile(),
		Document: u.node.Links.Actor(), Section: "/"}
	if h.Description == "" {
		h.Description = say(ctx, "profile.title", v.self.Name)
	}
	h.Schema = v.organizationSchema(p)
	if !v.coop.IsFederation() {
		h.List, err = u.postList(c, v)
		return view{head: h, body: profileBody(v, p, h.List)}, err
	}
	if h.List, err = u.sharedList(c, v); err != nil {
		return view{}, err
	}
	f, err := v.federation(ctx, p)
	return view{head: h, body: federationBody(v, f, h.List)}, err
}

func (v *visit) profile(ctx context.Context, a *node.Actor) (*profileView, error) {
	p := &profileView{Actor: a, Coop: a.Coop, Summary: v.text(a.Summary)}
	if p.Coop == nil {
		p.Coop = &node.Coop{}
	}
	var err error
	if p.Who, err = v.people.of(ctx, a.IRI); err != nil {
		return nil, err
	}
	of := node.ObjectQuery{Listed: true, Actor: a.IRI}
	if a.Local {
		of = node.ObjectQuery{Listed: true, Local: true}
	}
	openings, projects, posts, shared := of, of, of, node.ObjectQuery{BroughtBy: a.IRI, Listed: true, Limit: 5}
	openings.Type, openings.OpenAt, openings.Limit = node.TypeOpening, v.now, 5
	projects.Type, projects.Limit = node.TypeProject, 4
	posts.Type, posts.Posts, posts.Limit = node.TypePost, true, 5
	for _, list := range []struct {
		into  *[]*entry
		query node.ObjectQuery
	}{{&p.Openings, openings}, {&p.Projects, projects}, {&p.Posts, posts}, {&p.Shared, shared}} {
		objects, _, err := v.node.Objects(ctx, list.query)
		if err != nil {
			return nil, err
		}
		if *list.into, err = v.entries(ctx, objects); err != nil {
			return nil, err
		}
		for _, e := range *list.into {
			e.Sub, e.Plain = true, e.Base.Actor == a.IRI
		}
	}
	if iri := a.MovedTo; iri != "" {
		who, err := v.people.of(ctx, iri)
		if err != nil {
			return nil, err
		}
		p.Moved = &who
	}
	if p.MemberOf, err = v.belongings(ctx, a); err != nil {
		return nil, err
	}
	p.Banner = exhibit{Src: p.Who.Banner()}
	if a.Local {
		f, err := v.node.PictureFor(ctx, a.IRI, a.Image.Address, node.AsBanner)
		if err != nil {
			return nil, err
		}
		if f != nil {
			p.Banner = exhibit{Src: lightPath(f, "banner"), Narrow: lightPath(f, "narrow"), Alt: plainName(a.Image.Description)}
		}
		return p, v.network(ctx, p)
	}
	p.Through, err = v.through(ctx, a)
	return p, err
}

// network adds who follows us and whom we follow.
func (v *visit) network(ctx context.Context, p *profileView) (err error) {
	if p.FollowerCount, err = v.node.CountFollowers(ctx); err != nil {
		return err
	}
	if p.FollowingCount, err = v.node.CountFollowing(ctx); err != nil {
		return err
	}
	if p.Actor.HidesFollowing {
		return nil
	}
	followed, err := v.node.Following(ctx, node.FollowQuery{State: node.Accepted, Limit: 24})
	if err != nil {
		return err
	}
	for _, f := range followed {
		who, err := v.people.of(ctx, f.Actor)
		if err != nil {
			return err
		}
		p.Follows = append(p.Follows, who)
	}
	return nil
}

// portraitAlt describes the coop's own picture. The drawn emblem says nothing that its name does not say.
func portraitAlt(p *profileView) string {
	if p.Who.Icon == "" {
		return ""
	}
	return plainName(p.Actor.Icon.Description)
}

// ownWord answers "are you worker-owned?" as the coop itself does.
func ownWord(ctx context.Context, c *node.Coop) string {
	switch {
	case c.WorkerOwned():
		return say(ctx, "owned.yes")
	case c.Ownership == "":
		return say(ctx, "owned.unsaid")
	}
	return say(ctx, "owned.by", sayKnown(ctx, "own.", string(c.Ownership)))
}

// register says where the coop is registered.
func register(ctx context.Context, c *node.Coop) string {
	return list(ctx, plainName(c.Registry), plainName(c.RegistrationNo))
}

// size says how many people a coop has: 12 members, 14 workers.
func size(ctx context.Context, c *node.Coop) string {
	members, workers := "", ""
	if c.Members != nil {
		members = sayCount(ctx, "members", float64(*c.Members))
	}
	if c.Workers != nil {
		workers = sayCount(ctx, "workers", float64(*c.Workers))
	}
	return list(ctx, members, workers)
}

// voting answers the first question of the movement, where the coop answered it.
func voting(ctx context.Context, c *node.Coop) string {
	switch {
	case c.OneMemberOneVote == nil:
		return ""
	case *c.OneMemberOneVote:
		return say(ctx, "profile.vote.yes")
	}
	return say(ctx, "profile.vote.no")
}

func legalForm(ctx context.Context, c *node.Coop) string {
	jurisdiction := ""
	if c.Jurisdiction != "" {
		jurisdiction = countryName(ctx, c.Jurisdiction)
	}
	name := plainName(c.LegalForm.Name)
	if name == "" {
		name = plainName(c.LegalForm.Abbreviation)
	}
	return list(ctx, name, jurisdiction)
}

func remote(ctx context.Context, c *node.Coop) string {
	if c.Remote == nil {
		return ""
	}
	return yesNo(ctx, *c.Remote)
}

func abroad(ctx context.Context, m *node.MembersAbroad) string {
	switch {
	case m == nil:
		return ""
	case m.Accepts == nil:
		return plainName(m.Note)
	}
	return list(ctx, yesNo(ctx, *m.Accepts), plainName(m.Note))
}

// contacts are those of the coop; where a federation talks has a card of its own.
func (p *profileView) contacts() (list []*node.Contact) {
	for i := range p.Coop.Contacts {
		if c := &p.Coop.Contacts[i]; !p.Actor.IsFederation() || !c.Talks() {
			list = append(list, c)
		}
	}
	return list
}

// hasFacts says whether anything stands on the card of facts.
func (p *profileView) hasFacts(ctx context.Context) bool {
	filled := func(f plainFact) bool { return f.Value != "" }
	return len(p.contacts()) > 0 || len(p.Coop.Skills) > 0 || webAddress(p.Coop.Website) != "" || slices.ContainsFunc(plainFacts(ctx, p.Coop), filled)
}

// A plainFact is something known of a coop that needs no link; Value is "" where it is not known.
type plainFact struct{ Name, Value string }

func plainFacts(ctx context.Context, c *node.Coop) []plainFact {
	return []plainFact{
		{say(ctx, "profile.vote"), voting(ctx, c)},
		{say(ctx, "profile.legal"), plainName(c.LegalName)},
		{say(ctx, "profile.form"), legalForm(ctx, c)},
		{say(ctx, "profile.registered"), register(ctx, c)},
		{say(ctx, "profile.remote"), remote(ctx, c)},
		{say(ctx, "profile.zone"), plainName(c.TimeZone)},
		{say(ctx, "profile.area"), countryNames(ctx, c.AreaServed)},
		{say(ctx, "profile.accepts"), words(ctx, "customer.", c.AcceptsCustomers)},
		{say(ctx, "profile.abroad"), abroad(ctx, c.MembersAbroad)},
		{say(ctx, "profile.looks"), plainNames(ctx, c.LooksFor)},
		{say(ctx, "profile.helps"), plainNames(ctx, c.OffersHelp)},
	}
}
