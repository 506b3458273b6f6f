package activitypub_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// fedifyDir holds a server on Fedify, a program that shares no code with this one; see README.md there.
var fedifyDir = filepath.Join("testdata", "fedify")

// nodeProgram finds Node.js for the programs in fedifyDir; false, having said so, where it or their packages are
// not installed.
func nodeProgram(t testing.TB, what string) (string, bool) {
	t.Helper()
	program, err := exec.LookPath("node")
	if err != nil {
		aptest.LeaveOut(t, what+", which needs Node.js 20 or newer")
		return "", false
	}
	if _, err := os.Stat(filepath.Join(fedifyDir, "node_modules", "@fedify", "fedify")); err != nil {
		aptest.LeaveOut(t, what+", which needs: cd activitypub/testdata/fedify && npm ci --ignore-scripts")
		return "", false
	}
	return program, true
}

// A fedify is such a server in a process beside the test, with the people alice, bob and carol.
type fedify struct {
	testing.TB
	base              string
	alice, bob, carol string
	fedifyWay
}

// A fedifyWay is how such a server speaks.
type fedifyWay struct {
	FirstKnock string `json:"firstKnock,omitempty"` // the form of signature that it sends first: draft, or rfc9421 if empty
	Takes      string `json:"takes,omitempty"`      // the only form that it believes; both if empty
	Authorize  bool   `json:"authorize,omitempty"`  // shows nothing to those who do not sign
}

// startFedify starts the program and waits until its first server answers: over https with a certificate, over http
// without. It ends with the test.
func startFedify(t testing.TB, program string, cert *aptest.Certificate) *fedify {
	t.Helper()
	cmd := exec.Command(program, "peer.mjs", "--port", "0", "--lifetime", "300")
	cmd.Dir = fedifyDir
	if cert != nil {
		cmd.Args = append(cmd.Args, "--cert", cert.Cert, "--key", cert.Key)
		cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+cert.CA)
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("the Fedify peer said:\n%s", said.String())
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	base, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if err != nil || !ok {
		t.Fatalf("the Fedify peer does not start: %q, %v\n%s", line, err, said.String())
	}
	return newFedify(t, base, fedifyWay{})
}

func newFedify(t testing.TB, base string, way fedifyWay) *fedify {
	return &fedify{t, base, base + "/users/alice", base + "/users/bob", base + "/users/carol", way}
}

// another starts one more server in the same process and gives its address.
func (f *fedify) another(way fedifyWay) string {
	f.Helper()
	base, _ := f.do("another", way)["base"].(string)
	return base
}

func (f *fedify) host() string { return node.HostOf(f.base) }

func (f *fedify) port() int { f.Helper(); return portOf(f, f.base) }

func portOf(t testing.TB, base string) int {
	t.Helper()
	_, port, _ := strings.Cut(node.HostOf(base), ":")
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// newCoop makes a node, which speaks https where cert is given and then reaches these ports on loopback.
func newCoop(t testing.TB, name string, cert *aptest.Certificate, ports ...int) *aptest.Node {
	t.Helper()
	if cert == nil {
		return aptest.NewNode(t, name)
	}
	return aptest.NewSecureNode(t, name, aptest.Secure{Certificate: cert, Ports: ports})
}

// try asks for something and gives the answer as it is.
func (f *fedify) try(what string, input any) (int, m) {
	f.Helper()
	body, err := json.Marshal(input)
	if err != nil {
		f.Fatal(err)
	}
	status, raw := f.call(http.MethodPost, what, body)
	var out m
	if err := json.Unmarshal(raw, &out); err != nil {
		f.Fatalf("%s: %v: %s", what, err, raw)
	}
	return status, out
}

func (f *fedify) call(method, what string, body []byte) (int, []byte) {
	f.Helper()
	req, err := http.NewRequestWithContext(f.Context(), method, f.base+"/control/"+what, bytes.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	res, err := aptest.Client.Do(req)
	if err != nil {
		f.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		f.Fatal(err)
	}
	return res.StatusCode, raw
}

// do asks for something that has to succeed.
func (f *fedify) do(what string, input any) m {
	f.Helper()
	status, out := f.try(what, input)
	if status != http.StatusOK {
		f.Fatalf("Fedify cannot %s %v: %d %v", what, input, status, out)
	}
	return out
}

// An entry of the diary.
type fedifyEvent struct {
	Kind, Type, ID, Actor, Object, ObjectType string
	Method, Path, Signature, Reason, Error    string
	Status                                    int
	Headers                                   map[string]string
	JSON                                      m
}

func (f *fedify) events(query string) []fedifyEvent {
	f.Helper()
	_, raw := f.call(http.MethodGet, "events?"+query, nil)
	var list []fedifyEvent
	if err := json.Unmarshal(raw, &list); err != nil {
		f.Fatalf("events: %v: %s", err, raw)
	}
	return list
}

// received waits for an activity about an object.
func (f *fedify) received(kind, object string) fedifyEvent {
	f.Helper()
	var found fedifyEvent
	aptest.Until(f, "Fedify has the "+kind+" of "+object, func() bool {
		for _, e := range f.events("kind=activity&type=" + kind) {
			if e.Object == object {
				found = e
				return true
			}
		}
		time.Sleep(20 * time.Millisecond)
		return false
	})
	return found
}

// lists waits until a list of somebody's has an entry, or has it no more.
func (f *fedify) lists(who, list, entry string, want bool) {
	f.Helper()
	aptest.Until(f, fmt.Sprintf("%s's %s name %s: %v", who, list, entry, want), func() bool {
		_, raw := f.call(http.MethodGet, "state", nil)
		var state map[string]map[string][]string
		if err := json.Unmarshal(raw, &state); err != nil {
			f.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
		return slices.Contains(state[who][list], entry) == want
	})
}

// ours are the requests that came from coopnode, oldest first.
func (f *fedify) ours() (list []fedifyEvent) {
	f.Helper()
	for _, e := range f.events("kind=request") {
		if strings.HasPrefix(e.Headers["user-agent"], "coopnode/") {
			list = append(list, e)
		}
	}
	return list
}

// believed checks that Fedify doubted nothing of what came.
func (f *fedify) believed() {
	f.Helper()
	for _, kind := range []string{"unverified", "error"} {
		for _, e := range f.events("kind=" + kind) {
			f.Errorf("%s: %s of %s: %s%s", kind, e.Type, e.Object, e.Reason, e.Error)
		}
	}
}

// Fedify and a coop follow each other and hear all that the other says, over http and over https under the address
// rules of production, whichever form of signature Fedify sends first, and also where it shows nothing to those who do not
// sign.
func TestFedify(t *testing.T) {
	program, ok := nodeProgram(t, "the conversation with Fedify")
	if !ok {
		return
	}
	ways := map[string]fedifyWay{
		"draft first":               {FirstKnock: "draft"},
		"draft first, authorized":   {FirstKnock: "draft", Authorize: true},
		"rfc9421 first":             {FirstKnock: "rfc9421"},
		"rfc9421 first, authorized": {FirstKnock: "rfc9421", Authorize: true},
	}
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			var cert *aptest.Certificate
			if scheme == "https" {
				cert = aptest.NewCertificate(t)
			}
			first := startFedify(t, program, cert)
			peers := map[string]*fedify{}
			var ports []int
			for name, way := range ways {
				peers[name] = newFedify(t, first.another(way), way)
				ports = append(ports, peers[name].port())
			}
			home := newCoop(t, "home", cert, ports...)
			for name, way := range ways {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					f := newFedify(t, peers[name].base, way)
					c := &conversation{&desk{TB: t, Node: newCoop(t, "mill", cert, f.port(), portOf(t, home.Links.Base))}, f}
					c.whole(home)
				})
			}
		})
	}
}
