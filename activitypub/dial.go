package activitypub

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

// Timeouts and sizes of one connection (OUT-1, OUT-3, OUT-6).
const (
	dialTimeout        = 5 * time.Second
	tlsTimeout         = 5 * time.Second
	headerTimeout      = 10 * time.Second
	idleTimeout        = 90 * time.Second
	maxHeaderBytes     = 64 << 10
	maxConnsPerHost    = 4
	maxIdleConns       = 512
	maxIdlePerHost     = 2
	resolverTimeout    = 2 * time.Second
	connectionLifetime = 15 * time.Second // TCP keep-alive probes
)

// newTransport builds the only http.Transport of the node (SSRF-1). It dials for
// itself, so the environment's proxies have no say (SSRF-7).
func newTransport(opt *ClientOptions, rules AddressRules, resolver *net.Resolver) (*http.Transport, error) {
	roots, err := rootCAs(opt)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{
		Timeout:   dialTimeout,
		KeepAlive: connectionLifetime,
		LocalAddr: opt.LocalAddr,
		Resolver:  resolver,
		Control:   rules.control,
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true) // one letter at a time per peer has no use for streams
	t := &http.Transport{
		Protocols:              &protocols,
		DialContext:            rules.dial(dialer),
		TLSClientConfig:        &tls.Config{RootCAs: roots},
		TLSHandshakeTimeout:    tlsTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxConnsPerHost:        maxConnsPerHost,
		MaxIdleConns:           maxIdleConns,
		MaxIdleConnsPerHost:    maxIdlePerHost,
	}
	if opt.Proxy != "" {
		proxy, err := url.Parse(opt.Proxy)
		if err != nil || proxy.Host == "" {
			return nil, errors.New("outgoing proxy: not an address like http://proxy.example:3128; correct [outgoing] proxy")
		}
		// From here on the dialer meets the proxy only; the names are checked
		// before each request instead (SSRF-7, Client.checkName).
		t.Proxy = http.ProxyURL(proxy)
		dialer.Control = nil
		t.DialContext = dialer.DialContext
	}
	return t, nil
}

// control is the check of every single connection, after the name was resolved
// and whatever made it be dialled (SSRF-2).
func (r AddressRules) control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return refuse(address, "it is not an address")
	}
	return r.CheckDial(ap)
}

// ownRange is the Range of a RefusedError for where this node listens itself.
const ownRange = "own"

// CheckDial decides about one connection, after the name has been resolved
// (SSRF-2). It belongs in net.Dialer.Control, where neither a redirect nor a
// second answer of the name server can go around it. An error is a *RefusedError.
func (r AddressRules) CheckDial(ap netip.AddrPort) error {
	ip := ap.Addr().Unmap()
	no := func(rng, why string) error {
		return &RefusedError{Host: cut(ap.String(), 256), Range: rng, Why: why}
	}
	switch {
	case !ip.IsValid() || ap.Port() == 0:
		return no("", "it is not an address")
	case ip.Zone() != "":
		return no("", "it has a zone")
	case r.isOwn(ip, ap.Port()):
		return no(ownRange, "this node listens there")
	case !r.Dev && !r.allowedPort(int(ap.Port())):
		return no("", "its port is not allowed (see allow_ports)")
	case r.allowed(ip):
		return nil
	case r.Dev:
		if devLoopback.Contains(ip) {
			return nil
		}
		return no("", "a node made with --dev talks to localhost and 127.0.0.0/8 only")
	}
	if ip.Is6() && !globalUnicast6.Contains(ip) {
		return no("outside "+globalUnicast6.String(), "it is not a public address (see allow_cidrs)")
	}
	for _, p := range blockedRanges {
		if p.Contains(ip) {
			return no(p.String(), "it is not a public address (see allow_cidrs)")
		}
	}
	return nil
}

func (r AddressRules) isOwn(ip netip.Addr, port uint16) bool {
	return slices.ContainsFunc(r.Own, func(own netip.AddrPort) bool {
		o := own.Addr().Unmap()
		return own.Port() == port &&
			(o == ip || ip.IsUnspecified() || o.IsUnspecified() && ip.IsLoopback())
	})
}

// dial sends the names of a --dev node to 127.0.0.1, because resolvers need not
// know *.localhost (decision 32).
func (r AddressRules) dial(d *net.Dialer) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if host, port, err := net.SplitHostPort(address); r.Dev && err == nil && isLocalhost(host) {
			address = net.JoinHostPort("127.0.0.1", port)
		}
		return d.DialContext(ctx, network, address)
	}
}

// withInterfaces replaces an unspecified address in Own, as in `listen = ":443"`,
// by the addresses that this machine has, so that all of them are refused.
func (r AddressRules) withInterfaces() AddressRules {
	own := slices.Clone(r.Own)
	for _, o := range r.Own {
		if !o.Addr().IsUnspecified() {
			continue
		}
		addrs, err := net.InterfaceAddrs()
		if err != nil {
			continue // loopback is covered by the unspecified address itself
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				own = append(own, netip.AddrPortFrom(p.Addr().WithZone(""), o.Port()))
			}
		}
	}
	r.Own = own
	return r
}

func rootCAs(opt *ClientOptions) (*x509.CertPool, error) {
	if opt.CAFile == "" {
		return opt.RootCAs, nil
	}
	pool := opt.RootCAs
	if pool == nil {
		var err error
		if pool, err = x509.SystemCertPool(); err != nil {
			pool = x509.NewCertPool()
		}
	} else {
		pool = pool.Clone()
	}
	pem, err := os.ReadFile(opt.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read the certificates of [outgoing] ca_file: %w", err)
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read the certificates of [outgoing] ca_file: %s holds no PEM certificate", opt.CAFile)
	}
	return pool, nil
}

// NewResolver returns a resolver that asks the given name servers in turn, or those of the system if there
// are none.
func NewResolver(servers []string) (*net.Resolver, error) {
	if len(servers) == 0 {
		return net.DefaultResolver, nil
	}
	addrs := make([]string, len(servers))
	for i, s := range servers {
		addrs[i] = s
		if ip, err := netip.ParseAddr(s); err == nil {
			addrs[i] = netip.AddrPortFrom(ip, 53).String()
		} else if _, err := netip.ParseAddrPort(s); err != nil {
			return nil, fmt.Errorf("name server %q: not an IP address with or without a port; correct [dns] resolvers", s)
		}
	}
	var turn atomic.Uint32
	d := &net.Dialer{Timeout: resolverTimeout}
	return &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return d.DialContext(ctx, network, addrs[int(turn.Add(1)-1)%len(addrs)])
		},
	}, nil
}

// Of IPv6 only this range is given out to hosts; everything else is refused, which
// covers ::, ::1, ::ffff:0:0/96, 64:ff9b::/96, fc00::/7, fe80::/10 and ff00::/8.
var globalUnicast6 = netip.MustParsePrefix("2000::/3")

// blockedRanges are the special-purpose ranges of SSRF-2 (IANA registries, and the
// host service of one cloud provider).
var blockedRanges = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
	"172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24",
	"192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
	"240.0.0.0/4", "168.63.129.16/32",
	"2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}
