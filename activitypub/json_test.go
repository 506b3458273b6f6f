package activitypub

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestReadJSON: what the strict reader takes and what it does not (JSON-1, JSON-2, LIM).
func TestReadJSON(t *testing.T) {
	deep := func(n int) string {
		return `{"a":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + "}"
	}
	many := func(n int) string { return `{"a":[` + strings.TrimSuffix(strings.Repeat("1,", n-2), ",") + `]}` }
	for _, tt := range []struct {
		name, in string
		ok       bool
	}{
		{"an activity", `{"@context":["https://www.w3.org/ns/activitystreams",{"a":"b"}],"type":"Follow","n":-1.5e3,"t":true,"f":false,"z":null}`, true},
		{"space", " \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } }\n", true},
		{"empty", `{}`, true},
		{"escapes", `{"a":"\"\\\/\b\f\n\r\té\u00e9\ud83d\ude00\u2028"}`, true},
		{"the key @id beside id", `{"@id":"x","id":"y"}`, true},
		{"keys that differ in case", `{"id":"x","ID":"y","Id":"z"}`, true},
		{"32 levels", deep(32), true},
		{"20,000 values", many(20_000), true},
		{"a string of 128 KiB", `{"a":"` + strings.Repeat("x", 128<<10) + `"}`, true},
		{"the same, escaped", `{"a":"` + strings.Repeat(`\n`, 128<<10) + `"}`, true},

		{"33 levels", deep(33), false},
		{"20,001 values", many(20_001), false},
		{"a string over 128 KiB", `{"a":"` + strings.Repeat("x", 128<<10+1) + `"}`, false},
		{"the same, escaped, too long", `{"a":"` + strings.Repeat(`\n`, 128<<10+1) + `"}`, false},
		{"a key over 128 KiB", `{"` + strings.Repeat("x", 128<<10+1) + `":1}`, false},
		{"over 1 MiB", `{"a":1}` + strings.Repeat(" ", 1<<20), false},
		{"nothing", ``, false},
		{"a list", `[]`, false},
		{"a string", `"a"`, false},
		{"a byte order mark", "\ufeff{}", false},
		{"something after", `{} {}`, false},
		{"a comma after", `{},`, false},
		{"a NUL after", "{}\x00", false},
		{"a key twice", `{"id":"x","id":"y"}`, false},
		{"a key twice, with the same value", `{"a":null,"a":null}`, false},
		{"a key twice, escaped", `{"id":"x","\u0069d":"y"}`, false},
		{"a key twice, deep down", `{"a":[{"b":{"c":1,"c":2}}]}`, false},
		{"not UTF-8", "{\"a\":\"\xff\"}", false},
		{"a surrogate in UTF-8", "{\"a\":\"\xed\xa0\x80\"}", false},
		{"a lone high surrogate", `{"a":"\ud83d"}`, false},
		{"a lone low surrogate", `{"a":"\ude00"}`, false},
		{"surrogates the wrong way round", `{"a":"\ude00\ud83d"}`, false},
		{"a high surrogate before text", `{"a":"\ud83dx\ude00"}`, false},
		{"NUL escaped", `{"a":"\u0000"}`, false},
		{"NUL escaped in a key", `{"\u0000":1}`, false},
		{"NUL", "{\"a\":\"\x00\"}", false},
		{"a line break in a string", "{\"a\":\"\n\"}", false},
		{"a line break after an escape", "{\"a\":\"\\t\n\"}", false},
		{"an unknown escape", `{"a":"\x41"}`, false},
		{"half an escape", `{"a":"\u12"}`, false},
		{"a string without end", `{"a":"x`, false},
		{"a backslash at the end", `{"a":"\`, false},
		{"no colon", `{"a" 1}`, false},
		{"no value", `{"a":}`, false},
		{"a trailing comma", `{"a":1,}`, false},
		{"a trailing comma in a list", `{"a":[1,]}`, false},
		{"no comma", `{"a":[1 2]}`, false},
		{"the wrong bracket", `{"a":[1}`, false},
		{"open", `{"a":[`, false},
		{"a key without quotes", `{a:1}`, false},
		{"single quotes", `{'a':1}`, false},
		{"a comment", `{"a":1/**/}`, false},
		{"a leading zero", `{"a":01}`, false},
		{"a leading plus", `{"a":+1}`, false},
		{"a bare point", `{"a":1.}`, false},
		{"no digit before the point", `{"a":.5}`, false},
		{"an open exponent", `{"a":1e}`, false},
		{"hexadecimal", `{"a":0x1}`, false},
		{"NaN", `{"a":NaN}`, false},
		{"out of range", `{"a":1e999}`, false},
		{"half a word", `{"a":tru}`, false},
		{"a long word", `{"a":truex}`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ReadJSON([]byte(tt.in))
			if !tt.ok {
				var bad *JSONError
				if !errors.As(err, &bad) {
					t.Fatalf("got %v, %v, want a *JSONError", got, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var want map[string]any
			if err := json.Unmarshal([]byte(tt.in), &want); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("differs from encoding/json (%v)", err)
			}
		})
	}
}

// TestReadJSONFixtures reads what other servers send.
func TestReadJSONFixtures(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "shared", "fixtures", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Log("left out: the fixtures are not there")
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var want map[string]any
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := ReadJSON(b); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v", filepath.Base(name), err)
		}
	}
}

// JSON-1, JSON-3: the bytes that are kept of what a letter carries are of the object that was checked, not of one under a
// name that only looks like it.
func TestCarriedBytesAreThoseRead(t *testing.T) {
	for letter, want := range map[string]string{
		`{"object":{"id":"a"},"Object":{"id":"b"},"OBJECT":1}`: `{"id":"a"}`,
		`{"Object":{"id":"b"},"object":[{"id":"a" },"c"]}`:     `{"id":"a" }`,
		`{"\u006fbject":"a"}`:                                  `"a"`,
		`{"Object":{"id":"b"}}`:                                ``,
	} {
		doc, err := ReadJSON([]byte(letter))
		if got := string(carriedBytes([]byte(letter))); err != nil || got != want || (want == "") != (doc["object"] == nil) {
			t.Errorf("%s: %q (%v), want %q", letter, got, err, want)
		}
	}
}

// FuzzReadJSON: what is accepted means the same to encoding/json, and survives being
// written and read again (JSON-3).
func FuzzReadJSON(f *testing.F) {
	f.Add([]byte(`{"a":[1,-0.5e-2,"\ud83d\ude00é",{"b":null,"c":true}],"":{}}`))
	f.Add([]byte(`{"id":"x","\u0069d":"y"}`))
	f.Add([]byte("{\"a\":\"\\ud83d\"} "))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := ReadJSON(b)
		if err != nil {
			return
		}
		var want map[string]any
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatalf("accepted, but encoding/json says %v", err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("read %#v, encoding/json reads %#v", got, want)
		}
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(got); err != nil {
			t.Fatal(err)
		}
		if out.Len() > MaxDocumentBytes {
			return // escapes may be longer than what they stand for
		}
		again, err := ReadJSON(out.Bytes())
		if err != nil || !reflect.DeepEqual(again, got) {
			t.Fatalf("does not survive: %v", err)
		}
	})
}

// TestAccessors: properties hold one value or several, of any type.
func TestAccessors(t *testing.T) {
	m, err := ReadJSON([]byte(`{
		"id": "https://mill.example/1", "type": ["Note", 7, "Question"], "n": 3, "q": "-2.50",
		"one": "a", "several": ["a", {"id": "b"}, {"x": 1}, 5, null], "object": {"id": "c"},
		"published": "2026-03-01T12:00:00.123456Z", "zone": "2026-03-01T12:00:00+02:00",
		"naked": "2026-03-01T12:00:00", "date": "2026-03-01", "text": "soon", "nothing": null}`))
	if err != nil {
		t.Fatal(err)
	}
	equal := func(what string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, want %#v", what, got, want)
		}
	}
	equal("text", Str(m, "one"), "a")
	equal("no text", Str(m, "n")+Str(m, "ID")+Str(nil, "id"), "")
	equal("id of a string", IDOf(m["one"]), "a")
	equal("id of an object", IDOf(m["object"]), "c")
	equal("id of a list", IDOf(m["several"]), "")
	equal("ids", IDs(m["several"]), []string{"a", "b"})
	equal("ids of one", IDs(m["object"]), []string{"c"})
	equal("ids of none", IDs(m["nothing"]), []string(nil))
	equal("list of one", List(m["n"]), []any{3.0})
	equal("list of none", List(m["nothing"]), []any(nil))
	equal("types", Types(m), []string{"Note", "Question"})
	equal("object", Obj(m["object"])["id"], "c")
	equal("no object", Obj(m["one"])["id"], nil)
	for _, tt := range []struct {
		key  string
		want string
	}{
		{"published", "2026-03-01T12:00:00.123456Z"},
		{"zone", "2026-03-01T10:00:00Z"},
		{"naked", ""}, {"date", ""}, {"text", ""}, {"n", ""}, {"absent", ""},
	} {
		got, ok := Time(m, tt.key)
		if ok != (tt.want != "") || ok && got.UTC().Format(time.RFC3339Nano) != tt.want {
			t.Errorf("time at %s: %v, %v", tt.key, got, ok)
		}
	}
	for _, tt := range []struct {
		in   any
		want float64
		ok   bool
	}{
		{3.0, 3, true}, {"-2.50", -2.5, true}, {"1e3", 1000, true},
		{"", 0, false}, {" 1", 0, false}, {"1 ", 0, false}, {"0x1", 0, false}, {"Inf", 0, false}, {"1_0", 0, false},
		{"1e999", 0, false}, {nil, 0, false}, {true, 0, false}, {[]any{1.0}, 0, false},
	} {
		if got, ok := Num(tt.in); ok != tt.ok || ok && got != tt.want {
			t.Errorf("Num(%v) = %v, %v", tt.in, got, ok)
		}
	}
}

// sampleLetter is a document like those that arrive most.
var sampleLetter = makeSampleLetter()

func makeSampleLetter() []byte {
	var b bytes.Buffer
	b.WriteString(`{"@context":["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1"],"id":"https://bakery.example/users/b/statuses/1/activity","type":"Create","actor":"https://bakery.example/users/b","published":"2026-03-01T12:00:00Z","to":["https://www.w3.org/ns/activitystreams#Public"],"cc":["https://bakery.example/users/b/followers"],"object":{"id":"https://bakery.example/users/b/statuses/1","type":"Note","content":"`)
	b.WriteString(strings.Repeat("<p>Bread is ready, says the baker \\u2013 and caf\u00e9 too.<\\/p>", 8))
	b.WriteString(`","tag":[`)
	for i := range 5 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"type":"Hashtag","href":"https://bakery.example/tags/` + strconv.Itoa(i) + `","name":"#bread","n":12.5}`)
	}
	b.WriteString(`],"replies":{"id":"https://bakery.example/users/b/statuses/1/replies","type":"Collection","totalItems":0}}}`)
	return b.Bytes()
}

func BenchmarkReadJSON(b *testing.B) {
	b.SetBytes(int64(len(sampleLetter)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadJSON(sampleLetter); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodingJSON(b *testing.B) {
	b.SetBytes(int64(len(sampleLetter)))
	b.ReportAllocs()
	for b.Loop() {
		var m map[string]any
		if err := json.Unmarshal(sampleLetter, &m); err != nil {
			b.Fatal(err)
		}
	}
}
