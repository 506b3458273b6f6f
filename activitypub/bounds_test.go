package activitypub

import (
	"fmt"
	"testing"
	"time"
)

// Q-9, SIG-8: what is remembered of hosts and keys that others name at will has a number that it never passes.
func TestMemoryOfOthersIsBounded(t *testing.T) {
	h := newHostLimits(fetchesPerSecond, fetchBurst, maxLimitedHosts)
	for i := range 2 * maxLimitedHosts {
		h.bucket(fmt.Sprint(i, ".example"), testNow)
	}
	if len(h.buckets) > maxLimitedHosts {
		t.Errorf("%d hosts are remembered", len(h.buckets))
	}

	o := outgoing{failing: map[string]bool{}}
	for i := range 2 * failingKnown {
		o.know(fmt.Sprint(i, ".example"), true)
	}
	if len(o.failing) > failingKnown {
		t.Errorf("%d failing hosts are remembered", len(o.failing))
	}

	k := &newSite(t).wire.keys
	for i := range maxKeys {
		k.failed[fmt.Sprint(i)] = failedKey{until: time.Now().Add(time.Hour)}
		k.refetched[fmt.Sprint(i)] = time.Now()
		k.known[fmt.Sprint(i)] = &provenKey{}
	}
	for i := range 3 {
		if _, err := k.find(t.Context(), fmt.Sprintf("https://refused.example/%d", i)); asRefused(err) == nil {
			t.Fatal(err)
		}
		k.keep(&provenKey{id: fmt.Sprint("new", i)}, k.changes)
		k.again(t.Context(), &provenKey{id: "x", owner: fmt.Sprint("owner", i)})
	}
	if len(k.failed) > maxKeys || len(k.refetched) > maxKeys || len(k.known) > maxKeys {
		t.Errorf("%d failures, %d times and %d keys are remembered", len(k.failed), len(k.refetched), len(k.known))
	}
	if _, remembered := k.failed["https://refused.example/2"]; !remembered {
		t.Error("the newest failure is not among them")
	}
}

// LIM: an object has the pictures of its first 16 attachments and one of its own, however the lists are nested.
func TestFewPicturesOfOneObject(t *testing.T) {
	t.Parallel()
	var many []any
	for i := range 100 {
		many = append(many, map[string]any{"type": "Image", "url": fmt.Sprintf("https://h%d.example/p.png", i)})
	}
	for name, m := range map[string]map[string]any{
		"attachment": {"attachment": many}, "image": {"image": many}, "list in a list": {"image": []any{many}}, "all": {"attachment": many, "image": []any{many[50:]}},
	} {
		if pictures, _ := attachmentsIn(m); len(pictures) > maxAttachments+1 {
			t.Errorf("%s: %d pictures", name, len(pictures))
		}
	}
}
