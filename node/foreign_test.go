package node_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store/storetest"
)

// TestReceiveCreate: what comes is kept only for a reason.
func TestReceiveCreate(t *testing.T) {
	t.Parallel()
	const us = base + "/ap/coop"
	for _, tt := range []struct {
		name string
		make func(x *house) *node.Act
		kept bool
	}{
		{"from one whom we follow", func(x *house) *node.Act { return create(note(x.following("sea.example", "ana"), "1", "Salt")) }, true},
		{"from one who has not accepted us", func(x *house) *node.Act {
			ana := x.actor("sea.example", "ana")
			_, err := x.Follow(x.Context(), "", ana)
			x.must(err)
			return create(note(ana, "1", "Salt"))
		}, false},
		{"from one who rejected us", func(x *house) *node.Act {
			ana := x.following("sea.example", "ana")
			x.receive(&node.Act{IRI: ana.IRI + "/r", Verb: node.Reject, Actor: ana.IRI, Inner: &node.Act{Verb: node.Follow, Actor: us, ObjectIRI: ana.IRI}})
			return create(note(ana, "1", "Salt"))
		}, false},
		{"from a follower of ours", func(x *house) *node.Act { return create(note(x.followedBy("sea.example", "ana"), "1", "Salt")) }, false},
		{"from a stranger", func(x *house) *node.Act { return create(note(x.actor("sea.example", "ana"), "1", "Salt")) }, false},
		{"an answer to ours", func(x *house) *node.Act {
			p := note(x.actor("sea.example", "ana"), "1", "Salt")
			p.InReplyTo = x.publish(post("Bread"))
			return create(p)
		}, true},
		{"an answer to the page of ours", func(x *house) *node.Act {
			ours := post("Bread")
			x.publish(ours)
			p := note(x.actor("sea.example", "ana"), "1", "Salt")
			p.InReplyTo = ours.URL
			return create(p)
		}, true},
		{"an answer to an answer to ours", func(x *house) *node.Act {
			first := note(x.actor("sea.example", "ana"), "1", "Salt")
			first.InReplyTo = x.publish(post("Bread"))
			x.receive(create(first))
			p := note(x.actor("hill.example", "bea"), "2", "Fish")
			p.InReplyTo = first.IRI
			return create(p)
		}, true},
		{"an answer to something deleted", func(x *house) *node.Act {
			ours := x.publish(post("Bread"))
			x.must(x.Delete(x.Context(), "", ours))
			p := note(x.actor("sea.example", "ana"), "1", "Salt")
			p.InReplyTo = ours
			return create(p)
		}, false},
		{"an answer to a draft", func(x *house) *node.Act {
			ours := post("Bread")
			ours.Draft = true
			p := note(x.actor("sea.example", "ana"), "1", "Salt")
			p.InReplyTo = x.publish(ours)
			return create(p)
		}, false},
		{"an answer to something of those whom we follow", func(x *house) *node.Act {
			theirs := note(x.following("hill.example", "bea"), "1", "Fish")
			x.receive(create(theirs))
			p := note(x.actor("sea.example", "ana"), "1", "Salt")
			p.InReplyTo = theirs.IRI
			return create(p)
		}, false},
		{"an answer to something unknown", func(x *house) *node.Act {
			p := note(x.actor("sea.example", "ana"), "1", "Salt")
			p.InReplyTo = base + "/ap/posts/aaaaaaaaaa"
			return create(p)
		}, false},
		{"addressed to us by the act", func(x *house) *node.Act {
			a := create(note(x.actor("sea.example", "ana"), "1", "Salt"))
			a.To, a.Cc = []string{node.PublicIRI}, []string{us}
			return a
		}, true},
		{"addressed to us by the object", func(x *house) *node.Act {
			p := note(x.actor("sea.example", "ana"), "1", "Salt")
			p.Audience, p.To = node.Direct, []string{us}
			return create(p)
		}, true},
		{"an opening of a stranger, addressed to us", func(x *house) *node.Act {
			o := &node.Opening{Base: note(x.actor("sea.example", "ana"), "1", "Salt").Base, Kind: node.Job, Status: node.Open}
			o.Type, o.To = node.TypeOpening, []string{us}
			return create(o)
		}, false},
		{"a project of a stranger that answers ours", func(x *house) *node.Act {
			p := &node.Project{Base: note(x.actor("sea.example", "ana"), "1", "Salt").Base, Status: node.Active}
			p.Type, p.InReplyTo = node.TypeProject, x.publish(post("Bread"))
			return create(p)
		}, false},
		{"written by somebody else", func(x *house) *node.Act {
			a := create(note(x.actor("hill.example", "bea"), "1", "Salt"))
			a.Actor = x.following("sea.example", "ana").IRI
			return a
		}, false},
		{"with an address of ours", func(x *house) *node.Act {
			p := note(x.following("sea.example", "ana"), "1", "Salt")
			p.IRI = base + "/ap/posts/aaaaaaaaaa"
			return create(p)
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x := newHouse(t)
			a := tt.make(x)
			x.receive(a)
			equal(t, "kept", x.known(a.ObjectIRI), tt.kept)
		})
	}
	x := newHouse(t)
	x.receive(&node.Act{IRI: "https://sea.example/c", Verb: node.Create, Actor: x.following("sea.example", "ana").IRI, ObjectIRI: "https://sea.example/o"})
	equal(t, "an object that could not be read", x.known("https://sea.example/o"), false)
}

func TestReceiveCreateTwiceCountsOnce(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.following("sea.example", "ana")
	a := create(note(ana, "1", "<p>Salt<script></p>"))
	x.receive(a)
	o := x.object(a.ObjectIRI).(*node.Post)
	equal(t, "id, ours", []any{o.ID, o.Local}, []any{node.RemoteID(o.IRI), false})
	equal(t, "received", o.Received, x.Now())
	equal(t, "cleaned when stored (HTML-1)", o.Texts, []node.Text{{HTML: "<p>Salt</p>"}})

	x.pass(time.Hour)
	changed := create(note(ana, "1", "<p>Sugar</p>")) // the same id with another body
	changed.Object.Common().Updated = second
	x.receive(changed)
	other := create(note(ana, "1", "<p>Pepper</p>")) // another id with the same object
	other.IRI += "-2"
	x.receive(other)
	again := x.object(a.ObjectIRI)
	equal(t, "after it came again", again.Common().Texts, o.Texts)
	n, err := x.Count(t.Context(), node.ObjectQuery{Type: node.TypePost})
	x.must(err)
	equal(t, "objects and timeline", []int{n, len(x.timeline())}, []int{1, 1})
	x.wantNews()
}

func TestReceiveOpeningAndProject(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.following("sea.example", "ana")
	o := &node.Opening{Base: note(ana, "o", "<script>Baker wanted").Base, Kind: "consortium", Status: node.Open, Skills: []node.Skill{{Key: "baking"}}}
	o.Type = node.TypeOpening
	p := &node.Project{Base: note(ana, "p", "<script>A house").Base, Status: node.Active,
		Description: []node.Text{{HTML: "<script>long", Source: "long"}}, Lessons: []node.Text{{HTML: "<script>late"}}}
	p.Type = node.TypeProject
	x.receive(create(o), create(p))
	got := x.object(o.IRI).(*node.Opening)
	equal(t, "opening: unknown values stay as they are (vocabulary 2.11)", []any{got.Kind, got.Texts[0].HTML, got.Skills}, []any{o.Kind, "Baker wanted", o.Skills})
	project := x.object(p.IRI).(*node.Project)
	equal(t, "project", [][]node.Text{project.Texts, project.Description, project.Lessons}, [][]node.Text{{{HTML: "A house"}}, {{HTML: "long"}}, {{HTML: "late"}}})
	open, _, err := x.Objects(t.Context(), node.ObjectQuery{OpenAt: x.Now(), Skill: "baking"})
	x.must(err)
	equal(t, "known openings", len(open), 1)
}

// TestTimesThatCannotBe are replaced by that of arrival, so that nothing stands above all others (JSON-5).
func TestTimesThatCannotBe(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.following("sea.example", "ana")
	now := x.Now()
	for i, tt := range []struct {
		name            string
		published, want time.Time
	}{
		{"a minute ago", second.Add(-time.Minute), second.Add(-time.Minute)},
		{"an hour ahead", second.Add(time.Hour), now},
		{"in a hundred years", second.AddDate(100, 0, 0), now},
		{"before the net", time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC), now},
		{"not given", time.Time{}, now},
	} {
		p := note(ana, fmt.Sprint(i), tt.name)
		p.Published, p.Updated = tt.published, tt.published
		x.receive(create(p))
		equal(t, tt.name, x.object(p.IRI).Common().Published, tt.want)
		for _, e := range x.timeline() {
			if e.ObjectIRI == p.IRI {
				equal(t, tt.name+" in the timeline", e.At, tt.want)
			}
		}
	}
	// One that says it was changed in a hundred years can still be changed.
	p := note(ana, "late", "Salt")
	p.Updated = second.AddDate(100, 0, 0)
	x.receive(create(p))
	x.pass(time.Hour)
	x.receive(update(ana, "late", "Sugar", second.Add(time.Hour)))
	equal(t, "changed", x.object(p.IRI).Common().TextIn("").HTML, "Sugar")
}

// update is the letter that says a note was changed at a time.
func update(author *node.Actor, id, text string, at time.Time) *node.Act {
	p := note(author, id, text)
	p.Updated = at
	return &node.Act{IRI: fmt.Sprint(p.IRI, "/update/", at.Unix()), Verb: node.Update, Actor: author.IRI, ObjectIRI: p.IRI, Object: p, To: []string{node.PublicIRI}, Published: at}
}

func TestReceiveUpdate(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana, eve := x.following("sea.example", "ana"), x.following("sea.example", "eve") // of one server
	ours := x.publish(post("Bread"))
	first := note(ana, "1", "Salt")
	first.InReplyTo = ours
	x.receive(create(first))
	before := x.object(first.IRI).Common()
	text := func() string { return x.object(first.IRI).Common().TextIn("").HTML }

	x.pass(time.Hour)
	x.receive(update(ana, "1", "Sugar<script>", second.Add(10*time.Second)))
	equal(t, "changed and cleaned", text(), "Sugar")
	after := x.object(first.IRI).Common()
	equal(t, "where it stands", []any{after.ID, after.Published, after.Received, after.InReplyTo, after.Thread},
		[]any{before.ID, before.Published, before.Received, ours, ours})
	x.receive(update(ana, "1", "Pepper", second.Add(9*time.Second)))
	equal(t, "an older Update", text(), "Sugar")
	same := update(ana, "1", "Honey", second.Add(10*time.Second))
	same.IRI += "-2"
	x.receive(same)
	equal(t, "an Update with the same time", text(), "Honey")

	theft := update(ana, "1", "Mine", second.Add(time.Hour))
	theft.Actor = eve.IRI
	x.receive(theft)
	equal(t, "by somebody who does not own it", text(), "Honey")
	theft = update(ana, "1", "Mine", second.Add(time.Hour))
	theft.IRI, theft.Actor, theft.Object.Common().Actor = theft.IRI+"-2", eve.IRI, eve.IRI
	x.receive(theft)
	equal(t, "by somebody who says it is his", []string{text(), x.object(first.IRI).Common().Actor}, []string{"Honey", ana.IRI})
	stolen := create(note(ana, "1", "Mine"))
	stolen.IRI, stolen.Actor, stolen.Object.Common().Actor = "https://sea.example/c", eve.IRI, eve.IRI
	stolen.Object.Common().Updated = second.Add(time.Hour)
	x.receive(stolen)
	equal(t, "by a Create of somebody else", text(), "Honey")

	hostile := update(eve, "x", "Mine", second.Add(time.Hour))
	hostile.Object.Common().IRI, hostile.ObjectIRI = ours, ours
	x.receive(hostile)
	equal(t, "of ours", x.object(ours).Common().TextIn("").HTML, "<p>Bread</p>")

	unknown := update(ana, "2", "Fish", second)
	x.receive(unknown)
	equal(t, "of one that we do not hold, from one whom we follow", x.known(unknown.ObjectIRI), true)
	equal(t, "stands in the timeline as", x.timeline()[0].Verb, node.Create)
	unwanted := update(x.actor("new.example", "new"), "1", "Spam", second)
	x.receive(unwanted)
	equal(t, "of one that we do not hold, from a stranger", x.known(unwanted.ObjectIRI), false)
	x.receive(&node.Act{IRI: ana.IRI + "/u", Verb: node.Update, Actor: ana.IRI, ObjectIRI: first.IRI})
	equal(t, "of nothing that could be read", text(), "Honey")

	x.receive(&node.Act{IRI: ana.IRI + "/d", Verb: node.Delete, Actor: ana.IRI, ObjectIRI: first.IRI})
	x.receive(update(ana, "1", "Back", second.Add(2*time.Hour)))
	equal(t, "after its Delete", x.known(first.IRI), false)
}

func TestReceiveDelete(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana, eve := x.following("sea.example", "ana"), x.actor("sea.example", "eve") // of one server
	far := x.actor("eve.example", "far")
	remove := func(who *node.Actor, iri string) {
		x.receive(&node.Act{IRI: who.IRI + "/delete/" + iri, Verb: node.Delete, Actor: who.IRI, ObjectIRI: iri})
	}
	ours, theirs := x.publish(post("Bread")), note(ana, "1", "Salt")
	theirs.Tags, theirs.InReplyTo = []string{"salt"}, ours
	x.receive(create(theirs))
	for _, who := range []*node.Actor{eve, far} {
		remove(who, theirs.IRI)
		remove(who, ours)
	}
	equal(t, "deleted by strangers", []bool{x.known(theirs.IRI), x.known(ours)}, []bool{true, true})

	x.pass(time.Hour)
	remove(ana, theirs.IRI)
	left := x.object(theirs.IRI).(*node.Post)
	equal(t, "when", left.Deleted, x.Now())
	equal(t, "what it said", []any{left.Texts, left.Tags, left.Raw}, []any{[]node.Text(nil), []string(nil), []byte(nil)})
	equal(t, "timeline, answers", []int{len(x.timeline()), x.object(ours).Common().Replies}, []int{0, 0})
	again := create(note(ana, "1", "Salt"))
	again.IRI += "-2"
	x.receive(again)
	equal(t, "a Create after the Delete (Q-4)", x.known(theirs.IRI), false)
	at := left.Deleted
	x.pass(time.Hour)
	x.receive(&node.Act{IRI: ana.IRI + "/delete/again", Verb: node.Delete, Actor: ana.IRI, ObjectIRI: theirs.IRI})
	equal(t, "when, deleted twice", x.object(theirs.IRI).Common().Deleted, at)

	// The Delete may come before what it deletes; strangers cannot use that.
	early := note(ana, "2", "Fish")
	remove(ana, early.IRI)
	x.receive(create(early))
	equal(t, "a Create after an early Delete", x.known(early.IRI), false)
	announced := create(note(ana, "2", "Fish"))
	announced.IRI, announced.Verb, announced.Actor = eve.IRI+"/a", node.Announce, x.following("hill.example", "bea").IRI
	x.receive(announced)
	equal(t, "an Announce after an early Delete", x.known(early.IRI), false)
	kept := note(ana, "3", "Oil")
	remove(eve, kept.IRI)
	remove(far, kept.IRI)
	x.receive(create(kept))
	equal(t, "a Create after an early Delete by a stranger", x.known(kept.IRI), true)
	x.wantNews(node.Create) // ours
}

// TestThreadFindsItsRoot, in whatever order its parts arrive.
func TestThreadFindsItsRoot(t *testing.T) {
	t.Parallel()
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {0, 3, 1, 2}, {2, 0, 3, 1}} {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			t.Parallel()
			x := newHouse(t)
			parts := make([]*node.Post, 4)
			for i := range parts {
				parts[i] = note(x.following(fmt.Sprintf("h%d.example", i), "a"), "p", fmt.Sprint("part ", i))
				parts[i].Published = second.Add(time.Duration(i-10) * time.Minute)
				if i > 0 {
					parts[i].InReplyTo = parts[i-1].IRI
				}
			}
			for _, i := range order {
				x.receive(create(parts[i]))
			}
			ours := post("Now we")
			ours.InReplyTo = parts[3].IRI
			x.publish(ours)
			thread, _, err := x.Objects(t.Context(), node.ObjectQuery{Thread: parts[0].IRI})
			x.must(err)
			var got []string
			for _, o := range thread {
				got = append(got, o.Common().IRI)
			}
			equal(t, "thread", got, []string{parts[1].IRI, parts[2].IRI, parts[3].IRI, ours.IRI})
			equal(t, "answers to the root", x.object(parts[0].IRI).Common().Replies, 1)
		})
	}
}

// TestOurAnswerStaysInTheThread when what stands between it and the root comes last.
func TestOurAnswerStaysInTheThread(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana, bea := x.following("sea.example", "ana"), x.following("hill.example", "bea")
	root, middle, end := note(ana, "1", "root"), note(bea, "2", "middle"), note(ana, "3", "end")
	middle.InReplyTo, end.InReplyTo = root.IRI, middle.IRI
	x.receive(create(root), create(end))
	var ours []string
	for _, draft := range []bool{false, true, false} {
		p := post("We")
		p.InReplyTo, p.Draft = end.IRI, draft
		ours = append(ours, x.publish(p))
	}
	x.must(x.Delete(t.Context(), "", ours[2]))
	raw := x.document(ours[0])
	x.receive(create(middle))
	for i, what := range []string{"published", "draft", "deleted"} {
		equal(t, "thread of what is "+what, x.object(ours[i]).Common().Thread, root.IRI)
	}
	equal(t, "document", x.document(ours[0]), raw)
}

func TestForeignPageIsNoProof(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana, eve := x.following("sea.example", "ana"), x.following("eve.example", "eve")
	trap := note(eve, "1", "Trap")
	trap.URL = "https://sea.example/page/1" // the page of somebody else
	x.receive(create(trap))
	p := note(ana, "2", "An answer to that page")
	p.InReplyTo = trap.URL
	x.receive(create(p))
	equal(t, "thread", x.object(p.IRI).Common().Thread, trap.URL)
}

func TestAnswerToADirectPostOfOursMakesNoReader(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana, eve := x.actor("sea.example", "ana"), x.actor("eve.example", "eve")
	secret := post("Between us")
	secret.Audience, secret.To = node.Direct, []string{ana.IRI}
	iri := x.publish(secret)
	p := note(eve, "1", "I guessed your address")
	p.InReplyTo = iri
	x.receive(create(p))
	_, err := x.Edit(t.Context(), "", iri, func(node.Object) error { return nil })
	x.must(err)
	equal(t, "Update goes to", x.wantNews(node.Create, node.Update)[1].Inboxes, []string{ana.Inbox})
}

func TestTimelineShowsWhatTheFollowedBring(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana, bea := x.following("sea.example", "ana"), x.actor("hill.example", "bea")
	public, secret := note(ana, "1", "Salt"), note(ana, "2", "For you alone")
	secret.Audience, secret.To = node.Direct, []string{x.Links.Actor()}
	asked := note(bea, "3", "A question for you")
	asked.To = []string{x.Links.Actor()}
	x.receive(create(public), create(secret), create(asked))
	equal(t, "kept", []bool{x.known(public.IRI), x.known(secret.IRI), x.known(asked.IRI)}, []bool{true, true, true})
	list := x.timeline()
	equal(t, "entries", len(list), 1)
	equal(t, "entry", []any{list[0].ObjectIRI, list[0].Actor, list[0].Verb, list[0].At, list[0].Author.Handle},
		[]any{public.IRI, ana.IRI, node.Create, public.Published, "ana"})
}

func TestKeepFound(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana, bea := x.following("sea.example", "ana"), x.actor("hill.example", "bea")
	x.must(x.KeepFound(t.Context(), create(note(ana, "1", "Salt<script>"))))
	theirs := note(bea, "1", "Fish")
	shared := create(theirs)
	shared.IRI, shared.Verb, shared.Actor = ana.IRI+"/share", node.Announce, ana.IRI
	x.must(x.KeepFound(t.Context(), shared))
	stranger := create(note(bea, "2", "Oil"))
	x.must(x.KeepFound(t.Context(), stranger))
	equal(t, "of one whom we do not follow", x.known(stranger.ObjectIRI), false)
	equal(t, "cleaned", x.object(ana.IRI+"/1").Common().TextIn("").HTML, "Salt")
	var got []string
	for _, e := range x.timeline() {
		got = append(got, e.ObjectIRI)
	}
	slices.Sort(got)
	equal(t, "timeline", got, []string{theirs.IRI, ana.IRI + "/1"})
}

// What stands on our board and in our projects is not for strangers to say: not by an edit that makes an opening of a post
// which we keep for another reason, not as what an answer answers, and not as a post that calls itself part of a project.
func TestStrangersReachNoBoard(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	eve := x.actor("sea.example", "eve")
	ours, ourProject := x.publish(post("Who can help?")), x.publish(project("Map"))
	offer := func(id, to string) *node.Opening {
		o := opening("Buy my salt")
		o.Base = note(eve, id, "<p>Salt</p>").Base
		o.Type, o.Status, o.InReplyTo = node.TypeOpening, node.Open, to
		o.Updated = o.Updated.Add(time.Minute)
		return o
	}
	first, claim := answer(eve, "1", ours, "<p>I can</p>"), answer(eve, "4", ours, "<p>I too</p>")
	claim.Project = ourProject
	x.receive(create(first), create(claim))
	edited := offer("1", ours)
	x.receive(&node.Act{IRI: eve.IRI + "/u1", Verb: node.Update, Actor: eve.IRI, ObjectIRI: edited.IRI, Object: edited})
	equal(t, "after the edit", x.object(first.IRI).Common().Type, node.TypePost)
	x.must(x.KeepParents(t.Context(), []node.Object{offer("2", ours)}))
	for what, q := range map[string]node.ObjectQuery{"board": {OpenAt: x.Now(), Listed: true}, "project": {Project: ourProject, Listed: true}} {
		list, _, err := x.Objects(t.Context(), q)
		x.must(err)
		equal(t, what, len(list), 0)
	}

	bea := x.following("hill.example", "bea") // whom we follow speaks on the board, and of our projects
	hers := note(bea, "3", "<p>With you</p>")
	hers.Project = ourProject
	x.receive(create(hers))
	equal(t, "of one whom we follow", x.object(hers.IRI).Common().Project, ourProject)
}

// A collection of followers that goes by an unusual name is known by its author's word, however often the
// transaction runs and whether the post is new or newer (decisions 7).
func TestFollowersByAnotherName(t *testing.T) {
	t.Parallel()
	x := houseOn(t, &twice{Store: storetest.Open(t)})
	ana := x.following("sea.example", "ana")
	ana.Followers = ana.IRI + "/fans"
	x.write(func(tx node.Tx) error { return tx.SaveActor(x.Context(), ana) })
	for i, text := range []string{"Salt", "More salt"} {
		p := note(ana, "1", text)
		p.Audience, p.To, p.Updated = node.Direct, []string{ana.Followers}, p.Updated.Add(time.Duration(i)*time.Second)
		a := create(p)
		a.IRI += fmt.Sprint(i)
		x.receive(a)
		kept := x.object(p.IRI).Common()
		equal(t, "audience of "+text, []any{kept.Audience, len(kept.To), kept.TextIn("").HTML}, []any{node.Followers, 0, text})
	}
}
