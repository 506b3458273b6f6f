package activitypub_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

type m = map[string]any

// The door refuses what is not proved or not readable, with the status of HTTP-2, and keeps nothing of
// it (SIG-1, SIG-3 to SIG-8, ORG-1 to ORG-3, JSON-2, LIM).
func TestDoorRefuses(t *testing.T) {
	mill := aptest.NewNode(t, "mill")
	mill.Rest() // what is taken stays where it can be counted
	away, evil := aptest.NewStranger(t, "away"), aptest.NewStranger(t, "evil")
	ana, ben, eve := away.Person("ana"), away.Person("ben"), evil.Person("eve")

	// Keys that prove nothing: eve's server says that one is ana's; one of away says that it is ben's, who
	// does not list it; one lies on another host than its owner.
	claimed := *eve
	claimed.KeyID = evil.Base + "/claimed"
	evil.Serve(claimed.KeyID, m{"id": claimed.KeyID, "owner": ana.ID, "publicKeyPem": aptest.PEM(eve.Key)})
	unlisted := *ana
	unlisted.KeyID = away.Base + "/unlisted"
	away.Serve(unlisted.KeyID, m{"id": unlisted.KeyID, "owner": ben.ID, "publicKeyPem": aptest.PEM(ana.Key)})
	twoFaced := *away.Person("two") // its key document shows another key than its actor lists
	twoFaced.KeyID = twoFaced.ID + "/key"
	away.Serve(twoFaced.ID, twoFaced.Document("two"))
	twoFaced.Key = aptest.NewKey()
	away.Serve(twoFaced.KeyID, twoFaced.Document("two")["publicKey"])
	nobody := *ana
	nobody.KeyID = away.Base + "/users/nobody#main-key"
	ownKey := *eve
	ownKey.KeyID = mill.Links.Key()
	small := away.Person("small")
	away.Serve(small.ID, aptest.With(small.Document("small"), m{"publicKey": m{"id": small.KeyID, "owner": small.ID, "publicKeyPem": weakPEM}}))
	shut := away.Person("shut") // an actor without an inbox cannot be answered
	away.Serve(shut.ID, aptest.With(shut.Document("shut"), m{"inbox": nil}))

	follow := func(p *aptest.Person, change m) m { return aptest.With(p.Do("Follow", mill.Links.Actor()), change) }
	raw := func(p *aptest.Person, with string) string {
		b, err := json.Marshal(follow(p, nil))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSuffix(string(b), "}") + with
	}
	many := make([]any, 1001)
	for i := range many {
		many[i] = fmt.Sprintf("%s/users/%d", away.Base, i)
	}
	covers := func(names ...string) func(*aptest.Letter) {
		return func(l *aptest.Letter) { l.Covers = names }
	}
	for _, tt := range []struct {
		name   string
		status int
		by     *aptest.Person
		letter any
		edit   func(*aptest.Letter)
	}{
		{"no signature", 401, ana, follow(ana, nil), aptest.In(aptest.Unsigned)},
		{"digest of another body", 401, ana, follow(ana, nil), func(l *aptest.Letter) { l.Digest = []byte("{}") }},
		{"body changed on the way", 401, ana, follow(ana, nil), func(l *aptest.Letter) {
			l.Sent = bytes.Replace(l.Body, []byte("Follow"), []byte("Delete"), 1)
		}},
		{"body changed, new form", 401, ana, follow(ana, nil), func(l *aptest.Letter) {
			l.Form, l.Sent = aptest.RFC9421, bytes.Replace(l.Body, []byte("Follow"), []byte("Delete"), 1)
		}},
		{"signed two hours ago", 401, ana, follow(ana, nil), aptest.At(time.Now().Add(-2 * time.Hour))},
		{"signed in two hours", 401, ana, follow(ana, nil), aptest.At(time.Now().Add(2 * time.Hour))},
		{"signed two hours ago, new form", 401, ana, follow(ana, nil), func(l *aptest.Letter) {
			l.Form, l.Now = aptest.RFC9421, time.Now().Add(-2*time.Hour)
		}},
		{"sent to another host", 421, ana, follow(ana, nil), func(l *aptest.Letter) { l.Host = "other.localhost" }},
		{"signed for another host", 401, ana, follow(ana, nil), func(l *aptest.Letter) {
			l.Host, l.SentTo = "other.localhost", mill.Links.Host()
		}},
		{"date not signed", 401, ana, follow(ana, nil), covers("(request-target)", "host", "digest")},
		{"digest not signed", 401, ana, follow(ana, nil), covers("(request-target)", "host", "date")},
		{"target not signed", 401, ana, follow(ana, nil), covers("host", "date", "digest")},
		{"host not signed", 401, ana, follow(ana, nil), covers("(request-target)", "date", "digest")},
		{"signed by another's key under this name", 401, ana, follow(ana, nil), func(l *aptest.Letter) { l.Key = ben.Key }},
		{"signed by a neighbour", 403, ben, follow(ana, nil), nil},
		{"signed from another server", 403, eve, follow(ana, nil), nil},
		{"actor carried, whose id is another's", 403, eve, follow(ana, m{"actor": m{"id": ana.ID, "inbox": evil.Base + "/inbox"}}), nil},
		{"key that says it is of another host's actor", 403, &claimed, follow(ana, nil), nil},
		{"key that its owner does not list", 401, &unlisted, follow(ben, nil), nil},
		{"key that its owner lists otherwise", 401, &twoFaced, follow(&twoFaced, nil), nil},
		{"key of an actor that is not there", 401, &nobody, follow(ana, nil), nil},
		{"the node's own key", 401, &ownKey, follow(ana, m{"actor": mill.Links.Actor(), "id": mill.Links.Activity("aaaaaaaaaa")}), nil},
		{"key too small", 401, small, follow(small, nil), nil},
		{"actor without an inbox", 401, shut, follow(shut, nil), nil},

		{"list of actors", 400, ana, follow(ana, m{"actor": []any{ana.ID, ben.ID}}), nil},
		{"list with one actor", 400, ana, follow(ana, m{"actor": []any{ana.ID}}), nil},
		{"no actor", 400, ana, follow(ana, m{"actor": nil}), nil},
		{"actor is a number", 400, ana, follow(ana, m{"actor": 1}), nil},
		{"actor without a host", 400, ana, follow(ana, m{"actor": "/users/ana"}), nil},
		{"actor in capitals", 400, ana, follow(ana, m{"actor": strings.Replace(ana.ID, "away", "AWAY", 1)}), nil},
		{"no id", 400, ana, follow(ana, m{"id": nil}), nil},
		{"id is a number", 400, ana, follow(ana, m{"id": 7}), nil},
		{"id is no address", 400, ana, follow(ana, m{"id": "follow-7"}), nil},
		{"id of another origin", 403, ana, follow(ana, m{"id": evil.Base + "/1"}), nil},
		{"id of our own origin", 403, ana, follow(ana, m{"id": mill.Links.Activity("aaaaaaaaaa")}), nil},
		{"no type", 400, ana, follow(ana, m{"type": nil}), nil},
		{"two types", 400, ana, follow(ana, m{"type": []any{"Follow", "Create"}}), nil},
		{"@id for id", 400, ana, follow(ana, m{"id": nil, "@id": away.Base + "/1"}), nil},
		{"object is a number", 400, ana, follow(ana, m{"object": 7}), nil},
		{"addressed to 1,001", 400, ana, follow(ana, m{"to": many}), nil},
		{"no context", 400, ana, follow(ana, m{"@context": nil}), nil},

		{"not JSON", 400, ana, "Follow me", nil},
		{"a list", 400, ana, "[]", nil},
		{"nothing", 400, ana, "", nil},
		{"two documents", 400, ana, raw(ana, "}{}"), nil},
		{"a key twice", 400, ana, raw(ana, `,"type":"Undo"}`), nil},
		{"a key twice, deep inside", 400, ana, raw(ana, `,"tag":[{"a":{"b":1,"b":2}}]}`), nil},
		{"33 levels", 400, ana, raw(ana, `,"tag":`+strings.Repeat("[", 32)+strings.Repeat("]", 32)+"}"), nil},
		{"not UTF-8", 400, ana, raw(ana, ",\"name\":\"\xff\"}"), nil},
		{"half a letter pair", 400, ana, raw(ana, `,"name":"\ud800"}`), nil},
		{"more than 1 MiB", 413, ana, raw(ana, `,"name":"`+strings.Repeat("a", 1<<20)+`"}`), nil},
		{"compressed", 415, ana, follow(ana, nil), func(l *aptest.Letter) { l.Header = m{"Content-Encoding": "gzip"} }},
		{"plain text", 415, ana, follow(ana, nil), func(l *aptest.Letter) { l.Type = "text/plain" }},
		{"plain JSON", 415, ana, follow(ana, nil), func(l *aptest.Letter) { l.Type = "application/json" }},
		{"a form", 415, ana, follow(ana, nil), func(l *aptest.Letter) { l.Type = "multipart/form-data" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, inbox := range []string{mill.Links.Inbox(), mill.Links.SharedInbox()} {
				var edits []func(*aptest.Letter)
				if tt.edit != nil {
					edits = append(edits, tt.edit)
				}
				a := tt.by.Want(tt.status, inbox, tt.letter, edits...)
				if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
					t.Errorf("Content-Type %q, want a problem (RFC 9457)", got)
				}
				// Nothing of what a remote wrote and nothing of why goes back (SSRF-8).
				for _, secret := range []string{"away.localhost", "evil.localhost", "crypto", "verification", ".go"} {
					if bytes.Contains(a.Body, []byte(secret)) {
						t.Errorf("the answer says %q: %s", secret, a.Body)
					}
				}
			}
		})
	}
	if n := evil.Count(http.MethodGet, "/"); n != 0 {
		t.Errorf("%d requests for keys that cannot be the actor's, want none", n)
	}
	status, err := mill.QueueStatus(t.Context())
	if err != nil || status.Letters != 0 {
		t.Errorf("%d letters kept, %v, want none", status.Letters, err)
	}
	if a := aptest.GetDocument(t, mill.Links.Inbox()); a.Status != http.StatusMethodNotAllowed || a.Header.Get("Allow") == "" {
		t.Errorf("GET of the inbox: %d, Allow %q, want 405 with Allow", a.Status, a.Header.Get("Allow"))
	}
}

// weakPEM is an RSA key of 1024 bits, whose private half nobody has (SIG-10).
const weakPEM = `-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCk5wxQV+1S2PW/dh76DFY7j02+
fYoabPzqfuFD4guWfCMqBLKnfio5UY48ivACO2gpZDaj9bkJp9mgV4gm0dLiHojJ
+3J2WkeMgnRCMnueh2CPisLQYuG9HcU18KijXGrqUW8p+avQRnAAaO9gO6XeasrQ
hl+3mPziyx4Z3FkOvQIDAQAB
-----END PUBLIC KEY-----`

// The door takes both forms of signature and both names of the type, at both inboxes (decisions 21).
func TestDoorTakes(t *testing.T) {
	mill, away := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "away")
	for i, tt := range []struct {
		name string
		edit func(*aptest.Letter)
	}{
		{"old form", func(l *aptest.Letter) {}},
		{"new form", aptest.In(aptest.RFC9421)},
		{"JSON-LD with profile", func(l *aptest.Letter) { l.Type = `application/ld+json; profile="` + aptest.Context + `"` }},
		{"JSON-LD without profile", func(l *aptest.Letter) { l.Type = "application/ld+json" }},
		{"with a charset", func(l *aptest.Letter) { l.Type = "application/activity+json; charset=utf-8" }},
		{"an hour late", aptest.At(time.Now().Add(-time.Hour))},
		{"an hour early", aptest.At(time.Now().Add(time.Hour))},
		{"port in the Host header as it is", func(l *aptest.Letter) { l.Host = mill.Links.Host() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := away.Person(fmt.Sprint("p", i))
			inbox := mill.Links.Inbox()
			if i%2 == 1 {
				inbox = mill.Links.SharedInbox()
			}
			a := p.Want(http.StatusAccepted, inbox, p.Do("Follow", mill.Links.Actor()), tt.edit)
			if len(a.Body) > 0 {
				t.Errorf("202 with a body: %s", a.Body)
			}
			mill.Handled()
			if got := mill.FollowerState(p.ID); got != node.Accepted {
				t.Errorf("follower is %q, want accepted", got)
			}
		})
	}
}

// An actor that embeds itself counts by its own id, whatever else it says of itself (ORG-1).
func TestActorCarriedWhole(t *testing.T) {
	mill, away := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "away")
	ana := away.Person("ana")
	follow := aptest.With(ana.Do("Follow", mill.Links.Actor()), m{"actor": m{"id": ana.ID, "type": "Person", "inbox": away.Base + "/elsewhere"}})
	ana.Want(http.StatusAccepted, mill.Links.Inbox(), follow)
	away.Letter("Accept", follow["id"].(string))
	if n := away.Count(http.MethodPost, "/elsewhere"); n != 0 {
		t.Errorf("the Accept went to the inbox that the letter named")
	}
}

// A key whose home does not answer is no wrong signature: the sender is asked to come again, and the home is
// left alone meanwhile (SIG-8).
func TestKeyHomeDown(t *testing.T) {
	mill, away := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "away")
	ana := away.Person("ana")
	away.Down()
	follow := ana.Do("Follow", mill.Links.Actor())
	for range 3 {
		if a := ana.Want(http.StatusServiceUnavailable, mill.Links.Inbox(), follow); a.Header.Get("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
	}
	if n := away.Count(http.MethodGet, "/"); n != 1 {
		t.Errorf("%d requests for a key whose home is down, want 1", n)
	}
	away.Up()
	mill.Later(15 * time.Second)
	ana.Want(http.StatusAccepted, mill.Links.Inbox(), follow)
	away.Letter("Accept", follow["id"].(string))
}

// A key that is not there is asked for once in ten minutes, however often letters name it (SIG-8).
func TestMissingKeyIsNotAskedAgain(t *testing.T) {
	mill, away := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "away")
	ana := away.Person("ana")
	away.ServeStatus(ana.ID, http.StatusNotFound, m{})
	for range 5 {
		ana.Want(http.StatusUnauthorized, mill.Links.Inbox(), ana.Do("Follow", mill.Links.Actor()))
	}
	if n := away.Count(http.MethodGet, "/"); n != 1 {
		t.Errorf("%d requests for a key that is not there, want 1", n)
	}
}

// A key that its owner has changed is noticed by one fetch; the old one is worthless then, and nobody can
// make the node ask again and again (SIG-8, SIG-11).
func TestKeyRotated(t *testing.T) {
	mill, away := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "away")
	ana := away.Person("ana")
	post := mill.Post("Hello.")
	ana.Want(http.StatusAccepted, mill.Links.Inbox(), ana.Do("Like", post.IRI))
	old := *ana
	ana.Key = aptest.NewKey()
	away.Serve(ana.ID, ana.Document("ana"))
	away.Forget()

	ana.Want(http.StatusAccepted, mill.Links.Inbox(), ana.Do("Like", post.IRI))
	if n := away.Count(http.MethodGet, "/"); n != 1 {
		t.Errorf("%d requests for the new key, want 1", n)
	}
	for range 3 {
		old.Want(http.StatusUnauthorized, mill.Links.Inbox(), ana.Do("Like", post.IRI))
	}
	if n := away.Count(http.MethodGet, "/"); n != 1 {
		t.Errorf("%d requests after letters with the old key, want still 1", n)
	}
	// An Update cannot bring a key (SIG-11).
	thief := aptest.NewKey()
	update := ana.Do("Update", aptest.With(ana.Document("ana"), m{"name": "Ana Two", "publicKey": m{"id": ana.KeyID, "owner": ana.ID, "publicKeyPem": aptest.PEM(thief)}}))
	ana.Want(http.StatusAccepted, mill.Links.Inbox(), update)
	mill.Handled()
	if a, err := mill.ActorOf(t.Context(), ana.ID); err != nil || a.Name != "Ana Two" || a.KeyPEM != aptest.PEM(ana.Key) {
		t.Errorf("after the Update: name %q, key changed %v, %v; want the new name and the old key", a.Name, a.KeyPEM != aptest.PEM(ana.Key), err)
	}
	mill.Restart() // nothing of it lives in memory alone
	ana.Want(http.StatusAccepted, mill.Links.Inbox(), ana.Do("Like", post.IRI))
}

// Delete and Update of those whom we do not know come in floods and cost nothing: 202, nothing kept,
// nothing asked (decisions 22, interop.md 5.4).
func TestFloodOfStrangersCostsNothing(t *testing.T) {
	mill, away := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "away")
	mill.Rest()
	ana := away.Person("ana")
	away.ServeStatus(ana.ID, http.StatusGone, m{})
	for range 20 {
		ana.Want(http.StatusAccepted, mill.Links.SharedInbox(), ana.Do("Delete", ana.ID))
		ana.Want(http.StatusAccepted, mill.Links.SharedInbox(), ana.Do("Update", ana.Document("ana")))
	}
	if n := len(away.Requests()); n != 0 {
		t.Errorf("%d requests made for strangers who went away, want none", n)
	}
	if s, err := mill.QueueStatus(t.Context()); err != nil || s.Letters != 0 {
		t.Errorf("%d letters kept, %v, want none", s.Letters, err)
	}
}

// An actor that takes leave with a key that we never held is asked after, if its home says by a 410 that it is gone.
// Anything else proves nothing: 401, and nobody is in doubt (security.md 3, Delete of an actor).
func TestLeaveWithAnUnknownKey(t *testing.T) {
	mill, away := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "away")
	post := mill.Post("Hello.")
	gone := func(p *aptest.Person) m { return m{"@context": aptest.Context, "id": p.ID, "type": "Tombstone"} }
	says := func(status int, doc func(*aptest.Person) m) func(*aptest.Person) {
		return func(p *aptest.Person) { away.ServeStatus(p.ID, status, doc(p)) }
	}
	none := func(*aptest.Person) m { return m{} }
	leave := func(p *aptest.Person) m { return p.Do("Delete", p.ID) }
	var left []string
	for i, tt := range []struct {
		name   string
		home   func(*aptest.Person) // what it answers
		letter func(*aptest.Person) m
		want   int
		doubt  bool
	}{
		{"404", says(http.StatusNotFound, none), leave, http.StatusUnauthorized, false},
		{"404 with a Tombstone", says(http.StatusNotFound, gone), leave, http.StatusUnauthorized, false},
		{"403", says(http.StatusForbidden, none), leave, http.StatusUnauthorized, false},
		{"500", says(http.StatusInternalServerError, none), leave, http.StatusServiceUnavailable, false},
		{"it is there, with its own key", func(*aptest.Person) {}, leave, http.StatusUnauthorized, false},
		{"410, of something else", says(http.StatusGone, none), func(p *aptest.Person) m { return p.Do("Delete", post.IRI) }, http.StatusUnauthorized, false},
		{"410, a Like", says(http.StatusGone, none), func(p *aptest.Person) m { return p.Do("Like", p.ID) }, http.StatusUnauthorized, false},
		{"410", says(http.StatusGone, none), leave, http.StatusAccepted, true},
		{"410 with a Tombstone", says(http.StatusGone, gone), leave, http.StatusAccepted, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := away.Person(fmt.Sprint("p", i))
			p.Want(http.StatusAccepted, mill.Links.Inbox(), p.Do("Like", post.IRI))
			mill.Handled()
			mill.Rest() // so that what is to be asked stays to be seen
			tt.home(p)
			letter := tt.letter(p)
			p.KeyID = p.ID + "#key-2"
			p.Want(tt.want, mill.Links.Inbox(), letter)
			if tt.doubt {
				left = append(left, p.ID)
			}
			tasks, err := mill.Store().Tasks(t.Context(), node.TaskDoubt)
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.ContainsFunc(tasks, func(task *node.Task) bool { return task.Subject == p.ID }); got != tt.doubt {
				t.Errorf("in doubt: %v, want %v", got, tt.doubt)
			}
			mill.Restart()
		})
	}
	aptest.Until(t, "those who are gone are forgotten", func() bool {
		return !slices.ContainsFunc(left, func(id string) bool { a, err := mill.ActorOf(t.Context(), id); return err != nil || a.Gone.IsZero() })
	})
}

// A new follower costs two requests, three where the key has a document of its own (decisions 24).
func TestCostOfAFollower(t *testing.T) {
	mill, away := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "away")
	whole, stubbed, apart := away.Person("whole"), away.Person("stubbed"), away.Person("apart")
	// A stub as GoToSocial serves it, and a bare key document.
	stubbed.KeyID = stubbed.ID + "/main-key"
	away.Serve(stubbed.ID, stubbed.Document("stubbed"))
	away.Serve(stubbed.KeyID, m{"@context": aptest.Context, "id": stubbed.ID, "type": "Person", "preferredUsername": "stubbed",
		"publicKey": stubbed.Document("stubbed")["publicKey"]})
	apart.KeyID = apart.ID + "/key"
	away.Serve(apart.ID, apart.Document("apart"))
	away.Serve(apart.KeyID, aptest.With(apart.Document("apart")["publicKey"].(m), m{"@context": "https://w3id.org/security/v1"}))
	for _, tt := range []struct {
		name string
		p    *aptest.Person
		want int
	}{{"key in the actor", whole, 2}, {"key in a stub", stubbed, 3}, {"key in a document of its own", apart, 3}} {
		t.Run(tt.name, func(t *testing.T) {
			away.Forget()
			follow := tt.p.Do("Follow", mill.Links.Actor())
			tt.p.Want(http.StatusAccepted, mill.Links.Inbox(), follow)
			away.Letter("Accept", follow["id"].(string))
			mill.Delivered()
			if got := len(away.Requests()); got > tt.want {
				t.Errorf("%d requests for a new follower, want at most %d", got, tt.want)
			}
			if got := mill.FollowerState(tt.p.ID); got != node.Accepted {
				t.Errorf("follower is %q, want accepted", got)
			}
		})
	}
}
