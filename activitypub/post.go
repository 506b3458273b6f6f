package activitypub

import (
	"slices"
	"strings"
	"time"

	"github.com/coopnode/coopnode/node"
)

// encodePost writes a plain public Note (decisions 12).
func encodePost(l node.Links, p *node.Post) (envelope, error) {
	n, own, err := newNote(l, p)
	if err != nil {
		return nil, err
	}
	setContent(n, p.Texts, func(t node.Text) string { return postHTML(l, p, t) })
	tags := hashtags(l, p.Tags)
	for _, m := range p.Mentions {
		tags = append(tags, map[string]any{"type": "Mention", "href": m.Actor, "name": m.Address})
	}
	own["tag"] = tags
	if p.Asks {
		own["coop:asks"] = true
	}
	return n, nil
}

// postTypes are the ActivityStreams types that can be read as something somebody wrote.
var postTypes = map[string]bool{
	"Note": true, "Article": true, "Page": true, "Question": true, "Event": true, "Image": true, "Video": true, "Audio": true, "Document": true,
}

// decodeObject reads an object of another node into a post, an opening or a project: by
// additionalType first, then by a proposal's properties, else as a post (decisions 11). Nil for
// what is none of them. That it was said by its owner has to be proved by the caller.
func decodeObject(m map[string]any, rules AddressRules) node.Object {
	types := Types(m)
	var o node.Object
	switch {
	case isVote(m):
		return nil
	case isProposal(m, types):
		o = node.NewObject(node.TypeOpening)
	case contains(texts(m["additionalType"]), typeProject):
		o = node.NewObject(node.TypeProject)
	case anyOf(types, postTypes):
		o = node.NewObject(node.TypePost)
	default:
		return nil
	}
	b := o.Common()
	var ok bool
	if b.IRI, ok = objectID(m, rules); !ok {
		return nil
	}
	if b.Actor = IDOf(first(m["attributedTo"])); b.Actor == "" || !SameOrigin(b.Actor, b.IRI) { // ORG-2
		return nil
	}
	b.ID = node.RemoteID(b.IRI)
	b.Published, _ = Time(m, "published")
	b.Updated, _ = Time(m, "updated")
	if b.Updated.Before(b.Published) {
		b.Updated = b.Published
	}
	b.URL = webAddress(m["url"])
	if b.URL == "" {
		b.URL = b.IRI
	}
	to, cc := IDs(m["to"]), IDs(m["cc"])
	if len(to)+len(cc) > maxAddressees {
		return nil
	}
	b.Audience, b.To, b.Lists = audienceOf(to, cc)
	b.InReplyTo = idIn(first(m["inReplyTo"]), rules)
	b.Project = idIn(m["coop:project"], rules)
	b.Texts = textsOf(m)
	b.Tags = tagsOf(m)
	b.Pictures, b.Enclosures = attachmentsIn(m)
	switch v := o.(type) {
	case *node.Opening:
		decodeOpening(m, v)
	case *node.Project:
		decodeProject(m, v)
	case *node.Post:
		v.Asks, _ = m["coop:asks"].(bool)
		v.Sensitive, _ = m["sensitive"].(bool)
		v.Warning = cutText(anyLanguage(m, "summary"), maxNameRunes)
		v.Mentions = mentionsOf(m)
		v.Quote = quoteOf(m, rules)
		v.Options = optionsOf(m)
		if i := slices.IndexFunc(types, func(t string) bool { return postTypes[t] }); types[i] != "Note" {
			v.Form = types[i]
		}
		// Articles and pages have a title of their own, shown above the text.
		if name := cutText(anyLanguage(m, "name"), maxNameRunes); name != "" && len(v.Texts) > 0 {
			v.Texts[0].Title = name
		} else if name != "" {
			v.Texts = []node.Text{{Title: name}}
		}
	}
	return o
}

// giveTitle names what came without coop:title: by its name, which we never send but others do, else by its
// first line (vocabulary 2.4).
func giveTitle(b *node.Base, m map[string]any) {
	name := cutText(anyLanguage(m, "name"), maxNameRunes)
	switch {
	case b.Title() != "":
	case len(b.Texts) == 0 && name != "":
		b.Texts = []node.Text{{Title: name}}
	case len(b.Texts) > 0 && name != "":
		b.Texts[0].Title = name
	case len(b.Texts) > 0:
		b.Texts[0].Title = firstLine(b.Texts[0].HTML)
	}
}

// anyLanguage is the text at key, or, where it is given by language alone, the first of those.
func anyLanguage(m map[string]any, key string) string {
	if s := Str(m, key); s != "" {
		return s
	}
	byLang := Obj(m[key+"Map"])
	for _, lang := range sortedKeys(byLang) {
		if s := Str(byLang, lang); s != "" {
			return s
		}
	}
	return ""
}

// Limits of texts and lists (security.md 4, LIM).
const (
	maxNameRunes    = 1000
	maxContentBytes = 64 << 10
	maxTags         = 100
	maxListed       = 100 // skills, languages, countries and the like
	maxAddressees   = 1000
)

// objectID is the id of an object, normalised; false where it cannot be one.
func objectID(m map[string]any, rules AddressRules) (string, bool) {
	s := Str(m, "id")
	if s == "" {
		return "", false
	}
	normal, err := rules.NormalID(s)
	if err != nil || normal != s { // ORG-10: ids that differ in a byte are different, so a crooked one is none
		return "", false
	}
	return s, true
}

// idIn is an id named in a property, "" where it cannot be one (ORG-3).
func idIn(v any, rules AddressRules) string {
	s := IDOf(v)
	if _, err := rules.ParseID(s); err != nil {
		return ""
	}
	return s
}

// textsOf reads content and contentMap: the main language is the one whose text equals content.
func textsOf(m map[string]any) []node.Text {
	main := cutBytes(Str(m, "content"), maxContentBytes)
	title := cutText(Str(m, "coop:title"), maxNameRunes)
	byLang := Obj(m["contentMap"])
	var out []node.Text
	if main != "" {
		t := node.Text{HTML: main, Title: title}
		for lang, v := range byLang {
			if s, _ := v.(string); s == Str(m, "content") && node.ValidLanguage(lang) && (t.Lang == "" || lang < t.Lang) {
				t.Lang = lang
			}
		}
		out = append(out, t)
	}
	for _, lang := range sortedKeys(byLang) {
		s, _ := byLang[lang].(string)
		if s == "" || len(out) > 0 && out[0].Lang == lang || !node.ValidLanguage(lang) || len(out) >= 20 {
			continue
		}
		out = append(out, node.Text{Lang: lang, HTML: cutBytes(s, maxContentBytes)})
	}
	if len(out) > 0 {
		out[0].Title = title
	} else if title != "" {
		out = []node.Text{{Title: title}}
	}
	return out
}

func tagsOf(m map[string]any) []string {
	var out []string
	for _, v := range List(m["tag"]) {
		t := Obj(v)
		if name := strings.TrimPrefix(Str(t, "name"), "#"); Str(t, "type") == "Hashtag" && name != "" && len(out) < maxTags {
			out = append(out, cutText(name, 100))
		}
	}
	return out
}

func mentionsOf(m map[string]any) []node.Mention {
	var out []node.Mention
	for _, v := range List(m["tag"]) {
		t := Obj(v)
		if href := IDOf(t["href"]); Str(t, "type") == "Mention" && href != "" && len(out) < maxTags {
			out = append(out, node.Mention{Actor: href, Address: cutText(Str(t, "name"), 320)})
		}
	}
	return out
}

// audienceOf tells who may see something from its addressees, who is named, and which addresses look like
// collections of followers: the usual "/followers", and Friendica's "/followers_".
func audienceOf(to, cc []string) (audience node.Audience, named, lists []string) {
	audience = node.Direct
	for i, list := range [][]string{to, cc} {
		for _, a := range list {
			switch {
			case isPublic(a) && i == 0:
				audience = node.Public
			case isPublic(a) && audience != node.Public:
				audience = node.Unlisted
			case isPublic(a):
			case strings.HasSuffix(strings.TrimSuffix(a, "_"), "/followers"):
				lists = append(lists, a)
			default:
				named = append(named, a)
			}
		}
	}
	if audience == node.Direct && len(lists) > 0 {
		audience = node.Followers
	}
	return audience, named, lists
}

// isPublic knows the three ways in which the public is addressed (JSON-1).
func isPublic(a string) bool { return a == node.PublicIRI || a == "as:Public" || a == "Public" }

// webAddress is the page in a url property: a string, a Link, or a list of them with the HTML first.
func webAddress(v any) string {
	best := ""
	for _, e := range List(v) {
		s, _ := e.(string)
		if link := Obj(e); link != nil {
			s = Str(link, "href")
			if mt := Str(link, "mediaType"); mt != "" && mt != "text/html" {
				continue
			}
		}
		if best == "" && isWeb(s) {
			best = s
		}
	}
	return best
}

// isWeb says whether s can be the address of something on the web.
func isWeb(s string) bool {
	return len(s) <= MaxURLBytes && (strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://"))
}

// said is the time of something, or now where it says none that can be (JSON-5).
func said(m map[string]any, now time.Time) time.Time {
	t, ok := Time(m, "published")
	if !ok || t.Year() < 1970 || t.After(now.Add(24*time.Hour)) {
		return now
	}
	return t
}
