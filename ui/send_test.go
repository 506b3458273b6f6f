package ui_test

import (
	"bytes"
	"compress/gzip"
	"image/png"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/node"
)

// security.md 6: the headers of every HTML answer, trouble too.
func TestPageHeaders(t *testing.T) {
	s := newSite(t)
	for _, p := range []string{"/", "/openings", path(s.Dated), "/nothing", path(s.Deleted)} {
		res, _ := s.get(p)
		for name, want := range map[string]string{
			"Content-Security-Policy":    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options":     "nosniff",
			"Referrer-Policy":            "same-origin",
			"Strict-Transport-Security":  "max-age=31536000",
			"Cross-Origin-Opener-Policy": "same-origin",
			"Permissions-Policy":         "camera=(), microphone=(), geolocation=()",
			"Content-Type":               "text/html; charset=UTF-8",
		} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", p, name, got, want)
			}
		}
		if vary := res.Header.Get("Vary"); !strings.HasPrefix(vary, "Accept, ") {
			t.Errorf("%s: Vary is %q", p, vary)
		}
	}
}

// A page that has not changed costs a 304; one that has is sent.
func TestNotModified(t *testing.T) {
	s := newSite(t)
	for _, p := range []string{"/", "/openings", "/openings.atom", path(s.Dated), "/media/emblem.png", "/media/emblem.svg", "/robots.txt"} {
		res, body := s.get(p)
		tag := res.Header.Get("ETag")
		if tag == "" || len(body) == 0 {
			t.Errorf("%s: ETag %q, %d bytes", p, tag, len(body))
		}
		res, body = s.get(p, "If-None-Match", `"other", `+tag)
		if res.StatusCode != http.StatusNotModified || body != "" || res.Header.Get("ETag") != tag || res.Header.Get("Cache-Control") == "" {
			t.Errorf("%s again: %s with %d bytes, %v", p, res.Status, len(body), res.Header)
		}
	}
	res, _ := s.get(path(s.Dated))
	if _, err := s.node.SetOpeningStatus(t.Context(), "test", s.Dated.ID, node.Filled); err != nil {
		t.Fatal(err)
	}
	if res, _ = s.get(path(s.Dated), "If-None-Match", res.Header.Get("ETag")); res.StatusCode != http.StatusOK {
		t.Errorf("after a change: %s", res.Status)
	}
}

func TestHead(t *testing.T) {
	s := newSite(t)
	res, body := s.get("/openings")
	head, nothing := s.ask(http.MethodHead, "/openings")
	if head.StatusCode != http.StatusOK || head.Header.Get("ETag") != res.Header.Get("ETag") || head.Header.Get("Content-Length") != strconv.Itoa(len(body)) {
		t.Errorf("HEAD: %s %v, %d bytes", head.Status, head.Header, len(nothing))
	}
}

func TestCompression(t *testing.T) {
	s := newSite(t)
	_, plain := s.get("/")
	res, packed := s.get("/", "Accept-Encoding", "br, gzip;q=0.8")
	if res.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(res.Header.Get("Vary"), "Accept-Encoding") {
		t.Fatalf("headers %v", res.Header)
	}
	z, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(z); err != nil || string(b) != plain {
		t.Errorf("unpacked is not the page: %v", err)
	}
	if res, _ := s.get("/", "Accept-Encoding", "gzip;q=0"); res.Header.Get("Content-Encoding") != "" {
		t.Error("compressed for one who refuses it")
	}
}

func TestMedia(t *testing.T) {
	s := newSite(t)
	for p, size := range map[string][2]int{"/media/emblem.png": {400, 400}, "/media/banner.png": {1500, 500}, "/media/preview.png": {1200, 630}, "/favicon.ico": {48, 48}} {
		res, body := s.get(p)
		c, err := png.DecodeConfig(bytes.NewReader([]byte(body)))
		if err != nil || c.Width != size[0] || c.Height != size[1] || res.Header.Get("Content-Type") != "image/png" {
			t.Errorf("%s: %v, %d × %d, %v", p, err, c.Width, c.Height, res.Header)
		}
		// MED-2: whatever is asked for, never a page or a document.
		for _, accept := range []string{"text/html", "application/activity+json"} {
			if res, _ := s.get(p, "Accept", accept); res.Header.Get("Content-Type") != "image/png" || res.Header.Get("Content-Security-Policy") != "default-src 'none'; sandbox" || res.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s for %s: %v", p, accept, res.Header)
			}
		}
	}
	for _, p := range []string{"/media/emblem.svg", "/media/tile.svg?of=https%3A%2F%2Fquebracho.example%2Fap%2Fcoop"} {
		if res, body := s.get(p); res.Header.Get("Content-Type") != "image/svg+xml" || !strings.HasPrefix(body, "<svg") {
			t.Errorf("%s: %v", p, res.Header)
		}
	}
	s.want(t, "/media/tile.svg", 400)
	s.want(t, "/media/tile.svg?of="+strings.Repeat("x", 3000), 400)
}

// The stylesheet is kept for ever under the name of what is in it, and under no other.
func TestStylesheet(t *testing.T) {
	s := newSite(t)
	_, body := s.get("/")
	p := between(body, `<link rel="stylesheet" href="`, `"`)
	res, css := s.get(p)
	if res.StatusCode != 200 || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") || !strings.Contains(css, "@layer") {
		t.Errorf("%s: %s %v", p, res.Status, res.Header)
	}
	if res, _ := s.get("/assets/0123456789ab/style.css"); strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
		t.Error("an old name of the stylesheet may be kept for ever")
	}
}
