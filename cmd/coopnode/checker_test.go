package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// inChecker gives every page to the Nu HTML checker of the W3C at once.
func (s *sample) inChecker(t *testing.T) {
	if !has(t, "pages in the Nu HTML checker", "java", "node_modules/vnu-jar/build/dist/vnu.jar") {
		return
	}
	names := map[string]string{} // of the file to the address
	dir := t.TempDir()
	write := func(address, body string) {
		name := filepath.Join(dir, fmt.Sprintf("%d.html", len(names)))
		if err := os.WriteFile(name, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		names["file:"+name] = address
	}
	for _, language := range languages {
		for _, p := range s.pages {
			_, body := look(t, p.address, p.headers(language)...)
			write(p.address+" in "+language, body)
		}
	}
	write("wrong", `<!DOCTYPE html><html lang="en"><head><title>Wrong</title></head><body><p id="a"><ul><li id="a">x</ul></body></html>`)
	found := complaints(t, dir)
	wrong := 0
	for _, m := range found {
		if names[m.URL] == "wrong" {
			wrong++
			continue
		}
		t.Errorf("%s, line %d: %s: %s in %s", names[m.URL], m.LastLine, m.Type, m.Message, strings.TrimSpace(m.Extract))
	}
	if wrong < 1 {
		t.Errorf("the checker finds nothing wrong where there is: this test could not fail")
	}
	t.Logf("%d pages", len(names)-1)
}

// A complaint is what the checker says of a file.
type complaint struct {
	Type, URL, Message, Extract string
	LastLine                    int
}

func complaints(t *testing.T, dir string) []complaint {
	t.Helper()
	cmd := exec.Command("java", "-jar", filepath.Join(judgeDir, "node_modules", "vnu-jar", "build", "dist", "vnu.jar"), "--format", "json", "--exit-zero-always", dir)
	var errOut strings.Builder
	cmd.Stderr = &errOut // where it says what it finds
	if err := cmd.Run(); err != nil {
		t.Fatalf("the checker: %v\n%s", err, &errOut)
	}
	var answer struct{ Messages []complaint }
	if err := json.Unmarshal([]byte(errOut.String()), &answer); err != nil {
		t.Fatalf("the checker says %q: %v", &errOut, err)
	}
	return answer.Messages
}
