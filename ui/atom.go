package ui

import (
	"bytes"
	"encoding/xml"
	"time"

	"github.com/coopnode/coopnode/node"
)

// The parts of Atom that our feeds use (RFC 4287). Elements without a value are left out.
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
	Summary    string         `xml:"summary,omitempty"`
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
	Lang string `xml:"hreflang,attr,omitempty"`
}

type atomCategory struct {
	Term  string `xml:"term,attr"`
	Label string `xml:"label,attr,omitempty"`
}

type atomText struct {
	Type string `xml:"type,attr"`
	Body string `xml:",chardata"`
}

func (v *visit) atom(f feed) ([]byte, error) {
	l, own := v.node.Links, mediaType[node.Atom]
	a := atomFeed{
		Lang: f.lang, ID: f.id, Title: f.title, Subtitle: f.lead, Updated: feedTime(f.updated), Author: atomPerson{v.self.Name, l.Profile()},
		Generator: &atomProgram{v.version, "coopnode"}, Icon: l.IconOf(v.coop), Logo: l.Preview(),
		Links: []atomLink{{Rel: "self", Type: own, Href: f.self}, {Rel: "alternate", Type: "text/html", Href: f.page}},
	}
	if f.self != f.first {
		a.Links = append(a.Links, atomLink{Rel: "first", Type: own, Href: f.first})
	}
	if f.next != "" {
		a.Links = append(a.Links, atomLink{Rel: "next", Type: own, Href: f.next})
	}
	for _, e := range f.entries {
		a.Entries = append(a.Entries, e.atom())
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	err := xml.NewEncoder(&b).Encode(a)
	return b.Bytes(), err
}

func (e feedEntry) atom() atomEntry {
	a := atomEntry{
		Lang: e.lang, ID: e.id, Title: e.title, Published: feedTime(e.published), Updated: feedTime(e.updated),
		Author:  atomPerson{e.by.Name + " " + e.by.Address, e.by.Href}, // the host always shows (HTML-5)
		Summary: e.summary, Content: atomText{"html", e.html},
	}
	if e.page != "" {
		a.Links = append(a.Links, atomLink{Rel: "alternate", Type: "text/html", Href: e.page, Lang: e.lang})
		for _, lang := range e.others {
			if node.ValidLanguage(lang) && e.by.Own {
				a.Links = append(a.Links, atomLink{Rel: "alternate", Type: "text/html", Href: with(e.page, "lang", lang), Lang: lang})
			}
		}
	}
	if e.document != "" {
		a.Links = append(a.Links, atomLink{Rel: "alternate", Type: "application/activity+json", Href: e.document})
	}
	for _, t := range e.terms {
		a.Categories = append(a.Categories, atomCategory{t.term, t.label})
	}
	return a
}

func feedTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }
