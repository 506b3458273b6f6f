package activitypub

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"math/big"
	weak "math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store/storetest"
)

// Ports of the decoys: the one that is allowed, and what else an attacker would like to reach.
var decoyPorts = []uint16{443, 1, 22, 25, 53, 80, 444, 3306, 5432, 6379, 8080, 8443, 65535}

// The addresses that the machine under test has, on which the node listens as `listen = ":443"` says, and the one address
// that allow_cidrs names (T-4).
var (
	sealedOwn    = []netip.AddrPort{netip.MustParseAddrPort("93.184.215.14:443"), netip.MustParseAddrPort("[2606:2800::1]:443")}
	sealedListen = []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:443"), netip.MustParseAddrPort("[::]:443")}
	sealedAllow  = netip.MustParseAddr("10.9.8.7")
)

// decoys stand at every address of the world and note who comes, and how.
type decoys struct {
	ports map[uint16]net.Listener

	mu    sync.Mutex
	allow []netip.Prefix // what the node was told that it may reach besides
	good  int
	bad   map[string]int // by what was wrong
	first []string       // a few of the bad ones in full
	seen  map[netip.AddrPort]chan struct{}
}

func (d *decoys) wrong(what, where string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bad[what]++; len(d.first) < 20 {
		d.first = append(d.first, what+": "+where)
	}
}

// arrive judges a connection by where it arrived.
func (d *decoys) arrive(c net.Conn) {
	to := netip.MustParseAddrPort(c.LocalAddr().String())
	ip := to.Addr().Unmap()
	d.mu.Lock()
	marker := d.seen[netip.AddrPortFrom(ip, to.Port())]
	allowed := slices.ContainsFunc(d.allow, func(p netip.Prefix) bool { return p.Contains(ip) })
	d.mu.Unlock()
	switch {
	case marker != nil:
		close(marker)
	case slices.Contains(sealedOwn, netip.AddrPortFrom(ip, to.Port())):
		d.wrong("the node itself", to.String())
	case to.Port() != 443:
		d.wrong("a port", to.String())
	case isSpecial(ip) && !allowed:
		d.wrong("a special address", to.String())
	default:
		d.mu.Lock()
		d.good++
		d.mu.Unlock()
	}
}

// settle waits until all who came before have been counted: each door lets people in by their turn.
func (d *decoys) settle(t *testing.T) {
	t.Helper()
	for port := range d.ports {
		at := netip.AddrPortFrom(netip.MustParseAddr("127.9.9.9"), port)
		here := make(chan struct{})
		d.mu.Lock()
		d.seen = map[netip.AddrPort]chan struct{}{at: here}
		d.mu.Unlock()
		c, err := net.Dial("tcp", at.String())
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-here:
		case <-time.After(30 * time.Second):
			t.Fatalf("nobody is at home at %v", at)
		}
		c.Close()
	}
	d.mu.Lock()
	d.seen = nil
	d.mu.Unlock()
}

// A decoyListener judges whom it lets in.
type decoyListener struct {
	net.Listener
	d *decoys
}

func (l decoyListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.d.arrive(c)
	return &decoyConn{Conn: c, d: l.d}, nil
}

// A decoyConn notes what is said in plain text.
type decoyConn struct {
	net.Conn
	d    *decoys
	once sync.Once
}

func (c *decoyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.once.Do(func() {
			if b[0] != 22 { // the first byte of every TLS connection (RFC 8446 section 5.1)
				c.d.wrong("plain text", c.LocalAddr().String())
			}
		})
	}
	return n, err
}

// startDecoys puts them there. The answers come from handler, by a certificate for the names of this test alone.
func startDecoys(t *testing.T, handler http.HandlerFunc) (d *decoys, caFile string) {
	t.Helper()
	d = &decoys{ports: map[uint16]net.Listener{}, bad: map[string]int{}}
	cert := decoyCertificate(t)
	server := &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	t.Cleanup(func() { server.Close() })
	for _, port := range decoyPorts {
		l, err := net.Listen("tcp", fmt.Sprintf("[::]:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		d.ports[port] = l
		go server.Serve(tls.NewListener(decoyListener{l, d}, &tls.Config{
			GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
				if to := netip.MustParseAddrPort(hello.Conn.LocalAddr().String()); hello.ServerName == "" && to.Addr().Unmap() != sealedAllow {
					d.wrong("an IP address in place of a name", to.String())
				}
				return &tls.Config{Certificates: []tls.Certificate{cert}}, nil
			},
		}))
	}
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, []byte(pemText("CERTIFICATE", cert.Certificate[0])), 0o600); err != nil {
		t.Fatal(err)
	}
	return d, caFile
}

func decoyCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames:    []string{"*.hosts.example", "localhost", "mill.example"},
		IPAddresses: []net.IP{sealedAllow.AsSlice()},
		IsCA:        true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// hostilePeer answers with redirects and documents that lead to random addresses.
func hostilePeer(w http.ResponseWriter, r *http.Request) {
	here := "https://" + r.Host + r.URL.RequestURI()
	document := func(format string, args ...any) {
		w.Header().Set("Content-Type", typeActivity)
		fmt.Fprintf(w, format, args...)
	}
	if strings.HasPrefix(r.URL.Path, "/.well-known/webfinger") && weak.IntN(4) > 0 {
		w.Header().Set("Content-Type", "application/jrd+json")
		fmt.Fprintf(w, `{"subject":"acct:x@y","links":[{"rel":"self","type":%q,"href":%q}]}`, typeActivity, randomAddress())
		return
	}
	switch weak.IntN(6) {
	case 0, 1, 2:
		w.Header()["Location"] = []string{oneOf(randomAddress(), randomAddress(), "https://"+writtenIP(randomIP())+"/", "//"+randomName()+"/", "/elsewhere")}
		w.WriteHeader(oneOf(301, 302, 303, 307, 308))
	case 3:
		document(`{"id":%q,"type":"Person","inbox":%q,"publicKey":{"id":%q,"owner":%q}}`,
			here, randomAddress(), here+"#main-key", oneOf(here, "https://"+r.Host+"/owner", randomAddress()))
	case 4:
		document(`{"id":%q,"type":"Note"}`, oneOf("https://"+r.Host+"/another", randomAddress()))
	default:
		w.WriteHeader(oneOf(401, 404, 410, 500))
	}
}

// TestSealedNetworkProcess is the inside of TestSealedNetwork. As a test of its own it does nothing.
func TestSealedNetworkProcess(t *testing.T) {
	if os.Getenv("COOPNODE_TEST_SEALED") == "" {
		return
	}
	steps := []string{"link set lo up", "route add local 0.0.0.0/0 dev lo", "-6 route add local ::/0 dev lo"}
	for _, own := range sealedOwn {
		steps = append(steps, "address add "+netip.PrefixFrom(own.Addr(), own.Addr().BitLen()).String()+" dev lo")
	}
	for _, step := range steps {
		if out, err := exec.Command("ip", strings.Fields(step)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v, %s", step, err, out)
		}
	}
	d, caFile := startDecoys(t, hostilePeer)
	often := []netip.Addr{sealedAllow, sealedAllow.Next(), sealedAllow.Prev(), sealedOwn[0].Addr(), sealedOwn[1].Addr()}
	names := serveNames(t, "127.0.0.1:53", func(m *dnsmessage.Message) { hostileAnswer(m, often...) })

	cases := 4_000
	if torture() {
		cases = 100_000
	}
	opt := Options{Version: "0.0.0-test", CAFile: caFile, Resolvers: []string{names}, Listen: sealedListen}
	sealedRun(t, d, "production", sealedWire(t, opt), cases*3/4)

	// T-4: one address is allowed, and the next one is not.
	opt.AllowCIDRs = []netip.Prefix{netip.PrefixFrom(sealedAllow, 32)}
	w := sealedWire(t, opt)
	d.mu.Lock()
	d.allow = opt.AllowCIDRs
	d.mu.Unlock()
	sealedRun(t, d, "allow_cidrs with one address", w, cases/4)
	if err := errOf(w.client.Post(t.Context(), "https://10.9.8.7/", []byte(testBody))); asRefused(err) != nil || isUnreached(err) {
		t.Errorf("T-4: the allowed address: %v", err)
	}
	if err := errOf(w.client.Post(t.Context(), "https://10.9.8.8/", []byte(testBody))); asRefused(err) == nil {
		t.Errorf("T-4: the next address: %v", err)
	}

	// The decoys do see who gets past: the same client without its check of each connection.
	open := sealedWire(t, opt)
	open.client.transport.DialContext = (&net.Dialer{Timeout: dialTimeout, Resolver: open.client.resolver}).DialContext
	sealedAsk(t.Context(), open, 500)
	d.settle(t)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, what := range []string{"a special address", "the node itself"} {
		if d.bad[what] == 0 {
			t.Errorf("a client without its check was not seen at %s: %v", what, d.bad)
		}
	}
}

// sealedWire is the network side of a node that was made for production.
func sealedWire(t *testing.T, opt Options) *Wire {
	t.Helper()
	ctx, db := t.Context(), storetest.Open(t)
	err := node.SetUp(ctx, db, NewEncoder, node.Setup{Base: "https://mill.example", Handle: "mill", Name: "The Mill"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.New(ctx, db, NewEncoder, node.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := New(ctx, n, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// sealedRun asks w for many addresses, and says who came where: nobody where nobody may.
func sealedRun(t *testing.T, d *decoys, what string, w *Wire, cases int) {
	t.Helper()
	began := time.Now()
	refusedEarly, refusedLate, rest := sealedAsk(t.Context(), w, cases)
	w.client.Close()
	d.settle(t)
	d.mu.Lock()
	defer d.mu.Unlock()
	t.Logf("%s: %d addresses in %v, %d refused as written, %d refused at the connection, %d otherwise; %d connections to allowed addresses, to others: %v",
		what, cases, time.Since(began).Round(time.Second), refusedEarly, refusedLate, rest, d.good, d.bad)
	if len(d.bad) > 0 {
		t.Fatalf("they came to decoys:\n%s", strings.Join(d.first, "\n"))
	}
	// Else nothing was tried.
	if few := cases / 50; d.good < few || refusedEarly < few || refusedLate < few {
		t.Errorf("%s: too little happened", what)
	}
	d.good = 0
}

// sealedAsk goes to random addresses in all the ways that there are, and counts what came of it: refused for how
// the address is written, refused because of what its name leads to, and the rest.
func sealedAsk(ctx context.Context, w *Wire, cases int) (early, late, rest int) {
	var left, written, connected, other atomic.Int64
	left.Store(int64(cases))
	var work sync.WaitGroup
	for range 16 {
		work.Go(func() {
			for left.Add(-1) >= 0 {
				var refused *RefusedError
				switch refused = asRefused(sealedVisit(ctx, w)); {
				case refused == nil:
					other.Add(1)
				case refused.Range != "":
					connected.Add(1)
				default:
					written.Add(1)
				}
			}
		})
	}
	work.Wait()
	return int(written.Load()), int(connected.Load()), int(other.Load())
}

// sealedVisit makes one request, or what it takes to find an actor or a key.
func sealedVisit(ctx context.Context, w *Wire) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	address := randomAddress()
	switch weak.IntN(7) {
	case 0:
		return errOf(w.client.GetActivity(ctx, address))
	case 1:
		return errOf(w.client.GetObject(ctx, address))
	case 2:
		return errOf(w.client.GetJSON(ctx, address, "application/json"))
	case 3:
		return errOf(w.client.Post(ctx, address, []byte(testBody)))
	case 4:
		return errOf(w.keys.find(ctx, address+"#main-key"))
	case 5:
		return errOf(w.Find(ctx, address))
	}
	_, host, _ := strings.Cut(address, "//")
	host, _, _ = strings.Cut(host, "/")
	return errOf(w.Find(ctx, "@mill@"+host))
}
