package node_test

import (
	"slices"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// fed is a federation with a follower that runs a coopnode and one that does not.
type fed struct {
	*house
	fan, blog *node.Actor
}

func newFed(t *testing.T, rules ...func(*node.Resharing)) *fed {
	t.Helper()
	x := &fed{house: newHouse(t)}
	x.fan, x.blog = x.followedBy("fan.example", "fan"), x.followedBy("blog.example", "blog")
	x.fan.Coop = &node.Coop{Kind: node.KindCooperative}
	x.write(func(tx node.Tx) error { return tx.SaveActor(x.Context(), x.fan) })
	r := node.DefaultResharing()
	for _, rule := range rules {
		rule(r)
	}
	_, err := x.SetFederation(t.Context(), "ana", &node.Admission{Rule: node.BySteward}, r)
	x.must(err)
	x.news()
	return x
}

// stands is what one side says of a membership since yesterday.
func stands(iri string) node.Word {
	return node.Word{IRI: iri + "/m", Since: second.Add(-24 * time.Hour), Checked: second.Add(-time.Hour)}
}

// member is a confirmed one, whom the federation follows.
func (x *fed) member(host string) *node.Actor {
	x.Helper()
	coop := x.following(host, "coop")
	coop.Coop = &node.Coop{Kind: node.KindCooperative, MembershipsIRI: coop.IRI + "/memberships"}
	x.write(func(tx node.Tx) error {
		if err := tx.SaveActor(x.Context(), coop); err != nil {
			return err
		}
		return tx.SaveMembership(x.Context(), &node.Membership{
			Federation: x.Links.Actor(), Coop: coop.IRI, ID: node.NewID(), Role: "member", CoopSays: stands(coop.IRI), FederationSays: stands(x.Links.Actor()),
		})
	})
	return coop
}

// offer is an opening of somebody else, published a minute ago and open for ten days.
func offer(author *node.Actor, id string) *node.Opening {
	p := note(author, id, "<p>Six weeks of work.</p>")
	o := &node.Opening{Base: p.Base, Kind: node.Subcontract, Purpose: node.Request, Status: node.Open, Closes: second.Add(10 * 24 * time.Hour)}
	o.Type, o.Texts[0].Title = node.TypeOpening, "Tests "+id
	return o
}

// changed is a letter of its author with o as edit makes it, later by so much.
func changed[T node.Object](o T, id string, after time.Duration, edit func(T)) *node.Act {
	edit(o)
	b := o.Common()
	b.Updated = second.Add(after)
	up := create(o)
	up.IRI, up.Verb, up.Published = b.Actor+"/"+id, node.Update, b.Updated
	return up
}

func closes(s node.Status) func(*node.Opening) { return func(o *node.Opening) { o.Status = s } }

// state is what became of an offer, "" where it was never considered.
func (x *house) state(iri string) node.ReshareState {
	x.Helper()
	r, err := x.Store().Reshare(x.Context(), iri)
	if node.IsNotFound(err) {
		return ""
	}
	x.must(err)
	return r.State
}

// shared is what coop:shared lists.
func (x *house) shared() []string {
	x.Helper()
	list, _, err := x.Objects(x.Context(), node.ObjectQuery{PassedAt: x.Now(), Listed: true})
	x.must(err)
	ids := []string{}
	for _, o := range list {
		ids = append(ids, o.Common().IRI)
	}
	return ids
}

// ORG-11, decisions 17: a confirmed member's opening is announced by its address, once, in the transaction that keeps
// it; taken back when it closes, announced anew when it opens.
func TestReshare(t *testing.T) {
	t.Parallel()
	x := newFed(t)
	mill := x.member("oak.example")
	o := offer(mill, "1")
	x.receive(create(o), create(o))
	share := x.wantNews(node.Announce)[0]
	equal(t, "object and copies", [][]string{{share.ObjectIRI}, share.To, share.Cc}, [][]string{{o.IRI}, {node.PublicIRI}, {x.Links.Followers(), mill.IRI}})
	equal(t, "goes to", share.Inboxes, []string{x.blog.SharedInbox, x.fan.SharedInbox, mill.Inbox})
	equal(t, "listed", share.Listed, true)
	equal(t, "coop:shared", x.shared(), []string{o.IRI})

	x.receive(changed(offer(mill, "1"), "u1", time.Second, closes(node.Filled)))
	undo := x.wantNews(node.Undo)[0]
	equal(t, "takes back", []string{undo.Inner.ID, undo.Inner.ObjectIRI}, []string{share.ID, o.IRI})
	equal(t, "Undo goes to", undo.Inboxes, share.Inboxes)
	equal(t, "coop:shared after it", x.shared(), []string{})
	equal(t, "state", x.state(o.IRI), node.ReshareEnded)

	x.receive(changed(offer(mill, "1"), "u2", 2*time.Second, closes(node.Open)))
	again := x.wantNews(node.Announce)[0]
	if again.ID == share.ID || again.ObjectIRI != o.IRI {
		t.Errorf("reopened: said %+v", again)
	}
	x.receive(changed(offer(mill, "1"), "u3", 3*time.Second, closes(node.Withdrawn)), says(mill, node.Delete, "d", o.IRI))
	x.wantNews(node.Undo)
}

// An opening, a project and a question are passed on while they are open; nothing else is, and of nobody else.
func TestWhatIsPassedOn(t *testing.T) {
	t.Parallel()
	day := second.Add(-24 * time.Hour)
	opens := func(edit func(*node.Opening)) func(*node.Actor) node.Object {
		return func(a *node.Actor) node.Object {
			o := offer(a, "1")
			edit(o)
			return o
		}
	}
	works := func(s node.ProjectStatus) func(*node.Actor) node.Object {
		return func(a *node.Actor) node.Object {
			p := &node.Project{Base: note(a, "1", "<p>A map.</p>").Base, Status: s}
			p.Type = node.TypeProject
			return p
		}
	}
	writes := func(edit func(*node.Post)) func(*node.Actor) node.Object {
		return func(a *node.Actor) node.Object {
			p := note(a, "1", "<p>Who has a van?</p>")
			edit(p)
			return p
		}
	}
	for _, tt := range []struct {
		name string
		what func(*node.Actor) node.Object
		want bool
	}{
		{"an opening", opens(func(o *node.Opening) {}), true},
		{"an opening without a deadline", opens(func(o *node.Opening) { o.Closes = time.Time{} }), true},
		{"a filled one", opens(closes(node.Filled)), false},
		{"a paused one", opens(closes(node.Paused)), false},
		{"one past its deadline", opens(func(o *node.Opening) { o.Closes = day }), false},
		{"an unlisted one", opens(func(o *node.Opening) { o.Audience = node.Unlisted }), false},
		{"one for followers", opens(func(o *node.Opening) { o.Audience = node.Followers }), false},
		{"of a kind that is left out", opens(func(o *node.Opening) { o.Kind = node.Job }), false},
		{"of a kind that nobody knows", opens(func(o *node.Opening) { o.Kind = "seance" }), false},
		{"an invented one", opens(func(o *node.Opening) { o.Sample = true }), false},
		{"a project", works(node.Seeking), true},
		{"one that is over", works(node.Completed), false},
		{"a question", writes(func(p *node.Post) { p.Asks = true }), true},
		{"an answer that asks", writes(func(p *node.Post) { p.Asks, p.InReplyTo = true, "https://oak.example/x" }), false},
		{"a post", writes(func(p *node.Post) {}), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x := newFed(t, func(r *node.Resharing) {
				r.Kinds = slices.DeleteFunc(r.Kinds, func(k string) bool { return k == string(node.Job) })
			})
			x.receive(create(tt.what(x.member("oak.example"))))
			if got := len(x.news()) > 0; got != tt.want {
				t.Errorf("announced: %v, want %v", got, tt.want)
			}
			equal(t, "coop:shared", len(x.shared()) > 0, tt.want)
		})
	}
}

// ORG-11: of one whose membership is not confirmed, or only invented, nothing is passed on.
func TestReshareOfNonMembers(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*node.Membership){
		"claims it alone":      func(m *node.Membership) { m.FederationSays = node.Word{} },
		"is listed alone":      func(m *node.Membership) { m.CoopSays = node.Word{} },
		"has no node":          func(m *node.Membership) { m.Nodeless = true },
		"was one":              func(m *node.Membership) { m.FederationSays.Until = second },
		"left":                 func(m *node.Membership) { m.CoopSays.Until = second },
		"of another":           func(m *node.Membership) { m.Federation = "https://other.example/ap/coop" },
		"is a sample":          func(m *node.Membership) { m.Sample = true },
		"is none of us at all": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newFed(t)
			coop := x.following("elm.example", "coop")
			if change != nil {
				m := &node.Membership{Federation: x.Links.Actor(), Coop: coop.IRI, CoopSays: stands(coop.IRI), FederationSays: stands(x.Links.Actor())}
				change(m)
				x.write(func(tx node.Tx) error { return tx.SaveMembership(t.Context(), m) })
			}
			x.receive(create(offer(coop, "1")))
			x.wantNews()
		})
	}
	t.Run("this node is no federation", func(t *testing.T) {
		t.Parallel()
		x := &fed{house: newHouse(t)}
		x.receive(create(offer(x.member("oak.example"), "1")))
		x.wantNews()
	})
}

// ORG-11: what somebody else announces is no reason to pass it on, though its author is a member; its own word is.
func TestAnnounceIsNotShared(t *testing.T) {
	t.Parallel()
	x := newFed(t)
	mill, other := x.member("oak.example"), x.member("elm.example")
	o := offer(mill, "1")
	share := says(other, node.Announce, "s1", o.IRI)
	share.Object = offer(mill, "1")
	x.receive(share)
	x.wantNews()
	strange := offer(x.actor("hill.example", "eve"), "1")
	share = says(other, node.Announce, "s2", strange.IRI)
	share.Object = strange
	x.receive(share)
	x.wantNews()
	equal(t, "states", []node.ReshareState{x.state(o.IRI), x.state(strange.IRI)}, []node.ReshareState{"", ""})
	for _, hide := range []bool{true, false} { // shown again it is still nothing that its author told us
		_, err := x.Hide(t.Context(), "bea", o.IRI, hide)
		x.must(err)
	}
	x.wantNews()
	x.receive(create(o))
	x.wantNews(node.Announce)
}

// What stops being open is taken back, for whatever reason (decisions 17, ORG-11).
func TestReshareEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(x *fed, mill *node.Actor, o *node.Opening){
		"filled": func(x *fed, mill *node.Actor, o *node.Opening) {
			x.receive(changed(o, "u", time.Second, closes(node.Filled)))
		},
		"paused": func(x *fed, mill *node.Actor, o *node.Opening) {
			x.receive(changed(o, "u", time.Second, closes(node.Paused)))
		},
		"seen to be closed where somebody announces it": func(x *fed, mill *node.Actor, o *node.Opening) {
			share := says(x.member("elm.example"), node.Announce, "s", o.IRI)
			share.Object = changed(o, "u", time.Second, closes(node.Filled)).Object
			x.receive(share)
		},
		"deleted": func(x *fed, mill *node.Actor, o *node.Opening) {
			x.receive(says(mill, node.Delete, "d", o.IRI))
		},
		"unlisted": func(x *fed, mill *node.Actor, o *node.Opening) {
			x.receive(changed(o, "u", time.Second, func(o *node.Opening) { o.Audience = node.Unlisted }))
		},
		"its deadline passes while its home sleeps": func(x *fed, mill *node.Actor, o *node.Opening) {
			x.pass(10*24*time.Hour - time.Second)
			n, err := x.PassOnDue(x.Context())
			x.must(err)
			equal(x, "before its deadline", n, 0)
			x.pass(2 * time.Second)
			_, err = x.PassOnDue(x.Context())
			x.must(err)
		},
		"its deadline was moved": func(x *fed, mill *node.Actor, o *node.Opening) {
			x.receive(changed(o, "u", time.Second, func(o *node.Opening) { o.Closes = second.Add(time.Hour) }))
			x.wantNews(node.Announce) // of the Update
			x.pass(2 * time.Hour)
			_, err := x.PassOnDue(x.Context())
			x.must(err)
		},
		"hidden by our people": func(x *fed, mill *node.Actor, o *node.Opening) {
			_, err := x.Hide(x.Context(), "bea", o.IRI, true)
			x.must(err)
		},
		"its author is gone": func(x *fed, mill *node.Actor, o *node.Opening) { x.must(x.ActorGone(x.Context(), mill.IRI)) },
		"its author is limited": func(x *fed, mill *node.Actor, o *node.Opening) {
			x.rules(&node.Rule{Target: "oak.example", Severity: node.SeverityLimit})
		},
		"its author leaves": func(x *fed, mill *node.Actor, o *node.Opening) {
			x.must(x.KeepWords(x.Context(), mill.IRI, false, nil, true, x.Now()))
		},
		"its author sends a Leave": func(x *fed, mill *node.Actor, o *node.Opening) {
			x.receive(says(mill, node.Leave, "leave", x.Links.Actor()))
		},
		"its author is excluded": func(x *fed, mill *node.Actor, o *node.Opening) {
			x.must(x.Exclude(x.Context(), "bea", mill.IRI, "They were sold."))
		},
		"a person takes it back": func(x *fed, mill *node.Actor, o *node.Opening) { x.must(x.Unshare(x.Context(), "bea", o.IRI)) },
		"a person decides against it": func(x *fed, mill *node.Actor, o *node.Opening) {
			_, err := x.RefuseShare(x.Context(), "bea", o.IRI)
			x.must(err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newFed(t)
			mill := x.member("oak.example")
			x.receive(create(offer(mill, "1")))
			x.wantNews(node.Announce)
			o := offer(mill, "1")
			end(x, mill, o)
			undos := 0
			for _, s := range x.news() {
				if s.Verb == node.Undo && s.Inner.Verb == node.Announce && s.Inner.ObjectIRI == o.IRI {
					undos++
				} else if s.Verb == node.Announce {
					t.Errorf("announced again: %+v", s)
				}
			}
			equal(t, "Undos", undos, 1)
			equal(t, "coop:shared", x.shared(), []string{})
			for range 2 { // and it stays so
				x.pass(time.Hour)
				_, err := x.PassOnDue(t.Context())
				x.must(err)
			}
			for _, s := range x.news() {
				t.Errorf("said later: %+v", s)
			}
		})
	}
}

// What a person decided against is not passed on again by an edit; what our people hid is when they show it again.
func TestReshareRefusedStays(t *testing.T) {
	t.Parallel()
	x := newFed(t)
	mill := x.member("oak.example")
	x.receive(create(offer(mill, "1")), create(offer(mill, "2")))
	x.must(x.Unshare(t.Context(), "bea", offer(mill, "1").IRI))
	_, err := x.Hide(t.Context(), "bea", offer(mill, "2").IRI, true)
	x.must(err)
	x.wantNews(node.Announce, node.Announce, node.Undo, node.Undo)
	for _, id := range []string{"1", "2"} {
		x.receive(changed(offer(mill, id), "u"+id, time.Second, closes(node.Open)))
	}
	x.wantNews()
	_, err = x.Hide(t.Context(), "bea", offer(mill, "2").IRI, false)
	x.must(err)
	equal(t, "shown again", x.wantNews(node.Announce)[0].ObjectIRI, offer(mill, "2").IRI)
	_, err = x.PassShare(t.Context(), "bea", offer(mill, "1").IRI)
	x.must(err)
	equal(t, "passed on", x.wantNews(node.Announce)[0].By, "bea")
}

// Of one member only so many are passed on a day. The others wait, the oldest first, and go out the next days as far as they are
// still open.
func TestResharePerDay(t *testing.T) {
	t.Parallel()
	x := newFed(t, func(r *node.Resharing) { r.PerDay = 2 })
	mill, elm := x.member("oak.example"), x.member("elm.example")
	for _, id := range []string{"1", "2", "3", "4", "5", "6"} {
		x.receive(create(offer(mill, id)))
		x.pass(time.Minute)
	}
	iri := func(id string) string { return offer(mill, id).IRI }
	x.wantNews(node.Announce, node.Announce)
	x.receive(create(offer(elm, "1")))
	x.wantNews(node.Announce)
	x.receive(changed(offer(mill, "1"), "c", time.Second, closes(node.Filled)), changed(offer(mill, "1"), "o", 2*time.Second, closes(node.Open)))
	x.wantNews(node.Undo) // opening and closing makes no room
	equal(t, "waits", x.state(iri("1")), node.ReshareWaiting)
	x.receive(changed(offer(mill, "4"), "f", time.Second, closes(node.Filled)))
	due := func(want ...string) {
		t.Helper()
		for range 2 {
			_, err := x.PassOnDue(t.Context())
			x.must(err)
		}
		var got []string
		for _, s := range x.news() {
			got = append(got, s.ObjectIRI)
		}
		equal(t, "passed on", got, want)
	}
	due()
	x.pass(12 * time.Hour) // past midnight
	x.receive(create(offer(mill, "7")))
	x.wantNews() // it does not overtake
	due(iri("3"), iri("5"))
	x.pass(24 * time.Hour)
	due(iri("6"), iri("1"))
	x.pass(24 * time.Hour)
	due(iri("7"))
	x.pass(24 * time.Hour)
	due()
}

// A kind may be held: a person lets each through, or not. One that was let through once is let through when it opens again.
func TestReshareHeld(t *testing.T) {
	t.Parallel()
	x := newFed(t, func(r *node.Resharing) { r.Held, r.PerDay = []string{string(node.Subcontract)}, 1 })
	mill := x.member("oak.example")
	for _, id := range []string{"1", "2", "3"} {
		x.receive(create(offer(mill, id)))
		x.pass(time.Second)
	}
	x.wantNews()
	held, err := x.Reshares(t.Context(), node.ReshareQuery{State: node.ReshareHeld})
	x.must(err)
	if len(held) != 3 || held[0].Object.Common().Title() != "Tests 1" || held[0].Author.IRI != mill.IRI {
		t.Fatalf("held: %+v", held)
	}
	for _, h := range held[:2] {
		r, err := x.PassShare(t.Context(), "bea", h.Object.Common().ID)
		x.must(err)
		equal(t, "decided by", []any{r.By, r.State}, []any{"bea", node.ReshareShared})
	}
	x.wantNews(node.Announce, node.Announce)
	_, err = x.PassShare(t.Context(), "bea", held[0].ObjectIRI)
	wantError(t, err, node.Exists, "already")
	_, err = x.RefuseShare(t.Context(), "bea", held[2].ObjectIRI)
	x.must(err)
	x.receive(changed(offer(mill, "1"), "c", time.Second, closes(node.Filled)))
	x.pass(24 * time.Hour)
	x.receive(changed(offer(mill, "1"), "o", 2*time.Second, closes(node.Open)), changed(offer(mill, "3"), "u", time.Second, closes(node.Open)))
	x.wantNews(node.Undo, node.Announce)
	x.receive(changed(offer(mill, "2"), "c2", time.Second, closes(node.Filled)))
	_, err = x.PassShare(t.Context(), "bea", held[1].ObjectIRI)
	wantError(t, err, node.Gone, "not open")
	_, err = x.PassShare(t.Context(), "bea", "https://nowhere.example/1")
	wantError(t, err, node.NotFound)
	x.must(x.KeepWords(t.Context(), mill.IRI, false, nil, true, x.Now()))
	x.news()
	_, err = x.PassShare(t.Context(), "bea", held[2].ObjectIRI)
	wantError(t, err, node.Forbidden, "no confirmed member")
	x.wantNews()
}

// A coop that becomes a member brings along what it has offered; one that leaves takes everything with it, at once and for good.
func TestReshareFollowsMembership(t *testing.T) {
	t.Parallel()
	x := newFed(t, func(r *node.Resharing) { r.PerDay = 2 })
	mill := x.member("oak.example")
	x.write(func(tx node.Tx) error {
		return tx.SaveMembership(t.Context(), &node.Membership{Federation: x.Links.Actor(), Coop: mill.IRI, ID: node.NewID(), FederationSays: stands(x.Links.Actor())})
	})
	early, late := offer(mill, "early"), offer(mill, "late")
	early.Published, late.Published = early.Published.Add(-time.Hour), late.Published.Add(-time.Minute)
	only := offer(mill, "announced")
	share := says(x.following("hill.example", "eve"), node.Announce, "s", only.IRI)
	share.Object = only
	x.receive(create(late), create(early), create(offer(mill, "third")), share)
	x.wantNews()
	says := func(until time.Time) {
		x.pass(time.Minute)
		record := node.Record{IRI: mill.IRI + "/m", Subject: mill.IRI, Object: x.Links.Actor(), Since: second.Add(-time.Hour), Until: until}
		x.must(x.KeepWords(t.Context(), mill.IRI, false, []node.Record{record}, true, x.Now()))
	}
	says(time.Time{})
	var got []string
	for _, s := range x.news() {
		got = append(got, s.ObjectIRI)
	}
	equal(t, "passed on", got, []string{early.IRI, late.IRI})
	equal(t, "what only somebody else announced", x.state(only.IRI), "")
	says(second)
	x.wantNews(node.Undo, node.Undo)
	equal(t, "coop:shared", x.shared(), []string{})
	x.receive(create(offer(mill, "4")), changed(offer(mill, "late"), "u", time.Second, closes(node.Open)))
	x.pass(48 * time.Hour)
	_, err := x.PassOnDue(t.Context())
	x.must(err)
	x.wantNews()
}

// ORG-11: what a rule takes back goes out anew after the rule, what is deleted waits for nobody, and what a person has shared
// before it opened is not announced twice.
func TestReshareAfterItEnded(t *testing.T) {
	t.Parallel()
	x := newFed(t, func(r *node.Resharing) { r.Held = []string{string(node.Resource)} })
	mill := x.member("oak.example")
	o := offer(mill, "1")
	x.receive(create(o))
	x.rules(limit("oak.example"))
	x.wantNews(node.Announce, node.Undo)
	equal(t, "under a rule", x.state(o.IRI), node.ReshareEnded)
	x.unrule(limit("oak.example"))
	equal(t, "coop:shared after it", x.shared(), []string{})
	x.receive(changed(offer(mill, "1"), "u1", time.Second, closes(node.Open)))
	equal(t, "goes out anew", x.wantNews(node.Announce)[0].ObjectIRI, o.IRI)

	held := offer(mill, "2")
	held.Kind = node.Resource
	x.receive(create(held))
	equal(t, "before its end", x.state(held.IRI), node.ReshareHeld)
	x.receive(says(mill, node.Delete, "d", held.IRI))
	equal(t, "deleted", x.state(held.IRI), node.ReshareEnded)

	paused := offer(mill, "3")
	closes(node.Paused)(paused)
	x.receive(create(paused))
	_, err := x.Share(t.Context(), "bea", paused)
	x.must(err)
	x.wantNews(node.Announce)
	x.receive(changed(offer(mill, "3"), "u3", time.Second, closes(node.Open)))
	x.wantNews()
	x.receive(changed(offer(mill, "3"), "u4", 2*time.Second, closes(node.Filled)))
	x.wantNews(node.Undo)
}

// Letters may come twice and in the wrong order: Update before Create, the close before the opening.
func TestReshareInAnyOrder(t *testing.T) {
	t.Parallel()
	x := newFed(t)
	mill := x.member("oak.example")
	first := create(offer(mill, "1"))
	closed := changed(offer(mill, "1"), "u", time.Second, closes(node.Filled))
	x.receive(closed, first, closed, first)
	x.wantNews()
	edit := changed(offer(mill, "2"), "u2", time.Second, closes(node.Open))
	x.receive(edit, create(offer(mill, "2")), edit)
	x.wantNews(node.Announce)
	x.receive(says(mill, node.Delete, "d", offer(mill, "3").IRI), create(offer(mill, "3")))
	x.wantNews()
}

// A member's Update of something shared is told to followers that are cooperatives, by its id and what it is about; it does not stand
// in the outbox (decisions 17).
func TestUpdateOfAShare(t *testing.T) {
	t.Parallel()
	x := newFed(t)
	mill := x.member("oak.example")
	x.receive(create(offer(mill, "1")))
	share := x.wantNews(node.Announce)[0]
	edit := changed(offer(mill, "1"), "u", time.Second, func(o *node.Opening) { o.Texts[0].Title = "Other tests" })
	x.receive(edit, edit)
	told := x.wantNews(node.Announce)[0]
	equal(t, "carries", told.Inner, &said{ID: edit.IRI, Verb: node.Update, Actor: mill.IRI, ObjectIRI: share.ObjectIRI, Published: second.Add(time.Second)})
	equal(t, "goes to", told.Inboxes, []string{x.fan.SharedInbox})
	equal(t, "addressed to", [][]string{told.To, told.Cc}, [][]string{{x.Links.Followers()}, nil})
	equal(t, "outbox", len(x.acts(node.ActQuery{Outbox: true})), 1)
	same := changed(offer(mill, "1"), "u-same", time.Second, closes(node.Open))
	x.receive(same)
	x.wantNews()
	x.receive(changed(offer(mill, "1"), "c", 2*time.Second, closes(node.Filled)))
	equal(t, "takes back", x.wantNews(node.Undo)[0].Inner.ID, share.ID)
}

// Who follows a federation and hears of an Update looks at what it holds, within a minute. That brings nothing into the timeline and is
// no share, and the Undo of the share still finds it.
func TestHearingOfAnUpdate(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	union := x.following("union.example", "coop")
	union.Coop = &node.Coop{Kind: node.KindConsortium}
	x.write(func(tx node.Tx) error { return tx.SaveActor(t.Context(), union) })
	oak := x.actor("oak.example", "coop")
	o := offer(oak, "1")
	share := says(union, node.Announce, "s", o.IRI)
	share.Object = offer(oak, "1")
	hears := func(from *node.Actor, id, object string, version time.Time) {
		a := says(from, node.Announce, id, object)
		a.Inner = &node.Act{IRI: oak.IRI + "/" + id, Verb: node.Update, Actor: oak.IRI, ObjectIRI: object, Published: version}
		x.receive(a)
	}
	line := func() (entries []string) {
		list, err := x.Timeline(t.Context(), node.TimelineQuery{})
		x.must(err)
		for _, e := range list {
			entries = append(entries, e.IRI)
		}
		return entries
	}
	tasks := func() []*node.Task {
		list, err := x.Store().Tasks(t.Context(), node.TaskRenew)
		x.must(err)
		return list
	}
	hears(union, "u0", o.IRI, second)
	equal(t, "of something unknown", len(tasks())+len(line()), 0)
	x.receive(share)
	was := line()
	hears(union, "u1", o.IRI, o.Updated)
	hears(x.actor("hill.example", "eve"), "u2", o.IRI, second)
	hears(union, "u3", x.publish(opening("Ours")), second.Add(time.Hour))
	equal(t, "of nothing new, from a stranger, of ours", len(tasks()), 0)
	hears(union, "u4", o.IRI, second)
	list := tasks()
	if len(list) != 1 || list[0].Subject != o.IRI || list[0].Due.Before(noon) || list[0].Due.After(noon.Add(time.Minute)) {
		t.Fatalf("tasks: %+v", list)
	}
	equal(t, "timeline", line(), was)
	equal(t, "counts", x.counts(o.IRI), [2]int{0, 0})

	must := func(want bool) {
		t.Helper()
		got, err := x.MustRenew(t.Context(), list[0])
		x.must(err)
		equal(t, "must be renewed", got, want)
	}
	must(true)
	fresh := offer(oak, "1")
	fresh.Updated, fresh.Texts[0].Title = second, "Other tests <script>"
	x.must(x.Renew(t.Context(), fresh))
	equal(t, "title", x.object(o.IRI).Common().Title(), "Other tests <script>")
	must(false)
	foreign := offer(union, "1")
	foreign.IRI, foreign.Updated = o.IRI, second.Add(time.Second)
	x.must(x.Renew(t.Context(), foreign))
	equal(t, "owner", x.object(o.IRI).Common().Actor, oak.IRI)
	equal(t, "timeline", line(), was)

	undo := says(union, node.Undo, "undo", share.IRI)
	undo.Inner = &node.Act{IRI: share.IRI, Verb: node.Announce, Actor: union.IRI, ObjectIRI: o.IRI}
	x.receive(undo)
	equal(t, "timeline", len(line()), 0)
	list = tasks() // its author's word may have been lost
	if len(list) != 1 || list[0].Data != "" {
		t.Fatalf("tasks: %+v", list)
	}
	must(true)
	x.receive(changed(offer(oak, "1"), "c", 2*time.Second, closes(node.Filled)))
	must(false)
}

// A person of a federation may share an opening of anybody. It ends like the others.
func TestHandSharedOpeningEnds(t *testing.T) {
	t.Parallel()
	x := newFed(t, func(r *node.Resharing) { r.PerDay = 1 })
	elm := x.following("elm.example", "coop")
	x.receive(create(offer(elm, "1")))
	x.wantNews()
	_, err := x.Share(t.Context(), "bea", offer(elm, "1"))
	x.must(err)
	x.wantNews(node.Announce)
	equal(t, "coop:shared", x.shared(), []string{offer(elm, "1").IRI})
	x.receive(changed(offer(elm, "1"), "c", time.Second, closes(node.Filled)))
	x.wantNews(node.Undo)
	x.receive(changed(offer(elm, "1"), "o", 2*time.Second, closes(node.Open)))
	x.wantNews()
	mill := x.member("oak.example")
	_, err = x.Share(t.Context(), "bea", offer(mill, "1")) // of a member, and not held before
	x.must(err)
	x.receive(create(offer(mill, "1")))
	x.wantNews(node.Announce)
	x.receive(create(offer(mill, "2")), create(offer(mill, "3")))
	x.wantNews(node.Announce)
	x.pass(24 * time.Hour) // the third waits, and would go out by itself at its next change
	_, err = x.Share(t.Context(), "bea", changed(offer(mill, "3"), "u", time.Second, closes(node.Open)).Object)
	x.must(err)
	x.wantNews(node.Announce)
}

// Opening and closing the same thing all day is bounded like offering many, and a node that is no federation any more passes on
// nothing.
func TestReshareAgainAndAgain(t *testing.T) {
	t.Parallel()
	x := newFed(t, func(r *node.Resharing) { r.PerDay = 2 })
	mill := x.member("oak.example")
	x.receive(create(offer(mill, "1")))
	for i, s := range []node.Status{node.Paused, node.Open, node.Paused, node.Open} {
		x.receive(changed(offer(mill, "1"), "u"+string(s)+string(rune('0'+i)), time.Duration(i+1)*time.Second, closes(s)))
	}
	x.wantNews(node.Announce, node.Undo, node.Announce, node.Undo)
	equal(t, "waits", x.state(offer(mill, "1").IRI), node.ReshareWaiting)
	_, err := x.SaveProfile(t.Context(), "ana", func(a *node.Actor) error {
		a.Coop.Kind = node.KindCooperative
		return nil
	})
	x.must(err)
	x.news()
	x.pass(24 * time.Hour)
	_, err = x.PassOnDue(t.Context())
	x.must(err)
	x.wantNews()
}
