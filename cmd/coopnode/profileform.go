package main

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coopnode/coopnode/node"
)

// profileForm is all that a coop can say of itself (vocabulary 2.1).
var profileForm = form[*node.Actor]{
	lineField("name", "name of the coop", func(a *node.Actor) *string { return &a.Name }),
	proseField("summary", "what the coop is and does, in Markdown",
		func(a *node.Actor) string { return summaryIn(a, 0).Source },
		func(a *node.Actor, s string) { summaryIn(a, 0).Source = s }),
	lineField("summary_language", "language of the summary: gl, es, en", func(a *node.Actor) *string { return &summaryIn(a, 0).Lang }),
	lineField("ownership", "who owns it", func(a *node.Actor) *node.Ownership { return &coop(a).Ownership }, node.Ownerships...),
	countField("members", "how many members", func(a *node.Actor) **int { return &coop(a).Members }),
	countField("workers", "how many people work there", func(a *node.Actor) **int { return &coop(a).Workers }),
	maybeField("one_member_one_vote", "each member has one vote", func(a *node.Actor) **bool { return &coop(a).OneMemberOneVote }),
	lineField("website", "address of the coop's own website", func(a *node.Actor) *string { return &coop(a).Website }),
	skillsField(func(a *node.Actor) *[]node.Skill { return &coop(a).Skills }),
	listField("languages", "", "languages in which one can talk to you: gl, es, en", func(a *node.Actor) *[]string { return &coop(a).Languages }),
	placeField(func(a *node.Actor) *node.Place { return &coop(a).Place }),
	lineField("locality", "town of the place", func(a *node.Actor) *string { return &coop(a).Place.Locality }),
	lineField("region", "region of the place, ISO 3166-2: ES-GA", func(a *node.Actor) *string { return &coop(a).Place.Region }),
	lineField("country", "country of the place, ISO 3166-1: ES", func(a *node.Actor) *string { return &coop(a).Place.Country }),
	degreesField("latitude", func(a *node.Actor) **float64 { return &coop(a).Place.Latitude }),
	degreesField("longitude", func(a *node.Actor) **float64 { return &coop(a).Place.Longitude }),
	listField("area_served", "", "countries for which you work: ES, PT", func(a *node.Actor) *[]string { return &coop(a).AreaServed }),
	maybeField("remote", "works remotely", func(a *node.Actor) **bool { return &coop(a).Remote }),
	lineField("time_zone", "time zone: Europe/Madrid", func(a *node.Actor) *string { return &coop(a).TimeZone }),
	partField(freeHours, availability),
	partField(freeFrom, availability),
	listField("looks_for", "", "what you look for: partners, subcontractors", func(a *node.Actor) *[]string { return &coop(a).LooksFor }),
	listField("offers_help", "", "what you help others with: mentoring new coops", func(a *node.Actor) *[]string { return &coop(a).OffersHelp }),
	{name: "customer_mix", shape: list, help: "share of your customers in percent: cooperatives=25, nonprofit=20, public=15, business=40, individuals=0",
		get: func(a *node.Actor) []string { return sharesText(coop(a).CustomerMix) },
		set: func(a *node.Actor, v []string) (err error) {
			coop(a).CustomerMix = nil
			if len(v) > 0 {
				coop(a).CustomerMix, err = readShares(v)
			}
			return err
		}},
	listField("accepts_customers", "", "customers you work for: cooperatives, nonprofit, public, business, individuals", func(a *node.Actor) *[]string { return &coop(a).AcceptsCustomers }),
	lineField("legal_name", "name as it is registered", func(a *node.Actor) *string { return &coop(a).LegalName }),
	lineField("legal_form", "legal form as the law of your country calls it", func(a *node.Actor) *string { return &coop(a).LegalForm.Name }),
	lineField("legal_form_short", "its abbreviation: S. Coop. Galega", func(a *node.Actor) *string { return &coop(a).LegalForm.Abbreviation }),
	lineField("legal_form_code", "its ISO 20275 code, if you know it; never guess", func(a *node.Actor) *string { return &coop(a).LegalForm.ELF }),
	lineField("jurisdiction", "whose coop law holds: ES-GA", func(a *node.Actor) *string { return &coop(a).Jurisdiction }),
	lineField("registry", "register in which you stand", func(a *node.Actor) *string { return &coop(a).Registry }),
	lineField("registration_number", "your number there", func(a *node.Actor) *string { return &coop(a).RegistrationNo }),
	webField("registry_url", "page of the register where everybody can look you up", func(a *node.Actor) *string { return &coop(a).RegistryURL }),
	lineField("founded", "day of the founding: 2011-05-03", func(a *node.Actor) *string { return &coop(a).Founded }),
	{name: "kind", help: "a cooperative, or a consortium of organisations", values: []string{"cooperative", "consortium"},
		get: func(a *node.Actor) []string {
			if coop(a).Kind == node.KindConsortium {
				return []string{"consortium"}
			}
			return []string{"cooperative"}
		},
		set: func(a *node.Actor, v []string) error {
			switch first(v) {
			case "", "cooperative":
				coop(a).Kind = node.KindCooperative
			case "consortium":
				coop(a).Kind = node.KindConsortium
			default:
				return wrongUse("kind is cooperative or consortium, not %q.", first(v))
			}
			return nil
		}},
	listField("member_of", "", "addresses of the federations that you belong to", func(a *node.Actor) *[]string { return &coop(a).MemberOf }),
	partField(maybeField("members_abroad", "people from other countries can become members", func(m *node.MembersAbroad) **bool { return &m.Accepts }), membersAbroad),
	partField(lineField("members_abroad_note", "under which conditions", func(m *node.MembersAbroad) *string { return &m.Note }), membersAbroad),
	contactField("contact_email", "public mail address", func(c *node.Contact) *string { return &c.Email }),
	contactField("contact_telephone", "public telephone number", func(c *node.Contact) *string { return &c.Telephone }),
	contactField("contact_url", "page to reach you", func(c *node.Contact) *string { return &c.URL }),
	contactField("contact_type", "what this contact is for: intercooperation, press", func(c *node.Contact) *string { return &c.Type }),
	{name: "contact_languages", shape: list, help: "languages of this contact",
		get: func(a *node.Actor) []string {
			if i := contact(a, reaches); i >= 0 {
				return coop(a).Contacts[i].Languages
			}
			return nil
		},
		set: func(a *node.Actor, v []string) error {
			if i := contact(a, reaches); i >= 0 {
				coop(a).Contacts[i].Languages = v
			}
			return nil
		}},
	truthField("hide_following", "nobody sees whom you follow; others find no coops through you", func(a *node.Actor) *bool { return &a.HidesFollowing }),
	talkField(node.ContactChat, "address on the web of the chat where your network talks"),
	talkField(node.ContactForum, "address on the web of the forum where your network talks"),
	truthField("approves_followers", "a person decides who may follow", func(a *node.Actor) *bool { return &a.ApprovesFollowers }),
}

// formForProfile is the form with the further languages that values bring: [translation.es] with summary.
func formForProfile(values map[string][]string) form[*node.Actor] {
	fs := slices.Clone(profileForm)
	for name := range values {
		rest, ok := strings.CutPrefix(name, "translation.")
		if lang, isSummary := strings.CutSuffix(rest, ".summary"); ok && isSummary {
			fs = append(fs, proseField(name, "the summary in "+lang,
				func(a *node.Actor) string { return summaryIn(a, summaryIndex(a, lang)).Source },
				func(a *node.Actor, s string) { summaryIn(a, summaryIndex(a, lang)).Source = s }))
		}
	}
	return fs
}

// summaryIn is one of the versions of the summary, the main one is 0.
func summaryIn(a *node.Actor, i int) *node.Text {
	if len(a.Summary) == 0 {
		a.Summary = []node.Text{{}}
	}
	return &a.Summary[i]
}

// summaryIndex finds the version in a further language, made where there is none.
func summaryIndex(a *node.Actor, lang string) int {
	summaryIn(a, 0)
	for i, t := range a.Summary {
		if i > 0 && t.Lang == lang {
			return i
		}
	}
	a.Summary = append(a.Summary, node.Text{Lang: lang})
	return len(a.Summary) - 1
}

func coop(a *node.Actor) *node.Coop {
	if a.Coop == nil {
		a.Coop = &node.Coop{Kind: node.KindCooperative}
	}
	return a.Coop
}

func membersAbroad(a *node.Actor) **node.MembersAbroad { return &coop(a).MembersAbroad }

func availability(a *node.Actor) **node.FreeHours { return &coop(a).Availability }

// freeHours is what the coop could take on. Saying it again makes the word fresh, for it counts as unknown after
// 60 days (vocabulary 2.1).
var freeHours = field[*node.FreeHours]{name: "free_hours", shape: number, help: "hours a month that you could take on now",
	get: func(f *node.FreeHours) []string { return []string{strconv.Itoa(f.HoursPerMonth)} },
	set: func(f *node.FreeHours, v []string) error {
		if len(v) == 0 {
			*f = node.FreeHours{}
			return nil
		}
		hours, err := strconv.Atoi(v[0])
		if err != nil || hours < 0 {
			return wrongUse("free_hours is a whole number of hours a month, not %q.", v[0])
		}
		f.HoursPerMonth, f.Said = hours, clock().UTC().Truncate(time.Second)
		return nil
	}}

var freeFrom = field[*node.FreeHours]{name: "free_from", help: "first day of those hours: 2027-01-11",
	get: func(f *node.FreeHours) []string { return some(f.From) },
	set: func(f *node.FreeHours, v []string) error {
		f.From = first(v)
		if _, err := time.Parse(time.DateOnly, f.From); f.From != "" && err != nil {
			return wrongUse("free_from is a day like 2027-01-11, not %q.", f.From)
		}
		return nil
	}}

func degreesField(name string, at func(*node.Actor) **float64) field[*node.Actor] {
	return field[*node.Actor]{name: name, help: name + " of the place in degrees", shape: number,
		get: func(a *node.Actor) []string {
			if *at(a) == nil {
				return nil
			}
			return []string{node.FormatNumber(**at(a))}
		},
		set: func(a *node.Actor, v []string) error {
			*at(a) = nil
			if len(v) == 0 {
				return nil
			}
			d, err := strconv.ParseFloat(v[0], 64)
			if err != nil || d < -180 || d > 180 {
				return wrongUse("%s is a number of degrees, not %q.", name, v[0])
			}
			*at(a) = &d
			return nil
		}}
}

// contact finds the first contact of a kind, -1 where there is none.
func contact(a *node.Actor, is func(node.Contact) bool) int {
	return slices.IndexFunc(coop(a).Contacts, is)
}

// reaches says whether a contact is one that leads to the coop itself, and not to where a network talks.
func reaches(c node.Contact) bool { return !c.Talks() }

// contactField is a part of the first contact that leads to the coop.
func contactField(name, help string, at func(*node.Contact) *string) field[*node.Actor] {
	return field[*node.Actor]{name: name, help: help,
		get: func(a *node.Actor) []string {
			if i := contact(a, reaches); i >= 0 {
				return some(*at(&coop(a).Contacts[i]))
			}
			return nil
		},
		set: func(a *node.Actor, v []string) error {
			c := coop(a)
			i := contact(a, reaches)
			if i < 0 {
				if len(v) == 0 {
					return nil
				}
				c.Contacts, i = append([]node.Contact{{}}, c.Contacts...), 0
			}
			old := c.Contacts[i]
			if *at(&c.Contacts[i]) = first(v); c.Contacts[i].Talks() {
				c.Contacts[i] = old
				return wrongUse("A chat or a forum has a field of its own: write %s=ADDRESS.", first(v))
			}
			if one := c.Contacts[i]; one.Email+one.Telephone+one.URL+one.Type == "" && len(one.Languages) == 0 {
				c.Contacts = slices.Delete(c.Contacts, i, i+1)
			}
			return nil
		}}
}

// talkField is a contact of this type, where a network talks.
func talkField(kind, help string) field[*node.Actor] {
	is := func(c node.Contact) bool { return c.Type == kind }
	return field[*node.Actor]{name: kind, help: help,
		get: func(a *node.Actor) []string {
			if i := contact(a, is); i >= 0 {
				return some(coop(a).Contacts[i].URL)
			}
			return nil
		},
		set: func(a *node.Actor, v []string) error {
			c := coop(a)
			if err := onTheWeb(kind, first(v)); err != nil {
				return err
			}
			i := contact(a, is)
			switch {
			case i >= 0 && first(v) == "":
				c.Contacts = slices.Delete(c.Contacts, i, i+1)
			case i >= 0:
				c.Contacts[i].URL = first(v)
			case first(v) != "":
				c.Contacts = append(c.Contacts, node.Contact{Type: kind, URL: first(v)})
			}
			return nil
		}}
}

// webField is a link that pages show.
func webField(name, help string, at func(*node.Actor) *string) field[*node.Actor] {
	f := lineField(name, help, at)
	f.set = func(a *node.Actor, v []string) error {
		*at(a) = first(v)
		return onTheWeb(name, first(v))
	}
	return f
}

// onTheWeb refuses what a page could not link to.
func onTheWeb(name, address string) error {
	if u, err := url.Parse(address); address != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		return wrongUse("%s is an address on the web, like https://talk.example/coops, not %q.", name, address)
	}
	return nil
}
