package ui_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"github.com/coopnode/coopnode/node"
)

var placeholder = regexp.MustCompile(`%(?:\[([0-9])\])?([sdq%])`)

// values are the values that a text takes, by their place: "1s 2d".
func values(text string) string {
	var list []string
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		if m[2] == "%" {
			continue
		}
		at := m[1]
		if at == "" {
			at = string(rune('1' + len(list)))
		}
		list = append(list, at+m[2])
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " ")
}

// formsOf are the plural forms that numbers take in a language, and whether each of them is that of 1 alone, so that it
// can do without the number.
func formsOf(tag language.Tag) map[string]bool {
	names := map[plural.Form]string{plural.Other: "other", plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many"}
	alone := map[string]bool{}
	take := func(form plural.Form, one bool) {
		was, seen := alone[names[form]]
		alone[names[form]] = one && (was || !seen)
	}
	take(plural.Cardinal.MatchPlural(tag, 1, 0, 0, 0, 0), true)
	for _, n := range []int{0, 2, 3, 5, 11, 21, 100, 1000, 1_000_000} {
		take(plural.Cardinal.MatchPlural(tag, n, 0, 0, 0, 0), false)
	}
	take(plural.Cardinal.MatchPlural(tag, 0, 1, 1, 5, 5), false)
	take(plural.Cardinal.MatchPlural(tag, 1, 1, 1, 5, 5), false)
	return alone
}

func readTexts(t *testing.T, file string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var texts map[string]string
	if err := json.Unmarshal(b, &texts); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if lines := strings.Count(string(b), "\n  \""); lines != len(texts) {
		t.Errorf("%s has %d lines for %d texts: a key stands there twice, or not on a line of its own", file, lines, len(texts))
	}
	return texts
}

// Every language says everything that English says and nothing else, in the plural forms that it has, and with the same
// values in each text.
func TestTranslations(t *testing.T) {
	english := readTexts(t, "language/en.json")
	files, err := filepath.Glob("language/*.json")
	if err != nil || len(files) != 6 {
		t.Fatalf("language files: %v, %v", files, err)
	}
	for _, file := range files {
		tag := language.Make(strings.TrimSuffix(filepath.Base(file), ".json"))
		texts, forms := readTexts(t, file), formsOf(tag)
		wanted := map[string]string{} // key to the English that it translates
		alone := map[string]bool{}
		for key, text := range english {
			base, form, _ := cutLast(key, ".")
			_, one := english[base+".one"]
			if other, counted := english[base+".other"]; counted && one && (form == "one" || form == "other") {
				for form, is := range forms {
					wanted[base+"."+form], alone[base+"."+form] = other, is
				}
				continue
			}
			wanted[key] = text
		}
		for _, key := range slices.Sorted(maps.Keys(wanted)) {
			text, ok := texts[key]
			switch got, want := values(text), values(wanted[key]); {
			case !ok:
				t.Errorf("%s lacks %q: %s", file, key, wanted[key])
			case strings.TrimSpace(text) == "" && strings.TrimSpace(wanted[key]) != "":
				t.Errorf("%s: %q is empty", file, key)
			case got != want && !(alone[key] && (want == "1s" && got == "" || got == strings.TrimPrefix(want, "1s "))):
				t.Errorf("%s: %q takes the values %q, want %q: %s", file, key, got, want, text)
			}
		}
		for key := range texts {
			if _, ok := wanted[key]; !ok {
				t.Errorf("%s has %q, which English has not", file, key)
			}
		}
	}
}

// Every sentence of an error that has a name stands in the languages of the pages, with the same values; and no other does.
func TestErrorsInAllLanguages(t *testing.T) {
	english := readTexts(t, "language/en.json")
	named := map[string]string{}
	for _, room := range []string{"../node", "../activitypub", ".", "../cmd/coopnode"} {
		files, err := filepath.Glob(room + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in %s: %v", room, err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range sentenceName.FindAllStringSubmatch(string(b), -1) {
				if other, ok := named[m[1]]; ok && other != m[2] {
					t.Errorf("%q is the name of two sentences: %s; %s", m[1], other, m[2])
				}
				named[m[1]] = m[2]
			}
		}
	}
	if len(named) < 50 {
		t.Errorf("only %d sentences of errors have a name", len(named))
	}
	for name, text := range named {
		if page, ok := english["wrong."+name]; !ok || values(page) != values(text) {
			t.Errorf("language/en.json says %q of %q: %s", page, "wrong."+name, text)
		}
	}
	for key := range english {
		if name, ok := strings.CutPrefix(key, "wrong."); ok && named[name] == "" {
			t.Errorf("language/en.json has %q, and no error is called so", key)
		}
	}
}

var sentenceName = regexp.MustCompile(`(?:\bwrong\([^,\n]+, |\bSaying\(|\bnoPicture\([a-z]+, )"([a-z.]+)",\s*"((?:[^"\\]|\\.)*)"`)

// What is wrong with a form is said in the language of who filled it in.
func TestErrorsOfFormsAreTranslated(t *testing.T) {
	s := emptySite(t)
	b := s.signedIn(t, node.RoleEditor)
	b.follows("/console/account", "/console/account", "name", b.person.Name, "mail", b.person.Mail, "lang", "gl")
	for name, tt := range map[string]struct {
		do   func() string
		says string
	}{
		"a value": {func() string {
			_, body := b.post("/console/account", "name", b.person.Name, "mail", "ana@")
			return body
		}, "&#34;ana@&#34; non é un enderezo de correo."},
		"a picture": {func() string {
			return b.writer("/console/posts/new").set("description", "x").upload("picture", "file", []byte("<svg/>"), http.StatusUnprocessableEntity).body
		}, "Non é PNG, JPEG, WebP nin GIF."},
	} {
		if body := tt.do(); !strings.Contains(body, tt.says) {
			t.Errorf("%s: the page does not say %q: %s", name, tt.says, wrongOn(body))
		}
	}
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
