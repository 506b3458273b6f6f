package activitypub

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-fed/httpsig"
)

// SignatureForm is the standard that a signature follows.
type SignatureForm string

// The two forms in use (SIG-2).
const (
	DraftCavage SignatureForm = "draft-cavage" // draft-cavage-http-signatures-12
	RFC9421     SignatureForm = "rfc9421"      // HTTP Message Signatures
)

// maxSignatureAge is how far the time of signing may be from now, either way (SIG-6).
const maxSignatureAge = 65 * time.Minute

// maxSignatureBytes bounds a signature: RSA-4096 makes 512 bytes.
const maxSignatureBytes = 1024

// ErrNoSignature is returned by ParseSignature for a request without any signature.
var ErrNoSignature = errors.New("the request is not signed")

// SignatureReason is why a signature was not accepted, as a word for logs and counters.
type SignatureReason string

// The reasons. Only ReasonMismatch can be mended by fetching the key again (SIG-11).
const (
	ReasonMalformed SignatureReason = "malformed" // the header is not by the grammar (SIG-7)
	ReasonUncovered SignatureReason = "uncovered" // something is not signed that must be (SIG-3)
	ReasonHost      SignatureReason = "host"      // meant for another host (SIG-5)
	ReasonStale     SignatureReason = "stale"     // too old, or from the future (SIG-6)
	ReasonDigest    SignatureReason = "digest"    // the body is another one (SIG-4)
	ReasonAlgorithm SignatureReason = "algorithm" // one that is never accepted (SIG-2)
	ReasonKey       SignatureReason = "key"       // the key is too weak or of no known kind (SIG-10)
	ReasonMismatch  SignatureReason = "mismatch"  // the key did not make this signature
)

// A SignatureError is a signature that does not hold. The door answers 401 and
// keeps the text for its log: no word of it goes to the sender (SSRF-8).
type SignatureError struct {
	Reason SignatureReason
	Text   string
}

func (e *SignatureError) Error() string {
	return fmt.Sprintf("signature refused (%s): %s", e.Reason, e.Text)
}

func badSignature(reason SignatureReason, format string, args ...any) error {
	return &SignatureError{reason, cut(fmt.Sprintf(format, args...), 256)}
}

// BaseURL is the public address of this node, from its configuration. What a
// request says about the host is compared with it, never taken over (SIG-5, HTTP-5).
type BaseURL struct {
	Scheme string // "https", or "http" with --dev
	Host   string // normalised, with the port unless it is the scheme's own
}

// ParseBaseURL reads an address like https://coop.example, with or without a slash.
func ParseBaseURL(s string) (BaseURL, error) {
	a, err := splitAddress(s)
	if err != nil {
		return BaseURL{}, err
	}
	if a.rest != "" && a.rest != "/" {
		return BaseURL{}, refuse(s, "a base address has no path")
	}
	return BaseURL{Scheme: a.scheme, Host: a.peer()}, nil
}

// A Signature is what the headers of one request say about who signed it. It
// proves nothing until Verify, or Check and then VerifiedBy, returned nil.
type Signature struct {
	KeyID string // as sent: not empty, at most MaxURLBytes, otherwise unchecked
	Form  SignatureForm

	covered   []string // lower case, in order, each once
	algorithm string   // the sender's label, "" if absent
	value     []byte
	created   unixTime
	expires   unixTime
	params    string   // RFC 9421: the signature's own parameters, as sent
	bases     [][]byte // what may have been signed; set by Check
}

// unixTime is a number of seconds that may be absent. The text is kept because it
// is what was signed.
type unixTime struct {
	text string
	at   int64
}

// ParseSignature reads the signature headers of r by a strict grammar (SIG-7).
// RFC 9421 wins where both forms could be meant. Errors are ErrNoSignature or a
// *SignatureError.
func ParseSignature(r *http.Request) (*Signature, error) {
	if lines := r.Header.Values("Signature-Input"); len(lines) > 0 {
		return parseMessageSignature(r, lines, r.Header.Values("Signature"))
	}
	lines := r.Header.Values("Signature")
	if len(lines) == 0 {
		// The draft also has a place for it in Authorization (section 3.1).
		for _, line := range r.Header.Values("Authorization") {
			if rest, ok := cutPrefixFold(line, "Signature "); ok {
				lines = append(lines, rest)
			}
		}
	}
	switch len(lines) {
	case 0:
		return nil, ErrNoSignature
	case 1:
		return parseCavage(lines[0])
	}
	return nil, badSignature(ReasonMalformed, "%d Signature lines", len(lines))
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// Verify checks everything about the signature of r: Check, then VerifiedBy.
// Errors are *SignatureError.
func (s *Signature) Verify(r *http.Request, body []byte, base BaseURL, key crypto.PublicKey, now time.Time) error {
	if err := s.Check(r, body, base, now); err != nil {
		return err
	}
	return s.VerifiedBy(key)
}

// Check does all that needs no key, and so comes before a key is fetched: what is
// covered (SIG-3), host and target (SIG-5), age (SIG-6), digest of the body (SIG-4).
func (s *Signature) Check(r *http.Request, body []byte, base BaseURL, now time.Time) error {
	s.bases = nil
	hasBody := len(body) > 0 || !readsOnly(r.Method)
	if err := s.checkCovered(hasBody); err != nil {
		return err
	}
	if a, err := splitAddress(base.Scheme + "://" + r.Host); err != nil || a.rest != "" || a.peer() != base.Host {
		return badSignature(ReasonHost, "the request is for %q, not for %s", r.Host, base.Host)
	}
	target, err := base.requestTarget(r)
	if err != nil {
		return err
	}
	if err := s.checkAge(r, now); err != nil {
		return err
	}
	if hasBody {
		if err := s.checkBody(r, body); err != nil {
			return err
		}
	}
	if s.Form == RFC9421 {
		b, err := s.messageBase(r, base, target)
		if err != nil {
			return err
		}
		s.bases = [][]byte{b}
		return nil
	}
	return s.cavageBases(r, target)
}

// readsOnly reports whether a method has no body to protect.
func readsOnly(method string) bool {
	return method == http.MethodGet || method == http.MethodHead
}

// checkBody compares the body with the digest header that the form covers (SIG-4).
func (s *Signature) checkBody(r *http.Request, body []byte) error {
	if s.Form == RFC9421 {
		return checkContentDigest(r.Header.Values("Content-Digest"), body)
	}
	return checkDigest(r.Header.Values("Digest"), body)
}

// checkAge looks at every time that is signed: one old time is enough (SIG-6).
func (s *Signature) checkAge(r *http.Request, now time.Time) error {
	if s.covers("date") && s.Form == DraftCavage {
		lines := r.Header.Values("Date")
		if len(lines) != 1 {
			return badSignature(ReasonMalformed, "%d Date lines", len(lines))
		}
		date, err := http.ParseTime(lines[0])
		if err != nil {
			return badSignature(ReasonMalformed, "unreadable Date %q", lines[0])
		}
		if err := checkMoment("Date", date, now); err != nil {
			return err
		}
	}
	if s.created.text != "" {
		if err := checkMoment("created", time.Unix(s.created.at, 0), now); err != nil {
			return err
		}
	}
	if s.expires.text != "" && now.After(time.Unix(s.expires.at, 0)) {
		return badSignature(ReasonStale, "it expired at %s", time.Unix(s.expires.at, 0).UTC())
	}
	return nil
}

func checkMoment(name string, t, now time.Time) error {
	if d := now.Sub(t); d > maxSignatureAge || d < -maxSignatureAge {
		return badSignature(ReasonStale, "%s %s is not within 65 minutes of now", name, t.UTC())
	}
	return nil
}

func (s *Signature) covers(component string) bool { return slices.Contains(s.covered, component) }

// requestTarget returns path and query as in the request line, not decoded (SIG-5).
func (b BaseURL) requestTarget(r *http.Request) (string, error) {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI, nil
	}
	// A proxy's absolute form (RFC 9112 section 3.2.2) must name this node.
	a, err := splitAddress(r.RequestURI)
	if err != nil || a.scheme != b.Scheme || a.peer() != b.Host {
		return "", badSignature(ReasonHost, "the request line is for %q", r.RequestURI)
	}
	if !strings.HasPrefix(a.rest, "/") {
		a.rest = "/" + a.rest
	}
	return a.rest, nil
}

// fieldValue returns what both forms sign of a header: its lines, trimmed, joined
// by a comma and a space.
func fieldValue(r *http.Request, name string) (string, error) {
	if name == "host" {
		return r.Host, nil
	}
	lines := r.Header[textproto.CanonicalMIMEHeaderKey(name)]
	if len(lines) == 0 {
		return "", badSignature(ReasonUncovered, "the signed header %q is not there", name)
	}
	trimmed := make([]string, len(lines))
	for i, l := range lines {
		trimmed[i] = strings.Trim(l, " \t")
	}
	v := strings.Join(trimmed, ", ")
	if strings.ContainsAny(v, "\r\n") {
		return "", badSignature(ReasonMalformed, "a line break in the header %q", name)
	}
	return v, nil
}

// VerifiedBy reports whether key made the signature that Check has looked at. It
// may be called again with another key. The algorithm follows from the key alone
// (SIG-2). Errors are *SignatureError, with ReasonMismatch if only the key is wrong.
func (s *Signature) VerifiedBy(key crypto.PublicKey) error {
	if s.bases == nil {
		return badSignature(ReasonMalformed, "it has not been checked")
	}
	if err := CheckKeyStrength(key); err != nil {
		return badSignature(ReasonKey, "%v", err)
	}
	if _, isRSA := key.(*rsa.PublicKey); s.Form == DraftCavage && !isRSA {
		return badSignature(ReasonAlgorithm, "the draft is for RSA keys, and this is another")
	}
	if want, ok := messageAlgorithm(key); s.Form == RFC9421 && s.algorithm != "" && (!ok || s.algorithm != want) {
		return badSignature(ReasonAlgorithm, "it says %q and the key makes %q", s.algorithm, want)
	}
	for _, base := range s.bases {
		if s.madeBy(key, base) {
			return nil
		}
	}
	return badSignature(ReasonMismatch, "the key %s did not make it", s.KeyID)
}

func (s *Signature) madeBy(key crypto.PublicKey, base []byte) bool {
	switch k := key.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(k, base, s.value)
	case *rsa.PublicKey:
		sum := sha256.Sum256(base)
		if rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], s.value) == nil {
			return true
		}
		// hs2019 leaves the hash open; some servers take the longer one.
		if s.Form == RFC9421 || s.algorithm == "rsa-sha256" {
			return false
		}
		long := sha512.Sum512(base)
		return rsa.VerifyPKCS1v15(k, crypto.SHA512, long[:], s.value) == nil
	}
	return false
}

// SignPost signs a delivery by draft-cavage-12: (request-target), Host, Date,
// Digest and, if it is set, Content-Type. It sets Date from now, Digest from body,
// and Signature; older values are replaced. The request is not safe for other use
// meanwhile. What is signed is req.URL as it goes out, escapes and query included.
func SignPost(req *http.Request, body []byte, keyID string, key *rsa.PrivateKey, now time.Time) error {
	if body == nil {
		body = []byte{}
	}
	covered := []string{httpsig.RequestTarget, "host", "date", "digest", "content-type"}
	if req.Header.Get("Content-Type") == "" {
		covered = covered[:4]
	}
	return sign(req, body, covered, keyID, key, now)
}

// SignGet is SignPost for a request without a body.
func SignGet(req *http.Request, keyID string, key *rsa.PrivateKey, now time.Time) error {
	return sign(req, nil, []string{httpsig.RequestTarget, "host", "date"}, keyID, key, now)
}

func sign(req *http.Request, body []byte, covered []string, keyID string, key *rsa.PrivateKey, now time.Time) error {
	req.Header.Del("Signature")
	req.Header.Del("Digest")
	req.Header.Set("Date", now.UTC().Format(http.TimeFormat))
	// httpsig looks for Host among the headers, where net/http does not keep it.
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	req.Header.Set("Host", host)
	defer req.Header.Del("Host")
	// It also signs the decoded path, so it is given one that decodes to what is sent.
	path := req.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	shadow := &http.Request{
		Method: req.Method,
		URL:    &url.URL{Path: path, RawQuery: req.URL.RawQuery},
		Header: req.Header,
	}
	// A signer is not safe for two goroutines, so each request has its own.
	signer, _, err := httpsig.NewSigner([]httpsig.Algorithm{httpsig.RSA_SHA256},
		httpsig.DigestSha256, covered, httpsig.Signature, 0)
	if err != nil {
		return fmt.Errorf("prepare signature: %w", err)
	}
	if err := signer.SignRequest(key, keyID, shadow, body); err != nil {
		return fmt.Errorf("sign for %s: %w", host, err)
	}
	return nil
}

// joinBase writes the lines of a signing string without a newline at the end.
func joinBase(lines []string) []byte {
	var b bytes.Buffer
	for i, l := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(l)
	}
	return b.Bytes()
}
