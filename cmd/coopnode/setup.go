package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
)

// A setup is one run of init for a node on the internet: five steps, each of which may find that it was done before.
type setup struct {
	*app
	cfg   *Config
	nn    newNode
	there *made // what was there already; nil for a new node
	key   string
	m     *made
	step  int
	enter chan struct{} // gets each Enter, once somebody waits
	runs  bool          // the server does
	left  bool          // something is left to do, which was told
}

// setUp goes through the five steps.
func (a *app) setUp(ctx context.Context, cfg *Config, nn newNode) error {
	s := &setup{app: a, cfg: cfg, nn: nn}
	for _, step := range []func(context.Context) error{s.checkName, s.makeFiles, s.leadName, s.start, s.welcomeSteward} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if s.left && s.nn.wait > 0 {
		return errProblems
	}
	return nil
}

// begin shows the heading of the next step.
func (s *setup) begin(title string) {
	if s.step++; s.step > 1 {
		s.tell("")
	}
	s.tell("  %-72sstep %d of 5", title, s.step)
}

// columns puts b beside a, where it is read easily.
func columns(a, b string) string {
	if b == "" {
		return a
	}
	return a + strings.Repeat(" ", max(2, 43-utf8.RuneCountInString(a))) + b
}

func (s *setup) done(what, details string) { s.tell("  ✓ %s", columns(what, details)) }

// open says that something is left to do.
func (s *setup) open(what, details string) {
	s.left = true
	s.tell("  ! %s", columns(what, details))
}

// more is a line under another.
func (s *setup) more(format string, args ...any) { s.tell("    "+format, args...) }

// visit opens the node for a moment.
func (s *setup) visit(ctx context.Context, do func(*house) error) error {
	return asOwner(s.cfg.Data, func() error {
		h, err := s.openFor(ctx, s.cfg)
		if err != nil {
			return err
		}
		defer h.db.Close()
		return do(h)
	})
}

// checkName is the first step: the name has to be free, or this node's own, and so have the ports.
func (s *setup) checkName(ctx context.Context) error {
	s.begin("Setting up a node for " + s.nn.host)
	err := s.visit(ctx, func(h *house) error {
		if h.Links.Base != s.nn.base() {
			return otherNode(s.cfg, h.Links.Base, s.nn)
		}
		us, err := h.Profile(ctx)
		if err == nil {
			s.there, s.key, s.nn.handle = &made{Handle: us.Address()}, us.KeyPEM, us.Handle
		}
		return err
	})
	if err != nil && !node.IsNotFound(err) {
		return err
	}
	proposed := s.nn
	proposed.propose()
	if err := s.lookAround(ctx, proposed.handle); err != nil {
		return err
	}
	if err := s.chooseTLS(); err != nil {
		return err
	}
	if s.there != nil {
		return nil
	}
	return s.askNames(&s.nn)
}

// lookAround refuses a name on which somebody else federates.
func (s *setup) lookAround(ctx context.Context, handle string) error {
	if s.nn.offline {
		return nil
	}
	cidrs, err := prefixes(s.cfg.AllowCIDRs)
	if err != nil {
		return err
	}
	asked := s.nn.base() + "/.well-known/nodeinfo"
	r, err := activitypub.LookAt(ctx, s.nn.host, handle, activitypub.Options{
		Version: programVersion(), AllowCIDRs: cidrs, AllowPorts: append(s.cfg.ports(), s.nn.port()),
		CAFile: s.cfg.CAFile, Proxy: s.cfg.Proxy, Resolvers: s.cfg.Resolvers,
	})
	if err != nil {
		return wrongUse("%v", err)
	}
	refuse := func(format string, args ...any) error {
		return &node.Error{Op: "set up node", Kind: node.Refused, Subject: s.nn.host, Text: fmt.Sprintf(format, args...)}
	}
	switch {
	case r.Silence != "":
		s.done("nothing federates on this name yet", "(asked "+asked+": no answer)")
	case !r.Federates:
		s.done("nothing federates on this name yet", "(asked "+asked+")")
	case s.key != "" && strings.TrimSpace(r.Key) == strings.TrimSpace(s.key):
		s.done("this node answers on the name", "(asked "+asked+")")
	case r.Software == activitypub.SoftwareName:
		return refuse("A coopnode answers at %s already, with other keys than those in %s. A name that comes back with new keys is refused by "+
			"everybody. If that node is yours, bring its keys here: coopnode restore BACKUP. Else choose another name.", r.Evidence, s.cfg.Data)
	default:
		what := "An ActivityPub server"
		if r.Software != "" {
			what += " (" + oneLine(r.Software) + ")"
		}
		return refuse("%s answers at %s. A name cannot be shared with it, nor taken over without its keys: everybody who knows the name "+
			"would refuse this node. Choose another name, like social.%s.", what, r.Evidence, s.nn.host)
	}
	return nil
}

// port is where the node is reached from outside.
func (nn newNode) port() int {
	if _, port, err := net.SplitHostPort(nn.host); err == nil {
		n, _ := strconv.Atoi(port) // readHost has looked at it
		return n
	}
	return 443
}

// chooseTLS says who does https, and sees that the addresses to listen on are free.
func (s *setup) chooseTLS() error {
	if _, err := os.Stat(s.cfg.File); err == nil { // it holds, whatever was said now
		if s.nn.tls != "" && s.nn.tls != s.cfg.TLS {
			return wrongUse("%s says tls = %q. Change it there, then run init again.", s.cfg.from("tls"), s.cfg.TLS)
		}
		s.nn.tls = s.cfg.TLS
	}
	if pid, runs := store.Server(s.cfg.Data); runs {
		s.runs = true
		s.done("the node runs", fmt.Sprintf("process %d", pid))
		if s.nn.tls != "" {
			s.cfg.TLS = s.nn.tls
		}
		return s.checkTLS()
	}
	chosen := s.nn.tls
	if chosen == "" && s.cfg.origin["tls"] != "" {
		chosen = s.cfg.TLS
	}
	if chosen == "" {
		chosen = "off"
		if free, _ := s.portsFree("auto"); free {
			chosen = "auto"
		}
		if !s.nn.yes && s.asks() {
			var err error
			if chosen, err = s.ask("https by this program (auto), or by a proxy in front of it (off)", chosen); err != nil {
				return err
			}
		}
	}
	s.cfg.TLS = chosen
	if err := s.checkTLS(); err != nil {
		return err
	}
	free, err := s.portsFree(chosen)
	where := strings.Join(s.listening(), " and ")
	if chosen == "auto" && len(s.cfg.Listen) == 0 {
		where = "ports 443 and 80"
	}
	switch {
	case free:
		s.done("nobody else listens on "+where, "")
	case node.KindOf(err) == node.Forbidden:
		s.tell("  – %s", columns("not tried to listen on "+where, "this user may not; the service may"))
	default:
		return err
	}
	return nil
}

// checkTLS looks whether the choice is one.
func (s *setup) checkTLS() error {
	if s.nn.cert != "" {
		s.cfg.Cert, s.cfg.Key = s.nn.cert, s.nn.key
	}
	if err := s.cfg.check(); err != nil {
		return err
	}
	if found := s.cfg.problems(); len(found) > 0 {
		return wrongUse("%s", found[0])
	}
	return nil
}

// listening are the addresses on which the node will listen.
func (s *setup) listening() []string {
	return s.cfg.listenOn(&node.Node{Links: node.Links{Base: s.nn.base()}})
}

// portsFree tries to listen where the node will.
func (s *setup) portsFree(tls string) (bool, error) {
	was := s.cfg.TLS
	s.cfg.TLS = tls
	defer func() { s.cfg.TLS = was }()
	for _, address := range s.listening() {
		if strings.HasPrefix(address, "unix:") {
			continue
		}
		l, err := listenAt(address)
		if err != nil {
			return false, err
		}
		l.Close()
	}
	return true, nil
}

// makeFiles is the second step.
func (s *setup) makeFiles(ctx context.Context) error {
	s.begin("Files")
	var wrote bool
	var err error
	if s.m, wrote, err = s.make(ctx, s.cfg, s.nn); err != nil {
		return err
	}
	if wrote {
		s.done(s.m.Config, "explained inside")
	} else {
		s.done(s.m.Config, "was there")
	}
	if s.m.New {
		s.done(s.m.Data, "database and keys, readable by nobody else")
	} else {
		s.done(s.m.Data, "was there")
	}
	s.done(s.m.Handle, s.m.Name)
	if s.there != nil && s.there.Handle != s.m.Handle {
		s.more("The handle was %s. Servers that know the coop by it may show the old one, or both; people there", s.there.Handle)
		s.more("may have to follow again. It cannot change once more.")
	}
	return nil
}

// welcomeSteward is the last step: the link, which is the answer of the command.
func (s *setup) welcomeSteward(context.Context) error {
	s.begin("Sign in")
	if s.json {
		return s.show(s.m, nil)
	}
	if s.m.Welcome == "" {
		s.done("a steward can sign in already", "")
		s.more("Lost the way in?  coopnode person link --help")
		_, err := fmt.Fprintln(s.out, s.m.Address+"/")
		return err
	}
	s.more("Open this within the hour; it works once:")
	if s.quiet {
		_, err := fmt.Fprintln(s.out, s.m.Welcome)
		return err
	}
	if _, err := fmt.Fprintf(s.out, "      %s\n", s.m.Welcome); err != nil {
		return err
	}
	s.more("Lost it? Run init again.")
	return nil
}

// wait tries something until it succeeds, Enter was pressed on a terminal, or the time is over. It gives what was in the way last.
func (s *setup) wait(ctx context.Context, what string, try func(context.Context) error) error {
	began := time.Now()
	shows := s.asks() && !s.quiet
	if shows && s.enter == nil && s.nn.wait > 0 {
		s.enter = make(chan struct{})
		go s.listenForEnter()
	}
	if shows {
		defer fmt.Fprint(s.errOut, "\r\x1b[K")
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var err error
	for second := 0; ; second++ {
		if second%3 == 0 {
			if err = try(ctx); err == nil {
				return nil
			}
		}
		past := time.Since(began)
		if past >= s.nn.wait {
			return err
		}
		if shows {
			fmt.Fprintf(s.errOut, "\r\x1b[K  … waiting until %s   [Enter to go on without]   %d:%02d", what, int(past.Minutes()), int(past.Seconds())%60)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.enter:
			return err
		case <-tick.C:
		}
	}
}

// listenForEnter passes on each line that is typed. It ends with the input, or with the program.
func (s *setup) listenForEnter() {
	if s.lines == nil {
		s.lines = bufio.NewReader(s.in)
	}
	for {
		if _, err := s.lines.ReadString('\n'); err != nil && !errors.Is(err, io.EOF) || err == io.EOF {
			return
		}
		s.enter <- struct{}{}
	}
}
