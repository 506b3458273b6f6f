package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/coopnode/coopnode/node"
)

const (
	projectTitle = "An open map of coops"
	projectText  = "One map on which every coop of our networks stands by its own word, on its own server. Three coops have begun; " +
		"what we lack is hands, and somebody who has run a public register."
)

// offer is the last part: what the coops look for and can give from now on, so that there is something to see and to answer.
func (v *village) offer(ctx context.Context) error {
	toxeira, ljungsken, quebracho, hinata, mbuyu, trama := v.coops[0], v.coops[1], v.coops[2], v.coops[3], v.coops[4], v.coops[5]
	for _, n := range []*villager{toxeira, ljungsken, quebracho} {
		if _, err := v.do(ctx, trama, "federation", "vouch", n.host, "worker-owned", "legal-form-seen", "worked-with"); err != nil {
			return err
		}
	}
	v.told(trama.short, "has seen the papers of its founders and vouches: worker-owned.")

	project, err := v.write(ctx, toxeira, node.TypeProject, "--title", projectTitle, "--text", projectText, "--lang", "en", "--status", "seeking",
		"--goal-hours", "900", "--goal-money", "18000 EUR", "--coordination", "One call a week, one vote per coop", "--tag", "maps")
	if err != nil {
		return err
	}
	in := func(months, days int) string { return time.Now().AddDate(0, months, days).Format(time.DateOnly) }
	offers := map[*villager][][]string{
		toxeira: {
			{"--title", "Map drawing for the open map of coops", "--kind", "partner", "--project", project.iri, "--lang", "en", "--text",
				"Borders, labels and light tiles that an old phone can show. You join the weekly call and decide with us.",
				"--skill", "Maps,Accessibility", "--language", "en,es,gl", "--amount", "600 hour", "--available", "240 hour", "--minimum", "40 hour", "--closes", in(1, 20), "--remote"},
			{"--title", "Texts for the open map, in five languages", "--kind", "subcontract", "--project", project.iri, "--lang", "en", "--text",
				"Short texts, read by somebody who speaks the language at home.",
				"--skill", "Translation", "--language", "en", "--amount", "120 hour", "--minimum", "10 hour", "--budget", "30 EUR", "--budget-basis", "hour", "--closes", in(2, 5), "--remote"},
		},
		ljungsken: {
			{"--title", "Plats i ett gemensamt serverskåp", "--kind", "resource", "--lang", "sv", "--text",
				"Vi har fyra platser kvar i skåpet som vi delar med tre andra kooperativ. Självkostnadspris, en röst var.",
				"--skill", "Hosting", "--language", "sv,en", "--amount", "4 item", "--available", "3 item", "--closes", in(4, 0), "--place", "Umeå, SE-AC"},
		},
		quebracho: {
			{"--title", "Una persona para el módulo de sueldos", "--kind", "job", "--lang", "es", "--text",
				"Puesto de seis meses que puede terminar en asociarse. Se trabaja de a dos, con guardias rotativas.",
				"--skill", "Backend,Payroll", "--language", "es", "--amount", "1 people", "--closes", in(1, 0), "--remote", "--member-track"},
		},
		hinata: {
			{"--title", "介護シフト作成の仕組み", "--kind", "customer-request", "--lang", "ja", "--text",
				"四十人の職場で使う、手書きに近い画面の道具を探しています。", "--customer-kind", "cooperatives",
				"--language", "ja", "--amount", "400 hour", "--minimum", "80 hour", "--closes", in(3, 0), "--place", "Sendai, JP-04"},
		},
		mbuyu: {
			{"--title", "Two surveyors free in spring", "--kind", "availability", "--lang", "en", "--text",
				"Two of us have eight weeks between two surveys. We map by foot, by drone and from old paper.",
				"--skill", "Maps,Surveying", "--language", "en,sw", "--amount", "2 people", "--closes", in(2, 15), "--remote"},
			{"--title", "Partner for a bid on water registers", "--kind", "partner", "--lang", "en", "--text",
				"Three counties want one register of wells. We know the ground and look for a coop that knows databases.",
				"--skill", "Backend", "--language", "en", "--amount", "320 hour", "--minimum", "60 hour", "--closes", in(0, 25), "--remote"},
		},
	}
	publishing, publishCtx := errgroup.WithContext(ctx)
	said := make([][]*saying, len(v.coops))
	for i, n := range v.coops {
		publishing.Go(func() error {
			for _, args := range offers[n] {
				s, err := v.write(publishCtx, n, node.TypeOpening, args...)
				if err != nil {
					return err
				}
				said[i] = append(said[i], s)
			}
			return nil
		})
	}
	if err := publishing.Wait(); err != nil {
		return err
	}
	open := 0
	for i, list := range said {
		reader := mbuyu // who follows all others
		if v.coops[i] == mbuyu {
			reader = toxeira
		}
		for j, s := range list {
			open++
			if err := v.arrives(ctx, s, fmt.Sprintf("offer %d of %s", j+1, v.coops[i].label), reader); err != nil {
				return err
			}
		}
	}
	v.told("", "Each coop says what it looks for and what it can give: %d openings that anybody can answer, two of them in one project of Toxeira.", open)
	return nil
}
