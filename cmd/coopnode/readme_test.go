package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Every command that the README prints is run as it stands there: in a copy of the folder's name
// only where it must be (the port, which may be taken on the machine that tests).
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strings.TrimPrefix(l.Addr().String(), "127.0.0.1:")
	l.Close()

	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(released(t), filepath.Join(dir, "bin/coopnode")); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, line := range consoleLines(string(readme)) {
		switch {
		case strings.HasPrefix(line, "sudo "): // TestInternet does it, with a package, a name and an authority of its own
		case line == "make build": // done above, into the folder of the test
		case strings.HasPrefix(line, "make "):
			// Running it here would run this test again: that the target is there must do.
			if out, err := exec.Command("make", "-n", "-C", "../..", strings.TrimPrefix(line, "make ")).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", line, err, out)
			}
		case strings.Contains(line, "coopnode serve"):
			serve := shell(t, dir, line, port)
			serve.Stderr = os.Stderr
			if err := serve.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { serve.Process.Signal(os.Interrupt); serve.Wait() })
			waitUntilUp(t, "http://127.0.0.1:"+port)
		case strings.Contains(line, "coopnode follow"):
			// Nobody lives at a name that ends in .example: the command must say so in words.
			out, err := shell(t, dir, line, port).CombinedOutput()
			if err == nil || !bytes.Contains(out, []byte("trenza.example")) {
				t.Errorf("%s: %v\n%s", line, err, out)
			}
		default:
			if out, err := shell(t, dir, line, port).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", line, err, out)
			}
		}
		ran++
	}
	if ran < 10 {
		t.Errorf("only %d commands found in the README", ran)
	}
	// What the commands published is there for a visitor.
	resp, err := http.Get("http://localhost:" + port + "/openings.atom")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var feed bytes.Buffer
	feed.ReadFrom(resp.Body)
	if !strings.Contains(feed.String(), "Accessibility audit") {
		t.Errorf("the feed does not have the opening of the README:\n%s", &feed)
	}
}

// consoleLines are the lines after "$ " in the console blocks of a Markdown text.
func consoleLines(text string) []string {
	var out []string
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "```console":
			inside = true
		case strings.HasPrefix(line, "```"):
			inside = false
		case inside && strings.HasPrefix(line, "$ "):
			out = append(out, strings.TrimPrefix(line, "$ "))
		}
	}
	return out
}

func shell(t *testing.T, dir, line, port string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "exec "+strings.ReplaceAll(line, ":8080", ":"+port))
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
	return cmd
}

func waitUntilUp(t *testing.T, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		if resp, err := http.Get(address + "/livez"); err == nil {
			resp.Body.Close()
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%s does not come up", address)
}
