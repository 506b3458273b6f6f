package activitypub_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// painting is a PNG of so many pixels that differs by its shade.
func painting(t testing.TB, w, h int, shade byte) []byte {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetRGBA(x, y, color.RGBA{shade, byte(x), byte(y), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A studio is a person on another server whom the node follows, and who posts pictures.
type studio struct {
	*testing.T
	home *aptest.Node
	at   *aptest.Stranger
	*aptest.Person
}

func newStudio(t *testing.T) *studio {
	s := &studio{T: t, home: aptest.NewNode(t, "mill"), at: aptest.NewStranger(t, "studio")}
	s.Person = s.at.Person("ana")
	s.hang("/ana.png", painting(t, 300, 500, 9), "image/png")
	s.at.Serve(s.Person.ID, aptest.With(s.Document("ana"), aptest.M{"icon": aptest.M{"type": "Image", "mediaType": "image/png", "url": s.at.Base + "/ana.png"}}))
	a, err := s.home.Wire.Find(t.Context(), s.Person.ID)
	if err == nil {
		_, err = s.home.Node.Follow(t.Context(), "test", a)
	}
	if err != nil {
		t.Fatal(err)
	}
	aptest.Until(t, "the follow arrives", func() bool { return len(s.at.Letters("Follow")) > 0 })
	s.Want(http.StatusAccepted, s.home.Links.Inbox(), s.Do("Accept", s.at.Letters("Follow")[0]))
	s.home.Handled()
	return s
}

// hang serves bytes at a path, under whatever type.
func (s *studio) hang(path string, b []byte, contentType string) string {
	s.at.Handle(s.at.Base+path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Write(b)
	})
	return s.at.Base + path
}

// post sends a post with attachments, as an answer to a post of ours so that a page of ours shows it.
func (s *studio) post(more aptest.M) (note aptest.M, page string) {
	s.Helper()
	ours := s.home.Post("What have you made?")
	note = s.Note("<p>Look.</p>", aptest.With(aptest.M{"inReplyTo": ours.IRI}, more))
	s.Want(http.StatusAccepted, s.home.Links.Inbox(), s.Create(note))
	s.home.Handled()
	return note, s.home.Links.Page(node.TypePost, ours.ID)
}

// copyOf waits for the end of the fetching of a picture and gives what is known of it.
func (s *studio) copyOf(address string, use node.PictureUse) *node.PictureFile {
	s.Helper()
	var f *node.PictureFile
	aptest.Until(s.T, address+" is fetched or given up", func() bool {
		var err error
		f, err = s.home.DB.Picture(s.Context(), address, use)
		if err != nil && !node.IsNotFound(err) {
			s.Fatal(err)
		}
		return err == nil && (f.State != node.PictureWanted || f.Attempts > 0)
	})
	return f
}

func (s *studio) page(address string) string {
	s.Helper()
	res := aptest.Get(s.T, address, "Accept", "text/html")
	if res.Status != http.StatusOK {
		s.Fatalf("%s: %d", address, res.Status)
	}
	return string(res.Body)
}

// files lists the names on the node's disk.
func (s *studio) files() (names []string) {
	s.Helper()
	list, err := s.home.DB.PictureFiles()
	if err != nil {
		s.Fatal(err)
	}
	for _, f := range list {
		names = append(names, f.Name)
	}
	return names
}

var imgTag = regexp.MustCompile(`<img[^>]*src="([^"]*)"[^>]*>`)

// Pictures of others are fetched by the node and served from it; no page names another host in an image, and to look at one asks
// nobody. What came is not what is served, and its type is fixed (MED-1, MED-2).
func TestPicturesOfOthersAreServedFromHere(t *testing.T) {
	t.Parallel()
	s := newStudio(t)
	original := painting(t, 2000, 1000, 200)
	shown, folded, film := s.hang("/shown.jpg", original, "text/html"), s.hang("/folded", painting(t, 90, 60, 7), "application/activity+json"), s.at.Base+"/film.mp4"
	_, page := s.post(aptest.M{"attachment": []any{
		aptest.M{"type": "Document", "mediaType": "image/jpeg", "url": shown, "name": "A <mill> by the river", "width": 1, "height": 1, "blurhash": "LEHV6nWB2yk8"},
		aptest.M{"type": "Image", "url": []any{aptest.M{"type": "Link", "mediaType": "image/png", "href": folded}}, "sensitive": true},
		aptest.M{"type": "Document", "mediaType": "video/mp4", "url": film, "name": "The mill turns"},
	}})
	f := s.copyOf(shown, node.AsShown)
	if f.State != node.PictureKept || f.Width != 1600 || f.Height != 800 {
		t.Fatalf("copy: %+v", f)
	}
	hidden, icon := s.copyOf(folded, node.AsShown), s.copyOf(s.at.Base+"/ana.png", node.AsIcon)
	if icon.State != node.PictureKept || icon.Width != 88 || icon.Height != 88 {
		t.Errorf("icon: %+v", icon)
	}

	s.at.Forget()
	html := s.page(page)
	s.page(s.home.Links.Profile())
	if n := len(s.at.Requests()); n != 0 {
		t.Errorf("to look at pages asked the other server %d times", n)
	}
	for _, want := range []string{
		`src="/media/pictures/` + f.Name + `" width="736" height="368" alt="A &lt;mill&gt; by the river" loading="lazy"`,
		"<details>", `src="/media/pictures/` + hidden.Name, "/media/pictures/" + icon.Name, `href="` + film + `"`, "The mill turns (at ",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Index(html, "<details>") > strings.Index(html, hidden.Name) {
		t.Error("the sensitive picture is not folded")
	}
	for _, m := range imgTag.FindAllStringSubmatch(html, -1) {
		if !strings.HasPrefix(m[1], "/") || strings.HasPrefix(m[1], "//") || !strings.Contains(m[0], "alt=") {
			t.Errorf("an image of another host, or without words: %s", m[0])
		}
	}

	at := s.home.Links.Picture(f.Name)
	for _, accept := range []string{"", "*/*", "text/html", "application/activity+json", `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`, "image/svg+xml", "application/xhtml+xml, text/html;q=0.9"} {
		res := aptest.Get(t, at, "Accept", accept)
		h := res.Header
		if res.Status != 200 || h.Get("Content-Type") != f.Type || h.Get("X-Content-Type-Options") != "nosniff" ||
			h.Get("Content-Security-Policy") != "default-src 'none'; sandbox" || !strings.Contains(h.Get("Cache-Control"), "immutable") {
			t.Errorf("Accept %q: %d %v", accept, res.Status, h)
		}
		if bytes.Equal([]byte(res.Body), original) {
			t.Error("what came is what is served")
		}
	}
	for _, name := range []string{"aaaaaaaaaaaaaaaaaaaaaaaaaa", "x", "..%2f..%2fmaster.key", "%2e%2e%2fcoopnode.db", f.Name + ".html", f.Name + "%00", strings.ToUpper(f.Name)} { // MED-3
		res := aptest.Get(t, s.home.Links.Base+"/media/pictures/"+name, "Accept", "text/html, application/activity+json")
		if res.Status != http.StatusNotFound || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: %d %s", name, res.Status, res.Header.Get("Content-Type"))
		}
	}
}

// What is no picture, too large, too slow or somewhere where the node does not go is named with a link, once, and nothing of it is
// kept (LIM, MED-1, SSRF-5, SSRF-6).
func TestPicturesThatCannotBeHad(t *testing.T) {
	t.Parallel()
	s := newStudio(t)
	bomb := painting(t, 4, 4, 1)
	copy(bomb[16:], "\x00\x00\x75\x30\x00\x00\x75\x30") // the header says 30000 by 30000
	large := append(painting(t, 4, 4, 1), make([]byte, node.MaxPictureFetch)...)
	moved := func(path, to string) string {
		s.at.Handle(s.at.Base+path, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) })
		return s.at.Base + path
	}
	s.at.Handle(s.at.Base+"/endless", func(w http.ResponseWriter, _ *http.Request) {
		for _, err := w.Write(painting(t, 4, 4, 1)); err == nil; _, err = w.Write(make([]byte, 1<<16)) {
		}
	})
	addresses := map[string]string{
		"SVG":                       s.hang("/x.png", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), "image/png"),
		"HTML":                      s.hang("/y.png", []byte("<script>alert(1)</script>"), "image/png"),
		"a bomb":                    s.hang("/bomb", bomb, "image/png"),
		"8 MiB and 1":               s.hang("/large", large, "image/png"),
		"endless":                   s.at.Base + "/endless",
		"gone":                      s.at.Base + "/nothing",
		"moved to a private host":   moved("/m1", "http://10.0.0.1/x.png"),
		"moved to another scheme":   moved("/m2", "file:///etc/passwd"),
		"moved to metadata":         moved("/m3", "http://169.254.169.254/latest"),
		"moved in a circle":         moved("/m4", s.at.Base+"/m4"),
		"at a private address":      "http://192.168.0.1/x.png",
		"at no address":             "http://user@studio.localhost/x.png",
		"at the node's own picture": s.home.Links.Icon(),
	}
	var list []any
	for _, a := range addresses {
		list = append(list, aptest.M{"type": "Image", "url": a})
	}
	_, page := s.post(aptest.M{"attachment": list})
	s.copyOf(s.at.Base+"/ana.png", node.AsIcon)
	for name, a := range addresses {
		if name == "at the node's own picture" {
			if _, err := s.home.DB.Picture(t.Context(), a, node.AsShown); !node.IsNotFound(err) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if f := s.copyOf(a, node.AsShown); f.State != node.PictureFailed || f.Name != "" || f.Reason == "" {
			t.Errorf("%s: %+v", name, f)
		}
	}
	html := s.page(page)
	if got := strings.Count(html, "Picture without a description (picture at "); got != len(list) {
		t.Errorf("%d of %d pictures are named with a link", got, len(list))
	}
	if n := len(s.files()); n != 1 {
		t.Errorf("%d files, want the icon alone", n)
	}
	if n := s.at.Count("GET", "/bomb"); n != 1 {
		t.Errorf("the bomb was asked for %d times", n)
	}
	if faults := s.home.Faults(); len(faults) > 0 {
		t.Errorf("faults: %v", faults)
	}
}

// OUT-2, LIM: the client ends a slow answer and one that is too long, and follows to another public host with all its checks.
func TestGetPicture(t *testing.T) {
	t.Parallel()
	var other *httptest.Server
	release := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/exact", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, node.MaxPictureFetch)) })
	mux.HandleFunc("/more", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, node.MaxPictureFetch+1)) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/exact", http.StatusFound)
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "\x89PNG")
		w.(http.Flusher).Flush()
		<-release
	})
	server := httptest.NewServer(mux)
	other = httptest.NewServer(mux)
	t.Cleanup(func() { close(release); server.Close(); other.Close() })
	c, err := activitypub.NewClient(activitypub.ClientOptions{Rules: activitypub.AddressRules{Dev: true}})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/exact", "/moved"} {
		if b, err := c.GetPicture(t.Context(), server.URL+path); err != nil || len(b) != node.MaxPictureFetch {
			t.Errorf("%s: %d bytes, %v", path, len(b), err)
		}
	}
	var document *activitypub.DocumentError
	if _, err := c.GetPicture(t.Context(), server.URL+"/more"); !errors.As(err, &document) {
		t.Errorf("8 MiB and 1: %v", err)
	}
	var network *activitypub.NetworkError
	if _, err := c.GetPicture(t.Context(), server.URL+"/slow"); !errors.As(err, &network) {
		t.Errorf("slow: %v", err)
	}
}

// What is deleted takes its pictures along, from the disk too; so does an edit that drops one, a rule that refuses them, and an actor who is
// gone.
func TestPicturesGoWithTheirOwner(t *testing.T) {
	t.Parallel()
	s := newStudio(t)
	icon := s.copyOf(s.at.Base+"/ana.png", node.AsIcon)
	first, second := s.hang("/1.png", painting(t, 20, 20, 1), "image/png"), s.hang("/2.png", painting(t, 20, 20, 2), "image/png")
	attach := func(addresses ...string) aptest.M {
		var list []any
		for _, a := range addresses {
			list = append(list, aptest.M{"type": "Image", "url": a, "name": "A drawing"})
		}
		return aptest.M{"attachment": list}
	}
	note, page := s.post(attach(first, second))
	name := s.copyOf(first, node.AsShown).Name
	s.copyOf(second, node.AsShown)
	left := func(n int) {
		t.Helper()
		aptest.Until(t, fmt.Sprintf("%d files are left", n), func() bool { return len(s.files()) == n })
	}
	left(3)

	edited := aptest.With(note, attach(second))
	edited["updated"] = s.home.Now().Add(time.Minute).Format(time.RFC3339)
	s.Want(http.StatusAccepted, s.home.Links.Inbox(), s.Do("Update", edited))
	left(2)
	if res := aptest.Get(t, s.home.Links.Picture(name)); res.Status != http.StatusNotFound {
		t.Errorf("a dropped picture: %d", res.Status)
	}

	change := func(set, drop []*node.Rule) {
		t.Helper()
		if _, err := s.home.ChangeRules(t.Context(), "test", set, drop); err != nil {
			t.Fatal(err)
		}
	}
	rule := &node.Rule{Target: "studio.localhost", Severity: node.SeverityNone, RejectMedia: true}
	change([]*node.Rule{rule}, nil)
	if html := s.page(page); strings.Contains(html, "/media/pictures/") || strings.Contains(html, second) || !strings.Contains(html, "Look.") {
		t.Error("MOD-3: the page shows a picture that a rule refuses, or not the post")
	}
	if res := aptest.Get(t, s.home.Links.Picture(icon.Name)); res.Status != http.StatusNotFound {
		t.Errorf("MOD-3: a refused picture is served: %d", res.Status)
	}
	third := s.hang("/3.png", painting(t, 20, 20, 3), "image/png")
	s.post(attach(third))
	if n := s.at.Count("GET", "/3.png"); n != 0 {
		t.Errorf("MOD-3: a refused picture was asked for %d times", n)
	}
	change(nil, []*node.Rule{rule})
	if html := s.page(page); !strings.Contains(html, "/media/pictures/") {
		t.Error("without the rule the picture does not come back")
	}
	s.post(aptest.M{}) // the icon went with the post under the rule, and comes back with this one
	s.copyOf(s.at.Base+"/ana.png", node.AsIcon)
	left(2)

	s.Want(http.StatusAccepted, s.home.Links.Inbox(), s.Do("Delete", note["id"]))
	left(1)
	s.Want(http.StatusAccepted, s.home.Links.Inbox(), s.Do("Delete", s.Person.ID))
	left(0)
}

// A kill between a file and its row loses nothing and leaves nothing: a file of which nobody knows goes, a row without its file is
// fetched again, and what was to be erased is erased.
func TestPicturesAfterAKill(t *testing.T) {
	t.Parallel()
	s := newStudio(t)
	icon := s.copyOf(s.at.Base+"/ana.png", node.AsIcon)
	gone := s.hang("/gone.png", painting(t, 20, 20, 2), "image/png")
	note, _ := s.post(aptest.M{"attachment": aptest.M{"type": "Image", "url": gone}})
	erased := s.copyOf(gone, node.AsShown)
	s.home.Rest()

	// Written, and then killed before the row; half written; and one that a command is writing now.
	stray, half, young := strings.Repeat("s", 26), strings.Repeat("h", 26), strings.Repeat("y", 26)
	for _, name := range []string{stray, half, young} {
		if err := s.home.DB.WritePicture(name, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	shelf := filepath.Join(s.home.Dir(), "pictures")
	if err := os.Rename(filepath.Join(shelf, half), filepath.Join(shelf, half+".new")); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-2 * time.Hour)
	for _, name := range []string{stray, half + ".new"} {
		if err := os.Chtimes(filepath.Join(shelf, name), long, long); err != nil {
			t.Fatal(err)
		}
	}
	// A row whose file is lost.
	if err := s.home.DB.RemovePicture(icon.Name); err != nil {
		t.Fatal(err)
	}
	// Erased, and killed before the file went.
	if err := s.home.Receive(t.Context(), &node.Letter{}, &node.Act{IRI: s.NewID("delete"), Verb: node.Delete, Actor: s.Person.ID, ObjectIRI: aptest.ID(note)}); err != nil {
		t.Fatal(err)
	}
	if res := aptest.Get(t, s.home.Links.Picture(erased.Name)); res.Status != http.StatusNotFound {
		t.Errorf("what is erased is served until its file goes: %d", res.Status)
	}

	s.home.Restart()
	again := func() *node.PictureFile {
		f, err := s.home.DB.Picture(t.Context(), icon.Address, node.AsIcon)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	aptest.Until(t, "the lost file is fetched again", func() bool { f := again(); return f.State == node.PictureKept && f.Name != icon.Name })
	want := map[string]bool{young: true, again().Name: true}
	aptest.Until(t, "the strays and the erased go", func() bool {
		for _, name := range s.files() {
			if !want[name] {
				return false
			}
		}
		return len(s.files()) == len(want)
	})
}

// Pictures of posts that pages do not show are not fetched, and no more than 16 of one (LIM).
func TestPicturesOnlyOfWhatIsShown(t *testing.T) {
	t.Parallel()
	s := newStudio(t)
	s.copyOf(s.at.Base+"/ana.png", node.AsIcon)
	at := s.hang("/direct.png", painting(t, 20, 20, 1), "image/png")
	s.post(aptest.M{"to": []any{s.home.Links.Actor()}, "cc": []any{}, "attachment": aptest.M{"type": "Image", "url": at}})
	var many []any
	for i := range 20 {
		many = append(many, aptest.M{"type": "Image", "url": s.hang(fmt.Sprintf("/many/%d.png", i), painting(t, 8, 8, byte(i)), "image/png")})
	}
	note, _ := s.post(aptest.M{"attachment": many})
	if n := len(s.home.Known(aptest.ID(note)).Common().Pictures); n != 16 {
		t.Errorf("%d pictures of one post", n)
	}
	s.copyOf(s.at.Base+"/many/15.png", node.AsShown)
	for _, path := range []string{"/direct.png", "/many/16.png"} {
		if n := s.at.Count("GET", path); n != 0 {
			t.Errorf("%s was asked for %d times", path, n)
		}
	}
	stranger := s.at.Person("bo")
	s.hang("/bo.png", painting(t, 20, 20, 1), "image/png")
	s.at.Serve(stranger.ID, aptest.With(stranger.Document("bo"), aptest.M{"icon": aptest.M{"type": "Image", "url": s.at.Base + "/bo.png"}}))
	stranger.Want(http.StatusAccepted, s.home.Links.Inbox(), stranger.Create(stranger.Note("<p>Nobody asked.</p>", nil)))
	s.home.Handled()
	if _, err := s.home.DB.Picture(t.Context(), s.at.Base+"/bo.png", node.AsIcon); !node.IsNotFound(err) {
		t.Errorf("icon of a stranger: %v", err)
	}
}

// LIM: a picture of ours has at most 10 MiB, also where it could be read.
func TestOwnPictureIsNotTooLarge(t *testing.T) {
	d := newDesk(t)
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	small := b.Bytes()
	large := append(slices.Clone(small), make([]byte, node.MaxPictureUpload+1-len(small))...)
	if _, err := d.SetPicture(t.Context(), "test", node.AsIcon, large, "A square"); node.KindOf(err) != node.Invalid || !strings.Contains(node.TextOf(err), "10 MiB") {
		t.Errorf("10 MiB and a byte: %v", err)
	}
	if _, err := d.SetPicture(t.Context(), "test", node.AsIcon, large[:node.MaxPictureUpload], "A square"); err != nil {
		t.Errorf("10 MiB: %v", err)
	}
}
