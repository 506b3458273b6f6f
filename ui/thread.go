package ui

import (
	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// A thread is what was answered to an object, each answer beneath the one it answers.
type thread struct {
	Answers []*answer
	Count   int    // all public answers known, on this page or not
	First   string // address of the first page, "" on it
	More    string // address of the next page, "" at the end
}

// An answer is a post in a thread with the answers to it.
type answer struct {
	*entry
	To      *person // whom it answers, where that cannot be seen from where it stands
	Answers []*answer

	depth int
}

// maxDepth is how deep answers are set in; deeper ones stand below each other, or a phone would have no room.
const maxDepth = 4

// threadLength is how many answers stand on one page.
const threadLength = 100

// thread reads the public answers to b. Where b itself answers something, they are a part of the
// conversation at whose root that stands.
func (u *ui) thread(c echo.Context, v *visit, b *node.Base) (*thread, error) {
	ctx := c.Request().Context()
	root := b.Thread
	if root == "" {
		root = b.IRI
	}
	q := node.ObjectQuery{Type: node.TypePost, Thread: root, Listed: true, Limit: threadLength}
	count, err := u.node.Count(ctx, q)
	if err != nil {
		return nil, err
	}
	if q.Before, err = cursor(c); err != nil {
		return nil, err
	}
	objects, next, err := u.node.Objects(ctx, q)
	if err != nil {
		return nil, err
	}
	list, err := v.entries(ctx, objects)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		e.Sub = true
	}
	t := &thread{Count: count, First: v.first(), More: v.older(next)}
	if root == b.IRI {
		t.Answers = nest(list, b.IRI, true)
	} else {
		t.Answers = nest(list, b.IRI, false)
		t.Count = countAnswers(t.Answers)
	}
	return t, nil
}

// nest puts each answer beneath the one it answers; the list is oldest first. One whose parent is not in
// the list answers the top if strays are wanted, and is left out if not. What claims to be older
// than its parent is a stray too, so that no circle can close.
func nest(list []*entry, top string, strays bool) []*answer {
	root := &answer{}
	seen := map[string]*answer{top: root}
	for _, e := range list {
		if e.Base.IRI == top {
			continue
		}
		parent := seen[e.Base.InReplyTo]
		if parent == nil {
			if !strays {
				continue
			}
			parent = root
		}
		a := &answer{entry: e, depth: parent.depth + 1}
		if a.depth > maxDepth {
			a.To = &parent.By
		}
		parent.Answers = append(parent.Answers, a)
		seen[e.Base.IRI] = a
	}
	return root.Answers
}

func countAnswers(list []*answer) int {
	n := len(list)
	for _, a := range list {
		n += countAnswers(a.Answers)
	}
	return n
}
