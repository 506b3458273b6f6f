package activitypub

import (
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-fed/activity/streams"

	"github.com/coopnode/coopnode/node"
)

// actorTypes are the types of actors (interop.md 1.3).
var actorTypes = map[string]bool{"Organization": true, "Person": true, "Service": true, "Application": true, "Group": true}

// encodeActor writes the coop's actor: an Organization with all that it says of itself
// (vocabulary 2.1, interop.md 1.3).
func encodeActor(l node.Links, a *node.Actor) (envelope, error) {
	org := streams.NewActivityStreamsOrganization()
	if err := setAddress(org, a.IRI, nil, nil); err != nil {
		return nil, err
	}
	times(org, a.Published, a.Updated)
	own := org.GetUnknownProperties()
	own["preferredUsername"] = a.Handle
	own["webfinger"] = a.Handle + "@" + a.Host
	own["name"] = a.Name
	own["summary"] = summaryHTML(a)
	if summary := byLanguage(a.Summary, func(t node.Text) string { return t.HTML }); len(summary) > 0 {
		own["summaryMap"] = summary
	}
	own["url"] = l.Profile()
	own["inbox"], own["outbox"] = l.Inbox(), l.Outbox()
	own["followers"], own["following"], own["featured"] = l.Followers(), l.Following(), l.Featured()
	own["endpoints"] = map[string]any{"sharedInbox": l.SharedInbox()}
	putList(own, "alsoKnownAs", a.AlsoKnownAs)
	put(own, "movedTo", a.MovedTo)
	own["publicKey"] = map[string]any{"id": a.KeyID, "owner": a.IRI, "publicKeyPem": a.KeyPEM}
	// publicKey stays one object, for many servers read nothing from a list. Keys that end what was under way
	// stand beside it (FEP-521a).
	var ending []any
	for _, k := range a.OldKeys {
		multi, err := writeMultikey(k.PEM)
		if err != nil {
			return nil, err
		}
		ending = append(ending, map[string]any{"id": k.ID, "type": "Multikey", "controller": a.IRI, "publicKeyMultibase": multi})
	}
	if len(ending) > 0 {
		own["assertionMethod"] = ending
	}
	own["discoverable"], own["indexable"] = true, true
	own["manuallyApprovesFollowers"] = a.ApprovesFollowers
	icon := pictureOut(a.Icon, l.IconOf(a))
	if a.Icon.Description == "" {
		icon["name"] = a.Name
	}
	own["icon"], own["image"] = icon, pictureOut(a.Image, l.BannerOf(a))
	own["generator"] = map[string]any{"type": "Application", "name": "coopnode", "url": l.Base + "/about",
		"implements": []any{map[string]any{"type": "Link", "name": "RFC 9421: HTTP Message Signatures", "href": "https://datatracker.ietf.org/doc/html/rfc9421"}}}
	if c := a.Coop; c != nil {
		encodeCoop(own, a, c, l)
	}
	own["attachment"] = profileFields(a)
	return org, nil
}

func encodeCoop(own map[string]any, a *node.Actor, c *node.Coop, l node.Links) {
	own["additionalType"] = c.Kind
	put(own, "legalName", c.LegalName)
	put(own, "foundingDate", c.Founded)
	putList(own, "knowsLanguage", c.Languages)
	if len(c.Skills) > 0 {
		own["knowsAbout"] = skillsOut(c.Skills)
	}
	putList(own, "areaServed", c.AreaServed)
	if !c.Place.IsZero() {
		own["location"] = placeOut(c.Place)
	}
	putList(own, "memberOf", c.MemberOf)
	contacts := []any{}
	for _, ct := range c.Contacts {
		m := map[string]any{"type": "ContactPoint"}
		put(m, "contactType", ct.Type)
		if ct.Email != "" {
			m["email"] = "mailto:" + ct.Email
		}
		put(m, "telephone", ct.Telephone)
		put(m, "url", ct.URL)
		putList(m, "availableLanguage", ct.Languages)
		contacts = append(contacts, m)
	}
	if len(contacts) > 0 {
		own["contactPoint"] = contacts
	}
	put(own, "coop:website", c.Website)
	if host := node.HostOf(c.Website); host != "" {
		own["attributionDomains"] = []any{host}
	}
	put(own, "coop:ownership", string(c.Ownership))
	putInt(own, "coop:memberCount", c.Members)
	putInt(own, "coop:workerCount", c.Workers)
	putBool(own, "coop:oneMemberOneVote", c.OneMemberOneVote)
	if c.LegalForm != (node.LegalForm{}) {
		form := map[string]any{}
		put(form, "name", c.LegalForm.Name)
		put(form, "abbreviation", c.LegalForm.Abbreviation)
		put(form, "elf", c.LegalForm.ELF)
		own["coop:legalForm"] = form
	}
	put(own, "coop:jurisdiction", c.Jurisdiction)
	put(own, "coop:registry", c.Registry)
	put(own, "coop:registrationNumber", c.RegistrationNo)
	put(own, "coop:registryUrl", c.RegistryURL)
	if len(c.CustomerMix) > 0 {
		mix := map[string]any{}
		for k, v := range c.CustomerMix {
			mix[k] = v
		}
		own["coop:customerMix"] = mix
	}
	putList(own, "coop:acceptsCustomers", c.AcceptsCustomers)
	if f := c.Availability; f != nil {
		m := map[string]any{"hoursPerMonth": f.HoursPerMonth, "updated": stamp(f.Said)}
		put(m, "from", f.From)
		own["coop:availability"] = m
	}
	putBool(own, "coop:remote", c.Remote)
	put(own, "coop:timeZone", c.TimeZone)
	if ma := c.MembersAbroad; ma != nil {
		m := map[string]any{}
		putBool(m, "accepts", ma.Accepts)
		put(m, "note", ma.Note)
		own["coop:membersAbroad"] = m
	}
	putList(own, "coop:looksFor", c.LooksFor)
	putList(own, "coop:offersHelp", c.OffersHelp)
	own["coop:openings"], own["coop:projects"], own["coop:memberships"] = l.Openings(), l.Projects(), l.Memberships()
	if a.IsFederation() {
		encodeFederation(own, c, l)
	}
}

// profileFields are what Mastodon shows in a table below the summary, the most important first.
func profileFields(a *node.Actor) []any {
	fields := []any{}
	add := func(name, value string) {
		if value != "" {
			fields = append(fields, map[string]any{"type": "PropertyValue", "name": name, "value": value})
		}
	}
	c := a.Coop
	if c == nil {
		return fields
	}
	add("Worker-owned", html.EscapeString(ownershipLine(c)))
	if c.Website != "" {
		_, shown, _ := strings.Cut(c.Website, "://")
		add("Website", `<a href="`+html.EscapeString(c.Website)+`" rel="me nofollow noopener" target="_blank">`+html.EscapeString(strings.TrimSuffix(shown, "/"))+`</a>`)
	}
	add("Skills", html.EscapeString(skillNames(c.Skills)))
	if len(c.MemberOf) > 0 {
		links := make([]string, len(c.MemberOf))
		for i, f := range c.MemberOf {
			links[i] = `<a href="` + html.EscapeString(f) + `" rel="nofollow noopener">` + html.EscapeString(node.HostOf(f)) + `</a>`
		}
		add("Member of", strings.Join(links, ", "))
	}
	var form []string
	for _, s := range []string{c.LegalForm.Name, c.Place.Name} {
		if s != "" {
			form = append(form, s)
		}
	}
	if len(c.Founded) >= 4 && len(form) > 0 {
		form = append(form, "since "+c.Founded[:4])
	}
	add("Legal form", html.EscapeString(strings.Join(form, ", ")))
	add("Languages", html.EscapeString(strings.Join(c.Languages, ", ")))
	return fields
}

// ownershipLine answers "are you worker-owned?" in one line.
func ownershipLine(c *node.Coop) string {
	members := ""
	if c.Members != nil {
		members = strconv.Itoa(*c.Members) + " members"
		if *c.Members == 1 {
			members = "1 member"
		}
	}
	vote := ""
	if c.OneMemberOneVote != nil && *c.OneMemberOneVote {
		vote = "one vote each"
	}
	facts := strings.Trim(members+", "+vote, ", ")
	answer := ""
	switch {
	case c.WorkerOwned():
		answer = "Yes"
	case c.Ownership != "":
		answer = "No: owned by " + strings.ReplaceAll(string(c.Ownership), "-", " ")
		if c.Ownership == "forming" {
			answer = "Starting up"
		}
	default:
		return ""
	}
	if facts == "" {
		return answer
	}
	return answer + ": " + facts
}

// summaryHTML is what the coop says of itself, or a line made of its fields.
func summaryHTML(a *node.Actor) string {
	if len(a.Summary) > 0 && a.Summary[0].HTML != "" {
		return a.Summary[0].HTML
	}
	if a.Coop == nil {
		return ""
	}
	var parts []string
	owned := ""
	if a.Coop.WorkerOwned() {
		owned = "Worker-owned cooperative"
	}
	for _, s := range []string{owned, a.Coop.Place.Name, skillNames(a.Coop.Skills)} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "<p>" + html.EscapeString(strings.Join(parts, " · ")) + "</p>"
}

// decodeActor reads an actor as it was fetched from its home, or as an Update carries it. Errors
// say what makes it unusable: a wrong id, no inbox, an inbox elsewhere (SSRF-6).
func decodeActor(m map[string]any, rules AddressRules) (*node.Actor, error) {
	iri, ok := objectID(m, rules)
	if !ok {
		return nil, fmt.Errorf("actor has no usable id")
	}
	types := Types(m)
	if !anyOf(types, actorTypes) {
		return nil, fmt.Errorf("%s is no actor but %s", iri, strings.Join(types, ", "))
	}
	a := &node.Actor{IRI: iri, Type: types[0], Handle: cutText(Str(m, "preferredUsername"), 64), Host: node.HostOf(iri)}
	if handle, host, ok := strings.Cut(Str(m, "webfinger"), "@"); ok && a.Handle == "" && host == a.Host {
		a.Handle = cutText(handle, 64)
	}
	sameHost := func(key string) string {
		if s := IDOf(m[key]); s != "" && SameOrigin(s, iri) {
			return s
		}
		return ""
	}
	if a.Inbox = sameHost("inbox"); a.Inbox == "" {
		return nil, fmt.Errorf("%s has no inbox on its own host", iri)
	}
	a.Outbox, a.Followers, a.Following, a.Featured = sameHost("outbox"), sameHost("followers"), sameHost("following"), sameHost("featured")
	if shared := IDOf(Obj(m["endpoints"])["sharedInbox"]); shared != "" && SameOrigin(shared, iri) {
		a.SharedInbox = shared
	}
	a.Name = cutText(anyLanguage(m, "name"), maxNameRunes)
	if s := cutBytes(Str(m, "summary"), maxContentBytes); s != "" {
		a.Summary = []node.Text{{HTML: s}}
	}
	if byLang := Obj(m["summaryMap"]); byLang != nil {
		for _, lang := range sortedKeys(byLang) {
			s, _ := byLang[lang].(string)
			if !node.ValidLanguage(lang) {
				continue
			}
			if s != "" && len(a.Summary) > 0 && s == a.Summary[0].HTML {
				a.Summary[0].Lang = lang
			} else if s != "" && len(a.Summary) < 20 {
				a.Summary = append(a.Summary, node.Text{Lang: lang, HTML: cutBytes(s, maxContentBytes)})
			}
		}
	}
	a.URL = webAddress(m["url"])
	a.Icon, a.Image = iconIn(m["icon"]), iconIn(m["image"])
	for _, alias := range IDs(m["alsoKnownAs"]) {
		if alias = idIn(alias, rules); alias != "" && alias != iri && len(a.AlsoKnownAs) < node.MaxAliases {
			a.AlsoKnownAs = append(a.AlsoKnownAs, alias)
		}
	}
	if a.MovedTo = idIn(first(m["movedTo"]), rules); a.MovedTo == iri {
		a.MovedTo = ""
	}
	a.ApprovesFollowers, _ = m["manuallyApprovesFollowers"].(bool)
	a.Indexable, _ = m["indexable"].(bool)
	a.Published, _ = Time(m, "published")
	a.Updated, _ = Time(m, "updated")
	if kind := first(m["additionalType"]); kind == node.KindCooperative || kind == node.KindConsortium {
		a.Coop = decodeCoop(m, kind.(string), sameHost)
	}
	return a, nil
}

// decodeCoop reads what a cooperative says of itself. sameHost is the address at a key where that is on its own host.
func decodeCoop(m map[string]any, kind string, sameHost func(key string) string) *node.Coop {
	c := &node.Coop{
		Kind: kind, LegalName: short(m, "legalName"), Founded: short(m, "foundingDate"), Languages: texts(m["knowsLanguage"]),
		Skills: skillsIn(m["knowsAbout"]), AreaServed: texts(m["areaServed"]), Place: placeIn(m["location"]), MemberOf: IDs(few(m["memberOf"])),
		Website: webAddress(m["coop:website"]), Ownership: node.Ownership(short(m, "coop:ownership")),
		Members: intIn(m["coop:memberCount"]), Workers: intIn(m["coop:workerCount"]), OneMemberOneVote: boolIn(m["coop:oneMemberOneVote"]),
		Jurisdiction: short(m, "coop:jurisdiction"), Registry: short(m, "coop:registry"), RegistrationNo: short(m, "coop:registrationNumber"),
		AcceptsCustomers: texts(m["coop:acceptsCustomers"]), Remote: boolIn(m["coop:remote"]), TimeZone: short(m, "coop:timeZone"),
		LooksFor: texts(m["coop:looksFor"]), OffersHelp: texts(m["coop:offersHelp"]),
		RegistryURL: webAddress(m["coop:registryUrl"]),
		OpeningsIRI: sameHost("coop:openings"), ProjectsIRI: sameHost("coop:projects"), MembershipsIRI: sameHost("coop:memberships"),
	}
	if kind == node.KindConsortium {
		decodeFederation(m, c, sameHost)
	}
	for _, v := range few(m["contactPoint"]) {
		if ct := Obj(v); ct != nil {
			c.Contacts = append(c.Contacts, node.Contact{Type: short(ct, "contactType"), Email: strings.TrimPrefix(short(ct, "email"), "mailto:"),
				Telephone: short(ct, "telephone"), URL: webAddress(ct["url"]), Languages: texts(ct["availableLanguage"])})
		}
	}
	if f := Obj(m["coop:legalForm"]); f != nil {
		c.LegalForm = node.LegalForm{Name: short(f, "name"), Abbreviation: short(f, "abbreviation"), ELF: short(f, "elf")}
	}
	if mix := Obj(m["coop:customerMix"]); mix != nil {
		c.CustomerMix = map[string]int{}
		for k := range mix {
			if n := intIn(mix[k]); n != nil && *n <= 100 && len(c.CustomerMix) < 10 {
				c.CustomerMix[cutText(k, maxNameRunes)] = *n
			}
		}
	}
	if f := Obj(m["coop:availability"]); f != nil {
		if hours := intIn(f["hoursPerMonth"]); hours != nil {
			c.Availability = &node.FreeHours{HoursPerMonth: *hours, From: short(f, "from")}
			var ok bool
			if c.Availability.Said, ok = Time(f, "updated"); !ok {
				c.Availability.Said, _ = time.Parse(time.DateOnly, short(f, "updated"))
			}
		}
	}
	if f := Obj(m["coop:membersAbroad"]); f != nil {
		c.MembersAbroad = &node.MembersAbroad{Accepts: boolIn(f["accepts"]), Note: short(f, "note")}
	}
	return c
}

func byLanguage(texts []node.Text, of func(node.Text) string) orderedMap {
	var out orderedMap
	for _, t := range texts {
		if t.Lang != "" && !slices.ContainsFunc(out, func(p pair) bool { return p.key == t.Lang }) {
			out = append(out, pair{t.Lang, of(t)})
		}
	}
	return out
}

func putInt(m map[string]any, key string, n *int) {
	if n != nil {
		m[key] = *n
	}
}

func putBool(m map[string]any, key string, b *bool) {
	if b != nil {
		m[key] = *b
	}
}

func intIn(v any) *int {
	f, ok := Num(v)
	if !ok || f < 0 || f > 1e9 {
		return nil
	}
	n := int(f)
	return &n
}

func boolIn(v any) *bool {
	b, ok := v.(bool)
	if !ok {
		return nil
	}
	return &b
}
