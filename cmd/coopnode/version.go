package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

func versionCommand(a *app) *cobra.Command {
	var parts bool
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version", Args: argsBetween(0, 0),
		RunE: func(*cobra.Command, []string) error {
			if parts {
				return a.writeParts()
			}
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
	cmd.Flags().BoolVar(&parts, "sbom", false, "print what the program is made of, as CycloneDX")
	return cmd
}

// A part is something that the program is made of, as CycloneDX 1.6 has it.
type part struct {
	Type       string         `json:"type"`
	Name       string         `json:"name"`
	Version    string         `json:"version"`
	PURL       string         `json:"purl"`
	Properties []partProperty `json:"properties,omitempty"`
}

type partProperty struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// writeParts writes what Go noted in the program when it was built (SUP-3). No time and no random number are in it: the same program
// says the same.
func (a *app) writeParts() error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return errors.New("read what the program is made of: it was built without notes")
	}
	library := func(m *debug.Module) part {
		if m.Replace != nil {
			m = m.Replace
		}
		p := part{Type: "library", Name: m.Path, Version: m.Version, PURL: packageURL(m.Path, m.Version)}
		if m.Sum != "" {
			p.Properties = []partProperty{{"go:sum", m.Sum}}
		}
		return p
	}
	parts := []part{{Type: "library", Name: "std", Version: info.GoVersion, PURL: packageURL("std", strings.TrimPrefix(info.GoVersion, "go"))}}
	for _, m := range info.Deps {
		parts = append(parts, library(m))
	}
	type metadata struct {
		Component part `json:"component"`
	}
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		Format   string   `json:"bomFormat"`
		Spec     string   `json:"specVersion"`
		Version  int      `json:"version"`
		Metadata metadata `json:"metadata"`
		Parts    []part   `json:"components"`
	}{"CycloneDX", "1.6", 1, metadata{part{
		Type: "application", Name: info.Main.Path, Version: programVersion(), PURL: packageURL(info.Main.Path, programVersion())}}, parts})
}

// packageURL names a Go module as others do: pkg:golang/example.org/module@v1.2.3.
func packageURL(path, version string) string {
	return "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
}
