package activitypub

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// TestSecondGetAsksNothing: the answers that are asked for most are made once for each change.
func TestSecondGetAsksNothing(t *testing.T) {
	s := newSite(t)
	s.post(nil)
	l := s.node.Links
	o := s.opening(nil)
	for _, at := range []string{
		l.Actor(), l.Outbox() + "?page=true", l.Outbox(), l.Featured(), l.Followers(), o.IRI,
		l.Base + finger("acct:mill@"+l.Host()), l.Base + "/nodeinfo/2.1",
	} {
		for i, asks := range []bool{true, false, false} {
			before := s.store.asked.Load()
			s.get(at).want(200)
			if asked := s.store.asked.Load() - before; asked > 0 != asks {
				t.Errorf("GET %s, time %d: %d questions to the store", at, i+1, asked)
			}
		}
		s.store.changed.Add(1)
	}
}

// BenchmarkGet compares GETs over loopback with an echo handler that serves the same bytes, in
// turns in one run: the metric "ratio" is the quotient of the medians, to be at most 2.
func BenchmarkGet(b *testing.B) {
	s := newSite(b)
	for range 25 {
		s.opening(func(o *node.Opening) { o.Closes = s.node.Now().Add(240 * time.Hour) })
	}
	l := s.node.Links
	for name, at := range map[string]string{
		"actor": l.Actor(), "outbox page": l.Outbox() + "?page=true", "webfinger": l.Base + finger("acct:mill@"+l.Host()), "featured": l.Featured(),
	} {
		b.Run(name, func(b *testing.B) {
			r := s.get(at).want(200)
			plain := echo.New()
			plain.GET("/*", func(c echo.Context) error {
				c.Response().Header().Set("Content-Length", fmt.Sprint(len(r.body)))
				return c.Blob(http.StatusOK, r.header.Get("Content-Type"), r.body)
			})
			other := httptest.NewServer(plain)
			defer other.Close()
			ours, theirs := newAsker(b, s.node.Links.Host(), at), newAsker(b, other.Listener.Addr().String(), at)
			var a, z []time.Duration
			for b.Loop() {
				a = append(a, ours.ask(b, len(r.body)))
				z = append(z, theirs.ask(b, len(r.body)))
			}
			slices.Sort(a)
			slices.Sort(z)
			b.ReportMetric(float64(a[len(a)/2])/float64(z[len(z)/2]), "ratio")
			b.ReportMetric(float64(a[len(a)/2].Nanoseconds()), "ours-ns")
			b.ReportMetric(float64(z[len(z)/2].Nanoseconds()), "echo-ns")
		})
	}
}

// An asker has one kept connection and sends the same bytes again and again.
type asker struct {
	conn    net.Conn
	request []byte
	buf     []byte
}

func newAsker(b *testing.B, host, at string) *asker {
	conn, err := net.Dial("tcp", host)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	r, err := http.NewRequest(http.MethodGet, at, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Accept", acceptActivity)
	var request bytes.Buffer
	if err := r.Write(&request); err != nil {
		b.Fatal(err)
	}
	return &asker{conn, request.Bytes(), make([]byte, 256<<10)}
}

// ask takes the time to the last byte of a body of that size.
func (a *asker) ask(b *testing.B, size int) time.Duration {
	begun := time.Now()
	if _, err := a.conn.Write(a.request); err != nil {
		b.Fatal(err)
	}
	n, end := 0, -1
	for end < 0 || n < end {
		m, err := a.conn.Read(a.buf[n:])
		if err != nil {
			b.Fatal(err)
		}
		n += m
		if i := bytes.Index(a.buf[:n], []byte("\r\n\r\n")); end < 0 && i >= 0 {
			end = i + 4 + size
		}
	}
	if n != end || !bytes.HasPrefix(a.buf, []byte("HTTP/1.1 200")) {
		b.Fatalf("%d bytes, want %d: %s", n, end, a.buf[:min(n, 200)])
	}
	return time.Since(begun)
}
