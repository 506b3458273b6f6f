package node_test

import (
	"strings"
	"testing"

	"github.com/coopnode/coopnode/node"
)

func TestSearchWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`one two`:                "one|two",
		` "one two" three`:       "one two|three",
		`one "two three`:         "one|two three",
		`desi* "web eng*" x`:     "desi*|web eng*|x",
		`"" " " * - ! "*" x"y"z`: "x|y|z",
		`NOT a OR b:c ^d`:        "NOT|a|OR|b:c|^d",
	} {
		var got []string
		for _, w := range (node.SearchQuery{Text: text}).Words() {
			s := w.Text
			if w.Begins {
				s += "*"
			}
			got = append(got, s)
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestSearchIsChecked(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	for name, q := range map[string]node.SearchQuery{
		"kind": {Kinds: []string{"song"}}, "owners": {Ownership: "nobody"}, "customer": {Customer: "cats"}, "language": {Language: "e n"},
		"words": {Text: strings.Repeat("word ", 17)}, "text": {Text: strings.Repeat("w", 301)}, "skill": {Skill: strings.Repeat("s", 301)},
		"cursor": {Before: "x"},
	} {
		_, _, err := x.Search(t.Context(), q)
		if node.KindOf(err) != node.Invalid {
			t.Errorf("%s: got %v, want Invalid", name, err)
		}
		if _, err := x.CountFound(t.Context(), q); name != "cursor" && node.KindOf(err) != node.Invalid {
			t.Errorf("counting %s: got %v, want Invalid", name, err)
		}
	}
}

// Whatever people type is a search: it is understood or refused as wrong, and what is found by a text is found by
// each of its words (WEB-2).
func FuzzSearch(f *testing.F) {
	x := newHouse(f)
	for _, title := range []string{"Auditoría de accesibilidad", "台北のパン屋", "NEAR AND OR NOT", "ёлка", "서울"} {
		o := &node.Opening{Base: node.Base{Type: node.TypeOpening, Texts: []node.Text{{Title: title, Source: "one two three"}}}}
		if err := x.Publish(f.Context(), "test", o); err != nil {
			f.Fatal(err)
		}
	}
	if err := x.CatchUp(f.Context()); err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{
		"one two", `"one two"`, `"`, `one"`, `""`, "*", "one*", `"one tw"*`, "NOT one", "one AND two", "NEAR(one two, 2)", "title:one", "{title body}: one", "^one", "one + two",
		"-one", "_tlive", "a\x00b", "\xff", "'; drop table object; --", "台北", "パ*", strings.Repeat("(", 99), "\u0301", "ｏｎｅ", "one\u200btwo", "%", "l’eau", "🙂", "🙂*", "ﷺ",
	} {
		f.Add(s, "", "")
	}
	f.Add("one", "accessibility", "trama.example")
	f.Add("", "\"", "@a@b.example")
	f.Add("", "web engines", "https://trama.example/ap/coop")
	f.Fuzz(func(t *testing.T, text, skill, federation string) {
		for _, best := range []bool{false, true} {
			q := node.SearchQuery{Text: text, Skill: skill, Federation: federation, Country: skill, Best: best}
			if err := q.Validate(); err != nil {
				if node.KindOf(err) != node.Invalid {
					t.Fatalf("refused, but as %v", err)
				}
				return
			}
			list, _, err := x.Search(t.Context(), q)
			if err != nil {
				t.Fatalf("%q %q %q: %v", text, skill, federation, err)
			}
			count, err := x.CountFound(t.Context(), q)
			if err != nil || count != len(list) {
				t.Fatalf("%q: counted %d, %v; found %d", text, count, err, len(list))
			}
			for _, w := range q.Words() {
				one := q
				one.Text = `"` + w.Text + `"`
				if w.Begins {
					one.Text = `"` + w.Text + `*"`
				}
				if found, _, err := x.Search(t.Context(), one); err != nil || len(found) < len(list) {
					t.Fatalf("%q finds %d, and %q alone %d, %v", text, len(list), one.Text, len(found), err)
				}
			}
		}
	})
}

// What a rule or a person hides is not found from that moment on, indexed or not (MOD-1).
func TestSearchHidesAtOnce(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	ours := &node.Opening{Base: node.Base{Type: node.TypeOpening, Texts: []node.Text{{Title: "A harbour"}}}}
	x.must(x.Publish(t.Context(), "test", ours))
	for _, name := range []string{"trama", "ponte"} {
		a := &node.Actor{IRI: "https://" + name + ".example/ap/coop", Type: "Organization", Handle: name, Host: name + ".example", Inbox: "https://" + name + ".example/inbox",
			Coop: &node.Coop{Kind: node.KindConsortium}}
		x.write(func(tx node.Tx) error { return tx.SaveActor(t.Context(), a) })
	}
	x.must(x.CatchUp(t.Context()))
	equal(t, "other federations", x.finds(node.SearchQuery{Text: "ponte"}), []string{"federation"})
	equal(t, "harbours", x.finds(node.SearchQuery{Text: "harbour"}), []string{"opening"})
	equal(t, "federations", x.finds(node.SearchQuery{Text: "trama"}), []string{"federation"})
	x.rules(&node.Rule{Target: "trama.example", Severity: node.SeverityLimit}, &node.Rule{Target: "ponte.example", Severity: node.SeverityReject})
	x.must(x.Delete(t.Context(), "test", ours.IRI))
	equal(t, "deleted harbours", x.finds(node.SearchQuery{Text: "harbour"}), nil)
	equal(t, "limited federations", x.finds(node.SearchQuery{Text: "trama"}), nil)
	equal(t, "refused federations", x.finds(node.SearchQuery{Text: "ponte"}), nil)
}

// A federation is named by its host, its handle or its address.
func TestSearchMembers(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	trama := &node.Actor{IRI: "https://trama.example/ap/coop", Type: "Organization", Handle: "trama", Host: "trama.example", Inbox: "https://trama.example/inbox",
		Coop: &node.Coop{Kind: node.KindConsortium}}
	x.write(func(tx node.Tx) error {
		word := node.Word{Since: noon}
		x.must(tx.SaveMembership(t.Context(), &node.Membership{Federation: trama.IRI, Coop: x.Links.Actor(), CoopSays: word, FederationSays: word}))
		return tx.SaveActor(t.Context(), trama)
	})
	x.must(x.CatchUp(t.Context()))
	for name, want := range map[string][]string{
		"trama.example": {"coop"}, "TRAMA.example": {"coop"}, "@trama@trama.example": {"coop"}, trama.IRI: {"coop"},
		"trama": nil, "example": nil, "other.example": nil, "@other@trama.example": nil, "https://trama.example/": nil,
	} {
		equal(t, "members of "+name, x.finds(node.SearchQuery{Federation: name}), want)
	}
}

// finds gives the kinds of what is found.
func (x *house) finds(q node.SearchQuery) (kinds []string) {
	x.Helper()
	list, _, err := x.Search(x.Context(), q)
	x.must(err)
	for _, f := range list {
		kinds = append(kinds, f.Kind)
	}
	return kinds
}
