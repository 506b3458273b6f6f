package activitypub

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/coopnode/coopnode/node"
)

// A Signing says how a request is to be signed. The zero value is draft-cavage with the key that signs now.
type Signing struct {
	Form SignatureForm // DraftCavage if empty
	// Act is the number of the act whose letter it is, at its first try: a key that was replaced signs
	// the letters from before (KEY-3). 0 for anything else.
	Act int64

	asked *askedSignature // what the peer asked for, of RFC 9421
}

// signer signs the requests of the coop: GETs and POSTs alike are signed by the coop's actor,
// whose document is served to anyone (decisions 21).
type signer struct {
	node *node.Node

	mu   sync.Mutex
	ids  []string // of keys
	keys []signingKey
}

type signingKey struct {
	*node.OwnKey
	private *rsa.PrivateKey
}

// sign signs r and returns the id of the key.
func (s *signer) sign(r *http.Request, body []byte, how Signing) (keyID string, err error) {
	keys, err := s.current()
	if err != nil {
		return "", err
	}
	key := keys[0]
	for _, k := range keys[1:] {
		if how.Act > 0 && how.Act <= k.LastAct {
			key = k
		}
	}
	now := s.node.Now()
	switch {
	case how.Form == RFC9421:
		err = signMessage(r, body, key.ID, key.private, now, how.asked)
	case body == nil:
		err = SignGet(r, key.ID, key.private, now)
	default:
		err = SignPost(r, body, key.ID, key.private, now)
	}
	return key.ID, err
}

// keyID is the key that signs now, "" if that cannot be read.
func (s *signer) keyID() string {
	keys, err := s.current()
	if err != nil {
		return ""
	}
	return keys[0].ID
}

// current gives the keys as they are stored, the one that signs first. The store is asked each time, which costs little
// beside a signature: a key that a command has revoked must not sign the next letter (KEY-4). A key is parsed once:
// for each letter that would cost as much again as signing (performance.md 3).
func (s *signer) current() ([]signingKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, err := s.node.KeysBut(context.Background(), s.ids)
	if err != nil {
		return nil, fmt.Errorf("read the node's key: %w", err)
	}
	if stored == nil {
		return s.keys, nil
	}
	ids, keys := make([]string, len(stored)), make([]signingKey, len(stored))
	for i, k := range stored {
		ids[i], keys[i] = k.ID, signingKey{OwnKey: k}
		if known := slices.IndexFunc(s.keys, func(o signingKey) bool { return bytes.Equal(o.PKCS8, k.PKCS8) }); known >= 0 {
			keys[i].private = s.keys[known].private
		} else if keys[i].private, err = privateKey(k); err != nil {
			return nil, err
		}
	}
	s.ids, s.keys = ids, keys
	return keys, nil
}

func privateKey(k *node.OwnKey) (*rsa.PrivateKey, error) {
	key, err := x509.ParsePKCS8PrivateKey(k.PKCS8)
	if err != nil {
		return nil, fmt.Errorf("read the node's key: %w", err)
	}
	rsaKey, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("read the node's key: it is a %T, not RSA", key)
	}
	rsaKey.Precompute()
	return rsaKey, nil
}
