package ui

import (
	"context"
	"slices"

	"golang.org/x/text/language"

	"github.com/coopnode/coopnode/node"
)

// An entry is one object as a page shows it, in a list or alone.
type entry struct {
	Object  node.Object
	Base    *node.Base
	By      person
	Text    node.Text // in the reader's language, if there is one
	Href    string    // its own page; a foreign one's is on its own server
	Project *link     // what it is part of
	Parent  *link     // what it answers
	Quote   *link     // a post's: what it quotes
	Sharers []person  // who passed it on, of what is looked for or offered
	Who     string    // an opening's: who may answer
	Parts   []part    // an opening's: who took how much of it
	Behalf  person    // an opening's: for whom it is published, where that is not its publisher
	Sub     bool      // stands in a section with a heading of its own
	Plain   bool      // stands under its author's name already

	Exhibits exhibits // pictures, of posts and of what is ours: others' openings and projects have pages of their own, elsewhere
}

// A link is a text that leads somewhere.
type link struct{ Text, Href string }

// entryOf prepares an object for the reader v.
func (v *visit) entryOf(ctx context.Context, o node.Object) (*entry, error) {
	b := o.Common()
	by, err := v.people.of(ctx, b.Actor)
	if err != nil {
		return nil, err
	}
	e := &entry{Object: o, Base: b, By: by, Text: v.text(b.Texts), Href: pageOf(v.node.Links, b)}
	if e.Project, err = v.linkTo(ctx, b.Project); err != nil {
		return nil, err
	}
	if p, ok := o.(*node.Post); !ok || p.Asks {
		if e.Sharers, err = v.sharersOf(ctx, b.IRI); err != nil {
			return nil, err
		}
	}
	if opening, ok := o.(*node.Opening); ok {
		if e.Behalf, err = v.behalfOf(ctx, opening); err != nil {
			return nil, err
		}
		if e.Parts, err = v.parts(ctx, opening); err != nil {
			return nil, err
		}
	}
	if p, ok := o.(*node.Post); ok {
		if e.Quote, err = v.linkTo(ctx, p.Quote); err != nil {
			return nil, err
		}
	}
	if b.Type == node.TypePost || b.Local {
		if e.Exhibits, err = v.exhibit(ctx, b); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// sharersOf are those who passed something on, whom no rule keeps off our pages (MOD-3).
func (v *visit) sharersOf(ctx context.Context, iri string) (list []person, err error) {
	actors, err := v.node.Sharers(ctx, iri)
	if err != nil || len(actors) == 0 {
		return nil, err
	}
	rules, err := v.node.Policy(ctx)
	if err != nil {
		return nil, err
	}
	for _, actor := range actors {
		if j := rules.Of(actor); j.Refused() || j.Limited() {
			continue
		}
		who, err := v.people.of(ctx, actor)
		if err != nil {
			return nil, err
		}
		list = append(list, who)
	}
	return list, nil
}

// entries prepares a list.
func (v *visit) entries(ctx context.Context, objects []node.Object) ([]*entry, error) {
	list := make([]*entry, 0, len(objects))
	for _, o := range objects {
		e, err := v.entryOf(ctx, o)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

// linkTo names an object that another one speaks of; nil where there is none that everybody may see
// and no address that could be linked, or that a rule refuses (MOD-3).
func (v *visit) linkTo(ctx context.Context, iri string) (*link, error) {
	if iri == "" {
		return nil, nil
	}
	rules, err := v.node.Policy(ctx)
	if err != nil || rules.Refuses(iri) {
		return nil, err
	}
	o, err := v.node.Object(ctx, iri)
	if node.IsNotFound(err) {
		if href := webAddress(iri); href != "" && !v.node.Links.Ours(iri) {
			return &link{say(ctx, "answer.to.other", plainName(node.HostOf(iri))), href}, nil
		}
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	b := o.Common()
	if !b.Visible() {
		return nil, nil
	}
	return &link{nameOf(ctx, v.text(b.Texts)), pageOf(v.node.Links, b)}, nil
}

// pageOf is where people read an object: ours here, others' where they live.
func pageOf(l node.Links, b *node.Base) string {
	if b.Local {
		return l.Page(b.Type, b.ID)
	}
	if href := webAddress(b.URL); href != "" {
		return href
	}
	return webAddress(b.IRI)
}

// text picks the version for the reader: the language asked for by ?lang=, else one of those the browser
// prefers, else the author's main one.
func (v *visit) text(texts []node.Text) node.Text {
	if len(texts) == 0 {
		return node.Text{}
	}
	if i := slices.IndexFunc(texts, func(t node.Text) bool { return v.lang != "" && t.Lang == v.lang }); i >= 0 {
		return texts[i]
	}
	if len(texts) == 1 || len(v.accepts) == 0 {
		return texts[0]
	}
	tags := make([]language.Tag, len(texts))
	for i, t := range texts {
		tags[i] = language.Make(t.Lang)
	}
	_, i, _ := language.NewMatcher(tags).Match(v.accepts...)
	return texts[i]
}

// others lists the languages of an object other than the one shown.
func (e *entry) others() (langs []string) {
	for _, t := range e.Base.Texts {
		if t.Lang != "" && t.Lang != e.Text.Lang {
			langs = append(langs, t.Lang)
		}
	}
	return langs
}

// shown is the HTML of a text as a page may show it: cleaned again (HTML-1).
func shown(t node.Text, own bool) string {
	if own {
		return cleanWith(t.HTML, relOwn)
	}
	return Clean(t.HTML)
}

// name is the title of an object where its page's marks cannot be seen.
func (e *entry) name(ctx context.Context) string {
	if e.Base.Sample {
		return say(ctx, "sample.title", nameOf(ctx, e.Text))
	}
	return nameOf(ctx, e.Text)
}

func (e *entry) opening() *node.Opening { return e.Object.(*node.Opening) }
func (e *entry) project() *node.Project { return e.Object.(*node.Project) }
func (e *entry) post() *node.Post       { return e.Object.(*node.Post) }
