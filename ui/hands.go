package ui

import (
	"context"
	"time"

	"github.com/coopnode/coopnode/node"
)

// freeHours says what the coop could take on now; after 60 days its word no longer counts (vocabulary 2.1).
func freeHours(ctx context.Context, v *visit, f *node.FreeHours) string {
	switch {
	case f == nil:
		return ""
	case !f.Known(v.now):
		return say(ctx, "profile.free.stale", day(ctx, f.Said))
	}
	hours := quantity(ctx, node.Quantity{Number: float64(f.HoursPerMonth), Unit: node.Hours})
	if f.From == "" {
		return say(ctx, "profile.free.hours", hours)
	}
	return say(ctx, "profile.free.from", hours, dayOf(ctx, f.From))
}

// monthsShown is how far the picture of free hours looks ahead.
const monthsShown = 6

// A month is one bar of the picture of free hours.
type month struct {
	Name   string
	Hours  int
	Height int // of the bar, most fullMonth
}

// fullMonth is the height of the highest bar.
const fullMonth = 56

// freeMonths are the months to come with the hours that a coop has free; none where its word no longer counts.
func freeMonths(ctx context.Context, f *node.FreeHours, now time.Time) (list []month) {
	if !f.Known(now) {
		return nil
	}
	from, _ := time.Parse(time.DateOnly, f.From) // the zero time is long past
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	for i := range monthsShown {
		m := month{Name: shortMonth(ctx, first.AddDate(0, i, 0)), Height: 2}
		if f.HoursPerMonth > 0 && first.AddDate(0, i+1, 0).After(from) {
			m.Hours, m.Height = f.HoursPerMonth, fullMonth
		}
		list = append(list, m)
	}
	return list
}
