package ui

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// mountComponents shows every part in all its states, in both modes side by side: for who changes how things look. It is
// there on nodes that are for trying out, and nowhere else.
func (u *ui) mountComponents(e *echo.Echo) {
	if u.node.Dev {
		u.way(e, http.MethodGet, "/dev/components", node.ForAll, func(c echo.Context) error { return u.showPage(c, components) })
	}
}

func components(c echo.Context, v *visit) (view, error) {
	return view{head: unlisted(say(c.Request().Context(), "components.title")), body: componentsBody(v)}, nil
}

// componentModes are the two looks of everything.
var componentModes = []string{"light", "dark"}

// badgeStates are the colours of a badge.
var badgeStates = []string{"", "s-open", "s-paused", "s-filled", "s-withdrawn"}

// iconNames are all drawings.
var iconNames = []string{"kind", "people", "place", "money", "calendar", "clip", "yes", "no", "talk", "feed", "home", "inbox", "board", "bars", "network", "join",
	"send", "shield", "key", "gear", "clock", "box", "person", "bell", "screen", "plus", "more"}

// sampleOpening is an opening of which a part is found.
func sampleOpening(filled, amount float64) *node.Opening {
	return &node.Opening{Kind: node.Subcontract, Status: node.Open, Amount: node.Quantity{Unit: node.People, Number: amount},
		Available: node.Quantity{Unit: node.People, Number: amount - filled}}
}

// sampleParts are those that found it: one coop, and others that do not want to be named.
func sampleParts(who person, filled, amount float64) (list []part) {
	if filled == 0 {
		return nil
	}
	return []part{
		{Who: who, Words: plainNumber(1), Share: 1 / amount, Hue: who.Hue()},
		{Words: plainNumber(filled - 1), Share: (filled - 1) / amount, Hue: "taken"},
	}
}

// sampleHours are a day of letters, always the same one, and their sum.
func sampleHours() (hours []*node.DeliveryHour, sum node.DeliveryHour) {
	last := time.Date(2026, time.June, 1, 23, 0, 0, 0, time.UTC)
	for i := range 24 {
		h := &node.DeliveryHour{Begin: last.Add(time.Duration(i-23) * time.Hour), Arrived: (i * 7) % 40, Retried: i % 3, Waiting: i / 20}
		hours = append(hours, h)
		sum.Arrived, sum.Retried, sum.Waiting = sum.Arrived+h.Arrived, sum.Retried+h.Retried, sum.Waiting+h.Waiting
	}
	return hours, sum
}

// sampleErrors are those of the fields of a mode.
func sampleErrors(mode, text string) fieldErrors { return fieldErrors{{mode + "-wrong", text}} }
