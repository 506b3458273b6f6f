package main

import (
	"archive/zip"
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

func exportCommand(a *app) *cobra.Command {
	var person, actor string
	cmd := &cobra.Command{
		Use: "export FILE.zip", Short: "Write everything of this coop, or all about one person, into an archive", Args: argsBetween(1, 1),
		Long: "Writes an archive that can be read without this program: documents as others get them (ActivityStreams JSON), tables (CSV) and\n" +
			"pictures. It holds no keys, no passwords and no addresses of visitors. It is no backup: see coopnode backup.",
		Example: "  coopnode export coop.zip\n  coopnode export xoana.zip --person xoana@mill.example\n  coopnode export bea.zip --actor @bea@bakery.example",
		RunE: a.on(stoppable(func(ctx context.Context, h *house, args []string) error {
			fill := func(into node.Archive) error { return h.Export(ctx, a.by(), into) }
			switch {
			case person != "" && actor != "":
				return wrongUse("--person and --actor are two archives. Write them one after the other.")
			case person != "":
				p, err := h.FindPerson(ctx, person)
				if err != nil {
					return err
				}
				fill = func(into node.Archive) error { return h.ExportPerson(ctx, a.by(), p.ID, into) }
			case actor != "":
				who, err := h.actor(ctx, actor)
				if err != nil {
					return err
				}
				fill = func(into node.Archive) error { return h.ExportActor(ctx, a.by(), who.IRI, into) }
			}
			if err := writeArchive(args[0], fill); err != nil {
				return err
			}
			a.tell("Written to %s, readable by you alone.", args[0])
			return a.show(map[string]string{"file": args[0]}, nil)
		})),
	}
	cmd.Flags().StringVar(&person, "person", "", "all that is kept of somebody who works here: name, mail address or id")
	cmd.Flags().StringVar(&actor, "actor", "", "all that is known of somebody elsewhere: @handle@host or address")
	cmd.RegisterFlagCompletionFunc("person", a.completePeople)
	return cmd
}

// writeArchive writes a ZIP file that is whole or not there, and replaces none.
func writeArchive(name string, fill func(node.Archive) error) error {
	return writeNamed("export", name, func(f *os.File) error {
		z := zip.NewWriter(f)
		if err := fill(z); err != nil {
			return err
		}
		return z.Close()
	})
}
