package storetest

import (
	"maps"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// member keeps somebody who works here.
func (x *fixture) member(id string) *node.Person {
	x.Helper()
	p := &node.Person{ID: id, Name: "Person " + id, Mail: id + "@coop.example", Role: node.RoleEditor, Created: noon, Joined: noon}
	x.write(func(tx node.Tx) error { return tx.SavePerson(x.ctx, p) })
	return p
}

// notice keeps a notice that was made so many minutes after noon.
func (x *fixture) notice(id, to string, kind node.NoticeKind, about string, minute int, edit func(*node.Notice)) *node.Notice {
	x.Helper()
	at := noon.Add(time.Duration(minute) * time.Minute)
	t := &node.Notice{ID: id, To: to, Kind: kind, About: about, Made: at, Due: at, Expires: at.Add(72 * time.Hour), State: node.NoticeWaiting}
	if edit != nil {
		edit(t)
	}
	x.write(func(tx node.Tx) error { return tx.AddNotice(x.ctx, t) })
	return t
}

func (x *fixture) wantNotices(what string, list []*node.Notice, err error, want ...string) {
	x.Helper()
	x.ok(err)
	got := make([]string, len(list))
	for i, t := range list {
		got[i] = t.ID
	}
	if len(got) != len(want) {
		x.Fatalf("%s: got %v, want %v", what, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			x.Fatalf("%s: got %v, want %v", what, got, want)
		}
	}
}

func noticesKept(t *testing.T, x *fixture) {
	x.member("ana")
	x.member("bea")
	later := x.notice("n1", "ana", node.NoticeMention, "https://a.example/1", 0, func(t *node.Notice) {
		t.Actor, t.Day, t.Due = "https://a.example/ana", "2027-03-02", noon.Add(18*time.Hour)
	})
	list, err := x.Notices(x.ctx, node.NoticeQuery{})
	x.ok(err)
	check(x, "kept", *list[0], *later)

	x.notice("n2", "ana", node.NoticeMention, "https://a.example/1", 1, nil) // the same again
	x.notice("n3", "bea", node.NoticeMention, "https://a.example/1", 2, nil)
	x.notice("n4", "ana", node.NoticeAnswer, "https://a.example/1", 3, nil)
	x.notice("n5", node.ToWebhook, node.NoticeAnswer, "https://a.example/1", 4, nil)
	list, err = x.Notices(x.ctx, node.NoticeQuery{})
	x.wantNotices("all, newest first, each once", list, err, "n5", "n4", "n3", "n1")
	list, err = x.Notices(x.ctx, node.NoticeQuery{To: "ana", Loud: true})
	x.wantNotices("at once", list, err, "n4")
	list, err = x.Notices(x.ctx, node.NoticeQuery{To: "ana", Day: "2027-03-02", State: node.NoticeWaiting})
	x.wantNotices("of a digest", list, err, "n1")
	count, err := x.CountNotices(x.ctx, node.NoticeQuery{Kind: node.NoticeMention, Since: noon.Add(time.Minute)})
	x.ok(err)
	check(x, "since", count, 1)

	// Who goes takes along what it would have heard.
	x.write(func(tx node.Tx) error { return tx.RemovePerson(x.ctx, "ana") })
	list, err = x.Notices(x.ctx, node.NoticeQuery{})
	x.wantNotices("without ana", list, err, "n5", "n3")
}

func noticesDue(t *testing.T, x *fixture) {
	x.member("ana")
	x.notice("late", "ana", node.NoticeMention, "a", 2, nil)
	x.notice("early", "ana", node.NoticeMention, "b", 0, nil)
	x.notice("hook", node.ToWebhook, node.NoticeMention, "b", 0, nil)
	x.notice("link", "ana", node.NoticeLink, "link", 5, nil)
	x.notice("future", "ana", node.NoticeMention, "c", 60, nil)
	now := noon.Add(10 * time.Minute)
	list, err := x.DueNotices(x.ctx, false, now, 10)
	x.wantNotices("links first, then what is due longest", list, err, "link", "early", "late")
	list, err = x.DueNotices(x.ctx, true, now, 10)
	x.wantNotices("for the webhook", list, err, "hook")

	// One ends, the others are put off together; what is too old is given up.
	early := *list[0]
	early.ID, early.State, early.Ended, early.Attempts = "early", node.NoticeSent, now, 1
	x.write(func(tx node.Tx) error {
		x.ok(tx.SettleNotice(x.ctx, &early))
		return tx.PutOffNotices(x.ctx, false, now, now.Add(time.Hour), "asleep")
	})
	list, err = x.DueNotices(x.ctx, false, now.Add(49*time.Minute), 10)
	x.wantNotices("while put off", list, err)
	list, err = x.DueNotices(x.ctx, false, now.Add(time.Hour), 10)
	x.wantNotices("after that", list, err, "link", "future", "late")
	check(x, "reason", list[2].Reason, "asleep")
	check(x, "attempts", list[2].Attempts, 1)
	list, err = x.DueNotices(x.ctx, true, now, 10)
	x.wantNotices("the webhook is not put off with mail", list, err, "hook")
	end := noon.Add(72*time.Hour + 2*time.Minute)
	x.write(func(tx node.Tx) error { return tx.PutOffNotices(x.ctx, false, end, end.Add(time.Hour), "dead") })
	list, err = x.Notices(x.ctx, node.NoticeQuery{State: node.NoticeGivenUp})
	x.wantNotices("given up", list, err, "late")
	check(x, "why", list[0].Reason, "dead")
	check(x, "when", list[0].Ended, end)

	// What has ended goes after 90 days.
	x.write(func(tx node.Tx) error { return tx.Sweep(x.ctx, end.Add(90*24*time.Hour+time.Minute)) })
	list, err = x.Notices(x.ctx, node.NoticeQuery{})
	x.wantNotices("swept", list, err, "future", "link", "hook")
}

func noticeSecrets(t *testing.T, x *fixture) {
	x.member("ana")
	link := x.notice("link", "ana", node.NoticeLink, "link", 0, nil)
	x.write(func(tx node.Tx) error {
		x.ok(tx.SaveSecret(x.ctx, "password", []byte("one")))
		x.ok(tx.SaveSecret(x.ctx, "password", []byte("two")))
		return tx.SealNotice(x.ctx, "link", []byte("token"))
	})
	for _, s := range []struct {
		read func() ([]byte, error)
		want string
	}{
		{func() ([]byte, error) { return x.Secret(x.ctx, "password") }, "two"},
		{func() ([]byte, error) { return x.NoticeSecret(x.ctx, "link") }, "token"},
	} {
		got, err := s.read()
		x.ok(err)
		check(x, "secret", string(got), s.want)
	}
	link.State, link.Ended = node.NoticeSent, noon
	x.write(func(tx node.Tx) error {
		x.ok(tx.DropSecret(x.ctx, "password"))
		return tx.SettleNotice(x.ctx, link)
	})
	_, err := x.Secret(x.ctx, "password")
	x.wantKind(err, node.NotFound)
	_, err = x.NoticeSecret(x.ctx, "link") // it has ended
	x.wantKind(err, node.NotFound)
}

func noticeChoices(t *testing.T, x *fixture) {
	x.member("ana")
	x.write(func(tx node.Tx) error {
		x.ok(tx.SaveNoticeChoice(x.ctx, "ana", node.NoticeMention, node.Daily))
		x.ok(tx.SaveNoticeChoice(x.ctx, "ana", node.NoticeMention, node.Never))
		return tx.SaveNoticeChoice(x.ctx, "ana", node.NoticeAnswer, node.AtOnce)
	})
	got, err := x.NoticeChoices(x.ctx, "ana")
	x.ok(err)
	if want := map[node.NoticeKind]node.NoticeChoice{node.NoticeMention: node.Never, node.NoticeAnswer: node.AtOnce}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	got, err = x.NoticeChoices(x.ctx, "nobody")
	x.ok(err)
	check(x, "of nobody", len(got), 0)
}
