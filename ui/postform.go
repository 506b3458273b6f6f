package ui

import (
	"net/url"

	"github.com/coopnode/coopnode/node"
)

// writePost puts a post into the fields of its form.
func writePost(v url.Values, p *node.Post) {
	putTexts(v, "", "text", p.Texts)
	if v.Set("kind", "post"); p.Asks {
		v.Set("kind", "question")
	}
	v.Set("project", p.Project)
	putBase(v, &p.Base)
}

// readPost takes over what a form says. p is a new post, or one as it is kept.
func readPost(s *sheet, p *node.Post) {
	p.Texts = s.texts("", "text", p.Texts)
	if len(p.Texts) == 0 || p.Texts[0].Source == "" {
		s.wrong("text.0", "editor.text.needed")
	}
	p.Asks = s.one("kind", []string{"post", "question"}) == "question"
	p.Project = s.line("project")
	readBase(s, &p.Base)
}
