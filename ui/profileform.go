package ui

import (
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coopnode/coopnode/node"
)

// What can be chosen in the form of the profile.
var coopKinds = []string{node.KindCooperative, node.KindConsortium}

// writeProfile puts the profile into the fields of its form.
func writeProfile(v url.Values, a *node.Actor) {
	c := a.Coop
	if c == nil {
		c = &node.Coop{Kind: node.KindCooperative}
	}
	v.Set("name", a.Name)
	putTexts(v, "", "summary", a.Summary)
	v.Set("kind", c.Kind)
	v.Set("ownership", string(c.Ownership))
	v.Set("members", countField(c.Members))
	v.Set("workers", countField(c.Workers))
	v.Set("votes", maybeField(c.OneMemberOneVote))
	v.Set("website", c.Website)
	v.Set("skills", skillsField(c.Skills))
	v.Set("languages", strings.Join(c.Languages, ", "))
	putPlace(v, c.Place)
	v.Set("region", c.Place.Region)
	v.Set("latitude", degreesField(c.Place.Latitude))
	v.Set("longitude", degreesField(c.Place.Longitude))
	v.Set("served", strings.Join(c.AreaServed, ", "))
	v.Set("remote", maybeField(c.Remote))
	v.Set("zone", c.TimeZone)
	if f := c.Availability; f != nil {
		v.Set("free", strconv.Itoa(f.HoursPerMonth))
		v.Set("free.from", f.From)
	}
	v.Set("looks", strings.Join(c.LooksFor, ", "))
	v.Set("helps", strings.Join(c.OffersHelp, ", "))
	for kind, percent := range c.CustomerMix {
		v.Set("mix."+kind, strconv.Itoa(percent))
	}
	v["accepts"] = c.AcceptsCustomers
	v.Set("legal.name", c.LegalName)
	v.Set("legal.form", c.LegalForm.Name)
	v.Set("legal.short", c.LegalForm.Abbreviation)
	v.Set("legal.code", c.LegalForm.ELF)
	v.Set("jurisdiction", c.Jurisdiction)
	v.Set("registry", c.Registry)
	v.Set("number", c.RegistrationNo)
	v.Set("registry.url", c.RegistryURL)
	v.Set("founded", c.Founded)
	if m := c.MembersAbroad; m != nil {
		v.Set("abroad", maybeField(m.Accepts))
		v.Set("abroad.note", m.Note)
	}
	if i := ownContact(c); i >= 0 {
		one := c.Contacts[i]
		v.Set("contact.type", one.Type)
		v.Set("contact.email", strings.TrimPrefix(one.Email, "mailto:"))
		v.Set("contact.telephone", one.Telephone)
		v.Set("contact.url", one.URL)
		v.Set("contact.languages", strings.Join(one.Languages, ", "))
	}
	for _, kind := range []string{node.ContactChat, node.ContactForum} {
		if i := talkContact(c, kind); i >= 0 {
			v.Set(kind, c.Contacts[i].URL)
		}
	}
	tick(v, "approves", a.ApprovesFollowers)
	tick(v, "hides", a.HidesFollowing)
}

// readProfile takes over what a form says at time now. Its pictures are set on their own.
func readProfile(s *sheet, a *node.Actor, now time.Time) {
	if a.Coop == nil {
		a.Coop = &node.Coop{}
	}
	c := a.Coop
	if a.Name = s.line("name"); a.Name == "" {
		s.wrong("name", "profile.name.needed")
	}
	a.Summary = s.texts("", "summary", a.Summary)
	if c.Kind = s.one("kind", coopKinds); c.Kind == "" {
		c.Kind = node.KindCooperative
	}
	c.Ownership = node.Ownership(s.one("ownership", strs(node.Ownerships)))
	c.Members, c.Workers, c.OneMemberOneVote = s.count("members"), s.count("workers"), s.maybe("votes")
	c.Website = s.web("website")
	c.Skills, c.Languages = s.skills("skills", c.Skills), s.languages("languages")
	readHome(s, c)
	c.AreaServed, c.Remote, c.TimeZone = s.countries("served"), s.maybe("remote"), s.line("zone")
	if _, err := time.LoadLocation(c.TimeZone); err != nil {
		s.wrong("zone", "profile.zone.wrong")
	}
	readFree(s, c, now)
	c.LooksFor, c.OffersHelp = s.words("looks"), s.words("helps")
	readCustomers(s, c)
	c.LegalName = s.line("legal.name")
	c.LegalForm = node.LegalForm{Name: s.line("legal.form"), Abbreviation: s.line("legal.short"), ELF: strings.ToUpper(s.line("legal.code"))}
	c.Jurisdiction = s.code("jurisdiction", regionCode, "profile.region.wrong")
	c.Registry, c.RegistrationNo, c.RegistryURL = s.line("registry"), s.line("number"), s.web("registry.url")
	if c.Founded = dayField(s.day("founded", false, time.Time{})); c.Founded > dayField(now) {
		s.wrong("founded", "profile.founded.wrong")
	}
	c.MembersAbroad = nil
	if m := (node.MembersAbroad{Accepts: s.maybe("abroad"), Note: s.line("abroad.note")}); m != (node.MembersAbroad{}) {
		c.MembersAbroad = &m
	}
	readContacts(s, c)
	a.ApprovesFollowers, a.HidesFollowing = s.ticked("approves"), s.ticked("hides")
}

// readHome reads where the coop is.
func readHome(s *sheet, c *node.Coop) {
	c.Place = s.place(c.Place)
	c.Place.Region = s.code("region", regionCode, "profile.region.wrong")
	c.Place.Latitude, c.Place.Longitude = s.degrees("latitude", 90), s.degrees("longitude", 180)
	if c.Place.Latitude == nil != (c.Place.Longitude == nil) {
		s.wrong("longitude", "profile.degrees.both")
	}
}

// degrees are a number between -most and most, nil where none was given.
func (s *sheet) degrees(name string, most float64) *float64 {
	v := strings.ReplaceAll(s.line(name), ",", ".")
	if v == "" {
		return nil
	}
	d, err := strconv.ParseFloat(v, 64)
	if err != nil || !(d >= -most && d <= most) {
		s.wrong(name, "profile.degrees.wrong", int(most))
		return nil
	}
	return &d
}

func degreesField(d *float64) string {
	if d == nil {
		return ""
	}
	return node.FormatNumber(*d)
}

// readFree reads what the coop could take on. A word that was changed is fresh, and one that is said to hold still: it
// counts as unknown after 60 days (vocabulary 2.1).
func readFree(s *sheet, c *node.Coop, now time.Time) {
	hours := s.count("free")
	from := dayField(s.day("free.from", false, time.Time{}))
	if hours == nil {
		c.Availability = nil
		return
	}
	if was := c.Availability; was != nil && was.HoursPerMonth == *hours && was.From == from && !s.ticked("free.still") {
		return
	}
	c.Availability = &node.FreeHours{HoursPerMonth: *hours, From: from, Said: now.Truncate(time.Second)}
}

// readCustomers reads for whom the coop works, in percent that come to about 100.
func readCustomers(s *sheet, c *node.Coop) {
	mix, total := map[string]int{}, 0
	for _, kind := range customerKinds {
		n := s.count("mix." + kind)
		if n == nil {
			continue
		}
		if *n > 100 {
			s.wrong("mix."+kind, "profile.mix.wrong")
		}
		mix[kind] = *n
		total += *n
	}
	if c.CustomerMix = nil; len(mix) > 0 {
		c.CustomerMix = mix
		if total < 95 || total > 105 {
			s.wrong("mix."+customerKinds[0], "profile.mix.total", total)
		}
	}
	c.AcceptsCustomers = s.several("accepts", customerKinds)
}

// ownContact is the first contact that leads to the coop, and not to where a network talks; -1 where there is none.
func ownContact(c *node.Coop) int {
	return slices.IndexFunc(c.Contacts, func(one node.Contact) bool { return !one.Talks() })
}

func talkContact(c *node.Coop, kind string) int {
	return slices.IndexFunc(c.Contacts, func(one node.Contact) bool { return one.Type == kind })
}

// readContacts reads the first contact and where a network talks; further ones stay.
func readContacts(s *sheet, c *node.Coop) {
	list := slices.Clone(c.Contacts)
	at := &node.Coop{Contacts: list}
	own := node.Contact{Type: s.line("contact.type"), Email: s.line("contact.email"), Telephone: s.line("contact.telephone"), URL: s.web("contact.url"), Languages: s.languages("contact.languages")}
	if own.Email != "" {
		if a, err := mail.ParseAddress(own.Email); err != nil || a.Address != own.Email {
			s.wrong("contact.email", "form.mail")
		}
	}
	if own.Talks() {
		s.wrong("contact.type", "profile.contact.talks")
	}
	switch i := ownContact(at); {
	case own.Email+own.Telephone+own.URL == "" && i >= 0:
		list = slices.Delete(list, i, i+1)
	case own.Email+own.Telephone+own.URL == "":
	case i >= 0:
		list[i] = own
	default:
		list = append([]node.Contact{own}, list...)
	}
	for _, kind := range []string{node.ContactChat, node.ContactForum} {
		at.Contacts = list
		address := s.web(kind)
		switch i := talkContact(at, kind); {
		case address == "" && i >= 0:
			list = slices.Delete(list, i, i+1)
		case address == "":
		case i >= 0:
			list[i].URL = address
		default:
			list = append(list, node.Contact{Type: kind, URL: address})
		}
	}
	c.Contacts = list
}
