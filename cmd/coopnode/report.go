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

func reportCommand(a *app) *cobra.Command {
	return group("report", "Complaints about this coop, and its own about others", reportList(a), reportShow(a), reportNew(a), reportClose(a))
}

func reportList(a *app) *cobra.Command {
	var q node.ReportQuery
	var all bool
	cmd := &cobra.Command{
		Use: "list", Short: "What others complain about, newest first", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			q.Open = !all
			list, err := h.Reports(ctx, q)
			if err != nil {
				return err
			}
			if list == nil {
				list = []*node.Report{}
			}
			if len(list) == 0 {
				a.tell("There are none.")
			}
			return a.show(list, func(w io.Writer) {
				if a.quiet {
					for _, r := range list {
						fmt.Fprintln(w, r.ID)
					}
					return
				}
				table(w, func(row func(...any)) {
					if len(list) > 0 {
						row("ID", "WHEN", "WHO", "ABOUT", "TIMES", "SAYS")
					}
					for _, r := range list {
						row(r.ID, moment(r.At), node.HostOf(r.Actor), aboutText(h, r), r.Times, r.Comment)
					}
				})
			})
		}),
	}
	cmd.Flags().BoolVar(&q.Local, "sent", false, "those that this coop has sent")
	cmd.Flags().BoolVar(&all, "all", false, "closed ones too")
	cmd.Flags().IntVar(&q.Limit, "limit", 40, "how many at most, 1 to 200")
	return cmd
}

// aboutText says in a few words what a report is about.
func aboutText(h *house, r *node.Report) string {
	who := "this coop"
	if r.About != h.Links.Actor() {
		who = node.HostOf(r.About)
	}
	if len(r.Objects) == 0 {
		return who
	}
	return fmt.Sprintf("%s, %d published", who, len(r.Objects))
}

// report gives the one whose id begins so.
func (h *house) report(ctx context.Context, ref string) (*node.Report, error) {
	r, err := h.Report(ctx, ref)
	if !node.IsNotFound(err) {
		return r, err
	}
	var found []*node.Report
	for _, local := range []bool{false, true} {
		list, err := h.Reports(ctx, node.ReportQuery{Local: local, Limit: 200})
		if err != nil {
			return nil, err
		}
		found = append(found, slices.DeleteFunc(list, func(r *node.Report) bool { return ref == "" || !strings.HasPrefix(r.ID, ref) })...)
	}
	switch len(found) {
	case 0:
		return nil, missing("There is no report %q. See: coopnode report list --all", ref)
	case 1:
		return found[0], nil
	}
	return nil, wrongUse("%q could be %d of them. Write more of the id.", ref, len(found))
}

func reportShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show one report", Args: argsBetween(1, 1),
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			r, err := h.report(ctx, args[0])
			if err != nil {
				return err
			}
			return a.show(r, func(w io.Writer) { writeReport(ctx, w, h, r) })
		}),
	}
}

func writeReport(ctx context.Context, w io.Writer, h *house, r *node.Report) {
	table(w, func(row func(...any)) {
		row("id", r.ID)
		row("from", h.nameOf(ctx, r.Actor))
		row("about", h.nameOf(ctx, r.About))
		row("when", moment(r.At))
		if r.Times > 1 {
			row("times", r.Times)
		}
		for _, iri := range r.Objects {
			text := ""
			if o, err := h.Object(ctx, iri); err == nil {
				text = "  " + title(o.Common())
			}
			row("published", iri+text)
		}
		if !r.Closed.IsZero() {
			row("closed", moment(r.Closed)+" by "+r.ClosedBy)
		}
	})
	writeText(w, node.Text{Source: r.Comment}, false)
}

func reportClose(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "close ID...", Short: "Say that a report has been looked after", Args: argsBetween(1, -1),
		Long: "Closes reports. Those who sent them are not told.",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			done := make([]string, 0, len(args))
			for _, ref := range args {
				r, err := h.report(ctx, ref)
				if err != nil {
					return err
				}
				if err := h.CloseReport(ctx, a.by(), r.ID); err != nil {
					return err
				}
				done = append(done, r.ID)
				a.tell("%s is closed.", r.ID)
			}
			return a.show(map[string][]string{"closed": done}, nil)
		}),
	}
}

func reportNew(a *app) *cobra.Command {
	var comment string
	var yes, dry bool
	cmd := &cobra.Command{
		Use: "new ADDRESS...", Short: "Complain to another server", Args: argsBetween(1, -1),
		Long:    "Asks the people who run another server to look at one of its accounts, and at what that one published. ADDRESS is @handle@host, the address of an account, or the id or address of a post; all of one account.\nThe other server is told, in the name of this coop, and may show it to the one concerned. Nobody else hears of it. It cannot be taken back.",
		Example: "  coopnode report new @spam@place.example 7f3c --comment 'The same advertisement beneath every opening.'",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			about, objects, err := h.reported(ctx, a, args)
			if err != nil {
				return err
			}
			if dry {
				a.tell("Would tell %s about %s and %d published.", node.HostOf(about.IRI), label(about), len(objects))
				return a.show(map[string]any{"about": about.IRI, "objects": objects}, nil)
			}
			if err := a.sure(yes, "Tell the people of %s, in the name of this coop, about %s and %d published?", node.HostOf(about.IRI), label(about), len(objects)); err != nil {
				return err
			}
			r, err := h.SendReport(ctx, a.by(), about, objects, comment)
			if err != nil {
				return err
			}
			a.tell("The server sends it to %s. To see less of them here: coopnode inbox hide REF", node.HostOf(about.IRI))
			return a.show(r, func(w io.Writer) { fmt.Fprintln(w, r.ID) })
		}),
	}
	cmd.Flags().StringVar(&comment, "comment", "", "what is wrong, in a sentence or two")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only say who would be told of what")
	return cmd
}

// reported sorts addresses into the one account that they are about and what it published.
func (h *house) reported(ctx context.Context, a *app, args []string) (about *node.Actor, objects []string, err error) {
	for _, address := range args {
		var who *node.Actor
		var o node.Object
		if o, err = h.Object(ctx, address); node.IsNotFound(err) && !strings.ContainsAny(address, "@./") {
			o, err = h.findBeginning(ctx, node.TypePost, address)
		}
		switch {
		case err == nil:
			objects = append(objects, o.Common().IRI)
			who, err = h.someone(ctx, a, o.Common().Actor)
		case node.IsNotFound(err) && strings.ContainsAny(address, "@./"):
			who, err = h.someone(ctx, a, address)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("find %s: %w", address, err)
		}
		if about != nil && about.IRI != who.IRI {
			return nil, nil, wrongUse("These are of two accounts, %s and %s. Make a report for each.", about.Address(), who.Address())
		}
		about = who
	}
	return about, objects, nil
}
