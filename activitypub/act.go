package activitypub

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/go-fed/activity/streams"
	"github.com/go-fed/activity/streams/vocab"

	"github.com/coopnode/coopnode/node"
)

// Encoder writes what this node says. It implements node.Encoder and is pure.
type Encoder struct{ links node.Links }

// NewEncoder makes the encoder of the node with these links.
func NewEncoder(l node.Links) node.Encoder { return Encoder{l} }

// EncodeActor writes the coop's actor document.
func (e Encoder) EncodeActor(a *node.Actor) ([]byte, error) {
	t, err := encodeActor(e.links, a)
	if err != nil {
		return nil, err
	}
	return write(t)
}

// EncodeObject writes the document of an object of ours, a Tombstone where it is deleted.
func (e Encoder) EncodeObject(o node.Object) ([]byte, error) {
	t, err := e.object(o)
	if err != nil {
		return nil, err
	}
	return write(t)
}

func (e Encoder) object(o node.Object) (envelope, error) {
	if !o.Common().Deleted.IsZero() {
		return tombstone(o)
	}
	switch o := o.(type) {
	case *node.Opening:
		return encodeOpening(e.links, o)
	case *node.Project:
		return encodeProject(e.links, o)
	case *node.Post:
		return encodePost(e.links, o)
	}
	return nil, fmt.Errorf("there is no document for a %T", o)
}

// EncodeAct writes an activity. An Accept, Reject or Undo carries the act that it is about, for
// others look there if they do not know its id (interop.md 3.6).
func (e Encoder) EncodeAct(a *node.Act) ([]byte, error) {
	t, err := e.act(a)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", a.Verb, err)
	}
	return write(t)
}

func (e Encoder) act(a *node.Act) (activity, error) {
	t := newActivity(a.Verb)
	if t == nil {
		return nil, fmt.Errorf("there is no activity %q", a.Verb)
	}
	if err := setAddress(t, a.IRI, a.To, a.Cc); err != nil {
		return nil, err
	}
	who, err := iri(a.Actor)
	if err != nil {
		return nil, err
	}
	actor := streams.NewActivityStreamsActorProperty()
	actor.AppendIRI(who)
	t.SetActivityStreamsActor(actor)
	object := streams.NewActivityStreamsObjectProperty()
	carried, err := e.carried(a)
	if err != nil {
		return nil, err
	}
	if carried != nil {
		err = object.AppendType(carried)
	} else if what, perr := iri(a.ObjectIRI); perr == nil {
		object.AppendIRI(what)
	} else {
		err = perr
	}
	if err != nil {
		return nil, err
	}
	t.SetActivityStreamsObject(object)
	if a.Verb == node.Flag {
		if err := setComplaint(t, a); err != nil {
			return nil, err
		}
	}
	if a.Target != "" {
		where, err := iri(a.Target)
		if err != nil {
			return nil, err
		}
		target := streams.NewActivityStreamsTargetProperty()
		target.AppendIRI(where)
		t.SetActivityStreamsTarget(target)
	}
	put(t.GetUnknownProperties(), "origin", a.Origin)
	put(t.GetUnknownProperties(), "instrument", a.Instrument)
	put(t.GetUnknownProperties(), "result", a.Result)
	if err := e.aboutMembership(t, a); err != nil {
		return nil, err
	}
	times(t, a.Published, time.Time{})
	return t, nil
}

// carried is what stands inside an activity instead of its address.
func (e Encoder) carried(a *node.Act) (vocab.Type, error) {
	switch {
	case a.Object != nil && (a.Verb == node.Create || a.Verb == node.Update || a.Verb == node.Delete):
		return e.object(a.Object)
	case a.Subject != nil && a.Verb == node.Update:
		return encodeActor(e.links, a.Subject)
	case a.Inner != nil:
		inner := *a.Inner
		if a.Verb != node.Announce { // that of an Update tells who has the new version already
			inner.Published = time.Time{}
		}
		return e.act(&inner)
	}
	return nil, nil
}

func newActivity(v node.Verb) activity {
	switch v {
	case node.Create:
		return streams.NewActivityStreamsCreate()
	case node.Update:
		return streams.NewActivityStreamsUpdate()
	case node.Delete:
		return streams.NewActivityStreamsDelete()
	case node.Follow:
		return streams.NewActivityStreamsFollow()
	case node.Accept:
		return streams.NewActivityStreamsAccept()
	case node.Reject:
		return streams.NewActivityStreamsReject()
	case node.Undo:
		return streams.NewActivityStreamsUndo()
	case node.Like:
		return streams.NewActivityStreamsLike()
	case node.Announce:
		return streams.NewActivityStreamsAnnounce()
	case node.Add:
		return streams.NewActivityStreamsAdd()
	case node.Remove:
		return streams.NewActivityStreamsRemove()
	case node.Flag:
		return streams.NewActivityStreamsFlag()
	case node.Move:
		return streams.NewActivityStreamsMove()
	case node.Join:
		return streams.NewActivityStreamsJoin()
	case node.Invite:
		return streams.NewActivityStreamsInvite()
	case node.Leave:
		return streams.NewActivityStreamsLeave()
	case node.TentativeAccept:
		return streams.NewActivityStreamsTentativeAccept()
	case node.QuoteRequest:
		return newQuoteRequest()
	}
	return nil
}

// verbOf asks streams what kind of activity a typed value is: the dispatch of everything that
// arrives. "" for one that has no effect here.
func verbOf(ctx context.Context, t vocab.Type) (verb node.Verb) {
	is := func(v node.Verb) error { verb = v; return nil }
	r, err := streams.NewTypeResolver(
		func(context.Context, vocab.ActivityStreamsCreate) error { return is(node.Create) },
		func(context.Context, vocab.ActivityStreamsUpdate) error { return is(node.Update) },
		func(context.Context, vocab.ActivityStreamsDelete) error { return is(node.Delete) },
		func(context.Context, vocab.ActivityStreamsFollow) error { return is(node.Follow) },
		func(context.Context, vocab.ActivityStreamsAccept) error { return is(node.Accept) },
		func(context.Context, vocab.ActivityStreamsReject) error { return is(node.Reject) },
		func(context.Context, vocab.ActivityStreamsUndo) error { return is(node.Undo) },
		func(context.Context, vocab.ActivityStreamsLike) error { return is(node.Like) },
		func(context.Context, vocab.ActivityStreamsAnnounce) error { return is(node.Announce) },
		func(context.Context, vocab.ActivityStreamsMove) error { return is(node.Move) },
		func(context.Context, vocab.ActivityStreamsBlock) error { return is(node.Block) },
		func(context.Context, vocab.ActivityStreamsFlag) error { return is(node.Flag) },
		func(context.Context, vocab.ActivityStreamsJoin) error { return is(node.Join) },
		func(context.Context, vocab.ActivityStreamsInvite) error { return is(node.Invite) },
		func(context.Context, vocab.ActivityStreamsLeave) error { return is(node.Leave) },
		func(context.Context, vocab.ActivityStreamsAdd) error { return is(node.Add) },
		func(context.Context, vocab.ActivityStreamsRemove) error { return is(node.Remove) },
	)
	if err != nil {
		return ""
	}
	if err := r.Resolve(ctx, t); err != nil {
		return ""
	}
	return verb
}

// decodeAct reads what a proved letter says. What it carries is taken only where its owner is the
// one who speaks (ORG-6); what else it names is an address, to be fetched by the desk.
func decodeAct(m map[string]any, verb node.Verb, rules AddressRules, now time.Time) *node.Act {
	a := &node.Act{
		IRI: Str(m, "id"), Verb: verb, Actor: IDOf(m["actor"]), ObjectIRI: IDOf(first(m["object"])),
		Target: IDOf(first(m["target"])), Origin: IDOf(first(m["origin"])), Instrument: IDOf(first(m["instrument"])),
		To: IDs(m["to"]), Cc: IDs(m["cc"]), Published: said(m, now),
	}
	if verb == node.Flag {
		complaint(m, a)
	} else if saysWhy[verb] {
		readWhy(m, a, rules, now)
	}
	carried := Obj(first(m["object"]))
	if carried == nil {
		if verb == node.Undo || verb == node.Accept || verb == node.Reject {
			a.Inner = &node.Act{IRI: a.ObjectIRI}
		}
		return a
	}
	switch verb {
	case node.Undo, node.Accept, node.Reject:
		a.Inner = &node.Act{IRI: a.ObjectIRI, Verb: verbNamed(carried), Actor: IDOf(first(carried["actor"])), ObjectIRI: IDOf(first(carried["object"]))}
	case node.Announce:
		a.ObjectIRI = announced(carried)
		if verbNamed(carried) == node.Update && a.ObjectIRI != "" {
			a.Inner = &node.Act{IRI: IDOf(carried), Verb: node.Update, Actor: IDOf(first(carried["actor"])), ObjectIRI: a.ObjectIRI, Published: said(carried, now)}
		}
	case node.Create, node.Update:
		if isVote(carried) {
			a.ObjectIRI = "" // votes are neither shown nor fetched
			return a
		}
		if anyOf(Types(carried), actorTypes) {
			if subject, err := decodeActor(carried, rules); err == nil && subject.IRI == a.Actor {
				a.Subject = subject
			}
			return a
		}
		if o := decodeObject(addressed(carried, m), rules); o != nil && o.Common().Actor == a.Actor && SameOrigin(o.Common().IRI, a.Actor) {
			a.Object = o
		}
	}
	return a
}

// addressed is an object with its audience: where it names none, that of the activity that carries it.
func addressed(object, activity map[string]any) map[string]any {
	if object["to"] != nil || object["cc"] != nil {
		return object
	}
	object = maps.Clone(object)
	object["to"], object["cc"] = activity["to"], activity["cc"]
	return object
}

// announced is the address of what an Announce with this copy in it passes on: of what a carried Create or Update is
// about, as groups announce it (interop.md 4.5), "" for other activities, for nobody shares a share. Of the copy
// nothing else is believed.
func announced(copied map[string]any) string {
	switch t, _ := first(copied["type"]).(string); {
	case t == string(node.Create) || t == string(node.Update):
		return IDOf(first(copied["object"]))
	case anyOf(Types(copied), postTypes) || isProposal(copied, Types(copied)) || t == "":
		return IDOf(copied)
	}
	return ""
}
