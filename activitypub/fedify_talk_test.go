package activitypub_test

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// A conversation is between a coop's node and Fedify.
type conversation struct {
	*desk
	fedify *fedify
}

// whole is all that the two have to say to each other; home is where the coop moves in the end. Everything that came from us has to be believed at once, and in the form
// that Fedify wants.
func (c *conversation) whole(home *aptest.Node) {
	c.Helper()
	c.lookUp()
	c.hears()
	c.speaks()
	c.reacts()
	c.answers()
	c.partsWays()
	c.isBlocked()
	c.moves(home)

	c.fedify.believed()
	ours, forms := c.fedify.ours(), map[string]int{}
	for _, e := range ours {
		if e.Status >= 400 || e.Method == http.MethodPost && e.Signature == "none" {
			c.Errorf("%s %s, signed %s: %d", e.Method, e.Path, e.Signature, e.Status)
		}
		forms[e.Method+" "+e.Signature]++
	}
	// Where Fedify's own letters came in the new form, ours go out in it (decisions 21).
	if first := c.fedify.FirstKnock; forms["POST "+first] == 0 || forms["GET "+first] == 0 || first == "draft" && forms["POST rfc9421"] > 0 {
		c.Errorf("to one who sends %s first, there went %v", first, forms)
	}
	if len(ours) < 20 {
		c.Errorf("the diary has only %d requests of ours", len(ours))
	}
}

// lookUp: what Fedify reads at every address by which people name the coop.
func (c *conversation) lookUp() {
	c.Helper()
	l := c.Links
	opening := c.Opening("A printer wanted")
	for _, tt := range []struct{ address, class, id string }{
		{l.Actor(), "Organization", l.Actor()},
		{l.Profile(), "Organization", l.Actor()},
		{"@mill@" + l.Host(), "Organization", l.Actor()},
		{"acct:mill@" + l.Host(), "Organization", l.Actor()},
		{opening.IRI, "Note", opening.IRI},
		{opening.URL, "Note", opening.IRI},
		{l.Create(opening.IRI), "Create", l.Create(opening.IRI)},
		{l.Outbox(), "OrderedCollection", l.Outbox()},
		{l.Featured(), "OrderedCollection", l.Featured()},
	} {
		for _, signed := range []bool{true, false} {
			got := c.fedify.do("lookup", m{"address": tt.address, "signed": signed})
			if got["class"] != tt.class || got["id"] != tt.id {
				c.Errorf("Fedify reads at %s (signed %v) a %v %v, want %s %s", tt.address, signed, got["class"], got["id"], tt.class, tt.id)
			}
		}
	}
	for address, want := range map[string]string{l.Outbox(): l.Create(opening.IRI), l.Featured(): opening.IRI, l.Openings(): opening.IRI} {
		got, _ := json.Marshal(c.fedify.do("collection", m{"address": address})["items"])
		if !strings.Contains(string(got), `"`+want+`"`) {
			c.Errorf("Fedify finds %s in %s, want %s", got, address, want)
		}
	}
	info := c.fedify.do("nodeinfo", m{"base": l.Base})
	links, _ := info["links"].([]any)
	if len(links) != 2 {
		c.Errorf("Fedify finds NodeInfo %v, want two versions", info)
	}
	for _, link := range links {
		if link.(m)["valid"] != true {
			c.Errorf("Fedify does not read this NodeInfo: %v", link)
		}
	}
}

// hears: alice follows the coop and hears of an opening and a post until their end, and of a new name.
func (c *conversation) hears() {
	c.Helper()
	us := c.Links.Actor()
	c.fedify.do("follow", m{"actor": us})
	c.fedify.lists("alice", "following", us, true)
	if got := c.FollowerState(c.fedify.alice); got != node.Accepted {
		c.Errorf("alice is %q as a follower, want accepted", got)
	}
	opening := c.Opening("A baker wanted")
	e := c.fedify.received("Create", opening.IRI)
	content, _ := e.JSON["object"].(m)["content"].(string)
	if e.Actor != us || e.ObjectType != "Note" || !strings.Contains(content, "OPEN until") {
		c.Errorf("the Create came as %+v", e)
	}
	if _, err := c.SetOpeningStatus(c.Context(), "test", opening.IRI, node.Filled); err != nil {
		c.Fatal(err)
	}
	e = c.fedify.received("Update", opening.IRI)
	if content, _ := e.JSON["object"].(m)["content"].(string); !strings.Contains(content, "FILLED") {
		c.Errorf("the Update says %q", content)
	}
	if err := c.Delete(c.Context(), "test", opening.IRI); err != nil {
		c.Fatal(err)
	}
	if e = c.fedify.received("Delete", opening.IRI); e.ObjectType != "Tombstone" {
		c.Errorf("the Delete carries a %s, want a Tombstone", e.ObjectType)
	}
	// Not signed: a 410 makes Fedify try the other form of signature, get the same, and stay with that form.
	if status, got := c.fedify.try("lookup", m{"address": opening.IRI, "signed": false}); status != http.StatusBadGateway {
		c.Errorf("Fedify finds what was deleted: %v", got)
	}
	post := c.Post("We have a van.")
	if e = c.fedify.received("Create", post.IRI); e.JSON["object"].(m)["content"] != c.text(post.IRI) {
		c.Errorf("the Create came as %+v", e)
	}
	_, err := c.Edit(c.Context(), "test", post.IRI, func(o node.Object) error {
		o.Common().Texts[0].Source = "We have two vans."
		return nil
	})
	if err != nil {
		c.Fatal(err)
	}
	if e = c.fedify.received("Update", post.IRI); e.JSON["object"].(m)["content"] != c.text(post.IRI) || !strings.Contains(c.text(post.IRI), "two") {
		c.Errorf("the Update came as %+v", e)
	}
	if err := c.Delete(c.Context(), "test", post.IRI); err != nil {
		c.Fatal(err)
	}
	c.fedify.received("Delete", post.IRI)
	if _, err := c.SaveProfile(c.Context(), "test", func(a *node.Actor) error { a.Name = "The Old Mill"; return nil }); err != nil {
		c.Fatal(err)
	}
	c.fedify.received("Update", us)
}

// speaks: the coop follows alice and keeps what she says; what she says of ours has its effect once.
func (c *conversation) speaks() {
	c.Helper()
	before := c.fedify.do("note", m{"content": "<p>Before you came.</p>"})["note"].(string)
	alice := c.Follow("@alice@" + c.fedify.host())
	if alice.IRI != c.fedify.alice || alice.Name != "Alice" {
		c.Errorf("found %+v", alice)
	}
	c.fedify.lists("alice", "followers", c.Links.Actor(), true)
	aptest.Until(c, "her older note is read back", func() bool { return c.text(before) == "<p>Before you came.</p>" })

	note := c.fedify.do("note", m{"content": "<p>Hello from Fedify.</p>"})["note"].(string)
	c.Handled()
	c.wantText(note, "<p>Hello from Fedify.</p>")
	if list := c.timeline(); len(list) != 2 || list[0].ObjectIRI != note {
		c.Errorf("timeline of %d entries, want her two notes, newest first", len(list))
	}
	c.fedify.do("update-note", m{"note": note, "content": "<p>Hello again.</p>"})
	c.Handled()
	c.wantText(note, "<p>Hello again.</p>")
	c.fedify.do("delete-note", m{"note": note})
	c.Handled()
	c.wantText(note, "gone")

	post := c.Post("How do you pool resources?")
	c.fedify.received("Create", post.IRI)
	answer := c.fedify.do("note", m{"content": "<p>By trust.</p>", "inReplyTo": post.IRI, "mention": c.Links.Actor()})["note"].(string)
	c.Handled()
	c.wantCounts(post.IRI, 0, 0, 1)
	if o := c.Known(answer); o == nil || o.Common().Thread != post.IRI {
		c.Errorf("her answer is kept as %+v", o)
	}
	if page := aptest.Get(c, post.URL, "Accept", "text/html"); !strings.Contains(string(page.Body), "By trust.") {
		c.Error("the page of the post does not show her answer")
	}
	private := c.fedify.do("note", m{"content": "<p>Between us.</p>", "to": c.Links.Actor(), "inReplyTo": post.IRI, "mention": c.Links.Actor()})["note"].(string)
	c.Handled()
	if o := c.Known(private); o == nil || o.Common().Audience != node.Direct {
		c.Errorf("what she said to us alone is kept as %+v", o)
	}
	c.wantCounts(post.IRI, 0, 0, 1)

	for range 2 {
		c.fedify.do("like", m{"object": post.IRI})
		c.fedify.do("announce", m{"object": post.IRI})
	}
	c.Handled()
	c.wantCounts(post.IRI, 1, 1, 1)
	c.fedify.do("unlike", m{"object": post.IRI})
	c.fedify.do("unannounce", m{"object": post.IRI})
	c.Handled()
	c.wantCounts(post.IRI, 0, 0, 1)

	// What she shares of others comes into the timeline from its own home. Where Fedify shows nothing to those who
	// do not sign, alice herself cannot read bob's note: her server asks itself for her key, unsigned.
	if c.fedify.Authorize {
		return
	}
	bobs := c.fedify.do("note", m{"as": "bob", "content": "<p>Bob was here.</p>"})["note"].(string)
	c.fedify.do("announce", m{"object": bobs})
	aptest.Until(c, "what alice shared is here", func() bool { return c.text(bobs) == "<p>Bob was here.</p>" })
	if e := c.timeline()[0]; e.ObjectIRI != bobs || e.Author == nil || e.Author.Name != "Bob" || len(e.SharedBy) != 1 {
		c.Errorf("the share stands in the timeline as %+v", e)
	}
}

// reacts: what we say of what she said stands with her once, until we take it back.
func (c *conversation) reacts() {
	c.Helper()
	us, ctx := c.Links.Actor(), c.Context()
	note := c.fedify.do("note", m{"content": "<p>We bake at night.</p>"})["note"].(string)
	c.Handled()
	o, err := c.Wire.FindObject(ctx, note)
	if err != nil {
		c.Fatal(err)
	}
	like, err := c.Like(ctx, "test", o)
	if err != nil {
		c.Fatal(err)
	}
	share, err := c.Share(ctx, "test", o)
	if err != nil {
		c.Fatal(err)
	}
	c.fedify.lists("alice", "reactions", "Like "+note+" "+us, true)
	c.fedify.lists("alice", "reactions", "Announce "+note+" "+us, true)
	for iri, class := range map[string]string{like.IRI: "Like", share.IRI: "Announce"} {
		if got := c.fedify.do("lookup", m{"address": iri}); got["class"] != class || got["id"] != iri {
			c.Errorf("Fedify reads at %s a %v %v, want a %s", iri, got["class"], got["id"], class)
		}
	}
	if err := c.Unlike(ctx, "test", note); err != nil {
		c.Fatal(err)
	}
	if err := c.Unshare(ctx, "test", note); err != nil {
		c.Fatal(err)
	}
	c.fedify.received("Undo", like.IRI)
	c.fedify.received("Undo", share.IRI)
	c.fedify.lists("alice", "reactions", "Like "+note+" "+us, false)
	c.fedify.lists("alice", "reactions", "Announce "+note+" "+us, false)
}

// answers: we answer what she said, change it and take it back; bob, who does not follow us, hears of what names him.
func (c *conversation) answers() {
	c.Helper()
	ctx := c.Context()
	note := c.fedify.do("note", m{"content": "<p>Who has a mill?</p>"})["note"].(string)
	c.Handled()
	bob, err := c.Wire.Find(ctx, c.fedify.bob)
	if err != nil {
		c.Fatal(err)
	}
	answer := &node.Post{Base: node.Base{Type: node.TypePost, InReplyTo: note, Texts: []node.Text{{Lang: "en", Source: "We do."}}}}
	answer.Mentions = []node.Mention{{Actor: bob.IRI, Address: bob.Address()}}
	c.Publish(answer)
	e := c.fedify.received("Create", answer.IRI)
	object, _ := e.JSON["object"].(m)
	said, _ := json.Marshal(object)
	if object["inReplyTo"] != note || !strings.Contains(string(said), c.fedify.bob) || !strings.Contains(string(said), c.fedify.alice) {
		c.Errorf("the answer came as %s", said)
	}
	if got := c.fedify.do("lookup", m{"address": answer.IRI}); got["class"] != "Note" {
		c.Errorf("Fedify reads our answer as %v", got)
	}
	_, err = c.Edit(ctx, "test", answer.IRI, func(o node.Object) error {
		o.Common().Texts[0].Source = "We do, by the river."
		return nil
	})
	if err != nil {
		c.Fatal(err)
	}
	if e := c.fedify.received("Update", answer.IRI); e.JSON["object"].(m)["inReplyTo"] != note {
		c.Errorf("the changed answer came as %v", e.JSON)
	}
	if err := c.Delete(ctx, "test", answer.IRI); err != nil {
		c.Fatal(err)
	}
	c.fedify.received("Delete", answer.IRI)
}

// partsWays: both unfollow; later follows may be refused and stay unanswered.
func (c *conversation) partsWays() {
	c.Helper()
	us, alice := c.Links.Actor(), c.fedify.alice
	c.fedify.do("unfollow", m{"actor": us})
	c.Handled()
	if got := c.FollowerState(alice); got != "" {
		c.Errorf("alice unfollowed and is %q", got)
	}
	if err := c.Unfollow(c.Context(), "test", alice); err != nil {
		c.Fatal(err)
	}
	c.fedify.lists("alice", "followers", us, false)

	again := func(with string) {
		c.Helper()
		c.fedify.do("answer-follows", m{"with": with})
		a, err := c.Wire.Find(c.Context(), alice)
		if err != nil {
			c.Fatal(err)
		}
		if _, err := c.Node.Node.Follow(c.Context(), "test", a); err != nil {
			c.Fatal(err)
		}
	}
	again("none")
	c.Delivered()
	if got := c.FollowedState(alice); got != node.Pending {
		c.Errorf("a follow without an answer is %q, want pending", got)
	}
	again("reject")
	aptest.Until(c, "the follow is rejected", func() bool { return c.FollowedState(alice) == node.Rejected })
	c.Delivered()
}

// isBlocked: bob and the coop follow each other until he blocks it; that he thinks again brings nothing back.
func (c *conversation) isBlocked() {
	c.Helper()
	us, bob := c.Links.Actor(), c.fedify.bob
	c.fedify.do("answer-follows", m{"with": "accept"})
	c.fedify.do("follow", m{"as": "bob", "actor": us})
	c.Follow(bob)
	c.Handled()
	c.Delivered()
	if got := c.FollowerState(bob); got != node.Accepted {
		c.Errorf("bob is %q as a follower, want accepted", got)
	}
	c.fedify.do("block", m{"as": "bob", "actor": us})
	c.fedify.do("unblock", m{"as": "bob", "actor": us})
	c.Handled()
	if follower, followed := c.FollowerState(bob), c.FollowedState(bob); follower != "" || followed != "" {
		c.Errorf("after his block bob is %q as a follower, and followed: %q", follower, followed)
	}
}

// moves: alice is carol from now on, and the coop's follow goes with her; then the coop moves home, and alice's follow
// goes with it, for its new address says that it is the same.
func (c *conversation) moves(home *aptest.Node) {
	c.Helper()
	ctx, us, carol := c.Context(), c.Links.Actor(), c.fedify.carol
	c.fedify.do("follow", m{"actor": us})
	c.fedify.lists("alice", "following", us, true)
	c.Follow(c.fedify.alice)
	c.fedify.do("move", m{"to": "carol"})
	aptest.Until(c, "our follow has gone over to carol", func() bool { return c.FollowedState(carol) == node.Accepted })
	c.fedify.lists("carol", "followers", us, true)
	c.fedify.lists("alice", "followers", us, false)
	if got := c.FollowedState(c.fedify.alice); got != node.Moved {
		c.Errorf("our follow of alice is %q, want moved", got)
	}
	note := c.fedify.do("note", m{"as": "carol", "content": "<p>Here I am.</p>"})["note"].(string)
	c.Handled()
	c.wantText(note, "<p>Here I am.</p>")

	profile, err := c.Profile(ctx)
	if err != nil {
		c.Fatal(err)
	}
	if _, err := home.AddAlias(ctx, "test", profile); err != nil {
		c.Fatal(err)
	}
	there, err := c.Wire.Find(ctx, home.Links.Actor())
	if err != nil {
		c.Fatal(err)
	}
	if err := c.Move(ctx, "test", there); err != nil {
		c.Fatal(err)
	}
	if e := c.fedify.received("Move", us); e.JSON["target"] != there.IRI {
		c.Errorf("the Move came as %v", e.JSON)
	}
	c.fedify.lists("alice", "following", there.IRI, true)
	c.fedify.lists("alice", "following", us, false)
	f, err := home.DB.Follower(ctx, c.fedify.alice)
	if err != nil || f.State != node.Accepted {
		c.Errorf("alice as a follower of the new address: %+v, %v", f, err)
	}
	for address, want := range map[string]string{us: `#movedTo":[{"@id":"` + there.IRI + `"}]`, there.IRI: `#alsoKnownAs":[{"@id":"`} {
		got, _ := json.Marshal(c.fedify.do("lookup", m{"address": address})["expanded"])
		if !strings.Contains(string(got), want) {
			c.Errorf("Fedify reads at %s %s, want %s", address, got, want)
		}
	}
	c.Delivered()
}
