package ui_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/node"
)

// From the welcome link through the five steps: what is typed is kept, each step can be skipped, and the end is the dashboard.
func TestFirstHour(t *testing.T) {
	s := emptySite(t)
	token, err := s.node.Welcome(t.Context(), "command:test")
	if err != nil {
		t.Fatal(err)
	}
	b := s.visitor(t)
	_, body := b.get("/welcome/" + token)
	for _, want := range []string{`name="name"`, `name="mail"`, `autocomplete="new-password"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the welcome page lacks %s", want)
		}
	}
	b.follows("/console/start/1", "/welcome/"+token, "name", "Uxía", "mail", "uxia@toxeira.example", "password", goodPassword)

	if _, body = b.get("/console/start/1"); !strings.Contains(body, `value="Toxeira"`) || !strings.Contains(body, `href="/console/start/2"`) {
		t.Errorf("the first step: %s", body)
	}
	typed := []string{"name", "Toxeira", "summary", "We make *maps*.", "town", "Lugo", "country", "ES", "skills", "Maps, Web engines", "languages", "gl", "languages", "es"}
	if res, body := b.post("/console/start/1", append(typed, "look", "1")...); res.StatusCode != http.StatusOK || !strings.Contains(body, "We make <em>maps</em>.") || !strings.Contains(body, "Lugo, Spain") {
		t.Errorf("the preview: %s %s", res.Status, body)
	}
	if p, _ := s.node.Profile(t.Context()); len(p.Summary) != 0 {
		t.Error("a preview changes the profile")
	}
	if res, body := b.post("/console/start/1", "name", " ", "summary", "kept <text>"); res.StatusCode != http.StatusUnprocessableEntity ||
		!strings.Contains(body, `href="#f-name"`) || !strings.Contains(body, "kept &lt;text&gt;") || !strings.Contains(body, `aria-describedby="e-name"`) {
		t.Errorf("without a name: %s %s", res.Status, body)
	}
	b.follows("/console/start/2", "/console/start/1", typed...)
	p, err := s.node.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c := p.Coop; len(p.Summary) != 1 || p.Summary[0].Source != "We make *maps*." || c.Place.Locality != "Lugo" || c.Place.Country != "ES" || len(c.Skills) != 2 || len(c.Languages) != 2 {
		t.Errorf("kept: %+v %+v", p.Summary, c)
	}
	if _, body := b.get("/console/start/2"); !strings.Contains(body, "Your profile is kept.") {
		t.Error("nothing says that the profile was kept")
	}
	if _, body := b.get("/console/start/2"); strings.Contains(body, "Your profile is kept.") {
		t.Error("it is said twice")
	}
	b.follows("/console/start/4", "/console/start/3", "list", "@mill@mill.example bakery.example\nsea.example")
	if wishes, err := s.node.Wishes(t.Context()); err != nil || len(wishes) != 3 {
		t.Errorf("wishes: %v %v", wishes, err)
	}
	res, _ := b.post("/console/start/4", "example", "hands")
	m := regexp.MustCompile(`^/console/openings/([a-z0-9]+)$`).FindStringSubmatch(res.Header.Get("Location"))
	if m == nil {
		t.Fatalf("the example leads to %s %s", res.Status, res.Header.Get("Location"))
	}
	if o, err := s.node.Object(t.Context(), m[1]); err != nil || !o.Common().Draft || o.Common().Title() == "" {
		t.Errorf("the draft: %v %v", o, err)
	}
	for _, path := range []string{"/console/start/3", "/console/start/4", "/console/start/5", "/console"} {
		if res, body := b.get(path); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %s %s", path, res.Status, body)
		}
	}
}

// follows sends a form and wants to be led to a path.
func (b *browser) follows(to, path string, fields ...string) {
	b.Helper()
	res, body := b.post(path, fields...)
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != to {
		b.Fatalf("POST %s: %s %s, want %s: %s", path, res.Status, res.Header.Get("Location"), to, body)
	}
}

// A reader sees no step of the start, which changes the coop (AUTHZ-1).
func TestStartIsForEditors(t *testing.T) {
	s := emptySite(t)
	b := s.signedIn(t, node.RoleReader)
	if res, _ := b.get("/console/start/1"); res.StatusCode != http.StatusForbidden {
		t.Errorf("a reader gets %s", res.Status)
	}
}
