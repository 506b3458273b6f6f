package ui_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// federate makes a node a federation with members of every standing, two applications and something passed on.
func federate(ctx context.Context, s *site) error {
	n, now := s.node, s.now()
	us := n.Links.Actor()
	_, err := n.SetFederation(ctx, "test", &node.Admission{Rule: node.ByApprovals, Approvals: 2, Objections: 1, Days: 30,
		Ownership: []node.Ownership{"workers", "multi-stakeholder"}, Countries: []string{"ES", "PT"}, Fee: "1 % of income",
		Criteria: []node.Text{{Lang: "en", Source: "You have **worked together** with a member."}}},
		&node.Resharing{Kinds: []string{"subcontract", "partner", "project", "question"}, Held: []string{"question"}, PerDay: 3})
	if err != nil {
		return err
	}
	if _, err := n.SaveProfile(ctx, "test", func(a *node.Actor) error {
		a.Coop.Contacts = append(a.Coop.Contacts, node.Contact{Type: node.ContactChat, URL: "https://chat.example/#trama"}, node.Contact{Type: node.ContactForum, URL: "https://forum.example/c/trama"})
		return nil
	}); err != nil {
		return err
	}
	coops := map[string]string{"quebracho": "Rosario", "norrsken": "Göteborg", "epissure": "Lyon", "baobab": "Dakar", "musubi": "Kyoto", "caravela": "Porto", "telar": "Bogotá"}
	iri := func(name string) string { return "https://" + name + ".example/ap/coop" }
	for name, town := range coops {
		a := &node.Actor{IRI: iri(name), Type: "Organization", Handle: name, Host: name + ".example", Name: strings.ToUpper(name[:1]) + name[1:] + " Coop", URL: "https://" + name + ".example/",
			Inbox: iri(name) + "/inbox", Coop: &node.Coop{Kind: node.KindCooperative, Ownership: "workers", Members: ptr(8), Place: node.Place{Locality: town}}}
		if err := n.KeepActor(ctx, a); err != nil {
			return err
		}
	}
	word := func(days int) node.Word {
		return node.Word{Since: now.AddDate(0, 0, -days), Checked: now.AddDate(0, 0, -2)}
	}
	over := func(w node.Word) node.Word { w.Until = now.AddDate(0, 0, -9); return w }
	join := iri("caravela") + "/join"
	for _, m := range []*node.Membership{
		{Coop: iri("quebracho"), CoopSays: word(90), FederationSays: word(100), Vouches: []string{"worker-owned", "worked-with"}},
		{Coop: iri("norrsken"), CoopSays: word(50), FederationSays: word(51)},
		{Coop: iri("epissure"), FederationSays: word(40), Nodeless: true},
		{Coop: iri("baobab"), CoopSays: over(word(400)), FederationSays: word(399)},
		{Coop: iri("musubi"), CoopSays: word(30)},
		{Coop: iri("caravela"), Step: node.StepApplied, JoinIRI: join, Letter: "We have worked with Quebracho\nfor four years. <b>x</b>", Asked: now.AddDate(0, 0, -5), Deadline: now.AddDate(0, 0, 25)},
		{Coop: iri("telar"), Step: node.StepRefused, JoinIRI: iri("telar") + "/join", Asked: now},
	} {
		m.Federation = us
		if err := n.Store().Tx(ctx, func(tx node.Tx) error { return tx.SaveMembership(ctx, m) }); err != nil {
			return err
		}
	}
	for i, name := range []string{"quebracho", "norrsken", "baobab"} {
		o := &node.Opinion{Join: join, Member: iri(name), Approves: i != 1, IRI: fmt.Sprint(iri(name), "/yes"), Reason: []string{"Good people.", "We do not know them.", ""}[i], At: now.Add(time.Duration(i) * time.Minute)}
		if err := n.Store().Tx(ctx, func(tx node.Tx) error { return tx.SaveOpinion(ctx, o) }); err != nil {
			return err
		}
	}
	if s.stall != nil {
		_, err = n.Share(ctx, "test", s.Foreign)
	}
	return err
}

func newFederation(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	if err := federate(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return s
}

// section is the part of a page between two texts that it has.
func section(t *testing.T, body, from, to string) string {
	t.Helper()
	_, rest, ok := strings.Cut(body, from)
	part, _, closed := strings.Cut(rest, to)
	if !ok || !closed {
		t.Fatalf("the page has no part from %q to %q", from, to)
	}
	return part
}

func wantTexts(t *testing.T, what, text string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(text, w) {
			t.Errorf("%s does not say %q:\n%s", what, w, text)
		}
	}
}

// The first page of a federation says what it is, how to join it, who is in it and who asks to be, and what it passes on.
func TestFederationPage(t *testing.T) {
	s := newFederation(t)
	body := s.want(t, "/", 200, "Federation of 2 coops", `href="/members"`, `href="/shared"`, "https://chat.example/#trama", "https://forum.example/c/trama")
	wantTexts(t, "how to join", section(t, body, `id="join"`, "</section>"),
		"Coops owned by their workers, workers and others together, in Spain and Portugal.", "<strong>worked together</strong>", "1 % of income",
		"2 members approve. They have 30 days for it. More than 1 objection refuses.", "coopnode member apply @toxeira@toxeira.example")
	members := section(t, body, `<table class="members">`, "</table>")
	wantTexts(t, "the table of members", members, "Quebracho Coop", "Rosario", "24 August 2026", "worker-owned and worked with", "confirmed", "Epissure Coop", "listed")
	for _, not := range []string{"Musubi", "Baobab", "Caravela"} {
		if strings.Contains(members, not) {
			t.Errorf("%s stands among the members", not)
		}
	}
	wantTexts(t, "the fold of former members", section(t, body, "<details>", "</details>"), "1 coop was a member", "Baobab Coop", "until 13 November 2026")
	asks := section(t, body, "Asks to join", "</section>")
	wantTexts(t, "the application", asks, "Caravela Coop", "Porto, 8 members", "25 days left", "We have worked with Quebracho\nfor four years. &lt;b&gt;x&lt;/b&gt;", "1 member approves", "2 are needed.", "1 objects.",
		"“Good people.”", "“We do not know them.”", "does not count", "coopnode member approve @caravela@caravela.example")
	if strings.Contains(body, "Musubi") || strings.Contains(body, "Telar") {
		t.Error("the page shows a coop that it neither lists nor has an open application of")
	}
	passes := section(t, body, `id="passes"`, "</section>")
	wantTexts(t, "what it passes on", passes, "At once: work for other coops, partners wanted and projects", "After a look: questions", "At most 3 a day")
	wantTexts(t, "passed on", section(t, body, "<h2>Passed on</h2>", "</section>"), "Planificador", "/shared.atom")

	s.want(t, "/members", 200, "Quebracho Coop", "Baobab Coop", "until 13 November 2026", "Epissure Coop")
	s.want(t, "/shared", 200, "Planificador")
	for _, form := range []string{"/shared.atom", "/shared.json"} {
		if _, feed := s.get(form); !strings.Contains(feed, "Planificador") {
			t.Errorf("%s lacks what is passed on", form)
		}
	}
	if err := s.node.Unshare(t.Context(), "test", s.Foreign.IRI); err != nil {
		t.Fatal(err)
	}
	if body := s.want(t, "/shared", 200, "Nothing is passed on"); strings.Contains(body, "Planificador") {
		t.Error("what was taken back still stands there")
	}
}

// Each rule of admission is said in a sentence.
func TestHowToJoin(t *testing.T) {
	s := emptySite(t)
	for want, a := range map[string]node.Admission{
		"1 member approves. They have 1 day for it. One objection refuses.":                 {Rule: node.ByApprovals, Approvals: 1, Days: 1},
		"3 members approve. They have 14 days for it. More than 2 objections refuse.":       {Rule: node.ByApprovals, Approvals: 3, Objections: 2, Days: 14},
		"As long as there are fewer members than that, a person of the federation decides.": {Rule: node.ByApprovals, Approvals: 3, Objections: 2, Days: 14},
		"A person of the federation decides.":                                               {Rule: node.BySteward},
		"Whoever asks is in.":                                                               {Rule: node.ByAsking},
		"Any coop.":                                                                         {Rule: node.ByAsking, Fee: "none"},
	} {
		if _, err := s.node.SetFederation(t.Context(), "test", &a, node.DefaultResharing()); err != nil {
			t.Fatal(err)
		}
		s.want(t, "/", 200, want, "No members yet.")
	}
}

func TestMemberPages(t *testing.T) {
	s := emptySite(t)
	s.want(t, "/members", 404)
	if _, err := s.node.SetFederation(t.Context(), "test", &node.Admission{Rule: node.BySteward}, node.DefaultResharing()); err != nil {
		t.Fatal(err)
	}
	for i := range 90 {
		m := &node.Membership{Federation: s.node.Links.Actor(), Coop: fmt.Sprintf("https://coop%02d.example/ap/coop", i), FederationSays: node.Word{Since: s.now()}, CoopSays: node.Word{Since: s.now()}}
		if err := s.node.Store().Tx(t.Context(), func(tx node.Tx) error { return tx.SaveMembership(t.Context(), m) }); err != nil {
			t.Fatal(err)
		}
	}
	s.want(t, "/", 200, "Federation of 90 coops", "66 more are confirmed.")
	seen, next := map[string]int{}, "/members"
	for pages := 0; next != "" && pages < 9; pages++ {
		body := s.want(t, next, 200)
		for i := range 90 {
			name := fmt.Sprintf("Somebody on coop%02d.example", i)
			seen[name] += strings.Count(body, "<bdi>"+name)
		}
		next = ""
		if _, rest, ok := strings.Cut(body, `rel="next" href="`); ok {
			next, _, _ = strings.Cut(rest, `"`)
		}
	}
	if len(seen) != 90 {
		t.Errorf("%d members on all pages, want 90", len(seen))
	}
	for name, times := range seen {
		if times != 1 {
			t.Errorf("%s stands there %d times", name, times)
		}
	}
	s.want(t, "/members?after=x", 400)
}
