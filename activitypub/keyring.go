package activitypub

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/coopnode/coopnode/node"
)

// Bounds of the keyring (SIG-8, Q-9).
const (
	maxKeys          = 10_000
	failedFor        = 10 * time.Minute // a key that is not there or cannot be used
	unreachedFor     = 10 * time.Second // a home that did not answer
	refetchEvery     = 5 * time.Minute  // after a signature that did not hold
	trustedFor       = 5 * time.Minute  // from memory; then the store is asked again, where it may have changed or gone
	keyFetchesAtOnce = 16
)

// errUnreached says that a key could not be fetched now, but may be later: the sender is asked
// to come again, for a signature that could not be checked is not a wrong one.
var errUnreached = errors.New("the key's home does not answer")

// A provenKey is a key with the actor that its own document names as owner.
type provenKey struct {
	id, owner string
	public    crypto.PublicKey
	until     time.Time // when memory has to be refreshed
}

// A keyring knows whose keys are whose: from memory, from the store, or by asking the owner's home.
type keyring struct {
	w     *Wire
	slots Gate

	mu        sync.Mutex
	changes   int // of known that a fetch or an end has made: what was read from the store before is old
	known     map[string]*provenKey
	failed    map[string]failedKey
	refetched map[string]time.Time // by owner
	fetching  map[string]chan struct{}
}

type failedKey struct {
	until time.Time
	err   error
}

func (k *keyring) init(w *Wire) {
	k.w, k.slots = w, NewGate(keyFetchesAtOnce)
	k.known, k.failed, k.refetched = map[string]*provenKey{}, map[string]failedKey{}, map[string]time.Time{}
	k.fetching = map[string]chan struct{}{}
}

// held gives a key that needs no fetch, nil if there is none.
func (k *keyring) held(ctx context.Context, keyID string) *provenKey {
	for {
		k.mu.Lock()
		key, changes := k.known[keyID], k.changes
		k.mu.Unlock()
		if key != nil && k.w.node.Now().Before(key.until) {
			return key
		}
		a, err := k.w.node.Store().ActorByKey(ctx, keyID)
		if err != nil || a.Local || !a.Gone.IsZero() {
			return nil
		}
		public, err := ParsePublicKeyPEM(a.KeyPEM)
		if err != nil {
			return nil
		}
		key = &provenKey{id: keyID, owner: a.IRI, public: public}
		if k.keep(key, changes) {
			return key
		}
	}
}

// keep remembers a key that was in the store, unless something was fetched meanwhile: an old key would come
// back to life.
func (k *keyring) keep(key *provenKey, changes int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.changes != changes {
		return false
	}
	k.put(key)
	return true
}

// put is called with mu held.
func (k *keyring) put(key *provenKey) {
	key.until = k.w.node.Now().Add(trustedFor)
	if len(k.known) >= maxKeys {
		for id := range k.known { // any: the store still has it
			delete(k.known, id)
			break
		}
	}
	k.known[key.id] = key
	delete(k.failed, key.id)
}

// renew remembers a key that was fetched, nil for none, and forgets those of its owner that the owner's document m
// shows no more: an old key is worthless (SIG-11).
func (k *keyring) renew(owner string, m map[string]any, fresh *provenKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.changes++
	maps.DeleteFunc(k.known, func(id string, key *provenKey) bool {
		if key.owner != owner {
			return false
		}
		shown, err := keyIn(m, id)
		return err != nil || !sameKey(shown, key.public)
	})
	if fresh != nil {
		k.put(fresh)
	}
}

// forget drops the keys of an actor who is gone: nothing that they sign is believed any more.
func (k *keyring) forget(owner string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.changes++
	maps.DeleteFunc(k.known, func(_ string, key *provenKey) bool { return key.owner == owner })
}

// find gives the key with this id, fetched and proved if need be. Errors: errUnreached, or why it
// cannot be used.
func (k *keyring) find(ctx context.Context, keyID string) (*provenKey, error) {
	if key := k.held(ctx, keyID); key != nil {
		return key, nil
	}
	return k.fetch(ctx, keyID)
}

// again fetches a key anew after a signature did not hold with the one we have: its owner may
// have changed it (SIG-11). At most once in 5 minutes for an actor; whoever comes while it is being
// fetched, or after it came, gets what came. Nil if there is nothing newer.
func (k *keyring) again(ctx context.Context, old *provenKey) (*provenKey, error) {
	for {
		now := k.w.node.Now()
		k.mu.Lock()
		if key := k.known[old.id]; key != nil && !sameKey(key.public, old.public) {
			k.mu.Unlock()
			return key, nil
		}
		if busy := k.fetching[old.id]; busy != nil {
			k.mu.Unlock()
			select {
			case <-busy:
				continue
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		last, done := k.refetched[old.owner]
		if done && now.Sub(last).Abs() < refetchEvery {
			k.mu.Unlock()
			return nil, nil
		}
		if f := k.failed[old.id]; now.Before(f.until) {
			k.mu.Unlock()
			return nil, f.err
		}
		bound(k.refetched, maxKeys, func(t time.Time) bool { return now.Sub(t) >= refetchEvery })
		k.refetched[old.owner] = now
		fetched := make(chan struct{})
		k.fetching[old.id] = fetched
		k.mu.Unlock()
		fresh, err := k.fetchNow(ctx, old.id, fetched)
		if errors.Is(err, errUnreached) { // nothing was learned, so the next letter may ask again
			k.mu.Lock()
			delete(k.refetched, old.owner)
			k.mu.Unlock()
		}
		return fresh, err
	}
}

// fetch asks the key's home, one request for one key at a time.
func (k *keyring) fetch(ctx context.Context, keyID string) (*provenKey, error) {
	if k.w.node.Links.Ours(keyID) {
		return nil, errors.New("the key is this node's own")
	}
	k.mu.Lock()
	if f, bad := k.failed[keyID]; bad && k.w.node.Now().Before(f.until) {
		k.mu.Unlock()
		return nil, f.err
	}
	if busy, other := k.fetching[keyID]; other {
		k.mu.Unlock()
		select {
		case <-busy:
			if key := k.held(ctx, keyID); key != nil {
				return key, nil
			}
			return nil, errUnreached
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	done := make(chan struct{})
	k.fetching[keyID] = done
	k.mu.Unlock()
	return k.fetchNow(ctx, keyID, done)
}

// fetchNow asks for a key that is noted in fetching, until which others wait.
func (k *keyring) fetchNow(ctx context.Context, keyID string, done chan struct{}) (*provenKey, error) {
	key, err := k.ask(ctx, keyID)
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.fetching, keyID)
	close(done)
	var own *ownError
	if errors.As(err, &own) { // says nothing of the key
		return nil, err
	}
	if err != nil && ctx.Err() == nil {
		now := k.w.node.Now()
		bound(k.failed, maxKeys, func(f failedKey) bool { return now.After(f.until) })
		f := failedKey{now.Add(failedFor), err}
		if isUnreached(err) {
			f = failedKey{now.Add(unreachedFor), errUnreached}
		}
		k.failed[keyID] = f
		return nil, f.err
	}
	return key, err
}

// ask fetches the document of a key and proves that its owner names it (SIG-8). The owner is
// kept, so that nobody has to fetch it again to answer (decisions 24).
func (k *keyring) ask(ctx context.Context, keyID string) (*provenKey, error) {
	if err := k.slots.Enter(ctx); err != nil {
		return nil, err
	}
	defer k.slots.Leave()
	doc, err := k.w.client.GetActivity(ctx, keyID)
	if err != nil {
		return nil, err
	}
	at, _, _ := strings.Cut(keyID, "#")
	owner, m := keyOwner(doc.Object, keyID), doc.Object
	if owner == "" || !SameOrigin(owner, keyID) {
		return nil, fmt.Errorf("the document of key %s names no owner of its origin", keyID)
	}
	claimed, err := keyIn(m, keyID)
	if err != nil {
		return nil, err
	}
	if owner != at || Str(m, "id") != owner { // the key has a document of its own, or a stub
		home, err := k.w.client.GetObject(ctx, owner)
		if err != nil {
			return nil, err
		}
		m = home.Object
		doc = home
		listed, err := keyIn(m, keyID)
		if err != nil {
			return nil, err
		}
		if !sameKey(listed, claimed) {
			return nil, fmt.Errorf("%s lists another key under %s", owner, keyID)
		}
	}
	a, err := decodeActor(m, k.w.rules)
	if err != nil {
		return nil, err
	}
	if a.IRI != owner {
		return nil, fmt.Errorf("%s is not the owner of %s", a.IRI, keyID)
	}
	a.Fetched, a.Raw = k.w.node.Now(), doc.Bytes
	a.KeyID, a.KeyPEM = mainKey(m, owner)
	if err := k.w.node.KeepActor(ctx, a); err != nil {
		return nil, &ownError{fmt.Errorf("keep %s: %w", owner, err)}
	}
	key := &provenKey{id: keyID, owner: owner, public: claimed}
	k.renew(owner, m, key)
	return key, nil
}

// ownError is trouble of this node, not of the key that it asked for.
type ownError struct{ err error }

func (e *ownError) Error() string { return e.err.Error() }
func (e *ownError) Unwrap() error { return e.err }

func sameKey(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

// isUnreached tells trouble that passes from an answer.
func isUnreached(err error) bool {
	var network *NetworkError
	var status *StatusError
	if errors.As(err, &status) {
		return status.Code >= 500 || status.Code == 429 || status.Code == 408
	}
	return errors.As(err, &network) || errors.Is(err, errOwnLimit) || errors.Is(err, context.DeadlineExceeded)
}

// bound makes room in a map that others could fill: first what is over goes, then anything.
func bound[V any](m map[string]V, most int, over func(V) bool) {
	if len(m) < most {
		return
	}
	for k, v := range m {
		if over(v) {
			delete(m, k)
		}
	}
	for k := range m {
		if len(m) < most {
			return
		}
		delete(m, k)
	}
}

// fetchActor reads an actor from its home and keeps it; one that is held and younger than age is not
// asked again. Errors as Client.GetObject, or that it cannot be used.
func (w *Wire) fetchActor(ctx context.Context, iri string, age time.Duration) (*node.Actor, error) {
	if held, err := w.node.ActorOf(ctx, iri); err == nil && (held.Local || w.node.Now().Sub(held.Fetched) < age) {
		return held, nil
	}
	return w.readActor(ctx, iri, func(*node.Actor) bool { return true })
}

// readActor reads an actor from its home, and keeps it if it is wanted. Errors as fetchActor.
func (w *Wire) readActor(ctx context.Context, iri string, wanted func(*node.Actor) bool) (*node.Actor, error) {
	doc, err := w.client.GetObject(ctx, iri)
	if err != nil {
		return nil, err
	}
	a, err := decodeActor(doc.Object, w.rules)
	if err != nil {
		return nil, &unproven{err.Error()}
	}
	if a.IRI != iri {
		return nil, &unproven{fmt.Sprintf("%s calls itself %s", iri, a.IRI)}
	}
	a.KeyID, a.KeyPEM = mainKey(doc.Object, iri)
	a.Fetched, a.Raw = w.node.Now(), doc.Bytes
	if !wanted(a) {
		return a, nil
	}
	if err := w.node.KeepActor(ctx, a); err != nil {
		return nil, fmt.Errorf("keep %s: %w", iri, err)
	}
	w.keys.renew(iri, doc.Object, nil)
	return a, nil
}

func asStatus(err error) *StatusError {
	var s *StatusError
	errors.As(err, &s)
	return s
}

func asRefused(err error) *RefusedError {
	var r *RefusedError
	errors.As(err, &r)
	return r
}
