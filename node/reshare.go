package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A federation passes on what its members offer: it announces to its followers, by its address and once, each opening,
// project and question of a confirmed member as long as it is open (decisions 17, ORG-11, vocabulary 2.10). This is
// decided where such a thing is kept, renewed or ends, in the same transaction; passOn is the place.

// A Reshare is what became of something that a member offers.
type Reshare struct {
	ObjectIRI string       `json:"object"`
	Actor     string       `json:"actor"` // who published it
	Kind      string       `json:"kind"`  // one of PassedKinds
	State     ReshareState `json:"state"`
	Since     time.Time    `json:"since"`           // when it came into this state
	Due       time.Time    `json:"due,omitzero"`    // when the clock may change that: its deadline, its turn
	Passed    time.Time    `json:"passed,omitzero"` // when it was passed on last
	Times     int          `json:"-"`               // how often on that day
	By        string       `json:"by,omitempty"`    // who decided, where a person did

	// Filled in when listed.
	Object Object `json:"item,omitempty"`
	Author *Actor `json:"author,omitempty"`
}

// ReshareState says how far something is.
type ReshareState string

// The states. What is over can begin anew when it is open again; what a person refused cannot.
const (
	ReshareWaiting ReshareState = "waiting" // it would be one too many today, and goes out when its turn comes
	ReshareHeld    ReshareState = "held"    // a person decides about things of its kind
	ReshareShared  ReshareState = "shared"  // our Announce is out
	ReshareEnded   ReshareState = "ended"   // it is not open any more, or its author no member
	ReshareRefused ReshareState = "refused" // a person decided against it
)

// ReshareStates are all states.
var ReshareStates = []ReshareState{ReshareWaiting, ReshareHeld, ReshareShared, ReshareEnded, ReshareRefused}

// ReshareQuery selects re-shares, the one that has been in its state longest first. Zero fields do not narrow it.
type ReshareQuery struct {
	State ReshareState
	Actor string
	DueAt time.Time // those that the clock may change at this moment
	Limit int       // 1 to 1,000; 40 if 0
}

// passedAs is the kind as which something can be passed on, "" if it cannot.
func passedAs(o Object) string {
	switch o := o.(type) {
	case *Opening:
		return string(o.Kind)
	case *Project:
		return PassProjects
	case *Post:
		if o.Asks && o.InReplyTo == "" {
			return PassQuestions
		}
	}
	return ""
}

// offered says whether something can be passed on as it stands: it is open, for everybody, not invented, and nothing keeps
// it or its author off our pages.
func offered(o Object, now time.Time) bool {
	b := o.Common()
	if passedAs(o) == "" || b.Audience != Public || !b.Visible() || b.Sample {
		return false
	}
	switch o := o.(type) {
	case *Opening:
		return o.IsOpen(now)
	case *Project:
		return slices.Contains([]ProjectStatus{Idea, Seeking, Active}, o.Status)
	}
	return true
}

// closing is when something ends by itself, zero for never.
func closing(o Object) time.Time {
	if opening, ok := o.(*Opening); ok {
		return opening.Closes
	}
	return time.Time{}
}

// passOn brings what this federation passes on in step with o, of somebody else, as it is kept here now. told says that its
// author has told us of it, by a letter or in its outbox: what we know only because somebody announced it is not
// passed on, for a share is never shared (ORG-11). by names who caused it.
func (n *Node) passOn(ctx context.Context, tx Tx, o Object, told bool, by string, now time.Time) error {
	b := o.Common()
	r, err := tx.Reshare(ctx, b.IRI)
	switch {
	case IsNotFound(err) && (!told || !offered(o, now)):
		return nil
	case IsNotFound(err):
		r = &Reshare{ObjectIRI: b.IRI, Actor: b.Actor}
	case err != nil:
		return err
	}
	r.Kind = cmp.Or(passedAs(o), r.Kind)
	if !offered(o, now) {
		return n.stopPassing(ctx, tx, r, b, by, now)
	}
	switch r.State {
	case ReshareRefused:
		return nil
	case ReshareShared:
		r.Due = closing(o)
		return tx.SaveReshare(ctx, r)
	}
	rules, err := n.passes(ctx, tx, b.Actor, r.Kind)
	if err != nil {
		return err
	}
	if rules == nil {
		return n.stopPassing(ctx, tx, r, b, by, now)
	}
	if slices.Contains(rules.Held, r.Kind) && r.By == "" {
		return tx.SaveReshare(ctx, r.turn(ReshareHeld, closing(o), now))
	}
	turn, err := turnOf(ctx, tx, r, rules.PerDay, now)
	if err != nil {
		return err
	}
	if !turn.IsZero() {
		if ends := closing(o); !ends.IsZero() && ends.Before(turn) {
			turn = ends
		}
		return tx.SaveReshare(ctx, r.turn(ReshareWaiting, turn, now))
	}
	return n.pass(ctx, tx, r, o, by, now)
}

// turn puts a re-share into a state. One that is in it already keeps its place.
func (r *Reshare) turn(s ReshareState, due, now time.Time) *Reshare {
	if r.State != s {
		r.State, r.Since = s, now
	}
	r.Due = due
	return r
}

// passes gives the rules by which this federation passes on things of this kind by actor, nil where it does not: it is no
// federation, the actor no confirmed member of it, or the kind is left out.
func (n *Node) passes(ctx context.Context, tx Tx, actor, kind string) (*Resharing, error) {
	us, err := tx.Actor(ctx, n.Links.Actor())
	if err != nil || !us.IsFederation() || us.MovedTo != "" || us.Coop.Resharing == nil || !slices.Contains(us.Coop.Resharing.Kinds, kind) {
		return nil, err
	}
	m, err := tx.Membership(ctx, us.IRI, actor)
	if IsNotFound(err) || err == nil && (m.Standing() != Confirmed || m.Sample) {
		return nil, nil
	}
	return us.Coop.Resharing, err
}

// turnOf is when r can be passed on, zero for now: of one member so many go out a day, by the calendar of UTC, the ones
// that wait longest first.
func turnOf(ctx context.Context, tx Tx, r *Reshare, perDay int, now time.Time) (time.Time, error) {
	today := now.Truncate(24 * time.Hour)
	passed, err := tx.PassedSince(ctx, r.Actor, today)
	if err != nil {
		return time.Time{}, err
	}
	if passed >= perDay {
		return today.Add(24 * time.Hour), nil
	}
	first, err := tx.Reshares(ctx, ReshareQuery{Actor: r.Actor, State: ReshareWaiting, DueAt: now, Limit: 1})
	if err != nil || len(first) == 0 || first[0].ObjectIRI == r.ObjectIRI {
		return time.Time{}, err
	}
	return now, nil // the one before it is due and goes first
}

// pass announces o, unless a person has shared it already.
func (n *Node) pass(ctx context.Context, tx Tx, r *Reshare, o Object, by string, now time.Time) error {
	r.passed(1, now)
	if err := tx.SaveReshare(ctx, r.turn(ReshareShared, closing(o), now)); err != nil {
		return err
	}
	if _, err := tx.Reaction(ctx, r.ObjectIRI, n.Links.Actor(), Announce); !IsNotFound(err) {
		return err
	}
	act := n.actAt(by, Announce, now)
	act.ObjectIRI = r.ObjectIRI
	_, err := n.sayReaction(ctx, tx, act, o.Common())
	return err
}

// passed counts how often it was passed on today. What a person shares does not count.
func (r *Reshare) passed(times int, now time.Time) {
	if r.Passed.Before(now.Truncate(24 * time.Hour)) {
		r.Times = 0
	}
	r.Passed, r.Times = now, r.Times+times
}

// stopPassing ends a re-share, with an Undo where our Announce is out.
func (n *Node) stopPassing(ctx context.Context, tx Tx, r *Reshare, b *Base, by string, now time.Time) error {
	if r.State == ReshareShared {
		if err := n.unshare(ctx, tx, by, b, now); err != nil {
			return err
		}
	}
	if r.State == "" || r.State == ReshareRefused {
		return nil
	}
	return tx.SaveReshare(ctx, r.turn(ReshareEnded, time.Time{}, now))
}

// passOnAnew is passOn for an object that was kept just now by what a says.
func (n *Node) passOnAnew(ctx context.Context, tx Tx, a *Act, now time.Time) error {
	b := a.Object.Common()
	if a.Actor == n.Links.Actor() { // a person is about to share it, and need not be told that it is shared
		return nil
	}
	o, err := tx.Object(ctx, b.IRI)
	if err != nil {
		return err
	}
	return n.passOn(ctx, tx, o, a.Actor == b.Actor, "answer", now)
}

// noShare remembers that our Announce of an object was taken back.
func (n *Node) noShare(ctx context.Context, tx Tx, object string, as ReshareState, by string, now time.Time) error {
	r, err := tx.Reshare(ctx, object)
	if IsNotFound(err) {
		return nil
	} else if err != nil {
		return err
	}
	if by != "" {
		r.By = by
	}
	return tx.SaveReshare(ctx, r.turn(as, time.Time{}, now))
}

// handShared remembers that a person has shared something that is passed on by itself otherwise, so that it ends like those.
func (n *Node) handShared(ctx context.Context, tx Tx, o Object, by string, now time.Time) error {
	b := o.Common()
	if b.Local || !offered(o, now) {
		return nil
	}
	us, err := tx.Actor(ctx, n.Links.Actor())
	if err != nil || !us.IsFederation() {
		return err
	}
	r, err := tx.Reshare(ctx, b.IRI)
	if IsNotFound(err) {
		r = &Reshare{ObjectIRI: b.IRI, Actor: b.Actor}
	} else if err != nil {
		return err
	}
	r.Kind, r.By = passedAs(o), by
	r.passed(0, now)
	return tx.SaveReshare(ctx, r.turn(ReshareShared, closing(o), now))
}

// joined passes on what a coop that is a confirmed member now has told us of and still offers: the newest 200 of each type.
func (n *Node) joined(ctx context.Context, tx Tx, coop string, now time.Time) error {
	var offers []Object
	for _, q := range []ObjectQuery{{OpenAt: now}, {Type: TypeProject}, {Posts: true}} {
		q.Actor, q.Listed, q.Limit = coop, true, 200
		list, _, err := tx.Objects(ctx, q)
		if err != nil {
			return err
		}
		offers = append(offers, list...)
	}
	slices.SortStableFunc(offers, func(a, b Object) int { return a.Common().Published.Compare(b.Common().Published) })
	for _, o := range offers { // the oldest first, as they were offered
		iri := o.Common().IRI
		brought, err := tx.Bringers(ctx, iri)
		if err != nil {
			return err
		}
		told := slices.ContainsFunc(brought, func(e *TimelineEntry) bool { return e.Actor == coop })
		if o, err = tx.LockObject(ctx, iri); err != nil {
			return err
		}
		if err := n.passOn(ctx, tx, o, told, "answer", now); err != nil {
			return err
		}
	}
	return nil
}

// parted takes back at once what was passed on of a coop that is no member any more (ORG-11). by names who did that.
func (n *Node) parted(ctx context.Context, tx Tx, by, coop string, now time.Time) error {
	for _, s := range []ReshareState{ReshareShared, ReshareWaiting, ReshareHeld} {
		for {
			list, err := tx.Reshares(ctx, ReshareQuery{Actor: coop, State: s, Limit: 200})
			if err != nil {
				return err
			}
			for _, r := range list {
				if err := n.stopPassing(ctx, tx, r, &Base{IRI: r.ObjectIRI, Actor: coop}, by, now); err != nil {
					return err
				}
			}
			if len(list) < 200 {
				break
			}
		}
	}
	return nil
}

// PassOnDue looks again at what waits for its turn and at what has a deadline that has passed, at most 50, and returns
// how many those were. One that cannot be changed does not hold back the others.
func (n *Node) PassOnDue(ctx context.Context) (int, error) {
	now := n.Now()
	due, err := n.store.Reshares(ctx, ReshareQuery{DueAt: now, Limit: 50})
	if err != nil || len(due) == 0 {
		return 0, err
	}
	var failed error
	for _, d := range due {
		if err := n.store.Tx(ctx, func(tx Tx) error { return n.lookAt(ctx, tx, d.ObjectIRI, now) }); err != nil {
			failed = errors.Join(failed, fmt.Errorf("look at share of %s: %w", d.ObjectIRI, err))
		}
	}
	n.changed(nil)
	return len(due), failed
}

// lookAt looks again at a re-share whose time has come.
func (n *Node) lookAt(ctx context.Context, tx Tx, object string, now time.Time) error {
	o, err := tx.LockObject(ctx, object)
	if IsNotFound(err) {
		return tx.DropReshare(ctx, object)
	} else if err != nil {
		return err
	}
	return n.passOn(ctx, tx, o, true, "deadline", now)
}

// Reshares lists what members offer and what became of it, with the thing itself and its author.
func (n *Node) Reshares(ctx context.Context, q ReshareQuery) ([]*Reshare, error) {
	list, err := n.store.Reshares(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, r := range list {
		if r.Object, err = n.store.Object(ctx, r.ObjectIRI); err != nil && !IsNotFound(err) {
			return nil, err
		}
		if r.Author, err = n.store.Actor(ctx, r.Actor); err != nil && !IsNotFound(err) {
			return nil, err
		}
	}
	return list, nil
}

// PassShare passes on what is held, waits, or was refused before; ref is its id or address. by names who decided, and the
// number of a day does not matter. Errors: NotFound for what no member offers, Gone for what is not open, Exists, Forbidden
// where its author is no confirmed member any more.
func (n *Node) PassShare(ctx context.Context, by, ref string) (*Reshare, error) {
	const op = "pass on"
	return n.decideShare(ctx, op, ref, func(tx Tx, r *Reshare, o Object, now time.Time) error {
		if r.State == ReshareShared {
			return &Error{Op: op, Kind: Exists, Subject: r.ObjectIRI, Text: "It is passed on already, since " + r.Passed.Format(time.DateOnly) + "."}
		}
		if !offered(o, now) {
			return &Error{Op: op, Kind: Gone, Subject: r.ObjectIRI, Text: "It is not open to everybody any more, so it is not passed on."}
		}
		if ok, err := isMember(ctx, tx, n.Links.Actor(), r.Actor); err != nil {
			return err
		} else if !ok {
			return &Error{Op: op, Kind: Forbidden, Subject: r.ObjectIRI, Text: "Its author is no confirmed member. You can still share it yourself: coopnode share " + r.ObjectIRI}
		}
		r.By = by
		return n.pass(ctx, tx, r, o, by, now)
	})
}

// RefuseShare decides that something is not passed on, and takes it back where it was. Errors: NotFound for what no member
// offers.
func (n *Node) RefuseShare(ctx context.Context, by, ref string) (*Reshare, error) {
	return n.decideShare(ctx, "refuse to pass on", ref, func(tx Tx, r *Reshare, o Object, now time.Time) error {
		if r.State == ReshareShared {
			if err := n.unshare(ctx, tx, by, o.Common(), now); err != nil {
				return err
			}
		}
		r.By = by
		if err := n.note(ctx, tx, by, "share.refuse", r.ObjectIRI, o.Common().Title(), now); err != nil {
			return err
		}
		return tx.SaveReshare(ctx, r.turn(ReshareRefused, time.Time{}, now))
	})
}

func (n *Node) decideShare(ctx context.Context, op, ref string, how func(Tx, *Reshare, Object, time.Time) error) (*Reshare, error) {
	missing := &Error{Op: op, Kind: NotFound, Subject: ref, Text: fmt.Sprintf("No member offers %s. See: coopnode federation shares list", ref)}
	found, err := n.Object(ctx, ref)
	if IsNotFound(err) {
		return nil, missing
	} else if err != nil {
		return nil, err
	}
	now := n.Now()
	var r *Reshare
	err = n.store.Tx(ctx, func(tx Tx) error {
		o, err := tx.LockObject(ctx, found.Common().IRI)
		if err != nil {
			return err
		}
		if r, err = tx.Reshare(ctx, o.Common().IRI); IsNotFound(err) {
			return missing
		} else if err != nil {
			return err
		}
		return how(tx, r, o, now)
	})
	n.changed(err)
	return r, err
}
