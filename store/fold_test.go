package store

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestFold(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"São Paulo":              "sao paulo",
		"Sa\u0303o":              "sao", // taken apart already
		"BÄCKER, Straße":         "backer strasse",
		"ЁЛКА ёлка":              "елка елка",
		"İstanbul ISTANBUL ı":    "istanbul istanbul i",
		"Nẵng Đà":                "nang da",
		"台北市":                    "台 北 市",
		"パンﾊﾟﾝ":                  "パ ン パ ン", // narrow kana too
		"サーバー":                   "サ ー バ ー",
		"Go言語でAPI":               "go 言 語 で api",
		"ハン":                     "ハ ン", // not the bread
		"서울 협동조합":                "서울 협동조합",
		"ภาษาไทย":                "ภ า ษ า ไ ท ย",
		"กี่":                    "กี่",
		"हिन्दी":                 "हिन्दी",
		"أَهْلًا العـــربية":     "اهلا العربية",
		"שָׁלוֹם":                "שלום",
		"ΛΌΓΟΣ λόγος":            "λογοσ λογοσ",
		"care-scheduling_v2":     "care scheduling v2",
		"ﬁne ＦＵＬＬ":               "fine full",
		"soft\u00adhy\u200bphen": "softhyphen",
		" !?… ":                  "",
		"Łódź Ørsted Ægir":       "lodz orsted aegir",
		"½ m²":                   "1 2 m2",
	} {
		if got := fold(in); got != want {
			t.Errorf("fold(%q) = %q, want %q", in, got, want)
		}
		if again := fold(want); again != want {
			t.Errorf("fold(%q) = %q, and folded again %q", in, want, again)
		}
	}
	if got := fold(strings.Repeat("a", 1000)); len(got) != longestWord {
		t.Errorf("a word of 1,000 letters has %d in the index, want %d", len(got), longestWord)
	}
}

// What is folded is the same folded again, has nothing but words with one space between them, and does not depend on how
// the text was put together.
func FuzzFold(f *testing.F) {
	for _, s := range []string{"São", "パン屋", "เก่า", "हिन्दी", "a_b*\"", "\u0301\u0301x", "각\u11a8", "ﷺ", "\xff", "İ", "가\u3099"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := fold(s)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "_\"*():^-+") || strings.Join(strings.Fields(got), " ") != got {
			t.Fatalf("fold(%q) = %q", s, got)
		}
		if again := fold(got); again != got {
			t.Errorf("fold(%q) = %q, and again %q", s, got, again)
		}
		if composed := fold(norm.NFC.String(strings.ToValidUTF8(s, " "))); composed != got && len(s) < longestWord {
			t.Errorf("fold(%q) = %q, but composed %q", s, got, composed)
		}
	})
}

func TestTextOf(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`<p>One<br>two</p><p>th<b>re</b>e</p>`:                                  "one two three",
		`<a href="https://x.example/?a=1&amp;b"><span>#</span>maps</a> R&amp;D`: "maps r d",
		`a < b <!-- not this --> c`:                                             "a b c",
	} {
		if got := fold(textOf(in)); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}
