package ui_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// The page and the JSON say the same, and since when the node has looked.
func TestNumbersPage(t *testing.T) {
	s := newFederation(t)
	body := s.want(t, "/numbers", 200, "What this site has seen itself since 22 November 2026", `<td data-name="Passed on">1</td>`, `<td data-name="Members">2</td>`, "/numbers.json")
	res, text := s.get("/numbers.json")
	if ct := res.Header.Get("Content-Type"); !strings.HasPrefix(ct, "application/json") {
		t.Errorf("JSON is served as %q", ct)
	}
	var told struct {
		SeenBy, Since                 string
		Coops, Countries, Federations int
		Openings                      struct{ Seen, Open, Filled, Answered int }
		ByFederation                  []struct {
			Federation, Name string
			Members          int
			PassedOn         struct{ Seen, Open, Filled, Answered int }
		}
	}
	if err := json.Unmarshal([]byte(text), &told); err != nil {
		t.Fatal(err)
	}
	if told.SeenBy != s.node.Links.Actor() || told.Since != "2026-11-22T10:00:00Z" || told.Coops != 7 || told.Countries != 0 || told.Federations != 1 {
		t.Errorf("%s", text)
	}
	if o := told.Openings; o.Seen != 6 || o.Open != 3 || o.Filled != 1 || o.Answered != 0 {
		t.Errorf("openings %+v", o)
	}
	if by := told.ByFederation; len(by) != 1 || by[0].Members != 2 || by[0].PassedOn.Seen != 1 || by[0].PassedOn.Open != 1 {
		t.Errorf("by federation %+v", by)
	}
	if dd := section(t, body, ">Coops</dt>", "</div>"); !strings.Contains(dd, ">7<") {
		t.Errorf("coops: %s", dd)
	}
}
