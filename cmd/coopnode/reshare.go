package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

// sharesCommand is what a federation passes on of its members, and what waits to be.
func sharesCommand(a *app) *cobra.Command {
	return group("shares", "What this federation passes on of its members",
		sharesList(a),
		decideCommand(a, "pass", "Pass on what is held, waits or was refused", (*node.Node).PassShare, "Passed on",
			"Passes on to all followers, now, what a member offers. REF is its id here or its address."),
		decideCommand(a, "refuse", "Do not pass it on, or no longer", (*node.Node).RefuseShare, "Not passed on",
			"Decides that something a member offers is not passed on, and takes it back where it was. REF is its id here or its address."),
	)
}

func sharesList(a *app) *cobra.Command {
	var q node.ReshareQuery
	cmd := &cobra.Command{
		Use: "list", Short: "What is held, what waits for its turn, and what is passed on", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			states := []node.ReshareState{node.ReshareHeld, node.ReshareWaiting, node.ReshareShared}
			if q.State != "" && !slices.Contains(node.ReshareStates, q.State) {
				return wrongUse("There is no state %q. There are: %s.", q.State, strings.Join(words(node.ReshareStates), ", "))
			} else if q.State != "" {
				states = []node.ReshareState{q.State}
			}
			list := []*node.Reshare{}
			for _, q.State = range states {
				found, err := h.Reshares(ctx, q)
				if err != nil {
					return err
				}
				list = append(list, found...)
			}
			if len(list) == 0 {
				a.tell("There is nothing. What confirmed members offer comes here by itself; see: coopnode help share")
			}
			return a.show(list, func(w io.Writer) { writeShares(w, a, list) })
		}),
	}
	cmd.Flags().StringVar((*string)(&q.State), "state", "", "only these: "+strings.Join(words(node.ReshareStates), ", "))
	cmd.Flags().IntVar(&q.Limit, "limit", 40, "how many of each state at most, 1 to 1000")
	cmd.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(words(node.ReshareStates), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func writeShares(w io.Writer, a *app, list []*node.Reshare) {
	table(w, func(row func(...any)) {
		if len(list) > 0 && !a.quiet {
			row("ID", "STATE", "SINCE", "KIND", "BY", "TITLE")
		}
		for _, r := range list {
			id, text := node.RemoteID(r.ObjectIRI), r.ObjectIRI
			if r.Object != nil {
				id, text = r.Object.Common().ID, title(r.Object.Common())
			}
			if a.quiet {
				row(id)
				continue
			}
			who := node.HostOf(r.Actor)
			if r.Author != nil {
				who = r.Author.Address()
			}
			row(id, r.State, moment(r.Since), r.Kind, who, text)
		}
	})
}

func decideCommand(a *app, verb, short string, decide func(*node.Node, context.Context, string, string) (*node.Reshare, error), done, long string) *cobra.Command {
	return &cobra.Command{
		Use: verb + " REF...", Short: short, Long: long, Args: argsBetween(1, -1),
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			list := []*node.Reshare{}
			for _, ref := range args {
				r, err := decide(h.Node, ctx, a.by(), ref)
				if err != nil {
					return err
				}
				list = append(list, r)
				a.tell("%s: %s", done, r.ObjectIRI)
			}
			return a.show(list, func(w io.Writer) {
				for _, r := range list {
					fmt.Fprintln(w, node.RemoteID(r.ObjectIRI))
				}
			})
		}),
	}
}
