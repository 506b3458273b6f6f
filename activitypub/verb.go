package activitypub

import (
	"context"

	"github.com/go-fed/activity/streams/vocab"

	"github.com/coopnode/coopnode/node"
)

// besideStreams are activities that streams does not know and this node does: as what streams reads their
// envelope, and what they are here.
var besideStreams = map[string]struct {
	as   string
	verb node.Verb
}{
	"EmojiReact":   {"Like", node.Like}, // a Like by another name (interop.md 3.6)
	"QuoteRequest": {"Offer", node.QuoteRequest},
}

// verbNamed is the verb that a document says it is, "" where it says none.
func verbNamed(m map[string]any) node.Verb {
	t, _ := first(m["type"]).(string)
	if b, ok := besideStreams[t]; ok {
		return b.verb
	}
	return node.Verb(t)
}

// verbIn is the verb of a letter whose envelope streams has typed.
func verbIn(ctx context.Context, doc map[string]any, typed vocab.Type) node.Verb {
	if b, ok := besideStreams[Str(doc, "type")]; ok {
		return b.verb
	}
	return verbOf(ctx, typed)
}
