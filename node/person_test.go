package node_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// steward welcomes the first one, who has a password.
func (x *house) steward() *node.Person {
	x.Helper()
	token, err := x.Welcome(x.Context(), "command:test")
	x.must(err)
	_, _, p, err := x.RedeemPass(x.Context(), token, node.Guest{Name: "Antía", Mail: "antia@mill.example", Password: "encoded"})
	x.must(err)
	return p
}

// worker invites somebody who accepts.
func (x *house) worker(name string, role node.Role) *node.Person {
	x.Helper()
	token, _, err := x.InvitePerson(x.Context(), "command:test", name, "", role)
	x.must(err)
	_, _, p, err := x.RedeemPass(x.Context(), token, node.Guest{Password: "encoded"})
	x.must(err)
	return p
}

// signIn starts a session and gives its token.
func (x *house) signIn(p *node.Person) (string, *node.Session) {
	x.Helper()
	token, s, err := x.StartSession(x.Context(), p.ID, "a browser")
	x.must(err)
	return token, s
}

// wantIn says which of some tokens open a session.
func (x *house) wantIn(what string, tokens map[string]bool) {
	x.Helper()
	for token, want := range tokens {
		_, _, err := x.SessionOf(x.Context(), token)
		if in := err == nil; in != want {
			x.Errorf("%s: a session holds is %v, want %v", what, in, want)
		}
		if err != nil && !node.IsNotFound(err) {
			x.Errorf("%s: %v", what, err)
		}
	}
}

func TestRoles(t *testing.T) {
	for _, tt := range []struct {
		role, need node.Role
		want       bool
	}{
		{node.RoleReader, node.RoleReader, true},
		{node.RoleReader, node.RoleEditor, false},
		{node.RoleEditor, node.RoleReader, true},
		{node.RoleEditor, node.RoleSteward, false},
		{node.RoleSteward, node.RoleSteward, true},
		{"", node.RoleReader, false},
		{"", "", false},
		{"root", node.RoleReader, false},
		{node.RoleSteward, "", false}, // a page that forgot to say what it needs is closed
	} {
		if got := tt.role.Covers(tt.need); got != tt.want {
			t.Errorf("%q covers %q: %v, want %v", tt.role, tt.need, got, tt.want)
		}
	}
}

func TestPeopleAreToldApart(t *testing.T) {
	x := newHouse(t)
	antia := x.steward()
	for _, tt := range []struct {
		name, mail string
		kind       node.Kind
		words      string
	}{
		{" ANTÍA ", "", node.Exists, "Take a name"},
		{"Brais", "ANTIA@mill.example", node.Exists, "Antía"},
		{"", "", node.Invalid, "needs a name"},
		{"a@b", "", node.Invalid, "without @"},
		{"Bra\x00is", "", node.Invalid, "needs a name"},
		{strings.Repeat("b", 101), "", node.Invalid, "100 characters"},
		{"Brais", "Brais <b@mill.example>", node.Invalid, "no mail address"},
		{"Brais", "b@mill.example\nBcc: c@mill.example", node.Invalid, "no mail address"},
	} {
		_, _, err := x.InvitePerson(t.Context(), antia.By(), tt.name, tt.mail, node.RoleEditor)
		wantError(t, err, tt.kind, tt.words)
	}
	_, _, err := x.InvitePerson(t.Context(), antia.By(), "Brais", "", "root")
	wantError(t, err, node.Invalid, "no role")

	brais := x.worker("Brais  Lema", node.RoleEditor)
	equal(t, "name", brais.Name, "Brais Lema")
	for _, ref := range []string{"brais lema", brais.ID} {
		p, err := x.FindPerson(t.Context(), ref)
		x.must(err)
		equal(t, ref, p.ID, brais.ID)
	}
	_, err = x.FindPerson(t.Context(), "")
	wantError(t, err, node.NotFound)
	_, err = x.SetPerson(t.Context(), antia.By(), brais.ID, func(p *node.Person) { p.Name = "antía" })
	wantError(t, err, node.Exists, "Antía")
	_, err = x.SetPerson(t.Context(), antia.By(), brais.ID, func(p *node.Person) {
		p.Name, p.Mail, p.Lang, p.Role, p.Password = "Brais", "brais@mill.example", "gl", node.RoleSteward, ""
	})
	x.must(err)
	p, err := x.PersonByMail(t.Context(), "BRAIS@mill.example")
	x.must(err)
	equal(t, "role", p.Role, node.RoleEditor)
	equal(t, "password", p.Password, "encoded")
	equal(t, "name and language", p.Name+" "+p.Lang, "Brais gl")
}

// SES-6: who loses rights is out at once, and what links there were do not work any more.
func TestSessionsEndWithRights(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(x *house, by, id string) error
		link bool // one made before still works
	}{
		{"suspended (SES-6)", func(x *house, by, id string) error { _, err := x.SuspendPerson(x.Context(), by, id); return err }, false},
		{"another role (SES-3, SES-6)", func(x *house, by, id string) error {
			_, err := x.SetRole(x.Context(), by, id, node.RoleReader)
			return err
		}, true},
		{"removed (SES-6)", func(x *house, by, id string) error { return x.RemovePerson(x.Context(), by, id) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := newHouse(t)
			antia, brais := x.steward(), x.worker("Brais", node.RoleEditor)
			mine, _ := x.signIn(antia)
			one, _ := x.signIn(brais)
			two, _ := x.signIn(brais)
			link, err := x.NewPass(t.Context(), antia.By(), node.PassSignIn, brais.ID)
			x.must(err)
			x.wantIn("before", map[string]bool{mine: true, one: true, two: true})
			x.must(tt.do(x, antia.By(), brais.ID))
			x.wantIn("after", map[string]bool{mine: true, one: false, two: false})
			_, err = x.Pass(t.Context(), link)
			equal(t, "link works", err == nil, tt.link)
			_, _, _, err = x.RedeemPass(t.Context(), link, node.Guest{})
			equal(t, "link lets in", err == nil, tt.link)
		})
	}
}

// SES-6: a session or a link that is still there, for whatever reason, is worth nothing while its person is suspended.
func TestSessionOfASuspendedPerson(t *testing.T) {
	x := newHouse(t)
	x.steward()
	brais := x.worker("Brais", node.RoleEditor)
	token, _ := x.signIn(brais)
	link, err := x.NewPass(t.Context(), "command:test", node.PassReset, brais.ID)
	x.must(err)
	brais.Suspended = x.Now()
	x.write(func(tx node.Tx) error { return tx.SavePerson(t.Context(), brais) })
	x.wantIn("suspended (SES-6)", map[string]bool{token: false})
	_, err = x.Pass(t.Context(), link)
	wantError(t, err, node.NotFound) // LOGIN-6
}

// SES-6: what a suspension ended does not come back when it is lifted.
func TestSuspendedStaysOut(t *testing.T) {
	x := newHouse(t)
	antia, brais := x.steward(), x.worker("Brais", node.RoleEditor)
	before, _ := x.signIn(brais)
	link, err := x.NewPass(t.Context(), antia.By(), node.PassSignIn, brais.ID)
	x.must(err)
	_, err = x.SuspendPerson(t.Context(), antia.By(), brais.ID)
	x.must(err)
	_, _, err = x.StartSession(t.Context(), brais.ID, "")
	wantError(t, err, node.Forbidden)
	_, err = x.NewPass(t.Context(), antia.By(), node.PassReset, brais.ID)
	wantError(t, err, node.Forbidden, "suspended")
	_, err = x.RestorePerson(t.Context(), antia.By(), brais.ID)
	x.must(err)
	token, _ := x.signIn(brais)
	x.wantIn("restored", map[string]bool{token: true, before: false})
	_, err = x.Pass(t.Context(), link)
	wantError(t, err, node.NotFound)
}

func TestTheLastStewardStays(t *testing.T) {
	x := newHouse(t)
	antia, brais := x.steward(), x.worker("Brais", node.RoleEditor)
	_, invited, err := x.InvitePerson(t.Context(), antia.By(), "Carme", "", node.RoleSteward) // has never been here
	x.must(err)
	token, _ := x.signIn(antia)
	refused := func(who *node.Person) {
		t.Helper()
		_, err := x.SetRole(t.Context(), who.By(), who.ID, node.RoleEditor)
		wantError(t, err, node.Forbidden, "last steward")
		_, err = x.SuspendPerson(t.Context(), who.By(), who.ID)
		wantError(t, err, node.Forbidden, "last steward")
		wantError(t, x.RemovePerson(t.Context(), who.By(), who.ID), node.Forbidden, "last steward")
	}
	refused(antia)
	x.wantIn("still in", map[string]bool{token: true})

	_, err = x.SetRole(t.Context(), antia.By(), brais.ID, node.RoleSteward)
	x.must(err)
	_, err = x.SuspendPerson(t.Context(), antia.By(), brais.ID)
	x.must(err)
	refused(antia) // the other one is suspended
	_, err = x.RestorePerson(t.Context(), antia.By(), brais.ID)
	x.must(err)
	_, err = x.SetRole(t.Context(), antia.By(), antia.ID, node.RoleReader)
	x.must(err)
	brais, err = x.Person(t.Context(), brais.ID)
	x.must(err)
	refused(brais)
	x.must(x.RemovePerson(t.Context(), brais.By(), invited.ID))
	x.must(x.RemovePerson(t.Context(), brais.By(), antia.ID))
	list, err := x.People(t.Context())
	x.must(err)
	equal(t, "left", slices.ContainsFunc(list, func(p *node.Person) bool { return p.ID == brais.ID }) && len(list) == 1, true)
}

// LOGIN-3. The clock stands still but where it is moved.
func TestAttemptsToSignIn(t *testing.T) {
	x := newHouse(t)
	try := func(account, network string, want bool) {
		t.Helper()
		if wait := x.TrySignIn(account, network); (wait == 0) != want {
			t.Errorf("attempt of %s from %s has to wait %v", account, network, wait)
		}
	}
	for range 5 {
		try("antia", "a", true)
	}
	try("antia", "a", false)
	try("antia", "b", false) // the account, wherever from
	try("brais", "a", true)
	equal(t, "wait", x.TrySignIn("antia", "c"), 15*time.Minute)
	x.pass(15*time.Minute - time.Second)
	try("antia", "a", false)
	x.pass(time.Second)
	try("antia", "a", true)

	for i := range 19 {
		try(string(rune('A'+i)), "a", true) // one more is of antia
	}
	try("carme", "a", false) // the network, whoever it is
	try("carme", "b", true)

	// A success is forgiven, for the account all, for the network only itself.
	for range 4 {
		try("dora", "d", true)
	}
	try("dora", "d", true)
	x.SignedIn("dora", "d")
	for range 5 {
		try("dora", "d", true)
	}
	try("dora", "d", false)
	for i := range 11 {
		try(string(rune('a'+i)), "d", true)
	}
	try("z", "d", false)

	// What is counted is bounded: those who try now are not forgotten, one whom nobody asked for among 20,000 others is.
	others := 0
	crowd := func(n int) {
		for range n {
			others++
			x.TrySignIn(fmt.Sprint("account ", others), fmt.Sprint("network ", others))
		}
	}
	for range 5 {
		try("eva", "e", true)
	}
	for range 5 {
		crowd(9_000)
		try("eva", "f", false)
	}
	crowd(20_001)
	try("eva", "f", true)
}
