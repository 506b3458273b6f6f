package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
)

// backedUp is what backup, verify and restore answer.
type backedUp struct {
	Path    string    `json:"path"`
	Address string    `json:"address"`
	Made    time.Time `json:"made"`
	Program string    `json:"program"`
	Schema  int64     `json:"schema"`
	Files   int       `json:"files"`
	Bytes   int64     `json:"bytes"` // of the files
	WithKey bool      `json:"withKey"`
}

func (a *app) showBackup(path string, m *store.Manifest) error {
	b := backedUp{Path: path, Address: m.Address, Made: m.Made, Program: m.Program, Schema: m.Schema, Files: len(m.Files), WithKey: m.WithKey}
	for _, f := range m.Files {
		b.Bytes += f.Bytes
	}
	return a.show(b, func(w io.Writer) {
		files := "one file"
		if b.Files != 1 {
			files = fmt.Sprintf("%d files", b.Files)
		}
		fmt.Fprintf(w, "%s  %s  %s  %s, %s\n", b.Path, b.Address, moment(b.Made), files, sizeText(b.Bytes))
	})
}

func backupCommand(a *app) *cobra.Command {
	var withKey bool
	cmd := &cobra.Command{
		Use: "backup FILE|FOLDER", Short: "Put everything into one file, also while the node serves", Args: argsBetween(1, 1),
		Long: "Writes the database as it is at this moment, and the pictures, into one file that only its owner can read. In a folder the\n" +
			"file gets a name of its own. The master key is not in it unless --with-key says so: keep that apart (coopnode help backup).\n" +
			"A node that serves makes backups by itself every night; list, now and settings are about those.",
		Example: "  coopnode backup /mnt/usb\n  coopnode backup coop.tar.gz --with-key",
		RunE: a.on(stoppable(func(ctx context.Context, h *house, args []string) error {
			path := args[0]
			if isFolder(path) {
				path = filepath.Join(path, fmt.Sprintf("%s-%s.tar.gz", node.HostName(h.Links.Host()), h.Now().Format("20060102-150405")))
			}
			bar := a.progress("backup")
			m, err := h.backup(ctx, path, store.BackupOptions{WithKey: withKey, Progress: bar.show})
			bar.end()
			if err != nil {
				return err
			}
			if withKey {
				a.tell("The master key is in it: whoever has this file can speak as this coop. Keep it as you keep a key.")
			} else {
				a.tell("The master key is not in it. Keep a copy of %s apart from it: without the key the backup cannot be restored.", filepath.Join(h.cfg.Data, "master.key"))
			}
			if err := h.Note(ctx, a.by(), "backup.make", path, ""); err != nil { // LOG-2
				return err
			}
			return a.showBackup(path, m)
		})),
	}
	cmd.Flags().BoolVar(&withKey, "with-key", false, "put the master key into it too")
	cmd.AddCommand(backupList(a), backupNow(a), backupSettings(a))
	return cmd
}

// backup makes a backup at a path that a person names.
func (h *house) backup(ctx context.Context, path string, opt store.BackupOptions) (m *store.Manifest, err error) {
	opt.Scratch = store.ScratchOf(path)
	if rootIsBehind() && !inOwnersFolder(path) {
		// The database engine does not write there as root. Its copy stands where those of the night do, and goes with them if it is left.
		free, err := store.LockBackups(h.cfg.Data)
		if err != nil {
			return nil, err
		}
		defer free()
		dir := filepath.Join(h.cfg.Data, store.BackupsName)
		if err := errors.Join(os.MkdirAll(dir, 0o700), store.ThinNightlies(dir, h.Links.Host())); err != nil {
			return nil, err
		}
		if err := h.db.RoomForBackup(dir); err != nil {
			return nil, err
		}
		opt.Scratch = store.ScratchOf(filepath.Join(dir, store.NightlyName(h.Links.Host(), h.Now())))
	}
	err = writeNamed("make backup", path, func(f *os.File) (err error) {
		m, err = h.pack(ctx, f, opt)
		return err
	})
	return m, err
}

// pack writes a backup of this node.
func (h *house) pack(ctx context.Context, f io.Writer, opt store.BackupOptions) (*store.Manifest, error) {
	opt.Program, opt.Address = programVersion(), h.Links.Base
	return h.db.Backup(ctx, f, opt)
}

func verifyCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "verify BACKUP", Short: "Prove a backup without restoring it", Args: argsBetween(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			bar := a.progressOf("verify", args[0])
			m, err := store.Verify(cmd.Context(), args[0], "", bar.add)
			bar.end()
			if err != nil {
				return err
			}
			a.tell("The backup is whole: every file is what it was, and the database is sound.")
			return a.showBackup(args[0], m)
		},
	}
}

func restoreCommand(a *app) *cobra.Command {
	var key, erased string
	cmd := &cobra.Command{
		Use: "restore BACKUP", Short: "Make a node from a backup, in an empty data folder", Args: argsBetween(1, 1),
		Long: "Puts a backup into an empty data folder. Nothing is there before all of it has been proved. Deliveries are then paused until\n" +
			"coopnode delivery resume. What was erased after the backup is erased again: with the list erased.log of the lost data folder.\n" +
			"It takes a database alone too, as Litestream restores one; copy the folder pictures beside it by hand.",
		Example: "  coopnode restore coop.tar.gz --data /var/lib/coopnode --key /root/master.key --erased /root/erased.log",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			_, err = os.Stat(cfg.File)
			configured := err == nil || cfg.Host != ""
			var list io.ReadCloser // opened before the restore, which cannot be done twice
			if erased != "" {
				if list, err = a.input(erased); err != nil {
					return err
				}
				defer list.Close()
			}
			if err := giveToService(cfg.Data); err != nil {
				return err
			}
			if err := rightUser(cfg.Data); err != nil {
				return err
			}
			bar := a.progressOf("restore", args[0])
			m, err := store.Restore(ctx, args[0], store.RestoreOptions{Dir: cfg.Data, KeyFile: key, By: a.by(), Moved: bar.add, Open: openNamed})
			bar.end()
			if err != nil {
				return err
			}
			h, err := a.openFor(ctx, cfg)
			if err != nil {
				return err
			}
			defer h.db.Close()
			again, err := h.eraseAgain(ctx, list, a.by())
			if err != nil {
				return err
			}
			queue, err := h.QueueStatus(ctx)
			if err != nil {
				return err
			}
			a.tell("Restored into %s. Erased again: %d. Deliveries are paused; %d letters wait.\n"+
				"Everybody has to sign in again; who was removed after the backup may come in again too (coopnode person list).\nLook at what waits: coopnode delivery list. Then let it go: coopnode delivery resume\n%s",
				cfg.Data, again, queue.Waiting, h.startAgain(ctx, a, configured))
			return a.showBackup(args[0], m)
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "file with the master key, where the backup does not hold it")
	cmd.Flags().StringVar(&erased, "erased", "", "list of what was erased after the backup (erased.log of the lost folder)")
	return cmd
}

// startAgain tells how a node starts that was restored. Its configuration is not in a backup, and may be lost.
func (h *house) startAgain(ctx context.Context, a *app, configured bool) string {
	if !configured && !h.Dev {
		return "There is no configuration. Make it and start the node with: coopnode init " + h.Links.Host() + a.whereFlags()
	}
	return "Start it with: " + a.startLine(ctx, h.cfg.Data)
}

// eraseAgain erases what stands in a list of erasures and is here all the same (BAK-5), and returns how much that was. The list is
// that of the data folder if there is no other.
func (h *house) eraseAgain(ctx context.Context, list io.Reader, by string) (count int, err error) {
	var addresses []string
	if list == nil {
		addresses, err = h.db.Erased()
	} else {
		addresses, err = store.ErasedIn(list)
	}
	if err != nil {
		return 0, err
	}
	for _, listed := range addresses {
		erased, err := h.EraseAgain(ctx, by, listed)
		if err != nil {
			return count, err
		}
		if erased {
			count++
		}
	}
	return count, nil
}

// A progress tells how far long work is: a bar on a terminal, a line every ten seconds elsewhere.
type progress struct {
	a           *app
	what        string
	start, last time.Time
	done, total int64
	drawn       bool
	amount      func(int64) string // how done is written
}

func (a *app) progress(what string) *progress {
	now := time.Now()
	return &progress{a: a, what: what, start: now, last: now, amount: sizeText}
}

// progressOf is the progress of reading a file.
func (a *app) progressOf(what, path string) *progress {
	p := a.progress(what)
	if f, err := openNamed(path); err == nil {
		if info, err := f.Stat(); err == nil {
			p.total = info.Size()
		}
		f.Close()
	}
	return p
}

func (p *progress) add(n int) { p.show(p.done+int64(n), p.total) }

func (p *progress) show(done, total int64) {
	p.done, p.total = done, total
	terminal, now := isTerminal(p.a.errOut), time.Now()
	if pause := now.Sub(p.last); p.a.quiet || total == 0 || pause < 200*time.Millisecond || !terminal && pause < 10*time.Second {
		return
	}
	p.last = now
	took := now.Sub(p.start).Seconds()
	rate := float64(done) / took
	left := time.Duration(float64(total-done) / max(rate, 1) * float64(time.Second)).Round(time.Second)
	text := fmt.Sprintf("%s  %s of %s  %s/s  %s left", p.what, p.amount(done), p.amount(total), p.amount(int64(rate)), left)
	if !terminal {
		fmt.Fprintln(p.a.errOut, text)
		return
	}
	const width = 24
	full := int(min(done, total) * width / total)
	fmt.Fprintf(p.a.errOut, "\r\033[K[%s%s] %s", strings.Repeat("#", full), strings.Repeat(".", width-full), text)
	p.drawn = true
}

// end takes the bar away.
func (p *progress) end() {
	if p.drawn {
		fmt.Fprint(p.a.errOut, "\r\033[K")
	}
}

// deliveryResume ends the pause that a restore begins.
func deliveryResume(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "resume", Short: "Let letters go out again after a restore", Args: argsBetween(0, 0),
		Long: "After a restore no letter goes out until somebody has looked at what waits (coopnode delivery list) and dropped what must not\nbe said again (coopnode delivery drop).",
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			since, err := node.PausedSince(ctx, h.Store())
			if err != nil {
				return err
			}
			if since.IsZero() {
				a.tell("Deliveries are not paused.")
				return nil
			}
			if err := h.ResumeDeliveries(ctx, a.by()); err != nil {
				return err
			}
			queue, err := h.QueueStatus(ctx)
			if err != nil {
				return err
			}
			a.tell("Deliveries go on; %d letters wait.", queue.Waiting)
			return a.show(queue, nil)
		}),
	}
}

// tellPause says at the start of the server that no letters go out.
func (a *app) tellPause(ctx context.Context, h *house) error {
	since, err := node.PausedSince(ctx, h.Store())
	if err != nil || since.IsZero() {
		return err
	}
	queue, err := h.QueueStatus(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.errOut, "Deliveries are paused since the restore of %s; %d letters wait. Look at them: coopnode delivery list. Then: coopnode delivery resume\n", moment(since), queue.Waiting)
	return err
}
