package main

import (
	"context"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
)

// allowed is what block allowlist answers.
type allowed struct {
	On    bool     `json:"on"`
	Hosts []string `json:"hosts"`
}

func allowList(a *app) *cobra.Command {
	show := func(ctx context.Context, h *house) error {
		rules, err := h.Rules(ctx)
		if err != nil {
			return err
		}
		list := allowed{Hosts: []string{}}
		for _, r := range rules {
			if r.Allow {
				list.Hosts = append(list.Hosts, r.Target)
			}
			list.On = list.On || r.Target == node.Everybody
		}
		if list.On {
			a.tell("This coop has contact only with the hosts on this list and their subdomains. To end that: coopnode block allowlist off")
		} else {
			a.tell("The allow list is off: this coop has contact with everybody who is not blocked.")
		}
		return a.show(list, func(w io.Writer) {
			table(w, func(row func(...any)) {
				for _, host := range list.Hosts {
					row(host)
				}
			})
		})
	}
	g := group("allowlist", "Contact only with servers on a list")
	g.Args, g.RunE = needCommand, a.on(func(ctx context.Context, h *house, _ []string) error { return show(ctx, h) })
	g.Long = "Shows the list and whether it is on. While it is on this coop has no contact with anybody else, as if everybody else were rejected. A block beats the list."

	everybody := []*node.Rule{{Target: node.Everybody, Severity: node.SeverityReject}}
	hosts := func(_ context.Context, _ *house, args []string) ([]*node.Rule, error) {
		var rules []*node.Rule
		for _, address := range args {
			host, ok := activitypub.HostIn(address)
			if !ok {
				return nil, wrongUse("%q is no host. The allow list holds names like coop.example.", address)
			}
			rules = append(rules, &node.Rule{Target: host, Allow: true})
		}
		return rules, nil
	}
	listed := func(ctx context.Context, h *house, args []string) ([]*node.Rule, error) {
		rules, err := hosts(ctx, h, args)
		if err != nil {
			return nil, err
		}
		all, err := h.Rules(ctx)
		for i, r := range rules {
			if err == nil && !slices.ContainsFunc(all, func(have *node.Rule) bool { return have.Allow && have.Target == r.Target }) {
				err = missing("%s is not on the allow list. See: coopnode block allowlist", args[i])
			}
		}
		return rules, err
	}
	mode := func(context.Context, *house, []string) ([]*node.Rule, error) { return everybody, nil }
	for _, verb := range []struct {
		use, short string
		low, high  int
		of         func(context.Context, *house, []string) ([]*node.Rule, error)
		set        bool
	}{
		{"add HOST...", "Put servers on the list", 1, -1, hosts, true},
		{"remove HOST...", "Take servers off the list", 1, -1, listed, false},
		{"on", "From now on only the list", 0, 0, mode, true},
		{"off", "From now on everybody who is not blocked", 0, 0, mode, false},
	} {
		var yes bool
		cmd := &cobra.Command{Use: verb.use, Short: verb.short, Args: argsBetween(verb.low, verb.high),
			RunE: a.on(func(ctx context.Context, h *house, args []string) error {
				rules, err := verb.of(ctx, h, args)
				if err != nil {
					return err
				}
				set, drop := rules, []*node.Rule(nil)
				if !verb.set {
					set, drop = nil, rules
				}
				if err := a.sureOfRules(ctx, h, yes, set, drop); err != nil {
					return err
				}
				done, err := h.ChangeRules(ctx, a.by(), set, drop)
				if err != nil {
					return err
				}
				a.tellChange(done)
				return show(ctx, h)
			})}
		cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
		g.AddCommand(cmd)
	}
	return g
}
