package ui

import (
	"context"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// choice is what a visitor of the board wants to see.
type choice struct {
	Kind  node.OpeningKind
	Skill string // as it was typed, like the others
	Tag   string
	Coop  string // a handle with its host, a host, or the address of an actor
}

// choiceKeys are the names of the values of a choice in addresses.
var choiceKeys = []string{"kind", "skill", "tag", "coop"}

// readChoice takes what was chosen from an address. An unknown kind is Invalid: it would look as if nothing were open.
func readChoice(q url.Values) (choice, error) {
	typed := func(key string) string { return strings.TrimSpace(q.Get(key)) }
	c := choice{Kind: node.OpeningKind(q.Get("kind")), Skill: typed("skill"), Tag: strings.TrimPrefix(typed("tag"), "#"), Coop: typed("coop")}
	if c.Kind != "" && !slices.Contains(node.OpeningKinds, c.Kind) || len(c.Skill) > 100 || len(c.Tag) > maxTagBytes || len(c.Coop) > maxAddressBytes {
		return c, &node.Error{Op: "read board", Kind: node.Invalid}
	}
	return c, nil
}

func (c choice) isZero() bool { return c == choice{} }

// query is the choice as part of an address, with its question mark; "" if there is none.
func (c choice) query() string {
	q := url.Values{}
	for i, value := range []string{string(c.Kind), c.Skill, c.Tag, c.Coop} {
		if value != "" {
			q.Set(choiceKeys[i], value)
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// path is the board with this choice.
func (c choice) path() string { return "/openings" + c.query() }

// words says the choice: work for another coop, accessibility.
func (c choice) words(ctx context.Context) string {
	kind, tag := "", ""
	if c.Kind != "" {
		kind = sayKnown(ctx, "kind.", string(c.Kind))
	}
	if c.Tag != "" {
		tag = say(ctx, "tag.title", plainName(c.Tag))
	}
	return list(ctx, kind, plainName(c.Skill), tag, plainName(c.Coop))
}

// openings selects what is open now.
func (c choice) openings(ctx context.Context, n *node.Node) (node.ObjectQuery, error) {
	q := node.ObjectQuery{Type: node.TypeOpening, OpenAt: n.Now(), Listed: true, Kind: c.Kind, Tag: c.Tag}
	if c.Skill != "" {
		q.Skill = node.SkillFrom(c.Skill).Key
	}
	var err error
	if c.Coop != "" {
		q.Actor, err = c.actor(ctx, n)
	}
	return q, err
}

// actor is the address of the coop that was chosen. One that is not known has no openings here: then it is what was
// typed, which is nobody's address.
func (c choice) actor(ctx context.Context, n *node.Node) (string, error) {
	handle, host, named := strings.Cut(strings.TrimPrefix(c.Coop, "@"), "@")
	if named {
		a, err := n.Store().ActorByHandle(ctx, handle, host)
		if err == nil {
			return a.IRI, nil
		} else if !node.IsNotFound(err) {
			return "", err
		}
		return c.Coop, nil
	}
	coops, err := n.KnownCoops(ctx)
	for _, a := range coops {
		if strings.EqualFold(a.Host, c.Coop) || a.IRI == c.Coop {
			return a.IRI, nil
		}
	}
	return c.Coop, err
}

// board handles GET /openings: everything open that this node knows, ours and others', each once.
func (u *ui) board(c echo.Context, v *visit) (view, error) {
	ctx, l := c.Request().Context(), u.node.Links
	chosen, err := readChoice(v.query)
	if err != nil {
		return view{}, err
	}
	open, err := u.openingsOf(ctx, v, chosen)
	if err != nil {
		return view{}, err
	}
	count, err := u.node.Count(ctx, open.query)
	if err != nil {
		return view{}, err
	}
	list, next, err := v.part(ctx, c, open, 20)
	if err != nil {
		return view{}, err
	}
	h := head{Title: say(ctx, "board.title"), Description: say(ctx, "board.lead"), Kind: "website", Canonical: l.Board(), List: open,
		Document: l.Openings(), Section: "/openings", Hidden: !chosen.isZero() || v.query.Get("before") != ""}
	return view{head: h, body: boardBody(v, chosen, open, count, list, next)}, nil
}

// openingPage handles GET /openings/{id}.
func (u *ui) openingPage(c echo.Context, v *visit) (view, error) {
	ctx := c.Request().Context()
	o, err := v.object(ctx, node.TypeOpening, c.Param("id"))
	if err != nil {
		return view{}, err
	}
	e, err := v.entryOf(ctx, o)
	if err != nil {
		return view{}, err
	}
	answers, err := u.thread(c, v, o.Common())
	if err != nil {
		return view{}, err
	}
	if e.Who, err = whoMayAnswer(ctx, v, e.opening().Answer); err != nil {
		return view{}, err
	}
	h := v.headOf(ctx, e, "/openings")
	h.Schema = v.jobSchema(e)
	if !e.opening().Closes.IsZero() && !e.Base.Sample {
		h.List = deadlineOf(ctx, v, o)
	}
	h.Description = capital(standing(ctx, e.opening(), v.now)) + " · " + sayKnown(ctx, "kind.", string(e.opening().Kind)) + ". " + h.Description
	return view{head: h, body: openingBody(v, e, answers)}, nil
}

// behalfOf is the one for whom an opening is published; the zero person where it is its publisher's own.
func (v *visit) behalfOf(ctx context.Context, o *node.Opening) (person, error) {
	name := plainName(o.BehalfName)
	if o.OnBehalfOf == "" {
		return person{Name: name}, nil
	}
	who, err := v.people.of(ctx, o.OnBehalfOf)
	if _, unknown := v.node.ActorOf(ctx, o.OnBehalfOf); node.IsNotFound(unknown) && name != "" {
		who.Name = name // the publisher's word
	}
	return who, err
}

// headOf is the head of an object's own page.
func (v *visit) headOf(ctx context.Context, e *entry, section string) head {
	h := head{Title: nameOf(ctx, e.Text), Description: plainText(e.Text.HTML, 200), Kind: "article", Canonical: e.Base.URL, Document: e.Base.IRI,
		Author: e.By, Section: section}
	if e.Base.Sample { // there is no document, and nothing for search engines
		h.Document, h.Hidden = "", true
	}
	return h
}

// A part is what one coop took of an opening, or what is left.
type part struct {
	Who   person // zero for what is left
	Name  string // of what is no person
	Words string // how much; "" if not said
	Share float64
	Hue   string
}

// parts divides an opening's amount among those that agreed to be named, those that did not, and what
// is still open. The shares add up to 1; there are none for an opening without an amount.
func (v *visit) parts(ctx context.Context, o *node.Opening) ([]part, error) {
	var list []part
	var taken hues
	named := 0.0
	for _, f := range o.FilledBy {
		who, err := v.people.of(ctx, f.Actor)
		if err != nil {
			return nil, err
		}
		p := part{Who: who, Words: quantity(ctx, f.Quantity), Hue: taken.of(who)}
		if o.Amount.Number > 0 && f.Quantity.Unit == o.Amount.Unit {
			p.Share = min(f.Quantity.Number/o.Amount.Number, 1-named)
			named += p.Share
		}
		list = append(list, p)
	}
	if o.Amount.Number <= 0 || o.Available.Unit != o.Amount.Unit {
		return list, nil
	}
	if taken := foundOf(o)/o.Amount.Number - named; taken > 0 {
		list = append(list, part{Share: taken, Words: quantity(ctx, node.Quantity{Number: taken * o.Amount.Number, Unit: o.Amount.Unit}), Hue: hueOfOthers(len(list))})
	}
	return list, nil
}

// hues are the colours that stand for somebody in one drawing.
type hues [10]bool

// of is the class of the colour of who: its own, or the next one that is free.
func (taken *hues) of(who person) string {
	own := int(who.Hue()[1] - '0')
	for i := range len(taken) {
		if h := (own + 3*i) % len(taken); !taken[h] { // neighbours look alike
			taken[h] = true
			return "c" + strconv.Itoa(h)
		}
	}
	return who.Hue()
}

// hueOfOthers is the colour of those who are not named, beside so many who are.
func hueOfOthers(named int) string {
	if named == 0 {
		return "taken"
	}
	return "others"
}

// foundOf is how much of the amount is no longer open.
func foundOf(o *node.Opening) float64 {
	return min(max(o.Amount.Number-o.Available.Number, 0), o.Amount.Number)
}

// foundWords says how much is found and by how many coops, where they are named.
func foundWords(ctx context.Context, o *node.Opening) string {
	found := number(ctx, foundOf(o))
	if len(o.FilledBy) == 0 {
		return say(ctx, "opening.found", found, quantity(ctx, o.Amount))
	}
	return sayCount(ctx, "opening.found.by", float64(len(o.FilledBy)), found, quantity(ctx, o.Amount))
}

// mostDots is how many people are drawn one by one.
const mostDots = 60

// dots are the places of an opening, each with the hue of who took it, "" where it is open; none where a bar says more.
func dots(o *node.Opening, parts []part) []string {
	n := int(o.Amount.Number)
	if o.Amount.Unit != node.People && o.Amount.Unit != node.Items || float64(n) != o.Amount.Number || n > mostDots {
		return nil
	}
	all := make([]string, n)
	at := 0
	for _, p := range parts {
		for range int(math.Round(p.Share * o.Amount.Number)) {
			if at < n {
				all[at] = p.Hue
				at++
			}
		}
	}
	return all
}

// changedLater says whether something was edited on a later day than that of its publication.
func changedLater(ctx context.Context, b *node.Base) bool {
	return b.Updated.After(b.Published) && day(ctx, b.Updated) != day(ctx, b.Published)
}

// purposeOf is said only where it is not what the kind means anyway.
func purposeOf(ctx context.Context, o *node.Opening) string {
	if o.Purpose == "" || o.Purpose == o.Kind.Purpose() {
		return ""
	}
	return sayKnown(ctx, "purpose.", string(o.Purpose))
}

// whoMayAnswer puts the three conditions of an answer into words.
func whoMayAnswer(ctx context.Context, v *visit, a node.Answer) (string, error) {
	parts := []string{words(ctx, "who.", a.Who)}
	for _, f := range a.Federations {
		p, err := v.people.of(ctx, f)
		if err != nil {
			return "", err
		}
		parts = append(parts, say(ctx, "opening.who.federation", p.Name))
	}
	if len(a.Countries) > 0 {
		parts = append(parts, say(ctx, "opening.who.country", countryNames(ctx, a.Countries)))
	}
	return list(ctx, parts...), nil
}

// mailTo is where answers by mail go: the contact for work between coops, else the first one with an address.
func mailTo(a *node.Actor) string {
	if a.Coop == nil {
		return ""
	}
	mail := ""
	for _, c := range a.Coop.Contacts {
		address := mailAddress(c.Email)
		if address != "" && (mail == "" || c.Type == "intercooperation") {
			mail = address
		}
	}
	return mail
}
