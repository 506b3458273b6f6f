package node

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// SearchKinds are what can be found. Beside them the kinds of openings can be asked for.
var SearchKinds = []string{KindOfCoop, KindOfFederation, string(TypeOpening), string(TypeProject), string(TypePost), KindOfQuestion}

// The kinds that are no type of object.
const (
	KindOfCoop       = "coop"
	KindOfFederation = "federation"
	KindOfQuestion   = "question" // a post that asks
)

// CustomerKinds are the kinds of customers that a coop works for.
var CustomerKinds = customerKinds

// A SearchQuery says what is looked for among all that pages may show. Zero fields do not narrow it, but openings that
// are over are found only where they are asked for (decisions 25).
type SearchQuery struct {
	Text       string    // words that all have to be there; "several in quotes" side by side; with* is a beginning
	Kinds      []string  // any of these: SearchKinds and OpeningKinds
	Skill      string    // as people write it
	Language   string    // BCP 47; pt finds pt-BR too
	Country    string    // ISO 3166-1, or 3166-2 for a part of one
	Ownership  Ownership // of the coop, or of the one that published
	Customer   string    // one of CustomerKinds: for whom a coop works, for whom the work of an opening is
	Federation string    // confirmed members of it and what they publish: its address, @handle@host or host
	Open       bool      // only openings that can be answered
	Over       bool      // openings that are over, too
	Best       bool      // what fits best first, among the newest 1,000; else the newest first
	Before     string    // cursor: what Search returned
	Limit      int       // 1 to 200; 40 if 0
	At         time.Time // when an opening has to be open; Search fills it in
}

// What a search may be at most.
const (
	maxSearchText  = 300 // characters
	maxSearchWords = 16
	maxSearchValue = 300 // bytes of any other value
)

// A SearchWord is one thing that has to be in a text: a word, or several side by side.
type SearchWord struct {
	Text   string
	Begins bool // more letters may follow
}

// Words are what Text asks for. Whatever is typed can be read: a quote that is never closed ends at the end.
func (q SearchQuery) Words() (words []SearchWord) {
	add := func(s string) {
		w := SearchWord{Text: strings.TrimRight(s, "*")}
		w.Begins = w.Text != s
		if strings.IndexFunc(w.Text, isWord) >= 0 {
			words = append(words, w)
		}
	}
	for i, part := range strings.Split(q.Text, `"`) {
		if i%2 == 1 {
			add(part)
			continue
		}
		for _, w := range strings.Fields(part) {
			add(w)
		}
	}
	return words
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// Validate checks what people asked for. Errors are Invalid.
func (q SearchQuery) Validate() error {
	const op = "search"
	switch {
	case utf8.RuneCountInString(q.Text) > maxSearchText || len(q.Words()) > maxSearchWords:
		return invalid(op, fmt.Sprintf("That is too much to search for. Write at most %d words.", maxSearchWords))
	case q.Ownership != "" && !slices.Contains(Ownerships, q.Ownership):
		return invalid(op, fmt.Sprintf("The owners are one of %s, not %q.", listOf(Ownerships), q.Ownership))
	case q.Customer != "" && !slices.Contains(customerKinds, q.Customer):
		return invalid(op, fmt.Sprintf("Customers are %s, not %q.", listOf(customerKinds), q.Customer))
	case q.Language != "" && !ValidLanguage(q.Language):
		return validLanguages(op, []string{q.Language})
	}
	for _, k := range q.Kinds {
		if !slices.Contains(SearchKinds, k) && !slices.Contains(OpeningKinds, OpeningKind(k)) {
			return invalid(op, fmt.Sprintf("There is no kind %q. There are %s, and of openings %s.", k, listOf(SearchKinds), listOf(OpeningKinds)))
		}
	}
	for _, s := range []string{q.Skill, q.Country, q.Federation, q.Before} {
		if len(s) > maxSearchValue {
			return invalid(op, "One of the values is too long. Write less.")
		}
	}
	return nil
}

// A Hit names one thing that was found.
type Hit struct {
	IRI   string
	Actor bool // a coop or federation, else an object
}

// Found is one thing that was found: an actor or an object.
type Found struct {
	Kind   string `json:"kind"` // one of SearchKinds
	Actor  *Actor `json:"actor,omitempty"`
	Object Object `json:"object,omitempty"`

	Through []*Sighting `json:"through,omitempty"` // of an actor: through whom it is known; filled in by who shows it
}

// SearchFacet is a value by which coops can be chosen, and how many of them have it.
type SearchFacet struct {
	Value string `json:"value"`
	Coops int    `json:"coops"`
}

// SearchFacets are the values that coops known here have, the most frequent first.
type SearchFacets struct {
	Skills    []SearchFacet `json:"skills"`    // keys
	Languages []SearchFacet `json:"languages"` // BCP 47 in lower case, without what follows the language
	Countries []SearchFacet `json:"countries"` // ISO 3166-1
}

// Searchable says whether a search by everybody may find an object of that author, which is nil if it was never read.
// What pages may show is found; posts of others only where they are public in full and their author agrees (FEP-5feb).
func Searchable(o Object, author *Actor) bool {
	b := o.Common()
	if _, post := o.(*Post); post && !b.Local {
		return b.Visible() && b.Audience == Public && author != nil && author.Indexable
	}
	return b.Visible()
}

// Search finds what everybody may see, and the cursor of the next page, "" at the end. Errors are Invalid.
func (n *Node) Search(ctx context.Context, q SearchQuery) (list []Found, next string, err error) {
	if q, err = n.readSearch(ctx, q); err != nil {
		return nil, "", err
	}
	hits, next, err := n.store.Search(ctx, q)
	if err != nil {
		return nil, "", err
	}
	rules, err := n.Policy(ctx)
	if err != nil {
		return nil, "", err
	}
	for _, h := range hits {
		f, err := n.found(ctx, h, rules)
		if err != nil && !IsNotFound(err) {
			return nil, "", err
		} else if f.Kind != "" {
			list = append(list, f)
		}
	}
	return list, next, nil
}

// found is what was found, the zero value if it may not be shown any more: what hides something need not wait for the index.
func (n *Node) found(ctx context.Context, h Hit, rules *Policy) (f Found, err error) {
	if h.Actor {
		a, err := n.store.Actor(ctx, h.IRI)
		if err == nil && a.Coop != nil && a.Gone.IsZero() && !rules.Refuses(h.IRI) && !rules.Limits(h.IRI) {
			f = Found{Kind: KindOfActor(a), Actor: a}
		}
		return f, err
	}
	o, err := n.store.Object(ctx, h.IRI)
	if err == nil && o.Common().Visible() {
		f = Found{Kind: KindOfObject(o), Object: o}
	}
	return f, err
}

// KindOfActor and KindOfObject are which of SearchKinds something is.
func KindOfActor(a *Actor) string {
	if a.IsFederation() {
		return KindOfFederation
	}
	return KindOfCoop
}

func KindOfObject(o Object) string {
	if p, ok := o.(*Post); ok && p.Asks {
		return KindOfQuestion
	}
	return string(o.Common().Type)
}

// MaxCounted is how far CountFound counts: whoever has so many looks at none of them more closely.
const MaxCounted = 1000

// CountFound says how many a search finds in all, whatever its Before and Limit; MaxCounted+1 stands for all that
// are more. Errors are Invalid.
func (n *Node) CountFound(ctx context.Context, q SearchQuery) (count int, err error) {
	if q, err = n.readSearch(ctx, q); err != nil {
		return 0, err
	}
	return n.store.CountFound(ctx, q, MaxCounted+1)
}

// SearchFacets are the values by which coops can be chosen, at most so many of each sort.
func (n *Node) SearchFacets(ctx context.Context, most int) (*SearchFacets, error) {
	return n.store.SearchFacets(ctx, most)
}

// readSearch checks a query and completes it.
func (n *Node) readSearch(ctx context.Context, q SearchQuery) (SearchQuery, error) {
	if err := q.Validate(); err != nil {
		return q, err
	}
	if q.At.IsZero() {
		q.At = n.Now()
	}
	var err error
	if q.Federation != "" {
		q.Federation, err = n.federationAt(ctx, strings.TrimSpace(q.Federation))
	}
	return q, err
}

// federationAt is the address of a federation that people call by it, by @handle@host or by its host. One that is not known
// has no members here: then it stays what it is, which is nobody's address.
func (n *Node) federationAt(ctx context.Context, name string) (string, error) {
	if strings.Contains(name, "://") {
		return name, nil
	}
	known, err := n.CoopsAt(ctx, name)
	for _, a := range known {
		if a.IsFederation() {
			return a.IRI, nil
		}
	}
	return name, err
}

// Indexing works in portions, so that it never holds up others for long.
const (
	indexedAtOnce = 32
	indexEvery    = time.Second
)

// IndexSome brings a portion of what has changed into the index, and says whether more waits.
func (n *Node) IndexSome(ctx context.Context) (more bool, err error) {
	now := n.Now()
	if waits, err := n.store.IndexWaits(ctx, now); err != nil || !waits {
		return false, err
	}
	err = n.store.Tx(ctx, func(tx Tx) (err error) {
		more, err = tx.IndexNoted(ctx, now, indexedAtOnce)
		return err
	})
	return more, err
}

// CatchUp brings all that has changed into the index, for commands that search.
func (n *Node) CatchUp(ctx context.Context) error {
	for {
		if more, err := n.IndexSome(ctx); err != nil || !more {
			return err
		}
	}
}

// KeepIndexed brings what changes into the index within about a second, and once a day takes out of it what is left of
// things that are gone, and soon what was erased here, until ctx ends.
func (n *Node) KeepIndexed(ctx context.Context) error {
	tick := time.NewTicker(indexEvery)
	defer tick.Stop()
	var next time.Time // when erasures are tried again
	for {
		err := n.CatchUp(ctx)
		if err == nil {
			err = n.tidyIndex(ctx)
		}
		if err == nil && !n.Now().Before(next) {
			if err = n.finishDue(ctx); err != nil {
				next = n.Now().Add(eraseWait)
			}
		}
		if err != nil && ctx.Err() == nil {
			n.opt.Log.WarnContext(ctx, "what has changed cannot be indexed, trying again", "err", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// tidyEvery is how long words of what was deleted stay in the file at most, and settingTidied when they were last taken out.
const (
	tidyEvery     = 24 * time.Hour
	settingTidied = "index tidied"
)

func (n *Node) tidyIndex(ctx context.Context) error {
	last, err := n.store.Setting(ctx, settingTidied)
	if err != nil && !IsNotFound(err) {
		return err
	}
	now := n.Now()
	if at, err := time.Parse(time.RFC3339, last); err == nil && now.Before(at.Add(tidyEvery)) {
		return nil
	}
	return n.tidyWholeIndex(ctx, now)
}

func (n *Node) tidyWholeIndex(ctx context.Context, now time.Time) error {
	for first, more := true, true; more; first = false {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := n.store.Tx(ctx, func(tx Tx) (err error) {
			if more, err = tx.TidyIndex(ctx, first); err != nil || more {
				return err
			}
			return tx.SetSetting(ctx, settingTidied, now.Format(time.RFC3339))
		})
		if err != nil {
			return err
		}
	}
	return nil
}
