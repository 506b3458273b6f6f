package ui_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store/storetest"
	"github.com/coopnode/coopnode/ui"
)

// SES-1: the cookies of sessions and of forms cannot be read by a script, set by another host, or sent over plain http.
func TestCookies(t *testing.T) {
	s := emptySite(t)
	p := s.signedIn(t, node.RoleReader).person
	b := s.visitor(t)
	res, _ := b.get("/sign-in")
	wants := func(res *http.Response, name string) {
		t.Helper()
		for _, line := range res.Header.Values("Set-Cookie") {
			if !strings.HasPrefix(line, name+"=") {
				continue
			}
			for _, part := range []string{"; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"} {
				if !strings.Contains(line, part) {
					t.Errorf("%s lacks %q", line, part)
				}
			}
			if strings.Contains(line, "Domain") || strings.Contains(line, "Expires") {
				t.Errorf("%s says too much", line)
			}
			return
		}
		t.Errorf("no cookie %s: %v", name, res.Header.Values("Set-Cookie"))
	}
	wants(res, "__Host-form")
	res, _ = b.post("/sign-in", "who", p.Name, "password", goodPassword)
	wants(res, "__Host-session")
	if n := len(b.cookies["__Host-session"]); n != 43 { // 256 bits
		t.Errorf("the token has %d characters", n)
	}
}

// A node that is tried out over http has cookies that browsers take there.
func TestCookiesOfTrying(t *testing.T) {
	b := tryingSite(t).visitor(t)
	res, _ := b.get("/sign-in")
	if line := res.Header.Get("Set-Cookie"); !strings.HasPrefix(line, "form=") || strings.Contains(line, "Secure") || !strings.Contains(line, "HttpOnly") {
		t.Errorf("Set-Cookie: %s", line)
	}
}

// tryingSite is a node made with init --dev.
func tryingSite(t *testing.T) *site {
	t.Helper()
	db := storetest.Open(t)
	encoder := func(node.Links) node.Encoder { return plainEncoder{} }
	if err := node.SetUp(t.Context(), db, encoder, node.Setup{Base: "http://localhost:8080", Dev: true, Handle: "try"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	n, err := node.New(t.Context(), db, encoder, node.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	ui.Mount(e, n, ui.Options{})
	return &site{node: n, echo: e}
}

// SES-2: 12 hours without use, and seven days at most.
func TestSessionsEndByThemselves(t *testing.T) {
	s := emptySite(t)
	b := s.signedIn(t, node.RoleReader)
	alive := func() bool {
		res, _ := b.get("/console")
		return res.StatusCode == http.StatusOK
	}
	began := s.now()
	for s.now().Sub(began) < 7*24*time.Hour-11*time.Hour {
		s.setClock(s.now().Add(11 * time.Hour))
		if !alive() {
			t.Fatalf("ended after %s in use", s.now().Sub(began))
		}
	}
	s.setClock(began.Add(7*24*time.Hour + time.Minute))
	if alive() {
		t.Error("alive after seven days")
	}
	b = s.signedIn(t, node.RoleReader)
	s.setClock(s.now().Add(12*time.Hour + time.Minute))
	if alive() {
		t.Error("alive after twelve hours without use")
	}
	if b.cookies["__Host-session"] != "" {
		t.Error("the browser keeps a cookie that is worth nothing")
	}
}

// SES-3: signing in takes no token that the browser had before, and being sure makes a new one.
func TestNewTokens(t *testing.T) {
	s := emptySite(t)
	b := s.signedIn(t, node.RoleSteward)
	first := b.cookies["__Host-session"]
	s.setClock(s.now().Add(10 * time.Minute))
	if res, body := b.post("/console/people", "name", "Brais", "role", "editor", "sure", goodPassword); res.StatusCode != http.StatusOK || !strings.Contains(body, "/welcome/") {
		t.Fatalf("%s %s", res.Status, body)
	}
	second := b.cookies["__Host-session"]
	if second == first || second == "" {
		t.Error("no new token after the password was asked for again")
	}
	thief := s.visitor(t)
	thief.cookies["__Host-session"] = first
	if res, _ := thief.get("/console"); res.StatusCode != http.StatusSeeOther {
		t.Errorf("the old token still works: %s", res.Status)
	}
	fixed := s.visitor(t)
	fixed.get("/sign-in")
	fixed.cookies["__Host-session"] = strings.Repeat("a", 43)
	fixed.follows("/console", "/sign-in", "who", b.person.Name, "password", goodPassword)
	if fixed.cookies["__Host-session"] == strings.Repeat("a", 43) {
		t.Error("a token that was planted is taken over")
	}
}

// SES-4: after signing out the token is worth nothing.
func TestSignOut(t *testing.T) {
	s := emptySite(t)
	b := s.signedIn(t, node.RoleReader)
	token := b.cookies["__Host-session"]
	if res, _ := b.get("/sign-out"); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("a link signs out: %s", res.Status)
	}
	b.follows("/", "/sign-out")
	if b.cookies["__Host-session"] != "" {
		t.Error("the cookie stays")
	}
	b.cookies["__Host-session"] = token
	if res, _ := b.get("/console"); res.StatusCode != http.StatusSeeOther {
		t.Errorf("the token still works: %s", res.Status)
	}
}

// another signs the same person in with another browser.
func (b *browser) another() *browser {
	b.Helper()
	other, res, body := b.site.signs(b, b.person.Name, goodPassword)
	if res.StatusCode != http.StatusSeeOther {
		b.Fatalf("a second browser: %s %s", res.Status, body)
	}
	other.person = b.person
	other.get("/console")
	return other
}

func (b *browser) isIn() bool {
	b.Helper()
	res, _ := b.get("/console")
	return res.StatusCode == http.StatusOK
}

// SES-5: another password ends all other sessions, and this one goes on with a new token.
func TestNewPasswordEndsOtherSessions(t *testing.T) {
	s := emptySite(t)
	b := s.signedIn(t, node.RoleReader)
	other, token := b.another(), b.cookies["__Host-session"]
	b.get("/console/account")
	b.follows("/console/account", "/console/account/password", "password", "another long password")
	if other.isIn() || !b.isIn() || b.cookies["__Host-session"] == token {
		t.Errorf("other: %v, this: %v, new token: %v", other.isIn(), b.isIn(), b.cookies["__Host-session"] != token)
	}
	if _, res, _ := s.signs(t, b.person.Name, goodPassword); res.StatusCode == http.StatusSeeOther {
		t.Error("the old password still works")
	}
	link, err := s.node.NewPass(t.Context(), "command:test", node.PassReset, b.person.ID)
	if err != nil {
		t.Fatal(err)
	}
	third := s.visitor(t)
	third.get("/welcome/" + link)
	third.follows("/console", "/welcome/"+link, "password", "a third long password")
	if b.isIn() || !third.isIn() {
		t.Errorf("after a reset: before %v, now %v", b.isIn(), third.isIn())
	}
}

// SES-6: another role, suspension and removal end the sessions of somebody at once.
func TestRightsThatEndEndSessions(t *testing.T) {
	s := emptySite(t)
	steward := s.signedIn(t, node.RoleSteward)
	for _, do := range [][]string{{"role", "role", "reader"}, {"suspend"}, {"remove"}} {
		b := s.signedIn(t, node.RoleEditor)
		at := "/console/people/" + b.person.ID
		steward.get(at)
		res, body := steward.post(at, append([]string{"do"}, do...)...)
		if res.StatusCode != http.StatusSeeOther {
			t.Fatalf("%v: %s %s", do, res.Status, body)
		}
		if b.isIn() {
			t.Errorf("%v: still signed in", do)
		}
		if _, body := steward.get(res.Header.Get("Location")); !strings.Contains(body, `<p class="note">`) {
			t.Errorf("%v: nothing says what happened", do)
		}
	}
	at := "/console/people/" + steward.person.ID
	for _, do := range [][]string{{"role", "role", "reader"}, {"suspend"}, {"remove"}} {
		steward.get(at)
		if res, _ := steward.post(at, append([]string{"do"}, do...)...); res.StatusCode != http.StatusUnprocessableEntity || !steward.isIn() {
			t.Errorf("the last steward, %v: %s", do, res.Status)
		}
	}
}

// SES-7: a list of all sessions, with a way to end each, and all others.
func TestSessionList(t *testing.T) {
	s := emptySite(t)
	b := s.signedIn(t, node.RoleReader)
	second, third, strange := b.another(), b.another(), s.signedIn(t, node.RoleReader)
	list, err := s.node.Sessions(t.Context(), b.person.ID)
	if err != nil || len(list) != 3 {
		t.Fatalf("%v %v", list, err)
	}
	_, body := b.get("/console/sessions")
	for _, session := range list {
		if !strings.Contains(body, `value="`+session.ID+`"`) {
			t.Errorf("%s is not in the list", session.ID)
		}
	}
	own, err := s.node.Sessions(t.Context(), strange.person.ID)
	if err != nil {
		t.Fatal(err)
	}
	b.follows("/console/sessions", "/console/sessions/end", "session", own[0].ID)
	if !strange.isIn() {
		t.Error("the session of somebody else was ended")
	}
	thirdID := sessionIDOf(t, s, third)
	b.get("/console/sessions")
	b.follows("/console/sessions", "/console/sessions/end", "session", thirdID)
	if third.isIn() || !second.isIn() {
		t.Errorf("third: %v, second: %v", third.isIn(), second.isIn())
	}
	b.get("/console/sessions")
	b.follows("/console/sessions", "/console/sessions/others")
	if second.isIn() || !b.isIn() {
		t.Errorf("second: %v, own: %v", second.isIn(), b.isIn())
	}
}

func sessionIDOf(t *testing.T, s *site, b *browser) string {
	t.Helper()
	session, _, err := s.node.SessionOf(t.Context(), b.cookies["__Host-session"])
	if err != nil {
		t.Fatal(err)
	}
	return session.ID
}
