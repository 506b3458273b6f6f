package ui_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/coopnode/coopnode/node"
)

// signs tries to sign in with a new browser.
func (s *site) signs(t testing.TB, who, password string) (*browser, *http.Response, string) {
	t.Helper()
	b := s.visitor(t)
	b.get("/sign-in")
	res, body := b.post("/sign-in", "who", who, "password", password)
	return b, res, body
}

// By name or by mail address, and back to what was asked for.
func TestSignIn(t *testing.T) {
	s := emptySite(t)
	p := s.signedIn(t, node.RoleReader).person
	for _, who := range []string{p.Name, p.Mail, strings.ToUpper(p.Mail), " " + p.Name + " "} {
		b, res, body := s.signs(t, who, goodPassword)
		if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/console" {
			t.Errorf("%q: %s %s", who, res.Status, body)
		}
		if res, _ := b.get("/console"); res.StatusCode != http.StatusOK {
			t.Errorf("%q sees %s", who, res.Status)
		}
		if res, _ := b.get("/sign-in"); res.StatusCode != http.StatusSeeOther {
			t.Errorf("who is signed in is asked to sign in: %s", res.Status)
		}
	}
	b := s.visitor(t)
	res, _ := b.get("/console/sessions?x=1")
	if at := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || at != "/sign-in?next=%2Fconsole%2Fsessions%3Fx%3D1" {
		t.Fatalf("a stranger is led to %s", at)
	}
	if _, body := b.get(res.Header.Get("Location")); !strings.Contains(body, `name="next" value="/console/sessions?x=1"`) {
		t.Errorf("the form does not know where to go on: %s", body)
	}
	b.follows("/console/sessions?x=1", "/sign-in", "who", p.Name, "password", goodPassword, "next", "/console/sessions?x=1")
}

// WEB-1: nobody is led anywhere but to a page of the console.
func TestNextIsOurs(t *testing.T) {
	s := emptySite(t)
	p := s.signedIn(t, node.RoleReader).person
	for next, want := range map[string]string{
		"/console/account":                            "/console/account",
		"/console/people/abc?x=1":                     "/console/people/abc?x=1",
		"//evil.example/console":                      "/console",
		`/\evil.example`:                              "/console",
		`\\evil.example`:                              "/console",
		"https://evil.example/console":                "/console",
		"console/account":                             "/console",
		"/\tconsole":                                  "/console",
		"/console/account\r\nX: y":                    "/console",
		"/not/here":                                   "/console",
		"/sign-out":                                   "/console", // it takes no GET
		"/console/../../evil":                         "/console",
		"//evil.example/console/account":              "/console",
		"///console/account":                          "/console",
		"/openings?kind=job":                          "/openings?kind=job",
		"/console/sessions/end":                       "/console", // for a form
		`/openings?kind=\evil.example`:                "/console",
		"/openings?kind=a b":                          "/console",
		"/openings?kind=" + strings.Repeat("a", 2100): "/console",
		"":                                      "/console",
		"/console/" + strings.Repeat("a", 2000): "/console",
	} {
		b := s.visitor(t)
		b.get("/sign-in")
		res, _ := b.post("/sign-in", "who", p.Name, "password", goodPassword, "next", next)
		if got := res.Header.Get("Location"); got != want {
			t.Errorf("next=%q leads to %q, want %q", next, got, want)
		}
	}
}

// LOGIN-2: who is unknown, who has no password, who is suspended, who was only invited and who mistypes are told the same.
// That the same work is done is shown in TestNobodysPassword.
func TestAllFailuresAreAlike(t *testing.T) {
	s := emptySite(t)
	known := s.signedIn(t, node.RoleReader).person
	suspended := s.signedIn(t, node.RoleReader).person
	if _, err := s.node.SuspendPerson(t.Context(), "command:test", suspended.ID); err != nil {
		t.Fatal(err)
	}
	_, invited, err := s.node.InvitePerson(t.Context(), "command:test", "Invited", "", node.RoleReader)
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string][]string{}
	for _, who := range []string{known.Name, "nobody", suspended.Name, invited.Name} {
		password := goodPassword
		if who == known.Name {
			password = "wrong"
		}
		b, res, body := s.signs(t, who, password)
		body = strings.ReplaceAll(strings.ReplaceAll(body, who, "WHO"), b.csrf, "TOKEN")
		answer := res.Status + strings.Join(res.Header.Values("Set-Cookie"), " ") + body
		answers[answer] = append(answers[answer], who)
		if res.StatusCode != http.StatusUnprocessableEntity || b.cookies["__Host-session"] != "" {
			t.Errorf("%s: %s", who, res.Status)
		}
	}
	if len(answers) != 1 {
		t.Errorf("there are %d different answers: %v", len(answers), answers)
	}
}

// LOGIN-3: after five failures of an account, also of one that nobody has, and twenty of a network, nothing is looked at, not
// even the right password; who is signed in goes on, and a link still works.
func TestTooManyFailures(t *testing.T) {
	s := emptySite(t)
	b := s.signedIn(t, node.RoleSteward)
	for _, who := range []string{b.person.Name, "nobody"} {
		for k := range 6 {
			_, res, _ := s.signs(t, who, "wrong")
			if want := map[bool]int{true: http.StatusUnprocessableEntity, false: http.StatusTooManyRequests}[k < 5]; res.StatusCode != want {
				t.Errorf("%s, failure %d: %s", who, k+1, res.Status)
			}
		}
	}
	_, res, _ := s.signs(t, b.person.Mail, goodPassword)
	if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "" {
		t.Errorf("the right password, by another name of the account: %s, Retry-After %s", res.Status, res.Header.Get("Retry-After"))
	}
	if res, _ := b.get("/console"); res.StatusCode != http.StatusOK {
		t.Errorf("who is signed in is locked out: %s", res.Status)
	}
	token, err := s.node.NewPass(t.Context(), "command:test", node.PassSignIn, b.person.ID)
	if err != nil {
		t.Fatal(err)
	}
	other := s.visitor(t)
	other.get("/welcome/" + token)
	other.follows("/console", "/welcome/"+token)

	for k := range 25 { // of one network, with ever new names
		if _, res, _ := s.signs(t, fmt.Sprint("name", k), "wrong"); k >= 10 && res.StatusCode != http.StatusTooManyRequests {
			t.Errorf("failure %d of the network: %s", 11+k, res.Status)
		}
	}
	s.setClock(s.now().Add(16 * time.Minute))
	if _, res, _ := s.signs(t, b.person.Name, goodPassword); res.StatusCode != http.StatusSeeOther {
		t.Errorf("a quarter of an hour later: %s", res.Status)
	}
}

// LOGIN-3: failures are counted by account, wherever they come from, and by network, whoever is named: an address of IPv4, a
// /64 of IPv6.
func TestFailuresOfAnAccountAndOfANetwork(t *testing.T) {
	t.Parallel()
	s := emptySite(t)
	attacked, other := s.signedIn(t, node.RoleReader).person, s.signedIn(t, node.RoleReader).person
	signs := func(from, who, password string) int {
		t.Helper()
		b := s.visitor(t)
		b.from = from
		b.get("/sign-in")
		res, _ := b.post("/sign-in", "who", who, "password", password)
		return res.StatusCode
	}
	for k := range 5 {
		if got := signs(fmt.Sprintf("203.0.113.%d", k), attacked.Name, "wrong"); got != http.StatusUnprocessableEntity {
			t.Errorf("failure %d of the account: %d", k+1, got)
		}
	}
	if got := signs("198.51.100.1", attacked.Name, goodPassword); got != http.StatusTooManyRequests {
		t.Errorf("the account, from a network that did nothing: %d", got)
	}
	if got := signs("203.0.113.0", other.Name, goodPassword); got != http.StatusSeeOther {
		t.Errorf("another account, from one of those networks: %d", got)
	}
	for k := range 20 {
		if got := signs(fmt.Sprintf("2001:db8:0:1::%x", k+1), fmt.Sprint("name", k), "wrong"); got != http.StatusUnprocessableEntity {
			t.Errorf("failure %d of the network: %d", k+1, got)
		}
	}
	for from, want := range map[string]int{"2001:db8:0:1:ffff::1": http.StatusTooManyRequests, "2001:db8:0:2::1": http.StatusSeeOther} {
		if got := signs(from, other.Name, goodPassword); got != want {
			t.Errorf("another account, from %s: %d, want %d", from, got, want)
		}
	}
}

// LOGIN-1: who signs in with a password that was sealed at less cost has it sealed anew.
func TestOldHashIsRenewed(t *testing.T) {
	t.Parallel()
	s := emptySite(t)
	p := s.signedIn(t, node.RoleReader).person
	salt := []byte("sixteen bytes of")
	b64 := base64.RawStdEncoding.EncodeToString
	old := "$argon2id$v=19$m=1024,t=1,p=1$" + b64(salt) + "$" + b64(argon2.IDKey([]byte(goodPassword), salt, 1, 1024, 1, 32))
	if err := s.node.SetPassword(t.Context(), "command:test", p.ID, old, ""); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		password string
		status   int
		kept     string
	}{
		{"wrong", http.StatusUnprocessableEntity, old},
		{goodPassword, http.StatusSeeOther, "$argon2id$v=19$m=19456,t=2,p=1$"},
		{goodPassword, http.StatusSeeOther, "$argon2id$v=19$m=19456,t=2,p=1$"},
	} {
		_, res, _ := s.signs(t, p.Name, tt.password)
		now, err := s.node.Person(t.Context(), p.ID)
		if err != nil || res.StatusCode != tt.status || !strings.HasPrefix(now.Password, tt.kept) {
			t.Errorf("%q: %s, kept is %s, %v", tt.password, res.Status, now.Password, err)
		}
	}
}

// LOGIN-6: who asks for a link is answered alike whether or not anybody has that address, in words and in time; a link goes
// only to who may sign in, and only so often.
func TestResetTellsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a clock that stands still while work is done
		s := emptySite(t)
		if res, body := s.visitor(t).get("/reset"); res.StatusCode != http.StatusOK || strings.Contains(body, `name="mail"`) {
			t.Errorf("without mail: %s", res.Status)
		}
		known, suspended := s.signedIn(t, node.RoleReader).person, s.signedIn(t, node.RoleReader).person
		if _, err := s.node.SuspendPerson(t.Context(), "command:test", suspended.ID); err != nil {
			t.Fatal(err)
		}
		_, invited, err := s.node.InvitePerson(t.Context(), "command:test", "Invited", "invited@toxeira.example", node.RoleReader)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.node.SetMail(t.Context(), "command:test", &node.MailSettings{Host: "mail.toxeira.example", Port: 465, Security: node.MailTLS, From: "coop@toxeira.example"}); err != nil {
			t.Fatal(err)
		}
		links := func() map[string]int {
			list, err := s.node.Notices(t.Context(), node.NoticeQuery{Kind: node.NoticeLink})
			if err != nil {
				t.Fatal(err)
			}
			count := map[string]int{}
			for _, n := range list {
				count[n.To]++
			}
			return count
		}
		answers := map[string][]string{}
		ask := func(mail string) {
			b := s.visitor(t)
			b.get("/reset")
			token, began := b.csrf, time.Now()
			res, body := b.post("/reset", "mail", mail, "kind", "reset")
			answer := fmt.Sprint(res.Status, time.Since(began), res.Header, strings.ReplaceAll(body, token, "TOKEN"))
			answers[answer] = append(answers[answer], mail)
			if res.StatusCode != http.StatusOK || time.Since(began) == 0 {
				t.Errorf("%s: %s after %s", mail, res.Status, time.Since(began))
			}
		}
		for _, mail := range []string{known.Mail, "nobody@toxeira.example", suspended.Mail, invited.Mail, "", "no address"} {
			ask(mail)
		}
		for range 7 {
			ask(strings.ToUpper(known.Mail))
		}
		if len(answers) != 1 {
			t.Errorf("there are %d different answers: %v", len(answers), answers)
		}
		if got := links(); got[known.ID] != 5 || len(got) != 1 {
			t.Errorf("links went to %v; want five to who asked for eight, and none to others", got)
		}
	})
}

// LOGIN-3: the password that is asked for again is counted like the one to sign in.
func TestTooManyFailuresOfBeingSure(t *testing.T) {
	s := emptySite(t)
	b := s.signedIn(t, node.RoleSteward)
	s.setClock(s.now().Add(10 * time.Minute))
	for k := range 6 {
		res, _ := b.post("/console/people", "name", "Brais", "role", "editor", "sure", "wrong")
		if want := map[bool]int{true: http.StatusUnprocessableEntity, false: http.StatusTooManyRequests}[k < 5]; res.StatusCode != want {
			t.Errorf("failure %d: %s", k+1, res.Status)
		}
	}
}

// LOGIN-1 where a password is chosen: short, long and common ones are refused, and nothing typed is lost.
func TestPasswordsThatAreRefused(t *testing.T) {
	s := emptySite(t)
	token, _, err := s.node.InvitePerson(t.Context(), "command:test", "Brais", "", node.RoleEditor)
	if err != nil {
		t.Fatal(err)
	}
	b := s.visitor(t)
	b.get("/welcome/" + token)
	for _, password := range []string{"short", strings.Repeat("long ", 26), "password1234", "Qwertyuiop123456"} {
		res, body := b.post("/welcome/"+token, "name", "Brais of the mill", "password", password)
		if res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, `value="Brais of the mill"`) || strings.Contains(body, `value="`+password) {
			t.Errorf("%q: %s %s", password, res.Status, body)
		}
	}
	b.follows("/console", "/welcome/"+token, "name", "Brais of the mill", "password", goodPassword)
	b.get("/console/account")
	res, _ := b.post("/console/account/password", "password", "password1234")
	if res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a common password as the next one: %s", res.Status)
	}
}

// LOGIN-5, LOGIN-6: looking at a link does not use it, for programs that read mail do; it works once; nobody can set
// up a node that has a steward.
func TestLinkWorksOnce(t *testing.T) {
	s := emptySite(t)
	token, err := s.node.Welcome(t.Context(), "command:test")
	if err != nil {
		t.Fatal(err)
	}
	b := s.visitor(t)
	for range 3 {
		if res, _ := b.get("/welcome/" + token); res.StatusCode != http.StatusOK {
			t.Fatalf("the link is used up by looking: %s", res.Status)
		}
	}
	b.follows("/console/start/1", "/welcome/"+token, "name", "Uxía", "password", goodPassword)
	again := s.visitor(t)
	again.get("/sign-in") // for the token of a form
	if res, body := again.post("/welcome/"+token, "name", "Eve", "password", goodPassword); res.StatusCode != http.StatusNotFound {
		t.Errorf("the second time: %s %s", res.Status, body)
	}
	if res, _ := again.get("/welcome/" + token); res.StatusCode != http.StatusNotFound {
		t.Errorf("a used link: %s", res.Status)
	}
	if res, _ := again.get("/welcome/" + strings.Repeat("a", 43)); res.StatusCode != http.StatusNotFound {
		t.Errorf("an invented link: %s", res.Status)
	}
}
