package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The rooms and who may import whom: arrows point inward (see node/doc.go). Only activitypub knows go-fed, which
// takes minutes to compile; only libraries may pull in text/template, beside which the linker
// keeps every method of every type (18 MB with go-fed).
func TestRooms(t *testing.T) {
	const module = "github.com/coopnode/coopnode/"
	allowed := map[string][]string{
		"node":               {},
		"store":              {"node"},
		"store/storetest":    {"node", "store"},
		"activitypub":        {"node"},
		"activitypub/aptest": {"node", "store", "activitypub", "ui"},
		"ui":                 {"node"},
		"cmd/coopnode":       {"node", "store", "activitypub", "ui"},
	}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && path != root) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		room := filepath.ToSlash(rel)
		may, known := allowed[room]
		if !known {
			t.Errorf("%s is a room that nobody planned: add it here with what it may import, or move its files", room)
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			test := strings.HasSuffix(path, "_test.go")
			if ours, ok := strings.CutPrefix(name, module); ok && !test && !contains(may, ours) {
				t.Errorf("%s imports %s: arrows point inward, and %s may import only %v", path, ours, room, may)
			}
			if room == "node" && !test && strings.Contains(strings.Split(name, "/")[0], ".") {
				t.Errorf("%s imports %s: node stands on the standard library alone", path, name)
			}
			if strings.HasPrefix(name, "github.com/go-fed/") && !strings.HasPrefix(room, "activitypub") {
				t.Errorf("%s imports %s: only activitypub knows go-fed", path, name)
			}
			if (name == "text/template" || name == "html/template") && !test {
				t.Errorf("%s imports %s: pages are made with templ (decisions 8)", path, name)
			}
			if (name == "golang.org/x/text/language/display" || name == "golang.org/x/text/collate") && !test {
				t.Errorf("%s imports %s, whose tables add 2.4 and 1.4 MB: names are in node, and ui sorts by itself", path, name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}
