package node_test

import (
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// SES-2: a session ends after 12 hours without use, and 7 days after it began whatever its use.
func TestSessionsEndInTime(t *testing.T) {
	x := newHouse(t)
	antia := x.steward()
	idle, _ := x.signIn(antia)
	x.pass(12*time.Hour - time.Second)
	x.wantIn("just in time", map[string]bool{idle: true})
	x.pass(12*time.Hour - time.Second)
	x.wantIn("used in between", map[string]bool{idle: true})
	x.pass(12 * time.Hour)
	x.wantIn("idle (SES-2)", map[string]bool{idle: false})
	list, err := x.Sessions(t.Context(), antia.ID)
	x.must(err)
	equal(t, "listed", len(list), 0)

	used, _ := x.signIn(antia)
	for range 7*24 - 1 {
		x.pass(time.Hour)
		x.wantIn("in use", map[string]bool{used: true})
	}
	x.pass(time.Hour - time.Second)
	x.wantIn("in the last second", map[string]bool{used: true})
	x.pass(time.Second)
	x.wantIn("after 7 days (SES-2)", map[string]bool{used: false})
}

// It is noted that a session is in use, once a minute and no more: a page costs no write.
func TestSessionIsSeen(t *testing.T) {
	x := newHouse(t)
	antia := x.steward()
	token, began := x.signIn(antia)
	equal(t, "person seen", lastSeen(x, antia), began.Seen)
	for _, tt := range []struct{ pass, seen time.Duration }{{59 * time.Second, 0}, {time.Second, time.Minute}, {59 * time.Second, time.Minute}} {
		x.pass(tt.pass)
		s, p, err := x.SessionOf(t.Context(), token)
		x.must(err)
		equal(t, "seen", s.Seen.Sub(began.Seen), tt.seen)
		equal(t, "person", p.ID, antia.ID)
		equal(t, "person seen", lastSeen(x, antia), s.Seen)
		equal(t, "CSRF token", s.CSRF, began.CSRF)
	}
}

func lastSeen(x *house, p *node.Person) time.Time {
	x.Helper()
	p, err := x.Person(x.Context(), p.ID)
	x.must(err)
	return p.LastSeen
}

// SES-1: what opens a session is in no row of the database; SES-3: signing in gives a new token each time.
func TestTokens(t *testing.T) {
	x := newHouse(t)
	antia := x.steward()
	one, a := x.signIn(antia)
	two, b := x.signIn(antia)
	if one == two || a.ID == b.ID || a.CSRF == b.CSRF || len(one) != 43 { // 256 bits in base64url
		t.Errorf("tokens %q and %q", one, two)
	}
	for i := 0; i+6 <= len(one); i += 6 {
		if one[i:i+6] == two[i:i+6] {
			t.Errorf("the same stands in two tokens: %q and %q", one, two)
		}
	}
	list, err := x.Sessions(t.Context(), antia.ID)
	x.must(err)
	for _, s := range list {
		if s.Sum == one || s.Sum == two || s.CSRF != "" {
			t.Errorf("the token can be read: %+v", s)
		}
		x.wantIn("what is kept", map[string]bool{s.Sum: false, s.ID: false})
	}
	x.wantIn("tokens", map[string]bool{one: true, two: true, "": false})
}

// SES-3: a proof of who one is gives a new token, and the old one ends; AUTHZ-2: it holds for 5 minutes.
func TestConfirm(t *testing.T) {
	x := newHouse(t)
	antia := x.steward()
	old, s := x.signIn(antia)
	equal(t, "fresh at first", x.IsFresh(s), true)
	x.pass(5*time.Minute - time.Second)
	equal(t, "fresh for 5 minutes", x.IsFresh(s), true)
	x.pass(time.Second)
	s, _, err := x.SessionOf(t.Context(), old)
	x.must(err)
	equal(t, "fresh because it is in use (AUTHZ-2)", x.IsFresh(s), false)

	fresh, again, err := x.Confirm(t.Context(), s.ID)
	x.must(err)
	x.wantIn("after the proof (SES-3)", map[string]bool{old: false, fresh: true})
	equal(t, "fresh again", x.IsFresh(again), true)
	equal(t, "the same session", again.ID, s.ID)
	equal(t, "another CSRF token", again.CSRF != "" && again.CSRF != s.CSRF, true)

	x.must(x.EndSession(t.Context(), antia.ID, s.ID))
	_, _, err = x.Confirm(t.Context(), s.ID)
	wantError(t, err, node.NotFound)
}

// SES-5: another password ends all sessions but the one that asked, and all links.
func TestPasswordEndsSessions(t *testing.T) {
	x := newHouse(t)
	antia, brais := x.steward(), x.worker("Brais", node.RoleEditor)
	others, _ := x.signIn(antia)
	here, s := x.signIn(brais)
	there, _ := x.signIn(brais)
	link, err := x.NewPass(t.Context(), brais.By(), node.PassReset, brais.ID)
	x.must(err)
	x.must(x.SetPassword(t.Context(), brais.By(), brais.ID, "another", s.ID))
	x.wantIn("after another password (SES-5)", map[string]bool{here: true, there: false, others: true})
	_, err = x.Pass(t.Context(), link)
	wantError(t, err, node.NotFound)

	// The same password in another encoding (LOGIN-1).
	for _, was := range []string{"another", "a stale one"} {
		x.must(x.RenewPassword(t.Context(), brais.ID, was, "in place of "+was))
	}
	p, err := x.Person(t.Context(), brais.ID)
	x.must(err)
	equal(t, "password", p.Password, "in place of another")
	x.wantIn("after the same password", map[string]bool{here: true})

	x.must(x.SetPassword(t.Context(), antia.By(), brais.ID, "", ""))
	x.wantIn("after none (SES-5)", map[string]bool{here: false, others: true})
}

// SES-4, SES-7: sessions are listed with what they are, and each can be ended, but not by others.
func TestSessionsAreListedAndEnded(t *testing.T) {
	x := newHouse(t)
	antia, brais := x.steward(), x.worker("Brais", node.RoleEditor)
	one, a := x.signIn(brais)
	x.pass(time.Hour)
	two, b := x.signIn(brais)
	others, _ := x.signIn(antia)
	_, _, err := x.SessionOf(t.Context(), two)
	x.must(err)
	list, err := x.Sessions(t.Context(), brais.ID)
	x.must(err)
	if len(list) != 3 || list[0].ID != b.ID || list[0].Agent != "a browser" || list[0].Seen != b.Seen {
		t.Fatalf("got %+v", list)
	}
	wantError(t, x.EndSession(t.Context(), antia.ID, a.ID), node.NotFound) // AUTHZ-1: of its owner alone
	x.wantIn("ended by another", map[string]bool{one: true})
	x.must(x.EndSession(t.Context(), brais.ID, a.ID))
	x.wantIn("signed out (SES-4)", map[string]bool{one: false, two: true})
	wantError(t, x.EndSession(t.Context(), brais.ID, a.ID), node.NotFound)
	three, _ := x.signIn(brais)
	x.must(x.EndOtherSessions(t.Context(), brais.ID, b.ID))
	x.wantIn("all others signed out (SES-7)", map[string]bool{two: true, three: false, others: true})
}

// Sessions of one person are bounded: the one that was not used for longest ends.
func TestSessionsAreBounded(t *testing.T) {
	x := newHouse(t)
	antia := x.steward() // who has a session from then
	x.pass(time.Second)
	first, _ := x.signIn(antia)
	x.pass(time.Second)
	second, _ := x.signIn(antia)
	x.pass(time.Minute)
	x.wantIn("used", map[string]bool{first: true})
	for range 19 {
		x.pass(time.Second)
		x.signIn(antia)
	}
	x.wantIn("after 20", map[string]bool{first: true, second: false})
	list, err := x.Sessions(t.Context(), antia.ID)
	x.must(err)
	equal(t, "sessions", len(list), 20)
}

func TestAgentIsKeptSafely(t *testing.T) {
	x := newHouse(t)
	antia := x.steward()
	long := "a\x1b[2Jb\xff" + string(make([]byte, 1000))
	_, s, err := x.StartSession(t.Context(), antia.ID, long)
	x.must(err)
	equal(t, "agent", s.Agent, "a[2Jb")
}

func TestFlash(t *testing.T) {
	x := newHouse(t)
	token, s := x.signIn(x.steward())
	for _, flash := range []string{"Published.", ""} {
		x.must(x.SetFlash(t.Context(), s.ID, flash))
		now, _, err := x.SessionOf(t.Context(), token)
		x.must(err)
		equal(t, "flash", now.Flash, flash)
	}
}
