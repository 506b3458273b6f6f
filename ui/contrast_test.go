package ui_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every pair of colours that a rule of the stylesheet puts together can be told apart, in both modes: 4.5 for text, 3 for
// what else carries meaning (WCAG 2.2, 1.4.3 and 1.4.11). Where a rule names but one of two, the other is what it can
// lie on or hold.
func TestContrastOfRules(t *testing.T) {
	b, err := os.ReadFile("style.css")
	if err != nil {
		t.Fatal(err)
	}
	css := regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(string(b), "")
	modes := [2]map[string]string{{}, {}}
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+): light-dark\((#[0-9a-f]+), (#[0-9a-f]+)\)`).FindAllStringSubmatch(css, -1) {
		modes[0][m[1]], modes[1][m[1]] = m[2], m[3]
	}
	grounds := []string{"paper", "surface"}
	// Drawn without meaning, or under something that has it.
	quiet := []string{"line", "pine-line", "land", "surface", "sunken", "paper", "pine-tint", "clay-tint", "indigo-tint", "berry-tint", "on-pine", "c"}

	pairs := 0
	check := func(rule, front, back string, least float64) {
		t.Helper()
		pairs++
		for i, colours := range modes {
			if colours[front] == "" || colours[back] == "" {
				t.Errorf("%s: there is no colour %s or %s", rule, front, back)
			} else if got := contrast(t, colours[front], colours[back]); got < least {
				t.Errorf("%s: %s on %s has %.2f in the %s mode, want %.1f", rule, front, back, got, []string{"light", "dark"}[i], least)
			}
		}
	}
	for _, m := range regexp.MustCompile(`([^{}]+)\{([^{}]*)\}`).FindAllStringSubmatch(css, -1) {
		rule := strings.TrimSpace(m[1])
		text, ground := valueOf(m[2], "color"), valueOf(m[2], "background")
		if ground == "" {
			ground = valueOf(m[2], "background-color")
		}
		switch {
		case text != "" && ground != "":
			check(rule, text, ground, 4.5)
		case text != "" && !strings.HasPrefix(text, "on-") && !slices.Contains(quiet, text) && modes[0][text] != "":
			for _, under := range grounds {
				check(rule, text, under, 4.5)
			}
		case ground != "" && (strings.HasSuffix(ground, "-tint") || ground == "sunken" || ground == "surface"):
			check(rule, "ink", ground, 4.5)
		case ground != "" && !slices.Contains(quiet, ground):
			check(rule, ground, "surface", 3)
		}
		for _, what := range []string{"fill", "stroke"} {
			if drawn := valueOf(m[2], what); drawn != "" && !slices.Contains(quiet, drawn) {
				for _, under := range grounds {
					check(rule, drawn, under, 3)
				}
			}
		}
	}
	if pairs < 50 {
		t.Errorf("only %d pairs were found in the stylesheet", pairs)
	}
	t.Logf("%d pairs", pairs)
}

// valueOf is the token that a rule sets a property to, "" if it does not.
func valueOf(rule, property string) string {
	m := regexp.MustCompile(`(?:^|[;{\s])` + property + `: var\(--([a-z0-9-]+)\)`).FindStringSubmatch(rule)
	if m == nil {
		return ""
	}
	return m[1]
}
