package activitypub

import (
	"github.com/go-fed/activity/streams"

	"github.com/coopnode/coopnode/node"
)

// setComplaint writes what a Flag is about, the account first and then what it published, all by their
// ids, and what is said of them (interop.md 3.6).
func setComplaint(t activity, a *node.Act) error {
	object := streams.NewActivityStreamsObjectProperty()
	for _, s := range a.Objects {
		what, err := iri(s)
		if err != nil {
			return err
		}
		object.AppendIRI(what)
	}
	t.SetActivityStreamsObject(object)
	if a.Content != "" {
		content := streams.NewActivityStreamsContentProperty()
		content.AppendXMLSchemaString(a.Content)
		t.SetActivityStreamsContent(content)
	}
	return nil
}

// complaint reads it. Some servers carry what they complain about; its id is all that is looked at.
func complaint(m map[string]any, a *node.Act) {
	a.Objects, a.Content = IDs(m["object"]), cutText(Str(m, "content"), maxComplaint)
}

// maxComplaint bounds what is read of a complaint, in characters (LIM).
const maxComplaint = 10_000
