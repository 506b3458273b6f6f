package ui

import (
	"bytes"
	"encoding/xml"
	"html"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// The parts of Atom that the board's feed uses (RFC 4287). Elements without a value are left out.
type atomFeed struct {
	XMLName   xml.Name     `xml:"http://www.w3.org/2005/Atom feed"`
	Lang      string       `xml:"xml:lang,attr"`
	ID        string       `xml:"id"`
	Title     string       `xml:"title"`
	Subtitle  string       `xml:"subtitle,omitempty"`
	Updated   string       `xml:"updated"`
	Author    atomPerson   `xml:"author"`
	Generator *atomProgram `xml:"generator"`
	Icon      string       `xml:"icon"`
	Logo      string       `xml:"logo"`
	Links     []atomLink   `xml:"link"`
	Entries   []atomEntry  `xml:"entry"`
}

type atomEntry struct {
	Lang       string         `xml:"xml:lang,attr,omitempty"`
	ID         string         `xml:"id"`
	Title      string         `xml:"title"`
	Published  string         `xml:"published"`
	Updated    string         `xml:"updated"`
	Author     atomPerson     `xml:"author"`
	Links      []atomLink     `xml:"link"`
	Categories []atomCategory `xml:"category"`
	Summary    string         `xml:"summary"`
	Content    atomText       `xml:"content"`
}

type atomPerson struct {
	Name string `xml:"name"`
	URI  string `xml:"uri,omitempty"`
}

type atomProgram struct {
	Version string `xml:"version,attr,omitempty"`
	Name    string `xml:",chardata"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr"`
	Href string `xml:"href,attr"`
}

type atomCategory struct {
	Term  string `xml:"term,attr"`
	Label string `xml:"label,attr,omitempty"`
}

type atomText struct {
	Type string `xml:"type,attr"`
	Body string `xml:",chardata"`
}

// feed handles GET /openings.atom: the board, with the same choices as its page, newest first.
func (u *ui) feed(c echo.Context) error {
	v, err := u.visit(c)
	if err != nil {
		return err
	}
	v.lang, v.accepts = "", nil // a feed is read by many through one reader: every entry in its author's language
	chosen, err := readChoice(v.query)
	if err != nil {
		return err
	}
	q := chosen.openings(u.node)
	q.Limit = 50
	ctx := c.Request().Context()
	objects, _, err := u.node.Objects(ctx, q)
	if err != nil {
		return err
	}
	entries, err := v.entries(ctx, objects)
	if err != nil {
		return err
	}
	l := u.node.Links
	self := l.Feed() + chosen.query()
	f := atomFeed{
		Lang: "en", ID: self, Title: say("board.feed.title", v.self.Name), Subtitle: say("board.lead"),
		Author: atomPerson{v.self.Name, l.Profile()}, Generator: &atomProgram{u.opt.Version, "coopnode"},
		Icon: l.Icon(), Logo: l.Preview(),
		Links: []atomLink{{"self", "application/atom+xml", self}, {"alternate", "text/html", l.Board() + chosen.query()}},
	}
	if !chosen.isZero() {
		f.Title = say("board.feed.kind", v.self.Name, chosen.words())
	}
	updated := v.coop.Updated
	for _, e := range entries {
		f.Entries = append(f.Entries, v.feedEntry(e))
		if e.Base.Updated.After(updated) {
			updated = e.Base.Updated
		}
	}
	f.Updated = atomTime(updated)
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := xml.NewEncoder(&b).Encode(f); err != nil {
		return err
	}
	fileHeaders(c)
	return send(c, http.StatusOK, "application/atom+xml; charset=utf-8", "no-cache", b.Bytes())
}

func (v *visit) feedEntry(e *entry) atomEntry {
	o := e.opening()
	updated := e.Base.Updated
	if updated.Before(e.Base.Published) { // what another server sends need not say
		updated = e.Base.Published
	}
	a := atomEntry{
		ID: e.Base.IRI, Title: nameOf(e.Text), Published: atomTime(e.Base.Published), Updated: atomTime(updated),
		Author:     atomPerson{e.By.Name + " " + e.By.Address, e.By.Href},
		Links:      []atomLink{{"alternate", "text/html", e.Href}, {"alternate", "application/activity+json", e.Base.IRI}},
		Categories: []atomCategory{{string(o.Kind), capital(sayKnown("kind.", string(o.Kind)))}},
		Summary:    feedLine(o, v.now),
		Content:    atomText{"html", "<p>" + html.EscapeString(feedLine(o, v.now)) + "</p>" + shown(e.Text, e.By.Own)},
	}
	if node.ValidLanguage(e.Text.Lang) {
		a.Lang = e.Text.Lang
	}
	for _, s := range o.Skills {
		a.Categories = append(a.Categories, atomCategory{s.Key, plainName(s.Label())})
	}
	return a
}

// feedLine is an opening in one line: "Open until 15 December 2026 · work for another coop · 240 hours".
func feedLine(o *node.Opening, now time.Time) string {
	line := []string{capital(standing(o, now)), sayKnown("kind.", string(o.Kind))}
	for _, s := range []string{amountWords(o), where(o), budget(o)} {
		if s != "" {
			line = append(line, s)
		}
	}
	return strings.Join(line, " · ")
}

func atomTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }
