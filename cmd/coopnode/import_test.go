package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
	"github.com/coopnode/coopnode/ui"
)

// sampleData is the invented network that stands beside the project; it speaks of this day as today.
const sampleData = "../../../shared/data"

var sampleToday = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// An importer is a node on the day of the samples, with the command's own way in and its pages.
type importer struct {
	*testing.T
	*house
	app         *app
	out, errOut bytes.Buffer
	pages       *echo.Echo
}

func newImporter(t *testing.T) *importer {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := node.SetUp(t.Context(), db, activitypub.NewEncoder, node.Setup{Base: "https://mill.example", Handle: "mill", Name: "Mill"}, sampleToday); err != nil {
		t.Fatal(err)
	}
	n, err := node.New(t.Context(), db, activitypub.NewEncoder, node.Options{Now: func() time.Time { return sampleToday }, Markdown: ui.Markdown, Clean: ui.Clean})
	if err != nil {
		t.Fatal(err)
	}
	im := &importer{T: t, house: &house{Node: n, db: db}, pages: echo.New()}
	im.app = &app{in: strings.NewReader(""), out: &im.out, errOut: &im.errOut}
	ui.Mount(im.pages, n, ui.Options{})
	trouble := ui.Trouble(n, ui.Options{})
	im.pages.HTTPErrorHandler = func(err error, c echo.Context) {
		if trouble(c, err) != nil {
			t.Errorf("%s: %v", c.Request().URL, err)
		}
	}
	return im
}

// take imports a folder and gives what was answered.
func (im *importer) take(dir string, skip bool) (answer samplesTaken, err error) {
	im.Helper()
	im.out.Reset()
	im.app.json = true
	if err = im.app.importSamples(im.Context(), im.house, dir, skip); err == nil {
		if err := json.Unmarshal(im.out.Bytes(), &answer); err != nil {
			im.Fatal(err)
		}
	}
	return answer, err
}

func (im *importer) object(iri string) node.Object {
	im.Helper()
	o, err := im.Object(im.Context(), iri)
	if err != nil {
		im.Fatalf("%s: %v", iri, err)
	}
	if !o.Common().Sample {
		im.Errorf("%s is not marked as a sample", iri)
	}
	return o
}

func (im *importer) opening(by, id string) *node.Opening {
	im.Helper()
	return im.object("https://" + by + ".example/ap/openings/" + id).(*node.Opening)
}

func (im *importer) project(by, id string) *node.Project {
	im.Helper()
	return im.object("https://" + by + ".example/ap/projects/" + id).(*node.Project)
}

func (im *importer) coop(id string) *node.Actor {
	im.Helper()
	a, err := im.ActorOf(im.Context(), coopOf(id))
	if err != nil || !a.Sample {
		im.Fatalf("%s: %+v, %v", id, a, err)
	}
	return a
}

func coopOf(id string) string { return "https://" + id + ".example/ap/coop" }

// page gives the text of a page, and fails unless it says all of these.
func (im *importer) page(path string, says ...string) string {
	im.Helper()
	w := httptest.NewRecorder()
	im.pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	body := w.Body.String()
	if w.Code != http.StatusOK {
		im.Errorf("%s: %d", path, w.Code)
	}
	for _, s := range says {
		if !strings.Contains(body, s) {
			im.Errorf("%s does not say %q", path, s)
		}
	}
	return body
}

func (im *importer) count(q node.ObjectQuery) int {
	im.Helper()
	n, err := im.Count(im.Context(), q)
	if err != nil {
		im.Fatal(err)
	}
	return n
}

// All of the sample network imports, importing it again changes nothing, and taking it out leaves nothing (issue 4, Done-when 8).
func TestImportSampleNetwork(t *testing.T) {
	if _, err := os.Stat(sampleData); err != nil {
		aptest.Without(t, "the import of the sample network, which needs ../shared/data")
		return
	}
	im := newImporter(t)
	first, err := im.take(sampleData, false)
	if err != nil {
		t.Fatal(err)
	}
	want := node.Kept{Coops: 45, Federations: 8, Memberships: 62, Openings: 98 - 7 + 24, Projects: 60 + 7, Shares: 81}
	first.Kept.Real = nil
	if got := first.Kept; got.Coops != want.Coops || got.Federations != want.Federations || got.Memberships != want.Memberships ||
		got.Openings != want.Openings || got.Projects != want.Projects || got.Shares != want.Shares {
		t.Errorf("kept %+v, want %+v", got, want)
	}
	if first.Consortia != 7 || first.Lots != 24 || first.MembersOnly != 6 || first.BadCount != 0 {
		t.Errorf("answered %+v", first)
	}
	if !slices.Equal(first.Left, []string{"events.jsonl", "guides.jsonl", "responses.jsonl", "skills.jsonl", "votes.jsonl"}) {
		t.Errorf("left %v", first.Left)
	}
	oddCases(im)

	again, err := im.take(sampleData, false)
	if err != nil || again.Replaced != 53 || again.Openings != first.Openings || im.count(node.ObjectQuery{}) != first.Openings+first.Projects {
		t.Errorf("again: %+v, %v, %d objects", again, err, im.count(node.ObjectQuery{}))
	}
	if _, _, err := im.RemoveSamples(t.Context()); err != nil {
		t.Fatal(err)
	}
	coops, err := im.KnownCoops(t.Context())
	if err != nil || len(coops) != 1 || im.count(node.ObjectQuery{}) != 0 {
		t.Errorf("%d coops and %d objects are left, %v; want our own alone", len(coops), im.count(node.ObjectQuery{}), err)
	}
	if n, err := im.CountMemberships(t.Context(), node.MembershipQuery{}); n != 0 || err != nil {
		t.Errorf("%d memberships are left, %v", n, err)
	}
	if list, err := im.Timeline(t.Context(), node.TimelineQuery{}); len(list) != 0 || err != nil {
		t.Errorf("the timeline still has %d, %v", len(list), err)
	}
}

// oddCases are those that the network's own description names, as far as they are built.
func oddCases(im *importer) {
	run := func(name string, test func(*testing.T, *importer)) {
		im.Run(name, func(t *testing.T) {
			here := *im
			here.T = t
			test(t, &here)
		})
	}
	now := im.Now()
	public := func(o node.Object) string { b := o.Common(); return im.Links.Page(b.Type, b.ID)[len(im.Links.Base):] }

	run("open with its deadline past shows as expired", func(t *testing.T, im *importer) {
		o := im.opening("minamo", "field-survey")
		if o.Status != node.Open || o.StatusAt(now) != node.Expired {
			t.Errorf("it says %s and is %s", o.Status, o.StatusAt(now))
		}
		im.page(public(o), "Expired", "This is a sample")
		if strings.Contains(im.page("/openings"), o.Title()) {
			t.Error("the board shows it")
		}
	})
	run("a demand of six lots is a project whose openings add up to it", func(t *testing.T, im *importer) {
		p := im.project("musubite", "musubite-core")
		lots, _, err := im.Objects(t.Context(), node.ObjectQuery{Type: node.TypeOpening, Project: p.IRI})
		if err != nil {
			t.Fatal(err)
		}
		asked, free, countries := 0.0, 0.0, map[string]bool{}
		for _, o := range lots {
			lot := o.(*node.Opening)
			asked, free = asked+lot.Amount.Number, free+lot.Available.Number
			for _, part := range lot.FilledBy {
				a, err := im.ActorOf(t.Context(), part.Actor)
				if err != nil {
					t.Fatal(err)
				}
				countries[a.Coop.Place.Country] = true
			}
		}
		if len(lots) != 6 || asked != 46_000 || free != 37_800 || len(countries) != 3 || p.GoalHours != 46_000 || p.Coordination != "A lead is still needed." {
			t.Errorf("%d lots of %v hours, %v free, taken in %v, goal %v, %q", len(lots), asked, free, countries, p.GoalHours, p.Coordination)
		}
		im.page(public(p), "8,200", "46,000 hours", "520,000,000 to 600,000,000 JPY", "A lead is still needed.", "sample")
	})
	run("one lot is full and one untouched, for members only", func(t *testing.T, im *importer) {
		full, untouched := im.opening("thistlewick", "council-frame-hosting"), im.opening("thistlewick", "council-frame-access")
		if full.Status != node.Filled || full.Available.Number != 0 || untouched.Status != node.Open || untouched.Available != untouched.Amount {
			t.Errorf("full: %s, %s; untouched: %s, %s of %s", full.Status, full.Available, untouched.Status, untouched.Available, untouched.Amount)
		}
	})
	run("what is for members only is on no page", func(t *testing.T, im *importer) {
		for _, o := range []node.Object{im.project("thistlewick", "council-frame"), im.opening("trenza", "backend-elixir"), im.opening("epissure", "relais-fonds"),
			im.opening("juniper-lattice", "pci-review"), im.project("brindille", "collectivite"), im.opening("juniper-lattice", "switch-partners")} {
			b := o.Common()
			if b.Visible() || len(b.To) == 0 {
				t.Errorf("%s is for %s, %v", b.IRI, b.Audience, b.To)
			}
			w := httptest.NewRecorder()
			im.pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, public(o), nil))
			if w.Code != http.StatusNotFound {
				t.Errorf("the page of %s answers %d, want 404", b.IRI, w.Code)
			}
		}
		found, _, err := im.Search(t.Context(), node.SearchQuery{Text: "councils", Over: true})
		if err != nil || len(found) != 0 {
			t.Errorf("search finds %+v, %v", found, err)
		}
	})
	run("capacity in items", func(t *testing.T, im *importer) {
		lot := im.opening("epissure", "achats-laptops-laptops")
		if lot.Amount != (node.Quantity{Number: 120, Unit: node.Items}) || lot.Available.Number != 37 || len(lot.FilledBy) != 4 {
			t.Errorf("%s, %s free, %v", lot.Amount, lot.Available, lot.FilledBy)
		}
		p := im.project("epissure", "achats-laptops")
		im.page(public(p), "83", "120 items", "Part of the project")
	})
	run("published by another for a coop without a node", func(t *testing.T, im *importer) {
		for _, tt := range []struct{ by, id, behalf string }{{"nasij", "argan-shop", "lalla-argan"}, {"marejada", "rota-app", "caroa"}, {"melagrana", "oil-label", "frantoio-comune"}} {
			o := im.opening(tt.by, tt.id)
			if o.Actor != coopOf(tt.by) || o.OnBehalfOf != coopOf(tt.behalf) {
				t.Errorf("%s is by %s for %s", tt.id, o.Actor, o.OnBehalfOf)
			}
			im.page(public(o), "On behalf of", "Published for a coop that has no node of its own", "no node of its own", tt.behalf+".example")
			im.page("/openings?coop="+tt.by+".example", "On behalf of")
		}
		if o := im.opening("nandubay", "padron-datos"); o.OnBehalfOf != "" || o.BehalfName != "Federation of water cooperatives (sample)" {
			t.Errorf("for %q, %q", o.OnBehalfOf, o.BehalfName)
		}
	})
	run("memberships as both sides say", func(t *testing.T, im *importer) {
		for _, tt := range []struct {
			federation, coop string
			want             node.Standing
		}{
			{"ponte", "trenza", node.Confirmed}, {"ponte", "musubite", node.Confirmed}, {"ponte", "yadorigi", node.ClaimedOnly}, {"ponte", "epissure", node.ListedOnly},
			{"ponte", "bayou-switchboard", node.Former}, {"cordwain", "lanternfold", node.Former},
			{"melagrana", "frantoio-comune", node.ListedOnly}, {"cordwain", "pennyroyal", node.ListedOnly}, // without a node, so never confirmed
		} {
			m, err := im.Membership(t.Context(), coopOf(tt.federation), coopOf(tt.coop))
			if err != nil || !m.Sample || m.Standing() != tt.want {
				t.Errorf("%s in %s: %+v, %v, want %s", tt.coop, tt.federation, m, err, tt.want)
			}
		}
		if !im.coop("musubite").IsFederation() {
			t.Error("musubite is no federation")
		}
		if page := im.page("/coops/epissure@epissure.example"); strings.Contains(page, "Ponte") {
			t.Error("the page of epissure speaks of ponte, which alone lists it")
		}
		im.page("/coops/yadorigi@yadorigi.example", "Ponte", "sample")
		im.page("/federations/ponte.example", "Épissure", "Bayou Switchboard")
	})
	run("unconfirmed participants", func(t *testing.T, im *importer) {
		for id, by := range map[string]string{"mapa-vivienda": "toxeira", "shift-fair": "", "achats-communs": "", "pay-commons": "", "casa-abierta": ""} {
			var p *node.Project
			if by != "" {
				p = im.project(by, id)
			} else {
				all, _, err := im.Objects(t.Context(), node.ObjectQuery{Type: node.TypeProject, Limit: 200})
				if err != nil {
					t.Fatal(err)
				}
				i := slices.IndexFunc(all, func(o node.Object) bool { return strings.HasSuffix(o.Common().IRI, "/"+id) })
				p = all[i].(*node.Project)
			}
			unsure := 0
			for _, part := range p.Participants {
				if !part.Confirmed {
					unsure++
				}
			}
			if page := im.page(public(p)); unsure == 0 || strings.Count(page, "not confirmed by it") != unsure {
				t.Errorf("%s: %d unconfirmed, the page says it %d times", id, unsure, strings.Count(page, "not confirmed by it"))
			}
		}
	})
	run("scripts, right to left, nulls, currencies and sizes", func(t *testing.T, im *importer) {
		o := im.opening("nasij", "argan-shop")
		im.page(public(o), `<h1 dir="auto" lang="ar">موقع لبيع زيت الأركان إلى التعاونيات</h1>`, "42,000 to 52,000 MAD")
		if a := im.coop("taiju"); a.Name != "大樹しごと舎 (Taiju Shigotosha)" && !strings.HasSuffix(a.Name, " (Taiju Shigotosha)") || *a.Coop.Members != 8100 {
			t.Errorf("taiju is %q of %d", a.Name, *a.Coop.Members)
		}
		if c := im.coop("lalla-argan").Coop; c.Availability != nil && c.Availability.HoursPerMonth == 0 {
			t.Errorf("availability of null is %+v", c.Availability)
		}
		for _, a := range []string{"solbaramteo", "gluharche", "neerazhi", "jugnu"} {
			im.page("/coops/"+a+"@"+a+".example", im.coop(a).Name[:6])
		}
		seen := map[string]bool{}
		all, _, err := im.Objects(t.Context(), node.ObjectQuery{Type: node.TypeOpening, Limit: 200})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range all {
			if b := o.(*node.Opening).Budget; b != nil {
				seen[b.Currency] = true
				if b.Min <= 0 || b.Validate() != nil {
					t.Errorf("%s costs %+v", o.Common().IRI, b)
				}
			}
		}
		for _, c := range []string{"BRL", "EUR", "GBP", "INR", "JPY", "KRW", "MAD", "USD"} {
			if !seen[c] {
				t.Errorf("nothing costs %s", c)
			}
		}
	})
	run("profiles", func(t *testing.T, im *importer) {
		a := im.coop("trenza")
		c := a.Coop
		if len(c.AcceptsCustomers) != 4 || c.MembersAbroad == nil || *c.MembersAbroad.Accepts || c.Availability.Known(now) || len(c.MemberOf) != 2 ||
			a.Fetched.Format(time.DateOnly) != "2026-10-13" || c.Place.Region != "AR-S" || c.Contacts[0].Email != "coop@trenza.example" {
			t.Errorf("trenza is %+v %+v", a, c)
		}
		if a.Summary[0].Lang != "es" || len(a.Summary) != 2 {
			t.Errorf("the first language of its summary is not the main one: %+v", a.Summary)
		}
		ponte := im.coop("ponte").Coop
		if ponte.Admission.Rule != node.ByApprovals || ponte.Admission.Approvals != 4 || ponte.Resharing.PerDay != 3 ||
			im.coop("maille").Coop.Admission.Rule != node.BySteward || im.coop("marejada").Coop.Admission.Rule != node.ByAsking ||
			!slices.Equal(im.coop("musubite").Coop.Resharing.Held, im.coop("musubite").Coop.Resharing.Kinds) {
			t.Errorf("ponte admits by %+v and passes on %+v", ponte.Admission, ponte.Resharing)
		}
	})
	run("one opening that two federations passed on", func(t *testing.T, im *importer) {
		o := im.opening("nandubay", "padron-datos")
		list, err := im.Timeline(t.Context(), node.TimelineQuery{Type: node.TypeOpening, Limit: 200})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(list, func(e *node.TimelineEntry) bool { return e.ObjectIRI == o.IRI })
		if i < 0 || len(list[i].SharedBy) != 2 || o.Shares != 2 {
			t.Errorf("shared %d times, in the timeline at %d", o.Shares, i)
		}
	})
}

// A file with a bad line imports nothing and says where and why; with --skip-bad the rest comes.
func TestImportBadLines(t *testing.T) {
	im := newImporter(t)
	dir := t.TempDir()
	write := func(name string, lines ...string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	coop := func(id, domain, more string) string {
		return `{"id":"` + id + `","domain":"` + domain + `","name":"Coop ` + id + `"` + more + `}`
	}
	opening := func(id, more string) string {
		return `{"id":"` + id + `","by":"good","publishedBy":"good","kind":"job","purpose":"request","language":"en","name":"Work",` + more +
			`"published":"2026-11-01T09:00:00Z","status":"open","audience":{"type":"public"}}`
	}
	write("coops.jsonl", coop("good", "good.example", `,"summary":{"en":"<script>alert(1)</script>Fine"}`), "", coop("good", "other.example", ""), coop("Bad", "bad.example", ""),
		coop("host", "evil.example/x", ""), `{"id":`, `[]`, coop("num", "num.example", `,"members":"many"`), coop("own", "own.example", `,"ownership":"kings"`), coop("mill", "mill.example", ""))
	write("openings.jsonl", opening("ok", ""), opening("unit", `"capacity":{"unit":"tons","total":1,"open":1},`), opening("money", `"budget":{"currency":"Euro","min":1,"max":2,"basis":"total"},`),
		opening("day", `"deadline":"tomorrow",`), opening("who", `"project":"none",`))
	write("other.jsonl", "{}")
	_, err := im.take(dir, false)
	for _, want := range []string{"Nothing was imported", `coops.jsonl, line 3: the id "good" is there already`, "coops.jsonl, line 4: id", "coops.jsonl, line 5: domain", "coops.jsonl, line 6: it is no JSON",
		"coops.jsonl, line 7", "coops.jsonl, line 8: members cannot be a string", "coops.jsonl, line 9: The owners are one of", `openings.jsonl, line 2: "1 tons"`,
		`openings.jsonl, line 3: "Euro" is not a currency`, `openings.jsonl, line 4: "tomorrow" is not a moment`, `openings.jsonl, line 5: there is no project "none"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	if node.KindOf(err) != node.Invalid || im.count(node.ObjectQuery{}) != 0 {
		t.Errorf("%v; %d objects were kept", err, im.count(node.ObjectQuery{}))
	}
	got, err := im.take(dir, true)
	if err != nil || got.Coops != 1 || got.Openings != 1 || got.BadCount != 11 || !slices.Equal(got.Left, []string{"other.jsonl"}) || !slices.Equal(got.Missing, importOrder[1:4]) ||
		!slices.Equal(got.Real, []string{"https://mill.example/ap/coop"}) {
		t.Errorf("with --skip-bad: %+v, %v", got, err)
	}
	if a := im.coop("good"); strings.Contains(a.Summary[0].HTML, "<script") {
		t.Errorf("kept %q", a.Summary[0].HTML)
	}
	write("coops.jsonl", coop("good", "good.example", `,"legalName":"`+strings.Repeat("a", maxImportLine)+`"`))
	if _, err := im.take(dir, true); exitCode(err) != 2 || im.count(node.ObjectQuery{}) != 1 {
		t.Errorf("a line of more than 1 MB: %v; %d objects", err, im.count(node.ObjectQuery{}))
	}
	if _, err := im.take(t.TempDir(), false); !node.IsNotFound(err) {
		t.Errorf("an empty folder: %v", err)
	}
}
