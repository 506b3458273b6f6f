package node_test

import (
	"slices"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// TestOpeningIsPinnedWhileItIsOpen: Add and Remove on featured follow what is said of an opening, and so
// does what its project seeks (decisions 25).
func TestOpeningIsPinnedWhileItIsOpen(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	x.followedBy("hill.example", "cai")
	reader := x.actor("sea.example", "ana")
	house := x.publish(project("A house"))
	o := opening("Roofer wanted")
	o.Project, o.Closes = house, second.Add(time.Hour)
	x.news()

	iri := x.publish(o)
	seeking := func(when string, want bool) {
		t.Helper()
		kept := x.object(house).(*node.Project)
		equal(t, when+": sought", slices.Contains(kept.Seeking, iri), want)
		equal(t, when+": in the document", slices.Contains(x.document(house).Seeking, iri), want)
		for _, s := range x.acts(node.ActQuery{Outbox: true, Object: house}) {
			equal(t, when+": in the outbox", slices.Contains(s.Object.Seeking, iri), want)
		}
		equal(t, when+": no edit (decisions 15)", kept.Updated, second)
	}
	pinned := func(s said) {
		t.Helper()
		equal(t, "about", []string{s.ObjectIRI, s.Target}, []string{iri, base + "/ap/coop/featured"})
		equal(t, "heard by", s.Inboxes, []string{"https://hill.example/inbox"})
		equal(t, "public", s.To, []string{node.PublicIRI})
	}
	pinned(x.wantNews(node.Create, node.Add)[1])
	seeking("open", true)
	x.receive(says(reader, node.Like, "like", iri)) // readers hear of the opening, not of the pin

	status := func(s node.Status) {
		t.Helper()
		x.pass(time.Minute)
		_, err := x.SetOpeningStatus(t.Context(), "ana", iri, s)
		x.must(err)
	}
	for _, step := range []struct {
		status node.Status
		said   []node.Verb
		open   bool
	}{
		{node.Paused, []node.Verb{node.Update, node.Remove}, false},
		{node.Withdrawn, []node.Verb{node.Update}, false},
		{node.Open, []node.Verb{node.Update, node.Add}, true},
		{node.Open, []node.Verb{node.Update}, true},
		{node.Filled, []node.Verb{node.Update, node.Remove}, false},
		{node.Open, []node.Verb{node.Update, node.Add}, true},
	} {
		status(step.status)
		news := x.wantNews(step.said...)
		equal(t, "Update carries the status", news[0].Object.Status, string(step.status))
		equal(t, "Update is heard by", news[0].Inboxes, []string{"https://hill.example/inbox", "https://sea.example/inbox"})
		if len(news) > 1 {
			pinned(news[1])
		}
		seeking(string(step.status), step.open)
	}

	x.pass(time.Hour)
	equal(t, "expired", x.expire(), 1)
	pinned(x.wantNews(node.Update, node.Remove)[1])
	seeking("expired", false)

	x.must(x.Delete(t.Context(), "", iri))
	x.wantNews(node.Delete)
}

func (x *house) expire() int {
	x.Helper()
	n, err := x.Expire(x.Context())
	x.must(err)
	return n
}

func TestOpeningThatIsNotForEverybodyIsNotPinned(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	house := x.publish(project("A house"))
	x.news()
	some := opening("For members")
	some.Audience, some.Project = node.Followers, house
	iri := x.publish(some)
	x.wantNews(node.Create)
	_, err := x.Edit(t.Context(), "", house, func(node.Object) error { return nil })
	x.must(err)
	x.wantNews(node.Update)
	equal(t, "sought", len(x.document(house).Seeking), 0)
	_, err = x.Edit(t.Context(), "", iri, func(o node.Object) error { o.Common().Audience = node.Public; return nil })
	x.must(err)
	x.wantNews(node.Update, node.Add)
	equal(t, "sought", x.document(house).Seeking, []string{iri})
}

// TestProjectSeeksOnlyOurOpenings: others may name it, but what it seeks is ours to say.
func TestProjectSeeksOnlyOurOpenings(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	house := x.publish(project("A house"))
	theirs := &node.Opening{Base: note(x.following("sea.example", "ana"), "1", "Theirs").Base, Kind: node.Job, Status: node.Open}
	theirs.Type, theirs.Project = node.TypeOpening, house
	x.receive(create(theirs))
	ours := opening("Roofer wanted")
	ours.Project = house
	x.publish(ours)
	equal(t, "what it seeks", x.document(house).Seeking, []string{ours.IRI})
}

func TestOpeningThatMovesToAnotherProject(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	one, two := project("One"), project("Two")
	x.publish(one)
	x.publish(two)
	o := opening("Roofer wanted")
	o.Project = one.ID // by its short name
	iri := x.publish(o)
	equal(t, "project", x.object(iri).Common().Project, one.IRI)
	x.news()
	_, err := x.Edit(t.Context(), "", iri, func(o node.Object) error { o.Common().Project = two.URL; return nil })
	x.must(err)
	x.wantNews(node.Update)
	equal(t, "project", x.object(iri).Common().Project, two.IRI)
	equal(t, "one seeks", len(x.document(one.IRI).Seeking), 0)
	equal(t, "two seeks", x.document(two.IRI).Seeking, []string{iri})

	x.must(x.Delete(t.Context(), "", iri))
	x.wantNews(node.Remove, node.Delete)
	equal(t, "two seeks after the Delete", len(x.document(two.IRI).Seeking), 0)
}

func TestProjectOfAnOpeningMustBeOne(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	for _, tt := range []struct {
		name, project string
		kind          node.Kind
	}{
		{"an unknown id", "aaaaaaaaaa", node.NotFound},
		{"an unknown one of ours", base + "/ap/projects/aaaaaaaaaa", node.NotFound},
		{"a post", x.publish(post("Bread")), node.Invalid},
		{"words", "the house", node.NotFound},
	} {
		o := opening("Roofer wanted")
		o.Project = tt.project
		err := x.Publish(t.Context(), "", o)
		wantError(t, err, tt.kind, "id or the address")
		equal(t, tt.name+": kept", x.known(o.IRI), false)
	}
	o := opening("Roofer wanted")
	o.Project = "https://trenza.example/ap/projects/bbbbbbbbbb" // of a coop that this node need not know
	x.publish(o)
	equal(t, "project", x.object(o.IRI).Common().Project, "https://trenza.example/ap/projects/bbbbbbbbbb")
}

func TestDeletedProjectStaysDeleted(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	house := x.publish(project("A house"))
	o := opening("Roofer wanted")
	o.Project = house
	iri := x.publish(o)
	x.must(x.Delete(t.Context(), "", house))
	_, err := x.SetOpeningStatus(t.Context(), "", iri, node.Paused)
	x.must(err)
	equal(t, "document", x.document(house).Type, "Tombstone")
	equal(t, "in the outbox", len(x.acts(node.ActQuery{Outbox: true, Object: house})), 0)
}

// TestProjectOfAnotherCoopIsNotOursToChange, though an opening of ours may name it.
func TestProjectOfAnotherCoopIsNotOursToChange(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	theirs := &node.Project{Base: note(x.following("sea.example", "ana"), "1", "Their house").Base, Status: node.Active, Seeking: []string{"https://sea.example/o"}}
	theirs.Type, theirs.Raw = node.TypeProject, []byte(`{"theirs":true}`)
	x.receive(create(theirs))
	before := x.object(theirs.IRI)
	o := opening("Roofer wanted")
	o.Project = theirs.IRI
	x.publish(o)
	equal(t, "project", x.object(theirs.IRI), before)
}

func TestDraftProjectIsNotPublishedByItsOpenings(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	p := project("Not yet")
	p.Draft = true
	o := opening("Roofer wanted")
	o.Project = x.publish(p)
	x.publish(o)
	x.wantNews(node.Create, node.Add)
	equal(t, "still a draft", x.object(p.IRI).Common().Draft, true)
	equal(t, "what it seeks", x.document(p.IRI).Seeking, []string{o.IRI})
}

func TestExpireClosesWhatIsOver(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	x.followedBy("hill.example", "cai")
	at := func(title string, closes time.Duration, draft bool) string {
		o := opening(title)
		o.Draft = draft
		if closes != 0 {
			o.Closes = second.Add(closes)
		}
		return x.publish(o)
	}
	over, later, never, draft := at("over", time.Minute, false), at("later", time.Hour, false), at("never", 0, false), at("draft", time.Minute, true)
	paused := at("paused", time.Minute, false)
	_, err := x.SetOpeningStatus(t.Context(), "", paused, node.Paused)
	x.must(err)
	foreign := &node.Opening{Base: note(x.following("sea.example", "ana"), "1", "theirs").Base, Kind: node.Job, Status: node.Open, Closes: second.Add(time.Minute)}
	foreign.Type = node.TypeOpening
	x.receive(create(foreign))
	x.news()

	x.clock.Store(second.Add(time.Minute - time.Nanosecond).UnixNano())
	equal(t, "a moment before", x.expire(), 0)
	x.clock.Store(second.Add(time.Minute).UnixNano())
	equal(t, "at the deadline", x.expire(), 1)
	equal(t, "again", x.expire(), 0)
	u := x.wantNews(node.Update, node.Remove)[0]
	equal(t, "Update", []any{u.ObjectIRI, u.Object.Status, u.By, len(u.Inboxes)}, []any{over, "expired", "deadline", 1})
	for iri, want := range map[string]node.Status{later: node.Open, never: node.Open, draft: node.Open, paused: node.Paused, foreign.IRI: node.Open} {
		equal(t, x.object(iri).Common().Title(), x.object(iri).(*node.Opening).Status, want)
	}
}

func TestExpireGoesOnWhenOneFails(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	var iris []string
	for range 3 {
		o := opening("Baker")
		o.Closes = second.Add(time.Minute)
		iris = append(iris, x.publish(o))
	}
	// One that an older program kept and this one would not.
	x.write(func(tx node.Tx) error {
		o, err := tx.LockObject(x.Context(), iris[1])
		x.must(err)
		o.(*node.Opening).Kind = "consortium"
		return tx.SaveObject(x.Context(), o)
	})
	x.pass(time.Hour)
	n, err := x.Expire(t.Context())
	equal(t, "expired", n, 2)
	wantError(t, err, node.Invalid, "consortium")
}

// TestExpireLeavesWhatWasChangedMeanwhile: between the look and the change somebody moves the deadline.
func TestExpireLeavesWhatWasChangedMeanwhile(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	o := opening("Baker")
	o.Closes = second.Add(time.Minute)
	iri := x.publish(o)
	gone := opening("Miller")
	gone.Closes = o.Closes
	x.publish(gone)
	x.news()
	x.pass(time.Hour)
	late := &interrupted{Store: x.Store(), do: func() {
		_, err := x.Edit(t.Context(), "", iri, func(o node.Object) error { o.(*node.Opening).Closes = second.Add(3 * time.Hour); return nil })
		x.must(err)
		x.must(x.Delete(t.Context(), "", gone.IRI))
	}}
	n, err := node.New(t.Context(), late, encoders, node.Options{Now: x.Now})
	x.must(err)
	count, err := n.Expire(t.Context())
	x.must(err)
	equal(t, "expired", count, 0)
	equal(t, "status", x.object(iri).(*node.Opening).Status, node.Open)
	x.wantNews(node.Update, node.Remove, node.Delete)
}
