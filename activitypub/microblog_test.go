package activitypub_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// People on a server that knows nothing but notes read everything that matters: what is looked for and until when
// in the first line, that it is filled once it is, and nothing once it is deleted (decisions 15 and 16).
func TestMicroblogSeesFilled(t *testing.T) {
	mill, blog := aptest.NewNode(t, "mill"), aptest.NewMicroblog(t)
	blog.Follow(mill.Links.Actor(), mill.Links.Inbox())
	closes := mill.Now().Add(30 * 24 * time.Hour).Truncate(time.Second)
	opening := &node.Opening{
		Base: node.Base{Type: node.TypeOpening, Texts: []node.Text{
			{Lang: "es", Title: "Auditoría de un portal", Source: "Un portal de vivienda."},
			{Lang: "en", Title: "Audit of a portal", Source: "A housing portal."},
		}},
		Closes: closes, Skills: []node.Skill{{Key: "accessibility", Name: "Accessibility audits"}}, Remote: true, TimeZones: "UTC-3/UTC+2",
		Amount: node.Quantity{Number: 240, Unit: node.Hours}, Budget: &node.Money{Currency: "EUR", Min: 9000, Max: 12000},
	}
	mill.Publish(opening)

	see := func(what string, ok func(p aptest.BlogPost, shown bool) bool) aptest.BlogPost {
		t.Helper()
		aptest.Until(t, what, func() bool { return ok(blog.Post(opening.IRI)) })
		p, _ := blog.Post(opening.IRI)
		return p
	}
	p := see("the opening arrives", func(_ aptest.BlogPost, shown bool) bool { return shown })
	if want := "ABIERTA hasta el "; !strings.HasPrefix(p.Lines[0], want) || !strings.Contains(p.Lines[0], closes.Format("2006")) {
		t.Errorf("first line %q, want the status and the deadline", p.Lines[0])
	}
	text := strings.Join(p.Lines, "\n")
	for _, fact := range []string{"Auditoría de un portal", "Un portal de vivienda.", "Accessibility audits", "UTC-3/UTC+2", "240 horas", "EUR", strings.TrimPrefix(opening.URL, "http://"), "#coopwork"} {
		if !strings.Contains(text, fact) {
			t.Errorf("the text does not say %q:\n%s", fact, text)
		}
	}
	if p.Folded != "" || p.Lang != "es" || p.Edited {
		t.Errorf("folded behind %q, language %q, edited %v; want open, es, fresh", p.Folded, p.Lang, p.Edited)
	}

	// Each status is an edit that shows, though they follow each other within a second.
	for _, tt := range []struct {
		status node.Status
		says   string
	}{{node.Paused, "EN PAUSA"}, {node.Open, "ABIERTA"}, {node.Filled, "CUBIERTA"}} {
		if _, err := mill.SetOpeningStatus(t.Context(), "test", opening.IRI, tt.status); err != nil {
			t.Fatal(err)
		}
		p = see("it is "+string(tt.status), func(p aptest.BlogPost, _ bool) bool { return strings.HasPrefix(p.Lines[0], tt.says) })
		if p.Folded != "" || !p.Edited {
			t.Errorf("%s: folded behind %q, edited %v", tt.status, p.Folded, p.Edited)
		}
	}
	if strings.Contains(strings.Join(p.Lines, " "), "Responde aquí") {
		t.Error("the text of a filled opening still says how to answer")
	}

	if err := mill.Delete(t.Context(), "test", opening.IRI); err != nil {
		t.Fatal(err)
	}
	see("it disappears", func(_ aptest.BlogPost, shown bool) bool { return !shown })
	if a := aptest.GetDocument(t, opening.IRI); a.Status != http.StatusGone {
		t.Errorf("GET of what was deleted: %d, want 410", a.Status)
	}
	mill.Delivered()
	if refused := blog.Refused(); len(refused) > 0 {
		t.Errorf("letters that it did not believe: %v", refused)
	}
}

// A deadline that passes is told by the node itself, to those who only know what the text says.
func TestMicroblogSeesDeadline(t *testing.T) {
	mill, blog := aptest.NewNode(t, "mill"), aptest.NewMicroblog(t)
	blog.Follow(mill.Links.Actor(), mill.Links.Inbox())
	opening := mill.Opening("A printer wanted")
	mill.Delivered()
	mill.Later(29 * 24 * time.Hour)
	// The blog's clock and the signatures' are those of this test; it looks at the letters alone.
	aptest.Until(t, "the opening is closed", func() bool {
		p, _ := blog.Post(opening.IRI)
		return len(p.Lines) > 0 && strings.HasPrefix(p.Lines[0], "CLOSED")
	})
}

// A project and a post of the coop are whole texts there too, and a person who only shared something hears of its
// changes (decisions 16).
func TestMicroblogReadsTheRest(t *testing.T) {
	mill, blog := aptest.NewNode(t, "mill"), aptest.NewMicroblog(t)
	reader := aptest.NewMicroblog(t)
	blog.Follow(mill.Links.Actor(), mill.Links.Inbox())
	project := &node.Project{
		Base:   node.Base{Type: node.TypeProject, Texts: []node.Text{{Lang: "en", Title: "Open map", Source: "A map of *cooperatives*."}}},
		Status: node.Seeking, GoalHours: 1200,
	}
	mill.Publish(project)
	post := mill.Post("How do you **pool** resources?")
	for _, tt := range []struct{ iri, says string }{{project.IRI, "A map of cooperatives."}, {post.IRI, "How do you pool resources?"}} {
		aptest.Until(t, tt.says+" arrives", func() bool {
			p, ok := blog.Post(tt.iri)
			return ok && p.Folded == "" && strings.Contains(strings.Join(p.Lines, "\n"), tt.says)
		})
	}
	// A reader: it announced the post, so it holds a copy, and hears of the Delete though it does not follow.
	reader.Want(http.StatusAccepted, mill.Links.Inbox(), reader.Do("Announce", post.IRI))
	mill.Handled()
	if err := mill.Delete(t.Context(), "test", post.IRI); err != nil {
		t.Fatal(err)
	}
	reader.Stranger.Letter("Delete", post.IRI)
	// So does one that fetched it under its signature, once its key is known.
	reader.Get(project.IRI)
	aptest.Until(t, "the reader is noted", func() bool {
		_, err := mill.Edit(t.Context(), "test", project.IRI, func(o node.Object) error {
			o.(*node.Project).GoalHours++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		mill.Delivered()
		return len(reader.Stranger.Letters("Update")) > 0
	})
}
