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

func followCommand(a *app) *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use: "follow ADDRESS...", Short: "Hear what others publish", Args: argsBetween(1, -1),
		Long: "Asks others to send what they publish. ADDRESS is @handle@host, the host of a coop, or the address of an actor. With --wait " +
			"it stays until they have answered and what they published before is read back, and shows how far that is.",
		Example: "  coopnode follow @trenza@trenza.example\n  coopnode follow trenza.example bretema.example",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			w, err := h.wire(ctx, a.commandLog())
			if err != nil {
				return err
			}
			defer w.Close()
			asked := make([]*node.Following, 0, len(args))
			var failed error
			for _, address := range args {
				who, err := w.Find(ctx, address)
				if err == nil {
					var f *node.Following
					if f, err = h.Follow(ctx, a.by(), who); err == nil {
						f.Who = who
						asked = append(asked, f)
					}
				}
				if err != nil {
					err = fmt.Errorf("follow %s: %w", address, err)
					if len(args) > 1 {
						a.complain(err)
					}
					failed = err
				}
			}
			if len(asked) > 0 {
				a.tell("The server sends what was asked; what they publish then comes to: coopnode timeline")
			}
			if wait {
				if asked, err = a.waitFollowed(ctx, h, asked); err != nil {
					return err
				}
			}
			if err := a.show(asked, func(w io.Writer) { writeFollowing(w, asked) }); err != nil || failed == nil || len(args) == 1 {
				return firstError(err, failed)
			}
			return &node.Error{Op: "follow", Kind: node.KindOf(failed), Text: fmt.Sprintf("%d of %d could not be followed.", len(args)-len(asked), len(args))}
		}),
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "stay until they have answered and their outbox is read")
	return cmd
}

// waitFollowed waits until all who were asked have answered and been read, and gives how they stand then.
func (a *app) waitFollowed(ctx context.Context, h *house, asked []*node.Following) ([]*node.Following, error) {
	told := time.Time{}
	for {
		under, err := h.Readings(ctx)
		if err != nil {
			return nil, err
		}
		waiting, read, total := 0, 0, 0
		for _, f := range asked {
			now, err := h.Store().Followed(ctx, f.Actor)
			if err != nil {
				return nil, err
			}
			f.State, f.Since = now.State, now.Since
			if f.Reading = nil; now.State == node.Accepted {
				if r, ok := under[f.Actor]; ok {
					f.Reading, read, total = &r, read+r.Read, total+r.Total
				}
			}
			if f.State == node.Pending || f.Reading != nil {
				waiting++
			}
		}
		if a.asks() {
			fmt.Fprintf(a.errOut, "\r%d of %d followed, %s\033[K", len(asked)-waiting, len(asked), entries(read, total))
		} else if waiting == 0 || time.Since(told) > 10*time.Second {
			told = time.Now()
			a.tell("%d of %d followed, %s", len(asked)-waiting, len(asked), entries(read, total))
		}
		if waiting == 0 {
			if a.asks() {
				fmt.Fprintln(a.errOut)
			}
			return asked, nil
		}
		select {
		case <-ctx.Done():
			return asked, nil // what is not done goes on in the server
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// entries tells how far an outbox is read.
func entries(read, total int) string {
	if total == 0 {
		return fmt.Sprintf("%d entries read", read)
	}
	return fmt.Sprintf("%d of %d entries read", read, total)
}

func unfollowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "unfollow ADDRESS...", Short: "Stop hearing from others", Args: argsBetween(1, -1), ValidArgsFunction: a.completeFollowed,
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			var done []string
			for _, address := range args {
				f, err := h.amongst(ctx, h.Following, address, "You do not follow %s. Whom you follow: coopnode following list")
				if err != nil {
					return err
				}
				if err := h.Unfollow(ctx, a.by(), f.Actor); err != nil {
					return err
				}
				done = append(done, f.Actor)
				a.tell("You no longer follow %s. What it has published so far stays here.", nameIn(f))
			}
			return a.show(map[string][]string{"unfollowed": done}, nil)
		}),
	}
}

func followersCommand(a *app) *cobra.Command {
	g := group("followers", "Those who follow this coop", listCommand(a, "Those who follow this coop, newest first", (*node.Node).Followers))
	for _, verb := range []struct {
		use, short, done string
		accept           bool
	}{
		{"approve ADDRESS...", "Let somebody follow who has asked", "%s may follow this coop now.", true},
		{"remove ADDRESS...", "Refuse or remove a follower", "%s does not follow this coop any more.", false},
	} {
		g.AddCommand(&cobra.Command{
			Use: verb.use, Short: verb.short, Args: argsBetween(1, -1), ValidArgsFunction: a.completeFollowers,
			RunE: a.on(func(ctx context.Context, h *house, args []string) error {
				var done []string
				for _, address := range args {
					f, err := h.amongst(ctx, h.Followers, address, "%s does not follow this coop. Who does: coopnode followers list")
					if err != nil {
						return err
					}
					if err := h.AnswerFollower(ctx, a.by(), f.Actor, verb.accept); err != nil {
						return err
					}
					done = append(done, f.Actor)
					a.tell(verb.done, nameIn(f))
				}
				word, _, _ := strings.Cut(verb.use, " ")
				return a.show(map[string][]string{strings.TrimSuffix(word, "e") + "ed": done}, nil)
			}),
		})
	}
	return g
}

func followingCommand(a *app) *cobra.Command {
	return group("following", "Those whom this coop follows", listCommand(a, "Those whom this coop follows, newest first", followingRead))
}

// followingRead is Following, with how far the outbox of those is read that were followed just now.
func followingRead(n *node.Node, ctx context.Context, q node.FollowQuery) ([]*node.Following, error) {
	list, err := n.Following(ctx, q)
	if err != nil {
		return nil, err
	}
	under, err := n.Readings(ctx)
	for _, f := range list {
		if r, ok := under[f.Actor]; ok && f.State == node.Accepted {
			f.Reading = &r
		}
	}
	return list, err
}

// followList is Followers or Following of a node.
type followList func(ctx context.Context, q node.FollowQuery) ([]*node.Following, error)

func listCommand(a *app, short string, list func(*node.Node, context.Context, node.FollowQuery) ([]*node.Following, error)) *cobra.Command {
	var state string
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: short, Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			q := node.FollowQuery{State: node.FollowState(state)}
			all, err := everybody(ctx, func(ctx context.Context, q node.FollowQuery) ([]*node.Following, error) { return list(h.Node, ctx, q) }, q, limit)
			if err != nil {
				return err
			}
			return a.show(all, func(w io.Writer) { writeFollowing(w, all) })
		}),
	}
	cmd.Flags().StringVar(&state, "state", "", "only those: pending, accepted, rejected, moved")
	cmd.Flags().IntVar(&limit, "limit", 0, "how many at most; 0 for all")
	return cmd
}

// everybody reads the pages of a list until limit; 0 is all. It is never nil.
func everybody(ctx context.Context, list followList, q node.FollowQuery, limit int) ([]*node.Following, error) {
	all := []*node.Following{}
	for {
		q.Limit = 1000
		if limit > 0 {
			q.Limit = min(q.Limit, limit-len(all))
		}
		page, err := list(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < q.Limit || limit > 0 && len(all) >= limit {
			return all, nil
		}
		q.Before = page[len(page)-1].Actor
	}
}

func writeFollowing(w io.Writer, list []*node.Following) {
	table(w, func(row func(...any)) {
		for _, f := range list {
			name, handle := "", f.Actor
			if f.Who != nil {
				name, handle = f.Who.Name, f.Who.Address()
				if f.Who.MovedTo != "" {
					name += "  (has moved to " + f.Who.MovedTo + ")"
				}
			}
			state := string(f.State)
			if f.Reading != nil {
				state += ", " + entries(f.Reading.Read, f.Reading.Total)
			}
			row(handle, state, moment(f.Since), name)
		}
	})
}

// amongst finds the one in a list that an address means: a handle, a host, or an address on the web.
func (h *house) amongst(ctx context.Context, list followList, address, none string) (*node.Following, error) {
	all, err := everybody(ctx, list, node.FollowQuery{}, 0)
	if err != nil {
		return nil, err
	}
	var found []*node.Following
	for _, f := range all {
		switch {
		case f.Actor == address,
			f.Who != nil && (f.Who.URL == address || strings.EqualFold(strings.TrimPrefix(f.Who.Address(), "@"), strings.TrimPrefix(address, "@"))):
			return f, nil
		case node.HostOf(f.Actor) == strings.ToLower(address), f.Who != nil && strings.EqualFold(f.Who.Host, address):
			found = append(found, f)
		}
	}
	switch len(found) {
	case 0:
		return nil, missing(none, address)
	case 1:
		return found[0], nil
	}
	return nil, wrongUse("There are %d of %s. Write the whole address: %s ...", len(found), address, nameIn(found[0]))
}

func nameIn(f *node.Following) string {
	if f.Who == nil {
		return f.Actor
	}
	return f.Who.Address()
}

func (a *app) completeFollowers(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return a.completeActors(cmd, (*node.Node).Followers)
}

func (a *app) completeFollowed(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return a.completeActors(cmd, (*node.Node).Following)
}

func (a *app) completeActors(cmd *cobra.Command, list func(*node.Node, context.Context, node.FollowQuery) ([]*node.Following, error)) ([]cobra.Completion, cobra.ShellCompDirective) {
	h, err := a.openHouse(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer h.db.Close()
	all, err := list(h.Node, cmd.Context(), node.FollowQuery{Limit: 1000})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	for _, f := range all {
		out = append(out, cobra.Completion(nameIn(f)))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
