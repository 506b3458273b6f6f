package ui

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/coopnode/coopnode/node"
)

// day writes a date out: 15 December 2026. Dates are those of UTC, as in what is sent to others.
func day(ctx context.Context, t time.Time) string {
	t = t.UTC()
	if t.Day() == 1 {
		return say(ctx, "date.first", 1, monthName(ctx, t.Month()), t.Year()) // 1er janvier 2027
	}
	return say(ctx, "date.day", t.Day(), monthName(ctx, t.Month()), t.Year())
}

func monthName(ctx context.Context, m time.Month) string {
	return say(ctx, "month."+strconv.Itoa(int(m)))
}

// shortMonth names a month where there is little room: Dec.
func shortMonth(ctx context.Context, t time.Time) string {
	return say(ctx, "month.short."+strconv.Itoa(int(t.Month())))
}

// dayOf writes out a date that came as text, 2011-05-03; what is no date stays as it is.
func dayOf(ctx context.Context, s string) string {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return day(ctx, t)
	}
	return plainName(s)
}

// moment adds the hour to a date unless it is the end of a day, which is how a mere date is kept.
func moment(ctx context.Context, t time.Time) string {
	if isDay(t) {
		return day(ctx, t)
	}
	return say(ctx, "date.moment", day(ctx, t), t.UTC().Format("15:04"))
}

// isDay says whether a time stands for a whole day of UTC.
func isDay(t time.Time) bool {
	t = t.UTC()
	return t.Hour() == 23 && t.Minute() == 59 || t.Hour() == 0 && t.Minute() == 0
}

// daysLeft says how long a deadline is away in whole days; "" if it has passed.
func daysLeft(ctx context.Context, now, deadline time.Time) string {
	switch left := deadline.Sub(now); {
	case left <= 0:
		return ""
	case left < 24*time.Hour:
		return say(ctx, "days.today")
	default:
		return sayCount(ctx, "days.left", float64(int(left/(24*time.Hour))))
	}
}

// soon is how near a deadline is that wants attention.
const soon = 14 * 24 * time.Hour

// quantity says 240 hours, 3 people.
func quantity(ctx context.Context, q node.Quantity) string {
	if q.IsZero() {
		return ""
	}
	if !tongueOf(ctx).has("unit." + string(q.Unit) + ".other") {
		return number(ctx, q.Number) + " " + plainName(string(q.Unit))
	}
	return sayCount(ctx, "unit."+string(q.Unit), q.Number)
}

// money says 9,000 to 12,000 EUR.
func money(ctx context.Context, m node.Money) string {
	currency := plainName(m.Currency)
	if m.Fixed() {
		return say(ctx, "money.fixed", number(ctx, m.Max), currency)
	}
	return say(ctx, "money.range", number(ctx, m.Min), number(ctx, m.Max), currency)
}

// budget says an opening's budget: 60 EUR an hour.
func budget(ctx context.Context, o *node.Opening) string {
	if o.Budget == nil {
		return ""
	}
	m := money(ctx, *o.Budget)
	if tongueOf(ctx).has("basis."+o.BudgetBasis) && o.BudgetBasis != "total" {
		return say(ctx, "basis."+o.BudgetBasis, m)
	}
	return m
}

// period says when something begins and ends, whichever is known.
func period(ctx context.Context, begins, ends time.Time) string {
	switch {
	case begins.IsZero() && ends.IsZero():
		return ""
	case ends.IsZero():
		return say(ctx, "opening.runs.from", day(ctx, begins))
	case begins.IsZero():
		return say(ctx, "opening.runs.until", day(ctx, ends))
	default:
		return say(ctx, "opening.runs.both", day(ctx, begins), day(ctx, ends))
	}
}

// standing says where an opening stands and until when, the first thing a reader wants to know:
// "open until 15 December 2026", "expired since 15 December 2026", "filled".
func standing(ctx context.Context, o *node.Opening, now time.Time) string {
	status := o.StatusAt(now)
	switch {
	case status == node.Open && !o.Closes.IsZero():
		return say(ctx, "opening.until", day(ctx, o.Closes))
	case status == node.Expired && !o.Closes.IsZero():
		return say(ctx, "opening.since", day(ctx, o.Closes))
	}
	return sayKnown(ctx, "status.", string(status))
}

// capital makes the first letter large.
func capital(s string) string {
	r := []rune(s)
	if len(r) == 0 {
		return s
	}
	return strings.ToUpper(string(r[:1])) + string(r[1:])
}

// list puts one fact beside the other, without what is empty: 240 hours, remote.
func list(ctx context.Context, parts ...string) string {
	return strings.Join(filled(parts), say(ctx, "list.and"))
}

// series counts up what belongs together, without what is empty: A, B and C.
func series(ctx context.Context, parts ...string) string {
	parts = filled(parts)
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	first, last := strings.Join(parts[:len(parts)-1], say(ctx, "list.and")), parts[len(parts)-1]
	if soundsLikeI(last) {
		return say(ctx, "list.last.i", first, last) // español e inglés
	}
	return say(ctx, "list.last", first, last)
}

func filled(parts []string) []string {
	return slices.DeleteFunc(slices.Clone(parts), func(s string) bool { return s == "" })
}

// soundsLikeI says whether a word begins with the sound of the Spanish y: inglés, hilo, but not hierro.
func soundsLikeI(s string) bool {
	s = strings.TrimPrefix(strings.ToLower(s), "h")
	r, size := utf8.DecodeRuneInString(s)
	next, _ := utf8.DecodeRuneInString(s[size:])
	return (r == 'i' || r == 'í') && !strings.ContainsRune("aeoáéó", next)
}

func words(ctx context.Context, prefix string, keys []string) string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = sayKnown(ctx, prefix, k)
	}
	return series(ctx, out...)
}

// languageName says Galician for gl; what is no language stays as it is.
func languageName(ctx context.Context, tag string) string {
	return languageIn(tag, tongueOf(ctx).rules.String(), node.OwnName)
}

// ownName is what its speakers call a language: galego. What is no language stays as it is.
func ownName(tag string) string {
	return languageIn(tag, node.OwnName)
}

// languageIn is the name of a language in the first of others that has one.
func languageIn(tag string, in ...string) string {
	if t, err := language.All.Parse(tag); err == nil {
		for _, other := range in {
			if name := node.LanguageName(other, t.String()); name != "" {
				return name
			}
		}
	}
	return plainName(tag)
}

func languageNames(ctx context.Context, tags []string) string {
	out := make([]string, len(tags))
	for i, t := range tags {
		out[i] = languageName(ctx, t)
	}
	return series(ctx, out...)
}

// countryName says Spain for ES; a part of a country (ES-GA) by the country and its code.
func countryName(ctx context.Context, code string) string {
	country, _, part := strings.Cut(code, "-")
	r, err := language.ParseRegion(country)
	if err != nil {
		return plainName(code)
	}
	name := cmp.Or(node.CountryName(tongueOf(ctx).rules.String(), r.Canonicalize().String()), plainName(country))
	if part {
		name += " (" + plainName(code) + ")"
	}
	return name
}

func countryNames(ctx context.Context, codes []string) string {
	out := make([]string, len(codes))
	for i, c := range codes {
		out[i] = countryName(ctx, c)
	}
	return series(ctx, out...)
}

// place says where something is, by its name or from its parts.
func place(ctx context.Context, p node.Place) string {
	if p.Name != "" {
		return plainName(p.Name)
	}
	country := ""
	if p.Country != "" {
		country = countryName(ctx, p.Country)
	}
	return list(ctx, plainName(p.Locality), country)
}

// where says where an opening's work is done.
func where(ctx context.Context, o *node.Opening) string {
	zones := ""
	if o.TimeZones != "" {
		zones = strings.ReplaceAll(plainName(o.TimeZones), "/", " – ")
	}
	if o.Remote && zones != "" {
		return list(ctx, place(ctx, o.Place), say(ctx, "opening.remote")+" ("+zones+")")
	}
	if o.Remote {
		zones = say(ctx, "opening.remote")
	}
	return list(ctx, place(ctx, o.Place), zones)
}

func yesNo(ctx context.Context, b bool) string {
	if b {
		return say(ctx, "profile.yes")
	}
	return say(ctx, "profile.no")
}

// nameOf is the title of an object, or the start of its text.
func nameOf(ctx context.Context, t node.Text) string {
	if title := plainName(t.Title); title != "" {
		return title
	}
	if text := plainText(t.HTML, 80); text != "" {
		return text
	}
	return say(ctx, "untitled")
}

func plainNames(ctx context.Context, names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = plainName(n)
	}
	return series(ctx, out...)
}

// amountWords says in a list how much is asked for, and how much of it is still open where that is a part.
func amountWords(ctx context.Context, o *node.Opening) string {
	if o.Amount.Number <= 0 {
		return ""
	}
	if found := foundOf(o); found == 0 || found == o.Amount.Number {
		return quantity(ctx, o.Amount)
	}
	return say(ctx, "opening.still", quantity(ctx, o.Amount), number(ctx, o.Available.Number))
}

// amountFact says how much is asked for and in which parts.
func amountFact(ctx context.Context, o *node.Opening) string {
	if o.Amount.Number <= 0 {
		return ""
	}
	parts := ""
	switch {
	case o.AllOrNothing:
		parts = say(ctx, "opening.whole")
	case !o.Minimum.IsZero() && o.Minimum.Number > 0:
		parts = say(ctx, "opening.from.up", quantity(ctx, o.Minimum))
	}
	return list(ctx, quantity(ctx, o.Amount), parts)
}

// budgetFact says whether a price is for everything.
func budgetFact(ctx context.Context, o *node.Opening) string {
	if o.Budget != nil && o.BudgetBasis == "total" {
		return say(ctx, "basis.total", budget(ctx, o))
	}
	return budget(ctx, o)
}

// employment says FULL_TIME as "full time", and whether a job leads to membership.
func employment(ctx context.Context, o *node.Opening) string {
	track := ""
	if o.MemberTrack {
		track = say(ctx, "opening.track")
	}
	kind := sayKnown(ctx, "employment.", o.EmploymentType)
	if kind == plainName(o.EmploymentType) { // a word of schema.org for which we have none
		kind = strings.ToLower(strings.ReplaceAll(kind, "_", " "))
	}
	return capital(list(ctx, kind, track))
}

// customer is the name of the customer, or what kind of customer it is.
func customer(ctx context.Context, c *node.Customer) string {
	if c.Name != "" || c.Kind == "" {
		return plainName(c.Name)
	}
	return sayKnown(ctx, "customer.", c.Kind)
}

// goal says what a project needs in all.
func goal(ctx context.Context, p *node.Project) string {
	hours, sum := "", ""
	if p.GoalHours > 0 {
		hours = quantity(ctx, node.Quantity{Number: p.GoalHours, Unit: node.Hours})
	}
	if p.GoalMoney != nil {
		sum = money(ctx, *p.GoalMoney)
	}
	return list(ctx, hours, sum)
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
