package ui

import (
	"context"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// profilePath is where the coop says who it is.
const profilePath = "/console/profile"

// A profileEditing is one look at the form of the profile.
type profileEditing struct {
	typed   url.Values
	hearing node.Hearing
	unsaid  bool // the coop has never posted anything: an introduction would be the first
}

func (p *profileEditing) value(name string) string     { return p.typed.Get(name) }
func (p *profileEditing) at(name string, i int) string { return p.typed.Get(versionField(name, i)) }

// editProfile handles GET /console/profile.
func (u *ui) editProfile(c echo.Context, d *desk) error {
	typed := url.Values{}
	writeProfile(typed, d.coop)
	if !typed.Has("lang.0") {
		typed.Set("lang.0", d.mainLanguage(c.Request().Context()))
	}
	return d.profileAgain(c, typed, nil)
}

// profileAgain shows the form of the profile as it was typed, and what is wrong with it.
func (d *desk) profileAgain(c echo.Context, typed url.Values, errs fieldErrors) (err error) {
	ctx := c.Request().Context()
	if d.coop, err = d.node.Profile(ctx); err != nil {
		return err
	}
	if d.self, err = newPeople(d.node).show(ctx, d.coop); err != nil {
		return err
	}
	settleLanguages(tongueOf(ctx), typed)
	p := &profileEditing{typed: typed}
	if p.hearing, err = d.node.Hearing(ctx); err != nil {
		return err
	}
	posts, err := d.node.Count(ctx, node.ObjectQuery{Type: node.TypePost, Local: true, Drafts: true, Deleted: true})
	if err != nil {
		return err
	}
	p.unsaid = posts == 0 && len(d.coop.Summary) > 0 && d.coop.Summary[0].Source != ""
	h := head{Title: say(ctx, "menu.profile")}
	if len(errs) > 0 {
		d.errs = errs
		return d.refuse(c, h, profileEditorBody(d, p), errs)
	}
	return d.show(c, h, profileEditorBody(d, p))
}

// takeProfile handles POST /console/profile. Its buttons say in "do" what to do with it.
func (u *ui) takeProfile(c echo.Context, d *desk) error {
	ctx, typed := c.Request().Context(), c.Request().PostForm
	do, which, _ := strings.Cut(typed.Get("do"), ":")
	switch do {
	case "language":
		settleLanguages(tongueOf(ctx), typed)
		addVersion(typed, d.nextLanguage(typed))
		return d.profileAgain(c, typed, nil)
	case "unlanguage":
		dropVersion(typed, number0(which), []string{"summary"})
		return d.profileAgain(c, typed, nil)
	case "unpicture":
		return d.changePictures(c, typed, "profile.picture.removed", func(use node.PictureUse) error {
			_, err := d.node.RemovePicture(ctx, d.by(), use)
			return err
		}, which)
	case "describe":
		return d.changePictures(c, typed, "profile.picture.described", func(use node.PictureUse) error {
			_, err := d.node.DescribePicture(ctx, d.by(), use, typed.Get(which+".description"))
			return err
		}, which)
	}
	now := d.node.Now()
	s := &sheet{tongue: tongueOf(ctx), typed: typed}
	trial := *d.coop
	if trial.Coop != nil {
		coop := *trial.Coop
		trial.Coop = &coop
	}
	readProfile(s, &trial, now)
	errs := s.errors(ctx)
	if len(errs) == 0 {
		_, err := d.node.SaveProfile(ctx, d.by(), func(a *node.Actor) error {
			readProfile(&sheet{tongue: s.tongue, typed: typed}, a, now)
			return nil
		})
		if err == nil {
			return d.done(c, profilePath, "profile.saved")
		}
		if errs, err = d.wrong(c, err); err != nil {
			return err
		}
	}
	return d.profileAgain(c, typed, errs)
}

// changePictures changes one of the pictures of the profile, and shows the form again with all that was typed.
func (d *desk) changePictures(c echo.Context, typed url.Values, key string, change func(node.PictureUse) error, which string) error {
	use := node.PictureUse(which)
	if use != node.AsIcon && use != node.AsBanner {
		return &node.Error{Op: "change picture", Kind: node.Invalid}
	}
	if err := change(use); err != nil {
		errs, err := d.wrong(c, err)
		if err != nil {
			return err
		}
		for i := range errs {
			errs[i].Field = which + ".description"
		}
		return d.profileAgain(c, typed, errs)
	}
	d.session.Flash = say(c.Request().Context(), key)
	return d.profileAgain(c, typed, nil)
}

// introduce fills a new post with what the profile says (decisions 12).
func (d *desk) introduce(ctx context.Context, v url.Values) {
	c := d.coop.Coop
	if c == nil {
		c = &node.Coop{}
	}
	var lines []string
	add := func(key, value string) {
		if value != "" {
			lines = append(lines, say(ctx, key, value))
		}
	}
	add("introduction.where", place(ctx, c.Place))
	skills := make([]string, len(c.Skills))
	for i, s := range c.Skills {
		skills[i] = plainName(s.Label())
	}
	add("introduction.skills", list(ctx, skills...))
	add("introduction.languages", languageNames(ctx, c.Languages))
	add("introduction.looks", plainNames(ctx, c.LooksFor))
	summary := ""
	if len(d.coop.Summary) > 0 {
		summary = d.coop.Summary[0].Source
	}
	v.Set("text.0", strings.TrimSpace(say(ctx, "introduction.hello", d.self.Name)+"\n\n"+summary)+"\n\n"+strings.Join(lines, "\n"))
	for i, t := range d.coop.Summary {
		if i > 0 {
			v.Set(versionField("lang", i), t.Lang)
			v.Set(versionField("text", i), t.Source)
		}
	}
	v.Set("tags", say(ctx, "introduction.tags"))
}
