package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
)

// keptBackup is one nightly backup as backup list shows it.
type keptBackup struct {
	store.Nightly
	Copy bool `json:"copy"` // in the second folder
}

func backupList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "The backups that the node has made by itself, newest first", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			s, err := h.BackupStatus(ctx)
			if err != nil {
				return err
			}
			list := []keptBackup{}
			for _, dir := range []string{h.cfg.backups(s.Settings), s.Settings.Copy} {
				if _, err := os.Stat(dir); dir == "" || err != nil && dir != s.Settings.Copy && s.Settings.Folder == "" {
					continue // no second folder, or none was made yet
				}
				if err := mounted(dir); err != nil {
					return err
				}
				kept, err := store.Nightlies(dir, h.Links.Host())
				if err != nil {
					return err
				}
				for _, n := range kept {
					list = append(list, keptBackup{n, dir == s.Settings.Copy})
				}
			}
			slices.SortStableFunc(list, func(a, b keptBackup) int { return b.Made.Compare(a.Made) })
			if len(list) == 0 {
				a.tell("There are none yet. The node makes one every night while it serves, or: coopnode backup now")
			}
			return a.show(list, func(w io.Writer) {
				table(w, func(row func(...any)) {
					for _, n := range list {
						row(moment(n.Made), sizeText(n.Bytes), n.Path)
					}
				})
			})
		}),
	}
}

func backupNow(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "now", Short: "Make the backup of the night at once, and restore it for a test", Args: argsBetween(0, 0),
		Long: "Does at once what the node does by itself: a backup every night, proved, copied to the second folder where one is set; and, every\n" +
			"week, a trial: the backup is restored into a scratch folder and compared.",
		RunE: a.on(stoppable(func(ctx context.Context, h *house, _ []string) error {
			k := &backupKeeper{h, a.commandLog()}
			if err := k.nightly(ctx); err != nil {
				return err
			}
			s, err := h.BackupStatus(ctx)
			if err == nil {
				err = failed(s.Made, s.Copied)
			}
			if err != nil {
				return err
			}
			if err := k.try(ctx); err != nil {
				return err
			}
			if err := h.Note(ctx, a.by(), "backup.make", s.Path, ""); err != nil {
				return err
			}
			if s, err = h.BackupStatus(ctx); err == nil {
				err = failed(s.Restored)
			}
			if err != nil {
				return err
			}
			a.tell("The backup was made, restored for a test, and all was there. The master key is not in it: keep a copy of %s apart from it.", filepath.Join(h.cfg.Data, "master.key"))
			return a.show(s, func(w io.Writer) { fmt.Fprintf(w, "%s  %s  in %s\n", s.Path, sizeText(s.Bytes), s.Took.Round(1e6)) })
		})),
	}
}

// failed is what went wrong at the last of some attempts.
func failed(attempts ...node.Attempt) error {
	for _, t := range attempts {
		if !t.Failed.IsZero() {
			return &node.Error{Op: "back up", Kind: node.Unavailable, Text: t.Failure}
		}
	}
	return nil
}

func backupSettings(a *app) *cobra.Command {
	var folder, second string
	var hour int
	var off, on bool
	cmd := &cobra.Command{
		Use: "settings", Short: "Where and when the node makes backups by itself, and how they stand; show it or change it", Args: argsBetween(0, 0),
		Long: "Without flags it shows the settings and what came of the last backup. A node that serves makes one every night into the folder\n" +
			"backups of the data folder; 7 of days and 4 of weeks stay. A second folder, on another disk, gets a copy of each.",
		Example: "  coopnode backup settings --copy /mnt/usb\n  coopnode backup settings --folder /mnt/backup --hour 4",
	}
	cmd.RunE = a.on(func(ctx context.Context, h *house, _ []string) error {
		s, err := h.BackupStatus(ctx)
		if err != nil {
			return err
		}
		set, changed := s.Settings, cmd.Flags().Changed
		for flag, to := range map[string]*string{"folder": &set.Folder, "copy": &set.Copy} {
			if !changed(flag) {
				continue
			}
			if *to = map[string]string{"folder": folder, "copy": second}[flag]; *to == "" {
				continue
			}
			if *to, err = filepath.Abs(*to); err == nil {
				err = mounted(*to)
			}
			if err != nil {
				return err
			}
		}
		if changed("hour") {
			set.Hour = &hour
		}
		if set.Off = (set.Off || off) && !on; off && on {
			return wrongUse("Either --on or --off.")
		}
		if cmd.Flags().NFlag() > 0 && (changed("folder") || changed("copy") || changed("hour") || off || on) {
			if err := h.SetBackups(ctx, a.by(), set); err != nil {
				return err
			}
			if s, err = h.BackupStatus(ctx); err != nil {
				return err
			}
		}
		return a.show(s, func(w io.Writer) { h.showBackups(w, s) })
	})
	cmd.Flags().StringVar(&folder, "folder", "", "where the backups go; \"\" for the folder backups in the data folder")
	cmd.Flags().StringVar(&second, "copy", "", "a folder on another disk that gets a copy of each; \"\" for none")
	cmd.Flags().IntVar(&hour, "hour", 3, "the hour of the night, by the time zone of the profile, 0 to 23")
	cmd.Flags().BoolVar(&off, "off", false, "make no backups")
	cmd.Flags().BoolVar(&on, "on", false, "make backups again")
	return cmd
}

// showBackups writes how the backups stand.
func (h *house) showBackups(w io.Writer, s *node.BackupStatus) {
	table(w, func(row func(...any)) {
		if s.Settings.Off {
			row("by itself", "no (coopnode backup settings --on)")
		}
		row("folder", h.cfg.backups(s.Settings))
		second := s.Settings.Copy
		if second == "" {
			second = "none; a backup on the same disk goes with the disk (coopnode backup settings --copy DIR)"
		}
		row("second folder", second)
		row("last backup", attemptText(s.Made))
		if s.Settings.Copy != "" {
			row("last copy", attemptText(s.Copied))
		}
		row("last trial", attemptText(s.Restored))
		row("last check", attemptText(s.Checked)+" (of the whole database)")
		row("master key", filepath.Join(h.cfg.Data, "master.key")+" is in none of them: keep a copy elsewhere")
	})
}

// attemptText says when something was last done, and what is wrong since.
func attemptText(t node.Attempt) string {
	text := "not yet"
	if !t.Done.IsZero() {
		text = moment(t.Done)
	}
	if !t.Failed.IsZero() {
		text += "; failed " + moment(t.Failed) + ": " + t.Failure
	}
	return text
}
