package activitypub

import (
	"time"

	"github.com/coopnode/coopnode/node"
)

// encodeProject writes a project as a Note with a short card; the long text is beside it
// (vocabulary 2.7).
func encodeProject(l node.Links, p *node.Project) (envelope, error) {
	n, own, err := newNote(l, p)
	if err != nil {
		return nil, err
	}
	setContent(n, p.Texts, func(t node.Text) string { return projectHTML(l, p, t) })
	own["additionalType"] = typeProject
	own["tag"] = hashtags(l, p.Tags)
	own["coop:status"] = string(p.Status)
	own["coop:seeking"] = strs(p.Seeking)
	if len(p.Description) > 0 {
		own["coop:description"] = p.Description[0].HTML
	}
	if len(p.Lessons) > 0 {
		own["coop:lessons"] = p.Lessons[0].HTML
	}
	if !p.Begins.IsZero() {
		own["startTime"] = stamp(p.Begins)
	}
	if !p.Ends.IsZero() {
		own["endTime"] = stamp(p.Ends)
	}
	goal := map[string]any{}
	if p.GoalHours > 0 {
		goal["hours"] = p.GoalHours
	}
	if p.GoalMoney != nil {
		goal["money"] = moneyOut(*p.GoalMoney)
	}
	if len(goal) > 0 {
		own["coop:goal"] = goal
	}
	if p.Coordination != "" || len(p.Links) > 0 {
		how := map[string]any{"links": strs(p.Links)}
		put(how, "how", p.Coordination)
		own["coop:coordination"] = how
	}
	outcomes := []any{}
	for _, o := range p.Outcomes {
		entry := map[string]any{"name": o.Name}
		put(entry, "url", o.URL)
		if !o.Date.IsZero() {
			entry["date"] = o.Date.UTC().Format(time.DateOnly)
		}
		outcomes = append(outcomes, entry)
	}
	if len(outcomes) > 0 {
		own["coop:outcomes"] = outcomes
	}
	putList(own, "coop:kindOfGood", p.KindOfGood)
	return n, nil
}

// decodeProject reads a project.
func decodeProject(m map[string]any, p *node.Project) {
	p.Status = node.ProjectStatus(short(m, "coop:status"))
	if p.Status == "" {
		p.Status = node.Active
	}
	p.Seeking = IDs(few(m["coop:seeking"]))
	if s := cutBytes(Str(m, "coop:description"), maxContentBytes); s != "" {
		p.Description = []node.Text{{HTML: s}}
	}
	if s := cutBytes(Str(m, "coop:lessons"), maxContentBytes); s != "" {
		p.Lessons = []node.Text{{HTML: s}}
	}
	p.Begins, _ = Time(m, "startTime")
	p.Ends, _ = Time(m, "endTime")
	if goal := Obj(m["coop:goal"]); goal != nil {
		p.GoalHours, _ = Num(goal["hours"])
		p.GoalMoney = moneyIn(goal["money"])
	}
	if how := Obj(m["coop:coordination"]); how != nil {
		p.Coordination, p.Links = short(how, "how"), IDs(few(how["links"]))
	}
	for _, v := range few(m["coop:outcomes"]) {
		if o := Obj(v); o != nil {
			entry := node.ProjectOutcome{Name: short(o, "name"), URL: IDOf(o["url"])}
			entry.Date, _ = time.Parse(time.DateOnly, short(o, "date"))
			p.Outcomes = append(p.Outcomes, entry)
		}
	}
	p.KindOfGood = texts(m["coop:kindOfGood"])
	giveTitle(&p.Base, m)
}
