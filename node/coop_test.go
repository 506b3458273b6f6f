package node_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

func ptr[T any](v T) *T { return &v }

func TestProfileIsToldToFollowers(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	x.followedBy("hill.example", "cai")
	before, err := x.Profile(t.Context())
	x.must(err)
	a, err := x.SaveProfile(t.Context(), "ana", func(a *node.Actor) error {
		a.Name = "The New Mill"
		a.Summary = []node.Text{{Lang: "en", Source: "a < b"}}
		a.Coop.Ownership = "workers"
		// What cannot be changed here: the identity that others hold.
		a.IRI, a.Handle, a.Host, a.KeyID, a.KeyPEM, a.Local = "x", "x", "x", "x", "x", false
		return nil
	})
	x.must(err)
	stored, err := x.Profile(t.Context())
	x.must(err)
	equal(t, "given and stored", stored, a)
	equal(t, "changed", []any{a.Name, a.Summary[0].HTML, a.Coop.WorkerOwned()}, []any{"The New Mill", "<p>a &lt; b</p>", true})
	equal(t, "kept", []any{a.IRI, a.Handle, a.Host, a.KeyID, a.KeyPEM, a.Local},
		[]any{before.IRI, before.Handle, before.Host, before.KeyID, before.KeyPEM, true})
	equal(t, "updated grows in the same second", a.Updated, second.Add(time.Second))
	u := x.wantNews(node.Update)[0]
	equal(t, "Update", []any{u.ObjectIRI, u.Object.Title, u.Object.Updated, u.By, u.To, u.Cc, u.Listed, u.Inboxes}, []any{
		a.IRI, "The New Mill", a.Updated, "ana", []string{node.PublicIRI}, []string{followersOfMill}, false, []string{"https://hill.example/inbox"},
	})
	if !strings.Contains(string(a.Raw), "The New Mill") {
		t.Errorf("document %s", a.Raw)
	}
}

// TestProfileChangesAtOnceAllCount (decisions 7).
func TestProfileChangesAtOnceAllCount(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			_, err := x.SaveProfile(t.Context(), "", func(a *node.Actor) error {
				a.Coop.LooksFor = append(a.Coop.LooksFor, fmt.Sprint(i))
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	a, err := x.Profile(t.Context())
	x.must(err)
	equal(t, "changes", len(a.Coop.LooksFor), 12)
	equal(t, "updated", a.Updated, second.Add(12*time.Second))
}

func TestProfileSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	before, err := x.Profile(t.Context())
	x.must(err)
	for _, tt := range []struct {
		name  string
		spoil func(a *node.Actor)
		says  []string
	}{
		{"no name", func(a *node.Actor) { a.Name = " " }, []string{"1 to 1,000 characters"}},
		{"a long name", func(a *node.Actor) { a.Name = strings.Repeat("ñ", 1001) }, []string{"1 to 1,000 characters"}},
		{"owners", func(a *node.Actor) { a.Coop.Ownership = "investors" }, []string{"investors", "workers, multi-stakeholder"}},
		{"founding date", func(a *node.Actor) { a.Coop.Founded = "May 2011" }, []string{"May 2011", "2011-05-03"}},
		{"customer", func(a *node.Actor) { a.Coop.CustomerMix = map[string]int{"friends": 10} }, []string{"friends", "cooperatives, nonprofit"}},
		{"more than all customers", func(a *node.Actor) { a.Coop.CustomerMix = map[string]int{"public": 101} }, []string{"0 to 100", "101"}},
		{"fewer than no customers", func(a *node.Actor) { a.Coop.CustomerMix = map[string]int{"public": -1} }, []string{"0 to 100"}},
		{"accepted customer", func(a *node.Actor) { a.Coop.AcceptsCustomers = []string{"anyone"} }, []string{"anyone", "individuals"}},
		{"skill", func(a *node.Actor) { a.Coop.Skills = []node.Skill{{Key: "Maps!"}} }, []string{"Maps!", "web-engines"}},
		{"members", func(a *node.Actor) { a.Coop.Members = ptr(-1) }, []string{"below zero"}},
		{"workers", func(a *node.Actor) { a.Coop.Workers = ptr(-1) }, []string{"below zero"}},
		{"language of the summary", func(a *node.Actor) { a.Summary = []node.Text{{Lang: "_"}} }, []string{"not a language"}},
		{"language", func(a *node.Actor) { a.Coop.Languages = []string{"galego!"} }, []string{"galego!", "gl, es, en"}},
	} {
		_, err := x.SaveProfile(t.Context(), "", func(a *node.Actor) error { tt.spoil(a); return nil })
		wantError(t, err, node.Invalid, tt.says...)
	}
	sorry := errors.New("changed my mind")
	if a, err := x.SaveProfile(t.Context(), "", func(a *node.Actor) error { a.Name = "x"; return sorry }); a != nil || !errors.Is(err, sorry) {
		t.Errorf("got %v, %v", a, err)
	}
	after, err := x.Profile(t.Context())
	x.must(err)
	equal(t, "profile", after, before)
	x.wantNews()
	x.must((&node.Actor{Name: strings.Repeat("ñ", 1000)}).Validate())
}

func TestActorIsCalled(t *testing.T) {
	t.Parallel()
	a := &node.Actor{Handle: "mill", Host: "mill.example"}
	equal(t, "without a name", []string{a.Address(), a.Label()}, []string{"@mill@mill.example", "@mill@mill.example"})
	a.Name = "The Mill"
	equal(t, "with a name", a.Label(), "The Mill")
}

func TestFreeHoursGrowOld(t *testing.T) {
	t.Parallel()
	f := &node.FreeHours{Said: noon}
	equal(t, "60 days", f.Known(noon.AddDate(0, 0, 60)), true)
	equal(t, "a second more", f.Known(noon.AddDate(0, 0, 60).Add(time.Second)), false)
	equal(t, "not given", (*node.FreeHours)(nil).Known(noon), false)
	equal(t, "ownership of one that is no coop", (*node.Coop)(nil).WorkerOwned(), false)
}

func TestKnownCoops(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	trenza := x.actor("trenza.example", "trenza")
	x.actor("sea.example", "ana")
	trenza.Coop = &node.Coop{Kind: node.KindCooperative}
	trenza.Summary = []node.Text{{HTML: "<script>We weave"}}
	x.must(x.KeepActor(t.Context(), trenza))
	coops, err := x.KnownCoops(t.Context())
	x.must(err)
	var names []string
	for _, c := range coops {
		names = append(names, c.Label())
	}
	equal(t, "by name", names, []string{"The Mill", "trenza"})
	got, err := x.ActorOf(t.Context(), trenza.IRI)
	x.must(err)
	equal(t, "cleaned (HTML-1)", got.Summary[0].HTML, "We weave")
	equal(t, "key is kept", got.KeyPEM, "PEM of trenza")
	if _, err := x.ActorOf(t.Context(), "https://nobody.example/"); !node.IsNotFound(err) {
		t.Errorf("got %v", err)
	}
}

// TestOurActorIsNeverReadFromElsewhere: what has an address of ours is looked up here only (security.md 3).
func TestOurActorIsNeverReadFromElsewhere(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	before, err := x.Profile(t.Context())
	x.must(err)
	x.must(x.KeepActor(t.Context(), &node.Actor{IRI: x.Links.Actor(), Handle: "mill", Host: "mill.example", Name: "Eve", KeyPEM: "hers"}))
	after, err := x.Profile(t.Context())
	x.must(err)
	equal(t, "profile", after, before)
}
