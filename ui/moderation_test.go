package ui_test

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// AUTHZ-2: what is dangerous asks for the password again, and does nothing without it.
func TestDangerAsksAgain(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, node.RoleSteward)
	s.setClock(s.now().Add(6 * time.Minute))
	rules := func() int {
		list, err := s.node.Rules(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	form := []string{"target", "spam.example", "severity", "reject", "media", "on", "comment", "advertising"}
	for _, wrong := range [][]string{form, append(form, "sure", "not the password")} {
		b.get("/console/moderation/rule")
		if _, body := b.post("/console/moderation/rule", wrong...); !strings.Contains(body, `name="comment" value="advertising"`) || rules() != 0 {
			t.Errorf("without the password there are %d rules, and the page keeps not what was typed: %s", rules(), first(body))
		}
	}
	const federation = "https://trama.example/ap/coop"
	colleague := s.signedIn(t, node.RoleEditor).person
	err := s.node.Store().Tx(t.Context(), func(tx node.Tx) error {
		return tx.SaveMembership(t.Context(), &node.Membership{Federation: federation, Coop: s.node.Links.Actor(), CoopSays: node.Word{Since: s.now()}, FederationSays: node.Word{Since: s.now()}})
	})
	if err != nil {
		t.Fatal(err)
	}
	kept := []*node.Rule{{Target: "loud.example", Severity: node.SeverityReject}, {Target: "friend.example", Allow: true}}
	if _, err := s.node.ChangeRules(t.Context(), "command:test", kept, nil); err != nil {
		t.Fatal(err)
	}
	done := func() string {
		log, err := s.node.AuditLog(t.Context(), node.AuditQuery{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		return log[0].Action + " " + log[0].Subject
	}
	before := done()
	for _, form := range [][]string{
		{"/console/account", "name", b.person.Name, "mail", "elsewhere@toxeira.example"},
		{"/console/account/password", "password", "another long password"},
		{"/console/people", "name", "Brais", "role", "editor"},
		{"/console/people/" + colleague.ID, "do", "role", "role", "steward"},
		{"/console/people/" + colleague.ID, "do", "suspend"},
		{"/console/people/" + colleague.ID, "do", "remove"},
		{"/console/people/" + colleague.ID, "do", "link", "kind", "reset"},
		{"/console/settings/mail", "host", "localhost", "port", "25", "security", "none", "from", "coop@toxeira.example"},
		{"/console/settings/mail/webhook", "address", "https://tools.example/hook", "kind", "mention"},
		{"/console/network/federations/leave", "federation", federation},
		{"/console/applications/exclude", "coop", "https://quebracho.example/ap/coop"},
		{"/console/deliveries/drop", "all", "yes"},
		{"/console/deliveries/resume"},
		{"/console/moderation/rules/purge", "target", "loud.example"},
		{"/console/moderation/rules/import/take", "list", "#domain,#severity\nspam.example,suspend\n"},
		{"/console/moderation/allow", "hosts", "friend.example", "remove", "yes"},
		{"/console/moderation/allow/mode", "on", "yes"},
		{"/console/export"},
		{"/console/export/about", "who", "@quebracho@quebracho.example"},
		{"/console/export/about", "who", colleague.Name},
	} {
		res, body := b.post(form[0], form[1:]...)
		if now := done(); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, `name="sure"`) || now != before {
			t.Errorf("%v does not ask for the password: %s, %s, the last line of the log is %s", form, res.Status, first(body), now)
			before = now
		}
	}
	if _, err := s.node.ChangeRules(t.Context(), "command:test", nil, kept); err != nil || rules() != 0 {
		t.Fatal("something was done without the password", err)
	}
	res, body := b.post("/console/moderation/rule", append(form, "sure", goodPassword)...)
	if res.StatusCode != http.StatusSeeOther || rules() != 1 {
		t.Errorf("with the password: %s, %d rules: %s", res.Status, rules(), first(body))
	}
	log, err := s.node.AuditLog(t.Context(), node.AuditQuery{Limit: 1})
	if err != nil || len(log) != 1 || log[0].Action != "rules.change" || log[0].Name != b.person.Name || log[0].Subject != "spam.example" {
		t.Errorf("the audit log says %+v, %v", log, err)
	}
}

// MOD-5, WEB-3: a list is shown before it is taken over, and given out such that no spreadsheet runs it.
func TestRuleLists(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, node.RoleSteward)
	const list = "#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\n" +
		"spam.example,suspend,true,true,'=HYPERLINK(1),false\nloud.example,silence,false,false,\"loud, very\",false\nb*d.example,suspend,,,,\nco.uk,suspend,,,,\ntoxeira.example,suspend,,,,\n"
	_, body := b.post("/console/moderation/rules/import", "list", list)
	for _, want := range []string{"spam.example", "loud.example", "was made unreadable", "everybody can have one", "about this coop itself", "Take over 2 rules"} {
		if !strings.Contains(body, want) {
			t.Errorf("the preview does not say %q", want)
		}
	}
	if all, err := s.node.Rules(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("the preview made %d rules, %v", len(all), err)
	}
	if res, body := b.post("/console/moderation/rules/import/take", "list", list); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("the list is not taken over: %s %s", res.Status, first(body))
	}
	res, body := b.get("/console/moderation/rules/export.csv")
	if !strings.Contains(body, "spam.example,suspend,true,true,'=HYPERLINK(1),false") || !strings.Contains(res.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the list is given out as %q, %s", body, res.Header)
	}
	if got := res.Header.Get("Cache-Control"); got != "private, no-store" {
		t.Errorf("the list may be kept: %s", got) // HTTP-6
	}
	for _, bad := range []string{"", "a,\"b\nc\n"} {
		if res, _ := b.post("/console/moderation/rules/import", "list", bad); res.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("the list %q: %s, want 422", bad, res.Status)
		}
	}
	for _, target := range []string{"co.uk", "", "toxeira.example", "not a host"} {
		if res, body := b.post("/console/moderation/rule", "target", target, "severity", "reject"); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, `aria-invalid="true"`) {
			t.Errorf("a rule for %q: %s, want 422 with the field marked", target, res.Status)
		}
	}
}

// GDPR-1: the archive has everything that can be read elsewhere, and nothing that is secret.
func TestExport(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, node.RoleSteward)
	if _, err := s.node.ChangeRules(t.Context(), "command:test", []*node.Rule{{Target: "spam.example", Severity: node.SeverityReject, Comment: "=cmd()"}}, nil); err != nil {
		t.Fatal(err)
	}
	res, body := b.post("/console/export")
	files := unzip(t, res, body)
	for _, name := range []string{"README.txt", "profile.json", "outbox.json", "published.csv", "followers.csv", "following.csv", "memberships.csv", "reports.csv", "rules.csv", "people.csv", "audit.csv",
		"openings/" + s.Opening.ID + ".json", "projects/" + s.Project.ID + ".json", "posts/" + s.Post.ID + ".json", "drafts/" + s.Draft.ID + ".json"} {
		if files[name] == "" {
			t.Errorf("the archive lacks %s", name)
		}
	}
	if !strings.Contains(files["rules.csv"], ",'=cmd(),") {
		t.Errorf("WEB-3: a cell begins like a formula: %s", files["rules.csv"])
	}
	if !strings.Contains(files["following.csv"], "quebracho@quebracho.example,") {
		t.Errorf("whom the coop follows: %s", files["following.csv"])
	}
	p, err := s.node.Person(t.Context(), b.person.ID)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := s.node.Store().OwnKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if strings.Contains(text, p.Password) || strings.Contains(text, "argon2") || strings.Contains(text, "PRIVATE KEY") || len(keys) == 0 {
			t.Errorf("%s holds a secret", name)
		}
	}

	res, body = b.post("/console/export/about", "who", "@mireia@social.example")
	files = unzip(t, res, body)
	if text := strings.Join([]string{files["profile.json"], files["known.json"]}, " "); !strings.Contains(text, "https://social.example/users/mireia") || len(files) < 6 {
		t.Errorf("of Mireia there are %d files: %s", len(files), text)
	}
	res, body = b.post("/console/export/about", "who", b.person.Name)
	if files = unzip(t, res, body); !strings.Contains(files["account.json"], b.person.Mail) || !strings.Contains(files["audit.csv"], "export.coop") || strings.Contains(files["account.json"], "argon2") {
		t.Errorf("the account is given out as %v", files)
	}
	for _, who := range []string{"@nobody@nowhere.example", "", "@toxeira@toxeira.example"} {
		if res, _ := b.post("/console/export/about", "who", who); res.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("the export of %q: %s, want 422", who, res.Status)
		}
	}
}

func unzip(t *testing.T, res *http.Response, body string) map[string]string {
	t.Helper()
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/zip" || res.Header.Get("Cache-Control") != "private, no-store" {
		t.Fatalf("the archive comes as %s with %v: %s", res.Status, res.Header, first(body))
	}
	z, err := zip.NewReader(bytes.NewReader([]byte(body)), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		files[f.Name] = string(b)
	}
	return files
}
