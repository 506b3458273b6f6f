package node

import (
	"sync"
	"time"
)

// A Cache holds answers that were made from the data, for as long as the data stays what it was. It takes no part in the
// truth: a lost one costs the making. Neither their number nor their size grows beyond its bounds (DB-7).
type Cache[V any] struct {
	most, mostBytes int

	mu      sync.Mutex
	version int64
	answers map[string]cached[V]
	bytes   int
}

type cached[V any] struct {
	value       V
	size        int
	made, until time.Time
}

// NewCache holds at most so many answers of so many bytes together, none larger than an eighth of that.
func NewCache[V any](most, mostBytes int) *Cache[V] {
	return &Cache[V]{most: most, mostBytes: mostBytes}
}

// Get gives the answer that was made from this version of the data and is still true now. Those of another version are
// dropped.
func (c *Cache[V]) Get(key string, version int64, now time.Time) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.version != version || c.answers == nil {
		c.version, c.answers, c.bytes = version, map[string]cached[V]{}, 0
	}
	a, ok := c.answers[key]
	if ok && (now.Before(a.made) || !a.until.IsZero() && !now.Before(a.until)) {
		c.drop(key)
		return v, false
	}
	return a.value, ok
}

// Put keeps an answer of so many bytes that was made at a time from a version of the data; until is when it is no longer
// true by itself, zero for never. Where there is no room any others go.
func (c *Cache[V]) Put(key string, version int64, v V, size int, made, until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	size += len(key)
	if c.version != version || c.answers == nil || size > c.mostBytes/8 {
		return
	}
	c.drop(key)
	for other := range c.answers {
		if len(c.answers) < c.most && c.bytes+size <= c.mostBytes {
			break
		}
		c.drop(other)
	}
	c.answers[key] = cached[V]{v, size, made, until}
	c.bytes += size
}

func (c *Cache[V]) drop(key string) {
	if a, ok := c.answers[key]; ok {
		c.bytes -= a.size
		delete(c.answers, key)
	}
}
