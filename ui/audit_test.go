package ui

import (
	"strings"
	"testing"

	"github.com/coopnode/coopnode/node"
)

// Whatever the log can tell of is told in words.
func TestAuditWords(t *testing.T) {
	for _, action := range node.AuditActions() {
		if words := actionName(t.Context(), action); strings.EqualFold(words, action) {
			t.Errorf("what the log calls %s has no words", action)
		}
	}
}
