package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// worker keeps a person who has joined.
func (x *fixture) worker(id, name, mail string) *node.Person {
	x.Helper()
	p := &node.Person{ID: id, Name: name, Mail: mail, Lang: "gl", Role: node.RoleEditor, Password: "encoded", Created: noon, Joined: noon.Add(time.Hour)}
	x.write(func(tx node.Tx) error { return tx.SavePerson(x.ctx, p) })
	return p
}

// signedIn keeps a session that lasts an hour.
func (x *fixture) signedIn(id string, p *node.Person, seen time.Time) *node.Session {
	x.Helper()
	s := &node.Session{ID: id, Sum: "sum of " + id, Person: p.ID, Created: noon, Seen: seen, Ends: seen.Add(time.Hour), Confirmed: noon, Agent: "a browser"}
	x.write(func(tx node.Tx) error { return tx.SaveSession(x.ctx, s) })
	return s
}

func people(t *testing.T, x *fixture) {
	list, err := x.People(x.ctx)
	x.ok(err)
	check(x, "at first", len(list), 0)
	uxia := x.worker("uxia222222", "Uxía Ferro", "Uxia@Mill.example")
	x.worker("anna222222", "anna", "")
	x.worker("bern222222", "Bern", "")

	list, err = x.People(x.ctx)
	x.ok(err)
	var names []string
	for _, p := range list {
		names = append(names, p.Name)
	}
	if !slices.Equal(names, []string{"anna", "Bern", "Uxía Ferro"}) {
		t.Errorf("got %q", names)
	}
	for what, find := range map[string]func() (*node.Person, error){
		"id":   func() (*node.Person, error) { return x.Person(x.ctx, "uxia222222") },
		"name": func() (*node.Person, error) { return x.PersonByName(x.ctx, " uxÍA  ferro") },
		"mail": func() (*node.Person, error) { return x.PersonByMail(x.ctx, "uxia@mill.EXAMPLE") },
	} {
		got, err := find()
		x.ok(err)
		check(x, "by "+what, *got, *uxia)
	}
	_, err = x.Person(x.ctx, "nobody")
	x.wantKind(err, node.NotFound)
	_, err = x.PersonByName(x.ctx, "")
	x.wantKind(err, node.NotFound)
	_, err = x.PersonByMail(x.ctx, "") // which two have
	x.wantKind(err, node.NotFound)

	uxia.Name, uxia.Mail, uxia.Role, uxia.Password, uxia.Lang = "Uxía", "", node.RoleSteward, "", ""
	uxia.Joined, uxia.LastSeen, uxia.Suspended = noon, noon.Add(time.Minute), noon.Add(2*time.Minute)
	changed := *uxia
	changed.Created = noon.Add(time.Hour) // stays as it was
	x.write(func(tx node.Tx) error { return tx.SavePerson(x.ctx, &changed) })
	got, err := x.Person(x.ctx, uxia.ID)
	x.ok(err)
	check(x, "changed", *got, *uxia)
}

func personsApart(_ *testing.T, x *fixture) {
	x.worker("anna222222", "Anna", "anna@mill.example")
	for _, other := range []node.Person{{Name: "ANNA"}, {Name: "Ana", Mail: "ANNA@mill.example"}} {
		other.ID, other.Role = "othr222222", node.RoleReader
		x.wantKind(x.Tx(x.ctx, func(tx node.Tx) error { return tx.SavePerson(x.ctx, &other) }), node.Exists)
	}
}

func sessions(t *testing.T, x *fixture) {
	anna, bern := x.worker("anna222222", "Anna", ""), x.worker("bern222222", "Bern", "")
	first := x.signedIn("frst222222", anna, noon)
	x.signedIn("scnd222222", anna, noon.Add(time.Minute))
	x.signedIn("bern333333", bern, noon)

	got, err := x.Session(x.ctx, first.Sum)
	x.ok(err)
	check(x, "by sum", *got, *first)
	got, err = x.SessionByID(x.ctx, first.ID)
	x.ok(err)
	check(x, "by id", *got, *first)
	list, err := x.SessionsOf(x.ctx, anna.ID)
	x.ok(err)
	if len(list) != 2 || list[0].ID != "scnd222222" || list[1].ID != first.ID {
		t.Errorf("got %+v", list)
	}

	old := first.Sum
	first.Sum, first.Flash = "another", "Published."
	first.Seen, first.Ends, first.Confirmed = noon.Add(time.Hour), noon.Add(2*time.Hour), noon.Add(time.Hour)
	changed := *first
	changed.Person, changed.Created, changed.Agent = bern.ID, noon.Add(time.Hour), "another browser" // stay as they were
	x.write(func(tx node.Tx) error { return tx.SaveSession(x.ctx, &changed) })
	got, err = x.Session(x.ctx, "another")
	x.ok(err)
	check(x, "changed", *got, *first)
	_, err = x.Session(x.ctx, old) // SES-3
	x.wantKind(err, node.NotFound)
}

func sessionsEnd(_ *testing.T, x *fixture) {
	anna, bern := x.worker("anna222222", "Anna", ""), x.worker("bern222222", "Bern", "")
	a1, a2, a3 := x.signedIn("frst222222", anna, noon), x.signedIn("scnd222222", anna, noon), x.signedIn("thrd222222", anna, noon)
	b := x.signedIn("bern333333", bern, noon)
	there := func(want ...*node.Session) {
		x.Helper()
		for _, s := range []*node.Session{a1, a2, a3, b} {
			_, err := x.Session(x.ctx, s.Sum)
			check(x, s.ID, err == nil, slices.Contains(want, s))
		}
	}
	x.write(func(tx node.Tx) error {
		x.ok(tx.EndSession(x.ctx, a1.ID))
		return tx.EndSession(x.ctx, a1.ID)
	})
	there(a2, a3, b)
	x.write(func(tx node.Tx) error { return tx.EndSessions(x.ctx, anna.ID, a3.ID) })
	there(a3, b)
	x.write(func(tx node.Tx) error { return tx.EndSessions(x.ctx, anna.ID, "") })
	there(b)
}

func signOutAll(_ *testing.T, x *fixture) {
	anna := x.worker("anna222222", "Anna", "")
	s := x.signedIn("frst222222", anna, noon)
	x.write(func(tx node.Tx) error {
		x.ok(tx.SavePass(x.ctx, &node.Pass{Kind: node.PassReset, Sum: "a", Person: anna.ID, Expires: noon}))
		x.ok(tx.SavePass(x.ctx, &node.Pass{Kind: node.PassWelcome, Sum: "w", Expires: noon}))
		return tx.SignOutAll(x.ctx)
	})
	_, err := x.Session(x.ctx, s.Sum)
	x.wantKind(err, node.NotFound)
	for _, sum := range []string{"a", "w"} {
		_, err := x.Pass(x.ctx, sum)
		x.wantKind(err, node.NotFound)
	}
	_, err = x.Person(x.ctx, anna.ID)
	x.ok(err)
}

func passes(_ *testing.T, x *fixture) {
	anna, bern := x.worker("anna222222", "Anna", ""), x.worker("bern222222", "Bern", "")
	keep := func(sum string, kind node.PassKind, person string) *node.Pass {
		p := &node.Pass{Kind: kind, Sum: sum, Person: person, Expires: noon.Add(time.Hour), By: "test"}
		x.write(func(tx node.Tx) error { return tx.SavePass(x.ctx, p) })
		return p
	}
	there := func(want ...string) {
		x.Helper()
		for _, sum := range []string{"w1", "w2", "a1", "a2", "b1"} {
			_, err := x.Pass(x.ctx, sum)
			check(x, sum, err == nil, slices.Contains(want, sum))
		}
	}
	for _, p := range []*node.Pass{
		keep("w1", node.PassWelcome, ""), keep("w2", node.PassWelcome, ""),
		keep("a1", node.PassReset, anna.ID), keep("a2", node.PassSignIn, anna.ID), keep("b1", node.PassReset, bern.ID),
	} {
		got, err := x.Pass(x.ctx, p.Sum)
		x.ok(err)
		check(x, p.Sum, *got, *p)
	}
	x.wantKind(x.Tx(x.ctx, func(tx node.Tx) error { return tx.SavePass(x.ctx, &node.Pass{Sum: "a1", Kind: node.PassReset}) }), node.Exists)
	drop := func(person string, kind node.PassKind) {
		x.write(func(tx node.Tx) error { return tx.DropPasses(x.ctx, person, kind) })
	}
	drop(anna.ID, node.PassReset)
	there("w1", "w2", "a2", "b1")
	x.write(func(tx node.Tx) error {
		x.ok(tx.DropPass(x.ctx, "w1"))
		return tx.DropPass(x.ctx, "w1")
	})
	there("w2", "a2", "b1")
	drop("", node.PassWelcome)
	there("a2", "b1")
	drop(anna.ID, "")
	there("b1")
	drop("", "")
	there("b1")
}

func personGoes(_ *testing.T, x *fixture) {
	anna, bern := x.worker("anna222222", "Anna", ""), x.worker("bern222222", "Bern", "")
	a, b := x.signedIn("frst222222", anna, noon), x.signedIn("bern333333", bern, noon)
	x.write(func(tx node.Tx) error {
		x.ok(tx.SavePass(x.ctx, &node.Pass{Kind: node.PassReset, Sum: "a", Person: anna.ID, Expires: noon}))
		x.ok(tx.SavePass(x.ctx, &node.Pass{Kind: node.PassReset, Sum: "b", Person: bern.ID, Expires: noon}))
		x.ok(tx.RemovePerson(x.ctx, anna.ID))
		return tx.RemovePerson(x.ctx, anna.ID)
	})
	_, err := x.Person(x.ctx, anna.ID)
	x.wantKind(err, node.NotFound)
	_, err = x.Session(x.ctx, a.Sum)
	x.wantKind(err, node.NotFound)
	_, err = x.Pass(x.ctx, "a")
	x.wantKind(err, node.NotFound)
	_, err = x.Session(x.ctx, b.Sum)
	x.ok(err)
	_, err = x.Pass(x.ctx, "b")
	x.ok(err)
}

func audits(t *testing.T, x *fixture) {
	note := func(e node.AuditEntry) *node.AuditEntry {
		x.write(func(tx node.Tx) error { return tx.NoteAudit(x.ctx, &e) })
		return &e
	}
	first := note(node.AuditEntry{At: noon, Person: "anna222222", Name: "Anna", Action: "person.role", Subject: "Bern", Text: "editor"})
	second := note(node.AuditEntry{At: noon, Name: "command:root", Action: "person.remove"}) // at the same moment
	third := note(node.AuditEntry{At: noon.Add(-time.Hour), Person: "anna222222", Name: "Anna", Action: "x"})
	if first.Seq >= second.Seq || second.Seq >= third.Seq {
		t.Errorf("numbers %d, %d, %d do not grow", first.Seq, second.Seq, third.Seq)
	}
	for _, tt := range []struct {
		name string
		q    node.AuditQuery
		want []*node.AuditEntry
	}{
		{"all", node.AuditQuery{}, []*node.AuditEntry{third, second, first}},
		{"limited", node.AuditQuery{Limit: 2}, []*node.AuditEntry{third, second}},
		{"before", node.AuditQuery{Before: third.Seq}, []*node.AuditEntry{second, first}},
		{"of one", node.AuditQuery{Person: "anna222222"}, []*node.AuditEntry{third, first}},
	} {
		got, err := x.AuditEntries(x.ctx, tt.q)
		x.ok(err)
		if !slices.EqualFunc(got, tt.want, func(a, b *node.AuditEntry) bool { return *a == *b }) {
			t.Errorf("%s: got %+v", tt.name, got)
		}
	}
}

func sweepPeople(_ *testing.T, x *fixture) {
	const week = 7 * 24 * time.Hour // a clock that is some days ahead ends them all, for that long
	anna := x.worker("anna222222", "Anna", "")
	over, live := x.signedIn("frst222222", anna, noon.Add(-week-time.Hour)), x.signedIn("scnd222222", anna, noon.Add(-week-59*time.Minute))
	x.write(func(tx node.Tx) error {
		x.ok(tx.SavePass(x.ctx, &node.Pass{Kind: node.PassReset, Sum: "over", Person: anna.ID, Expires: noon.Add(-week)}))
		x.ok(tx.SavePass(x.ctx, &node.Pass{Kind: node.PassReset, Sum: "live", Person: anna.ID, Expires: noon.Add(-week + time.Second)}))
		x.ok(tx.NoteAudit(x.ctx, &node.AuditEntry{At: noon.Add(-node.AuditKept - time.Minute), Name: "old"}))
		x.ok(tx.NoteAudit(x.ctx, &node.AuditEntry{At: noon.Add(-node.AuditKept + time.Minute), Name: "young"}))
		return tx.Sweep(x.ctx, noon)
	})
	for _, tt := range []struct {
		s    *node.Session
		want bool
	}{{over, false}, {live, true}} {
		_, err := x.Session(x.ctx, tt.s.Sum)
		check(x, tt.s.ID, err == nil, tt.want)
	}
	for sum, want := range map[string]bool{"over": false, "live": true} {
		_, err := x.Pass(x.ctx, sum)
		check(x, sum, err == nil, want)
	}
	list, err := x.AuditEntries(x.ctx, node.AuditQuery{})
	x.ok(err)
	if len(list) != 1 || list[0].Name != "young" {
		x.Errorf("audit log: %+v", list)
	}
	_, err = x.Person(x.ctx, anna.ID)
	x.ok(err)
}
