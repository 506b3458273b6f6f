package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// erased: what was deleted leaves its address to acts and nothing to the queue and the audit log; what was not stays.
func erased(t *testing.T, x *fixture) {
	x.follower("a.example", "ana", false)
	for _, id := range []string{"gone", "kept"} {
		p := &node.Post{Base: base(node.TypePost, id, 0)}
		p.Local = true
		x.write(func(tx node.Tx) error { return tx.SaveObject(x.ctx, p) })
		x.say(id+" update", p.IRI, noon, toFollowers)
		x.write(func(tx node.Tx) error {
			return tx.NoteAudit(x.ctx, &node.AuditEntry{At: noon, Name: "command:root", Action: "update", Subject: p.IRI, Text: "Words of " + id})
		})
		if id == "gone" {
			p.Deleted = noon
			x.write(func(tx node.Tx) error { return tx.SaveObject(x.ctx, p) })
		}
	}
	for more := true; more; {
		x.write(func(tx node.Tx) (err error) {
			more, err = tx.ScrubErased(x.ctx)
			return err
		})
	}
	wantList(x, "on their way", x.due("a.example", noon), "kept update a.example/users/ana/inbox")
	gone, err := x.Act(x.ctx, "gone update")
	x.ok(err)
	check(x, "what is left of the act, and who waits for it", fmt.Sprint(string(gone.Raw), gone.Waiting), "{}0")
	_, err = x.ActBytes(x.ctx, gone.Seq)
	x.wantKind(err, node.NotFound)
	log, err := x.AuditEntries(x.ctx, node.AuditQuery{})
	x.ok(err)
	check(x, "audit log", fmt.Sprint(log[0].Text, ", ", log[1].Text), "Words of kept, ")
}

// scrubbed: of people and strangers who are erased the audit log, complaints and notices keep no name.
func scrubbed(t *testing.T, x *fixture) {
	p, q := x.worker("p", "Ana", "ana@mill.example"), x.worker("q", "Bea", "bea@mill.example")
	// The _ of the one stands where a pattern would find the letter of the other.
	const stranger, other = "https://a.example/ap/co_p", "https://a.example/ap/coop"
	x.notice("n1", "p", node.NoticeFollower, stranger, 0, nil)
	x.notice("n2", "p", node.NoticeFollower, other, 0, nil)
	x.write(func(tx node.Tx) error {
		for i, e := range []*node.AuditEntry{
			{Person: p.ID, Name: p.Name, Action: "session.start", Subject: p.Name}, {Person: q.ID, Name: q.Name, Action: "person.role", Subject: p.Name, Text: "editor"},
			{Person: q.ID, Name: q.Name, Action: "follow", Subject: stranger, Text: "Stranger"}, {Person: q.ID, Name: q.Name, Action: "follow", Subject: other, Text: "Other"},
		} {
			e.At = noon.Add(time.Duration(i) * time.Second)
			if err := tx.NoteAudit(x.ctx, e); err != nil {
				return err
			}
		}
		for i, r := range []*node.Report{
			{Actor: stranger, About: "https://mill.example/ap/coop"}, {Actor: other, About: "https://mill.example/ap/coop"},
			{Actor: other, About: stranger, Objects: []string{stranger + "/1"}}, {Actor: other, About: other, Objects: []string{other + "/1"}},
		} {
			r.ID, r.At = node.NewID(), noon.Add(time.Duration(i)*time.Second)
			if err := tx.SaveReport(x.ctx, r); err != nil {
				return err
			}
		}
		if err := tx.ScrubPerson(x.ctx, p); err != nil {
			return err
		}
		return tx.ScrubActor(x.ctx, stranger)
	})
	log, err := x.AuditEntries(x.ctx, node.AuditQuery{})
	x.ok(err)
	var got []string
	for _, e := range log {
		got = append(got, fmt.Sprintf("%s %s %s %s", e.Name, e.Action, e.Subject, e.Text))
	}
	wantList(x, "audit log", got, "Bea follow "+other+" Other", "Bea follow  ", "Bea person.role  ", " session.start  ")
	reports, err := x.Reports(x.ctx, node.ReportQuery{})
	x.ok(err)
	var left []string
	for _, r := range reports {
		left = append(left, r.Actor+" about "+r.Subject())
	}
	wantList(x, "complaints", left, other+" about "+other+" "+other+"/1", other+" about https://mill.example/ap/coop")
	notices, err := x.Notices(x.ctx, node.NoticeQuery{})
	x.wantNotices("notices", notices, err, "n2")
}

// cleansed: what was replaced is in no file any more, and looking for it says so (GDPR-3).
func cleansed(t *testing.T, x *fixture) {
	const word, other = "vexillolatrous", "bakerwright"
	x.write(func(tx node.Tx) error { return tx.SetSetting(x.ctx, "a", "Vexillolatrous and bakerwright") })
	found, size, err := x.Holds(x.ctx, []string{word, "nobody wrote this", other})
	x.ok(err)
	wantList(x, "found before", found, word, other)
	x.write(func(tx node.Tx) error { return tx.SetSetting(x.ctx, "a", "Bakerwright") })
	x.ok(x.Cleanse(x.ctx))
	found, after, err := x.Holds(x.ctx, []string{word, other})
	x.ok(err)
	wantList(x, "found after", found, other)
	if size == 0 || after == 0 {
		x.Errorf("looked through %d and %d bytes", size, after)
	}
}
