package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

func objectRoundTrip(t *testing.T, x *fixture) {
	full := func(typ node.ObjectType, id string) node.Base {
		b := base(typ, id, 0)
		b.Local, b.To, b.Tags, b.Project = true, []string{"https://b.example/b"}, []string{"Coop", "ação"}, "https://a.example/ap/projects/p"
		b.Texts = []node.Text{{Lang: "gl", Title: "Título <1>", Source: "*a*", HTML: "<p>a & b</p>"}}
		b.InReplyTo, b.Thread = "https://b.example/1", "https://b.example/0"
		b.Updated, b.Received, b.Audience, b.Draft = noon.Add(time.Hour), noon.Add(time.Millisecond), node.Followers, true
		return b
	}
	for _, want := range []node.Object{
		&node.Post{Base: full(node.TypePost, "aaaaaaaaaa"), Asks: true, Mentions: []node.Mention{{Actor: "https://b.example/b", Address: "@b@b.example"}}},
		&node.Opening{Base: full(node.TypeOpening, "bbbbbbbbbb"), Kind: node.Job, Purpose: node.Request, Status: node.Paused, Closes: noon,
			Skills: []node.Skill{{Key: "go", Name: "Go"}}, Amount: node.Quantity{Number: 2.5, Unit: node.Days},
			Budget: &node.Money{Currency: "EUR", Min: 1, Max: 2}, Answer: node.Answer{Who: []string{"coops"}}, FilledBy: []node.Part{{Actor: "https://b.example/b"}}},
		&node.Project{Base: full(node.TypeProject, "cccccccccc"), Status: node.Active, Description: []node.Text{{HTML: "<p>long</p>"}}, GoalHours: 3},
	} {
		x.write(func(tx node.Tx) error { return tx.SaveObject(x.ctx, want) })
		got, err := x.Object(x.ctx, want.Common().IRI)
		x.ok(err)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
}

func objectByRef(t *testing.T, x *fixture) {
	ours := x.post("aaaaaaaaaa", 0, func(p *node.Post) { p.Local = true })
	x.post("bbbbbbbbbb", 1, func(p *node.Post) { p.URL = ours.IRI }) // says that our address is its page
	x.post("cccccccccc", 2, func(p *node.Post) { p.URL = ours.URL })
	for _, ref := range []string{ours.ID, ours.IRI, ours.URL} {
		got, err := x.Object(x.ctx, ref)
		x.ok(err)
		check(x, "object "+ref, got.Common().ID, ours.ID)
	}
	for _, ref := range []string{"dddddddddd", "https://a.example/nothing", ""} {
		_, err := x.Object(x.ctx, ref)
		x.wantKind(err, node.NotFound)
	}
}

func objectKept(t *testing.T, x *fixture) {
	p := x.post("aaaaaaaaaa", 0, func(p *node.Post) { p.Tags = []string{"old"} })
	changed := *p
	changed.ID, changed.Received, changed.Tags, changed.URL = "bbbbbbbbbb", noon.Add(time.Hour), []string{"new"}, "https://a.example/other"
	x.write(func(tx node.Tx) error { return tx.SaveObject(x.ctx, &changed) })
	got, err := x.Object(x.ctx, p.IRI)
	x.ok(err)
	check(x, "id", got.Common().ID, p.ID)
	check(x, "received", got.Common().Received, p.Received)
	check(x, "url", got.Common().URL, changed.URL)
	for tag, want := range map[string]int{"old": 0, "new": 1} {
		n, err := x.CountObjects(x.ctx, node.ObjectQuery{Tag: tag})
		x.ok(err)
		check(x, "tagged "+tag, n, want)
	}
}

// ids lists what a query gives, page by page.
func (x *fixture) ids(q node.ObjectQuery) []string {
	x.Helper()
	ids := []string{}
	for {
		list, next, err := x.Objects(x.ctx, q)
		x.ok(err)
		for _, o := range list {
			ids = append(ids, o.Common().ID)
		}
		if next == "" {
			return ids
		}
		q.Before = next
	}
}

func objectPages(t *testing.T, x *fixture) {
	var want []string
	for i := range 25 {
		id := fmt.Sprintf("%caaaaaaa%c%c", 'a'+i%3, 'a'+i/5, 'a'+i%5)
		x.post(id, i/4, nil) // four of each minute
		want = append(want, id)
	}
	slices.SortFunc(want, func(a, b string) int {
		oa, err := x.Object(x.ctx, a)
		x.ok(err)
		ob, err := x.Object(x.ctx, b)
		x.ok(err)
		if c := ob.Common().Published.Compare(oa.Common().Published); c != 0 {
			return c
		}
		if a > b {
			return -1
		}
		return 1
	})
	for _, limit := range []int{0, 1, 3, 25, 100} {
		if got := x.ids(node.ObjectQuery{Type: node.TypePost, Limit: limit}); !slices.Equal(got, want) {
			t.Errorf("limit %d: got  %v\nwant %v", limit, got, want)
		}
	}
	for _, bad := range []string{"x", "1-", "-aaaaaaaaaa", "1-AAAAAAAAAA"} {
		_, _, err := x.Objects(x.ctx, node.ObjectQuery{Before: bad})
		x.wantKind(err, node.Invalid)
	}
}

func objectFilters(t *testing.T, x *fixture) {
	const us, project = "https://us.example/ap/coop", "https://a.example/ap/projects/p"
	x.post("post222222", 1, func(p *node.Post) { p.Tags = []string{"Coop"} })
	x.post("reply22222", 2, func(p *node.Post) {
		p.InReplyTo, p.Thread = "https://a.example/ap/post222222", "https://a.example/ap/post222222"
	})
	x.post("direct2222", 3, func(p *node.Post) { p.Audience = node.Direct })
	x.opening("ours222222", 4, func(o *node.Opening) {
		o.Actor, o.Local, o.Kind, o.Project, o.Skills = us, true, node.Job, project, []node.Skill{{Key: "go"}, {Key: "rust"}}
	})
	x.opening("theirs2222", 5, func(o *node.Opening) { o.Audience = node.Unlisted })
	for _, tt := range []struct {
		name string
		q    node.ObjectQuery
		want []string
	}{
		{"all", node.ObjectQuery{}, []string{"theirs2222", "ours222222", "direct2222", "reply22222", "post222222"}},
		{"type", node.ObjectQuery{Type: node.TypeOpening}, []string{"theirs2222", "ours222222"}},
		{"listed", node.ObjectQuery{Type: node.TypePost, Listed: true}, []string{"reply22222", "post222222"}},
		{"posts", node.ObjectQuery{Posts: true}, []string{"direct2222", "post222222"}},
		{"local", node.ObjectQuery{Local: true}, []string{"ours222222"}},
		{"local type", node.ObjectQuery{Local: true, Type: node.TypePost}, []string{}},
		{"actor", node.ObjectQuery{Actor: us}, []string{"ours222222"}},
		{"kind", node.ObjectQuery{Kind: node.Job}, []string{"ours222222"}},
		{"project", node.ObjectQuery{Project: project}, []string{"ours222222"}},
		{"in reply to", node.ObjectQuery{InReplyTo: "https://a.example/ap/post222222"}, []string{"reply22222"}},
		{"tag in any case", node.ObjectQuery{Tag: "cOOP"}, []string{"post222222"}},
		{"skill", node.ObjectQuery{Skill: "rust"}, []string{"ours222222"}},
		{"skill and type", node.ObjectQuery{Skill: "rust", Type: node.TypePost}, []string{}},
		{"several", node.ObjectQuery{OpenAt: noon, Local: true, Skill: "go", Kind: node.Job, Project: project, Listed: true}, []string{"ours222222"}},
	} {
		if got := x.ids(tt.q); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
		n, err := x.CountObjects(x.ctx, tt.q)
		x.ok(err)
		check(x, "count of "+tt.name, n, len(tt.want))
	}
}

func threadOrder(t *testing.T, x *fixture) {
	root := x.post("root222222", 5, func(p *node.Post) { p.Thread = "https://a.example/ap/root222222" })
	var want []string
	for i := range 5 {
		p := x.post(fmt.Sprintf("reply2222%d", i+2), i, func(p *node.Post) { p.InReplyTo, p.Thread = root.IRI, root.IRI })
		want = append(want, p.ID)
	}
	for _, limit := range []int{0, 2} {
		if got := x.ids(node.ObjectQuery{Thread: root.IRI, Limit: limit}); !slices.Equal(got, want) {
			t.Errorf("limit %d: got %v, want %v", limit, got, want)
		}
	}
}

func openAndLate(t *testing.T, x *fixture) {
	x.opening("forever222", 1, nil)
	x.opening("closes2222", 2, func(o *node.Opening) { o.Closes = noon.Add(time.Hour) })
	x.opening("filled2222", 3, func(o *node.Opening) { o.Status = node.Filled })
	x.opening("draft22222", 4, func(o *node.Opening) { o.Draft, o.Closes = true, noon.Add(time.Hour) })
	x.opening("deleted222", 5, func(o *node.Opening) { o.Deleted, o.Closes = noon, noon.Add(time.Hour) })
	x.opening("over222222", 6, func(o *node.Opening) { o.Status, o.Closes = node.Withdrawn, noon.Add(time.Hour) })
	for _, tt := range []struct {
		name string
		q    node.ObjectQuery
		want []string
	}{
		{"open before the deadline", node.ObjectQuery{OpenAt: noon}, []string{"closes2222", "forever222"}},
		{"open at the deadline", node.ObjectQuery{OpenAt: noon.Add(time.Hour)}, []string{"forever222"}},
		{"due, however they stand", node.ObjectQuery{DueFrom: noon.Add(time.Hour)}, []string{"over222222", "closes2222"}},
		{"due later", node.ObjectQuery{DueFrom: noon.Add(time.Hour + time.Millisecond)}, []string{}},
		{"late before the deadline", node.ObjectQuery{LateAt: noon}, []string{}},
		{"late at the deadline", node.ObjectQuery{LateAt: noon.Add(time.Hour)}, []string{"closes2222"}},
	} {
		if got := x.ids(tt.q); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func draftsAndDeleted(t *testing.T, x *fixture) {
	x.post("plain22222", 1, nil)
	x.post("draft22222", 2, func(p *node.Post) { p.Draft = true })
	x.post("deleted222", 3, func(p *node.Post) { p.Deleted = noon })
	for _, tt := range []struct {
		name string
		q    node.ObjectQuery
		want []string
	}{
		{"neither", node.ObjectQuery{}, []string{"plain22222"}},
		{"drafts", node.ObjectQuery{Drafts: true}, []string{"draft22222", "plain22222"}},
		{"deleted", node.ObjectQuery{Deleted: true}, []string{"deleted222", "plain22222"}},
		{"listed wins", node.ObjectQuery{Drafts: true, Deleted: true, Listed: true}, []string{"plain22222"}},
	} {
		if got := x.ids(tt.q); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func counts(t *testing.T, x *fixture) {
	p := x.post("aaaaaaaaaa", 0, nil)
	for i, edit := range []func(*node.Post){
		func(*node.Post) {},
		func(p *node.Post) { p.Audience = node.Unlisted },
		func(p *node.Post) { p.Audience = node.Direct },
		func(p *node.Post) { p.Draft = true },
		func(p *node.Post) { p.Deleted = noon },
	} {
		x.post(fmt.Sprintf("reply2222%d", i+2), i, func(r *node.Post) { r.InReplyTo = p.IRI; edit(r) })
	}
	const a, b = "https://b.example/a", "https://b.example/b"
	want := func(what string, likes, shares int) {
		t.Helper()
		got, err := x.Object(x.ctx, p.IRI)
		x.ok(err)
		check(x, what+": likes", got.Common().Likes, likes)
		check(x, what+": shares", got.Common().Shares, shares)
		check(x, what+": replies", got.Common().Replies, 2)
	}
	react := func(actor string, v node.Verb, iri string) {
		x.write(func(tx node.Tx) error {
			return tx.React(x.ctx, node.Reaction{Object: p.IRI, Actor: actor, Verb: v, IRI: iri, At: noon})
		})
	}
	takeBack := func(r node.Reaction) { x.write(func(tx node.Tx) error { return tx.TakeBack(x.ctx, r) }) }

	react(a, node.Like, "like-1")
	react(a, node.Like, "like-2")
	react(b, node.Like, "like-3")
	react(a, node.Announce, "share-1")
	want("after all", 2, 1)
	r, err := x.Reaction(x.ctx, p.IRI, a, node.Like)
	x.ok(err)
	check(x, "reaction", *r, node.Reaction{Object: p.IRI, Actor: a, Verb: node.Like, IRI: "like-2", At: noon})
	_, err = x.Reaction(x.ctx, p.IRI, b, node.Announce)
	x.wantKind(err, node.NotFound)
	for actor, ids := range map[string]int{a: 1, b: 0} {
		check(x, "shared by "+actor, len(x.ids(node.ObjectQuery{SharedBy: actor})), ids)
	}
	takeBack(node.Reaction{IRI: "like-3", Actor: a})
	want("taken back by another", 2, 1)
	takeBack(node.Reaction{IRI: "like-2", Actor: a}) // the id sent last, with no object (Pleroma)
	want("taken back by id", 1, 1)
	takeBack(node.Reaction{IRI: "unknown", Object: p.IRI, Actor: b, Verb: node.Like})
	want("taken back by object", 0, 1)
	takeBack(node.Reaction{Actor: a, Object: p.IRI})
	want("taken back without a verb", 0, 1)
	takeBack(node.Reaction{Object: p.IRI, Actor: a, Verb: node.Announce})
	want("share taken back", 0, 0)
}

func documents(t *testing.T, x *fixture) {
	ours := x.post("aaaaaaaaaa", 0, func(p *node.Post) { p.Local, p.Audience, p.Draft, p.Deleted = true, node.Followers, true, noon })
	theirs := x.post("bbbbbbbbbb", 0, nil)
	d, err := x.Document(x.ctx, ours.IRI)
	x.ok(err)
	check(x, "bytes", string(d.Raw), "aaaaaaaaaa")
	check(x, "audience", d.Audience, node.Followers)
	check(x, "draft", d.Draft, true)
	check(x, "deleted", d.Deleted, true)
	check(x, "updated", d.Updated, ours.Updated)
	_, err = x.Document(x.ctx, theirs.IRI)
	x.wantKind(err, node.NotFound)
}

func lockUnknown(t *testing.T, x *fixture) {
	p := x.post("aaaaaaaaaa", 0, nil)
	err := x.Tx(x.ctx, func(tx node.Tx) error {
		got, err := tx.LockObject(x.ctx, p.IRI)
		x.ok(err)
		check(x, "locked", got.Common().ID, p.ID)
		_, err = tx.LockObject(x.ctx, "https://a.example/nothing")
		return err
	})
	x.wantKind(err, node.NotFound)
}
