package main

import (
	"embed"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

//go:embed help/*.md
var helpFiles embed.FS

// topics are the longer texts, start first.
func topics() []string {
	files, err := fs.Glob(helpFiles, "help/*.md")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(path.Base(f), ".md"))
	}
	slices.SortFunc(names, func(a, b string) int {
		if (a == "start") != (b == "start") {
			if a == "start" {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	return names
}

func helpCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "help [TOPIC|COMMAND]", Short: "Longer texts about " + strings.Join(topics(), ", "),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return topics(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			if len(args) == 0 {
				return root.Help()
			}
			if len(args) == 1 && slices.Contains(topics(), args[0]) {
				text, err := helpFiles.ReadFile("help/" + args[0] + ".md")
				if err == nil {
					_, err = a.out.Write(text)
				}
				return err
			}
			if found, rest, err := root.Find(args); err == nil && len(rest) == 0 && found != root {
				return found.Help()
			}
			names := topics()
			for _, c := range root.Commands() {
				names = append(names, c.Name())
			}
			if near := nearest(args[0], names); near != "" && near != args[0] {
				return missing("There is no help on %q. Did you mean: coopnode help %s", strings.Join(args, " "), near)
			}
			return missing("There is no help on %q. There are texts about: %s.", strings.Join(args, " "), strings.Join(topics(), ", "))
		},
	}
}
