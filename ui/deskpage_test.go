package ui_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/node"
)

// deskPages are the pages about others, with the role that each needs.
var deskPages = map[string]node.Role{
	"/console/inbox": node.RoleReader, "/console/inbox?state=unread": node.RoleReader, "/console/inbox?state=handled": node.RoleReader,
	"/console/network": node.RoleReader, "/console/network/followers": node.RoleReader, "/console/network/federations": node.RoleReader,
	"/console/applications": node.RoleReader, "/console/deliveries": node.RoleReader, "/console/deliveries/profile": node.RoleReader,
	"/console/moderation": node.RoleReader, "/console/moderation?all=yes": node.RoleReader, "/console/moderation/rules": node.RoleReader,
	"/console/moderation/rules?q=spam": node.RoleReader, "/console/moderation/allow": node.RoleReader,
	"/console/moderation/report": node.RoleSteward, "/console/moderation/rule": node.RoleSteward, "/console/moderation/rule?target=spam.example": node.RoleSteward,
	"/console/moderation/rules/import": node.RoleSteward, "/console/moderation/rules/export.csv": node.RoleSteward,
	"/console/settings": node.RoleSteward, "/console/export": node.RoleSteward,
}

// AUTHZ-1: each page opens for its role and for the higher ones, and for nobody below.
func TestDeskPages(t *testing.T) {
	s := newSite(t)
	for _, role := range node.Roles() {
		b := s.signedIn(t, role)
		for path, need := range deskPages {
			want := http.StatusOK
			if !role.Covers(need) {
				want = http.StatusForbidden
			}
			if res, body := b.get(path); res.StatusCode != want {
				t.Errorf("%s for a %s: %s, want %d: %s", path, role, res.Status, want, first(body))
			}
		}
	}
	b := s.signedIn(t, node.RoleReader)
	for _, path := range []string{"/console/inbox?state=lost", "/console/inbox?before=x", "/console/inbox?before=-1"} {
		if res, _ := b.get(path); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s, want 400", path, res.Status)
		}
	}
	for _, path := range []string{"/console/inbox/" + node.NewID(), "/console/inbox/nothing", "/console/deliveries/" + node.NewID()} {
		if res, _ := b.get(path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s, want 404", path, res.Status)
		}
	}
}

// first is the beginning of a page, for an error.
func first(body string) string { return strings.TrimSpace(body[:min(len(body), 300)]) }

// What was said to others is named in the log in words too.
func TestLogNamesWhatWasSaid(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, node.RoleSteward)
	if res, body := b.post("/console/settings/contact", "hides", "on"); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("the settings are not saved: %s %s", res.Status, first(body))
	}
	if _, body := b.get("/console/audit"); !strings.Contains(body, "Changed") || strings.Contains(body, ">update<") {
		t.Errorf("the log does not say that the profile was changed")
	}
}
