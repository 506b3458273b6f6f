package node_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store/storetest"
)

// failing is a store that cannot keep a session, or a line of the audit log.
type failing struct {
	node.Store
	session, audit bool
}

type failingTx struct {
	node.Tx
	of *failing
}

func (s *failing) Tx(ctx context.Context, f func(node.Tx) error) error {
	return s.Store.Tx(ctx, func(tx node.Tx) error { return f(failingTx{tx, s}) })
}

func (t failingTx) SaveSession(ctx context.Context, s *node.Session) error {
	if t.of.session {
		return errBroken
	}
	return t.Tx.SaveSession(ctx, s)
}

func (t failingTx) NoteAudit(ctx context.Context, e *node.AuditEntry) error {
	if t.of.audit {
		return errBroken
	}
	return t.Tx.NoteAudit(ctx, e)
}

// LOGIN-5: the first steward comes in with a link that holds an hour, works once, and that only the machine gives.
func TestWelcome(t *testing.T) {
	x := newHouse(t)
	founded, err := x.IsFounded(t.Context())
	x.must(err)
	equal(t, "founded at first", founded, false)

	late, err := x.Welcome(t.Context(), "command:test")
	x.must(err)
	x.pass(time.Hour)
	_, _, _, err = x.RedeemPass(t.Context(), late, node.Guest{Name: "Late"})
	wantError(t, err, node.NotFound, "Ask for a new one")

	older, err := x.Welcome(t.Context(), "command:test")
	x.must(err)
	token, err := x.Welcome(t.Context(), "command:test")
	x.must(err)
	_, err = x.Pass(t.Context(), older) // only the newest one
	wantError(t, err, node.NotFound)
	x.pass(time.Hour - time.Second)
	pass, err := x.Pass(t.Context(), token) // looking does not use it up
	x.must(err)
	equal(t, "pass", string(pass.Kind)+" "+string(pass.Role)+" "+pass.Person, "welcome steward ")

	_, _, _, err = x.RedeemPass(t.Context(), token, node.Guest{})
	wantError(t, err, node.Invalid, "needs a name")
	in, s, antia, err := x.RedeemPass(t.Context(), token, node.Guest{Name: "Antía", Mail: "antia@mill.example", Lang: "gl", Password: "encoded", Agent: "a browser"})
	x.must(err)
	equal(t, "role", antia.Role, node.RoleSteward)
	equal(t, "agent", s.Agent, "a browser")
	got, p, err := x.SessionOf(t.Context(), in)
	x.must(err)
	equal(t, "session", got.ID+" "+p.ID+" "+p.Mail+" "+p.Lang+" "+p.Password, s.ID+" "+antia.ID+" antia@mill.example gl encoded")

	_, _, _, err = x.RedeemPass(t.Context(), token, node.Guest{Name: "Eve"})
	wantError(t, err, node.NotFound)
	_, err = x.Welcome(t.Context(), "command:test")
	wantError(t, err, node.Forbidden, "steward here already")
	founded, err = x.IsFounded(t.Context())
	x.must(err)
	equal(t, "founded", founded, true)
}

// LOGIN-5: a welcome does not outlive the moment at which there is a steward, whatever way that one came in.
func TestWelcomeEndsWithTheFirstSteward(t *testing.T) {
	x := newHouse(t)
	invitation, _, err := x.InvitePerson(t.Context(), "command:test", "Antía", "", node.RoleSteward)
	x.must(err)
	welcome, err := x.Welcome(t.Context(), "command:test") // who is only invited may never come
	x.must(err)
	_, _, _, err = x.RedeemPass(t.Context(), invitation, node.Guest{})
	x.must(err)
	_, err = x.Pass(t.Context(), welcome)
	wantError(t, err, node.NotFound)
	_, _, _, err = x.RedeemPass(t.Context(), welcome, node.Guest{Name: "Eve"})
	wantError(t, err, node.NotFound)
}

func TestInvitation(t *testing.T) {
	x := newHouse(t)
	antia := x.steward()
	token, brais, err := x.InvitePerson(t.Context(), antia.By(), "Brais", "brais@mill.example", node.RoleEditor)
	x.must(err)
	_, _, err = x.StartSession(t.Context(), brais.ID, "")
	wantError(t, err, node.Forbidden) // not before it is accepted
	x.pass(7*24*time.Hour - time.Second)
	pass, err := x.Pass(t.Context(), token)
	x.must(err)
	equal(t, "told", pass.Name+" "+pass.Mail+" "+string(pass.Role), "Brais brais@mill.example editor")

	// What was settled meanwhile holds.
	_, err = x.SetRole(t.Context(), antia.By(), brais.ID, node.RoleReader)
	x.must(err)
	_, _, _, err = x.RedeemPass(t.Context(), token, node.Guest{Name: "Antía"})
	wantError(t, err, node.Exists)
	_, _, p, err := x.RedeemPass(t.Context(), token, node.Guest{Name: "Brais L.", Mail: "eve@eve.example", Password: "encoded"})
	x.must(err)
	equal(t, "joined", p.Name+" "+p.Mail+" "+string(p.Role)+" "+p.Password, "Brais L. brais@mill.example reader encoded")
	_, _, _, err = x.RedeemPass(t.Context(), token, node.Guest{})
	wantError(t, err, node.NotFound)
	_, err = x.NewPass(t.Context(), antia.By(), node.PassInvite, brais.ID)
	wantError(t, err, node.Invalid, "has accepted")

	// One that was not accepted in time can be made anew, and withdrawn with the person.
	late, carme, err := x.InvitePerson(t.Context(), antia.By(), "Carme", "", node.RoleEditor)
	x.must(err)
	x.pass(7 * 24 * time.Hour)
	_, err = x.Pass(t.Context(), late)
	wantError(t, err, node.NotFound)
	again, err := x.NewPass(t.Context(), antia.By(), node.PassInvite, carme.ID)
	x.must(err)
	_, err = x.Pass(t.Context(), again)
	x.must(err)
	x.must(x.RemovePerson(t.Context(), antia.By(), carme.ID))
	_, err = x.Pass(t.Context(), again)
	wantError(t, err, node.NotFound)
}

// LOGIN-6: 256 random bits, kept only as a sum, single use, 30 minutes; SES-5: a reset ends all sessions.
func TestReset(t *testing.T) {
	x := newHouse(t)
	antia := x.steward()
	was, _ := x.signIn(antia)
	make := func(kind node.PassKind) string {
		t.Helper()
		token, err := x.NewPass(t.Context(), "sign-in page", kind, antia.ID)
		x.must(err)
		return token
	}
	late := make(node.PassReset)
	x.pass(30*time.Minute - time.Second)
	pass, err := x.Pass(t.Context(), late)
	x.must(err)
	if pass.Sum == late || len(late) != 43 {
		t.Errorf("token %q, kept as %q", late, pass.Sum)
	}
	_, err = x.Pass(t.Context(), pass.Sum)
	wantError(t, err, node.NotFound)
	x.pass(time.Second)
	_, _, _, err = x.RedeemPass(t.Context(), late, node.Guest{Password: "x"})
	wantError(t, err, node.NotFound) // LOGIN-6: 30 minutes

	token, other, link := make(node.PassReset), make(node.PassReset), make(node.PassSignIn)
	_, _, _, err = x.RedeemPass(t.Context(), token, node.Guest{})
	wantError(t, err, node.Invalid, "new password")
	in, _, p, err := x.RedeemPass(t.Context(), token, node.Guest{Name: "Eve", Password: "another"})
	x.must(err)
	equal(t, "name and password", p.Name+" "+p.Password, "Antía another")
	x.wantIn("after a reset (SES-5)", map[string]bool{was: false, in: true})
	for _, used := range []string{token, other, link} { // LOGIN-6: single use
		_, _, _, err = x.RedeemPass(t.Context(), used, node.Guest{Password: "x"})
		wantError(t, err, node.NotFound)
	}
}

func TestSignInByLink(t *testing.T) {
	x := newHouse(t)
	antia := x.steward()
	was, _ := x.signIn(antia)
	token, err := x.NewPass(t.Context(), "sign-in page", node.PassSignIn, antia.ID)
	x.must(err)
	x.pass(30*time.Minute - time.Second)
	in, _, p, err := x.RedeemPass(t.Context(), token, node.Guest{Name: "Eve", Lang: "ja", Password: "another"})
	x.must(err)
	equal(t, "nothing else changes", p.Name+" "+p.Password+" "+p.Lang, "Antía encoded ")
	x.wantIn("signed in by a link", map[string]bool{was: true, in: true})
	_, _, _, err = x.RedeemPass(t.Context(), token, node.Guest{})
	wantError(t, err, node.NotFound)
}

// LOGIN-6: many who use a link at the same moment are one.
func TestPassIsRedeemedOnce(t *testing.T) {
	x := newHouse(t)
	token, err := x.Welcome(t.Context(), "command:test")
	x.must(err)
	var all sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		all.Go(func() {
			_, _, _, errs[i] = x.RedeemPass(t.Context(), token, node.Guest{Name: string(rune('A' + i))})
		})
	}
	all.Wait()
	came := 0
	for _, err := range errs {
		if err == nil {
			came++
		} else if !node.IsNotFound(err) {
			t.Error(err)
		}
	}
	equal(t, "came in", came, 1)
	people, err := x.People(t.Context())
	x.must(err)
	equal(t, "people", len(people), 1)
}

// What a link does and its end are one change: if one of them fails, none is done (LOGIN-6).
func TestPassIsRedeemedWholly(t *testing.T) {
	s := &failing{Store: storetest.Open(t)}
	x := houseOn(t, s)
	token, err := x.Welcome(t.Context(), "command:test")
	x.must(err)
	s.session = true
	if _, _, _, err = x.RedeemPass(t.Context(), token, node.Guest{Name: "Antía"}); !errors.Is(err, errBroken) {
		t.Fatalf("got %v", err)
	}
	s.session = false
	people, err := x.People(t.Context())
	x.must(err)
	equal(t, "people", len(people), 0)
	_, _, _, err = x.RedeemPass(t.Context(), token, node.Guest{Name: "Antía"})
	x.must(err)
}

func TestOtherMailEndsLinks(t *testing.T) {
	x := newHouse(t)
	antia := x.steward()
	link, err := x.NewPass(t.Context(), "sign-in page", node.PassSignIn, antia.ID)
	x.must(err)
	_, err = x.SetPerson(t.Context(), antia.By(), antia.ID, func(p *node.Person) { p.Name = "Antía R." })
	x.must(err)
	_, err = x.Pass(t.Context(), link)
	x.must(err)
	_, err = x.SetPerson(t.Context(), antia.By(), antia.ID, func(p *node.Person) { p.Mail = "antia@new.example" })
	x.must(err)
	_, err = x.Pass(t.Context(), link)
	wantError(t, err, node.NotFound)
}
