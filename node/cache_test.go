package node

import (
	"fmt"
	"testing"
	"time"
)

// DB-7: whoever asks for ever new addresses fills no memory.
func TestCacheIsBounded(t *testing.T) {
	const most, mostBytes = 64, 1 << 20
	c, now := NewCache[string](most, mostBytes), time.Now()
	c.Get("", 1, now)
	for i, size := range []int{100, 10_000, mostBytes/8 - 100, mostBytes} {
		for n := range 2 * most {
			key := fmt.Sprint(i, " ", n)
			c.Put(key, 1, "", size, now, time.Time{})
			held := 0
			for _, a := range c.answers {
				held += a.size
			}
			if len(c.answers) > most || held > mostBytes || held != c.bytes {
				t.Fatalf("%d answers of %d bytes are kept, counted as %d", len(c.answers), held, c.bytes)
			}
			if _, ok := c.Get(key, 1, now); ok != (size < mostBytes/8) {
				t.Fatalf("the last one of %d bytes is kept: %v", size, ok)
			}
		}
	}
	for range 3 {
		c.Put("same", 1, "", 100, now, time.Time{})
	}
	held := 0
	for _, a := range c.answers {
		held += a.size
	}
	if held != c.bytes {
		t.Errorf("%d bytes are kept, counted as %d", held, c.bytes)
	}
}

// An answer grows old with a change of the data, and with the time that it was good for.
func TestCacheGrowsOld(t *testing.T) {
	c, now := NewCache[string](10, 1000), time.Now()
	has := func(key string, version int64, now time.Time) bool {
		_, ok := c.Get(key, version, now)
		return ok
	}
	has("a", 1, now)
	c.Put("a", 1, "", 1, now, time.Time{})
	c.Put("b", 1, "", 1, now, now.Add(time.Second))
	if !has("a", 1, now) || !has("b", 1, now) {
		t.Fatal("nothing is kept")
	}
	if has("b", 1, now.Add(time.Second)) {
		t.Error("it is kept although its time has passed")
	}
	if has("a", 1, now.Add(-time.Second)) {
		t.Error("it is kept although it was made in what is now the future")
	}
	c.Put("a", 1, "", 1, now, time.Time{})
	if has("a", 2, now) {
		t.Error("it is kept although the data changed")
	}
	c.Put("a", 1, "", 1, now, time.Time{})
	if has("a", 2, now) {
		t.Error("what was made from old data is kept for new")
	}
}
