package activitypub

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxSignatureLabels is how many signatures one request may carry (SIG-7).
const maxSignatureLabels = 4

// messageAlgorithm is the RFC 9421 name of what a key makes here (SIG-2).
func messageAlgorithm(key crypto.PublicKey) (string, bool) {
	switch key.(type) {
	case *rsa.PublicKey:
		return "rsa-v1_5-sha256", true
	case ed25519.PublicKey:
		return "ed25519", true
	}
	return "", false
}

// parseMessageSignature reads Signature-Input and Signature (RFC 9421 section 4)
// and takes the first signature, in the order of Signature-Input, that covers what
// must be covered and that this node can rebuild. A proxy may have added others.
func parseMessageSignature(r *http.Request, inputs, values []string) (*Signature, error) {
	sigs, labels, err := readSignatureInput(strings.Join(inputs, ", "))
	if err != nil {
		return nil, err
	}
	byLabel, err := readSignatureValues(strings.Join(values, ", "))
	if err != nil {
		return nil, err
	}
	var first error
	for i, s := range sigs {
		s.value = byLabel[labels[i]]
		err := s.usable(!readsOnly(r.Method))
		if err == nil {
			return s, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// usable says why a well-formed signature cannot be the one to verify.
func (s *Signature) usable(hasBody bool) error {
	switch {
	case len(s.value) == 0 || len(s.value) > maxSignatureBytes:
		return badSignature(ReasonMalformed, "no signature for its label, or one that is too long")
	case s.KeyID == "" || len(s.KeyID) > MaxURLBytes:
		return badSignature(ReasonMalformed, "no keyid, or one that is too long")
	case s.algorithm != "" && s.algorithm != "rsa-v1_5-sha256" && s.algorithm != "ed25519":
		return badSignature(ReasonAlgorithm, "algorithm %q", s.algorithm)
	}
	for _, c := range s.covered {
		if !canRebuild(c) {
			return badSignature(ReasonUncovered, "component %q is not supported", c)
		}
	}
	return s.messageCovered(hasBody)
}

// canRebuild is false for components with parameters (they hold a semicolon) and
// for derived ones that are of no use here.
func canRebuild(component string) bool {
	switch component {
	case "@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query":
		return true
	}
	return isToken(component) && component == strings.ToLower(component)
}

// messageCovered is SIG-3 for RFC 9421.
func (s *Signature) messageCovered(hasBody bool) error {
	switch {
	case !s.covers("@method"):
		return badSignature(ReasonUncovered, "@method is not signed")
	case !s.covers("@target-uri") && !(s.covers("@authority") && s.covers("@path") && s.covers("@query")):
		return badSignature(ReasonUncovered, "neither @target-uri nor its three parts are signed")
	case hasBody && !s.covers("content-digest"):
		return badSignature(ReasonUncovered, "content-digest is not signed")
	case s.created.text == "":
		return badSignature(ReasonUncovered, "there is no time of creation")
	}
	return nil
}

// messageBase rebuilds the signature base (RFC 9421 section 2.5). The last line is
// the text of the parameters as sent: a sender whose text is not in the standard's
// own form fails to verify, which harms nobody else.
func (s *Signature) messageBase(r *http.Request, base BaseURL, target string) ([]byte, error) {
	path, query, _ := strings.Cut(target, "?")
	lines := make([]string, 0, len(s.covered)+1)
	for _, c := range s.covered {
		var value string
		var err error
		switch c {
		case "@method":
			value = r.Method
		case "@target-uri":
			value = base.Scheme + "://" + base.Host + target
		case "@authority":
			value = base.Host
		case "@scheme":
			value = base.Scheme
		case "@request-target":
			value = target
		case "@path":
			value = path
		case "@query":
			value = "?" + query
		default:
			value, err = fieldValue(r, c)
		}
		if err != nil {
			return nil, err
		}
		lines = append(lines, `"`+c+`": `+value)
	}
	return joinBase(append(lines, `"@signature-params": `+s.params)), nil
}

func readSignatureInput(text string) (sigs []*Signature, labels []string, err error) {
	p := &sfReader{s: text}
	err = p.dictionary(maxSignatureLabels, func(label string) bool {
		s := &Signature{Form: RFC9421}
		start := p.i
		if !p.components(s) || !p.params(s.setParam) {
			return false
		}
		s.params = text[start:p.i]
		sigs, labels = append(sigs, s), append(labels, label)
		return true
	})
	return sigs, labels, err
}

func readSignatureValues(text string) (map[string][]byte, error) {
	values := make(map[string][]byte, 1)
	p := &sfReader{s: text}
	err := p.dictionary(maxSignatureLabels, func(label string) bool {
		v, ok := p.item()
		values[label] = v.bytes
		return ok && v.kind == ':' && p.params(func(string, sfItem) bool { return true })
	})
	return values, err
}

// setParam takes over the parameters that mean something here. False is an error.
func (s *Signature) setParam(name string, v sfItem) bool {
	switch name {
	case "keyid":
		s.KeyID = v.text
		return v.kind == '"'
	case "alg":
		s.algorithm = v.text
		return v.kind == '"'
	case "created":
		s.created = unixTime{v.text, v.number}
		return v.kind == '0' && v.number >= 0
	case "expires":
		s.expires = unixTime{v.text, v.number}
		return v.kind == '0' && v.number >= 0
	}
	return true
}

// sfReader reads the part of structured fields (RFC 8941) that signatures and
// digests need. Its methods return false for what is not by the grammar.
type sfReader struct {
	s string
	i int
}

// An sfItem is a bare item. The kind is its first character as a class: '"' text,
// ':' bytes, '?' boolean, '0' integer, '.' decimal, 'a' token.
type sfItem struct {
	kind   byte
	text   string
	bytes  []byte
	number int64
}

func (p *sfReader) peek() byte {
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

func (p *sfReader) take(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.i++
	return true
}

func (p *sfReader) space(set string) {
	for p.i < len(p.s) && strings.IndexByte(set, p.s[p.i]) >= 0 {
		p.i++
	}
}

// dictionary calls member at each value. Members without a value, repeated names
// and more than limit members are errors, stricter than RFC 8941 (SIG-7).
func (p *sfReader) dictionary(limit int, member func(name string) bool) error {
	var seen []string
	p.space(" \t")
	for {
		name := p.key()
		switch {
		case name == "" || !p.take('='):
			return badSignature(ReasonMalformed, "no name=value at byte %d", p.i)
		case slices.Contains(seen, name):
			return badSignature(ReasonMalformed, "%q comes twice", name)
		case len(seen) == limit:
			return badSignature(ReasonMalformed, "more than %d entries", limit)
		}
		seen = append(seen, name)
		if !member(name) {
			return badSignature(ReasonMalformed, "unreadable value of %q at byte %d", name, p.i)
		}
		p.space(" \t")
		if p.i == len(p.s) {
			return nil
		}
		if !p.take(',') {
			return badSignature(ReasonMalformed, "no comma at byte %d", p.i)
		}
		p.space(" \t")
	}
}

func (p *sfReader) key() string {
	start := p.i
	for ; p.i < len(p.s); p.i++ {
		c := p.s[p.i]
		first := c >= 'a' && c <= 'z' || c == '*'
		if !first && (p.i == start || !(c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.')) {
			break
		}
	}
	return p.s[start:p.i]
}

// components reads the inner list of what is covered. The same one twice is an
// error (RFC 9421 section 2). Parameters are kept as part of the name.
func (p *sfReader) components(s *Signature) bool {
	if !p.take('(') {
		return false
	}
	for {
		p.space(" ")
		if p.take(')') {
			return true
		}
		v, ok := p.item()
		if !ok || v.kind != '"' {
			return false
		}
		start := p.i
		if !p.params(func(string, sfItem) bool { return true }) {
			return false
		}
		name := v.text + p.s[start:p.i]
		if s.covers(name) || p.peek() != ' ' && p.peek() != ')' {
			return false
		}
		s.covered = append(s.covered, name)
	}
}

// params reads ;name=value pairs. The same name twice is an error (SIG-7).
func (p *sfReader) params(each func(name string, v sfItem) bool) bool {
	var seen []string
	for p.take(';') {
		p.space(" ")
		name := p.key()
		if name == "" || slices.Contains(seen, name) {
			return false
		}
		seen = append(seen, name)
		v := sfItem{kind: '?', text: "?1"}
		if p.take('=') {
			var ok bool
			if v, ok = p.item(); !ok {
				return false
			}
		}
		if !each(name, v) {
			return false
		}
	}
	return true
}

func (p *sfReader) item() (sfItem, bool) {
	switch c := p.peek(); {
	case c == '"':
		return p.quoted()
	case c == ':':
		return p.binary()
	case c == '?':
		v := p.s[p.i:min(p.i+2, len(p.s))]
		p.i += len(v)
		return sfItem{kind: '?', text: v}, v == "?0" || v == "?1"
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	case c == '*' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		start := p.i
		for p.i < len(p.s) && (isToken(p.s[p.i:p.i+1]) || p.s[p.i] == ':' || p.s[p.i] == '/') {
			p.i++
		}
		return sfItem{kind: 'a', text: p.s[start:p.i]}, true
	}
	return sfItem{}, false
}

func (p *sfReader) quoted() (sfItem, bool) {
	var b strings.Builder
	for p.i++; p.i < len(p.s); p.i++ {
		c := p.s[p.i]
		switch {
		case c == '"':
			p.i++
			return sfItem{kind: '"', text: b.String()}, true
		case c == '\\':
			p.i++
			if c = p.peek(); c != '"' && c != '\\' {
				return sfItem{}, false
			}
		case c < ' ' || c >= 0x7f:
			return sfItem{}, false
		}
		b.WriteByte(c)
	}
	return sfItem{}, false
}

func (p *sfReader) binary() (sfItem, bool) {
	n := strings.IndexByte(p.s[p.i+1:], ':')
	if n < 0 {
		return sfItem{}, false
	}
	text := p.s[p.i+1 : p.i+1+n]
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return sfItem{}, false
	}
	p.i += n + 2
	return sfItem{kind: ':', text: text, bytes: b}, true
}

func (p *sfReader) number() (sfItem, bool) {
	start := p.i
	p.take('-')
	for c := p.peek(); c >= '0' && c <= '9' || c == '.'; c = p.peek() {
		p.i++
	}
	text := p.s[start:p.i]
	if len(text) > 16 {
		return sfItem{}, false
	}
	if strings.Contains(text, ".") {
		_, err := strconv.ParseFloat(text, 64)
		return sfItem{kind: '.', text: text}, err == nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return sfItem{kind: '0', text: text, number: n}, err == nil
}
