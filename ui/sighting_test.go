package ui_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/node"
)

// The page of another coop says through whom it is known here: each once, the first three by name, none whom a rule limits.
func TestKnownThroughOnAPage(t *testing.T) {
	s := newSite(t)
	if err := membersOf(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	iri := func(name string) string { return "https://" + name + ".example/ap/coop" }
	const page = "/coops/norrsken@norrsken.example"
	if body := s.want(t, page, 200); strings.Contains(body, "Known through") {
		t.Error("it is known through nobody and the page says otherwise")
	}
	keep := func(through string, how node.Listing) {
		t.Helper()
		if err := s.node.KeepSightings(t.Context(), iri(through), how, []string{iri("norrsken")}); err != nil {
			t.Fatal(err)
		}
	}
	keep("trama", node.ByMembership)
	keep("trama", node.ByFollowing)
	keep("ponte", node.ByFollowing)
	body := s.want(t, page, 200)
	note := section(t, body, "Known through", "</p>")
	wantTexts(t, page, note, ">Trama<", ">Ponte<", `href="https://trama.example/"`)
	if strings.Count(note, "Trama") != 1 || strings.Contains(note, "more") {
		t.Errorf("it says %s", note)
	}
	if err := s.node.CatchUp(t.Context()); err != nil { // the index
		t.Fatal(err)
	}
	wantTexts(t, "/directory", section(t, s.want(t, "/directory", 200), "Known through", "</p>"), ">Trama<", ">Ponte<")
	for i := range 4 {
		keep(fmt.Sprint("unread", i), node.ByFollowing)
	}
	wantTexts(t, page, section(t, s.want(t, page, 200), "Known through", "</p>"), "unread0.example", "and 3 more")
	if _, err := s.node.ChangeRules(t.Context(), "test", []*node.Rule{{Target: "trama.example", Severity: node.SeverityLimit}}, nil); err != nil {
		t.Fatal(err)
	}
	if note := section(t, s.want(t, page, 200), "Known through", "</p>"); strings.Contains(note, "Trama") {
		t.Errorf("through one whom a rule limits: %s", note)
	}
}
