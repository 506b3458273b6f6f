package main

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/ui"
)

// BenchmarkPages measures pages against what they cannot do without, both in this process and without a network
// (issue 5, Done when 3): a page that is kept against a file server that reads the same bytes, and the board with 10,000
// openings, made anew each time, against the questions that it asks the store.
func BenchmarkPages(b *testing.B) {
	const openings = 10_000
	ctx := context.Background()
	p := newProgram(b, "coopnode", "The mill")
	p.addOpenings(openings)
	db := p.open()
	n, err := node.New(ctx, db, activitypub.NewEncoder, node.Options{Markdown: ui.Markdown, Clean: ui.Clean})
	if err != nil {
		b.Fatal(err)
	}
	e := newEcho()
	ui.Mount(e, n, ui.Options{})

	ask := func(cookie string) *http.Request {
		r := httptest.NewRequest(http.MethodGet, "/openings", nil)
		r.Header.Set("Accept", acceptPage)
		r.Header.Set("Accept-Encoding", "gzip")
		if cookie != "" {
			r.Header.Set("Cookie", cookie) // such a page is not kept
		}
		return r
	}
	answer := httptest.NewRecorder()
	e.ServeHTTP(answer, ask(""))
	if answer.Code != http.StatusOK || answer.Header().Get("Content-Encoding") != "gzip" {
		b.Fatalf("the board answers %d %v", answer.Code, answer.Header())
	}
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "page.gz"), answer.Body.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	files := http.FileServer(http.Dir(dir))

	b.Run("kept", func(b *testing.B) {
		page, file := ask(""), httptest.NewRequest(http.MethodGet, "/page.gz", nil)
		kept := perRun(b, func() { e.ServeHTTP(&nowhere{}, page) })
		read := perRun(b, func() { files.ServeHTTP(&nowhere{}, file) })
		b.Logf("a kept page of %d bytes takes %v, the file %v", answer.Body.Len(), kept, read)
		target(b, "x-file", float64(kept)/float64(read), 5)
	})
	b.Run("board", func(b *testing.B) {
		q := node.ObjectQuery{Type: node.TypeOpening, OpenAt: n.Now(), Listed: true, Limit: 20}
		asked := perRun(b, func() {
			if count, err := n.Count(ctx, q); err != nil || count != openings {
				b.Fatalf("%d openings, %v", count, err)
			}
			if list, _, err := n.Objects(ctx, q); err != nil || len(list) != q.Limit {
				b.Fatalf("%d openings on a page, %v", len(list), err)
			}
		})
		made := perRun(b, func() {
			w := &nowhere{}
			e.ServeHTTP(w, ask("lang=en"))
			if w.status != http.StatusOK || w.bytes > mostLater {
				b.Fatalf("the board answers %d with %d bytes", w.status, w.bytes)
			}
		})
		b.Logf("the board of %d openings takes %v, its questions %v", openings, made, asked)
		target(b, "x-query", float64(made)/float64(asked), 10)
	})
	z, err := gzip.NewReader(answer.Body)
	if err == nil {
		_, err = io.Copy(io.Discard, z)
	}
	if err != nil {
		b.Errorf("the page cannot be read: %v", err)
	}
}

// perRun is how long one run of f takes, as the fastest of five rounds tells.
func perRun(b *testing.B, f func()) time.Duration {
	b.Helper()
	f()
	best := time.Duration(0)
	for range 5 {
		runs, begun := 0, time.Now()
		for time.Since(begun) < 200*time.Millisecond {
			f()
			runs++
		}
		if took := time.Since(begun) / time.Duration(runs); best == 0 || took < best {
			best = took
		}
	}
	return best
}

// nowhere counts what is written.
type nowhere struct {
	header http.Header
	status int
	bytes  int
}

func (w *nowhere) Header() http.Header {
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}

func (w *nowhere) WriteHeader(status int) { w.status = status }

func (w *nowhere) Write(b []byte) (int, error) {
	w.bytes += len(b)
	return len(b), nil
}
