package activitypub_test

import (
	"strings"
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// A handle is believed only where its host leads to the actor and the actor goes by it (security.md 3).
func TestHandleInBothDirections(t *testing.T) {
	n := aptest.NewNode(t, "mill")
	s := aptest.NewStranger(t, "away")
	ana := s.Person("ana")
	host := strings.TrimPrefix(s.Base, "http://")
	s.Serve("/.well-known/webfinger?resource=acct%3Abea%40"+strings.Replace(host, ":", "%3A", 1), m{
		"subject": "acct:bea@" + host,
		"links":   []any{m{"rel": "self", "type": "application/activity+json", "href": ana.ID}},
	})
	if a, err := n.Wire.Find(t.Context(), "@ana@"+host); err != nil || a.IRI != ana.ID {
		t.Errorf("by her own handle: %v, %v", a, err)
	}
	if a, err := n.Wire.Find(t.Context(), "@bea@"+host); node.KindOf(err) != node.Refused {
		t.Errorf("by a handle that is not hers: %v, %v, want it refused", a, err)
	}
}
