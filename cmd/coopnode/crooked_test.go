package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// An office signs certificates, well and badly.
type office struct {
	testing.TB
	root, between       *x509.Certificate
	rootKey, betweenKey *ecdsa.PrivateKey
	file                string // of the root, for ca_file
	leafKey             *ecdsa.PrivateKey
}

func newOffice(t testing.TB) *office {
	o := &office{TB: t, rootKey: newKey(t), betweenKey: newKey(t), leafKey: newKey(t)}
	authority := func(name string) *x509.Certificate {
		return &x509.Certificate{Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	}
	o.root = o.sign(authority("Root of the tests"), nil, o.rootKey, o.rootKey)
	o.between = o.sign(authority("Between"), o.root, o.betweenKey, o.rootKey)
	o.file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(o.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.root.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return o
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sign makes a certificate; one without a parent signs itself.
func (o *office) sign(c, parent *x509.Certificate, key, by *ecdsa.PrivateKey) *x509.Certificate {
	o.Helper()
	if parent == nil {
		parent = c
	}
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
	if err != nil {
		o.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		o.Fatal(err)
	}
	return made
}

// certificate is one for a host, with what change makes of it. whole says whether the chain comes with it.
func (o *office) certificate(host string, whole bool, change func(*x509.Certificate)) *tls.Certificate {
	o.Helper()
	c := &x509.Certificate{DNSNames: []string{host}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(40 * 24 * time.Hour)}
	if change != nil {
		change(c)
	}
	leaf := o.sign(c, o.between, o.leafKey, o.betweenKey)
	pair := &tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: o.leafKey}
	if whole {
		pair.Certificate = append(pair.Certificate, o.between.Raw)
	}
	return pair
}

// A crooked is a proxy in front of a node that does wrong what a test tells it to.
type crooked struct {
	testing.TB
	port     string // at which it listens, on loopback
	behind   string // where the node listens
	straight *tls.Certificate
	server   *http.Server
	listen   net.Listener
	mu       sync.Mutex
	ways     crookedWays
}

// crookedWays are what a proxy does wrong; the zero value does all well.
type crookedWays struct {
	cert        *tls.Certificate
	versions    [2]uint16 // lowest and highest
	plain       bool      // speaks no TLS
	sent        func(*http.Request)
	answer      func(http.ResponseWriter, *http.Request) bool // true where that was all
	came        func(*http.Response) error
	unforwarded bool
}

func newCrooked(t testing.TB, o *office, host string) *crooked {
	c := &crooked{TB: t, port: "0", straight: o.certificate(host, true, nil)}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", c.behind, r.In.Host
			ways := c.now()
			if !ways.unforwarded {
				r.SetXForwarded()
			}
			if ways.sent != nil {
				ways.sent(r.Out)
			}
		},
		ModifyResponse: func(r *http.Response) error {
			if came := c.now().came; came != nil {
				return came(r)
			}
			return nil
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
	c.server = &http.Server{ErrorLog: proxy.ErrorLog, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer := c.now().answer; answer != nil && answer(w, r) {
			return
		}
		proxy.ServeHTTP(w, r)
	})}
	c.open()
	t.Cleanup(func() { c.server.Close() })
	return c
}

func (c *crooked) now() crookedWays {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ways
}

// be makes it do wrong what w says, and nothing else.
func (c *crooked) be(w crookedWays) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ways = w
}

// open lets it listen at its port.
func (c *crooked) open() {
	c.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:"+c.port)
	if err != nil {
		c.Fatal(err)
	}
	c.listen = l
	_, c.port, _ = net.SplitHostPort(l.Addr().String())
	go c.server.Serve(mixedListener{l, c})
}

// shut closes the port; the server itself goes on.
func (c *crooked) shut() { c.listen.Close() }

// A mixedListener speaks TLS as the proxy is told at the moment.
type mixedListener struct {
	net.Listener
	c *crooked
}

func (l mixedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	ways := l.c.now()
	if err != nil || ways.plain {
		return conn, err
	}
	cert := ways.cert
	if cert == nil {
		cert = l.c.straight
	}
	return tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: ways.versions[0], MaxVersion: ways.versions[1]}), nil
}
