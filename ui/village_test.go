package ui_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/coopnode/coopnode/node"
)

// A stall is what fill put onto a node, by the names that tests use.
type stall struct {
	Opening, Dated, Filled, Paused, Draft, Direct, Deleted *node.Opening
	Foreign, ForeignLate                                   *node.Opening
	Project                                                *node.Project
	Post, Question, Reply                                  *node.Post
}

// plainEncoder writes what a node needs to keep something; these tests do not look at it.
type plainEncoder struct{}

func (plainEncoder) EncodeActor(a *node.Actor) ([]byte, error) { return json.Marshal(a.IRI) }
func (plainEncoder) EncodeAct(a *node.Act) ([]byte, error)     { return json.Marshal(a.IRI) }

// EncodeObject has the texts too, which previews show.
func (plainEncoder) EncodeObject(o node.Object) ([]byte, error) {
	byLang := map[string]string{}
	for _, t := range o.Common().Texts {
		byLang[t.Lang] = "<p>" + t.Title + "</p>" + t.HTML
	}
	return json.Marshal(map[string]any{"id": o.Common().IRI, "contentMap": byLang})
}

func ptr[T any](v T) *T { return &v }

// fill gives a node a profile, objects of every kind, foreign ones and a thread.
func fill(ctx context.Context, n *node.Node) (*stall, error) {
	now := n.Now()
	var s stall
	_, err := n.SaveProfile(ctx, "test", func(a *node.Actor) error {
		a.Name = "Toxeira Enxeñaría Web"
		a.Summary = []node.Text{{Lang: "en", Source: "Fourteen people who build **web engines**, and own the place they do it in.", HTML: "x"},
			{Lang: "gl", Source: "Catorce persoas que constrúen motores web."}}
		c := a.Coop
		c.Founded, c.Languages, c.LegalName = "2011-05-03", []string{"gl", "es", "en"}, "Toxeira Enxeñaría Web, S. Coop. Galega"
		c.Skills = []node.Skill{{Key: "web-engines", Name: "Web engines"}, {Key: "accessibility", Name: "Accessibility"}, {Key: "maps"}}
		c.Place = node.Place{Locality: "A Coruña", Country: "ES", Region: "ES-GA"}
		c.Ownership, c.Members, c.Workers, c.OneMemberOneVote = "workers", ptr(12), ptr(14), ptr(true)
		c.LegalForm, c.Jurisdiction = node.LegalForm{Name: "Sociedade Cooperativa Galega"}, "ES-GA"
		c.Website = "https://www.toxeira-web.example/en/"
		c.Contacts = []node.Contact{{Type: "intercooperation", Email: "mailto:coop@toxeira.example", Telephone: "+34 000 000 000"}}
		c.CustomerMix = map[string]int{"cooperatives": 25, "nonprofit": 20, "public": 15, "business": 40}
		c.Availability = &node.FreeHours{HoursPerMonth: 120, From: "2027-01-11", Said: now.Add(-20 * 24 * time.Hour)}
		c.Remote, c.TimeZone = ptr(true), "Europe/Madrid"
		c.MembersAbroad = &node.MembersAbroad{Accepts: ptr(true), Note: "Worker members must live in the EU."}
		c.LooksFor = []string{"partners", "subcontractors"}
		c.MemberOf = []string{"https://ponte.example/ap/coop"}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}

	s.Project = &node.Project{Base: node.Base{Type: node.TypeProject, Tags: []string{"maps"}, Texts: []node.Text{{Lang: "en", Title: "Open map of cooperative housing",
		Source: "Four coops in three countries build a free map of cooperative housing."}}}, Status: node.Active,
		Description: []node.Text{{Lang: "en", Source: "Every city has homes that belong to those who live in them, and nobody can find them.\n\n- one data format\n- one map\n- many owners"}},
		Begins:      now.Add(-100 * 24 * time.Hour), GoalHours: 1200, GoalMoney: &node.Money{Currency: "EUR", Min: 18000, Max: 18000},
		Coordination: "Weekly call, shared board, decisions by consent", Links: []string{"https://board.example/map"},
		Outcomes: []node.ProjectOutcome{{Name: "First public map, 1,100 homes", Date: now.Add(-30 * 24 * time.Hour), URL: "https://map.example/"}},
		Lessons:  []node.Text{{Lang: "en", Source: "Start with the data, not with the map."}}}
	if err := n.Publish(ctx, "test", s.Project); err != nil {
		return nil, err
	}
	add := func(title, source string, o node.Opening) (*node.Opening, error) {
		o.Base.Type, o.Base.Texts = node.TypeOpening, []node.Text{{Lang: "en", Title: title, Source: source}}
		err := n.Publish(ctx, "test", &o)
		return &o, err
	}
	const about = "A housing cooperative renews its portal and wants it to be **usable by everybody**.\n\n## What is needed\n\n1. an audit against WCAG 2.2\n2. a workshop\n3. a second look\n\nSee https://housing.example/portal for the portal as it is."
	if s.Dated, err = add("Accessibility audit of a housing portal", about, node.Opening{Base: node.Base{Project: s.Project.IRI, Tags: []string{"coopwork", "a11y"}},
		Kind: node.Subcontract, Closes: now.Add(23*24*time.Hour + 5*time.Hour), Skills: []node.Skill{{Key: "accessibility", Name: "Accessibility audits"}, {Key: "testing"}},
		Languages: []string{"es", "en"}, Remote: true, TimeZones: "UTC-3/UTC+2", Amount: node.Quantity{Number: 240, Unit: node.Hours}, Minimum: node.Quantity{Number: 40, Unit: node.Hours},
		Begins: now.Add(50 * 24 * time.Hour), Ends: now.Add(68 * 24 * time.Hour), Budget: &node.Money{Currency: "EUR", Min: 9000, Max: 12000},
		Answer: node.Answer{Who: []string{"worker-coops"}, How: []string{"offer", "reply", "email"}}, Customer: &node.Customer{Kind: "cooperatives", Name: "A housing cooperative"}}); err != nil {
		return nil, err
	}
	if s.Dated, err = n.SetOpeningStatus(ctx, "test", s.Dated.ID, node.Open, node.Part{Actor: "https://quebracho.example/ap/coop", Quantity: node.Quantity{Number: 80, Unit: node.Hours}}); err != nil {
		return nil, err
	}
	if s.Opening, err = add("Browser engineer, worker-owner track", "Come and build with us. Equal pay, 32 hours a week.", node.Opening{Kind: node.Job, MemberTrack: true, EmploymentType: "FULL_TIME",
		Skills: []node.Skill{{Key: "web-engines", Name: "Web engines"}, {Key: "rust"}}, Place: node.Place{Locality: "Santiago de Compostela", Country: "ES"}, Remote: true,
		Amount: node.Quantity{Number: 1, Unit: node.People}}); err != nil {
		return nil, err
	}
	if s.Filled, err = add("Design of map symbols", "Twenty symbols.", node.Opening{Base: node.Base{Project: s.Project.IRI}, Amount: node.Quantity{Number: 60, Unit: node.Hours}}); err != nil {
		return nil, err
	}
	if s.Filled, err = n.SetOpeningStatus(ctx, "test", s.Filled.ID, node.Filled, node.Part{Actor: "https://norrsken.example/ap/coop", Quantity: node.Quantity{Number: 60, Unit: node.Hours}}); err != nil {
		return nil, err
	}
	if s.Paused, err = add("A room in Porto", "For two days a week.", node.Opening{Kind: node.Resource}); err != nil {
		return nil, err
	}
	if s.Paused, err = n.SetOpeningStatus(ctx, "test", s.Paused.ID, node.Paused); err != nil {
		return nil, err
	}
	if s.Draft, err = add("Secret draft", "Not yet.", node.Opening{Base: node.Base{Draft: true}}); err != nil {
		return nil, err
	}
	// Only somebody known can be written to alone; receive tells all that is known of them.
	if err := n.KeepActor(ctx, &node.Actor{IRI: "https://quebracho.example/ap/coop", Type: "Organization", Inbox: "https://quebracho.example/inbox"}); err != nil {
		return nil, err
	}
	if s.Direct, err = add("Secret for one", "Only for you.", node.Opening{Base: node.Base{Audience: node.Direct, To: []string{"https://quebracho.example/ap/coop"}}}); err != nil {
		return nil, err
	}
	if s.Deleted, err = add("A mistake", "Sorry.", node.Opening{}); err != nil {
		return nil, err
	}
	if err := n.Delete(ctx, "test", s.Deleted.ID); err != nil {
		return nil, err
	}

	post := func(source string, p node.Post) (*node.Post, error) {
		p.Type, p.Texts = node.TypePost, []node.Text{{Lang: "en", Source: source}}
		return &p, n.Publish(ctx, "test", &p)
	}
	if s.Question, err = post("How do you pool a part of your income with other coops? We put 2 % aside and would like to do it together.", node.Post{Base: node.Base{Tags: []string{"commons", "fund"}}, Asks: true}); err != nil {
		return nil, err
	}
	if s.Post, err = post("Version 2.1 of our layout engine is out: vertical text, and 18 % less memory.\nThanks to all who tried it in Japanese.", node.Post{}); err != nil {
		return nil, err
	}
	return &s, receive(ctx, n, &s)
}

// receive puts onto a node what others sent: two known coops, an opening of one that is open and one that is late, and answers.
func receive(ctx context.Context, n *node.Node, s *stall) error {
	now := n.Now()
	quebracho := &node.Actor{IRI: "https://quebracho.example/ap/coop", Type: "Organization", Handle: "quebracho", Host: "quebracho.example", Name: "Quebracho\u202e Cooperativa", URL: "https://quebracho.example/",
		Inbox: "https://quebracho.example/inbox", Coop: &node.Coop{Kind: node.KindCooperative}}
	mireia := &node.Actor{IRI: "https://social.example/users/mireia", Type: "Person", Handle: "mireia", Host: "social.example", Name: "Mireia <script>", URL: "https://social.example/@mireia", Inbox: "https://social.example/inbox"}
	remote := func(t node.ObjectType, actor, path string) node.Base {
		iri := "https://" + node.HostOf(actor) + path
		return node.Base{ID: node.RemoteID(iri), IRI: iri, Type: t, Actor: actor, Audience: node.Public, URL: iri + ".html", Published: now.Add(-3 * time.Hour), Updated: now.Add(-3 * time.Hour), Received: now}
	}
	text := func(b node.Base, title, html string) node.Base {
		b.Texts = []node.Text{{Lang: "es", Title: title, HTML: html}}
		return b
	}
	s.Foreign = &node.Opening{Base: text(remote(node.TypeOpening, quebracho.IRI, "/ap/openings/aaaaaaaaaa"), "Planificador de turnos para enfermeras",
		`<p>Hola <script>alert(1)</script><a href="https://evil.example/x" onclick="x">https://bank.example</a></p>`),
		Kind: node.Subcontract, Purpose: node.Request, Status: node.Open, Closes: now.Add(10 * 24 * time.Hour), Skills: []node.Skill{{Key: "go", Name: "Go"}},
		Amount: node.Quantity{Number: 6, Unit: node.People}, Available: node.Quantity{Number: 2, Unit: node.People}}
	s.ForeignLate = &node.Opening{Base: text(remote(node.TypeOpening, quebracho.IRI, "/ap/openings/bbbbbbbbbb"), "Too late", "<p>x</p>"),
		Kind: node.Subcontract, Purpose: node.Request, Status: node.Open, Closes: now.Add(-time.Hour)}
	answer := func(actor, path, to, html string) *node.Post {
		p := &node.Post{Base: text(remote(node.TypePost, actor, path), "", html)}
		p.InReplyTo, p.Thread = to, s.Question.IRI
		return p
	}
	first := answer(quebracho.IRI, "/ap/posts/cccccccccc", s.Question.IRI, `<p><span class="h-card"><a href="https://toxeira.example/" class="u-url mention">@<span>toxeira</span></a></span> We do it by a <b>guild</b> of nine coops: 3 % a year, one coop one vote on each grant.</p>`)
	second := answer(mireia.IRI, "/users/mireia/1", first.IRI, `<p>Is the rule public?<img src=x onerror=alert(1)></p>`)
	second.Published = now.Add(-2 * time.Hour)
	warned := answer(mireia.IRI, "/users/mireia/2", s.Question.IRI, `<p>Our fund failed. Long story.</p>`)
	warned.Published, warned.Warning = now.Add(-time.Hour), "money troubles"
	private := answer(mireia.IRI, "/users/mireia/3", s.Question.IRI, `<p>Secret answer</p>`)
	private.Audience = node.Followers
	err := n.Store().Tx(ctx, func(tx node.Tx) error {
		for _, a := range []*node.Actor{quebracho, mireia} {
			if err := tx.SaveActor(ctx, a); err != nil {
				return err
			}
		}
		for _, o := range []node.Object{s.Foreign, s.ForeignLate, first, second, warned, private} {
			if err := tx.SaveObject(ctx, o); err != nil {
				return err
			}
		}
		return tx.SaveFollowed(ctx, &node.Following{Actor: quebracho.IRI, State: node.Accepted, FollowIRI: n.Links.Activity("aaaaaaaaaa"), Since: now})
	})
	if err != nil {
		return err
	}
	s.Reply = &node.Post{Base: node.Base{Type: node.TypePost, InReplyTo: second.IRI, Texts: []node.Text{{Lang: "en", Source: "Yes: here it is."}}}}
	return n.Publish(ctx, "test", s.Reply)
}
