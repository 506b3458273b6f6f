package activitypub

import (
	"context"
	"net/http"
	"time"
)

// readersAtOnce bounds the signed GETs whose signers are being noted.
const readersAtOnce = 4

// noteReader makes the actor that signed a GET a reader of the object, so that it hears of changes
// (decisions 16). Only a key that is held already is used, for a GET shall cost no request of ours; and the
// answer does not wait for it. Where too many come at once, some are not noted.
func (w *Wire) noteReader(r *http.Request, object string) {
	select {
	case w.noting <- struct{}{}:
	default:
		return
	}
	sig, err := ParseSignature(r)
	if err == nil {
		err = sig.Check(r, nil, w.base, w.node.Now())
	}
	if err != nil {
		<-w.noting
		return
	}
	w.notes.Go(func() {
		defer func() { <-w.noting }()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		key := w.keys.held(ctx, sig.KeyID)
		if key == nil || sig.VerifiedBy(key.public) != nil {
			return
		}
		if err := w.node.Fetched(ctx, object, key.owner); err != nil {
			w.log.Debug("reader not noted", "object", object, "err", err)
		}
	})
}
