package ui

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/coopnode/coopnode/node"
)

// What can be chosen in the form of an opening.
var (
	purposes        = []node.Purpose{node.Request, node.Offer}
	units           = []node.Unit{node.People, node.Hours, node.Days, node.Items}
	budgetBases     = []string{"total", "hour", "day", "month"}
	answerWho       = []string{"anyone", "coops", "worker-coops", "members", "individuals"}
	answerHow       = []string{"reply", "offer", "email", "form"}
	customerKinds   = []string{"cooperatives", "nonprofit", "public", "business", "individuals"}
	employmentTypes = []string{"FULL_TIME", "PART_TIME", "CONTRACTOR", "TEMPORARY", "INTERN", "VOLUNTEER"}
	audiences       = []node.Audience{node.Public, node.Unlisted, node.Followers, node.Direct}
)

var timeZones = regexp.MustCompile(`^UTC([+-]\d{1,2}(:\d{2})?)?(/UTC([+-]\d{1,2}(:\d{2})?)?)?$`)

func strs[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

// writeOpening puts an opening into the fields of its form.
func writeOpening(v url.Values, o *node.Opening) {
	putTexts(v, "title", "text", o.Texts)
	v.Set("kind", string(o.Kind))
	v.Set("purpose", string(o.Purpose))
	if !o.Amount.IsZero() {
		v.Set("amount", node.FormatNumber(o.Amount.Number))
		v.Set("unit", string(o.Amount.Unit))
		if o.Available.Number != o.Amount.Number {
			v.Set("available", node.FormatNumber(o.Available.Number))
		}
	}
	if !o.Minimum.IsZero() {
		v.Set("minimum", node.FormatNumber(o.Minimum.Number))
	}
	tick(v, "whole", o.AllOrNothing)
	v.Set("skills", skillsField(o.Skills))
	v.Set("languages", strings.Join(o.Languages, ", "))
	v.Set("closes", dayField(o.Closes))
	v.Set("begins", dayField(o.Begins))
	v.Set("ends", dayField(o.Ends))
	tick(v, "remote", o.Remote)
	putPlace(v, o.Place)
	v.Set("zones", o.TimeZones)
	putMoney(v, "budget", o.Budget)
	v.Set("basis", o.BudgetBasis)
	v.Set("project", o.Project)
	v["who"], v["how"] = o.Answer.Who, o.Answer.How
	v["federation"] = o.Answer.Federations
	v.Set("countries", strings.Join(o.Answer.Countries, ", "))
	v.Set("employment", o.EmploymentType)
	tick(v, "track", o.MemberTrack)
	if c := o.Customer; c != nil {
		v.Set("customer.kind", c.Kind)
		v.Set("customer.name", c.Name)
		v.Set("customer.actor", c.Actor)
	}
	v.Set("behalf.name", o.BehalfName)
	v.Set("behalf.actor", o.OnBehalfOf)
	putBase(v, &o.Base)
}

// readOpening takes over what a form says. o is a new opening, or one as it is kept.
func readOpening(s *sheet, o *node.Opening) {
	o.Texts = s.texts("title", "text", o.Texts)
	if o.Title() == "" {
		s.wrong("title.0", "editor.title.needed")
	}
	if o.Kind = node.OpeningKind(s.one("kind", strs(node.OpeningKinds))); o.Kind == "" {
		o.Kind = node.Subcontract
	}
	o.Purpose = node.Purpose(s.one("purpose", strs(purposes)))
	if o.Purpose == "" || o.Kind != node.Resource {
		o.Purpose = o.Kind.Purpose()
	}
	readAmount(s, o)
	o.Skills = s.skills("skills", o.Skills)
	o.Languages = s.languages("languages")
	o.Closes = s.day("closes", true, o.Closes)
	o.Begins = s.day("begins", false, o.Begins)
	if o.Ends = s.day("ends", true, o.Ends); !o.Begins.IsZero() && !o.Ends.IsZero() && o.Ends.Before(o.Begins) {
		s.wrong("ends", "editor.ends.early")
	}
	o.Remote = s.ticked("remote")
	o.Place = s.place(o.Place)
	if o.TimeZones = strings.ToUpper(strings.ReplaceAll(s.line("zones"), " ", "")); o.TimeZones != "" && !timeZones.MatchString(o.TimeZones) {
		s.wrong("zones", "editor.zones.wrong")
	}
	o.Budget = s.money("budget")
	if o.BudgetBasis = s.one("basis", budgetBases); o.Budget == nil {
		o.BudgetBasis = ""
	}
	o.Project = s.line("project")
	o.Answer = node.Answer{Who: s.several("who", answerWho), How: s.several("how", answerHow), Countries: s.countries("countries"), Federations: s.addresses("federation")}
	if o.EmploymentType = s.one("employment", append(slices.Clone(employmentTypes), o.EmploymentType)); o.Kind != node.Job {
		o.EmploymentType = ""
	}
	o.MemberTrack = s.ticked("track") && o.Kind == node.Job
	o.Customer = nil
	if c := (node.Customer{Kind: s.one("customer.kind", customerKinds), Name: s.line("customer.name"), Actor: s.web("customer.actor")}); c != (node.Customer{}) {
		o.Customer = &c
	}
	o.BehalfName, o.OnBehalfOf = s.line("behalf.name"), s.web("behalf.actor")
	readBase(s, &o.Base)
}

// readAmount reads how much is asked for, in which parts, and what of it is still open: all of it, unless somebody says or
// some was taken.
func readAmount(s *sheet, o *node.Opening) {
	was := o.Amount
	taken := was.Number - o.Available.Number
	amount, given := s.figure("amount")
	unit := node.Unit(s.one("unit", strs(units)))
	if !given {
		if s.typed.Get("minimum") != "" {
			s.wrong("amount", "editor.amount.needed")
		}
		o.Amount, o.Available, o.Minimum, o.AllOrNothing = node.Quantity{}, node.Quantity{}, node.Quantity{}, false
		return
	}
	if unit == "" {
		unit = node.People
	}
	o.Amount = node.Quantity{Number: amount, Unit: unit}
	o.Available = o.Amount
	if left, said := s.figure("available"); said {
		o.Available.Number = left
	} else if was.Unit == unit {
		o.Available.Number = max(0, amount-taken)
	}
	if o.Available.Number > amount {
		s.wrong("available", "editor.available.more")
	}
	o.Minimum = node.Quantity{}
	if least, said := s.figure("minimum"); said {
		if o.Minimum = (node.Quantity{Number: least, Unit: unit}); least > amount {
			s.wrong("minimum", "editor.minimum.more")
		}
	}
	o.AllOrNothing = s.ticked("whole")
}

// place is a town or region and a country. What the form has no field for stays where the place is the same.
func (s *sheet) place(was node.Place) node.Place {
	p := node.Place{Locality: s.line("place"), Country: s.country("country")}
	before := url.Values{}
	putPlace(before, was)
	if before.Get("place") == p.Locality && before.Get("country") == p.Country {
		return was
	}
	return p
}

func putPlace(v url.Values, p node.Place) {
	town := p.Locality
	if town == "" {
		town = p.Name
	}
	v.Set("place", town)
	v.Set("country", p.Country)
}

func tick(v url.Values, name string, on bool) {
	if on {
		v.Set(name, "on")
	}
}

// addresses are ids of actors that were ticked.
func (s *sheet) addresses(name string) (list []string) {
	for _, a := range s.typed[name] {
		if webAddress(a) != "" && len(a) <= maxURIBytes && !slices.Contains(list, a) && len(list) < maxWords {
			list = append(list, a)
		}
	}
	return list
}

// putBase and readBase are what all that a coop publishes has in common, besides its texts.
func putBase(v url.Values, b *node.Base) {
	v.Set("tags", strings.Join(b.Tags, ", "))
	v.Set("audience", string(b.Audience))
	putPictures(v, b.Pictures)
}

func readBase(s *sheet, b *node.Base) {
	b.Tags = nil
	for _, t := range s.words("tags") {
		for t := range strings.FieldsSeq(t) {
			b.Tags = append(b.Tags, strings.TrimPrefix(t, "#"))
		}
	}
	if b.Audience = node.Audience(s.one("audience", strs(audiences))); b.Audience == "" {
		b.Audience = node.Public
	}
	b.Pictures = s.pictures()
}
