package main

import (
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"
)

func versionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: argsBetween(0, 0),
		RunE: func(*cobra.Command, []string) error {
			v := map[string]string{"version": programVersion(), "go": runtime.Version(), "system": runtime.GOOS + "/" + runtime.GOARCH}
			return a.show(v, func(w io.Writer) {
				if a.quiet {
					fmt.Fprintln(w, v["version"])
					return
				}
				fmt.Fprintf(w, "coopnode %s (%s, %s)\n", v["version"], v["go"], v["system"])
			})
		},
	}
}
