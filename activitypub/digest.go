package activitypub

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"strings"
)

// maxDigests bounds the digests of one request.
const maxDigests = 8

// checkDigest compares body with the Digest header that goes with draft-cavage
// (RFC 3230): SHA-256=…,SHA-512=… with names in any casing. Every digest of a known
// kind must agree, and there must be one (SIG-4).
func checkDigest(lines []string, body []byte) error {
	d := bodyDigest{body: body}
	entries := strings.Split(strings.Join(lines, ","), ",")
	if len(entries) > maxDigests {
		return badSignature(ReasonDigest, "more than %d digests", maxDigests)
	}
	for _, entry := range entries {
		name, text, ok := strings.Cut(strings.Trim(entry, " \t"), "=")
		if !ok {
			return badSignature(ReasonDigest, "no readable Digest")
		}
		sum, err := base64.StdEncoding.DecodeString(text)
		if known := d.compare(strings.ToLower(name), sum); known && err != nil {
			return badSignature(ReasonDigest, "the digest is not base64")
		}
	}
	return d.verdict()
}

// checkContentDigest is checkDigest for Content-Digest (RFC 9530), which goes with
// RFC 9421: sha-256=:…:, sha-512=:…:
func checkContentDigest(lines []string, body []byte) error {
	d := bodyDigest{body: body}
	p := &sfReader{s: strings.Join(lines, ", ")}
	err := p.dictionary(maxDigests, func(name string) bool {
		v, ok := p.item()
		if !ok || v.kind != ':' {
			return false
		}
		d.compare(name, v.bytes)
		return p.params(func(string, sfItem) bool { return true })
	})
	if err != nil {
		return badSignature(ReasonDigest, "no readable Content-Digest")
	}
	return d.verdict()
}

// bodyDigest collects what the digests of a request say about its body.
type bodyDigest struct {
	body          []byte
	known, differ bool
}

// compare notes one digest, in constant time, and reports whether its kind is known.
func (d *bodyDigest) compare(name string, sum []byte) bool {
	var want []byte
	switch name {
	case "sha-256":
		s := sha256.Sum256(d.body)
		want = s[:]
	case "sha-512":
		s := sha512.Sum512(d.body)
		want = s[:]
	default:
		return false
	}
	d.known = true
	if subtle.ConstantTimeCompare(want, sum) != 1 {
		d.differ = true
	}
	return true
}

func (d *bodyDigest) verdict() error {
	switch {
	case !d.known:
		return badSignature(ReasonDigest, "neither SHA-256 nor SHA-512")
	case d.differ:
		return badSignature(ReasonDigest, "the body is not the one that was signed")
	}
	return nil
}
