package aptest

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// A Microblog is a reader that knows nothing but notes: Create, Update and Delete of objects whose type is the plain string
// Note, in the way of the most used servers (interop.md 3). It believes nothing that is not signed by the
// author, and reads no property beside content, summary, name and the times.
type Microblog struct {
	*Person
	Stranger *Stranger

	mu    sync.Mutex
	posts map[string]BlogPost
	told  map[string][]string // what its people saw happen to a post, in order
	bad   []string
}

// A BlogPost is what its people see.
type BlogPost struct {
	ID     string
	Lines  []string // of text, without marks
	Lang   string   // the first of contentMap
	Folded string   // what stands before the fold, if the text is folded
	Edited bool

	updated time.Time
}

// NewMicroblog starts one, with one person.
func NewMicroblog(t testing.TB) *Microblog {
	t.Helper()
	s := NewStranger(t, "blog")
	m := &Microblog{Person: s.Person("reader"), Stranger: s, posts: map[string]BlogPost{}, told: map[string][]string{}}
	s.Answer = m.take
	return m
}

// Follow asks to follow an actor and waits for the Accept.
func (m *Microblog) Follow(actor, inbox string) {
	m.home.t.Helper()
	follow := m.Do("Follow", actor)
	m.Want(http.StatusAccepted, inbox, follow)
	m.Stranger.Letter("Accept", follow["id"].(string))
}

// Post is what its people see of a note; false where there is none.
func (m *Microblog) Post(id string) (BlogPost, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.posts[id]
	return p, ok
}

// Refused are the letters that it did not believe, with the reason.
func (m *Microblog) Refused() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.bad...)
}

// take is its inbox.
func (m *Microblog) take(r *http.Request, letter M) int {
	actor, _ := letter["actor"].(string)
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = signedBy(r, body, actor)
	}
	var boosted *BlogPost
	if err == nil && letter["type"] == "Announce" {
		boosted, err = m.fetch(letter["object"])
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.bad = append(m.bad, fmt.Sprintf("%v of %v: %v", letter["type"], ID(letter["object"]), err))
		return http.StatusUnauthorized
	}
	object, _ := letter["object"].(M)
	switch letter["type"] {
	case "Create", "Update":
		m.keep(actor, object, firstKey(body), letter["type"] == "Update")
	case "Delete":
		if id := ID(letter["object"]); strings.HasPrefix(id, origin(actor)) {
			delete(m.posts, id)
			m.tell(id, "deleted")
		}
	case "Announce":
		if _, known := m.posts[boosted.ID]; !known {
			m.posts[boosted.ID] = *boosted
		}
		m.tell(boosted.ID, "boosted")
	case "Undo":
		if id := ID(object["object"]); object["type"] == "Announce" && object["actor"] == actor {
			m.tell(id, "no longer boosted")
		}
	}
	return http.StatusAccepted
}

func (m *Microblog) keep(author string, note M, lang string, edit bool) {
	id, _ := note["id"].(string)
	content, _ := note["content"].(string)
	old, known := m.posts[id]
	if note["type"] != "Note" || note["attributedTo"] != author || !strings.HasPrefix(id, origin(author)) || known != edit {
		return
	}
	p := BlogPost{ID: id, Lines: lines(content), Lang: lang, Edited: edit}
	p.updated, _ = time.Parse(time.RFC3339, fmt.Sprint(note["updated"]))
	if edit && !p.updated.After(old.updated) {
		return // what did not grow newer is no edit
	}
	for _, fold := range []string{"summary", "name"} {
		if s, _ := note[fold].(string); s != "" {
			p.Folded = s
		}
	}
	m.posts[id] = p
	m.tell(id, "written")
}

// tell notes what its people see.
func (m *Microblog) tell(id, what string) {
	if p, ok := m.posts[id]; ok && len(p.Lines) > 0 {
		first, _, _ := strings.Cut(p.Lines[0], " ")
		what += ": " + first
	}
	m.told[id] = append(m.told[id], what)
}

// Told is what its people saw happen to a post, in order, each with the first word of its text.
func (m *Microblog) Told(id string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.told[id]...)
}

// fetch reads a note from its home, under the signature of its reader: what is boosted must be named by its id alone, for a
// copy would not be its author's word.
func (m *Microblog) fetch(object any) (*BlogPost, error) {
	id, ok := object.(string)
	if !ok {
		return nil, fmt.Errorf("a boost of %v", object)
	}
	req, err := http.NewRequest(http.MethodGet, id, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", typeActivity)
	(&Letter{KeyID: m.KeyID, Key: m.Key}).sign(req, nil)
	res, err := Client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	var note M
	if err == nil {
		err = json.Unmarshal(body, &note)
	}
	author, _ := note["attributedTo"].(string)
	content, _ := note["content"].(string)
	if err != nil || res.StatusCode != http.StatusOK || note["id"] != id || note["type"] != "Note" || !strings.HasPrefix(id, origin(author)) {
		return nil, fmt.Errorf("%s: %s, %v, a %v by %q", id, res.Status, err, note["type"], author)
	}
	p := &BlogPost{ID: id, Lines: lines(content)}
	p.updated, _ = time.Parse(time.RFC3339, fmt.Sprint(note["updated"]))
	return p, nil
}

// firstKey is the first key of the contentMap of the object in a letter, which a Go map would not keep.
func firstKey(letter []byte) string {
	var l struct {
		Object struct{ ContentMap json.RawMessage }
	}
	if json.Unmarshal(letter, &l) != nil || len(l.Object.ContentMap) == 0 {
		return ""
	}
	d := json.NewDecoder(bytes.NewReader(l.Object.ContentMap))
	d.Token() // {
	key, _ := d.Token()
	s, _ := key.(string)
	return s
}

func origin(id string) string {
	scheme, rest, _ := strings.Cut(id, "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host + "/"
}

// lines is the text of some HTML, a line for each paragraph and break.
func lines(content string) []string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(content))
	for {
		switch z.Next() {
		case html.ErrorToken:
			var out []string
			for _, l := range strings.Split(b.String(), "\n") {
				if l = strings.TrimSpace(l); l != "" {
					out = append(out, l)
				}
			}
			return out
		case html.TextToken:
			b.Write(z.Text())
		default:
			if name, _ := z.TagName(); string(name) == "p" || string(name) == "br" {
				b.WriteByte('\n')
			}
		}
	}
}

// signedBy checks a signature in the old form by the key that the actor's own document names.
func signedBy(r *http.Request, body []byte, actor string) error {
	digest := sha256.Sum256(body)
	if r.Header.Get("Digest") != "SHA-256="+base64.StdEncoding.EncodeToString(digest[:]) {
		return errors.New("the digest is not that of the body")
	}
	params := map[string]string{}
	for _, part := range strings.Split(r.Header.Get("Signature"), `",`) {
		name, value, _ := strings.Cut(part, "=")
		params[name] = strings.Trim(value, `"`)
	}
	key, err := keyOf(actor, params["keyId"])
	if err != nil {
		return err
	}
	var text []string
	for _, name := range strings.Fields(params["headers"]) {
		value := r.Header.Get(name)
		switch name {
		case "(request-target)":
			value = strings.ToLower(r.Method) + " " + r.URL.RequestURI()
		case "host":
			value = r.Host
		}
		text = append(text, name+": "+value)
	}
	for _, needed := range []string{"(request-target)", "host", "date", "digest"} {
		if !strings.Contains(" "+params["headers"]+" ", " "+needed+" ") {
			return errors.New(needed + " is not signed")
		}
	}
	value, err := base64.StdEncoding.DecodeString(params["signature"])
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(strings.Join(text, "\n")))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], value)
}

func keyOf(actor, keyID string) (*rsa.PublicKey, error) {
	req, err := http.NewRequest(http.MethodGet, actor, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", typeActivity)
	res, err := Client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var doc struct {
		ID        string
		PublicKey struct{ ID, Owner, PublicKeyPem string }
	}
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil {
		return nil, err
	}
	if doc.ID != actor || doc.PublicKey.ID != keyID || doc.PublicKey.Owner != actor {
		return nil, fmt.Errorf("%s has no key %q", actor, keyID)
	}
	block, _ := pem.Decode([]byte(doc.PublicKey.PublicKeyPem))
	if block == nil {
		return nil, fmt.Errorf("%s has no PEM key", actor)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	rsaKey, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the key of %s is a %T", actor, key)
	}
	return rsaKey, nil
}
