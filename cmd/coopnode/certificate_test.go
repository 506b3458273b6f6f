package main

import (
	"context"
	"crypto/tls"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
)

// newHouse is a node at this address with this configuration, in a folder of its own.
func newHouse(t *testing.T, base string, cfg *Config) *house {
	t.Helper()
	cfg.Data = t.TempDir()
	db, err := store.Open(t.Context(), store.Options{Dir: cfg.Data, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := node.SetUp(t.Context(), db, activitypub.NewEncoder, node.Setup{Base: base, Dev: strings.HasPrefix(base, "http://"), Handle: "mill", Name: "Mill"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	n, err := node.New(t.Context(), db, activitypub.NewEncoder, node.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &house{Node: n, cfg: cfg, db: db}
}

// certified is a node that gets its certificate by itself, with its listeners open on loopback.
type certified struct {
	*testing.T
	house  *house
	keeper *certificateKeeper
	names  *nameServer
	ca     *pebble
	clock  time.Time
	tls    net.Listener
}

func newCertified(t *testing.T) (*certified, bool) {
	t.Helper()
	x := &certified{T: t, names: newNameServer(t, "127.0.0.1:0"), clock: time.Now()}
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l
	}
	x.tls = listen()
	plain := listen()
	cert := aptest.NewCertificate(t)
	ok := false
	if x.ca, ok = newPebble(t, "localhost", cert, x.names.address, portOfListener(plain), portOfListener(x.tls)); !ok {
		return nil, false
	}
	x.house = newHouse(t, "https://mill.example", &Config{TLS: "auto", CAFile: cert.CA, ACMEDirectory: x.ca.directory(), Resolvers: []string{x.names.address}})
	x.restart()
	x.names.set("localhost", "127.0.0.1")
	secure := &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return x.keeper.tls(), nil }}
	page := func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("page")) }
	s := newServer(http.HandlerFunc(page), slog.New(slog.DiscardHandler))
	p := newServer(x.keeper.answers(toHTTPS(x.house)), slog.New(slog.DiscardHandler))
	go s.Serve(tls.NewListener(x.tls, secure))
	go p.Serve(plain)
	t.Cleanup(func() { s.Close(); p.Close() })
	return x, true
}

func portOfListener(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// restart makes a keeper, as each start of the server does.
func (x *certified) restart() {
	x.Helper()
	k, err := newCertificateKeeper(x.Context(), x.house, slog.New(slog.DiscardHandler))
	if err != nil {
		x.Fatal(err)
	}
	k.now = func() time.Time { return x.clock }
	x.keeper = k
}

// stands looks after the certificates and gives how the one for a name stands, as commands read it.
func (x *certified) stands(name string) node.Certificate {
	x.Helper()
	if err := x.keeper.look(x.Context()); err != nil {
		x.Fatal(err)
	}
	list, err := x.house.Certificates(x.Context())
	if err != nil {
		x.Fatal(err)
	}
	for _, c := range list {
		if c.Name == name {
			return c
		}
	}
	x.Fatalf("nothing is known of %s: %v", name, list)
	panic("unreachable")
}

// visit is what a browser gets that asks for a name.
func (x *certified) visit(name string, roots ...[]byte) error {
	x.Helper()
	d := &tls.Dialer{Config: &tls.Config{ServerName: name, RootCAs: poolOf(x, roots...)}}
	c, err := d.DialContext(x.Context(), "tcp", x.tls.Addr().String())
	if err == nil {
		c.Close()
	}
	return err
}

// The certificate comes by itself, when the name leads somewhere and the authority answers; it outlives restarts, nobody else
// gets one, and the authority is asked once a minute at most.
func TestCertificate(t *testing.T) {
	t.Parallel()
	x, ok := newCertified(t)
	if !ok {
		return
	}
	// The name leads nowhere: no order is made.
	if c := x.stands("mill.example"); !strings.Contains(c.Trouble, "does not lead anywhere") || !c.Until.IsZero() || !c.Tried.IsZero() {
		t.Errorf("without a name: %+v", c)
	}
	// The authority does not answer: again in a minute, and not before.
	x.names.set("mill.example", "127.0.0.1")
	x.clock = x.clock.Add(time.Minute)
	c := x.stands("mill.example")
	if !strings.Contains(c.Trouble, "refused") || c.Next.Sub(x.clock) > time.Minute || !c.Tried.Equal(x.clock.Truncate(time.Second)) {
		t.Errorf("without an authority: %+v", c)
	}
	root := x.ca.start()
	x.clock = x.clock.Add(30 * time.Second)
	if c := x.stands("mill.example"); c.Held(x.clock) || x.ca.orders() != 0 {
		t.Errorf("it was asked again after 30 s: %+v, %d orders", c, x.ca.orders())
	}
	if err := x.visit("mill.example", root); err == nil {
		t.Error("a visitor got a certificate that is not there")
	}
	// The authority is back.
	x.clock = x.clock.Add(30 * time.Second)
	if c = x.stands("mill.example"); !c.Held(time.Now()) || c.Trouble != "" || !strings.Contains(c.Issuer, "Pebble") {
		t.Fatalf("the certificate: %+v\n%s", c, x.ca.said)
	}
	if err := x.visit("mill.example", root); err != nil {
		t.Error(err)
	}
	// Others get none, and cause no order.
	for _, name := range []string{"other.example", "www.mill.example", ""} {
		if err := x.visit(name, root); err == nil {
			t.Errorf("%q got a certificate", name)
		}
	}
	if n := x.ca.orders(); n != 1 {
		t.Errorf("%d orders, want 1", n)
	}
	// Only the owner may read it.
	for name, want := range map[string]fs.FileMode{"": 0o700, "mill.example": 0o600, "acme_account+key": 0o600} {
		info, err := os.Stat(filepath.Join(x.house.cfg.Data, certificateDir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: %v, %v, want %v", name, info, err, want)
		}
	}
	// A start without the authority.
	x.ca.stop()
	x.restart()
	if err := x.visit("mill.example", root); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if c := x.stands("mill.example"); !c.Held(time.Now()) {
		t.Errorf("after a restart: %+v", c)
	}
	// A renewal that fails leaves what is held, and is noted.
	x.keeper.hear("connection refused", false)
	if c := x.stands("mill.example"); c.Trouble != "connection refused" || !c.Held(time.Now()) {
		t.Errorf("after a renewal that failed: %+v", c)
	}
	if err := x.visit("mill.example", root); err != nil {
		t.Errorf("after a renewal that failed: %v", err)
	}
}

// Where port 443 is taken by something else in front, the authority finds its proof on port 80.
func TestCertificateByPort80(t *testing.T) {
	t.Parallel()
	x, ok := newCertified(t)
	if !ok {
		return
	}
	x.names.set("mill.example", "127.0.0.1")
	root := x.ca.start()
	x.tls.Close()
	if c := x.stands("mill.example"); !c.Held(time.Now()) {
		t.Fatalf("%+v\n%s", c, x.ca.said)
	}
	cert, err := x.keeper.get(&tls.ClientHelloInfo{ServerName: "MILL.example"})
	if err != nil {
		t.Fatal(err)
	}
	if err := cert.Leaf.VerifyHostname("mill.example"); err != nil || len(root) == 0 {
		t.Error(err)
	}
	// The domain of the handle is most often another server's. Where it leads here, it gets a certificate of its own.
	if _, err := x.house.SetHandleDomain(t.Context(), "command:test", "coop.example"); err != nil {
		t.Fatal(err)
	}
	x.names.set("coop.example", "127.0.0.9")
	orders := x.ca.orders()
	if c := x.stands("coop.example"); !c.Tried.IsZero() || x.ca.orders() != orders {
		t.Errorf("a domain that leads elsewhere: %+v, %d orders", c, x.ca.orders()-orders)
	}
	x.names.set("coop.example", "127.0.0.1")
	if c := x.stands("coop.example"); !c.Held(time.Now()) {
		t.Errorf("a domain that leads here: %+v", c)
	}
	if c := x.stands("mill.example"); !c.Held(time.Now()) {
		t.Errorf("its own name: %+v", c)
	}
}

// The pauses grow while the authority refuses, so that its limits are not met.
func TestRefusedCertificate(t *testing.T) {
	t.Parallel()
	x, ok := newCertified(t)
	if !ok {
		return
	}
	x.ca.start()
	x.names.set("mill.example", "127.0.0.77") // where nobody is at home
	for i, pause := range orderPauses {
		c := x.stands("mill.example")
		if got := c.Next.Sub(x.clock).Round(time.Second); c.Held(x.clock) || !strings.Contains(c.Trouble, "127.0.0.77") || got > pause || got < pause-2*time.Second {
			t.Fatalf("order %d: again after %v, want %v: %+v", i+1, got, pause, c)
		}
		x.clock = x.clock.Add(pause)
	}
	// Each try makes two proofs, so that no more than four fail before a pause of 25 minutes.
	if proofs := strings.Count(x.ca.said.String(), "set INVALID by completed challenge"); proofs != 2*len(orderPauses) {
		t.Errorf("%d proofs failed in %d tries", proofs, len(orderPauses))
	}
}

// Port 80 leads to https, and to no other host.
func TestPort80(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "https://mill.example", &Config{TLS: "auto"})
	plain := toHTTPS(h)
	for _, tt := range []struct {
		host, path string
		status     int
		location   string
	}{
		{"mill.example", "/", 308, "https://mill.example/"},
		{"Mill.Example:80", "/openings?lang=gl", 308, "https://mill.example/openings?lang=gl"},
		{"mill.example", "//other.example/", 308, "https://mill.example//other.example/"},
		{"other.example", "/", 421, ""},
		{"mill.example.other.example", "/", 421, ""},
		{"mill.example:8080", "/", 421, ""},
		{"", "/", 421, ""},
	} {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "http://mill.example"+tt.path, nil)
		r.Host = tt.host
		w := httptest.NewRecorder()
		plain.ServeHTTP(w, r)
		if w.Code != tt.status || w.Header().Get("Location") != tt.location {
			t.Errorf("%s%s: %d %s, want %d %s", tt.host, tt.path, w.Code, w.Header().Get("Location"), tt.status, tt.location)
		}
	}
}
