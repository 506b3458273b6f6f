package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

func deliveryCommand(a *app) *cobra.Command {
	return group("delivery", "Letters that are on their way to others",
		deliveryList(a), deliveryShow(a), deliveryRetry(a), deliveryDrop(a), deliveryHosts(a), deliveryResume(a))
}

// narrow adds the flags that say which letters are meant.
func narrow(cmd *cobra.Command, q *node.DeliveryQuery, object *string) {
	cmd.Flags().StringVar(&q.Host, "host", "", "only those to this host")
	cmd.Flags().StringVar(object, "object", "", "only those about this post, opening or project")
	cmd.Flags().StringVar(&q.Act, "activity", "", "only those of this activity")
}

// about fills in the object that a reference means.
func (h *house) about(ctx context.Context, q *node.DeliveryQuery, ref string) error {
	if ref == "" {
		return nil
	}
	q.Object = ref
	o, err := h.Object(ctx, ref)
	for _, t := range []node.ObjectType{node.TypeOpening, node.TypePost, node.TypeProject} {
		if err != nil {
			o, err = h.findBeginning(ctx, t, ref)
		}
	}
	switch {
	case err == nil:
		q.Object = o.Common().IRI
	case !strings.Contains(ref, "://"): // the address of a follow, or of what is no longer here, may stand
		return missing("There is nothing called %q here. Write its id or its address.", ref)
	}
	return nil
}

func deliveryList(a *app) *cobra.Command {
	var q node.DeliveryQuery
	var object string
	cmd := &cobra.Command{
		Use: "list", Short: "What waits, oldest first", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			if err := h.about(ctx, &q, object); err != nil {
				return err
			}
			list, err := h.Deliveries(ctx, q)
			if err != nil {
				return err
			}
			if list == nil {
				list = []*node.Delivery{}
			}
			if len(list) == 0 {
				a.tell("Nothing waits: everything has arrived.")
			}
			return a.show(list, func(w io.Writer) { writeDeliveries(w, h, list) })
		}),
	}
	narrow(cmd, &q, &object)
	cmd.Flags().IntVar(&q.Limit, "limit", 40, "how many at most")
	return cmd
}

func writeDeliveries(w io.Writer, h *house, list []*node.Delivery) {
	table(w, func(row func(...any)) {
		if len(list) > 0 {
			row("HOST", "SINCE", "TRIED", "NEXT", "WHY", "ABOUT")
		}
		for _, d := range list {
			next := "now"
			if d.NotBefore.After(h.Now()) {
				next = moment(d.NotBefore)
			}
			row(d.Host, moment(d.Created), d.Attempts, next, dash(d.Reason), d.Object)
		}
	})
}

func deliveryShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show REF", Short: "What has reached whom of what was said about one thing", Args: argsBetween(1, 1),
		Long: "Shows every activity about one post, opening or project (REF: id or address), whom it has reached and what still waits.\nFor the profile write: coopnode delivery show profile",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			q := node.DeliveryQuery{Object: h.Links.Actor()}
			if args[0] != "profile" {
				if err := h.about(ctx, &q, args[0]); err != nil {
					return err
				}
			}
			return a.showCarried(ctx, h, q.Object)
		}),
	}
}

func deliveryRetry(a *app) *cobra.Command {
	var q node.DeliveryQuery
	var object string
	cmd := &cobra.Command{
		Use: "retry", Short: "Try now, without waiting for the next time", Args: argsBetween(0, 0),
		Example: "  coopnode delivery retry\n  coopnode delivery retry --host trenza.example",
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			if err := h.about(ctx, &q, object); err != nil {
				return err
			}
			n, err := h.RetryDeliveries(ctx, a.by(), q)
			if err != nil {
				return err
			}
			a.tell("%d will be tried now. The server does that; see: coopnode delivery list", n)
			return a.show(map[string]int{"retried": n}, nil)
		}),
	}
	narrow(cmd, &q, &object)
	return cmd
}

func deliveryDrop(a *app) *cobra.Command {
	var q node.DeliveryQuery
	var object string
	var all, yes, dry bool
	cmd := &cobra.Command{
		Use: "drop --host HOST|--object REF|--activity ADDRESS|--all", Short: "Give up on letters without sending them", Args: argsBetween(0, 0),
		Long: "Takes letters out of the queue without sending them. Those for whom they were will not hear of it; this cannot be undone.",
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			if q == (node.DeliveryQuery{}) && object == "" && !all {
				return wrongUse("Say which: --host, --object, --activity, or --all of them.")
			}
			if err := h.about(ctx, &q, object); err != nil {
				return err
			}
			q.Limit = 200
			list, err := h.Deliveries(ctx, q)
			if err != nil {
				return err
			}
			count := fmt.Sprint(len(list))
			if len(list) == q.Limit {
				count += " or more"
			}
			if dry {
				a.tell("Would give up %s.", count)
				return a.show(list, func(w io.Writer) { writeDeliveries(w, h, list) })
			}
			if err := a.sure(yes, "Give up %s letters?", count); err != nil {
				return err
			}
			q.Limit = 0
			n, err := h.DropDeliveries(ctx, a.by(), q)
			if err != nil {
				return err
			}
			a.tell("%d given up.", n)
			return a.show(map[string]int{"dropped": n}, nil)
		}),
	}
	narrow(cmd, &q, &object)
	cmd.Flags().BoolVar(&all, "all", false, "all that wait")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only say what would be given up")
	return cmd
}

func deliveryHosts(a *app) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "hosts", Short: "Servers for which letters wait, those in trouble first", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			list, err := h.Peers(ctx, limit)
			if err != nil {
				return err
			}
			if list == nil {
				list = []*node.Peer{}
			}
			if len(list) == 0 {
				a.tell("No letters wait.")
			}
			return a.show(list, func(w io.Writer) {
				table(w, func(row func(...any)) {
					if len(list) > 0 {
						row("HOST", "WAITING", "FAILED", "NEXT", "LAST GOOD", "WHY")
					}
					for _, p := range list {
						row(p.Host, p.Waiting, p.Failures, moment(p.Due), moment(p.LastOK), dash(p.Reason))
					}
				})
			})
		}),
	}
	cmd.Flags().IntVar(&limit, "limit", 100, "how many at most")
	return cmd
}
