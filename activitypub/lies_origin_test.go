package activitypub_test

import (
	"github.com/coopnode/coopnode/activitypub/aptest"
)

const newer = "2026-11-22T09:00:00Z"

// originLies speak of what belongs to somebody else, each row of security.md 3 (ORG-1 to ORG-8). They are signed well.
func (s *scene) originLies() []lie {
	ana, ben, eve, fay := s.ana, s.ben, s.eve, s.fay
	us := s.Links.Actor()
	said := s.said["id"]
	theirs := func(p *aptest.Person, change m) m { // a reply that would be kept if p may say it
		return aptest.With(m{"id": p.NewID("notes"), "type": "Note", "attributedTo": p.ID, "content": "<p>Forged.</p>",
			"to": []any{aptest.Public}, "inReplyTo": s.opening.IRI, "published": "2026-11-20T09:00:00Z"}, change)
	}
	ours := m{"id": s.opening.IRI, "type": "Note", "attributedTo": us, "to": []any{aptest.Public}, "content": "<p>Forged.</p>", "updated": "2027-01-01T00:00:00Z"}
	forged := aptest.With(s.said, m{"content": "<p>Forged.</p>", "updated": newer})
	lies := []lie{
		{name: "SIG-1 a letter of a neighbour", status: 403, by: ben, letter: ana.Do("Like", s.post.IRI)},
		{name: "SIG-1 a letter of somebody on another server", status: 403, by: eve, letter: ana.Do("Like", s.post.IRI)},
		{name: "SIG-1 a letter forwarded whole", status: 403, by: eve, letter: fay.Create(fay.Note("<p>True, and not for eve to bring.</p>", m{"inReplyTo": s.opening.IRI}))},
		{name: "SIG-1 an actor carried, whose id is another's", status: 403, by: eve, letter: aptest.With(eve.Do("Like", s.post.IRI), m{"actor": m{"id": ana.ID, "inbox": s.evil.Base + "/inbox"}})},
		{name: "SIG-9 signed by a neighbour, with a Linked-Data signature of the actor", status: 403, by: ben, letter: aptest.With(ana.Do("Like", s.post.IRI), m{
			"signature": m{"type": "RsaSignature2017", "creator": ana.KeyID, "created": newer, "signatureValue": "AAAA"}})},
		{name: "SIG-9 not signed, with a Linked-Data signature", status: 401, by: ana, letter: aptest.With(ana.Do("Like", s.post.IRI), m{
			"signature": m{"type": "RsaSignature2017", "creator": ana.KeyID, "created": newer, "signatureValue": "AAAA"}}), edit: aptest.In(aptest.Unsigned)},
		{name: "SIG-9 not signed, with a proof", status: 401, by: ana, letter: aptest.With(ana.Do("Like", s.post.IRI), m{
			"proof": m{"type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022", "verificationMethod": ana.KeyID, "proofValue": "zAAAA"}}), edit: aptest.In(aptest.Unsigned)},
		{name: "the id of the activity is of another server", status: 403, by: eve, letter: aptest.With(eve.Do("Like", s.post.IRI), m{"id": s.away.Base + "/1"})},
		{name: "the id of the activity is of this node", status: 403, by: eve, letter: aptest.With(eve.Do("Like", s.post.IRI), m{"id": s.Links.Activity("aaaaaaaaaa")})},
		{name: "Q-3 the id of a letter that came already, from a neighbour", status: 202, by: ben, letter: aptest.With(ben.Do("Like", s.post.IRI), m{"id": s.like["id"]})},
		{name: "Q-3 the id of a letter that came already, about something else", status: 202, by: ana, letter: aptest.With(ana.Do("Like", s.post.IRI), m{"id": s.like["id"]})},
	}
	for _, kind := range []string{"Create", "Update"} {
		for _, o := range []struct {
			name   string
			by     *aptest.Person
			object m
		}{
			{"a note of another server, as its author's", eve, forged},
			{"a note of another server, as one's own", eve, aptest.With(forged, m{"attributedTo": eve.ID})},
			{"a neighbour's note, as hers", ben, forged},
			{"a neighbour's note, as one's own", ben, aptest.With(forged, m{"attributedTo": ben.ID})},
			{"a neighbour's note, as both's", ben, aptest.With(forged, m{"attributedTo": []any{ben.ID, ana.ID}})},
			{"ORG-8 a neighbour's note, for more readers", ben, aptest.With(forged, m{"to": []any{aptest.Public, eve.ID}})},
			{"a new note in another's name", ben, theirs(ben, m{"attributedTo": ana.ID})},
			{"a new note in the name of one of another server", eve, theirs(eve, m{"attributedTo": ana.ID})},
			{"a new note in this node's name", eve, theirs(eve, m{"attributedTo": us})},
			{"a new note in the name of nobody", eve, theirs(eve, m{"attributedTo": nil})},
			{"a new note whose id is of another server", eve, theirs(eve, m{"id": s.third.Base + "/notes/new"})},
			{"a new note whose id is of this node", eve, theirs(eve, m{"id": s.Links.Base + "/ap/posts/aaaaaaaaaa"})},
			{"our opening, as ours", eve, ours},
			{"our opening, as one's own", eve, aptest.With(ours, m{"attributedTo": eve.ID})},
			{"the note of one whom we follow", ben, aptest.With(s.note, m{"content": "<p>Forged.</p>", "updated": newer})},
			{"somebody else's actor", ben, ana.Document("ana")},
			{"the actor of one of another server", eve, aptest.With(ana.Document("ana"), m{"name": "Eve"})},
			{"our actor", eve, m{"id": us, "type": "Organization", "name": "Eve's", "inbox": s.evil.Base + "/inbox", "updated": newer}},
			{"an opening of a stranger", eve, theirs(eve, m{"additionalType": "https://w3id.org/valueflows/ont/vf#Proposal", "purpose": "request", "inReplyTo": nil, "cc": []any{us}})},
			{"a note that nobody here asked for", eve, theirs(eve, m{"inReplyTo": nil})},
			{"ORG-9 a note of one whom we asked and who has not answered", s.gus, theirs(s.gus, m{"inReplyTo": nil, "to": []any{s.gus.ID + "/followers"}})},
			{"a note without an id", eve, theirs(eve, m{"id": nil})},
			{"a note that is a reply to a page of somebody else's", eve, theirs(eve, m{"inReplyTo": s.note["id"]})},
		} {
			lies = append(lies, lie{name: kind + " of " + o.name, status: 202, by: o.by, letter: o.by.Do(kind, o.object)})
		}
	}
	for _, by := range []*aptest.Person{ben, eve} {
		who := " by a neighbour"
		if by == eve {
			who = " by one of another server"
		}
		tell := func(name, kind string, object any, more m) {
			lies = append(lies, lie{name: name + who, status: 202, by: by, letter: aptest.With(by.Do(kind, object), more)})
		}
		tell("Delete of a note", "Delete", said, nil)
		tell("Delete of a note, as a Tombstone", "Delete", m{"id": said, "type": "Tombstone", "attributedTo": by.ID}, nil)
		tell("Delete of a note in a list", "Delete", []any{said}, nil)
		tell("Delete of the note of one whom we follow", "Delete", s.note["id"], nil)
		tell("Delete of our opening", "Delete", s.opening.IRI, nil)
		tell("Delete of our opening, as a Tombstone", "Delete", m{"id": s.opening.IRI, "type": "Tombstone"}, nil)
		tell("Delete of our actor", "Delete", us, nil)
		tell("Delete of an actor", "Delete", ana.ID, nil)
		tell("Delete of an actor, carried", "Delete", m{"id": ana.ID, "type": "Person"}, nil)
		tell("Undo of a Follow", "Undo", s.follow, nil)
		tell("Undo of a Follow by its id", "Undo", s.follow["id"], nil)
		tell("Undo of a Follow as one's own", "Undo", aptest.With(s.follow, m{"actor": by.ID}), nil)
		tell("Undo of a Follow without an id", "Undo", aptest.With(s.follow, m{"id": nil}), nil)
		tell("Undo of a Follow without an actor", "Undo", aptest.With(s.follow, m{"actor": nil}), nil)
		tell("Undo of a Like", "Undo", s.like, nil)
		tell("Undo of a Like by its id", "Undo", s.like["id"], nil)
		tell("Undo of a Like as one's own", "Undo", aptest.With(s.like, m{"actor": by.ID}), nil)
		tell("Undo of an Announce", "Undo", s.share, nil)
		tell("Undo of an Announce by its id", "Undo", s.share["id"], nil)
		tell("Undo of our Follow", "Undo", m{"id": s.asked, "type": "Follow", "actor": us, "object": s.gus.ID}, nil)
		tell("Add to our collection", "Add", s.note["id"], m{"target": s.Links.Base + "/ap/coop/featured"})
		tell("Remove from our collection", "Remove", s.opening.IRI, m{"target": s.Links.Base + "/ap/coop/featured"})
		tell("Add to another's collection", "Add", s.note["id"], m{"target": fay.ID + "/featured"})
		tell("Remove from another's collection", "Remove", s.note["id"], m{"target": fay.ID + "/featured"})
		tell("Move of somebody else", "Move", ana.ID, m{"target": by.ID})
		tell("Move of one whom we follow", "Move", fay.ID, m{"target": by.ID})
		tell("Move of this node", "Move", us, m{"target": by.ID})
		tell("Block of somebody else", "Block", ana.ID, nil)
		tell("Follow of somebody else", "Follow", ana.ID, nil)
		tell("Follow of the public", "Follow", aptest.Public, nil)
		tell("Follow of an object of ours", "Follow", s.opening.IRI, nil)
		tell("Like of somebody else's note", "Like", s.note["id"], nil)
		tell("Like of something that is not here", "Like", s.Links.Base+"/ap/posts/aaaaaaaaaa", nil)
		tell("Like of our actor", "Like", us, nil)
		tell("Announce of something, unasked", "Announce", s.zoe.Note("<p>Buy.</p>", nil)["id"], nil)
		tell("Announce of a copy, unasked", "Announce", s.zoe.Note("<p>Buy.</p>", nil), nil)
		tell("Announce of a letter", "Announce", ana.Do("Follow", us), nil)
		tell("a letter of no known type", "Bite", s.opening.IRI, nil)
		tell("EmojiReact to somebody else's note", "EmojiReact", s.note["id"], nil)
	}
	return lies
}

// ownerLies are letters of one whom we follow, who may say much but not this. What they announce is fetched from where
// it lives (ORG-4, ORG-6).
func (s *scene) ownerLies() []lie {
	fay, zoe := s.fay, s.zoe
	note := func(change m) m { return aptest.With(zoe.Note("<p>True.</p>", nil), change) }
	served := func(change m) any { // at its own home it says change
		n := note(nil)
		s.third.Serve(n["id"].(string), aptest.With(n, change))
		return n["id"]
	}
	announce := func(name string, asks int, object any) lie {
		return lie{name: "Announce of " + name, status: 202, by: fay, letter: fay.Do("Announce", object), asks: asks}
	}
	return []lie{
		announce("a copy of what its home does not have", 1, note(m{"id": s.third.Base + "/notes/none"})),
		announce("what its home does not have", 1, s.third.Base+"/notes/none-either"),
		announce("what its home says is another's", 1, served(m{"attributedTo": s.ana.ID})),
		announce("what its home says is nobody's", 1, served(m{"attributedTo": nil})),
		announce("what its home says is a number's", 1, served(m{"attributedTo": 7})),
		announce("what its home says has another id", 2, served(m{"id": s.third.Base + "/notes/other"})),
		announce("what its home says has a foreign id", 1, served(m{"id": s.note["id"]})),
		announce("what its home says has our id", 1, served(m{"id": s.opening.IRI})),
		announce("what its home says has no id", 1, served(m{"id": nil})),
		announce("what its home shows to some only", 2, served(m{"to": []any{zoe.ID + "/followers"}, "cc": nil})),
		announce("a letter", 1, served(m{"type": "Like", "actor": zoe.ID})),
		announce("another Announce", 1, served(m{"type": "Announce", "actor": zoe.ID, "object": s.note["id"]})),
		announce("a Tombstone", 1, served(m{"type": "Tombstone"})),
		announce("somebody's actor document", 1, zoe.ID),
		announce("a thing of ours that is not here", 0, s.Links.Base+"/ap/posts/aaaaaaaaaa"),
		announce("a copy of a thing of ours that is not here", 0, note(m{"id": s.Links.Base + "/ap/posts/aaaaaaaaaa"})),
		announce("nothing", 0, nil),
		announce("something without an id", 0, m{"type": "Note", "content": "<p>Hello.</p>"}),
		announce("a note of an author who is not there", 2, served(m{"attributedTo": s.third.Base + "/users/nobody"})),
		{name: "Create of a neighbour's note by its address", status: 202, by: fay, letter: fay.Do("Create", s.said["id"]), asks: 1},
		{name: "Create of another server's note by its address", status: 202, by: fay, letter: fay.Do("Create", note(nil)["id"])},
		{name: "Create of another server's note", status: 202, by: fay, letter: fay.Do("Create", note(nil))},
		{name: "Update with a note that is older", status: 202, by: fay, letter: fay.Do("Update", aptest.With(s.note, m{"content": "<p>Old.</p>", "published": nil}))},
		{name: "Move to one who does not know of it", status: 202, by: fay, letter: aptest.With(fay.Do("Move", fay.ID), m{"target": zoe.ID}), asks: 2},
		{name: "Move to us", status: 202, by: fay, letter: aptest.With(fay.Do("Move", fay.ID), m{"target": s.Links.Actor()})},
		{name: "Move to oneself", status: 202, by: fay, letter: aptest.With(fay.Do("Move", fay.ID), m{"target": fay.ID}), asks: 1},
		{name: "Add to a collection that is not hers", status: 202, by: fay, letter: aptest.With(fay.Do("Add", s.note["id"]), m{"target": zoe.ID + "/featured"})},
		{name: "SSRF-6 Update that puts her inbox elsewhere", status: 202, by: fay, letter: fay.Do("Update", aptest.With(fay.Document("fay"), m{"inbox": s.evil.Base + "/inbox"})), asks: 1},
		{name: "Update of herself under another id", status: 202, by: fay, letter: fay.Do("Update", aptest.With(fay.Document("fay"), m{"id": fay.ID + "2"})), asks: 1},
	}
}

// answerLies answer what was not asked, or not of them (ORG-9).
func (s *scene) answerLies() []lie {
	us := s.Links.Actor()
	asked := m{"id": s.asked, "type": "Follow", "actor": us, "object": s.gus.ID}
	var lies []lie
	for _, kind := range []string{"Accept", "Reject"} {
		for _, l := range []struct {
			name   string
			by     *aptest.Person
			object any
		}{
			{"what was asked of another", s.eve, asked},
			{"what was asked of another, by its id", s.eve, s.asked},
			{"what was asked of a neighbour", s.ben, asked},
			{"what was asked of a neighbour, by its id", s.ben, s.asked},
			{"what was asked of another, as of oneself", s.eve, aptest.With(asked, m{"object": s.eve.ID})},
			{"a Follow that nobody asked for", s.eve, m{"id": s.Links.Activity("aaaaaaaaaa"), "type": "Follow", "actor": us, "object": s.eve.ID}},
			{"a Follow of another", s.gus, m{"id": s.gus.NewID("follow"), "type": "Follow", "actor": s.ana.ID, "object": s.gus.ID}},
			{"a Follow without an id, of another", s.gus, m{"type": "Follow", "actor": s.ana.ID, "object": s.gus.ID}},
			{"one's own Follow", s.gus, m{"id": s.gus.NewID("follow"), "type": "Follow", "actor": s.gus.ID, "object": us}},
			{"oneself", s.gus, s.gus.ID},
			{"us", s.gus, us},
			{"nothing", s.gus, nil},
			{"the Follow of a member", s.eve, s.follow},
		} {
			lies = append(lies, lie{name: kind + " of " + l.name, status: 202, by: l.by, letter: l.by.Do(kind, l.object)})
		}
	}
	return append(lies,
		lie{name: "Accept of what was accepted", status: 202, by: s.fay, letter: s.fay.Do("Accept", m{"type": "Follow", "actor": us, "object": s.fay.ID})},
		lie{name: "TentativeAccept", status: 202, by: s.gus, letter: s.gus.Do("TentativeAccept", asked)},
		lie{name: "Accept in the name of the one who was asked", status: 403, by: s.eve, letter: s.gus.Do("Accept", asked)},
	)
}
