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

// search is what the commands ask for.
type search struct {
	node.SearchQuery
	ownership string
	count     bool
}

func (s *search) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.Skill, "skill", "", "a skill that they have, or that an opening asks for: accessibility")
	f.StringVar(&s.Language, "language", "", "a language that they speak or write: gl, pt-BR")
	f.StringVar(&s.Country, "country", "", "a country, or a part of one: ES, ES-GA")
	f.StringVar(&s.ownership, "ownership", "", "who owns the coop: "+strings.Join(names(node.Ownerships), ", "))
	f.StringVar(&s.Federation, "federation", "", "confirmed members of this federation: its host, @handle@host or address")
	f.StringVar(&s.Customer, "customer", "", "for whom they work: "+strings.Join(node.CustomerKinds, ", "))
	f.BoolVar(&s.Best, "best", false, "what fits best first, instead of the newest")
	f.IntVar(&s.Limit, "limit", 40, "how many at most, 1 to 200")
	f.StringVar(&s.Before, "before", "", "go on where the last list ended: what it said is next")
	f.BoolVar(&s.count, "count", false, "only say how many there are")
	cmd.RegisterFlagCompletionFunc("ownership", cobra.FixedCompletions(names(node.Ownerships), cobra.ShellCompDirectiveNoFileComp))
	cmd.RegisterFlagCompletionFunc("customer", cobra.FixedCompletions(node.CustomerKinds, cobra.ShellCompDirectiveNoFileComp))
}

func names[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

func searchCommand(a *app) *cobra.Command {
	var s search
	cmd := &cobra.Command{
		Use: "search [WORD...]", Short: "Find coops, openings, projects and posts that this node knows",
		Long: "Finds what everybody may see of all that this node knows, the newest first. All words have to be there, whatever their\n" +
			"case and accents; 'several in quotes' side by side; 'with*' finds what begins so. Openings that are over are found with --all.",
		Example: "  coopnode search accessibility audit\n  coopnode search 台北\n  coopnode search --kind job --language gl\n  coopnode search 'web engines' --country ES --best",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			s.Text = wordsOf(args)
			return s.run(ctx, a, h, "Nothing was found. Fewer words find more; --all finds openings that are over, too.")
		}),
	}
	cmd.Flags().StringSliceVar(&s.Kinds, "kind", nil, "only these: "+strings.Join(node.SearchKinds, ", ")+", or a kind of opening")
	cmd.Flags().BoolVar(&s.Open, "open", false, "only openings that can be answered now")
	cmd.Flags().BoolVar(&s.Over, "all", false, "openings that are over, too")
	s.flags(cmd)
	kinds := append(append([]string{}, node.SearchKinds...), names(node.OpeningKinds)...)
	cmd.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(kinds, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func directoryCommand(a *app) *cobra.Command {
	var s search
	cmd := &cobra.Command{
		Use: "directory [WORD...]", Short: "List the coops and federations that this node knows",
		Long:    "Lists all coops and federations that this node has read, those first that changed last. Words and flags choose among them.",
		Example: "  coopnode directory\n  coopnode directory --country AR --skill backend\n  coopnode directory --federation trama.example --json",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			s.Text, s.Kinds = wordsOf(args), []string{node.KindOfCoop, node.KindOfFederation}
			return s.run(ctx, a, h, "None is known here. Follow one, and it will be: coopnode follow @handle@host")
		}),
	}
	s.flags(cmd)
	return cmd
}

// wordsOf puts arguments together: one of several words was in the quotes of the shell.
func wordsOf(args []string) string {
	words := make([]string, len(args))
	for i, w := range args {
		words[i] = w
		if len(strings.Fields(w)) > 1 && !strings.Contains(w, `"`) {
			words[i] = `"` + w + `"`
		}
	}
	return strings.Join(words, " ")
}

// run searches and shows what was found. none is said where that is nothing.
func (s *search) run(ctx context.Context, a *app, h *house, none string) error {
	s.Ownership = node.Ownership(s.ownership)
	if err := h.CatchUp(ctx); err != nil {
		return err
	}
	if s.count {
		return s.showCount(ctx, a, h)
	}
	list, next, err := h.Search(ctx, s.SearchQuery)
	if err != nil {
		return err
	}
	for i, f := range list {
		if f.Actor == nil {
			continue
		}
		through, err := h.Sightings(ctx, f.Actor.IRI)
		if err != nil {
			return err
		}
		list[i].Through = through[f.Actor.IRI]
	}
	if list == nil {
		list = []node.Found{}
		a.tell("%s", none)
	}
	if next != "" {
		a.tell("There are more: --before %s", next)
	}
	answer := struct {
		Found []node.Found `json:"found"`
		Next  string       `json:"next,omitempty"`
	}{list, next}
	return a.show(answer, func(w io.Writer) {
		table(w, func(row func(...any)) {
			for _, f := range list {
				row(foundRow(ctx, h, f)...)
			}
		})
	})
}

func (s *search) showCount(ctx context.Context, a *app, h *house) error {
	n, err := h.CountFound(ctx, s.SearchQuery)
	if err != nil {
		return err
	}
	answer := struct {
		Count int  `json:"count"`
		More  bool `json:"more,omitempty"` // than Count
	}{min(n, node.MaxCounted), n > node.MaxCounted}
	return a.show(answer, func(w io.Writer) {
		if answer.More {
			fmt.Fprintf(w, "more than %d\n", answer.Count)
			return
		}
		fmt.Fprintln(w, answer.Count)
	})
}

// foundRow says of one thing its kind, how to name it to other commands, whose it is, and what it is about.
func foundRow(ctx context.Context, h *house, f node.Found) []any {
	if f.Actor != nil {
		c := f.Actor.Coop
		about := []string{f.Actor.Name}
		for _, s := range []string{c.Place.Locality, c.Place.Country} {
			if s != "" {
				about = append(about, s)
			}
		}
		return []any{f.Kind, f.Actor.Address(), "", strings.Join(about, ", ") + throughText(f.Through)}
	}
	b := f.Object.Common()
	kind := f.Kind
	if o, ok := f.Object.(*node.Opening); ok {
		kind += " " + statusText(h, o)
	}
	by := node.HostOf(b.Actor)
	if who, err := h.ActorOf(ctx, b.Actor); err == nil {
		by = who.Address()
	}
	return []any{kind, b.ID, by, title(b)}
}

// throughText names the hosts through whose lists somebody is known, each once.
func throughText(list []*node.Sighting) string {
	var hosts []string
	for _, s := range list {
		if host := node.HostOf(s.Through); !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	if len(hosts) == 0 {
		return ""
	}
	return "  (known through " + strings.Join(hosts, ", ") + ")"
}
