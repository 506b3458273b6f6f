package ui

import (
	"context"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// ownEntry is something of ours in a list of the console.
type ownEntry struct {
	*entry
	Edit string // where it is changed
}

// reached is how many servers have heard of something, how many not yet, and how many did not want it.
type reached struct{ Reached, Waiting, Refused int }

// listOwn handles GET of a list: what the coop wrote, drafts among it, newest first.
func (u *ui) listOwn(ed *editor) deskHandler {
	return func(c echo.Context, d *desk) error {
		ctx := c.Request().Context()
		before, err := cursor(c)
		if err != nil {
			return err
		}
		objects, next, err := d.node.Objects(ctx, node.ObjectQuery{Type: ed.typ, Local: true, Drafts: true, Before: before, Limit: 40})
		if err != nil {
			return err
		}
		list := make([]*ownEntry, 0, len(objects))
		for _, o := range objects {
			e, err := d.entryOf(ctx, o)
			if err != nil {
				return err
			}
			list = append(list, &ownEntry{entry: e, Edit: ed.path + "/" + o.Common().ID})
		}
		// What nobody has seen yet waits for somebody here, so that it comes first.
		slices.SortStableFunc(list, func(a, b *ownEntry) int {
			switch {
			case a.Base.Draft == b.Base.Draft:
				return 0
			case a.Base.Draft:
				return -1
			}
			return 1
		})
		return d.show(c, head{Title: say(ctx, "menu."+string(ed.typ)+"s")}, ownListBody(d, ed, list, next))
	}
}

// reachedBy is what became of the last word that was said of something.
func reachedBy(acts []*node.ActRecord) (r reached) {
	for _, a := range acts {
		if a.Verb == node.Create || a.Verb == node.Update {
			return reached{a.Reached, a.Waiting, a.Refused}
		}
	}
	return r
}

// turn handles POST of a button that opens or pauses an opening.
func (u *ui) turn(to node.Status, key string) deskHandler {
	return func(c echo.Context, d *desk) error {
		ctx := c.Request().Context()
		o, err := d.own(c, node.TypeOpening)
		if err != nil {
			return err
		}
		path := editors[node.TypeOpening].path + "/" + o.Common().ID
		if o.Common().Draft {
			return d.done(c, path, "editor.draft.still")
		}
		if _, err := d.node.SetOpeningStatus(ctx, d.by(), o.Common().IRI, to); err != nil {
			return d.formFails(c, editors[node.TypeOpening], o, formOf(editors[node.TypeOpening], o), err)
		}
		return d.done(c, path, key)
	}
}

// closeRows is how many coops can be named at once that took a part.
const closeRows = 3

// askClose handles GET of the page that asks why an opening is over.
func (u *ui) askClose(c echo.Context, d *desk) error {
	o, err := d.own(c, node.TypeOpening)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	return d.show(c, head{Title: say(ctx, "close.title")}, closeBody(d, o.(*node.Opening), nil))
}

// close handles POST of that page.
func (u *ui) close(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	o, err := d.own(c, node.TypeOpening)
	if err != nil {
		return err
	}
	opening, typed := o.(*node.Opening), c.Request().PostForm
	s := &sheet{tongue: tongueOf(ctx), typed: typed}
	why := node.Status(s.one("why", []string{string(node.Filled), string(node.Withdrawn)}))
	if why == "" {
		s.wrong("why", "form.choose")
	}
	var parts []node.Part
	for i := range closeRows {
		name := s.line(versionField("who", i))
		if name == "" {
			continue
		}
		part := node.Part{}
		if who, err := d.known(ctx, name); err != nil {
			return err
		} else if who == nil {
			s.wrong(versionField("who", i), "close.unknown", name)
		} else {
			part.Actor = who.IRI
		}
		if n, given := s.figure(versionField("part", i)); given && !opening.Amount.IsZero() {
			part.Quantity = node.Quantity{Number: n, Unit: opening.Amount.Unit}
		}
		parts = append(parts, part)
	}
	errs := s.errors(ctx)
	if len(errs) == 0 {
		if _, err = d.node.SetOpeningStatus(ctx, d.by(), o.Common().IRI, why, parts...); err != nil {
			if errs, err = d.wrong(c, err); err != nil {
				return err
			}
		}
	}
	if len(errs) > 0 {
		d.errs = errs
		return d.refuse(c, head{Title: say(ctx, "close.title")}, closeBody(d, opening, typed), errs)
	}
	return d.done(c, editors[node.TypeOpening].path+"/"+o.Common().ID, "close.done."+string(why))
}

// known finds an actor that this node knows by what somebody typed: a handle with its host, a host, or an address. Nil where
// it knows none.
func (d *desk) known(ctx context.Context, typed string) (*node.Actor, error) {
	if strings.Contains(typed, "://") {
		a, err := d.node.ActorOf(ctx, typed)
		if node.IsNotFound(err) {
			return nil, nil
		}
		return a, err
	}
	coops, err := d.node.CoopsAt(ctx, strings.TrimPrefix(typed, "@"))
	if err != nil || len(coops) == 1 {
		return slices.Concat(coops, []*node.Actor{nil})[0], err
	}
	handle, host, _ := strings.Cut(strings.TrimPrefix(typed, "@"), "@")
	a, err := d.node.Store().ActorByHandle(ctx, handle, host)
	if node.IsNotFound(err) {
		return nil, nil
	}
	return a, err
}

// askRemove handles GET of the page that asks whether to delete something.
func (u *ui) askRemove(ed *editor) deskHandler {
	return func(c echo.Context, d *desk) error {
		o, err := d.own(c, ed.typ)
		if err != nil {
			return err
		}
		ctx := c.Request().Context()
		return d.show(c, head{Title: say(ctx, "remove.title")}, removeBody(d, ed, o))
	}
}

// remove handles POST of that page.
func (u *ui) remove(ed *editor) deskHandler {
	return func(c echo.Context, d *desk) error {
		o, err := d.own(c, ed.typ)
		if err != nil {
			return err
		}
		if err := d.node.Delete(c.Request().Context(), d.by(), o.Common().IRI); err != nil {
			return err
		}
		if o.Common().Draft {
			return d.done(c, ed.path, "remove.done.draft")
		}
		return d.done(c, ed.path, "remove.done")
	}
}
