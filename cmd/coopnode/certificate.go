package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
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
	manage func() *autocert.Manager
	names  func(context.Context) ([]string, error) // that this node serves, its own host first
	lookup func(context.Context, string) ([]netip.Addr, error)
	note   func(context.Context, []node.Certificate) error
	log    *slog.Logger
	now    func() time.Time

	every  time.Duration   // between two looks, and at least between two orders for one name
	pauses []time.Duration // before the next order after so many that the authority refused; the last one for all more

	mu    sync.Mutex
	kept  []*keptCertificate
	noted []node.Certificate // what note was told last
}

// keptCertificate is how one of them stands.
type keptCertificate struct {
	node.Certificate
	manager  *autocert.Manager // for this name alone; it is made anew after a failure, which it would remember
	refused  int               // orders in a row
	ordering bool              // now
	heard    string            // what went wrong with that order
	counts   bool              // the authority said so, and counts it
}

// orderPauses keep within what authorities allow. Let's Encrypt takes five proofs of a name that fail, and then one in 12 minutes
// more; each of our tries may make two, one on port 443 and one on port 80.
var orderPauses = []time.Duration{2 * time.Minute, 25 * time.Minute, time.Hour}

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
	directory := h.cfg.ACMEDirectory
	if directory == "" {
		directory = autocert.DefaultACMEDirectory
	}
	k.manage = func() *autocert.Manager {
		m := &autocert.Manager{
			Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(filepath.Join(h.cfg.Data, certificateDir)),
			Client: &acme.Client{DirectoryURL: directory, HTTPClient: client, UserAgent: "coopnode/" + programVersion()},
		}
		m.HTTPHandler(nil) // from here on it proves names on port 80 too
		return m
	}
	return k, k.takeUp(ctx)
}

// servedNames are the names for which this node has certificates: its host, and the domain of its handle where another.
func (h *house) servedNames(ctx context.Context) ([]string, error) {
	us, err := h.Profile(ctx)
	if err != nil {
		return nil, err
	}
	names := []string{node.HostName(h.Links.Host())}
	if handle := node.HostName(us.Host); handle != names[0] {
		names = append(names, handle)
	}
	return names, nil
}

// of finds a name; nil for one that is not ours.
func (k *certificateKeeper) of(name string) *keptCertificate {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.locked(name)
}

func (k *certificateKeeper) locked(name string) *keptCertificate {
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
		c := k.locked(name)
		if c == nil {
			c = &keptCertificate{Certificate: node.Certificate{Name: name}, manager: k.manage()}
			fresh = append(fresh, c)
		}
		list = append(list, c)
	}
	k.kept = list
	k.mu.Unlock()
	for _, c := range fresh {
		data, err := c.manager.Cache.Get(ctx, c.Name)
		if err != nil {
			continue // as good as none: it is ordered anew
		}
		// Only what the manager will take is shown to it, for instead of anything else it orders, and a start does not wait for that.
		pair, err := tls.X509KeyPair(data, data)
		if err == nil && pair.Leaf.VerifyHostname(c.Name) == nil && k.now().Before(pair.Leaf.NotAfter) {
			k.take(c, c.manager)
		}
	}
	return nil
}

// helloOf asks the manager for the one certificate that a name has, whatever else a visitor may prefer.
func helloOf(name string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{ServerName: name, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}
}

// take notes the certificate that a manager has or now gets.
func (k *certificateKeeper) take(c *keptCertificate, m *autocert.Manager) error {
	cert, err := m.GetCertificate(helloOf(c.Name))
	if err != nil {
		return err
	}
	leaf := cert.Leaf
	k.mu.Lock()
	defer k.mu.Unlock()
	if !leaf.NotAfter.Equal(c.Until) {
		c.refused = 0
		c.Certificate = node.Certificate{Name: c.Name, Issuer: issuerOf(leaf), From: leaf.NotBefore.UTC(), Until: leaf.NotAfter.UTC(), Tried: c.Tried}
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
	c := k.of(strings.ToLower(hello.ServerName))
	if c == nil {
		return nil, fmt.Errorf("%q is not a name of this node", hello.ServerName)
	}
	k.mu.Lock()
	m, held := c.manager, !c.Until.IsZero()
	k.mu.Unlock()
	switch {
	case slices.Equal(hello.SupportedProtos, []string{acme.ALPNProto}):
		return m.GetCertificate(hello) // the authority looks whether the name is ours (RFC 8737)
	case !held:
		return nil, fmt.Errorf("there is no certificate for %s yet", c.Name)
	}
	return m.GetCertificate(helloOf(c.Name))
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
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := k.of(strings.ToLower(node.HostName(r.Host)))
		if c == nil {
			next.ServeHTTP(w, r)
			return
		}
		k.mu.Lock()
		m := c.manager
		k.mu.Unlock()
		m.HTTPHandler(next).ServeHTTP(w, r)
	})
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
			if err := k.take(c, c.manager); err != nil {
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
	if err := k.note(ctx, stand); err != nil {
		return err
	}
	k.noted = stand
	return nil
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
	c.Tried, c.ordering, c.heard, c.counts = k.now().Truncate(time.Second), true, "", false
	m := c.manager
	k.mu.Unlock()
	got := make(chan error, 1)
	go func() { got <- k.take(c, m) }() // which takes no context
	var err error
	select {
	case <-ctx.Done():
		return
	case err = <-got:
	}
	k.mu.Lock()
	c.ordering = false
	if err != nil && c.heard != "" { // the manager says only that no way was left
		err = fmt.Errorf("%s (%w)", c.heard, err)
	}
	until, pause := c.Until, k.every
	if err != nil && c.counts {
		pause = k.pauses[min(c.refused, len(k.pauses)-1)]
		c.refused++
	}
	if err != nil {
		c.manager = k.manage()
	}
	k.mu.Unlock()
	if err != nil {
		k.failed(ctx, c, err, pause)
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
