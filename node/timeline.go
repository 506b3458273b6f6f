package node

import (
	"context"
	"time"
)

// A TimelineEntry says who brought an object to this node: its author, or one who announced it.
type TimelineEntry struct {
	ObjectIRI string    `json:"object"`
	Actor     string    `json:"actor"`
	Verb      Verb      `json:"verb"` // Create or Announce
	IRI       string    `json:"iri"`  // the activity, or the object where it was read back
	At        time.Time `json:"at"`

	// Filled in by Timeline: each object once, whoever brought it.
	Object   Object   `json:"item,omitempty"`
	Author   *Actor   `json:"author,omitempty"`
	SharedBy []string `json:"sharedBy,omitempty"` // addresses of those who announced it
}

// maxSharers is how many of those who shared something are named.
const maxSharers = 20

// Sharers are the addresses of those who passed something on to us, and of those whom we follow who passed on what is ours.
func (n *Node) Sharers(ctx context.Context, object string) ([]string, error) {
	return n.store.Sharers(ctx, object, maxSharers)
}

// Timeline lists what those we follow have published or announced, newest first, each object
// once whoever brought it.
func (n *Node) Timeline(ctx context.Context, q TimelineQuery) ([]*TimelineEntry, error) {
	return n.store.Timeline(ctx, q)
}
