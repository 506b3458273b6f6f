package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

// keyShown is a public key of this node. The private one is never shown (KEY-6).
type keyShown struct {
	ID          string    `json:"id"`
	State       string    `json:"state"` // signs, or ending
	Algorithm   string    `json:"algorithm"`
	Fingerprint string    `json:"fingerprint"` // SHA-256 of the public key (SubjectPublicKeyInfo)
	Made        time.Time `json:"made,omitzero"`
	Replaced    time.Time `json:"replaced,omitzero"`
	PEM         string    `json:"publicKeyPem"`
}

func showKey(k *node.OwnKey) (keyShown, error) {
	public, err := k.Public()
	if err != nil {
		return keyShown{}, err
	}
	block, _ := pem.Decode([]byte(public.PEM))
	if block == nil {
		return keyShown{}, fmt.Errorf("read public key %s: it is no PEM", k.ID)
	}
	sum := sha256.Sum256(block.Bytes)
	shown := keyShown{
		ID: k.ID, State: "signs", Algorithm: "RSA-2048", Fingerprint: "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:]),
		Made: k.Made, Replaced: k.Replaced, PEM: public.PEM,
	}
	if !k.Replaced.IsZero() {
		shown.State = "ending"
	}
	return shown, nil
}

func keysCommand(a *app) *cobra.Command {
	show := &cobra.Command{
		Use: "show", Short: "Show the public keys with which others prove our letters", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			keys, err := h.Keys(ctx)
			if err != nil {
				return err
			}
			shown := make([]keyShown, len(keys))
			for i, k := range keys {
				if shown[i], err = showKey(k); err != nil {
					return err
				}
			}
			return a.show(shown, func(w io.Writer) {
				for _, k := range shown {
					fmt.Fprintf(w, "%s  %s  %s  %s\n\n%s\n", k.State, k.Algorithm, k.ID, k.Fingerprint, k.PEM)
				}
			})
		}),
	}
	rotate := &cobra.Command{
		Use: "rotate", Short: "Make a new key; the old one ends what is under way", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			key, err := h.RotateKeys(ctx, a.by())
			if err != nil {
				return err
			}
			a.tell("A new key signs. Followers are told; the old key is put away when the letters from before are done, within a day.")
			return a.newKey(key)
		}),
	}
	var yes bool
	revoke := &cobra.Command{
		Use: "revoke", Short: "After a theft: drop all keys at once and sign with a new one", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			if err := a.sure(yes, "Servers that keep the old key for ever will not believe this node until they read its profile again."); err != nil {
				return err
			}
			key, err := h.RevokeKeys(ctx, a.by())
			if err != nil {
				return err
			}
			a.tell("All earlier keys are gone; a new one signs. Followers are told.")
			return a.newKey(key)
		}),
	}
	revoke.Flags().BoolVar(&yes, "yes", false, "do not ask")
	reseal := &cobra.Command{
		Use: "reseal", Short: "Draw a new master key and seal the keys of this node with it", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			count, err := h.db.Reseal(ctx)
			if err != nil {
				return err
			}
			a.tell("The master key is new, and what it seals: %d. Keep a copy of it apart from the backups; backups from before need the old one.", count)
			return nil
		}),
	}
	return group("keys", "The keys of this node", show, rotate, revoke, reseal)
}

// newKey tells the id and the fingerprint of a key that was made.
func (a *app) newKey(k *node.OwnKey) error {
	shown, err := showKey(k)
	if err != nil {
		return err
	}
	return a.show(shown, func(w io.Writer) { fmt.Fprintf(w, "%s  %s\n", shown.ID, shown.Fingerprint) })
}
