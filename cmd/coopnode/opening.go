package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

func openingCommand(a *app) *cobra.Command {
	g := group("opening", "What this coop looks for or offers", openingNoun.verbs(a)...)
	g.AddCommand(
		openingTurn(a, "publish", "Publish a draft", node.Open, "It is published."),
		openingTurn(a, "pause", "Take no answers for now", node.Paused, "It is paused: everybody who has it will see that. Open it again with: coopnode opening reopen"),
		openingTurn(a, "reopen", "Open it for answers again", node.Open, "It is open again."),
		openingClose(a),
		openingDelivery(a),
	)
	return g
}

var openingNoun = noun[*node.Opening]{
	typ:   node.TypeOpening,
	new:   func() *node.Opening { return &node.Opening{Base: node.Base{Type: node.TypeOpening}} },
	form:  openingForm,
	title: "A new opening: what do you look for, or offer? Only the title must be there.",
	head:  []any{"STATUS", "CLOSES", "KIND", "TITLE"},
	row: func(h *house, o *node.Opening) []any {
		return []any{statusText(h, o), dash(dayText(o.Closes, true)), o.Kind, titleAnd(h, &o.Base)}
	},
	shown: func(h *house, o *node.Opening) *node.Opening {
		now := *o
		now.Status = o.StatusAt(h.Now())
		return &now
	},
	lines: func(w io.Writer, h *house, o *node.Opening) { fieldLines(w, openingForm, o, statusText(h, o)) },
	extra: func(cmd *cobra.Command, q *query) {
		cmd.Flags().BoolVar(&q.open, "open", false, "only those that can be answered now")
		cmd.Flags().StringVar((*string)(&q.Kind), "kind", "", "only of this kind: "+strings.Join(words(node.OpeningKinds), ", "))
		cmd.Flags().StringVar(&q.Skill, "skill", "", "only those that ask for this skill")
		cmd.Flags().StringVar(&q.project, "project", "", "only those of this project")
	},
	after: func(ctx context.Context, h *house, o *node.Opening) string {
		return fmt.Sprintf("It is %s. %s\nWhat has reached whom: coopnode opening delivery %s", statusText(h, o), h.audienceText(ctx, &o.Base), o.ID)
	},
}

// openingForm is all that can be said of an opening (vocabulary 2.4, decisions 13 to 15).
var openingForm = form[*node.Opening]{
	titleField(func(o *node.Opening) *node.Base { return &o.Base }),
	lineField("kind", "what it is", func(o *node.Opening) *node.OpeningKind { return &o.Kind }, node.OpeningKinds...).
		also(func(o *node.Opening) { o.Purpose = "" }), // follows from the kind unless it is said below
	textField(func(o *node.Opening) *node.Base { return &o.Base }),
	langField(func(o *node.Opening) *node.Base { return &o.Base }, ""),
	skillsField(func(o *node.Opening) *[]node.Skill { return &o.Skills }),
	listField("languages", "language", "languages one works in: es, en", func(o *node.Opening) *[]string { return &o.Languages }),
	amountField,
	quantityField("minimum", "the smallest part one may take: '40 hour'", func(o *node.Opening) *node.Quantity { return &o.Minimum }),
	quantityField("available", "what of it is still free, if not all: '120 hour'", func(o *node.Opening) *node.Quantity { return &o.Available }),
	truthField("all_or_nothing", "only the whole amount, no parts", func(o *node.Opening) *bool { return &o.AllOrNothing }),
	moneyField("budget", "a price or a range: '9000 EUR', '9000-12000 EUR'", func(o *node.Opening) **node.Money { return &o.Budget }),
	lineField("budget_basis", "what the budget is for", func(o *node.Opening) *string { return &o.BudgetBasis }, "total", "hour", "day", "month"),
	dayField("closes", "last day for answers: 2027-01-15, or a moment", true, func(o *node.Opening) *time.Time { return &o.Closes }),
	dayField("begins", "first day of the work", false, func(o *node.Opening) *time.Time { return &o.Begins }),
	dayField("ends", "last day of the work", true, func(o *node.Opening) *time.Time { return &o.Ends }),
	truthField("remote", "can be done from anywhere", func(o *node.Opening) *bool { return &o.Remote }),
	placeField(func(o *node.Opening) *node.Place { return &o.Place }),
	lineField("time_zones", "working hours between: UTC-3/UTC+2", func(o *node.Opening) *string { return &o.TimeZones }),
	lineField("project", "id or address of the project that it belongs to", func(o *node.Opening) *string { return &o.Project }),
	lineField("purpose", "direction, where it does not follow from the kind", func(o *node.Opening) *node.Purpose { return &o.Purpose }, node.Request, node.Offer),
	listField("who", "", "who may answer", func(o *node.Opening) *[]string { return &o.Answer.Who }, "anyone", "coops", "worker-coops", "members", "individuals"),
	listField("how", "", "how to answer", func(o *node.Opening) *[]string { return &o.Answer.How }, "offer", "reply", "email", "form"),
	listField("answer_countries", "", "only from these countries: ES, PT", func(o *node.Opening) *[]string { return &o.Answer.Countries }),
	listField("answer_federations", "", "addresses of the federations whose members may answer", func(o *node.Opening) *[]string { return &o.Answer.Federations }),
	lineField("employment_type", "of a job: FULL_TIME, PART_TIME, CONTRACTOR", func(o *node.Opening) *string { return &o.EmploymentType }),
	truthField("member_track", "a job that leads to membership", func(o *node.Opening) *bool { return &o.MemberTrack }),
	customerField("customer_kind", "for whom the work is: cooperatives, nonprofit, public, business, individuals", func(c *node.Customer) *string { return &c.Kind }),
	customerField("customer_name", "name of the customer", func(c *node.Customer) *string { return &c.Name }),
	customerField("customer_actor", "address of the customer's own node", func(c *node.Customer) *string { return &c.Actor }),
	behalfField,
	tagsField(func(o *node.Opening) *node.Base { return &o.Base }),
	audienceField(func(o *node.Opening) *node.Base { return &o.Base }),
	toField(func(o *node.Opening) *node.Base { return &o.Base }),
	draftField(func(o *node.Opening) *node.Base { return &o.Base }),
}

// behalfField is an address and a name, or one of them.
var behalfField = field[*node.Opening]{name: "on_behalf_of", help: "name or address of a coop without a node, for which you publish it",
	get: func(o *node.Opening) []string { return some(strings.TrimSpace(o.OnBehalfOf + " " + o.BehalfName)) },
	set: func(o *node.Opening, v []string) error {
		o.OnBehalfOf, o.BehalfName = "", strings.TrimSpace(first(v))
		if address, name, _ := strings.Cut(o.BehalfName, " "); strings.Contains(address, "://") {
			o.OnBehalfOf, o.BehalfName = address, strings.TrimSpace(name)
		}
		return nil
	}}

// amountField also moves what is still free while nothing was taken.
var amountField = func() field[*node.Opening] {
	f := quantityField("amount", "how much: '240 hour', '3 people', '10 day', '1 item'", func(o *node.Opening) *node.Quantity { return &o.Amount })
	set := f.set
	f.set = func(o *node.Opening, v []string) error {
		before := o.Amount
		err := set(o, v)
		if o.Available == before || o.Amount.IsZero() {
			o.Available = o.Amount
		}
		return err
	}
	return f
}()

func customerField(name, help string, at func(*node.Customer) *string) field[*node.Opening] {
	return partField(lineField(name, help, at), func(o *node.Opening) **node.Customer { return &o.Customer })
}

func statusText(h *house, o *node.Opening) string {
	switch {
	case !o.Deleted.IsZero():
		return "deleted"
	case o.Draft:
		return "draft"
	}
	return string(o.StatusAt(h.Now()))
}

// openingTurn is a command that moves an opening into a state.
func openingTurn(a *app, verb, short string, s node.Status, done string) *cobra.Command {
	return &cobra.Command{
		Use: verb + " REF", Short: short, Args: argsBetween(1, 1), ValidArgsFunction: a.completeRefs(node.TypeOpening),
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			found, err := h.find(ctx, node.TypeOpening, args[0])
			if err != nil {
				return err
			}
			iri := found.Common().IRI
			if verb == "publish" {
				if found.Common().Local && !found.Common().Draft {
					return wrongUse("%s is published already: %s", found.Common().ID, found.Common().URL)
				}
				changed, err := h.Edit(ctx, a.by(), iri, func(o node.Object) error { o.Common().Draft = false; return nil })
				if err != nil {
					return err
				}
				return openingNoun.said(ctx, a, h, changed.(*node.Opening))
			}
			if found.Common().Draft {
				return wrongUse("%s is a draft. Publish it first with: coopnode opening publish %s", found.Common().ID, found.Common().ID)
			}
			o, err := h.SetOpeningStatus(ctx, a.by(), iri, s)
			if err != nil {
				return err
			}
			return a.turned(h, o, done)
		}),
	}
}

func openingClose(a *app) *cobra.Command {
	var filled, withdrawn bool
	var by []string
	cmd := &cobra.Command{
		Use: "close REF --filled|--withdrawn", Short: "Say that it is over", Args: argsBetween(1, 1), ValidArgsFunction: a.completeRefs(node.TypeOpening),
		Long:    "Says that an opening is over: filled, or withdrawn. Its page and its posts everywhere then say so; nothing is deleted.",
		Example: "  coopnode opening close k3v --filled\n  coopnode opening close k3v --filled --by '@trenza@trenza.example=120 hour'",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			if filled == withdrawn {
				return wrongUse("Say how it ended: --filled or --withdrawn.")
			}
			found, err := h.find(ctx, node.TypeOpening, args[0])
			if err != nil {
				return err
			}
			s, done := node.Withdrawn, "It is withdrawn: everybody who has it will see that."
			if filled {
				s, done = node.Filled, "It is filled: everybody who has it will see that."
			}
			var parts []node.Part
			for _, p := range by {
				address, amount, _ := strings.Cut(p, "=")
				who, err := h.someone(ctx, a, address)
				if err != nil {
					return fmt.Errorf("find %s: %w", address, err)
				}
				part := node.Part{Actor: who.IRI}
				if amount != "" {
					if part.Quantity, err = node.ParseQuantity(amount); err != nil {
						return err
					}
				}
				parts = append(parts, part)
			}
			o, err := h.SetOpeningStatus(ctx, a.by(), found.Common().IRI, s, parts...)
			if err != nil {
				return err
			}
			return a.turned(h, o, done)
		}),
	}
	cmd.Flags().BoolVar(&filled, "filled", false, "somebody does it now")
	cmd.Flags().BoolVar(&withdrawn, "withdrawn", false, "it is not wanted any more")
	cmd.Flags().StringArrayVar(&by, "by", nil, "coop that took it and agreed to be named, with the amount: '@trenza@trenza.example=120 hour'")
	return cmd
}

func (a *app) turned(h *house, o *node.Opening, done string) error {
	a.tell("%s", done)
	return a.show(openingNoun.shown(h, o), func(w io.Writer) {
		if !a.quiet {
			fmt.Fprintf(w, "%s  %s  %s\n", o.ID, statusText(h, o), o.URL)
		}
	})
}

// carried is what became of the acts about an object.
type carried struct {
	Object  string           `json:"object"`
	Acts    []carriedAct     `json:"acts"`
	Waiting []*node.Delivery `json:"waiting"`
}

type carriedAct struct {
	Activity string    `json:"activity"`
	Type     node.Verb `json:"type"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Reached  int       `json:"reached"`
	Refused  int       `json:"refused"`
	Waiting  int       `json:"waiting"`
}

func openingDelivery(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "delivery REF", Short: "What has reached whom", Args: argsBetween(1, 1), ValidArgsFunction: a.completeRefs(node.TypeOpening),
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			o, err := h.find(ctx, node.TypeOpening, args[0])
			if err != nil {
				return err
			}
			return a.showCarried(ctx, h, o.Common().IRI)
		}),
	}
}

// showCarried answers what has reached whom of all that was said about an object.
func (a *app) showCarried(ctx context.Context, h *house, object string) error {
	acts, err := h.Store().Acts(ctx, node.ActQuery{Object: object, Limit: 200})
	if err != nil {
		return err
	}
	waiting, err := h.Deliveries(ctx, node.DeliveryQuery{Object: object, Limit: 200})
	if err != nil {
		return err
	}
	c := carried{Object: object, Acts: []carriedAct{}, Waiting: waiting}
	for _, r := range acts {
		c.Acts = append(c.Acts, carriedAct{r.IRI, r.Verb, r.At, r.By, r.Reached, r.Refused, r.Waiting})
	}
	if c.Waiting == nil {
		c.Waiting = []*node.Delivery{}
	}
	return a.show(c, func(w io.Writer) {
		table(w, func(row func(...any)) {
			row("WHAT", "WHEN", "BY", "ARRIVED", "REFUSED", "WAITING")
			for _, r := range c.Acts {
				row(r.Type, moment(r.At), r.By, r.Reached, r.Refused, r.Waiting)
			}
		})
		if len(waiting) > 0 {
			fmt.Fprintln(w)
			writeDeliveries(w, h, waiting)
		}
	})
}
