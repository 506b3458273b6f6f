package main

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// startServer is the server of serve with this handler, on loopback.
func startServer(t *testing.T, h http.HandlerFunc) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(h, slog.New(slog.DiscardHandler))
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return l.Addr().String()
}

// HTTP-1: whoever is slow, sends too much or goes quiet does not hold a place for ever.
func TestServerEndsSlowVisitors(t *testing.T) {
	for _, tt := range []struct {
		name, sent string
		status     string // of the answer, "" for none
	}{
		{"nothing at all", "", ""},
		{"half a header", "GET / HTTP/1.1\r\nHost: coop.example\r\nAccept: ", ""},
		{"half a body", "POST / HTTP/1.1\r\nHost: coop.example\r\nContent-Length: 10\r\n\r\n12345", "408"},
		{"a long header", "GET / HTTP/1.1\r\nHost: coop.example\r\nAccept: " + strings.Repeat("x", 32<<10) + "\r\n\r\n", "431"},
		{"many headers", "GET / HTTP/1.1\r\nHost: coop.example\r\n" + strings.Repeat("Accept: text/html\r\n", 2000) + "\r\n", "431"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			address := startServer(t, func(w http.ResponseWriter, r *http.Request) {
				if _, err := io.ReadAll(r.Body); err != nil {
					w.WriteHeader(http.StatusRequestTimeout)
				}
				w.Header().Set("Connection", "close")
			})
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			go io.WriteString(c, tt.sent) // the server may stop reading
			c.SetReadDeadline(time.Now().Add(time.Minute))
			answer, err := bufio.NewReader(c).ReadString('\n')
			if n, ok := err.(net.Error); ok && n.Timeout() {
				t.Fatal("after a minute the server still waits")
			}
			if want := "HTTP/1.1 " + tt.status; tt.status != "" && !strings.HasPrefix(answer, want) || tt.status == "" && strings.HasPrefix(answer, "HTTP/1.1 2") {
				t.Errorf("answer %q, %v, want %q", answer, err, want)
			}
		})
	}
	// The others take too long to wait for.
	s := newServer(nil, slog.New(slog.DiscardHandler))
	got := fmt.Sprint(s.WriteTimeout, s.IdleTimeout, s.HTTP2.MaxConcurrentStreams)
	if want := "30s 1m0s 100"; got != want {
		t.Errorf("the server writes, idles and holds streams for %s, want %s", got, want)
	}
}
