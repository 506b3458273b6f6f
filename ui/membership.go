package ui

import (
	"cmp"
	"context"
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

func (u *ui) mountMemberships(e *echo.Echo) {
	u.console(e, http.MethodGet, federationsPath, node.RoleReader, shows(membershipsPage))
	u.console(e, http.MethodPost, federationsPath+"/join", node.RoleSteward, joinFederation)
	u.console(e, http.MethodPost, federationsPath+"/leave", node.RoleSteward, leaveFederation)
	u.console(e, http.MethodPost, federationsPath+"/invitation", node.RoleSteward, answerInvitation)
}

const (
	federationsPath = networkPath + "/federations"
	membershipsMost = 200
)

// A membershipsView is to which federations the coop belongs, wants to, or could.
type membershipsView struct {
	Invitations, Applied, Members []*belonging
	Known                         []*belonging // federations that could be joined
}

func membershipsPage(c echo.Context, d *desk) (head, templ.Component, error) {
	ctx := c.Request().Context()
	list, err := d.node.Memberships(ctx, node.MembershipQuery{Coop: d.self.IRI, Limit: membershipsMost})
	if err != nil {
		return head{}, nil, err
	}
	v := &membershipsView{}
	ours := map[string]bool{d.self.IRI: true}
	for _, m := range list {
		b, err := d.belonging(ctx, m, m.Federation)
		if err != nil {
			return head{}, nil, err
		}
		if b == nil { // a rule refuses it
			continue
		}
		switch {
		case m.Step == node.StepInvited:
			v.Invitations = append(v.Invitations, b)
		case m.Step == node.StepApplied:
			v.Applied = append(v.Applied, b)
		default:
			v.Members = append(v.Members, b)
		}
		ours[m.Federation] = ours[m.Federation] || m.Step == node.StepInvited || m.Step == node.StepApplied || b.Standing == node.Confirmed
	}
	if v.Known, err = d.joinable(ctx, ours); err != nil {
		return head{}, nil, err
	}
	return unlisted(say(ctx, "federations.title")), membershipsBody(d, v, typed(c, "address"), typed(c, "letter")), nil
}

// joinable are the known federations of which the coop is no member.
func (d *desk) joinable(ctx context.Context, ours map[string]bool) (list []*belonging, err error) {
	coops, err := d.node.KnownCoops(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range coops {
		if !a.IsFederation() || a.Sample || ours[a.IRI] || a.Inbox == "" || !a.Gone.IsZero() {
			continue
		}
		b, err := d.belonging(ctx, &node.Membership{Federation: a.IRI, Coop: d.self.IRI, Who: a}, a.IRI)
		if err != nil {
			return nil, err
		}
		if b == nil {
			continue
		}
		if list = append(list, b); len(list) == suggested {
			break
		}
	}
	return list, nil
}

// joinText says how a federation admits, in a sentence; "" where it does not say.
func joinText(ctx context.Context, b *belonging) string {
	if b.Actor == nil || b.Actor.Coop == nil || b.Actor.Coop.Admission == nil {
		return ""
	}
	return howItIsDecided(ctx, b.Actor.Coop.Admission)
}

func joinFederation(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	who, err := d.found(ctx, c.FormValue("address"))
	if err == nil {
		_, err = d.node.Join(ctx, d.by(), who, c.FormValue("letter"), c.FormValue("apart") != "")
	}
	if err != nil {
		return d.wrongIn(c, membershipsPage, "address", err)
	}
	return d.done(c, federationsPath, "federations.asked", plainName(who.Label()))
}

func leaveFederation(c echo.Context, d *desk) error {
	ctx, federation := c.Request().Context(), c.FormValue("federation")
	m, err := d.node.Membership(ctx, federation, d.self.IRI)
	if err != nil {
		return err
	}
	asked := m.Step == node.StepApplied // to take a question back is no danger
	if !asked {
		if ok, err := d.confirmed(c); !ok {
			return err
		}
	}
	who, err := d.people.of(ctx, federation)
	if err == nil {
		err = d.node.Leave(ctx, d.by(), federation)
	}
	if err != nil {
		return d.again(c, membershipsPage, err)
	}
	if asked {
		return d.done(c, federationsPath, "federations.withdrawn", who.Name)
	}
	return d.done(c, federationsPath, "federations.left", who.Name)
}

func answerInvitation(c echo.Context, d *desk) error {
	ctx, federation, accept := c.Request().Context(), c.FormValue("federation"), c.FormValue("answer") == "yes"
	who, err := d.people.of(ctx, federation)
	if err == nil {
		err = d.node.AnswerInvitation(ctx, d.by(), federation, accept)
	}
	if err != nil {
		return d.again(c, membershipsPage, err)
	}
	if accept {
		return d.done(c, federationsPath, "federations.accepted", who.Name)
	}
	return d.done(c, federationsPath, "federations.declined", who.Name)
}

// stepOf says how a membership stands, also where there is nothing to show to others.
func stepOf(ctx context.Context, b *belonging) string {
	if b.Standing != "" {
		return standingWord(ctx, b)
	}
	return sayKnown(ctx, "step.", string(cmp.Or(b.Step, "none")))
}

// anchorOf names an actor in the id of an element.
func anchorOf(iri string) string { return node.RemoteID(iri) }
