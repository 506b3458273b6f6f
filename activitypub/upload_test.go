package activitypub_test

import (
	"bytes"
	"encoding/json"
	"image"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// What a post of ours shows travels as attachments with their descriptions, is drawn anew (MED-1), is served as what it is
// (MED-2), and stands at a follower as a copy; an edit that drops it and the end of the post take it away.
func TestOwnPicturesOfAPost(t *testing.T) {
	t.Parallel()
	mill, bakery := aptest.NewNode(t, "mill"), aptest.NewNode(t, "bakery")
	bakery.Follow(mill.Links.Actor())

	original := painting(t, 2000, 1000, 77)
	p, err := mill.AddPicture(t.Context(), original, " The  wheel,\nturning ")
	if err != nil {
		t.Fatal(err)
	}
	post := &node.Post{Base: node.Base{Type: node.TypePost, Texts: []node.Text{{Lang: "en", Source: "It turns."}},
		Pictures: []node.Picture{{Address: p.Address, Description: p.Description}}}}
	mill.Publish(post)
	mill.Delivered()
	bakery.Handled()

	doc := aptest.GetDocument(t, post.IRI)
	var sent struct {
		Attachment []struct {
			Type, MediaType, URL, Name string
			Width, Height              int
		}
	}
	if err := json.Unmarshal(doc.Body, &sent); err != nil || len(sent.Attachment) != 1 {
		t.Fatalf("%v: %s", err, doc.Body)
	}
	if a := sent.Attachment[0]; a.Type != "Image" || a.URL != p.Address || a.Name != "The wheel, turning" || a.MediaType != p.Type || a.Width != 1600 || a.Height != 800 {
		t.Errorf("attachment: %+v", a)
	}
	res := aptest.Get(t, p.Address, "Accept", "text/html, application/activity+json")
	if res.Status != 200 || res.Header.Get("Content-Type") != p.Type || res.Header.Get("Content-Security-Policy") != "default-src 'none'; sandbox" || res.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("MED-2: %d %v", res.Status, res.Header)
	}
	if m, _, err := image.Decode(bytes.NewReader(res.Body)); err != nil || m.Bounds().Dx() != 1600 || bytes.Equal(res.Body, original) {
		t.Errorf("MED-1: not drawn anew: %v", err)
	}
	if page := aptest.Get(t, mill.Links.Page(node.TypePost, post.ID), "Accept", "text/html"); !strings.Contains(string(page.Body), `alt="The wheel, turning"`) {
		t.Error("the page of the post does not show its picture")
	}
	if got := bakery.Known(post.IRI).Common().Pictures; len(got) != 1 || got[0].Description != "The wheel, turning" {
		t.Errorf("at the follower: %+v", got)
	}
	aptest.Until(t, "the follower has a copy", func() bool {
		f, err := bakery.DB.Picture(t.Context(), p.Address, node.AsShown)
		return err == nil && f.State == node.PictureKept
	})

	if _, err := mill.Edit(t.Context(), "test", post.ID, func(o node.Object) error { o.Common().Pictures = nil; return nil }); err != nil {
		t.Fatal(err)
	}
	aptest.Until(t, "the dropped picture is gone from our disk", func() bool {
		files, err := mill.DB.PictureFiles()
		return err == nil && !slices.ContainsFunc(files, func(f node.ShelvedFile) bool { return strings.HasSuffix(p.Address, f.Name) })
	})
	if res := aptest.Get(t, p.Address); res.Status != http.StatusNotFound {
		t.Errorf("a dropped picture is served: %d", res.Status)
	}
	mill.Delivered()
	aptest.Until(t, "and at the follower", func() bool {
		_, err := bakery.DB.Picture(t.Context(), p.Address, node.AsShown)
		return node.IsNotFound(err)
	})
}

// Only pictures of ours that are here can be shown, at most four, each with a description; a draft keeps its own.
func TestPicturesThatAPostMayShow(t *testing.T) {
	d := newDesk(t)
	d.Rest() // nothing tidies up meanwhile
	add := func(shade byte) node.Picture {
		p, err := d.AddPicture(t.Context(), painting(t, 20, 20, shade), "A drawing")
		if err != nil {
			t.Fatal(err)
		}
		return *p
	}
	try := func(pictures ...node.Picture) (*node.Post, error) {
		p := &node.Post{Base: node.Base{Type: node.TypePost, Draft: true, Texts: []node.Text{{Source: "Look."}}, Pictures: pictures}}
		return p, d.Node.Node.Publish(t.Context(), "test", p)
	}
	a := add(1)
	bare := a
	bare.Description = " "
	copied := node.PictureFile{Address: "https://studio.example/copied.png", Use: node.AsShown, State: node.PictureKept, Name: strings.Repeat("b", 26), Type: "image/png"}
	if err := d.Store().Tx(t.Context(), func(tx node.Tx) error { return tx.SavePicture(t.Context(), &copied) }); err != nil {
		t.Fatal(err)
	}
	for name, list := range map[string][]node.Picture{
		"our copy of another's": {{Address: copied.Address, Description: "x"}},
		"somebody else's":       {{Address: "https://studio.example/1.png", Description: "x"}},
		"the emblem":            {{Address: d.Links.Icon(), Description: "x"}},
		"one that is not there": {{Address: d.Links.Picture(strings.Repeat("a", 26)), Description: "x"}},
		"without a description": {bare},
		"five":                  {a, add(2), add(3), add(4), add(5)},
	} {
		if _, err := try(list...); node.KindOf(err) != node.Invalid || node.TextOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, file := range map[string][]byte{"SVG": []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), "HTML": []byte("<script>alert(1)</script>"), "nothing": nil} {
		if _, err := d.AddPicture(t.Context(), file, "x"); node.KindOf(err) != node.Invalid {
			t.Errorf("MED-1: %s: %v", name, err)
		}
	}
	for _, description := range []string{"", " ", strings.Repeat("x", 1501)} {
		if _, err := d.AddPicture(t.Context(), painting(t, 20, 20, 6), description); node.KindOf(err) != node.Invalid {
			t.Errorf("described in %d characters: %v", len(description), err)
		}
	}
	if _, err := d.UploadedPicture(t.Context(), copied.Address); !node.IsNotFound(err) {
		t.Errorf("our copy of another's can be shown: %v", err)
	}
	large := append(painting(t, 20, 20, 7), make([]byte, node.MaxPictureFetch)...)
	if err := d.KeepPicture(t.Context(), &node.PictureFile{Address: "https://studio.example/2.png", Use: node.AsShown}, large); node.KindOf(err) != node.Invalid {
		t.Errorf("MED-1: a copy of more than 8 MiB: %v", err)
	}
	draft, err := try(a)
	if err != nil {
		t.Fatal(err)
	}
	later := d.Now().Add(8 * 24 * time.Hour)
	if err := d.Store().Tx(t.Context(), func(tx node.Tx) error { return tx.Sweep(t.Context(), later) }); err != nil {
		t.Fatal(err)
	}
	if _, err := d.UploadedPicture(t.Context(), a.Address); err != nil {
		t.Errorf("the draft's picture was swept: %v", err)
	}
	if err := d.Delete(t.Context(), "test", draft.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := d.UploadedPicture(t.Context(), a.Address); !node.IsNotFound(err) {
		t.Errorf("the deleted draft's picture is still there: %v", err)
	}
}

// The banner is told to others with its description and its true type, and goes back to the drawn one.
func TestOwnBanner(t *testing.T) {
	d := newDesk(t)
	a, err := d.SetPicture(t.Context(), "test", node.AsBanner, painting(t, 3000, 1000, 5), "The river")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Image struct{ URL, Name, MediaType string }
	}
	if err := json.Unmarshal(a.Raw, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Image.URL != a.Image.Address || doc.Image.Name != "The river" || doc.Image.MediaType != a.Image.Type || a.Image.Width != 1500 {
		t.Errorf("image: %+v", doc.Image)
	}
	if a, err = d.DescribePicture(t.Context(), "test", node.AsBanner, "The river in winter"); err != nil || a.Image.Description != "The river in winter" {
		t.Errorf("described: %+v, %v", a, err)
	}
	if a, err = d.RemovePicture(t.Context(), "test", node.AsBanner); err != nil || d.Links.BannerOf(a) != d.Links.Banner() {
		t.Errorf("removed: %+v, %v", a, err)
	}
	if files, err := d.DB.PictureFiles(); err != nil || len(files) > 0 {
		t.Errorf("of the banner there are still %v, %v", files, err)
	}
	if _, err = d.RemovePicture(t.Context(), "test", node.AsIcon); !node.IsNotFound(err) {
		t.Errorf("no icon to remove: %v", err)
	}
}
