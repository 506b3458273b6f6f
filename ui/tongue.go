package ui

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	xnumber "golang.org/x/text/number"

	"github.com/coopnode/coopnode/node"
)

// Every text that pages say stands in language/en.json by its key, and in the other files in their languages. Keys name
// the page or the thing; where a number is said, the key has a form for each plural form of the language that is needed
// (CLDR): "members.one", "members.other". Placeholders are those of package fmt; %[2]s takes the second value.
//
//go:embed language/*.json
var languageFiles embed.FS

// A tongue is a language that the pages speak.
type tongue struct {
	tag     language.Tag
	rules   language.Tag             // whose numbers, plurals and names it has: its own, unless it was made for tests
	name    string                   // what its speakers call it
	dir     string                   // ltr or rtl
	draft   bool                     // no native reader has been through it
	texts   func() map[string]string // whole: what the language lacks is English. Read when the language is first spoken
	printer *message.Printer
}

var (
	english = newTongue(language.English, nil)

	// ourTongues are the languages of the pages, in the order of the menu.
	ourTongues = []*tongue{english, newTongue(language.Spanish, english), newTongue(language.Make("gl"), english),
		draft(language.Portuguese), draft(language.French), draft(language.Japanese)}
)

func draft(tag language.Tag) *tongue {
	t := newTongue(tag, english)
	t.draft = true
	return t
}

func newTongue(tag language.Tag, under *tongue) *tongue {
	return &tongue{tag: tag, rules: tag, name: node.LanguageName(node.OwnName, tag.String()), dir: "ltr", printer: message.NewPrinter(tag),
		texts: sync.OnceValue(func() map[string]string { return readTongue(tag, under) })}
}

func readTongue(tag language.Tag, under *tongue) map[string]string {
	texts := map[string]string{}
	if under != nil {
		maps.Copy(texts, under.texts())
	}
	b, err := languageFiles.ReadFile("language/" + tag.String() + ".json")
	if err == nil {
		err = json.Unmarshal(b, &texts)
	}
	if err != nil {
		panic("language " + tag.String() + ": " + err.Error()) // the files are part of the program
	}
	return texts
}

type tongueKey struct{}

// speaking is ctx for a visit in that language.
func speaking(ctx context.Context, t *tongue) context.Context {
	return context.WithValue(ctx, tongueKey{}, t)
}

// tongueOf is the language of a visit; English where none was chosen.
func tongueOf(ctx context.Context) *tongue {
	if t, ok := ctx.Value(tongueKey{}).(*tongue); ok {
		return t
	}
	return english
}

// has says whether there is a text of that key, in any form.
func (t *tongue) has(key string) bool {
	_, ok := t.texts()[key]
	return ok
}

// say is the text of key in the language of the visit, with its values filled in.
func say(ctx context.Context, key string, values ...any) string {
	text, ok := tongueOf(ctx).texts()[key]
	if !ok {
		return key // TestEveryTextIsThere finds it
	}
	if len(values) == 0 || !strings.Contains(text, "%") { // "liked once" says the number itself
		return strings.ReplaceAll(text, "%%", "%")
	}
	return fmt.Sprintf(text, values...)
}

// sayCount is the text for so many of something: the form of key that the language wants for n, with n as the first
// value.
func sayCount(ctx context.Context, key string, n float64, values ...any) string {
	t := tongueOf(ctx)
	if form := key + "." + t.form(n); t.has(form) {
		key = form
	} else {
		key += ".other"
	}
	return say(ctx, key, append([]any{number(ctx, n)}, values...)...)
}

// form is the name of the plural form of n (CLDR), as it is written by number.
func (t *tongue) form(n float64) string {
	whole, part, _ := strings.Cut(plainNumber(n), ".")
	i, f := 0, 0
	fmt.Sscan(whole, &i)
	fmt.Sscan(part, &f)
	// No zeros stand at the end of what number writes, so that all its fraction is visible: v = w, f = t.
	switch plural.Cardinal.MatchPlural(t.rules, i, len(part), len(part), f, f) {
	case plural.Zero:
		return "zero"
	case plural.One:
		return "one"
	case plural.Two:
		return "two"
	case plural.Few:
		return "few"
	case plural.Many:
		return "many"
	}
	return "other"
}

// plainNumber writes n with a point and as many of two digits behind it as are not zero.
func plainNumber(n float64) string {
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.2f", max(n, -n)), "0"), ".")
}

// sayKnown is the text of a word from a closed list, or the word itself where another server
// used one that is not in it.
func sayKnown(ctx context.Context, prefix, word string) string {
	if text, ok := tongueOf(ctx).texts()[prefix+word]; ok {
		return text
	}
	return plainName(word)
}

// number writes 12000.5 as 12,000.5.
func number(ctx context.Context, f float64) string {
	t := tongueOf(ctx)
	options := []xnumber.Option{xnumber.MaxFractionDigits(2)}
	if t.rules == language.Spanish && -10000 < f && f < 10000 { // 1234, but 12.345: CLDR minimumGroupingDigits, which x/text leaves out
		options = append(options, xnumber.NoSeparator())
	}
	return t.printer.Sprint(xnumber.Decimal(f, options...))
}
