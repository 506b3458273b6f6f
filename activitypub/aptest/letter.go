package aptest

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A Form is how a request is signed.
type Form int

// The forms in use, and none.
const (
	Draft   Form = iota // draft-cavage-http-signatures-12, as Mastodon sends
	RFC9421             // as Fedify sends
	Unsigned
)

// A Letter is a signed POST in the making. What is left empty is as it should be.
type Letter struct {
	Inbox string
	Body  []byte
	KeyID string
	Key   *rsa.PrivateKey
	Form  Form

	Now    time.Time // when it says that it was signed
	Host   string    // the Host that is signed and sent
	Type   string    // Content-Type
	Digest []byte    // the body of which the digest is taken
	Covers []string  // what is signed, as the form calls it
	Header M         // further headers, set after signing

	Sent   []byte // the body that goes out, if it is not the one signed
	SentTo string // the Host that goes out, if it is not the one signed

	// For letters that lie. Each is given what was made so far and returns what takes its place.
	Params func(string) string      // the signature's parameters, before anything is signed
	Text   func(string) string      // the text that is signed
	Seal   func(text string) []byte // signs it; RSA with SHA-256 if nil
	Change func(*http.Request)      // the request, once it is signed
	Raw    func([]byte) []byte      // its bytes, which then go out over a connection of their own
}

// In signs in another form.
func In(f Form) func(*Letter) { return func(l *Letter) { l.Form = f } }

// At signs at another time.
func At(now time.Time) func(*Letter) { return func(l *Letter) { l.Now = now } }

func (l *Letter) request() (*http.Request, error) {
	sent := l.Body
	if l.Sent != nil {
		sent = l.Sent
	}
	req, err := http.NewRequest(http.MethodPost, l.Inbox, bytes.NewReader(sent))
	if err != nil {
		return nil, err
	}
	if l.Type == "" {
		l.Type = typeActivity
	}
	req.Header.Set("Content-Type", l.Type)
	if l.Host != "" {
		req.Host = l.Host
	}
	digest := l.Body
	if l.Digest != nil {
		digest = l.Digest
	}
	l.sign(req, digest)
	if l.SentTo != "" {
		req.Host = l.SentTo
	}
	for name, value := range l.Header {
		req.Header.Set(name, fmt.Sprint(value))
	}
	if l.Change != nil {
		l.Change(req)
	}
	return req, nil
}

// sign writes the headers of a signature; digest is nil for a request without a body.
func (l *Letter) sign(req *http.Request, digest []byte) {
	if l.Now.IsZero() {
		l.Now = time.Now()
	}
	sum := ""
	if digest != nil {
		d := sha256.Sum256(digest)
		sum = base64.StdEncoding.EncodeToString(d[:])
	}
	switch l.Form {
	case Draft:
		l.signDraft(req, sum)
	case RFC9421:
		l.sign9421(req, sum)
	}
}

func (l *Letter) signDraft(req *http.Request, sum string) {
	req.Header.Set("Date", l.Now.UTC().Format(http.TimeFormat))
	covers := l.Covers
	if sum != "" {
		req.Header.Set("Digest", "SHA-256="+sum)
	}
	if covers == nil {
		covers = []string{"(request-target)", "host", "date"}
		if sum != "" {
			covers = append(covers, "digest", "content-type")
		}
	}
	params := changed(l.Params, fmt.Sprintf(`keyId="%s",algorithm="rsa-sha256",headers="%s"`, l.KeyID, strings.Join(covers, " ")))
	lines := make([]string, len(covers))
	for i, name := range covers {
		value := req.Header.Get(name)
		switch name {
		case "(request-target)":
			value = strings.ToLower(req.Method) + " " + req.URL.RequestURI()
		case "host":
			value = req.Host
		case "(created)", "(expires)":
			_, value, _ = strings.Cut(params, strings.Trim(name, "()")+"=")
			value, _, _ = strings.Cut(value, ",")
		}
		lines[i] = name + ": " + value
	}
	req.Header.Set("Signature", params+`,signature="`+l.seal(strings.Join(lines, "\n"))+`"`)
}

func (l *Letter) sign9421(req *http.Request, sum string) {
	covers := l.Covers
	if covers == nil {
		covers = []string{"@method", "@target-uri"}
		if sum != "" {
			covers = append(covers, "content-digest")
		}
	}
	if sum != "" {
		req.Header.Set("Content-Digest", "sha-256=:"+sum+":")
	}
	lines, quoted := make([]string, len(covers)), make([]string, len(covers))
	for i, name := range covers {
		value := req.Header.Get(name)
		switch name {
		case "@method":
			value = req.Method
		case "@target-uri":
			value = "http://" + req.Host + req.URL.RequestURI()
		case "@authority":
			value = req.Host
		case "@path":
			value = req.URL.EscapedPath()
		case "@query":
			value = "?" + req.URL.RawQuery
		}
		quoted[i] = `"` + name + `"`
		lines[i] = quoted[i] + ": " + value
	}
	params := changed(l.Params, fmt.Sprintf(`(%s);created=%d;keyid="%s";alg="rsa-v1_5-sha256"`, strings.Join(quoted, " "), l.Now.Unix(), l.KeyID))
	lines = append(lines, `"@signature-params": `+params)
	req.Header.Set("Signature-Input", "sig1="+params)
	req.Header.Set("Signature", "sig1=:"+l.seal(strings.Join(lines, "\n"))+":")
}

// changed is s, or what a lie makes of it.
func changed(change func(string) string, s string) string {
	if change == nil {
		return s
	}
	return change(s)
}

func (l *Letter) seal(text string) string {
	text = changed(l.Text, text)
	if l.Seal != nil {
		return base64.StdEncoding.EncodeToString(l.Seal(text))
	}
	d := sha256.Sum256([]byte(text))
	b, err := rsa.SignPKCS1v15(rand.Reader, l.Key, crypto.SHA256, d[:])
	if err != nil {
		panic(err) // only a key that is too small
	}
	return base64.StdEncoding.EncodeToString(b)
}
