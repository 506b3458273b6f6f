package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// quietBuffer takes what the server writes; it is safe for use by many goroutines.
type quietBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (q *quietBuffer) Write(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.b.Write(p)
}

func (q *quietBuffer) String() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.b.String()
}

// serving runs serve in the background on a new node and returns what stops it and waits for its end.
func serving(t *testing.T, address string, env map[string]string, initFlags ...string) (stop func() error, log *quietBuffer) {
	t.Helper()
	dir := t.TempDir()
	log = &quietBuffer{}
	if code := run(append([]string{"init", address, "--data", dir, "--yes"}, initFlags...), strings.NewReader(""), io.Discard, log); code != 0 {
		t.Fatalf("init ends with %d: %s", code, log)
	}
	ctx, cancel := context.WithCancel(t.Context())
	a := &app{in: strings.NewReader(""), out: io.Discard, errOut: log, dataDir: dir,
		env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
	ended := make(chan error, 1)
	go func() { ended <- a.serve(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { stop() })
	for limit := time.Now().Add(10 * time.Second); !strings.Contains(log.String(), "listens on 127.0.0.1:"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("it does not listen: %s", log)
		}
	}
	return stop, log
}

// A request that has begun gets its answer; then the server ends, without an error and within 10 s.
func TestStopFinishesWhatHasBegun(t *testing.T) {
	port := freePort()
	stop, log := serving(t, "localhost:"+port, nil, "--dev")
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /ap/inbox HTTP/1.1\r\nHost: localhost:%s\r\nContent-Type: application/activity+json\r\nContent-Length: 2\r\n\r\n{", port)
	time.Sleep(100 * time.Millisecond) // until the handler waits for the second byte

	ended := make(chan error, 1)
	start := time.Now()
	go func() { ended <- stop() }()
	time.Sleep(100 * time.Millisecond)
	if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
		c.Close()
		t.Error("it still takes connections while it stops")
	}
	io.WriteString(conn, "}")
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	answer, _ := io.ReadAll(conn)
	if !bytes.HasPrefix(answer, []byte("HTTP/1.1 401 ")) {
		t.Errorf("the request that had begun is answered %q, want 401", answer)
	}
	if err := <-ended; err != nil {
		t.Errorf("serve ends with %v\n%s", err, log)
	}
	if took := time.Since(start); took > stopWithin {
		t.Errorf("stopping takes %v", took)
	}
}

// With tls = "files" the program does HTTPS itself, HTTP/2 too.
func TestServeWithCertificate(t *testing.T) {
	dir := t.TempDir()
	roots := certificate(t, dir, "coop.example")
	port := freePort()
	env := map[string]string{
		"COOPNODE_TLS": "files", "COOPNODE_LISTEN": "127.0.0.1:" + port,
		"COOPNODE_CERT": filepath.Join(dir, "cert.pem"), "COOPNODE_KEY": filepath.Join(dir, "key.pem"),
	}
	stop, log := serving(t, "coop.example", env)
	c := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
		},
	}}
	resp, err := c.Get("https://coop.example/livez")
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 || resp.ProtoMajor != 2 {
		t.Errorf("answer is %s over %s, want 200 over HTTP/2", resp.Status, resp.Proto)
	}
	if err := healthy(t.Context(), &Config{Host: "coop.example", TLS: "files", Listen: []string{"127.0.0.1:1", "127.0.0.1:" + port}}); err != nil {
		t.Errorf("healthcheck: %v", err)
	}
	c.CloseIdleConnections()
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// certificate writes cert.pem and key.pem for a host and returns what trusts them.
func certificate(t *testing.T, dir, host string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		text := pem.EncodeToMemory(block)
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
		roots.AppendCertsFromPEM(text)
	}
	return roots
}
