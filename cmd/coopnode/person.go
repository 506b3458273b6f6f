package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

func personCommand(a *app) *cobra.Command {
	return group("person", "Who may sign in here, and as what",
		personList(a), personInvite(a), personLink(a), personReset(a), personRole(a), personSuspend(a), personRemove(a))
}

func personList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Everybody who may sign in or is invited", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			list, err := h.People(ctx)
			if err != nil {
				return err
			}
			if list == nil {
				list = []*node.Person{}
			}
			if len(list) == 0 {
				a.tell("Nobody yet. The first steward comes in with the link that coopnode init prints; a new one: coopnode person link NAME --steward")
			}
			return a.show(list, func(w io.Writer) {
				table(w, func(row func(...any)) {
					if len(list) > 0 && !a.quiet {
						row("NAME", "ROLE", "MAIL", "SEEN", "")
					}
					for _, p := range list {
						row(p.Name, p.Role, dash(p.Mail), moment(p.LastSeen), personState(p))
					}
				})
			})
		}),
	}
}

// personState says why somebody cannot sign in, "" if nothing is in the way.
func personState(p *node.Person) string {
	switch {
	case !p.Suspended.IsZero():
		return "suspended " + moment(p.Suspended)
	case p.Joined.IsZero():
		return "invited " + moment(p.Created)
	}
	return ""
}

// A madeLink is a link that works once, as commands show it. It is shown this one time and kept nowhere.
type madeLink struct {
	Person  *node.Person  `json:"person"`
	Kind    node.PassKind `json:"kind"`
	Link    string        `json:"link"`
	Expires time.Time     `json:"expires"`
}

// showLink shows the link of a token that was just made.
func (a *app) showLink(ctx context.Context, h *house, p *node.Person, token string) error {
	pass, err := h.Pass(ctx, token)
	if err != nil {
		return err
	}
	l := madeLink{Person: p, Kind: pass.Kind, Link: h.Links.Pass(token), Expires: pass.Expires}
	a.tell("%s, until %s, and once. Send it over a way that you trust: whoever has it is taken for %s.", map[node.PassKind]string{
		node.PassInvite: "With this link " + p.Name + " comes in as " + string(p.Role),
		node.PassReset:  "With this link " + p.Name + " chooses a new password",
		node.PassSignIn: "With this link " + p.Name + " signs in",
	}[l.Kind], moment(l.Expires), p.Name)
	return a.show(l, func(w io.Writer) { fmt.Fprintln(w, l.Link) })
}

func personInvite(a *app) *cobra.Command {
	var mail, role string
	cmd := &cobra.Command{
		Use: "invite NAME", Short: "Let somebody in, by a link that holds 7 days", Args: argsBetween(1, 1),
		Long: "Prints a link with which NAME comes in and chooses a password. A reader sees what the coop sees; an editor writes and answers\n" +
			"in its name; a steward settles everything.",
		Example: "  coopnode person invite Uxía --mail uxia@coop.example --role editor",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			r, err := node.ReadRole(role)
			if err != nil {
				return err
			}
			token, p, err := h.InvitePerson(ctx, a.by(), args[0], mail, r)
			if err != nil {
				return err
			}
			return a.showLink(ctx, h, p, token)
		}),
	}
	cmd.Flags().StringVar(&mail, "mail", "", "mail address, for signing in and for notices")
	cmd.Flags().StringVar(&role, "role", string(node.RoleEditor), "reader, editor or steward")
	cmd.RegisterFlagCompletionFunc("role", completeRoles)
	return cmd
}

func personLink(a *app) *cobra.Command {
	var steward bool
	cmd := &cobra.Command{
		Use: "link NAME", Short: "A link with which somebody signs in, once", Args: argsBetween(1, 1), ValidArgsFunction: a.completePeople,
		Long: "Prints a link that signs NAME in, without a password, within 30 minutes. For somebody who has not accepted the invitation it is\n" +
			"a new invitation. With --steward NAME becomes a steward, and is invited if there is no such person: the way back in for a coop\n" +
			"whose stewards cannot sign in any more.",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			p, err := h.FindPerson(ctx, args[0])
			switch {
			case node.IsNotFound(err) && steward:
				token, p, err := h.InvitePerson(ctx, a.by(), args[0], "", node.RoleSteward)
				if err != nil {
					return err
				}
				return a.showLink(ctx, h, p, token)
			case err != nil:
				return err
			case steward && p.Role != node.RoleSteward:
				if p, err = h.SetRole(ctx, a.by(), p.ID, node.RoleSteward); err != nil {
					return err
				}
			}
			kind := node.PassSignIn
			if p.Joined.IsZero() {
				kind = node.PassInvite
			}
			token, err := h.NewPass(ctx, a.by(), kind, p.ID)
			if err != nil {
				return err
			}
			return a.showLink(ctx, h, p, token)
		}),
	}
	cmd.Flags().BoolVar(&steward, "steward", false, "make NAME a steward, and invite NAME if there is no such person")
	return cmd
}

func personReset(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "reset NAME", Short: "A link with which somebody chooses a new password", Args: argsBetween(1, 1), ValidArgsFunction: a.completePeople,
		Long: "Prints a link that holds 30 minutes. The password that there is goes on to work until the link is used; then NAME is signed out\neverywhere else.",
		RunE: a.onPerson(func(ctx context.Context, h *house, p *node.Person, _ []string) error {
			token, err := h.NewPass(ctx, a.by(), node.PassReset, p.ID)
			if err != nil {
				return err
			}
			return a.showLink(ctx, h, p, token)
		}),
	}
}

func personRole(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "role NAME ROLE", Short: "Make somebody a reader, an editor or a steward", Args: argsBetween(2, 2),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return completeRoles(cmd, args, typed)
			}
			return a.completePeople(cmd, args, typed)
		},
		RunE: a.onPerson(func(ctx context.Context, h *house, p *node.Person, rest []string) error {
			role, err := node.ReadRole(rest[0])
			if err != nil {
				return err
			}
			if p, err = h.SetRole(ctx, a.by(), p.ID, role); err != nil {
				return err
			}
			a.tell("%s is %s now, and has to sign in again.", p.Name, p.Role)
			return a.show(p, nil)
		}),
	}
}

func personSuspend(a *app) *cobra.Command {
	var lift bool
	cmd := &cobra.Command{
		Use: "suspend NAME", Short: "Keep somebody out, at once", Args: argsBetween(1, 1), ValidArgsFunction: a.completePeople,
		Long: "Ends all sessions and links of NAME, who cannot sign in until you lift it with --lift.",
		RunE: a.onPerson(func(ctx context.Context, h *house, p *node.Person, _ []string) error {
			change, done := h.SuspendPerson, "%s is signed out everywhere and cannot sign in. To lift it: coopnode person suspend NAME --lift"
			if lift {
				change, done = h.RestorePerson, "%s can sign in again."
			}
			p, err := change(ctx, a.by(), p.ID)
			if err != nil {
				return err
			}
			a.tell(done, p.Name)
			return a.show(p, nil)
		}),
	}
	cmd.Flags().BoolVar(&lift, "lift", false, "let NAME in again")
	return cmd
}

func personRemove(a *app) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "remove NAME", Short: "Forget somebody, or take an invitation back", Args: argsBetween(1, 1), ValidArgsFunction: a.completePeople,
		Long: "Forgets NAME, who is signed out everywhere. What NAME wrote is the coop's and stays; the audit log keeps the name for a year.",
		RunE: a.onPerson(func(ctx context.Context, h *house, p *node.Person, _ []string) error {
			if err := a.sure(yes, "%s cannot sign in any more then.", p.Name); err != nil {
				return err
			}
			if err := h.RemovePerson(ctx, a.by(), p.ID); err != nil {
				return err
			}
			a.tell("%s is forgotten.", p.Name)
			return a.show(map[string]string{"removed": p.Name}, nil)
		}),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// onPerson is on for a command whose first argument is a name, mail address or id.
func (a *app) onPerson(act func(ctx context.Context, h *house, p *node.Person, rest []string) error) func(*cobra.Command, []string) error {
	return a.on(func(ctx context.Context, h *house, args []string) error {
		p, err := h.FindPerson(ctx, args[0])
		if err != nil {
			return err
		}
		return act(ctx, h, p, args[1:])
	})
}

func completeRoles(*cobra.Command, []string, string) (out []cobra.Completion, _ cobra.ShellCompDirective) {
	for _, r := range node.Roles() {
		out = append(out, cobra.Completion(r))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) completePeople(cmd *cobra.Command, args []string, _ string) (out []cobra.Completion, _ cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	h, err := a.openHouse(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer h.db.Close()
	all, err := h.People(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, p := range all {
		out = append(out, cobra.Completion(p.Name))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
