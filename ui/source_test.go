package ui_test

import (
	"bytes"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The generated pages are those of the .templ files (decisions 8).
func TestGeneratedPagesAreFresh(t *testing.T) {
	dir := t.TempDir()
	sources, err := filepath.Glob("*.templ")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no .templ files: %v", err)
	}
	for _, name := range sources {
		copyFile(t, name, filepath.Join(dir, name))
	}
	if out, err := exec.Command("go", "tool", "templ", "generate", "-path", dir).CombinedOutput(); err != nil {
		t.Fatalf("generate: %v\n%s", err, out)
	}
	for _, name := range sources {
		made := strings.TrimSuffix(name, ".templ") + "_templ.go"
		want, err := os.ReadFile(filepath.Join(dir, made))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(made); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what %s makes now. Run: go generate ./ui", made, name)
		}
	}
	kept, _ := filepath.Glob("*_templ.go")
	if len(kept) != len(sources) {
		t.Errorf("%d .templ files, %d _templ.go files", len(sources), len(kept))
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Every text that a page asks for is there, and none is kept that nobody asks for.
func TestEveryTextIsThere(t *testing.T) {
	b, err := os.ReadFile("language/en.json")
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	keys := []string{}
	for _, m := range regexp.MustCompile(`(?m)^  "([^"]+)": "`).FindAllStringSubmatch(string(b), -1) {
		have[m[1]] = true
		keys = append(keys, m[1])
	}
	if len(have) != len(keys) || !slices.IsSorted(keys) {
		t.Error("language/en.json has a key twice, or keys that are not sorted")
	}
	var source strings.Builder
	for _, pattern := range []string{"*.templ", "*.go"} {
		files, _ := filepath.Glob(pattern)
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") || strings.HasSuffix(f, "_templ.go") {
				continue
			}
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(b)
		}
	}
	// What is asked for by name must be there.
	for _, m := range regexp.MustCompile(`\b(say|sayCount)\((?:\w+(?:\.Request\(\)\.Context\(\))?, )*"([^"]+)"( ?\+)?`).FindAllStringSubmatch(source.String(), -1) {
		for _, key := range map[string][]string{"say": {m[2]}, "sayCount": {m[2] + ".one", m[2] + ".other"}}[m[1]] {
			if !have[key] && m[3] == "" {
				t.Errorf("language/en.json lacks %q", key)
			}
		}
	}
	for _, m := range regexp.MustCompile(`(?:\.done\(c, [^,\n]+, |\.wrong\([^,\n]+, )"([^"]+)"( ?\+)?`).FindAllStringSubmatch(source.String(), -1) {
		if !have[m[1]] && m[2] == "" {
			t.Errorf("language/en.json lacks %q", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`\.doneCount\(c, [^,\n]+, "([^"]+)"( ?\+)?`).FindAllStringSubmatch(source.String(), -1) {
		if m[2] == "" && !(have[m[1]+".one"] && have[m[1]+".other"]) {
			t.Errorf("language/en.json lacks %q", m[1]+".other")
		}
	}
	// What is there must be named, whole or by how it begins: "kind." + the kind.
	named := map[string]bool{}
	prefixes := []string{"error."} // troublePage puts the status behind it
	for _, m := range regexp.MustCompile(`"([a-z][A-Za-z0-9.-]*)"`).FindAllStringSubmatch(source.String(), -1) {
		named[m[1]] = true
		if strings.HasSuffix(m[1], ".") {
			prefixes = append(prefixes, m[1])
		}
	}
	for key := range have {
		known := named[key]
		for _, form := range []string{".one", ".other"} {
			base, counted := strings.CutSuffix(key, form)
			known = known || counted && named[base]
		}
		for _, p := range prefixes {
			known = known || strings.HasPrefix(key, p)
		}
		if !known {
			t.Errorf("nobody says %q", key)
		}
	}
}

// Text has a contrast of 4.5 at least, and what carries meaning 3, in both modes (WCAG 2.2, 1.4.3 and 1.4.11).
func TestContrast(t *testing.T) {
	css, err := os.ReadFile("style.css")
	if err != nil {
		t.Fatal(err)
	}
	modes := [2]map[string]string{{}, {}}
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+): light-dark\((#[0-9a-f]+), (#[0-9a-f]+)\)`).FindAllStringSubmatch(string(css), -1) {
		modes[0][m[1]], modes[1][m[1]] = m[2], m[3]
	}
	pairs := []struct {
		front, back string
		least       float64
	}{{"line-strong", "paper", 3}, {"line-strong", "surface", 3}, {"on-pine", "pine", 4.5}, {"on-pine", "pine-deep", 4.5}}
	for _, back := range []string{"paper", "surface", "sunken"} {
		for _, front := range []string{"ink", "ink-soft", "pine", "pine-deep"} {
			pairs = append(pairs, struct {
				front, back string
				least       float64
			}{front, back, 4.5})
		}
	}
	for _, p := range [][2]string{{"pine-deep", "pine-tint"}, {"clay", "clay-tint"}, {"indigo", "indigo-tint"}, {"berry", "berry-tint"}, {"ink", "pine-tint"}, {"ink", "clay-tint"}, {"pine", "indigo-tint"}} {
		pairs = append(pairs, struct {
			front, back string
			least       float64
		}{p[0], p[1], 4.5})
	}
	for i := range 10 {
		pairs = append(pairs, struct {
			front, back string
			least       float64
		}{"c" + strconv.Itoa(i), "sunken", 3})
	}
	for i, colours := range modes {
		for _, p := range pairs {
			if got := contrast(t, colours[p.front], colours[p.back]); got < p.least {
				t.Errorf("%s on %s has %.2f in the %s mode, want %.1f", p.front, p.back, got, []string{"light", "dark"}[i], p.least)
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	hex = strings.TrimPrefix(hex, "#")
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil || len(hex) != 6 {
		t.Fatalf("%q is no colour", hex)
	}
	part := func(v uint64) float64 {
		c := float64(v&255) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(n>>16) + 0.7152*part(n>>8) + 0.0722*part(n)
}

// No colour and no size of text outside the tokens: the rest of the stylesheet only names them.
func TestOnlyTokensNameColours(t *testing.T) {
	css, err := os.ReadFile("style.css")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(css), "@layer base {")
	if !ok {
		t.Fatal("the stylesheet has no layer base")
	}
	if m := regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b|rgb\(|hsl\(`).FindString(rest); m != "" {
		t.Errorf("%q stands outside the tokens", m)
	}
	if m := regexp.MustCompile(`[{; ](margin|padding|border|inset)-(left|right)|[{; ](left|right):|text-align: (left|right)`).FindString(rest); m != "" {
		t.Errorf("%q does not turn round for right-to-left", m)
	}
}
