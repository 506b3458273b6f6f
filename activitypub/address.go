package activitypub

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// MaxURLBytes is the longest id or address that is read (security.md, LIM).
const MaxURLBytes = 2048

// AddressRules say which addresses outside this node may be named and reached.
// The zero value is production without exceptions: https, port 443, public
// addresses, no IP literals.
type AddressRules struct {
	// Dev is set by `init --dev`. It allows http and any port, but only the names
	// localhost and *.localhost and addresses in 127.0.0.0/8 (decision 32).
	Dev bool
	// AllowCIDRs are ranges that may be reached although they are not public (SSRF-3).
	AllowCIDRs []netip.Prefix
	// AllowPorts are the ports that may be used besides 443 (SSRF-4).
	AllowPorts []int
	// Home is the origin of this node's own ids, as Origin writes it. They may be named whatever their
	// port; whether it is dialled is another question.
	Home string
	// Own is where this node listens. It is never dialled, whatever else is
	// allowed (SSRF-3). An unspecified address stands for every loopback address.
	Own []netip.AddrPort
}

// A RefusedError is an address that the rules keep this node from using. It is
// for logs: nothing of it may be shown to a remote server (SSRF-8).
type RefusedError struct {
	Host  string // the host or address asked for, at most 256 bytes
	Range string // the blocked range, when an IP address was refused; else ""
	Why   string // the rule, as the end of a sentence
}

func (e *RefusedError) Error() string {
	if e.Range != "" {
		return fmt.Sprintf("address %s refused: %s (%s)", e.Host, e.Why, e.Range)
	}
	return fmt.Sprintf("address %s refused: %s", e.Host, e.Why)
}

func refuse(host, why string) *RefusedError {
	return &RefusedError{Host: cut(strconv.QuoteToASCII(host), 256), Why: why}
}

// cut shortens s to at most n bytes, for logs (LOG-1).
func cut(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// ParseID reads an id or another address found outside this node. It must be an
// absolute https URL (ORG-2) with a host that the rules allow; the result has the
// host in lower case and A-labels (ORG-7), and is otherwise as written. Every
// error is a *RefusedError.
func (r AddressRules) ParseID(s string) (*url.URL, error) {
	a, err := splitAddress(s)
	if err != nil {
		return nil, err
	}
	if err := r.checkAddress(a); err != nil {
		return nil, err
	}
	u, perr := url.Parse(a.String())
	if perr != nil {
		return nil, refuse(s, "it is not a URL")
	}
	return u, nil
}

// NormalID is ParseID for ids that are kept: it returns s with only scheme and
// host normalised and every other byte as written (ORG-7, ORG-10).
func (r AddressRules) NormalID(s string) (string, error) {
	if _, err := r.ParseID(s); err != nil {
		return "", err
	}
	a, err := splitAddress(s)
	if err != nil {
		return "", err
	}
	return a.String(), nil
}

// Origin returns the triple that ids are compared by, as scheme://host:port with
// the port always present (FEP-fe34, RFC 6454).
func Origin(s string) (string, error) {
	a, err := splitAddress(s)
	if err != nil {
		return "", err
	}
	return a.origin(), nil
}

// SameOrigin reports whether a and b are both readable and of one origin.
func SameOrigin(a, b string) bool {
	oa, err := Origin(a)
	if err != nil {
		return false
	}
	ob, err := Origin(b)
	return err == nil && oa == ob
}

// HostOf returns the name of the peer that an id belongs to: its normalised host,
// with the port if that is not the scheme's own. It is "" for what is not an id.
func HostOf(id string) string {
	a, err := splitAddress(id)
	if err != nil {
		return ""
	}
	return a.peer()
}

// address is a URL taken apart, scheme and host normalised.
type address struct {
	scheme string
	host   string // A-labels, or an IP address, IPv6 in brackets
	ip     netip.Addr
	port   string // as written; "" if absent
	rest   string // from the path on, as written
}

func (a address) String() string {
	if a.port == "" {
		return a.scheme + "://" + a.host + a.rest
	}
	return a.scheme + "://" + a.host + ":" + a.port + a.rest
}

func (a address) origin() string { return a.scheme + "://" + a.host + ":" + a.portOrDefault() }

func (a address) portOrDefault() string {
	switch {
	case a.port != "":
		return a.port
	case a.scheme == "http":
		return "80"
	}
	return "443"
}

func (a address) peer() string {
	if p := a.portOrDefault(); a.scheme == "https" && p == "443" || a.scheme == "http" && p == "80" {
		return a.host
	}
	return a.host + ":" + a.port
}

// splitAddress applies what holds for every address, whoever the node is.
func splitAddress(s string) (address, error) {
	var a address
	if len(s) > MaxURLBytes {
		return a, refuse(cut(s, 64), "it is longer than 2048 bytes")
	}
	if why := badCharacter(s); why != "" {
		return a, refuse(s, why)
	}
	scheme, after, ok := strings.Cut(s, "://")
	if !ok {
		return a, refuse(s, "it is not an absolute https URL")
	}
	a.scheme = strings.ToLower(scheme)
	if a.scheme != "https" && a.scheme != "http" {
		return a, refuse(s, "it is not an absolute https URL")
	}
	authority := after
	if i := strings.IndexAny(after, "/?#"); i >= 0 {
		authority, a.rest = after[:i], after[i:]
	}
	if strings.ContainsAny(authority, "@%") {
		return a, refuse(s, "it has user information or a percent sign before the path")
	}
	host, port, problem := splitPort(authority)
	if problem != "" {
		return a, refuse(s, problem)
	}
	a.port = port
	if a.host, a.ip, problem = normalHost(host); problem != "" {
		return a, refuse(s, problem)
	}
	return a, nil
}

// badCharacter names the first kind of character in s that no address may hold.
func badCharacter(s string) string {
	ascii := true
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c <= ' ' || c == 0x7f:
			return "it has a space or a control character"
		case c == '\\':
			return "it has a backslash"
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	if ascii {
		return ""
	}
	if !utf8.ValidString(s) {
		return "it is not UTF-8"
	}
	for _, c := range s {
		if !unicode.IsPrint(c) {
			return "it has a space or a control character"
		}
	}
	return ""
}

// splitPort separates the port, which is "" only if there is no colon.
func splitPort(authority string) (host, port, problem string) {
	i := strings.LastIndexByte(authority, ':')
	if i < 0 || strings.HasSuffix(authority, "]") {
		return authority, "", ""
	}
	host, port = authority[:i], authority[i+1:]
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
		return "", "", "its port is not a number from 1 to 65535"
	}
	return host, port, ""
}

// normalHost normalises a host once and for all (ORG-7). Nothing is stripped: what
// would need it is refused.
func normalHost(h string) (host string, ip netip.Addr, problem string) {
	if strings.HasPrefix(h, "[") {
		lit, ok := strings.CutSuffix(strings.ToLower(h[1:]), "]")
		ip, err := netip.ParseAddr(lit)
		if !ok || err != nil || !ip.Is6() || ip.Is4In6() || ip.Zone() != "" || ip.String() != lit {
			return "", ip, "its host is not an IPv6 address in its short form"
		}
		return "[" + lit + "]", ip, ""
	}
	h = asciiLower(h)
	if !isASCII(h) || strings.Contains(h, "xn--") {
		a, err := idna.Lookup.ToASCII(h)
		if err != nil {
			return "", ip, "its host is not a name of the internet"
		}
		h = a
	}
	if !hostShape(h) {
		return "", ip, "its host is not a name of the internet"
	}
	if last := h[strings.LastIndexByte(h, '.')+1:]; looksNumeric(last) {
		ip, err := netip.ParseAddr(h)
		if err != nil {
			return "", ip, "its host ends in a number and is no IPv4 address"
		}
		return h, ip, ""
	}
	return h, ip, ""
}

func asciiLower(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	return s
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// hostShape checks labels of letters, digits and inner hyphens (RFC 1123 2.1).
func hostShape(h string) bool {
	if len(h) == 0 || len(h) > 253 {
		return false
	}
	label := 0
	for i := 0; i < len(h); i++ {
		switch c := h[i]; {
		case c == '.':
			if label == 0 || h[i-1] == '-' {
				return false
			}
			label = 0
			continue
		case c == '-':
			if label == 0 {
				return false
			}
		case c < '0' || c > 'z' || c > '9' && c < 'a':
			return false
		}
		if label++; label > 63 {
			return false
		}
	}
	return label > 0 && h[len(h)-1] != '-'
}

// looksNumeric is true for labels that some resolvers read as part of an IPv4
// address in decimal, octal or hexadecimal: 2130706433, 0177, 0x7f.
func looksNumeric(label string) bool {
	if strings.HasPrefix(label, "0x") {
		return true
	}
	for i := 0; i < len(label); i++ {
		if label[i] < '0' || label[i] > '9' {
			return false
		}
	}
	return true
}

// checkAddress applies the rules that differ between production and --dev.
func (r AddressRules) checkAddress(a address) error {
	if r.Dev {
		switch {
		case a.ip.IsValid() && (r.allowed(a.ip) || devLoopback.Contains(a.ip)):
		case !a.ip.IsValid() && isLocalhost(a.host):
		default:
			return refuse(a.host, "a node made with --dev talks to localhost and 127.0.0.0/8 only")
		}
		return nil
	}
	if a.scheme != "https" {
		return refuse(a.host, "only https is spoken")
	}
	if a.origin() == r.Home {
		return nil
	}
	if a.ip.IsValid() && !r.allowed(a.ip) {
		return refuse(a.host, "its host is an IP address")
	}
	port, err := strconv.Atoi(a.portOrDefault())
	if err != nil || !r.allowedPort(port) {
		return refuse(a.host+":"+a.port, "its port is not allowed (see allow_ports)")
	}
	return nil
}

func (r AddressRules) allowed(ip netip.Addr) bool {
	return slices.ContainsFunc(r.AllowCIDRs, func(p netip.Prefix) bool { return p.Contains(ip) })
}

func (r AddressRules) allowedPort(port int) bool {
	return port == 443 || slices.Contains(r.AllowPorts, port)
}

// isLocalhost reports whether a normalised host name is one that --dev may use.
func isLocalhost(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

var devLoopback = netip.MustParsePrefix("127.0.0.0/8")
