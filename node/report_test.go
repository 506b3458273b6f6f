package node_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

func flag(who *node.Actor, id, comment string, about ...string) *node.Act {
	a := says(who, node.Flag, id, about[0])
	a.Objects, a.Content = about, comment
	return a
}

func (x *house) reports(q node.ReportQuery) []*node.Report {
	x.Helper()
	list, err := x.Reports(x.Context(), q)
	x.must(err)
	return list
}

// MOD-6: a complaint about us or ours is kept, bounded and clean, and goes no further; of what is not ours nothing
// is kept.
func TestReceiveFlag(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	us := x.Links.Actor()
	host := x.actor("sea.example", "host")
	bread := post("Bread")
	ours := x.publish(bread)
	draft := post("Secret")
	draft.Draft = true
	x.publish(draft)
	theirs := note(x.following("hill.example", "bea"), "1", "Fish")
	x.receive(create(theirs))
	x.news()

	x.receive(flag(host, "f1", "It \u202ereads\x1b[31m backwards\n<b>loudly</b>", bread.URL, us, ours, base+"/ap/posts/aaaaaaaaaa", draft.IRI, theirs.IRI))
	list := x.reports(node.ReportQuery{})
	if len(list) != 1 {
		t.Fatalf("%d reports, want one", len(list))
	}
	r := list[0]
	equal(t, "report", []any{r.Actor, r.About, r.Objects, r.Times, r.Local, r.At, r.Closed.IsZero()}, []any{host.IRI, us, []string{ours}, 1, false, noon.Truncate(time.Millisecond), true})
	equal(t, "comment", r.Comment, "It reads[31m backwards\n<b>loudly</b>")
	x.wantNews() // never passed on
	equal(t, "the object is as it was", x.object(ours).Common().Visible(), true)

	for i, a := range []*node.Act{
		flag(host, "g1", "x", theirs.IRI), flag(host, "g2", "x", draft.IRI), flag(host, "g3", "x", base+"/ap/posts/aaaaaaaaaa"),
		{IRI: host.IRI + "/g4", Verb: node.Flag, Actor: host.IRI},
	} {
		x.receive(a)
		equal(t, fmt.Sprint("not about us, ", i), len(x.reports(node.ReportQuery{})), 1)
	}
	x.receive(flag(x.actor("lake.example", "cid"), "h1", strings.Repeat("é", 5000), us))
	equal(t, "bounded", len([]rune(x.reports(node.ReportQuery{Host: "lake.example"})[0].Comment)), 2000)
	_, err := x.ChangeRules(t.Context(), "ana", []*node.Rule{{Target: "sea.example", Severity: node.SeverityNone, RejectReports: true}}, nil)
	x.must(err)
	x.receive(flag(host, "i1", "x", us))
	equal(t, "from where no reports are wanted", len(x.reports(node.ReportQuery{Host: "sea.example"})), 1)
	many := make([]string, 300)
	for i := range many {
		many[i] = base + fmt.Sprint("/ap/posts/", i)
	}
	many[200] = ours
	x.receive(flag(x.actor("lake.example", "dan"), "h2", "x", many...))
	equal(t, "beyond the hundredth", len(x.reports(node.ReportQuery{Host: "lake.example"})), 1)
}

// The same complaint again counts; after it was closed it is a new one. One server cannot fill the list.
func TestFlagsAreMerged(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	us := x.Links.Actor()
	host := x.actor("sea.example", "host")
	one, two := x.publish(post("Bread")), x.publish(post("Fish"))
	first := flag(host, "f1", "Spam", us, one, two)
	x.receive(first, first, flag(host, "f2", "Spam", two, one, us))
	x.receive(flag(host, "f3", "Really", us, one, two), flag(host, "f4", "", one, two))
	list := x.reports(node.ReportQuery{})
	equal(t, "merged", []any{len(list), list[0].Times, list[0].Comment}, []any{1, 4, "Really\nSpam"})
	x.receive(flag(host, "f5", "Other", us, one))
	equal(t, "about something else", len(x.reports(node.ReportQuery{})), 2)

	x.must(x.CloseReport(t.Context(), "ana", list[0].ID))
	x.must(x.CloseReport(t.Context(), "bea", list[0].ID))
	closed, err := x.Report(t.Context(), list[0].ID)
	x.must(err)
	equal(t, "closed by the first", closed.ClosedBy, "ana")
	x.receive(flag(host, "f6", "Spam", us, one, two))
	equal(t, "again after it was closed", len(x.reports(node.ReportQuery{Open: true})), 2)
	wantError(t, x.CloseReport(t.Context(), "ana", "nosuch2222"), node.NotFound)

	for i := range 60 {
		x.receive(flag(x.actor("flood.example", fmt.Sprint("u", i)), "f", "x", us))
	}
	equal(t, "of one server", len(x.reports(node.ReportQuery{Host: "flood.example", Limit: 200})), 50)
	x.receive(flag(host, "f7", "x", us))
	equal(t, "of another", len(x.reports(node.ReportQuery{Host: "sea.example"})), 4)
}

// LIM: many servers cannot fill the list either, whose names cost nothing. One that is there already still counts, and
// after some are closed there is room again.
func TestOpenReportsAreBoundedInAll(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	us := x.Links.Actor()
	open := func() (n int) {
		x.must(x.Store().Tx(t.Context(), func(tx node.Tx) (err error) { n, err = tx.CountOpenReports(t.Context()); return err }))
		return n
	}
	x.must(x.Store().Tx(t.Context(), func(tx node.Tx) error {
		for i := range 998 {
			r := &node.Report{ID: fmt.Sprint("r", i), Actor: fmt.Sprintf("https://h%d.flood.example/actor", i), About: us, At: x.Now(), Times: 1}
			if err := tx.SaveReport(t.Context(), r); err != nil {
				return err
			}
		}
		return nil
	}))
	ana := x.actor("sea.example", "ana")
	for i, name := range []string{"ben", "cid", "dan", "eva"} {
		if i == 0 {
			x.receive(flag(ana, "f0", "x", us))
		}
		x.receive(flag(x.actor(name+".example", name), "f", "x", us))
	}
	equal(t, "open", open(), 1000)
	equal(t, "of those who came late", len(x.reports(node.ReportQuery{Host: "eva.example"})), 0)
	x.receive(flag(ana, "f1", "x", us))
	equal(t, "the same again", x.reports(node.ReportQuery{Host: "sea.example"})[0].Times, 2)
	x.must(x.CloseReport(t.Context(), "ana", "r0"))
	x.receive(flag(x.actor("eva.example", "eva"), "g", "x", us))
	equal(t, "when there is room", len(x.reports(node.ReportQuery{Host: "eva.example"})), 1)
}

// MOD-6: a report of ours goes to the one inbox, is in no outbox and is not served.
func TestSendReport(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ana := x.actor("sea.example", "ana")
	x.followedBy("hill.example", "bea")
	r, err := x.SendReport(t.Context(), "command:eva", ana, []string{ana.IRI + "/1"}, " Spam ")
	x.must(err)
	s := x.wantNews(node.Flag)[0]
	equal(t, "act", []any{s.By, s.Listed, s.Served, s.To, s.Cc, s.Inboxes, s.ObjectIRI}, []any{"command:eva", false, false, []string{ana.IRI}, []string(nil), []string{ana.Inbox}, ana.IRI})
	sent := x.reports(node.ReportQuery{Local: true})
	equal(t, "remembered", []any{len(sent), sent[0].ID, sent[0].Comment, sent[0].By, sent[0].Actor}, []any{1, r.ID, "Spam", "command:eva", x.Links.Actor()})
	equal(t, "not among those about us", len(x.reports(node.ReportQuery{})), 0)

	us, err := x.Profile(t.Context())
	x.must(err)
	_, err = x.SendReport(t.Context(), "", us, nil, "")
	wantError(t, err, node.Invalid, "coop itself")
	_, err = x.SendReport(t.Context(), "", ana, nil, strings.Repeat("x", 2001))
	wantError(t, err, node.Invalid, "2000")
	_, err = x.SendReport(t.Context(), "", ana, slices.Repeat([]string{ana.IRI}, 101), "")
	wantError(t, err, node.Invalid, "100")
	x.wantNews()
}
