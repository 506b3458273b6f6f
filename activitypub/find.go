package activitypub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/coopnode/coopnode/node"
)

// An Inspection is what this node learns when it looks at an address as it always does: what was asked,
// what came back, and what we understood of it.
type Inspection struct {
	Address  string          `json:"address"`
	Steps    []string        `json:"steps"` // in words
	Document json.RawMessage `json:"document,omitempty"`
	Actor    *node.Actor     `json:"actor,omitempty"`
	Object   node.Object     `json:"object,omitempty"`

	handle string // asked for; "" where an address was given
}

// Find gives the actor of an address as people write it: @handle@host, a host name, or the address
// of an actor or of its page. It is fetched from its home and proved, and kept. Errors are Invalid
// for what is no address, NotFound, Unavailable or Refused.
func (w *Wire) Find(ctx context.Context, address string) (*node.Actor, error) {
	in, err := w.Inspect(ctx, address)
	if err != nil {
		return nil, err
	}
	if in.Actor == nil {
		return nil, (&node.Error{Op: "find", Kind: node.Invalid, Subject: address}).Saying("find.noactor", "That is no coop, person or federation that can be followed. Give an address like @coop@coop.example.")
	}
	return in.Actor, nil
}

// ReachSelf asks for our own actor as others do, under its public address. An error says that something else answers
// there, or nothing. A name that leads straight to where this node listens, with no proxy between, leads home: there the
// node never knocks (SSRF-2).
func (w *Wire) ReachSelf(ctx context.Context) error {
	own := w.node.Links.Actor()
	doc, err := w.client.GetObject(ctx, own)
	if refused, ok := errors.AsType[*RefusedError](err); ok && refused.Range == ownRange {
		return nil
	}
	if err != nil {
		return asked("reach", own, err)
	}
	if id := Str(doc.Object, "id"); id != own {
		return &node.Error{Op: "reach", Kind: node.Refused, Subject: own, Text: "Another document answers there."}
	}
	return nil
}

// FindObject gives the object of an address: one that is known here, by its id, or one of ours by its page; else it is
// fetched from its home. What others say of their pages proves nothing, so those are asked for. Errors as Find.
func (w *Wire) FindObject(ctx context.Context, address string) (node.Object, error) {
	if held, err := w.node.Object(ctx, address); err == nil {
		if b := held.Common(); b.Local || b.IRI == address || b.ID == address {
			return held, nil
		}
	} else if !node.IsNotFound(err) {
		return nil, err
	}
	in, err := w.Inspect(ctx, address)
	if err != nil {
		return nil, err
	}
	if in.Object == nil {
		return nil, &node.Error{Op: "find", Kind: node.Invalid, Subject: address, Text: "That is no post, opening or project."}
	}
	b := in.Object.Common()
	b.Raw = in.Document
	if _, err := w.fetchActor(ctx, b.Actor, week); err != nil {
		return nil, asked("find", b.Actor, err)
	}
	return in.Object, nil
}

// Inspect looks at an address, fetching as the node does. Errors as Find.
func (w *Wire) Inspect(ctx context.Context, address string) (*Inspection, error) {
	in := &Inspection{Address: strings.TrimSpace(address)}
	iri, err := w.resolve(ctx, in)
	if err != nil {
		return in, err
	}
	if w.node.Links.Ours(iri) {
		in.step("%s is of this node itself", iri)
		if a, err := w.node.Profile(ctx); err == nil && a.IRI == iri {
			in.Actor, in.Document = a, a.Raw
			return in, nil
		}
		o, err := w.node.Object(ctx, iri)
		if err != nil {
			return in, err
		}
		in.Object, in.Document = o, o.Common().Raw
		return in, nil
	}
	doc, err := w.client.GetObject(ctx, iri)
	if err != nil {
		return in, asked("find", iri, err)
	}
	in.step("GET %s: %d, %s, %d bytes", doc.URL, doc.Status, doc.Type, len(doc.Bytes))
	in.Document = doc.Bytes
	iri = Str(doc.Object, "id")
	if anyOf(Types(doc.Object), actorTypes) {
		if in.Actor, err = w.fetchActor(ctx, iri, 0); err != nil {
			return in, &node.Error{Op: "find", Kind: node.Refused, Subject: iri, Text: "That actor cannot be used: " + err.Error() + "."}
		}
		if in.handle != "" && !strings.EqualFold(in.handle, in.Actor.Handle) { // checked in both directions (security.md 3)
			return in, &node.Error{Op: "find", Kind: node.Refused, Subject: in.Address, Text: "That address leads to " + in.Actor.Address() + ", which does not go by it."}
		}
		in.step("%s %s, called %q, inbox %s", in.Actor.Type, in.Actor.Address(), in.Actor.Name, in.Actor.Inbox)
		for _, alias := range in.Actor.AlsoKnownAs {
			in.step("it says that it is also %s", alias)
		}
		if in.Actor.MovedTo != "" {
			in.step("it has moved to %s", in.Actor.MovedTo)
		}
		if in.Actor.KeyPEM == "" {
			in.step("it names no key that can be used: its letters will be refused")
		}
		return in, nil
	}
	if in.Object = decodeObject(doc.Object, w.rules); in.Object == nil {
		in.step("its type %s says nothing to this node", strings.Join(Types(doc.Object), ", "))
		return in, nil
	}
	b := in.Object.Common()
	in.step("read as %s by %s, %s", b.Type, b.Actor, b.Audience)
	return in, nil
}

func (in *Inspection) step(format string, args ...any) {
	in.Steps = append(in.Steps, fmt.Sprintf(format, args...))
}

// resolve turns what a person typed into the id of an actor or object: handles and bare hosts by
// WebFinger, other addresses as they are.
func (w *Wire) resolve(ctx context.Context, in *Inspection) (string, error) {
	s := in.Address
	if strings.Contains(s, "://") {
		if _, err := w.rules.ParseID(s); err != nil {
			return "", &node.Error{Op: "find", Kind: node.Invalid, Subject: s, Text: "That address cannot be asked: " + err.Error() + "."}
		}
		return s, nil
	}
	handle, host, ok := handleAndHost(s)
	if !ok {
		return "", (&node.Error{Op: "find", Kind: node.Invalid, Subject: s}).Saying("find.address", "That is no address. Write @coop@coop.example, coop.example, or https://coop.example/.")
	}
	us, err := w.node.Profile(ctx)
	if err != nil {
		return "", err
	}
	if strings.EqualFold(host, w.node.Links.Host()) || strings.EqualFold(host, us.Host) {
		if handle != "" && !strings.EqualFold(handle, us.Handle) {
			err = &node.Error{Op: "find", Kind: node.NotFound, Subject: s, Text: "This node has one address: " + us.Address() + "."}
		}
		return w.node.Links.Actor(), err
	}
	in.handle = handle
	resource := w.resourceOf(handle, host)
	doc, err := w.finger(ctx, host, resource)
	if err != nil {
		return "", asked("find", in.Address, err)
	}
	in.step("WebFinger of %s at %s: %q", resource, host, Str(doc.Object, "subject"))
	if self := selfOf(doc.Object); self != "" {
		in.step("it names the actor %s", self)
		return self, nil
	}
	return "", (&node.Error{Op: "find", Kind: node.NotFound, Subject: in.Address}).Saying("find.nobody", "%s answers, but names no ActivityPub actor for this address.", host)
}

// handleAndHost reads @handle@host and a host alone, whose handle is "".
func handleAndHost(s string) (handle, host string, ok bool) {
	handle, host, ok = strings.Cut(strings.TrimPrefix(strings.TrimPrefix(s, "acct:"), "@"), "@")
	if !ok {
		host, handle = handle, ""
	}
	return handle, host, host != "" && !strings.ContainsAny(host, "/?# ")
}

// resourceOf is what WebFinger is asked for: an account, or of a host alone whoever lives at its front door.
func (w *Wire) resourceOf(handle, host string) string {
	if handle == "" {
		return w.base.Scheme + "://" + host + "/"
	}
	return "acct:" + handle + "@" + host
}

// finger asks a host by WebFinger (RFC 7033).
func (w *Wire) finger(ctx context.Context, host, resource string) (*Document, error) {
	at := w.base.Scheme + "://" + host + "/.well-known/webfinger?resource=" + url.QueryEscape(resource)
	return w.client.GetJSON(ctx, at, acceptJRD)
}

// acceptJRD is what WebFinger is asked for.
const acceptJRD = "application/jrd+json, application/json"

// selfOf is the actor that an answer of WebFinger names, "" for none.
func selfOf(jrd map[string]any) string {
	for _, v := range List(jrd["links"]) {
		l := Obj(v)
		t := Str(l, "type")
		if Str(l, "rel") == "self" && (t == typeActivity || strings.HasPrefix(t, "application/ld+json")) {
			return Str(l, "href")
		}
	}
	return ""
}

// asked turns trouble of a fetch into an error for the person who asked.
func asked(op, subject string, err error) error {
	e := &node.Error{Op: op, Kind: node.Refused, Subject: subject, Err: err}
	switch status, refused := asStatus(err), asRefused(err); {
	case status != nil && (status.Code == 404 || status.Code == 410):
		e.Kind = node.NotFound
		return e.Saying("find.nothing", "There is nothing at this address (%d). Is it spelled right?", status.Code)
	case status != nil && status.Code < 500:
		return e.Saying("find.refused", "The other server refuses to show it (%d).", status.Code)
	case refused != nil:
		return e.Saying("find.closed", "This node does not go to that address: %s.", refused.Error())
	case isUnreached(err):
		e.Kind = node.Unavailable
		return e.Saying("find.silent", "The other server does not answer: %s. Try again later.", err.Error())
	}
	return e.Saying("find.useless", "Its answer cannot be used: %s.", err.Error())
}
