package ui_test

import (
	"context"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/node"
)

// membersOf makes a coop a member of federations in every way, and tells it of another coop that is one.
func membersOf(ctx context.Context, s *site) error {
	n, now := s.node, s.now()
	iri := func(name string) string { return "https://" + name + ".example/ap/coop" }
	for _, name := range []string{"trama", "ponte", "cordwain", "yadori", "liga"} {
		a := &node.Actor{IRI: iri(name), Type: "Organization", Handle: name, Host: name + ".example", Name: strings.ToUpper(name[:1]) + name[1:], URL: "https://" + name + ".example/", Inbox: iri(name) + "/inbox",
			Summary: []node.Text{{HTML: "<p>Coops that share work.</p>"}}, Coop: &node.Coop{Kind: node.KindConsortium, Ownership: "coops", Admission: &node.Admission{Rule: node.BySteward, Criteria: []node.Text{{HTML: `<p onclick="x()">Be kind.</p>`}}}}}
		if err := n.KeepActor(ctx, a); err != nil {
			return err
		}
	}
	norrsken := &node.Actor{IRI: iri("norrsken"), Type: "Organization", Handle: "norrsken", Host: "norrsken.example", Name: "Norrsken Kod", URL: "https://norrsken.example/", Inbox: iri("norrsken") + "/inbox",
		Coop: &node.Coop{Kind: node.KindCooperative, Ownership: "workers", Registry: "Bolagsverket", RegistrationNo: "769000-0000", RegistryURL: "https://register.example/769000"}}
	if err := n.KeepActor(ctx, norrsken); err != nil {
		return err
	}
	if _, err := n.SaveProfile(ctx, "test", func(a *node.Actor) error {
		a.Coop.MemberOf = append(a.Coop.MemberOf, iri("trama"))
		a.Coop.Registry, a.Coop.RegistrationNo, a.Coop.RegistryURL = "Rexistro de Cooperativas de Galicia", "C-0000", "https://register.example/C-0000"
		return nil
	}); err != nil {
		return err
	}
	word := func(days, checked int) node.Word {
		return node.Word{Since: now.AddDate(0, 0, -days), Checked: now.AddDate(0, 0, -checked)}
	}
	for _, coop := range []string{n.Links.Actor(), iri("norrsken")} {
		ended := word(300, 1)
		ended.Until = now.AddDate(0, 0, -30)
		for _, m := range []*node.Membership{
			{Federation: iri("trama"), CoopSays: word(100, 100), FederationSays: word(99, 3), Vouches: []string{"worker-owned"}},
			{Federation: iri("liga"), CoopSays: word(80, 4), FederationSays: word(80, 4), Vouches: []string{"registered"}},
			{Federation: iri("yadori"), CoopSays: word(50, 50), FederationSays: node.Word{Checked: now.AddDate(0, 0, -5)}, Vouches: []string{"worker-owned"}},
			{Federation: iri("cordwain"), CoopSays: word(300, 300), FederationSays: ended, Vouches: []string{"worker-owned"}},
			{Federation: iri("moulin"), FederationSays: word(20, 1), Vouches: []string{"worker-owned"}},
		} {
			m.Coop = coop
			if err := n.Store().Tx(ctx, func(tx node.Tx) error { return tx.SaveMembership(ctx, m) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// A coop's page says what it and its federations say of each other as vocabulary 2.2 has it, each with the day on which
// that was asked, and answers "worker-owned?" in three grades: on its own node and on another's.
func TestStandingsOnACoopsPage(t *testing.T) {
	s := newSite(t)
	if err := membersOf(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	for page, asked := range map[string]string{"/": "19 November 2026", "/coops/norrsken@norrsken.example": "14 August 2026"} {
		body := s.want(t, page, 200)
		grades := section(t, body, `id="owned"`, "</section>")
		wantTexts(t, page+": worker-owned?", grades, "Yes: it is owned by its workers.", "Its own word", "Confirmed by", ">Trama<", `href="/federations/trama.example#join"`, "its stated criteria",
			"Since 15 August 2026, asked at home on "+asked, "https://register.example/", "Look it up")
		for _, not := range []string{"Liga", "Yadori", "Cordwain", "moulin"} {
			if strings.Contains(grades, not) {
				t.Errorf("%s: %s confirms that it is worker-owned", page, not)
			}
		}
		of := section(t, body, `id="memberships"`, "</section>")
		wantTexts(t, page+": member of", of, "confirmed", "Says it is a member; the federation has not confirmed that.", "Asked at home on 17 November 2026", "Was a member until 23 October 2026.")
		if strings.Contains(body, "moulin.example") {
			t.Errorf("%s shows what only a federation says", page)
		}
		if trama, yadori, cordwain := strings.Index(of, "Trama"), strings.Index(of, "Yadori"), strings.Index(of, "Cordwain"); !(trama < yadori && yadori < cordwain) {
			t.Errorf("%s: the federations stand in the order %d %d %d", page, trama, yadori, cordwain)
		}
	}
	// By its profile alone a coop is nobody's confirmed member.
	of := section(t, s.want(t, "/", 200), `id="memberships"`, "</section>")
	_, ponte, _ := strings.Cut(of, "Ponte")
	wantTexts(t, "what only the profile says", ponte, "the federation has not confirmed", "Not asked yet.")

	wantTexts(t, "the page of a federation known here", s.want(t, "/federations/trama.example", 200),
		"Norrsken Kod", "confirmed", "Be kind.", "This is what Toxeira Enxeñaría Web knows of Trama", "A person of the federation decides.", `content="noindex"`)
	if body := s.want(t, "/federations/moulin.example", 404); strings.Contains(body, "Norrsken") {
		t.Error("a federation that was never read has a page")
	}
}

func TestKnownCoopsAreFound(t *testing.T) {
	s := newSite(t)
	if err := membersOf(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/coops/trama.example":           "/federations/trama.example",
		"/federations/norrsken.example":  "/coops/norrsken@norrsken.example",
		"/coops/toxeira.example":         "/",
		"/coops/toxeira@toxeira.example": "/",
	} {
		if res, _ := s.get(path); res.StatusCode != 303 || res.Header.Get("Location") != base+want {
			t.Errorf("GET %s: %s, Location %q, want %s", path, res.Status, res.Header.Get("Location"), want)
		}
	}
	s.want(t, "/coops/%6Eorrsken%40norrsken.example", 200, "Norrsken Kod")
	s.want(t, "/coops/norrsken.example", 200, "Norrsken Kod")
	s.want(t, "/coops/nobody@norrsken.example", 404)
	s.want(t, "/coops/"+strings.Repeat("x", 400), 400)
	if _, feed := s.get("/coops/quebracho@quebracho.example.atom"); !strings.Contains(feed, "Planificador") {
		t.Error("the feed of a coop lacks its opening")
	}
	if _, err := s.node.ChangeRules(t.Context(), "test", []*node.Rule{{Target: "norrsken.example", Severity: node.SeverityReject}}, nil); err != nil { // MOD-3
		t.Fatal(err)
	}
	s.want(t, "/coops/norrsken@norrsken.example", 404)
	if body := s.want(t, "/federations/trama.example", 200); strings.Contains(body, "Norrsken") {
		t.Error("a member whom a rule refuses is shown")
	}
}
