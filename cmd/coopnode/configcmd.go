package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

func configCommand(a *app) *cobra.Command {
	return group("config", "The configuration", configPrint(a), configCheck(a), configExample(a))
}

// setValue is one setting as config print shows it.
type setValue struct {
	Value  any    `json:"value"`
	Origin string `json:"origin"`
}

func configPrint(a *app) *cobra.Command {
	var origin bool
	cmd := &cobra.Command{
		Use: "print", Short: "Print every value that holds", Args: argsBetween(0, 0),
		RunE: func(*cobra.Command, []string) error {
			c, err := a.loadConfig()
			if err != nil {
				return err
			}
			values := map[string]setValue{}
			for _, s := range settings {
				v := setValue{Value: first(s.get(c)), Origin: c.from(s.name)}
				if s.shape == list {
					v.Value = append([]string{}, s.get(c)...)
				}
				values[s.name] = v
			}
			return a.show(values, func(w io.Writer) {
				table(w, func(row func(...any)) {
					for _, s := range settings {
						cells := []any{tomlLine(s.name, s.shape, s.get(c))}
						if origin {
							cells = append(cells, "# "+c.from(s.name))
						}
						row(cells...)
					}
				})
			})
		},
	}
	cmd.Flags().BoolVar(&origin, "origin", false, "also say where each value came from")
	return cmd
}

func configCheck(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Look for mistakes in the configuration", Args: argsBetween(0, 0),
		Long: "Looks whether the configuration can be used: names, values, the files that it names, and whether it belongs to the node in the data folder. Exit code 6 if it finds a problem.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			problems := []string{}
			c, err := a.loadConfig()
			if err != nil {
				problems = append(problems, problemText(err))
			} else {
				problems = append(problems, c.problems()...)
				if h, err := a.openHouse(cmd.Context()); err != nil {
					problems = append(problems, problemText(err))
				} else {
					h.db.Close()
				}
			}
			problems = append(problems, strayVariables(os.Environ())...)
			err = a.show(map[string][]string{"problems": problems}, func(w io.Writer) {
				for _, p := range problems {
					fmt.Fprintln(w, p)
				}
			})
			if err == nil && len(problems) > 0 {
				err = errProblems
			} else if err == nil {
				a.tell("The configuration is good: %s", c.File)
			}
			return err
		},
	}
}

func problemText(err error) string {
	if text := node.TextOf(err); text != "" {
		return text
	}
	return err.Error()
}

// problems looks at the machine: can the files that are named be read?
func (c *Config) problems() []string {
	var found []string
	for name, path := range map[string]string{"cert": c.Cert, "key": c.Key, "outgoing.ca_file": c.CAFile} {
		if path == "" {
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			found = append(found, fmt.Sprintf("%s (from %s) names a file that cannot be read: %v.", name, c.from(name), err))
			continue
		}
		f.Close()
	}
	return found
}

// strayVariables finds names in the environment that look like settings and are none. They are no error elsewhere, because
// container platforms put names of their own there.
func strayVariables(environ []string) []string {
	var names, found []string
	for _, s := range settings {
		names = append(names, environmentName(s.name), environmentName(s.name)+"_FILE")
	}
	names = append(names, "COOPNODE_CONFIG")
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "COOPNODE_") {
			continue
		}
		if near := nearest(name, names); near != "" && near != name {
			found = append(found, fmt.Sprintf("%s in the environment is no setting. Did you mean %s?", name, near))
		}
	}
	return found
}

func configExample(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "example", Short: "Print a configuration file with every setting explained", Args: argsBetween(0, 0),
		RunE: func(*cobra.Command, []string) error {
			_, err := io.WriteString(a.out, exampleConfig("coop.example"))
			return err
		},
	}
}

// exampleConfig explains every setting; only the host is set.
func exampleConfig(host string) string {
	var b strings.Builder
	b.WriteString("# Configuration of coopnode. Environment variables and flags win over it: coopnode help configuration\n")
	table := ""
	for _, s := range settings {
		t, name, nested := strings.Cut(s.name, ".")
		if !nested {
			t, name = "", s.name
		}
		if t != table {
			table = t
			fmt.Fprintf(&b, "\n[%s]\n", t)
		}
		fmt.Fprintf(&b, "# %s\n", s.describe())
		switch {
		case s.name == "host":
			b.WriteString(tomlLine(name, line, []string{host}) + "\n")
		default:
			b.WriteString("# " + tomlLine(name, s.shape, builtIn(s.name)) + "\n")
		}
	}
	return b.String()
}

// builtIn is the value of a setting that nobody has set.
func builtIn(name string) []string {
	switch name {
	case "tls":
		return []string{"off"}
	case "log.level":
		return []string{"info"}
	case "log.format":
		return []string{"auto"}
	}
	return nil
}
