package main

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

func timelineCommand(a *app) *cobra.Command {
	var typ string
	var limit int
	cmd := &cobra.Command{
		Use: "timeline", Short: "What those whom you follow have published", Args: argsBetween(0, 0),
		Long: "Lists what those whom this coop follows have published or passed on, newest first, each thing once. [limited] marks those whom a rule keeps from your pages.",
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			if typ != "" && node.NewObject(node.ObjectType(typ)) == nil {
				return wrongUse("There is no type %q. There are: post, opening, project.", typ)
			}
			entries, err := h.Timeline(ctx, node.TimelineQuery{Type: node.ObjectType(typ), Limit: limit})
			if err != nil {
				return err
			}
			if entries == nil {
				entries = []*node.TimelineEntry{}
			}
			if len(entries) == 0 {
				a.tell("Nothing has come yet. Follow somebody with: coopnode follow @handle@host")
			}
			return a.show(entries, func(w io.Writer) {
				table(w, func(row func(...any)) {
					for _, e := range entries {
						row(timelineRow(h, e)...)
					}
				})
			})
		}),
	}
	cmd.Flags().StringVar(&typ, "type", "", "only these: post, opening, project")
	cmd.Flags().IntVar(&limit, "limit", 40, "how many at most, 1 to 200")
	cmd.RegisterFlagCompletionFunc("type", cobra.FixedCompletions([]cobra.Completion{"post", "opening", "project"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func timelineRow(h *house, e *node.TimelineEntry) []any {
	who := node.HostOf(e.Actor)
	if e.Author != nil {
		who = e.Author.Address()
	}
	if e.Object == nil {
		return []any{moment(e.At), "", "", who, e.ObjectIRI}
	}
	b := e.Object.Common()
	what := string(b.Type)
	if o, ok := e.Object.(*node.Opening); ok {
		what += " " + statusText(h, o)
	}
	if b.Moderation == node.SeverityLimit {
		what += " [limited]"
	}
	if b.Sample {
		what += " [sample]"
	}
	text := title(b)
	if len(e.SharedBy) > 0 {
		var hosts []string
		for _, s := range e.SharedBy {
			hosts = append(hosts, node.HostOf(s))
		}
		text += "  (shared by " + strings.Join(hosts, ", ") + ")"
	}
	return []any{moment(e.At), b.ID, what, who, text}
}
