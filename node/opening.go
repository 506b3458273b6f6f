package node

import (
	"context"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// OpeningKind is what an opening is about (vocabulary 2.4, decisions 13).
type OpeningKind string

// The six kinds.
const (
	Subcontract     OpeningKind = "subcontract"      // we have the work and need another coop for part of it
	Job             OpeningKind = "job"              // a place for a person
	Partner         OpeningKind = "partner"          // for a bid, a product, a grant
	CustomerRequest OpeningKind = "customer-request" // a customer wants something done
	Availability    OpeningKind = "availability"     // we have people or hours free
	Resource        OpeningKind = "resource"         // pooled things: a fund, a room, a server
)

// OpeningKinds are all kinds, in the order of the documentation.
var OpeningKinds = []OpeningKind{Subcontract, Job, Partner, CustomerRequest, Availability, Resource}

// Purpose is the direction of a proposal (FEP-0837).
type Purpose string

// We ask for something, or we give something.
const (
	Request Purpose = "request"
	Offer   Purpose = "offer"
)

// Purpose is what a kind means unless the opening says otherwise (a resource may be either).
func (k OpeningKind) Purpose() Purpose {
	if k == Availability || k == Resource {
		return Offer
	}
	return Request
}

// Status is where an opening stands.
type Status string

// An opening is open until its publisher says otherwise or its deadline passes.
const (
	Open      Status = "open"
	Paused    Status = "paused"
	Filled    Status = "filled"
	Withdrawn Status = "withdrawn"
	Expired   Status = "expired"
)

// An Opening is something a coop asks for or gives, that others can answer.
type Opening struct {
	Base
	Kind    OpeningKind `json:"kind"`
	Purpose Purpose     `json:"purpose"`
	Status  Status      `json:"status"` // as its publisher said; readers ask StatusAt
	Closes  time.Time   `json:"closes,omitzero"`

	Skills    []Skill  `json:"skills,omitempty"`
	Languages []string `json:"languages,omitempty"` // working languages, BCP 47
	Remote    bool     `json:"remote,omitempty"`
	Place     Place    `json:"place,omitzero"`
	TimeZones string   `json:"timeZones,omitempty"` // "UTC-3/UTC+2"

	Amount       Quantity  `json:"amount,omitzero"`    // what is asked for or given
	Available    Quantity  `json:"available,omitzero"` // what of it is still open
	Minimum      Quantity  `json:"minimum,omitzero"`   // the smallest part one may offer
	AllOrNothing bool      `json:"allOrNothing,omitempty"`
	Begins       time.Time `json:"begins,omitzero"` // the work's own dates
	Ends         time.Time `json:"ends,omitzero"`

	Budget      *Money `json:"budget,omitempty"`
	BudgetBasis string `json:"budgetBasis,omitempty"` // total, hour, day, month

	EmploymentType string `json:"employmentType,omitempty"` // a job's: FULL_TIME, PART_TIME, CONTRACTOR ...
	MemberTrack    bool   `json:"memberTrack,omitempty"`    // a job that leads to membership

	Answer     Answer    `json:"answer,omitzero"`
	Customer   *Customer `json:"customer,omitempty"`
	OnBehalfOf string    `json:"onBehalfOf,omitempty"` // address of the one it is published for
	BehalfName string    `json:"behalfName,omitempty"` // its name, as the publisher says; alone where it has no address
	FilledBy   []Part    `json:"filledBy,omitempty"`   // coops that agreed to be named
}

// Answer says who may answer and how.
type Answer struct {
	Who         []string `json:"who,omitempty"` // anyone coops worker-coops members individuals
	Federations []string `json:"federations,omitempty"`
	Countries   []string `json:"countries,omitempty"`
	How         []string `json:"how,omitempty"` // offer reply email form
}

// Customer is for whom the work is.
type Customer struct {
	Kind  string `json:"kind,omitempty"` // cooperatives nonprofit public business individuals
	Name  string `json:"name,omitempty"`
	Actor string `json:"actor,omitempty"`
}

// Part is one coop that took a part.
type Part struct {
	Actor    string   `json:"actor"`
	Quantity Quantity `json:"quantity,omitzero"`
}

// StatusAt is the status as a reader must see it: open with a passed deadline is expired,
// without waiting for the publisher (vocabulary 2.4).
func (o *Opening) StatusAt(now time.Time) Status {
	if o.Status == Open && !o.Closes.IsZero() && !now.Before(o.Closes) {
		return Expired
	}
	return o.Status
}

// IsOpen says whether it can be answered now.
func (o *Opening) IsOpen(now time.Time) bool {
	return o.StatusAt(now) == Open && o.Deleted.IsZero() && !o.Draft
}

// The sets of values that Validate accepts from our own people.
var (
	answerWho     = []string{"anyone", "coops", "worker-coops", "members", "individuals"}
	answerHow     = []string{"offer", "reply", "email", "form"}
	customerKinds = []string{"cooperatives", "nonprofit", "public", "business", "individuals"}
	budgetBases   = []string{"total", "hour", "day", "month"}
)

// complete fills in what a person need not say.
func (o *Opening) complete() {
	if o.Kind == "" {
		o.Kind = Subcontract
	}
	if o.Purpose == "" {
		o.Purpose = o.Kind.Purpose()
	}
	if o.Status == "" {
		o.Status = Open
	}
	if o.Available.IsZero() {
		o.Available = o.Amount
	}
	if o.Budget != nil && o.BudgetBasis == "" {
		o.BudgetBasis = "total"
	}
	if len(o.Answer.Who) == 0 {
		o.Answer.Who = []string{"coops"}
		if o.Kind == Job {
			o.Answer.Who = []string{"individuals"}
		}
	}
	if len(o.Answer.How) == 0 {
		o.Answer.How = []string{"reply"}
	}
}

// Validate checks that an opening of ours can be published at time now. Errors are Invalid and
// say which value is wrong and what to write instead.
func (o *Opening) Validate(now time.Time) error {
	const op = "check opening"
	amounts := []Quantity{o.Amount, o.Available, o.Minimum}
	for _, p := range o.FilledBy {
		amounts = append(amounts, p.Quantity)
	}
	for _, q := range amounts {
		if err := q.validate(); err != nil && !q.IsZero() {
			return err
		}
	}
	switch {
	case o.Title() == "":
		return wrong(op, "opening.title", "A title is needed: say in one line what you are looking for.")
	case !slices.Contains(OpeningKinds, o.Kind):
		return invalid(op, fmt.Sprintf("There is no kind %q. The kinds are %s.", o.Kind, listOf(OpeningKinds)))
	case o.Purpose != Request && o.Purpose != Offer:
		return invalid(op, fmt.Sprintf("The purpose is request or offer, not %q.", o.Purpose))
	case o.Status == Open && !o.Closes.IsZero() && !o.Closes.After(now):
		return wrong(op, "opening.closes", "The deadline %s has passed already. Choose a later one with --closes.", o.Closes.Format(time.DateOnly))
	case !o.Begins.IsZero() && !o.Ends.IsZero() && o.Ends.Before(o.Begins):
		return wrong(op, "opening.dates", "The work ends before it begins. Change one of the two dates.")
	case !o.Minimum.IsZero() && (o.Minimum.Unit != o.Amount.Unit || o.Minimum.Number > o.Amount.Number):
		return wrong(op, "opening.minimum", "The smallest part (%s) must be counted in the same unit as the amount (%s) and not be larger.", o.Minimum, o.Amount)
	case o.Available.Unit != o.Amount.Unit || o.Available.Number > o.Amount.Number:
		return wrong(op, "opening.left", "What is still open (%s) cannot be more than the amount (%s).", o.Available, o.Amount)
	case utf8.RuneCountInString(o.BehalfName) > 1000:
		return invalid(op, "The name of the one for whom it is published has at most 1,000 characters.")
	case o.BudgetBasis != "" && !slices.Contains(budgetBases, o.BudgetBasis):
		return invalid(op, fmt.Sprintf("The budget is per %s, not per %q.", listOf(budgetBases), o.BudgetBasis))
	case o.Customer != nil && o.Customer.Kind != "" && !slices.Contains(customerKinds, o.Customer.Kind):
		return invalid(op, fmt.Sprintf("A customer is one of %s, not %q.", listOf(customerKinds), o.Customer.Kind))
	}
	if o.Budget != nil {
		if err := o.Budget.Validate(); err != nil {
			return err
		}
	}
	for _, w := range o.Answer.Who {
		if !slices.Contains(answerWho, w) {
			return invalid(op, fmt.Sprintf("Those who may answer are %s, not %q.", listOf(answerWho), w))
		}
	}
	for _, h := range o.Answer.How {
		if !slices.Contains(answerHow, h) {
			return invalid(op, fmt.Sprintf("Answers come by %s, not by %q.", listOf(answerHow), h))
		}
	}
	for _, s := range o.Skills {
		if !ValidSkill(s.Key) {
			return wrong(op, "skill", "%q is not a skill key. Use small letters, digits and hyphens: web-engines.", s.Key)
		}
	}
	return validLanguages(op, o.Languages)
}

// take lowers what is still open by the parts that were taken.
func (o *Opening) take(parts []Part) {
	for _, p := range parts {
		if p.Quantity.Unit == o.Available.Unit {
			o.Available.Number = max(0, o.Available.Number-p.Quantity.Number)
		}
	}
}

// SetOpeningStatus says that an opening of ours is open again, paused, filled or withdrawn, and which
// coops took a part of it. Of one that is filled nothing is still open; reopened, it is open again but
// for the parts that were named. by names who did it. Expired cannot be set: a deadline does that.
// Errors: NotFound, Forbidden (not ours), Invalid, Gone.
func (n *Node) SetOpeningStatus(ctx context.Context, by, ref string, s Status, filledBy ...Part) (*Opening, error) {
	if !slices.Contains([]Status{Open, Paused, Filled, Withdrawn}, s) {
		return nil, invalid("change opening", fmt.Sprintf("An opening can be open, paused, filled or withdrawn, not %q.", s))
	}
	o, err := n.Edit(ctx, by, ref, func(o Object) error {
		opening, ok := o.(*Opening)
		if !ok {
			return invalid("change opening", "That is not an opening.")
		}
		opening.Status = s
		if s == Open && opening.Available.Number == 0 {
			opening.Available = opening.Amount
			opening.take(opening.FilledBy)
		}
		opening.FilledBy = append(opening.FilledBy, filledBy...)
		opening.take(filledBy)
		if s == Filled {
			opening.Available.Number = 0
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return o.(*Opening), nil
}
