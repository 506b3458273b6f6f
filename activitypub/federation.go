package activitypub

import (
	"github.com/coopnode/coopnode/node"
)

// encodeFederation writes what a federation says besides: how to join it, what it passes on, and where its lists are.
func encodeFederation(own map[string]any, c *node.Coop, l node.Links) {
	own["coop:members"], own["coop:applications"], own["coop:shared"] = l.Members(), l.Applications(), l.Shared()
	if a := c.Admission; a != nil {
		m := map[string]any{"rule": string(a.Rule)}
		if len(a.Criteria) > 0 {
			m["criteria"] = a.Criteria[0].HTML
			if byLang := byLanguage(a.Criteria, func(t node.Text) string { return t.HTML }); len(byLang) > 0 {
				m["criteriaMap"] = byLang
			}
		}
		putList(m, "countries", a.Countries)
		if len(a.Ownership) > 0 {
			owners := []any{}
			for _, o := range a.Ownership {
				owners = append(owners, string(o))
			}
			m["ownership"] = owners
		}
		put(m, "fee", a.Fee)
		if a.Rule == node.ByApprovals {
			m["approvals"], m["objections"], m["days"] = a.Approvals, a.Objections, a.Days
		}
		own["coop:admission"] = m
	}
	if r := c.Resharing; r != nil {
		own["coop:resharing"] = map[string]any{"kinds": strs(r.Kinds), "held": strs(r.Held), "perDay": r.PerDay}
	}
}

// Bounds of what is read of a federation's rules (LIM).
const (
	maxRule     = 1000     // approvals, objections, days, shares a day
	maxCriteria = 16 << 10 // bytes in one language
	maxRuleText = 20       // languages
)

func decodeFederation(m map[string]any, c *node.Coop, sameHost func(key string) string) {
	c.MembersIRI, c.ApplicationsIRI, c.SharedIRI = sameHost("coop:members"), sameHost("coop:applications"), sameHost("coop:shared")
	if f := Obj(m["coop:admission"]); f != nil {
		a := &node.Admission{Countries: texts(f["countries"]), Fee: short(f, "fee"), Rule: node.AdmissionRule(short(f, "rule")),
			Approvals: ruleIn(f["approvals"]), Objections: ruleIn(f["objections"]), Days: ruleIn(f["days"]), Criteria: criteriaIn(f)}
		for _, o := range texts(f["ownership"]) {
			a.Ownership = append(a.Ownership, node.Ownership(o))
		}
		c.Admission = a
	}
	if f := Obj(m["coop:resharing"]); f != nil {
		c.Resharing = &node.Resharing{Kinds: texts(f["kinds"]), Held: texts(f["held"]), PerDay: ruleIn(f["perDay"])}
	}
}

// ruleIn is a number of a rule, 0 for what is none.
func ruleIn(v any) int {
	if n := intIn(v); n != nil {
		return min(*n, maxRule)
	}
	return 0
}

// criteriaIn are the criteria, the main language first.
func criteriaIn(f map[string]any) []node.Text {
	var list []node.Text
	if s := cutBytes(Str(f, "criteria"), maxCriteria); s != "" {
		list = append(list, node.Text{HTML: s})
	}
	byLang := Obj(f["criteriaMap"])
	for _, lang := range sortedKeys(byLang) {
		s, _ := byLang[lang].(string)
		s = cutBytes(s, maxCriteria)
		switch {
		case s == "" || !node.ValidLanguage(lang):
		case len(list) > 0 && s == list[0].HTML:
			list[0].Lang = lang
		case len(list) < maxRuleText:
			list = append(list, node.Text{Lang: lang, HTML: s})
		}
	}
	return list
}
