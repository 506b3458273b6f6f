package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/acme/autocert"

	"github.com/coopnode/coopnode/activitypub/aptest"
)

// Whatever is wrong on the way to a node, doctor tells the one cause, and what mends it. Each of these really is broken: in
// the DNS, in the certificate, in the proxy, at the clock of another.
func TestDoctorNamesTheCauseOutside(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	mill, front := w.mill, w.mill.front
	port := "port " + front.port + " over "
	cert := func(whole bool, change func(*x509.Certificate)) crookedWays {
		return crookedWays{cert: w.office.certificate(millHost, whole, change)}
	}

	t.Run("nothing", func(t *testing.T) {
		list, err := mill.app(nil, io.Discard).diagnose(t.Context(), examineOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if lines := told(list); len(lines) > 1 || len(lines) == 1 && !strings.Contains(lines[0], "copy elsewhere") {
			t.Errorf("of a node that is well is told:\n%s", strings.Join(lines, "\n"))
		}
		for _, f := range list {
			if f.State == unknown && f.Group != "backup" && f.Group != "mail" {
				t.Errorf("%s/%s could not be checked: %s", f.Group, f.Check, f.Measured)
			}
		}
	})

	for _, s := range []sickness{
		// The name.
		{name: "no address", do: w.dns.resolves(millHost), check: "name/A", says: "has no address in the DNS", mend: millHost + ". A "},
		{name: "an address where nobody listens", do: w.dns.resolves(millHost, "127.0.0.9"), check: "name/A", says: "leads to 127.0.0.9, where nobody listens", mend: "Correct it"},
		{name: "an address where another server answers", do: func() func() {
			stranger := newCrookedAt(t, w.office, "other.example", "127.0.0.8:"+front.port)
			undo := w.dns.resolves(millHost, "127.0.0.8")()
			return func() { undo(); stranger() }
		}, check: "name/A", says: "leads to 127.0.0.8, where another server answers", mend: "router"},
		{name: "IPv6 elsewhere", do: w.dns.resolves(millHost, "127.0.0.1", "fe80::99"), check: "name/AAAA", says: "leads to fe80::99", mend: "Remove the AAAA record"},
		{name: "IPv6 alone", do: w.dns.resolves(millHost, "::1"), only: []string{"name"}, check: "name/A", state: soon, says: "has no IPv4 address", mend: ". A "},
		{name: "name servers disagree", do: func() func() {
			other := newNameServer(t, "127.0.0.1:0")
			other.set(millHost, "127.0.0.1", "127.0.0.2")
			mill.env["COOPNODE_DNS__RESOLVERS"] += "," + other.address
			return func() { mill.env["COOPNODE_DNS__RESOLVERS"] = w.dns.address }
		}, only: []string{"name"}, check: "name/resolvers", state: soon, says: "name servers disagree", mend: "Wait"},
		{name: "another authority in CAA", do: w.dns.lets("other-ca.example"), env: map[string]string{"COOPNODE_ACME__DIRECTORY": autocert.DefaultACMEDirectory},
			check: "name/CAA", says: "let other-ca.example alone give certificates", mend: `CAA 0 issue "letsencrypt.org"`},
		{name: "nobody in CAA", do: w.dns.lets(";"), env: map[string]string{"COOPNODE_ACME__DIRECTORY": autocert.DefaultACMEDirectory},
			check: "name/CAA", says: "let nobody give certificates", mend: "CAA 0 issue"},

		// The way here.
		{name: "the port is closed", do: func() func() { front.shut(); return front.open }, check: "reach/" + port + "IPv4", says: "is closed: nobody listens", mend: "Start what listens there"},
		{name: "the port is closed over IPv6", do: w.dns.resolves(millHost, "127.0.0.1", "::1"), check: "reach/" + port + "IPv6", says: "::1 is closed", mend: "listen"},
		{name: "the proxy does not reach the node", front: crookedWays{answer: answer(502, "text/html", "<h1>Bad Gateway</h1>", always)}, check: "reach/proxy", says: "the proxy answers 502", mend: mill.env["COOPNODE_LISTEN"]},
		{name: "the front page of the proxy", front: crookedWays{answer: answer(404, "text/html", "<h1>Welcome to the proxy</h1>", always)}, check: "reach/node", says: "another server answers", mend: "Let the proxy lead"},
		{name: "another node", front: crookedWays{sent: func(r *http.Request) { r.URL.Host = w.pine.env["COOPNODE_LISTEN"] }}, check: "reach/Host", says: "421", mend: "Host"},
		{name: "no Host", front: crookedWays{sent: func(r *http.Request) { r.Host = r.URL.Host }}, check: "reach/Host", says: "the proxy passes on another Host", mend: "proxy_set_header Host"},
		{name: "a redirect", front: crookedWays{answer: func(rw http.ResponseWriter, r *http.Request) bool {
			http.Redirect(rw, r, "https://www."+mill.host+r.URL.Path, http.StatusMovedPermanently)
			return true
		}}, check: "reach/node", says: "another server answers", mend: "Let the proxy lead"},
		{name: "nobody says who visits", front: crookedWays{unforwarded: true}, check: "reach/visitors", says: "all count as one", mend: "X-Forwarded-For"},
		{name: "a proxy that is not trusted", env: map[string]string{"COOPNODE_TRUSTED_PROXIES": "10.9.9.9/32"}, check: "reach/visitors", says: "is not believed", mend: `trusted_proxies = ["127.0.0.1/32"]`},
		{name: "a path written anew", front: crookedWays{sent: func(r *http.Request) { r.URL.RawPath = "" }}, check: "reach/path", says: "arrives as", mend: "proxy_pass"},
		{name: "a query written anew", front: crookedWays{sent: func(r *http.Request) { r.URL.RawQuery = r.URL.Query().Encode() }}, check: "reach/path", says: "signatures do not hold", mend: "proxy_pass"},
		{name: "a body written anew", front: crookedWays{sent: rewriteBody}, check: "reach/body", says: "arrives changed", mend: "Switch off"},
		{name: "no Signature", front: crookedWays{sent: drop("Signature")}, check: "reach/headers", says: "Signature is taken away", mend: "every header"},
		{name: "no Signature-Input", front: crookedWays{sent: drop("Signature-Input")}, check: "reach/headers", says: "Signature-Input is taken away", mend: "every header"},
		{name: "no Digest", front: crookedWays{sent: drop("Digest")}, check: "reach/headers", says: "Digest is taken away", mend: "every header"},
		{name: "no Content-Digest", front: crookedWays{sent: drop("Content-Digest")}, check: "reach/headers", says: "Content-Digest is taken away", mend: "every header"},
		{name: "no Date", front: crookedWays{sent: drop("Date")}, check: "reach/headers", says: "Date is taken away", mend: "every header"},
		{name: "another Date", front: crookedWays{sent: func(r *http.Request) { r.Header.Set("Date", "Mon, 01 Jan 2024 00:00:00 GMT") }}, check: "reach/headers", says: "Date ", mend: "every header"},
		{name: "another Content-Type", front: crookedWays{sent: func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }}, check: "reach/headers", says: "Content-Type", mend: "every header"},
		{name: "a cache that mixes HTML and JSON", front: crookedWays{answer: mixingCache(front)}, check: "reach/HTML and JSON", says: "mixes them up", mend: "Vary"},
		{name: "a puzzle before all letters", front: crookedWays{answer: answer(403, "text/html", "<title>Just a moment</title>", func(r *http.Request) bool { return r.Method == http.MethodPost })},
			check: "reach/inbox", says: "puts a puzzle before them", mend: "challenge for POST"},
		{name: "a puzzle before the inbox", front: crookedWays{answer: answer(503, "text/html", "<title>Checking your browser</title>", func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/inbox") })},
			check: "reach/inbox", says: "503 text/html: a puzzle", mend: "challenge"},
		{name: "letters are forbidden", front: crookedWays{answer: answer(405, "text/plain", "no", func(r *http.Request) bool { return r.Method == http.MethodPost })},
			check: "reach/letters", says: "is answered 405", mend: "POST"},

		// The certificate.
		{name: "it has ended", front: cert(true, func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(-90*24*time.Hour), time.Now().Add(-time.Hour)
		}),
			check: "tls/certificate", says: "it ended on", mend: "Renew it"},
		{name: "it is for another name", front: cert(true, func(c *x509.Certificate) { c.DNSNames = []string{"other.example"} }), check: "tls/certificate", says: "it is for other.example, not for mill.example", mend: "Get one for"},
		{name: "the chain is not complete", front: cert(false, nil), check: "tls/chain", says: "without the certificate of who signed it, Between", mend: "fullchain.pem"},
		{name: "it signed itself", front: crookedWays{cert: selfMade(w.office)}, check: "tls/certificate", says: "other servers do not know", mend: "authority"},
		{name: "it ends soon", front: cert(true, func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(-80*24*time.Hour), time.Now().Add(5*24*time.Hour)
		}),
			check: "tls/certificate", state: soon, says: "was not renewed", mend: "Renew it"},
		{name: "TLS 1.2 alone", front: crookedWays{versions: [2]uint16{0, tls.VersionTLS12}}, check: "tls/versions", state: soon, says: "TLS 1.2 without 1.3", mend: "Let the proxy speak"},
		{name: "TLS 1.3 alone", front: crookedWays{versions: [2]uint16{tls.VersionTLS13, 0}}, check: "tls/versions", state: soon, says: "TLS 1.3 alone", mend: "Let the proxy speak"},
		{name: "no TLS", front: crookedWays{plain: true}, check: "tls/certificate", says: "does not speak TLS", mend: "Let the proxy speak TLS"},

		// What others ask first.
		{name: "no WebFinger", front: crookedWays{answer: answer(404, "text/html", "<h1>Not here</h1>", under("/.well-known/webfinger"))}, check: "fediverse/WebFinger", says: "404 text/html", mend: "inspect"},
		{name: "no NodeInfo", front: crookedWays{answer: answer(403, "text/html", "no", under("/nodeinfo/"))}, check: "fediverse/NodeInfo", says: "403", mend: "inspect"},
		{name: "an actor of another type", front: crookedWays{came: func(r *http.Response) error {
			if r.Request.URL.Path == "/ap/coop" {
				r.Header.Set("Content-Type", "text/plain")
			}
			return nil
		}}, check: "fediverse/actor", says: "200 text/plain", mend: "inspect"},
		{name: "no picture", front: crookedWays{answer: answer(200, "text/html", "<h1>Sign in</h1>", under("/media/"))}, check: "fediverse/picture", says: "others show none", mend: "profile edit"},

		// What others see.
		{name: "closed from outside", do: w.pine.dns.resolves(millHost, "127.0.0.9"), ask: true, check: "reach/from outside (" + w.pine.host + ")", says: "IPv4: the port is closed", mend: "firewall"},
		{name: "another server from outside", do: w.pine.dns.resolves(millHost, "127.0.0.1"), front: crookedWays{answer: func(rw http.ResponseWriter, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "/look") && answer(200, "text/html", "hello", always)(rw, r)
		}}, ask: true, check: "reach/from outside (" + w.pine.host + ")", says: "IPv4: another server answers", mend: "proxy"},

		// The clock.
		{name: "20 seconds ahead", do: w.pine.tells(dated(-20 * time.Second)), only: []string{"clock"}, state: soon, check: "clock/clock", says: "seconds ahead", mend: "timedatectl"},
		{name: "10 minutes behind", do: w.pine.tells(dated(10 * time.Minute)), only: []string{"clock"}, check: "clock/clock", says: "minutes behind", mend: "timedatectl"},
	} {
		t.Run(s.name, func(t *testing.T) { mill.try(t, s) })
	}

	t.Run("this machine has IPv6 and the name has not", func(t *testing.T) {
		h := mill.open()
		defer h.db.Close()
		x := &examination{app: mill.app(nil, io.Discard), cfg: h.cfg, house: h, opt: examineOptions{only: []string{"name"}, noAsk: true},
			machine: []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("2606:2800::7")}}
		if lines := told(x.run(t.Context())); len(lines) != 1 || !strings.Contains(lines[0], "! name/AAAA: mill.example has no IPv6 address") {
			t.Errorf("told is %q", lines)
		}
	})

	t.Run("the node that is to look is none", func(t *testing.T) {
		w.pine.front.be(crookedWays{answer: answer(404, "text/plain", "none", under("/api/"))})
		defer w.pine.front.be(crookedWays{})
		list, err := mill.app(nil, io.Discard).diagnose(t.Context(), examineOptions{only: []string{"reach"}, ask: w.pine.host})
		if err != nil {
			t.Fatal(err)
		}
		if last := list[len(list)-1]; last.Check != "from outside" || last.State != unknown || !strings.Contains(last.Measured, "does not look") || len(told(list)) != 0 {
			t.Errorf("told is %v", list)
		}
	})

	t.Run("the answer for programs, and its exit code", func(t *testing.T) {
		front.be(crookedWays{sent: drop("Digest")})
		defer front.be(crookedWays{})
		var out bytes.Buffer
		a := mill.app(nil, &out)
		root := rootCommand(a)
		root.SetArgs([]string{"doctor", "--data", mill.dir, "--json", "--only", "proxy", "--no-ask"})
		var list []finding
		if code := a.fail(root.ExecuteContext(t.Context())); code != exitProblems || json.Unmarshal(out.Bytes(), &list) != nil || len(told(list)) != 1 {
			t.Errorf("exit code %d, and told is %s", code, &out)
		}
	})

	// The handle gets a domain of its own.
	elsewhere := func(keep bool) crookedWays {
		return crookedWays{answer: func(rw http.ResponseWriter, r *http.Request) bool {
			to := "https://" + mill.host + r.URL.Path
			if keep {
				to += "?" + r.URL.RawQuery
			}
			http.Redirect(rw, r, to, http.StatusFound)
			return true
		}}
	}
	w.grain.be(elsewhere(true))
	h := mill.open()
	if _, err := h.SetHandleDomain(t.Context(), "command:test", "grain.example:"+w.grain.port); err != nil {
		t.Fatal(err)
	}
	h.db.Close()
	aptest.Until(t, "the server goes by its new handle", func() bool {
		list, err := mill.app(nil, io.Discard).diagnose(t.Context(), examineOptions{only: slices.Clone(outside), noAsk: true})
		return err == nil && len(told(list)) == 0 && slices.ContainsFunc(list, func(f finding) bool { return f.Check == "handle" && f.State == good })
	})
	for _, s := range []sickness{
		{name: "no redirect", do: w.grain.does(crookedWays{answer: answer(404, "text/html", "no", always)}), check: "name/handle", says: "answers 404", mend: "redirect"},
		{name: "the question is lost", do: w.grain.does(elsewhere(false)), check: "name/handle", says: "got lost", mend: "query included"},
		{name: "another server has the handle", do: w.grain.does(crookedWays{answer: answer(200, "application/jrd+json", `{"links":[{"rel":"self","type":"application/activity+json","href":"https://grain.example/actor"}]}`, always)}),
			check: "name/handle", says: "https://grain.example/actor", mend: "redirect"},
	} {
		t.Run("the domain of the handle: "+s.name, func(t *testing.T) {
			defer w.grain.be(elsewhere(true))
			mill.try(t, s)
		})
	}

	// Last, for it does not come back: the server stops, and the one line that is red says so.
	mill.stop()
	for _, s := range []sickness{
		{name: "the server does not run", check: "reach/server", says: "the server does not run", mend: "coopnode serve"},
		{name: "the server does not run, and nobody else does", do: func() func() { front.shut(); return front.open },
			env: map[string]string{"COOPNODE_TLS": "files", "COOPNODE_CERT": "x", "COOPNODE_KEY": "x"}, check: "reach/server", says: "the server does not run", mend: "coopnode serve"},
	} {
		t.Run(s.name, func(t *testing.T) { mill.try(t, s) })
	}
	t.Run("a bit turned on the disk since the server stopped", func(t *testing.T) {
		file := filepath.Join(mill.dir, "coopnode.db")
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(file)
		if err == nil {
			at := bytes.LastIndex(b, []byte("pine"))
			b[at] ^= 1
			err = errors.Join(os.WriteFile(file, b, 0o600), os.Chtimes(file, info.ModTime(), info.ModTime()))
		}
		if err != nil {
			t.Fatal(err)
		}
		mill.try(t, sickness{only: []string{"store", "reach"}, check: "store/integrity", says: "changed since the node stopped", mend: "put back a backup"})
	})
}

// under matches a beginning of the path.
func under(path string) func(*http.Request) bool {
	return func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, path) }
}

// rewriteBody reads JSON and writes it again, as some scanners do.
func rewriteBody(r *http.Request) {
	if r.Method != http.MethodPost {
		return
	}
	b, err := io.ReadAll(r.Body)
	var v any
	if err == nil && json.Unmarshal(b, &v) == nil {
		b, _ = json.Marshal(v)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	r.Header.Set("Content-Length", strconv.Itoa(len(b)))
}

// mixingCache keeps the first answer of each address, whatever was asked for.
func mixingCache(c *crooked) func(http.ResponseWriter, *http.Request) bool {
	kept, mu := map[string]string{}, sync.Mutex{}
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || r.URL.Path != "/" {
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		if kept[r.URL.Path] == "" {
			req, err := http.NewRequest(http.MethodGet, (&url.URL{Scheme: "http", Host: c.behind, Path: r.URL.Path}).String(), nil)
			if err != nil {
				return false
			}
			req.Host, req.Header = r.Host, r.Header
			res, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				return false
			}
			res.Body.Close()
			kept[r.URL.Path] = res.Header.Get("Content-Type")
		}
		w.Header().Set("Content-Type", kept[r.URL.Path])
		return true
	}
}

// selfMade is a certificate that is its own authority.
func selfMade(o *office) *tls.Certificate {
	c := o.sign(&x509.Certificate{DNSNames: []string{millHost}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour)}, nil, o.leafKey, o.leafKey)
	return &tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: o.leafKey}
}

// newCrookedAt is a server of somebody else, with its own name in its certificate.
func newCrookedAt(t *testing.T, o *office, host, address string) (end func()) {
	l, err := tls.Listen("tcp", address, &tls.Config{Certificates: []tls.Certificate{*o.certificate(host, true, nil)}})
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.NotFoundHandler(), ErrorLog: log.New(io.Discard, "", 0)}
	go s.Serve(l)
	return func() { s.Close() }
}

// does is be, for a sickness.
func (c *crooked) does(ways crookedWays) func() func() {
	return func() func() { c.be(ways); return func() {} }
}

// tells gives the answers of this node's proxy another shape.
func (p *patient) tells(came func(*http.Response) error) func() func() {
	return func() func() {
		p.front.be(crookedWays{came: came})
		return func() { p.front.be(crookedWays{}) }
	}
}
