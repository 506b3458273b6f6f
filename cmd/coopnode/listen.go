package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/coopnode/coopnode/node"
)

// Connections that are held at once: in all, and from one network (HTTP-1).
const (
	maxConnections        = 1024
	maxConnectionsNetwork = 64
)

// openListeners opens addresses. All of them count together. Where this program does HTTPS, plain are those of port 80, which
// only lead there.
func openListeners(addresses []string, trusted []netip.Prefix, secure *tls.Config) (all, plain []net.Listener, err error) {
	limit := newConnLimit(trusted)
	for _, address := range addresses {
		l, err := listenAt(address)
		if err != nil {
			closeAll(all)
			closeAll(plain)
			return nil, nil, err
		}
		l = &limitedListener{Listener: l, limit: limit}
		switch {
		case secure != nil && isPlain(address):
			plain = append(plain, l)
		case secure != nil:
			all = append(all, tls.NewListener(l, secure))
		default:
			all = append(all, l)
		}
	}
	return all, plain, nil
}

// wayTo says how this machine itself reaches what listens on an address.
func wayTo(listens string) (network, address string) {
	if path, ok := strings.CutPrefix(listens, "unix:"); ok {
		return "unix", path
	}
	host, port, err := net.SplitHostPort(listens)
	if err != nil {
		return "tcp", listens
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		return "tcp", net.JoinHostPort("localhost", port)
	}
	return "tcp", listens
}

// isPlain says whether an address to listen on is that of plain http: browsers go to port 80 first, and authorities look there.
func isPlain(address string) bool {
	_, port, err := net.SplitHostPort(address)
	return err == nil && port == "80"
}

// toHTTPS sends visitors of port 80 to the same page by https, and nobody to another host.
func toHTTPS(h *house) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch ours, err := h.isOurName(r.Context(), withoutPort(strings.ToLower(r.Host), "80")); {
		case err != nil:
			w.WriteHeader(http.StatusServiceUnavailable)
		case !ours:
			w.WriteHeader(http.StatusMisdirectedRequest)
		default:
			http.Redirect(w, r, h.Links.Base+r.URL.RequestURI(), http.StatusPermanentRedirect)
		}
	})
}

// isOurName says whether a host, without its port, is this node's or that of its handle.
func (h *house) isOurName(ctx context.Context, host string) (bool, error) {
	names, err := h.servedNames(ctx)
	return slices.Contains(names, host), err
}

func listenAt(address string) (net.Listener, error) {
	network, at := "tcp", address
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, at = "unix", path
		os.Remove(path) // left over from a process that was killed; the data folder's lock says that none runs
	}
	l, err := net.Listen(network, at)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, &node.Error{Op: "listen", Kind: node.Busy, Subject: address,
			Text: "Another program listens on " + address + " already. Stop it, or choose another address with --listen."}
	case errors.Is(err, syscall.EACCES):
		return nil, &node.Error{Op: "listen", Kind: node.Forbidden, Subject: address,
			Text: "This user may not listen on " + address + ". Ports below 1024 need a right of their own (CAP_NET_BIND_SERVICE); choose a higher one behind a proxy."}
	case err != nil:
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return l, nil
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		l.Close()
	}
}

// ownAddresses are those that this node listens on, which it never calls itself (SSRF-3).
func ownAddresses(listen []string) []netip.AddrPort {
	var own []netip.AddrPort
	for _, l := range listen {
		host, port, err := net.SplitHostPort(l)
		if err != nil {
			continue // a socket file
		}
		if host == "" {
			host = "::"
		}
		if ap, err := netip.ParseAddrPort(net.JoinHostPort(host, port)); err == nil {
			own = append(own, ap)
			if ap.Addr() == netip.IPv6Unspecified() {
				own = append(own, netip.AddrPortFrom(netip.IPv4Unspecified(), ap.Port()))
			}
		}
	}
	return own
}

// connLimit counts connections. Whoever passes the limit of a network is hung up on; at the limit of all, new ones
// wait outside.
type connLimit struct {
	slots    chan struct{}
	trusted  []netip.Prefix
	mu       sync.Mutex
	networks map[netip.Prefix]int
}

func newConnLimit(trusted []netip.Prefix) *connLimit {
	return &connLimit{slots: make(chan struct{}, maxConnections), trusted: trusted, networks: map[netip.Prefix]int{}}
}

type limitedListener struct {
	net.Listener
	limit *connLimit
}

func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		l.limit.slots <- struct{}{}
		conn, err := l.Listener.Accept()
		if err != nil {
			<-l.limit.slots
			return nil, err
		}
		network, ok := l.limit.enter(conn.RemoteAddr())
		if !ok {
			conn.Close()
			<-l.limit.slots
			continue
		}
		return &countedConn{Conn: conn, leave: sync.OnceFunc(func() { l.limit.leave(network) })}, nil
	}
}

// enter counts a connection in its network, unless that has enough. Trusted proxies and socket files have no bound.
func (l *connLimit) enter(from net.Addr) (netip.Prefix, bool) {
	ap, err := netip.ParseAddrPort(from.String())
	if err != nil || contained(l.trusted, ap.Addr()) {
		return netip.Prefix{}, true
	}
	network := networkOf(ap.Addr())
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.networks[network] >= maxConnectionsNetwork {
		return network, false
	}
	l.networks[network]++
	return network, true
}

func (l *connLimit) leave(network netip.Prefix) {
	<-l.slots
	if !network.IsValid() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.networks[network]--; l.networks[network] <= 0 {
		delete(l.networks, network)
	}
}

type countedConn struct {
	net.Conn
	leave func()
}

func (c *countedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}

// networkOf is what counts as one visitor: an IPv4 address, or the /64 of an IPv6 one (HTTP-1).
func networkOf(ip netip.Addr) netip.Prefix {
	ip = ip.Unmap().WithZone("")
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	p, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address
	}
	return p
}

func contained(list []netip.Prefix, ip netip.Addr) bool {
	for _, p := range list {
		if p.Contains(ip.Unmap()) {
			return true
		}
	}
	return false
}

// certFiles reads the certificate again when its file has changed, so that a renewal needs no restart.
type certFiles struct {
	cert, key string

	mu      sync.Mutex
	have    *tls.Certificate
	changed time.Time
	looked  time.Time
}

func (f *certFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.have != nil && time.Since(f.looked) < time.Minute {
		return f.have, nil
	}
	f.looked = time.Now()
	info, err := os.Stat(f.cert)
	if err == nil && f.have != nil && info.ModTime().Equal(f.changed) {
		return f.have, nil
	}
	if err == nil {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(f.cert, f.key); err == nil {
			f.have, f.changed = &pair, info.ModTime()
		}
	}
	if f.have == nil {
		return nil, wrongUse("The certificate cannot be used: %v. Look at cert and key in the configuration.", err)
	}
	return f.have, nil // the old one is better than none while the new one is being written
}
