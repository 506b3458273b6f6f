package ui_test

import (
	"bytes"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/node"
)

// upload sends the form as the button that brings a picture does: with all that was typed, and a file.
func (w *writer) upload(do, field string, file []byte, status int) *writer {
	w.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for name, values := range w.form {
		for _, v := range values {
			m.WriteField(name, v)
		}
	}
	m.WriteField("do", do)
	if file != nil {
		part, err := m.CreateFormFile(field, "../../x.html")
		if err != nil {
			w.Fatal(err)
		}
		part.Write(file)
	}
	m.Close()
	r := httptest.NewRequest(http.MethodPost, "/console/pictures", &b)
	r.Header.Set("Content-Type", m.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	res, body := w.send(r)
	if res.StatusCode != status {
		w.Fatalf("upload: %s, want %d: %s", res.Status, status, wrongOn(body))
	}
	return w.reads(w.path, body)
}

func drawing(t *testing.T, w, h int) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var uploadedPicture = regexp.MustCompile(`/media/pictures/[a-z2-7]{26}`)

// A picture comes to a post with all that was typed; it needs a description, is drawn anew under a random name whatever the
// file was called (MED-1, MED-3), and is served as nothing but a picture (MED-2).
func TestPictureInAPost(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, node.RoleEditor)
	w := b.writer("/console/posts/new").set("text.0", "Look at *this*.", "tags", "mill")
	for _, bad := range []struct {
		description string
		file        []byte
		says        string
	}{
		{"A mill", nil, "Choose a file first."},
		{"", drawing(t, 30, 20), "Say in words what the picture shows."},
		{"A mill", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), "no PNG, JPEG, WebP or GIF"},
		{"A mill", append(drawing(t, 8, 8), make([]byte, node.MaxPictureUpload)...), "10 MiB"},
	} {
		w = w.set("description", bad.description).upload("picture", "file", bad.file, http.StatusUnprocessableEntity).says(bad.says)
		if w.form.Get("text.0") != "Look at *this*." || w.form.Get("tags") != "mill" || w.form.Get("description") != bad.description {
			t.Fatalf("what was typed is lost: %v", w.form)
		}
	}
	original := append(drawing(t, 30, 20), "taken in A Coruña"...)
	w = w.set("description", "A mill by the river").upload("picture", "file", original, http.StatusOK)
	if w.form.Get("text.0") != "Look at *this*." || w.form.Get("described.0") != "A mill by the river" || w.path != "/console/posts/new" {
		t.Fatalf("after the upload: %s %v", w.path, w.form)
	}
	at := uploadedPicture.FindString(w.body)
	for _, accept := range []string{"text/html", "application/activity+json", "image/png"} {
		res, body := s.get(at, "Accept", accept)
		if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "image/") || res.Header.Get("Content-Security-Policy") != "default-src 'none'; sandbox" ||
			res.Header.Get("X-Content-Type-Options") != "nosniff" || strings.Contains(body, "Coruña") {
			t.Errorf("Accept %s: %s %v", accept, res.Status, res.Header)
		}
	}
	w.set("described.0", " ").press("publish", http.StatusUnprocessableEntity).says("Say in words what the picture shows.")
	w.set("described.0", "An old mill").press("publish", http.StatusSeeOther)
	p := s.ours(t, node.TypePost, "Look at *this*.").(*node.Post)
	if len(p.Pictures) != 1 || p.Pictures[0].Address != base+at || p.Pictures[0].Description != "An old mill" || p.Pictures[0].Width != 30 {
		t.Errorf("pictures: %+v", p.Pictures)
	}
	s.want(t, path(p), http.StatusOK, at, `alt="An old mill"`)

	// Somebody else's address in the form is refused, not fetched and not linked.
	forged := b.writer("/console/posts/new").set("text.0", "x", "picture.0", "https://evil.example/1.png", "described.0", "x")
	if body := forged.press("publish", http.StatusUnprocessableEntity).body; strings.Contains(body, `src="https://`) {
		t.Error("a picture of another host is shown")
	}

	w = b.writer("/console/posts/"+p.ID).press("unpicture:0", http.StatusOK)
	if w.form.Has("picture.0") {
		t.Error("the picture is still in the form")
	}
	w.press("save", http.StatusSeeOther)
	if p := s.ours(t, node.TypePost, "Look at *this*.").(*node.Post); len(p.Pictures) != 0 {
		t.Errorf("pictures: %+v", p.Pictures)
	}
}

// MED-2: what is served as a picture is one of two types whatever its row says, and what is not there is no page.
func TestPictureOfAnotherType(t *testing.T) {
	s := emptySite(t)
	name := strings.Repeat("m", 26)
	if err := s.node.Store().WritePicture(name, []byte("<script>alert(1)</script>")); err != nil {
		t.Fatal(err)
	}
	err := s.node.Store().Tx(t.Context(), func(tx node.Tx) error {
		return tx.SavePicture(t.Context(), &node.PictureFile{Address: base + "/x", Use: node.AsShown, State: node.PictureKept, Name: name, Type: "text/html", Used: s.now()})
	})
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{name: "image/png", strings.Repeat("n", 26): "text/plain; charset=UTF-8"} {
		if res, _ := s.get("/media/pictures/" + at); res.Header.Get("Content-Type") != want || res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %s %v", at, res.Status, res.Header)
		}
	}
}

// What a form brings that is too large for the memory is on the disk no longer than it is looked at, whether it was taken or
// refused (MED-3); and what is larger than it may be is not read to its end.
func TestUploadsLeaveNothingBehind(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	s := newSite(t)
	b := s.signedIn(t, node.RoleEditor)
	for _, tt := range []struct {
		path, csrf string
		bytes      int
		status     int
	}{
		{"/console/pictures", b.csrf, 1 << 20, http.StatusOK},
		{"/console/start/2", b.csrf, 1 << 20, http.StatusSeeOther},
		{"/console/start/2", "forged", 1 << 20, http.StatusForbidden},
		{"/console/start/2", b.csrf, 11 << 20, http.StatusUnprocessableEntity},
		{"/console/start/2", b.csrf, 13 << 20, http.StatusRequestEntityTooLarge},
	} {
		var form bytes.Buffer
		m := multipart.NewWriter(&form)
		for name, value := range map[string]string{"csrf": tt.csrf, "for": string(node.TypePost), "do": "picture", "description": "A mill"} {
			m.WriteField(name, value)
		}
		part, err := m.CreateFormFile(map[bool]string{true: "file", false: "picture"}[tt.path == "/console/pictures"], "mill.png")
		if err != nil {
			t.Fatal(err)
		}
		part.Write(append(drawing(t, 30, 20), make([]byte, tt.bytes)...))
		m.Close()
		r := httptest.NewRequest(http.MethodPost, tt.path, &form)
		r.Header.Set("Content-Type", m.FormDataContentType())
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		if res, body := b.send(r); res.StatusCode != tt.status {
			t.Errorf("%s, %d bytes: %s: %s", tt.path, tt.bytes, res.Status, wrongOn(body))
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s, %d bytes: left behind are %v, %v", tt.path, tt.bytes, left, err)
		}
	}
}

// A picture that cannot be kept aside while it comes is answered with 503 (DB-6), and taken in to its end: the connection may be closed
// afterwards, and whoever still sent would hear of that instead.
func TestUploadOnAFullDisk(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, node.RoleEditor)
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	m.WriteField("csrf", b.csrf)
	part, err := m.CreateFormFile("file", "mill.png")
	if err != nil {
		t.Fatal(err)
	}
	part.Write(make([]byte, 1<<20))
	m.Close()
	r := httptest.NewRequest(http.MethodPost, "/console/pictures", &form)
	r.Header.Set("Content-Type", m.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if res, body := b.send(r); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%s: %s", res.Status, wrongOn(body))
	}
	if form.Len() > 0 {
		t.Errorf("%d bytes were not taken in", form.Len())
	}
}

// The picture beside the name and the one above the page are set on their own, and what else was typed stays in the form.
func TestPicturesOfTheProfile(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, node.RoleEditor)
	w := b.writer("/console/profile").set("name", "Not saved yet", "icon.description", "A gorse flower", "banner.description", "The sea")
	w = w.upload("icon", "icon.file", drawing(t, 600, 400), http.StatusOK).says("The picture is set.")
	w = w.upload("banner", "banner.file", drawing(t, 3000, 1000), http.StatusOK).says("The banner is set.")
	if w.form.Get("name") != "Not saved yet" {
		t.Errorf("what was typed is lost: %v", w.form)
	}
	a, err := s.node.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if a.Name == "Not saved yet" || a.Icon.Width != 400 || a.Icon.Height != 400 || a.Icon.Description != "A gorse flower" || a.Image.Width != 1500 || a.Image.Description != "The sea" {
		t.Errorf("profile: %s %+v %+v", a.Name, a.Icon, a.Image)
	}
	s.want(t, "/", http.StatusOK, strings.TrimPrefix(a.Image.Address, base), `alt="The sea"`)
	w = w.set("banner.description", "The Atlantic").press("describe:banner", http.StatusOK)
	w = w.press("unpicture:icon", http.StatusOK)
	if a, err = s.node.Profile(t.Context()); err != nil || a.Icon.Address != "" || a.Image.Description != "The Atlantic" {
		t.Errorf("profile: %+v %+v %v", a.Icon, a.Image, err)
	}
	w.upload("icon", "icon.file", nil, http.StatusUnprocessableEntity).says("Choose a file first.")
}
