package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// licences are those that go together with the AGPL, by a sentence that each of them has.
var licences = map[string]string{
	"MIT":        "Permission is hereby granted, free of charge",
	"BSD":        "Redistribution and use in source and binary forms",
	"Apache-2.0": "Apache License",
}

// SUP-1: every module of which something is in the program has a licence under which coopnode may be given away.
func TestLicences(t *testing.T) {
	t.Parallel()
	listed, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Dir}}{{end}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	modules := map[string]string{} // to its folder
	for line := range strings.Lines(string(listed)) {
		if path, dir, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			modules[path] = dir
		}
	}
	count := map[string]int{}
	for path, dir := range modules {
		found := licenceIn(dir)
		if found == "" {
			t.Errorf("%s has no licence that goes together with the AGPL", path)
		}
		count[found]++
	}
	if len(modules) < 20 {
		t.Errorf("only %d modules were found", len(modules))
	}
	t.Logf("%d modules: %v", len(modules), count)
}

func licenceIn(dir string) string {
	files, _ := filepath.Glob(filepath.Join(dir, "LICEN*")) // the pattern is a constant
	for _, f := range files {
		text, err := os.ReadFile(f)
		for name, sentence := range licences {
			if err == nil && strings.Contains(strings.Join(strings.Fields(string(text)), " "), sentence) {
				return name
			}
		}
	}
	return ""
}
