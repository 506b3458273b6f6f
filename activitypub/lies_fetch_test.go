package activitypub_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/coopnode/coopnode/activitypub/aptest"
)

// writes answers with a document of some type.
func writes(contentType string, doc any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil // or net/http would guess one
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		if b, ok := doc.([]byte); ok {
			w.Write(b)
			return
		}
		w.Write(marshal(doc))
	}
}

// endless writes until the other side has had enough, which it must have before 64 MiB.
func endless(w io.Writer, begin string) {
	io.WriteString(w, begin)
	for range 1024 {
		if _, err := io.WriteString(w, strings.Repeat("a", 64<<10)); err != nil {
			return
		}
	}
}

// shared is a lie in which somebody whom we follow announces a note, which its home tells in a way of its own.
// The note and its author are as they should be.
func (s *scene) shared(name string, asks int, h func(x *aptest.Stranger, note m) http.HandlerFunc) lie {
	x := s.stranger()
	note := x.Person("mallory").Note("<p>Hello.</p>", nil)
	x.Handle(note["id"].(string), h(x, note))
	return lie{name: name, status: 202, by: s.fay, letter: s.fay.Do("Announce", note["id"]), asks: asks}
}

// documentLies are what a home says when it is asked for a note (ORG-4, ORG-5, JSON-2, LIM).
func (s *scene) documentLies() []lie {
	var lies []lie
	for _, tt := range []struct{ name, contentType string }{
		{"ORG-5 a note as a page", "text/html; charset=utf-8"},
		{"ORG-5 a note as text", "text/plain"},
		{"ORG-5 a note as plain JSON", "application/json"},
		{"ORG-5 a note as JSON-LD of no profile", "application/ld+json"},
		{"ORG-5 a note as JSON-LD of another profile", `application/ld+json; profile="https://example.com/"`},
		{"ORG-5 a note as JSON-LD of a profile that begins so", `application/ld+json; profile="https://www.w3.org/ns/activitystreams2"`},
		{"ORG-5 an upload that is a note: a picture", "image/png"},
		{"ORG-5 an upload that is a note: a file", "application/octet-stream"},
		{"ORG-5 a note as nothing", ""},
		{"ORG-5 a note as two types", "application/activity+json, text/html"},
		{"ORG-5 a note as JSON feed", "application/feed+json"},
	} {
		lies = append(lies, s.shared(tt.name, 1, func(_ *aptest.Stranger, note m) http.HandlerFunc { return writes(tt.contentType, note) }))
	}
	for _, tt := range []struct {
		name   string
		change func(doc []byte) []byte
	}{
		{"JSON-2 two notes", func(b []byte) []byte { return append(b, b...) }},
		{"JSON-2 a note with a key twice", func(b []byte) []byte { return bytes.Replace(b, []byte("{"), []byte(`{"type":"Article",`), 1) }},
		{"JSON-2 a note after a byte order mark", func(b []byte) []byte { return append([]byte("\ufeff"), b...) }},
		{"JSON-2 a note that is cut off", func(b []byte) []byte { return b[:len(b)-1] }},
		{"JSON-2 a note with half a letter pair", func(b []byte) []byte { return bytes.Replace(b, []byte("Hello"), []byte(`\ud800`), 1) }},
		{"JSON-2 a note that is not UTF-8", func(b []byte) []byte { return bytes.Replace(b, []byte("Hello"), []byte("\xff"), 1) }},
		{"a note in a list", func(b []byte) []byte { return append(append([]byte("["), b...), ']') }},
		{"a page with a note in it", func(b []byte) []byte { return fmt.Appendf(nil, `<script type="application/ld+json">%s</script>`, b) }},
		{"nothing", func([]byte) []byte { return nil }},
		{"JSON-1 a note by other names", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`"id"`), []byte(`"@id"`)) }},
		{"JSON-1 a note in a graph", func(b []byte) []byte { return fmt.Appendf(nil, `{"@graph":[%s]}`, b) }},
		{"LIM a note of 33 levels", func(b []byte) []byte {
			return append(b[:len(b)-1], []byte(`,"x":`+strings.Repeat("[", 32)+strings.Repeat("]", 32)+"}")...)
		}},
		{"LIM a note of 20,001 values", func(b []byte) []byte {
			return append(b[:len(b)-1], []byte(`,"x":[`+strings.Repeat("0,", 20_000)+"0]}")...)
		}},
		{"LIM a note of 1 MiB and a byte", func(b []byte) []byte { return append(b, bytes.Repeat([]byte(" "), 1<<20)...) }},
		{"LIM a note to 1,001", func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"to":[`), []byte(`"to":[`+strings.Repeat(`"http://x.localhost/",`, 1001)), 1)
		}},
	} {
		lies = append(lies, s.shared(tt.name, 1, func(_ *aptest.Stranger, note m) http.HandlerFunc {
			return writes("application/activity+json", tt.change(marshal(note)))
		}))
	}
	packed := func(name, encoding string, pack func(io.Writer) io.WriteCloser, more int) lie {
		return s.shared(name, 1, func(_ *aptest.Stranger, note m) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/activity+json")
				w.Header().Set("Content-Encoding", encoding)
				z := pack(w)
				b := marshal(note)
				z.Write(b[:len(b)-1])
				fmt.Fprintf(z, `,"x":"%s"}`, strings.Repeat("a", more))
				z.Close()
			}
		})
	}
	gzipped := func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }
	deflated := func(w io.Writer) io.WriteCloser { z, _ := flate.NewWriter(w, 9); return z }
	cut := s.shared("a note that is shorter than it says", 1, func(_ *aptest.Stranger, note m) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/activity+json")
			w.Header().Set("Content-Length", "100000")
			w.Write(marshal(note))
		}
	})
	long := s.shared("OUT-6 headers without end", 1, func(*aptest.Stranger, m) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := range 2000 {
				w.Header().Set(fmt.Sprint("X-Many-", i), strings.Repeat("a", 64))
			}
		}
	})
	noHTTP := s.shared("an answer that is not HTTP", 2, func(*aptest.Stranger, m) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				io.WriteString(c, "SSH-2.0-OpenSSH\r\n")
				c.Close()
			}
		}
	})
	cut.putOff, long.putOff, noHTTP.putOff = true, true, true
	return append(lies, cut, long, noHTTP,
		packed("LIM a note packed a thousandfold", "gzip", gzipped, 8<<20),
		packed("an encoding that was not asked for", "deflate", deflated, 1),
		packed("an encoding that nobody has", "x", gzipped, 1),
		s.shared("LIM a note without end", 1, func(*aptest.Stranger, m) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/activity+json")
				endless(w, `{"x":"`)
			}
		}),
		s.shared("a page without end", 1, func(*aptest.Stranger, m) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				endless(w, "<p>")
			}
		}),
		s.shared("ORG-4 a note that is another each time", 2, func(x *aptest.Stranger, note m) http.HandlerFunc {
			other := aptest.With(note, m{"id": x.Base + "/notes/next"})
			x.Handle("/notes/next", writes("application/activity+json", aptest.With(note, m{"id": x.Base + "/notes/third"})))
			return writes("application/activity+json", other)
		}),
	)
}

// redirectLies lead from a right address to a wrong one (ORG-4, SSRF-5, LIM).
func (s *scene) redirectLies() []lie {
	led := func(name string, asks int, to func(x *aptest.Stranger, note m) string) lie {
		return s.shared(name, asks, func(x *aptest.Stranger, note m) http.HandlerFunc {
			where := to(x, note)
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Location"] = []string{where}
				w.WriteHeader(http.StatusFound)
			}
		})
	}
	hop := func(x *aptest.Stranger, from, to string) {
		x.Handle(from, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusMovedPermanently) })
	}
	lies := []lie{
		led("LIM to itself", 1, func(_ *aptest.Stranger, note m) string { return note["id"].(string) }),
		led("LIM to itself under a fragment", 1, func(_ *aptest.Stranger, note m) string { return note["id"].(string) + "#again" }),
		led("LIM in a circle of two", 2, func(x *aptest.Stranger, note m) string {
			hop(x, "/b", note["id"].(string))
			return "/b"
		}),
		led("LIM four times", 4, func(x *aptest.Stranger, note m) string {
			for i := range 3 {
				hop(x, fmt.Sprint("/hop/", i), fmt.Sprint("/hop/", i+1))
			}
			x.Serve("/hop/3", note)
			return "/hop/0"
		}),
		led("LIM without end", 4, func(x *aptest.Stranger, _ m) string {
			for i := range 20 {
				hop(x, fmt.Sprint("/hop/", i), fmt.Sprint("/hop/", i+1))
			}
			return "/hop/0"
		}),
		led("ORG-4 to another server, which has it", 2, func(_ *aptest.Stranger, note m) string {
			s.third.Serve("/copy", note)
			return s.third.Base + "/copy"
		}),
		led("ORG-4 to another server and back", 3, func(x *aptest.Stranger, note m) string {
			// The last hop is home again, so this one is true but for the author, who is not there.
			x.Serve("/home", aptest.With(note, m{"attributedTo": x.Base + "/users/nobody"}))
			hop(s.third, "/bounce", x.Base+"/home")
			return s.third.Base + "/bounce"
		}),
		led("ORG-4 to what is somebody else's", 2, func(_ *aptest.Stranger, _ m) string { return s.note["id"].(string) }),
		led("to nowhere", 1, func(*aptest.Stranger, m) string { return "" }),
		led("to what is no address", 1, func(*aptest.Stranger, m) string { return "http://[" }),
		led("to this node", 1, func(*aptest.Stranger, m) string { return s.post.IRI }),
		led("to this node under another name", 1, func(*aptest.Stranger, m) string {
			return strings.Replace(s.post.IRI, "localhost", "other.localhost", 1)
		}),
	}
	lies[6].asks = 4 // and the author
	for name, address := range inOrder(s.forbidden()) {
		lies = append(lies, led("SSRF-5 to "+name, 1, func(*aptest.Stranger, m) string { return address }))
	}
	return lies
}

// forbidden are addresses to which a node made with --dev must not go, whoever names them (SSRF-2 to SSRF-4).
func (s *scene) forbidden() map[string]string {
	_, port, _ := strings.Cut(strings.TrimPrefix(s.third.Base, "http://"), ":")
	_, own, _ := strings.Cut(strings.TrimPrefix(s.Links.Base, "http://"), ":")
	list := map[string]string{
		"a cloud's own service":             "http://169.254.169.254/latest/meta-data/",
		"a private network":                 "http://10.0.0.1/",
		"another private network":           "http://192.168.0.1:8080/",
		"the unspecified address":           "http://0.0.0.0:" + port + "/",
		"the unspecified address of IPv6":   "http://[::]:" + port + "/",
		"a multicast address":               "http://224.0.0.1/",
		"a public address":                  "http://93.184.216.34/",
		"loopback of IPv6":                  "http://[::1]:" + port + "/",
		"loopback in IPv6":                  "http://[::ffff:127.0.0.1]:" + port + "/",
		"loopback in IPv6, in hexadecimal":  "http://[::ffff:7f00:1]:" + port + "/",
		"loopback as a number":              "http://2130706433:" + port + "/",
		"loopback in hexadecimal":           "http://0x7f000001:" + port + "/",
		"loopback in octal":                 "http://0177.0.0.1:" + port + "/",
		"loopback in short":                 "http://127.1:" + port + "/",
		"a name of the internet":            "https://coop.example/",
		"a name that ends like an own one":  "http://notlocalhost:" + port + "/",
		"a name behind user information":    "http://third.localhost@10.0.0.1/",
		"a name with user information":      "http://x@third.localhost:" + port + "/",
		"a name with a trailing dot":        "http://third.localhost.:" + port + "/",
		"port 0":                            "http://third.localhost:0/",
		"port 65536":                        "http://third.localhost:65536/",
		"a file":                            "file:///etc/passwd",
		"FTP":                               "ftp://third.localhost:" + port + "/",
		"Gopher":                            "gopher://third.localhost:" + port + "/_GET",
		"data":                              "data:application/activity+json,{}",
		"this node by an IP address":        "http://127.0.0.1:" + own + "/ap/coop",
		"this node by another name":         "http://other.localhost:" + own + "/ap/coop",
		"a name that DNS does not tell yet": "http://169.254.169.254.localhost.internal/",
	}
	for i, a := range s.decoy.addresses {
		list[fmt.Sprint("another address of this machine ", i)] = a + "/"
	}
	return list
}

// addressLies name an address where the node would go next (SSRF-1 to SSRF-6). What they say besides may be true.
func (s *scene) addressLies() []lie {
	var lies []lie
	for name, address := range inOrder(s.forbidden()) {
		lies = append(lies, lie{name: "object: " + name, status: 202, by: s.fay, letter: s.fay.Do("Announce", address)})

		note := s.fay.Note("<p>See there.</p>", m{"inReplyTo": address, "url": address, "context": address, "replies": address,
			"quoteUrl": address, "attachment": []any{m{"type": "Image", "mediaType": "image/png", "url": address}},
			"tag": []any{m{"type": "Mention", "href": address, "name": "@x"}, m{"type": "Emoji", "icon": m{"url": address}}}})
		lies = append(lies, lie{name: "note: " + name, status: 202, by: s.fay, letter: s.fay.Create(note), keeps: true})

		x := s.stranger()
		p := x.Person("mallory")
		x.Serve(p.ID, aptest.With(p.Document("mallory"), m{"inbox": address}))
		lies = append(lies, lie{name: "inbox: " + name, status: 401, by: p, letter: p.Do("Follow", s.Links.Actor()), asks: 1})

		x = s.stranger()
		p = x.Person("trent") // honest but for the addresses beside his own
		x.Serve(p.ID, aptest.With(p.Document("trent"), m{"endpoints": m{"sharedInbox": address}, "outbox": address, "followers": address,
			"featured": address, "url": address, "icon": m{"type": "Image", "url": address}, "image": m{"type": "Image", "url": address}}))
		lies = append(lies, lie{name: "shared inbox and more: " + name, status: 202, by: p, letter: p.Do("Follow", s.Links.Actor()), asks: 2, keeps: true, after: func() {
			if n := x.Count(http.MethodPost, "/users/trent/inbox"); n != 1 {
				s.Errorf("%d letters came to his own inbox, want the Accept", n)
			}
		}})
	}
	return lies
}
