package ui

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// The first hour of a coop: five steps, each of which can be skipped, and come back to.
const startSteps = 5

func startPath(step int) string { return "/console/start/" + strconv.Itoa(step) }

// afterStep is where a step leads.
func afterStep(step int) string {
	if step >= startSteps {
		return "/console"
	}
	return startPath(step + 1)
}

func (u *ui) mountStart(e *echo.Echo) {
	u.console(e, http.MethodGet, startPath(1), node.RoleEditor, u.startName)
	u.console(e, http.MethodPost, startPath(1), node.RoleEditor, u.takeName)
	u.console(e, http.MethodGet, startPath(2), node.RoleEditor, u.startLook)
	u.upload(e, startPath(2), node.RoleEditor, u.takeLook)
	u.console(e, http.MethodGet, startPath(3), node.RoleEditor, u.startFollow)
	u.console(e, http.MethodPost, startPath(3), node.RoleEditor, u.takeFollow)
	u.console(e, http.MethodGet, startPath(4), node.RoleEditor, u.startOpening)
	u.console(e, http.MethodPost, startPath(4), node.RoleEditor, u.takeOpening)
	u.console(e, http.MethodGet, startPath(5), node.RoleEditor, u.startChecks)
}

// nameForm says who the coop is: the first step.
type nameForm struct {
	Name, Summary, Town, Country, Skills string
	Languages                            []string // of ours, in which one can talk to the coop
	Errs                                 fieldErrors
	Countries                            []option
	Look                                 bool // shows what it will look like, and keeps nothing
}

// startName handles GET /console/start/1.
func (u *ui) startName(c echo.Context, d *desk) error {
	f := &nameForm{Name: d.coop.Name}
	if s := d.coop.Summary; len(s) > 0 {
		f.Summary = s[0].Source
	}
	if p := d.coop.Coop; p != nil {
		f.Town, f.Country, f.Languages = p.Place.Locality, p.Place.Country, p.Languages
		f.Skills = strings.Join(skillLabels(p.Skills), ", ")
	}
	if len(f.Languages) == 0 {
		f.Languages = []string{tongueOf(c.Request().Context()).tag.String()}
	}
	return d.showName(c, f)
}

func skillLabels(skills []node.Skill) (list []string) {
	for _, s := range skills {
		list = append(list, s.Label())
	}
	return list
}

func (d *desk) showName(c echo.Context, f *nameForm) error {
	ctx := c.Request().Context()
	f.Countries = countryOptions(ctx)
	h := unlisted(say(ctx, "start.1.title"))
	if len(f.Errs) > 0 {
		return d.refuse(c, h, startNameBody(d, f), f.Errs)
	}
	return d.show(c, h, startNameBody(d, f))
}

// takeName handles POST /console/start/1.
func (u *ui) takeName(c echo.Context, d *desk) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	f := &nameForm{Name: strings.TrimSpace(form.Get("name")), Summary: strings.TrimSpace(form.Get("summary")), Town: strings.TrimSpace(form.Get("town")),
		Country: form.Get("country"), Skills: form.Get("skills"), Languages: form["languages"], Look: form.Has("look")}
	if f.Name == "" {
		f.Errs.add("name", say(ctx, "start.name.missing"))
	}
	skills, wrong := skillsIn(f.Skills)
	if wrong != "" {
		f.Errs.add("skills", say(ctx, "start.skills.wrong", wrong))
	}
	if len(f.Errs) > 0 || f.Look {
		return d.showName(c, f)
	}
	lang := tongueOf(ctx).tag.String()
	_, err := d.node.SaveProfile(ctx, d.by(), func(a *node.Actor) error {
		if a.Coop == nil {
			a.Coop = &node.Coop{Kind: node.KindCooperative}
		}
		a.Name = f.Name
		switch {
		case f.Summary == "" && len(a.Summary) <= 1:
			a.Summary = nil
		case len(a.Summary) == 0:
			a.Summary = []node.Text{{Lang: lang, Source: f.Summary}}
		case f.Summary != "":
			a.Summary[0].Source = f.Summary
		}
		a.Coop.Place.Locality, a.Coop.Place.Country = f.Town, f.Country
		a.Coop.Skills = skills
		a.Coop.Languages = f.Languages
		return nil
	})
	if err != nil {
		if f.Errs, err = d.wrong(c, err); err != nil {
			return err
		}
		return d.showName(c, f)
	}
	return d.done(c, afterStep(1), "start.1.done")
}

// skillsIn reads skills with commas between them, and gives the first that is none.
func skillsIn(text string) (list []node.Skill, wrong string) {
	for s := range strings.SplitSeq(text, ",") {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		skill := node.SkillFrom(s)
		if !node.ValidSkill(skill.Key) {
			return nil, s
		}
		list = append(list, skill)
	}
	return list, ""
}

// startLook handles GET /console/start/2.
func (u *ui) startLook(c echo.Context, d *desk) error { return d.showLook(c, "", nil) }

func (d *desk) showLook(c echo.Context, described string, errs fieldErrors) error {
	h := unlisted(say(c.Request().Context(), "start.2.title"))
	if len(errs) > 0 {
		return d.refuse(c, h, startLookBody(d, described), errs)
	}
	return d.show(c, h, startLookBody(d, described))
}

// takeLook handles POST /console/start/2: a picture, or none.
func (u *ui) takeLook(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	described := strings.TrimSpace(c.FormValue("description"))
	file, err := c.FormFile("picture")
	if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) {
		return c.Redirect(http.StatusSeeOther, afterStep(2))
	} else if err != nil {
		return &node.Error{Op: "read picture", Kind: node.Invalid, Err: err}
	}
	if described == "" {
		return d.showLook(c, described, fieldErrors{{"description", say(ctx, "start.described.missing")}})
	}
	r, err := file.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxUploadBytes))
	if err != nil {
		return err
	}
	if _, err := d.node.SetPicture(ctx, d.by(), node.AsIcon, b, described); err != nil {
		errs, err := d.wrong(c, err)
		if err != nil {
			return err
		}
		return d.showLook(c, described, errs)
	}
	return d.done(c, afterStep(2), "start.2.done")
}

// startFollow handles GET /console/start/3.
func (u *ui) startFollow(c echo.Context, d *desk) error { return d.showFollow(c, "", nil) }

func (d *desk) showFollow(c echo.Context, typed string, errs fieldErrors) error {
	ctx := c.Request().Context()
	known, err := d.node.KnownCoops(ctx)
	if err != nil {
		return err
	}
	followed, err := d.node.Following(ctx, node.FollowQuery{Limit: 1000})
	if err != nil {
		return err
	}
	var offered []person
	for _, a := range known {
		if a.Local || a.Sample || a.Nodeless || slices.ContainsFunc(followed, func(f *node.Following) bool { return f.Actor == a.IRI }) || len(offered) == suggested {
			continue
		}
		who, err := d.people.show(ctx, a)
		if err != nil {
			return err
		}
		offered = append(offered, who)
	}
	h := unlisted(say(ctx, "start.3.title"))
	if len(errs) > 0 {
		return d.refuse(c, h, startFollowBody(d, offered, typed), errs)
	}
	return d.show(c, h, startFollowBody(d, offered, typed))
}

// takeFollow handles POST /console/start/3. Who is not known here is looked for later, so that nobody waits.
func (u *ui) takeFollow(c echo.Context, d *desk) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	addresses := append(addressesIn(form.Get("list")), form["coop"]...)
	if len(addresses) == 0 {
		return c.Redirect(http.StatusSeeOther, afterStep(3))
	}
	n, err := d.node.FollowLater(ctx, d.by(), addresses)
	if err != nil {
		errs, err := d.wrong(c, err)
		if err != nil {
			return err
		}
		return d.showFollow(c, form.Get("list"), errs)
	}
	return d.told(c, afterStep(3), sayCount(ctx, "start.3.done", float64(n)))
}

// startExamples are openings to begin with, by their names in the texts.
var startExamples = []struct {
	name   string
	kind   node.OpeningKind
	amount node.Quantity
}{
	{"hands", node.Subcontract, node.Quantity{Unit: node.Hours, Number: 80}},
	{"member", node.Job, node.Quantity{Unit: node.People, Number: 1}},
	{"partner", node.Partner, node.Quantity{Unit: node.People, Number: 2}},
}

// startOpening handles GET /console/start/4.
func (u *ui) startOpening(c echo.Context, d *desk) error {
	return d.show(c, unlisted(say(c.Request().Context(), "start.4.title")), startOpeningBody(d))
}

// takeOpening handles POST /console/start/4: a draft made from an example, to be gone on with in the editor.
func (u *ui) takeOpening(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	for _, x := range startExamples {
		if x.name != c.FormValue("example") {
			continue
		}
		text := node.Text{Lang: tongueOf(ctx).tag.String(), Title: say(ctx, "start.example."+x.name+".title"), Source: say(ctx, "start.example."+x.name+".text")}
		o := &node.Opening{
			Base: node.Base{Type: node.TypeOpening, Texts: []node.Text{text}, Draft: true, Audience: node.Public},
			Kind: x.kind, Status: node.Open, Amount: x.amount, Available: x.amount, Remote: true,
			Answer: node.Answer{Who: []string{"coops"}, How: []string{"reply"}},
		}
		if err := d.node.Publish(ctx, d.by(), o); err != nil {
			return err
		}
		return d.done(c, "/console/openings/"+o.ID, "start.4.done")
	}
	return &node.Error{Op: "begin opening", Kind: node.Invalid}
}

// checked is one look at whether the node stands well.
type checked struct {
	name string // of its texts: door, letters, stewards
	fine bool
	said string // an address or a figure, "" for none
}

// reachWithin is how long somebody waits to see whether the node is reached.
const reachWithin = 5 * time.Second

// startChecks handles GET /console/start/5.
func (u *ui) startChecks(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	list, err := d.checks(ctx)
	if err != nil {
		return err
	}
	return d.show(c, unlisted(say(ctx, "start.5.title")), startChecksBody(d, list))
}

// checks looks at what others need in order to reach the coop.
func (d *desk) checks(ctx context.Context) (list []checked, err error) {
	if reach := d.ui.opt.Wire.ReachSelf; reach != nil {
		short, cancel := context.WithTimeout(ctx, reachWithin)
		defer cancel()
		err := reach(short)
		if err != nil {
			d.node.Log().InfoContext(ctx, "not reached under its own address", "err", err)
		}
		list = append(list, checked{"door", err == nil, d.node.Links.Host()})
	}
	queue, err := d.node.QueueStatus(ctx)
	if err != nil {
		return nil, err
	}
	paused, err := node.PausedSince(ctx, d.node.Store())
	if err != nil {
		return nil, err
	}
	list = append(list, checked{name: "letters", fine: paused.IsZero() && (queue.Failing == 0 || queue.Failing*2 < queue.Peers)})
	people, err := d.node.People(ctx)
	if err != nil {
		return nil, err
	}
	stewards := 0
	for _, p := range people {
		if p.Active() && p.Role == node.RoleSteward {
			stewards++
		}
	}
	return append(list, checked{name: "stewards", fine: stewards > 1}), nil
}

// placeTyped says where a coop is, of what was typed.
func placeTyped(ctx context.Context, f *nameForm) string {
	return list(ctx, f.Town, countryChoice(ctx, f.Country))
}

// tongueAt is the language of ours with exactly that tag.
func tongueAt(tag string) *tongue {
	for _, t := range ourTongues {
		if t.tag.String() == tag {
			return t
		}
	}
	return nil
}
