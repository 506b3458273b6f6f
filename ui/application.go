package ui

import (
	"context"
	"net/http"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"
	"golang.org/x/text/language"

	"github.com/coopnode/coopnode/node"
)

func (u *ui) mountApplications(e *echo.Echo) {
	const path = applicationsPath
	u.console(e, http.MethodGet, path, node.RoleReader, shows(applicationsPage))
	u.console(e, http.MethodPost, path+"/opinion", node.RoleSteward, sayOpinion)
	u.console(e, http.MethodPost, path+"/admit", node.RoleSteward, admitCoop)
	u.console(e, http.MethodPost, path+"/refuse", node.RoleSteward, refuseCoop)
	u.console(e, http.MethodPost, path+"/share", node.RoleSteward, decideShare)
	u.console(e, http.MethodPost, path+"/invite", node.RoleSteward, inviteCoop)
	u.console(e, http.MethodPost, path+"/list", node.RoleSteward, listCoop)
	u.console(e, http.MethodPost, path+"/vouch", node.RoleSteward, vouchFor)
	u.console(e, http.MethodPost, path+"/exclude", node.RoleSteward, excludeCoop)
}

const (
	applicationsPath = "/console/applications"
	heldShown        = 100
	membersManaged   = 200
)

// An applicant is a coop that has asked a federation to be let in, and what our people can do about it.
type applicant struct {
	*application
	To      person // the federation
	Rule    *node.Admission
	Own     bool          // it has asked this node
	Decides bool          // a steward of this node admits, for no members do
	Said    *node.Opinion // what this coop has said; nil where it has not
}

// An applicationsView is who waits to be decided, here and at federations of ours, and what a federation manages.
type applicationsView struct {
	Applicants []*applicant
	Federation bool
	Held       []*heldShare
	Members    []*belonging
}

// A heldShare is something of a member that waits for a person to pass it on.
type heldShare struct {
	*node.Reshare
	*entry
}

func applicationsPage(c echo.Context, d *desk) (head, templ.Component, error) {
	ctx := c.Request().Context()
	v := &applicationsView{Federation: d.coop.IsFederation() && d.coop.Coop.Admission != nil}
	var err error
	if v.Federation {
		if err = d.managed(ctx, v); err != nil {
			return head{}, nil, err
		}
	}
	ours, err := d.node.Memberships(ctx, node.MembershipQuery{Coop: d.self.IRI, Standing: node.Confirmed, Limit: membershipsMost})
	if err != nil {
		return head{}, nil, err
	}
	for _, m := range ours {
		if err := d.applicants(ctx, v, m.Federation); err != nil {
			return head{}, nil, err
		}
	}
	return unlisted(say(ctx, "applications.title")), applicationsBody(d, v, typed(c, "address"), typed(c, "letter"), typed(c, "name"), typed(c, "website")), nil
}

// managed fills in what this node manages as a federation.
func (d *desk) managed(ctx context.Context, v *applicationsView) error {
	if err := d.applicants(ctx, v, d.self.IRI); err != nil {
		return err
	}
	held, err := d.node.Reshares(ctx, node.ReshareQuery{State: node.ReshareHeld, Limit: heldShown})
	if err != nil {
		return err
	}
	for _, r := range held {
		if r.Object == nil {
			continue
		}
		e, err := d.entryOf(ctx, r.Object)
		if err != nil {
			return err
		}
		v.Held = append(v.Held, &heldShare{r, e})
	}
	members, err := d.node.Memberships(ctx, node.MembershipQuery{Federation: d.self.IRI, Shown: true, Limit: membersManaged})
	if err != nil {
		return err
	}
	for _, m := range members {
		if !m.FederationSays.Holds() {
			continue
		}
		b, err := d.belonging(ctx, m, m.Coop)
		if err != nil {
			return err
		}
		if b != nil {
			v.Members = append(v.Members, b)
		}
	}
	return nil
}

// applicants adds who waits to be let into a federation.
func (d *desk) applicants(ctx context.Context, v *applicationsView, federation string) error {
	who, err := d.people.of(ctx, federation)
	if err != nil {
		return err
	}
	known, err := d.node.ActorOf(ctx, federation)
	if err != nil && !node.IsNotFound(err) {
		return err
	}
	open, err := d.visit.applications(ctx, federation)
	if err != nil {
		return err
	}
	for _, a := range open {
		one := &applicant{application: a, To: who, Own: federation == d.self.IRI}
		if known != nil && known.Coop != nil {
			one.Rule = known.Coop.Admission
		}
		if one.Own {
			members, err := d.node.MembersDecide(ctx)
			if err != nil {
				return err
			}
			one.Decides = !members
		} else {
			for _, o := range a.Opinions {
				if o.Member == d.self.IRI {
					one.Said = o.Opinion
				}
			}
		}
		v.Applicants = append(v.Applicants, one)
	}
	return nil
}

func sayOpinion(c echo.Context, d *desk) error {
	ctx, approves := c.Request().Context(), c.FormValue("opinion") == "yes"
	if err := d.node.SayOpinion(ctx, d.by(), c.FormValue("join"), approves, c.FormValue("reason")); err != nil {
		return d.again(c, applicationsPage, err)
	}
	if approves {
		return d.done(c, applicationsPath, "applications.approved")
	}
	return d.done(c, applicationsPath, "applications.objected")
}

// vouched reads what a form says that was looked at.
func vouched(c echo.Context) []string {
	form, err := c.FormParams()
	if err != nil {
		return nil
	}
	return form["vouch"]
}

func admitCoop(c echo.Context, d *desk) error {
	ctx, coop := c.Request().Context(), c.FormValue("coop")
	who, err := d.people.of(ctx, coop)
	if err == nil {
		err = d.node.Admit(ctx, d.by(), coop, vouched(c))
	}
	if err != nil {
		return d.again(c, applicationsPage, err)
	}
	return d.done(c, applicationsPath, "applications.admitted", who.Name)
}

func refuseCoop(c echo.Context, d *desk) error {
	ctx, coop := c.Request().Context(), c.FormValue("coop")
	who, err := d.people.of(ctx, coop)
	if err == nil {
		err = d.node.Refuse(ctx, d.by(), coop, c.FormValue("reason"))
	}
	if err != nil {
		return d.again(c, applicationsPage, err)
	}
	return d.done(c, applicationsPath, "applications.refused", who.Name)
}

// decideShare passes on what is held, or does not.
func decideShare(c echo.Context, d *desk) error {
	ctx, object, pass := c.Request().Context(), c.FormValue("object"), c.FormValue("pass") == "yes"
	decide := d.node.RefuseShare
	if pass {
		decide = d.node.PassShare
	}
	if _, err := decide(ctx, d.by(), object); err != nil {
		return d.again(c, applicationsPage, err)
	}
	if pass {
		return d.done(c, applicationsPath, "applications.share.passed")
	}
	return d.done(c, applicationsPath, "applications.share.refused")
}

func inviteCoop(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	who, err := d.found(ctx, c.FormValue("address"))
	if err == nil {
		err = d.node.Invite(ctx, d.by(), who, c.FormValue("letter"))
	}
	if err != nil {
		return d.wrongIn(c, applicationsPage, "address", err)
	}
	return d.done(c, applicationsPath, "applications.invited", plainName(who.Label()))
}

// listCoop lists a coop without a node: by its address elsewhere, or by its name where it has none.
func listCoop(c echo.Context, d *desk) error {
	ctx, name := c.Request().Context(), strings.TrimSpace(c.FormValue("name"))
	if strings.ContainsAny(name, "@/") {
		who, err := d.found(ctx, name)
		if err == nil {
			err = d.node.ListCoop(ctx, d.by(), who, vouched(c))
		}
		if err != nil {
			return d.wrongIn(c, applicationsPage, "name", err)
		}
		return d.done(c, applicationsPath, "applications.listed", plainName(who.Label()))
	}
	plate := node.Nameplate{Name: name, Website: strings.TrimSpace(c.FormValue("website")), Place: node.Place{Locality: strings.TrimSpace(c.FormValue("town")), Country: c.FormValue("country")}}
	who, err := d.node.ListNamed(ctx, d.by(), plate, vouched(c))
	if err != nil {
		return d.wrongIn(c, applicationsPage, "name", err)
	}
	return d.done(c, applicationsPath, "applications.listed", plainName(who.Label()))
}

func vouchFor(c echo.Context, d *desk) error {
	ctx, coop := c.Request().Context(), c.FormValue("coop")
	who, err := d.people.of(ctx, coop)
	if err == nil {
		err = d.node.Vouch(ctx, d.by(), coop, vouched(c))
	}
	if err != nil {
		return d.again(c, applicationsPage, err)
	}
	return d.done(c, applicationsPath, "applications.vouched", who.Name)
}

func excludeCoop(c echo.Context, d *desk) error {
	if ok, err := d.confirmed(c); !ok {
		return err
	}
	ctx, coop := c.Request().Context(), c.FormValue("coop")
	who, err := d.people.of(ctx, coop)
	if err == nil {
		err = d.node.Exclude(ctx, d.by(), coop, c.FormValue("reason"))
	}
	if err != nil {
		return d.again(c, applicationsPage, err)
	}
	return d.done(c, applicationsPath, "applications.excluded", who.Name)
}

// countryOptions are all countries by name, with none first.
func countryOptions(ctx context.Context) []option {
	var list []option
	for number := range middles() {
		if r, err := language.EncodeM49(number); err == nil && r.IsCountry() {
			list = append(list, option{Value: r.String(), Text: countryName(ctx, r.String())})
		}
	}
	byText(list)
	return append([]option{{Value: "", Text: say(ctx, "form.none")}}, list...)
}
