package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/store"
)

func dbCommand(a *app) *cobra.Command {
	return group("db", "The database: look for damage, bring it up to date, make it smaller", dbCheck(a), dbMigrate(a), dbCompact(a))
}

func dbCheck(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Read the whole database and look for damage, also while the node serves", Args: argsBetween(0, 0),
		Long: "Reads every row and every index. Exit code 7 if something is damaged; nothing is changed then. The node does the same once a week.",
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			began := time.Now()
			if err := h.db.CheckWhole(ctx); err != nil {
				return err
			}
			a.tell("The database is sound: all of it was read, in %s.", time.Since(began).Round(time.Millisecond))
			return a.show(map[string]bool{"sound": true}, nil)
		}),
	}
}

// updateRate is how many bytes of a database a second an update is taken to do at least, with a copy and all its steps. It is a guess for slow disks, and only said beforehand.
const updateRate = 20 << 20

func dbMigrate(a *app) *cobra.Command {
	var dry bool
	cmd := &cobra.Command{
		Use: "migrate", Short: "Bring the database up to date with this program, after a copy of it was made", Args: argsBetween(0, 0),
		Long: "Does what the next start of the node would do. With --dry-run it only says what that is (coopnode help upgrade).",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			if err := rightUser(cfg.Data); err != nil {
				return err
			}
			u, err := store.PendingUpdate(cmd.Context(), cfg.Data)
			if err != nil {
				return err
			}
			if !dry && len(u.Steps) > 0 {
				h, err := a.openFor(cmd.Context(), cfg) // which brings it up to date
				if err != nil {
					return err
				}
				h.db.Close()
			}
			return a.show(u, func(w io.Writer) {
				switch took := time.Duration(u.Bytes/updateRate+1) * time.Second; {
				case len(u.Steps) == 0:
					fmt.Fprintf(w, "The database is up to date (schema %d).\n", u.To)
				case dry:
					fmt.Fprintf(w, "The database has schema %d; this program wants %d: %d steps, about %s for %s, of which a copy is made first. %s of the disk are free.\n",
						u.From, u.To, len(u.Steps), took, sizeText(u.Bytes), sizeText(u.Free))
				default:
					fmt.Fprintf(w, "The database was brought from schema %d to %d, after a copy of it was made in %s.\n", u.From, u.To, cfg.Data)
				}
			})
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only say what would be done")
	return cmd
}

func dbCompact(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "compact", Short: "Write the database anew, without the room that nothing needs; the node must not serve", Args: argsBetween(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			if err := rightUser(cfg.Data); err != nil {
				return err
			}
			before, after, err := store.Compact(cmd.Context(), cfg.Data)
			if err != nil {
				return err
			}
			return a.show(map[string]int64{"before": before, "after": after}, func(w io.Writer) {
				fmt.Fprintf(w, "The database had %s and has %s.\n", sizeText(before), sizeText(after))
			})
		},
	}
}
