package activitypub

import (
	"context"
	"net/http"

	"github.com/coopnode/coopnode/node"
)

// What the rules of the node mean on the wire (MOD-1, MOD-3). They are asked before anything is fetched or
// stored for somebody: of letters at the door, of requests in the one client, of readers at the documents.

// proving marks what is asked because of a letter that says to come from there: the one reason for which even the host
// of a sample is asked, for the sample gives way where somebody real speaks.
type proving struct{}

// permit is the question of the client: whether this node has contact with an address. Errors are
// *RefusedError, or that the rules cannot be read.
func (w *Wire) permit(ctx context.Context, address string) error {
	p, err := w.node.Policy(ctx)
	if err != nil {
		return &ownError{err}
	}
	if p.Refuses(address) {
		return refuse(node.HostOf(address), "a rule of this node refuses it (see coopnode block)")
	}
	if p.Sample(address) && ctx.Value(proving{}) == nil {
		return refuse(node.HostOf(address), "there is only a sample there, which is invented (see coopnode help import)")
	}
	return nil
}

// admit lets in what comes from somebody who is not refused, given by the addresses of actor and key.
func (w *Wire) admit(ctx context.Context, addresses ...string) error {
	p, err := w.node.Policy(ctx)
	if err != nil {
		return err
	}
	for _, a := range addresses {
		if p.Refuses(a) {
			w.log.DebugContext(ctx, "refused by a rule", "room", "door", "actor", cut(a, 256))
			return &statusError{http.StatusForbidden, "This node takes nothing from there."}
		}
	}
	return nil
}

// admitReader refuses a GET that names the key of somebody who is refused. Whether the signature holds does not
// matter: who only claims to be refused harms nobody else. What proves our own letters, and tells who we are, is for
// everybody.
func (w *Wire) admitReader(r *http.Request) error {
	if r.Header.Get("Signature") == "" || w.node.Links.Base+r.URL.Path == w.node.Links.Actor() {
		return nil
	}
	sig, err := ParseSignature(r)
	if err != nil {
		return nil // a signature that cannot be read counts as none, as everywhere for GET
	}
	return w.admit(r.Context(), sig.KeyID)
}
