package node

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"time"
)

// An OwnKey is a private key of this coop. One signs; beside it there is at most one that was replaced
// and ends what was under way.
type OwnKey struct {
	ID       string
	PKCS8    []byte    `json:"-"` // never shown (KEY-6)
	Made     time.Time // zero where it was not noted
	Replaced time.Time // zero for the one that signs
	LastAct  int64     // Seq: one that was replaced signs letters of acts up to this, at their first try
}

// String is the id: whoever prints a key by mistake shows nothing (KEY-6).
func (k OwnKey) String() string { return k.ID }

// GoString is String.
func (k OwnKey) GoString() string { return k.ID }

// A PublicKey is a key under which others may still know us.
type PublicKey struct {
	ID  string `json:"id"`
	PEM string `json:"publicKeyPem"`
}

// A PeerForm is in which form of signature a peer wants to be asked.
type PeerForm struct {
	Host    string
	Form    string    // as package activitypub names it; "" where none was believed
	Since   time.Time // when that was learned
	Knocked time.Time // when another form was last tried
}

// How long a key that was replaced is kept: until the letters from before are done, but no longer than
// most, and no less than least, since a fetch may be under way.
const (
	oldKeyLeast = time.Minute
	oldKeyMost  = 24 * time.Hour
)

// drawKey makes a key of RSA 2048: every server can verify that (KEY-1).
func drawKey(id string, now time.Time) (*OwnKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("draw key: %w", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("write key: %w", err)
	}
	return &OwnKey{ID: id, PKCS8: pkcs8, Made: now}, nil
}

// Public is the half of the key that others get.
func (k *OwnKey) Public() (PublicKey, error) {
	private, err := x509.ParsePKCS8PrivateKey(k.PKCS8)
	if err != nil {
		return PublicKey{}, fmt.Errorf("read key %s: %w", k.ID, err)
	}
	key, ok := private.(*rsa.PrivateKey)
	if !ok {
		return PublicKey{}, fmt.Errorf("read key %s: it is a %T, not RSA", k.ID, private)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return PublicKey{}, fmt.Errorf("write key %s: %w", k.ID, err)
	}
	return PublicKey{k.ID, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))}, nil
}

// Keys lists our keys, the one that signs first.
func (n *Node) Keys(ctx context.Context) ([]*OwnKey, error) { return n.store.OwnKeys(ctx) }

// KeysBut is Keys where our keys are others than those with the ids held, which are in the order of Keys, and nil
// where they are the same. It sees what another program has changed just now, and then what was made from the data
// before is old: who gets a letter by a new key finds that key in the profile (KEY-4).
func (n *Node) KeysBut(ctx context.Context, held []string) ([]*OwnKey, error) {
	ids, err := n.store.OwnKeyIDs(ctx)
	if err != nil || slices.Equal(ids, held) {
		return nil, err
	}
	keys, err := n.store.OwnKeys(ctx)
	if err == nil && len(keys) == 0 {
		err = &Error{Op: "read own keys", Kind: Damaged, Text: "The node has no key."}
	}
	n.changed(err)
	return keys, err
}

// RotateKeys makes a new key, which signs from now on, and tells followers so (KEY-3). That Update and
// the letters that wait already are still signed by the old key at their first try: servers which hold
// it believe the news by it. RetireKeys ends its use. by names who did it. Errors: Busy while an
// earlier change is under way.
func (n *Node) RotateKeys(ctx context.Context, by string) (*OwnKey, error) {
	return n.changeKeys(ctx, by, true)
}

// RevokeKeys replaces all keys by a new one at once, after a theft: nothing is signed by an old one any
// more, and none is shown (KEY-4). by names who did it.
func (n *Node) RevokeKeys(ctx context.Context, by string) (*OwnKey, error) {
	return n.changeKeys(ctx, by, false)
}

func (n *Node) changeKeys(ctx context.Context, by string, keepOld bool) (*OwnKey, error) {
	act, action := n.act(by, Update), "keys.revoke"
	if keepOld {
		action = "keys.rotate"
	}
	act.ObjectIRI = act.Actor
	act.To, act.Cc = []string{PublicIRI}, []string{n.Links.Followers()}
	// The id is new each time: servers keep keys by their ids, some for ever (interop.md 2.5).
	fresh, err := drawKey(n.Links.KeyOf(NewID()), n.Now())
	if err != nil {
		return nil, err
	}
	public, err := fresh.Public()
	if err != nil {
		return nil, err
	}
	err = n.store.Tx(ctx, func(tx Tx) error {
		keys, err := tx.OwnKeys(ctx)
		if err != nil {
			return err
		}
		a, err := tx.Actor(ctx, act.Actor)
		if err != nil {
			return err
		}
		if keepOld && len(a.OldKeys) > 0 {
			return &Error{Op: "rotate keys", Kind: Busy, Subject: a.OldKeys[0].ID,
				Text: "The last change of keys is still under way: letters from before it wait. It ends by itself within a day. If a key was stolen: coopnode keys revoke"}
		}
		for _, k := range keys {
			if err := tx.DropOwnKey(ctx, k.ID); err != nil {
				return err
			}
		}
		a.OldKeys = nil
		if keepOld {
			a.OldKeys = []PublicKey{{a.KeyID, a.KeyPEM}}
		}
		a.KeyID, a.KeyPEM = public.ID, public.PEM
		if err := n.saveOwn(ctx, tx, a, later(act.Published, a.Updated)); err != nil {
			return err
		}
		if err := tx.SaveOwnKey(ctx, fresh); err != nil {
			return err
		}
		if err := n.note(ctx, tx, by, action, fresh.ID, "", act.Published); err != nil { // AUTHZ-2
			return err
		}
		act.Subject = a
		if err := n.say(ctx, tx, act, Recipients{Followers: true}); err != nil || !keepOld {
			return err
		}
		said, err := tx.Act(ctx, act.IRI)
		if err != nil {
			return err
		}
		old := *keys[0]
		old.Replaced, old.LastAct = fresh.Made, said.Seq
		return tx.SaveOwnKey(ctx, &old)
	})
	n.changed(err)
	if err != nil {
		return nil, err
	}
	n.opt.Log.InfoContext(ctx, "keys changed", "key", fresh.ID, "revoked", !keepOld, "by", by) // LOG-2
	return fresh, nil
}

// RetireKeys forgets a key that was replaced, when the letters from before are done, and takes it out of
// the profile's document. It says whether one is still needed.
func (n *Node) RetireKeys(ctx context.Context) (waiting bool, err error) {
	a, err := n.Profile(ctx)
	if err != nil || len(a.OldKeys) == 0 {
		return false, err
	}
	now := n.Now()
	err = n.store.Tx(ctx, func(tx Tx) error {
		waiting = false
		keys, err := tx.OwnKeys(ctx)
		if err != nil {
			return err
		}
		oldest, err := tx.OldestDelivery(ctx)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if k.Replaced.IsZero() {
				continue
			}
			age := now.Sub(k.Replaced)
			if age < oldKeyLeast || age < oldKeyMost && oldest > 0 && oldest <= k.LastAct {
				waiting = true
			} else if err := tx.DropOwnKey(ctx, k.ID); err != nil {
				return err
			}
		}
		if waiting {
			return nil
		}
		a, err := tx.Actor(ctx, n.Links.Actor())
		if err != nil {
			return err
		}
		a.OldKeys = nil
		return n.saveOwn(ctx, tx, a, a.Updated)
	})
	if err == nil && waiting {
		return true, nil
	}
	n.changed(err)
	return false, err
}

// saveOwn keeps our profile with its document, as of updated.
func (n *Node) saveOwn(ctx context.Context, tx Tx, a *Actor, updated time.Time) (err error) {
	a.Updated = updated
	if a.Coop != nil {
		n.Links.nameLists(a.Coop)
	}
	if a.Raw, err = n.enc.EncodeActor(a); err != nil {
		return err
	}
	return tx.SaveActor(ctx, a)
}
