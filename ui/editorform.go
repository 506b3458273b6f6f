package ui

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// take handles POST of a form. Its buttons say in "do" what to do with it.
func (u *ui) take(ed *editor) deskHandler {
	return func(c echo.Context, d *desk) error {
		var o node.Object
		if c.Param("id") != "" {
			var err error
			if o, err = d.own(c, ed.typ); err != nil {
				return err
			}
		}
		typed := c.Request().PostForm
		do, which, _ := strings.Cut(typed.Get("do"), ":")
		switch do {
		case "language":
			settleLanguages(tongueOf(c.Request().Context()), typed)
			addVersion(typed, d.nextLanguage(typed))
			return d.formAgain(c, ed, o, typed, nil)
		case "unlanguage":
			dropVersion(typed, number0(which), ed.versions)
			return d.formAgain(c, ed, o, typed, nil)
		case "unpicture":
			dropPicture(typed, number0(which))
			return d.formAgain(c, ed, o, typed, nil)
		case "outcome":
			typed.Set(versionField("outcome", outcomes(typed)), "")
			return d.formAgain(c, ed, o, typed, nil)
		}
		return d.keepForm(c, ed, o, typed, do, which)
	}
}

// number0 reads the number of a field; -1 where it is none.
func number0(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

// keepForm does what a button of a whole form says: keeps it as a draft, publishes it, saves a change, or shows how it will
// look. A draft is kept before it is shown, what is published already is only shown.
func (d *desk) keepForm(c echo.Context, ed *editor, o node.Object, typed url.Values, do, which string) error {
	ctx := c.Request().Context()
	if !slices.Contains(previews, which) {
		which = previews[0]
	}
	fill := func(into node.Object) *sheet {
		s := &sheet{tongue: tongueOf(ctx), typed: typed}
		ed.read(s, into)
		return s
	}
	trial := node.NewObject(ed.typ)
	if o != nil {
		var err error
		if trial, err = d.own(c, ed.typ); err != nil {
			return err
		}
	}
	if errs := d.checkDeadline(ctx, trial, fill(trial)); len(errs) > 0 {
		return d.formAgain(c, ed, o, typed, errs)
	}
	if o != nil && typed.Get(seenField) != stampOf(o) {
		typed.Set(seenField, stampOf(o))
		return d.formAgain(c, ed, o, typed, fieldErrors{{Text: say(ctx, "editor.meanwhile")}})
	}
	unpublished := o == nil || o.Common().Draft
	switch {
	case do == "preview", unpublished && (do == "keep" || do == "publish"), !unpublished && do == "save":
	default: // a button of another form
		return d.formAgain(c, ed, o, typed, nil)
	}
	if do == "preview" && !unpublished {
		shown, err := d.previewOf(ctx, trial, which)
		if err != nil {
			return d.formFails(c, ed, o, typed, err)
		}
		return d.formWith(c, ed, o, typed, shown)
	}
	draft := unpublished && do != "publish"
	kept, err := d.keepObject(ctx, o, trial, draft, func(into node.Object) { fill(into) })
	if err != nil {
		return d.formFails(c, ed, o, typed, err)
	}
	path := ed.path + "/" + kept.Common().ID
	switch {
	case do == "preview":
		return d.done(c, path+"?preview="+which+"#preview", "editor.kept", clockOf(d.now))
	case draft:
		return d.done(c, path, "editor.kept", clockOf(d.now))
	case !unpublished:
		return d.done(c, path, "editor.saved")
	}
	return d.done(c, path, "editor.published")
}

// keepObject publishes what is new, and changes what is there.
func (d *desk) keepObject(ctx context.Context, o, trial node.Object, draft bool, fill func(node.Object)) (node.Object, error) {
	if o == nil {
		trial.Common().Draft = draft
		return trial, d.node.Publish(ctx, d.by(), trial)
	}
	return d.node.Edit(ctx, d.by(), o.Common().IRI, func(into node.Object) error {
		fill(into)
		if into.Common().Draft {
			into.Common().Draft = draft
		}
		return nil
	})
}

// checkDeadline adds to what is wrong with a form that the deadline of an opening has passed, beside its field.
func (d *desk) checkDeadline(ctx context.Context, o node.Object, s *sheet) fieldErrors {
	if opening, ok := o.(*node.Opening); ok && (opening.Status == "" || opening.Status == node.Open) && !opening.Closes.IsZero() && !opening.Closes.After(d.now) {
		s.wrong("closes", "editor.closes.passed")
	}
	return s.errors(ctx)
}

func clockOf(t time.Time) string { return t.UTC().Format("15:04") + " UTC" }

// formFails shows the form again after an error about which its sender can do something.
func (d *desk) formFails(c echo.Context, ed *editor, o node.Object, typed url.Values, cause error) error {
	errs, err := d.wrong(c, cause)
	if err != nil {
		return err
	}
	return d.formAgain(c, ed, o, typed, errs)
}

// formAgain shows a form as it was typed, and what is wrong with it.
func (d *desk) formAgain(c echo.Context, ed *editor, o node.Object, typed url.Values, errs fieldErrors) error {
	p, err := d.editing(c.Request().Context(), ed, o, typed)
	if err != nil {
		return err
	}
	if len(errs) > 0 {
		d.errs = errs
		return d.refuse(c, p.headOf(c.Request().Context()), editorBody(d, p), errs)
	}
	return d.show(c, p.headOf(c.Request().Context()), editorBody(d, p))
}

// formWith shows a form as it was typed, and how it will look.
func (d *desk) formWith(c echo.Context, ed *editor, o node.Object, typed url.Values, shown *preview) error {
	p, err := d.editing(c.Request().Context(), ed, o, typed)
	if err != nil {
		return err
	}
	p.preview = shown
	return d.show(c, p.headOf(c.Request().Context()), editorBody(d, p))
}
