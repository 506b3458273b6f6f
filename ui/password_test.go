package ui

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// LOGIN-1: 12 to 128 characters of any script, and not one of the 10,000 commonest, however it was made longer.
func TestFlaws(t *testing.T) {
	if n := len(commonPasswords()); n != 10000 {
		t.Errorf("the list has %d passwords", n)
	}
	for password, want := range map[string]flaw{
		"elevenchars":             tooShort,
		"":                        tooShort,
		strings.Repeat("ñ", 11):   tooShort,
		"se\u0301is letras":       tooShort, // 11 characters, in whatever form they are typed
		strings.Repeat("xk ", 43): tooLong,
		"violet harbour tractor":  "",
		"海の向こうの町まで歩いていく": "",
		"Kx7!mq2#Zp9$":                "",
		"qwerty123456":                tooCommon, // stands in the list
		"1QAZ2wsx3edc":                tooCommon, // the same in other letters
		"dragon2026!!":                tooCommon, // a common one, made longer
		"!!!!Password":                tooCommon,
		"monkeymonkey":                tooCommon, // twice
		"aaaaaaaaaaaa":                tooCommon,
		"ababababababab":              tooCommon,
		strings.Repeat("ok tea ", 18): "", // 126 characters
	} {
		if got := flawOf(password); got != want {
			t.Errorf("flawOf(%q) = %q, want %q", password, got, want)
		}
	}
}

// LOGIN-1: Argon2id with 19 MiB, two passes, one lane and a salt of its own, all of which is kept with the hash; the same
// characters in another normal form are the same password; a hash of an older cost is told.
func TestSeal(t *testing.T) {
	h, ctx := newHasher(), t.Context()
	sealed, err := h.seal(ctx, "caf\u00e9 solpor rede")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(sealed, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("sealed as %s", sealed)
	}
	s, err := readSeal(sealed)
	if err != nil || len(s.salt) != 16 || len(s.key) != 32 {
		t.Errorf("%+v %v", s, err)
	}
	if other, _ := h.seal(ctx, "caf\u00e9 solpor rede"); other == sealed {
		t.Error("the same password has the same hash twice")
	}
	for password, want := range map[string]bool{"caf\u00e9 solpor rede": true, "cafe\u0301 solpor rede": true, "cafe solpor rede": false, "": false, strings.Repeat("x", 500): false} {
		if ok, old, err := h.opens(ctx, sealed, password); ok != want || old || err != nil {
			t.Errorf("opens(%q) = %v, %v, %v", password, ok, old, err)
		}
	}
	apart, err := h.seal(ctx, "cafe\u0301 solpor rede")
	if err != nil {
		t.Fatal(err)
	}
	if ok, _, err := h.opens(ctx, apart, "caf\u00e9 solpor rede"); !ok || err != nil {
		t.Errorf("sealed in another normal form it is not the same: %v %v", ok, err)
	}
	long := strings.Repeat("x", maxPassword+1)
	if sealed, err = h.seal(ctx, long); err != nil {
		t.Fatal(err)
	}
	if ok, _, err := h.opens(ctx, sealed, long); ok || err != nil {
		t.Errorf("what is longer than any password is hashed: %v %v", ok, err)
	}
	// One of the three is less, or other, than it is now.
	const weak = "$argon2id$v=19$m=8192,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
	for _, cost := range []string{"m=8192,t=2,p=1", "m=19456,t=1,p=1", "m=19456,t=2,p=2"} {
		older := "$argon2id$v=19$" + cost + "$AAAAAAAAAAAAAAAAAAAAAA$" + strings.Repeat("A", 43)
		if _, old, err := h.opens(ctx, older, "violet harbour tractor"); err != nil || !old {
			t.Errorf("an older cost is not seen, %s: %v %v", cost, old, err)
		}
	}
	for _, bad := range []string{"plain", "$argon2i$v=19$m=19456,t=2,p=1$AAAA$AAAA", weak + "AAAA", "$argon2id$v=19$m=0,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + strings.Repeat("A", 43)} {
		if _, _, err := h.opens(ctx, bad, "x"); node.KindOf(err) != node.Damaged {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// LOGIN-2: where there is no password to compare with, a hash of the same cost is made, and none opens it.
func TestNobodysPassword(t *testing.T) {
	s, err := readSeal(nobodysPassword)
	if err != nil || s.kib != hashKiB || s.passes != hashPasses || s.lanes != hashLanes || len(s.key) != keyBytes || len(s.salt) != saltBytes {
		t.Fatalf("nobody's password costs %+v, %v", s, err)
	}
	h := newHasher()
	if ok, _, err := h.opens(t.Context(), "", ""); ok || err != nil {
		t.Errorf("an empty password opens nobody's: %v", err)
	}
	was := nobodysPassword // if somebody found what leads to it, that would open nothing
	defer func() { nobodysPassword = was }()
	if nobodysPassword, err = h.seal(t.Context(), "found"); err != nil {
		t.Fatal(err)
	}
	if ok, _, err := h.opens(t.Context(), "", "found"); ok || err != nil {
		t.Errorf("nobody signs in: %v %v", ok, err)
	}
	for range hashesAtOnce { // it stands in line like any other
		h.places <- struct{}{}
	}
	h.wait = time.Millisecond
	if _, _, err := h.opens(t.Context(), "", "violet harbour tractor"); node.KindOf(err) != node.Unavailable {
		t.Errorf("nobody's password is compared without a hash: %v", err)
	}
}

// LOGIN-1: four hashes at once; a fifth waits, and in the end is Unavailable, which pages tell as 503.
func TestFourHashesAtOnce(t *testing.T) {
	h := newHasher()
	if hashesAtOnce != 4 || h.wait != 5*time.Second || cap(h.places) != 4 {
		t.Errorf("%d at once, waiting %s", hashesAtOnce, h.wait)
	}
	for range hashesAtOnce {
		h.places <- struct{}{}
	}
	h.wait = 10 * time.Millisecond
	_, err := h.seal(t.Context(), "violet harbour tractor")
	if node.KindOf(err) != node.Unavailable || statusOf(err) != 503 {
		t.Errorf("a fifth: %v", err)
	}
	h.wait = time.Minute
	done := make(chan error)
	go func() {
		_, err := h.seal(t.Context(), "violet harbour tractor")
		done <- err
	}()
	h.give()
	if err := <-done; err != nil {
		t.Errorf("who waits gets no turn: %v", err)
	}
	h.places <- struct{}{}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := h.seal(ctx, "violet harbour tractor"); err == nil {
		t.Error("who went away is worked for")
	}
}
