package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"os/user"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
	"github.com/coopnode/coopnode/ui"
)

// app is one run of the program: where it reads and writes, and the flags that every command has.
type app struct {
	in          io.Reader
	out, errOut io.Writer
	env         func(string) (string, bool)

	configFile, dataDir string
	listen              []string // serve's
	json, quiet, debug  bool

	lines *bufio.Reader // in, for questions
}

// house is an opened node with what belongs to it.
type house struct {
	*node.Node
	cfg   *Config
	db    *store.DB
	meter activitypub.Meter // nil in a command
}

// action is a command that works on a node.
type action func(ctx context.Context, h *house, args []string) error

// on makes a command open the node, act and close it again: one short visit beside a server that
// may be running (decisions 34).
func (a *app) on(act action) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		h, err := a.openHouse(cmd.Context())
		if err != nil {
			return err
		}
		defer h.db.Close()
		return act(cmd.Context(), h, args)
	}
}

// stoppable lets a person stop an action that would else leave half a file behind: it ends, and cleans up.
func stoppable(act action) action {
	return func(ctx context.Context, h *house, args []string) error {
		stop, end := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
		defer end()
		err := act(stop, h, args)
		if err != nil && stop.Err() != nil && ctx.Err() == nil {
			return errors.New("stopped, and nothing was kept of it")
		}
		return err
	}
}

func (a *app) openHouse(ctx context.Context) (*house, error) {
	cfg, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	return a.openFor(ctx, cfg)
}

// openFor opens the node of a configuration for a command. Who has read the configuration already does not read it again: root may
// not find it any more, once it is the owner of the data.
func (a *app) openFor(ctx context.Context, cfg *Config) (*house, error) {
	return a.openStore(ctx, cfg, store.Options{Dir: cfg.Data, Log: a.commandLog()}, a.commandLog())
}

// openStore opens the store and the node in it.
func (a *app) openStore(ctx context.Context, cfg *Config, opt store.Options, log *slog.Logger) (*house, error) {
	if err := rightUser(cfg.Data); err != nil {
		return nil, err
	}
	if opt.Serve {
		if err := stayOwner(); err != nil {
			return nil, err
		}
	}
	db, err := store.Open(ctx, opt)
	if node.IsNotFound(err) {
		return nil, noNode(cfg)
	} else if err != nil {
		return nil, err
	}
	n, err := node.New(ctx, db, activitypub.NewEncoder, node.Options{Now: clock, Log: log, Markdown: ui.Markdown, Clean: ui.Clean, Redraw: redrawApart})
	if node.IsNotFound(err) {
		err = noNode(cfg)
	}
	if err == nil && cfg.Host != "" && cfg.Host != n.Links.Host() {
		err = wrongUse("The configuration (%s) says host %q, but the node in %s is %s. A node cannot change its name: correct the one or choose the other folder with --data.",
			cfg.from("host"), cfg.Host, cfg.Data, n.Links.Host())
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	return &house{Node: n, cfg: cfg, db: db}, nil
}

func noNode(cfg *Config) error {
	if _, _, ok := ownerOf(systemData); ok && cfg.Data != systemData && cfg.from("data") == "built-in" {
		return missing("There is no node in %s. If you mean the one in %s, run the same as root: sudo coopnode ... To make one of your own: coopnode init HOST", cfg.Data, systemData)
	}
	return missing("There is no node in %s. Make one with: coopnode init HOST. If it is elsewhere, say where with --data DIR or --config FILE.", cfg.Data)
}

// wire is the network side of the node, for commands that ask others. They sign as this node.
func (h *house) wire(ctx context.Context, log *slog.Logger) (*activitypub.Wire, error) {
	cidrs, err := prefixes(h.cfg.AllowCIDRs)
	if err != nil {
		return nil, err
	}
	return activitypub.New(ctx, h.Node, activitypub.Options{
		Version: programVersion(), Log: log, AllowCIDRs: cidrs, AllowPorts: h.cfg.ports(),
		CAFile: h.cfg.CAFile, Proxy: h.cfg.Proxy, Resolvers: h.cfg.Resolvers, Listen: ownAddresses(h.cfg.listenOn(h.Node)), Meter: h.meter,
	})
}

// commandLog is silent unless --debug: a command tells what happened in its answer.
func (a *app) commandLog() *slog.Logger {
	if !a.debug {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(a.errOut, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// by names who did a change, as it is kept beside it (decisions 30).
func (a *app) by() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return "command:" + u.Username
	}
	return fmt.Sprintf("command:%d", os.Getuid())
}

// show writes the answer: v as JSON where --json was given, else what text writes.
func (a *app) show(v any, text func(w io.Writer)) error {
	if a.json {
		enc := json.NewEncoder(a.out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(v)
	}
	if text == nil {
		return nil
	}
	w := bufio.NewWriter(a.out)
	text(w)
	return w.Flush()
}

// table writes rows in columns.
func table(w io.Writer, rows func(row func(cells ...any))) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	rows(func(cells ...any) {
		texts := make([]string, len(cells))
		for i, c := range cells {
			texts[i] = oneLine(fmt.Sprint(c))
		}
		fmt.Fprintln(t, strings.TrimRight(strings.Join(texts, "\t"), "\t"))
	})
	t.Flush()
}

// oneLine keeps a text from elsewhere inside its line: no control characters, no changes of direction (HTML-5, LOG-1).
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0:
			return -1
		case r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200b || r == 0x2028 || r == 0x2029:
			return -1
		}
		return r
	}, s)
}

// tell says what now is true and what comes next; not with --quiet, and never on standard output.
func (a *app) tell(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.errOut, format+"\n", args...)
	}
}

// asks says whether questions can be asked: only on a terminal, both ways.
func (a *app) asks() bool { return isTerminal(a.in) && isTerminal(a.errOut) }

// ask asks for one line and takes def for an empty one.
func (a *app) ask(question, def string) (string, error) {
	if def != "" {
		question += " [" + def + "]"
	}
	fmt.Fprintf(a.errOut, "  ? %s: ", question)
	if a.lines == nil {
		a.lines = bufio.NewReader(a.in)
	}
	line, err := a.lines.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read answer: %w", err)
	}
	if line = strings.TrimSpace(line); line == "" {
		return def, nil
	}
	return line, nil
}

// sure asks before something that cannot be undone. Questions are asked only on a terminal.
func (a *app) sure(yes bool, format string, args ...any) error {
	if yes || !a.asks() {
		return nil
	}
	answer, err := a.ask(fmt.Sprintf(format, args...)+" Type yes to go on", "no")
	if err == nil && answer != "yes" && answer != "y" {
		err = &node.Error{Op: "ask", Kind: node.Forbidden, Text: "Nothing was changed."}
	}
	return err
}

func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// maxText bounds a text that is read, in bytes; every field is far shorter.
const maxText = 1 << 20

// readText reads a file, or standard input where it is called "-".
func (a *app) readText(name string) (string, error) {
	in, err := a.input(name)
	if err != nil {
		return "", err
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, maxText+1))
	if err == nil && len(data) > maxText {
		err = wrongUse("%s is too long: at most %d KiB are read.", name, maxText>>10)
	}
	if err != nil {
		return "", fmt.Errorf("read text: %w", err)
	}
	return string(data), nil
}
