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

	mu         sync.Mutex
	read       bool
	generation int64 // of the data when the keys were read
	keys       []signingKey
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

// current gives the keys as they are stored, the one that signs first. A change made by a command is
// noticed like every other change of the data. A key is parsed once: for each letter that would cost as
// much again as signing (performance.md 3).
func (s *signer) current() ([]signingKey, error) {
	generation := s.node.Generation() // before reading: what changes meanwhile is read again
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.read && s.generation == generation {
		return s.keys, nil
	}
	stored, err := s.node.Keys(context.Background())
	if err == nil && len(stored) == 0 {
		err = fmt.Errorf("there is none")
	}
	if err != nil {
		return nil, fmt.Errorf("read the node's key: %w", err)
	}
	keys := make([]signingKey, len(stored))
	for i, k := range stored {
		keys[i] = signingKey{OwnKey: k}
		if known := slices.IndexFunc(s.keys, func(o signingKey) bool { return bytes.Equal(o.PKCS8, k.PKCS8) }); known >= 0 {
			keys[i].private = s.keys[known].private
		} else if keys[i].private, err = privateKey(k); err != nil {
			return nil, err
		}
	}
	s.read, s.generation, s.keys = true, generation, keys
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
