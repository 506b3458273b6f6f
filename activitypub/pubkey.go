package activitypub

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// maxKeyText bounds the text of a key: RSA-4096 needs 800 bytes.
const maxKeyText = 8 << 10

// ParsePublicKeyPEM reads publicKeyPem of an actor: RSA as SubjectPublicKeyInfo or
// PKCS#1, or Ed25519 as SubjectPublicKeyInfo, and nothing beside it. The result is
// an *rsa.PublicKey or an ed25519.PublicKey that is strong enough (SIG-10).
func ParsePublicKeyPEM(text string) (crypto.PublicKey, error) {
	if len(text) > maxKeyText {
		return nil, errors.New("read public key: the text is too long")
	}
	block, rest := pem.Decode([]byte(strings.TrimSpace(text)))
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("read public key: not one PEM block")
	}
	var key crypto.PublicKey
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		err = fmt.Errorf("a block of type %q", cut(block.Type, 64))
	}
	return strongKey(key, err)
}

// ParseMultikey reads publicKeyMultibase of a Multikey (FEP-521a): Ed25519 or RSA
// in base58btc. The result is as in ParsePublicKeyPEM.
func ParseMultikey(text string) (crypto.PublicKey, error) {
	digits, ok := strings.CutPrefix(text, "z")
	if !ok || len(text) > maxKeyText/8 {
		return nil, errors.New("read public key: not a base58btc multikey")
	}
	raw, err := base58(digits)
	if err != nil {
		return strongKey(nil, err)
	}
	// The first two bytes are the kind, as an unsigned varint of the multicodec table.
	switch {
	case bytes.HasPrefix(raw, []byte{0xed, 0x01}) && len(raw) == 2+ed25519.PublicKeySize:
		return strongKey(ed25519.PublicKey(raw[2:]), nil)
	case bytes.HasPrefix(raw, []byte{0x85, 0x24}):
		key, err := x509.ParsePKCS1PublicKey(raw[2:])
		return strongKey(key, err)
	}
	return nil, errors.New("read public key: a multikey of unknown kind")
}

// writeMultikey is the reverse of ParseMultikey for an RSA key in PEM.
func writeMultikey(pemText string) (string, error) {
	key, err := ParsePublicKeyPEM(pemText)
	if err != nil {
		return "", err
	}
	rsaKey, ok := key.(*rsa.PublicKey)
	if !ok {
		return "", fmt.Errorf("write multikey: a key of type %T, not RSA", key)
	}
	return "z" + toBase58(append([]byte{0x85, 0x24}, x509.MarshalPKCS1PublicKey(rsaKey)...)), nil
}

func strongKey(key crypto.PublicKey, err error) (crypto.PublicKey, error) {
	if err == nil {
		err = CheckKeyStrength(key)
	}
	if err != nil {
		return nil, fmt.Errorf("read public key: %w", err)
	}
	return key, nil
}

// CheckKeyStrength accepts RSA of 2048 to 4096 bits, and Ed25519 (SIG-10).
func CheckKeyStrength(key crypto.PublicKey) error {
	switch k := key.(type) {
	case ed25519.PublicKey:
		if len(k) != ed25519.PublicKeySize {
			return errors.New("an Ed25519 key of the wrong length")
		}
		return nil
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < 2048 || bits > 4096 {
			return fmt.Errorf("an RSA key of %d bits, not 2048 to 4096", bits)
		}
		if k.E < 3 || k.E%2 == 0 {
			return errors.New("an RSA key with an impossible exponent")
		}
		return nil
	}
	return fmt.Errorf("a key of type %T, not RSA or Ed25519", key)
}

const base58Digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// base58 decodes the digits of the Bitcoin alphabet; a leading 1 is a zero byte.
func base58(s string) ([]byte, error) {
	n, radix := new(big.Int), big.NewInt(58)
	zeros := len(s) - len(strings.TrimLeft(s, "1"))
	for i := 0; i < len(s); i++ {
		d := strings.IndexByte(base58Digits, s[i])
		if d < 0 {
			return nil, errors.New("not base58")
		}
		n.Add(n.Mul(n, radix), big.NewInt(int64(d)))
	}
	return append(make([]byte, zeros), n.Bytes()...), nil
}

// toBase58 is the reverse of base58, for bytes that do not begin with zero.
func toBase58(raw []byte) string {
	n, radix, digit := new(big.Int).SetBytes(raw), big.NewInt(58), new(big.Int)
	var out []byte
	for n.Sign() > 0 {
		n.DivMod(n, radix, digit)
		out = append(out, base58Digits[digit.Int64()])
	}
	slices.Reverse(out)
	return string(out)
}
