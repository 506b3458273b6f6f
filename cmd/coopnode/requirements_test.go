package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
)

// testedLater are requirements that nothing in the program is about yet, or that this test itself is about.
var testedLater = map[string]string{
	"LOGIN-4": "a second factor is for later",
	"T-3":     "this is it",
}

// TestRequirements (T-3) looks for each requirement of ../shared/facts/security.md in the tests: in a comment, or in the
// name of a case. `make requirements` shows what it finds.
func TestRequirements(t *testing.T) {
	sheet, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "facts", "security.md"))
	if os.IsNotExist(err) {
		aptest.Without(t, "every requirement of ../shared/facts/security.md stands in a test")
		return
	} else if err != nil {
		t.Fatal(err)
	}
	tested := requirementsInTests(t)
	known := map[string]bool{}
	var report strings.Builder
	for _, s := range requirementSections(string(sheet)) {
		var missing []string
		for _, id := range s.ids {
			known[id] = true
			later := testedLater[id]
			switch {
			case tested[id] && later != "":
				t.Errorf("%s stands in a test: take it out of testedLater", id)
			case tested[id]:
			case later != "":
				missing = append(missing, id+" ("+later+")")
			default:
				missing = append(missing, id)
				t.Errorf("%s stands in no test. Write one that fails when its guard is removed, and name it there", id)
			}
		}
		fmt.Fprintf(&report, "%2d. %-32s %2d of %2d", s.number, s.title, len(s.ids)-len(missing), len(s.ids))
		if len(missing) > 0 {
			fmt.Fprintf(&report, ", without: %s", strings.Join(missing, ", "))
		}
		report.WriteByte('\n')
	}
	for id := range testedLater {
		if !known[id] {
			t.Errorf("there is no requirement %s", id)
		}
	}
	if len(known) < 100 {
		t.Errorf("only %d requirements were found: has the sheet another form now?", len(known))
	}
	t.Logf("requirements of security.md that stand in a test\n%s", &report)
}

type requirementSection struct {
	number int
	title  string
	ids    []string
}

var (
	sectionHead   = regexp.MustCompile(`(?m)^## (\d+)\. (.*)$`)
	requirement   = regexp.MustCompile("\\*\\*([A-Z]+-\\d+)\\*\\*|`(LIM)`")
	requirementID = regexp.MustCompile(`\b([A-Z]+)-(\d+)(?: to (?:([A-Z]+)-)?(\d+))?\b|\bLIM\b`)
)

// requirementSections reads the sheet: numbered sections, in which each requirement begins with its id in bold.
func requirementSections(sheet string) (list []requirementSection) {
	heads := sectionHead.FindAllStringSubmatchIndex(sheet, -1)
	for i, h := range heads {
		end := len(sheet)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		s := requirementSection{title: sheet[h[4]:h[5]]}
		s.number, _ = strconv.Atoi(sheet[h[2]:h[3]])
		for _, m := range requirement.FindAllStringSubmatch(sheet[h[0]:end], -1) {
			if id := m[1] + m[2]; !slices.Contains(s.ids, id) {
				s.ids = append(s.ids, id)
			}
		}
		slices.SortStableFunc(s.ids, func(a, b string) int {
			an, _, _ := strings.Cut(a, "-")
			bn, _, _ := strings.Cut(b, "-")
			return cmp.Or(strings.Compare(an, bn), cmp.Compare(len(a), len(b)), strings.Compare(a, b))
		})
		if len(s.ids) > 0 {
			list = append(list, s)
		}
	}
	return list
}

// requirementsInTests are all ids that tests and scripts name, "SSRF-2 to SSRF-4" being three.
func requirementsInTests(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && path != root) {
			return filepath.SkipDir
		}
		script := strings.HasPrefix(path, filepath.Join(root, "cmd", "coopnode", "testdata", "script"))
		if d.IsDir() || !strings.HasSuffix(path, "_test.go") && !script && filepath.Base(filepath.Dir(path)) != "storetest" || d.Name() == "requirements_test.go" {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range requirementID.FindAllStringSubmatch(string(b), -1) {
			if m[1] == "" {
				found[m[0]] = true // LIM, the table of limits
				continue
			}
			first, _ := strconv.Atoi(m[2])
			last, err := strconv.Atoi(m[4])
			if err != nil || m[3] != "" && m[3] != m[1] {
				last = first
			}
			for n := first; n <= min(last, first+50); n++ {
				found[fmt.Sprint(m[1], "-", n)] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
