package activitypub

import (
	"context"
	"net/http"
	"time"
)

// Bounds of noting who reads: signed GETs that wait for it, and those that are looked at at once; and of those by keys that we do not hold how many make us
// fetch one: at first a few of each host and of all together, then one in ten minutes of a host and one
// in two seconds of all.
const (
	readersWaiting  = 256
	readersAtOnce   = 4
	askersPerSecond = 1.0 / 600
	askerBurst      = 3
	allAskersASec   = 0.5
	allAskersBurst  = 20
)

// noteReader makes the actor that signed a GET a reader of the object, so that it hears of changes
// (decisions 16). The answer does not wait for it. A key that is not held, as that of an instance actor, which
// sends no letters, is fetched then, within narrow bounds: a GET shall not be a way to make this node ask
// others. Where too many come at once, some are not noted.
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
		if w.readers.Enter(w.ending) != nil {
			return
		}
		defer w.readers.Leave()
		ctx, cancel := context.WithTimeout(w.ending, 5*time.Second)
		defer cancel()
		key := w.keys.held(ctx, sig.KeyID)
		if key == nil && w.mayAsk(sig.KeyID) {
			key, _ = w.keys.find(ctx, sig.KeyID) // nil with an error
		}
		if key == nil || sig.VerifiedBy(key.public) != nil {
			return
		}
		if err := w.node.Fetched(ctx, object, key.owner); err != nil {
			w.log.Debug("reader not noted", "object", object, "err", err)
		}
	})
}

// mayAsk says whether the home of a key that signed a GET may be asked for it.
func (w *Wire) mayAsk(keyID string) bool {
	if _, err := w.rules.ParseID(keyID); err != nil {
		return false
	}
	now := w.node.Now()
	return w.askers.take(HostOf(keyID), now) == 0 && w.allAskers.AllowN(now, 1)
}
