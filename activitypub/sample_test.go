package activitypub

import (
	"time"

	"github.com/coopnode/coopnode/node"
)

// Samples in which every field has something to say, so that nothing can be lost unnoticed.

var (
	sampleLinks = node.Links{Base: "https://toxeira.example"}
	sampleTime  = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
)

func given[T any](v T) *T { return &v }

func sampleActor() *node.Actor {
	l := sampleLinks
	return &node.Actor{
		IRI: l.Actor(), Type: "Organization", Handle: "toxeira", Host: "toxeira.example", Name: "Toxeira Enxeñaría Web",
		Summary: []node.Text{{Lang: "en", HTML: "<p>Twelve members, one vote each.</p>"}, {Lang: "gl", HTML: "<p>Doce socias, un voto cada unha.</p>"}},
		Icon:    node.Picture{Address: l.Picture("k3vq7hd2mak3vq7hd2mak3vq7h"), Description: "A gorse flower on a green ground"}, Image: node.Picture{Address: l.Banner()},
		URL: l.Profile(), Inbox: l.Inbox(), SharedInbox: l.SharedInbox(), Outbox: l.Outbox(),
		Followers: l.Followers(), Following: l.Following(), Featured: l.Featured(),
		KeyID: l.Key(), KeyPEM: "-----BEGIN PUBLIC KEY-----\nMIIB...\n-----END PUBLIC KEY-----\n",
		AlsoKnownAs: []string{"https://microblog.example/users/toxeira"},
		Published:   sampleTime.AddDate(0, -8, 0), Updated: sampleTime, ApprovesFollowers: true, Indexable: true,
		Coop: &node.Coop{
			Kind: node.KindCooperative, LegalName: "Toxeira Enxeñaría Web, S. Coop. Galega", Founded: "2011-05-03",
			Languages: []string{"gl", "es", "en"}, Skills: []node.Skill{{Key: "accessibility", Name: "Accessibility audits", SameAs: "https://esco.example/skill/1"}, {Key: "web-engines", Name: "Web engines"}},
			AreaServed: []string{"ES", "PT"},
			Place:      node.Place{Name: "A Coruña, Galicia", Locality: "A Coruña", Region: "ES-GA", Country: "ES", Latitude: given(43.3623), Longitude: given(-8.4115)},
			Contacts:   []node.Contact{{Type: "intercooperation", Email: "coop@toxeira.example", Telephone: "+34 000 000 000", URL: "https://toxeira.example/contact", Languages: []string{"es"}}},
			MemberOf:   []string{"https://ponte.example/ap/coop"}, Website: "https://www.toxeira.example/", Ownership: "workers",
			Members: given(12), Workers: given(14), OneMemberOneVote: given(true),
			LegalForm:    node.LegalForm{Name: "Sociedade Cooperativa Galega", Abbreviation: "S. Coop. Galega", ELF: "ABCD"},
			Jurisdiction: "ES-GA", Registry: "Rexistro de Cooperativas", RegistrationNo: "SAMPLE-1", RegistryURL: "https://registry.example/SAMPLE-1",
			CustomerMix: map[string]int{"cooperatives": 25, "business": 75}, AcceptsCustomers: []string{"cooperatives", "public"},
			Availability: &node.FreeHours{HoursPerMonth: 120, From: "2027-01-11", Said: sampleTime}, Remote: given(true), TimeZone: "Europe/Madrid",
			MembersAbroad: &node.MembersAbroad{Accepts: given(true), Note: "Within the EU."},
			LooksFor:      []string{"partners"}, OffersHelp: []string{"mentoring new coops"},
			OpeningsIRI: l.Openings(), ProjectsIRI: l.Projects(), MembershipsIRI: l.Memberships(),
		},
	}
}

// sampleFederation is the same node, were it a federation.
func sampleFederation() *node.Actor {
	a, l := sampleActor(), sampleLinks
	c := a.Coop
	c.Kind, c.Ownership = node.KindConsortium, "coops"
	c.Admission = &node.Admission{
		Criteria:  []node.Text{{Lang: "en", HTML: "<p>Owned by those who work there.</p>"}, {Lang: "gl", HTML: "<p>De quen alí traballa.</p>"}},
		Countries: []string{"ES", "PT"}, Ownership: []node.Ownership{"workers", "multi-stakeholder"}, Fee: "1 % of what is earned, at most 300 EUR a year",
		Rule: node.ByApprovals, Approvals: 2, Objections: 1, Days: 30,
	}
	c.Resharing = &node.Resharing{Kinds: []string{"subcontract", "job", "project"}, Held: []string{"job"}, PerDay: 3}
	c.MembersIRI, c.ApplicationsIRI, c.SharedIRI = l.Members(), l.Applications(), l.Shared()
	return a
}

// sampleMembership is what the sample federation records of a member; own is the claim of the sample coop.
func sampleMembership() (record, own *node.Membership) {
	since := sampleTime.AddDate(0, -7, 0)
	record = &node.Membership{ID: "u4b7ks2qxa", Federation: sampleLinks.Actor(), Coop: "https://trenza.example/ap/coop", Role: "member",
		Vouches: []string{"worker-owned", "legal-form-seen"}, AdmittedBy: []string{"https://menhir.example/ap/activities/a2b3c4d5e6"},
		FederationSays: node.Word{IRI: sampleLinks.Membership("u4b7ks2qxa"), Since: since, Until: sampleTime}}
	own = &node.Membership{ID: "v4b7ks2qxa", Federation: "https://ponte.example/ap/coop", Coop: sampleLinks.Actor(),
		CoopSays: node.Word{IRI: sampleLinks.Membership("v4b7ks2qxa"), Since: since}}
	return record, own
}

func sampleBase(t node.ObjectType, id string) node.Base {
	l := sampleLinks
	return node.Base{
		ID: id, IRI: l.Object(t, id), Type: t, Actor: l.Actor(), Local: true, Audience: node.Public, URL: l.Page(t, id),
		Published: sampleTime, Updated: sampleTime.Add(time.Hour),
		Texts: []node.Text{{Lang: "en", Title: "Accessibility audit", HTML: "<p>A housing portal.</p>"}, {Lang: "es", Title: "Auditoría de accesibilidad", HTML: "<p>Un portal de vivienda.</p>"}},
	}
}

func sampleOpening() *node.Opening {
	o := &node.Opening{
		Base: sampleBase(node.TypeOpening, "k3vq7hd2ma"), Kind: node.Subcontract, Purpose: node.Request, Status: node.Open,
		Closes: time.Date(2026, 12, 15, 22, 59, 59, 0, time.UTC),
		Skills: []node.Skill{{Key: "accessibility", Name: "Accessibility audits"}}, Languages: []string{"es", "en"}, Remote: true,
		Place: node.Place{Name: "Vigo", Locality: "Vigo", Region: "ES-GA", Country: "ES", Latitude: given(42.2406), Longitude: given(-8.7207)}, TimeZones: "UTC-3/UTC+2",
		Amount: node.Quantity{Number: 240, Unit: node.Hours}, Available: node.Quantity{Number: 120, Unit: node.Hours}, Minimum: node.Quantity{Number: 40, Unit: node.Hours},
		AllOrNothing: true, Begins: time.Date(2027, 1, 11, 0, 0, 0, 0, time.UTC), Ends: time.Date(2027, 1, 29, 0, 0, 0, 0, time.UTC),
		Budget: &node.Money{Currency: "EUR", Min: 9000, Max: 9000}, BudgetBasis: "total", EmploymentType: "CONTRACTOR", MemberTrack: true,
		Answer:     node.Answer{Who: []string{"worker-coops"}, Federations: []string{"https://ponte.example/ap/coop"}, Countries: []string{"ES", "AR"}, How: []string{"reply", "email"}},
		Customer:   &node.Customer{Kind: "cooperatives", Name: "A housing cooperative", Actor: "https://vivenda.example/ap/coop"},
		OnBehalfOf: "https://vivenda.example/ap/coop", BehalfName: "Vivenda",
		FilledBy: []node.Part{{Actor: "https://trenza.example/ap/coop", Quantity: node.Quantity{Number: 2, Unit: node.People}}},
	}
	o.Project, o.Tags = sampleLinks.Object(node.TypeProject, "p7m2wq4zta"), []string{"vivenda"}
	return o
}

func sampleProject() *node.Project {
	p := &node.Project{
		Base: sampleBase(node.TypeProject, "p7m2wq4zta"), Status: node.Seeking,
		Description: []node.Text{{HTML: "<p>The long text.</p>"}}, Begins: sampleTime, Ends: sampleTime.AddDate(1, 0, 0),
		Seeking: []string{sampleLinks.Object(node.TypeOpening, "k3vq7hd2ma")}, GoalHours: 1200, GoalMoney: &node.Money{Currency: "EUR", Min: 18000, Max: 18000},
		Coordination: "A call each week, decisions by consent", Links: []string{"https://toxeira.example/board"},
		Outcomes: []node.ProjectOutcome{{Name: "First public map", Date: time.Date(2026, 10, 15, 0, 0, 0, 0, time.UTC), URL: "https://toxeira.example/map"}},
		Lessons:  []node.Text{{HTML: "<p>Begin smaller.</p>"}}, KindOfGood: []string{"social", "software"},
	}
	p.Texts = []node.Text{{Lang: "en", Title: "Open map of cooperative housing", HTML: "<p>Four coops build a free map.</p>"}}
	p.Tags = []string{"maps"}
	return p
}

func samplePost() *node.Post {
	p := &node.Post{Base: sampleBase(node.TypePost, "n2x5c7rqva"), Asks: true, Mentions: []node.Mention{{Actor: "https://trenza.example/ap/coop", Address: "@trenza@trenza.example"}}}
	p.Texts = []node.Text{{Lang: "en", HTML: "<p>How do you pool hours between coops?</p>"}}
	p.InReplyTo, p.Tags = "https://trenza.example/ap/posts/aaaaaaaaaa", []string{"coops"}
	return p
}

// sampleLetters are one of each document and activity that this node sends, by the name of its golden file.
func sampleLetters() map[string]any {
	l := sampleLinks
	public, followers := []string{node.PublicIRI}, []string{l.Followers()}
	act := func(v node.Verb, id string) *node.Act {
		return &node.Act{IRI: l.Activity(id), Verb: v, Actor: l.Actor(), Published: sampleTime, To: public, Cc: followers}
	}
	opening := sampleOpening()
	create := act(node.Create, "")
	create.IRI, create.Object, create.ObjectIRI = l.Create(opening.IRI), opening, opening.IRI
	filled := sampleOpening()
	filled.Status = node.Filled
	update := act(node.Update, "c4b7ks2qxa")
	update.Object, update.ObjectIRI = filled, filled.IRI
	gone := sampleOpening()
	gone.Deleted = sampleTime.Add(2 * time.Hour)
	del := act(node.Delete, "d4b7ks2qxa")
	del.Object, del.ObjectIRI = gone, gone.IRI
	renew := act(node.Update, "e4b7ks2qxa")
	renew.Subject, renew.ObjectIRI = sampleActor(), l.Actor()
	other := "https://trenza.example/ap/coop"
	to := func(a *node.Act, object string) *node.Act {
		a.To, a.Cc, a.ObjectIRI = []string{other}, nil, object
		return a
	}
	follow := to(act(node.Follow, "f4b7ks2qxa"), other)
	ours := &node.Act{IRI: follow.IRI, Verb: node.Follow, Actor: l.Actor(), ObjectIRI: other}
	theirs := &node.Act{IRI: "https://trenza.example/ap/activities/a2b3c4d5e6", Verb: node.Follow, Actor: other, ObjectIRI: l.Actor()}
	undo := to(act(node.Undo, "g4b7ks2qxa"), ours.IRI)
	undo.Inner = ours
	accept := to(act(node.Accept, "h4b7ks2qxa"), theirs.IRI)
	accept.Inner = theirs
	reject := to(act(node.Reject, "i4b7ks2qxa"), theirs.IRI)
	reject.Inner = theirs
	add, remove := act(node.Add, "j4b7ks2qxa"), act(node.Remove, "k4b7ks2qxa")
	add.ObjectIRI, add.Target = opening.IRI, l.Featured()
	remove.ObjectIRI, remove.Target = opening.IRI, l.Featured()
	move := act(node.Move, "s4b7ks2qxa")
	move.ObjectIRI, move.Target, move.To, move.Cc = l.Actor(), "https://new.example/ap/coop", followers, nil
	moved := sampleActor()
	moved.MovedTo = move.Target
	updateMoved := act(node.Update, "p4b7ks2qxa")
	updateMoved.Subject, updateMoved.ObjectIRI = moved, l.Actor()
	quoting := to(act(node.Accept, "q4b7ks2qxa"), "https://trenza.example/quote_requests/1")
	quoting.Inner = &node.Act{IRI: quoting.ObjectIRI, Verb: node.QuoteRequest, Actor: other, ObjectIRI: opening.IRI, Instrument: "https://trenza.example/ap/posts/bbbbbbbbbb"}
	quoting.Result = l.Quote("r4b7ks2qxa")
	theirNote := "https://trenza.example/ap/posts/aaaaaaaaaa"
	announce := act(node.Announce, "l4b7ks2qxa")
	announce.ObjectIRI, announce.Cc = theirNote, []string{l.Followers(), other}
	announceUpdate := act(node.Announce, "t4b7ks2qxa")
	announceUpdate.ObjectIRI, announceUpdate.To, announceUpdate.Cc = "https://trenza.example/ap/openings/cccccccccc", followers, nil
	announceUpdate.Inner = &node.Act{IRI: "https://trenza.example/ap/activities/f6g7h2i3j4", Verb: node.Update, Actor: other,
		ObjectIRI: announceUpdate.ObjectIRI, Published: sampleTime.Add(-time.Minute)}
	like := to(act(node.Like, "m4b7ks2qxa"), theirNote)
	like.To = []string{other}
	unshare := act(node.Undo, "n4b7ks2qxa")
	unshare.ObjectIRI, unshare.Cc = theirNote, announce.Cc
	unshare.Inner = &node.Act{IRI: announce.IRI, Verb: node.Announce, Actor: l.Actor(), ObjectIRI: theirNote}
	flag := to(act(node.Flag, "o4b7ks2qxa"), other)
	flag.Objects, flag.Content = []string{other, theirNote}, "The same advertisement beneath every opening."
	record, _ := sampleMembership()
	record.FederationSays.Until = time.Time{}
	join := to(act(node.Join, "w4b7ks2qxa"), other)
	join.Content = "Seven people in Vigo, one vote each.\nWe build maps."
	unjoin := to(act(node.Undo, "x4b7ks2qxa"), join.IRI)
	unjoin.Inner = &node.Act{IRI: join.IRI, Verb: node.Join, Actor: l.Actor(), ObjectIRI: other}
	applied := &node.Act{IRI: "https://trenza.example/ap/activities/j2b3c4d5e6", Verb: node.Join, Actor: other, ObjectIRI: l.Actor()}
	about := func(v node.Verb, id string) *node.Act {
		a := to(act(v, id), applied.IRI)
		a.Inner = applied
		return a
	}
	received, admitted, refused := about(node.TentativeAccept, "y4b7ks2qxa"), about(node.Accept, "z4b7ks2qxa"), about(node.Reject, "a5b7ks2qxa")
	admitted.Record = record
	refused.Content = "Members are owned by workers."
	asked := to(act(node.Add, "b5b7ks2qxa"), applied.IRI)
	asked.Target = l.Applications()
	listed, excluded, claimed := act(node.Add, "c5b7ks2qxa"), act(node.Remove, "d5b7ks2qxa"), act(node.Add, "e5b7ks2qxa")
	listed.ObjectIRI, listed.Target, listed.Cc = other, l.Members(), append(followers, other)
	excluded.ObjectIRI, excluded.Origin, excluded.Cc, excluded.Content = other, l.Members(), listed.Cc, "No answer for a year."
	claimed.ObjectIRI, claimed.Target, claimed.Cc = "https://ponte.example/ap/coop", l.Memberships(), followers
	invite := to(act(node.Invite, "f5b7ks2qxa"), l.Actor())
	invite.Target, invite.Content = other, "You work as we do."
	leave := act(node.Leave, "g5b7ks2qxa")
	leave.ObjectIRI, leave.Cc = other, append(followers, other)
	return map[string]any{
		"federation": sampleFederation(), "join": join, "undo-join": unjoin, "tentative-accept": received, "accept-join": admitted, "reject-join": refused,
		"add-application": asked, "add-member": listed, "remove-member": excluded, "add-membership": claimed, "invite": invite, "leave": leave,
		"move": move, "update-moved": updateMoved, "accept-quote": quoting,
		"announce": announce, "announce-update": announceUpdate, "like": like, "undo-announce": unshare,
		"actor": sampleActor(), "opening": opening, "project": sampleProject(), "post": samplePost(), "tombstone": gone,
		"create": create, "update": update, "delete": del, "update-actor": renew, "follow": follow, "undo": undo,
		"accept": accept, "reject": reject, "add": add, "remove": remove, "flag": flag,
	}
}
