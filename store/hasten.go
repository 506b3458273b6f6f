package store

import (
	"context"
	"time"
)

// Nothing waits for longer than these: retries and what a peer asks for a day and a quarter, the mail of a day somewhat less, tasks
// and lists a week with something more.
const (
	longestRetry = 2 * 24 * time.Hour
	longestTask  = 9 * 24 * time.Hour
)

// Each of these takes the present moment and the one after which nothing can be due.
var hastens = []struct {
	query  string
	within time.Duration
}{
	{`update peer set due_ms = $1 where failures = 0 and due_ms is not null and due_ms > $2`, longestRetry},
	{`update peer set due_ms = $1 where failures > 0 and due_ms is not null and due_ms > $2`, longestRetry},
	{`update delivery set not_before_ms = $1 where not_before_ms > 0 and not_before_ms > $2`, longestRetry},
	{`update letter set not_before_ms = $1 where not_before_ms > 0 and not_before_ms > $2`, longestRetry},
	{`update picture set due_ms = $1 where state in ('wanted', 'failed') and due_ms > $2`, longestRetry},
	{`update notice set due_ms = $1 where state = 'waiting' and due_ms > $2`, longestRetry},
	{`update task set due_ms = $1 where due_ms > $2`, longestTask},
}

// Hasten makes due what waits for a time so far ahead that a clock must have been wrong when it was chosen: it would wait for
// years where the clock is right again.
func (t tx) Hasten(_ context.Context, now time.Time) error {
	for _, h := range hastens {
		if _, err := t.c.exec(h.query, ms(now), ms(now.Add(h.within))); err != nil {
			return sqliteError("hasten", "", err)
		}
	}
	return nil
}
