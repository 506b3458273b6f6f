package ui

import (
	"bytes"
	"html"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/idna"

	tree "golang.org/x/net/html"
)

// What a link says about where it leads: nothing good (HTML-3). Own people's links are not "ugc".
const (
	relForeign = "nofollow noopener noreferrer ugc"
	relOwn     = "nofollow noopener noreferrer"
)

// Clean makes foreign HTML harmless: only the elements and attributes of HTML-2 and HTML-3 are
// left, and a link whose text names another host shows where it leads (HTML-4). Cleaning what is
// clean changes nothing (HTML-6).
func Clean(html string) string { return cleanWith(html, relForeign) }

// cleanWith sweeps until nothing changes any more, so that what it returns is a fixed point.
// Where a text will not come to rest it is shown as plain text.
func cleanWith(html, rel string) string {
	for range 5 {
		next, err := sweep(html, rel)
		if err != nil {
			break
		}
		if next == html {
			return html
		}
		html = next
	}
	return plainHTML(html)
}

// policy is the allow list of HTML-2 and HTML-3. Classes are sorted out in sweep.
var policy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "span", "strong", "em", "b", "i", "u", "s", "del", "code", "pre", "blockquote",
		"ul", "ol", "li", "h2", "h3", "h4")
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("class").OnElements("a", "span")
	p.AllowNoAttrs().OnElements("a", "span")
	p.AllowURLSchemes("http", "https", "mailto")
	p.RequireParseableURLs(true)
	p.AddSpaceWhenStrippingTag(true) // two div must not become one word
	p.SkipElementsContent("script", "style", "iframe", "object", "embed", "form", "svg", "math", "template", "noscript",
		"title", "textarea", "xmp", "noembed", "noframes", "plaintext")
	return p
})

var body = &tree.Node{Type: tree.ElementNode, Data: "body", DataAtom: atom.Body}

// sweep cleans once: bluemonday drops what is not allowed, then the tree is mended and written anew.
func sweep(html, rel string) (string, error) {
	nodes, err := tree.ParseFragment(strings.NewReader(policy().Sanitize(html)), body)
	if err != nil {
		return "", err
	}
	root := &tree.Node{Type: tree.ElementNode, Data: "body", DataAtom: atom.Body}
	for _, n := range nodes {
		root.AppendChild(n)
	}
	mend(root, rel)
	var b bytes.Buffer
	for n := root.FirstChild; n != nil; n = n.NextSibling {
		if err := tree.Render(&b, n); err != nil {
			return "", err
		}
	}
	return strings.TrimSpace(b.String()), nil
}

// mend gives every link its rel and its true host, keeps the two known classes, and takes away
// elements that are left without a meaning.
func mend(n *tree.Node, rel string) {
	for c := n.FirstChild; c != nil; {
		next := c.NextSibling
		mend(c, rel)
		if c.Type == tree.ElementNode && (c.DataAtom == atom.A || c.DataAtom == atom.Span) {
			href, class := attr(c, "href"), knownClasses(attr(c, "class"))
			c.Attr = nil // then in the order of the alphabet, as the parser has them
			if class != "" {
				c.Attr = append(c.Attr, tree.Attribute{Key: "class", Val: class})
			}
			if c.DataAtom == atom.A && href != "" {
				c.Attr = append(c.Attr, tree.Attribute{Key: "href", Val: href}, tree.Attribute{Key: "rel", Val: rel})
			}
			switch {
			case c.Attr == nil || c.DataAtom == atom.A && href == "":
				unwrap(n, c)
			case c.DataAtom == atom.A:
				nameHost(c, href)
			}
		}
		c = next
	}
}

func attr(n *tree.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func knownClasses(s string) string {
	var keep []string
	for _, c := range []string{"mention", "hashtag"} {
		if slices.Contains(strings.Fields(s), c) {
			keep = append(keep, c)
		}
	}
	return strings.Join(keep, " ")
}

// unwrap puts what is inside c in its place.
func unwrap(parent, c *tree.Node) {
	for inner := c.FirstChild; inner != nil; inner = c.FirstChild {
		c.RemoveChild(inner)
		parent.InsertBefore(inner, c)
	}
	parent.RemoveChild(c)
}

// nameHost writes the real host behind a link's text where the text looks like the address of another.
// It comes last in the link, where the next sweep finds it.
func nameHost(a *tree.Node, href string) {
	var b strings.Builder
	linkText(a, &b)
	text := b.String()
	real := href
	if u, err := url.Parse(href); err == nil && u.Host != "" {
		real = u.Host
	}
	mark := " (" + real + ")"
	if strings.HasSuffix(text, mark) || !slices.ContainsFunc(strings.Fields(text), func(w string) bool { return claimsOther(w, real) }) {
		return
	}
	a.AppendChild(&tree.Node{Type: tree.TextNode, Data: mark})
}

// linkText collects the text of a link, and takes out what could make it look different from what it is.
func linkText(n *tree.Node, b *strings.Builder) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == tree.TextNode {
			c.Data = strings.Map(dropTricks, c.Data)
			b.WriteString(c.Data)
		}
		linkText(c, b)
	}
}

// claimsOther says whether a word of a link's text looks like an address on another host than real.
func claimsOther(word, real string) bool {
	word = strings.ToLower(strings.Trim(word, `()[]{}<>"'“”‘’«»,;!?…`))
	_, rest, scheme := strings.Cut(word, "://")
	if !scheme {
		rest = strings.TrimPrefix(word, "//")
	}
	host, _, _ := strings.Cut(rest, "/")
	host, _, _ = strings.Cut(host, "?")
	host, _, _ = strings.Cut(host, "#")
	if at := strings.LastIndex(host, "@"); at >= 0 {
		if scheme {
			return true // a name before the host is made to be mistaken for it
		}
		host = host[at+1:]
	}
	host = plainHost(host)
	if host == "" || !scheme && !looksLikeHost(host) {
		return false
	}
	return host != plainHost(real)
}

// looksLikeHost wants a dot and then a last label of two letters or more.
func looksLikeHost(s string) bool {
	s, _, _ = strings.Cut(s, ":")
	dot := strings.LastIndexByte(s, '.')
	if dot <= 0 || len(s)-dot < 3 {
		return false
	}
	if strings.HasPrefix(s[dot+1:], "xn--") {
		return true
	}
	return strings.Trim(s[dot+1:], "abcdefghijklmnopqrstuvwxyz") == ""
}

// plainHost is a host in the one form in which two can be compared.
func plainHost(s string) string {
	s = strings.Trim(strings.ToLower(s), ".")
	if a, err := idna.Lookup.ToASCII(s); err == nil {
		s = a
	}
	return strings.TrimPrefix(s, "www.")
}

// dropTricks removes controls of writing direction and characters without width (HTML-5).
func dropTricks(r rune) rune {
	switch {
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r >= 0x200b && r <= 0x200f, r >= 0x2060 && r <= 0x2064, r == 0xfeff, r == 0x061c:
		return -1
	}
	return r
}

// plainHTML shows what is left of a text without any element.
func plainHTML(s string) string {
	text := html.UnescapeString(bluemonday.StrictPolicy().Sanitize(s))
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, text)
	return strings.TrimSpace(html.EscapeString(text))
}

// plainName makes a foreign name or handle fit to stand in a line of ours (HTML-5).
func plainName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return dropTricks(r)
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// plainText is the text of cleaned HTML in one line of at most about so many characters, for descriptions.
func plainText(clean string, limit int) string {
	z := tree.NewTokenizer(strings.NewReader(clean))
	var b strings.Builder
	for z.Next() != tree.ErrorToken {
		switch t := z.Token(); {
		case t.Type == tree.TextToken:
			b.WriteString(t.Data)
		case t.DataAtom != atom.A && t.DataAtom != atom.Span && t.DataAtom != atom.B && t.DataAtom != atom.Strong && t.DataAtom != atom.Em && t.DataAtom != atom.I:
			b.WriteByte(' ')
		}
	}
	return shorten(plainName(b.String()), limit)
}

// shorten cuts a text at a word, and says so with an ellipsis.
func shorten(s string, limit int) string {
	r := []rune(s)
	if len(r) <= limit {
		return s
	}
	cut := string(r[:limit])
	if i := strings.LastIndexByte(cut, ' '); i > len(cut)/2 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " ,.;:") + "…"
}
