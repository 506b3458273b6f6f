package activitypub

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// A Glance is one unsigned GET, without redirects, and how it went.
type Glance struct {
	Trouble Trouble       `json:"trouble,omitempty"` // why there is no answer
	Status  int           `json:"status,omitempty"`
	Type    string        `json:"type,omitempty"`   // Content-Type, as sent
	Family  string        `json:"family,omitempty"` // IPv4 or IPv6
	Took    time.Duration `json:"-"`
	Until   time.Time     `json:"-"` // end of the certificate
	Date    time.Time     `json:"-"` // what the server says the time is, to the second
	Asked   time.Time     `json:"-"` // when the request went out, by our clock
	body    []byte
}

// Trouble is why a server gave no answer. It is all that others hear of it (SSRF-8).
type Trouble string

// The troubles.
const (
	TroubleName        Trouble = "name"        // it has no address
	TroubleClosed      Trouble = "closed"      // nobody listens there
	TroubleSilent      Trouble = "silent"      // nothing came in time
	TroubleUnreachable Trouble = "unreachable" // there is no way there from here, as where there is no IPv6
	TroubleExpired     Trouble = "expired"     // its certificate
	TroubleOtherName   Trouble = "other-name"  // its certificate is for another name
	TroubleAuthority   Trouble = "authority"   // its certificate leads to no authority that is known here
	TroubleRefused     Trouble = "refused"     // this node does not go there
	TroubleOther       Trouble = "other"
)

// maxGlanceBytes is how much of an answer is looked at.
const maxGlanceBytes = 16 << 10

// glance looks at an address, over tcp4, tcp6 or whatever there is (tcp), on a connection of its own. Every guard of
// other requests holds.
func (c *Client) glance(ctx context.Context, address, accept, network string) *Glance {
	g := &Glance{}
	u, err := c.rules.ParseID(address)
	if err == nil {
		err = c.hosts.wait(ctx, u.Host)
	}
	if err == nil {
		err = c.fetches.Enter(ctx)
	}
	if err != nil {
		g.Trouble = troubleOf(err)
		return g
	}
	defer c.fetches.Leave()
	t := c.transport.Clone()
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, _, address string) (net.Conn, error) { return dial(ctx, network, address) }
	t.DisableKeepAlives = true
	own := *c
	own.transport = t

	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { g.Family = familyOf(i.Conn.RemoteAddr()) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "", nil)
	if err != nil {
		g.Trouble = TroubleOther
		return g
	}
	req.URL, req.Host = u, u.Host
	req.Header["Accept"] = []string{accept}
	req.Header["User-Agent"] = []string{c.opt.UserAgent}
	g.Asked = c.opt.Now()
	start := time.Now()
	res, err := own.roundTrip(req)
	if err != nil {
		g.Trouble = troubleOf(err)
		return g
	}
	defer func() { _ = res.Body.Close() }()
	g.Took = time.Since(start)
	g.Status, g.Type = res.StatusCode, cut(res.Header.Get("Content-Type"), 128)
	g.Date, _ = http.ParseTime(res.Header.Get("Date"))
	if res.TLS != nil && len(res.TLS.PeerCertificates) > 0 {
		g.Until = res.TLS.PeerCertificates[0].NotAfter
	}
	if g.body, err = io.ReadAll(io.LimitReader(res.Body, maxGlanceBytes)); err != nil {
		g.Trouble = troubleOf(err)
	}
	return g
}

func familyOf(a net.Addr) string {
	ap, err := netip.ParseAddrPort(a.String())
	switch {
	case err != nil:
		return ""
	case ap.Addr().Unmap().Is4():
		return "IPv4"
	}
	return "IPv6"
}

// troubleOf sorts errors of the network.
func troubleOf(err error) Trouble {
	var dns *net.DNSError
	var address *net.AddrError
	var timeout interface{ Timeout() bool }
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	var certificate *tls.CertificateVerificationError
	switch {
	case asRefused(err) != nil:
		return TroubleRefused
	case errors.As(err, &dns) && dns.IsNotFound, errors.As(err, &address): // no address of that family
		return TroubleName
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return TroubleExpired
	case errors.As(err, &name):
		return TroubleOtherName
	case errors.As(err, &authority), errors.As(err, &certificate):
		return TroubleAuthority
	case errors.Is(err, syscall.ECONNREFUSED):
		return TroubleClosed
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT):
		return TroubleUnreachable
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, errTooSlow), errors.As(err, &timeout) && timeout.Timeout():
		return TroubleSilent
	}
	return TroubleOther
}

// ClockOf asks a host what time it is. It says the time in seconds, so the true difference is at most so much away from
// off, either way; positive where this node is ahead.
func (w *Wire) ClockOf(ctx context.Context, host string) (off, most time.Duration, trouble Trouble) {
	g := w.client.glance(ctx, w.base.Scheme+"://"+host+"/.well-known/nodeinfo", "application/json", "tcp")
	if g.Trouble == "" && g.Date.IsZero() {
		g.Trouble = TroubleOther
	}
	if g.Trouble != "" {
		return 0, 0, g.Trouble
	}
	middle := g.Asked.Add(g.Took / 2)
	return middle.Sub(g.Date.Add(time.Second / 2)), time.Second/2 + g.Took/2, ""
}
