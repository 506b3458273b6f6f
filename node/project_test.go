package node_test

import (
	"math"
	"testing"

	"github.com/coopnode/coopnode/node"
)

func TestProjectSaysWhatIsWrongAndWhatToDo(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	for _, tt := range []struct {
		name  string
		spoil func(p *node.Project)
		says  []string
	}{
		{"no title", func(p *node.Project) { p.Texts[0].Title = " " }, []string{"A title is needed"}},
		{"status", func(p *node.Project) { p.Status = "late" }, []string{"late", "idea, seeking, active, paused, completed, cancelled"}},
		{"ends before it begins", func(p *node.Project) { p.Begins, p.Ends = noon, second }, []string{"ends before it begins", "Change one"}},
		{"hours below zero", func(p *node.Project) { p.GoalHours = -1 }, []string{"not below zero"}},
		{"hours that are no number", func(p *node.Project) { p.GoalHours = math.NaN() }, []string{"is a number"}},
		{"money", func(p *node.Project) { p.GoalMoney = &node.Money{Currency: "EUR", Min: -1, Max: 1} }, []string{"below zero"}},
		{"language of the long text", func(p *node.Project) { p.Description = []node.Text{{Lang: "gl"}, {Lang: "_"}} }, []string{"not a language"}},
		{"language of the lessons", func(p *node.Project) { p.Lessons = []node.Text{{Lang: "_"}} }, []string{"not a language"}},
		{"language", func(p *node.Project) { p.Texts[0].Lang = "_" }, []string{"not a language"}},
	} {
		p := project("A house")
		tt.spoil(p)
		wantError(t, x.Publish(t.Context(), "", p), node.Invalid, tt.says...)
		equal(t, tt.name+": kept", x.known(p.IRI), false)
	}
	p := project("A house")
	x.publish(p)
	equal(t, "status if none is said", x.object(p.IRI).(*node.Project).Status, node.Active)
}

func TestPostIsNotEmpty(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	n, err := node.New(t.Context(), x.Store(), encoders, node.Options{Now: x.Now}) // whose Markdown makes nothing of nothing
	x.must(err)
	for _, p := range []*node.Post{{Base: node.Base{Type: node.TypePost}}, post(""), post(" \n ")} {
		wantError(t, n.Publish(t.Context(), "", p), node.Invalid, "empty", "Write some text")
	}
	x.must(n.Publish(t.Context(), "", post("Bread")))
}

func TestObjectTypes(t *testing.T) {
	t.Parallel()
	for _, typ := range []node.ObjectType{node.TypePost, node.TypeOpening, node.TypeProject} {
		equal(t, "made", node.NewObject(typ).Common().Type, typ)
	}
	equal(t, "unknown", node.NewObject("guide"), nil)
}

func TestTextForTheReader(t *testing.T) {
	t.Parallel()
	b := node.Base{Texts: []node.Text{{Lang: "gl", Title: "Pan"}, {Lang: "en", Title: "Bread"}}}
	for lang, want := range map[string]string{"gl": "Pan", "en": "Bread", "es": "Pan", "": "Pan"} {
		equal(t, lang, b.TextIn(lang).Title, want)
	}
	equal(t, "main title", b.Title(), "Pan")
	equal(t, "no text", (&node.Base{}).TextIn("en"), node.Text{})
}
