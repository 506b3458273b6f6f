package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"github.com/coopnode/coopnode/node"
)

// Config is what is needed to start (decisions 33). Everything else lives in the database.
type Config struct {
	Host           string
	HandleDomain   string
	Data           string // absolute
	Listen         []string
	TLS            string // off, files or auto
	Cert, Key      string
	TrustedProxies []string
	Metrics        string
	LogLevel       string
	LogFormat      string
	AllowCIDRs     []string
	AllowPorts     []string
	CAFile         string
	Proxy          string
	ACMEDirectory  string
	Resolvers      []string

	File   string            // where the file is, or would be
	origin map[string]string // name of a setting to where its value came from
}

// settings are the names of the configuration, in the order in which they are shown.
var settings = form[*Config]{
	lineField("host", "the name of this node; it cannot change later (coopnode help configuration)", func(c *Config) *string { return &c.Host }),
	lineField("handle_domain", "for a new node: the domain of its handle, where that is another than host (coopnode help https)", func(c *Config) *string { return &c.HandleDomain }),
	lineField("data", "folder of the database and the keys, readable by nobody else", func(c *Config) *string { return &c.Data }),
	listField("listen", "", "addresses to listen on: 127.0.0.1:8080, [::]:443, unix:/run/coopnode/http.sock; port 80 leads to https where this program does that", func(c *Config) *[]string { return &c.Listen }),
	lineField("tls", "who does HTTPS: off (a proxy in front), auto (this program, which gets its certificate by itself), files (this program, with yours)", func(c *Config) *string { return &c.TLS }),
	lineField("cert", "certificate chain as PEM, for tls = \"files\"", func(c *Config) *string { return &c.Cert }),
	lineField("key", "private key of the certificate as PEM, for tls = \"files\"", func(c *Config) *string { return &c.Key }),
	listField("trusted_proxies", "", "networks of the proxies whose X-Forwarded-For is believed: 127.0.0.1/32", func(c *Config) *[]string { return &c.TrustedProxies }),
	lineField("metrics", "address where numbers for Prometheus are served, never public: 127.0.0.1:9464", func(c *Config) *string { return &c.Metrics }),
	lineField("log.level", "the least that is written", func(c *Config) *string { return &c.LogLevel }, "debug", "info", "warn", "error"),
	lineField("log.format", "auto is text on a terminal and JSON elsewhere", func(c *Config) *string { return &c.LogFormat }, "auto", "text", "json"),
	listField("outgoing.allow_cidrs", "", "private networks that may be reached, for closed networks and tests: 10.1.0.0/16", func(c *Config) *[]string { return &c.AllowCIDRs }),
	listField("outgoing.allow_ports", "", "ports that may be reached beside 443", func(c *Config) *[]string { return &c.AllowPorts }),
	lineField("outgoing.ca_file", "certificates to trust beside the system's, as PEM", func(c *Config) *string { return &c.CAFile }),
	lineField("outgoing.proxy", "HTTP proxy for everything that goes out: http://proxy.example:3128", func(c *Config) *string { return &c.Proxy }),
	lineField("acme.directory", "directory of the certificate authority, for tls = \"auto\"; Let's Encrypt if empty", func(c *Config) *string { return &c.ACMEDirectory }),
	listField("dns.resolvers", "", "name servers to ask instead of the system's: 192.0.2.53:53", func(c *Config) *[]string { return &c.Resolvers }),
}

// loadConfig puts the layers together: built-in, file, environment, flags; the later wins.
func (a *app) loadConfig() (*Config, error) {
	c := &Config{TLS: "off", LogLevel: "info", LogFormat: "auto", origin: map[string]string{}}
	given := a.dataDir
	if v, ok := a.env("COOPNODE_DATA"); ok && given == "" {
		given = v
	}
	var err error
	if given == "" { // a container has no home folder, and needs none
		if c.Data, err = a.defaultData(); err != nil {
			return nil, err
		}
	}
	if c.File, err = a.findFile(given); err != nil {
		return nil, err
	}
	if err := c.readFile(a.configFile != ""); err != nil {
		return nil, err
	}
	if err := c.readEnvironment(a.env); err != nil {
		return nil, err
	}
	if a.dataDir != "" {
		c.Data, c.origin["data"] = a.dataDir, "--data"
	}
	if len(a.listen) > 0 {
		c.Listen, c.origin["listen"] = a.listen, "--listen"
	}
	if c.Data, err = filepath.Abs(c.Data); err != nil {
		return nil, fmt.Errorf("find data folder: %w", err)
	}
	return c, c.check()
}

// findFile says where the configuration file is: --config, COOPNODE_CONFIG, in the data folder where one is given that is not the
// machine's, else the usual place.
func (a *app) findFile(data string) (string, error) {
	if a.configFile != "" {
		return filepath.Abs(a.configFile)
	}
	if v, ok := a.env("COOPNODE_CONFIG"); ok && v != "" {
		return filepath.Abs(v)
	}
	if data == systemData || data == "" && os.Geteuid() == 0 {
		return "/etc/coopnode/coopnode.toml", nil
	}
	if data != "" {
		return filepath.Abs(filepath.Join(data, "coopnode.toml"))
	}
	dir, err := a.xdg("XDG_CONFIG_HOME", ".config")
	return filepath.Join(dir, "coopnode", "coopnode.toml"), err
}

// systemData is where the data of a node is that belongs to the machine.
const systemData = "/var/lib/coopnode"

// defaultData is that for root, else a folder of the person (decisions 33).
func (a *app) defaultData() (string, error) {
	if os.Geteuid() == 0 {
		return systemData, nil
	}
	dir, err := a.xdg("XDG_DATA_HOME", ".local/share")
	return filepath.Join(dir, "coopnode"), err
}

func (a *app) xdg(name, under string) (string, error) {
	if dir, ok := a.env(name); ok && filepath.IsAbs(dir) {
		return dir, nil
	}
	home, ok := a.env("HOME")
	if !ok || home == "" {
		return "", wrongUse("There is no home folder here. Say where the node is with --data DIR.")
	}
	return filepath.Join(home, under), nil
}

func (c *Config) readFile(needed bool) error {
	data, err := os.ReadFile(c.File)
	if errors.Is(err, fs.ErrNotExist) {
		if needed {
			return missing("There is no configuration file %s. Make one with: coopnode init HOST --config %s", c.File, c.File)
		}
		return nil
	} else if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	values, err := flatTOML(c.File, data)
	if err != nil {
		return err
	}
	if err := settings.fill(c.File, c, values); err != nil {
		return err
	}
	for name := range values {
		c.origin[name] = c.File
	}
	for name, path := range map[string]*string{"data": &c.Data, "cert": &c.Cert, "key": &c.Key, "outgoing.ca_file": &c.CAFile} {
		if _, ok := values[name]; ok && *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(filepath.Dir(c.File), *path) // as written: beside the file
		}
	}
	return nil
}

// environmentName is COOPNODE_ and the setting in capitals; a dot becomes two underscores.
func environmentName(setting string) string {
	return "COOPNODE_" + strings.ToUpper(strings.ReplaceAll(setting, ".", "__"))
}

// readEnvironment takes COOPNODE_HOST and its like; COOPNODE_HOST_FILE names a file that holds the value.
func (c *Config) readEnvironment(env func(string) (string, bool)) error {
	for _, s := range settings {
		name := environmentName(s.name)
		v, _ := env(name) // empty is as good as not there: container tools set such
		if path, _ := env(name + "_FILE"); path != "" {
			if v != "" {
				return wrongUse("%s and %s_FILE are both set. Keep one of them.", name, name)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return wrongUse("%s_FILE names a file that cannot be read: %v.", name, err)
			}
			v, name = strings.TrimSpace(string(data)), name+"_FILE"
		}
		if v == "" {
			continue
		}
		value := []string{v}
		if s.shape == list {
			value = strings.Split(v, ",")
		}
		if err := (form[*Config]{s}).fill(name, c, map[string][]string{s.name: value}); err != nil {
			return err
		}
		c.origin[s.name] = name
	}
	return nil
}

// canonicalHost writes a host as nodes compare it: small letters, A-labels, without the port that https has anyway.
func canonicalHost(s string) string {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = s, ""
	}
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		host = ascii
	}
	if port == "" || port == "443" {
		return strings.ToLower(host)
	}
	return net.JoinHostPort(strings.ToLower(host), port)
}

// check looks at the values alone, not at the machine, and writes the host as it is compared.
func (c *Config) check() error {
	c.Host = canonicalHost(c.Host)
	where := func(setting string) string { return fmt.Sprintf("%s (from %s)", setting, c.from(setting)) }
	for _, s := range settings {
		if len(s.values) > 0 && !slices.Contains(s.values, first(s.get(c))) {
			return wrongUse("%s is one of %s, not %q.", where(s.name), strings.Join(s.values, ", "), first(s.get(c)))
		}
	}
	switch c.TLS {
	case "off":
	case "files":
		if c.Cert == "" || c.Key == "" {
			return wrongUse("tls = \"files\" needs both cert and key: the files of your certificate and its private key.")
		}
	case "auto":
		if u, err := url.Parse(c.ACMEDirectory); c.ACMEDirectory != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
			return wrongUse("%s is no https address. Write that of the directory of a certificate authority, or leave it out for Let's Encrypt.", where("acme.directory"))
		}
	default:
		return wrongUse("%s is off, auto or files, not %q.", where("tls"), c.TLS)
	}
	for _, l := range c.Listen {
		if strings.HasPrefix(l, "unix:/") {
			continue
		}
		if _, port, err := net.SplitHostPort(l); err != nil || !validPort(port) {
			return wrongUse("%s holds %q, which is no address. Write 127.0.0.1:8080, [::]:443 or unix:/run/coopnode/http.sock.", where("listen"), l)
		}
	}
	for name, list := range map[string][]string{"trusted_proxies": c.TrustedProxies, "outgoing.allow_cidrs": c.AllowCIDRs} {
		if _, err := prefixes(list); err != nil {
			return wrongUse("%s: %v. Write networks like 10.1.0.0/16 or 127.0.0.1/32.", where(name), err)
		}
	}
	for _, p := range c.AllowPorts {
		if !validPort(p) {
			return wrongUse("%s holds %q, which is no port. Ports are 1 to 65535.", where("outgoing.allow_ports"), p)
		}
	}
	if u, err := url.Parse(c.Proxy); c.Proxy != "" && (err != nil || u.Host == "") {
		return wrongUse("%s is not an address. Write http://proxy.example:3128.", where("outgoing.proxy"))
	}
	return nil
}

// from says where the value of a setting came from.
func (c *Config) from(setting string) string {
	if o := c.origin[setting]; o != "" {
		return o
	}
	return "built-in"
}

// ports gives the allowed ports as numbers; check has read them before.
func (c *Config) ports() []int {
	var ports []int
	for _, p := range c.AllowPorts {
		n, _ := strconv.Atoi(p)
		ports = append(ports, n)
	}
	return ports
}

// listenOn gives the addresses to listen on: those that are set, or what suits the node. Under init
// --dev that is the port of its address, on this machine only.
func (c *Config) listenOn(n *node.Node) []string { return c.listenAs(n.Links.Host(), n.Dev) }

// listenAs is listenOn for a node that is not open yet.
func (c *Config) listenAs(name string, dev bool) []string {
	if len(c.Listen) > 0 {
		return c.Listen
	}
	if dev {
		host, port, err := net.SplitHostPort(name)
		if err != nil {
			host, port = name, "80"
		}
		if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
			host = "127.0.0.1"
		}
		return []string{net.JoinHostPort(host, port)}
	}
	switch c.TLS {
	case "auto":
		return []string{":443", ":80"}
	case "files":
		return []string{":443"}
	}
	return []string{"127.0.0.1:8080"}
}

func validPort(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n > 0 && n < 1<<16
}

// prefixes reads networks; a single address is a network of its own.
func prefixes(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		if ip, err := netip.ParseAddr(s); err == nil {
			out = append(out, netip.PrefixFrom(ip, ip.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("%q is no network", s)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
