package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

func federationCommand(a *app) *cobra.Command {
	return group("federation", "This node as a federation: its members and who wants to be one",
		federationCreate(a), federationShow(a), federationMembers(a), federationApplications(a),
		federationAdmit(a), federationRefuse(a), federationExclude(a), federationInvite(a), federationList(a), federationVouch(a), sharesCommand(a))
}

// federationRules are what create was told of how to join and what to pass on.
type federationRules struct {
	rule, criteria, fee   string
	approvals, objections int
	days, perDay          int
	countries, owners     []string
	pass, hold            []string
}

func federationCreate(a *app) *cobra.Command {
	var f federationRules
	cmd := &cobra.Command{
		Use: "create", Short: "Make this node a federation, or change its rules", Args: argsBetween(0, 0),
		Long: "Says in the profile that this node is a federation, how coops become members, and what of theirs it passes on to its followers. " +
			"Given again it changes the rules that are named; the others stay.",
		Example: "  coopnode federation create --rule approvals --approvals 2 --objections 1 --days 30 --criteria 'Owned by those who work there.' --ownership workers\n" +
			"  coopnode federation create --pass subcontract --pass partner --hold partner --per-day 2",
	}
	cmd.RunE = a.on(func(ctx context.Context, h *house, _ []string) error {
		us, err := h.Profile(ctx)
		if err != nil {
			return err
		}
		admission, resharing := f.change(cmd, us)
		us, err = h.SetFederation(ctx, a.by(), admission, resharing)
		if err != nil {
			return err
		}
		a.tell("This node is a federation. Coops ask with: coopnode member apply %s", h.Links.Host())
		state := federationState{Address: us.Address(), Admission: us.Coop.Admission, Resharing: us.Coop.Resharing}
		return a.show(&state, func(w io.Writer) { writeFederation(w, &state) })
	})
	flags := cmd.Flags()
	flags.StringVar(&f.rule, "rule", "", "who admits: approvals (members, one coop one vote), steward (a person here), open (whoever asks)")
	flags.IntVar(&f.approvals, "approvals", 2, "so many members have to approve")
	flags.IntVar(&f.objections, "objections", 1, "so many may object; one more refuses")
	flags.IntVar(&f.days, "days", 30, "within so many days")
	flags.StringVar(&f.criteria, "criteria", "", "who may be a member, in your words")
	flags.StringSliceVar(&f.countries, "country", nil, "only from there, as in ISO 3166: ES")
	flags.StringSliceVar(&f.owners, "ownership", nil, "only those owned by: "+strings.Join(words(node.Ownerships), ", "))
	flags.StringVar(&f.fee, "fee", "", "what membership costs, in words")
	flags.StringSliceVar(&f.pass, "pass", nil, "what is passed on: "+strings.Join(node.PassedKinds(), ", "))
	flags.StringSliceVar(&f.hold, "hold", nil, "of those, the ones that a person lets through one by one")
	flags.IntVar(&f.perDay, "per-day", 3, "of one member at most so many a day")
	cmd.RegisterFlagCompletionFunc("rule", cobra.FixedCompletions([]cobra.Completion{"approvals", "steward", "open"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// change is the rules of us with what was said.
func (f *federationRules) change(cmd *cobra.Command, us *node.Actor) (*node.Admission, *node.Resharing) {
	admission := &node.Admission{Rule: node.ByApprovals, Approvals: f.approvals, Objections: f.objections, Days: f.days}
	resharing := node.DefaultResharing()
	if us.Coop != nil && us.Coop.Admission != nil {
		kept := *us.Coop.Admission
		admission = &kept
	}
	if us.Coop != nil && us.Coop.Resharing != nil {
		kept := *us.Coop.Resharing
		resharing = &kept
	}
	said := cmd.Flags().Changed
	if said("rule") {
		admission.Rule = node.AdmissionRule(f.rule)
	}
	for name, n := range map[string]struct {
		at *int
		to int
	}{"approvals": {&admission.Approvals, f.approvals}, "objections": {&admission.Objections, f.objections}, "days": {&admission.Days, f.days}, "per-day": {&resharing.PerDay, f.perDay}} {
		if said(name) || *n.at == 0 && name != "objections" {
			*n.at = n.to
		}
	}
	if said("criteria") {
		admission.Criteria = nil
		if f.criteria != "" {
			text := node.Text{Source: f.criteria}
			if us.Coop != nil && len(us.Coop.Languages) > 0 {
				text.Lang = us.Coop.Languages[0]
			}
			admission.Criteria = []node.Text{text}
		}
	}
	if said("country") {
		admission.Countries = filled(f.countries)
	}
	if said("ownership") {
		admission.Ownership = nil
		for _, o := range filled(f.owners) {
			admission.Ownership = append(admission.Ownership, node.Ownership(o))
		}
	}
	if said("fee") {
		admission.Fee = f.fee
	}
	if said("pass") {
		resharing.Kinds = filled(f.pass)
	}
	if said("hold") {
		resharing.Held = filled(f.hold)
	}
	return admission, resharing
}

// filled leaves out empty words: --country "" takes all countries away.
func filled(list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "" })
}

// federationState is what show gives out.
type federationState struct {
	Address      string          `json:"address"`
	Admission    *node.Admission `json:"admission"`
	Resharing    *node.Resharing `json:"resharing"`
	Members      int             `json:"members"`
	Applications int             `json:"applications"`
}

func federationShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "How to join, what is passed on, how many members there are", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			us, err := h.federation(ctx)
			if err != nil {
				return err
			}
			s := federationState{Address: us.Address(), Admission: us.Coop.Admission, Resharing: us.Coop.Resharing}
			if s.Members, err = h.CountMemberships(ctx, node.MembershipQuery{Federation: us.IRI, Standing: node.Confirmed}); err != nil {
				return err
			}
			if s.Applications, err = h.CountMemberships(ctx, node.MembershipQuery{Federation: us.IRI, Step: node.StepApplied}); err != nil {
				return err
			}
			return a.show(s, func(w io.Writer) { writeFederation(w, &s) })
		}),
	}
}

func writeFederation(w io.Writer, s *federationState) {
	table(w, func(row func(...any)) {
		r := s.Admission
		row("address", s.Address)
		row("members", fmt.Sprintf("%d confirmed, %d applications open", s.Members, s.Applications))
		row("who admits", admissionLine(r))
		if len(r.Ownership) > 0 {
			row("owned by", strings.Join(words(r.Ownership), ", "))
		}
		if len(r.Countries) > 0 {
			row("in", strings.Join(r.Countries, ", "))
		}
		for _, t := range r.Criteria {
			row("criteria", cmp.Or(t.Source, t.HTML))
		}
		if r.Fee != "" {
			row("fee", r.Fee)
		}
		if p := s.Resharing; p != nil {
			row("passes on", fmt.Sprintf("%s; at most %d a day of one member", strings.Join(p.Kinds, ", "), p.PerDay))
			if len(p.Held) > 0 {
				row("one by one", strings.Join(p.Held, ", "))
			}
		}
	})
}

// admissionLine says in a line who lets coops in.
func admissionLine(r *node.Admission) string {
	switch r.Rule {
	case node.ByApprovals:
		return fmt.Sprintf("%d members approve within %d days; more than %d objections refuse", r.Approvals, r.Days, r.Objections)
	case node.ByAsking:
		return "whoever asks is in"
	}
	return "a steward of the federation"
}
