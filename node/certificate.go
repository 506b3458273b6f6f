package node

import (
	"context"
	"time"
)

// A Certificate is what the serving node has noted of a certificate that it gets by itself (tls = "auto"), so that a
// command beside it can tell how it stands.
type Certificate struct {
	Name    string    `json:"name"` // the host that it is for
	Issuer  string    `json:"issuer,omitempty"`
	From    time.Time `json:"from,omitzero"`  // zero while there is none
	Until   time.Time `json:"until,omitzero"` // the same
	Tried   time.Time `json:"tried,omitzero"` // when the authority was asked last
	Trouble string    `json:"trouble,omitempty"`
	Next    time.Time `json:"next,omitzero"` // after a failure: not asked again before
}

// Held says whether the certificate can be used at that time.
func (c Certificate) Held(now time.Time) bool { return !now.Before(c.From) && now.Before(c.Until) }

const settingCertificates = "certificates"

// Certificates are the certificates that the node has got or tried to get by itself, the one for its own host first.
func (n *Node) Certificates(ctx context.Context) ([]Certificate, error) {
	list, err := settings[[]Certificate](ctx, n.store, settingCertificates)
	if err != nil || list == nil {
		return nil, err
	}
	return *list, nil
}

// NoteCertificates keeps how the certificates stand; those of names that are not in list are forgotten.
func (n *Node) NoteCertificates(ctx context.Context, list []Certificate) error {
	return n.store.Tx(ctx, func(tx Tx) error { return saveSettings(ctx, tx, settingCertificates, list) })
}
