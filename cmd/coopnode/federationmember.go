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

func federationMembers(a *app) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "members", Short: "Its members, and what each side says", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			us, err := h.federation(ctx)
			if err != nil {
				return err
			}
			list, err := h.memberships(ctx, node.MembershipQuery{Federation: us.IRI, Shown: true})
			if err != nil {
				return err
			}
			if !all {
				list = slices.DeleteFunc(list, func(m *membershipState) bool { return m.Standing == node.Former || m.Standing == node.ClaimedOnly })
			}
			if len(list) == 0 {
				a.tell("There are none yet. Invite one: coopnode federation invite ADDRESS")
			}
			return a.show(list, func(w io.Writer) { writeMemberships(w, list) })
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "also former ones, and those who only say it themselves")
	return cmd
}

func federationApplications(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "applications", Short: "Who wants to be a member, and what members say", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			us, err := h.federation(ctx)
			if err != nil {
				return err
			}
			list, err := h.Applications(ctx, us.IRI)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				a.tell("No application is open.")
			}
			return a.show(states(list), func(w io.Writer) { writeApplications(w, list) })
		}),
	}
}

// writeApplications shows applications with their letters and what members say.
func writeApplications(w io.Writer, list []*node.Membership) {
	for i, m := range list {
		if i > 0 {
			fmt.Fprintln(w)
		}
		table(w, func(row func(...any)) {
			row("coop", other(m, m.Coop))
			row("asked", moment(m.Asked))
			if !m.Deadline.IsZero() {
				row("until", moment(m.Deadline))
			}
			if m.Letter != "" {
				row("letter", m.Letter)
			}
			for _, o := range m.Opinions {
				word := "objects"
				if o.Approves {
					word = "approves"
				}
				if !o.Counts {
					word += ", which does not count: no confirmed member"
				}
				row("", strings.TrimSuffix(fmt.Sprintf("%s %s: %s", node.HostOf(o.Member), word, o.Reason), ": "))
			}
		})
	}
}

// asMember makes a command about one coop that this federation knows.
func asMember(a *app, use, short, done string, q node.MembershipQuery, none string, act func(ctx context.Context, h *house, m *node.Membership, args []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: argsBetween(1, 1),
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			us, err := h.federation(ctx)
			if err != nil {
				return err
			}
			q := q
			q.Federation = us.IRI
			m, err := h.amongMemberships(ctx, q, args[0], none)
			if err != nil {
				return err
			}
			if err := act(ctx, h, m, args[1:]); err != nil {
				return err
			}
			a.tell(done, other(m, m.Coop))
			return a.showMembership(ctx, h, m)
		}),
	}
}

const noApplication = "No application of %s is open. Which are: coopnode federation applications"

func federationAdmit(a *app) *cobra.Command {
	var vouches []string
	cmd := asMember(a, "admit COOP", "Let in a coop that has asked", "%s is admitted, and told so. It is confirmed when it says so too.",
		node.MembershipQuery{Step: node.StepApplied}, noApplication, func(ctx context.Context, h *house, m *node.Membership, _ []string) error {
			return h.Admit(ctx, a.by(), m.Coop, vouches)
		})
	vouchFlag(cmd, &vouches)
	return cmd
}

func vouchFlag(cmd *cobra.Command, to *[]string) {
	cmd.Flags().StringSliceVar(to, "vouch", nil, "what you have looked at: "+strings.Join(node.Vouchable, ", "))
	cmd.RegisterFlagCompletionFunc("vouch", cobra.FixedCompletions(completions(node.Vouchable), cobra.ShellCompDirectiveNoFileComp))
}

func completions(list []string) []cobra.Completion {
	out := make([]cobra.Completion, len(list))
	for i, s := range list {
		out[i] = cobra.Completion(s)
	}
	return out
}

func federationRefuse(a *app) *cobra.Command {
	var reason string
	cmd := asMember(a, "refuse COOP", "Say no to a coop that has asked", "%s is refused, and told so.",
		node.MembershipQuery{Step: node.StepApplied}, noApplication, func(ctx context.Context, h *house, m *node.Membership, _ []string) error {
			return h.Refuse(ctx, a.by(), m.Coop, reason)
		})
	cmd.Flags().StringVar(&reason, "reason", "", "why; the coop is told")
	return cmd
}

const notListed = "%s is no member. Who is: coopnode federation members"

func federationExclude(a *app) *cobra.Command {
	var reason string
	var yes bool
	cmd := asMember(a, "exclude COOP", "End the membership of a coop", "%s is no member any more. What was passed on of it is taken back.",
		node.MembershipQuery{Shown: true}, notListed, func(ctx context.Context, h *house, m *node.Membership, _ []string) error {
			if err := a.sure(yes, "Everybody is told that %s is no member any more.", other(m, m.Coop)); err != nil {
				return err
			}
			return h.Exclude(ctx, a.by(), m.Coop, reason)
		})
	cmd.Flags().StringVar(&reason, "reason", "", "why; everybody can read it")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func federationVouch(a *app) *cobra.Command {
	cmd := asMember(a, "vouch COOP WHAT...", "Say what you have looked at in a member, in place of what was said before", "What you say of %s is told to everybody.",
		node.MembershipQuery{Shown: true}, notListed, func(ctx context.Context, h *house, m *node.Membership, what []string) error {
			return h.Vouch(ctx, a.by(), m.Coop, filled(what))
		})
	cmd.Args = argsBetween(1, -1)
	cmd.Long = "Says what this federation has looked at in a member: " + strings.Join(node.Vouchable, ", ") + ". Without WHAT it vouches for nothing."
	return cmd
}

func federationInvite(a *app) *cobra.Command {
	var letter string
	cmd := &cobra.Command{
		Use: "invite ADDRESS", Short: "Ask a coop to become a member", Args: argsBetween(1, 1),
		Long: "Asks a coop with a node of its own. Where members decide, its yes is an application like any other.",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			coop, err := h.fresh(ctx, a, args[0])
			if err != nil {
				return err
			}
			if err := h.Invite(ctx, a.by(), coop, letter); err != nil {
				return err
			}
			a.tell("%s is invited. Its people answer with: coopnode member invitations accept %s", coop.Address(), h.Links.Host())
			return a.showMembership(ctx, h, &node.Membership{Federation: h.Links.Actor(), Coop: coop.IRI})
		}),
	}
	cmd.Flags().StringVar(&letter, "text", "", "why, in your words")
	return cmd
}

func federationList(a *app) *cobra.Command {
	var vouches []string
	var plate node.Nameplate
	var where string
	cmd := &cobra.Command{
		Use: "list ADDRESS | --name NAME", Short: "List a coop that runs no coopnode", Args: argsBetween(0, 1),
		Long: "Lists a coop that has only an account elsewhere, or with --name one that has nothing at all, as belonging to this federation. It says nothing\n" +
			"of it itself, so it is shown as listed, never as confirmed.",
		Example: "  coopnode federation list @coop@microblog.example\n  coopnode federation list --name 'Lalla Argan' --website https://argan.example/ --place 'Agadir, MA'",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			var coop *node.Actor
			var err error
			switch {
			case (plate.Name == "") == (len(args) == 0):
				return wrongUse("Give the address of the coop or, where it has none, its name with --name.")
			case plate.Name != "":
				plate.Place = readPlace(where)
				coop, err = h.ListNamed(ctx, a.by(), plate, vouches)
			case plate.Website != "" || where != "":
				return wrongUse("--website and --place go with --name; a coop with an address says these itself.")
			default:
				if coop, err = h.fresh(ctx, a, args[0]); err == nil {
					err = h.ListCoop(ctx, a.by(), coop, vouches)
				}
			}
			if err != nil {
				return err
			}
			a.tell("%s is listed. To publish for it: coopnode opening new --on-behalf-of %q", label(coop), cmp.Or(coop.Name, coop.Address()))
			return a.showMembership(ctx, h, &node.Membership{Federation: h.Links.Actor(), Coop: coop.IRI})
		}),
	}
	cmd.Flags().StringVar(&plate.Name, "name", "", "name of a coop that has no address anywhere")
	cmd.Flags().StringVar(&plate.Website, "website", "", "its website, if it has one")
	cmd.Flags().StringVar(&where, "place", "", "where it is, with the country code last: Agadir, MA")
	vouchFlag(cmd, &vouches)
	return cmd
}
