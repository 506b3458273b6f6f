package ui

import (
	"bytes"
	"encoding/json"
)

// The parts of JSON Feed that our feeds use (jsonfeed.org/version/1.1).
type jsonFeed struct {
	Version     string       `json:"version"`
	Title       string       `json:"title"`
	HomePageURL string       `json:"home_page_url"`
	FeedURL     string       `json:"feed_url"`
	NextURL     string       `json:"next_url,omitempty"`
	Description string       `json:"description,omitempty"`
	Icon        string       `json:"icon"`
	Favicon     string       `json:"favicon"`
	Authors     []jsonAuthor `json:"authors"`
	Language    string       `json:"language"`
	Items       []jsonItem   `json:"items"`
}

type jsonItem struct {
	ID            string       `json:"id"`
	URL           string       `json:"url,omitempty"`
	Title         string       `json:"title"`
	ContentHTML   string       `json:"content_html"`
	Summary       string       `json:"summary,omitempty"`
	DatePublished string       `json:"date_published"`
	DateModified  string       `json:"date_modified"`
	Authors       []jsonAuthor `json:"authors"`
	Tags          []string     `json:"tags,omitempty"`
	Language      string       `json:"language,omitempty"`
}

type jsonAuthor struct {
	Name string `json:"name"`
	URL  string `json:"url,omitempty"`
}

func (v *visit) jsonFeed(f feed) ([]byte, error) {
	l := v.node.Links
	j := jsonFeed{
		Version: "https://jsonfeed.org/version/1.1", Title: f.title, HomePageURL: f.page, FeedURL: f.self, NextURL: f.next, Description: f.lead,
		Icon: l.IconOf(v.coop), Favicon: l.IconOf(v.coop), Authors: []jsonAuthor{{v.self.Name, l.Profile()}}, Language: f.lang, Items: []jsonItem{},
	}
	for _, e := range f.entries {
		item := jsonItem{
			ID: e.id, URL: e.page, Title: e.title, ContentHTML: e.html, Summary: e.summary, DatePublished: feedTime(e.published), DateModified: feedTime(e.updated),
			Authors: []jsonAuthor{{e.by.Name + " " + e.by.Address, e.by.Href}}, Language: e.lang,
		}
		for _, t := range e.terms {
			item.Tags = append(item.Tags, t.label)
		}
		j.Items = append(j.Items, item)
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false) // it is no part of a page
	err := encoder.Encode(j)
	return b.Bytes(), err
}
