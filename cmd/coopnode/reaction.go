package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

// shareCommand and its three sisters say something of a post, opening or project that anybody published.
func shareCommand(a *app) *cobra.Command {
	return reactCommand(a, "share", "Pass on what somebody published", (*node.Node).Share, "Shared",
		"Passes on to followers a post, opening or project that everybody may see, ours or anybody's. ADDRESS is its id here or its address on the web.")
}

func likeCommand(a *app) *cobra.Command {
	return reactCommand(a, "like", "Tell an author that this coop likes something", (*node.Node).Like, "Liked",
		"Tells the author that this coop likes a post, opening or project. ADDRESS is its id here or its address on the web.")
}

func unshareCommand(a *app) *cobra.Command {
	return takeBackCommand(a, "unshare", "Take back what was shared", (*node.Node).Unshare, "No longer shared")
}

func unlikeCommand(a *app) *cobra.Command {
	return takeBackCommand(a, "unlike", "Take back a like", (*node.Node).Unlike, "No longer liked")
}

func reactCommand(a *app, verb, short string, react func(*node.Node, context.Context, string, node.Object) (*node.Reaction, error), done, long string) *cobra.Command {
	return &cobra.Command{
		Use: verb + " ADDRESS", Short: short, Long: long, Args: argsBetween(1, 1),
		Example: "  coopnode " + verb + " https://trenza.example/openings/k3vq7hd2ma",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			w, err := h.wire(ctx, a.commandLog())
			if err != nil {
				return err
			}
			defer w.Close()
			o, err := w.FindObject(ctx, args[0])
			if err != nil {
				return fmt.Errorf("%s %s: %w", verb, args[0], err)
			}
			r, err := react(h.Node, ctx, a.by(), o)
			if err != nil {
				return err
			}
			a.tell("%s %q by %s. Take it back with: coopnode un%s %s", done, oneLine(title(o.Common())), oneLine(h.nameOf(ctx, o.Common().Actor)), verb, o.Common().ID)
			return a.show(r, func(w io.Writer) { fmt.Fprintln(w, o.Common().ID) })
		}),
	}
}

func takeBackCommand(a *app, verb, short string, takeBack func(*node.Node, context.Context, string, string) error, done string) *cobra.Command {
	return &cobra.Command{
		Use: verb + " ADDRESS...", Short: short, Args: argsBetween(1, -1),
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			for _, ref := range args {
				if err := takeBack(h.Node, ctx, a.by(), ref); err != nil {
					return err
				}
				a.tell("%s: %s. Those who heard of it will be told.", done, ref)
			}
			return a.show(map[string][]string{"takenBack": args}, nil)
		}),
	}
}
