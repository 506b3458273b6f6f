package ui

import (
	"bytes"
	"html"
	"sync"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	markup "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Markdown makes clean HTML of what our own people write. It is CommonMark with bare addresses as
// links; a line break stays one, so a plain text looks as it was typed; headings begin below
// those of the page; HTML in it is shown, not used; a picture becomes a link to it.
func Markdown(source string) string {
	var b bytes.Buffer
	if err := markdown().Convert([]byte(source), &b); err != nil {
		return "<p>" + html.EscapeString(source) + "</p>"
	}
	return cleanWith(b.String(), relOwn)
}

var markdown = sync.OnceValue(func() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.Linkify, extension.Strikethrough),
		goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(levels2to4{}, 100))),
		goldmark.WithRendererOptions(markup.WithHardWraps(), renderer.WithNodeRenderers(util.Prioritized(plainParts{}, 100))),
	)
})

// levels2to4 moves headings to the levels that HTML-2 allows.
type levels2to4 struct{}

func (levels2to4) Transform(doc *ast.Document, _ text.Reader, _ parser.Context) {
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok {
			h.Level = min(max(h.Level, 2), 4)
		}
	}
}

// plainParts draws the parts of Markdown that pages have no place for.
type plainParts struct{}

func (plainParts) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindImage, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			w.WriteString("</a>")
			return ast.WalkContinue, nil
		}
		src := string(n.(*ast.Image).Destination)
		w.WriteString(`<a href="` + html.EscapeString(src) + `">`)
		if !n.HasChildren() {
			w.WriteString(html.EscapeString(src))
		}
		return ast.WalkContinue, nil
	})
	reg.Register(ast.KindRawHTML, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			w.WriteString(html.EscapeString(string(n.(*ast.RawHTML).Segments.Value(source))))
		}
		return ast.WalkSkipChildren, nil
	})
	reg.Register(ast.KindHTMLBlock, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		block := n.(*ast.HTMLBlock)
		raw := block.Lines().Value(source)
		if block.HasClosure() {
			raw = append(raw, block.ClosureLine.Value(source)...)
		}
		w.WriteString("<pre>" + html.EscapeString(string(raw)) + "</pre>")
		return ast.WalkContinue, nil
	})
}
