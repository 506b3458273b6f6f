package activitypub

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/go-fed/httpsig"
)

func benchPeer(b *testing.B) string {
	testKeys() // not on the clock
	s := servePeer(b, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
	})
	return s.URL + "/inbox"
}

// BenchmarkPost is a whole delivery over a kept connection. Compare it with
// BenchmarkPostReference: the target is 1.25 times that (performance.md 11). Both
// have the peer in the same process.
func BenchmarkPost(b *testing.B) {
	c, address := newTestClient(b, nil), benchPeer(b)
	b.ReportAllocs()
	for b.Loop() {
		if res, err := c.Post(b.Context(), address, sampleLetter); err != nil || !res.OK() {
			b.Fatal(err)
		}
	}
}

// BenchmarkPostReference is one httpsig signature and one POST, with nothing around.
func BenchmarkPostReference(b *testing.B) {
	address, client := benchPeer(b), &http.Client{}
	b.ReportAllocs()
	for b.Loop() {
		req, err := http.NewRequest("POST", address, bytes.NewReader(sampleLetter))
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Content-Type", typeActivity)
		req.Header.Set("Host", req.URL.Host)
		req.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
		s, _, err := httpsig.NewSigner([]httpsig.Algorithm{httpsig.RSA_SHA256}, httpsig.DigestSha256,
			[]string{httpsig.RequestTarget, "host", "date", "digest", "content-type"}, httpsig.Signature, 0)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.SignRequest(testKeys().rsa, testKeyID, req, sampleLetter); err != nil {
			b.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
}

// BenchmarkPostUnsigned shows what the client itself costs.
func BenchmarkPostUnsigned(b *testing.B) {
	c, address := newTestClient(b, func(o *ClientOptions) { o.Sign = nil }), benchPeer(b)
	b.ReportAllocs()
	for b.Loop() {
		if res, err := c.Post(b.Context(), address, sampleLetter); err != nil || !res.OK() {
			b.Fatal(err)
		}
	}
}

func BenchmarkSignPost(b *testing.B) {
	req, err := http.NewRequest("POST", "https://mill.example/ap/inbox", bytes.NewReader(sampleLetter))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", typeActivity)
	b.ReportAllocs()
	for b.Loop() {
		if err := SignPost(req, sampleLetter, testKeyID, testKeys().rsa, testNow); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerify is all that the door does with a signature once it has the key.
func BenchmarkVerify(b *testing.B) {
	for name, r := range map[string]*http.Request{
		"cavage": goodPost().request(b), "rfc9421": goodMessage().request(b),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := verifyRequest(r, testBody, testBase, &testKeys().rsa.PublicKey, testNow); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
