package aptest

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Client makes the strangers' requests. It trusts certificates that NewCertificate makes. Names below localhost are on this machine, whatever
// the resolver says.
var Client = &http.Client{
	Timeout:       30 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport: &http.Transport{
		DisableCompression: true,
		TLSClientConfig:    &tls.Config{RootCAs: testAuthority().pool},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if host, port, err := net.SplitHostPort(address); err == nil && strings.HasSuffix(host, "localhost") {
				address = net.JoinHostPort("127.0.0.1", port)
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	},
}

// An Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Get asks for an address as anybody does; headers come in pairs.
func Get(t testing.TB, address string, headers ...string) Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return send(t, req)
}

// GetDocument asks for the ActivityPub document at an address.
func GetDocument(t testing.TB, address string) Answer {
	t.Helper()
	return Get(t, address, "Accept", typeActivity)
}

// PostForm sends a form as a browser does; headers come in pairs.
func PostForm(t testing.TB, address string, form url.Values, headers ...string) Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "text/html")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return send(t, req)
}

func send(t testing.TB, req *http.Request) Answer {
	t.Helper()
	res, err := Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Answer{res.StatusCode, res.Header, body}
}

// sendRaw writes the bytes that change makes of a request, which need not be by the standard, and reads the answer. A
// server that only closes the connection gives status 0.
func sendRaw(t testing.TB, req *http.Request, change func([]byte) []byte) Answer {
	t.Helper()
	b, err := httputil.DumpRequestOut(req, true)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", req.URL.Port()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	_, _ = conn.Write(change(b)) // a server may answer and close before it has read everything
	res, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		return Answer{}
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return Answer{res.StatusCode, res.Header, body}
}
