package activitypub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/coopnode/coopnode/node"
)

// Bounds of reading a list of actors once.
const (
	rosterPages = 25
	rosterIDs   = 1000
	rosterWhole = 7 * 24 * time.Hour // after which it is read from end to end even where nothing seems to have changed
)

// rosterBefore is what a task remembers of the lists of an actor: of each the collection and its first page, by address.
type rosterBefore struct {
	Pages map[string]readPage  `json:"pages,omitempty"`
	Whole map[string]time.Time `json:"whole,omitempty"` // when a list was read from end to end
}

// discover reads whom an actor lists, and asks those who are not known who they are; again as long as the actor is in reach.
// Only coops list others here, and only coops are kept.
func (c *chores) discover(ctx context.Context, t *node.Task) (again bool, err error) {
	reach, err := c.w.node.ReachOf(ctx, t.Subject)
	if err != nil {
		return true, err
	}
	policy, err := c.w.node.Policy(ctx)
	if err != nil {
		return true, err
	}
	if reach == node.Beyond || policy.Refuses(t.Subject) || policy.Limits(t.Subject) {
		t.Data = ""
		return reach != node.Beyond, c.w.node.ForgetSightings(ctx, t.Subject)
	}
	a, err := c.w.fetchActor(ctx, t.Subject, week)
	if status := asStatus(err); status != nil && status.Gone() {
		return false, c.gone(ctx, t.Subject)
	} else if err != nil {
		return true, err
	}
	if a.Coop == nil {
		return true, nil
	}
	was, now := rosterBefore{}, rosterBefore{Pages: map[string]readPage{}, Whole: map[string]time.Time{}}
	if t.Data != "" {
		if err := json.Unmarshal([]byte(t.Data), &was); err != nil {
			return true, fmt.Errorf("read task of %s: %w", t.Subject, err)
		}
	}
	lists := map[node.Listing]string{node.ByFollowing: a.Following}
	if a.IsFederation() {
		lists[node.ByMembership] = a.Coop.MembersIRI
	}
	for how, at := range lists {
		r := roster{w: c.w, was: was, now: now}
		changed := true
		if at != "" && SameOrigin(at, a.IRI) {
			changed, err = r.read(ctx, at)
		}
		switch {
		case isDisproof(err) && ctx.Err() == nil: // hidden, or none
			r.ids, changed = nil, true
		case err != nil:
			return true, err
		}
		if changed {
			if err := c.w.node.KeepSightings(ctx, a.IRI, how, r.ids); err != nil {
				return true, err
			}
		}
	}
	b, err := json.Marshal(now)
	if err != nil {
		return true, err
	}
	t.Data = string(b)
	if err := c.look(ctx, a.IRI); err != nil || reach != node.Near {
		return true, err
	}
	return true, c.w.node.LookFurther(ctx, a.IRI)
}

// look asks those in the lists of an actor who they are, as many as may be asked today.
func (c *chores) look(ctx context.Context, through string) error {
	strangers, err := c.w.node.ToLookAt(ctx, through)
	if err != nil {
		return err
	}
	for _, iri := range strangers {
		may, err := c.w.node.BeginLook(ctx, iri)
		if err != nil {
			return err
		}
		if !may {
			continue
		}
		found := node.LookOther
		_, held := c.w.node.ActorOf(ctx, iri)
		a, err := c.w.readActor(ctx, iri, func(a *node.Actor) bool { return a.Coop != nil || held == nil })
		status := asStatus(err)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case status != nil && status.Gone():
			err = c.gone(ctx, iri)
		case err != nil && !isDisproof(err):
			found = ""
		case err == nil && a.Coop != nil:
			found = node.LookCoop
		}
		c.log.Debug("looked at somebody in a list", "actor", iri, "found", found, "err", err)
		if err := c.w.node.EndLook(ctx, iri, found); err != nil {
			return err
		}
	}
	return nil
}

// A roster is one reading of a list of actors: whom a coop follows, or the members of a federation.
type roster struct {
	w        *Wire
	was, now rosterBefore
	ids      []string
}

// read gives who stands in the list at an address. changed is false, and nobody is given, where neither the collection nor
// its first page is another than before: whoever comes or goes changes one of them.
func (r *roster) read(ctx context.Context, at string) (changed bool, err error) {
	if r.w.node.Now().Sub(r.was.Whole[at]) < rosterWhole {
		same, err := r.same(ctx, at)
		if same || err != nil {
			return false, err
		}
	}
	return true, r.whole(ctx, at)
}

func (r *roster) same(ctx context.Context, at string) (bool, error) {
	whole := r.was.Whole[at]
	for address := at; address != ""; address = r.was.Pages[address].Next {
		was := r.was.Pages[address]
		if !was.known() {
			return false, nil
		}
		if _, err := r.w.client.GetChanged(ctx, address, was.Version); !errors.Is(err, errUnchanged) {
			return false, err
		}
		r.now.Pages[address] = was
	}
	r.now.Whole[at] = whole
	return true, nil
}

func (r *roster) whole(ctx context.Context, at string) error {
	seen := map[string]bool{}
	for address := at; address != "" && !seen[address] && SameOrigin(address, at) && len(seen) <= rosterPages && len(r.ids) < rosterIDs; {
		seen[address] = true
		doc, err := r.w.client.GetActivity(ctx, address)
		if err != nil {
			return err
		}
		next := r.take(doc.Object)
		switch len(seen) {
		case 1:
			r.now.Pages[address] = readPage{Version: doc.Version, Next: next}
		case 2:
			r.now.Pages[address] = readPage{Version: doc.Version}
		}
		address = next
	}
	r.now.Whole[at] = r.w.node.Now()
	return nil
}

// take takes in who stands on a page, and on the first one where that stands inside the collection, and gives the address
// of the next. Members stand there as the records of their membership, those who left with its end.
func (r *roster) take(page map[string]any) (next string) {
	for depth := 0; page != nil && depth < 2; depth++ {
		for _, v := range append(List(page["orderedItems"]), List(page["items"])...) {
			if record := Obj(v); contains(Types(record), "Relationship") {
				if v = record["object"]; record["endTime"] != nil {
					continue
				}
			}
			if iri := idIn(v, r.w.rules); iri != "" && !r.w.node.Links.Ours(iri) && len(r.ids) < rosterIDs {
				r.ids = append(r.ids, iri)
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
	return next
}
