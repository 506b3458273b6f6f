package activitypub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/coopnode/coopnode/node"
)

// incoming is the desk, where letters are opened: read, proved where proof has to be fetched, then
// given to node.Receive, which applies the effect and marks the letter done in one transaction.
//
// Letters of one host are handled in order of arrival. One that has to wait for proof holds back
// only letters of that host about the same object (decisions 23).
type incoming struct {
	w     *Wire
	log   *slog.Logger
	bell  chan struct{}
	every time.Duration // deskPoll; longer in tests

	mu      sync.Mutex
	busy    map[string]bool  // hosts whose letters are being handled
	proving map[int64]string // letters for which proof is being fetched, with their host
	held    map[string]bool  // host and object for which one of those letters waits
	work    sync.WaitGroup
}

// Bounds of the desk.
const (
	hostsAtOnce   = 32
	proofsAtOnce  = 16
	proofsAHost   = 4
	lettersAtOnce = 200 // read from the store in one go
	batchAHost    = 50
	proofGivenUp  = 12 // attempts, over about two days
	deskPoll      = time.Second
	deskPause     = 10 * time.Millisecond // between two looks: for each letter alone they would cost as much as opening it
	proofTime     = time.Minute
	proofRequests = 10 // for one letter (security.md 4, LIM)
	receivePause  = 5 * time.Second
)

func newIncoming(w *Wire) *incoming {
	return &incoming{w: w, log: w.log.With("room", "desk"), bell: make(chan struct{}, 1), every: deskPoll,
		busy: map[string]bool{}, proving: map[int64]string{}, held: map[string]bool{}}
}

// Wake makes the desk look for letters. It never blocks.
func (in *incoming) Wake() {
	select {
	case in.bell <- struct{}{}:
	default:
	}
}

// Run opens letters until ctx ends, then waits for those in hand.
func (in *incoming) Run(ctx context.Context) error {
	defer in.work.Wait()
	tick := time.NewTicker(in.every)
	defer tick.Stop()
	for {
		if err := in.hand(ctx); err != nil && ctx.Err() == nil {
			in.log.Warn("letters cannot be read, trying again", "err", err)
		}
		looked := time.Now()
		select {
		case <-ctx.Done():
			return nil
		case <-in.bell:
		case <-tick.C:
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(deskPause - time.Since(looked)):
		}
	}
}

// hand gives letters that can be handled now to goroutines: one for each host, and one for each letter
// that needs proof. A host whose letters are in hand is left out of what is read, so that a long
// backlog is not read again at every look. A host with many proofs under way waits as a whole:
// it holds up nobody but itself.
func (in *incoming) hand(ctx context.Context) error {
	batches := map[string][]*node.Letter{}
	skipped := map[string]bool{}
	without := in.atWork()
	places := hostsAtOnce - len(without)
	for after := int64(0); len(batches) < places; {
		letters, err := in.w.node.Store().Letters(ctx, in.w.node.Now(), after, slices.Collect(maps.Keys(without)), lettersAtOnce)
		if err != nil {
			return err
		}
		in.mu.Lock()
		for _, l := range letters {
			after = l.Seq
			topic := l.Host + " " + l.Object
			switch {
			case in.proving[l.Seq] != "" || without[l.Host]:
			case in.held[topic] || skipped[topic]:
				skipped[topic] = true
			case in.needsProof(l) && in.mayProve(l.Host):
				in.proving[l.Seq], in.held[topic] = l.Host, true
				in.work.Go(func() { in.prove(ctx, l, topic) })
			case in.needsProof(l):
				skipped[topic], without[l.Host] = true, true
			default:
				batches[l.Host] = append(batches[l.Host], l)
				without[l.Host] = len(batches[l.Host]) >= batchAHost
			}
		}
		in.mu.Unlock()
		maps.DeleteFunc(without, func(_ string, out bool) bool { return !out })
		if len(letters) < lettersAtOnce {
			break
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for host, batch := range batches {
		in.busy[host] = true
		in.work.Go(func() { in.open(ctx, host, batch) })
	}
	return nil
}

// atWork are the hosts from which no letter is taken now. It is asked once for a look: a host that becomes free
// during it would have a later letter handled before an earlier one.
func (in *incoming) atWork() map[string]bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	hosts := maps.Clone(in.busy)
	for _, host := range in.proving {
		if !in.mayProve(host) {
			hosts[host] = true
		}
	}
	return hosts
}

// mayProve says whether there is a place for the proof of one more letter of host.
func (in *incoming) mayProve(host string) bool {
	count := 0
	for _, h := range in.proving {
		if h == host {
			count++
		}
	}
	return len(in.proving) < proofsAtOnce && count < proofsAHost
}

// needsProof says that what a letter is about must be fetched from its own home before anything
// can be believed: an Announce of something that is not ours, a Move, an application elsewhere, the profile of one who
// applies or invites.
func (in *incoming) needsProof(l *node.Letter) bool {
	verb := node.Verb(l.Verb)
	switch verb {
	case node.Move, node.Join, node.Invite:
		return true
	case node.Announce, node.Add:
		return !in.w.node.Links.Ours(l.Object)
	}
	return false
}

// open handles letters of one host in their order.
func (in *incoming) open(ctx context.Context, host string, letters []*node.Letter) {
	defer func() {
		in.mu.Lock()
		delete(in.busy, host)
		in.mu.Unlock()
		in.Wake()
	}()
	for _, l := range letters {
		if ctx.Err() != nil {
			return
		}
		in.handle(ctx, l)
	}
}

// prove handles one letter that needs proof.
func (in *incoming) prove(ctx context.Context, l *node.Letter, topic string) {
	defer func() {
		in.mu.Lock()
		delete(in.proving, l.Seq)
		delete(in.held, topic)
		in.mu.Unlock()
		in.Wake()
	}()
	in.handle(ctx, l)
}

// handle opens one letter. Whatever goes wrong, the letter is either done, or put off, or still
// there for the next start; a panic puts it off like any other failure (HTTP-3).
func (in *incoming) handle(ctx context.Context, l *node.Letter) {
	defer func() {
		if r := recover(); r != nil {
			in.log.Error("panic at the desk", "activity", l.IRI, "panic", r, "stack", string(debug.Stack()))
			in.putOff(ctx, l, fmt.Errorf("panic: %v", r))
		}
	}()
	if err := in.receive(ctx, l); errors.Is(err, node.ErrDisk) {
		in.log.Warn("letter not opened: the disk takes nothing now", "activity", l.IRI, "err", err)
		in.rest(ctx) // it is no fault of the letter's, which loses no attempt (DB-6)
	} else if err != nil && ctx.Err() == nil {
		in.log.Warn("letter put off", "activity", l.IRI, "actor", l.Actor, "err", err)
		in.putOff(ctx, l, err)
	}
}

func (in *incoming) putOff(ctx context.Context, l *node.Letter, why error) {
	until := node.NextTry(in.w.node.Now(), l.Attempts+1)
	err := in.w.node.Store().Tx(ctx, func(tx node.Tx) error {
		if l.Attempts+1 >= proofGivenUp {
			return tx.DropLetter(ctx, l.Seq)
		}
		return tx.PutOffLetter(ctx, l.Seq, until, why.Error())
	})
	if err != nil && ctx.Err() == nil {
		in.log.Error("letter cannot be put off", "activity", l.IRI, "err", err)
		in.rest(ctx)
	}
}

// rest waits a while where the store is in trouble: the desk does not turn in circles.
func (in *incoming) rest(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(receivePause):
	}
}

// receive reads a letter, gathers proof without holding a transaction, and gives it to the domain.
func (in *incoming) receive(ctx context.Context, l *node.Letter) error {
	read, err := in.w.ready.take(ctx, l.Seq, l.Raw)
	if err != nil {
		// The door has read it, so this is a letter of an older program, or damage.
		return in.w.node.Receive(ctx, l, &node.Act{IRI: l.IRI, Actor: l.Actor})
	}
	act := decodeAct(read.doc, read.verb, in.w.rules, in.w.node.Now())
	if act.Object != nil {
		act.Object.Common().Raw = carriedBytes(l.Raw)
	}
	if err := in.w.gather(ctx, act); err != nil {
		if !isDisproof(err) {
			return err
		}
		in.log.Debug("not proved", "activity", l.IRI, "object", act.ObjectIRI, "err", err)
	}
	if err := in.w.node.Receive(ctx, l, act); err != nil {
		return err
	}
	if act.Verb == node.Delete && act.ObjectIRI == act.Actor {
		in.w.keys.forget(act.Actor)
	}
	in.w.heardFrom(l.Host)
	return nil
}

// carriedBytes are the exact bytes of the object inside an activity, found by its exact name (JSON-1).
func carriedBytes(activity []byte) []byte {
	var m map[string]json.RawMessage
	if json.Unmarshal(activity, &m) != nil {
		return nil // cannot be: the strict reader took it
	}
	var list []json.RawMessage
	if json.Unmarshal(m["object"], &list) == nil && len(list) > 0 {
		return list[0]
	}
	return m["object"]
}

// unproven says that what a letter claims is not so.
type unproven struct{ why string }

func (u *unproven) Error() string { return u.why }

// isDisproof tells an answer that settles the matter from trouble that passes, ours or theirs: a
// letter that was acknowledged is put off, not lost, for the latter.
func isDisproof(err error) bool {
	var u *unproven
	var document *DocumentError
	return errors.As(err, &u) || errors.As(err, &document) || asRefused(err) != nil || asStatus(err) != nil && !isUnreached(err)
}

// gather fetches what an act names and does not carry, where it can matter: what somebody whom we follow
// announces or publishes by its address alone.
func (w *Wire) gather(ctx context.Context, a *node.Act) error {
	ctx = withRequests(ctx, proofRequests)
	if a.Verb == node.Join && a.ObjectIRI == w.node.Links.Actor() || a.Verb == node.Invite {
		w.knowAnew(ctx, a.Actor)
		return nil
	}
	if a.Object != nil || a.Subject != nil || a.ObjectIRI == "" || w.node.Links.Ours(a.ObjectIRI) {
		return nil
	}
	switch a.Verb {
	case node.Move:
		return w.proveMove(ctx, a)
	case node.Add:
		return w.proveApplication(ctx, a)
	case node.Announce:
		if a.Inner != nil { // of an Update: what we have of it is looked at later, not by all who hear of it at once
			if _, err := w.node.Object(ctx, a.ObjectIRI); !node.IsNotFound(err) {
				return err
			}
		}
	case node.Create, node.Update:
		if !SameOrigin(a.ObjectIRI, a.Actor) {
			return nil
		}
	default:
		return nil
	}
	if f, err := w.node.Store().Followed(ctx, a.Actor); node.IsNotFound(err) || err == nil && f.State != node.Accepted {
		return nil
	} else if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, proofTime)
	defer cancel()
	o, err := w.fetchObject(ctx, a.ObjectIRI)
	if err != nil {
		return err
	}
	if a.Verb != node.Announce && o.Common().Actor != a.Actor {
		return &unproven{fmt.Sprintf("%s is not by %s", a.ObjectIRI, a.Actor)}
	}
	a.Object, a.ObjectIRI = o, o.Common().IRI
	return nil
}

// fetchObject reads an object from its own home and makes sure that we know its author.
func (w *Wire) fetchObject(ctx context.Context, iri string) (node.Object, error) {
	o, _, err := w.fetchChanged(ctx, iri, Version{})
	return o, err
}

// fetchChanged is fetchObject for one of which this version was read before. errUnchanged where it is still the same.
func (w *Wire) fetchChanged(ctx context.Context, iri string, have Version) (node.Object, Version, error) {
	doc, err := w.client.GetChangedObject(ctx, iri, have)
	if err != nil {
		return nil, Version{}, err
	}
	version := doc.Version
	if verb := verbNamed(doc.Object); verb == node.Create || verb == node.Update { // some pass on the act instead of its object
		iri = IDOf(first(doc.Object["object"]))
		if !SameOrigin(iri, Str(doc.Object, "id")) {
			return nil, version, &unproven{Str(doc.Object, "id") + " is about something elsewhere"}
		}
		if doc, err = w.client.GetObject(ctx, iri); err != nil {
			return nil, version, err
		}
		version = Version{} // of the act; whether the object has changed it does not tell
	}
	o := decodeObject(doc.Object, w.rules)
	if o == nil {
		return nil, version, &unproven{iri + " is no object that can be shown"}
	}
	o.Common().Raw = doc.Bytes
	if _, err := w.fetchActor(ctx, o.Common().Actor, week); err != nil {
		return nil, version, err
	}
	return o, version, nil
}

const week = 7 * 24 * time.Hour
