package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

func aliasCommand(a *app) *cobra.Command {
	return group("alias", "Other addresses that are this coop too", aliasList(a), aliasAdd(a), aliasRemove(a))
}

func aliasList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the aliases", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			p, err := h.Profile(ctx)
			if err != nil {
				return err
			}
			return a.show(slices.Concat([]string{}, p.AlsoKnownAs), func(w io.Writer) {
				for _, iri := range p.AlsoKnownAs {
					fmt.Fprintln(w, oneLine(h.nameOf(ctx, iri)), iri)
				}
			})
		}),
	}
}

func aliasAdd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "add ADDRESS", Short: "Say that another address is this coop too", Args: argsBetween(1, 1),
		Long:    "Says that another account is this coop too, so that it can move here with its followers. Do this here first, then start the move there.",
		Example: "  coopnode profile alias add @toxeira@microblog.example",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			who, err := h.look(ctx, a, args[0])
			if err != nil {
				return err
			}
			p, err := h.AddAlias(ctx, a.by(), who)
			if err != nil {
				return err
			}
			a.tell("%s may now move here.", oneLine(label(who)))
			return a.show(p.AlsoKnownAs, func(w io.Writer) { fmt.Fprintln(w, who.IRI) })
		}),
	}
}

func aliasRemove(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "remove ADDRESS", Short: "Take an alias away", Args: argsBetween(1, 1),
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			iri := args[0]
			if who, err := h.actor(ctx, iri); err == nil {
				iri = who.IRI
			} else if !node.IsNotFound(err) {
				return err
			}
			p, err := h.RemoveAlias(ctx, a.by(), iri)
			if err != nil {
				return err
			}
			a.tell("%s is no alias of this coop any more.", oneLine(iri))
			return a.show(slices.Concat([]string{}, p.AlsoKnownAs), nil)
		}),
	}
}

func moveCommand(a *app) *cobra.Command {
	var yes, undo bool
	cmd := &cobra.Command{
		Use: "move TARGET", Short: "Say that this coop now lives elsewhere", Args: argsBetween(0, 1),
		Long: "Tells all followers that this coop now lives at TARGET; their servers then follow TARGET instead. TARGET must say that it is this coop: add the alias there first.\n" +
			"What was published here stays here. From then on nobody new can follow this address. See: coopnode help move",
		Example: "  coopnode profile move @toxeira@toxeira.example",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			if undo != (len(args) == 0) {
				return wrongUse("Write where to: coopnode profile move @handle@host. Or take it back: coopnode profile move --undo")
			}
			if undo {
				if err := h.Unmove(ctx, a.by()); err != nil {
					return err
				}
				a.tell("This coop lives here again, and can be followed. Those who have followed to the other address do not come back by themselves.")
				return a.show(map[string]string{"movedTo": ""}, nil)
			}
			target, err := h.look(ctx, a, args[0])
			if err != nil {
				return err
			}
			n, err := h.CountFollowers(ctx)
			if err != nil {
				return err
			}
			if err := a.sure(yes, "Move this coop to %s? Followers who will be told: %d. Their servers cannot be told to come back.", oneLine(label(target)), n); err != nil {
				return err
			}
			if err := h.Move(ctx, a.by(), target); err != nil {
				return err
			}
			a.tell("This coop has moved to %s. Keep this node running for some weeks, until all followers have heard of it. To take it back: coopnode profile move --undo", oneLine(label(target)))
			return a.show(map[string]string{"movedTo": target.IRI}, func(w io.Writer) { fmt.Fprintln(w, target.IRI) })
		}),
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&undo, "undo", false, "take it back")
	return cmd
}

// look asks the home of an address what it says now.
func (h *house) look(ctx context.Context, a *app, address string) (*node.Actor, error) {
	w, err := h.wire(ctx, a.commandLog())
	if err != nil {
		return nil, err
	}
	defer w.Close()
	return w.Find(ctx, address)
}
