package ui

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// An editor is how the console makes and changes objects of one type: one page, on which everything stands in the order in
// which one thinks of it. Every button of it sends the whole form, so that what was typed is never lost.
type editor struct {
	typ      node.ObjectType
	path     string   // of their list
	versions []string // the fields that there are in each language
	read     func(*sheet, node.Object)
	write    func(url.Values, node.Object)
	fields   func(*desk, *editing) templ.Component
}

var editors = map[node.ObjectType]*editor{
	node.TypeOpening: {node.TypeOpening, "/console/openings", []string{"title", "text"},
		func(s *sheet, o node.Object) { readOpening(s, o.(*node.Opening)) },
		func(v url.Values, o node.Object) { writeOpening(v, o.(*node.Opening)) }, openingFields},
	node.TypeProject: {node.TypeProject, "/console/projects", []string{"title", "text", "description", "lessons"},
		func(s *sheet, o node.Object) { readProject(s, o.(*node.Project)) },
		func(v url.Values, o node.Object) { writeProject(v, o.(*node.Project)) }, projectFields},
	node.TypePost: {node.TypePost, "/console/posts", []string{"text"},
		func(s *sheet, o node.Object) { readPost(s, o.(*node.Post)) },
		func(v url.Values, o node.Object) { writePost(v, o.(*node.Post)) }, postFields},
}

// mountEditors puts the pages into e on which people of the coop write.
func (u *ui) mountEditors(e *echo.Echo) {
	for _, ed := range editors {
		u.console(e, http.MethodGet, ed.path, node.RoleReader, u.listOwn(ed))
		u.console(e, http.MethodGet, ed.path+"/new", node.RoleEditor, u.begin(ed))
		u.console(e, http.MethodPost, ed.path+"/new", node.RoleEditor, u.take(ed))
		u.console(e, http.MethodGet, ed.path+"/:id", node.RoleEditor, u.reopen(ed))
		u.console(e, http.MethodPost, ed.path+"/:id", node.RoleEditor, u.take(ed))
		u.console(e, http.MethodGet, ed.path+"/:id/remove", node.RoleEditor, u.askRemove(ed))
		u.console(e, http.MethodPost, ed.path+"/:id/remove", node.RoleEditor, u.remove(ed))
	}
	openings := editors[node.TypeOpening].path
	u.console(e, http.MethodPost, openings+"/:id/pause", node.RoleEditor, u.turn(node.Paused, "editor.paused"))
	u.console(e, http.MethodPost, openings+"/:id/reopen", node.RoleEditor, u.turn(node.Open, "editor.reopened"))
	u.console(e, http.MethodGet, openings+"/:id/close", node.RoleEditor, u.askClose)
	u.console(e, http.MethodPost, openings+"/:id/close", node.RoleEditor, u.close)
	u.console(e, http.MethodGet, "/console/profile", node.RoleEditor, u.editProfile)
	u.console(e, http.MethodPost, "/console/profile", node.RoleEditor, u.takeProfile)
	u.upload(e, uploadPath, node.RoleEditor, u.takePicture)
}

// An editing is one look at the form of an editor.
type editing struct {
	*editor
	typed   url.Values
	object  node.Object // as it is kept; nil for a new one
	hearing node.Hearing
	preview *preview
	acts    []*node.ActRecord // what was said about it, and whom it reached

	projects    []option // that it can belong to
	federations []option // whose members may answer
}

// id is the short name of what is edited, "" for something new.
func (p *editing) id() string {
	if p.object == nil {
		return ""
	}
	return p.object.Common().ID
}

// action is where the form is sent.
func (p *editing) action() string {
	if id := p.id(); id != "" {
		return p.path + "/" + id
	}
	return p.path + "/new"
}

// unpublished says whether only people of the coop have seen it.
func (p *editing) unpublished() bool { return p.object == nil || p.object.Common().Draft }

// value and at are what stands in the fields of the form.
func (p *editing) value(name string) string       { return p.typed.Get(name) }
func (p *editing) at(name string, i int) string   { return p.typed.Get(versionField(name, i)) }
func (p *editing) opening() (*node.Opening, bool) { o, ok := p.object.(*node.Opening); return o, ok }

// seenField holds when the thing was changed last, as who edits it has seen it.
const seenField = "seen"

// editing prepares a look at the form. o is nil for a new one.
func (d *desk) editing(ctx context.Context, ed *editor, o node.Object, typed url.Values) (*editing, error) {
	settleLanguages(tongueOf(ctx), typed)
	p := &editing{editor: ed, typed: typed, object: o}
	var err error
	if p.hearing, err = d.node.Hearing(ctx); err != nil {
		return nil, err
	}
	for _, m := range p.hearing.Federations {
		name := node.HostOf(m.Federation)
		if m.Who != nil {
			name = plainName(m.Who.Label())
		}
		p.federations = append(p.federations, option{m.Federation, name})
	}
	for _, f := range typed["federation"] {
		if !slices.ContainsFunc(p.federations, func(o option) bool { return o.Value == f }) {
			who, err := d.people.of(ctx, f)
			if err != nil {
				return nil, err
			}
			p.federations = append(p.federations, option{f, who.Name})
		}
	}
	if p.projects, err = d.ownProjects(ctx, typed.Get("project")); err != nil {
		return nil, err
	}
	if o != nil && !o.Common().Draft {
		p.acts, err = d.node.Store().Acts(ctx, node.ActQuery{Object: o.Common().IRI, Limit: 20})
	}
	return p, err
}

// ownProjects are those to which something can belong: ours, and the one to which it belongs already.
func (d *desk) ownProjects(ctx context.Context, chosen string) ([]option, error) {
	list := []option{{"", say(ctx, "editor.project.none")}}
	objects, _, err := d.node.Objects(ctx, node.ObjectQuery{Type: node.TypeProject, Local: true, Limit: 200})
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		list = append(list, option{o.Common().IRI, nameOf(ctx, d.text(o.Common().Texts))})
	}
	if chosen != "" && !slices.ContainsFunc(list, func(o option) bool { return o.Value == chosen }) {
		text := plainName(chosen)
		if to, err := d.linkTo(ctx, chosen); err != nil {
			return nil, err
		} else if to != nil {
			text = to.Text
		}
		list = append(list, option{chosen, text})
	}
	return list, nil
}

// own finds what a path names: something of ours, of that type, that is not deleted.
func (d *desk) own(c echo.Context, t node.ObjectType) (node.Object, error) {
	id := c.Param("id")
	missing := &node.Error{Op: "edit", Kind: node.NotFound, Subject: id}
	if !node.IsID(id) {
		return nil, missing
	}
	o, err := d.node.Object(c.Request().Context(), id)
	if err != nil {
		return nil, err
	}
	switch b := o.Common(); {
	case !b.Local || b.Type != t:
		return nil, missing
	case !b.Deleted.IsZero():
		return nil, &node.Error{Op: "edit", Kind: node.Gone, Subject: id}
	}
	return o, nil
}

// headOf is the head of a page about what is edited.
func (p *editing) headOf(ctx context.Context) head {
	if p.object == nil {
		return head{Title: say(ctx, "editor."+string(p.typ)+".new")}
	}
	return head{Title: say(ctx, "editor.title", nameOf(ctx, p.object.Common().TextIn("")))}
}

// begin handles GET of a new form.
func (u *ui) begin(ed *editor) deskHandler {
	return func(c echo.Context, d *desk) error {
		ctx := c.Request().Context()
		p, err := d.editing(ctx, ed, nil, d.blank(ctx, ed, c.QueryParams()))
		if err != nil {
			return err
		}
		return d.show(c, p.headOf(ctx), editorBody(d, p))
	}
}

// blank is a new form with what is likely, and with what the address asks for.
func (d *desk) blank(ctx context.Context, ed *editor, asked url.Values) url.Values {
	v := url.Values{}
	v.Set("lang.0", d.mainLanguage(ctx))
	v.Set("audience", string(node.Public))
	v.Set("project", asked.Get("project"))
	switch ed.typ {
	case node.TypeOpening:
		v["who"], v["how"] = []string{"coops"}, []string{"reply"}
		v.Set("remote", "on")
		if c := d.coop.Coop; c != nil {
			v.Set("languages", strings.Join(c.Languages, ", "))
		}
		if k := asked.Get("kind"); slices.Contains(strs(node.OpeningKinds), k) {
			v.Set("kind", k)
		}
	case node.TypePost:
		v.Set("kind", "post")
		if asked.Has("introduction") {
			d.introduce(ctx, v)
		}
	}
	return v
}

// mainLanguage is the one in which the coop speaks of itself.
func (d *desk) mainLanguage(ctx context.Context) string {
	if s := d.coop.Summary; len(s) > 0 && s[0].Lang != "" {
		return s[0].Lang
	}
	if c := d.coop.Coop; c != nil && len(c.Languages) > 0 {
		return c.Languages[0]
	}
	return tongueOf(ctx).tag.String()
}

// nextLanguage is one that the form does not have yet, of those that the coop speaks.
func (d *desk) nextLanguage(typed url.Values) string {
	var spoken []string
	for _, t := range d.coop.Summary {
		spoken = append(spoken, t.Lang)
	}
	if c := d.coop.Coop; c != nil {
		spoken = append(spoken, c.Languages...)
	}
	for _, l := range spoken {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(typed)), func(k string) bool { return strings.HasPrefix(k, "lang.") && typed.Get(k) == l }) {
			return l
		}
	}
	return ""
}

// formOf is the form of something as it is kept.
func formOf(ed *editor, o node.Object) url.Values {
	v := url.Values{}
	ed.write(v, o)
	if !v.Has("lang.0") {
		v.Set("lang.0", "")
	}
	v.Set(seenField, stampOf(o))
	return v
}

func stampOf(o node.Object) string { return strconv.FormatInt(o.Common().Updated.UnixMilli(), 10) }

// reopen handles GET of the form of something that is there.
func (u *ui) reopen(ed *editor) deskHandler {
	return func(c echo.Context, d *desk) error {
		ctx := c.Request().Context()
		o, err := d.own(c, ed.typ)
		if err != nil {
			return err
		}
		p, err := d.editing(ctx, ed, o, formOf(ed, o))
		if err != nil {
			return err
		}
		if kind := c.QueryParam("preview"); slices.Contains(previews, kind) {
			shown, err := d.own(c, ed.typ)
			if err != nil {
				return err
			}
			if p.preview, err = d.previewOf(ctx, shown, kind); err != nil {
				if d.errs, err = d.wrong(c, err); err != nil {
					return err
				}
			}
		}
		return d.show(c, p.headOf(ctx), editorBody(d, p))
	}
}
