package activitypub

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// cavageAlgorithms are the labels that are let through. They choose nothing: the
// key does, and it is an RSA key (SIG-2). hmac and SHA-1 are not among them.
var cavageAlgorithms = []string{"", "hs2019", "rsa-sha256", "rsa-sha512"}

// parseCavage reads the parameters of a draft-cavage-12 signature (section 2.1):
//
//	keyId="…",algorithm="…",created=1,expires=2,headers="(request-target) host",signature="…"
//
// in any order. Parameters it does not know are ignored, but any that comes twice
// is an error, because two readers could then see two signatures (SIG-7).
func parseCavage(line string) (*Signature, error) {
	params, err := cavageParams(line)
	if err != nil {
		return nil, err
	}
	s := &Signature{
		Form:      DraftCavage,
		KeyID:     params["keyid"],
		algorithm: strings.ToLower(params["algorithm"]),
	}
	if s.KeyID == "" || len(s.KeyID) > MaxURLBytes {
		return nil, badSignature(ReasonMalformed, "no keyId, or one that is too long")
	}
	if s.value, err = signatureBytes(params["signature"]); err != nil {
		return nil, err
	}
	if s.covered, err = cavageHeaders(params["headers"]); err != nil {
		return nil, err
	}
	if !slices.Contains(cavageAlgorithms, s.algorithm) {
		return nil, badSignature(ReasonAlgorithm, "algorithm %q", s.algorithm)
	}
	if s.created, err = cavageTime(params, "created"); err != nil {
		return nil, err
	}
	if s.expires, err = cavageTime(params, "expires"); err != nil {
		return nil, err
	}
	for _, name := range []string{"(created)", "(expires)"} {
		// Section 2.3: only hs2019 and later algorithms sign these.
		if s.covers(name) && strings.HasPrefix(s.algorithm, "rsa") {
			return nil, badSignature(ReasonAlgorithm, "%s with %s", name, s.algorithm)
		}
	}
	return s, nil
}

// cavageParams splits a list of name=value, where a value is a quoted string or a
// word. Names are given in lower case.
func cavageParams(line string) (map[string]string, error) {
	params := make(map[string]string, 8)
	rest := strings.Trim(line, " \t")
	for {
		eq := strings.IndexByte(rest, '=')
		if eq <= 0 || !isToken(rest[:eq]) {
			return nil, badSignature(ReasonMalformed, "no name=value where one is expected")
		}
		name := strings.ToLower(rest[:eq])
		value, after, ok := cavageValue(rest[eq+1:])
		if !ok {
			return nil, badSignature(ReasonMalformed, "parameter %q has no readable value", name)
		}
		if _, twice := params[name]; twice {
			return nil, badSignature(ReasonMalformed, "parameter %q comes twice", name)
		}
		params[name] = value
		after = strings.TrimLeft(after, " \t")
		if after == "" {
			return params, nil
		}
		if after[0] != ',' {
			return nil, badSignature(ReasonMalformed, "no comma after parameter %q", name)
		}
		rest = strings.TrimLeft(after[1:], " \t")
	}
}

// cavageValue reads a quoted string (RFC 9110 section 5.6.4) or a token.
func cavageValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ", \t")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:], end > 0 && isToken(s[:end])
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"':
			return b.String(), s[i+1:], true
		case c == '\\' && i+1 < len(s):
			i++
			c = s[i]
		}
		if c < ' ' || c >= 0x7f {
			return "", "", false
		}
		b.WriteByte(c)
	}
	return "", "", false
}

// isToken checks the characters of a token (RFC 9110 section 5.6.2).
func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// cavageHeaders splits the list of what is signed. Without the list the draft
// would sign the date alone, so it must be there (SIG-3).
func cavageHeaders(list string) ([]string, error) {
	covered := strings.Fields(strings.ToLower(list))
	if len(covered) == 0 {
		return nil, badSignature(ReasonUncovered, "there is no list of signed headers")
	}
	for i, name := range covered {
		if slices.Contains(covered[:i], name) {
			return nil, badSignature(ReasonMalformed, "header %q is signed twice", name)
		}
	}
	return covered, nil
}

func cavageTime(params map[string]string, name string) (unixTime, error) {
	text, ok := params[name]
	if !ok {
		return unixTime{}, nil
	}
	at, err := strconv.ParseInt(text, 10, 64)
	if err != nil || at < 0 || len(text) > 12 {
		return unixTime{}, badSignature(ReasonMalformed, "unreadable %s %q", name, text)
	}
	return unixTime{text, at}, nil
}

func signatureBytes(text string) ([]byte, error) {
	if text == "" || len(text) > base64.StdEncoding.EncodedLen(maxSignatureBytes) {
		return nil, badSignature(ReasonMalformed, "no signature, or one that is too long")
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, badSignature(ReasonMalformed, "the signature is not base64")
	}
	return b, nil
}

// checkCovered demands what must be signed, whoever signs (SIG-3). More is welcome.
func (s *Signature) checkCovered(hasBody bool) error {
	if s.Form == RFC9421 {
		return s.messageCovered(hasBody)
	}
	for _, name := range []string{"(request-target)", "host"} {
		if !s.covers(name) {
			return badSignature(ReasonUncovered, "%s is not signed", name)
		}
	}
	if !s.covers("date") && !s.covers("(created)") {
		return badSignature(ReasonUncovered, "neither date nor (created) is signed")
	}
	if hasBody && !s.covers("digest") {
		return badSignature(ReasonUncovered, "digest is not signed")
	}
	return nil
}

// cavageBases makes the strings that may have been signed: with the query in
// (request-target), as the draft says, and without, as Fedify, Misskey and Pleroma
// do, both for GET and POST (independent-peers.md 1).
func (s *Signature) cavageBases(r *http.Request, target string) error {
	targets := []string{target}
	if path, _, ok := strings.Cut(target, "?"); ok {
		targets = append(targets, path)
	}
	for _, t := range targets {
		base, err := s.cavageBase(r, t)
		if err != nil {
			s.bases = nil
			return err
		}
		s.bases = append(s.bases, base)
	}
	return nil
}

func (s *Signature) cavageBase(r *http.Request, target string) ([]byte, error) {
	lines := make([]string, 0, len(s.covered))
	for _, name := range s.covered {
		var value string
		var err error
		switch name {
		case "(request-target)":
			value = strings.ToLower(r.Method) + " " + target
		case "(created)":
			value = s.created.text
		case "(expires)":
			value = s.expires.text
		default:
			value, err = fieldValue(r, name)
		}
		if err != nil {
			return nil, err
		}
		if value == "" && strings.HasPrefix(name, "(") {
			return nil, badSignature(ReasonMalformed, "%s is signed and absent", name)
		}
		lines = append(lines, name+": "+value)
	}
	return joinBase(lines), nil
}
