package activitypub_test

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// Two coops follow each other over signed HTTP: what one says, the other knows, field for field, from before the follow
// and after it, until it is deleted.
func TestTwoCoops(t *testing.T) {
	mill, bakery := aptest.NewNode(t, "mill"), aptest.NewNode(t, "bakery")
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	older := mill.Opening("An older opening")
	closed := mill.Opening("Closed before anybody came")
	_, err := mill.SetOpeningStatus(ctx, "test", closed.IRI, node.Withdrawn)
	must(err)
	_, err = mill.SaveProfile(ctx, "test", func(a *node.Actor) error {
		a.Name, a.Coop.Ownership, a.Coop.Members = "The Old Mill", "workers", given(12)
		a.Coop.CustomerMix = map[string]int{"cooperatives": 40, "public": 60}
		return nil
	})
	must(err)

	found := bakery.Follow("@mill@" + mill.Links.Host())
	profile, err := mill.Profile(ctx)
	must(err)
	if found.Name != "The Old Mill" || !reflect.DeepEqual(found.Coop, profile.Coop) {
		t.Errorf("the bakery found\n%+v, want\n%+v", found.Coop, profile.Coop)
	}
	aptest.Until(t, "the older openings are read back", func() bool { return bakery.Known(older.IRI) != nil && bakery.Known(closed.IRI) != nil })
	if got := bakery.Known(closed.IRI).(*node.Opening).Status; got != node.Withdrawn {
		t.Errorf("what was closed before is %s, want withdrawn", got)
	}

	project := &node.Project{
		Base:   node.Base{Type: node.TypeProject, Tags: []string{"maps"}, Texts: []node.Text{{Lang: "en", Title: "Open map", Source: "A map."}}},
		Status: node.Seeking, GoalHours: 1200, KindOfGood: []string{"social"},
	}
	mill.Publish(project)
	opening := mill.Opening("A map maker wanted")
	opening, err = edit(ctx, mill, opening.IRI, func(o *node.Opening) {
		o.Project, o.Kind, o.Purpose = project.IRI, node.Partner, node.Request
		o.Amount, o.Available, o.Minimum = node.Quantity{Number: 3, Unit: node.People}, node.Quantity{Number: 2, Unit: node.People}, node.Quantity{Number: 1, Unit: node.People}
		o.Budget, o.BudgetBasis = &node.Money{Currency: "ARS", Min: 1000, Max: 2500.5}, "day"
		o.Skills, o.Remote, o.TimeZones = []node.Skill{{Key: "maps", Name: "Maps"}}, true, "UTC-3/UTC+2"
		o.FilledBy = []node.Part{{Actor: bakery.Links.Actor(), Quantity: node.Quantity{Number: 1, Unit: node.People}}}
	})
	must(err)
	same := func(what string) {
		t.Helper()
		aptest.Until(t, "the bakery knows the opening "+what, func() bool {
			o := bakery.Known(opening.IRI)
			return o != nil && o.Common().Updated.Equal(opening.Updated)
		})
		got, want := *bakery.Known(opening.IRI).(*node.Opening), *opening
		if !slices.Contains(got.Tags, "coopwork") || got.Title() != want.Title() || !strings.Contains(got.Texts[0].HTML, want.Texts[0].HTML) {
			t.Errorf("%s: texts %+v, tags %v", what, got.Texts, got.Tags)
		}
		got.Base, want.Base = node.Base{Project: got.Project, Audience: got.Audience}, node.Base{Project: want.Project, Audience: want.Audience}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the bakery knows\n%+v, want\n%+v", what, got, want)
		}
	}
	same("as it was edited")
	opening, err = mill.SetOpeningStatus(ctx, "test", opening.IRI, node.Filled)
	must(err)
	same("as filled")
	aptest.Until(t, "the bakery knows the project", func() bool { return bakery.Known(project.IRI) != nil })

	// A deadline counts for the reader at its moment, whoever sleeps meanwhile (vocabulary 2.4).
	open, _, err := bakery.Objects(ctx, node.ObjectQuery{Type: node.TypeOpening, OpenAt: bakery.Now()})
	late, _, err2 := bakery.Objects(ctx, node.ObjectQuery{Type: node.TypeOpening, OpenAt: bakery.Now().Add(29 * 24 * time.Hour)})
	if err != nil || err2 != nil || len(open) != 1 || len(late) != 0 {
		t.Errorf("open now: %d, open after the deadline: %d (%v, %v), want 1 and 0", len(open), len(late), err, err2)
	}

	// A conversation: the bakery answers, the mill answers that.
	question := mill.Post("How do you pool resources?")
	aptest.Until(t, "the question arrives", func() bool { return bakery.Known(question.IRI) != nil })
	answer := &node.Post{Base: node.Base{Type: node.TypePost, InReplyTo: question.IRI, Texts: []node.Text{{Source: "By hours."}}}}
	bakery.Publish(answer)
	aptest.Until(t, "the answer stands in the thread", func() bool { return mill.Known(question.IRI).Common().Replies == 1 })
	back := &node.Post{Base: node.Base{Type: node.TypePost, InReplyTo: answer.IRI, Texts: []node.Text{{Source: "So do we."}}}}
	mill.Publish(back)
	aptest.Until(t, "the second answer comes back", func() bool { return bakery.Known(back.IRI) != nil })
	if got := bakery.Known(back.IRI).Common().Thread; got != question.IRI {
		t.Errorf("it belongs to the thread of %s, want %s", got, question.IRI)
	}

	must(mill.Delete(ctx, "test", opening.IRI))
	aptest.Until(t, "it is gone", func() bool { return !bakery.Known(opening.IRI).Common().Deleted.IsZero() })
	must(bakery.Unfollow(ctx, "test", mill.Links.Actor()))
	aptest.Until(t, "the mill has lost its follower", func() bool { return mill.FollowerState(bakery.Links.Actor()) == "" })
}

func edit(ctx context.Context, n *aptest.Node, iri string, f func(*node.Opening)) (*node.Opening, error) {
	o, err := n.Edit(ctx, "test", iri, func(o node.Object) error {
		f(o.(*node.Opening))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return o.(*node.Opening), nil
}

// A coop that looks at its followers first: they hear nothing until it has said yes, and never if it says no
// (ORG-9).
func TestFollowersWhoWait(t *testing.T) {
	d := newDesk(t)
	ana, ben := d.away.Person("ana"), d.away.Person("ben")
	if _, err := d.SaveProfile(t.Context(), "test", func(a *node.Actor) error { a.ApprovesFollowers = true; return nil }); err != nil {
		t.Fatal(err)
	}
	asks, too := ana.Do("Follow", d.Links.Actor()), ben.Do("Follow", d.Links.Actor())
	d.send(ana, asks)
	d.send(ben, too)
	first := d.Post("For those who hear us.")
	d.Delivered()
	if got := d.away.Letters(""); len(got) != 0 {
		t.Errorf("those who wait were sent %v", got)
	}
	if err := d.AnswerFollower(t.Context(), "test", ana.ID, true); err != nil {
		t.Fatal(err)
	}
	if err := d.AnswerFollower(t.Context(), "test", ben.ID, false); err != nil {
		t.Fatal(err)
	}
	d.away.Letter("Accept", asks["id"].(string))
	d.away.Letter("Reject", too["id"].(string))
	second := d.Post("And now?")
	d.away.Letter("Create", second.IRI)
	d.Delivered()
	for _, r := range d.away.Requests() {
		if r.Doc["type"] == "Create" && (aptest.ID(r.Doc["object"]) == first.IRI || r.Path == "/users/ben/inbox") {
			t.Errorf("%s got %v", r.Path, r.Doc["id"])
		}
	}
	if a, b := d.FollowerState(ana.ID), d.FollowerState(ben.ID); a != node.Accepted || b != "" {
		t.Errorf("ana is %q, ben is %q as a follower", a, b)
	}
}
