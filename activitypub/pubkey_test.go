package activitypub

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"testing"
)

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func spkiOf(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pemText("PUBLIC KEY", der)
}

// ofBits is a public key that has a size and nothing else.
func ofBits(n uint, e int) *rsa.PublicKey {
	m := new(big.Int).Lsh(big.NewInt(1), n-1)
	return &rsa.PublicKey{N: m.Add(m, big.NewInt(1)), E: e}
}

// TestParsePublicKeyPEM: which keys are taken (SIG-10).
func TestParsePublicKeyPEM(t *testing.T) {
	keys := testKeys()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := spkiOf(t, &keys.rsa.PublicKey)
	for _, tt := range []struct {
		name, text string
		ok         bool
	}{
		{"RSA 2048", good, true},
		{"RSA 2048 as PKCS#1", pemText("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&keys.rsa.PublicKey)), true},
		{"RSA 4096", spkiOf(t, ofBits(4096, 65537)), true},
		{"RSA 4097", spkiOf(t, ofBits(4097, 65537)), false},
		{"RSA 2047", spkiOf(t, ofBits(2047, 65537)), false},
		{"RSA 1024", spkiOf(t, ofBits(1024, 65537)), false},
		{"exponent 1", spkiOf(t, ofBits(2048, 1)), false},
		{"even exponent", spkiOf(t, ofBits(2048, 4)), false},
		{"Ed25519", spkiOf(t, keys.ed.Public()), true},
		{"P-256", spkiOf(t, &ec.PublicKey), false},
		{"space around", "\n " + good + "\n\n", true},
		{"two keys", good + good, false},
		{"a private key", pemText("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(keys.rsa)), false},
		{"no key", "hello", false},
		{"nothing", "", false},
		{"broken", pemText("PUBLIC KEY", []byte{1, 2, 3}), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key, err := ParsePublicKeyPEM(tt.text)
			if (err == nil) != tt.ok {
				t.Fatalf("error %v, want accepted: %v", err, tt.ok)
			}
			if k, isRSA := key.(*rsa.PublicKey); tt.name == "RSA 2048" && (!isRSA || !k.Equal(&keys.rsa.PublicKey)) {
				t.Error("another key came out")
			}
		})
	}
}

// TestParseMultikey reads the key that Fedify wrote (FEP-521a), and one made here.
func TestParseMultikey(t *testing.T) {
	want := testKeys().ed.Public().(ed25519.PublicKey)
	got, err := ParseMultikey("z" + base58Text(append([]byte{0xed, 0x01}, want...)))
	if err != nil || !want.Equal(got) {
		t.Errorf("Ed25519: got %v, %v", got, err)
	}
	der := x509.MarshalPKCS1PublicKey(&testKeys().rsa.PublicKey)
	got, err = ParseMultikey("z" + base58Text(append([]byte{0x85, 0x24}, der...)))
	if err != nil || !testKeys().rsa.PublicKey.Equal(got) {
		t.Errorf("RSA: got %v, %v", got, err)
	}
	for _, bad := range []string{"", "z", "z0", "u6MkjSDS", "z6Mk", "z" + base58Text([]byte{0x80, 0x24, 1})} {
		if _, err := ParseMultikey(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	raw, ok := sharedFile(t, "vectors", "fedify-signatures", "signatures.json")
	if !ok {
		return
	}
	var file struct{ Ed25519Multibase string }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if _, err := ParseMultikey(file.Ed25519Multibase); err != nil {
		t.Error(err)
	}
}

func base58Text(b []byte) string {
	n, rest, out := new(big.Int).SetBytes(b), new(big.Int), ""
	for n.Sign() > 0 {
		n.DivMod(n, big.NewInt(58), rest)
		out = string(base58Digits[rest.Int64()]) + out
	}
	return out
}
