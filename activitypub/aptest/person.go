package aptest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// A Person is somebody on a stranger's server, with a key.
type Person struct {
	ID    string
	KeyID string
	Key   *rsa.PrivateKey

	home *Stranger
}

// keys are drawn once for all tests of a process, since each costs more than most tests do.
var keys struct {
	sync.Mutex
	drawn []*rsa.PrivateKey
	next  int
}

const differentKeys = 12

// NewKey gives an RSA key of 2048 bits that differs from the eleven that were given before it.
func NewKey() *rsa.PrivateKey {
	keys.Lock()
	defer keys.Unlock()
	if len(keys.drawn) < differentKeys {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err) // crypto/rand does not fail
		}
		keys.drawn = append(keys.drawn, k)
		return k
	}
	k := keys.drawn[keys.next]
	keys.next = (keys.next + 1) % differentKeys
	return k
}

// PEM is the public half of a key as actor documents carry it.
func PEM(k *rsa.PrivateKey) string {
	b, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
	if err != nil {
		panic(err) // an RSA key is always written
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: b}))
}

// Person makes somebody with this handle and serves the actor document at /users/handle.
func (s *Stranger) Person(handle string) *Person {
	s.t.Helper()
	return s.PersonAt(s.Base+"/users/"+handle, handle)
}

// PersonAt makes somebody whose id is an address of the stranger's choice.
func (s *Stranger) PersonAt(id, handle string) *Person {
	s.t.Helper()
	p := &Person{ID: id, KeyID: id + "#main-key", Key: NewKey(), home: s}
	s.Serve(id, p.Document(handle))
	s.Serve("/.well-known/webfinger?resource=acct%3A"+handle+"%40"+strings.Replace(strings.TrimPrefix(s.Base, "http://"), ":", "%3A", 1), M{
		"subject": "acct:" + handle + "@" + strings.TrimPrefix(s.Base, "http://"),
		"links":   []any{M{"rel": "self", "type": typeActivity, "href": id}},
	})
	return p
}

// Document is the person's actor document.
func (p *Person) Document(handle string) M {
	path, _, query := strings.Cut(p.ID, "?")
	if query {
		path += "authors/" + handle
	}
	return M{
		"@context": []any{Context, "https://w3id.org/security/v1"},
		"id":       p.ID, "type": "Person", "preferredUsername": handle, "name": strings.ToUpper(handle[:1]) + handle[1:],
		"inbox": path + "/inbox", "outbox": path + "/outbox", "followers": path + "/followers",
		"endpoints": M{"sharedInbox": p.home.Base + "/inbox"},
		"publicKey": M{"id": p.KeyID, "owner": p.ID, "publicKeyPem": PEM(p.Key)},
	}
}

// NewID is an id for something of the person's that was not used before.
func (p *Person) NewID(kind string) string {
	return fmt.Sprintf("%s/%s/%d", p.home.Base, kind, p.home.ids.Add(1))
}

// Do is an activity of the person about an object, with a new id.
func (p *Person) Do(kind string, object any) M {
	return M{"@context": Context, "id": p.NewID(strings.ToLower(kind)), "type": kind, "actor": p.ID, "object": object}
}

// Note is a public note of the person, which the server serves from now on.
func (p *Person) Note(html string, more M) M {
	p.home.t.Helper()
	n := With(M{
		"@context": Context, "id": p.NewID("notes"), "type": "Note", "attributedTo": p.ID, "content": html,
		"published": "2026-11-20T09:00:00Z", "to": []any{Public}, "cc": []any{p.ID + "/followers"},
	}, more)
	p.home.Serve(n["id"].(string), n)
	return n
}

// Create publishes a note, addressed as the note is.
func (p *Person) Create(note M) M {
	return With(p.Do("Create", note), M{"to": note["to"], "cc": note["cc"], "published": note["published"]})
}

// Get asks for an address under the person's signature.
func (p *Person) Get(address string, headers ...string) Answer {
	p.home.t.Helper()
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		p.home.t.Fatal(err)
	}
	req.Header.Set("Accept", typeActivity)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	l := &Letter{KeyID: p.KeyID, Key: p.Key}
	l.sign(req, nil)
	return send(p.home.t, req)
}

// Post sends a letter, signed in the old form; edits change what is signed and sent.
func (p *Person) Post(inbox string, activity any, edits ...func(*Letter)) Answer {
	p.home.t.Helper()
	l := &Letter{Inbox: inbox, KeyID: p.KeyID, Key: p.Key}
	switch a := activity.(type) {
	case []byte:
		l.Body = a
	case string:
		l.Body = []byte(a)
	default:
		var err error
		if l.Body, err = json.Marshal(a); err != nil {
			p.home.t.Fatal(err)
		}
	}
	for _, edit := range edits {
		edit(l)
	}
	req, err := l.request()
	if err != nil {
		p.home.t.Fatal(err)
	}
	if l.Raw != nil {
		return sendRaw(p.home.t, req, l.Raw)
	}
	return send(p.home.t, req)
}

// Want is Post, and fails the test where the answer has another status.
func (p *Person) Want(status int, inbox string, activity any, edits ...func(*Letter)) Answer {
	p.home.t.Helper()
	a := p.Post(inbox, activity, edits...)
	if a.Status != status {
		p.home.t.Errorf("POST %s: %d, want %d\n%s\nletter: %v", inbox, a.Status, status, a.Body, activity)
	}
	return a
}
