package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

func postCommand(a *app) *cobra.Command {
	return group("post", "Posts, questions and answers", postNoun.verbs(a)...)
}

var postNoun = noun[*node.Post]{
	typ:   node.TypePost,
	new:   func() *node.Post { return &node.Post{Base: node.Base{Type: node.TypePost}} },
	form:  postForm,
	plain: true,
	title: "A new post. Only the text must be there.",
	head:  []any{"WHEN", "REPLIES", "TEXT"},
	row: func(h *house, p *node.Post) []any {
		return []any{when(&p.Base), p.Replies, titleAnd(h, &p.Base)}
	},
	shown: func(_ *house, p *node.Post) *node.Post { return p },
	lines: func(w io.Writer, _ *house, p *node.Post) { fieldLines(w, postForm, p, ""); writeBeside(w, p) },
	below: postThread,
	extra: func(cmd *cobra.Command, q *query) {
		cmd.Flags().StringVar(&q.project, "project", "", "only those of this project")
	},
	after: func(ctx context.Context, h *house, p *node.Post) string {
		return "It is published. " + h.audienceText(ctx, &p.Base)
	},
}

// postForm is all that can be said of a post (decisions 12).
var postForm = form[*node.Post]{
	textField(func(p *node.Post) *node.Base { return &p.Base }),
	truthField("asks", "a question: its page lists the answers", func(p *node.Post) *bool { return &p.Asks }),
	lineField("reply_to", "id or address of what this answers", func(p *node.Post) *string { return &p.InReplyTo }),
	langField(func(p *node.Post) *node.Base { return &p.Base }, "language"),
	lineField("project", "id or address of the project that it is about", func(p *node.Post) *string { return &p.Project }),
	tagsField(func(p *node.Post) *node.Base { return &p.Base }),
	audienceField(func(p *node.Post) *node.Base { return &p.Base }),
	postToField,
	draftField(func(p *node.Post) *node.Base { return &p.Base }),
}

// postToField also names the readers in the post: without that, Mastodon would tell them nothing (vocabulary 1.1).
var postToField = func() field[*node.Post] {
	f := toField(func(p *node.Post) *node.Base { return &p.Base })
	set := f.set
	f.set = func(p *node.Post, v []string) error {
		for _, s := range v {
			if iri, address, ok := strings.Cut(s, " "); ok && !p.MentionsActor(iri) {
				p.Mentions = append(p.Mentions, node.Mention{Actor: iri, Address: address})
			}
		}
		return set(p, v)
	}
	return f
}()

// postThread shows the conversation under a post.
func postThread(ctx context.Context, w io.Writer, h *house, p *node.Post) error {
	thread, err := h.thread(ctx, &p.Base)
	for _, o := range thread {
		if o.Common().IRI != p.IRI {
			fmt.Fprintln(w)
			writePost(ctx, w, h, o)
		}
	}
	return err
}

// writeBeside shows what posts of others have besides their text: the options of a poll, and what they quote.
func writeBeside(w io.Writer, p *node.Post) {
	table(w, func(row func(...any)) {
		for _, o := range p.Options {
			row("option", o.Text, fmt.Sprint(o.Votes, " votes"))
		}
		if p.Quote != "" {
			row("quotes", p.Quote)
		}
	})
}
