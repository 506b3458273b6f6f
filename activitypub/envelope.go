package activitypub

import (
	"fmt"
	"net/url"
	"time"

	"github.com/go-fed/activity/streams"
	"github.com/go-fed/activity/streams/vocab"

	"github.com/coopnode/coopnode/node"
)

// This file makes the parts that all our documents share, out of the types of streams. Terms that
// streams does not know go beside them, as unknown properties.

// envelope is what every type of streams that we send can hold.
type envelope interface {
	vocab.Type
	GetUnknownProperties() map[string]any
	SetJSONLDId(vocab.JSONLDIdProperty)
	SetActivityStreamsTo(vocab.ActivityStreamsToProperty)
	SetActivityStreamsCc(vocab.ActivityStreamsCcProperty)
	SetActivityStreamsPublished(vocab.ActivityStreamsPublishedProperty)
	SetActivityStreamsUpdated(vocab.ActivityStreamsUpdatedProperty)
}

// activity is what every activity of streams that we send can hold besides.
type activity interface {
	envelope
	SetActivityStreamsActor(vocab.ActivityStreamsActorProperty)
	SetActivityStreamsObject(vocab.ActivityStreamsObjectProperty)
	SetActivityStreamsTarget(vocab.ActivityStreamsTargetProperty)
	SetActivityStreamsContent(vocab.ActivityStreamsContentProperty)
}

func iri(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", s, err)
	}
	return u, nil
}

// setAddress sets id and audience.
func setAddress(e envelope, id string, to, cc []string) error {
	u, err := iri(id)
	if err != nil {
		return err
	}
	p := streams.NewJSONLDIdProperty()
	p.Set(u)
	e.SetJSONLDId(p)
	if len(to) > 0 {
		list := streams.NewActivityStreamsToProperty()
		for _, s := range to {
			if u, err = iri(s); err != nil {
				return err
			}
			list.AppendIRI(u)
		}
		e.SetActivityStreamsTo(list)
	}
	if len(cc) > 0 {
		list := streams.NewActivityStreamsCcProperty()
		for _, s := range cc {
			if u, err = iri(s); err != nil {
				return err
			}
			list.AppendIRI(u)
		}
		e.SetActivityStreamsCc(list)
	}
	return nil
}

// times sets when something was published and changed, in whole seconds of UTC.
func times(e envelope, published, updated time.Time) {
	if !published.IsZero() {
		p := streams.NewActivityStreamsPublishedProperty()
		p.Set(published.UTC())
		e.SetActivityStreamsPublished(p)
	}
	if !updated.IsZero() {
		p := streams.NewActivityStreamsUpdatedProperty()
		p.Set(updated.UTC())
		e.SetActivityStreamsUpdated(p)
	}
}

// newNote begins the document of an object of ours: openings, projects and posts are all Notes,
// for that is what every server shows in full (interop.md 3.2).
func newNote(l node.Links, o node.Object) (vocab.ActivityStreamsNote, map[string]any, error) {
	b := o.Common()
	n := streams.NewActivityStreamsNote()
	to, cc := l.Audience(o)
	if err := setAddress(n, b.IRI, to, cc); err != nil {
		return nil, nil, err
	}
	owner, err := iri(b.Actor)
	if err != nil {
		return nil, nil, err
	}
	by := streams.NewActivityStreamsAttributedToProperty()
	by.AppendIRI(owner)
	n.SetActivityStreamsAttributedTo(by)
	page, err := iri(b.URL)
	if err != nil {
		return nil, nil, err
	}
	link := streams.NewActivityStreamsUrlProperty()
	link.AppendIRI(page)
	n.SetActivityStreamsUrl(link)
	// Full seconds: `updated` only where there was a change, so that nobody shows a fresh post as edited.
	updated := b.Updated
	if !updated.After(b.Published) {
		updated = time.Time{}
	}
	times(n, b.Published, updated)
	own := n.GetUnknownProperties()
	own["sensitive"] = false
	own["replies"] = l.Replies(b.IRI)
	own["interactionPolicy"] = map[string]any{"canQuote": map[string]any{"automaticApproval": []any{node.PublicIRI}}}
	if b.InReplyTo != "" {
		own["inReplyTo"] = b.InReplyTo
	}
	if b.Project != "" {
		own["coop:project"] = b.Project
	}
	if t := b.Title(); t != "" {
		own["coop:title"] = t
	}
	if shown := attachmentsOut(b); len(shown) > 0 {
		own["attachment"] = shown
	}
	return n, own, nil
}

// setContent writes what people read, in each language: content is the main one, and equals
// its entry in contentMap byte for byte (decisions 11).
func setContent(n vocab.ActivityStreamsNote, texts []node.Text, html func(node.Text) string) {
	if len(texts) == 0 {
		return
	}
	main := html(texts[0])
	p := streams.NewActivityStreamsContentProperty()
	p.AppendXMLSchemaString(main)
	n.SetActivityStreamsContent(p)
	byLang := byLanguage(texts, html)
	if len(byLang) > 0 {
		n.GetUnknownProperties()["contentMap"] = byLang
	}
}

// hashtags are the Hashtag objects for tag, each also a link in content.
func hashtags(l node.Links, tags []string) []any {
	out := []any{}
	for _, t := range tags {
		out = append(out, map[string]any{"type": "Hashtag", "name": "#" + t, "href": l.Tag(t)})
	}
	return out
}

// tombstone is what stays at the address of a deleted object (ActivityPub 6.4).
func tombstone(o node.Object) (vocab.ActivityStreamsTombstone, error) {
	b := o.Common()
	t := streams.NewActivityStreamsTombstone()
	if err := setAddress(t, b.IRI, nil, nil); err != nil {
		return nil, err
	}
	times(t, b.Published, b.Deleted)
	gone := streams.NewActivityStreamsDeletedProperty()
	gone.Set(b.Deleted.UTC())
	t.SetActivityStreamsDeleted(gone)
	return t, setFormerType(t, "Note")
}

// setFormerType says what a Tombstone was. The ActivityStreams context makes an address of it, so the bare name, as
// its own examples have it, is lost to all who read JSON-LD.
func setFormerType(t vocab.ActivityStreamsTombstone, name string) error {
	u, err := iri(contextAS + "#" + name)
	if err != nil {
		return err
	}
	former := streams.NewActivityStreamsFormerTypeProperty()
	former.AppendIRI(u)
	t.SetActivityStreamsFormerType(former)
	return nil
}

// write turns a typed value into the bytes that travel.
func write(t vocab.Type) ([]byte, error) {
	doc, err := t.Serialize()
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", t.GetTypeName(), err)
	}
	return finish(doc)
}
