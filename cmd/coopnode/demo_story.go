package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/coopnode/coopnode/node"
)

// A saying is what a coop of the village has published, as it should be everywhere by now.
type saying struct {
	by      *villager
	id, iri string
	typ     node.ObjectType
	status  node.Status // of an opening
	answers *saying
	deleted bool
	title   string
}

// What they say to each other.
const (
	questionText = "We are Toxeira, twelve people in A Coruña who make web engines. With two other coops we share a server and a bookkeeper, " +
		"and we want to share more. How do you pool resources with others: money, people, machines? Who decides?"
	answerText = "Four coops here put 2 % of what they invoice into one fund. It lends to whichever of us is short between two payments. " +
		"Every coop has one vote on a loan, however much it has paid in."
	openingTitle = "Auditoría de accesibilidad de un portal de vivienda"
	openingText  = "Buscamos una cooperativa que revise con lectores de pantalla el portal de alquiler de nuestra ciudad: ochenta páginas, " +
		"un informe y un taller de cierre. Se puede hacer a distancia."
	secondTitle = "Traducción de la documentación al japonés"
)

// story is the conversation. Each step is told after it was seen on the other node.
func (v *village) story(ctx context.Context) error {
	toxeira, ljungsken, quebracho, hinata, mbuyu := v.coops[0], v.coops[1], v.coops[2], v.coops[3], v.coops[4]
	err := v.follow(ctx, map[*villager][]*villager{
		toxeira: {ljungsken, quebracho}, ljungsken: {toxeira}, quebracho: {toxeira, hinata}, hinata: {quebracho},
	})
	if err != nil {
		return err
	}
	v.told("", "They follow each other: Toxeira and Ljungsken, Toxeira and Quebracho, Quebracho and Hinata Works.")

	question, err := v.publish(ctx, toxeira, node.TypePost, "--asks", "--language", "en", "--text", questionText)
	if err != nil {
		return err
	}
	v.told(toxeira.short, "introduces itself and asks: “%s”", questionText)
	if err := v.arrives(ctx, question, "the question", ljungsken, quebracho); err != nil {
		return err
	}

	answer, err := v.publish(ctx, ljungsken, node.TypePost, "--language", "en", "--reply-to", question.iri, "--text", answerText)
	if err != nil {
		return err
	}
	answer.answers = question
	if err := v.arrives(ctx, answer, "the answer", toxeira); err != nil {
		return err
	}
	v.told(ljungsken.short, "answers: “%s”", answerText)
	v.told(toxeira.short, "finds it under its question: 1 answer.")

	opening, err := v.publish(ctx, quebracho, node.TypeOpening, "--title", openingTitle, "--lang", "es", "--kind", "subcontract", "--text", openingText,
		"--skill", "accessibility", "--language", "es", "--amount", "240 hour", "--minimum", "40 hour", "--budget", "9000-12000 USD",
		"--closes", time.Now().AddDate(0, 2, 0).Format(time.DateOnly), "--remote")
	if err != nil {
		return err
	}
	opening.title = openingTitle
	v.told(quebracho.short, "publishes an opening: “%s”, 240 hours.", openingTitle)
	if err := v.arrives(ctx, opening, "the opening, open", hinata, toxeira); err != nil {
		return err
	}
	v.told(hinata.short, "follows Quebracho and sees it arrive: open for two months.")

	if _, err := v.do(ctx, quebracho, "opening", "close", opening.id, "--filled"); err != nil {
		return err
	}
	opening.status = node.Filled
	v.told(quebracho.short, "has found a coop for it: the opening is filled.")
	if err := v.arrives(ctx, opening, "the opening, filled", hinata, toxeira); err != nil {
		return err
	}
	v.told(hinata.short, "sees that it is filled.")

	if err := v.raise(ctx, mbuyu); err != nil {
		return err
	}
	v.told(mbuyu.short, "joins: %s, %s. It follows all four.", mbuyu.base(), mbuyu.where)
	err = v.follow(ctx, map[*villager][]*villager{mbuyu: {toxeira, ljungsken, quebracho, hinata}, toxeira: {mbuyu}})
	if err != nil {
		return err
	}
	for what, s := range map[string]*saying{"the question, read back": question, "the answer, read back": answer, "the opening, read back": opening} {
		if err := v.arrives(ctx, s, what, mbuyu); err != nil {
			return err
		}
	}
	v.told(mbuyu.short, "reads back what was said before it came: the question, the answer, the opening with its end.")
	v.told(toxeira.short, "follows Mbuyu Data too.")
	return nil
}

// follow lets coops follow others and returns when both sides say that it is so.
func (v *village) follow(ctx context.Context, whom map[*villager][]*villager) error {
	asking, askCtx := errgroup.WithContext(ctx)
	for n, others := range whom {
		args := []string{"follow"}
		for _, o := range others {
			args = append(args, o.host)
		}
		asking.Go(func() error {
			_, err := v.do(askCtx, n, args...)
			return err
		})
	}
	if err := asking.Wait(); err != nil {
		return err
	}
	for _, n := range v.coops {
		for _, o := range whom[n] {
			n.follows = append(n.follows, o)
			err := v.step(ctx, n.label+" follows "+o.label, func() error {
				if err := accepted(ctx, n.h.Following, o); err != nil {
					return fmt.Errorf("%s does not follow %s: %w", n.short, o.short, err)
				}
				if err := accepted(ctx, o.h.Followers, n); err != nil {
					return fmt.Errorf("%s does not know its follower %s: %w", o.short, n.short, err)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func accepted(ctx context.Context, list followList, who *villager) error {
	all, err := everybody(ctx, list, node.FollowQuery{}, 0)
	if err != nil {
		return err
	}
	for _, f := range all {
		if f.Actor != who.links().Actor() {
			continue
		}
		if f.State != node.Accepted {
			return fmt.Errorf("it is %s", f.State)
		}
		return nil
	}
	return fmt.Errorf("it is not among %d", len(all))
}

func (n *villager) links() node.Links { return node.Links{Base: n.base()} }

// publish lets a coop say something.
func (v *village) publish(ctx context.Context, n *villager, t node.ObjectType, args ...string) (*saying, error) {
	s, err := v.write(ctx, n, t, args...)
	if err == nil {
		v.said = append(v.said, s)
	}
	return s, err
}

func (v *village) write(ctx context.Context, n *villager, t node.ObjectType, args ...string) (*saying, error) {
	id, err := v.do(ctx, n, append([]string{string(t), "new"}, args...)...)
	if err != nil {
		return nil, err
	}
	s := &saying{by: n, id: id, iri: n.links().Object(t, id), typ: t}
	if t == node.TypeOpening {
		s.status = node.Open
	}
	return s, nil
}

// arrives waits until others hold what was said, as it is now.
func (v *village) arrives(ctx context.Context, s *saying, what string, at ...*villager) error {
	for _, n := range at {
		if err := v.step(ctx, n.label+" holds "+what, func() error { return v.holds(ctx, n, s) }); err != nil {
			return err
		}
	}
	return nil
}

// holds says what is wrong with a node's copy of what was said; nil if nothing is.
func (v *village) holds(ctx context.Context, n *villager, s *saying) error {
	o, err := n.h.Object(ctx, s.iri)
	if err != nil {
		return fmt.Errorf("%s does not hold %s: %w", n.short, s.iri, err)
	}
	b := o.Common()
	if gone := !b.Deleted.IsZero(); gone != s.deleted {
		return fmt.Errorf("%s has %s as deleted: %v, not %v", n.short, s.iri, gone, s.deleted)
	}
	if s.deleted {
		return nil
	}
	if o, ok := o.(*node.Opening); ok && o.StatusAt(n.h.Now()) != s.status {
		return fmt.Errorf("%s has %s as %s, not %s", n.short, s.iri, o.StatusAt(n.h.Now()), s.status)
	}
	if s.answers != nil && (b.InReplyTo != s.answers.iri || b.Thread != s.answers.iri) {
		return fmt.Errorf("%s has %s in the thread of %q, not %s", n.short, s.iri, b.Thread, s.answers.iri)
	}
	if n == s.by || !slices.Contains(n.follows, s.by) {
		return nil
	}
	entries, err := n.h.Timeline(ctx, node.TimelineQuery{Limit: 200})
	if err != nil {
		return err
	}
	times := 0
	for _, e := range entries {
		if e.ObjectIRI == s.iri {
			times++
		}
	}
	if times != 1 {
		return fmt.Errorf("the timeline of %s has %s %d times", n.short, s.iri, times)
	}
	return nil
}
