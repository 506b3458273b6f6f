package activitypub

import (
	"bufio"
	"bytes"
	"crypto/rsa"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coopnode/coopnode/store/storetest"
)

// TestSignMessageOurs sends what we sign by RFC 9421 through the wire's bytes to our own verifier.
func TestSignMessageOurs(t *testing.T) {
	key := testKeys().rsa
	for _, tt := range []struct{ name, method, url, host, covered string }{
		{"delivery", "POST", "https://mill.example/ap/inbox", "mill.example", `("@method" "@target-uri" "@authority" "content-digest")`},
		{"delivery with query and escapes", "POST", "https://mill.example/a%2Fb/%C3%A9?x=1&y=%20", "mill.example", `("@method" "@target-uri" "@authority" "content-digest")`},
		{"fetch", "GET", "https://mill.example/ap/coop?page=2", "mill.example", `("@method" "@target-uri" "@authority")`},
		{"fetch of the root on a port", "GET", "http://mill.localhost:8080", "mill.localhost:8080", `("@method" "@target-uri" "@authority")`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var body []byte
			if tt.method == "POST" {
				body = []byte(testBody)
			}
			req, err := http.NewRequest(tt.method, tt.url, bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			asked := &askedSignature{label: "peer", components: []string{"date", "@path"}, nonce: `a"b\c`, tag: "app"}
			if err := signMessage(req, body, testKeyID, key, testNow, asked); err != nil {
				t.Fatal(err)
			}
			if got := req.Header.Get("Signature-Input"); !strings.HasPrefix(got, "peer=("+strings.Trim(tt.covered, "()")+` "date" "@path");`) ||
				!strings.HasSuffix(got, `;nonce="a\"b\\c";tag="app"`) {
				t.Errorf("asked for more, signed %s", got)
			}
			if err := verifyRequest(throughTheWire(t, req), string(body), BaseURL{req.URL.Scheme, tt.host}, &key.PublicKey, testNow); err != nil {
				t.Error(err)
			}
			req.Body, _ = req.GetBody()
			if err := signMessage(req, body, testKeyID, key, testNow, nil); err != nil {
				t.Fatal(err)
			}
			if got := req.Header.Get("Signature-Input"); !strings.HasPrefix(got, "sig1="+tt.covered+";created=") || !strings.Contains(got, `;alg="rsa-v1_5-sha256"`) {
				t.Errorf("signed %s, want %s", got, tt.covered)
			}
			got := throughTheWire(t, req)
			if err := verifyRequest(got, string(body), BaseURL{req.URL.Scheme, tt.host}, &key.PublicKey, testNow); err != nil {
				t.Error(err)
			}
			if err := verifyRequest(got, string(body)+" ", BaseURL{req.URL.Scheme, tt.host}, &key.PublicKey, testNow); err == nil && body != nil {
				t.Error("another body is believed")
			}
		})
	}
}

func throughTheWire(t *testing.T, req *http.Request) *http.Request {
	t.Helper()
	var wire bytes.Buffer
	if err := req.Write(&wire); err != nil {
		t.Fatal(err)
	}
	got, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestAcceptSignature: what peers ask for is honoured where this node can do it, and else ignored.
func TestAcceptSignature(t *testing.T) {
	req, err := http.NewRequest("POST", "https://mill.example/ap/inbox", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", typeActivity)
	for _, tt := range []struct{ header, want string }{
		{`sig1=("@method" "@target-uri" "@authority" "content-digest");created;nonce="abc"`, "sig1 [@method @target-uri @authority content-digest] abc "},
		{`x=("@method" "content-type");created;keyid;alg="rsa-v1_5-sha256";tag="t"`, "x [@method content-type]  t"},
		{`bad=("@status"), good=("@method")`, "good [@method]  "},
		{`sig1=("@method");alg="ed25519"`, ""},
		{`sig1=("@method");expires=5`, ""},
		{`sig1=("x-header")`, ""},
		{`sig1=("digest")`, ""},
		{`sig1=("@query-param";name="a")`, ""},
		{`sig1=("@method");nonce=` + "\"" + strings.Repeat("n", 300) + "\"", ""},
		{`sig1=("@method"`, ""},
		{`sig1`, ""},
		{``, ""},
	} {
		got := ""
		if a := readAcceptSignature(req, http.Header{"Accept-Signature": {tt.header}}); a != nil {
			got = fmt.Sprint(a.label, " ", a.components, " ", a.nonce, " ", a.tag)
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.header, got, tt.want)
		}
	}
}

// A fussyPeer believes some forms of signature and notes what came, as "POST draft-cavage 401".
type fussyPeer struct {
	*testing.T
	address string
	key     *rsa.PublicKey

	mu      sync.Mutex
	takes   []SignatureForm
	refusal int
	asks    string // Accept-Signature of a refusal
	got     []string
}

func newFussyPeer(t *testing.T, takes ...SignatureForm) *fussyPeer {
	p := &fussyPeer{T: t, takes: takes, refusal: http.StatusUnauthorized, key: &testKeys().rsa.PublicKey}
	p.address = servePeer(t, p.ServeHTTP).URL
	return p
}

func (p *fussyPeer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		p.Error(err)
	}
	sig, err := ParseSignature(r)
	if err != nil {
		p.Errorf("%s: %v", r.Method, err)
		return
	}
	if err := sig.Verify(r, body, BaseURL{"http", r.Host}, p.key, time.Now()); err != nil {
		p.Errorf("%s by %s: %v", r.Method, sig.Form, err)
	}
	status := p.refusal
	if slices.Contains(p.takes, sig.Form) && (p.asks == "" || strings.Contains(r.Header.Get("Signature-Input"), `;nonce="n1"`)) {
		status = http.StatusOK
	} else if p.asks != "" {
		w.Header().Set("Accept-Signature", p.asks)
	}
	p.got = append(p.got, fmt.Sprint(r.Method, " ", sig.Form, " ", status))
	if status == http.StatusOK && r.Method == http.MethodGet {
		writeNote(w, "x")
		return
	}
	w.WriteHeader(status)
}

// want compares what came since the last time.
func (p *fussyPeer) want(what string, want ...string) {
	p.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Equal(p.got, want) {
		p.Errorf("%s: the peer got\n%s\nwant\n%s", what, strings.Join(p.got, "\n"), strings.Join(want, "\n"))
	}
	p.got = nil
}

// A knocker is a client with a memory and a clock.
type knocker struct {
	*Client
	t     *testing.T
	clock time.Time
}

func newKnocker(t *testing.T) *knocker {
	k := &knocker{t: t, clock: time.Now()}
	k.Client = newTestClient(t, func(o *ClientOptions) {
		o.forms = newPeerForms(storetest.Open(t), func() time.Time { return k.clock }, slog.New(slog.DiscardHandler))
	})
	return k
}

// forget is a restart: only the store remembers.
func (k *knocker) forget() {
	f := k.opt.forms
	k.opt.forms = newPeerForms(f.store, f.now, f.log)
}

func (k *knocker) post(p *fussyPeer, want int) {
	k.t.Helper()
	res, err := k.Post(k.t.Context(), p.address+"/inbox", []byte(testBody))
	if err != nil || res.Status != want {
		k.t.Errorf("posted: %+v, %v, want %d", res, err, want)
	}
}

// A peer that does not believe draft-cavage gets RFC 9421 in the same attempt, and first from then on; also
// after a restart. One that believes everything never sees it (decisions 21, interop.md 2.2).
func TestSecondKnock(t *testing.T) {
	for _, refusal := range []int{400, 401} {
		p, k := newFussyPeer(t, RFC9421), newKnocker(t)
		p.refusal = refusal
		k.post(p, 200)
		p.want("first letter", fmt.Sprint("POST draft-cavage ", refusal), "POST rfc9421 200")
		k.post(p, 200)
		k.forget()
		k.post(p, 200)
		if _, err := k.GetActivity(t.Context(), p.address+"/x?page=2"); err != nil {
			t.Error(err)
		}
		p.want("later", "POST rfc9421 200", "POST rfc9421 200", "GET rfc9421 200")
	}

	p, k := newFussyPeer(t, DraftCavage, RFC9421), newKnocker(t)
	for range 3 {
		k.post(p, 200)
	}
	p.want("one who takes everything", "POST draft-cavage 200", "POST draft-cavage 200", "POST draft-cavage 200")

	p, k = newFussyPeer(t, RFC9421), newKnocker(t)
	if _, err := k.GetActivity(t.Context(), p.address+"/x"); err != nil {
		t.Error(err)
	}
	p.want("fetch", "GET draft-cavage 401", "GET rfc9421 200")
}

// Who refuses both forms costs one more request in an hour, and its first answer counts; who turns from one
// form to the other is followed, and what was learned grows old.
func TestSecondKnockIsBounded(t *testing.T) {
	p, k := newFussyPeer(t), newKnocker(t)
	for range 3 {
		k.post(p, 401)
	}
	k.forget()
	k.post(p, 401)
	for range 2 {
		if _, err := k.GetActivity(t.Context(), p.address+"/x"); outcome(true, err) != "status 401" {
			t.Errorf("got %v", err)
		}
	}
	k.post(p, 401)
	p.want("one who refuses all", "POST draft-cavage 401", "POST rfc9421 401", "POST draft-cavage 401", "POST draft-cavage 401",
		"POST draft-cavage 401", "GET draft-cavage 401", "GET rfc9421 401", "GET draft-cavage 401", "POST draft-cavage 401")
	k.clock = k.clock.Add(knockEvery)
	k.post(p, 401)
	p.want("an hour later", "POST draft-cavage 401", "POST rfc9421 401")

	p.takes = []SignatureForm{RFC9421}
	k.clock = k.clock.Add(knockEvery)
	k.post(p, 200)
	p.takes = []SignatureForm{DraftCavage}
	k.clock = k.clock.Add(knockEvery)
	k.post(p, 200)
	k.post(p, 200)
	p.want("one who turns", "POST draft-cavage 401", "POST rfc9421 200",
		"POST rfc9421 401", "POST draft-cavage 200", "POST draft-cavage 200")

	p.takes = []SignatureForm{DraftCavage, RFC9421}
	k.opt.forms.learn(t.Context(), HostOf(p.address), RFC9421)
	k.post(p, 200)
	k.clock = k.clock.Add(formFor)
	k.post(p, 200)
	p.want("a month later", "POST rfc9421 200", "POST draft-cavage 200")
}

// A document that a peer gives to nobody does not cost the letters to it their second knock, nor the other way round.
func TestSecondKnockOfFetchesAndLetters(t *testing.T) {
	p, k := newFussyPeer(t), newKnocker(t)
	if _, err := k.GetActivity(t.Context(), p.address+"/private"); outcome(true, err) != "status 401" {
		t.Errorf("got %v", err)
	}
	p.takes = []SignatureForm{RFC9421}
	k.post(p, 200)
	p.want("a letter after a fetch", "GET draft-cavage 401", "GET rfc9421 401", "POST draft-cavage 401", "POST rfc9421 200")

	p, k = newFussyPeer(t), newKnocker(t)
	k.post(p, 401)
	p.takes = []SignatureForm{RFC9421}
	if _, err := k.GetActivity(t.Context(), p.address+"/x"); err != nil {
		t.Error(err)
	}
	p.want("a fetch after a letter", "POST draft-cavage 401", "POST rfc9421 401", "GET draft-cavage 401", "GET rfc9421 200")
}

// A refusal that says how to sign is answered so each time, and in no other way.
func TestSecondKnockAsAsked(t *testing.T) {
	p, k := newFussyPeer(t, RFC9421), newKnocker(t)
	p.asks = `sig1=("@method" "@target-uri" "@authority" "content-digest");created;nonce="n1"`
	k.post(p, 200)
	k.post(p, 200)
	p.want("a challenge", "POST draft-cavage 401", "POST rfc9421 200", "POST rfc9421 401", "POST rfc9421 200")
}

// A peer whose own letters come by RFC 9421 gets ours so, unless a knock has shown that it does not believe them.
func TestFormOfTheirLetters(t *testing.T) {
	p, k := newFussyPeer(t, DraftCavage), newKnocker(t)
	host := HostOf(p.address)
	k.opt.forms.heard(t.Context(), host, DraftCavage)
	k.post(p, 200)
	k.opt.forms.heard(t.Context(), host, RFC9421)
	k.post(p, 200)
	k.opt.forms.heard(t.Context(), host, RFC9421)
	k.post(p, 200)
	p.want("one that cannot read what it writes", "POST draft-cavage 200",
		"POST rfc9421 401", "POST draft-cavage 200", "POST draft-cavage 200")
}

// KEY-3: a letter that an old key has signed and that is not believed goes out again at once with the key that signs
// now, in the same form; one that this key has signed does not.
func TestKnockWithTheNewKey(t *testing.T) {
	var got []string
	address := servePeer(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("X-Key"))
		if r.Header.Get("X-Key") == "old" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}).URL
	c := newTestClient(t, func(o *ClientOptions) {
		o.KeyID = func() string { return "new" }
		o.Sign = func(r *http.Request, _ []byte, how Signing) (string, error) {
			key := "new"
			if how.Act > 0 {
				key = "old"
			}
			r.Header.Set("X-Key", key)
			return key, nil
		}
	})
	res, err := c.PostAs(t.Context(), address, []byte(testBody), Signing{Act: 7})
	if err != nil || !res.OK() || !slices.Equal(got, []string{"old", "new"}) {
		t.Errorf("got %+v, %v after %v, want old and then new", res, err, got)
	}
	got = nil
	if res, err := c.Post(t.Context(), address, []byte(testBody)); err != nil || !res.OK() || !slices.Equal(got, []string{"new"}) {
		t.Errorf("got %+v, %v after %v", res, err, got)
	}
}
