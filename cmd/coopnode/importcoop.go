package main

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/coopnode/coopnode/node"
)

// partyRow is what a coop and a federation have in common.
type partyRow struct {
	ID        string         `json:"id"`
	Domain    string         `json:"domain"`
	Node      string         `json:"node"` // coopnode, mastodon, wordpress or none
	Name      string         `json:"name"`
	LatinName string         `json:"latinName"`
	LegalName string         `json:"legalName"`
	Country   string         `json:"country"`
	City      string         `json:"city"`
	Latitude  *float64       `json:"latitude"`
	Longitude *float64       `json:"longitude"`
	Founded   string         `json:"founded"`
	Languages []string       `json:"languages"`
	Ownership node.Ownership `json:"ownership"`
	Summary   inLanguages    `json:"summary"`
	Email     string         `json:"email"`
	Website   string         `json:"website"`
}

type coopRow struct {
	partyRow
	LegalForm struct {
		Name         string `json:"name"`
		Abbreviation string `json:"abbreviation"`
		ELF          string `json:"elf"`
	} `json:"legalForm"`
	Jurisdiction       string         `json:"jurisdiction"`
	Region             string         `json:"region"`
	TimeZone           string         `json:"timeZone"`
	Members            *int           `json:"members"`
	Workers            *int           `json:"workers"`
	OneMemberOneVote   *bool          `json:"oneMemberOneVote"`
	RegistrationNumber string         `json:"registrationNumber"`
	Skills             []string       `json:"skills"`
	CustomerMix        map[string]int `json:"customerMix"`
	AcceptsCustomers   []string       `json:"acceptsCustomers"`
	MembersAbroad      *struct {
		Accepts *bool  `json:"accepts"`
		How     string `json:"how"`
	} `json:"membersAbroad"`
	Availability *struct {
		HoursPerMonth int    `json:"hoursPerMonth"`
		From          string `json:"from"`
		SaidOn        string `json:"saidOn"`
	} `json:"availability"`
	Remote        *bool    `json:"remote"`
	Phone         string   `json:"phone"`
	MemberOf      []string `json:"memberOf"`
	OffersHelp    []string `json:"offersHelp"`
	LastHeardFrom string   `json:"lastHeardFrom"`
}

type federationRow struct {
	partyRow
	MemberCount *int `json:"memberCount"`
	WorkerCount *int `json:"workerCount"`
	Admission   struct {
		Rule              string           `json:"rule"` // vote, board or open
		QuorumShare       float64          `json:"quorumShare"`
		MajorityShare     float64          `json:"majorityShare"`
		Fee               string           `json:"fee"`
		OwnershipAccepted []node.Ownership `json:"ownershipAccepted"`
		Countries         []string         `json:"countries"`
		Criteria          inLanguages      `json:"criteria"`
	} `json:"admission"`
	Resharing struct {
		Kinds           []string `json:"kinds"`
		Approval        string   `json:"approval"` // automatic or held
		PerMemberPerDay int      `json:"perMemberPerDay"`
	} `json:"resharing"`
}

type membershipRow struct {
	Federation string   `json:"federation"`
	Coop       string   `json:"coop"`
	State      string   `json:"state"`
	Since      string   `json:"since"`
	Until      string   `json:"until"`
	Role       string   `json:"role"`
	Vouches    []string `json:"vouches"`
}

// party makes the actor that both kinds of row tell of.
func (p *partyRow) party() *node.Actor {
	name := p.Name
	if p.LatinName != "" {
		name += " (" + p.LatinName + ")"
	}
	c := &node.Coop{
		LegalName: p.LegalName, Founded: p.Founded, Languages: p.Languages, Ownership: p.Ownership, Website: p.Website,
		Place: node.Place{Name: p.City, Locality: p.City, Country: p.Country, Latitude: p.Latitude, Longitude: p.Longitude},
	}
	if p.Email != "" {
		c.Contacts = []node.Contact{{Type: "intercooperation", Email: p.Email, Languages: p.Languages}}
	}
	return &node.Actor{IRI: actorAt(p.Domain), Type: "Organization", Handle: p.ID, Host: p.Domain, Name: name, Summary: p.Summary, Coop: c}
}

func actorAt(domain string) string { return "https://" + domain + "/ap/coop" }

// named notes who stands under an id, and says what is wrong with that.
func (s *sampleSet) named(p *partyRow) error {
	if why := cmp.Or(wrongID(p.ID), wrongDomain(p.Domain)); why != "" {
		return fmt.Errorf("%s", why)
	}
	if s.actorOf[p.ID] != "" {
		return fmt.Errorf("the id %q is there already", p.ID)
	}
	if s.known[actorAt(p.Domain)] != nil {
		return fmt.Errorf("the domain %q is there already", p.Domain)
	}
	return nil
}

func (s *sampleSet) addCoop(r *coopRow) error {
	if err := s.named(&r.partyRow); err != nil {
		return err
	}
	a := r.party()
	c := a.Coop
	c.Kind, c.Jurisdiction, c.TimeZone, c.RegistrationNo = node.KindCooperative, r.Jurisdiction, r.TimeZone, r.RegistrationNumber
	c.Place.Region = r.Region
	c.Members, c.Workers, c.OneMemberOneVote, c.Remote = r.Members, r.Workers, r.OneMemberOneVote, r.Remote
	c.LegalForm = node.LegalForm{Name: r.LegalForm.Name, Abbreviation: r.LegalForm.Abbreviation, ELF: r.LegalForm.ELF}
	c.CustomerMix, c.AcceptsCustomers, c.OffersHelp = r.CustomerMix, r.AcceptsCustomers, r.OffersHelp
	if r.Phone != "" {
		if len(c.Contacts) == 0 {
			c.Contacts = []node.Contact{{}}
		}
		c.Contacts[0].Telephone = r.Phone
	}
	c.Skills = skillsFrom(r.Skills)
	if m := r.MembersAbroad; m != nil && (m.Accepts != nil || m.How != "") {
		c.MembersAbroad = &node.MembersAbroad{Accepts: m.Accepts, Note: m.How}
	}
	if v := r.Availability; v != nil {
		said, err := readDate(v.SaidOn)
		if err != nil {
			return err
		}
		c.Availability = &node.FreeHours{HoursPerMonth: v.HoursPerMonth, From: v.From, Said: said}
	}
	heard, err := readDate(r.LastHeardFrom)
	if err != nil {
		return err
	}
	a.Fetched, a.Updated = heard, heard
	if err := a.Validate(); err != nil {
		return err
	}
	s.claims[a] = r.MemberOf
	a.Nodeless, s.nodeless[a.IRI] = r.Node == "none", r.Node != "" && r.Node != "coopnode"
	s.add(r.ID, a)
	return nil
}

func (s *sampleSet) addFederation(r *federationRow) error {
	if err := s.named(&r.partyRow); err != nil {
		return err
	}
	a := r.party()
	a.Coop.Kind, a.Coop.Members, a.Coop.Workers = node.KindConsortium, r.MemberCount, r.WorkerCount
	a.Fetched = s.now
	rules := map[string]node.AdmissionRule{"vote": node.ByApprovals, "board": node.BySteward, "open": node.ByAsking}
	rule, known := rules[r.Admission.Rule]
	if !known {
		return fmt.Errorf("the rule of admission is vote, board or open, not %q", r.Admission.Rule)
	}
	a.Coop.Admission = &node.Admission{Criteria: r.Admission.Criteria, Countries: r.Admission.Countries,
		Ownership: r.Admission.OwnershipAccepted, Fee: r.Admission.Fee, Rule: rule}
	if rule == node.ByApprovals { // so many as could carry a vote: a majority of the quorum
		members := 0.0
		if r.MemberCount != nil {
			members = float64(*r.MemberCount)
		}
		n := math.Ceil(members * r.Admission.QuorumShare * r.Admission.MajorityShare)
		a.Coop.Admission.Approvals = int(min(max(n, 1), 1000))
		a.Coop.Admission.Objections, a.Coop.Admission.Days = a.Coop.Admission.Approvals-1, votingDays
	}
	if err := a.Coop.Admission.Validate(); err != nil {
		return err
	}
	passed := &node.Resharing{PerDay: r.Resharing.PerMemberPerDay}
	for _, k := range r.Resharing.Kinds {
		if k == consortium { // which is a project here (decisions 13)
			k = node.PassProjects
		}
		passed.Kinds = append(passed.Kinds, k)
	}
	switch r.Resharing.Approval {
	case "held":
		passed.Held = passed.Kinds
	case "automatic":
	default:
		return fmt.Errorf("re-sharing is automatic or held, not %q", r.Resharing.Approval)
	}
	if err := passed.Validate(); err != nil {
		return err
	}
	a.Coop.Resharing = passed
	if err := a.Validate(); err != nil {
		return err
	}
	s.add(r.ID, a)
	return nil
}

// votingDays is how long a vote of the samples runs, about.
const votingDays = 14

func (s *sampleSet) add(id string, a *node.Actor) {
	s.actors = append(s.actors, a)
	s.actorOf[id] = a.IRI
	s.known[a.IRI] = a
}

// claim writes into profiles of which federations they say to be members; ids of those that are not there are left out.
func (s *sampleSet) claim() {
	for a, federations := range s.claims {
		for _, id := range federations {
			if iri := s.actorOf[id]; iri != "" {
				a.Coop.MemberOf = append(a.Coop.MemberOf, iri)
			}
		}
	}
}

func (s *sampleSet) addMembership(r *membershipRow) error {
	federation, coop := s.known[s.actorOf[r.Federation]], s.known[s.actorOf[r.Coop]]
	switch {
	case federation == nil || !federation.IsFederation():
		return fmt.Errorf("there is no federation %q", r.Federation)
	case coop == nil:
		return fmt.Errorf("there is no coop %q", r.Coop)
	}
	since, err := readDate(r.Since)
	if err != nil {
		return err
	}
	until, err := readDate(r.Until)
	if err != nil {
		return err
	}
	if since.IsZero() {
		return fmt.Errorf("it does not say since when")
	}
	word := node.Word{Since: since, Until: until}
	m := &node.Membership{Federation: federation.IRI, Coop: coop.IRI, Role: r.Role, Vouches: r.Vouches, Sample: true, Nodeless: s.nodeless[coop.IRI]}
	switch r.State {
	case "claimed-only":
		m.CoopSays = word
	case "listed-only":
		m.FederationSays = word
	case "confirmed", "ended":
		m.CoopSays, m.FederationSays = word, word
	default:
		return fmt.Errorf("a membership is confirmed, claimed-only, listed-only or ended, not %q", r.State)
	}
	if (r.State == "ended") == until.IsZero() {
		return fmt.Errorf("what is %s cannot have %q as its end", r.State, r.Until)
	}
	if m.Nodeless && r.State == "confirmed" {
		s.Listed++
	}
	s.memberships = append(s.memberships, m)
	return nil
}

func skillsFrom(keys []string) (skills []node.Skill) {
	for _, k := range keys {
		skills = append(skills, node.SkillFrom(k))
	}
	return skills
}

// endOf is the last second of a day, zero for none.
func endOf(day time.Time) time.Time {
	if day.IsZero() {
		return day
	}
	return day.Add(24*time.Hour - time.Second)
}
