package ui

import (
	"cmp"
	"context"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// projects handles GET /projects: those of this coop and those it knows of.
func (u *ui) projects(c echo.Context, v *visit) (view, error) {
	known, err := u.projectList(c, v)
	if err != nil {
		return view{}, err
	}
	list, next, err := v.part(c.Request().Context(), c, known, 20)
	if err != nil {
		return view{}, err
	}
	h := head{Title: say(c.Request().Context(), "projects.title"), Description: known.lead, Kind: "website", Canonical: known.page, List: known,
		Document: u.node.Links.Projects(), Section: "/projects", Hidden: v.query.Get("before") != ""}
	return view{head: h, body: projectsBody(v, known, list, next)}, nil
}

// projectPage handles GET /projects/{id}: the project, its openings and what they add up to.
func (u *ui) projectPage(c echo.Context, v *visit) (view, error) {
	ctx := c.Request().Context()
	o, err := v.object(ctx, node.TypeProject, c.Param("id"))
	if err != nil {
		return view{}, err
	}
	e, err := v.entryOf(ctx, o)
	if err != nil {
		return view{}, err
	}
	objects, _, err := u.node.Objects(ctx, node.ObjectQuery{Type: node.TypeOpening, Project: o.Common().IRI, Listed: true, Limit: 200})
	if err != nil {
		return view{}, err
	}
	openings, err := v.entries(ctx, objects)
	if err != nil {
		return view{}, err
	}
	var sought, past []*entry
	for _, e := range openings {
		e.Sub = true
		if e.opening().IsOpen(v.now) || e.opening().StatusAt(v.now) == node.Paused {
			sought = append(sought, e)
		} else {
			past = append(past, e)
		}
	}
	answers, err := u.thread(c, v, o.Common())
	if err != nil {
		return view{}, err
	}
	with, err := v.participants(ctx, e.project())
	if err != nil {
		return view{}, err
	}
	h := v.headOf(ctx, e, "/projects")
	if !e.Base.Sample {
		if h.List, err = u.ofProject(c, v); err != nil {
			return view{}, err
		}
	}
	return view{head: h, body: projectBody(v, e, h.List, sums(ctx, openings, v), with, sought, past, answers)}, nil
}

// A participant is a coop in a project as its page shows it.
type participant struct {
	Who       person
	Role      string
	Confirmed bool
}

func (v *visit) participants(ctx context.Context, p *node.Project) (list []participant, err error) {
	for _, part := range p.Participants {
		who, err := v.people.of(ctx, part.Actor)
		if err != nil {
			return nil, err
		}
		list = append(list, participant{who, sayKnown(ctx, "role.", part.Role), part.Confirmed})
	}
	return list, nil
}

// A sum is what the openings of a project ask for in one unit, how much of it is found, and by whom.
type sum struct {
	Asked, Found node.Quantity
	Parts        []part
}

// sums adds up a project's openings by unit (decisions 13). Those that were withdrawn or passed their deadline
// do not count: what they asked for is no longer sought.
func sums(ctx context.Context, openings []*entry, v *visit) []sum {
	var list []sum
	for _, e := range openings {
		opening := e.opening()
		if s := opening.StatusAt(v.now); opening.Amount.Number <= 0 || s == node.Withdrawn || s == node.Expired {
			continue
		}
		i := slices.IndexFunc(list, func(s sum) bool { return s.Asked.Unit == opening.Amount.Unit })
		if i < 0 {
			i = len(list)
			list = append(list, sum{Asked: node.Quantity{Unit: opening.Amount.Unit}, Found: node.Quantity{Unit: opening.Amount.Unit}})
		}
		list[i].Asked.Number += opening.Amount.Number
		list[i].Found.Number += foundOf(opening)
		list[i].add(opening.Amount.Number, e.Parts)
	}
	for _, s := range list {
		var taken hues
		for i := range s.Parts {
			if p := &s.Parts[i]; p.Who.IRI != "" {
				p.Hue = taken.of(p.Who)
			} else {
				p.Hue = hueOfOthers(i)
			}
			s.Parts[i].Words = quantity(ctx, node.Quantity{Number: s.Parts[i].Share, Unit: s.Asked.Unit})
			s.Parts[i].Share /= s.Asked.Number
		}
	}
	return list
}

// add adds the parts of one opening to those of the sum: each coop once, and those that are not named last. Until all
// are there, Share holds amounts.
func (s *sum) add(amount float64, parts []part) {
	for _, p := range parts {
		p.Share *= amount
		i := slices.IndexFunc(s.Parts, func(known part) bool { return known.Who.IRI == p.Who.IRI })
		if i < 0 {
			s.Parts = append(s.Parts, p)
		} else {
			s.Parts[i].Share += p.Share
		}
	}
	slices.SortStableFunc(s.Parts, func(a, b part) int { return cmp.Compare(b.Who.IRI, a.Who.IRI) })
}
