package activitypub

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/coopnode/coopnode/node"
)

// A node never goes to itself (SSRF-3), but its doctor must: this is the one way there. It goes to the host and port of the
// node's own base address alone, at an address that the caller looked up for that name, and only when a person asks for it.

// Bounds of a visit.
const (
	selfTimeout  = 8 * time.Second
	maxSelfBytes = 64 << 10
)

// A Way is one of the addresses that the name of this node has, and how far one comes there.
type Way struct {
	Address netip.Addr
	Trouble Trouble // why nobody listens there, or why its certificate is not to be trusted
	Err     error   // in full

	Listens bool                // somebody took the connection
	Chain   []*x509.Certificate // as the server sent it; nil without TLS
	TLS12   bool                // the versions that it speaks
	TLS13   bool
	Mirror  *SelfAnswer // what the mirror answered, nil where it did not come to that
	Ours    bool        // this node answered
}

// A SelfAnswer is what came back from the public address.
type SelfAnswer struct {
	Status     int
	Header     http.Header
	Body       []byte
	Reflection *Reflection // where the mirror answered
	Changed    []Change    // what somebody on the way has changed, where the mirror answered
}

// A Change is something of a letter that arrived otherwise than it was sent. Arrived is "" where it was taken away.
type Change struct{ What, Sent, Arrived string }

// Type is the media type of the answer.
func (a *SelfAnswer) Type() string {
	t, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	return t
}

// OwnPort is the port of the base address.
func (w *Wire) OwnPort() string {
	a, err := splitAddress(w.node.Links.Base)
	if err != nil {
		return ""
	}
	return a.portOrDefault()
}

// Visit goes to the public address of this node at one of the addresses of its name.
func (w *Wire) Visit(ctx context.Context, at netip.Addr) *Way {
	y := &Way{Address: at}
	conn, err := w.openSelf(ctx, at, y)
	if err != nil {
		y.Err, y.Trouble = err, troubleOf(err)
		return y
	}
	_ = conn.Close()
	if w.base.Scheme == "https" {
		y.TLS12 = w.speaks(ctx, at, tls.VersionTLS12)
		y.TLS13 = w.speaks(ctx, at, tls.VersionTLS13)
	}
	if y.Mirror, err = w.MirrorSelf(ctx, at, DraftCavage); err != nil {
		y.Err, y.Trouble = err, troubleOf(err)
		return y
	}
	y.Ours = y.Mirror.Reflection != nil
	return y
}

// dialSelf connects to the port of the base address.
func (w *Wire) dialSelf(ctx context.Context, at netip.Addr, port string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout}
	return d.DialContext(ctx, "tcp", net.JoinHostPort(at.String(), port))
}

// openSelf connects and proves the certificate for the name of this node. What was learned is noted in y, if it is
// not nil, also where it is not to be trusted: then the connection is closed before anything is said.
func (w *Wire) openSelf(ctx context.Context, at netip.Addr, y *Way) (net.Conn, error) {
	conn, err := w.dialSelf(ctx, at, w.OwnPort())
	if err == nil && y != nil {
		y.Listens = true
	}
	if err != nil || w.base.Scheme != "https" {
		return conn, err
	}
	roots, err := rootCAs(&w.client.opt)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	name := node.HostName(w.base.Host)
	prove := func(s tls.ConnectionState) error {
		if y != nil {
			y.Chain = s.PeerCertificates
		}
		between := x509.NewCertPool()
		for _, c := range s.PeerCertificates[1:] {
			between.AddCert(c)
		}
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: between, CurrentTime: time.Now()})
		return err
	}
	// The certificate is proved by prove, which sees what came even where it does not hold.
	secure := tls.Client(conn, &tls.Config{ServerName: name, InsecureSkipVerify: true, VerifyConnection: prove, NextProtos: []string{"http/1.1"}})
	shaking, cancel := context.WithTimeout(ctx, tlsTimeout)
	defer cancel()
	if err := secure.HandshakeContext(shaking); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

// speaks tries a version of TLS.
func (w *Wire) speaks(ctx context.Context, at netip.Addr, version uint16) bool {
	conn, err := w.dialSelf(ctx, at, w.OwnPort())
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(ctx, tlsTimeout)
	defer cancel()
	// Nothing is said on this connection: whether the server can shake hands is all that is asked.
	return tls.Client(conn, &tls.Config{ServerName: node.HostName(w.base.Host), InsecureSkipVerify: true, MinVersion: version, MaxVersion: version}).HandshakeContext(ctx) == nil
}

// MirrorSelf sends a signed letter to the mirror of this node through its public address.
func (w *Wire) MirrorSelf(ctx context.Context, at netip.Addr, form SignatureForm) (*SelfAnswer, error) {
	pass, proof, err := w.mirrorPass()
	if err != nil {
		return nil, err
	}
	req, err := w.mirrorRequest(ctx, pass, form)
	if err != nil {
		return nil, err
	}
	a, err := w.doSelf(ctx, at, req)
	if err != nil {
		return nil, err
	}
	if doc, err := ReadJSON(a.Body); err == nil && hmac.Equal([]byte(Str(doc, "proof")), []byte(proof)) {
		a.Reflection = readReflection(doc)
		a.Changed = changes(req, mirrorBody, a.Reflection)
	}
	return a, nil
}

// changes compares a letter with what arrived of it.
func changes(sent *http.Request, body []byte, r *Reflection) (list []Change) {
	note := func(what, sent, arrived string) {
		if sent != arrived {
			list = append(list, Change{what, cut(sent, 200), cut(arrived, 200)})
		}
	}
	note("method", sent.Method, r.Method)
	note("Host", sent.URL.Host, r.Host)
	note("path", sent.URL.RequestURI(), r.Target)
	sum := sha256.Sum256(body)
	note("body", hex.EncodeToString(sum[:]), r.Body)
	for _, name := range []string{"Date", "Digest", "Content-Digest", "Signature", "Signature-Input", "Content-Type", "Accept"} {
		note(name, strings.Join(sent.Header.Values(name), ", "), strings.Join(r.Header[name], ", "))
	}
	return list
}

// readReflection reads what the mirror showed.
func readReflection(doc map[string]any) *Reflection {
	n, _ := Num(doc["bytes"])
	r := &Reflection{
		Proof: Str(doc, "proof"), Method: Str(doc, "method"), Host: Str(doc, "host"), Target: Str(doc, "target"), Visitor: Str(doc, "visitor"),
		Remote: Str(doc, "remote"), Header: map[string][]string{}, Bytes: int(n), Body: Str(doc, "body"),
		Form: SignatureForm(Str(doc, "form")), Signature: Str(doc, "signature"),
	}
	for name, values := range Obj(doc["header"]) {
		r.Header[name] = texts(values)
	}
	return r
}

// AskSelf makes a GET, or a POST where there is a body, at the public address of this node.
func (w *Wire) AskSelf(ctx context.Context, at netip.Addr, method, path, accept string, body io.Reader) (*SelfAnswer, error) {
	req, err := http.NewRequestWithContext(ctx, method, w.node.Links.Base+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", w.client.opt.UserAgent)
	if body != nil {
		req.Header.Set("Content-Type", typeActivity)
	}
	return w.doSelf(ctx, at, req)
}

// doSelf sends a request to this node and reads the answer. Redirects are not followed.
func (w *Wire) doSelf(ctx context.Context, at netip.Addr, req *http.Request) (*SelfAnswer, error) {
	if !w.isHome(req.URL.Host) {
		return nil, errors.New("that is another host") // cannot be: the addresses are made from the base
	}
	ctx, cancel := context.WithTimeout(ctx, selfTimeout)
	defer cancel()
	conn, err := w.openSelf(ctx, at, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	req.Close = true
	if err := req.Write(conn); err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, maxSelfBytes)), req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) { // a long page is cut
		return nil, err
	}
	return &SelfAnswer{Status: res.StatusCode, Header: res.Header, Body: b}, nil
}

// PlainSelf asks for the front page over plain http, at port 80, and gives status and where it redirects.
func (w *Wire) PlainSelf(ctx context.Context, at netip.Addr) (status int, location string, err error) {
	ctx, cancel := context.WithTimeout(ctx, selfTimeout)
	defer cancel()
	conn, err := w.dialSelf(ctx, at, "80")
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = conn.Close() }()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.base.Host+"/", nil)
	if err != nil {
		return 0, "", err
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	req.Close = true
	if err := req.Write(conn); err != nil {
		return 0, "", err
	}
	res, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, maxSelfBytes)), req)
	if err != nil {
		return 0, "", err
	}
	_ = res.Body.Close()
	return res.StatusCode, res.Header.Get("Location"), nil
}
