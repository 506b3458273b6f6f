package ui

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// inviteForm is who shall be invited.
type inviteForm struct {
	Name, Mail, Role string
	Errs             fieldErrors
}

// A madeLink is a link that works once, shown to the steward who made it, and to nobody ever again.
type madeLink struct {
	Kind    node.PassKind
	For     *node.Person
	Address string
}

// colleagues handles GET /console/people.
func (u *ui) colleagues(c echo.Context, d *desk) error {
	return d.showColleagues(c, &inviteForm{Role: string(node.RoleEditor)})
}

func (d *desk) showColleagues(c echo.Context, f *inviteForm) error {
	ctx := c.Request().Context()
	all, err := d.node.People(ctx)
	if err != nil {
		return err
	}
	h := unlisted(say(ctx, "menu.people"))
	if len(f.Errs) > 0 {
		return d.refuse(c, h, colleaguesBody(d, all, f), f.Errs)
	}
	return d.show(c, h, colleaguesBody(d, all, f))
}

// invite handles POST /console/people.
func (u *ui) invite(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	f := &inviteForm{Name: strings.TrimSpace(c.FormValue("name")), Mail: strings.TrimSpace(c.FormValue("mail")), Role: c.FormValue("role")}
	if f.Name == "" {
		f.Errs.add("name", say(ctx, "colleague.name.missing"))
	}
	role, err := node.ReadRole(f.Role)
	if err != nil {
		f.Errs.add("role", say(ctx, "colleague.role.missing"))
	}
	if len(f.Errs) > 0 {
		return d.showColleagues(c, f)
	}
	if ok, err := d.confirmed(c); !ok {
		return err
	}
	token, p, err := d.node.InvitePerson(ctx, d.by(), f.Name, f.Mail, role)
	if err != nil {
		if f.Errs, err = d.wrong(c, err); err != nil {
			return err
		}
		return d.showColleagues(c, f)
	}
	return d.showLink(c, &madeLink{node.PassInvite, p, d.node.Links.Base + passPath(token)})
}

// showLink shows a link in the answer to the form that made it, for it is kept nowhere.
func (d *desk) showLink(c echo.Context, l *madeLink) error {
	return d.show(c, unlisted(say(c.Request().Context(), "menu.people")), madeLinkBody(d, l))
}

// colleague handles GET /console/people/:id.
func (u *ui) colleague(c echo.Context, d *desk) error {
	p, err := d.node.Person(c.Request().Context(), c.Param("id"))
	if err != nil {
		return err
	}
	return d.showColleague(c, p, nil)
}

func (d *desk) showColleague(c echo.Context, p *node.Person, errs fieldErrors) error {
	if len(errs) > 0 {
		return d.refuse(c, unlisted(p.Name), colleagueBody(d, p), errs)
	}
	return d.show(c, unlisted(p.Name), colleagueBody(d, p))
}

// changeColleague handles POST /console/people/:id, of which "do" says what is done.
func (u *ui) changeColleague(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	p, err := d.node.Person(ctx, c.Param("id"))
	if err != nil {
		return err
	}
	if ok, err := d.confirmed(c); !ok {
		return err
	}
	at := "/console/people/" + url.PathEscape(p.ID)
	said := ""
	switch c.FormValue("do") {
	case "role":
		var role node.Role
		if role, err = node.ReadRole(c.FormValue("role")); err == nil {
			_, err = d.node.SetRole(ctx, d.by(), p.ID, role)
		}
		said = say(ctx, "colleague.role.done", p.Name)
	case "suspend":
		_, err = d.node.SuspendPerson(ctx, d.by(), p.ID)
		said = say(ctx, "colleague.suspend.done", p.Name)
	case "restore":
		_, err = d.node.RestorePerson(ctx, d.by(), p.ID)
		said = say(ctx, "colleague.restore.done", p.Name)
	case "remove":
		err = d.node.RemovePerson(ctx, d.by(), p.ID)
		said, at = say(ctx, "colleague.remove.done", p.Name), "/console/people"
	case "link":
		kind := node.PassSignIn
		if p.Joined.IsZero() {
			kind = node.PassInvite
		} else if c.FormValue("kind") == string(node.PassReset) {
			kind = node.PassReset
		}
		var token string
		if token, err = d.node.NewPass(ctx, d.by(), kind, p.ID); err == nil {
			return d.showLink(c, &madeLink{kind, p, d.node.Links.Base + passPath(token)})
		}
	default:
		return &node.Error{Op: "change person", Kind: node.Invalid}
	}
	if err != nil {
		errs, err := d.wrong(c, err)
		if err != nil {
			return err
		}
		return d.showColleague(c, p, errs)
	}
	if p.ID == d.person.ID && c.FormValue("do") != "restore" { // whose sessions have ended
		return c.Redirect(http.StatusSeeOther, "/sign-in")
	}
	return d.told(c, at, said)
}

func (u *ui) mountColleagues(e *echo.Echo) {
	u.console(e, http.MethodGet, "/console/people", node.RoleSteward, u.colleagues)
	u.console(e, http.MethodPost, "/console/people", node.RoleSteward, u.invite)
	u.console(e, http.MethodGet, "/console/people/:id", node.RoleSteward, u.colleague)
	u.console(e, http.MethodPost, "/console/people/:id", node.RoleSteward, u.changeColleague)
	u.console(e, http.MethodGet, "/console/audit", node.RoleSteward, u.audit)
}
