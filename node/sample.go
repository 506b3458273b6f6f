package node

import (
	"context"
	"fmt"
	"slices"
)

// A sample is an invented coop, federation or something they are said to have published, to show what a network looks
// like. It is marked wherever it is shown. Nothing is asked of its host or sent there, and where somebody real speaks from
// its address it is gone.

// Samples are a part of an invented network. What they refer to comes before them, in the same part or an earlier one.
type Samples struct {
	Actors      []*Actor
	Memberships []*Membership
	Objects     []Object
	Shares      []Reaction // what federations are said to have passed on; their IRI is made here
}

// Kept says what became of Samples.
type Kept struct {
	Coops       int      `json:"coops"` // that are no federations
	Federations int      `json:"federations"`
	Memberships int      `json:"memberships"`
	Openings    int      `json:"openings"`
	Projects    int      `json:"projects"`
	Shares      int      `json:"shares"`
	Real        []string `json:"real,omitempty"` // addresses that somebody real has here: left as they are, with all that is said of them
}

// Add counts what became of another part.
func (k *Kept) Add(other Kept) {
	k.Coops += other.Coops
	k.Federations += other.Federations
	k.Memberships += other.Memberships
	k.Openings += other.Openings
	k.Projects += other.Projects
	k.Shares += other.Shares
	k.Real = append(k.Real, other.Real...)
}

// KeepSamples keeps a part of an invented network in one transaction, in place of what was kept under the same addresses.
// Texts are made harmless. What is about somebody real is left out.
func (n *Node) KeepSamples(ctx context.Context, s *Samples) (Kept, error) {
	now := n.Now()
	for _, a := range s.Actors {
		n.cleanActor(a)
		if a.Coop != nil && a.Coop.Admission != nil {
			n.clean(a.Coop.Admission.Criteria)
		}
	}
	for _, o := range s.Objects {
		n.tame(&Act{Object: o}, now)
	}
	var kept Kept
	err := n.changingHosts(ctx, func(tx Tx) error {
		kept = Kept{}
		real, err := n.realHosts(ctx, tx, s.Actors)
		if err != nil {
			return err
		}
		for _, a := range s.Actors {
			if real[HostOf(a.IRI)] {
				kept.Real = append(kept.Real, a.IRI)
				continue
			}
			if err := tx.SaveActor(ctx, n.sampleOf(a)); err != nil {
				return err
			}
			if a.IsFederation() {
				kept.Federations++
			} else {
				kept.Coops++
			}
		}
		for _, m := range s.Memberships {
			if ok, err := samples(ctx, tx, m.Federation, m.Coop); err != nil {
				return err
			} else if !ok {
				continue
			}
			said := *m
			said.Sample = true
			if err := tx.SaveMembership(ctx, &said); err != nil {
				return err
			}
			kept.Memberships++
		}
		for _, o := range s.Objects {
			b := o.Common()
			if ok, err := samples(ctx, tx, b.Actor); err != nil {
				return err
			} else if !ok {
				continue
			}
			b.ID, b.Received, b.Local, b.Draft, b.Sample = RemoteID(b.IRI), now, false, false, true
			b.URL = n.Links.Page(b.Type, b.ID) // it has no other home
			if err := tx.SaveObject(ctx, o); err != nil {
				return err
			}
			if b.Type == TypeProject {
				kept.Projects++
			} else {
				kept.Openings++
			}
		}
		for _, r := range s.Shares {
			if ok, err := n.sampleShare(ctx, tx, r); err != nil {
				return err
			} else if ok {
				kept.Shares++
			}
		}
		return nil
	})
	return kept, err
}

// realHosts are the hosts of all whom this node knows and who are no samples; nil where there are no actors to ask for.
func (n *Node) realHosts(ctx context.Context, tx Tx, actors []*Actor) (map[string]bool, error) {
	if len(actors) == 0 {
		return nil, nil
	}
	known, err := tx.KnownActors(ctx)
	if err != nil {
		return nil, err
	}
	invented, err := tx.SampleActors(ctx)
	if err != nil {
		return nil, err
	}
	sample := map[string]bool{}
	for _, iri := range invented {
		sample[iri] = true
	}
	real := map[string]bool{HostOf(n.Links.Base): true}
	for _, iri := range known {
		if !sample[iri] {
			real[HostOf(iri)] = true
		}
	}
	return real, nil
}

// sampleShare keeps that a sample is said to have shared something of another.
func (n *Node) sampleShare(ctx context.Context, tx Tx, r Reaction) (bool, error) {
	o, err := tx.Object(ctx, r.Object)
	if IsNotFound(err) || err == nil && !o.Common().Sample {
		return false, nil
	} else if err != nil {
		return false, err
	}
	if ok, err := samples(ctx, tx, r.Actor); err != nil || !ok {
		return false, err
	}
	r.Verb, r.IRI = Announce, r.Actor+"/shares/"+o.Common().ID
	if err := tx.React(ctx, r); err != nil {
		return false, err
	}
	return true, tx.Bring(ctx, &TimelineEntry{ObjectIRI: r.Object, Actor: r.Actor, Verb: Announce, IRI: r.IRI, At: r.At})
}

// sampleOf is an actor without all that could lead to it or prove it.
func (n *Node) sampleOf(a *Actor) *Actor {
	s := *a
	s.Sample, s.Local, s.Raw, s.URL = true, false, nil, n.Links.Known(a)
	s.Inbox, s.SharedInbox, s.Outbox, s.Followers, s.Following, s.Featured = "", "", "", "", "", ""
	s.KeyID, s.KeyPEM, s.OldKeys, s.AlsoKnownAs, s.MovedTo = "", "", nil, nil, ""
	s.Icon, s.Image = Picture{}, Picture{}
	if s.Coop != nil {
		c := *s.Coop
		c.OpeningsIRI, c.ProjectsIRI, c.MembershipsIRI, c.MembersIRI, c.ApplicationsIRI, c.SharedIRI = "", "", "", "", "", ""
		s.Coop = &c
	}
	return &s
}

// samples says whether all of these are samples.
func samples(ctx context.Context, r Reader, actors ...string) (bool, error) {
	for _, iri := range actors {
		a, err := r.Actor(ctx, iri)
		if IsNotFound(err) || err == nil && !a.Sample {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	return true, nil
}

// samplesAtOnce is how many of them one transaction takes out.
const samplesAtOnce = 50

// RemoveSamples takes out all samples and what is kept of them, and returns how many actors and objects went. It may be
// interrupted and run again.
func (n *Node) RemoveSamples(ctx context.Context) (actors, objects int, err error) {
	list, err := n.store.SampleActors(ctx)
	if err != nil {
		return 0, 0, err
	}
	for some := range slices.Chunk(list, samplesAtOnce) {
		count := 0
		err := n.changingHosts(ctx, func(tx Tx) error {
			count = 0
			for _, iri := range some {
				n, err := tx.PurgeActor(ctx, iri)
				if err != nil {
					return err
				}
				count += n
			}
			return nil
		})
		if err != nil {
			return actors, objects, err
		}
		actors, objects = actors+len(some), objects+count
	}
	return actors, objects, nil
}

// changingHosts is a transaction after which other hosts may be those of samples.
func (n *Node) changingHosts(ctx context.Context, f func(Tx) error) error {
	version := NewID()
	err := n.store.Tx(ctx, func(tx Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		return tx.SetSetting(ctx, settingPolicy, version)
	})
	if err == nil {
		n.ruleChanges.Add(1)
	}
	n.changed(err)
	return err
}

// giveWay takes out the samples in whose place somebody real has spoken: all of that host.
func giveWay(ctx context.Context, tx Tx, iri string) error {
	list, err := tx.SampleActors(ctx)
	if err != nil {
		return err
	}
	for _, sample := range list {
		if HostOf(sample) != HostOf(iri) {
			continue
		}
		if _, err := tx.PurgeActor(ctx, sample); err != nil {
			return err
		}
	}
	return nil
}

// invented refuses to say something to a sample, or of it to others.
func invented(op, subject string) error {
	return &Error{Op: op, Kind: Invalid, Subject: subject, Text: fmt.Sprintf("%s is a sample: invented, so nobody could hear of it. See: coopnode help import", subject)}
}
