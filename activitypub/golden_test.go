package activitypub

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-fed/activity/streams"

	"github.com/coopnode/coopnode/node"
)

var update = flag.Bool("update", false, "rewrite our golden files and the examples of FEDERATION.md")

func encodeSample(t *testing.T, v any) []byte {
	t.Helper()
	e := NewEncoder(sampleLinks)
	var b []byte
	var err error
	switch v := v.(type) {
	case *node.Actor:
		b, err = e.EncodeActor(v)
	case node.Object:
		b, err = e.EncodeObject(v)
	case *node.Act:
		b, err = e.EncodeAct(v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func pretty(t *testing.T, raw []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.String() + "\n"
}

// What we send changes only on purpose: the difference stands in the golden file.
func TestGolden(t *testing.T) {
	letters := sampleLetters()
	for _, name := range slices.Sorted(maps.Keys(letters)) {
		checkGolden(t, name, encodeSample(t, letters[name]))
	}
}

// checkGolden compares a document with its golden file, or writes it with -update.
func checkGolden(t *testing.T, name string, raw []byte) {
	t.Helper()
	got := pretty(t, raw)
	file := filepath.Join("testdata", "golden", name+".json")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is written differently than before. If that is meant: go test ./activitypub -run 'Golden|FederationFile' -update\ngot %s", file, got)
	}
}

// The stamp of a quote is of a type that streams does not know (FEP-044f).
func TestGoldenQuote(t *testing.T) {
	q := &node.Quote{IRI: sampleLinks.Quote("r4b7ks2qxa"), Object: sampleOpening().IRI, Quote: "https://trenza.example/ap/posts/bbbbbbbbbb"}
	raw, err := encodeQuote(sampleLinks, q)
	if err != nil {
		t.Fatal(err)
	}
	checkGolden(t, "quote", raw)
}

// What each side says of a membership is a document of its own, and stands whole in its list.
func TestGoldenRecords(t *testing.T) {
	record, own := sampleMembership()
	for name, m := range map[string]*node.Membership{"record": record, "claim": own} {
		r, err := encodeRecord(sampleLinks, m)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := write(r)
		if err != nil {
			t.Fatal(err)
		}
		checkGolden(t, name, raw)
		doc, err := ReadJSON(raw)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeRecord(doc, sampleLinks.Actor(), AddressRules{}, sampleTime)
		if err != nil {
			t.Fatal(err)
		}
		want := &node.Record{IRI: sampleLinks.Membership(m.ID), Subject: sampleLinks.Actor(), Object: m.Federation, Since: m.CoopSays.Since}
		if m == record {
			want = &node.Record{IRI: want.IRI, Subject: want.Subject, Object: m.Coop, Member: true,
				Since: m.FederationSays.Since, Until: m.FederationSays.Until, Role: m.Role, Vouches: m.Vouches}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s comes back as %+v, want %+v", name, got, want)
		}
	}
}

// Decision 4: all that we send is understood by streams as the same type with the same id.
func TestStreamsReadsWhatWeSend(t *testing.T) {
	for name, v := range sampleLetters() {
		var m map[string]any
		if err := json.Unmarshal(encodeSample(t, v), &m); err != nil {
			t.Fatal(err)
		}
		typed, err := streams.ToType(t.Context(), m)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		id := typed.GetJSONLDId()
		if typed.GetTypeName() != m["type"] || id == nil || id.Get().String() != m["id"] {
			t.Errorf("%s: streams reads %s %v, we wrote %v %v", name, typed.GetTypeName(), id, m["type"], m["id"])
		}
	}
}

// What one node writes another reads without loss: every field of the samples.
func TestRoundTrip(t *testing.T) {
	rules := AddressRules{}
	read := func(v any) map[string]any {
		m, err := ReadJSON(encodeSample(t, v))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, want := range []node.Object{sampleOpening(), sampleProject(), samplePost()} {
		got := decodeObject(read(want), rules)
		if got == nil {
			t.Fatalf("%T is not read", want)
		}
		g, w := got.Common(), want.Common()
		// The text comes back as content, which says more; its title and languages are the same.
		if g.Title() != w.Title() || g.Texts[0].Lang != w.Texts[0].Lang || len(g.Texts) != len(w.Texts) {
			t.Errorf("%T: texts %+v, want %+v", want, g.Texts, w.Texts)
		}
		for _, tag := range w.Tags {
			if !slices.Contains(g.Tags, tag) {
				t.Errorf("%T: hashtag %s is lost", want, tag)
			}
		}
		g.Texts, g.Tags, g.Local, g.ID, g.Lists = w.Texts, w.Tags, w.Local, w.ID, nil
		if p, ok := want.(*node.Post); ok {
			p.To = []string{p.Mentions[0].Actor} // whom it names, it is addressed to
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%T comes back changed\ngot  %+v\nwant %+v", want, show(got), show(want))
		}
	}
	moved := sampleActor()
	moved.MovedTo = "https://new.example/ap/coop"
	for _, want := range []*node.Actor{sampleActor(), moved, sampleFederation()} {
		got, err := decodeActor(read(want), rules)
		if err != nil {
			t.Fatal(err)
		}
		got.KeyID, got.KeyPEM = want.KeyID, want.KeyPEM // keys come from the key's own home alone (SIG-11)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("the actor comes back changed\ngot  %s\nwant %s", show(got), show(want))
		}
	}
}

func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// The samples fill every field, or the round trip would prove nothing about the empty ones.
func TestSamplesAreFull(t *testing.T) {
	// Set by readers, by the store, by the encoder or only by others' objects.
	free := []string{"ID", "To", "Draft", "Received", "Deleted", "InReplyTo", "Thread", "Lists", "Moderation", "Likes", "Shares", "Replies", "Raw", "Project", "Tags",
		"Local", "Fetched", "Gone", "Warning", "Form", "Sensitive", "Source", "OldKeys", "MovedTo", "Quote", "Options",
		"Hidden", "HiddenBy", "Pictures", "Enclosures", "Image", "Sample", "BehalfName", "Participants", "HidesFollowing", "SharedBy", "Nodeless",
		"Picture.Type", "Picture.Width", "Picture.Height"}
	var check func(path string, v reflect.Value)
	check = func(path string, v reflect.Value) {
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct || v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if slices.Contains(free, f.Name) || slices.Contains(free, v.Type().Name()+"."+f.Name) {
				continue
			}
			if v.Field(i).IsZero() {
				t.Errorf("%s.%s is empty in the sample", path, f.Name)
			}
			check(path+"."+f.Name, v.Field(i))
		}
	}
	check("Opening", reflect.ValueOf(sampleOpening()))
	check("Project", reflect.ValueOf(sampleProject()))
	check("Post", reflect.ValueOf(samplePost()))
	check("Federation", reflect.ValueOf(sampleFederation()))
	free = append(free, "Admission", "Resharing", "MembersIRI", "ApplicationsIRI", "SharedIRI")
	check("Actor", reflect.ValueOf(sampleActor()))
}

var (
	exampleMark = regexp.MustCompile("(?s)<!-- example: ([a-z-]+)\\.json -->\n(?:\n```json\n.*?\n```\n)?")
	firstCell   = regexp.MustCompile("(?m)^\\| `([A-Z][A-Za-z]+)` \\|")
)

// FEDERATION.md is a promise to strangers: its tables name what the code does, its examples are the golden
// files, and it names every term of ours.
func TestFederationFile(t *testing.T) {
	const path = "../FEDERATION.md"
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	filled := exampleMark.ReplaceAllStringFunc(text, func(found string) string {
		name := exampleMark.FindStringSubmatch(found)[1]
		golden, err := os.ReadFile(filepath.Join("testdata", "golden", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("<!-- example: %s.json -->\n\n```json\n%s```\n", name, golden)
	})
	if *update {
		if err := os.WriteFile(path, []byte(filled), 0o644); err != nil {
			t.Fatal(err)
		}
		text = filled
	}
	if text != filled {
		t.Error("the examples are not what we send: go test ./activitypub -run 'Golden|FederationFile' -update")
	}

	section := func(title string) string {
		_, rest, ok := strings.Cut(text, "## "+title+"\n")
		if !ok {
			t.Fatalf("there is no section %q", title)
		}
		body, _, _ := strings.Cut(rest, "\n## ")
		return body
	}
	named := func(title string) map[string]bool {
		out := map[string]bool{}
		for _, m := range firstCell.FindAllStringSubmatch(section(title), -1) {
			out[m[1]] = true
		}
		return out
	}
	sent := map[string]bool{}
	for _, v := range sampleLetters() {
		if a, ok := v.(*node.Act); ok {
			sent[string(a.Verb)] = true
		}
	}
	if got := named("Activities that it sends"); !maps.Equal(got, sent) {
		t.Errorf("sent: FEDERATION.md names %v, the program %v", got, sent)
	}
	for _, v := range []node.Verb{node.Create, node.Update, node.Delete, node.Follow, node.Accept, node.Reject, node.Undo, node.Like, node.Announce, node.Add, node.Remove, node.Block, node.Flag, node.Move, node.QuoteRequest,
		node.Join, node.Invite, node.Leave, node.TentativeAccept} {
		if got := named("Activities that it understands")[string(v)]; got != node.Wants(v) {
			t.Errorf("understood: FEDERATION.md names %s: %v, the program takes it: %v", v, got, node.Wants(v))
		}
	}
	for _, o := range slices.Sorted(maps.Keys(postTypes)) {
		if !strings.Contains(section("Activities that it understands"), "`"+o+"`") {
			t.Errorf("FEDERATION.md does not say that a %s is shown", o)
		}
	}
	ours := regexp.MustCompile(`"(coop:[A-Za-z]+)"`)
	for name, v := range sampleLetters() {
		for _, m := range ours.FindAllStringSubmatch(string(encodeSample(t, v)), -1) {
			if !strings.Contains(text, m[1]) {
				t.Errorf("%s sends %s, which FEDERATION.md does not show", name, m[1])
			}
		}
	}
}
