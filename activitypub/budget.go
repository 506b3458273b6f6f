package activitypub

import (
	"context"
	"sync/atomic"
)

type budgetKey struct{}

// withRequests bounds how many requests all GETs under the context may make together; one more is refused.
func withRequests(ctx context.Context, n int64) context.Context {
	left := &atomic.Int64{}
	left.Store(n)
	return context.WithValue(ctx, budgetKey{}, left)
}

// spend takes one request from the budget of ctx, if it has one, and says whether there was one left.
func spend(ctx context.Context) bool {
	left, bounded := ctx.Value(budgetKey{}).(*atomic.Int64)
	return !bounded || left.Add(-1) >= 0
}
