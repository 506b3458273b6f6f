package main

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxBuckets bounds what is remembered of visitors (HTTP-4: 100,000 entries). It is held in two halves; when
// the young one is full, the old one, which nobody has asked for since, is forgotten.
const maxBuckets = 100_000

// limiter is a token bucket for each network. It is safe for use by many goroutines.
type limiter struct {
	perSecond rate.Limit
	burst     int

	mu         sync.Mutex
	young, old map[netip.Prefix]*rate.Limiter
}

func newLimiter(perSecond float64, burst int) *limiter {
	return &limiter{perSecond: rate.Limit(perSecond), burst: burst, young: map[netip.Prefix]*rate.Limiter{}}
}

// take lets one request of a network pass and returns 0, or how long it has to wait.
func (l *limiter) take(network netip.Prefix, now time.Time) time.Duration {
	r := l.bucket(network).ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

func (l *limiter) bucket(network netip.Prefix) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.young[network]; b != nil {
		return b
	}
	b := l.old[network]
	if b == nil {
		b = rate.NewLimiter(l.perSecond, l.burst)
	}
	if len(l.young) >= maxBuckets/2 {
		l.old, l.young = l.young, map[netip.Prefix]*rate.Limiter{}
	}
	l.young[network] = b
	return b
}
