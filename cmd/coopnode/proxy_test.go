package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
)

// Two nodes stand behind a proxy, whose addresses are these, in a network of the test's own.
const (
	proxiedMill, proxiedMillListens     = "mill.example", "127.0.0.1:8080"
	proxiedBakery, proxiedBakeryListens = "bakery.example", "127.0.0.1:8081"
	publicIPv4, publicIPv6              = "93.184.215.14", "2606:2800::1"
)

// A proxied is a proxy of deploy/ in front of both nodes.
type proxied struct {
	name  string
	start func(t *testing.T) (caFile string)
}

// Behind Caddy and nginx, each with its file of deploy/, a node is found, read, written to by another node, and all that doctor looks
// at from there is good; visitors keep their addresses and cannot invent others; while the node is away the proxy says when to come
// again (issue 6: Done when 2; HTTP-4, SIG-5).
func TestBehindProxies(t *testing.T) {
	if os.Getenv("COOPNODE_OWN_NETWORK") == "" {
		inOwnNetwork(t, "^TestBehindProxies$", "caddy", "nginx")
		return
	}
	names := newNameServer(t, "127.0.0.1:53")
	for _, name := range []string{proxiedMill, proxiedBakery} {
		names.set(name, publicIPv4, publicIPv6)
	}
	for _, p := range []proxied{{"Caddy", startCaddy}, {"nginx", startNginx}} {
		t.Run(p.name, func(t *testing.T) { behind(t, p.start(t)) })
	}
}

// inOwnNetwork runs a test of this program again, in a network that has public addresses and nothing else in it.
func inOwnNetwork(t *testing.T, test string, tools ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Log("left out: only root can make a network of its own")
		return
	}
	if !needTool(t, append(tools, "ip")...) {
		return
	}
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-ec", `ip link set lo up
		ip addr add `+publicIPv4+`/32 dev lo
		ip addr add `+publicIPv6+`/128 dev lo
		exec "$@"`, "sh", self, "-test.v", "-test.run", test)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	cmd.Env = append(os.Environ(), "COOPNODE_OWN_NETWORK=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS")) {
		t.Errorf("in a network of its own: %v", err)
	}
	t.Logf("%s", out)
}

// proxyFile writes a file of deploy/ once for each node, in a folder of its own.
func proxyFile(t *testing.T, name, upstream, before string) (file string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	all := before
	for _, n := range [][2]string{{proxiedMill, proxiedMillListens}, {proxiedBakery, proxiedBakeryListens}} {
		if !bytes.Contains(text, []byte("coop.example")) || !bytes.Contains(text, []byte(upstream)) {
			t.Fatalf("deploy/%s names neither coop.example nor %s", name, upstream)
		}
		all += strings.NewReplacer("coop.example", n[0], upstream, n[1]).Replace(string(text)) + "\n"
	}
	file = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(all), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// runProxy runs one until the test ends.
func runProxy(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	said := &quietBuffer{}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s says:\n%s", cmd.Path, said)
		}
	})
	aptest.Until(t, "the proxy listens", func() bool {
		conn, err := tls.Dial("tcp", publicIPv4+":443", &tls.Config{ServerName: proxiedBakery, InsecureSkipVerify: true})
		if err == nil {
			conn.Close()
		} else {
			time.Sleep(50 * time.Millisecond)
		}
		return err == nil
	})
}

// startCaddy signs for its names itself, since no authority is here to ask.
func startCaddy(t *testing.T) (caFile string) {
	dir := t.TempDir()
	file := proxyFile(t, "Caddyfile", "127.0.0.1:8080", "{\n\tlocal_certs\n\tskip_install_trust\n\tadmin off\n}\n")
	cmd := exec.Command("caddy", "run", "--config", file, "--adapter", "caddyfile")
	cmd.Env = []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	runProxy(t, cmd)
	return filepath.Join(dir, "caddy/pki/authorities/local/root.crt")
}

func startNginx(t *testing.T) (caFile string) {
	cert, dir := aptest.NewCertificate(t, proxiedMill, proxiedBakery), t.TempDir()
	site := proxyFile(t, "nginx.conf", "127.0.0.1:8080", "")
	text, err := os.ReadFile(site)
	if err != nil {
		t.Fatal(err)
	}
	change := []string{"shared:coopnode", "shared:both"} // one cache for both sites
	for _, host := range []string{proxiedMill, proxiedBakery} {
		change = append(change, "/etc/letsencrypt/live/"+host+"/fullchain.pem", cert.Cert, "/etc/letsencrypt/live/"+host+"/privkey.pem", cert.Key)
	}
	if err := os.WriteFile(site, []byte(strings.NewReplacer(change...).Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	whole := fmt.Sprintf("user root;\ndaemon off;\nerror_log stderr;\npid %[1]s/pid;\nevents {}\nhttp {\n\taccess_log off;\n\tclient_body_temp_path %[1]s/body;\n\tproxy_temp_path %[1]s/proxy;\n\tinclude %[2]s;\n}\n", dir, site)
	conf := filepath.Join(dir, "whole.conf")
	if err := os.WriteFile(conf, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	runProxy(t, exec.Command("nginx", "-e", "stderr", "-p", dir, "-c", conf))
	return cert.CA
}

// newProxied makes a node as a container does: from its environment alone.
func newProxied(t *testing.T, host, listen, caFile string) *program {
	t.Helper()
	p := &program{TB: t, bin: "coopnode", dir: t.TempDir(), base: "http://" + listen, log: &quietBuffer{}}
	p.env = []string{"COOPNODE_HOST=" + host, "COOPNODE_LISTEN=" + listen, "COOPNODE_TRUSTED_PROXIES=127.0.0.1/32", "COOPNODE_LOG__LEVEL=debug",
		"COOPNODE_OUTGOING__CA_FILE=" + caFile, "COOPNODE_DNS__RESOLVERS=127.0.0.1:53"}
	p.start()
	return p
}

func behind(t *testing.T, caFile string) {
	mill, bakery := newProxied(t, proxiedMill, proxiedMillListens, caFile), newProxied(t, proxiedBakery, proxiedBakeryListens, caFile)
	pem, err := os.ReadFile(caFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	const visitor = "127.66.77.88"
	from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(visitor)}}
	browser := &http.Client{
		Timeout:       time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots}, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, _ := net.SplitHostPort(address)
			return from.DialContext(ctx, network, "127.0.0.1:"+port)
		}},
	}
	ask := func(method, url string, body []byte, headers ...string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequest(method, url, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		res, err := browser.Do(r)
		if err != nil {
			t.Fatalf("%s %s: %v", method, url, err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatalf("%s %s: %v", method, url, err)
		}
		return res, string(text)
	}
	const base, actor = "https://" + proxiedMill, "https://" + proxiedMill + "/ap/coop"

	for _, tt := range []struct{ url, accept, kind, holds string }{
		{base + "/.well-known/webfinger?resource=acct:mill@" + proxiedMill, "*/*", "application/jrd+json", actor},
		{base + "/", "application/activity+json", "application/activity+json", `"inbox"`},
		{base + "/", "text/html", "text/html", "<html"},
		{actor, "application/activity+json", "application/activity+json", `"` + actor + `"`},
	} {
		res, text := ask("GET", tt.url, nil, "Accept", tt.accept)
		if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), tt.kind) || !strings.Contains(text, tt.holds) {
			t.Errorf("%s by Accept: %s is %s, %s:\n%.300s", tt.url, tt.accept, res.Status, res.Header.Get("Content-Type"), text)
		}
		if tt.url == base+"/" && !strings.Contains(res.Header.Get("Vary"), "Accept") {
			t.Errorf("%s by Accept: %s varies by %q", tt.url, tt.accept, res.Header.Get("Vary"))
		}
	}
	if res, _ := ask("GET", "http://"+proxiedMill+"/openings?kind=job", nil); res.StatusCode != 308 || res.Header.Get("Location") != base+"/openings?kind=job" {
		t.Errorf("port 80 answers %s to %q", res.Status, res.Header.Get("Location"))
	}

	// HTTP-4: the node sees the visitor, whatever that says of itself.
	mark := "/nobody-" + freePort()
	ask("GET", base+mark, nil, "X-Forwarded-For", "198.51.100.7")
	seen := func() (address string) {
		for line := range strings.Lines(mill.log.String()) {
			var said struct{ Path, From string }
			if json.Unmarshal([]byte(line), &said) == nil && said.Path == mark {
				address = said.From
			}
		}
		return address
	}
	mill.until("the request stands in the log", func() bool { return seen() != "" })
	if seen() != "127.66.77.0/24" {
		t.Errorf("a visitor from %s is taken for one from %s", visitor, seen())
	}

	// What is too large is refused by the node, which says so in its own words; a form with pictures comes through.
	res, text := ask("POST", actor+"/inbox", make([]byte, 1<<20+1), "Content-Type", "application/activity+json")
	if res.StatusCode != 413 || !strings.Contains(res.Header.Get("Content-Type"), "problem+json") {
		t.Errorf("a letter above the bound: %s\n%.300s", res.Status, text)
	}
	if res, text := ask("POST", base+"/console/profile", make([]byte, 12<<20), "Content-Type", "multipart/form-data; boundary=x"); res.StatusCode == 413 {
		t.Errorf("a form with pictures: %s\n%.300s", res.Status, text)
	}

	// A signed letter of another node, and the answer to it (SIG-5: host and path are as they were signed).
	bakery.command("follow", "@mill@"+proxiedMill)
	bakery.until("the mill has accepted", func() bool { return strings.Contains(bakery.command("following", "list", "--json"), `"accepted"`) })
	if list := mill.command("followers", "list"); !strings.Contains(list, proxiedBakery) {
		t.Errorf("followers of the mill:\n%s", list)
	}

	var findings []finding
	said, ended := mill.run("doctor", "--json", "--only", "name,reach,tls,fediverse", "--ask", proxiedBakery).Output()
	if err := json.Unmarshal(said, &findings); err != nil {
		t.Fatalf("doctor: %v, %v\n%s", ended, err, said)
	}
	if len(findings) < 15 {
		t.Errorf("doctor has looked at %d things alone", len(findings))
	}
	for _, f := range findings {
		if f.State != good {
			t.Errorf("doctor: %s, %s: %s. %s", f.Group, f.Check, f.Measured, f.Mend)
		}
	}

	mill.stop()
	res, text = ask("GET", base+"/", nil)
	if res.StatusCode != 503 || res.Header.Get("Retry-After") != "120" || !strings.Contains(text, "come again") {
		t.Errorf("while the node is away: %s, Retry-After %q\n%.300s", res.Status, res.Header.Get("Retry-After"), text)
	}
	bakery.stop()
}
