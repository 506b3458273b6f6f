package ui

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Whoever asks for ever new addresses fills no memory.
func TestKeptPagesAreBounded(t *testing.T) {
	var k keptPages
	now := time.Now()
	k.get("", 1, now)
	for i, size := range []int{100, 10_000, maxKeptBytes/8 - 100, maxKeptBytes} {
		for n := range 2 * maxKept {
			k.put(fmt.Sprint(i, " ", n), 1, &keptPage{body: make([]byte, size), made: now})
			held := 0
			for key, p := range k.pages {
				held += len(key) + len(p.body)
			}
			if len(k.pages) > maxKept || held > maxKeptBytes || held != k.bytes {
				t.Fatalf("%d pages of %d bytes are kept, counted as %d", len(k.pages), held, k.bytes)
			}
		}
	}
	if len(k.pages) == 0 {
		t.Error("nothing is kept")
	}
	for _, r := range []*http.Request{
		httptest.NewRequest(http.MethodGet, "/search?q="+strings.Repeat("x", maxKeptKey), nil),
		httptest.NewRequest(http.MethodPost, "/interact", nil),
	} {
		if key := keyOf(r); key != "" {
			t.Errorf("%s %.20s is kept", r.Method, r.URL)
		}
	}
}
