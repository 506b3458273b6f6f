package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
)

// A pebble is the certificate authority Pebble, which proves names as Let's Encrypt does, in a process beside the test.
type pebble struct {
	testing.TB
	host       string // by which it is asked; its certificate is for it
	port, side string // of the directory, and of what tells tests more
	config     string // file
	resolver   string
	child      *exec.Cmd
	said       *quietBuffer
}

// newPebble prepares one that looks for names at ports of its visitors; false, having said so, where the program is not here.
func newPebble(t testing.TB, host string, cert *aptest.Certificate, resolver, httpPort, tlsPort string) (*pebble, bool) {
	t.Helper()
	if _, err := exec.LookPath("pebble"); err != nil {
		aptest.LeaveOut(t, "certificates of a real authority, which needs the program pebble (Debian package pebble)")
		return nil, false
	}
	p := &pebble{TB: t, host: host, port: freePort(), side: freePort(), resolver: resolver, said: &quietBuffer{}}
	p.config = filepath.Join(t.TempDir(), "pebble.json")
	settings, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": "0.0.0.0:" + p.port, "managementListenAddress": "0.0.0.0:" + p.side,
		"certificate": cert.Cert, "privateKey": cert.Key, "httpPort": portNumber(t, httpPort), "tlsPort": portNumber(t, tlsPort),
	}})
	if err == nil {
		err = os.WriteFile(p.config, settings, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	return p, true
}

func portNumber(t testing.TB, s string) int {
	t.Helper()
	var n int
	if err := json.Unmarshal([]byte(s), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (p *pebble) directory() string { return "https://" + p.host + ":" + p.port + "/dir" }

// start returns when it answers, with the certificate that signs all that it gives out since.
func (p *pebble) start() (root []byte) {
	p.Helper()
	p.child = exec.Command("pebble", "-config", p.config, "-dnsserver", p.resolver)
	p.child.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_AUTHZREUSE=0")
	p.child.Stdout, p.child.Stderr = p.said, p.said
	if err := p.child.Start(); err != nil {
		p.Fatal(err)
	}
	ask := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	aptest.Until(p, "Pebble answers", func() bool {
		resp, err := ask.Get("https://127.0.0.1:" + p.side + "/roots/0")
		if err != nil {
			time.Sleep(20 * time.Millisecond)
			return false
		}
		defer resp.Body.Close()
		root, err = io.ReadAll(resp.Body)
		return err == nil && bytes.HasPrefix(root, []byte("-----BEGIN"))
	})
	return root
}

func (p *pebble) stop() {
	if p.child != nil {
		p.child.Process.Kill()
		p.child.Wait()
		p.child = nil
	}
}

// orders is how many orders have been made.
func (p *pebble) orders() int { return strings.Count(p.said.String(), "Added order ") }

func poolOf(t testing.TB, roots ...[]byte) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	for _, r := range roots {
		if !pool.AppendCertsFromPEM(r) {
			t.Fatalf("no certificate in %q", r)
		}
	}
	return pool
}
