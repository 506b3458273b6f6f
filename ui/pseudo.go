package ui

import (
	"strings"
	"sync"

	"golang.org/x/text/language"
)

// Languages for tests, made from English by their CLDR names: en-XA is longer than any language and full of accents, and
// shows what is cut off, what does not fit and what is no text of the language files; ar-XB runs from right to left.
// Nodes made with init --dev speak them where the address or the cookie asks for one.
var pseudoTongues = sync.OnceValue(func() []*tongue {
	return []*tongue{
		pseudo("en-XA", "[Pseudo]", "ltr", func(s string) string { return "[" + accents.Replace(s) + strings.Repeat("·", (len(s)+3)/4) + "]" }),
		pseudo("ar-XB", "[RTL]", "rtl", arabics.Replace),
	}
})

func pseudo(tag, name, dir string, change func(string) string) *tongue {
	t := *english
	t.tag, t.name, t.dir = language.Make(tag), name, dir
	t.texts = sync.OnceValue(func() map[string]string {
		texts := map[string]string{}
		for key, text := range english.texts() {
			texts[key] = changeWords(text, change)
		}
		return texts
	})
	return &t
}

// changeWords changes a text between its placeholders, which are those of package fmt: %s, %[2]d, %%.
func changeWords(text string, change func(string) string) string {
	var b strings.Builder
	for text != "" {
		words, rest, found := strings.Cut(text, "%")
		if words != "" {
			b.WriteString(change(words))
		}
		if !found {
			break
		}
		end := strings.IndexAny(rest, "sd%") + 1
		b.WriteString("%" + rest[:end])
		text = rest[end:]
	}
	return b.String()
}

var (
	accents = letters("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "àƀçďéƒĝĥîĵķļɱñöþɋŕšţûṽŵẋýžÀƁÇĎÉƑĜĤÎĴĶĻṀÑÖÞɊŔŠŢÛṼŴẊÝŽ")
	arabics = letters("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "ابثدعفجهيذكلمنوپقرستؤڤضخىزابثدعفجهيذكلمنوپقرستؤڤضخىز")
)

// letters replaces each letter by the one at its place.
func letters(from, to string) *strings.Replacer {
	others := []rune(to)
	var pairs []string
	for i, r := range []rune(from) {
		pairs = append(pairs, string(r), string(others[i]))
	}
	return strings.NewReplacer(pairs...)
}
