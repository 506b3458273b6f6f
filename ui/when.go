package ui

import (
	"context"
	"time"
)

// ago says how long ago something was: "3 hours ago".
func ago(ctx context.Context, now, t time.Time) string {
	switch d := now.Sub(t); {
	case d < time.Minute:
		return say(ctx, "when.now")
	case d < time.Hour:
		return sayCount(ctx, "when.ago.minutes", float64(d/time.Minute))
	case d < 48*time.Hour:
		return sayCount(ctx, "when.ago.hours", float64(d/time.Hour))
	default:
		return sayCount(ctx, "when.ago.days", float64(d/(24*time.Hour)))
	}
}

// ahead says how long it is until something: "in 3 hours".
func ahead(ctx context.Context, now, t time.Time) string {
	switch d := t.Sub(now); {
	case d <= 0:
		return say(ctx, "when.now")
	case d < time.Hour:
		return sayCount(ctx, "when.in.minutes", float64((d+time.Minute-1)/time.Minute))
	case d < 48*time.Hour:
		return sayCount(ctx, "when.in.hours", float64((d+30*time.Minute)/time.Hour))
	default:
		return sayCount(ctx, "when.in.days", float64((d+12*time.Hour)/(24*time.Hour)))
	}
}
