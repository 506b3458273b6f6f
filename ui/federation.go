package ui

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// A federationView is the page of a federation: the first page of its own node, or what another node knows of it.
type federationView struct {
	*profileView
	Criteria     node.Text
	Members      []*belonging // of whom both say so, then those whom it lists alone
	Former       []*belonging
	Confirmed    int // how many members there are by both words
	Lands        int // in how many countries they are, as far as they are known
	Map          *worldMap
	Applications []*application
	Talks        []talk
}

// Bounds of the lists on the page of a federation; the page of its members has all.
const (
	membersShown = 24
	formerShown  = 40
	membersAPage = 40
	membersOnMap = 200
)

// An application is a coop that has asked to be let in, and what members say of that.
type application struct {
	*belonging
	Opinions              []*opinion
	Approvals, Objections int // of confirmed members
}

// anchor names the card of an application on its page.
func (a *application) anchor() string { return node.RemoteID(a.JoinIRI) }

// letterText is a letter as a page shows it: its lines, without what plays tricks.
func letterText(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		lines = append(lines, plainName(line))
	}
	return shorten(strings.TrimSpace(strings.Join(lines, "\n")), 2000)
}

type opinion struct {
	*node.Opinion
	By person
}

// A talk is a place where people of a network talk with each other: a chat or a forum.
type talk struct {
	Kind string
	link
}

// talks lists the chats and forums among the contacts of a coop.
func talks(ctx context.Context, c *node.Coop) (list []talk) {
	for _, ct := range c.Contacts {
		if href := webAddress(ct.URL); href != "" && ct.Talks() {
			list = append(list, talk{sayKnown(ctx, "contact.", ct.Type), link{webName(href), href}})
		}
	}
	return list
}

func (v *visit) federation(ctx context.Context, p *profileView) (*federationView, error) {
	f := &federationView{profileView: p, Talks: talks(ctx, p.Coop)}
	if a := p.Coop.Admission; a != nil {
		f.Criteria = v.text(a.Criteria)
	}
	for _, part := range []struct {
		into  *[]*belonging
		as    node.Standing
		limit int
	}{{&f.Members, node.Confirmed, membersShown}, {&f.Members, node.ListedOnly, membersShown}, {&f.Former, node.Former, formerShown}} {
		list, err := v.node.Memberships(ctx, node.MembershipQuery{Federation: p.Actor.IRI, Standing: part.as, Limit: part.limit})
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			b, err := v.belonging(ctx, m, m.Coop)
			if err != nil {
				return nil, err
			}
			if b != nil {
				*part.into = append(*part.into, b)
			}
		}
	}
	var err error
	if f.Confirmed, err = v.node.CountMemberships(ctx, node.MembershipQuery{Federation: p.Actor.IRI, Standing: node.Confirmed}); err != nil {
		return nil, err
	}
	if err := v.spread(ctx, f); err != nil {
		return nil, err
	}
	if p.Actor.Local { // others tell only those whom they ask
		f.Applications, err = v.applications(ctx, p.Actor.IRI)
	}
	return f, err
}

// breadth says how many coops a federation has, and in how many countries.
func (f *federationView) breadth(ctx context.Context) string {
	of := sayCount(ctx, "federation.of", float64(f.Confirmed))
	if f.Lands < 2 {
		return of
	}
	return say(ctx, "map.title", of, sayCount(ctx, "map.lands", float64(f.Lands)))
}

// spread finds where the members are: in which countries, and where on the map. Lines of a map say who works with whom; here they
// would say what everybody knows, that all are members.
func (v *visit) spread(ctx context.Context, f *federationView) error {
	known, err := v.node.Memberships(ctx, node.MembershipQuery{Federation: f.Actor.IRI, Standing: node.Confirmed, Limit: membersOnMap})
	if err != nil {
		return err
	}
	lands := map[string]bool{}
	var coops []*coopView
	for _, m := range known {
		b, err := v.belonging(ctx, m, m.Coop)
		if err != nil {
			return err
		}
		if b == nil || b.Actor == nil || b.Actor.Coop == nil {
			continue
		}
		if c := b.Actor.Coop.Place.Country; c != "" {
			lands[c] = true
		}
		coops = append(coops, &coopView{Person: b.Other, Page: b.Page, Coop: b.Actor.Coop})
	}
	f.Lands = len(lands)
	if m := newMap(coops, nil); m != nil && len(m.Pins) > 1 {
		f.Map = m
	}
	return nil
}

// unshown is how many confirmed members are known beside those on the page.
func (f *federationView) unshown() int {
	more := f.Confirmed
	for _, b := range f.Members {
		if b.Standing == node.Confirmed {
			more--
		}
	}
	return more
}

func (v *visit) applications(ctx context.Context, federation string) (list []*application, err error) {
	open, err := v.node.Applications(ctx, federation)
	if err != nil {
		return nil, err
	}
	for _, m := range open {
		b, err := v.belonging(ctx, m, m.Coop)
		if err != nil {
			return nil, err
		}
		if b == nil {
			continue
		}
		a := &application{belonging: b}
		for _, o := range m.Opinions {
			who, err := v.people.of(ctx, o.Member)
			if err != nil {
				return nil, err
			}
			a.Opinions = append(a.Opinions, &opinion{o, who})
			switch {
			case o.Counts && o.Approves:
				a.Approvals++
			case o.Counts:
				a.Objections++
			}
		}
		list = append(list, a)
	}
	return list, nil
}

// whoMayJoin says which coops a federation takes: owned by workers, in Spain and Portugal.
func whoMayJoin(ctx context.Context, a *node.Admission) string {
	owned, where := "", ""
	if len(a.Ownership) > 0 {
		names := make([]string, len(a.Ownership))
		for i, o := range a.Ownership {
			names[i] = sayKnown(ctx, "owners.", string(o))
		}
		owned = say(ctx, "join.owned", list(ctx, names...))
	}
	if len(a.Countries) > 0 {
		where = say(ctx, "join.countries", countryNames(ctx, a.Countries))
	}
	if owned == "" && where == "" {
		return say(ctx, "join.anybody")
	}
	return capital(list(ctx, owned, where))
}

// howItIsDecided says the rule of a federation in sentences (decisions 18).
func howItIsDecided(ctx context.Context, a *node.Admission) string {
	switch a.Rule {
	case node.ByApprovals:
		refuses := say(ctx, "join.objections.none")
		if a.Objections > 0 {
			refuses = sayCount(ctx, "join.objections", float64(a.Objections))
		}
		return sayCount(ctx, "join.approvals", float64(a.Approvals)) + " " + sayCount(ctx, "join.days", float64(a.Days)) + " " + refuses
	case node.BySteward:
		return say(ctx, "join.steward")
	case node.ByAsking:
		return say(ctx, "join.open")
	}
	return plainName(string(a.Rule))
}

// passedKinds says kinds of what is passed on.
func passedKinds(ctx context.Context, kinds []string) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = sayKnown(ctx, "pass.", k)
	}
	return series(ctx, names...)
}

// atOnce are the kinds that nobody has to let through.
func atOnce(r *node.Resharing) []string {
	return slices.DeleteFunc(slices.Clone(r.Kinds), func(k string) bool { return slices.Contains(r.Held, k) })
}

// members handles GET /members: all members of a federation, and those who were.
func (u *ui) members(c echo.Context, v *visit) (view, error) {
	if !v.coop.IsFederation() {
		return view{}, &node.Error{Op: "list members", Kind: node.NotFound}
	}
	q := node.MembershipQuery{Federation: v.self.IRI, Shown: true, Limit: membersAPage + 1}
	if s := c.QueryParam("after"); s != "" {
		seq, err := strconv.ParseInt(s, 10, 64)
		if err != nil || seq < 0 {
			return view{}, &node.Error{Op: "list members", Kind: node.Invalid}
		}
		q.After = seq
	}
	ctx := c.Request().Context()
	known, err := u.node.Memberships(ctx, q)
	if err != nil {
		return view{}, err
	}
	next := ""
	if len(known) > membersAPage {
		known = known[:membersAPage]
		next = with("/members", "after", strconv.FormatInt(known[membersAPage-1].Seq, 10))
	}
	var list []*belonging
	for _, m := range known {
		if m.Standing() == node.ClaimedOnly { // it says so on its own page
			continue
		}
		b, err := v.belonging(ctx, m, m.Coop)
		if err != nil {
			return view{}, err
		}
		if b != nil {
			list = append(list, b)
		}
	}
	h := head{Title: say(ctx, "members.title"), Description: say(ctx, "members.lead", v.self.Name), Kind: "website", Canonical: u.node.Links.MemberList(),
		Document: u.node.Links.Members(), Section: "/members", Hidden: q.After > 0}
	first := ""
	if q.After > 0 {
		first = "/members"
	}
	return view{head: h, body: membersBody(v, list, first, next)}, nil
}

// sharedList lists what this coop has passed on of others.
func (u *ui) sharedList(c echo.Context, v *visit) (listing, error) {
	return listing{
		title: say(c.Request().Context(), "shared.feed.title", v.self.Name), lead: say(c.Request().Context(), "shared.lead", v.self.Name), page: u.node.Links.SharedList(), forms: allForms,
		query: node.ObjectQuery{BroughtBy: v.self.IRI, Listed: true},
	}, nil
}

// shared handles GET /shared.
func (u *ui) shared(c echo.Context, v *visit) (view, error) {
	l, err := u.sharedList(c, v)
	if err != nil {
		return view{}, err
	}
	list, next, err := v.part(c.Request().Context(), c, l, 20)
	if err != nil {
		return view{}, err
	}
	document := u.node.Links.Outbox()
	if v.coop.IsFederation() {
		document = u.node.Links.Shared()
	}
	h := head{Title: say(c.Request().Context(), "shared.title"), Description: l.lead, Kind: "website", Canonical: l.page, List: l, Document: document, Section: "/shared", Hidden: v.query.Get("before") != ""}
	return view{head: h, body: sharedBody(v, l, list, next)}, nil
}
