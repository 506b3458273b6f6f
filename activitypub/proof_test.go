package activitypub_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// What is announced is read at its own home, whatever copy comes along (ORG-6).
func TestAnnounceIsProved(t *testing.T) {
	d := newDesk(t)
	home := aptest.NewStranger(t, "home")
	ana, zoe := d.away.Person("ana"), home.Person("zoe")
	d.followed(ana)
	real := zoe.Note("<p>What zoe says.</p>", nil)
	id := real["id"].(string)
	forged := aptest.With(real, m{"content": "<p>What ana says that zoe says.</p>"})
	first := ana.Do("Announce", forged)
	d.send(ana, first)
	d.wantText(id, "<p>What zoe says.</p>")
	if n := home.Count(http.MethodGet, "/notes/"); n != 1 {
		t.Errorf("the home was asked %d times, want once", n)
	}
	list := d.timeline()
	if len(list) != 1 || list[0].ObjectIRI != id || list[0].Author == nil || list[0].Author.IRI != zoe.ID {
		t.Errorf("timeline: %+v, want zoe's note once", list)
	}

	// What its home does not have, what it shows to few, and what says it is another's, is not shown.
	missing := home.Base + "/notes/none"
	quiet := zoe.Note("<p>For few.</p>", m{"to": []any{zoe.ID + "/followers"}, "cc": nil})
	stolen := zoe.Note("<p>Not zoe's.</p>", m{"attributedTo": ana.ID})
	for _, what := range []any{missing, quiet["id"], stolen["id"], aptest.With(forged, m{"id": missing})} {
		d.send(ana, ana.Do("Announce", what))
	}
	if n := len(d.timeline()); n != 1 {
		t.Errorf("%d entries in the timeline, want 1", n)
	}
	// Of those whom we do not follow nothing is even fetched.
	ben := d.away.Person("ben")
	home.Forget()
	d.send(ben, ben.Do("Announce", zoe.Note("<p>Unasked.</p>", nil)["id"]))
	if n := len(home.Requests()); n != 0 {
		t.Errorf("%d requests for what a stranger announced, want none", n)
	}
	// A share is taken back: the note leaves the timeline.
	d.send(ana, ana.Do("Undo", aptest.With(first, m{"object": id})))
	if list := d.timeline(); len(list) != 0 {
		t.Errorf("a share that was taken back is still in the timeline: %+v", list[0])
	}
}

// A letter that waits for proof holds back letters of its host about the same object, and no others (decisions 23).
func TestSlowProof(t *testing.T) {
	d := newDesk(t)
	home := aptest.NewStranger(t, "home")
	ana, ben, zoe := d.away.Person("ana"), d.away.Person("ben"), home.Person("zoe")
	d.followed(ana)
	d.followed(ben)
	opening := d.Opening("A printer wanted")
	slow := zoe.Note("<p>Slow.</p>", nil)["id"].(string)
	release := home.Hold()

	want := func(p *aptest.Person, letter m) { p.Want(http.StatusAccepted, d.Links.Inbox(), letter) }
	want(ana, ana.Do("Announce", slow))
	aptest.Until(t, "the home is asked", func() bool { return home.Count(http.MethodGet, "/notes/") == 1 })
	want(ben, ben.Do("Announce", slow))
	for i := range 20 {
		want(ana, ana.Create(reply(ana, opening.IRI, fmt.Sprint("<p>Answer ", i, "</p>"))))
	}
	want(ben, ben.Do("Like", opening.IRI))
	began := time.Now()
	aptest.Until(t, "the others have had their effect", func() bool {
		likes, _, replies := d.counts(opening.IRI)
		return likes == 1 && replies == 20
	})
	if took := time.Since(began); took > 8*time.Second { // a GET without an answer ends after 10 s
		t.Errorf("the others waited %v for the slow one", took)
	}
	if s, err := d.QueueStatus(t.Context()); err != nil || s.Letters != 2 {
		t.Errorf("%d letters wait, %v, want the two about what is slow", s.Letters, err)
	}
	if n := home.Count(http.MethodGet, "/notes/"); n != 1 {
		t.Errorf("the slow home was asked %d times at once, want once", n)
	}
	release()
	d.Handled()
	var shared []string
	for _, e := range d.timeline() {
		if e.ObjectIRI == slow {
			shared = e.SharedBy
		}
	}
	if len(shared) != 2 {
		t.Errorf("shared by %v, want both", shared)
	}
}

// A home that does not answer puts a letter off, and the letter comes to its effect later (Q-2 for what comes in).
func TestProofComesLater(t *testing.T) {
	d := newDesk(t)
	home := aptest.NewStranger(t, "home")
	ana, zoe := d.away.Person("ana"), home.Person("zoe")
	d.followed(ana)
	id := zoe.Note("<p>Later.</p>", nil)["id"].(string)
	home.Down()
	ana.Want(http.StatusAccepted, d.Links.Inbox(), ana.Do("Announce", id))
	aptest.Until(t, "the home is asked", func() bool { return home.Count(http.MethodGet, "/notes/") == 1 })
	d.Restart() // what was put off is not forgotten
	d.wantText(id, "")
	home.Up()
	d.Later(5 * time.Second)
	d.Handled()
	d.wantText(id, "<p>Later.</p>")
}

// Q-3, DB-1: what was answered 202 has its effect though the process ends before.
func TestRestartBetweenDoorAndDesk(t *testing.T) {
	d := newDesk(t)
	post := d.Post("Hello.")
	d.Rest()
	var people []*aptest.Person
	for i := range 8 {
		p := d.away.Person(fmt.Sprint("p", i))
		people = append(people, p)
		inbox := d.Links.Inbox()
		p.Want(http.StatusAccepted, inbox, p.Do("Follow", d.Links.Actor()))
		p.Want(http.StatusAccepted, inbox, p.Do("Like", post.IRI))
		p.Want(http.StatusAccepted, inbox, p.Create(reply(p, post.IRI, "<p>Here.</p>")))
		p.Want(http.StatusAccepted, inbox, aptest.With(p.Do("EmojiReact", post.IRI), m{"content": "🎉"}))
	}
	if s, err := d.QueueStatus(t.Context()); err != nil || s.Letters != 32 {
		t.Fatalf("%d letters wait, %v, want 32", s.Letters, err)
	}
	d.Restart()
	d.Handled()
	d.wantCounts(post.IRI, 8, 0, 8)
	for _, p := range people {
		if got := d.FollowerState(p.ID); got != node.Accepted {
			t.Errorf("%s is %q, want a follower", p.ID, got)
		}
	}
	aptest.Until(t, "all are accepted", func() bool { return len(d.away.Letters("Accept")) == 8 })
}
