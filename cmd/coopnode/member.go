package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

func memberCommand(a *app) *cobra.Command {
	return group("member", "This coop as a member of federations",
		memberApply(a), memberLeave(a), memberList(a), memberInvitations(a), memberApplications(a),
		memberSays(a, "approve COOP", "Approve that a coop becomes a member of a federation of ours", true),
		memberSays(a, "object COOP", "Object to it", false))
}

func memberApply(a *app) *cobra.Command {
	var letter string
	var apart bool
	cmd := &cobra.Command{
		Use: "apply FEDERATION", Short: "Ask a federation to take this coop as a member", Args: argsBetween(1, 1),
		Long: "Asks a federation, given by its host, @handle@host or address. Its profile says who may join and how that is decided. When it " +
			"admits this coop the profile says so by itself, and the two follow each other.",
		Example: "  coopnode member apply trama.example --text 'Seven people in Vigo, one vote each. We build maps.'",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			f, err := h.fresh(ctx, a, args[0])
			if err != nil {
				return err
			}
			m, err := h.Join(ctx, a.by(), f, letter, apart)
			if err != nil {
				return err
			}
			a.tell("%s is asked. How it stands: coopnode member list", f.Address())
			if f.Coop.Admission != nil {
				a.tell("Who decides: %s.", admissionLine(f.Coop.Admission))
			}
			return a.showMembership(ctx, h, m)
		}),
	}
	cmd.Flags().StringVar(&letter, "text", "", "who you are and why you ask")
	cmd.Flags().BoolVar(&apart, "apart", false, "do not follow each other when it admits you")
	return cmd
}

func memberLeave(a *app) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "leave FEDERATION", Short: "End a membership, or take an application back", Args: argsBetween(1, 1),
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			m, err := h.ourMembership(ctx, node.MembershipQuery{}, args[0])
			if err != nil {
				return err
			}
			if err := a.sure(yes, "This coop is no member of %s then.", other(m, m.Federation)); err != nil {
				return err
			}
			if err := h.Leave(ctx, a.by(), m.Federation); err != nil {
				return err
			}
			a.tell("%s is told.", other(m, m.Federation))
			return a.showMembership(ctx, h, m)
		}),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// ourMembership finds one of this coop by the address of the federation.
func (h *house) ourMembership(ctx context.Context, q node.MembershipQuery, address string) (*node.Membership, error) {
	q.Coop = h.Links.Actor()
	return h.amongMemberships(ctx, q, address, "Nothing is known of this coop and %s. See: coopnode member list")
}

func memberList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "The federations of this coop, and how each membership stands", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			list, err := h.memberships(ctx, node.MembershipQuery{Coop: h.Links.Actor()})
			if err != nil {
				return err
			}
			if len(list) == 0 {
				a.tell("There is none. To ask one: coopnode member apply FEDERATION")
			}
			return a.show(list, func(w io.Writer) {
				writeMemberships(w, list)
			})
		}),
	}
}

func memberInvitations(a *app) *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "Invitations that wait for an answer", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			list, err := h.memberships(ctx, node.MembershipQuery{Coop: h.Links.Actor(), Step: node.StepInvited})
			if err != nil {
				return err
			}
			if len(list) == 0 {
				a.tell("There is none.")
			}
			return a.show(list, func(w io.Writer) {
				table(w, func(row func(...any)) {
					for _, m := range list {
						row(other(m.Membership, m.Federation), moment(m.Asked), m.Letter)
					}
				})
			})
		}),
	}
	g := group("invitations", "What federations ask of this coop", list)
	for _, answer := range []struct {
		use, short, done string
		accept           bool
	}{
		{"accept FEDERATION", "Say yes, which is an application too", "%s is told. Where members decide, they are asked now.", true},
		{"decline FEDERATION", "Say no", "%s is told.", false},
	} {
		g.AddCommand(&cobra.Command{
			Use: answer.use, Short: answer.short, Args: argsBetween(1, 1),
			RunE: a.on(func(ctx context.Context, h *house, args []string) error {
				m, err := h.ourMembership(ctx, node.MembershipQuery{Step: node.StepInvited}, args[0])
				if err != nil {
					return err
				}
				if err := h.AnswerInvitation(ctx, a.by(), m.Federation, answer.accept); err != nil {
					return err
				}
				a.tell(answer.done, other(m, m.Federation))
				return a.showMembership(ctx, h, m)
			}),
		})
	}
	return g
}

func memberApplications(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "applications", Short: "Who wants to join a federation of ours", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			open, err := h.toDecide(ctx, "")
			if err != nil {
				return err
			}
			if len(open) == 0 {
				a.tell("Nobody waits for this coop.")
			}
			return a.show(open, func(w io.Writer) {
				table(w, func(row func(...any)) {
					for _, m := range open {
						row(other(m.Membership, m.Coop), "to "+node.HostOf(m.Federation), moment(m.Asked), m.Letter)
					}
				})
			})
		}),
	}
}

// toDecide are the applications of others to federations of ours, or to one.
func (h *house) toDecide(ctx context.Context, federation string) ([]*membershipState, error) {
	us := h.Links.Actor()
	ours, err := h.memberships(ctx, node.MembershipQuery{Coop: us, Standing: node.Confirmed})
	if err != nil {
		return nil, err
	}
	open := []*membershipState{}
	for _, m := range ours {
		if federation != "" && m.Federation != federation {
			continue
		}
		list, err := h.memberships(ctx, node.MembershipQuery{Federation: m.Federation, Step: node.StepApplied})
		if err != nil {
			return nil, err
		}
		open = append(open, list...)
	}
	return open, nil
}

func memberSays(a *app, use, short string, approves bool) *cobra.Command {
	var in, reason string
	cmd := &cobra.Command{
		Use: use, Short: short, Args: argsBetween(1, 1),
		Long: short + ". COOP is its host, @handle@host or address. One coop has one vote, its name is public, and a later word replaces an earlier one.",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			federation := ""
			if in != "" {
				m, err := h.ourMembership(ctx, node.MembershipQuery{Standing: node.Confirmed}, in)
				if err != nil {
					return err
				}
				federation = m.Federation
			}
			open, err := h.toDecide(ctx, federation)
			if err != nil {
				return err
			}
			var found []*node.Membership
			for _, m := range open {
				if meant(m.Who, m.Coop, args[0]) {
					found = append(found, m.Membership)
				}
			}
			switch {
			case len(found) == 0:
				return missing("No application of %s waits for this coop. Which do: coopnode member applications", args[0])
			case len(found) > 1:
				return wrongUse("%s has asked %d federations of ours. Say which: --in %s", args[0], len(found), node.HostOf(found[0].Federation))
			}
			m := found[0]
			if err := h.SayOpinion(ctx, a.by(), m.JoinIRI, approves, reason); err != nil {
				return err
			}
			a.tell("%s is told.", node.HostOf(m.Federation))
			return a.showMembership(ctx, h, m)
		}),
	}
	cmd.Flags().StringVar(&in, "in", "", "the federation, where it has asked several of ours")
	cmd.Flags().StringVar(&reason, "reason", "", "why; the federation is told")
	return cmd
}
