package ui

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/labstack/echo/v4"
	"golang.org/x/text/cases"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"github.com/coopnode/coopnode/node"
)

// sought is what a visitor of the search or the directory asks for, as it was typed.
type sought struct {
	Words, Kind, Skill, Language, Country, Ownership, Customer, Federation string

	Sort string // best, or "" for the newest first
	Over string // yes, or "" for no openings that are over
}

// soughtKeys are the names of these values in addresses, in the order of values.
var soughtKeys = []string{"q", "kind", "skill", "language", "country", "ownership", "customer", "federation", "sort", "over"}

func (s *sought) values() []*string {
	return []*string{&s.Words, &s.Kind, &s.Skill, &s.Language, &s.Country, &s.Ownership, &s.Customer, &s.Federation, &s.Sort, &s.Over}
}

// readSought takes it from an address. Whether the node understands it, Search says.
func readSought(q url.Values) (s sought) {
	for i, v := range s.values() {
		*v = strings.TrimSpace(q.Get(soughtKeys[i]))
	}
	return s
}

func (s sought) isZero() bool { return s == sought{} }

// query is what was asked for as part of an address, with its question mark; "" if there is nothing.
func (s sought) query() string {
	q := url.Values{}
	for i, v := range s.values() {
		if *v != "" {
			q.Set(soughtKeys[i], *v)
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// asks is the same for the node.
func (s sought) asks(v *visit) node.SearchQuery {
	q := node.SearchQuery{
		Text: s.Words, Skill: s.Skill, Language: s.Language, Country: s.Country, Ownership: node.Ownership(s.Ownership), Customer: s.Customer,
		Federation: s.Federation, Best: s.Sort == "best", Over: s.Over == "yes", At: v.now, Limit: 20,
	}
	if s.Kind != "" {
		q.Kinds = []string{s.Kind}
	}
	return q
}

// words says it: accessibility, Openings, Spain.
func (s sought) words(ctx context.Context) string {
	return list(ctx, plainName(s.Words), kindChoice(ctx, s.Kind), plainName(s.Skill), languageChoice(ctx, s.Language), countryChoice(ctx, s.Country), plainName(s.Federation))
}

// A findings is what was found, as pages show it.
type findings struct {
	List   []finding
	Count  string // how many in all, in words
	Next   string
	Facets *node.SearchFacets
}

// A finding is a coop or an object.
type finding struct {
	Coop  *coopView
	Entry *entry
}

// coopView is a coop as lists show it.
type coopView struct {
	Person     person
	Page       string // what this node knows of it
	Coop       *node.Coop
	Summary    node.Text
	Federation bool
	Through    sighted
}

// facetsShown is how many values each choice offers; others can be typed.
const facetsShown = 300

// find searches and prepares what was found.
func (v *visit) find(ctx context.Context, c echo.Context, q node.SearchQuery) (f *findings, err error) {
	if q.Before, err = cursor(c); err != nil {
		return nil, err
	}
	f = &findings{}
	list, next, err := v.node.Search(ctx, q)
	if err != nil {
		return nil, err
	}
	f.Next = next
	for _, found := range list {
		var one finding
		if found.Actor != nil {
			one.Coop, err = v.coopOf(ctx, found.Actor)
		} else {
			one.Entry, err = v.entryOf(ctx, found.Object)
		}
		if err != nil {
			return nil, err
		}
		f.List = append(f.List, one)
	}
	n, err := v.node.CountFound(ctx, q)
	if err != nil {
		return nil, err
	}
	f.Count = sayCount(ctx, "search.count", float64(n))
	if n > node.MaxCounted {
		f.Count = say(ctx, "search.count.more", number(ctx, node.MaxCounted))
	}
	f.Facets, err = v.node.SearchFacets(ctx, facetsShown)
	return f, err
}

func (v *visit) coopOf(ctx context.Context, a *node.Actor) (*coopView, error) {
	who, err := v.people.show(ctx, a)
	if err != nil {
		return nil, err
	}
	through, err := v.through(ctx, a)
	return &coopView{Person: who, Page: v.knownPage(a), Coop: a.Coop, Summary: v.text(a.Summary), Federation: a.IsFederation(), Through: through}, err
}

// search handles GET /search: everything that this node knows and everybody may see.
func (u *ui) search(c echo.Context, v *visit) (view, error) {
	s := readSought(v.query)
	l, err := u.searched(c, v)
	if err != nil {
		return view{}, err
	}
	f, err := v.find(c.Request().Context(), c, s.asks(v))
	if err != nil {
		return view{}, err
	}
	h := head{Title: say(c.Request().Context(), "search.title"), Description: say(c.Request().Context(), "search.lead"), Kind: "website", Canonical: u.node.Links.Search(), Section: "/search", List: l, Hidden: true}
	return view{head: h, body: searchBody(v, s, l, f)}, nil
}

// searched lists the openings, projects and posts among what a search finds, the newest first: a feed has no other order.
func (u *ui) searched(c echo.Context, v *visit) (listing, error) {
	s := readSought(v.query)
	s.Sort, s.Over = "", ""
	q := s.asks(v)
	if len(q.Kinds) == 0 {
		q.Kinds = []string{string(node.TypeOpening), string(node.TypeProject), string(node.TypePost)}
	}
	title := say(c.Request().Context(), "search.title")
	if words := s.words(c.Request().Context()); words != "" {
		title = words
	}
	return listing{title: say(c.Request().Context(), "search.feed.title", v.self.Name, title), lead: say(c.Request().Context(), "search.lead"), page: u.node.Links.Search() + s.query(), forms: readerForms, seek: &q}, q.Validate()
}

// directory handles GET /directory: the coops and federations that this node has read.
func (u *ui) directory(c echo.Context, v *visit) (view, error) {
	ctx := c.Request().Context()
	s := readSought(v.query)
	s.Kind, s.Over = "", ""
	q := s.asks(v)
	q.Kinds = []string{node.KindOfCoop, node.KindOfFederation}
	f, err := v.find(ctx, c, q)
	if err != nil {
		return view{}, err
	}
	m, err := v.mapOf(ctx, q)
	if err != nil {
		return view{}, err
	}
	federations, _, err := v.node.Search(ctx, node.SearchQuery{Kinds: []string{node.KindOfFederation}, At: v.now, Limit: 200})
	if err != nil {
		return view{}, err
	}
	h := head{Title: say(ctx, "directory.title"), Description: say(ctx, "directory.lead"), Kind: "website", Canonical: u.node.Links.Directory(), Section: "/directory",
		Hidden: !s.isZero() || v.query.Get("before") != ""}
	return view{head: h, body: directoryBody(v, s, f, m, federationOptions(federations, s.Federation))}, nil
}

// An option is one of a choice.
type option struct{ Value, Text string }

// options are the values of a choice with their names, and what was chosen where it is not among them.
func options(ctx context.Context, facets []node.SearchFacet, chosen string, name func(context.Context, string) string) (list []option) {
	for _, f := range facets {
		list = append(list, option{f.Value, name(ctx, f.Value)})
	}
	byText(list)
	return withChosen(list, chosen, name(ctx, chosen))
}

// byText sorts options as readers look for them: accents and capitals count for nothing. The tables of x/text/collate,
// which know what is special in each language, would add 1.4 MB to the program.
func byText(list []option) {
	plain := transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn)), cases.Fold())
	letters := make(map[string]string, len(list))
	for _, o := range list {
		letters[o.Text], _, _ = transform.String(plain, o.Text) // nothing of this chain fails
	}
	slices.SortFunc(list, func(a, b option) int {
		return cmp.Or(strings.Compare(letters[a.Text], letters[b.Text]), strings.Compare(a.Text, b.Text))
	})
}

// withChosen adds what was chosen to a list that lacks it.
func withChosen(list []option, chosen, text string) []option {
	if chosen != "" && !slices.ContainsFunc(list, func(o option) bool { return sameChoice(o.Value, chosen) }) {
		list = append(list, option{chosen, text})
	}
	return list
}

// sameChoice says whether one value of a choice is another: codes are written in any case.
func sameChoice(a, b string) bool { return strings.EqualFold(a, b) }

func keyOptions(ctx context.Context, keys []string, prefix string) (list []option) {
	for _, k := range keys {
		list = append(list, option{k, capital(sayKnown(ctx, prefix, k))})
	}
	return list
}

func ownershipOptions(ctx context.Context) (list []option) {
	for _, o := range node.Ownerships {
		list = append(list, option{string(o), capital(sayKnown(ctx, "own.", string(o)))})
	}
	return list
}

// kindOptions are what can be found; of openings also each of their kinds.
func kindOptions(ctx context.Context) (list []option) {
	for _, k := range node.SearchKinds {
		list = append(list, option{k, kindChoice(ctx, k)})
		if k == string(node.TypeOpening) {
			for _, o := range node.OpeningKinds {
				list = append(list, option{string(o), say(ctx, "search.kind.of", kindChoice(ctx, string(o)))})
			}
		}
	}
	return list
}

func federationOptions(found []node.Found, chosen string) (list []option) {
	for _, f := range found {
		list = append(list, option{f.Actor.Host, plainName(f.Actor.Label())})
	}
	return withChosen(list, chosen, plainName(chosen))
}

// A landChip leads to the coops of one country.
type landChip struct {
	link
	Here bool
}

// landChips are all countries together and those with most coops.
func landChips(ctx context.Context, s sought, facets *node.SearchFacets) []landChip {
	chips := []landChip{{link{say(ctx, "directory.everywhere"), "/directory"}, s.isZero()}}
	for _, f := range facets.Countries[:min(len(facets.Countries), 8)] {
		only := sought{Country: strings.ToUpper(f.Value)}
		chips = append(chips, landChip{link{say(ctx, "directory.land", countryChoice(ctx, f.Value), number(ctx, float64(f.Coops))), "/directory" + only.query()}, sameChoice(s.Country, f.Value)})
	}
	return chips
}

func kindChoice(ctx context.Context, kind string) string {
	switch {
	case kind == "":
		return ""
	case slices.Contains(node.SearchKinds, kind):
		return say(ctx, "search.kind."+kind)
	}
	return capital(sayKnown(ctx, "kind.", kind))
}

func languageChoice(ctx context.Context, tag string) string {
	if tag == "" {
		return ""
	}
	return capital(languageName(ctx, tag))
}

func countryChoice(ctx context.Context, code string) string {
	if code == "" {
		return ""
	}
	return countryName(ctx, strings.ToUpper(code))
}

// after continues a list whose first part stands apart, because it may run the other way.
func after(ctx context.Context, first, next string) string {
	if first == "" || next == "" {
		return next
	}
	return say(ctx, "list.and") + next
}

// coopSkills says what a coop can do.
func coopSkills(ctx context.Context, c *node.Coop) string {
	var labels []string
	for _, s := range c.Skills[:min(len(c.Skills), 5)] {
		labels = append(labels, plainName(s.Label()))
	}
	return list(ctx, labels...) // of more
}
