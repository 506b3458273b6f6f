package main

import (
	"os/exec"
	"strings"
	"testing"

	tree "golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/coopnode/coopnode/activitypub/aptest"
)

// asText reads every page with the two browsers of terminals: each shows the heading, every heading below it, the facts
// and the names of the links of the main part, in the order in which they stand, without style and without script.
func (s *sample) asText(t *testing.T) {
	for _, browser := range [][]string{
		{"lynx", "-dump", "-stdin", "-force_html", "-width=500", "-assume_charset=utf-8", "-display_charset=utf-8", "-nolist"},
		{"w3m", "-dump", "-T", "text/html", "-I", "UTF-8", "-O", "UTF-8", "-cols", "500"},
	} {
		if _, err := exec.LookPath(browser[0]); err != nil {
			aptest.LeaveOut(t, "pages in "+browser[0]+", which needs Debian's package of that name: make tools")
			continue
		}
		for _, p := range s.pages {
			_, body := look(t, p.address, p.headers("en")...)
			cmd := exec.Command(browser[0], browser[1:]...)
			cmd.Stdin = strings.NewReader(body)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%s of %s: %v\n%s", browser[0], p.address, err, out)
				continue
			}
			rest := unadorned(string(out))
			for _, want := range mainTexts(t, body) {
				_, after, ok := strings.Cut(rest, want)
				if !ok {
					t.Errorf("%s of %s: %q does not come in its place; there is\n%s", browser[0], p.address, want, out)
					break
				}
				rest = after
			}
		}
	}
}

// mainTexts are what must be read of a page, in order: its headings, names of facts, facts, buttons and links.
func mainTexts(t *testing.T, body string) (texts []string) {
	t.Helper()
	doc, err := tree.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for e := range doc.Descendants() {
		if e.DataAtom == atom.Main {
			texts = append(texts, textsIn(e)...)
		}
	}
	if len(texts) == 0 {
		t.Errorf("there is nothing in the main part of a page:\n%s", body)
	}
	return texts
}

func textsIn(e *tree.Node) (texts []string) {
	for c := range e.ChildNodes() {
		if c.Data == "svg" { // a picture: the same stands in words beside it
			continue
		}
		switch c.DataAtom {
		case atom.H1, atom.H2, atom.H3, atom.Dt, atom.A, atom.Button:
			if s := unadorned(textOf(c)); s != "" {
				texts = append(texts, s)
			}
		default:
			texts = append(texts, textsIn(c)...)
		}
	}
	return texts
}

func textOf(e *tree.Node) string {
	var b strings.Builder
	for d := range e.Descendants() {
		if d.Type == tree.TextNode && !inside(d, e, "svg") {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// inside says whether d stands in an element of that name below top.
func inside(d, top *tree.Node, name string) bool {
	for p := d.Parent; p != nil && p != top; p = p.Parent {
		if p.Data == name {
			return true
		}
	}
	return false
}

// unadorned is a text without what browsers of terminals do with it: breaks, frames of buttons, lines.
func unadorned(s string) string {
	s = strings.NewReplacer("\u00ad", "", "\u200b", "", "\u2068", "", "\u2069", "", "[", " ", "]", " ", "*", " ", "_", " ").Replace(s)
	return strings.Join(strings.Fields(s), " ")
}
