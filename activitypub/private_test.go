package activitypub_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// A walker asks for everything that a node answers, as several who have no right to what is private.
type walker struct {
	*desk
	visitors []visitor
	seen     map[string]string // what each was told before, by visitor and address
}

type visitor struct {
	name string
	get  func(address string) aptest.Answer
}

// passing is what is another one each time: the token of a form, and the moment of a count.
var passing = regexp.MustCompile(`name="csrf" value="[^"]+"|"at": "[^"]+"`)

// page is what the visitor reads there, but for what is passing.
func (v visitor) page(address string) string {
	return passing.ReplaceAllString(string(v.get(address).Body), "")
}

func newWalker(d *desk, people map[string]*aptest.Person) *walker {
	w := &walker{desk: d, seen: map[string]string{}}
	for name, accept := range map[string]string{"a browser": "text/html", "a program": "application/activity+json", "anybody": "*/*"} {
		w.visitors = append(w.visitors, visitor{name, func(address string) aptest.Answer { return aptest.Get(d.TB, address, "Accept", accept) }})
	}
	for name, p := range people {
		w.visitors = append(w.visitors, visitor{name, func(address string) aptest.Answer { return p.Get(address) }})
	}
	return w
}

// addresses are all routes, their parameters filled with each of these values where they fit.
func (w *walker) addresses(ids, tags []string, iris []string) []string {
	var all []string
	for _, route := range w.Routes() {
		paths := []string{route}
		for name, values := range map[string][]string{
			":id": ids, ":tag": tags, ":handle": {"mill"}, ":key": {"accessibility"}, ":hash": {"x"}, ":name": {"x"},
		} {
			var filled []string
			for _, p := range paths {
				if !strings.Contains(p, name) {
					filled = append(filled, p)
					continue
				}
				for _, v := range values {
					filled = append(filled, strings.Replace(p, name, v, 1))
				}
			}
			paths = filled
		}
		for _, p := range paths {
			all = append(all, w.Links.Base+p)
			if strings.HasPrefix(p, "/ap/") {
				all = append(all, w.Links.Base+p+"?page=true", w.Links.Base+p+"?page=true&min_id=1")
			}
		}
	}
	for _, iri := range iris {
		q := url.QueryEscape(iri)
		all = append(all, w.Links.Base+"/.well-known/webfinger?resource="+q, w.Links.Base+"/interact?uri="+q, w.Links.Base+"/authorize_interaction?uri="+q)
	}
	return all
}

// HTTP-6, HTTP-7, ORG-8: what was said to some only - to those it names, to followers, to nobody yet - changes nothing
// that anybody can ask for, signed or not, and answers at no address of its own: not its text, its title, its id, nor a
// count of it. The walk takes every route that the node has.
func TestPrivateStaysPrivate(t *testing.T) {
	d := newDesk(t)
	addressee, follower, stranger := d.away.Person("ana"), d.away.Person("fay"), d.away.Person("sam")
	friend := d.away.Person("fred")
	d.followed(friend)
	d.send(follower, follower.Do("Follow", d.Links.Actor()))
	public, opening := d.Post("What everybody may read."), d.Opening("Audit")
	open := stranger.Note("<p>A public answer.</p>", m{"inReplyTo": public.IRI})
	d.send(stranger, stranger.Create(open))
	d.send(addressee, addressee.Do("Like", public.IRI))
	w := newWalker(d, map[string]*aptest.Person{"a stranger": stranger, "a follower": follower, "the addressee": addressee})

	shown := w.addresses([]string{public.ID, opening.ID, node.RemoteID(open["id"].(string))}, []string{"hushtag"}, []string{public.IRI, d.Links.Actor()})
	for _, v := range w.visitors {
		for _, address := range shown {
			w.seen[v.name+" "+address] = v.page(address)
		}
	}

	// Everything private that can be said, by us and to us.
	post := func(text string, audience node.Audience, edit func(*node.Post)) *node.Post {
		p := &node.Post{Base: node.Base{Type: node.TypePost, Audience: audience, Tags: []string{"hushtag"}, Texts: []node.Text{{Lang: "en", Source: text}}}}
		if audience == node.Direct {
			p.To, p.Mentions = []string{addressee.ID}, []node.Mention{{Actor: addressee.ID, Address: "@ana@away.example"}}
		}
		if edit != nil {
			edit(p)
		}
		d.Publish(p)
		return p
	}
	ours := []node.Object{
		post("hush one", node.Direct, nil),
		post("hush two", node.Followers, nil),
		post("hush three", node.Direct, func(p *node.Post) { p.InReplyTo = public.IRI }),
		post("hush four", node.Followers, func(p *node.Post) { p.InReplyTo = public.IRI }),
		post("hush five", node.Public, func(p *node.Post) { p.Draft = true }),
		post("hush six", node.Followers, func(p *node.Post) { p.Asks = true }),
	}
	closed := &node.Opening{Base: node.Base{Type: node.TypeOpening, Audience: node.Followers, Tags: []string{"hushtag"}, Texts: []node.Text{{Title: "hush opening"}}}}
	plan := &node.Project{Base: node.Base{Type: node.TypeProject, Audience: node.Followers, Texts: []node.Text{{Title: "hush project", Source: "hush"}}}}
	gone := post("hush seven", node.Direct, nil)
	for _, o := range []node.Object{closed, plan} {
		d.Publish(o)
		ours = append(ours, o)
	}
	ours = append(ours, gone)
	for _, o := range ours {
		if !o.Common().Draft {
			if _, err := d.Edit(d.Context(), "test", o.Common().ID, func(o node.Object) error { o.Common().Texts[0].Source += " hush again"; return nil }); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := d.Delete(d.Context(), "test", gone.ID); err != nil {
		t.Fatal(err)
	}
	letter := addressee.Note("<p>hush letter</p>", m{"to": []any{d.Links.Actor()}, "cc": []any{}, "tag": []any{m{"type": "Hashtag", "name": "#hushtag"}}})
	aside := friend.Note("<p>hush aside</p>", m{"inReplyTo": public.IRI, "to": []any{friend.ID + "/followers"}, "cc": []any{}})
	beneath := addressee.Note("<p>hush beneath</p>", m{"inReplyTo": ours[0].Common().IRI, "to": []any{d.Links.Actor()}, "cc": []any{}})
	d.send(addressee, addressee.Create(letter), addressee.Create(beneath), addressee.Do("Like", ours[0].Common().IRI), addressee.Do("Announce", ours[1].Common().IRI))
	d.send(friend, friend.Create(aside), friend.Do("Like", ours[1].Common().IRI))
	d.send(stranger, stranger.Do("Flag", []any{d.Links.Actor()}))
	who, err := d.ActorOf(d.Context(), stranger.ID)
	if err != nil {
		t.Fatal(err)
	}
	report, err := d.SendReport(d.Context(), "test", who, nil, "hush report")
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	var ids, iris []string
	for _, o := range ours {
		ids, iris = append(ids, o.Common().ID), append(iris, o.Common().IRI, o.Common().URL)
	}
	for _, note := range []m{letter, aside, beneath} {
		iri := note["id"].(string)
		if d.Known(iri) != nil {
			kept++
		}
		ids, iris = append(ids, node.RemoteID(iri)), append(iris, iri)
	}
	if kept != 3 {
		t.Fatalf("%d of three private notes of others are kept", kept)
	}

	// What could be read before is the same to the last byte.
	for _, v := range w.visitors {
		for _, address := range shown {
			if got, want := v.page(address), w.seen[v.name+" "+address]; got != want {
				t.Errorf("%s learns something at %s\nnow    %s\nbefore %s", v.name, address, cutLong(got), cutLong(want))
			}
		}
	}
	// And nothing stands at what is private, nor at what was said of it.
	addresses := w.addresses(ids, []string{"hushtag"}, iris)
	acts, err := d.Store().Acts(d.Context(), node.ActQuery{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, a := range acts {
		if strings.Contains(string(a.Raw), "hush") || strings.Contains(a.Object, gone.ID) || a.Verb == node.Flag {
			addresses, ids = append(addresses, a.IRI), append(ids, a.IRI[strings.LastIndex(a.IRI, "/")+1:])
			told++
		}
	}
	if told < 2*len(ours)-2 {
		t.Errorf("%d acts were made of %d private things", told, len(ours))
	}
	ids = append(ids, report.ID)
	for _, v := range w.visitors {
		for _, address := range addresses {
			a := v.get(address)
			private := ""
			for _, id := range ids {
				if strings.Contains(address, id) {
					private = id
				}
			}
			if strings.Contains(strings.ReplaceAll(string(a.Body), "hushtag", ""), "hush") {
				t.Errorf("%s reads at %s: %s", v.name, address, cutLong(string(a.Body)))
			}
			if private == "" || strings.Contains(address, "?resource=") && a.Status == 400 {
				continue
			}
			asked := strings.Contains(address, "uri=")
			if a.Status < 300 && !asked {
				t.Errorf("%s gets %d at %s", v.name, a.Status, address)
			}
			if a.Status == 410 { // that it was there is a count of one
				t.Errorf("%s hears at %s that something was there", v.name, address)
			}
			if a.Status >= 400 && strings.Contains(a.Header.Get("Cache-Control"), "public") {
				t.Errorf("%s: the answer %d at %s may be kept: %s", v.name, a.Status, address, a.Header.Get("Cache-Control"))
			}
		}
	}
	t.Logf("%d addresses, %d before, as %d visitors", len(addresses), len(shown), len(w.visitors))
}

func cutLong(s string) string {
	if len(s) > 600 {
		return fmt.Sprint(s[:600], " and ", len(s)-600, " bytes more")
	}
	return s
}
