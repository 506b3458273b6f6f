package node

import (
	"sync"
	"time"
)

// How often one may fail to sign in (LOGIN-3).
const (
	attemptWindow  = 15 * time.Minute
	accountFails   = 5
	networkFails   = 20
	maxAttemptKeys = 20_000 // accounts, and as many networks
)

// attempts remembers who failed to sign in of late. It is kept in memory: strangers cannot make a node start again, and
// if each failure were written to disk they could keep the disk busy. It is bounded, and held in two halves; when the
// young one is full, the old one, which nobody has asked for since, is forgotten.
type attempts struct {
	mu                 sync.Mutex
	accounts, networks fails
	told               fails // of whom a log has said that it has to wait
}

// fails are the moments of the last failures by key, the oldest first.
type fails struct{ young, old map[string][]time.Time }

// of gives the failures of a key that still count.
func (f *fails) of(key string, now time.Time) []time.Time {
	times, ok := f.young[key]
	if !ok {
		times = f.old[key]
	}
	for len(times) > 0 && now.Sub(times[0]) >= attemptWindow {
		times = times[1:]
	}
	return times
}

func (f *fails) set(key string, times []time.Time) {
	if len(times) == 0 {
		delete(f.young, key)
		delete(f.old, key)
		return
	}
	if _, ok := f.young[key]; !ok && len(f.young) >= maxAttemptKeys/2 || f.young == nil {
		f.old, f.young = f.young, map[string][]time.Time{}
	}
	f.young[key] = times
}

// TrySignIn counts an attempt to sign in, and returns 0, or how long to wait where there were too many of this account
// or from this network: then nothing may be looked at (LOGIN-3). It counts as failed until SignedIn, so that many
// attempts at once are no way around. account is the id of the person, or what was typed where there is none: both
// are treated alike (LOGIN-2). Sessions and links are not concerned: their holders are never locked out.
func (n *Node) TrySignIn(account, network string) (wait time.Duration) {
	a, now := &n.attempts, n.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	ofAccount, ofNetwork := a.accounts.of(account, now), a.networks.of(network, now)
	if len(ofAccount) >= accountFails {
		wait = ofAccount[0].Add(attemptWindow).Sub(now)
	}
	if len(ofNetwork) >= networkFails {
		wait = max(wait, ofNetwork[0].Add(attemptWindow).Sub(now))
	}
	if wait == 0 {
		ofAccount, ofNetwork = append(ofAccount, now), append(ofNetwork, now)
	}
	a.accounts.set(account, ofAccount) // also where nothing is new, or many others could have it forgotten
	a.networks.set(network, ofNetwork)
	if wait > 0 && len(a.told.of(network, now)) == 0 {
		a.told.set(network, []time.Time{now})
		n.opt.Log.Warn("sign-in refused: too many failures", "from", BlurAddress(network), "wait", wait) // LOG-2, LOG-3
	}
	return wait
}

// SignedIn says that the last attempt was a success: the account's failures are forgotten, the network's others stay.
func (n *Node) SignedIn(account, network string) {
	a, now := &n.attempts, n.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.accounts.set(account, nil)
	if times := a.networks.of(network, now); len(times) > 0 {
		a.networks.set(network, times[:len(times)-1])
	}
}
