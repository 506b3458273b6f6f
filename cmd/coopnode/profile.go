package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

func profileCommand(a *app) *cobra.Command {
	return group("profile", "What this coop says of itself", profileShow(a), profileEdit(a), profileSet(a), profilePicture(a), aliasCommand(a), moveCommand(a))
}

func profileShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Show the profile", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			p, err := h.Profile(ctx)
			if err != nil {
				return err
			}
			return a.show(p, func(w io.Writer) { writeProfile(w, p) })
		}),
	}
}

func writeProfile(w io.Writer, p *node.Actor) {
	table(w, func(row func(...any)) {
		row("address", p.Address())
		row("page", p.URL)
		if p.Coop == nil { // somebody who does not call themselves a coop
			row("name", p.Name)
			row("type", p.Type)
			return
		}
		for _, f := range profileForm {
			if text := strings.Join(f.get(p), ", "); text != "" && f.shape != prose {
				row(strings.ReplaceAll(f.name, "_", " "), text)
			}
		}
	})
	for i, t := range p.Summary {
		writeText(w, t, i > 0)
	}
}

func profileSet(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "set FIELD=VALUE...", Short: "Change single fields", Args: argsBetween(1, -1),
		Long: "Changes single fields of the profile and tells followers. A list has commas between its words; an empty value takes the field away.\n\nFields:\n" + fieldHelp(),
		Example: "  coopnode profile set ownership=workers members=12 languages=gl,es,en\n" +
			"  coopnode profile set skills='Accessibility audits,Maps' country=ES website=https://toxeira.example",
		ValidArgsFunction: completeFields,
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			values := map[string][]string{}
			for _, arg := range args {
				name, value, ok := strings.Cut(arg, "=")
				if !ok {
					return wrongUse("%q is not FIELD=VALUE. Write for example: coopnode profile set members=12", arg)
				}
				f, known := formForProfile(map[string][]string{name: nil}).find(name)
				if !known {
					return profileForm.unknown("The profile", name)
				}
				values[f.name] = []string{value}
				if f.shape == list {
					values[f.name] = strings.Split(value, ",")
				}
			}
			return a.saveProfile(ctx, h, "The profile", values)
		}),
	}
}

func profileEdit(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "edit [FILE]", Short: "Change the profile in your editor, or from a TOML file", Args: argsBetween(0, 1),
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			if len(args) > 0 {
				text, err := a.readText(args[0])
				if err != nil {
					return err
				}
				values, err := flatTOML(args[0], []byte(text))
				if err != nil {
					return err
				}
				return a.saveProfile(ctx, h, args[0], values)
			}
			p, err := h.Profile(ctx)
			if err != nil {
				return err
			}
			var text bytes.Buffer
			fmt.Fprintf(&text, "# The profile of %s\n# Lines that begin with # are remarks; a line that you take away leaves its value as it is.\n", p.Address())
			languages := map[string][]string{}
			if len(p.Summary) > 1 {
				for _, t := range p.Summary[1:] {
					languages["translation."+t.Lang+".summary"] = nil
				}
			}
			formForProfile(languages).write(&text, p)
			d, err := a.edit(ctx, "profile", text.Bytes())
			if err != nil {
				return err
			}
			if d.text == nil {
				a.tell("Nothing was changed.")
				return nil
			}
			values, err := flatTOML("What you wrote", d.text)
			if err == nil {
				formForProfile(languages).dropSame(p, values)
				err = a.saveProfile(ctx, h, "What you wrote", values)
			}
			if err != nil {
				return d.kept(err)
			}
			d.done()
			return nil
		}),
	}
}

func (a *app) saveProfile(ctx context.Context, h *house, what string, values map[string][]string) error {
	p, err := h.SaveProfile(ctx, a.by(), func(p *node.Actor) error {
		return formForProfile(values).fill(what, p, values)
	})
	if err != nil {
		return err
	}
	n, err := h.CountFollowers(ctx)
	if err != nil {
		return err
	}
	a.tell("The profile is saved: %s. Followers who will hear of it: %d", p.URL, n)
	return a.show(p, nil)
}

func fieldHelp() string {
	var b strings.Builder
	table(&b, func(row func(...any)) {
		for _, f := range profileForm {
			row("  "+f.name, f.describe())
		}
	})
	return strings.TrimRight(b.String(), "\n")
}

func completeFields(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var out []cobra.Completion
	for _, f := range profileForm {
		out = append(out, cobra.CompletionWithDesc(f.name+"=", f.describe()))
	}
	return out, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}
