package activitypub_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// claims serves a person's document with other addresses that it says are its own, and where it went.
func claims(s *aptest.Stranger, p *aptest.Person, handle string, also any, movedTo string) {
	doc := p.Document(handle)
	if also != nil {
		doc["alsoKnownAs"] = also
	}
	if movedTo != "" {
		doc["movedTo"] = movedTo
	}
	s.Serve(p.ID, doc)
}

func move(from, to *aptest.Person) m {
	return aptest.With(from.Do("Move", from.ID), m{"target": to.ID})
}

// A proved move carries our follow over: a new Follow, an Undo of the old one, and nothing is followed that has not
// accepted (ORG-9; security.md 3, Move; interop.md 3.6).
func TestMoveIn(t *testing.T) {
	d := newDesk(t)
	ana := d.away.Person("ana")
	d.followed(ana)
	d.send(ana, ana.Create(ana.Note("<p>Before.</p>", nil)))
	sea := aptest.NewStranger(t, "sea")
	anew := sea.Person("anew")
	claims(sea, anew, "anew", ana.ID, "") // a list of one stands alone sometimes
	d.send(ana, move(ana, anew))
	if old, new := d.FollowedState(ana.ID), d.FollowedState(anew.ID); old != node.Moved || new != node.Pending {
		t.Fatalf("the old follow is %q, the new one %q; want moved and pending", old, new)
	}
	follow := sea.Letter("Follow", anew.ID)
	undo := aptest.M{}
	aptest.Until(t, "the Undo arrives", func() bool {
		for _, l := range d.away.Letters("Undo") {
			undo = l
		}
		return len(undo) > 0
	})
	if inner, _ := undo["object"].(m); inner["type"] != "Follow" || inner["object"] != ana.ID {
		t.Errorf("the Undo carries %v", inner)
	}
	d.send(anew, anew.Do("Accept", follow["id"]), anew.Create(anew.Note("<p>After.</p>", nil)))
	if got := d.FollowedState(anew.ID); got != node.Accepted {
		t.Errorf("the new follow is %q, want accepted", got)
	}
	var texts []string
	for _, e := range d.timeline() {
		texts = append(texts, e.Object.Common().TextIn("").HTML)
	}
	if all := strings.Join(texts, " "); !strings.Contains(all, "Before.") || !strings.Contains(all, "After.") {
		t.Errorf("the timeline has %q, want what was said before and after", all)
	}
	late := ana.Note("<p>From the old address.</p>", nil)
	d.send(ana, ana.Create(late))
	d.wantText(late["id"].(string), "")
	if a, err := d.ActorOf(t.Context(), ana.ID); err != nil || a.MovedTo != anew.ID {
		t.Errorf("%+v, %v; want it moved to %s", a, err, anew.ID)
	}
	// It is over: what is answered to the old follow, or moved once more, changes nothing.
	d.send(ana, ana.Do("Accept", ana.ID), move(ana, ana), ana.Do("Reject", m{"type": "Follow", "actor": d.Links.Actor(), "object": ana.ID}))
	if got := d.FollowedState(ana.ID); got != node.Moved {
		t.Errorf("the old follow is %q", got)
	}
}

// A Move that is not proved has no effect: the old actor signs it, the new one names the old one, both now.
func TestMoveNotProved(t *testing.T) {
	d := newDesk(t)
	sea := aptest.NewStranger(t, "sea")
	ben := d.away.Person("ben")
	d.send(ben, ben.Do("Like", d.Post("Hello.").IRI))
	for i, tt := range []struct {
		name string
		lie  func(ana, to *aptest.Person, handle string) m
	}{
		{"not named", func(ana, to *aptest.Person, _ string) m { return move(ana, to) }},
		{"another is named", func(ana, to *aptest.Person, h string) m {
			claims(sea, to, h, []any{ben.ID, ana.ID + "/", ana.ID + "?"}, "")
			return move(ana, to)
		}},
		{"named in the letter alone", func(ana, to *aptest.Person, h string) m {
			return aptest.With(move(ana, to), m{"target": m{"id": to.ID, "type": "Person", "inbox": to.ID + "/inbox", "alsoKnownAs": []any{ana.ID}}})
		}},
		{"of somebody else", func(ana, to *aptest.Person, h string) m {
			claims(sea, to, h, []any{ana.ID}, "")
			return aptest.With(move(ana, to), m{"object": ben.ID})
		}},
		{"to nowhere", func(ana, to *aptest.Person, _ string) m { return aptest.With(move(ana, to), m{"target": nil}) }},
		{"to what is not there", func(ana, to *aptest.Person, _ string) m {
			return aptest.With(move(ana, to), m{"target": to.ID + "/gone"})
		}},
		{"to what is no actor", func(ana, to *aptest.Person, _ string) m {
			return aptest.With(move(ana, to), m{"target": to.Note("<p>No one.</p>", m{"alsoKnownAs": []any{ana.ID}})["id"]})
		}},
		{"to us", func(ana, to *aptest.Person, _ string) m {
			return aptest.With(move(ana, to), m{"target": d.Links.Actor()})
		}},
		{"to an address that is not allowed", func(ana, to *aptest.Person, _ string) m {
			return aptest.With(move(ana, to), m{"target": "http://10.0.0.1/users/x"})
		}},
		{"in a circle", func(ana, to *aptest.Person, h string) m {
			claims(sea, to, h, []any{ana.ID}, ana.ID)
			return move(ana, to)
		}},
		{"on and on", func(ana, to *aptest.Person, h string) m {
			last := to
			claims(sea, to, h, []any{ana.ID}, sea.Base+"/users/"+h+"0")
			for j := range 4 {
				name := h + string(rune('0'+j))
				p := sea.Person(name)
				claims(sea, p, name, []any{last.ID}, sea.Base+"/users/"+h+string(rune('1'+j)))
				last = p
			}
			return move(ana, to)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			handle := "x" + string(rune('a'+i))
			ana, to := d.away.Person(handle), sea.Person(handle)
			d.followed(ana)
			d.send(ana, tt.lie(ana, to, handle))
			if old, new := d.FollowedState(ana.ID), d.FollowedState(to.ID); old != node.Accepted || new != "" {
				t.Errorf("the old follow is %q, the new one %q; want accepted and none", old, new)
			}
		})
	}
	// By somebody else's key, also of the same server (SIG-1).
	ana, to := d.away.Person("ana"), sea.Person("ana")
	d.followed(ana)
	claims(sea, to, "ana", []any{ana.ID}, "")
	ben.Want(http.StatusForbidden, d.Links.Inbox(), move(ana, to))
	d.send(ben, aptest.With(move(ana, to), m{"actor": ben.ID, "id": ben.NewID("moves")}))
	if got := d.FollowedState(ana.ID); got != node.Accepted {
		t.Errorf("the follow is %q", got)
	}
	if n := len(sea.Letters("Follow")); n != 0 {
		t.Errorf("%d Follows were sent", n)
	}
}

// The new actor is fetched anew, whatever is held of it: it named the old one once and does so no more (security.md 3, Move).
func TestMoveIsProvedAnew(t *testing.T) {
	d := newDesk(t)
	sea := aptest.NewStranger(t, "sea")
	ana, anew := d.away.Person("ana"), sea.Person("anew")
	d.followed(ana)
	claims(sea, anew, "anew", []any{ana.ID}, "")
	held, err := d.Wire.Find(t.Context(), anew.ID)
	if err != nil || !slices.Contains(held.AlsoKnownAs, ana.ID) {
		t.Fatalf("%+v, %v; want one that names the old address", held, err)
	}
	if err := d.KeepActor(t.Context(), held); err != nil {
		t.Fatal(err)
	}
	claims(sea, anew, "anew", nil, "")
	d.send(ana, move(ana, anew))
	if old, new := d.FollowedState(ana.ID), d.FollowedState(anew.ID); old != node.Accepted || new != "" {
		t.Errorf("the old follow is %q, the new one %q; want accepted and none", old, new)
	}
}

// Where the new address has moved on itself, the end of the chain is followed; each step names the one before.
func TestMoveInAChain(t *testing.T) {
	d := newDesk(t)
	sea := aptest.NewStranger(t, "sea")
	ana := d.away.Person("ana")
	b, c := sea.Person("b"), sea.Person("c")
	claims(sea, b, "b", []any{ana.ID}, c.ID)
	claims(sea, c, "c", []any{b.ID}, "")
	d.followed(ana)
	d.send(ana, move(ana, b))
	if got := []node.FollowState{d.FollowedState(ana.ID), d.FollowedState(b.ID), d.FollowedState(c.ID)}; got[0] != node.Moved || got[1] != "" || got[2] != node.Pending {
		t.Errorf("the follows are %q", got)
	}
}

// Who moves is left where it is for seven days, or two that name each other would lead us to and fro.
func TestMoveToAndFro(t *testing.T) {
	d := newDesk(t)
	sea := aptest.NewStranger(t, "sea")
	ana, b := d.away.Person("ana"), sea.Person("b")
	claims(d.away, ana, "ana", []any{b.ID}, "")
	claims(sea, b, "b", []any{ana.ID}, "")
	d.followed(ana)
	d.send(ana, move(ana, b))
	d.send(b, b.Do("Accept", sea.Letter("Follow", b.ID)["id"]))
	d.send(b, move(b, ana))
	if got := d.FollowedState(b.ID); got != node.Accepted {
		t.Fatalf("after one day the follow is %q, want it to stay", got)
	}
	d.Later(8 * 24 * time.Hour)
	// The clock of the letters stands still, so they are signed for the node's time.
	later := aptest.At(time.Now().Add(8 * 24 * time.Hour))
	b.Want(http.StatusAccepted, d.Links.Inbox(), move(b, ana), later)
	d.Handled()
	if old, new := d.FollowedState(b.ID), d.FollowedState(ana.ID); old != node.Moved || new != node.Pending {
		t.Errorf("after eight days the follows are %q and %q, want moved and pending", old, new)
	}
}

// A follower who moves is replaced only by its own new Follow, and who is no concern of ours is not asked about (ORG-12).
func TestMoveOfOthers(t *testing.T) {
	d := newDesk(t)
	sea := aptest.NewStranger(t, "sea")
	ana, anew := d.away.Person("ana"), sea.Person("anew")
	claims(sea, anew, "anew", []any{ana.ID}, "")
	d.send(ana, ana.Do("Follow", d.Links.Actor()), move(ana, anew))
	if old, new := d.FollowerState(ana.ID), d.FollowerState(anew.ID); old != node.Accepted || new != "" {
		t.Errorf("the old one is %q as a follower, the new one %q", old, new)
	}
	if n := len(sea.Requests()); n != 0 {
		t.Errorf("%d requests about somebody whom we do not follow", n)
	}
	d.send(anew, anew.Do("Follow", d.Links.Actor()))
	if got := d.FollowerState(anew.ID); got != node.Accepted {
		t.Errorf("the new one is %q as a follower after its own Follow", got)
	}
}

// A home that does not answer now is asked again, and the letter waits for it.
func TestMoveWaitsForProof(t *testing.T) {
	d := newDesk(t)
	sea := aptest.NewStranger(t, "sea")
	ana, anew := d.away.Person("ana"), sea.Person("anew")
	claims(sea, anew, "anew", []any{ana.ID}, "")
	d.followed(ana)
	sea.Down()
	ana.Want(http.StatusAccepted, d.Links.Inbox(), move(ana, anew))
	aptest.Until(t, "the new address is asked", func() bool { return sea.Count(http.MethodGet, "/users/anew") > 0 })
	sea.Up()
	aptest.Until(t, "the new address is asked again", func() bool {
		d.Later(time.Second)
		return d.FollowedState(anew.ID) != ""
	})
}

// This coop moves only to where it is named, tells followers by an Update with movedTo and a Move, says so on its
// page, and takes no new followers (FEP-7628).
func TestMoveOut(t *testing.T) {
	d := newDesk(t)
	sea := aptest.NewStranger(t, "sea")
	fan, next, other := d.away.Person("fan"), sea.Person("next"), d.away.Person("other")
	d.send(fan, fan.Do("Follow", d.Links.Actor()))
	find := func(p *aptest.Person) *node.Actor {
		a, err := d.Wire.Find(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if err := d.Move(t.Context(), "test", find(next)); node.KindOf(err) != node.Forbidden || !strings.Contains(node.TextOf(err), d.Links.Actor()) {
		t.Fatalf("moved to somebody who does not name us: %v", err)
	}
	if err := d.Unmove(t.Context(), "test"); node.KindOf(err) != node.Invalid {
		t.Errorf("takes back what was not: %v", err)
	}
	claims(sea, next, "next", []any{d.Links.Actor()}, other.ID)
	if err := d.Move(t.Context(), "test", find(next)); node.KindOf(err) != node.Invalid {
		t.Errorf("moved to somebody who has moved on: %v", err)
	}
	if n := len(d.away.Letters("Move")); n != 0 {
		t.Fatalf("%d Moves were sent", n)
	}

	claims(sea, next, "next", []any{d.Links.Actor()}, "")
	if err := d.Move(t.Context(), "test", find(next)); err != nil {
		t.Fatal(err)
	}
	if got := d.away.Letter("Move", d.Links.Actor()); got["target"] != next.ID || got["actor"] != d.Links.Actor() {
		t.Errorf("sent %v", got)
	}
	update, _ := d.away.Letter("Update", d.Links.Actor())["object"].(m)
	if update["movedTo"] != next.ID {
		t.Errorf("the Update says movedTo %v", update["movedTo"])
	}
	order := d.away.Letters("")
	if last := order[len(order)-1]; last["type"] != "Move" {
		t.Errorf("the Move came before the Update: %v", last["type"])
	}
	if a := aptest.GetDocument(t, d.Links.Actor()); !strings.Contains(string(a.Body), `"movedTo":"`+next.ID+`"`) {
		t.Errorf("the actor says %s", a.Body)
	}
	if a := aptest.Get(t, d.Links.Profile()); !strings.Contains(string(a.Body), "has moved") || !strings.Contains(string(a.Body), "@next@sea.localhost") {
		t.Errorf("the page does not say where it went: %s", a.Body)
	}
	follow := other.Do("Follow", d.Links.Actor())
	d.send(other, follow)
	d.away.Letter("Reject", follow["id"].(string))
	if got := d.FollowerState(other.ID); got != "" {
		t.Errorf("a new follower is %q", got)
	}
	d.send(fan, fan.Do("Follow", d.Links.Actor())) // one from before may ask again
	if got := d.FollowerState(fan.ID); got != node.Accepted {
		t.Errorf("the follower from before is %q", got)
	}
	if err := d.Move(t.Context(), "test", find(next)); node.KindOf(err) != node.Invalid || !strings.Contains(node.TextOf(err), "--undo") {
		t.Errorf("moved twice: %v", err)
	}
	if err := d.Unmove(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	d.send(other, other.Do("Follow", d.Links.Actor()))
	if got := d.FollowerState(other.ID); got != node.Accepted {
		t.Errorf("after it was taken back a new follower is %q", got)
	}
}

// One node moves to another, and a third follows it there: both ends and the way between are ours.
func TestMoveBetweenNodes(t *testing.T) {
	old, next, third := aptest.NewNode(t, "old"), aptest.NewNode(t, "next"), aptest.NewNode(t, "third")
	third.Follow(old.Links.Actor())
	us, err := next.Wire.Find(t.Context(), old.Links.Actor())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := next.AddAlias(t.Context(), "test", us); err != nil {
		t.Fatal(err)
	}
	target, err := old.Wire.Find(t.Context(), next.Links.Actor())
	if err != nil {
		t.Fatal(err)
	}
	if err := old.Move(t.Context(), "test", target); err != nil {
		t.Fatal(err)
	}
	aptest.Until(t, "the follow is carried over", func() bool { return third.FollowedState(next.Links.Actor()) == node.Accepted })
	if got := next.FollowerState(third.Links.Actor()); got != node.Accepted {
		t.Errorf("the follower is %q at the new address", got)
	}
	aptest.Until(t, "the old follow ends", func() bool { return old.FollowerState(third.Links.Actor()) == "" })
}
