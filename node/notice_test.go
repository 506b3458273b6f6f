package node_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// mailed is a house that sends mail, with a steward, an editor and a reader who have addresses.
type mailed struct {
	*house
	steward, editor, reader *node.Person
}

func newMailed(t *testing.T) *mailed {
	t.Helper()
	x := newHouse(t)
	m := &mailed{house: x, steward: x.steward(), editor: x.worker("Brais", node.RoleEditor), reader: x.worker("Carme", node.RoleReader)}
	for _, p := range []*node.Person{m.editor, m.reader} {
		_, err := x.SetPerson(t.Context(), "command:test", p.ID, func(p *node.Person) { p.Mail = strings.ToLower(p.Name) + "@mill.example" })
		x.must(err)
	}
	x.inZone("Europe/Madrid")
	x.must(x.SetMail(t.Context(), "command:test", &node.MailSettings{Host: "mail.mill.example", Port: 587, Security: node.MailSTARTTLS, From: "mill@mill.example"}))
	return m
}

// inZone sets the coop's time zone.
func (x *house) inZone(zone string) {
	x.Helper()
	_, err := x.SaveProfile(x.Context(), "command:test", func(a *node.Actor) error {
		a.Coop.TimeZone = zone
		return nil
	})
	x.must(err)
}

// choose says how somebody wants to hear of a kind.
func (x *house) choose(p *node.Person, kind node.NoticeKind, c node.NoticeChoice) {
	x.Helper()
	x.must(x.ChooseNotices(x.Context(), p.ID, map[node.NoticeKind]node.NoticeChoice{kind: c}))
}

// waiting says how many notices of each kind wait for somebody.
func (x *house) waiting(to string) map[node.NoticeKind]int {
	x.Helper()
	list, err := x.Notices(x.Context(), node.NoticeQuery{To: to, State: node.NoticeWaiting, Limit: 1000})
	x.must(err)
	kinds := map[node.NoticeKind]int{}
	for _, t := range list {
		kinds[t.Kind]++
	}
	return kinds
}

// mails sends all that is due and says to whom what went, one line for each mail.
func (x *house) mails() []string {
	x.Helper()
	got := []string{}
	for {
		m, err := x.DueMail(x.Context())
		x.must(err)
		if m == nil {
			slices.Sort(got)
			return got
		}
		line := m.To.Name
		if m.Day != "" {
			line += " " + m.Day
		}
		for _, n := range m.News {
			line += " " + string(n.Kind)
		}
		if m.Link != nil {
			line += " " + string(m.Link.Kind)
		}
		got = append(got, line)
		x.must(x.MailSent(x.Context(), m))
	}
}

// reply has somebody elsewhere answer something of ours.
func (x *house) reply(who *node.Actor, id, to string) *node.Post {
	x.Helper()
	p := answer(who, id, to, "An answer")
	p.Published, p.Updated = x.Now().Add(-time.Minute), x.Now().Add(-time.Minute)
	x.receive(create(p))
	return p
}

// coop keeps somebody elsewhere who says to be a cooperative or a federation.
func (x *house) coop(host, name, kind string) *node.Actor {
	x.Helper()
	a := x.actor(host, name)
	a.Type, a.Coop = "Organization", &node.Coop{Kind: kind}
	x.write(func(tx node.Tx) error { return tx.SaveActor(x.Context(), a) })
	return a
}

// Everybody hears of what concerns the coop as they have chosen, once, whatever comes again.
func TestNoticesAsChosen(t *testing.T) {
	t.Parallel()
	x := newMailed(t)
	ana := x.actor("sea.example", "ana")
	ours, open := x.publish(post("Bread")), x.publish(opening("Baker wanted"))
	x.choose(x.editor, node.NoticeMention, node.Daily)
	x.choose(x.reader, node.NoticeMention, node.Never)

	p := x.reply(ana, "1", ours)
	x.reply(ana, "2", open)
	x.receive(create(p)) // again
	update := says(ana, node.Update, "u", p.IRI)
	changed := *p
	changed.Updated = x.Now()
	update.Object = &changed
	x.receive(update)
	x.pass(time.Minute)
	x.receive(says(ana, node.Follow, "f1", x.Links.Actor()), says(ana, node.Undo, "f2", x.Links.Actor()))

	equal(t, "at once", x.mails(), []string{"Antía answer", "Antía mention", "Brais answer", "Carme answer"})
	equal(t, "waiting for the steward", x.waiting(x.steward.ID), map[node.NoticeKind]int{node.NoticeFollower: 1})
	equal(t, "waiting for the editor", x.waiting(x.editor.ID), map[node.NoticeKind]int{node.NoticeFollower: 1, node.NoticeMention: 1})
	equal(t, "waiting for the reader", x.waiting(x.reader.ID), map[node.NoticeKind]int{node.NoticeFollower: 1})
	x.pass(24 * time.Hour)
	equal(t, "in the digest", x.mails(), []string{"Antía 2027-03-02 follower", "Brais 2027-03-02 mention follower", "Carme 2027-03-02 follower"})

	// Who is suspended, or has no address, hears of nothing more.
	_, err := x.SuspendPerson(t.Context(), "command:test", x.editor.ID)
	x.must(err)
	_, err = x.SetPerson(t.Context(), "command:test", x.reader.ID, func(p *node.Person) { p.Mail = "" })
	x.must(err)
	x.reply(ana, "3", open)
	equal(t, "with one left", x.mails(), []string{"Antía answer"})
	x.must(x.SetMail(t.Context(), "command:test", nil))
	x.reply(ana, "4", open)
	equal(t, "without mail", x.waiting(x.steward.ID), map[node.NoticeKind]int{})
}

func TestNoticesForStewards(t *testing.T) {
	t.Parallel()
	x := newMailed(t)
	_, err := x.SetFederation(t.Context(), "ana", &node.Admission{Rule: node.BySteward}, &node.Resharing{PerDay: 10})
	x.must(err)
	host, coop := x.actor("sea.example", "host"), x.coop("hill.example", "hill", node.KindCooperative)
	x.receive(flag(host, "f1", "Bad", x.Links.Actor()))
	x.receive(flag(host, "f2", "Very bad", x.Links.Actor())) // counts, and is no news
	join := says(coop, node.Join, "j", x.Links.Actor())
	x.receive(join, join)
	x.must(x.Store().Tx(t.Context(), func(tx node.Tx) error {
		return x.TellGivenUp(t.Context(), tx, []node.Outcome{
			{Inbox: "https://dead.example/inbox", Result: node.Ended, GivenUp: true},
			{Inbox: "https://dead.example/other", Result: node.Ended, GivenUp: true},
			{Inbox: "https://rude.example/inbox", Result: node.Ended}, // refused, as letters are
		}, x.Now())
	}))
	equal(t, "at once", x.mails(), []string{"Antía application", "Antía report"})
	equal(t, "for the digest", x.waiting(x.steward.ID), map[node.NoticeKind]int{node.NoticeDelivery: 1})
	for _, p := range []*node.Person{x.editor, x.reader} {
		equal(t, "for "+p.Name, x.waiting(p.ID), map[node.NoticeKind]int{})
	}
	err = x.ChooseNotices(t.Context(), x.editor.ID, map[node.NoticeKind]node.NoticeChoice{node.NoticeReport: node.AtOnce})
	wantError(t, err, node.Invalid, "report")
	err = x.ChooseNotices(t.Context(), x.editor.ID, map[node.NoticeKind]node.NoticeChoice{node.NoticeMention: "hourly"})
	wantError(t, err, node.Invalid, "daily")
}

// An invitation by a federation is news for stewards until it is answered.
func TestNoticeOfInvitation(t *testing.T) {
	t.Parallel()
	x := newMailed(t)
	ponte := x.coop("ponte.example", "ponte", node.KindConsortium)
	invite := says(ponte, node.Invite, "i", ponte.IRI)
	invite.Target = x.Links.Actor()
	x.receive(invite)
	equal(t, "waiting", x.waiting(x.steward.ID), map[node.NoticeKind]int{node.NoticeInvitation: 1})
	x.must(x.AnswerInvitation(t.Context(), "ana", ponte.IRI, false))
	equal(t, "after it was answered", x.mails(), []string{})
}

// Of those whom a rule limits there are no notices (MOD-1), and what is old is no news.
func TestNoNotices(t *testing.T) {
	t.Parallel()
	x := newMailed(t)
	ours := x.publish(post("Bread"))
	_, err := x.ChangeRules(t.Context(), "ana", []*node.Rule{{Target: "loud.example", Severity: node.SeverityLimit}}, nil)
	x.must(err)
	x.reply(x.actor("loud.example", "ana"), "1", ours)
	old := answer(x.actor("sea.example", "ana"), "2", ours, "old")
	old.Published = noon.Add(-4 * 24 * time.Hour)
	x.receive(create(old))
	equal(t, "in the inbox", x.inbox()["old"], "reply unread")
	equal(t, "mails", x.mails(), []string{})
}

// What was taken back, hidden or dealt with before it went is not told any more.
func TestMootNotices(t *testing.T) {
	t.Parallel()
	x := newMailed(t)
	ana, ours := x.actor("sea.example", "ana"), x.publish(post("Bread"))
	for name, end := range map[string]func(p *node.Post){
		"deleted": func(p *node.Post) { x.receive(says(ana, node.Delete, p.ID+"/d", p.IRI)) },
		"hidden": func(p *node.Post) {
			_, err := x.Hide(t.Context(), "ana", p.IRI, true)
			x.must(err)
		},
		"handled": func(p *node.Post) {
			_, err := x.MarkRemarks(t.Context(), node.RemarkQuery{Object: p.IRI}, node.Handled)
			x.must(err)
		},
	} {
		end(x.reply(ana, name, ours))
		equal(t, name, x.mails(), []string{})
	}
	x.reply(ana, "4", ours)
	equal(t, "what still holds", len(x.mails()), 3)
	x.reply(ana, "5", ours)
	_, err := x.SuspendPerson(t.Context(), "command:test", x.editor.ID)
	x.must(err)
	x.must(x.RemovePerson(t.Context(), "command:test", x.reader.ID))
	equal(t, "of a person who is gone", x.mails(), []string{"Antía mention"})
}

// A flood ends in the digest, and beyond a bound nobody hears of it (LIM, DB-7).
func TestNoticesAreBounded(t *testing.T) {
	t.Parallel()
	x := newMailed(t)
	ana, ours := x.actor("sea.example", "ana"), x.publish(post("Bread"))
	x.choose(x.editor, node.NoticeMention, node.Never)
	x.choose(x.reader, node.NoticeMention, node.Never)
	for i := range 25 {
		x.reply(ana, fmt.Sprint("a", i), ours)
	}
	equal(t, "at once", len(x.mails()), 20)
	equal(t, "the rest", x.waiting(x.steward.ID), map[node.NoticeKind]int{node.NoticeMention: 5})
	for i := range 220 {
		x.reply(ana, fmt.Sprint("b", i), ours)
	}
	equal(t, "at most", x.waiting(x.steward.ID), map[node.NoticeKind]int{node.NoticeMention: 200})
	x.pass(24 * time.Hour)
	equal(t, "in one mail", x.mails(), []string{"Antía 2027-03-02" + strings.Repeat(" mention", 200)})
}

// The digest goes at 07:00 of the coop's time zone, also on the day on which its clocks change.
func TestDigestAtSeven(t *testing.T) {
	t.Parallel()
	x := newMailed(t)
	x.choose(x.editor, node.NoticeFollower, node.Never)
	x.choose(x.reader, node.NoticeFollower, node.Never)
	for i, tt := range []struct{ zone, now, due string }{
		{"Europe/Madrid", "2027-03-02T05:59:59Z", "2027-03-02T06:00:00Z"},
		{"Europe/Madrid", "2027-03-02T06:00:00Z", "2027-03-03T06:00:00Z"},
		{"Europe/Madrid", "2027-03-27T12:00:00Z", "2027-03-28T05:00:00Z"}, // summer begins in the night
		{"Europe/Madrid", "2027-03-31T12:00:00Z", "2027-04-01T05:00:00Z"},
		{"Pacific/Auckland", "2027-04-01T18:30:00Z", "2027-04-02T18:00:00Z"},
	} {
		now, err := time.Parse(time.RFC3339, tt.now)
		x.must(err)
		x.clock.Store(now.UnixNano())
		x.inZone(tt.zone)
		name := fmt.Sprint("ana", i)
		x.receive(says(x.actor("sea.example", name), node.Follow, "f", x.Links.Actor()))
		list, err := x.Notices(t.Context(), node.NoticeQuery{To: x.steward.ID, Kind: node.NoticeFollower, Limit: 1})
		x.must(err)
		equal(t, tt.now+" in "+tt.zone, list[0].Due.Format(time.RFC3339), tt.due)
	}
}

// What cannot be sent is tried again as letters are, under the same name, and given up after three days; a refusal for good ends it.
func TestNoticesTriedAgain(t *testing.T) {
	t.Parallel()
	x := newMailed(t)
	ana, ours := x.actor("sea.example", "ana"), x.publish(post("Bread"))
	x.choose(x.editor, node.NoticeMention, node.Never)
	x.choose(x.reader, node.NoticeMention, node.Never)
	due := func() *node.Mailing {
		t.Helper()
		m, err := x.DueMail(t.Context())
		x.must(err)
		return m
	}
	state := func() *node.Notice {
		t.Helper()
		list, err := x.Notices(t.Context(), node.NoticeQuery{To: x.steward.ID, Kind: node.NoticeMention, Limit: 1})
		x.must(err)
		return list[0]
	}
	x.reply(ana, "1", ours)
	first := due()
	for attempt := range 60 {
		m := due()
		if m == nil {
			if attempt < 10 {
				t.Fatalf("attempt %d: nothing is due", attempt)
			}
			break
		}
		equal(t, "name", m.ID, first.ID)
		x.must(x.MailFailed(t.Context(), m, node.Failure{Reason: "mail.mill.example:\r\n asleep", All: attempt%2 == 0}))
		s := state()
		equal(t, "reason", s.Reason, "mail.mill.example: asleep")
		equal(t, "attempts", s.Attempts, attempt+1)
		if m := due(); m != nil {
			t.Fatal("it is due again at once")
		}
		x.clock.Store(s.Due.UnixNano())
	}
	s := state()
	equal(t, "in the end", s.State, node.NoticeGivenUp)
	if age := s.Ended.Sub(s.Made); age < 3*24*time.Hour || age > 5*24*time.Hour {
		t.Errorf("given up after %v", age)
	}

	x.reply(ana, "2", ours)
	x.must(x.MailFailed(t.Context(), due(), node.Failure{Reason: "no such mailbox", Final: true}))
	equal(t, "refused", state().State, node.NoticeRefused)

	x.pass(time.Minute)
	x.reply(ana, "3", ours)
	x.pass(4 * 24 * time.Hour) // the node was off
	equal(t, "too late", x.mails(), []string{})
	equal(t, "given up", state().State, node.NoticeGivenUp)
}

// A restored node sends no notices before somebody has looked; links go (BAK-4).
func TestNoNoticesWhilePaused(t *testing.T) {
	t.Parallel()
	x := newMailed(t)
	x.must(x.SetWebhook(t.Context(), "command:test", &node.WebhookSettings{Address: "https://tools.example/hook", Kinds: []node.NoticeKind{node.NoticeMention}}, false))
	x.write(func(tx node.Tx) error {
		return tx.SetSetting(t.Context(), node.SettingPaused, x.Now().Format(time.RFC3339))
	})
	x.reply(x.actor("sea.example", "ana"), "1", x.publish(post("Bread")))
	sent, err := x.SendPass(t.Context(), "command:test", node.PassReset, x.editor.ID)
	x.must(err)
	equal(t, "a link is on its way", sent, true)
	equal(t, "mails", x.mails(), []string{"Brais reset"})
	news, err := x.DueWebhook(t.Context())
	x.must(err)
	if news != nil {
		t.Error("the webhook is told of something")
	}
	x.must(x.ResumeDeliveries(t.Context(), "command:test"))
	equal(t, "mails then", len(x.mails()), 3)
	if news, err = x.DueWebhook(t.Context()); err != nil || news == nil {
		t.Errorf("the webhook is told nothing: %v", err)
	}
}

// A link goes to the person alone, once, as long as it can be used, and its token stands nowhere (LOGIN-6, KEY-6).
func TestLinksByMail(t *testing.T) {
	t.Parallel()
	x := newMailed(t)
	due := func() *node.Mailing {
		t.Helper()
		m, err := x.DueMail(t.Context())
		x.must(err)
		return m
	}
	sent, err := x.SendPass(t.Context(), "command:test", node.PassReset, x.editor.ID)
	x.must(err)
	m := due()
	equal(t, "sent", []any{sent, m.To.Mail, m.Link.Kind}, []any{true, "brais@mill.example", node.PassReset})
	list, err := x.Notices(t.Context(), node.NoticeQuery{Kind: node.NoticeLink})
	x.must(err)
	audit, err := x.AuditLog(t.Context(), node.AuditQuery{})
	x.must(err)
	if text := fmt.Sprintf("%+v %+v", *list[0], audit[0]); strings.Contains(text, m.Token) || m.Token == "" {
		t.Errorf("the token %q stands in %s", m.Token, text)
	}
	x.must(x.MailSent(t.Context(), m))
	if _, err := x.Store().NoticeSecret(t.Context(), list[0].ID); !node.IsNotFound(err) {
		t.Errorf("the token is kept after it was sent: %v", err)
	}
	_, _, p, err := x.RedeemPass(t.Context(), m.Token, node.Guest{Password: "new"})
	x.must(err)
	equal(t, "who came", p.ID, x.editor.ID)

	_, err = x.SendPass(t.Context(), "command:test", node.PassSignIn, x.editor.ID)
	x.must(err)
	x.pass(31 * time.Minute)
	equal(t, "one that has expired", x.mails(), []string{})
	_, err = x.SendPass(t.Context(), "command:test", node.PassReset, x.editor.ID)
	x.must(err)
	_, _, _, err = x.RedeemPass(t.Context(), due().Token, node.Guest{Password: "newer"})
	x.must(err)
	equal(t, "one that was used", x.mails(), []string{})

	// Nobody can have a mailbox filled with links.
	_, before := x.log(0)
	for i := range 8 {
		sent, err := x.SendPass(t.Context(), "command:test", node.PassReset, x.reader.ID)
		x.must(err)
		equal(t, fmt.Sprint("link ", i), sent, i < 5)
	}
	lines, _ := x.log(before)
	equal(t, "links in the audit log", len(lines), 5)
	_, _, err = x.InvitePerson(t.Context(), "command:test", "Duarte", "duarte@mill.example", node.RoleEditor)
	x.must(err)
	if mails := x.mails(); !slices.Contains(mails, "Duarte invite") || len(mails) != 6 {
		t.Errorf("got %v, want the invitation and 5 resets", mails)
	}
	x.must(x.SetMail(t.Context(), "command:test", nil))
	sent, err = x.SendPass(t.Context(), "command:test", node.PassReset, x.editor.ID)
	x.must(err)
	equal(t, "without mail", sent, false)
}

// KEY-2: the password stays with its user at its server, for whoever may change the settings may not read it.
func TestMailSettings(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	good := node.MailSettings{Host: "mail.mill.example", Port: 587, Security: node.MailSTARTTLS, User: "mill", Password: "secret", From: "mill@mill.example"}
	set := func(edit func(*node.MailSettings)) error {
		m := good
		edit(&m)
		return x.SetMail(t.Context(), "command:test", &m)
	}
	x.must(set(func(*node.MailSettings) {}))
	for what, edit := range map[string]func(*node.MailSettings){
		"another server": func(m *node.MailSettings) { m.Host = "evil.example" },
		"another port":   func(m *node.MailSettings) { m.Port = 588 },
		"another user":   func(m *node.MailSettings) { m.User = "other" },
		"less secret":    func(m *node.MailSettings) { m.Security, m.Exposed = node.MailPlain, true },
	} {
		wantError(t, set(func(m *node.MailSettings) { m.Password = ""; edit(m) }), node.Invalid, "password")
		got, err := x.MailSettings(t.Context())
		x.must(err)
		equal(t, what, *got, good)
	}
	x.must(set(func(m *node.MailSettings) { m.Password, m.From = "", "new@mill.example" }))
	got, err := x.MailSettings(t.Context())
	x.must(err)
	equal(t, "kept password", []string{got.Password, got.From}, []string{"secret", "new@mill.example"})
	if text, err := x.Store().Setting(t.Context(), "mail"); err != nil || strings.Contains(text, "secret") {
		t.Errorf("the setting is %s, %v", text, err)
	}
	for what, edit := range map[string]func(*node.MailSettings){
		"no host":                   func(m *node.MailSettings) { m.Host = "" },
		"a host with a path":        func(m *node.MailSettings) { m.Host = "mail.example/x" },
		"no port":                   func(m *node.MailSettings) { m.Port = 0 },
		"no security":               func(m *node.MailSettings) { m.Security = "" },
		"nothing kept secret":       func(m *node.MailSettings) { m.Security = node.MailPlain },
		"a sender with a name":      func(m *node.MailSettings) { m.From = "Mill <mill@mill.example>" },
		"a sender of two lines":     func(m *node.MailSettings) { m.From = "mill@mill.example\r\nBcc: all@example" },
		"answers to nobody":         func(m *node.MailSettings) { m.ReplyTo = "nobody" },
		"a name of two lines":       func(m *node.MailSettings) { m.Name = "Mill\r\nBcc: all@example" },
		"a password of two lines":   func(m *node.MailSettings) { m.Password = "a\r\nb" },
		"loopback only in the name": func(m *node.MailSettings) { m.Security, m.Host = node.MailPlain, "localhost.evil.example" },
	} {
		if err := set(edit); node.KindOf(err) != node.Invalid {
			t.Errorf("%s: got %v, want Invalid", what, err)
		}
	}
	for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
		x.must(set(func(m *node.MailSettings) { m.Security, m.Host = node.MailPlain, host }))
	}
	x.must(x.SetMail(t.Context(), "command:test", nil))
	if got, err := x.MailSettings(t.Context()); err != nil || got != nil {
		t.Errorf("after it was ended: %v, %v", got, err)
	}
	if _, err := x.Store().Secret(t.Context(), "mail password"); !node.IsNotFound(err) {
		t.Errorf("the password is still here: %v", err)
	}
}

func TestWebhookSettings(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	all := node.NoticeKinds(node.RoleSteward)
	secret := func() string {
		t.Helper()
		w, err := x.Webhook(t.Context())
		x.must(err)
		return string(w.Secret)
	}
	set := func(address string, fresh bool, kinds ...node.NoticeKind) error {
		return x.SetWebhook(t.Context(), "command:test", &node.WebhookSettings{Address: address, Kinds: kinds}, fresh)
	}
	x.must(set("https://tools.example/hook?x=1", false, all...))
	first := secret()
	equal(t, "bytes of the secret", len(first), 32)
	x.must(set("https://tools.example/hook?x=1", false, node.NoticeAnswer))
	equal(t, "the same address has the same secret", secret(), first)
	x.must(set("https://tools.example/hook?x=1", true, node.NoticeAnswer))
	second := secret()
	x.must(set("https://other.example/hook", false, node.NoticeAnswer))
	third := secret()
	if first == second || second == third {
		t.Error("the secret is not drawn anew where it was asked for, or for another address")
	}
	x.reply(x.actor("sea.example", "ana"), "1", x.publish(post("Bread")))
	equal(t, "not of a mention", x.waiting(node.ToWebhook), map[node.NoticeKind]int{})
	x.reply(x.actor("sea.example", "ana"), "2", x.publish(opening("Baker")))
	equal(t, "of an answer", x.waiting(node.ToWebhook), map[node.NoticeKind]int{node.NoticeAnswer: 1})
	for _, address := range []string{"", "http://tools.example/hook", "https://", "ftp://tools.example/", "https://user:word@tools.example/", "tools.example"} {
		if err := set(address, false, all...); node.KindOf(err) != node.Invalid {
			t.Errorf("%q: got %v, want Invalid", address, err)
		}
	}
	wantError(t, set("https://tools.example/hook", false), node.Invalid)
	wantError(t, set("https://tools.example/hook", false, node.NoticeLink), node.Invalid, "link")
	x.must(x.SetWebhook(t.Context(), "command:test", nil, false))
	if w, err := x.Webhook(t.Context()); err != nil || w != nil {
		t.Errorf("after it was ended: %v, %v", w, err)
	}
}

// A person hears of some kinds by itself, and can choose about those that its role may see.
func TestNoticeChoices(t *testing.T) {
	t.Parallel()
	x := newMailed(t)
	got, err := x.ChoicesOf(t.Context(), x.reader)
	x.must(err)
	want := map[node.NoticeKind]node.NoticeChoice{node.NoticeAnswer: node.AtOnce, node.NoticeMention: node.AtOnce, node.NoticeFollower: node.Daily}
	if !maps.Equal(got, want) {
		t.Errorf("a reader has %v, want %v", got, want)
	}
	if got, err = x.ChoicesOf(t.Context(), x.steward); err != nil || len(got) != 8 {
		t.Errorf("a steward has %v, %v, want all 8", got, err)
	}
}
