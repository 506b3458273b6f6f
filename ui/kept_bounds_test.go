package ui

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whoever asks for ever new addresses, or long ones, fills no memory.
func TestWhatIsNotKept(t *testing.T) {
	for _, r := range []*http.Request{
		httptest.NewRequest(http.MethodGet, "/search?q="+strings.Repeat("x", maxKeptKey), nil),
		httptest.NewRequest(http.MethodPost, "/interact", nil),
	} {
		if key := keyOf(r); key != "" {
			t.Errorf("%s %.20s is kept", r.Method, r.URL)
		}
	}
}
