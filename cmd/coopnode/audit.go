package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

func auditCommand(a *app) *cobra.Command {
	return group("audit", "Who did what on this node", auditList(a))
}

func auditList(a *app) *cobra.Command {
	var q node.AuditQuery
	var name string
	cmd := &cobra.Command{
		Use: "list", Short: "What people and commands did, newest first", Args: argsBetween(0, 0),
		Long: "Shows who did what, and when: people by their names, commands by the user of the operating system. Entries are kept for a\n" +
			"year and never leave this node.",
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			if name != "" {
				p, err := h.FindPerson(ctx, name)
				if err != nil {
					return err
				}
				q.Person = p.ID
			}
			list, err := h.AuditLog(ctx, q)
			if err != nil {
				return err
			}
			if list == nil {
				list = []*node.AuditEntry{}
			}
			if len(list) > 0 && len(list) == q.Limit {
				a.tell("Older ones: --before %d", list[len(list)-1].Seq)
			}
			return a.show(list, func(w io.Writer) {
				table(w, func(row func(...any)) {
					for _, e := range list {
						row(moment(e.At), e.Name, e.Action, e.Subject, e.Text)
					}
				})
			})
		}),
	}
	cmd.Flags().StringVar(&name, "by", "", "of one person only: name, mail address or id")
	cmd.Flags().Int64Var(&q.Before, "before", 0, "older than the entry with this number")
	cmd.Flags().IntVar(&q.Limit, "limit", 40, "how many at most, 1 to 200")
	cmd.RegisterFlagCompletionFunc("by", a.completePeople)
	return cmd
}
