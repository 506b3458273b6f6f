package node

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Skill is a DefinedTerm of schema.org: Key matches, Name is read (vocabulary 2.1).
type Skill struct {
	Key    string `json:"key"` // lower case, [a-z0-9-]
	Name   string `json:"name,omitempty"`
	SameAs string `json:"sameAs,omitempty"` // ESCO address, if known
}

// ValidSkill says whether s can be the key of a skill: up to 64 small letters, digits and hyphens, of which none is first.
// As a regular expression it would take 4 MB.
func ValidSkill(s string) bool {
	for i, r := range s {
		if !unicode.In(r, unicode.Ll, unicode.Lo, unicode.Nd) && (r != '-' || i == 0) {
			return false
		}
	}
	return s != "" && utf8.RuneCountInString(s) <= 64
}

// SkillFrom makes a skill of what a person typed: "Web engines" becomes the key web-engines.
func SkillFrom(s string) Skill {
	name := strings.TrimSpace(s)
	key := strings.ToLower(strings.Join(strings.Fields(name), "-"))
	if key == name {
		return Skill{Key: key}
	}
	return Skill{Key: key, Name: name}
}

// Label is the text to show.
func (s Skill) Label() string {
	if s.Name != "" {
		return s.Name
	}
	return strings.ReplaceAll(s.Key, "-", " ")
}

// Unit is what a quantity counts (decisions 14).
type Unit string

// The four units.
const (
	People Unit = "people"
	Hours  Unit = "hour"
	Days   Unit = "day"
	Items  Unit = "item"
)

// Quantity is a number of units. The zero value means "not given".
type Quantity struct {
	Number float64 `json:"number"` // 0 to 1e12
	Unit   Unit    `json:"unit"`
}

// unitWords are the ways in which a unit is written.
var unitWords = map[string]Unit{
	"people": People, "person": People, "persons": People,
	"hour": Hours, "hours": Hours, "h": Hours,
	"day": Days, "days": Days,
	"item": Items, "items": Items, "one": Items,
}

// maxNumber bounds amounts, so that sums stay exact to the cent.
const maxNumber = 1e12

// validate checks that the unit is one of the four and that 0 <= Number <= 1e12.
func (q Quantity) validate() error {
	if unitWords[string(q.Unit)] == q.Unit && isAmount(q.Number) {
		return nil
	}
	return notQuantity(q.String())
}

func notQuantity(s string) error {
	return wrong("read quantity", "quantity", "%q is not an amount. Write a number and one of people, hour, day, item: '240 hour'.", s)
}

func isAmount(f float64) bool { return f >= 0 && f <= maxNumber } // false for what is no number

// IsZero says that no quantity was given.
func (q Quantity) IsZero() bool { return q.Unit == "" }

// String is the form that ParseQuantity reads: "240 hour".
func (q Quantity) String() string {
	if q.IsZero() {
		return ""
	}
	return FormatNumber(q.Number) + " " + string(q.Unit)
}

// FormatNumber writes a number with a point and without needless zeros.
func FormatNumber(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// ParseQuantity reads "240 hour", "3 people", "1 day", "2 items". Plurals are understood. Errors are Invalid.
func ParseQuantity(s string) (Quantity, error) {
	f := strings.Fields(s)
	if len(f) != 2 {
		return Quantity{}, notQuantity(s)
	}
	number, err := strconv.ParseFloat(f[0], 64)
	unit, known := unitWords[strings.ToLower(f[1])]
	if err != nil || !known || !isAmount(number) {
		return Quantity{}, notQuantity(s)
	}
	return Quantity{number, unit}, nil
}

// Money is an amount or a range in one currency: schema.org MonetaryAmount.
type Money struct {
	Currency string  `json:"currency"` // ISO 4217
	Min      float64 `json:"min"`
	Max      float64 `json:"max"` // equal to Min for a fixed price
}

var currencyCode = regexp.MustCompile(`^[A-Z]{3}$`)

// Fixed says that there is one price, not a range.
func (m Money) Fixed() bool { return m.Min == m.Max }

// Validate checks the currency and that 0 <= Min <= Max <= 1e12. Errors are Invalid.
func (m Money) Validate() error {
	if !currencyCode.MatchString(m.Currency) {
		return wrong("read money", "currency", "%q is not a currency. Write its three letters: EUR, ARS, JPY.", m.Currency)
	}
	if !isAmount(m.Min) || !isAmount(m.Max) || m.Max < m.Min {
		return wrong("read money", "money.order", "The smaller amount comes first and none is below zero: '9000-12000 EUR'.")
	}
	return nil
}

// ParseMoney reads "9000 EUR" or "9000-12000 EUR". Errors are Invalid.
func ParseMoney(s string) (Money, error) {
	f := strings.Fields(s)
	bad := wrong("read money", "money", "%q is not an amount of money. Write '9000 EUR' or '9000-12000 EUR'.", s)
	if len(f) != 2 {
		return Money{}, bad
	}
	low, high, ranged := strings.Cut(f[0], "-")
	if !ranged {
		high = low
	}
	lo, err1 := strconv.ParseFloat(low, 64)
	hi, err2 := strconv.ParseFloat(high, 64)
	if err1 != nil || err2 != nil {
		return Money{}, bad
	}
	m := Money{strings.ToUpper(f[1]), lo, hi}
	return m, m.Validate()
}

// Place is where something is: schema.org Place with a postal address.
type Place struct {
	Name      string   `json:"name,omitempty"`
	Locality  string   `json:"locality,omitempty"`
	Region    string   `json:"region,omitempty"`  // ISO 3166-2
	Country   string   `json:"country,omitempty"` // ISO 3166-1 alpha-2
	Latitude  *float64 `json:"latitude,omitempty"`
	Longitude *float64 `json:"longitude,omitempty"`
}

// IsZero says that no place was given.
func (p Place) IsZero() bool { return p == Place{} }

var languageTag = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)

// ValidLanguage says whether s has the form of a BCP 47 tag.
func ValidLanguage(s string) bool { return languageTag.MatchString(s) }

func validLanguages(op string, langs []string) error {
	for _, l := range langs {
		if !ValidLanguage(l) {
			return wrong(op, "language", "%q is not a language. Write its short tag: gl, es, en, pt-BR.", l)
		}
	}
	return nil
}

// validTexts checks the languages of texts; one without a language is all right.
func validTexts(op string, lists ...[]Text) error {
	for _, t := range slices.Concat(lists...) {
		if t.Lang != "" && !ValidLanguage(t.Lang) {
			return validLanguages(op, []string{t.Lang})
		}
	}
	return nil
}

// ParseDay reads a moment from "2027-01-15" (the last second of that day, UTC) or RFC 3339.
// Errors are Invalid.
func ParseDay(s string) (time.Time, error) {
	if d, err := time.Parse(time.DateOnly, s); err == nil {
		return d.Add(24*time.Hour - time.Second), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, wrong("read date", "date", "%q is not a date. Write 2027-01-15, or a moment like 2027-01-15T18:00:00+01:00.", s)
	}
	return t.UTC(), nil
}
