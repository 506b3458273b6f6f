package ui

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed" // the common passwords travel inside the program
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/coopnode/coopnode/node"
)

// The 10,000 commonest passwords, the commonest first: the beginning of passwords.json of the npm package
// @zxcvbn-ts/language-common 4.1.3 (MIT, password/LICENSE).
//
//go:embed password/common.txt
var commonFile string

var commonPasswords = sync.OnceValue(func() map[string]bool {
	common := map[string]bool{}
	for line := range strings.Lines(commonFile) {
		common[strings.TrimSpace(line)] = true
	}
	return common
})

// The length of a password in characters (LOGIN-1).
const (
	minPassword = 12
	maxPassword = 128
)

// A flaw is what is wrong with a password that somebody chose, as the texts call it; "" for nothing.
type flaw string

const (
	tooShort  flaw = "short"
	tooLong   flaw = "long"
	tooCommon flaw = "common"
)

// flawOf judges a password that somebody wants to use (LOGIN-1). Nearly all of the commonest passwords are too short
// anyway, and people make them longer with digits and signs at the ends, or by writing them twice: that does not count.
func flawOf(password string) flaw {
	password = norm.NFC.String(password)
	switch n := utf8.RuneCountInString(password); {
	case n < minPassword:
		return tooShort
	case n > maxPassword:
		return tooLong
	}
	whole := strings.ToLower(password)
	bare := strings.TrimFunc(whole, func(r rune) bool { return !unicode.IsLetter(r) })
	part := once(whole)
	if len(part) < shortPart && part != whole || commonPasswords()[part] || commonPasswords()[once(bare)] {
		return tooCommon
	}
	return ""
}

// A password that repeats something shorter than so many bytes is no better than a common one.
const shortPart = 4

// once is the shortest text of which s is a repetition.
func once(s string) string {
	for n := 1; n <= len(s)/2; n++ {
		if len(s)%n == 0 && strings.Repeat(s[:n], len(s)/n) == s {
			return s[:n]
		}
	}
	return s
}

// The cost of a password's hash (LOGIN-1): 19 MiB, twice, one lane. Who signs in with an older cost gets a new hash.
const (
	hashKiB    = 19 << 10
	hashPasses = 2
	hashLanes  = 1
	saltBytes  = 16
	keyBytes   = 32
)

// hashesAtOnce bounds the memory that strangers can take by signing in; those who come while all are taken wait so long.
const (
	hashesAtOnce = 4
	hashWait     = 5 * time.Second
)

// A hasher makes and checks the hashes of passwords, only so many at once.
type hasher struct {
	places chan struct{}
	wait   time.Duration
}

func newHasher() *hasher {
	return &hasher{places: make(chan struct{}, hashesAtOnce), wait: hashWait}
}

// take waits for a place. The error is Unavailable.
func (h *hasher) take(ctx context.Context) error {
	late := time.NewTimer(h.wait)
	defer late.Stop()
	select {
	case h.places <- struct{}{}:
		return nil
	case <-late.C:
		return &node.Error{Op: "hash password", Kind: node.Unavailable}
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *hasher) give() { <-h.places }

// seal gives what is kept of a password: the PHC string of Argon2id, with its parameters.
func (h *hasher) seal(ctx context.Context, password string) (string, error) {
	if err := h.take(ctx); err != nil {
		return "", err
	}
	defer h.give()
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails
	key := argon2.IDKey([]byte(norm.NFC.String(password)), salt, hashPasses, hashKiB, hashLanes, keyBytes)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashKiB, hashPasses, hashLanes, b64(salt), b64(key)), nil
}

// nobodysPassword stands in where there is no password to compare with, so that the same work is done (LOGIN-2). No
// password leads to it: it is not the end of any hashing.
var nobodysPassword = fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashKiB, hashPasses, hashLanes,
	base64.RawStdEncoding.EncodeToString(make([]byte, saltBytes)), base64.RawStdEncoding.EncodeToString(make([]byte, keyBytes)))

// opens says whether a password is the one that was sealed, "" being nobody's; and whether the seal is of an older cost, so
// that it should be made anew. The error is Unavailable where too many wait.
func (h *hasher) opens(ctx context.Context, sealed, password string) (ok, old bool, err error) {
	known := sealed != ""
	if !known {
		sealed = nobodysPassword
	}
	s, err := readSeal(sealed)
	if err != nil {
		return false, false, &node.Error{Op: "read password", Kind: node.Damaged, Err: err}
	}
	if utf8.RuneCountInString(password) > maxPassword {
		password = "" // nobody's; and its length costs nothing
	}
	if err := h.take(ctx); err != nil {
		return false, false, err
	}
	defer h.give()
	key := argon2.IDKey([]byte(norm.NFC.String(password)), s.salt, s.passes, s.kib, s.lanes, uint32(len(s.key)))
	ok = subtle.ConstantTimeCompare(key, s.key) == 1 && known
	return ok, s.kib != hashKiB || s.passes != hashPasses || s.lanes != hashLanes, nil
}

// A seal is what a PHC string of Argon2id says.
type seal struct {
	kib, passes uint32
	lanes       uint8
	salt, key   []byte
}

func readSeal(text string) (s seal, err error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return s, errors.New("not an Argon2id hash of this version")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &s.kib, &s.passes, &s.lanes); err != nil {
		return s, err
	}
	if s.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return s, err
	}
	if s.key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return s, err
	}
	if s.kib == 0 || s.passes == 0 || s.lanes == 0 || len(s.key) < 16 {
		return s, errors.New("parameters out of range")
	}
	return s, nil
}
