package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// remark keeps a post of somebody and that it concerns us.
func (x *fixture) remark(id, thread string, minute int, state node.Attention) *node.Post {
	x.Helper()
	p := x.post(id, minute, func(p *node.Post) { p.InReplyTo, p.Thread = thread, thread })
	x.write(func(tx node.Tx) error {
		return tx.SaveRemark(x.ctx, &node.Remark{Why: node.ReasonReply, State: state, At: p.Received, Object: p}, thread)
	})
	return p
}

func (x *fixture) conversations(q node.ConversationQuery) []*node.Conversation {
	x.Helper()
	list, err := x.Conversations(x.ctx, q)
	x.ok(err)
	return list
}

// wantConversations checks each conversation as its root, its counts, and the ids and states of its remarks.
func (x *fixture) wantConversations(what string, q node.ConversationQuery, want ...string) {
	x.Helper()
	var got []string
	for _, c := range x.conversations(q) {
		s := fmt.Sprintf("%s %d/%d:", c.Root, c.Unread, c.Count)
		for _, m := range c.Remarks {
			s += fmt.Sprintf(" %s %s", m.Object.Common().ID, m.State)
		}
		got = append(got, s)
	}
	if !slices.Equal(got, want) {
		x.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func conversations(t *testing.T, x *fixture) {
	ours := x.post("ours222222", 0, nil)
	const other = "https://z.example/unknown"
	x.remark("aaaaaaaaaa", ours.IRI, 1, node.Unread)
	x.remark("bbbbbbbbbb", other, 2, node.Unread)
	x.remark("cccccccccc", ours.IRI, 3, node.Handled)
	a := ours.IRI + " 1/2: aaaaaaaaaa unread cccccccccc handled"
	b := other + " 1/1: bbbbbbbbbb unread"
	x.wantConversations("all", node.ConversationQuery{}, a, b)
	x.wantConversations("unread, by what is unread", node.ConversationQuery{State: node.Unread}, b, a)
	x.wantConversations("handled", node.ConversationQuery{State: node.Handled}, a)
	x.wantConversations("read", node.ConversationQuery{State: node.Read})
	x.wantConversations("one", node.ConversationQuery{Thread: other}, b)
	first := x.conversations(node.ConversationQuery{Limit: 1})
	x.wantConversations("second page", node.ConversationQuery{Before: first[0].Seq}, b)
	check(x, "subject", first[0].Subject.Common().ID, ours.ID)
	check(x, "latest", first[0].Latest, noon.Add(3*time.Minute))
	check(x, "why", first[0].Remarks[0].Why, node.ReasonReply)
	check(x, "author that was never read", first[0].Remarks[0].Author, nil)
	if second := x.conversations(node.ConversationQuery{Thread: other}); second[0].Subject != nil {
		t.Errorf("subject that is not here: %+v", second[0].Subject)
	}
	// What its author deleted does not count, and does not make a conversation new.
	x.post("cccccccccc", 3, func(p *node.Post) { p.InReplyTo, p.Thread, p.Deleted = ours.IRI, ours.IRI, noon })
	x.wantConversations("after a deletion", node.ConversationQuery{}, b, ours.IRI+" 1/1: aaaaaaaaaa unread")
	for i := range 25 {
		x.remark(fmt.Sprintf("long22222%c", 'a'+i), "https://z.example/long", 10+i, node.Read)
	}
	long := x.conversations(node.ConversationQuery{Limit: 1})[0]
	check(x, "count of a long one", long.Count, 25)
	check(x, "read of a long one", len(long.Remarks), 20)
	check(x, "oldest that is read", long.Remarks[0].Object.Common().ID, "long22222f")
}

func remarks(t *testing.T, x *fixture) {
	const root, other = "https://z.example/1", "https://z.example/2"
	a := x.remark("aaaaaaaaaa", root, 1, node.Unread)
	x.remark("bbbbbbbbbb", root, 2, node.Handled)
	x.remark("cccccccccc", other, 3, node.Unread)
	count := func(what string, q node.RemarkQuery, want int) {
		t.Helper()
		n, err := x.CountRemarks(x.ctx, q)
		x.ok(err)
		check(x, what, n, want)
	}
	mark := func(what string, q node.RemarkQuery, to node.Attention, want int) {
		t.Helper()
		x.write(func(tx node.Tx) error {
			n, err := tx.MarkRemarks(x.ctx, q, to)
			check(x, what, n, want)
			return err
		})
	}
	count("all", node.RemarkQuery{}, 3)
	count("unread", node.RemarkQuery{State: node.Unread}, 2)
	mark("unread of a thread", node.RemarkQuery{Thread: root, State: node.Unread}, node.Read, 1)
	mark("again", node.RemarkQuery{Thread: root, State: node.Unread}, node.Read, 0)
	count("still unread", node.RemarkQuery{State: node.Unread}, 1)
	mark("one", node.RemarkQuery{Object: a.IRI}, node.Handled, 1)
	mark("an unknown one", node.RemarkQuery{Object: "https://z.example/none"}, node.Handled, 0)
	count("handled", node.RemarkQuery{Thread: root, State: node.Handled}, 2)
	x.remark("aaaaaaaaaa", other, 9, node.Unread) // it stays as it is
	count("handled after it came again", node.RemarkQuery{Thread: root, State: node.Handled}, 2)
	x.write(func(tx node.Tx) error { // a post that is not here concerns nobody
		return tx.SaveRemark(x.ctx, &node.Remark{Why: node.ReasonReply, State: node.Unread, At: noon, Object: &node.Post{Base: base(node.TypePost, "nothere222", 0)}}, root)
	})
	count("all again", node.RemarkQuery{}, 3)
	x.post(a.ID, 1, func(p *node.Post) { p.Deleted = noon })
	count("after a deletion", node.RemarkQuery{}, 2)
	x.write(func(tx node.Tx) error { return tx.Sweep(x.ctx, noon.Add(91*24*time.Hour)) })
	x.post(a.ID, 1, nil)
	count("after it was swept and came again", node.RemarkQuery{}, 2)
}

func joinThread(t *testing.T, x *fixture) {
	const early, root = "https://a.example/early", "https://a.example/ap/root222222"
	x.post("root222222", 0, nil)
	x.remark("aaaaaaaaaa", early, 1, node.Unread)
	x.remark("bbbbbbbbbb", "https://a.example/other", 2, node.Unread)
	x.write(func(tx node.Tx) error { return tx.JoinThread(x.ctx, early, root) })
	if got := x.ids(node.ObjectQuery{Thread: root}); !slices.Equal(got, []string{"aaaaaaaaaa"}) {
		t.Errorf("the thread holds %v", got)
	}
	x.wantConversations("joined", node.ConversationQuery{Thread: root}, root+" 1/1: aaaaaaaaaa unread")
	x.write(func(tx node.Tx) error { return tx.JoinThread(x.ctx, "", root) })
	check(x, "what stands in none", len(x.ids(node.ObjectQuery{Thread: root})), 1)
}

func hidden(t *testing.T, x *fixture) {
	ours := x.post("ours222222", 0, nil)
	reply := func(p *node.Post) { p.InReplyTo, p.Thread, p.Tags = ours.IRI, ours.IRI, []string{"coop"} }
	x.post("reply22222", 1, func(p *node.Post) { reply(p); p.Hidden, p.HiddenBy = noon, "ana" })
	want := func(what string, listed int) {
		t.Helper()
		for _, q := range []node.ObjectQuery{{InReplyTo: ours.IRI}, {Thread: ours.IRI}, {Tag: "coop"}} {
			check(x, what+": known", len(x.ids(q)), 1)
			q.Listed = true
			check(x, what+": listed", len(x.ids(q)), listed)
		}
		o, err := x.Object(x.ctx, ours.IRI)
		x.ok(err)
		check(x, what+": counted", o.Common().Replies, listed)
	}
	want("hidden", 0)
	o, err := x.Object(x.ctx, "reply22222")
	x.ok(err)
	check(x, "since", o.Common().Hidden, noon)
	check(x, "by", o.Common().HiddenBy, "ana")
	x.post("reply22222", 1, reply)
	want("shown again", 1)
}

func reports(t *testing.T, x *fixture) {
	save := func(id, actor string, minute int, edit func(*node.Report)) *node.Report {
		r := &node.Report{ID: id, Actor: actor, About: "https://a.example/coop", Objects: []string{"y", "x"}, Comment: "x < y", At: noon.Add(time.Duration(minute) * time.Minute), Times: 1}
		if edit != nil {
			edit(r)
		}
		x.write(func(tx node.Tx) error { return tx.SaveReport(x.ctx, r) })
		return r
	}
	one := save("one2222222", "https://b.example/actor", 1, nil)
	save("two2222222", "https://b.example/actor", 2, func(r *node.Report) { r.Closed, r.ClosedBy = noon, "ana" })
	save("three22222", "https://c.example/actor", 3, func(r *node.Report) { r.Objects = []string{"x"} })
	save("sent222222", "https://a.example/coop", 4, func(r *node.Report) { r.Local = true })
	for _, tt := range []struct {
		name string
		q    node.ReportQuery
		want []string
	}{
		{"about us", node.ReportQuery{}, []string{"three22222", "two2222222", "one2222222"}},
		{"open", node.ReportQuery{Open: true}, []string{"three22222", "one2222222"}},
		{"sent", node.ReportQuery{Local: true}, []string{"sent222222"}},
		{"host", node.ReportQuery{Host: "b.example"}, []string{"two2222222", "one2222222"}},
		{"actor", node.ReportQuery{Actor: "https://c.example/actor"}, []string{"three22222"}},
		{"subject in any order", node.ReportQuery{Open: true, Subject: (&node.Report{About: "https://a.example/coop", Objects: []string{"x", "y"}}).Subject()}, []string{"one2222222"}},
		{"limit", node.ReportQuery{Limit: 1}, []string{"three22222"}},
	} {
		list, err := x.Reports(x.ctx, tt.q)
		x.ok(err)
		var got []string
		for _, r := range list {
			got = append(got, r.ID)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	open, err := x.CountOpenReports(x.ctx)
	x.ok(err)
	check(x, "open about us", open, 2)
	one.Times, one.Comment = 2, "again"
	x.write(func(tx node.Tx) error { return tx.SaveReport(x.ctx, one) })
	got, err := x.Report(x.ctx, one.ID)
	x.ok(err)
	check(x, "kept", fmt.Sprintf("%+v", *got), fmt.Sprintf("%+v", *one))
	_, err = x.Report(x.ctx, "nosuch2222")
	x.wantKind(err, node.NotFound)
	x.write(func(tx node.Tx) error { return tx.Sweep(x.ctx, noon.Add(91*24*time.Hour)) })
	list, err := x.Reports(x.ctx, node.ReportQuery{})
	x.ok(err)
	check(x, "after the sweep the open ones", len(list), 2)
}
