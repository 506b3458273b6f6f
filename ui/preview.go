package ui

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	tree "golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/coopnode/coopnode/node"
)

// previews are the ways in which something is shown before it is published: as others see it in their timeline, as a page of
// this node, and as who reads plain text does.
var previews = []string{"mastodon", "page", "text"}

// A preview is how something will look.
type preview struct {
	Kind  string
	Entry *entry
	Parts []part      // an opening's
	Texts []previewed // what is sent, in each language, the main one first
}

// previewed is what is sent in one language.
type previewed struct{ Lang, HTML, Plain string }

// previewOf makes of o what would be published and sent of it, and keeps nothing.
func (d *desk) previewOf(ctx context.Context, o node.Object, kind string) (*preview, error) {
	for i, p := range o.Common().Pictures {
		known, err := d.node.UploadedPicture(ctx, p.Address)
		if err != nil {
			return nil, err
		}
		known.Description = p.Description
		o.Common().Pictures[i] = *known
	}
	if err := d.node.Preview(o); err != nil {
		return nil, err
	}
	p := &preview{Kind: kind}
	var err error
	if p.Texts, err = sentTexts(o.Common()); err != nil {
		return nil, err
	}
	if p.Entry, err = d.entryOf(ctx, o); err != nil {
		return nil, err
	}
	if opening, ok := o.(*node.Opening); ok {
		if p.Parts, err = d.parts(ctx, opening); err != nil {
			return nil, err
		}
		if p.Entry.Who, err = whoMayAnswer(ctx, d.visit, opening.Answer); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// sentTexts are the texts of the document that is sent.
func sentTexts(b *node.Base) (list []previewed, err error) {
	var doc struct {
		Content    string            `json:"content"`
		ContentMap map[string]string `json:"contentMap"`
	}
	if err := json.Unmarshal(b.Raw, &doc); err != nil {
		return nil, fmt.Errorf("read preview: %w", err)
	}
	for i, t := range b.Texts {
		html, ok := doc.ContentMap[t.Lang]
		if i == 0 && !ok {
			html = doc.Content
		}
		list = append(list, previewed{t.Lang, Clean(html), plainLines(html)})
	}
	return list, nil
}

// plainLines is HTML as plain text: its paragraphs, lists and line breaks as lines, its links with where they lead.
func plainLines(clean string) string {
	z := tree.NewTokenizer(strings.NewReader(clean))
	var b strings.Builder
	href, from := "", 0
	for z.Next() != tree.ErrorToken {
		t := z.Token()
		switch {
		case t.Type == tree.TextToken:
			b.WriteString(strings.ReplaceAll(t.Data, "\n", " "))
		case t.DataAtom == atom.Br:
			b.WriteString("\n")
		case t.DataAtom == atom.Li && t.Type == tree.StartTagToken:
			b.WriteString("\n– ")
		case t.DataAtom == atom.A && t.Type == tree.StartTagToken:
			href, from = "", b.Len()
			for _, a := range t.Attr {
				if a.Key == "href" {
					href = a.Val
				}
			}
		case t.DataAtom == atom.A && t.Type == tree.EndTagToken:
			if text := b.String()[from:]; href != "" && !strings.HasSuffix(href, text) && !strings.HasPrefix(text, "#") && !strings.HasPrefix(text, "@") {
				b.WriteString(" (" + href + ")")
			}
		case t.Type == tree.EndTagToken && isBlock[t.DataAtom]:
			b.WriteString("\n\n")
		}
	}
	lines := strings.Split(b.String(), "\n")
	var out []string
	for _, l := range lines {
		l = strings.TrimSpace(l)
		if l == "" && (len(out) == 0 || out[len(out)-1] == "") {
			continue
		}
		out = append(out, l)
	}
	return strings.TrimSpace(strings.Join(out, "\n"))
}

var isBlock = map[atom.Atom]bool{atom.P: true, atom.Ul: true, atom.Ol: true, atom.Blockquote: true, atom.Pre: true, atom.H2: true, atom.H3: true, atom.H4: true}
