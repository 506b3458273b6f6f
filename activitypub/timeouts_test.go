package activitypub

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTimeoutsOfAConnection (OUT-1): a peer that does not connect, does not finish the handshake or does not begin to answer is
// left before the time for the whole request is over.
func TestTimeoutsOfAConnection(t *testing.T) {
	ask := func(name, want string, address func(*testing.T) string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newTestClient(t, nil)
			_, err := c.Post(t.Context(), address(t), []byte(testBody)) // has 30 s in all
			if err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, errTooSlow) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
	ask("connect", "i/o timeout", func(t *testing.T) string { return "http://" + fullListener(t) + "/" })
	ask("handshake", "TLS handshake timeout", func(t *testing.T) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return "https://" + l.Addr().String() + "/"
	})
	ask("head of the answer", "timeout awaiting response headers", func(t *testing.T) string {
		return servePeer(t, func(_ http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body) // only then does the server notice that the client leaves
			<-r.Context().Done()
		}).URL
	})
}

// fullListener is an address at which a connect hangs: nobody lets in those who wait already, and more do not fit.
func fullListener(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	at := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}
	for range 10 {
		c, err := net.DialTimeout("tcp", at.String(), time.Second)
		if err != nil {
			return at.String() // one more does not fit
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Fatal("whoever comes finds room")
	return ""
}
