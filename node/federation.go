package node

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// IsFederation says whether an actor says that it is a federation: a cooperative of cooperatives that admits
// members and passes on what they offer.
func (a *Actor) IsFederation() bool { return a.Coop != nil && a.Coop.Kind == KindConsortium }

// AdmissionRule says who lets a coop into a federation.
type AdmissionRule string

// The rules (decisions 18).
const (
	ByApprovals AdmissionRule = "approvals" // members approve, one coop one vote
	BySteward   AdmissionRule = "steward"   // a person of the federation admits
	ByAsking    AdmissionRule = "open"      // whoever asks is in
)

var countryForm = regexp.MustCompile(`^[A-Z]{2}$`)

var admissionRules = []AdmissionRule{ByApprovals, BySteward, ByAsking}

// Admission is how to join a federation, as it states on its actor (coop:admission).
type Admission struct {
	Criteria   []Text        `json:"criteria,omitempty"`   // who may join, in its own words
	Countries  []string      `json:"countries,omitempty"`  // ISO 3166-1; empty for all
	Ownership  []Ownership   `json:"ownership,omitempty"`  // empty for all
	Fee        string        `json:"fee,omitempty"`        // in words
	Rule       AdmissionRule `json:"rule"`                 //
	Approvals  int           `json:"approvals,omitempty"`  // so many members have to approve, 1 to 1,000
	Objections int           `json:"objections,omitempty"` // one more than so many refuses, 0 to 1,000
	Days       int           `json:"days,omitempty"`       // within which it is decided, 1 to 365
}

// Validate checks a rule of ours. Errors are Invalid.
func (a *Admission) Validate() error {
	const op = "check admission"
	if !slices.Contains(admissionRules, a.Rule) {
		return invalid(op, fmt.Sprintf("The rule is one of %s, not %q.", listOf(admissionRules), a.Rule))
	}
	if a.Rule == ByApprovals && (a.Approvals < 1 || a.Approvals > 1000 || a.Objections < 0 || a.Objections > 1000 || a.Days < 1 || a.Days > 365) {
		return invalid(op, "The rule by approvals needs 1 to 1,000 approvals, at most 0 to 1,000 objections, and 1 to 365 days.")
	}
	for _, o := range a.Ownership {
		if !slices.Contains(Ownerships, o) {
			return invalid(op, fmt.Sprintf("The owners of members are among %s, not %q.", listOf(Ownerships), o))
		}
	}
	for _, c := range a.Countries {
		if !countryForm.MatchString(c) {
			return invalid(op, fmt.Sprintf("%q is not a country. Write two capital letters as in ISO 3166: ES.", c))
		}
	}
	if len(a.Fee) > 1000 {
		return invalid(op, "The fee is said in at most 1,000 bytes.")
	}
	return validTexts(op, a.Criteria)
}

// What a federation passes on besides the kinds of opening.
const (
	PassProjects  = "project"
	PassQuestions = "question" // posts that ask
)

// Resharing is what a federation passes on of what its members publish (coop:resharing, decisions 17).
type Resharing struct {
	Kinds  []string `json:"kinds,omitempty"` // kinds of opening, PassProjects, PassQuestions
	Held   []string `json:"held,omitempty"`  // of those, the ones that a person lets through one by one
	PerDay int      `json:"perDay"`          // of one member, 1 to 1,000
}

// DefaultResharing passes on everything, three a day of each member.
func DefaultResharing() *Resharing {
	return &Resharing{Kinds: PassedKinds(), PerDay: 3}
}

// PassedKinds are all kinds that a federation can pass on.
func PassedKinds() []string {
	kinds := []string{}
	for _, k := range OpeningKinds {
		kinds = append(kinds, string(k))
	}
	return append(kinds, PassProjects, PassQuestions)
}

// Validate checks rules of ours. Errors are Invalid.
func (r *Resharing) Validate() error {
	const op = "check re-sharing"
	all := PassedKinds()
	for _, k := range append(slices.Clone(r.Kinds), r.Held...) {
		if !slices.Contains(all, k) {
			return invalid(op, fmt.Sprintf("What is passed on is among %s, not %q.", strings.Join(all, ", "), k))
		}
	}
	if r.PerDay < 1 || r.PerDay > 1000 {
		return invalid(op, "Of one member 1 to 1,000 are passed on a day.")
	}
	return nil
}
