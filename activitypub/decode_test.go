package activitypub

import (
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/coopnode/coopnode/node"
)

// seedDocuments gives a fuzz target the documents that this project holds.
func seedDocuments(f *testing.F) {
	f.Helper()
	golden, err := filepath.Glob(filepath.Join("testdata", "golden", "*.json"))
	if err != nil || len(golden) == 0 {
		f.Fatalf("no golden documents: %v", err)
	}
	for _, name := range golden {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}

// wantBounded walks through what was read from elsewhere: addresses, names, texts and lists have the sizes of LIM, and
// all of it is UTF-8.
func wantBounded(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			wantBounded(t, path, v.Elem())
		}
	case reflect.String:
		s, most := v.String(), max(MaxURLBytes, utf8.UTFMax*maxNameRunes)
		if strings.HasSuffix(path, ".HTML") || strings.HasSuffix(path, ".Source") {
			most = maxContentBytes + len("…")
		}
		if strings.HasSuffix(path, ".Content") {
			most = utf8.UTFMax * maxComplaint
		}
		if len(s) > most || !utf8.ValidString(s) {
			t.Errorf("%s has %d bytes, at most %d (LIM); UTF-8: %v", path, len(s), most, utf8.ValidString(s))
		}
	case reflect.Slice:
		most := maxListed
		if path == "act.To" || path == "act.Cc" || strings.HasSuffix(path, ".To") || strings.HasSuffix(path, ".Lists") {
			most = maxAddressees
		}
		if strings.HasSuffix(path, ".Raw") {
			most = MaxDocumentBytes
		}
		if v.Len() > most {
			t.Errorf("%s has %d entries, at most %d (LIM)", path, v.Len(), most)
		}
		for i := range min(v.Len(), 2*most) {
			wantBounded(t, path+"[]", v.Index(i))
		}
	case reflect.Map:
		if v.Len() > maxListed {
			t.Errorf("%s has %d entries (LIM)", path, v.Len())
		}
		for _, k := range v.MapKeys() {
			wantBounded(t, path+" key", k)
			wantBounded(t, path+" value", v.MapIndex(k))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			wantBounded(t, path+"."+v.Type().Field(i).Name, v.Field(i))
		}
	}
}

// hugeDocument is a document of this type in which everything that we read is as large as the strict reader lets it be.
func hugeDocument(kind string, more ...string) map[string]any {
	text, address := strings.Repeat("é", 40_000), "https://mill.example/"+strings.Repeat("a", 40_000)
	inner := map[string]any{}
	for _, key := range strings.Fields(`contactType email telephone name abbreviation elf note accepts how links url date who countries federations
		availableLanguage kind actor addressCountry addressLocality addressRegion address latitude longitude hasUnit coop:unit currency value minValue
		criteria fee rule maxValue title key termCode from hours updated href mediaType`) {
		inner[key] = text
	}
	inner["actor"], inner["url"], inner["href"], inner["id"] = address, address, address, address
	list := func(v any) []any {
		out := make([]any, 1500)
		for i := range out {
			out[i] = v
		}
		return out
	}
	inner["links"], inner["federations"] = list(address), list(address)
	inner["ownership"], inner["kinds"], inner["held"], inner["criteriaMap"] = list(text), list(text), list(text), map[string]any{"en": text, text: text}
	inner["approvals"], inner["perDay"] = 1e8, 1e8
	inner["hoursPerMonth"], inner["hasNumericalValue"] = 1.0, 1.0
	doc := map[string]any{
		"id": "https://mill.example/1", "type": kind, "attributedTo": "https://mill.example/a", "inbox": "https://mill.example/inbox",
		"published": "2026-03-01T12:00:00Z", "url": address, "icon": inner, "inReplyTo": address, "coop:project": address,
		"contentMap": map[string]any{"en": text, text: text}, "summaryMap": map[string]any{"en": text, text: text}, "tag": list(inner),
		"coop:customerMix": map[string]any{text: 1.0}, "to": address, "cc": []any{address}, "publishes": map[string]any{"resourceQuantity": inner, "availableQuantity": inner},
	}
	for _, key := range strings.Fields(`preferredUsername webfinger name summary content legalName foundingDate jobLocationType employmentType
		coop:ownership coop:jurisdiction coop:registry coop:registrationNumber coop:timeZone coop:timeZones coop:title coop:kind coop:status purpose
		coop:budgetBasis coop:description coop:lessons`) {
		doc[key] = text
	}
	for _, key := range strings.Fields(`outbox followers following featured coop:openings coop:projects coop:shared coop:members coop:memberships
		coop:applications coop:registryUrl coop:onBehalfOf coop:website`) {
		doc[key] = address
	}
	for _, key := range strings.Fields(`coop:legalForm coop:availability coop:membersAbroad coop:admission coop:resharing coop:answer coop:customer coop:goal coop:coordination
		location endpoints coop:budget`) {
		doc[key] = inner
	}
	for _, key := range strings.Fields(`knowsLanguage areaServed coop:acceptsCustomers coop:looksFor coop:offersHelp coop:workingLanguages coop:kindOfGood`) {
		doc[key] = list(text)
	}
	for _, key := range strings.Fields(`memberOf coop:seeking`) {
		doc[key] = list(address)
	}
	for _, key := range strings.Fields(`contactPoint knowsAbout skills coop:filledBy coop:outcomes`) {
		doc[key] = list(inner)
	}
	if len(more) > 0 {
		doc["additionalType"] = more[0]
	}
	return doc
}

// LIM: whatever the sizes in a document, what is made of it has those of the table.
func TestDecodedSizes(t *testing.T) {
	for name, doc := range map[string]map[string]any{
		"person": hugeDocument("Person"), "coop": hugeDocument("Organization", node.KindCooperative),
		"federation": hugeDocument("Organization", node.KindConsortium), "post": hugeDocument("Article"),
		"project": hugeDocument("Note", typeProject), "opening": hugeDocument("Note", typeProposal),
	} {
		t.Run(name, func(t *testing.T) {
			if a, err := decodeActor(doc, AddressRules{}); err == nil {
				wantBounded(t, "actor", reflect.ValueOf(a))
				return
			}
			o := decodeObject(doc, AddressRules{})
			if o == nil {
				t.Fatal("it was not read at all")
			}
			wantBounded(t, "object", reflect.ValueOf(o))
		})
	}
}

// LIM: what stands beside a letter about a membership, and in a record, is bounded, and is text.
func TestDecodedReasons(t *testing.T) {
	long := strings.Repeat("é", 40_000)
	letter := map[string]any{"id": "https://mill.example/1", "type": "Accept", "actor": "https://mill.example/a", "object": "https://oak.example/1",
		"content": "<p>Dear <b>all</b>,</p><script>bad()</script><p>" + long + "</p>",
		"result": map[string]any{"id": "https://mill.example/r", "type": "Relationship", "subject": "https://mill.example/a", "object": "https://oak.example/a",
			"relationship": relationMember, "coop:role": long, "coop:vouches": []any{long, long}}}
	a := decodeAct(letter, node.Accept, AddressRules{}, testNow)
	if a.Record == nil || !strings.HasPrefix(a.Content, "Dear all,\né") {
		t.Fatalf("read as %.20q, %v", a.Content, a.Record)
	}
	if n := utf8.RuneCountInString(a.Content); n > maxWhy {
		t.Errorf("a reason of %d characters", n)
	}
	wantBounded(t, "act", reflect.ValueOf(a))
	honest := letter["result"].(map[string]any)
	for key, other := range map[string]string{"id": "https://oak.example/r", "subject": "https://oak.example/a", "attributedTo": "https://oak.example/a", "relationship": relationMemberOf} {
		record := maps.Clone(honest)
		record[key] = other
		letter["result"] = record
		if a := decodeAct(letter, node.Accept, AddressRules{}, testNow); a.Record != nil {
			t.Errorf("a record whose %s is %s is believed", key, other)
		}
	}
}

// FuzzDecodeAct (T-1): a letter that the strict reader takes never makes the decoder panic; what it carries is of the
// actor's origin and by the actor (ORG-2, ORG-6), and its sizes are bounded (LIM).
func FuzzDecodeAct(f *testing.F) {
	seedDocuments(f)
	f.Add([]byte(`{"type":"Create","id":"https://mill.example/1","actor":"https://mill.example/a","object":[{"type":["Note",3],"id":"https://mill.example/2","attributedTo":[{"id":"https://mill.example/a"}],"tag":{"type":"Mention","href":"x"},"contentMap":{"en":"x"}}]}`))
	f.Add([]byte(`{"type":"Undo","id":"https://mill.example/1","actor":{"id":"https://mill.example/a"},"object":{"type":"Like","actor":[],"object":[[]]},"published":"2026-03-01T12:00:00Z"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		doc, err := ReadJSON(b)
		if err != nil || len(IDs(doc["to"])) > maxAddressees || len(IDs(doc["cc"])) > maxAddressees {
			return // the door refuses it
		}
		for _, verb := range []node.Verb{node.Create, node.Undo, node.Like, verbNamed(doc)} {
			a := decodeAct(doc, verb, AddressRules{}, testNow)
			if a.Published.Before(time.Unix(0, 0)) || a.Published.After(testNow.Add(24*time.Hour)) {
				t.Errorf("JSON-5: published %v", a.Published)
			}
			if o := a.Object; o != nil && (o.Common().Actor != a.Actor || !SameOrigin(o.Common().IRI, a.Actor)) {
				t.Errorf("ORG-6: %s says what %s said, as %s", a.Actor, o.Common().Actor, o.Common().IRI)
			}
			if a.Subject != nil && a.Subject.IRI != a.Actor {
				t.Errorf("%s speaks of %s", a.Actor, a.Subject.IRI)
			}
			a.IRI, a.Actor = "", "" // the door has judged them
			wantBounded(t, "act", reflect.ValueOf(a))
		}
	})
}

// FuzzDecodeActor (T-1): an actor that is usable lives at one origin with its inbox and its key (SSRF-6, SIG-8), the key is
// strong enough (SIG-10), and all sizes are bounded (LIM).
func FuzzDecodeActor(f *testing.F) {
	seedDocuments(f)
	key := spkiOf(f, &testKeys().rsa.PublicKey)
	f.Add([]byte(`{"type":"Person","id":"https://mill.example/a","inbox":"https://mill.example/i","publicKey":[{"id":"https://mill.example/a#k","owner":"https://mill.example/a","publicKeyPem":"` +
		strings.ReplaceAll(key, "\n", `\n`) + `"}],"endpoints":{"sharedInbox":"https://mill.example/s"},"url":[{"href":"https://x"}]}`))
	f.Add([]byte(`{"type":"Person","id":"https://mill.example/a","inbox":"https://mill.example/i","endpoints":{"sharedInbox":"https://other.example/s"},"outbox":"https://mill.example:444/o"}`))
	f.Add([]byte(`{"type":"Person","id":"https://mill.example/a","inbox":"https://other.example/i"}`))
	f.Add([]byte(`{"id":"https://mill.example/k","owner":"https://mill.example/a","assertionMethod":{"id":"https://mill.example/k","controller":{"id":"x"},"publicKeyMultibase":"z6Mk"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		doc, err := ReadJSON(b)
		if err != nil {
			return
		}
		id := Str(doc, "id")
		for _, keyID := range []string{id, id + "#main-key", Str(Obj(first(doc["publicKey"])), "id")} {
			_ = keyOwner(doc, keyID)
			if key, err := keyIn(doc, keyID); err == nil && CheckKeyStrength(key) != nil {
				t.Errorf("SIG-10: %s is a key that is too weak", keyID)
			}
		}
		if n := len(keyEntries(doc)); n > 8 {
			t.Errorf("%d keys are looked at", n)
		}
		a, err := decodeActor(doc, AddressRules{})
		if err != nil {
			return
		}
		a.KeyID, a.KeyPEM = mainKey(doc, a.IRI)
		for what, at := range map[string]string{"inbox": a.Inbox, "shared inbox": a.SharedInbox, "outbox": a.Outbox, "followers": a.Followers, "key": a.KeyID} {
			if at != "" && !SameOrigin(at, a.IRI) || at == "" && what == "inbox" {
				t.Errorf("the %s of %s is %q", what, a.IRI, at)
			}
		}
		a.KeyPEM = "" // bounded by maxKeyText
		wantBounded(t, "actor", reflect.ValueOf(a))
	})
}

// FuzzPublicKey (T-1): only keys that are strong enough come out of either form (SIG-10).
func FuzzPublicKey(f *testing.F) {
	f.Add(spkiOf(f, &testKeys().rsa.PublicKey))
	f.Add(spkiOf(f, testKeys().ed.Public()))
	f.Add("z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2")
	f.Add("-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, read := range []func(string) (any, error){
			func(s string) (any, error) { return ParsePublicKeyPEM(s) },
			func(s string) (any, error) { return ParseMultikey(s) },
		} {
			key, err := read(text)
			if err != nil {
				continue
			}
			switch k := key.(type) {
			case *rsa.PublicKey:
				if bits := k.N.BitLen(); bits < 2048 || bits > 4096 || k.E < 3 {
					t.Errorf("an RSA key of %d bits, exponent %d", bits, k.E)
				}
			case ed25519.PublicKey:
				if len(k) != 32 {
					t.Errorf("an Ed25519 key of %d bytes", len(k))
				}
			default:
				t.Errorf("a key of type %T", key)
			}
		}
	})
}

// LIM: of 150 tags, mentions and options of a poll that are each fine as many are read as the table allows.
func TestListsAreCut(t *testing.T) {
	var tags, options []any
	for i := range 150 {
		name := fmt.Sprint("n", i)
		tags = append(tags, map[string]any{"type": "Hashtag", "name": "#" + name}, map[string]any{"type": "Mention", "href": "https://mill.example/" + name, "name": "@" + name})
		options = append(options, map[string]any{"type": "Note", "name": name})
	}
	o := decodeObject(map[string]any{
		"id": "https://mill.example/1", "type": "Question", "attributedTo": "https://mill.example/a", "content": "<p>Which?</p>", "tag": tags, "oneOf": options,
	}, AddressRules{})
	p, ok := o.(*node.Post)
	if !ok {
		t.Fatalf("it was read as %T", o)
	}
	if len(p.Tags) != 100 || len(p.Mentions) != 100 || len(p.Options) != 20 {
		t.Errorf("%d tags, %d mentions, %d options; want 100, 100, 20", len(p.Tags), len(p.Mentions), len(p.Options))
	}
}
