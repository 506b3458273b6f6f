package activitypub

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// sharedFile reads a file of the folder beside the project that holds test data
// made by others. Where that folder is absent the test says so and ends.
func sharedFile(t testing.TB, path ...string) ([]byte, bool) {
	t.Helper()
	name := filepath.Join(append([]string{"..", "..", "shared"}, path...)...)
	b, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		t.Logf("left out: %s is not there", name)
		return nil, false
	}
	if err != nil {
		t.Fatal(err)
	}
	return b, true
}

// rawRequest reads a request as a server does, from its bytes.
func rawRequest(t testing.TB, method, target string, headers [][2]string, body string) *http.Request {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", method, target)
	for _, h := range headers {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	if body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n" + body)
	r, err := http.ReadRequest(bufio.NewReader(&b))
	if err != nil {
		t.Fatalf("read request: %v", err)
	}
	return r
}

// verifyRequest is what the door does, with a key that is known already.
func verifyRequest(r *http.Request, body string, base BaseURL, key crypto.PublicKey, now time.Time) error {
	s, err := ParseSignature(r)
	if err != nil {
		return err
	}
	return s.Verify(r, []byte(body), base, key, now)
}

// TestFedifySignatures gives requests made and changed by another implementation to
// our verifier (SIG-1 to SIG-6).
func TestFedifySignatures(t *testing.T) {
	raw, ok := sharedFile(t, "vectors", "fedify-signatures", "signatures.json")
	if !ok {
		return
	}
	var file struct {
		Now, PublicKeyPem, OtherPublicKeyPem string
		HTTP                                 []struct {
			Name, Expect string
			Request      struct {
				Method, URL, Body, KeyOverride string
				Now                            *time.Time
				Headers                        [][2]string
			}
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	signed, err := time.Parse(time.RFC3339, file.Now)
	if err != nil {
		t.Fatal(err)
	}
	keys := make(map[string]crypto.PublicKey)
	for name, text := range map[string]string{"": file.PublicKeyPem, "other": file.OtherPublicKeyPem} {
		if keys[name], err = ParsePublicKeyPEM(text); err != nil {
			t.Fatal(err)
		}
	}
	if len(file.HTTP) != 88 {
		t.Errorf("%d requests, want 88", len(file.HTTP))
	}
	base := BaseURL{"https", "node.example"}
	for _, c := range file.HTTP {
		t.Run(c.Name, func(t *testing.T) {
			_, target, _ := strings.Cut(strings.TrimPrefix(c.Request.URL, "https://"), "/")
			r := rawRequest(t, c.Request.Method, "/"+target, c.Request.Headers, c.Request.Body)
			now := signed
			if c.Request.Now != nil {
				now = *c.Request.Now
			}
			err := verifyRequest(r, c.Request.Body, base, keys[c.Request.KeyOverride], now)
			if got, want := err == nil, strings.HasPrefix(c.Expect, "valid"); got != want {
				t.Errorf("verified: %v (%v), want %s", got, err, c.Expect)
			}
			var bad *SignatureError
			if err != nil && !errors.Is(err, ErrNoSignature) && !errors.As(err, &bad) {
				t.Errorf("an error of type %T", err)
			}
		})
	}
}

// TestCavageVectors reads the requests of the draft's own test suite. Its key has
// 1024 bits and its signatures leave out what SIG-3 demands, so none may pass; the
// headers must be told apart all the same.
func TestCavageVectors(t *testing.T) {
	for _, tt := range []struct {
		file   string
		reason SignatureReason
	}{
		{"basic-request", ""},
		{"created-ecdsa", ReasonAlgorithm},
		{"created-hmac", ReasonAlgorithm},
		{"created-rsa", ReasonAlgorithm},
		{"created", ReasonUncovered},
		{"default-test", ""},
		{"duplicate-headers-request", ReasonMalformed},
		{"duplicate-parameters", ReasonMalformed},
		{"ed25519-signed", ReasonUncovered},
		{"expires", ReasonUncovered},
		{"nokeyid-request", ReasonMalformed},
		{"nosignature-request", ReasonMalformed},
		{"rsa-signed", ReasonUncovered},
		{"zero-length", ""},
	} {
		t.Run(tt.file, func(t *testing.T) {
			raw, ok := sharedFile(t, "vectors", "http-signatures-cavage", "latest", "input", tt.file+".httpMessage")
			if !ok {
				return
			}
			if !bytes.Contains(raw, []byte("Host:")) {
				raw = append(raw, "\nHost: example.com"...)
			}
			text := strings.ReplaceAll(strings.TrimRight(string(raw), "\n"), "\n", "\r\n") + "\r\n\r\n"
			r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
			if err != nil {
				t.Fatal(err)
			}
			s, err := ParseSignature(r)
			// A short digest list is refused; a value of four letters is valid base64.
			if err == nil {
				err = s.Check(r, nil, BaseURL{"http", "example.com"}, time.Unix(1, 0))
			}
			if tt.reason == "" {
				if !errors.Is(err, ErrNoSignature) {
					t.Errorf("got %v, want no signature", err)
				}
				return
			}
			wantReason(t, err, tt.reason)
		})
	}
}

func wantReason(t *testing.T, err error, want SignatureReason) {
	t.Helper()
	var bad *SignatureError
	if !errors.As(err, &bad) || bad.Reason != want {
		t.Errorf("got %v, want reason %q", err, want)
	}
}

// testKeys are made once, because RSA keys take their time.
var testKeys = sync.OnceValue(func() (k struct {
	rsa, other *rsa.PrivateKey
	ed         ed25519.PrivateKey
}) {
	var err error
	if k.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		panic(err)
	}
	if k.other, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		panic(err)
	}
	if _, k.ed, err = ed25519.GenerateKey(rand.Reader); err != nil {
		panic(err)
	}
	return k
})

var (
	testNow  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	testBase = BaseURL{"https", "mill.example"}
)

const (
	testKeyID = "https://bakery.example/ap/coop#main-key"
	testBody  = `{"type":"Follow"}`
)

// A draft describes one signed request, to be changed by a test before or after it
// is signed. It signs exactly what it says, right or wrong.
type draft struct {
	method, target string
	headers        [][2]string // the first is Host
	body           string
	covered        string
	params         string // between keyId and signature, with a comma at the end
	signedTarget   string // in (request-target), if not target
	sign           func(base string) []byte
}

func sha256Of(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func signRSA(key *rsa.PrivateKey, h crypto.Hash) func(string) []byte {
	return func(base string) []byte {
		var sum []byte
		if h == crypto.SHA512 {
			s := sha512.Sum512([]byte(base))
			sum = s[:]
		} else {
			s := sha256.Sum256([]byte(base))
			sum = s[:]
		}
		sig, err := rsa.SignPKCS1v15(nil, key, h, sum)
		if err != nil {
			panic(err)
		}
		return sig
	}
}

func signEd(base string) []byte { return ed25519.Sign(testKeys().ed, []byte(base)) }

func goodPost() draft {
	return draft{
		method: "POST", target: "/ap/inbox",
		headers: [][2]string{
			{"Host", "mill.example"},
			{"Date", testNow.Format(http.TimeFormat)},
			{"Digest", "SHA-256=" + sha256Of(testBody)},
		},
		body:    testBody,
		covered: "(request-target) host date digest",
		params:  `algorithm="rsa-sha256",`,
		sign:    signRSA(testKeys().rsa, crypto.SHA256),
	}
}

func (d draft) header(name string) string {
	for _, h := range d.headers {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

// request signs by draft-cavage, written apart from the code under test.
func (d draft) request(t testing.TB) *http.Request {
	var lines []string
	for _, c := range strings.Fields(d.covered) {
		v := d.header(c)
		switch c {
		case "(request-target)":
			target := d.signedTarget
			if target == "" {
				target = d.target
			}
			v = strings.ToLower(d.method) + " " + target
		case "(created)", "(expires)":
			_, v, _ = strings.Cut(d.params, strings.Trim(c, "()")+"=")
			v, _, _ = strings.Cut(v, ",")
		}
		lines = append(lines, c+": "+v)
	}
	sig := base64.StdEncoding.EncodeToString(d.sign(strings.Join(lines, "\n")))
	line := fmt.Sprintf(`keyId="%s",%sheaders="%s",signature="%s"`, testKeyID, d.params, d.covered, sig)
	return rawRequest(t, d.method, d.target, append(d.headers, [2]string{"Signature", line}), d.body)
}

// TestCavageRules has one row for each way to be right or wrong.
func TestCavageRules(t *testing.T) {
	keys := testKeys()
	set := func(name, value string) func(*draft) {
		return func(d *draft) {
			for i := range d.headers {
				if d.headers[i][0] == name {
					d.headers[i][1] = value
				}
			}
		}
	}
	at := func(d time.Duration) func(*draft) { return set("Date", testNow.Add(d).Format(http.TimeFormat)) }
	cover := func(list string) func(*draft) { return func(d *draft) { d.covered = list } }
	get := func(list string) func(*draft) {
		return func(d *draft) { d.method, d.target, d.body, d.covered = "GET", "/ap/coop", "", list }
	}
	for _, tt := range []struct {
		name   string
		change func(*draft)
		key    crypto.PublicKey
		want   SignatureReason
	}{
		{"a delivery", func(*draft) {}, nil, ""},
		{"SIG-2 hs2019", func(d *draft) { d.params = `algorithm="hs2019",` }, nil, ""},
		{"SIG-2 no label", func(d *draft) { d.params = "" }, nil, ""},
		{"SIG-2 hs2019 with SHA-512", func(d *draft) {
			d.params, d.sign = `algorithm="hs2019",`, signRSA(keys.rsa, crypto.SHA512)
		}, nil, ""},
		{"SIG-2 SHA-512 under the name of SHA-256", func(d *draft) { d.sign = signRSA(keys.rsa, crypto.SHA512) }, nil, ReasonMismatch},
		{"SIG-2 Ed25519", func(d *draft) { d.params, d.sign = `algorithm="hs2019",`, signEd }, keys.ed.Public(), ReasonAlgorithm},
		{"SIG-2 hmac", func(d *draft) { d.params = `algorithm="hmac-sha256",` }, nil, ReasonAlgorithm},
		{"SIG-2 SHA-1", func(d *draft) { d.params = `algorithm="rsa-sha1",` }, nil, ReasonAlgorithm},
		{"SIG-2 the key of another", func(*draft) {}, &keys.other.PublicKey, ReasonMismatch},
		{"SIG-10 a key of another kind", func(*draft) {}, "a text", ReasonKey},

		{"SIG-3 date alone", cover("date"), nil, ReasonUncovered},
		{"SIG-3 empty list", cover(""), nil, ReasonUncovered},
		{"SIG-3 no target", cover("host date digest"), nil, ReasonUncovered},
		{"SIG-3 no host", cover("(request-target) date digest"), nil, ReasonUncovered},
		{"SIG-3 no time", cover("(request-target) host digest"), nil, ReasonUncovered},
		{"SIG-3 no digest", cover("(request-target) host date"), nil, ReasonUncovered},
		{"SIG-3 a header that is not there", cover("(request-target) host date digest x-more"), nil, ReasonUncovered},
		{"SIG-3 more than needed", cover("(request-target) content-length host date digest"),
			nil, ""},
		{"SIG-3 GET needs no digest", get("(request-target) host date"), nil, ""},
		{"SIG-3 GET with a digest of nothing", func(d *draft) {
			get("(request-target) host date digest")(d)
			set("Digest", "SHA-256="+sha256Of(""))(d)
		}, nil, ""},
		{"SIG-3 GET without date", get("(request-target) host"), nil, ReasonUncovered},
		{"SIG-3 GET with a body needs one", func(d *draft) {
			get("(request-target) host date")(d)
			d.body = testBody
		}, nil, ReasonUncovered},
		{"SIG-3 created for date", func(d *draft) {
			d.covered = "(request-target) (created) host digest"
			d.params = fmt.Sprintf(`algorithm="hs2019",created=%d,`, testNow.Unix())
		}, nil, ""},
		{"SIG-3 created signed and absent", cover("(request-target) (created) host digest"), nil, ReasonAlgorithm},
		{"SIG-3 created signed and absent with hs2019", func(d *draft) {
			d.covered, d.params = "(request-target) (created) host digest", `algorithm="hs2019",`
		}, nil, ReasonMalformed},

		{"SIG-4 SHA-512", func(d *draft) {
			sum := sha512.Sum512([]byte(testBody))
			set("Digest", "sha-512="+base64.StdEncoding.EncodeToString(sum[:]))(d)
		}, nil, ""},
		{"SIG-4 two digests", set("Digest", "unixsum=30637, sha-256="+sha256Of(testBody)), nil, ""},
		{"SIG-4 one of two is wrong", set("Digest", "SHA-256="+sha256Of(testBody)+",SHA-512="+sha256Of("x")), nil, ReasonDigest},
		{"SIG-4 the first of two is wrong", set("Digest", "SHA-256="+sha256Of("x")+",SHA-256="+sha256Of(testBody)), nil, ReasonDigest},
		{"SIG-4 digest of another body", set("Digest", "SHA-256="+sha256Of("other")), nil, ReasonDigest},
		{"SIG-4 only unknown kinds", set("Digest", "MD5=AAAA"), nil, ReasonDigest},
		{"SIG-4 no base64", set("Digest", "SHA-256=!"), nil, ReasonDigest},

		{"SIG-5 another host", set("Host", "evil.example"), nil, ReasonHost},
		{"SIG-5 a host in capitals", set("Host", "Mill.Example"), nil, ""},
		{"SIG-5 the port written out", set("Host", "mill.example:443"), nil, ""},
		{"SIG-5 another port", set("Host", "mill.example:8443"), nil, ReasonHost},
		{"SIG-5 an escaped slash is not a slash", func(d *draft) {
			d.target, d.signedTarget = "/a%2Fb", "/a/b"
		}, nil, ReasonMismatch},
		{"SIG-5 the raw target", func(d *draft) { d.target = "/a%2fb%C3%A9" }, nil, ""},
		{"SIG-5 with the query", func(d *draft) { d.target = "/ap/inbox?x=1" }, nil, ""},
		{"SIG-5 without the query", func(d *draft) { d.target, d.signedTarget = "/ap/inbox?x=1", "/ap/inbox" }, nil, ""},
		{"SIG-5 another query", func(d *draft) { d.target, d.signedTarget = "/ap/inbox?x=1", "/ap/inbox?x=2" }, nil, ReasonMismatch},
		{"SIG-5 absolute form", func(d *draft) {
			d.target, d.signedTarget = "https://mill.example/ap/inbox", "/ap/inbox"
		}, nil, ""},
		{"SIG-5 absolute form of another", func(d *draft) {
			d.target, d.signedTarget = "https://evil.example/ap/inbox", "/ap/inbox"
		}, nil, ReasonHost},

		{"SIG-6 an hour old", at(-time.Hour), nil, ""},
		{"SIG-6 an hour ahead", at(time.Hour), nil, ""},
		{"SIG-6 too old", at(-66 * time.Minute), nil, ReasonStale},
		{"SIG-6 too far ahead", at(66 * time.Minute), nil, ReasonStale},
		{"SIG-6 no date", set("Date", "yesterday"), nil, ReasonMalformed},
		{"SIG-6 expired", func(d *draft) {
			d.params = fmt.Sprintf(`algorithm="hs2019",expires=%d,`, testNow.Unix()-1)
		}, nil, ReasonStale},
		{"SIG-6 not expired", func(d *draft) {
			d.covered += " (expires)"
			d.params = fmt.Sprintf(`algorithm="hs2019",expires=%d,`, testNow.Unix()+1)
		}, nil, ""},
		{"SIG-6 created too old", func(d *draft) {
			d.covered = "(request-target) (created) host digest"
			d.params = fmt.Sprintf(`algorithm="hs2019",created=%d,`, testNow.Unix()-4000)
		}, nil, ReasonStale},

		{"SIG-7 a second Signature line", func(d *draft) {
			d.headers = append(d.headers, [2]string{"Signature", `keyId="x",headers="date",signature="AAAA"`})
		}, nil, ReasonMalformed},
		{"SIG-7 unknown parameters", func(d *draft) { d.params += `later="a, b=c",x=1,` }, nil, ""},
		{"SIG-7 a repeated unknown parameter", func(d *draft) { d.params += `x=1,x=2,` }, nil, ReasonMalformed},
		{"SIG-7 a repeated parameter", func(d *draft) { d.params += `keyId="https://evil.example/key",` }, nil, ReasonMalformed},
		{"SIG-7 a repeated parameter in capitals", func(d *draft) { d.params += `KEYID="https://evil.example/key",` }, nil, ReasonMalformed},
		{"SIG-7 a header twice", func(d *draft) { d.covered += " date" }, nil, ReasonMalformed},
		{"SIG-7 spaces around commas", func(d *draft) { d.params = `algorithm="rsa-sha256" , ` }, nil, ""},
		{"SIG-7 an empty entry", func(d *draft) { d.params += "," }, nil, ReasonMalformed},
		{"SIG-7 a parameter without value", func(d *draft) { d.params += "x=," }, nil, ReasonMalformed},
		{"SIG-7 an open quote", func(d *draft) { d.params += `x="` }, nil, ReasonMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := goodPost()
			tt.change(&d)
			if d.body != "" && strings.Contains(d.covered, "content-length") {
				d.headers = append(d.headers, [2]string{"Content-Length", fmt.Sprint(len(d.body))})
			}
			key := tt.key
			if key == nil {
				key = &keys.rsa.PublicKey
			}
			err := verifyRequest(d.request(t), d.body, testBase, key, testNow)
			if tt.want == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			wantReason(t, err, tt.want)
		})
	}
}

// TestBodyChanged proves that the bytes received count, not the header (SIG-4).
func TestBodyChanged(t *testing.T) {
	d := goodPost()
	err := verifyRequest(d.request(t), testBody+" ", testBase, &testKeys().rsa.PublicKey, testNow)
	wantReason(t, err, ReasonDigest)
}

// TestVerifiedByAnotherKey: one Check serves for a cached and a fetched key (SIG-11).
func TestVerifiedByAnotherKey(t *testing.T) {
	d := goodPost()
	r := d.request(t)
	s, err := ParseSignature(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.VerifiedBy(&testKeys().rsa.PublicKey); err == nil {
		t.Error("a key verified what nobody checked")
	}
	if err := s.Check(r, []byte(testBody), testBase, testNow); err != nil {
		t.Fatal(err)
	}
	wantReason(t, s.VerifiedBy(&testKeys().other.PublicKey), ReasonMismatch)
	if err := s.VerifiedBy(&testKeys().rsa.PublicKey); err != nil {
		t.Error(err)
	}
	if s.KeyID != testKeyID || s.Form != DraftCavage {
		t.Errorf("key %q, form %q", s.KeyID, s.Form)
	}
}

// TestSignOurs sends what we sign through the wire's bytes to our own verifier, and
// looks at what httpsig wrote (decision 21).
func TestSignOurs(t *testing.T) {
	key := testKeys().rsa
	for _, tt := range []struct{ name, method, url, host, covered string }{
		{"delivery", "POST", "https://mill.example/ap/inbox", "mill.example", "(request-target) host date digest content-type"},
		{"delivery with query and escapes", "POST", "https://mill.example/a%2Fb/%C3%A9?x=1&y=%20", "mill.example", "(request-target) host date digest content-type"},
		{"fetch", "GET", "https://mill.example/ap/coop", "mill.example", "(request-target) host date"},
		{"fetch of the root on a port", "GET", "http://mill.localhost:8080", "mill.localhost:8080", "(request-target) host date"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			base := BaseURL{strings.SplitN(tt.url, ":", 2)[0], tt.host}
			body := ""
			if tt.method == "POST" {
				body = testBody
			}
			req, err := http.NewRequest(tt.method, tt.url, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // signing again replaces the signature
				if tt.method == "POST" {
					req.Header.Set("Content-Type", typeActivity)
					err = SignPost(req, []byte(body), testKeyID, key, testNow)
				} else {
					err = SignGet(req, testKeyID, key, testNow)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if got := req.Header.Get("Signature"); !strings.Contains(got, `headers="`+tt.covered+`"`) {
				t.Errorf("signed %s, want %s", got, tt.covered)
			}
			var wire bytes.Buffer
			req.Body = http.NoBody
			if body != "" {
				req.Body, _ = req.GetBody()
			}
			if err := req.Write(&wire); err != nil {
				t.Fatal(err)
			}
			got, err := http.ReadRequest(bufio.NewReader(&wire))
			if err != nil {
				t.Fatal(err)
			}
			if err := verifyRequest(got, body, base, &key.PublicKey, testNow); err != nil {
				t.Error(err)
			}
		})
	}
}

// FuzzCavage: no header makes the reader panic, and what it accepts keeps the rules
// that the door builds on (SIG-7).
func FuzzCavage(f *testing.F) {
	testKeys() // made here, for a single run of the target has little time
	f.Add(`keyId="a",algorithm="rsa-sha256",headers="(request-target) host date",signature="AAAA"`)
	f.Add(`keyId="a\"b" , created=1,expires="2",headers="(created)  host",signature="AA=="`)
	f.Add(`keyId="a",keyId="b",headers="date",signature="AAAA"`)
	f.Fuzz(func(t *testing.T, line string) {
		s, err := parseCavage(line)
		if err != nil {
			var bad *SignatureError
			if !errors.As(err, &bad) {
				t.Fatalf("an error of type %T", err)
			}
			return
		}
		checkParsed(t, s)
		r := &http.Request{Method: "GET", RequestURI: "/x?y", Host: "mill.example", Header: http.Header{"Date": {testNow.Format(http.TimeFormat)}}}
		if err := s.Check(r, nil, testBase, testNow); err != nil {
			return
		}
		for _, b := range s.bases {
			if got := len(strings.Split(string(b), "\n")); got != len(s.covered) {
				t.Fatalf("%d lines for %d headers", got, len(s.covered))
			}
		}
		wantBound(t, s, r)
	})
}

// wantBound checks that what was signed names this one request: not another method, path or host (SIG-3, SIG-5). And
// that nobody can guess a signature.
func wantBound(t *testing.T, s *Signature, r *http.Request) {
	t.Helper()
	if s.VerifiedBy(&testKeys().rsa.PublicKey) == nil {
		t.Fatal("a guessed signature verified")
	}
	signed := s.bases
	for what, change := range map[string]func(*http.Request){
		"method": func(r *http.Request) { r.Method = http.MethodHead },
		"path":   func(r *http.Request) { r.RequestURI = "/z?y" },
		"query":  func(r *http.Request) { r.RequestURI = "/x?z" },
	} {
		other := r.Clone(t.Context())
		change(other)
		if err := s.Check(other, nil, testBase, testNow); err != nil {
			continue
		}
		for i, b := range s.bases {
			if i > 0 && what == "query" {
				continue // draft-cavage is also read without the query
			}
			if slices.ContainsFunc(signed, func(o []byte) bool { return bytes.Equal(b, o) }) {
				t.Fatalf("the same is signed with another %s: %q", what, b)
			}
		}
	}
}

func checkParsed(t *testing.T, s *Signature) {
	t.Helper()
	if s.KeyID == "" || len(s.KeyID) > MaxURLBytes || len(s.covered) == 0 || len(s.value) == 0 || len(s.value) > maxSignatureBytes {
		t.Fatalf("accepted without a part: %+v", s)
	}
	for _, c := range s.KeyID {
		if c < ' ' || c == 0x7f {
			t.Fatalf("a control character in the key id %q", s.KeyID)
		}
	}
}
