package node

import (
	_ "embed" // the names travel inside the program
	"slices"
	"strings"
	"sync"
)

// OwnName is, for LanguageName, in place of a language: what its speakers call a language.
const OwnName = "own"

// LanguageName is what the language of a tag is called in another one: gallego for gl in es. The tag is in its canonical
// form (BCP 47); a region or a script that has no name of its own counts for nothing. "" where we have no name.
func LanguageName(in, tag string) string { return languageNames().name(in, tag) }

// NamedLanguages are the tags of the languages that have a name, the short ones first.
func NamedLanguages() []string { return languageNames().keys }

// CountryName is what a country or a region (ISO 3166-1, UN M.49) is called in a language: España for ES in es. "" where
// we have no name.
func CountryName(in, code string) string { return countryNames().name(in, code) }

// NamedCountries are the codes of the countries and regions that have a name.
func NamedCountries() []string { return countryNames().keys }

// The names are those of CLDR, in the languages of the pages and of what we send. A test of ui, which may know x/text,
// writes them and compares them: the whole of its table of names would add 2.4 MB to the program.
var (
	//go:embed names/languages.tsv
	languagesTSV string
	//go:embed names/countries.tsv
	countriesTSV string

	languageNames = sync.OnceValue(func() names { return readNames(languagesTSV) })
	countryNames  = sync.OnceValue(func() names { return readNames(countriesTSV) })
)

// names are a table: a line for each key, a column for each language.
type names struct {
	languages, keys []string
	lines           map[string]string // by key, without it
}

func readNames(tsv string) names {
	head, rest, _ := strings.Cut(tsv, "\n")
	n := names{languages: strings.Split(head, "\t")[1:], lines: map[string]string{}}
	for line := range strings.Lines(rest) {
		key, line, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		n.keys = append(n.keys, key)
		n.lines[key] = line
	}
	return n
}

// name takes away the last part of a key until there is a name.
func (n names) name(in, key string) string {
	column := slices.Index(n.languages, in)
	for column >= 0 && key != "" {
		if line, ok := n.lines[key]; ok {
			for range column {
				_, line, _ = strings.Cut(line, "\t")
			}
			if name, _, _ := strings.Cut(line, "\t"); name != "" {
				return name
			}
		}
		key = key[:max(strings.LastIndexByte(key, '-'), 0)]
	}
	return ""
}
