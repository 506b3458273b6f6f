package ui

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/coopnode/coopnode/node"
)

// Limits of what people type into a form.
const (
	maxLine  = 500    // characters of a line
	maxProse = 50_000 // characters of a text
	maxWords = 50     // in a list
)

// A sheet is a form as somebody filled it in: what was typed, which is shown again as it is, and what is wrong with it.
type sheet struct {
	tongue *tongue // of who filled it in
	typed  url.Values
	faults []fault
}

// A fault is what is wrong with a field: the key of a text and its values.
type fault struct {
	field, key string
	values     []any
}

// wrong notes what is wrong with a field.
func (s *sheet) wrong(field, key string, values ...any) {
	s.faults = append(s.faults, fault{field, key, values})
}

// errors says what is wrong, in the order in which it was found.
func (s *sheet) errors(ctx context.Context) (errs fieldErrors) {
	for _, f := range s.faults {
		values := make([]any, len(f.values))
		for i, v := range f.values {
			if n, ok := v.(int); ok {
				v = number(ctx, float64(n))
			}
			values[i] = v
		}
		errs.add(f.field, say(ctx, f.key, values...))
	}
	return errs
}

// line is what stands in a field of one line.
func (s *sheet) line(name string) string {
	v := plainName(s.typed.Get(name))
	if utf8.RuneCountInString(v) > maxLine {
		s.wrong(name, "form.long", maxLine)
	}
	return v
}

// prose is a text of several lines.
func (s *sheet) prose(name string) string {
	v := strings.TrimRight(strings.ReplaceAll(s.typed.Get(name), "\r\n", "\n"), " \t\n")
	if utf8.RuneCountInString(v) > maxProse {
		s.wrong(name, "form.long", maxProse)
	}
	return v
}

// ticked says whether a box is ticked.
func (s *sheet) ticked(name string) bool { return s.typed.Get(name) != "" }

// one is one of a few values, "" where none was chosen.
func (s *sheet) one(name string, allowed []string) string {
	v := s.typed.Get(name)
	if v != "" && !slices.Contains(allowed, v) {
		s.wrong(name, "form.choose")
		return ""
	}
	return v
}

// several are those of a few values that were ticked.
func (s *sheet) several(name string, allowed []string) (list []string) {
	for _, v := range s.typed[name] {
		if slices.Contains(allowed, v) && !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	return list
}

// words are what stands between commas.
func (s *sheet) words(name string) (list []string) {
	for w := range strings.FieldsFuncSeq(s.typed.Get(name), func(r rune) bool { return r == ',' || r == '、' || r == ';' || r == '\n' }) {
		if w = plainName(w); w != "" && !slices.Contains(list, w) {
			list = append(list, w)
		}
	}
	if len(list) > maxWords {
		s.wrong(name, "form.many", maxWords)
	}
	return list
}

// lines are what stands on each line.
func (s *sheet) lines(name string) (list []string) {
	for l := range strings.SplitSeq(s.typed.Get(name), "\n") {
		if l = plainName(l); l != "" {
			list = append(list, l)
		}
	}
	if len(list) > maxWords {
		s.wrong(name, "form.many", maxWords)
	}
	return list
}

// day is a date: the beginning of it, or its last second where something lasts until then. Where it is the date of was, was
// stays, for it may be a moment of that day.
func (s *sheet) day(name string, until bool, was time.Time) time.Time {
	v := strings.TrimSpace(s.typed.Get(name))
	if v == "" || v == dayField(was) {
		if v == "" {
			return time.Time{}
		}
		return was
	}
	d, err := time.Parse(time.DateOnly, v)
	if err != nil || d.Year() < 1800 || d.Year() > 9998 {
		s.wrong(name, "form.day")
		return was
	}
	if until {
		return d.Add(24*time.Hour - time.Second)
	}
	return d
}

// dayField is a date as a field for dates wants it.
func dayField(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// figure is a number, not below zero; false where none was given or it is wrong. A comma may stand for the point.
func (s *sheet) figure(name string) (float64, bool) {
	v := strings.ReplaceAll(strings.Join(strings.Fields(s.typed.Get(name)), ""), ",", ".")
	if v == "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || f < 0 || f > 1e12 || f != f {
		s.wrong(name, "form.number")
		return 0, false
	}
	return f, true
}

// count is a whole number, nil where none was given.
func (s *sheet) count(name string) *int {
	f, ok := s.figure(name)
	if !ok {
		return nil
	}
	n := int(f)
	if float64(n) != f || n > 1e9 {
		s.wrong(name, "form.whole")
		return nil
	}
	return &n
}

func countField(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

func figureField(f float64) string {
	if f == 0 {
		return ""
	}
	return node.FormatNumber(f)
}

// maybe is yes, no or unsaid.
func (s *sheet) maybe(name string) *bool {
	switch s.one(name, []string{"yes", "no"}) {
	case "yes":
		return new(true)
	case "no":
		return new(false)
	}
	return nil
}

func maybeField(b *bool) string {
	switch {
	case b == nil:
		return ""
	case *b:
		return "yes"
	}
	return "no"
}

// money is an amount or a range in one currency, nil where none was given. Its fields are name.min, name.max and
// name.currency.
func (s *sheet) money(name string) *node.Money {
	low, given := s.figure(name + ".min")
	high, ranged := s.figure(name + ".max")
	currency := strings.ToUpper(s.line(name + ".currency"))
	switch {
	case !given && !ranged:
		return nil
	case !given:
		low = high
	case !ranged:
		high = low
	}
	m := &node.Money{Currency: currency, Min: low, Max: high}
	switch {
	case high < low:
		s.wrong(name+".max", "form.money.order")
	case m.Validate() != nil:
		s.wrong(name+".currency", "form.money.currency")
	}
	return m
}

func putMoney(v url.Values, name string, m *node.Money) {
	if m == nil {
		return
	}
	v.Set(name+".min", node.FormatNumber(m.Min))
	if !m.Fixed() {
		v.Set(name+".max", node.FormatNumber(m.Max))
	}
	v.Set(name+".currency", m.Currency)
}

// web is an address on the web. One that lacks the scheme gets it.
func (s *sheet) web(name string) string {
	v := s.line(name)
	address, ok := readWeb(v)
	if !ok {
		s.wrong(name, "form.web")
		return v
	}
	return address
}

// readWeb completes an address, and says whether a page could link to it.
func readWeb(v string) (string, bool) {
	if v == "" {
		return "", true
	}
	if !strings.Contains(v, "://") {
		v = "https://" + v
	}
	u, err := url.Parse(v)
	return v, err == nil && webAddress(v) != "" && (strings.Contains(u.Hostname(), ".") || u.Hostname() == "localhost")
}

// skills are in a word or two each. A name that was there before keeps its key.
func (s *sheet) skills(name string, was []node.Skill) (list []node.Skill) {
	for _, w := range s.words(name) {
		skill := node.SkillFrom(w)
		if i := slices.IndexFunc(was, func(o node.Skill) bool { return skillField(o) == w || o.Key == skill.Key }); i >= 0 {
			skill = was[i]
		}
		if !node.ValidSkill(skill.Key) {
			s.wrong(name, "form.skill", w)
			continue
		}
		list = append(list, skill)
	}
	return list
}

func skillField(s node.Skill) string {
	if s.Name != "" {
		return s.Name
	}
	return s.Key
}

func skillsField(skills []node.Skill) string {
	names := make([]string, len(skills))
	for i, s := range skills {
		names[i] = skillField(s)
	}
	return strings.Join(names, ", ")
}

// languages are tags, or names in the language of the visit, in English or as their speakers say.
func (s *sheet) languages(name string) (list []string) {
	for _, w := range s.words(name) {
		tag, ok := readLanguage(s.tongue, w)
		if !ok {
			s.wrong(name, "form.language", w)
			continue
		}
		list = append(list, tag)
	}
	return list
}

// language is one tag, in the form of BCP 47.
func (s *sheet) language(name string) string {
	v := s.line(name)
	tag, ok := readLanguage(s.tongue, v)
	if !ok {
		s.wrong(name, "form.language", v)
		return v
	}
	return tag
}

func readLanguage(in *tongue, w string) (string, bool) {
	if w == "" {
		return "", true
	}
	for _, tag := range node.NamedLanguages() {
		for _, other := range []string{in.rules.String(), "en", node.OwnName} {
			if strings.EqualFold(node.LanguageName(other, tag), w) {
				return tag, true
			}
		}
	}
	t, err := language.Parse(w)
	if err != nil || !node.ValidLanguage(w) {
		return w, false
	}
	return t.String(), true
}

// countries are codes of ISO 3166-1, or names in the language of the visit or in English.
func (s *sheet) countries(name string) (list []string) {
	for _, w := range s.words(name) {
		code, ok := readCountry(s.tongue, w)
		if !ok {
			s.wrong(name, "form.country", w)
			continue
		}
		list = append(list, code)
	}
	return list
}

// country is one code.
func (s *sheet) country(name string) string {
	v := s.line(name)
	code, ok := readCountry(s.tongue, v)
	if !ok {
		s.wrong(name, "form.country", v)
		return v
	}
	return code
}

func readCountry(in *tongue, w string) (string, bool) {
	if w == "" {
		return "", true
	}
	if r, err := language.ParseRegion(w); err == nil && len(w) == 2 && r.IsCountry() {
		return strings.ToUpper(w), true
	}
	for _, code := range node.NamedCountries() {
		if r, err := language.ParseRegion(code); err != nil || !r.IsCountry() || len(code) != 2 {
			continue // a part of the world
		}
		for _, other := range []string{in.rules.String(), "en"} {
			if strings.EqualFold(node.CountryName(other, code), w) {
				return code, true
			}
		}
	}
	return w, false
}

// code is a short code in capitals, like ES-GA.
func (s *sheet) code(name string, form *regexp.Regexp, key string) string {
	v := strings.ToUpper(s.line(name))
	if v != "" && !form.MatchString(v) {
		s.wrong(name, key)
	}
	return v
}

// regionCode is a country or a part of one (ISO 3166-2).
var regionCode = regexp.MustCompile(`^[A-Z]{2}(-[A-Z0-9]{1,3})?$`)

// A version is a text in one language, as it stands in the fields whose names end in its number.
func versionField(name string, i int) string { return name + "." + strconv.Itoa(i) }

// versions counts the languages of a form.
func versions(typed url.Values) (n int) {
	for typed.Has(versionField("lang", n)) && n < maxVersions {
		n++
	}
	return n
}

// maxVersions is in how many languages one thing can be written.
const maxVersions = 20

// addVersion adds fields for one more language.
func addVersion(typed url.Values, lang string) {
	if n := versions(typed); n < maxVersions {
		typed.Set(versionField("lang", n), lang)
	}
}

// dropVersion takes one language out of a form; the first one stays. names are the fields that it has.
func dropVersion(typed url.Values, i int, names []string) {
	n := versions(typed)
	if i <= 0 || i >= n {
		return
	}
	for _, name := range append([]string{"lang"}, names...) {
		for k := i; k+1 < n; k++ {
			typed.Set(versionField(name, k), typed.Get(versionField(name, k+1)))
		}
		typed.Del(versionField(name, n-1))
	}
}

// texts reads the versions of a text: its title, where it has one, and its source. A version in which nothing stands is left
// out, but for the first one. What is there already in a language and was not written here stays.
func (s *sheet) texts(title, source string, was []node.Text) (list []node.Text) {
	seen := map[string]bool{}
	for i := range versions(s.typed) {
		lang := versionField("lang", i)
		t := node.Text{Lang: s.language(lang), Source: s.prose(versionField(source, i))}
		if title != "" {
			t.Title = s.line(versionField(title, i))
		}
		if i > 0 && t.Title == "" && t.Source == "" {
			continue
		}
		if seen[t.Lang] {
			s.wrong(lang, "form.language.twice")
		} else if t.Lang == "" && versions(s.typed) > 1 {
			s.wrong(lang, "form.language.which")
		}
		seen[t.Lang] = true
		if k := slices.IndexFunc(was, func(o node.Text) bool { return o.Lang == t.Lang && o.Source == "" }); k >= 0 && t.Source == "" {
			t.HTML = was[k].HTML
		}
		list = append(list, t)
	}
	return list
}

// putTexts writes the versions of a text into a form.
func putTexts(v url.Values, title, source string, texts []node.Text) {
	for i, t := range texts {
		if !v.Has(versionField("lang", i)) {
			v.Set(versionField("lang", i), t.Lang)
		}
		if title != "" {
			v.Set(versionField(title, i), t.Title)
		}
		v.Set(versionField(source, i), t.Source)
	}
}

// putBeside writes texts that stand beside the versions of another one into the fields of their languages.
func putBeside(v url.Values, source string, texts []node.Text) {
	for _, t := range texts {
		for i := range versions(v) {
			if v.Get(versionField("lang", i)) == t.Lang {
				v.Set(versionField(source, i), t.Source)
			}
		}
	}
}

// beside reads them again. One in which nothing stands is left out.
func (s *sheet) beside(source string) (list []node.Text) {
	for i := range versions(s.typed) {
		if text := s.prose(versionField(source, i)); text != "" {
			lang, _ := readLanguage(s.tongue, s.line(versionField("lang", i)))
			list = append(list, node.Text{Lang: lang, Source: text})
		}
	}
	return list
}

// Pictures stand in a form by their address and what they show.
const (
	pictureField   = "picture"
	describedField = "described"
)

func putPictures(v url.Values, list []node.Picture) {
	for i, p := range list {
		v.Set(versionField(pictureField, i), p.Address)
		v.Set(versionField(describedField, i), p.Description)
	}
}

// pictured counts the pictures of a form.
func pictured(typed url.Values) (n int) {
	for typed.Has(versionField(pictureField, n)) && n < maxVersions {
		n++
	}
	return n
}

func addPicture(typed url.Values, p *node.Picture) {
	n := pictured(typed)
	typed.Set(versionField(pictureField, n), p.Address)
	typed.Set(versionField(describedField, n), p.Description)
}

func dropPicture(typed url.Values, i int) {
	n := pictured(typed)
	if i < 0 || i >= n {
		return
	}
	for _, name := range []string{pictureField, describedField} {
		for k := i; k+1 < n; k++ {
			typed.Set(versionField(name, k), typed.Get(versionField(name, k+1)))
		}
		typed.Del(versionField(name, n-1))
	}
}

func (s *sheet) pictures() (list []node.Picture) {
	for i := range pictured(s.typed) {
		p := node.Picture{Address: s.typed.Get(versionField(pictureField, i)), Description: plainName(s.typed.Get(versionField(describedField, i)))}
		if p.Description == "" {
			s.wrong(versionField(describedField, i), "picture.describe")
		}
		list = append(list, p)
	}
	return list
}

// optionsOf are values with their words: the text of prefix and value.
func optionsOf[S ~string](ctx context.Context, prefix string, values []S) []option {
	list := make([]option, len(values))
	for i, v := range values {
		list[i] = option{string(v), capital(sayKnown(ctx, prefix, string(v)))}
	}
	return list
}
