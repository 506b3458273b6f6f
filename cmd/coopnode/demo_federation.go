package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/coopnode/coopnode/node"
)

// federationCasts are who comes after the story: a federation, and somebody who reads its list without following anybody.
var federationCasts = []cast{
	{
		short: "Trama", label: "trama", port: 8806, where: "a federation", name: "Trama",
		tryTitle: "Who brings a projector to the assembly?", tryAmount: "1 item",
		profile: `
summary = "Coops that share work and what they learn. What a member offers, we pass on."
summary_language = "en"
kind = "consortium"
ownership = "coops"
languages = ["en", "es"]
chat = "https://chat.trama.example/"
forum = "https://forum.trama.example/"
`,
	},
	{
		short: "Ventana", label: "ventana", port: 8807, where: "a library that only reads", name: "Ventana",
		tryTitle: "Una tarde de lectura", tryAmount: "1 day",
		profile: `
summary = "A cooperative library that shows on a wall what coops look for."
summary_language = "en"
ownership = "consumers"
languages = ["es"]
`,
	},
}

const (
	letterText      = "Six workers in Mombasa. We have made maps with Ljungsken and Quebracho since we came."
	federatedTitle  = "Ramani ya visima vya maji"
	federatedAmount = "80 hour"
)

// federate is the second part: three coops found a federation, a fourth is approved by two of them, and what it offers is
// passed on to those who know only the federation, and taken back when it is filled.
func (v *village) federate(ctx context.Context) error {
	toxeira, ljungsken, quebracho, mbuyu := v.coops[0], v.coops[1], v.coops[2], v.coops[4]
	for i := range federationCasts {
		v.coops = append(v.coops, &villager{cast: &federationCasts[i], dir: filepath.Join(v.dir, federationCasts[i].label)})
	}
	trama, ventana := v.coops[5], v.coops[6]
	if err := v.raise(ctx, trama, ventana); err != nil {
		return err
	}
	if _, err := v.do(ctx, trama, "federation", "create", "--rule", "open", "--ownership", "workers", "--pass", "subcontract,partner", "--criteria", "You own the place where you work."); err != nil {
		return err
	}
	v.told(trama.short, "is a federation: %s. Toxeira, Ljungsken and Quebracho found it.", trama.base())
	if err := v.subscribe(ctx, trama); err != nil {
		return err
	}
	for _, n := range []*villager{toxeira, ljungsken, quebracho} {
		if _, err := v.do(ctx, n, "member", "apply", trama.host); err != nil {
			return err
		}
		if err := v.belongs(ctx, n, trama, n, trama); err != nil {
			return err
		}
	}
	v.told("", "Each says on its own site that it is a member, and Trama says so on its own: confirmed.")

	if _, err := v.do(ctx, trama, "federation", "create", "--rule", "approvals", "--approvals", "2", "--objections", "1", "--days", "30"); err != nil {
		return err
	}
	if _, err := v.do(ctx, mbuyu, "member", "apply", trama.host, "--text", letterText); err != nil {
		return err
	}
	v.told(mbuyu.short, "asks to join: “%s” Two members have to approve.", letterText)
	for _, n := range []*villager{ljungsken, quebracho} {
		err := v.step(ctx, n.label+" has the application of mbuyu", func() error {
			open, err := n.h.Applications(ctx, trama.links().Actor())
			if err == nil && !slices.ContainsFunc(open, func(m *node.Membership) bool { return m.Coop == mbuyu.links().Actor() }) {
				err = fmt.Errorf("%s has %d applications, none of Mbuyu Data", n.short, len(open))
			}
			return err
		})
		if err != nil {
			return err
		}
		if _, err := v.do(ctx, n, "member", "approve", mbuyu.host); err != nil {
			return err
		}
		v.told(n.short, "approves.")
	}
	if err := v.belongs(ctx, mbuyu, trama, mbuyu, trama, toxeira); err != nil {
		return err
	}
	v.told(toxeira.short, "sees that Mbuyu Data is a member: both say so.")
	return v.passOn(ctx, trama, ventana, mbuyu, ljungsken)
}

// subscribe lets Lectora follow the federation, from a server that knows nothing else of all this.
func (v *village) subscribe(ctx context.Context, federation *villager) (err error) {
	if v.reader, err = openMicroblog(federation.links().Actor()); err != nil {
		return err
	}
	if err := v.reader.ask(ctx); err != nil {
		return fmt.Errorf("let Lectora follow %s: %w", federation.short, err)
	}
	if err := v.step(ctx, "lectora follows "+federation.label, v.reader.follows); err != nil {
		return err
	}
	v.told("Lectora", "follows Trama from a plain microblog server, which knows nothing of coops: %s.", v.reader.person)
	return nil
}

// passOn shows what becomes of an opening of a member, at a node that follows the federation and not the member, on a plain
// microblog server that does so, and at a node that reads the list of the federation and follows nobody.
func (v *village) passOn(ctx context.Context, trama, ventana, member, other *villager) error {
	s, err := v.write(ctx, member, node.TypeOpening, "--title", federatedTitle, "--lang", "sw", "--kind", "partner", "--amount", federatedAmount,
		"--closes", time.Now().AddDate(0, 1, 0).Format(time.DateOnly), "--remote")
	if err != nil {
		return err
	}
	v.told(member.short, "publishes “%s”, %s.", federatedTitle, federatedAmount)
	if err := v.arrives(ctx, s, "what trama passed on, open", trama, other); err != nil {
		return err
	}
	v.told(other.short, "does not follow Mbuyu Data, and has it from Trama.")
	if err := v.step(ctx, "lectora sees it boosted once, open", func() error { return v.reader.shows(s.iri, "OPEN", 1, 0, 0) }); err != nil {
		return err
	}
	v.told("Lectora", "sees that Trama has boosted it: “%s”", v.reader.line(s.iri))
	err = v.step(ctx, member.label+" knows that lectora reads it", func() error {
		_, err := member.h.ActorOf(ctx, v.reader.person)
		if node.IsNotFound(err) { // where many ask at once some are not noted, until they ask again
			v.reader.read(ctx, s.iri)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := v.reads(ctx, ventana, trama, s, "open"); err != nil {
		return err
	}
	v.told(ventana.short, "follows nobody, reads the list of Trama (coopnode subscribe) and finds it.")

	if _, err := v.do(ctx, member, "opening", "close", s.id, "--filled"); err != nil {
		return err
	}
	s.status = node.Filled
	if err := v.arrives(ctx, s, "what trama passed on, filled", trama, other); err != nil {
		return err
	}
	err = v.step(ctx, "trama passes on nothing that is filled", func() error {
		open, err := trama.h.objects(ctx, node.ObjectQuery{PassedAt: trama.h.Now(), Listed: true}, 0)
		if err == nil && slices.ContainsFunc(open, func(o node.Object) bool { return o.Common().IRI == s.iri }) {
			err = fmt.Errorf("trama still passes on %s", s.iri)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := v.step(ctx, "lectora sees it changed once and taken back once, filled", func() error { return v.reader.shows(s.iri, "FILLED", 1, 1, 1) }); err != nil {
		return err
	}
	v.told("Lectora", "sees its text change, “%s”, and the boost taken back, each once.", v.reader.line(s.iri))
	if err := v.reads(ctx, ventana, trama, s, "filled"); err != nil {
		return err
	}
	v.told(ventana.short, "reads again and sees that it is filled; Trama has taken it back.")
	v.step(ctx, "lectora has seen nothing twice", func() error { return v.reader.shows(s.iri, "FILLED", 1, 1, 1) })
	return nil
}

// belongs waits until the nodes at say that a coop is a confirmed member of a federation.
func (v *village) belongs(ctx context.Context, coop, federation *villager, at ...*villager) error {
	for _, n := range at {
		err := v.step(ctx, fmt.Sprintf("%s says that %s is a member of %s", n.label, coop.label, federation.label), func() error {
			m, err := n.h.Membership(ctx, federation.links().Actor(), coop.links().Actor())
			if err == nil && m.Standing() != node.Confirmed {
				err = fmt.Errorf("at %s the membership of %s stands at %q", n.short, coop.short, m.Standing())
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// reads has a node read the list of another one now, and waits until it holds what was said as it is.
func (v *village) reads(ctx context.Context, n, whose *villager, s *saying, as string) error {
	if _, err := v.do(ctx, n, "subscribe", whose.host, "--wait"); err != nil {
		return err
	}
	return v.step(ctx, fmt.Sprintf("%s reads what %s passes on, %s", n.label, whose.label, as), func() error { return v.holds(ctx, n, s) })
}
