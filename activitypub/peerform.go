package activitypub

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/coopnode/coopnode/node"
)

// How long what was learned of a peer holds (decisions 21).
const (
	formFor      = 30 * 24 * time.Hour // the form that it believes; then draft-cavage is tried first again
	knockEvery   = time.Hour           // a second knock at one peer, if nothing it says asks for one
	maxPeerForms = 10_000              // in memory; the store has all
)

// peerForms remembers in which form of signature each peer wants requests: draft-cavage unless it was
// learned that it believes RFC 9421, from its answer to a second knock or from its own letters.
type peerForms struct {
	store node.Store
	now   func() time.Time
	log   *slog.Logger

	mu    sync.Mutex
	known map[string]node.PeerForm
	asked map[string]time.Time // when a peer was last asked for a document in another form
}

func newPeerForms(s node.Store, now func() time.Time, log *slog.Logger) *peerForms {
	return &peerForms{store: s, now: now, log: log, known: map[string]node.PeerForm{}, asked: map[string]time.Time{}}
}

// of gives the form in which a peer is asked first.
func (p *peerForms) of(ctx context.Context, host string) SignatureForm {
	if f := p.get(ctx, host); f.Form == string(RFC9421) {
		return RFC9421
	}
	return DraftCavage
}

// get gives what is known of a peer and has not grown too old.
func (p *peerForms) get(ctx context.Context, host string) node.PeerForm {
	p.mu.Lock()
	f, ok := p.known[host]
	p.mu.Unlock()
	if !ok {
		var err error
		if f, err = p.store.PeerForm(ctx, host); err != nil {
			return node.PeerForm{Host: host} // it costs a knock at most
		}
		f.Host = host
		p.mu.Lock()
		if newer, ok := p.known[host]; ok {
			f = newer
		} else {
			p.put(f)
		}
		p.mu.Unlock()
	}
	if p.now().Sub(f.Since) >= formFor {
		f.Form = ""
	}
	return f
}

// put is called with mu held.
func (p *peerForms) put(f node.PeerForm) {
	bound(p.known, maxPeerForms, func(node.PeerForm) bool { return false })
	p.known[f.Host] = f
}

// mayKnock says whether a peer that did not believe a signature may be asked once more in the other form,
// and notes that it is: at most once in an hour, so that who refuses everything costs no more. Letters and fetches
// are counted apart: a document that nobody gets says nothing of the letters, and must not cost them their knock. That
// of a fetch is noted in memory alone.
func (p *peerForms) mayKnock(ctx context.Context, host string, fetch bool) bool {
	f, now := p.get(ctx, host), p.now()
	p.mu.Lock()
	if fetch {
		defer p.mu.Unlock()
		if last, ok := p.asked[host]; ok && now.Sub(last).Abs() < knockEvery {
			return false
		}
		bound(p.asked, maxPeerForms, func(t time.Time) bool { return now.Sub(t) >= knockEvery })
		p.asked[host] = now
		return true
	}
	if newer, ok := p.known[host]; ok {
		f.Knocked = newer.Knocked
	}
	if !f.Knocked.IsZero() && now.Sub(f.Knocked) < knockEvery {
		p.mu.Unlock()
		return false
	}
	f.Knocked = now
	if f.Form == "" {
		f.Since = now
	}
	p.put(f)
	p.mu.Unlock()
	p.save(ctx, f)
	return true
}

// learn notes that a peer believed this form at a second knock.
func (p *peerForms) learn(ctx context.Context, host string, form SignatureForm) {
	f, now := p.get(ctx, host), p.now()
	if f.Form == string(form) {
		return
	}
	f.Form, f.Since = string(form), now
	p.mu.Lock()
	p.put(f)
	p.mu.Unlock()
	p.save(ctx, f)
}

// heard notes the form of a letter that a peer has sent and that was proved. What a knock has taught counts more.
func (p *peerForms) heard(ctx context.Context, host string, form SignatureForm) {
	if form == RFC9421 && p.get(ctx, host).Form == "" {
		p.learn(ctx, host, RFC9421)
	}
}

func (p *peerForms) save(ctx context.Context, f node.PeerForm) {
	if err := p.store.Tx(ctx, func(tx node.Tx) error { return tx.SavePeerForm(ctx, f) }); err != nil {
		p.log.Debug("form of signatures not kept", "peer", f.Host, "err", err)
	}
}
