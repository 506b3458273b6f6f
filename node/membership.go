package node

import (
	"context"
	"time"
)

// A Word is what one side says of a membership, as it was read at that side's own home. It is zero where that side
// says nothing.
type Word struct {
	IRI     string    `json:"iri,omitempty"`    // of its record
	Since   time.Time `json:"since,omitzero"`   // when the membership began
	Until   time.Time `json:"until,omitzero"`   // when it ended
	Checked time.Time `json:"checked,omitzero"` // when its home was last asked; also where it says nothing
}

// Holds says whether the side says that the membership is on.
func (w Word) Holds() bool { return !w.Since.IsZero() && w.Until.IsZero() }

// A Membership is a coop in a federation, as each of the two says itself (vocabulary 2.2), and how far an application
// or an invitation has come.
type Membership struct {
	Federation string `json:"federation"`
	Coop       string `json:"coop"`
	ID         string `json:"id,omitempty"` // short name of our own record, "" where neither side is ours

	CoopSays       Word     `json:"coopSays,omitzero"`
	FederationSays Word     `json:"federationSays,omitzero"`
	Role           string   `json:"role,omitempty"`       // as the federation says: member
	Vouches        []string `json:"vouches,omitempty"`    // what the federation looked at
	AdmittedBy     []string `json:"admittedBy,omitempty"` // addresses of the approvals

	Step      Step      `json:"step,omitempty"`
	JoinIRI   string    `json:"join,omitempty"`   // of the Join
	InviteIRI string    `json:"invite,omitempty"` // of the Invite
	Letter    string    `json:"letter,omitempty"` // why, in plain text
	Reason    string    `json:"reason,omitempty"` // of a refusal or an exclusion, in plain text
	Asked     time.Time `json:"asked,omitzero"`
	Deadline  time.Time `json:"deadline,omitzero"` // until when members can approve

	Apart    bool `json:"apart,omitempty"`    // admission shall not make the two follow each other
	Nodeless bool `json:"nodeless,omitempty"` // listed by us without its word, for it has no node: never confirmed
	Sample   bool `json:"sample,omitempty"`   // invented: never asked, never told

	// Filled in when listed.
	Who      *Actor     `json:"who,omitempty"` // the other side
	Opinions []*Opinion `json:"opinions,omitempty"`
	Seq      int64      `json:"-"` // the order in which they became known
}

// Step is how far an application or an invitation has come.
type Step string

// The steps. One that led to membership has none any more.
const (
	StepApplied   Step = "applied"
	StepInvited   Step = "invited"
	StepRefused   Step = "refused"   // by the federation, or an invitation by the coop
	StepWithdrawn Step = "withdrawn" // by the one who asked
)

// Standing is what can be shown of a membership.
type Standing string

// The standings (vocabulary 2.2).
const (
	Confirmed   Standing = "confirmed" // both say so
	ClaimedOnly Standing = "claimed"   // the coop alone
	ListedOnly  Standing = "listed"    // the federation alone
	Former      Standing = "ended"     // both said so, and one says when it ended
)

// Standing is what both words together come to, "" where there is nothing to show.
func (m *Membership) Standing() Standing {
	c, f := m.CoopSays, m.FederationSays
	switch {
	case m.Nodeless && f.Holds():
		return ListedOnly
	case c.Holds() && f.Holds():
		return Confirmed
	case !c.Since.IsZero() && !f.Since.IsZero():
		return Former
	case c.Holds():
		return ClaimedOnly
	case f.Holds():
		return ListedOnly
	}
	return ""
}

// EndedAt is when a membership ended, zero where it did not.
func (m *Membership) EndedAt() time.Time {
	c, f := m.CoopSays.Until, m.FederationSays.Until
	if c.IsZero() || !f.IsZero() && f.Before(c) {
		return f
	}
	return c
}

// Vouched says whether the federation vouches for something: "worker-owned".
func (m *Membership) Vouched(what string) bool {
	for _, v := range m.Vouches {
		if v == what {
			return true
		}
	}
	return false
}

// Vouchable is what a federation can say that it looked at (coop:vouches).
var Vouchable = []string{"worker-owned", "legal-form-seen", "registered", "known-in-person", "worked-with"}

// CheckAgain is how long what each side says is believed before its home is asked again (vocabulary 2.2).
const CheckAgain = 7 * 24 * time.Hour

// An Opinion is what a member says of an application: one coop, one vote (decisions 18).
type Opinion struct {
	Join     string    `json:"join"`   // address of the application
	Member   string    `json:"member"` // address of the coop
	Approves bool      `json:"approves"`
	IRI      string    `json:"iri"` // of the Accept or Reject
	Reason   string    `json:"reason,omitempty"`
	At       time.Time `json:"at"`
	Counts   bool      `json:"counts"` // its coop is a confirmed member now; filled in when listed by the federation
}

// MembershipQuery selects memberships, in the order in which they became known. Zero fields do not narrow it.
type MembershipQuery struct {
	Federation string
	Coop       string
	Standing   Standing
	Shown      bool // with a standing, whichever
	Step       Step
	LateAt     time.Time // applications whose deadline has passed at this moment
	After      int64     // Seq of the last one seen
	Limit      int       // 1 to 1,000; 40 if 0
}

// Memberships lists what is known of who belongs to what, with the other side of each: the coop where q names a
// federation, else the federation.
func (n *Node) Memberships(ctx context.Context, q MembershipQuery) ([]*Membership, error) {
	list, err := n.store.Memberships(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, m := range list {
		other := m.Federation
		if q.Federation != "" {
			other = m.Coop
		}
		if m.Who, err = n.store.Actor(ctx, other); err != nil && !IsNotFound(err) {
			return nil, err
		}
	}
	return list, nil
}

// CountMemberships counts those that match q; After and Limit do not matter.
func (n *Node) CountMemberships(ctx context.Context, q MembershipQuery) (int, error) {
	return n.store.CountMemberships(ctx, q)
}

// Membership gives one by its two sides. NotFound.
func (n *Node) Membership(ctx context.Context, federation, coop string) (*Membership, error) {
	return n.store.Membership(ctx, federation, coop)
}

// membership is the one of two sides, an empty one where nothing is known. It is kept from changing until the end of
// the transaction.
func membership(ctx context.Context, tx Tx, federation, coop string) (*Membership, error) {
	m, err := tx.LockMembership(ctx, federation, coop)
	if IsNotFound(err) {
		return &Membership{Federation: federation, Coop: coop}, nil
	}
	return m, err
}

// isMember says whether a coop is a confirmed member of a federation now.
func isMember(ctx context.Context, r Reader, federation, coop string) (bool, error) {
	m, err := r.Membership(ctx, federation, coop)
	if IsNotFound(err) {
		return false, nil
	}
	return err == nil && m.Standing() == Confirmed, err
}
