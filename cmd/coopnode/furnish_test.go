package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
	"github.com/coopnode/coopnode/ui"
)

// furnished is what furnish made.
type furnished struct {
	question string
	public   []string        // addresses of documents that something must name
	private  []string        // addresses that nothing may name
	open     int             // openings that can be answered
	acts     []string        // addresses of what was said to everybody
	gone     map[string]bool // addresses of what was deleted
}

// furnish fills a node with everything that it can hold, most of it by the program's own commands beside
// its server.
func furnish(p *program) *furnished {
	p.Helper()
	ctx := context.Background()
	f := &furnished{gone: map[string]bool{}}
	l := node.Links{Base: p.base}
	db := p.open()
	n, err := node.New(ctx, db, activitypub.NewEncoder, node.Options{Markdown: ui.Markdown, Clean: ui.Clean})
	if err != nil {
		p.Fatal(err)
	}
	for i := range 45 { // more than a page of the outbox
		post := &node.Post{Base: node.Base{Type: node.TypePost, Tags: []string{"bread"}, Texts: []node.Text{{Lang: "en", Source: fmt.Sprint("Bread of day ", i)}}}}
		if err := n.Publish(ctx, "test", post); err != nil {
			p.Fatal(err)
		}
	}
	f.neighbours(p, db)
	p.start()

	p.command("profile", "set", "summary=Worker-owned, *twelve* members.", "summary_language=en", "translation.gl.summary=Cooperativa de traballo.",
		"ownership=workers", "members=12", "workers=14", "one-member-one-vote=yes", "website=https://toxeira.example", "skills=Web engines,Maps", "languages=gl,es,en",
		"place=A Coruña, ES-GA", "latitude=43.3623", "longitude=-8.4115", "area_served=ES,PT,AR", "remote=yes", "time_zone=Europe/Madrid", "free_hours=120",
		"free_from=2099-01-11", "looks_for=partners,subcontractors", "offers_help=mentoring new coops", "customer_mix=cooperatives=25,nonprofit=20,public=15,business=40",
		"accepts_customers=public,business", "legal_name=Toxeira, S. Coop. Galega", "legal_form=Sociedade Cooperativa Galega", "legal_form_short=S. Coop. Galega",
		"jurisdiction=ES-GA", "registry=Rexistro de Cooperativas", "registration_number=C-0000", "registry_url=https://register.example/C-0000", "chat=https://chat.example/", "forum=https://forum.example/", "founded=2011-05-03", "member_of=https://ponte.example/ap/coop",
		"members_abroad=yes", "members_abroad_note=EU only", "contact_email=coop@toxeira.example", "contact_type=intercooperation", "contact_languages=es,en")
	made := func(t node.ObjectType, args ...string) (iri string) {
		p.Helper()
		return l.Object(t, p.command(append([]string{string(t), "new", "-q"}, args...)...))
	}
	public := func(t node.ObjectType, args ...string) (iri string) {
		p.Helper()
		iri = made(t, args...)
		f.public = append(f.public, iri)
		return iri
	}
	f.question = public(node.TypePost, "--text", "How do you *pool* resources? #bread", "--asks", "--tag", "coops")
	answer := public(node.TypePost, "--text", "We share a van, see "+p.base+"/about", "--reply-to", f.question)
	public(node.TypePost, "--text", "Not on every list", "--audience", "unlisted", "--reply-to", answer)
	f.private = append(f.private, made(node.TypePost, "--text", "For followers", "--audience", "followers"), made(node.TypeOpening, "--title", "Later", "--draft"))
	f.strangersAnswer(p, db)

	project := public(node.TypeProject, "--title", "Open map", "--text", "A free map.", "--status", "seeking", "--goal-hours", "1200", "--goal-money", "18000 EUR",
		"--coordination", "Weekly call", "--link", "https://toxeira.example/board", "--outcome", "First map | 2099-10-15 | https://toxeira.example/map", "--tag", "maps")
	for _, kind := range node.OpeningKinds {
		public(node.TypeOpening, "--title", "Wanted: "+string(kind), "--kind", string(kind), "--text", "A *housing* portal.", "--skill", "Web engines,accessibility",
			"--language", "es,en", "--amount", "240 hour", "--minimum", "40 hour", "--budget", "9000-12000 EUR", "--closes", "2099-01-15", "--begins", "2099-02-01",
			"--ends", "2099-02-20", "--remote", "--place", "A Coruña, ES-GA", "--project", project, "--who", "worker-coops", "--how", "reply,email", "--tag", "bread", "--lang", "en")
		f.open++
	}
	for _, end := range [][]string{{"opening", "pause"}, {"opening", "close", "--filled"}, {"opening", "close", "--withdrawn"}} {
		iri := public(node.TypeOpening, "--title", "Over: "+strings.Join(end, " "), "--project", project)
		p.command(append(end, iri)...)
	}
	for _, t := range []node.ObjectType{node.TypeOpening, node.TypeProject, node.TypePost} {
		args := []string{"--title", "A mistake"}
		if t == node.TypePost {
			args = []string{"--text", "A mistake"}
		}
		iri := made(t, args...)
		p.command(string(t), "remove", iri)
		id := iri[strings.LastIndex(iri, "/")+1:]
		f.gone[iri], f.gone[l.Create(iri)], f.gone[l.Page(t, id)] = true, true, true
	}
	for address := range f.gone {
		p.until(address+" is gone", func() bool { return p.status(address) == http.StatusGone })
	}
	acts, err := db.Acts(ctx, node.ActQuery{Limit: 200})
	if err != nil {
		p.Fatal(err)
	}
	for _, a := range acts {
		if a.Served {
			f.acts = append(f.acts, a.IRI)
		} else {
			f.private = append(f.private, a.IRI)
		}
	}
	return f
}

// neighbours are others who follow and are followed, so that the collections are not empty.
func (f *furnished) neighbours(p *program, db *store.DB) {
	p.Helper()
	ctx, now := context.Background(), time.Now()
	err := db.Tx(ctx, func(tx node.Tx) error {
		for _, host := range []string{"trenza.example", "ponte.example"} {
			iri := "https://" + host + "/ap/coop"
			a := &node.Actor{IRI: iri, Type: "Organization", Handle: "coop", Host: host, Name: host, URL: "https://" + host + "/", Inbox: iri + "/inbox", Fetched: now,
				Coop: &node.Coop{Kind: node.KindCooperative}}
			if err := tx.SaveActor(ctx, a); err != nil {
				return err
			}
			followed := &node.Following{Actor: iri, State: node.Accepted, FollowIRI: iri + "/follow", Since: now}
			if err := tx.SaveFollowed(ctx, followed); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		p.Fatal(err)
	}
	// Who follows also gets letters, which nobody may send to a real name from here: their inbox is closed.
	p.addFollowers(db, []string{"http://127.62.0.1:1/u0/inbox"})
}

// strangersAnswer puts an answer from elsewhere under the question.
func (f *furnished) strangersAnswer(p *program, db *store.DB) {
	p.Helper()
	ctx, now := context.Background(), time.Now()
	iri := "https://trenza.example/ap/posts/a"
	o := &node.Post{Base: node.Base{ID: node.RemoteID(iri), IRI: iri, Type: node.TypePost, Actor: "https://trenza.example/ap/coop", Audience: node.Public, InReplyTo: f.question,
		Thread: f.question, URL: "https://trenza.example/posts/a", Published: now, Updated: now, Received: now, Texts: []node.Text{{Lang: "en", HTML: "<p>We own a press.</p>"}}}}
	if err := db.Tx(ctx, func(tx node.Tx) error { return tx.SaveObject(ctx, o) }); err != nil {
		p.Fatal(err)
	}
}
