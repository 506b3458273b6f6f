package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func manCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write the man pages into a folder", Args: argsBetween(1, 1),
		Long:    "Writes a man page for every command, and one for the configuration file, into the folder. They say what --help says.",
		Example: "  coopnode man ./man && man -l ./man/coopnode.1",
		RunE: func(cmd *cobra.Command, args []string) error {
			return writeManual(args[0], cmd.Root())
		},
	}
}

// writeManual writes coopnode.1, coopnode-opening.1 and so on, and coopnode.toml.5. The same program writes the same bytes.
func writeManual(dir string, root *cobra.Command) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make folder of man pages: %w", err)
	}
	write := func(name string, page []byte) error {
		if err := os.WriteFile(filepath.Join(dir, name), page, 0o644); err != nil {
			return fmt.Errorf("write man page: %w", err)
		}
		return nil
	}
	var each func(cmd *cobra.Command) error
	each = func(cmd *cobra.Command) error {
		if err := write(pageName(cmd)+".1", commandPage(cmd)); err != nil {
			return err
		}
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				if err := each(c); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := each(root); err != nil {
		return err
	}
	return write("coopnode.toml.5", configPage())
}

// pageName is under what man finds a command: coopnode-opening-new.
func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// A roff is a man page being written, in the macros of man(7).
type roff struct{ bytes.Buffer }

// escaped keeps a text from being read as roff: signs that mean something, and hyphens, which are to be copied as they are.
var escaped = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "^", `\(ha`, "~", `\(ti`, "`", `\(ga`, `"`, `\(dq`)

func (r *roff) title(name string, section int) {
	date := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.time" {
				date, _, _ = strings.Cut(s.Value, "T")
			}
		}
	}
	fmt.Fprintf(r, ".TH %s %d %q %q %q\n", strings.ToUpper(name), section, date, "coopnode "+programVersion(), "coopnode")
}

func (r *roff) section(name string) { fmt.Fprintf(r, ".SH %s\n", name) }

// text writes paragraphs: an empty line parts them.
func (r *roff) text(s string) {
	for i, paragraph := range strings.Split(strings.TrimSpace(s), "\n\n") {
		if i > 0 {
			r.WriteString(".PP\n")
		}
		for line := range strings.Lines(paragraph) {
			r.line(strings.TrimSpace(line))
		}
	}
}

// line writes one line of text, which a dot or an apostrophe at its beginning would make a macro.
func (r *roff) line(s string) {
	if s = escaped.Replace(s); strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	r.WriteString(s + "\n")
}

// verbatim writes lines as they are.
func (r *roff) verbatim(s string) {
	r.WriteString(".nf\n")
	for line := range strings.Lines(strings.TrimRight(s, "\n")) {
		r.line(strings.TrimRight(line, "\n"))
	}
	r.WriteString(".fi\n")
}

// item writes a term and what it is.
func (r *roff) item(term, about string) {
	r.WriteString(".TP\n\\fB" + escaped.Replace(term) + "\\fR\n")
	r.line(about)
}

func (r *roff) flags(title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	r.section(title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, about := pflag.UnquoteUsage(f)
		term := "--" + f.Name
		if f.Shorthand != "" {
			term = "-" + f.Shorthand + ", " + term
		}
		if value != "" {
			term += " " + value
		}
		if about == "" {
			about = "see above"
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "[]" {
			about += " (default " + f.DefValue + ")"
		}
		r.item(term, about)
	})
}

// commandPage says what writeHelp says.
func commandPage(cmd *cobra.Command) []byte {
	r := &roff{}
	r.title(pageName(cmd), 1)
	r.section("NAME")
	r.line(pageName(cmd) + " - " + cmd.Short)
	r.section("SYNOPSIS")
	r.line(usageOf(cmd))
	r.section("DESCRIPTION")
	r.text(aboutOf(cmd))
	var related []string
	if cmd.HasParent() {
		related = append(related, pageName(cmd.Parent())+"(1)")
	}
	if cmd.HasAvailableSubCommands() {
		r.section("COMMANDS")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() || c.Name() == "help" {
				r.item(c.Name(), c.Short)
			}
			if c.IsAvailableCommand() {
				related = append(related, pageName(c)+"(1)")
			}
		}
	}
	if cmd.Example != "" {
		r.section("EXAMPLES")
		r.verbatim(cmd.Example)
	}
	r.flags("OPTIONS", cmd.LocalFlags())
	r.flags("OPTIONS OF EVERY COMMAND", cmd.InheritedFlags())
	r.section("SEE ALSO")
	r.line(strings.Join(append(related, "coopnode.toml(5)"), ", "))
	if !cmd.HasParent() {
		r.WriteString(".PP\n")
		r.line("Longer texts: coopnode help TOPIC, where TOPIC is one of " + strings.Join(topics(), ", ") + ".")
	}
	return r.Bytes()
}

// configPage is about every setting of the configuration file.
func configPage() []byte {
	r := &roff{}
	r.title("coopnode.toml", 5)
	r.section("NAME")
	r.line("coopnode.toml - configuration of a node")
	r.section("DESCRIPTION")
	r.text("What a node needs to start. Everything else lives in its database. The later of these wins: what is built in, this file, the environment, flags. " +
		"In the environment a setting is called COOPNODE_ and its name in capitals, with two underscores for a dot, and with _FILE behind it where the value stands in a file.")
	r.section("SETTINGS")
	for _, s := range settings {
		r.item(s.name, s.describe())
	}
	r.section("FILES")
	r.item("/etc/coopnode/coopnode.toml", "where root and the service find it")
	r.item("$XDG_CONFIG_HOME/coopnode/coopnode.toml", "where others find it")
	r.item("DIR/coopnode.toml", "with --data DIR")
	r.section("SEE ALSO")
	r.line("coopnode(1), coopnode-config(1), and coopnode help configuration")
	return r.Bytes()
}
