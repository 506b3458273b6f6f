package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
)

// imported is what block import answers.
type imported struct {
	Rows    int               `json:"rows"` // that make a rule
	Rules   []*node.Rule      `json:"rules"`
	Skipped []node.SkippedRow `json:"skipped"`
	Change  *node.RuleChange  `json:"change"` // done, or what would be done
	Done    bool              `json:"done"`
}

// mostShown is how many rows of each kind a preview shows; --json has all.
const mostShown = 20

func blockImport(a *app) *cobra.Command {
	var dryRun, yes, replace bool
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Take over a list of blocked servers, as Mastodon writes it", Args: argsBetween(1, 1),
		Long: "Reads a list in Mastodon's CSV form, shows what it would change, and asks. Where there is a rule for a server already " +
			"the stricter of both holds, and your comments stay; with --replace the list alone counts. Rules that are not in the list stay. " +
			"FILE may be - for standard input; then say --dry-run or --yes.",
		Example: "  coopnode block import list.csv --dry-run\n  coopnode block import list.csv --yes",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			list, err := a.readBlockList(args[0], h)
			if err != nil {
				return err
			}
			rules, err := h.MergeRules(ctx, list.Rules, replace)
			if err != nil {
				return err
			}
			would, err := h.TryRules(ctx, rules, nil)
			if err != nil {
				return err
			}
			in := imported{Rows: len(list.Rules), Rules: rules, Skipped: list.Skipped, Change: would}
			if in.Rules == nil {
				in.Rules = []*node.Rule{}
			}
			if in.Skipped == nil {
				in.Skipped = []node.SkippedRow{}
			}
			if !a.json {
				if err := a.show(in, func(w io.Writer) { writeImport(w, &in) }); err != nil {
					return err
				}
			}
			switch {
			case dryRun:
				a.tell("Nothing was changed. To take it over: coopnode block import %s --yes", args[0])
			case len(rules) == 0:
				a.tell("That is so already. Nothing was changed.")
			case !yes && (args[0] == "-" || !a.asks()):
				return wrongUse("Nothing was changed. Say --yes to take the list over, or --dry-run to look at it only.")
			default:
				if err := a.sure(yes, "Take over %d rules? This ends %d follows of this coop and %d of others, for good.", len(rules), would.Following, would.Followers); err != nil {
					return err
				}
				if in.Change, err = h.ChangeRules(ctx, a.by(), rules, nil); err != nil {
					return err
				}
				in.Done = true
				a.tellChange(in.Change)
			}
			if a.json {
				return a.show(in, nil)
			}
			return nil
		}),
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only show what would change, also with --yes")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&replace, "replace", false, "let the list count where it differs from the rules here")
	return cmd
}

func (a *app) readBlockList(name string, h *house) (*node.BlockList, error) {
	in, err := a.input(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return activitypub.ReadBlockList(in, h.Links.Actor())
}

// writeImport shows what a list changes and what of it is left out.
func writeImport(w io.Writer, in *imported) {
	fmt.Fprintf(w, "%d rules new or changed, %d rows that change nothing, %d left out\n", len(in.Rules), in.Rows-len(in.Rules), len(in.Skipped))
	table(w, func(row func(...any)) {
		for _, r := range in.Rules[:min(len(in.Rules), mostShown)] {
			row("  "+r.Target, ruleText(r), r.PublicComment)
		}
		if more := len(in.Rules) - mostShown; more > 0 {
			row(fmt.Sprintf("  and %d more", more))
		}
	})
	if len(in.Skipped) > 0 {
		fmt.Fprintln(w, "left out:")
	}
	table(w, func(row func(...any)) {
		for _, s := range in.Skipped[:min(len(in.Skipped), mostShown)] {
			row(fmt.Sprintf("  line %d", s.Line), dash(s.Domain), s.Why)
		}
		if more := len(in.Skipped) - mostShown; more > 0 {
			row(fmt.Sprintf("  and %d more", more))
		}
	})
}

func blockExport(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "export [FILE]", Short: "Write the list of blocked servers, as Mastodon reads it", Args: argsBetween(0, 1),
		Long: "Writes the rules for servers as CSV, to standard output or to a new file. Your own comments and rules for single people are not in it.",
		RunE: a.on(func(ctx context.Context, h *house, args []string) (err error) {
			rules, err := h.Rules(ctx)
			if err != nil {
				return err
			}
			if n := len(slices.DeleteFunc(slices.Clone(rules), func(r *node.Rule) bool { return r.Allow || r.OfHost() || r.Target == node.Everybody })); n > 0 {
				a.tell("%d rules for single people are not in the list: it has servers only.", n)
			}
			if len(args) == 0 {
				return activitypub.WriteBlockList(a.out, rules)
			}
			return writeNamed("export", args[0], func(f *os.File) error { return activitypub.WriteBlockList(f, rules) }) // private unless you publish it
		}),
	}
}
