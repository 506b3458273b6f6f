package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
)

// A place is where init is tried: a name on loopback that leads to a web server, or to nobody.
type place struct {
	*testing.T
	host  string // taken.example:PORT
	names *nameServer
	cert  *aptest.Certificate
	web   http.HandlerFunc
	env   map[string]string
	data  string
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{T: t, names: newNameServer(t, "127.0.0.1:0"), cert: aptest.NewCertificate(t, "taken.example", "coop.example"), web: http.NotFound, data: filepath.Join(t.TempDir(), "data")}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.web(w, r) }))
	server.TLS = p.cert.Config.Clone()
	server.StartTLS()
	t.Cleanup(server.Close)
	p.host = "taken.example:" + portOfListener(server.Listener)
	for _, name := range []string{"taken.example", "coop.example"} {
		p.names.set(name, "127.0.0.1")
	}
	p.env = map[string]string{
		"COOPNODE_OUTGOING__CA_FILE": p.cert.CA, "COOPNODE_OUTGOING__ALLOW_CIDRS": "127.0.0.0/8", "COOPNODE_OUTGOING__ALLOW_PORTS": portOfListener(server.Listener),
		"COOPNODE_DNS__RESOLVERS": p.names.address, "COOPNODE_LISTEN": "127.0.0.1:" + freePort(), "PATH": "",
	}
	return p
}

// init sets up a node and gives what it says and its exit code.
func (p *place) init(nn newNode) (answer, said string, code int) {
	p.Helper()
	var out, log strings.Builder
	a := &app{in: strings.NewReader(""), out: &out, errOut: &log, dataDir: p.data,
		env: func(name string) (string, bool) { v, ok := p.env[name]; return v, ok }}
	nn.host, nn.yes = p.host, true
	if nn.tls == "" {
		nn.tls = "off"
	}
	if err := a.initialise(p.Context(), nn); err != nil {
		code = a.fail(err)
	}
	return out.String(), log.String(), code
}

// documents is a web server of JSON documents by path.
func documents(byPath map[string]any, kinds map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		d, ok := byPath[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if kind := kinds[r.URL.Path]; kind != "" {
			w.Header().Set("Content-Type", kind)
		}
		json.NewEncoder(w).Encode(d)
	}
}

// A name on which another server federates is refused, whatever that server shows of itself; a website is none.
func TestInitRefusesTakenName(t *testing.T) {
	t.Parallel()
	const activity = "application/activity+json"
	p := newPlace(t)
	base := "https://" + p.host
	for _, tt := range []struct {
		name string
		web  http.HandlerFunc
		says string // "" where the name is free
	}{
		{"by NodeInfo", documents(map[string]any{
			"/.well-known/nodeinfo": map[string]any{"links": []any{map[string]any{"rel": "http://nodeinfo.diaspora.software/ns/schema/2.0", "href": base + "/nodeinfo/2.0"}}},
			"/nodeinfo/2.0":         map[string]any{"software": map[string]any{"name": "microblog"}, "protocols": []any{"activitypub"}},
		}, nil), "An ActivityPub server (microblog) answers at " + base + "/.well-known/nodeinfo"},
		{"by WebFinger", documents(map[string]any{
			"/.well-known/webfinger": map[string]any{"links": []any{map[string]any{"rel": "self", "type": activity, "href": base + "/users/taken"}}},
		}, nil), "An ActivityPub server answers at " + base + "/.well-known/webfinger"},
		{"by its front page", documents(map[string]any{"/": map[string]any{"id": base + "/", "type": "Person"}}, map[string]string{"/": activity}),
			"An ActivityPub server answers at " + base + "/."},
		{"another coopnode", documents(map[string]any{
			"/.well-known/nodeinfo": map[string]any{"links": []any{map[string]any{"rel": "http://nodeinfo.diaspora.software/ns/schema/2.1", "href": base + "/nodeinfo/2.1"}}},
			"/nodeinfo/2.1":         map[string]any{"software": map[string]any{"name": "coopnode"}, "protocols": []any{"activitypub"}},
			"/ap/coop":              map[string]any{"id": base + "/ap/coop", "type": "Organization", "publicKey": map[string]any{"publicKeyPem": "other"}},
		}, map[string]string{"/ap/coop": activity}), "coopnode restore BACKUP"},
		{"a website", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<p>Hello") }, ""},
	} {
		p.web = tt.web
		_, said, code := p.init(newNode{})
		if tt.says == "" {
			if code != exitDone || !strings.Contains(said, "nothing federates on this name yet") {
				t.Errorf("%s: exit code %d: %s", tt.name, code, said)
			}
			continue
		}
		if code != exitRefused || !strings.Contains(said, tt.says) {
			t.Errorf("%s: exit code %d, want %d: %s", tt.name, code, exitRefused, said)
		}
	}
	// Now there is a node; who answers with its own key is itself.
	a := &app{in: strings.NewReader(""), out: io.Discard, errOut: io.Discard, dataDir: p.data, env: func(name string) (string, bool) { v, ok := p.env[name]; return v, ok }}
	h, err := a.openHouse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	us, err := h.Profile(t.Context())
	h.db.Close()
	if err != nil {
		t.Fatal(err)
	}
	p.web = documents(map[string]any{"/.well-known/nodeinfo": map[string]any{}, "/ap/coop": map[string]any{"id": us.IRI, "type": "Organization", "publicKey": map[string]any{"publicKeyPem": us.KeyPEM}}},
		map[string]string{"/ap/coop": activity})
	if _, said, code := p.init(newNode{}); code != exitDone || !strings.Contains(said, "this node answers on the name") {
		t.Errorf("its own answer: exit code %d: %s", code, said)
	}
}

// A port that somebody else has is named; where nobody chose, a proxy is proposed.
func TestInitTakenPorts(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	l, err := net.Listen("tcp", p.env["COOPNODE_LISTEN"])
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, said, code := p.init(newNode{tls: "auto"})
	if code != exitBusy || !strings.Contains(said, "Another program listens on "+p.env["COOPNODE_LISTEN"]) {
		t.Errorf("exit code %d, want %d: %s", code, exitBusy, said)
	}
	if dir, err := filepath.Glob(p.data + "/*"); err != nil || len(dir) > 0 {
		t.Errorf("it made %v", dir)
	}
}

// It waits until the name leads somewhere, and no longer than it was told.
func TestInitWaitsForTheName(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.names.set("taken.example")
	answer, said, code := p.init(newNode{})
	if code != exitDone || !strings.Contains(said, "! taken.example does not lead anywhere yet") || !strings.Contains(answer, "/welcome/") {
		t.Errorf("without waiting: exit code %d: %s", code, said)
	}
	go func() {
		for p.names.times("taken.example") < 4 { // it has looked, and looks again
			time.Sleep(time.Millisecond)
		}
		p.names.set("taken.example", "127.0.0.1")
	}()
	_, said, code = p.init(newNode{wait: 8 * time.Second})
	if !strings.Contains(said, "✓ the name leads somewhere") {
		t.Errorf("exit code %d: %s", code, said)
	}
	if code != exitProblems || !strings.Contains(said, "! the node does not run yet") { // nobody has started it
		t.Errorf("exit code %d, want %d: %s", code, exitProblems, said)
	}
}

// The handle on another domain: the one redirect is shown, and whether it works.
func TestInitHandleDomain(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	domain := strings.Replace(p.host, "taken", "coop", 1)
	ours := "https://" + p.host
	for _, tt := range []struct {
		name string
		to   string // "" for no redirect
		says string
	}{
		{"missing", "", "answers 404, and no redirect"},
		{"wrong", ours + "/", "the path has to stay"},
		{"right", ours + "/.well-known/webfinger?resource=" + "acct%3Ataken%40" + strings.Replace(domain, ":", "%3A", 1), "✓ @taken@" + domain + " leads here"},
	} {
		p.web = func(w http.ResponseWriter, r *http.Request) {
			if r.Host == domain && r.URL.Path == "/.well-known/webfinger" && tt.to != "" {
				http.Redirect(w, r, tt.to, http.StatusPermanentRedirect)
				return
			}
			http.NotFound(w, r)
		}
		_, said, code := p.init(newNode{domain: domain})
		if code != exitDone || !strings.Contains(said, tt.says) {
			t.Errorf("%s: exit code %d: %s", tt.name, code, said)
		}
		for _, redirect := range handleRedirects(ours) {
			if strings.Contains(said, redirect) != (tt.name != "right") {
				t.Errorf("%s: shows %q or not: %s", tt.name, redirect, said)
			}
		}
	}
}
