package activitypub

import (
	"strings"
	"time"

	"github.com/coopnode/coopnode/node"
)

// encodeOpening writes an opening as a Note that carries a proposal (FEP-0837, vocabulary 2.4).
func encodeOpening(l node.Links, o *node.Opening) (envelope, error) {
	n, own, err := newNote(l, o)
	if err != nil {
		return nil, err
	}
	setContent(n, o.Texts, func(t node.Text) string { return openingHTML(l, o, t) })
	own["additionalType"] = typeProposal
	own["tag"] = hashtags(l, openingTags(o))
	own["purpose"] = string(o.Purpose)
	own["publishes"] = primaryIntent(l, o)
	if o.Budget != nil {
		own["coop:budget"] = moneyOut(*o.Budget)
		own["coop:budgetBasis"] = o.BudgetBasis
		// Only a fixed price has an unambiguous answering intent (decisions 14).
		if o.Budget.Fixed() && o.BudgetBasis == "total" {
			own["reciprocal"] = map[string]any{
				"type": "Intent", "id": o.IRI + "#reciprocal", "action": "transfer", "resourceConformsTo": currencyIRI(o.Budget.Currency),
				"resourceQuantity": map[string]any{"hasUnit": "one", "hasNumericalValue": node.FormatNumber(o.Budget.Min)},
			}
		}
	}
	if !o.Closes.IsZero() {
		own["endTime"] = stamp(o.Closes)
	}
	if len(o.Skills) > 0 {
		own["skills"] = skillsOut(o.Skills)
	}
	if o.Remote {
		own["jobLocationType"] = "TELECOMMUTE"
	}
	if !o.Place.IsZero() {
		own["location"] = placeOut(o.Place)
	}
	put(own, "employmentType", o.EmploymentType)
	put(own, "coop:kind", string(o.Kind))
	put(own, "coop:status", string(o.Status))
	put(own, "coop:timeZones", o.TimeZones)
	if behalf := behalfOut(o); behalf != nil {
		own["coop:onBehalfOf"] = behalf
	}
	putList(own, "coop:workingLanguages", o.Languages)
	if o.MemberTrack {
		own["coop:memberTrack"] = true
	}
	own["coop:answer"] = map[string]any{
		"who": strs(o.Answer.Who), "federations": strs(o.Answer.Federations), "countries": strs(o.Answer.Countries), "how": strs(o.Answer.How),
	}
	if c := o.Customer; c != nil {
		customer := map[string]any{}
		put(customer, "kind", c.Kind)
		put(customer, "name", c.Name)
		put(customer, "actor", c.Actor)
		own["coop:customer"] = customer
	}
	filled := []any{}
	for _, f := range o.FilledBy {
		part := map[string]any{"actor": f.Actor}
		if !f.Quantity.IsZero() {
			part["resourceQuantity"] = quantityOut(f.Quantity)
		}
		filled = append(filled, part)
	}
	own["coop:filledBy"] = filled
	return n, nil
}

// behalfOut names the one for whom an opening is published: by its address, with its name where we know it, or by its
// name alone where it has no address. Nil where there is nobody.
func behalfOut(o *node.Opening) any {
	if o.BehalfName == "" {
		if o.OnBehalfOf == "" {
			return nil
		}
		return o.OnBehalfOf
	}
	m := map[string]any{"type": "Organization", "name": o.BehalfName}
	put(m, "id", o.OnBehalfOf)
	return m
}

// primaryIntent is what the opening asks for or gives, in ValueFlows' words.
func primaryIntent(l node.Links, o *node.Opening) map[string]any {
	in := map[string]any{"type": "Intent", "id": o.IRI + "#primary", "action": "deliverService"}
	if o.Kind == node.Resource {
		in["action"] = "transfer"
	}
	if o.Purpose == node.Request {
		in["receiver"] = o.Actor
	} else {
		in["provider"] = o.Actor
	}
	if len(o.Skills) > 0 {
		in["resourceConformsTo"] = l.Skill(o.Skills[0].Key)
	}
	// FEP-0837 wants a unit even where nobody counted.
	in["resourceQuantity"] = map[string]any{"hasUnit": "one"}
	if !o.Amount.IsZero() {
		in["resourceQuantity"] = quantityOut(o.Amount)
		in["availableQuantity"] = quantityOut(o.Available)
	}
	if !o.Minimum.IsZero() {
		in["minimumQuantity"] = quantityOut(o.Minimum)
	}
	if o.AllOrNothing {
		in["unitBased"] = false
	}
	if !o.Begins.IsZero() {
		in["hasBeginning"] = stamp(o.Begins)
	}
	if !o.Ends.IsZero() {
		in["hasEnd"] = stamp(o.Ends)
	}
	return in
}

// decodeOpening reads an opening: ours, a bare Proposal, or a Note with a proposal's properties.
// What is missing is "not given"; values that we do not know are kept (vocabulary 2.4, 2.11).
func decodeOpening(m map[string]any, o *node.Opening) {
	intent := Obj(first(m["publishes"]))
	o.Purpose = node.Purpose(short(m, "purpose"))
	if o.Purpose != node.Offer {
		o.Purpose = node.Request
	}
	o.Kind = node.OpeningKind(short(m, "coop:kind"))
	if o.Kind == "" {
		o.Kind = node.Subcontract
		if o.Purpose == node.Offer {
			o.Kind = node.Availability
		}
	}
	o.Status = node.Status(short(m, "coop:status"))
	if o.Status == "" {
		o.Status = node.Open
	}
	o.Closes, _ = Time(m, "endTime")
	o.Amount = quantityIn(intent["resourceQuantity"])
	o.Available = quantityIn(intent["availableQuantity"])
	o.Minimum = quantityIn(intent["minimumQuantity"])
	if o.Available.IsZero() {
		o.Available = o.Amount
	}
	if v, ok := intent["unitBased"].(bool); ok {
		o.AllOrNothing = !v
	}
	o.Begins, _ = Time(intent, "hasBeginning")
	o.Ends, _ = Time(intent, "hasEnd")
	o.Skills = skillsIn(m["skills"])
	o.Languages = texts(m["coop:workingLanguages"])
	o.Remote = short(m, "jobLocationType") == "TELECOMMUTE"
	o.Place = placeIn(m["location"])
	o.TimeZones = short(m, "coop:timeZones")
	o.EmploymentType = short(m, "employmentType")
	o.MemberTrack, _ = m["coop:memberTrack"].(bool)
	o.Budget = moneyIn(m["coop:budget"])
	o.BudgetBasis = short(m, "coop:budgetBasis")
	behalf := first(m["coop:onBehalfOf"])
	o.OnBehalfOf, o.BehalfName = IDOf(behalf), short(Obj(behalf), "name")
	if a := Obj(m["coop:answer"]); a != nil {
		o.Answer = node.Answer{Who: texts(a["who"]), Federations: IDs(few(a["federations"])), Countries: texts(a["countries"]), How: texts(a["how"])}
	}
	if c := Obj(m["coop:customer"]); c != nil {
		o.Customer = &node.Customer{Kind: short(c, "kind"), Name: short(c, "name"), Actor: IDOf(c["actor"])}
	}
	for _, v := range few(m["coop:filledBy"]) {
		if f := Obj(v); f != nil && IDOf(f["actor"]) != "" && len(o.FilledBy) < maxListed {
			o.FilledBy = append(o.FilledBy, node.Part{Actor: IDOf(f["actor"]), Quantity: quantityIn(f["resourceQuantity"])})
		}
	}
	giveTitle(&o.Base, m)
}

// isProposal tells an opening from a plain post (decisions 11).
func isProposal(m map[string]any, types []string) bool {
	for _, t := range append(types, texts(m["additionalType"])...) {
		if t == typeProposal || t == "Proposal" || strings.HasSuffix(t, ":Proposal") {
			return true
		}
	}
	return m["publishes"] != nil && m["purpose"] != nil
}

// quantityOut writes a quantity: hours and days by their own unit, people and items as ones
// (decisions 14).
func quantityOut(q node.Quantity) map[string]any {
	m := map[string]any{"hasUnit": string(q.Unit), "hasNumericalValue": node.FormatNumber(q.Number)}
	if q.Unit == node.People || q.Unit == node.Items {
		m["hasUnit"], m["coop:unit"] = "one", string(q.Unit)
	}
	return m
}

func quantityIn(v any) node.Quantity {
	m := Obj(first(v))
	number, ok := Num(m["hasNumericalValue"])
	if !ok || number < 0 {
		return node.Quantity{}
	}
	unit := node.Unit(short(m, "hasUnit"))
	if unit == "one" {
		unit = node.Items
		if own := short(m, "coop:unit"); own != "" {
			unit = node.Unit(own)
		}
	}
	return node.Quantity{Number: number, Unit: unit}
}

func moneyOut(m node.Money) map[string]any {
	return map[string]any{"type": "MonetaryAmount", "currency": m.Currency, "minValue": m.Min, "maxValue": m.Max}
}

func moneyIn(v any) *node.Money {
	m := Obj(v)
	low, ok1 := Num(m["minValue"])
	high, ok2 := Num(m["maxValue"])
	money := node.Money{Currency: Str(m, "currency"), Min: low, Max: high}
	if !ok1 || !ok2 || money.Validate() != nil {
		return nil
	}
	return &money
}

// currencies are the addresses under which FEP-0837's examples name money; others get the
// address of their three letters.
var currencies = map[string]string{
	"EUR": "Q4916", "USD": "Q4917", "JPY": "Q8146", "GBP": "Q25224", "SEK": "Q122922", "ARS": "Q199578", "BRL": "Q173117", "INR": "Q80524",
}

func currencyIRI(code string) string {
	if q := currencies[code]; q != "" {
		return "https://www.wikidata.org/wiki/" + q
	}
	return "urn:iso:std:iso:4217:" + code
}

func skillsOut(skills []node.Skill) []any {
	out := []any{}
	for _, s := range skills {
		term := map[string]any{"type": "DefinedTerm", "termCode": s.Key, "name": s.Label()}
		put(term, "sameAs", s.SameAs)
		out = append(out, term)
	}
	return out
}

func skillsIn(v any) []node.Skill {
	var out []node.Skill
	for _, e := range few(v) {
		switch e := e.(type) {
		case string:
			out = append(out, node.SkillFrom(cutText(e, maxNameRunes)))
		case map[string]any:
			s := node.Skill{Key: strings.ToLower(short(e, "termCode")), Name: short(e, "name"), SameAs: IDOf(e["sameAs"])}
			if s.Key == "" {
				s = node.SkillFrom(s.Name)
			}
			if s.Key != "" {
				out = append(out, s)
			}
		}
	}
	return out
}

func placeOut(p node.Place) map[string]any {
	m := map[string]any{"type": "Place"}
	put(m, "name", p.Name)
	if p.Latitude != nil && p.Longitude != nil {
		m["latitude"], m["longitude"] = *p.Latitude, *p.Longitude
	}
	address := map[string]any{"type": "PostalAddress"}
	put(address, "addressLocality", p.Locality)
	put(address, "addressRegion", p.Region)
	put(address, "addressCountry", p.Country)
	if len(address) > 1 {
		m["address"] = address
	}
	return m
}

func placeIn(v any) node.Place {
	m := Obj(first(v))
	a := Obj(m["address"])
	p := node.Place{Name: short(m, "name"), Locality: short(a, "addressLocality"), Region: short(a, "addressRegion"), Country: short(a, "addressCountry")}
	if lat, ok := Num(m["latitude"]); ok {
		if lon, ok := Num(m["longitude"]); ok {
			p.Latitude, p.Longitude = &lat, &lon
		}
	}
	return p
}

// stamp writes a moment as it travels: RFC 3339 in UTC, whole seconds.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
