package activitypub

import (
	"crypto"
	"fmt"
)

// keyOwner is whom a document names as owner of a key: a key document by `owner` or `controller`,
// an actor or a stub of one inside its publicKey (interop.md 2.5).
func keyOwner(m map[string]any, keyID string) string {
	if Str(m, "id") == keyID {
		if o := IDOf(m["owner"]); o != "" {
			return o
		}
		if o := IDOf(m["controller"]); o != "" {
			return o
		}
	}
	for _, entry := range keyEntries(m) {
		if Str(entry, "id") != keyID {
			continue
		}
		if o := IDOf(entry["owner"]); o != "" {
			return o
		}
		return IDOf(entry["controller"])
	}
	return ""
}

// keyEntries are the first four keys that a document lists: publicKey, and Multikeys (FEP-521a).
func keyEntries(m map[string]any) []map[string]any {
	var out []map[string]any
	for _, property := range []string{"publicKey", "assertionMethod"} {
		for i, v := range List(m[property]) {
			if entry := Obj(v); entry != nil && i < 4 {
				out = append(out, entry)
			}
		}
	}
	return out
}

func keyIn(m map[string]any, keyID string) (crypto.PublicKey, error) {
	entries := keyEntries(m)
	if Str(m, "id") == keyID {
		entries = append(entries, m)
	}
	for _, entry := range entries {
		if Str(entry, "id") != keyID {
			continue
		}
		if pem := Str(entry, "publicKeyPem"); pem != "" {
			return ParsePublicKeyPEM(pem)
		}
		if multi := Str(entry, "publicKeyMultibase"); multi != "" {
			return ParseMultikey(multi)
		}
	}
	return nil, fmt.Errorf("there is no key %s in its document", keyID)
}

// mainKey is the key of an actor that is stored with it: the first in its document that it owns and that can
// be used. Others are kept in memory alone and fetched again when they are needed.
func mainKey(m map[string]any, owner string) (id, pem string) {
	for _, entry := range keyEntries(m) {
		id, pem = Str(entry, "id"), Str(entry, "publicKeyPem")
		if IDOf(entry["owner"]) != owner || !SameOrigin(id, owner) {
			continue
		}
		if _, err := ParsePublicKeyPEM(pem); err == nil {
			return id, pem
		}
	}
	return "", ""
}
