package ui_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/ui"
)

// Everybody chooses what to hear of; a reader is not asked about what only stewards hear of.
func TestChooseNotices(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, node.RoleReader)
	_, body := b.get("/console/notices")
	for _, want := range []string{"This node sends no mail yet. Ask a steward", `name="mention"`, `<option value="daily" selected>Once a day`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(body, `name="report"`) || strings.Contains(body, "/console/settings/mail") {
		t.Error("a reader is asked about complaints, or led to the settings")
	}
	res, body := b.post("/console/notices", "answer", "now", "mention", "hourly", "follower", "never")
	if res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, `<option value="never" selected>`) {
		t.Errorf("a wrong choice is answered %s, or what was typed is lost", res.Status)
	}
	if res, _ = b.post("/console/notices", "answer", "now", "mention", "never", "follower", "never"); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("it is answered %s", res.Status)
	}
	if _, body = b.get("/console/notices"); !strings.Contains(body, "Saved. It holds from now on.") {
		t.Error("the page does not say that it was saved")
	}
	got, err := s.node.ChoicesOf(t.Context(), b.person)
	if err != nil || got[node.NoticeMention] != node.Never || got[node.NoticeAnswer] != node.AtOnce {
		t.Errorf("chosen: %v, %v", got, err)
	}
}

// AUTHZ-2: links to sign in go through the mail server, so who sets it proves again who that is. The password there is
// never shown again (KEY-2).
func TestMailSettingsPage(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, node.RoleSteward)
	form := []string{"host", "mail.toxeira.example", "port", "587", "security", "starttls", "user", "toxeira", "secret", "a secret word", "from", "coop@toxeira.example"}
	s.setClock(s.now().Add(10 * time.Minute))
	res, body := b.post("/console/settings/mail", form...)
	if res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, `name="sure"`) {
		t.Fatalf("without the password it is answered %s", res.Status)
	}
	if m, err := s.node.MailSettings(t.Context()); err != nil || m != nil {
		t.Fatalf("mail is set to %v, %v", m, err)
	}
	if res, _ = b.post("/console/settings/mail", append(form, "sure", goodPassword)...); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("with the password it is answered %s", res.Status)
	}
	m, err := s.node.MailSettings(t.Context())
	if err != nil || m == nil || m.Password != "a secret word" || m.Host != "mail.toxeira.example" {
		t.Fatalf("mail is set to %+v, %v", m, err)
	}
	_, body = b.get("/console/settings/mail")
	if !strings.Contains(body, `value="mail.toxeira.example"`) || strings.Contains(body, "a secret word") {
		t.Error("the page does not show the settings, or shows the password")
	}
	res, body = b.post("/console/settings/mail", "host", "mail.evil.example", "port", "25", "security", "none", "from", "coop@toxeira.example")
	if res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, "everybody on the way can read") || !strings.Contains(body, `value="mail.evil.example"`) {
		t.Errorf("mail without encryption is answered %s", res.Status)
	}
	res, _ = b.post("/console/settings/mail/webhook", "address", "https://tools.toxeira.example/hook", "kind", "answer", "kind", "mention")
	w, err := s.node.Webhook(t.Context())
	if res.StatusCode != http.StatusSeeOther || err != nil || w == nil || len(w.Kinds) != 2 {
		t.Fatalf("the webhook is %+v, %v", w, err)
	}
	if res, body = b.post("/console/settings/mail/webhook", "address", "ftp://tools.toxeira.example"); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, "cannot take a webhook") {
		t.Errorf("a wrong address is answered %s", res.Status)
	}
	for _, path := range []string{"/console/settings/mail/end", "/console/settings/mail/webhook/end"} {
		if res, _ := b.post(path); res.StatusCode != http.StatusSeeOther {
			t.Errorf("%s is answered %s", path, res.Status)
		}
	}
	if m, _ := s.node.MailSettings(t.Context()); m != nil {
		t.Error("mail is not ended")
	}
	editor := s.signedIn(t, node.RoleEditor)
	if res, _ := editor.get("/console/settings/mail"); res.StatusCode != http.StatusForbidden {
		t.Errorf("an editor is answered %s", res.Status) // AUTHZ-1
	}
}

// A mail is written in each language that the pages speak, and says nothing that is only a key.
func TestMailLanguages(t *testing.T) {
	s := newSite(t)
	us, err := s.node.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	who := &node.Actor{IRI: "https://sea.example/ana", Handle: "ana", Host: "sea.example", Name: "Ana\r\n\u202eBcc: all"}
	post := &node.Post{Base: node.Base{Audience: node.Public, Texts: []node.Text{{HTML: "<p>Yes &amp; no</p>"}}}}
	direct := &node.Post{Base: node.Base{Audience: node.Direct, Texts: []node.Text{{HTML: "<p>Psst</p>"}}}}
	m := &node.Membership{Federation: "https://ponte.example/ap/coop", Letter: "We like you."}
	news := func(kind node.NoticeKind, edit func(*node.News)) *node.News {
		n := &node.News{Notice: &node.Notice{Kind: kind, Actor: who.IRI}, Who: who, Page: "https://toxeira.example/console/inbox"}
		edit(n)
		return n
	}
	opening := &node.Opening{Base: node.Base{Texts: []node.Text{{Title: "Audit"}}}}
	all := []*node.News{
		news(node.NoticeAnswer, func(n *node.News) { n.Object, n.Subject = post, opening }),
		news(node.NoticeAnswer, func(n *node.News) { n.Object, n.Subject = direct, opening }),
		news(node.NoticeMention, func(n *node.News) { n.Object, n.Subject = post, opening }),
		news(node.NoticeMention, func(n *node.News) { n.Object = post }),
		news(node.NoticeMention, func(n *node.News) { n.Object, n.Who = direct, nil }),
		news(node.NoticeFollower, func(n *node.News) {}),
		news(node.NoticeFollower, func(n *node.News) { n.Asks = true }),
		news(node.NoticeApplication, func(n *node.News) { n.Membership, n.Federation = m, us }),
		news(node.NoticeApplication, func(n *node.News) { n.Membership = m }),
		news(node.NoticeInvitation, func(n *node.News) { n.Membership = m }),
		news(node.NoticeReport, func(n *node.News) { n.Report = &node.Report{Comment: "Bad"} }),
		news(node.NoticeDelivery, func(n *node.News) { n.Host, n.Actor = "dead.example", "" }),
		news(node.NoticeBackup, func(n *node.News) { n.Backup, n.Why, n.Actor = node.TroubleLate, "The disk is full.", "" }),
		news(node.NoticeBackup, func(n *node.News) { n.Backup, n.Actor = node.TroubleDamaged, "" }),
	}
	for _, lang := range []string{"", "en", "es", "gl", "pt", "fr", "ja", "de", "no such"} {
		p := &node.Person{Name: "Antía", Mail: "antia@toxeira.example", Lang: lang}
		mails := []*node.Mailing{{To: p, News: all, Day: "2027-03-02"}, {To: p, News: all[:1], Day: "2027-03-02"}}
		for _, n := range all {
			mails = append(mails, &node.Mailing{To: p, News: []*node.News{n}})
		}
		for _, kind := range []node.PassKind{node.PassInvite, node.PassReset, node.PassSignIn} {
			mails = append(mails, &node.Mailing{To: p, Link: &node.Pass{Kind: kind, Expires: s.now()}, Token: "TOKEN"})
		}
		for _, m := range mails {
			got, err := ui.NoticeMail(context.Background(), us, s.node.Links, m)
			if err != nil {
				t.Fatal(err)
			}
			for what, text := range map[string]string{"subject": got.Subject, "text": got.Text, "HTML": got.HTML} {
				for _, bad := range []string{"mail.", "%!", "\u202e"} {
					if strings.Contains(strings.ReplaceAll(text, "mail.toxeira", ""), bad) || text == "" {
						t.Errorf("%s: the %s says %q: %s", lang, what, bad, text)
					}
				}
			}
			if strings.ContainsAny(got.Subject, "\r\n") || strings.Contains(got.Text, "\nBcc:") {
				t.Errorf("%s: a name makes a line of its own: %q", lang, got.Subject)
			}
			if m.Link != nil && (!strings.Contains(got.Text, "/welcome/TOKEN") || !strings.Contains(got.HTML, "/welcome/TOKEN") || strings.Contains(got.Text, "/console/notices")) {
				t.Errorf("%s: the mail with a link says %s", lang, got.Text)
			}
			if m.Link == nil && !strings.Contains(got.Text, "/console/notices") {
				t.Errorf("%s: the mail does not lead to the choices: %s", lang, got.Text)
			}
			if strings.Contains(got.HTML, "style=") || strings.Contains(got.HTML, "<img") || strings.Contains(got.HTML, "<script") {
				t.Errorf("%s: the mail loads or styles something: %s", lang, got.HTML)
			}
		}
	}
}
