package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

func inboxCommand(a *app) *cobra.Command {
	return group("inbox", "What others say to this coop and beneath what it said",
		inboxList(a), inboxShow(a), inboxReply(a), inboxRead(a),
		inboxHide(a, "hide REF...", "Take what others said off our pages",
			"Takes answers, or anything else that others published, off all pages, feeds and collections of this node. REF is the id or the address, of a post the beginning of the id will do. Nobody is told, and it stays where it came from. It can be put back with: coopnode inbox unhide REF", true),
		inboxHide(a, "unhide REF...", "Put back what was hidden", "", false),
	)
}

func inboxList(a *app) *cobra.Command {
	var q node.ConversationQuery
	var state string
	cmd := &cobra.Command{
		Use: "list", Short: "Conversations, the one with the newest word first", Args: argsBetween(0, 0),
		Long: "Lists what others say to this coop: answers to what it published, posts that name it, letters to it alone, and what stands deeper in its conversations.\nA * is unread; \"handled\" is what was answered or hidden.",
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			if q.State = node.Attention(state); state != "" {
				if err := knownState(q.State); err != nil {
					return err
				}
			}
			list, err := h.Conversations(ctx, q)
			if err != nil {
				return err
			}
			if list == nil {
				list = []*node.Conversation{}
			}
			if len(list) == 0 {
				a.tell("Nothing is there.")
			}
			return a.show(list, func(w io.Writer) {
				for i, c := range list {
					if a.quiet {
						writeIDs(w, c)
						continue
					}
					if i > 0 {
						fmt.Fprintln(w)
					}
					writeConversation(w, h, c)
				}
			})
		}),
	}
	cmd.Flags().StringVar(&state, "state", "", "only those with something in this state: unread, read, handled")
	cmd.Flags().IntVar(&q.Limit, "limit", 20, "how many conversations at most, 1 to 200")
	cmd.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(words(node.Attentions), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func writeIDs(w io.Writer, c *node.Conversation) {
	for _, m := range c.Remarks {
		fmt.Fprintln(w, m.Object.Common().ID)
	}
}

func knownState(s node.Attention) error {
	for _, known := range node.Attentions {
		if s == known {
			return nil
		}
	}
	return wrongUse("There is no state %q. There are: unread, read, handled.", s)
}

// writeConversation shows where a conversation stands and the newest words in it.
func writeConversation(w io.Writer, h *house, c *node.Conversation) {
	fmt.Fprintln(w, oneLine(conversationTitle(h, c)))
	if more := c.Count - len(c.Remarks); more > 0 {
		fmt.Fprintf(w, "  %d earlier\n", more)
	}
	table(w, func(row func(...any)) {
		for _, m := range c.Remarks {
			row("  "+stateMark(m), m.Object.Common().ID, moment(m.At), remarkAuthor(m), title(m.Object.Common()))
		}
	})
}

// conversationTitle names what a conversation is about, with what is counted of it.
func conversationTitle(h *house, c *node.Conversation) string {
	name := "In a conversation at " + node.HostOf(c.Root)
	if c.Subject != nil {
		b := c.Subject.Common()
		switch name = title(b); {
		case !b.Deleted.IsZero():
			name = "Something that was deleted"
		case b.Audience == node.Direct && b.Local:
			name = "Letter of ours: " + name
		case b.Local:
			name = article(b.Type) + " of ours, " + b.ID + ": " + name
		default:
			name = "From " + node.HostOf(b.Actor) + ": " + name
		}
		name = strings.ToUpper(name[:1]) + name[1:] + countsText(b)
	}
	if c.Unread > 0 {
		name += fmt.Sprintf("  [%d unread]", c.Unread)
	}
	return name
}

// countsText tells likes and shares, where there are any.
func countsText(b *node.Base) string {
	var parts []string
	for _, c := range []struct {
		n         int
		one, more string
	}{{b.Likes, "like", "likes"}, {b.Shares, "share", "shares"}} {
		if c.n == 1 {
			parts = append(parts, "1 "+c.one)
		} else if c.n > 1 {
			parts = append(parts, fmt.Sprint(c.n, " ", c.more))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "  (" + strings.Join(parts, ", ") + ")"
}

// stateMark is * for what is unread, and says what else is to be known of a remark.
func stateMark(m *node.Remark) string {
	mark := " "
	if m.State == node.Unread {
		mark = "*"
	}
	words := []string{string(m.Why)}
	if m.State == node.Handled {
		words = append(words, "handled")
	}
	if !m.Object.Common().Hidden.IsZero() {
		words = append(words, "hidden")
	}
	return mark + " " + strings.Join(words, ", ")
}

func remarkAuthor(m *node.Remark) string {
	if m.Author == nil {
		return node.HostOf(m.Object.Common().Actor)
	}
	return m.Author.Address()
}

func inboxShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show REF", Short: "Read one conversation", Args: argsBetween(1, 1), ValidArgsFunction: a.completeRemarks,
		Long: "Shows the whole conversation in which a post stands, oldest first, and takes what is in it as read. REF is the id, the beginning of the id, or the address of any post in it.",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			o, err := h.find(ctx, node.TypePost, args[0])
			if err != nil {
				return err
			}
			thread, err := h.thread(ctx, o.Common())
			if err != nil {
				return err
			}
			if _, err := h.MarkRemarks(ctx, node.RemarkQuery{Thread: rootOf(o.Common()), State: node.Unread}, node.Read); err != nil {
				return err
			}
			return a.show(thread, func(w io.Writer) {
				for i, o := range thread {
					if i > 0 {
						fmt.Fprintln(w)
					}
					writePost(ctx, w, h, o)
				}
			})
		}),
	}
}

// rootOf is the address of the object at the root of the conversation in which b stands.
func rootOf(b *node.Base) string {
	if b.Thread != "" {
		return b.Thread
	}
	return b.IRI
}

// thread gives a conversation with its root, if that is here, oldest first.
func (h *house) thread(ctx context.Context, b *node.Base) ([]node.Object, error) {
	root, err := h.Object(ctx, rootOf(b))
	all := []node.Object{}
	if err == nil {
		all = append(all, root)
	} else if !node.IsNotFound(err) {
		return nil, err
	}
	rest, err := h.objects(ctx, node.ObjectQuery{Thread: rootOf(b)}, 1000)
	return append(all, rest...), err
}

// writePost shows a post of a conversation: whose, for whom, what it answers, and what it says.
func writePost(ctx context.Context, w io.Writer, h *house, o node.Object) {
	b := o.Common()
	facts := []string{b.ID, h.nameOf(ctx, b.Actor), when(b), string(b.Audience)}
	if !b.Hidden.IsZero() {
		facts = append(facts, "hidden by "+b.HiddenBy)
	}
	fmt.Fprintln(w, "-- "+oneLine(strings.Join(facts, ", "))+countsText(b))
	if b.InReplyTo != "" {
		fmt.Fprintln(w, "   answers "+oneLine(b.InReplyTo))
	}
	if p, ok := o.(*node.Post); ok && p.Warning != "" {
		fmt.Fprintln(w, "   its author warns: "+oneLine(p.Warning))
	}
	writeText(w, b.TextIn(""), false)
}

func inboxReply(a *app) *cobra.Command {
	form := form[*node.Post]{
		textField(func(p *node.Post) *node.Base { return &p.Base }),
		langField(func(p *node.Post) *node.Base { return &p.Base }, "language"),
		audienceField(func(p *node.Post) *node.Base { return &p.Base }),
	}
	cmd := &cobra.Command{
		Use: "reply REF", Short: "Answer somebody", Args: argsBetween(1, 1), ValidArgsFunction: a.completeRemarks,
		Long:    "Publishes an answer to a post, for the same readers as the post unless --audience says otherwise: a letter to this coop alone is answered to its author alone. The post then counts as handled.",
		Example: "  coopnode inbox reply 7f3c --text 'Yes, from Monday on.'",
	}
	given := form.flags(a, cmd)
	cmd.RunE = a.on(func(ctx context.Context, h *house, args []string) error {
		values, err := given()
		if err != nil {
			return err
		}
		if len(values["text"]) == 0 {
			return wrongUse("Say what to answer: --text '...', or --text-file FILE.")
		}
		to, err := h.find(ctx, node.TypePost, args[0])
		if err != nil {
			return err
		}
		p := postNoun.new()
		p.InReplyTo, p.Audience = to.Common().IRI, to.Common().Audience
		if err := form.fill("The command line", p, values); err != nil {
			return err
		}
		if err := h.Publish(ctx, a.by(), p); err != nil {
			return err
		}
		return postNoun.said(ctx, a, h, p)
	})
	return cmd
}

func inboxRead(a *app) *cobra.Command {
	var as string
	var all bool
	cmd := &cobra.Command{
		Use: "read REF...|--all", Short: "Take as read, as handled, or as unread again", Args: argsBetween(0, -1), ValidArgsFunction: a.completeRemarks,
		Example: "  coopnode inbox read --all\n  coopnode inbox read 7f3c --as handled",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			to := node.Attention(as)
			if err := knownState(to); err != nil {
				return err
			}
			var queries []node.RemarkQuery
			switch {
			case all && len(args) > 0:
				return wrongUse("Name some, or say --all; not both.")
			case all && to != node.Read:
				return wrongUse("All at once can only be taken as read.")
			case all:
				queries = append(queries, node.RemarkQuery{State: node.Unread})
			case len(args) == 0:
				return wrongUse("Say which: their ids, or --all.")
			}
			for _, ref := range args {
				o, err := h.find(ctx, node.TypePost, ref)
				if err != nil {
					return err
				}
				queries = append(queries, node.RemarkQuery{Object: o.Common().IRI})
			}
			total := 0
			for _, q := range queries {
				n, err := h.MarkRemarks(ctx, q, to)
				if err != nil {
					return err
				}
				total += n
			}
			a.tell("%d marked as %s.", total, to)
			return a.show(map[string]int{"marked": total}, nil)
		}),
	}
	cmd.Flags().StringVar(&as, "as", string(node.Read), "unread, read or handled")
	cmd.Flags().BoolVar(&all, "all", false, "all that are unread")
	return cmd
}

func inboxHide(a *app, use, short, long string, hide bool) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long, Args: argsBetween(1, -1), ValidArgsFunction: a.completeRemarks,
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			done := make([]string, 0, len(args))
			for _, ref := range args {
				o, err := h.Object(ctx, ref)
				if node.IsNotFound(err) {
					o, err = h.findBeginning(ctx, node.TypePost, ref)
				}
				if err != nil {
					return err
				}
				b := o.Common()
				if _, err := h.Hide(ctx, a.by(), b.IRI, hide); err != nil {
					return err
				}
				done = append(done, b.ID)
				if hide {
					a.tell("%s is hidden. Nobody was told.", b.ID)
				} else {
					a.tell("%s is shown again.", b.ID)
				}
			}
			word := "shown"
			if hide {
				word = "hidden"
			}
			return a.show(map[string][]string{word: done}, nil)
		}),
	}
}

// completeRemarks offers the ids of what came in, with what it says.
func (a *app) completeRemarks(cmd *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	h, err := a.openHouse(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer h.db.Close()
	list, err := h.Conversations(cmd.Context(), node.ConversationQuery{})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	for _, c := range list {
		for _, m := range c.Remarks {
			if b := m.Object.Common(); strings.HasPrefix(b.ID, typed) {
				out = append(out, cobra.CompletionWithDesc(b.ID, oneLine(title(b))))
			}
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
