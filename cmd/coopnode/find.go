package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/html"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
)

// objects reads the pages of a list until limit; 0 is all.
func (h *house) objects(ctx context.Context, q node.ObjectQuery, limit int) ([]node.Object, error) {
	var all []node.Object
	for {
		q.Limit = 200
		if limit > 0 {
			q.Limit = min(200, limit-len(all))
		}
		page, next, err := h.Objects(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if next == "" || limit > 0 && len(all) >= limit {
			return all, nil
		}
		q.Before = next
	}
}

// find gives the object of type t that ref means: an id, the only one that begins so, or an address.
func (h *house) find(ctx context.Context, t node.ObjectType, ref string) (node.Object, error) {
	o, err := h.Object(ctx, ref)
	if node.IsNotFound(err) {
		return h.findBeginning(ctx, t, ref)
	}
	if err == nil && o.Common().Type != t {
		return nil, wrongUse("%s is %s, not %s.", ref, article(o.Common().Type), article(t))
	}
	return o, err
}

func article(t node.ObjectType) string {
	if t == node.TypeOpening {
		return "an opening"
	}
	return "a " + string(t)
}

func (h *house) findBeginning(ctx context.Context, t node.ObjectType, ref string) (node.Object, error) {
	var found []node.Object
	if ref != "" && !strings.Contains(ref, "/") {
		all, err := h.objects(ctx, node.ObjectQuery{Type: t, Drafts: true}, 0)
		if err != nil {
			return nil, err
		}
		for _, o := range all {
			if strings.HasPrefix(o.Common().ID, ref) {
				found = append(found, o)
			}
		}
	}
	switch len(found) {
	case 0:
		return nil, missing("There is no %s %q here. See: coopnode %s list --known", t, ref, t)
	case 1:
		return found[0], nil
	}
	var ids []string
	for _, o := range found[:min(len(found), 5)] {
		ids = append(ids, o.Common().ID)
	}
	return nil, wrongUse("%q could be %d of them: %s. Write more of the id.", ref, len(found), strings.Join(ids, ", "))
}

// actor gives the one that an address means, if this node knows it: @handle@host or an address on the web.
func (h *house) actor(ctx context.Context, address string) (who *node.Actor, err error) {
	if handle, host, ok := strings.Cut(strings.TrimPrefix(address, "@"), "@"); ok {
		who, err = h.Store().ActorByHandle(ctx, handle, strings.ToLower(host))
	} else {
		who, err = h.ActorOf(ctx, address)
	}
	if node.IsNotFound(err) {
		return nil, missing("This node knows nobody at %s. Write @handle@host, or the whole address of the profile.", address)
	}
	return who, err
}

// someone gives the actor of an address and asks its home if this node does not know it yet.
func (h *house) someone(ctx context.Context, a *app, address string) (*node.Actor, error) {
	who, err := h.actor(ctx, address)
	if !node.IsNotFound(err) {
		return who, err
	}
	var w *activitypub.Wire
	if w, err = h.wire(ctx, a.commandLog()); err != nil {
		return nil, err
	}
	defer w.Close()
	if who, err = w.Find(ctx, address); err != nil {
		return nil, err
	}
	return who, h.KeepActor(ctx, who)
}

// resolve turns what people write for others - handles, ids of projects and posts - into addresses.
func (h *house) resolve(ctx context.Context, a *app, values map[string][]string) error {
	for _, name := range []string{"to", "on_behalf_of", "customer_actor"} {
		for i, address := range values[name] {
			if address = strings.TrimSpace(address); address == "" {
				continue
			}
			if name == "on_behalf_of" && isName(address) {
				if listed, err := h.Named(ctx, address); err == nil {
					values[name][i] = listed.IRI + " " + listed.Name
				}
				continue
			}
			who, err := h.someone(ctx, a, address)
			if err != nil {
				return fmt.Errorf("find %s: %w", address, err)
			}
			switch values[name][i] = who.IRI; name {
			case "to":
				values[name][i] += " " + who.Address()
			case "on_behalf_of":
				values[name][i] += " " + who.Name
			}
		}
	}
	if ref := first(values["project"]); ref != "" && !strings.Contains(ref, "://") {
		p, err := h.find(ctx, node.TypeProject, ref)
		if err != nil {
			return err
		}
		values["project"] = []string{p.Common().IRI}
	}
	if ref := first(values["reply_to"]); ref != "" {
		p, err := h.Object(ctx, ref)
		if node.IsNotFound(err) && !strings.Contains(ref, "/") {
			p, err = h.findBeginning(ctx, node.TypePost, ref)
		}
		if node.IsNotFound(err) {
			return missing("This node does not know %s. Look at it first with: coopnode inspect ADDRESS, and follow its author.", ref)
		} else if err != nil {
			return err
		}
		values["reply_to"] = []string{p.Common().IRI}
	}
	return nil
}

// isName says whether what was written for a coop is only a name, or an address that has its name beside it already.
func isName(s string) bool {
	word, _, more := strings.Cut(s, " ")
	return more || !strings.Contains(word, "@") && !strings.Contains(word, "://")
}

// nameOf is how a person knows the actor: name and address, or its id where it was never read.
func (h *house) nameOf(ctx context.Context, iri string) string {
	who, err := h.ActorOf(ctx, iri)
	if err != nil {
		return iri
	}
	return label(who)
}

func label(who *node.Actor) string {
	switch {
	case who.Sample:
		return who.Name + " (" + who.Address() + ", sample)"
	case who.Nodeless:
		return who.Name + " (no node of its own)"
	case who.Name == "":
		return who.Address()
	}
	return who.Name + " (" + who.Address() + ")"
}

// completeRefs offers the ids of our objects of a type, with their titles.
func (a *app) completeRefs(t node.ObjectType) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		h, err := a.openHouse(cmd.Context())
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer h.db.Close()
		all, err := h.objects(cmd.Context(), node.ObjectQuery{Type: t, Local: true, Drafts: true}, 200)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var out []cobra.Completion
		for _, o := range all {
			if b := o.Common(); strings.HasPrefix(b.ID, typed) {
				out = append(out, cobra.CompletionWithDesc(b.ID, oneLine(title(b))))
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

// title is the title of an object, or the beginning of what it says.
func title(b *node.Base) string {
	if t := b.Title(); t != "" {
		return t
	}
	text := []rune(strings.Join(strings.Fields(plain(b.TextIn(""))), " "))
	if len(text) > 60 {
		return string(text[:59]) + "…"
	}
	return string(text)
}

// plain is a text to read on a terminal: its Markdown, or its HTML without the marks.
func plain(t node.Text) string {
	if t.Source != "" {
		return t.Source
	}
	var out strings.Builder
	z := html.NewTokenizer(strings.NewReader(t.HTML))
	for {
		switch z.Next() {
		case html.ErrorToken: // the end
			return strings.TrimSpace(out.String())
		case html.TextToken:
			out.WriteString(z.Token().Data)
		case html.StartTagToken, html.SelfClosingTagToken:
			switch name, _ := z.TagName(); string(name) {
			case "br", "li":
				out.WriteString("\n")
			case "p", "h2", "h3", "h4", "blockquote", "pre":
				out.WriteString("\n\n")
			}
		}
	}
}

// writeText shows what an object says, line by line.
func writeText(w io.Writer, t node.Text, translation bool) {
	text := plain(t)
	if text == "" {
		return
	}
	fmt.Fprintln(w)
	if translation {
		fmt.Fprintf(w, "[%s] %s\n\n", oneLine(t.Lang), oneLine(t.Title))
	}
	for _, l := range strings.Split(text, "\n") {
		fmt.Fprintln(w, oneLine(l))
	}
}

// when says since when an object stands, and whether it is not there any more or not yet.
func when(b *node.Base) string {
	switch {
	case !b.Deleted.IsZero():
		return "deleted " + moment(b.Deleted)
	case b.Draft:
		return "not yet (draft)"
	case b.Updated.After(b.Published):
		return moment(b.Published) + ", changed " + moment(b.Updated)
	}
	return moment(b.Published)
}

// moment is a time to read; "-" for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}
