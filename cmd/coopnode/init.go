package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/idna"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
)

// newNode is what init asks for.
type newNode struct {
	host         string // with the port, where it is not the usual one
	dev          bool
	name, handle string
	domain       string // of the handle, where it is not the host
	mail         string // of the first steward
	tls          string // off, auto or files; "" where nobody has said
	cert, key    string
	yes          bool
	offline      bool          // nobody is asked
	wait         time.Duration // for the name and the certificate
}

func (nn newNode) base() string {
	if nn.dev {
		return "http://" + nn.host
	}
	return "https://" + nn.host
}

// made is what init answers.
type made struct {
	Address string `json:"address"`
	Handle  string `json:"handle"`
	Name    string `json:"name"`
	Config  string `json:"config"`
	Data    string `json:"data"`
	New     bool   `json:"new"`               // false where it was there already
	Welcome string `json:"welcome,omitempty"` // with which the first steward comes in, while there is none
}

// waitAtTerminal is how long init waits where somebody looks on, who can go on with Enter.
const waitAtTerminal = 30 * time.Minute

func initCommand(a *app) *cobra.Command {
	var nn newNode
	var noWait bool
	cmd := &cobra.Command{
		Use: "init HOST[:PORT]", Short: "Set up a node, step by step", Args: argsBetween(1, 1),
		Long: "Sets up a node in five steps: what is on the name already; configuration file and data folder with the keys; the name in the\n" +
			"DNS; https and the first start; the link for the first steward. HOST becomes its address and cannot change later. Run it\n" +
			"again to finish what is missing; it changes nothing that is there. It asks questions only on a terminal.\n\n" +
			"With --dev the node speaks plain http on this machine alone, for trying things out.",
		Example: "  coopnode init coop.example\n  coopnode init social.coop.example --handle-domain coop.example\n" +
			"  coopnode init coop.example --yes --tls off --no-wait\n  coopnode init localhost:8080 --dev --data ./try --name 'Toxeira' --yes",
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if nn.host, err = readHost(args[0], nn.dev); err != nil {
				return err
			}
			if nn.domain != "" {
				if nn.domain, err = readHost(nn.domain, nn.dev); err != nil {
					return err
				}
			}
			switch {
			case noWait:
				nn.wait = 0
			case !cmd.Flags().Changed("wait") && a.asks():
				nn.wait = waitAtTerminal
			}
			return a.initialise(cmd.Context(), nn)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&nn.dev, "dev", false, "for trying out: plain http, on localhost, *.localhost or 127.0.0.0/8 only")
	f.StringVar(&nn.name, "name", "", "name of the coop")
	f.StringVar(&nn.handle, "handle", "", "what stands before the @ of its address: a-z, 0-9 and _")
	f.StringVar(&nn.domain, "handle-domain", "", "what stands behind the @, where that is another domain than HOST")
	f.StringVar(&nn.mail, "mail", "", "mail address of the first steward")
	f.StringVar(&nn.tls, "tls", "", "who does https: auto (this program), off (a proxy in front), files (this program with your certificate)")
	f.StringVar(&nn.cert, "cert", "", "certificate chain as PEM, for --tls files")
	f.StringVar(&nn.key, "key", "", "private key of the certificate as PEM, for --tls files")
	f.BoolVarP(&nn.yes, "yes", "y", false, "ask nothing, take what is proposed")
	f.BoolVar(&nn.offline, "offline", false, "ask no other machine: for a node that is not on the internet yet")
	f.DurationVar(&nn.wait, "wait", 0, "wait that long for the name and for the certificate; on a terminal 30m, until Enter")
	f.BoolVar(&noWait, "no-wait", false, "wait for nothing")
	cmd.MarkFlagsMutuallyExclusive("wait", "no-wait")
	cmd.RegisterFlagCompletionFunc("tls", cobra.FixedCompletions([]cobra.Completion{"auto", "off", "files"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// readHost checks the name of a new node and writes it as it is compared ever after (ORG-7).
func readHost(s string, dev bool) (string, error) {
	if rest, ok := strings.CutPrefix(s, "https://"); ok {
		s = rest
	} else if rest, ok := strings.CutPrefix(s, "http://"); ok {
		s = rest
	}
	s = strings.TrimSuffix(s, "/")
	host, port := s, ""
	if h, p, err := net.SplitHostPort(s); err == nil {
		if !validPort(p) {
			return "", wrongUse("%q is no port. Ports are 1 to 65535.", p)
		}
		host, port = h, p
	}
	ip, err := netip.ParseAddr(host)
	isIP := err == nil
	if !isIP {
		if host, err = idna.Lookup.ToASCII(host); err != nil || host == "" || strings.ContainsAny(host, ":/@%") || strings.HasSuffix(host, ".") {
			return "", wrongUse("%q is not a host name. Give the name that your coop's node shall have, like coop.example.", s)
		}
	}
	local := host == "localhost" || strings.HasSuffix(host, ".localhost") || isIP && ip.Unmap().IsLoopback() && ip.Is4()
	switch {
	case dev && !local:
		return "", wrongUse("--dev is for trying out on this machine: plain http, only for localhost, names that end in .localhost, and 127.0.0.0/8. "+
			"For %s leave --dev away; the node then has https addresses.", host)
	case !dev && local:
		return "", wrongUse("%s is this machine only, and nobody else can reach it. To try things out write: coopnode init %s --dev", host, s)
	case !dev && isIP:
		return "", wrongUse("A node needs a name, not the number %s: other servers refuse numbers. Give a host name, like coop.example.", host)
	case !dev && !strings.Contains(host, "."):
		return "", wrongUse("%q is not a name that others can reach. Give the whole host name, like coop.example.", host)
	}
	switch {
	case dev && port == "":
		port = "8080"
	case dev && port == "80", !dev && port == "443":
		port = ""
	}
	if port == "" {
		return host, nil
	}
	return net.JoinHostPort(host, port), nil
}

// initialise makes what is missing: configuration file, data folder, node, and what leads others to it.
func (a *app) initialise(ctx context.Context, nn newNode) error {
	if a.dataDir != "" { // the file remembers it, from wherever the next command is given
		var err error
		if a.dataDir, err = filepath.Abs(a.dataDir); err != nil {
			return fmt.Errorf("find data folder: %w", err)
		}
	}
	cfg, err := a.configForInit()
	if err != nil {
		return err
	}
	if cfg.Host != "" && cfg.Host != nn.host {
		return wrongUse("%s already belongs to %s, and a node cannot change its name. For a second node choose another place: coopnode init %s --data DIR", cfg.from("host"), cfg.Host, nn.host)
	}
	if nn.domain == "" {
		nn.domain = cfg.HandleDomain
	}
	if !nn.dev {
		return a.setUp(ctx, cfg, nn)
	}
	m, wrote, err := a.make(ctx, cfg, nn)
	if err != nil {
		return err
	}
	if err := a.show(m, func(w io.Writer) {
		table(w, func(row func(...any)) {
			row("address", m.Address+"/")
			row("handle", m.Handle)
			row("name", m.Name)
			row("configuration", m.Config+unless(wrote, "  (was there)"))
			row("data", m.Data+unless(m.New, "  (was there)"))
		})
	}); err != nil {
		return err
	}
	if !a.quiet && !a.json {
		writeWelcome(a.errOut, m.Welcome)
	}
	serve := a.startLine(ctx, m.Data)
	if m.New {
		a.tell("\nThe node is set up. Start it with: %s\nThen open %s/", serve, m.Address)
	} else {
		a.tell("\nThe node was set up already; nothing that was there has changed.\nStart it with: %s", serve)
	}
	return nil
}

// make makes what is missing of data folder, node and configuration file; wrote says that the file was made now.
func (a *app) make(ctx context.Context, cfg *Config, nn newNode) (m *made, wrote bool, err error) {
	if err := giveToService(cfg.Data); err != nil {
		return nil, false, err
	}
	var file string
	err = asOwner(cfg.Data, func() error {
		h, fresh, err := a.makeNode(ctx, cfg, nn)
		if err != nil {
			return err
		}
		defer h.db.Close()
		if nn.domain != "" {
			if _, err := h.SetHandleDomain(ctx, a.by(), nn.domain); err != nil {
				return err
			}
		}
		p, err := h.Profile(ctx)
		if err != nil {
			return err
		}
		m = &made{Address: h.Links.Base, Handle: p.Address(), Name: p.Name, Config: cfg.File, Data: cfg.Data, New: fresh}
		file = firstConfig(cfg, h.Node)
		if m.Welcome, err = h.welcome(ctx, a.by()); err != nil || m.Welcome == "" || nn.mail == "" {
			return err
		}
		return h.ExpectSteward(ctx, nn.mail)
	})
	if err == nil {
		wrote, err = writeConfig(cfg, file)
	}
	return m, wrote, err
}

// whereFlags are the flags that lead every other command to the same node.
func (a *app) whereFlags() string {
	switch {
	case a.configFile != "": // it says where the data is
		return " --config " + shellWord(a.configFile)
	case a.dataDir != "":
		return " --data " + shellWord(a.dataDir)
	}
	return ""
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./=:@%+-]+$`)

func shellWord(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func unless(b bool, s string) string {
	if b {
		return ""
	}
	return s
}

// configForInit reads the configuration as it would hold; a file that --config names need not be there yet.
func (a *app) configForInit() (*Config, error) {
	if a.configFile != "" {
		if _, err := os.Stat(a.configFile); errors.Is(err, fs.ErrNotExist) {
			other := *a
			other.configFile = ""
			env := a.env
			other.env = func(name string) (string, bool) {
				if name == "COOPNODE_CONFIG" {
					return a.configFile, true
				}
				return env(name)
			}
			return other.loadConfig()
		}
	}
	return a.loadConfig()
}

// makeNode opens the node of a data folder and makes it where there is none; fresh says that it was made now.
func (a *app) makeNode(ctx context.Context, cfg *Config, nn newNode) (h *house, fresh bool, err error) {
	if err := rightUser(cfg.Data); err != nil {
		return nil, false, err
	}
	opt := store.Options{Dir: cfg.Data, Create: true, Log: a.commandLog()}
	if h, err = a.openFor(ctx, cfg); err == nil {
		if h.Links.Base == nn.base() {
			return h, false, nil
		}
		h.db.Close()
		return nil, false, otherNode(cfg, h.Links.Base, nn)
	} else if !node.IsNotFound(err) {
		return nil, false, err
	}
	if err := a.askNames(&nn); err != nil {
		return nil, false, err
	}
	db, err := store.Open(ctx, opt)
	if err != nil {
		return nil, false, err
	}
	err = node.SetUp(ctx, db, activitypub.NewEncoder, node.Setup{Base: nn.base(), Dev: nn.dev, Handle: nn.handle, Name: nn.name, Domain: nn.domain}, clock())
	db.Close()
	if err != nil {
		return nil, false, err
	}
	h, err = a.openStore(ctx, cfg, opt, a.commandLog())
	return h, true, err
}

func otherNode(cfg *Config, there string, nn newNode) error {
	if dev, plain := "http://"+nn.host, "https://"+nn.host; there == dev && !nn.dev || there == plain && nn.dev {
		return wrongUse("The node in %s is %s. Its scheme is part of its address and cannot change: a node made with --dev stays one. For the other kind choose another folder with --data DIR.", cfg.Data, there)
	}
	return wrongUse("The folder %s already holds the node %s, and a node cannot change its name. For a second node choose another place: coopnode init %s --data DIR", cfg.Data, there, nn.host)
}

var notHandle = regexp.MustCompile(`[^a-z0-9_]+`)

// propose fills in the name and the handle that follow from the host.
func (nn *newNode) propose() {
	host := node.HostName(nn.host)
	if unicode, err := idna.Display.ToUnicode(host); err == nil && nn.name == "" {
		host = unicode
	}
	label, _, _ := strings.Cut(host, ".")
	if _, err := netip.ParseAddr(host); err == nil {
		label = "coop"
	}
	if nn.name == "" {
		first := []rune(strings.ReplaceAll(label, "-", " "))
		nn.name = strings.ToUpper(string(first[:1])) + string(first[1:])
	}
	if nn.handle == "" {
		ascii, _, _ := strings.Cut(nn.host, ".")
		if ascii, _, _ = strings.Cut(ascii, ":"); strings.HasPrefix(ascii, "xn--") || label == "coop" {
			ascii = "coop"
		}
		handle := strings.Trim(notHandle.ReplaceAllString(strings.ToLower(ascii), "_"), "_")
		nn.handle = handle[:min(len(handle), 30)]
	}
}

// askNames asks for name and handle on a terminal, with what follows from the host as proposal.
func (a *app) askNames(nn *newNode) error {
	proposed := *nn
	proposed.propose()
	if nn.yes || !a.asks() {
		*nn = proposed
		return nil
	}
	var err error
	if nn.name == "" {
		if nn.name, err = a.ask("Name of your coop", proposed.name); err != nil {
			return err
		}
	}
	for nn.handle == "" {
		if nn.handle, err = a.ask("Handle, before the @ of @"+proposed.handle+"@"+cmp.Or(nn.domain, nn.host), proposed.handle); err != nil {
			return err
		}
		if nn.handle = strings.TrimPrefix(nn.handle, "@"); notHandle.MatchString(nn.handle) || len(nn.handle) > 30 {
			fmt.Fprintln(a.errOut, "A handle has 1 to 30 of a-z, 0-9 and _.")
			nn.handle = ""
		}
	}
	if nn.mail == "" && !nn.dev {
		nn.mail, err = a.ask("Mail address of the first steward, if there is one", "")
	}
	return err
}

// writeConfig writes the configuration file of a node unless one is there; it tells which.
func writeConfig(cfg *Config, text string) (bool, error) {
	if err := os.MkdirAll(filepath.Dir(cfg.File), 0o755); err != nil {
		return false, fmt.Errorf("make folder of the configuration: %w", err)
	}
	f, err := os.OpenFile(cfg.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("write configuration: %w", err)
	}
	_, err = f.WriteString(text)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return false, fmt.Errorf("write configuration: %w", err)
	}
	return true, nil
}

// firstConfig is the file that init writes: what must be there, and what one is likely to change.
func firstConfig(cfg *Config, n *node.Node) string {
	var b strings.Builder
	b.WriteString("# Configuration of coopnode. All settings: coopnode config example\n\n")
	b.WriteString("# The name of this node. It is part of every address it has given out, so it cannot change.\n")
	b.WriteString(tomlLine("host", line, []string{n.Links.Host()}) + "\n\n")
	b.WriteString("# The database and the keys. Whoever loses the keys loses the name: keep a copy elsewhere.\n")
	b.WriteString(tomlLine("data", line, []string{cfg.Data}) + "\n\n")
	listen := cfg.listenOn(n)
	if n.Dev {
		b.WriteString("# Where it listens: this machine only, for it was made with --dev.\n")
		b.WriteString("# " + tomlLine("listen", list, listen) + "\n")
		return b.String()
	}
	b.WriteString("# Who does https: \"auto\" this program, with a certificate that it gets by itself, \"files\" this program, with cert\n" +
		"# and key, \"off\" a proxy in front of it. See: coopnode help https\n")
	b.WriteString(tomlLine("tls", line, []string{cfg.TLS}) + "\n")
	if cfg.TLS == "files" {
		b.WriteString(tomlLine("cert", line, []string{cfg.Cert}) + "\n" + tomlLine("key", line, []string{cfg.Key}) + "\n")
	}
	b.WriteString("\n# Where it listens.\n")
	b.WriteString(tomlLine("listen", list, listen) + "\n")
	if cfg.TLS == "off" {
		b.WriteString("\n# The proxies whose word on the visitor's address is believed.\n")
		b.WriteString(tomlLine("trusted_proxies", list, []string{"127.0.0.1/32", "::1/128"}) + "\n")
	}
	return b.String()
}
