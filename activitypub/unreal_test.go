package activitypub_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// invent keeps somebody as a sample, with a federation on the same host, a membership and an opening that the federation
// is said to have passed on; it returns the address of the opening.
func (d *desk) invent(p *aptest.Person, federation string) string {
	d.Helper()
	host := node.HostOf(p.ID)
	actor := func(iri, handle, kind string) *node.Actor {
		// All that could lead anywhere is taken away when it is kept.
		return &node.Actor{IRI: iri, Type: "Organization", Handle: handle, Host: host, Name: "Invented " + handle, Inbox: iri + "/inbox", SharedInbox: p.ID + "/shared",
			Outbox: iri + "/outbox", KeyID: p.ID + "#main-key", KeyPEM: "any", Icon: node.Picture{Address: iri + "/icon.png"},
			Coop: &node.Coop{Kind: kind, MembersIRI: iri + "/members", MembershipsIRI: iri + "/memberships", SharedIRI: iri + "/shared"}}
	}
	opening := &node.Opening{Base: node.Base{Type: node.TypeOpening, IRI: p.ID + "/openings/1", Actor: p.ID, Audience: node.Public, Published: d.Now().Add(-time.Hour),
		Texts: []node.Text{{Lang: "en", Title: "Invented opening", HTML: `<p>Look<img src="https://x.test/a.png"></p>`}}}, Kind: node.Subcontract, Status: node.Open}
	kept, err := d.KeepSamples(d.Context(), &node.Samples{
		Actors:      []*node.Actor{actor(p.ID, p.ID[len(p.ID)-3:], node.KindCooperative), actor(federation, "fed", node.KindConsortium)},
		Memberships: []*node.Membership{{Federation: federation, Coop: p.ID, CoopSays: node.Word{Since: d.Now()}, FederationSays: node.Word{Since: d.Now()}}},
		Objects:     []node.Object{opening},
		Shares:      []node.Reaction{{Object: opening.IRI, Actor: federation, At: d.Now()}},
	})
	if err != nil || kept.Coops != 1 || kept.Federations != 1 || kept.Memberships != 1 || kept.Openings != 1 || kept.Shares != 1 {
		d.Fatalf("kept %+v, %v", kept, err)
	}
	return opening.IRI
}

// Of a sample's host nothing is ever asked and nothing goes there, whatever our people, our tasks or others try: the
// one client refuses, and a sample has no inbox and no key.
func TestNothingIsAskedOfSamples(t *testing.T) {
	d := newDesk(t)
	decoy := aptest.NewStranger(t, "decoy")
	eve := decoy.Person("eve")
	federation := decoy.Base + "/federation"
	opening := d.invent(eve, federation)
	ctx := d.Context()

	host := node.HostOf(decoy.Base)
	for _, address := range []string{"@eve@" + host, host, eve.ID, federation, eve.ID + "/other", decoy.Base + "/elsewhere"} {
		if a, err := d.Wire.Find(ctx, address); err == nil {
			t.Errorf("found %s at %s", a.IRI, address)
		}
	}
	held, err := d.ActorOf(ctx, eve.ID)
	if err != nil || !held.Sample || held.Inbox+held.SharedInbox+held.Outbox+held.KeyID+held.KeyPEM+held.Icon.Address+held.Coop.MembershipsIRI != "" {
		t.Fatalf("kept as %+v, %v", held, err)
	}
	wantInvalid := func(what string, err error) {
		t.Helper()
		if node.KindOf(err) != node.Invalid {
			t.Errorf("%s a sample: %v, want Invalid", what, err)
		}
	}
	_, err = d.Node.Node.Follow(ctx, "test", held)
	wantInvalid("follow", err)
	fed, err := d.ActorOf(ctx, federation)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Join(ctx, "test", fed, "", false)
	wantInvalid("join", err)
	o, err := d.Wire.FindObject(ctx, opening)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Share(ctx, "test", o)
	wantInvalid("share", err)
	_, err = d.Like(ctx, "test", o)
	wantInvalid("like", err)
	wantInvalid("answer", d.Node.Node.Publish(ctx, "test", &node.Post{Base: node.Base{Type: node.TypePost, InReplyTo: opening, Texts: []node.Text{{Source: "We can"}}}}))
	d.Publish(&node.Post{Base: node.Base{Type: node.TypePost, To: []string{eve.ID}, Texts: []node.Text{{Source: "To you"}}}})
	err = d.Store().Tx(ctx, func(tx node.Tx) error {
		for _, kind := range []node.TaskKind{node.TaskBackfill, node.TaskAsk, node.TaskMembers, node.TaskMemberships, node.TaskDoubt, node.TaskRenew, node.TaskParents} {
			for _, iri := range []string{eve.ID, federation, opening} {
				if err := tx.SaveTask(ctx, &node.Task{Kind: kind, Subject: iri, Due: d.Now()}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Ring()
	// Somebody real speaks of it, and shares it; and somebody reads with its key.
	ana := d.away.Person("ana")
	d.followed(ana)
	d.send(ana, ana.Do("Announce", opening), ana.Do("Announce", eve.ID+"/openings/2"))
	eve.Get(d.Post("Read me").IRI, "Accept", "application/activity+json")
	d.Handled()
	d.Delivered()
	aptest.Until(t, "all tasks were tried", func() bool {
		due, err := d.Store().DueTasks(ctx, d.Now(), 100)
		return err == nil && len(due) == 0
	})
	d.untouched(decoy)
}

// A sample gives way to somebody real who speaks from its host, with all that was invented there; a letter whose key
// cannot be had changes nothing.
func TestSampleGivesWay(t *testing.T) {
	d := newDesk(t)
	decoy, other := aptest.NewStranger(t, "decoy"), aptest.NewStranger(t, "other")
	eve, ben := decoy.Person("eve"), other.Person("ben")
	opening, stays := d.invent(eve, decoy.Base+"/federation"), d.invent(ben, other.Base+"/federation")
	nobody := decoy.Base + "/users/nobody"
	letter := eve.Do("Like", d.Post("Hello").IRI)
	letter["actor"] = nobody
	eve.Want(http.StatusUnauthorized, d.Links.Inbox(), letter, func(l *aptest.Letter) { l.KeyID = nobody + "#main-key" })
	if d.Known(opening); d.Failed() {
		t.Fatal("gone because of a letter that proves nothing")
	}
	d.send(eve, eve.Do("Follow", d.Links.Actor()))
	real, err := d.ActorOf(d.Context(), eve.ID)
	if err != nil || real.Sample || real.Inbox == "" || real.Name != "" && real.Name == "Invented eve" {
		t.Errorf("she is %+v, %v", real, err)
	}
	for _, ref := range []string{opening} {
		if _, err := d.Object(d.Context(), ref); !node.IsNotFound(err) {
			t.Errorf("%s: %v, want NotFound", ref, err)
		}
	}
	if _, err := d.ActorOf(d.Context(), decoy.Base+"/federation"); !node.IsNotFound(err) {
		t.Errorf("the federation of that host: %v, want NotFound", err)
	}
	d.Known(stays)
	aptest.Until(t, "she follows", func() bool { return d.FollowerState(eve.ID) == node.Accepted })
	aptest.Until(t, "she hears of it", func() bool { return len(decoy.Letters("Accept")) == 1 })
	d.untouched(other)

	// From now on she is real: nothing is invented in her place.
	kept, err := d.KeepSamples(d.Context(), &node.Samples{Actors: []*node.Actor{{IRI: decoy.Base + "/ap/coop", Handle: "eve", Host: node.HostOf(decoy.Base), Name: "Again"}}})
	if err != nil || kept.Coops != 0 || len(kept.Real) != 1 {
		t.Errorf("kept %+v, %v, want it left out", kept, err)
	}
	actors, objects, err := d.RemoveSamples(d.Context())
	if err != nil || actors != 2 || objects != 1 {
		t.Errorf("removed %d actors, %d objects, %v, want 2 and 1", actors, objects, err)
	}
	if a, err := d.ActorOf(d.Context(), eve.ID); err != nil || a.Sample {
		t.Errorf("she was removed too: %v", err)
	}
}
