package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/activitypub"
)

// X-Forwarded-For counts only from trusted proxies, and only what they wrote (HTTP-4).
func TestClientAddress(t *testing.T) {
	trusted, err := prefixes([]string{"127.0.0.1", "10.0.0.0/8"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, remote, forwarded, want string
	}{
		{"a stranger is believed for itself only", "203.0.113.9:5000", "198.51.100.1", "203.0.113.9"},
		{"a proxy is believed", "127.0.0.1:5000", "198.51.100.1", "198.51.100.1"},
		{"what a visitor wrote before the proxy is not", "127.0.0.1:5000", "1.2.3.4, 198.51.100.1", "198.51.100.1"},
		{"two proxies", "127.0.0.1:5000", "198.51.100.1, 10.1.2.3", "198.51.100.1"},
		{"nonsense ends the list", "127.0.0.1:5000", "198.51.100.1, x", "127.0.0.1"},
		{"no header", "127.0.0.1:5000", "", "127.0.0.1"},
		{"an IPv4 address inside IPv6", "[::ffff:203.0.113.9]:5000", "", "203.0.113.9"},
		{"a socket file is a proxy", "@", "198.51.100.1", "198.51.100.1"},
		{"a socket file without a header", "@", "", "invalid IP"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = tt.remote
			if tt.forwarded != "" {
				r.Header.Set("X-Forwarded-For", tt.forwarded)
			}
			if got := clientAddress(r, trusted).String(); got != tt.want {
				t.Errorf("clientAddress = %s, want %s", got, tt.want)
			}
		})
	}
}

// A network has its measure, a /64 of IPv6 is one network, and what is remembered is bounded (HTTP-4).
func TestLimiter(t *testing.T) {
	now := time.Now()
	l := newLimiter(5, 300)
	one := networkOf(netip.MustParseAddr("2001:db8:0:1::1"))
	if one != networkOf(netip.MustParseAddr("2001:db8:0:1::ffff")) {
		t.Error("two addresses of one /64 are two networks")
	}
	if one == networkOf(netip.MustParseAddr("2001:db8:0:2::1")) {
		t.Error("two /64 are one network")
	}
	for i := range 300 {
		if wait := l.take(one, now); wait != 0 {
			t.Fatalf("request %d has to wait %v", i+1, wait)
		}
	}
	if wait := l.take(one, now); wait <= 0 || wait > 300*time.Millisecond {
		t.Errorf("request 301 has to wait %v, want 200ms", wait)
	}
	if wait := l.take(networkOf(netip.MustParseAddr("203.0.113.9")), now); wait != 0 {
		t.Errorf("another network has to wait %v", wait)
	}
	if wait := l.take(one, now.Add(time.Minute)); wait != 0 {
		t.Errorf("a minute later it has to wait %v", wait)
	}
	for i := range 2 * maxBuckets {
		l.take(networkOf(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})), now)
	}
	if n := len(l.young) + len(l.old); n > maxBuckets {
		t.Errorf("%d networks are remembered, want at most %d", n, maxBuckets)
	}
}

// guarded is a server with the guards in front of one page, one letter box and one that panics.
func guarded(t *testing.T, base string) (*echo.Echo, *counters) {
	counts := newCounters()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	e := newEcho()
	e.HTTPErrorHandler = answerError(log, counts, func(c echo.Context, err error) error { return c.String(activitypub.StatusOf(err), "page") })
	guards(e, newHouse(t, base, &Config{}), nil, counts, log)
	ok := func(c echo.Context) error { return c.String(http.StatusOK, "ok") }
	e.GET("/", ok)
	e.GET("/posts/:id", ok)
	e.GET("/openings.ics", ok)
	e.GET("/ap/coop", ok)
	e.POST("/ap/inbox", ok)
	e.POST("/interact", ok)
	e.GET("/panic", func(echo.Context) error { panic("boom") })
	return e, counts
}

func ask(e *echo.Echo, method, url string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, url, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}

// A panic is an answer 500 that names nothing, and a number that goes up; the next request is served (HTTP-3).
func TestPanicIsCaught(t *testing.T) {
	e, counts := guarded(t, "https://coop.example")
	w := ask(e, "GET", "https://coop.example/panic", "Accept", "application/activity+json")
	if w.Code != 500 || counts.panics.Get() != 1 || counts.bugs.Get() != 1 {
		t.Errorf("status %d, %d panics, %d bugs; want 500, 1, 1", w.Code, counts.panics.Get(), counts.bugs.Get())
	}
	var problem map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || problem["instance"] != w.Header().Get("X-Request-Id") {
		t.Errorf("problem %v, want the request id %q in it (HTTP-2)", problem, w.Header().Get("X-Request-Id"))
	}
	for _, word := range []string{"boom", "goroutine"} {
		if s := w.Body.String(); len(s) == 0 || strings.Contains(s, word) {
			t.Errorf("answer tells %q: %s", word, s)
		}
	}
	if w := ask(e, "GET", "https://coop.example/"); w.Code != 200 {
		t.Errorf("after it: status %d, want 200", w.Code)
	}
}

// Only the host of the base address is ours (SIG-5).
func TestOwnHost(t *testing.T) {
	for _, tt := range []struct {
		base, host string
		want       int
	}{
		{"https://coop.example", "coop.example", 200},
		{"https://coop.example", "COOP.example:443", 200},
		{"https://coop.example", "coop.example:8443", 421},
		{"https://coop.example", "evil.example", 421},
		{"http://localhost:8080", "localhost:8080", 200},
		{"http://localhost:8080", "localhost", 421},
		{"http://localhost", "localhost:80", 200},
	} {
		e, _ := guarded(t, tt.base)
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = tt.host
		w := httptest.NewRecorder()
		if e.ServeHTTP(w, r); w.Code != tt.want {
			t.Errorf("%s asked as %s: status %d, want %d", tt.base, tt.host, w.Code, tt.want)
		}
	}
}

// Pages and letters are measured, documents are not; too many are told when to come again (decisions 31).
func TestMeasure(t *testing.T) {
	for _, tt := range []struct {
		name, method, path string
		headers            []string
		limited            bool
		burst              int
	}{
		{"pages", "GET", "/", nil, true, 300},
		{"pages, by one who names another visitor each time", "GET", "/", []string{"X-Forwarded-For", "198.51.100.N"}, true, 300},
		{"letters", "POST", "/ap/inbox", nil, true, 500},
		{"visitors' servers", "POST", "/interact", nil, true, 10},
		{"documents", "GET", "/ap/coop", nil, false, 600},
		{"a page asked for as document", "GET", "/", []string{"Accept", "application/activity+json"}, false, 600},
		{"a post asked for as document", "GET", "/posts/k3vq7hd2ma", []string{"Accept", "application/activity+json"}, false, 600},
		{"a list asked for as document, which it has none of", "GET", "/openings.ics", []string{"Accept", "application/activity+json"}, true, 300},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, _ := guarded(t, "https://coop.example") // which has counted nothing yet
			request := func(i int) int {
				headers := slices.Clone(tt.headers)
				for k := range headers {
					headers[k] = strings.ReplaceAll(headers[k], "N", strconv.Itoa(i%256))
				}
				return ask(e, tt.method, "https://coop.example"+tt.path, headers...).Code
			}
			for i := range tt.burst {
				if status := request(i); status != 200 {
					t.Fatalf("request %d: status %d", i+1, status)
				}
			}
			last := 200
			for i := range 100 { // some tokens come back while the burst is used up
				if last = request(i); last != 200 {
					break
				}
			}
			if limited := last == 429; limited != tt.limited {
				t.Fatalf("after %d requests: status %d", tt.burst, last)
			}
			if tt.limited {
				if w := ask(e, tt.method, "https://coop.example"+tt.path); w.Code == 429 && w.Header().Get("Retry-After") == "" {
					t.Error("429 without Retry-After")
				}
			}
		})
	}
}

// One network holds at most 64 connections, and a connection that ends makes room (HTTP-1).
func TestConnectionLimit(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &limitedListener{inner, newConnLimit(nil)}
	defer l.Close()
	accepted := make(chan net.Conn, 2*maxConnectionsNetwork)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	var first net.Conn
	for range maxConnectionsNetwork {
		dial()
		if c := <-accepted; first == nil {
			first = c
		}
	}
	over := dial()
	over.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := over.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("connection %d: read gives %v, want an end", maxConnectionsNetwork+1, err)
	}
	first.Close()
	first.Close() // counted once
	dial()
	select {
	case <-accepted:
	case <-time.After(5 * time.Second):
		t.Fatal("no room after a connection has ended")
	}
}

// A trusted proxy may hold as many connections as there are, 1,024; the next waits until one ends (HTTP-1).
func TestConnectionsInAll(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &limitedListener{inner, newConnLimit([]netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")})}
	defer l.Close()
	accepted := make(chan net.Conn)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- c
		}
	}()
	dial := func() {
		t.Helper()
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
	}
	take := func(n int) net.Conn {
		t.Helper()
		select {
		case c := <-accepted:
			t.Cleanup(func() { c.Close() })
			return c
		case <-time.After(30 * time.Second):
			t.Fatalf("connection %d is not taken", n)
			return nil
		}
	}
	var first net.Conn
	for n := range 1024 {
		dial()
		if c := take(n + 1); first == nil {
			first = c
		}
	}
	dial()
	if n := len(l.limit.slots); n != 1024 {
		t.Errorf("%d connections are counted, want 1,024", n)
	}
	select {
	case <-accepted:
		t.Error("connection 1,025 is taken while 1,024 are open")
	case <-time.After(200 * time.Millisecond):
	}
	first.Close()
	take(1025)
}
