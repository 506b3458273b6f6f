package activitypub_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// fedifyDir holds a server on Fedify, a program that shares no code with this one; see README.md there.
var fedifyDir = filepath.Join("testdata", "fedify")

// nodeProgram finds Node.js for the programs in fedifyDir; false, having said so, where it or their packages are
// not installed.
func nodeProgram(t testing.TB, what string) (string, bool) {
	t.Helper()
	program, err := exec.LookPath("node")
	if err != nil {
		aptest.LeaveOut(t, what+", which needs Node.js 20 or newer")
		return "", false
	}
	if _, err := os.Stat(filepath.Join(fedifyDir, "node_modules", "@fedify", "fedify")); err != nil {
		aptest.LeaveOut(t, what+", which needs: cd activitypub/testdata/fedify && npm ci --ignore-scripts")
		return "", false
	}
	return program, true
}

// A fedify is such a server in a process of its own, with the people alice and bob.
type fedify struct {
	testing.TB
	base   string
	alice  string
	closed bool // shows nothing to those who do not sign
}

// startFedify starts one and waits until it answers. It ends with the test.
func startFedify(t testing.TB, program string, args ...string) *fedify {
	t.Helper()
	cmd := exec.Command(program, append([]string{"peer.mjs", "--port", "0", "--lifetime", "240"}, args...)...)
	cmd.Dir = fedifyDir
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("the Fedify peer said:\n%s", said.String())
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	base, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if err != nil || !ok {
		t.Fatalf("the Fedify peer does not start: %q, %v\n%s", line, err, said.String())
	}
	return &fedify{t, base, base + "/users/alice", slices.Contains(args, "--authorize")}
}

// try asks for something and gives the answer as it is.
func (f *fedify) try(what string, input m) (int, m) {
	f.Helper()
	body, err := json.Marshal(input)
	if err != nil {
		f.Fatal(err)
	}
	status, raw := f.call(http.MethodPost, what, body)
	var out m
	if err := json.Unmarshal(raw, &out); err != nil {
		f.Fatalf("%s: %v: %s", what, err, raw)
	}
	return status, out
}

func (f *fedify) call(method, what string, body []byte) (int, []byte) {
	f.Helper()
	req, err := http.NewRequestWithContext(f.Context(), method, f.base+"/control/"+what, bytes.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		f.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		f.Fatal(err)
	}
	return res.StatusCode, raw
}

// do asks for something that has to succeed.
func (f *fedify) do(what string, input m) m {
	f.Helper()
	status, out := f.try(what, input)
	if status != http.StatusOK {
		f.Fatalf("Fedify cannot %s %v: %d %v", what, input, status, out)
	}
	return out
}

// An entry of the diary.
type fedifyEvent struct {
	Kind, Type, ID, Actor, Object, ObjectType string
	Method, Path, Signature, Reason, Error    string
	Status                                    int
	Headers                                   map[string]string
	JSON                                      m
}

func (f *fedify) events(query string) []fedifyEvent {
	f.Helper()
	_, raw := f.call(http.MethodGet, "events?"+query, nil)
	var list []fedifyEvent
	if err := json.Unmarshal(raw, &list); err != nil {
		f.Fatalf("events: %v: %s", err, raw)
	}
	return list
}

// received waits for an activity about an object.
func (f *fedify) received(kind, object string) fedifyEvent {
	f.Helper()
	var found fedifyEvent
	aptest.Until(f, "Fedify has the "+kind+" of "+object, func() bool {
		for _, e := range f.events("kind=activity&type=" + kind) {
			if e.Object == object {
				found = e
				return true
			}
		}
		time.Sleep(20 * time.Millisecond)
		return false
	})
	return found
}

// lists waits until a list of alice's has an actor, or has it no more.
func (f *fedify) lists(list, actor string, want bool) {
	f.Helper()
	aptest.Until(f, fmt.Sprintf("alice's %s name %s: %v", list, actor, want), func() bool {
		_, raw := f.call(http.MethodGet, "state", nil)
		var state struct{ Alice map[string][]string }
		if err := json.Unmarshal(raw, &state); err != nil {
			f.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
		return slices.Contains(state.Alice[list], actor) == want
	})
}

// Fedify and a coop follow each other and hear all that the other says, whichever form of signature Fedify sends
// first, and also where it shows nothing to those who do not sign.
func TestFedify(t *testing.T) {
	program, ok := nodeProgram(t, "the conversation with Fedify")
	if !ok {
		return
	}
	for name, args := range map[string][]string{
		"old form":                     {"--first-knock", "draft"},
		"new form, authorized fetches": {"--first-knock", "rfc9421", "--authorize"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &conversation{newDeskBeside(t), startFedify(t, program, args...)}
			c.lookUp()
			c.hears()
			c.speaks()
			c.partsWays()

			// Everything that came from us was believed at once.
			for _, kind := range []string{"unverified", "error"} {
				for _, e := range c.fedify.events("kind=" + kind) {
					t.Errorf("%s: %s of %s: %s%s", kind, e.Type, e.Object, e.Reason, e.Error)
				}
			}
			ours, forms := 0, map[string]int{}
			for _, e := range c.fedify.events("kind=request") {
				if !strings.HasPrefix(e.Headers["user-agent"], "coopnode/") {
					continue // its own
				}
				ours++
				if e.Status >= 400 || e.Method == http.MethodPost && e.Signature == "none" {
					t.Errorf("%s %s, signed %s: %d", e.Method, e.Path, e.Signature, e.Status)
				}
				forms[e.Method+" "+e.Signature]++
			}
			// Fedify's own letters came in the new form, so ours go out in it (decisions 21).
			if name != "old form" && (forms["POST rfc9421"] == 0 || forms["GET rfc9421"] == 0) {
				t.Errorf("nothing in the form of RFC 9421 went to one who speaks it: %v", forms)
			}
			if ours < 10 {
				t.Errorf("the diary has only %d requests of ours", ours)
			}
		})
	}
}

// A conversation is between a coop's node and Fedify.
type conversation struct {
	*desk
	fedify *fedify
}

func newDeskBeside(t *testing.T) *desk { return &desk{TB: t, Node: aptest.NewNode(t, "mill")} }

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

// hears: alice follows the coop and hears of an opening until its end.
func (c *conversation) hears() {
	c.Helper()
	us := c.Links.Actor()
	c.fedify.do("follow", m{"actor": us})
	c.fedify.lists("following", us, true)
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
	if status, got := c.fedify.try("lookup", m{"address": opening.IRI}); status != http.StatusBadGateway {
		c.Errorf("Fedify finds what was deleted: %v", got)
	}
	if _, err := c.SaveProfile(c.Context(), "test", func(a *node.Actor) error { a.Name = "The Old Mill"; return nil }); err != nil {
		c.Fatal(err)
	}
	c.fedify.received("Update", us)
}

// speaks: the coop follows alice and keeps what she says; what she says of ours has its effect once.
func (c *conversation) speaks() {
	c.Helper()
	before := c.fedify.do("note", m{"content": "<p>Before you came.</p>"})["note"].(string)
	alice := c.Follow("@alice@" + strings.TrimPrefix(c.fedify.base, "http://"))
	if alice.IRI != c.fedify.alice || alice.Name != "Alice" {
		c.Errorf("found %+v", alice)
	}
	c.fedify.lists("followers", c.Links.Actor(), true)
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
	if c.fedify.closed {
		return
	}
	bobs := c.fedify.do("note", m{"as": "bob", "content": "<p>Bob was here.</p>"})["note"].(string)
	c.fedify.do("announce", m{"object": bobs})
	aptest.Until(c, "what alice shared is here", func() bool { return c.text(bobs) == "<p>Bob was here.</p>" })
	if e := c.timeline()[0]; e.ObjectIRI != bobs || e.Author == nil || e.Author.Name != "Bob" || len(e.SharedBy) != 1 {
		c.Errorf("the share stands in the timeline as %+v", e)
	}
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
	c.fedify.lists("followers", us, false)

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
