package activitypub

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Limits of one request (OUT-2, OUT-3, OUT-5).
const (
	getTimeout      = 15 * time.Second
	postTimeout     = 30 * time.Second
	drainTimeout    = 2 * time.Second
	maxDrainBytes   = 16 << 10
	maxRetryAfter   = 24 * time.Hour
	fetchesAtOnce   = 16
	postsAtOnce     = 48 // with the fetches 64, so that deliveries to slow peers never stop a fetch
	typeActivity    = "application/activity+json"
	profileActivity = "https://www.w3.org/ns/activitystreams"
	acceptActivity  = typeActivity + `, application/ld+json; profile="` + profileActivity + `"`
)

// errTooSlow is the end of a request that took longer than it may.
var errTooSlow = errors.New("no complete answer in time")

// ClientOptions are what a Client needs. The zero value makes unsigned requests to
// public addresses.
type ClientOptions struct {
	Rules     AddressRules
	UserAgent string // program, version and the node's address (OUT-4)

	// Sign adds the signature to a request and returns the id of the key. It may
	// set headers and must read nothing but method, URL, Host and headers, because
	// the request may be a stand-in. Nil leaves requests unsigned.
	Sign  func(req *http.Request, body []byte, how Signing) (keyID string, err error)
	KeyID func() string // the key that signs now; nil if it never changes
	Gate  Gate          // bounds Sign; one slot per core if nil
	forms *peerForms    // draft-cavage for all if nil

	// Permit is asked before each request and each hop of a redirect, before a name is looked up
	// (MOD-3). Its error ends the request and is returned as it is. Nil permits all.
	Permit func(ctx context.Context, address string) error

	RootCAs   *x509.CertPool // the system's if nil
	CAFile    string         // PEM certificates to trust besides
	Resolvers []string       // name servers as IP or IP:port; the system's if empty
	Proxy     string         // address of the outgoing proxy; none if empty (SSRF-7)
	LocalAddr net.Addr       // where connections come from; the system chooses if nil

	Fetches int // GETs at once, 16 if 0
	Posts   int // POSTs at once, 48 if 0

	Now func() time.Time // time.Now if nil
	Log *slog.Logger     // discards if nil
}

// A Client makes all requests to addresses that came from outside (SSRF-1). It is
// safe for use by many goroutines, and there is one in a node.
type Client struct {
	opt       ClientOptions
	rules     AddressRules
	transport *http.Transport
	resolver  *net.Resolver
	hosts     *hostLimits
	refusals  *refusalLog
	fetches   Gate
	posts     Gate

	getTimeout, postTimeout, drainTimeout time.Duration // shorter in tests
}

// NewClient returns a client, or an error that names the setting to correct.
func NewClient(opt ClientOptions) (*Client, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Gate == nil {
		opt.Gate = NewGate(runtime.NumCPU())
	}
	if opt.Fetches == 0 {
		opt.Fetches = fetchesAtOnce
	}
	if opt.Posts == 0 {
		opt.Posts = postsAtOnce
	}
	resolver, err := NewResolver(opt.Resolvers)
	if err != nil {
		return nil, err
	}
	rules := opt.Rules.withInterfaces()
	transport, err := newTransport(&opt, rules, resolver)
	if err != nil {
		return nil, err
	}
	return &Client{
		opt:          opt,
		rules:        rules,
		transport:    transport,
		resolver:     resolver,
		hosts:        newHostLimits(fetchesPerSecond, fetchBurst, maxLimitedHosts),
		refusals:     &refusalLog{log: opt.Log, now: opt.Now},
		fetches:      NewGate(opt.Fetches),
		posts:        NewGate(opt.Posts),
		getTimeout:   getTimeout,
		postTimeout:  postTimeout,
		drainTimeout: drainTimeout,
	}, nil
}

// Rules returns the address rules that the client keeps.
func (c *Client) Rules() AddressRules { return c.rules }

// Close ends idle connections. Requests under way go on.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// A Gate lets a fixed number of goroutines through at once.
type Gate chan struct{}

// NewGate returns a gate for n at once, at least one.
func NewGate(n int) Gate { return make(Gate, max(n, 1)) }

// Enter waits for a place, which Leave gives back. The only error is that of ctx.
func (g Gate) Enter(ctx context.Context) error {
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Leave gives a place back.
func (g Gate) Leave() { <-g }

// A StatusError is an answer other than the one that was hoped for.
type StatusError struct {
	URL        string // the address that answered
	Code       int    // HTTP status
	RetryAfter time.Duration
	Tombstone  bool // the body of a 410 was a Tombstone
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s answered %d %s", HostOf(e.URL), e.Code, http.StatusText(e.Code))
}

// Gone reports whether what was asked for is known to have been deleted.
func (e *StatusError) Gone() bool { return e.Code == http.StatusGone }

// A NetworkError is a peer that could not be reached or did not finish its answer:
// name, connection, TLS, time.
type NetworkError struct {
	Host string
	Err  error
}

func (e *NetworkError) Error() string { return "no answer from " + e.Host + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *NetworkError) Unwrap() error { return e.Err }

// A PostResult is the answer to a delivery, whatever its status outside 3xx.
type PostResult struct {
	Status     int
	RetryAfter time.Duration // 0 if absent, at most 24 h (OUT-5)
}

// OK reports whether the peer took the letter: any 2xx.
func (p *PostResult) OK() bool { return p.Status/100 == 2 }

// Post delivers body to an inbox, signed, over a kept connection if there is one.
// It does not follow redirects: a 3xx is a *StatusError. Other errors are
// *RefusedError, *NetworkError, what Sign returned, or that of ctx. The time for
// the whole request, 30 s, begins after waiting for a place and signing.
func (c *Client) Post(ctx context.Context, address string, body []byte) (*PostResult, error) {
	return c.PostAs(ctx, address, body, Signing{})
}

// PostAs is Post signed in a way of its own, but for the form, which is the peer's.
func (c *Client) PostAs(ctx context.Context, address string, body []byte, how Signing) (*PostResult, error) {
	u, err := c.rules.ParseID(address)
	if err != nil {
		return nil, err
	}
	if err := c.posts.Enter(ctx); err != nil {
		return nil, fmt.Errorf("post to %s: %w", u.Host, err)
	}
	defer c.posts.Leave()
	// A timer of our own, because the answer's body gets less time than its head.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var timer *time.Timer
	res, err := c.knock(ctx, u, how, func(how Signing) (*http.Response, string, error) {
		req, keyID, err := c.newPost(ctx, u, body, how)
		if err != nil {
			return nil, "", err
		}
		if timer == nil {
			timer = time.AfterFunc(c.postTimeout, func() { cancel(errTooSlow) })
		}
		res, err := c.roundTrip(req)
		return res, keyID, err
	})
	if timer != nil {
		defer timer.Stop()
	}
	if err != nil {
		return nil, err
	}
	timer.Reset(c.drainTimeout)
	drain(res)
	after := RetryAfter(res.Header.Get("Retry-After"), c.opt.Now())
	if res.StatusCode/100 == 3 {
		return nil, &StatusError{URL: u.String(), Code: res.StatusCode, RetryAfter: after}
	}
	return &PostResult{Status: res.StatusCode, RetryAfter: after}, nil
}

func (c *Client) newPost(ctx context.Context, u *url.URL, body []byte, how Signing) (*http.Request, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "", bytes.NewReader(body))
	if err != nil {
		return nil, "", fmt.Errorf("post to %s: %w", u.Host, err)
	}
	req.URL, req.Host = u, u.Host
	req.Header["Content-Type"] = []string{typeActivity}
	req.Header["Accept-Encoding"] = []string{"identity"} // the answer is thrown away
	req.Header["User-Agent"] = []string{c.opt.UserAgent}
	// Not sent when empty: it tells net/http that a letter may go out again on a new
	// connection if the peer closed the kept one. Peers know letters by their ids.
	req.Header["Idempotency-Key"] = []string{}
	keyID, err := c.sign(ctx, req, body, how)
	return req, keyID, err
}

// sign passes the gate, so that signatures never take more than the cores there are.
func (c *Client) sign(ctx context.Context, req *http.Request, body []byte, how Signing) (keyID string, err error) {
	if c.opt.Sign == nil {
		return "", nil
	}
	if err := c.opt.Gate.Enter(ctx); err != nil {
		return "", fmt.Errorf("request to %s: %w", req.URL.Host, err)
	}
	defer c.opt.Gate.Leave()
	return c.opt.Sign(req, body, how)
}

// roundTrip makes one request, if it is permitted, and sorts its errors.
func (c *Client) roundTrip(req *http.Request) (*http.Response, error) {
	if c.opt.Permit != nil {
		if err := c.opt.Permit(req.Context(), req.URL.String()); err != nil {
			return nil, err
		}
	}
	return c.reach(req)
}

// reach makes one request, wherever the address rules let it go, and sorts its errors.
func (c *Client) reach(req *http.Request) (*http.Response, error) {
	err := c.checkName(req.Context(), req.URL)
	if err == nil {
		var res *http.Response
		if res, err = c.transport.RoundTrip(req); err == nil {
			return res, nil
		}
	}
	return nil, c.sortError(req, err)
}

// sortError tells a refusal of ours and the end of ctx from trouble of the peer.
func (c *Client) sortError(req *http.Request, err error) error {
	host := HostOf(req.URL.String())
	var refused *RefusedError
	if errors.As(err, &refused) {
		c.refusals.note(host, refused)
		return &RefusedError{Host: host + " at " + refused.Host, Range: refused.Range, Why: refused.Why}
	}
	if cause := context.Cause(req.Context()); cause != nil && !errors.Is(cause, errTooSlow) {
		return fmt.Errorf("request to %s: %w", host, cause)
	}
	return &NetworkError{Host: host, Err: err}
}

// checkName resolves and checks a name by itself when a proxy hides the connection
// from the dialer (SSRF-7). Every address of the name must be allowed.
func (c *Client) checkName(ctx context.Context, u *url.URL) error {
	if c.opt.Proxy == "" {
		return nil
	}
	host, portText := u.Hostname(), u.Port()
	if portText == "" {
		portText = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return refuse(u.Host, "it has no port")
	}
	if c.rules.Dev && isLocalhost(host) {
		host = "127.0.0.1"
	}
	ips, err := c.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return err
	}
	for _, ip := range ips {
		if err := c.rules.CheckDial(netip.AddrPortFrom(ip.Unmap(), uint16(port))); err != nil {
			return err
		}
	}
	return nil
}

// drain reads a little of what is left, so that the connection can be kept, and
// closes it otherwise.
func drain(res *http.Response) {
	_, _ = io.CopyN(io.Discard, res.Body, maxDrainBytes)
	_ = res.Body.Close()
}

// RetryAfter reads the header of that name, seconds or a date (RFC 9110 section
// 10.2.3). It is never negative and at most 24 h (OUT-5); 0 if there is nothing to read.
func RetryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0
	}
	if strings.Trim(header, "0123456789") == "" {
		n, err := strconv.ParseInt(header, 10, 64)
		if err != nil || n > int64(maxRetryAfter/time.Second) {
			return maxRetryAfter
		}
		return time.Duration(n) * time.Second
	}
	date, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), maxRetryAfter)
}
