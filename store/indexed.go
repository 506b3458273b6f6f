package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/coopnode/coopnode/node"
)

// indexed is what the index holds of one thing.
type indexed struct {
	ref         string
	actor       bool
	title, body strings.Builder // as they are read; folded in the index
	facets      facets
	at          time.Time // of the last change
	closes      time.Time // when an opening that is open closes
}

// mostText bounds what is indexed of one thing, in bytes.
const mostText = 40_000

func say(to *strings.Builder, texts ...string) {
	for _, s := range texts {
		if to.Len()+len(s) > mostText {
			return
		}
		to.WriteString(s)
		to.WriteByte(' ')
	}
}

func (d *indexed) sayTexts(texts []node.Text) {
	for _, t := range texts {
		say(&d.title, t.Title)
		say(&d.body, textOf(t.HTML))
	}
}

func (d *indexed) sayPlace(p node.Place) { say(&d.body, p.Name, p.Locality) }

func (d *indexed) saySkills(skills []node.Skill) {
	for _, s := range skills {
		d.facets.add(bySkill, s.Key)
		say(&d.body, s.Label(), s.Key)
	}
}

// sum is the same as long as nothing that is indexed has changed.
func (d *indexed) sum() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%d", d.title.String(), d.body.String(), d.facets.text(), ms(d.closes)))
	return hex.EncodeToString(sum[:12])
}

// indexCoop says what is found of a coop or federation.
func indexCoop(a *node.Actor, lent facets) *indexed {
	c := a.Coop
	d := &indexed{ref: a.IRI, actor: true, at: a.Updated}
	if d.at.IsZero() {
		d.at = a.Published
	}
	d.facets.add(byKind, node.KindOfActor(a))
	d.facets.add(byState, stateLive)
	d.facets = append(d.facets, lent...)
	d.facets.addParts(byLanguage, c.Languages...)
	for _, t := range a.Summary {
		d.facets.addParts(byLanguage, t.Lang)
	}
	d.facets.add(byCustomer, c.AcceptsCustomers...)
	for kind, percent := range c.CustomerMix {
		if percent > 0 {
			d.facets.add(byCustomer, kind)
		}
	}
	say(&d.title, a.Name, a.Handle, a.Host, c.LegalName)
	d.sayTexts(a.Summary)
	d.saySkills(c.Skills)
	d.sayPlace(c.Place)
	say(&d.body, c.LegalForm.Name, c.LegalForm.Abbreviation, c.Website)
	say(&d.body, c.LooksFor...)
	say(&d.body, c.OffersHelp...)
	return d
}

// lentFacets are what an author lends to all that it publishes.
func lentFacets(a *node.Actor, federations []*node.Membership) (l facets) {
	if a.Indexable {
		l.add(byConsent, "yes")
	}
	c := a.Coop
	if c == nil {
		return l
	}
	l.addParts(byCountry, c.Place.Country, c.Place.Region, c.Jurisdiction)
	l.add(byOwnership, string(c.Ownership))
	for _, m := range federations {
		l.add(byFederation, federation(m.Federation))
	}
	return l
}

// indexObject says what is found of an opening, a project or a post. now decides whether an opening is over.
func indexObject(o node.Object, lent facets, now time.Time) *indexed {
	b := o.Common()
	d := &indexed{ref: b.IRI, at: b.Updated}
	if d.at.Before(b.Published) {
		d.at = b.Published
	}
	if d.at.After(now) {
		d.at = now // what another server sends need not make sense
	}
	d.facets.add(byKind, string(b.Type), node.KindOfObject(o))
	state := []string{stateLive}
	for _, t := range b.Texts {
		d.facets.addParts(byLanguage, t.Lang)
	}
	d.sayTexts(b.Texts)
	say(&d.body, b.Tags...)
	switch o := o.(type) {
	case *node.Opening:
		state = d.sayOpening(o, now)
		if o.Place.Country != "" {
			lent = lent.without(lent.of(byCountry))
		}
	case *node.Project:
		for _, t := range append(append([]node.Text{}, o.Description...), o.Lessons...) {
			say(&d.body, t.Title, textOf(t.HTML))
		}
		for _, r := range o.Outcomes {
			say(&d.body, r.Name)
		}
	case *node.Post:
		say(&d.body, o.Warning)
		for _, p := range b.Pictures {
			say(&d.body, p.Description)
		}
		for _, p := range o.Options {
			say(&d.body, p.Text)
		}
	}
	d.facets.add(byState, state...)
	d.facets = append(d.facets, lent.without(lent.of(byConsent))...)
	return d
}

// sayOpening adds what only openings say, and returns its state.
func (d *indexed) sayOpening(o *node.Opening, now time.Time) (state []string) {
	d.facets.add(byKind, string(o.Kind))
	d.facets.addParts(byLanguage, o.Languages...)
	d.facets.addParts(byCountry, o.Place.Country, o.Place.Region)
	d.saySkills(o.Skills)
	d.sayPlace(o.Place)
	if o.Customer != nil {
		d.facets.add(byCustomer, o.Customer.Kind)
		say(&d.body, o.Customer.Name)
	}
	if o.StatusAt(now) != node.Open {
		return []string{stateOver}
	}
	d.closes = o.Closes
	return []string{stateLive, stateOpen}
}
