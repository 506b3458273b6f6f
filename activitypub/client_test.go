package activitypub

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// newTestClient is a client of a --dev node that signs with the test key.
func newTestClient(t testing.TB, change func(*ClientOptions)) *Client {
	t.Helper()
	opt := ClientOptions{
		Rules:     AddressRules{Dev: true},
		UserAgent: "coopnode/test (+http://mill.localhost/)",
		Sign: func(req *http.Request, body []byte, how Signing) (string, error) {
			switch {
			case how.Form == RFC9421:
				return testKeyID, signMessage(req, body, testKeyID, testKeys().rsa, time.Now(), how.asked)
			case req.Method == http.MethodPost:
				return testKeyID, SignPost(req, body, testKeyID, testKeys().rsa, time.Now())
			}
			return testKeyID, SignGet(req, testKeyID, testKeys().rsa, time.Now())
		},
	}
	if change != nil {
		change(&opt)
	}
	c, err := NewClient(opt)
	if err != nil {
		t.Fatal(err)
	}
	c.drainTimeout = 300 * time.Millisecond
	t.Cleanup(c.Close)
	return c
}

// servePeer starts a peer on loopback.
func servePeer(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

// writeNote writes a small ActivityPub document that names itself id.
func writeNote(w http.ResponseWriter, id string) {
	w.Header().Set("Content-Type", typeActivity)
	fmt.Fprintf(w, `{"id":%q,"type":"Note"}`, id)
}

// peerAddress returns the address of s under a name, since --dev knows names below localhost.
func peerAddress(t testing.TB, s *httptest.Server, host string) string {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + host + ":" + u.Port()
}

// TestGetActivitySigned: what goes out, and what comes back.
func TestGetActivitySigned(t *testing.T) {
	var base BaseURL
	s := servePeer(t, func(w http.ResponseWriter, r *http.Request) {
		if err := verifyRequest(r, "", base, &testKeys().rsa.PublicKey, time.Now()); err != nil {
			t.Error(err)
		}
		if got := r.Header.Get("Accept"); got != acceptActivity {
			t.Errorf("Accept %q", got)
		}
		if got := r.UserAgent(); got != "coopnode/test (+http://mill.localhost/)" {
			t.Errorf("OUT-4 user agent %q", got)
		}
		if r.RequestURI != "/notes/1?x=%20" {
			t.Errorf("asked for %q", r.RequestURI)
		}
		w.Header().Set("ETag", `"7"`)
		w.Header().Set("Content-Type", `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`)
		io.WriteString(w, `{"id":"x"}`)
	})
	address := peerAddress(t, s, "bakery.localhost")
	base, err := ParseBaseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := newTestClient(t, nil).GetActivity(t.Context(), address+"/notes/1?x=%20#part")
	if err != nil {
		t.Fatal(err)
	}
	if doc.URL != address+"/notes/1?x=%20" || doc.Status != 200 || doc.ETag != `"7"` ||
		doc.Type != "application/ld+json" || string(doc.Bytes) != `{"id":"x"}` || Str(doc.Object, "id") != "x" {
		t.Errorf("got %+v", doc)
	}
}

// TestGetAnswers: which answers become documents and what the others become
// (ORG-5, OUT-6, JSON-2).
func TestGetAnswers(t *testing.T) {
	answer := func(status int, contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
			io.WriteString(w, body)
		}
	}
	var bomb bytes.Buffer // 8 MiB of zeros in 8 kB
	z := gzip.NewWriter(&bomb)
	if _, err := z.Write(make([]byte, 8<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	fill := `{"a":"` + strings.Repeat("x", 100_000) + `","b":"` + strings.Repeat("x", 100_000) + `"}`
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		want    string // of outcome
	}{
		{"activity+json", answer(200, typeActivity, `{}`), "document"},
		{"with a charset", answer(200, typeActivity+"; charset=utf-8", `{}`), "document"},
		{"ld+json with the profile", answer(200, `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`, `{}`), "document"},
		{"ld+json with two profiles", answer(200, `application/ld+json; profile="urn:x https://www.w3.org/ns/activitystreams"`, `{}`), "document"},
		{"ORG-5 ld+json without", answer(200, "application/ld+json", `{}`), "not the document"},
		{"ORG-5 plain JSON", answer(200, "application/json", `{}`), "not the document"},
		{"ORG-5 a page", answer(200, "text/html", `{}`), "not the document"},
		{"ORG-5 an upload that looks like one", answer(200, "image/png", `{}`), "not the document"},
		{"ORG-5 no type", answer(200, "", `{}`), "not the document"},
		{"a key twice", answer(200, typeActivity, `{"id":1,"id":2}`), "not the document"},
		{"a list", answer(200, typeActivity, `[]`), "not the document"},
		{"nothing", answer(200, typeActivity, ``), "not the document"},
		{"a long one", answer(200, typeActivity, fill), "document"},
		{"OUT-6 over 1 MiB", answer(200, typeActivity, fill+strings.Repeat(" ", 1<<20)), "not the document"},
		{"OUT-6 without an end", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", typeActivity)
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, "not the document"},
		{"gzip", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", typeActivity)
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			io.WriteString(z, `{}`)
			z.Close()
		}, "document"},
		{"OUT-6 a gzip bomb", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", typeActivity)
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(bomb.Bytes())
		}, "not the document"},
		{"an encoding that was not asked for", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			writeNote(w, "x")
		}, "not the document"},
		{"OUT-6 too many headers", func(w http.ResponseWriter, r *http.Request) {
			for i := range 70 {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 1000))
			}
			writeNote(w, "x")
		}, "network"},
		{"OUT-1 no answer", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "network"},
		{"OUT-2 an answer drop by drop", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", typeActivity)
			for r.Context().Err() == nil {
				io.WriteString(w, " ")
				w.(http.Flusher).Flush()
				time.Sleep(50 * time.Millisecond)
			}
		}, "network"},
		{"a broken answer", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", typeActivity)
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "{}")
		}, "network"},
		{"401", answer(401, typeActivity, `{}`), "status 401"},
		{"404", answer(404, typeActivity, `{}`), "status 404"},
		{"410", answer(410, "text/plain", `gone`), "status 410 gone"},
		{"410 with a Tombstone", answer(410, typeActivity, `{"type":"Tombstone"}`), "status 410 gone tombstone"},
		{"410 with a Tombstone in a page", answer(410, "text/html", `{"type":"Tombstone"}`), "status 410 gone"},
		{"500 with a long page", answer(500, "text/html", strings.Repeat("x", 1<<20)), "status 500"},
		{"304 to nothing", answer(304, typeActivity, ""), "status 304"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := servePeer(t, tt.handler)
			c := newTestClient(t, nil)
			if strings.HasPrefix(tt.name, "OUT-1") || strings.HasPrefix(tt.name, "OUT-2") {
				c.getTimeout = time.Second
			}
			begin := time.Now()
			doc, err := c.GetActivity(t.Context(), s.URL+"/x")
			if got := outcome(doc != nil, err); got != tt.want {
				t.Errorf("got %s (%v), want %s", got, err, tt.want)
			}
			if took := time.Since(begin); took > c.getTimeout+20*time.Second { // it ends, on a busy machine too
				t.Errorf("took %v", took)
			}
			var status *StatusError
			if errors.As(err, &status) && status.RetryAfter != 7*time.Second {
				t.Errorf("Retry-After read as %v", status.RetryAfter)
			}
		})
	}
}

// outcome says in words what a request came to.
func outcome(ok bool, err error) string {
	var status *StatusError
	var network *NetworkError
	var refused *RefusedError
	var document *DocumentError
	switch {
	case err == nil && ok:
		return "document"
	case errors.As(err, &status):
		s := fmt.Sprintf("status %d", status.Code)
		if status.Gone() {
			s += " gone"
		}
		if status.Tombstone {
			s += " tombstone"
		}
		return s
	case errors.As(err, &network):
		return "network"
	case errors.As(err, &refused):
		return "refused"
	case errors.As(err, &document):
		return "not the document"
	}
	return fmt.Sprint("something else: ", err)
}

// TestRedirects: each hop is checked like a first request and signed anew (SSRF-5),
// and the end must be where the id is from (ORG-4).
func TestRedirects(t *testing.T) {
	other := servePeer(t, func(w http.ResponseWriter, r *http.Request) {
		if back, ok := strings.CutPrefix(r.URL.Path, "/back/"); ok {
			http.Redirect(w, r, "http://"+back+"/end", http.StatusFound)
			return
		}
		writeNote(w, "x")
	})
	gone := servePeer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) })
	hops := func(n int) string { return fmt.Sprintf("/hop/%d", n) }
	for _, tt := range []struct {
		name string
		path string
		want string
	}{
		{"one, relative", hops(1), "document"},
		{"three", hops(3), "document"},
		{"four", hops(4), "not the document"},
		{"in a circle", "/circle", "not the document"},
		{"to itself but for the fragment", "/fragment", "not the document"},
		{"to nowhere", "/to?", "not the document"},
		{"with a space", "/to?%2Fa%20b", "not the document"},
		{"ORG-4 to another origin", "/to?" + other.URL + "/end", "not the document"},
		{"ORG-4 the 410 of another origin", "/to?" + gone.URL, "not the document"},
		{"by another origin and back", "/away", "document"},
		{"SSRF-5 to a private address", "/to?http://10.0.0.1/", "refused"},
		{"SSRF-5 to a metadata service", "/to?http://169.254.169.254/", "refused"},
		{"SSRF-5 to a name outside", "/to?https://evil.example/", "refused"},
		{"SSRF-5 with user information", "/to?http://a:b@127.0.0.1/", "refused"},
		{"SSRF-5 to a file", "/to?file:///etc/passwd", "refused"},
		{"SSRF-5 to the node itself", "/to?http://127.0.0.1:9/", "refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := servePeer(t, func(w http.ResponseWriter, r *http.Request) {
				if _, err := ParseSignature(r); err != nil {
					t.Errorf("hop %s: %v", r.URL, err)
				}
				var n int
				switch {
				case r.URL.Path == "/end" || r.URL.Path == "/hop/0":
					writeNote(w, "x")
				case r.URL.Path == "/circle":
					http.Redirect(w, r, "/circle2", http.StatusFound)
				case r.URL.Path == "/circle2":
					http.Redirect(w, r, "/circle", http.StatusSeeOther)
				case r.URL.Path == "/fragment":
					http.Redirect(w, r, "/fragment#x", http.StatusPermanentRedirect)
				case r.URL.Path == "/away":
					http.Redirect(w, r, other.URL+"/back/"+r.Host, http.StatusTemporaryRedirect)
				case r.URL.Path == "/to":
					to, _ := url.QueryUnescape(r.URL.RawQuery)
					w.Header()["Location"] = []string{to}
					w.WriteHeader(http.StatusMovedPermanently)
				default:
					fmt.Sscanf(r.URL.Path, "/hop/%d", &n)
					w.Header().Set("Location", fmt.Sprint(n-1))
					w.WriteHeader(http.StatusFound)
				}
			})
			c := newTestClient(t, func(o *ClientOptions) {
				o.Rules.Own = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:9")}
			})
			doc, err := c.GetActivity(t.Context(), s.URL+tt.path)
			if got := outcome(doc != nil, err); got != tt.want {
				t.Errorf("got %s (%v), want %s", got, err, tt.want)
			}
		})
	}
}

// TestRedirectToPlain: https is never left for http, not even with --dev (SSRF-5).
func TestRedirectToPlain(t *testing.T) {
	plain := servePeer(t, func(w http.ResponseWriter, _ *http.Request) { writeNote(w, "x") })
	s := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	defer s.Close()
	c := newTestClient(t, func(o *ClientOptions) {
		o.RootCAs = x509.NewCertPool()
		o.RootCAs.AddCert(s.Certificate())
	})
	doc, err := c.GetJSON(t.Context(), s.URL, "application/json")
	if got := outcome(doc != nil, err); got != "refused" {
		t.Errorf("got %s (%v)", got, err)
	}
}

// TestGetObject: a document must be what its id says (ORG-4).
func TestGetObject(t *testing.T) {
	var s *httptest.Server
	s = servePeer(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/right", "/old":
			writeNote(w, s.URL+"/right")
		case "/restless":
			writeNote(w, s.URL+"/restless?again")
		case "/foreign":
			writeNote(w, "http://other.localhost/right")
		default:
			writeNote(w, "")
		}
	})
	c := newTestClient(t, nil)
	for path, want := range map[string]string{
		"/right":    "document",
		"/old":      "document",
		"/foreign":  "not the document",
		"/nameless": "not the document",
	} {
		doc, err := c.GetObject(t.Context(), s.URL+path)
		if got := outcome(doc != nil, err); got != want {
			t.Errorf("%s: got %s (%v), want %s", path, got, err, want)
		}
		if doc != nil && Str(doc.Object, "id") != s.URL+"/right" {
			t.Errorf("%s: got %s", path, doc.Bytes)
		}
	}
	if doc, err := c.GetObject(t.Context(), s.URL+"/restless"); err != nil || Str(doc.Object, "id") != s.URL+"/restless?again" {
		t.Errorf("one more fetch: %v", err)
	}
}

// TestGetJSON: WebFinger and NodeInfo come unsigned, as some JSON type, and may be
// somewhere else (SSRF-6).
func TestGetJSON(t *testing.T) {
	other := servePeer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/jrd+json; charset=utf-8")
		io.WriteString(w, `{"subject":"acct:a@b"}`)
	})
	s := servePeer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Signature") != "" || r.Header.Get("Accept") != "application/jrd+json" {
			t.Errorf("sent %v", r.Header)
		}
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, other.URL, http.StatusFound)
		case "/page":
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, `{}`)
		default:
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"subject":"acct:a@b"}`)
		}
	})
	c := newTestClient(t, nil)
	for path, want := range map[string]string{"/here?resource=acct:a@b": "document", "/moved": "document", "/page": "not the document"} {
		doc, err := c.GetJSON(t.Context(), s.URL+path, "application/jrd+json")
		if got := outcome(doc != nil, err); got != want {
			t.Errorf("%s: got %s (%v), want %s", path, got, err, want)
		}
	}
}

// TestQueryLeftOut: a peer that verifies without the query gets a second try, once,
// with the query still in the request.
func TestQueryLeftOut(t *testing.T) {
	for _, always401 := range []bool{false, true} {
		var asked atomic.Int32
		s := servePeer(t, func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			if r.RequestURI != "/x?page=2" {
				t.Errorf("asked for %q", r.RequestURI)
			}
			bare := r.Clone(r.Context())
			bare.RequestURI = "/x"
			err := verifyRequest(bare, "", BaseURL{"http", r.Host}, &testKeys().rsa.PublicKey, time.Now())
			if err != nil || always401 {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			writeNote(w, "x")
		})
		_, err := newTestClient(t, nil).GetActivity(t.Context(), s.URL+"/x?page=2")
		if (err != nil) != always401 || asked.Load() != 2 {
			t.Errorf("always 401: %v, error %v, asked %d times", always401, err, asked.Load())
		}
	}
}

// TestPost: a delivery, its answers, and its kept connection.
func TestPost(t *testing.T) {
	var conns, followed atomic.Int32
	var redirectTo atomic.Value
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if err := verifyRequest(r, string(body), BaseURL{"http", r.Host}, &testKeys().rsa.PublicKey, time.Now()); err != nil {
			t.Error(err)
		}
		if got := r.Header.Get("Content-Type"); got != typeActivity || string(body) != testBody {
			t.Errorf("got %q, %q", got, body)
		}
		if _, ok := r.Header["Idempotency-Key"]; ok {
			t.Error("an Idempotency-Key was sent")
		}
		var status int
		fmt.Sscanf(r.URL.Path, "/%d", &status)
		w.Header().Set("Retry-After", "99999999")
		if to := r.URL.Query().Get("to"); to != "" {
			redirectTo.Store(to)
			w.Header().Set("Location", to)
		}
		w.WriteHeader(status)
		io.WriteString(w, strings.Repeat("x", 5000))
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	target := servePeer(t, func(http.ResponseWriter, *http.Request) { followed.Add(1) })
	c := newTestClient(t, nil)
	for _, status := range []int{200, 202, 400, 401, 404, 410, 429, 500, 503} {
		res, err := c.Post(t.Context(), fmt.Sprintf("%s/%d#f", s.URL, status), []byte(testBody))
		if err != nil {
			t.Fatal(err)
		}
		if res.Status != status || res.OK() != (status < 300) || res.RetryAfter != 24*time.Hour {
			t.Errorf("OUT-5 got %+v for %d", res, status)
		}
	}
	for _, status := range []int{301, 302, 303, 307, 308} {
		res, err := c.Post(t.Context(), fmt.Sprintf("%s/%d?to=%s", s.URL, status, target.URL), []byte(testBody))
		if got := outcome(res != nil, err); got != fmt.Sprintf("status %d", status) {
			t.Errorf("%d: got %s", status, got)
		}
	}
	if redirectTo.Load() != target.URL || followed.Load() != 0 {
		t.Errorf("a POST was redirected to %v %d times", redirectTo.Load(), followed.Load())
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1 that is kept", n)
	}
}

// TestPostSlow: the head of an answer has its time, and the rest of it less (OUT-2).
func TestPostSlow(t *testing.T) {
	for _, tt := range []struct {
		name  string
		head  bool
		want  string
		limit time.Duration
	}{
		{"no head", false, "network", 9 * time.Second}, // the transport alone would wait for 10 s
		{"a body without end", true, "document", postTimeout * 2 / 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := servePeer(t, func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				if tt.head {
					w.WriteHeader(202)
					w.(http.Flusher).Flush()
				}
				<-r.Context().Done()
			})
			c := newTestClient(t, nil)
			if !tt.head {
				c.postTimeout = time.Second
			}
			begin := time.Now()
			res, err := c.Post(t.Context(), s.URL, []byte(testBody))
			if got := outcome(res != nil, err); got != tt.want {
				t.Errorf("got %s (%v), want %s", got, err, tt.want)
			}
			if took := time.Since(begin); took > tt.limit {
				t.Errorf("took %v", took)
			}
		})
	}
}

// TestPostOnClosedConnection: a peer that closes a kept connection while the next
// letter is on its way gets that letter on a new one.
func TestPostOnClosedConnection(t *testing.T) {
	var letters atomic.Int32
	s := servePeer(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if letters.Add(1) == 2 {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			conn.Close()
			return
		}
		w.WriteHeader(202)
	})
	c := newTestClient(t, nil)
	for i := range 2 {
		if res, err := c.Post(t.Context(), s.URL, []byte(testBody)); err != nil || !res.OK() {
			t.Errorf("letter %d: %v", i+1, err)
		}
	}
	if n := letters.Load(); n != 3 {
		t.Errorf("%d letters arrived, want 3", n)
	}
}

// TestCancelled: the end of the caller's context is not the peer's fault.
func TestCancelled(t *testing.T) {
	s := servePeer(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	c := newTestClient(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	for name, err := range map[string]error{
		"get":  errOf(c.GetActivity(ctx, s.URL)),
		"post": errOf(c.Post(ctx, s.URL, []byte(testBody))),
	} {
		var network *NetworkError
		if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func errOf[T any](_ T, err error) error { return err }

// productionPeer is a TLS server, and options that allow its address and port only
// (T-4).
func productionPeer(t *testing.T) (*httptest.Server, ClientOptions) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { writeNote(w, "x") }))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return s, ClientOptions{
		RootCAs: pool,
		Rules: AddressRules{
			AllowCIDRs: prefixes("127.0.0.1/32"),
			AllowPorts: []int{s.Listener.Addr().(*net.TCPAddr).Port},
		},
	}
}

// TestProduction: https and certificates under production rules (SSRF-3, SSRF-4).
func TestProduction(t *testing.T) {
	s, opt := productionPeer(t)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, []byte(pemText("CERTIFICATE", s.Certificate().Raw)), 0o600); err != nil {
		t.Fatal(err)
	}
	port := opt.Rules.AllowPorts[0]
	for _, tt := range []struct {
		name    string
		change  func(*ClientOptions)
		address string
		want    string
	}{
		{"allowed", func(*ClientOptions) {}, s.URL, "document"},
		{"the certificate from a file", func(o *ClientOptions) { o.RootCAs, o.CAFile = nil, ca }, s.URL, "document"},
		{"the next address", func(*ClientOptions) {}, fmt.Sprintf("https://127.0.0.2:%d", port), "refused"},
		{"a name for a refused address", func(o *ClientOptions) { o.Rules.AllowCIDRs = nil }, fmt.Sprintf("https://localhost:%d", port), "refused"},
		{"http", func(*ClientOptions) {}, strings.Replace(s.URL, "https", "http", 1), "refused"},
		{"the port is not allowed", func(o *ClientOptions) { o.Rules.AllowPorts = nil }, s.URL, "refused"},
		{"an unknown certificate", func(o *ClientOptions) { o.RootCAs = nil }, s.URL, "network"},
		{"a certificate for other names", func(*ClientOptions) {}, fmt.Sprintf("https://localhost:%d", port), "network"},
		{"the node itself", func(o *ClientOptions) {
			o.Rules.Own = []netip.AddrPort{netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(port))}
		}, s.URL, "refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := opt
			tt.change(&o)
			c, err := NewClient(o)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			doc, err := c.GetActivity(t.Context(), tt.address)
			if got := outcome(doc != nil, err); got != tt.want {
				t.Errorf("got %s (%v), want %s", got, err, tt.want)
			}
			res, err := c.Post(t.Context(), tt.address, []byte(testBody))
			if got := outcome(res != nil, err); got != tt.want {
				t.Errorf("POST: got %s (%v), want %s", got, err, tt.want)
			}
		})
	}
}

// nameServer answers every A question with what answer says.
func nameServer(t *testing.T, answer func() [4]byte) string {
	return serveNames(t, "127.0.0.1:0", func(m *dnsmessage.Message) {
		if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
			m.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
				Body:   &dnsmessage.AResource{A: answer()},
			}}
		}
	})
}

// serveNames starts a name server at address, where answer turns each question into what is said.
func serveNames(t *testing.T, address string, answer func(*dnsmessage.Message)) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Additionals = true, nil
			answer(&m)
			if out, err := m.Pack(); err == nil {
				conn.WriteTo(out, from)
			}
		}
	}()
	return conn.LocalAddr().String()
}

// TestRebinding: a name that had a good address when it was first looked at and has
// a bad one now is refused at the connection (SSRF-2).
func TestRebinding(t *testing.T) {
	_, opt := productionPeer(t)
	var last atomic.Int32
	last.Store(1)
	opt.Resolvers = []string{nameServer(t, func() [4]byte { return [4]byte{127, 0, 0, byte(last.Load())} })}
	c, err := NewClient(opt)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	address := fmt.Sprintf("https://example.com:%d/x", opt.Rules.AllowPorts[0])
	doc, err := c.GetActivity(t.Context(), address)
	if got := outcome(doc != nil, err); got != "document" {
		t.Fatalf("first answer: %s (%v)", got, err)
	}
	last.Store(2)
	c.Close()
	doc, err = c.GetActivity(t.Context(), address)
	if got := outcome(doc != nil, err); got != "refused" {
		t.Errorf("second answer: %s (%v)", got, err)
	}
	var refused *RefusedError
	if errors.As(err, &refused) && (refused.Range != "127.0.0.0/8" || !strings.Contains(refused.Host, "example.com")) {
		t.Errorf("the refusal says %+v", refused)
	}
}

// TestProxy: proxies of the environment are ignored; one from the configuration is
// used, and names are checked before it sees them (SSRF-7).
func TestProxy(t *testing.T) {
	var asked atomic.Value
	proxy := servePeer(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.RequestURI)
		writeNote(w, "x")
	})
	direct := servePeer(t, func(w http.ResponseWriter, r *http.Request) { writeNote(w, "x") })
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "ALL_PROXY"} {
		t.Setenv(name, proxy.URL)
	}
	if _, err := newTestClient(t, nil).GetActivity(t.Context(), peerAddress(t, direct, "a.localhost")); err != nil || asked.Load() != nil {
		t.Errorf("through the environment's proxy: %v, %v", asked.Load(), err)
	}
	c := newTestClient(t, func(o *ClientOptions) {
		o.Proxy = proxy.URL
		o.Rules.Own = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:9")}
	})
	if _, err := c.GetActivity(t.Context(), "http://a.localhost:1/x"); err != nil || asked.Load() != "http://a.localhost:1/x" {
		t.Errorf("through the proxy: %v, %v", asked.Load(), err)
	}
	_, err := c.GetActivity(t.Context(), "http://b.localhost:9/")
	if got := outcome(false, err); got != "refused" || asked.Load() != "http://a.localhost:1/x" {
		t.Errorf("own address through the proxy: %s, asked for %v", got, asked.Load())
	}
	_, opt := productionPeer(t)
	opt.Proxy = proxy.URL
	opt.Resolvers = []string{nameServer(t, func() [4]byte { return [4]byte{10, 0, 0, 1} })}
	closed, err := NewClient(opt)
	if err != nil {
		t.Fatal(err)
	}
	_, err = closed.GetActivity(t.Context(), "https://example.com/")
	if got := outcome(false, err); got != "refused" {
		t.Errorf("a private address through the proxy: %s (%v)", got, err)
	}
}

// TestAtOnce: connections per host, requests in all, and signatures (OUT-3).
func TestAtOnce(t *testing.T) {
	var mu sync.Mutex
	now, most := map[string]int{}, map[string]int{}
	enter := func(key string) {
		mu.Lock()
		defer mu.Unlock()
		now[key]++
		most[key] = max(most[key], now[key])
	}
	leave := func(key string) {
		mu.Lock()
		defer mu.Unlock()
		now[key]--
	}
	s := servePeer(t, func(w http.ResponseWriter, r *http.Request) {
		enter(r.Host)
		enter(r.Method)
		time.Sleep(20 * time.Millisecond)
		leave(r.Method)
		leave(r.Host)
		writeNote(w, "x")
	})
	c := newTestClient(t, func(o *ClientOptions) {
		o.Fetches, o.Posts, o.Gate = 7, 9, NewGate(2)
		o.Sign = func(*http.Request, []byte, Signing) (string, error) {
			enter("sign")
			time.Sleep(time.Millisecond)
			leave("sign")
			return "", nil
		}
	})
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			host := peerAddress(t, s, fmt.Sprintf("h%d.localhost", i%4))
			if _, err := c.GetActivity(t.Context(), host); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			host := peerAddress(t, s, fmt.Sprintf("h%d.localhost", i%4))
			if _, err := c.Post(t.Context(), host, []byte(testBody)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for key, n := range most {
		limit := map[string]int{"GET": 7, "POST": 9, "sign": 2}[key]
		if limit == 0 {
			limit = maxConnsPerHost
		}
		if n > limit {
			t.Errorf("%d at once for %s, want at most %d", n, key, limit)
		}
	}
	if most["sign"] < 2 || most["GET"] < 2 {
		t.Errorf("nothing happened at once: %v", most)
	}
}

// TestFetchRate: 20 fetches of one host at once, then 10 a second, and none that
// would wait for more than 5 s (OUT-3).
func TestFetchRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHostLimits(fetchesPerSecond, fetchBurst, maxLimitedHosts)
		begin := time.Now()
		for range 40 {
			if err := h.wait(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took < 1900*time.Millisecond || took > 2100*time.Millisecond {
			t.Errorf("40 took %v, want 2 s", took)
		}
		begin = time.Now()
		if err := h.wait(t.Context(), "b"); err != nil || time.Since(begin) > 0 {
			t.Errorf("another host waited: %v", err)
		}
		var failed atomic.Int32
		var wg sync.WaitGroup
		for range 80 {
			wg.Go(func() {
				if h.wait(t.Context(), "a") != nil {
					failed.Add(1)
				}
			})
		}
		wg.Wait()
		if n := failed.Load(); n < 28 || n > 32 {
			t.Errorf("%d of 80 gave up, want about 30", n)
		}
		for i := range 3 * maxLimitedHosts {
			if h.bucket(fmt.Sprint(i), time.Now()).Allow(); len(h.buckets) > maxLimitedHosts {
				t.Fatalf("%d hosts remembered", len(h.buckets))
			}
		}
	})
}

// TestRefusalLog: refused connections are in the log with host and range, once a
// minute (LOG-2, LOG-3).
func TestRefusalLog(t *testing.T) {
	_, opt := productionPeer(t)
	var log bytes.Buffer
	now := testNow
	opt.Log = slog.New(slog.NewTextHandler(&log, nil))
	opt.Now = func() time.Time { return now }
	opt.Resolvers = []string{nameServer(t, func() [4]byte { return [4]byte{10, 0, 0, 1} })}
	c, err := NewClient(opt)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{1, 1, 2} {
		_, err := c.Post(t.Context(), "https://mill.example/inbox", nil)
		if got := outcome(false, err); got != "refused" {
			t.Fatal(got)
		}
		if got := strings.Count(log.String(), "peer=mill.example address=10.0.0.1:443 range=10.0.0.0/8"); got != want {
			t.Errorf("%d lines, want %d:\n%s", got, want, &log)
		}
		if want == 1 && log.Len() > 0 {
			now = now.Add(31 * time.Second)
		}
	}
}

// TestNewClientSettings: a wrong setting is named.
func TestNewClientSettings(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		opt  ClientOptions
		want string
	}{
		{"a proxy without host", ClientOptions{Proxy: "3128"}, "[outgoing] proxy"},
		{"a name for a name server", ClientOptions{Resolvers: []string{"dns.example"}}, "[dns] resolvers"},
		{"no certificate file", ClientOptions{CAFile: "/nowhere/ca.pem"}, "ca_file"},
		{"a file without certificate", ClientOptions{CAFile: empty}, "ca_file"},
	} {
		if _, err := NewClient(tt.opt); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want it to name %s", tt.name, err, tt.want)
		}
	}
	if _, err := NewClient(ClientOptions{Resolvers: []string{"9.9.9.9", "[2620:fe::fe]:53", "2620:fe::fe"}}); err != nil {
		t.Error(err)
	}
}

// TestRetryAfter: seconds or a date, never more than a day (OUT-5).
func TestRetryAfter(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"":                        0,
		"0":                       0,
		"120":                     2 * time.Minute,
		" 120 ":                   2 * time.Minute,
		"86401":                   24 * time.Hour,
		"99999999999999999999999": 24 * time.Hour,
		"-1":                      0,
		"1.5":                     0,
		"soon":                    0,
		testNow.Add(time.Hour).Format(http.TimeFormat):        time.Hour,
		testNow.Add(-time.Hour).Format(http.TimeFormat):       0,
		testNow.Add(9999 * time.Hour).Format(http.TimeFormat): 24 * time.Hour,
	} {
		if got := RetryAfter(in, testNow); got != want {
			t.Errorf("%q: got %v, want %v", in, got, want)
		}
	}
}

// FuzzRetryAfter: never negative, never more than a day (OUT-5).
func FuzzRetryAfter(f *testing.F) {
	f.Add("120")
	f.Add("Sun, 01 Mar 2026 12:00:00 GMT")
	f.Fuzz(func(t *testing.T, header string) {
		if d := RetryAfter(header, testNow); d < 0 || d > maxRetryAfter {
			t.Errorf("%q gives %v", header, d)
		}
	})
}
