package activitypub

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-fed/activity/pub"
	"github.com/go-fed/activity/streams/vocab"

	"github.com/coopnode/coopnode/node"
)

// door is go-fed's actor with our doorman in it.
func (w *Wire) door() pub.FederatingActor {
	return pub.NewCustomActor(doorman{w}, false, true, clock{w})
}

type clock struct{ w *Wire }

func (c clock) Now() time.Time { return c.w.node.Now() }

// doorman fills in the steps of go-fed's actor (decisions 4). Only those of an incoming letter
// are ever called; outboxes are filled by package node.
type doorman struct{ w *Wire }

var _ pub.DelegateActor = doorman{}

func letterOf(ctx context.Context) *letter {
	l, _ := ctx.Value(letterKey{}).(*letter)
	return l
}

// AuthenticatePostInbox proves the signature.
func (d doorman) AuthenticatePostInbox(ctx context.Context, _ http.ResponseWriter, _ *http.Request) (context.Context, bool, error) {
	l := letterOf(ctx)
	l.failed = d.w.authenticate(ctx, l)
	return ctx, l.failed == nil, l.failed
}

// PostInboxRequestBodyHook adds nothing.
func (doorman) PostInboxRequestBodyHook(ctx context.Context, _ *http.Request, _ pub.Activity) (context.Context, error) {
	return ctx, nil
}

// AuthorizePostInbox lets in what is proved: that the key's owner is the actor (SIG-1).
func (doorman) AuthorizePostInbox(ctx context.Context, _ http.ResponseWriter, _ pub.Activity) (bool, error) {
	l := letterOf(ctx)
	return l.signer != nil && l.signer.owner == l.actor, nil
}

// PostInbox commits the letter as it came, before it is answered (DB-1, Q-3).
func (d doorman) PostInbox(ctx context.Context, _ *url.URL, a pub.Activity) error {
	l, w := letterOf(ctx), d.w
	kept := &node.Letter{
		IRI: Str(l.doc, "id"), Actor: l.actor, Host: HostOf(l.actor), Object: IDOf(first(l.doc["object"])), Verb: string(verbNamed(l.doc)),
		Raw: l.body, Received: w.node.Now(),
	}
	if kept.IRI == "" || kept.IRI == kept.Object { // without an id of its own: the same only if every byte is
		kept.IRI = fmt.Sprintf("%s %s %x", kept.Object, kept.Verb, sha256.Sum256(l.body))
	}
	fresh := false
	err := w.node.Store().Tx(ctx, func(tx node.Tx) error {
		var err error
		fresh, err = tx.KeepLetter(ctx, kept)
		return err
	})
	if err != nil {
		l.failed = fmt.Errorf("keep letter: %w", err)
		return l.failed
	}
	if fresh {
		w.ready.put(kept.Seq, len(l.body), &readLetter{doc: l.doc, verb: verbIn(ctx, l.doc, a)})
		w.node.Ring()
	}
	return nil
}

// InboxForwarding does nothing: what others forward is refused, and we offer `replies` instead
// (interop.md 5.4).
func (doorman) InboxForwarding(context.Context, *url.URL, pub.Activity) error { return nil }

// The rest of the interface belongs to outboxes and to reading an inbox, which this node does not
// offer over HTTP.

var errNotOffered = errors.New("not offered")

// AuthenticateGetInbox refuses.
func (doorman) AuthenticateGetInbox(ctx context.Context, _ http.ResponseWriter, _ *http.Request) (context.Context, bool, error) {
	return ctx, false, errNotOffered
}

// AuthenticateGetOutbox refuses.
func (doorman) AuthenticateGetOutbox(ctx context.Context, _ http.ResponseWriter, _ *http.Request) (context.Context, bool, error) {
	return ctx, false, errNotOffered
}

// AuthenticatePostOutbox refuses.
func (doorman) AuthenticatePostOutbox(ctx context.Context, _ http.ResponseWriter, _ *http.Request) (context.Context, bool, error) {
	return ctx, false, errNotOffered
}

// PostOutboxRequestBodyHook refuses.
func (doorman) PostOutboxRequestBodyHook(ctx context.Context, _ *http.Request, _ vocab.Type) (context.Context, error) {
	return ctx, errNotOffered
}

// PostOutbox refuses.
func (doorman) PostOutbox(context.Context, pub.Activity, *url.URL, map[string]interface{}) (bool, error) {
	return false, errNotOffered
}

// AddNewIDs refuses.
func (doorman) AddNewIDs(context.Context, pub.Activity) error { return errNotOffered }

// Deliver refuses.
func (doorman) Deliver(context.Context, *url.URL, pub.Activity) error { return errNotOffered }

// WrapInCreate refuses.
func (doorman) WrapInCreate(context.Context, vocab.Type, *url.URL) (vocab.ActivityStreamsCreate, error) {
	return nil, errNotOffered
}

// GetOutbox refuses.
func (doorman) GetOutbox(context.Context, *http.Request) (vocab.ActivityStreamsOrderedCollectionPage, error) {
	return nil, errNotOffered
}

// GetInbox refuses.
func (doorman) GetInbox(context.Context, *http.Request) (vocab.ActivityStreamsOrderedCollectionPage, error) {
	return nil, errNotOffered
}

// librarysAnswer catches the status that the library writes, for ours differ: 202 for taken.
type librarysAnswer struct {
	header http.Header
	status int
}

func (a *librarysAnswer) Header() http.Header         { return a.header }
func (a *librarysAnswer) Write(b []byte) (int, error) { return len(b), nil }
func (a *librarysAnswer) WriteHeader(status int)      { a.status = status }
