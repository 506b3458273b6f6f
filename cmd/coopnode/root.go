package main

import (
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// version is set by the build (-ldflags "-X main.version=1.2.3").
var version string

// programVersion is what the build said, else what Go knows of the source.
func programVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return strings.Trim(info.Main.Version, "()")
}

// rootCommand lists every command, in the order in which one meets them.
func rootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "coopnode",
		Short:         "A node of the fediverse for a worker cooperative",
		Long:          "coopnode lets a worker cooperative publish its profile, posts, projects and openings, follow others and be followed.",
		Example:       "  coopnode init localhost:8080 --dev\n  coopnode serve\n  coopnode opening new --title 'Accessibility audit' --amount '240 hour' --closes 2027-01-15",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          needCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.dataDir, "data", "", "folder of the node's data; its configuration is then DIR/coopnode.toml")
	flags.StringVar(&a.configFile, "config", "", "configuration file")
	flags.BoolVar(&a.json, "json", false, "answer in JSON, for programs")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "print the bare answer and no advice")
	flags.BoolVar(&a.debug, "debug", false, "show what happens inside")
	root.MarkPersistentFlagDirname("data")
	root.MarkPersistentFlagFilename("config", "toml")

	root.AddCommand(
		initCommand(a),
		serveCommand(a),
		demoCommand(a),
		statusCommand(a),
		doctorCommand(a),

		profileCommand(a),
		postCommand(a),
		projectCommand(a),
		openingCommand(a),

		followCommand(a),
		unfollowCommand(a),
		subscribeCommand(a),
		followersCommand(a),
		followingCommand(a),
		timelineCommand(a),
		searchCommand(a),
		directoryCommand(a),
		shareCommand(a),
		unshareCommand(a),
		likeCommand(a),
		unlikeCommand(a),

		federationCommand(a),
		memberCommand(a),

		personCommand(a),
		auditCommand(a),

		inboxCommand(a),
		blockCommand(a),
		reportCommand(a),
		noticeCommand(a),

		deliveryCommand(a),
		backupCommand(a),
		verifyCommand(a),
		restoreCommand(a),
		importCommand(a),
		exportCommand(a),
		eraseCommand(a),
		dbCommand(a),
		inspectCommand(a),
		keysCommand(a),
		configCommand(a),
		healthcheckCommand(a),
		manCommand(a),
		versionCommand(a),
		redrawCommand(a),
	)
	root.SetHelpCommand(helpCommand(a))
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { writeHelp(cmd.OutOrStdout(), cmd) })
	root.SetUsageFunc(func(cmd *cobra.Command) error { writeHelp(cmd.ErrOrStderr(), cmd); return nil })
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return wrongUse("%s%s.\nSee: %s --help", strings.ToUpper(err.Error()[:1]), err.Error()[1:], cmd.CommandPath())
	})
	if cobra.EnableCommandSorting { // a variable of the whole process, and the demo gives commands side by side
		cobra.EnableCommandSorting = false
	}
	return root
}

// group is a command that only holds others: coopnode opening.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{Use: use, Short: short, Args: needCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	g.AddCommand(commands...)
	return g
}

// needCommand refuses a word that is no command of the group, and names the nearest one.
func needCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	if near := nearest(args[0], names); near != "" {
		return wrongUse("There is no command %q. Did you mean: %s %s", cmd.CommandPath()+" "+args[0], cmd.CommandPath(), near)
	}
	return wrongUse("There is no command %q. There are: %s.", cmd.CommandPath()+" "+args[0], strings.Join(names, ", "))
}

// argsBetween wants at least low and at most high words; high below 0 is no bound.
func argsBetween(low, high int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < low:
			return wrongUse("Something is missing. Write: %s", cmd.UseLine())
		case high >= 0 && len(args) > high:
			return wrongUse("%q is too much. Write: %s", args[high], cmd.UseLine())
		}
		return nil
	}
}

// writeHelp shows what a command is for, examples before flags. It is written out here because
// templates would add much to the program (decisions 8).
func writeHelp(w io.Writer, cmd *cobra.Command) {
	fmt.Fprintf(w, "%s\n\nUsage:\n  %s\n", aboutOf(cmd), usageOf(cmd))
	if cmd.Example != "" {
		fmt.Fprintf(w, "\nExamples:\n%s\n", strings.TrimRight(cmd.Example, "\n"))
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintln(w, "\nCommands:")
		table(w, func(row func(...any)) {
			for _, c := range cmd.Commands() {
				if c.IsAvailableCommand() || c.Name() == "help" {
					row("  "+c.Name(), c.Short)
				}
			}
		})
	}
	writeFlags(w, "Flags", cmd.LocalFlags())
	writeFlags(w, "Flags of every command", cmd.InheritedFlags())
	if !cmd.HasParent() {
		fmt.Fprintf(w, "\nLonger texts: coopnode help TOPIC, where TOPIC is one of %s.\n", strings.Join(topics(), ", "))
	}
}

// aboutOf is what a command is for, in sentences.
func aboutOf(cmd *cobra.Command) string {
	if cmd.Long != "" {
		return cmd.Long
	}
	return strings.TrimSuffix(cmd.Short, ".") + "."
}

// usageOf is how a command is written.
func usageOf(cmd *cobra.Command) string {
	if cmd.HasAvailableSubCommands() {
		return cmd.CommandPath() + " COMMAND"
	}
	return cmd.UseLine()
}

func writeFlags(w io.Writer, title string, flags *pflag.FlagSet) {
	if text := flags.FlagUsages(); flags.HasAvailableFlags() && text != "" {
		fmt.Fprintf(w, "\n%s:\n%s", title, text)
	}
}
