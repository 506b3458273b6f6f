package node

import "context"

// Preview makes of o what Publish would make of it, or Edit where it is known already: completed, checked and with its
// document in Raw. Nothing is kept and nobody is told. Errors: Invalid.
func (n *Node) Preview(o Object) error {
	now := n.Now()
	b := o.Common()
	if b.ID == "" {
		b.ID, b.Local, b.Actor = NewID(), true, n.Links.Actor()
		b.IRI, b.URL = n.Links.Object(b.Type, b.ID), n.Links.Page(b.Type, b.ID)
	}
	if b.Published.IsZero() || b.Draft {
		b.Published = now
	}
	b.Updated = now
	if b.Audience == "" {
		b.Audience = Public
	}
	if err := n.ready(o, now); err != nil {
		return err
	}
	var err error
	b.Raw, err = n.enc.EncodeObject(o)
	return err
}

// Hearing is who hears at once of what this coop publishes.
type Hearing struct {
	Followers   int
	Servers     int           // on which they are
	Federations []*Membership // of which it is a confirmed member, and which may pass it on
}

// Hearing counts who hears at once of what is published now.
func (n *Node) Hearing(ctx context.Context) (r Hearing, err error) {
	if r.Followers, err = n.store.CountFollowers(ctx); err != nil {
		return r, err
	}
	if r.Servers, err = n.store.CountFollowerServers(ctx); err != nil {
		return r, err
	}
	r.Federations, err = n.Memberships(ctx, MembershipQuery{Coop: n.Links.Actor(), Standing: Confirmed, Limit: 100})
	return r, err
}
