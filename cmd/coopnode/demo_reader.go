package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
)

// readerPort is where Lectora's server listens, if it is free.
const readerPort = 8808

// A microblog is a server as most are out there, with one person, Lectora, who follows one actor. It knows notes, boosts and
// edits, and nothing of coops. It believes a letter only under its author's signature, and a boosted note only from
// the note's own home, which it asks under a signature of its own. It runs inside the demo.
type microblog struct {
	base     activitypub.BaseURL
	person   string // the id of Lectora
	followed string // the id of whom she follows
	follow   string // the id of her Follow
	client   *activitypub.Client
	server   *http.Server
	ended    chan struct{} // closed when the server is no more

	mu       sync.Mutex
	accepted bool            // her Follow
	boosts   map[string]bool // by the id of the Announce: whether it stands
	notes    map[string]*blogNote
	refused  []string // letters that it did not believe, with the reason
}

// A blogNote is what Lectora sees of a note, and how often she has seen what happen to it.
type blogNote struct {
	text                        string
	updated                     time.Time
	boosted, changed, takenBack int
}

// openMicroblog starts the server on a free port. Lectora will follow this actor.
func openMicroblog(followed string) (*microblog, error) {
	l, port, err := listenFrom(readerPort)
	if err != nil {
		return nil, err
	}
	b := &microblog{followed: followed, ended: make(chan struct{}), boosts: map[string]bool{}, notes: map[string]*blogNote{}}
	if err := b.furnish(fmt.Sprintf("http://lectora.localhost:%d", port)); err != nil {
		l.Close()
		return nil, err
	}
	go func() {
		b.server.Serve(l)
		close(b.ended)
	}()
	return b, nil
}

// listenFrom listens on the first free port, as the nodes do.
func listenFrom(port int) (net.Listener, int, error) {
	for {
		var err error
		if port, err = freePortFrom(port); err != nil {
			return nil, 0, err
		}
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return l, port, nil
		}
		port += portStep
	}
}

// furnish draws the key and writes the documents of a server at an address.
func (b *microblog) furnish(address string) (err error) {
	if b.base, err = activitypub.ParseBaseURL(address); err != nil {
		return err
	}
	b.person, b.follow = address+"/users/lectora", address+"/follows/1"
	keyID := b.person + "#main-key"
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return fmt.Errorf("draw key: %w", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	public, err := (&node.OwnKey{ID: keyID, PKCS8: pkcs8}).Public()
	if err != nil {
		return err
	}
	b.client, err = activitypub.NewClient(activitypub.ClientOptions{
		Rules: activitypub.AddressRules{Dev: true}, UserAgent: "coopnode-demo-reader (" + address + ")",
		Sign: func(r *http.Request, body []byte, _ activitypub.Signing) (string, error) {
			if body == nil {
				return keyID, activitypub.SignGet(r, keyID, key, time.Now())
			}
			return keyID, activitypub.SignPost(r, body, keyID, key, time.Now())
		},
	})
	if err != nil {
		return err
	}
	const activity = "application/activity+json"
	mux := http.NewServeMux()
	mux.HandleFunc("GET /users/lectora", serveDocument(activity, map[string]any{
		"@context": []string{streamsContext, "https://w3id.org/security/v1"},
		"id":       b.person, "type": "Person", "preferredUsername": "lectora", "name": "Lectora",
		"inbox": address + "/inbox", "outbox": b.person + "/outbox",
		"publicKey": map[string]any{"id": keyID, "owner": b.person, "publicKeyPem": public.PEM},
	}))
	mux.HandleFunc("GET /users/lectora/outbox", serveDocument(activity, map[string]any{
		"@context": streamsContext, "id": b.person + "/outbox", "type": "OrderedCollection", "totalItems": 0, "orderedItems": []any{},
	}))
	mux.HandleFunc("GET /.well-known/webfinger", func(w http.ResponseWriter, r *http.Request) {
		subject := "acct:lectora@" + b.base.Host
		if who := r.FormValue("resource"); who != subject && who != b.person {
			http.NotFound(w, r)
			return
		}
		serveDocument("application/jrd+json", map[string]any{
			"subject": subject, "links": []any{map[string]any{"rel": "self", "type": activity, "href": b.person}},
		})(w, r)
	})
	mux.HandleFunc("POST /inbox", b.take)
	b.server = newServer(mux, slog.New(slog.DiscardHandler))
	return nil
}

const streamsContext = "https://www.w3.org/ns/activitystreams"

func serveDocument(mediaType string, doc map[string]any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		json.NewEncoder(w).Encode(doc)
	}
}

// close ends the server.
func (b *microblog) close() {
	b.server.Close()
	<-b.ended
	b.client.Close()
}

// ask sends the Follow.
func (b *microblog) ask(ctx context.Context) error {
	doc, err := b.client.GetObject(ctx, b.followed)
	if err != nil {
		return err
	}
	letter, err := json.Marshal(map[string]any{"@context": streamsContext, "id": b.follow, "type": "Follow", "actor": b.person, "object": b.followed})
	if err != nil {
		return fmt.Errorf("write Follow: %w", err)
	}
	res, err := b.client.Post(ctx, activitypub.Str(doc.Object, "inbox"), letter)
	if err == nil && !res.OK() {
		err = fmt.Errorf("the inbox of %s answers %d", b.followed, res.Status)
	}
	return err
}

// take is the inbox. A letter for which something cannot be fetched now may come again.
func (b *microblog) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, activitypub.MaxDocumentBytes))
	var letter map[string]any
	if err == nil {
		letter, err = activitypub.ReadJSON(body)
	}
	actor, what := activitypub.Str(letter, "actor"), activitypub.Str(letter, "type")
	if err == nil {
		err = b.signedBy(r, body, actor)
	}
	var boosted map[string]any
	if err == nil && what == "Announce" && actor == b.followed {
		boosted, err = b.read(r.Context(), activitypub.Str(letter, "object"))
	}
	if errors.As(err, new(*activitypub.NetworkError)) || errors.As(err, new(*activitypub.StatusError)) || r.Context().Err() != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if err != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.refused = append(b.refused, fmt.Sprintf("%s of %s: %v", what, activitypub.IDOf(letter["object"]), err))
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	b.see(letter, boosted)
	w.WriteHeader(http.StatusAccepted)
}

// signedBy says what is wrong with the signature of a letter; nil if the actor has signed it.
func (b *microblog) signedBy(r *http.Request, body []byte, actor string) error {
	sig, err := activitypub.ParseSignature(r)
	if err != nil {
		return err
	}
	doc, err := b.client.GetObject(r.Context(), actor)
	if err != nil {
		return err
	}
	key := activitypub.Obj(doc.Object["publicKey"])
	if activitypub.Str(key, "id") != sig.KeyID || activitypub.Str(key, "owner") != actor {
		return fmt.Errorf("the key %s is not that of %s", sig.KeyID, actor)
	}
	public, err := activitypub.ParsePublicKeyPEM(activitypub.Str(key, "publicKeyPem"))
	if err != nil {
		return err
	}
	return sig.Verify(r, body, b.base, public, time.Now())
}

// read fetches a note from its home, which then knows that it is read here.
func (b *microblog) read(ctx context.Context, iri string) (map[string]any, error) {
	doc, err := b.client.GetObject(ctx, iri)
	if err != nil {
		return nil, err
	}
	if author := activitypub.IDOf(doc.Object["attributedTo"]); activitypub.Str(doc.Object, "type") != "Note" || !activitypub.SameOrigin(author, iri) {
		return nil, fmt.Errorf("%s is no note of its own host", iri)
	}
	return doc.Object, nil
}

// see does what a letter says.
func (b *microblog) see(letter, boosted map[string]any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	actor, object := activitypub.Str(letter, "actor"), activitypub.IDOf(letter["object"])
	inner := activitypub.Obj(letter["object"])
	switch activitypub.Str(letter, "type") {
	case "Accept":
		b.accepted = b.accepted || actor == b.followed && object == b.follow
	case "Announce":
		id := activitypub.Str(letter, "id")
		if _, again := b.boosts[id]; again || boosted == nil {
			return
		}
		b.boosts[id] = true
		if b.notes[object] == nil {
			b.notes[object] = &blogNote{}
			b.notes[object].write(boosted)
		}
		b.notes[object].boosted++
	case "Undo":
		if n := b.notes[activitypub.IDOf(inner["object"])]; n != nil && actor == b.followed && b.boosts[object] {
			b.boosts[object] = false
			n.takenBack++
		}
	case "Update":
		n := b.notes[object]
		if n == nil || activitypub.IDOf(inner["attributedTo"]) != actor || !activitypub.SameOrigin(actor, object) {
			return
		}
		if at, ok := activitypub.Time(inner, "updated"); ok && at.After(n.updated) { // else it is no newer than what she has
			n.write(inner)
			n.changed++
		}
	}
}

func (n *blogNote) write(doc map[string]any) {
	n.text = plain(node.Text{HTML: activitypub.Str(doc, "content")})
	n.updated, _ = activitypub.Time(doc, "updated")
}

// follows says what is missing until she follows whom she asked.
func (b *microblog) follows() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.accepted {
		return fmt.Errorf("%s has not accepted Lectora", b.followed)
	}
	return nil
}

// line is the first line of what she reads of a note: status and deadline.
func (b *microblog) line(iri string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	line, _, _ := strings.Cut(b.notes[iri].text, "\n")
	return line
}

// shows says what is wrong with what she sees of a note, and with the letters that came; nil if nothing is. Its text begins
// with the status, and this is how often she has seen what happen to it.
func (b *microblog) shows(iri, status string, boosted, changed, takenBack int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.refused) > 0 {
		return lasting{fmt.Errorf("the reader does not believe a letter: %s", b.refused[0])}
	}
	n := b.notes[iri]
	switch {
	case n == nil:
		return fmt.Errorf("the reader does not see %s", iri)
	case n.boosted != boosted || n.changed != changed || n.takenBack != takenBack:
		return fmt.Errorf("the reader has seen %s boosted, changed and taken back %d, %d and %d times, not %d, %d and %d",
			iri, n.boosted, n.changed, n.takenBack, boosted, changed, takenBack)
	case !strings.HasPrefix(n.text, status):
		return fmt.Errorf("the reader reads %q of %s, which does not begin with %s", n.text, iri, status)
	}
	return nil
}
