package activitypub_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// What an editor writes in the console reaches a follower: nothing of a draft and its preview, the opening when it is
// published, its change, its end, and the new profile. The outbox has it, who did it is on no wire, and the page says whom it
// has reached.
func TestWritingReachesFollowers(t *testing.T) {
	t.Parallel()
	mill, bakery := aptest.NewNode(t, "mill"), aptest.NewNode(t, "bakery")
	bakery.Follow(mill.Links.Actor())
	clerk := mill.Clerk(node.RoleEditor)
	form := func(more ...string) url.Values {
		v := url.Values{"title.0": {"Stone dresser wanted"}, "text.0": {"Two weeks of **work**."}, "lang.0": {"English"}, "title.1": {"Búscase picapedreiro"}, "lang.1": {"gl"},
			"kind": {"subcontract"}, "amount": {"2"}, "unit": {"people"}, "who": {"coops"}, "how": {"reply"}, "audience": {"public"}}
		for i := 0; i+1 < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return v
	}
	here := func() { t.Helper(); mill.Delivered(); bakery.Handled() }

	page := string(clerk.Get("/console/openings/new").Body)
	if !strings.Contains(page, "Publish to 1 follower<") || !strings.Contains(page, "Goes to 1 follower, on 1 server.") {
		t.Error("the form does not say to how many it goes")
	}
	a := clerk.Post("/console/openings/new", form("do", "preview:mastodon"))
	if a.Status != http.StatusSeeOther {
		t.Fatalf("preview: %d %s", a.Status, a.Body)
	}
	at, _, _ := strings.Cut(a.Header.Get("Location"), "?")
	shown := string(clerk.Get(at + "?preview=mastodon").Body)
	id := at[strings.LastIndex(at, "/")+1:]
	iri := mill.Links.Object(node.TypeOpening, id)
	here()
	if doc := aptest.GetDocument(t, iri); doc.Status != http.StatusNotFound || bakery.Known(iri) != nil || strings.Contains(outbox(t, mill), iri) {
		t.Fatalf("the draft is out: %d", doc.Status)
	}

	seen := func() string {
		return regexp.MustCompile(`name="seen" value="(\d+)"`).FindStringSubmatch(string(clerk.Get(at).Body))[1]
	}
	if a := clerk.Post(at, form("do", "publish", "seen", seen())); a.Status != http.StatusSeeOther {
		t.Fatalf("publish: %d %s", a.Status, a.Body)
	}
	here()
	if !strings.Contains(outbox(t, mill), iri) {
		t.Error("it is not in the outbox")
	}
	var doc struct {
		Content    string
		ContentMap map[string]string
	}
	raw := aptest.GetDocument(t, iri).Body
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.ContentMap) != 2 || doc.ContentMap["en"] != doc.Content || !strings.Contains(doc.ContentMap["gl"], "Búscase picapedreiro") {
		t.Errorf("document: %s", raw)
	}
	// The preview showed what was sent.
	if !strings.Contains(shown, "Stone dresser wanted</strong>") || !strings.Contains(shown, "Two weeks of <strong>work</strong>.") || !strings.Contains(shown, "localhost") {
		t.Error("the preview is not what was sent")
	}
	got, ok := bakery.Known(iri).(*node.Opening)
	if !ok || got.Title() != "Stone dresser wanted" || got.Amount != (node.Quantity{Number: 2, Unit: node.People}) || len(got.Texts) != 2 {
		t.Fatalf("at the follower: %+v", got)
	}
	page = string(clerk.Get(at).Body)
	if !strings.Contains(page, "<dt>servers reached</dt><dd>1</dd>") {
		t.Error("the page does not say that it reached one server")
	}

	if a := clerk.Post(at, form("do", "save", "title.0", "Two stone dressers wanted", "seen", seen())); a.Status != http.StatusSeeOther {
		t.Fatalf("save: %d %s", a.Status, a.Body)
	}
	here()
	if got := bakery.Known(iri).(*node.Opening); got.Title() != "Two stone dressers wanted" {
		t.Errorf("after the change the follower has %q", got.Title())
	}
	clerk.Get(at)
	if a := clerk.Post(at+"/close", url.Values{"why": {"filled"}, "who.0": {bakery.Links.Actor()}, "part.0": {"1"}}); a.Status != http.StatusSeeOther {
		t.Fatalf("close: %d %s", a.Status, a.Body)
	}
	here()
	if got := bakery.Known(iri).(*node.Opening); got.Status != node.Filled || len(got.FilledBy) != 1 || got.FilledBy[0].Actor != bakery.Links.Actor() {
		t.Errorf("after the end the follower has %s %+v", got.Status, got.FilledBy)
	}
	if a := clerk.Post("/console/profile", url.Values{"do": {"save"}, "name": {"The old mill"}, "lang.0": {"en"}, "summary.0": {"We grind."}, "members": {"7"}}); a.Status != http.StatusSeeOther {
		t.Fatalf("profile: %d %s", a.Status, a.Body)
	}
	here()
	if who, err := bakery.ActorOf(t.Context(), mill.Links.Actor()); err != nil || who.Name != "The old mill" || who.Coop == nil || *who.Coop.Members != 7 {
		t.Errorf("the follower knows %+v, %v", who, err)
	}
	clerk.Get(at)
	if a := clerk.Post(at+"/remove", url.Values{}); a.Status != http.StatusSeeOther {
		t.Fatalf("remove: %d %s", a.Status, a.Body)
	}
	here()
	if got := bakery.Known(iri); got != nil && got.Common().Deleted.IsZero() {
		t.Error("the follower has it still")
	}
	for _, b := range [][]byte{raw, []byte(outbox(t, mill)), aptest.GetDocument(t, mill.Links.Actor()).Body} {
		if strings.Contains(string(b), "person:") || strings.Contains(string(b), "Ana ") {
			t.Errorf("who did it is on the wire: %s", b)
		}
	}
}

// outbox is what the first page of a node's outbox says.
func outbox(t *testing.T, n *aptest.Node) string {
	t.Helper()
	var doc struct{ First any }
	if err := json.Unmarshal(aptest.GetDocument(t, n.Links.Outbox()).Body, &doc); err != nil {
		t.Fatal(err)
	}
	first, ok := doc.First.(string)
	if !ok {
		b, _ := json.Marshal(doc.First)
		return string(b)
	}
	return string(aptest.GetDocument(t, first).Body)
}
