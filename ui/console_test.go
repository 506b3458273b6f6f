package ui_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/node"
)

// A person who accepted an invitation sees the dashboard, which nothing keeps (HTTP-6).
func TestDashboard(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, node.RoleSteward)
	res, body := b.get("/console")
	if res.StatusCode != http.StatusOK || !strings.Contains(body, b.person.Name) || !strings.Contains(body, "Sign out") {
		t.Fatalf("the dashboard answers %s: %s", res.Status, body)
	}
	if got := res.Header.Get("Cache-Control"); got != "private, no-store" {
		t.Errorf("Cache-Control: %s", got)
	}
	for _, name := range []string{"Accept", "Signature", "Cookie"} {
		if !strings.Contains(res.Header.Get("Vary"), name) {
			t.Errorf("Vary: %s lacks %s", res.Header.Get("Vary"), name)
		}
	}
}
