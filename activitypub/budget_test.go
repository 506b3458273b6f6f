package activitypub

import (
	"context"
	"testing"
)

// LIM: a bounded context lets through so many requests and no more, whoever shares it; another is not bounded.
func TestBudgetOfRequests(t *testing.T) {
	ctx, cancel := context.WithCancel(withRequests(t.Context(), parentsRequests))
	defer cancel()
	for i := range 2 * parentsRequests {
		if got, want := spend(ctx), i < parentsRequests; got != want {
			t.Errorf("request %d: %v, want %v", i+1, got, want)
		}
	}
	if !spend(t.Context()) {
		t.Error("a request without a budget is refused")
	}
}
