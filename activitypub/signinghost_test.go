package activitypub

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"
)

// HTTP-4: a host may send 600 proved letters at once and ten a second; then it is told when the next one is
// taken, and that is so. Others are not held up, and the memory of it is bounded.
func TestShareOfOneHost(t *testing.T) {
	n := newInboxNode(t, 2)
	now := n.wire.node.Now()
	host := HostOf(n.senders[0])
	for i := range 600 {
		if wait := n.wire.signers.take(host, now); wait > 0 {
			t.Fatalf("letter %d has to wait %s", i+1, wait)
		}
	}
	if wait := n.wire.signers.take(host, now); wait <= 0 || wait > 100*time.Millisecond {
		t.Errorf("letter 601 has to wait %s, want a tenth of a second", wait)
	}
	const owed = 60_000 // letters; so many more that the bucket is empty for longer than any test takes
	for range owed {
		n.wire.signers.bucket(host, now).ReserveN(now, 1)
	}
	list := n.letters(2)
	answers := [2]*httptest.ResponseRecorder{httptest.NewRecorder(), httptest.NewRecorder()}
	for i, r := range list {
		n.echo.ServeHTTP(answers[i], r)
	}
	if answers[0].Code != http.StatusTooManyRequests || answers[1].Code != http.StatusAccepted {
		t.Errorf("answered %d and %d, want 429 and 202", answers[0].Code, answers[1].Code)
	}
	after, err := strconv.Atoi(answers[0].Header().Get("Retry-After"))
	told := n.wire.node.Now().Add(time.Duration(after) * time.Second) // by the clock after the answer, which was given between now and then
	if free := now.Add(owed / lettersPerSecond * time.Second); err != nil || told.Before(free) || time.Duration(after)*time.Second > free.Sub(now)+time.Second {
		t.Errorf("Retry-After %q, want the time until %s, from %s on", answers[0].Header().Get("Retry-After"), free, now)
	}
	if wait := n.wire.signers.take(host, told); wait > 0 {
		t.Errorf("after the time that was told it still has to wait %s", wait)
	}
	small := newHostLimits(lettersPerSecond, letterBurst, 100)
	for i := range 1000 {
		small.take(strconv.Itoa(i), now)
	}
	if len(small.buckets) > 100 {
		t.Errorf("%d hosts are remembered, want at most 100", len(small.buckets))
	}
}
