package node

import (
	"fmt"
	"slices"
	"time"
)

// ProjectStatus is where a project stands (vocabulary 2.7).
type ProjectStatus string

// The six states of a project.
const (
	Idea      ProjectStatus = "idea"
	Seeking   ProjectStatus = "seeking"
	Active    ProjectStatus = "active"
	OnHold    ProjectStatus = "paused"
	Completed ProjectStatus = "completed"
	Cancelled ProjectStatus = "cancelled"
)

// ProjectStatuses are all states in order.
var ProjectStatuses = []ProjectStatus{Idea, Seeking, Active, OnHold, Completed, Cancelled}

// A Project is what several coops do together. What it still needs are openings that name it;
// a demand too large for one coop is a project with several openings (decisions 13).
type Project struct {
	Base
	Status       ProjectStatus    `json:"status"`
	Description  []Text           `json:"description,omitempty"` // the long text; Texts is the card
	Participants []Participant    `json:"participants,omitempty"`
	Begins       time.Time        `json:"begins,omitzero"`
	Ends         time.Time        `json:"ends,omitzero"`
	Seeking      []string         `json:"seeking,omitempty"` // addresses of its open openings
	GoalHours    float64          `json:"goalHours,omitempty"`
	GoalMoney    *Money           `json:"goalMoney,omitempty"`
	Coordination string           `json:"coordination,omitempty"` // how those who take part work together
	Links        []string         `json:"links,omitempty"`        // where they do it
	Outcomes     []ProjectOutcome `json:"outcomes,omitempty"`
	Lessons      []Text           `json:"lessons,omitempty"`
	KindOfGood   []string         `json:"kindOfGood,omitempty"` // social, software ...
}

// Participant is a coop in a project. So far only samples have any.
type Participant struct {
	Actor     string `json:"actor"`
	Role      string `json:"role,omitempty"` // lead partner funder customer host
	Confirmed bool   `json:"confirmed"`      // it says so itself; else only the project does
}

// ProjectOutcome is something that came of a project.
type ProjectOutcome struct {
	Name string    `json:"name"`
	Date time.Time `json:"date,omitzero"`
	URL  string    `json:"url,omitempty"`
}

func (p *Project) complete() {
	if p.Status == "" {
		p.Status = Active
	}
}

// Validate checks that a project of ours can be published. Errors are Invalid.
func (p *Project) Validate() error {
	const op = "check project"
	switch {
	case p.Title() == "":
		return wrong(op, "project.title", "A title is needed: say in one line what the project makes.")
	case !slices.Contains(ProjectStatuses, p.Status):
		return invalid(op, fmt.Sprintf("A project is %s, not %q.", listOf(ProjectStatuses), p.Status))
	case !p.Begins.IsZero() && !p.Ends.IsZero() && p.Ends.Before(p.Begins):
		return wrong(op, "project.dates", "The project ends before it begins. Change one of the two dates.")
	case !isAmount(p.GoalHours):
		return wrong(op, "project.goal", "The goal in hours is a number, not below zero: 1200.")
	}
	if p.GoalMoney != nil {
		if err := p.GoalMoney.Validate(); err != nil {
			return err
		}
	}
	return validTexts(op, p.Description, p.Lessons)
}
