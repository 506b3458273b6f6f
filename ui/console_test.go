package ui_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

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

// AUTHZ-2: what is dangerous asks for the password again, keeps what was typed, and stands in the log.
func TestDangerousThingsAskAgain(t *testing.T) {
	s := emptySite(t)
	b := s.signedIn(t, node.RoleSteward)
	s.setClock(s.now().Add(5*time.Minute + time.Second))
	b.get("/console/people")
	res, body := b.post("/console/people", "name", "Brais <b>", "mail", "brais@toxeira.example", "role", "editor")
	if res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, `name="name" value="Brais &lt;b&gt;"`) || !strings.Contains(body, `name="role" value="editor"`) {
		t.Fatalf("without being sure: %s %s", res.Status, body)
	}
	if all, _ := s.node.People(t.Context()); len(all) != 1 {
		t.Fatal("somebody was invited without being sure")
	}
	if res, _ := b.post("/console/people", "name", "Brais", "role", "editor", "sure", "wrong"); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("with a wrong password: %s", res.Status)
	}
	b.get("/console/people")
	if res, body := b.post("/console/people", "name", "Brais", "role", "editor", "sure", goodPassword); res.StatusCode != http.StatusOK || !strings.Contains(body, base+"/welcome/") {
		t.Fatalf("with the password: %s %s", res.Status, body)
	}
	b.get("/console/people")
	if res, _ := b.post("/console/people", "name", "Carme", "role", "reader"); res.StatusCode != http.StatusOK {
		t.Errorf("within five minutes: %s", res.Status)
	}
	if _, body := b.get("/console/audit"); !strings.Contains(body, "Invited somebody") || !strings.Contains(body, "Carme") || !strings.Contains(body, b.person.Name) {
		t.Errorf("the log does not say who invited whom: %s", body)
	}
}

// A form that was sent with an old token, by another session, or without one does nothing (CSRF-1); cmd tries every route.
func TestFormsAreOfThisSession(t *testing.T) {
	s := emptySite(t)
	b, other := s.signedIn(t, node.RoleReader), s.signedIn(t, node.RoleReader)
	for name, form := range map[string]url.Values{
		"no token":          {},
		"another session's": {"csrf": {other.csrf}},
		"an empty one":      {"csrf": {""}},
	} {
		form.Set("name", "Eve")
		if res, _ := b.postForm("/console/account", form); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s", name, res.Status)
		}
	}
	good := func() url.Values { return url.Values{"csrf": {b.csrf}, "name": {"Eve"}} }
	b.get("/console/account")
	for name, header := range map[string][2]string{
		"from another site":        {"Sec-Fetch-Site", "cross-site"},
		"from a sister host":       {"Sec-Fetch-Site", "same-site"},
		"as text, for scripts can": {"Content-Type", "text/plain"},
		"as JSON":                  {"Content-Type", "application/json"},
	} {
		res, _ := b.postForm("/console/account", good(), header[0], header[1])
		if res.StatusCode != http.StatusForbidden && res.StatusCode != http.StatusUnsupportedMediaType {
			t.Errorf("%s: %s", name, res.Status)
		}
	}
	large := good()
	large.Set("name", strings.Repeat("x", 300<<10))
	if res, _ := b.postForm("/console/account", large); res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("300 KiB: %s", res.Status)
	}
	if p, _ := s.node.Person(t.Context(), b.person.ID); p.Name != b.person.Name {
		t.Errorf("the name was changed to %s", p.Name)
	}
	b.follows("/console/account", "/console/account", "name", "Eva", "mail", b.person.Mail)
}

// A form for somebody who is not signed in is of the browser that was given it (CSRF-1).
func TestFormsAreOfThisBrowser(t *testing.T) {
	s := emptySite(t)
	p := s.signedIn(t, node.RoleReader).person
	other := s.visitor(t)
	other.get("/sign-in")
	for name, tt := range map[string]struct{ cookie, field string }{
		"neither":                        {"", ""},
		"no token":                       {other.csrf, ""},
		"no cookie":                      {"", other.csrf},
		"a cookie that is too short":     {"a", "a"},
		"a cookie of another browser":    {strings.Repeat("a", 43), other.csrf},
		"a cookie longer than any of us": {strings.Repeat("a", 101), strings.Repeat("a", 101)},
	} {
		b := s.visitor(t)
		if b.csrf = tt.field; tt.cookie != "" {
			b.cookies["__Host-form"] = tt.cookie
		}
		if res, _ := b.post("/sign-in", "who", p.Name, "password", goodPassword); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s", name, res.Status)
		}
	}
	other.follows("/console", "/sign-in", "who", p.Name, "password", goodPassword)
}

// The parts of pages are shown on a node that is for trying out, each id once, and nowhere else.
func TestComponents(t *testing.T) {
	if res, _ := newSite(t).get("/dev/components"); res.StatusCode != http.StatusNotFound {
		t.Errorf("a real node shows them: %s", res.Status)
	}
	b := tryingSite(t).visitor(t)
	res, body := b.get("/dev/components")
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s", res.Status, body)
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(body, -1) {
		if seen[m[1]] {
			t.Errorf("the id %s stands twice", m[1])
		}
		seen[m[1]] = true
	}
	for _, want := range []string{`class="mode light"`, `class="mode dark"`, `aria-invalid="true"`, `class="gauge"`, "<svg"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
}
