package node_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"sync"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store/storetest"
)

func encoders(node.Links) node.Encoder { return &encoder{} }

func TestSetUpWritesTheCoopAndItsKey(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t)
	if err := node.SetUp(t.Context(), s, encoders, node.Setup{Base: "http://localhost:8080", Dev: true, Handle: "mill_2", Name: " The Mill "}, noon); err != nil {
		t.Fatal(err)
	}
	n, err := node.New(t.Context(), s, encoders, node.Options{})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "base and dev", []any{n.Links.Base, n.Dev}, []any{"http://localhost:8080", true})
	a, err := n.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "profile", []string{a.IRI, a.Type, a.Address(), a.Name, a.Inbox, a.SharedInbox, a.Outbox, a.Featured, a.KeyID, a.Coop.Kind, a.Coop.OpeningsIRI}, []string{
		"http://localhost:8080/ap/coop", "Organization", "@mill_2@localhost:8080", "The Mill", "http://localhost:8080/ap/coop/inbox",
		"http://localhost:8080/ap/inbox", "http://localhost:8080/ap/coop/outbox", "http://localhost:8080/ap/coop/featured",
		"http://localhost:8080/ap/coop#main-key", node.KindCooperative, "http://localhost:8080/ap/coop/openings",
	})
	equal(t, "times in whole seconds", []time.Time{a.Published, a.Updated}, []time.Time{second, second})
	equal(t, "local", a.Local, true)
	var d document
	if err := json.Unmarshal(a.Raw, &d); err != nil || d.ID != a.IRI {
		t.Errorf("document %s: %v", a.Raw, err)
	}

	// KEY-1: RSA 2048, and the public half is the one that is shown.
	keys, err := s.OwnKeys(t.Context())
	if err != nil || len(keys) != 1 || keys[0].ID != a.KeyID {
		t.Fatalf("keys %v, %v", keys, err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(keys[0].PKCS8)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(a.KeyPEM))
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	key := parsed.(*rsa.PrivateKey)
	if !key.PublicKey.Equal(public) || key.N.BitLen() != 2048 {
		t.Errorf("the public key is not that of the private one, or has %d bits", key.N.BitLen())
	}
}

func TestSetUpOnlyOnce(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t)
	var made, refused int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, host := range []string{"a.example", "b.example", "c.example"} {
		wg.Go(func() {
			err := node.SetUp(t.Context(), s, encoders, node.Setup{Base: "https://" + host, Handle: "a"}, noon)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				made++
			} else {
				refused++
				wantError(t, err, node.Exists, "There is a node already: https://", "cannot change")
			}
		})
	}
	wg.Wait()
	equal(t, "made and refused", []int{made, refused}, []int{1, 2})
	n, err := node.New(t.Context(), s, encoders, node.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := n.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "name without one given", a.Name, "a")
	if keys, err := s.OwnKeys(t.Context()); err != nil || len(keys) != 1 || keys[0].ID != n.Links.Key() {
		t.Errorf("keys %v, %v", keys, err)
	}
}

func TestSetUpRefuses(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t)
	for _, tt := range []struct {
		name, base, handle string
		dev                bool
	}{
		{"nothing", "", "mill", false},
		{"a host without a scheme", "mill.example", "mill", false},
		{"a final slash", "https://mill.example/", "mill", false},
		{"a path", "https://mill.example/coop", "mill", false},
		{"a query", "https://mill.example?x=1", "mill", false},
		{"a fragment", "https://mill.example#x", "mill", false},
		{"a user", "https://ana@mill.example", "mill", false},
		{"capitals in the host", "https://Mill.example", "mill", false},
		{"no host", "https://:8080", "mill", false},
		{"http but for trying out", "http://mill.example", "mill", false},
		{"another scheme", "ftp://mill.example", "mill", true},
		{"no handle", base, "", false},
		{"capitals in the handle", base, "Mill", false},
		{"a hyphen in the handle", base, "the-mill", false},
		{"a letter beyond ASCII in the handle", base, "molén", false},
		{"a handle of 31", base, "abcdefghijklmnopqrstuvwxyz01234", false},
	} {
		err := node.SetUp(t.Context(), s, encoders, node.Setup{Base: tt.base, Handle: tt.handle, Dev: tt.dev}, noon)
		if node.KindOf(err) != node.Invalid || node.TextOf(err) == "" {
			t.Errorf("%s: got %v, want an error that says what is wrong", tt.name, err)
		}
	}
	if _, err := node.New(t.Context(), s, encoders, node.Options{}); !node.IsNotFound(err) {
		t.Errorf("there is a node after all: %v", err)
	}
}

func TestSetUpThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t)
	broken := func(node.Links) node.Encoder { return &encoder{fail: "Organization"} }
	if err := node.SetUp(t.Context(), s, broken, node.Setup{Base: base, Handle: "mill"}, noon); err == nil {
		t.Fatal("no error")
	}
	_, err := node.New(t.Context(), s, encoders, node.Options{})
	wantError(t, err, node.NotFound, "no node here yet", "coopnode init HOST")
}

func TestGenerationAndBellTellOfEachChange(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.following("sea.example", "ana")
	last := x.Generation()
	for _, change := range []struct {
		name string
		do   func() error
	}{
		{"publish", func() error { return x.Publish(x.Context(), "", post("Bread")) }},
		{"profile", func() error {
			_, err := x.SaveProfile(x.Context(), "", func(*node.Actor) error { return nil })
			return err
		}},
		{"letter", func() error {
			return x.Receive(x.Context(), &node.Letter{}, create(note(ana, "1", "Salt")))
		}},
		{"actor read", func() error { return x.KeepActor(x.Context(), ana) }},
		{"outbox read back", func() error { return x.KeepFound(x.Context(), create(note(ana, "2", "Fish"))) }},
		{"unfollow", func() error { return x.Unfollow(x.Context(), "", ana.IRI) }},
	} {
		x.must(change.do())
		if g := x.Generation(); g == last {
			t.Errorf("%s: the generation stays %d", change.name, g)
		} else {
			last = g
		}
		select {
		case <-x.Bell:
		default:
			t.Errorf("%s: the bell does not ring", change.name)
		}
	}
	if err := x.Publish(x.Context(), "", post("")); err == nil {
		t.Fatal("an empty post was published")
	}
	x.receive(&node.Act{IRI: ana.IRI + "/q", Verb: "Bite", Actor: ana.IRI})
	equal(t, "generation after nothing", x.Generation(), last)
	x.Ring()
	x.Ring() // must not block
}

func TestOptionsMayBeLeftOut(t *testing.T) {
	t.Parallel()
	full := newHouse(t)
	n, err := node.New(t.Context(), full.Store(), encoders, node.Options{})
	full.must(err)
	if d := time.Since(n.Now()); d < 0 || d > time.Minute || n.Now().Location() != time.UTC {
		t.Errorf("Now() = %v", n.Now())
	}
	n.Log().Info("nobody hears this")
	p := post("a < b")
	full.must(n.Publish(t.Context(), "", p))
	equal(t, "our text as it was typed", full.object(p.ID).Common().TextIn("").HTML, "a &lt; b")

	ana := full.following("sea.example", "ana")
	foreign := note(ana, "1", "<p>Salt</p>")
	full.must(n.Receive(t.Context(), &node.Letter{}, create(foreign)))
	equal(t, "a foreign text is left out", full.object(foreign.IRI).Common().TextIn("").HTML, "")
}
