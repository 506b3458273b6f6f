package ui

import (
	"context"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

func typing(pairs ...string) *sheet {
	s := &sheet{tongue: english, typed: url.Values{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		s.typed.Add(pairs[i], pairs[i+1])
	}
	return s
}

// Languages and countries are understood as people write them, and come back so.
func TestReadLanguagesAndCountries(t *testing.T) {
	s := typing("l", "Galician, español; EN, pt-br、日本語, Klingonish", "c", "Spain, pt, ARGENTINA, Atlantis")
	if got := s.languages("l"); !slices.Equal(got, []string{"gl", "es", "en", "pt-BR", "ja"}) {
		t.Errorf("languages: %v", got)
	}
	if got := s.countries("c"); !slices.Equal(got, []string{"ES", "PT", "AR"}) {
		t.Errorf("countries: %v", got)
	}
	errs := s.errors(context.Background())
	if len(errs) != 2 || errs[0].Field != "l" || errs[1].Field != "c" {
		t.Errorf("wrong: %v", errs)
	}
	for _, tag := range []string{"gl", "es", "pt-BR", "ja", "ast", "zh-Hant", "x-none", ""} {
		typed := languageTyped(context.Background(), tag)
		if back, ok := readLanguage(english, typed); back != tag {
			t.Errorf("%s is shown as %q, which is read as %q, %v", tag, typed, back, ok)
		}
	}
}

// A date keeps the moment that it stands for, unless another day is typed.
func TestReadDay(t *testing.T) {
	noon := time.Date(2027, 1, 15, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		typed string
		until bool
		want  time.Time
		wrong bool
	}{
		{"2027-01-15", true, noon, false},
		{"2027-01-16", true, time.Date(2027, 1, 16, 23, 59, 59, 0, time.UTC), false},
		{"2027-01-16", false, time.Date(2027, 1, 16, 0, 0, 0, 0, time.UTC), false},
		{"", true, time.Time{}, false},
		{"16.1.2027", true, noon, true},
		{"0001-01-01", true, noon, true},
	} {
		s := typing("d", tt.typed)
		if got := s.day("d", tt.until, noon); !got.Equal(tt.want) || (len(s.faults) > 0) != tt.wrong {
			t.Errorf("%q: %v %v", tt.typed, got, s.faults)
		}
	}
}

// Numbers may be written with a comma and with spaces, and none is below zero or endless.
func TestReadFigures(t *testing.T) {
	for typed, want := range map[string]float64{"7.5": 7.5, "7,5": 7.5, "12 000": 12000, "0": 0, " 3 ": 3} {
		if got, ok := typing("n", typed).figure("n"); got != want || !ok {
			t.Errorf("%q: %v %v", typed, got, ok)
		}
	}
	for _, typed := range []string{"-1", "NaN", "Inf", "1e300", "many", "1.2.3", "0x10p"} {
		s := typing("n", typed)
		if got, ok := s.figure("n"); ok || len(s.faults) == 0 {
			t.Errorf("%q: %v", typed, got)
		}
	}
	if m := typing("b.min", "9", "b.max", "12", "b.currency", "eur").money("b"); *m != (node.Money{Currency: "EUR", Min: 9, Max: 12}) {
		t.Errorf("money: %+v", m)
	}
}

// Only what a page could link to is an address on the web.
func TestReadWeb(t *testing.T) {
	for typed, want := range map[string]string{"coop.example/a": "https://coop.example/a", "http://localhost:8080/": "http://localhost:8080/", "": ""} {
		if got, ok := readWeb(typed); got != want || !ok {
			t.Errorf("%q: %q %v", typed, got, ok)
		}
	}
	for _, typed := range []string{"javascript://localhost/%0aalert(1)", "javascript:alert(1)", "ftp://coop.example", "https://", "nothing", "https://a b.example"} {
		if got, ok := readWeb(typed); ok {
			t.Errorf("%q is taken as %q", typed, got)
		}
	}
}

// A version that is removed takes its own fields along, and those after it move up.
func TestVersions(t *testing.T) {
	s := typing("lang.0", "en", "title.0", "One", "lang.1", "es", "title.1", "Uno", "lang.2", "gl", "title.2", "Un")
	dropVersion(s.typed, 1, []string{"title", "text"})
	if versions(s.typed) != 2 || s.typed.Get("lang.1") != "gl" || s.typed.Get("title.1") != "Un" || s.typed.Has("title.2") {
		t.Errorf("%v", s.typed)
	}
	dropVersion(s.typed, 0, []string{"title"})
	dropVersion(s.typed, 7, []string{"title"})
	if versions(s.typed) != 2 {
		t.Errorf("the first one, or one that is none, was removed: %v", s.typed)
	}
	for range 30 {
		addVersion(s.typed, "fr")
	}
	if versions(s.typed) != maxVersions {
		t.Errorf("%d versions", versions(s.typed))
	}
	dropPicture(typing("picture.0", "a").typed, 3)
}

// Plain text keeps what lines and lists say, and where links lead.
func TestPlainLines(t *testing.T) {
	const html = `<p><strong>OPEN</strong> · work</p><p>One<br>two</p><ul><li>first</li><li>second</li></ul><p><a href="https://a.example/x">a.example/x</a>, <a href="https://b.example/">there</a> <a href="https://t.example/tags/x">#x</a></p>`
	const want = "OPEN · work\n\nOne\ntwo\n\n– first\n– second\n\na.example/x, there (https://b.example/) #x"
	if got := plainLines(html); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
