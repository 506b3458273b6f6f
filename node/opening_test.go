package node_test

import (
	"math"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

func TestOpeningSaysWhatIsWrongAndWhatToDo(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	day := func(d int) time.Time { return second.AddDate(0, 0, d) }
	for _, tt := range []struct {
		name  string
		spoil func(o *node.Opening)
		says  []string
	}{
		{"no title", func(o *node.Opening) { o.Texts[0].Title = "" }, []string{"A title is needed"}},
		{"no text at all", func(o *node.Opening) { o.Texts = nil }, []string{"A title is needed"}},
		{"kind", func(o *node.Opening) { o.Kind = "consortium" }, []string{"consortium", "subcontract, job, partner, customer-request, availability, resource"}},
		{"purpose", func(o *node.Opening) { o.Purpose = "gift" }, []string{"gift", "request or offer"}},
		{"deadline that has passed", func(o *node.Opening) { o.Closes = day(-1) }, []string{"2027-02-28", "passed already", "Choose a later one"}},
		{"deadline right now", func(o *node.Opening) { o.Closes = second }, []string{"passed already"}},
		{"ends before it begins", func(o *node.Opening) { o.Begins, o.Ends = day(2), day(1) }, []string{"ends before it begins", "Change one"}},
		{"minimum in another unit", func(o *node.Opening) { o.Minimum = node.Quantity{Number: 1, Unit: node.Days} }, []string{"1 day", "240 hour", "same unit"}},
		{"minimum above the amount", func(o *node.Opening) { o.Minimum = node.Quantity{Number: 241, Unit: node.Hours} }, []string{"241 hour", "not be larger"}},
		{"available above the amount", func(o *node.Opening) { o.Available = node.Quantity{Number: 241, Unit: node.Hours} }, []string{"241 hour", "cannot be more"}},
		{"available in another unit", func(o *node.Opening) { o.Available = node.Quantity{Number: 1, Unit: node.People} }, []string{"1 people", "240 hour"}},
		{"amount of an unknown unit", func(o *node.Opening) { o.Amount.Unit = "week" }, []string{"240 week", "people, hour, day, item"}},
		{"amount below zero", func(o *node.Opening) { o.Amount.Number = -1 }, []string{"-1 hour", "Write a number"}},
		{"amount that is no number", func(o *node.Opening) { o.Amount.Number = math.NaN() }, []string{"Write a number"}},
		{"part below zero", func(o *node.Opening) {
			o.FilledBy = []node.Part{{Actor: "https://a.example", Quantity: node.Quantity{Number: -5, Unit: node.Hours}}}
		}, []string{"-5 hour"}},
		{"budget basis", func(o *node.Opening) { o.BudgetBasis = "week" }, []string{"week", "total, hour, day, month"}},
		{"budget in no currency", func(o *node.Opening) { o.Budget = &node.Money{Currency: "euro", Min: 1, Max: 1} }, []string{"euro", "three letters"}},
		{"budget upside down", func(o *node.Opening) { o.Budget = &node.Money{Currency: "EUR", Min: 2, Max: 1} }, []string{"smaller amount comes first"}},
		{"customer", func(o *node.Opening) { o.Customer = &node.Customer{Kind: "friends"} }, []string{"friends", "cooperatives, nonprofit, public, business, individuals"}},
		{"who may answer", func(o *node.Opening) { o.Answer.Who = []string{"coops", "friends"} }, []string{"friends", "anyone, coops, worker-coops, members, individuals"}},
		{"how to answer", func(o *node.Opening) { o.Answer.How = []string{"pigeon"} }, []string{"pigeon", "offer, reply, email, form"}},
		{"skill", func(o *node.Opening) { o.Skills = []node.Skill{{Key: "Web Engines"}} }, []string{"Web Engines", "web-engines"}},
		{"working language", func(o *node.Opening) { o.Languages = []string{"es", "Spanish!"} }, []string{"Spanish!", "gl, es, en"}},
		{"language of the text", func(o *node.Opening) { o.Texts[0].Lang = "¿?" }, []string{"¿?", "gl, es, en"}},
	} {
		o := fullOpening()
		tt.spoil(o)
		wantError(t, x.Publish(t.Context(), "", o), node.Invalid, tt.says...)
		equal(t, tt.name+": kept", x.known(o.IRI), false)
	}
	x.wantNews()
	x.publish(fullOpening()) // or the table would prove nothing
}

func fullOpening() *node.Opening {
	o := opening("Accessibility audit")
	o.Kind, o.Closes = node.Subcontract, second.AddDate(0, 0, 14)
	o.Begins, o.Ends = second.AddDate(0, 1, 0), second.AddDate(0, 2, 0)
	o.Amount, o.Minimum = node.Quantity{Number: 240, Unit: node.Hours}, node.Quantity{Number: 40, Unit: node.Hours}
	o.Budget, o.BudgetBasis = &node.Money{Currency: "EUR", Min: 9000, Max: 12000}, "hour"
	o.Customer = &node.Customer{Kind: "cooperatives"}
	o.Answer = node.Answer{Who: []string{"worker-coops"}, How: []string{"offer", "email"}}
	o.Skills, o.Languages = []node.Skill{{Key: "accessibility"}, {Key: "веб"}}, []string{"es", "pt-BR"}
	return o
}

func TestOpeningSaysNoMoreThanIsNeeded(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	for _, tt := range []struct {
		kind    node.OpeningKind
		purpose node.Purpose
		who     string
	}{
		{"", node.Request, "coops"},
		{node.Subcontract, node.Request, "coops"},
		{node.Job, node.Request, "individuals"},
		{node.Partner, node.Request, "coops"},
		{node.CustomerRequest, node.Request, "coops"},
		{node.Availability, node.Offer, "coops"},
		{node.Resource, node.Offer, "coops"},
	} {
		o := opening("Something")
		o.Kind = tt.kind
		o.Amount = node.Quantity{Number: 3, Unit: node.People}
		o.Budget = &node.Money{Currency: "EUR", Min: 1, Max: 1}
		x.publish(o)
		got := x.object(o.IRI).(*node.Opening)
		equal(t, string(tt.kind), []any{got.Purpose, got.Status, got.Answer.Who, got.Answer.How, got.Available, got.BudgetBasis},
			[]any{tt.purpose, node.Open, []string{tt.who}, []string{"reply"}, o.Amount, "total"})
	}
	wanted := opening("A room is wanted")
	wanted.Kind, wanted.Purpose = node.Resource, node.Request
	x.publish(wanted)
	equal(t, "purpose that was said", x.object(wanted.IRI).(*node.Opening).Purpose, node.Request)
}

// TestStatusAtTheDeadline: a reader need not wait for the publisher, who may sleep (vocabulary 2.4).
func TestStatusAtTheDeadline(t *testing.T) {
	t.Parallel()
	closes, err := node.ParseDay("2027-03-15")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		said   node.Status
		closes time.Time
		at     time.Time
		want   node.Status
	}{
		{"two seconds before", node.Open, closes, time.Date(2027, 3, 15, 23, 59, 57, 0, time.UTC), node.Open},
		{"the last second before", node.Open, closes, time.Date(2027, 3, 15, 23, 59, 58, 0, time.UTC), node.Open},
		{"a nanosecond before", node.Open, closes, closes.Add(-1), node.Open},
		{"at the deadline", node.Open, closes, time.Date(2027, 3, 15, 23, 59, 59, 0, time.UTC), node.Expired},
		{"in another zone", node.Open, closes, time.Date(2027, 3, 16, 0, 59, 59, 0, time.FixedZone("CET", 3600)), node.Expired},
		{"a year after", node.Open, closes, closes.AddDate(1, 0, 0), node.Expired},
		{"no deadline", node.Open, time.Time{}, closes.AddDate(90, 0, 0), node.Open},
		{"paused stays paused", node.Paused, closes, closes, node.Paused},
		{"filled stays filled", node.Filled, closes, closes, node.Filled},
		{"withdrawn stays withdrawn", node.Withdrawn, closes, closes, node.Withdrawn},
	} {
		o := &node.Opening{Status: tt.said, Closes: tt.closes}
		equal(t, tt.name, o.StatusAt(tt.at), tt.want)
		equal(t, tt.name+": can be answered", o.IsOpen(tt.at), tt.want == node.Open)
	}
	equal(t, "draft", (&node.Opening{Base: node.Base{Draft: true}, Status: node.Open}).IsOpen(noon), false)
	equal(t, "deleted", (&node.Opening{Base: node.Base{Deleted: noon}, Status: node.Open}).IsOpen(noon), false)
}

// TestStoreAndDomainAgreeOnTheDeadline: lists of what is open show what StatusAt says.
func TestStoreAndDomainAgreeOnTheDeadline(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	o := opening("Baker")
	o.Closes = second.Add(time.Minute)
	x.publish(o)
	for _, at := range []time.Time{o.Closes.Add(-time.Second), o.Closes.Add(-time.Millisecond), o.Closes, o.Closes.Add(time.Second)} {
		open, err := x.Count(t.Context(), node.ObjectQuery{OpenAt: at})
		x.must(err)
		late, err := x.Count(t.Context(), node.ObjectQuery{LateAt: at})
		x.must(err)
		status := o.StatusAt(at)
		equal(t, at.String(), []bool{open == 1, late == 1}, []bool{status == node.Open, status == node.Expired})
	}
}

func TestOpeningIsFilledInParts(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	const sea, hill = "https://sea.example/ap/coop", "https://hill.example/ap/coop"
	hours := func(n float64) node.Quantity { return node.Quantity{Number: n, Unit: node.Hours} }
	o := fullOpening()
	iri := x.publish(o)
	for _, step := range []struct {
		name   string
		status node.Status
		parts  []node.Part
		free   float64
		named  int
	}{
		{"a part is taken", node.Open, []node.Part{{Actor: sea, Quantity: hours(100)}}, 140, 1},
		{"paused", node.Paused, nil, 140, 1},
		{"open again", node.Open, nil, 140, 1},
		{"a part in another unit does not count", node.Open, []node.Part{{Actor: hill, Quantity: node.Quantity{Number: 1, Unit: node.People}}}, 140, 2},
		{"the rest", node.Filled, []node.Part{{Actor: hill, Quantity: hours(40)}}, 0, 3},
		{"reopened: what was named stays taken", node.Open, nil, 100, 3},
		{"more than there is", node.Open, []node.Part{{Actor: sea, Quantity: hours(1000)}}, 0, 4},
	} {
		got, err := x.SetOpeningStatus(t.Context(), "", iri, step.status, step.parts...)
		x.must(err)
		equal(t, step.name, []any{got.Status, got.Available, got.Amount, len(got.FilledBy)}, []any{step.status, hours(step.free), hours(240), step.named})
		equal(t, step.name+": stored", x.object(iri).(*node.Opening).Available, hours(step.free))
	}

	whole := x.publish(fullOpening())
	got, err := x.SetOpeningStatus(t.Context(), "", whole, node.Filled)
	x.must(err)
	equal(t, "filled by somebody", got.Available, hours(0))
	got, err = x.SetOpeningStatus(t.Context(), "", whole, node.Open)
	x.must(err)
	equal(t, "reopened", got.Available, hours(240))

	plain, err := x.SetOpeningStatus(t.Context(), "", x.publish(opening("No amount")), node.Filled, node.Part{Actor: sea})
	x.must(err)
	equal(t, "without an amount", plain.Available, node.Quantity{})
}

func TestOpeningStatusIsRefused(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	o := opening("Baker")
	o.Closes = second.Add(time.Minute)
	iri := x.publish(o)
	p := x.publish(post("Bread"))
	x.news()
	for _, s := range []node.Status{node.Expired, "done", ""} {
		_, err := x.SetOpeningStatus(t.Context(), "", iri, s)
		wantError(t, err, node.Invalid, "open, paused, filled or withdrawn", string(s))
	}
	_, err := x.SetOpeningStatus(t.Context(), "", p, node.Paused)
	wantError(t, err, node.Invalid, "not an opening")
	x.wantNews()

	x.pass(time.Hour)
	x.expire()
	_, err = x.SetOpeningStatus(t.Context(), "", iri, node.Open)
	wantError(t, err, node.Invalid, "passed already", "later")
	equal(t, "status", x.object(iri).(*node.Opening).Status, node.Expired)
}
