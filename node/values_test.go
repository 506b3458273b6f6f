package node_test

import (
	"math"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

func TestParseQuantity(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in     string
		number float64
		unit   node.Unit
		out    string
	}{
		{"240 hour", 240, node.Hours, "240 hour"},
		{" 240  Hours ", 240, node.Hours, "240 hour"},
		{"7.5 h", 7.5, node.Hours, "7.5 hour"},
		{"1 person", 1, node.People, "1 people"},
		{"2 persons", 2, node.People, "2 people"},
		{"3 people", 3, node.People, "3 people"},
		{"1 day", 1, node.Days, "1 day"},
		{"10 days", 10, node.Days, "10 day"},
		{"2 items", 2, node.Items, "2 item"},
		{"1 item", 1, node.Items, "1 item"},
		{"4 one", 4, node.Items, "4 item"},
		{"0 hour", 0, node.Hours, "0 hour"},
		{"1e3 hour", 1000, node.Hours, "1000 hour"},
		{"1000000000000 hour", 1e12, node.Hours, "1000000000000 hour"},
	} {
		q, err := node.ParseQuantity(tt.in)
		if err != nil || q != (node.Quantity{Number: tt.number, Unit: tt.unit}) {
			t.Errorf("ParseQuantity(%q) = %v, %v", tt.in, q, err)
		}
		equal(t, "String of "+tt.in, q.String(), tt.out)
		if again, err := node.ParseQuantity(q.String()); err != nil || again != q {
			t.Errorf("%q does not survive being written and read: %v, %v", tt.in, again, err)
		}
	}
	for _, in := range []string{"", "240", "hour", "240hour", "hour 240", "240 hour more", "-1 hour", "NaN hour", "Inf hour", "1e13 hour", "1,5 hour", "240 weeks", "240 €"} {
		q, err := node.ParseQuantity(in)
		wantError(t, err, node.Invalid, in, "people, hour, day, item", "'240 hour'")
		equal(t, in, q, node.Quantity{})
	}
	equal(t, "none", []any{node.Quantity{}.String(), node.Quantity{}.IsZero()}, []any{"", true})
	equal(t, "nothing of something", node.Quantity{Unit: node.Hours}.IsZero(), false)
}

func TestParseMoney(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in    string
		want  node.Money
		fixed bool
	}{
		{"9000 EUR", node.Money{Currency: "EUR", Min: 9000, Max: 9000}, true},
		{"9000-12000 EUR", node.Money{Currency: "EUR", Min: 9000, Max: 12000}, false},
		{"45.50 ars", node.Money{Currency: "ARS", Min: 45.5, Max: 45.5}, true},
		{"0-100 JPY", node.Money{Currency: "JPY", Max: 100}, false},
		{"0 EUR", node.Money{Currency: "EUR"}, true},
	} {
		m, err := node.ParseMoney(tt.in)
		if err != nil || m != tt.want || m.Fixed() != tt.fixed {
			t.Errorf("ParseMoney(%q) = %+v (fixed: %v), %v", tt.in, m, m.Fixed(), err)
		}
	}
	for in, says := range map[string]string{
		"":                 "'9000 EUR'",
		"9000":             "'9000-12000 EUR'",
		"EUR":              "'9000 EUR'",
		"EUR 9000":         "'9000 EUR'",
		"9.000,00 EUR":     "'9000 EUR'",
		"9000 - 12000 EUR": "'9000-12000 EUR'",
		"-5 EUR":           "'9000 EUR'",
		"9000 euro":        "three letters",
		"9000 €":           "three letters",
		"12000-9000 EUR":   "smaller amount comes first",
		"NaN EUR":          "smaller amount comes first",
		"1-NaN EUR":        "smaller amount comes first",
		"Inf EUR":          "smaller amount comes first",
		"1e13 EUR":         "smaller amount comes first",
	} {
		_, err := node.ParseMoney(in)
		wantError(t, err, node.Invalid, says)
	}
	equal(t, "money that is no number", (node.Money{Currency: "EUR", Min: math.NaN(), Max: math.NaN()}).Validate() != nil, true)
}

func TestParseDay(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]time.Time{
		"2027-01-15":                time.Date(2027, 1, 15, 23, 59, 59, 0, time.UTC),
		"2028-02-29":                time.Date(2028, 2, 29, 23, 59, 59, 0, time.UTC),
		"2027-12-31":                time.Date(2027, 12, 31, 23, 59, 59, 0, time.UTC),
		"2027-01-15T18:00:00Z":      time.Date(2027, 1, 15, 18, 0, 0, 0, time.UTC),
		"2027-01-15T18:00:00+01:00": time.Date(2027, 1, 15, 17, 0, 0, 0, time.UTC),
	} {
		got, err := node.ParseDay(in)
		if err != nil || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("ParseDay(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "2027-02-29", "15.1.2027", "2027-1-5", "2027-01-15 18:00", "2027-01-15T18:00:00", "tomorrow"} {
		_, err := node.ParseDay(in)
		wantError(t, err, node.Invalid, in, "2027-01-15", "18:00:00+01:00")
	}
}

func TestSkills(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]node.Skill{
		"web-engines":    {Key: "web-engines"},
		"Web engines":    {Key: "web-engines", Name: "Web engines"},
		" Web  Engines ": {Key: "web-engines", Name: "Web  Engines"},
		"Карты":          {Key: "карты", Name: "Карты"},
	} {
		s := node.SkillFrom(in)
		equal(t, in, s, want)
		equal(t, in+" is a key", node.ValidSkill(s.Key), true)
	}
	equal(t, "label without a name", node.Skill{Key: "web-engines"}.Label(), "web engines")
	equal(t, "label", node.Skill{Key: "web-engines", Name: "Web engines"}.Label(), "Web engines")
	for _, s := range []string{"", "-a", "Web", "a b", "a_b", "c++", "a/b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"} {
		equal(t, "key "+s, node.ValidSkill(s), false)
	}
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"gl", "es", "pt-BR", "zh-Hant-TW", "ca-valencia", "de-1996"} {
		equal(t, s, node.ValidLanguage(s), true)
	}
	for _, s := range []string{"", "e", "english!", "pt_BR", "pt-", "-BR", "galicianos", "en-vernaculars", "1a", "ñu"} {
		equal(t, s, node.ValidLanguage(s), false)
	}
}

func TestPlaceIsGiven(t *testing.T) {
	t.Parallel()
	equal(t, "none", node.Place{}.IsZero(), true)
	equal(t, "a point on the equator", node.Place{Latitude: ptr(0.0), Longitude: ptr(0.0)}.IsZero(), false)
}
