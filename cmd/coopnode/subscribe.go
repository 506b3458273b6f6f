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

func subscribeCommand(a *app) *cobra.Command {
	var wait bool
	var every time.Duration
	cmd := &cobra.Command{
		Use: "subscribe ADDRESS", Short: "Read a list again and again, without following anybody", Args: argsBetween(1, 1),
		Long: "Reads what somebody publishes or passes on, every hour, without asking to follow: the outbox of a federation, a coop or anybody else, " +
			"or a JSON file on a web server. ADDRESS is @handle@host, a host, the address of an actor, of its page or of the list. " +
			"Nobody there is told. With --wait it stays until the list was read once.",
		Example: "  coopnode subscribe @ponte@ponte.example\n  coopnode subscribe https://files.example/openings.json --every 24h",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			w, err := h.wire(ctx, a.commandLog())
			if err != nil {
				return err
			}
			defer w.Close()
			s, err := w.FindList(ctx, args[0])
			if err != nil {
				return err
			}
			s.Minutes = max(int(every/time.Minute), 1)
			if err := h.Subscribe(ctx, a.by(), s); err != nil {
				return err
			}
			a.tell("The server reads it at once and then every %s; what stands there comes to: coopnode timeline", shortly(s.Every()))
			if wait {
				if s, err = a.waitRead(ctx, h, s); err != nil {
					return err
				}
			}
			return a.show(s, func(w io.Writer) { writeSubscriptions(w, []*node.Subscription{s}) })
		}),
	}
	cmd.Flags().DurationVar(&every, "every", node.NormalPoll, "how often it is read: 15m to 168h")
	cmd.Flags().BoolVar(&wait, "wait", false, "stay until it was read once")
	cmd.AddCommand(subscribeListCommand(a), subscribeRemoveCommand(a))
	return cmd
}

func subscribeListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "What this node reads without following", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			list, err := h.Subscriptions(ctx)
			if err != nil {
				return err
			}
			if list == nil {
				list = []*node.Subscription{}
			}
			return a.show(list, func(w io.Writer) { writeSubscriptions(w, list) })
		}),
	}
}

func subscribeRemoveCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "remove ADDRESS...", Short: "Do not read a list any more", Args: argsBetween(1, -1), ValidArgsFunction: a.completeSubscriptions,
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			done := []string{}
			for _, address := range args {
				s, err := h.subscribed(ctx, address)
				if err != nil {
					return err
				}
				if err := h.Unsubscribe(ctx, a.by(), s.Source); err != nil {
					return err
				}
				done = append(done, s.Source)
				a.tell("%s is not read any more. What it alone has brought left the timeline.", subscriptionName(s))
			}
			return a.show(map[string][]string{"removed": done}, nil)
		}),
	}
}

// waitRead waits until a list was read once, or could not be, and shows how far it is.
func (a *app) waitRead(ctx context.Context, h *house, s *node.Subscription) (*node.Subscription, error) {
	told := time.Time{}
	for {
		now, err := h.subscribed(ctx, s.Source)
		if err != nil {
			return nil, err
		}
		far, waiting := "", now.Trouble == "" && now.Reading != nil
		switch {
		case waiting:
			far = entries(now.Reading.Read, now.Reading.Total)
		case now.Trouble != "":
			far = "It cannot be read now, the server tries again: " + now.Trouble
		default:
			far = "It is read. See: coopnode timeline"
		}
		if a.asks() {
			fmt.Fprintf(a.errOut, "\r%s\033[K", oneLine(far))
		} else if !waiting || time.Since(told) > 10*time.Second {
			told = time.Now()
			a.tell("%s", oneLine(far))
		}
		if !waiting {
			if a.asks() {
				fmt.Fprintln(a.errOut)
			}
			return now, nil
		}
		select {
		case <-ctx.Done():
			return now, nil // what is not done goes on in the server
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// subscribed finds the subscription that an address means.
func (h *house) subscribed(ctx context.Context, address string) (*node.Subscription, error) {
	all, err := h.Subscriptions(ctx)
	if err != nil {
		return nil, err
	}
	var found []*node.Subscription
	for _, s := range all {
		who := s.Who
		switch {
		case s.Source == address, s.List == address,
			who != nil && (who.URL == address || strings.EqualFold(strings.TrimPrefix(who.Address(), "@"), strings.TrimPrefix(address, "@"))):
			return s, nil
		case node.HostOf(s.Source) == strings.ToLower(address), who != nil && strings.EqualFold(who.Host, address):
			found = append(found, s)
		}
	}
	switch len(found) {
	case 0:
		return nil, missing("There is no subscription to %s. There are: coopnode subscribe list", address)
	case 1:
		return found[0], nil
	}
	return nil, wrongUse("There are %d at %s. Write the whole address: %s ...", len(found), address, found[0].Source)
}

func writeSubscriptions(w io.Writer, list []*node.Subscription) {
	table(w, func(row func(...any)) {
		for _, s := range list {
			state := "not read yet"
			switch {
			case s.Trouble != "":
				state = "cannot be read: " + s.Trouble
			case s.Reading != nil && s.Reading.Read > 0:
				state = entries(s.Reading.Read, s.Reading.Total)
			case !s.Read.IsZero():
				state = "read " + moment(s.Read)
			}
			name := ""
			if s.Who != nil {
				name = s.Who.Name
			}
			row(subscriptionName(s), "every "+shortly(s.Every()), state, name)
		}
	})
}

func subscriptionName(s *node.Subscription) string {
	if s.Who == nil {
		return s.Source
	}
	return s.Who.Address()
}

// shortly writes a time between two readings: 15m, 1h, 1h30m, 7d.
func shortly(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	s := strings.TrimSuffix(d.String(), "0s")
	if d%time.Hour == 0 {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func (a *app) completeSubscriptions(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	h, err := a.openHouse(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer h.db.Close()
	all, err := h.Subscriptions(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	for _, s := range all {
		out = append(out, cobra.Completion(subscriptionName(s)))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
