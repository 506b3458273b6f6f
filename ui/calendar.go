package ui

import (
	"bytes"
	"context"
	"net/url"
	"strings"
	"time"

	ical "github.com/arran4/golang-ical"

	"github.com/coopnode/coopnode/node"
)

const (
	deadlinesKept  = 30 * 24 * time.Hour // how long a deadline stays in calendars after it has passed
	deadlinesAtAll = 200                 // in one calendar
)

// calendarOf gives the deadlines of the openings in l (RFC 5545). What closed early is cancelled there and does not
// vanish: many calendars keep what they were not told to strike out. This shows nothing that its page does not show.
func (u *ui) calendarOf(ctx context.Context, v *visit, l listing) ([]byte, error) {
	cal := ical.NewCalendar()
	cal.SetProductId("-//coopnode//" + v.version + "//" + strings.ToUpper(tongueOf(ctx).tag.String()))
	cal.SetName(l.title)
	if l.lead != "" {
		cal.SetDescription(l.lead)
		cal.SetXWRCalDesc(l.lead)
	}
	cal.SetUrl(l.page)
	cal.SetRefreshInterval("PT1H")
	cal.SetXPublishedTTL("PT1H")

	objects := []node.Object{l.only}
	if l.only == nil {
		q := l.query
		q.Type, q.OpenAt, q.Limit = node.TypeOpening, time.Time{}, deadlinesAtAll
		q.DueFrom = v.now.Add(-deadlinesKept)
		var err error
		if objects, _, err = u.node.Objects(ctx, q); err != nil {
			return nil, err
		}
	}
	list, err := v.entries(ctx, objects)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		if !e.opening().Closes.IsZero() {
			cal.AddVEvent(v.event(ctx, e))
		}
	}
	if len(cal.Events()) == 0 {
		nothingDue(cal)
	}
	var b bytes.Buffer
	err = cal.SerializeTo(&b, ical.WithNewLineWindows) // CRLF, on every system
	return b.Bytes(), err
}

// event is that of an opening's deadline. All of it comes from what is stored, so that it is the same at each
// request until somebody changes something: DTSTAMP is when that was, and SEQUENCE grows with it.
func (v *visit) event(ctx context.Context, e *entry) *ical.VEvent {
	o := e.opening()
	when := changed(e.Base)
	event := ical.NewEvent(e.Base.IRI) // the same event, whoever's calendar it is in
	event.SetDtStampTime(when)
	event.SetCreatedTime(e.Base.Published)
	event.SetLastModifiedAt(when)
	event.SetSequence(int(min(when.Sub(e.Base.Published)/time.Second, 1<<31-1)))
	if isDay(o.Closes) {
		event.SetAllDayStartAt(o.Closes.UTC())
	} else {
		event.SetStartAt(o.Closes)
	}
	event.SetTimeTransparency(ical.TransparencyTransparent)
	event.SetSummary(say(ctx, "calendar.deadline", e.name(ctx)))
	text := capital(factLine(ctx, o)) + behalfWords(ctx, e) + "\n" + e.By.Name + " " + e.By.Address
	if about := plainText(shown(e.Text, e.By.Own), 500); about != "" {
		text += "\n\n" + about
	}
	if page, err := url.Parse(e.Href); err == nil && e.Href != "" {
		event.SetURL(page.String()) // with everything escaped that must be
		text += "\n\n" + page.String()
	}
	event.SetDescription(text)
	event.AddCategory(capital(sayKnown(ctx, "kind.", string(o.Kind))))
	switch o.StatusAt(v.now) {
	case node.Filled, node.Withdrawn:
		event.SetStatus(ical.ObjectStatusCancelled)
	case node.Paused:
		event.SetStatus(ical.ObjectStatusTentative)
	default: // a deadline that has passed was one
		event.SetStatus(ical.ObjectStatusConfirmed)
	}
	return event
}

// nothingDue makes a calendar without events a valid one, which has at least one component (RFC 5545 section 3.6).
func nothingDue(cal *ical.Calendar) {
	zone := cal.AddTimezone("UTC")
	standard := ical.Standard{}
	standard.SetProperty(ical.ComponentPropertyDtStart, "19700101T000000")
	standard.SetProperty(ical.ComponentProperty(ical.PropertyTzoffsetfrom), "+0000")
	standard.SetProperty(ical.ComponentProperty(ical.PropertyTzoffsetto), "+0000")
	zone.Components = append(zone.Components, &standard)
}
