package node

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// An Actor is anyone with an inbox: this coop, another, a person, a federation.
type Actor struct {
	IRI     string  `json:"iri"`
	Type    string  `json:"type"` // Organization, Person, Service, Application, Group
	Handle  string  `json:"handle"`
	Host    string  `json:"host"` // of the handle
	Name    string  `json:"name"`
	Summary []Text  `json:"summary,omitempty"`
	URL     string  `json:"url,omitempty"`
	Icon    Picture `json:"picture,omitzero"` // beside its name; ours is a drawn emblem where there is none
	Image   Picture `json:"banner,omitzero"`  // above its page
	Local   bool    `json:"local,omitempty"`
	Sample  bool    `json:"sample,omitempty"` // invented: see Samples
	// Nodeless is a coop that has neither a node nor an account: somebody else speaks for it.
	Nodeless bool `json:"nodeless,omitempty"`

	Inbox       string `json:"inbox"`
	SharedInbox string `json:"sharedInbox,omitempty"`
	Outbox      string `json:"outbox,omitempty"`
	Followers   string `json:"followers,omitempty"`
	Following   string `json:"following,omitempty"`
	Featured    string `json:"featured,omitempty"`
	KeyID       string `json:"keyId,omitempty"`
	KeyPEM      string `json:"-"`

	AlsoKnownAs []string `json:"alsoKnownAs,omitempty"` // other addresses that it says are its own
	MovedTo     string   `json:"movedTo,omitempty"`     // where it says that it lives now

	// OldKeys are keys of ours that were replaced and are still in use (KEY-3).
	OldKeys []PublicKey `json:"oldKeys,omitempty"`

	// Coop is set when the actor says that it is a cooperative.
	Coop *Coop `json:"coop,omitempty"`

	HidesFollowing    bool      `json:"hidesFollowing,omitempty"` // of ours: only how many it follows is public
	ApprovesFollowers bool      `json:"approvesFollowers,omitempty"`
	Indexable         bool      `json:"indexable,omitempty"` // its posts may be found by everybody (FEP-5feb)
	Published         time.Time `json:"published,omitzero"`
	Updated           time.Time `json:"updated,omitzero"` // as it says
	Fetched           time.Time `json:"fetched,omitzero"` // when we last read it from its home
	Gone              time.Time `json:"gone,omitzero"`    // since when its home says it is gone

	Raw []byte `json:"-"`
}

// Address is how people write an actor: @handle@host.
func (a *Actor) Address() string { return "@" + a.Handle + "@" + a.Host }

// Label is the name, or the address of one who has none.
func (a *Actor) Label() string {
	if a.Name != "" {
		return a.Name
	}
	return a.Address()
}

// Ownership answers "are you worker-owned?" (vocabulary 2.1).
type Ownership string

// Ownerships are the known values; the first five are ESSGlobal base membership types.
var Ownerships = []Ownership{"workers", "multi-stakeholder", "producers", "consumers", "residents", "coops", "forming", "other"}

// Coop is what a cooperative says of itself (vocabulary 2.1). Pointers are nil and strings and
// lists empty where nothing was said.
type Coop struct {
	Kind             string         `json:"kind"` // http://schema.org/Cooperative or .../Consortium
	LegalName        string         `json:"legalName,omitempty"`
	Founded          string         `json:"founded,omitempty"` // a date: 2011-05-03
	Languages        []string       `json:"languages,omitempty"`
	Skills           []Skill        `json:"skills,omitempty"`
	AreaServed       []string       `json:"areaServed,omitempty"` // ISO 3166-1
	Place            Place          `json:"place,omitzero"`
	Contacts         []Contact      `json:"contacts,omitempty"` // only what the coop makes public
	MemberOf         []string       `json:"memberOf,omitempty"` // its own claim
	Website          string         `json:"website,omitempty"`
	Ownership        Ownership      `json:"ownership,omitempty"`
	Members          *int           `json:"members,omitempty"`
	Workers          *int           `json:"workers,omitempty"`
	OneMemberOneVote *bool          `json:"oneMemberOneVote,omitempty"`
	LegalForm        LegalForm      `json:"legalForm,omitzero"`
	Jurisdiction     string         `json:"jurisdiction,omitempty"` // ISO 3166-1, or 3166-2 where coop law is regional
	Registry         string         `json:"registry,omitempty"`
	RegistrationNo   string         `json:"registrationNumber,omitempty"`
	RegistryURL      string         `json:"registryUrl,omitempty"` // where everybody can look it up
	CustomerMix      map[string]int `json:"customerMix,omitempty"` // percent by customer kind, about 100 in all
	AcceptsCustomers []string       `json:"acceptsCustomers,omitempty"`
	Availability     *FreeHours     `json:"availability,omitempty"`
	Remote           *bool          `json:"remote,omitempty"`
	TimeZone         string         `json:"timeZone,omitempty"`
	MembersAbroad    *MembersAbroad `json:"membersAbroad,omitempty"`
	LooksFor         []string       `json:"looksFor,omitempty"`
	OffersHelp       []string       `json:"offersHelp,omitempty"`

	// Of a federation: how to join it, and what it passes on.
	Admission *Admission `json:"admission,omitempty"`
	Resharing *Resharing `json:"resharing,omitempty"`

	// The collections another coopnode reads. Those in the second line are a federation's.
	OpeningsIRI     string `json:"openingsIri,omitempty"`
	ProjectsIRI     string `json:"projectsIri,omitempty"`
	MembershipsIRI  string `json:"membershipsIri,omitempty"`
	MembersIRI      string `json:"membersIri,omitempty"`
	ApplicationsIRI string `json:"applicationsIri,omitempty"`
	SharedIRI       string `json:"sharedIri,omitempty"`
}

// The two kinds of Coop.
const (
	KindCooperative = "http://schema.org/Cooperative"
	KindConsortium  = "http://schema.org/Consortium"
)

// nameLists says where the lists of this node's own coop are.
func (l Links) nameLists(c *Coop) {
	c.OpeningsIRI, c.ProjectsIRI, c.MembershipsIRI = l.Openings(), l.Projects(), l.Memberships()
	if c.Kind == KindConsortium {
		c.MembersIRI, c.ApplicationsIRI, c.SharedIRI = l.Members(), l.Applications(), l.Shared()
	}
}

// Contact is one public way to reach the coop.
type Contact struct {
	Type      string   `json:"type,omitempty"` // intercooperation, press ...
	Email     string   `json:"email,omitempty"`
	Telephone string   `json:"telephone,omitempty"`
	URL       string   `json:"url,omitempty"`
	Languages []string `json:"languages,omitempty"`
}

// The types of a contact that is a place where people of a network talk with each other.
const (
	ContactChat  = "chat"
	ContactForum = "forum"
)

// Talks says whether the contact is a chat or a forum.
func (c *Contact) Talks() bool { return c.Type == ContactChat || c.Type == ContactForum }

// LegalForm is the form as the law of its country calls it.
type LegalForm struct {
	Name         string `json:"name,omitempty"`
	Abbreviation string `json:"abbreviation,omitempty"`
	ELF          string `json:"elf,omitempty"` // ISO 20275 code; never guessed
}

// FreeHours is what the coop could take on now, and when it said so.
type FreeHours struct {
	HoursPerMonth int       `json:"hoursPerMonth"`
	From          string    `json:"from,omitempty"` // a date
	Said          time.Time `json:"said,omitzero"`
}

// Known says whether the word is young enough to rely on: 60 days (vocabulary 2.1).
func (f *FreeHours) Known(now time.Time) bool {
	return f != nil && now.Sub(f.Said) <= 60*24*time.Hour
}

// MembersAbroad answers "can members join from other countries?".
type MembersAbroad struct {
	Accepts *bool  `json:"accepts,omitempty"`
	Note    string `json:"note,omitempty"`
}

// WorkerOwned says whether the coop says of itself that its workers own it.
func (c *Coop) WorkerOwned() bool { return c != nil && c.Ownership == "workers" }

// Validate checks a profile of ours. Errors are Invalid.
func (a *Actor) Validate() error {
	const op = "check profile"
	if strings.TrimSpace(a.Name) == "" || utf8.RuneCountInString(a.Name) > 1000 {
		return wrong(op, "coop.name", "A name of 1 to 1,000 characters is needed.")
	}
	if err := validTexts(op, a.Summary); err != nil {
		return err
	}
	c := a.Coop
	if c == nil {
		return nil
	}
	if c.Ownership != "" && !slices.Contains(Ownerships, c.Ownership) {
		return invalid(op, fmt.Sprintf("The owners are one of %s, not %q.", listOf(Ownerships), c.Ownership))
	}
	if c.Founded != "" {
		if _, err := time.Parse(time.DateOnly, c.Founded); err != nil {
			return wrong(op, "coop.founded", "%q is not a date. Write the founding date as 2011-05-03.", c.Founded)
		}
	}
	for k, v := range c.CustomerMix {
		if !slices.Contains(customerKinds, k) || v < 0 || v > 100 {
			return invalid(op, fmt.Sprintf("Customers are given as 0 to 100 percent of %s, not %q=%d.", listOf(customerKinds), k, v))
		}
	}
	for _, k := range c.AcceptsCustomers {
		if !slices.Contains(customerKinds, k) {
			return invalid(op, fmt.Sprintf("Customers are %s, not %q.", listOf(customerKinds), k))
		}
	}
	for _, s := range c.Skills {
		if !ValidSkill(s.Key) {
			return wrong(op, "skill", "%q is not a skill key. Use small letters, digits and hyphens: web-engines.", s.Key)
		}
	}
	for _, n := range []*int{c.Members, c.Workers} {
		if n != nil && *n < 0 {
			return wrong(op, "coop.numbers", "The numbers of members and workers cannot be below zero.")
		}
	}
	return validLanguages(op, c.Languages)
}

// Profile is the coop of this node.
func (n *Node) Profile(ctx context.Context) (*Actor, error) {
	return n.store.Actor(ctx, n.Links.Actor())
}

// SaveProfile keeps what edit changes in the coop's profile and tells followers (Update). by names
// who did it. The address, handle and key cannot be changed here, nor where the coop has moved. edit may run more
// than once and sees the profile as it is stored. Errors: Invalid, and what edit returns.
func (n *Node) SaveProfile(ctx context.Context, by string, edit func(*Actor) error) (*Actor, error) {
	return n.saveProfile(ctx, by, edit, func(Tx) error { return nil })
}

// saveProfile is SaveProfile with something else that is kept in the same transaction.
func (n *Node) saveProfile(ctx context.Context, by string, edit func(*Actor) error, besides func(Tx) error) (*Actor, error) {
	act := n.profileUpdate(by)
	err := n.store.Tx(ctx, func(tx Tx) error {
		err := n.renewProfile(ctx, tx, act, func(a *Actor) error {
			moved := a.MovedTo
			err := edit(a)
			a.MovedTo = moved
			return err
		})
		if err != nil {
			return err
		}
		return besides(tx)
	})
	n.changed(err)
	if err != nil {
		return nil, err
	}
	return act.Subject, nil
}

// profileUpdate begins the act that tells followers of a new profile.
func (n *Node) profileUpdate(by string) *Act {
	act := n.act(by, Update)
	n.addressProfile(act)
	return act
}

func (n *Node) addressProfile(act *Act) {
	act.ObjectIRI = act.Actor
	act.To, act.Cc = []string{PublicIRI}, []string{n.Links.Followers()}
}

// renewProfile keeps what edit changes in the coop's profile and says act, which then carries it.
func (n *Node) renewProfile(ctx context.Context, tx Tx, act *Act, edit func(*Actor) error) error {
	a, err := tx.Actor(ctx, act.Actor)
	if err != nil {
		return err
	}
	keep := *a
	if err := edit(a); err != nil {
		return err
	}
	a.IRI, a.Handle, a.Host, a.KeyID, a.KeyPEM, a.Local = keep.IRI, keep.Handle, keep.Host, keep.KeyID, keep.KeyPEM, true
	a.OldKeys = keep.OldKeys
	n.render(a.Summary)
	if err := a.Validate(); err != nil {
		return err
	}
	if err := n.saveOwn(ctx, tx, a, later(act.Published, keep.Updated)); err != nil {
		return err
	}
	act.Subject = a
	return n.say(ctx, tx, act, Recipients{Followers: true})
}

// KnownCoops lists the actors this node has read that say they are cooperatives, by name.
func (n *Node) KnownCoops(ctx context.Context) ([]*Actor, error) { return n.store.KnownCoops(ctx) }

// CoopsAt lists the known cooperatives at @handle@host, or at a host whatever their handle; at most 20.
func (n *Node) CoopsAt(ctx context.Context, address string) ([]*Actor, error) {
	handle, host, named := strings.Cut(strings.TrimPrefix(address, "@"), "@")
	if !named {
		handle, host = "", handle
	}
	return n.store.CoopsOn(ctx, handle, host)
}

// ActorOf gives a known actor by address; NotFound if it was never read.
func (n *Node) ActorOf(ctx context.Context, iri string) (*Actor, error) {
	return n.store.Actor(ctx, iri)
}

func listOf[S ~string](list []S) string {
	s := make([]string, len(list))
	for i, v := range list {
		s[i] = string(v)
	}
	return strings.Join(s, ", ")
}
