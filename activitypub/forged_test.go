package activitypub_test

import (
	"net/http"
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// A forger is a coop or a federation on a server of its own that says what is not so.
type forger struct {
	*aptest.Person
	home *aptest.Stranger
}

// newForger serves its profile: a federation where federation is true. Its lists are empty.
func newForger(t testing.TB, name string, federation bool) *forger {
	t.Helper()
	return forgerAt(aptest.NewStranger(t, name), name, federation)
}

// forgerAt is newForger on a server that others live on, too.
func forgerAt(s *aptest.Stranger, name string, federation bool) *forger {
	f := &forger{s.Person(name), s}
	doc := f.Document(name)
	doc["type"], doc["additionalType"], doc["coop:ownership"] = "Organization", node.KindCooperative, "workers"
	doc["coop:memberships"] = f.ID + "/memberships"
	f.says("memberships")
	if federation {
		doc["additionalType"], doc["coop:members"], doc["coop:applications"] = node.KindConsortium, f.ID+"/members", f.ID+"/applications"
		f.says("members")
	}
	s.Serve(f.ID, doc)
	return f
}

// says serves one of its lists, with these records in it.
func (f *forger) says(list string, records ...any) {
	f.home.Serve(f.ID+"/"+list, m{"@context": aptest.Context, "id": f.ID + "/" + list, "type": "OrderedCollection",
		"totalItems": len(records), "orderedItems": append([]any{}, records...)})
}

// record is a word of somebody about somebody.
func record(id, subject, relation, object string) m {
	return m{"type": "Relationship", "id": id, "attributedTo": subject, "subject": subject, "relationship": "http://schema.org/" + relation,
		"object": object, "startTime": "2026-04-20T09:00:00Z"}
}

// tells posts letters at a node, which handles them.
func (f *forger) tells(n *aptest.Node, letters ...m) {
	for _, l := range letters {
		f.Want(http.StatusAccepted, n.Links.Inbox(), l)
	}
	n.Handled()
}

// Issue 4, Done when 4, ORG-12: who says alone that it is a member is none, neither for the federation nor for others, and has no
// say there.
func TestForgedMembershipOneSidedClaim(t *testing.T) {
	u := newLeague(t, "trama", node.Admission{Rule: node.ByApprovals, Approvals: 1, Objections: 0, Days: 30})
	mill, press, reader, liar := coop(t, "mill"), coop(t, "press"), &desk{t, aptest.NewNode(t, "reader"), nil}, newForger(t, "liar", false)
	u.takes(mill)
	claim := record(liar.home.Base+"/records/1", liar.ID, "memberOf", u.iri())
	liar.says("memberships", claim)
	reader.followed(liar.Person)
	liar.tells(u.Node, m{"@context": aptest.Context, "id": liar.NewID("adds"), "type": "Add", "actor": liar.ID, "object": u.iri(), "target": liar.ID + "/memberships"})
	aptest.Until(t, "the federation was asked about the claim", func() bool {
		m, err := reader.Membership(t.Context(), u.iri(), liar.ID)
		return err == nil && m.CoopSays.Holds() && !m.FederationSays.Checked.IsZero()
	})
	for n, want := range map[*aptest.Node]node.Standing{reader.Node: node.ClaimedOnly, u.Node: ""} {
		m, err := n.Membership(t.Context(), u.iri(), liar.ID)
		if node.IsNotFound(err) {
			m, err = &node.Membership{}, nil
		}
		u.must(err)
		if m.Standing() != want {
			t.Errorf("on %s the liar is %q, want %q", n.Links.Host(), m.Standing(), want)
		}
	}

	join := u.applies(press)
	u.comes(node.StepApplied, press, u.Node)
	liar.tells(u.Node, liar.Do("Accept", join.JoinIRI))
	if got := u.step(u.Node, press); got != node.StepApplied {
		t.Errorf("the approval of one who only claims to be a member made the application %q", got)
	}
}

// Issue 4, Done when 4, vocabulary 2.11: a record counts only from the origin of its subject, as the word of its subject, in a list of
// its own origin.
func TestForgedMembershipForeignOrigin(t *testing.T) {
	reader, fed, evil := &desk{t, aptest.NewNode(t, "reader"), nil}, newForger(t, "ring", true), aptest.NewStranger(t, "evil")
	honest, elsewhere, theirs, paged := fed.home.Base+"/a", fed.home.Base+"/b", fed.home.Base+"/c", fed.home.Base+"/d"
	other := evil.Base + "/federation"
	evil.Serve(evil.Base+"/members", m{"@context": aptest.Context, "id": evil.Base + "/members", "type": "OrderedCollectionPage",
		"orderedItems": []any{record(fed.home.Base+"/records/4", fed.ID, "member", paged)}})
	evil.Serve(evil.Base+"/records/5", record(evil.Base+"/records/5", fed.ID, "member", paged))
	fed.home.Serve(fed.ID+"/members", m{"@context": aptest.Context, "id": fed.ID + "/members", "type": "OrderedCollection", "orderedItems": []any{
		record(evil.Base+"/records/2", fed.ID, "member", elsewhere), // its id is of another origin
		record(fed.home.Base+"/records/3", other, "member", theirs), // the word of somebody else
		aptest.With(record(fed.home.Base+"/records/6", fed.ID, "member", theirs), m{"attributedTo": other}),
		aptest.With(record(fed.home.Base+"/records/7", other, "member", theirs), m{"attributedTo": fed.ID}),
		record(fed.home.Base+"/records/8", fed.ID, "memberOf", theirs), // its word, but not of a member
		record(fed.home.Base+"/records/9", fed.ID, "member", fed.ID),
		evil.Base + "/records/5",
		record(fed.home.Base+"/records/1", fed.ID, "member", honest),
	}, "next": evil.Base + "/members"})
	reader.followed(fed.Person)
	at := func(federation, coop string) node.Standing {
		m, err := reader.Membership(t.Context(), federation, coop)
		if node.IsNotFound(err) {
			return ""
		} else if err != nil {
			t.Fatal(err)
		}
		return m.Standing()
	}
	aptest.Until(t, "its honest record is read", func() bool { return at(fed.ID, honest) == node.ListedOnly })
	for _, coop := range []string{elsewhere, theirs, paged, fed.ID} {
		if got := at(fed.ID, coop); got != "" {
			t.Errorf("%s is %q by a record of foreign origin", coop, got)
		}
	}
	if got := at(other, theirs); got != "" {
		t.Errorf("another federation is said to list somebody: %q", got)
	}
	if n := evil.Count(http.MethodGet, "/members"); n != 0 { // the address in the list may be looked at as that of a coop
		t.Errorf("a page of its list was read %d times at the other origin", n)
	}
}

// Issue 4, Done when 4, ORG-9: the Accept of an application that is over admits nobody, nor does that of anybody but the federation.
func TestForgedMembershipReplayedAccept(t *testing.T) {
	u := newLeague(t, "trama", node.Admission{Rule: node.BySteward})
	mill, bakery, liar := coop(t, "mill"), coop(t, "bakery"), newForger(t, "liar", true)
	u.takes(mill)
	first, err := u.Membership(t.Context(), u.iri(), mill.Links.Actor())
	u.must(err)
	acts, err := u.DB.Acts(t.Context(), node.ActQuery{Object: first.JoinIRI})
	u.must(err)
	var accept *node.ActRecord
	for _, a := range acts {
		if a.Verb == node.Accept {
			accept = a
		}
	}
	if accept == nil {
		t.Fatal("the federation has not said Accept")
	}
	replay := func() {
		t.Helper()
		u.must(u.DB.Tx(t.Context(), func(tx node.Tx) error {
			_, err := tx.Enqueue(t.Context(), accept, node.Recipients{Actors: []string{mill.Links.Actor()}})
			return err
		}))
		u.Ring()
		quiet(u.Node, mill)
	}
	u.must(mill.Leave(t.Context(), "test", u.iri()))
	u.stands(node.Former, mill, mill, u.Node)
	quiet(u.Node, mill)
	replay()
	u.stands(node.Former, mill, mill, u.Node)
	said, err := mill.DB.Acts(t.Context(), node.ActQuery{Object: u.iri()})
	u.must(err)
	claims := 0
	for _, a := range said {
		if a.Verb == node.Add {
			claims++
		}
	}
	if claims != 1 {
		t.Errorf("the coop has said %d times that it is a member", claims)
	}
	u.applies(mill)
	u.comes(node.StepApplied, mill, u.Node)
	quiet(u.Node, mill)
	replay()
	if got := u.step(mill, mill); got != node.StepApplied || u.standing(mill, mill) != node.Former {
		t.Errorf("an old Accept made the new application %q, and the membership %q", got, u.standing(mill, mill))
	}

	join := u.applies(bakery)
	liar.tells(bakery, liar.Do("Accept", m{"id": join.JoinIRI, "type": "Join", "actor": bakery.Links.Actor(), "object": u.iri()}),
		aptest.With(liar.Do("Accept", join.JoinIRI), m{"result": record(liar.home.Base+"/records/1", u.iri(), "member", bakery.Links.Actor())}))
	if got := u.standing(bakery, bakery); got != "" {
		t.Errorf("somebody else's Accept made the membership %q", got)
	}
	liar.tells(bakery, liar.Do("Reject", join.JoinIRI))
	if got := u.step(bakery, bakery); got != node.StepApplied {
		t.Errorf("somebody else's Reject made the application %q", got)
	}
}

// Issue 4, Done when 4, decisions 18: one coop, one vote, of those alone who are confirmed members when it is counted.
func TestForgedMembershipApprovals(t *testing.T) {
	u := newLeague(t, "trama", twoOfUs)
	mill, bakery, press, zine, liar := coop(t, "mill"), coop(t, "bakery"), coop(t, "press"), coop(t, "zine"), newForger(t, "liar", false)
	u.takes(mill, bakery)
	u.votedIn(press, mill, bakery)
	join := u.applies(zine)
	u.comes(node.StepApplied, zine, u.Node, mill, bakery, press)
	still := func(after string) {
		t.Helper()
		quiet(mill, bakery, press, u.Node)
		if got := u.step(u.Node, zine); got != node.StepApplied {
			t.Fatalf("after %s the application is %q", after, got)
		}
	}
	u.must(mill.SayOpinion(t.Context(), "test", join.JoinIRI, true, ""))
	still("one approval of two")
	u.must(mill.SayOpinion(t.Context(), "test", join.JoinIRI, true, "Again."))
	still("two approvals of one member")
	liar.tells(u.Node, liar.Do("Accept", join.JoinIRI))
	still("an approval of one who is no member")
	u.must(mill.Leave(t.Context(), "test", u.iri()))
	u.stands(node.Former, mill, mill, u.Node)
	u.must(bakery.SayOpinion(t.Context(), "test", join.JoinIRI, true, ""))
	still("the approval of a member, and one of a coop that has left since")
	if err := mill.SayOpinion(t.Context(), "test", join.JoinIRI, true, ""); node.KindOf(err) != node.Forbidden {
		t.Errorf("a former member has a say: %v", err)
	}
	u.must(press.SayOpinion(t.Context(), "test", join.JoinIRI, true, ""))
	u.stands(node.Confirmed, zine, u.Node, zine)
}

// Issue 4, Done when 4, ORG-9: raw letters of a forger who was a member once. Its own node would not send them.
func TestForgedMembershipRawApprovals(t *testing.T) {
	u := newLeague(t, "trama", twoOfUs)
	mill, bakery, zine, sly := coop(t, "mill"), coop(t, "bakery"), coop(t, "zine"), newForger(t, "sly", false)
	u.takes(mill, bakery)
	joins := func(member bool) {
		t.Helper()
		now := u.Now()
		word := node.Word{IRI: sly.home.Base + "/records/1", Since: now, Checked: now}
		m := &node.Membership{Federation: u.iri(), Coop: sly.ID, ID: node.NewID(), CoopSays: word, FederationSays: word}
		if !member {
			m.CoopSays.Until = now
		}
		u.must(u.DB.Tx(t.Context(), func(tx node.Tx) error { return tx.SaveMembership(t.Context(), m) }))
	}
	join := u.applies(zine)
	u.comes(node.StepApplied, zine, u.Node, mill, bakery)
	counted := func(after string, want int, approves bool) {
		t.Helper()
		list, err := u.Applications(t.Context(), u.iri())
		u.must(err)
		if len(list) != 1 || len(list[0].Opinions) != want {
			t.Fatalf("after %s: %+v", after, list)
		}
		for _, o := range list[0].Opinions {
			if o.Member == sly.ID && o.Approves != approves {
				t.Errorf("after %s it approves: %v", after, o.Approves)
			}
		}
	}
	yes, no := sly.Do("Accept", join.JoinIRI), sly.Do("Reject", join.JoinIRI)
	joins(false)
	sly.tells(u.Node, sly.Do("Accept", join.JoinIRI), sly.Do("Reject", join.JoinIRI))
	counted("what a former member says", 0, false)
	joins(true)
	counted("it has become a member again", 0, false) // or what it said before would count now
	sly.tells(u.Node, yes)
	counted("its approval", 1, true)
	sly.tells(u.Node, no)
	counted("its objection", 1, false)
	sly.tells(u.Node, yes)
	counted("its first approval, replayed", 1, false)
	joins(false)
	u.must(mill.SayOpinion(t.Context(), "test", join.JoinIRI, true, ""))
	quiet(mill, u.Node)
	sly.tells(u.Node, sly.Do("Accept", join.JoinIRI))
	if got := u.step(u.Node, zine); got != node.StepApplied {
		t.Errorf("the approval of a member and a letter of a former one made the application %q", got)
	}
}

// Issue 4, Done when 4, vocabulary 2.11: the record in an Accept counts only as the federation's own word about the coop that it
// admits; and a coop looks at an application only for a federation of its own, where that lives with the one who applies.
func TestForgedMembershipRecordInLetter(t *testing.T) {
	u := &league{t, aptest.NewNode(t, "mill")}
	evil := aptest.NewStranger(t, "evil")
	for _, name := range []string{"elsewhere", "another"} {
		fed := newForger(t, name, true)
		fed.home.ServeStatus(fed.ID+"/members", http.StatusInternalServerError, m{}) // or it would be read there
		forged := record(evil.Base+"/records/1", fed.ID, "member", u.iri())
		if name == "another" {
			forged = record(fed.home.Base+"/records/1", fed.ID, "member", evil.Base+"/coop")
		}
		f, err := u.Wire.Find(t.Context(), fed.ID)
		u.must(err)
		join, err := u.Join(t.Context(), "test", f, "", true)
		u.must(err)
		fed.tells(u.Node, aptest.With(fed.Do("Accept", join.JoinIRI), m{"result": aptest.With(forged, m{"coop:vouches": []any{"worker-owned"}})}))
		got, err := u.Membership(t.Context(), fed.ID, u.iri())
		u.must(err)
		if got.Standing() != node.Confirmed || got.FederationSays.IRI != "" || len(got.Vouches) != 0 {
			t.Errorf("%s: a forged record was believed: %+v", name, got)
		}
		asks := func(by string, home *aptest.Stranger) {
			t.Helper()
			in := m{"@context": aptest.Context, "id": home.Base + "/joins/1", "type": "Join", "actor": by, "object": fed.ID}
			home.Serve(home.Base+"/joins/1", in)
			fed.tells(u.Node, m{"@context": aptest.Context, "id": fed.NewID("adds"), "type": "Add", "actor": fed.ID, "object": in["id"], "target": fed.ID + "/applications"})
			if _, err := u.Membership(t.Context(), fed.ID, by); !node.IsNotFound(err) {
				t.Errorf("%s: an application of %s was kept: %v", name, by, err)
			}
		}
		asks(evil.Person("eve").ID, fed.home) // not where she lives
		u.must(u.Leave(t.Context(), "test", fed.ID))
		asks(evil.Person("eve").ID, evil) // it is no federation of ours any more
	}
}
