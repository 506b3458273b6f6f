package node_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store/storetest"
)

// interrupted does something just before the first transaction, as another process may.
type interrupted struct {
	node.Store
	once sync.Once
	do   func()
}

func (s *interrupted) Tx(ctx context.Context, f func(node.Tx) error) error {
	s.once.Do(s.do)
	return s.Store.Tx(ctx, f)
}

// twice runs each transaction once to be taken back and once for good, as happens when the group
// breaks in which it was to be committed (decisions 7).
type twice struct {
	node.Store
	between func() // what another one does after the first run, nil for nothing
}

var errBroken = errors.New("the group broke")

func (s *twice) Tx(ctx context.Context, f func(node.Tx) error) error {
	err := s.Store.Tx(ctx, func(tx node.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		return errBroken
	})
	if !errors.Is(err, errBroken) {
		return err
	}
	if between := s.between; between != nil {
		s.between = nil
		between()
	}
	return s.Store.Tx(ctx, f)
}

// TestTransactionThatRunsTwiceHasOneEffect: a year in the life of a coop leaves the same behind, whether
// its transactions run once or twice.
func TestTransactionThatRunsTwiceHasOneEffect(t *testing.T) {
	t.Parallel()
	once := aYear(newHouse(t))
	again := aYear(houseOn(t, &twice{Store: storetest.Open(t)}))
	for i := range max(len(once), len(again)) {
		if i >= len(once) || i >= len(again) || once[i] != again[i] {
			t.Fatalf("line %d of %d and %d:\n once %q\ntwice %q", i, len(once), len(again), once[min(i, len(once)-1)], again[min(i, len(again)-1)])
		}
	}
	if len(once) < 40 {
		t.Errorf("the year had only %d lines", len(once))
	}
}

// aYear does everything that a node can do and tells what is left, with ids in the order in which they
// were drawn.
func aYear(x *house) []string {
	x.Helper()
	ctx := x.Context()
	must := func(_ any, err error) { x.Helper(); x.must(err) }
	ana, bea := x.following("sea.example", "ana"), x.followedBy("hill.example", "bea")
	cai := x.actor("new.example", "cai")
	must(x.SaveProfile(ctx, "ana", func(a *node.Actor) error { a.Coop.LooksFor = append(a.Coop.LooksFor, "partners"); return nil }))

	house := x.publish(project("A house"))
	o := fullOpening()
	o.Project, o.Tags = house, []string{"#roof"}
	iri := x.publish(o)
	draft := post("Bread")
	draft.Draft = true
	x.publish(draft)
	must(x.Edit(ctx, "", draft.IRI, func(o node.Object) error {
		o.Common().Draft = false
		o.Common().Texts[0].Source += " & salt"
		return nil
	}))
	must(x.SetOpeningStatus(ctx, "", iri, node.Open, node.Part{Actor: bea.IRI, Quantity: node.Quantity{Number: 40, Unit: node.Hours}}))
	must(x.SetOpeningStatus(ctx, "", iri, node.Filled, node.Part{Actor: cai.IRI}))
	must(x.SetOpeningStatus(ctx, "", iri, node.Open))
	late := opening("Soon over")
	late.Closes = second.Add(time.Hour)
	x.publish(late)

	question := note(ana, "1", "How?<script>")
	x.receive(create(question))
	answer := post("So")
	answer.InReplyTo = question.IRI
	x.publish(answer)
	reply := note(cai, "2", "Thanks<script>")
	reply.InReplyTo = answer.IRI
	x.receive(create(reply), create(reply))
	x.receive(says(cai, node.Like, "l", iri), says(bea, node.Announce, "a", iri), says(cai, node.Like, "l2", iri))
	x.receive(&node.Act{IRI: bea.IRI + "/u", Verb: node.Undo, Actor: bea.IRI, Inner: &node.Act{IRI: bea.IRI + "/a"}})
	shared := create(note(bea, "9", "Shared<script>"))
	shared.IRI, shared.Verb, shared.Actor = ana.IRI+"/share", node.Announce, ana.IRI
	x.receive(shared)
	x.receive(update(ana, "1", "How so?", second), says(cai, node.Follow, "f", x.Links.Actor()), says(cai, node.Follow, "f", x.Links.Actor()))
	must(x.Follow(ctx, "", cai))
	x.receive(&node.Act{IRI: cai.IRI + "/acc", Verb: node.Accept, Actor: cai.IRI, Inner: &node.Act{Verb: node.Follow, Actor: x.Links.Actor(), ObjectIRI: cai.IRI}})
	x.must(x.KeepFound(ctx, create(note(cai, "3", "Found<script>"))))
	x.must(x.Fetched(ctx, iri, cai.IRI))
	x.pass(2 * time.Hour)
	must(x.Expire(ctx))
	x.receive(&node.Act{IRI: ana.IRI + "/d", Verb: node.Delete, Actor: ana.IRI, ObjectIRI: question.IRI})
	x.must(x.Delete(ctx, "", iri))
	x.must(x.AnswerFollower(ctx, "", bea.IRI, false))
	x.must(x.Unfollow(ctx, "", ana.IRI))
	x.must(x.ActorGone(ctx, bea.IRI))

	lines := x.everything()
	for _, e := range x.timeline() {
		lines = append(lines, fmt.Sprint(e.ObjectIRI, e.Actor, e.Verb, e.At, e.SharedBy))
	}
	objects, _, err := x.Objects(ctx, node.ObjectQuery{Deleted: true, Limit: 200})
	x.must(err)
	for _, o := range objects {
		b := *o.Common()
		b.Raw = nil
		lines = append(lines, fmt.Sprintf("%+v", b))
		if o, ok := o.(*node.Opening); ok {
			lines = append(lines, fmt.Sprint(o.Status, o.Available, o.FilledBy))
		}
	}
	return named(x, lines)
}

// named writes the random ids in lines as numbers, and sorts what no order was promised for.
func named(x *house, lines []string) []string {
	acts := x.acts(node.ActQuery{})
	slices.Reverse(acts)
	var pairs []string
	for i, s := range acts {
		for _, iri := range []string{strings.TrimSuffix(s.ID, "/create"), s.ObjectIRI} {
			if id := iri[strings.LastIndex(iri, "/")+1:]; node.IsID(id) {
				pairs = append(pairs, id, fmt.Sprintf("#%03d", i))
			}
		}
		pairs = append(pairs, fmt.Sprint("Seq:", s.Seq), "Seq:?")
	}
	r := strings.NewReplacer(pairs...)
	for i := range lines {
		lines[i] = r.Replace(lines[i])
	}
	slices.Sort(lines)
	return lines
}

// TestEditThatFindsItPublishedMeanwhile: between two runs somebody else publishes the draft.
func TestEditThatFindsItPublishedMeanwhile(t *testing.T) {
	t.Parallel()
	s := &twice{Store: storetest.Open(t)}
	x := houseOn(t, s)
	p := post("Bread")
	p.Draft = true
	iri := x.publish(p)
	publish := func(o node.Object) error { o.Common().Draft = false; return nil }
	s.between = func() {
		_, err := x.Edit(t.Context(), "bea", iri, publish)
		x.must(err)
	}
	_, err := x.Edit(t.Context(), "ana", iri, publish)
	x.must(err)
	news := x.wantNews(node.Create, node.Update)
	equal(t, "who", []string{news[0].By, news[1].By}, []string{"bea", "ana"})
	if news[1].ID == news[0].ID {
		t.Errorf("both acts are %s", news[0].ID)
	}
	equal(t, "updated", []time.Time{news[1].Object.Updated, x.object(iri).Common().Updated}, []time.Time{second.Add(time.Second), second.Add(time.Second)})
}

// TestFollowThatFindsItRejectedMeanwhile: what the first run saw is not what counts.
func TestFollowThatFindsItRejectedMeanwhile(t *testing.T) {
	t.Parallel()
	s := &twice{Store: storetest.Open(t)}
	x := houseOn(t, s)
	ana := x.following("sea.example", "ana")
	s.between = func() { x.must(x.Unfollow(t.Context(), "", ana.IRI)) }
	f, err := x.Follow(t.Context(), "", ana)
	x.must(err)
	equal(t, "state", []node.FollowState{f.State, x.followed(ana.IRI).State}, []node.FollowState{node.Pending, node.Pending})
	x.wantNews(node.Undo, node.Follow)
}
