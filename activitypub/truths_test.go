package activitypub_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// A truth is a letter that is odd, and that real servers send: it must be taken and have its effect.
type truth struct {
	name   string
	by     *aptest.Person
	letter any
	edit   func(*aptest.Letter)
	holds  func() bool // says whether the effect is there
}

// somebody is new, on a server of their own.
func (s *scene) somebody() *aptest.Person { return s.stranger().Person("trent") }

// likes is a Like of a post of ours by somebody new; change makes both odd.
func (s *scene) likes(name string, e func(*aptest.Letter), change func(p *aptest.Person)) truth {
	p := s.somebody()
	if change != nil {
		change(p)
	}
	post := s.Post("Hello.").IRI
	return truth{name, p, p.Do("Like", post), e, func() bool { likes, _, _ := s.counts(post); return likes == 1 }}
}

// signedTruths are odd in how they are signed (interop.md 2).
func (s *scene) signedTruths() []truth {
	hash := func(b []byte) string { d := sha256.Sum256(b); return base64.StdEncoding.EncodeToString(d[:]) }
	long := func(b []byte) string { d := sha512.Sum512(b); return base64.StdEncoding.EncodeToString(d[:]) }
	digest := func(value func([]byte) string) func(*aptest.Letter) {
		return func(l *aptest.Letter) {
			v := value(l.Body)
			l.Text = replace("SHA-256="+hash(l.Body), v)
			l.Change = func(r *http.Request) { r.Header.Set("Digest", v) }
		}
	}
	created := func(with string) func(*aptest.Letter) {
		return all(covers("(request-target)", "host", "(created)", "digest"), params(`"rsa-sha256"`, fmt.Sprintf(`"hs2019",created=%d%s`, time.Now().Unix(), with)))
	}
	message := func(e ...change) func(*aptest.Letter) {
		return all(append([]change{aptest.In(aptest.RFC9421)}, e...)...)
	}
	relabel := func(r *http.Request) {
		for _, name := range []string{"Signature", "Signature-Input"} {
			r.Header.Set(name, strings.Replace(r.Header.Get(name), "sig1=", "wp=", 1))
		}
	}
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		s.Fatal(err)
	}
	sha512Truth := s.likes("SHA-512 under the name hs2019", nil, nil)
	sha512Truth.edit = all(params("rsa-sha256", "hs2019"), rsaOf(sha512Truth.by, crypto.SHA512))
	return []truth{
		s.likes("hs2019, as GoToSocial and Lemmy say", params("rsa-sha256", "hs2019"), nil),
		s.likes("no algorithm named", params(`algorithm="rsa-sha256",`, ""), nil),
		s.likes("spaces after the commas", header("Signature", func(v string) string { return strings.ReplaceAll(v, `",`, `", `) }), nil),
		s.likes("a parameter that nobody knows", header("Signature", func(v string) string { return v + `,opaque="a,b=\"c\""` }), nil),
		s.likes("parameter names in capitals", header("Signature", replace("keyId=", "KEYID=")), nil),
		s.likes("the signature in Authorization", func(l *aptest.Letter) {
			l.Change = func(r *http.Request) {
				r.Header.Set("Authorization", "Signature "+r.Header.Get("Signature"))
				r.Header.Del("Signature")
			}
		}, nil),
		s.likes("(created) for Date", created(""), nil),
		s.likes("(created) and an end", created(fmt.Sprintf(",expires=%d", time.Now().Add(time.Hour).Unix())), nil),
		s.likes("64 minutes old", aptest.At(time.Now().Add(-64*time.Minute)), nil),
		s.likes("64 minutes ahead", aptest.At(time.Now().Add(64*time.Minute)), nil),
		s.likes("Digest named in small letters", digest(func(b []byte) string { return "sha-256=" + hash(b) }), nil),
		s.likes("Digest by SHA-512", digest(func(b []byte) string { return "SHA-512=" + long(b) }), nil),
		s.likes("two Digests", digest(func(b []byte) string { return "SHA-512=" + long(b) + ", SHA-256=" + hash(b) }), nil),
		s.likes("two Digests, one of a kind that nobody knows", digest(func(b []byte) string { return "UNIXsum=30637,SHA-256=" + hash(b) }), nil),
		s.likes("headers in another order", covers("digest", "date", "host", "content-type", "(request-target)"), nil),
		s.likes("a query that is not signed, as of Fedify and Misskey", func(l *aptest.Letter) {
			l.Inbox += "?source=x"
			l.Text = replace("?source=x", "")
		}, nil),
		sha512Truth,
		s.likes("RFC 9421 as Fedify", message(), nil),
		s.likes("RFC 9421 without alg", message(params(`;alg="rsa-v1_5-sha256"`, "")), nil),
		s.likes("RFC 9421 by authority, path and query", message(covers("@method", "@authority", "@path", "@query", "content-digest")), nil),
		s.likes("RFC 9421 with more signed, as WordPress", message(covers("@method", "@target-uri", "@authority", "content-digest", "content-type"), func(l *aptest.Letter) { l.Change = relabel }), nil),
		s.likes("RFC 9421 with an end", message(params(";alg", fmt.Sprintf(";expires=%d;nonce=\"x\";tag=\"y\";alg", time.Now().Add(time.Hour).Unix()))), nil),
		s.likes("RFC 9421 beside a proxy's signature", message(func(l *aptest.Letter) {
			l.Change = func(r *http.Request) {
				r.Header.Set("Signature-Input", `proxy=("@method");created=1;keyid="x", `+r.Header.Get("Signature-Input"))
				r.Header.Set("Signature", `proxy=:AAAA:, `+r.Header.Get("Signature"))
			}
		}), nil),
		s.likes("RFC 9421 by Ed25519", message(params("rsa-v1_5-sha256", "ed25519"), func(l *aptest.Letter) {
			l.Seal = func(text string) []byte { return ed25519.Sign(private, []byte(text)) }
		}), func(p *aptest.Person) {
			doc := p.Document("trent")
			doc["publicKey"] = m{"id": p.KeyID, "owner": p.ID, "publicKeyPem": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))}
			serve(s, p, doc)
		}),
		s.likes("JSON-LD as type", func(l *aptest.Letter) { l.Type = `application/ld+json; profile="` + aptest.Context + `"` }, nil),
		s.likes("a charset", func(l *aptest.Letter) { l.Type = "application/activity+json; charset=utf-8" }, nil),
		s.likes("one of four keys", nil, func(p *aptest.Person) {
			doc := p.Document("trent")
			doc["publicKey"] = []any{m{"id": p.ID + "#old", "owner": p.ID, "publicKeyPem": aptest.PEM(s.ana.Key)}, doc["publicKey"]}
			serve(s, p, doc)
		}),
		s.likes("a key id without a fragment", nil, func(p *aptest.Person) {
			p.KeyID = p.ID
			serve(s, p, p.Document("trent"))
		}),
		s.likes("an actor served as JSON-LD", nil, func(p *aptest.Person) {
			s.home(p).Handle(p.ID, writes(`application/ld+json; charset=utf-8; profile="https://www.w3.org/ns/activitystreams"`, p.Document("trent")))
		}),
		s.likes("an actor that redirects to itself with a slash", nil, func(p *aptest.Person) {
			s.home(p).Handle(p.ID, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, p.ID+"/", http.StatusFound) })
			s.home(p).Serve(p.ID+"/", p.Document("trent"))
		}),
		s.likes("an actor of two types", nil, func(p *aptest.Person) {
			serve(s, p, aptest.With(p.Document("trent"), m{"type": []any{"Person", "vcard:Individual"}}))
		}),
	}
}

// home is the server on which somebody lives.
func (s *scene) home(p *aptest.Person) *aptest.Stranger {
	for _, x := range s.servers {
		if strings.HasPrefix(p.ID, x.Base+"/") {
			return x
		}
	}
	s.Fatalf("%s lives nowhere", p.ID)
	return nil
}

func serve(s *scene, p *aptest.Person, doc m) { s.home(p).Serve(p.ID, doc) }

// jsonNull is one in a document where nil would leave the property out.
var jsonNull = json.RawMessage("null")

// writtenTruths are notes of fay's, whom we follow, that are odd in form (interop.md 3).
func (s *scene) writtenTruths() []truth {
	fay := s.fay
	wrote := func(name string, change m, holds func(b *node.Base) bool) truth {
		n := aptest.With(fay.Note("<p>Hello.</p>", nil), change)
		return truth{name, fay, fay.Create(n), nil, func() bool {
			o := s.Known(n["id"].(string))
			return o != nil && (holds == nil || holds(o.Common()))
		}}
	}
	audience := func(want node.Audience) func(*node.Base) bool {
		return func(b *node.Base) bool { return b.Audience == want }
	}
	says := func(want string) func(*node.Base) bool {
		return func(b *node.Base) bool { return strings.Contains(b.TextIn("").HTML, want) }
	}
	now := func(b *node.Base) bool { d := time.Since(b.Published); return d > -time.Hour && d < time.Hour }
	same := fay.Create(fay.Note("<p>One id for both.</p>", nil))
	same["id"] = same["object"].(m)["id"]
	oneOf := wrote("object as a list of one", nil, nil)
	oneOf.letter = aptest.With(oneOf.letter.(m), m{"object": []any{oneOf.letter.(m)["object"]}})
	spaced := wrote("white space around the letter", nil, nil)
	spaced.letter = " \r\n\t" + string(marshal(spaced.letter)) + "\n\n"
	escaped := wrote("keys with escapes in them", nil, nil)
	escaped.letter = strings.Replace(string(marshal(escaped.letter)), `"type":"Create"`, `"\u0074ype":"\u0043reate"`, 1)
	whole := wrote("actor carried whole", nil, nil)
	whole.letter = aptest.With(whole.letter.(m), m{"actor": fay.Document("fay")})
	old := wrote("the context by its old name", nil, nil)
	old.letter = aptest.With(old.letter.(m), m{"@context": "http://www.w3.org/ns/activitystreams#"})
	byID := fay.Note("<p>By its address.</p>", nil)
	unknown := aptest.With(fay.Note("<p>Edited before it came.</p>", nil), m{"updated": "2026-11-20T10:00:00Z"})
	return []truth{
		wrote("to as:Public", m{"to": []any{"as:Public"}}, audience(node.Public)),
		wrote("to Public", m{"to": "Public", "cc": nil}, audience(node.Public)),
		wrote("to as one text", m{"to": aptest.Public, "cc": fay.ID + "/followers"}, audience(node.Public)),
		wrote("the public in cc", m{"to": fay.ID + "/followers", "cc": "as:Public"}, audience(node.Unlisted)),
		wrote("followers only", m{"to": []any{fay.ID + "/followers"}, "cc": []any{}}, audience(node.Followers)),
		wrote("contentMap alone", m{"content": nil, "contentMap": m{"gl": "<p>Ola.</p>"}}, says("Ola.")),
		wrote("content that is null beside contentMap", m{"content": jsonNull, "contentMap": m{"gl": "<p>Ola.</p>"}}, says("Ola.")),
		wrote("two types", m{"type": []any{"Note", "ext:Thing"}}, nil),
		wrote("one type in a list", m{"type": []any{"Note"}}, nil),
		wrote("the author carried", m{"attributedTo": m{"id": fay.ID, "type": "Person"}}, nil),
		wrote("two authors, as PeerTube names channel and account", m{"attributedTo": []any{m{"type": "Person", "id": fay.ID}, m{"type": "Group", "id": fay.ID + "s"}}}, nil),
		wrote("one tag without a list", m{"tag": m{"type": "Hashtag", "name": "#coops"}}, func(b *node.Base) bool { return len(b.Tags) == 1 }),
		wrote("tags that are null, text and unknown", m{"tag": []any{nil, "x", 7, m{"type": "Emoji"}, m{"type": "Hashtag", "name": "#coops"}}}, func(b *node.Base) bool { return len(b.Tags) == 1 }),
		wrote("nothing but null", m{"summary": jsonNull, "inReplyTo": jsonNull, "attachment": jsonNull, "tag": jsonNull, "replies": jsonNull, "url": jsonNull, "updated": jsonNull}, nil),
		wrote("a page on another host, as Threads and bridges have", m{"url": "https://www.threads.example/@x/post/1"}, func(b *node.Base) bool { return b.URL == "https://www.threads.example/@x/post/1" }),
		wrote("pages in a list", m{"url": []any{m{"type": "Link", "mediaType": "video/mp4", "href": "https://x.example/v"}, m{"type": "Link", "mediaType": "text/html", "href": "https://x.example/p"}}},
			func(b *node.Base) bool { return b.URL == "https://x.example/p" }),
		wrote("a date with microseconds", m{"published": "2026-11-20T09:00:00.123456Z"}, func(b *node.Base) bool { return b.Published.Year() == 2026 }),
		wrote("a date in another zone", m{"published": "2026-11-20T09:00:00+05:30"}, func(b *node.Base) bool { return b.Published.UTC().Hour() == 3 }),
		wrote("JSON-5 no date", m{"published": nil}, now),
		wrote("JSON-5 a date that is none", m{"published": "yesterday"}, now),
		wrote("JSON-5 a date before 1970", m{"published": "1901-01-01T00:00:00Z"}, now),
		wrote("JSON-5 a date in the year 9999", m{"published": "9999-12-31T23:59:59Z"}, now),
		wrote("JSON-4 properties that nobody knows", m{"_misskey_quote": "x", "litepub:x": m{"y": []any{1, 2.5e3, true}}, "": "", "é": "é"}, nil),
		wrote("LIM 31 levels", m{"x": nest(28)}, nil),
		wrote("LIM a long text, cut", m{"content": "<p>" + strings.Repeat("word ", 20<<10) + "</p>"}, func(b *node.Base) bool {
			n := len(b.TextIn("").HTML)
			return n > 60<<10 && n <= 70<<10
		}),
		wrote("LIM 200 tags, of which 100 count", m{"tag": tags(200)}, func(b *node.Base) bool { return len(b.Tags) == 100 }),
		wrote("HTTP-7 blind copies, which are not kept", m{"bto": []any{s.ana.ID}, "bcc": s.ana.ID}, func(b *node.Base) bool { return len(b.To) == 0 }),
		wrote("an Article with a name", m{"type": "Article", "name": "Ten years"}, func(b *node.Base) bool { return b.Title() == "Ten years" }),
		wrote("a Page without content", m{"type": "Page", "name": "Ten years", "content": nil}, func(b *node.Base) bool { return b.Title() == "Ten years" }),
		wrote("an Event", m{"type": "Event", "name": "Assembly", "startTime": "2026-12-01T18:00:00Z"}, nil),
		{"one id for act and object, as of Pixelfed", fay, same, nil, func() bool { return s.text(same["id"].(string)) == "<p>One id for both.</p>" }},
		{"a Create by address, fetched from its home", fay, aptest.With(fay.Create(byID), m{"object": byID["id"]}), nil, func() bool { return s.text(byID["id"].(string)) == "<p>By its address.</p>" }},
		{"an Update of what never came", fay, fay.Do("Update", unknown), nil, func() bool { return s.Known(unknown["id"].(string)) != nil }},
		oneOf, spaced, escaped, whole, old,
	}
}

func nest(levels int) any {
	var v any = "deep"
	for range levels {
		v = []any{v}
	}
	return v
}

func tags(n int) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = m{"type": "Hashtag", "name": fmt.Sprint("#t", i)}
	}
	return out
}

// saidTruths are acts in odd forms (interop.md 3.4, 3.6).
func (s *scene) saidTruths() []truth {
	us := s.Links.Actor()
	follows := func(name string, p *aptest.Person, change m) truth {
		return truth{name, p, aptest.With(p.Do("Follow", us), change), nil, func() bool { return s.FollowerState(p.ID) == node.Accepted }}
	}
	leaves := func(name string, undo func(p *aptest.Person, follow m) any) truth {
		p := s.somebody()
		follow := p.Do("Follow", us)
		s.send(p, follow)
		return truth{name, p, p.Do("Undo", undo(p, follow)), nil, func() bool { return s.FollowerState(p.ID) == "" }}
	}
	x := s.stranger()
	queried := x.PersonAt(x.Base+"/?author=3", "queried")
	did := x.PersonAt(x.Base+"/.well-known/apgateway/did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQXJZt4b2gXXXX/actor", "did")
	reacts := func(name string, change m) truth {
		t := s.likes(name, nil, nil)
		t.letter = aptest.With(t.letter.(m), change)
		return t
	}
	shares := func(name string, object func(zoe m) any) truth {
		p := s.stranger().Person("zoe")
		n := p.Note("<p>From home.</p>", nil)
		return truth{name, s.fay, s.fay.Do("Announce", object(n)), nil, func() bool { return s.text(n["id"].(string)) == "<p>From home.</p>" }}
	}
	moved := s.stranger().Person("zoe")
	canonical := moved.Note("<p>At its own address.</p>", nil)
	s.home(moved).Serve("/alias", canonical)
	replied := func(name string, to string, change m) truth {
		p := s.somebody()
		n := aptest.With(reply(p, to, "<p>I can.</p>"), change)
		return truth{name, p, p.Create(n), nil, func() bool {
			o := s.Known(n["id"].(string))
			return o != nil && o.Common().InReplyTo == s.opening.IRI
		}}
	}
	ended := func(name string, object func(id any) any) truth {
		n := s.fay.Note("<p>Soon gone.</p>", nil)
		s.send(s.fay, s.fay.Create(n))
		return truth{name, s.fay, s.fay.Do("Delete", object(n["id"])), nil, func() bool { return s.text(n["id"].(string)) == "gone" }}
	}
	return []truth{
		follows("a Follow with everything about it", s.somebody(), m{"to": us, "cc": aptest.Public, "bto": []any{}, "state": "pending", "published": "2026-11-20T09:00:00.000Z"}),
		follows("a Follow of the actor carried", s.somebody(), m{"object": m{"id": us, "type": "Organization"}}),
		follows("a Follow of the actor in a list", s.somebody(), m{"object": []any{us}}),
		follows("an actor id with a query, as of WordPress", queried, nil),
		follows("an actor id with a did in its path", did, nil),
		leaves("Undo of a Follow by its id alone, as of Pleroma", func(_ *aptest.Person, follow m) any { return follow["id"] }),
		leaves("Undo of a Follow whose id was never seen, as of Mastodon", func(p *aptest.Person, follow m) any { return aptest.With(follow, m{"id": p.NewID("follow")}) }),
		leaves("Undo of a Follow without an id", func(_ *aptest.Person, follow m) any { return aptest.With(follow, m{"id": nil}) }),
		leaves("Undo of a Follow in a list", func(_ *aptest.Person, follow m) any { return []any{follow} }),
		reacts("EmojiReact, as of Pleroma", m{"type": "EmojiReact", "content": "🎉"}),
		reacts("a Like with a reaction, as of Misskey", m{"content": ":blob:", "_misskey_reaction": ":blob:", "tag": []any{m{"type": "Emoji", "name": ":blob:"}}}),
		reacts("a Like with a fragment in its id, as of Mastodon", m{"id": nil}),
		shares("Announce by id", func(zoe m) any { return zoe["id"] }),
		shares("Announce with a copy, which is read at home", func(zoe m) any { return aptest.With(zoe, m{"content": "<p>Changed.</p>"}) }),
		{"Announce of an alias, kept under its own id", s.fay, s.fay.Do("Announce", s.home(moved).Base+"/alias"), nil, func() bool { return s.Known(canonical["id"].(string)) != nil }},
		replied("a reply to the page of our opening", s.opening.URL, nil),
		replied("a reply with one mention", s.opening.IRI, m{"tag": m{"type": "Mention", "href": us, "name": "@mill"}, "cc": us}),
		replied("a reply with a Linked-Data signature and a proof", s.opening.IRI, m{"signature": m{"type": "RsaSignature2017", "signatureValue": "x"}, "proof": m{"type": "DataIntegrityProof"}}),
		ended("Delete by id", func(id any) any { return id }),
		ended("Delete of a Tombstone", func(id any) any { return m{"id": id, "type": "Tombstone", "atomUri": id} }),
		{"an answer to our Follow, by its id", s.gus, s.gus.Do("Accept", s.asked), nil, func() bool { return s.FollowedState(s.gus.ID) == node.Accepted }},
	}
}

// What is odd and real is taken, and has its effect (interop.md 1 to 3).
func TestStrangerIsOddButHonest(t *testing.T) {
	s := newScene(t)
	count := 0
	for _, truths := range [][]truth{s.signedTruths(), s.writtenTruths(), s.saidTruths()} {
		for i, l := range truths {
			count++
			if doc, ok := l.letter.(m); ok && doc["id"] == nil {
				doc["id"] = l.by.ID + "#likes/557"
			}
			t.Run(l.name, func(t *testing.T) {
				var edits []func(*aptest.Letter)
				if l.edit != nil {
					edits = append(edits, l.edit)
				}
				if a := l.by.Post([]string{s.Links.Inbox(), s.Links.SharedInbox()}[i%2], l.letter, edits...); a.Status != http.StatusAccepted {
					t.Errorf("answered %d, want 202\n%s", a.Status, a.Body)
				}
				s.Handled()
				if !l.holds() {
					t.Errorf("it had not its effect\nletter: %.2000v", l.letter)
				}
			})
		}
	}
	t.Logf("%d truths told", count)
	if count < 40 {
		t.Errorf("%d truths, want at least 40", count)
	}
}
