package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
)

// A finding is what one check found.
type finding struct {
	Group    string `json:"group"`
	Check    string `json:"check"`
	State    health `json:"state"`
	Measured string `json:"measured"`
	Mend     string `json:"mend,omitempty"` // the command or setting that mends it; for all that is not good
}

// health is how something is.
type health string

// The states of a finding.
const (
	good    health = "good"
	soon    health = "soon" // soon a problem
	broken  health = "broken"
	unknown health = "unknown" // could not be checked
)

var marks = map[health]string{good: "✓", soon: "!", broken: "✗", unknown: "–"}

// checkGroups are the groups in the order in which they are told. The second names are for --only.
var checkGroups = [][]string{
	{"name", "dns"}, {"reach", "proxy"}, {"tls"}, {"fediverse"}, {"clock"}, {"store"}, {"queue"}, {"backup"}, {"mail"}, {"version"},
}

// examineWithin bounds everything that doctor does.
const examineWithin = 50 * time.Second

// examineOptions are what one can want of doctor. The zero value checks everything.
type examineOptions struct {
	only   []string // groups; all if empty
	ask    string   // host of the node that looks from outside; those that this node follows if ""
	noAsk  bool     // nobody looks from outside
	full   bool     // every row and index of the database too, which takes minutes where it is large
	mailTo string   // where a mail goes for a test; none if ""
}

// wants says whether a group is to be checked.
func (o examineOptions) wants(group string) bool {
	return len(o.only) == 0 || slices.Contains(o.only, group)
}

// check refuses groups that there are not, and takes the second names for the first.
func (o *examineOptions) check() error {
	for i, name := range o.only {
		at := slices.IndexFunc(checkGroups, func(g []string) bool { return slices.Contains(g, name) })
		if at < 0 {
			return wrongUse("There are no checks called %q. There are: %s.", name, groupNames())
		}
		o.only[i] = checkGroups[at][0]
	}
	return nil
}

func groupNames() string {
	names := make([]string, len(checkGroups))
	for i, g := range checkGroups {
		names[i] = g[0]
	}
	return strings.Join(names, ", ")
}

func doctorCommand(a *app) *cobra.Command {
	var opt examineOptions
	cmd := &cobra.Command{
		Use: "doctor", Short: "Check everything that can be wrong with a node, and say what mends it", Args: argsBetween(0, 0),
		Long: "Checks the name, the way here, certificates, what other servers see, the clock, the database, the queue, backups and mail.\n" +
			"It changes nothing, and works whether the server runs or not. What each line means: coopnode help doctor",
		Example: "  coopnode doctor\n  coopnode doctor --only dns,tls\n  coopnode doctor --mail ana@coop.example",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opt.check(); err != nil {
				return err
			}
			list, err := a.diagnose(cmd.Context(), opt)
			if err != nil {
				return err
			}
			if err := a.show(list, func(w io.Writer) { writeFindings(w, list, a.quiet) }); err != nil {
				return err
			}
			if slices.ContainsFunc(list, func(f finding) bool { return f.State == broken }) {
				return errProblems
			}
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&opt.only, "only", nil, "only these groups: "+groupNames())
	cmd.Flags().StringVar(&opt.ask, "ask", "", "host of the coopnode that looks at this one from outside; else up to three that it follows")
	cmd.Flags().BoolVar(&opt.noAsk, "no-ask", false, "ask no other server to look at this one")
	cmd.Flags().BoolVar(&opt.full, "full", false, "check every row and index of the database, which takes long where it is large")
	cmd.Flags().StringVar(&opt.mailTo, "mail", "", "send a mail to this address for a test")
	cmd.MarkFlagsMutuallyExclusive("ask", "no-ask")
	return cmd
}

// diagnose examines a node, also one that cannot be opened.
func (a *app) diagnose(ctx context.Context, opt examineOptions) ([]finding, error) {
	cfg, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	if err := rightUser(cfg.Data); err != nil {
		return nil, err
	}
	if !opt.full {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, examineWithin)
		defer cancel()
	}
	x := &examination{app: a, cfg: cfg, opt: opt}
	x.stored, x.storedErr = store.Examine(ctx, cfg.Data, opt.full)
	if node.IsNotFound(x.storedErr) {
		return nil, noNode(cfg)
	}
	late := errors.Is(x.storedErr, context.DeadlineExceeded)
	if (x.storedErr == nil || late) && x.stored.Schema == x.stored.Known { // opening would bring an older one up to date
		h, err := a.openFor(ctx, cfg)
		if err == nil {
			defer h.db.Close()
		}
		x.house, x.closed = h, err
	}
	return x.run(ctx), nil
}

// examine checks a node that is open.
func (a *app) examine(ctx context.Context, h *house, opt examineOptions) ([]finding, error) {
	if err := opt.check(); err != nil {
		return nil, err
	}
	x := &examination{app: a, cfg: h.cfg, house: h, opt: opt}
	x.stored, x.storedErr = store.Examine(ctx, h.cfg.Data, opt.full)
	return x.run(ctx), nil
}

// An examination is one run of doctor.
type examination struct {
	app    *app
	cfg    *Config
	opt    examineOptions
	house  *house // nil where it cannot be opened
	closed error  // why

	machine []netip.Addr // addresses of this machine; the system is asked if nil

	stored    *store.Health // of the data folder
	storedErr error
}

// run does the checks, side by side where they do not wait for each other.
func (x *examination) run(ctx context.Context) []finding {
	ctx, cancel := context.WithTimeout(ctx, examineWithin)
	defer cancel()
	reports := make(map[string]*findings, len(checkGroups))
	for _, g := range checkGroups {
		reports[g[0]] = &findings{group: g[0]}
	}
	var all sync.WaitGroup
	for _, group := range []struct {
		name  string
		check func(context.Context, *findings)
		open  bool // needs the node
	}{
		{"store", x.checkStore, false},
		{"queue", x.checkQueue, true},
		{"backup", x.checkBackup, true},
		{"mail", x.checkMail, true},
		{"version", x.checkVersion, false},
	} {
		if !x.opt.wants(group.name) {
			continue
		}
		f := reports[group.name]
		if group.open && x.house == nil {
			f.waits(group.name, "the database, which cannot be opened")
			continue
		}
		all.Go(func() { group.check(ctx, f) })
	}
	x.runNetwork(ctx, reports)
	all.Wait()
	var list []finding
	for _, g := range checkGroups {
		if x.opt.wants(g[0]) {
			list = append(list, reports[g[0]].list...)
		}
	}
	return list
}

// runNetwork does the checks that go out. All of them need the node's key.
func (x *examination) runNetwork(ctx context.Context, reports map[string]*findings) {
	groups := []string{"name", "reach", "tls", "fediverse", "clock"}
	if !slices.ContainsFunc(groups, x.opt.wants) {
		return
	}
	fail := func(do func(f *findings, check string)) {
		for _, g := range groups {
			do(reports[g], g)
		}
	}
	if x.house == nil {
		fail(func(f *findings, check string) { f.waits(check, "the database, which cannot be opened") })
		return
	}
	w, err := x.house.wire(ctx, x.app.commandLog())
	if err != nil {
		fail(func(f *findings, check string) { f.failed(check, err) })
		return
	}
	defer w.Close()
	var all sync.WaitGroup
	if x.opt.wants("clock") {
		all.Go(func() { x.checkClock(ctx, w, reports["clock"]) })
	}
	if slices.ContainsFunc(groups[:4], x.opt.wants) {
		x.checkNetwork(ctx, w, reports["name"], reports["reach"], reports["tls"], reports["fediverse"])
	}
	all.Wait()
}

// findings are those of one group, in the order in which they were made.
type findings struct {
	group string
	list  []finding
}

func (f *findings) add(check string, s health, mend, format string, args ...any) {
	f.list = append(f.list, finding{f.group, check, s, oneLine(fmt.Sprintf(format, args...)), mend})
}

func (f *findings) good(check, format string, args ...any) { f.add(check, good, "", format, args...) }

func (f *findings) soon(check, mend, format string, args ...any) {
	f.add(check, soon, mend, format, args...)
}

func (f *findings) broken(check, mend, format string, args ...any) {
	f.add(check, broken, mend, format, args...)
}

func (f *findings) unknown(check, mend, format string, args ...any) {
	f.add(check, unknown, mend, format, args...)
}

// waits says that a check makes no sense before another thing is mended, so that one cause is one line.
func (f *findings) waits(check, what string) {
	f.unknown(check, "Mend that first.", "waits for %s", what)
}

// failed is a check of ours that did not come to an end.
func (f *findings) failed(check string, err error) {
	text := node.TextOf(err)
	if text == "" {
		text = err.Error()
	}
	f.unknown(check, "Run it again; see what happens inside with: coopnode doctor --debug", "%s", text)
}

// writeFindings shows findings as people read them; short leaves out what is good.
func writeFindings(w io.Writer, list []finding, short bool) {
	wide := 0
	for _, f := range list {
		wide = max(wide, len([]rune(f.Check)))
	}
	counts, group := map[health]int{}, ""
	for _, f := range list {
		counts[f.State]++
		if short && f.State == good {
			continue
		}
		if f.Group != group {
			group = f.Group
			fmt.Fprintln(w, group)
		}
		fmt.Fprintf(w, "  %s %-*s  %s\n", marks[f.State], wide, f.Check, f.Measured)
		if f.Mend != "" && !strings.HasPrefix(f.Measured, "waits for ") {
			fmt.Fprintf(w, "    %-*s  → %s\n", wide, "", f.Mend)
		}
	}
	if short {
		return
	}
	fmt.Fprintf(w, "\n%d good, %d soon a problem, %d broken, %d could not be checked\n", counts[good], counts[soon], counts[broken], counts[unknown])
}
