package main

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// What a form writes it reads back as it was: nothing is lost in the editor.
func TestFormsReadWhatTheyWrite(t *testing.T) {
	day := func(s string) time.Time {
		d, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	opening := &node.Opening{
		Base: node.Base{Type: node.TypeOpening, Audience: node.Unlisted, Tags: []string{"coopwork"}, Texts: []node.Text{
			{Lang: "en", Title: `A "quoted" \ title`, Source: "First line.\n\nIt's '''three''' quotes."},
			{Lang: "es", Title: "Otro", Source: "Texto con \\ y \ttab"},
		}},
		Kind: node.Job, Purpose: node.Request, Closes: day("2099-01-15T23:59:59Z"), Begins: day("2099-02-01T00:00:00Z"), Ends: day("2099-02-02T17:30:00Z"),
		Skills:    []node.Skill{{Key: "web-engines", Name: "Web engines"}, {Key: "a11y", Name: "Accessibility audits"}, {Key: "maps"}},
		Languages: []string{"es", "en"}, Remote: true, Place: node.Place{Name: "A Coruña, Galicia", Locality: "A Coruña", Region: "ES-GA", Country: "ES"},
		TimeZones: "UTC-3/UTC+2", Amount: node.Quantity{Number: 240, Unit: node.Hours}, Available: node.Quantity{Number: 120.5, Unit: node.Hours},
		Minimum: node.Quantity{Number: 40, Unit: node.Hours}, Budget: &node.Money{Currency: "EUR", Min: 9000, Max: 12000.5}, BudgetBasis: "total",
		EmploymentType: "FULL_TIME", MemberTrack: true, Answer: node.Answer{Who: []string{"individuals"}, How: []string{"reply", "email"}, Countries: []string{"ES"}},
		Customer: &node.Customer{Kind: "public", Name: "A town"}, OnBehalfOf: "https://town.example/ap/coop",
	}
	again := &node.Opening{Base: node.Base{Type: node.TypeOpening}}
	roundTrip(t, openingNoun, opening, again)

	goal := &node.Project{
		Base:   node.Base{Type: node.TypeProject, Texts: []node.Text{{Lang: "gl", Title: "Mapa"}}},
		Status: node.Seeking, Description: []node.Text{{Lang: "gl", Source: "Longo"}}, GoalHours: 1200, GoalMoney: &node.Money{Currency: "EUR", Min: 5, Max: 5},
		Outcomes: []node.ProjectOutcome{{Name: "First", Date: day("2026-10-15T00:00:00Z"), URL: "https://t.example"}, {Name: "Second"}},
		Links:    []string{"https://t.example/a,b"}, KindOfGood: []string{"social"},
	}
	roundTrip(t, projectNoun, goal, &node.Project{Base: node.Base{Type: node.TypeProject}})
	roundTrip(t, postNoun, &node.Post{Base: node.Base{Type: node.TypePost, Texts: []node.Text{{Source: "Hello"}}, Draft: true}, Asks: true},
		&node.Post{Base: node.Base{Type: node.TypePost}})
}

func roundTrip[T node.Object](t *testing.T, n noun[T], from, into T) {
	t.Helper()
	var text bytes.Buffer
	n.formFor(from, nil).write(&text, from)
	values, err := flatTOML("form", text.Bytes())
	if err == nil {
		err = n.formFor(into, values).fill("form", into, values)
	}
	if err != nil {
		t.Fatalf("read what was written: %v\n%s", err, text.String())
	}
	want, _ := json.MarshalIndent(from, "", " ")
	got, _ := json.MarshalIndent(into, "", " ")
	if !bytes.Equal(got, want) {
		t.Errorf("read\n%s\nwant\n%s\nfrom\n%s", got, want, text.String())
	}
}

// The nearest name is offered for a slip, and none for something else.
func TestNearest(t *testing.T) {
	names := []string{"host", "data", "listen", "trusted_proxies", "outgoing.allow_cidrs"}
	for typed, want := range map[string]string{
		"hots": "host", "Listen": "listen", "trusted_proxy": "trusted_proxies", "trusted_proxie": "trusted_proxies", "outgoing.allow_cidr": "outgoing.allow_cidrs", "colour": "",
	} {
		if got := nearest(typed, names); got != want {
			t.Errorf("nearest(%q) = %q, want %q", typed, got, want)
		}
	}
}

func TestReadPlace(t *testing.T) {
	for typed, want := range map[string]node.Place{
		"A Coruña, ES-GA":          {Locality: "A Coruña", Region: "ES-GA", Country: "ES"},
		"A Coruña, Galicia, ES-GA": {Name: "A Coruña, Galicia", Locality: "A Coruña", Region: "ES-GA", Country: "ES"},
		"JP":                       {Country: "JP"},
		"Rosario":                  {Locality: "Rosario"},
		"":                         {},
	} {
		if got := readPlace(typed); got != want {
			t.Errorf("readPlace(%q) = %+v, want %+v", typed, got, want)
		}
	}
}
