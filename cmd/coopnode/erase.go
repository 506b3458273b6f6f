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

// erasePatience is for how long erase waits until nobody reads the database, so that its log can be cut.
const erasePatience = 30 * time.Second

// An erasure is what erase did, or would do.
type erasure struct {
	What    string   `json:"what"`
	Done    bool     `json:"done"`
	Objects int      `json:"objects,omitempty"` // of somebody elsewhere
	Told    int      `json:"told,omitempty"`    // letters that say so to others
	Pieces  int      `json:"pieces"`            // of the text, that were looked for
	Found   []string `json:"found"`             // those that are in the files
	Bytes   int64    `json:"bytes"`             // that were looked through
	Later   bool     `json:"later,omitempty"`   // the files could not be cleaned yet; the server does it
}

func eraseCommand(a *app) *cobra.Command {
	return group("erase", "Erase something or somebody for good, and prove that nothing of it is in the files", eraseItem(a), erasePerson(a), eraseActor(a))
}

func eraseItem(a *app) *cobra.Command {
	return a.eraser("item ID", "Erase an opening, project or post of this coop",
		"Deletes it here and at all who hold it, as remove does, and takes every copy of its text out of the files of this node at\n"+
			"once. Its address answers from then on that it is gone. It may have been removed before.",
		func(ctx context.Context, h *house, ref string) (*erasure, []string, func() error, error) {
			o, err := h.Object(ctx, ref)
			if err != nil {
				return nil, nil, nil, err
			}
			b := o.Common()
			if !b.Local {
				return nil, nil, nil, wrongUse("That is by %s. To erase all that is kept of its author: coopnode erase actor %s", b.Actor, b.Actor)
			}
			e := &erasure{What: fmt.Sprintf("%s %s, %q", b.Type, b.IRI, b.Title())}
			return e, node.ObjectPieces(o), func() error {
				if b.Deleted.IsZero() {
					if err := h.Delete(ctx, a.by(), b.IRI); err != nil {
						return err
					}
				}
				waiting, err := h.Deliveries(ctx, node.DeliveryQuery{Object: b.IRI, Limit: 1000})
				e.Told = len(waiting)
				return err
			}, nil
		})
}

func erasePerson(a *app) *cobra.Command {
	return a.eraser("person NAME", "Erase somebody who works here",
		"Forgets NAME as person remove does, and takes the name out of the audit log too: what NAME did stays there, by nobody's name. What\n"+
			"NAME wrote is the coop's and stays.",
		func(ctx context.Context, h *house, ref string) (*erasure, []string, func() error, error) {
			p, err := h.FindPerson(ctx, ref)
			if err != nil {
				return nil, nil, nil, err
			}
			return &erasure{What: "person " + p.Name}, node.PiecesOf(p.Name, p.Mail), func() error { return h.ErasePerson(ctx, a.by(), p.ID) }, nil
		})
}

func eraseActor(a *app) *cobra.Command {
	return a.eraser("actor ADDRESS", "Erase all that is kept of somebody elsewhere",
		"Deletes who ADDRESS is, what it published, said to the coop, liked and passed on, its complaints, and that it follows or is\n"+
			"followed. What it says from now on is taken in again, unless a rule keeps it out: coopnode block add ADDRESS",
		func(ctx context.Context, h *house, ref string) (*erasure, []string, func() error, error) {
			who, err := h.actor(ctx, ref)
			if err != nil {
				return nil, nil, nil, err
			}
			pieces, err := h.ActorPieces(ctx, who)
			e := &erasure{What: who.Address() + " " + who.IRI}
			return e, pieces, func() (err error) {
				e.Objects, err = h.EraseActor(ctx, a.by(), who.IRI)
				return err
			}, err
		})
}

// eraser is a command that erases what find finds: it gives what that is, pieces of what it says, and what erases it.
func (a *app) eraser(use, short, long string, find func(ctx context.Context, h *house, ref string) (*erasure, []string, func() error, error)) *cobra.Command {
	var yes, dry bool
	cmd := &cobra.Command{
		Use: use, Short: short, Args: argsBetween(1, 1),
		Long: long + "\n\nBackups that were made before still hold it until they go; a restore erases it again (coopnode help privacy).",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			e, pieces, erase, err := find(ctx, h, args[0])
			if err != nil {
				return err
			}
			e.Pieces, e.Found = len(pieces), []string{}
			if !dry {
				if err := a.sure(yes, "%s goes for good.", e.What); err != nil {
					return err
				}
				if err := erase(); err != nil {
					return err
				}
				e.Done = true
				if e.Later, err = h.finishErasures(ctx); err != nil {
					return err
				}
			}
			found, size, err := h.Store().Holds(ctx, pieces)
			if err != nil {
				return err
			}
			e.Found, e.Bytes = append(e.Found, found...), size
			return a.show(e, func(w io.Writer) { e.tell(w) })
		}),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say what would go, and change nothing")
	return cmd
}

// finishErasures cleans the files, and waits a while for those who read. later says that the server has to do it.
func (h *house) finishErasures(ctx context.Context) (later bool, err error) {
	for limit := time.Now().Add(erasePatience); ; {
		err := h.FinishErasures(ctx)
		if node.KindOf(err) != node.Busy {
			return false, err
		}
		if time.Now().After(limit) {
			return true, nil
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func (e *erasure) tell(w io.Writer) {
	if !e.Done {
		fmt.Fprintf(w, "Would erase %s.\n%d of %d pieces of its text are in the %d bytes of database and log.\n", e.What, len(e.Found), e.Pieces, e.Bytes)
		return
	}
	fmt.Fprintf(w, "Erased %s.\n", e.What)
	if e.Objects > 0 {
		fmt.Fprintf(w, "%d things that it published went with it.\n", e.Objects)
	}
	if e.Told > 0 {
		fmt.Fprintf(w, "%d letters tell those who hold it. Which have not confirmed yet: coopnode delivery list\n", e.Told)
	}
	switch {
	case e.Later:
		fmt.Fprintln(w, "Somebody reads the database for long; the server cleans the files as soon as that ends. Run this again to see it proved.")
	case len(e.Found) == 0:
		fmt.Fprintf(w, "Not found in %d bytes of database and log: any of %d pieces of its text.\n", e.Bytes, e.Pieces)
	default:
		fmt.Fprintf(w, "%d of %d pieces of its text are still in the %d bytes of database and log; something else here says the same: %s\n",
			len(e.Found), e.Pieces, e.Bytes, quoted(e.Found))
	}
	fmt.Fprintln(w, "Backups that were made before still hold it until they go: coopnode help privacy")
}

// quoted shows the first of some texts.
func quoted(list []string) string {
	var shown []string
	for _, s := range list[:min(len(list), 3)] {
		shown = append(shown, fmt.Sprintf("%q", s))
	}
	return strings.Join(shown, ", ")
}
