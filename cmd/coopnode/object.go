package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"strings"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

// A noun is a type of object as the commands see it. Posts, openings and projects share their
// verbs: list, show, new, edit, remove.
type noun[T node.Object] struct {
	typ   node.ObjectType
	new   func() T
	form  form[T]
	plain bool                                                        // a file that is no .toml is the text itself
	title string                                                      // what a new form says first
	row   func(h *house, o T) []any                                   // of the list, after the id
	head  []any                                                       // of the list
	lines func(w io.Writer, h *house, o T)                            // of show, after the title
	shown func(h *house, o T) T                                       // as it is given out: with the status of now
	extra func(cmd *cobra.Command, q *query)                          // further flags of list
	after func(ctx context.Context, h *house, o T) string             // advice after publishing
	below func(ctx context.Context, w io.Writer, h *house, o T) error // of show, after the text
}

// query is what list asks for.
type query struct {
	node.ObjectQuery
	known, open bool
	project     string
}

// verbs gives the commands that all nouns have.
func (n noun[T]) verbs(a *app) []*cobra.Command {
	return []*cobra.Command{n.list(a), n.show(a), n.publish(a), n.edit(a), n.remove(a)}
}

func (n noun[T]) list(a *app) *cobra.Command {
	var q query
	cmd := &cobra.Command{
		Use: "list", Short: "List " + string(n.typ) + "s of this coop, newest first", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			q.Type, q.Local, q.Drafts = n.typ, !q.known, !q.known
			if q.open {
				q.OpenAt, q.Drafts = h.Now(), false
			}
			if q.project != "" {
				p, err := h.find(ctx, node.TypeProject, q.project)
				if err != nil {
					return err
				}
				q.Project = p.Common().IRI
			}
			all, err := h.objects(ctx, q.ObjectQuery, q.Limit)
			if err != nil {
				return err
			}
			list := make([]T, 0, len(all))
			for _, o := range all {
				list = append(list, n.shown(h, o.(T)))
			}
			if len(list) == 0 {
				a.tell("There are none. Make one with: coopnode %s new", n.typ)
			}
			return a.show(list, func(w io.Writer) {
				if a.quiet {
					for _, o := range list {
						fmt.Fprintln(w, o.Common().ID)
					}
					return
				}
				table(w, func(row func(...any)) {
					if len(list) > 0 {
						row(append([]any{"ID"}, n.head...)...)
					}
					for _, o := range list {
						row(append([]any{o.Common().ID}, n.row(h, o)...)...)
					}
				})
			})
		}),
	}
	cmd.Flags().BoolVar(&q.known, "known", false, "also those that others have published")
	cmd.Flags().IntVar(&q.Limit, "limit", 40, "how many at most; 0 for all")
	if n.extra != nil {
		n.extra(cmd, &q)
	}
	return cmd
}

func (n noun[T]) show(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show REF", Short: "Show one " + string(n.typ), Args: argsBetween(1, 1), ValidArgsFunction: a.completeRefs(n.typ),
		Long: "Shows one " + string(n.typ) + ", ours or another coop's. REF is its id, the beginning of its id, or its address.",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			found, err := h.find(ctx, n.typ, args[0])
			if err != nil {
				return err
			}
			o := n.shown(h, found.(T))
			if o.Common().SharedBy, err = h.Sharers(ctx, o.Common().IRI); err != nil {
				return err
			}
			var below error
			err = a.show(o, func(w io.Writer) {
				b := o.Common()
				if title := b.Title(); title != "" {
					fmt.Fprintf(w, "%s\n\n", oneLine(title))
				}
				table(w, func(row func(...any)) {
					row("id", b.ID)
					row("address", b.IRI)
					if b.URL != "" {
						row("page", b.URL)
					}
					if !b.Local {
						row("by", h.nameOf(ctx, b.Actor))
					}
					row("published", when(b))
					for i, who := range b.SharedBy {
						row([]string{"passed on by", ""}[min(i, 1)], h.nameOf(ctx, who))
					}
				})
				n.lines(w, h, o)
				for i, t := range b.Texts {
					writeText(w, t, i > 0)
				}
				if n.below != nil {
					below = n.below(ctx, w, h, o)
				}
			})
			if err == nil {
				err = below
			}
			return err
		}),
	}
}

func (n noun[T]) publish(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "new [FILE]", Short: "Publish a new " + string(n.typ), Args: argsBetween(0, 1),
		Long: "Publishes a new " + string(n.typ) + ". " + n.fileHelp() + " With neither a form opens in your editor.",
	}
	given := n.form.flags(a, cmd)
	cmd.RunE = a.on(func(ctx context.Context, h *house, args []string) error {
		o := n.new()
		head := "# " + n.title + "\n# Lines that begin with # are remarks. Save and close to publish; close without saving to leave it.\n"
		in, err := n.answers(ctx, a, h, o, given, args, head)
		if err != nil {
			return err
		}
		if in.none {
			a.tell("Nothing was written, so nothing was published.")
			return nil
		}
		if err = n.formFor(o, in.values).fill(in.what, o, in.values); err == nil {
			err = h.Publish(ctx, a.by(), o)
		}
		if err != nil {
			return in.failed(err)
		}
		in.used()
		return n.said(ctx, a, h, o)
	})
	return cmd
}

func (n noun[T]) edit(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "edit REF [FILE]", Short: "Change one " + string(n.typ), Args: argsBetween(1, 2), ValidArgsFunction: a.completeRefs(n.typ),
		Long: "Changes one " + string(n.typ) + " of this coop and tells everybody who has it; what is not named stays as it is. " + n.fileHelp() + " With neither your editor opens.",
	}
	given := n.form.flags(a, cmd)
	cmd.RunE = a.on(func(ctx context.Context, h *house, args []string) error {
		found, err := h.find(ctx, n.typ, args[0])
		if err != nil {
			return err
		}
		head := "# " + found.Common().IRI + "\n# Lines that begin with # are remarks; a line that you take away leaves its value as it is.\n"
		in, err := n.answers(ctx, a, h, found.(T), given, args[1:], head)
		if err != nil {
			return err
		}
		if in.none {
			a.tell("Nothing was changed.")
			return nil
		}
		changed, err := h.Edit(ctx, a.by(), found.Common().IRI, func(o node.Object) error {
			return n.formFor(o.(T), in.values).fill(in.what, o.(T), in.values)
		})
		if err != nil {
			return in.failed(err)
		}
		in.used()
		return n.said(ctx, a, h, changed.(T))
	})
	return cmd
}

func (n noun[T]) fileHelp() string {
	if n.plain {
		return "Its values come from flags and from a FILE (- is standard input): its text in Markdown, or, if the name ends in .toml, all of them."
	}
	return "Its values come from flags and from a TOML FILE (- is standard input)."
}

// answers are the values that a person gave.
type answers struct {
	what   string // where they stand, for errors
	values map[string][]string
	draft  *draft // what came from the editor, nil if it was not needed
	none   bool   // the editor was closed without a change
}

// failed keeps what was written in the editor when it could not be used.
func (in *answers) failed(err error) error {
	if in.draft != nil {
		return in.draft.kept(err)
	}
	return err
}

func (in *answers) used() {
	if in.draft != nil {
		in.draft.done()
	}
}

// answers collects them: from flags, from the file in args, or, with neither, from the editor, which shows
// o as it is. Names of others are turned into addresses.
func (n noun[T]) answers(ctx context.Context, a *app, h *house, o T, given func() (map[string][]string, error), args []string, head string) (*answers, error) {
	flags, err := given()
	if err != nil {
		return nil, err
	}
	in := &answers{what: "The command line", values: map[string][]string{}}
	switch {
	case len(args) > 0:
		text, err := a.readText(args[0])
		if err != nil {
			return nil, err
		}
		in.what = args[0]
		if n.plain && !strings.HasSuffix(args[0], ".toml") {
			in.values = map[string][]string{"text": {text}}
			break
		}
		if in.values, err = flatTOML(in.what, []byte(text)); err != nil {
			return nil, err
		}
	case len(flags) == 0:
		var text bytes.Buffer
		text.WriteString(head)
		n.formFor(o, nil).write(&text, o)
		in.what = "What you wrote"
		if in.draft, err = a.edit(ctx, string(n.typ), text.Bytes()); err != nil {
			return nil, err
		}
		if in.none = in.draft.text == nil; in.none {
			return in, nil
		}
		if in.values, err = flatTOML(in.what, in.draft.text); err != nil {
			return nil, in.failed(err)
		}
		n.formFor(o, nil).dropSame(o, in.values)
	}
	maps.Copy(in.values, flags)
	if err := h.resolve(ctx, a, in.values); err != nil {
		return nil, in.failed(err)
	}
	return in, nil
}

// said answers that an object is published, or kept as a draft.
func (n noun[T]) said(ctx context.Context, a *app, h *house, o T) error {
	b := o.Common()
	if b.Draft {
		a.tell("Kept as a draft; nobody else sees it. Publish it with: coopnode %s edit %s --draft=false", n.typ, b.ID)
	} else {
		a.tell("%s", n.after(ctx, h, o))
	}
	return a.show(n.shown(h, o), func(w io.Writer) {
		if a.quiet {
			fmt.Fprintln(w, b.ID)
			return
		}
		fmt.Fprintf(w, "%s  %s\n", b.ID, b.URL)
	})
}

func (n noun[T]) remove(a *app) *cobra.Command {
	var yes, dry bool
	cmd := &cobra.Command{
		Use: "remove REF...", Short: "Delete for good, here and everywhere", Args: argsBetween(1, -1), ValidArgsFunction: a.completeRefs(n.typ),
		Long: "Deletes what this coop has published: a note that it is gone stays at its address, and all who have it are told.\nThis cannot be undone. Something that is over is better closed than removed.",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			removed := make([]string, 0, len(args))
			for _, ref := range args {
				o, err := h.find(ctx, n.typ, ref)
				if err != nil {
					return err
				}
				b := o.Common()
				if dry {
					a.tell("Would delete %s %s", b.ID, oneLine(title(b)))
					continue
				}
				if err := a.sure(yes, "Delete %s %q everywhere, for good?", b.ID, oneLine(title(b))); err != nil {
					return err
				}
				if err := h.Delete(ctx, a.by(), b.IRI); err != nil {
					return err
				}
				removed = append(removed, b.ID)
				a.tell("Deleted %s. Those who have it will be told.", b.ID)
			}
			return a.show(map[string][]string{"removed": removed}, nil)
		}),
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only say what would be deleted")
	return cmd
}
