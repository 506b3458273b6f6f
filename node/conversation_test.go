package node_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

func (x *house) conversations(q node.ConversationQuery) []*node.Conversation {
	x.Helper()
	list, err := x.Conversations(x.Context(), q)
	x.must(err)
	return list
}

// inbox gives for each post in the inbox why it is there and its state, by what it says.
func (x *house) inbox() map[string]string {
	x.Helper()
	found := map[string]string{}
	for _, c := range x.conversations(node.ConversationQuery{}) {
		for _, m := range c.Remarks {
			found[m.Object.Common().TextIn("").HTML] = string(m.Why) + " " + string(m.State)
		}
	}
	return found
}

// answer is what somebody elsewhere answers to something.
func answer(author *node.Actor, id, to, text string) *node.Post {
	p := note(author, id, text)
	p.InReplyTo = to
	return p
}

// What concerns us comes into the inbox with the reason; what does not stays out.
func TestInboxHoldsWhatConcernsUs(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	us := x.Links.Actor()
	ana, bea := x.actor("sea.example", "ana"), x.following("hill.example", "bea")
	ours := x.publish(post("Bread"))
	x.receive(create(answer(ana, "1", ours, "reply")))
	x.receive(create(answer(bea, "2", ana.IRI+"/1", "deeper")))
	mention := note(ana, "3", "mention")
	mention.Mentions, mention.To = []node.Mention{{Actor: us}}, []string{us}
	letter := note(ana, "4", "letter")
	letter.Audience, letter.To = node.Direct, []string{us}
	sent := create(note(ana, "5", "sent"))
	sent.Cc = []string{us}
	x.receive(create(mention), create(letter), sent)
	x.receive(create(note(bea, "6", "of one whom we follow")), create(answer(bea, "7", bea.IRI+"/6", "to herself")))
	equal(t, "inbox", x.inbox(), map[string]string{
		"reply": "reply unread", "deeper": "thread unread", "mention": "mention unread", "letter": "direct unread", "sent": "mention unread",
	})
	first := x.conversations(node.ConversationQuery{})
	equal(t, "conversations", len(first), 4)
	equal(t, "newest first", first[0].Remarks[0].Object.Common().TextIn("").HTML, "sent")
	equal(t, "one conversation", []any{first[3].Root, first[3].Count, first[3].Unread, first[3].Subject.Common().IRI}, []any{ours, 2, 2, ours})

	x.receive(create(answer(ana, "1", ours, "reply"))) // again
	edited := note(bea, "6", "now names us")
	edited.Mentions, edited.Updated = []node.Mention{{Actor: us}}, edited.Updated.Add(time.Second)
	x.receive(&node.Act{IRI: bea.IRI + "/u", Verb: node.Update, Actor: bea.IRI, ObjectIRI: edited.IRI, Object: edited})
	got := x.inbox()
	equal(t, "named by an edit", got["now names us"], "mention unread")
	equal(t, "after all", len(got), 6)
}

// Answering handles a remark; marking changes no more than was asked for.
func TestRemarksAreHandled(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.actor("sea.example", "ana")
	ours := x.publish(post("Bread"))
	x.receive(create(answer(ana, "1", ours, "one")), create(answer(ana, "2", ours, "two")), create(answer(ana, "3", ours, "three")))
	draft := post("Not yet")
	draft.InReplyTo, draft.Draft = ana.IRI+"/1", true
	x.publish(draft)
	equal(t, "after a draft", x.inbox()["one"], "reply unread")
	_, err := x.Edit(t.Context(), "ana", draft.ID, func(o node.Object) error { o.Common().Draft = false; return nil })
	x.must(err)
	reply := post("Yes")
	reply.InReplyTo = ana.IRI + "/2"
	x.publish(reply)
	equal(t, "inbox", x.inbox(), map[string]string{"one": "reply handled", "two": "reply handled", "three": "reply unread"})
	n, err := x.MarkRemarks(t.Context(), node.RemarkQuery{State: node.Unread}, node.Read)
	x.must(err)
	equal(t, "marked", n, 1)
	equal(t, "inbox", x.inbox(), map[string]string{"one": "reply handled", "two": "reply handled", "three": "reply read"})
	left, err := x.CountRemarks(t.Context(), node.RemarkQuery{State: node.Unread})
	x.must(err)
	equal(t, "unread", left, 0)
	_, err = x.MarkRemarks(t.Context(), node.RemarkQuery{}, "done")
	wantError(t, err, node.Invalid, "unread, read, handled")
}

// HTTP-7: what a steward hides is listed nowhere and counted nowhere, nobody is told, an edit does not bring it back,
// and unhiding does.
func TestHide(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.actor("sea.example", "ana")
	ours := x.publish(post("Bread"))
	p := answer(ana, "1", ours, "Buy my salt")
	x.receive(create(p))
	x.news()
	seen := func() [2]int {
		list, _, err := x.Objects(t.Context(), node.ObjectQuery{Thread: ours, Listed: true})
		x.must(err)
		return [2]int{len(list), x.object(ours).Common().Replies}
	}
	equal(t, "before", seen(), [2]int{1, 1})
	before := x.Generation()
	_, err := x.Hide(t.Context(), "command:ana", p.IRI, true)
	x.must(err)
	equal(t, "hidden", seen(), [2]int{0, 0})
	equal(t, "what was made ready before is made anew", x.Generation() != before, true)
	b := x.object(p.IRI).Common()
	equal(t, "kept", []any{b.HiddenBy, b.Hidden.IsZero(), b.Visible(), b.TextIn("").HTML}, []any{"command:ana", false, false, "Buy my salt"})
	equal(t, "in the inbox", x.inbox()["Buy my salt"], "reply handled")

	again := answer(ana, "1", ours, "Buy more salt")
	again.Updated = again.Updated.Add(time.Minute)
	x.receive(&node.Act{IRI: ana.IRI + "/u", Verb: node.Update, Actor: ana.IRI, ObjectIRI: again.IRI, Object: again})
	equal(t, "after an edit", seen(), [2]int{0, 0})
	equal(t, "the edit", x.object(p.IRI).Common().TextIn("").HTML, "Buy more salt")

	_, err = x.Hide(t.Context(), "command:ana", p.IRI, false)
	x.must(err)
	equal(t, "shown", seen(), [2]int{1, 1})
	equal(t, "nobody is named any more", x.object(p.IRI).Common().HiddenBy, "")
	x.wantNews() // nobody was told

	_, err = x.Hide(t.Context(), "ana", ours, true)
	wantError(t, err, node.Forbidden, "ours")
	_, err = x.Hide(t.Context(), "ana", "https://sea.example/none", true)
	wantError(t, err, node.NotFound)
	x.receive(says(ana, node.Delete, "d", p.IRI))
	_, err = x.Hide(t.Context(), "ana", p.IRI, true)
	wantError(t, err, node.Gone, "deleted")
}

func (x *house) missing() []string {
	x.Helper()
	due, err := x.Store().DueTasks(x.Context(), x.Now(), 500)
	x.must(err)
	var subjects []string
	for _, task := range due {
		if task.Kind == node.TaskParents {
			subjects = append(subjects, task.Subject)
		}
	}
	return subjects
}

// An answer that names us while what it answers is missing makes one task; what brings it joins both to our thread.
func TestMissingParents(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	us := x.Links.Actor()
	ana, bea, cid := x.actor("sea.example", "ana"), x.actor("hill.example", "bea"), x.following("lake.example", "cid")
	ours := x.publish(post("Bread"))
	first := answer(ana, "1", ours, "first")
	second := answer(bea, "2", first.IRI, "second")
	third := answer(ana, "3", second.IRI, "third")
	third.To = []string{us}
	aside := answer(cid, "4", third.IRI, "aside") // of one whom we follow, who does not name us
	x.receive(create(third), create(aside))
	equal(t, "missing", x.missing(), []string{second.IRI})
	equal(t, "inbox", x.inbox(), map[string]string{"third": "mention unread"})

	// What leads to nothing that is here is not kept, nor what is not for everybody.
	stranger := answer(bea, "9", "https://hill.example/unknown", "stranger")
	x.must(x.KeepParents(t.Context(), []node.Object{stranger}))
	closed := answer(bea, "8", ours, "closed")
	closed.Audience = node.Followers
	x.must(x.KeepParents(t.Context(), []node.Object{closed}))
	equal(t, "kept", []bool{x.known(stranger.IRI), x.known(closed.IRI)}, []bool{false, false})

	x.must(x.KeepParents(t.Context(), []node.Object{second, first}))
	equal(t, "inbox", x.inbox(), map[string]string{
		"first": "reply unread", "second": "thread unread", "third": "mention unread", "aside": "thread unread",
	})
	whole := x.conversations(node.ConversationQuery{})
	equal(t, "one thread", []any{len(whole), whole[0].Root, whole[0].Count}, []any{1, ours, 4})
	for _, p := range []*node.Post{first, second, third, aside} {
		equal(t, p.IRI, x.object(p.IRI).Common().Thread, ours)
	}

	// Nothing is fetched for what we know, for what should be here, or for what was not said to all.
	known := answer(ana, "5", first.IRI, "known")
	none := answer(ana, "6", base+"/ap/posts/aaaaaaaaaa", "none")
	letter := answer(ana, "7", "https://hill.example/secret", "letter")
	letter.Audience, letter.To = node.Direct, []string{us}
	for _, p := range []*node.Post{known, none} {
		p.To = []string{us}
	}
	x.receive(create(known), create(none), create(letter))
	equal(t, "missing", x.missing(), []string{second.IRI})
}

// LIM: strangers who name ever new parents cannot fill the list of what is to be done.
func TestMissingParentsAreBounded(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.actor("sea.example", "ana")
	for i := range 230 {
		p := answer(ana, fmt.Sprint(i), fmt.Sprint("https://far.example/", i), "Salt")
		p.To = []string{x.Links.Actor()}
		x.receive(create(p))
	}
	equal(t, "tasks", len(x.missing()), 200)
}

// Circles and chains of a thousand answers, in any order, end in one thread and do no harm.
func TestCirclesAndLongChains(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.following("sea.example", "ana")
	self := answer(ana, "s", ana.IRI+"/s", "answers itself")
	one, two := answer(ana, "c1", ana.IRI+"/c2", "circle"), answer(ana, "c2", ana.IRI+"/c1", "circle")
	x.receive(create(self), create(one), create(two))
	equal(t, "circle", x.object(one.IRI).Common().Thread, x.object(two.IRI).Common().Thread)

	const depth = 1000
	ours := x.publish(post("Bread"))
	chain := make([]*node.Post, depth)
	for i := range chain {
		to := ours
		if i > 0 {
			to = chain[i-1].IRI
		}
		chain[i] = answer(ana, fmt.Sprint("n", i), to, "deep")
		chain[i].Published = second.Add(time.Duration(i-depth) * time.Minute)
	}
	for i := range chain { // two by two in the wrong order, then what joins them
		x.receive(create(chain[i^1]))
	}
	for _, p := range chain {
		if got := x.object(p.IRI).Common().Thread; got != ours {
			t.Fatalf("%s stands in %s", p.IRI, got)
		}
	}
	back := make([]*node.Post, 300)
	for i := range back {
		to := ours
		if i > 0 {
			to = back[i-1].IRI
		}
		back[i] = answer(ana, fmt.Sprint("b", i), to, "back")
	}
	for _, p := range slices.Backward(back) { // the last word comes first
		x.receive(create(p))
	}
	for _, p := range back {
		if got := x.object(p.IRI).Common().Thread; got != ours {
			t.Fatalf("%s stands in %s", p.IRI, got)
		}
	}
	n, err := x.Count(t.Context(), node.ObjectQuery{Thread: ours, Listed: true})
	x.must(err)
	equal(t, "in the thread", n, depth+len(back))
}

// An answer is never seen by more than what it answers, by an edit neither (ORG-8).
func TestAnswerStaysAmongItsReaders(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.actor("sea.example", "ana")
	letter := note(ana, "1", "Between us")
	letter.Audience, letter.To = node.Direct, []string{x.Links.Actor()}
	x.receive(create(letter))
	reply := post("Yes")
	reply.InReplyTo = letter.IRI
	x.publish(reply)
	equal(t, "published", reply.Audience, node.Direct)
	_, err := x.Edit(t.Context(), "ana", reply.ID, func(o node.Object) error { o.Common().Audience = node.Public; return nil })
	wantError(t, err, node.Invalid, "answers")
	equal(t, "kept", x.object(reply.IRI).Common().Audience, node.Direct)
	x.receive(says(ana, node.Delete, "d", letter.IRI)) // our answer can still be mended
	_, err = x.Edit(t.Context(), "ana", reply.ID, func(o node.Object) error { o.Common().Texts[0].Source = "No"; return nil })
	x.must(err)
	if got := x.object(reply.IRI).Common().TextIn("").HTML; !strings.Contains(got, "No") {
		t.Errorf("it says %q", got)
	}
}
