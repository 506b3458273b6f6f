package ui_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	tree "golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/coopnode/coopnode/node"
)

// A writer fills in forms of the console as a browser without scripts does: what is not touched is sent as it stands.
type writer struct {
	*browser
	path string
	form url.Values
	body string
}

func (b *browser) writer(path string) *writer {
	b.Helper()
	res, body := b.get(path)
	if res.StatusCode != http.StatusOK {
		b.Fatalf("GET %s: %s %s", path, res.Status, body)
	}
	return b.reads(path, body)
}

// reads takes over the form of a page, as it would be sent if nobody touched it.
func (b *browser) reads(path, body string) *writer {
	b.Helper()
	page, err := tree.Parse(strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	w := &writer{b, path, url.Values{}, body}
	for n := range page.Descendants() {
		if n.DataAtom == atom.Form && attr(n, "id") == "edit" {
			w.path = attr(n, "action")
			for f := range n.Descendants() {
				w.field(f)
			}
		}
	}
	return w
}

func (w *writer) field(n *tree.Node) {
	name := attr(n, "name")
	switch kind := attr(n, "type"); {
	case name == "" || kind == "file":
	case n.DataAtom == atom.Textarea && n.FirstChild != nil:
		w.form.Add(name, n.FirstChild.Data)
	case n.DataAtom == atom.Textarea:
		w.form.Add(name, "")
	case n.DataAtom == atom.Select:
		value, some := "", false
		for o := range n.Descendants() {
			if o.DataAtom == atom.Option && (!some || has(o, "selected")) {
				value, some = attr(o, "value"), true
			}
		}
		w.form.Add(name, value)
	case n.DataAtom == atom.Input && (kind == "checkbox" || kind == "radio"):
		if has(n, "checked") && has(n, "value") {
			w.form.Add(name, attr(n, "value"))
		} else if has(n, "checked") {
			w.form.Add(name, "on")
		}
	case n.DataAtom == atom.Input:
		w.form.Add(name, attr(n, "value"))
	}
}

func attr(n *tree.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *tree.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a tree.Attribute) bool { return a.Key == key })
}

// set fills in fields; they come in pairs.
func (w *writer) set(fields ...string) *writer {
	for i := 0; i+1 < len(fields); i += 2 {
		w.form.Set(fields[i], fields[i+1])
	}
	return w
}

// press sends the form by one of its buttons, and follows where that leads.
func (w *writer) press(do string, status int) *writer {
	w.Helper()
	form := url.Values{}
	for k, v := range w.form {
		form[k] = v
	}
	form.Set("do", do)
	res, body := w.postForm(w.path, form)
	if res.StatusCode != status {
		w.Fatalf("%s on %s: %s, want %d: %s", do, w.path, res.Status, status, wrongOn(body))
	}
	if status == http.StatusSeeOther {
		to, _, _ := strings.Cut(res.Header.Get("Location"), "#")
		if res, body = w.get(to); res.StatusCode != http.StatusOK {
			w.Fatalf("%s leads to %s: %s", do, to, res.Status)
		}
	}
	return w.reads(w.path, body)
}

// wrongOn is what a page says that is wrong with its form.
func wrongOn(body string) string {
	_, rest, _ := strings.Cut(body, `role="alert"`)
	said, _, _ := strings.Cut(rest, "</ul>")
	return said
}

func (w *writer) says(texts ...string) *writer {
	w.Helper()
	for _, s := range texts {
		if !strings.Contains(html.UnescapeString(w.body), s) {
			w.Errorf("the page does not say %q", s)
		}
	}
	return w
}

// ours finds the only thing of ours of a type with that title.
func (s *site) ours(t *testing.T, typ node.ObjectType, title string) node.Object {
	t.Helper()
	list, _, err := s.node.Objects(t.Context(), node.ObjectQuery{Type: typ, Local: true, Drafts: true, Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range list {
		if tx := o.Common().Texts; len(tx) > 0 && (tx[0].Title == title || tx[0].Source == title) {
			return o
		}
	}
	t.Fatalf("there is no %s %q", typ, title)
	return nil
}

// An opening from the empty form through a draft, its previews and publishing to its end: every field of the form comes to
// the opening, in two languages, and stands in the form again.
func TestWriteOpening(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, node.RoleEditor)
	w := b.writer("/console/openings/new").
		set("title.0", "Vertical text in Lareira", "text.0", "Books in **Japanese** need vertical lines.", "lang.0", "English",
			"kind", "job", "employment", "PART_TIME", "track", "on", "amount", "5", "unit", "people", "minimum", "2", "skills", "Rust, Web engines",
			"languages", "Galician, ja", "closes", "2027-02-01", "begins", "2027-03-01", "ends", "2027-07-31", "place", "A Coruña", "country", "Spain", "zones", "utc-3/utc+2",
			"budget.min", "58", "budget.currency", "eur", "basis", "hour", "customer.kind", "nonprofit", "customer.name", "Typographers’ guild",
			"behalf.name", "Moinho", "project", s.Project.IRI, "countries", "Spain, PT", "tags", "fonts, #text")
	w.form["who"], w.form["how"] = []string{"coops", "individuals"}, []string{"reply", "email"}

	w = w.press("language", http.StatusOK).says("Vertical text in Lareira", "need vertical lines")
	if w.form.Get("lang.1") != "Galician" || w.form.Get("kind") != "job" {
		t.Errorf("another language: %v", w.form)
	}
	w = w.set("title.1", "Texto vertical na Lareira", "text.1", "Os libros en xaponés.").press("preview:mastodon", http.StatusSeeOther).
		says("Draft kept at 10:00 UTC", "<p>Vertical text in Lareira</p>", "Also sent in Galician", "need vertical lines")
	o := s.ours(t, node.TypeOpening, "Vertical text in Lareira").(*node.Opening)
	if !o.Draft || s.acts(t, o) != 0 {
		t.Errorf("a preview published it: draft %v", o.Draft)
	}
	if res, _ := s.get(path(o)); res.StatusCode != http.StatusNotFound {
		t.Errorf("the draft is on a public page: %s", res.Status)
	}
	w = w.press("preview:page", http.StatusSeeOther).says("A place for a person", "58 EUR an hour")
	w = w.press("preview:text", http.StatusSeeOther).says("<pre class=\"plaintext\"", "Texto vertical na Lareira")
	w = w.press("publish", http.StatusSeeOther).says("Published.", "Whom it has reached")

	o = s.ours(t, node.TypeOpening, "Vertical text in Lareira").(*node.Opening)
	want := node.Opening{Kind: node.Job, Purpose: node.Request, Status: node.Open, EmploymentType: "PART_TIME", MemberTrack: true, Remote: true, TimeZones: "UTC-3/UTC+2",
		Amount: node.Quantity{Number: 5, Unit: node.People}, Available: node.Quantity{Number: 5, Unit: node.People}, Minimum: node.Quantity{Number: 2, Unit: node.People},
		Closes: time.Date(2027, 2, 1, 23, 59, 59, 0, time.UTC), Begins: time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC), Ends: time.Date(2027, 7, 31, 23, 59, 59, 0, time.UTC),
		Languages: []string{"gl", "ja"}, Skills: []node.Skill{{Key: "rust", Name: "Rust"}, {Key: "web-engines", Name: "Web engines"}}, Place: node.Place{Locality: "A Coruña", Country: "ES"},
		Budget: &node.Money{Currency: "EUR", Min: 58, Max: 58}, BudgetBasis: "hour", Customer: &node.Customer{Kind: "nonprofit", Name: "Typographers’ guild"}, BehalfName: "Moinho",
		Answer: node.Answer{Who: []string{"coops", "individuals"}, How: []string{"reply", "email"}, Countries: []string{"ES", "PT"}}}
	want.Base = o.Base
	same(t, "the opening", o, &want)
	if b := o.Base; b.Draft || b.Project != s.Project.IRI || !slices.Equal(b.Tags, []string{"fonts", "text"}) || len(b.Texts) != 2 || b.Texts[0].Lang != "en" ||
		b.Texts[1].Lang != "gl" || b.Texts[1].Title != "Texto vertical na Lareira" || !strings.Contains(b.Texts[0].HTML, "<strong>Japanese") {
		t.Errorf("the opening: %+v", b)
	}
	if s.acts(t, o) != 1 {
		t.Errorf("%d acts about it", s.acts(t, o))
	}

	// Saved as it stands, nothing changes but the time.
	w = w.press("save", http.StatusSeeOther).says("Saved.")
	again := s.ours(t, node.TypeOpening, "Vertical text in Lareira").(*node.Opening)
	want.Base = again.Base
	same(t, "the opening, saved as it stands", again, &want)
	if again.Base.Texts[1] != o.Base.Texts[1] || again.Project != o.Project || !slices.Equal(again.Tags, o.Tags) {
		t.Errorf("saved as it stands: %+v", again.Base)
	}

	// What is published is shown without being changed.
	w.set("title.0", "Vertical and horizontal text").press("preview:mastodon", http.StatusOK).says("<p>Vertical and horizontal text</p>")
	s.ours(t, node.TypeOpening, "Vertical text in Lareira")

	if res, _ := b.post(w.path + "/pause"); res.StatusCode != http.StatusSeeOther {
		t.Errorf("pause: %s", res.Status)
	}
	if res, _ := b.post(w.path + "/reopen"); res.StatusCode != http.StatusSeeOther {
		t.Errorf("reopen: %s", res.Status)
	}
	if res, body := b.post(w.path+"/close", "why", "filled", "who.0", "@nobody@nowhere.example"); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, "does not know @nobody@nowhere.example") {
		t.Errorf("close by somebody unknown: %s", res.Status)
	}
	if res, _ := b.post(w.path+"/close", "why", "filled", "who.0", "quebracho.example", "part.0", "3"); res.StatusCode != http.StatusSeeOther {
		t.Errorf("close: %s", res.Status)
	}
	o = s.ours(t, node.TypeOpening, "Vertical text in Lareira").(*node.Opening)
	if o.Status != node.Filled || len(o.FilledBy) != 1 || o.FilledBy[0] != (node.Part{Actor: "https://quebracho.example/ap/coop", Quantity: node.Quantity{Number: 3, Unit: node.People}}) {
		t.Errorf("closed: %s %+v", o.Status, o.FilledBy)
	}
	if _, body := b.get("/console/openings"); !strings.Contains(body, "Vertical text in Lareira") || strings.Index(body, "Secret draft") > strings.Index(body, "Vertical text") {
		t.Error("the list lacks it, or drafts do not come first")
	}
	if _, body := b.get(w.path + "/remove"); !strings.Contains(body, "better closed") {
		t.Error("the page that asks does not say what is better")
	}
	if res, _ := b.post(w.path + "/remove"); res.StatusCode != http.StatusSeeOther {
		t.Errorf("remove: %s", res.Status)
	}
	if res, _ := s.get(path(o)); res.StatusCode != http.StatusGone {
		t.Errorf("removed: %s", res.Status)
	}
}

// same compares what is said of an opening besides its base.
func same(t *testing.T, what string, got, want *node.Opening) {
	t.Helper()
	if g, w := asJSON(t, got), asJSON(t, want); g != w {
		t.Errorf("%s is\n%s, want\n%s", what, g, w)
	}
}

// acts counts how often something was published or changed.
func (s *site) acts(t *testing.T, o node.Object) (n int) {
	t.Helper()
	list, err := s.node.Store().Acts(t.Context(), node.ActQuery{Object: o.Common().IRI})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		if a.Verb == node.Create || a.Verb == node.Update {
			n++
		}
	}
	return n
}

// What was typed is never lost: a form that cannot be used comes back whole, and says beside each field what is wrong with it.
func TestNothingTypedIsLost(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, node.RoleEditor)
	before, _ := s.node.Count(t.Context(), node.ObjectQuery{Type: node.TypeOpening, Local: true, Drafts: true})
	typed := []string{"title.0", " ", "text.0", "A long <story>\nwith \"lines\"", "lang.0", "Klingonish", "amount", "many", "minimum", "9", "closes", "2026-11-20", "begins", "2027-03-01",
		"ends", "2027-01-01", "country", "Atlantis", "zones", "noon", "budget.min", "10", "budget.max", "5", "budget.currency", "Euro", "skills", "ok, ???", "customer.actor", "not a page"}
	for _, do := range []string{"publish", "keep", "preview:page"} {
		w := b.writer("/console/openings/new").set(typed...).press(do, http.StatusUnprocessableEntity)
		for i := 0; i < len(typed); i += 2 {
			if got := w.form.Get(typed[i]); strings.ReplaceAll(got, "\r", "") != typed[i+1] {
				t.Errorf("%s: %s came back as %q, want %q", do, typed[i], got, typed[i+1])
			}
		}
		for _, field := range []string{"title.0", "lang.0", "amount", "closes", "ends", "country", "zones", "budget.max", "skills", "customer.actor"} {
			if !strings.Contains(w.body, `id="e-`+field+`"`) || !strings.Contains(w.body, `href="#f-`+field+`"`) {
				t.Errorf("%s: nothing says what is wrong with %s", do, field)
			}
		}
	}
	if after, _ := s.node.Count(t.Context(), node.ObjectQuery{Type: node.TypeOpening, Local: true, Drafts: true}); after != before {
		t.Error("something of it was kept")
	}

	// Two people change the same: the second is told, with the text at hand, and can go on.
	page := "/console/openings/" + s.Opening.ID
	first, second := b.writer(page), b.writer(page)
	s.setClock(s.now().Add(time.Minute))
	first.set("title.0", "From the first").press("save", http.StatusSeeOther)
	second = second.set("title.0", "From the second").press("save", http.StatusUnprocessableEntity).says("Somebody changed this while you were writing")
	s.ours(t, node.TypeOpening, "From the first")
	second.press("save", http.StatusSeeOther)
	s.ours(t, node.TypeOpening, "From the second")
}

// Projects and posts are written in the same way; a question is marked as one.
func TestWriteProjectAndPost(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, node.RoleEditor)
	w := b.writer("/console/projects/new").set("title.0", "A common payroll", "text.0", "Payroll for small coops.", "description.0", "All of it.", "lessons.0", "Begin small.",
		"status", "seeking", "begins", "2027-01-01", "ends", "2027-12-31", "hours", "1.200,5", "goal.min", "18000", "goal.currency", "EUR", "coordination", "Weekly call",
		"links", "board.example/payroll\nhttps://code.example/", "good", "social, software").press("outcome", http.StatusOK)
	w = w.set("hours", "1200,5").set("outcome.0", "First version", "outcome.day.0", "2027-06-01", "outcome.url.0", "https://code.example/1").press("language", http.StatusOK)
	w.set("title.1", "Nóminas comúns", "text.1", "Nóminas.", "description.1", "Todo.").press("publish", http.StatusSeeOther)
	p := s.ours(t, node.TypeProject, "A common payroll").(*node.Project)
	if p.Status != node.Seeking || p.GoalHours != 1200.5 || *p.GoalMoney != (node.Money{Currency: "EUR", Min: 18000, Max: 18000}) || p.Coordination != "Weekly call" ||
		!slices.Equal(p.Links, []string{"https://board.example/payroll", "https://code.example/"}) || !slices.Equal(p.KindOfGood, []string{"social", "software"}) ||
		len(p.Outcomes) != 1 || p.Outcomes[0].URL != "https://code.example/1" || len(p.Description) != 2 || p.Description[1].Lang != "gl" || len(p.Lessons) != 1 {
		t.Errorf("project: %+v", p)
	}
	was := asJSON(t, p.Description) + asJSON(t, p.Outcomes) + asJSON(t, p.Lessons)
	b.writer("/console/projects/"+p.ID).press("save", http.StatusSeeOther)
	p = s.ours(t, node.TypeProject, "A common payroll").(*node.Project)
	if now := asJSON(t, p.Description) + asJSON(t, p.Outcomes) + asJSON(t, p.Lessons); now != was {
		t.Errorf("saved as it stands it is %s, was %s", now, was)
	}

	b.writer("/console/posts/new").set("kind", "question", "text.0", "How do you pay?", "project", p.IRI, "tags", "pay").press("publish", http.StatusSeeOther)
	q := s.ours(t, node.TypePost, "How do you pay?").(*node.Post)
	if !q.Asks || q.Project != p.IRI || !slices.Equal(q.Tags, []string{"pay"}) || q.Draft {
		t.Errorf("question: %+v", q)
	}
	b.writer("/console/posts/new").press("publish", http.StatusUnprocessableEntity).says("Write some text.")

	// An answer of ours in a thread stays one, and to whom.
	b.writer("/console/posts/"+s.Reply.ID).set("text.0", "Yes: there it is.").press("save", http.StatusSeeOther)
	r := s.ours(t, node.TypePost, "Yes: there it is.").(*node.Post)
	if r.InReplyTo != s.Reply.InReplyTo || len(r.Mentions) != len(s.Reply.Mentions) {
		t.Errorf("answer: %+v", r)
	}
}

// The form of the profile gives back what it was given, and nothing that it does not show is lost.
func TestWriteProfile(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, node.RoleEditor)
	before, err := s.node.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.writer("/console/profile").press("save", http.StatusSeeOther).says("The profile is saved.")
	after, err := s.node.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// A contact's address is kept without its scheme.
	before.Coop.Contacts[0].Email = strings.TrimPrefix(before.Coop.Contacts[0].Email, "mailto:")
	if was, is := asJSON(t, before.Coop), asJSON(t, after.Coop); was != is {
		t.Errorf("saved as it stands the profile is\n%s, was\n%s", is, was)
	}
	if asJSON(t, before.Summary) != asJSON(t, after.Summary) || before.Name != after.Name {
		t.Errorf("saved as it stands: %+v", after.Summary)
	}

	w := b.writer("/console/profile").set("name", "Toxeira", "members", "13", "votes", "no", "mix.public", "90", "contact.email", "not mail", "zone", "Nowhere/City", "latitude", "91").
		press("save", http.StatusUnprocessableEntity).says("These come to 175 percent", "This is no mail address", "There is no such time zone", "no number of degrees between -90 and 90")
	w.set("mix.public", "15", "contact.email", "a@toxeira.example", "zone", "Europe/Lisbon", "latitude", "43.36", "longitude", "-8.41", "free.still", "on", "chat", "chat.example", "hides", "on").press("save", http.StatusSeeOther)
	now, err := s.node.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c := now.Coop; now.Name != "Toxeira" || *c.Members != 13 || *c.OneMemberOneVote || c.TimeZone != "Europe/Lisbon" || *c.Place.Latitude != 43.36 || !now.HidesFollowing ||
		!c.Availability.Said.Equal(s.now()) || c.Contacts[0].Email != "a@toxeira.example" || c.Contacts[1].URL != "https://chat.example" || c.Place.Region != "ES-GA" {
		t.Errorf("profile: %s", asJSON(t, now))
	}
}

// Whoever saves a first profile is offered a post made from it, which is written and waits for its author (decisions 12).
func TestIntroduction(t *testing.T) {
	s := emptySite(t)
	b := s.signedIn(t, node.RoleEditor)
	w := b.writer("/console/profile")
	if strings.Contains(w.body, "Introduce yourselves") {
		t.Error("an empty profile is introduced")
	}
	w.set("summary.0", "We bake *bread*.", "skills", "Baking", "place", "Porto", "country", "Portugal", "languages", "Portuguese").press("save", http.StatusSeeOther).says("Write an introduction")
	w = b.writer("/console/posts/new?introduction=yes").says("Hello! We are Toxeira.", "We bake *bread*.", "Where we are: Porto, Portugal", "What we do: Baking", "We speak: Portuguese")
	if w.form.Get("tags") != "introduction, coops" {
		t.Errorf("tags: %v", w.form["tags"])
	}
	w.press("publish", http.StatusSeeOther)
	if _, body := b.get("/console/profile"); strings.Contains(body, "Write an introduction") {
		t.Error("it is offered again")
	}
}

// A reader sees what there is, and can change nothing of it (AUTHZ-1).
func TestReadersDoNotWrite(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, node.RoleReader)
	for _, kind := range []string{"openings", "projects", "posts"} {
		res, body := b.get("/console/" + kind)
		if res.StatusCode != http.StatusOK || strings.Contains(body, "/console/"+kind+"/new") || strings.Contains(body, "/remove") || strings.Contains(body, "/pause") {
			t.Errorf("%s: %s", kind, res.Status)
		}
	}
	id := s.Opening.ID
	for _, path := range []string{"/console/openings/new", "/console/openings/" + id, "/console/openings/" + id + "/close", "/console/openings/" + id + "/remove", "/console/profile"} {
		if res, _ := b.get(path); res.StatusCode != http.StatusForbidden {
			t.Errorf("GET %s: %s", path, res.Status)
		}
	}
	for _, path := range []string{"/console/openings/new", "/console/openings/" + id, "/console/openings/" + id + "/pause", "/console/openings/" + id + "/close", "/console/openings/" + id + "/remove", "/console/profile", "/console/pictures"} {
		if res, _ := b.post(path, "do", "publish", "title.0", "x", "why", "filled"); res.StatusCode != http.StatusForbidden {
			t.Errorf("POST %s: %s", path, res.Status)
		}
	}
	if o := s.ours(t, node.TypeOpening, s.Opening.Title()).(*node.Opening); o.Status != node.Open {
		t.Errorf("it is %s", o.Status)
	}
	e := s.signedIn(t, node.RoleEditor)
	for _, path := range []string{"/console/audit", "/console/people", "/console/settings", "/console/export"} {
		for _, who := range []*browser{b, e} {
			if res, _ := who.get(path); res.StatusCode != http.StatusForbidden {
				t.Errorf("%s, which is for stewards, answers a %s %s", path, who.person.Role, res.Status)
			}
		}
	}
	// What others published has no form here.
	for _, id := range []string{s.Foreign.ID, s.Deleted.ID, s.Post.ID, "../../x", "aaaaaaaaaa"} {
		if res, _ := e.get("/console/openings/" + id); res.StatusCode != http.StatusNotFound && res.StatusCode != http.StatusGone {
			t.Errorf("%s: %s", id, res.Status)
		}
	}
}

// asJSON is a value in a form in which two can be compared.
func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
