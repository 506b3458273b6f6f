package main

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/coopnode/coopnode/node"
)

// federation is the profile of this node, where it is one.
func (h *house) federation(ctx context.Context) (*node.Actor, error) {
	us, err := h.Profile(ctx)
	if err == nil && (!us.IsFederation() || us.Coop.Admission == nil) {
		err = wrongUse("This node is no federation. To make it one: coopnode federation create")
	}
	return us, err
}

// fresh asks the home of an actor for its profile as it is now.
func (h *house) fresh(ctx context.Context, a *app, address string) (*node.Actor, error) {
	w, err := h.wire(ctx, a.commandLog())
	if err != nil {
		return nil, err
	}
	defer w.Close()
	return w.Find(ctx, address)
}

// A membershipState is a membership as the commands give it out.
type membershipState struct {
	*node.Membership
	Standing node.Standing `json:"standing,omitempty"`
}

func states(list []*node.Membership) []*membershipState {
	out := make([]*membershipState, len(list))
	for i, m := range list {
		out[i] = &membershipState{m, m.Standing()}
	}
	return out
}

// memberships reads all that match q.
func (h *house) memberships(ctx context.Context, q node.MembershipQuery) ([]*membershipState, error) {
	all := []*membershipState{}
	q.Limit = 1000
	for {
		page, err := h.Memberships(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, states(page)...)
		if len(page) < q.Limit {
			return all, nil
		}
		q.After = page[len(page)-1].Seq
	}
}

// amongMemberships finds the one whose other side an address means: a handle, a host, or an address on the web.
func (h *house) amongMemberships(ctx context.Context, q node.MembershipQuery, address, none string) (*node.Membership, error) {
	all, err := h.memberships(ctx, q)
	if err != nil {
		return nil, err
	}
	var found []*node.Membership
	for _, m := range all {
		iri := m.Federation
		if q.Federation != "" {
			iri = m.Coop
		}
		if meant(m.Who, iri, address) {
			found = append(found, m.Membership)
		}
	}
	switch len(found) {
	case 0:
		return nil, missing(none, address)
	case 1:
		return found[0], nil
	}
	return nil, wrongUse("There are %d of %s. Write the whole address: %s ...", len(found), address, other(found[0], found[0].Coop))
}

// meant says whether what a person wrote means an actor: its address, its page, @handle@host, or its host.
func meant(who *node.Actor, iri, address string) bool {
	return iri == address || node.HostOf(iri) == strings.ToLower(address) ||
		who != nil && (who.URL == address || strings.EqualFold(strings.TrimPrefix(who.Address(), "@"), strings.TrimPrefix(address, "@")))
}

// showMembership gives out a membership as it is kept now.
func (a *app) showMembership(ctx context.Context, h *house, m *node.Membership) error {
	now, err := h.Membership(ctx, m.Federation, m.Coop)
	if err != nil {
		return err
	}
	return a.show(&membershipState{now, now.Standing()}, nil)
}

// other names one side of a membership.
func other(m *node.Membership, iri string) string {
	if m.Who != nil && m.Who.IRI == iri {
		return m.Who.Address()
	}
	return iri
}

// writeMemberships shows who stands how, and when each side was asked.
func writeMemberships(w io.Writer, list []*membershipState) {
	table(w, func(row func(...any)) {
		for _, m := range list {
			iri, name := m.Federation, ""
			if m.Who != nil {
				iri, name = m.Who.IRI, m.Who.Name
			}
			row(other(m.Membership, iri), standingText(m.Membership), strings.Join(m.Vouches, ", "), name)
		}
	})
}

// standingText says how a membership stands, in a few words.
func standingText(m *node.Membership) string {
	switch m.Standing() {
	case node.Confirmed:
		return "confirmed since " + later(m.CoopSays.Since, m.FederationSays.Since).UTC().Format(time.DateOnly)
	case node.ClaimedOnly:
		return "says so itself, not confirmed"
	case node.ListedOnly:
		return "listed, not said by itself"
	case node.Former:
		return "until " + m.EndedAt().UTC().Format(time.DateOnly)
	}
	return string(m.Step)
}

// later is the second of two moments.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
