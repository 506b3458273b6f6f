package activitypub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/coopnode/coopnode/node"
)

// What a coop says of its federations, and a federation of its members, is read at its own home, and nowhere else:
// when something says that it has changed, and every seven days (vocabulary 2.2, ORG-12).

// Bounds of one reading (security.md 4, LIM).
const (
	wordPages   = 10
	wordsAPage  = 100
	wordsFetch  = 20 // records fetched one by one, where a list only names them
	absentAfter = 3  // tries, until a list that is not found counts as empty
)

// wordsRead is what a task remembers of the last reading of such a list: its pages, the collection itself first.
type wordsRead struct {
	Pages []knownPage `json:"pages"`
}

// A knownPage is a page by its address, as it was read.
type knownPage struct {
	At string `json:"at"`
	Version
}

func isWords(t *node.Task) bool { return t.Kind == node.TaskMembers || t.Kind == node.TaskMemberships }

// words does the tasks: again as long as somebody can want to know.
func (c *chores) words(ctx context.Context, t *node.Task) (again bool, err error) {
	members := t.Kind == node.TaskMembers
	if c.w.node.Links.Ours(t.Subject) {
		return false, nil
	}
	if ok, err := c.w.node.HeedsWords(ctx, t.Subject, members); !ok || err != nil {
		return err != nil, err
	}
	asked := c.w.node.Now()
	owner, list, err := c.w.wordsOf(ctx, t.Subject, members)
	if err != nil {
		if status := asStatus(err); status != nil && status.Gone() {
			return false, c.gone(ctx, t.Subject)
		}
		return true, err
	}
	var was wordsRead
	if t.Data != "" {
		if err := json.Unmarshal([]byte(t.Data), &was); err != nil {
			return true, fmt.Errorf("read task of %s: %w", t.Subject, err)
		}
	}
	if same, err := c.w.unchanged(ctx, list, was.Pages); err != nil {
		return true, err
	} else if same {
		return true, c.w.node.StillSaid(ctx, t.Subject, members, asked)
	}
	r := &wordReader{w: c.w, owner: owner.IRI, members: members, whole: true}
	if list != "" {
		err = r.read(ctx, list)
	}
	status := asStatus(err)
	switch {
	case status != nil && (status.Gone() || status.Code == http.StatusNotFound && t.Attempts+1 >= absentAfter):
		r.records, r.pages, r.whole = nil, nil, true
	case err != nil:
		return true, err
	}
	if err := r.ownRecord(ctx); err != nil {
		return true, err
	}
	b, err := json.Marshal(wordsRead{r.pages})
	if err != nil {
		return true, err
	}
	t.Data = string(b)
	return true, c.w.node.KeepWords(ctx, t.Subject, members, r.records, r.whole, asked)
}

// wordsOf gives an actor and where its list is, "" where it has none.
func (w *Wire) wordsOf(ctx context.Context, actor string, members bool) (*node.Actor, string, error) {
	list := func(a *node.Actor) string {
		switch {
		case a.Coop == nil:
			return ""
		case members:
			return a.Coop.MembersIRI
		}
		return a.Coop.MembershipsIRI
	}
	a, err := w.fetchActor(ctx, actor, week)
	if err == nil && list(a) == "" { // it may have become a coop or a federation since
		a, err = w.fetchActor(ctx, actor, 0)
	}
	if err != nil {
		return nil, "", err
	}
	return a, list(a), nil
}

// unchanged says whether all pages of a list are as they were read before.
func (w *Wire) unchanged(ctx context.Context, list string, pages []knownPage) (bool, error) {
	if len(pages) == 0 || pages[0].At != list {
		return false, nil
	}
	for _, p := range pages {
		if !p.known() {
			return false, nil
		}
		if _, err := w.client.GetChanged(ctx, p.At, p.Version); err == nil || isDisproof(err) {
			return false, nil
		} else if !errors.Is(err, errUnchanged) {
			return false, err
		}
	}
	return true, nil
}

// Members reads whom a federation lists, at its own home: what it says of each, and whether that is all that it says, for
// at most ten pages of 100 are read. Nothing of it is kept.
func (w *Wire) Members(ctx context.Context, federation *node.Actor) (records []node.Record, whole bool, err error) {
	if federation.Coop == nil || federation.Coop.MembersIRI == "" {
		return nil, true, nil
	}
	r := &wordReader{w: w, owner: federation.IRI, members: true, whole: true}
	err = r.read(ctx, federation.Coop.MembersIRI)
	return r.records, r.whole, err
}

// A wordReader is one reading of one list.
type wordReader struct {
	w       *Wire
	owner   string
	members bool

	records []node.Record
	pages   []knownPage // as they were read
	whole   bool        // nothing was left out
	fetched int
}

// read walks through the pages.
func (r *wordReader) read(ctx context.Context, list string) error {
	seen := map[string]bool{}
	for at := list; at != ""; {
		if len(seen) > wordPages || seen[at] || !SameOrigin(at, r.owner) {
			r.whole = false
			return nil
		}
		seen[at] = true
		doc, err := r.w.client.GetActivity(ctx, at)
		if err != nil {
			return err
		}
		r.pages = append(r.pages, knownPage{at, doc.Version})
		if at, err = r.page(ctx, doc.Object); err != nil {
			return err
		}
	}
	return nil
}

// page reads what stands on a page, and on the first page where that stands inside the collection, and gives the next.
func (r *wordReader) page(ctx context.Context, page map[string]any) (next string, err error) {
	for depth := 0; page != nil && depth < 2; depth++ {
		items := append(List(page["orderedItems"]), List(page["items"])...)
		if len(items) > wordsAPage {
			items, r.whole = items[:wordsAPage], false
		}
		for _, v := range items {
			if err := r.record(ctx, v); err != nil {
				return "", err
			}
		}
		follow := page["next"]
		if follow == nil {
			follow = page["first"]
		}
		if page = Obj(follow); page == nil {
			next = IDOf(follow)
		}
	}
	return next, nil
}

// record takes one that stands in the list, or is named there by an address of the same home.
func (r *wordReader) record(ctx context.Context, v any) error {
	doc := Obj(v)
	if doc == nil {
		iri := IDOf(v)
		if !SameOrigin(iri, r.owner) {
			return nil
		}
		if r.fetched++; r.fetched > wordsFetch {
			r.whole = false
			return nil
		}
		got, err := r.w.client.GetObject(ctx, iri)
		if isDisproof(err) {
			return nil
		} else if err != nil {
			return err
		}
		doc = got.Object
	}
	rec, err := decodeRecord(doc, r.owner, r.w.rules, r.w.node.Now())
	if err != nil {
		r.w.log.Debug("no record", "room", "chores", "owner", r.owner, "err", err)
		return nil
	}
	if rec.Member == r.members {
		r.records = append(r.records, *rec)
	}
	return nil
}

// ownRecord asks for what a federation says of us, where its list is longer than what we read: that is what matters most.
func (r *wordReader) ownRecord(ctx context.Context) error {
	us := r.w.node.Links.Actor()
	for _, rec := range r.records {
		if r.whole || rec.Object == us {
			return nil
		}
	}
	m, err := r.w.node.Membership(ctx, r.owner, us)
	if r.whole || !r.members || node.IsNotFound(err) || err == nil && !m.FederationSays.Holds() {
		return nil
	} else if err != nil {
		return err
	}
	gone := node.Record{IRI: m.FederationSays.IRI, Subject: r.owner, Object: us, Member: true, Since: m.FederationSays.Since, Until: r.w.node.Now(), Role: m.Role, Vouches: m.Vouches}
	doc, err := r.w.client.GetObject(ctx, gone.IRI)
	if status := asStatus(err); status != nil && (status.Gone() || status.Code == http.StatusNotFound) {
		r.records = append(r.records, gone)
		return nil
	} else if err != nil {
		return err
	}
	return r.record(ctx, doc.Object)
}
