package activitypub

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// The mirror shows a node what arrives of a request to its public address, so that it can tell what a proxy on the way has
// changed. It answers those alone who bring a pass, which only the holder of the node's key can make: the doctor beside the
// server, and the nodes that it asks to look.

// Bounds of the mirror.
const (
	mirrorPassFor  = 5 * time.Minute
	maxMirrorBytes = 4 << 10
	mirrorProof    = "proof"
)

// mirrored are the headers that are shown: those on which signatures and addresses of visitors depend.
var mirrored = []string{"Date", "Digest", "Content-Digest", "Signature", "Signature-Input", "Content-Type", "Accept", "X-Forwarded-For", "X-Forwarded-Proto"}

// A Reflection is what arrived of a request.
type Reflection struct {
	Proof     string              `json:"proof"` // that this node answers: made from the pass
	Method    string              `json:"method"`
	Host      string              `json:"host"`
	Target    string              `json:"target"` // path and query, as they came
	Visitor   string              `json:"visitor,omitempty"`
	Remote    string              `json:"remote,omitempty"` // who connected: the visitor, or a proxy
	Header    map[string][]string `json:"header"`
	Bytes     int                 `json:"bytes"`
	Body      string              `json:"body"`                // its SHA-256
	Form      SignatureForm       `json:"form,omitempty"`      // of a signature that came
	Signature string              `json:"signature,omitempty"` // why it does not hold; "" where it does, and where none came
}

// mirrorMAC makes what only the holder of a key of this node can make.
func mirrorMAC(key *node.OwnKey, parts ...string) string {
	secret := sha256.Sum256(append([]byte("coopnode mirror\n"), key.PKCS8...))
	m := hmac.New(sha256.New, secret[:])
	for _, p := range parts {
		fmt.Fprintf(m, "%d %s\n", len(p), p)
	}
	return hex.EncodeToString(m.Sum(nil)[:16])
}

// mirrorPass is a pass that holds for five minutes, and what this node answers to it. It is made from the clock and the key, so
// nothing has to be kept.
func (w *Wire) mirrorPass() (pass, proof string, err error) {
	keys, err := w.signer.current()
	if err != nil {
		return "", "", err
	}
	until := strconv.FormatInt(w.node.Now().Add(mirrorPassFor).Unix(), 10)
	id := node.NewID()
	pass = until + "-" + id + "-" + mirrorMAC(keys[0].OwnKey, until, id)
	return pass, mirrorMAC(keys[0].OwnKey, mirrorProof, pass), nil
}

// mirrorProofOf is what this node answers to a pass of its own, "" where the pass does not hold.
func (w *Wire) mirrorProofOf(pass string) (string, error) {
	parts := strings.Split(pass, "-")
	if len(pass) > 100 || len(parts) != 3 {
		return "", nil
	}
	until, err := strconv.ParseInt(parts[0], 10, 64)
	left := time.Unix(until, 0).Sub(w.node.Now())
	if err != nil || left < 0 || left > 2*mirrorPassFor {
		return "", nil
	}
	keys, err := w.signer.current()
	if err != nil {
		return "", err
	}
	for _, k := range keys {
		if hmac.Equal([]byte(mirrorMAC(k.OwnKey, parts[0], parts[1])), []byte(parts[2])) {
			return mirrorMAC(k.OwnKey, mirrorProof, pass), nil
		}
	}
	return "", nil
}

// getMirror handles GET and POST of the mirror. Without a pass there is nothing there.
func (w *Wire) getMirror(c echo.Context) error {
	r := c.Request()
	proof, err := w.mirrorProofOf(c.Param("pass"))
	if err != nil {
		return err
	}
	if proof == "" {
		return echo.ErrNotFound
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxMirrorBytes+1))
	if err != nil || len(body) > maxMirrorBytes {
		return &statusError{http.StatusRequestEntityTooLarge, "The mirror takes 4 KiB."}
	}
	sum := sha256.Sum256(body)
	seen := Reflection{Proof: proof, Method: r.Method, Host: r.Host, Target: r.RequestURI, Visitor: c.RealIP(),
		Header: map[string][]string{}, Bytes: len(body), Body: hex.EncodeToString(sum[:])}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		seen.Remote = host
	}
	for _, name := range mirrored {
		if v := r.Header.Values(name); len(v) > 0 {
			seen.Header[name] = v
		}
	}
	if sig, err := ParseSignature(r); err == nil {
		seen.Form = sig.Form
		if err := w.verifyOwn(sig, r, body); err != nil {
			seen.Signature = err.Error()
		}
	} else if err != ErrNoSignature {
		seen.Signature = err.Error()
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, seen)
}

// verifyOwn proves a signature that this node itself should have made, as the doors prove those of others.
func (w *Wire) verifyOwn(sig *Signature, r *http.Request, body []byte) error {
	if err := sig.Check(r, body, w.base, w.node.Now()); err != nil {
		return err
	}
	keys, err := w.signer.current()
	if err != nil {
		return err
	}
	err = badSignature(ReasonKey, "no key of this node has this name")
	for _, k := range keys {
		if k.ID == sig.KeyID {
			err = sig.VerifiedBy(&k.private.PublicKey)
		}
	}
	return err
}

// mirrorBody is what is sent to the mirror: bytes that whoever writes a body anew would write otherwise.
var mirrorBody = []byte("{ \"type\":\t\"Ping\",\r\n  \"content\": \"a\\u00e9\u00e9 &lt; 1.0E2\" }\n")

// mirrorRequest is a signed letter to the mirror. Its path has what those write otherwise who decode it and encode it again.
func (w *Wire) mirrorRequest(ctx context.Context, pass string, form SignatureForm) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.node.Links.Mirror(pass)+mirrorTail, bytes.NewReader(mirrorBody))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", typeActivity)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", w.client.opt.UserAgent)
	_, err = w.signer.sign(req, mirrorBody, Signing{Form: form})
	return req, err
}

const mirrorTail = "/%40a%3Ab%20c?x=&resource=acct%3Aa%40b"
