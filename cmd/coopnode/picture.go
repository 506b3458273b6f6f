package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

func profilePicture(a *app) *cobra.Command {
	var description string
	var remove, banner bool
	cmd := &cobra.Command{
		Use: "picture FILE", Short: "Give the coop a picture", Args: argsBetween(0, 1),
		Long: "Shows FILE as the picture of the coop, in place of the emblem drawn from its address, and tells followers. It is read by\n" +
			"what is in it: PNG, JPEG, WebP or GIF, at most 10 MiB and 40 million pixels. What is shown is its middle, drawn anew with 400 by\n" +
			"400 pixels; with --banner, which is above the coop's page, all of it with 1,500. What the camera noted, the place among it, is left\n" +
			"out. The description is for who cannot see the picture.",
		Example: "  coopnode profile picture logo.png --description 'A gorse flower on a green ground'\n  coopnode profile picture sea.jpg --banner --description 'The sea at dawn'\n  coopnode profile picture --remove",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			use := node.AsIcon
			if banner {
				use = node.AsBanner
			}
			switch {
			case remove && len(args) > 0:
				return wrongUse("--remove takes no file. To show another picture write: coopnode profile picture FILE --description TEXT")
			case remove:
				p, err := h.RemovePicture(ctx, a.by(), use)
				if err != nil {
					return err
				}
				return a.toldPicture(ctx, h, p, use, "The picture is removed; what is drawn from the coop's address stands in its place")
			case len(args) == 0:
				return wrongUse("Which picture? Write: coopnode profile picture FILE --description TEXT")
			}
			file, err := a.readPicture(args[0])
			if err != nil {
				return err
			}
			if description == "" && a.asks() {
				if description, err = a.ask("What does the picture show? Who cannot see it hears this", h.picturedAs(ctx, use)); err != nil {
					return err
				}
			}
			if description == "" {
				return wrongUse("Say what the picture shows, for who cannot see it: coopnode profile picture %s --description TEXT", shellWord(args[0]))
			}
			p, err := h.SetPicture(ctx, a.by(), use, file, description)
			if err != nil {
				return err
			}
			return a.toldPicture(ctx, h, p, use, "The picture is set")
		}),
	}
	cmd.Flags().StringVar(&description, "description", "", "what the picture shows, in words")
	cmd.Flags().BoolVar(&banner, "banner", false, "the picture above its page")
	cmd.Flags().BoolVar(&remove, "remove", false, "go back to the drawn emblem")
	return cmd
}

// picturedAs is what the present picture is said to show.
func (h *house) picturedAs(ctx context.Context, use node.PictureUse) string {
	p, err := h.Profile(ctx)
	if err != nil {
		return ""
	}
	if use == node.AsBanner {
		return p.Image.Description
	}
	return p.Icon.Description
}

// readPicture reads a file, or standard input where it is called "-"; one byte more than may be, so that what is too large is
// noticed.
func (a *app) readPicture(name string) ([]byte, error) {
	in, err := a.input(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, node.MaxPictureUpload+1))
	if err != nil {
		return nil, fmt.Errorf("read picture: %w", err)
	}
	return b, nil
}

func (a *app) toldPicture(ctx context.Context, h *house, p *node.Actor, use node.PictureUse, what string) error {
	n, err := h.CountFollowers(ctx)
	if err != nil {
		return err
	}
	a.tell("%s: %s. Followers who will hear of it: %d", what, p.URL, n)
	at := h.Links.IconOf(p)
	if use == node.AsBanner {
		at = h.Links.BannerOf(p)
	}
	return a.show(p, func(w io.Writer) { fmt.Fprintln(w, at) })
}
