package main

import (
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// shownDocumentKey is the key that the served profile names.
func (p *program) shownDocumentKey() string {
	p.Helper()
	req, err := http.NewRequest(http.MethodGet, p.base+"/ap/coop", nil)
	if err != nil {
		p.Fatal(err)
	}
	req.Header.Set("Accept", "application/activity+json")
	res, err := client.Do(req)
	if err != nil {
		p.Fatal(err)
	}
	defer res.Body.Close()
	var doc struct {
		PublicKey struct{ ID string }
	}
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil {
		p.Fatal(err)
	}
	return doc.PublicKey.ID
}

// keys are those that the command shows, the one that signs first.
func (p *program) keys() (list []keyShown) {
	p.Helper()
	if err := json.Unmarshal([]byte(p.command("keys", "show", "--json")), &list); err != nil {
		p.Fatal(err)
	}
	return list
}

// A running server notices within a second what a command does to the keys; no restart is needed (KEY-3, KEY-4, KEY-5,
// decisions 34). Nothing that is printed or logged holds a private key (KEY-6).
func TestKeysBesideServe(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var signers []string
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		_, id, _ := strings.Cut(r.Header.Get("Signature"), `keyId="`)
		id, _, _ = strings.Cut(id, `"`)
		mu.Lock()
		signers = append(signers, id)
		mu.Unlock()
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(sink.Close)
	signed := func(n int) []string {
		mu.Lock()
		defer mu.Unlock()
		if len(signers) < n {
			return nil
		}
		return append([]string(nil), signers...)
	}
	p := newProgram(t, "coopnode", "The mill")
	p.addFollowers(p.open(), []string{sink.URL + "/u/inbox"})
	p.start()
	said := p.command("keys", "show")
	first := p.keys()[0]
	if first.ID != p.base+"/ap/coop#main-key" || first.State != "signs" {
		t.Errorf("at first %+v", first)
	}

	said += p.command("keys", "rotate")
	p.until("the Update is sent", func() bool { return signed(1) != nil })
	second := p.keys()
	if len(second) != 2 || second[0].State != "signs" || second[1].ID != first.ID || second[1].State != "ending" {
		t.Errorf("after rotate %+v", second)
	}
	p.until("the profile shows the new key", func() bool { return p.shownDocumentKey() == second[0].ID })
	p.command("post", "new", "-q", "--text", "Hello.")
	p.until("the post is sent", func() bool { return signed(2) != nil })
	said += p.command("keys", "revoke", "--yes")
	p.until("the second Update is sent", func() bool { return signed(3) != nil })
	third := p.keys()
	said += p.command("keys", "reseal")
	p.command("post", "new", "-q", "--text", "Hello again.")
	p.until("the second post is sent", func() bool { return signed(4) != nil })
	want := []string{first.ID, second[0].ID, third[0].ID, third[0].ID}
	for i, id := range signed(4) {
		if i >= len(want) || id != want[i] {
			t.Errorf("letter %d is signed by %s, want %v", i+1, id, want)
		}
	}
	if len(third) != 1 || p.shownDocumentKey() != third[0].ID {
		t.Errorf("after revoke %+v, the profile shows %s", third, p.shownDocumentKey())
	}
	p.stop()
	for _, secret := range []string{"PRIVATE", "MIIE"} { // how PKCS #8 of RSA 2048 begins in base64
		if strings.Contains(said, secret) || strings.Contains(p.log.String(), secret) {
			t.Errorf("%q is printed or logged", secret)
		}
	}
}

// Commands that are killed at any moment leave the old keys or the new ones, whole, and a master key that opens them.
func TestKilledKeyCommands(t *testing.T) {
	t.Parallel()
	p := newProgram(t, "coopnode", "The mill")
	p.start()
	for i := range 12 {
		cmd := p.run("keys", [...]string{"revoke", "reseal", "rotate"}[i%3])
		if i%3 == 0 {
			cmd.Args = append(cmd.Args, "--yes")
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(400 * time.Millisecond))
		cmd.Process.Kill()
		cmd.Wait()
		keys := p.keys()
		p.until("the profile shows the key that signs", func() bool { return p.shownDocumentKey() == keys[0].ID })
		p.command("post", "new", "-q", "--text", "Still here.")
	}
	p.stop()
	p.start()
	if keys := p.keys(); p.shownDocumentKey() != keys[0].ID {
		t.Errorf("after a restart the profile shows %s, want %s", p.shownDocumentKey(), keys[0].ID)
	}
	p.stop()
}
