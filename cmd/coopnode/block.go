package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
)

func blockCommand(a *app) *cobra.Command {
	return group("block", "Servers and people with whom this coop has no contact, or less",
		blockAdd(a), blockList(a), blockShow(a), blockRemove(a), blockPurge(a), blockImport(a), blockExport(a), allowList(a))
}

// severityWords are ours, and what others call the same.
var severityWords = map[string]node.Severity{"suspend": node.SeverityReject, "silence": node.SeverityLimit, "noop": node.SeverityNone}

// blockFlags are what block add was told of a rule.
type blockFlags struct {
	severity, comment, public string
	media, reports, yes       bool
}

func blockAdd(a *app) *cobra.Command {
	var f blockFlags
	cmd := &cobra.Command{
		Use: "add ADDRESS...", Short: "Have no contact with a server or a person, or less", Args: argsBetween(1, -1),
		Long: "Makes a rule, or changes the one that is there. ADDRESS is a host, with all its subdomains, or @handle@host or the address " +
			"of one actor. Follows with whom is rejected end in both directions, nobody is told, and what they wrote is hidden.",
		Example: "  coopnode block add spam.example --comment 'advertising'\n  coopnode block add loud.example --severity limit\n  coopnode block add @troll@big.example",
	}
	cmd.RunE = a.on(func(ctx context.Context, h *house, args []string) error {
		p, err := h.Policy(ctx)
		if err != nil {
			return err
		}
		var rules []*node.Rule
		for _, address := range args {
			target, err := h.ruleTarget(ctx, a, address)
			if err != nil {
				return err
			}
			r, err := f.rule(cmd, p.Rule(target), target)
			if err != nil {
				return err
			}
			rules = append(rules, r)
		}
		if err := a.sureOfRules(ctx, h, f.yes, rules, nil); err != nil {
			return err
		}
		done, err := h.ChangeRules(ctx, a.by(), rules, nil)
		if err != nil {
			return err
		}
		a.tellChange(done)
		if p, err = h.Policy(ctx); err != nil {
			return err
		}
		for i, r := range rules { // as they are kept
			rules[i] = p.Rule(r.Target)
		}
		return a.show(rules, func(w io.Writer) { writeRules(w, rules) })
	})
	cmd.Flags().StringVar(&f.severity, "severity", "", "reject: no contact; limit: not shown publicly; none: only what follows")
	cmd.Flags().BoolVar(&f.media, "reject-media", false, "no pictures from there")
	cmd.Flags().BoolVar(&f.reports, "reject-reports", false, "no reports from there")
	cmd.Flags().StringVar(&f.comment, "comment", "", "why, for yourselves")
	cmd.Flags().StringVar(&f.public, "public-comment", "", "why, for whom you give your list to")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	cmd.RegisterFlagCompletionFunc("severity", cobra.FixedCompletions([]cobra.Completion{"reject", "limit", "none"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// rule is what the flags make of the rule that is there, nil for none: what was not said stays.
func (f *blockFlags) rule(cmd *cobra.Command, old *node.Rule, target string) (*node.Rule, error) {
	said := cmd.Flags().Changed
	r := node.Rule{Target: target, Severity: node.SeverityReject}
	switch {
	case old != nil:
		r = *old
	case said("reject-media") || said("reject-reports"):
		r.Severity = node.SeverityNone
	}
	if said("severity") {
		word := strings.ToLower(f.severity)
		if s, theirs := severityWords[word]; theirs {
			word = string(s)
		}
		r.Severity = node.Severity(word)
	}
	if said("reject-media") {
		r.RejectMedia = f.media
	}
	if said("reject-reports") {
		r.RejectReports = f.reports
	}
	if said("comment") {
		r.Comment = f.comment
	}
	if said("public-comment") {
		r.PublicComment = f.public
	}
	return &r, r.Validate()
}

// ruleTarget is what a rule for an address is about: a host, or the id of an actor. A person whom this node does not
// know is looked up; where that fails a web address is taken as the id itself.
func (h *house) ruleTarget(ctx context.Context, a *app, address string) (string, error) {
	address = strings.TrimSpace(address)
	if host, ok := activitypub.HostIn(address); ok {
		if is, official := activitypub.PublicSuffix(host); is && official {
			return "", wrongUse("Everybody can have a name under %s. Name the servers that you mean.", host)
		}
		return host, nil
	}
	who, err := h.someone(ctx, a, address)
	switch {
	case err == nil:
		return who.IRI, nil
	case strings.Contains(address, "://") && node.KindOf(err) != node.Invalid:
		a.tell("%s cannot be looked up now, so it is taken as the address of the actor itself.", address)
		return node.RuleTargets(address)[0], nil
	}
	return "", fmt.Errorf("find %s: %w", address, err)
}

// sureOfRules asks before follows end, which nothing brings back.
func (a *app) sureOfRules(ctx context.Context, h *house, yes bool, set, drop []*node.Rule) error {
	if yes || !a.asks() {
		return nil
	}
	would, err := h.TryRules(ctx, set, drop)
	if err != nil || would.Followers+would.Following == 0 {
		return err
	}
	return a.sure(false, "This ends %d follows of this coop and %d of others, for good.", would.Following, would.Followers)
}

// tellChange says what a change of the rules did besides.
func (a *app) tellChange(c *node.RuleChange) {
	var did []string
	for _, part := range []struct {
		n    int
		text string
	}{
		{c.Followers, "%d do not follow this coop any more"}, {c.Following, "this coop does not follow %d any more"},
		{c.Deliveries, "%d letters to them will not go"}, {c.Shares, "%d shares of theirs are taken back"}, {c.Hidden, "of %d known actors less is shown"}, {c.Shown, "of %d known actors more is shown again"},
	} {
		if part.n > 0 {
			did = append(did, fmt.Sprintf(part.text, part.n))
		}
	}
	switch {
	case c.Set+c.Dropped == 0:
		a.tell("That is so already. Nothing was changed.")
	case len(did) == 0:
		a.tell("It holds from now on. A running server notices within a second.")
	default:
		a.tell("It holds from now on: %s.", strings.Join(did, "; "))
	}
}

func writeRules(w io.Writer, rules []*node.Rule) {
	table(w, func(row func(...any)) {
		for _, r := range rules {
			row(r.Target, ruleText(r), moment(r.Since), r.Comment)
		}
	})
}

// ruleText says what a rule does, in a few words.
func ruleText(r *node.Rule) string {
	words := []string{}
	switch {
	case r.Allow:
		return "allow"
	case r.Severity != node.SeverityNone:
		words = append(words, string(r.Severity))
	}
	if r.RejectMedia {
		words = append(words, "no pictures")
	}
	if r.RejectReports {
		words = append(words, "no reports")
	}
	return strings.Join(words, ", ")
}

func blockList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "All rules", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			all, err := h.Rules(ctx)
			if err != nil {
				return err
			}
			rules := slices.DeleteFunc(all, func(r *node.Rule) bool { return r.Allow || r.Target == node.Everybody })
			if rules == nil {
				rules = []*node.Rule{}
			}
			if len(rules) == 0 {
				a.tell("There are no rules. Make one with: coopnode block add ADDRESS")
			}
			if len(rules) < len(all) {
				a.tell("There is an allow list too: coopnode block allowlist")
			}
			return a.show(rules, func(w io.Writer) { writeRules(w, rules) })
		}),
	}
}

// ruling is what block show answers.
type ruling struct {
	Address  string        `json:"address"`
	Severity node.Severity `json:"severity"` // all rules together; "" for none
	NoMedia  bool          `json:"rejectMedia"`
	NoReport bool          `json:"rejectReports"`
	Rules    []*node.Rule  `json:"rules"` // nearest first
}

func blockShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show ADDRESS", Short: "Which rules hold for a server or a person", Args: argsBetween(1, 1),
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			target, isHost := activitypub.HostIn(args[0])
			if !isHost {
				target = args[0]
				if who, err := h.actor(ctx, target); err == nil {
					target = who.IRI
				} else if !strings.Contains(target, "://") {
					return missing("This node does not know %s. Write its host, or the address of the actor.", target)
				}
			}
			p, err := h.Policy(ctx)
			if err != nil {
				return err
			}
			j := p.Of(target)
			r := ruling{target, j.Severity, j.NoMedia, j.NoReports, p.Rules(target)}
			if r.Rules == nil {
				r.Rules = []*node.Rule{}
				a.tell("No rule holds for %s.", target)
			}
			return a.show(r, func(w io.Writer) {
				for _, rule := range r.Rules {
					writeRule(w, rule)
				}
			})
		}),
	}
}

func writeRule(w io.Writer, r *node.Rule) {
	target := r.Target
	if target == node.Everybody {
		target = "whoever is not on the allow list"
	}
	table(w, func(row func(...any)) {
		row(target, ruleText(r))
		row("  since", moment(r.Since), "by "+r.By)
		for _, c := range [][2]string{{"  comment", r.Comment}, {"  public comment", r.PublicComment}} {
			if c[1] != "" {
				row(c[0], c[1])
			}
		}
	})
}

func blockRemove(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "remove ADDRESS...", Short: "Take a rule away", Args: argsBetween(1, -1), ValidArgsFunction: a.completeRules,
		Long: "Takes a rule away. What it hid is seen again; follows that it ended do not come back.",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			var drop []*node.Rule
			for _, address := range args {
				r, err := h.ruleFor(ctx, address)
				if err != nil {
					return err
				}
				drop = append(drop, r)
			}
			done, err := h.ChangeRules(ctx, a.by(), nil, drop)
			if err != nil {
				return err
			}
			a.tellChange(done)
			return a.show(done, nil)
		}),
	}
}

// ruleFor finds the rule that stands for exactly this address.
func (h *house) ruleFor(ctx context.Context, address string) (*node.Rule, error) {
	p, err := h.Policy(ctx)
	if err != nil {
		return nil, err
	}
	target := address
	if host, ok := activitypub.HostIn(address); ok {
		target = host
	} else if who, err := h.actor(ctx, address); err == nil {
		target = who.IRI
	}
	if r := p.Rule(target); r != nil && target != node.Everybody {
		return r, nil
	}
	return nil, missing("There is no rule for %s. There are: coopnode block list", address)
}

func blockPurge(a *app) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "purge ADDRESS", Short: "Delete for good what is kept of those whom a rule rejects", Args: argsBetween(1, 1), ValidArgsFunction: a.completeRules,
		Long: "Deletes what is kept of those whom the rule for ADDRESS rejects: what they wrote, liked and shared, and what is known of them. " +
			"The rule stays. Without this, all of it is only hidden, and seen again when the rule goes.",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			r, err := h.ruleFor(ctx, args[0])
			if err != nil {
				return err
			}
			if err := a.sure(yes, "All that is kept of %s is deleted for good.", r.Target); err != nil {
				return err
			}
			actors, objects, err := h.Purge(ctx, a.by(), r.Target)
			if err != nil {
				return err
			}
			a.tell("%d actors and %d posts, openings and projects are deleted.", actors, objects)
			return a.show(map[string]int{"actors": actors, "objects": objects}, nil)
		}),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (a *app) completeRules(cmd *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	h, err := a.openHouse(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer h.db.Close()
	all, err := h.Rules(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	for _, r := range all {
		if !r.Allow && r.Target != node.Everybody && strings.HasPrefix(r.Target, typed) && len(out) < 1000 {
			out = append(out, cobra.Completion(r.Target))
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
