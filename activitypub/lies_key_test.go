package activitypub_test

import (
	"compress/gzip"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"

	"github.com/coopnode/coopnode/activitypub/aptest"
)

// keyIDLies name a key elsewhere than with the actor. Nothing has to be fetched to know better (SIG-1, SIG-8).
func (s *scene) keyIDLies() []lie {
	var lies []lie
	host := strings.TrimPrefix(s.away.Base, "http://")
	_, port, _ := strings.Cut(host, ":")
	for _, k := range []struct{ name, id string }{
		{"SIG-8 on another server", s.evil.Base + "/users/ben#main-key"},
		{"SIG-8 on another server, which has it", s.eve.KeyID},
		{"SIG-8 on another port", "http://away.localhost:1/users/ben#main-key"},
		{"SIG-8 with another scheme", "https://" + host + "/users/ben#main-key"},
		{"ORG-7 behind user information", "http://away.localhost@" + strings.TrimPrefix(s.evil.Base, "http://") + "/users/ben#main-key"},
		{"ORG-7 with user information", "http://ben@" + host + "/users/ben#main-key"},
		{"ORG-7 with a trailing dot", "http://away.localhost.:" + port + "/users/ben#main-key"},
		{"ORG-7 with a percent sign in the host", "http://away%2elocalhost:" + port + "/users/ben#main-key"},
		{"ORG-7 with a backslash", "http://away.localhost:" + port + `\\@x/users/ben#main-key`},
		{"ORG-7 at an IP address", "http://127.0.0.1:" + port + "/users/ben#main-key"},
		{"ORG-7 at an IP address as a number", "http://2130706433:" + port + "/users/ben#main-key"},
		{"ORG-2 relative", "/users/ben#main-key"},
		{"ORG-2 only a fragment", "#main-key"},
		{"ORG-2 a name", "ben"},
		{"ORG-2 another scheme", "javascript:alert(1)"},
		{"SIG-8 the node's own key", s.Links.Key()},
		{"SIG-8 a neighbour's key", s.ana.KeyID},
		{"LIM longer than 2,048 bytes", s.ben.KeyID + strings.Repeat("x", 3000)},
	} {
		p := *s.ben
		p.KeyID = k.id
		l := lie{name: k.name, status: 403, by: &p, letter: p.Do("Like", s.post.IRI)}
		switch k.id {
		case s.ana.KeyID:
			l.status, l.asks = 401, 1 // it is looked at once whether ana has changed her key
		default:
			if len(k.id) > 2048 {
				l.status = 401
			}
		}
		lies = append(lies, l)
	}
	return lies
}

// key is a lie of somebody new on a server of their own: document is what that server shows instead of the actor,
// p.KeyID where the key is said to be. The letter is a Follow, which would make a follower.
func (s *scene) key(name string, asks int, tell func(x *aptest.Stranger, p *aptest.Person, doc m)) lie {
	x := s.stranger()
	p := x.Person("mallory")
	doc := p.Document("mallory")
	tell(x, p, doc)
	return lie{name: name, status: 401, by: p, letter: p.Do("Follow", s.Links.Actor()), asks: asks}
}

// doc is a key lie in which only the actor's document is another one than it should be.
func (s *scene) doc(name string, change func(p *aptest.Person, doc m)) lie {
	return s.key(name, 3, func(x *aptest.Stranger, p *aptest.Person, doc m) {
		change(p, doc)
		x.Serve(p.ID, doc)
	})
}

// answer is a key lie in which the server answers in a way of its own when it is asked for the actor.
func (s *scene) answer(name string, asks int, h func(x *aptest.Stranger, p *aptest.Person) http.HandlerFunc) lie {
	return s.key(name, asks, func(x *aptest.Stranger, p *aptest.Person, _ m) { x.Handle(p.ID, h(x, p)) })
}

// keyLies are about what is found where a key is said to be (SIG-8 to SIG-10).
func (s *scene) keyLies() []lie {
	keyOf := func(p *aptest.Person) m { return m{"id": p.KeyID, "owner": p.ID, "publicKeyPem": aptest.PEM(p.Key)} }
	own := func(p *aptest.Person, changes m) m { return aptest.With(keyOf(p), changes) }
	apart := func(name string, asks int, tell func(x *aptest.Stranger, p *aptest.Person)) lie { // the key has a document of its own
		return s.key(name, asks, func(x *aptest.Stranger, p *aptest.Person, _ m) {
			p.KeyID = p.ID + "/key"
			x.Serve(p.ID, p.Document("mallory"))
			x.Serve(p.KeyID, keyOf(p))
			tell(x, p)
		})
	}
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
	}
	pemOf := func(public any) string {
		b, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			s.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: b}))
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		s.Fatal(err)
	}
	edPublic, edPrivate, _ := ed25519.GenerateKey(rand.Reader)
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	signedBy := func(l lie, seal func(string) []byte) lie { return l.with(func(l *aptest.Letter) { l.Seal = seal }) }

	known := func(l lie) lie { // the actor and its key are as they say, and are kept; nothing that the letter says is
		l.keeps, l.after = true, func() {
			if got := s.FollowerState(l.by.ID); got != "" {
				s.Errorf("it made a follower: %s", got)
			}
		}
		return l
	}
	lies := []lie{
		known(s.doc("SIG-8 another key under that id", func(p *aptest.Person, doc m) { doc["publicKey"] = own(p, m{"publicKeyPem": aptest.PEM(s.ana.Key)}) })),
		s.doc("SIG-8 owned by a neighbour", func(p *aptest.Person, doc m) { doc["publicKey"] = own(p, m{"owner": p.ID + "2"}) }),
		s.doc("SIG-8 owned by somebody of another server", func(p *aptest.Person, doc m) { doc["publicKey"] = own(p, m{"owner": s.ana.ID}) }),
		s.doc("SIG-8 owned by nobody", func(p *aptest.Person, doc m) { doc["publicKey"] = own(p, m{"owner": nil}) }),
		s.doc("ORG-3 owned by a number", func(p *aptest.Person, doc m) { doc["publicKey"] = own(p, m{"owner": 1}) }),
		s.doc("ORG-3 owned by two", func(p *aptest.Person, doc m) { doc["publicKey"] = own(p, m{"owner": []any{p.ID, s.ana.ID}}) }),
		s.doc("SIG-8 listed under another id", func(p *aptest.Person, doc m) { doc["publicKey"] = own(p, m{"id": p.ID + "#other-key"}) }),
		s.doc("SIG-8 listed without an id", func(p *aptest.Person, doc m) { doc["publicKey"] = own(p, m{"id": nil}) }),
		s.doc("SIG-8 not listed", func(p *aptest.Person, doc m) { delete(doc, "publicKey") }),
		s.doc("SIG-8 named only", func(p *aptest.Person, doc m) { doc["publicKey"] = p.KeyID }),
		s.doc("JSON-1 listed by another name", func(p *aptest.Person, doc m) {
			doc["https://w3id.org/security#publicKey"], doc["publickey"] = doc["publicKey"], doc["publicKey"]
			delete(doc, "publicKey")
		}),
		s.doc("LIM the sixth of six keys", func(p *aptest.Person, doc m) {
			var keys []any
			for i := range 5 {
				keys = append(keys, own(p, m{"id": fmt.Sprintf("%s#key-%d", p.ID, i), "publicKeyPem": aptest.PEM(s.eve.Key)}))
			}
			doc["publicKey"] = append(keys, keyOf(p))
		}),
		s.doc("SIG-10 no key in it", func(p *aptest.Person, doc m) { doc["publicKey"] = own(p, m{"publicKeyPem": ""}) }),
		s.doc("SIG-10 text that is no key", func(p *aptest.Person, doc m) {
			doc["publicKey"] = own(p, m{"publicKeyPem": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"})
		}),
		s.doc("SIG-10 a private key", func(p *aptest.Person, doc m) {
			b := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(p.Key)})
			doc["publicKey"] = own(p, m{"publicKeyPem": string(b)})
		}),
		s.doc("SIG-10 a multibase that is none", func(p *aptest.Person, doc m) {
			delete(doc, "publicKey")
			doc["assertionMethod"] = []any{m{"id": p.KeyID, "type": "Multikey", "controller": p.ID, "publicKeyMultibase": "zz0OIl"}}
		}),
		signedBy(s.doc("SIG-10 RSA of 1,024 bits", func(p *aptest.Person, doc m) { doc["publicKey"] = own(p, m{"publicKeyPem": pemOf(&small.PublicKey)}) }), rsaSeal(small)),
		signedBy(s.doc("SIG-10 RSA of 8,192 bits", func(p *aptest.Person, doc m) { doc["publicKey"] = own(p, m{"publicKeyPem": pemOf(hugeKey().public)}) }), hugeKey().seal),
		signedBy(s.doc("SIG-10 ECDSA", func(p *aptest.Person, doc m) { doc["publicKey"] = own(p, m{"publicKeyPem": pemOf(&ec.PublicKey)}) }), func(text string) []byte {
			sum := sha256.Sum256([]byte(text))
			b, _ := ecdsa.SignASN1(rand.Reader, ec, sum[:])
			return b
		}),
		known(s.doc("SIG-2 Ed25519 in the old form", func(p *aptest.Person, doc m) { doc["publicKey"] = own(p, m{"publicKeyPem": pemOf(edPublic)}) }).with(func(l *aptest.Letter) {
			l.Params = replace("rsa-sha256", "hs2019")
			l.Seal = func(text string) []byte { return ed25519.Sign(edPrivate, []byte(text)) }
		})),

		s.doc("ORG-4 an actor that names itself otherwise", func(p *aptest.Person, doc m) { doc["id"] = p.ID + "2" }),
		s.doc("ORG-4 an actor that says it is of another server", func(p *aptest.Person, doc m) { doc["id"] = s.ana.ID }),
		s.doc("ORG-2 an actor without an id", func(p *aptest.Person, doc m) { delete(doc, "id") }),
		s.doc("an actor that is a Note", func(p *aptest.Person, doc m) { doc["type"] = "Note" }),
		s.doc("an actor that is a Tombstone", func(p *aptest.Person, doc m) { doc["type"] = "Tombstone" }),
		s.doc("an actor without an inbox", func(p *aptest.Person, doc m) { delete(doc, "inbox") }),
		s.doc("SSRF-6 an inbox on another server", func(p *aptest.Person, doc m) { doc["inbox"] = s.ana.ID + "/inbox" }),
		s.doc("ORG-3 an inbox that is a list", func(p *aptest.Person, doc m) { doc["inbox"] = []any{p.ID + "/inbox"} }),

		apart("SIG-8 a document that its owner does not list", 2, func(x *aptest.Stranger, p *aptest.Person) {
			x.Serve(p.ID, aptest.With(p.Document("mallory"), m{"publicKey": nil}))
		}),
		apart("SIG-8 a document with other bytes than its owner lists", 2, func(x *aptest.Stranger, p *aptest.Person) {
			x.Serve(p.ID, p.Document("mallory"))
			p.Key = aptest.NewKey()
			x.Serve(p.KeyID, keyOf(p))
		}),
		apart("SIG-8 a document that names a foreign owner", 1, func(x *aptest.Stranger, p *aptest.Person) {
			x.Serve(p.KeyID, own(p, m{"owner": s.ana.ID}))
		}),
		apart("SIG-8 a document with another id", 1, func(x *aptest.Stranger, p *aptest.Person) {
			x.Serve(p.KeyID, own(p, m{"id": p.KeyID + "2"}))
		}),
		apart("SIG-8 a stub of an actor that does not list it", 2, func(x *aptest.Stranger, p *aptest.Person) {
			x.Serve(p.KeyID, m{"id": p.ID, "type": "Person", "publicKey": keyOf(p)})
			x.Serve(p.ID, aptest.With(p.Document("mallory"), m{"publicKey": own(p, m{"id": p.ID + "#main-key"})}))
		}),
		apart("SIG-8 a stub of an actor that is gone", 2, func(x *aptest.Stranger, p *aptest.Person) {
			x.ServeStatus(p.ID, http.StatusGone, m{})
		}),
		apart("ORG-4 a document reached by a redirect to another server", 2, func(x *aptest.Stranger, p *aptest.Person) {
			y := s.stranger()
			y.Serve("/key", keyOf(p))
			x.Handle(p.KeyID, redirect(y.Base+"/key"))
		}),

		s.answer("ORG-4 an actor reached by a redirect to another server", 2, func(x *aptest.Stranger, p *aptest.Person) http.HandlerFunc {
			y := s.stranger()
			y.Serve("/copy", p.Document("mallory"))
			return redirect(y.Base + "/copy")
		}),
		s.answer("LIM redirected in a circle", 1, func(x *aptest.Stranger, p *aptest.Person) http.HandlerFunc { return redirect(p.ID) }),
		s.answer("SSRF-5 redirected to a private address", 1, func(*aptest.Stranger, *aptest.Person) http.HandlerFunc { return redirect("http://10.0.0.1/key") }),
		s.answer("SSRF-5 redirected to this node", 1, func(*aptest.Stranger, *aptest.Person) http.HandlerFunc { return redirect(s.Links.Actor()) }),
		s.answer("a dead key", 1, func(*aptest.Stranger, *aptest.Person) http.HandlerFunc { return http.NotFound }),
		s.answer("a key that is gone", 1, func(*aptest.Stranger, *aptest.Person) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }
		}),
		s.answer("a key that is refused", 2, func(*aptest.Stranger, *aptest.Person) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }
		}),
	}
	for _, tt := range []struct{ name, contentType string }{
		{"ORG-5 an actor as a page", "text/html"}, {"ORG-5 an actor as plain JSON", "application/json"},
		{"ORG-5 an actor as JSON-LD of no profile", "application/ld+json"}, {"ORG-5 an actor as a picture", "image/png"}, {"ORG-5 an actor as nothing", ""},
	} {
		lies = append(lies, s.answer(tt.name, 1, func(_ *aptest.Stranger, p *aptest.Person) http.HandlerFunc {
			return writes(tt.contentType, p.Document("mallory"))
		}))
	}
	for _, tt := range []struct {
		name   string
		answer func(w http.ResponseWriter, doc []byte)
	}{
		{"LIM an actor without end", func(w http.ResponseWriter, doc []byte) { endless(w, `{"x":"`) }},
		{"LIM an actor of 1 MiB and a byte", func(w http.ResponseWriter, doc []byte) { w.Write(append(doc, make([]byte, 1<<20)...)) }},
		{"LIM an actor packed a thousandfold", func(w http.ResponseWriter, doc []byte) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			z.Write(doc[:len(doc)-1])
			fmt.Fprintf(z, `,"x":"%s"}`, strings.Repeat("a", 8<<20))
			z.Close()
		}},
		{"JSON-2 two actors", func(w http.ResponseWriter, doc []byte) { w.Write(append(doc, doc...)) }},
		{"JSON-2 an actor with two keys of a name", func(w http.ResponseWriter, doc []byte) {
			w.Write([]byte(strings.Replace(string(doc), "{", `{"id":"http://x.localhost/",`, 1)))
		}},
		{"an actor that is a page", func(w http.ResponseWriter, _ []byte) { io.WriteString(w, "<!doctype html><p>Hello") }},
		{"an actor that is empty", func(http.ResponseWriter, []byte) {}},
		{"an actor that is null", func(w http.ResponseWriter, _ []byte) { io.WriteString(w, "null") }},
		{"an actor in a list", func(w http.ResponseWriter, doc []byte) { fmt.Fprintf(w, "[%s]", doc) }},
	} {
		lies = append(lies, s.answer(tt.name, 1, func(_ *aptest.Stranger, p *aptest.Person) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/activity+json")
				tt.answer(w, marshal(p.Document("mallory")))
			}
		}))
	}
	// A home that cannot answer now is no lie by itself: the sender is asked to come again (SIG-8).
	away := s.answer("SIG-8 a key whose home is in trouble", 1, func(*aptest.Stranger, *aptest.Person) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }
	})
	away.status = 503
	cut := s.answer("SIG-8 a key that is cut off", 1, func(_ *aptest.Stranger, p *aptest.Person) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/activity+json")
			w.Header().Set("Content-Length", "100000")
			w.Write(marshal(p.Document("mallory")))
		}
	})
	cut.status = 503
	return append(lies, away, cut)
}

func rsaSeal(key *rsa.PrivateKey) func(string) []byte {
	return func(text string) []byte {
		sum := sha256.Sum256([]byte(text))
		b, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		if err != nil {
			panic(err)
		}
		return b
	}
}

// hugeKey is an RSA key of 8,192 bits. It is made of eight primes, for two of that size take too long to find; whoever
// verifies with it cannot tell.
var hugeKey = sync.OnceValue(func() (k struct {
	public *rsa.PublicKey
	seal   func(string) []byte
}) {
	n, phi, one, e := big.NewInt(1), big.NewInt(1), big.NewInt(1), big.NewInt(65537)
	for n.BitLen() < 8192 {
		p, err := rand.Prime(rand.Reader, min(1024, 8192-n.BitLen()+1))
		if err != nil {
			panic(err)
		}
		less := new(big.Int).Sub(p, one)
		if new(big.Int).GCD(nil, nil, less, e).Cmp(one) == 0 {
			n.Mul(n, p)
			phi.Mul(phi, less)
		}
	}
	d := new(big.Int).ModInverse(e, phi)
	size := (n.BitLen() + 7) / 8
	k.public = &rsa.PublicKey{N: n, E: 65537}
	k.seal = func(text string) []byte { // RFC 8017 section 9.2
		sum := sha256.Sum256([]byte(text))
		end := append([]byte("\x00\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"), sum[:]...)
		padded := append([]byte{0, 1}, []byte(strings.Repeat("\xff", size-2-len(end)))...)
		m := new(big.Int).SetBytes(append(padded, end...))
		return m.Exp(m, d, n).FillBytes(make([]byte, size))
	}
	return k
})
