package ui

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

func (u *ui) mountSettings(e *echo.Echo) {
	u.console(e, http.MethodGet, settingsPath, node.RoleSteward, shows(settingsPage))
	u.console(e, http.MethodPost, settingsPath+"/contact", node.RoleSteward, setContact)
	u.console(e, http.MethodPost, settingsPath+"/federation", node.RoleSteward, setFederation)
}

const settingsPath = "/console/settings"

// A rulesForm is how a federation admits and what it passes on, as the form has it.
type rulesForm struct {
	Rule                        string
	Approvals, Objections, Days string
	Criteria, Fee, Countries    string
	Ownership                   []string
	Passed                      map[string]string // by kind: passNow, passHeld, or "" for not at all
	PerDay                      string
	Is                          bool // a federation already
}

// What a federation does with things of one kind.
const (
	passNot  = "no"
	passNow  = "now"
	passHeld = "held"
)

func settingsPage(c echo.Context, d *desk) (head, templ.Component, error) {
	ctx := c.Request().Context()
	f := rulesOf(d.coop)
	if c.FormValue("rule") != "" && c.Request().Method == http.MethodPost {
		f = rulesTyped(c, f.Is)
	}
	backup, err := d.node.BackupStatus(ctx)
	return unlisted(say(ctx, "settings.title")), settingsBody(d, f, backup), err
}

// setContact says who may follow, and whether everybody sees whom the coop follows.
func setContact(c echo.Context, d *desk) error {
	_, err := d.node.SaveProfile(c.Request().Context(), d.by(), func(a *node.Actor) error {
		a.ApprovesFollowers, a.HidesFollowing = c.FormValue("approves") != "", c.FormValue("hides") != ""
		return nil
	})
	if err != nil {
		return d.again(c, settingsPage, err)
	}
	return d.done(c, settingsPath, "settings.saved")
}

// rulesOf are the rules that hold; for a node that is no federation those with which one begins.
func rulesOf(us *node.Actor) *rulesForm {
	admission, resharing := &node.Admission{Rule: node.ByApprovals, Approvals: 2, Objections: 1, Days: 30}, node.DefaultResharing()
	f := &rulesForm{Passed: map[string]string{}}
	if us.Coop != nil && us.Coop.Admission != nil {
		admission, f.Is = us.Coop.Admission, us.IsFederation()
	}
	if us.Coop != nil && us.Coop.Resharing != nil {
		resharing = us.Coop.Resharing
	}
	f.Rule, f.Fee, f.Countries = string(admission.Rule), admission.Fee, strings.Join(admission.Countries, " ")
	f.Approvals, f.Objections, f.Days = strconv.Itoa(max(admission.Approvals, 1)), strconv.Itoa(admission.Objections), strconv.Itoa(max(admission.Days, 1))
	if len(admission.Criteria) > 0 {
		f.Criteria = admission.Criteria[0].Source
	}
	for _, o := range admission.Ownership {
		f.Ownership = append(f.Ownership, string(o))
	}
	for _, k := range resharing.Kinds {
		f.Passed[k] = passNow
	}
	for _, k := range resharing.Held {
		f.Passed[k] = passHeld
	}
	f.PerDay = strconv.Itoa(resharing.PerDay)
	return f
}

// rulesTyped are the rules as they were typed.
func rulesTyped(c echo.Context, is bool) *rulesForm {
	f := &rulesForm{
		Rule: c.FormValue("rule"), Approvals: c.FormValue("approvals"), Objections: c.FormValue("objections"), Days: c.FormValue("days"),
		Criteria: strings.ReplaceAll(c.FormValue("criteria"), "\r\n", "\n"), Fee: strings.TrimSpace(c.FormValue("fee")), Countries: strings.ToUpper(c.FormValue("countries")),
		PerDay: c.FormValue("perday"), Passed: map[string]string{}, Is: is,
	}
	if form, err := c.FormParams(); err == nil {
		f.Ownership = form["ownership"]
	}
	for _, k := range node.PassedKinds() {
		f.Passed[k] = c.FormValue("pass-" + k)
	}
	return f
}

// rules reads them, as far as they can be read; what is wrong is told field by field.
func (f *rulesForm) rules(ctx context.Context, us *node.Actor) (*node.Admission, *node.Resharing, fieldErrors) {
	var errs fieldErrors
	whole := func(name, text string) int {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			errs.add(name, say(ctx, "settings.number"))
		}
		return n
	}
	a := &node.Admission{Rule: node.AdmissionRule(f.Rule), Fee: f.Fee, Countries: strings.FieldsFunc(f.Countries, func(r rune) bool { return r == ' ' || r == ',' || r == ';' })}
	if a.Rule == node.ByApprovals {
		a.Approvals, a.Objections, a.Days = whole("approvals", f.Approvals), whole("objections", f.Objections), whole("days", f.Days)
	}
	if strings.TrimSpace(f.Criteria) != "" {
		a.Criteria = []node.Text{{Source: f.Criteria}}
		if old := us.Coop; old != nil && old.Admission != nil && len(old.Admission.Criteria) > 0 {
			a.Criteria = slices.Clone(old.Admission.Criteria)
			a.Criteria[0].Source = f.Criteria
		} else if old != nil && len(old.Languages) > 0 {
			a.Criteria[0].Lang = old.Languages[0]
		}
	}
	for _, o := range f.Ownership {
		a.Ownership = append(a.Ownership, node.Ownership(o))
	}
	r := &node.Resharing{PerDay: whole("perday", f.PerDay)}
	for _, k := range node.PassedKinds() {
		switch f.Passed[k] {
		case passHeld:
			r.Held = append(r.Held, k)
			r.Kinds = append(r.Kinds, k)
		case passNow:
			r.Kinds = append(r.Kinds, k)
		}
	}
	return a, r, errs
}

// setFederation makes this node a federation, or changes its rules.
func setFederation(c echo.Context, d *desk) error {
	ctx, is := c.Request().Context(), d.coop.IsFederation()
	f := rulesTyped(c, is)
	admission, resharing, errs := f.rules(ctx, d.coop)
	if len(errs) > 0 {
		return d.againWith(c, settingsPage, errs)
	}
	if _, err := d.node.SetFederation(ctx, d.by(), admission, resharing); err != nil {
		return d.again(c, settingsPage, err)
	}
	if !is {
		return d.done(c, settingsPath, "settings.federation.made")
	}
	return d.done(c, settingsPath, "settings.federation.saved")
}
