package activitypub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits for fetches from one host (OUT-3), and for its proved letters: 600 a minute (HTTP-4); and how many hosts
// are remembered.
const (
	fetchesPerSecond = 10
	fetchBurst       = 20
	longestWait      = 5 * time.Second // for one's turn
	maxLimitedHosts  = 4096

	lettersPerSecond = 10
	letterBurst      = 600
	maxSigningHosts  = 100_000
)

// errOwnLimit is the end of a request that was never made. The host is not to blame, and it may be made later.
var errOwnLimit = errors.New("too many requests of our own")

// hostLimits keeps one token bucket per host. A bucket that is full again is as good
// as none, so forgetting those bounds the state.
type hostLimits struct {
	perSecond rate.Limit
	burst     int
	most      int // hosts remembered

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

func newHostLimits(perSecond rate.Limit, burst, most int) *hostLimits {
	return &hostLimits{perSecond: perSecond, burst: burst, most: most, buckets: make(map[string]*rate.Limiter)}
}

// take counts one thing that host does now and returns 0, or how long it has to wait with it.
func (h *hostLimits) take(host string, now time.Time) time.Duration {
	r := h.bucket(host, now).ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// wait returns when host may be asked again. It fails at once if that would take
// longer than longestWait or ctx.
func (h *hostLimits) wait(ctx context.Context, host string) error {
	short, cancel := context.WithTimeout(ctx, longestWait)
	defer cancel()
	if err := h.bucket(host, time.Now()).Wait(short); err != nil {
		return fmt.Errorf("get from %s: %w: %w", host, errOwnLimit, err)
	}
	return nil
}

func (h *hostLimits) bucket(host string, now time.Time) *rate.Limiter {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := h.buckets[host]
	if b == nil {
		if len(h.buckets) >= h.most {
			h.forget(now)
		}
		b = rate.NewLimiter(h.perSecond, h.burst)
		h.buckets[host] = b
	}
	return b
}

// forget drops full buckets, and then any until a quarter of the room is free, so
// that it does not have to look at all of them for each new host.
func (h *hostLimits) forget(now time.Time) {
	for host, b := range h.buckets {
		if b.TokensAt(now) >= float64(h.burst) {
			delete(h.buckets, host)
		}
	}
	for host := range h.buckets {
		if len(h.buckets) <= h.most*3/4 {
			return
		}
		delete(h.buckets, host)
	}
}

// refusalLog writes refused connections (LOG-2), at most one line per host and
// reason in a minute (LOG-3).
type refusalLog struct {
	log  *slog.Logger
	now  func() time.Time
	said complaints
}

func (l *refusalLog) note(host string, e *RefusedError) {
	if times, first := l.said.first(host+" "+e.Range+" "+e.Why, l.now()); first {
		l.log.Warn("connection refused by the address rules", "peer", host, "address", e.Host, "range", e.Range, "times", times, "err", e.Why)
	}
}
