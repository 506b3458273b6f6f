package node

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

var lowerBase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewID draws the id of something of ours: 10 characters of lower-case base32, 50 random bits
// (decisions 19). Random, so that ids made after a restore never repeat old ones (BAK-4).
func NewID() string {
	var b [7]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return lowerBase32.EncodeToString(b[:])[:10]
}

// RemoteID is the short name by which this node speaks of something that lives elsewhere:
// always the same for the same address, so that a second arrival finds the first.
func RemoteID(iri string) string {
	sum := sha256.Sum256([]byte(iri))
	return lowerBase32.EncodeToString(sum[:8])[:12]
}

// IsID says whether s could be an id made here.
func IsID(s string) bool {
	return (len(s) == 10 || len(s) == 12) && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz234567") == ""
}
