package ui

import (
	"net/url"
	"strings"

	"github.com/coopnode/coopnode/node"
)

// maxOutcomes is how many outcomes a form has room for.
const maxOutcomes = 30

// writeProject puts a project into the fields of its form.
func writeProject(v url.Values, p *node.Project) {
	putTexts(v, "title", "text", p.Texts)
	putBeside(v, "description", p.Description)
	putBeside(v, "lessons", p.Lessons)
	v.Set("status", string(p.Status))
	v.Set("begins", dayField(p.Begins))
	v.Set("ends", dayField(p.Ends))
	v.Set("hours", figureField(p.GoalHours))
	putMoney(v, "goal", p.GoalMoney)
	v.Set("coordination", p.Coordination)
	v.Set("links", strings.Join(p.Links, "\n"))
	for i, o := range p.Outcomes {
		v.Set(versionField("outcome", i), o.Name)
		v.Set(versionField("outcome.day", i), dayField(o.Date))
		v.Set(versionField("outcome.url", i), o.URL)
	}
	v.Set("good", strings.Join(p.KindOfGood, ", "))
	putBase(v, &p.Base)
}

// readProject takes over what a form says. p is a new project, or one as it is kept.
func readProject(s *sheet, p *node.Project) {
	p.Texts = s.texts("title", "text", p.Texts)
	if p.Title() == "" {
		s.wrong("title.0", "editor.title.needed")
	}
	p.Description, p.Lessons = s.beside("description"), s.beside("lessons")
	if p.Status = node.ProjectStatus(s.one("status", strs(node.ProjectStatuses))); p.Status == "" {
		p.Status = node.Active
	}
	p.Begins = s.day("begins", false, p.Begins)
	if p.Ends = s.day("ends", true, p.Ends); !p.Begins.IsZero() && !p.Ends.IsZero() && p.Ends.Before(p.Begins) {
		s.wrong("ends", "editor.ends.early")
	}
	p.GoalHours, _ = s.figure("hours")
	p.GoalMoney = s.money("goal")
	p.Coordination = s.line("coordination")
	p.Links = s.lines("links")
	for i, l := range p.Links {
		address, ok := readWeb(l)
		if !ok {
			s.wrong("links", "form.web")
		}
		p.Links[i] = address
	}
	was := p.Outcomes
	p.Outcomes = nil
	for i := range outcomes(s.typed) {
		o := node.ProjectOutcome{Name: s.line(versionField("outcome", i)), URL: s.web(versionField("outcome.url", i))}
		if i < len(was) {
			o.Date = was[i].Date
		}
		if o.Date = s.day(versionField("outcome.day", i), false, o.Date); o.Name == "" {
			if o.URL != "" || !o.Date.IsZero() {
				s.wrong(versionField("outcome", i), "editor.outcome.needed")
			}
			continue
		}
		p.Outcomes = append(p.Outcomes, o)
	}
	p.KindOfGood = s.words("good")
	readBase(s, &p.Base)
}

// outcomes counts the outcomes of a form.
func outcomes(typed url.Values) (n int) {
	for typed.Has(versionField("outcome", n)) && n < maxOutcomes {
		n++
	}
	return n
}
