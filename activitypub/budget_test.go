package activitypub

import (
	"net/http"
	"sync/atomic"
	"testing"
)

// LIM: a bounded context lets through so many requests and no more, redirects counted; another is not bounded.
func TestBudgetOfRequests(t *testing.T) {
	var asked atomic.Int64
	peer := servePeer(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path == "/from" {
			http.Redirect(w, r, "/to", http.StatusFound)
			return
		}
		w.Header().Set("Content-Type", typeActivity)
		w.Write([]byte(`{"id":"x"}`))
	})
	c := newTestClient(t, nil)
	ctx := withRequests(t.Context(), 5)
	for i := range 4 { // two requests each
		_, err := c.GetActivity(ctx, peer.URL+"/from")
		if want := i >= 2; (asRefused(err) != nil) != want {
			t.Errorf("fetch %d: %v, refused should be %v", i+1, err, want)
		}
	}
	if n := asked.Load(); n != 5 {
		t.Errorf("%d requests were made, want 5", n)
	}
	if _, err := c.GetActivity(t.Context(), peer.URL+"/from"); err != nil {
		t.Errorf("a request without a budget: %v", err)
	}
}
