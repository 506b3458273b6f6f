package ui

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// A banner is well-formed, small, and the same for everybody who draws it.
func TestBanner(t *testing.T) {
	for _, address := range []string{"https://toxeira.example/ap/coop", "x", `"<&>`} {
		svg := BannerSVG(address)
		if len(svg) > 2500 || string(svg) != string(BannerSVG(address)) {
			t.Errorf("the banner of %s has %d bytes, or differs from itself", address, len(svg))
		}
		d := xml.NewDecoder(strings.NewReader(string(svg)))
		for {
			if _, err := d.Token(); err != nil {
				if err.Error() != "EOF" {
					t.Errorf("the banner of %s: %v", address, err)
				}
				break
			}
		}
	}
}

// Each person is a dot, in the colour of who found them; no two coops of one drawing share a colour.
func TestDots(t *testing.T) {
	o := &node.Opening{Amount: node.Quantity{Number: 8, Unit: node.People}}
	all := dots(o, []part{{Share: 3.0 / 8, Hue: "c1"}, {Share: 1.0 / 8, Hue: "c4"}})
	if got := strings.Join(all, " "); got != "c1 c1 c1 c4    " {
		t.Errorf("dots are %q", got)
	}
	for _, q := range []node.Quantity{{Number: 240, Unit: node.Hours}, {Number: 61, Unit: node.People}, {Number: 2.5, Unit: node.People}} {
		if o.Amount = q; dots(o, nil) != nil {
			t.Errorf("%v are drawn one by one", q)
		}
	}
	var taken hues
	seen := map[string]bool{}
	for range 10 {
		seen[taken.of(person{IRI: "https://same.example/ap/coop"})] = true
	}
	if len(seen) != 10 {
		t.Errorf("ten coops have %d colours", len(seen))
	}
}

// Hours are free from the month in which they begin; a word that is too old draws nothing.
func TestFreeMonths(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	f := &node.FreeHours{HoursPerMonth: 120, From: "2027-01-11", Said: now.AddDate(0, 0, -10)}
	var hours []int
	for _, m := range freeMonths(t.Context(), f, now) {
		hours = append(hours, m.Hours)
	}
	if want := []int{0, 0, 120, 120, 120, 120}; len(hours) != len(want) || hours[1] != 0 || hours[2] != 120 || hours[5] != 120 {
		t.Errorf("free hours are %v, want %v", hours, want)
	}
	f.Said = now.AddDate(0, 0, -61)
	if freeMonths(t.Context(), f, now) != nil {
		t.Error("a word of 61 days ago is drawn")
	}
}
