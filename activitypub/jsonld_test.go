package activitypub_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-fed/activity/streams"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// A townHall is a node that has said one of everything, and what a crawl of it found.
type townHall struct {
	*desk
	reader    *aptest.Person
	documents map[string]m // by address
}

func given[T any](v T) *T { return &v }

// newTownHall makes the node say everything that it can say, so that every kind of document is served.
func newTownHall(t *testing.T) *townHall {
	h := &townHall{desk: newDesk(t), documents: map[string]m{}}
	h.reader = h.away.Person("reader")
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := h.SaveProfile(ctx, "test", func(a *node.Actor) error {
		a.Summary = []node.Text{{Lang: "en", Source: "Twelve members, one vote each."}, {Lang: "gl", Source: "Doce socias, un voto cada unha."}}
		c := a.Coop
		c.LegalName, c.Founded, c.Languages, c.AreaServed = "The Mill, S. Coop.", "2011-05-03", []string{"gl"}, []string{"ES"}
		c.Skills = []node.Skill{{Key: "accessibility", Name: "Accessibility audits", SameAs: h.away.Base + "/esco/1"}}
		c.Place = node.Place{Name: "Vigo", Locality: "Vigo", Region: "ES-GA", Country: "ES", Latitude: given(42.24), Longitude: given(-8.72)}
		c.Contacts = []node.Contact{{Type: "press", Email: "press@mill.example", Telephone: "+34 000 000 000", Languages: []string{"es"}}}
		c.MemberOf, c.Ownership, c.Members, c.Workers, c.OneMemberOneVote = []string{h.reader.ID}, "workers", given(12), given(14), given(true)
		c.LegalForm = node.LegalForm{Name: "Sociedade Cooperativa Galega", Abbreviation: "S. Coop. Galega"}
		c.Jurisdiction, c.Registry, c.RegistrationNo, c.TimeZone = "ES-GA", "Rexistro", "SAMPLE-1", "Europe/Madrid"
		c.CustomerMix, c.AcceptsCustomers = map[string]int{"cooperatives": 25, "business": 75}, []string{"public"}
		c.Availability, c.Remote = &node.FreeHours{HoursPerMonth: 120, From: "2027-01-11", Said: h.Now()}, given(true)
		c.MembersAbroad = &node.MembersAbroad{Accepts: given(true), Note: "Within the EU."}
		c.LooksFor, c.OffersHelp = []string{"partners"}, []string{"mentoring"}
		return nil
	})
	must(err)
	h.send(h.reader, h.reader.Do("Follow", h.Links.Actor()))
	h.followed(h.reader)

	project := &node.Project{
		Base:   node.Base{Type: node.TypeProject, Tags: []string{"maps"}, Texts: []node.Text{{Lang: "en", Title: "Open map", Source: "A map."}}},
		Status: node.Seeking, Description: []node.Text{{Lang: "en", Source: "The long text."}}, Lessons: []node.Text{{Source: "Begin smaller."}},
		GoalHours: 1200, GoalMoney: &node.Money{Currency: "EUR", Min: 18000, Max: 18000}, Coordination: "A call each week",
		Links: []string{h.away.Base + "/board"}, Outcomes: []node.ProjectOutcome{{Name: "First map", Date: h.Now(), URL: h.away.Base + "/map"}}, KindOfGood: []string{"social"},
		Begins: h.Now(), Ends: h.Now().AddDate(1, 0, 0),
	}
	h.Publish(project)
	opening := &node.Opening{
		Base: node.Base{Type: node.TypeOpening, Project: project.IRI, Tags: []string{"vivenda"}, Texts: []node.Text{
			{Lang: "es", Title: "Auditoría", Source: "Un portal."}, {Lang: "en", Title: "Audit", Source: "A portal."}}},
		Closes: h.Now().AddDate(0, 1, 0), Skills: []node.Skill{{Key: "accessibility", Name: "Accessibility audits", SameAs: h.away.Base + "/esco/1"}},
		Languages: []string{"es"}, Remote: true, Place: node.Place{Name: "Vigo", Country: "ES"}, TimeZones: "UTC-3/UTC+2",
		Amount: node.Quantity{Number: 3, Unit: node.People}, Minimum: node.Quantity{Number: 1, Unit: node.People}, AllOrNothing: true,
		Begins: h.Now().AddDate(0, 2, 0), Ends: h.Now().AddDate(0, 3, 0), Budget: &node.Money{Currency: "EUR", Min: 9000, Max: 9000},
		EmploymentType: "CONTRACTOR", MemberTrack: true, OnBehalfOf: h.reader.ID, BehalfName: "Vivenda",
		Answer:   node.Answer{Who: []string{"members"}, Federations: []string{h.reader.ID}, Countries: []string{"ES"}, How: []string{"offer"}},
		Customer: &node.Customer{Kind: "public", Name: "A town", Actor: h.reader.ID},
	}
	h.Publish(opening)
	_, err = h.SetOpeningStatus(ctx, "test", opening.IRI, node.Open, node.Part{Actor: h.reader.ID, Quantity: node.Quantity{Number: 1, Unit: node.People}})
	must(err)
	h.Opening("Another one")
	_, err = h.SetOpeningStatus(ctx, "test", h.Opening("Filled").IRI, node.Filled)
	must(err)
	must(h.Delete(ctx, "test", h.Opening("A mistake").IRI))
	question := &node.Post{Asks: true, Base: node.Base{Type: node.TypePost, Tags: []string{"pooling"}, Texts: []node.Text{{Lang: "en", Source: "How do you pool?"}}}}
	h.Publish(question)
	h.send(h.reader, h.reader.Do("Like", question.IRI), h.reader.Do("Announce", question.IRI), h.reader.Create(reply(h.reader, question.IRI, "<p>By hours.</p>")))
	answer := &node.Post{Base: node.Base{Type: node.TypePost, InReplyTo: h.reader.Note("<p>And you?</p>", nil)["id"].(string), Texts: []node.Text{{Source: "By trust."}}}}
	h.send(h.reader, h.reader.Create(reply(h.reader, question.IRI, "<p>And you?</p>")))
	answer.InReplyTo = question.IRI
	answer.Mentions = []node.Mention{{Actor: h.reader.ID, Address: "@reader@away.example"}}
	h.Publish(answer)
	for range 45 {
		h.Post("One of many.")
	}
	h.joins()
	must(h.Unfollow(ctx, "test", h.reader.ID))
	must(h.AnswerFollower(ctx, "test", h.reader.ID, false))
	h.Delivered()
	return h
}

// joins makes the node a federation that says all that there is to say of members, and a member of another one.
func (h *townHall) joins() {
	h.Helper()
	ctx := h.Context()
	must := func(err error) {
		h.Helper()
		if err != nil {
			h.Fatal(err)
		}
	}
	rule := &node.Admission{Rule: node.BySteward, Criteria: []node.Text{{Lang: "en", Source: "Owned by those who work there."}}, Countries: []string{"ES"}, Fee: "none"}
	_, err := h.SetFederation(ctx, "test", rule, node.DefaultResharing())
	must(err)
	find := func(p *forger) *node.Actor {
		a, err := h.Wire.Find(ctx, p.ID)
		must(err)
		return a
	}
	for _, name := range []string{"oak", "elm", "ash", "yew"} {
		c := forgerAt(h.away, name, false)
		doc := c.Document(name)
		doc["type"], doc["additionalType"], doc["coop:jurisdiction"], doc["coop:memberships"] = "Organization", node.KindCooperative, "ES", c.ID+"/memberships"
		h.away.Serve(c.ID, doc)
		if name == "yew" {
			must(h.Invite(ctx, "test", find(c), "You work as we do."))
			continue
		}
		h.send(c.Person, aptest.With(c.Do("Join", h.Links.Actor()), m{"content": "<p>We work as you do.</p>"}))
		switch name {
		case "oak":
			must(h.Admit(ctx, "test", c.ID, []string{"worker-owned"}))
		case "elm":
			must(h.Admit(ctx, "test", c.ID, nil))
			must(h.Exclude(ctx, "test", c.ID, "No answer for a year."))
		}
	}
	for _, name := range []string{"forest", "meadow"} {
		f := forgerAt(h.away, name, true)
		joined, err := h.Join(ctx, "test", find(f), "We work as you do.", true)
		must(err)
		if name == "forest" {
			must(h.Leave(ctx, "test", f.ID))
			continue
		}
		h.send(f.Person, f.Do("Accept", m{"id": joined.JoinIRI, "type": "Join", "actor": h.Links.Actor(), "object": f.ID}))
		must(h.Leave(ctx, "test", f.ID))
	}
	refused := forgerAt(h.away, "fir", false) // it does not say where it is
	h.send(refused.Person, refused.Do("Join", h.Links.Actor()))
}

var (
	inDocument = regexp.MustCompile(`https?://[^\s"'<>\\]+`)
	inTemplate = regexp.MustCompile(`\{[a-zA-Z-]+\}`) // FEP-3b86, OStatus subscribe
	inPage     = regexp.MustCompile(`(?:href|src|content)="([^"]+)"`)
)

// crawl asks for every address of the node that any document, page or letter names, as a program and as a browser
// do, and says which are dead.
func (h *townHall) crawl() (dead []string) {
	h.Helper()
	todo := []string{h.Links.Actor(), h.Links.Profile(), h.Links.Base + "/.well-known/nodeinfo",
		h.Links.Base + "/.well-known/webfinger?resource=" + h.Links.Actor()}
	for _, r := range h.away.Requests() {
		todo = append(todo, inDocument.FindAllString(string(r.Body), -1)...)
	}
	seen := map[string]bool{}
	for len(todo) > 0 {
		address, _, _ := strings.Cut(inTemplate.ReplaceAllLiteralString(todo[0], url.QueryEscape(h.reader.ID)), "#")
		todo = todo[1:]
		if seen[address] || !h.Links.Ours(address) || address == h.Links.Inbox() || address == h.Links.SharedInbox() {
			continue
		}
		seen[address] = true
		alive := false
		for _, accept := range []string{"application/activity+json", "text/html,application/xhtml+xml,*/*;q=0.8"} {
			a := aptest.Get(h, address, "Accept", accept)
			kind := a.Header.Get("Content-Type")
			body := string(a.Body)
			switch {
			case a.Status == http.StatusOK && strings.HasPrefix(kind, "application/activity+json"), a.Status == http.StatusGone && strings.Contains(body, "Tombstone"):
				var doc m
				if err := json.Unmarshal(a.Body, &doc); err != nil {
					h.Errorf("GET %s: %v", address, err)
				}
				h.documents[address] = doc
				alive = true
			case a.Status == http.StatusSeeOther:
				todo = append(todo, a.Header.Get("Location"))
				alive = true
			case a.Status == http.StatusOK:
				alive = true
			case a.Status >= 500:
				h.Errorf("GET %s as %s: %d %s", address, accept, a.Status, body)
			}
			if strings.Contains(kind, "json") || strings.Contains(kind, "xml") {
				todo = append(todo, inDocument.FindAllString(body, -1)...)
			}
			if strings.HasPrefix(kind, "text/html") {
				for _, found := range inPage.FindAllStringSubmatch(body, -1) {
					if link := strings.ReplaceAll(found[1], "&amp;", "&"); strings.HasPrefix(link, "/") {
						todo = append(todo, h.Links.Base+link)
					} else {
						todo = append(todo, link)
					}
				}
			}
		}
		if !alive {
			dead = append(dead, address)
		}
	}
	return dead
}

// What a populated node serves: no address in it is dead, streams reads every document as the type and id that it
// says (decisions 4), and with the contexts of others alone every one expands as JSON-LD and loses
// nothing.
func TestEverythingServed(t *testing.T) {
	h := newTownHall(t)
	if dead := h.crawl(); len(dead) > 0 {
		t.Errorf("dead addresses:\n%s", strings.Join(dead, "\n"))
	}
	kinds := map[string]int{}
	for _, doc := range h.documents {
		kind, _ := doc["type"].(string)
		kinds[kind]++
	}
	for _, kind := range []string{"Organization", "OrderedCollection", "OrderedCollectionPage", "Note", "Create", "Update", "Tombstone", "Relationship", "Join", "Invite", "Leave", "TentativeAccept", "Accept", "Reject", "Add", "Remove"} {
		if kinds[kind] == 0 {
			t.Errorf("no %s among what is served: %v", kind, kinds)
		}
	}
	for _, r := range h.away.Requests() { // and what is sent, with the kinds that nobody can fetch
		if r.Method == http.MethodPost {
			h.documents["letter "+r.Doc["id"].(string)] = r.Doc
		}
	}
	for name, doc := range h.documents {
		if _, ok := doc["type"]; !ok {
			continue // a context, a skill
		}
		typed, err := streams.ToType(t.Context(), doc)
		if err != nil {
			t.Errorf("%s: streams: %v", name, err)
			continue
		}
		id := typed.GetJSONLDId()
		if typed.GetTypeName() != doc["type"] || id == nil || id.Get().String() != doc["id"] {
			t.Errorf("%s: streams reads a %s with id %v, served was a %v with id %v", name, typed.GetTypeName(), id, doc["type"], doc["id"])
		}
	}
	expand(t, h.documents)
}

// The golden files have every field of every document.
func TestGoldenFilesExpand(t *testing.T) { expand(t, goldenFiles(t)) }

// goldenFiles are the documents in them, by file.
func goldenFiles(t testing.TB) map[string]m {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("there are no golden files")
	}
	documents := map[string]m{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var doc m
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatal(err)
		}
		documents[f] = doc
	}
	return documents
}

// expand checks that documents expand as JSON-LD with nothing but the contexts that others serve
// (vocabulary 3), and that nothing in them is lost by it.
func expand(t *testing.T, documents map[string]m) {
	t.Helper()
	results, ok := expanded(t, documents)
	if !ok {
		return
	}
	for _, r := range results {
		if r.Error != nil {
			t.Errorf("%s: %s", r.Name, *r.Error)
		}
		if len(r.Blanks) > 0 {
			t.Errorf("%s: nobody defines %v", r.Name, r.Blanks)
		}
	}
	t.Logf("%d documents expanded", len(results))
}

// An expansion is what expand.mjs says of a document.
type expansion struct {
	Name   string
	Blanks []string // terms, types and prefixes that nobody defines
	Error  *string
}

// expanded is false, having said so, where what it needs is not installed.
func expanded(t *testing.T, documents map[string]m) ([]expansion, bool) {
	t.Helper()
	contexts, err := filepath.Abs(filepath.Join(shared, "vectors", "jsonld-contexts"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(contexts); err != nil {
		aptest.Without(t, "JSON-LD expansion, which needs ../shared/vectors/jsonld-contexts")
		return nil, false
	}
	program, ok := nodeProgram(t, "JSON-LD expansion")
	if !ok {
		return nil, false
	}
	var list []m
	for _, name := range slices.Sorted(maps.Keys(documents)) {
		list = append(list, m{"name": name, "doc": documents[name]})
	}
	in, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "expand.mjs", contexts)
	var errs bytes.Buffer
	cmd.Dir, cmd.Stdin, cmd.Stderr = fedifyDir, bytes.NewReader(in), &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("expand.mjs: %v\n%s", err, errs.String())
	}
	var results []expansion
	if err := json.Unmarshal(out, &results); err != nil || len(results) != len(list) {
		t.Fatalf("expand.mjs: %v, %d results for %d documents", err, len(results), len(list))
	}
	return results, true
}

// The judge itself notices terms, types and prefixes that nobody defines, and contexts that would have to be fetched.
func TestExpandNotices(t *testing.T) {
	bad := map[string]m{}
	for name, change := range map[string]m{
		"term": {"invented": "a"}, "term inside": {"attachment": m{"invented": m{"b": "c"}}}, "prefix": {"coop:status": "open"},
		"type": {"type": "Invented"}, "context": {"@context": "https://coop.example/ns"},
	} {
		bad[name] = aptest.With(m{"@context": aptest.Context, "id": "https://coop.example/1", "type": "Note"}, change)
	}
	results, _ := expanded(t, bad)
	for _, r := range results {
		if len(r.Blanks) == 0 && r.Error == nil {
			t.Errorf("an unknown %s passes", r.Name)
		}
	}
}
