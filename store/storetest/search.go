package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// evening is when the index is made in most tests: after all that happens in them.
var evening = noon.Add(12 * time.Hour)

// index brings everything that is noted into the index.
func (x *fixture) index(at ...time.Time) {
	x.Helper()
	now := append(at, evening)[0]
	for {
		more := false
		x.write(func(tx node.Tx) (err error) {
			more, err = tx.IndexNoted(x.ctx, now, 3)
			return err
		})
		if !more {
			break
		}
	}
	waits, err := x.IndexWaits(x.ctx, now)
	x.ok(err)
	check(x, "something waits after all was indexed", waits, false)
}

// finds asks and gives the last parts of the addresses found, in order.
func (x *fixture) finds(q node.SearchQuery) string {
	x.Helper()
	if q.At.IsZero() {
		q.At = noon
	}
	list, _, err := x.Search(x.ctx, q)
	x.ok(err)
	names := make([]string, len(list))
	for i, h := range list {
		names[i] = h.IRI[strings.LastIndexByte(h.IRI, '/')+1:]
	}
	return strings.Join(names, " ")
}

// coop keeps a coop of that name, read at noon and so many minutes.
func (x *fixture) coop(name string, minute int, edit func(*node.Actor)) *node.Actor {
	x.Helper()
	a := &node.Actor{
		IRI: "https://" + name + ".example/ap/" + name, Type: "Organization", Handle: name, Host: name + ".example", Name: name,
		Inbox: "https://" + name + ".example/inbox", Updated: noon.Add(time.Duration(minute) * time.Minute), Fetched: noon,
		Indexable: true, Coop: &node.Coop{Kind: node.KindCooperative},
	}
	if edit != nil {
		edit(a)
	}
	x.write(func(tx node.Tx) error { return tx.SaveActor(x.ctx, a) })
	return a
}

// saying is a title and a text in a language.
func saying(title, lang, html string) []node.Text {
	return []node.Text{{Lang: lang, Title: title, HTML: html}}
}

// What people look for in the writing that they use is found however the other one wrote it, and nothing else.
func searchWords(t *testing.T, x *fixture) {
	for i, title := range []string{"São Paulo", "ёлка", "台北市の仕事", "おいしいパン屋", "İstanbul", "Große Straße", "Đà Nẵng", "서울 협동조합", "ハンコ", "مَرْحَبًا بالعالم"} {
		x.opening(fmt.Sprintf("o%d", i), i, func(o *node.Opening) { o.Texts = saying(title, "", "<p>text</p>") })
	}
	x.index()
	for _, tt := range []struct{ text, want string }{
		{"sao", "o0"}, {"SÃO paulo", "o0"}, {"são  PAULO", "o0"}, {"paulo sao", "o0"}, {`"paulo sao"`, ""}, {`"são paulo"`, "o0"},
		{"елка", "o1"}, {"Ёлка", "o1"},
		{"台北", "o2"}, {"北市", "o2"}, {"仕事", "o2"}, {"台市", ""}, {"台", "o2"},
		{"パン", "o3"}, {"ﾊﾟﾝ", "o3"}, {"ハン", "o8"},
		{"istanbul", "o4"}, {"ISTANBUL", "o4"}, {"ıstanbul", "o4"},
		{"strasse", "o5"}, {"STRASSE grosse", "o5"},
		{"nang", "o6"}, {"Nẵng đà", "o6"},
		{"서울", "o7"}, {"협동", ""}, {"협동*", "o7"},
		{"مرحبا", "o9"},
		{"istanb", ""}, {"istanb*", "o4"}, {"i*", ""}, {"paulo*", "o0"},
		{"sao istanbul", ""}, {"text", "o9 o8 o7 o6 o5 o4 o3 o2 o1 o0"}, {"p", ""},
	} {
		check(x, tt.text, x.finds(node.SearchQuery{Text: tt.text}), tt.want)
	}
}

// Everything that says something is found by it, the newest first, a coop among the others.
func searchAll(t *testing.T, x *fixture) {
	x.coop("mill", 1, func(a *node.Actor) {
		a.Name, a.Summary = "The old mill", saying("", "gl", "<p>Enxeñaría <b>web</b></p>")
		a.Coop.Skills, a.Coop.Place.Locality, a.Coop.LooksFor = []node.Skill{{Key: "web-engines", Name: "Browsers"}}, "Compostela", []string{"auditors"}
	})
	x.opening("opening", 2, func(o *node.Opening) {
		o.Texts = append(saying("Audit of a portal", "en", "<p>Forty pages</p>"), node.Text{Lang: "es", Title: "Auditoría", HTML: "<p>Cuarenta</p>"})
		o.Skills, o.Place.Locality, o.Tags = []node.Skill{{Key: "accessibility"}}, "Rosario", []string{"CoopWork"}
		o.Customer = &node.Customer{Kind: "public", Name: "Town hall"}
	})
	project := &node.Project{Base: base(node.TypeProject, "project", 3), Description: saying("", "en", "<p>Timetables</p>"), Outcomes: []node.ProjectOutcome{{Name: "Prototype"}}}
	project.Texts = saying("Care platform", "en", "")
	x.write(func(tx node.Tx) error { return tx.SaveObject(x.ctx, project) })
	x.post("post", 4, func(p *node.Post) {
		p.Local, p.Texts, p.Pictures = true, saying("", "en", "<p>Our <a href='x'>#<span>garden</span></a></p>"), []node.Picture{{Description: "a heron"}}
		p.Asks = true
	})
	x.index()
	for text, want := range map[string]string{
		"old mill": "mill", "enxenaria": "mill", "browsers": "mill", "web engines": "mill", "compostela": "mill", "auditors": "mill", "mill.example": "mill",
		"audit": "opening", "auditoria": "opening", "cuarenta forty": "opening", "accessibility": "opening", "rosario": "opening", "#coopwork": "opening", "town": "opening",
		"care": "project", "timetables": "project", "prototype": "project", "garden": "post", "heron": "post", "": "post project opening mill",
		"!!!": "", `"`: "", "*": "",
	} {
		check(x, text, x.finds(node.SearchQuery{Text: text}), want)
	}
	for _, tt := range []struct {
		kinds []string
		want  string
	}{
		{[]string{"coop"}, "mill"}, {[]string{"federation"}, ""}, {[]string{"opening"}, "opening"}, {[]string{"subcontract"}, "opening"}, {[]string{"job"}, ""},
		{[]string{"project"}, "project"}, {[]string{"post"}, "post"}, {[]string{"question"}, "post"}, {[]string{"coop", "project"}, "project mill"},
	} {
		check(x, fmt.Sprint(tt.kinds), x.finds(node.SearchQuery{Kinds: tt.kinds}), tt.want)
	}
}

// Coops are chosen by what they say of themselves, and what they publish by what its publisher says.
func searchFacets(t *testing.T, x *fixture) {
	x.coop("trama", 1, func(a *node.Actor) { a.Coop.Kind = node.KindConsortium })
	for i, c := range []struct {
		name, country, language, skill string
		owners                         node.Ownership
		customers                      map[string]int
	}{
		{"toxo", "ES", "gl", "web-engines", "workers", map[string]int{"public": 100}},
		{"baobab", "BR", "pt-BR", "ussd", "consumers", nil},
		{"hinata", "JP", "ja", "デザイン", "workers", map[string]int{"public": 0, "business": 100}},
	} {
		a := x.coop(c.name, 2+i, func(a *node.Actor) {
			a.Coop.Place, a.Coop.Languages, a.Coop.Ownership, a.Coop.CustomerMix = node.Place{Country: c.country}, []string{c.language}, c.owners, c.customers
			a.Coop.Skills = []node.Skill{{Key: c.skill}}
		})
		x.opening("by-"+c.name, 10+i, func(o *node.Opening) {
			o.Actor, o.Texts = a.IRI, saying("Work", "en", "")
			if c.name == "toxo" {
				o.Place, o.Skills, o.Customer = node.Place{Country: "AR", Region: "AR-S"}, []node.Skill{{Key: "maps"}}, &node.Customer{Kind: "nonprofit"}
			}
		})
	}
	x.write(func(tx node.Tx) error {
		word := node.Word{Since: noon}
		x.ok(tx.SaveMembership(x.ctx, &node.Membership{Federation: "https://trama.example/ap/trama", Coop: "https://toxo.example/ap/toxo", CoopSays: word, FederationSays: word}))
		return tx.SaveMembership(x.ctx, &node.Membership{Federation: "https://trama.example/ap/trama", Coop: "https://baobab.example/ap/baobab", CoopSays: word})
	})
	x.index()
	for _, tt := range []struct {
		name, want string
		q          node.SearchQuery
	}{
		{"federations", "trama", node.SearchQuery{Kinds: []string{"federation"}}},
		{"coops", "hinata baobab toxo", node.SearchQuery{Kinds: []string{"coop"}}},
		{"country", "toxo", node.SearchQuery{Country: "es"}},
		{"place of the work before that of the coop", "by-toxo", node.SearchQuery{Country: "AR"}},
		{"part of a country", "by-toxo", node.SearchQuery{Country: "AR-S"}},
		{"country of the publisher", "by-hinata hinata", node.SearchQuery{Country: "JP"}},
		{"language", "baobab", node.SearchQuery{Language: "pt"}},
		{"a variety of a language", "baobab", node.SearchQuery{Language: "PT-br"}},
		{"another variety", "", node.SearchQuery{Language: "pt-PT"}},
		{"language of texts", "by-hinata by-baobab by-toxo", node.SearchQuery{Language: "en"}},
		{"skill as it is typed", "toxo", node.SearchQuery{Skill: "Web Engines"}},
		{"skill in another script", "hinata", node.SearchQuery{Skill: "デザイン"}},
		{"a part of a skill is none", "", node.SearchQuery{Skill: "web"}},
		{"owners", "by-hinata by-toxo hinata toxo", node.SearchQuery{Ownership: "workers"}},
		{"customers of a coop", "toxo", node.SearchQuery{Customer: "public"}},
		{"customer of an opening", "by-toxo", node.SearchQuery{Customer: "nonprofit"}},
		{"confirmed members", "by-toxo toxo", node.SearchQuery{Federation: "https://trama.example/ap/trama"}},
		{"all at once", "by-toxo", node.SearchQuery{Text: "work", Kinds: []string{"opening"}, Skill: "maps", Country: "AR", Ownership: "workers", Open: true,
			Federation: "https://trama.example/ap/trama", Customer: "nonprofit", Language: "en"}},
		{"the words of facets are no words", "", node.SearchQuery{Text: "_ces"}},
	} {
		check(x, tt.name, x.finds(tt.q), tt.want)
	}
	f, err := x.SearchFacets(x.ctx, 10)
	x.ok(err)
	check(x, "countries", len(f.Countries), 3)
	check(x, "languages", fmt.Sprint(len(f.Languages), f.Languages[0].Coops), "3 1")
	check(x, "skills", len(f.Skills), 3)

	// What an author says of itself later counts for what it published before.
	x.coop("baobab", 40, func(a *node.Actor) { a.Coop.Place.Country = "PT" })
	x.index()
	check(x, "moved", x.finds(node.SearchQuery{Country: "PT"}), "baobab by-baobab")
	check(x, "moved from", x.finds(node.SearchQuery{Country: "BR"}), "")
	if f, err = x.SearchFacets(x.ctx, 10); err != nil || slices.ContainsFunc(f.Countries, func(f node.SearchFacet) bool { return f.Value == "br" }) {
		t.Errorf("countries after the move: %v, %v", f, err)
	}
	x.write(func(tx node.Tx) error {
		return tx.SaveMembership(x.ctx, &node.Membership{Federation: "https://trama.example/ap/trama", Coop: "https://toxo.example/ap/toxo",
			CoopSays: node.Word{Since: noon, Until: noon}, FederationSays: node.Word{Since: noon}})
	})
	x.index()
	check(x, "after the membership ended", x.finds(node.SearchQuery{Federation: "https://trama.example/ap/trama"}), "")
}

// What pages may not show is not found, from the moment on when it is indexed again (HTTP-7, MOD-1, GDPR-2).
func searchHidden(t *testing.T, x *fixture) {
	coop := x.coop("mill", 0, nil)
	kept := x.opening("kept", 1, func(o *node.Opening) { o.Actor, o.Texts = coop.IRI, saying("secret garden", "en", "") })
	save := func(o node.Object) func() {
		return func() { x.write(func(tx node.Tx) error { return tx.SaveObject(x.ctx, o) }) }
	}
	show := save(kept)
	hide := func(edit func(*node.Base)) func() {
		return func() {
			o := *kept
			edit(&o.Base)
			save(&o)()
		}
	}
	x.index()
	check(x, "at first", x.finds(node.SearchQuery{Text: "secret"}), "kept")
	for name, change := range map[string]func(){
		"for followers": hide(func(b *node.Base) { b.Audience = node.Followers }),
		"direct":        hide(func(b *node.Base) { b.Audience = node.Direct }),
		"draft":         hide(func(b *node.Base) { b.Draft = true }),
		"hidden":        hide(func(b *node.Base) { b.Hidden = noon }),
		"deleted":       hide(func(b *node.Base) { b.Deleted = noon }),
		"edited":        hide(func(b *node.Base) { b.Texts = saying("open garden", "en", "") }),
		"limited":       func() { x.write(func(tx node.Tx) error { return tx.JudgeActor(x.ctx, coop.IRI, node.SeverityLimit) }) },
		"refused":       func() { x.write(func(tx node.Tx) error { return tx.JudgeActor(x.ctx, coop.IRI, node.SeverityReject) }) },
	} {
		change()
		x.index()
		check(x, name, x.finds(node.SearchQuery{Text: "secret"}), "")
		x.write(func(tx node.Tx) error { return tx.JudgeActor(x.ctx, coop.IRI, "") })
		show()
		x.index()
		check(x, name+" no longer", x.finds(node.SearchQuery{Text: "secret"}), "kept")
	}
	for name, forget := range map[string]func(node.Tx) error{
		"gone":   func(tx node.Tx) error { return tx.ForgetActor(x.ctx, coop.IRI, noon) },
		"purged": func(tx node.Tx) error { _, err := tx.PurgeActor(x.ctx, coop.IRI); return err },
	} {
		x.write(forget)
		x.index()
		check(x, name, x.finds(node.SearchQuery{}), "")
		n, err := x.CountFound(x.ctx, node.SearchQuery{At: noon}, 10)
		x.ok(err)
		check(x, name+", counted", n, 0)
		x.write(func(tx node.Tx) error {
			_, err := tx.PurgeActor(x.ctx, coop.IRI)
			x.ok(err)
			return tx.SaveActor(x.ctx, coop)
		})
		show()
		x.index()
		check(x, name+" and back", x.finds(node.SearchQuery{}), "kept mill")
	}
	old := *coop
	old.Fetched = noon.Add(-100 * 24 * time.Hour)
	stale := *kept
	stale.ID, stale.IRI, stale.Received = "stale", kept.IRI+"-old", old.Fetched
	x.write(func(tx node.Tx) error { return tx.SaveObject(x.ctx, &stale) })
	x.coop("stranger", 2, func(a *node.Actor) { a.Name, a.Fetched = "secret stranger", old.Fetched })
	x.index()
	check(x, "before the sweep", x.finds(node.SearchQuery{Text: "secret", Kinds: []string{"coop"}}), "stranger")
	x.write(func(tx node.Tx) error { return tx.Sweep(x.ctx, noon) })
	x.index()
	check(x, "swept", x.finds(node.SearchQuery{Text: "secret"}), "kept")
}

// Posts of others are found where they are public and their author agrees (FEP-5feb); what a coop offers always is.
func searchConsent(t *testing.T, x *fixture) {
	ana := x.person("social.example", "ana", false)
	post := func(id string, audience node.Audience) {
		x.post(id, 1, func(p *node.Post) { p.Actor, p.Audience, p.Texts = ana.IRI, audience, saying("", "en", "<p>word</p>") })
	}
	post("public", node.Public)
	post("quiet", node.Unlisted)
	x.opening("opening", 2, func(o *node.Opening) { o.Actor, o.Texts = ana.IRI, saying("word", "en", "") })
	x.post("ours", 3, func(p *node.Post) {
		p.Local, p.Audience, p.Texts = true, node.Unlisted, saying("", "en", "<p>word</p>")
	})
	x.index()
	check(x, "without a word", x.finds(node.SearchQuery{Text: "word"}), "ours opening")
	ana.Indexable = true
	x.write(func(tx node.Tx) error { return tx.SaveActor(x.ctx, ana) })
	x.index()
	check(x, "agreed", x.finds(node.SearchQuery{Text: "word"}), "ours opening public")
	check(x, "she is no coop", x.finds(node.SearchQuery{Text: "ana"}), "")
	ana.Indexable = false
	x.write(func(tx node.Tx) error { return tx.SaveActor(x.ctx, ana) })
	x.index()
	check(x, "taken back", x.finds(node.SearchQuery{Text: "word"}), "ours opening")
}

// Openings that are over leave the search, by the time of the question; whoever asks for them finds them (decisions 25).
func searchOpen(t *testing.T, x *fixture) {
	for i, s := range []node.Status{node.Open, node.Paused, node.Filled, node.Withdrawn, node.Expired} {
		x.opening(string(s), i, func(o *node.Opening) { o.Status, o.Texts = s, saying("work", "en", "") })
	}
	closes := noon.Add(24 * time.Hour)
	x.opening("dated", 9, func(o *node.Opening) { o.Closes, o.Texts = closes, saying("work", "en", "") })
	x.post("post", 10, func(p *node.Post) { p.Local, p.Texts = true, saying("", "en", "<p>work</p>") })
	x.index()
	q := node.SearchQuery{Text: "work"}
	check(x, "in time", x.finds(q), "post dated open")
	check(x, "openings in time", x.finds(node.SearchQuery{Open: true}), "dated open")
	check(x, "with what is over", x.finds(node.SearchQuery{Text: "work", Over: true}), "post dated expired withdrawn filled paused open")
	check(x, "all with what is over", x.finds(node.SearchQuery{Over: true}), "post dated expired withdrawn filled paused open")
	for _, indexed := range []string{"before it is indexed", "when it is indexed"} {
		q.At = closes
		check(x, "late, "+indexed, x.finds(q), "post open")
		check(x, "late openings, "+indexed, x.finds(node.SearchQuery{Open: true, At: closes}), "open")
		check(x, "late with what is over, "+indexed, x.finds(node.SearchQuery{Text: "work", Over: true, At: closes}), "post dated expired withdrawn filled paused open")
		x.index(closes)
	}
	n, err := x.CountFound(x.ctx, q, 10)
	x.ok(err)
	check(x, "counted when it is indexed", n, 2)
	x.opening("dated", 9, func(o *node.Opening) { o.Closes, o.Texts = closes.Add(time.Hour), saying("work", "en", "") })
	x.index(closes)
	check(x, "later deadline", x.finds(q), "post dated open")
}

// A search is read page by page, each thing once; a change makes a thing the newest, and only a change.
func searchPages(t *testing.T, x *fixture) {
	for i := range 25 {
		x.opening(fmt.Sprintf("o%02d", i), i%5, func(o *node.Opening) { o.Texts = saying(strings.Repeat("word ", 1+i%3), "en", "<p>more</p>") })
	}
	x.index()
	for _, best := range []bool{false, true} {
		seen := map[string]bool{}
		q := node.SearchQuery{Text: "word", At: noon, Limit: 10, Best: best}
		for pages := 1; ; pages++ {
			list, next, err := x.Search(x.ctx, q)
			x.ok(err)
			for _, h := range list {
				if seen[h.IRI] {
					t.Errorf("%s is there twice", h.IRI)
				}
				seen[h.IRI] = true
			}
			if q.Before = next; next == "" {
				check(x, "pages", pages, 3)
				break
			}
		}
		check(x, "found on all pages", len(seen), 25)
	}
	for _, before := range []string{"x", "-1", "best-", "best-0", "1e3", "99999999999999999999"} {
		_, _, err := x.Search(x.ctx, node.SearchQuery{At: noon, Before: before})
		x.wantKind(err, node.Invalid)
	}
	for _, before := range []string{"1", "best--1", "best-1001"} {
		_, _, err := x.Search(x.ctx, node.SearchQuery{At: noon, Before: before, Best: true})
		x.wantKind(err, node.Invalid)
	}
	n, err := x.CountFound(x.ctx, node.SearchQuery{Text: "word", At: noon}, 20)
	x.ok(err)
	check(x, "counted no further than asked", n, 20)

	first := func() string { return strings.Fields(x.finds(node.SearchQuery{Text: "word"}))[0] }
	was := first()
	again := func(minute int, title string) {
		x.opening("o00", minute, func(o *node.Opening) { o.Published, o.Texts = noon, saying(title, "en", "<p>more</p>") })
		x.index()
	}
	again(0, "word and an ending")
	check(x, "changed at the same time", first(), was)
	again(60, "word and an ending")
	check(x, "changed later", first(), "o00")
	again(100*365*24*60, "word of the future")
	x.opening("newer", 13*60, func(o *node.Opening) { o.Texts = saying("word", "en", "") })
	x.index(evening.Add(2 * time.Hour))
	check(x, "what says it comes from the future is not the newest for ever", first(), "newer")
}

// What fits best comes first where that is asked for: in the title before in the text, often before once.
func searchBest(t *testing.T, x *fixture) {
	filler := strings.Repeat("other words stand here ", 20)
	x.opening("title", 1, func(o *node.Opening) { o.Texts = saying("harbour", "en", "<p>"+filler+"</p>") })
	x.opening("often", 2, func(o *node.Opening) { o.Texts = saying("x", "en", "<p>harbour harbour harbour"+filler+"</p>") })
	x.opening("once", 3, func(o *node.Opening) { o.Texts = saying("x", "en", "<p>harbour "+filler+filler+"</p>") })
	for i := range 10 {
		x.opening(fmt.Sprint("else", i), 4, func(o *node.Opening) { o.Texts = saying("x", "en", "<p>"+filler+"</p>") })
	}
	x.index()
	check(x, "newest", x.finds(node.SearchQuery{Text: "harbour"}), "once often title")
	check(x, "best", x.finds(node.SearchQuery{Text: "harbour", Best: true}), "title often once")
}
