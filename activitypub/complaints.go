package activitypub

import (
	"sync"
	"time"
)

// complaints remembers what was said in the last minute, so that it is not said again (LOG-3): what is the same is counted. It
// bounds itself: while too much is said at once, what is new is not said either.
type complaints struct {
	mu   sync.Mutex
	last map[string]repeated
}

type repeated struct {
	at    time.Time // when it was said
	times int       // since then
}

const complaintsKept = 1024

// first says whether key was not said in the last minute, and notes that it is being said. times is how often it came since
// it was said before, this time with it.
func (c *complaints) first(key string, now time.Time) (times int, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before, said := c.last[key]
	if said && now.Sub(before.at).Abs() < time.Minute {
		before.times++
		c.last[key] = before
		return 0, false
	}
	if !said && len(c.last) >= complaintsKept {
		for k, old := range c.last {
			if now.Sub(old.at).Abs() >= time.Minute {
				delete(c.last, k)
			}
		}
		if len(c.last) >= complaintsKept {
			return 0, false
		}
	}
	if c.last == nil {
		c.last = map[string]repeated{}
	}
	c.last[key] = repeated{at: now}
	return before.times + 1, true
}
