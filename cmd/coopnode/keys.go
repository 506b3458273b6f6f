package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// keyShown is a public key of this node. The private one is never shown (KEY-6).
type keyShown struct {
	ID          string `json:"id"`
	Algorithm   string `json:"algorithm"`
	Fingerprint string `json:"fingerprint"` // SHA-256 of the public key (SubjectPublicKeyInfo)
	PEM         string `json:"publicKeyPem"`
}

func keysCommand(a *app) *cobra.Command {
	show := &cobra.Command{
		Use: "show", Short: "Show the public key with which others prove our letters", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			p, err := h.Profile(ctx)
			if err != nil {
				return err
			}
			k := keyShown{ID: p.KeyID, Algorithm: "RSA-2048", PEM: p.KeyPEM}
			block, _ := pem.Decode([]byte(p.KeyPEM))
			if block == nil {
				return fmt.Errorf("read public key of %s: it is no PEM", p.IRI)
			}
			sum := sha256.Sum256(block.Bytes)
			k.Fingerprint = "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
			return a.show([]keyShown{k}, func(w io.Writer) {
				fmt.Fprintf(w, "%s  %s  %s\n\n%s", k.Algorithm, k.ID, k.Fingerprint, k.PEM)
			})
		}),
	}
	return group("keys", "The keys of this node", show)
}
