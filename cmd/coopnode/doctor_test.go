package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// A ward is a node that runs behind a proxy, and another coop that it follows, all with https and a DNS of their own.
type ward struct {
	*testing.T
	office *office
	dns    *nameServer
	mill   *patient
	pine   *patient
	grain  *crooked // where the handle of the mill will have its domain
}

// A patient is one of the two.
type patient struct {
	*ward
	host  string // with the port
	dir   string
	dns   *nameServer // that it asks
	front *crooked
	env   map[string]string
	stop  func()
	log   *quietBuffer
}

const millHost = "mill.example"

func newWard(t *testing.T) *ward {
	t.Helper()
	w := &ward{T: t, office: newOffice(t), dns: newNameServer(t, "127.0.0.1:0")}
	pineDNS := newNameServer(t, "127.0.0.1:0")
	for _, d := range []*nameServer{w.dns, pineDNS} {
		d.set(millHost, "127.0.0.1")
		d.set("pine.example", "127.0.0.1")
	}
	w.dns.set("grain.example", "127.0.0.1")
	w.grain = newCrooked(t, w.office, "grain.example")
	w.pine = w.admit("pine.example", pineDNS)
	w.mill = w.admit(millHost, w.dns, w.pine.front.port, w.grain.port)
	w.pine.env["COOPNODE_OUTGOING__ALLOW_PORTS"] += "," + w.mill.front.port
	for _, p := range []*patient{w.mill, w.pine} {
		p.start()
	}
	var out bytes.Buffer
	a := w.mill.app(nil, &out)
	root := rootCommand(a)
	root.SetArgs([]string{"follow", "@pine@" + w.pine.host, "--data", w.mill.dir})
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("follow: %v\n%s%s", err, &out, w.pine.log)
	}
	aptest.Until(t, "pine accepts the follow", func() bool {
		h := w.mill.open()
		defer h.db.Close()
		list, err := h.Following(t.Context(), node.FollowQuery{State: node.Accepted})
		return err == nil && len(list) == 1
	})
	return w
}

// admit makes a node and its proxy; start starts it. It may go to the ports beside its own.
func (w *ward) admit(name string, dns *nameServer, ports ...string) *patient {
	w.Helper()
	front := newCrooked(w.T, w.office, name)
	front.behind = "127.0.0.1:" + freePort()
	p := &patient{ward: w, front: front, host: name + ":" + front.port, dir: w.TempDir(), dns: dns, log: &quietBuffer{}, env: map[string]string{
		"COOPNODE_LISTEN": front.behind, "COOPNODE_TRUSTED_PROXIES": "127.0.0.1/32", "COOPNODE_DNS__RESOLVERS": dns.address,
		"COOPNODE_OUTGOING__ALLOW_CIDRS": "127.0.0.0/8", "COOPNODE_OUTGOING__ALLOW_PORTS": strings.Join(append(ports, front.port), ","), "COOPNODE_OUTGOING__CA_FILE": w.office.file,
	}}
	if err := os.Chmod(p.dir, 0o700); err != nil {
		w.Fatal(err)
	}
	h, _, err := p.app(nil, io.Discard).makeNode(w.Context(), p.config(nil), newNode{host: p.host, name: name, handle: strings.TrimSuffix(name, ".example"), yes: true})
	if err != nil {
		w.Fatal(err)
	}
	h.db.Close()
	return p
}

// app is the program with the settings of this node, and others beside.
func (p *patient) app(env map[string]string, out io.Writer) *app {
	return &app{in: strings.NewReader(""), out: out, errOut: p.log, dataDir: p.dir, env: func(name string) (string, bool) {
		v, ok := env[name]
		if !ok {
			v, ok = p.env[name]
		}
		return v, ok
	}}
}

func (p *patient) config(env map[string]string) *Config {
	p.Helper()
	cfg, err := p.app(env, io.Discard).loadConfig()
	if err != nil {
		p.Fatal(err)
	}
	return cfg
}

func (p *patient) open() *house {
	p.Helper()
	h, err := p.app(nil, io.Discard).openHouse(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	return h
}

func (p *patient) start() {
	p.Helper()
	ctx, cancel := context.WithCancel(p.Context())
	ended := make(chan error, 1)
	a := p.app(nil, io.Discard)
	go func() { ended <- a.serve(ctx) }()
	p.stop = func() { cancel(); <-ended; ended <- nil }
	p.Cleanup(p.stop)
	aptest.Until(p.T, p.host+" listens", func() bool {
		conn, err := net.Dial("tcp", p.env["COOPNODE_LISTEN"])
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// change does something in the database of a patient.
func (p *patient) change(f func(node.Tx) error) {
	p.Helper()
	h := p.open()
	defer h.db.Close()
	if err := h.Store().Tx(p.Context(), f); err != nil {
		p.Fatal(err)
	}
}

// outside are the groups that look at the way from outside.
var outside = []string{"name", "reach", "tls", "fediverse"}

// A sickness is something that is broken, and what doctor has to say of it.
type sickness struct {
	name  string
	front crookedWays
	do    func() (undo func()) // something else that is broken
	env   map[string]string
	only  []string // outside if nil
	ask   bool     // others look from outside
	state health   // broken if ""
	check string   // group/check that is to be told
	says  string   // of what was measured
	mend  string   // of what mends it
}

// told are the findings that are neither good nor could not be checked.
func told(list []finding) (lines []string) {
	for _, f := range list {
		if f.State == broken || f.State == soon {
			lines = append(lines, fmt.Sprintf("%s %s/%s: %s", marks[f.State], f.Group, f.Check, f.Measured))
		}
	}
	return lines
}

// try breaks one thing and asks doctor.
func (p *patient) try(t *testing.T, s sickness) {
	t.Helper()
	p.front.be(s.front)
	defer p.front.be(crookedWays{})
	if s.do != nil {
		defer s.do()()
	}
	if s.only == nil {
		s.only = outside
	}
	if s.state == "" {
		s.state = broken
	}
	list, err := p.app(s.env, io.Discard).diagnose(t.Context(), examineOptions{only: slices.Clone(s.only), noAsk: !s.ask})
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, f := range list {
		at := f.Group + "/" + f.Check
		switch {
		case at == s.check && f.State == s.state:
			found = true
			if !strings.Contains(f.Measured, s.says) || f.Mend == "" || !strings.Contains(f.Mend, s.mend) {
				t.Errorf("%s says %q, and to mend it %q; want %q and %q", at, f.Measured, f.Mend, s.says, s.mend)
			}
		case f.State == broken, f.State == soon && f.Check != "copy elsewhere":
			t.Errorf("%s %s too: %s", marks[f.State], at, f.Measured)
		}
	}
	if !found {
		t.Errorf("%s is not told. Told is: %v", s.check, list)
	}
}

// answer is a proxy's own answer to what matches.
func answer(status int, mime, text string, matches func(*http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !matches(r) {
			return false
		}
		w.Header().Set("Content-Type", mime)
		w.WriteHeader(status)
		io.WriteString(w, text)
		return true
	}
}

func always(*http.Request) bool { return true }

func drop(names ...string) func(*http.Request) {
	return func(r *http.Request) {
		for _, name := range names {
			r.Header[name] = nil
			r.Header.Del(name)
		}
	}
}

// resolves lets a name lead elsewhere.
func (d *nameServer) resolves(name string, addresses ...string) func() func() {
	return func() func() {
		d.set(name, addresses...)
		return func() { d.set(name, "127.0.0.1") }
	}
}

// dated gives a peer's answers another time of the clock.
func dated(d time.Duration) func(*http.Response) error {
	return func(r *http.Response) error {
		r.Header.Set("Date", time.Now().Add(d).UTC().Format(http.TimeFormat))
		return nil
	}
}
