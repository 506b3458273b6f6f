package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

func projectCommand(a *app) *cobra.Command {
	return group("project", "What several coops do together", projectNoun.verbs(a)...)
}

var projectNoun = noun[*node.Project]{
	typ:   node.TypeProject,
	new:   func() *node.Project { return &node.Project{Base: node.Base{Type: node.TypeProject}} },
	form:  projectForm,
	title: "A new project. Only the title must be there.",
	head:  []any{"STATUS", "OPENINGS", "TITLE"},
	row: func(h *house, p *node.Project) []any {
		status := string(p.Status)
		if p.Draft {
			status = "draft"
		}
		return []any{status, len(p.Seeking), titleAnd(h, &p.Base)}
	},
	shown: func(_ *house, p *node.Project) *node.Project { return p },
	lines: func(w io.Writer, h *house, p *node.Project) {
		fieldLines(w, projectForm, p, string(p.Status))
		for _, part := range []struct {
			head  string
			texts []node.Text
		}{{"Description", p.Description}, {"Lessons", p.Lessons}} {
			for _, t := range part.texts {
				fmt.Fprintf(w, "\n%s:\n", part.head)
				writeText(w, t, false)
			}
		}
	},
	extra: func(cmd *cobra.Command, q *query) {},
	after: func(ctx context.Context, h *house, p *node.Project) string {
		return fmt.Sprintf("It is published. %s\nSay what it needs with: coopnode opening new --project %s", h.audienceText(ctx, &p.Base), p.ID)
	},
}

// projectForm is all that can be said of a project (vocabulary 2.7).
var projectForm = form[*node.Project]{
	titleField(func(p *node.Project) *node.Base { return &p.Base }),
	lineField("status", "where it stands", func(p *node.Project) *node.ProjectStatus { return &p.Status }, node.ProjectStatuses...),
	textField(func(p *node.Project) *node.Base { return &p.Base }),
	langField(func(p *node.Project) *node.Base { return &p.Base }, ""),
	longField("description", "the long text, in Markdown", func(p *node.Project) *[]node.Text { return &p.Description }),
	dayField("begins", "first day", false, func(p *node.Project) *time.Time { return &p.Begins }),
	dayField("ends", "last day", true, func(p *node.Project) *time.Time { return &p.Ends }),
	goalHoursField,
	moneyField("goal_money", "money that it needs in all: '18000 EUR'", func(p *node.Project) **node.Money { return &p.GoalMoney }),
	lineField("coordination", "how those who take part work together", func(p *node.Project) *string { return &p.Coordination }),
	listField("links", "link", "addresses where they do it", func(p *node.Project) *[]string { return &p.Links }),
	outcomesField,
	longField("lessons", "what went wrong and what you would do again, in Markdown", func(p *node.Project) *[]node.Text { return &p.Lessons }),
	listField("kind_of_good", "", "what it is good for: social, software", func(p *node.Project) *[]string { return &p.KindOfGood }),
	tagsField(func(p *node.Project) *node.Base { return &p.Base }),
	audienceField(func(p *node.Project) *node.Base { return &p.Base }),
	toField(func(p *node.Project) *node.Base { return &p.Base }),
	draftField(func(p *node.Project) *node.Base { return &p.Base }),
}

// longField is a long text beside the card; it is in the language of the card.
func longField(name, help string, at func(*node.Project) *[]node.Text) field[*node.Project] {
	return proseField(name, help,
		func(p *node.Project) string {
			if len(*at(p)) == 0 {
				return ""
			}
			return (*at(p))[0].Source
		},
		func(p *node.Project, s string) {
			if *at(p) = nil; s != "" {
				*at(p) = []node.Text{{Lang: mainText(&p.Base).Lang, Source: s}}
			}
		})
}

var goalHoursField = field[*node.Project]{name: "goal_hours", help: "hours of work that it needs in all", shape: number,
	get: func(p *node.Project) []string {
		if p.GoalHours == 0 {
			return nil
		}
		return []string{node.FormatNumber(p.GoalHours)}
	},
	set: func(p *node.Project, v []string) (err error) {
		p.GoalHours = 0
		if len(v) > 0 {
			if p.GoalHours, err = strconv.ParseFloat(v[0], 64); err != nil {
				err = wrongUse("goal_hours is a number, not %q.", v[0])
			}
		}
		return err
	}}

var outcomesField = field[*node.Project]{name: "outcomes", flag: "outcome", shape: list,
	help: "what came of it: 'First public map | 2026-10-15 | https://toxeira.example/map'",
	get: func(p *node.Project) (v []string) {
		for _, o := range p.Outcomes {
			s := o.Name
			if d := dayText(o.Date, false); d != "" || o.URL != "" {
				s += " | " + d
			}
			if o.URL != "" {
				s += " | " + o.URL
			}
			v = append(v, s)
		}
		return v
	},
	set: func(p *node.Project, v []string) error {
		p.Outcomes = nil
		for _, s := range v {
			parts := append(strings.Split(s, "|"), "", "")
			o := node.ProjectOutcome{Name: strings.TrimSpace(parts[0]), URL: strings.TrimSpace(parts[2])}
			if day := strings.TrimSpace(parts[1]); day != "" {
				d, err := node.ParseDay(day)
				if err != nil {
					return err
				}
				o.Date = d.Truncate(24 * time.Hour)
			}
			p.Outcomes = append(p.Outcomes, o)
		}
		return nil
	}}
