package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
)

// certificateDir is the folder of the certificates and of the account at the authority, in the data folder. Only its owner
// may read it.
const certificateDir = "certificates"

// A certificateKeeper gets the certificates of this node by itself (RFC 8555) and renews them. It alone orders: visitors get
// what is there, so no number of them makes the authority be asked more often.
type certificateKeeper struct {
	manager *autocert.Manager
	names   func(context.Context) ([]string, error) // that this node serves, its own host first
	lookup  func(context.Context, string) ([]netip.Addr, error)
	note    func(context.Context, []node.Certificate) error
	log     *slog.Logger
	now     func() time.Time

	every  time.Duration   // between two looks, and at least between two orders for one name
	pauses []time.Duration // before the next order after so many that the authority refused; the last one for all more

	mu    sync.Mutex
	kept  []*keptCertificate
	noted []node.Certificate // what note was told last
}

// keptCertificate is how one of them stands.
type keptCertificate struct {
	node.Certificate
	refused  int  // orders in a row
	ordering bool // now
}

// orderPauses keep within what authorities allow: Let's Encrypt counts five orders that fail in an hour.
var orderPauses = []time.Duration{time.Minute, 3 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour}

// newCertificateKeeper takes up what was got before, so that a restart needs nobody else.
func newCertificateKeeper(ctx context.Context, h *house, log *slog.Logger) (*certificateKeeper, error) {
	resolver, err := activitypub.NewResolver(h.cfg.Resolvers)
	if err != nil {
		return nil, err
	}
	client, err := activitypub.AuthorityClient(activitypub.Options{CAFile: h.cfg.CAFile, Proxy: h.cfg.Proxy, Resolvers: h.cfg.Resolvers})
	if err != nil {
		return nil, err
	}
	k := &certificateKeeper{
		names: h.servedNames, note: h.NoteCertificates, log: log, now: h.Now, every: time.Minute, pauses: orderPauses,
		lookup: func(ctx context.Context, name string) ([]netip.Addr, error) {
			return resolver.LookupNetIP(ctx, "ip", name)
		},
	}
	client.Transport = &authorityWitness{next: client.Transport, keeper: k}
	k.manager = &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(filepath.Join(h.cfg.Data, certificateDir)), HostPolicy: k.serves,
		Client: &acme.Client{DirectoryURL: h.cfg.ACMEDirectory, HTTPClient: client, UserAgent: "coopnode/" + programVersion()},
	}
	if k.manager.Client.DirectoryURL == "" {
		k.manager.Client.DirectoryURL = autocert.DefaultACMEDirectory
	}
	return k, k.takeUp(ctx)
}

// servedNames are the names for which this node has certificates: its host, and the domain of its handle where another.
func (h *house) servedNames(ctx context.Context) ([]string, error) {
	us, err := h.Profile(ctx)
	if err != nil {
		return nil, err
	}
	names := []string{withoutAnyPort(h.Links.Host())}
	if handle := withoutAnyPort(us.Host); handle != names[0] {
		names = append(names, handle)
	}
	return names, nil
}

func withoutAnyPort(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// serves is what the manager asks before it does anything for a name.
func (k *certificateKeeper) serves(_ context.Context, name string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.of(name) == nil {
		return fmt.Errorf("%q is not a name of this node", name)
	}
	return nil
}

// of finds a name; nil for one that is not ours. Call it with the lock held.
func (k *certificateKeeper) of(name string) *keptCertificate {
	i := slices.IndexFunc(k.kept, func(c *keptCertificate) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return k.kept[i]
}

// takeUp learns which names there are, and which of their certificates are in the folder.
func (k *certificateKeeper) takeUp(ctx context.Context) error {
	names, err := k.names(ctx)
	if err != nil {
		return err
	}
	k.mu.Lock()
	var list, fresh []*keptCertificate
	for _, name := range names {
		c := k.of(name)
		if c == nil {
			c = &keptCertificate{Certificate: node.Certificate{Name: name}}
			fresh = append(fresh, c)
		}
		list = append(list, c)
	}
	k.kept = list
	k.mu.Unlock()
	for _, c := range fresh {
		data, err := k.manager.Cache.Get(ctx, c.Name)
		if err != nil {
			continue // as good as none: it is ordered anew
		}
		if leaf := leafOf(data); leaf != nil && k.now().Before(leaf.NotAfter) {
			k.take(k.manager.GetCertificate(helloOf(c.Name)))
		}
	}
	return nil
}

// leafOf reads the first certificate of a PEM file, which may hold other things before it; nil if there is none.
func leafOf(data []byte) *x509.Certificate {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			leaf, _ := x509.ParseCertificate(block.Bytes)
			return leaf
		}
	}
	return nil
}

// helloOf asks the manager for the one certificate that a name has, whatever else a visitor may prefer.
func helloOf(name string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{ServerName: name, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}
}

// take notes a certificate that was got.
func (k *certificateKeeper) take(cert *tls.Certificate, err error) error {
	if err != nil {
		return err
	}
	leaf := cert.Leaf
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, name := range leaf.DNSNames {
		if c := k.of(name); c != nil && !leaf.NotAfter.Equal(c.Until) {
			c.refused = 0
			c.Certificate = node.Certificate{Name: name, Issuer: issuerOf(leaf), From: leaf.NotBefore.UTC(), Until: leaf.NotAfter.UTC(), Tried: c.Tried}
		}
	}
	return nil
}

func issuerOf(leaf *x509.Certificate) string {
	if len(leaf.Issuer.Organization) > 0 {
		return leaf.Issuer.Organization[0]
	}
	return leaf.Issuer.CommonName
}

// get is what a TLS connection asks for. A name of ours without a certificate, and every other name, gets none.
func (k *certificateKeeper) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if slices.Equal(hello.SupportedProtos, []string{acme.ALPNProto}) {
		return k.manager.GetCertificate(hello) // the authority looks whether the name is ours (RFC 8737)
	}
	name := strings.ToLower(hello.ServerName)
	k.mu.Lock()
	c := k.of(name)
	held := c != nil && !c.Until.IsZero()
	k.mu.Unlock()
	switch {
	case c == nil:
		return nil, fmt.Errorf("%q is not a name of this node", hello.ServerName)
	case !held:
		return nil, fmt.Errorf("there is no certificate for %s yet", name)
	}
	return k.manager.GetCertificate(helloOf(name))
}

// tls is how a listener speaks with these certificates.
func (k *certificateKeeper) tls() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: k.get, NextProtos: []string{"h2", "http/1.1", acme.ALPNProto}}
}

// answers gives the authority on port 80 what it looks for there (RFC 8555 8.3), and all else to next. A nil keeper has nothing
// to give.
func (k *certificateKeeper) answers(next http.Handler) http.Handler {
	if k == nil {
		return next
	}
	return k.manager.HTTPHandler(next)
}

// Run orders what is missing, now and once a minute; the manager renews by itself.
func (k *certificateKeeper) Run(ctx context.Context) error {
	tick := time.NewTicker(k.every)
	defer tick.Stop()
	for {
		if err := k.look(ctx); err != nil && ctx.Err() == nil {
			k.log.WarnContext(ctx, "the certificates could not be looked after", "err", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// look orders where something is missing and notes what has changed.
func (k *certificateKeeper) look(ctx context.Context) error {
	if err := k.takeUp(ctx); err != nil {
		return err
	}
	k.mu.Lock()
	list := slices.Clone(k.kept)
	k.mu.Unlock()
	for i, c := range list {
		k.mu.Lock()
		due, held := !k.now().Before(c.Next), !c.Until.IsZero()
		k.mu.Unlock()
		if held { // the manager may have renewed it
			if err := k.take(k.manager.GetCertificate(helloOf(c.Name))); err != nil {
				return err
			}
		} else if due {
			k.order(ctx, c, list[0], i > 0)
		}
	}
	k.mu.Lock()
	var stand []node.Certificate
	for _, c := range k.kept {
		stand = append(stand, c.Certificate)
	}
	k.mu.Unlock()
	if slices.Equal(stand, k.noted) {
		return nil
	}
	k.noted = stand
	return k.note(ctx, stand)
}

// order gets a first certificate. An order costs: where it cannot succeed because the name leads nowhere none is made. The
// domain of the handle (besides) is most often another server's, and then no concern of ours.
func (k *certificateKeeper) order(ctx context.Context, c, own *keptCertificate, besides bool) {
	if besides && !k.leadTogether(ctx, c.Name, own.Name) {
		return
	}
	if _, err := k.lookup(ctx, c.Name); err != nil {
		k.failed(ctx, c, fmt.Errorf("the name does not lead anywhere yet: %w", err), k.every)
		return
	}
	k.mu.Lock()
	c.Tried, c.ordering = k.now().Truncate(time.Second), true
	k.mu.Unlock()
	got := make(chan error, 1)
	go func() { got <- k.take(k.manager.GetCertificate(helloOf(c.Name))) }() // which takes no context
	var err error
	select {
	case <-ctx.Done():
		return
	case err = <-got:
	}
	k.mu.Lock()
	c.ordering = false
	until, refused := c.Until, c.refused
	if err != nil && refusedByAuthority(err) {
		c.refused++
	} else {
		refused = 0
	}
	k.mu.Unlock()
	if err != nil {
		k.failed(ctx, c, err, k.pauses[min(refused, len(k.pauses)-1)])
		return
	}
	k.log.InfoContext(ctx, "certificate", "host", c.Name, "until", until)
}

// leadTogether says whether two names have an address in common.
func (k *certificateKeeper) leadTogether(ctx context.Context, a, b string) bool {
	there, err := k.lookup(ctx, a)
	if err != nil {
		return false
	}
	here, err := k.lookup(ctx, b)
	return err == nil && slices.ContainsFunc(there, func(ip netip.Addr) bool { return slices.Contains(here, ip) })
}

// refusedByAuthority tells an order that the authority has counted from one that never came about.
func refusedByAuthority(err error) bool {
	_, problem := errors.AsType[*acme.Error](err)
	_, proof := errors.AsType[*acme.AuthorizationError](err)
	_, order := errors.AsType[*acme.OrderError](err)
	return problem || proof || order
}

// failed notes why there is no certificate; what is held stays in use.
func (k *certificateKeeper) failed(ctx context.Context, c *keptCertificate, err error, pause time.Duration) {
	k.mu.Lock()
	c.Trouble, c.Next = oneLine(cutText(err.Error(), 500)), k.now().Add(pause).Truncate(time.Second)
	next := c.Next
	k.mu.Unlock()
	k.log.WarnContext(ctx, "no certificate yet, trying later", "host", c.Name, "next", next, "err", err)
}

// cutText shortens s to at most n bytes of whole letters.
func cutText(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}

// An authorityWitness hears what the authority answers. Renewals are the manager's, which keeps their failures to itself.
type authorityWitness struct {
	next   http.RoundTripper
	keeper *certificateKeeper
}

// maxAuthorityAnswer is how much of an answer of the authority is read.
const maxAuthorityAnswer = 1 << 20

// RoundTrip passes on the request, and the answer with its body in hand.
func (w *authorityWitness) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(r)
	if err != nil {
		w.keeper.renewalFailed(err.Error())
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAuthorityAnswer))
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if why := problemIn(resp, body); why != "" {
		w.keeper.renewalFailed(why)
	}
	return resp, nil
}

// problemIn is what an answer says went wrong (RFC 8555 6.7, 7.1.4), "" for nothing. An old nonce is part of the talk.
func problemIn(resp *http.Response, body []byte) string {
	var said struct {
		Type, Detail, Status string
		Challenges           []struct{ Error struct{ Detail string } }
	}
	if json.Unmarshal(body, &said) != nil || strings.HasSuffix(said.Type, ":badNonce") {
		return ""
	}
	for _, c := range said.Challenges {
		if c.Error.Detail != "" {
			return c.Error.Detail
		}
	}
	if resp.StatusCode >= 400 {
		return fmt.Sprintf("%d %s", resp.StatusCode, said.Detail)
	}
	return ""
}

// renewalFailed notes why a certificate that is held was not renewed. What goes wrong with an order of the keeper's own it
// hears anyway.
func (k *certificateKeeper) renewalFailed(why string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if slices.ContainsFunc(k.kept, func(c *keptCertificate) bool { return c.ordering }) {
		return
	}
	for _, c := range k.kept {
		if !c.Until.IsZero() && c.Trouble != why {
			c.Trouble, c.Tried = oneLine(cutText(why, 500)), k.now().Truncate(time.Second)
			k.log.Warn("the certificate was not renewed, trying later", "host", c.Name, "until", c.Until, "err", why)
		}
	}
}
