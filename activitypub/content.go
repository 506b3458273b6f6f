package activitypub

import (
	"cmp"
	"fmt"
	"html"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"

	"github.com/coopnode/coopnode/node"
)

// What people elsewhere read of an opening or a project is its content alone, so content repeats
// every fact, in the language of the text (vocabulary, rule 2). The words are in contentwords.go.

// wordsFor picks the words of a text's language; English where we have none.
func wordsFor(lang string) words {
	switch primary, _, _ := strings.Cut(strings.ToLower(lang), "-"); primary {
	case "es":
		return spanish
	case "gl":
		return galician
	}
	return english
}

// day writes a date out: the time zone is UTC, as on the wire.
func (w words) day(t time.Time) string {
	t = t.UTC()
	return fmt.Sprintf(w.date, t.Day(), w.months[t.Month()-1], t.Year())
}

// number writes a number as readers of the language do.
func (w words) number(f float64) string {
	return message.NewPrinter(w.tag).Sprint(number.Decimal(f, number.MaxFractionDigits(2)))
}

// languageNames are the names of languages in the language of the text.
func (w words) languageNames(tags []string) string {
	names := make([]string, len(tags))
	for i, t := range tags {
		names[i] = t
		if tag, err := language.All.Parse(t); err == nil {
			names[i] = cmp.Or(node.LanguageName(w.tag.String(), tag.String()), t)
		}
	}
	return strings.Join(names, ", ")
}

func (w words) quantity(q node.Quantity) string {
	form := w.units[q.Unit]
	unit := form[1]
	if q.Number == 1 {
		unit = form[0]
	}
	return w.number(q.Number) + " " + unit
}

func (w words) money(m node.Money) string {
	if m.Fixed() {
		return w.number(m.Min) + " " + m.Currency
	}
	return fmt.Sprintf(w.fromTo, w.number(m.Min), w.number(m.Max)) + " " + m.Currency
}

func (w words) list(values []string, in map[string]string) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = v
		if word := in[v]; word != "" {
			out[i] = word
		}
	}
	return strings.Join(out, ", ")
}

// facts collects "Label: value" lines.
type facts []string

func (f *facts) add(label, value string) {
	if value != "" {
		*f = append(*f, html.EscapeString(label+": "+value))
	}
}

func (f facts) html() string {
	if len(f) == 0 {
		return ""
	}
	return "<p>" + strings.Join(f, "<br>") + "</p>"
}

// openingHTML is what Mastodon shows of an opening: status and deadline in the first line
// (decisions 16), then the title, the text and the facts, the page to answer on, the hashtags.
func openingHTML(l node.Links, o *node.Opening, t node.Text) string {
	w := wordsFor(t.Lang)
	status := w.status[o.Status]
	if o.Status == node.Open && !o.Closes.IsZero() {
		status = fmt.Sprintf(w.until, w.day(o.Closes))
	}
	var b strings.Builder
	b.WriteString("<p><strong>" + html.EscapeString(status) + "</strong> · " + html.EscapeString(w.kinds[o.Kind]) + "</p>")
	b.WriteString("<p><strong>" + html.EscapeString(titleOf(t, &o.Base)) + "</strong></p>")
	if o.BehalfName != "" {
		b.WriteString("<p>" + html.EscapeString(fmt.Sprintf(w.behalf, o.BehalfName)) + "</p>")
	}
	b.WriteString(t.HTML)
	var f facts
	f.add(w.skills, skillNames(o.Skills))
	f.add(w.languages, w.languageNames(o.Languages))
	f.add(w.where, w.whereOf(o))
	f.add(w.amount, w.amountOf(o))
	if o.Budget != nil {
		f.add(w.budget, strings.TrimSpace(w.money(*o.Budget)+" "+w.bases[o.BudgetBasis]))
	}
	f.add(w.dates, w.datesOf(o.Begins, o.Ends))
	if o.Customer != nil {
		f.add(w.forCustomer, o.Customer.Name)
	}
	b.WriteString(f.html())
	if o.Status == node.Open {
		b.WriteString("<p>" + html.EscapeString(w.who+": "+w.list(o.Answer.Who, w.whoValues)) + ". " + html.EscapeString(w.answerHere) + ": " + link(o.URL) + " " + html.EscapeString(w.orReply) + ".</p>")
	} else {
		b.WriteString("<p>" + link(o.URL) + "</p>")
	}
	b.WriteString(tagLine(l, openingTags(o)))
	return b.String()
}

func (w words) whereOf(o *node.Opening) string {
	var parts []string
	if o.Remote {
		remote := w.remote
		if o.TimeZones != "" {
			remote += " (" + o.TimeZones + ")"
		}
		parts = append(parts, remote)
	}
	if place := cmp.Or(o.Place.Name, o.Place.Locality); place != "" {
		parts = append(parts, place)
	}
	return strings.Join(parts, ", ")
}

func (w words) amountOf(o *node.Opening) string {
	if o.Amount.IsZero() {
		return ""
	}
	s := w.quantity(o.Amount)
	if o.AllOrNothing {
		s += ", " + w.whole
	} else if !o.Minimum.IsZero() {
		s += ", " + fmt.Sprintf(w.upwards, w.quantity(o.Minimum))
	}
	return s
}

func (w words) datesOf(from, to time.Time) string {
	switch {
	case !from.IsZero() && !to.IsZero():
		return fmt.Sprintf(w.fromTo, w.day(from), w.day(to))
	case !from.IsZero():
		return fmt.Sprintf(w.upwards, w.day(from))
	case !to.IsZero():
		return "… " + w.day(to)
	}
	return ""
}

// projectHTML is the card of a project.
func projectHTML(l node.Links, p *node.Project, t node.Text) string {
	w := wordsFor(t.Lang)
	var b strings.Builder
	b.WriteString("<p><strong>" + html.EscapeString(w.project+": "+titleOf(t, &p.Base)) + "</strong> · " + html.EscapeString(w.states[p.Status]) + "</p>")
	b.WriteString(t.HTML)
	var f facts
	var goal []string
	if p.GoalHours > 0 {
		goal = append(goal, w.quantity(node.Quantity{Number: p.GoalHours, Unit: node.Hours}))
	}
	if p.GoalMoney != nil {
		goal = append(goal, w.money(*p.GoalMoney))
	}
	f.add(w.goal, strings.Join(goal, ", "))
	f.add(w.coordination, p.Coordination)
	f.add(w.dates, w.datesOf(p.Begins, p.Ends))
	b.WriteString(f.html())
	b.WriteString("<p>" + link(p.URL) + "</p>")
	b.WriteString(tagLine(l, p.Tags))
	return b.String()
}

// postHTML is a post: its text, the ones it names first, the hashtags last.
func postHTML(l node.Links, p *node.Post, t node.Text) string {
	var names []string
	for _, m := range p.Mentions {
		names = append(names, `<a href="`+html.EscapeString(m.Actor)+`" class="u-url mention">`+html.EscapeString(m.Address)+`</a>`)
	}
	lead := ""
	if len(names) > 0 {
		lead = "<p>" + strings.Join(names, " ") + "</p>"
	}
	return lead + t.HTML + tagLine(l, p.Tags)
}

// openingTags are an opening's hashtags: the one under which all openings are found, its skills, its own.
func openingTags(o *node.Opening) []string {
	tags := []string{"coopwork"}
	for _, s := range o.Skills {
		tags = append(tags, strings.ReplaceAll(s.Key, "-", ""))
	}
	seen := map[string]bool{}
	var out []string
	for _, t := range append(tags, o.Tags...) {
		if low := strings.ToLower(t); !seen[low] {
			seen[low] = true
			out = append(out, t)
		}
	}
	return out
}

func tagLine(l node.Links, tags []string) string {
	if len(tags) == 0 {
		return ""
	}
	out := make([]string, len(tags))
	for i, t := range tags {
		out[i] = `<a href="` + html.EscapeString(l.Tag(t)) + `" class="mention hashtag" rel="tag">#` + html.EscapeString(t) + `</a>`
	}
	return "<p>" + strings.Join(out, " ") + "</p>"
}

func link(address string) string {
	_, shown, _ := strings.Cut(address, "://")
	return `<a href="` + html.EscapeString(address) + `">` + html.EscapeString(shown) + `</a>`
}

func titleOf(t node.Text, b *node.Base) string {
	if t.Title != "" {
		return t.Title
	}
	return b.Title()
}

func skillNames(skills []node.Skill) string {
	names := make([]string, len(skills))
	for i, s := range skills {
		names[i] = s.Label()
	}
	return strings.Join(names, ", ")
}
