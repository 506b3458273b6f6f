package main

import (
	"cmp"
	"fmt"
	"time"

	"github.com/coopnode/coopnode/node"
)

// consortium is the kind of an opening that is too large for one coop.
const consortium = "consortium"

type openingRow struct {
	ID               string       `json:"id"`
	By               string       `json:"by"`
	PublishedBy      string       `json:"publishedBy"`
	OnBehalfOf       string       `json:"onBehalfOf"` // id of a coop, or a name
	Kind             string       `json:"kind"`
	Purpose          node.Purpose `json:"purpose"`
	Language         string       `json:"language"`
	Name             string       `json:"name"`
	Text             string       `json:"text"`
	NameEn           string       `json:"nameEn"`
	Skills           []string     `json:"skills"`
	WorkingLanguages []string     `json:"workingLanguages"`
	Place            struct {
		Remote   bool `json:"remote"`
		Hybrid   bool `json:"hybrid"`
		Location *struct {
			Country string `json:"country"`
			City    string `json:"city"`
		} `json:"location"`
	} `json:"place"`
	Capacity *capacityRow `json:"capacity"`
	Budget   *struct {
		Currency string  `json:"currency"`
		Min      float64 `json:"min"`
		Max      float64 `json:"max"`
		Basis    string  `json:"basis"`
	} `json:"budget"`
	Published string      `json:"published"`
	Deadline  string      `json:"deadline"`
	WorkStart string      `json:"workStart"`
	WorkEnd   string      `json:"workEnd"`
	Status    node.Status `json:"status"`
	Answer    struct {
		Who         string   `json:"who"`
		Federations []string `json:"federations"`
		How         []string `json:"how"`
	} `json:"answer"`
	Audience struct {
		Type        string   `json:"type"`
		Federations []string `json:"federations"`
	} `json:"audience"`
	SharedBy   []string `json:"sharedBy"`
	Customer   string   `json:"customer"`
	Employment *struct {
		Type        string `json:"type"`
		MemberTrack bool   `json:"memberTrack"`
	} `json:"employment"`
	Project string   `json:"project"`
	Lots    []lotRow `json:"lots"`
	Lead    *struct {
		Needed bool   `json:"needed"`
		Coop   string `json:"coop"`
	} `json:"lead"`
}

type capacityRow struct {
	Unit    node.Unit `json:"unit"`
	Total   float64   `json:"total"`
	Open    float64   `json:"open"`
	Minimum float64   `json:"minimum"`
}

type lotRow struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Skills   []string `json:"skills"`
	FilledBy []struct {
		Coop   string  `json:"coop"`
		Amount float64 `json:"amount"`
	} `json:"filledBy"`
	capacityRow
}

// put says how much is asked for, and how much of it is still open.
func (c *capacityRow) put(o *node.Opening) {
	o.Amount = node.Quantity{Number: c.Total, Unit: c.Unit}
	o.Available = node.Quantity{Number: c.Open, Unit: c.Unit}
	if c.Minimum > 0 {
		o.Minimum = node.Quantity{Number: c.Minimum, Unit: c.Unit}
	}
}

// base is what an opening and the project made of a consortium have in common.
func (s *sampleSet) base(r *openingRow, t node.ObjectType) (node.Base, error) {
	b := node.Base{Type: t, Audience: node.Public}
	if why := wrongID(r.ID); why != "" {
		return b, fmt.Errorf("%s", why)
	}
	publisher := s.known[s.actorOf[cmp.Or(r.PublishedBy, r.By)]]
	if publisher == nil {
		return b, fmt.Errorf("there is no coop %q that could have published it", cmp.Or(r.PublishedBy, r.By))
	}
	published, err := readMoment(r.Published)
	if err != nil {
		return b, err
	}
	b.Actor, b.IRI, b.Published, b.Updated = publisher.IRI, objectAt(publisher, t, r.ID), published, published
	text := paragraph(r.Text)
	if r.NameEn != "" {
		text += paragraph("English: " + r.NameEn)
	}
	b.Texts = []node.Text{{Lang: r.Language, Title: r.Name, HTML: text}}
	switch r.Audience.Type {
	case "public":
	case "members": // for whom it was meant; no page shows it
		b.Audience, b.To = node.Direct, s.addresses(r.Audience.Federations)
	default:
		return b, fmt.Errorf("the audience is public or members, not %q", r.Audience.Type)
	}
	if r.Project != "" {
		if b.Project = s.projectOf[r.Project]; b.Project == "" {
			return b, fmt.Errorf("there is no project %q", r.Project)
		}
	}
	return b, nil
}

// objectAt is the address that something would have if its publisher were real.
func objectAt(by *node.Actor, t node.ObjectType, id string) string {
	return node.Links{Base: "https://" + by.Host}.Object(t, id)
}

// addresses are those of ids that are there.
func (s *sampleSet) addresses(ids []string) (list []string) {
	for _, id := range ids {
		if iri := s.actorOf[id]; iri != "" {
			list = append(list, iri)
		}
	}
	return list
}

// terms are what an opening says besides what is sought and how much.
func (s *sampleSet) terms(r *openingRow) (*node.Opening, error) {
	base, err := s.base(r, node.TypeOpening)
	if err != nil {
		return nil, err
	}
	o := &node.Opening{Base: base, Kind: node.OpeningKind(r.Kind), Purpose: r.Purpose, Status: r.Status, Languages: r.WorkingLanguages,
		Remote: r.Place.Remote || r.Place.Hybrid, Skills: skillsFrom(r.Skills)}
	if l := r.Place.Location; l != nil {
		o.Place = node.Place{Name: l.City, Locality: l.City, Country: l.Country}
	}
	if r.Answer.Who != "" {
		o.Answer.Who = []string{r.Answer.Who}
	}
	o.Answer.How, o.Answer.Federations = r.Answer.How, s.addresses(r.Answer.Federations)
	if r.Customer != "" {
		o.Customer = &node.Customer{Kind: r.Customer}
	}
	if iri := s.actorOf[r.OnBehalfOf]; iri != "" {
		o.OnBehalfOf = iri
	} else {
		o.BehalfName = r.OnBehalfOf
	}
	var dates [3]time.Time
	for i, d := range []struct {
		read func(string) (time.Time, error)
		text string
	}{{readMoment, r.Deadline}, {readDate, r.WorkStart}, {readDate, r.WorkEnd}} {
		if dates[i], err = d.read(d.text); err != nil {
			return nil, err
		}
	}
	o.Closes, o.Begins, o.Ends = dates[0], dates[1], endOf(dates[2])
	return o, nil
}

func (s *sampleSet) addOpening(r *openingRow) error {
	if r.Kind == consortium {
		return s.addConsortium(r)
	}
	o, err := s.terms(r)
	if err != nil {
		return err
	}
	if r.Capacity != nil {
		r.Capacity.put(o)
	}
	if e := r.Employment; e != nil {
		o.EmploymentType, o.MemberTrack = e.Type, e.MemberTrack
	}
	if r.Budget != nil {
		o.Budget = &node.Money{Currency: r.Budget.Currency, Min: r.Budget.Min, Max: r.Budget.Max}
	}
	if err := o.Validate(time.Time{}); err != nil { // whatever its deadline: one that has passed shows as such
		return err
	}
	if r.Budget != nil {
		o.BudgetBasis = r.Budget.Basis // also one that our own people could not choose: each item
	}
	if o.Audience == node.Direct {
		s.MembersOnly++
	}
	if err := s.keep(o, r.SharedBy); err != nil {
		return err
	}
	s.openingOf[r.ID] = o.IRI
	return nil
}

// addConsortium makes a project of an opening that is too large for one coop, and an opening of each of its lots
// (decisions 13).
func (s *sampleSet) addConsortium(r *openingRow) error {
	whole, err := s.terms(r)
	if err != nil {
		return err
	}
	base, err := s.base(r, node.TypeProject)
	if err != nil {
		return err
	}
	statuses := map[node.Status]node.ProjectStatus{node.Open: node.Seeking, node.Paused: node.OnHold, node.Filled: node.Active,
		node.Withdrawn: node.Cancelled, node.Expired: node.Cancelled}
	p := &node.Project{Base: base, Status: statuses[r.Status], Begins: whole.Begins, Ends: whole.Ends, Coordination: s.leadOf(r)}
	if r.Capacity != nil && r.Capacity.Unit == node.Hours {
		p.GoalHours = r.Capacity.Total
	}
	if r.Budget != nil {
		p.GoalMoney = &node.Money{Currency: r.Budget.Currency, Min: r.Budget.Min, Max: r.Budget.Max}
	}
	var lots []*node.Opening
	for _, l := range r.Lots {
		lot := *whole
		lot.Kind, lot.Project = node.Partner, p.IRI
		if why := wrongID(l.ID); why != "" {
			return fmt.Errorf("lot: %s", why)
		}
		lot.IRI += "-" + l.ID
		lot.Texts = []node.Text{{Lang: r.Language, Title: r.Name + " · " + l.Name, HTML: paragraph(r.Text)}}
		lot.Skills = skillsFrom(l.Skills)
		l.put(&lot)
		for _, f := range l.FilledBy {
			coop := s.actorOf[f.Coop]
			if coop == "" {
				return fmt.Errorf("lot %s is taken by %q, and there is no such coop", l.ID, f.Coop)
			}
			lot.FilledBy = append(lot.FilledBy, node.Part{Actor: coop, Quantity: node.Quantity{Number: f.Amount, Unit: l.Unit}})
		}
		if l.Open == 0 && lot.Status == node.Open {
			lot.Status = node.Filled
		}
		if err := lot.Validate(time.Time{}); err != nil {
			return fmt.Errorf("lot %s: %w", l.ID, err)
		}
		if lot.IsOpen(s.now) {
			p.Seeking = append(p.Seeking, lot.IRI)
		}
		lots = append(lots, &lot)
	}
	if err := p.Validate(); err != nil {
		return err
	}
	if err := s.keep(p, r.SharedBy); err != nil {
		return err
	}
	for _, lot := range lots {
		if err := s.keep(lot, nil); err != nil {
			return err
		}
	}
	s.Consortia, s.Lots, s.lotsOf[r.ID] = s.Consortia+1, s.Lots+len(lots), p.Seeking
	if p.Audience == node.Direct {
		s.MembersOnly++
	}
	return nil
}

// leadOf says who signs for all of a consortium.
func (s *sampleSet) leadOf(r *openingRow) string {
	if r.Lead == nil {
		return ""
	}
	name := ""
	if a := s.known[s.actorOf[r.Lead.Coop]]; a != nil {
		name = a.Name
	}
	switch {
	case r.Lead.Needed && name != "":
		return "A lead is still needed; until then " + name + "."
	case r.Lead.Needed:
		return "A lead is still needed."
	}
	return "Lead: " + name
}

// keep takes an object, and those who are said to have passed it on.
func (s *sampleSet) keep(o node.Object, sharedBy []string) error {
	b := o.Common()
	if s.taken[b.IRI] {
		return fmt.Errorf("the id is there already, or its lot has the id of another opening")
	}
	s.taken[b.IRI] = true
	s.objects = append(s.objects, o)
	for _, iri := range s.addresses(sharedBy) {
		s.shares = append(s.shares, node.Reaction{Object: b.IRI, Actor: iri, Verb: node.Announce, At: b.Published.Add(time.Hour)})
	}
	return nil
}

type projectRow struct {
	ID           string             `json:"id"`
	Lead         string             `json:"lead"`
	Language     string             `json:"language"`
	Name         string             `json:"name"`
	Summary      string             `json:"summary"`
	Status       node.ProjectStatus `json:"status"`
	Kinds        []string           `json:"kinds"`
	Participants []struct {
		Coop      string `json:"coop"`
		Role      string `json:"role"`
		Confirmed bool   `json:"confirmed"`
	} `json:"participants"`
	Start string `json:"start"`
	End   string `json:"end"`
	Goal  struct {
		Hours    float64  `json:"hours"`
		Money    *float64 `json:"money"`
		Currency string   `json:"currency"`
	} `json:"goal"`
	Seeking  []string `json:"seeking"`
	Outcomes []struct {
		Text string `json:"text"`
		Date string `json:"date"`
	} `json:"outcomes"`
	Lessons      string `json:"lessons"`
	Coordination string `json:"coordination"`
}

// nameProject notes where a project is, so that openings can name it.
func (s *sampleSet) nameProject(r *projectRow) {
	if lead := s.known[s.actorOf[r.Lead]]; lead != nil && wrongID(r.ID) == "" {
		s.projectOf[r.ID] = objectAt(lead, node.TypeProject, r.ID)
	}
}

// addProject comes after the openings, which it seeks.
func (s *sampleSet) addProject(r *projectRow) error {
	if why := wrongID(r.ID); why != "" {
		return fmt.Errorf("%s", why)
	}
	lead := s.known[s.actorOf[r.Lead]]
	if lead == nil {
		return fmt.Errorf("there is no coop %q that could lead it", r.Lead)
	}
	begins, err := readDate(r.Start)
	if err != nil {
		return err
	}
	ends, err := readDate(r.End)
	if err != nil {
		return err
	}
	p := &node.Project{Status: r.Status, Begins: begins, Ends: endOf(ends), GoalHours: r.Goal.Hours, Coordination: r.Coordination, KindOfGood: r.Kinds}
	p.Base = node.Base{Type: node.TypeProject, Audience: node.Public, IRI: s.projectOf[r.ID], Actor: lead.IRI, Published: begins, Updated: begins,
		Texts: []node.Text{{Lang: r.Language, Title: r.Name, HTML: paragraph(r.Summary)}}}
	if r.Goal.Money != nil {
		p.GoalMoney = &node.Money{Currency: r.Goal.Currency, Min: *r.Goal.Money, Max: *r.Goal.Money}
	}
	for _, v := range r.Participants {
		iri := s.actorOf[v.Coop]
		if iri == "" {
			return fmt.Errorf("%q takes part, and there is no such coop", v.Coop)
		}
		p.Participants = append(p.Participants, node.Participant{Actor: iri, Role: v.Role, Confirmed: v.Confirmed})
	}
	for _, v := range r.Outcomes {
		d, err := readDate(v.Date)
		if err != nil {
			return err
		}
		p.Outcomes = append(p.Outcomes, node.ProjectOutcome{Name: v.Text, Date: d})
	}
	if r.Lessons != "" {
		p.Lessons = []node.Text{{Lang: r.Language, HTML: paragraph(r.Lessons)}}
	}
	for _, id := range r.Seeking {
		if lots, ok := s.lotsOf[id]; ok {
			p.Seeking = append(p.Seeking, lots...)
			continue
		}
		if iri := s.openingOf[id]; iri != "" {
			p.Seeking = append(p.Seeking, iri)
		}
	}
	if err := p.Validate(); err != nil {
		return err
	}
	return s.keep(p, nil)
}
