package ui_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/coopnode/coopnode/ui"
)

// wantHarmless checks HTML-2, HTML-3 and HTML-6 on the tree that a browser would build, not on the text.
func wantHarmless(t *testing.T, in, out string) {
	t.Helper()
	elements := strings.Fields("p br a span strong em b i u s del code pre blockquote ul ol li h2 h3 h4")
	nodes, err := html.ParseFragment(strings.NewReader(out), &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body})
	if err != nil {
		t.Fatalf("parse what came of %q: %v", in, err)
	}
	var again strings.Builder
	for _, n := range nodes {
		html.Render(&again, n)
		for d := range n.Descendants() {
			wantHarmlessNode(t, in, d, elements)
		}
		wantHarmlessNode(t, in, n, elements)
	}
	if again.String() != out {
		t.Errorf("%q became %q, which reads as %q", in, out, again.String())
	}
	if twice := ui.Clean(out); twice != out {
		t.Errorf("%q became %q, and cleaned again %q", in, out, twice)
	}
}

func wantHarmlessNode(t *testing.T, in string, n *html.Node, elements []string) {
	t.Helper()
	switch n.Type {
	case html.TextNode:
		return
	case html.ElementNode:
		if !slices.Contains(elements, n.Data) {
			t.Errorf("%q keeps <%s>", in, n.Data)
		}
	default:
		t.Errorf("%q keeps a node of type %d: %q", in, n.Type, n.Data)
	}
	for _, a := range n.Attr {
		switch {
		case n.DataAtom == atom.A && a.Key == "href":
			u, err := url.Parse(a.Val)
			if err != nil || !slices.Contains([]string{"http", "https", "mailto"}, u.Scheme) {
				t.Errorf("%q keeps a link to %q", in, a.Val)
			}
		case n.DataAtom == atom.A && a.Key == "rel" && a.Val == "nofollow noopener noreferrer ugc":
		case (n.DataAtom == atom.A || n.DataAtom == atom.Span) && a.Key == "class" &&
			strings.Trim(strings.NewReplacer("mention", "", "hashtag", "").Replace(a.Val), " ") == "":
		default:
			t.Errorf("%q keeps %s=%q on <%s>", in, a.Key, a.Val, n.Data)
		}
	}
	if n.DataAtom == atom.A && !slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "rel" }) {
		t.Errorf("%q has a link without rel", in)
	}
}

// HTML-1 to HTML-3, HTML-6 on payloads that others collected.
func TestCleanPayloads(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "shared", "vectors", "html-sanitize", "payloads.json"))
	if os.IsNotExist(err) {
		t.Log("left out: the payloads of ../shared/vectors/html-sanitize are not here")
		return
	} else if err != nil {
		t.Fatal(err)
	}
	var payloads []struct{ Title, Payload string }
	if err := json.Unmarshal(b, &payloads); err != nil {
		t.Fatal(err)
	}
	if len(payloads) < 100 {
		t.Fatalf("only %d payloads", len(payloads))
	}
	for _, p := range payloads {
		wantHarmless(t, p.Title+": "+p.Payload, ui.Clean(p.Payload))
	}
}

func TestClean(t *testing.T) {
	const rel = ` rel="nofollow noopener noreferrer ugc"`
	for _, tt := range []struct{ name, in, want string }{
		{"plain text", "2 < 3 & so on", "2 &lt; 3 &amp; so on"},
		{"paragraphs", "<p>one<br>two</p><p>three</p>", "<p>one<br/>two</p><p>three</p>"},
		{"open element", "<p><b>one", "<p><b>one</b></p>"},
		{"stray end", "</div></p>one", "<p></p>one"},
		{"unknown element, text kept", "<div>one</div><div>two</div>", "one  two"},
		{"script goes with its text", "a<script>alert(1)</script>b", "ab"},
		{"HTML-2 a form goes with its text", "a<form>x<textarea>y</textarea></form>b<object>c</object><noscript>d</noscript><math>e</math>", "a    b"},
		{"picture goes", `<p>a<img src="https://x.example/i.png" onerror=alert(1)></p>`, "<p>a </p>"},
		{"style, id, on, target, data go", `<p style="x" id="y" onclick="z" data-q="1">a</p>`, "<p>a</p>"},
		{"link", `<a href="https://x.example/a?b=1&c=2" target="_blank" rel="me">x</a>`, `<a href="https://x.example/a?b=1&amp;c=2"` + rel + `>x</a>`},
		{"script link is only its text", `<a href="javascript:alert(1)">x</a>`, "x"},
		{"relative link is only its text", `<a href="/logout">x</a>`, "x"},
		{"mention", `<span class="h-card"><a href="https://x.example/@a" class="u-url mention">@<span>a</span></a></span>`,
			`<a class="mention" href="https://x.example/@a"` + rel + `>@a</a>`},
		{"hidden text shows", `<a href="https://x.example/long/way"><span class="invisible">https://</span><span class="ellipsis">x.example/lo</span><span class="invisible">ng/way</span></a>`,
			`<a href="https://x.example/long/way"` + rel + `>https://x.example/long/way</a>`},
		{"other host is named", `<a href="https://evil.example/x">https://bank.example/login</a>`,
			`<a href="https://evil.example/x"` + rel + `>https://bank.example/login (evil.example)</a>`},
		{"other host in the middle, without scheme", `<a href="https://evil.example/x">go to <b>bank</b>.example now</a>`,
			`<a href="https://evil.example/x"` + rel + `>go to <b>bank</b>.example now (evil.example)</a>`},
		{"same host is left alone", `<a href="https://www.bank.example/x">Bank.example/x</a>`, `<a href="https://www.bank.example/x"` + rel + `>Bank.example/x</a>`},
		{"name before the host", `<a href="https://bank.example@evil.example/">https://bank.example@evil.example/</a>`,
			`<a href="https://bank.example@evil.example/"` + rel + `>https://bank.example@evil.example/ (evil.example)</a>`},
		{"look-alike letters", `<a href="https://evil.example/">https://bаnk.example/</a>`, `<a href="https://evil.example/"` + rel + `>https://bаnk.example/ (evil.example)</a>`},
		{"text turned round", "<a href=\"https://evil.example/\">\u202eelpmaxe.knab\u202c</a>", `<a href="https://evil.example/"` + rel + `>elpmaxe.knab (evil.example)</a>`},
		{"mail", `<a href="mailto:a@x.example">https://bank.example</a>`, `<a href="mailto:a@x.example"` + rel + `>https://bank.example (mailto:a@x.example)</a>`},
		{"file name is no claim", `<a href="https://x.example/1">version 1.2 and e.g. this</a>`, `<a href="https://x.example/1"` + rel + `>version 1.2 and e.g. this</a>`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ui.Clean(tt.in)
			if got != tt.want {
				t.Errorf("Clean(%q)\n got %q\nwant %q", tt.in, got, tt.want)
			}
			wantHarmless(t, tt.in, got)
		})
	}
}

// HTML-6: twice the text takes no more than twice the work, whatever is sent. The work is counted in bytes that were
// allocated, for every token and every node of the tree is one.
func TestCleanIsLinear(t *testing.T) {
	work := func(html string) (spent uint64, out int) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		out = len(ui.Clean(html))
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc, out
	}
	for _, part := range []string{"<b>", "<p><b><i>", "<a href=https://x.example>", "<ul><li>", "<!--", "<span class=mention>", "&", "</p>", "<blockquote>",
		"https://a.example ", "<p><b><i><u><s><em><strong><code>", "<a href=https://x.example>b.example<p>", "<table>x", "<svg><b>", "<select><p>", "&lt;b&gt;", "<h2><h3>"} {
		n := 50_000 / len(part)
		ui.Clean(part) // what is made once
		small, _ := work(strings.Repeat(part, n))
		large, out := work(strings.Repeat(part, 2*n))
		if large > 3*small {
			t.Errorf("%q: %d bytes for 50 KB, %d for 100 KB", part, small, large)
		}
		if out > 100*2*n*len(part) {
			t.Errorf("100 KB of %q became %d bytes", part, out)
		}
	}
}

func TestMarkdown(t *testing.T) {
	const rel = ` rel="nofollow noopener noreferrer"`
	for _, tt := range []struct{ name, in, want string }{
		{"lines stay lines", "one\ntwo\n\nthree", "<p>one<br/>\ntwo</p>\n<p>three</p>"},
		{"emphasis", "**a** *b* ~~c~~ `d`", "<p><strong>a</strong> <em>b</em> <del>c</del> <code>d</code></p>"},
		{"headings start below the page's", "# A\n\n###### B", "<h2>A</h2>\n<h4>B</h4>"},
		{"bare address", "see https://x.example/a", `<p>see <a href="https://x.example/a"` + rel + `>https://x.example/a</a></p>`},
		{"HTML is shown, not used", "a <b>x</b> & <script>alert(1)</script>", "<p>a &lt;b&gt;x&lt;/b&gt; &amp; &lt;script&gt;alert(1)&lt;/script&gt;</p>"},
		{"block of HTML", "<div onclick=x>\nhello\n</div>", "<pre>&lt;div onclick=x&gt;\nhello\n&lt;/div&gt;</pre>"},
		{"picture", "![A map](https://x.example/m.png)", `<p><a href="https://x.example/m.png"` + rel + `>A map</a></p>`},
		{"bad link", "[a](javascript:alert(1))", "<p>a</p>"},
		{"list", "- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"},
		{"nothing", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ui.Markdown(tt.in)
			if got != tt.want {
				t.Errorf("Markdown(%q)\n got %q\nwant %q", tt.in, got, tt.want)
			}
			wantHarmless(t, tt.in, ui.Clean(got))
		})
	}
}

// What comes out is harmless and a fixed point, whatever goes in (HTML-6).
func FuzzClean(f *testing.F) {
	for _, s := range []string{
		"<p>one<br>two", `<a href="https://evil.example">bank.example</a>`, "<b><p><i></b>x", "<pre>\n\nx</pre>", "<svg><style><img src=x onerror=alert(1)>",
		"<h2><b><h3>x</b>", "&lt;script&gt;", "<a href=' javascript:x'>", "<math><mtext><table><mglyph><style><!--</style>", "\x00<p \r\n>\u202e", "<li><p><ul><a><p><a>",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := ui.Clean(s)
		wantHarmless(t, s, out)
		if len(out) > 100*len(s)+1000 {
			t.Errorf("%d bytes became %d", len(s), len(out))
		}
	})
}
