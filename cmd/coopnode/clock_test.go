package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// clockReaders are the files that read the system's clock, and what for. Everything else is told the time (T-2).
var clockReaders = map[string]string{
	"node/node.go":                    "the clock of a node that was given none",
	"activitypub/client.go":           "the clock of a client that was given none",
	"activitypub/resolve.go":          "how long a name server may take",
	"activitypub/hostlimits.go":       "tokens of a moment, for what is asked in a second",
	"activitypub/self.go":             "whether a certificate holds now, as the system's own check",
	"activitypub/incoming.go":         "a pause of moments",
	"activitypub/glance.go":           "how long an answer took",
	"activitypub/outgoing.go":         "a pause of moments",
	"ui/console.go":                   "how long an upload may take",
	"ui/export.go":                    "how long an export may take",
	"store/backup.go":                 "when a backup was made, for its manifest: no decision hangs on it",
	"store/erased.go":                 "when something was erased, for who reads the list: no decision hangs on it",
	"store/sum.go":                    "how long a stop may take",
	"store/store.go":                  "how long a use took",
	"store/writer.go":                 "how long a commit took",
	"store/restore.go":                "when a restored node was made, for who asks since when it is paused",
	"store/trouble.go":                "a value that is written to see whether it can be",
	"store/copy.go":                   "the name of a copy",
	"cmd/coopnode/clock.go":           "the one clock",
	"cmd/coopnode/clock_fault.go":     "the same, in a build for tests",
	"cmd/coopnode/backup.go":          "how far something is",
	"cmd/coopnode/subscribe.go":       "a pause of moments",
	"cmd/coopnode/lobby.go":           "how long an answer took",
	"cmd/coopnode/db.go":              "how long a check took",
	"cmd/coopnode/listen.go":          "how often a certificate's file is looked at",
	"cmd/coopnode/guard.go":           "how long an answer took, and tokens of a moment",
	"cmd/coopnode/import.go":          "how long an import took",
	"cmd/coopnode/follow.go":          "a pause of moments",
	"cmd/coopnode/setup.go":           "how long a try may take",
	"cmd/coopnode/erase.go":           "how long a command waits",
	"cmd/coopnode/demo.go":            "how long a command waits",
	"cmd/coopnode/demo_board.go":      "a day in the story that the demo tells",
	"cmd/coopnode/demo_story.go":      "the same",
	"cmd/coopnode/demo_federation.go": "the same",
	"cmd/coopnode/demo_reader.go":     "a server that is not ours, in the demo",
	"cmd/coopnode/demo_tell.go":       "what time it is, for who watches the demo",
	"cmd/coopnode/demo_script.go":     "how long the demo took",
}

// T-2: all time is read through one clock. The system's is read in the files above alone.
func TestOneClock(t *testing.T) {
	t.Parallel()
	read := map[string]bool{}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && (name == "node_modules" || name == "testdata" || name == "aptest" || name == "storetest" || strings.HasPrefix(name, ".") && path != root) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			of, ok := s.X.(*ast.Ident)
			if ok && of.Name == "time" && (s.Sel.Name == "Now" || s.Sel.Name == "Since" || s.Sel.Name == "Until") {
				name := filepath.ToSlash(rel)
				read[name] = true
				if clockReaders[name] == "" {
					t.Errorf("%s reads the system's clock: take the node's (Now), or say here what for", set.Position(s.Pos()))
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range clockReaders {
		if !read[name] {
			t.Errorf("%s does not read the system's clock any more", name)
		}
	}
}

// T-2: what sets the clock or the disk wrong is in builds with the tag alone.
func TestNoFaultsInOrdinaryBuild(t *testing.T) {
	t.Parallel()
	files := func(flags ...string) string {
		t.Helper()
		cmd := exec.Command("go", append([]string{"list", "-f", "{{.GoFiles}}"}, append(flags, "./cmd/coopnode", "./store")...)...)
		cmd.Dir = filepath.Join("..", "..")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		return string(out)
	}
	for _, name := range []string{" fault.go", " clock_fault.go"} {
		if strings.Contains(files(), name) {
			t.Errorf("%s is in an ordinary build", name)
		}
		if !strings.Contains(files("-tags", "faultinject"), name) {
			t.Errorf("%s is not in a build with the tag", name)
		}
	}
	program, err := os.ReadFile(released(t))
	if err != nil {
		t.Fatal(err)
	}
	for word, in := range map[string]bool{"COOPNODE_FAULT_WHILE": false, "COOPNODE_CLOCK": false, "COOPNODE_DATA": true} {
		if got := bytes.Contains(program, []byte(word)); got != in {
			t.Errorf("the program knows %s: %v, want %v", word, got, in)
		}
	}
}
