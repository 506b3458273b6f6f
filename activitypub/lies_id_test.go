package activitypub_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/coopnode/coopnode/activitypub/aptest"
)

// marshal writes a document of a test.
func marshal(doc any) []byte {
	b, err := json.Marshal(doc)
	if err != nil {
		panic(err) // tests write what can be written
	}
	return b
}

// inOrder goes through a map by its keys.
func inOrder[V any](m map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}

// crookedIDs are what an id must not be (ORG-2, ORG-3, ORG-7), made from one that is right.
func crookedIDs(id string) map[string]any {
	host, path, _ := strings.Cut(strings.TrimPrefix(id, "http://"), "/")
	name, port, _ := strings.Cut(host, ":")
	at := func(authority string) string { return "http://" + authority + "/" + path }
	return map[string]any{
		"a number":                       7,
		"a truth":                        true,
		"empty":                          "",
		"relative":                       "/" + path,
		"without a scheme":               "//" + host + "/" + path,
		"only a fragment":                "#me",
		"a row number of our database":   "1",
		"a name":                         "eve",
		"ftp":                            "ftp://" + host + "/" + path,
		"file":                           "file:///etc/passwd",
		"javascript":                     "javascript:alert(1)",
		"mail":                           "mailto:eve@" + name,
		"a URN":                          "urn:uuid:6ae15297-0d3a-4f3c-8a2c-0e6a9f0b5a11",
		"with user information":          at("eve@" + host),
		"with a password":                at("eve:x@" + host),
		"behind user information":        at(host + "@" + name),
		"with a backslash":               "http://" + host + `\` + path,
		"with a percent sign in host":    at(strings.Replace(host, ".", "%2e", 1)),
		"with a trailing dot":            at(name + ".:" + port),
		"with an empty label":            at(strings.Replace(host, ".", "..", 1)),
		"with letters beyond ASCII":      at("évil.localhost:" + port),
		"with a full-width dot":          at(strings.Replace(host, ".", "。", 1)),
		"with port 0":                    at(name + ":0"),
		"with port 99999":                at(name + ":99999"),
		"with an empty port":             at(name + ":"),
		"with a port in long":            at(name + ":0" + port),
		"without a host":                 "http:///" + path,
		"at a public IP address":         at("192.0.2.1"),
		"at an IP address as number":     at("2130706433:" + port),
		"at an IP address in hex":        at("0x7f000001:" + port),
		"at an IP address in octal":      at("0177.0.0.1:" + port),
		"at a short IP address":          at("127.1:" + port),
		"at an IPv6 address":             at("[::1]:" + port),
		"at a mapped IPv6 address":       at("[::ffff:127.0.0.1]:" + port),
		"at an IPv6 address with a zone": at("[fe80::1%25lo]:" + port),
		"with capitals in host":          at(strings.ToUpper(host)),
		"with capitals in scheme":        "HTTP://" + host + "/" + path,
		"with a space":                   id + " x",
		"with a space in front":          " " + id,
		"with a line break":              id + "\nx",
		"with a control character":       id + "\x01",
		"with a direction mark":          id + "\u202e",
		"longer than 2,048 bytes":        id + strings.Repeat("x", 3000),
		"of a host that dev does not go": "https://coop.example/" + path,
	}
}

// idLies put what is no id where ids belong (ORG-1 to ORG-3, ORG-7, ORG-10).
func (s *scene) idLies() []lie {
	eve := s.eve
	many := make([]any, 1001)
	for i := range many {
		many[i] = fmt.Sprintf("%s/users/%d", s.evil.Base, i)
	}
	refused := func(name string, change m) lie {
		return lie{name: name, status: 400, by: eve, letter: aptest.With(eve.Do("Like", s.post.IRI), change)}
	}
	lies := []lie{
		refused("ORG-1 two actors", m{"actor": []any{eve.ID, s.ana.ID}}),
		refused("ORG-1 one actor in a list", m{"actor": []any{eve.ID}}),
		refused("ORG-1 no actor in a list", m{"actor": []any{}}),
		refused("ORG-1 no actor", m{"actor": nil}),
		refused("ORG-1 an actor in an actor", m{"actor": m{"actor": eve.ID}}),
		refused("ORG-1 an actor without an id", m{"actor": m{"type": "Person"}}),
		refused("ORG-1 an actor whose id is a list", m{"actor": m{"id": []any{eve.ID}}}),
		refused("no id", m{"id": nil}),
		refused("two ids", m{"id": []any{eve.NewID("like"), eve.NewID("like")}}),
		refused("an id in an object", m{"id": m{"id": eve.NewID("like")}}),
		refused("no type", m{"type": nil}),
		refused("two types", m{"type": []any{"Like", "Follow"}}),
		refused("a type that is a number", m{"type": 7}),
		refused("an object that is a number", m{"object": 7}),
		refused("an object that is a truth", m{"object": true}),
		refused("a list of numbers as object", m{"object": []any{7}}),
		refused("LIM 1,001 addressees", m{"to": many}),
		refused("LIM 1,001 addressees over three lists", m{"to": many[:400], "cc": many[:400], "audience": many[:201]}),
		// Ids that differ in a byte differ (ORG-10).
		{name: "ORG-10 the object with another letter case", status: 202, by: eve, letter: eve.Do("Like", strings.ToUpper(s.post.IRI[:5])+s.post.IRI[5:]+"/")},
		{name: "ORG-10 the object with a query", status: 202, by: eve, letter: eve.Do("Like", s.post.IRI+"?x")},
		{name: "ORG-10 the object with a fragment", status: 202, by: eve, letter: eve.Do("Like", s.post.IRI+"#x")},
		{name: "ORG-10 the object with an escape", status: 202, by: eve, letter: eve.Do("Like", strings.Replace(s.post.IRI, "/ap/", "/%61p/", 1))},
		{name: "ORG-10 Follow of our actor with a slash", status: 202, by: eve, letter: eve.Do("Follow", s.Links.Actor()+"/")},
	}
	for name, id := range inOrder(crookedIDs(eve.ID)) {
		l := refused("ORG-3 an actor "+name, m{"actor": id})
		l.name = "actor " + name
		lies = append(lies, l)
	}
	for name, id := range inOrder(crookedIDs(s.evil.Base + "/like")) {
		l := refused("an activity "+name, m{"id": id})
		switch name {
		case "with capitals in host", "with capitals in scheme", "with a full-width dot":
			continue // its own origin, spelled differently: another id (ORG-10), and its affair
		case "with letters beyond ASCII":
			l.status = 403 // a good name, of another server
		}
		lies = append(lies, l)
	}
	for name, id := range inOrder(crookedIDs(s.evil.Base + "/notes/crooked")) {
		note := aptest.With(eve.Note("<p>Crooked.</p>", m{"inReplyTo": s.opening.IRI}), m{"id": id})
		lies = append(lies, lie{name: "object " + name, status: 202, by: eve, letter: eve.Do("Create", note)})
	}
	for name, id := range inOrder(crookedIDs(eve.ID)) {
		note := aptest.With(eve.Note("<p>Crooked.</p>", m{"inReplyTo": s.opening.IRI}), m{"attributedTo": id})
		l := lie{name: "owner " + name, status: 202, by: eve, letter: eve.Do("Create", note)}
		if address, ok := id.(string); !ok || !strings.Contains(address, ":") {
			l.status = 400
		}
		lies = append(lies, l)
	}
	return lies
}

// jsonLies are not what the strict reader reads, or mean something only to those who read more into it (JSON-1 to JSON-4).
func (s *scene) jsonLies() []lie {
	ben := s.ben
	letter := func() m { return ben.Do("Like", s.post.IRI) }
	text := func(name string, change func(string) string) lie {
		return lie{name: name, status: 400, by: ben, letter: change(string(marshal(letter())))}
	}
	plus := func(name, end string) lie {
		return text(name, func(t string) string { return strings.TrimSuffix(t, "}") + end })
	}
	alias := func(name string, status int, change m) lie {
		return lie{name: name, status: status, by: ben, letter: aptest.With(letter(), change)}
	}
	lies := []lie{
		text("JSON-2 no JSON", to("I like it")),
		text("JSON-2 nothing", to("")),
		text("JSON-2 a list", func(t string) string { return "[" + t + "]" }),
		text("JSON-2 a string", to(`"Like"`)),
		text("JSON-2 null", to("null")),
		text("JSON-2 two documents", func(t string) string { return t + t }),
		text("JSON-2 a word after it", func(t string) string { return t + "true" }),
		text("JSON-2 a NUL after it", func(t string) string { return t + "\x00" }),
		text("JSON-2 a byte order mark", func(t string) string { return "\ufeff" + t }),
		text("JSON-2 UTF-16", func(t string) string { return strings.Join(strings.Split(t, ""), "\x00") }),
		text("JSON-2 a comment", func(t string) string { return "/* */" + t }),
		text("JSON-2 single quotes", func(t string) string { return strings.ReplaceAll(t, `"`, "'") }),
		text("JSON-2 cut off", func(t string) string { return t[:len(t)-1] }),
		plus("JSON-2 a comma too many", ",}"),
		plus("JSON-2 a key twice", `,"type":"Follow"}`),
		plus("JSON-2 a key twice, once escaped", `,"\u0074ype":"Follow"}`),
		plus("JSON-2 a key twice in depth", `,"tag":[{"a":{"b":1,"c":[{"d":1,"d":2}]}}]}`),
		plus("JSON-2 a lone surrogate", `,"name":"\ud800"}`),
		plus("JSON-2 a lone low surrogate", `,"name":"\udc00x"}`),
		plus("JSON-2 surrogates in the wrong order", `,"name":"\udc00\ud800"}`),
		plus("JSON-2 an escaped NUL", `,"name":"a\u0000b"}`),
		plus("JSON-2 a NUL", ",\"name\":\"a\x00b\"}"),
		plus("JSON-2 a line break in text", ",\"name\":\"a\nb\"}"),
		plus("JSON-2 not UTF-8", ",\"name\":\"\xff\"}"),
		plus("JSON-2 UTF-8 in a longer form than needed", ",\"name\":\"\xc0\xaf\"}"),
		plus("JSON-2 a surrogate in UTF-8", ",\"name\":\"\xed\xa0\x80\"}"),
		plus("JSON-2 a key that is not UTF-8", ",\"\xff\":1}"),
		plus("JSON-2 an escape that is none", `,"name":"\x41"}`),
		plus("JSON-2 a number with a plus", `,"x":+1}`),
		plus("JSON-2 a number with a zero in front", `,"x":01}`),
		plus("JSON-2 a number in hexadecimal", `,"x":0x10}`),
		plus("JSON-2 no number", `,"x":NaN}`),
		plus("JSON-2 infinity", `,"x":-Infinity}`),
		plus("JSON-2 a key without quotes", `,x:1}`),

		alias("JSON-1 @type for type", 400, m{"type": nil, "@type": "Like"}),
		alias("JSON-1 as:type for type", 400, m{"type": nil, "as:type": "Like"}),
		alias("JSON-1 the whole name for type", 400, m{"type": nil, "https://www.w3.org/ns/activitystreams#type": "Like"}),
		alias("JSON-1 @id for id", 400, m{"id": nil, "@id": ben.NewID("like")}),
		alias("JSON-1 Type for type", 400, m{"type": nil, "Type": "Like"}),
		alias("JSON-1 TYPE for type", 400, m{"type": nil, "TYPE": "Like"}),
		alias("JSON-1 ACTOR for actor", 400, m{"actor": nil, "ACTOR": ben.ID}),
		alias("JSON-1 as:actor for actor", 400, m{"actor": nil, "as:actor": ben.ID}),
		alias("JSON-1 the whole name for actor", 400, m{"actor": nil, "https://www.w3.org/ns/activitystreams#actor": ben.ID}),
		alias("JSON-1 a Kelvin sign", 202, m{"type": "Li\u212ae"}),
		alias("JSON-1 as:Like", 202, m{"type": "as:Like"}),
		alias("JSON-1 the whole name of Like", 202, m{"type": "https://www.w3.org/ns/activitystreams#Like"}),
		alias("JSON-1 like", 202, m{"type": "like"}),
		alias("JSON-1 OBJECT for object", 202, m{"object": nil, "OBJECT": s.post.IRI}),
		alias("JSON-1 as:object for object", 202, m{"object": nil, "as:object": s.post.IRI}),
		alias("JSON-1 an object by its @id", 202, m{"object": m{"@id": s.post.IRI}}),
		alias("JSON-1 an alias in the context", 202, m{"object": nil, "thing": s.post.IRI, "@context": []any{aptest.Context, m{"thing": "as:object"}}}),
		alias("JSON-1 a context that turns it round", 202, m{"object": s.note["id"], "target": s.post.IRI, "@context": []any{aptest.Context, m{"target": "as:object", "object": "as:target"}}}),
		alias("JSON-1 @reverse", 202, m{"object": nil, "@reverse": m{"likes": s.post.IRI}}),
		alias("JSON-1 @included", 202, m{"object": s.note["id"], "@included": []any{letter()}}),
		alias("JSON-1 @graph beside it", 202, m{"object": s.note["id"], "@graph": []any{letter()}}),
		{name: "JSON-1 @graph", status: 400, by: ben, letter: m{"@context": aptest.Context, "@graph": []any{letter()}}},
		alias("no context at all", 400, m{"@context": nil}),
	}
	return lies
}

// limitLies are too much of something (LIM).
func (s *scene) limitLies() []lie {
	ben := s.ben
	plus := func(name string, status int, end string) lie {
		return lie{name: name, status: status, by: ben, letter: strings.TrimSuffix(string(marshal(ben.Do("Like", s.post.IRI))), "}") + end}
	}
	nested := func(open, close string, n int) string { return strings.Repeat(open, n) + strings.Repeat(close, n) }
	return []lie{
		plus("LIM 33 levels of lists", 400, `,"x":`+nested("[", "]", 32)+"}"),
		plus("LIM 33 levels of objects", 400, `,"x":`+strings.Repeat(`{"a":`, 32)+"1"+strings.Repeat("}", 32)+"}"),
		plus("LIM 100,000 levels", 400, `,"x":`+nested("[", "]", 100_000)+"}"),
		plus("LIM 100,000 levels without end", 400, `,"x":`+strings.Repeat("[", 100_000)),
		plus("LIM 20,001 values", 400, `,"x":[`+strings.Repeat("0,", 20_000)+"0]}"),
		plus("LIM 20,001 objects", 400, `,"x":[`+strings.Repeat("{},", 20_000)+"{}]}"),
		plus("LIM a string of 128 KiB and a byte", 400, `,"x":"`+strings.Repeat("a", 128<<10+1)+`"}`),
		plus("LIM a string of 128 KiB and a byte, escaped", 400, `,"x":"`+strings.Repeat(`\u0061`, 128<<10+1)+`"}`),
		plus("LIM a key of 128 KiB and a byte", 400, `,"`+strings.Repeat("a", 128<<10+1)+`":1}`),
		plus("LIM a body of 1 MiB and a byte", 413, `,"x":"`+strings.Repeat("a", 1<<20)+`"}`),
		plus("LIM a body of 8 MiB", 413, `}`+strings.Repeat(" ", 8<<20)),
		plus("LIM a number of 1,000 digits", 400, `,"x":`+strings.Repeat("9", 1000)+"}"),
		plus("LIM a number beyond all", 400, `,"x":1e400}`),
	}
}

// requestLies are not what an inbox takes, before a word of them is read (LIM, HTTP-2).
func (s *scene) requestLies() []lie {
	ben := s.ben
	as := func(name string, status int, e change) lie {
		return lie{name: name, status: status, by: ben, letter: ben.Do("Like", s.post.IRI), edit: e, closes: true}
	}
	sent := func(h m) change { return func(l *aptest.Letter) { l.Header = h } }
	typed := func(t string) change { return func(l *aptest.Letter) { l.Type = t } }
	raw := func(old, new string) change {
		return func(l *aptest.Letter) {
			l.Raw = func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(new), 1) }
		}
	}
	length := func(b []byte) []byte { return b[bytes.Index(b, []byte("Content-Length: ")):] }
	lies := []lie{
		as("LIM gzip", 415, sent(m{"Content-Encoding": "gzip"})),
		as("LIM deflate", 415, sent(m{"Content-Encoding": "deflate"})),
		as("LIM br", 415, sent(m{"Content-Encoding": "br"})),
		as("LIM identity, which is an encoding too", 415, sent(m{"Content-Encoding": "identity"})),
		as("LIM two encodings", 415, sent(m{"Content-Encoding": "gzip, br"})),
		as("plain JSON", 415, typed("application/json")),
		as("plain text", 415, typed("text/plain")),
		as("a page", 415, typed("text/html")),
		as("a form", 415, typed("application/x-www-form-urlencoded")),
		as("an upload", 415, typed("multipart/form-data; boundary=x")),
		as("a picture", 415, typed("image/png")),
		as("a type that is none", 415, typed("activity")),
		as("two types", 415, typed("application/activity+json, text/html")),
		as("a parameter twice", 415, typed("application/activity+json; q=1; q=2")),
		as("no type", 415, func(l *aptest.Letter) { l.Change = func(r *http.Request) { r.Header.Del("Content-Type") } }),
		as("a Content-Length that is a word", 400, raw("Content-Length: ", "Content-Length: x")),
		as("a negative Content-Length", 400, raw("Content-Length: ", "Content-Length: -")),
		as("a Content-Length with a plus", 400, raw("Content-Length: ", "Content-Length: +")),
		as("two Content-Lengths", 400, raw("Content-Length: ", "Content-Length: 5\r\nContent-Length: ")),
		as("a Content-Length shorter than the letter", 401, func(l *aptest.Letter) {
			l.Raw = func(b []byte) []byte {
				return bytes.Replace(b, length(b)[:bytes.IndexByte(length(b), '\r')], []byte("Content-Length: 10"), 1)
			}
		}),
		as("a letter in chunks that says another length", 400, func(l *aptest.Letter) {
			l.Raw = func(b []byte) []byte {
				return append(bytes.Replace(b, []byte("Content-Length: "), []byte("Transfer-Encoding: chunked\r\nContent-Length: "), 1), '\n')
			}
		}),
		as("chunks that are none", 400, func(l *aptest.Letter) {
			l.Raw = func(b []byte) []byte {
				return append(bytes.Replace(b, length(b)[:bytes.IndexByte(length(b), '\r')], []byte("Transfer-Encoding: chunked"), 1), '\n')
			}
		}),
		as("an unknown Transfer-Encoding", 501, raw("Content-Length: ", "Transfer-Encoding: gzip\r\nX-Length: ")),
		as("chunks without end", 413, func(l *aptest.Letter) {
			l.Raw = func(b []byte) []byte {
				head := bytes.Replace(b[:bytes.Index(b, []byte("\r\n\r\n"))+4], length(b)[:bytes.IndexByte(length(b), '\r')], []byte("Transfer-Encoding: chunked"), 1)
				return append(head, bytes.Repeat([]byte("10000\r\n"+strings.Repeat(" ", 1<<16)+"\r\n"), 40)...)
			}
		}),
		as("no Host", 400, raw("Host: ", "X-Host: ")),
		as("two Hosts", 400, raw("Host: ", "Host: other.localhost\r\nHost: ")),
		as("a space before a colon", 400, raw("Digest:", "Digest :")),
		as("SIG-4 a digest in a folded header", 401, raw("Digest: ", "Digest: \r\n  x ")),
		as("a header block of 2 MiB", 431, raw("Digest: ", "X-Long: "+strings.Repeat("a", 2<<20)+"\r\nDigest: ")),
		as("30,000 headers", 431, raw("Digest: ", strings.Repeat("X-Many: "+strings.Repeat("a", 64)+"\r\n", 30_000)+"Digest: ")),
		as("HTTP/1.0 without Host", 421, raw("HTTP/1.1\r\nHost: ", "HTTP/1.0\r\nX-Host: ")),
	}
	return lies
}
