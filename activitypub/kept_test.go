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

// TestKeptAnswersAreBounded (DB-7): neither their number nor their size grows without end.
func TestKeptAnswersAreBounded(t *testing.T) {
	var d documentCache
	now := time.Now()
	d.get("", 1, now)
	for i := range 3 * maxKept {
		d.put(fmt.Sprint(i), 1, &answer{body: make([]byte, 64<<10)})
		if len(d.answers) > maxKept || d.bytes > maxKeptBytes {
			t.Fatalf("%d answers of %d bytes are kept", len(d.answers), d.bytes)
		}
	}
	if d.get(fmt.Sprint(3*maxKept-1), 1, now) == nil {
		t.Error("the last one is not kept")
	}
	d.put("huge", 1, &answer{body: make([]byte, maxKeptBytes)})
	if d.get("huge", 1, now) != nil {
		t.Error("one as large as everything is kept")
	}
	for range 3 {
		d.put("same", 1, &answer{body: make([]byte, 100)})
	}
	sum := 0
	for key, a := range d.answers {
		sum += len(key) + len(a.body)
	}
	if sum != d.bytes {
		t.Errorf("%d bytes are kept, counted as %d", sum, d.bytes)
	}
}

// TestKeptAnswersGrowOld: with a change of the data, and with the time that they were good for.
func TestKeptAnswersGrowOld(t *testing.T) {
	var d documentCache
	now := time.Now()
	d.get("a", 1, now)
	d.put("a", 1, &answer{})
	d.put("b", 1, &answer{until: now.Add(time.Second)})
	if d.get("a", 1, now) == nil || d.get("b", 1, now) == nil {
		t.Fatal("nothing is kept")
	}
	if d.get("b", 1, now.Add(time.Second)) != nil {
		t.Error("it is kept although its time has passed")
	}
	if d.get("a", 2, now) != nil {
		t.Error("it is kept although the data changed")
	}
	d.put("a", 1, &answer{})
	if d.get("a", 2, now) != nil {
		t.Error("what was made from old data is kept for new")
	}
}

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
