package activitypub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"

	"github.com/go-fed/activity/streams"
	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// The door. A letter is taken in when it is small enough, readable, signed by the actor that it
// names, fresh and unchanged; then its exact bytes are committed and the answer is 202. What it
// means is decided at the desk (incoming.go). The order of the steps is that of go-fed's actor,
// of which doorman fills in each.

// maxLetterBytes bounds a letter (security.md 4, LIM).
const maxLetterBytes = 1 << 20

// letter is what the door learns of a request before the library sees it.
type letter struct {
	body      []byte
	doc       map[string]any
	actor     string
	signature *Signature
	signer    *provenKey
	failed    error // what one of our steps said, as distinct from the library
}

type letterKey struct{}

// postInbox handles POST at both inboxes.
func (w *Wire) postInbox(c echo.Context) error {
	l, err := w.takeLetter(c.Request())
	w.meter.Received(countedVerb(l), countedEnd(err))
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusAccepted)
}

// takeLetter takes a letter in. What could be read of one that is not taken comes with the error.
func (w *Wire) takeLetter(r *http.Request) (*letter, error) {
	l, err := w.readLetter(r)
	if err != nil {
		return l, err
	}
	if err := w.admit(r.Context(), l.actor, l.signature.KeyID); err != nil {
		return l, err
	}
	if w.strange(r.Context(), l) {
		return l, nil
	}
	ctx := context.WithValue(r.Context(), letterKey{}, l)
	if !node.Wants(verbNamed(l.doc)) { // taken and forgotten
		if err := w.authenticate(ctx, l); err != nil && !errors.Is(err, errOwnEnd) {
			return l, err
		}
		return l, nil
	}
	again := r.Clone(ctx)
	again.Header.Set("Content-Type", typeActivity)
	again.Body = io.NopCloser(bytes.NewReader(l.forLibrary()))
	answer := &librarysAnswer{header: http.Header{}}
	_, err = w.door().PostInbox(ctx, answer, again)
	switch {
	case errors.Is(l.failed, errOwnEnd):
	case l.failed != nil:
		return l, l.failed
	case err != nil || answer.status != http.StatusOK:
		return l, &statusError{http.StatusBadRequest, "This is not an activity that can be read."}
	}
	return l, nil
}

// forLibrary is the envelope as the library reads it.
func (l *letter) forLibrary() []byte {
	b, err := json.Marshal(envelopeOf(l.doc))
	if err != nil {
		return l.body // cannot be: it was JSON
	}
	return b
}

// envelopeOf is what streams is asked to type: what is said, by whom, of what. What a letter carries has been read
// strictly and is judged at the desk by its properties; streams would spend as much on it as all the rest
// of a letter costs, and nobody reads its typed form.
func envelopeOf(doc map[string]any) map[string]any {
	envelope := map[string]any{}
	for _, key := range []string{"@context", "id", "type", "actor"} {
		if v, ok := doc[key]; ok {
			envelope[key] = v
		}
	}
	object := IDOf(first(doc["object"]))
	if object != "" {
		envelope["object"] = object
	}
	if envelope["id"] == nil { // see structure
		envelope["id"] = object
	}
	if b, ok := besideStreams[Str(doc, "type")]; ok {
		envelope["type"] = b.as
	}
	return envelope
}

// readLetter does everything that needs no key: sizes, form, structure, and what of the signature
// can be seen without one (decisions 22).
func (w *Wire) readLetter(r *http.Request) (*letter, error) {
	if r.Header.Get("Content-Encoding") != "" {
		return nil, &statusError{http.StatusUnsupportedMediaType, "Send the letter as it is, without Content-Encoding."}
	}
	if !isActivityType(r.Header.Get("Content-Type")) {
		return nil, &statusError{http.StatusUnsupportedMediaType, "An inbox takes " + typeActivity + "."}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxLetterBytes+1))
	if err != nil {
		return nil, &statusError{http.StatusBadRequest, "The letter ended too early."}
	}
	if len(body) > maxLetterBytes {
		return nil, &statusError{http.StatusRequestEntityTooLarge, "A letter may have 1 MiB."}
	}
	sig, err := ParseSignature(r)
	if err != nil {
		return nil, w.unsigned("", err)
	}
	if err := sig.Check(r, body, w.base, w.node.Now()); err != nil {
		return nil, w.unsigned(HostOf(sig.KeyID), err)
	}
	doc, err := ReadJSON(body)
	if err != nil {
		return nil, &statusError{http.StatusBadRequest, "The letter is not the JSON that an inbox reads: " + err.Error()}
	}
	l := &letter{body: body, doc: doc, signature: sig}
	return l, w.structure(l)
}

// structure checks that a letter has one type, one actor and an id of the actor's own origin
// (ORG-1, ORG-3).
func (w *Wire) structure(l *letter) error {
	bad := func(text string) error { return &statusError{http.StatusBadRequest, text} }
	if Str(l.doc, "type") == "" {
		return bad("An activity has one type, as a string.")
	}
	switch l.doc["actor"].(type) {
	case string, map[string]any:
		l.actor = IDOf(l.doc["actor"])
	}
	if normal, err := w.rules.NormalID(l.actor); err != nil || normal != l.actor {
		return bad("An activity has one actor, named by its address.")
	}
	id := Str(l.doc, "id")
	if id == "" && l.doc["id"] == nil && Str(l.doc, "type") == string(node.Update) {
		id = IDOf(first(l.doc["object"])) // some servers give an Update none; what it is about says enough
	}
	if id == "" {
		return bad("An activity has an id.")
	}
	if _, err := w.rules.ParseID(id); err != nil {
		return bad("The id of the activity is not an address.")
	}
	if !SameOrigin(id, l.actor) {
		return &statusError{http.StatusForbidden, "The id of the activity is not of its actor's origin."}
	}
	if len(List(l.doc["to"]))+len(List(l.doc["cc"]))+len(List(l.doc["audience"])) > maxAddressees {
		return bad("A letter names at most 1,000 addressees.")
	}
	if IDOf(first(l.doc["object"])) == "" && first(l.doc["object"]) != nil && Obj(first(l.doc["object"])) == nil {
		return bad("The object of an activity is an address or an object.")
	}
	if owner, ok := Obj(first(l.doc["object"]))["attributedTo"]; ok && !canOwn(owner) {
		return bad("The owner of an object is named by its address.")
	}
	return nil
}

// canOwn says whether an owner field holds what can be one: no number, no empty text, no name without a host (ORG-3).
// Several owners are no fault, for PeerTube names two, nor is one without an id, or none: what is said so is nobody's
// and has no effect.
func canOwn(v any) bool {
	for _, owner := range List(v) {
		switch owner := owner.(type) {
		case string:
			if !strings.Contains(owner, ":") {
				return false
			}
		case map[string]any:
		default:
			return false
		}
	}
	return true
}

// strange says that a letter is the Delete or Update of somebody whom we do not know: there is nothing of
// theirs here to change, so nothing is fetched (decisions 22, interop.md 5.4).
func (w *Wire) strange(ctx context.Context, l *letter) bool {
	t := Str(l.doc, "type")
	if t != string(node.Delete) && t != string(node.Update) || w.keys.held(ctx, l.signature.KeyID) != nil {
		return false
	}
	a, err := w.node.ActorOf(ctx, l.actor)
	return node.IsNotFound(err) || err == nil && (!a.Gone.IsZero() || a.Sample)
}

// errOwnEnd says that an actor took leave, with a key that is gone already. It is looked after by a
// task, which asks whether the actor is gone too.
var errOwnEnd = errors.New("the actor and its key are gone")

// ownEnd files that task where a letter that cannot be proved says that its actor deleted itself.
func (w *Wire) ownEnd(ctx context.Context, l *letter, err error) error {
	if status := asStatus(err); status == nil || !status.Gone() || Str(l.doc, "type") != string(node.Delete) || IDOf(first(l.doc["object"])) != l.actor {
		return w.unsigned(HostOf(l.actor), err)
	}
	now := w.node.Now()
	if err := w.node.Store().Tx(ctx, func(tx node.Tx) error {
		return tx.SaveTask(ctx, &node.Task{Kind: node.TaskDoubt, Subject: l.actor, Due: now})
	}); err != nil {
		return err
	}
	w.node.Ring()
	return errOwnEnd
}

// authenticate proves who signed, fetching the key where it is not held; a signature that does not
// hold makes us look once whether the key has changed (SIG-8, SIG-11).
func (w *Wire) authenticate(ctx context.Context, l *letter) error {
	if !SameOrigin(l.signature.KeyID, l.actor) { // keys are of their owner's origin (SIG-8), so nothing needs to be fetched
		w.noteUnsigned(HostOf(l.actor), "signer", "the key is of "+HostOf(l.signature.KeyID))
		return &statusError{http.StatusForbidden, "The signer is not the actor of the letter."}
	}
	asking := context.WithValue(ctx, proving{}, true)
	key, err := w.keys.find(asking, l.signature.KeyID)
	if notNow(err) {
		return comeAgain(l, err)
	} else if err != nil {
		return w.ownEnd(ctx, l, err)
	}
	if err := l.signature.VerifiedBy(key.public); err != nil {
		fresh, ferr := w.keys.again(asking, key)
		if notNow(ferr) {
			return comeAgain(l, ferr)
		}
		if ferr != nil || fresh == nil {
			return w.unsigned(HostOf(l.actor), err)
		}
		if err := l.signature.VerifiedBy(fresh.public); err != nil {
			return w.unsigned(HostOf(l.actor), err)
		}
		key = fresh
	}
	if key.owner != l.actor { // SIG-1: a key of one actor signs for nobody else
		w.noteUnsigned(HostOf(l.actor), "signer", "the key is that of "+key.owner)
		return &statusError{http.StatusForbidden, "The signer is not the actor of the letter."}
	}
	host := HostOf(l.actor)
	if wait := w.signers.take(host, w.node.Now()); wait > 0 { // HTTP-4
		return &tooMany{wait}
	}
	l.signer = key
	w.forms.heard(ctx, host, l.signature.Form)
	return nil
}

// notNow says that a key could not be had for a reason that passes: its home does not answer, or our own
// store does not.
func notNow(err error) bool {
	var own *ownError
	return errors.Is(err, errUnreached) || errors.As(err, &own)
}

// comeAgain asks the sender to come again: a signature that could not be checked is not a wrong one.
func comeAgain(l *letter, err error) error {
	return &node.Error{Op: "prove letter", Kind: node.Unavailable, Subject: l.actor, Text: "Your key cannot be had now. Try again later.", Err: err}
}

// unsigned is the answer to a letter that is not proved. Why is for our log alone (SSRF-8). host is whose the letter is said to
// be, "" where it does not say.
func (w *Wire) unsigned(host string, err error) error {
	w.noteUnsigned(host, countedReason(err), err.Error())
	return &statusError{http.StatusUnauthorized, "The letter is not signed, or its signature does not hold."}
}

// noteUnsigned counts a refused signature and writes it to the log, for each host and reason once a minute (LOG-2, LOG-3).
func (w *Wire) noteUnsigned(host, reason, why string) {
	w.meter.Unsigned(reason)
	if times, first := w.unproved.first(host+" "+reason, w.node.Now()); first {
		w.log.Info("signature refused", "peer", host, "reason", reason, "times", times, "err", why)
	}
}

func isActivityType(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && (t == typeActivity || t == "application/ld+json")
}

// readyLetters are those that the door has read and the desk will want: reading twice would cost as much
// as all the rest (performance.md 2). What is not here is read again from its bytes. Of the typed value
// the verb is all that is kept: the rest is a hundred times the letter, and the desk looks at doc.
type readyLetters struct {
	mu   sync.Mutex
	read map[int64]*readLetter
}

type readLetter struct {
	doc  map[string]any
	verb node.Verb
}

// Bounds of what is kept: letters, and bytes of one.
const (
	maxReady      = 1024
	maxReadyBytes = 16 << 10
)

// put keeps a letter for take. Where the desk was faster it stays here until there are too many: then all go.
func (r *readyLetters) put(seq int64, size int, l *readLetter) {
	if size > maxReadyBytes {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.read == nil {
		r.read = map[int64]*readLetter{}
	}
	if len(r.read) >= maxReady {
		clear(r.read)
	}
	r.read[seq] = l
}

// take gives the letter and forgets it; read anew from raw where it is not here.
func (r *readyLetters) take(ctx context.Context, seq int64, raw []byte) (*readLetter, error) {
	r.mu.Lock()
	l := r.read[seq]
	delete(r.read, seq)
	r.mu.Unlock()
	if l != nil {
		return l, nil
	}
	doc, err := ReadJSON(raw)
	if err != nil {
		return nil, err
	}
	typed, err := streams.ToType(ctx, envelopeOf(doc))
	if err != nil {
		return nil, err
	}
	return &readLetter{doc, verbIn(ctx, doc, typed)}, nil
}
