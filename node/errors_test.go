package node_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/coopnode/coopnode/node"
)

func TestErrorsTellWhatToWhomAndWhy(t *testing.T) {
	t.Parallel()
	whole := &node.Error{Op: "publish opening", Kind: node.Unavailable, Subject: base + "/x", Text: "The disk is full.", Err: io.ErrShortWrite}
	equal(t, "for the log", whole.Error(), "publish opening https://mill.example/x: The disk is full.: short write")
	equal(t, "the least", (&node.Error{Op: "read actor"}).Error(), "read actor")
	wrapped := fmt.Errorf("read outbox: %w", whole)
	equal(t, "kind, text, cause", []any{node.KindOf(wrapped), node.TextOf(wrapped), errors.Is(wrapped, io.ErrShortWrite)}, []any{node.Unavailable, "The disk is full.", true})

	inner := &node.Error{Op: "open", Kind: node.Damaged, Err: &node.Error{Op: "check", Kind: node.NotFound, Text: "Page 7 is broken."}}
	equal(t, "the outer kind, the first text", []any{node.KindOf(inner), node.TextOf(inner)}, []any{node.Damaged, "Page 7 is broken."})

	for _, tt := range []struct {
		name     string
		err      error
		kind     node.Kind
		text     string
		notFound bool
	}{
		{"none", nil, node.Internal, "", false},
		{"not ours", io.EOF, node.Internal, "", false},
		{"ours without a text", &node.Error{Kind: node.NotFound, Err: io.EOF}, node.NotFound, "", true},
		{"ours wrapped", fmt.Errorf("x: %w", &node.Error{Kind: node.NotFound, Text: "No."}), node.NotFound, "No.", true},
	} {
		equal(t, tt.name, []any{node.KindOf(tt.err), node.TextOf(tt.err), node.IsNotFound(tt.err)}, []any{tt.kind, tt.text, tt.notFound})
	}
}
