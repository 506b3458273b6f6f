package activitypub

import (
	"context"

	"github.com/coopnode/coopnode/node"
)

// Bounds of what one answer makes us fetch (LIM).
const (
	parentsDepth    = 3
	parentsRequests = 10 // for posts and their authors, with redirects
)

// parents fetches the post with this address, which somebody answered who wrote to us, and what that one
// answers in turn, up to something that this node has. What is beneath is never asked for: `replies` of
// others' posts are not read.
func (w *Wire) parents(ctx context.Context, iri string) error {
	if _, err := w.node.Object(ctx, iri); !node.IsNotFound(err) {
		return err // it came by itself
	}
	ctx = withRequests(ctx, parentsRequests)
	var chain []node.Object
	for len(chain) < parentsDepth {
		o, err := w.fetchObject(ctx, iri)
		if err != nil {
			return err
		}
		chain = append(chain, o)
		if iri = o.Common().InReplyTo; iri == "" {
			return nil // a conversation of others
		}
		if _, err := w.node.Object(ctx, iri); err == nil {
			return w.node.KeepParents(ctx, chain)
		} else if !node.IsNotFound(err) {
			return err
		}
		if w.node.Links.Ours(iri) {
			return nil // something that never was
		}
	}
	return nil
}
