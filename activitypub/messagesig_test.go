package activitypub

import (
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// A messageDraft is a request signed by RFC 9421, written apart from the code
// under test. It signs exactly what it says.
type messageDraft struct {
	draft
	components []string          // the names, in order
	values     map[string]string // where they differ from what the request says
	params     string            // after the list of components
	label      string
	before     [2]string // other entries of Signature-Input and Signature, in front
	dropped    bool      // leave the signature itself out
}

func goodMessage() messageDraft {
	d := goodPost()
	d.headers[2] = [2]string{"Content-Digest", "sha-256=:" + sha256Of(testBody) + ":"}
	return messageDraft{
		draft:      d,
		components: []string{"@method", "@target-uri", "content-digest"},
		params:     fmt.Sprintf(`;created=%d;keyid="%s";alg="rsa-v1_5-sha256"`, testNow.Unix(), testKeyID),
		label:      "sig1",
	}
}

func (d messageDraft) request(t testing.TB) *http.Request {
	var lines, quoted []string
	path, query, _ := strings.Cut(d.target, "?")
	for _, c := range d.components {
		v, ok := d.values[c]
		if !ok {
			switch c {
			case "@method":
				v = d.method
			case "@target-uri":
				v = "https://mill.example" + d.target
			case "@authority":
				v = "mill.example"
			case "@scheme":
				v = "https"
			case "@request-target":
				v = d.target
			case "@path":
				v = path
			case "@query":
				v = "?" + query
			default:
				v = d.header(c)
			}
		}
		q := `"` + c + `"`
		if name, params, ok := strings.Cut(c, ";"); ok {
			q = `"` + name + `";` + params
		}
		quoted = append(quoted, q)
		lines = append(lines, q+": "+v)
	}
	params := "(" + strings.Join(quoted, " ") + ")" + d.params
	lines = append(lines, `"@signature-params": `+params)
	sig := d.label + "=:" + base64.StdEncoding.EncodeToString(d.sign(strings.Join(lines, "\n"))) + ":"
	if d.dropped {
		sig = "other=:AAAA:"
	}
	return rawRequest(t, d.method, d.target, append(d.headers,
		[2]string{"Signature-Input", d.before[0] + d.label + "=" + params},
		[2]string{"Signature", d.before[1] + sig}), d.body)
}

// TestMessageSignatureRules is TestCavageRules for RFC 9421.
func TestMessageSignatureRules(t *testing.T) {
	keys := testKeys()
	cover := func(names ...string) func(*messageDraft) { return func(d *messageDraft) { d.components = names } }
	params := func(format string, args ...any) func(*messageDraft) {
		return func(d *messageDraft) { d.params = fmt.Sprintf(format, args...) }
	}
	digest := func(v string) func(*messageDraft) { return func(d *messageDraft) { d.headers[2][1] = v } }
	created := testNow.Unix()
	for _, tt := range []struct {
		name   string
		change func(*messageDraft)
		key    crypto.PublicKey
		want   SignatureReason
	}{
		{"a delivery", func(*messageDraft) {}, nil, ""},
		{"SIG-2 no alg", params(`;created=%d;keyid="%s"`, created, testKeyID), nil, ""},
		{"SIG-2 Ed25519", func(d *messageDraft) {
			d.params, d.sign = strings.Replace(d.params, "rsa-v1_5-sha256", "ed25519", 1), signEd
		}, keys.ed.Public(), ""},
		{"SIG-2 alg of another key", func(d *messageDraft) {
			d.params = strings.Replace(d.params, "rsa-v1_5-sha256", "ed25519", 1)
		}, nil, ReasonAlgorithm},
		{"SIG-2 hmac", params(`;created=%d;keyid="%s";alg="hmac-sha256"`, created, testKeyID), nil, ReasonAlgorithm},
		{"SIG-2 the key of another", func(*messageDraft) {}, &keys.other.PublicKey, ReasonMismatch},
		{"SIG-2 SHA-512", func(d *messageDraft) { d.sign = signRSA(keys.rsa, crypto.SHA512) }, nil, ReasonMismatch},

		{"SIG-3 three parts for the target", cover("@method", "@authority", "@path", "@query", "content-digest"), nil, ""},
		{"SIG-3 two parts are not enough", cover("@method", "@authority", "@path", "content-digest"), nil, ReasonUncovered},
		{"SIG-3 all that is known", cover("@method", "@target-uri", "@scheme", "@request-target", "host", "date", "content-digest"), nil, ""},
		{"SIG-3 no method", cover("@target-uri", "content-digest"), nil, ReasonUncovered},
		{"SIG-3 no digest", cover("@method", "@target-uri"), nil, ReasonUncovered},
		{"SIG-3 no created", params(`;keyid="%s"`, testKeyID), nil, ReasonUncovered},
		{"SIG-3 a header that is not there", cover("@method", "@target-uri", "content-digest", "x-more"), nil, ReasonUncovered},
		{"SIG-3 nothing", cover(), nil, ReasonUncovered},
		{"SIG-3 GET", func(d *messageDraft) {
			d.method, d.body = "GET", ""
			d.components = []string{"@method", "@target-uri"}
		}, nil, ""},
		{"SIG-3 a component with parameters", cover("@method", "@target-uri", "content-digest;req"), nil, ReasonUncovered},
		{"SIG-3 a header in capitals", cover("@method", "@target-uri", "content-digest", "Date"), nil, ReasonUncovered},

		{"SIG-4 another body", digest("sha-256=:" + sha256Of("x") + ":"), nil, ReasonDigest},
		{"SIG-4 only unknown kinds", digest("md5=:AAAA:"), nil, ReasonDigest},
		{"SIG-4 unknown beside known", digest("md5=:AAAA:, sha-256=:" + sha256Of(testBody) + ":"), nil, ""},
		{"SIG-4 twice", digest("sha-256=:AAAA:, sha-256=:" + sha256Of(testBody) + ":"), nil, ReasonDigest},
		{"SIG-4 not a byte sequence", digest("sha-256=" + sha256Of(testBody)), nil, ReasonDigest},

		{"SIG-5 another host signed", func(d *messageDraft) {
			d.values = map[string]string{"@target-uri": "https://evil.example/ap/inbox"}
		}, nil, ReasonMismatch},
		{"SIG-5 another scheme signed", func(d *messageDraft) {
			d.values = map[string]string{"@target-uri": "http://mill.example/ap/inbox"}
		}, nil, ReasonMismatch},
		{"SIG-5 sent to another host", func(d *messageDraft) { d.headers[0][1] = "evil.example" }, nil, ReasonHost},
		{"SIG-5 a query", func(d *messageDraft) { d.target = "/ap/inbox?a=b&c=%20" }, nil, ""},
		{"SIG-5 a query left out", func(d *messageDraft) {
			d.target, d.values = "/ap/inbox?a=b", map[string]string{"@target-uri": "https://mill.example/ap/inbox"}
		}, nil, ReasonMismatch},

		{"SIG-6 too old", params(`;created=%d;keyid="%s"`, created-66*60, testKeyID), nil, ReasonStale},
		{"SIG-6 too far ahead", params(`;created=%d;keyid="%s"`, created+66*60, testKeyID), nil, ReasonStale},
		{"SIG-6 expired", params(`;created=%d;expires=%d;keyid="%s"`, created-2, created-1, testKeyID), nil, ReasonStale},
		{"SIG-6 not expired", params(`;created=%d;expires=%d;keyid="%s"`, created-2, created+1, testKeyID), nil, ""},

		{"SIG-7 unknown parameters", params(`;nonce="a\"\\b";tag=x/y;z;v=?0;w=-1.5;created=%d;keyid="%s"`, created, testKeyID), nil, ""},
		{"SIG-7 a repeated parameter", params(`;created=%d;keyid="%s";keyid="x"`, created, testKeyID), nil, ReasonMalformed},
		{"SIG-7 created as text", params(`;created="%d";keyid="%s"`, created, testKeyID), nil, ReasonMalformed},
		{"SIG-7 keyid as a word", params(`;created=%d;keyid=x`, created), nil, ReasonMalformed},
		{"SIG-7 no keyid", params(`;created=%d`, created), nil, ReasonMalformed},
		{"SIG-7 an open quote", params(`;created=%d;keyid="x`, created), nil, ReasonMalformed},
		{"SIG-7 a component twice", cover("@method", "@method", "@target-uri", "content-digest"), nil, ReasonMalformed},
		{"SIG-7 no signature of that label", func(d *messageDraft) { d.dropped = true }, nil, ReasonMalformed},
		{"SIG-7 a label twice", func(d *messageDraft) {
			d.before = [2]string{`sig1=("@method");created=1;keyid="x", `, ""}
		}, nil, ReasonMalformed},
		{"SIG-7 the signature twice", func(d *messageDraft) { d.before = [2]string{"", "sig1=:AAAA:, "} }, nil, ReasonMalformed},
		{"SIG-7 the second label is the good one", func(d *messageDraft) {
			d.before = [2]string{`proxy=("@status" "x";sf);created=1;keyid="x", `, "proxy=:AAAA:, "}
		}, nil, ""},
		{"SIG-7 five labels", func(d *messageDraft) {
			d.before = [2]string{`a=();x=1, b=();x=1, c=();x=1, d=();x=1, `, ""}
		}, nil, ReasonMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := goodMessage()
			tt.change(&d)
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

// TestBothForms: where a request could be read both ways, RFC 9421 counts, so that
// nobody can choose the weaker one by adding a header.
func TestBothForms(t *testing.T) {
	d := goodPost()
	r := d.request(t)
	r.Header.Set("Signature-Input", `sig1=("@method");created=1;keyid="x"`)
	_, err := ParseSignature(r)
	wantReason(t, err, ReasonMalformed)
}

// FuzzMessageSignature is FuzzCavage for RFC 9421 (SIG-7).
func FuzzMessageSignature(f *testing.F) {
	testKeys() // made here, for a single run of the target has little time
	f.Add(`sig1=("@method" "@target-uri" "content-digest");created=1772366400;keyid="k";alg="ed25519"`, `sig1=:AAAA:`)
	f.Add(`a=("@method";req "x");created=1, b=("@path" "@query" "@authority" "@method");keyid="a\"b"`, `b=:AA==:;x=?1, a=:AAAA:`)
	f.Fuzz(func(t *testing.T, input, value string) {
		r := &http.Request{Method: "GET", RequestURI: "/x?y", Host: "mill.example", Header: http.Header{
			"Signature-Input": {input}, "Signature": {value}, "Date": {testNow.Format(http.TimeFormat)},
		}}
		s, err := ParseSignature(r)
		if err != nil {
			var bad *SignatureError
			if !errors.As(err, &bad) {
				t.Fatalf("an error of type %T", err)
			}
			return
		}
		checkParsed(t, s)
		if err := s.Check(r, nil, testBase, testNow); err != nil {
			return
		}
		if got := len(strings.Split(string(s.bases[0]), "\n")); got != len(s.covered)+1 {
			t.Fatalf("%d lines for %d components", got, len(s.covered))
		}
		wantBound(t, s, r)
	})
}

// FuzzDigest: only a digest of the body itself is ever accepted (SIG-4).
func FuzzDigest(f *testing.F) {
	f.Add("SHA-256="+sha256Of("x"), "x")
	f.Add("sha-256=:"+sha256Of("x")+":, sha-512=:AAAA:", "x")
	f.Fuzz(func(t *testing.T, header, body string) {
		if checkDigest([]string{header}, []byte(body)) == nil && checkDigest([]string{header}, []byte(body+"x")) == nil {
			t.Error("one Digest for two bodies")
		}
		if checkContentDigest([]string{header}, []byte(body)) == nil && checkContentDigest([]string{header}, []byte(body+"x")) == nil {
			t.Error("one Content-Digest for two bodies")
		}
	})
}
