package ui

import (
	"context"
	"html"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// entriesAFeed is how many entries one part of a feed has; the next part is linked (RFC 5005 section 3).
const entriesAFeed = 40

// mediaType is what a form of a list is called.
var mediaType = map[node.FeedForm]string{
	node.Atom:     "application/atom+xml",
	node.JSONFeed: "application/feed+json",
	node.Calendar: "text/calendar",
}

// A feed is a part of a list as readers of feeds want it, whatever they read it as.
type feed struct {
	title, lead string
	lang        string // of what the feed itself says
	id          string // the address of its newest part in the node's language, which stays the same
	first       string // its newest part
	self, next  string // this part, and the one after it; "" at the end
	page        string
	updated     time.Time // when the content changed last, whatever else did
	entries     []feedEntry
}

type feedEntry struct {
	id, title, lang    string
	page, document     string
	others             []string // languages in which it can be read besides
	published, updated time.Time
	by                 person
	terms              []feedTerm
	summary            string
	html               string // cleaned
}

// A feedTerm is a kind, a skill or a tag: its key and how people write it.
type feedTerm struct{ term, label string }

// feed handles GET of a list in another form than its page.
func (u *ui) feed(c echo.Context, form node.FeedForm, list lister) error {
	v, err := u.visit(c)
	if err != nil {
		return err
	}
	// One reader of feeds reads for many: a feed is in the node's language, and every entry in its author's, unless the
	// address names another.
	v.accepts = nil
	spoken := ownTongue(v.coop)
	if asked := u.tongueNamed(v.lang); asked != nil {
		spoken = asked
	}
	c.SetRequest(c.Request().WithContext(speaking(c.Request().Context(), spoken)))
	l, err := list(c, v)
	if _, ok := err.(elsewhere); ok {
		return echo.ErrNotFound // its home may have a feed of it
	} else if err != nil {
		return err
	}
	if !slices.Contains(l.forms, form) {
		return echo.ErrNotFound
	}
	id := u.node.Links.Feed(l.page, form) // of the list, in whatever language it is read
	if v.lang != "" {
		l.page = with(l.page, "lang", v.lang)
	}
	var body []byte
	ctx := c.Request().Context()
	if form == node.Calendar {
		body, err = u.calendarOf(ctx, v, l)
	} else {
		body, err = u.feedOf(ctx, c, v, form, l, id)
	}
	if err != nil {
		return err
	}
	fileHeaders(c)
	c.Response().Header().Set("Content-Language", tongueOf(ctx).tag.String())
	return send(c, http.StatusOK, mediaType[form]+"; charset=utf-8", "no-cache", body)
}

func (u *ui) feedOf(ctx context.Context, c echo.Context, v *visit, form node.FeedForm, l listing, id string) ([]byte, error) {
	list, next, err := v.part(ctx, c, l, entriesAFeed)
	if err != nil {
		return nil, err
	}
	f := feed{title: l.title, lead: l.lead, lang: tongueOf(ctx).tag.String(), id: id, first: u.node.Links.Feed(l.page, form), page: l.page}
	f.self = f.first
	if before := v.query.Get("before"); before != "" {
		f.self = with(f.first, "before", before)
	}
	if next != "" {
		f.next = with(f.first, "before", next)
	}
	for _, e := range list {
		// What is closed leaves feeds (decisions 25, HTTP-7), also those of a tag or a project.
		if o, ok := e.Object.(*node.Opening); ok && !o.IsOpen(v.now) {
			continue
		}
		entry := v.feedEntry(ctx, e)
		if entry.updated.After(f.updated) {
			f.updated = entry.updated
		}
		f.entries = append(f.entries, entry)
	}
	if f.updated.IsZero() {
		f.updated = v.coop.Updated
	}
	if form == node.Atom {
		return v.atom(f)
	}
	return v.jsonFeed(f)
}

// feedEntry says of an object what its entry says in every form.
func (v *visit) feedEntry(ctx context.Context, e *entry) feedEntry {
	f := feedEntry{
		id: e.Base.IRI, title: e.name(ctx), page: e.Href, document: e.Base.IRI, others: e.others(),
		published: e.Base.Published, updated: changed(e.Base), by: e.By, html: shown(e.Text, e.By.Own),
	}
	if e.Base.Sample {
		f.document = ""
	}
	if node.ValidLanguage(e.Text.Lang) {
		f.lang = e.Text.Lang
	}
	switch o := e.Object.(type) {
	case *node.Opening:
		f.summary = feedLine(ctx, o, v.now) + behalfWords(ctx, e)
		f.terms = append(f.terms, feedTerm{string(o.Kind), capital(sayKnown(ctx, "kind.", string(o.Kind)))})
		for _, s := range o.Skills {
			f.terms = append(f.terms, feedTerm{s.Key, plainName(s.Label())})
		}
	case *node.Project:
		f.summary = capital(list(ctx, sayKnown(ctx, "pstatus.", string(o.Status)), goal(ctx, o)))
		if d := v.text(o.Description); d.HTML != "" {
			f.html += shown(d, e.By.Own)
		}
	case *node.Post:
		f.summary = plainText(f.html, 200)
		if w := warning(o); w != "" {
			f.title = say(ctx, "warning", w)
			f.summary = f.title
		}
	}
	if _, post := e.Object.(*node.Post); !post || f.summary == f.title {
		f.html = "<p>" + html.EscapeString(f.summary) + "</p>" + f.html
	}
	if len(e.Sharers) > 0 {
		var names []string
		for _, who := range e.Sharers {
			names = append(names, who.Name+" "+who.Address)
		}
		f.html += "<p>" + html.EscapeString(say(ctx, "sharers")+" "+series(ctx, names...)) + "</p>"
	}
	for _, t := range e.Base.Tags {
		f.terms = append(f.terms, feedTerm{t, say(ctx, "tag.title", plainName(t))})
	}
	return f
}

// changed is when an object changed last. What another server sends need not make sense.
func changed(b *node.Base) time.Time {
	if b.Updated.Before(b.Published) {
		return b.Published
	}
	return b.Updated
}

// behalfWords says for whom an opening is published, where that is not its publisher.
func behalfWords(ctx context.Context, e *entry) string {
	if e.Behalf.Name == "" {
		return ""
	}
	return " · " + say(ctx, "opening.behalf.of", e.Behalf.Name)
}

// feedLine is an opening in one line: "Open until 15 December 2026 · work for another coop · 240 hours".
func feedLine(ctx context.Context, o *node.Opening, now time.Time) string {
	return capital(standing(ctx, o, now)) + " · " + factLine(ctx, o)
}

// factLine is the part of it that does not change with time.
func factLine(ctx context.Context, o *node.Opening) string {
	line := []string{sayKnown(ctx, "kind.", string(o.Kind))}
	for _, s := range []string{amountWords(ctx, o), where(ctx, o), budget(ctx, o)} {
		if s != "" {
			line = append(line, s)
		}
	}
	return strings.Join(line, " · ")
}
