package node

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// Numbers is what this node has seen of the network: coops whose profile it read, openings that came here, what federations
// passed on to it. There is no centre that could know more; another node has seen other parts.
type Numbers struct {
	Since       time.Time            `json:"since"` // when this node began to look
	At          time.Time            `json:"at"`
	Coops       int                  `json:"coops"` // this one among them, federations not
	Federations int                  `json:"federations"`
	Countries   int                  `json:"countries"` // in which those coops are that say so
	Openings    Tally                `json:"openings"`  // ours among them
	By          []*FederationNumbers `json:"byFederation"`
	Samples     int                  `json:"samples,omitempty"` // invented coops and federations, counted in none of the others
}

// A Tally counts openings that everybody may see.
type Tally struct {
	Seen     int `json:"seen"`
	Open     int `json:"open"` // now
	Filled   int `json:"filled"`
	Answered int `json:"answered"` // by somebody else, for all to read
}

// FederationNumbers is what a node has seen of one federation. Its tally counts what it passed on, also where it took that
// back since.
type FederationNumbers struct {
	IRI     string `json:"federation"`
	Name    string `json:"name,omitempty"`
	Members int    `json:"members"` // confirmed
	Passed  Tally  `json:"passedOn"`
}

// Numbers are made at most once in numbersAge, for they read much.
const (
	numbersAge     = 10 * time.Second
	maxFederations = 200 // in one answer
)

type heldNumbers struct {
	mu         sync.Mutex
	made       *Numbers
	generation int64
}

// Numbers gives what this node has seen of the network, at most 10 seconds old.
func (n *Node) Numbers(ctx context.Context) (*Numbers, error) {
	n.numbers.mu.Lock()
	defer n.numbers.mu.Unlock()
	generation, now := n.Generation(), n.Now()
	if held := n.numbers.made; held != nil {
		age := now.Sub(held.At)
		if age >= 0 && (age < numbersAge || age < time.Minute && generation == n.numbers.generation) {
			return held, nil
		}
	}
	made, err := n.countAll(ctx, now)
	if err == nil {
		n.numbers.made, n.numbers.generation = made, generation
	}
	return made, err
}

func (n *Node) countAll(ctx context.Context, now time.Time) (*Numbers, error) {
	us, err := n.Profile(ctx)
	if err != nil {
		return nil, err
	}
	r := &Numbers{Since: us.Published, At: now}
	var by map[string]*FederationNumbers
	if r.Openings, by, err = n.store.Tallies(ctx, now); err != nil {
		return nil, err
	}
	coops, err := n.store.KnownCoops(ctx)
	if err != nil {
		return nil, err
	}
	countries := map[string]bool{}
	for _, a := range coops {
		if a.Sample {
			r.Samples++
			continue
		}
		if a.IsFederation() {
			r.Federations++
			if f := by[a.IRI]; f != nil { // of one whom a rule keeps off our pages nothing is told
				f.Name = a.Label()
				r.By = append(r.By, f)
			}
			continue
		}
		r.Coops++
		if c := a.Coop.Country(); c != "" {
			countries[c] = true
		}
	}
	r.Countries = len(countries)
	slices.SortFunc(r.By, func(a, b *FederationNumbers) int {
		return cmp.Or(cmp.Compare(b.Passed.Seen, a.Passed.Seen), cmp.Compare(b.Members, a.Members), cmp.Compare(a.IRI, b.IRI))
	})
	r.By = r.By[:min(len(r.By), maxFederations)]
	return r, nil
}

// notePassed remembers for the numbers that a federation has passed something on that is kept here.
func (n *Node) notePassed(ctx context.Context, tx Tx, actor, object string, now time.Time) error {
	f, err := knownFederation(ctx, tx, actor)
	if f == nil || err != nil {
		return err
	}
	return tx.NotePassed(ctx, actor, object, now)
}
