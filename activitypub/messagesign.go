package activitypub

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// messageLabel is the name of our signature among those that a proxy may add.
const messageLabel = "sig1"

// maxAskedText bounds what is taken over from a peer's Accept-Signature: its label, nonce and tag.
const maxAskedText = 256

// An askedSignature is what an Accept-Signature header asks for (RFC 9421 section 5.1).
type askedSignature struct {
	label      string
	components []string
	nonce, tag string
}

// signMessage signs by RFC 9421 with rsa-v1_5-sha256: method, target, authority and, where there is a
// body, its digest. It sets Date, Content-Digest, Signature-Input and Signature. What asked names is
// covered besides; nil asks for nothing. Method, URL, Host and headers must be as they go out.
func signMessage(req *http.Request, body []byte, keyID string, key *rsa.PrivateKey, now time.Time, asked *askedSignature) error {
	if asked == nil {
		asked = &askedSignature{label: messageLabel}
	}
	components := []string{"@method", "@target-uri", "@authority"}
	req.Header.Set("Date", now.UTC().Format(http.TimeFormat))
	if body != nil {
		sum := sha256.Sum256(body)
		req.Header.Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
		components = append(components, "content-digest")
	}
	for _, c := range asked.components {
		if !slices.Contains(components, c) {
			components = append(components, c)
		}
	}
	params := fmt.Sprintf(`("%s");created=%d;keyid="%s";alg="rsa-v1_5-sha256"`, strings.Join(components, `" "`), now.Unix(), keyID)
	if asked.nonce != "" {
		params += ";nonce=" + sfString(asked.nonce)
	}
	if asked.tag != "" {
		params += ";tag=" + sfString(asked.tag)
	}
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	// The base is made as the verifier makes it, from what goes out.
	s := &Signature{Form: RFC9421, covered: components, params: params}
	base, err := s.messageBase(&http.Request{Method: req.Method, Header: req.Header, Host: host},
		BaseURL{Scheme: req.URL.Scheme, Host: host}, req.URL.RequestURI())
	if err != nil {
		return fmt.Errorf("sign for %s: %w", host, err)
	}
	sum := sha256.Sum256(base)
	value, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return fmt.Errorf("sign for %s: %w", host, err)
	}
	req.Header.Set("Signature-Input", asked.label+"="+params)
	req.Header.Set("Signature", asked.label+"=:"+base64.StdEncoding.EncodeToString(value)+":")
	return nil
}

// sfString writes a string of structured fields (RFC 8941 3.3.3). It was read by the same grammar.
func sfString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// readAcceptSignature reads what the answer h to req asks for: the first signature that this node can make.
// Nil if there is none.
func readAcceptSignature(req *http.Request, h http.Header) *askedSignature {
	lines := h.Values("Accept-Signature")
	if len(lines) == 0 {
		return nil
	}
	var found *askedSignature
	p := &sfReader{s: strings.Join(lines, ", ")}
	err := p.dictionary(maxSignatureLabels, func(label string) bool {
		s, asked, can := &Signature{Form: RFC9421}, &askedSignature{label: label}, len(label) <= maxAskedText
		ok := p.components(s) && p.params(func(name string, v sfItem) bool {
			text := v.kind == '"' && len(v.text) <= maxAskedText
			switch name {
			case "created", "keyid": // whatever is wanted of these, we send ours
			case "alg":
				can = can && text && v.text == "rsa-v1_5-sha256"
			case "nonce":
				asked.nonce, can = v.text, can && text
			case "tag":
				asked.tag, can = v.text, can && text
			default: // expires and what is not known
				can = false
			}
			return true
		})
		for _, c := range s.covered {
			can = can && canSign(req, c)
		}
		if asked.components = s.covered; ok && can && found == nil {
			found = asked
		}
		return ok
	})
	if err != nil {
		return nil
	}
	return found
}

// canSign says whether a component is there to be signed in a request like req.
func canSign(req *http.Request, component string) bool {
	switch component {
	case "content-digest":
		return req.Method == http.MethodPost
	case "host", "date":
		return true
	case "content-type", "accept", "user-agent":
		return req.Header.Get(component) != ""
	}
	return strings.HasPrefix(component, "@") && canRebuild(component)
}
