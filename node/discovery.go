package node

import (
	"context"
	"time"
)

// Coops are found without anybody in the middle: a node reads whom those follow that it follows itself or to which it is
// subscribed, and whom federations among them have as members; of the coops that it finds so, it reads the lists too, and
// there it stops.

// Listing says in what list somebody stands.
type Listing string

// The lists that are read.
const (
	ByFollowing  Listing = "following" // of a coop: whom it follows
	ByMembership Listing = "members"   // of a federation
)

// A Sighting says that somebody stands in the list of another.
type Sighting struct {
	Actor   string    `json:"actor"`         // who stands there
	Through string    `json:"through"`       // whose list it is
	How     Listing   `json:"how"`           //
	Since   time.Time `json:"since"`         // when it was seen there first
	Who     *Actor    `json:"who,omitempty"` // whose list it is; filled in when listed
}

// Bounds of discovery.
const (
	looksADay    = 200                 // actors asked who they are, in any 24 hours
	lookAgain    = 7 * 24 * time.Hour  // a coop
	lookOther    = 90 * 24 * time.Hour // who is none
	looksFailing = 30 * 24 * time.Hour // at most between two tries
	farSources   = 500                 // coops that we do not follow whose lists are read
)

// LooksAtOnce is how many actors of one list are asked who they are in one reading.
const LooksAtOnce = 100

// A Look is what came of asking an actor that stands in a list who it is.
type Look struct {
	Actor    string
	Found    string // LookCoop, LookOther, "" while nothing was found
	Failures int    // in a row
	At       time.Time
	Due      time.Time // when it may be asked again
}

// What a Look found.
const (
	LookCoop  = "coop"
	LookOther = "other" // an actor that does not say that it is a cooperative, or none at all
)

// Sightings tells through whom each of some actors is known, oldest first. Those whom a rule limits or refuses, and who
// are gone, bring nobody.
func (n *Node) Sightings(ctx context.Context, actors ...string) (map[string][]*Sighting, error) {
	known := map[string][]*Sighting{}
	for _, iri := range actors {
		list, err := n.store.Sightings(ctx, iri)
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			known[iri] = list
		}
	}
	return known, nil
}

// Reach says how far the lists of an actor are from us.
type Reach int

// Beyond Far nobody's lists are read.
const (
	Beyond Reach = iota
	Near         // we follow it, or are subscribed to it
	Far          // it stands in a list of one who is near
)

// ReachOf tells whether the lists of an actor are read.
func (n *Node) ReachOf(ctx context.Context, actor string) (r Reach, err error) {
	err = n.store.Tx(ctx, func(tx Tx) error {
		r, err = n.reachOf(ctx, tx, actor)
		return err
	})
	return r, err
}

func (n *Node) reachOf(ctx context.Context, tx Tx, actor string) (Reach, error) {
	if near, err := n.hears(ctx, tx, actor); near || err != nil {
		return Near, err
	}
	through, err := tx.Sightings(ctx, actor)
	for _, s := range through {
		if near, err := n.hears(ctx, tx, s.Through); near || err != nil {
			return Far, err
		}
	}
	return Beyond, err
}

// KeepSightings remembers who stands in a list now, in place of who stood there before.
func (n *Node) KeepSightings(ctx context.Context, through string, how Listing, actors []string) error {
	now := n.Now()
	err := n.store.Tx(ctx, func(tx Tx) error { return tx.SaveSightings(ctx, through, how, actors, now) })
	n.changed(err)
	return err
}

// ForgetSightings forgets whom an actor lists.
func (n *Node) ForgetSightings(ctx context.Context, through string) error {
	err := n.store.Tx(ctx, func(tx Tx) error { return tx.DropSightings(ctx, through) })
	n.changed(err)
	return err
}

// ToLookAt lists those in the lists of an actor of whom it is time to ask who they are: first who never was.
func (n *Node) ToLookAt(ctx context.Context, through string) ([]string, error) {
	return n.store.ToLookAt(ctx, through, n.Now(), LooksAtOnce)
}

// BeginLook says whether an actor may be asked now who it is: not where a rule refuses it, nor beyond what
// is asked in a day.
func (n *Node) BeginLook(ctx context.Context, actor string) (may bool, err error) {
	now := n.Now()
	err = n.store.Tx(ctx, func(tx Tx) error {
		may = false
		if refused, err := n.refuses(ctx, tx, actor); refused || err != nil {
			return err
		}
		if count, err := tx.CountLooks(ctx, now.Add(-24*time.Hour)); err != nil || count >= looksADay {
			return err
		}
		l, err := tx.Look(ctx, actor)
		if IsNotFound(err) {
			l = &Look{Actor: actor}
		} else if err != nil {
			return err
		}
		may = true
		l.At, l.Due = now, now.Add(24*time.Hour) // if the node dies on the way
		return tx.SaveLook(ctx, l)
	})
	return may, err
}

// EndLook remembers what asking an actor came to: LookCoop, LookOther, or "" where it did not answer.
func (n *Node) EndLook(ctx context.Context, actor, found string) error {
	now := n.Now()
	return n.store.Tx(ctx, func(tx Tx) error {
		l, err := tx.Look(ctx, actor)
		if IsNotFound(err) {
			return nil
		} else if err != nil {
			return err
		}
		switch found {
		case LookCoop:
			l.Found, l.Failures, l.Due = found, 0, now.Add(lookAgain)
		case LookOther:
			l.Found, l.Failures, l.Due = found, 0, now.Add(lookOther)
		default:
			l.Due = now.Add(min(24*time.Hour<<min(l.Failures, 5), looksFailing))
			l.Failures++
		}
		return tx.SaveLook(ctx, l)
	})
}

// LookFurther makes the lists of the coops that stand in those of an actor near us be read too.
func (n *Node) LookFurther(ctx context.Context, near string) error {
	now := n.Now()
	err := n.store.Tx(ctx, func(tx Tx) error {
		tasks, err := tx.Tasks(ctx, TaskDiscover)
		if err != nil {
			return err
		}
		has := map[string]bool{}
		for _, t := range tasks {
			has[t.Subject] = true
		}
		coops, err := tx.SightedCoops(ctx, near)
		for i, iri := range coops {
			if has[iri] || len(has) >= farSources {
				continue
			}
			has[iri] = true
			due := now.Add(time.Duration(i) * time.Second) // not all of them in the same moment
			if err := tx.SaveTask(ctx, &Task{Kind: TaskDiscover, Subject: iri, Due: due}); err != nil {
				return err
			}
		}
		return err
	})
	n.changed(err)
	return err
}

// discover makes the lists of an actor be read, whom we hear from now on or not any more.
func (n *Node) discover(ctx context.Context, tx Tx, actor string, now time.Time) error {
	return tx.SaveTask(ctx, &Task{Kind: TaskDiscover, Subject: actor, Due: now})
}
