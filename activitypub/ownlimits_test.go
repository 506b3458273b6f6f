package activitypub

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// OUT-3, OUT-4, LIM: a host that was asked too often is not asked now, not by way of a redirect either; every request says who
// makes it; and a redirect back to where we were is not followed a second time.
func TestEveryRequestIsMeasured(t *testing.T) {
	var asked atomic.Int64
	var there string
	peer := servePeer(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if !strings.HasPrefix(r.UserAgent(), "coopnode/") {
			t.Errorf("OUT-4: %s by %q", r.Method, r.UserAgent())
		}
		switch r.URL.Path {
		case "/there":
			http.Redirect(w, r, there, http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		}
	})
	here, tired := peerAddress(t, peer, "here.localhost"), peerAddress(t, peer, "tired.localhost")
	there = tired + "/"
	c := newTestClient(t, nil)
	bucket := c.hosts.bucket(strings.TrimPrefix(tired, "http://"), time.Now())
	bucket.SetLimit(0)
	bucket.AllowN(time.Now(), fetchBurst)

	get := func(address string) error { return errOf(c.GetJSON(t.Context(), address, "*/*")) }
	for _, tt := range []struct {
		name string
		do   func() error
		want int64 // requests that were made
		own  bool  // ended by our own limit
	}{
		{"a host that was asked too often", func() error { return get(tired + "/") }, 0, true},
		{"a redirect to it", func() error { return get(here + "/there") }, 1, true},
		{"a redirect in a circle", func() error { return get(here + "/round") }, 1, false},
		{"a letter", func() error { return errOf(c.Post(t.Context(), here+"/inbox", []byte(testBody))) }, 1, false},
	} {
		asked.Store(0)
		if err := tt.do(); errors.Is(err, errOwnLimit) != tt.own || asked.Load() != tt.want {
			t.Errorf("%s: %v, %d requests, want %d", tt.name, err, asked.Load(), tt.want)
		}
	}
}
