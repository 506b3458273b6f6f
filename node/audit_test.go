package node_test

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store/storetest"
)

// log gives the audit log since an entry, oldest first, as "name: action subject text".
func (x *house) log(after int64) (lines []string, last int64) {
	x.Helper()
	list, err := x.AuditLog(x.Context(), node.AuditQuery{Limit: 200})
	x.must(err)
	last = after
	for _, e := range slices.Backward(list) {
		if e.Seq > after {
			lines = append(lines, strings.TrimRight(e.Name+": "+e.Action+" "+e.Subject+" "+e.Text, " "))
			last = e.Seq
		}
	}
	return lines, last
}

// Who did what is in the audit log, persons and commands; what the node does by itself is not. AUTHZ-2: so is everything
// dangerous.
func TestAuditLog(t *testing.T) {
	x := newHouse(t)
	antia := x.steward()
	brais := x.worker("Brais", node.RoleEditor)
	sea := x.actor("sea.example", "ana")
	follower := x.followedBy("hill.example", "bea")
	must := func(_ any, err error) { t.Helper(); x.must(err) }
	_, seen := x.log(0)
	var post, draft string
	theirs := answer(sea, "answer2222", "", "Hm.")
	x.write(func(tx node.Tx) error { return tx.SaveObject(t.Context(), theirs) })
	x.write(func(tx node.Tx) error {
		return tx.SaveReport(t.Context(), &node.Report{ID: "report2222", Actor: sea.IRI, About: x.Links.Actor(), At: second})
	})
	for _, tt := range []struct {
		do   func(by string)
		want []string
	}{
		{func(by string) {
			p := opening("Tests")
			x.must(x.Publish(t.Context(), by, p))
			post = p.IRI
		}, []string{"create POST Tests"}},
		{func(by string) { must(x.Edit(t.Context(), by, post, func(node.Object) error { return nil })) }, []string{"update POST Tests"}},
		{func(by string) {
			p := opening("Later")
			p.Draft = true
			x.must(x.Publish(t.Context(), by, p))
			draft = p.IRI
		}, []string{"draft.save DRAFT Later"}},
		{func(by string) { x.must(x.Delete(t.Context(), by, draft)) }, []string{"delete DRAFT Later"}},
		{func(by string) { x.must(x.Delete(t.Context(), by, post)) }, []string{"delete POST"}},
		{func(by string) { must(x.Follow(t.Context(), by, sea)) }, []string{"follow " + sea.IRI}},
		{func(by string) { x.must(x.Unfollow(t.Context(), by, sea.IRI)) }, []string{"undo *"}},
		{func(by string) { x.must(x.AnswerFollower(t.Context(), by, follower.IRI, false)) }, []string{"reject *"}},
		{func(by string) { must(x.FollowLater(t.Context(), by, []string{"sea.example"})) }, []string{"follow.later sea.example"}},
		{func(by string) { x.must(x.DropWish(t.Context(), by, "sea.example")) }, []string{"follow.forget sea.example"}},
		{func(by string) {
			x.must(x.Subscribe(t.Context(), by, &node.Subscription{Source: sea.IRI, List: sea.IRI + "/outbox"}))
		}, []string{"subscription.start " + sea.IRI}},
		{func(by string) { x.must(x.Unsubscribe(t.Context(), by, sea.IRI)) }, []string{"subscription.end " + sea.IRI}},
		{func(by string) { must(x.Hide(t.Context(), by, theirs.IRI, true)) }, []string{"object.hide " + theirs.IRI}},
		{func(by string) { must(x.Hide(t.Context(), by, theirs.IRI, false)) }, []string{"object.show " + theirs.IRI}},
		{func(by string) { x.must(x.CloseReport(t.Context(), by, "report2222")) }, []string{"report.close " + x.Links.Actor()}},
		{func(by string) { must(x.SendReport(t.Context(), by, sea, nil, "Spam.")) }, []string{"flag " + sea.IRI}},
		{func(by string) { must(x.RetryDeliveries(t.Context(), by, node.DeliveryQuery{Host: "sea.example"})) }, []string{"delivery.retry sea.example *"}},
		{func(by string) { must(x.DropDeliveries(t.Context(), by, node.DeliveryQuery{Host: "sea.example"})) }, []string{"delivery.drop sea.example *"}},
		{func(by string) { x.must(x.ResumeDeliveries(t.Context(), by)) }, []string{"delivery.resume"}},
		{func(by string) {
			must(x.SaveProfile(t.Context(), by, func(a *node.Actor) error { a.Name = "The old mill"; return nil }))
		}, []string{"update " + x.Links.Actor()}},
		{func(by string) { must(x.RotateKeys(t.Context(), by)) }, []string{"keys.rotate *", "update " + x.Links.Actor()}},
		{func(by string) { must(x.RevokeKeys(t.Context(), by)) }, []string{"keys.revoke *", "update " + x.Links.Actor()}},
		{func(by string) { must(x.ChangeRules(t.Context(), by, []*node.Rule{reject("sea.example")}, nil)) }, []string{"rules.change sea.example set 1, dropped 0"}},
		{func(by string) { _, _, err := x.Purge(t.Context(), by, "sea.example"); x.must(err) }, []string{"rules.purge sea.example"}},
		{func(by string) {
			x.must(x.SetMail(t.Context(), by, &node.MailSettings{Host: "mail.example", Port: 587, Security: node.MailSTARTTLS, From: "mill@mill.example", User: "mill", Password: "secret"}))
		}, []string{"mail.set mail.example mill@mill.example"}},
		{func(by string) { x.must(x.SetMail(t.Context(), by, nil)) }, []string{"mail.end"}},
		{func(by string) {
			x.must(x.SetWebhook(t.Context(), by, &node.WebhookSettings{Address: "https://tools.example/secret", Kinds: node.NoticeKinds(node.RoleSteward)}, false))
		}, []string{"webhook.set tools.example"}},
		{func(by string) { x.must(x.SetWebhook(t.Context(), by, nil, false)) }, []string{"webhook.end"}},
		{func(by string) { must(x.SetRole(t.Context(), by, brais.ID, node.RoleReader)) }, []string{"person.role Brais reader"}},
		{func(by string) { must(x.NewPass(t.Context(), by, node.PassSignIn, brais.ID)) }, []string{"person.link Brais sign-in"}},
		{func(by string) { x.must(x.SetPassword(t.Context(), by, brais.ID, "another", "")) }, []string{"person.password Brais"}},
		{func(by string) {
			must(x.SetPerson(t.Context(), by, brais.ID, func(p *node.Person) { p.Name = "Brais L." }))
		}, []string{"person.change Brais L. Brais"}},
		{func(by string) { must(x.SuspendPerson(t.Context(), by, brais.ID)) }, []string{"person.suspend Brais L."}},
		{func(by string) { must(x.RestorePerson(t.Context(), by, brais.ID)) }, []string{"person.restore Brais L."}},
		{func(by string) { x.must(x.RemovePerson(t.Context(), by, brais.ID)) }, []string{"person.remove Brais L."}},
	} {
		name, by := "Antía", antia.By()
		if tt.want[0] == "delivery.resume" {
			name, by = "command:root", "command:root"
		}
		x.pass(time.Second)
		tt.do(by)
		var lines []string
		lines, seen = x.log(seen)
		for i, line := range lines {
			line = strings.NewReplacer(cmp.Or(post, "-"), "POST", cmp.Or(draft, "-"), "DRAFT").Replace(line)
			if i < len(tt.want) {
				if start, ok := strings.CutSuffix(tt.want[i], "*"); ok && strings.HasPrefix(line, name+": "+start) {
					line = name + ": " + tt.want[i]
				}
			}
			lines[i] = line
		}
		for i, w := range tt.want {
			tt.want[i] = name + ": " + w
		}
		if !slices.Equal(lines, tt.want) {
			t.Errorf("the log says\n%q, want\n%q", lines, tt.want)
		}
	}

	// What nobody did is not there.
	late := opening("Late")
	late.Closes = x.Now().Add(time.Hour).Truncate(time.Second)
	x.must(x.Publish(t.Context(), antia.By(), late))
	_, seen = x.log(seen)
	x.pass(2 * time.Hour)
	n, err := x.Expire(t.Context())
	x.must(err)
	equal(t, "expired", n, 1)
	if lines, _ := x.log(seen); len(lines) > 0 {
		t.Errorf("by itself: %q", lines)
	}
}

// People have a log of their own, also when they are gone.
func TestAuditLogOfAPerson(t *testing.T) {
	x := newHouse(t)
	antia, brais := x.steward(), x.worker("Brais", node.RoleSteward)
	x.must(x.RemovePerson(t.Context(), brais.By(), brais.ID)) // by itself
	list, err := x.AuditLog(t.Context(), node.AuditQuery{Person: brais.ID})
	x.must(err)
	var actions []string
	for _, e := range list {
		equal(t, "name", e.Name, "Brais")
		actions = append(actions, e.Action)
	}
	if !slices.Equal(actions, []string{"person.remove", "session.start", "person.join"}) {
		t.Errorf("got %q", actions)
	}
	_, err = x.SetRole(t.Context(), brais.By(), antia.ID, node.RoleEditor) // a name that means nobody any more
	wantError(t, err, node.Forbidden)
}

// What cannot be noted is not done: the log and what it tells of are one change (AUTHZ-2).
func TestNothingIsDoneUnnoted(t *testing.T) {
	s := &failing{Store: storetest.Open(t)}
	x := houseOn(t, s)
	antia, brais := x.steward(), x.worker("Brais", node.RoleEditor)
	token, _ := x.signIn(brais)
	s.audit = true
	for name, do := range map[string]func(by string) error{
		"publish":     func(by string) error { return x.Publish(t.Context(), by, opening("Tests")) },
		"rotate keys": func(by string) error { _, err := x.RotateKeys(t.Context(), by); return err },
		"block": func(by string) error {
			_, err := x.ChangeRules(t.Context(), by, []*node.Rule{reject("sea.example")}, nil)
			return err
		},
		"suspend": func(by string) error { _, err := x.SuspendPerson(t.Context(), by, brais.ID); return err },
		"remove":  func(by string) error { return x.RemovePerson(t.Context(), by, brais.ID) },
		"invite": func(by string) error {
			_, _, err := x.InvitePerson(t.Context(), by, "Carme", "", node.RoleEditor)
			return err
		},
		"start session": func(string) error { _, _, err := x.StartSession(t.Context(), brais.ID, ""); return err },
	} {
		if err := do(antia.By()); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.audit = false
	x.wantIn("nothing happened", map[string]bool{token: true})
	rules, err := x.Rules(t.Context())
	x.must(err)
	people, err := x.People(t.Context())
	x.must(err)
	n, err := x.Count(t.Context(), node.ObjectQuery{Local: true})
	x.must(err)
	equal(t, "rules", len(rules), 0)
	equal(t, "people", len(people), 2)
	equal(t, "objects", n, 0)
}

// Transactions about people may run twice (decisions 7).
func TestPeopleInTransactionsThatRunTwice(t *testing.T) {
	x := houseOn(t, &twice{Store: storetest.Open(t)})
	antia := x.steward()
	brais := x.worker("Brais", node.RoleEditor)
	token, s := x.signIn(brais)
	fresh, _, err := x.Confirm(t.Context(), s.ID)
	x.must(err)
	x.wantIn("confirmed", map[string]bool{token: false, fresh: true})
	link, err := x.NewPass(t.Context(), antia.By(), node.PassSignIn, brais.ID)
	x.must(err)
	in, _, _, err := x.RedeemPass(t.Context(), link, node.Guest{})
	x.must(err)
	x.wantIn("by a link", map[string]bool{in: true, fresh: true})
	x.pass(time.Hour)
	x.wantIn("touched", map[string]bool{in: true, fresh: true})
	_, err = x.SetRole(t.Context(), antia.By(), brais.ID, node.RoleReader)
	x.must(err)
	x.wantIn("another role", map[string]bool{in: false, fresh: false})
	lines, _ := x.log(0)
	seen := map[string]int{}
	for _, line := range lines {
		seen[line]++
	}
	equal(t, "lines about the role", seen["Antía: person.role Brais reader"], 1)
	equal(t, "lines about the link", seen["Antía: person.link Brais sign-in"], 1)
}
