package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Every command has a man page with its flags, the configuration file has one with its settings, and groff, which is behind man,
// has no complaint.
func TestManPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if code := run([]string{"man", dir}, strings.NewReader(""), io.Discard, os.Stderr); code != 0 {
		t.Fatalf("coopnode man ends with %d", code)
	}
	page := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		}
		return string(b)
	}
	var each func(cmd *cobra.Command)
	each = func(cmd *cobra.Command) {
		text := page(strings.ReplaceAll(cmd.CommandPath(), " ", "-") + ".1")
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if want := escaped.Replace("--" + f.Name); !f.Hidden && !strings.Contains(text, want) {
				t.Errorf("the page of %s has no %s", cmd.CommandPath(), want)
			}
		})
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				each(c)
			}
		}
	}
	each(rootCommand(&app{}))
	for _, s := range settings {
		if text := page("coopnode.toml.5"); !strings.Contains(text, escaped.Replace(s.name)) {
			t.Errorf("the page of the configuration has no %s", s.name)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "coopnode-redraw.1")); err == nil {
		t.Error("a hidden command has a page")
	}

	if !needTool(t, "man", "groff") {
		return
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("groff", append([]string{"-k", "-man", "-ww", "-z", "-Tutf8"}, pages...)...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%d pages: %v\n%s", len(pages), err, out)
	}
	// What stands there can be copied, and nothing is taken for roff.
	odd := &roff{}
	odd.title("odd", 1)
	odd.text(".dot 'quote' --flag a\\nb ~/x \"y\"")
	file := filepath.Join(t.TempDir(), "odd.1")
	if err := os.WriteFile(file, odd.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("man", "--warnings=all", "-E", "UTF-8", "-l", file)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MANWIDTH=100", "MANPAGER=cat")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), `.dot 'quote' --flag a\nb ~/x "y"`) {
		t.Errorf("man: %v\n%s", err, out)
	}
}
