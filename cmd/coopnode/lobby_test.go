package main

import (
	"compress/gzip"
	"database/sql"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// oldNode is a program with the data that the first one wrote, at another port than that had.
func oldNode(t *testing.T) *program {
	t.Helper()
	p := &program{TB: t, bin: "coopnode", dir: t.TempDir(), base: "http://localhost:8080", log: &quietBuffer{}}
	for name, in := range map[string]string{"coopnode.db": "schema-1.db.gz", "master.key": "schema-1.key"} {
		f, err := os.Open(filepath.Join("../../store/testdata", in))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var from io.Reader = f
		if strings.HasSuffix(in, ".gz") {
			if from, err = gzip.NewReader(f); err != nil {
				t.Fatal(err)
			}
		}
		b, err := io.ReadAll(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(p.dir, name), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// DB-5, DB-1: while the database is brought up to date letters and visitors are asked to come again and none is lost; another
// process is refused before it takes a port; and afterwards all that was there is there.
func TestDoorsAreOpenDuringUpdate(t *testing.T) {
	t.Parallel()
	p := oldNode(t)
	port := freePort()
	at := "http://127.0.0.1:" + port
	// The update has to wait for somebody who writes, as for a large table.
	held, err := sql.Open("sqlite", filepath.Join(p.dir, "coopnode.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	held.SetMaxOpenConns(1)
	if _, err := held.Exec("pragma journal_mode = wal"); err != nil {
		t.Fatal(err)
	}
	if _, err := held.Exec("begin immediate"); err != nil {
		t.Fatal(err)
	}
	p.child = p.run("serve", "--listen", "127.0.0.1:"+port)
	p.child.Stderr = p.log
	if err := p.child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.child.Process.Kill() })
	ask := func(path string, headers ...string) (int, http.Header, string) {
		r, err := http.NewRequest(http.MethodGet, at+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "localhost:8080"
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		res, err := client.Do(r)
		if err != nil {
			return 0, nil, err.Error()
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Error(err)
		}
		return res.StatusCode, res.Header, string(b)
	}
	p.until("somebody listens", func() bool { status, _, _ := ask("/livez"); return status == http.StatusOK })

	// All at once, for the update waits no longer than five seconds.
	var visitors sync.WaitGroup
	visit := func(what, path, want string, headers ...string) {
		visitors.Go(func() {
			status, header, body := ask(path, headers...)
			if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" || !strings.Contains(body, want) {
				t.Errorf("%s: %d, Retry-After %q, %s; want 503 and %q", what, status, header.Get("Retry-After"), body, want)
			}
		})
	}
	visit("a probe", "/readyz", "not ready: it ")
	visit("a probe that reads JSON", "/readyz", `"ready":false`, "Accept", "application/json")
	visit("a person", "/", `<html lang="es"`, "Accept", "text/html", "Accept-Language", "es")
	visitors.Go(func() {
		_, _, page := ask("/", "Accept", "text/html")
		style := regexp.MustCompile(`/assets/[0-9a-f]{12}/style\.css`).FindString(page)
		if status, header, _ := ask(style); style == "" || status != http.StatusOK || header.Get("Content-Type") != "text/css; charset=utf-8" {
			t.Errorf("the style of the page, %q: %d %s", style, status, header.Get("Content-Type"))
		}
	})
	visit("a program", "/ap/coop", `"status":503`, "Accept", "application/activity+json")
	links := node.Links{Base: p.base}
	ana := aptest.NewStranger(t, "away").Person("ana")
	note := ana.Note("<p>While you were away.</p>", aptest.M{"inReplyTo": links.Object(node.TypePost, "i5x7jrdizd")})
	letter := ana.Create(note)
	here := func(l *aptest.Letter) { l.Change = func(r *http.Request) { r.URL.Host = "127.0.0.1:" + port } }
	visitors.Go(func() {
		if a := ana.Post(links.Inbox(), letter, here); a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
			t.Errorf("a letter: %d %s", a.Status, a.Body)
		}
	})
	visitors.Go(func() {
		out, err := p.run("serve", "--listen", "127.0.0.1:"+port).CombinedOutput()
		if end := (*exec.ExitError)(nil); !errors.As(err, &end) || end.ExitCode() != 5 || !strings.Contains(string(out), "uses the data in") {
			t.Errorf("another process: %v\n%s", err, out) // not that the port is taken
		}
	})
	visitors.Wait()
	if _, err := held.Exec("rollback"); err != nil {
		t.Fatal(err)
	}
	p.until("it is ready", func() bool { status, _, _ := ask("/readyz"); return status == http.StatusOK })
	if a := ana.Post(links.Inbox(), letter, here); a.Status != http.StatusAccepted {
		t.Errorf("the letter, sent again: %d %s", a.Status, a.Body)
	}
	p.until("the letter is in the inbox", func() bool { return strings.Contains(p.command("inbox", "list"), "While you were away.") })
	if out := p.command("opening", "list"); !strings.Contains(out, "A baker for the oven") {
		t.Errorf("openings after the update:\n%s", out)
	}
	if !strings.Contains(p.log.String(), `"schema updated"`) {
		t.Errorf("nothing was updated, so nothing was shown:\n%s", p.log)
	}
	p.stop()
}
