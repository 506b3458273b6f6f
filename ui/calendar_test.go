package ui_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/coopnode/coopnode/node"
)

// readCalendar gets a calendar and checks what every line of it must be (RFC 5545 section 3.1): at most 75 octets and
// CRLF, no character cut in two.
func readCalendar(t *testing.T, s *site, path string) string {
	t.Helper()
	res, body := s.get(path)
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/calendar; charset=utf-8" {
		t.Fatalf("%s: %s %v", path, res.Status, res.Header)
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(body, "\r\n"), "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n") || !utf8.ValidString(line) {
			t.Errorf("%s: line of %d octets: %q", path, len(line), line)
		}
	}
	return body
}

// The events that a calendar library written by others finds.
const readWithICalendar = `
import sys, json, icalendar
out = {}
cal = icalendar.Calendar.from_ical(open(sys.argv[1], "rb").read())
for e in cal.walk("VEVENT"):
    out[str(e["UID"])] = {"Start": str(e["DTSTART"].dt), "Summary": str(e["SUMMARY"]), "Status": str(e["STATUS"]), "Sequence": int(e["SEQUENCE"]),
        "Stamp": str(e["DTSTAMP"].dt), "Modified": str(e["LAST-MODIFIED"].dt), "URL": str(e["URL"]), "Description": str(e["DESCRIPTION"]),
        "Errors": [str(x) for x in e.errors]}
print(json.dumps(out))
`

type event struct {
	Start, Summary, Status, Stamp, Modified, URL, Description string
	Sequence                                                  int
	Errors                                                    []string
}

func eventsOf(t *testing.T, body string) (map[string]event, bool) {
	t.Helper()
	out, ok := python(t, "icalendar", readWithICalendar, writeFile(t, "deadlines.ics", body))
	if !ok {
		return nil, false
	}
	var events map[string]event
	if err := json.Unmarshal(out, &events); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for uid, e := range events {
		if len(e.Errors) > 0 || e.Stamp != e.Modified {
			t.Errorf("%s: %+v", uid, e)
		}
	}
	return events, true
}

// A calendar library finds every deadline: the hour where one was named, the day where it was a day.
func TestCalendar(t *testing.T) {
	s := newSite(t)
	awkward := &node.Opening{Base: node.Base{Type: node.TypeOpening, Texts: []node.Text{{Lang: "en", Title: `Ñandú, "soup"; a\b ` + strings.Repeat("é", 80), Source: "One\n\ntwo, three; BEGIN:VEVENT"}}},
		Closes: time.Date(2027, 2, 3, 23, 59, 59, 0, time.UTC)}
	if err := s.node.Publish(t.Context(), "test", awkward); err != nil {
		t.Fatal(err)
	}
	events, ok := eventsOf(t, readCalendar(t, s, "/openings.ics"))
	if !ok {
		return
	}
	if len(events) != 4 { // with the late one, which passed an hour ago
		t.Errorf("%d events: %v", len(events), events)
	}
	e := events[s.Dated.IRI]
	if e.Start != "2026-12-15 15:00:00+00:00" || e.Status != "CONFIRMED" || e.URL != s.Dated.URL || e.Summary != "Answers until today: Accessibility audit of a housing portal" ||
		!strings.HasPrefix(e.Description, "Work for another coop · 240 hours, 160 still open · remote") {
		t.Errorf("event %+v", e)
	}
	if e := events[awkward.IRI]; e.Start != "2027-02-03" || e.Summary != "Answers until today: "+awkward.Texts[0].Title || !strings.Contains(e.Description, "One two, three; BEGIN:VEVENT") {
		t.Errorf("event %+v", e)
	}
	if e := events[s.Foreign.IRI]; e.URL != s.Foreign.URL || !strings.Contains(e.Description, "Quebracho Cooperativa @quebracho@quebracho.example") {
		t.Errorf("event %+v", e)
	}
	for page, uids := range map[string][]string{
		"/openings.ics?skill=go":                  {s.Foreign.IRI},
		"/openings.ics?coop=toxeira.example":      {s.Dated.IRI, awkward.IRI},
		"/tags/coopwork.ics":                      {s.Dated.IRI},
		path(s.Project) + ".ics":                  {s.Dated.IRI},
		path(s.Dated) + ".ics":                    {s.Dated.IRI},
		"/openings.ics?kind=job":                  {},
		path(s.Opening) + ".ics":                  {}, // it has no deadline
		"/openings.ics?skill=go&kind=subcontract": {s.Foreign.IRI},
	} {
		got, _ := eventsOf(t, readCalendar(t, s, page))
		for _, uid := range uids {
			if _, ok := got[uid]; !ok || len(got) != len(uids) && !strings.Contains(page, "=go") {
				t.Errorf("%s has %v, want %v", page, got, uids)
			}
		}
		if len(uids) == 0 && len(got) > 0 {
			t.Errorf("%s has %v, want none", page, got)
		}
	}
}

// What closed early is cancelled and does not vanish while it is recent; each change counts up; what is not for everybody
// is not in it (HTTP-7).
func TestCalendarTellsOfChanges(t *testing.T) {
	s := newSite(t)
	at := func() event {
		t.Helper()
		body := readCalendar(t, s, "/openings.ics")
		if strings.Contains(body, "Secret") || strings.Contains(body, "A mistake") {
			t.Error("the calendar has what is not for everybody")
		}
		events, _ := eventsOf(t, body)
		return events[s.Dated.IRI]
	}
	first := at()
	s.setClock(s.now().Add(time.Hour))
	if again := at(); again.Stamp != first.Stamp || again.Sequence != first.Sequence {
		t.Errorf("without a change %+v, before %+v", again, first)
	}
	status := func(to node.Status) event {
		t.Helper()
		s.setClock(s.now().Add(time.Hour))
		if _, err := s.node.SetOpeningStatus(t.Context(), "test", s.Dated.ID, to); err != nil {
			t.Fatal(err)
		}
		return at()
	}
	last := first
	for _, step := range []struct {
		to   node.Status
		want string
	}{{node.Paused, "TENTATIVE"}, {node.Filled, "CANCELLED"}, {node.Open, "CONFIRMED"}, {node.Withdrawn, "CANCELLED"}} {
		e := status(step.to)
		if _, ok := python(t, "icalendar", "print()"); ok && (e.Status != step.want || e.Sequence <= last.Sequence || e.Stamp <= last.Stamp || e.Start != first.Start) {
			t.Errorf("%s: %+v, want %s after %+v", step.to, e, step.want, last)
		}
		last = e
	}
	s.setClock(s.Dated.Closes.Add(29 * 24 * time.Hour))
	if body := readCalendar(t, s, "/openings.ics"); !strings.Contains(body, s.Dated.IRI) {
		t.Error("29 days after the deadline it is gone")
	}
	s.setClock(s.Dated.Closes.Add(31 * 24 * time.Hour))
	if body := readCalendar(t, s, "/openings.ics"); strings.Contains(body, s.Dated.IRI) {
		t.Error("31 days after the deadline it is still there")
	}
	if err := s.node.Delete(t.Context(), "test", s.Dated.ID); err != nil {
		t.Fatal(err)
	}
	s.setClock(s.Dated.Closes)
	if body := readCalendar(t, s, "/openings.ics"); strings.Contains(body, s.Dated.IRI) {
		t.Error("what was deleted is still there")
	}
}

// A calendar without deadlines is one all the same (RFC 5545 section 3.6).
func TestEmptyCalendar(t *testing.T) {
	s := emptySite(t)
	body := readCalendar(t, s, "/openings.ics")
	if !strings.Contains(body, "BEGIN:VTIMEZONE\r\n") || !strings.Contains(body, "BEGIN:STANDARD\r\n") {
		t.Errorf("a calendar without any component:\n%s", body)
	}
	if events, ok := eventsOf(t, body); ok && len(events) != 0 {
		t.Errorf("events %v", events)
	}
}
