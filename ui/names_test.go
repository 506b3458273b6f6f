package ui

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/coopnode/coopnode/node"
)

// The names of languages and countries that node has are those of CLDR, all of them. With -update they are written.
func TestNames(t *testing.T) {
	tags := display.Values.Tags()
	for _, tag := range display.Self.Supported.Tags() {
		if !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	slices.SortStableFunc(tags, func(a, b language.Tag) int { return strings.Count(a.String(), "-") - strings.Count(b.String(), "-") })

	var languages, countries []display.Namer
	head := ""
	for _, tongue := range ourTongues {
		languages, countries = append(languages, display.Languages(tongue.tag)), append(countries, display.Regions(tongue.tag))
		head += "\t" + tongue.tag.String()
	}
	languages = append(languages, display.Self)
	writes(t, "languages.tsv", "tag"+head+"\t"+node.OwnName, tags, languages)
	writes(t, "countries.tsv", "code"+head, display.Values.Regions(), countries)
}

// writes compares a table with what the namers say of each key.
func writes[K fmt.Stringer](t *testing.T, file, head string, keys []K, namers []display.Namer) {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(head + "\n")
	for _, key := range keys {
		b.WriteString(key.String())
		for _, n := range namers {
			b.WriteString("\t" + n.Name(key))
		}
		b.WriteByte('\n')
	}
	file = filepath.Join("..", "node", "names", file)
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, b.Bytes()) {
		t.Errorf("%s is not what CLDR says (%v). Write it anew: go test ./ui -run TestNames -update", file, err)
	}
}
