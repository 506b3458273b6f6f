package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// A newsroom is a program of which people hear by mail, and its node opened beside it.
type newsroom struct {
	*program
	*house
	ours string // address of a post of ours
	ana  *node.Actor
	said int
}

// newNewsroom makes a program that sends mail through o, with so many stewards.
func newNewsroom(t *testing.T, o *postOffice, stewards int) *newsroom {
	t.Helper()
	x := &newsroom{program: newProgram(t, "coopnode", "The Mill")}
	a := &app{in: strings.NewReader(""), out: io.Discard, errOut: x.log, dataDir: x.dir, env: func(string) (string, bool) { return "", false }}
	var err error
	if x.house, err = a.openHouse(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.db.Close() })
	ctx := t.Context()
	for i := range stewards {
		token, _, err := x.InvitePerson(ctx, "command:test", fmt.Sprint("Steward ", i), fmt.Sprintf("steward%d@mill.example", i), node.RoleSteward)
		x.ok(err)
		_, _, _, err = x.RedeemPass(ctx, token, node.Guest{Password: "encoded"})
		x.ok(err)
	}
	x.ok(x.SetMail(ctx, "command:test", o.settings(node.MailPlain)))
	p := &node.Post{Base: node.Base{Type: node.TypePost, Texts: []node.Text{{Lang: "en", Title: "Bread", Source: "Who bakes?"}}}}
	x.ok(x.Publish(ctx, "command:test", p))
	x.ours = p.IRI
	iri := "http://localhost:1/users/ana"
	x.ana = &node.Actor{IRI: iri, Type: "Person", Handle: "ana", Host: "localhost:1", Name: "Ana", Inbox: iri + "/inbox", Fetched: x.Now()}
	x.ok(x.db.Tx(ctx, func(tx node.Tx) error { return tx.SaveActor(ctx, x.ana) }))
	return x
}

func (x *newsroom) ok(err error) {
	x.program.Helper()
	if err != nil {
		x.program.Fatal(err)
	}
}

// hear has somebody elsewhere answer our post so many times, as edit wants.
func (x *newsroom) hear(times int, edit func(*node.Post)) {
	x.program.Helper()
	for range times {
		x.said++
		iri := fmt.Sprint(x.ana.IRI, "/", x.said)
		at := x.Now().Truncate(time.Second)
		p := &node.Post{Base: node.Base{ID: node.RemoteID(iri), IRI: iri, Type: node.TypePost, Actor: x.ana.IRI, Audience: node.Public, URL: iri,
			InReplyTo: x.ours, Published: at, Updated: at, Texts: []node.Text{{Lang: "gl", HTML: "<p>Nós <b>podemos</b>.</p>"}}}}
		act := &node.Act{IRI: iri + "/create", Verb: node.Create, Actor: x.ana.IRI, ObjectIRI: iri, Object: p, To: []string{node.PublicIRI}, Published: at}
		if edit != nil {
			edit(p)
		}
		x.ok(x.Receive(x.program.Context(), &node.Letter{}, act))
	}
}

// ended says how many notices have come to a state.
func (x *newsroom) ended(to string, s node.NoticeState) int {
	x.program.Helper()
	n, err := x.CountNotices(x.program.Context(), node.NoticeQuery{To: to, State: s})
	x.ok(err)
	return n
}

// Killed again and again while it sends, the node loses no mail, and each that comes twice has the same Message-ID.
func TestKilledNoticeCarrier(t *testing.T) {
	t.Parallel()
	o := newPostOffice(t, node.MailPlain)
	x := newNewsroom(t, o, 2)
	const each = 15
	x.hear(each, nil)
	kills := 0
	for _, after := range []int{1, 8, 16} {
		x.start()
		x.until(fmt.Sprint(after, " mails have arrived"), func() bool { return len(o.mails()) >= after })
		x.kill()
		kills++
	}
	o.kill() // and the mail server, for a while
	x.start()
	time.AfterFunc(time.Second, func() { o.start() })
	x.until("nothing waits", func() bool { return x.ended("", node.NoticeWaiting) == 0 })
	x.stop()
	times, total := map[string]int{}, 0
	for _, m := range o.mails() {
		times[m.Get("Message-Id")+m.Get("X-Envelope")]++
		total++
	}
	if len(times) != 2*each {
		t.Errorf("%d different mails arrived, want %d", len(times), 2*each)
	}
	if total > 2*each+kills+1 {
		t.Errorf("%d mails arrived, %d more than were to come, with %d kills", total, total-2*each, kills)
	}
	t.Logf("%d mails, %d of them twice, %d kills", total, total-len(times), kills)
}

// A mail is in its reader's language, says what was said and where to answer, and a link that works once stands in the mail and
// nowhere else (KEY-6, LOG-1).
func TestMailsOfANode(t *testing.T) {
	t.Parallel()
	o := newPostOffice(t, node.MailPlain)
	x := newNewsroom(t, o, 1)
	p, err := x.FindPerson(t.Context(), "Steward 0")
	x.ok(err)
	_, err = x.SetPerson(t.Context(), "command:test", p.ID, func(p *node.Person) { p.Lang = "en" })
	x.ok(err)
	x.start("--debug")
	x.hear(1, nil)
	sent, err := x.SendPass(t.Context(), "command:test", node.PassSignIn, p.ID)
	x.ok(err)
	if !sent {
		t.Fatal("the link is not sent")
	}
	x.until("both mails have arrived", func() bool { return len(o.mails()) == 2 })
	var told, link *taken
	for _, m := range o.mails() {
		if told = m; strings.Contains(m.Text, "/welcome/") {
			link = m
		}
	}
	for _, m := range o.mails() {
		if m.Get("Message-Id") != link.Get("Message-Id") {
			told = m
		}
	}
	if want := "Ana answers “Bread”"; told.subject() != want {
		t.Errorf("subject %q, want %q", told.subject(), want)
	}
	for _, want := range []string{"Ana (@ana@localhost:1) has answered “Bread”.", "> Nós podemos.", x.base + "/console/inbox", x.base + "/console/notices"} {
		if !strings.Contains(told.Text, want) {
			t.Errorf("the text lacks %q:\n%s", want, told.Text)
		}
	}
	for _, want := range []string{`<html lang="en" dir="ltr">`, `<blockquote dir="auto" lang="gl">Nós podemos.</blockquote>`, `href="` + x.base + `/console/inbox"`} {
		if !strings.Contains(told.HTML, want) {
			t.Errorf("the HTML lacks %q:\n%s", want, told.HTML)
		}
	}
	if got, want := told.Get("List-Unsubscribe"), "<"+x.base+"/console/notices>"; got != want {
		t.Errorf("List-Unsubscribe: %s, want %s", got, want)
	}
	_, token, _ := strings.Cut(link.Text, "/welcome/")
	token, _, _ = strings.Cut(token, "\n")
	if link.Get("List-Unsubscribe") != "" || len(token) < 40 {
		t.Errorf("the mail with the link:\n%s", link.Raw)
	}
	res, err := client.Get(x.base + "/welcome/" + token)
	x.ok(err)
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("the link answers %s", res.Status)
	}
	x.until("it is noted", func() bool { return x.ended(p.ID, node.NoticeSent) == 2 })
	list := x.command("notice", "list", "--json")
	x.kill()
	for what, text := range map[string]string{"the log": x.log.String(), "notice list": list} {
		if strings.Contains(text, token) {
			t.Errorf("%s says the token of the link", what)
		}
	}
}

// The webhook hears, signed, of what everybody may know, and again until it says yes; a mail server that hangs does not hold
// it up.
func TestWebhookOfANode(t *testing.T) {
	t.Parallel()
	o := newPostOffice(t, node.MailPlain)
	o.is("slow", true)
	x := newNewsroom(t, o, 1)
	type request struct {
		id, at, signature, kind string
		body                    []byte
	}
	var mu sync.Mutex
	var heard []request
	l, err := net.Listen("tcp", "127.0.0.1:0")
	x.ok(err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, request{r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp"), r.Header.Get("Webhook-Signature"), r.Header.Get("Content-Type"), body})
		switch len(heard) {
		case 1:
			w.WriteHeader(http.StatusInternalServerError)
		case 2:
			http.Redirect(w, r, "http://localhost:1/", http.StatusTemporaryRedirect)
		}
	})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	x.ok(x.SetWebhook(t.Context(), "command:test", &node.WebhookSettings{Address: "http://localhost:" + port + "/hook?key=1", Kinds: node.NoticeKinds(node.RoleSteward)}, false))
	settings, err := x.Webhook(t.Context())
	x.ok(err)
	x.start()
	x.hear(1, nil)
	x.until("the webhook has said yes", func() bool { return x.ended(node.ToWebhook, node.NoticeSent) == 1 })
	x.hear(1, func(p *node.Post) { p.Audience, p.To = node.Direct, []string{x.Links.Actor()} })
	x.until("it has again", func() bool { return x.ended(node.ToWebhook, node.NoticeSent) == 2 })
	if n := len(o.mails()); n > 0 {
		t.Errorf("%d mails have gone: the mail server does not hang", n)
	}
	x.kill()

	if len(heard) != 4 || heard[0].id != heard[1].id || heard[1].id != heard[2].id || heard[2].id == heard[3].id {
		t.Fatalf("heard %d times, of %+v", len(heard), heard)
	}
	for _, r := range heard {
		mac := hmac.New(sha256.New, settings.Secret)
		mac.Write([]byte(r.id + "." + r.at + "." + string(r.body)))
		if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.signature != want || r.kind != "application/json" {
			t.Errorf("signature %s, want %s; %s", r.signature, want, r.kind)
		}
		if at, err := strconv.ParseInt(r.at, 10, 64); err != nil || time.Since(time.Unix(at, 0)).Abs() > 5*time.Minute {
			t.Errorf("time %s, %v", r.at, err)
		}
	}
	var public, private event
	x.ok(json.Unmarshal(heard[2].body, &public))
	x.ok(json.Unmarshal(heard[3].body, &private))
	if d := public.Data; public.Type != "mention" || d.Object == nil || d.Object.Text != "Nós podemos." || d.Actor.Address != "@ana@localhost:1" || d.Subject.Title != "Bread" || d.Page != x.base+"/console/inbox" {
		t.Errorf("of what is public it hears %s", heard[2].body)
	}
	if d := private.Data; d.Object != nil || d.About != "" || strings.Contains(string(heard[3].body), "podemos") || d.Page == "" {
		t.Errorf("of what was said to the coop alone it hears %s", heard[3].body) // GDPR-5
	}
}
