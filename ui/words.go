package ui

import (
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
	"golang.org/x/text/message"
	xnumber "golang.org/x/text/number"

	"github.com/coopnode/coopnode/node"
)

var printer = message.NewPrinter(language.English)

// number writes 12000.5 as 12,000.5.
func number(f float64) string {
	return printer.Sprint(xnumber.Decimal(f, xnumber.MaxFractionDigits(2)))
}

// day writes a date out: 15 December 2026. Dates are those of UTC, as in what is sent to others.
func day(t time.Time) string { return t.UTC().Format("2 January 2006") }

// dayOf writes out a date that came as text, 2011-05-03; what is no date stays as it is.
func dayOf(s string) string {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return day(t)
	}
	return plainName(s)
}

// moment adds the hour to a date unless it is the end of a day, which is how a mere date is kept.
func moment(t time.Time) string {
	if isDay(t) {
		return day(t)
	}
	return day(t) + ", " + t.UTC().Format("15:04") + " UTC"
}

// isDay says whether a time stands for a whole day of UTC.
func isDay(t time.Time) bool {
	t = t.UTC()
	return t.Hour() == 23 && t.Minute() == 59 || t.Hour() == 0 && t.Minute() == 0
}

// daysLeft says how long a deadline is away in whole days; "" if it has passed.
func daysLeft(now, deadline time.Time) string {
	switch left := deadline.Sub(now); {
	case left <= 0:
		return ""
	case left < 24*time.Hour:
		return say("days.today")
	default:
		return sayCount("days.left", float64(int(left/(24*time.Hour))))
	}
}

// quantity says 240 hours, 3 people.
func quantity(q node.Quantity) string {
	if q.IsZero() {
		return ""
	}
	if _, known := english["unit."+string(q.Unit)+".one"]; !known {
		return number(q.Number) + " " + plainName(string(q.Unit))
	}
	return sayCount("unit."+string(q.Unit), q.Number)
}

// money says 9,000 to 12,000 EUR.
func money(m node.Money) string {
	currency := plainName(m.Currency)
	if m.Fixed() {
		return say("money.fixed", number(m.Max), currency)
	}
	return say("money.range", number(m.Min), number(m.Max), currency)
}

// budget says an opening's budget: 60 EUR an hour.
func budget(o *node.Opening) string {
	if o.Budget == nil {
		return ""
	}
	m := money(*o.Budget)
	if _, known := english["basis."+o.BudgetBasis]; known && o.BudgetBasis != "total" {
		return say("basis."+o.BudgetBasis, m)
	}
	return m
}

// period says when something begins and ends, whichever is known.
func period(begins, ends time.Time) string {
	switch {
	case begins.IsZero() && ends.IsZero():
		return ""
	case ends.IsZero():
		return say("opening.runs.from", day(begins))
	case begins.IsZero():
		return say("opening.runs.until", day(ends))
	default:
		return say("opening.runs.both", day(begins), day(ends))
	}
}

// standing says where an opening stands and until when, the first thing a reader wants to know:
// "open until 15 December 2026", "expired since 15 December 2026", "filled".
func standing(o *node.Opening, now time.Time) string {
	status := o.StatusAt(now)
	word := sayKnown("status.", string(status))
	switch {
	case status == node.Open && !o.Closes.IsZero():
		return say("opening.until", word, day(o.Closes))
	case status == node.Expired && !o.Closes.IsZero():
		return say("opening.was", word, day(o.Closes))
	}
	return word
}

// capital makes the first letter large.
func capital(s string) string {
	r := []rune(s)
	if len(r) == 0 {
		return s
	}
	return strings.ToUpper(string(r[:1])) + string(r[1:])
}

// list joins what is not empty.
func list(parts ...string) string {
	parts = slices.DeleteFunc(slices.Clone(parts), func(s string) bool { return s == "" })
	return strings.Join(parts, say("list.and"))
}

func words(prefix string, keys []string) string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = sayKnown(prefix, k)
	}
	return list(out...)
}

// languageName is what its speakers call a language: galego. What is no language stays as it is.
func languageName(tag string) string {
	t, err := language.Parse(tag)
	if err != nil {
		return plainName(tag)
	}
	if name := display.Self.Name(t); name != "" {
		return name
	}
	return plainName(tag)
}

func languageNames(tags []string) string {
	out := make([]string, len(tags))
	for i, t := range tags {
		out[i] = languageName(t)
	}
	return list(out...)
}

// countryName says Spain for ES; a part of a country (ES-GA) by the country and its code.
func countryName(code string) string {
	country, _, part := strings.Cut(code, "-")
	r, err := language.ParseRegion(country)
	if err != nil {
		return plainName(code)
	}
	name := display.English.Regions().Name(r)
	if part {
		name += " (" + plainName(code) + ")"
	}
	return name
}

func countryNames(codes []string) string {
	out := make([]string, len(codes))
	for i, c := range codes {
		out[i] = countryName(c)
	}
	return list(out...)
}

// place says where something is, by its name or from its parts.
func place(p node.Place) string {
	if p.Name != "" {
		return plainName(p.Name)
	}
	country := ""
	if p.Country != "" {
		country = countryName(p.Country)
	}
	return list(plainName(p.Locality), country)
}

// where says where an opening's work is done.
func where(o *node.Opening) string {
	zones := ""
	if o.TimeZones != "" {
		zones = strings.ReplaceAll(plainName(o.TimeZones), "/", " – ")
	}
	if o.Remote && zones != "" {
		return list(place(o.Place), say("opening.remote")+" ("+zones+")")
	}
	if o.Remote {
		zones = say("opening.remote")
	}
	return list(place(o.Place), zones)
}

func yesNo(b bool) string {
	if b {
		return say("profile.yes")
	}
	return say("profile.no")
}

// nameOf is the title of an object, or the start of its text.
func nameOf(t node.Text) string {
	if title := plainName(t.Title); title != "" {
		return title
	}
	if text := plainText(t.HTML, 80); text != "" {
		return text
	}
	return say("untitled")
}

func plainNames(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = plainName(n)
	}
	return list(out...)
}

// amountWords says in a list how much is asked for, and how much of it is still open where that is a part.
func amountWords(o *node.Opening) string {
	if o.Amount.Number <= 0 {
		return ""
	}
	if found := foundOf(o); found == 0 || found == o.Amount.Number {
		return quantity(o.Amount)
	}
	return say("opening.still", quantity(o.Amount), number(o.Available.Number))
}

// amountFact says how much is asked for and in which parts.
func amountFact(o *node.Opening) string {
	if o.Amount.Number <= 0 {
		return ""
	}
	parts := ""
	switch {
	case o.AllOrNothing:
		parts = say("opening.whole")
	case !o.Minimum.IsZero() && o.Minimum.Number > 0:
		parts = say("opening.from.up", quantity(o.Minimum))
	}
	return list(quantity(o.Amount), parts)
}

// budgetFact says whether a price is for everything.
func budgetFact(o *node.Opening) string {
	if o.Budget != nil && o.BudgetBasis == "total" {
		return say("basis.total", budget(o))
	}
	return budget(o)
}

// employment says FULL_TIME as "full time", and whether a job leads to membership.
func employment(o *node.Opening) string {
	track := ""
	if o.MemberTrack {
		track = say("opening.track")
	}
	kind := strings.ToLower(strings.ReplaceAll(plainName(o.EmploymentType), "_", " "))
	return capital(list(kind, track))
}

// customer is the name of the customer, or what kind of customer it is.
func customer(c *node.Customer) string {
	if c.Name != "" || c.Kind == "" {
		return plainName(c.Name)
	}
	return sayKnown("customer.", c.Kind)
}

// goal says what a project needs in all.
func goal(p *node.Project) string {
	hours, sum := "", ""
	if p.GoalHours > 0 {
		hours = quantity(node.Quantity{Number: p.GoalHours, Unit: node.Hours})
	}
	if p.GoalMoney != nil {
		sum = money(*p.GoalMoney)
	}
	return list(hours, sum)
}

// badgeOf and projectBadge are the class of a status: one of ours, whatever another server said.
func badgeOf(s node.Status) string {
	switch s {
	case node.Open, node.Paused, node.Filled, node.Withdrawn, node.Expired:
		return string(s)
	}
	return "other"
}

func projectBadge(s node.ProjectStatus) string {
	if slices.Contains(node.ProjectStatuses, s) {
		return string(s)
	}
	return "other"
}

// mailAddress is the address in a contact, if it is one that can be linked.
func mailAddress(s string) string {
	s = strings.TrimPrefix(strings.TrimSpace(s), "mailto:")
	if strings.Count(s, "@") != 1 || strings.ContainsAny(s, " ?&<>\"") {
		return ""
	}
	return s
}
